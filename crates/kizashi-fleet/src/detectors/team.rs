//! The parts of the merge, wherever they are. What a part is told is noted before it is told; a part whose holder is gone goes on with another,
//! which begins with the last snapshot, from the bucket where it has that and else from here, is told what came since, and is asked what the lost
//! one did not answer. So the merge never waits for more than a few deadlines, and hears the same answers whoever died.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kizashi_signs::shares::{
    Answer, Ask, BinPart, Detector, Found, Journal, Look, Order, Outcome, Part, Partition,
    Readable, Shares, Tell,
};

use super::asking::{Asked, Place, Verdict, Want, believed, bodies_of};
use super::balance::balance;
use super::line::{Body, Line, MOST_DETECTORS, Present, Unanswered};
use super::piece::{PieceError, entry_of};
use super::roster::{Beginnings, Fares, Roster};
use super::saved::Absent;
use super::talk::{Came, Said};

/// Bins after which parts are saved anew, so that what was told since stays short.
const SAVED_EVERY: u32 = 36;
/// Bytes of bins' rows after which they are as well, about.
const MOST_TOLD: usize = 64 << 20;
/// How long one that was gone is given nothing: then its lease is gone as well, or it lives.
const GONE_FOR: Duration = Duration::from_secs(12);
/// How long one that said what cannot be is given nothing.
const WRONG_FOR: Duration = Duration::from_secs(3_600);
/// Times that a holder may say of partitions that it does not have them, in one step: it may have begun anew.
const MOST_REFUSALS: u32 = 2;
/// Parts that one line of the log names.
const MOST_NAMED: usize = 8;

/// The parts cannot be gone on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "what the detectors' parts were told does not fit their states; detection begins anew over what is stored"
)]
pub struct TeamError;

/// Says of which parts the bucket does not have what it should.
fn tell_absent(absent: &BTreeMap<(String, Absent), Vec<Partition>>) {
    for ((name, why), partitions) in absent {
        let named = partitions.iter().take(MOST_NAMED).map(ToString::to_string);
        let more = if partitions.len() > MOST_NAMED { ", …" } else { "" };
        tracing::warn!(
            "fleet: detector {name} does not find the snapshots of {} parts in the bucket ({why}; parts {}{more}); the hub sends them",
            partitions.len(),
            named.collect::<Vec<_>>().join(", ")
        );
    }
}

/// All parts of one merge.
pub struct Team(RefCell<Inner>);

struct Inner {
    line: Option<Arc<Line>>,
    /// Holds what no other does.
    here: Detector,
    journal: Journal,
    places: Vec<Place>,
    /// Who is given nothing, and until when.
    shunned: BTreeMap<String, Instant>,
    bins: u32,
    bytes: usize,
    losses: u64,
    /// The same by detector, with why it was the last time.
    lost: BTreeMap<String, (u64, String)>,
    beginnings: Beginnings,
    is_broken: bool,
}

impl Team {
    /// All of these parts, held here.
    ///
    /// # Errors
    /// When one cannot be written out, which no state is known to cause.
    pub fn new(parts: Vec<Part>) -> Result<Self, TeamError> {
        let place = |part: Part| {
            let snapshot = Detector::snapshot_of(part).ok_or(TeamError)?;
            Place::of(&snapshot).ok_or(TeamError)
        };
        Ok(Self(RefCell::new(Inner {
            line: None,
            here: Detector::default(),
            journal: Journal::default(),
            places: parts.into_iter().map(place).collect::<Result<_, _>>()?,
            shunned: BTreeMap::new(),
            bins: 0,
            bytes: 0,
            losses: 0,
            lost: BTreeMap::new(),
            beginnings: Beginnings::default(),
            is_broken: false,
        })))
    }

    /// From now on those who live at the other end are given shares.
    pub fn share_over(&mut self, line: Arc<Line>) {
        self.0.get_mut().line = Some(line);
    }

    /// Gives partitions to who came, and takes them of who went. To be called often: it does nothing where nothing changed.
    pub fn look_around(&mut self) {
        let inner = self.0.get_mut();
        let released = inner.assign();
        inner.release(released);
    }

