//! Answers made small for the way (gzip, RFC 1952): the page's files once, the first time that they are asked for, and longer JSON each time.
//! A browser on a phone then fetches a quarter. Nothing secret stands in an answer beside what somebody else chose and could learn by its length
//! (BREACH): the token is in the cookie alone.

use std::io::Write as _;

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::Request;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;

/// JSON below this is one packet anyway.
const SHORTEST: u64 = 1_200;
/// The longest JSON that is made small, in bytes; no answer of ours is as long.
const LONGEST: u64 = 32 << 20;

/// Whether the browser takes gzip.
pub(crate) fn is_welcome(headers: &HeaderMap) -> bool {
    let offers = |value: &HeaderValue| {
        value.to_str().is_ok_and(|text| {
            text.split(',').map(str::trim).any(|offer| {
                let (name, quality) = offer.split_once(';').unwrap_or((offer, ""));
                let refused = quality.trim().strip_prefix("q=").and_then(|q| q.parse().ok());
                name.trim().eq_ignore_ascii_case("gzip") && refused != Some(0.0_f32)
            })
        })
    };
    headers.get_all(header::ACCEPT_ENCODING).iter().any(offers)
}

/// The content as gzip.
pub(crate) fn gzip(content: &[u8], level: Compression) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(content.len() / 3), level);
    // Into memory nothing can fail.
    let _ = encoder.write_all(content);
    encoder.finish().unwrap_or_default()
}

/// Makes longer JSON small where the browser takes that; the live feed goes on as it is.
pub(crate) async fn answers(request: Request, next: Next) -> Response {
    let welcome = is_welcome(request.headers());
    let mut response = next.run(request).await;
    let is_json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if !is_json {
        return response;
    }
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    let length = response.body().size_hint().exact();
    if !welcome || !length.is_some_and(|length| (SHORTEST..LONGEST).contains(&length)) {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let Ok(content) = to_bytes(body, LONGEST as usize).await else {
        return Response::from_parts(head, Body::empty());
    };
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Response::from_parts(head, Body::from(gzip(&content, Compression::fast())))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn gzip_is_taken_by_whoever_offers_it_and_by_nobody_else() {
        let welcome = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_str(text).unwrap());
            is_welcome(&headers)
        };
        assert!(welcome("gzip") && welcome("br, GZIP;q=0.5") && welcome("deflate, gzip, zstd"));
        assert!(!welcome("br") && !welcome("gzip;q=0") && !welcome("") && !welcome("xgzip"));
        assert!(!is_welcome(&HeaderMap::new()));
    }

    #[test]
    fn what_is_made_small_is_itself_again() {
        let content = b"{\"rows\":[1,2,3]}".repeat(500);
        let small = gzip(&content, Compression::best());
        let mut whole = Vec::new();
        flate2::read::GzDecoder::new(small.as_slice()).read_to_end(&mut whole).unwrap();
        assert!(whole == content && small.len() < content.len() / 10);
    }
}
