use super::TRAP;
use super::message::{Command, ECHO, FIND, MOVE, STORE};
use super::upper::{Association, IMPLICIT, unit};
use crate::contract;

#[test]
fn every_transcript_holds_however_the_bytes_are_cut() {
    contract::replay_all(&TRAP);
}

#[test]
fn the_trap_keeps_the_contract() {
    contract::holds(&TRAP);
}

fn item(kind: u8, content: &[u8]) -> Vec<u8> {
    [&[kind, 0][..], &u16::try_from(content.len()).unwrap().to_be_bytes(), content].concat()
}

/// The association that findscu asks for, with two syntaxes for one class.
fn associate() -> Vec<u8> {
    let class = item(0x30, b"1.2.840.10008.5.1.4.1.2.2.1");
    let syntaxes = [item(0x40, b"1.2.840.10008.1.2.1"), item(0x40, IMPLICIT)].concat();
    let context = item(0x20, &[&[1, 0, 0, 0][..], &class, &syntaxes].concat());
    let user = [item(0x51, &[0, 0, 0x40, 0]), item(0x55, b"PYNETDICOM_202")].concat();
    let names = [&b"ANY-SCP         FINDSCU         "[..], &[0; 32]].concat();
    let body = [&[0, 1, 0, 0][..], &names, &item(0x10, b"1.2.840.10008.3.1.1.1"), &context];
    unit(1, &[body.concat(), item(0x50, &user)].concat())
}

fn element(element: u16, value: &[u8]) -> Vec<u8> {
    let length = u32::try_from(value.len()).unwrap().to_le_bytes();
    [&[0, 0][..], &element.to_le_bytes(), &length, value].concat()
}

fn piece(control: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len() + 2).unwrap().to_be_bytes();
    [&length[..], &[1, control], bytes].concat()
}

fn command(field: u16, more: &[Vec<u8>], with_data: bool) -> Vec<u8> {
    let elements = [
        element(0x0002, b"1.2.840.10008.1.1\0"),
        element(0x0100, &field.to_le_bytes()),
        element(0x0110, &[7, 0]),
        more.concat(),
        element(0x0800, if with_data { &[0, 0] } else { &[1, 1] }),
    ];
    piece(3, &elements.concat())
}

#[test]
fn the_transcripts_say_what_a_client_says() {
    let release = unit(5, &[0; 4]);
    contract::scripted(
        &TRAP,
        "echo-and-find.txt",
        "findscu: an echo, then a search for every patient, of whom there is none.",
        &[
            associate(),
            unit(4, &command(ECHO, &[], false)),
            unit(4, &command(FIND, &[], true)),
            unit(4, &piece(2, b"\x10\0\x10\0\x02\0\0\0* ")),
            release,
        ],
    );
    contract::scripted(
        &TRAP,
        "store-and-move.txt",
        "A file is stored in two pieces that come in one unit, one is to be moved elsewhere, and something is asked for that is nothing; half a unit.",
        &[
            associate(),
            unit(4, &command(STORE, &[element(0x1000, b"1.2.3.4\0")], true)),
            unit(4, &[piece(0, b"MZ the first half, "), piece(2, b"the second")].concat()),
            unit(4, &command(MOVE, &[element(0x0600, b"EVIL")], false)),
            unit(4, &command(0x0140, &[], false)),
            vec![4, 0, 0, 0],
        ],
    );
}

#[test]
fn an_association_is_accepted_in_the_syntax_that_everybody_has() {
    let association = Association::read(&associate()[6..]).unwrap();
    assert_eq!(association.contexts[0].syntax, IMPLICIT);
    let accepted = association.accepted();
    assert!(accepted.windows(IMPLICIT.len() + 4).any(|window| window == item(0x40, IMPLICIT)));
}

#[test]
fn elements_whose_length_lies_make_no_command() {
    let mut bytes = command(ECHO, &[], false)[6..].to_vec();
    assert!(Command::read(&bytes).is_some());
    bytes[4..8].copy_from_slice(&[0xff; 4]);
    assert_eq!(Command::read(&bytes), None);
    assert_eq!(Command::read(b"\x08\0\x05\0\x02\0\0\0ab"), None);
}
