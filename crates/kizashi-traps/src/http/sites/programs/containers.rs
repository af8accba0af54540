//! Containers that visitors made through Docker's interface, each visitor's (an IPv4 address, 64 bits of IPv6) for himself alone. Nothing of
//! them is real: a container is what its maker said of it and what its command printed on the machine behind the logins. Bounded by
//! containers, commands and images of a visitor, by visitors, and by a day since he last came.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use kizashi_event::{Timestamp, one_source};

use super::say::cut;
use crate::login::Memory;

/// Containers, commands in them, and images of one visitor; the oldest goes.
const CONTAINERS: usize = 8;
const EXECS: usize = 8;
const IMAGES: usize = 16;
/// Containers of the host's that he stopped or removed.
const GONE: usize = 8;
/// Visitors in each of two generations: 7 MB at most.
const VISITORS: usize = 24;
/// What else a visitor made, and bytes of one.
const MADE: usize = 16;
const MADE_TEXT: usize = 2 * 1024;
const KEPT: i64 = 24 * 3_600;
/// What a container's command printed that is kept.
pub(super) const PRINTED: usize = 8 * 1024;

/// All visitors' containers.
pub(crate) struct VisitorsContainers(Mutex<Memory<IpAddr, Own>>);

/// One visitor's.
#[derive(Debug, Default)]
pub(super) struct Own {
    touched: i64,
    pub(super) containers: Vec<Container>,
    execs: Vec<Exec>,
    images: Vec<String>,
    gone: Vec<String>,
    made: Vec<Made>,
}

/// Something else that a visitor made: an application of YARN's, a pod, a route.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) kind: &'static str,
    pub(super) name: String,
    /// What it is, as its program reads it; kept to a bound.
    pub(super) text: String,
    /// When, in seconds.
    pub(super) at: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    Created,
    Running,
    Exited(u8),
}

#[derive(Clone, Debug)]
pub(super) struct Container {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) image: String,
    /// Entry point and command.
    pub(super) words: Vec<String>,
    pub(super) binds: Vec<String>,
    pub(super) privileged: bool,
    pub(super) network: String,
    pub(super) terminal: bool,
    /// Its input stays open, so that a shell in it waits.
    pub(super) open: bool,
    pub(super) removes_itself: bool,
    pub(super) created: i64,
    pub(super) started: i64,
    /// It was run because somebody waited for it, before he said so.
    pub(super) ahead: bool,
    pub(super) state: State,
    pub(super) output: Vec<u8>,
}

#[derive(Clone, Debug)]
pub(super) struct Exec {
    pub(super) id: String,
    pub(super) container: String,
    pub(super) words: Vec<String>,
    pub(super) terminal: bool,
    pub(super) exit: Option<u8>,
}

impl Default for VisitorsContainers {
    fn default() -> Self {
        Self(Mutex::new(Memory::new(VISITORS)))
    }
}

impl VisitorsContainers {
    /// Does something with what is this visitor's.
    pub(super) fn with<T>(
        &self,
        source: IpAddr,
        now: Timestamp,
        act: impl FnOnce(&mut Own) -> T,
    ) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = one_source(source);
        // Who made nothing takes no place.
        let mut nothing = Own::default();
        let known = all.knows(key);
        let own = if known { all.of(key) } else { &mut nothing };
        if now.seconds().saturating_sub(own.touched) > KEPT {
            *own = Own::default();
        }
        own.touched = now.seconds();
        let result = act(own);
        if !known && !nothing.is_empty() {
            *all.of(key) = nothing;
        }
        result
    }
}

fn push<T>(list: &mut Vec<T>, most: usize, item: T) {
    if list.len() >= most {
        list.remove(0);
    }
    list.push(item);
}

impl Own {
    fn is_empty(&self) -> bool {
        self.containers.is_empty()
            && self.execs.is_empty()
            && self.images.is_empty()
            && self.made.is_empty()
            && self.gone.is_empty()
    }

    /// The container of this identifier, beginning of one, or name.
    pub(super) fn container(&mut self, named: &str) -> Option<&mut Container> {
        let fits = |container: &Container| {
            container.name == named || (named.len() >= 4 && container.id.starts_with(named))
        };
        self.containers.iter_mut().find(|container| fits(container))
    }

    pub(super) fn add(&mut self, container: Container) {
        push(&mut self.containers, CONTAINERS, container);
    }

