//! The watch over every port, as the supervisor keeps it: its process started on the socket that is open already, told when this machine
//! changes, replaced when it ends. That it cannot be had ends nothing: traps see who comes to them all the same.

use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::child::{Child, Role};
use super::messages::{CaptureSetup, Confined, Misbehaviour, ToCapture, ToCore};
use super::schedule::BackOff;
use super::start::STARTS_WITHIN;
use super::{FORBIDDEN_CALL, MOST_UNTOLD, Supervisor};
use crate::capture::Eyes;
use crate::clock;
use crate::dashboard::random;
use crate::failure::Failure;

/// How often this machine's addresses and services are looked at.
const LOOKS_EVERY: Duration = Duration::from_secs(60);

/// What there is of it.
pub(super) struct Watching {
    pub(super) eyes: Eyes,
    pub(super) child: Option<Child>,
    condemned: Option<String>,
    pauses: BackOff,
    due: Option<Instant>,
    looked: Instant,
}

impl Watching {
    pub(super) fn new(eyes: Eyes) -> Self {
        Self {
            eyes,
            child: None,
            condemned: None,
            pauses: BackOff::default(),
            due: None,
            looked: Instant::now(),
        }
    }

    fn is(&self, number: u64) -> bool {
        self.child.as_ref().is_some_and(|child| child.name.1 == number)
    }

    /// Ends the process for what it said; whether it is this one.
    pub(super) fn condemn(&mut self, number: u64, what: &str) -> bool {
        let is_it = self.is(number);
        if is_it && let Some(child) = &self.child {
            self.condemned.get_or_insert_with(|| what.to_owned());
            child.kill();
        }
        is_it
    }
}

impl Supervisor {
    /// Starts its process, where there is a socket for it.
    pub(super) async fn start_capture(&mut self) -> Result<(), Failure> {
        if self.watching.is_none() {
            return Ok(());
        }
        let child = self.next_child(Role::Capture)?;
        let Some(watching) = &self.watching else { return Ok(()) };
        let setup = CaptureSetup {
            supervisor: std::process::id(),
            surroundings: watching.eyes.surroundings().clone(),
            seed: u64::from_ne_bytes(random()?),
            ..self.prepared.capture.clone()
        };
        child.send(&setup, &[watching.eyes.socket.as_fd()]).await?;
        let said = self.heard(child.name, STARTS_WITHIN).await?;
        let Confined(protections) = serde_json::from_slice(&said).map_err(std::io::Error::from)?;
        self.note(&protections)?;
        if let Some(core) = &self.core {
            connect(core, &child).await?;
        }
        if let Some(watching) = &mut self.watching {
            watching.child = Some(child);
        }
        Ok(())
    }

    /// Gives a new core the way to it.
    pub(super) async fn connect_capture(&self, core: &Child) {
        if let Some(child) = self.watching.as_ref().and_then(|watching| watching.child.as_ref()) {
            // One that cannot be reached is about to be told as ended.
            let _ = connect(core, child).await;
        }
    }

    /// Starts it again where that is due, and tells it what has changed.
    pub(super) async fn look_at_the_watch(&mut self, now: Instant) {
        let Some(watching) = &mut self.watching else { return };
        if watching.due.is_some_and(|due| due <= now) {
            watching.due = None;
            if let Err(failure) = self.start_capture().await {
                tracing::error!("the watch over every port could not be started: {failure}");
                self.postpone_capture(Duration::ZERO);
            }
            return;
        }
        if now.duration_since(watching.looked) < LOOKS_EVERY {
            return;
        }
        watching.looked = now;
        match watching.eyes.look_around() {
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

    /// Starts it again after a pause.
    pub(super) fn postpone_capture(&mut self, lived: Duration) {
        if let Some(watching) = &mut self.watching {
            watching.due = Some(watching.pauses.next(lived, Instant::now()));
        }
    }

    pub(super) async fn capture_ended(&mut self, number: u64, status: Option<ExitStatus>) {
        let Some(watching) = self.watching.as_mut().filter(|watching| watching.is(number)) else {
            return;
        };
        let lived = watching.child.take().map_or(Duration::ZERO, |child| child.started.elapsed());
        let forbidden = status.and_then(|status| status.signal()) == Some(FORBIDDEN_CALL);
        let what = watching.condemned.take().or_else(|| {
            forbidden
                .then(|| "it made a system call that it has no use for, and was killed".to_owned())
        });
        self.health.capture_ends += 1;
        match what {
            Some(what) => {
                let what = format!("the process that sees packets: {what}");
                if self.untold.len() < MOST_UNTOLD {
                    self.untold.push_back(Misbehaviour { at: clock::now().micros(), what });
                }
            }
            None => {
                let status =
                    status.map_or_else(|| "unknown".to_owned(), |status| status.to_string());
                tracing::warn!(
                    "the watch over every port ended unexpectedly ({status}) and is started again"
                );
            }
        }
        self.postpone_capture(lived);
        self.tell_health().await;
    }
}

/// Gives both an end of a new stream.
async fn connect(core: &Child, capture: &Child) -> std::io::Result<()> {
    let (to_core, to_capture) = UnixStream::pair()?;
    core.send(&ToCore::CaptureStream(capture.name.1), &[to_core.as_fd()]).await?;
    capture.send(&ToCapture::Stream, &[to_capture.as_fd()]).await
}
