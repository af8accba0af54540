//! Messages of MongoDB's wire protocol: OP_MSG, and the older kinds that scanners still send. What is longer than [`LONGEST`] is hashed and
//! dropped.

use std::io::Read as _;

use kizashi_event::{Payload, PayloadOrigin};

use super::bson::{self, Document, Value};
use crate::capture::Capture;

/// Bytes of one message that are held, and of one that was packed.
pub(super) const LONGEST: usize = 96 * 1024;
/// `MaxMessageSizeBytes`.
const LONGEST_TRUE: usize = 48_000_000;
const HEAD: usize = 16;
/// Documents of one message.
const DOCUMENTS: usize = 1_000;

const REPLY: u32 = 1;
const UPDATE: u32 = 2_001;
const INSERT: u32 = 2_002;
const QUERY: u32 = 2_004;
const GET_MORE: u32 = 2_005;
const DELETE: u32 = 2_006;
const KILL_CURSORS: u32 = 2_007;
const COMPRESSED: u32 = 2_012;
const MESSAGE: u32 = 2_013;
/// A flag of OP_MSG.
const MORE_TO_COME: u32 = 2;

/// What a message asks, whatever its kind.
#[derive(Debug, PartialEq)]
pub(super) struct Request {
    pub(super) number: u32,
    pub(super) manner: Manner,
    pub(super) database: Vec<u8>,
    pub(super) command: Document,
}

/// How it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    Message,
    /// By OP_MSG, and further answers may follow it unasked.
    Exhaust,
    /// An answer that another follows.
    MoreToCome,
    /// By OP_REPLY.
    Reply,
    /// OP_REPLY with the documents of the cursor.
    Documents,
    Silent,
    /// The same, of one of the older messages.
    OldSilent,
}

pub(super) enum Incoming {
    More,
    Request(Box<Request>),
    TooLong(Box<Payload>),
    /// An HTTP request.
    Http,
    /// Nothing that MongoDB would read on after.
    Broken(Vec<u8>),
}

#[derive(Default)]
pub(super) struct Reader {
    buffer: Vec<u8>,
    long: Option<(usize, Capture)>,
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.first_chunk().map(|four| u32::from_le_bytes(*four))
}

impl Reader {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    pub(super) fn next(&mut self) -> Incoming {
        if self.long.is_some() {
            return self.swallow();
        }
        if self.buffer.starts_with(b"GET ") {
            return Incoming::Http;
        }
        let Some(length) = number(&self.buffer, 0).filter(|_| self.buffer.len() >= HEAD) else {
            return Incoming::More;
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if !(HEAD..=LONGEST_TRUE).contains(&length) {
            return Incoming::Broken(std::mem::take(&mut self.buffer));
        }
        if length > LONGEST {
            self.long = Some((length, Capture::default()));
            return self.swallow();
        }
        if self.buffer.len() < length {
            return Incoming::More;
        }
        let rest = self.buffer.split_off(length);
        let message = std::mem::replace(&mut self.buffer, rest);
        match request(&message) {
            Some(request) => Incoming::Request(Box::new(request)),
            None => Incoming::Broken(message),
        }
    }

    fn swallow(&mut self) -> Incoming {
        let Some((mut left, mut capture)) = self.long.take() else { return Incoming::More };
        let count = left.min(self.buffer.len());
        capture.feed(&self.buffer[..count]);
        self.buffer.drain(..count);
        left -= count;
        if left == 0 {
            return Incoming::TooLong(Box::new(capture.finish(PayloadOrigin::Sent)));
        }
        self.long = Some((left, capture));
        Incoming::More
    }

    pub(super) fn buffered(&self) -> &[u8] {
        &self.buffer
    }

