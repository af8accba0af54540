//! Greetings whose answer is awaited, since 4.4: a driver that watches a server sends back the `topologyVersion` of the last answer, and how long it will
//! wait for another. Nothing ever changes here, so that time goes by first. Where the driver allows it (`exhaustAllowed`) the answer says that more
//! is to come, and the next follows unasked ("Server Discovery and Monitoring: Server Monitoring", the streaming protocol); without it mongosh
//! and newer drivers give up.

use std::time::Duration;

use kizashi_event::Timestamp;

use super::bson::{Value, document, field};
use super::release::Release;
use super::wire::{Manner, Request};

/// The first release's wire version that waits.
const WIRE: i32 = 9;
/// No driver asks for less or more than this, in milliseconds.
const PAUSES: std::ops::RangeInclusive<i64> = 500..=30_000;

#[derive(Debug)]
pub(super) struct Awaited {
    /// What is answered, over and over.
    pub(super) request: Request,
    pause: i64,
    due: i64,
}

impl Awaited {
    /// Such a greeting; `None` of any other request.
    pub(super) fn of(request: &Request, release: &Release, now: Timestamp) -> Option<Self> {
        let (verb, _) = request.command.first()?;
        let greets = matches!(verb.as_slice(), b"hello" | b"isMaster" | b"ismaster");
        let answers = matches!(request.manner, Manner::Message | Manner::Exhaust);
        if !greets || !answers || release.wire < WIRE {
            return None;
        }
        field(&request.command, "topologyVersion")?;
        let pause = field(&request.command, "maxAwaitTimeMS").and_then(Value::whole)?;
        let pause = pause.clamp(*PAUSES.start(), *PAUSES.end()) * 1_000;
        let mut command = document([("helloOk", Value::Bool(true))]);
        command.insert(0, (verb.clone(), Value::Int(1)));
        let request = Request { command, database: request.database.clone(), ..*request };
        Some(Self { request, pause, due: now.micros() + pause })
    }

    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        now.micros() >= self.due
    }

    /// How long until then.
    pub(super) fn left(&self, now: Timestamp) -> Duration {
        Duration::from_micros(u64::try_from(self.due - now.micros()).unwrap_or(0))
    }

    /// How the answer is sent, and whether another follows.
    pub(super) fn manner(&self) -> (Manner, bool) {
        match self.request.manner {
            Manner::Exhaust => (Manner::MoreToCome, true),
            manner => (manner, false),
        }
    }

    /// The next one, which answers the answer before it.
    pub(super) fn next(self, answer: u32, now: Timestamp) -> Self {
        let request = Request { number: answer, ..self.request };
        Self { request, due: now.micros() + self.pause, ..self }
    }
}
