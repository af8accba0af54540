//! What is answered to each line. Texts and codes are those that Postfix 3.7.11 of Debian 12 gave to the same lines; who may send where is
//! Debian's `smtpd_relay_restrictions`, except on the installations that are drawn to be open relays.

use std::sync::Arc;

use kizashi_event::{Detail, HostileText, Timestamp};

use super::address::{Fault, Path, parts};
use super::content::Content;
use super::envelope::{Envelope, MOST_RECIPIENTS};
use super::sasl::{self, Exchange, Step};
use super::session::Reading;
use super::wire::{printable, verb};
use super::{SUBMISSION, WRAPPED};
use crate::http::base64;
use crate::identity::OperatingSystem;
use crate::machine::Persona;
use crate::randomness::Randomness;
use crate::{Identity, Output, Visit};

/// Bytes of a message (`message_size_limit`).
const LONGEST_MESSAGE: u64 = 10_240_000;
/// Errors of one session (`smtpd_hard_error_limit`).
const MOST_ERRORS: u32 = 20;
/// One installation in so many relays for everybody.
const OPEN_RELAYS: usize = 3;

const UNKNOWN: &str = "500 5.5.2 Error: command not recognized";
const NEED_MAIL: &str = "503 5.5.1 Error: need MAIL command";
const NEED_RCPT: &str = "503 5.5.1 Error: need RCPT command";
const NO_RECIPIENTS: &str = "554 5.5.1 Error: no valid recipients";

pub(super) struct Answers {
    identity: Arc<Identity>,
    visit: Visit,
    randomness: Randomness,
    host: String,
    open_relay: bool,
    errors: u32,
    authenticated: bool,
    login: Option<Exchange>,
    envelope: Option<Envelope>,
    /// The chunk that is being read: its size, and whether it is the last; `None` where it belongs to no message.
    chunk: Option<(u64, bool)>,
    chunked: bool,
}

impl Answers {
    pub(super) fn new(identity: &Arc<Identity>, visit: Visit) -> Self {
        Self {
            randomness: identity.randomness(),
            host: identity.host_name(),
            open_relay: identity.choice("smtp open relay", OPEN_RELAYS) == 0,
            identity: Arc::clone(identity),
            visit,
            errors: 0,
            authenticated: false,
            login: None,
            envelope: None,
            chunk: None,
            chunked: false,
        }
    }

    pub(super) const fn errors(&self) -> u32 {
        self.errors
    }

    pub(super) fn held(&self) -> usize {
        let login = self.login.as_ref().map_or(0, Exchange::held);
        login + self.envelope.as_ref().map_or(0, Envelope::held)
    }

    pub(super) fn greet(&self, out: &mut Output) {
        let system = match self.identity.operating_system() {
            OperatingSystem::Debian11 | OperatingSystem::Debian12 => "Debian/GNU",
            OperatingSystem::Ubuntu20 | OperatingSystem::Ubuntu22 | OperatingSystem::Ubuntu24 => {
                "Ubuntu"
            }
        };
        // Who edited `smtpd_banner` let it say the release too.
        let text = match self.identity.choice("smtp banner", 2) {
            0 => format!("220 {} ESMTP Postfix ({system})", self.host),
            _ => {
                let system = system.trim_end_matches("/GNU");
                format!("220 {} ESMTP Postfix ({}) ({system})", self.host, self.release())
            }
        };
        say(out, &text);
    }

