use std::sync::Arc;

use kizashi_event::{Port, Timestamp};

use super::key::{Key, sealed};
use super::security::{RANDOM, Security, Strength};
use super::wire::{
    Beside, Client, Incoming, Info, Reader, Request, connect_response, data, sent, tpkt,
};
use super::{TRAP, credssp, share};
use crate::ntlm::client::{FLAGS, authenticate as authenticate_with, client, prove, session};
use crate::ntlm::{Seal, Side};
use crate::tls::client as tls;
use crate::windows::utf16;
use crate::{Identity, Output, Visit, WebServer, contract};

fn request(cookie: &str, protocols: Option<u32>) -> Vec<u8> {
    let mut content = vec![0, 0xe0, 0, 0, 0, 0, 0];
    content.extend(cookie.as_bytes());
    if let Some(protocols) = protocols {
        content.extend([1, 0, 8, 0]);
        content.extend(protocols.to_le_bytes());
    }
    content[0] = u8::try_from(content.len() - 1).unwrap();
    tpkt(&content)
}

/// A client's blocks in MCS Connect Initial: name, screen, keyboard, build, what encryption he has, two channels.
fn connect_initial() -> Vec<u8> {
    connect_initial_with(["rdpdr", "cliprdr"])
}

fn connect_initial_with(names: [&str; 2]) -> Vec<u8> {
    let mut core = vec![0x04, 0x00, 0x08, 0x00];
    core.extend(1024_u16.to_le_bytes());
    core.extend(768_u16.to_le_bytes());
    core.extend([0x01, 0xca, 0x03, 0xaa]);
    core.extend(0x0409_u32.to_le_bytes());
    core.extend(2600_u32.to_le_bytes());
    let mut name = utf16("ATTACKER");
    name.resize(32, 0);
    core.extend(name);
    let mut channels = 2_u32.to_le_bytes().to_vec();
    for name in names {
        let mut name = name.as_bytes().to_vec();
        name.resize(12, 0);
        channels.extend(name);
    }
    let block = |kind: u8, content: &[u8]| {
        let length = u16::try_from(content.len() + 4).unwrap();
        [&[kind, 0xc0], &length.to_le_bytes()[..], content].concat()
    };
    let encryption = [0x1b, 0, 0, 0, 0, 0, 0, 0];
    let blocks = [block(1, &core), block(2, &encryption), block(3, &channels)].concat();
    let length = u16::try_from(blocks.len()).unwrap() | 0x8000;
    data(&[&[0x7f, 0x65, 0x82, 0, 0][..], b"Duca", &length.to_be_bytes(), &blocks].concat())
}

fn info(user: &str, password: &str) -> Vec<u8> {
    to_server(&[&[0x40, 0, 0, 0][..], &info_content(user, password)].concat())
}

/// Data by the channel for input and output, or by another.
fn to_server(content: &[u8]) -> Vec<u8> {
    by_channel(1_003, content)
}

fn by_channel(channel: u16, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap() | 0x8000;
    let head = [&[0x64, 0, 6][..], &channel.to_be_bytes(), &[0x70], &length.to_be_bytes()].concat();
    data(&[&head[..], content].concat())
}

fn info_content(user: &str, password: &str) -> Vec<u8> {
    let texts = ["CORP", user, password, "", ""].map(utf16);
    let mut content = vec![0; 4];
    content.extend(0x0000_0033_u32.to_le_bytes());
    for text in &texts {
        content.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
    }
    for text in &texts {
        content.extend(text);
        content.extend([0, 0]);
    }
    content.extend([2, 0]);
    let address = utf16("192.168.1.9\0");
    content.extend(u16::try_from(address.len()).unwrap().to_le_bytes());
    content.extend(address);
    content
}

/// What a client sends once he has a share, up to the picture and a few keys.
fn looks() -> Vec<Vec<u8>> {
    let confirm = [&[10, 0, 0x13, 0, 0xef, 3][..], &[0; 4]].concat();
    let mut all = vec![confirm];
    for (kind, content) in [
        (share::SYNCHRONIZE, &[1, 0, 0xea, 3][..]),
        (share::CONTROL, &[4, 0, 0, 0, 0, 0, 0, 0]),
        (share::CONTROL, &[1, 0, 0, 0, 0, 0, 0, 0]),
        (share::FONT_LIST, &[0, 0, 0, 0, 3, 0, 50, 0]),
    ] {
        all.push(share::client_data(kind, content));
    }
    all
}

/// Keys of the fast path: c, m, d, Return.
fn keys() -> Vec<u8> {
    let events = [0, 0x2e, 0, 0x32, 0, 0x20, 0, 0x1c];
    [&[4 << 2, 10][..], &events].concat()
}

/// The seed of an installation whose policy lets this visitor in at his first try.
fn opening() -> u8 {
    let source = "192.0.2.7".parse().unwrap();
    let opens =
        |seed: &u8| identity_of(*seed).logins().admits(source, USER.as_bytes(), WORD.as_bytes());
    (1..=255).find(opens).unwrap()
}

