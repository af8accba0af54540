//! Commands about the machine, its processes, its users and its network.

mod download;
mod fetch;
mod hardware;
mod interfaces;
mod kill;
mod machine;
mod network;
mod processes;
mod running;
mod sessions;
mod times;
mod users;

pub(super) use times::parsed as date_of;

use super::{
    Call, Command, Finish, Moment, Question, Replacement, administration, device, other, server,
    usual,
};

pub(super) const COMMANDS: &[Command] = &[
    usual("uname", machine::uname),
    usual("arch", |call| {
        let text = call.kernel.world.architecture.machine();
        call.line(text);
        Finish::Status(0)
    }),
    usual("hostname", machine::hostname),
    other("nproc", machine::nproc),
    other("free", machine::free),
    usual("mount", machine::mount),
    usual("umount", machine::umount),
    usual("dmesg", machine::dmesg),
    server("lscpu", machine::lscpu),
    usual("ps", processes::ps),
    other("top", processes::top),
    usual("kill", kill::kill),
    other("killall", processes::killall),
    usual("pidof", processes::pidof),
    server("pgrep", processes::pgrep),
    server("pkill", processes::pgrep),
    other("uptime", times::uptime),
    usual("date", times::date),
    usual("sleep", times::sleep),
    server("w", users::w),
    other("who", users::who),
    server("users", users::who),
    other("whoami", users::whoami),
    other("id", users::id),
    server("groups", users::groups),
    server("last", users::last),
    other("wget", network::wget),
    server("curl", network::curl),
    device("tftp", network::tftp),
    device("ftpget", network::ftpget),
    administration("reboot", |call| {
        if call.is_busybox() {
            return Finish::Status(0);
        }
        let wrong = call.arguments().iter().find(|word| {
            word.starts_with(b"--")
                && ![&b"--force"[..], b"--reboot", b"--halt", b"--poweroff", b"--no-wall"]
                    .contains(&&word[..])
        });
        if let Some(word) = wrong {
            let text = format!("unrecognized option '{}'", String::from_utf8_lossy(word));
            return call.fail(&text, 1);
        }
        Finish::Ends
    }),
    administration("halt", |_| Finish::Ends),
    administration("poweroff", |_| Finish::Ends),
];

/// The network, devices, terminals: what `server` has not for servers.
pub(super) const NETWORK: &[Command] = &[
    administration("ifconfig", interfaces::ifconfig),
    usual("netstat", interfaces::netstat),
    administration("route", interfaces::route),
    administration("arp", interfaces::arp),
    device("ip", interfaces::ip),
    device("ping", interfaces::ping),
    device("nslookup", interfaces::lookup),
    device("lsmod", hardware::lsmod),
    device("sysctl", hardware::sysctl),
    administration("insmod", hardware::modprobe),
    administration("rmmod", hardware::modprobe),
    administration("ldconfig", sessions::quiet),
    device("logger", sessions::quiet),
    device("tty", sessions::tty),
    device("vi", sessions::quiet),
    device("nc", sessions::netcat),
    device("telnet", sessions::telnet),
    server("sftp", sessions::copy_out),
    usual("watch", sessions::watch),
];

/// Commands that run others.
pub(super) const SHELLS: &[Command] = &[
    usual("sh", |_| Finish::Shell),
    usual("ash", |_| Finish::Shell),
    server("bash", |_| Finish::Shell),
    server("dash", |_| Finish::Shell),
    server("rbash", |_| Finish::Shell),
    usual("busybox", |_| Finish::Status(0)),
    usual("env", running::env),
    server("printenv", running::printenv),
    other("nohup", running::nohup),
    other("timeout", running::timeout),
    other("nice", running::nice),
    server("setsid", running::plain),
    server("stdbuf", running::nice),
    other("time", running::plain),
    other("xargs", running::xargs),
    usual("su", users::su),
    server("sudo", users::sudo),
    usual("passwd", users::passwd),
    administration("chpasswd", users::chpasswd),
];
