//! Commands of one who was let in, and how each is answered.

use std::time::Duration;

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp};

use super::{MysqlSession, Running, State, Work};
use crate::Output;
use crate::capture::Capture;
use crate::machine::{Errand, Ran};
use crate::mysql::answer::{self, Answer, Manner};
use crate::mysql::handshake::{DEPRECATE_EOF, MULTI_STATEMENTS, QUERY_ATTRIBUTES};
use crate::mysql::prepared::without_attributes;
use crate::mysql::query::{self, Next};
use crate::mysql::tokens::{statements, tokens};
use crate::mysql::wire::{Fields, Packets};
use crate::sql::{Rows, Value};

/// Statements from this length on are told whole.
const LONG_STATEMENT: usize = 1_024;

impl MysqlSession {
    pub(super) fn command(&mut self, number: u8, content: &[u8], now: Timestamp, out: &mut Output) {
        let mut packets = Packets::after(number);
        let (command, rest) = content.split_first().unwrap_or((&0xff, b""));
        match command {
            1 => self.state = State::Ending,
            2 => {
                tell(&[b"USE ", rest].concat(), out);
                let said = self.with_scene(now, out, |scene| query::use_database(scene, Some(rest)));
                answer::say(&mut packets, self.manner(), &said);
            }
            3 => return self.query(packets, rest, out),
            4 => answer::end_of_rows(&mut packets, Manner { capabilities: self.capabilities & !DEPRECATE_EOF, ..self.manner() }),
            9 => packets.put(b"Uptime: 81345  Threads: 3  Questions: 5214  Slow queries: 0  Opens: 47  Open tables: 40  Queries per second avg: 0.064"),
            // Ping, and the connection set back.
            0x0e | 0x1f => answer::done(&mut packets, self.manner(), 0),
            0x1b => answer::end_of_rows(&mut packets, self.manner()),
            0x16 => self.prepare(&mut packets, rest, now, out),
            0x17 => return self.execute(packets, rest, out),
            // Long data and the closing of a statement are not answered.
            0x18 => out.tell(Detail::Payload(Box::new(Capture::of(rest).finish(PayloadOrigin::Sent)))),
            0x19 => self.prepared.close(Fields(rest).number(4).unwrap_or(0)),
            0x1a => answer::done(&mut packets, self.manner(), 0),
            _ => {
                tell(&[format!("command {command:#04x} ").as_bytes(), rest].concat(), out);
                answer::error(&mut packets, 1047, b"Unknown command");
            }
        }
        self.pending.extend(packets.bytes);
    }

    fn query(&mut self, mut packets: Packets, content: &[u8], out: &mut Output) {
        let attributed = self.capabilities & QUERY_ATTRIBUTES != 0;
        let text = if attributed { without_attributes(content) } else { Some(content) };
        let Some(text) = text else {
            tell(content, out);
            answer::error(&mut packets, 1835, b"Malformed communication packet.");
            self.pending.extend(packets.bytes);
            return;
        };
        tell(text, out);
        let several = self.capabilities & MULTI_STATEMENTS != 0;
        let all = if several { statements(text) } else { vec![text] };
        let left = all.into_iter().map(<[u8]>::to_vec).collect();
        self.work = Some(Work { packets, binary: false, left });
    }

    fn prepare(&mut self, packets: &mut Packets, text: &[u8], now: Timestamp, out: &mut Output) {
        tell(text, out);
        let Some((number, parameters)) = self.prepared.keep(text) else {
            let message =
                b"Can't create more than max_prepared_stmt_count statements (current value: 16382)";
            return answer::error(packets, 1461, message);
        };
        let empty = self.prepared.filled(number, &mut Fields(b""), false).unwrap_or_default();
        let names = self.with_scene(now, out, |scene| query::columns(scene, &empty));
        match names {
            Ok(names) => answer::prepared(packets, self.manner(), number, &names, parameters),
            Err(error) => {
                self.prepared.close(number.into());
                answer::error(packets, error.number, &error.message);
            }
        }
    }

    fn execute(&mut self, mut packets: Packets, content: &[u8], out: &mut Output) {
        let mut fields = Fields(content);
        let number = fields.number(4).and_then(|number| u32::try_from(number).ok()).unwrap_or(0);
        fields.take(5);
        let attributed = self.capabilities & QUERY_ATTRIBUTES != 0;
        match self.prepared.filled(number, &mut fields, attributed) {
            Some(text) => {
                tell(&text, out);
                self.work = Some(Work { packets, binary: true, left: [text].into() });
            }
            None => {
                let message = format!(
                    "Unknown prepared statement handler ({number}) given to mysqld_stmt_execute"
                );
                answer::error(&mut packets, 1243, message.as_bytes());
                self.pending.extend(packets.bytes);
            }
        }
    }

    /// Carries out a statement; the pause after which its answer comes, where there is one.
    pub(super) fn statement(
        &mut self,
        text: &[u8],
        now: Timestamp,
        out: &mut Output,
    ) -> Option<Duration> {
        match self.with_scene(now, out, |scene| query::carry_out(scene, text)) {
            Next::Answer(answer, Duration::ZERO) => self.said(&answer),
            Next::Answer(answer, pause) => {
                self.later = Some(answer);
                return Some(pause);
            }
            Next::Run { column, line, output } => {
                let machine = self
                    .machine
                    .get_or_insert_with(|| query::machine(&self.identity, self.visit, now));
                let errand = Errand::new(machine, &line, Vec::new());
                self.running = Some(Box::new(Running { errand, column, output }));
            }
        }
        None
    }

    /// Says what a statement came to; after an error the others of its command are not carried out.
    pub(super) fn said(&mut self, answer: &Answer) {
        let capabilities = self.capabilities;
        let Some(work) = &mut self.work else { return };
        let ends = work.left.is_empty() || matches!(answer, Answer::Error(..));
        let manner = Manner { capabilities, binary: work.binary, more: !ends };
        answer::say(&mut work.packets, manner, answer);
        self.pending.append(&mut work.packets.bytes);
        if ends {
            self.work = None;
        }
    }

    /// Lets the machine go on; the pause after which to go on, unless it is done.
    pub(super) fn run(
        &mut self,
        mut running: Box<Running>,
        now: Timestamp,
        out: &mut Output,
    ) -> Option<Duration> {
        match running.errand.go_on(now, out) {
            Ran::Again(pause) => {
                self.running = Some(running);
                Some(pause)
            }
            Ran::Ended { printed, .. } => {
                let value = if running.output { Value::Text(printed) } else { Value::Integer(0) };
                let (names, rows) = (vec![running.column], vec![vec![value]]);
                self.said(&Answer::Rows(Rows { names, rows, ..Rows::default() }));
                None
            }
        }
    }
}

/// Tells a statement: as a command, and whole where it is long; a library in hexadecimal as the file that it is.
fn tell(text: &[u8], out: &mut Output) {
    let line = HostileText::from_bytes(text);
    out.tell(Detail::Command { line, known: None });
    if text.len() < LONG_STATEMENT {
        return;
    }
    let content = query::literal(&tokens(text)).unwrap_or_else(|| text.to_vec());
    out.tell(Detail::Payload(Box::new(Capture::of(&content).finish(PayloadOrigin::Sent))));
}
