//! Which MongoDB, and whether it asks for a login.

use crate::Identity;
use crate::draw::Draw;

#[derive(Clone, Copy, Debug)]
pub(super) struct Release {
    pub(super) version: &'static str,
    pub(super) parts: [i32; 3],
    pub(super) commit: &'static str,
    pub(super) wire: i32,
}

const RELEASES: [Release; 2] = [
    Release {
        version: "4.4.29",
        parts: [4, 4, 29],
        commit: "f4dda329a99811c707eb06d05ad023599f9be263",
        wire: 9,
    },
    Release {
        version: "4.2.24",
        parts: [4, 2, 24],
        commit: "5e4ec1d24431fcdd28b579a024c5c801b8cde4e2",
        wire: 8,
    },
];

impl Release {
    pub(super) fn of(identity: &Identity) -> Self {
        Draw::new(identity.seed(), "mongodb release").one_of(0, &RELEASES).unwrap_or(RELEASES[0])
    }
}

/// Whether the owner turned authorization on.
pub(super) fn asks(identity: &Identity) -> bool {
    Draw::new(identity.seed(), "mongodb authorization").below(0, 3) == 0
}
