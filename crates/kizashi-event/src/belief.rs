//! What is believed of events that another process or machine tells: that they could have come from there at this time. The core asks this of
//! its traps and its capture, the hub of a fleet of each sensor. Types bound what text can hold; this looks at the rest. Who works never
//! fails here.

use std::collections::BTreeSet;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::{
    Detail, Event, MOST_COUNTED, Outcome, Payload, Port, Timestamp, Transport, canonical_ip,
};

/// How far an event's time may lie ahead of the core's clock: both read the same one.
const AHEAD: i64 = 5 * Timestamp::SECOND;
/// How far it may lie behind: the outbox can wait through a long outage of the core.
const BEHIND: i64 = 2 * Timestamp::DAY;
/// The same of another machine, whose spool waits longer, and whose clock may have been set while events waited there. The store flags what
/// lies in the future, and it moves nothing.
const SENSOR_BEHIND: i64 = 31 * Timestamp::DAY;
const SENSOR_AHEAD: i64 = Timestamp::DAY;
/// Header lines that a request's event may hold.
const MOST_HEADERS: usize = 1_024;

/// Bytes of a datagram that a capture keeps at most.
const MOST_OF_DATAGRAM: usize = 2_048;
/// Fingerprints that one attempt shows at most.
const MOST_FINGERPRINTS: usize = 8;

/// Who tells.
#[derive(Clone, Debug)]
pub enum Teller {
    /// A trap.
    Trap {
        /// Ports on which it stands.
        ports: Arc<BTreeSet<Port>>,
        /// Whether every TCP port is led to it.
        all_tcp: bool,
    },
    /// The capture.
    Capture,
    /// Another machine: what its own core believed of its traps and its capture. Which ports it has is its own business.
    Sensor,
}

/// What events of this installation look like.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The sensor's name.
    pub sensor: Arc<str>,
    /// Who tells.
    pub teller: Teller,
}

impl Expected {
    /// The event, if it can be believed.
    ///
    /// # Errors
    /// What is wrong with it, in half a sentence.
    pub fn believe(&self, mut event: Event, now: Timestamp) -> Result<Event, &'static str> {
        if event.sensor != self.sensor {
            return Err("an event of another sensor");
        }
        // One name for all, not one each.
        event.sensor = Arc::clone(&self.sensor);
        // A scan bears the time of its first attempt and counts nothing; it may have gone on for weeks.
        let (behind, ahead) = match self.teller {
            Teller::Sensor => (SENSOR_BEHIND, SENSOR_AHEAD),
            Teller::Trap { .. } | Teller::Capture => (BEHIND, AHEAD),
        };
        let is_old = now.since(event.time) > behind && !matches!(event.detail, Detail::Scan(_));
        if event.time.since(now) > ahead || is_old {
            return Err("an event of another time");
        }
        if canonical_ip(event.source) != event.source {
            return Err("an event that no session tells");
        }
        if let Detail::Counted { events, sessions } = event.detail
            && (!(1..=MOST_COUNTED).contains(&events) || sessions > events)
        {
            return Err("an event that stands for more than a house sees in a second");
        }
        match &self.teller {
            Teller::Trap { ports, all_tcp } => of_trap(&event, ports, *all_tcp),
            Teller::Capture => of_capture(&event),
            Teller::Sensor if tells_of_packets(&event) => of_capture(&event),
            Teller::Sensor => of_session(&event),
        }?;
        event.detail.carried().map_or(Ok(()), is_its_own)?;
        Ok(event)
    }
}

fn of_trap(event: &Event, ports: &BTreeSet<Port>, all_tcp: bool) -> Result<(), &'static str> {
    let led = all_tcp && event.port == Port::tcp(event.port.number) && event.port.number != 0;
    if !led && !ports.contains(&event.port) {
        return Err("an event on a port where no trap stands");
    }
    of_session(event)
}

/// Whether a capture told it: nothing of its kind has a session but a connection that was opened.
const fn tells_of_packets(event: &Event) -> bool {
    event.session.is_none() || matches!(event.detail, Detail::Attempt(_))
}

fn of_session(event: &Event) -> Result<(), &'static str> {
    if event.session.is_none() {
        return Err("an event that no session tells");
    }
    match &event.detail {
        Detail::Attempt(_) | Detail::Scan(_) | Detail::Backscatter(_) => {
            Err("an event that a capture alone tells")
        }
        Detail::Request { request, .. } if request.headers.len() > MOST_HEADERS => {
            Err("a request with more headers than any trap reads")
        }
        _ => Ok(()),
    }
}

