//! Traps that are turned on or off while Kizashi runs, as the dashboard's page asks by way of the core. A trap that is turned off loses its sockets at
//! once: the process that takes over has none of them, and the one before closes its own as soon as it is told to finish. A trap that is turned
//! on gets sockets now where the system lets this process bind them, which has given up root by then, and otherwise at the next start.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use kizashi_traps::{BoundSocket, DatagramReply, Post};
use serde::{Deserialize, Serialize};

use super::Supervisor;
use super::messages::{ToCapture, ToCore, TrapSetup};
use crate::chosen_traps::ChosenTraps;
use crate::failure::Failure;
use crate::listening::{Bound, NotBound, Plan, descriptors_allowed, ports_of};
use crate::secrets;

/// How long a port may still belong to the trap process that lets its visitors finish.
const LETS_GO: Duration = Duration::from_secs(2);
/// Between two tries to bind it.
const TRIES_EVERY: Duration = Duration::from_millis(50);
/// The trap that answers on all ports where the owner wants that.
const CATCH_ALL: &str = "any";
/// Traps that prove who they are by a key of this installation's.
const WITH_SSH: &[&str] = &["ssh"];
const WITH_TLS: &[&str] = &["any", "https", "sip", "smtp"];

/// Which traps stand where, and what was chosen on the page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TrapsState {
    pub(crate) chosen: ChosenTraps,
    /// Service and address of each listener.
    pub(crate) listeners: Vec<(String, String)>,
    /// By a trap's name, why it does not stand everywhere.
    pub(crate) troubles: BTreeMap<String, TrapTrouble>,
    /// Why nothing was changed, in a sentence.
    pub(crate) failed: Option<String>,
    /// Whether a change that was asked for is over: before that the core is told where traps are about to stand.
    pub(crate) settled: bool,
}

/// Why a trap that was turned on does not stand everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TrapTrouble {
    pub(crate) why: NotBound,
    /// Where.
    pub(crate) ports: Vec<String>,
}

/// The traps' setup with the keys that those of them need which are to run.
pub(crate) fn with_keys(
    trap: TrapSetup,
    names: &[&str],
    data: &std::path::Path,
) -> Result<TrapSetup, Failure> {
    let has = |wanted: &[&str]| names.iter().any(|name| wanted.contains(name));
    let rsa_host_key = if has(WITH_SSH) { Some(secrets::rsa_host_key(data)?) } else { None };
    let tls_keys = if has(WITH_TLS) { Some(secrets::tls_keys(data)?) } else { None };
    Ok(TrapSetup { rsa_host_key, tls_keys, ..trap })
}

/// Whether any of these may answer a datagram.
pub(crate) fn answers_datagrams(posts: &[Post]) -> bool {
    posts.iter().any(|post| {
        matches!(post.socket, BoundSocket::Udp(_)) && post.trap.datagrams != DatagramReply::Never
    })
}

/// The names of the traps that stand somewhere.
pub(crate) fn names_of(posts: &[Post]) -> Vec<&'static str> {
    let names: BTreeSet<&str> = posts.iter().map(|post| post.trap.name).collect();
    names.into_iter().collect()
}

impl Supervisor {
    /// Has the traps stand as was chosen, as far as can be, and tells the core what came of it.
    pub(super) async fn choose_traps(&mut self, wished: ChosenTraps) {
        let failed = match self.rearrange(wished).await {
            Ok(()) => None,
            Err(failure) => {
                tracing::error!("the traps stay as they are: {failure}");
                Some(failure.to_string())
            }
        };
        self.tell_traps(failed, true).await;
    }

    async fn tell_traps(&self, failed: Option<String>, settled: bool) {
        let state = TrapsState { failed, settled, ..self.prepared.core.traps.clone() };
        if let Some(core) = &self.core {
            let _ = core.send(&ToCore::Traps(state), &[]).await;
        }
    }

