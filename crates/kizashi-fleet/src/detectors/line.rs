//! The hub's way to the detectors: who lives, and requests to them, each under a deadline. Detection runs on a thread of its own and waits
//! here; the network is on the runtime's threads.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_nats::client::{Request, RequestErrorKind};
use async_nats::jetstream::Context;
use async_nats::jetstream::kv::{Operation, Store};
use async_nats::jetstream::stream::{self, DiscardPolicy};
use async_nats::{Client, Message};
use futures_util::{TryStreamExt as _, future::join_all};
use tokio::runtime::Handle;

use super::bucket::Bucket;
use super::piece::{Gathered, Gathering, Kind, Piece, PieceError, cut};
use super::{BUCKET, LEASE, Lease, SUBJECTS, speaks};
use crate::connection::{ConnectionError, connect};
use crate::credentials::Credentials;
use crate::name::SensorName;

/// How often it is looked who lives.
const LOOKED: Duration = Duration::from_secs(1);
/// How often it is looked whether the bucket of snapshots is there.
const LOOKED_AFTER: Duration = Duration::from_secs(60);
/// The pause before it is tried again where it cannot be made.
const TRIED_AGAIN: Duration = Duration::from_secs(10);
/// How long one answer may take, be it that there is work: the mathematics of one step over a share of the keys is a fraction of a second.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);
/// How long a detector may work on one body: one that begins a share hears again all that came since the last snapshot.
const WORKS_WITHIN: Duration = Duration::from_secs(120);
/// The pause before one that works is asked again.
const WORKS_FOR: Duration = Duration::from_millis(50);
/// Times that one message is sent before its receiver is taken for gone.
const TRIES: u32 = 3;
/// The pause where the servers know nobody on a subject: a detector that lost its server is at another within a second.
const NOBODY_FOR: Duration = Duration::from_millis(300);
/// Detectors at most.
pub(super) const MOST_DETECTORS: usize = 1_024;

/// Characters of a version that are kept.
const LONGEST_VERSION: usize = 40;

/// Why a detector did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// It is not there, or too slow.
    Gone(String),
    /// What it said is no answer.
    Wrong(PieceError),
}

/// A detector that holds a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Present {
    pub(super) name: String,
    /// The version that it says.
    pub(super) version: String,
    /// Whether it is the hub's release, so that it can be asked.
    pub(super) is_asked: bool,
}

/// A body of orders.
pub(super) type Body = Vec<u8>;

/// A connection to the detectors.
pub struct Line {
    client: Client,
    context: Context,
    replicas: usize,
    runtime: Handle,
    session: u64,
    exchanges: AtomicU64,
    present: Mutex<Vec<Present>>,
    keeps_snapshots: AtomicBool,
}

impl Line {
    /// Begins to connect, on the runtime that this is called on; the network's work is done there. `session` is drawn by the caller.
    ///
    /// # Errors
    /// When a connection cannot even be begun.
    pub async fn open(credentials: &Credentials, session: u64) -> Result<Self, ConnectionError> {
        let (client, context) = connect(credentials).await?;
        Ok(Self {
            client,
            context,
            replicas: credentials.replicas,
            runtime: Handle::current(),
            session,
            exchanges: AtomicU64::new(0),
            present: Mutex::default(),
            keeps_snapshots: AtomicBool::new(false),
        })
    }

    /// Looks who lives until `stopping`.
    pub async fn watch(&self, stopping: impl Future<Output = ()>) {
        let watching = async {
            let (mut failing, mut refused) = (false, Vec::new());
            loop {
                match self.look(&mut refused).await {
                    Ok(present) => {
                        failing = false;
                        *self.present.lock().unwrap_or_else(PoisonError::into_inner) = present;
                    }
                    // Who lived is asked on: if they are gone too, that shows by itself.
                    Err(reason) => {
                        if !std::mem::replace(&mut failing, true) {
                            tracing::warn!(
                                "fleet: which detectors live cannot be seen ({reason}); trying on"
                            );
                        }
                    }
                }
                tokio::time::sleep(LOOKED).await;
            }
        };
        tokio::select! {
            () = stopping => {}
            () = watching => {}
            () = self.make_bucket() => {}
        }
    }

