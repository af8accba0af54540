//! The rules that lead all ports to the catch-all, as the supervisor knows them: who holds them now, and what the owner asks of them. The
//! supervisor cannot change a rule; it can let the keeper go, and with it the rules.

use std::os::unix::net::UnixStream as StdUnixStream;
use std::process::Child;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;

use super::Supervisor;
use super::child::News;
use crate::failure::Failure;
use crate::ports::keeper::{APPLY, DONE};
use crate::ports::{Kept, Plan};

/// How long a keeper may take to apply the rules.
const APPLIES_WITHIN: Duration = Duration::from_secs(15);
/// How long one may take to be gone.
const GOES_WITHIN: Duration = Duration::from_secs(5);
/// Bytes that a keeper may say.
const LONGEST_WORD: u64 = 4 << 20;

/// How the rules stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Held {
    /// Nobody holds them.
    No,
    /// They are being applied.
    Applying,
    /// They stand.
    Stand,
    /// They were not applied, and why.
    Refused(String),
    /// They stood, and whoever held them is gone.
    Lost,
}

/// What the owner's commands are told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PortsState {
    pub(crate) plan: Plan,
    pub(crate) held: Held,
    /// The ports that the standing rules leave alone.
    pub(crate) kept: Option<Kept>,
}

/// What `kizashi up` has made ready: the plan, and the socket to a keeper that was started with the rights to apply it.
pub(crate) struct ReadyPorts {
    pub(crate) plan: Plan,
    pub(crate) keeper: Option<(StdUnixStream, Child)>,
}

/// The plan and who holds it.
pub(super) struct Ports {
    state: PortsState,
    keeper: Option<OwnedWriteHalf>,
    listening: Option<tokio::task::JoinHandle<()>>,
    number: u64,
}

impl Ports {
    fn of(plan: Plan) -> Self {
        let state = PortsState { plan, held: Held::No, kept: None };
        Self { state, keeper: None, listening: None, number: 0 }
    }
}

impl Supervisor {
    /// Has a keeper that was started before apply the rules; without one somebody else may later.
    pub(super) async fn begin_ports(&mut self) -> Result<(), Failure> {
        let Some(ready) = self.prepared.ports.take() else { return Ok(()) };
        self.ports = Some(Ports::of(ready.plan));
        let Some((stream, process)) = ready.keeper else { return Ok(()) };
        stream.set_nonblocking(true)?;
        let stream = UnixStream::from_std(stream)?;
        let (mut reading, mut writing) = stream.into_split();
        writing.write_all(format!("{APPLY}\n").as_bytes()).await?;
        let said = tokio::time::timeout(APPLIES_WITHIN, word(&mut reading)).await;
        let kept = match said.ok().flatten() {
            Some(said) => kept(&said).ok_or(Failure::Asked(said))?,
            None => {
                return Err(Failure::Asked(
                    "the rules for all ports could not be applied; `kizashi ports apply --dry-run` says what is missing".to_owned(),
                ));
            }
        };
        self.attach(reading, writing, (Held::Stand, Some(process)));
        if let Some(ports) = &mut self.ports {
            ports.state.kept = Some(kept);
        }
        Ok(())
    }

    fn attach(
        &mut self,
        reading: OwnedReadHalf,
        writing: OwnedWriteHalf,
        (held, process): (Held, Option<Child>),
    ) {
        let sender = self.sender.clone();
        let Some(ports) = &mut self.ports else { return };
        ports.number += 1;
        ports.state.held = held;
        ports.keeper = Some(writing);
        ports.listening = Some(tokio::spawn(listen(reading, process, ports.number, sender)));
    }

    /// Somebody who may change rules has connected to hold them.
    pub(super) async fn hold_ports(&mut self, stream: UnixStream) {
        let (reading, mut writing) = stream.into_split();
        let Some(ports) = &self.ports else { return };
        if matches!(ports.state.held, Held::Stand | Held::Applying) {
            return;
        }
        let Ok(plan) = serde_json::to_string(&ports.state.plan) else { return };
        if writing.write_all(format!("{plan}\n{APPLY}\n").as_bytes()).await.is_ok() {
            self.attach(reading, writing, (Held::Applying, None));
        }
    }

    /// A keeper said something, or is gone (`None`).
    pub(super) fn keeper_said(&mut self, number: u64, said: Option<String>) {
        let Some(ports) = self.ports.as_mut().filter(|ports| ports.number == number) else {
            return;
        };
        ports.state.held = match (said, &ports.state.held) {
            (Some(said), _) => match kept(&said) {
                Some(kept) => {
                    ports.state.kept = Some(kept);
                    Held::Stand
                }
                None => Held::Refused(said),
            },
            (None, Held::Stand) => {
                tracing::error!(
                    "whoever held the rules for all ports is gone, and the rules with him; `sudo kizashi ports apply` makes them again"
                );
                Held::Lost
            }
            (None, Held::Applying) => Held::Refused("the rules could not be applied".to_owned()),
            (None, held) => held.clone(),
        };
        if ports.state.held != Held::Stand {
            (ports.keeper, ports.state.kept) = (None, None);
        }
    }

    /// Lets the keeper go and waits until it is gone, and the rules with it.
    pub(super) async fn release_ports(&mut self) -> bool {
        let Some(ports) = &mut self.ports else { return false };
        let held = ports.keeper.take().is_some();
        (ports.state.held, ports.state.kept) = (Held::No, None);
        // What an earlier keeper says from now on is of no interest.
        ports.number += 1;
        if let Some(listening) = ports.listening.take() {
            let _ = tokio::time::timeout(GOES_WITHIN, listening).await;
        }
        held
    }

    /// The answer to an owner's question.
    pub(super) async fn ports_asked(&mut self, what: &str) -> String {
        if self.ports.is_none() {
            return "the Kizashi that runs does not answer on all ports; start it by `kizashi up --all-ports`, or set all_ports = true under [traps]".to_owned();
        }
        if what == "remove" {
            return if self.release_ports().await {
                "done: the rules are gone; the traps' own ports answer as before".to_owned()
            } else {
                "done: no rules stood".to_owned()
            };
        }
        let state = self.ports.as_ref().map(|ports| &ports.state);
        serde_json::to_string(&state)
            .map_or_else(|error| error.to_string(), |json| format!("done: {json}"))
    }
}

/// Tells what a keeper says, and that it is gone; one that we started is waited for.
async fn listen(
    mut reading: OwnedReadHalf,
    process: Option<Child>,
    number: u64,
    news: mpsc::Sender<News>,
) {
    while let Some(said) = word(&mut reading).await {
        if news.send(News::Keeper(number, Some(said))).await.is_err() {
            return;
        }
    }
    if let Some(mut process) = process {
        let _ = tokio::task::spawn_blocking(move || process.wait()).await;
    }
    let _ = news.send(News::Keeper(number, None)).await;
}

/// What a keeper leaves alone, where it says that the rules stand.
fn kept(said: &str) -> Option<Kept> {
    said.strip_prefix(DONE).and_then(|json| serde_json::from_str(json).ok())
}

/// A line, bounded; `None` at the end.
async fn word(reading: &mut OwnedReadHalf) -> Option<String> {
    let mut line = String::new();
    let read = BufReader::new(reading.take(LONGEST_WORD)).read_line(&mut line).await;
    read.ok().filter(|count| *count > 0).map(|_| line.trim_end().to_owned())
}
