//! The sentences that stand beside the numbers, for text and drawing alike.

use kizashi_detect::gamma_poisson;
use kizashi_detect::silence::Silence;
use kizashi_signs::{Explanation, Numbers};

use super::Explained;
use super::numbers::{of_log, of_log_or_none, plain, span_of_bins};
use crate::observatory::label_of;

/// What a reader of a heading gets: the label, the key, and the sign's id.
pub(super) fn heading(explained: &Explained) -> String {
    match (&explained.sign, &explained.explanation) {
        (Some(sign), _) => {
            format!("{}  {}  {}  {}", sign.label, sign.key, sign.severity.name(), sign.id)
        }
        (None, Some(explanation)) => {
            let label = kizashi_event::Key::from_shown(&explanation.key)
                .map(|key| label_of(&key))
                .unwrap_or_default();
            format!("{label}  {}  no sign; as it stands now", explanation.key)
        }
        (None, None) => String::new(),
    }
}

/// What happened, in one sentence.
pub(super) fn summary(explained: &Explained) -> String {
    match &explained.sign {
        Some(sign) => sign.summary(),
        None => "The replay raised no sign of it; these are the numbers at its end.".to_owned(),
    }
}

/// When the numbers stood so.
pub(super) fn moment(explained: &Explained, at: &str) -> String {
    match explained.sign {
        Some(_) => format!("The numbers as they were when it was raised, at {at}:"),
        None => format!("The numbers as they were at {at}:"),
    }
}

/// What the past was.
pub(super) fn past(explanation: &Explanation) -> Vec<(&'static str, String)> {
    match &explanation.numbers {
        Numbers::Rise(rise) => past_of_rise(rise),
        Numbers::Silence(silence) => vec![
            ("g, silent ten minutes", plain(f64::from(silence.ticks))),
            ("longest silence of a week or two", span_of_bins(f64::from(silence.longest_before))),
            ("E, active ones expected, at the least", plain(silence.expected)),
            ("a, what experience is worth", plain(silence.experience)),
            ("P, chance of so long a silence", of_log(silence.log_chance)),
        ],
    }
}

fn past_of_rise(rise: &gamma_poisson::Explanation) -> Vec<(&'static str, String)> {
    let mut past = vec![
        ("A, discounted sources so far", plain(rise.total)),
        ("E, discounted ten minutes listened", plain(rise.exposure)),
        (
            "a0, b0, prior of its kind",
            format!("{} and {}", plain(rise.prior.shape), plain(rise.prior.rate)),
        ),
        ("φ, clumps within an hour", format!("{:.2}", rise.scatter.phi)),
        ("v, wandering of the rate", format!("{:.3}", rise.scatter.volatility)),
    ];
    if rise.own_prior.1 > 0.0 {
        let own = format!("{} in {} ten minutes", plain(rise.own_prior.0), plain(rise.own_prior.1));
        past.push(("carried from an earlier run", own));
    }
    past
}

/// M, what is enough, and what that means.
pub(super) fn verdict(explanation: &Explanation) -> Vec<String> {
    match &explanation.numbers {
        Numbers::Rise(rise) => verdict_of_rise(rise),
        Numbers::Silence(silence) => verdict_of_silence(silence),
    }
}

fn verdict_of_rise(rise: &gamma_poisson::Explanation) -> Vec<String> {
    let gamma_poisson::Threshold {
        false_alarms_per_week,
        bins_a_false_alarm,
        share,
        watched,
        bins,
        log_m,
        fewest_sources,
    } = rise.threshold;
    let mut lines = vec![format!(
        "M = {}. Enough for a sign: M = {}.",
        of_log_or_none(rise.log_m),
        of_log(log_m)
    )];
    if rise.fresh_log_m != rise.log_m {
        lines.push(format!(
            "A wave told before is left out of what a new sign needs: M = {} of the windows that begin after it.",
            of_log_or_none(rise.fresh_log_m)
        ));
    }
    lines.push(format!(
        "Promised is at most {} false alarm{} a week over everything, one in {} ten minutes. Its kind has {} % of that, and \
         chance may choose among {} of its kind: this one may alarm falsely once in {} ten minutes ({}), which is what that M stands for.",
        plain_short(false_alarms_per_week),
        if (false_alarms_per_week - 1.0).abs() < 1e-9 { "" } else { "s" },
        plain(bins_a_false_alarm),
        plain_short(100.0 * share),
        plain(f64::from(watched.max(1))),
        plain(bins),
        span_of_bins(bins)
    ));
    if let Some(window) = rise.windows.get(rise.strongest) {
        lines.push(format!(
            "Strongest: the last {}, {} new sources where {} were expected: {} times the usual (95 %: {} to {}). A sign needs {}.",
            span_of_bins(f64::from(window.length)),
            window.counts,
            plain(window.expected),
            plain(rise.ratio.ratio),
            plain(rise.ratio.low),
            plain(rise.ratio.high),
            fewest_sources
        ));
    }
    lines
}

fn verdict_of_silence(silence: &Silence) -> Vec<String> {
    vec![
        format!(
            "1/P = {}. Enough for a sign: {}, which is the ten minutes between two false alarms of its kind times {} watched for silence.",
            of_log(-silence.log_chance),
            of_log(silence.log_threshold),
            silence.watched
        ),
        "Besides, a silence must be half as long again as the longest of the last one to two weeks. What is expected is what came in \
         the same quarter of the day on the worst day of the last week."
            .to_owned(),
    ]
}

/// Whole where it is whole.
fn plain_short(number: f64) -> String {
    if (number - number.round()).abs() < 1e-9 { format!("{number:.0}") } else { plain(number) }
}
