//! What clients send in one datagram.

use super::{Rule, contains, is_dns};
use crate::bytes::{be16, be32, le32};

/// Most telling first.
pub(super) const RULES: &[Rule] = &[
    ("sip", |bytes| contains(first_line(bytes), b" SIP/2.0") || bytes.starts_with(b"SIP/2.0 ")),
    ("upnp", |bytes| {
        bytes.starts_with(b"M-SEARCH * HTTP/1.1") || bytes.starts_with(b"NOTIFY * HTTP/1.1")
    }),
    ("http", |bytes| is_http(first_line(bytes))),
    ("ipp", is_browsing),
    ("snmp", is_snmp),
    ("cldap", is_cldap),
    ("quic", is_quic),
    ("dtls", |bytes| {
        bytes.len() >= 13 && bytes[0] == 22 && bytes[1] == 0xfe && matches!(bytes[2], 0xff | 0xfd)
    }),
    ("ike", is_ike),
    ("openvpn", |bytes| bytes.len() == 14 && bytes[0] == 0x38),
    ("wireguard", |bytes| bytes.len() == 148 && bytes.starts_with(&[1, 0, 0, 0])),
    ("stun", |bytes| be32(bytes, 4) == Some(0x2112_a442) && bytes[0] & 0xc0 == 0),
    ("memcached", is_memcached),
    ("netbios", is_netbios),
    // Before those that are known by one or two bytes: a query begins with a number of the asker's choice.
    ("mdns", |bytes| is_dns(bytes) && contains(bytes, b"\x05local\0")),
    ("dns", is_dns),
    ("rpcbind", |bytes| {
        be32(bytes, 4) == Some(0) && be32(bytes, 8) == Some(2) && bytes.len() >= 40
    }),
    ("mssql", |bytes| matches!(bytes, [2 | 3] | [4, ..]) && bytes.len() <= 33),
    ("ntp", is_ntp),
    ("ipmi", |bytes| bytes.starts_with(&[6, 0, 0xff, 7])),
    ("rmcp", |bytes| bytes.starts_with(&[6, 0, 0xff, 6])),
    ("source-engine", |bytes| bytes.starts_with(&[0xff, 0xff, 0xff, 0xff])),
    ("bacnet", |bytes| {
        bytes.len() >= 4 && bytes[0] == 0x81 && be16(bytes, 2).map(usize::from) == Some(bytes.len())
    }),
    ("ws-discovery", |bytes| {
        contains(bytes, b"schemas.xmlsoap.org/ws/2005/04/discovery")
            || contains(bytes, b"docs.oasis-open.org/ws-dd")
    }),
    ("bittorrent", |bytes| {
        bytes.starts_with(b"d1:ad2:id20:")
            || be32(bytes, 0) == Some(0x417) && be32(bytes, 4) == Some(0x2710_1980)
    }),
    ("l2tp", |bytes| bytes.len() >= 12 && bytes[0] & 0xc8 == 0xc8 && bytes[1] == 2),
    ("radius", |bytes| {
        bytes.len() >= 20
            && matches!(bytes[0], 1 | 4 | 12)
            && be16(bytes, 2).map(usize::from) == Some(bytes.len())
    }),
    ("coap", is_coap),
    ("tftp", is_tftp),
    ("chargen", |bytes| matches!(bytes, [] | [b'\n' | b'\r' | 0 | 1])),
];

fn first_line(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == b'\n').next().unwrap_or_default()
}

/// A request or an answer of HTTP, sent as one datagram by who tries every port, or by UPnP's own clients.
fn is_http(line: &[u8]) -> bool {
    line.starts_with(b"HTTP/1.")
        || (line.first().is_some_and(u8::is_ascii_uppercase)
            && (contains(line, b" HTTP/1.") || line.starts_with(b"GET /")))
}

/// CUPS' browsing (CVE-2024-47176): kind and state in hexadecimal, then a printer's address.
fn is_browsing(bytes: &[u8]) -> bool {
    let mut words = first_line(bytes).split(|byte| *byte == b' ');
    let mut number = || {
        let word = words.next().unwrap_or_default();
        (1..=8).contains(&word.len()) && word.iter().all(u8::is_ascii_hexdigit)
    };
    number() && number() && words.next().is_some_and(|word| contains(word, b"://"))
}

