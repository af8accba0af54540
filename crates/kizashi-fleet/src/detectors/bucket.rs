//! The key-value bucket of the parts' snapshots: a detector puts there what it holds when it is asked to save, and whoever takes a partition
//! after it goes on from there. Nothing in it has to be believed ([`super::saved`]) and nothing in it has to be there: the hub has a copy of each
//! snapshot in its store. So a bucket that fails costs that the hub sends snapshots itself, and is left alone for a minute.
//!
//! It is read through the stream's leader and not from any replica, so that what was put a moment ago is there. A value is gone after a day, by
//! which time dozens have been put since; that bounds what stays of partitions that are no longer.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::kv::{Operation, Store};
use async_nats::jetstream::stream::{self, DiscardPolicy};
use futures_util::StreamExt as _;
use kizashi_signs::shares::Partition;
use tokio::time::Instant;

use super::PARTS;
use super::saved::{Absent, First, MOST_VALUE, Mark, key_of};

/// Bytes that it may take on each server's disk.
pub(crate) const MOST_BYTES: u64 = 256 << 20;
/// How long a value stays.
const STAYS: Duration = Duration::from_secs(24 * 3_600);
/// How long one value may take. A hub waits for it.
const WITHIN: Duration = Duration::from_secs(5);
/// How long it is left alone after it did not answer.
const RESTS: Duration = Duration::from_secs(60);
/// Values on their way at once.
const AT_ONCE: usize = 8;

/// A detector's way to it.
#[derive(Debug)]
pub(super) struct Bucket {
    context: Context,
    store: tokio::sync::Mutex<Option<Store>>,
    resting: Mutex<Option<Instant>>,
}

/// A snapshot's values, to be put under a partition's keys.
pub(super) type Values = (Partition, Vec<Vec<u8>>);

impl Bucket {
    pub(super) fn new(context: Context) -> Self {
        Self { context, store: tokio::sync::Mutex::default(), resting: Mutex::default() }
    }

    /// Makes it where it is not there. The hub alone may.
    pub(super) async fn make(context: &Context, replicas: usize) -> Result<(), String> {
        // A bucket is a stream of this form; see the one of leases.
        let config = stream::Config {
            name: format!("KV_{PARTS}"),
            description: Some("The last snapshots of detection's parts".to_owned()),
            subjects: vec![format!("$KV.{PARTS}.>")],
            max_messages_per_subject: 1,
            max_age: STAYS,
            max_bytes: i64::try_from(MOST_BYTES).unwrap_or(i64::MAX),
            max_message_size: i32::try_from(MOST_VALUE + 1_024).unwrap_or(i32::MAX),
            discard: DiscardPolicy::New,
            deny_delete: true,
            num_replicas: replicas,
            ..stream::Config::default()
        };
        let making = context.get_or_create_stream(config);
        let made = tokio::time::timeout(WITHIN, making).await;
        let made = made.map_err(|_| "they do not answer".to_owned())?;
        made.map(drop).map_err(|error| error.to_string())
    }

    /// The packed bytes of these snapshots, in the order of what is wanted.
    pub(super) async fn get(&self, wanted: Vec<(Partition, Mark)>) -> Vec<Result<Vec<u8>, Absent>> {
        let got = futures_util::stream::iter(wanted)
            .map(|of| async move { self.noted(self.get_one(of).await) });
        got.buffered(AT_ONCE).collect().await
    }

    async fn get_one(&self, of: (Partition, Mark)) -> Result<Vec<u8>, Absent> {
        let store = &self.open().await?;
        let first = value(store, key_of(of.0, 0)).await?;
        let first = First::read(&first, of)?;
        let mut packed = first.bytes.to_vec();
        for piece in 1..first.pieces {
            packed.extend(value(store, key_of(of.0, piece)).await?);
        }
        Ok(packed)
    }

    /// Puts snapshots there; whether it has each of them, then.
    pub(super) async fn put(&self, snapshots: Vec<Values>) -> Vec<bool> {
        let put = futures_util::stream::iter(snapshots)
            .map(|values| async move { self.noted(self.put_one(values).await).is_ok() });
        put.buffered(AT_ONCE).collect().await
    }

    async fn put_one(&self, (partition, values): Values) -> Result<(), Absent> {
        let store = &self.open().await?;
        // The first value last: whoever reads meanwhile finds the snapshot before, or that it is none.
        for (piece, value) in values.into_iter().enumerate().rev() {
            let piece = u16::try_from(piece).map_err(|_| Absent::Missing)?;
            timely(store.put(key_of(partition, piece), value.into())).await?;
        }
        Ok(())
    }

    async fn open(&self) -> Result<Store, Absent> {
        let mut store = self.store.lock().await;
        let rests = *self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        if rests.is_some_and(|until| Instant::now() < until) {
            return Err(Absent::Unreachable);
        }
        if store.is_none() {
            *store = Some(timely(self.context.get_key_value(PARTS)).await?);
        }
        store.clone().ok_or(Absent::Unreachable)
    }

    /// One that does not answer is left alone.
    fn noted<T>(&self, came: Result<T, Absent>) -> Result<T, Absent> {
        if matches!(came, Err(Absent::Unreachable)) {
            let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            if resting.is_none_or(|until| until <= now) {
                *resting = Some(now + RESTS);
                tracing::warn!(
                    "the bucket {PARTS} of the servers does not answer; for {} s the hub gives what would be read there. Do the servers have the configuration that `kizashi fleet` wrote last?",
                    RESTS.as_secs()
                );
            }
        }
        came
    }
}

/// Whatever the servers are asked, within what it may take.
async fn timely<T, E>(work: impl Future<Output = Result<T, E>>) -> Result<T, Absent> {
    let done = tokio::time::timeout(WITHIN, work).await;
    done.map_err(|_| Absent::Unreachable)?.map_err(|_| Absent::Unreachable)
}

async fn value(store: &Store, key: String) -> Result<Vec<u8>, Absent> {
    let entry = timely(store.entry(key)).await?;
    let entry = entry.filter(|entry| entry.operation == Operation::Put);
    entry.map(|entry| entry.value.to_vec()).ok_or(Absent::Missing)
}
