use std::sync::Arc;

use kizashi_event::{Port, Timestamp};

use super::TRAP;
use crate::ntlm::client::{FLAGS, answer_to, client};
use crate::rpc::client::{Calls, MAPPER, RESOLVER, lookup, with_token};
use crate::windows::utf16;
use crate::{Identity, Output, Visit, contract};

const MAPS: Calls = Calls { interface: MAPPER, version: 3 };
const RESOLVES: Calls = Calls { interface: RESOLVER, version: 0 };

/// What is answered to this by the identity that transcripts have.
fn answers(pieces: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let identity =
        Arc::new(Identity::draw([7; 32]).with_web_server(crate::WebServer::NginxDebian12));
    let visit = Visit {
        source: [192, 0, 2, 7].into(),
        destination: Some([192, 0, 2, 1].into()),
        port: Port::tcp(1135),
        encrypted: false,
    };
    let mut session = (TRAP.begin)(&identity, visit);
    let mut out = Output::new(TRAP.service);
    let now = Timestamp::from_seconds(1_795_582_440);
    let mut answer = |piece: &Vec<u8>| {
        session.receive(piece, now, &mut out);
        out.take_reply()
    };
    pieces.iter().map(&mut answer).collect()
}

/// A bind with NTLMSSP and its proof, and DCOM's activation with an overflow in it.
fn proves() -> Vec<Vec<u8>> {
    let first = with_token(&MAPS.bind(), &client(1, FLAGS));
    let reply = answers(std::slice::from_ref(&first)).concat();
    let at = reply.windows(8).position(|found| found == b"NTLMSSP\0").unwrap();
    let token = answer_to(&reply[at..], "Administrator", "123456");
    vec![first, with_token(&Calls::proof(), &token), lookup()]
}

#[test]
fn every_transcript_holds_however_the_bytes_are_cut() {
    let scripted = |name, title, pieces: &[Vec<u8>]| contract::scripted(&TRAP, name, title, pieces);
    scripted("lookup.txt", "A scanner lists the endpoints.", &[MAPS.bind(), lookup(), lookup()]);
    scripted(
        "names.txt",
        "The machine's names, and an overflow of 2003.",
        &[
            RESOLVES.bind(),
            Calls::request(5, &[]),
            Calls { interface: crate::rpc::client::ACTIVATION, version: 0 }.bind(),
            Calls::request(0, &[0x90; 700]),
        ],
    );
    scripted("proof.txt", "Who binds proves himself.", &proves());
    contract::replay_all(&TRAP);
}

#[test]
fn the_trap_keeps_the_contract() {
    contract::holds(&TRAP);
}

#[test]
fn the_machines_name_is_that_which_every_port_has() {
    let replies = answers(&[RESOLVES.bind(), Calls::request(5, &[])]);
    let name = utf16(&Identity::draw([7; 32]).windows().computer);
    assert!(replies[1].windows(name.len()).any(|found| found == name));
}

/// nmap's probe for SMB, and the expression that its answer must fit.
#[test]
fn what_is_no_packet_is_refused_as_windows_refuses_it() {
    let probe = b"\0\0\0\xa4\xffSMBr\0\0\0\0\x08\x01\x40\0\0\0\0\0\0\0\0\0\0".to_vec();
    let replies = answers(&[probe]);
    assert_eq!(replies[0][..12], *b"\x05\0\r\x03\x10\0\0\0\x18\0\0\0");
    assert_eq!(replies[0][16..21], *b"\x04\0\x01\x05\0");
    assert_eq!(replies[0].len(), 24);
}
