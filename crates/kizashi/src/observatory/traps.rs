//! Which traps stand where, as the page shows and changes it: the wish goes over the channel to the supervisor, which holds the sockets, and what came
//! of it comes back as an order. Nobody waits for that on a lock: the page asks again.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kizashi_web::{Listener, ReadError, TrapSwitch, TrapSwitches};

use crate::chosen_traps::ChosenTraps;
use crate::supervisor::traps::TrapsState;

/// How long the supervisor may take before it is called silent: it starts a process and may have to make a key.
const ANSWERS_WITHIN: Duration = Duration::from_secs(60);
/// The trap that answers on all ports where the owner wants that.
const CATCH_ALL: &str = "any";

type Ask = Box<dyn Fn(&ChosenTraps) -> io::Result<()> + Send + Sync>;

/// The traps of a process.
pub(crate) struct Switches {
    state: Mutex<State>,
    ask: Option<Ask>,
    takes_all_ports: bool,
}

#[derive(Default)]
struct State {
    shown: TrapsState,
    /// When a change was asked for that nobody has answered.
    asked: Option<Instant>,
}

impl Switches {
    /// Where nothing listens and nothing can be turned on.
    pub(crate) fn none() -> Self {
        Self { state: Mutex::default(), ask: None, takes_all_ports: false }
    }

    /// Traps that a supervisor holds; `ask` tells it what is wished.
    pub(crate) fn of(
        shown: TrapsState,
        takes_all_ports: bool,
        ask: impl Fn(&ChosenTraps) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let state = Mutex::new(State { shown, asked: None });
        Self { state, ask: Some(Box::new(ask)), takes_all_ports }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where traps listen.
    pub(crate) fn listeners(&self) -> Vec<Listener> {
        let listener = |(service, address): &(String, String)| Listener {
            service: service.clone(),
            address: address.clone(),
        };
        self.lock().shown.listeners.iter().map(listener).collect()
    }

    /// The supervisor says how they stand now.
    pub(crate) fn show(&self, shown: TrapsState) {
        let mut state = self.lock();
        if shown.settled {
            state.asked = None;
        }
        state.shown = shown;
    }

    /// For the page; nothing where nothing can be changed.
    pub(super) fn read(&self) -> Option<TrapSwitches> {
        self.ask.as_ref()?;
        let state = self.lock();
        let mut ports: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for trap in kizashi_traps::registry() {
            ports.entry(trap.name).or_default();
        }
        for (service, address) in &state.shown.listeners {
            ports.entry(service.as_str()).or_default().push(address.clone());
        }
        let switch = |(name, ports): (&str, Vec<String>)| {
            let trouble = state.shown.troubles.get(name);
            let on_page = state.shown.chosen.of(name);
            TrapSwitch {
                name: name.to_owned(),
                on: on_page.unwrap_or(!ports.is_empty()),
                on_page,
                ports,
                trouble: trouble.map(|trouble| trouble.word().to_owned()),
                trouble_ports: trouble.map(|it| it.ports.clone()).unwrap_or_default(),
            }
        };
        let is_late = state.asked.is_some_and(|asked| asked.elapsed() > ANSWERS_WITHIN);
        let unanswered = || {
            "the process that holds the ports does not answer: look into its log, or start Kizashi again".to_owned()
        };
        Some(TrapSwitches {
            traps: ports.into_iter().map(switch).collect(),
            waiting: state.asked.is_some() && !is_late,
            failed: if is_late { Some(unanswered()) } else { state.shown.failed.clone() },
        })
    }

    /// What would be chosen after a change.
    pub(super) fn check(
        &self,
        change: &BTreeMap<String, Option<bool>>,
    ) -> Result<ChosenTraps, ReadError> {
        let refused = |why: &str| Err(ReadError::Unanswerable(why.to_owned()));
        if self.ask.is_none() {
            return refused("here are no traps that could be turned on or off");
        }
        if self.takes_all_ports && change.contains_key(CATCH_ALL) {
            return refused(
                "the trap any answers on all ports here: all_ports under [traps] of the configuration file decides that",
            );
        }
        let state = self.lock();
        if state.asked.is_some_and(|asked| asked.elapsed() <= ANSWERS_WITHIN) {
            return refused("the change before is still being made: wait a moment");
        }
        state.shown.chosen.changed(change).map_err(ReadError::Unanswerable)
    }

    /// Asks for it.
    pub(super) fn wish(&self, wished: &ChosenTraps) -> Result<(), ReadError> {
        let Some(ask) = &self.ask else { return Ok(()) };
        let mut state = self.lock();
        ask(wished).map_err(|error| {
            ReadError::Failed(format!("the process that holds the ports is not reached ({error})"))
        })?;
        state.asked = Some(Instant::now());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn change(name: &str, wish: Option<bool>) -> BTreeMap<String, Option<bool>> {
        BTreeMap::from([(name.to_owned(), wish)])
    }

    #[test]
    fn a_change_is_asked_for_once_shown_as_waiting_and_then_as_the_supervisor_says() {
        let asked: Arc<Mutex<Vec<ChosenTraps>>> = Arc::default();
        let noted = Arc::clone(&asked);
        let shown = TrapsState {
            listeners: vec![("ssh".to_owned(), "127.0.0.1:2222".to_owned())],
            ..TrapsState::default()
        };
        let switches = Switches::of(shown, true, move |wish| {
            noted.lock().unwrap().push(wish.clone());
            Ok(())
        });
        for (name, why) in [("no-such-trap", "there is no trap"), ("any", "all_ports")] {
            let refused = switches.check(&change(name, Some(false))).unwrap_err();
            assert!(refused.to_string().contains(why), "{refused}");
        }
        let wished = switches.check(&change("ssh", Some(false))).unwrap();
        switches.wish(&wished).unwrap();
        assert_eq!(asked.lock().unwrap().as_slice(), std::slice::from_ref(&wished));
        assert!(switches.read().unwrap().waiting);
        let twice = switches.check(&change("http", Some(false))).unwrap_err();
        assert!(twice.to_string().contains("wait"), "{twice}");
        let off = TrapsState { chosen: wished, ..TrapsState::default() };
        switches.show(off.clone());
        assert!(switches.read().unwrap().waiting, "where they are about to stand is no answer");
        switches.show(TrapsState { settled: true, ..off });
        let now = switches.read().unwrap();
        let ssh = now.traps.iter().find(|trap| trap.name == "ssh").unwrap();
        assert!(!now.waiting && !ssh.on && ssh.on_page == Some(false) && ssh.ports.is_empty());
        assert!(switches.listeners().is_empty());
    }

    #[test]
    fn where_there_are_no_traps_nothing_is_offered_and_a_wish_is_refused() {
        let switches = Switches::none();
        assert_eq!(switches.read(), None);
        assert!(switches.check(&change("ssh", Some(true))).is_err());
    }
}
