//! Digest authentication (RFC 2617): what a client answers to a challenge, in hashcat's form, and which common password it was made with.

use md5::{Digest as _, Md5};

use crate::hexadecimal::hexadecimal;
use crate::login::common_passwords;

/// A field as it goes into a hash.
const LONGEST: usize = 512;

pub(crate) struct Digest<'a> {
    pub(crate) user: &'a str,
    realm: &'a str,
    nonce: &'a str,
    uri: &'a str,
    response: &'a str,
    qop: &'a str,
    count: &'a str,
    client_nonce: &'a str,
}

impl<'a> Digest<'a> {
    /// Reads `Digest username="…", realm="…", …`.
    pub(crate) fn read(header: &'a str) -> Option<Self> {
        let (scheme, rest) = header.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("digest") || rest.len() > 8 * LONGEST {
            return None;
        }
        let field = |name: &str| fields(rest).find(|(key, _)| key.eq_ignore_ascii_case(name));
        let text = |name: &str| field(name).map(|(_, value)| value).filter(|v| v.len() <= LONGEST);
        let md5 = text("algorithm").is_none_or(|name| name.eq_ignore_ascii_case("md5"));
        let response = text("response").filter(|text| text.len() == 32)?;
        response.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(())?;
        md5.then_some(Self {
            user: text("username")?,
            realm: text("realm")?,
            nonce: text("nonce")?,
            uri: text("uri")?,
            response,
            qop: text("qop").unwrap_or_default(),
            count: text("nc").unwrap_or_default(),
            client_nonce: text("cnonce").unwrap_or_default(),
        })
    }

    pub(crate) const fn nonce(&self) -> &str {
        self.nonce
    }

    /// The form of hashcat's mode 11400 and of John's `sip`.
    pub(crate) fn hashcat(&self, method: &str, server: &str, client: &str) -> String {
        let (scheme, resource) = self.uri.split_once(':').unwrap_or(("", self.uri));
        let Self { user, realm, nonce, response, qop, count, client_nonce, .. } = self;
        format!(
            "$sip$*{server}*{client}*{user}*{realm}*{method}*{scheme}*{resource}**{nonce}*{client_nonce}*{count}*{qop}*MD5*{response}"
        )
    }

    /// The common password that this was made with.
    pub(crate) fn password(&self, method: &str) -> Option<&'a str> {
        let request = hex(&[method, ":", self.uri]);
        let own = [self.user, ""];
        let common = common_passwords().iter().copied();
        own.into_iter().chain(common).find(|password| {
            let secret = hex(&[self.user, ":", self.realm, ":", password]);
            let whole = if self.qop.is_empty() {
                hex(&[&secret, ":", self.nonce, ":", &request])
            } else {
                let Self { nonce, count, client_nonce, qop, .. } = self;
                hex(&[&secret, ":", nonce, ":", count, ":", client_nonce, ":", qop, ":", &request])
            };
            whole.eq_ignore_ascii_case(self.response)
        })
    }
}

/// `name="value"` and `name=value` with commas between; a value in quotes may hold commas.
fn fields(mut rest: &str) -> impl Iterator<Item = (&str, &str)> {
    std::iter::from_fn(move || {
        let (name, after) = rest.trim_start_matches([',', ' ', '\t']).split_once('=')?;
        let (value, after) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(',').unwrap_or((after, "")),
        };
        rest = after;
        Some((name.trim(), value.trim()))
    })
}

fn hex(parts: &[&str]) -> String {
    let mut hasher = Md5::new();
    parts.iter().for_each(|part| hasher.update(part.as_bytes()));
    hexadecimal(&hasher.finalize())
}

/// RFC 2617, 3.5.
#[test]
fn the_digest_of_the_standards_example_is_computed() {
    let secret = hex(&["Mufasa", ":", "testrealm@host.com", ":", "Circle Of Life"]);
    let request = hex(&["GET", ":", "/dir/index.html"]);
    let nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
    let whole = hex(&[&secret, ":", nonce, ":00000001:0a4f113b:auth:", &request]);
    assert_eq!(whole, "6629fae49393a05397450978507c4ef1");
}

/// The example hash of hashcat's mode 11400, whose password is `hashcat`; it is not among the common ones.
#[test]
fn a_digest_becomes_the_hash_that_is_guessed_and_a_common_password_is_found() {
    let header = r#"Digest username="100", realm="asterisk", nonce="2b01df0b", uri="sip:192.0.2.1", response="ad0520061ca07c120d7e8ce696a6df2d", algorithm=MD5"#;
    let digest = Digest::read(header).unwrap();
    assert_eq!(
        digest.hashcat("REGISTER", "192.0.2.1", "192.0.2.7"),
        "$sip$*192.0.2.1*192.0.2.7*100*asterisk*REGISTER*sip*192.0.2.1**2b01df0b****MD5*ad0520061ca07c120d7e8ce696a6df2d"
    );
    assert_eq!(digest.password("REGISTER"), None);
    let secret = hex(&["100:asterisk:1234"]);
    let made = hex(&[&secret, ":2b01df0b:", &hex(&["REGISTER:sip:192.0.2.1"])]);
    let header = header.replace("ad0520061ca07c120d7e8ce696a6df2d", &made);
    assert_eq!(Digest::read(&header).unwrap().password("REGISTER"), Some("1234"));
}
