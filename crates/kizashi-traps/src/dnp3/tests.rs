use super::TRAP;
use super::link::{self, Head, frame, sum, user, written};
use crate::contract;
use crate::framed::Frame;

#[test]
fn every_transcript_holds_however_the_bytes_are_cut() {
    contract::replay_all(&TRAP);
}

#[test]
fn the_trap_keeps_the_contract() {
    contract::holds(&TRAP);
}

/// The check value of CRC-16/DNP, and a request for a link's status as scanners send it.
#[test]
fn frames_are_summed_as_those_on_the_wire() {
    assert_eq!(u16::from_le_bytes(sum(b"123456789")), 0xea82);
    let head = Head { control: 0xc9, destination: 0, source: 0 };
    assert_eq!(written(head, &[]), b"\x05\x64\x05\xc9\0\0\0\0\x36\x4c");
}

#[test]
fn a_frame_is_read_as_it_was_written_and_one_wrong_bit_makes_it_none() {
    let head = Head { control: 0xc4, destination: 3, source: 1 };
    let content: Vec<u8> = (0..40).collect();
    let bytes = written(head, &content);
    assert_eq!(frame(&bytes), Frame::Whole(bytes.len()));
    assert_eq!((Head::of(&bytes), user(&bytes)), (Some(head), Some(content)));
    for at in 0..bytes.len() {
        let mut wrong = bytes.clone();
        wrong[at] ^= 4;
        assert!(frame(&wrong) == Frame::Foreign || user(&wrong).is_none(), "{at}");
    }
    assert!(written(head, &[7; 999]).len() <= link::LONGEST);
}

fn ask(control: u8, destination: u16, user: &[u8]) -> Vec<u8> {
    written(Head { control, destination, source: 1 }, user)
}

/// What a master says to the outstation of the transcripts' installation.
#[test]
fn the_transcripts_say_what_a_master_says() {
    let sweep = (0..12).flat_map(|address| ask(0xc9, address, &[])).collect();
    let read = |seq: u8, objects: &[u8]| {
        ask(0xc4, 0xfffc, &[&[0xc0, 0xc0 | seq, 1][..], objects].concat())
    };
    contract::scripted(
        &TRAP,
        "reading.txt",
        "A scanner's sweep through the addresses, then by the one for self-discovery: class 0, the device's attributes, a group that is not.",
        &[sweep, read(1, &[60, 1, 6]), read(2, &[0, 254, 6]), read(3, &[110, 0, 6])],
    );
    let block = [12, 1, 0x17, 1, 0, 3, 1, 100, 0, 0, 0, 0, 0, 0, 0, 0];
    contract::scripted(
        &TRAP,
        "control.txt",
        "A point is selected and operated in data that is to be confirmed, the mark of a restart cleared, the device restarted; a file opened; half a frame.",
        &[
            ask(0xc0, 0xfffc, &[]),
            ask(0xd3, 0xfffc, &[&[0xc0, 0xc1, 3][..], &block].concat()),
            ask(0xc4, 0xfffc, &[&[0xc1, 0xc2, 4][..], &block].concat()),
            ask(0xc4, 0xfffc, &[0xc2, 0xc3, 2, 80, 1, 0, 7, 7, 0]),
            ask(0xc4, 0xfffc, &[0xc3, 0xc4, 13]),
            ask(0xc4, 0xfffc, &[0xc4, 0xc5, 25, 70, 3, 0x5b, 1]),
            b"\x05\x64\x05".to_vec(),
        ],
    );
}
