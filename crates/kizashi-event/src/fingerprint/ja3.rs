//! JA3 (Althouse, Atkinson and Atkins, Salesforce 2017; github.com/salesforce/ja3): MD5 over version, cipher suites, extensions, groups
//! and point formats in the order sent. Clients that shuffle their extensions (Chrome since 110) have another with each connection,
//! so it tells bots apart and browsers not.

use md5::{Digest as _, Md5};

use super::{ClientHello, hexadecimal, is_grease};

/// The fingerprint: 32 hexadecimal digits.
#[must_use]
pub fn ja3(hello: &ClientHello) -> String {
    hexadecimal(&Md5::digest(ja3_text(hello).as_bytes()))
}

/// The text that it is the hash of: `769,47-53,0-10-11,23-24,0`.
#[must_use]
pub fn ja3_text(hello: &ClientHello) -> String {
    let list = |values: &mut dyn Iterator<Item = u16>| {
        let shown = values.filter(|value| !is_grease(*value)).map(|value| value.to_string());
        shown.collect::<Vec<_>>().join("-")
    };
    [
        hello.version.to_string(),
        list(&mut hello.cipher_suites.iter().copied()),
        list(&mut hello.extensions.iter().map(|(number, _)| *number)),
        list(&mut hello.groups().into_iter()),
        list(&mut hello.point_formats().iter().map(|format| u16::from(*format))),
    ]
    .join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The two examples of the authors' own README.
    #[test]
    fn the_published_examples_come_out() {
        let hello = ClientHello {
            version: 769,
            cipher_suites: vec![47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 0x2a2a, 19, 4],
            extensions: vec![
                (0x0a0a, vec![]),
                (0, b"\0\x04\0\0\x01a".to_vec()),
                (10, vec![0, 6, 0, 23, 0, 24, 0, 25]),
                (11, vec![1, 0]),
            ],
            ..ClientHello::default()
        };
        let text = "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0";
        assert_eq!(ja3_text(&hello), text);
        assert_eq!(ja3(&hello), "ada70206e40642a3e4461f35503241d5");
        let bare = ClientHello {
            version: 769,
            cipher_suites: vec![4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99],
            ..ClientHello::default()
        };
        assert_eq!(ja3_text(&bare), "769,4-5-10-9-100-98-3-6-19-18-99,,,");
        assert_eq!(ja3(&bare), "de350869b8c85de67a350c8d186f11e6");
    }
}
