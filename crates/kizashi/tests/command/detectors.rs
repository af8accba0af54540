//! A fleet whose detection is divided over processes: the hub, two detectors of which one is killed, and the signs come.

use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Detail, Event, EventId, Port, Service, SessionId, Timestamp};
use kizashi_fleet::outgoing::{Outgoing, Voice, publish};
use kizashi_fleet::spool::Spool;
use kizashi_fleet::{Credentials, SensorName};
use kizashi_store::{Reader, Store};
use tokio::sync::Notify;

use crate::fleet::{Server, server_port};
use crate::support::{Folder, Running, eventually, free_port, json_lines, sentence, text};

const PATIENCE: Duration = Duration::from_secs(60);
/// Bins of ten minutes of quiet, and then of the wave.
const QUIET: i64 = 72;
const WAVE: i64 = 6;

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap())
}

/// What the sensor saw of the last hours: the same few sources everywhere, and in the end many on one port.
fn seen() -> Vec<Event> {
    let bin = 600 * Timestamp::SECOND;
    let first = now().floor_to(bin).plus(-(QUIET + WAVE + 2) * bin);
    let mut events = Vec::new();
    for at in 0..QUIET + WAVE {
        let visitors = if at < QUIET { 1 } else { 30 };
        for (place, port) in [22, 23, 80, 445].into_iter().enumerate() {
            let count = if port == 23 { visitors } else { 1 };
            for visitor in 0..count {
                let number = events.len() as u64;
                let source = u32::try_from(at * 1_000 + visitor * 10).unwrap() + place as u32;
                events.push(Event {
                    time: first.plus(at * bin + visitor * Timestamp::SECOND),
                    id: EventId(number),
                    sensor: Arc::from("tokyo"),
                    session: Some(SessionId(number)),
                    source: std::net::Ipv4Addr::from(0x0b00_0000 + source).into(),
                    source_port: 4_000,
                    destination: None,
                    port: Port::tcp(port),
                    service: Service::UNKNOWN,
                    detail: Detail::Connect,
                });
            }
        }
    }
    events
}

/// Sends all of it as the sensor does, until told to end.
fn send(folder: &Folder, stopping: &Arc<Notify>) -> std::thread::JoinHandle<()> {
    let text = std::fs::read_to_string(folder.path().join("fleet/credentials/tokyo.toml")).unwrap();
    let credentials = Credentials::parse(&text).unwrap().with_authority_in(folder.path()).unwrap();
    let spool = Spool::open(&folder.path().join("spool"), 64 << 20, 1).unwrap();
    let stopping = Arc::clone(stopping);
    std::thread::spawn(move || {
        let outgoing = Outgoing::new(spool);
        outgoing.keep(seen()).unwrap();
        let name = SensorName::parse("tokyo").unwrap();
        let voice = Voice {
            clock: now,
            lost: Box::new(|| 0),
            misbehaved: Box::new(|| 0),
            version: env!("CARGO_PKG_VERSION"),
        };
        let publishing = publish(&credentials, &name, &outgoing, &voice, stopping.notified());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(publishing).unwrap();
    })
}

fn hub(folder: &Folder) -> Running {
    let config = format!(
        "[capture]\nenabled = false\n[dashboard]\naddress = \"127.0.0.1:{}\"\n[fleet]\ndetectors = true\npartitions = 16\n",
        free_port()
    );
    folder.write("hub.toml", config.as_bytes());
    let credentials = "fleet/credentials/hub.toml";
    Running::start(
        folder,
        &["hub", "--credentials", credentials, "--config", "hub.toml", "--data", "data-hub"],
    )
}

fn detector(folder: &Folder, name: &str) -> Running {
    let credentials = "fleet/credentials/detector.toml";
    Running::start(folder, &["detector", "--credentials", credentials, "--name", name])
}

fn says(folder: &Folder, what: &str) {
    eventually(what, PATIENCE, || {
        text(folder, &["fleet", "status", "--data", "data-hub"]).contains(what).then_some(())
    });
}