    /// Gives away what is there, for it is no message.
    pub(super) fn take_buffer(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    /// What is no whole message.
    pub(super) fn drain_into(&mut self, capture: &mut Capture) {
        if let Some((_, long)) = self.long.take() {
            capture.feed(long.content());
        }
        capture.feed(&std::mem::take(&mut self.buffer));
    }

    pub(super) fn memory(&self) -> usize {
        self.buffer.len() + self.long.as_ref().map_or(0, |(_, capture)| capture.content().len())
    }
}

/// Reads a whole message.
pub(super) fn request(message: &[u8]) -> Option<Request> {
    let (asked, kind) = (number(message, 4)?, number(message, 12)?);
    let content = message.get(HEAD..)?;
    if kind != COMPRESSED {
        return of_kind(asked, kind, content);
    }
    let (kind, packed) = (number(content, 0)?, content.get(9..)?);
    let unpacked = match content.get(8)? {
        0 => packed.to_vec(),
        2 => {
            let mut unpacked = Vec::new();
            let most = u64::try_from(LONGEST).unwrap_or(u64::MAX);
            flate2::read::ZlibDecoder::new(packed).take(most).read_to_end(&mut unpacked).ok()?;
            unpacked
        }
        _ => return None,
    };
    (kind != COMPRESSED).then(|| of_kind(asked, kind, &unpacked))?
}

fn of_kind(number: u32, kind: u32, content: &[u8]) -> Option<Request> {
    match kind {
        MESSAGE => message(number, content),
        QUERY => query(number, content),
        INSERT => {
            let (database, collection, rest) = name(content.get(4..)?)?;
            let (documents, _) = documents(rest)?;
            let command = vec![
                (b"insert".to_vec(), Value::Text(collection)),
                (b"documents".to_vec(), documents),
            ];
            Some(Request { number, manner: Manner::OldSilent, database, command })
        }
        DELETE => {
            let (database, collection, rest) = name(content.get(4..)?)?;
            let (filter, _) = bson::read(rest.get(4..)?)?;
            let one = bson::document([("q", Value::Document(filter)), ("limit", Value::Int(0))]);
            let command = vec![
                (b"delete".to_vec(), Value::Text(collection)),
                (b"deletes".to_vec(), Value::Array(vec![Value::Document(one)])),
            ];
            Some(Request { number, manner: Manner::OldSilent, database, command })
        }
        UPDATE => {
            let (database, collection, rest) = name(content.get(4..)?)?;
            let (filter, rest) = bson::read(rest.get(4..)?)?;
            let (change, _) = bson::read(rest)?;
            let one =
                bson::document([("q", Value::Document(filter)), ("u", Value::Document(change))]);
            let command = vec![
                (b"update".to_vec(), Value::Text(collection)),
                (b"updates".to_vec(), Value::Array(vec![Value::Document(one)])),
            ];
            Some(Request { number, manner: Manner::OldSilent, database, command })
        }
        GET_MORE => {
            let (database, collection, rest) = name(content.get(4..)?)?;
            let cursor = i64::from_le_bytes(*rest.get(4..)?.first_chunk()?);
            let command = vec![
                (b"getMore".to_vec(), Value::Long(cursor)),
                (b"collection".to_vec(), Value::Text(collection)),
            ];
            Some(Request { number, manner: Manner::Documents, database, command })
        }
        KILL_CURSORS => {
            let command = bson::document([
                ("killCursors", Value::text("")),
                ("cursors", Value::Array(Vec::new())),
            ]);
            Some(Request { number, manner: Manner::OldSilent, database: Vec::new(), command })
        }
        _ => None,
    }
}

/// `database.collection`, and what follows.
fn name(content: &[u8]) -> Option<(Vec<u8>, Vec<u8>, &[u8])> {
    let end = content.iter().position(|byte| *byte == 0)?;
    let (name, rest) = content.split_at(end);
    let dot = name.iter().position(|byte| *byte == b'.')?;
    Some((name[..dot].to_vec(), name[dot + 1..].to_vec(), &rest[1..]))
}

fn documents(mut content: &[u8]) -> Option<(Value, &[u8])> {
    let mut found = Vec::new();
    while !content.is_empty() && found.len() < DOCUMENTS {
        let (document, rest) = bson::read(content)?;
        found.push(Value::Document(document));
        content = rest;
    }
    Some((Value::Array(found), content))
}

fn query(number: u32, content: &[u8]) -> Option<Request> {
    let (database, collection, rest) = name(content.get(4..)?)?;
    let limit = self::number(rest, 4)?;
    let (given, _) = bson::read(rest.get(8..)?)?;
    let wrapped = bson::field(&given, "$query").or_else(|| bson::field(&given, "query"));
    let plain = wrapped.and_then(Value::as_document).cloned().unwrap_or_else(|| given.clone());
    if collection == b"$cmd" {
        return Some(Request { number, manner: Manner::Reply, database, command: plain });
    }
    let limit = i64::from(limit.cast_signed()).unsigned_abs().min(1_000);
    let limit = i32::try_from(limit).unwrap_or(0);
    let command = bson::document([
        ("find", Value::Text(collection)),
        ("filter", Value::Document(plain)),
        ("limit", Value::Int(limit)),
    ]);
    Some(Request { number, manner: Manner::Documents, database, command })
}

fn message(number: u32, content: &[u8]) -> Option<Request> {
    const CHECKSUM: u32 = 1;
    const EXHAUST_ALLOWED: u32 = 1 << 16;
    let flags = self::number(content, 0)?;
    let end = if flags & CHECKSUM != 0 { content.len().checked_sub(4)? } else { content.len() };
    let mut rest = content.get(4..end)?;
    let (mut command, mut sequences) = (None, Document::new());
    while let Some((kind, after)) = rest.split_first() {
        if *kind == 0 {
            let (document, after) = bson::read(after)?;
            command = Some(document);
            rest = after;
            continue;
        }
        let size = usize::try_from(self::number(after, 0)?).ok()?;
        let (section, after) = after.split_at_checked(size)?;
        let end = section.get(4..)?.iter().position(|byte| *byte == 0)? + 4;
        let (documents, _) = documents(&section[end + 1..])?;
        sequences.push((section[4..end].to_vec(), documents));
        rest = after;
    }
    let mut command = command?;
    command.extend(sequences);
    let database =
        bson::field(&command, "$db").and_then(Value::as_text).unwrap_or(b"admin").to_vec();
    let manner = match flags & (MORE_TO_COME | EXHAUST_ALLOWED) {
        0 => Manner::Message,
        EXHAUST_ALLOWED => Manner::Exhaust,
        _ => Manner::Silent,
    };
    Some(Request { number, manner, database, command })
}

/// An answer as it is sent.
pub(super) fn reply(manner: Manner, number: u32, own: u32, document: &Document) -> Vec<u8> {
    let head = |kind: u32, content: &[u8]| {
        let length = u32::try_from(content.len() + HEAD).unwrap_or(u32::MAX);
        let numbers = [length, own, number, kind].map(u32::to_le_bytes);
        [&numbers.concat()[..], content].concat()
    };
    let old = |cursor: i64, documents: &[Value]| {
        let mut content = 8_u32.to_le_bytes().to_vec();
        content.extend(cursor.to_le_bytes());
        content.extend(0_u32.to_le_bytes());
        content.extend(u32::try_from(documents.len()).unwrap_or(0).to_le_bytes());
        for document in documents.iter().filter_map(Value::as_document) {
            content.extend(bson::write(document));
        }
        head(REPLY, &content)
    };
    let message = |flags: u32| {
        head(MESSAGE, &[&flags.to_le_bytes()[..], &[0], &bson::write(document)].concat())
    };
    match manner {
        Manner::Silent | Manner::OldSilent => Vec::new(),
        Manner::Message | Manner::Exhaust => message(0),
        Manner::MoreToCome => message(MORE_TO_COME),
        Manner::Reply => old(0, &[Value::Document(document.clone())]),
        Manner::Documents => {
            let cursor = bson::field(document, "cursor").and_then(Value::as_document);
            let batch = cursor.and_then(|cursor| {
                bson::field(cursor, "firstBatch")
                    .or_else(|| bson::field(cursor, "nextBatch"))
                    .and_then(Value::as_array)
            });
            let id = cursor.and_then(|cursor| bson::field(cursor, "id")).and_then(Value::whole);
            old(id.unwrap_or(0), batch.unwrap_or_default())
        }
    }
}
