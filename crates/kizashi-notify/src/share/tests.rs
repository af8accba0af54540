//! Every form over signs and sources with hostile text in them; the programs that read them are asked in `tests/readers.rs`.

use kizashi_signs::Severity;
use kizashi_store::Evidence;
use serde_json::Value;

use super::*;
use crate::testing::{sign, sign_at};

/// A month with three signs and three sources.
pub(crate) fn shared() -> Shared {
    let mut hostile = sign_at("tcp/23", Severity::Critical, "2025-02-18T13:00:00Z");
    hostile.label = "=cmd|' /C calc'!A0 </content> ]]> \" & <script>".to_owned();
    hostile.key = "=1+1".to_owned();
    let signs =
        [sign("tcp/5900"), hostile, sign_at("tcp/22", Severity::Low, "2025-02-17T13:00:00Z")];
    let now = Timestamp::parse("2025-02-19T00:00:00Z").unwrap();
    let source = |address: &str, sign: &Sign| Source {
        address: address.parse().unwrap(),
        events: 9,
        since: sign.since,
        until: now.plus(7 * Timestamp::DAY),
        signs: vec![sign.id.clone()],
    };
    let evidence =
        Evidence { sources: vec![("198.51.100.7".to_owned(), 9)], ..Evidence::default() };
    Shared {
        sensor: "sensor <1>".to_owned(),
        now,
        sources: vec![
            source("198.51.100.7", &signs[0]),
            source("203.0.113.9", &signs[1]),
            source("2001:db8::7", &signs[0]),
        ],
        notices: signs.iter().map(|sign| Notice::of(sign, &evidence)).collect(),
    }
}

#[test]
fn no_cell_of_the_table_begins_as_a_formula_does() {
    let csv = shared().write(Form::Csv);
    for cell in csv.lines().skip(1).flat_map(|line| line.split("\",\"")) {
        let cell = cell.trim_start_matches('"');
        assert!(!cell.starts_with(['=', '+', '-', '@']), "{cell}");
    }
    assert!(csv.contains("\"'=1+1\"") && csv.contains("\"'=cmd|"), "{csv}");
}

#[test]
fn identifiers_of_stix_are_the_same_in_every_bundle_and_indicators_end() {
    let (first, mut later) = (shared(), shared());
    later.now = later.now.plus(Timestamp::HOUR);
    let ids = |shared: &Shared| -> Vec<String> {
        let bundle: Value = serde_json::from_str(&shared.write(Form::Stix)).unwrap();
        bundle["objects"]
            .as_array()
            .unwrap()
            .iter()
            .map(|object| object["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids(&first), ids(&later));
    let bundle: Value = serde_json::from_str(&first.write(Form::Stix)).unwrap();
    let indicators =
        bundle["objects"].as_array().unwrap().iter().filter(|object| object["type"] == "indicator");
    let ends: Vec<&str> =
        indicators.map(|object| object["valid_until"].as_str().unwrap()).collect();
    assert_eq!(ends, ["2025-02-26T00:00:00.000Z"; 3]);
}

#[test]
fn taxii_gives_pages_that_together_are_everything_and_refuses_what_it_does_not_know() {
    let shared = shared();
    let ask = |path: &str, query: &[(&str, &str)]| {
        let query: Vec<(String, String)> =
            query.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        taxii::<()>(path, &query, || Ok(shared.clone())).unwrap()
    };
    let collections = ask("api/collections/", &[]).body;
    let id = collections["collections"][0]["id"].as_str().unwrap().to_owned();
    let objects = format!("api/collections/{id}/objects/");
    let all = ask(&objects, &[]).body;
    assert_eq!(all["objects"].as_array().unwrap().len(), 7);
    assert!(all.get("more").is_none());
    let (mut seen, mut next) = (0, "0".to_owned());
    loop {
        let page = ask(&objects, &[("limit", "3"), ("next", &next)]).body;
        seen += page["objects"].as_array().unwrap().len();
        if page["more"] != true {
            break;
        }
        next = page["next"].as_str().unwrap().to_owned();
    }
    assert_eq!(seen, 7);
    let reports = ask(&objects, &[("match[type]", "report")]).body;
    assert_eq!(reports["objects"].as_array().unwrap().len(), 3);
    let after = ask(&objects, &[("added_after", "2025-02-18T12:30:00.000Z")]);
    assert_eq!(after.body["objects"].as_array().unwrap().len(), 1);
    assert_eq!(ask(&format!("{objects}nothing/"), &[]).status, 404);
    assert_eq!(ask("api/collections/other/objects/", &[]).status, 404);
    assert_eq!(ask(&objects, &[("match[colour]", "red")]).status, 400);
    assert_eq!(ask(&objects, &[("limit", "many")]).status, 400);
    assert_eq!(
        ask(&format!("api/collections/{id}/manifest/"), &[]).body["objects"]
            .as_array()
            .unwrap()
            .len(),
        7
    );
}

#[test]
fn every_form_is_written_of_nothing_too() {
    for form in [
        Form::Blocklist,
        Form::Nftables,
        Form::Ipset,
        Form::Fail2ban,
        Form::Crowdsec,
        Form::Csv,
        Form::Stix,
        Form::Misp,
        Form::Ecs,
        Form::Otlp,
        Form::Atom,
        Form::JsonFeed,
    ] {
        let nothing =
            Shared { sensor: "s".to_owned(), now: Timestamp::from_seconds(1), ..Shared::default() };
        let (empty, full) = (nothing.write(form), shared().write(form));
        assert!(full.len() > empty.len(), "{form:?}");
        if matches!(form, Form::Stix | Form::Misp | Form::Otlp | Form::JsonFeed | Form::Crowdsec) {
            serde_json::from_str::<Value>(&empty).unwrap();
            serde_json::from_str::<Value>(&full).unwrap();
        }
    }
}