    /// Sees to it that there is a bucket for the parts' snapshots, also after somebody removed it.
    async fn make_bucket(&self) {
        let mut failing = false;
        loop {
            let made = Bucket::make(&self.context, self.replicas).await;
            self.keeps_snapshots.store(made.is_ok(), Ordering::Relaxed);
            if let Err(reason) = &made
                && !failing
            {
                tracing::warn!(
                    "fleet: the servers keep no snapshots of detection's parts ({reason}), and the hub sends them to detectors itself; have the servers read the configuration that `kizashi fleet renew-detectors` writes, and look whether their disks have room"
                );
            }
            failing = made.is_err();
            tokio::time::sleep(if failing { TRIED_AGAIN } else { LOOKED_AFTER }).await;
        }
    }

    /// Whether the servers keep the parts' snapshots, as far as is known.
    #[must_use]
    pub fn keeps_snapshots(&self) -> bool {
        self.keeps_snapshots.load(Ordering::Relaxed)
    }

    /// The detectors that live and can be asked, in the order of names.
    #[must_use]
    pub fn living(&self) -> Vec<String> {
        let present = self.present().into_iter().filter(|detector| detector.is_asked);
        present.map(|detector| detector.name).collect()
    }

    /// All that live, in the order of names.
    #[must_use]
    pub(super) fn present(&self) -> Vec<Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn look(&self, refused: &mut Vec<(String, String)>) -> Result<Vec<Present>, String> {
        let store = self.bucket().await?;
        let info = store.stream.info_with_subjects(format!("$KV.{BUCKET}.*"));
        let info = info.await.map_err(|error| error.to_string())?;
        let subjects: Vec<(String, usize)> =
            info.try_collect().await.map_err(|error| error.to_string())?;
        let names = subjects.iter().filter_map(|(subject, _)| subject.rsplit('.').next());
        let names: Vec<SensorName> = names.filter_map(|it| SensorName::parse(it).ok()).collect();
        let mut present = Vec::new();
        for name in names.iter().take(MOST_DETECTORS) {
            let entry = store.entry(name.as_str()).await.map_err(|error| error.to_string())?;
            let Some(entry) = entry.filter(|entry| entry.operation == Operation::Put) else {
                continue;
            };
            let lease = serde_json::from_slice::<Lease>(&entry.value).ok();
            let is_asked = lease.as_ref().is_some_and(speaks);
            let version = lease.map_or_else(|| "unknown".to_owned(), |lease| lease.version);
            let version: String = version.chars().take(LONGEST_VERSION).collect();
            let other = (name.to_string(), version.clone());
            if !is_asked && !refused.contains(&other) && refused.len() < MOST_DETECTORS {
                tracing::warn!(
                    "fleet: detector {name} is not asked: it is of release {:?}, and the hub of {}; upgrade the older one",
                    other.1,
                    env!("CARGO_PKG_VERSION")
                );
                refused.push(other);
            }
            present.push(Present { name: name.to_string(), version, is_asked });
        }
        present.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(present)
    }

    async fn bucket(&self) -> Result<Store, String> {
        if let Ok(store) = self.context.get_key_value(BUCKET).await {
            return Ok(store);
        }
        // A bucket is a stream of this form; `create_key_value` asks for the account first and cannot read what a server of 2.9 answers.
        let config = stream::Config {
            name: format!("KV_{BUCKET}"),
            description: Some("Which detectors live".to_owned()),
            subjects: vec![format!("$KV.{BUCKET}.>")],
            max_messages_per_subject: 1,
            max_age: LEASE,
            duplicate_window: LEASE,
            discard: DiscardPolicy::New,
            allow_rollup: true,
            deny_delete: true,
            allow_direct: true,
            num_replicas: self.replicas,
            ..stream::Config::default()
        };
        let failed =
            |error: &dyn std::fmt::Display| format!("the bucket of leases cannot be made: {error}");
        self.context.get_or_create_stream(config).await.map_err(|error| failed(&error))?;
        self.context.get_key_value(BUCKET).await.map_err(|error| failed(&error))
    }

