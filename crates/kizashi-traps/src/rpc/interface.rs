//! Which interfaces there are, where they are reached, and which of their calls an old exploit is sent to.

use super::pdu::{Uuid, uuid};
use super::{Caller, Fault, Results, Way};
use super::{connection::Objects, endpoint, lsarpc, samr, srvsvc, svcctl, tasks};
use crate::Output;

/// An interface that is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interface {
    Srvsvc,
    Wkssvc,
    Samr,
    Lsarpc,
    Svcctl,
    Atsvc,
    /// Tasks of Windows Vista and later.
    Tasks,
    /// The mapper of endpoints on TCP 135.
    Mapper,
    /// The names and addresses of a machine for DCOM.
    Resolver,
    /// Activation in DCOM, of MS03-026 and MS03-039.
    Activation,
    /// The same by an object.
    Activator,
    /// Others that overflows of the time were sent to: what they are called, and of which bulletin.
    Lure(&'static str),
}

const ON_PIPES: &[(Uuid, u32, Interface)] = &[
    (
        uuid(0x4b32_4fc8, 0x1670, 0x01d3, [0x12, 0x78, 0x5a, 0x47, 0xbf, 0x6e, 0xe1, 0x88]),
        3,
        Interface::Srvsvc,
    ),
    (
        uuid(0x6bff_d098, 0xa112, 0x3610, [0x98, 0x33, 0x46, 0xc3, 0xf8, 0x7e, 0x34, 0x5a]),
        1,
        Interface::Wkssvc,
    ),
    (
        uuid(0x1234_5778, 0x1234, 0xabcd, [0xef, 0, 0x01, 0x23, 0x45, 0x67, 0x89, 0xac]),
        1,
        Interface::Samr,
    ),
    (
        uuid(0x1234_5778, 0x1234, 0xabcd, [0xef, 0, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab]),
        0,
        Interface::Lsarpc,
    ),
    (
        uuid(0x367a_bb81, 0x9844, 0x35f1, [0xad, 0x32, 0x98, 0xf0, 0x38, 0, 0x10, 0x03]),
        2,
        Interface::Svcctl,
    ),
    (
        uuid(0x1ff7_0682, 0x0a51, 0x30e8, [0x07, 0x6d, 0x74, 0x0b, 0xe8, 0xce, 0xe9, 0x8b]),
        1,
        Interface::Atsvc,
    ),
    (
        uuid(0x86d3_5949, 0x83c9, 0x4044, [0xb4, 0x24, 0xdb, 0x36, 0x32, 0x31, 0xfd, 0x0c]),
        1,
        Interface::Tasks,
    ),
    // MS04-011, MS05-039, MS06-066, MS07-065, MS05-017, in this order.
    (
        uuid(0x3919_286a, 0xb10c, 0x11d0, [0x9b, 0xa8, 0, 0xc0, 0x4f, 0xd9, 0x2e, 0xf5]),
        0,
        Interface::Lure("dssetup"),
    ),
    (
        uuid(0x8d9f_4e40, 0xa03d, 0x11ce, [0x8f, 0x69, 0x08, 0, 0x3e, 0x30, 0x05, 0x1b]),
        1,
        Interface::Lure("plug and play"),
    ),
    (
        uuid(0xe67a_b081, 0x9844, 0x3521, [0x9d, 0x32, 0x83, 0x4f, 0x03, 0x80, 0x01, 0xc0]),
        1,
        Interface::Lure("netware client"),
    ),
    (
        uuid(0xfdb3_a030, 0x065f, 0x11d1, [0xbb, 0x9b, 0, 0xa0, 0x24, 0xea, 0x55, 0x25]),
        1,
        Interface::Lure("message queue"),
    ),
    (
        uuid(0x2f5f_6520, 0xca46, 0x1067, [0xb3, 0x19, 0, 0xdd, 0x01, 0x06, 0x62, 0xda]),
        1,
        Interface::Lure("telephony"),
    ),
];

