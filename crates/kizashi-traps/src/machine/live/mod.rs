//! What the kernel says when a file of `/proc` is read. The numbers are those that `free`, `df`, `ps`, `uptime` and `ip` show, from the
//! same functions.

mod memory;
mod network;
mod processes;

use std::fmt::Write as _;

use super::files::{Fault, Live};
use super::kernel::Kernel;
use super::program::Architecture;

pub(crate) use processes::Process;

/// A mounted file system: device, folder, type, options, 1K-blocks, used.
pub(crate) struct Mount {
    pub(crate) device: String,
    pub(crate) folder: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) options: &'static str,
    pub(crate) blocks: u64,
    pub(crate) used: u64,
}

fn mount(
    device: &str,
    folder: &'static str,
    kind: &'static str,
    options: &'static str,
    blocks: u64,
    used: u64,
) -> Mount {
    Mount { device: device.to_owned(), folder, kind, options, blocks, used }
}

impl Kernel {
    pub(super) fn read_live(&mut self, live: Live) -> Result<Vec<u8>, Fault> {
        let text = match live {
            Live::Uptime => self.uptime_text(),
            Live::Load => self.load_text(),
            Live::Processors => self.processors_text(),
            Live::Memory => self.memory().text(),
            Live::Mounts => self.mounts_text(),
            Live::Version => self.version_text(),
            Live::CommandLine => self.boot_line(),
            Live::Statistics => self.statistics_text(),
            Live::Partitions => self.partitions_text(),
            Live::Interfaces => self.interfaces_text(),
            Live::Routes => self.routes_text(),
            Live::Arp => self.arp_text(),
            Live::Tcp => self.tcp_text(),
            Live::FileSystems => "nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\nnodev\tdevtmpfs\n\text3\n\text2\n\text4\n\tsquashfs\n\tvfat\n".to_owned(),
            Live::Modules => self.modules_text(),
            Live::Devices => "Character devices:\n  1 mem\n  4 tty\n  5 /dev/tty\n 10 misc\n136 pts\n\nBlock devices:\n  8 sd\n254 virtblk\n".to_owned(),
            Live::Swaps => self.swaps_text(),
            Live::RandomId => self.random_id(),
            Live::Maximum => format!("{}\n", self.world.process_limit()),
            Live::HostName => format!("{}\n", self.world.host),
            Live::Release => format!("{}\n", self.world.system.kernel),
            Live::SelfLink => return Err(Fault::IsAFolder),
            Live::Daemon(number, file) => return self.daemon_file(number, file),
            Live::Own(file) => return self.own_file(file),
        };
        Ok(text.into_bytes())
    }

    fn uptime_text(&self) -> String {
        let (seconds, hundredths) = self.world.uptime(self.now());
        let idle = seconds * i64::from(self.world.hardware.processors) * 97 / 100;
        format!("{seconds}.{hundredths:02} {idle}.{:02}\n", 99 - hundredths)
    }

    /// Load over 1, 5 and 15 minutes, in hundredths.
    pub(crate) fn load(&self) -> [u64; 3] {
        let base = if self.world.persona.is_device() { 60 } else { 0 };
        [(5, 12), (60, 9), (300, 7)]
            .map(|(seconds, bound)| base + self.world.wandering("load", self.now(), seconds, bound))
    }

    fn load_text(&self) -> String {
        let [one, five, fifteen] =
            self.load().map(|load| format!("{}.{:02}", load / 100, load % 100));
        format!(
            "{one} {five} {fifteen} 1/{} {}\n",
            self.world.daemons.len() * 2 + 9,
            self.last_process()
        )
    }

    fn processors_text(&self) -> String {
        let hardware = &self.world.hardware;
        let mut text = String::new();
        match self.world.architecture {
            Architecture::X86_64 => {
                for number in 0..hardware.processors {
                    self.server_processor(number, &mut text);
                }
            }
            Architecture::Mips | Architecture::Mipsel => self.mips_processor(&mut text),
            Architecture::Arm => self.arm_processors(&mut text),
        }
        text
    }

