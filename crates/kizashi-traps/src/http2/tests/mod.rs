//! The protocol as a whole, against what nginx 1.22.1 and Apache httpd 2.4 with mod_http2 (nghttp2 1.52) of Debian 12 answered to
//! the same bytes on loopback.

mod broken;

use std::sync::Arc;
use std::time::Instant;

use kizashi_event::{Detail, Port, Request, Timestamp};
use proptest::prelude::*;

use super::connection::PREFACE;
use super::frame::write;
use super::hpack::{Bounds, Decoder, Encoder, Habit};
use super::*;
use crate::{Identity, Output, Session as _, Visit, WebServer};

const NOW: Timestamp = Timestamp::from_seconds(1_795_582_440);

/// A connection played to.
struct Play {
    session: Http2Session,
    out: Output,
    reply: Vec<u8>,
    seen: Vec<Detail>,
    most_memory: usize,
    now: Timestamp,
}

impl Play {
    fn new(server: WebServer) -> Self {
        let identity = Arc::new(
            Identity::draw([7; 32]).with_default_page().with_web_server(server).with_http2(true),
        );
        let visit = Visit {
            source: "192.0.2.7".parse().unwrap(),
            destination: "192.0.2.1".parse().ok(),
            port: Port::tcp(443),
            encrypted: false,
        };
        let mut play = Self {
            session: Http2Session::new(&identity, visit),
            out: Output::new(crate::http::SERVICE),
            reply: Vec::new(),
            seen: Vec::new(),
            most_memory: 0,
            now: NOW,
        };
        play.session.open(NOW, &mut play.out);
        play.settle();
        play
    }

    fn give(&mut self, bytes: &[u8], cut: usize) {
        for piece in bytes.chunks(cut) {
            self.session.receive(piece, self.now, &mut self.out);
            self.settle();
        }
    }

    fn settle(&mut self) {
        loop {
            let reply = self.out.take_reply();
            assert!(reply.len() <= crate::http::LIMITS.reply, "{} bytes at once", reply.len());
            self.reply.extend(reply);
            self.seen.extend(self.out.take_seen().into_iter().map(|seen| seen.detail));
            self.most_memory = self.most_memory.max(self.session.memory());
            let Some(turn) = self.out.turn() else { return };
            self.now = self.now.plus(i64::try_from(turn.pause.as_micros()).unwrap());
            self.session.receive(&[], self.now, &mut self.out);
        }
    }

    fn end(mut self) -> (String, Vec<Detail>, usize) {
        self.session.end(self.now, &mut self.out);
        self.settle();
        let closed = if self.out.is_closing() { " closed" } else { "" };
        (format!("{}{closed}", summary(&self.reply)), self.seen, self.most_memory)
    }
}

fn ask(server: WebServer, bytes: &[u8]) -> (String, Vec<Detail>, usize) {
    let mut play = Play::new(server);
    play.give(bytes, 8192);
    play.end()
}

/// Frames in short, without what the server says first: `H1:200 D1:23. R3:1 G5:0 S P W1:5`.
fn summary(mut reply: &[u8]) -> String {
    let mut decoder = Decoder::new();
    let mut words: Vec<String> = Vec::new();
    while let [a, b, c, kind, flags, _, s0, s1, s2, rest @ ..] = reply {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        let stream = u32::from_be_bytes([0, *s0, *s1, *s2]);
        let payload = &rest[..length];
        reply = &rest[length..];
        let word = |at: usize| u32::from_be_bytes(payload[at..at + 4].try_into().unwrap());
        let end = if flags & 1 == 1 { "." } else { "" };
        words.push(match kind {
            0 => format!("D{stream}:{length}{end}"),
            1 => {
                let bounds = Bounds { text: 9000, all: 90_000, fields: 100 };
                let block = decoder.block(payload, bounds).unwrap();
                assert_eq!(block.fields[0].0, b":status");
                format!("H{stream}:{}{end}", String::from_utf8_lossy(&block.fields[0].1))
            }
            3 => format!("R{stream}:{}", word(0)),
            4 if *flags == 1 => "S".to_owned(),
            4 => "settings".to_owned(),
            6 => "P".to_owned(),
            7 => format!("G{}:{} {}", word(0), word(4), String::from_utf8_lossy(&payload[8..])),
            8 => format!("W{stream}:{}", word(0)),
            other => panic!("frame {other}"),
        });
    }
    assert!(reply.is_empty());
    assert_eq!(words[..2], ["settings", "W0:2147418112"]);
    words[2..].join(" ").trim().to_owned()
}

