use kizashi_event::{Detail, Payload};

use super::TRAP;
use super::bytes::{Fields, u16_at, u32_at};
use super::client::{Client, identity};
use super::disk::{below, fits};
use super::frame::{Frames, LONGEST, Read};
use super::status;
use crate::contract;
use crate::rpc::client::{
    Calls, SRVSVC, SVCCTL, create_service, open_manager, overflow, share_enum, start_service,
};

const SHARES: Calls = Calls { interface: SRVSVC, version: 3 };
const SERVICES: Calls = Calls { interface: SVCCTL, version: 2 };

/// Looks around as nobody: shares, and an overflow of 2008.
fn looks(client: &mut Client) {
    client.negotiate(&[0x0202, 0x0210, 0x0300, 0x0302]);
    client.break_in();
    assert_eq!(client.attach("IPC$"), 0);
    let pipe = client.pipe("srvsvc", &SHARES);
    let listed = client.call(pipe, &share_enum());
    let admin: Vec<u8> = crate::windows::utf16("ADMIN$");
    assert!(listed.windows(admin.len()).any(|found| found == admin));
    client.call(pipe, &overflow());
    client.close(pipe);
}

/// As psexec and its kin do it: a program is put on a share, and a service starts it.
fn executes(client: &mut Client) {
    client.negotiate(&[0x0210]);
    client.break_in();
    assert_eq!(client.attach("ADMIN$"), 0);
    let file = client.open("evil.exe", 2, 0).unwrap();
    assert_eq!(client.write(file, 0, b"MZ of a worm, "), 0);
    assert_eq!(client.write(file, 14, b"in two parts"), 0);
    client.close(file);
    assert_eq!(client.open("evil.exe", 2, 0), Err(status::OBJECT_NAME_COLLISION));
    let file = client.open("evil.exe", 1, 0).unwrap();
    assert_eq!(client.read(file, 64), b"MZ of a worm, in two parts");
    client.close(file);
    assert_eq!(client.open("..\\boot.ini", 1, 0), Err(status::OBJECT_NAME_INVALID));
    let folder = client.open("", 1, 1).unwrap();
    let listed = client.list(folder);
    let name = crate::windows::utf16("evil.exe");
    assert!(listed.windows(name.len()).any(|found| found == name));
    client.close(folder);
    assert_eq!(client.attach("IPC$"), 0);
    let pipe = client.pipe("svcctl", &SERVICES);
    let manager = client.call(pipe, &open_manager())[24..44].to_vec();
    let made = client.call(pipe, &create_service(&manager, "BTOB", "%systemroot%\\evil.exe -i"));
    let service = made[28..48].to_vec();
    let started = client.call(pipe, &start_service(&service));
    assert_eq!(started[24..], [0; 4]);
    client.close(pipe);
}

/// The words of `NT_TRANSACT` and of `TRANSACTION2_SECONDARY`, of so many bytes in all.
fn first_words(announced: u32, here: usize) -> Fields {
    let words = Fields::default().u8(1).u16(0).u32(0).u32(announced).u32(0).u32(0).u32(0);
    words.u32(73).length(here).u32(73).u8(0).u16(0).u16(0)
}

fn more_words(here: usize) -> Fields {
    let words = Fields::default().u16(0).u16(4_096).u16(0).u16(0).u16(0).short_length(here);
    words.u16(32 + 1 + 18 + 2).u16(0).u16(0)
}

/// `TRANS2_SESSION_SETUP` with a timeout that stands for a wish of DoublePulsar's client.
fn pulsar(client: &mut Client, timeout: u32) -> Vec<u8> {
    let words = Fields::default().u16(12).u16(0).u16(1).u16(0).u8(0).u8(0).u16(0).u32(timeout);
    let words = words.u16(0).u16(12).u16(66).u16(0).u16(78).u8(1).u8(0).u16(14);
    client.old(0x32, 65, &words, &[&[0; 1][..], &[0; 12]].concat())
}

