//! From a message to events that are believed. No network and no clock: what a message becomes depends on the message alone, so that one that
//! is delivered a second time becomes the same events, and the store knows them.
//!
//! **Clocks.** Each message says when it was sent by the sensor's clock; the servers say when they had it. The difference is how far the
//! clock is behind, and a connection's delay, which is small beside what matters here. From [`CORRECTED_FROM`] on events are moved by it, in
//! whole seconds; past [`MOST_WRONG`] the sensor is refused and told, for then its clock is no clock.

use std::sync::Arc;

use kizashi_event::belief::{Expected, Teller};
use kizashi_event::{Event, Timestamp};

use crate::name::SensorName;
use crate::record::{self, Body, ContentHash, Place, RecordError, Status, Travelling};

/// Microseconds of difference from which events are moved: above what a slow connection makes.
pub const CORRECTED_FROM: i64 = 5 * Timestamp::SECOND;
/// Microseconds of difference at most.
pub const MOST_WRONG: i64 = Timestamp::DAY;

/// Why a message is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Its record is none.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// It came on a subject of no sensor.
    #[error("a message came on a subject of no sensor")]
    Subject,
    /// It does not say when it was sent.
    #[error("a message came that does not say when it was sent")]
    Sent,
    /// The sensor's clock is wrong beyond correction.
    #[error("its clock is {0} hours off; set it (timedatectl set-ntp true)")]
    Clock(i64),
    /// An event that could not have come from there.
    #[error("{0} came")]
    Event(&'static str),
}

/// A message as the servers delivered it.
#[derive(Clone, Copy, Debug)]
pub struct Delivered<'a> {
    /// Its subject.
    pub subject: &'a str,
    /// The header that says when it was sent.
    pub sent: Option<&'a str>,
    /// When the servers had it.
    pub published: Timestamp,
    /// The record.
    pub record: &'a [u8],
}

/// What a message said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Believed {
    /// Who.
    pub sensor: SensorName,
    /// Which record.
    pub place: Place,
    /// Microseconds by which the sensor's clock is behind.
    pub behind: i64,
    /// What.
    pub news: News,
}

/// What was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Events that are whole but for content that travels apart; they are checked once it is there.
    Events(Vec<Travelling>),
    /// Content, under its own hash.
    Content(ContentHash, Vec<u8>),
    /// The sensor lives.
    Heartbeat(Status),
}

/// Reads a message.
///
/// # Errors
/// Why it is not believed.
pub fn read(delivered: Delivered<'_>) -> Result<Believed, Refusal> {
    let sensor = SensorName::of_subject(delivered.subject).ok_or(Refusal::Subject)?;
    let record = record::read(delivered.record)?;
    let sent: i64 = delivered.sent.and_then(|text| text.parse().ok()).ok_or(Refusal::Sent)?;
    let behind = delivered.published.micros().checked_sub(sent).ok_or(Refusal::Sent)?;
    if behind.unsigned_abs() > MOST_WRONG.unsigned_abs() {
        return Err(Refusal::Clock(behind / Timestamp::HOUR));
    }
    let news = match record.body {
        Body::Events(events) => News::Events(events),
        Body::Content(hash, content) => News::Content(hash, content),
        Body::Heartbeat(status) => News::Heartbeat(status),
    };
    Ok(Believed { sensor, place: record.place, behind, news })
}

/// Checks events, their content within them, and sets their times right.
///
/// # Errors
/// Why they are not believed: all of them, for who sends one lie sends no truth.
pub fn believe(
    sensor: &SensorName,
    events: Vec<Event>,
    published: Timestamp,
    behind: i64,
) -> Result<Vec<Event>, Refusal> {
    let expected = Expected { sensor: Arc::from(sensor.as_str()), teller: Teller::Sensor };
    let sent = published.plus(-behind);
    let correction = match behind {
        small if small.abs() < CORRECTED_FROM => 0,
        large => large - large.rem_euclid(Timestamp::SECOND),
    };
    let checked = events.into_iter().map(|event| {
        let mut event = expected.believe(event, sent).map_err(Refusal::Event)?;
        event.time = event.time.plus(correction);
        Ok(event)
    });
    checked.collect()
}

