//! Commands: each is given the visitor's copy and answers with a document.

mod about;
mod data;
mod queries;

pub(super) use about::client_of;

use std::collections::VecDeque;
use std::sync::Arc;

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp};

use super::bson::{Document, Value, document, field, show};
use super::release::Release;
use super::store::OwnCopy;
use super::wire::Manner;
use crate::capture::Capture;
use crate::{Identity, Output, Visit};

/// Cursors of one connection, and bytes of documents in them.
pub(super) const CURSORS: usize = 8;
pub(super) const CURSOR_BYTES: usize = 64 * 1024;

/// Documents that a cursor has still to give.
pub(super) struct Cursor {
    pub(super) id: i64,
    pub(super) name: Vec<u8>,
    pub(super) left: VecDeque<Document>,
    pub(super) bytes: usize,
}

/// What a connection is to its commands.
#[derive(Default)]
pub(super) struct Connection {
    pub(super) number: i32,
    pub(super) user: Option<Vec<u8>>,
    pub(super) cursors: Vec<Cursor>,
    pub(super) last_cursor: i64,
}

/// All that a command may see and change.
pub(super) struct Scene<'a> {
    pub(super) identity: &'a Arc<Identity>,
    pub(super) visit: Visit,
    pub(super) copy: &'a mut OwnCopy,
    pub(super) connection: &'a mut Connection,
    pub(super) now: Timestamp,
    pub(super) out: &'a mut Output,
    pub(super) database: &'a [u8],
    pub(super) command: &'a Document,
}

/// A failure with its number and name.
#[derive(Clone, Debug)]
pub(super) struct Failure(pub(super) i32, pub(super) &'static str, pub(super) Vec<u8>);

impl Failure {
    pub(super) fn new(code: i32, name: &'static str, message: impl Into<Vec<u8>>) -> Self {
        Self(code, name, message.into())
    }

    pub(super) fn document(&self) -> Document {
        document([
            ("ok", Value::Double(0.0)),
            ("errmsg", Value::Text(self.2.clone())),
            ("code", Value::Int(self.0)),
            ("codeName", Value::text(self.1)),
        ])
    }
}

pub(super) type Answer = Result<Document, Failure>;

impl Scene<'_> {
    pub(super) fn class(&mut self, class: &str) {
        let (name, value) = (HostileText::from("mongodb class"), HostileText::from(class));
        self.out.tell(Detail::Note { name, value });
    }

    pub(super) fn release(&self) -> Release {
        Release::of(self.identity)
    }

    /// A field of the command.
    pub(super) fn argument(&self, name: &str) -> Option<&Value> {
        field(self.command, name)
    }

    pub(super) fn document_of(&self, name: &str) -> Document {
        self.argument(name).and_then(Value::as_document).cloned().unwrap_or_default()
    }

    /// The collection that the command's first field names.
    pub(super) fn collection(&self) -> Result<Vec<u8>, Failure> {
        let name = self.command.first().and_then(|(_, value)| value.as_text());
        name.filter(|name| !name.is_empty()).map(<[u8]>::to_vec).ok_or_else(|| {
            let verb = self
                .command
                .first()
                .map(|(verb, _)| String::from_utf8_lossy(verb).into_owned())
                .unwrap_or_default();
            Failure::new(
                73,
                "InvalidNamespace",
                format!("collection name has invalid type for {verb}"),
            )
        })
    }

    /// `database.collection`.
    pub(super) fn namespace(&self, collection: &[u8]) -> Vec<u8> {
        [self.database, b".", collection].concat()
    }

    /// What a visitor writes: a demand for money is told as one.
    pub(super) fn look(&mut self, written: &Document) {
        const LONG: usize = 1_024;
        let text = show(written);
        let ransom = crate::redis::is_ransom(text.as_bytes());
        if ransom {
            self.class("ransom note");
        }
        if ransom || text.len() >= LONG {
            let payload = Capture::of(text.as_bytes()).finish(PayloadOrigin::Sent);
            self.out.tell(Detail::Payload(Box::new(payload)));
        }
    }
}

/// Adds what every answer ends with.
pub(super) fn fine(mut answer: Document) -> Document {
    answer.push((b"ok".to_vec(), Value::Double(1.0)));
    answer
}

/// Commands that are answered before a login.
pub(super) const BEFORE_LOGIN: [&[u8]; 12] = [
    b"hello",
    b"ismaster",
    b"isMaster",
    b"buildInfo",
    b"buildinfo",
    b"ping",
    b"saslStart",
    b"saslContinue",
    b"logout",
    b"whatsmyuri",
    b"getnonce",
    b"connectionStatus",
];

/// Commands that OP_QUERY is still good for since 5.1 (`check_allowed_op_query_cmd.cpp`).
const BY_OLD_MESSAGE: [&[u8]; 9] = [
    b"hello",
    b"isMaster",
    b"ismaster",
    b"_isSelf",
    b"authenticate",
    b"buildinfo",
    b"buildInfo",
    b"saslContinue",
    b"saslStart",
];

/// What a release that has done away with the older messages says to one; `None` where it answers, or where nothing is said at all.
pub(super) fn refusal(manner: Manner, verb: &[u8]) -> Option<Document> {
    let advice = "The client driver may require an upgrade. For more details see https://dochub.mongodb.org/core/legacy-opcode-removal";
    match manner {
        Manner::Reply if !BY_OLD_MESSAGE.contains(&verb) => {
            let shown = String::from_utf8_lossy(&verb[..verb.len().min(128)]).into_owned();
            let message = format!("Unsupported OP_QUERY command: {shown}. {advice}");
            Some(Failure::new(352, "UnsupportedOpQueryCommand", message).document())
        }
        Manner::Documents => Some(document([
            ("$err", Value::text(format!("OP_QUERY is no longer supported. {advice}"))),
            ("code", Value::Int(5_739_101)),
            ("ok", Value::Double(0.0)),
        ])),
        _ => None,
    }
}

/// Answers a command that is none of the login's.
pub(super) fn carry_out(scene: &mut Scene<'_>, verb: &[u8]) -> Document {
    let answer = about::answer(scene, verb)
        .or_else(|| queries::answer(scene, verb))
        .or_else(|| data::answer(scene, verb))
        .unwrap_or_else(|| {
            let shown = String::from_utf8_lossy(&verb[..verb.len().min(128)]).into_owned();
            Err(Failure::new(59, "CommandNotFound", format!("no such command: '{shown}'")))
        });
    match answer {
        Ok(answer) => fine(answer),
        Err(failure) => failure.document(),
    }
}