    /// What each part is to know of the bin that is closed next.
    pub fn hold(&mut self, parts: Vec<BinPart>) {
        self.look_around();
        let inner = self.0.get_mut();
        inner.bins += 1;
        inner.bytes += parts.iter().map(bytes_of).sum::<usize>();
        if inner.bins > SAVED_EVERY || inner.bytes > MOST_TOLD {
            inner.save();
        }
        for (partition, part) in (0..).zip(parts) {
            inner.note(partition, Tell::Bin(Arc::new(part)));
        }
    }

    /// All parts as they are now.
    ///
    /// # Errors
    /// When they cannot be gone on with.
    pub fn parts(&mut self) -> Result<Vec<Part>, TeamError> {
        let inner = self.0.get_mut();
        inner.save();
        let read = |place: &Place| Detector::part_of(&place.snapshot()?, place.saved_at);
        let parts: Option<Vec<Part>> = inner.places.iter().map(read).collect();
        parts.filter(|_| !inner.is_broken).ok_or(TeamError)
    }

    /// Whether an answer was missing: what the merge knows since is worth nothing.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.0.borrow().is_broken
    }

    /// Times that a detector was taken for gone or wrong while it held anything.
    #[must_use]
    pub fn losses(&self) -> u64 {
        self.0.borrow().losses
    }

    /// How all detectors fare that live, or were lost while they held anything.
    #[must_use]
    pub fn roster(&self) -> Roster {
        let inner = self.0.borrow();
        let mut roster = Roster {
            partitions: inner.places.len(),
            losses: inner.losses,
            beginnings: inner.beginnings,
            ..Roster::default()
        };
        let mut of: BTreeMap<String, Fares> = BTreeMap::new();
        for (name, (losses, reason)) in &inner.lost {
            let (losses, lost_because) = (*losses, Some(reason.clone()));
            let fares = Fares { name: name.clone(), losses, lost_because, ..Fares::default() };
            of.insert(name.clone(), fares);
        }
        for Present { name, version, is_asked } in inner.line.iter().flat_map(|it| it.present()) {
            let fares = of.entry(name.clone()).or_default();
            *fares = Fares { name, version, lives: true, asked: is_asked, ..fares.clone() };
        }
        for place in &inner.places {
            match &place.holder {
                None => roster.here += 1,
                Some(name) => {
                    let fares = of.entry(name.clone()).or_default();
                    fares.name.clone_from(name);
                    fares.partitions += 1;
                }
            }
        }
        roster.detectors = of.into_values().collect();
        roster
    }

    /// With what detectors began so far.
    #[must_use]
    pub fn beginnings(&self) -> Beginnings {
        self.0.borrow().beginnings
    }
}

impl Readable for Team {
    fn look(&self, looks: Vec<(Partition, Look)>) -> Vec<Found> {
        let order: Vec<Partition> = looks.iter().map(|(partition, _)| *partition).collect();
        let mut of: BTreeMap<Partition, Vec<Look>> = BTreeMap::new();
        looks.into_iter().for_each(|(partition, look)| of.entry(partition).or_default().push(look));
        let wanted = of.into_iter().map(|(partition, looks)| (partition, Want::Look(looks)));
        let found = self.0.borrow_mut().perform(&wanted.collect::<Vec<_>>());
        let found = found.into_iter().map(|(partition, outcome)| match outcome {
            Came::Of(Outcome::Found(found)) => (partition, found),
            _ => (partition, Vec::new()),
        });
        in_order(&order, found.collect())
    }
}

impl Shares for Team {
    fn ask(&mut self, asks: Vec<(Partition, Ask)>) -> Vec<Answer> {
        let inner = self.0.get_mut();
        let order: Vec<Partition> = asks.iter().map(|(partition, _)| *partition).collect();
        let mut of: BTreeMap<Partition, u32> = BTreeMap::new();
        for (partition, ask) in asks {
            *of.entry(partition).or_default() += 1;
            inner.note(partition, Tell::Ask(ask));
        }
        let wanted = of.into_iter().map(|(partition, count)| (partition, Want::Answers(count)));
        let answers = inner.perform(&wanted.collect::<Vec<_>>());
        let answers = answers.into_iter().map(|(partition, outcome)| match outcome {
            Came::Of(Outcome::Answers(answers)) => (partition, answers),
            _ => (partition, Vec::new()),
        });
        in_order(&order, answers.collect())
    }
}

/// What came of partitions, each in its own order, in the order in which it was asked.
fn in_order<T>(order: &[Partition], of: Vec<(Partition, Vec<T>)>) -> Vec<T> {
    let mut of: BTreeMap<Partition, std::vec::IntoIter<T>> =
        of.into_iter().map(|(partition, all)| (partition, all.into_iter())).collect();
    order.iter().map_while(|partition| of.get_mut(partition)?.next()).collect()
}

