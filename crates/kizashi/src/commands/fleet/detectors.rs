//! How a hub's detectors fare, in `kizashi fleet status`.

use kizashi_event::{Timestamp, escape_for_people};
use kizashi_fleet::detectors::{Fares, Roster};
use serde_json::{Value, json};

use crate::screen::{bytes, thousands};

/// What is told of them: who holds how much, each of them, and from where they went on.
pub(super) fn lines_of(roster: &Roster) -> Vec<String> {
    let mut lines: Vec<String> = shares(roster).into_iter().collect();
    lines.extend(roster.detectors.iter().map(|fares| line_of(fares, roster.partitions)));
    let begun = &roster.beginnings;
    if begun.from_bucket + begun.from_hub > 0 {
        lines.push(format!(
            "    since the hub started they began with {} parts from the servers' snapshots ({}) and with {} that the hub sent ({}); {} snapshots were not there",
            thousands(begun.from_bucket),
            bytes(begun.from_bucket_bytes),
            thousands(begun.from_hub),
            bytes(begun.from_hub_bytes),
            thousands(begun.absent)
        ));
    }
    lines
}

fn shares(roster: &Roster) -> Option<String> {
    let all = roster.partitions;
    let holding = roster.detectors.iter().filter(|fares| fares.partitions > 0);
    let mut shares: Vec<String> =
        holding.map(|fares| format!("{} {} of {all}", fares.name, fares.partitions)).collect();
    if shares.is_empty() {
        let by_hub = roster.here > 0;
        return by_hub.then(|| "detection is done by the hub itself: no detector lives".to_owned());
    }
    if roster.here > 0 {
        shares.push(format!("the hub itself {} of {all}", roster.here));
    }
    Some(format!("parts of detection: {}", shares.join(", ")))
}

fn line_of(fares: &Fares, all: usize) -> String {
    let since = since(fares).map_or_else(String::new, |since| format!(" since {since}"));
    // A version is what the detector says.
    let version = escape_for_people(&fares.version);
    let state = match (fares.lives, fares.asked) {
        (false, _) => "gone".to_owned(),
        (true, false) => format!("not asked{since}, version {version}: not the hub's release"),
        (true, true) => {
            format!("alive{since}, version {version}, {} of {all} parts", fares.partitions)
        }
    };
    let lost = match (fares.losses, &fares.lost_because) {
        (0, _) => String::new(),
        (count, None) => format!("; lost {} times", thousands(count)),
        (count, Some(why)) => {
            format!("; lost {} times ({})", thousands(count), escape_for_people(why))
        }
    };
    format!("detector {:<24}{state}{lost}", fares.name)
}

fn since(fares: &Fares) -> Option<String> {
    fares.since.map(|since| Timestamp::from_micros(since).rfc3339())
}

/// The same for programs: an object a detector, which has its name under `detector`, and one of all together under `detection`.
pub(super) fn json_of(roster: &Roster) -> Vec<Value> {
    let row = |fares: &Fares| {
        json!({
            "detector": fares.name,
            "version": Some(&fares.version).filter(|version| !version.is_empty()),
            "alive": fares.lives,
            "asked": fares.asked,
            "partitions": fares.partitions,
            "since": since(fares),
            "losses": fares.losses,
            "lost_because": fares.lost_because,
        })
    };
    let together = json!({
        "detection": {
            "partitions": roster.partitions,
            "by_hub": roster.here,
            "losses": roster.losses,
            "begun": roster.beginnings,
        }
    });
    roster.detectors.iter().map(row).chain([together]).collect()
}

#[cfg(test)]
mod tests {
    use kizashi_fleet::detectors::Beginnings;

    use super::*;

    fn fares(name: &str, partitions: usize) -> Fares {
        let (name, version) = (name.to_owned(), "0.1.0".to_owned());
        let since = Some(1_780_000_000_000_000);
        Fares { name, version, lives: true, asked: true, partitions, since, ..Fares::default() }
    }

    #[test]
    fn each_detector_is_told_with_what_it_holds_since_when_and_how_often_it_was_lost() {
        let gone = Fares {
            name: "two".to_owned(),
            losses: 2,
            lost_because: Some("it began anew".to_owned()),
            ..Fares::default()
        };
        let old = Fares { version: "0.0.\u{1b}1".to_owned(), asked: false, ..fares("three", 0) };
        let beginnings = Beginnings { from_bucket: 32, from_hub: 64, ..Beginnings::default() };
        let roster = Roster {
            partitions: 64,
            here: 4,
            detectors: vec![fares("one", 60), old, gone],
            losses: 2,
            beginnings,
        };
        let lines = lines_of(&roster);
        assert_eq!(lines[0], "parts of detection: one 60 of 64, the hub itself 4 of 64");
        assert!(lines[1].starts_with("detector one ") && lines[1].contains("60 of 64 parts"));
        assert!(lines[1].contains("alive since 2026-05-28T20:26:40"), "{}", lines[1]);
        assert!(lines[2].contains("not the hub's release") && !lines[2].contains('\u{1b}'));
        assert!(lines[3].ends_with("gone; lost 2 times (it began anew)"), "{}", lines[3]);
        assert!(lines[4].contains("32 parts from the servers'") && lines[4].contains("64 that"));
        let rows = json_of(&roster);
        assert_eq!((&rows[0]["detector"], &rows[0]["partitions"]), (&"one".into(), &60.into()));
        assert_eq!((&rows[2]["alive"], &rows[2]["losses"]), (&false.into(), &2.into()));
        assert_eq!(rows[3]["detection"]["begun"]["from_bucket"], 32);
        let nobody = Roster { partitions: 64, here: 64, ..Roster::default() };
        assert_eq!(lines_of(&nobody), ["detection is done by the hub itself: no detector lives"]);
    }
}
