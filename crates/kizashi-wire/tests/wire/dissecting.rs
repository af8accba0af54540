//! Frames taken apart.

use kizashi_event::Timestamp;
use kizashi_wire::{
    Body, Checksum, Dissected, Fault, Faults, Fragment, Frame, LinkType, Packet, TcpOptions,
    dissect,
};

use crate::hand_made::*;

fn read<'a>(link: u16, bytes: &'a [u8], faults: &mut Faults) -> Dissected<'a> {
    let original_length = u32::try_from(bytes.len()).unwrap();
    let time = Timestamp::default();
    dissect(&Frame { time, link: LinkType(link), bytes, original_length }, faults)
}

fn packet(link: u16, bytes: &[u8]) -> Packet<'_> {
    let mut faults = Faults::default();
    match read(link, bytes, &mut faults) {
        Dissected::Packet(packet) => {
            assert_eq!(faults.total(), 0, "{faults:?}");
            packet
        }
        other => panic!("{other:?} with {faults:?}"),
    }
}

fn fault(link: u16, bytes: &[u8]) -> Vec<Fault> {
    let mut faults = Faults::default();
    let _ = read(link, bytes, &mut faults);
    faults.met().map(|(fault, _)| fault).collect()
}

fn port_of(packet: &Packet<'_>) -> u16 {
    match packet.body {
        Body::Tcp(segment) => segment.header.destination_port,
        Body::Udp(datagram) => datagram.destination_port,
        other => panic!("{other:?}"),
    }
}

fn syn() -> Vec<u8> {
    Ip::inbound().tcp(&Tcp::new((4_000, 2_223), SYN, 1, 0))
}

#[test]
fn the_same_packet_is_found_in_every_link() {
    let inner = syn();
    let six = Ip::between("2001:db8::9", "2001:db8::1").tcp(&Tcp::new((4_000, 2_223), SYN, 1, 0));
    for (inner, kind) in [(&inner, [8, 0]), (&six, [0x86, 0xdd])] {
        let addresses = [0_u8; 12];
        let wrapped: Vec<(u16, Vec<u8>)> = vec![
            (1, [&addresses[..], &kind, inner].concat()),
            (1, [&addresses[..], &[0x81, 0, 0, 5], &kind, inner].concat()),
            (1, [&addresses[..], &[0x88, 0xa8, 0, 7, 0x81, 0, 0, 5], &kind, inner].concat()),
            (101, inner.clone()),
            (12, inner.clone()),
            (113, [&[0; 14][..], &kind, inner].concat()),
            (276, [&kind[..], &[0; 18], inner].concat()),
        ];
        for (link, bytes) in wrapped {
            assert_eq!(port_of(&packet(link, &bytes)), 2_223, "link {link}");
        }
    }
    let family = |number: u32, inner: &[u8]| {
        [[&number.to_le_bytes()[..], inner].concat(), [&number.to_be_bytes()[..], inner].concat()]
    };
    for bytes in family(2, &inner) {
        assert_eq!(port_of(&packet(0, &bytes)), 2_223);
        assert_eq!(port_of(&packet(108, &bytes)), 2_223);
    }
    for number in [24, 28, 30, 10] {
        assert_eq!(port_of(&packet(0, &family(number, &six)[0])), 2_223, "family {number}");
    }
    let pppoe = [&[0; 12][..], &[0x88, 0x64, 0x11, 0, 0, 1, 0, 42, 0, 0x21], &inner].concat();
    assert_eq!(port_of(&packet(1, &pppoe)), 2_223);
}

#[test]
fn arp_and_other_links_are_no_ip_and_no_fault() {
    let arp = [&[0; 12][..], &[8, 6], &[0; 28]].concat();
    let mut faults = Faults::default();
    assert!(matches!(read(1, &arp, &mut faults), Dissected::NotIp));
    assert!(matches!(read(127, &arp, &mut faults), Dissected::NotIp));
    assert_eq!(faults.total(), 0);
}

