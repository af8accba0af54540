//! One connection: requests, each answered under its number.

use std::sync::Arc;

use kizashi_event::{Detail, HostileText, Timestamp};

use crate::capture::Capture;
use crate::datagram::note;
use crate::framed::{self, Frame, Framed, Messages, Next};
use crate::hexadecimal::hexadecimal;
use crate::http::decode_base64;
use crate::sip::digest::Digest;
use crate::{Identity, Output, Session, Visit};

const LONGEST: usize = 8 * 1024;
const METHODS: &str = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, PAUSE";

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    let mut randomness = identity.randomness();
    Framed::begin(Recorder {
        identity: Arc::clone(identity),
        visit,
        nonce: hexadecimal(&randomness.bytes::<16>()),
        session: randomness.below(2_000_000_000).to_string(),
        agent_told: false,
        inside: false,
    })
}

struct Recorder {
    identity: Arc<Identity>,
    visit: Visit,
    nonce: String,
    session: String,
    agent_told: bool,
    inside: bool,
}

/// The value of a header.
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    lines.find(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// Where a head ends, its empty line included.
fn head_length(bytes: &[u8]) -> Option<usize> {
    let crlf = bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4);
    let lf = bytes.windows(2).position(|window| window == b"\n\n").map(|at| at + 2);
    match (crlf, lf) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

impl Recorder {
    /// Whether the credentials are right, where there are any.
    fn log_in(&self, method: &str, authorization: &str, out: &mut Output) -> Option<bool> {
        let admits = |user: &[u8], password: &[u8]| {
            self.identity.logins().admits(self.visit.source, user, password)
        };
        let (user, password, accepted) = match authorization.split_once(' ') {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("basic") => {
                let pair = decode_base64(rest.trim().as_bytes())?;
                let at = pair.iter().position(|byte| *byte == b':')?;
                let (user, password) = (&pair[..at], &pair[at + 1..]);
                let accepted = admits(user, password);
                (HostileText::from_bytes(user), Some(HostileText::from_bytes(password)), accepted)
            }
            _ => {
                let digest = Digest::read(authorization)?;
                let [server, client] = [self.visit.destination, Some(self.visit.source)]
                    .map(|address| address.map_or_else(String::new, |address| address.to_string()));
                note(out, "hashcat 11400", digest.hashcat(method, &server, &client));
                let password = digest.password(method);
                let accepted = digest.nonce() == self.nonce
                    && password.is_some_and(|word| admits(digest.user.as_bytes(), word.as_bytes()));
                (HostileText::from(digest.user), password.map(HostileText::from), accepted)
            }
        };
        out.tell(Detail::Login { username: Some(user), password, public_key: None, accepted });
        Some(accepted)
    }

    fn description(&self, address: &str) -> String {
        let here =
            self.visit.destination.map_or_else(|| "0.0.0.0".to_owned(), |here| here.to_string());
        let address = address.trim_end_matches('/');
        format!(
            "v=0\r\no=- 1109162014219182 1109162014219192 IN IP4 {here}\r\ns=Media Presentation\r\ne=NONE\r\nb=AS:5050\r\nt=0 0\r\na=control:{address}/\r\nm=video 0 RTP/AVP 96\r\nb=AS:5000\r\na=control:{address}/trackID=1\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 profile-level-id=420029; packetization-mode=1; sprop-parameter-sets=Z00AKpY1QPAET8s3AQEBAg==,aO48gA==\r\na=Media_header:MEDIAINFO=494D4B48010100000400010000000000000000000000000000000000000000000000000000000000;\r\na=appversion:1.0\r\n"
        )
    }

    /// Status and what goes with it.
    fn answer(
        &mut self,
        method: &str,
        address: &str,
        head: &str,
        out: &mut Output,
    ) -> (&'static str, String) {
        if method == "OPTIONS" {
            return ("200 OK", format!("Public: {METHODS}\r\n\r\n"));
        }
        let known =
            ["DESCRIBE", "SETUP", "PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER", "SET_PARAMETER"];
        if !known.contains(&method) {
            return ("405 Method Not Allowed", format!("Allow: {METHODS}\r\n\r\n"));
        }
        let accepted = header(head, "authorization")
            .is_some_and(|authorization| self.log_in(method, authorization, out) == Some(true));
        self.inside |= accepted;
        if !self.inside {
            let nonce = &self.nonce;
            return (
                "401 Unauthorized",
                format!(
                    "WWW-Authenticate: Digest realm=\"Hikvision\", nonce=\"{nonce}\", stale=\"FALSE\"\r\nWWW-Authenticate: Basic realm=\"/\"\r\n\r\n"
                ),
            );
        }
        let session = &self.session;
        let more = match method {
            "DESCRIBE" => {
                let text = self.description(address);
                format!(
                    "Content-Type: application/sdp\r\nContent-Base: {address}/\r\nContent-Length: {}\r\n\r\n{text}",
                    text.len()
                )
            }
            "SETUP" => {
                let transport = header(head, "transport").unwrap_or("RTP/AVP/TCP;unicast");
                let transport: String =
                    transport.chars().filter(|c| c.is_ascii_graphic()).take(128).collect();
                format!(
                    "Session: {session};timeout=60\r\nTransport: {transport};ssrc=4d1e09f3;mode=\"play\"\r\n\r\n"
                )
            }
            _ => format!("Session: {session}\r\n\r\n"),
        };
        ("200 OK", more)
    }
}

impl Messages for Recorder {
    const LONGEST: usize = LONGEST;

    fn frame(&self, held: &[u8]) -> Frame {
        let Some(end) = head_length(held) else { return Frame::More };
        let head = String::from_utf8_lossy(&held[..end]);
        let body = header(&head, "content-length").and_then(|length| length.parse::<usize>().ok());
        Frame::Whole(end.saturating_add(body.unwrap_or(0)))
    }

    fn message(&mut self, message: &[u8], _now: Timestamp, out: &mut Output) -> Next {
        let end = head_length(message).unwrap_or(message.len());
        let head = String::from_utf8_lossy(&message[..end]).into_owned();
        let mut words = head.lines().next().unwrap_or_default().split_whitespace();
        let (method, address, version) =
            (words.next().unwrap_or_default(), words.next().unwrap_or_default(), words.next());
        note(out, "rtsp request", format!("{method} {address}"));
        if let Some(agent) = header(&head, "user-agent").filter(|_| !self.agent_told) {
            self.agent_told = true;
            let version = Some(HostileText::from(agent));
            out.tell(Detail::Client { version, fingerprint: None, algorithms: None });
        }
        framed::keep(Capture::of(&message[end..]), out);
        if !version.is_some_and(|version| version.starts_with("RTSP/")) {
            out.reply(b"RTSP/1.0 400 Bad Request\r\n\r\n");
            out.close();
            return Next::Go;
        }
        let number = header(&head, "cseq").map_or_else(String::new, |number| {
            let number: String = number.chars().filter(char::is_ascii_digit).take(10).collect();
            format!("CSeq: {number}\r\n")
        });
        let address = address.get(..512).unwrap_or(address).to_owned();
        let (status, more) = self.answer(method, &address, &head, out);
        out.reply(format!("RTSP/1.0 {status}\r\n{number}{more}").as_bytes());
        if method == "TEARDOWN" && self.inside {
            out.close();
        }
        Next::Go
    }
}
