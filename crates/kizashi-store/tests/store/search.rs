//! Search finds what reading everything would find, a bounded number of rows at a time; and what is known of one key.

use std::collections::BTreeSet;

use kizashi_event::{Detail, Event, Key, KeyKind, SessionId, Timestamp};
use kizashi_store::{Filter, Reader, Span, Store, Term};

use crate::support::{Folder, event, live, login, midnight};

const DAYS: i64 = 3;
const EVENTS: u64 = 3_000;

/// A number that looks drawn.
fn scattered(seed: u64) -> u64 {
    let z = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 11
}

/// Logins and commands on a few ports over three days, three events a session.
fn events() -> Vec<Event> {
    (0..EVENTS)
        .map(|number| {
            let session = number / 3;
            let drawn = scattered(session + 1);
            let apart = DAYS * Timestamp::DAY / i64::try_from(EVENTS).unwrap();
            let time = midnight().plus(i64::try_from(number).unwrap() * apart);
            let port = [22, 23, 80][(drawn % 3) as usize];
            let detail = match number % 3 {
                0 => Detail::Connect,
                1 => login(["root", "admin", "a \"b\" \\"][(drawn / 3 % 3) as usize], "x"),
                _ => Detail::Command {
                    line: format!("run {}", drawn / 9 % 5).as_str().into(),
                    known: None,
                },
            };
            Event {
                session: Some(SessionId(session)),
                ..event(number, time, (drawn / 45 % 11) as u32, port, detail)
            }
        })
        .collect()
}

fn filled(folder: &Folder) -> Store {
    let store = live(folder, midnight().plus(DAYS * Timestamp::DAY));
    store.write(events()).unwrap();
    store.flush().unwrap();
    store.close_bins(midnight().plus(2 * Timestamp::DAY)).unwrap();
    store
}

/// Looks until there is nothing more; the ids of what was found.
fn all(reader: &Reader, filter: &Filter) -> BTreeSet<u64> {
    let (mut found, mut before) = (BTreeSet::new(), None);
    for _ in 0..10_000 {
        let look = reader.search(filter, before, 7).unwrap();
        found.extend(look.events.iter().map(|event| event.id.0));
        match look.reached {
            Some(reached) => {
                assert!(
                    before.is_none_or(|before| reached < before),
                    "each look goes further back"
                );
                before = Some(reached);
            }
            None => return found,
        }
    }
    panic!("the search does not end");
}

fn key(text: &str) -> Term {
    Term::Key(text.parse::<Key>().unwrap())
}

fn has(event: &Event, text: &str) -> bool {
    let wanted: Key = text.parse().unwrap();
    let mut found = wanted == Key::port(event.port);
    found |= wanted.kind == KeyKind::Source && *wanted.text == *event.source.to_string();
    event.detail.each_key(|kind, text| found |= kind == wanted.kind && *text == *wanted.text);
    found
}

#[test]
fn a_search_finds_what_reading_every_event_finds() {
    let folder = Folder::new();
    let _store = filled(&folder);
    let reader = Reader::open(folder.path()).unwrap();
    let events = events();
    let middle = midnight().plus(Timestamp::DAY + 7 * Timestamp::HOUR + 1);
    let spans = [
        Span::default(),
        Span { since: Some(middle), until: None },
        Span { since: None, until: Some(middle) },
    ];
    for texts in [
        vec!["tcp/22"],
        vec!["source:198.18.0.3"],
        vec!["user:root"],
        vec!["user:a \"b\" \\"],
        vec!["command:run 3", "tcp/80"],
        vec!["source:198.18.0.3", "user:admin"],
        vec!["user:nobody"],
    ] {
        for span in spans {
            let filter = Filter { terms: texts.iter().map(|text| key(text)).collect(), span };
            let expected: BTreeSet<u64> = events
                .iter()
                .filter(|event| texts.iter().all(|text| has(event, text)))
                .filter(|event| span.since.is_none_or(|since| event.time >= since))
                .filter(|event| span.until.is_none_or(|until| event.time < until))
                .map(|event| event.id.0)
                .collect();
            assert_eq!(all(&reader, &filter), expected, "{texts:?} {span:?}");
        }
    }
}

#[test]
fn what_two_events_of_one_session_did_is_found_together() {
    let folder = Folder::new();
    // So few that a look reads them all however busy the machine is: where a look ends, what two events did may come apart.
    let events: Vec<Event> = events().into_iter().take(480).collect();
    let store = live(&folder, midnight().plus(DAYS * Timestamp::DAY));
    store.write(events.clone()).unwrap();
    store.flush().unwrap();
    let reader = Reader::open(folder.path()).unwrap();
    let terms = vec![key("user:root"), key("command:run 3")];
    let found = reader.search(&Filter { terms, span: Span::default() }, None, 1_000).unwrap();
    let sessions = |text: &str| -> BTreeSet<u64> {
        events.iter().filter(|event| has(event, text)).map(|it| it.session.unwrap().0).collect()
    };
    let both: BTreeSet<u64> =
        sessions("user:root").intersection(&sessions("command:run 3")).copied().collect();
    let told: BTreeSet<u64> = found.events.iter().map(|it| it.session.unwrap().0).collect();
    assert!(!both.is_empty());
    assert_eq!(told, both);
    assert_eq!(found.events.len(), 2 * both.len(), "the login and the command of each");
}

