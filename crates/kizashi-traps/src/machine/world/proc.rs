//! `/proc`, whose content the kernel makes when it is read, and `/dev`.

use super::super::files::{ImageBuilder, Live, ProcessFile};
use super::World;

/// The folder that stands for every process of a session; its name cannot be typed.
pub(super) const OWN: &str = "/proc/\0own";

const PROCESS_FILES: [(&str, ProcessFile, u16); 10] = [
    ("cmdline", ProcessFile::CommandLine, 0o444),
    ("comm", ProcessFile::Name, 0o644),
    ("status", ProcessFile::Status, 0o444),
    ("stat", ProcessFile::Stat, 0o444),
    ("environ", ProcessFile::Environment, 0o400),
    ("exe", ProcessFile::Program, 0o777),
    ("cwd", ProcessFile::Folder, 0o777),
    ("maps", ProcessFile::Maps, 0o444),
    ("limits", ProcessFile::Limits, 0o444),
    ("cgroup", ProcessFile::Groups, 0o444),
];

const FILES: [(&str, Live); 20] = [
    ("uptime", Live::Uptime),
    ("loadavg", Live::Load),
    ("cpuinfo", Live::Processors),
    ("meminfo", Live::Memory),
    ("mounts", Live::Mounts),
    ("version", Live::Version),
    ("cmdline", Live::CommandLine),
    ("stat", Live::Statistics),
    ("partitions", Live::Partitions),
    ("filesystems", Live::FileSystems),
    ("modules", Live::Modules),
    ("devices", Live::Devices),
    ("swaps", Live::Swaps),
    ("net/dev", Live::Interfaces),
    ("net/route", Live::Routes),
    ("net/arp", Live::Arp),
    ("net/tcp", Live::Tcp),
    ("sys/kernel/random/uuid", Live::RandomId),
    ("sys/kernel/hostname", Live::HostName),
    ("sys/kernel/osrelease", Live::Release),
];

pub(super) fn fill(builder: &mut ImageBuilder, world: &World) {
    builder.folder("/proc", 0o555);
    for (name, live) in FILES {
        builder.live(&format!("/proc/{name}"), live, 0o444);
    }
    builder.live("/proc/sys/kernel/pid_max", Live::Maximum, 0o644);
    for (name, text) in [
        ("sys/vm/nr_hugepages", "0"),
        ("sys/vm/swappiness", "60"),
        ("sys/vm/drop_caches", "0"),
        ("sys/vm/overcommit_memory", "0"),
        ("sys/kernel/ostype", "Linux"),
        ("sys/kernel/nmi_watchdog", "0"),
        ("sys/kernel/randomize_va_space", "2"),
        ("sys/net/ipv4/tcp_syncookies", "1"),
        (
            "crypto",
            "name         : crc32c\ndriver       : crc32c-generic\nmodule       : kernel\npriority     : 100\nrefcnt       : 3\nselftest     : passed\ninternal     : no\ntype         : shash\nblocksize    : 1\ndigestsize   : 4\n",
        ),
    ] {
        let id = builder.text(&format!("/proc/{name}"), format!("{text}\n"));
        builder.dated(id, world.set_up);
    }
    if !world.persona.is_device() {
        builder.text("/proc/diskstats", " 254       0 vda 18123 4211 1283712 9120 88214 61023 3712400 81222 0 60112 93411 0 0 0 0 1211 3068\n 254       1 vda1 18011 4211 1279104 9098 88002 61023 3712384 81110 0 60020 90209 0 0 0 0 0 0\n");
    }
    builder.text("/proc/sys/net/ipv4/ip_forward", "0\n");
    builder.text("/proc/sys/fs/file-max", "9223372036854775807\n");
    builder.live("/proc/self", Live::SelfLink, 0o777);
    for daemon in &world.daemons {
        for (name, file, mode) in PROCESS_FILES {
            builder.live(
                &format!("/proc/{}/{name}", daemon.number),
                Live::Daemon(daemon.number, file),
                mode,
            );
        }
    }
    for (name, file, mode) in PROCESS_FILES {
        builder.live(&format!("{OWN}/{name}"), Live::Own(file), mode);
    }
    builder.folder(&format!("{OWN}/fd"), 0o555);
    for number in 0..3 {
        let file = ProcessFile::Descriptor(number);
        builder.live(&format!("{OWN}/fd/{number}"), Live::Own(file), 0o777);
    }
    builder.live(&format!("{OWN}/mounts"), Live::Mounts, 0o444);
    builder.folder(OWN, 0o555);
    devices(builder, world);
}

fn devices(builder: &mut ImageBuilder, world: &World) {
    for (name, minor, mode) in [
        ("null", 3, 0o666),
        ("zero", 5, 0o666),
        ("full", 7, 0o666),
        ("random", 8, 0o666),
        ("urandom", 9, 0o666),
        ("mem", 1, 0o640),
        ("kmsg", 11, 0o644),
    ] {
        builder.device(&format!("/dev/{name}"), b'c', 1, minor, mode, 0);
    }
    builder.device("/dev/tty", b'c', 5, 0, 0o666, 5);
    builder.device("/dev/console", b'c', 5, 1, 0o600, 5);
    builder.device("/dev/ptmx", b'c', 5, 2, 0o666, 5);
    builder.folder("/dev/pts", 0o755);
    builder.folder("/dev/shm", 0o1777);
    builder.link("/dev/fd", "/proc/self/fd");
    builder.link("/dev/stdin", "/proc/self/fd/0");
    builder.link("/dev/stdout", "/proc/self/fd/1");
    builder.link("/dev/stderr", "/proc/self/fd/2");
    for number in 0..if world.persona.is_device() { 1 } else { 7 } {
        builder.device(&format!("/dev/tty{number}"), b'c', 4, number, 0o620, 5);
    }
    if world.persona.is_device() {
        builder.device("/dev/watchdog", b'c', 10, 130, 0o600, 0);
        for number in 0..6 {
            builder.device(&format!("/dev/mtd{number}"), b'c', 90, number * 2, 0o640, 0);
            builder.device(&format!("/dev/mtdblock{number}"), b'b', 31, number, 0o640, 0);
        }
        return;
    }
    builder.device("/dev/vda", b'b', 254, 0, 0o660, 6);
    builder.device("/dev/vda1", b'b', 254, 1, 0o660, 6);
    builder.folder("/dev/mapper", 0o755);
    builder.folder("/dev/net", 0o755);
    builder.device("/dev/net/tun", b'c', 10, 200, 0o666, 0);
}
