use super::wire::{Client, Incoming, Info, Reader, Request, connect_response, data, tpkt};
use super::{TRAP, credssp};
use crate::tls::client;
use crate::windows::utf16;
use crate::{Identity, WebServer, contract};

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

/// A client's blocks in MCS Connect Initial: name, screen, keyboard, build, two channels.
fn connect_initial() -> Vec<u8> {
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
    for name in ["rdpdr", "cliprdr"] {
        let mut name = name.as_bytes().to_vec();
        name.resize(12, 0);
        channels.extend(name);
    }
    let block = |kind: u8, content: &[u8]| {
        let length = u16::try_from(content.len() + 4).unwrap();
        [&[kind, 0xc0], &length.to_le_bytes()[..], content].concat()
    };
    let blocks = [block(1, &core), block(3, &channels)].concat();
    let length = u16::try_from(blocks.len()).unwrap() | 0x8000;
    data(&[&[0x7f, 0x65, 0x82, 0, 0][..], b"Duca", &length.to_be_bytes(), &blocks].concat())
}

fn info(user: &str, password: &str) -> Vec<u8> {
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
    let sent = [&[0x40, 0, 0, 0][..], &content].concat();
    let length = u16::try_from(sent.len()).unwrap() | 0x8000;
    data(&[&[0x64, 0, 6, 3, 0xeb, 0x70][..], &length.to_be_bytes(), &sent].concat())
}

/// SPNEGO's or NTLM's token in a TSRequest of version 6.
fn ts_request(token: &[u8]) -> Vec<u8> {
    credssp::reply(6, token)
}

fn identity() -> Identity {
    Identity::draw([7; 32]).with_web_server(WebServer::NginxDebian12)
}

/// Everything that a client sends over TLS, the request before it included.
fn inside(protocols: u32, messages: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let first = request("Cookie: mstshash=Administr\r\n", Some(protocols));
    let mut client = client::Client::connect_after(&TRAP, identity(), &first);
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
        "A scanner asks for RDP's own encryption alone, which is refused.",
        &[request(name, None)],
    );
    scripted(
        "another-protocol.txt",
        "What is no TPKT is kept.",
        &[b"GET / HTTP/1.0\r\n\r\n".to_vec()],
    );
    let erect = data(&[4, 1, 0, 1, 0]);
    let attach = data(&[0x28]);
    let join = data(&[0x38, 0, 6, 3, 0xeb]);
    let dialogue =
        inside(1, &[connect_initial(), erect, attach, join, info("administrator", "kUq81xX")]);
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
    let info = Info::read(&info("Administrator", "P@ss wörd")[7..]).unwrap();
    assert_eq!((info.domain.as_str(), info.user.as_str()), ("CORP", "Administrator"));
    assert_eq!((info.password.as_str(), info.address.as_str()), ("P@ss wörd", "192.168.1.9"));
}

#[test]
fn lengths_that_lie_end_it_and_hold_nothing() {
    for bytes in [&b"\x03\0\0\0"[..], b"\x03\0\xff\xff", b"\x30\x84\xff\xff\xff\xff", b"\x16\x03"] {
        let mut reader = Reader::default();
        reader.push(bytes);
        assert_eq!(reader.next(true), Incoming::Foreign, "{bytes:?}");
    }
    assert_eq!(connect_response(3, 1)[0], 3);
}
