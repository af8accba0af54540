//! One connection, on 5986 inside TLS: requests in order. Who he is belongs to the connection, as NTLM over HTTP has it (RFC 4559), and so do the shells
//! that he opens; what they change on the machine stays for his next connections.

use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Detail, HostileText, PayloadOrigin, Service, Timestamp};

use super::http::{self, Incoming, Reader, Refusal, Request};
use super::sealed;
use super::shell::{Scene, Shells, encoded};
use super::soap::{self, Action, Fault, Made, Message};
use crate::capture::Capture;
use crate::http::decode_base64;
use crate::machine::WindowsMachine;
use crate::ntlm::{Acceptor, Seal, Step};
use crate::randomness::Randomness;
use crate::tls::{Product, TlsSession, Within, begins_like_tls};
use crate::{Identity, Output, Session, Visit};

pub(super) const SERVER: (&str, &str) = ("Server", "Microsoft-HTTPAPI/2.0");
const SOAP: (&str, &str) = ("Content-Type", "application/soap+xml;charset=UTF-8");
const SEALED: (&str, &str) = (
    "Content-Type",
    "multipart/encrypted;protocol=\"application/HTTP-SPNEGO-session-encrypted\";boundary=\"Encrypted Boundary\"",
);
/// The port that is HTTP whatever comes.
const PLAIN: u16 = 5985;
/// The port that is TLS whatever comes.
const SECURE: u16 = 5986;
const SERVICE: Service = Service::known("wsman");
/// How long the service waits for output that does not come, at most; it is as long as the client asked, up to this.
const LONGEST_WAIT: u64 = 20;
/// Texts of requests that are told, of one connection.
const MOST_NOTES: u32 = 64;

const WITHIN: Within = Within {
    begin: |identity, visit, _| Box::new(Visitor::new(identity, visit)),
    service: &SERVICE,
};

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    if visit.port.number == PLAIN {
        return Box::new(Visitor::new(identity, visit));
    }
    Box::new(Undecided { identity: Arc::clone(identity), visit, held: Vec::new(), inside: None })
}

/// A connection to 5986, or to a port of the owner's: its first bytes say whether it is TLS.
struct Undecided {
    identity: Arc<Identity>,
    visit: Visit,
    held: Vec<u8>,
    inside: Option<Box<dyn Session>>,
}

impl Undecided {
    fn decide(&mut self, tls: bool, now: Timestamp, out: &mut Output) {
        let mut inside: Box<dyn Session> = if tls {
            let product = Product::RemoteDesktop;
            Box::new(TlsSession::new(&self.identity, self.visit, product, WITHIN))
        } else {
            Box::new(Visitor::new(&self.identity, self.visit))
        };
        inside.open(now, out);
        inside.receive(&std::mem::take(&mut self.held), now, out);
        self.inside = Some(inside);
    }
}

impl Session for Undecided {
    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        if let Some(inside) = &mut self.inside {
            return inside.receive(bytes, now, out);
        }
        self.held.extend_from_slice(bytes);
        // The port of TLS has nothing else to say to other bytes than that they are none.
        if let Some(tls) = begins_like_tls(&self.held) {
            self.decide(tls || self.visit.port.number == SECURE, now, out);
        }
    }

    fn idle(&mut self, now: Timestamp, out: &mut Output) {
        if let Some(inside) = &mut self.inside {
            inside.idle(now, out);
        }
    }

    fn end(&mut self, now: Timestamp, out: &mut Output) {
        if self.inside.is_none() && !self.held.is_empty() {
            self.decide(self.visit.port.number == SECURE, now, out);
        }
        if let Some(inside) = &mut self.inside {
            inside.end(now, out);
        }
    }

    fn memory(&self) -> usize {
        self.held.len() + self.inside.as_ref().map_or(0, |inside| inside.memory())
    }
}

enum Who {
    Nobody,
    Challenged(Acceptor),
    /// He is in, by this name; with NTLM there are keys for both directions.
    Known(Box<Known>),
}

struct Known {
    user: String,
    machine: WindowsMachine,
    /// For what he sends, and for what he is sent.
    seals: Option<(Seal, Seal)>,
}

struct Visitor {
    identity: Arc<Identity>,
    visit: Visit,
    randomness: Randomness,
    reader: Reader,
    who: Who,
    shells: Shells,
    agent_told: bool,
    notes: u32,
    /// What leaves when a pause is over.
    later: Option<Vec<u8>>,
    over: Option<Capture>,
}

