use std::sync::Arc;

use kizashi_event::Timestamp;

use super::desktop::{Desktop, SIZE};
use super::encoding::{Encoding, Streams, Update};
use super::password::{answer, john, tried};
use super::session::VncSession;
use super::wire::{Area, PixelFormat, Reader};
use super::{SERVICE, TRAP};
use crate::screen::{Input, has_point};
use crate::{Identity, LoginSettings, Output, Session as _, Visit, contract};

#[test]
fn every_transcript_holds_however_the_bytes_are_cut() {
    contract::replay_all(&TRAP);
}

#[test]
fn the_trap_keeps_the_contract() {
    contract::holds(&TRAP);
}

fn visit() -> Visit {
    Visit {
        source: std::net::Ipv4Addr::new(192, 0, 2, 7).into(),
        destination: None,
        port: kizashi_event::Port::tcp(5901),
        encrypted: false,
    }
}

/// An installation with a password, or without.
fn identity(open: bool) -> Arc<Identity> {
    let mut all = (0..40).map(|seed| {
        let logins = LoginSettings { tries: 1..=1, ..LoginSettings::default() };
        Arc::new(Identity::draw([seed; 32]).with_logins(logins))
    });
    all.find(|identity| {
        let mut out = Output::new(SERVICE);
        let mut session = VncSession::new(identity, visit());
        session.receive(b"RFB 003.003\n", Timestamp::from_seconds(0), &mut out);
        (out.take_reply() == [0, 0, 0, 1]) == open
    })
    .unwrap()
}

/// A login in 3.8; what is answered to it.
fn guess(identity: &Arc<Identity>, password: &[u8]) -> (Vec<u8>, Vec<kizashi_event::Detail>) {
    let now = Timestamp::from_seconds(0);
    let mut out = Output::new(SERVICE);
    let mut session = VncSession::new(identity, visit());
    session.receive(b"RFB 003.008\n\x02", now, &mut out);
    let challenge = *out.take_reply().last_chunk().unwrap();
    session.receive(&answer(password, &challenge), now, &mut out);
    (out.take_reply(), out.take_seen().into_iter().map(|seen| seen.detail).collect())
}

#[test]
fn a_weak_password_opens_it_by_its_first_eight_letters_and_another_is_noted() {
    let identity = identity(false);
    assert_eq!(
        guess(&identity, b"no list has this").0,
        b"\0\0\0\x01\0\0\0\x15Authentication failed"
    );
    // A weak pair elsewhere, but too short to be this server's password.
    assert_eq!(guess(&identity, b"").0[..4], [0, 0, 0, 1]);
    assert_eq!(guess(&identity, b"admin").0[..4], [0, 0, 0, 1]);
    let (reply, told) = guess(&identity, b"password and more");
    assert_eq!(reply, [0; 4]);
    assert!(told.iter().any(|detail| matches!(detail, kizashi_event::Detail::Login { password: Some(password), accepted: true, .. } if password.raw() == "password")));
}

#[test]
fn a_challenge_is_answered_as_other_peoples_clients_answer_it() {
    // OpenSSL: printf 0123456789abcdef | openssl enc -des-ecb -K <"password" with its bits turned round> -nopad
    let expected = [
        0x56, 0x45, 0xab, 0xeb, 0x5f, 0x1e, 0x64, 0x75, 0xe8, 0xfe, 0xb1, 0x1b, 0xeb, 0x66, 0xea,
        0x19,
    ];
    assert_eq!(answer(b"password", b"0123456789abcdef"), expected);
    assert_eq!(tried(b"0123456789abcdef", &expected), Some("password"));
    assert!(
        john(b"0123456789abcdef", &expected)
            .starts_with("$vnc$*30313233343536373839616263646566*5645")
    );
}

/// Reads Hextile back.
fn unpacked(bytes: &[u8], width: usize, height: usize) -> Vec<u8> {
    let mut picture = vec![0; width * height * 4];
    let mut at = 16;
    for top in (0..height).step_by(16) {
        for left in (0..width).step_by(16) {
            let (wide, high) = (16.min(width - left), 16.min(height - top));
            let kind = bytes[at];
            at += 1;
            let mut put = |x: usize, y: usize, colour: &[u8]| {
                let place = ((top + y) * width + left + x) * 4;
                picture[place..place + 4].copy_from_slice(colour);
            };
            if kind & 1 != 0 {
                for point in 0..wide * high {
                    put(point % wide, point / wide, &bytes[at + point * 4..at + point * 4 + 4]);
                }
                at += wide * high * 4;
                continue;
            }
            for point in 0..wide * high {
                put(point % wide, point / wide, &bytes[at..at + 4]);
            }
            at += 4;
            if kind & 8 != 0 {
                let count = usize::from(bytes[at]);
                at += 1;
                for _ in 0..count {
                    let (place, size) = (bytes[at + 4], bytes[at + 5]);
                    for x in 0..=usize::from(size >> 4) {
                        put(
                            usize::from(place >> 4) + x,
                            usize::from(place & 15),
                            &bytes[at..at + 4],
                        );
                    }
                    at += 6;
                }
            }
        }
    }
    assert_eq!(at, bytes.len());
    picture
}

