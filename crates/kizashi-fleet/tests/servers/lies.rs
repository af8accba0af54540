//! Old, lying and hostile sensors, wrong and stolen keys: refused with a line that says which sensor, and the rest goes on.

use std::time::Duration;

use async_nats::{Client, ConnectOptions, HeaderMap};
use kizashi_event::{Detail, Timestamp};
use kizashi_fleet::accounts::{Choices, Fleet};
use kizashi_fleet::hub::CORRECTED_FROM;
use kizashi_fleet::outgoing::SENT;
use kizashi_fleet::record::{Gatherer, Place, entry_of};
use kizashi_fleet::{Credentials, SensorName};

use crate::harness::{
    Cluster, Folder, Kept, Sensor, TestHub, event, eventually, now, set_wrong_clock, wrong_clock,
};

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Somebody who has a sensor's credentials, or detectors', and a NATS client of his own.
pub(crate) async fn thief(
    cluster: &Cluster,
    name: &str,
) -> Result<Client, async_nats::ConnectError> {
    let table: toml::Table = cluster.credentials_text(name).parse().unwrap();
    let text = |key: &str| table[key].as_str().unwrap().to_owned();
    let folder = Folder::new("thief");
    let authority = folder.0.join("authority.pem");
    std::fs::write(&authority, text("authority")).unwrap();
    ConnectOptions::new()
        .nkey(text("seed"))
        .add_root_certificates(authority)
        .custom_inbox_prefix(format!("_INBOX_{name}"))
        .require_tls(true)
        .connect(format!("tls://127.0.0.1:{}", cluster.ports[0]))
        .await
}

pub(crate) async fn send(client: &Client, subject: &str, bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    headers.insert(SENT, now().micros().to_string());
    let _ = client.publish_with_headers(subject.to_owned(), headers, bytes.to_vec().into()).await;
    let _ = tokio::time::timeout(Duration::from_secs(5), client.flush()).await;
}

fn record(sensor: &str, number: u64) -> Vec<u8> {
    let mut gatherer = Gatherer::default();
    let seen = event(sensor, 1_000_000 + number, now(), Detail::Connect);
    gatherer.add(&entry_of(seen).unwrap().0);
    gatherer.take(Place { epoch: 99, number }).unwrap()
}

#[test]
fn what_is_cut_huge_old_or_a_lie_is_refused_by_name_and_the_rest_goes_on() {
    let cluster = Cluster::start(1, &["liar", "honest"]);
    let hub = TestHub::start(&cluster, Kept::default());
    let honest = Sensor::start(&cluster, "honest");
    honest.see(0..10);
    hub.has(10);
    let good = record("liar", 1);
    let mut old = good.clone();
    old[3] = 0;
    runtime().block_on(async {
        let client = thief(&cluster, "liar").await.unwrap();
        for bytes in [&good[..good.len() / 2], b"", b"GET / HTTP/1.1\r\n\r\n", &old] {
            send(&client, "kizashi.events.liar", bytes).await;
        }
        // As another, and of content that is not its own.
        send(&client, "kizashi.events.liar", &record("honest", 2)).await;
        send(&client, "kizashi.contents.liar", &vec![0; 1_000_000]).await;
        let _ = client.publish("kizashi.events.liar", good.clone().into()).await;
        let _ = client.flush().await;
    });
    eventually("all seven are refused", || {
        hub.conditions.all().iter().any(|it| it.name == "liar" && it.refused == 7)
    });
    let honest_one = hub.conditions.all().into_iter().find(|it| it.name == "honest").unwrap();
    assert_eq!(honest_one.refused, 0);
    honest.see(10..20);
    hub.has(20);
    runtime().block_on(async {
        let client = thief(&cluster, "liar").await.unwrap();
        send(&client, "kizashi.events.liar", &good).await;
        // The same again, past what the servers know by id: it has none.
        send(&client, "kizashi.events.liar", &good).await;
    });
    hub.has(21);
    eventually("the second is known", || {
        hub.conditions.all().iter().any(|it| it.name == "liar" && it.again == 1)
    });
}

