//! One connection: lines, before and after a login.

use std::sync::Arc;

use kizashi_event::Timestamp;

use super::WRAPPED;
use crate::framed::{self, Frame, Framed, Messages, Next, without_end};
use crate::mailbox::{
    DELAY, MOST_BAD, Message, POP3, admits, messages, plain, sealed, tell_command, validity,
};
use crate::tls::Within;
use crate::{Identity, Output, Session, Visit};

/// Bytes of a user's name.
const LONGEST_NAME: usize = 256;

/// Inside TLS from the first byte on, and after STLS, where nobody is greeted again.
const GREETED: Within = Within {
    begin: |identity, visit, _| Framed::begin(Server::new(identity, visit, true)),
    service: &POP3,
};
const UPGRADED: Within = Within {
    begin: |identity, visit, _| Framed::begin(Server::new(identity, visit, false)),
    service: &POP3,
};

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    if WRAPPED.contains(&visit.port.number) && !visit.encrypted {
        return Box::new(sealed(identity, visit, GREETED));
    }
    Framed::begin(Server::new(identity, visit, true))
}

struct Server {
    identity: Arc<Identity>,
    visit: Visit,
    greets: bool,
    user: Vec<u8>,
    /// The next line is a response of SASL's.
    responds: bool,
    bad: u32,
    /// Messages, and whether each is deleted; once somebody is in.
    inbox: Option<Vec<(Message, bool)>>,
}

fn say(out: &mut Output, text: &str) {
    out.reply(text.as_bytes());
    out.reply(b"\r\n");
}

/// Lines of a message; one that begins with a dot has another before it.
fn stuffed(text: &str) -> String {
    let text = text.replace("\r\n.", "\r\n..");
    if text.starts_with('.') { format!(".{text}") } else { text }
}

impl Server {
    fn new(identity: &Arc<Identity>, visit: Visit, greets: bool) -> Self {
        Self {
            identity: Arc::clone(identity),
            visit,
            greets,
            user: Vec::new(),
            responds: false,
            bad: 0,
            inbox: None,
        }
    }

    fn log_in(&mut self, user: &[u8], password: &[u8], out: &mut Output) -> Next {
        if !admits(&self.identity, self.visit, user, password, out) {
            return Next::Pause(DELAY);
        }
        let messages = messages(&self.identity, user);
        self.inbox = Some(messages.into_iter().map(|message| (message, false)).collect());
        say(out, "+OK Logged in.");
        Next::Go
    }

    fn respond(&mut self, response: &[u8], initial: bool, out: &mut Output) -> Next {
        match plain(response) {
            _ if response == b"*" => say(out, "-ERR Authentication aborted by client."),
            Some((user, password)) => return self.log_in(&user, &password, out),
            None if initial => say(out, "-ERR [AUTH] Invalid base64 data in initial response"),
            None => say(out, "-ERR [AUTH] Invalid base64 data in continued response"),
        }
        Next::Go
    }

    fn capabilities(&self, out: &mut Output) {
        say(out, "+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\nAUTH-RESP-CODE");
        if self.inbox.is_none() {
            let tls = if self.visit.encrypted { "" } else { "STLS\r\n" };
            say(out, &format!("{tls}USER\r\nSASL PLAIN"));
        }
        say(out, ".");
    }

    fn bad(&mut self, out: &mut Output) {
        self.bad += 1;
        if self.bad >= MOST_BAD {
            say(out, "-ERR Too many invalid bad commands.");
            return out.close();
        }
        say(out, "-ERR Unknown command.");
    }

    fn before(&mut self, word: &[u8], rest: &[u8], line: &[u8], out: &mut Output) -> Next {
        match word {
            b"USER" => {
                self.user = rest.get(..LONGEST_NAME).unwrap_or(rest).to_vec();
                say(out, "+OK");
                return Next::Go;
            }
            b"PASS" if self.user.is_empty() => say(out, "-ERR No username given."),
            b"PASS" => {
                let user = std::mem::take(&mut self.user);
                return self.log_in(&user, rest, out);
            }
            b"AUTH" => return self.authenticate(rest, line, out),
            _ => {}
        }
        let known = matches!(word, b"CAPA" | b"STLS" | b"APOP" | b"QUIT");
        tell_command(line, known, out);
        match word {
            b"PASS" => {}
            b"CAPA" => self.capabilities(out),
            b"STLS" if self.visit.encrypted => say(out, "-ERR TLS is already active."),
            b"STLS" => {
                say(out, "+OK Begin TLS negotiation now.");
                return Next::Tls(Box::new(sealed(&self.identity, self.visit, UPGRADED)));
            }
            b"APOP" => say(out, "-ERR APOP not enabled."),
            b"QUIT" => {
                say(out, "+OK Logging out");
                out.close();
            }
            _ => self.bad(out),
        }
        Next::Go
    }

    fn authenticate(&mut self, rest: &[u8], line: &[u8], out: &mut Output) -> Next {
        let end = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
        let (mechanism, response) = rest.split_at(end);
        match mechanism.to_ascii_uppercase().as_slice() {
            b"" => {
                tell_command(line, true, out);
                say(out, "+OK\r\nPLAIN\r\n.");
            }
            b"PLAIN" if response.is_empty() => {
                self.responds = true;
                say(out, "+ ");
            }
            b"PLAIN" => return self.respond(response.trim_ascii(), true, out),
            _ => {
                tell_command(line, false, out);
                say(out, "-ERR [AUTH] Unsupported authentication mechanism.");
            }
        }
        Next::Go
    }
}

