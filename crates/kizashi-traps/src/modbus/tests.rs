use std::sync::Arc;

use kizashi_event::{Port, Timestamp};

use crate::{Identity, Output, Session, Visit, contract};

const NOW: Timestamp = Timestamp::from_seconds(1_795_582_440);

#[test]
fn every_transcript_holds_however_the_bytes_are_cut() {
    contract::replay_all(&super::TRAP);
}

#[test]
fn the_trap_keeps_the_contract() {
    contract::holds(&super::TRAP);
}

struct Visitor(Box<dyn Session>, Output);

impl Visitor {
    fn new() -> Self {
        let identity = Arc::new(Identity::draw([1; 32]));
        let source = [192, 0, 2, 7].into();
        let visit = Visit { source, destination: None, port: Port::tcp(502), encrypted: false };
        Self((super::TRAP.begin)(&identity, visit), Output::new(super::TRAP.service))
    }

    /// What is answered to a function and its body, from the function on.
    fn ask(&mut self, pdu: &[u8]) -> Vec<u8> {
        let length = u16::try_from(pdu.len() + 1).unwrap().to_be_bytes();
        self.0.receive(&[&[0, 1, 0, 0][..], &length, &[1], pdu].concat(), NOW, &mut self.1);
        self.1.take_reply().split_off(7)
    }
}

#[test]
fn what_a_visitor_writes_he_reads_back() {
    let mut visitor = Visitor::new();
    assert_eq!(visitor.ask(&[6, 0, 50, 0x12, 0x34]), [6, 0, 50, 0x12, 0x34]);
    assert_eq!(visitor.ask(&[16, 0, 51, 0, 2, 4, 0, 1, 0, 2]), [16, 0, 51, 0, 2]);
    assert_eq!(visitor.ask(&[22, 0, 52, 0, 0xf2, 0, 0x25]), [22, 0, 52, 0, 0xf2, 0, 0x25]);
    assert_eq!(visitor.ask(&[3, 0, 50, 0, 3]), [3, 6, 0x12, 0x34, 0, 1, 0, 0x07]);
    assert_eq!(visitor.ask(&[15, 0, 8, 0, 10, 2, 0xcd, 0x01]), [15, 0, 8, 0, 10]);
    assert_eq!(visitor.ask(&[5, 0, 9, 0xff, 0]), [5, 0, 9, 0xff, 0]);
    assert_eq!(visitor.ask(&[1, 0, 8, 0, 10]), [1, 2, 0xcf, 0x01]);
}

#[test]
fn addresses_and_quantities_beyond_the_controllers_are_exceptions() {
    let mut visitor = Visitor::new();
    for (pdu, exception) in [
        (&[3, 0x1f, 0x3f, 0, 2][..], 2),
        (&[3, 0xff, 0xff, 0, 125], 2),
        (&[3, 0, 0, 0, 126], 3),
        (&[3, 0, 0, 0, 0], 3),
        (&[3, 0], 3),
        (&[16, 0, 0, 0, 2, 3, 0, 0, 0], 3),
        (&[5, 0, 0, 1, 2], 3),
        (&[43, 14, 4, 9], 2),
        (&[17], 1),
        (&[90, 0, 2], 1),
    ] {
        assert_eq!(visitor.ask(pdu), [pdu[0] | 0x80, exception], "{pdu:?}");
    }
}

#[test]
fn a_visitor_who_writes_everything_is_held_to_a_bound() {
    let mut visitor = Visitor::new();
    for address in 0..2_000_u16 {
        let [high, low] = address.to_be_bytes();
        visitor.ask(&[6, high, low, 1, 1]);
        let _ = visitor.1.take_seen();
    }
    assert!(visitor.0.memory() < 4_096, "{}", visitor.0.memory());
}
