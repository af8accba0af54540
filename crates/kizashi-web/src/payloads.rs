//! Captured content for the owner's eyes (`/api/v1/payloads/…`, which the viewer's token does not open): a page of bytes as digits, where a text
//! or bytes stand in it, and the whole as the zip under the field's password that `kizashi payload export` writes. Content leaves here as digits in
//! JSON or in that zip alone, never as itself; the zip is sent so that no browser shows, guesses or runs anything of it.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::error::{ApiError, Json};
use crate::query::{Read, parameters};
use crate::server::App;

/// Bytes of one page at most.
const MOST_BYTES: usize = 4_096;
/// Content that an offset can point into: above every bound of a trap.
const LARGEST: usize = 1 << 30;
/// Places that one search gives.
const MOST_HITS: usize = 200;
/// Bytes that can be searched for.
const LONGEST_WANTED: usize = 256;
/// Under this policy what is opened in a browser all the same can do nothing.
const POLICY: &str = "sandbox; default-src 'none'";

/// A page of captured content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct ContentPage {
    /// Bytes that are kept.
    length: usize,
    /// Where the page begins.
    offset: usize,
    /// Its bytes, two digits each.
    hex: String,
}

/// Where something stands in captured content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct ContentHits {
    /// Places of its first byte, ascending, from `offset` on.
    hits: Vec<usize>,
    /// Its length in bytes.
    length: usize,
    /// Whether there are more.
    more: bool,
}

/// `GET /api/v1/payloads/{sha256}?offset=&limit=`.
#[utoipa::path(get, path = "/api/v1/payloads/{sha256}", tag = "visitors", summary = "A page of captured content, as hexadecimal digits: the owner alone",
    params(("sha256" = String, Path, description = "The content's SHA-256", example = "0000000000000000000000000000000000000000000000000000000000000000"),
        ("offset" = Option<u32>, Query, description = "Where the page begins"),
        ("limit" = Option<u32>, Query, description = "Bytes at most, 1 to 4,096")),
    responses((status = 200, description = "A page", body = ContentPage, example = json!({"length": 12_044, "offset": 0, "hex": "7f454c46"})),
        (status = 403, description = "Not the owner"),
        (status = 404, description = "There is no such content, or it is not kept any more")))]
pub(crate) async fn page(
    State(app): State<Arc<App>>,
    Path(sha256): Path<String>,
    read: Read,
) -> Result<Json<ContentPage>, ApiError> {
    let asked = parameters(read)?;
    let (offset, limit) = (asked.offset(LARGEST)?, asked.limit(MOST_BYTES, MOST_BYTES)?);
    let content = content_of(&app, sha256).await?;
    let end = offset.saturating_add(limit).min(content.len());
    let bytes = content.get(offset..end).unwrap_or_default();
    Ok(Json(ContentPage { length: content.len(), offset, hex: hex(bytes) }))
}

/// `GET /api/v1/payloads/{sha256}/find?q=&offset=`.
#[utoipa::path(get, path = "/api/v1/payloads/{sha256}/find", tag = "visitors", summary = "Where something stands in captured content: the owner alone",
    params(("sha256" = String, Path, description = "The content's SHA-256", example = "0000000000000000000000000000000000000000000000000000000000000000"),
        ("q" = String, Query, description = "A text, in which letters of ASCII count alike in both cases; or bytes, as 0x and hexadecimal digits", example = "0x7f45"),
        ("offset" = Option<u32>, Query, description = "From this byte on")),
    responses((status = 200, description = "Places, 200 at most", body = ContentHits, example = json!({"hits": [0], "length": 2, "more": false})),
        (status = 400, description = "Nothing can be searched for by that"),
        (status = 404, description = "There is no such content, or it is not kept any more")))]
pub(crate) async fn find(
    State(app): State<Arc<App>>,
    Path(sha256): Path<String>,
    read: Read,
) -> Result<Json<ContentHits>, ApiError> {
    let asked = parameters(read)?;
    let (offset, wanted) = (asked.offset(LARGEST)?, Wanted::of(asked.q())?);
    let content = content_of(&app, sha256).await?;
    Ok(Json(wanted.within(&content, offset)))
}

/// `GET /api/v1/payloads/{sha256}/sample`.
#[utoipa::path(get, path = "/api/v1/payloads/{sha256}/sample", tag = "visitors", summary = "Captured content as a zip under the password \"infected\": the owner alone",
    params(("sha256" = String, Path, description = "The content's SHA-256", example = "0000000000000000000000000000000000000000000000000000000000000000")),
    responses((status = 200, description = "A zip of one file", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 403, description = "Not the owner"),
        (status = 404, description = "There is no such content, or it is not kept any more")))]