/// What is answered to a message, and after which pause.
struct Answer {
    status: &'static str,
    text: String,
    pause: Option<Duration>,
}

impl Answer {
    const fn ok(text: String) -> Self {
        Self { status: "200 ", text, pause: None }
    }
}

impl Visitor {
    fn new(identity: &Arc<Identity>, visit: Visit) -> Self {
        Self {
            identity: Arc::clone(identity),
            visit,
            randomness: identity.randomness(),
            reader: Reader::default(),
            who: Who::Nobody,
            shells: Shells::default(),
            agent_told: false,
            notes: 0,
            later: None,
            over: None,
        }
    }

    fn uuid(&mut self) -> String {
        let mut bytes: [u8; 16] = self.randomness.bytes();
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let digits = crate::hexadecimal::hexadecimal(&bytes).to_uppercase();
        let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
        parts.join("-")
    }

    fn note(&mut self, name: &str, value: &str, out: &mut Output) {
        if self.notes < MOST_NOTES && !value.is_empty() {
            self.notes += 1;
            out.tell(Detail::Note { name: name.into(), value: HostileText::from(value) });
        }
    }

    fn go_on(&mut self, now: Timestamp, out: &mut Output) {
        while !out.is_closing() && self.later.is_none() {
            if out.is_full() {
                return out.take_turns();
            }
            match self.reader.next(matches!(self.who, Who::Known(_))) {
                Incoming::More => return,
                Incoming::Unproved(request) => {
                    self.client(&request, out);
                    self.refuse(true, now, out);
                    self.over = Some(Capture::default());
                    out.close();
                }
                Incoming::Request(request) => {
                    self.request(&request, now, out);
                    if request.closes() && self.later.is_none() {
                        self.over = Some(Capture::default());
                        out.close();
                    }
                }
                Incoming::Refused(refusal) => {
                    out.reply(&refusal.page(now));
                    self.over = Some(Capture::default());
                    out.close();
                }
            }
        }
        if let Some(over) = &mut self.over {
            over.feed(&self.reader.rest());
        }
    }

    fn request(&mut self, request: &Request, now: Timestamp, out: &mut Output) {
        self.client(request, out);
        if !request.is_for_service() {
            let body = (!request.body.is_empty())
                .then(|| Box::new(Capture::of(&request.body).finish(PayloadOrigin::Sent)));
            out.tell(Detail::Request { request: Box::new(request.told(404)), body });
            out.reply(&Refusal::Missing.page(now));
            self.over = Some(Capture::default());
            return out.close();
        }
        if request.method != "POST" {
            out.tell(Detail::Request { request: Box::new(request.told(405)), body: None });
            return out.reply(&http::answer("405 ", &[("Allow", "POST"), SERVER], b"", false, now));
        }
        let identifies = request.header("wsmanidentify");
        if identifies.is_some_and(|value| value.eq_ignore_ascii_case("unauthenticated")) {
            self.note("winrm identify", "unauthenticated", out);
            let text = soap::identity(&self.identity.windows(), false);
            return out.reply(&http::answer("200 ", &[SOAP, SERVER], text.as_bytes(), false, now));
        }
        let mut token = None;
        if let Some(given) = request.header("authorization") {
            match self.proves(given, now, out) {
                Proof::Asked => return,
                Proof::Given(last) => token = last,
            }
        }
        if matches!(self.who, Who::Known(_)) {
            return self.serve(request, token.as_deref(), now, out);
        }
        self.refuse(false, now, out);
    }

    fn client(&mut self, request: &Request, out: &mut Output) {
        if let Some(agent) = request.header("user-agent").filter(|_| !self.agent_told) {
            self.agent_told = true;
            let version = Some(HostileText::from(agent));
            out.tell(Detail::Client { version, fingerprint: None, algorithms: None });
        }
    }

    fn refuse(&mut self, closes: bool, now: Timestamp, out: &mut Output) {
        self.who = Who::Nobody;
        let basic = ("WWW-Authenticate", "Basic realm=\"WSMAN\"");
        let headers = [SERVER, ("WWW-Authenticate", "Negotiate"), basic];
        out.reply(&http::answer("401 ", &headers, b"", closes, now));
    }

