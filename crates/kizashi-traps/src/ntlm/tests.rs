//! Against the worked examples of MS-NLMP 4.2: user `User`, domain `Domain`, password `Password`.

use std::sync::Arc;

use kizashi_event::{Detail, Port, Timestamp};

use super::client::{FLAGS, REST, authenticate, client, hex, prove};
use super::digest::{nt_hash, version_1_response, version_2_key};
use super::message::{Authenticate, LONGEST, SIGNATURE, flags};
use super::password::{exchanged, session_key, tried};
use super::spnego::Token;
use super::*;
use crate::windows::utf16;
use kizashi_event::Service;

const SERVER: [u8; 8] = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
const NOW: Timestamp = Timestamp::from_seconds(1_795_582_440);

fn answer(flags: u32, lm: &str, nt: &str) -> Authenticate {
    Authenticate {
        flags,
        lm: hex(lm),
        nt: hex(nt),
        user: "User".into(),
        domain: "Domain".into(),
        workstation: "COMPUTER".into(),
        ..Authenticate::default()
    }
}

fn version_2() -> Authenticate {
    let nt = format!("68cd0ab851e51c96aabc927bebef6a1c{REST}");
    let mut answer = answer(FLAGS, "86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa", &nt);
    answer.session_key = hex("c5dad2544fc9799094ce1ce90bc9d03e");
    answer
}

#[test]
fn version_1_is_that_of_the_specification() {
    let hash = nt_hash("Password");
    assert_eq!(hash[..], hex("a4f49c406510bdcab6824ee7c30fd852"));
    let response = "67c43011f30298a2ad35ece64f16331c44bdbed927841f94";
    assert_eq!(version_1_response(&hash, &SERVER)[..], hex(response));
    let answer = answer(FLAGS & !flags::EXTENDED_SECURITY, "", response);
    assert_eq!(Kind::of(&answer), Kind::Version1);
    assert_eq!(session_key(&hash, &answer, &SERVER)[..], hex("d87262b0cde4b1cb7499becccdf10784"));
    assert_eq!(tried(&answer, &SERVER).unwrap().0, "Password");
}

#[test]
fn version_1_with_a_challenge_of_the_clients_is_that_of_the_specification() {
    let response = "7537f803ae367128ca458204bde7caf81e97ed2683267232";
    let lm = "aaaaaaaaaaaaaaaa00000000000000000000000000000000";
    let answer = answer(0x820a_8233, lm, response);
    assert_eq!(Kind::of(&answer), Kind::Version1Extended);
    let (password, hash) = tried(&answer, &SERVER).unwrap();
    assert_eq!(password, "Password");
    let key = session_key(&hash, &answer, &SERVER);
    assert_eq!(key[..], hex("eb93429a8bd952f8b89c55b87f475edc"));
    let mut message = utf16("Plaintext");
    let mut seal = Seal::new(&key, answer.flags, Side::Client).unwrap();
    let signature = seal.seal(&mut message);
    assert_eq!(message, hex("a02372f6530273f3aa1eb90190ce5200c99d"));
    assert_eq!(signature[..], hex("01000000ff2aeb52f681793a00000000"));
}

#[test]
fn version_2_is_that_of_the_specification() {
    let hash = nt_hash("Password");
    let key = version_2_key(&hash, "User", "Domain");
    assert_eq!(key[..], hex("0c868a403bfd7a93a3001ef22ef02e3f"));
    let answer = version_2();
    assert_eq!(tried(&answer, &SERVER).unwrap().0, "Password");
    let mut plain = answer.clone();
    plain.session_key.clear();
    assert_eq!(session_key(&hash, &plain, &SERVER)[..], hex("8de40ccadbc14a82f15cb0ad0de95ca3"));
    assert_eq!(session_key(&hash, &answer, &SERVER), [0x55; 16]);
}

#[test]
fn what_is_sealed_is_that_of_the_specification_and_is_opened_again() {
    let mut message = utf16("Plaintext");
    let mut seal = Seal::new(&[0x55; 16], FLAGS, Side::Client).unwrap();
    let signature = seal.seal(&mut message);
    assert_eq!(message, hex("54e50165bf1936dc996020c1811b0f06fb5f"));
    assert_eq!(signature[..], hex("010000007fb38ec5c55d497600000000"));
    let mut open = Seal::new(&[0x55; 16], FLAGS, Side::Client).unwrap();
    assert!(open.unseal(&mut message, &signature));
    assert_eq!(message, utf16("Plaintext"));
    assert!(Seal::new(&[0x55; 16], FLAGS & !flags::EXTENDED_SECURITY, Side::Client).is_none());
}

#[test]
fn a_password_of_no_list_is_told_by_nothing() {
    let mut other = version_2();
    other.nt[0] ^= 1;
    assert_eq!(tried(&other, &SERVER), None);
    let mut anonymous = version_2();
    (anonymous.nt, anonymous.lm, anonymous.user) = (Vec::new(), vec![0], String::new());
    assert_eq!((Kind::of(&anonymous), tried(&anonymous, &SERVER)), (Kind::Anonymous, None));
    assert_eq!(exchanged([1; 16], &Authenticate::default()), [1; 16]);
}