/// Goes through MS17-010 as its worms do, announcing and sending so much.
fn attacks(client: &mut Client, announced: u32, sent: usize) -> Vec<u8> {
    client.old(0x72, 1, &Fields::default(), b"\x02LANMAN1.0\0\x02NT LM 0.12\0");
    let setup = Fields::default().u8(0xff).u8(0).u16(0).u16(4_356).u16(10).u16(0).u32(0).u16(0);
    let reply = client.old(0x73, 1, &setup.u16(0).u32(0).u32(0x40), b"\0\0Windows 7\0\0");
    assert_eq!(u32_at(&reply, 5), Some(0), "nobody is let in as nobody");
    client.user = u16_at(&reply, 28).unwrap().into();
    let connect = Fields::default().u8(0xff).u8(0).u16(0).u16(8).u16(1);
    let reply = client.old(0x75, 1, &connect, b"\0\\\\192.0.2.1\\IPC$\0?????\0");
    client.tree = u16_at(&reply, 24).unwrap().into();
    // A peek at a pipe that is none.
    let peek = Fields::default().raw(&[0; 26]).u8(2).u8(0).u16(0x23).u16(0);
    let reply = client.old(0x25, 1, &peek, b"\\PIPE\\\0");
    assert_eq!(u32_at(&reply, 5), Some(status::INSUFF_SERVER_RESOURCES));
    let reply = pulsar(client, 0x0023_0000);
    assert_eq!(u16_at(&reply, 30), Some(65), "it is clean before it was attacked");
    let mut left = sent;
    let mut piece = |most: usize| {
        let here = left.min(most);
        left -= here;
        vec![b'A'; here]
    };
    let first = piece(976);
    let reply = client.old(0xa0, 64, &first_words(announced, first.len()), &first);
    assert_eq!(u32_at(&reply, 5), Some(0), "go on");
    let mut last = Vec::new();
    loop {
        let more = piece(4_096);
        if more.is_empty() {
            return last;
        }
        last = client.old(0x33, 64, &more_words(more.len()), &more);
    }
}

#[test]
fn every_transcript_holds_however_the_bytes_are_cut() {
    let dialogue = |name: &str, title: &str, act: &dyn Fn(&mut Client)| {
        let mut client = Client::of(&identity());
        act(&mut client);
        contract::scripted(&TRAP, name, title, &client.pieces);
    };
    dialogue("looks.txt", "Guesses a password, lists the shares, sends MS08-067.", &looks);
    dialogue("service.txt", "A program is put on a share and a service starts it.", &executes);
    dialogue("worm.txt", "MS17-010, broken off; DoublePulsar is looked for.", &|client| {
        attacks(client, 0x0001_03d0, 2_000);
        pulsar(client, 0x0023_0000);
    });
    contract::replay_all(&TRAP);
}

#[test]
fn the_trap_keeps_the_contract() {
    contract::holds(&TRAP);
}

fn payload<'a>(told: &'a [Detail], name: &str) -> &'a Payload {
    let named = |payload: &&Payload| payload.name.as_ref().is_some_and(|found| found.raw() == name);
    told.iter().filter_map(Detail::payload).find(named).expect("kept")
}

#[test]
fn ms17_010_is_led_to_its_overflow_which_is_kept_and_doublepulsar_is_there_from_then_on() {
    let identity = identity();
    let mut client = Client::of(&identity);
    let last = attacks(&mut client, 66_512, 66_512);
    assert_eq!(u32_at(&last, 5), Some(status::INVALID_PARAMETER), "overwritten");
    assert_eq!(client.notes("smb exploit"), ["MS17-010 probe", "MS17-010"]);
    // The payload lies in connections that are never finished.
    let mut groom = Client::of(&identity);
    groom.send(&[&b"\0\0\xff\xf7\xfeSMB"[..], &[0; 120], b"shellcode"].concat());
    let told = groom.end();
    assert!(payload(&told, "MS17-010 groom").content.ends_with(b"shellcode"));
    let reply = pulsar(&mut client, 0x0023_0000);
    assert_eq!(u16_at(&reply, 30), Some(65 + 16), "infected");
    let told = client.end();
    assert_eq!(payload(&told, "MS17-010 overflow").size, Some(66_512));
}

