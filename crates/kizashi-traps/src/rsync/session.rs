//! One connection: lines of the daemon's handshake, in their order.

use std::sync::Arc;

use kizashi_event::{Detail, HostileText, Timestamp};
use md5::{Digest as _, Md5};

use crate::datagram::note;
use crate::draw::Draw;
use crate::framed::{self, Frame, Framed, Messages, Next, without_end};
use crate::http::base64;
use crate::login::common_passwords;
use crate::randomness::Randomness;
use crate::{Identity, Output, Session, Visit};

const GREETING: &[u8] = b"@RSYNCD: 31.0\n";

/// What is added to a message's kind, and the kind.
const MULTIPLEXED: u32 = 7;
const ERROR: u32 = 3;

/// Names and comments; the first stands open.
const MODULES: [[(&str, &str); 3]; 3] = [
    [("public", "Public"), ("homes", "user home"), ("NetBackup", "System default shared folder")],
    [("www", "web root"), ("backup", "nightly backups"), ("db", "")],
    [("mirror", "package mirror"), ("data", "data"), ("backup", "Backup")],
];

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    let modules = Draw::new(identity.seed(), "rsync modules").one_of(0, &MODULES);
    Framed::begin(Daemon {
        randomness: identity.randomness(),
        identity: Arc::clone(identity),
        visit,
        modules: modules.unwrap_or(MODULES[0]),
        state: State::Greeting,
    })
}

enum State {
    Greeting,
    Module,
    /// A response is waited for, of this module, to this challenge.
    Response(&'static str, String),
    Arguments,
}

struct Daemon {
    identity: Arc<Identity>,
    visit: Visit,
    randomness: Randomness,
    modules: [(&'static str, &'static str); 3],
    state: State,
}

fn tell(line: &[u8], known: bool, out: &mut Output) {
    out.tell(Detail::Command { line: HostileText::from_bytes(line), known: Some(known) });
}

/// What a client with this password answers: base64 of the MD5 of both, without its end.
pub(super) fn answer(password: &str, challenge: &str) -> String {
    let hash = Md5::new().chain_update(password).chain_update(challenge).finalize();
    String::from_utf8_lossy(&base64(&hash)).trim_end_matches('=').to_owned()
}

impl Daemon {
    fn fail(out: &mut Output, text: &str) {
        out.reply(format!("@ERROR: {text}\n").as_bytes());
        out.close();
    }

    /// The module's folder is not there: what protocol 30 says first (no flags, a seed for sums), then a message of kind 3, an error.
    fn gone(&mut self, out: &mut Output) {
        let text = b"rsync: change_dir \"/\" failed: No such file or directory (2)\n";
        let head = u32::try_from(text.len()).unwrap_or(0) | (MULTIPLEXED + ERROR) << 24;
        let seed: [u8; 4] = self.randomness.bytes();
        out.reply(&[&[0][..], &seed, &head.to_le_bytes(), text].concat());
        out.close();
    }

    fn module(&mut self, line: &[u8], out: &mut Output) {
        tell(line, true, out);
        if line.is_empty() || line == b"#list" {
            for (name, comment) in self.modules {
                out.reply(format!("{name:<15}\t{comment}\n").as_bytes());
            }
            out.reply(b"@RSYNCD: EXIT\n");
            return out.close();
        }
        let shown: String = String::from_utf8_lossy(line).chars().take(64).collect();
        if shown.starts_with('#') {
            return Self::fail(out, &format!("Unknown command '{shown}'"));
        }
        let found = self.modules.iter().position(|(name, _)| name.as_bytes() == line);
        match found {
            None => Self::fail(out, &format!("Unknown module '{shown}'")),
            Some(0) => {
                out.reply(b"@RSYNCD: OK\n");
                self.state = State::Arguments;
            }
            Some(place) => {
                let challenge = base64(&self.randomness.bytes::<16>());
                let challenge =
                    String::from_utf8_lossy(&challenge).trim_end_matches('=').to_owned();
                out.reply(format!("@RSYNCD: AUTHREQD {challenge}\n").as_bytes());
                self.state = State::Response(self.modules[place].0, challenge);
            }
        }
    }

    fn judge(&mut self, module: &str, challenge: &str, line: &[u8], out: &mut Output) {
        let text = String::from_utf8_lossy(line).into_owned();
        let (user, response) = text.split_once(' ').unwrap_or((&text, ""));
        note(out, "rsync challenge and response", format!("{challenge}:{response}"));
        let mut common = common_passwords().iter().copied().chain([user, ""]);
        let password =
            common.find(|password| answer(password, challenge) == response.trim_end_matches('='));
        let accepted = password.is_some_and(|word| {
            self.identity.logins().admits(self.visit.source, user.as_bytes(), word.as_bytes())
        });
        out.tell(Detail::Login {
            username: Some(HostileText::from(user)),
            password: password.map(HostileText::from),
            public_key: None,
            accepted,
        });
        if !accepted {
            return Self::fail(out, &format!("auth failed on module {module}"));
        }
        out.reply(b"@RSYNCD: OK\n");
        self.state = State::Arguments;
    }
}

impl Messages for Daemon {
    const LONGEST: usize = 1_024;

    fn open(&mut self, _now: Timestamp, out: &mut Output) {
        out.reply(GREETING);
    }

    /// Arguments end with an empty one: two zeros, or two line feeds of an old client.
    fn frame(&self, held: &[u8]) -> Frame {
        if !matches!(self.state, State::Arguments) {
            return framed::line(held);
        }
        let end = held.windows(2).position(|pair| matches!(pair, b"\0\0" | b"\n\n"));
        end.map_or(Frame::More, |end| Frame::Whole(end + 2))
    }

    fn message(&mut self, message: &[u8], _now: Timestamp, out: &mut Output) -> Next {
        let line = without_end(message);
        match std::mem::replace(&mut self.state, State::Greeting) {
            State::Greeting => match line.strip_prefix(b"@RSYNCD: ") {
                Some(version) => {
                    let version = [b"rsync protocol ", version].concat();
                    let version = Some(HostileText::from_bytes(&version));
                    out.tell(Detail::Client { version, fingerprint: None, algorithms: None });
                    self.state = State::Module;
                }
                None => {
                    tell(line, false, out);
                    Self::fail(out, "protocol startup error");
                }
            },
            State::Module => self.module(line, out),
            State::Response(module, challenge) => self.judge(module, &challenge, line, out),
            State::Arguments => {
                let arguments = message.split(|byte| matches!(byte, 0 | b'\n'));
                let words: Vec<&[u8]> = arguments.filter(|word| !word.is_empty()).collect();
                tell(&words.join(&b' '), true, out);
                self.gone(out);
            }
        }
        Next::Go
    }

    fn half(&mut self, rest: &[u8], out: &mut Output) {
        tell(rest, false, out);
    }
}
