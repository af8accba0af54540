//! What signs of silence say: other words than those of a rise, for here it is the machine that wants a look, not its visitors.

use kizashi_event::Timestamp;

use crate::sign::{minute, plain};
use crate::{Fact, Sign, SignKind};

/// The silence in one sentence.
pub(crate) fn summary(sign: &Sign) -> String {
    let when = if sign.open {
        format!("since {}", minute(sign.since))
    } else {
        format!("for {} from {} on", length(sign.until.since(sign.since)), minute(sign.since))
    };
    let (has, usual) = (if sign.open { "has come" } else { "came" }, plain(sign.before));
    let chance = format!("Chance alone brings this at most once in {} days.", plain(sign.days));
    if sign.kind == SignKind::SensorSilent {
        return format!(
            "Nothing at all {has} {when}, where about {usual} new sources a day are usual. {chance}"
        );
    }
    let others = match sign.rising {
        0 | 1 => String::new(),
        rising => {
            format!(" and {} other {}", rising - 1, if rising == 2 { "port" } else { "ports" })
        }
    };
    format!(
        "Nothing {has} to {} ({}){others} {when}, where about {usual} new sources a day are usual; other ports were visited all \
         the time. {chance}",
        sign.key, sign.label
    )
}

/// Number by number.
pub(crate) fn facts(sign: &Sign) -> Vec<Fact> {
    let fact = |name, value| Fact { name, value };
    vec![
        fact("counted", "ten minutes in which nobody came".to_owned()),
        fact("since", minute(sign.since)),
        fact("raised", minute(sign.detected)),
        fact("sources", format!("0 (usual: {})", plain(sign.expected_sources))),
        fact("sources a day", format!("{} before", plain(sign.before))),
        fact("ratio", format!("0 (95 %: below {:.2})", sign.ratio_high)),
        fact("by chance", format!("at most once in {} days", plain(sign.days))),
    ]
}

/// A span in words: `50 minutes`, `9 hours`, `3 days`.
fn length(micros: i64) -> String {
    let minutes = micros.max(0) / (60 * Timestamp::SECOND);
    match minutes {
        0..120 => format!("{minutes} minutes"),
        120..2_880 => format!("{} hours", minutes / 60),
        _ => format!("{} days", minutes / 1_440),
    }
}
