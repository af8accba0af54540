//! Operating systems by name: versions, kernels and the shells' own words, each from its distribution's packages.

use super::Persona;
use crate::Identity;
use crate::identity::OperatingSystem;

/// Whose texts the userland speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// coreutils, procps, util-linux.
    Gnu,
    BusyBox,
}

/// A system's constant facts.
#[derive(Debug)]
pub(crate) struct System {
    pub(crate) dialect: Dialect,
    pub(crate) pretty: &'static str,
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) version_id: &'static str,
    pub(crate) version: &'static str,
    pub(crate) codename: &'static str,
    pub(crate) kernel: &'static str,
    pub(crate) build: &'static str,
    /// `Linux version …` of `/proc/version`.
    pub(crate) compiler: &'static str,
    pub(crate) bash: &'static str,
    pub(crate) python: &'static str,
    pub(crate) perl: &'static str,
    pub(crate) systemd: &'static str,
    pub(crate) openssh: &'static str,
    pub(crate) busybox: &'static str,
    /// Whether bash names the line in `-c` (5.1 and later).
    pub(crate) names_line: bool,
    pub(crate) issue: &'static str,
}

static DEBIAN_11: System = System {
    dialect: Dialect::Gnu,
    pretty: "Debian GNU/Linux 11 (bullseye)",
    id: "debian",
    name: "Debian GNU/Linux",
    version_id: "11",
    version: "11 (bullseye)",
    codename: "bullseye",
    kernel: "5.10.0-32-amd64",
    build: "#1 SMP Debian 5.10.223-1 (2024-08-10)",
    compiler: "(debian-kernel@lists.debian.org) (gcc-10 (Debian 10.2.1-6) 10.2.1 20210110, GNU ld (GNU Binutils for Debian) 2.35.2)",
    bash: "5.1.4(1)-release",
    python: "3.9.2",
    perl: "v5.32.1",
    systemd: "247 (247.3-7+deb11u5)",
    openssh: "OpenSSH_8.4p1 Debian-5+deb11u7, OpenSSL 1.1.1w  11 Sep 2023",
    busybox: "BusyBox v1.30.1 (Debian 1:1.30.1-6+b3) multi-call binary.",
    names_line: true,
    issue: "Debian GNU/Linux 11 \\n \\l\n\n",
};

static DEBIAN_12: System = System {
    dialect: Dialect::Gnu,
    pretty: "Debian GNU/Linux 12 (bookworm)",
    id: "debian",
    name: "Debian GNU/Linux",
    version_id: "12",
    version: "12 (bookworm)",
    codename: "bookworm",
    kernel: "6.1.0-28-amd64",
    build: "#1 SMP PREEMPT_DYNAMIC Debian 6.1.119-1 (2024-11-22)",
    compiler: "(debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0, GNU ld (GNU Binutils for Debian) 2.40)",
    bash: "5.2.15(1)-release",
    python: "3.11.2",
    perl: "v5.36.0",
    systemd: "252 (252.31-1~deb12u1)",
    openssh: "OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.22 25 Aug 2026",
    busybox: "BusyBox v1.35.0 (Debian 1:1.35.0-4+b3) multi-call binary.",
    names_line: true,
    issue: "Debian GNU/Linux 12 \\n \\l\n\n",
};

static UBUNTU_20: System = System {
    dialect: Dialect::Gnu,
    pretty: "Ubuntu 20.04.6 LTS",
    id: "ubuntu",
    name: "Ubuntu",
    version_id: "20.04",
    version: "20.04.6 LTS (Focal Fossa)",
    codename: "focal",
    kernel: "5.4.0-205-generic",
    build: "#225-Ubuntu SMP Fri Jan 10 22:23:35 UTC 2025",
    compiler: "(buildd@lcy02-amd64-085) (gcc version 9.4.0 (Ubuntu 9.4.0-1ubuntu1~20.04.2))",
    bash: "5.0.17(1)-release",
    python: "3.8.10",
    perl: "v5.30.0",
    systemd: "245 (245.4-4ubuntu3.24)",
    openssh: "OpenSSH_8.2p1 Ubuntu-4ubuntu0.13, OpenSSL 1.1.1f  31 Mar 2020",
    busybox: "BusyBox v1.30.1 (Ubuntu 1:1.30.1-4ubuntu6.4) multi-call binary.",
    names_line: false,
    issue: "Ubuntu 20.04.6 LTS \\n \\l\n\n",
};

static UBUNTU_22: System = System {
    dialect: Dialect::Gnu,
    pretty: "Ubuntu 22.04.5 LTS",
    id: "ubuntu",
    name: "Ubuntu",
    version_id: "22.04",
    version: "22.04.5 LTS (Jammy Jellyfish)",
    codename: "jammy",
    kernel: "5.15.0-130-generic",
    build: "#140-Ubuntu SMP Wed Dec 18 17:59:53 UTC 2024",
    compiler: "(buildd@lcy02-amd64-109) (gcc (Ubuntu 11.4.0-1ubuntu1~22.04) 11.4.0, GNU ld (GNU Binutils for Ubuntu) 2.38)",
    bash: "5.1.16(1)-release",
    python: "3.10.12",
    perl: "v5.34.0",
    systemd: "249 (249.11-0ubuntu3.12)",
    openssh: "OpenSSH_8.9p1 Ubuntu-3ubuntu0.18, OpenSSL 3.0.2 15 Mar 2022",
    busybox: "BusyBox v1.30.1 (Ubuntu 1:1.30.1-7ubuntu3.1) multi-call binary.",
    names_line: true,
    issue: "Ubuntu 22.04.5 LTS \\n \\l\n\n",
};

