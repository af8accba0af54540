//! The Telnet servers that can stand here. What they send was measured on Debian 12's inetutils-telnetd 2.4 with shadow's login
//! 4.13, and read from BusyBox 1.35's `telnetd.c` and `login.c`.

use std::time::Duration;

use super::wire::{DO, IAC, WILL};
use crate::Identity;
use crate::draw::Draw;
use crate::identity::OperatingSystem;

/// Which kind of machine answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TelnetFace {
    /// A router with BusyBox on big-endian MIPS.
    Router,
    /// A router with BusyBox on little-endian MIPS.
    MipselRouter,
    /// A router with BusyBox on ARM.
    ArmRouter,
    /// A camera or recorder with BusyBox on ARM.
    Camera,
    /// The server itself, with inetutils-telnetd.
    Linux,
}

impl TelnetFace {
    /// Every one.
    pub const ALL: [Self; 5] =
        [Self::Router, Self::MipselRouter, Self::ArmRouter, Self::Camera, Self::Linux];

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Router => "router-mips",
            Self::MipselRouter => "router-mipsel",
            Self::ArmRouter => "router-arm",
            Self::Camera => "camera",
            Self::Linux => "linux",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|face| face.name() == name)
    }

    /// The one that belongs to this seed.
    pub(crate) fn draw(seed: &[u8; 32]) -> Self {
        Draw::new(seed, "telnet face").one_of(0, &Self::ALL).unwrap_or(Self::Router)
    }

    /// The machine behind it.
    pub(crate) const fn machine(self) -> crate::machine::Persona {
        match self {
            Self::Router => crate::machine::Persona::Router,
            Self::MipselRouter => crate::machine::Persona::MipselRouter,
            Self::ArmRouter => crate::machine::Persona::ArmRouter,
            Self::Camera => crate::machine::Persona::Camera,
            Self::Linux => crate::machine::Persona::Server,
        }
    }

    pub(super) const fn is_busybox(self) -> bool {
        !matches!(self, Self::Linux)
    }

    /// What is sent as soon as a visitor connects.
    pub(super) const fn first_options(self) -> &'static [u8] {
        if self.is_busybox() {
            // telnetd.c, `iacs_to_send`.
            &[IAC, DO, 1, IAC, DO, 31, IAC, WILL, 1, IAC, WILL, 3]
        } else {
            &[
                IAC, WILL, 37, IAC, WILL, 38, IAC, DO, 24, IAC, DO, 32, IAC, DO, 35, IAC, DO, 39,
                IAC, DO, 36,
            ]
        }
    }

    /// The options whose answers the server waits for before it goes on.
    pub(super) const fn awaited(self) -> &'static [u8] {
        if self.is_busybox() { &[] } else { &[24, 32, 35, 39, 36] }
    }

    /// How long a wrong pair costs: BusyBox sleeps 3 s, pam_faildelay 3 s give or take a quarter (`chance` chooses).
    pub(super) fn delay(self, chance: u64) -> Duration {
        let quarter = if self.is_busybox() { 0 } else { chance % 1_500_000 };
        let base = if self.is_busybox() { 3_000_000 } else { 2_250_000 };
        Duration::from_micros(base + quarter)
    }

    /// Wrong pairs before it hangs up.
    pub(super) const fn tries(self) -> u8 {
        if self.is_busybox() { 3 } else { 5 }
    }

    /// What is said before hanging up.
    pub(super) const fn farewell(self) -> &'static [u8] {
        if self.is_busybox() { b"" } else { b"Maximum number of tries exceeded (5)\r\n" }
    }

    pub(super) const fn timed_out(self) -> &'static [u8] {
        if self.is_busybox() {
            b"\r\nLogin timed out after 60 seconds\r\n"
        } else {
            b"\r\nLogin timed out after 60 seconds.\r\n"
        }
    }
}

/// The texts of one installation.
pub(super) struct Persona {
    pub(super) face: TelnetFace,
    pub(super) host: String,
    kernel: &'static str,
}

impl Persona {
    pub(super) fn of(identity: &Identity) -> Self {
        let face = identity.telnet_face();
        let kernel = match identity.operating_system() {
            OperatingSystem::Debian11 => "5.10.0-32-amd64",
            OperatingSystem::Debian12 => "6.1.0-28-amd64",
            OperatingSystem::Ubuntu20 => "5.4.0-205-generic",
            OperatingSystem::Ubuntu22 => "5.15.0-130-generic",
            OperatingSystem::Ubuntu24 => "6.8.0-51-generic",
        };
        let host = match face {
            TelnetFace::Router | TelnetFace::MipselRouter | TelnetFace::ArmRouter => {
                "(none)".to_owned()
            }
            TelnetFace::Camera => identity.device_name().to_owned(),
            TelnetFace::Linux => identity.host_name(),
        };
        Self { face, host, kernel }
    }

    /// What stands above the first prompt.
    pub(super) fn banner(&self, source: &str) -> String {
        match self.face {
            face if face.is_busybox() => "\r\n".to_owned(),
            _ => format!("\r\nLinux {} ({source}) (pts/0)\r\n\r\n", self.kernel),
        }
    }

    pub(super) fn login_prompt(&self) -> String {
        format!("{} login: ", self.host)
    }

    /// What a device's shell says first, without its prompt; a server shows its message of the day.
    pub(super) const fn welcome(&self) -> &'static str {
        if self.face.is_busybox() {
            "\r\n\r\nBusyBox v1.22.1 (2018-05-09 16:43:19 CST) built-in shell (ash)\r\n\
             Enter 'help' for a list of built-in commands.\r\n\r\n"
        } else {
            ""
        }
    }
}
