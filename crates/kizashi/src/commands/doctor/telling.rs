//! What `kizashi doctor` sees of the process that tells signs: whether it lives, what waits, how each channel fares, and whether the clock can be
//! right, without which no certificate holds and no receiver believes a signature. Each finding says what to do about it.

use std::io::ErrorKind;
use std::path::Path;

use kizashi_event::{Timestamp, escape_for_people};
use kizashi_notify::{Listed, Outbox};
use kizashi_store::Reader;

use super::Finding;
use crate::config::Config;
use crate::supervisor::owner;

/// What was due so long ago and was not tried shows that nobody carries it.
const OVERDUE: i64 = 2 * 60 * Timestamp::SECOND;
/// How far ahead of the clock the newest event may be.
const AHEAD: i64 = 2 * 60 * Timestamp::SECOND;
/// No clock that is right shows less than this: 2026-01-01.
const NO_EARLIER: Timestamp = Timestamp::from_seconds(1_767_225_600);
/// Where systemd-timesyncd says that it has set the clock (systemd-timesyncd.service(8)).
const SYNCHRONIZED: &str = "/run/systemd/timesync/synchronized";

/// Everything about it; where nobody is told, that and nothing more.
pub(super) fn look(config: &Config, now: Timestamp) -> Vec<Finding> {
    let mut found = vec![clock(&config.data, now)];
    if !config.notify.is_on() {
        found.push(finding(
            "telling",
            true,
            "nobody is told: no channel is set under [notify] (docs/notify.md)".to_owned(),
        ));
        return found;
    }
    let runs = owner::runs(&config.data);
    found.push(process(&config.data, runs));
    match Outbox::of(&config.data).list() {
        Ok(listed) => {
            found.push(backlog(&listed, runs, now));
            let names = config.notify.enabled_names();
            found.extend(names.map(|name| channel(name, &listed)));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            found.push(finding("outbox", true, "nothing was told yet".to_owned()));
        }
        Err(error) => found.push(finding(
            "outbox",
            false,
            format!("it cannot be read ({error}); call doctor as root or as the user that Kizashi runs as"),
        )),
    }
    found
}

fn finding(name: &str, good: bool, what: String) -> Finding {
    Finding { part: "telling", name: name.to_owned(), good, what }
}

fn clock(data: &Path, now: Timestamp) -> Finding {
    let newest = Reader::open(data).and_then(|reader| reader.overview()).ok();
    let newest = newest.and_then(|overview| overview.last);
    let shown = now.rfc3339();
    let shown = shown.get(..16).unwrap_or_default();
    let set = "set it (`sudo timedatectl set-ntp true`)";
    if now < NO_EARLIER || newest.is_some_and(|newest| newest.since(now) > AHEAD) {
        let what = format!(
            "it shows {shown} UTC, which is before what is stored; certificates and signatures fail until it is right: {set}"
        );
        return finding("clock", false, what);
    }
    let kept = if Path::new(SYNCHRONIZED).exists() {
        "and the network keeps it right".to_owned()
    } else {
        format!("and systemd-timesyncd does not keep it right; where no other program does, {set}")
    };
    finding("clock", true, format!("{shown} UTC, {kept}"))
}

fn process(data: &Path, runs: bool) -> Finding {
    let name = "process that tells";
    if !runs {
        let what = "Kizashi does not run; what waits is told once it is started (`kizashi up`)";
        return finding(name, true, what.to_owned());
    }
    match owner::ask(data, "telling") {
        Ok(answer) => finding(name, answer.starts_with("runs"), answer),
        Err(failure) => finding(name, false, failure.to_string()),
    }
}

/// What waits, and whether anybody carries it.
fn backlog(listed: &[Listed], runs: bool, now: Timestamp) -> Finding {
    let waiting: Vec<&Listed> = listed.iter().filter(|listed| listed.state == "waiting").collect();
    let Some(oldest) = waiting.iter().map(|listed| listed.made.as_str()).min() else {
        return finding("outbox", true, "nothing waits".to_owned());
    };
    let is_overdue =
        |listed: &&&Listed| Timestamp::parse(&listed.at).is_ok_and(|due| now.since(due) > OVERDUE);
    let overdue = waiting.iter().filter(is_overdue).count();
    let what = format!("{} wait, the oldest since {}", waiting.len(), minute(oldest));
    if runs && overdue > 0 {
        return finding(
            "outbox",
            false,
            format!(
                "{what}; {overdue} are overdue and nobody tries them: restart Kizashi, and look into its log"
            ),
        );
    }
    finding("outbox", true, format!("{what}; `kizashi notify list` shows them"))
}

