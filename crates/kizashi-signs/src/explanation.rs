//! The numbers behind a sign, or behind there being none: what a person needs to work it out again.

use kizashi_detect::gamma_poisson;
use kizashi_detect::silence::Silence;
use kizashi_event::Timestamp;
use serde::{Serialize, Serializer};

/// The numbers behind the evidence on one key at one moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The key, in the form of [`kizashi_event::Key`].
    pub key: String,
    /// When they stood so: the end of a closed bin.
    #[serde(serialize_with = "moment")]
    pub at: Timestamp,
    /// The start of the bin that is number 0.
    #[serde(serialize_with = "moment")]
    pub origin: Timestamp,
    /// New sources of the last two days: the bin's number and how many, where there were any.
    pub counts: Vec<(u64, u32)>,
    /// New sources a bin that are usual.
    pub usual: f64,
    /// What the numbers are of.
    pub numbers: Numbers,
}

/// The statistic that told, or would.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "statistic", rename_all = "kebab-case")]
pub enum Numbers {
    /// The Gamma-Poisson e-detector.
    Rise(Box<gamma_poisson::Explanation>),
    /// The beta-binomial silence.
    Silence(Silence),
}

impl Explanation {
    /// Bins that were closed at [`Self::at`], counted from [`Self::origin`].
    #[must_use]
    pub fn bins(&self) -> u64 {
        u64::try_from(self.at.since(self.origin) / (600 * Timestamp::SECOND)).unwrap_or(0)
    }

    /// The start of a bin.
    #[must_use]
    pub fn start_of(&self, bin: u64) -> Timestamp {
        let bin = i64::try_from(bin).unwrap_or(i64::MAX);
        self.origin.plus((600 * Timestamp::SECOND).saturating_mul(bin))
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn moment<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    time.rfc3339().serialize(serializer)
}
