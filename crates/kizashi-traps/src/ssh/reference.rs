//! What real servers answered under keys, held against the trap: extensions, logins, channels and requests, right and wrong. The answers
//! are kept in `reference/`, a file for each release; `tests/ssh/reference-sshd` says how they are made.

use super::client::{Client, NAME, Offer, text};
use super::tests::identity;
use super::wire::{Reader, Write as _, message};
use crate::contract::reference;
use crate::{OperatingSystem, Session};

/// How far a dialogue has come before it begins.
#[derive(Clone, Copy, PartialEq)]
enum From {
    Keys,
    Logins,
    Inside,
}

enum Step {
    Send(Vec<u8>),
    NewKeys,
}

struct Dialogue {
    name: String,
    from: From,
    steps: Vec<Step>,
}

/// A message of strings after its number.
fn strings(number: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut payload = vec![number];
    parts.iter().for_each(|part| payload.put_string(part));
    payload
}

fn user(name: &[u8], method: &[u8], rest: &[u8]) -> Vec<u8> {
    let start = strings(message::USERAUTH_REQUEST, &[name, b"ssh-connection", method]);
    [start, rest.to_vec()].concat()
}

fn password(name: &[u8], word: &[u8]) -> Vec<u8> {
    user(name, b"password", &[&[0][..], &text(word)].concat())
}

fn key(signed: u8, algorithm: &[u8], blob: &[u8], rest: &[u8]) -> Vec<u8> {
    let rest = [&[signed][..], &text(algorithm), &text(blob), rest].concat();
    user(b"root", b"publickey", &rest)
}

fn global(name: &[u8], rest: &[u8]) -> Vec<u8> {
    [strings(message::GLOBAL_REQUEST, &[name]), vec![1], rest.to_vec()].concat()
}

fn open(kind: &[u8], theirs: u8) -> Vec<u8> {
    let rest = [0, 0, 0, theirs, 0, 2, 0, 0, 0, 0, 0x80, 0];
    [strings(message::CHANNEL_OPEN, &[kind]), rest.to_vec()].concat()
}

fn to_channel(number: u8, channel: u8, rest: &[u8]) -> Vec<u8> {
    [&[number, 0, 0, 0, channel][..], rest].concat()
}

fn request(name: &[u8], rest: &[u8]) -> Vec<u8> {
    to_channel(message::CHANNEL_REQUEST, 0, &[&text(name)[..], &[1], rest].concat())
}

fn terminal() -> Vec<u8> {
    let size = [0, 0, 0, 80, 0, 0, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0];
    request(b"pty-req", &[&text(b"xterm")[..], &size, &text(&[0])].concat())
}

fn extension(name: &[u8], value: &[u8]) -> Vec<u8> {
    let rest = [text(name), text(value)].concat();
    [vec![message::EXT_INFO, 0, 0, 0, 1], rest].concat()
}

fn before_the_login() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let service = |name: &[u8]| strings(message::SERVICE_REQUEST, &[name]);
    let in_login = || extension(b"ext-info-in-auth@openssh.com", b"0");
    vec![
        ("nothing asked", vec![]),
        ("another service", vec![service(b"ssh-connection")]),
        ("service with surplus", vec![[service(b"ssh-userauth"), vec![0]].concat()]),
        ("service without a name", vec![vec![message::SERVICE_REQUEST]]),
        ("login before its service", vec![user(b"root", b"none", b"")]),
        ("service twice", vec![service(b"ssh-userauth"), service(b"ssh-userauth")]),
        (
            "extensions in the login",
            vec![in_login(), service(b"ssh-userauth"), user(b"root", b"none", b"")],
        ),
        ("an unknown extension", vec![extension(b"x@example.com", b"1"), service(b"ssh-userauth")]),
        ("extensions twice", vec![in_login(), in_login()]),
        ("extensions cut", vec![vec![message::EXT_INFO, 0, 0, 0, 2]]),
        (
            "extensions after the service",
            vec![service(b"ssh-userauth"), in_login(), user(b"root", b"none", b"")],
        ),
    ]
}

