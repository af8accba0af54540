//! Detection where it is: all of it in this process, or the merge here and the parts with a fleet's detectors. Both are kept in the same form,
//! and one becomes the other between two bins.

use std::sync::Arc;

use kizashi_event::Timestamp;
use kizashi_fleet::detectors::{Line, Roster, Team, TeamError};
use kizashi_signs::shares::{BinPart, BinRows};
use kizashi_signs::{Closed, Detection, DetectionError, Merge, Ongoing, Standing};
use kizashi_store::ClosedBin;

use crate::failure::Failure;

/// Detection, wherever its parts are.
pub(super) enum Detecting {
    /// All in this process.
    Here(Box<Detection>),
    /// The parts with detectors.
    Shared(Box<(Merge, Team)>),
}

impl From<Detection> for Detecting {
    fn from(detection: Detection) -> Self {
        Self::Here(Box::new(detection))
    }
}

impl From<TeamError> for Failure {
    fn from(error: TeamError) -> Self {
        Self::Asked(error.to_string())
    }
}

impl Detecting {
    /// The same with its parts given to those who live at the other end.
    pub(super) fn share_over(&mut self, line: Arc<Line>) -> Result<(), Failure> {
        if let Self::Here(detection) = self {
            let (merge, parts) = detection.as_ref().clone().apart();
            *self = Self::Shared(Box::new((merge, Team::new(parts)?)));
        }
        if let Self::Shared(shared) = self {
            shared.1.share_over(line);
        }
        Ok(())
    }

    /// Gives parts to detectors that came, and takes them of those that went.
    pub(super) fn look_around(&mut self) {
        if let Self::Shared(shared) = self {
            shared.1.look_around();
        }
    }

    /// How the detectors fare; nothing where there may be none.
    pub(super) fn roster(&self) -> Option<Roster> {
        match self {
            Self::Here(_) => None,
            Self::Shared(shared) => Some(shared.1.roster()),
        }
    }

    /// Whether what is known here is worth nothing any more.
    pub(super) fn is_broken(&self) -> bool {
        matches!(self, Self::Shared(shared) if shared.1.is_broken())
    }

    /// See [`Detection::close`].
    pub(super) fn close(&mut self, bin: &ClosedBin) -> Closed {
        match self {
            Self::Here(detection) => detection.close(bin),
            Self::Shared(shared) => {
                let (merge, team) = shared.as_mut();
                team.hold(BinPart::divided(bin, merge.partitions()));
                let rows = BinRows::of(bin, merge.campaigns());
                merge.close(team, &rows)
            }
        }
    }

    /// See [`Detection::advance`].
    pub(super) fn advance(&mut self, through: Timestamp) -> Closed {
        match self {
            Self::Here(detection) => detection.advance(through),
            Self::Shared(shared) => {
                let (merge, team) = shared.as_mut();
                merge.advance(team, through)
            }
        }
    }

    /// See [`Detection::promise`].
    pub(super) fn promise(&mut self, false_alarms_per_week: f64) -> Result<(), DetectionError> {
        match self {
            Self::Here(detection) => detection.promise(false_alarms_per_week),
            Self::Shared(shared) => shared.0.promise(false_alarms_per_week),
        }
    }

    /// See [`Detection::widen`].
    pub(super) fn widen(&mut self, share: f64) {
        match self {
            Self::Here(detection) => detection.widen(share),
            Self::Shared(shared) => shared.0.widen(share),
        }
    }

    /// See [`Detection::through`].
    pub(super) const fn through(&self) -> Option<Timestamp> {
        match self {
            Self::Here(detection) => detection.through(),
            Self::Shared(shared) => shared.0.through(),
        }
    }

    /// See [`Detection::take_evidence`].
    pub(super) fn take_evidence(&mut self) -> Vec<(String, Vec<u8>)> {
        match self {
            Self::Here(detection) => detection.take_evidence(),
            Self::Shared(shared) => shared.0.take_evidence(),
        }
    }

    /// See [`Detection::snapshot`].
    pub(super) fn snapshot(&mut self) -> Result<Vec<u8>, Failure> {
        Ok(match self {
            Self::Here(detection) => detection.snapshot()?,
            Self::Shared(shared) => {
                let (merge, team) = shared.as_mut();
                Detection::together(merge.clone(), team.parts()?)?.snapshot()?
            }
        })
    }

    /// See [`Detection::standing`].
    pub(super) fn standing(&self) -> Standing {
        match self {
            Self::Here(detection) => detection.standing(),
            Self::Shared(shared) => shared.0.standing(&shared.1),
        }
    }

    /// See [`Detection::series_watched`].
    pub(super) fn series_watched(&self) -> usize {
        match self {
            Self::Here(detection) => detection.series_watched(),
            Self::Shared(shared) => shared.0.series_watched(),
        }
    }

    /// The signs that go on, with their visitors.
    pub(super) fn ongoing(&self) -> Vec<Ongoing> {
        match self {
            Self::Here(detection) => detection.ongoing(),
            Self::Shared(shared) => shared.0.ongoing(),
        }
    }

    /// The whole of it, where it is all here.
    pub(super) fn here(&self) -> Option<&Detection> {
        match self {
            Self::Here(detection) => Some(detection),
            Self::Shared(_) => None,
        }
    }
}