    fn mips_processor(&self, text: &mut String) {
        let processor = self.world.hardware.processor;
        // What their kernels measured: half of the clock on a 74Kc, two thirds on a 24KEc.
        let (machine, bogomips) = match self.world.architecture {
            Architecture::Mips => ("TP-LINK TL-WR841N/ND v8", "266.24"),
            _ => ("Unknown", "385.84"),
        };
        let _ = write!(
            text,
            "system type\t\t: {}\nmachine\t\t\t: {machine}\nprocessor\t\t: 0\ncpu model\t\t: {}\nBogoMIPS\t\t: {bogomips}\nwait instruction\t: yes\nmicrosecond timers\t: yes\ntlb_entries\t\t: 32\nextra interrupt vector\t: yes\nhardware watchpoint\t: yes, count: 4, address/irw mask: [0x0ffc, 0x0ffc, 0x0ffb, 0x0ffb]\nisa\t\t\t: mips1 mips2 mips32r1 mips32r2\nASEs implemented\t: {}\nshadow register sets\t: 1\nkscratch registers\t: 0\ncore\t\t\t: 0\nVCED exceptions\t\t: not available\nVCEI exceptions\t\t: not available\n\n",
            processor.vendor, processor.model, processor.flags
        );
    }

    fn arm_processors(&self, text: &mut String) {
        let hardware = &self.world.hardware;
        let processor = hardware.processor;
        let bogomips = processor.khz / 5;
        let (whole, part) = (bogomips / 100, bogomips % 100);
        if self.world.persona == super::Persona::ArmRouter {
            // Kernels before 3.8 tell what all processors share once.
            let _ = writeln!(text, "Processor\t: {}", processor.model);
            for number in 0..hardware.processors {
                let _ = write!(
                    text,
                    "processor\t: {number}\nBogoMIPS\t: {}.{}\n\n",
                    if number == 0 { 1_599 } else { 1_595 },
                    if number == 0 { "07" } else { "80" }
                );
            }
            let _ = write!(
                text,
                "Features\t: {} \nCPU implementer\t: 0x41\nCPU architecture: 7\nCPU variant\t: 0x3\nCPU part\t: 0x{:03x}\nCPU revision\t: {}\n\n",
                processor.flags, processor.number, processor.stepping
            );
        } else {
            for number in 0..hardware.processors {
                let _ = write!(
                    text,
                    "processor\t: {number}\nmodel name\t: {}\nBogoMIPS\t: {}.{part:02}\nFeatures\t: {} \nCPU implementer\t: 0x41\nCPU architecture: 7\nCPU variant\t: 0x0\nCPU part\t: 0x{:03x}\nCPU revision\t: {}\n\n",
                    processor.model,
                    whole / 20,
                    processor.flags,
                    processor.number,
                    processor.stepping
                );
            }
        }
        let _ = write!(
            text,
            "Hardware\t: {}\nRevision\t: 0000\nSerial\t\t: 0000000000000000\n",
            processor.vendor
        );
    }

    fn server_processor(&self, number: u32, text: &mut String) {
        let hardware = &self.world.hardware;
        let processor = hardware.processor;
        let bogomips = processor.khz / 5;
        let bugs = if processor.vendor == "GenuineIntel" {
            "cpu_meltdown spectre_v1 spectre_v2 spec_store_bypass l1tf mds swapgs taa itlb_multihit mmio_stale_data retbleed"
        } else {
            "sysret_ss_attrs null_seg spectre_v1 spectre_v2 spec_store_bypass retbleed smt_rsb srso"
        };
        let _ = write!(
            text,
            "processor\t: {number}\nvendor_id\t: {}\ncpu family\t: {}\nmodel\t\t: {}\nmodel name\t: {}\nstepping\t: {}\nmicrocode\t: 0x1\ncpu MHz\t\t: {}.{:03}\ncache size\t: {} KB\nphysical id\t: {number}\nsiblings\t: 1\ncore id\t\t: 0\ncpu cores\t: 1\napicid\t\t: {number}\ninitial apicid\t: {number}\nfpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: 13\nwp\t\t: yes\nflags\t\t: {}\nbugs\t\t: {bugs}\nbogomips\t: {}.{:02}\nclflush size\t: 64\ncache_alignment\t: 64\naddress sizes\t: 40 bits physical, 48 bits virtual\npower management:\n\n",
            processor.vendor,
            processor.family,
            processor.number,
            processor.model,
            processor.stepping,
            processor.khz / 1_000,
            processor.khz % 1_000,
            processor.cache_kb,
            processor.flags,
            bogomips / 100,
            bogomips % 100
        );
    }