fn logins() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let ed25519 = [text(b"ssh-ed25519"), text(&[9; 32])].concat();
    let no = || password(b"root", b"no");
    let changing = [&[1][..], &text(b"no"), &text(b"new")].concat();
    vec![
        ("none", vec![user(b"root", b"none", b"")]),
        ("none seven times", vec![user(b"root", b"none", b""); 7]),
        ("none with surplus", vec![user(b"root", b"none", b"x")]),
        ("six passwords", vec![no(); 6]),
        ("none and six passwords", [vec![user(b"root", b"none", b"")], vec![no(); 6]].concat()),
        ("nobody's password", vec![password(b"nobody-here", b"no")]),
        ("an empty password", vec![password(b"root", b"")]),
        ("a new password", vec![user(b"root", b"password", &changing)]),
        ("a password cut", vec![user(b"root", b"password", &[0, 0, 0, 0, 9, 1])]),
        ("a password with surplus", vec![[no(), vec![0]].concat()]),
        ("an unknown method", vec![user(b"root", b"none-such", b"")]),
        ("hostbased", vec![user(b"root", b"hostbased", b"")]),
        ("keyboard-interactive", vec![user(b"root", b"keyboard-interactive", &[0; 8])]),
        ("gssapi", vec![user(b"root", b"gssapi-with-mic", &[0; 4])]),
        ("another user", vec![no(), password(b"admin", b"no")]),
        ("a zero in the name", vec![user(b"ro\0ot", b"none", b"")]),
        ("a name with a style", vec![user(b"root:x", b"none", b"")]),
        ("another service", vec![strings(message::USERAUTH_REQUEST, &[b"root", b"x", b"none"])]),
        ("a request cut", vec![strings(message::USERAUTH_REQUEST, &[b"root"])]),
        ("a key", vec![key(0, b"ssh-ed25519", &ed25519, b"")]),
        ("seven keys", vec![key(0, b"ssh-ed25519", &ed25519, b""); 7]),
        ("a key of another algorithm", vec![key(0, b"rsa-sha2-512", &ed25519, b"")]),
        ("a key of no algorithm", vec![key(0, b"none-such", &ed25519, b"")]),
        ("a key of an old algorithm", vec![key(0, b"ssh-dss", &ed25519, b"")]),
        ("a key that is none", vec![key(0, b"ssh-ed25519", b"x", b"")]),
        ("a key with surplus", vec![key(0, b"ssh-ed25519", &ed25519, b"x")]),
        ("a key without its signature", vec![key(1, b"ssh-ed25519", &ed25519, b"")]),
        ("a key with a wrong signature", vec![key(1, b"ssh-ed25519", &ed25519, &text(&[1; 83]))]),
        ("an answer to no question", vec![vec![message::USERAUTH_INFO_RESPONSE, 0, 0, 0, 0]]),
        ("success said by the client", vec![vec![message::USERAUTH_SUCCESS]]),
        ("a channel", vec![open(b"session", 0)]),
        ("a global request", vec![global(b"keepalive@openssh.com", b"")]),
        ("a ping", vec![strings(192, &[b"x"])]),
        ("a pong", vec![strings(193, &[b"x"])]),
        ("message 0", vec![vec![0]]),
        ("message 63", vec![vec![63]]),
        ("message 200", vec![vec![200]]),
        ("message 31", vec![vec![31]]),
        ("message 21", vec![vec![21]]),
    ]
}

