//! What is shared with other programs: feeds, lists to block by, TAXII. Programs keep no cookies, so the token of the role `feeds` comes by
//! `Authorization: Bearer`, as the password of `Basic` (TAXII 2.1, 1.6.8), or, for readers that can do neither, as `token` in the query.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use crate::error::ApiError;
use crate::server::App;

/// Pairs of a query that are looked at.
const MOST_PAIRS: usize = 16;

pub(crate) async fn document(
    State(app): State<Arc<App>>,
    Path(path): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let pairs = pairs(query.as_deref().unwrap_or_default());
    let found = app.ask(move |observatory| observatory.shared(&path, &pairs)).await?;
    let Some(document) = found else {
        return Err(ApiError::new(StatusCode::NOT_FOUND, "nothing is shared at this address"));
    };
    let status = StatusCode::from_u16(document.status).unwrap_or(StatusCode::OK);
    let mut response = (status, document.body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(document.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=60"));
    for (name, value) in document.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    Ok(response)
}

/// The pairs of a query but for the token.
fn pairs(query: &str) -> Vec<(String, String)> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).take(MOST_PAIRS).map(pair);
    pairs.filter(|(name, _)| name != "token").collect()
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(at) {
        let digits = text.get(at + 1..at + 3).filter(|_| *byte == b'%');
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(if *byte == b'+' { b' ' } else { *byte });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The token that a program sends.
pub(crate) fn token(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match authorization.and_then(|text| text.split_once(' ')) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            Some(token.trim().to_owned())
        }
        Some((scheme, pair)) if scheme.eq_ignore_ascii_case("basic") => password(pair.trim()),
        _ => {
            let query = uri.query()?;
            let pair = query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .find(|(name, _)| *name == "token");
            pair.map(|(_, token)| token.to_owned())
        }
    }
}

/// The password of a pair in base64 (RFC 4648, 4), whatever the user.
fn password(text: &str) -> Option<String> {
    const MOST: usize = 512;
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => Some(u32::from(byte - b'A')),
        b'a'..=b'z' => Some(u32::from(byte - b'a') + 26),
        b'0'..=b'9' => Some(u32::from(byte - b'0') + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let (mut out, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for byte in text.bytes().take(MOST).take_while(|byte| *byte != b'=') {
        held = (held << 6) | digit(byte)?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from((held >> bits) & 0xff).ok()?);
            held &= (1 << bits) - 1;
        }
    }
    String::from_utf8(out).ok()?.split_once(':').map(|(_, password)| password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_as_a_bearer_as_a_password_or_in_the_query() {
        let of = |authorization: Option<&'static str>, uri: &str| {
            let mut headers = HeaderMap::new();
            if let Some(value) = authorization {
                headers.insert(header::AUTHORIZATION, HeaderValue::from_static(value));
            }
            token(&headers, &uri.parse().unwrap())
        };
        assert_eq!(of(Some("Bearer abc"), "/share/x").as_deref(), Some("abc"));
        assert_eq!(of(Some("basic a2l6YXNoaTphYmM6ZA=="), "/share/x").as_deref(), Some("abc:d"));
        assert_eq!(of(None, "/share/x?a=b&token=abc").as_deref(), Some("abc"));
        for nothing in ["Basic", "Basic ====", "Basic a\u{80}", "Digest x"] {
            assert_eq!(of(None, "/share/x"), None, "{nothing}");
        }
        assert_eq!(of(Some("Basic !!!!"), "/share/x?token=abc"), None, "what is sent counts");
    }

    #[test]
    fn a_query_is_read_up_to_a_bound_and_its_token_handed_to_nobody() {
        assert_eq!(
            pairs("match%5Btype%5D=report&token=secret&limit=5&x"),
            [("match[type]", "report"), ("limit", "5"), ("x", "")]
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
        );
        assert_eq!(decoded("%"), "%");
        assert_eq!(decoded("%zz%4"), "%zz%4");
        assert_eq!(pairs(&"a=b&".repeat(99)).len(), MOST_PAIRS);
    }
}
