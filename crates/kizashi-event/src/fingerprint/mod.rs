//! What a client's software gives away of itself: the first message of TLS and of SSH, read from the wire, with the fingerprints that the
//! field makes of them, and a print of an HTTP request in a form of our own. Pure functions over bytes, so that a trap, which holds a connection, and a capture, which
//! sees packets only, name the same client by the same text.

mod client_hello;
mod hassh;
mod http;
mod ja3;
mod ja4;
mod ssh;

pub use client_hello::{ClientHello, HelloReading, NoClientHello, is_grease, read_client_hello};
pub use hassh::{SshHello, hassh, read_ssh_hello};
pub use http::http_print;
pub use ja3::{ja3, ja3_text};
pub use ja4::{Carrier, ja4, ja4_raw};
pub use ssh::SshOffer;

/// See `fuzz/src/lib.rs`: the bytes as the beginning of a connection, and as the message itself.
pub fn fuzz(bytes: &[u8]) {
    let found = match read_client_hello(bytes) {
        HelloReading::Whole(hello) => Some(*hello),
        HelloReading::More | HelloReading::Other => None,
    };
    for hello in found.into_iter().chain(ClientHello::parse(bytes).ok()) {
        let (short, long) = (ja4(&hello, Carrier::Tcp), ja4_raw(&hello, Carrier::Tcp));
        assert_eq!(short.len(), 36);
        assert_eq!(short.get(..10), long.get(..10));
        assert_eq!(ja3(&hello).len(), 32);
        let _ = (hello.server_name(), hello.protocols(), hello.versions());
    }
    if let Some(lists) = read_ssh_hello(bytes).and_then(|hello| hello.lists) {
        assert_eq!(hassh(&lists).len(), 32);
    }
}

/// Lower-case hexadecimal.
fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
