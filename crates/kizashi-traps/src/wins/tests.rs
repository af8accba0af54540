use super::TRAP;
use super::wire::{LONGEST, Messages, REPLICATION, Read, START, STOP, message};
use crate::contract;

/// The version that partners of Windows 2000 and later have.
const ASSOCIATION: &[u8] = &[0, 0, 0, 1, 0, 2, 0, 5, 0, 0, 0, 0];

/// What identities of transcripts give as their first association's number.
fn given() -> u32 {
    let identity = std::sync::Arc::new(
        crate::Identity::draw([7; 32]).with_web_server(crate::WebServer::NginxDebian12),
    );
    u32::from_be_bytes(identity.randomness().bytes())
}

#[test]
fn every_transcript_holds_however_the_bytes_are_cut() {
    let scripted = |name, title, pieces: &[Vec<u8>]| contract::scripted(&TRAP, name, title, pieces);
    let start = message(0, START, ASSOCIATION);
    let attack = message(0x0536_d2ec, REPLICATION, &[0x90; 400]);
    scripted("overflow.txt", "CVE-2004-1080 after an association.", &[start.clone(), attack]);
    let owners = message(given(), REPLICATION, &[0; 4]);
    let records = message(given(), REPLICATION, &[0, 0, 0, 3, 0, 0, 0, 1]);
    let stop = message(given(), STOP, &[0; 4]);
    scripted("partner.txt", "A partner asks for owners.", &[start, owners, records, stop]);
    contract::replay_all(&TRAP);
}

#[test]
fn the_trap_keeps_the_contract() {
    contract::holds(&TRAP);
}

#[test]
fn a_length_that_lies_is_no_message() {
    for length in [0, 11, LONGEST as u32 + 1, u32::MAX] {
        let mut messages = Messages::default();
        messages.push(&length.to_be_bytes());
        assert!(matches!(messages.next(), Read::Foreign(_)), "{length}");
        assert_eq!(messages.held(), 0);
    }
}
