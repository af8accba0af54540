use super::TRAP;
use super::wire::{frame, means, packet};
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

/// The standard's own examples (4.7.1).
#[test]
fn filters_mean_what_the_standard_says() {
    for (filter, topic, expected) in [
        ("sport/tennis/player1/#", "sport/tennis/player1/ranking", true),
        ("sport/#", "sport", true),
        ("#", "a/b", true),
        ("#", "$SYS/broker/version", false),
        ("+/monitor/Clients", "$SYS/monitor/Clients", false),
        ("$SYS/#", "$SYS/broker/version", true),
        ("sport/+", "sport", false),
        ("sport/+", "sport/", true),
        ("+/+", "/finance", true),
        ("+", "/finance", false),
    ] {
        assert_eq!(means(filter.as_bytes(), topic.as_bytes()), expected, "{filter} {topic}");
    }
}

#[test]
fn a_length_is_read_as_it_is_written_and_one_without_end_is_none() {
    for length in [0, 1, 127, 128, 16_383, 16_384] {
        let bytes = packet(0x30, &[&vec![7; length]]);
        assert_eq!(frame(&bytes), Frame::Whole(bytes.len()), "{length}");
    }
    assert_eq!(frame(&[0x30, 0xff, 0xff, 0xff, 0xff]), Frame::Foreign);
    assert_eq!(frame(&[0x30, 0x80]), Frame::More);
}
