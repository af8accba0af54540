//! The hub's way in: a durable pull consumer takes what sensors sent, in order; what is believed is handed over to be committed, and only
//! then acknowledged. So a hub that dies is sent again what it had not committed, and what it had committed it knows: by the record's number
//! ([`Seen`], written down with each batch by `register.rs`) and, where that was not written down any more, by the event's own time and id in the store.
//!
//! What cannot be believed is refused for good with a line that names the sensor; the rest goes on. The stream keeps what nobody has taken
//! yet and nothing else (a work queue); where it is full it takes no more, and what comes waits in the sensors' spools.
//!
//! Detectors will be given closed counts, not events: they have no business on this stream.

mod conditions;
mod contents;
mod intake;
mod notes;
mod register;
mod seen;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::stream::{self, DiscardPolicy, RetentionPolicy};
use async_nats::jetstream::{AckKind, Context, Message};
use futures_util::StreamExt as _;
use kizashi_event::{Event, Timestamp};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::connection::{ConnectionError, connect};
use crate::credentials::Credentials;
use crate::name::{CONSUMER, STREAM, SensorName, all_subjects};
use crate::outgoing::SENT;
use crate::record::{MOST_PACKED, Place, Travelling};
use conditions::Came;
pub use conditions::{Condition, Conditions, SILENT_AFTER, WAITS};
use contents::Contents;
pub use intake::{Believed, CORRECTED_FROM, Delivered, MOST_WRONG, News, Refusal, believe, read};
pub use notes::{Noted, Notes};
use register::Register;
pub use seen::{Arrival, Seen};

/// Bytes that captured content may take on each server's disk.
pub const MOST_CONTENT_BYTES: u64 = 2 << 30;
/// Messages of one sensor that wait in the stream at most: its share, so that one that floods keeps no other out.
const MOST_OF_A_SENSOR: i64 = 2_048;
/// How long servers remember the ids of messages, by which they know what comes again.
const REMEMBERS: Duration = Duration::from_secs(120);
/// How long what was delivered may stay unacknowledged before it is delivered again.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(10);
/// Messages asked for at once.
const MOST_ASKED_FOR: usize = 512;
/// Messages that are delivered and not acknowledged, at most.
const MOST_UNACKNOWLEDGED: i64 = 4_096;
/// How long the first event of a batch waits for others.
const LONGEST_WAIT: Duration = Duration::from_millis(100);
/// Events committed at once, at most (one more record may come on top): the more, the more of them are one row of a count.
const FULL_BATCH: usize = 32_768;
/// Bytes of records committed at once, at most (the same).
const FULL_BYTES: usize = 8 << 20;
/// The pause after a failure.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// Who keeps what came.
pub trait Keeper: Send + Sync + 'static {
    /// Commits events and, after them, named values. On failure it is called again with the same, so what is there already must add nothing.
    ///
    /// # Errors
    /// Why it could not be done, in half a sentence.
    fn keep(&self, events: &[Event], named: &[(String, Vec<u8>)]) -> Result<(), String>;

    /// The value of a name, as it was last committed.
    fn named(&self, name: &str) -> Option<Vec<u8>>;
}

/// Takes what sensors send.
pub struct Hub {
    /// Who keeps it.
    pub keeper: Arc<dyn Keeper>,
    /// How the sensors fare.
    pub conditions: Arc<Conditions>,
    /// The time by the hub's clock.
    pub clock: fn() -> Timestamp,
}

/// What is to be committed.
#[derive(Default)]
struct Batch {
    events: Vec<Event>,
    bytes: usize,
    /// Messages to acknowledge then.
    messages: Vec<Message>,
    since: Option<Instant>,
}

struct Session<'a> {
    hub: &'a Hub,
    contents: Contents,
    register: &'a mut Register,
}

