//! The parts of the merge, wherever they are. What a part is told is noted before it is told; a part whose holder is gone goes on with another,
//! which gets the last snapshot and what was told since, and is asked what the lost one did not answer. So the merge never waits for more than
//! a few deadlines, and hears the same answers whoever died.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kizashi_signs::shares::{
    Answer, Ask, BinPart, Detector, Found, Journal, Look, Order, Outcome, Part, Partition,
    Readable, Shares, Tell,
};

use super::balance::balance;
use super::line::{Body, Line, Unanswered};
use super::piece::{PieceError, entry_of, outcomes_of};

/// Bins after which parts are saved anew, so that what was told since stays short.
const SAVED_EVERY: u32 = 36;
/// Bytes of bins' rows after which they are as well, about.
const MOST_TOLD: usize = 64 << 20;
/// Bytes of orders that go in one body, where one alone is not more.
const FULL_BODY: usize = 8 << 20;
/// Snapshots that are asked for in one body.
const SAVED_AT_ONCE: usize = 8;
/// Bytes of one partition's orders that are sent at all: it fits a body even if it does not pack.
const MOST_SENT: usize = 100 << 20;
/// How long one that was gone is given nothing: then its lease is gone as well, or it lives.
const GONE_FOR: Duration = Duration::from_secs(12);
/// How long one that said what cannot be is given nothing.
const WRONG_FOR: Duration = Duration::from_secs(3_600);
/// Times that a holder may say of partitions that it does not have them, in one step: it may have begun anew.
const MOST_REFUSALS: u32 = 2;
/// zstd's level of snapshots in memory.
const LEVEL: i32 = 1;

/// The parts cannot be gone on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "what the detectors' parts were told does not fit their states; detection begins anew over what is stored"
)]
pub struct TeamError;

/// One partition.
#[derive(Debug)]
struct Place {
    /// The detector that holds it; this process where there is none.
    holder: Option<String>,
    /// Things that it was told, or will be before it is asked the next.
    told: u64,
    /// Things that its holder heard; nothing where it does not have the part yet.
    heard: Option<u64>,
    /// Its last snapshot, packed, and how many things it had been told then.
    saved: Vec<u8>,
    saved_at: u64,
}

/// What is wanted of a partition.
#[derive(Debug)]
enum Want {
    Answers(u32),
    Look(Vec<Look>),
    Save,
}

/// What a holder made of it.
enum Verdict {
    Obeyed(usize, Outcome),
    /// It does not have the part.
    Refused(usize),
    /// The partition's orders are too long to be sent.
    Long(usize),
    Lost(String, Unanswered),
}

impl Verdict {
    /// By the last of several orders, which the one before was made for.
    fn of(at: usize, outcome: Outcome) -> Self {
        match outcome {
            Outcome::Refused => Self::Refused(at),
            outcome => Self::Obeyed(at, outcome),
        }
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
            let saved = packed(&snapshot).ok_or(TeamError)?;
            Ok(Place { holder: None, told: 0, heard: None, saved, saved_at: 0 })
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
        let read = |place: &Place| Detector::part_of(&unpacked(&place.saved)?, place.saved_at);
        let parts: Option<Vec<Part>> = inner.places.iter().map(read).collect();
        parts.filter(|_| !inner.is_broken).ok_or(TeamError)
    }