    fn proves(&mut self, given: &str, now: Timestamp, out: &mut Output) -> Proof {
        let (scheme, value) = given.split_once(' ').unwrap_or((given, ""));
        let before = std::mem::replace(&mut self.who, Who::Nobody);
        let Some(token) = decode_base64(value.trim().as_bytes()) else { return Proof::Given(None) };
        if scheme.eq_ignore_ascii_case("basic") {
            self.tells_password(&String::from_utf8_lossy(&token), before, out);
            return Proof::Given(None);
        }
        if !["negotiate", "ntlm"].contains(&scheme.to_ascii_lowercase().as_str()) {
            self.note("winrm scheme", scheme, out);
            return Proof::Given(None);
        }
        let mut acceptor = match before {
            Who::Challenged(acceptor) => acceptor,
            _ => Acceptor::new(self.randomness.bytes()),
        };
        match acceptor.receive(&token, &self.identity.windows(), now) {
            Step::Continue(reply) => {
                self.who = Who::Challenged(acceptor);
                let value = format!("{scheme} {}", encoded(&reply));
                let headers = [("WWW-Authenticate", value.as_str()), SERVER];
                out.reply(&http::answer("401 ", &headers, b"", false, now));
                Proof::Asked
            }
            Step::Answered(answered) => {
                if answered.admit(&self.identity, self.visit, out) {
                    self.enter(&answered.user, answered.seals());
                    let last = acceptor.completed(&answered);
                    let last = (!last.is_empty()).then(|| format!("{scheme} {}", encoded(&last)));
                    return Proof::Given(last);
                }
                Proof::Given(None)
            }
            Step::Unread => Proof::Given(None),
        }
    }

    /// Basic: the same name and password come with each request, and are told once.
    fn tells_password(&mut self, text: &str, before: Who, out: &mut Output) {
        let (user, password) = text.split_once(':').unwrap_or((text, ""));
        let short = user.rsplit('\\').next().unwrap_or(user);
        let (name, word) = (short.as_bytes(), password.as_bytes());
        let accepted = self.identity.logins().admits(self.visit.source, name, word);
        if let Who::Known(known) = before
            && accepted
            && known.seals.is_none()
            && known.user == account(user)
        {
            self.who = Who::Known(known);
            return;
        }
        out.tell(Detail::Login {
            username: Some(HostileText::from(user)),
            password: Some(HostileText::from(password)),
            public_key: None,
            accepted,
        });
        if accepted {
            self.enter(user, None);
        }
    }

    fn enter(&mut self, user: &str, seals: Option<(Seal, Seal)>) {
        let host = self.identity.windows().computer.to_lowercase();
        let user = account(user);
        let account = format!("{host}\\{user}");
        let machine =
            WindowsMachine::new(&self.identity, self.visit, &account, "C:\\Users\\Administrator");
        self.who = Who::Known(Box::new(Known { user, machine, seals }));
    }

    fn serve(&mut self, request: &Request, token: Option<&str>, now: Timestamp, out: &mut Output) {
        let opened = sealed::opened(&request.body);
        let was_sealed = opened.is_some();
        let text = match (opened, &mut self.who) {
            (None, _) => request.body.clone(),
            (Some((signature, content)), Who::Known(known)) => {
                let mut content = content.to_vec();
                let seal = known.seals.as_mut().map(|(theirs, _)| theirs);
                if !seal.is_some_and(|seal| seal.unseal(&mut content, signature)) {
                    let payload = Capture::of(&request.body).finish(PayloadOrigin::Sent);
                    out.tell(Detail::Payload(Box::new(payload)));
                    return self.refuse(false, now, out);
                }
                content
            }
            _ => return self.refuse(false, now, out),
        };
        let mut headers = vec![SOAP, SERVER];
        headers.extend(token.map(|token| ("WWW-Authenticate", token)));
        if text.is_empty() {
            return out.reply(&http::answer("200 ", &headers, b"", false, now));
        }
        let Answer { status, text, pause } =
            self.message(&String::from_utf8_lossy(&text), now, out);
        let mut content = text.into_bytes();
        if let Who::Known(known) = &mut self.who
            && let Some((_, ours)) = known.seals.as_mut().filter(|_| was_sealed)
        {
            let signature = ours.seal(&mut content);
            content = sealed::in_parts(&signature, &content);
            headers[0] = SEALED;
        }
        let answer = http::answer(status, &headers, &content, false, now);
        match pause {
            None => out.reply(&answer),
            Some(pause) => {
                self.later = Some(answer);
                out.take_turns_after(pause);
            }
        }
    }