#[test]
fn what_doublepulsar_shall_run_is_kept_in_the_clear() {
    let identity = identity();
    let mut client = Client::of(&identity);
    attacks(&mut client, 66_512, 2_000);
    let reply = pulsar(&mut client, 0x0023_0000);
    let seed = u32_at(&reply, 14).unwrap();
    let key = super::v1::key_of(seed).to_le_bytes();
    let hide = |bytes: &[u8]| -> Vec<u8> {
        bytes.iter().zip(key.into_iter().cycle()).map(|(byte, key)| byte ^ key).collect()
    };
    let program = b"MZ what a worm wants to run";
    for (place, piece) in [(0, &program[..16]), (16, &program[16..])] {
        let head = Fields::default().length(program.len()).length(piece.len()).u32(place);
        let parameters = [hide(&head.0), hide(piece)].concat();
        let words = Fields::default().short_length(parameters.len()).u16(0).u16(1).u16(0).u16(0);
        let words = words.u16(0).u32(0x00c8_0000).u16(0).short_length(parameters.len()).u16(66);
        let words = words.u16(0).u16(78).u8(1).u8(0).u16(14);
        let reply = client.old(0x32, 66, &words, &[&[0; 1][..], &parameters].concat());
        assert_eq!(u16_at(&reply, 30), Some(66 + 16));
    }
    assert_eq!(payload(&client.end(), "doublepulsar").content, program);
}

#[test]
fn a_service_that_a_visitor_makes_tells_its_command_and_his_file_is_kept() {
    let mut client = Client::of(&identity());
    executes(&mut client);
    assert_eq!(client.notes("service started"), ["BTOB"]);
    let told = client.end();
    let line = told.iter().find_map(|detail| match detail {
        Detail::Command { line, .. } => Some(line.raw().to_owned()),
        _ => None,
    });
    assert_eq!(line.as_deref(), Some("%systemroot%\\evil.exe -i"));
    let kept = payload(&told, "C:\\Windows\\evil.exe");
    assert_eq!(kept.content, b"MZ of a worm, in two parts");
}

#[test]
fn nobody_may_not_connect_to_the_disk_nor_start_a_service() {
    let mut client = Client::of(&identity());
    client.negotiate(&[0x0202]);
    assert_eq!(client.attach("IPC$"), status::USER_SESSION_DELETED);
    assert_eq!(client.log_in("administrator", "no list has this"), status::LOGON_FAILURE);
    assert_eq!(client.attach("C$"), status::USER_SESSION_DELETED);
}

#[test]
fn files_and_names_are_held_to_their_bounds() {
    let identity = identity();
    let mut client = Client::of(&identity);
    client.negotiate(&[0x0210]);
    client.break_in();
    assert_eq!(client.attach("C$"), 0);
    assert_eq!(client.open(&"x".repeat(300), 2, 0), Err(status::OBJECT_NAME_INVALID));
    let mut refused = 0;
    for number in 0..80 {
        match client.open(&format!("file{number}"), 2, 0) {
            Ok(id) => {
                assert_eq!(client.write(id, 0, &[7; 60_000]), 0);
            }
            Err(status) => {
                assert!(matches!(status, status::DISK_FULL | status::INSUFFICIENT_RESOURCES));
                refused += 1;
            }
        }
    }
    assert!(refused > 20, "{refused}");
    client.end();
}

#[test]
fn a_message_that_is_too_long_is_none_and_names_fit_patterns_as_windows_has_it() {
    let mut frames = Frames::default();
    frames.push(&[0, 0xff, 0xff, 0xff]);
    assert!(matches!(frames.next(), Read::Foreign(_)));
    let mut frames = Frames::default();
    frames.push(&[0, 0, 0, 2, 7]);
    assert_eq!(frames.next(), Read::More);
    frames.push(&[8, 9]);
    assert_eq!(frames.next(), Read::Message(vec![7, 8]));
    assert!(matches!(frames.next(), Read::Foreign(_)), "9 is no type");
    // EternalBlue's grooms are held.
    const { assert!(LONGEST > 0xfff7) };
    assert!(fits("*", "a") && fits("*.EXE", "b.exe") && fits("?.t*", "a.txt") && fits("*.*", "a"));
    assert!(!fits("*.exe", "b.dll") && !fits("?", "ab"));
    assert_eq!(below("Windows", "\\Temp\\.\\x"), Some("Windows\\Temp\\x".to_owned()));
    assert_eq!(below("Windows", "..\\x"), None);
}
