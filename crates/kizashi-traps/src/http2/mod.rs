//! HTTP/2 for the web trap (RFC 9113, with HPACK, RFC 7541): the same requests, answers and rules as over HTTP/1.1, in frames. It is written
//! out here because a library's server would answer as that library does: what a server resets, what it answers with a page and in which words
//! it says goodbye tells nginx from Apache httpd. It stands where the pretended server would have it: on TLS after ALPN, and on plain ports
//! where httpd has Debian's `http2` module, which speaks `h2c` with prior knowledge and by upgrade; nginx has neither.

mod connection;
mod dialect;
mod fingerprint;
mod frame;
mod guard;
mod hpack;
mod message;
mod session;
#[cfg(test)]
mod tests;

pub(crate) use connection::PREFACE;
pub(crate) use session::Http2Session;

/// See [`crate::fuzz::http2_wire`].
pub(crate) fn fuzz(bytes: &[u8]) {
    let mut reader = frame::FrameReader::new(16 * 1024);
    for piece in bytes.chunks(7) {
        reader.push(piece);
        while let Ok(Some(_)) = reader.next() {}
    }
    let mut decoder = hpack::Decoder::new();
    for block in bytes.split(|byte| *byte == 0) {
        let bounds = hpack::Bounds { text: 8 * 1024, all: 32 * 1024, fields: 1000 };
        if let Ok(block) = decoder.block(block, bounds) {
            for dialect in [dialect::Dialect::Nginx, dialect::Dialect::Nghttp2] {
                let _ = message::judge(dialect, &block.fields);
            }
        }
    }
}
