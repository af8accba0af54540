//! What the first packet of a visitor gives away of his system and his tool, without asking him anything. A system's name is a
//! guess by public habits of its TCP (`data/systems.tsv`); a scanner's mark is arithmetic that its packets fulfil and hardly any
//! other; both can be forged by whoever wants to, and are told as what they look like, not as what they are.

mod scanners;
mod signature;
mod systems;
mod uptime;

pub use scanners::{CookieTrail, Scanner, scanner_of};
pub use signature::{distance, initial_time_to_live, largest_packet, signature, tcp_print};
pub use systems::system_of;
pub use uptime::{Clock, tells_uptime};

use crate::dissect::{IpHeader, Segment, TcpHeader, TcpOptions};

/// The first segment of a connection, as far as it tells anything of its sender.
#[derive(Clone, Copy, Debug)]
pub struct Syn {
    /// The IP header around it.
    pub ip: IpHeader,
    /// Its own header.
    pub tcp: TcpHeader,
    /// Its options.
    pub options: TcpOptions,
    /// Whether it carries anything.
    pub has_payload: bool,
}

impl Syn {
    /// Reads the options of the segment.
    #[must_use]
    pub fn of(ip: &IpHeader, segment: &Segment<'_>) -> Self {
        Self {
            ip: *ip,
            tcp: segment.header,
            options: TcpOptions::read(segment.options),
            has_payload: !segment.payload.is_empty(),
        }
    }
}