impl Hub {
    /// Takes what comes until `stopping`. What fails is tried again.
    ///
    /// # Errors
    /// When a connection cannot even be begun.
    pub async fn run(
        &self,
        credentials: &Credentials,
        stopping: impl Future<Output = ()>,
    ) -> Result<(), ConnectionError> {
        let (_client, context) = connect(credentials).await?;
        let mut register = Register::open(&*self.keeper);
        let taking = async {
            let mut failing = false;
            loop {
                let began = Instant::now();
                if let Err(reason) = self.take(&context, credentials, &mut register).await
                    && !std::mem::replace(&mut failing, true)
                {
                    tracing::warn!(
                        "fleet: nothing can be taken from the servers ({reason}); trying on"
                    );
                }
                failing = failing && began.elapsed() < 4 * ACKNOWLEDGED_WITHIN;
                tokio::time::sleep(TRY_AGAIN).await;
            }
        };
        tokio::select! {
            () = stopping => Ok(()),
            () = taking => Ok(()),
        }
    }

    async fn take(
        &self,
        context: &Context,
        credentials: &Credentials,
        register: &mut Register,
    ) -> Result<(), String> {
        let consumer = consumer(context, credentials).await?;
        let contents = Contents::open(context, credentials.replicas).await?;
        let mut session = Session { hub: self, contents, register };
        let mut messages = consumer
            .stream()
            .max_messages_per_batch(MOST_ASKED_FOR)
            .heartbeat(Duration::from_secs(5))
            .expires(Duration::from_secs(20))
            .messages()
            .await
            .map_err(|error| error.to_string())?;
        tracing::info!("fleet: taking what sensors send");
        let mut batch = Batch::default();
        // One batch is committed while the next is read.
        let mut committing = JoinSet::new();
        loop {
            let next = match batch.since {
                None => Some(messages.next().await),
                Some(since) => {
                    tokio::time::timeout_at(since + LONGEST_WAIT, messages.next()).await.ok()
                }
            };
            let (over, failure) = match next {
                None => (true, None),
                Some(None) => (true, Some("the consumer is gone".to_owned())),
                Some(Some(Err(error))) => (true, Some(error.to_string())),
                Some(Some(Ok(message))) => {
                    session.message(message, &mut batch).await;
                    (false, None)
                }
            };
            if over || batch.events.len() >= FULL_BATCH || batch.bytes >= FULL_BYTES {
                while committing.join_next().await.is_some() {}
                let Batch { events, messages, .. } = std::mem::take(&mut batch);
                let (keeper, named) = (Arc::clone(&self.keeper), session.register.take_changes());
                committing.spawn(commit(keeper, (events, messages), named));
            }
            if let Some(failure) = failure {
                while committing.join_next().await.is_some() {}
                return Err(failure);
            }
        }
    }
}

/// The stream and the hub's consumer of it, made where they are not there.
async fn consumer(context: &Context, credentials: &Credentials) -> Result<PullConsumer, String> {
    let stream = context
        .get_or_create_stream(stream::Config {
            name: STREAM.to_owned(),
            description: Some("What sensors sent and the hub has not taken yet".to_owned()),
            subjects: all_subjects(),
            retention: RetentionPolicy::WorkQueue,
            discard: DiscardPolicy::New,
            discard_new_per_subject: true,
            max_messages_per_subject: MOST_OF_A_SENSOR,
            max_bytes: i64::try_from(credentials.stream_bytes).unwrap_or(i64::MAX),
            max_message_size: i32::try_from(MOST_PACKED + 1_024).unwrap_or(i32::MAX),
            num_replicas: credentials.replicas,
            duplicate_window: REMEMBERS,
            ..stream::Config::default()
        })
        .await
        .map_err(|error| format!("the stream cannot be made: {error}"))?;
    stream
        .get_or_create_consumer(
            CONSUMER,
            pull::Config {
                durable_name: Some(CONSUMER.to_owned()),
                ack_policy: AckPolicy::Explicit,
                ack_wait: ACKNOWLEDGED_WITHIN,
                max_ack_pending: MOST_UNACKNOWLEDGED,
                ..pull::Config::default()
            },
        )
        .await
        .map_err(|error| format!("the consumer cannot be made: {error}"))
}

