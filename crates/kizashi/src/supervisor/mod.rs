//! The process that people start. It holds the sockets and its children, the trap, the core, the capture and the one that tells signs, and does nothing else: it
//! reads no byte of an attacker and keeps no event. A child that ends is replaced; the sockets stay open meanwhile, so no port goes dark.
//! A trap that did what no trap does is told as a sign.

pub(crate) mod channel;
mod child;
pub(crate) mod messages;
mod notifying;
pub(crate) mod owner;
pub(crate) mod ports;
mod probe;
mod schedule;
mod start;
pub(crate) mod traps;
mod watching;

use std::collections::VecDeque;
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use jiff::ZonedDateTime;
use kizashi_traps::Post;
use tokio::sync::{mpsc, oneshot};

use crate::capture::Eyes;
use crate::clock;
use crate::failure::Failure;
use crate::fleet::FleetPart;
use crate::live::stop_signal;
use child::{Child, News, Role};
use messages::{
    CaptureSetup, CoreSetup, FromCore, Health, Misbehaviour, NotifySetup, Secrets, ToCapture,
    ToCore, ToTrap, TrapSetup,
};
use notifying::Notifying;
use ports::{Ports, ReadyPorts};
use schedule::{BackOff, Daily};
use watching::Watching;

pub(crate) use probe::probe;

/// How long a trap that was replaced may go on with its visitors.
const DRAIN: Duration = Duration::from_secs(60);
/// How long children may take to end when everything ends.
const FAREWELL: Duration = Duration::from_secs(9);
/// How often the clock is looked at.
const TICK: Duration = Duration::from_secs(1);
/// How often it is looked who is logged in.
const LOOKS_AT_LOGINS: Duration = Duration::from_secs(60);
/// News that may wait; children wait then, never the supervisor.
const MOST_NEWS: usize = 64;
/// Misbehaviours that wait for a core to tell them to.
const MOST_UNTOLD: usize = 64;
/// The signal of a forbidden system call.
const FORBIDDEN_CALL: i32 = libc::SIGSYS;

/// What `kizashi up` has made ready.
pub(crate) struct Prepared {
    pub(crate) core: CoreSetup,
    /// Where the dashboard listens; a fleet's sensor has none.
    pub(crate) dashboard: Option<TcpListener>,
    pub(crate) trap: TrapSetup,
    pub(crate) posts: Vec<Post>,
    /// The owner's rules for the web trap, in pieces: each the file's name and a part of its text.
    pub(crate) web_rules: Vec<(String, String)>,
    pub(crate) capture: CaptureSetup,
    /// The socket that sees packets, or why there is none.
    pub(crate) eyes: Result<Eyes, String>,
    /// Who is told of signs, where anybody is.
    pub(crate) notify: Option<NotifySetup>,
    pub(crate) require_sandbox: bool,
    /// Where every port is answered: how.
    pub(crate) ports: Option<ReadyPorts>,
    /// Whether traps' usual ports are the real ones.
    pub(crate) privileged: bool,
}

impl Prepared {
    /// Whether this is a fleet's hub, which has no traps.
    const fn is_hub(&self) -> bool {
        matches!(self.core.fleet, Some(FleetPart::Hub { .. }))
    }
}

struct Trap {
    child: Child,
    /// Until when it may still serve; `None` of the one that accepts.
    drains_until: Option<Instant>,
    /// What it did that no trap does.
    condemned: Option<String>,
}

struct Supervisor {
    prepared: Prepared,
    news: mpsc::Receiver<News>,
    sender: mpsc::Sender<News>,
    waiting: VecDeque<News>,
    core: Option<Child>,
    traps: Vec<Trap>,
    watching: Option<Watching>,
    notifying: Option<Notifying>,
    started: u64,
    health: Health,
    untold: VecDeque<Misbehaviour>,
    trap_pauses: BackOff,
    core_pauses: BackOff,
    trap_due: Option<Instant>,
    core_due: Option<Instant>,
    daily: Option<Daily>,
    ports: Option<Ports>,
    logins_looked: Instant,
    stopping: bool,
}

