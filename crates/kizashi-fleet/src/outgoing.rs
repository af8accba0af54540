//! A sensor's way out: events become records in the spool, and a publisher carries records from there to the servers. Whoever gives events
//! waits for the disk and never for the network.

use std::collections::{HashSet, VecDeque};
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::jetstream::Context;
use async_nats::jetstream::message::PublishMessage;
use async_nats::{Client, HeaderMap};
use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{FuturesOrdered, StreamExt as _};
use kizashi_event::{Event, Timestamp};
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior};

use crate::connection::{ConnectionError, connect};
use crate::credentials::Credentials;
use crate::name::SensorName;
use crate::record::{
    ContentHash, Gatherer, Place, Status, content_record, entry_of, head_of, heartbeat_record,
};
use crate::spool::{Dropped, Spool, SpoolError, Waiting};

/// The header that says when a message was sent, by the sensor's clock, in microseconds since 1970.
pub const SENT: &str = "Kizashi-Sent";
/// Records on their way at once. Well below what the hub remembers of each sensor, so that one that is sent again is known.
const MOST_IN_FLIGHT: usize = 64;
/// Bytes of them.
const MOST_BYTES_IN_FLIGHT: usize = 8 << 20;
/// The pause after a failure.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// How often the sensor says that it lives.
pub const HEARTBEAT_EVERY: Duration = Duration::from_secs(10);
/// How often it is looked whether the connection is there.
const LOOKS_EVERY: Duration = Duration::from_millis(250);
/// How often how far the hub is gets written down.
const POSITION_EVERY: Duration = Duration::from_secs(1);
/// Hashes of content that was sent and is not sent again.
const MOST_KNOWN: usize = 16_384;

struct Inner {
    spool: Spool,
    known: HashSet<ContentHash>,
    /// The same in the order of coming.
    order: VecDeque<ContentHash>,
    oversized: u64,
}

/// The spool, for those who fill it and the one who empties it.
pub struct Outgoing {
    inner: Mutex<Inner>,
    came: Notify,
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Outgoing({:?})", self.waiting())
    }
}

