//! A visitor of both versions, for tests: it keeps what it sends, so that a dialogue whose bytes depend on answers becomes a transcript.

use std::sync::Arc;

use kizashi_event::{Detail, Port, Timestamp};

use super::bytes::{Fields, u32_at, u64_at};
use super::frame::message;
use crate::ntlm::client::{FLAGS, answer_to, client};
use crate::rpc::client::Calls;
use crate::windows::utf16;
use crate::{Identity, Output, Session, Visit};

pub(super) struct Client {
    session: Box<dyn Session>,
    out: Output,
    /// What was sent, a piece a message.
    pub(super) pieces: Vec<Vec<u8>>,
    pub(super) told: Vec<Detail>,
    number: u64,
    pub(super) user: u64,
    pub(super) tree: u32,
}

const NOW: Timestamp = Timestamp::from_seconds(1_795_582_440);

/// The identity that transcripts have: a Windows Server 2008 R2.
pub(super) fn identity() -> Arc<Identity> {
    Arc::new(Identity::draw([7; 32]).with_web_server(crate::WebServer::NginxDebian12))
}

impl Client {
    pub(super) fn of(identity: &Arc<Identity>) -> Self {
        let visit = Visit {
            source: [192, 0, 2, 7].into(),
            destination: Some([192, 0, 2, 1].into()),
            port: Port::tcp(1445),
            encrypted: false,
        };
        let session = (super::TRAP.begin)(identity, visit);
        let out = Output::new(super::SERVICE);
        Self { session, out, pieces: Vec::new(), told: Vec::new(), number: 0, user: 0, tree: 0 }
    }

    /// Sends bytes; what is answered.
    pub(super) fn send(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.pieces.push(bytes.to_vec());
        let mut reply = Vec::new();
        for piece in bytes.chunks(8_192) {
            self.session.receive(piece, NOW, &mut self.out);
            reply.extend(self.out.take_reply());
        }
        assert!(self.session.memory() <= super::TRAP.limits.memory);
        self.told.extend(self.out.take_seen().into_iter().map(|seen| seen.detail));
        reply
    }

    /// Sends a message; the body of what is answered, without its length.
    pub(super) fn say(&mut self, body: &[u8]) -> Vec<u8> {
        let reply = self.send(&message(body));
        reply.get(4..).unwrap_or_default().to_vec()
    }

    /// A request of version 2; the whole answer.
    #[expect(clippy::needless_pass_by_value, reason = "it is made for the call")]
    pub(super) fn ask(&mut self, command: u16, body: Fields) -> Vec<u8> {
        let head = Fields::default().raw(b"\xfeSMB").u16(64).u16(0).u32(0).u16(command).u16(1);
        let head = head.u32(0).u32(0).u64(self.number).u32(0xfeff).u32(self.tree).u64(self.user);
        self.number += 1;
        self.say(&head.raw(&[0; 16]).raw(&body.0).0)
    }

    pub(super) fn negotiate(&mut self, dialects: &[u16]) -> Vec<u8> {
        let count = u16::try_from(dialects.len()).unwrap();
        let body = Fields::default().u16(36).u16(count).u16(1).u16(0).u32(0).raw(&[1; 16]).u64(0);
        self.ask(0, dialects.iter().fold(body, |body, dialect| body.u16(*dialect)))
    }

    fn setup(&mut self, token: &[u8]) -> Vec<u8> {
        let length = u16::try_from(token.len()).unwrap();
        let body = Fields::default().u16(25).u8(0).u8(1).u32(0).u32(0).u16(88).u16(length).u64(0);
        self.ask(1, body.raw(token))
    }

    /// Logs in; the status of the last answer.
    pub(super) fn log_in(&mut self, user: &str, password: &str) -> u32 {
        self.user = 0;
        let reply = self.setup(&client(1, FLAGS));
        self.user = u64_at(&reply, 40).unwrap();
        let at = reply.windows(8).position(|found| found == b"NTLMSSP\0").unwrap();
        let token = answer_to(&reply[at..], user, password);
        let reply = self.setup(&token);
        u32_at(&reply, 8).unwrap()
    }

    /// Guesses until it is in.
    pub(super) fn break_in(&mut self) {
        let list = ["admin", "123456", "P@ssw0rd", "admin123"];
        let status = list.iter().map(|word| self.log_in("administrator", word)).find(|s| *s == 0);
        assert_eq!(status, Some(0));
    }

