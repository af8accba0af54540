//! SNMP's messages: version 1 (RFC 1157) and 2c (RFC 3416) with their requests, and the head of version 3 (RFC 3412, RFC 3414).

use std::fmt::Write as _;

use super::ber::{INTEGER, NULL, OBJECT, SEQUENCE, TEXT, Values, number, object, value};
use crate::hexadecimal::hexadecimal;

/// Objects of one request that are read.
const MOST_OBJECTS: usize = 64;
/// Of those, objects that are named when it is told.
const TOLD: usize = 16;

pub(super) const GET: u8 = 0xa0;
pub(super) const NEXT: u8 = 0xa1;
pub(super) const RESPONSE: u8 = 0xa2;
pub(super) const SET: u8 = 0xa3;
pub(super) const BULK: u8 = 0xa5;
pub(super) const REPORT: u8 = 0xa8;

/// A request by community.
pub(super) struct Request<'a> {
    /// 0 for version 1, 1 for 2c.
    pub(super) version: i64,
    pub(super) community: &'a [u8],
    pub(super) kind: u8,
    /// The content of the request's number.
    id: &'a [u8],
    /// Non-repeaters of a GetBulk.
    pub(super) second: i64,
    pub(super) third: i64,
    /// The list of objects as sent.
    list: &'a [u8],
    pub(super) objects: Vec<(Vec<u32>, &'a [u8])>,
}

impl<'a> Request<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut message = Values(Values(bytes).of(SEQUENCE)?);
        let version = message.integer().filter(|version| matches!(version, 0 | 1))?;
        let community = message.of(TEXT)?;
        let (kind, content) = message.any()?;
        if !matches!(kind, GET | NEXT | SET | BULK) || (version == 0 && kind == BULK) {
            return None;
        }
        let mut request = Values(content);
        let id = request.of(INTEGER).filter(|id| (1..=8).contains(&id.len()))?;
        let (second, third) = (request.integer()?, request.integer()?);
        let list = request.of(SEQUENCE)?;
        let mut objects = Vec::new();
        let mut pairs = Values(list);
        while !pairs.0.is_empty() {
            let mut pair = Values(pairs.of(SEQUENCE)?);
            let name = object(pair.of(OBJECT)?)?;
            let whole = pair.0;
            pair.any()?;
            objects.push((name, &whole[..whole.len() - pair.0.len()]));
            if objects.len() > MOST_OBJECTS {
                return None;
            }
        }
        Some(Self { version, community, kind, id, second, third, list, objects })
    }

    /// `get 1.3.6.1.2.1.1.1.0`.
    pub(super) fn text(&self) -> String {
        let verb = match self.kind {
            GET => "get",
            NEXT => "getnext",
            SET => "set",
            _ => "getbulk",
        };
        let mut text = verb.to_owned();
        for (name, value) in self.objects.iter().take(TOLD) {
            let _ = write!(text, " {}", dotted(name));
            if self.kind == SET {
                let _ = write!(text, " = {}", shown(value));
            }
        }
        if self.objects.len() > TOLD {
            let _ = write!(text, " and {} more", self.objects.len() - TOLD);
        }
        if self.kind == BULK {
            let _ = write!(text, ", {} times", self.third);
        }
        text
    }

    /// The response with these objects.
    pub(super) fn response(&self, status: i64, index: i64, list: &[u8]) -> Vec<u8> {
        let request = [
            value(INTEGER, self.id),
            number(INTEGER, status),
            number(INTEGER, index),
            value(SEQUENCE, list),
        ];
        let message = [
            number(INTEGER, self.version),
            value(TEXT, self.community),
            value(RESPONSE, &request.concat()),
        ];
        value(SEQUENCE, &message.concat())
    }

    /// The response that says which object is wrong, with what was asked (RFC 1157, 4.1.2).
    pub(super) fn error(&self, status: i64, index: usize) -> Vec<u8> {
        self.response(status, i64::try_from(index).unwrap_or(0), self.list)
    }
}

/// An object with its value, both encoded.
pub(super) fn pair(name: &[u8], content: &[u8]) -> Vec<u8> {
    value(SEQUENCE, &[name, content].concat())
}

fn dotted(arcs: &[u32]) -> String {
    let arcs: Vec<String> = arcs.iter().map(u32::to_string).collect();
    arcs.join(".")
}

