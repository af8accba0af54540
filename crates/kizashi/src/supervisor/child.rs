//! One child process: started from this program's own file with a socket as standard input, listened to, and waited for by a task of
//! its own, which tells what happens as [`News`].

use std::os::fd::BorrowedFd;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kizashi_event::escape_for_people;
use serde::Serialize;
use tokio::io::{AsyncReadExt as _, Interest};
use tokio::net::UnixDatagram;
use tokio::process::{ChildStderr, Command};
use tokio::sync::{Notify, mpsc, oneshot};

use super::channel::{self, Channel, LONGEST};

/// This program, whatever became of the file that it was started from.
const OURSELVES: &str = "/proc/self/exe";
/// Why that fails in a bare chroot.
const NO_PROC: &str =
    "there is no /proc, by which a program finds itself; mount it by `mount -t proc proc /proc`";
/// How long a child may leave an order unread.
const READS_WITHIN: Duration = Duration::from_secs(10);
/// Bytes of log that one trap process may write; a trap hardly writes any.
const MOST_LOG: usize = 256 * 1024;
/// Environment that children keep; everything else could change how the C library behaves.
const KEPT_ENVIRONMENT: [&str; 3] = ["TZ", "NO_COLOR", "LANG"];

/// What a child is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Trap,
    Core,
    Capture,
    Notify,
}

impl Role {
    /// The word for people.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Trap => "trap",
            Self::Core => "core",
            Self::Capture => "capture",
            Self::Notify => "notify",
        }
    }

    /// Whether a stranger's bytes come to it first.
    const fn meets_strangers(self) -> bool {
        !matches!(self, Self::Core | Self::Notify)
    }
}

/// Which child.
pub(super) type Name = (Role, u64);

/// What happened.
pub(super) enum News {
    /// A child said something.
    Said(Name, Vec<u8>),
    /// A trap writes more log than any trap does.
    Talkative(Name),
    /// A child has ended.
    Ended(Name, Option<ExitStatus>),
    /// The owner asks for something and waits for a line of answer.
    Asked(String, oneshot::Sender<String>),
    /// Somebody who may change the machine's rules wants to hold those for all ports.
    Held(tokio::net::UnixStream),
    /// The keeper of this number said something, or is gone.
    Keeper(u64, Option<String>),
    /// A signal asks for the end.
    Stop,
}

/// A running child. Dropping it kills the process.
pub(super) struct Child {
    pub(super) name: Name,
    pub(super) id: u32,
    pub(super) started: Instant,
    channel: Arc<UnixDatagram>,
    kill: Arc<Notify>,
}

impl Child {
    /// Starts one. `folder` is where its temporary files go.
    pub(super) fn start(
        name: Name,
        folder: &Path,
        news: mpsc::Sender<News>,
    ) -> std::io::Result<Self> {
        let (ours, theirs) = Channel::pair()?;
        let mut command = Command::new(OURSELVES);
        command
            .arg0("kizashi")
            .arg(format!("{}-process", name.0.word()))
            .env_clear()
            .envs(KEPT_ENVIRONMENT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            // One heap for all threads: they are few, and each heap of its own keeps what it once took.
            .env("MALLOC_ARENA_MAX", "1")
            .env("SQLITE_TMPDIR", folder)
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(if name.0.meets_strangers() { Stdio::piped() } else { Stdio::inherit() })
            // The terminal's Ctrl-C is for the supervisor, which ends the children in order.
            .process_group(0)
            .kill_on_drop(true);
        let mut process = command.spawn().map_err(|error| {
            let is_there = std::fs::symlink_metadata(OURSELVES).is_ok();
            if is_there { error } else { std::io::Error::other(NO_PROC) }
        })?;
        let channel = Arc::new(UnixDatagram::from_std(ours)?);
        let child = Self {
            name,
            id: process.id().unwrap_or(0),
            started: Instant::now(),
            channel: Arc::clone(&channel),
            kill: Arc::default(),
        };
        if let Some(log) = process.stderr.take() {
            tokio::spawn(pass_on_log(name, log, news.clone()));
        }
        tokio::spawn(attend(name, process, channel, Arc::clone(&child.kill), news));
        Ok(child)
    }

    /// Sends an order.
    pub(super) async fn send(
        &self,
        message: &(impl Serialize + Sync),
        descriptors: &[BorrowedFd<'_>],
    ) -> std::io::Result<()> {
        let sending = async {
            self.channel
                .async_io(Interest::WRITABLE, || {
                    channel::send(&*self.channel, message, descriptors)
                })
                .await
        };
        tokio::time::timeout(READS_WITHIN, sending)
            .await
            .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
    }

    /// Kills the process; that it has ended is told as news.
    pub(super) fn kill(&self) {
        self.kill.notify_one();
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn attend(
    name: Name,
    mut process: tokio::process::Child,
    channel: Arc<UnixDatagram>,
    kill: Arc<Notify>,
    news: mpsc::Sender<News>,
) {
    let mut buffer = vec![0; LONGEST];
    let mut open = true;
    let status = loop {
        tokio::select! {
            status = process.wait() => break status.ok(),
            () = kill.notified() => {
                let _ = process.start_kill();
            }
            said = channel.async_io(Interest::READABLE, || channel::receive(&*channel, &mut buffer)), if open => match said {
                // Descriptors that a child may have sent are closed here: none is ever wanted.
                Ok(Some(received)) => {
                    let _ = news.send(News::Said(name, received.bytes)).await;
                }
                Ok(None) | Err(_) => open = false,
            },
        }
    };
    // Its last words may still wait.
    while let Ok(Some(received)) = channel::receive(&*channel, &mut buffer) {
        let _ = news.send(News::Said(name, received.bytes)).await;
    }
    let _ = news.send(News::Ended(name, status)).await;
}

/// A trap's log is an attacker's word as soon as the trap is his: bounded, and escaped.
async fn pass_on_log(name: Name, mut log: ChildStderr, news: mpsc::Sender<News>) {
    let (mut buffer, mut taken) = ([0; 2048], 0);
    while let Ok(count @ 1..) = log.read(&mut buffer).await {
        taken += count;
        if taken > MOST_LOG {
            let _ = news.send(News::Talkative(name)).await;
            return;
        }
        let text = String::from_utf8_lossy(buffer.get(..count).unwrap_or_default());
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            tracing::warn!("{} process {}: {}", name.0.word(), name.1, escape_for_people(line));
        }
    }
}
