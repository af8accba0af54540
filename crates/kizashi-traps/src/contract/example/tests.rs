use super::wire::{Lines, Request};
use crate::contract;

#[test]
fn every_transcript_holds_however_the_bytes_are_cut() {
    contract::replay_all(&super::TRAP);
}

#[test]
fn the_trap_keeps_the_contract() {
    contract::holds(&super::TRAP);
}

#[test]
fn a_line_without_end_is_held_to_a_bound() {
    let mut lines = Lines::default();
    for _ in 0..1_000_000 {
        assert_eq!(lines.feed(b'a'), None);
    }
    assert_eq!(lines.feed(b'\n').map(|line| line.len()), Some(Lines::LONGEST));
}

#[test]
fn a_word_is_known_whatever_its_case() {
    assert_eq!(Request::of(b"uSeR admin"), Request::User(b"admin"));
    assert_eq!(Request::of(b"QUIT"), Request::Quit);
    assert_eq!(Request::of(b""), Request::Unknown);
}
