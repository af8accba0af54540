//! What the machine behind a login packs, real tools unpack: a visitor takes archives home by scp.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use kizashi_traps::{Identity, Machine, Persona};

fn made(line: &str) -> Vec<u8> {
    let identity = Arc::new(Identity::draw([7; 32]));
    Machine::run_for_comparison(&identity, Persona::Server, line.as_bytes(), b"").output
}

/// What a tool of this machine makes of the bytes; nothing where it is not here.
fn unpacked(tool: &str, arguments: &[&str], bytes: Vec<u8>) -> Option<Vec<u8>> {
    let child =
        Command::new(tool).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            println!("skipped: {tool} does not start: {error}");
            return None;
        }
    };
    let mut input = child.stdin.take().unwrap();
    let writing = std::thread::spawn(move || input.write_all(&bytes));
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    assert!(output.status.success(), "{tool}: {}", output.status);
    Some(output.stdout)
}

#[test]
fn real_tools_unpack_what_the_machine_packs() {
    let plain = made("seq 8000");
    assert!(plain.len() > 38_000);
    for (line, tool) in [("seq 8000 | gzip -c", "gzip"), ("seq 8000 | xz -c", "xz")] {
        if let Some(found) = unpacked(tool, &["-dc"], made(line)) {
            assert_eq!(found, plain, "{tool}");
        }
    }
    for (line, letters) in
        [("tar czf - -C /etc passwd hosts", "tzf"), ("tar cJf - -C /etc passwd hosts", "tJf")]
    {
        if let Some(names) = unpacked("tar", &[letters, "-"], made(line)) {
            assert_eq!(names, b"passwd\nhosts\n", "{line}");
        }
    }
}
