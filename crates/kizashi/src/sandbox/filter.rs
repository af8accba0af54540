//! seccomp-bpf: which system calls there are. The trap's list allows what tokio, the allocator, threads and sockets that exist
//! already need; the rest kills the process, which the supervisor sees (SIGSYS) and tells. Arguments are looked at where a
//! call has two faces: `clone` makes threads only, `mmap` and `mprotect` never make memory executable, `sendto` names no
//! receiver, `tgkill` reaches only this process, `socketpair` is local.
//!
//! `clone3` is answered ENOSYS, for its flags are out of a filter's sight; the C library then uses `clone`.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Length, SeccompCmpOp as Compare,
    SeccompCondition, SeccompFilter, SeccompRule, TargetArch, apply_filter,
};

/// Calls that are allowed whatever their arguments.
const SERVING: &[i64] = &[
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_accept4,
    libc::SYS_shutdown,
    // Also what port a visitor wrote to, where all of them are led to one listener (`ports/mod.rs`).
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    libc::SYS_getsockopt,
    libc::SYS_setsockopt,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_eventfd2,
    libc::SYS_ppoll,
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_restart_syscall,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_membarrier,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_clone3,
    libc::SYS_exit,
    libc::SYS_exit_group,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_time,
];

/// Calls of those that the process which sees packets has no use for, and that would let it do more than read: take connections, and set
/// options of its socket, by which it could ask for packets that its filter leaves out.
const NOT_READING: &[i64] = &[
    libc::SYS_accept4,
    libc::SYS_setsockopt,
    libc::SYS_getpeername,
    libc::SYS_getsockname,
    libc::SYS_socketpair,
];

/// Calls by which a program starts another, looks into another, or changes the machine.
const STARTING: &[i64] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_io_uring_setup,
    libc::SYS_userfaultfd,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_open_by_handle_at,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_sethostname,
];

type Built<T> = Result<T, seccompiler::BackendError>;

/// Applies the trap's filter to this thread and all that it will start.
pub(super) fn trap(answers_datagrams: bool) -> Result<(), String> {
    let threads = threads_program().map_err(|error| error.to_string())?;
    let program = trap_program(answers_datagrams).map_err(|error| error.to_string())?;
    // The stricter answer of two filters counts; the one that allows the least comes last, for it allows no more filters.
    apply_filter(&threads).and_then(|()| apply_filter(&program)).map_err(|error| error.to_string())
}

/// Applies the filter of the process that sees packets: what the trap has, but for [`NOT_READING`]. No call is new: the ring is read as
/// memory, waited for by `ppoll`, and the kernel's figures come by `getsockopt`.
pub(super) fn capture() -> Result<(), String> {
    let threads = threads_program().map_err(|error| error.to_string())?;
    let program = capture_program().map_err(|error| error.to_string())?;
    apply_filter(&threads).and_then(|()| apply_filter(&program)).map_err(|error| error.to_string())
}

/// Applies the core's filter to this thread and all that it will start.
pub(super) fn core() -> Result<(), String> {
    let program = core_program().map_err(|error| error.to_string())?;
    apply_filter(&program).map_err(|error| error.to_string())
}

fn architecture() -> TargetArch {
    if cfg!(target_arch = "aarch64") { TargetArch::aarch64 } else { TargetArch::x86_64 }
}

fn core_program() -> Built<BpfProgram> {
    let rules = STARTING.iter().map(|call| (*call, Vec::new())).collect();
    SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::KillProcess, architecture())?
        .try_into()
}

/// Answers `clone3` as a kernel does that has none.
fn threads_program() -> Built<BpfProgram> {
    let rules = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    let missing = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    SeccompFilter::new(rules, SeccompAction::Allow, missing, architecture())?.try_into()
}

fn when(argument: u8, compare: Compare, value: u64) -> Built<SeccompCondition> {
    SeccompCondition::new(argument, Length::Dword, compare, value)
}

fn wide(argument: u8, compare: Compare, value: u64) -> Built<SeccompCondition> {
    SeccompCondition::new(argument, Length::Qword, compare, value)
}

fn trap_program(answers_datagrams: bool) -> Built<BpfProgram> {
    allowing(serving_rules(answers_datagrams)?)
}

fn capture_program() -> Built<BpfProgram> {
    let mut rules = serving_rules(false)?;
    NOT_READING.iter().for_each(|call| drop(rules.remove(call)));
    allowing(rules)
}

/// Whatever is not allowed kills the process.
fn allowing(rules: BTreeMap<i64, Vec<SeccompRule>>) -> Built<BpfProgram> {
    SeccompFilter::new(rules, SeccompAction::KillProcess, SeccompAction::Allow, architecture())?
        .try_into()
}

fn serving_rules(answers_datagrams: bool) -> Built<BTreeMap<i64, Vec<SeccompRule>>> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        SERVING.iter().map(|call| (*call, Vec::new())).collect();
    let mut allow = |call: i64, conditions: Vec<SeccompCondition>| -> Built<()> {
        rules.entry(call).or_default().push(SeccompRule::new(conditions)?);
        Ok(())
    };
    let constant = |value: i32| u64::from(value.unsigned_abs());
    let executable = constant(libc::PROT_EXEC);
    let thread = constant(libc::CLONE_THREAD) | constant(libc::CLONE_VM);
    allow(libc::SYS_clone, vec![wide(0, Compare::MaskedEq(thread), thread)?])?;
    allow(libc::SYS_mmap, vec![wide(2, Compare::MaskedEq(executable), 0)?])?;
    allow(libc::SYS_mprotect, vec![wide(2, Compare::MaskedEq(executable), 0)?])?;
    allow(libc::SYS_socketpair, vec![when(0, Compare::Eq, constant(libc::AF_UNIX))?])?;
    allow(libc::SYS_tgkill, vec![when(0, Compare::Eq, u64::from(std::process::id()))?])?;
    allow(libc::SYS_prctl, vec![when(0, Compare::Eq, constant(libc::PR_SET_NAME))?])?;
    allow(libc::SYS_prctl, vec![when(0, Compare::Eq, constant(libc::PR_SET_VMA))?])?;
    for command in
        [libc::F_GETFL, libc::F_SETFL, libc::F_GETFD, libc::F_SETFD, libc::F_DUPFD_CLOEXEC]
    {
        allow(libc::SYS_fcntl, vec![when(1, Compare::Eq, constant(command))?])?;
    }
    allow(libc::SYS_ioctl, vec![when(1, Compare::Eq, libc::FIONBIO)?])?;
    if answers_datagrams {
        rules.insert(libc::SYS_sendto, Vec::new());
    } else {
        allow(libc::SYS_sendto, vec![wide(4, Compare::Eq, 0)?])?;
    }
    Ok(rules)
}

#[cfg(test)]
mod tests;
