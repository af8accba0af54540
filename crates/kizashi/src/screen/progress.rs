//! How far long work is: on a terminal one line that is drawn again, elsewhere one line a minute, so that a log is not filled.
//! Where it is written and the time are passed in.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::numbers::thousands;
use super::width::{cut, width};
use super::{Tone, harmless, painted};

/// Between two drawings on a terminal.
const REDRAW: Duration = Duration::from_millis(100);
/// Between two lines elsewhere.
const LINE: Duration = Duration::from_secs(60);
/// The widest bar.
const WIDEST_BAR: usize = 30;
/// A bar narrower than this tells nothing and is left out.
const NARROWEST_BAR: usize = 8;

/// Where progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A terminal so many columns wide.
    Terminal {
        /// Columns.
        columns: usize,
        /// Whether colours are wanted.
        colours: bool,
    },
    /// A file, a pipe, a log.
    Elsewhere,
}

/// Progress of one piece of work.
#[derive(Debug)]
pub(crate) struct Progress<W: Write> {
    out: W,
    place: Place,
    task: String,
    unit: &'static str,
    total: Option<u64>,
    begun: Instant,
    shown: Option<Instant>,
}

impl<W: Write> Progress<W> {
    /// Work that begins now. `task` is what is done ("reading cowrie.json"), `unit` what is counted ("lines"), `total` how
    /// many there are where that is known. Nothing is written yet.
    pub(crate) fn new(
        out: W,
        place: Place,
        task: &str,
        unit: &'static str,
        total: Option<u64>,
        now: Instant,
    ) -> Self {
        Self { out, place, task: harmless(task), unit, total, begun: now, shown: None }
    }

    /// So many are done. Writes when it is time to: on a terminal every tenth of a second, elsewhere once a minute.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub(crate) fn at(&mut self, done: u64, now: Instant) -> io::Result<()> {
        match self.place {
            Place::Terminal { columns, colours } => {
                if self.shown.is_some_and(|shown| now.duration_since(shown) < REDRAW) {
                    return Ok(());
                }
                self.shown = Some(now);
                // The cursor goes to the line's start and what stood behind the new text is erased (ECMA-48 EL).
                let line = self.bar_line(done, columns, colours, now);
                write!(self.out, "\r{line}\u{1b}[K")?;
                self.out.flush()
            }
            Place::Elsewhere => {
                if now.duration_since(self.shown.unwrap_or(self.begun)) < LINE {
                    return Ok(());
                }
                self.shown = Some(now);
                writeln!(self.out, "{}", self.plain_line(done, now))?;
                self.out.flush()
            }
        }
    }

    /// The work is over: writes what was done and how long it took, on a line of its own.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub(crate) fn finish(mut self, done: u64, now: Instant) -> io::Result<()> {
        let mut line =
            format!("{}: {} {} in {}", self.task, thousands(done), self.unit, self.elapsed(now));
        if let Some(rate) = self.rate(done, now) {
            line.push_str(&format!(" ({} a second)", thousands(rate)));
        }
        match self.place {
            Place::Terminal { columns, .. } => {
                writeln!(self.out, "\r{}\u{1b}[K", cut(&line, columns.saturating_sub(1)))?;
            }
            Place::Elsewhere => writeln!(self.out, "{line}")?,
        }
        self.out.flush()
    }

    fn bar_line(&self, done: u64, columns: usize, colours: bool, now: Instant) -> String {
        // The last column stays empty: many terminals wrap as soon as it is filled.
        let room = columns.saturating_sub(1);
        let text = self.plain_line(done, now);
        let left = room.saturating_sub(width(&text) + 1).min(WIDEST_BAR);
        match self.total {
            Some(total) if left >= NARROWEST_BAR => {
                format!("{} {text}", painted(&bar(done, total, left), Tone::Good, colours))
            }
            _ => cut(&text, room).into_owned(),
        }
    }

    fn plain_line(&self, done: u64, now: Instant) -> String {
        let mut line = match self.total {
            Some(total) => format!(
                "{}: {} of {} {} ({} %)",
                self.task,
                thousands(done),
                thousands(total),
                self.unit,
                per_cent(done, total)
            ),
            None => format!("{}: {} {}", self.task, thousands(done), self.unit),
        };
        if let Some(rate) = self.rate(done, now) {
            line.push_str(&format!(", {} a second", thousands(rate)));
        }
        if let Some(left) = self.time_left(done, now) {
            line.push_str(&format!(", {} left", span(left)));
        }
        line
    }

    fn elapsed(&self, now: Instant) -> String {
        span(now.duration_since(self.begun))
    }

    /// How many a second so far; nothing in the first second, when it would say nothing.
    fn rate(&self, done: u64, now: Instant) -> Option<u64> {
        let elapsed = now.duration_since(self.begun).as_millis();
        if elapsed < 1_000 {
            return None;
        }
        u64::try_from(u128::from(done) * 1_000 / elapsed).ok()
    }

    /// How long the rest takes at the rate so far; unknown in the first seconds, without a total or past it.
    fn time_left(&self, done: u64, now: Instant) -> Option<Duration> {
        let elapsed = now.duration_since(self.begun);
        let rest = self.total?.checked_sub(done).filter(|rest| *rest > 0)?;
        if elapsed < Duration::from_secs(3) || done == 0 {
            return None;
        }
        let millis = elapsed.as_millis().checked_mul(u128::from(rest))? / u128::from(done);
        u64::try_from(millis).ok().map(Duration::from_millis)
    }
}

