//! One entry for what a stranger's request is read by before anyone is signed in, as a fuzzer wants it: any input, no panic.

use axum::extract::Query;
use axum::http::{HeaderMap, HeaderValue, Uri, header};

use crate::query::{MOST_ROWS, Parameters};
use crate::{Access, BinLength, Token};

/// Reads the bytes as a request's target, its host and its cookies.
pub fn request(bytes: &[u8]) {
    if let Ok(uri) = Uri::try_from(bytes) {
        crate::access::fuzz_uri(&uri);
        if let Ok(Query(parameters)) = Query::<Parameters>::try_from_uri(&uri) {
            let _ = (parameters.kind(), parameters.key(), parameters.bin(), parameters.span());
            let _ = parameters.span_of(BinLength::Hour);
            assert!(parameters.limit(1, MOST_ROWS).unwrap_or(1) <= MOST_ROWS);
        }
    }
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(bytes) {
        headers.append(header::HOST, value.clone());
        headers.append(header::COOKIE, value);
    }
    let signed_in =
        crate::access::fuzz_headers(&Access::from(Token::from_random([7; 24])), &headers);
    assert!(!signed_in || bytes.windows(48).any(|part| part == "07".repeat(24).as_bytes()));
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Token::parse(text);
    }
}
