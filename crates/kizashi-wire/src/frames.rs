//! IP packets made anew of what is known of a visit, with right lengths and checksums: for `kizashi export --format pcap`, whose file
//! stands for packets that were not kept. A first segment is made of its stored signature (p0f's form, see `passive/signature.rs`), so
//! that other tools read the same system in it; what no signature holds (sequence numbers, clocks) is made up and the same each time.

use std::net::{IpAddr, SocketAddr};

use crate::dissect::checksum;

const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP: u8 = 1;
const ICMP_V6: u8 = 58;
const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const PSH: u8 = 8;
const ACK: u8 = 16;
/// Bytes of content in a segment: what Ethernet takes.
const SEGMENT: usize = 1_400;
/// The most that an option list can hold.
const MOST_OPTIONS: usize = 40;
const WINDOW: u16 = 65_535;

/// What IP says beside addresses.
#[derive(Clone, Copy, Debug)]
struct Around {
    time_to_live: u8,
    identification: u16,
    dont_fragment: bool,
    reserved_flag: bool,
    traffic_class: u8,
    flow_label: u32,
}

impl Around {
    const PLAIN: Self = Self {
        time_to_live: 64,
        identification: 1,
        dont_fragment: false,
        reserved_flag: false,
        traffic_class: 0,
        flow_label: 0,
    };
}

/// A visitor's first segment.
#[derive(Clone, Debug)]
pub struct FirstSegment {
    around: Around,
    flags: u8,
    sequence: u32,
    acknowledgement: u32,
    window: u16,
    urgent: u16,
    options: Vec<u8>,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Both sides are done.
    Closed,
    /// The server refuses it.
    Refused,
    /// The server answers, and nothing more comes.
    HalfOpen,
}

/// The first segment of a signature; where there is none, or it cannot be read, one that looks like no system's. Marks are the
/// attempt's fingerprints: what scanners are known by is put back where it is a matter of numbers. Another seed gives another sequence
/// number, so that a visitor who comes again by the same ports has not sent the same segment again.
#[must_use]
pub fn first_segment(
    signature: Option<&str>,
    marks: &[&str],
    (visitor, ours): (SocketAddr, SocketAddr),
    seed: u64,
) -> FirstSegment {
    let mut first = signature.and_then(of_signature).unwrap_or_else(|| FirstSegment {
        around: Around::PLAIN,
        flags: SYN,
        sequence: 1,
        acknowledgement: 0,
        window: 1,
        urgent: 0,
        options: Vec::new(),
    });
    if first.sequence != 0 {
        first.sequence = sequence_of(visitor, ours, seed);
    }
    first.put_back(marks, visitor, ours);
    first
}

/// A number that is the same for the same connection and looks like nothing.
fn sequence_of(visitor: SocketAddr, ours: SocketAddr, seed: u64) -> u32 {
    let bytes = format!("{visitor} {ours} {seed}");
    let mix = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    bytes.bytes().fold(0x811c_9dc5, mix).max(1)
}

/// Reads `4:57+7:0:1460:mss*44,7:mss,sok,ts,nop,ws:df,id+:0`.
fn of_signature(text: &str) -> Option<FirstSegment> {
    let fields: Vec<&str> = text.split(':').collect();
    let [_, time_to_live, _, size, window, layout, quirks, _] = fields[..] else { return None };
    let has = |wanted: &str| quirks.split(',').any(|quirk| quirk == wanted);
    let size: u16 = size.parse().ok()?;
    let (window, scale) = window.split_once(',')?;
    let times =
        |text: &str, unit: u16| text.parse::<u16>().ok().and_then(|times| times.checked_mul(unit));
    let window = match (window.strip_prefix("mss*"), window.strip_prefix("mtu*")) {
        (Some(count), _) => times(count, size)?,
        (_, Some(count)) => times(count, size.checked_add(40)?)?,
        _ => window.parse().ok()?,
    };
    let dont_fragment = has("df");
    let around = Around {
        time_to_live: time_to_live.split('+').next()?.parse().ok()?,
        identification: u16::from(if dont_fragment { has("id+") } else { !has("id-") }),
        dont_fragment,
        reserved_flag: has("0+"),
        traffic_class: 0,
        flow_label: u32::from(has("flow")),
    };
    let flag = |name: &str, bits: u8| if has(name) { bits } else { 0 };
    Some(FirstSegment {
        around,
        flags: SYN | flag("ecn", 0xc0) | flag("pushf+", PSH) | flag("urgf+", 32),
        sequence: u32::from(!has("seq-")),
        acknowledgement: u32::from(has("ack+")),
        window,
        urgent: u16::from(has("uptr+")),
        options: options_of(layout, size, scale.parse().ok()?, &has),
    })
}

