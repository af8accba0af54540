//! What the core believes of a trap's events: that they could have come from this trap at this time. Types bound what text can
//! hold; this looks at the rest. A trap that works never fails here.

use std::collections::BTreeSet;
use std::sync::Arc;

use kizashi_event::{Detail, Event, MOST_COUNTED, Port, Timestamp, canonical_ip};
use sha2::{Digest as _, Sha256};

/// How far an event's time may lie ahead of the core's clock: both read the same one.
const AHEAD: i64 = 5 * Timestamp::SECOND;
/// How far it may lie behind: the outbox can wait through a long outage of the core.
const BEHIND: i64 = 2 * Timestamp::DAY;
/// Header lines that a request's event may hold.
const MOST_HEADERS: usize = 1_024;

/// What events of this installation look like.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    /// The sensor's name.
    pub(crate) sensor: Arc<str>,
    /// Ports on which traps stand.
    pub(crate) ports: Arc<BTreeSet<Port>>,
    /// Whether every TCP port is led to a trap.
    pub(crate) all_tcp: bool,
}

impl Expected {
    /// The event, if it can be believed; what is wrong with it otherwise.
    pub(crate) fn believe(&self, mut event: Event, now: Timestamp) -> Result<Event, &'static str> {
        if event.sensor != self.sensor {
            return Err("an event of another sensor");
        }
        // One name for all, not one each.
        event.sensor = Arc::clone(&self.sensor);
        let led =
            self.all_tcp && event.port == Port::tcp(event.port.number) && event.port.number != 0;
        if !led && !self.ports.contains(&event.port) {
            return Err("an event on a port where no trap stands");
        }
        if event.time.since(now) > AHEAD || now.since(event.time) > BEHIND {
            return Err("an event of another time");
        }
        if event.session.is_none() || canonical_ip(event.source) != event.source {
            return Err("an event that no session tells");
        }
        if let Detail::Counted { events, sessions } = event.detail
            && (!(1..=MOST_COUNTED).contains(&events) || sessions > events)
        {
            return Err("an event that stands for more than a house sees in a second");
        }
        if matches!(event.detail, Detail::Attempt(_) | Detail::Scan(_)) {
            return Err("an event that a capture alone tells");
        }
        if let Detail::Request { request, .. } = &event.detail
            && request.headers.len() > MOST_HEADERS
        {
            return Err("a request with more headers than any trap reads");
        }
        if let Some(payload) = event.detail.carried() {
            let kept = payload.content.len() as u64;
            let size = payload.size.ok_or("a payload without its size")?;
            if size < kept {
                return Err("a payload larger than its size");
            }
            if size == kept
                && <[u8; 32]>::from(Sha256::digest(&payload.content)) != payload.sha256.0
            {
                return Err("a payload under a hash that is not its own");
            }
        }
        Ok(event)
    }
}

#[cfg(test)]
mod tests {
    use kizashi_event::{EventId, Payload, PayloadHash, PayloadOrigin, Service, SessionId};

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
        let expected = Expected {
            sensor: Arc::from("here"),
            ports: Arc::new([Port::tcp(22)].into()),
            all_tcp: false,
        };
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
        ];
        let everywhere = Expected { all_tcp: true, ..expected.clone() };
        let elsewhere = |port| everywhere.believe(Event { port, ..event() }, now);
        assert!(elsewhere(Port::tcp(40_000)).is_ok(), "led to the catch-all");
        assert!(elsewhere(Port::udp(40_000)).is_err() && elsewhere(Port::tcp(0)).is_err());
        for lie in lies {
            assert!(expected.believe(lie.clone(), now).is_err(), "{lie:?}");
        }
    }
}