impl Inner {
    fn note(&mut self, partition: Partition, tell: Tell) {
        if let Some(place) = self.places.get_mut(usize::from(partition)) {
            place.told += 1;
            self.journal.note(partition, tell);
        }
    }

    /// Has all of it done, by whoever lives.
    fn perform(&mut self, wanted: &[(Partition, Want)]) -> Vec<(Partition, Came)> {
        let mut outcomes: Vec<Option<Came>> = wanted.iter().map(|_| None).collect();
        let mut refused: BTreeMap<Option<String>, u32> = BTreeMap::new();
        let mut beginnings = self.beginnings;
        while !self.is_broken {
            let is_open = |at: &usize| outcomes.get(*at).is_some_and(Option::is_none);
            let open: Vec<usize> = (0..wanted.len()).filter(is_open).collect();
            if open.is_empty() {
                break;
            }
            let (mut lost, mut refusing) = (Vec::new(), BTreeSet::new());
            let mut absent: BTreeMap<(String, Absent), Vec<Partition>> = BTreeMap::new();
            for verdict in self.round(wanted, &open) {
                if let Verdict::Lost(name, loss) = verdict {
                    lost.push((name, loss));
                    continue;
                }
                let Some((partition, place)) = self.place_of(wanted, &verdict) else { continue };
                match verdict {
                    Verdict::Obeyed(at, came, beginning) => {
                        place.heard = Some(place.told);
                        beginning.into_iter().for_each(|it| beginnings.note(it));
                        if let Some(open) = outcomes.get_mut(at) {
                            *open = Some(came);
                        }
                    }
                    Verdict::Refused(_) => {
                        // It is told from its snapshot on.
                        place.heard = None;
                        refusing.insert(place.holder.clone());
                    }
                    Verdict::Absent(_, why) => {
                        (place.heard, place.in_bucket) = (None, None);
                        beginnings.absent += 1;
                        let by = place.holder.clone().unwrap_or_default();
                        absent.entry((by, why)).or_default().push(partition);
                    }
                    Verdict::Long(_) | Verdict::Lost(..) => {
                        (place.holder, place.heard) = (None, None);
                    }
                }
            }
            tell_absent(&absent);
            for holder in refusing {
                let times = refused.entry(holder.clone()).or_default();
                *times += 1;
                match holder {
                    _ if *times <= MOST_REFUSALS => {}
                    Some(name) => lost.push((name, Unanswered::Wrong(PieceError::Answer))),
                    None => self.is_broken = true,
                }
            }
            lost.iter().for_each(|(name, loss)| self.lose(name, loss));
        }
        beginnings.tell_since(self.beginnings);
        self.beginnings = beginnings;
        let each = wanted.iter().zip(outcomes);
        each.filter_map(|((partition, _), outcome)| Some((*partition, outcome?))).collect()
    }

    /// The partition that a verdict is about.
    fn place_of(
        &mut self,
        wanted: &[(Partition, Want)],
        verdict: &Verdict,
    ) -> Option<(Partition, &mut Place)> {
        let (Verdict::Obeyed(at, ..)
        | Verdict::Refused(at)
        | Verdict::Absent(at, _)
        | Verdict::Long(at)) = verdict
        else {
            return None;
        };
        let (partition, _) = wanted.get(*at)?;
        Some((*partition, self.places.get_mut(usize::from(*partition))?))
    }

    /// Asks everybody once what is still open.
    fn round(&mut self, wanted: &[(Partition, Want)], open: &[usize]) -> Vec<Verdict> {
        let Self { line, here, journal, places, .. } = self;
        let mut verdicts = Vec::new();
        let mut remote: BTreeMap<&str, Vec<Asked<'_>>> = BTreeMap::new();
        for &at in open {
            let asked = wanted.get(at).and_then(|(partition, want)| {
                let place = places.get(usize::from(*partition))?;
                let asked = Asked::of((place, journal), at, (*partition, want))?;
                Some((asked, place.holder.as_deref()))
            });
            match asked {
                None => verdicts.push(Verdict::Refused(at)),
                Some((asked, Some(holder))) => remote.entry(holder).or_default().push(asked),
                Some((asked, None)) => verdicts.push(asked.obeyed_by(here)),
            }
        }
        let Some(line) = line else { return verdicts };
        let mut sent = Vec::new();
        let mut bodies = Vec::new();
        for (name, asked) in remote {
            let (full, cut) = bodies_of(asked, &mut verdicts);
            bodies.push((name.to_owned(), full));
            sent.push((name.to_owned(), cut));
        }
        let came = line.exchange(bodies);
        for ((name, cut), came) in sent.into_iter().zip(came) {
            match came.and_then(|bodies| believed(&cut, &bodies)) {
                Ok(believed) => verdicts.extend(believed),
                Err(loss) => verdicts.push(Verdict::Lost(name, loss)),
            }
        }
        verdicts
    }