/// What a Set wants to write: text, a number, or its tag and bytes.
fn shown(encoded: &[u8]) -> String {
    match Values(encoded).any() {
        Some((TEXT, text)) => String::from_utf8_lossy(&text[..text.len().min(256)]).into_owned(),
        Some((INTEGER | 0x41..=0x43, content)) => {
            super::ber::integer(content).map_or_else(String::new, |number| number.to_string())
        }
        Some((OBJECT, content)) => object(content).map_or_else(String::new, |arcs| dotted(&arcs)),
        Some((NULL, _)) | None => String::new(),
        Some((tag, content)) => format!("type {tag:#04x} of {} bytes", content.len()),
    }
}

/// The head of a message of version 3.
pub(super) struct Secured<'a> {
    /// The content of the message's number.
    pub(super) id: &'a [u8],
    pub(super) flags: u8,
    pub(super) engine: &'a [u8],
    pub(super) user: &'a [u8],
    pub(super) signature: &'a [u8],
    /// The request's number, where it is in the clear.
    pub(super) request: Option<&'a [u8]>,
}

impl<'a> Secured<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut message = Values(Values(bytes).of(SEQUENCE)?);
        if message.integer()? != 3 {
            return None;
        }
        let mut head = Values(message.of(SEQUENCE)?);
        let id = head.of(INTEGER).filter(|id| (1..=8).contains(&id.len()))?;
        head.integer()?;
        let flags = *head.of(TEXT)?.first()?;
        // The user-based security model.
        if head.integer()? != 3 {
            return None;
        }
        let mut model = Values(Values(message.of(TEXT)?).of(SEQUENCE)?);
        let engine = model.of(TEXT)?;
        let (_boots, _time) = (model.integer()?, model.integer()?);
        let (user, signature, _salt) = (model.of(TEXT)?, model.of(TEXT)?, model.of(TEXT)?);
        let request = (flags & 2 == 0).then(|| request_number(message)).flatten();
        Some(Self { id, flags, engine, user, signature, request })
    }

    /// The signature with its message in hashcat's form (mode 25000), from which the password can be guessed.
    pub(super) fn hashcat(&self, bytes: &[u8]) -> Option<String> {
        if self.flags & 1 == 0 || self.signature.len() != 12 || self.engine.is_empty() {
            return None;
        }
        let at = bytes.windows(12).position(|window| window == self.signature)?;
        let mut whole = bytes.to_vec();
        whole[at..at + 12].fill(0);
        let number = super::ber::integer(self.id)?;
        let [whole, engine, signature] = [&whole[..], self.engine, self.signature].map(hexadecimal);
        Some(format!("$SNMPv3$0${number}${whole}${engine}${signature}"))
    }

    /// The report that tells a client the engine that it must name (RFC 3414, 4): the counter of unknown engines.
    pub(super) fn report(&self, engine: &[u8], boots: (i64, i64), count: i64) -> Vec<u8> {
        const UNKNOWN_ENGINES: [u32; 11] = [1, 3, 6, 1, 6, 3, 15, 1, 1, 4, 0];
        let head = [
            value(INTEGER, self.id),
            number(INTEGER, 65_507),
            value(TEXT, &[0]),
            number(INTEGER, 3),
        ];
        let nothing = value(TEXT, &[]);
        let model = [
            value(TEXT, engine),
            number(INTEGER, boots.0),
            number(INTEGER, boots.1),
            value(TEXT, self.user),
            nothing.clone(),
            nothing.clone(),
        ];
        let counter =
            pair(&super::ber::identifier(&UNKNOWN_ENGINES), &number(super::ber::COUNTER, count));
        let report = [
            value(INTEGER, self.request.unwrap_or(&[0])),
            number(INTEGER, 0),
            number(INTEGER, 0),
            value(SEQUENCE, &counter),
        ];
        let scoped = [value(TEXT, engine), nothing, value(REPORT, &report.concat())];
        let message = [
            number(INTEGER, 3),
            value(SEQUENCE, &head.concat()),
            value(TEXT, &value(SEQUENCE, &model.concat())),
            value(SEQUENCE, &scoped.concat()),
        ];
        value(SEQUENCE, &message.concat())
    }
}

fn request_number(mut message: Values<'_>) -> Option<&[u8]> {
    let mut scoped = Values(message.of(SEQUENCE)?);
    let (_engine, _name) = (scoped.of(TEXT)?, scoped.of(TEXT)?);
    let (_, request) = scoped.any()?;
    Values(request).of(INTEGER).filter(|id| (1..=8).contains(&id.len()))
}

/// The kind of request in a message with a community, for [`crate::amplification`].
pub(crate) fn message_kind(bytes: &[u8]) -> Option<u8> {
    let mut message = Values(Values(bytes).of(SEQUENCE)?);
    let (_version, _community) = (message.integer()?, message.of(TEXT)?);
    message.any().map(|(kind, _)| kind)
}