fn span(duration: Duration) -> String {
    super::numbers::duration(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
}

/// At most 100, also where more is done than was foreseen; all of nothing is 100.
fn per_cent(done: u64, total: u64) -> u64 {
    let done = u128::from(done.min(total));
    (done * 100)
        .checked_div(u128::from(total))
        .and_then(|share| u64::try_from(share).ok())
        .unwrap_or(100)
}

fn bar(done: u64, total: u64, columns: usize) -> String {
    let full = usize::try_from(per_cent(done, total)).unwrap_or(100) * columns / 100;
    format!("{}{}", "█".repeat(full), "░".repeat(columns - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMINAL: Place = Place::Terminal { columns: 100, colours: false };

    fn run(place: Place, total: Option<u64>, steps: &[(u64, u64)]) -> String {
        let mut out = Vec::new();
        let begun = Instant::now();
        let mut progress =
            Progress::new(&mut out, place, "reading cowrie.json", "lines", total, begun);
        for &(millis, done) in steps {
            progress.at(done, begun + Duration::from_millis(millis)).unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_terminal_is_drawn_at_most_ten_times_a_second_on_one_line() {
        let steps: Vec<(u64, u64)> = (0..1_000).map(|step| (step, step)).collect();
        let drawn = run(TERMINAL, Some(1_000), &steps);
        assert_eq!(drawn.matches('\r').count(), 10);
        assert!(!drawn.contains('\n'));
    }

    #[test]
    fn a_terminal_shows_bar_share_rate_and_time_left() {
        let drawn = run(TERMINAL, Some(1_000_000), &[(10_000, 250_000)]);
        assert!(
            drawn.contains("250,000 of 1,000,000 lines (25 %), 25,000 a second, 30 s left"),
            "{drawn}"
        );
        assert!(drawn.contains("███") && drawn.contains("░░░"));
    }

    #[test]
    fn a_log_gets_one_line_a_minute_without_controls() {
        let steps: Vec<(u64, u64)> =
            (0..=600).map(|second| (second * 1_000, second * 10)).collect();
        let drawn = run(Place::Elsewhere, Some(12_000), &steps);
        assert_eq!(drawn.lines().count(), 10);
        assert!(!drawn.contains(['\r', '\u{1b}']));
        assert!(
            drawn.ends_with("6,000 of 12,000 lines (50 %), 10 a second, 10 min left\n"),
            "{drawn}"
        );
    }

    #[test]
    fn a_line_never_reaches_the_last_column() {
        for columns in 0..140 {
            let drawn = run(
                Place::Terminal { columns, colours: false },
                Some(1_000_000),
                &[(10_000, 250_000)],
            );
            let line = drawn.trim_start_matches('\r').trim_end_matches("\u{1b}[K");
            assert!(width(line) < columns.max(1), "{columns}: {line}");
        }
    }

    #[test]
    fn the_end_says_what_was_done_and_clears_the_bar() {
        let begun = Instant::now();
        for (place, expected) in [
            (TERMINAL, "\rreading x: 2,900,000 lines in 14 s (207,142 a second)\u{1b}[K\n"),
            (Place::Elsewhere, "reading x: 2,900,000 lines in 14 s (207,142 a second)\n"),
        ] {
            let mut out = Vec::new();
            let progress = Progress::new(&mut out, place, "reading x", "lines", None, begun);
            progress.finish(2_900_000, begun + Duration::from_secs(14)).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn a_hostile_file_name_and_impossible_counts_do_no_harm() {
        let begun = Instant::now();
        let mut out = Vec::new();
        let task = "reading \u{1b}[2J\u{202e}.json";
        let mut progress = Progress::new(&mut out, Place::Elsewhere, task, "lines", Some(0), begun);
        progress.at(u64::MAX, begun + Duration::from_secs(61)).unwrap();
        let line = String::from_utf8(out).unwrap();
        assert!(
            line.starts_with("reading \\x1b[2J\\u{202e}.json: ") && line.contains("(100 %)"),
            "{line}"
        );
        assert_eq!(per_cent(5, 0) + per_cent(u64::MAX, 2) + per_cent(u64::MAX, u64::MAX), 300);
    }
}
