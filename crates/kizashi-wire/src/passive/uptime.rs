//! How long a system has been running, from the clock in its timestamps (RFC 7323), as p0f reads it. Told only of systems whose clock
//! begins when they do: Linux before 2.6.39 by its habits, Windows up to 7. Newer ones (Linux from 4.10, Android, Apple's, FreeBSD,
//! Windows from 8) begin with a secret number for each peer, so that any figure of theirs would be made up.

use super::Syn;

/// Systems whose clock tells, by their names in `data/systems.tsv`.
const TELLING: &[&str] = &["linux-2.6", "windows-7", "windows-xp"];
/// Between two segments there must be so many microseconds at least, that the rate can be told, and so many at most, as p0f has it.
const LEAST_APART: i64 = 25_000;
const MOST_APART: i64 = 600_000_000;
/// Ticks in a second that systems have.
const RATES: &[i64] = &[10, 50, 64, 100, 128, 200, 250, 512, 1_000, 1_024];

/// Whether a system of this name begins its clock when it begins.
#[must_use]
pub fn tells_uptime(system: &str) -> bool {
    TELLING.contains(&system)
}

/// What was seen of one source's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    first: Option<(i64, u32)>,
}

impl Clock {
    /// Takes the next first segment, which came at this microsecond.
    pub fn follow(&mut self, time: i64, syn: &Syn) {
        if let Some((own, _)) = syn.options.timestamps {
            let is_old = |first: i64| !(0..=MOST_APART).contains(&time.saturating_sub(first));
            if self.first.is_none_or(|(first, _)| is_old(first)) {
                self.first = Some((time, own));
            }
        }
    }

    /// Minutes since the clock began, by what came first and a segment of this microsecond; `None` where they do not agree on a rate.
    #[must_use]
    pub fn uptime(&self, time: i64, syn: &Syn) -> Option<u32> {
        let (first, began) = self.first?;
        let (own, _) = syn.options.timestamps?;
        let passed = time.checked_sub(first)?;
        if !(LEAST_APART..=MOST_APART).contains(&passed) {
            return None;
        }
        let ticks = i64::from(own.checked_sub(began).filter(|ticks| *ticks >= 2)?);
        let rate = ticks * 1_000_000 / passed;
        // A tenth to each side: packets wait on their way.
        let near = |known: &&i64| (rate - **known).abs() * 10 <= **known;
        let rate = RATES.iter().filter(near).min_by_key(|known| (rate - **known).abs())?;
        u32::try_from(i64::from(own) / rate / 60).ok()
    }
}