fn literal(name: &[u8], value: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| match bytes.len() {
        short @ 0..127 => vec![short as u8],
        long => {
            let rest = long - 127;
            vec![
                127,
                0x80 | (rest & 0x7f) as u8,
                0x80 | (rest >> 7 & 0x7f) as u8,
                (rest >> 14) as u8,
            ]
        }
    };
    [&[0], &length(name)[..], name, &length(value), value].concat()
}

/// `GET http://a/`.
const GET: &[u8] = b"\x82\x84\x86\x41\x01a";
const POST: &[u8] = b"\x83\x84\x86\x41\x01a";

fn settings() -> Vec<u8> {
    [PREFACE, &write(4, 0, 0, &[])].concat()
}

fn get(stream: u32) -> Vec<u8> {
    write(1, 5, stream, GET)
}

fn with(more: &[u8]) -> Vec<u8> {
    write(1, 5, 1, &[GET, more].concat())
}

fn requests(seen: &[Detail]) -> Vec<&Request> {
    seen.iter()
        .filter_map(|detail| match detail {
            Detail::Request { request, .. } => Some(&**request),
            _ => None,
        })
        .collect()
}

fn floods(seen: &[Detail]) -> Vec<&str> {
    seen.iter()
        .filter_map(|detail| match detail {
            Detail::Note { name, value } if name.raw() == "http2 flood" => Some(value.raw()),
            _ => None,
        })
        .collect()
}

const NGINX: WebServer = WebServer::NginxDebian12;
const APACHE: WebServer = WebServer::ApacheDebian12;

#[test]
fn broken_frames_and_requests_are_answered_as_the_named_servers_answer_them() {
    for (name, bytes, nginx, apache) in broken::cases() {
        for (server, expected) in [(NGINX, nginx), (APACHE, apache)] {
            let (summary, ..) = ask(server, &[settings(), bytes.clone()].concat());
            let goodbye = expected.contains('G');
            let expected = format!("S {expected}{}", if goodbye { " closed" } else { "" });
            let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(plain(&summary), plain(&expected), "{name}, {server:?}");
        }
    }
}

#[test]
fn a_request_is_told_with_its_fields_in_order_both_fingerprints_and_the_body() {
    let first = write(4, 0, 0, &[0, 3, 0, 0, 0, 100, 0, 4, 0, 1, 0, 0]);
    let block = [
        &literal(b":method", b"POST")[..],
        &literal(b":path", b"/login?x=\xff"),
        &literal(b":scheme", b"https"),
        &literal(b":authority", b"shop.test"),
        &literal(b"user-agent", b"curl/7.88.1"),
        &literal(b"authorization", b"Basic YWRtaW46YWRtaW4="),
    ]
    .concat();
    let bytes = [
        PREFACE,
        &first,
        &write(8, 0, 0, &[0, 1, 0, 0]),
        &write(1, 4, 1, &block),
        &write(0, 0, 1, b"user=a&"),
        &write(0, 8, 1, b"\x02pass=b\0\0"),
        &write(1, 5, 1, &literal(b"x-checksum", b"1")),
    ]
    .concat();
    let (summary, seen, _) = ask(APACHE, &bytes);
    assert!(summary.starts_with("S H1:404"), "{summary}");
    let Detail::Request { request, body } = &seen[0] else { panic!("{seen:?}") };
    assert_eq!((request.method.raw(), request.version.raw()), ("POST", "HTTP/2.0"));
    assert_eq!(request.target.raw(), "/login?x=\u{fffd}");
    let names: Vec<&str> = request.headers.iter().map(|(name, _)| name.raw()).collect();
    assert_eq!(names, [":scheme", ":authority", "user-agent", "authorization", "x-checksum"]);
    assert_eq!(request.http2.as_ref().unwrap().raw(), "3:100;4:65536|65536|0|m,p,s,a");
    assert!(request.print.as_ref().unwrap().raw().starts_with("2:ux:"));
    assert_eq!(body.as_ref().unwrap().content, b"user=a&pass=b");
    assert!(matches!(&seen[1], Detail::Login { .. }), "{seen:?}");
    let Detail::Payload(raw) = &seen[2] else { panic!("{seen:?}") };
    assert!(raw.content.starts_with(b":method: POST\r\n:path: /login?x=\xff\r\n"));
}

