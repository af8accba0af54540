//! Devices, disks, modules and settings of the kernel's.

use super::{Call, Finish};
use crate::machine::files::Who;

pub(super) fn lsmod(call: &mut Call<'_>) -> Finish {
    call.line("Module                  Size  Used by");
    let rows: &[(&str, &str, &str)] = if call.is_busybox() {
        &[("rt2860v2_ap", "1234567", "0")]
    } else {
        &[
            ("tcp_diag", "16384", "0"),
            ("inet_diag", "24576", "1 tcp_diag"),
            ("binfmt_misc", "28672", "1"),
            ("kvm_intel", "380928", "0"),
            ("virtio_balloon", "28672", "0"),
            ("virtio_net", "73728", "0"),
            ("virtio_blk", "28672", "2"),
            ("ext4", "983040", "1"),
            ("jbd2", "167936", "1 ext4"),
        ]
    };
    for (name, size, used) in rows {
        call.line(&format!("{name:<22} {size:>7}  {used}"));
    }
    Finish::Status(0)
}

pub(super) fn modprobe(call: &mut Call<'_>) -> Finish {
    let Some(name) = call
        .arguments()
        .iter()
        .find(|word| word.first() != Some(&b'-'))
        .map(|name| String::from_utf8_lossy(name).into_owned())
    else {
        return Finish::Status(0);
    };
    let kernel = call.kernel.world.system.kernel;
    match (call.base_name(), call.is_busybox()) {
        (_, true) => call.fail(&format!("can't insert '{name}': No such file or directory"), 1),
        (b"insmod", false) => {
            call.fail(&format!("ERROR: could not load module {name}: No such file or directory"), 1)
        }
        (b"rmmod", false) => call.fail(&format!("ERROR: Module {name} is not currently loaded"), 1),
        _ if name == "msr" => Finish::Status(0),
        _ => call
            .fail(&format!("FATAL: Module {name} not found in directory /lib/modules/{kernel}"), 1),
    }
}

pub(super) fn sysctl(call: &mut Call<'_>) -> Finish {
    let given =
        match call.options("wnpaeqN", &[("write", b'w'), ("system", b'p'), ("all", b'a')], 1) {
            Ok(given) => given,
            Err(finish) => return finish,
        };
    let mut status = 0;
    for word in &given.rest {
        let text = String::from_utf8_lossy(word).into_owned();
        let (name, value) = text
            .split_once('=')
            .map_or((text.trim(), None), |(name, value)| (name.trim(), Some(value.trim())));
        let path = format!("/proc/sys/{}", name.replace('.', "/"));
        if let Some(value) = value {
            if call.who.is_root() {
                call.line(&format!("{name} = {value}"));
            } else {
                call.complain(&format!("permission denied on key '{name}'"));
                status = 255;
            }
            continue;
        }
        match call.kernel.read_path(b"/", path.as_bytes(), Who::ROOT) {
            Ok(bytes) => {
                let value = String::from_utf8_lossy(&bytes).trim().to_owned();
                let line = if given.has(b'n') { value } else { format!("{name} = {value}") };
                call.line(&line);
            }
            Err(_) => {
                call.complain(&format!("cannot stat {path}: No such file or directory"));
                status = 255;
            }
        }
    }
    Finish::Status(status)
}