const USER: &str = "administrator";
const WORD: &str = "123456";

/// SPNEGO's or NTLM's token in a TSRequest of version 6.
fn ts_request(token: &[u8]) -> Vec<u8> {
    credssp::reply(6, token)
}

fn identity_of(seed: u8) -> Identity {
    Identity::draw([seed; 32]).with_web_server(WebServer::NginxDebian12)
}

/// Everything that a client sends over TLS, the request before it included.
fn inside(protocols: u32, messages: &[Vec<u8>]) -> Vec<Vec<u8>> {
    inside_of(7, protocols, messages)
}

fn inside_of(seed: u8, protocols: u32, messages: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let first = request("Cookie: mstshash=Administr\r\n", Some(protocols));
    let mut client = tls::Client::connect_after(&TRAP, identity_of(seed), &first);
    messages.iter().for_each(|message| client.say(message));
    client.sent
}

#[test]
fn every_transcript_holds_however_the_bytes_are_cut() {
    let name = "Cookie: mstshash=Administr\r\n";
    let scripted = |file: &str, title: &str, pieces: &[Vec<u8>]| {
        contract::scripted(&TRAP, file, title, pieces);
    };
    scripted(
        "scanner.txt",
        "A scanner says nothing of protocols, and goes.",
        &[request(name, None)],
    );
    let opened = |file: &str, title: &str, pieces: &[Vec<u8>]| {
        contract::scripted_of(&TRAP, file, title, opening(), pieces);
    };
    opened("own-security.txt", "RDP's own encryption, and a password that opens.", &own_security());
    opened("desktop.txt", "Network level authentication, and a desktop behind it.", &proven());
    let probe = [
        request(name, None),
        connect_initial_with(["cliprdr", "MS_T120"]),
        by_channel(1_005, b"\x10\0\0\0\x03\0\0\0\0\0\0\0\x02\0\0\0"),
    ];
    scripted("bluekeep.txt", "A probe for CVE-2019-0708.", &probe);
    scripted(
        "another-protocol.txt",
        "What is no TPKT is kept.",
        &[b"GET / HTTP/1.0\r\n\r\n".to_vec()],
    );
    let erect = data(&[4, 1, 0, 1, 0]);
    let attach = data(&[0x28]);
    let join = data(&[0x38, 0, 6, 3, 0xeb]);
    let mut messages =
        vec![connect_initial(), erect, attach, join, info("administrator", "kUq81xX")];
    messages.extend(looks().iter().map(|pdu| to_server(pdu)));
    messages.push(keys());
    let dialogue = inside(1, &messages);
    scripted(
        "password.txt",
        "A guesser without network level authentication: who he is, then a password in clear.",
        &dialogue,
    );
    // NTLM's first message, and an answer of version 2 that no list explains.
    let negotiate = b"NTLMSSP\0\x01\0\0\0\x07\x82\x08\xa2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x06\x01\xb1\x1d\0\0\0\x0f";
    let dialogue = inside(3, &[ts_request(negotiate), ts_request(&authenticate())]);
    scripted("proof.txt", "A guesser with network level authentication.", &dialogue);
    contract::replay_all(&TRAP);
}

fn authenticate() -> Vec<u8> {
    let (domain, user, host) = (utf16("CORP"), utf16("administrator"), utf16("ATTACKER"));
    let answer = [&[0x5a; 16][..], &[1, 1, 0, 0, 0, 0, 0, 0], &[7; 8], &[9; 8], &[0; 8]].concat();
    let mut fields = Vec::new();
    let mut body = Vec::new();
    for part in [&[0; 24][..], &answer, &domain, &user, &host, &[]] {
        let length = u16::try_from(part.len()).unwrap();
        fields.extend(length.to_le_bytes());
        fields.extend(length.to_le_bytes());
        fields.extend(u32::try_from(72 + body.len()).unwrap().to_le_bytes());
        body.extend_from_slice(part);
    }
    let flags = 0xa288_8205_u32.to_le_bytes();
    [b"NTLMSSP\0\x03\0\0\0", &fields[..], &flags, b"\x0a\0\x61\x4a\0\0\0\x0f", &body].concat()
}

/// A session under RDP's own encryption, its keys those of the transcripts' identity.
fn own_security() -> Vec<Vec<u8>> {
    let identity = Arc::new(identity_of(opening()));
    let first = [request("", Some(0)), connect_initial()];
    let (reply, _) = replies(&identity, &first);
    let server: [u8; RANDOM] = random(&reply).try_into().unwrap();
    let client = [0x41; RANDOM];
    let mut security = Security::new(Strength::Bits128, &client, &server).turned();
    let mut seal = |flags: u16, content: &[u8]| {
        let mut content = content.to_vec();
        let checksum = security.seal(&mut content);
        [&(flags | 8).to_le_bytes()[..], &[0, 0], &checksum, &content].concat()
    };
    let random = sealed(&client, &Key::of(&identity).unwrap().modulus);
    let exchange = [&[1, 0, 0, 0, 72, 0, 0, 0][..], &random].concat();
    let mut pieces = first.to_vec();
    pieces.push(to_server(&exchange));
    pieces.push(to_server(&seal(0x40, &info_content(USER, WORD))));
    pieces.extend(looks().iter().map(|pdu| to_server(&seal(0, pdu))));
    let mut keys = keys().split_off(2);
    let checksum = security.seal(&mut keys);
    pieces.push([&[0x80 | 4 << 2, 18][..], &checksum, &keys].concat());
    pieces
}

