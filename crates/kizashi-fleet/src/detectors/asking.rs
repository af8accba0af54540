//! What is said to the holder of a partition for what is wanted of it, and what of the answers is believed.

use std::borrow::Cow;

use kizashi_signs::shares::{Detector, Journal, Look, Order, Outcome, Partition};

use super::line::{Body, Unanswered};
use super::piece::{PieceError, entry_of, outcomes_of};
use super::saved::{Absent, Mark};
use super::talk::{Came, Said};

/// Bytes of orders that go in one body, where one alone is not more.
const FULL_BODY: usize = 8 << 20;
/// Snapshots that are asked for in one body.
const SAVED_AT_ONCE: usize = 8;
/// Bytes of one partition's orders that are sent at all: it fits a body even if it does not pack.
const MOST_SENT: usize = 100 << 20;
/// zstd's level of snapshots in memory.
const LEVEL: i32 = 1;

/// One partition.
#[derive(Debug)]
pub(super) struct Place {
    /// The detector that holds it; this process where there is none.
    pub(super) holder: Option<String>,
    /// Things that it was told, or will be before it is asked the next.
    pub(super) told: u64,
    /// Things that its holder heard; nothing where it does not have the part yet.
    pub(super) heard: Option<u64>,
    /// Its last snapshot, packed, and how many things it had been told then.
    pub(super) saved: Vec<u8>,
    pub(super) saved_at: u64,
    /// The mark of that snapshot, where the bucket is known to have it.
    pub(super) in_bucket: Option<Mark>,
}

impl Place {
    /// Of a part that is held here and was told nothing since this snapshot.
    pub(super) fn of(snapshot: &[u8]) -> Option<Self> {
        let saved = packed(snapshot)?;
        Some(Self { holder: None, told: 0, heard: None, saved, saved_at: 0, in_bucket: None })
    }

    /// Takes note of the state that its holder gave.
    pub(super) fn save(&mut self, snapshot: &[u8], in_bucket: bool) {
        let Some(saved) = packed(snapshot) else { return };
        (self.saved, self.saved_at) = (saved, self.told);
        self.in_bucket = Mark::of(snapshot, self.told).filter(|_| in_bucket);
    }

    /// The last snapshot.
    pub(super) fn snapshot(&self) -> Option<Vec<u8>> {
        let (length, packed) = self.saved.split_first_chunk::<4>()?;
        zstd::bulk::decompress(packed, u32::from_le_bytes(*length) as usize).ok()
    }
}

fn packed(snapshot: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(snapshot.len()).ok()?;
    let packed = zstd::bulk::compress(snapshot, LEVEL).ok()?;
    Some([&length.to_le_bytes()[..], &packed].concat())
}

/// What is wanted of a partition.
#[derive(Debug)]
pub(super) enum Want {
    Answers(u32),
    Look(Vec<Look>),
    /// Its state; whether detectors shall put it into the bucket.
    Save {
        in_bucket: bool,
    },
}

/// From what a detector begins with a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// From the bucket's snapshot, of so many bytes.
    Bucket(u64),
    /// From what the hub sends, of so many bytes.
    Hub(u64),
}

/// What a holder made of it.
pub(super) enum Verdict {
    /// What was wanted, and how the holder began where it did.
    Obeyed(usize, Came, Option<Beginning>),
    /// It does not have the part.
    Refused(usize),
    /// The bucket does not have the part's snapshot.
    Absent(usize, Absent),
    /// The partition's orders are too long to be sent.
    Long(usize),
    Lost(String, Unanswered),
}

/// What a partition's holder is sent.
pub(super) struct Asked<'a> {
    pub(super) at: usize,
    pub(super) partition: Partition,
    said: Vec<Said<'a>>,
}

impl<'a> Asked<'a> {
    /// What is to be said to a partition's holder for what is wanted.
    pub(super) fn of(
        (place, journal): (&'a Place, &'a Journal),
        at: usize,
        (partition, want): (Partition, &Want),
    ) -> Option<Self> {
        let mut said = Vec::with_capacity(3);
        let is_elsewhere = place.holder.is_some();
        let from = match (place.heard, place.in_bucket) {
            (Some(heard), _) => heard,
            (None, Some(mark)) if is_elsewhere => {
                said.push(Said::Resume(mark));
                place.saved_at
            }
            (None, _) => {
                said.push(Said::Order(Order::Take(place.snapshot()?.into())));
                place.saved_at
            }
        };
        let tells = journal.since(partition, from)?;
        let answers = if let Want::Answers(count) = want { *count } else { 0 };
        if !tells.is_empty() {
            let tell = Order::Tell { from, tells: Cow::Borrowed(tells), answers };
            said.push(Said::Order(tell));
        }
        let told = place.told;
        match want {
            Want::Answers(_) => {}
            Want::Look(looks) => {
                said.push(Said::Order(Order::Look { told, looks: looks.clone() }));
            }
            Want::Save { in_bucket: true } if is_elsewhere => said.push(Said::Keep { told }),
            Want::Save { .. } => said.push(Said::Order(Order::Save { told })),
        }
        Some(Self { at, partition, said })
    }