    /// What is mounted, in the order of `/proc/mounts`.
    #[expect(
        clippy::too_many_lines,
        reason = "one flat sequence of the tool's own options and texts"
    )]
    pub(crate) fn mounts(&self) -> Vec<Mount> {
        let hardware = &self.world.hardware;
        let memory = hardware.memory_kb;
        if self.world.persona.is_device() {
            return self.device_mounts();
        }
        let tenth = memory / 10;
        vec![
            mount("sysfs", "/sys", "sysfs", "rw,nosuid,nodev,noexec,relatime", 0, 0),
            mount("proc", "/proc", "proc", "rw,nosuid,nodev,noexec,relatime", 0, 0),
            mount(
                "udev",
                "/dev",
                "devtmpfs",
                "rw,nosuid,relatime,size=SIZEk,nr_inodes=123456,mode=755,inode64",
                memory / 2 - 18_000,
                0,
            ),
            mount(
                "devpts",
                "/dev/pts",
                "devpts",
                "rw,nosuid,noexec,relatime,gid=5,mode=620,ptmxmode=000",
                0,
                0,
            ),
            mount(
                "tmpfs",
                "/run",
                "tmpfs",
                "rw,nosuid,nodev,noexec,relatime,size=SIZEk,mode=755,inode64",
                tenth,
                560,
            ),
            mount(
                "/dev/vda1",
                "/",
                "ext4",
                "rw,relatime,errors=remount-ro",
                hardware.disk_kb,
                (hardware.disk_kb - hardware.disk_kb / 20).saturating_sub(self.files.room / 1024),
            ),
            mount(
                "securityfs",
                "/sys/kernel/security",
                "securityfs",
                "rw,nosuid,nodev,noexec,relatime",
                0,
                0,
            ),
            mount("tmpfs", "/dev/shm", "tmpfs", "rw,nosuid,nodev,inode64", memory / 2, 0),
            mount(
                "tmpfs",
                "/run/lock",
                "tmpfs",
                "rw,nosuid,nodev,noexec,relatime,size=5120k,inode64",
                5_120,
                0,
            ),
            mount(
                "cgroup2",
                "/sys/fs/cgroup",
                "cgroup2",
                "rw,nosuid,nodev,noexec,relatime,nsdelegate,memory_recursiveprot",
                0,
                0,
            ),
            mount(
                "debugfs",
                "/sys/kernel/debug",
                "debugfs",
                "rw,nosuid,nodev,noexec,relatime",
                0,
                0,
            ),
            mount(
                "tmpfs",
                "/run/user/0",
                "tmpfs",
                "rw,nosuid,nodev,relatime,size=SIZEk,nr_inodes=62276,mode=700,inode64",
                tenth,
                0,
            ),
        ]
    }

    fn device_mounts(&self) -> Vec<Mount> {
        let hardware = &self.world.hardware;
        let memory = hardware.memory_kb;
        let half = memory / 2;
        let mut all = vec![
            mount("rootfs", "/", "rootfs", "rw", 0, 0),
            mount(
                "/dev/root",
                "/",
                "jffs2",
                "rw,relatime",
                hardware.disk_kb,
                hardware.disk_kb.saturating_sub(self.files.room / 1024),
            ),
            mount("proc", "/proc", "proc", "rw,relatime", 0, 0),
            mount("sysfs", "/sys", "sysfs", "rw,relatime", 0, 0),
            mount("tmpfs", "/dev", "tmpfs", "rw,relatime", half, 0),
            mount("devpts", "/dev/pts", "devpts", "rw,relatime,mode=600", 0, 0),
            mount("tmpfs", "/tmp", "tmpfs", "rw,relatime", half, 12),
            mount("tmpfs", "/var", "tmpfs", "rw,relatime", half, 64),
        ];
        if self.world.persona == super::Persona::Camera {
            all.push(mount("/dev/mtdblock4", "/mnt/mtd", "jffs2", "rw,relatime", 1_024, 388));
        }
        all
    }

    pub(crate) fn mounts_text(&self) -> String {
        let line = |mount: Mount| {
            let options = mount.options.replace("SIZE", &mount.blocks.to_string());
            format!("{} {} {} {options} 0 0\n", mount.device, mount.folder, mount.kind)
        };
        self.mounts().into_iter().map(line).collect()
    }

    pub(crate) fn version_text(&self) -> String {
        let system = self.world.system;
        format!("Linux version {} {} {}\n", system.kernel, system.compiler, system.build)
    }

    fn boot_line(&self) -> String {
        if self.world.persona.is_device() {
            let rest = match self.world.persona {
                super::Persona::Android => {
                    "init=/init console=ttyS0,115200 no_console_suspend earlyprintk=aml-uart,0xc81004c0 androidboot.selinux=permissive"
                }
                super::Persona::Camera => "console=ttyAMA0,115200 mem=128M",
                super::Persona::Router => "console=ttyS0,115200 board=TL-WR841N-v8",
                super::Persona::MipselRouter => "console=ttyS1,57600n8",
                _ => "console=ttyS0,115200",
            };
            return format!("{rest} root=/dev/mtdblock5 rootfstype=jffs2\n");
        }
        format!(
            "BOOT_IMAGE=/boot/vmlinuz-{} root=UUID={} ro quiet\n",
            self.world.system.kernel,
            self.world.disk_id()
        )
    }

    fn statistics_text(&self) -> String {
        let (seconds, _) = self.world.uptime(self.now());
        let ticks = seconds * 100;
        let line = |name: &str, share: i64| {
            format!(
                "{name} {} {} {} {} {} 0 {} 0 0 0\n",
                ticks * share / 900,
                ticks / 40_000,
                ticks * share / 1_100,
                ticks * 97 / 100 * share,
                ticks * share / 2_000,
                ticks / 9_000
            )
        };
        let processors = self.world.hardware.processors;
        let mut text = line("cpu ", i64::from(processors));
        for number in 0..processors {
            text.push_str(&line(&format!("cpu{number}"), 1));
        }
        let _ = write!(
            text,
            "intr {}\nctxt {}\nbtime {}\nprocesses {}\nprocs_running 1\nprocs_blocked 0\n",
            ticks * 3,
            ticks * 5,
            self.world.boot(self.now()),
            self.last_process()
        );
        text
    }

    fn partitions_text(&self) -> String {
        let kb = self.world.hardware.disk_kb;
        if self.world.persona.is_device() {
            let sizes = [256, 64, 64, 2_048, 1_024, 7_168];
            let lines: String = sizes
                .iter()
                .enumerate()
                .map(|(number, size)| format!("  31        {number} {size:>10} mtdblock{number}\n"))
                .collect();
            return format!("major minor  #blocks  name\n\n{lines}");
        }
        format!(
            "major minor  #blocks  name\n\n 254        0 {:>10} vda\n 254        1 {:>10} vda1\n",
            kb + 1_024,
            kb
        )
    }

    fn modules_text(&self) -> String {
        if self.world.persona.is_device() {
            return match self.world.persona {
                super::Persona::Android => "mali 210692 11 - Live 0x00000000 (O)\ndhd 1093856 0 - Live 0x00000000 (O)\n",
                super::Persona::Camera => "hi3536_isp 182304 0 - Live 0xbf012000 (P)\n",
                super::Persona::Router => "ath9k 102608 0 - Live 0x81a20000\nath9k_hw 327120 1 ath9k, Live 0x81980000\nmac80211 391296 1 ath9k, Live 0x81880000\n",
                super::Persona::MipselRouter => "mt7628_ap 2231360 1 - Live 0x82400000 (P)\n",
                _ => "wl 4364221 0 - Live 0xbf1a0000 (P)\net 58532 0 - Live 0xbf092000 (P)\nigs 13140 1 wl, Live 0xbf17c000 (P)\n",
            }
            .to_owned();
        }
        [
            "tcp_diag 16384 0 - Live 0x0000000000000000",
            "inet_diag 24576 1 tcp_diag, Live 0x0000000000000000",
            "virtio_net 73728 0 - Live 0x0000000000000000",
            "virtio_blk 28672 2 - Live 0x0000000000000000",
            "ext4 983040 1 - Live 0x0000000000000000",
        ]
        .map(|line| format!("{line}\n"))
        .concat()
    }

    fn swaps_text(&self) -> String {
        let head = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
        match self.world.hardware.swap_kb {
            0 => head.to_owned(),
            kb => {
                format!("{head}/swapfile                               file\t\t{kb}\t\t0\t\t-2\n")
            }
        }
    }

    fn random_id(&mut self) -> String {
        let (high, low) = (self.random(), self.random());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}\n",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | (low >> 48) & 0x3fff,
            low & 0xffff_ffff_ffff
        )
    }
}