    /// Whether an answer was missing: what the merge knows since is worth nothing.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.0.borrow().is_broken
    }

    /// How many partitions each detector holds, in the order of names; what is held here stands under no name.
    #[must_use]
    pub fn holders(&self) -> Vec<(Option<String>, usize)> {
        let mut counts = BTreeMap::new();
        for place in &self.0.borrow().places {
            *counts.entry(place.holder.clone()).or_insert(0) += 1;
        }
        counts.into_iter().collect()
    }

    /// Times that a detector was taken for gone or wrong while it held anything.
    #[must_use]
    pub fn losses(&self) -> u64 {
        self.0.borrow().losses
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
            Outcome::Found(found) => (partition, found),
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
            Outcome::Answers(answers) => (partition, answers),
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
    fn perform(&mut self, wanted: &[(Partition, Want)]) -> Vec<(Partition, Outcome)> {
        let mut outcomes: Vec<Option<Outcome>> = wanted.iter().map(|_| None).collect();
        let mut refused: BTreeMap<Option<String>, u32> = BTreeMap::new();
        while !self.is_broken {
            let is_open = |at: &usize| outcomes.get(*at).is_some_and(Option::is_none);
            let open: Vec<usize> = (0..wanted.len()).filter(is_open).collect();
            if open.is_empty() {
                break;
            }
            let (mut lost, mut refusing) = (Vec::new(), BTreeSet::new());
            for verdict in self.round(wanted, &open) {
                match verdict {
                    Verdict::Lost(name, loss) => lost.push((name, loss)),
                    Verdict::Obeyed(at, outcome) => {
                        if let Some(place) = self.place_of(wanted, at) {
                            place.heard = Some(place.told);
                        }
                        if let Some(open) = outcomes.get_mut(at) {
                            *open = Some(outcome);
                        }
                    }
                    Verdict::Refused(at) => {
                        let Some(place) = self.place_of(wanted, at) else { continue };
                        // It is told from its snapshot on.
                        place.heard = None;
                        refusing.insert(place.holder.clone());
                    }
                    Verdict::Long(at) => {
                        let Some(place) = self.place_of(wanted, at) else { continue };
                        (place.holder, place.heard) = (None, None);
                    }
                }
            }
            for holder in refusing {
                let times = refused.entry(holder.clone()).or_default();
                *times += 1;
                match holder {
                    _ if *times <= MOST_REFUSALS => {}
                    Some(name) => lost.push((name, Unanswered::Wrong(PieceError::Answer))),
                    None => self.is_broken = true,
                }
            }
            for (name, loss) in lost {
                match loss {
                    Unanswered::Gone(reason) => self.lose(&name, &reason, GONE_FOR),
                    Unanswered::Wrong(error) => self.lose(&name, &error.to_string(), WRONG_FOR),
                }
            }
        }
        let each = wanted.iter().zip(outcomes);
        each.filter_map(|((partition, _), outcome)| Some((*partition, outcome?))).collect()
    }

    fn place_of(&mut self, wanted: &[(Partition, Want)], at: usize) -> Option<&mut Place> {
        let (partition, _) = wanted.get(at)?;
        self.places.get_mut(usize::from(*partition))
    }

    /// Asks everybody once what is still open.
    fn round(&mut self, wanted: &[(Partition, Want)], open: &[usize]) -> Vec<Verdict> {
        let Self { line, here, journal, places, .. } = self;
        let mut verdicts = Vec::new();
        let mut remote: BTreeMap<&str, Vec<Asked<'_>>> = BTreeMap::new();
        for &at in open {
            let asked = wanted.get(at).and_then(|(partition, want)| {
                let place = places.get(usize::from(*partition))?;
                let orders = orders(place, journal, (*partition, want))?;
                Some((Asked { at, partition: *partition, orders }, place.holder.as_deref()))
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
            let release = entry_of(&(partition, Order::Release)).unwrap_or_default();
            of.entry(name).or_default().extend(release);
        }
        line.exchange(of.into_iter().map(|(name, body)| (name, vec![body])).collect());
    }

    fn lose(&mut self, name: &str, reason: &str, shunned_for: Duration) {
        let held = self.places.iter().filter(|place| place.holder.as_deref() == Some(name)).count();
        if held == 0 {
            return;
        }
        self.losses += 1;
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
        let all = (0..).take(self.places.len()).map(|partition| (partition, Want::Save));
        for (partition, outcome) in self.perform(&all.collect::<Vec<_>>()) {
            let Outcome::Saved(snapshot) = outcome else { continue };
            let place = self.places.get_mut(usize::from(partition)).zip(packed(&snapshot));
            if let Some((place, saved)) = place {
                (place.saved, place.saved_at) = (saved, place.told);
                self.journal.cut(partition, place.told);
            }
        }
        (self.bins, self.bytes) = (0, 0);
    }
}

/// What a partition's holder is sent.
struct Asked<'a> {
    at: usize,
    partition: Partition,
    orders: Vec<Order<'a>>,
}

impl Asked<'_> {
    fn obeyed_by(self, here: &mut Detector) -> Verdict {
        let mut last = Outcome::Refused;
        for order in self.orders {
            last = here.obey(self.partition, order);
        }
        Verdict::of(self.at, last)
    }
}