    pub(super) fn exec(&mut self, id: &str) -> Option<&mut Exec> {
        self.execs.iter_mut().find(|exec| exec.id == id)
    }

    pub(super) fn add_exec(&mut self, exec: Exec) {
        push(&mut self.execs, EXECS, exec);
    }

    pub(super) fn images(&self) -> &[String] {
        &self.images
    }

    pub(super) fn add_image(&mut self, image: String) {
        if !self.images.contains(&image) {
            push(&mut self.images, IMAGES, image);
        }
    }

    /// What he made of this kind, the oldest first.
    pub(super) fn made(&self, kind: &'static str) -> impl DoubleEndedIterator<Item = &Made> {
        self.made.iter().filter(move |one| one.kind == kind)
    }

    /// Keeps what he made, in place of what had the same name.
    pub(super) fn make(&mut self, kind: &'static str, name: &str, text: &str, at: i64) {
        self.unmake(kind, name);
        let (name, text) = (cut(name, 128).to_owned(), cut(text, MADE_TEXT).to_owned());
        push(&mut self.made, MADE, Made { kind, name, text, at });
    }

    /// Whether there was something of this kind and name, which there is no more.
    pub(super) fn unmake(&mut self, kind: &'static str, name: &str) -> bool {
        let before = self.made.len();
        self.made.retain(|one| one.kind != kind || one.name != name);
        self.made.len() < before
    }

    /// Forgets all of a kind.
    pub(super) fn unmake_all(&mut self, kind: &'static str) {
        self.made.retain(|one| one.kind != kind);
    }

    /// Whether a container of the host's is gone for him.
    pub(super) fn is_gone(&self, id: &str) -> bool {
        self.gone.iter().any(|gone| gone == id)
    }

    pub(super) fn forget(&mut self, id: &str) {
        if !self.is_gone(id) {
            push(&mut self.gone, GONE, id.to_owned());
        }
    }
}

impl Container {
    pub(super) fn is_running(&self) -> bool {
        self.state == State::Running
    }

    /// What became of its command.
    pub(super) fn ran(&mut self, exit: Option<u8>, output: &[u8], now: i64) {
        const SHELLS: [&str; 3] = ["sh", "bash", "ash"];
        let waits = self.open
            && self.words.len() == 1
            && self
                .words
                .first()
                .is_some_and(|word| SHELLS.contains(&word.rsplit('/').next().unwrap_or_default()));
        self.started = now;
        self.state = match exit {
            Some(status) if !waits => State::Exited(status),
            _ => State::Running,
        };
        self.output = output[..output.len().min(PRINTED)].to_vec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(id: usize) -> Container {
        Container {
            id: format!("{id:064x}"),
            name: format!("c{id}"),
            image: "alpine:latest".to_owned(),
            words: vec!["sh".to_owned()],
            binds: Vec::new(),
            privileged: false,
            network: "default".to_owned(),
            terminal: false,
            open: false,
            removes_itself: false,
            created: 0,
            started: 0,
            ahead: false,
            state: State::Created,
            output: Vec::new(),
        }
    }

    #[test]
    fn a_visitors_containers_are_his_alone_bounded_and_forgotten_after_a_day() {
        let (all, now) = (VisitorsContainers::default(), Timestamp::from_seconds(1_795_582_440));
        let one: IpAddr = "192.0.2.7".parse().unwrap();
        let other: IpAddr = "192.0.2.8".parse().unwrap();
        let count = |source, now| all.with(source, now, |own| own.containers.len());
        (0..50).for_each(|id| all.with(one, now, |own| own.add(container(id))));
        assert_eq!((count(one, now), count(other, now)), (CONTAINERS, 0));
        assert!(all.with(one, now, |own| own.container("c49").is_some()));
        assert_eq!(count(one, now.plus(25 * 3_600 * Timestamp::SECOND)), 0);
        all.with(one, now, |own| own.add(container(1)));
        for number in 0..=255 {
            let source = IpAddr::from([198, 51, 100, number]);
            all.with(source, now, |own| own.add(container(2)));
        }
        assert_eq!(count(one, now), 0, "the older half goes");
    }

    #[test]
    fn what_a_command_printed_is_kept_to_a_bound() {
        let mut kept = container(1);
        kept.ran(Some(0), &vec![7; 100_000], 5);
        assert_eq!((kept.output.len(), kept.state), (PRINTED, State::Exited(0)));
    }
}