    /// Has each of these detectors obey its bodies one after the other, all detectors at once; the bodies of what came of them.
    pub(super) fn exchange(
        &self,
        with: Vec<(String, Vec<Body>)>,
    ) -> Vec<Result<Vec<Vec<u8>>, Unanswered>> {
        let with_one = |(name, bodies): (String, Vec<Body>)| async move {
            let mut outcomes = Vec::with_capacity(bodies.len());
            for body in bodies {
                outcomes.push(self.one_exchange(&name, &body).await?);
            }
            Ok(outcomes)
        };
        self.runtime.block_on(join_all(with.into_iter().map(with_one)))
    }

    async fn one_exchange(&self, name: &str, body: &[u8]) -> Result<Vec<u8>, Unanswered> {
        let exchange = self.exchanges.fetch_add(1, Ordering::Relaxed) + 1;
        let place = (self.session, exchange);
        let mut answer = Vec::new();
        for message in cut(Kind::Orders, place, body).map_err(Unanswered::Wrong)? {
            answer = self.request(name, &message).await?;
        }
        let first = self.outcome(&answer, exchange)?;
        let mut gathering = Gathering::of(first);
        let mut gathered = gathering.take(first).map_err(Unanswered::Wrong)?;
        let (first, mut at) = (first.says(Kind::Want), 0);
        loop {
            if let Gathered::Whole(body) = gathered {
                return Ok(body);
            }
            at += 1;
            let want = Piece { at, bytes: &[], ..first };
            let answer = self.request(name, &want.to_message()).await?;
            let piece = self.outcome(&answer, exchange)?;
            gathered = gathering.take(piece).map_err(Unanswered::Wrong)?;
        }
    }

    fn outcome<'a>(&self, answer: &'a [u8], exchange: u64) -> Result<Piece<'a>, Unanswered> {
        let piece = Piece::read(answer).map_err(Unanswered::Wrong)?;
        let is_of = (piece.session, piece.exchange) == (self.session, exchange);
        match piece.kind {
            Kind::Outcomes if is_of => Ok(piece),
            Kind::Lost if is_of => Err(Unanswered::Gone("it began anew".to_owned())),
            _ => Err(Unanswered::Wrong(PieceError::Form)),
        }
    }

    async fn request(&self, name: &str, message: &[u8]) -> Result<Vec<u8>, Unanswered> {
        let subject = format!("{SUBJECTS}{name}");
        let began = Instant::now();
        let (mut tries, mut reason) = (0, String::new());
        while tries < TRIES {
            let request =
                Request::new().payload(message.to_vec().into()).timeout(Some(ANSWERS_WITHIN));
            match self.client.send_request(subject.clone(), request).await {
                Ok(Message { payload, .. }) => {
                    let works = Piece::read(&payload).is_ok_and(|it| it.kind == Kind::Working);
                    if !works {
                        return Ok(payload.to_vec());
                    }
                    if began.elapsed() > WORKS_WITHIN {
                        return Err(Unanswered::Gone("it works for too long".to_owned()));
                    }
                    tries = 0;
                    tokio::time::sleep(WORKS_FOR).await;
                }
                Err(error) => {
                    tries += 1;
                    if error.kind() == RequestErrorKind::NoResponders {
                        tokio::time::sleep(NOBODY_FOR).await;
                    }
                    reason = error.to_string();
                }
            }
        }
        Err(Unanswered::Gone(reason))
    }
}
