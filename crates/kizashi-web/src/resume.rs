//! What was published lately, numbered, so that a page whose line broke goes on where it stopped (`Last-Event-ID`, WHATWG
//! HTML, 9.2.4). An id is `RUN-NUMBER`: the run is drawn at each start, so that the id of an earlier process means nothing here.
//! Nothing is kept before the first page opens.

use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::{Arc, Mutex, PoisonError};

use crate::feed::{Batch, WAITING_EVENTS, WAITING_SIGNS};

/// A publication with its place in the order of all.
#[derive(Clone, Debug)]
pub(crate) struct Numbered<T> {
    pub(crate) number: u64,
    pub(crate) told: T,
}

/// What was published.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    Events(Arc<Batch>),
    Sign(Arc<str>),
}

#[derive(Debug, Default)]
struct Kept {
    watched: bool,
    last: u64,
    /// As many as may wait for a page that is open.
    events: VecDeque<Numbered<Arc<Batch>>>,
    signs: VecDeque<Numbered<Arc<str>>>,
}

/// What pages come back to.
#[derive(Debug)]
pub(crate) struct Resume {
    run: u32,
    kept: Mutex<Kept>,
}

impl Default for Resume {
    fn default() -> Self {
        Self { run: RandomState::new().hash_one(0) as u32, kept: Mutex::default() }
    }
}

impl Resume {
    /// Whether any page was ever open.
    pub(crate) fn is_watched(&self) -> bool {
        self.kept().watched
    }

    /// Numbers a batch, keeps it, and has it sent before anything else can be numbered.
    pub(crate) fn keep_events(&self, told: Arc<Batch>, send: impl FnOnce(Numbered<Arc<Batch>>)) {
        let mut kept = self.kept();
        kept.last += 1;
        let numbered = Numbered { number: kept.last, told };
        keep(&mut kept.events, &numbered, WAITING_EVENTS);
        send(numbered);
    }

    /// The same of a sign.
    pub(crate) fn keep_sign(&self, told: Arc<str>, send: impl FnOnce(Numbered<Arc<str>>)) {
        let mut kept = self.kept();
        kept.last += 1;
        let numbered = Numbered { number: kept.last, told };
        keep(&mut kept.signs, &numbered, WAITING_SIGNS);
        send(numbered);
    }

    /// What came after the publication with this id, and how many are not kept any more; nothing where the id means nothing
    /// here. `then` subscribes while nothing can be published in between.
    pub(crate) fn after<T>(
        &self,
        id: Option<&str>,
        then: impl FnOnce(Vec<Numbered<Told>>, u64) -> T,
    ) -> T {
        let mut kept = self.kept();
        kept.watched = true;
        let Some(seen) = id.and_then(|id| self.number_in(id)).filter(|seen| *seen <= kept.last)
        else {
            return then(Vec::new(), 0);
        };
        let events = kept
            .events
            .iter()
            .map(|it| Numbered { number: it.number, told: Told::Events(Arc::clone(&it.told)) });
        let signs = kept
            .signs
            .iter()
            .map(|it| Numbered { number: it.number, told: Told::Sign(Arc::clone(&it.told)) });
        let mut missed: Vec<Numbered<Told>> =
            events.chain(signs).filter(|it| it.number > seen).collect();
        missed.sort_by_key(|it| it.number);
        let lost = (kept.last - seen).saturating_sub(missed.len() as u64);
        then(missed, lost)
    }

    pub(crate) fn id_of(&self, number: u64) -> String {
        format!("{:08x}-{number}", self.run)
    }

    fn number_in(&self, id: &str) -> Option<u64> {
        let (run, number) = id.split_once('-')?;
        (u32::from_str_radix(run, 16) == Ok(self.run)).then(|| number.parse().ok())?
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn keep<T: Clone>(queue: &mut VecDeque<Numbered<T>>, numbered: &Numbered<T>, most: usize) {
    if queue.len() >= most {
        queue.pop_front();
    }
    queue.push_back(numbered.clone());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(resume: &Resume, id: &str) -> (Vec<u64>, u64) {
        resume.after(Some(id), |missed, lost| (missed.iter().map(|it| it.number).collect(), lost))
    }

    fn batch() -> Arc<Batch> {
        Arc::new(Batch { items: Vec::new(), skipped: 0 })
    }

    #[test]
    fn a_page_that_comes_back_misses_nothing_that_is_kept_and_knows_what_is_not() {
        let resume = Resume::default();
        for _ in 0..3 {
            resume.keep_events(batch(), |_| {});
        }
        resume.keep_sign(Arc::from("{}"), |_| {});
        assert_eq!(numbers(&resume, &resume.id_of(2)), (vec![3, 4], 0));
        assert_eq!(numbers(&resume, &resume.id_of(4)), (Vec::new(), 0));
        for _ in 0..2 * WAITING_EVENTS {
            resume.keep_events(batch(), |_| {});
        }
        let (missed, lost) = numbers(&resume, &resume.id_of(3));
        assert_eq!(missed.len(), WAITING_EVENTS + 1, "a flood of events pushes out no sign");
        assert_eq!(missed[0], 4);
        assert_eq!(lost, WAITING_EVENTS as u64);
    }

    #[test]
    fn an_id_of_another_process_or_of_nobody_means_nothing() {
        let resume = Resume::default();
        resume.keep_events(batch(), |_| {});
        let other = Resume { run: resume.run.wrapping_add(1), kept: Mutex::default() };
        for id in [other.id_of(0).as_str(), "", "-", "x-1", "1", &resume.id_of(9), &"9".repeat(40)]
        {
            assert_eq!(numbers(&resume, id), (Vec::new(), 0), "{id}");
        }
    }
}
