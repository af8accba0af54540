//! What hub and detector say to each other of one partition: the orders of [`kizashi_signs::shares`], and what concerns the bucket of snapshots, of
//! which the parts themselves know nothing.

use kizashi_signs::shares::{Detector, Order, Outcome};
use serde::{Deserialize, Serialize};

use super::saved::{Absent, Mark};

/// What a detector is to do with a partition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Said<'a> {
    /// What concerns the part alone.
    Order(Order<'a>),
    /// Hold it from now on, from the bucket's snapshot of this mark.
    Resume(Mark),
    /// Put the whole state into the bucket, and give it, being told so many things.
    Keep {
        /// How many.
        told: u64,
    },
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Came {
    /// What came of an order; of what else was said it is that it was done or refused.
    Of(Outcome),
    /// The bucket does not have the snapshot.
    Absent(Absent),
    /// The state.
    Kept {
        /// The snapshot.
        snapshot: Vec<u8>,
        /// Whether the bucket has it too.
        in_bucket: bool,
    },
}

impl Said<'_> {
    /// Whether this can have come of it.
    pub(super) fn fits(&self, came: &Came) -> bool {
        match (self, came) {
            (Self::Order(order), Came::Of(outcome)) => order.fits(outcome),
            (Self::Resume(_), Came::Of(Outcome::Done) | Came::Absent(_))
            | (_, Came::Of(Outcome::Refused)) => true,
            (Self::Keep { told }, Came::Kept { snapshot, .. }) => {
                Detector::part_of(snapshot, *told).is_some()
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use kizashi_signs::shares::Part;

    use super::*;

    #[test]
    fn what_cannot_have_come_of_it_is_not_believed() {
        let snapshot = Detector::snapshot_of(Part::default()).unwrap();
        let resume = Said::Resume(Mark::of(&snapshot, 0).unwrap());
        let kept = |snapshot: &[u8]| Came::Kept { snapshot: snapshot.to_vec(), in_bucket: true };
        assert!(resume.fits(&Came::Of(Outcome::Done)));
        assert!(resume.fits(&Came::Absent(Absent::Missing)));
        assert!(!resume.fits(&kept(&snapshot)));
        let keep = Said::Keep { told: 0 };
        assert!(keep.fits(&kept(&snapshot)) && keep.fits(&Came::Of(Outcome::Refused)));
        assert!(!keep.fits(&kept(b"noise")), "no state");
        assert!(!Said::Keep { told: 1 }.fits(&kept(&snapshot)), "another state");
        assert!(!keep.fits(&Came::Of(Outcome::Done)) && !keep.fits(&Came::Absent(Absent::Other)));
        let save = Said::Order(Order::Save { told: 0 });
        assert!(!save.fits(&kept(&snapshot)) && save.fits(&Came::Of(Outcome::Saved(snapshot))));
    }
}
