//! One visit: messages between two marks, each acknowledged.

use std::sync::Arc;

use kizashi_event::Timestamp;

use crate::capture::Capture;
use crate::datagram::note;
use crate::framed::{self, Frame, Framed, Messages, Next};
use crate::{Identity, Output, Session, Visit};

/// Begin and end of a message (MLLP release 1).
const BEGIN: u8 = 0x0b;
const END: &[u8] = b"\x1c\r";
/// Bytes of a field that are sent back or told.
const LONGEST_FIELD: usize = 64;

pub(super) fn begin(_identity: &Arc<Identity>, _visit: Visit) -> Box<dyn Session> {
    Framed::begin(Engine)
}

struct Engine;

/// The fields of a message's first segment; the first is the separator's own.
fn fields(message: &[u8]) -> Option<Vec<&[u8]>> {
    let segment = message.split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
    let (separator, rest) = segment.strip_prefix(b"MSH")?.split_first()?;
    let fields = rest.split(|byte| byte == separator).take(16);
    Some(fields.map(|field| field.get(..LONGEST_FIELD).unwrap_or(field)).collect())
}

/// `20261129091122.123` of a time.
fn stamp(now: Timestamp) -> String {
    let text = now.rfc3339();
    text.chars().filter(char::is_ascii_digit).take(14).collect::<String>() + ".000"
}

fn acknowledgement(fields: Option<&[&[u8]]>, now: Timestamp) -> Vec<u8> {
    let field = |at: usize| {
        let field = fields.and_then(|fields| fields.get(at)).copied().unwrap_or_default();
        String::from_utf8_lossy(field).into_owned()
    };
    let stamp = stamp(now);
    let (code, number) = if fields.is_some() { ("AA", field(8)) } else { ("AR", String::new()) };
    let event = field(7).split_once('^').map_or_else(String::new, |(_, event)| format!("^{event}"));
    let version =
        if fields.is_some() && !field(10).is_empty() { field(10) } else { "2.5".to_owned() };
    let head = [
        "MSH".to_owned(),
        "^~\\&".to_owned(),
        field(3),
        field(4),
        field(1),
        field(2),
        stamp.clone(),
        String::new(),
        format!("ACK{event}"),
        stamp,
        "P".to_owned(),
        version,
    ];
    format!("\x0b{}\rMSA|{code}|{number}\r\x1c\r", head.join("|")).into_bytes()
}

impl Messages for Engine {
    const LONGEST: usize = 64 * 1024;

    fn frame(&self, held: &[u8]) -> Frame {
        if held[0] != BEGIN {
            return Frame::Foreign;
        }
        let end = held.windows(END.len()).position(|window| window == END);
        end.map_or(Frame::More, |end| Frame::Whole(end + END.len()))
    }

    fn message(&mut self, message: &[u8], now: Timestamp, out: &mut Output) -> Next {
        let content = message.strip_prefix(&[BEGIN]).unwrap_or(message);
        let content = content.strip_suffix(END).unwrap_or(content);
        let fields = fields(content);
        if let Some(fields) = &fields {
            let field = |at: usize| {
                String::from_utf8_lossy(fields.get(at).copied().unwrap_or_default()).into_owned()
            };
            let (sender, receiver) = (field(1), field(3));
            note(
                out,
                "hl7 message",
                format!("{} {} from {sender} to {receiver}", field(7), field(8)),
            );
        }
        framed::keep(Capture::of(content), out);
        out.reply(&acknowledgement(fields.as_deref(), now));
        Next::Go
    }

    fn foreign(&mut self, _out: &mut Output) {}
}
