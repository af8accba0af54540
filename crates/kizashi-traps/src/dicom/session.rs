//! One visit: an association, then messages in pieces, each answered when it is whole.

use std::sync::Arc;

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp};

use super::message::{Command, ECHO, FIND, GET, MOVE, STORE};
use super::upper::{Association, MOST_DATA, pieces, unit};
use crate::capture::Capture;
use crate::datagram::note;
use crate::framed::{Frame, Framed, Messages, Next};
use crate::{Identity, Output, Session, Visit};

/// Kind, a byte that means nothing, length.
const HEAD: usize = 6;
/// Bytes of a command.
const LONGEST_COMMAND: usize = 2 * 1024;

const SUCCESS: u16 = 0;
const UNKNOWN_DESTINATION: u16 = 0xa801;
const UNRECOGNISED: u16 = 0x0211;

pub(super) fn begin(_identity: &Arc<Identity>, _visit: Visit) -> Box<dyn Session> {
    Framed::begin(Archive::default())
}

#[derive(Default)]
struct Archive {
    associated: bool,
    /// A command that is not whole yet.
    begun: Vec<u8>,
    /// One that waits for its data set, and what came of that.
    command: Option<Command>,
    data: Capture,
}

impl Archive {
    fn associate(&mut self, body: &[u8], out: &mut Output) {
        let Some(association) = Association::read(body) else {
            return self.abort(out);
        };
        let [calling, called] = [&association.calling, &association.called]
            .map(|name| String::from_utf8_lossy(name).into_owned());
        note(out, "dicom association", format!("from {calling} to {called}"));
        if !association.version.is_empty() {
            let version = Some(HostileText::from_bytes(&association.version));
            out.tell(Detail::Client { version, fingerprint: None, algorithms: None });
        }
        self.associated = true;
        out.reply(&association.accepted());
    }

    /// By the provider, for a unit that was not expected.
    fn abort(&mut self, out: &mut Output) {
        out.reply(&unit(7, &[0, 0, 2, 2]));
        out.close();
    }

    fn piece(&mut self, context: u8, command: bool, last: bool, bytes: &[u8], out: &mut Output) {
        if !command {
            self.data.feed(bytes);
            if last {
                self.finish(context, out);
            }
            return;
        }
        let room = LONGEST_COMMAND.saturating_sub(self.begun.len());
        self.begun.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if !last {
            return;
        }
        let Some(command) = Command::read(&std::mem::take(&mut self.begun)) else {
            return self.abort(out);
        };
        let line = [command.word().as_bytes(), &command.class, &command.instance].join(&b' ');
        out.tell(Detail::Command {
            line: HostileText::from_bytes(line.trim_ascii_end()),
            known: Some(matches!(command.field, STORE | GET | FIND | MOVE | ECHO)),
        });
        let with_data = command.with_data;
        self.command = Some(command);
        if !with_data {
            self.finish(context, out);
        }
    }

    /// A message is whole.
    fn finish(&mut self, context: u8, out: &mut Output) {
        let Some(command) = self.command.take() else { return };
        self.keep(&command, out);
        let status = match command.field {
            STORE | GET | FIND | ECHO => SUCCESS,
            MOVE => {
                out.tell(Detail::Forward {
                    host: HostileText::from_bytes(&command.destination),
                    port: 104,
                    data: None,
                });
                UNKNOWN_DESTINATION
            }
            // What is to be cancelled is over.
            0x0fff => return,
            _ => UNRECOGNISED,
        };
        let value = [&[context, 3][..], &command.answered(status)].concat();
        let length = u32::try_from(value.len()).unwrap_or(0).to_be_bytes();
        out.reply(&unit(4, &[&length[..], &value].concat()));
    }

    /// Tells the data set of a command.
    fn keep(&mut self, command: &Command, out: &mut Output) {
        let data = std::mem::take(&mut self.data);
        if data.size() == 0 {
            return;
        }
        let stored = command.field == STORE;
        let origin = if stored { PayloadOrigin::Upload } else { PayloadOrigin::Sent };
        let mut payload = data.finish(origin);
        payload.name = stored.then(|| HostileText::from_bytes(&command.instance));
        out.tell(Detail::Payload(Box::new(payload)));
    }
}

impl Messages for Archive {
    const LONGEST: usize = HEAD + MOST_DATA as usize;

    fn frame(&self, held: &[u8]) -> Frame {
        if !(1..=7).contains(&held[0]) {
            return Frame::Foreign;
        }
        let Some(&[_, zero, a, b, c, d]) = held.first_chunk::<HEAD>() else { return Frame::More };
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        if zero == 0 { Frame::Whole(HEAD.saturating_add(length)) } else { Frame::Foreign }
    }

    fn message(&mut self, message: &[u8], _now: Timestamp, out: &mut Output) -> Next {
        let body = message.get(HEAD..).unwrap_or_default();
        match message.first() {
            Some(1) if !self.associated => self.associate(body, out),
            Some(4) if self.associated => {
                for piece in pieces(body) {
                    self.piece(piece.context, piece.command, piece.last, piece.bytes, out);
                }
            }
            Some(5) if self.associated => {
                out.reply(&unit(6, &[0; 4]));
                out.close();
            }
            Some(7) => out.close(),
            _ => self.abort(out),
        }
        Next::Go
    }

    fn end(&mut self, out: &mut Output) {
        if let Some(command) = self.command.take() {
            self.keep(&command, out);
        }
    }

    fn held(&self) -> usize {
        self.begun.len() + self.data.content().len()
    }
}
