//! The programs are run by an interpreter of classic BPF, so that every call is asked about without making it.

use super::*;

const ALLOWED: u32 = 0x7fff_0000;
const KILLED: u32 = 0x8000_0000;
const MISSING: u32 = 0x0005_0000 | 38;

/// What a program answers to a system call: the instructions that seccomp filters use (`struct seccomp_data` of linux/seccomp.h).
fn answer(program: &BpfProgram, call: i64, arguments: [u64; 6]) -> u32 {
    let architecture: u32 = if cfg!(target_arch = "aarch64") { 0xc000_00b7 } else { 0xc000_003e };
    let mut data = Vec::new();
    data.extend_from_slice(&u32::try_from(call).unwrap().to_ne_bytes());
    data.extend_from_slice(&architecture.to_ne_bytes());
    data.extend_from_slice(&[0; 8]);
    arguments.iter().for_each(|argument| data.extend_from_slice(&argument.to_ne_bytes()));
    let (mut at, mut value) = (0, 0_u32);
    loop {
        let step = &program[at];
        let jump = |holds: bool| usize::from(if holds { step.jt } else { step.jf });
        at += 1;
        match step.code {
            0x20 => {
                let from = step.k as usize;
                value = u32::from_ne_bytes(data[from..from + 4].try_into().unwrap());
            }
            0x54 => value &= step.k,
            0x05 => at += step.k as usize,
            0x15 => at += jump(value == step.k),
            0x25 => at += jump(value > step.k),
            0x35 => at += jump(value >= step.k),
            0x06 => return step.k,
            other => panic!("instruction {other:#x}"),
        }
    }
}

fn of_trap(call: i64, arguments: [u64; 6]) -> u32 {
    answer(&trap_program(false).unwrap(), call, arguments)
}

#[test]
fn whatever_the_trap_has_no_need_for_kills_it() {
    let forbidden = [
        libc::SYS_openat,
        libc::SYS_openat2,
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_connect,
        libc::SYS_socket,
        libc::SYS_bind,
        libc::SYS_listen,
        libc::SYS_ptrace,
        libc::SYS_bpf,
        libc::SYS_mount,
        libc::SYS_kill,
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_memfd_create,
        libc::SYS_sendmsg,
        libc::SYS_sendmmsg,
        libc::SYS_process_vm_readv,
        libc::SYS_pidfd_open,
        libc::SYS_pidfd_getfd,
        libc::SYS_userfaultfd,
        libc::SYS_perf_event_open,
        libc::SYS_setuid,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_unlinkat,
        libc::SYS_mkdirat,
        libc::SYS_renameat2,
        libc::SYS_seccomp,
        libc::SYS_prlimit64,
        libc::SYS_setrlimit,
        libc::SYS_shmget,
        libc::SYS_msgget,
        libc::SYS_keyctl,
        libc::SYS_init_module,
    ];
    for call in forbidden {
        assert_eq!(of_trap(call, [0; 6]), KILLED, "system call {call}");
    }
    let listed: std::collections::BTreeSet<i64> = SERVING.iter().copied().collect();
    let by_argument = [
        libc::SYS_clone,
        libc::SYS_mmap,
        libc::SYS_mprotect,
        libc::SYS_socketpair,
        libc::SYS_tgkill,
        libc::SYS_prctl,
        libc::SYS_fcntl,
        libc::SYS_ioctl,
        libc::SYS_sendto,
    ];
    for call in 0..1_000 {
        if !listed.contains(&call) && !by_argument.contains(&call) {
            assert_eq!(of_trap(call, [0; 6]), KILLED, "system call {call}");
        }
    }
}

#[test]
fn a_call_with_two_faces_has_only_the_harmless_one() {
    let thread =
        u64::from((libc::CLONE_THREAD | libc::CLONE_VM | libc::CLONE_SIGHAND).unsigned_abs());
    assert_eq!(of_trap(libc::SYS_clone, [thread, 0, 0, 0, 0, 0]), ALLOWED);
    assert_eq!(of_trap(libc::SYS_clone, [17, 0, 0, 0, 0, 0]), KILLED, "fork");
    assert_eq!(of_trap(libc::SYS_mmap, [0, 4096, 3, 34, 0, 0]), ALLOWED);
    assert_eq!(of_trap(libc::SYS_mmap, [0, 4096, 7, 34, 0, 0]), KILLED, "executable memory");
    assert_eq!(of_trap(libc::SYS_mprotect, [0, 4096, 5, 0, 0, 0]), KILLED, "executable memory");
    assert_eq!(of_trap(libc::SYS_sendto, [3, 1, 1, 0, 0, 0]), ALLOWED);
    assert_eq!(of_trap(libc::SYS_sendto, [3, 1, 1, 0, 4096, 16]), KILLED, "a datagram to anyone");
    assert_eq!(
        of_trap(libc::SYS_sendto, [3, 1, 1, 0, 1 << 32, 16]),
        KILLED,
        "an address above 4 GiB"
    );
    assert_eq!(of_trap(libc::SYS_socketpair, [2, 1, 0, 0, 0, 0]), KILLED, "AF_INET");
    assert_eq!(of_trap(libc::SYS_tgkill, [1, 1, 9, 0, 0, 0]), KILLED, "another process");
    assert_eq!(of_trap(libc::SYS_prctl, [38, 0, 0, 0, 0, 0]), KILLED);
    let answering = trap_program(true).unwrap();
    assert_eq!(answer(&answering, libc::SYS_sendto, [3, 1, 1, 0, 4096, 16]), ALLOWED);
}

#[test]
fn the_process_that_sees_packets_can_send_none_and_ask_for_no_others() {
    let program = capture_program().unwrap();
    let of = |call, arguments| answer(&program, call, arguments);
    for call in NOT_READING {
        assert_eq!(of(*call, [0; 6]), KILLED, "system call {call}");
    }
    for call in [libc::SYS_bind, libc::SYS_socket, libc::SYS_sendmsg, libc::SYS_sendmmsg] {
        assert_eq!(of(call, [0; 6]), KILLED, "system call {call}");
    }
    assert_eq!(of(libc::SYS_sendto, [3, 1, 1, 0, 4096, 20]), KILLED, "a packet to an interface");
    assert_eq!(of(libc::SYS_getsockopt, [0; 6]), ALLOWED);
    assert_eq!(of(libc::SYS_ppoll, [0; 6]), ALLOWED);
    for call in 0..1_000 {
        let is_allowed = of(call, [0; 6]) == ALLOWED;
        assert!(!is_allowed || of_trap(call, [0; 6]) == ALLOWED, "system call {call} is new");
    }
}

#[test]
fn threads_are_made_by_the_call_whose_flags_can_be_seen() {
    let program = threads_program().unwrap();
    assert_eq!(answer(&program, libc::SYS_clone3, [0; 6]), MISSING);
    assert_eq!(answer(&program, libc::SYS_clone, [0; 6]), ALLOWED);
}

#[test]
fn the_core_starts_no_program_and_looks_into_none() {
    let program = core_program().unwrap();
    for call in STARTING {
        assert_eq!(answer(&program, *call, [0; 6]), KILLED, "system call {call}");
    }
    assert_eq!(answer(&program, libc::SYS_openat, [0; 6]), ALLOWED);
}