pub(crate) async fn sample(
    State(app): State<Arc<App>>,
    Path(sha256): Path<String>,
) -> Result<Response, ApiError> {
    if !is_hash(&sha256) {
        return Err(nothing());
    }
    let name = format!("attachment; filename=\"{sha256}.zip\"");
    let zip = app.ask(move |observatory| observatory.sample(&sha256)).await?.ok_or_else(nothing)?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, name.as_str()),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    Ok((headers, zip).into_response())
}

async fn content_of(app: &App, sha256: String) -> Result<Vec<u8>, ApiError> {
    if !is_hash(&sha256) {
        return Err(nothing());
    }
    app.ask(move |observatory| observatory.content(&sha256)).await?.ok_or_else(nothing)
}

fn nothing() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "this content is not kept here")
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 0xf)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// What is searched for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    /// These bytes.
    Bytes(Vec<u8>),
    /// This text in small letters.
    Text(Vec<u8>),
}

impl Wanted {
    fn of(text: &str) -> Result<Self, ApiError> {
        let long = || ApiError::bad(format!("q is empty or longer than {LONGEST_WANTED} bytes"));
        let wanted = match text.strip_prefix("0x") {
            Some(digits) => Self::Bytes(bytes_of(digits).ok_or_else(|| {
                ApiError::bad("q is no bytes: write 0x and two hexadecimal digits a byte")
            })?),
            None => Self::Text(text.to_ascii_lowercase().into_bytes()),
        };
        let (Self::Bytes(bytes) | Self::Text(bytes)) = &wanted;
        if bytes.is_empty() || bytes.len() > LONGEST_WANTED { Err(long()) } else { Ok(wanted) }
    }

    fn within(&self, content: &[u8], offset: usize) -> ContentHits {
        let (bytes, is_text) = match self {
            Self::Bytes(bytes) => (bytes, false),
            Self::Text(bytes) => (bytes, true),
        };
        let rest = content.get(offset..).unwrap_or_default();
        let fits = |window: &[u8]| match is_text {
            true => window.eq_ignore_ascii_case(bytes),
            false => window == bytes.as_slice(),
        };
        let mut all = rest
            .windows(bytes.len())
            .enumerate()
            .filter(|(_, window)| fits(window))
            .map(|(at, _)| offset + at);
        let hits: Vec<usize> = all.by_ref().take(MOST_HITS).collect();
        ContentHits { hits, length: bytes.len(), more: all.next().is_some() }
    }
}

/// Two digits a byte, spaces between bytes or none.
fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = digits
        .chars()
        .filter(|character| *character != ' ')
        .map(|character| character.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    Some(pairs.map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_is_found_in_either_case_and_bytes_as_they_are() {
        let content = b"GET /Shell?cd+/tmp;\x00\xff\x00\xff shell";
        let places = |q: &str, offset| Wanted::of(q).unwrap().within(content, offset).hits;
        assert_eq!(places("SHELL", 0), [5, 24]);
        assert_eq!(places("shell", 6), [24]);
        assert_eq!(places("0x00 ff", 0), [19, 21]);
        assert_eq!(places("0x53", 0), [5], "a capital S alone");
        assert!(places("never", 0).is_empty() && places("shell", 9_999).is_empty());
        for wrong in ["", "0x", "0x0", "0xzz", &"a".repeat(257)] {
            assert!(Wanted::of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn of_very_many_places_the_first_are_given_and_it_is_said_that_there_are_more() {
        let hits = Wanted::of("a").unwrap().within(&[b'a'; 1_000], 10);
        assert_eq!((hits.hits.len(), hits.hits[0], hits.more), (MOST_HITS, 10, true));
        assert!(!Wanted::of("a").unwrap().within(&[b'a'; 100], 0).more);
    }

    proptest! {
        #[test]
        fn what_is_found_stands_there(content in prop::collection::vec(any::<u8>(), 0..300), at in 0_usize..300, length in 1_usize..9) {
            let end = (at + length).min(content.len());
            let part = content.get(at.min(end)..end).unwrap_or_default().to_vec();
            prop_assume!(!part.is_empty());
            let found = Wanted::of(&format!("0x{}", hex(&part))).unwrap().within(&content, 0);
            prop_assert!(found.hits.contains(&at) || found.more);
            for hit in found.hits {
                prop_assert_eq!(&content[hit..hit + part.len()], part.as_slice());
            }
        }

        #[test]
        fn no_search_text_panics(text in ".{0,60}", content in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(wanted) = Wanted::of(&text) {
                let _ = wanted.within(&content, 3);
            }
        }
    }
}
