//! The detector: it says that it lives, and obeys what the hub orders on its subject, one exchange after the other. It keeps nothing on a disk.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::kv::Store;
use async_nats::{Client, Message, Subject};
use futures_util::StreamExt as _;
use kizashi_signs::shares::LAYOUT;
use tokio::task::{JoinError, JoinHandle};

use super::bucket::Bucket;
use super::desk::{Desk, Heard};
use super::piece::{Kind, Piece, PieceError};
use super::{BUCKET, Lease, RENEWED, SUBJECTS};
use crate::connection::{ConnectionError, connect};
use crate::credentials::Credentials;
use crate::name::SensorName;

/// The pause after a failure.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// As what a detector is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// Its name, which is nobody else's: of the form of a sensor's.
    pub name: SensorName,
    /// Its Kizashi's version.
    pub version: &'static str,
    /// Drawn at its start.
    pub token: u64,
}

/// Serves until `stopping`. What fails is tried again.
///
/// # Errors
/// When a connection cannot even be begun.
pub async fn serve(
    credentials: &Credentials,
    announced: &Announced,
    stopping: impl Future<Output = ()>,
) -> Result<(), ConnectionError> {
    let (client, context) = connect(credentials).await?;
    let living = live(&context, announced);
    let bucket = Arc::new(Bucket::new(context.clone()));
    let obeying = obey(&client, &bucket, &announced.name);
    tokio::select! {
        () = stopping => {}
        () = living => {}
        () = obeying => {}
    }
    // Others need not wait until the lease is over; where that cannot be said, they do.
    let leaving =
        async { context.get_key_value(BUCKET).await.ok()?.delete(&announced.name).await.ok() };
    let _ = tokio::time::timeout(TRY_AGAIN, leaving).await;
    Ok(())
}

/// Holds the lease.
async fn live(context: &Context, announced: &Announced) {
    let lease =
        Lease { version: announced.version.to_owned(), layout: LAYOUT, token: announced.token };
    let value = serde_json::to_vec(&lease).unwrap_or_default();
    let (mut failing, mut revision) = (false, None);
    loop {
        let renewing = async {
            let store = context.get_key_value(BUCKET).await.map_err(|error| error.to_string())?;
            renew(&store, announced, &value, revision).await
        };
        match renewing.await {
            Ok(renewed) => {
                if revision.is_none() {
                    tracing::info!("detector {}: the hub can ask here", announced.name);
                }
                (failing, revision) = (false, Some(renewed));
            }
            Err(reason) => {
                revision = None;
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(
                        "detector {}: it cannot say that it lives ({reason}); is the hub's `[fleet] detectors` on? Trying on",
                        announced.name
                    );
                }
            }
        }
        tokio::time::sleep(RENEWED).await;
    }
}

async fn renew(
    store: &Store,
    announced: &Announced,
    value: &[u8],
    revision: Option<u64>,
) -> Result<u64, String> {
    let name = &announced.name;
    let value = value.to_vec();
    if let Some(revision) = revision {
        return store.update(name, value.into(), revision).await.map_err(|error| error.to_string());
    }
    let Some(entry) = store.entry(name.as_str()).await.map_err(|error| error.to_string())? else {
        return store.create(name, value.into()).await.map_err(|error| error.to_string());
    };
    // A key that was let go of is free; one whose answer was lost is this one's own.
    let lease = serde_json::from_slice::<Lease>(&entry.value).ok();
    if lease.is_some_and(|lease| lease.token != announced.token) {
        return Err("another detector has this name".to_owned());
    }
    store.update(name, value.into(), entry.revision).await.map_err(|error| error.to_string())
}