/// Whoever breaks into the process that sees packets can say that somebody knocked, and nothing of what is said to a trap.
fn of_capture(event: &Event) -> Result<(), &'static str> {
    let is_opened = matches!(&event.detail, Detail::Attempt(attempt) if attempt.outcome == Some(Outcome::Completed));
    if event.session.is_some() != is_opened {
        return Err("a session that no capture sees");
    }
    match &event.detail {
        Detail::Attempt(attempt) if attempt.fingerprints.len() > MOST_FINGERPRINTS => {
            Err("an attempt with more fingerprints than there are")
        }
        Detail::Backscatter(echo) if !(1..=MOST_COUNTED).contains(&echo.packets) => {
            Err("an event that stands for more than a house sees in a second")
        }
        Detail::Payload(payload)
            if event.port.transport != Transport::Udp
                || payload.content.len() > MOST_OF_DATAGRAM
                || payload.name.is_some()
                || payload.url.is_some() =>
        {
            Err("a payload that is no datagram")
        }
        Detail::Attempt(_)
        | Detail::Scan(_)
        | Detail::Backscatter(_)
        | Detail::Counted { .. }
        | Detail::Payload(_) => Ok(()),
        _ => Err("an event that no capture tells"),
    }
}

fn is_its_own(payload: &Payload) -> Result<(), &'static str> {
    let kept = payload.content.len() as u64;
    let size = payload.size.ok_or("a payload without its size")?;
    if size < kept {
        return Err("a payload larger than its size");
    }
    if size == kept && <[u8; 32]>::from(Sha256::digest(&payload.content)) != payload.sha256.0 {
        return Err("a payload under a hash that is not its own");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{
        Attempt, Backscatter, BackscatterKind, EventId, PayloadHash, PayloadOrigin, Scan,
        ScanOrder, Service, SessionId,
    };

    use super::*;

    fn event() -> Event {
        Event {
            time: Timestamp::from_seconds(1_740_000_000),
            id: EventId(1),
            sensor: Arc::from("here"),
            session: Some(SessionId(1)),
            source: "192.0.2.1".parse().unwrap(),
            source_port: 1,
            destination: None,
            port: Port::tcp(22),
            service: Service::UNKNOWN,
            detail: Detail::Connect,
        }
    }

    #[test]
    fn what_a_trap_tells_is_believed_and_each_lie_is_not() {
        let teller = Teller::Trap { ports: Arc::new([Port::tcp(22)].into()), all_tcp: false };
        let expected = Expected { sensor: Arc::from("here"), teller };
        let now = event().time;
        assert_eq!(expected.believe(event(), now), Ok(event()));
        let payload = |content: &[u8], size| {
            Detail::Payload(Box::new(Payload {
                sha256: PayloadHash(Sha256::digest(b"true").into()),
                size,
                content: content.to_vec(),
                origin: PayloadOrigin::Sent,
                name: None,
                url: None,
                left_out: false,
            }))
        };
        let truth = Event { detail: payload(b"true", Some(4)), ..event() };
        assert!(expected.believe(truth, now).is_ok());
        let cut = Event { detail: payload(b"tr", Some(4)), ..event() };
        assert!(expected.believe(cut, now).is_ok(), "only a part is kept of long content");
        let recording = |content: &[u8]| match payload(content, Some(4)) {
            Detail::Payload(content) => Detail::Recording { part: 0, content },
            other => other,
        };
        assert!(expected.believe(Event { detail: recording(b"true"), ..event() }, now).is_ok());
        let counted =
            |events, sessions| Event { detail: Detail::Counted { events, sessions }, ..event() };
        assert!(expected.believe(counted(MOST_COUNTED, 1), now).is_ok());
        let lies = [
            Event { sensor: Arc::from("there"), ..event() },
            Event { port: Port::tcp(23), ..event() },
            Event { port: Port::udp(22), ..event() },
            Event { time: now.plus(60 * Timestamp::SECOND), ..event() },
            Event { time: now.plus(-3 * Timestamp::DAY), ..event() },
            Event { session: None, ..event() },
            Event { source: "::ffff:192.0.2.1".parse().unwrap(), ..event() },
            Event { detail: payload(b"lies", Some(4)), ..event() },
            Event { detail: payload(b"true", Some(3)), ..event() },
            Event { detail: payload(b"true", None), ..event() },
            Event { detail: recording(b"lies"), ..event() },
            counted(0, 0),
            counted(2, 3),
            counted(MOST_COUNTED + 1, 0),
            counted(u64::MAX, u64::MAX),
            Event { detail: Detail::Attempt(Box::default()), ..event() },
            Event { detail: echo(1), ..event() },
        ];
        let teller = Teller::Trap { ports: Arc::default(), all_tcp: true };
        let everywhere = Expected { teller, ..expected.clone() };
        let elsewhere = |port| everywhere.believe(Event { port, ..event() }, now);
        assert!(elsewhere(Port::tcp(40_000)).is_ok(), "led to the catch-all");
        assert!(elsewhere(Port::udp(40_000)).is_err() && elsewhere(Port::tcp(0)).is_err());
        for lie in lies {
            assert!(expected.believe(lie.clone(), now).is_err(), "{lie:?}");
        }
    }

    #[test]
    fn another_machine_is_believed_what_its_traps_and_its_capture_tell_on_any_port_for_a_month() {
        let expected = Expected { sensor: Arc::from("here"), teller: Teller::Sensor };
        let now = event().time;
        let attempt = || Detail::Attempt(Box::default());
        let packet = |detail| Event { session: None, port: Port::tcp(4_899), detail, ..event() };
        for truth in [
            Event { port: Port::tcp(40_000), ..event() },
            Event { time: now.plus(-9 * Timestamp::DAY), ..event() },
            packet(attempt()),
            packet(scan()),
        ] {
            assert!(expected.believe(truth.clone(), now).is_ok(), "{truth:?}");
        }
        for lie in [
            Event { sensor: Arc::from("there"), ..event() },
            Event { time: now.plus(-32 * Timestamp::DAY), ..event() },
            Event { time: now.plus(2 * Timestamp::DAY), ..event() },
            packet(Detail::Connect),
            Event { detail: attempt(), ..event() },
        ] {
            assert!(expected.believe(lie.clone(), now).is_err(), "{lie:?}");
        }
    }

    fn echo(packets: u64) -> Detail {
        Detail::Backscatter(Backscatter { kind: BackscatterKind::Rst, packets })
    }

    fn scan() -> Detail {
        Detail::Scan(Box::new(Scan {
            ports: 10,
            destinations: 1,
            attempts: 10,
            duration_ms: 1,
            order: ScanOrder::Mixed,
            first_ports: Vec::new(),
            pattern: None,
            spread: None,
        }))
    }

    #[test]
    fn a_capture_is_believed_who_knocked_and_nothing_that_only_a_trap_knows() {
        let expected = Expected { sensor: Arc::from("here"), teller: Teller::Capture };
        let knock =
            |detail: Detail| Event { session: None, port: Port::tcp(4_899), detail, ..event() };
        let attempt = |outcome, fingerprints: usize| {
            Detail::Attempt(Box::new(Attempt {
                outcome,
                fingerprints: vec!["scanner:zmap".into(); fingerprints],
                ..Attempt::default()
            }))
        };
        let datagram = |content: &[u8], name: Option<&str>| {
            Detail::Payload(Box::new(Payload {
                sha256: PayloadHash(Sha256::digest(content).into()),
                size: Some(content.len() as u64),
                content: content.to_vec(),
                origin: PayloadOrigin::Sent,
                name: name.map(Into::into),
                url: None,
                left_out: false,
            }))
        };
        let udp = |detail| Event { port: Port::udp(4_899), ..knock(detail) };
        let opened = attempt(Some(Outcome::Completed), 2);
        let now = event().time;
        for truth in [
            knock(attempt(Some(Outcome::Unanswered), 2)),
            knock(attempt(None, 0)),
            Event { session: Some(SessionId(1)), ..knock(opened.clone()) },
            knock(echo(9)),
            knock(Detail::Counted { events: 7, sessions: 0 }),
            udp(datagram(b"x", None)),
            Event { time: now.plus(-9 * Timestamp::DAY), ..knock(scan()) },
        ] {
            assert!(expected.believe(truth.clone(), now).is_ok(), "{truth:?}");
        }
        let login =
            Detail::Login { username: None, password: None, public_key: None, accepted: true };
        for lie in [
            event(),
            knock(Detail::Connect),
            knock(opened),
            knock(login),
            knock(Detail::Command { line: "rm".into(), known: None }),
            knock(attempt(None, 9)),
            knock(echo(0)),
            knock(echo(MOST_COUNTED + 1)),
            knock(datagram(b"over TCP", None)),
            udp(datagram(&[0; MOST_OF_DATAGRAM + 1], None)),
            udp(datagram(b"x", Some("name"))),
            Event { time: now.plus(-3 * Timestamp::DAY), ..knock(attempt(None, 0)) },
            Event { time: now.plus(Timestamp::HOUR), ..knock(attempt(None, 0)) },
            Event { sensor: Arc::from("there"), ..knock(attempt(None, 0)) },
            Event { source: "::ffff:192.0.2.1".parse().unwrap(), ..knock(attempt(None, 0)) },
        ] {
            assert!(expected.believe(lie.clone(), now).is_err(), "{lie:?}");
        }
    }
}