#[cfg(test)]
mod tests {
    use kizashi_event::{Detail, EventId, Port, Service, SessionId};

    use super::*;
    use crate::record::{Gatherer, entry_of, heartbeat_record};

    const NOW: Timestamp = Timestamp::from_seconds(1_780_000_000);

    fn event(sensor: &str, time: Timestamp) -> Event {
        Event {
            time,
            id: EventId(1),
            sensor: Arc::from(sensor),
            session: Some(SessionId(1)),
            source: "192.0.2.1".parse().unwrap(),
            source_port: 1,
            destination: None,
            port: Port::tcp(22),
            service: Service::UNKNOWN,
            detail: Detail::Connect,
        }
    }

    fn name(text: &str) -> SensorName {
        SensorName::parse(text).unwrap()
    }

    fn delivered<'a>(subject: &'a str, sent: Option<&'a str>, record: &'a [u8]) -> Delivered<'a> {
        Delivered { subject, sent, published: NOW, record }
    }

    #[test]
    fn a_clock_that_is_a_little_wrong_is_left_one_that_is_more_is_corrected_and_one_beyond_is_refused()
     {
        let heartbeat = heartbeat_record(1, &Status::default());
        let read_at = |behind: i64| {
            let sent = NOW.plus(-behind).micros().to_string();
            read(delivered("kizashi.events.a", Some(&sent), &heartbeat)).map(|it| it.behind)
        };
        assert_eq!(read_at(0), Ok(0));
        assert_eq!(read_at(-MOST_WRONG), Ok(-MOST_WRONG));
        assert_eq!(read_at(2 * MOST_WRONG), Err(Refusal::Clock(48)));
        assert_eq!(read_at(-MOST_WRONG - 1), Err(Refusal::Clock(-24)));
        let corrected = |behind: i64| {
            let by_its_clock = NOW.plus(-behind);
            let events = vec![event("a", by_its_clock)];
            believe(&name("a"), events, NOW, behind).unwrap()[0].time.since(NOW)
        };
        assert_eq!(corrected(0), 0);
        assert_eq!(corrected(CORRECTED_FROM - 1), 1 - CORRECTED_FROM, "as it came");
        for behind in
            [CORRECTED_FROM, -CORRECTED_FROM, 9 * Timestamp::HOUR + 1, -Timestamp::HOUR - 1]
        {
            assert!(corrected(behind).abs() < Timestamp::SECOND, "{behind}");
        }
    }

    #[test]
    fn a_message_becomes_the_same_events_each_time_it_is_delivered() {
        let once = || believe(&name("a"), vec![event("a", NOW)], NOW, 7_654_321).unwrap();
        assert_eq!(once(), once());
    }

    #[test]
    fn a_sensor_that_speaks_for_another_or_of_another_time_is_refused_whole() {
        let lie = |events: Vec<Event>| believe(&name("a"), events, NOW, 0).unwrap_err().to_string();
        let truth = event("a", NOW);
        assert_eq!(lie(vec![truth.clone(), event("b", NOW)]), "an event of another sensor came");
        let another = event("a", NOW.plus(2 * Timestamp::DAY));
        assert_eq!(lie(vec![another, truth]), "an event of another time came");
    }

    #[test]
    fn what_says_neither_when_nor_from_whom_it_is_is_refused() {
        let mut gatherer = Gatherer::default();
        gatherer.add(&entry_of(event("a", NOW)).unwrap().0);
        let record = gatherer.take(Place { epoch: 1, number: 1 }).unwrap();
        let now = NOW.micros().to_string();
        let refused = |subject: &str, sent: Option<&str>| {
            read(delivered(subject, sent, &record)).unwrap_err()
        };
        assert!(read(delivered("kizashi.events.a", Some(&now), &record)).is_ok());
        assert_eq!(refused("kizashi.events.A", Some(&now)), Refusal::Subject);
        assert_eq!(refused("kizashi.events.a", None), Refusal::Sent);
        assert_eq!(refused("kizashi.events.a", Some("noon")), Refusal::Sent);
        assert_eq!(refused("kizashi.events.a", Some(&i64::MIN.to_string())), Refusal::Sent);
    }
}
