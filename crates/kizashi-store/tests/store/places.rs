//! Visitors counted by country and by the owner's networks: the same live and of a log that is read afterwards.

use std::path::Path;
use std::sync::Arc;

use kizashi_event::{Detail, Event, Key, KeyKind, Timestamp};
use kizashi_store::{ClosedBin, Mode, Places, Settings, Span, Store};

use crate::support::{Folder, event, login, midnight, settings};

fn seeds(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/places").join(name)
}

/// Two in Japan, one in Germany, one at home, and one that stands for many.
fn visitors() -> Vec<Event> {
    let from = |number: u64, address: &str| {
        let source = address.parse().unwrap();
        Event { source, ..event(number, midnight(), 0, 22, login("root", "a")) }
    };
    let counted = Detail::Counted { events: 7, sessions: 7 };
    vec![
        from(1, "133.11.0.1"),
        from(2, "2001:200::1"),
        from(3, "141.20.1.1"),
        from(4, "192.168.1.1"),
        Event { source: "0.0.0.0".parse().unwrap(), ..event(5, midnight(), 0, 22, counted) },
    ]
}

fn stored(places: Arc<Places>, mode: Mode) -> (Folder, Store, Vec<ClosedBin>) {
    let folder = Folder::new();
    let end = midnight().plus(Timestamp::HOUR);
    let settings = Settings { places, ..settings(end, mode) };
    let store = Store::open(folder.path(), settings).unwrap();
    store.write(visitors()).unwrap();
    store.flush().unwrap();
    let closed = store.close_bins(end).unwrap();
    (folder, store, closed)
}

fn ranking(store: &Store, kind: KeyKind) -> Vec<(String, u64)> {
    let top = store.reader().unwrap().top(kind, Span::default(), 10).unwrap();
    top.iter().map(|row| (row.key.text.to_string(), row.sources)).collect()
}

fn owned(rows: &[(&str, u64)]) -> Vec<(String, u64)> {
    rows.iter().map(|(text, sources)| ((*text).to_owned(), *sources)).collect()
}

#[test]
fn visitors_are_counted_by_country_where_they_have_one() {
    let (_folder, store, closed) = stored(Places::built_in(), Mode::Live);
    assert_eq!(ranking(&store, KeyKind::Country), owned(&[("JP", 2), ("DE", 1)]));
    let of_bin: Vec<(&str, usize)> = closed[0]
        .keys
        .iter()
        .filter(|row| row.key.kind == KeyKind::Country)
        .map(|row| (&*row.key.text, row.sources.len()))
        .collect();
    assert_eq!(of_bin, [("JP", 2), ("DE", 1)], "and detection is told");
    let reader = store.reader().unwrap();
    let evidence =
        reader.evidence(Some(&Key::new(KeyKind::Country, "JP")), Span::default()).unwrap();
    assert_eq!((evidence.events_read, evidence.sources.len()), (2, 2));
    let evidence = reader.evidence(None, Span::default()).unwrap();
    assert_eq!(evidence.countries, owned(&[("JP", 2), ("DE", 1)]));
}

#[test]
fn the_owners_networks_take_the_place_of_the_first_bits_where_they_know_an_address() {
    let places = Arc::new(Places::open(None, Some(&seeds("networks.mmdb"))).unwrap());
    let (_folder, store, _) = stored(places, Mode::Live);
    let expected = owned(&[("AS64496", 2), ("192.168.0.0/16", 1), ("AS64497", 1)]);
    let mut found = ranking(&store, KeyKind::Network);
    found.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    assert_eq!(found, expected);
    let key = Key::new(KeyKind::Network, "AS64496");
    let evidence = store.reader().unwrap().evidence(Some(&key), Span::default()).unwrap();
    assert_eq!((evidence.events_read, evidence.sources.len()), (2, 2));
}

#[test]
fn known_scanners_are_ranked_apart_and_where_the_owner_says_so_are_in_no_series_of_detection() {
    let from = |number: u64, address: &str, port: u16| {
        let source = address.parse().unwrap();
        Event { source, ..event(number, midnight(), 0, port, login("root", "a")) }
    };
    let visits = || {
        vec![
            from(1, "162.142.125.1", 22),
            from(2, "162.142.125.2", 22),
            from(3, "71.6.135.131", 99),
            from(4, "133.11.0.1", 22),
        ]
    };
    let mut closed_of = Vec::new();
    for (scanners_in_signs, mode) in
        [(true, Mode::Live), (false, Mode::Live), (false, Mode::Historic)]
    {
        let folder = Folder::new();
        let end = midnight().plus(Timestamp::HOUR);
        let settings = Settings { scanners_in_signs, ..settings(end, mode) };
        let store = Store::open(folder.path(), settings).unwrap();
        store.write(visits()).unwrap();
        store.flush().unwrap();
        assert_eq!(ranking(&store, KeyKind::Scanner), owned(&[("Censys", 2), ("Shodan", 1)]));
        let ports = ranking(&store, KeyKind::Port);
        assert_eq!(ports, owned(&[("tcp/22", 3), ("tcp/99", 1)]), "counted as anybody is");
        let reader = store.reader().unwrap();
        let evidence =
            reader.evidence(Some(&Key::new(KeyKind::Scanner, "Censys")), Span::default()).unwrap();
        assert_eq!((evidence.events_read, evidence.scanners), (2, owned(&[("Censys", 2)])));
        closed_of.push(store.close_bins(end).unwrap());
    }
    let told = |closed: &[ClosedBin]| {
        let ports =
            closed[0].ports.iter().map(|row| (row.port.number, row.sources.len())).collect();
        let keys = closed[0].keys.iter().map(|row| row.sources.len()).max().unwrap();
        (ports, keys)
    };
    assert_eq!(told(&closed_of[0]), (vec![(22, 3), (99, 1)], 4));
    assert_eq!(told(&closed_of[1]), (vec![(22, 1)], 1), "the total too is without them");
    assert_eq!(closed_of[1], closed_of[2], "live and read afterwards");
    assert!(closed_of[0][0].keys.iter().all(|row| row.key.kind != KeyKind::Scanner));
}

#[test]
fn live_and_read_afterwards_the_same_places_are_told() {
    for file in [None, Some(seeds("both.mmdb"))] {
        let places = Arc::new(Places::open(file.as_deref(), file.as_deref()).unwrap());
        let (_one, live, of_live) = stored(Arc::clone(&places), Mode::Live);
        let (_two, historic, of_historic) = stored(places, Mode::Historic);
        assert_eq!(of_live, of_historic);
        let mut replayed = Vec::new();
        live.reader().unwrap().closed_bins(None, |bin| replayed.push(bin)).unwrap();
        assert_eq!(replayed, of_live);
        for kind in [KeyKind::Country, KeyKind::Network] {
            assert_eq!(ranking(&live, kind), ranking(&historic, kind));
        }
    }
}

#[test]
fn a_table_that_is_missing_or_broken_is_told_in_one_sentence() {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path()).unwrap();
    let broken = folder.path().join("networks.mmdb");
    std::fs::write(&broken, b"no table").unwrap();
    let list = folder.path().join("scanners.tsv");
    std::fs::write(&list, "198.51.100.0/33\tX\n").unwrap();
    let error = Places::default().with_scanners(&list).unwrap_err().to_string();
    assert!(error.contains("line 1") && error.contains("leave it out"), "{error}");
    for path in [folder.path().join("missing.mmdb"), broken, folder.path().to_path_buf()] {
        let error = Places::open(None, Some(&path)).err().unwrap().to_string();
        assert!(error.contains("leave it out of [places]") && !error.contains('\n'), "{error}");
    }
}