#[test]
fn a_bare_handshake_names_this_windows_and_tells_the_password() {
    let windows = Identity::draw([1; 32]).windows();
    let mut acceptor = Acceptor::new(SERVER);
    let asked = FLAGS | flags::REQUEST_TARGET;
    let Step::Continue(reply) = acceptor.receive(&client(1, asked), &windows, NOW) else {
        panic!("no challenge");
    };
    assert_eq!(reply[..12], *b"NTLMSSP\0\x02\0\0\0");
    assert_eq!(reply[24..32], SERVER);
    let name = utf16(&windows.computer);
    // As the target, and four times in what is said of it.
    assert_eq!(reply.windows(name.len()).filter(|found| *found == name).count(), 5);
    let answer = prove(&SERVER, "administrator", "P@ssw0rd");
    let Step::Answered(answered) = acceptor.receive(&authenticate(&answer), &windows, NOW) else {
        panic!("not answered");
    };
    assert_eq!(answered.password.as_deref(), Some("P@ssw0rd"));
    assert_eq!(answered.session_key, Some([0x55; 16]));
    assert_eq!(answered.version, Some((6, 1, 7601)));
    assert!(acceptor.completed(&answered).is_empty());
    let again = acceptor.receive(&authenticate(&answer), &windows, NOW);
    assert_eq!(again, Step::Unread, "a challenge is good for one answer");
}

#[test]
fn within_spnego_the_answers_are_within_spnego_too_and_the_mechanisms_are_signed() {
    let windows = Identity::draw([1; 32]).windows();
    let offered = offer();
    let mechanisms = Token::read(&offered).unwrap().mechanisms.to_vec();
    assert_eq!(mechanisms[0], 0x30);
    let mut acceptor = Acceptor::new(SERVER);
    let hoped = acceptor.receive(&offered, &windows, NOW);
    assert!(matches!(hoped, Step::Continue(reply) if reply[0] == 0xa1));
    let message = client(1, FLAGS);
    let first = [&[0xa1, 44, 0x30, 42, 0xa2, 40, 0x04, 38][..], &message[..38]].concat();
    let Step::Continue(reply) = acceptor.receive(&first, &windows, NOW) else {
        panic!("no challenge");
    };
    let token = Token::read(&reply).unwrap();
    assert!(token.wrapped && token.message.unwrap().starts_with(SIGNATURE));
    let mut answered = acceptor.judge(prove(&SERVER, "admin", "admin"), true);
    let last = acceptor.completed(&answered);
    let signature = Token::read(&last).unwrap().signature.unwrap().to_vec();
    let expected = Seal::new(&[0x55; 16], FLAGS, Side::Server).unwrap().sign(&mechanisms);
    assert_eq!(signature, expected);
    answered.signs_mechanisms = false;
    assert_eq!(Token::read(&acceptor.completed(&answered)).unwrap().signature, None);
    assert_eq!(acceptor.rejected(), [0xa1, 7, 0x30, 5, 0xa0, 3, 0x0a, 1, 2]);
}

#[test]
fn a_hash_is_written_for_hashcat_and_a_name_cannot_break_its_line() {
    let mut answer = version_2();
    let line = hashcat(&answer, Kind::Version2, &SERVER).unwrap();
    let rest = REST.replace(char::is_whitespace, "");
    let expected = format!("User::Domain:0123456789abcdef:68cd0ab851e51c96aabc927bebef6a1c:{rest}");
    assert_eq!(line.raw(), expected);
    answer.user = "a:b\nc".into();
    let line = hashcat(&answer, Kind::Version2, &SERVER).unwrap();
    assert!(line.raw().starts_with("a\u{fffd}b\u{fffd}c::Domain:"));
    answer.nt = vec![0; 16 + LONGEST_REST + 1];
    assert_eq!(hashcat(&answer, Kind::Version2, &SERVER), None);
    let version_1 = super::tests::answer(0, &"11".repeat(24), &"22".repeat(24));
    let line = hashcat(&version_1, Kind::Version1, &SERVER).unwrap();
    let (lm, nt) = ("11".repeat(24), "22".repeat(24));
    assert_eq!(line.raw(), format!("User::Domain:{lm}:{nt}:0123456789abcdef"));
}

#[test]
fn a_field_that_points_outside_is_no_answer_and_none_panics_wherever_it_is_cut() {
    let message = authenticate(&version_2());
    assert!(Authenticate::read(&message, 0).is_some());
    for end in 0..message.len() {
        let _ = Authenticate::read(&message[..end], 0);
        fuzz(&message[..end]);
    }
    for at in [16, 24, 32, 40] {
        let mut lies = message.clone();
        lies[at..at + 4].fill(0xff);
        assert_eq!(Authenticate::read(&lies, 0), None, "{at}");
    }
    let mut long = message;
    long.resize(LONGEST + 1, 0);
    assert_eq!(Authenticate::read(&long, 0), None);
}

#[test]
fn a_weak_password_lets_in_and_all_that_was_said_is_told() {
    let logins = crate::LoginSettings { tries: 1..=1, ..crate::LoginSettings::default() };
    let identity = Arc::new(Identity::draw([1; 32]).with_logins(logins));
    let source = [192, 0, 2, 7].into();
    let visit = Visit { source, destination: None, port: Port::tcp(445), encrypted: false };
    let acceptor = Acceptor::new(SERVER);
    let mut out = Output::new(Service::known("smb"));
    let mut admit = |user: &str, password: &str| {
        acceptor.judge(prove(&SERVER, user, password), false).admit(&identity, visit, &mut out)
    };
    assert!(!admit("Administrator", "no list has this"));
    assert!(admit("Administrator", "admin123"));
    let told: Vec<Detail> = out.take_seen().into_iter().map(|seen| seen.detail).collect();
    let logins: Vec<_> = told
        .iter()
        .filter_map(|detail| match detail {
            Detail::Login { password, accepted, .. } => {
                Some((password.as_ref().map(|text| text.raw().to_owned()), *accepted))
            }
            _ => None,
        })
        .collect();
    assert_eq!(logins, [(None, false), (Some("admin123".to_owned()), true)]);
    let hashes = told
        .iter()
        .filter(|detail| matches!(detail, Detail::Note { name, .. } if name.raw() == "netntlmv2"));
    assert_eq!(hashes.count(), 2);
}
