//! JA4 (FoxIO 2023; github.com/FoxIO-LLC/ja4, `technical_details/JA4.md`, BSD-3-Clause): a readable part, then hashes of cipher suites
//! and of extensions, both sorted, so that a client that shuffles them stays itself. Only this fingerprint of the family is free of
//! their licence; the others are not made here.

use sha2::{Digest as _, Sha256};

use super::{ClientHello, hexadecimal, is_grease};

/// What the message was carried by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// TLS over TCP.
    Tcp,
    /// QUIC.
    Quic,
    /// DTLS.
    Datagram,
}

/// What a hash of nothing is written as.
const NOTHING: &str = "000000000000";
/// Extensions that say where to, not who: the server's name, and the protocol inside, which the first part has.
const LEFT_OUT: [u16; 2] = [0x0000, 0x0010];

/// The fingerprint: `t13d1516h2_8daaf6152771_e5627efa2ab1`.
#[must_use]
pub fn ja4(hello: &ClientHello, carrier: Carrier) -> String {
    let (ciphers, extensions) = (ciphers(hello), extensions(hello));
    format!("{}_{}_{}", readable(hello, carrier), hashed(&ciphers), hashed(&extensions))
}

/// The same with the lists in place of their hashes (`JA4_r`).
#[must_use]
pub fn ja4_raw(hello: &ClientHello, carrier: Carrier) -> String {
    format!("{}_{}_{}", readable(hello, carrier), ciphers(hello), extensions(hello))
}

fn readable(hello: &ClientHello, carrier: Carrier) -> String {
    let carrier = match carrier {
        Carrier::Tcp => 't',
        Carrier::Quic => 'q',
        Carrier::Datagram => 'd',
    };
    let version = match hello.versions().into_iter().max().unwrap_or(0) {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 => "s2",
        0xfeff => "d1",
        0xfefd => "d2",
        0xfefc => "d3",
        _ => "00",
    };
    let name = if hello.extension(0).is_some() { 'd' } else { 'i' };
    let count = |values: &mut dyn Iterator<Item = u16>| {
        values.filter(|value| !is_grease(*value)).count().min(99)
    };
    let suites = count(&mut hello.cipher_suites.iter().copied());
    let extensions = count(&mut hello.extensions.iter().map(|(number, _)| *number));
    format!("{carrier}{version}{name}{suites:02}{extensions:02}{}", protocol(hello))
}

/// First and last character of the first protocol offered; where they are no letters or digits, the first and last digit of its
/// hexadecimal form.
fn protocol(hello: &ClientHello) -> String {
    let protocols = hello.protocols();
    let Some((Some(first), Some(last))) =
        protocols.first().map(|protocol| (protocol.first(), protocol.last()))
    else {
        return "00".to_owned();
    };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        format!("{}{}", char::from(*first), char::from(*last))
    } else {
        format!("{:x}{:x}", first >> 4, last & 15)
    }
}

fn listed(values: impl Iterator<Item = u16>) -> String {
    let shown = values.filter(|value| !is_grease(*value)).map(|value| format!("{value:04x}"));
    shown.collect::<Vec<_>>().join(",")
}

fn ciphers(hello: &ClientHello) -> String {
    let mut suites = hello.cipher_suites.clone();
    suites.sort_unstable();
    listed(suites.into_iter())
}

fn extensions(hello: &ClientHello) -> String {
    let numbers = hello.extensions.iter().map(|(number, _)| *number);
    let mut numbers: Vec<u16> = numbers.filter(|number| !LEFT_OUT.contains(number)).collect();
    numbers.sort_unstable();
    let (numbers, signatures) =
        (listed(numbers.into_iter()), listed(hello.signature_algorithms().into_iter()));
    if signatures.is_empty() || numbers.is_empty() {
        return numbers;
    }
    format!("{numbers}_{signatures}")
}

fn hashed(list: &str) -> String {
    if list.is_empty() {
        return NOTHING.to_owned();
    }
    hexadecimal(&Sha256::digest(list.as_bytes())[..6])
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHROME: [u16; 15] = [
        0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014,
        0x009c, 0x009d, 0x002f, 0x0035,
    ];
    const SIGNATURES: [u16; 8] = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601];

    fn hello(extensions: &[u16], protocol: &[u8]) -> ClientHello {
        let content = |number: u16| match number {
            0 => b"\0\x04\0\0\x01a".to_vec(),
            13 => {
                let list = SIGNATURES.iter().flat_map(|value| value.to_be_bytes());
                [0, 16].into_iter().chain(list).collect()
            }
            16 => {
                let length = protocol.len() as u8;
                [&[0, length + 1, length], protocol].concat()
            }
            43 => vec![6, 0xfa, 0xfa, 3, 4, 3, 3],
            _ => Vec::new(),
        };
        ClientHello {
            version: 0x0303,
            cipher_suites: std::iter::once(0xdada).chain(CHROME).collect(),
            extensions: extensions.iter().map(|number| (*number, content(*number))).collect(),
            ..ClientHello::default()
        }
    }

    /// The example of the specification: Chrome's suites and extensions, with the GREASE that it puts around them.
    #[test]
    fn the_published_example_comes_out_whatever_the_order() {
        let order = [
            0x4a4a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023,
            0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015, 0x1a1a,
        ];
        let found = ja4(&hello(&order, b"h2"), Carrier::Tcp);
        assert_eq!(found, "t13d1516h2_8daaf6152771_e5627efa2ab1");
        let mut shuffled = order;
        shuffled.reverse();
        assert_eq!(ja4(&hello(&shuffled, b"h2"), Carrier::Tcp), found);
        let raw = ja4_raw(&hello(&order, b"h2"), Carrier::Tcp);
        assert_eq!(
            raw,
            "t13d1516h2_002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9_0005,000a,000b,000d,0012,0015,0017,001b,0023,002b,002d,0033,4469,ff01_0403,0804,0401,0503,0805,0501,0806,0601"
        );
    }

    #[test]
    fn what_is_missing_is_written_as_nought() {
        let bare = ClientHello { version: 0x0301, ..ClientHello::default() };
        assert_eq!(ja4(&bare, Carrier::Tcp), "t10i000000_000000000000_000000000000");
        assert_eq!(&ja4(&hello(&[16], b"\xabcd\xef"), Carrier::Quic)[..10], "q12i1501af");
        assert_eq!(&ja4(&hello(&[16], b"x"), Carrier::Datagram)[..10], "d12i1501xx");
    }
}