impl Outgoing {
    /// A way out by this spool.
    #[must_use]
    pub fn new(spool: Spool) -> Self {
        let inner = Inner { spool, known: HashSet::new(), order: VecDeque::new(), oversized: 0 };
        Self { inner: Mutex::new(inner), came: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts events into the spool; they are on the disk when this returns. On failure none of them is, and they may be given again.
    ///
    /// # Errors
    /// When the disk cannot be written.
    pub fn keep(&self, events: Vec<Event>) -> Result<(), SpoolError> {
        let mut inner = self.lock();
        let mut packing = Packing { place: inner.spool.next_place(), ..Packing::default() };
        let (mut fresh, mut oversized) = (Vec::new(), 0);
        for event in events {
            let Some((entry, content)) = entry_of(event) else {
                oversized += 1;
                continue;
            };
            if let Some((hash, content)) = content
                && !inner.known.contains(&hash)
                && !fresh.contains(&hash)
            {
                // Before the events that speak of it.
                packing.finish();
                packing.add(|place| Some(content_record(place, &hash, &content)));
                fresh.push(hash);
            }
            if !packing.gatherer.has_room(&entry) {
                packing.finish();
            }
            packing.gatherer.add(&entry);
        }
        packing.finish();
        inner.oversized += oversized;
        if !packing.records.is_empty() {
            inner.spool.append(&packing.records)?;
        }
        for hash in fresh {
            inner.remember(hash);
        }
        drop(inner);
        self.came.notify_one();
        Ok(())
    }

    /// How much waits.
    #[must_use]
    pub fn waiting(&self) -> Waiting {
        self.lock().spool.waiting()
    }

    /// What was let go for want of room.
    #[must_use]
    pub fn dropped(&self) -> Dropped {
        self.lock().spool.dropped()
    }

    /// Events larger than any that travels, since the start.
    #[must_use]
    pub fn oversized(&self) -> u64 {
        self.lock().oversized
    }
}

impl Inner {
    fn remember(&mut self, hash: ContentHash) {
        if self.known.insert(hash) {
            self.order.push_back(hash);
        }
        while self.order.len() > MOST_KNOWN {
            if let Some(old) = self.order.pop_front() {
                self.known.remove(&old);
            }
        }
    }
}

struct Packing {
    place: Place,
    gatherer: Gatherer,
    records: Vec<Vec<u8>>,
}

impl Default for Packing {
    fn default() -> Self {
        Self {
            place: Place { epoch: 0, number: 1 },
            gatherer: Gatherer::default(),
            records: Vec::new(),
        }
    }
}

impl Packing {
    fn add(&mut self, make: impl FnOnce(Place) -> Option<Vec<u8>>) {
        if let Some(record) = make(self.place) {
            self.records.push(record);
            self.place.number += 1;
        }
    }

    fn finish(&mut self) {
        let mut gatherer = std::mem::take(&mut self.gatherer);
        self.add(|place| gatherer.take(place));
    }
}

/// What the publisher is told by others.
pub struct Voice {
    /// The time by this machine's clock.
    pub clock: fn() -> Timestamp,
    /// Events that traps and capture lost before the spool, since the start.
    pub lost: Box<dyn Fn() -> u64 + Send + Sync>,
    /// Times that a trap did what no trap does, since the start.
    pub misbehaved: Box<dyn Fn() -> u64 + Send + Sync>,
    /// The version of this Kizashi.
    pub version: &'static str,
}

type Acknowledged = BoxFuture<'static, (u64, usize, Result<(), String>)>;

/// Carries what is in the spool to the servers until `stopping`.
///
/// # Errors
/// When a connection cannot even be begun; one that is lost comes again.
pub async fn publish(
    credentials: &Credentials,
    sensor: &SensorName,
    outgoing: &Outgoing,
    voice: &Voice,
    stopping: impl Future<Output = ()>,
) -> Result<(), ConnectionError> {
    let (client, context) = connect(credentials).await?;
    let mut publisher = Publisher {
        client,
        context,
        outgoing,
        voice,
        sensor,
        events: sensor.events_subject(),
        contents: sensor.contents_subject(),
        in_flight: FuturesOrdered::new(),
        bytes: 0,
        sent: outgoing.lock().spool.acknowledged(),
        behind_content: false,
        pause_until: None,
        failing: false,
    };
    let mut heartbeat = tokio::time::interval(HEARTBEAT_EVERY);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut position = tokio::time::interval(POSITION_EVERY);
    position.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tokio::pin!(stopping);
    loop {
        publisher.fill().await;
        tokio::select! {
            () = &mut stopping => break,
            Some(done) = publisher.in_flight.next(), if !publisher.in_flight.is_empty() => {
                publisher.done(done);
            }
            _ = heartbeat.tick() => publisher.heartbeat().await,
            _ = position.tick() => outgoing.lock().spool.write_position(),
            () = outgoing.came.notified() => {}
            () = tokio::time::sleep(LOOKS_EVERY) => {}
        }
    }
    // What is on its way may still be acknowledged; what is not goes again at the next start.
    let _ = tokio::time::timeout(TRY_AGAIN, async {
        while let Some(done) = publisher.in_flight.next().await {
            publisher.done(done);
        }
    })
    .await;
    outgoing.lock().spool.write_position();
    Ok(())
}

struct Publisher<'a> {
    client: Client,
    context: Context,
    outgoing: &'a Outgoing,
    voice: &'a Voice,
    sensor: &'a SensorName,
    events: String,
    contents: String,
    in_flight: FuturesOrdered<Acknowledged>,
    bytes: usize,
    /// The number of the last record that was sent.
    sent: u64,
    /// Whether content is on its way: the events that speak of it wait until it is there.
    behind_content: bool,
    pause_until: Option<Instant>,
    failing: bool,
}

impl Publisher<'_> {
    /// Sends what waits, as far as there is room on the way.
    async fn fill(&mut self) {
        if self.pause_until.is_some_and(|until| until > Instant::now())
            || self.client.connection_state() != State::Connected
        {
            return;
        }
        while !self.behind_content
            && self.in_flight.len() < MOST_IN_FLIGHT
            && self.bytes < MOST_BYTES_IN_FLIGHT
        {
            let read = {
                let mut inner = self.outgoing.lock();
                inner.spool.read_from(self.sent + 1, MOST_BYTES_IN_FLIGHT / 8)
            };
            let records = match read {
                Ok(records) => records,
                Err(error) => return self.failed(&error.to_string()),
            };
            if records.is_empty() {
                return;
            }
            for (number, record) in records {
                if self.behind_content || self.in_flight.len() >= MOST_IN_FLIGHT {
                    break;
                }
                self.send(number, record).await;
                if self.pause_until.is_some_and(|until| until > Instant::now()) {
                    return;
                }
            }
        }
    }

