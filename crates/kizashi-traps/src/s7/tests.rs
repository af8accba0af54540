use std::sync::Arc;

use kizashi_event::{Detail, Port, Timestamp};

use crate::{Identity, LoginSettings, Output, Session, Visit, contract};

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
        let logins = LoginSettings { tries: 2..=2, ..LoginSettings::default() };
        let identity = Arc::new(Identity::draw([1; 32]).with_logins(logins));
        let source = [192, 0, 2, 7].into();
        let visit = Visit { source, destination: None, port: Port::tcp(102), encrypted: false };
        Self((super::TRAP.begin)(&identity, visit), Output::new(super::TRAP.service))
    }

    /// What is answered to a message of this kind, from its error or parameters on.
    fn ask(&mut self, kind: u8, parameters: &[u8], data: &[u8]) -> Vec<u8> {
        let length = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap().to_be_bytes();
        let message =
            [&[0x32, kind, 0, 0, 0, 1][..], &length(parameters), &length(data), parameters, data]
                .concat();
        let packet = [&[0; 7][..], &message].concat();
        let head = [&[3, 0][..], &length(&packet), &[2, 0xf0, 0x80]].concat();
        self.0.receive(&[&head[..], &message].concat(), NOW, &mut self.1);
        let reply = self.1.take_reply();
        assert!(reply.len() <= 247, "longer than the PDU agreed on: {}", reply.len());
        reply[17..].to_vec()
    }

    fn list(&mut self, number: u16, sequence: u8) -> Vec<u8> {
        let [high, low] = number.to_be_bytes();
        let parameters = [0, 1, 0x12, 4, 0x11, 0x44, 1, sequence];
        self.ask(7, &parameters, &[0xff, 9, 0, 4, high, low, 0, 0])
    }
}

const FLAG: [u8; 12] = [0x12, 0x0a, 0x10, 2, 0, 2, 0, 0, 0x83, 0, 0, 80];

#[test]
fn a_list_longer_than_a_pdu_comes_in_pieces_that_make_it_whole() {
    let mut visitor = Visitor::new();
    let first = visitor.list(0x001c, 0);
    let (sequence, more) = (first[7], first[9]);
    assert_eq!(more, 1);
    let second = visitor.list(0x001c, sequence);
    assert_eq!(second[9], 0);
    let whole = [&first[16..], &second[16..]].concat();
    assert_eq!(whole.len(), 8 + 10 * 34);
    assert!(whole.windows(15).any(|window| window == b"CPU 315-2 PN/DP"));
}

#[test]
fn what_a_visitor_writes_he_reads_back_and_a_stopped_cpu_says_so() {
    let mut visitor = Visitor::new();
    let write = [&[5, 1][..], &FLAG].concat();
    assert_eq!(visitor.ask(1, &write, &[0, 4, 0, 16, 0xab, 0xcd]), [0, 0, 5, 1, 0xff]);
    let read = [&[4, 1][..], &FLAG].concat();
    assert_eq!(visitor.ask(1, &read, &[]), [0, 0, 4, 1, 0xff, 4, 0, 16, 0xab, 0xcd]);
    assert_eq!(visitor.list(0x0424, 0)[27], 8);
    let stop = [&[0x29, 0, 0, 0, 0, 0, 9][..], b"P_PROGRAM"].concat();
    assert_eq!(visitor.ask(1, &stop, &[]), [0, 0, 0x29]);
    assert_eq!(visitor.list(0x0424, 0)[27], 4);
}

#[test]
fn a_password_is_told_as_it_was_typed() {
    let mut visitor = Visitor::new();
    for (password, error) in [(b"12345678", [0xd6, 0x02]), (b"admin   ", [0, 0])] {
        let mut sent = [0_u8; 8];
        for at in 0..8 {
            sent[at] = password[at] ^ 0x55 ^ if at < 2 { 0 } else { sent[at - 2] };
        }
        let parameters = [0, 1, 0x12, 4, 0x11, 0x45, 1, 0];
        let reply = visitor.ask(7, &parameters, &[&[0xff, 9, 0, 8][..], &sent].concat());
        assert_eq!(reply[10..12], error);
    }
    let told = visitor.1.take_seen();
    let passwords = told.iter().filter_map(|seen| match &seen.detail {
        Detail::Login { password, .. } => password.as_ref().map(|text| text.raw().to_owned()),
        _ => None,
    });
    assert_eq!(passwords.collect::<Vec<_>>(), ["12345678", "admin"]);
}

#[test]
fn lengths_that_lie_and_areas_that_are_not_are_refused_without_harm() {
    let mut visitor = Visitor::new();
    let beyond = [0x12, 0x0a, 0x10, 2, 0xff, 0xff, 0, 9, 0x84, 0xff, 0xff, 0xff];
    let reply = visitor.ask(1, &[&[4, 255][..], &beyond, &FLAG[..5]].concat(), &[]);
    assert_eq!(reply[..8], [0, 0, 4, 20, 0x0a, 0, 0, 0]);
    let write = [&[5, 2][..], &FLAG].concat();
    assert_eq!(visitor.ask(1, &write, &[0, 4, 0xff, 0xff]), [0, 0, 5, 2, 0x0a, 0x0a]);
}
