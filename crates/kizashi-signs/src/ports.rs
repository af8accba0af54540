//! What a port is, what malware does there, and what someone who runs one server should do about it.
//!
//! Knowledge is data: `data/ports.tsv` is written by hand, `data/services.tsv` holds the registered names of the rest (see
//! `data/README.md`). Both are part of the program and read once.

use std::borrow::Cow;
use std::sync::LazyLock;

use kizashi_event::Port;
use serde::Serialize;

/// What is known of one port, in plain words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PortInfo {
    /// What people know it as: `SMB file sharing`; where nothing is known, `port 12345`.
    pub title: Cow<'static, str>,
    /// The registered name of the service: `microsoft-ds`.
    pub name: Option<&'static str>,
    /// What malware does there: sentences.
    pub habit: &'static str,
    /// What to do where the service is really in use: an imperative without its full stop, fit to follow "If you run this:".
    pub advice: &'static str,
}

const PORTS: &str = include_str!("../data/ports.tsv");
const SERVICES: &str = include_str!("../data/services.tsv");

const UNKNOWN_HABIT: &str = "No well-known malware has its home on this port; scanners try every port, and new malware often \
    begins on one that nobody watches.";
const UNKNOWN_ADVICE: &str = "find out which program listens there, let only those reach it who need it, and bring it up to date";

/// Ordered by port.
static KNOWN: LazyLock<Vec<(Port, PortInfo)>> = LazyLock::new(|| ordered(PORTS, known));
static REGISTERED: LazyLock<Vec<(Port, &'static str)>> = LazyLock::new(|| {
    ordered(SERVICES, |line| {
        line.split_once('\t').and_then(|(port, name)| Some((Port::parse(port)?, name)))
    })
});

/// What is known of `port`. Every port has a title, a habit and advice, be they general ones.
#[must_use]
pub fn port_info(port: Port) -> PortInfo {
    if let Some(known) = find(&KNOWN, port) {
        return known.clone();
    }
    let name = find(&REGISTERED, port).copied();
    PortInfo {
        title: name.map_or_else(|| Cow::Owned(format!("port {}", port.number)), Cow::Borrowed),
        name,
        habit: UNKNOWN_HABIT,
        advice: UNKNOWN_ADVICE,
    }
}

/// The ports that are described one by one, in order.
pub fn described() -> impl Iterator<Item = Port> {
    KNOWN.iter().map(|(port, _)| *port)
}

fn find<T>(table: &[(Port, T)], port: Port) -> Option<&T> {
    let at = table.binary_search_by_key(&port, |(port, _)| *port).ok()?;
    table.get(at).map(|(_, value)| value)
}

fn ordered<T>(
    text: &'static str,
    read: impl Fn(&'static str) -> Option<(Port, T)>,
) -> Vec<(Port, T)> {
    let mut rows: Vec<_> = lines(text).filter_map(read).collect();
    rows.sort_by_key(|(port, _)| *port);
    rows
}

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().filter(|line| !line.starts_with('#'))
}

fn known(line: &'static str) -> Option<(Port, PortInfo)> {
    let mut columns = line.split('\t');
    let port = Port::parse(columns.next()?)?;
    let (name, title) = (columns.next()?, columns.next()?);
    let (habit, advice) = (columns.next()?, columns.next()?);
    Some((port, PortInfo { title: Cow::Borrowed(title), name: Some(name), habit, advice }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_both_files_is_read_and_in_order() {
        for (text, read) in [(PORTS, KNOWN.len()), (SERVICES, REGISTERED.len())] {
            let ports: Vec<Port> = lines(text)
                .map(|line| Port::parse(line.split('\t').next().unwrap()).unwrap())
                .collect();
            assert_eq!(ports.len(), read, "a line could not be read");
            assert!(ports.windows(2).all(|pair| pair[0] < pair[1]), "ports are ordered, each once");
        }
        assert!(KNOWN.len() >= 100 && REGISTERED.len() >= 300);
    }

    #[test]
    fn every_habit_is_a_sentence_and_every_advice_an_imperative_without_its_full_stop() {
        for (port, info) in KNOWN.iter() {
            assert!(info.habit.ends_with('.') && info.habit.len() > 30, "{port}: {}", info.habit);
            let first = info.advice.chars().next().unwrap();
            assert!(first.is_lowercase() && !info.advice.ends_with('.'), "{port}: {}", info.advice);
            assert!(!info.title.is_empty() && !info.name.unwrap().is_empty(), "{port}");
        }
    }

    #[test]
    fn the_nine_ports_of_the_talk_carry_the_names_it_gives_them() {
        let named = [
            (2223, "ESET remote administrator"),
            (4899, "Radmin"),
            (5900, "VNC"),
            (445, "SMB"),
            (2222, "ESET remote administrator"),
            (80, "Web"),
            (1433, "Microsoft SQL Server"),
            (2323, "jointSPACE"),
            (25, "SMTP"),
        ];
        for (number, name) in named {
            let info = port_info(Port::tcp(number));
            assert!(info.title.contains(name), "{number}: {}", info.title);
            assert!(described().any(|port| port == Port::tcp(number)));
        }
    }

    #[test]
    fn a_port_that_nobody_described_still_has_words() {
        assert_eq!(port_info(Port::tcp(79)).title, "finger");
        let unknown = port_info(Port::udp(54_321));
        assert_eq!((unknown.title.as_ref(), unknown.name), ("port 54321", None));
        assert!(!unknown.habit.is_empty() && !unknown.advice.is_empty());
    }
}