/// How one channel fares: good unless the last that became of it is a failure.
fn channel(name: &str, listed: &[Listed]) -> Finding {
    let of = |state: &str| {
        let mut all: Vec<&Listed> =
            listed.iter().filter(|it| it.channel == name && it.state == state).collect();
        all.sort_by(|a, b| b.at.cmp(&a.at));
        all
    };
    let (sent, failed, waiting) = (of("sent"), of("failed"), of("waiting"));
    let last_sent = sent.first().map(|listed| listed.at.as_str());
    let title = format!("channel {}", escape_for_people(name));
    // A try that failed and is repeated counts as the latest word; when it was is not kept, but it is after all that was delivered.
    let struggling =
        waiting.iter().find_map(|listed| listed.error.as_deref().map(|why| (why, listed)));
    let refused =
        failed.first().filter(|listed| last_sent.is_none_or(|sent| listed.at.as_str() > sent));
    let delivered = last_sent.map_or_else(
        || "nothing was delivered yet".to_owned(),
        |at| format!("last delivered {}", minute(at)),
    );
    if let Some((why, listed)) = struggling {
        let what = format!(
            "{} wait after {} tries: {}; next try {}; {delivered}; `kizashi notify test {name}` tries it at once",
            waiting.len(),
            listed.attempts,
            escape_for_people(why),
            minute(&listed.at)
        );
        return finding(&title, false, what);
    }
    if let Some(listed) = refused {
        let why = escape_for_people(listed.error.as_deref().unwrap_or("it was refused"));
        let what = format!(
            "given up {}: {why}; {delivered}; correct its settings, then `kizashi notify test {name}`",
            minute(&listed.at)
        );
        return finding(&title, false, what);
    }
    finding(&title, true, delivered)
}

/// `2026-11-29 06:00` of a moment in RFC 3339; UTC.
fn minute(moment: &str) -> String {
    moment.chars().take(16).map(|c| if c == 'T' { ' ' } else { c }).collect::<String>() + " UTC"
}

#[cfg(test)]
mod tests {
    use kizashi_notify::Why;

    use super::*;

    fn listed(state: &str, at: &str, error: Option<&str>) -> Listed {
        Listed {
            id: "0".repeat(32),
            channel: "team".to_owned(),
            state: state.to_owned(),
            why: Why::Sign,
            signs: Vec::new(),
            made: "2026-11-29T05:00:00.000000Z".to_owned(),
            at: at.to_owned(),
            attempts: 3,
            error: error.map(str::to_owned),
        }
    }

    fn now() -> Timestamp {
        Timestamp::parse("2026-11-29T06:00:00Z").unwrap()
    }

    #[test]
    fn a_channel_is_judged_by_the_last_that_became_of_it_and_says_what_to_do() {
        assert!(channel("team", &[]).good);
        let sent = listed("sent", "2026-11-29T05:30:00.000000Z", None);
        let failed = |at: &str| listed("failed", at, Some("it answers 404: no\u{1b}[2J"));
        let before = channel("team", &[sent.clone(), failed("2026-11-29T05:10:00.000000Z")]);
        assert!(before.good && before.what.contains("2026-11-29 05:30 UTC"), "{}", before.what);
        let after = channel("team", &[sent.clone(), failed("2026-11-29T05:40:00.000000Z")]);
        assert!(!after.good && after.what.contains("404") && !after.what.contains('\u{1b}'));
        assert!(after.what.contains("kizashi notify test team"), "{}", after.what);
        let waiting = listed("waiting", "2026-11-29T06:01:00.000000Z", Some("it does not answer"));
        let tried = channel("team", &[sent, waiting]);
        assert!(
            !tried.good && tried.what.contains("after 3 tries: it does not answer"),
            "{}",
            tried.what
        );
        assert!(channel("other", &[failed("2026-11-29T05:40:00.000000Z")]).good);
    }

    #[test]
    fn what_waits_is_well_while_somebody_carries_it() {
        assert!(backlog(&[], true, now()).good);
        let later = listed("waiting", "2026-11-29T06:30:00.000000Z", None);
        assert!(backlog(&[later], true, now()).good);
        let overdue = [listed("waiting", "2026-11-29T05:30:00.000000Z", None)];
        assert!(!backlog(&overdue, true, now()).good);
        assert!(backlog(&overdue, false, now()).good, "without Kizashi it waits as it should");
    }

    #[test]
    fn a_clock_that_went_back_is_told() {
        let nowhere = Path::new("/nowhere/at/all");
        assert!(clock(nowhere, now()).good);
        assert!(!clock(nowhere, Timestamp::from_seconds(1_000_000_000)).good);
    }
}