fn options_of(layout: &str, size: u16, scale: u8, has: &dyn Fn(&str) -> bool) -> Vec<u8> {
    let mut options = Vec::new();
    for name in layout.split(',') {
        match name {
            "nop" => options.push(1),
            "mss" => {
                options.extend([2, 4]);
                options.extend(size.to_be_bytes());
            }
            "ws" => options.extend([3, 3, scale]),
            "sok" => options.extend([4, 2]),
            "ts" => {
                options.extend([8, 10]);
                options.extend(u32::from(!has("ts1-")).to_be_bytes());
                options.extend(u32::from(has("ts2+")).to_be_bytes());
            }
            name => {
                if let Some(Ok(padding)) = name.strip_prefix("eol+").map(str::parse::<usize>) {
                    let filling = u8::from(has("opt+"));
                    options.push(0);
                    options.extend(std::iter::repeat_n(filling, padding.min(MOST_OPTIONS)));
                } else if let Some(Ok(kind)) = name.strip_prefix('?').map(str::parse::<u8>) {
                    options.extend([kind, 2]);
                }
            }
        }
    }
    options.truncate(MOST_OPTIONS);
    options.resize(options.len().next_multiple_of(4), 0);
    options
}

impl FirstSegment {
    fn put_back(&mut self, marks: &[&str], visitor: SocketAddr, ours: SocketAddr) {
        let destination = match ours.ip() {
            IpAddr::V4(four) => four.to_bits(),
            IpAddr::V6(_) => 0,
        };
        for mark in marks {
            match *mark {
                "scanner:zmap" => self.around.identification = 54_321,
                "scanner:mirai" => self.sequence = destination,
                "scanner:masscan" => {
                    let mixed = destination ^ u32::from(ours.port()) ^ self.sequence;
                    self.around.identification = (mixed & 0xffff) as u16;
                }
                "scanner:unicornscan" => {
                    let ports = (u32::from(visitor.port()) << 16) | u32::from(ours.port());
                    self.sequence = 0x5eed_c0de ^ ports;
                }
                "probe:null" => self.flags = 0,
                "probe:fin" => self.flags = FIN,
                "probe:xmas" => self.flags = FIN | PSH | 32,
                "probe:syn-odd" => self.flags |= FIN,
                _ => {}
            }
        }
    }
}

/// A TCP connection as it is written, packet by packet.
#[derive(Debug)]
pub struct Flow {
    visitor: SocketAddr,
    ours: SocketAddr,
    /// The next sequence numbers: the visitor's and ours.
    next: (u32, u32),
}

impl Flow {
    /// The opening: the visitor's first segment, and where it is answered what follows.
    #[must_use]
    pub fn open(
        visitor: SocketAddr,
        ours: SocketAddr,
        first: &FirstSegment,
        answered: bool,
    ) -> (Self, Vec<Vec<u8>>) {
        let our_first = sequence_of(ours, visitor, u64::from(first.sequence));
        let mut packets = vec![first_packet(visitor, ours, first)];
        let mut flow = Self { visitor, ours, next: (first.sequence.wrapping_add(1), our_first) };
        if answered {
            packets.push(flow.we_say(SYN | ACK, b""));
            flow.next.1 = our_first.wrapping_add(1);
            packets.push(flow.visitor_says(ACK, b""));
        }
        (flow, packets)
    }

    /// What came of an attempt that was never opened, beside its first segment.
    #[must_use]
    pub fn never_opened(&self, end: End) -> Option<Vec<u8>> {
        match end {
            End::Closed => None,
            End::Refused => Some(self.segment(true, RST | ACK, (0, self.next.0), WINDOW, b"")),
            End::HalfOpen => Some(self.we_say(SYN | ACK, b"")),
        }
    }