/// Runs until a signal comes. `ready` is called once both processes serve.
pub(crate) fn run(
    mut prepared: Prepared,
    ready: impl FnOnce(Option<&str>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (sender, news) = mpsc::channel(MOST_NEWS);
        let stop = sender.clone();
        tokio::spawn(async move {
            stop_signal().await;
            let _ = stop.send(News::Stop).await;
        });
        let daily = prepared.core.config.renew_at().map_err(Failure::Asked)?;
        let eyes = std::mem::replace(&mut prepared.eyes, Err(String::new()));
        let is_hub = prepared.is_hub();
        let capture_off = eyes.as_ref().err().cloned();
        let mut supervisor = Supervisor {
            watching: eyes.ok().map(Watching::new),
            notifying: prepared.notify.take().map(Notifying::new),
            prepared,
            news,
            sender,
            waiting: VecDeque::new(),
            core: None,
            traps: Vec::new(),
            started: 0,
            health: Health { capture_off, ..Health::default() },
            untold: VecDeque::new(),
            trap_pauses: BackOff::default(),
            core_pauses: BackOff::default(),
            trap_due: None,
            core_due: None,
            daily: daily.filter(|_| !is_hub).map(|at| Daily::new(at, &ZonedDateTime::now())),
            ports: None,
            logins_looked: Instant::now(),
            stopping: false,
        };
        let result = supervisor.serve(ready).await;
        supervisor.end().await;
        result
    })
}

