use crate::contract;
use crate::tls::client::Client;
use crate::{Identity, WebServer};

/// What a client says inside TLS, which it writes from a seed.
fn write_scripts() {
    let identity =
        Identity::draw([7; 32]).with_default_page().with_web_server(WebServer::NginxDebian12);
    let mut client = Client::connect(&super::TRAP, identity);
    client.say(b"OPTIONS sip:nm SIP/2.0\r\nVia: SIP/2.0/TLS nm;branch=foo\r\nFrom: <sip:nm@nm>;tag=root\r\nTo: <sip:nm2@nm2>\r\nCall-ID: 50000\r\nCSeq: 42 OPTIONS\r\n\r\n");
    client.say(b"INVITE sip:00972592277524@192.0.2.1 SIP/2.0\r\nv: SIP/2.0/TLS nm\r\ni: 2\r\nCSeq: 1 INVITE\r\n\r\n");
    client.leave();
    let title = "A call inside TLS.";
    contract::scripted(&super::TRAP, "call-tls.txt", title, &client.sent);
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
