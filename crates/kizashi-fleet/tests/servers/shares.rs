//! Detection divided over real servers: whoever holds the parts, and whoever dies, the signs are those of one machine, byte by byte.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use async_nats::{Client, jetstream};
use futures_util::StreamExt as _;
use kizashi_fleet::DETECTOR;
use kizashi_signs::Detection;
use kizashi_signs::shares::LAYOUT;
use kizashi_store::ClosedBin;

use crate::detectors::{PARTITIONS, TestDetector, TestMerge, runtime, settings};
use crate::harness::{Cluster, Sensor, eventually};
use crate::lies::thief;
use crate::support::{Random, made_up, told};

fn alone(bins: &[ClosedBin]) -> Vec<String> {
    let mut detection = Detection::new(settings()).unwrap();
    let told: Vec<String> = bins.iter().map(|bin| told(&detection.close(bin))).collect();
    let raised = told.iter().filter(|told| !told.starts_with("0 raised")).count();
    assert!(raised > 2, "{raised} bins raised signs");
    told
}

#[test]
fn one_two_and_five_detectors_tell_the_signs_of_one_machine_though_they_and_a_server_are_killed() {
    let bins = made_up(1, 210);
    let expected = alone(&bins);
    let cluster = Cluster::start(3, &[]);
    for (count, length) in [(1, 100), (2, 210), (5, 140)] {
        let bins = bins.get(..length).unwrap_or(&bins);
        let began = Instant::now();
        let mut random = Random(count);
        let mut hub = TestMerge::start(&cluster, count);
        let names: Vec<String> = (0..count).map(|at| format!("d{count}-{at}")).collect();
        let mut detectors: Vec<TestDetector> = names
            .iter()
            .map(|name| TestDetector::start(&cluster, name, env!("CARGO_PKG_VERSION")))
            .collect();
        hub.waits_for(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let share = usize::from(PARTITIONS) / detectors.len();
        assert!(hub.holders().values().all(|held| (share..=share + 1).contains(held)));
        let mut killing = Vec::new();
        for (at, (bin, expected)) in bins.iter().zip(&expected).enumerate() {
            if at % 70 == 40 {
                let gone = detectors.swap_remove(random.below(detectors.len()));
                let within = Duration::from_millis(random.next() % 30);
                // In the middle of whatever it does then.
                killing.push(std::thread::spawn(move || {
                    std::thread::sleep(within);
                    gone.kill();
                }));
                let name = format!("d{count}-new-{at}");
                detectors.push(TestDetector::start(&cluster, &name, env!("CARGO_PKG_VERSION")));
            }
            if (count, at) == (2, 100) {
                cluster.kill_server(2);
            }
            assert_eq!(&hub.close(bin), expected, "{count} detectors, bin {at}");
            if at % 70 == 39 {
                // Who was beyond a server that died is given nothing for some seconds.
                eventually("all of it is with detectors", || !hub.holders().contains_key(""));
            }
        }
        let killed = killing.len() as u64;
        killing.into_iter().for_each(|thread| thread.join().unwrap());
        let most = killed + if count == 2 { 2 } else { 0 };
        assert!((1..=most).contains(&hub.team.losses()), "{} losses", hub.team.losses());
        assert!(!hub.team.is_broken());
        let whole = Detection::together(hub.merge.clone(), hub.team.parts().unwrap()).unwrap();
        let mut one = Detection::new(settings()).unwrap();
        bins.iter().for_each(|bin| drop(one.close(bin)));
        assert_eq!(whole.knowledge().to_json(), one.knowledge().to_json(), "{count} detectors");
        assert_eq!(whole.standing(), one.standing());
        println!(
            "{count} detectors: {} bins in {:?}, state of {} bytes in {PARTITIONS} parts",
            bins.len(),
            began.elapsed(),
            whole.snapshot().unwrap().len()
        );
        if count == 2 {
            cluster.start_server(2);
        }
    }
}

#[test]
fn where_no_detector_lives_the_hub_does_it_itself_and_gives_it_away_when_one_comes() {
    let bins = made_up(3, 120);
    let mut one = Detection::new(settings()).unwrap();
    let cluster = Cluster::start(1, &[]);
    let mut hub = TestMerge::start(&cluster, 1);
    let mut detector: Option<TestDetector> = None;
    for (at, bin) in bins.iter().enumerate() {
        match at {
            40 => {
                assert_eq!(hub.holders(), BTreeMap::from([(String::new(), 64)]));
                detector = Some(TestDetector::start(&cluster, "late", env!("CARGO_PKG_VERSION")));
                hub.waits_for(&["late"]);
                assert_eq!(hub.holders(), BTreeMap::from([("late".to_owned(), 64)]));
            }
            80 => {
                // It says that it goes, so that nobody waits for it.
                detector.take().into_iter().for_each(TestDetector::stop);
                hub.waits_for(&[]);
                assert_eq!(hub.holders(), BTreeMap::from([(String::new(), 64)]));
            }
            _ => {}
        }
        assert_eq!(hub.close(bin), told(&one.close(bin)), "bin {at}");
    }
    assert_eq!(hub.team.losses(), 0);
}

/// Holds a lease as a detector does.
async fn lease(client: &Client, name: &str, version: &str) {
    let value = serde_json::json!({ "version": version, "layout": LAYOUT, "token": 1 });
    let context = jetstream::new(client.clone());
    let store = context.get_key_value("KIZASHI_DETECTORS").await.unwrap();
    store.put(name, value.to_string().into()).await.unwrap();
}

#[test]
fn a_detector_that_lies_or_says_nothing_is_asked_no_more_and_one_of_another_release_never() {
    let bins = made_up(3, 150);
    let mut one = Detection::new(settings()).unwrap();
    let cluster = Cluster::start(1, &[]);
    let mut hub = TestMerge::start(&cluster, 1);
    let honest = TestDetector::start(&cluster, "honest", env!("CARGO_PKG_VERSION"));
    let _old = TestDetector::start(&cluster, "old", "0.0.1");
    hub.waits_for(&["honest"]);
    let liars = runtime();
    let client = liars.block_on(thief(&cluster, DETECTOR)).unwrap();
    for (name, at) in [("noise", 10), ("echo", 30), ("mute", 50)] {
        let (lying, mine) = (client.clone(), name);
        let mut asked =
            liars.block_on(lying.subscribe(format!("kizashi.detectors.{name}"))).unwrap();
        liars.spawn(async move {
            while let Some(message) = asked.next().await {
                if mine == "mute" {
                    continue;
                }
                // What it is asked, or what is no message at all.
                let said = if mine == "echo" { message.payload } else { "noise".into() };
                let _ = lying.publish(message.reply.unwrap(), said).await;
            }
        });
        liars.block_on(lease(&client, name, env!("CARGO_PKG_VERSION")));
        let mut both = [name, "honest"];
        both.sort_unstable();
        hub.waits_for(&both);
        assert_eq!(hub.holders().get(name), Some(&32));
        for bin in &bins[at - 10..at + 10] {
            assert_eq!(hub.close(bin), told(&one.close(bin)), "{name}");
        }
        assert_eq!(hub.holders(), BTreeMap::from([("honest".to_owned(), 64)]), "{name}");
    }
    assert_eq!(hub.team.losses(), 3);
    honest.stop();
}

#[test]
fn detectors_credentials_read_no_event_and_change_nothing_on_the_servers() {
    let cluster = Cluster::start(1, &["tokyo"]);
    let hub = TestMerge::start(&cluster, 1);
    let tokyo = Sensor::start(&cluster, "tokyo");
    let detector = TestDetector::start(&cluster, "one", env!("CARGO_PKG_VERSION"));
    hub.waits_for(&["one"]);
    runtime().block_on(async {
        let client = thief(&cluster, DETECTOR).await.unwrap();
        for subject in [
            "$JS.API.STREAM.INFO.KIZASHI",
            "$JS.API.STREAM.DELETE.KV_KIZASHI_DETECTORS",
            "$JS.API.STREAM.PURGE.KV_KIZASHI_DETECTORS",
            "kizashi.detectors.one",
        ] {
            let asked = client.request(subject, "".into());
            let answer = tokio::time::timeout(Duration::from_secs(1), asked).await;
            assert!(!matches!(answer, Ok(Ok(_))), "{subject}: {answer:?}");
        }
        for subject in ["kizashi.events.*", "kizashi.>", "_INBOX_hub.>", "$JS.>", ">"] {
            let mut heard = client.subscribe(subject).await.unwrap();
            tokyo.see(1..2);
            let said = tokio::time::timeout(Duration::from_millis(300), heard.next()).await;
            assert!(!matches!(said, Ok(Some(_))), "{subject}: {said:?}");
        }
    });
    detector.stop();
}