    async fn send(&mut self, number: u64, record: Vec<u8>) {
        let Ok(head) = head_of(&record) else {
            self.sent = number;
            return;
        };
        let subject = if head.is_content() { &self.contents } else { &self.events };
        // The servers know ids of all sensors together; nobody else can guess this spool's epoch and take its ids first.
        let id = format!("{}-{:016x}-{number}", self.sensor, head.place.epoch);
        let bytes = record.len();
        let message = self.message(record).message_id(id);
        match self.context.send_publish(subject.clone(), message).await {
            Ok(answer) => {
                self.sent = number;
                self.bytes += bytes;
                self.behind_content = head.is_content();
                let acknowledged = async move {
                    let result = answer.await.map(drop).map_err(|error| error.to_string());
                    (number, bytes, result)
                };
                self.in_flight.push_back(acknowledged.boxed());
            }
            Err(error) => self.failed(&error.to_string()),
        }
    }

    fn message(&self, record: Vec<u8>) -> PublishMessage {
        let mut headers = HeaderMap::new();
        headers.insert(SENT, (self.voice.clock)().micros().to_string());
        PublishMessage::build().payload(record.into()).headers(headers)
    }

    fn done(&mut self, (number, bytes, result): (u64, usize, Result<(), String>)) {
        self.bytes = self.bytes.saturating_sub(bytes);
        match result {
            Ok(()) => {
                if std::mem::take(&mut self.failing) {
                    tracing::info!("fleet: the servers take events again");
                }
                self.behind_content = false;
                self.outgoing.lock().spool.acknowledge(number);
            }
            Err(reason) => self.failed(&reason),
        }
    }

    /// Everything from the first record that is not acknowledged goes again: the servers and the hub know what they have.
    fn failed(&mut self, reason: &str) {
        if !std::mem::replace(&mut self.failing, true) {
            tracing::warn!(
                "fleet: the servers do not take events ({reason}); they wait in the spool"
            );
        }
        self.in_flight = FuturesOrdered::new();
        self.bytes = 0;
        self.behind_content = false;
        self.sent = self.outgoing.lock().spool.acknowledged();
        self.pause_until = Some(Instant::now() + TRY_AGAIN);
    }

    async fn heartbeat(&self) {
        if self.client.connection_state() != State::Connected {
            return;
        }
        let (status, epoch) = {
            let inner = self.outgoing.lock();
            let (waiting, dropped) = (inner.spool.waiting(), inner.spool.dropped());
            let status = Status {
                version: self.voice.version.to_owned(),
                waiting_bytes: waiting.bytes,
                waiting_records: waiting.records,
                dropped_records: dropped.records,
                dropped_events: dropped.events,
                lost_events: (self.voice.lost)().saturating_add(inner.oversized),
                misbehaved: (self.voice.misbehaved)(),
            };
            (status, inner.spool.next_place().epoch)
        };
        let message = self.message(heartbeat_record(epoch, &status));
        // That one is lost is what the next one is for.
        if let Ok(answer) = self.context.send_publish(self.events.clone(), message).await {
            tokio::spawn(async move { answer.await.map(drop) });
        }
    }
}
