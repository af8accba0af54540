//! What travels between the one that has the merge and a detector: orders for one partition each, and what came of them. A part is told
//! things by number, so that an order that does not fit what the part was told before is refused and changes nothing; who gave it then
//! begins the part again from a snapshot. Nothing that a detector says is believed before it has the form that was asked for.

use std::borrow::Cow;

use kizashi_detect::gamma_poisson::Partition;
use serde::{Deserialize, Serialize};

use super::{Answer, Answered, Ask, Asked, Detector, Found, Look, Looked, Part, Seen, Tell};

/// The layout of all that travels; who has another is not asked.
pub const LAYOUT: u32 = 1;

/// What a detector is to do with a partition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Order<'a> {
    /// Hold it from now on, from this snapshot.
    Take(Cow<'a, [u8]>),
    /// Hold it no longer.
    Release,
    /// Hear what it was told from this number on, and answer the last so many, which are asks.
    Tell {
        /// The number of the first.
        from: u64,
        /// What it was told.
        tells: Cow<'a, [Tell]>,
        /// How many answers are wanted.
        answers: u32,
    },
    /// Look things up, being told so many things.
    Look {
        /// How many.
        told: u64,
        /// What.
        looks: Vec<Look>,
    },
    /// Give the whole state, being told so many things.
    Save {
        /// How many.
        told: u64,
    },
}

/// What came of an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// It was done.
    Done,
    /// The answers, in order.
    Answers(Vec<Answer>),
    /// What was found, in order.
    Found(Vec<Found>),
    /// The state.
    Saved(Vec<u8>),
    /// The partition is not held here, or was told something else, or the snapshot cannot be read.
    Refused,
}

impl Detector {
    /// Obeys.
    pub fn obey(&mut self, partition: Partition, order: Order<'_>) -> Outcome {
        self.tried(partition, order).unwrap_or(Outcome::Refused)
    }

    fn tried(&mut self, partition: Partition, order: Order<'_>) -> Option<Outcome> {
        let is_at = |this: &Self, told: u64| (this.told(partition)? == told).then_some(());
        Some(match order {
            Order::Take(snapshot) => {
                self.restore(partition, &snapshot).ok()?;
                Outcome::Done
            }
            Order::Release => {
                self.release(partition);
                Outcome::Done
            }
            Order::Tell { from, tells, answers } => {
                is_at(self, from)?;
                let known = tells.len().saturating_sub(answers as usize);
                let mut given = Vec::new();
                for (at, tell) in tells.iter().enumerate() {
                    match tell {
                        Tell::Ask(ask) if at >= known => {
                            given.push(self.answer(partition, ask.clone()).ok()?);
                        }
                        tell => self.replay(partition, tell).ok()?,
                    }
                }
                Outcome::Answers(given)
            }
            Order::Look { told, looks } => {
                is_at(self, told)?;
                let found = looks.iter().map(|look| self.look(partition, look).ok());
                Outcome::Found(found.collect::<Option<_>>()?)
            }
            Order::Save { told } => {
                is_at(self, told)?;
                Outcome::Saved(self.snapshot(partition).ok()?)
            }
        })
    }

    /// Whether these bytes are a snapshot of a part that was told so many things; the part, then.
    #[must_use]
    pub fn part_of(snapshot: &[u8], told: u64) -> Option<Part> {
        let mut reading = Self::default();
        reading.restore(0, snapshot).ok()?;
        (reading.told(0)? == told).then_some(())?;
        reading.into_part(0)
    }

    /// The snapshot of a part that was told nothing since it was this.
    #[must_use]
    pub fn snapshot_of(part: Part) -> Option<Vec<u8>> {
        let mut writing = Self::default();
        writing.begin_with(0, part);
        writing.snapshot(0).ok()
    }
}

impl Order<'_> {
    /// Whether this can have come of it. A detector that says what cannot be is broken, or somebody else.
    #[must_use]
    pub fn fits(&self, outcome: &Outcome) -> bool {
        match (self, outcome) {
            (_, Outcome::Refused) | (Self::Take(_) | Self::Release, Outcome::Done) => true,
            (Self::Tell { tells, answers, .. }, Outcome::Answers(given)) => {
                let wanted = tells.len().saturating_sub(*answers as usize);
                let asks = tells.get(wanted..).unwrap_or(&[]);
                let fits = |(tell, answer): (&Tell, &Answer)| match tell {
                    Tell::Ask(ask) => ask.fits(answer),
                    Tell::Bin(_) => false,
                };
                asks.len() == given.len() && asks.iter().zip(given).all(fits)
            }
            (Self::Look { looks, .. }, Outcome::Found(found)) => {
                let fits = |(look, found): (&Look, &Found)| look.fits(found);
                looks.len() == found.len() && looks.iter().zip(found).all(fits)
            }
            (Self::Save { told }, Outcome::Saved(bytes)) => {
                Detector::part_of(bytes, *told).is_some()
            }
            _ => false,
        }
    }
}