    /// The release of the system's package.
    fn release(&self) -> &'static str {
        match self.identity.operating_system() {
            OperatingSystem::Debian11 => "3.5.25",
            OperatingSystem::Debian12 => "3.7.11",
            OperatingSystem::Ubuntu20 => "3.4.13",
            OperatingSystem::Ubuntu22 => "3.6.4",
            OperatingSystem::Ubuntu24 => "3.8.6",
        }
    }

    pub(super) fn timed_out(&self, out: &mut Output) {
        say(out, &format!("421 4.4.2 {} Error: timeout exceeded", self.host));
    }

    /// What was begun and not finished is told.
    pub(super) fn end(&mut self, out: &mut Output) {
        self.drop_envelope(out);
    }

    fn drop_envelope(&mut self, out: &mut Output) {
        self.chunked = false;
        if let Some(envelope) = self.envelope.take() {
            envelope.tell(None, out);
        }
    }

    fn refuse(&mut self, text: &str, out: &mut Output) {
        self.errors = self.errors.saturating_add(1);
        say(out, text);
    }

    /// Answers a line.
    pub(super) fn line(&mut self, line: &[u8], now: Timestamp, out: &mut Output) -> Reading {
        let reading = match self.login.take() {
            Some(login) => {
                self.go_on_with_login(login, line, out);
                Reading::Lines
            }
            None => self.command(line, now, out),
        };
        if self.errors >= MOST_ERRORS && !out.is_closing() && reading == Reading::Lines {
            say(out, &format!("421 4.7.0 {} Error: too many errors", self.host));
            out.close();
        }
        reading
    }

    fn command(&mut self, line: &[u8], now: Timestamp, out: &mut Output) -> Reading {
        let (word, rest) = verb(line);
        match word.as_slice() {
            b"EHLO" | b"HELO" => self.hello(&word, rest, out),
            b"MAIL" => self.mail(rest, out),
            b"RCPT" => self.recipient(rest, out),
            b"DATA" => return self.data(rest, out),
            b"BDAT" => return self.begin_chunk(line, rest, out),
            b"STARTTLS" => return self.start_tls(line, rest, out),
            b"AUTH" => self.begin_login(line, rest, now, out),
            b"RSET" if rest.is_empty() => {
                self.drop_envelope(out);
                say(out, "250 2.0.0 Ok");
            }
            b"RSET" => self.refuse("501 5.5.4 Syntax: RSET", out),
            b"NOOP" => say(out, "250 2.0.0 Ok"),
            b"QUIT" => {
                say(out, "221 2.0.0 Bye");
                out.close();
            }
            _ => self.other(line, &word, rest, out),
        }
        Reading::Lines
    }

    /// Commands that are asked by those who look around.
    fn other(&mut self, line: &[u8], word: &[u8], rest: &[u8], out: &mut Output) {
        let known = matches!(word, b"VRFY" | b"ETRN");
        tell_command(line, known, out);
        match word {
            b"VRFY" => self.verify(rest, out),
            b"ETRN" if rest.is_empty() => self.refuse("500 Syntax: ETRN domain", out),
            b"ETRN" => self.refuse(&format!("459 <{}>: service unavailable", printable(rest)), out),
            b"XCLIENT" | b"XFORWARD" => {
                self.refuse("550 5.7.0 Error: insufficient authorization", out);
            }
            b"GET" | b"POST" | b"CONNECT" => self.break_rules(out),
            [] => self.refuse("500 5.5.2 Error: bad syntax", out),
            [first, ..] if !first.is_ascii_alphabetic() => self.break_rules(out),
            _ => self.refuse(UNKNOWN, out),
        }
    }

    /// `smtpd_forbidden_commands`.
    fn break_rules(&self, out: &mut Output) {
        say(out, "221 2.7.0 Error: I can break rules, too. Goodbye.");
        out.close();
    }

    fn hello(&mut self, word: &[u8], name: &[u8], out: &mut Output) {
        if name.is_empty() {
            return self.refuse(&format!("501 Syntax: {} hostname", printable(word)), out);
        }
        let version = Some(HostileText::from_bytes(name));
        out.tell(Detail::Client { version, fingerprint: None, algorithms: None });
        self.drop_envelope(out);
        if word == b"HELO" {
            return say(out, &format!("250 {}", self.host));
        }
        let starttls = if self.visit.encrypted { "" } else { "250-STARTTLS\r\n" };
        say(
            out,
            &format!(
                "250-{}\r\n250-PIPELINING\r\n250-SIZE {LONGEST_MESSAGE}\r\n250-VRFY\r\n250-ETRN\r\n{starttls}250-AUTH PLAIN LOGIN CRAM-MD5\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n250 CHUNKING",
                self.host
            ),
        );
    }

    fn mail(&mut self, rest: &[u8], out: &mut Output) {
        if self.envelope.is_some() {
            return self.refuse("503 5.5.1 Error: nested MAIL command", out);
        }
        let path = match Path::read(rest, b"FROM:") {
            Ok(path) => path,
            Err(Fault::Syntax) => {
                return self.refuse("501 5.5.4 Syntax: MAIL FROM:<address>", out);
            }
            Err(Fault::Address) => {
                return self.refuse("501 5.1.7 Bad sender address syntax", out);
            }
        };
        if let Some(refusal) = path.options.iter().find_map(|option| refusal_of(option)) {
            return self.refuse(&refusal, out);
        }
        self.envelope = Some(Envelope::of(&path.address));
        say(out, "250 2.1.0 Ok");
    }

    fn recipient(&mut self, rest: &[u8], out: &mut Output) {
        let Some(taken) = self.envelope.as_ref().map(|envelope| envelope.taken) else {
            return self.refuse(NEED_MAIL, out);
        };
        let path = match Path::read(rest, b"TO:") {
            Ok(path) if !path.address.is_empty() => path,
            Err(Fault::Syntax) => return self.refuse("501 5.5.4 Syntax: RCPT TO:<address>", out),
            _ => return self.refuse("501 5.1.3 Bad recipient address syntax", out),
        };
        let wrong = path.options.iter().find(|option| !begins(option, &["NOTIFY=", "ORCPT="]));
        if let Some(wrong) = wrong {
            return self
                .refuse(&format!("555 5.5.4 Unsupported option: {}", printable(wrong)), out);
        }
        if taken >= MOST_RECIPIENTS {
            return self.refuse("452 4.5.3 Error: too many recipients", out);
        }
        if let Some(refusal) = self.refusal_for(&path.address) {
            let sender = self.envelope.as_ref().map(Envelope::sender).unwrap_or_default();
            let value = format!("from <{sender}> to <{}>", printable(&path.address));
            let code = refusal.get(..3).unwrap_or_default();
            note(out, "recipient refused", format!("{value}: {code}"));
            return self.refuse(&refusal, out);
        }
        if let Some(envelope) = &mut self.envelope {
            envelope.add(&path.address);
        }
        say(out, "250 2.1.5 Ok");
    }

    /// Why no mail is taken for this address; `None` where it is.
    fn refusal_for(&self, address: &[u8]) -> Option<String> {
        let shown = printable(address);
        let number = self.visit.port.number;
        let submission = SUBMISSION.contains(&number) || WRAPPED.contains(&number);
        if submission && !self.authenticated {
            return Some(format!("554 5.7.1 <{shown}>: Recipient address rejected: Access denied"));
        }
        let (local, domain) = parts(address);
        let routed = local.iter().any(|byte| b"@%!".contains(byte));
        if routed || !self.is_ours(domain) {
            let relays = self.authenticated || self.open_relay;
            return (!relays).then(|| format!("454 4.7.1 <{shown}>: Relay access denied"));
        }
        (!self.has_mailbox(local)).then(|| {
            format!("550 5.1.1 <{shown}>: Recipient address rejected: User unknown in local recipient table")
        })
    }

    /// Whether the machine takes mail of this domain for its own (`mydestination`, and addresses in brackets).
    fn is_ours(&self, domain: Option<&[u8]>) -> bool {
        let Some(domain) = domain else { return true };
        let domain = printable(domain).to_ascii_lowercase();
        let address = self.visit.destination.map(|address| format!("[{address}]"));
        let names = [self.host.as_str(), "localhost", "localhost.localdomain", "[127.0.0.1]"];
        names.contains(&domain.as_str()) || address.is_some_and(|address| address == domain)
    }

    fn has_mailbox(&self, local: &[u8]) -> bool {
        let name = printable(local).to_ascii_lowercase();
        name == "postmaster" || self.identity.world(Persona::Server).has_account(&name)
    }

    fn verify(&mut self, rest: &[u8], out: &mut Output) {
        if rest.is_empty() {
            return self.refuse("501 5.5.4 Syntax: VRFY address [SMTPUTF8]", out);
        }
        let path = Path::read(&[b"TO:", rest].concat(), b"TO:");
        let Ok(Path { address, .. }) = path.map_err(|_| ()).and_then(|path| {
            if path.options.is_empty() && !path.address.is_empty() { Ok(path) } else { Err(()) }
        }) else {
            return self.refuse("501 5.1.3 Bad recipient address syntax", out);
        };
        match self.refusal_for(&address) {
            Some(refusal) => self.refuse(&refusal, out),
            None => say(out, &format!("252 2.0.0 {}", printable(rest))),
        }
    }

    fn data(&mut self, rest: &[u8], out: &mut Output) -> Reading {
        let refusal = match &self.envelope {
            _ if !rest.is_empty() => Some("501 5.5.4 Syntax: DATA"),
            _ if self.chunked => Some("503 5.5.1 Error: DATA after BDAT"),
            None => Some(NEED_RCPT),
            Some(envelope) if envelope.taken == 0 => Some(NO_RECIPIENTS),
            Some(_) => None,
        };
        if let Some(refusal) = refusal {
            self.refuse(refusal, out);
            return Reading::Lines;
        }
        if let Some(envelope) = &mut self.envelope {
            envelope.content = Some(Content::default());
        }
        say(out, "354 End data with <CR><LF>.<CR><LF>");
        Reading::Content
    }

    /// Takes a byte of a message; whether the message is over.
    pub(super) fn content(&mut self, byte: u8, out: &mut Output) -> bool {
        let content = self.envelope.as_mut().and_then(|envelope| envelope.content.as_mut());
        let Some(content) = content else { return true };
        if !content.feed(byte) {
            return false;
        }
        if content.size() > LONGEST_MESSAGE {
            self.refuse("552 5.3.4 Error: message file too big", out);
            self.drop_envelope(out);
        } else {
            self.queue("250 2.0.0 Ok: queued as ", out);
        }
        true
    }

    /// Takes the message: it is kept, and nothing else becomes of it.
    fn queue(&mut self, text: &str, out: &mut Output) {
        // Microseconds and the number of the queue's file, as short names of Postfix are made.
        let file = 0x4_0000 + self.identity.choice("smtp queue", 0x4_0000);
        let name = format!("{:05X}{file:X}", self.randomness.below(1_000_000));
        say(out, &format!("{text}{name}"));
        self.chunked = false;
        if let Some(envelope) = self.envelope.take() {
            envelope.tell(Some(&name), out);
        }
    }

    fn begin_chunk(&mut self, line: &[u8], rest: &[u8], out: &mut Output) -> Reading {
        let words: Vec<&[u8]> = rest.split(u8::is_ascii_whitespace).collect();
        let size = words.first().and_then(|word| std::str::from_utf8(word).ok()?.parse().ok());
        let last = words.get(1).map(|word| word.eq_ignore_ascii_case(b"LAST"));
        let (Some(size), None | Some(true), true) = (size, last, words.len() <= 2) else {
            tell_command(line, true, out);
            say(out, "521 5.5.4 Syntax: BDAT count [LAST]");
            out.close();
            return Reading::Lines;
        };
        let wanted = self.envelope.as_ref().is_some_and(|envelope| envelope.taken > 0);
        self.chunk = wanted.then_some((size, last.is_some()));
        self.chunked |= wanted;
        if size == 0 {
            self.chunk(&[], true, out);
            return Reading::Lines;
        }
        Reading::Chunk(size)
    }

    /// Takes bytes of a chunk; `over` with its last.
    pub(super) fn chunk(&mut self, bytes: &[u8], over: bool, out: &mut Output) {
        let Some((size, last)) = self.chunk else {
            if over {
                let text = if self.envelope.is_some() { NO_RECIPIENTS } else { NEED_RCPT };
                self.refuse(text, out);
            }
            return;
        };
        let Some(envelope) = &mut self.envelope else { return };
        let content = envelope.content.get_or_insert_default();
        content.feed_chunk(bytes);
        let total = content.size();
        if !over {
            return;
        }
        if total > LONGEST_MESSAGE {
            self.refuse("552 5.3.4 Chunk exceeds message size limit", out);
            self.drop_envelope(out);
        } else if last {
            self.queue(&format!("250 2.0.0 Ok: {total} bytes queued as "), out);
        } else {
            say(out, &format!("250 2.0.0 Ok: {size} bytes"));
        }
    }

    fn start_tls(&mut self, line: &[u8], rest: &[u8], out: &mut Output) -> Reading {
        tell_command(line, true, out);
        if !rest.is_empty() {
            self.refuse("501 5.5.4 Syntax: STARTTLS", out);
        } else if self.visit.encrypted {
            self.refuse("554 5.5.1 Error: TLS already active", out);
        } else {
            say(out, "220 2.0.0 Ready to start TLS");
            self.drop_envelope(out);
            return Reading::Tls;
        }
        Reading::Lines
    }

    fn begin_login(&mut self, line: &[u8], rest: &[u8], now: Timestamp, out: &mut Output) {
        let mut words = rest.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let (mechanism, initial) = (words.next().unwrap_or_default(), words.next());
        let refusal = if mechanism.is_empty() || words.next().is_some() {
            Some("501 5.5.4 Syntax: AUTH mechanism")
        } else if self.authenticated {
            Some("503 5.5.1 Error: already authenticated")
        } else if self.envelope.is_some() {
            Some("503 5.5.1 Error: MAIL transaction in progress")
        } else {
            None
        };
        if let Some(refusal) = refusal {
            tell_command(line, true, out);
            return self.refuse(refusal, out);
        }
        let Some((login, question)) = sasl::begin(mechanism, &self.host, now, &mut self.randomness)
        else {
            tell_command(line, false, out);
            return self.fail_login("no mechanism available", out);
        };
        match initial {
            Some(initial) => self.go_on_with_login(login, initial, out),
            None => self.ask(login, &question, out),
        }
    }

    fn ask(&mut self, login: Exchange, question: &[u8], out: &mut Output) {
        self.login = Some(login);
        say(out, &format!("334 {}", String::from_utf8_lossy(&base64(question))));
    }

    fn fail_login(&mut self, reason: &str, out: &mut Output) {
        self.refuse(&format!("535 5.7.8 Error: authentication failed: {reason}"), out);
    }

    fn go_on_with_login(&mut self, login: Exchange, line: &[u8], out: &mut Output) {
        if line == b"*" {
            return self.refuse("501 5.7.0 Authentication aborted", out);
        }
        match login.take(line) {
            Step::Ask(login, question) => self.ask(login, &question, out),
            Step::Failed(reason) => {
                tell_command(line, false, out);
                self.fail_login(reason, out);
            }
            Step::Tried { user, password, hashcat } => {
                if let Some(hashcat) = hashcat {
                    note(out, "hashcat 10200", hashcat);
                }
                self.judge(&user, password.as_deref(), out);
            }
        }
    }

    /// A mailbox is an account of the machine, whatever domain stands behind it.
    fn judge(&mut self, user: &[u8], password: Option<&[u8]>, out: &mut Output) {
        let (account, _) = parts(user);
        let accepted = password.is_some_and(|password| {
            self.identity.logins().admits(self.visit.source, account, password)
        });
        out.tell(Detail::Login {
            username: Some(HostileText::from_bytes(user)),
            password: password.map(HostileText::from_bytes),
            public_key: None,
            accepted,
        });
        self.authenticated = accepted;
        if accepted {
            say(out, "235 2.7.0 Authentication successful");
        } else {
            self.fail_login("authentication failure", out);
        }
    }
}