    /// Who lives gets shares; gives who held before what he holds no longer.
    fn assign(&mut self) -> Vec<(String, Partition)> {
        let now = Instant::now();
        self.shunned.retain(|_, until| *until > now);
        let mut live = self.line.as_ref().map(|line| line.living()).unwrap_or_default();
        live.retain(|name| !self.shunned.contains_key(name));
        let mut holders: Vec<Option<String>> =
            self.places.iter().map(|place| place.holder.clone()).collect();
        balance(&mut holders, &live);
        let mut released = Vec::new();
        for (partition, (place, holder)) in (0..).zip(self.places.iter_mut().zip(holders)) {
            if place.holder == holder {
                continue;
            }
            place.heard = None;
            match std::mem::replace(&mut place.holder, holder) {
                None => self.here.release(partition),
                Some(before) if live.contains(&before) => released.push((before, partition)),
                Some(_) => {}
            }
        }
        released
    }

    /// Says to who lives on what he holds no longer. Where that is lost he keeps what nobody asks for.
    fn release(&mut self, released: Vec<(String, Partition)>) {
        let Some(line) = self.line.clone().filter(|_| !released.is_empty()) else { return };
        let mut of: BTreeMap<String, Body> = BTreeMap::new();
        for (name, partition) in released {
            let release = entry_of(&(partition, Said::Order(Order::Release))).unwrap_or_default();
            of.entry(name).or_default().extend(release);
        }
        line.exchange(of.into_iter().map(|(name, body)| (name, vec![body])).collect());
    }

    fn lose(&mut self, name: &str, loss: &Unanswered) {
        let (reason, shunned_for) = match loss {
            Unanswered::Gone(reason) => (reason.clone(), GONE_FOR),
            Unanswered::Wrong(error) => (error.to_string(), WRONG_FOR),
        };
        let held = self.places.iter().filter(|place| place.holder.as_deref() == Some(name)).count();
        if held == 0 {
            return;
        }
        self.losses += 1;
        if self.lost.len() < MOST_DETECTORS || self.lost.contains_key(name) {
            let lost = self.lost.entry(name.to_owned()).or_default();
            *lost = (lost.0 + 1, reason.clone());
        }
        self.shunned.insert(name.to_owned(), Instant::now() + shunned_for);
        tracing::warn!(
            "fleet: detector {name} is asked nothing for {} s ({reason}); its {held} partitions of {} go on elsewhere",
            shunned_for.as_secs(),
            self.places.len()
        );
        drop(self.assign());
    }

    /// Takes a snapshot of each part.
    fn save(&mut self) {
        let in_bucket = self.line.as_ref().is_some_and(|line| line.keeps_snapshots());
        let wanted = (0..).take(self.places.len()).map(|it| (it, Want::Save { in_bucket }));
        for (partition, came) in self.perform(&wanted.collect::<Vec<_>>()) {
            let (snapshot, in_bucket) = match came {
                Came::Of(Outcome::Saved(snapshot)) => (snapshot, false),
                Came::Kept { snapshot, in_bucket } => (snapshot, in_bucket),
                Came::Of(_) | Came::Absent(_) => continue,
            };
            if let Some(place) = self.places.get_mut(usize::from(partition)) {
                place.save(&snapshot, in_bucket);
                self.journal.cut(partition, place.saved_at);
            }
        }
        (self.bins, self.bytes) = (0, 0);
    }
}

/// About how much memory rows take.
fn bytes_of(part: &BinPart) -> usize {
    let ports = part.ports.iter().map(|row| 40 + 4 * row.sources.len());
    let keys = part.keys.iter().map(|row| 160 + 4 * row.sources.len());
    ports.chain(keys).sum()
}