/// What is asked of all messages; `None` where it is of one, or there is no such command.
fn of_all(
    inbox: &mut [(Message, bool)],
    word: &[u8],
    validity: u32,
    out: &mut Output,
) -> Option<()> {
    let there = inbox.iter().enumerate().filter(|(_, (_, deleted))| !deleted);
    let there: Vec<(usize, &Message)> = there.map(|(at, (message, _))| (at + 1, message)).collect();
    let sum: usize = there.iter().map(|(_, message)| size(message)).sum();
    match word {
        b"STAT" => say(out, &format!("+OK {} {sum}", there.len())),
        b"LIST" => {
            say(out, &format!("+OK {} messages:", there.len()));
            there.iter().for_each(|(at, message)| say(out, &format!("{at} {}", size(message))));
            say(out, ".");
        }
        b"UIDL" => {
            say(out, "+OK");
            for (at, message) in there {
                say(out, &format!("{at} {}", unique(message, validity)));
            }
            say(out, ".");
        }
        b"NOOP" => say(out, "+OK"),
        b"RSET" => {
            inbox.iter_mut().for_each(|(_, deleted)| *deleted = false);
            say(out, "+OK");
        }
        _ => return None,
    }
    Some(())
}

fn size(message: &Message) -> usize {
    message.text().len()
}

/// A message's name for good.
fn unique(message: &Message, validity: u32) -> String {
    format!("{:08x}{validity:08x}", message.uid)
}

/// What is asked of the messages; `false` where there is no such command.
fn after(
    inbox: &mut [(Message, bool)],
    word: &[u8],
    rest: &str,
    validity: u32,
    out: &mut Output,
) -> bool {
    if rest.is_empty() && of_all(inbox, word, validity, out).is_some() {
        return true;
    }
    if !matches!(word, b"LIST" | b"UIDL" | b"RETR" | b"TOP" | b"DELE") {
        return false;
    }
    let mut words = rest.split_whitespace();
    let first = words.next().unwrap_or_default();
    let Some(number) = first.parse::<usize>().ok() else {
        say(out, &format!("-ERR Invalid message number: {first}"));
        return true;
    };
    let Some((message, deleted)) = number.checked_sub(1).and_then(|at| inbox.get_mut(at)) else {
        say(out, &format!("-ERR There's no message {number}."));
        return true;
    };
    match word {
        _ if *deleted => say(out, "-ERR Message is deleted."),
        b"LIST" => say(out, &format!("+OK {number} {}", size(message))),
        b"UIDL" => say(out, &format!("+OK {number} {}", unique(message, validity))),
        b"RETR" => {
            say(out, &format!("+OK {} octets", size(message)));
            say(out, &format!("{}.", stuffed(&message.text())));
        }
        b"TOP" => {
            let count: usize = words.next().and_then(|count| count.parse().ok()).unwrap_or(0);
            let lines: String = message.body().split_inclusive("\r\n").take(count).collect();
            say(out, &format!("+OK\r\n{}.", stuffed(&(message.head() + &lines))));
        }
        _ => {
            *deleted = true;
            say(out, "+OK Marked to be deleted.");
        }
    }
    true
}

impl Messages for Server {
    const LONGEST: usize = 2_048;

    fn open(&mut self, _now: Timestamp, out: &mut Output) {
        out.recognise(POP3);
        if self.greets {
            say(out, "+OK Dovecot (Debian) ready.");
        }
    }

    fn frame(&self, held: &[u8]) -> Frame {
        framed::line(held)
    }

    fn message(&mut self, message: &[u8], _now: Timestamp, out: &mut Output) -> Next {
        let line = without_end(message);
        if std::mem::take(&mut self.responds) {
            return self.respond(line, false, out);
        }
        let end = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
        let (word, rest) = line.split_at(end);
        let (word, rest) = (word.to_ascii_uppercase(), rest.get(1..).unwrap_or_default());
        let validity = validity(&self.identity);
        if self.inbox.is_none() {
            return self.before(&word, rest, line, out);
        }
        let text = String::from_utf8_lossy(rest).into_owned();
        if word == b"QUIT" {
            say(out, "+OK Logging out.");
            out.close();
        } else if word == b"CAPA" {
            self.capabilities(out);
        } else if let Some(inbox) = &mut self.inbox
            && !after(inbox, &word, &text, validity, out)
        {
            say(out, &format!("-ERR Unknown command: {}", String::from_utf8_lossy(&word)));
            tell_command(line, false, out);
            return Next::Go;
        }
        tell_command(line, true, out);
        Next::Go
    }

    fn resume(&mut self, _now: Timestamp, out: &mut Output) -> Next {
        say(out, "-ERR [AUTH] Authentication failed.");
        Next::Go
    }

    fn idle(&mut self, out: &mut Output) {
        say(out, "-ERR Disconnected for inactivity.");
    }

    fn half(&mut self, rest: &[u8], out: &mut Output) {
        tell_command(rest, false, out);
    }

    fn held(&self) -> usize {
        self.user.len()
    }
}
