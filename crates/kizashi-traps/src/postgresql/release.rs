//! Which PostgreSQL each system's package is, and how the installation asks for passwords: by its release's own default (md5 up to 13,
//! SCRAM-SHA-256 since), or in the clear, as an owner wrote it into `pg_hba.conf`.

use crate::Identity;
use crate::draw::Draw;
use crate::identity::OperatingSystem;

pub(super) struct Release {
    pub(super) number: &'static str,
    pub(super) package: &'static str,
    compiler: &'static str,
    pub(super) version_number: &'static str,
    /// Where `postmaster.c` refuses another protocol: what nmap knows releases by. Measured on 15.18; the others are nmap's own.
    pub(super) protocol_line: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Scram,
    Md5,
    Password,
}

pub(super) const fn of(system: OperatingSystem) -> Release {
    let (number, package, compiler, version_number, protocol_line) = match system {
        OperatingSystem::Debian11 => (
            "13.22",
            "Debian 13.22-0+deb11u1",
            "Debian 10.2.1-6) 10.2.1 20210110",
            "130022",
            "2133",
        ),
        OperatingSystem::Debian12 => (
            "15.18",
            "Debian 15.18-0+deb12u1",
            "Debian 12.2.0-14+deb12u1) 12.2.0",
            "150018",
            "2222",
        ),
        OperatingSystem::Ubuntu20 => (
            "12.22",
            "Ubuntu 12.22-0ubuntu0.20.04.4",
            "Ubuntu 9.4.0-1ubuntu1~20.04.2) 9.4.0",
            "120022",
            "2119",
        ),
        OperatingSystem::Ubuntu22 => (
            "14.19",
            "Ubuntu 14.19-0ubuntu0.22.04.1",
            "Ubuntu 11.4.0-1ubuntu1~22.04.2) 11.4.0",
            "140019",
            "2138",
        ),
        OperatingSystem::Ubuntu24 => (
            "16.10",
            "Ubuntu 16.10-0ubuntu0.24.04.1",
            "Ubuntu 13.3.0-6ubuntu2~24.04) 13.3.0",
            "160010",
            "2189",
        ),
    };
    Release { number, package, compiler, version_number, protocol_line }
}

impl Release {
    /// `15.18 (Debian 15.18-0+deb12u1)`.
    pub(super) fn shown(&self) -> String {
        format!("{} ({})", self.number, self.package)
    }

    /// What `version()` says.
    pub(super) fn version(&self) -> String {
        let compiler = self.compiler;
        format!(
            "PostgreSQL {} on x86_64-pc-linux-gnu, compiled by gcc ({compiler}, 64-bit",
            self.shown()
        )
    }

    /// `15`.
    pub(super) fn major(&self) -> &'static str {
        self.number.split('.').next().unwrap_or_default()
    }

    pub(super) fn data_folder(&self) -> String {
        format!("/var/lib/postgresql/{}/main", self.major())
    }
}

pub(super) fn method(identity: &Identity) -> Method {
    if Draw::new(identity.seed(), "postgresql method").below(0, 3) == 0 {
        return Method::Password;
    }
    match identity.operating_system() {
        OperatingSystem::Debian11 | OperatingSystem::Ubuntu20 => Method::Md5,
        _ => Method::Scram,
    }
}
