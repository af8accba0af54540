//! JA4H: an HTTP client by its method, version, names and order of header fields, language and cookies, as FoxIO defines it
//! (github.com/FoxIO-LLC/ja4, `technical_details/JA4H.md`, `python/ja4h.py`; the method is under the FoxIO License 1.1, which allows
//! use that is not sold; written here from its description). The first two parts tell the client, the last two his cookies.

use sha2::{Digest, Sha256};

use crate::Request;

/// Header fields looked at: what a server takes at most.
const FIELDS: usize = 1_000;

/// `ge11cr04da00_8ddaef5d77af_280f366eaa04_c2fb0fe53442`.
#[must_use]
pub fn ja4h(request: &Request) -> String {
    let named = |name: &str, wanted: &str| name.eq_ignore_ascii_case(wanted);
    let fields =
        || request.headers.iter().take(FIELDS).map(|(name, value)| (name.raw(), value.raw()));
    let is_cookie =
        |name: &str| name.get(..6).is_some_and(|head| head.eq_ignore_ascii_case("cookie"));
    let names: Vec<&str> = fields()
        .map(|(name, _)| name)
        .filter(|name| {
            !name.starts_with(':')
                && !is_cookie(name)
                && !named(name, "referer")
                && !name.is_empty()
        })
        .collect();
    let mut cookies: Vec<(&str, &str)> = fields()
        .filter(|(name, _)| named(name, "cookie"))
        .flat_map(|(_, value)| value.split(';'))
        .map(str::trim)
        .map(|pair| (pair.split('=').next().unwrap_or_default().trim(), pair))
        .collect();
    cookies.sort_by_key(|(name, _)| *name);
    let method: String = request.method.raw().chars().take(2).collect();
    let has =
        |wanted: &str, yes: char| if fields().any(|(n, _)| named(n, wanted)) { yes } else { 'n' };
    let language = fields().find(|(name, _)| named(name, "accept-language"));
    format!(
        "{}{}{}{}{:02}{}_{}_{}_{}",
        method.to_lowercase(),
        version(request.version.raw()),
        has("cookie", 'c'),
        has("referer", 'r'),
        names.len().min(99),
        four_letters(language.map_or("", |(_, value)| value)),
        hashed(names.into_iter()),
        hashed(cookies.iter().map(|(name, _)| *name)),
        hashed(cookies.iter().map(|(_, pair)| *pair)),
    )
}

/// `11` of `HTTP/1.1`; a request without a version is one of HTTP/0.9.
fn version(text: &str) -> String {
    let digits: String = text.chars().filter(char::is_ascii_digit).take(2).collect();
    if digits.is_empty() { "09".to_owned() } else { format!("{digits:0<2}") }
}

fn four_letters(language: &str) -> String {
    let first = language.split([',', ';']).next().unwrap_or_default();
    let letters: String = first.to_lowercase().chars().filter(|c| *c != '-').take(4).collect();
    format!("{letters:0<4}")
}

/// The first twelve digits of the hash; zeros where there is nothing.
fn hashed<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut hasher = Sha256::new();
    let mut any = false;
    for text in texts {
        if std::mem::replace(&mut any, true) {
            hasher.update(b",");
        }
        hasher.update(text.as_bytes());
    }
    if !any {
        return "0".repeat(12);
    }
    hasher.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(method: &str, version: &str, headers: &[(&str, &str)]) -> String {
        let headers =
            headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let (method, version) = (method.into(), version.into());
        ja4h(&Request { method, version, headers, ..Request::default() })
    }

    /// What FoxIO's own tests expect of its captures (`python/test/testdata`: `http1.pcapng`, `http1-with-cookies.pcapng`,
    /// `http-empty-useragent.pcap`).
    #[test]
    fn the_captures_of_its_inventor_give_what_he_publishes() {
        let plain = |method: &str, names: &[&str], language: &str| {
            let field = |name: &&'static str| {
                (*name, if *name == "Accept-Language" { language } else { "x" })
            };
            let names: Vec<&'static str> =
                names.iter().map(|name| -> &'static str { String::from(*name).leak() }).collect();
            of(method, "HTTP/1.1", &names.iter().map(field).collect::<Vec<_>>())
        };
        let zeros = "000000000000_000000000000";
        for (method, names, start) in [
            (
                "POST",
                "Host,Accept,User-Agent,Content-Type,Content-Length",
                "po11nn050000_530ceba2075f",
            ),
            ("GET", "Host,User-Agent,Accept,Range", "ge11nn040000_ad0fd3707af2"),
            ("GET", "User-Agent,Host,Connection,Accept-Encoding", "ge11nn040000_4f6f4aad0c1e"),
            (
                "HEAD",
                "Host,Connection,User-Agent,Accept-Encoding,Accept-Language",
                "he11nn05enus_6f8992deff94",
            ),
            (
                "GET",
                "Host,Date,User-Agent,X-AV-Physical-Unit-Info,X-AV-Client-Info",
                "ge11nn050000_e1365771aae9",
            ),
            (
                "POST",
                "Host,User-Agent,Content-Length,Content-Type,SOAPAction,Connection,Cache-Control,Pragma",
                "po11nn080000_6977d1188c03",
            ),
        ] {
            let names: Vec<&str> = names.split(',').collect();
            assert_eq!(plain(method, &names, "en-US,en;q=0.9"), format!("{start}_{zeros}"));
        }
        assert_eq!(
            of("GET", "HTTP/1.0", &[("User-Agent", "")]),
            format!("ge10nn010000_b8bcd45ac095_{zeros}")
        );
        assert_eq!(
            of(
                "GET",
                "HTTP/1.1",
                &[
                    ("Host", "localhost:8000"),
                    ("User-Agent", "curl/8.1.2"),
                    ("Accept", "*/*"),
                    ("Referer", "https://fake.example"),
                    ("Cookie", "yummy_cookie=choco; tasty_cookie=strawberry"),
                    ("Accept-Language", "da, en-GB;q=0.8, en;q=0.7"),
                ]
            ),
            "ge11cr04da00_8ddaef5d77af_280f366eaa04_c2fb0fe53442"
        );
    }

    #[test]
    fn http2_counts_no_pseudo_fields_and_joins_cookies_that_came_apart() {
        let apart = of(
            "GET",
            "HTTP/2.0",
            &[(":authority", "a"), ("accept", "*/*"), ("cookie", "b=1"), ("cookie", "a=2")],
        );
        let joined = of("GET", "HTTP/2.0", &[("accept", "*/*"), ("cookie", "a=2; b=1")]);
        assert_eq!(apart, joined);
        assert!(apart.starts_with("ge20cn010000_"), "{apart}");
    }

    proptest! {
        #[test]
        fn any_request_has_one_of_the_same_form(
            method: String, version: String, headers: Vec<(String, String)>,
        ) {
            let headers: Vec<(&str, &str)> =
                headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            prop_assert!(of(&method, &version, &headers).split('_').count() >= 4);
        }
    }
}