/// Obeys what comes, one message after the other; who asks meanwhile hears that there is work.
async fn obey(client: &Client, bucket: &Arc<Bucket>, name: &SensorName) {
    let mut working: Option<Work> = None;
    let mut desk = Some(Desk::default());
    let mut failing = false;
    loop {
        let Ok(mut messages) = client.subscribe(format!("{SUBJECTS}{name}")).await else {
            tokio::time::sleep(TRY_AGAIN).await;
            continue;
        };
        loop {
            let next = async {
                match &mut working {
                    Some(work) => Next::Worked((&mut work.task).await),
                    None => std::future::pending().await,
                }
            };
            let next = tokio::select! {
                message = messages.next() => Next::Came(message),
                worked = next => worked,
            };
            match next {
                Next::Came(None) => break,
                Next::Came(Some(message)) => match desk.take() {
                    Some(desk) => working = Some(Work::on(desk, Arc::clone(bucket), message)),
                    None => busy(client, &message).await,
                },
                Next::Worked(worked) => {
                    let reply = working.take().and_then(|work| work.reply);
                    let (mine, heard) = worked
                        .flatten()
                        .unwrap_or_else(|_| (Desk::default(), Err(PieceError::Body)));
                    desk = Some(mine);
                    match heard {
                        Ok(answer) => {
                            failing = false;
                            answered(client, reply, answer).await;
                        }
                        Err(error) if !std::mem::replace(&mut failing, true) => tracing::warn!(
                            "detector {name}: what the hub says is not understood: {error}"
                        ),
                        Err(_) => {}
                    }
                }
            }
        }
    }
}

/// What happens next.
enum Next {
    Came(Option<Message>),
    Worked(Result<Worked, JoinError>),
}

/// What a message is answered with.
type Answer = Result<Vec<u8>, PieceError>;

/// What became of a message; an error where the work itself failed.
type Worked = Result<(Desk, Answer), JoinError>;

/// A message that is being worked on.
struct Work {
    task: JoinHandle<Worked>,
    reply: Option<Subject>,
}

impl Work {
    fn on(desk: Desk, bucket: Arc<Bucket>, message: Message) -> Self {
        let Message { payload, reply, .. } = message;
        let task = tokio::spawn(async move { answer(desk, &bucket, payload.to_vec()).await });
        Self { task, reply }
    }
}

/// Hears a message and obeys. Mathematics over many series is done on a thread of its own; what lies in the bucket is fetched before and
/// put there afterwards.
async fn answer(desk: Desk, bucket: &Bucket, message: Vec<u8>) -> Worked {
    let (desk, heard) = on_a_thread(desk, move |desk| desk.hear(&message)).await?;
    let orders = match heard {
        Ok(Heard::Orders(orders)) => orders,
        Ok(Heard::Says(answer)) => return Ok((desk, Ok(answer))),
        Err(error) => return Ok((desk, Err(error))),
    };
    let found = bucket.get(orders.wanted()).await;
    if !found.is_empty() {
        let there = found.iter().filter(|found| found.is_ok()).count();
        tracing::info!("the servers had the snapshots of {there} of {} parts", found.len());
    }
    let (desk, mut obeyed) = on_a_thread(desk, move |desk| desk.obey(orders, found)).await?;
    let put = bucket.put(obeyed.take_values()).await;
    obeyed.note(&put);
    on_a_thread(desk, move |desk| desk.answer(&obeyed)).await
}

async fn on_a_thread<T: Send + 'static>(
    mut desk: Desk,
    work: impl FnOnce(&mut Desk) -> T + Send + 'static,
) -> Result<(Desk, T), JoinError> {
    let working = tokio::task::spawn_blocking(move || {
        let done = work(&mut desk);
        (desk, done)
    });
    working.await
}

async fn busy(client: &Client, message: &Message) {
    if let Ok(piece) = Piece::read(&message.payload) {
        let working = piece.says(Kind::Working).to_message();
        answered(client, message.reply.clone(), working).await;
    }
}

async fn answered(client: &Client, reply: Option<Subject>, answer: Vec<u8>) {
    if let Some(reply) = reply {
        let _ = client.publish(reply, answer.into()).await;
    }
}