/// What is to be said to a partition's holder for what is wanted.
fn orders<'a>(
    place: &'a Place,
    journal: &'a Journal,
    (partition, want): (Partition, &Want),
) -> Option<Vec<Order<'a>>> {
    let mut orders = Vec::with_capacity(3);
    let from = match place.heard {
        Some(heard) => heard,
        None => {
            orders.push(Order::Take(unpacked(&place.saved)?.into()));
            place.saved_at
        }
    };
    let tells = journal.since(partition, from)?;
    let answers = if let Want::Answers(count) = want { *count } else { 0 };
    if !tells.is_empty() {
        orders.push(Order::Tell { from, tells: Cow::Borrowed(tells), answers });
    }
    match want {
        Want::Answers(_) => {}
        Want::Look(looks) => {
            orders.push(Order::Look { told: place.told, looks: looks.clone() });
        }
        Want::Save => orders.push(Order::Save { told: place.told }),
    }
    Some(orders)
}

/// What is sent to one detector, in bodies that are not too long and are not answered by too long ones.
fn bodies_of<'a>(
    asked: Vec<Asked<'a>>,
    verdicts: &mut Vec<Verdict>,
) -> (Vec<Body>, Vec<Vec<Asked<'a>>>) {
    let mut bodies: Vec<Body> = Vec::new();
    let mut cut: Vec<Vec<Asked<'a>>> = Vec::new();
    let mut filled = 0;
    for asked in asked {
        let entries = asked.orders.iter().map(|order| entry_of(&(asked.partition, order)));
        let entries: Option<Vec<Vec<u8>>> = entries.collect();
        let Some(bytes) = entries.map(|all| all.concat()).filter(|it| it.len() <= MOST_SENT) else {
            tracing::warn!(
                "fleet: what partition {} has to be told is too long to be sent; the hub holds it itself",
                asked.partition
            );
            verdicts.push(Verdict::Long(asked.at));
            continue;
        };
        let is_save = |order: &Order<'_>| matches!(order, Order::Save { .. });
        let answer = if asked.orders.iter().any(is_save) { FULL_BODY / SAVED_AT_ONCE } else { 0 };
        let length = bytes.len() + answer;
        match bodies.last_mut().zip(cut.last_mut()) {
            Some((body, together)) if filled + length <= FULL_BODY => {
                body.extend(bytes);
                together.push(asked);
                filled += length;
            }
            _ => {
                bodies.push(bytes);
                cut.push(vec![asked]);
                filled = length;
            }
        }
    }
    (bodies, cut)
}

/// What came of bodies, where it can have come of them.
fn believed(cut: &[Vec<Asked<'_>>], bodies: &[Vec<u8>]) -> Result<Vec<Verdict>, Unanswered> {
    let mut verdicts = Vec::new();
    for (together, body) in cut.iter().zip(bodies) {
        let count = together.iter().map(|asked| asked.orders.len()).sum();
        let mut outcomes = outcomes_of(body, count).map_err(Unanswered::Wrong)?.into_iter();
        for asked in together {
            let mut last = Outcome::Refused;
            for order in &asked.orders {
                let outcome = outcomes.next().filter(|(partition, outcome)| {
                    *partition == asked.partition && order.fits(outcome)
                });
                let Some((_, outcome)) = outcome else {
                    return Err(Unanswered::Wrong(PieceError::Answer));
                };
                last = outcome;
            }
            verdicts.push(Verdict::of(asked.at, last));
        }
    }
    Ok(verdicts)
}

fn packed(snapshot: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(snapshot.len()).ok()?;
    let packed = zstd::bulk::compress(snapshot, LEVEL).ok()?;
    Some([&length.to_le_bytes()[..], &packed].concat())
}

fn unpacked(saved: &[u8]) -> Option<Vec<u8>> {
    let (length, packed) = saved.split_first_chunk::<4>()?;
    zstd::bulk::decompress(packed, u32::from_le_bytes(*length) as usize).ok()
}

/// About how much memory rows take.
fn bytes_of(part: &BinPart) -> usize {
    let ports = part.ports.iter().map(|row| 40 + 4 * row.sources.len());
    let keys = part.keys.iter().map(|row| 160 + 4 * row.sources.len());
    ports.chain(keys).sum()
}