#[test]
fn many_events_of_one_moment_end_no_search() {
    let folder = Folder::new();
    let store = filled(&folder);
    let noon = midnight().plus(12 * Timestamp::HOUR);
    let many = (0..40).map(|at| event(50_000 + at, noon, 3, 4444, login("many", "x")));
    store.write(many.collect()).unwrap();
    store.flush().unwrap();
    let reader = Reader::open(folder.path()).unwrap();
    for text in ["user:many", "tcp/4444"] {
        let filter = Filter { terms: vec![key(text)], span: Span::default() };
        assert_eq!(all(&reader, &filter).len(), 40, "{text}");
    }
}

#[test]
fn a_number_is_a_port_of_any_transport_and_a_word_is_anywhere() {
    let folder = Folder::new();
    let _store = filled(&folder);
    let reader = Reader::open(folder.path()).unwrap();
    let filter = |term| Filter { terms: vec![term], span: Span::default() };
    let by_number = all(&reader, &filter(Term::PortNumber(23)));
    assert_eq!(by_number, all(&reader, &filter(key("tcp/23"))));
    let by_word = all(&reader, &filter(Term::Text("RUN 3".to_owned())));
    assert_eq!(by_word, all(&reader, &filter(key("command:run 3"))));
    assert!(!by_word.is_empty());
}

#[test]
fn a_rare_key_is_found_without_reading_the_rest() {
    let folder = Folder::new();
    let store = filled(&folder);
    let rare = event(99_999, midnight().plus(5 * Timestamp::HOUR), 9, 22, login("rare", "x"));
    store.inlet().commit(vec![rare]).unwrap();
    let reader = Reader::open(folder.path()).unwrap();
    let filter = Filter { terms: vec![key("user:rare")], span: Span::default() };
    let found = reader.search(&filter, None, 10).unwrap();
    assert_eq!(found.events.len(), 1);
    assert_eq!(found.reached, None);
    assert!(found.looked_at < 60, "{} rows were read for one", found.looked_at);
}

#[test]
fn a_key_has_its_totals_and_who_came_with_it() {
    let folder = Folder::new();
    let _store = filled(&folder);
    let reader = Reader::open(folder.path()).unwrap();
    let events = events();
    for text in ["tcp/22", "user:root", "command:run 1"] {
        let key: Key = text.parse().unwrap();
        let with: Vec<&Event> = events.iter().filter(|event| has(event, text)).collect();
        let ranked = reader.key(&key).unwrap().unwrap();
        assert_eq!(ranked.events, with.len() as u64, "{text}");
        assert_eq!(ranked.first, with.first().unwrap().time);
        assert_eq!(ranked.last, with.last().unwrap().time);
        let sources: BTreeSet<String> = with.iter().map(|it| it.source.to_string()).collect();
        assert_eq!(ranked.sources, sources.len() as u64, "{text}");
        let told = reader.sources_with(&key, 100).unwrap();
        let told: BTreeSet<String> = told.iter().map(|it| it.key.text.to_string()).collect();
        assert_eq!(told, sources, "{text}");
    }
    assert_eq!(reader.key(&"user:nobody".parse().unwrap()).unwrap(), None);
}

#[test]
fn who_came_with_a_key_of_long_ago_is_told_from_its_ten_minutes() {
    let folder = Folder::new();
    let store = filled(&folder);
    let old = event(88_888, midnight().plus(Timestamp::HOUR), 77, 22, login("old", "x"));
    store.inlet().commit(vec![old]).unwrap();
    let store_now = midnight().plus(DAYS * Timestamp::DAY);
    store.close_bins(store_now).unwrap();
    store.maintain(store_now).unwrap();
    let reader = Reader::open(folder.path()).unwrap();
    let told = reader.sources_with(&"tcp/22".parse().unwrap(), 100).unwrap();
    assert!(told.len() >= 11);
}

#[test]
fn keys_are_found_by_how_they_begin_and_by_what_they_hold() {
    let folder = Folder::new();
    let _store = filled(&folder);
    let reader = Reader::open(folder.path()).unwrap();
    let texts = |kind, text: &str| -> Vec<String> {
        let found = reader.keys_like(kind, text, 10).unwrap();
        found.iter().map(|it| it.key.text.to_string()).collect()
    };
    assert_eq!(texts(KeyKind::User, "adm"), ["admin"]);
    assert_eq!(texts(KeyKind::User, "MIN"), ["admin"]);
    assert_eq!(texts(KeyKind::Command, "run ").len(), 5);
    assert_eq!(texts(KeyKind::User, "%"), Vec::<String>::new());
    assert_eq!(texts(KeyKind::User, "").len(), 3);
}

#[test]
fn the_pages_of_a_ranking_are_the_ranking() {
    let folder = Folder::new();
    let _store = filled(&folder);
    let reader = Reader::open(folder.path()).unwrap();
    let day = Span { since: Some(midnight().plus(Timestamp::DAY)), until: None };
    for span in [Span::default(), day] {
        let whole = reader.top(KeyKind::Source, span, 100).unwrap();
        assert_eq!(whole.len(), 11);
        let mut pages = Vec::new();
        for offset in (0..20).step_by(4) {
            pages.extend(reader.top_after(KeyKind::Source, span, offset, 4).unwrap());
        }
        assert_eq!(pages, whole);
    }
}