#[test]
fn a_stolen_key_publishes_as_its_sensor_alone_and_reads_nothing() {
    let cluster = Cluster::start(1, &["stolen", "honest"]);
    let hub = TestHub::start(&cluster, Kept::default());
    let honest = Sensor::start(&cluster, "honest");
    honest.see(0..5);
    hub.has(5);
    runtime().block_on(async {
        let client = thief(&cluster, "stolen").await.unwrap();
        for subject in
            ["kizashi.events.honest", "$JS.API.STREAM.DELETE.KIZASHI", "$O.KIZASHI_CONTENTS.C.x"]
        {
            send(&client, subject, &record("honest", 1)).await;
        }
        let asked = client.request("$JS.API.STREAM.INFO.KIZASHI", "".into());
        let answer = tokio::time::timeout(Duration::from_secs(2), asked).await;
        assert!(!matches!(answer, Ok(Ok(_))), "{answer:?}");
        // What others send, say and are answered.
        use futures_util::StreamExt as _;
        for subject in ["kizashi.>", "_INBOX_honest.>", "$JS.>", ">"] {
            let mut heard = client.subscribe(subject).await.unwrap();
            honest.see(100..101);
            let said = tokio::time::timeout(Duration::from_millis(300), heard.next()).await;
            assert!(!matches!(said, Ok(Some(_))), "{subject}: {said:?}");
        }
        // A third connection with one key, beside the thief's and the sensor's own, is one too many.
        let _second = thief(&cluster, "stolen").await.unwrap();
        assert!(thief(&cluster, "stolen").await.is_err());
    });
    honest.see(5..10);
    eventually("the others go on", || hub.count() >= 11);
    assert!(hub.events().iter().all(|event| event.id.0 < 1_000_000), "none of the thief's lies");
}

#[test]
fn a_key_that_is_revoked_or_another_fleets_opens_nothing() {
    let cluster = Cluster::start(1, &["stolen", "honest"]);
    let hub = TestHub::start(&cluster, Kept::default());
    let stolen = Sensor::start(&cluster, "stolen");
    let honest = Sensor::start(&cluster, "honest");
    stolen.see(0..5);
    honest.see(0..5);
    hub.has(10);
    let before = cluster.credentials("stolen");
    cluster.fleet.lock().unwrap().revoke(&SensorName::parse("stolen").unwrap()).unwrap();
    cluster.reload();
    honest.see(5..10);
    hub.has(15);
    eventually("its connection is cut and comes no more", || {
        stolen.see(0..1);
        std::thread::sleep(Duration::from_millis(200));
        stolen.outgoing.waiting().records > 3
    });
    let _again = Sensor::with("stolen", Folder::new("spool"), 64 << 20, before, now);
    // Another fleet's credentials, for this one's servers.
    let folder = Folder::new("other");
    let choices = Choices { servers: vec!["127.0.0.1".to_owned()], gigabytes: 1 };
    let mut other = Fleet::make(&folder.0.join("fleet"), &choices).unwrap();
    let path = other.add(&SensorName::parse("honest").unwrap()).unwrap();
    let foreign = Credentials::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    // He knows the servers' authority, which is no secret.
    let foreign = foreign.with_servers(cluster.credentials("honest").servers).unwrap();
    let foreign = foreign.with_authority_in(&folder.0).unwrap();
    let authority: toml::Table = cluster.credentials_text("honest").parse().unwrap();
    let authority = authority["authority"].as_str().unwrap();
    std::fs::write(folder.0.join("fleet-authority.pem"), authority).unwrap();
    let foreign = Sensor::with("honest", Folder::new("spool"), 64 << 20, foreign, now);
    foreign.see(500..510);
    std::thread::sleep(Duration::from_millis(500));
    honest.see(10..15);
    eventually("the rest goes on", || hub.events().iter().any(|event| event.id.0 == 14));
    assert!(foreign.outgoing.waiting().records > 0);
    assert!(hub.events().iter().all(|event| event.id.0 < 500));
}

#[test]
fn a_clock_that_is_wrong_is_set_right_and_one_that_is_days_off_is_refused() {
    let cluster = Cluster::start(1, &["late"]);
    let hub = TestHub::start(&cluster, Kept::default());
    set_wrong_clock(3 * Timestamp::HOUR);
    let start = |credentials| {
        Sensor::with("late", Folder::new("spool"), 64 << 20, credentials, wrong_clock)
    };
    let sensor = start(cluster.credentials("late"));
    let seen = wrong_clock();
    sensor.keep(vec![event("late", 1, seen, Detail::Connect)]);
    hub.has(1);
    let off = hub.events()[0].time.since(now()).abs();
    assert!(off < CORRECTED_FROM + 30 * Timestamp::SECOND, "{off} µs off");
    let condition = hub.conditions.all().remove(0);
    assert!((condition.clock_ms - 3 * 3_600_000).abs() < 60_000, "{}", condition.clock_ms);
    set_wrong_clock(3 * Timestamp::DAY);
    sensor.keep(vec![event("late", 2, wrong_clock(), Detail::Connect)]);
    eventually("it is refused", || {
        hub.conditions.all()[0].refusal.as_deref().is_some_and(|it| it.contains("72 hours off"))
    });
    hub.has(1);
}