    pub(super) fn attach(&mut self, share: &str) -> u32 {
        let path = utf16(&format!("\\\\192.0.2.1\\{share}"));
        let length = u16::try_from(path.len()).unwrap();
        let reply = self.ask(3, Fields::default().u16(9).u16(0).u16(72).u16(length).raw(&path));
        self.tree = u32_at(&reply, 36).unwrap();
        u32_at(&reply, 8).unwrap()
    }

    /// Opens; the number, or the status.
    pub(super) fn open(&mut self, path: &str, disposition: u32, options: u32) -> Result<u64, u32> {
        let path = utf16(path);
        let body = Fields::default().u16(57).u8(0).u8(0).u32(2).u64(0).u64(0).u32(0x0012_019f);
        let body = body.u32(0).u32(7).u32(disposition).u32(options).u16(120);
        let length = u16::try_from(path.len()).unwrap();
        let reply = self.ask(5, body.u16(length).u32(0).u32(0).raw(&path).u8(0));
        match u32_at(&reply, 8).unwrap() {
            0 => Ok(u64_at(&reply, 64 + 64).unwrap()),
            status => Err(status),
        }
    }

    pub(super) fn write(&mut self, id: u64, offset: u64, data: &[u8]) -> u32 {
        let body =
            Fields::default().u16(49).u16(112).length(data.len()).u64(offset).u64(id).u64(id);
        let reply = self.ask(9, body.raw(&[0; 16]).raw(data));
        u32_at(&reply, 8).unwrap()
    }

    pub(super) fn read(&mut self, id: u64, length: u32) -> Vec<u8> {
        let body = Fields::default().u16(49).u8(80).u8(0).u32(length).u64(0).u64(id).u64(id);
        let reply = self.ask(8, body.raw(&[0; 17]));
        reply.get(80..).unwrap_or_default().to_vec()
    }

    pub(super) fn close(&mut self, id: u64) {
        self.ask(6, Fields::default().u16(24).u16(0).u32(0).u64(id).u64(id));
    }

    pub(super) fn list(&mut self, id: u64) -> Vec<u8> {
        let pattern = utf16("*");
        let body = Fields::default().u16(33).u8(37).u8(0).u32(0).u64(id).u64(id).u16(96).u16(2);
        self.ask(14, body.u32(65_536).raw(&pattern))
    }

    /// A call through a pipe in one turn.
    pub(super) fn call(&mut self, id: u64, bytes: &[u8]) -> Vec<u8> {
        let body = Fields::default().u16(57).u16(0).u32(0x0011_c017).u64(id).u64(id).u32(120);
        let body = body.length(bytes.len()).u32(0).u32(0).u32(0).u32(4_280).u32(1).u32(0);
        let reply = self.ask(11, body.raw(bytes));
        reply.get(112..).unwrap_or_default().to_vec()
    }

    /// Opens a pipe and binds.
    pub(super) fn pipe(&mut self, name: &str, calls: &Calls) -> u64 {
        let id = self.open(name, 1, 0).unwrap();
        assert_eq!(self.write(id, 0, &calls.bind()), 0);
        let reply = self.read(id, 4_280);
        assert_eq!(reply[2], 12, "bound");
        id
    }

    /// A message of version 1; the whole answer.
    pub(super) fn old(
        &mut self,
        command: u8,
        multiplex: u16,
        words: &Fields,
        bytes: &[u8],
    ) -> Vec<u8> {
        let (user, tree) = (u16::try_from(self.user).unwrap(), u16::try_from(self.tree).unwrap());
        let head = Fields::default().raw(b"\xffSMB").u8(command).u32(0).u8(0x18).u16(0x4001);
        let head = head.raw(&[0; 12]).u16(tree).u16(0xfeff).u16(user).u16(multiplex);
        let count = u8::try_from(words.0.len() / 2).unwrap();
        let body = head.u8(count).raw(&words.0).short_length(bytes.len()).raw(bytes);
        self.say(&body.0)
    }

    pub(super) fn notes(&self, wanted: &str) -> Vec<String> {
        let value = |detail: &Detail| match detail {
            Detail::Note { name, value } if name.raw() == wanted => Some(value.raw().to_owned()),
            _ => None,
        };
        self.told.iter().filter_map(value).collect()
    }

    /// Goes away; all that was told.
    pub(super) fn end(mut self) -> Vec<Detail> {
        self.session.end(NOW, &mut self.out);
        self.told.extend(self.out.take_seen().into_iter().map(|seen| seen.detail));
        self.told
    }
}