static UBUNTU_24: System = System {
    dialect: Dialect::Gnu,
    pretty: "Ubuntu 24.04.1 LTS",
    id: "ubuntu",
    name: "Ubuntu",
    version_id: "24.04",
    version: "24.04.1 LTS (Noble Numbat)",
    codename: "noble",
    kernel: "6.8.0-51-generic",
    build: "#52-Ubuntu SMP PREEMPT_DYNAMIC Thu Dec  5 13:09:44 UTC 2024",
    compiler: "(buildd@lcy02-amd64-035) (x86_64-linux-gnu-gcc-13 (Ubuntu 13.3.0-6ubuntu2~24.04) 13.3.0, GNU ld (GNU Binutils for Ubuntu) 2.42)",
    bash: "5.2.21(1)-release",
    python: "3.12.3",
    perl: "v5.38.2",
    systemd: "255 (255.4-1ubuntu8.4)",
    openssh: "OpenSSH_9.6p1 Ubuntu-3ubuntu13.20, OpenSSL 3.0.13 30 Jan 2024",
    busybox: "BusyBox v1.36.1 (Ubuntu 1:1.36.1-6ubuntu3.1) multi-call binary.",
    names_line: true,
    issue: "Ubuntu 24.04.1 LTS \\n \\l\n\n",
};

const DEVICE: System = System {
    dialect: Dialect::BusyBox,
    pretty: "",
    id: "",
    name: "Linux",
    version_id: "",
    version: "",
    codename: "",
    kernel: "3.10.14",
    build: "#1 Wed May 9 16:43:19 CST 2018",
    compiler: "(root@localhost.localdomain) (gcc version 4.8.3 (Buildroot 2014.11-git) )",
    bash: "",
    python: "",
    perl: "",
    systemd: "",
    openssh: "Dropbear v2014.63",
    busybox: "BusyBox v1.22.1 (2018-05-09 16:43:19 CST) multi-call binary.",
    names_line: false,
    issue: "",
};

/// A maker's build on the kernel of OpenWrt's Barrier Breaker.
static MIPS_ROUTER: System = System {
    kernel: "3.10.49",
    build: "#1 Wed May 9 16:43:19 CST 2018",
    compiler: "(root@localhost.localdomain) (gcc version 4.8.3 (OpenWrt/Linaro GCC 4.8-2014.04 unknown) )",
    ..DEVICE
};

/// MediaTek's SDK.
static MIPSEL_ROUTER: System = DEVICE;

/// Broadcom's SDK for its Northstar.
static ARM_ROUTER: System = System {
    kernel: "2.6.36.4brcmarm",
    build: "#1 SMP PREEMPT Wed May 9 16:43:19 CST 2018",
    compiler: "(root@localhost.localdomain) (gcc version 4.5.3 (Buildroot 2012.02) )",
    ..DEVICE
};

static CAMERA: System = System {
    kernel: "3.10.104",
    build: "#1 SMP Wed May 9 16:43:19 CST 2018",
    compiler: "(root@localhost.localdomain) (gcc version 4.9.4 20150629 (prerelease) (Hisilicon_v500_20180120) )",
    ..DEVICE
};

/// Amlogic's kernel.
static ANDROID: System = System {
    kernel: "3.14.29",
    build: "#1 SMP PREEMPT Wed Nov 9 16:43:19 CST 2016",
    compiler: "(root@localhost.localdomain) (gcc version 4.9.2 20140904 (prerelease) (crosstool-NG linaro-1.13.1-4.9-2014.09 - Linaro GCC 4.9-2014.09) )",
    ..DEVICE
};

impl System {
    pub(crate) fn of(identity: &Identity, persona: Persona) -> &'static Self {
        match (persona, identity.operating_system()) {
            (Persona::Router, _) => &MIPS_ROUTER,
            (Persona::MipselRouter, _) => &MIPSEL_ROUTER,
            (Persona::ArmRouter, _) => &ARM_ROUTER,
            (Persona::Camera, _) => &CAMERA,
            (Persona::Android, _) => &ANDROID,
            (Persona::Server, OperatingSystem::Debian11) => &DEBIAN_11,
            (Persona::Server, OperatingSystem::Debian12) => &DEBIAN_12,
            (Persona::Server, OperatingSystem::Ubuntu20) => &UBUNTU_20,
            (Persona::Server, OperatingSystem::Ubuntu22) => &UBUNTU_22,
            (Persona::Server, OperatingSystem::Ubuntu24) => &UBUNTU_24,
        }
    }

    pub(crate) fn is_debian(&self) -> bool {
        self.id == "debian"
    }
}
