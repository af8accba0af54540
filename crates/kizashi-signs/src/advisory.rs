//! The text of a sign, as a good analyst would begin it: what, since when, who, what to do. What a port is and what attackers
//! want of it comes from [`crate::ports`]; campaigns are not told apart yet.

use kizashi_event::escape_for_people;
use kizashi_store::{Evidence, country_name};
use serde::Serialize;

use crate::ports::port_info;
use crate::sign::{minute, plain};
use crate::{Sign, SignKind, silence_text};

/// Values of one kind named at most.
const MOST_NAMED: usize = 3;
/// Characters shown of one value at most.
const LONGEST_SHOWN: usize = 60;

/// What a person is told about a sign. Every sentence is safe to show: attackers' text in it is escaped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advisory {
    /// What happens.
    pub what: String,
    /// Since when, and how soon it was seen.
    pub since: String,
    /// Who comes and with what.
    pub who: String,
    /// What to do.
    pub what_to_do: String,
}

impl Advisory {
    /// The four parts with their headings, in the order in which a person reads them.
    #[must_use]
    pub fn parts(&self) -> [(&'static str, &str); 4] {
        [
            ("What", &self.what),
            ("Since when", &self.since),
            ("Who", &self.who),
            ("What to do", &self.what_to_do),
        ]
    }
}

/// The advisory of a sign, with what the visitors did since its start.
#[must_use]
pub fn advisory(sign: &Sign, evidence: &Evidence) -> Advisory {
    Advisory {
        what: what(sign),
        since: since(sign),
        who: who(sign, evidence),
        what_to_do: what_to_do(sign),
    }
}

fn what(sign: &Sign) -> String {
    let summary = sign.summary();
    match sign.port().filter(|_| !sign.is_silence()) {
        Some(port) => format!("{summary} {}", port_info(port).habit),
        None => summary,
    }
}

fn since(sign: &Sign) -> String {
    if sign.is_silence() {
        return silence_text::since(sign);
    }
    if sign.kind == SignKind::Misbehaviour {
        return format!("It happened at {} and was over at once.", minute(sign.detected));
    }
    let course = if sign.open { "It still goes on" } else { "It has ended" };
    format!(
        "It began about {} and was raised at {}. {course}. New sources a day: {} before, {} since.",
        minute(sign.since),
        minute(sign.detected),
        plain(sign.before),
        plain(sign.after)
    )
}

fn who(sign: &Sign, evidence: &Evidence) -> String {
    if sign.is_silence() {
        return silence_text::who(sign);
    }
    let mut text = match sign.kind {
        SignKind::Misbehaviour => {
            "Whoever was connected just before; the events of that time name them.".to_owned()
        }
        _ => format!("{} new sources, {} events.", sign.sources, sign.events),
    };
    let mut list = |title: &str, counted: &[(String, u64)], shown: fn(&str) -> String| {
        let value = |(value, events): &(String, u64)| match value.as_str() {
            "" => format!("(empty) ({events})"),
            value => format!("{} ({events})", shown(value)),
        };
        let some: Vec<String> = counted.iter().take(MOST_NAMED).map(value).collect();
        if !some.is_empty() {
            text.push_str(&format!(" {title}: {}.", some.join(", ")));
        }
    };
    list("Most active", &evidence.sources, short);
    list("Countries by sources", &evidence.countries, country);
    list("Known scanners by sources", &evidence.scanners, short);
    list("User names tried", &evidence.users, short);
    list("Passwords tried", &evidence.passwords, short);
    list("Commands given", &evidence.commands, short);
    list("Pages asked for", &evidence.paths, short);
    list("Software", &evidence.clients, short);
    list("First bytes sent", &evidence.payloads, bytes);
    if !sign.also.is_empty() {
        let some: Vec<String> = sign
            .also
            .iter()
            .take(2 * MOST_NAMED)
            .map(|key| key.chars().take(LONGEST_SHOWN).collect())
            .collect();
        text.push_str(&format!(" The same sources also made rise: {}.", some.join(", ")));
    }
    text
}

fn what_to_do(sign: &Sign) -> String {
    if sign.is_silence() {
        return silence_text::what_to_do(sign);
    }
    if sign.kind == SignKind::Misbehaviour {
        return "Somebody found a fault in a trap. Update Kizashi and report the time and the events just before it \
                (`kizashi sign` and the dashboard show them). If `kizashi doctor` says that a protection was not enforced, treat \
                this machine as broken into."
            .to_owned();
    }
    if sign.kind == SignKind::SensorWide {
        let ports = sign.ports.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
        return format!(
            "Check whether this machine was cut off, was given a new address or was just started: then nothing more needs \
             doing. If not, look at the ports that rose, such as {ports}."
        );
    }
    let Some(port) = sign.port() else {
        return "Look at what these visitors do elsewhere (below) and whether a service of your own would have let them in: \
                change what can be guessed, bring what is asked for up to date. The trap itself is not at risk."
            .to_owned();
    };
    let info = port_info(port);
    format!(
        "If you run {} on {} yourself, here or on another machine, now is the time: {}. If you do not, nothing needs doing: \
         only the trap was visited.",
        info.title, sign.key, info.advice
    )
}

/// The name of a country, or its letters where no list has it.
fn country(code: &str) -> String {
    country_name(code).map_or_else(|| short(code), str::to_owned)
}

/// The store has written out every byte that is not printable ASCII: writing out its backslashes again would only confuse.
fn bytes(text: &str) -> String {
    if text.len() <= 4 * LONGEST_SHOWN && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return text.to_owned();
    }
    short(text)
}

