use super::TRAP;
use super::wire::{frame, number, with_text};
use crate::contract;
use crate::datagram::Reader;
use crate::framed::Frame;

#[test]
fn every_transcript_holds_however_the_bytes_are_cut() {
    contract::replay_all(&TRAP);
}

#[test]
fn the_trap_keeps_the_contract() {
    contract::holds(&TRAP);
}

/// The examples of the protocol's documentation.
#[test]
fn numbers_have_seven_bits_a_byte_and_an_end() {
    for (bytes, expected) in [
        (&[0x7f][..], Some(127)),
        (&[0xdd, 0xc7, 0x01], Some(25_565)),
        (&[0xff, 0xff, 0xff, 0xff, 0x0f], Some(u32::MAX)),
        (&[0xff; 5], None),
        (&[0x80], None),
    ] {
        assert_eq!(number(&mut Reader(bytes)), expected, "{bytes:?}");
    }
}

#[test]
fn a_packet_ends_where_it_says_and_a_length_that_never_ends_is_none() {
    let packet = with_text(0, &"x".repeat(200));
    assert_eq!(frame(&packet), Frame::Whole(packet.len()));
    assert_eq!(frame(&[0xff; 5]), Frame::Foreign);
    assert_eq!(frame(&[0]), Frame::Foreign);
}
