//! The detector: it says that it lives, and obeys what the hub orders on its subject, one exchange after the other. It keeps nothing on a disk.

use std::future::Future;
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::kv::Store;
use async_nats::{Client, Message, Subject};
use futures_util::StreamExt as _;
use kizashi_signs::shares::{Detector, LAYOUT, Order, Partition};

use tokio::task::{JoinError, JoinHandle};

use super::piece::{Gathered, Gathering, Kind, Piece, PieceError, cut, entry_of, orders_of};
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
    let obeying = obey(&client, &announced.name);
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
async fn obey(client: &Client, name: &SensorName) {
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
                    Some(work) => Next::Worked((&mut work.thread).await),
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
                    Some(desk) => working = Some(Work::on(desk, message)),
                    None => busy(client, &message).await,
                },
                Next::Worked(worked) => {
                    let reply = working.take().and_then(|work| work.reply);
                    let (mine, heard) =
                        worked.unwrap_or_else(|_| (Desk::default(), Err(PieceError::Body)));
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
    Worked(Result<(Desk, Heard), JoinError>),
}

/// What a message is answered with.
type Heard = Result<Vec<u8>, PieceError>;

/// A message that is being worked on: mathematics over many series, on a thread of its own.
struct Work {
    thread: JoinHandle<(Desk, Heard)>,
    reply: Option<Subject>,
}

impl Work {
    fn on(mut desk: Desk, message: Message) -> Self {
        let Message { payload, reply, .. } = message;
        let thread = tokio::task::spawn_blocking(move || {
            let heard = desk.hear(&payload);
            (desk, heard)
        });
        Self { thread, reply }
    }
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

/// Where orders come in, and outcomes go out: no network.
#[derive(Debug, Default)]
pub(super) struct Desk {
    detector: Detector,
    session: u64,
    incoming: Option<Gathering>,
    /// The last exchange that was obeyed, and what came of it: it is not obeyed again where the answer was lost.
    obeyed: Option<(u64, Vec<Vec<u8>>)>,
}

impl Desk {
    /// Takes a message; what it is answered with.
    pub(super) fn hear(&mut self, message: &[u8]) -> Result<Vec<u8>, PieceError> {
        let piece = Piece::read(message)?;
        if piece.session != self.session {
            // Another hub, or the same after a new start: what was held of the old one is nobody's.
            *self = Self { session: piece.session, ..Self::default() };
        }
        let known = self.obeyed.as_ref().filter(|(exchange, _)| *exchange == piece.exchange);
        let outcome = |at: usize| known.and_then(|(_, outcomes)| outcomes.get(at).cloned());
        let lost = || piece.says(Kind::Lost).to_message();
        match piece.kind {
            Kind::Want => Ok(outcome(usize::from(piece.at)).unwrap_or_else(lost)),
            Kind::Orders if known.is_some() && piece.at + 1 == piece.of => {
                Ok(outcome(0).unwrap_or_else(lost))
            }
            Kind::Orders if known.is_some() => Ok(piece.says(Kind::Taken).to_message()),
            Kind::Orders => self.take(piece),
            Kind::Taken | Kind::Outcomes | Kind::Lost | Kind::Working => Err(PieceError::Form),
        }
    }

    fn take(&mut self, piece: Piece<'_>) -> Result<Vec<u8>, PieceError> {
        let goes_on = self.incoming.as_ref().is_some_and(|incoming| incoming.is_of(piece));
        if !goes_on {
            if piece.at != 0 {
                return Ok(piece.says(Kind::Lost).to_message());
            }
            self.incoming = Some(Gathering::of(piece));
        }
        let Some(incoming) = &mut self.incoming else { return Err(PieceError::Form) };
        match incoming.take(piece)? {
            Gathered::More => Ok(piece.says(Kind::Taken).to_message()),
            Gathered::Whole(body) => {
                self.incoming = None;
                let outcomes = self.obey(orders_of(&body)?);
                let place = (piece.session, piece.exchange);
                let messages = cut(Kind::Outcomes, place, &outcomes)?;
                let first = messages.first().cloned().ok_or(PieceError::Body)?;
                self.obeyed = Some((piece.exchange, messages));
                Ok(first)
            }
        }
    }

    /// Obeys; the body of what came of it.
    pub(super) fn obey(&mut self, orders: Vec<(Partition, Order<'_>)>) -> Vec<u8> {
        let mut body = Vec::new();
        for (partition, order) in orders {
            let outcome = self.detector.obey(partition, order);
            body.extend(entry_of(&(partition, outcome)).unwrap_or_default());
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use kizashi_signs::shares::{Outcome, Part};

    use super::super::piece::outcomes_of;
    use super::*;

    fn orders(exchange: u64, orders: &[(Partition, Order<'_>)]) -> Vec<u8> {
        let body: Vec<u8> = orders.iter().flat_map(|order| entry_of(order).unwrap()).collect();
        cut(Kind::Orders, (9, exchange), &body).unwrap().remove(0)
    }

    fn outcomes(answer: &[u8], count: usize) -> Vec<(Partition, Outcome)> {
        let piece = Piece::read(answer).unwrap();
        assert_eq!(piece.kind, Kind::Outcomes);
        let Gathered::Whole(body) = Gathering::of(piece).take(piece).unwrap() else { panic!() };
        outcomes_of(&body, count).unwrap()
    }

    fn take() -> Order<'static> {
        Order::Take(Detector::snapshot_of(Part::default()).unwrap().into())
    }

    #[test]
    fn an_exchange_whose_answer_was_lost_is_answered_again_and_not_obeyed_again() {
        let mut desk = Desk::default();
        let first = orders(1, &[(5, take()), (5, Order::Save { told: 0 })]);
        let answer = desk.hear(&first).unwrap();
        assert_eq!(outcomes(&answer, 2)[0], (5, Outcome::Done));
        let tell = |exchange| {
            let rows = kizashi_signs::shares::Tell::Bin(Default::default());
            let tell = Order::Tell { from: 0, tells: vec![rows].into(), answers: 0 };
            orders(exchange, &[(5, tell)])
        };
        let once = desk.hear(&tell(2)).unwrap();
        assert_eq!(desk.hear(&tell(2)).unwrap(), once, "as before");
        assert_eq!(outcomes(&once, 1), [(5, Outcome::Answers(Vec::new()))]);
        assert_eq!(outcomes(&desk.hear(&tell(3)).unwrap(), 1), [(5, Outcome::Refused)]);
    }

    #[test]
    fn a_hub_that_begins_anew_finds_nothing_held() {
        let mut desk = Desk::default();
        desk.hear(&orders(1, &[(5, take())])).unwrap();
        let body = entry_of(&(5_u16, Order::Save { told: 0 })).unwrap();
        let other = cut(Kind::Orders, (10, 1), &body).unwrap().remove(0);
        assert_eq!(outcomes(&desk.hear(&other).unwrap(), 1), [(5, Outcome::Refused)]);
    }
}