    fn message(&mut self, text: &str, now: Timestamp, out: &mut Output) -> Answer {
        let message = Message::read(text);
        let (own, name) = (self.uuid(), self.uuid());
        let numbers = (message.number.as_str(), own.as_str());
        let windows = self.identity.windows();
        let Who::Known(known) = &mut self.who else { return Answer::ok(String::new()) };
        let mut scene = Scene { machine: &mut known.machine, windows: &windows, now, name };
        let shells = &mut self.shells;
        let done = match message.action {
            Action::Identify => Ok(soap::identity(&windows, true)),
            Action::Create
                if message.resource.contains("/shell/") || message.is_for_powershell() =>
            {
                shells.create(&message, &scene).map(|shell| {
                    let address = self.visit.source.to_string();
                    let made = Made {
                        shell: &shell,
                        resource: &message.resource,
                        owner: &format!("{}\\{}", windows.computer, known.user),
                        address: &address,
                        port: self.visit.port.number,
                    };
                    soap::created(numbers, &made)
                })
            }
            Action::Command => shells
                .command(&message, &mut scene, out)
                .map(|command| soap::commanded(numbers, &command)),
            Action::Receive => shells
                .receive(&message)
                .map(|printed| soap::received(numbers, &message.command, &printed)),
            Action::Send => {
                shells.send(&message, &mut scene, out).map(|()| soap::done(message.action, numbers))
            }
            Action::Signal => shells.signal(&message).map(|()| soap::done(message.action, numbers)),
            Action::Delete => shells.delete(&message).map(|()| soap::done(message.action, numbers)),
            Action::Get if message.resource.ends_with("/wsman/1/config") => {
                Ok(soap::configuration(numbers))
            }
            Action::Create | Action::Get => Err(Fault::NoSuchResource),
            Action::Other => Err(Fault::Unsupported),
        };
        match done {
            Ok(text) => Answer::ok(text),
            Err(fault) => {
                let text = soap::fault(numbers, fault, &windows.computer);
                if matches!(fault, Fault::Unsupported | Fault::NoSuchResource) {
                    let parts = [&message.address, &message.resource, &message.filter];
                    self.note("winrm request", parts.map(String::as_str).join(" ").trim(), out);
                }
                let seconds = message.patience.clamp(1, LONGEST_WAIT);
                let pause = (fault == Fault::TimedOut).then(|| Duration::from_secs(seconds));
                Answer { status: "500 ", text, pause }
            }
        }
    }
}

/// What comes of an attempt to say who one is.
enum Proof {
    /// It was answered: more is to come.
    Asked,
    /// It is over, with a last token for the one who is in.
    Given(Option<String>),
}

/// A user's name as the machine has it.
fn account(user: &str) -> String {
    let user = user.rsplit('\\').next().unwrap_or(user).to_lowercase();
    let known = |letter: &char| letter.is_alphanumeric() || "-_.".contains(*letter);
    user.chars().filter(known).take(20).collect()
}

impl Session for Visitor {
    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        if let Some(later) = self.later.take() {
            out.reply(&later);
        }
        if let Some(over) = &mut self.over {
            return over.feed(bytes);
        }
        self.reader.push(bytes);
        self.go_on(now, out);
    }

    fn end(&mut self, now: Timestamp, out: &mut Output) {
        if self.later.take().is_some() {
            self.go_on(now, out);
        }
        if let Some(half) = self.reader.half() {
            let mut told = half.told(0);
            (told.status, told.malformed) = (None, true);
            out.tell(Detail::Request { request: Box::new(told), body: None });
        }
        let rest = self.over.take().unwrap_or_else(|| Capture::of(&self.reader.rest()));
        if rest.size() > 0 {
            out.tell(Detail::Payload(Box::new(rest.finish(PayloadOrigin::Sent))));
        }
    }

    fn memory(&self) -> usize {
        let over = self.over.as_ref().map_or(0, |over| over.content().len());
        let machine = match &self.who {
            Who::Nobody => 0,
            Who::Challenged(acceptor) => acceptor.memory(),
            Who::Known(known) => known.user.len() + known.machine.memory(),
        };
        self.reader.memory() + over + machine + self.shells.memory()
    }
}