/// The content of a BER sequence (X.690, 8.1.3) of any length form.
fn sequence(bytes: &[u8]) -> Option<&[u8]> {
    let header = match (bytes.first()?, bytes.get(1)?) {
        (0x30, length @ 0x81..=0x84) => 2 + usize::from(length & 0x7f),
        (0x30, 0..=0x7f) => 2,
        _ => return None,
    };
    bytes.get(header..)
}

/// RFC 1157, RFC 3416, RFC 3412: a sequence that begins with version 0, 1 or 3.
fn is_snmp(bytes: &[u8]) -> bool {
    let Some(rest) = sequence(bytes) else { return false };
    matches!(rest, [2, 1, 0 | 1, 4, ..] | [2, 1, 3, 0x30, ..])
}

/// RFC 1798: a search over UDP.
fn is_cldap(bytes: &[u8]) -> bool {
    let Some(rest) = sequence(bytes) else { return false };
    let (Some(2), Some(size @ 1..=4)) = (rest.first(), rest.get(1)) else { return false };
    matches!(rest.get(2 + usize::from(*size)), Some(0x63))
}

/// RFC 9000, 17.2: the long header of an Initial packet, or a version made to be refused.
fn is_quic(bytes: &[u8]) -> bool {
    let version = be32(bytes, 1).unwrap_or(0);
    let known = matches!(version, 1 | 0x6b33_43cf)
        || version >> 8 == 0x00ff_0000
        || version & 0x0f0f_0f0f == 0x0a0a_0a0a
        || version >> 24 == u32::from(b'Q');
    bytes.len() >= 7 && bytes[0] & 0xc0 == 0xc0 && known && bytes[5] <= 20
}

/// RFC 2408, 3.1 and RFC 7296, 3.1: a first message has no responder cookie.
fn is_ike(bytes: &[u8]) -> bool {
    bytes.len() >= 28
        && bytes[8..16] == [0; 8]
        && matches!(bytes[17], 0x10 | 0x20)
        && matches!(bytes[18], 2 | 4 | 34)
        && be32(bytes, 24).is_some_and(|length| length as usize == bytes.len())
}

/// The frame header before a text command, or the command without it, in small letters as the server wants them.
fn is_memcached(bytes: &[u8]) -> bool {
    let framed = bytes.len() > 8 && be16(bytes, 4) == Some(1) && bytes[6..8] == [0, 0];
    let text = if framed { &bytes[8..] } else { bytes };
    text.first().is_some_and(u8::is_ascii_lowercase)
        && super::begins_with_verb(text, &["stats", "version", "get", "gets", "set"])
}

/// RFC 1002, 4.2: a name of 32 letters in place of a label.
fn is_netbios(bytes: &[u8]) -> bool {
    bytes.get(12) == Some(&32)
        && bytes
            .get(13..45)
            .is_some_and(|name| name.iter().all(|byte| (b'A'..=b'P').contains(byte)))
}

/// RFC 5905, 7.3 and the private mode 7 of `monlist` (CVE-2013-5211).
fn is_ntp(bytes: &[u8]) -> bool {
    let Some(first) = bytes.first() else { return false };
    let (version, mode) = ((first >> 3) & 7, first & 7);
    match mode {
        1 | 3 => (1..=4).contains(&version) && bytes.len() >= 48 && bytes.len() <= 120,
        6 => {
            (2..=4).contains(&version)
                && bytes.len() >= 12
                && bytes[1] & 0xe0 == 0
                && bytes.len() <= 60
        }
        7 => version == 2 && bytes.len() >= 4 && matches!(bytes[2], 2 | 3),
        _ => false,
    }
}

/// RFC 7252, 3: version 1, a sane token, a request method, options or nothing.
fn is_coap(bytes: &[u8]) -> bool {
    bytes.len() >= 4
        && bytes[0] >> 6 == 1
        && bytes[0] & 15 <= 8
        && (bytes[0] >> 4) & 3 <= 1
        && matches!(bytes[1], 0..=4)
        && (bytes[1] != 0 || bytes.len() == 4)
        && le32(bytes, 0).is_some()
}

/// RFC 1350, 5: a file name, a mode, each ended by zero.
fn is_tftp(bytes: &[u8]) -> bool {
    if !matches!(be16(bytes, 0), Some(1 | 2)) {
        return false;
    }
    let mut fields = bytes[2..].split(|byte| *byte == 0);
    let name = fields.next().unwrap_or_default();
    let mode = fields.next().unwrap_or_default();
    !name.is_empty()
        && ["netascii", "octet", "mail"]
            .iter()
            .any(|known| mode.eq_ignore_ascii_case(known.as_bytes()))
}