#[expect(clippy::too_many_lines, reason = "a list, one line for each dialogue")]
fn inside() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let session = || open(b"session", 5);
    let with = |more: Vec<Vec<u8>>| [vec![session()], more].concat();
    let exec = |line: &[u8]| request(b"exec", &text(line));
    let data = |channel, data: &[u8]| to_channel(message::CHANNEL_DATA, channel, &text(data));
    let eof = || to_channel(message::CHANNEL_EOF, 0, b"");
    let close = |channel| to_channel(message::CHANNEL_CLOSE, channel, b"");
    let forward = |port: u32| [&text(b"127.0.0.1")[..], &port.to_be_bytes()].concat();
    let env = |name: &[u8]| request(b"env", &[text(name), text(b"C")].concat());
    let window = |count: u32| to_channel(message::CHANNEL_WINDOW_ADJUST, 0, &count.to_be_bytes());
    vec![
        ("nothing asked", vec![]),
        ("keepalive", vec![global(b"keepalive@openssh.com", b"")]),
        ("an unknown global request", vec![global(b"none-such", b"xyz")]),
        ("cancelling what is not listened on", vec![global(b"cancel-tcpip-forward", &forward(9))]),
        (
            "proof of a key that is not there",
            vec![global(b"hostkeys-prove-00@openssh.com", &text(b"x"))],
        ),
        ("proof of nothing", vec![global(b"hostkeys-prove-00@openssh.com", b"")]),
        ("a session after the last", vec![global(b"no-more-sessions@openssh.com", b""), session()]),
        ("a channel of an unknown kind", vec![open(b"none-such", 3)]),
        ("a channel of X11", vec![open(b"x11", 3)]),
        ("eleven sessions", (0..11).map(|number| open(b"session", number)).collect()),
        ("a command", with(vec![exec(b"echo one; exit 3")])),
        ("a command that reads", with(vec![exec(b"cat"), data(0, b"one\n"), eof()])),
        ("a command closed", with(vec![exec(b"cat"), close(0)])),
        ("a command after a command", with(vec![exec(b"cat"), exec(b"id")])),
        ("an unknown request", with(vec![request(b"none-such", b"")])),
        ("an unknown subsystem", with(vec![request(b"subsystem", &text(b"none-such"))])),
        ("variables", with(vec![env(b"LANG"), env(b"LC_X"), env(b"PATH")])),
        ("a terminal twice", with(vec![terminal(), terminal()])),
        ("a new size without a terminal", with(vec![request(b"window-change", &[0; 16])])),
        ("a new size cut", with(vec![request(b"window-change", &[0; 3])])),
        ("a signal to nothing", with(vec![request(b"signal", &text(b"TERM"))])),
        ("a break to nothing", with(vec![request(b"break", &[0; 4])])),
        ("an agent", with(vec![request(b"auth-agent-req@openssh.com", b"")])),
        ("data before there is a command", with(vec![data(0, b"x")])),
        ("end before there is a command", with(vec![eof()])),
        ("close before there is a command", with(vec![close(0)])),
        ("a window past its end", with(vec![window(u32::MAX)])),
        ("a window", with(vec![window(1)])),
        ("data to no channel", vec![data(9, b"x")]),
        ("end of no channel", vec![to_channel(message::CHANNEL_EOF, 9, b"")]),
        ("close of no channel", vec![close(9)]),
        ("a request of no channel", vec![to_channel(message::CHANNEL_REQUEST, 9, &text(b"x"))]),
        (
            "a whole request of no channel",
            vec![to_channel(message::CHANNEL_REQUEST, 9, &[0, 0, 0, 0, 1])],
        ),
        ("a window of no channel", vec![to_channel(message::CHANNEL_WINDOW_ADJUST, 9, &[0; 4])]),
        ("more data to no channel", vec![to_channel(message::CHANNEL_EXTENDED_DATA, 9, b"")]),
        ("an opening nobody asked for", vec![to_channel(91, 9, &[0; 12])]),
        ("a failure nobody asked for", vec![to_channel(92, 9, &[0; 12])]),
        ("an answer nobody waits for", vec![vec![message::REQUEST_SUCCESS]]),
        ("a login", vec![user(b"root", b"none", b"")]),
        ("a service", vec![strings(message::SERVICE_REQUEST, &[b"ssh-userauth"])]),
        ("extensions", vec![extension(b"ext-info-in-auth@openssh.com", b"0")]),
        ("a ping", vec![strings(192, &[b"x"])]),
        ("message 200", vec![vec![200]]),
        ("message 101", vec![vec![101]]),
        ("leaving", vec![[vec![1, 0, 0, 0, 11], text(b"bye"), text(b"")].concat()]),
    ]
}