/// Cut before it is escaped, so that no escape is cut in two.
fn short(text: &str) -> String {
    let mut head: String = text.chars().take(LONGEST_SHOWN).collect();
    let is_cut = head.len() < text.len();
    head = escape_for_people(&head);
    if is_cut {
        head.push('…');
    }
    head
}

#[cfg(test)]
mod tests {
    use kizashi_event::Timestamp;

    use super::*;
    use crate::Severity;

    fn sign(kind: SignKind, key: &str) -> Sign {
        let start = Timestamp::parse("2025-02-18T11:00:00Z").unwrap();
        Sign {
            id: String::new(),
            kind,
            key: key.to_owned(),
            label: "VNC screen sharing".to_owned(),
            since: start,
            detected: start.plus(Timestamp::HOUR),
            days: 45.3,
            ratio: 8.4,
            ratio_low: 4.1,
            ratio_high: 17.9,
            events: 1_234,
            sources: 21,
            expected_sources: 2.5,
            severity: Severity::Medium,
            name: None,
            open: true,
            until: start.plus(Timestamp::HOUR),
            before: 60.0,
            after: 504.0,
            also: Vec::new(),
            ports: vec!["tcp/22".to_owned(), "tcp/23".to_owned()],
            rising: 40,
        }
    }

    #[test]
    fn an_advisory_says_what_since_when_who_and_what_to_do() {
        let evidence = Evidence {
            sources: vec![("192.0.2.7".to_owned(), 900)],
            countries: vec![("BR".to_owned(), 12), ("XX".to_owned(), 1)],
            passwords: vec![(String::new(), 12), ("123456".to_owned(), 8)],
            payloads: vec![("RFB 003.008\\x0a".to_owned(), 40)],
            ..Evidence::default()
        };
        let text = advisory(&sign(SignKind::Rise, "tcp/5900"), &evidence);
        assert_eq!(
            text.what.split(". ").next().unwrap(),
            "21 new sources came to tcp/5900 (VNC screen sharing) where 2.5 were expected: 8.4 times the usual"
        );
        assert!(
            text.what.contains("at most once in 45 days")
                && text.what.contains("without a password")
        );
        assert!(
            text.since.contains("2025-02-18 11:00 UTC") && text.since.contains("still goes on")
        );
        assert_eq!(
            text.who,
            "21 new sources, 1234 events. Most active: 192.0.2.7 (900). Countries by sources: Brazil (12), XX (1). Passwords tried: (empty) (12), 123456 (8). \
             First bytes sent: RFB 003.008\\x0a (40)."
        );
        assert!(
            text.what_to_do.contains("127.0.0.1")
                && text.what_to_do.ends_with("only the trap was visited.")
        );
        let parts = text.parts();
        assert!(parts.iter().all(|(heading, part)| !heading.is_empty() && !part.is_empty()));
    }

    #[test]
    fn what_attackers_chose_is_shown_harmless_in_every_field() {
        let hostile = || vec![("\u{1b}]0;owned\u{7}\u{202e}\r\n".repeat(40), 1)];
        let evidence = Evidence {
            sources: hostile(),
            countries: hostile(),
            scanners: hostile(),
            users: hostile(),
            passwords: hostile(),
            commands: hostile(),
            paths: hostile(),
            clients: hostile(),
            payloads: hostile(),
            events_read: 1,
        };
        let text = advisory(&sign(SignKind::Rise, "tcp/5900"), &evidence);
        for (_, part) in text.parts() {
            assert!(!part.chars().any(|c| c.is_control() || c == '\u{202e}'), "{part:?}");
        }
        assert!(text.who.matches("\\x1b]0;owned\\x07\\u{202e}\\r\\n").count() >= 8);
        assert!(text.who.len() < 8 * 8 * LONGEST_SHOWN);
    }

    #[test]
    fn a_sensor_wide_sign_asks_to_look_at_the_machine_first() {
        let text = advisory(&sign(SignKind::SensorWide, "total"), &Evidence::default());
        assert!(
            text.what.starts_with("40 ports rose") && text.what_to_do.contains("tcp/22, tcp/23")
        );
    }
}
