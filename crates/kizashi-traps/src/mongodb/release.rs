//! Which MongoDB, whether it asks for a login, and whether it takes TLS too. Commits and libraries are those that the vendor's packages name in
//! their `buildInfo`. Wire versions: 8 and 9 are the last that answer OP_QUERY; since 5.1 that is good for a greeting and a login alone.

use crate::Identity;
use crate::draw::Draw;
use crate::identity::OperatingSystem;

#[derive(Clone, Copy, Debug)]
pub(super) struct Release {
    pub(super) version: &'static str,
    pub(super) parts: [i32; 3],
    pub(super) commit: &'static str,
    pub(super) wire: i32,
    pub(super) build: Build,
}

/// What the package was built with, and for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Build {
    pub(super) system: &'static str,
    /// OpenSSL as it runs, and as it was compiled against.
    pub(super) openssl: [&'static str; 2],
    pub(super) compiler: &'static str,
    pub(super) engines: &'static [&'static str],
}

const GCC_8: &str = "gcc (GCC) 8.5.0";
const OLD: Build = Build {
    system: "debian10",
    openssl: ["OpenSSL 1.1.1n  15 Mar 2022", "OpenSSL 1.1.1d  10 Sep 2019"],
    compiler: GCC_8,
    engines: &["biggie", "devnull", "ephemeralForTest", "wiredTiger"],
};

const V4_4: Release = Release {
    version: "4.4.29",
    parts: [4, 4, 29],
    commit: "f4dda329a99811c707eb06d05ad023599f9be263",
    wire: 9,
    build: OLD,
};
const V4_2: Release = Release {
    version: "4.2.24",
    parts: [4, 2, 24],
    commit: "5e4ec1d24431fcdd28b579a024c5c801b8cde4e2",
    wire: 8,
    build: OLD,
};

/// 6.0 on the systems that have OpenSSL 1.1, 7.0 on the others.
const fn newer(system: OperatingSystem) -> Release {
    let old = matches!(system, OperatingSystem::Debian11 | OperatingSystem::Ubuntu20);
    let (distribution, openssl) = match system {
        OperatingSystem::Debian11 => ("debian11", ["OpenSSL 1.1.1w  11 Sep 2023"; 2]),
        OperatingSystem::Ubuntu20 => ("ubuntu2004", ["OpenSSL 1.1.1f  31 Mar 2020"; 2]),
        OperatingSystem::Debian12 => {
            ("debian12", ["OpenSSL 3.0.15 3 Sep 2024", "OpenSSL 3.0.11 19 Sep 2023"])
        }
        OperatingSystem::Ubuntu22 => ("ubuntu2204", ["OpenSSL 3.0.2 15 Mar 2022"; 2]),
        OperatingSystem::Ubuntu24 => {
            ("ubuntu2204", ["OpenSSL 3.0.13 30 Jan 2024", "OpenSSL 3.0.2 15 Mar 2022"])
        }
    };
    if old {
        let engines = &["devnull", "ephemeralForTest", "wiredTiger"];
        return Release {
            version: "6.0.15",
            parts: [6, 0, 15],
            commit: "7494119c41ca4e13b493e9f048df4032164e860e",
            wire: 17,
            build: Build { system: distribution, openssl, compiler: GCC_8, engines },
        };
    }
    let (compiler, engines) = ("gcc (GCC) 11.3.0", &["devnull", "wiredTiger"]);
    Release {
        version: "7.0.14",
        parts: [7, 0, 14],
        commit: "ce59cfc6a3c5e5c067dca0d30697edd68d4f5188",
        wire: 21,
        build: Build { system: distribution, openssl, compiler, engines },
    }
}

impl Release {
    pub(super) fn of(identity: &Identity) -> Self {
        let newer = newer(identity.operating_system());
        let drawn = Draw::new(identity.seed(), "mongodb release");
        drawn.one_of(0, &[newer, V4_4, newer, V4_2]).unwrap_or(newer)
    }

    /// Whether the older messages are no longer answered.
    pub(super) const fn is_newer(&self) -> bool {
        self.wire >= 17
    }

    /// `6.0`.
    pub(super) fn series(&self) -> &'static str {
        self.version.get(..3).unwrap_or_default()
    }
}

/// Whether the owner turned authorization on.
pub(super) fn asks(identity: &Identity) -> bool {
    Draw::new(identity.seed(), "mongodb authorization").below(0, 3) == 0
}

/// Whether he gave it a certificate as well (`preferTLS`: both are taken).
pub(super) fn has_tls(identity: &Identity) -> bool {
    asks(identity) && Draw::new(identity.seed(), "mongodb tls").below(0, 2) == 0
}
