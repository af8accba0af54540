//! What supervisor and children say to each other. From a trap that serves, the supervisor believes two bytes and no more.

use kizashi_event::Transport;
use kizashi_web::{Token, TokenError, Tokens};
use serde::{Deserialize, Serialize};

use super::traps::TrapsState;
use crate::capture::Surroundings;
use crate::chosen_traps::ChosenTraps;
use crate::config::{Config, Logins, Machine};
use crate::fleet::FleetPart;
use crate::limits::TrapLimits;
use crate::logins::OwnAddresses;
use crate::sandbox::Protection;

/// What a child is told first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TrapSetup {
    /// The supervisor's process id: another parent means that it is gone.
    pub(crate) supervisor: u32,
    pub(crate) sensor: String,
    pub(crate) identity: [u8; 32],
    /// The RSA host key of the SSH trap, where that stands somewhere.
    pub(crate) rsa_host_key: Option<SecretText>,
    /// The RSA keys of TLS traps, where one stands somewhere.
    pub(crate) tls_keys: Option<SecretText>,
    /// What sessions draw from; another at each start.
    pub(crate) randomness: [u8; 32],
    pub(crate) logins: Logins,
    pub(crate) machine: Machine,
    /// What the web trap's listeners show: a site's name by port.
    pub(crate) web_sites: std::collections::BTreeMap<String, String>,
    pub(crate) session_seed: u64,
    pub(crate) limits: TrapLimits,
    /// Sockets that will be given.
    pub(crate) posts: usize,
    pub(crate) answers_datagrams: bool,
    /// Whether the process shuts itself in; only a benchmark says no.
    pub(crate) confined: bool,
    /// The core's process id, for the trap that misbehaves in tests.
    pub(crate) core: u32,
}

/// A text that comes into no log.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SecretText(pub(crate) String);

impl std::fmt::Debug for SecretText {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SecretText(…)")
    }
}

/// What a trap is told after.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToTrap {
    /// Sockets beside this message, each with its trap.
    Posts(Vec<(String, Transport)>),
    /// The stream beside this message is the way to the core from now on.
    Stream,
    /// A piece of the owner's rules for the web trap: the file's name and a part of its text.
    WebRules(String, String),
    /// Serve.
    Start,
    /// Accept nothing more and let the visitors finish.
    Drain,
    /// End.
    Stop,
    /// Try what is forbidden; understood by test builds alone.
    Misbehave(String),
}

/// What a trap says before it serves: what it gave up.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Confined(pub(crate) Vec<Protection>);

/// What a trap says once it serves: this number.
pub(crate) const SERVING: u8 = 1;

/// What the process that sees packets is told first; its socket is beside it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CaptureSetup {
    pub(crate) supervisor: u32,
    pub(crate) sensor: String,
    pub(crate) surroundings: Surroundings,
    /// Events told one by one in a second, of all and of one source.
    pub(crate) events: u32,
    pub(crate) events_per_source: u32,
    pub(crate) seed: u64,
    pub(crate) confined: bool,
    /// Only say what could be given up, and end.
    pub(crate) probe: bool,
}

/// What it is told after.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToCapture {
    /// The stream beside this message is the way to the core from now on.
    Stream,
    /// This machine is something else than before.
    Surroundings(Surroundings),
    /// End.
    Stop,
}

/// What the process that tells signs is told first; the order to end is all that it is told after.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct NotifySetup {
    pub(crate) supervisor: u32,
    /// The channels, their secrets resolved.
    pub(crate) notify: kizashi_notify::Notify,
    /// Where it carries history to.
    pub(crate) bucket: Option<kizashi_notify::archive::Bucket>,
    /// Whose warnings it reads.
    pub(crate) feeds: kizashi_notify::feeds::Feeds,
    pub(crate) sensor: String,
    /// The folder of the data, of which it uses the outbox, and reads history's files where it carries them.
    pub(crate) data: std::path::PathBuf,
    pub(crate) confined: bool,
}