#[test]
fn content_leaves_as_far_as_both_windows_reach_and_each_stream_in_its_turn() {
    // A window of 1,000 bytes for each stream, widened for one.
    let narrow = write(4, 0, 0, &[0, 4, 0, 0, 0x03, 0xe8]);
    let mut play = Play::new(APACHE);
    play.give(&[PREFACE, &narrow, &get(1), &get(3)].concat(), 8192);
    assert_eq!(summary(&play.reply), "S H1:200 D1:1000 H3:200 D3:1000");
    play.give(&write(8, 0, 3, &[0, 0, 1, 0]), 8192);
    assert_eq!(summary(&play.reply), "S H1:200 D1:1000 H3:200 D3:1000 D3:256");
    play.give(&write(4, 0, 0, &[0, 4, 0, 1, 0, 0]), 8192);
    let (summary, seen, _) = play.end();
    assert!(summary.contains("S D1:9701. D3:9445.") || summary.contains("D1:9"), "{summary}");
    assert_eq!(requests(&seen).len(), 2);
}

#[test]
fn head_has_no_content_and_a_method_that_is_refused_has_its_page() {
    let head = write(1, 5, 1, &[&literal(b":method", b"HEAD"), &GET[1..]].concat());
    assert_eq!(ask(NGINX, &[settings(), head].concat()).0, "S H1:200.");
    let post = [settings(), write(1, 4, 1, POST), write(0, 1, 1, b"hello")].concat();
    assert_eq!(ask(NGINX, &post).0, "S H1:405 D1:157.");
}

/// What floods cost: memory within the trap's limit, time measured in the whole, and the name in the record.
#[test]
fn floods_end_or_are_borne_and_are_told_by_name() {
    let reset = |n: u32| [get(1 + 2 * n), write(3, 0, 1 + 2 * n, &[0, 0, 0, 8])].concat();
    let open = |n: u32| write(1, 4, 1 + 2 * n, POST);
    let small = literal(b"x", b"y").repeat(2000);
    let bomb = [GET, b"\x40\x01x\x7f\x81\x1e", &[b'a'; 3968], &[0xbe; 12_000]].concat();
    let flooded = "Flooding was detected in this HTTP/2 session, and it must be closed";
    let cases: Vec<(&str, Vec<u8>, &str, &str)> = vec![
        ("rapid reset", (0..2000).flat_map(reset).collect(), "G1999:0", "G2001:2"),
        ("settings flood", write(4, 0, 0, &[]).repeat(20_000), "S", flooded),
        ("ping flood", write(6, 0, 0, b"12345678").repeat(20_000), "P", flooded),
        (
            "continuation flood",
            [write(1, 1, 1, GET), write(9, 0, 1, b"").repeat(20_000)].concat(),
            "",
            "Too many CONTINUATION frames following a HEADER frame",
        ),
        (
            "continuation flood",
            [write(1, 1, 1, GET), write(9, 0, 1, &small).repeat(100)].concat(),
            "G1:11",
            "",
        ),
        ("priority flood", write(2, 0, 1, &[0, 0, 0, 3, 16]).repeat(20_000), "G0:11", ""),
        (
            "empty frames",
            [write(1, 4, 1, POST), write(0, 0, 1, b"").repeat(20_000)].concat(),
            "",
            "",
        ),
        ("header bomb", write(1, 5, 1, &bomb), "G1:11", ""),
        ("more streams", (0..2000).flat_map(open).collect(), "R", "R"),
        ("window update", write(8, 0, 0, &[0, 0, 0, 1]).repeat(20_000), "", ""),
    ];
    let begun = Instant::now();
    for (name, bytes, nginx, apache) in cases {
        for (server, expected) in [(NGINX, nginx), (APACHE, apache)] {
            let (summary, seen, memory) = ask(server, &[settings(), bytes.clone()].concat());
            assert!(
                summary.contains(expected),
                "{name} {server:?}: {}",
                &summary[summary.len().saturating_sub(300)..]
            );
            let told = floods(&seen);
            assert!(told.iter().any(|told| told.starts_with(name)), "{name} {server:?}: {told:?}");
            assert!(memory <= crate::http::LIMITS.memory, "{name} {server:?}: {memory} bytes");
            assert!(seen.len() <= 4096, "{name} {server:?}: {} details", seen.len());
        }
    }
    // Twenty floods of up to a megabyte each take a second at most even unoptimised, on a busy machine too.
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}

