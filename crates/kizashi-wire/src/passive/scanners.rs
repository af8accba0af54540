//! Marks that mass scanners leave in what they send, each a fact that their authors or researchers published: ZMap's fixed IP
//! identification 54321 (`src/probe_modules/packet.c`); Masscan's identification made of destination, port and sequence number
//! (`src/templ-pkt.c`); Mirai's sequence number equal to the destination (`mirai/bot/scanner.c`, 2016); nmap's window of whole
//! kilobytes beside a segment size alone, and the timestamp of all ones in its probes for systems ("TCP/IP Fingerprinting Methods
//! Supported by Nmap"); hping3's window of 512 without options; unicornscan's sequence numbers, which are one secret mixed with
//! the ports (Ghiëtte, Blenn, Doerr, "Remote Identification of Port Scan Toolchains", 2016).

use std::net::IpAddr;

use super::{Syn, initial_time_to_live};

/// A tool that is known by its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scanner {
    /// <https://zmap.io>
    Zmap,
    /// <https://github.com/robertdavidgraham/masscan>
    Masscan,
    /// The botnet's scanner, and those made from its source.
    Mirai,
    /// nmap's half-open scan.
    Nmap,
    /// nmap looking for the system.
    NmapOs,
    /// hping3.
    Hping,
    /// unicornscan.
    Unicornscan,
}

impl Scanner {
    /// The name, as the fingerprint's key has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Zmap => "zmap",
            Self::Masscan => "masscan",
            Self::Mirai => "mirai",
            Self::Nmap => "nmap",
            Self::NmapOs => "nmap-os",
            Self::Hping => "hping",
            Self::Unicornscan => "unicornscan",
        }
    }
}

/// The tool that one packet by itself gives away.
#[must_use]
pub fn scanner_of(syn: &Syn) -> Option<Scanner> {
    let (tcp, options) = (&syn.tcp, &syn.options);
    let is_nmap = is_nmap(syn);
    if let (IpAddr::V4(destination), Some(identification)) =
        (syn.ip.destination, syn.ip.identification)
    {
        let destination = destination.to_bits();
        // By chance once in 4 billion packets.
        if tcp.sequence == destination {
            return Some(Scanner::Mirai);
        }
        // By chance once in 65,536 packets each: only where the options are a scanner's too, and nothing else is another's, which sends
        // hundreds with identifications that it draws.
        let is_bare = matches!(options.kinds(), [] | [2]);
        if is_bare && !syn.ip.dont_fragment && !is_nmap {
            if identification == 54_321 {
                return Some(Scanner::Zmap);
            }
            let mixed = destination ^ u32::from(tcp.destination_port) ^ tcp.sequence;
            if u32::from(identification) == mixed & 0xffff {
                return Some(Scanner::Masscan);
            }
        }
    }
    if options.timestamps == Some((u32::MAX, 0)) {
        return Some(Scanner::NmapOs);
    }
    if is_nmap {
        return Some(Scanner::Nmap);
    }
    let is_hping = tcp.window == 512
        && options.kinds().is_empty()
        && initial_time_to_live(syn.ip.time_to_live) == 64
        && !syn.ip.dont_fragment;
    is_hping.then_some(Scanner::Hping)
}

/// Whether a packet is made as nmap makes those of its half-open scan. Masscan's are much alike, but begin with the longest time to live.
fn is_nmap(syn: &Syn) -> bool {
    let (tcp, options) = (&syn.tcp, &syn.options);
    matches!(tcp.window, 1_024 | 2_048 | 3_072 | 4_096)
        && options.kinds() == [2]
        && options.segment_size == Some(1_460)
        // Over IPv4 it draws 37 to 59, over IPv6 it leaves the most.
        && (initial_time_to_live(syn.ip.time_to_live) == 64 || syn.ip.identification.is_none())
        && !syn.ip.dont_fragment
}

/// What the last packets of one source to one address leave over when the ports are taken out of their sequence numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct CookieTrail {
    last: Option<(u32, u32)>,
}

impl CookieTrail {
    /// Takes the next packet; whether it and the one before show the same secret, which by chance happens once in two billion.
    pub fn follow(&mut self, syn: &Syn) -> bool {
        let tcp = &syn.tcp;
        let ports = (u32::from(tcp.source_port) << 16) | u32::from(tcp.destination_port);
        let before = self.last.replace((tcp.sequence, ports));
        before.is_some_and(|(sequence, before)| {
            let same = |a: u32, b: u32| a ^ ports == b ^ before;
            ports != before
                && (same(tcp.sequence, sequence)
                    || same(tcp.sequence.swap_bytes(), sequence.swap_bytes()))
        })
    }
}
