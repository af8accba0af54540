//! What is told of an uploaded program, held against what `file` says of the same one: this machine's own `true`, and by `upx` packed where
//! that is here.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::Arc;

use kizashi_event::{Detail, Timestamp};
use kizashi_traps::{Identity, Machine, Persona, Visitor};

/// What the trap tells of a program that is brought by SFTP: name, size, hash and first bytes of the payload, and the note.
fn told(program: &[u8]) -> (kizashi_event::Payload, String) {
    let identity = Arc::new(Identity::draw([7; 32]));
    let visitor = Visitor {
        user: b"root".to_vec(),
        source: Ipv4Addr::new(192, 0, 2, 7).into(),
        destination: None,
        service: "sshd",
    };
    let now = Timestamp::from_seconds(1_795_582_440);
    let machine = Machine::new(&identity, Persona::Server, visitor, now);
    let files = machine.files();
    files.create(b"/tmp/brought", true, 0o755).unwrap();
    for (place, piece) in program.chunks(32 * 1024).enumerate() {
        files.write(b"/tmp/brought", place as u64 * 32 * 1024, piece).unwrap();
    }
    let details = machine.finish();
    let payload = details.iter().find_map(Detail::payload).unwrap().clone();
    let note = details
        .iter()
        .find_map(|detail| match detail {
            Detail::Note { name, value } if name.raw() == "program" => Some(value.raw().to_owned()),
            _ => None,
        })
        .unwrap();
    (payload, note)
}

/// `file -b`, where it is here.
fn file(path: &std::path::Path) -> Option<String> {
    match Command::new("file").arg("-bL").arg(path).output() {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(error) => {
            println!("skipped: file does not start: {error}");
            None
        }
    }
}

#[test]
fn a_programs_architecture_and_linkage_are_those_that_file_sees() {
    let path = std::path::Path::new("/bin/true");
    let program = std::fs::read(path).unwrap();
    let (payload, note) = told(&program);
    assert_eq!(payload.size, Some(program.len() as u64));
    assert_eq!(payload.name.unwrap().raw(), "/tmp/brought");
    assert_eq!(payload.content[..64], program[..64]);
    let hash: String = {
        let output = Command::new("sha256sum").arg(path).output().unwrap();
        String::from_utf8_lossy(&output.stdout).split(' ').next().unwrap().to_owned()
    };
    assert!(note.starts_with(&hash), "{note}");
    let Some(expected) = file(path) else { return };
    // Such as: ELF 64-bit LSB pie executable, x86-64, version 1 (SYSV), dynamically linked, …
    for part in [
        "ELF 64-bit",
        "ELF 32-bit",
        "LSB",
        "MSB",
        "x86-64",
        "ARM aarch64",
        "dynamically linked",
        "statically linked",
    ] {
        assert_eq!(note.contains(part), expected.contains(part), "{part}: {note} / {expected}");
    }
}

#[test]
fn a_packed_program_is_told_as_packed() {
    let folder = std::env::temp_dir().join(format!("kizashi-packed-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("true");
    // Programs that are as small as `true` upx refuses.
    std::fs::copy("/bin/bash", &path).unwrap();
    let packed = Command::new("upx").arg("-q1").arg(&path).output();
    match packed {
        Ok(output) if output.status.success() => {
            let (_, note) = told(&std::fs::read(&path).unwrap());
            assert!(
                note.ends_with("statically linked, UPX packed") || note.ends_with("UPX packed"),
                "{note}"
            );
        }
        Ok(output) => println!("skipped: upx packs nothing: {}", output.status),
        Err(error) => println!("skipped: upx does not start: {error}"),
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
