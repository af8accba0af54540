//! Pipes of a program that a visitor has started as a service: see `machine/windows/remcom.rs`, which is what answers behind them.

use std::sync::Arc;

use kizashi_event::Timestamp;

use super::server::{Server, What};
use super::status::{self, Status};
use crate::Output;
use crate::machine::{
    REMCOM_PIPE, RemoteEnd, RemoteRead, RemoteRequest, RemoteShell, WindowsKept, WindowsMachine,
};
use crate::rpc::Rights;

/// One end of such a pipe.
#[derive(Debug)]
pub(super) enum Remote {
    /// Where the service waits, until a request is whole.
    Asking(RemoteRequest),
    Of(Arc<RemoteShell>, RemoteEnd),
}

impl Remote {
    /// What a reader gets; [`status::PENDING`] where that is still to come.
    pub(super) fn read(&self, most: usize) -> Result<(Vec<u8>, bool), Status> {
        let Self::Of(shell, end) = self else { return Err(status::PENDING) };
        match shell.read(*end, most) {
            RemoteRead::Bytes(bytes) => Ok((bytes, false)),
            RemoteRead::Waits => Err(status::PENDING),
            RemoteRead::Broken => Err(status::PIPE_BROKEN),
        }
    }

    pub(super) fn memory(&self) -> usize {
        match self {
            Self::Asking(request) => request.memory(),
            Self::Of(shell, RemoteEnd::Control) => shell.memory(),
            // Counted where the program was asked for.
            Self::Of(..) => 0,
        }
    }
}

impl Server {
    fn kept<T>(&self, now: Timestamp, act: impl FnOnce(&mut WindowsKept) -> T) -> T {
        self.identity.windows_machines().with(self.visit.source, now, act)
    }

    /// The pipe of this name, in small letters, for whoever may start services.
    pub(super) fn remote(&self, name: &str, session: u64) -> Option<Remote> {
        let mut sessions = self.sessions.iter();
        let may =
            sessions.any(|found| found.id == session && found.rights == Rights::Administrator);
        if !may || !name.starts_with("remcom_") {
            return None;
        }
        if name == REMCOM_PIPE {
            let waits = self.kept(self.now, |kept| kept.has_pipe());
            return waits.then(|| Remote::Asking(RemoteRequest::default()));
        }
        let found = self.kept(self.now, |kept| kept.shell_at(name));
        found.map(|(shell, end)| Remote::Of(shell, end))
    }

    /// Bytes for the program behind an open pipe, or for the service that shall start one.
    pub(super) fn type_in(&mut self, at: usize, data: &[u8], out: &mut Output) {
        let now = self.now;
        let What::Program(remote) = &mut self.opens[at].what else { return };
        let details = match remote {
            Remote::Of(shell, RemoteEnd::Input) => shell.type_in(data, now),
            Remote::Of(..) => Vec::new(),
            Remote::Asking(request) => {
                if !request.push(data) {
                    return;
                }
                let folder = "C:\\Windows\\system32";
                let account = "nt authority\\system";
                let machine = WindowsMachine::new(&self.identity, self.visit, account, folder);
                let (shell, details) = RemoteShell::start(request, machine, now);
                let shell = Arc::new(shell);
                self.kept(now, |kept| kept.add_shell(&shell));
                self.opens[at].what = What::Program(Remote::Of(shell, RemoteEnd::Control));
                details
            }
        };
        details.into_iter().for_each(|detail| out.tell(detail));
    }
}
