//! Any bytes at all.

use proptest::prelude::*;

use crate::hand_made::*;

/// Frames of all kinds, in the form of the fuzzer's entry.
fn seeds() -> Vec<Vec<u8>> {
    let six = Ip::between("2001:db8::9", "2001:db8::1");
    let packets = [
        Ip::inbound().tcp(&Tcp::new((4_000, 80), SYN, 1, 0)),
        Ip::outbound().tcp(&Tcp::new((80, 4_000), SYN_ACK, 9, 2)),
        Ip::inbound().tcp(&Tcp::new((4_000, 80), PSH_ACK, 2, 10).with(b"GET / HTTP/1.0\r\n\r\n")),
        Ip::inbound().tcp(&Tcp::new((4_000, 80), FIN_ACK, 20, 10)),
        Ip::inbound().udp((4_000, 53), &[0; 30]),
        Ip::inbound().carry(1, icmp(3, 3, 0, &Ip::outbound().udp((53, 4_000), b"x"))),
        six.tcp(&Tcp::new((4_000, 22), SYN, 1, 0)),
        six.carry_raw(44, &[17, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
    ];
    packets.iter().map(|packet| entry(&ethernet(packet))).collect()
}

fn entry(frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame.resize(frame.len().next_multiple_of(8), 0);
    [&[0, u8::try_from(frame.len() / 8).unwrap()][..], &frame].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_in_any_link_make_the_observer_panic_or_lose_count(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        kizashi_wire::fuzz::frame(&bytes);
    }

    #[test]
    fn changed_packets_in_any_order_do_no_harm(
        order in prop::collection::vec(any::<prop::sample::Index>(), 1..20),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
    ) {
        let seeds = seeds();
        let mut bytes: Vec<u8> = order.iter().flat_map(|one| one.get(&seeds).clone()).collect();
        for (at, with) in changes {
            let at = at.index(bytes.len());
            bytes[at] = with;
        }
        kizashi_wire::fuzz::frame(&bytes);
    }

    #[test]
    fn a_changed_capture_does_no_harm(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        end in any::<prop::sample::Index>(),
    ) {
        let frames: Vec<Vec<u8>> = seeds().iter().map(|seed| seed[2..].to_vec()).collect();
        let mut file = pcap(1, &frames);
        for (at, with) in changes {
            let at = at.index(file.len());
            file[at] = with;
        }
        file.truncate(end.index(file.len() + 1));
        kizashi_wire::fuzz::capture(&file);
    }
}

#[test]
fn every_beginning_of_every_packet_is_read_without_harm() {
    for seed in seeds() {
        for end in 2..seed.len() {
            for link in 0..10 {
                let mut frame = seed[2..end].to_vec();
                frame.truncate(255 * 8);
                let mut bytes = vec![link, u8::try_from(frame.len() / 8).unwrap()];
                bytes.extend(frame);
                kizashi_wire::fuzz::frame(&bytes);
            }
        }
    }
}
