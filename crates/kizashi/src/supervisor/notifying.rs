//! The process that tells signs, as the supervisor keeps it: started where there is anybody to tell, replaced when it ends. That it cannot be
//! had ends nothing later: what is to be told waits in the outbox.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::child::{Child, Role};
use super::messages::{Confined, Misbehaviour, NotifySetup};
use super::schedule::BackOff;
use super::start::STARTS_WITHIN;
use super::{FORBIDDEN_CALL, MOST_UNTOLD, Supervisor};
use crate::clock;
use crate::failure::Failure;

/// What there is of it.
pub(super) struct Notifying {
    setup: NotifySetup,
    child: Option<Child>,
    pauses: BackOff,
    due: Option<Instant>,
}

impl Notifying {
    pub(super) fn new(setup: NotifySetup) -> Self {
        Self { setup, child: None, pauses: BackOff::default(), due: None }
    }
}

impl Supervisor {
    /// Starts its process, where there is anybody to tell.
    pub(super) async fn start_notify(&mut self) -> Result<(), Failure> {
        let Some(notifying) = &self.notifying else { return Ok(()) };
        let setup = NotifySetup { supervisor: std::process::id(), ..notifying.setup.clone() };
        let child = self.next_child(Role::Notify)?;
        child.send(&setup, &[]).await?;
        let said = self.heard(child.name, STARTS_WITHIN).await?;
        let Confined(protections) = serde_json::from_slice(&said).map_err(std::io::Error::from)?;
        self.note(&protections)?;
        if let Some(notifying) = &mut self.notifying {
            notifying.child = Some(child);
        }
        Ok(())
    }

    /// Starts it again where that is due.
    pub(super) async fn look_at_notify(&mut self, now: Instant) {
        let Some(notifying) = &mut self.notifying else { return };
        if notifying.due.is_none_or(|due| due > now) {
            return;
        }
        notifying.due = None;
        if let Err(failure) = self.start_notify().await {
            tracing::error!("the process that tells signs could not be started: {failure}");
            if let Some(notifying) = &mut self.notifying {
                notifying.due = Some(notifying.pauses.next(Duration::ZERO, now));
            }
        }
    }

    pub(super) async fn notify_ended(&mut self, number: u64, status: Option<ExitStatus>) {
        let Some(notifying) = &mut self.notifying else { return };
        let Some(child) = notifying.child.take_if(|child| child.name.1 == number) else { return };
        notifying.due = Some(notifying.pauses.next(child.started.elapsed(), Instant::now()));
        if status.and_then(|status| status.signal()) == Some(FORBIDDEN_CALL) {
            let what = "the process that tells signs made a system call that it has no use for, and was killed";
            if self.untold.len() < MOST_UNTOLD {
                let at = clock::now().micros();
                self.untold.push_back(Misbehaviour { at, what: what.to_owned() });
            }
            self.tell_health().await;
            return;
        }
        let status = status.map_or_else(|| "unknown".to_owned(), |status| status.to_string());
        tracing::warn!(
            "the process that tells signs ended unexpectedly ({status}) and is started again"
        );
    }

    /// Tells it to end; what it has not delivered waits for the next start.
    pub(super) async fn stop_notify(&self) {
        if let Some(child) = self.notifying.as_ref().and_then(|notifying| notifying.child.as_ref())
        {
            let _ = child.send(&"stop", &[]).await;
        }
    }

    /// How it fares, for its owner.
    pub(super) fn notify_shown(&self) -> String {
        match &self.notifying {
            None => "it was not started: Kizashi began without a channel; restart it".to_owned(),
            Some(Notifying { child: Some(child), .. }) => {
                format!("runs since {} minutes", child.started.elapsed().as_secs() / 60)
            }
            Some(_) => "it ended and is started again; Kizashi's log says why".to_owned(),
        }
    }

    /// Whether it runs.
    pub(super) fn notifies(&self) -> bool {
        self.notifying.as_ref().is_some_and(|notifying| notifying.child.is_some())
    }
}
