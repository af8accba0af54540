use std::sync::Arc;

use kizashi_event::{Detail, Port, Timestamp};

use super::password::{CHALLENGE, answer, tried};
use super::wire::{Read, Reader, message};
use crate::{Identity, LoginSettings, Output, Visit, contract};

#[test]
fn every_transcript_holds_however_the_bytes_are_cut() {
    contract::replay_all(&super::TRAP);
}

#[test]
fn the_trap_keeps_the_contract() {
    contract::holds(&super::TRAP);
}

/// The sums of the bytes that nmap's probe sends and of those that it matches.
#[test]
fn messages_are_summed_as_those_on_the_wire() {
    assert_eq!(message(&[8]), b"\x01\0\0\0\x01\0\0\0\x08\x08");
    assert!(
        message(&[8, 1, 0, 10, 8]).starts_with(b"\x01\0\0\0\x05\x0a\0\x01\x10\x08\x01\0\x0a\x08")
    );
}

#[test]
fn a_length_or_sum_that_lies_is_no_message() {
    for bytes in [
        &b"\x01\xff\xff\xff\xff\0\0\0\0"[..],
        b"\x01\0\0\0\0\0\0\0\0",
        b"\x01\0\0\0\x01\0\0\0\x09\x08",
        b"G",
    ] {
        let mut reader = Reader::default();
        let last = bytes.iter().map(|byte| reader.feed(*byte)).last();
        assert!(matches!(last, Some(Read::Foreign(_))), "{bytes:?}");
        assert_eq!(reader.held(), 0);
    }
}

#[test]
fn a_weak_password_is_told_by_its_answer_and_no_other_is() {
    let challenge: [u8; CHALLENGE] = std::array::from_fn(|place| place as u8 * 7);
    for password in ["", "12345678", "admin"] {
        assert_eq!(tried(&challenge, &answer(&challenge, password)), Some(password));
    }
    assert_eq!(tried(&challenge, &answer(&challenge, "no list has this")), None);
    assert_eq!(tried(&challenge, &[]), None);
}

/// A guesser goes through its list on one connection, as the policy lets in after some tries.
#[test]
fn a_guesser_with_a_list_is_let_in_and_what_he_then_says_is_kept() {
    let logins = LoginSettings { tries: 2..=2, ..LoginSettings::default() };
    let identity = Arc::new(Identity::draw([1; 32]).with_logins(logins));
    let source = [192, 0, 2, 7].into();
    let visit = Visit { source, destination: None, port: Port::tcp(4899), encrypted: false };
    let mut session = (super::TRAP.begin)(&identity, visit);
    let mut out = Output::new(super::TRAP.service);
    let now = Timestamp::from_seconds(1_795_582_440);
    let mut answers = Vec::new();
    for password in ["11111111", "12345678"] {
        session.receive(&message(&[0x1b]), now, &mut out);
        let reply = out.take_reply();
        let challenge: [u8; CHALLENGE] = reply[10..].try_into().unwrap();
        let body = [&[9][..], &answer(&challenge, password)].concat();
        session.receive(&message(&body), now, &mut out);
        answers.push(out.take_reply());
    }
    assert_eq!(answers, [message(&[0x0b]), message(&[0x0a])]);
    session.receive(b"\x01\0\0\0\x02", now, &mut out);
    session.end(now, &mut out);
    let told: Vec<Detail> = out.take_seen().into_iter().map(|seen| seen.detail).collect();
    let passwords: Vec<_> = told
        .iter()
        .filter_map(|detail| match detail {
            Detail::Login { password, accepted, .. } => {
                Some((password.clone()?.raw().to_owned(), *accepted))
            }
            _ => None,
        })
        .collect();
    assert_eq!(passwords, [("11111111".to_owned(), false), ("12345678".to_owned(), true)]);
    let kept = told.iter().filter_map(Detail::payload).next().unwrap();
    assert_eq!(kept.content, b"\x01\0\0\0\x02");
}