const ON_TCP: &[(Uuid, u32, Interface)] = &[
    (
        uuid(0xe1af_8308, 0x5d1f, 0x11c9, [0x91, 0xa4, 0x08, 0, 0x2b, 0x14, 0xa0, 0xfa]),
        3,
        Interface::Mapper,
    ),
    (
        uuid(0x99fc_fec4, 0x5260, 0x101b, [0xbb, 0xcb, 0, 0xaa, 0, 0x21, 0x34, 0x7a]),
        0,
        Interface::Resolver,
    ),
    (
        uuid(0x4d9f_4ab8, 0x7d1c, 0x11cf, [0x86, 0x1e, 0, 0x20, 0xaf, 0x6e, 0x7c, 0x57]),
        0,
        Interface::Activation,
    ),
    (uuid(0x0000_01a0, 0, 0, [0xc0, 0, 0, 0, 0, 0, 0, 0x46]), 0, Interface::Activator),
];

impl Interface {
    pub(crate) fn find(wanted: &Uuid, version: u32, way: Way) -> Option<Self> {
        let there = match way {
            Way::Pipe => ON_PIPES,
            Way::Tcp => ON_TCP,
        };
        // The major version alone must fit.
        let fits =
            |(uuid, major, _): &&(Uuid, u32, Self)| uuid == wanted && *major == version & 0xffff;
        there.iter().find(fits).map(|(.., interface)| *interface)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Srvsvc => "srvsvc",
            Self::Wkssvc => "wkssvc",
            Self::Samr => "samr",
            Self::Lsarpc => "lsarpc",
            Self::Svcctl => "svcctl",
            Self::Atsvc => "atsvc",
            Self::Tasks => "task scheduler",
            Self::Mapper => "epmapper",
            Self::Resolver => "oxid resolver",
            Self::Activation => "dcom activation",
            Self::Activator => "dcom activator",
            Self::Lure(name) => name,
        }
    }

    /// The bulletin of the overflow that this call is known for. Activation is what DCOM is for, too, where somebody says who he is: the
    /// overflows of 2003 came from whoever did not (`anonymous`).
    pub(crate) fn bulletin(self, operation: u16, anonymous: bool) -> Option<&'static str> {
        match (self, operation) {
            (Self::Srvsvc, 31 | 32) => Some("MS08-067"),
            (Self::Wkssvc, 22 | 27) => Some("MS06-070"),
            (Self::Lure("dssetup"), 9) => Some("MS04-011"),
            (Self::Lure("plug and play"), 54) => Some("MS05-039"),
            (Self::Lure("netware client"), 9) => Some("MS06-066"),
            (Self::Lure("message queue"), 6) => Some("MS07-065"),
            (Self::Activation, 0) if anonymous => Some("MS03-026"),
            (Self::Activator, 4) if anonymous => Some("MS03-039"),
            _ => None,
        }
    }

    pub(crate) fn call(
        self,
        operation: u16,
        stub: &[u8],
        objects: &mut Objects,
        caller: &Caller<'_>,
        out: &mut Output,
    ) -> Results {
        match self {
            Self::Srvsvc => srvsvc::server(operation, stub, caller),
            Self::Wkssvc => srvsvc::workstation(operation, stub, caller),
            Self::Samr => samr::call(operation, stub, objects, caller),
            Self::Lsarpc => lsarpc::call(operation, stub, objects, caller),
            Self::Svcctl => svcctl::services(operation, stub, objects, caller, out),
            Self::Atsvc => tasks::jobs(operation, stub, caller, out),
            Self::Tasks => tasks::tasks(operation, stub, caller, out),
            Self::Mapper => endpoint::mapper(operation, stub, caller),
            Self::Resolver => endpoint::resolver(operation, caller),
            Self::Activation | Self::Activator => Err(Fault::ACCESS_DENIED),
            Self::Lure(_) => Err(Fault::NO_SUCH_OPERATION),
        }
    }
}
