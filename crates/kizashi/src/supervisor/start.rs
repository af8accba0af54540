//! Starting the children: what each is told, in which order, and what it must say before it is taken for running.

use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use kizashi_event::Transport;
use kizashi_traps::{BoundSocket, Post};
use tokio::time::timeout_at;

use super::channel::MOST_DESCRIPTORS;
use super::child::{Child, Name, News, Role};
use super::messages::{Confined, CoreSetup, FromCore, SERVING, ToCore, ToTrap, TrapSetup};
use super::{FAREWELL, MOST_NEWS, Supervisor, Trap};
use crate::dashboard::random;
use crate::failure::Failure;
use crate::sandbox::{Protection, missing};

/// How long a trap may take for each step to its first visitor.
pub(super) const STARTS_WITHIN: Duration = Duration::from_secs(10);
/// How long the core may take: it may run detection over all that is stored.
const OPENS_WITHIN: Duration = Duration::from_secs(3_600);

impl Supervisor {
    /// Waits for what a child says next; everything else that happens waits its turn. Told to end meanwhile, it waits on for a moment
    /// where traps run: what they still keep needs a core to go to.
    pub(super) async fn heard(&mut self, name: Name, within: Duration) -> Result<Vec<u8>, Failure> {
        let mut until = Instant::now() + within;
        if self.stopping {
            until = until.min(Instant::now() + FAREWELL);
        }
        loop {
            let Ok(news) = timeout_at(until.into(), self.news.recv()).await else {
                return Err(Failure::Asked(format!(
                    "the {} process does not come up; please report it",
                    name.0.word()
                )));
            };
            match news {
                Some(News::Said(from, bytes)) if from == name => return Ok(bytes),
                Some(News::Ended(who, status)) if who == name => {
                    let status = status.map_or_else(String::new, |status| format!(" ({status})"));
                    return Err(Failure::Asked(format!(
                        "the {} process ended before it served{status}; please report it",
                        name.0.word()
                    )));
                }
                Some(News::Stop) if self.stopping || self.traps.is_empty() => {
                    self.stopping = true;
                    return Err(Failure::Asked("it was told to end".to_owned()));
                }
                Some(News::Stop) => {
                    self.stopping = true;
                    until = until.min(Instant::now() + FAREWELL);
                }
                // One word too many of a trap's or a capture's is enough to condemn it: more need not be kept.
                Some(News::Said((Role::Trap | Role::Capture, _), _))
                    if self.waiting.len() >= MOST_NEWS => {}
                Some(other) => self.waiting.push_back(other),
                None => {
                    return Err(Failure::Asked("the supervisor lost its children".to_owned()));
                }
            }
        }
    }

    pub(super) fn next_child(&mut self, role: Role) -> Result<Child, Failure> {
        self.started += 1;
        let folder = &self.prepared.core.config.data;
        Child::start((role, self.started), folder, self.sender.clone()).map_err(|error| {
            Failure::Asked(format!("the {} process cannot be started ({error})", role.word()))
        })
    }

    /// Starts the core, and connects the traps that are running to it.
    pub(super) async fn start_core(&mut self) -> Result<(), Failure> {
        let core = self.next_child(Role::Core)?;
        let setup = CoreSetup { supervisor: std::process::id(), ..self.prepared.core.clone() };
        let dashboard = self.prepared.dashboard.iter().map(|listener| listener.as_fd());
        core.send(&setup, &dashboard.collect::<Vec<_>>()).await?;
        let said = self.heard(core.name, OPENS_WITHIN).await?;
        match serde_json::from_slice(&said).map_err(std::io::Error::from)? {
            FromCore::Ready { identity, protections } => {
                self.prepared.trap.identity = identity;
                self.note(&protections)?;
            }
            FromCore::Failed(sentence) => return Err(Failure::Asked(sentence)),
            FromCore::BadStream { .. } | FromCore::Traps(_) => {
                return Err(Failure::Asked("the core spoke out of turn".to_owned()));
            }
        }
        for trap in &self.traps {
            // A trap that cannot be reached is about to be told as ended.
            let _ = connect(&core, &trap.child).await;
        }
        self.connect_capture(&core).await;
        self.core = Some(core);
        self.tell_health().await;
        Ok(())
    }