    /// The visitor says something, and we acknowledge it.
    pub fn said(&mut self, content: &[u8]) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        for part in content.chunks(SEGMENT) {
            packets.push(self.visitor_says(PSH | ACK, part));
            self.next.0 = self.next.0.wrapping_add(part.len() as u32);
        }
        packets.push(self.we_say(ACK, b""));
        packets
    }

    /// We say something, and the visitor acknowledges it.
    pub fn answered(&mut self, content: &[u8]) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        for part in content.chunks(SEGMENT) {
            packets.push(self.we_say(PSH | ACK, part));
            self.next.1 = self.next.1.wrapping_add(part.len() as u32);
        }
        packets.push(self.visitor_says(ACK, b""));
        packets
    }

    /// The visitor said so many bytes that are not there: the place stays empty, as in a capture that lost packets.
    pub fn missed(&mut self, bytes: u64) {
        self.next.0 = self.next.0.wrapping_add((bytes & 0xffff_ffff) as u32);
    }

    /// A segment of the visitor that carries nothing: a place for a comment.
    #[must_use]
    pub fn nothing(&self) -> Vec<u8> {
        self.visitor_says(ACK, b"")
    }

    /// Both sides are done.
    pub fn close(&mut self) -> Vec<Vec<u8>> {
        let visitor = self.visitor_says(FIN | ACK, b"");
        self.next.0 = self.next.0.wrapping_add(1);
        let ours = self.we_say(FIN | ACK, b"");
        self.next.1 = self.next.1.wrapping_add(1);
        vec![visitor, ours, self.visitor_says(ACK, b"")]
    }

    fn visitor_says(&self, flags: u8, content: &[u8]) -> Vec<u8> {
        self.segment(false, flags, self.next, WINDOW, content)
    }

    fn we_say(&self, flags: u8, content: &[u8]) -> Vec<u8> {
        self.segment(true, flags, (self.next.1, self.next.0), WINDOW, content)
    }

    fn segment(
        &self,
        is_ours: bool,
        flags: u8,
        (sequence, acknowledgement): (u32, u32),
        window: u16,
        content: &[u8],
    ) -> Vec<u8> {
        let (from, to) =
            if is_ours { (self.ours, self.visitor) } else { (self.visitor, self.ours) };
        let numbers = (sequence, acknowledgement);
        let bytes = segment((from, to), flags, numbers, (window, 0), &[], content);
        packet(&Around::PLAIN, (from.ip(), to.ip()), TCP, &bytes)
    }
}

fn first_packet(visitor: SocketAddr, ours: SocketAddr, first: &FirstSegment) -> Vec<u8> {
    let numbers = (first.sequence, first.acknowledgement);
    let about = (first.window, first.urgent);
    let bytes = segment((visitor, ours), first.flags, numbers, about, &first.options, b"");
    packet(&first.around, (visitor.ip(), ours.ip()), TCP, &bytes)
}

fn segment(
    (from, to): (SocketAddr, SocketAddr),
    flags: u8,
    (sequence, acknowledgement): (u32, u32),
    (window, urgent): (u16, u16),
    options: &[u8],
    content: &[u8],
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(20 + options.len() + content.len());
    bytes.extend(from.port().to_be_bytes());
    bytes.extend(to.port().to_be_bytes());
    bytes.extend(sequence.to_be_bytes());
    bytes.extend(acknowledgement.to_be_bytes());
    bytes.push(((5 + options.len() / 4) << 4) as u8);
    bytes.push(flags);
    bytes.extend(window.to_be_bytes());
    bytes.extend([0; 2]);
    bytes.extend(urgent.to_be_bytes());
    bytes.extend(options);
    bytes.extend(content);
    bytes
}

/// A datagram of which `missing` bytes are not there: its lengths say so, and its checksum is left out, which IPv4 allows.
#[must_use]
pub fn bare_datagram(from: SocketAddr, to: SocketAddr, content: &[u8], missing: u32) -> Vec<u8> {
    let most = 65_535 - 28;
    let content = content.get(..content.len().min(most)).unwrap_or_default();
    let whole = content.len().saturating_add(missing as usize).min(most);
    let mut bytes = Vec::with_capacity(8 + content.len());
    bytes.extend(from.port().to_be_bytes());
    bytes.extend(to.port().to_be_bytes());
    bytes.extend(((whole + 8) as u16).to_be_bytes());
    bytes.extend([0; 2]);
    bytes.extend(content);
    let packet = packet_of(&Around::PLAIN, (from.ip(), to.ip()), UDP, &bytes, whole + 8);
    match missing {
        0 => with_transport_sum(packet, from.ip().is_ipv4(), UDP),
        _ => packet,
    }
}