fn dialogues() -> Vec<Dialogue> {
    let mut all = Vec::new();
    for (from, word, some) in [
        (From::Keys, "keys", before_the_login()),
        (From::Logins, "login", logins()),
        (From::Inside, "inside", inside()),
    ] {
        all.extend(some.into_iter().map(|(name, steps)| Dialogue {
            name: format!("{word}: {name}"),
            from,
            steps: steps.into_iter().map(Step::Send).collect(),
        }));
    }
    let keepalive = || Step::Send(global(b"keepalive@openssh.com", b""));
    all.push(Dialogue {
        name: "inside: new keys".into(),
        from: From::Inside,
        steps: vec![keepalive(), Step::NewKeys, keepalive()],
    });
    all
}

/// A message as it is kept: without what is a server's own.
fn shown(payload: &[u8]) -> String {
    let hostkeys = b"\x50\x00\x00\x00\x17hostkeys-00@openssh.com";
    if payload.starts_with(hostkeys) {
        let mut reader = Reader::new(&payload[hostkeys.len() + 1..]);
        let mut kinds = String::new();
        while let Some(key) = reader.string() {
            let kind = Reader::new(key).string().unwrap();
            kinds.push_str(&format!(" {}", kind.escape_ascii()));
        }
        return format!("[hostkeys{kinds}]");
    }
    format!("[{}]", payload.escape_ascii())
}

/// What is answered after each step.
fn told(session: Box<dyn Session>, dialogue: &Dialogue) -> String {
    let mut client = Client::connect_to(session, Offer::default());
    client.give(&[NAME, b"\r\n"].concat());
    client.exchange_keys();
    if dialogue.from != From::Keys {
        client.all();
        client.send(&strings(message::SERVICE_REQUEST, &[b"ssh-userauth"]));
        client.all();
    }
    if dialogue.from == From::Inside {
        client.send(&password(b"root", b"letmein9"));
    }
    let mut said: Vec<String> = vec![client.all().iter().map(|payload| shown(payload)).collect()];
    for step in &dialogue.steps {
        if client.rest().1 {
            break;
        }
        match step {
            Step::Send(payload) => client.send(payload),
            Step::NewKeys => client.exchange_keys(),
        }
        let mut answers: Vec<String> = client.all().iter().map(|payload| shown(payload)).collect();
        if dialogue.name.contains(": a command") {
            // Whether a program's end, its status or its last words are seen first is chance in a real server.
            answers.sort();
        }
        said.push(answers.concat());
    }
    format!("{}{}", said.join(" | "), if client.rest().1 { " closed" } else { "" })
}

/// Keeps what real servers answer: `KIZASHI_REFERENCE=noble=127.0.0.1:2605,…`, each run by `tests/ssh/reference-sshd`.
#[test]
fn reference_answers_are_kept_where_a_real_sshd_is_named() {
    for (release, address) in reference::named() {
        let dialogues = dialogues();
        let mut lines = Vec::new();
        for some in dialogues.chunks(16) {
            std::thread::scope(|scope| {
                let ask = |dialogue| {
                    let server = reference::server(&address);
                    scope.spawn(move || told(server, dialogue))
                };
                let running: Vec<_> = some.iter().map(ask).collect();
                for (dialogue, thread) in some.iter().zip(running) {
                    lines.push(format!("{}\t{}\n", dialogue.name, thread.join().unwrap()));
                }
            });
        }
        reference::keep("ssh", &release, &lines.concat());
    }
}

#[test]
fn logins_and_channels_are_answered_as_each_release_answered() {
    let mut different = Vec::new();
    for system in OperatingSystem::ALL {
        let (release, server) = (system.codename(), system.web_server());
        let text = reference::kept("ssh", release);
        let mut lines = text.lines();
        for dialogue in dialogues() {
            let expected = lines.next().unwrap_or_default();
            let session = Client::session(identity().with_web_server(server));
            let ours = format!("{}\t{}", dialogue.name, told(session, &dialogue));
            if ours != expected {
                different.push(format!("{release}\n  trap: {ours}\n  sshd: {expected}"));
            }
        }
        assert_eq!(lines.next(), None, "{release}: other dialogues");
    }
    assert!(different.is_empty(), "{} differ\n{}", different.len(), different.join("\n"));
}
