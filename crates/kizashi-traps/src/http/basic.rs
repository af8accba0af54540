//! User name and password out of an `Authorization: Basic` header (RFC 7617). Bounded by the header, lenient as attackers' tools are.

use kizashi_event::{Detail, HostileText};

/// The login in this header value, if it is one of the Basic scheme.
pub(super) fn login(value: &str) -> Option<Detail> {
    let (scheme, credentials) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = decode_base64(credentials.trim().as_bytes())?;
    let colon = decoded.iter().position(|byte| *byte == b':').unwrap_or(decoded.len());
    let password = decoded.get(colon + 1..).map(HostileText::from_bytes);
    Some(Detail::Login {
        username: Some(HostileText::from_bytes(&decoded[..colon])),
        password,
        public_key: None,
        accepted: false,
    })
}

/// RFC 4648 with or without padding; `None` where a character is of no alphabet.
pub(crate) fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text.iter().take_while(|byte| **byte != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            decoded.push((bits >> count).to_be_bytes()[3]);
        }
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<(String, Option<String>)> {
        match login(value)? {
            Detail::Login { username, password, accepted: false, .. } => {
                let password = password.map(|text| text.raw().to_owned());
                Some((username?.raw().to_owned(), password))
            }
            _ => None,
        }
    }

    #[test]
    fn reads_names_passwords_with_colons_and_missing_padding() {
        let pair = |name: &str, password: &str| Some((name.to_owned(), Some(password.to_owned())));
        assert_eq!(read("Basic YWRtaW46YWRtaW4="), pair("admin", "admin"));
        assert_eq!(read("basic cm9vdDphOmI"), pair("root", "a:b"));
        assert_eq!(read("Basic Og=="), pair("", ""));
        assert_eq!(read("Basic cm9vdA=="), Some(("root".to_owned(), None)));
    }

    #[test]
    fn other_schemes_and_nonsense_are_no_login() {
        for value in ["Bearer YWRtaW4=", "Basic", "Basic !!!!", ""] {
            assert_eq!(read(value), None, "{value}");
        }
    }
}