/// An ICMP request of this type, which carries nothing.
#[must_use]
pub fn bare_message(from: IpAddr, to: IpAddr, kind: u8) -> Vec<u8> {
    let protocol = if from.is_ipv4() { ICMP } else { ICMP_V6 };
    packet(&Around::PLAIN, (from, to), protocol, &[kind, 0, 0, 0, 0, 1, 0, 1])
}

fn packet(around: &Around, ends: (IpAddr, IpAddr), protocol: u8, transport: &[u8]) -> Vec<u8> {
    let packet = packet_of(around, ends, protocol, transport, transport.len());
    with_transport_sum(packet, ends.0.is_ipv4(), protocol)
}

/// The packet with its IP header's sum; `whole` is the transport's length by the header. Both ends are of one version.
fn packet_of(
    around: &Around,
    (from, to): (IpAddr, IpAddr),
    protocol: u8,
    transport: &[u8],
    whole: usize,
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(40 + transport.len());
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            bytes.extend([0x45, around.traffic_class]);
            bytes.extend(((20 + whole) as u16).to_be_bytes());
            bytes.extend(around.identification.to_be_bytes());
            let flags =
                u16::from(around.reserved_flag) << 15 | u16::from(around.dont_fragment) << 14;
            bytes.extend(flags.to_be_bytes());
            bytes.extend([around.time_to_live, protocol, 0, 0]);
            bytes.extend(from.octets());
            bytes.extend(to.octets());
            let sum = (!checksum::sum(&bytes, 0)).to_be_bytes();
            bytes.splice(10..12, sum);
        }
        (from, to) => {
            let six = |address: IpAddr| match address {
                IpAddr::V4(four) => four.to_ipv6_mapped(),
                IpAddr::V6(six) => six,
            };
            let first = 6 << 28 | u32::from(around.traffic_class) << 20 | around.flow_label;
            bytes.extend(first.to_be_bytes());
            bytes.extend((whole as u16).to_be_bytes());
            bytes.extend([protocol, around.time_to_live]);
            bytes.extend(six(from).octets());
            bytes.extend(six(to).octets());
        }
    }
    bytes.extend(transport);
    bytes
}