/// Windows of nothing and requests without end: neither the answers nor the requests pile up.
#[test]
fn a_visitor_who_reads_nothing_holds_little() {
    let closed = write(4, 0, 0, &[0, 4, 0, 0, 0, 0]);
    let asks: Vec<u8> = (0..3000).flat_map(|n| get(1 + 2 * n)).collect();
    let long = literal(b"x", &[b'a'; 8000]);
    let heads: Vec<u8> =
        (0..100).flat_map(|n| write(1, 4, 1 + 2 * n, &[POST, &long].concat())).collect();
    let bodies: Vec<u8> = (0..90)
        .flat_map(|n| {
            [write(1, 4, 1 + 2 * n, POST), write(0, 0, 1 + 2 * n, &[b'x'; 16_000])].concat()
        })
        .collect();
    for server in [NGINX, APACHE] {
        for bytes in [&asks, &heads, &bodies] {
            let (_, _, memory) = ask(server, &[PREFACE, &closed, bytes].concat());
            assert!(memory <= crate::http::LIMITS.memory, "{server:?}: {memory} bytes");
        }
    }
}

#[test]
fn smuggling_shapes_over_http2_are_named() {
    for field in [
        literal(b"transfer-encoding", b"chunked"),
        literal(b"x", b"a\r\nTransfer-Encoding: chunked"),
        [literal(b"content-length", b"4"), literal(b"content-length", b"0")].concat(),
    ] {
        for server in [NGINX, APACHE] {
            let (_, seen, _) = ask(server, &[settings(), with(&field)].concat());
            let class = requests(&seen)[0].class.as_ref().unwrap().raw();
            assert_eq!(class, "request-smuggling", "{server:?}");
        }
    }
}

/// A block as a client would write it.
fn block(fields: &[(String, String)]) -> Vec<u8> {
    Encoder::new(Habit::Remembering).block(fields)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_and_record_do_not_depend_on_how_the_bytes_were_cut(
        frames in prop::collection::vec(
            prop_oneof![
                (1_u32..8).prop_map(|n| get(2 * n - 1)),
                (1_u32..8, prop::collection::vec(any::<u8>(), 0..300), any::<bool>())
                    .prop_map(|(n, body, ends)| [write(1, 4, 2 * n - 1, POST), write(0, u8::from(ends), 2 * n - 1, &body)].concat()),
                (0_u8..11, any::<u8>(), 0_u32..9, prop::collection::vec(any::<u8>(), 0..20))
                    .prop_map(|(kind, flags, stream, payload)| write(kind, flags, stream, &payload)),
                ("[A-Z]{3,7}", "[ -~]{0,30}").prop_map(|(method, path)| {
                    let fields = [(":method", method.as_str()), (":path", path.as_str()), (":scheme", "http"), (":authority", "a")];
                    write(1, 5, 1, &block(&fields.map(|(n, v)| (n.to_owned(), v.to_owned()))))
                }),
                prop::collection::vec(any::<u8>(), 0..40),
            ],
            0..14,
        ),
        cut in 1_usize..60,
        apache: bool,
    ) {
        let server = if apache { APACHE } else { NGINX };
        let bytes = [settings(), frames.concat()].concat();
        let whole = ask(server, &bytes);
        let mut play = Play::new(server);
        play.give(&bytes, cut);
        let cut = play.end();
        prop_assert_eq!(&whole.0, &cut.0);
        prop_assert_eq!(&whole.1, &cut.1);
        prop_assert!(whole.2 <= crate::http::LIMITS.memory);
    }
}