#[test]
fn a_hub_whose_detectors_do_detection_tells_the_signs_of_a_replay_though_one_is_killed() {
    let folder = Folder::new();
    let place = format!("127.0.0.1:{}", server_port());
    text(&folder, &["fleet", "init", "fleet", "--server", &place, "--gigabytes", "1"]);
    text(&folder, &["fleet", "add", "tokyo", "--fleet", "fleet"]);
    let _server = Server::start(&folder);
    // A hub that was away: it closes no time before the sensor that it knows has told what it saw meanwhile.
    let store = Store::open(&folder.path().join("data-hub"), Default::default()).unwrap();
    let known = serde_json::json!([{ "name": "tokyo", "heard": now().micros() - Timestamp::HOUR }]);
    let known = ("fleet/conditions".to_owned(), known.to_string().into_bytes());
    store.save(Vec::new(), vec![known]).unwrap();
    drop(store);
    let hub_running = hub(&folder);
    says(&folder, "detection is done by the hub itself");
    let (one, two) = (detector(&folder, "one"), detector(&folder, "two"));
    says(&folder, "parts of detection: one 8 of 16, two 8 of 16");
    let stopping = Arc::<Notify>::default();
    let sending = send(&folder, &stopping);
    let reader = Reader::open(&folder.path().join("data-hub")).unwrap();
    eventually("time is closed", PATIENCE, || {
        reader.closed_through().unwrap().filter(|through| now().since(*through) < Timestamp::DAY)
    });
    one.kill();
    let signs = eventually("a sign", PATIENCE, || {
        let signs = json_lines(&folder, &["signs", "--data", "data-hub", "--json"]);
        (!signs.is_empty()).then_some(signs)
    });
    let replayed = json_lines(&folder, &["replay", "--data", "data-hub", "--json"]);
    assert_eq!(signs, replayed);
    says(&folder, "parts of detection: two 16 of 16");
    let rows = json_lines(&folder, &["fleet", "status", "--data", "data-hub", "--json"]);
    let row = rows.iter().find(|row| row["detector"] == "two").unwrap();
    assert_eq!((&row["partitions"], &row["alive"]), (&16.into(), &true.into()), "{rows:?}");
    assert_eq!(row["version"], env!("CARGO_PKG_VERSION"));
    assert!(row["since"].as_str().unwrap().ends_with('Z'), "{row}");
    let together = rows.iter().find(|row| row["detection"].is_object()).unwrap();
    assert_eq!(together["detection"]["by_hub"], 0);
    assert!(together["detection"]["begun"]["from_hub"].as_u64().unwrap() >= 16, "{together}");
    assert_eq!(rows[0]["name"], "tokyo", "sensors are told as before");
    let told = hub_running.api("/api/v1/sensors")["detectors"].clone();
    let two_told = told.as_array().unwrap().iter().find(|row| row["name"] == "two").unwrap();
    assert_eq!((&two_told["parts"], &two_told["since"]), (&row["partitions"], &row["since"]));
    // It goes on from what it kept, with whoever lives.
    hub_running.stop();
    let hub_running = hub(&folder);
    says(&folder, "parts of detection: two 16 of 16");
    two.stop();
    says(&folder, "detection is done by the hub itself");
    stopping.notify_one();
    sending.join().unwrap();
    hub_running.stop();
    let kept = json_lines(&folder, &["signs", "--data", "data-hub", "--json"]);
    let ids = |signs: &[serde_json::Value]| -> Vec<String> {
        signs.iter().map(|sign| sign["id"].to_string()).collect()
    };
    assert_eq!(ids(&kept), ids(&replayed), "none anew, none lost");
}

#[test]
fn a_detectors_call_says_in_a_sentence_what_is_wrong_and_what_to_do() {
    let folder = Folder::new();
    text(&folder, &["fleet", "init", "fleet", "--server", "127.0.0.1"]);
    let said = |arguments: &[&str]| sentence(&folder, arguments);
    let (hub, detector) = ("fleet/credentials/hub.toml", "fleet/credentials/detector.toml");
    assert!(said(&["detector", "--credentials", hub]).contains("detector.toml"));
    assert!(said(&["hub", "--credentials", detector, "--data", "d"]).contains("hub.toml"));
    assert!(said(&["sensor", "--credentials", detector]).contains("kizashi fleet add"));
    let named = said(&["detector", "--credentials", detector, "--name", "A b"]);
    assert!(named.contains("a to z"), "{named}");
    assert!(said(&["fleet", "add", "detector", "--fleet", "fleet"]).contains("not `hub`"));
    let renewed = text(&folder, &["fleet", "renew-detectors", "--fleet", "fleet"]);
    assert!(renewed.contains("detector.toml") && renewed.contains("--signal reload"), "{renewed}");
    folder.write("kizashi.toml", b"[fleet]\npartitions = 0\n");
    assert!(said(&["config", "check"]).contains("partitions of [fleet]"));
}
