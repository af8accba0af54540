//! The releases that can be pretended: those of Debian's and Ubuntu's packages.

use crate::identity::OperatingSystem;

/// A release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Release {
    pub(super) number: &'static str,
    patch: (u32, u32),
    pub(super) libevent: &'static str,
}

impl Release {
    /// The one that a system's package brings.
    pub(super) const fn of(system: OperatingSystem) -> Self {
        let (number, patch) = match system {
            OperatingSystem::Ubuntu20 => ("1.5.22", (5, 22)),
            OperatingSystem::Debian11 => ("1.6.9", (6, 9)),
            OperatingSystem::Ubuntu22 => ("1.6.14", (6, 14)),
            OperatingSystem::Debian12 => ("1.6.18", (6, 18)),
            OperatingSystem::Ubuntu24 => ("1.6.24", (6, 24)),
        };
        let old = matches!(system, OperatingSystem::Ubuntu20);
        let libevent = if old { "2.1.11-stable" } else { "2.1.12-stable" };
        Self { number, patch, libevent }
    }

    /// Whether a thing that came with this version of 1, such as `1.6.0`, is there.
    pub(super) fn has(self, since: &str) -> bool {
        let mut numbers = since.split('.').skip(1).map(|part| part.parse().unwrap_or(0));
        let since = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        since <= self.patch
    }
}
