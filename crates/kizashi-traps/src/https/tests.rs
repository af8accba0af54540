//! Transcripts of whole sessions, which a client from a seed writes (`tls/client.rs`), and of what is refused.

use crate::contract;
use crate::tls::client::{Client, OFFER, hello, record};
use crate::{Identity, WebServer};

/// The visitor's bytes of a transcript, written anew from what a client does.
fn scripted(name: &str, title: &str, act: impl FnOnce(&mut Client)) {
    let identity =
        Identity::draw([7; 32]).with_default_page().with_web_server(WebServer::NginxDebian12);
    let mut client = Client::connect(&super::TRAP, identity);
    act(&mut client);
    contract::scripted(&super::TRAP, name, title, &client.sent);
}

fn write_scripts() {
    let title = "A login in TLS 1.2, a command that an exploit has run, and an orderly end.";
    scripted("login-and-exploit.txt", title, |client| {
        client.say(b"GET /manager/html HTTP/1.1\r\nHost: shop.test\r\nAuthorization: Basic YWRtaW46YWRtaW4=\r\n\r\n");
        client.say(b"GET /cmd.php?cmd=id HTTP/1.1\r\nHost: shop.test\r\n\r\n");
        client.leave();
    });
    let name = "refused-hellos.txt";
    let title = "A client that has no suite of ours is told so.";
    let none = record(&hello(&[0x0004], &OFFER));
    contract::scripted(&super::TRAP, name, title, &[none]);
    let name = "hello-in-two-records.txt";
    let title = "A hello may come in several records; then the visitor falls silent.";
    let hello = hello(&[0xc02b], &OFFER);
    let (first, rest) = hello.split_at(50);
    contract::scripted(&super::TRAP, name, title, &[record(first), record(rest)]);
}

#[test]
fn every_transcript_holds_however_the_bytes_are_cut() {
    write_scripts();
    contract::replay_all(&super::TRAP);
}

#[test]
fn the_trap_keeps_the_contract() {
    contract::holds(&super::TRAP);
}
