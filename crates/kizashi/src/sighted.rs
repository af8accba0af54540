//! Who came to the traps, put where the process that tells finds it, once every six hours and only where a channel takes it. Told is the last
//! period alone: what lies further back, because the machine was off, is nothing that anybody can act on. Nothing is told of the time
//! before such a channel was first there.

use std::path::Path;
use std::sync::Arc;

use kizashi_event::Timestamp;
use kizashi_notify::Outbox;
use kizashi_notify::sightings::Sightings;
use kizashi_store::{Reader, Store};

use crate::failure::Failure;
use crate::shared::Sharing;

/// The name under which the end of the last period that was told is kept.
const TOLD: &str = "sightings told";
/// Microseconds between two looks.
const LOOKS_EVERY: i64 = 60 * Timestamp::SECOND;

/// Makes sightings.
pub(crate) struct Sighted {
    outbox: Outbox,
    reader: Reader,
    sharing: Arc<Sharing>,
    looked: Timestamp,
}

impl Sighted {
    /// Tells of the store that this reads, into the outbox of a data folder.
    pub(crate) fn new(data: &Path, reader: Reader, sharing: Arc<Sharing>) -> Self {
        Self { outbox: Outbox::of(data), reader, sharing, looked: Timestamp::from_seconds(0) }
    }

    /// Tells the last period, where it was not told yet. That it fails is said and stops nothing.
    pub(crate) fn look(&mut self, store: &Store, now: Timestamp) {
        if now.since(self.looked) < LOOKS_EVERY {
            return;
        }
        self.looked = now;
        if let Err(failure) = self.tell(store, now) {
            tracing::error!("who came could not be put into the outbox: {failure}");
        }
    }

    fn tell(&self, store: &Store, now: Timestamp) -> Result<(), Failure> {
        let until = Sightings::last_end(now);
        let told = self.reader.blob(TOLD)?.and_then(|bytes| bytes.try_into().ok());
        let told = told.map(|bytes| Timestamp::from_micros(i64::from_le_bytes(bytes)));
        if told.is_some_and(|told| told >= until) {
            return Ok(());
        }
        if told.is_some() {
            let sightings = self.sharing.sightings(&self.reader, until)?;
            if !sightings.sources.is_empty() {
                // Before it counts as told: written twice it is one message, by its key.
                self.outbox.add_sightings(&sightings)?;
            }
        }
        let until = until.micros().to_le_bytes().to_vec();
        Ok(store.save(Vec::new(), vec![(TOLD.to_owned(), until)])?)
    }
}

#[cfg(test)]
mod tests {
    use kizashi_event::{Detail, Event, EventId, Port, Service, SessionId};
    use kizashi_notify::share::Share;
    use kizashi_signs::Campaigns;

    use super::*;
    use crate::logins::OwnAddresses;
    use crate::made_machine::Made;

    const HOUR: i64 = Timestamp::HOUR;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn visit(source: &str, time: Timestamp, sensor: &str) -> Event {
        Event {
            time,
            id: EventId::of_line(source.as_bytes(), 0, 0),
            sensor: sensor.into(),
            session: Some(SessionId(7)),
            source: source.parse().unwrap(),
            source_port: 40_000,
            destination: None,
            port: Port::tcp(22),
            service: Service::known("ssh"),
            detail: Detail::Connect,
        }
    }

    /// The sources of the one file that was put into the outbox; it is taken away.
    fn told(folder: &Path) -> Option<Vec<String>> {
        let waiting = folder.join("kizashi-outbox/sightings");
        let file = std::fs::read_dir(waiting).ok()?.flatten().next()?.path();
        let json: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        std::fs::remove_file(file).unwrap();
        let sources = json["sources"].as_array().unwrap().iter();
        Some(sources.map(|source| source["address"].as_str().unwrap().to_owned()).collect())
    }

    #[test]
    fn a_period_is_told_once_without_the_owner_and_nothing_of_before_the_channel_was_there() {
        let folder = Made::new(&[]);
        let begun = at("2026-11-29T05:00:00Z");
        let settings = kizashi_store::Settings {
            clock: Arc::new(|| at("2026-11-30T00:00:00Z")),
            ..kizashi_store::Settings::default()
        };
        let store = Store::open(&folder.root().join("data"), settings).unwrap();
        let known = (Arc::default(), Campaigns::builtin());
        let share = Share { allow: vec!["198.51.100.64/26".to_owned()], ..Share::default() };
        let own =
            OwnAddresses { logins: vec!["203.0.113.5".to_owned()], ..OwnAddresses::default() };
        let sharing = Arc::new(Sharing::new(share, "here", known, own));
        let reader = || store.reader().unwrap();
        let open = || Sighted::new(folder.root(), reader(), Arc::clone(&sharing));
        let mut sighted = open();
        sighted.look(&store, begun);
        assert_eq!(told(folder.root()), None, "what was before is not told");
        let time = at("2026-11-29T06:30:00Z");
        let visits = ["198.51.100.7", "198.51.100.65", "203.0.113.5", "10.0.0.1", "2001:db8::7"];
        let mut events: Vec<Event> =
            visits.iter().map(|source| visit(source, time, "here")).collect();
        events.push(visit("198.51.100.8", time, "another sensor, imported"));
        store.write(events).unwrap();
        sighted.look(&store, begun.plus(5 * HOUR));
        assert_eq!(told(folder.root()), None, "the period is not over");
        sighted.look(&store, begun.plus(8 * HOUR));
        assert_eq!(told(folder.root()).unwrap(), ["198.51.100.7", "2001:db8::7"]);
        sighted.look(&store, begun.plus(9 * HOUR));
        open().look(&store, begun.plus(9 * HOUR));
        assert_eq!(told(folder.root()), None, "neither again nor by a core that begins anew");
    }
}