    async fn rearrange(&mut self, wished: ChosenTraps) -> Result<(), Failure> {
        if self.prepared.is_hub() {
            return Err(Failure::Asked("a fleet's hub has no traps".to_owned()));
        }
        if !wished.is_of_traps() {
            return Err(Failure::Asked("there is no such trap".to_owned()));
        }
        let config = &self.prepared.core.config;
        let plan = Plan::with(config, &wished, self.prepared.privileged)?;
        wished.write(&config.data).map_err(|error| {
            Failure::Asked(format!("what was chosen cannot be kept ({error}): is the disk full?"))
        })?;
        let before = std::mem::replace(&mut self.prepared.core.traps.chosen, wished.clone());
        let wants = plan.traps();
        self.let_go_of_all_but(&wants);
        let stands = names_of(&self.prepared.posts);
        let is_new = |name: &str| before.differ(&wished, name) && !stands.contains(&name);
        let (bound, troubles) = self.bind_new(&plan, &is_new).await;
        let traps = &mut self.prepared.core.traps;
        traps.troubles.retain(|name, _| !before.differ(&wished, name));
        traps.troubles.extend(troubles);
        let nowhere =
            wished.on().filter(|name| before.differ(&wished, name) && !wants.contains(name));
        let nowhere = nowhere.map(|name| {
            (name.to_owned(), TrapTrouble { why: NotBound::Nowhere, ports: Vec::new() })
        });
        traps.troubles.extend(nowhere);
        traps.listeners.extend(bound.shown());
        self.prepared.posts.extend(bound.posts);
        self.fit_to_posts().await?;
        self.show_ports_to_capture().await;
        // Before the new process tells anything of a port, the core has to know that a trap stands there.
        self.tell_traps(None, false).await;
        let process = self.renew().await?;
        tracing::info!("the traps stand as the page says: process {process}");
        Ok(())
    }

    /// Drops the sockets of traps that are to stand nowhere.
    fn let_go_of_all_but(&mut self, wanted: &BTreeSet<&'static str>) {
        let takes_all = self.prepared.core.config.traps.all_ports;
        let stays = |name: &str| wanted.contains(name) || (takes_all && name == CATCH_ALL);
        self.prepared.posts.retain(|post| stays(post.trap.name));
        self.prepared.core.traps.listeners.retain(|(service, _)| stays(service));
    }

    /// Binds what is new, and says why where that cannot be.
    async fn bind_new(
        &self,
        plan: &Plan,
        is_new: &(impl Fn(&str) -> bool + Sync),
    ) -> (Bound, BTreeMap<String, TrapTrouble>) {
        let held = ports_of(&self.prepared.posts);
        let until = Instant::now() + LETS_GO;
        let (bound, refused) = loop {
            let (bound, refused) = plan.bind_some(is_new, &held);
            let may_come_free = refused.iter().any(|(_, _, why)| *why == NotBound::Taken);
            if !may_come_free || Instant::now() >= until {
                break (bound, refused);
            }
            drop(bound);
            tokio::time::sleep(TRIES_EVERY).await;
        };
        let mut troubles: BTreeMap<String, TrapTrouble> = BTreeMap::new();
        for (name, port, why) in refused {
            let trouble = troubles
                .entry(name.to_owned())
                .or_insert_with(|| TrapTrouble { why, ports: Vec::new() });
            trouble.ports.push(port.to_string());
        }
        (bound, troubles)
    }

    /// The trap's setup with the keys, the calls and the room that these sockets take.
    async fn fit_to_posts(&mut self) -> Result<(), Failure> {
        let (names, data) =
            (names_of(&self.prepared.posts), self.prepared.core.config.data.clone());
        let trap = self.prepared.trap.clone();
        // A key that is made takes a second: children are listened to meanwhile.
        let made = tokio::task::spawn_blocking(move || with_keys(trap, &names, &data)).await;
        let mut trap = made.map_err(|error| Failure::Asked(error.to_string()))??;
        trap.answers_datagrams = answers_datagrams(&self.prepared.posts);
        trap.limits.fit(descriptors_allowed(), self.prepared.posts.len());
        self.prepared.trap = trap;
        Ok(())
    }

    /// The watch over every port leaves to traps what is theirs.
    async fn show_ports_to_capture(&mut self) {
        // What stands on loopback is met by nobody whom a capture sees.
        let is_inside = self.prepared.core.config.traps.address.is_loopback();
        let ports = if is_inside { Vec::new() } else { ports_of(&self.prepared.posts) };
        let Some(watching) = &mut self.watching else { return };
        match watching.eyes.leave_to_traps(&ports) {
            Ok(false) => {}
            Ok(true) => {
                if let Some(child) = &watching.child {
                    let now = ToCapture::Surroundings(watching.eyes.surroundings().clone());
                    let _ = child.send(&now, &[]).await;
                }
            }
            Err(error) => tracing::warn!("the watch over every port keeps its filter: {error}"),
        }
    }
}

impl TrapTrouble {
    /// The word for it in the dashboard's API.
    pub(crate) const fn word(&self) -> &'static str {
        match self.why {
            NotBound::NeedsRestart => "restart",
            NotBound::Taken => "taken",
            NotBound::Nowhere => "nowhere",
            NotBound::Refused => "refused",
        }
    }
}
