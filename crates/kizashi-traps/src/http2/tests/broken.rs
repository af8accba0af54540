//! What is sent, and what the two servers answered to it (nginx 1.22.1 `listen … http2`; Apache httpd 2.4, mod_http2, `Protocols h2c`).

use super::{GET, literal, with, write};

/// What it is, what is sent after preface and settings, what nginx answers, what httpd answers.
pub(super) type Case = (&'static str, Vec<u8>, &'static str, &'static str);

/// Broken in a request or its block.
fn broken_requests() -> Vec<Case> {
    let nginx_page = "H1:400 D1:157.";
    vec![
        ("ping", write(6, 0, 0, b"12345678"), "P", "P"),
        ("even stream", write(1, 5, 2, GET), "G0:1 ", "G0:1 request HEADERS: invalid stream_id"),
        ("upper name", with(&literal(b"X-A", b"b")), "R1:1", "R1:1"),
        ("no path", write(1, 5, 1, b"\x82\x86\x41\x01a"), nginx_page, "R1:1"),
        ("no host", write(1, 5, 1, b"\x82\x84\x86"), nginx_page, "R1:1"),
        ("connection field", with(&literal(b"connection", b"close")), "H1:200 D1:615.", "R1:1"),
        ("coding", with(&literal(b"transfer-encoding", b"chunked")), "H1:200 D1:615.", "R1:1"),
        ("unknown pseudo-field", with(&literal(b":foo", b"y")), nginx_page, "R1:1"),
        ("second path", with(b"\x84"), nginx_page, "R1:1"),
        ("line break in a value", with(&literal(b"x", b"a\r\nb")), "R1:1", "R1:1"),
        ("broken block", write(1, 5, 1, &[0xff; 6]), "G1:9 ", "G1:9"),
        ("no such index", write(1, 5, 1, b"\xfe"), "G1:9 ", "G1:9"),
        ("data on no stream", write(0, 0, 0, b"x"), "G0:1 ", "G0:1 DATA: stream_id == 0"),
        ("data before headers", write(0, 0, 1, b"x"), "", "G0:1 DATA: stream in idle"),
    ]
}

/// Broken in a frame.
fn broken_frames() -> Vec<Case> {
    let pair = |id: u16, value: u32| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
    vec![
        (
            "window of nothing",
            write(8, 0, 0, &[0; 4]),
            "G0:1 ",
            "G0:1 WINDOW_UPDATE: window_size_increment == 0",
        ),
        ("window too wide", write(8, 0, 0, &[0x7f, 255, 255, 255]), "G0:3 ", "G0:3"),
        ("short ping", write(6, 0, 0, b"1234567"), "G0:6 ", "G0:6"),
        ("settings cut", write(4, 0, 0, b"12345"), "G0:6 ", "G0:6"),
        (
            "push of 2",
            write(4, 0, 0, &pair(2, 2)),
            "G0:1 ",
            "G0:1 SETTINGS: invalid SETTINGS_ENBLE_PUSH",
        ),
        (
            "window of 2^31",
            write(4, 0, 0, &pair(4, 1 << 31)),
            "G0:3 ",
            "G0:3 SETTINGS: too large SETTINGS_INITIAL_WINDOW_SIZE",
        ),
        (
            "frames of 1",
            write(4, 0, 0, &pair(5, 1)),
            "G0:1 ",
            "G0:1 SETTINGS: invalid SETTINGS_MAX_FRAME_SIZE",
        ),
    ]
}

/// Broken in what a frame does to others.
fn sequences() -> Vec<Case> {
    let nginx_page = "H1:400 D1:157.";
    vec![
        ("goodbye", write(7, 0, 0, &[0; 8]), "", "G0:0"),
        ("push", write(5, 4, 1, &[0, 0, 0, 2]), "G0:1 ", "G0:1 PUSH_PROMISE: push disabled"),
        (
            "unknown frame",
            [write(0xfe, 0, 1, b"x"), write(6, 0, 0, b"12345678")].concat(),
            "P",
            "P",
        ),
        ("stray continuation", write(9, 4, 1, b""), "G0:1 ", "G0:1 CONTINUATION: unexpected"),
        (
            "data inside a block",
            [write(1, 1, 1, GET), write(0, 1, 1, b"")].concat(),
            "G1:1 ",
            "G1:1 unexpected non-CONTINUATION frame or stream_id is invalid",
        ),
        ("stream on itself", write(2, 0, 1, &[0, 0, 0, 1, 16]), "G0:1 ", "G0:1 depend on itself"),
        (
            "reset before headers",
            write(3, 0, 1, &[0, 0, 0, 8]),
            "",
            "G0:1 RST_STREAM: stream in idle",
        ),
        (
            "padding too long",
            write(1, 0x0d, 1, &[&[255], GET].concat()),
            "G0:1 ",
            "G0:1 HEADERS: invalid padding",
        ),
        (
            "method CONNECT",
            write(1, 5, 1, &[&literal(b":method", b"CONNECT"), &b"\x41\x01a"[..]].concat()),
            nginx_page,
            "H1:400 D1:294.",
        ),
        (
            "method get",
            write(1, 5, 1, &[&literal(b":method", b"get"), &GET[1..]].concat()),
            nginx_page,
            "H1:501 D1:270.",
        ),
    ]
}

pub(super) fn cases() -> impl Iterator<Item = Case> {
    broken_requests().into_iter().chain(broken_frames()).chain(sequences())
}
