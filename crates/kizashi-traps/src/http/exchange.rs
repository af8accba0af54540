//! Bytes to whole requests on one connection, for every server that speaks HTTP: heads, bodies, and what comes after the end. It answers
//! nothing but `100 Continue`; what a request gets, and in which words, is the session's around it.

use kizashi_event::{Detail, HostileText, Payload, PayloadOrigin, Request, http_print};

use super::basic;
use super::body::{BodyProgress, BodyReader};
use super::grammar::{Fault, Framing, Grammar, Version, values};
use super::wire::{Head, HeadReader, Progress, guess};
use crate::Output;
use crate::capture::Capture;

enum State {
    Head,
    Body(Box<(Head, BodyReader)>),
    /// The answer is given; what still comes is kept. With a request, it was refused and is told at the end.
    Ending(Box<(Option<Request>, Capture)>),
}

/// What the bytes so far amount to.
pub(crate) enum Incoming {
    /// Nothing to answer yet.
    More,
    /// A request; its head is marked malformed where its body broke the framing.
    Request(Box<(Head, BodyReader)>, BodyProgress),
    /// The server would refuse; [`Exchange::refuse`] goes on.
    Refused(Fault),
}

/// One connection's bytes.
pub(crate) struct Exchange {
    grammar: Grammar,
    reader: HeadReader,
    state: State,
}

impl Exchange {
    pub(crate) const fn new(grammar: Grammar) -> Self {
        Self { grammar, reader: HeadReader::new(grammar), state: State::Head }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.reader.push(bytes);
    }

    /// The bytes that no request has taken yet.
    pub(crate) fn rest(&self) -> &[u8] {
        self.reader.rest()
    }

    /// The connection goes on in another protocol, with these bytes first.
    pub(crate) fn hand_over(&mut self) -> Vec<u8> {
        let rest = self.reader.rest().to_vec();
        self.reader.consume(usize::MAX);
        rest
    }

    /// The next thing to answer. To be called until it says [`Incoming::More`].
    pub(crate) fn next(&mut self, out: &mut Output) -> Incoming {
        if matches!(self.state, State::Head) {
            match self.reader.advance() {
                Progress::More => return Incoming::More,
                Progress::Refused(fault) => return Incoming::Refused(fault),
                Progress::Head(head) => self.begin_body(*head, out),
            }
        }
        match std::mem::replace(&mut self.state, State::Head) {
            State::Head => Incoming::More,
            State::Body(parts) => self.take_body(parts),
            State::Ending(mut parts) => {
                parts.1.feed(self.reader.rest());
                self.reader.consume(usize::MAX);
                self.state = State::Ending(parts);
                Incoming::More
            }
        }
    }

    fn begin_body(&mut self, head: Head, out: &mut Output) {
        let expects = values(&head.request.headers, "expect")
            .any(|value| value.trim().eq_ignore_ascii_case("100-continue"));
        if expects && head.framing != Framing::None && head.version >= Version::ONE_ONE {
            out.reply(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        let body = match self.grammar {
            Grammar::Apache => BodyReader::strict(head.framing),
            Grammar::Nginx | Grammar::Netty | Grammar::Application(_) => {
                BodyReader::new(head.framing)
            }
        };
        self.state = State::Body(Box::new((head, body)));
    }

    fn take_body(&mut self, mut parts: Box<(Head, BodyReader)>) -> Incoming {
        let (used, progress) = parts.1.feed(self.reader.rest());
        self.reader.consume(used);
        match progress {
            BodyProgress::More => {
                self.state = State::Body(parts);
                return Incoming::More;
            }
            BodyProgress::Broken => parts.0.request.malformed = true,
            BodyProgress::Whole => {}
        }
        Incoming::Request(parts, progress)
    }

    /// The conversation is over: what still comes is kept and told at the end.
    pub(crate) fn close(&mut self) {
        self.state = State::Ending(Box::default());
    }

    /// The same for what was refused with this status.
    pub(crate) fn refuse(&mut self, fault: Fault, status: u16) {
        let (raw, mut request) = self.reader.give_up();
        request.status = Some(status);
        request.malformed = fault.is_of_form();
        self.state = State::Ending(Box::new((Some(request), Capture::of(&raw))));
    }

    /// Whether nothing was taken from the connection yet.
    pub(crate) const fn is_first(&self) -> bool {
        matches!(self.state, State::Head) && !self.reader.is_inside_head()
    }

    /// Whether a request is awaited of which nothing has come.
    pub(crate) fn is_between(&self) -> bool {
        self.reader.is_empty() && matches!(self.state, State::Head)
    }

    /// Whether a first line has come and its head not.
    pub(crate) fn is_inside_head(&self) -> bool {
        matches!(self.state, State::Head) && self.reader.is_inside_head()
    }

    /// Nothing more comes: tells what was half received, after `name` has said what it is by its target and body.
    pub(crate) fn end(&mut self, out: &mut Output, name: impl Fn(&mut Request, &[u8], &[u8])) {
        match std::mem::replace(&mut self.state, State::Ending(Box::default())) {
            State::Head if self.reader.is_empty() => {}
            State::Head => {
                let (raw, request) = self.reader.give_up();
                tell_refused(request, Capture::of(&raw), out, name);
            }
            State::Body(parts) => {
                let (mut head, body) = *parts;
                // Named first: who went away in the middle of a body broke no rule of the head's.
                name(&mut head.request, &head.target, body.content());
                head.request.malformed = true;
                tell(head, body, out);
            }
            State::Ending(parts) => match *parts {
                (Some(request), raw) => tell_refused(request, raw, out, name),
                (None, surplus) if !surplus.content().is_empty() => {
                    out.tell(Detail::Payload(Box::new(surplus.finish(PayloadOrigin::Sent))));
                }
                (None, _) => {}
            },
        }
    }

    pub(crate) fn memory(&self) -> usize {
        self.reader.memory()
            + match &self.state {
                State::Head => 0,
                State::Body(parts) => parts.1.memory() + parts.0.raw.as_ref().map_or(0, Vec::len),
                State::Ending(parts) => parts.1.content().len(),
            }
    }
}

/// The request, and beside it a login that it carried and the head's own bytes where its fields do not hold them whole.
pub(crate) fn tell(head: Head, body: BodyReader, out: &mut Output) {
    tell_request(head.request, head.raw, body.finish(), out);
}

/// The same for what came otherwise than as lines.
pub(crate) fn tell_request(
    mut request: Request,
    raw: Option<Vec<u8>>,
    body: Option<Payload>,
    out: &mut Output,
) {
    let login = values(&request.headers, "authorization").find_map(basic::login);
    request.print = Some(http_print(&request).into());
    out.tell(Detail::Request { request: Box::new(request), body: body.map(Box::new) });
    if let Some(login) = login {
        out.tell(login);
    }
    if let Some(raw) = raw {
        let mut payload = Capture::of(&raw).finish(PayloadOrigin::Sent);
        payload.name = Some(HostileText::from("request head"));
        out.tell(Detail::Payload(Box::new(payload)));
    }
}

fn tell_refused(
    mut request: Request,
    raw: Capture,
    out: &mut Output,
    name: impl Fn(&mut Request, &[u8], &[u8]),
) {
    if request.method.raw().is_empty() {
        guess(&mut request, raw.content());
    }
    let target = request.target.raw().as_bytes().to_vec();
    name(&mut request, &target, raw.content());
    if !request.headers.is_empty() {
        request.print = Some(http_print(&request).into());
    }
    let body = Some(Box::new(raw.finish(PayloadOrigin::Sent)));
    out.tell(Detail::Request { request: Box::new(request), body });
}