impl Session<'_> {
    async fn message(&mut self, message: Message, batch: &mut Batch) {
        let now = (self.hub.clock)();
        batch.since.get_or_insert_with(Instant::now);
        batch.bytes += message.payload.len();
        let published = message.info().map_or(now, |info| {
            let nanoseconds = info.published.unix_timestamp_nanos();
            Timestamp::from_micros(i64::try_from(nanoseconds / 1_000).unwrap_or(i64::MAX))
        });
        let sent = message.headers.as_ref().and_then(|headers| headers.get(SENT));
        let delivered = Delivered {
            subject: message.subject.as_str(),
            sent: sent.map(|value| value.as_str()),
            published,
            record: &message.payload,
        };
        let result = match read(delivered) {
            Ok(believed) => self.believed(believed, published, now, batch).await,
            Err(refusal) => Err(refusal),
        };
        match result {
            Ok(()) => batch.messages.push(message),
            Err(refusal) => self.refuse(&message, &refusal, now).await,
        }
    }

    async fn believed(
        &mut self,
        believed: Believed,
        published: Timestamp,
        now: Timestamp,
        batch: &mut Batch,
    ) -> Result<(), Refusal> {
        let Believed { sensor, place, behind, news } = believed;
        let conditions = &self.hub.conditions;
        let events = match news {
            News::Heartbeat(status) => {
                conditions.heartbeat(sensor.as_str(), now, (published, behind), status);
                return Ok(());
            }
            News::Content(hash, content) => {
                self.contents.put(hash, content).await;
                self.note(&sensor, place, now);
                return Ok(());
            }
            News::Events(events) => events,
        };
        let count = events.len() as u64;
        let (events, without_content) = self.with_content(events).await;
        let events = believe(&sensor, events, published, behind)?;
        if self.note(&sensor, place, now) == Arrival::Again {
            return Ok(());
        }
        let newest = events.iter().map(|event| event.time).max();
        let came = Came { events: count, without_content, published, behind, newest };
        self.hub.conditions.came(sensor.as_str(), now, came);
        batch.events.extend(events);
        Ok(())
    }

    fn note(&mut self, sensor: &SensorName, place: Place, now: Timestamp) -> Arrival {
        let arrival = self.register.note(sensor, place, &*self.hub.keeper);
        match arrival {
            Arrival::Again => self.hub.conditions.again(sensor.as_str(), now),
            Arrival::New { missed } if missed > 0 => {
                self.hub.conditions.missed(sensor.as_str(), now, missed);
                tracing::warn!(
                    "fleet: {missed} records of sensor {sensor} never came; was its spool full?"
                );
            }
            Arrival::New { .. } => {}
        }
        arrival
    }

    /// Puts content that travelled apart into its events; what is not there is told as left out, and counted.
    async fn with_content(&mut self, events: Vec<Travelling>) -> (Vec<Event>, u64) {
        let (mut whole, mut without) = (Vec::with_capacity(events.len()), 0);
        for Travelling { mut event, content } in events {
            if let Some(hash) = content {
                let found = self.contents.get(&hash).await;
                if let Some(payload) = event.detail.payload_mut() {
                    match found {
                        Some(content) => payload.content = content.to_vec(),
                        None => {
                            payload.left_out = true;
                            without += 1;
                        }
                    }
                }
            }
            whole.push(event);
        }
        (whole, without)
    }

    async fn refuse(&self, message: &Message, refusal: &Refusal, now: Timestamp) {
        let sensor = SensorName::of_subject(message.subject.as_str());
        let name = sensor.as_ref().map_or("unknown", SensorName::as_str);
        if self.hub.conditions.refused(name, now, &refusal.to_string()) {
            tracing::warn!("fleet: sensor {name} is not believed: {refusal}");
        }
        // It would be no better a second time.
        let _ = message.ack_with(AckKind::Term).await;
    }
}

/// Commits events with what is to be kept of their sensors until it is done, then acknowledges their messages.
async fn commit(
    keeper: Arc<dyn Keeper>,
    (events, messages): (Vec<Event>, Vec<Message>),
    named: Vec<(String, Vec<u8>)>,
) {
    if !events.is_empty() || !named.is_empty() {
        let whole = Arc::new((events, named));
        let mut failing = false;
        loop {
            let (keeper, given) = (Arc::clone(&keeper), Arc::clone(&whole));
            let kept = tokio::task::spawn_blocking(move || keeper.keep(&given.0, &given.1));
            match kept.await {
                Ok(Ok(())) => break,
                Ok(Err(reason)) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::error!("{reason}");
                    }
                }
                // The process ends.
                Err(_) => return,
            }
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }
    for message in messages {
        // One that is lost is delivered again, and known.
        let _ = message.ack().await;
    }
}
