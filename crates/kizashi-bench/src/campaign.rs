//! Campaigns of known onset: extra sources on one port that begin at once, grow, or come and go. The same shapes over synthetic and
//! over real traffic.

use crate::chance::Chance;
use crate::traffic::{BINS_A_DAY, BINS_AN_HOUR, Campaign};

/// Hours in which an onset counts as early.
pub const EARLY_HOURS: usize = 72;
/// Campaigns laid over one run at most.
const CAMPAIGNS: usize = 14;
/// Share of campaigns with an early onset.
const EARLY_SHARE: f64 = 0.4;
/// Share of campaigns on one of the ports that the talk names.
const NAMED_SHARE: f64 = 0.35;
/// Fewer sources than this are no campaign.
const FEWEST: u32 = 3;

/// The traffic that campaigns are laid over.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// The mean rate of each port, in sources a bin.
    pub rates: &'a [f64],
    /// How many of the first ports are named ones.
    pub named: usize,
    /// Whether the sensor heard each bin.
    pub heard: &'a [bool],
}

/// How strong a campaign is in each of its bins, in sources a bin.
fn strengths(chance: &mut Chance, delta: f64, bins_left: usize) -> Vec<f64> {
    let shape = chance.unit();
    let is_pulse = shape >= 0.8;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "at most ten days of bins"
    )]
    let duration = if is_pulse {
        chance.uniform(36.0, 144.0) as usize
    } else {
        chance.log_uniform(BINS_A_DAY as f64, 10.0 * BINS_A_DAY as f64) as usize
    };
    let duration = duration.min(bins_left);
    let is_ramp = (0.4..0.8).contains(&shape);
    if !is_ramp {
        return vec![delta; duration];
    }
    let doubling = chance.log_uniform(18.0, 216.0);
    #[allow(clippy::cast_precision_loss, reason = "at most ten days of bins")]
    let ramp = |t: usize| delta * (0.05 * (t as f64 / doubling).exp2()).min(1.0);
    (0..duration).map(ramp).collect()
}

/// Draws the campaigns of one run and adds their sources to `counts` (bins × ports).
pub fn lay(chance: &mut Chance, ground: Ground<'_>, counts: &mut [u16]) -> Vec<Campaign> {
    let (ports, bins) = (ground.rates.len(), ground.heard.len());
    let mut used = vec![false; ports];
    let mut laid = Vec::new();
    for _ in 0..CAMPAIGNS {
        let Some(port) = free_port(chance, ground.named, &mut used) else { continue };
        let early_until = EARLY_HOURS * BINS_AN_HOUR;
        let onset = if chance.unit() < EARLY_SHARE {
            chance.between(BINS_AN_HOUR, early_until)
        } else {
            chance.between(early_until, bins - 2 * BINS_A_DAY)
        };
        let ratio = chance.log_uniform(1.5, 8.0);
        let floor = chance.log_uniform(0.15, 3.0) / 6.0;
        let delta = (ground.rates[port] * (ratio - 1.0)).max(floor);
        let strengths = strengths(chance, delta, bins - onset);
        let mut sources = 0;
        for (bin, strength) in (onset..).zip(&strengths) {
            let extra = if ground.heard[bin] { chance.poisson(*strength) } else { 0 };
            let count = &mut counts[bin * ports + port];
            *count = count.saturating_add(u16::try_from(extra).unwrap_or(u16::MAX));
            sources += extra;
        }
        let (end, early) = (onset + strengths.len(), onset < early_until);
        laid.push(Campaign { port, onset, end, early, sources });
    }
    laid.retain(|campaign| campaign.sources >= FEWEST);
    laid
}

/// A port that has no campaign yet, looked for fifty times.
fn free_port(chance: &mut Chance, named: usize, used: &mut [bool]) -> Option<usize> {
    for _ in 0..50 {
        let port = if chance.unit() < NAMED_SHARE {
            chance.between(0, named)
        } else {
            chance.between(named, used.len())
        };
        if !std::mem::replace(used.get_mut(port)?, true) {
            return Some(port);
        }
    }
    None
}