/// Why an option of `MAIL` is refused; `None` where it is not.
fn refusal_of(option: &[u8]) -> Option<String> {
    if begins(option, &["SIZE="]) {
        let size = option.get(5..).and_then(|text| std::str::from_utf8(text).ok());
        return match size.and_then(|text| text.parse::<u64>().ok()) {
            Some(size) if size > LONGEST_MESSAGE => {
                Some("552 5.3.4 Message size exceeds fixed limit".to_owned())
            }
            Some(_) => None,
            None => Some("501 5.5.4 Bad message size syntax".to_owned()),
        };
    }
    let whole = ["BODY=8BITMIME", "BODY=7BIT", "SMTPUTF8"];
    let known = whole.iter().any(|known| option.eq_ignore_ascii_case(known.as_bytes()))
        || begins(option, &["AUTH=", "RET=", "ENVID="]);
    (!known).then(|| format!("555 5.5.4 Unsupported option: {}", printable(option)))
}

fn begins(option: &[u8], names: &[&str]) -> bool {
    names.iter().any(|name| {
        option.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name.as_bytes()))
    })
}

fn say(out: &mut Output, text: &str) {
    out.reply(text.as_bytes());
    out.reply(b"\r\n");
}

fn note(out: &mut Output, name: &str, value: String) {
    out.tell(Detail::Note { name: name.into(), value: HostileText::from(value) });
}

fn tell_command(line: &[u8], known: bool, out: &mut Output) {
    out.tell(Detail::Command { line: HostileText::from_bytes(line), known: Some(known) });
}