fn whole(desktop: &Desktop, area: Area, format: PixelFormat, hextile: bool) -> Vec<u8> {
    let encoding = if hextile { Encoding::Hextile } else { Encoding::Raw };
    let mut update = Update::new(area, format, encoding);
    let mut streams = Streams::default();
    std::iter::from_fn(|| update.piece(desktop, &mut streams)).flatten().collect()
}

#[test]
fn the_first_encoding_that_is_known_is_the_one_that_is_written() {
    assert_eq!(Encoding::of(&[16, -239, 7, 5, 0]), Encoding::Tight);
    assert_eq!(Encoding::of(&[5, 7]), Encoding::Hextile);
    assert_eq!(Encoding::of(&[16, -223]), Encoding::Raw);
}

#[test]
fn a_whole_screen_in_tight_is_small() {
    let desktop = Desktop::of(&identity(false), 1);
    let area = Area { x: 0, y: 0, width: SIZE.0, height: SIZE.1 };
    let mut update = Update::new(area, PixelFormat::default(), Encoding::Tight);
    let mut streams = Streams::default();
    let pieces: Vec<Vec<u8>> =
        std::iter::from_fn(|| update.piece(&desktop, &mut streams)).collect();
    assert_eq!(pieces.len(), 48);
    assert!(pieces.concat().len() < 64 * 1024, "{}", pieces.concat().len());
}

#[test]
fn the_picture_is_the_same_raw_and_in_tiles_and_another_on_another_installation() {
    let identity = identity(false);
    let desktop = Desktop::of(&identity, 1);
    let area = Area { x: 24, y: 30, width: 333, height: 177 };
    let raw = whole(&desktop, area, PixelFormat::default(), false);
    assert_eq!(raw.len(), 16 + 333 * 177 * 4);
    let tiles = whole(&desktop, area, PixelFormat::default(), true);
    assert_eq!(unpacked(&tiles, 333, 177), raw[16..]);
    let full = Area { x: 0, y: 0, width: SIZE.0, height: SIZE.1 };
    let tiles = whole(&desktop, full, PixelFormat::default(), true);
    assert!(tiles.len() < 200 * 1024, "{}", tiles.len());
    let other = Desktop::of(&Identity::draw([77; 32]), 1);
    assert_ne!(desktop.name, other.name);
    assert_ne!(tiles, whole(&other, full, PixelFormat::default(), true));
}

#[test]
fn points_are_written_in_the_clients_own_format() {
    let mut out = Vec::new();
    PixelFormat::default().pixel([1, 2, 3], &mut out);
    let small = PixelFormat {
        bytes: 2,
        depth: 16,
        big_endian: true,
        most: [31, 63, 31],
        shift: [11, 5, 0],
        ..PixelFormat::default()
    };
    small.pixel([255, 0, 255], &mut out);
    PixelFormat { bytes: 1, true_colour: false, ..small }.pixel([255, 255, 0], &mut out);
    assert_eq!(out, [3, 2, 1, 0, 0xf8, 0x1f, 0x3f]);
}

#[test]
fn what_is_typed_is_a_line_and_where_one_clicks_is_told() {
    let mut input = Input::default();
    let keys = [u32::from(b'l'), 0xff09, u32::from(b'x'), 0xff08, u32::from(b's'), 0xffe1];
    assert!(keys.iter().all(|key| input.key(*key).is_none()));
    assert_eq!(input.key(0xff0d), Some("l<Tab>s".to_owned()));
    for (buttons, x) in [(0, 1), (1, 2), (1, 3), (0, 3), (4, 4)] {
        input.pointer(buttons, x, 9);
    }
    assert_eq!(input.told(), Some("5 events, 2 clicks: 1@2,9 3@4,9".to_owned()));
    for _ in 0..1_000_000 {
        input.pointer(0, 0, 0);
        input.pointer(1, 0, 0);
        input.key(0xff1b);
    }
    assert!(input.memory() < 2_048);
}

#[test]
fn a_clipboard_that_is_too_long_is_hashed_and_not_held() {
    let mut reader = Reader::default();
    reader.buffer.extend([6, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff]);
    for _ in 0..2_048 {
        reader.buffer.extend([7; 8_000]);
        assert!(reader.next().is_none());
        assert!(reader.memory() <= 80 * 1024);
    }
}

#[test]
fn letters_have_their_shapes() {
    let row = |letter: u8, y: usize| {
        (0..5).map(|x| if has_point(letter, x, y) { '#' } else { '.' }).collect::<String>()
    };
    assert_eq!(
        (0..7).map(|y| row(b'H', y)).collect::<Vec<_>>(),
        ["#...#", "#...#", "#...#", "#####", "#...#", "#...#", "#...#"]
    );
    assert!((0..10).all(|y| row(b' ', y) == "....."));
}