#[test]
fn options_of_ipv4_and_headers_of_ipv6_stand_before_the_transport() {
    let mut with_options = syn();
    with_options[0] = 0x47;
    with_options.splice(20..20, [0x94, 4, 0, 0, 1, 1, 1, 0]);
    let total = u16::try_from(with_options.len()).unwrap();
    with_options[2..4].copy_from_slice(&total.to_be_bytes());
    with_options[10..12].copy_from_slice(&[0, 0]);
    let packet_with_options = packet(101, &with_options);
    assert_eq!(port_of(&packet_with_options), 2_223);
    assert_eq!(packet_with_options.ip.options_length, 8);

    let segment = Tcp::new((4_000, 2_223), SYN, 1, 0).bytes();
    let hop_by_hop = [60, 0, 1, 4, 0, 0, 0, 0];
    let destination = [51, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let authentication = [6, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let chain = [&hop_by_hop[..], &destination, &authentication, &segment].concat();
    let bytes = Ip::between("2001:db8::9", "2001:db8::1").carry_raw(0, &chain);
    let chained = packet(101, &bytes);
    assert_eq!((port_of(&chained), chained.ip.options_length), (2_223, 48));
}

#[test]
fn options_of_tcp_keep_their_order_and_lies_among_them_end_them() {
    let options = TcpOptions::read(LINUX);
    assert_eq!(options.kinds(), [2, 4, 8, 1, 3]);
    assert_eq!((options.segment_size, options.scale), (Some(1_460), Some(7)));
    assert_eq!(options.timestamps, Some((9, 0)));
    assert!(!options.is_broken);
    let apple = [2, 4, 5, 0xb4, 1, 3, 3, 6, 1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 4, 2, 0, 0];
    let options = TcpOptions::read(&apple);
    assert_eq!(options.kinds(), [2, 1, 3, 1, 1, 8, 4, 0]);
    assert_eq!((options.padding, options.padding_filled), (1, false));
    for broken in [&[2, 0, 1, 1][..], &[2, 1, 0, 0], &[8, 99, 0, 0], &[3], &[2, 3, 1, 1]] {
        assert!(TcpOptions::read(broken).is_broken, "{broken:?}");
    }
    assert_eq!(TcpOptions::read(&[1; 200]).kinds().len(), 40, "a bomb is bounded");
}

#[test]
fn fragments_are_told_apart_and_a_tiny_first_one_is_a_fault() {
    let at = |fragment| Ip { fragment, ..Ip::inbound() };
    let first = at(0x2000).udp((53, 53), &[0; 64]);
    assert_eq!(packet(101, &first).ip.fragment, Fragment::First);
    assert_eq!(port_of(&packet(101, &first)), 53);
    let later = at(8).carry_raw(17, &[0; 64]);
    assert_eq!(packet(101, &later).body, Body::Fragment);
    let tiny = at(0x2000).carry_raw(6, &[0; 8]);
    assert_eq!(fault(101, &tiny), [Fault::TinyFragment]);
    let inner = udp((53, 53), &[0; 16]);
    let six = Ip::between("2001:db8::9", "2001:db8::1");
    let piece = |place: u16| [&[17, 0][..], &place.to_be_bytes(), &[0, 0, 0, 1], &inner].concat();
    assert_eq!(packet(101, &six.carry_raw(44, &piece(1))).ip.fragment, Fragment::First);
    assert_eq!(packet(101, &six.carry_raw(44, &piece(64))).body, Body::Fragment);
    assert_eq!(packet(101, &six.carry_raw(44, &piece(0))).ip.fragment, Fragment::Whole);
}

#[test]
fn each_lie_is_counted_by_its_kind() {
    let change = |at: usize, with: &[u8]| {
        let mut bytes = syn();
        bytes[at..at + with.len()].copy_from_slice(with);
        bytes
    };
    let with_sum_off = |mut bytes: Vec<u8>| {
        bytes[10..12].copy_from_slice(&[0, 0]);
        bytes
    };
    assert_eq!(fault(1, &[0; 13]), [Fault::LinkCut]);
    assert_eq!(fault(101, &[]), [Fault::IpCut]);
    assert_eq!(fault(101, &syn()[..19]), [Fault::IpCut]);
    assert_eq!(fault(101, &change(0, &[0x55])), [Fault::IpVersion]);
    assert_eq!(fault(101, &change(0, &[0x44])), [Fault::IpHeaderLength]);
    assert_eq!(fault(101, &with_sum_off(change(2, &[0, 19]))), [Fault::IpTotalShort]);
    assert_eq!(fault(101, &with_sum_off(change(2, &[9, 0]))), [Fault::IpTotalLong]);
    assert_eq!(fault(101, &change(10, &[1, 2])), [Fault::IpChecksum]);
    assert_eq!(fault(101, &change(32, &[0x40])), [Fault::TcpHeaderLength]);
    assert_eq!(fault(101, &change(32, &[0xf0])), [Fault::TcpHeaderLength]);
    assert_eq!(fault(101, &Ip::inbound().carry_raw(6, &[0; 19])), [Fault::TransportCut]);
    assert_eq!(fault(101, &Ip::inbound().carry_raw(17, &[0; 7])), [Fault::TransportCut]);
    let mut short = udp((1, 2), b"x");
    short[4..6].copy_from_slice(&[0, 7]);
    assert_eq!(fault(101, &Ip::inbound().carry_raw(17, &short)), [Fault::UdpLength]);
    short[4..6].copy_from_slice(&[0, 99]);
    assert_eq!(fault(101, &Ip::inbound().carry_raw(17, &short)), [Fault::UdpLength]);
    let endless = [60, 0, 0, 0, 0, 0, 0, 0].repeat(40);
    let six = Ip::between("2001:db8::9", "2001:db8::1").carry_raw(60, &endless);
    assert_eq!(fault(101, &six), [Fault::Ipv6Chain]);
}

#[test]
fn what_the_capture_cut_off_is_no_lie() {
    let whole = Ip::inbound().tcp(&Tcp::new((4_000, 80), ACK, 1, 1).with(&[b'x'; 1_000]));
    let mut faults = Faults::default();
    let original_length = u32::try_from(whole.len()).unwrap();
    let frame = Frame {
        time: Timestamp::default(),
        link: LinkType::RAW,
        bytes: &whole[..96],
        original_length,
    };
    let Dissected::Packet(packet) = dissect(&frame, &mut faults) else { panic!("{faults:?}") };
    assert_eq!(faults.total(), 0, "{faults:?}");
    assert_eq!(packet.checksum(), Checksum::Unknown);
}

#[test]
fn a_sum_is_right_wrong_or_left_to_the_card() {
    for bytes in [
        syn(),
        Ip::inbound().udp((1, 2), b"odd"),
        Ip::inbound().carry(1, icmp(8, 0, 1, b"ping")),
        Ip::between("2001:db8::9", "2001:db8::1").tcp(&Tcp::new((1, 2), SYN, 1, 0)),
        Ip::between("2001:db8::9", "2001:db8::1").carry(58, icmp(128, 0, 1, b"ping")),
    ] {
        assert_eq!(packet(101, &bytes).checksum(), Checksum::Right);
        let mut wrong = bytes.clone();
        *wrong.last_mut().unwrap() ^= 1;
        assert_eq!(packet(101, &wrong).checksum(), Checksum::Wrong);
    }
    let mut unfinished = syn();
    let length = u8::try_from(unfinished.len() - 20).unwrap();
    let covered = [&unfinished[12..20], &[0, 6, 0, length]].concat();
    let half = !sum(&covered);
    unfinished[36..38].copy_from_slice(&half.to_be_bytes());
    assert_eq!(packet(101, &unfinished).checksum(), Checksum::Unfinished);
    let mut without = Ip::inbound().udp((1, 2), b"x");
    without[26..28].copy_from_slice(&[0, 0]);
    assert_eq!(packet(101, &without).checksum(), Checksum::Right);
}