/// Puts the transport's sum where it belongs.
fn with_transport_sum(mut packet: Vec<u8>, is_four: bool, protocol: u8) -> Vec<u8> {
    let (addresses, header) = if is_four { (12..20, 20) } else { (8..40, 40) };
    let place = header
        + match protocol {
            TCP => 16,
            UDP => 6,
            _ => 2,
        };
    let length = packet.len() - header;
    let start = match protocol {
        ICMP => 0,
        _ => {
            let addresses = packet.get(addresses).unwrap_or_default();
            u32::from(checksum::sum(addresses, u32::from(protocol) + length as u32))
        }
    };
    let sum = !checksum::sum(packet.get(header..).unwrap_or_default(), start);
    // Of UDP 0 means that there is none.
    let sum = if protocol == UDP && sum == 0 { 0xffff } else { sum };
    packet.splice(place..place + 2, sum.to_be_bytes());
    packet
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dissect::{Body, Checksum, Dissected, Faults, Frame, LinkType, Packet, dissect};
    use crate::passive::{Syn, signature, system_of};

    fn read(bytes: &[u8]) -> Packet<'_> {
        let original_length = u32::try_from(bytes.len()).unwrap();
        let frame = Frame {
            time: kizashi_event::Timestamp::default(),
            link: LinkType::RAW,
            bytes,
            original_length,
        };
        let mut faults = Faults::default();
        let Dissected::Packet(packet) = dissect(&frame, &mut faults) else { panic!("{bytes:?}") };
        assert_eq!(faults.total(), 0, "{faults:?}");
        assert_eq!(packet.checksum(), Checksum::Right);
        packet
    }

    fn ends(six: bool) -> (SocketAddr, SocketAddr) {
        let text = if six {
            ("[2001:db8::9]:40000", "[2001:db8::1]:22")
        } else {
            ("198.18.0.9:40000", "192.0.2.1:22")
        };
        (text.0.parse().unwrap(), text.1.parse().unwrap())
    }

    #[test]
    fn a_first_segment_has_the_signature_that_it_is_made_of() {
        for text in [
            "4:57+7:0:1460:mss*44,7:mss,sok,ts,nop,ws:df,id+:0",
            "4:113+15:0:1460:8192,8:mss,nop,ws,nop,nop,sok:df,id+:0",
            "4:60+4:0:1460:65535,6:mss,nop,ws,nop,nop,ts,sok,eol+1:df:0",
            "4:41+23:0:1460:1024,0:mss::0",
            "4:64+0:0:0:512,0:::0",
            "4:64+0:0:1460:mss*44,10:mss,sok,ts,nop,ws:df,id+,ecn:0",
            "6:64+0:0:1440:mss*45,7:mss,sok,ts,nop,ws:flow:0",
            "6:255+0:0:1440:1024,0:mss:flow,seq-:0",
            "4:50+14:0:1460:3,10:ws,nop,mss,ts,sok:0+,id-,ack+,uptr+,ts1-,ts2+:0",
        ] {
            let (visitor, ours) = ends(text.starts_with('6'));
            let first = first_segment(Some(text), &[], (visitor, ours), 1);
            let (_, packets) = Flow::open(visitor, ours, &first, false);
            let packet = read(&packets[0]);
            let Body::Tcp(segment) = packet.body else { panic!("{text}") };
            let made = signature(&Syn::of(&packet.ip, &segment));
            let sorted = |text: &str| {
                let mut parts: Vec<String> = text.split([':', ',']).map(str::to_owned).collect();
                parts.sort();
                parts
            };
            assert_eq!(sorted(&made), sorted(text), "{made}");
        }
    }

    #[test]
    fn what_has_no_signature_looks_like_no_system() {
        let (visitor, ours) = ends(false);
        for signature in [None, Some(""), Some("4:x"), Some("a:b:c:d:e:f:g:h")] {
            let first = first_segment(signature, &[], (visitor, ours), 1);
            let (_, packets) = Flow::open(visitor, ours, &first, false);
            let packet = read(&packets[0]);
            let Body::Tcp(segment) = packet.body else { panic!() };
            let syn = Syn::of(&packet.ip, &segment);
            assert_eq!((system_of(&syn), crate::scanner_of(&syn)), (None, None));
        }
    }

    #[test]
    fn a_whole_conversation_has_right_sums_and_numbers_that_follow_each_other() {
        for six in [false, true] {
            let (visitor, ours) = ends(six);
            let first = first_segment(None, &[], (visitor, ours), 1);
            let (mut flow, mut packets) = Flow::open(visitor, ours, &first, true);
            packets.extend(flow.said(&[b'a'; 3_001]));
            packets.extend(flow.answered(b"220 hello\r\n"));
            packets.push(flow.nothing());
            packets.extend(flow.close());
            let mut expected: [Option<u32>; 2] = [None; 2];
            for bytes in &packets {
                let packet = read(bytes);
                let Body::Tcp(segment) = packet.body else { panic!() };
                let side = usize::from(segment.header.source_port == 22);
                let sequence = segment.header.sequence;
                assert_eq!(*expected[side].get_or_insert(sequence), sequence);
                if let (true, Some(other)) = (segment.header.flags.ack(), expected[1 - side]) {
                    assert_eq!(segment.header.acknowledgement, other);
                }
                let end = segment.end().wrapping_add(u32::from(segment.header.flags.fin()));
                expected[side] = Some(end);
            }
            assert_eq!(packets.len(), 3 + 4 + 2 + 1 + 3);
        }
    }

    #[test]
    fn datagrams_and_requests_have_right_sums() {
        for six in [false, true] {
            let (visitor, ours) = ends(six);
            read(&bare_datagram(visitor, ours, b"OPTIONS sip:x SIP/2.0\r\n\r\n", 0));
            read(&bare_datagram(visitor, ours, &vec![7; 65_507], 0));
            read(&bare_message(visitor.ip(), ours.ip(), if six { 128 } else { 8 }));
        }
    }
}
