//! Calls as clients write them, and bytes that lie.

use std::net::{IpAddr, Ipv4Addr};

use kizashi_event::{Port, Service, Timestamp};

use super::client::{Calls, MAPPER, SRVSVC, lookup, share_enum};
use super::pdu::{Fragments, LONGEST, Packet, Read};
use super::*;

const SHARES: Calls = Calls { interface: SRVSVC, version: 3 };

/// What is answered to these packets on this way, by whoever has these rights.
fn answers(way: Way, packets: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let identity = Arc::new(Identity::draw([1; 32]));
    let windows = identity.windows();
    let source = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let visit = Visit { source, destination: None, port: Port::tcp(445), encrypted: false };
    let (now, rights) = (Timestamp::from_seconds(0), Rights::Nobody);
    let caller = Caller {
        identity: &identity,
        windows: &windows,
        shares: &[],
        visit,
        now,
        rights,
        user: "",
        way,
    };
    let mut connection = Connection::new("pipe", [7; 24]);
    let mut out = Output::new(Service::known("smb"));
    let mut answer = |packet: &Vec<u8>| connection.receive(packet, &caller, &mut out).unwrap();
    packets.iter().map(&mut answer).collect()
}

#[test]
fn an_interface_is_reached_by_its_own_way_alone_and_a_call_without_a_bind_is_refused() {
    let maps = Calls { interface: MAPPER, version: 3 };
    // The results of a bind begin with their number; then comes how the first went.
    let result = |reply: &[u8]| reply[reply.len() - 24];
    assert_eq!(result(&answers(Way::Pipe, &[SHARES.bind()])[0]), 0);
    assert_eq!(result(&answers(Way::Tcp, &[SHARES.bind()])[0]), 2);
    assert_eq!(result(&answers(Way::Tcp, &[maps.bind()])[0]), 0);
    assert_eq!(answers(Way::Pipe, &[share_enum()])[0][2], 3, "a fault");
    assert_eq!(answers(Way::Tcp, &[maps.bind(), lookup()])[1][2], 2, "a response");
}

#[test]
fn a_fragment_that_is_too_long_or_ends_before_its_verifier_is_none() {
    let mut long = SHARES.bind();
    long[8..10].copy_from_slice(&(LONGEST as u16 + 1).to_le_bytes());
    let mut verifier = SHARES.bind();
    verifier[10..12].copy_from_slice(&0xfff0_u16.to_le_bytes());
    for bytes in [long, verifier] {
        let mut fragments = Fragments::default();
        fragments.push(&bytes);
        assert!(matches!(fragments.next(), Read::Foreign(_)));
        assert_eq!(fragments.held(), 0);
    }
}

#[test]
fn a_call_in_fragments_is_put_together_and_its_arguments_are_held_to_a_bound() {
    let piece = |flags, stub: &[u8]| {
        let body = [&[0; 4][..], &[0, 0, 15, 0], stub].concat();
        Packet { kind: 0, flags, call: 2, body, auth: None }.write()
    };
    let whole = share_enum();
    let (first, last) = whole[24..].split_at(10);
    let packets = [SHARES.bind(), piece(1, first), piece(2, last)];
    let replies = answers(Way::Pipe, &packets);
    assert!(replies[1].is_empty());
    assert_eq!(replies[2], answers(Way::Pipe, &[SHARES.bind(), whole])[1]);
    let mut packets = vec![SHARES.bind(), piece(1, &[])];
    packets.extend((0..100).map(|_| piece(0, &[b'A'; 5_000])));
    packets.push(piece(2, &[]));
    assert_eq!(answers(Way::Pipe, &packets).last().unwrap()[2], 3, "arguments that are none");
}

#[test]
fn no_arguments_make_any_call_panic() {
    for operation in 0..=80_u8 {
        for length in [0, 3, 20, 64, 200] {
            let bytes: Vec<u8> =
                (0..length).map(|at: u8| at.wrapping_mul(37) ^ operation).collect();
            fuzz(&[&[operation][..], &bytes].concat());
            fuzz(&[&[operation][..], &vec![1; length.into()]].concat());
        }
    }
}