    /// Starts the first trap, where there is a socket for one: a fleet's hub has none.
    pub(super) async fn start_first_trap(&mut self) -> Result<(), Failure> {
        if self.prepared.posts.is_empty() && self.prepared.is_hub() {
            return Ok(());
        }
        self.start_trap().await.map(drop)
    }

    /// Starts a trap on all sockets and gives its number.
    pub(super) async fn start_trap(&mut self) -> Result<u64, Failure> {
        let child = self.next_child(Role::Trap)?;
        let setup = TrapSetup {
            supervisor: std::process::id(),
            session_seed: u64::from_ne_bytes(random()?),
            randomness: random()?,
            posts: self.prepared.posts.len(),
            core: self.core.as_ref().map_or(0, |core| core.id),
            ..self.prepared.trap.clone()
        };
        child.send(&setup, &[]).await?;
        let said = self.heard(child.name, STARTS_WITHIN).await?;
        let Confined(protections) = serde_json::from_slice(&said).map_err(std::io::Error::from)?;
        self.note(&protections)?;
        for posts in self.prepared.posts.chunks(MOST_DESCRIPTORS) {
            let list =
                posts.iter().map(|post| (post.trap.name.to_owned(), transport(post))).collect();
            let sockets: Vec<BorrowedFd<'_>> = posts.iter().map(descriptor).collect();
            child.send(&ToTrap::Posts(list), &sockets).await?;
        }
        if let Some(core) = &self.core {
            connect(core, &child).await?;
        }
        for (name, text) in &self.prepared.web_rules {
            child.send(&ToTrap::WebRules(name.clone(), text.clone()), &[]).await?;
        }
        child.send(&ToTrap::Start, &[]).await?;
        let said = self.heard(child.name, STARTS_WITHIN).await?;
        if serde_json::from_slice(&said).ok() != Some(SERVING) {
            return Err(Failure::Asked("the trap spoke out of turn; please report it".to_owned()));
        }
        let number = child.name.1;
        self.health.process = number;
        self.traps.push(Trap { child, drains_until: None, condemned: None });
        Ok(number)
    }

    /// Remembers what is not enforced; a failure where the owner wants everything to be.
    pub(super) fn note(&mut self, protections: &[Protection]) -> Result<(), Failure> {
        let Some(missing) = missing(protections) else { return Ok(()) };
        if self.prepared.require_sandbox {
            return Err(Failure::Asked(format!(
                "not everything that --require-sandbox asks for is enforced: {missing}; see `kizashi doctor`"
            )));
        }
        match &mut self.health.not_enforced {
            Some(known) if known.contains(&missing) => {}
            Some(known) => *known = format!("{known}; {missing}"),
            none => *none = Some(missing),
        }
        Ok(())
    }
}

/// Gives both an end of a new stream.
async fn connect(core: &Child, trap: &Child) -> std::io::Result<()> {
    let (to_core, to_trap) = UnixStream::pair()?;
    core.send(&ToCore::Stream(trap.name.1), &[to_core.as_fd()]).await?;
    trap.send(&ToTrap::Stream, &[to_trap.as_fd()]).await
}

const fn transport(post: &Post) -> Transport {
    match post.socket {
        BoundSocket::Tcp(_) => Transport::Tcp,
        BoundSocket::Udp(_) => Transport::Udp,
    }
}

fn descriptor(post: &Post) -> BorrowedFd<'_> {
    match &post.socket {
        BoundSocket::Tcp(socket) => socket.as_fd(),
        BoundSocket::Udp(socket) => socket.as_fd(),
    }
}