/// What the core is told first; the dashboard's listener is beside it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CoreSetup {
    pub(crate) supervisor: u32,
    pub(crate) config: Config,
    /// The file that it was read from.
    pub(crate) config_file: Option<std::path::PathBuf>,
    pub(crate) sensor: String,
    pub(crate) tokens: Secrets,
    /// What the dashboard speaks TLS with.
    pub(crate) certificate: Option<Certificate>,
    /// What this machine runs, where its owner let it be looked at.
    pub(crate) machine: Option<kizashi_signs::Machine>,
    /// Addresses that are on no list: this machine's own, and those of current logins.
    pub(crate) allowed: OwnAddresses,
    /// The names of the channels; none where nobody is told of anything.
    pub(crate) channels: Vec<String>,
    /// Whether signs are told to anybody.
    pub(crate) notifies: bool,
    /// Whether anybody is told who came to the traps.
    pub(crate) tells_sightings: bool,
    /// What this machine is in a fleet, where it is in one.
    pub(crate) fleet: Option<FleetPart>,
    /// Which traps stand where.
    pub(crate) traps: TrapsState,
    pub(crate) confined: bool,
    /// Only say what could be given up, and end.
    pub(crate) probe: bool,
}

/// The dashboard's tokens; without `Debug`, so that they come into no log.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Secrets {
    pub(crate) owner: String,
    pub(crate) viewer: Option<String>,
    pub(crate) feeds: Option<String>,
}

/// The dashboard's certificate and key, PEM, read before the core is shut in.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Certificate {
    pub(crate) certificates: String,
    pub(crate) key: String,
}

impl Secrets {
    pub(crate) fn of(tokens: &Tokens) -> Self {
        let text = |token: &Token| token.text().to_owned();
        Self {
            owner: text(&tokens.owner),
            viewer: tokens.viewer.as_ref().map(text),
            feeds: tokens.feeds.as_ref().map(text),
        }
    }

    pub(crate) fn tokens(&self) -> Result<Tokens, TokenError> {
        let viewer = self.viewer.as_deref().map(Token::parse).transpose()?;
        let feeds = self.feeds.as_deref().map(Token::parse).transpose()?;
        Ok(Tokens { owner: Token::parse(&self.owner)?, viewer, feeds })
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secrets(…)")
    }
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Certificate(…)")
    }
}

/// What the core is told after.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToCore {
    /// The stream beside this message comes from the trap process of this number.
    Stream(u64),
    /// The same from the process that sees packets.
    CaptureStream(u64),
    /// How the trap processes fare.
    Health(Health),
    /// A trap did what no trap does.
    Misbehaved(Misbehaviour),
    /// Addresses that are on no list: this machine's own, and those of current logins.
    Allowed(OwnAddresses),
    /// The traps stand like this from now on.
    Traps(TrapsState),
    /// These tokens count from now on.
    Tokens(Secrets),
    /// Write what waits and end.
    Stop,
}

/// What the core says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromCore {
    /// It could not start, and why, in a sentence.
    Failed(String),
    /// It serves: this is what the installation pretends to be, and what the process gave up.
    Ready { identity: [u8; 32], protections: Vec<Protection> },
    /// What the process of this number sent cannot be believed.
    BadStream { process: u64, reason: String },
    /// The owner chose these traps on the page.
    Traps(ChosenTraps),
}

/// A trap did what no trap does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Misbehaviour {
    /// When, in microseconds since 1970.
    pub(crate) at: i64,
    /// What it did, in half a sentence.
    pub(crate) what: String,
}

/// How the trap processes fare, as the supervisor counts it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Health {
    /// The number of the process that serves; they are counted from 1.
    pub(crate) process: u64,
    /// Replaced as planned or asked.
    pub(crate) renewals: u64,
    /// Ended by themselves and replaced.
    pub(crate) crashes: u64,
    /// Killed for what they tried.
    pub(crate) misbehaved: u64,
    /// Times that the core had to be started again.
    pub(crate) core_restarts: u64,
    /// Protections that are not enforced, in a sentence.
    pub(crate) not_enforced: Option<String>,
    /// Why there is no watch over every port, where there is none.
    pub(crate) capture_off: Option<String>,
    /// Times that its process ended by itself or was ended for what it said.
    pub(crate) capture_ends: u64,
}
