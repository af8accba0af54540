//! Commands about the machine, its processes, its users and its network.

mod administration;
mod hardware;
mod interfaces;
mod interpreters;
mod machine;
mod network;
mod processes;
mod running;
mod sessions;
mod times;
mod users;

use super::{
    Call, Command, Finish, Moment, Question, Replacement, administration, other, server, usual,
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
    usual("kill", processes::kill),
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
    other("tftp", network::tftp),
    other("ftpget", network::ftpget),
    administration(
        "reboot",
        |call| {
            if call.is_busybox() { Finish::Status(0) } else { Finish::Ends }
        },
    ),
    administration("halt", |_| Finish::Ends),
    administration("poweroff", |_| Finish::Ends),
];

/// The network, services, packages, accounts.
pub(super) const ADMINISTRATION: &[Command] = &[
    administration("ip", interfaces::ip),
    administration("ifconfig", interfaces::ifconfig),
    server("ss", interfaces::ss),
    usual("netstat", interfaces::netstat),
    administration("route", interfaces::route),
    administration("arp", interfaces::arp),
    usual("ping", interfaces::ping),
    other("nslookup", interfaces::lookup),
    server("host", interfaces::lookup),
    server("dig", interfaces::lookup),
    server("systemctl", administration::systemctl),
    server("service", administration::old_service),
    other("crontab", administration::crontab),
    administration("useradd", administration::useradd),
    administration("adduser", administration::useradd),
    administration("usermod", administration::usermod),
    administration("userdel", administration::usermod),
    server("dpkg", administration::dpkg),
    server("apt", administration::apt),
    server("apt-get", administration::apt),
    server("python3", interpreters::python),
    server("perl", interpreters::perl),
    server("ssh", administration::ssh),
];

/// Devices and settings, connections out, terminals.
pub(super) const MACHINERY: &[Command] = &[
    server("lspci", hardware::lspci),
    server("lsusb", hardware::lsusb),
    server("lsblk", hardware::lsblk),
    administration("blkid", hardware::blkid),
    administration("fdisk", hardware::fdisk),
    administration("lsmod", hardware::lsmod),
    administration("modprobe", hardware::modprobe),
    administration("insmod", hardware::modprobe),
    administration("rmmod", hardware::modprobe),
    administration("sysctl", hardware::sysctl),
    server("dmidecode", hardware::dmidecode),
    server("vmstat", hardware::vmstat),
    administration("iptables", hardware::iptables),
    administration("swapoff", sessions::quiet),
    administration("swapon", sessions::quiet),
    administration("ldconfig", sessions::quiet),
    server("update-rc.d", sessions::quiet),
    other("logger", sessions::quiet),
    server("mesg", sessions::quiet),
    other("tty", sessions::tty),
    usual("stty", sessions::stty),
    server("getent", sessions::getent),
    other("nc", sessions::netcat),
    other("telnet", sessions::telnet),
    server("scp", sessions::copy_out),
    server("sftp", sessions::copy_out),
    server("rsync", sessions::copy_out),
    server("ftp", sessions::copy_out),
    server("git", sessions::git),
    usual("watch", sessions::watch),
    server("hostnamectl", sessions::hostnamectl),
    server("lsb_release", sessions::lsb_release),
    server("systemd-detect-virt", sessions::virtualization),
    server("journalctl", sessions::journal),
    server("getconf", sessions::getconf),
    server("ldd", sessions::ldd),
    usual("vi", sessions::editor),
    server("vim", sessions::editor),
    server("nano", sessions::editor),
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
