//! Requests to go on in another protocol (RFC 9110, 7.8), as httpd believes them: the field, the connection's word for it, and no body.

use super::basic::decode_base64;
use super::grammar::{Framing, Version, values};
use super::wire::Head;

/// The settings of a client that asks for HTTP/2 (RFC 7540, 3.2.1): exactly one field of them, named among the connection's.
pub(super) fn h2c(head: &Head) -> Option<Vec<u8>> {
    let headers = &head.request.headers;
    let mut settings = values(headers, "http2-settings");
    let (Some(text), None) = (settings.next(), settings.next()) else { return None };
    let asks = asks_for(head, "h2c") && has_token(head, "connection", "http2-settings");
    if !asks || head.framing != Framing::None || head.version != Version::ONE_ONE {
        return None;
    }
    decode_base64(text.as_bytes()).filter(|payload| payload.len() % 6 == 0)
}

/// Whether the request asks to go on in this protocol.
pub(super) fn asks_for(head: &Head, protocol: &str) -> bool {
    has_token(head, "upgrade", protocol) && has_token(head, "connection", "upgrade")
}

fn has_token(head: &Head, name: &str, token: &str) -> bool {
    values(&head.request.headers, name)
        .flat_map(|value| value.split(','))
        .any(|word| word.trim().eq_ignore_ascii_case(token))
}
