//! Where visitors come from: `kizashi top countries`, series of a country, and the owner's own tables.

use serde_json::Value;

use crate::support::{Folder, json_lines, run, sentence, text};

/// Two visitors in Japan, one in Germany, one on the sensor's own network.
const LOG: &str = "time,source,port\n\
    2026-03-01T00:00:00Z,133.11.0.1,22\n\
    2026-03-01T00:01:00Z,133.11.0.1,23\n\
    2026-03-01T00:02:00Z,2001:200::1,22\n\
    2026-03-01T00:03:00Z,141.20.1.1,80\n\
    2026-03-01T00:04:00Z,192.168.0.9,80\n";

fn seed(name: &str) -> String {
    format!("{}/../../fuzz/seeds/places/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn imported(configuration: &str) -> Folder {
    let folder = Folder::new();
    folder.write("kizashi.toml", configuration.as_bytes());
    folder.write("log.csv", LOG.as_bytes());
    text(&folder, &["import", "log.csv"]);
    folder
}

fn rows(rows: &[Value]) -> Vec<(String, String, u64, u64)> {
    let row = |row: &Value| {
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        let number = |name: &str| row[name].as_u64().unwrap();
        (text("key"), text("label"), number("events"), number("sources"))
    };
    rows.iter().map(row).collect()
}

#[test]
fn countries_are_ranked_by_name_and_have_series() {
    let folder = imported("");
    let ranked = rows(&json_lines(&folder, &["top", "countries", "--json"]));
    let expected = [("JP", "Japan", 3, 2), ("DE", "Germany", 1, 1)];
    let expected = expected
        .map(|(key, label, events, sources)| (key.to_owned(), label.to_owned(), events, sources));
    assert_eq!(ranked, expected);
    let shown = text(&folder, &["top", "countries"]);
    assert!(shown.contains("Japan") && shown.contains("Germany"), "{shown}");
    for key in ["country/DE", "country:DE", "country/de"] {
        let series = json_lines(&folder, &["series", key, "--bin", "1h", "--json"]);
        assert_eq!((&series[0]["events"], &series[0]["sources"]), (&1.into(), &1.into()), "{key}");
    }
    let networks = rows(&json_lines(&folder, &["top", "networks", "--json"]));
    let networks: Vec<&str> = networks.iter().map(|row| row.0.as_str()).collect();
    assert!(networks.contains(&"133.11.0.0/16") && networks.contains(&"2001:200::/32"));
}

#[test]
fn the_owners_tables_are_used_and_what_they_say_does_not_act_on_the_terminal() {
    let configuration = format!(
        "[places]\nnetworks = {:?}\ncountries = {:?}\n",
        seed("networks.mmdb"),
        seed("countries.mmdb")
    );
    let folder = imported(&configuration);
    text(&folder, &["config", "check"]);
    let networks = rows(&json_lines(&folder, &["top", "networks", "--json"]));
    let first = ("AS64496", "Example \\x1b[2J University", 3, 2);
    assert_eq!(networks[0], (first.0.to_owned(), first.1.to_owned(), first.2, first.3));
    let shown = text(&folder, &["top", "networks"]);
    assert!(shown.contains("Beispielnetz") && !shown.contains('\u{1b}'), "{shown}");
    let countries = rows(&json_lines(&folder, &["top", "countries", "--json"]));
    let labels: Vec<&str> = countries.iter().map(|row| row.1.as_str()).collect();
    assert_eq!(
        labels,
        ["France", "Austria"],
        "and the address that the file does not know has none"
    );
}

#[test]
fn a_broken_table_is_one_sentence_before_anything_is_written() {
    let folder = Folder::new();
    folder.write("kizashi.toml", b"[places]\nnetworks = \"broken.mmdb\"\n");
    folder.write("broken.mmdb", b"no table");
    folder.write("log.csv", LOG.as_bytes());
    for arguments in [&["config", "check"][..], &["import", "log.csv"], &["up"]] {
        let told = sentence(&folder, arguments);
        assert!(told.contains("broken.mmdb") && told.contains("[places]"), "{told}");
    }
    assert!(!run(&folder, &["status"]).status.success(), "no store was made");
}

/// Three weeks in which Japan comes all over the ports, and at their end a hundred visitors of Brazil, each from a network of his own
/// to a port of his own: no port and no network rises.
fn wave() -> String {
    let mut rows: Vec<(u32, String)> = Vec::new();
    let mut visit = |minute: u32, source: String, port: u32| {
        let (day, hour) = (1 + minute / 1_440, minute / 60 % 24);
        let row = format!("2026-03-{day:02}T{hour:02}:{:02}:00Z,{source},{port}\n", minute % 60);
        rows.push((minute, row));
    };
    for n in 0..21 * 24 {
        visit(n * 60 + n * 7 % 60, format!("133.11.{}.{}", n / 250, n % 250), 1_000 + n * 37 % 500);
    }
    for n in 0..100 {
        visit(20 * 1_440 + 600 + n * 3, format!("177.{n}.1.1"), 2_000 + n);
    }
    rows.sort();
    let rows: String = rows.into_iter().map(|(_, row)| row).collect();
    format!("time,source,port\n{rows}")
}

#[test]
fn a_wave_from_one_country_all_over_the_ports_is_told_by_the_country_and_again_in_a_replay() {
    let folder = Folder::new();
    folder.write("log.csv", wave().as_bytes());
    text(&folder, &["import", "log.csv"]);
    let signs = json_lines(&folder, &["signs", "--json"]);
    let told = signs.iter().find(|sign| sign["key"] == "country:BR").unwrap();
    assert_eq!(told["label"], "country of visitors: Brazil");
    assert!(told["detected"].as_str().unwrap().starts_with("2026-03-21T1"), "{told}");
    assert_eq!(json_lines(&folder, &["replay", "--json"]), signs);
    let page = text(&folder, &["sign", told["id"].as_str().unwrap()]);
    assert!(page.contains("came from country:BR") && page.contains("Brazil"), "{page}");
}

#[test]
fn scanners_are_named_ranked_and_the_owners_own_lines_go_first() {
    let folder = Folder::new();
    let log = "time,source,port\n\
        2026-03-01T00:00:00Z,162.142.125.1,22\n\
        2026-03-01T00:01:00Z,162.142.125.2,22\n\
        2026-03-01T00:02:00Z,198.51.100.7,80\n\
        2026-03-01T00:03:00Z,141.20.1.1,80\n";
    folder.write("log.csv", log.as_bytes());
    folder.write("own.tsv", b"198.51.100.0/24\tOur auditor\x1b[2J\n162.142.125.2\tA rival\n");
    folder.write("kizashi.toml", b"[places]\nscanners = \"own.tsv\"\n");
    text(&folder, &["import", "log.csv"]);
    let mut ranked: Vec<String> = rows(&json_lines(&folder, &["top", "scanners", "--json"]))
        .into_iter()
        .map(|row| row.0)
        .collect();
    ranked.sort();
    assert_eq!(ranked, ["A rival", "Censys", "Our auditor\u{1b}[2J"]);
    let sources = json_lines(&folder, &["top", "sources", "--json"]);
    let label = |address: &str| {
        sources.iter().find(|row| row["key"] == address).unwrap()["label"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        (label("162.142.125.1").as_str(), label("141.20.1.1").as_str()),
        ("Censys", "141.20.1.1")
    );
    for shown in [text(&folder, &["top", "sources"]), text(&folder, &["top", "scanners"])] {
        assert!(shown.contains("Censys") && !shown.contains('\u{1b}'), "{shown:?}");
    }
}

#[test]
fn a_table_is_taken_into_use_from_a_file_once_it_was_read_and_a_broken_one_changes_nothing() {
    let folder = Folder::new();
    folder.write("log.csv", LOG.as_bytes());
    text(&folder, &["import", "log.csv", "--data", "data"]);
    let networks = seed("networks.mmdb");
    text(&folder, &["geo", "update", "networks", &networks, "--data", "data"]);
    let known = json_lines(&folder, &["geo", "show", "133.11.0.1", "--json", "--data", "data"]);
    assert_eq!(known[0]["network"], "AS64496");
    assert_eq!(known[0]["country"], "JP");
    folder.write("broken.mmdb", b"no table");
    let error = sentence(&folder, &["geo", "update", "networks", "broken.mmdb", "--data", "data"]);
    assert!(error.contains("the old one stays"), "{error}");
    let again = json_lines(&folder, &["geo", "show", "133.11.0.1", "--json", "--data", "data"]);
    assert_eq!(again, known);
    let used = text(&folder, &["geo", "show", "--data", "data"]);
    assert!(
        used.contains("kizashi-networks.mmdb") && used.contains("that Kizashi brings"),
        "{used}"
    );
}
