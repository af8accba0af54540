//! A fleet whose sensors are of several releases, and records that come many times: what can be understood is, what cannot be is refused by
//! name, and neither keeps anybody else from being heard. Records are written here byte by byte, as `record.rs` describes them, so that what
//! another release writes does not depend on what this one does.

use kizashi_event::stream::event_payload;
use kizashi_event::{Detail, Event};
use kizashi_fleet::record::VERSION;
use xxhash_rust::xxh3::Xxh3;

use crate::harness::{Cluster, Kept, Sensor, TestHub, event, eventually, now};
use crate::lies::{runtime, send, thief};

const EVENTS: u8 = 1;
const HEARTBEAT: u8 = 3;

/// A record of any version, kind and content.
fn written(version: u8, kind: u8, number: u64, events: u32, body: &[u8]) -> Vec<u8> {
    let packed = zstd::bulk::compress(body, 1).unwrap();
    let mut record = b"KZF".to_vec();
    record.extend([version, kind, 0, 0, 0]);
    record.extend(77_u64.to_le_bytes());
    record.extend(number.to_le_bytes());
    record.extend(events.to_le_bytes());
    record.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
    let mut sum = Xxh3::new();
    sum.update(&record);
    sum.update(&packed);
    record.extend(sum.digest().to_le_bytes());
    record.extend(packed);
    record
}

/// A record of one event; `changed` makes of its JSON what another release would write.
fn of_event(version: u8, number: u64, event: Event, changed: impl Fn(String) -> String) -> Vec<u8> {
    let payload = event_payload(event).unwrap();
    let json = changed(String::from_utf8(payload[4..].to_vec()).unwrap());
    let length = u32::try_from(json.len()).unwrap();
    let mut body = (length + 4).to_le_bytes().to_vec();
    body.push(0);
    body.extend(length.to_le_bytes());
    body.extend(json.bytes());
    written(version, EVENTS, number, 1, &body)
}

fn seen(sensor: &str, number: u64) -> Event {
    event(sensor, number, now(), Detail::Connect)
}

#[test]
fn an_older_and_a_later_sensor_are_understood_as_far_as_they_write_the_form_that_the_hub_reads() {
    let cluster = Cluster::start(1, &["older", "later", "honest"]);
    let hub = TestHub::start(&cluster, Kept::default());
    let honest = Sensor::start(&cluster, "honest");
    honest.see(100..101);
    // The hub has made the stream then; what was sent before would be nowhere.
    hub.has(1);
    runtime().block_on(async {
        let older = thief(&cluster, "older").await.unwrap();
        // It knows of little more than its version, and nothing of what was added since.
        let status = br#"{"version":"0.0.1","waiting_bytes":5}"#;
        send(&older, "kizashi.events.older", &written(VERSION, HEARTBEAT, 0, 0, status)).await;
        let record = of_event(VERSION, 1, seen("older", 1), |json| json);
        send(&older, "kizashi.events.older", &record).await;
        let later = thief(&cluster, "later").await.unwrap();
        let status = br#"{"version":"7.0.0","waiting_bytes":6,"mood":{"grim":[1,2]}}"#;
        send(&later, "kizashi.events.later", &written(VERSION, HEARTBEAT, 0, 0, status)).await;
        let record = of_event(VERSION, 1, seen("later", 2), |json| {
            json.replacen('{', "{\"mood\":{\"grim\":[1,2]},", 1)
        });
        send(&later, "kizashi.events.later", &record).await;
    });
    hub.has(3);
    let found = |name: &str| {
        let all = hub.conditions.all();
        let it = all.into_iter().find(|it| it.name == name)?;
        Some((it.status.version, it.status.waiting_bytes, it.refused))
    };
    assert_eq!(found("older"), Some(("0.0.1".to_owned(), 5, 0)));
    assert_eq!(found("later"), Some(("7.0.0".to_owned(), 6, 0)));
}

#[test]
fn sensors_that_write_another_form_are_refused_by_name_and_the_rest_goes_on() {
    let cluster = Cluster::start(1, &["before", "after", "honest"]);
    let hub = TestHub::start(&cluster, Kept::default());
    let honest = Sensor::start(&cluster, "honest");
    honest.see(0..10);
    hub.has(10);
    runtime().block_on(async {
        for (name, version) in [("before", VERSION - 1), ("after", VERSION + 1)] {
            let client = thief(&cluster, name).await.unwrap();
            let subject = format!("kizashi.events.{name}");
            send(&client, &subject, &written(version, HEARTBEAT, 0, 0, b"{}")).await;
            send(&client, &subject, &of_event(version, 1, seen(name, 99), |json| json)).await;
        }
    });
    for (name, version) in [("before", VERSION - 1), ("after", VERSION + 1)] {
        let refused = || {
            let all = hub.conditions.all();
            let it = all.into_iter().find(|it| it.name == name)?;
            (it.refused == 2).then_some(it.refusal?)
        };
        eventually("both records are refused", || refused().is_some());
        let said = refused().unwrap();
        assert!(said.contains(&format!("version {version}")) && said.contains("upgrade"), "{said}");
    }
    honest.see(10..20);
    hub.has(20);
    let all = hub.conditions.all();
    assert!(all.iter().all(|it| it.name != "honest" || it.refused == 0));
}

#[test]
fn records_that_are_replayed_in_any_order_and_to_the_hubs_next_start_count_once() {
    const RECORDS: u64 = 300;
    let cluster = Cluster::start(1, &["tokyo", "honest"]);
    let hub = TestHub::start(&cluster, Kept::default());
    let honest = Sensor::start(&cluster, "honest");
    honest.see(1_000..1_001);
    hub.has(1);
    let records: Vec<Vec<u8>> = (1..=RECORDS)
        .map(|number| of_event(VERSION, number, seen("tokyo", number), |json| json))
        .collect();
    // Every record three times, in an order of its own, without the ids by which the servers would know it.
    let shuffled = |turn: usize| (0..records.len()).map(move |at| (at * 7 + turn * 131) % 300);
    runtime().block_on(async {
        let client = thief(&cluster, "tokyo").await.unwrap();
        for at in (0..3).flat_map(shuffled) {
            send(&client, "kizashi.events.tokyo", &records[at]).await;
        }
    });
    let again = |hub: &TestHub| {
        let all = hub.conditions.all();
        all.into_iter().find(|it| it.name == "tokyo").map_or(0, |it| it.again)
    };
    eventually("all came", || again(&hub) == 2 * RECORDS);
    hub.has(301);
    let hub = TestHub::start(&cluster, hub.stop());
    runtime().block_on(async {
        let client = thief(&cluster, "tokyo").await.unwrap();
        for at in shuffled(5) {
            send(&client, "kizashi.events.tokyo", &records[at]).await;
        }
    });
    eventually("the next start knows them all", || again(&hub) == RECORDS);
    hub.has(301);
    assert!(hub.conditions.all().iter().all(|it| it.missed == 0));
}