    /// Has it done in this process, where nothing is said of the bucket.
    pub(super) fn obeyed_by(self, here: &mut Detector) -> Verdict {
        let mut last = Outcome::Refused;
        for said in self.said {
            last = match said {
                Said::Order(order) => here.obey(self.partition, order),
                Said::Resume(_) | Said::Keep { .. } => Outcome::Refused,
            };
        }
        verdict(self.at, Came::Of(last), None)
    }

    /// How the holder begins with the part, where it does.
    fn beginning(&self) -> Option<Beginning> {
        match self.said.first()? {
            Said::Resume(mark) => Some(Beginning::Bucket(u64::from(mark.length))),
            Said::Order(Order::Take(snapshot)) => Some(Beginning::Hub(snapshot.len() as u64)),
            Said::Order(_) | Said::Keep { .. } => None,
        }
    }

    /// The holder's verdict, of what came of each of what was said; nothing where it cannot have come of that.
    fn believed(&self, came: &mut impl Iterator<Item = (Partition, Came)>) -> Option<Verdict> {
        let mut absent = None;
        let mut last = Came::Of(Outcome::Refused);
        for said in &self.said {
            let (partition, it) = came.next()?;
            if partition != self.partition || !said.fits(&it) {
                return None;
            }
            if let Came::Absent(why) = it {
                absent = Some(why);
            }
            last = it;
        }
        Some(match absent {
            Some(why) => Verdict::Absent(self.at, why),
            None => verdict(self.at, last, self.beginning()),
        })
    }
}

/// By the last of several that were said, which those before were made for.
fn verdict(at: usize, came: Came, beginning: Option<Beginning>) -> Verdict {
    match came {
        Came::Of(Outcome::Refused) => Verdict::Refused(at),
        Came::Absent(why) => Verdict::Absent(at, why),
        came => Verdict::Obeyed(at, came, beginning),
    }
}

/// What is sent to one detector, in bodies that are not too long and are not answered by too long ones.
pub(super) fn bodies_of<'a>(
    asked: Vec<Asked<'a>>,
    verdicts: &mut Vec<Verdict>,
) -> (Vec<Body>, Vec<Vec<Asked<'a>>>) {
    let mut bodies: Vec<Body> = Vec::new();
    let mut cut: Vec<Vec<Asked<'a>>> = Vec::new();
    let mut filled = 0;
    for asked in asked {
        let entries = asked.said.iter().map(|said| entry_of(&(asked.partition, said)));
        let entries: Option<Vec<Vec<u8>>> = entries.collect();
        let Some(bytes) = entries.map(|all| all.concat()).filter(|it| it.len() <= MOST_SENT) else {
            tracing::warn!(
                "fleet: what partition {} has to be told is too long to be sent; the hub holds it itself",
                asked.partition
            );
            verdicts.push(Verdict::Long(asked.at));
            continue;
        };
        let is_save =
            |said: &Said<'_>| matches!(said, Said::Keep { .. } | Said::Order(Order::Save { .. }));
        let answer = if asked.said.iter().any(is_save) { FULL_BODY / SAVED_AT_ONCE } else { 0 };
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
pub(super) fn believed(
    cut: &[Vec<Asked<'_>>],
    bodies: &[Vec<u8>],
) -> Result<Vec<Verdict>, Unanswered> {
    let mut verdicts = Vec::new();
    for (together, body) in cut.iter().zip(bodies) {
        let count = together.iter().map(|asked| asked.said.len()).sum();
        let mut came = outcomes_of(body, count).map_err(Unanswered::Wrong)?.into_iter();
        for asked in together {
            let verdict = asked.believed(&mut came);
            verdicts.push(verdict.ok_or(Unanswered::Wrong(PieceError::Answer))?);
        }
    }
    Ok(verdicts)
}
