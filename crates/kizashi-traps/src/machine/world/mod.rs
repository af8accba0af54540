//! What one installation pretends to be behind its logins, the same for every visitor and over restarts: drawn from the identity's seed,
//! built once. What changes with time (load, memory, uptime) is computed from the time alone, so that two files never disagree.

mod accounts;
mod android;
mod clock;
mod daemons;
mod device;
mod hardware;
mod proc;
mod server;
mod system;

use std::sync::Arc;

use kizashi_event::Timestamp;

pub(crate) use android::AndroidModel;
pub(crate) use clock::{Calendar, calendar, seconds_of};
pub(crate) use daemons::Daemon;
pub(crate) use hardware::Hardware;
pub(crate) use system::{Dialect, System};

use super::files::Image;
use super::program::Architecture;
use crate::Identity;
use crate::draw::Draw;

/// Which machine stands behind a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Persona {
    /// The server that the identity's other services speak of: Debian 12, Ubuntu 20.04 or Ubuntu 24.04.
    Server,
    /// A router with BusyBox on big-endian MIPS (Atheros).
    Router,
    /// A router with BusyBox on little-endian MIPS (MediaTek).
    MipselRouter,
    /// A router with BusyBox on ARM (Broadcom).
    ArmRouter,
    /// A camera or recorder with BusyBox on ARM.
    Camera,
    /// A television box with Android on ARM.
    Android,
}

impl Persona {
    /// Every one that stands behind a login.
    pub const ALL: [Self; 5] =
        [Self::Server, Self::Router, Self::MipselRouter, Self::ArmRouter, Self::Camera];

    /// Whether the machine is a device with BusyBox.
    #[must_use]
    pub const fn is_device(self) -> bool {
        !matches!(self, Self::Server)
    }
}

/// What becomes of a visitor's downloads; his address is told and never fetched, whichever it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Downloads {
    /// The network is slow or the host does not answer.
    #[default]
    Unreachable,
    /// They bring a harmless thing of the type that the address names, so that the visitor goes on.
    Placeholder,
}

impl Downloads {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Unreachable, Self::Placeholder];

    /// The word for it in configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Placeholder => "placeholder",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.name() == name)
    }
}

/// What all sessions of one persona share.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) persona: Persona,
    pub(crate) host: String,
    pub(crate) system: &'static System,
    pub(crate) architecture: Architecture,
    pub(crate) hardware: Hardware,
    pub(crate) daemons: Vec<Daemon>,
    pub(crate) image: Arc<Image>,
    pub(crate) seed: [u8; 32],
    pub(crate) set_up: i64,
    pub(crate) downloads: Downloads,
    /// An account beside root; `None` on devices.
    pub(crate) user: Option<&'static str>,
    reboot_every: i64,
    reboot_phase: i64,
}

impl World {
    pub(crate) fn build(identity: &Identity, persona: Persona) -> Self {
        let seed = *identity.seed();
        let system = System::of(identity, persona);
        let host = match persona {
            Persona::Server => identity.host_name(),
            Persona::Camera => identity.device_name().to_owned(),
            Persona::Router | Persona::MipselRouter | Persona::ArmRouter => "(none)".to_owned(),
            Persona::Android => "localhost".to_owned(),
        };
        let architecture = match persona {
            Persona::Server => Architecture::X86_64,
            Persona::Router => Architecture::Mips,
            Persona::MipselRouter => Architecture::Mipsel,
            Persona::ArmRouter | Persona::Camera | Persona::Android => Architecture::Arm,
        };
        let draw = Draw::new(&seed, "machine");
        let day = 86_400;
        let reboot_every = i64::try_from(20 + draw.below(0, 150)).unwrap_or(60) * day;
        let reboot_phase = i64::try_from(draw.below(1, reboot_every.unsigned_abs())).unwrap_or(0);
        let user = match persona {
            Persona::Server => draw.one_of(
                2,
                &["deploy", "ubuntu", "dev", "git", "www", "backup", "tom", "marc", "anna"],
            ),
            _ => None,
        };
        let set_up = identity.set_up().seconds();
        let hardware = Hardware::draw(&seed, persona);
        let daemons = daemons::list(identity, persona);
        let mut world = Self {
            persona,
            host,
            system,
            architecture,
            hardware,
            daemons,
            image: Arc::new(super::files::ImageBuilder::new(set_up).finish("/")),
            seed,
            set_up,
            downloads: identity.downloads(),
            user,
            reboot_every,
            reboot_phase,
        };
        world.image = Arc::new(world.make_image(&site_files(identity, persona)));
        world
    }

    fn make_image(&self, site: &[(String, String)]) -> Image {
        let mut builder = super::files::ImageBuilder::new(self.set_up);
        if self.persona == Persona::Android {
            android::fill(&mut builder, self);
        } else if self.persona.is_device() {
            device::fill(&mut builder, self);
        } else {
            server::fill(&mut builder, self);
            server::fill_site(&mut builder, site);
        }
        proc::fill(&mut builder, self);
        builder.finish(proc::OWN)
    }

    /// When the machine was last started, in seconds since the epoch: it is restarted now and then, each time the same for all.
    pub(crate) fn boot(&self, now: Timestamp) -> i64 {
        let since = (now.seconds() - self.set_up - self.reboot_phase).max(0);
        let boot = self.set_up + self.reboot_phase + since - since % self.reboot_every;
        if boot > now.seconds() {
            self.set_up.min(now.seconds() - 3_600)
        } else {
            boot.min(now.seconds() - 600)
        }
    }

    /// Seconds and hundredths since then.
    pub(crate) fn uptime(&self, now: Timestamp) -> (i64, i64) {
        ((now.seconds() - self.boot(now)).max(1), now.micros().rem_euclid(1_000_000) / 10_000)
    }

    pub(crate) const fn process_limit(&self) -> u32 {
        if self.persona.is_device() { 32_768 } else { 4_194_304 }
    }

    /// The number that a process gets now, as numbers rise with time.
    pub(crate) fn process_number(&self, now: Timestamp) -> u32 {
        let (seconds, hundredths) = self.uptime(now);
        let slow = if self.persona.is_device() { 40 } else { 9 };
        let count = 1_500 + (seconds / slow) * 2 + hundredths % 7;
        u32::try_from(count.rem_euclid(i64::from(self.process_limit()) - 400)).unwrap_or(0) + 400
    }

    /// A number that stays for `seconds` and is then another, below `bound`.
    pub(crate) fn wandering(&self, label: &str, now: Timestamp, seconds: i64, bound: u64) -> u64 {
        let place = now.seconds().div_euclid(seconds.max(1)).unsigned_abs();
        Draw::new(&self.seed, label).below(place, bound)
    }

    pub(crate) fn draw<'a>(&'a self, label: &'a str) -> Draw<'a> {
        Draw::new(&self.seed, label)
    }
}

/// The files of the web server's application, where this is the server.
fn site_files(identity: &Identity, persona: Persona) -> Vec<(String, String)> {
    if persona.is_device() { Vec::new() } else { crate::http::application_files(identity) }
}
