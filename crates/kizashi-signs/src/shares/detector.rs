//! One process that holds parts, and what it takes to go on elsewhere when it is lost: a snapshot of each part, and what the part was
//! told since, in order. A part is a function of what it was told, so that what goes on is the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use kizashi_detect::gamma_poisson::Partition;
use serde::{Deserialize, Serialize};

use super::{Answer, Ask, BinPart, Found, Look, Part, PartRows};
use crate::Campaigns;

/// The layout of a part's snapshot; another number is not read.
const SNAPSHOT_FORMAT: u32 = 1;

/// A detector was asked for what it does not have, or given what it cannot read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DetectorError {
    /// The partition is another's.
    #[error("partition {0} is not held here; ask the detector that holds it")]
    NotHeld(Partition),
    /// The snapshot of another version, or damaged.
    #[error(
        "the saved state of partition {0} does not fit; begin all partitions and the merge anew"
    )]
    Snapshot(Partition),
}

/// What a part is told, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Tell {
    /// Its rows of the next bin.
    Bin(Arc<BinPart>),
    /// What the merge has it do.
    Ask(Ask),
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Held {
    format: u32,
    part: Part,
    /// Tells so far.
    told: u64,
    rows: Arc<BinPart>,
}

/// Holds any number of parts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Detector {
    held: BTreeMap<Partition, Held>,
}

impl Detector {
    /// Begins a part that has been told nothing.
    pub fn begin(&mut self, partition: Partition) {
        let new = Held { format: SNAPSHOT_FORMAT, ..Held::default() };
        self.held.insert(partition, new);
    }

    /// Begins a part that goes on from this, told nothing since.
    pub(super) fn begin_with(&mut self, partition: Partition, part: Part) {
        let new = Held { format: SNAPSHOT_FORMAT, part, ..Held::default() };
        self.held.insert(partition, new);
    }

    /// A part itself, which another holds from now on.
    pub(super) fn into_part(mut self, partition: Partition) -> Option<Part> {
        self.held.remove(&partition).map(|held| held.part)
    }

    /// The partitions held, in order.
    pub fn partitions(&self) -> impl Iterator<Item = Partition> + '_ {
        self.held.keys().copied()
    }

    /// Lets go of a part, which another holds from now on.
    pub fn release(&mut self, partition: Partition) {
        self.held.remove(&partition);
    }

    /// How many tells a part has had: whoever replays them begins with this one, counted from 0.
    #[must_use]
    pub fn told(&self, partition: Partition) -> Option<u64> {
        self.held.get(&partition).map(|held| held.told)
    }

    /// Takes a part's rows of the next bin; what the merge needs of them.
    ///
    /// # Errors
    /// When the part is not held here.
    pub fn hold(
        &mut self,
        partition: Partition,
        rows: Arc<BinPart>,
        campaigns: &Campaigns,
    ) -> Result<PartRows, DetectorError> {
        let held = self.of(partition)?;
        held.told += 1;
        held.rows = rows;
        Ok(held.rows.rows(campaigns))
    }

    /// Answers.
    ///
    /// # Errors
    /// When the part is not held here.
    pub fn answer(&mut self, partition: Partition, ask: Ask) -> Result<Answer, DetectorError> {
        let held = self.of(partition)?;
        held.told += 1;
        Ok(held.part.answer(ask, &*held.rows))
    }

    /// Looks something up.
    ///
    /// # Errors
    /// When the part is not held here.
    pub fn look(&self, partition: Partition, look: &Look) -> Result<Found, DetectorError> {
        let held = self.held.get(&partition).ok_or(DetectorError::NotHeld(partition))?;
        Ok(held.part.look(look, &*held.rows))
    }

    /// A part's whole state: the same bytes for the same state. Smallest between bins' ends and the next rows.
    ///
    /// # Errors
    /// When the part is not held here.
    pub fn snapshot(&self, partition: Partition) -> Result<Vec<u8>, DetectorError> {
        let held = self.held.get(&partition).ok_or(DetectorError::NotHeld(partition))?;
        postcard::to_allocvec(held).map_err(|_| DetectorError::Snapshot(partition))
    }

    /// Goes on with a part from a snapshot; what it was told since ([`Self::told`]) must be told again before it is asked.
    ///
    /// # Errors
    /// When the bytes are no snapshot of this version.
    pub fn restore(&mut self, partition: Partition, bytes: &[u8]) -> Result<(), DetectorError> {
        let held: Held =
            postcard::from_bytes(bytes).map_err(|_| DetectorError::Snapshot(partition))?;
        if held.format != SNAPSHOT_FORMAT {
            return Err(DetectorError::Snapshot(partition));
        }
        self.held.insert(partition, held);
        Ok(())
    }

    /// Tells a part again what it was told, whose answers are known.
    ///
    /// # Errors
    /// When the part is not held here.
    pub fn replay(&mut self, partition: Partition, tell: &Tell) -> Result<(), DetectorError> {
        match tell {
            Tell::Bin(rows) => {
                let held = self.of(partition)?;
                held.told += 1;
                held.rows = Arc::clone(rows);
            }
            Tell::Ask(ask) => drop(self.answer(partition, ask.clone())?),
        }
        Ok(())
    }

    fn of(&mut self, partition: Partition) -> Result<&mut Held, DetectorError> {
        self.held.get_mut(&partition).ok_or(DetectorError::NotHeld(partition))
    }
}

/// What each part was told since its last snapshot. It grows until it is cut: by every snapshot, once an hour or oftener.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Journal {
    parts: BTreeMap<Partition, (u64, Vec<Tell>)>,
}

impl Journal {
    /// Notes what a part is told, before it is.
    pub fn note(&mut self, partition: Partition, tell: Tell) {
        self.parts.entry(partition).or_default().1.push(tell);
    }

    /// Forgets what a part was told before number `told`, which a snapshot holds.
    pub fn cut(&mut self, partition: Partition, told: u64) {
        let Some((first, tells)) = self.parts.get_mut(&partition) else { return };
        let gone = usize::try_from(told.saturating_sub(*first)).unwrap_or(usize::MAX);
        tells.drain(..gone.min(tells.len()));
        *first = told.max(*first);
    }

    /// What a part was told from number `told` on. `None` where that was cut off.
    #[must_use]
    pub fn since(&self, partition: Partition, told: u64) -> Option<&[Tell]> {
        let Some((first, tells)) = self.parts.get(&partition) else {
            return if told == 0 { Some(&[]) } else { None };
        };
        tells.get(usize::try_from(told.checked_sub(*first)?).ok()?..)
    }
}