impl Supervisor {
    async fn serve(
        &mut self,
        ready: impl FnOnce(Option<&str>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let started = async {
            self.start_core().await?;
            self.start_first_trap().await?;
            self.start_capture().await?;
            self.start_notify().await
        }
        .await;
        if self.stopping {
            return Ok(());
        }
        started?;
        let folder = &self.prepared.core.config.data;
        if let Err(error) = owner::listen(folder, self.sender.clone()) {
            tracing::warn!(
                "`kizashi renew` will not reach this process: {}: {error}",
                folder.display()
            );
        }
        self.tell_health().await;
        self.begin_ports().await?;
        ready(self.health.not_enforced.as_deref())?;
        while !self.stopping {
            match self.next_news().await {
                Some(News::Stop) => self.stopping = true,
                Some(News::Held(stream)) => self.hold_ports(stream).await,
                Some(News::Keeper(number, said)) => self.keeper_said(number, said),
                Some(News::Asked(request, answer)) => self.answer(&request, answer).await,
                Some(News::Ended((Role::Core, number), status)) => {
                    self.core_ended(number, status).await;
                }
                Some(News::Ended((Role::Trap, number), status)) => {
                    self.trap_ended(number, status).await;
                }
                Some(News::Ended((Role::Capture, number), status)) => {
                    self.capture_ended(number, status).await;
                }
                Some(News::Ended((Role::Notify, number), status)) => {
                    self.notify_ended(number, status).await;
                }
                Some(News::Said((Role::Core, _), bytes)) => self.hear_core(&bytes).await,
                Some(News::Said((_, process), _)) => {
                    self.condemn(process, "it said what no trap says");
                }
                Some(News::Talkative((_, process))) => {
                    self.condemn(process, "it wrote more log than any trap does");
                }
                None => {}
            }
            self.look_at_the_clock().await;
        }
        Ok(())
    }

    /// What happens next, or nothing for a tick.
    async fn next_news(&mut self) -> Option<News> {
        if let Some(news) = self.waiting.pop_front() {
            return Some(news);
        }
        let dues = [self.trap_due, self.core_due].into_iter().flatten();
        let wait = dues.map(|due| due.saturating_duration_since(Instant::now())).min();
        let wait = wait.map_or(TICK, |wait| wait.min(TICK));
        tokio::time::timeout(wait, self.news.recv()).await.ok().flatten()
    }

    async fn look_at_the_clock(&mut self) {
        let now = Instant::now();
        if self.stopping {
            return;
        }
        if self.core_due.is_some_and(|due| due <= now) {
            self.core_due = None;
            if let Err(failure) = self.start_core().await {
                self.core_failed(&failure);
            }
        }
        if self.trap_due.is_some_and(|due| due <= now) && self.core_due.is_none() {
            self.trap_due = None;
            if let Err(failure) = self.start_trap().await {
                tracing::error!("the trap could not be started: {failure}");
                self.trap_due = Some(self.trap_pauses.next(Duration::ZERO, Instant::now()));
            }
            self.tell_health().await;
        }
        self.look_at_the_watch(now).await;
        self.look_at_notify(now).await;
        self.look_at_logins(now).await;
        for trap in &self.traps {
            if trap.drains_until.is_some_and(|until| until <= now) {
                trap.child.kill();
            }
        }
        if self.daily.as_mut().is_some_and(|daily| daily.is_due(&ZonedDateTime::now())) {
            match self.renew().await {
                Ok(process) => tracing::info!("the trap was renewed: process {process}"),
                Err(failure) => tracing::error!("the trap was not renewed: {failure}"),
            }
        }
    }

    /// Tells the core whose addresses are on no list, where that changed.
    async fn look_at_logins(&mut self, now: Instant) {
        if now.duration_since(self.logins_looked) < LOOKS_AT_LOGINS {
            return;
        }
        self.logins_looked = now;
        let allowed = crate::logins::OwnAddresses::now();
        if allowed != self.prepared.core.allowed {
            self.prepared.core.allowed.clone_from(&allowed);
            if let Some(core) = &self.core {
                let _ = core.send(&ToCore::Allowed(allowed), &[]).await;
            }
        }
    }

    async fn answer(&mut self, request: &str, answer: oneshot::Sender<String>) {
        let text = match request.split_once(' ').unwrap_or((request, "")) {
            ("renew", "") => match self.renew().await {
                Ok(process) => format!(
                    "done: the trap is process {process} now; the one before lets its visitors finish"
                ),
                Err(failure) => failure.to_string(),
            },
            ("telling", "") => format!("done: {}", self.notify_shown()),
            ("ports", what) => self.ports_asked(what).await,
            ("tokens", "") => match self.renew_tokens().await {
                Ok(()) => {
                    "done: it counts from now on, and the one before opens nothing".to_owned()
                }
                Err(failure) => failure.to_string(),
            },
            #[cfg(debug_assertions)]
            ("misbehave", how) => {
                if let Some(trap) = self.traps.iter().find(|trap| trap.drains_until.is_none()) {
                    let _ = trap.child.send(&ToTrap::Misbehave(how.to_owned()), &[]).await;
                }
                "done: the trap was told to misbehave".to_owned()
            }
            _ => {
                "what is asked for is not known to the Kizashi that runs; is it of another version?"
                    .to_owned()
            }
        };
        // Whoever asked may have gone.
        let _ = answer.send(text);
    }

    /// The tokens in the data folder are the ones that count, for this core and those after it.
    async fn renew_tokens(&mut self) -> Result<(), Failure> {
        let tokens = Secrets::of(&crate::secrets::tokens(&self.prepared.core.config.data)?);
        self.prepared.core.tokens = tokens.clone();
        if let Some(core) = &self.core {
            core.send(&ToCore::Tokens(tokens), &[]).await?;
        }
        Ok(())
    }

    /// A fresh process takes over the sockets; the old one finishes with its visitors.
    async fn renew(&mut self) -> Result<u64, Failure> {
        if self.prepared.is_hub() {
            return Err(Failure::Asked("a fleet's hub has no traps to renew".to_owned()));
        }
        let process = self.start_trap().await?;
        self.trap_due = None;
        let until = Instant::now() + DRAIN;
        for trap in &mut self.traps {
            if trap.child.name.1 != process && trap.drains_until.is_none() {
                trap.drains_until = Some(until);
                let _ = trap.child.send(&ToTrap::Drain, &[]).await;
            }
        }
        self.health.renewals += 1;
        self.tell_health().await;
        Ok(process)
    }

    fn condemn(&mut self, number: u64, what: &str) {
        if self.watching.as_mut().is_some_and(|watching| watching.condemn(number, what)) {
            return;
        }
        if let Some(trap) = self.traps.iter_mut().find(|trap| trap.child.name.1 == number) {
            trap.condemned.get_or_insert_with(|| what.to_owned());
            trap.child.kill();
        }
    }

    async fn hear_core(&mut self, bytes: &[u8]) {
        match serde_json::from_slice(bytes) {
            Ok(FromCore::BadStream { process, reason }) => self.condemn(process, &reason),
            Ok(FromCore::Traps(wished)) => self.choose_traps(wished).await,
            Ok(FromCore::Failed(_) | FromCore::Ready { .. }) | Err(_) => {}
        }
    }

    async fn trap_ended(&mut self, number: u64, status: Option<ExitStatus>) {
        let Some(at) = self.traps.iter().position(|trap| trap.child.name.1 == number) else {
            return;
        };
        let trap = self.traps.remove(at);
        let forbidden = status.and_then(|status| status.signal()) == Some(FORBIDDEN_CALL);
        let what = match trap.condemned {
            Some(reason) => Some(reason),
            None if forbidden => {
                Some("it made a system call that no trap makes, and was killed for it".to_owned())
            }
            None => None,
        };
        let drained = trap.drains_until.is_some();
        match what {
            Some(what) => {
                self.health.misbehaved += 1;
                let at = clock::now().micros();
                if self.untold.len() < MOST_UNTOLD {
                    self.untold.push_back(Misbehaviour { at, what });
                }
            }
            None if drained => {}
            None => {
                self.health.crashes += 1;
                let status =
                    status.map_or_else(|| "unknown".to_owned(), |status| status.to_string());
                tracing::warn!(
                    "the trap, process {number}, ended unexpectedly ({status}) and is replaced"
                );
            }
        }
        if !drained {
            let lived = trap.child.started.elapsed();
            self.trap_due = Some(self.trap_pauses.next(lived, Instant::now()));
        }
        self.tell_health().await;
    }

    async fn core_ended(&mut self, number: u64, status: Option<ExitStatus>) {
        let Some(core) = self.core.take_if(|core| core.name.1 == number) else { return };
        self.health.core_restarts += 1;
        let status = status.map_or_else(|| "unknown".to_owned(), |status| status.to_string());
        tracing::error!(
            "the core ended unexpectedly ({status}) and is started again; the trap keeps what it sees"
        );
        self.core_due = Some(self.core_pauses.next(core.started.elapsed(), Instant::now()));
    }

    fn core_failed(&mut self, failure: &Failure) {
        tracing::error!("the core could not be started: {failure}");
        self.core_due = Some(self.core_pauses.next(Duration::ZERO, Instant::now()));
    }

    /// Tells the core how the traps fare, and what could not be told before.
    async fn tell_health(&mut self) {
        let Some(core) = &self.core else { return };
        while let Some(what) = self.untold.front() {
            if core.send(&ToCore::Misbehaved(what.clone()), &[]).await.is_err() {
                return;
            }
            self.untold.pop_front();
        }
        let _ = core.send(&ToCore::Health(self.health.clone()), &[]).await;
    }

    /// Ends the traps, then the core, so that what was seen last is kept.
    async fn end(&mut self) {
        self.release_ports().await;
        // What the traps keep while the core is away would go with them.
        if self.core.is_none()
            && !self.traps.is_empty()
            && let Err(failure) = self.start_core().await
        {
            tracing::error!(
                "what the traps saw last is lost, for the core does not start: {failure}"
            );
        }
        for trap in &self.traps {
            let _ = trap.child.send(&ToTrap::Stop, &[]).await;
        }
        let captures = |supervisor: &Self| {
            supervisor.watching.as_ref().is_some_and(|watching| watching.child.is_some())
        };
        if let Some(child) = self.watching.as_ref().and_then(|watching| watching.child.as_ref()) {
            let _ = child.send(&ToCapture::Stop, &[]).await;
        }
        self.wait_for_end(|supervisor| supervisor.traps.is_empty() && !captures(supervisor)).await;
        self.traps.clear();
        self.watching = None;
        if let Some(core) = &self.core {
            let _ = core.send(&ToCore::Stop, &[]).await;
        }
        self.stop_notify().await;
        self.wait_for_end(|supervisor| supervisor.core.is_none() && !supervisor.notifies()).await;
        let _ = std::fs::remove_file(self.prepared.core.config.data.join("kizashi.sock"));
    }

    async fn wait_for_end(&mut self, over: impl Fn(&Self) -> bool) {
        let until = Instant::now() + FAREWELL;
        while !over(self) {
            let left = until.saturating_duration_since(Instant::now());
            let next = match self.waiting.pop_front() {
                Some(news) => Ok(Some(news)),
                None => tokio::time::timeout(left, self.news.recv()).await,
            };
            match next {
                Ok(Some(News::Ended((Role::Trap, number), _))) => {
                    self.traps.retain(|trap| trap.child.name.1 != number);
                }
                Ok(Some(News::Ended((Role::Core, _), _))) => self.core = None,
                Ok(Some(News::Ended((Role::Capture, _), _))) => self.watching = None,
                Ok(Some(News::Ended((Role::Notify, _), _))) => self.notifying = None,
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => return,
            }
        }
    }
}