/// Who proves his password by CredSSP and goes on to a desktop.
fn proven() -> Vec<Vec<u8>> {
    let identity = identity_of(opening());
    // The first stream of randomness is TLS', the second the challenge's.
    let _ = identity.randomness();
    let challenge: [u8; 8] = identity.randomness().bytes();
    let mut seal = Seal::new(&session(), FLAGS, Side::Client).unwrap();
    let mut sealed = |content: &[u8]| {
        let mut content = content.to_vec();
        let signature = seal.seal(&mut content);
        [&signature[..], &content].concat()
    };
    let proof = credssp::Request {
        version: 6,
        token: authenticate_with(&prove(&challenge, USER, WORD)),
        proof: sealed(&[0x11; 32]),
        nonce: vec![9; 32],
        ..Default::default()
    };
    let credentials =
        credssp::Request { version: 6, credentials: sealed(b"0 who"), ..Default::default() };
    let mut messages = vec![
        ts_request(&client(1, FLAGS)),
        proof.write(),
        credentials.write(),
        connect_initial(),
        info("", ""),
    ];
    messages.extend(looks().iter().map(|pdu| to_server(pdu)));
    messages.push(keys());
    inside_of(opening(), 3, &messages)
}

/// The server's random in its security data: the 32 bytes before the certificate.
fn random(reply: &[u8]) -> Vec<u8> {
    let at = reply.windows(12).position(|part| part == b"\x01\0\0\0\x01\0\0\0\x01\0\0\0").unwrap();
    reply[at - RANDOM..at].to_vec()
}

/// What is answered, and what is told.
fn replies(identity: &Arc<Identity>, pieces: &[Vec<u8>]) -> (Vec<u8>, Output) {
    let visit = Visit {
        source: [192, 0, 2, 7].into(),
        destination: Some([192, 0, 2, 1].into()),
        port: Port::tcp(3389),
        encrypted: false,
    };
    let mut session = (TRAP.begin)(identity, visit);
    let (mut out, mut reply) = (Output::new(TRAP.service), Vec::new());
    for piece in pieces {
        session.receive(piece, Timestamp::from_seconds(1_795_582_440), &mut out);
        reply.extend(out.take_reply());
    }
    (reply, out)
}

#[test]
fn who_proves_a_password_that_opens_is_shown_the_certificates_proof() {
    let mut nonce = credssp::Request { version: 6, nonce: vec![9; 32], ..Default::default() };
    nonce.proof = vec![1; 48];
    assert_eq!(credssp::Request::read(&nonce.write()), Some(nonce));
    let key = [4; 65];
    assert_eq!(credssp::proves(2, &[], &key)[..2], [5, 4]);
    assert_eq!(credssp::proves(6, &[9; 32], &key).len(), 32);
}

#[test]
fn the_trap_keeps_the_contract() {
    contract::holds(&TRAP);
}

#[test]
fn what_a_client_says_of_himself_is_read() {
    let read = Request::read(&request("Cookie: mstshash=hello\r\n", Some(11))[4..]).unwrap();
    assert_eq!((read.cookie.as_deref(), read.protocols), (Some("hello"), Some(11)));
    let client = Client::read(&connect_initial()[4..]).unwrap();
    assert_eq!((client.name.as_str(), client.build, client.keyboard), ("ATTACKER", 2600, 0x409));
    assert_eq!((client.width, client.height), (1024, 768));
    assert_eq!(client.channels, ["rdpdr", "cliprdr"]);
    let message = info("Administrator", "P@ss wörd");
    let (channel, content) = sent(&message[7..]).unwrap();
    let info = Info::read(&content[4..]).unwrap();
    assert_eq!(channel, 1_003);
    assert_eq!((info.domain.as_str(), info.user.as_str()), ("CORP", "Administrator"));
    assert_eq!((info.password.as_str(), info.address.as_str()), ("P@ss wörd", "192.168.1.9"));
}

#[test]
fn lengths_that_lie_end_it_and_hold_nothing() {
    for bytes in [&b"\x03\0\0\0"[..], b"\x03\0\xff\xff", b"\x30\x84\xff\xff\xff\xff", b"\x16\x03"] {
        let mut reader = Reader::default();
        reader.push(bytes);
        assert_eq!(reader.next(Beside::Sequences), Incoming::Foreign, "{bytes:?}");
    }
    assert_eq!(connect_response(3, 1, None)[0], 3);
}