impl Ask {
    fn fits(&self, answer: &Answer) -> bool {
        match (&self.0, &answer.0) {
            (Asked::Watch(_, ask), Answered::Watch(answer)) => ask.fits(answer),
            (Asked::New { visits, .. }, Answered::New(new)) => visits.len() == new.len(),
            (Asked::Count { visits, .. }, Answered::Count { fresh, remembered }) => {
                // One that came in an earlier bin is remembered and not counted.
                let earlier = visits.iter().filter(|visit| visit.first.is_some()).count() as u64;
                let most = fresh.iter().map(|fresh| u64::from(*fresh)).sum::<u64>() + earlier;
                visits.len() == fresh.len() && *remembered <= most
            }
            _ => false,
        }
    }
}

impl Look {
    fn fits(&self, found: &Found) -> bool {
        match (&self.0, &found.0) {
            (Looked::Watch(_, look), Seen::Watch(found)) => look.fits(found),
            (Looked::SourcesOf { .. }, Seen::Sources(_))
            | (Looked::HalfAtOnePort { .. }, Seen::Is(_)) => true,
            (Looked::SourcesIn(_, rows), Seen::Lists(lists)) => lists.each().count() == rows.len(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::shares::{BinPart, Visit, Which};

    fn count() -> Tell {
        let visits = vec![Visit { row: 0, series: 1, first: None }];
        Tell::Ask(Ask(Asked::Count { which: Which::Ports, bin: 1, visits, rooms: None }))
    }

    fn holding() -> Detector {
        let mut detector = Detector::default();
        let snapshot = Detector::snapshot_of(Part::default()).unwrap();
        assert_eq!(detector.obey(3, Order::Take(snapshot.into())), Outcome::Done);
        detector
    }

    #[test]
    fn an_order_that_does_not_follow_what_was_told_is_refused_and_changes_nothing() {
        let mut detector = holding();
        let tell = |from| Order::Tell {
            from,
            tells: vec![Tell::Bin(Arc::new(BinPart::default())), count()].into(),
            answers: 1,
        };
        assert_eq!(detector.obey(4, tell(0)), Outcome::Refused, "not held");
        assert_eq!(detector.obey(3, tell(1)), Outcome::Refused, "one is missing");
        let outcome = detector.obey(3, tell(0));
        assert!(tell(0).fits(&outcome) && outcome != Outcome::Refused, "{outcome:?}");
        let before = detector.clone();
        assert_eq!(detector.obey(3, tell(0)), Outcome::Refused, "told already");
        assert_eq!(detector.obey(3, Order::Save { told: 1 }), Outcome::Refused);
        assert_eq!(detector, before);
        let Outcome::Saved(bytes) = detector.obey(3, Order::Save { told: 2 }) else { panic!() };
        assert!(Detector::part_of(&bytes, 2).is_some() && Detector::part_of(&bytes, 1).is_none());
        assert_eq!(detector.obey(3, Order::Release), Outcome::Done);
        assert_eq!(detector.obey(3, Order::Save { told: 2 }), Outcome::Refused);
    }

    #[test]
    fn what_cannot_have_come_of_an_order_is_not_believed() {
        let order = Order::Tell { from: 0, tells: vec![count()].into(), answers: 1 };
        let said = |fresh: &[u32], remembered| {
            Outcome::Answers(vec![Answer(Answered::Count { fresh: fresh.to_vec(), remembered })])
        };
        assert!(order.fits(&said(&[3], 3)));
        assert!(!order.fits(&said(&[3, 1], 3)), "two answers to one visit");
        assert!(!order.fits(&said(&[3], 4)), "more remembered than came");
        assert!(!order.fits(&Outcome::Answers(Vec::new())));
        assert!(!order.fits(&Outcome::Answers(vec![Answer(Answered::New(vec![1]))])));
        assert!(!order.fits(&Outcome::Done) && !order.fits(&Outcome::Saved(Vec::new())));
        let look = Look(Looked::SourcesIn(Which::Keys, vec![1, 2]));
        let order = Order::Look { told: 0, looks: vec![look] };
        assert!(!order.fits(&Outcome::Found(vec![Found(Seen::Is(true))])));
        assert!(!order.fits(&Outcome::Found(Vec::new())));
        assert!(!Order::Save { told: 0 }.fits(&Outcome::Saved(vec![1, 2, 3])));
    }
}
