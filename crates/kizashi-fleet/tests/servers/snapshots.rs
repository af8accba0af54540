//! Parts' snapshots in the servers' key-value bucket: who takes a partition goes on from there, and where the bucket has not what it should, from what the
//! hub sends; the signs are those of one machine either way.

use std::time::{Duration, Instant};

use async_nats::jetstream::{self, kv};
use kizashi_event::Port;
use kizashi_fleet::detectors::Beginnings;
use kizashi_fleet::{DETECTOR, HUB};
use kizashi_signs::{Detection, Settings};
use kizashi_store::ClosedBin;

use crate::detectors::{PARTITIONS, TestDetector, TestMerge, runtime, settings};
use crate::harness::{Cluster, eventually};
use crate::lies::thief;
use crate::support::{Gathering, Random, made_up, start, told};

const BUCKET: &str = "KIZASHI_PARTS";
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Partitions of one of two detectors.
const HALF: u64 = PARTITIONS as u64 / 2;

/// A hub with detectors, and one machine that is given the same bins.
struct Pair {
    cluster: Cluster,
    hub: TestMerge,
    one: Detection,
    bins: std::vec::IntoIter<ClosedBin>,
}

impl Pair {
    fn start(servers: usize) -> Self {
        let cluster = Cluster::start(servers, &["tokyo"]);
        let hub = TestMerge::start(&cluster, 1);
        hub.waits_for_the_bucket();
        let one = Detection::new(settings()).unwrap();
        Self { cluster, hub, one, bins: made_up(1, 150).into_iter() }
    }

    fn detector(&self, name: &str) -> TestDetector {
        TestDetector::start(&self.cluster, name, VERSION)
    }

    /// Both close so many bins, and tell the same.
    fn close(&mut self, bins: usize) {
        for (at, bin) in self.bins.by_ref().take(bins).enumerate() {
            assert_eq!(self.hub.close(&bin), told(&self.one.close(&bin)), "bin {at}");
        }
    }

    /// All parts are saved, as they are once an hour.
    fn save(&mut self) {
        assert_eq!(self.hub.team.parts().unwrap().len(), usize::from(PARTITIONS));
    }

    /// What detectors began with from here on until all parts were asked something.
    fn begun_meanwhile(&mut self) -> Beginnings {
        let before = self.hub.team.beginnings();
        self.close(3);
        // Some parts may have had nothing to do in these bins.
        self.save();
        let now = self.hub.team.beginnings();
        Beginnings {
            from_bucket: now.from_bucket - before.from_bucket,
            from_bucket_bytes: now.from_bucket_bytes - before.from_bucket_bytes,
            from_hub: now.from_hub - before.from_hub,
            from_hub_bytes: now.from_hub_bytes - before.from_hub_bytes,
            absent: now.absent - before.absent,
        }
    }

    /// Kills a detector; with what the others go on.
    fn killed(&mut self, detector: TestDetector) -> Beginnings {
        detector.kill();
        self.begun_meanwhile()
    }

    /// The same of one that says that it goes, so that nobody waits for its lease to be over.
    fn gone(&mut self, detector: TestDetector, stays: &str) -> Beginnings {
        detector.stop();
        self.hub.waits_for(&[stays]);
        self.begun_meanwhile()
    }

    fn end(self) {
        assert!(!self.hub.team.is_broken());
    }
}

/// Parts that were begun with from the bucket, from what the hub sent, and that the bucket should have had.
fn counts(begun: Beginnings) -> (u64, u64, u64) {
    (begun.from_bucket, begun.from_hub, begun.absent)
}

/// The bucket, as the owner of these credentials sees it.
async fn bucket(cluster: &Cluster, name: &str) -> kv::Store {
    let context = jetstream::new(thief(cluster, name).await.unwrap());
    context.get_key_value(BUCKET).await.unwrap()
}

/// How many values are in the bucket, and how many were ever put there.
async fn values(cluster: &Cluster) -> (u64, u64) {
    let mut store = bucket(cluster, HUB).await;
    let state = store.stream.info().await.unwrap().state.clone();
    (state.messages, state.last_sequence)
}

#[test]
fn the_successor_of_a_detector_that_is_killed_goes_on_from_the_bucket_and_tells_the_same() {
    let mut pair = Pair::start(3);
    let (one, two) = (pair.detector("one"), pair.detector("two"));
    pair.hub.waits_for(&["one", "two"]);
    pair.close(20);
    // Nothing was saved yet: the bucket is asked for nothing that it cannot have.
    let begun = pair.gone(one, "two");
    assert_eq!(counts(pair.hub.team.beginnings()), (0, 64 + HALF, 0), "a hub sends its own once");
    assert_eq!(counts(begun), (0, HALF, 0));
    let _three = pair.detector("three");
    pair.hub.waits_for(&["three", "two"]);
    assert_eq!(counts(pair.begun_meanwhile()), (HALF, 0, 0), "so it is where parts are only moved");
    pair.close(10);
    let began = Instant::now();
    pair.save();
    println!("{PARTITIONS} parts saved, into the bucket too, in {:?}", began.elapsed());
    pair.close(10);
    let begun = pair.killed(two);
    assert_eq!(counts(begun), (HALF, 0, 0), "what was saved and what came since");
    assert!(begun.from_bucket_bytes > 0 && begun.from_hub_bytes == 0);
    assert_eq!(pair.hub.team.losses(), 1);
    let before = runtime().block_on(values(&pair.cluster));
    pair.close(40);
    let now = runtime().block_on(values(&pair.cluster));
    assert!(now.1 > before.1, "after so many bins the parts save themselves");
    assert_eq!(now.0, u64::from(PARTITIONS), "of each the last one stays");
    let fares = pair.hub.team.roster();
    let told = |name: &str| {
        let found = fares.detectors.iter().find(|fares| fares.name == name)?;
        Some((found.partitions, found.losses, found.lost_because.is_some()))
    };
    assert_eq!(told("three"), Some((64, 0, false)));
    assert_eq!((told("two"), told("one")), (Some((0, 1, true)), None));
    assert_eq!((fares.partitions, fares.here, fares.losses), (64, 0, 1));
    pair.end();
}

#[test]
fn a_bucket_that_was_wiped_overwritten_or_damaged_is_found_out_and_the_hub_sends_its_copy() {
    let mut pair = Pair::start(1);
    let mut gone = pair.detector("d0");
    let mut stays = pair.detector("d1");
    pair.hub.waits_for(&["d0", "d1"]);
    pair.close(10);
    for (at, what) in ["noise", "cut", "older", "another's", "wiped"].into_iter().enumerate() {
        pair.save();
        pair.close(2);
        runtime().block_on(async {
            let store = bucket(&pair.cluster, DETECTOR).await;
            let value = async |partition: u16| {
                store.entry(format!("part.{partition}")).await.unwrap().unwrap().value.to_vec()
            };
            if what == "wiped" {
                bucket(&pair.cluster, HUB).await.stream.purge().await.unwrap();
                return;
            }
            for partition in 0..PARTITIONS {
                let mut changed = match what {
                    "another's" => value((partition + 1) % PARTITIONS).await,
                    _ => value(partition).await,
                };
                match what {
                    "noise" => changed = b"noise".to_vec(),
                    "cut" => changed.truncate(changed.len() - 1),
                    // Byte 12 is of how many things the part had been told.
                    "older" => changed[12] ^= 1,
                    _ => {}
                }
                store.put(format!("part.{partition}"), changed.into()).await.unwrap();
            }
        });
        let left = format!("d{}", at + 1);
        assert_eq!(counts(pair.gone(gone, &left)), (0, HALF, HALF), "{what}");
        let name = format!("d{}", at + 2);
        gone = std::mem::replace(&mut stays, pair.detector(&name));
        pair.hub.waits_for(&[&left, &name]);
        pair.close(2);
    }
    assert_eq!(pair.hub.team.losses(), 0, "nobody is shunned for saying what is so");
    pair.end();
}

#[test]
fn a_snapshot_longer_than_a_message_is_gone_on_with_whole() {
    let cluster = Cluster::start(1, &[]);
    let settings = Settings { memory_megabytes: 64, ..settings() };
    let mut hub = TestMerge::in_parts(&cluster, 1, (settings, 1));
    hub.waits_for_the_bucket();
    let mut one = Detection::new(settings).unwrap();
    let first = TestDetector::start(&cluster, "first", VERSION);
    hub.waits_for(&["first"]);
    let mut random = Random(3);
    let mut bin = |at: i64| {
        let mut gathering = Gathering::default();
        for _ in 0..60_000 {
            gathering.come(Port::tcp(random.below(20) as u16 + 1), random.next() as u32);
        }
        gathering.closed(start(at))
    };
    for at in 0..6 {
        let bin = bin(at);
        assert_eq!(hub.close(&bin), told(&one.close(&bin)), "bin {at}");
    }
    hub.team.parts().unwrap();
    let (pieces, _) = runtime().block_on(values(&cluster));
    assert!(pieces > 1, "one message holds it");
    first.stop();
    let _second = TestDetector::start(&cluster, "second", VERSION);
    hub.waits_for(&["second"]);
    let bin = bin(6);
    assert_eq!(hub.close(&bin), told(&one.close(&bin)));
    assert_eq!(counts(hub.team.beginnings()), (1, 1, 0));
    let begun = hub.team.beginnings();
    assert!(begun.from_bucket_bytes > 900 << 10, "{begun:?}");
    println!("a snapshot of {} bytes in {pieces} pieces", begun.from_bucket_bytes);
}

#[test]
fn a_hub_that_starts_anew_takes_nothing_of_what_another_run_left_in_the_bucket() {
    let mut pair = Pair::start(1);
    let _one = pair.detector("one");
    pair.hub.waits_for(&["one"]);
    pair.close(12);
    pair.save();
    // It goes on with nothing, as after its disk was lost: the bucket has parts that were told more.
    pair.hub = TestMerge::start(&pair.cluster, 2);
    pair.hub.waits_for_the_bucket();
    pair.hub.waits_for(&["one"]);
    pair.one = Detection::new(settings()).unwrap();
    pair.close(12);
    let two = pair.detector("two");
    pair.hub.waits_for(&["one", "two"]);
    pair.close(2);
    pair.save();
    assert_eq!(counts(pair.hub.team.beginnings()), (0, 64 + HALF, 0), "moved before it was saved");
    assert_eq!(counts(pair.gone(two, "one")), (HALF, 0, 0), "from its own from the first save on");
    pair.end();
}

#[test]
fn without_the_bucket_detection_goes_on_and_a_new_one_is_made() {
    let mut pair = Pair::start(1);
    let (one, two) = (pair.detector("one"), pair.detector("two"));
    pair.hub.waits_for(&["one", "two"]);
    pair.close(5);
    runtime().block_on(async {
        let context = jetstream::new(thief(&pair.cluster, HUB).await.unwrap());
        context.delete_key_value(BUCKET).await.unwrap();
    });
    pair.save();
    pair.close(5);
    assert_eq!(
        counts(pair.gone(one, "two")),
        (0, HALF, 0),
        "nothing is sought where nothing was put"
    );
    // The next hub makes it again; so does this one, within a minute.
    pair.hub = TestMerge::start(&pair.cluster, 2);
    pair.hub.waits_for_the_bucket();
    two.stop();
    pair.end();
}

#[test]
fn servers_whose_configuration_lets_no_detector_into_the_bucket_cost_no_sign() {
    let mut pair = Pair::start(1);
    let folder = pair.cluster.fleet.lock().unwrap().server_folders().remove(0);
    let path = folder.join("accounts.conf");
    let mut text = std::fs::read_to_string(&path).unwrap();
    for subject in [
        "$JS.API.STREAM.INFO.KV_KIZASHI_PARTS",
        "$JS.API.STREAM.MSG.GET.KV_KIZASHI_PARTS",
        "$KV.KIZASHI_PARTS.part.>",
    ] {
        assert!(text.contains(subject));
        text = text.replace(&format!(", \"{subject}\""), "");
    }
    std::fs::write(&path, text).unwrap();
    pair.cluster.reload();
    let (one, two) = (pair.detector("one"), pair.detector("two"));
    pair.hub.waits_for(&["one", "two"]);
    pair.close(3);
    let began = Instant::now();
    pair.save();
    assert!(began.elapsed() < Duration::from_secs(40), "no snapshot is waited for by itself");
    pair.close(3);
    assert_eq!(counts(pair.gone(one, "two")), (0, HALF, 0), "nothing is sought there");
    assert_eq!(pair.hub.team.losses(), 0);
    two.stop();
    pair.end();
}

#[test]
fn no_sensor_reaches_the_bucket_and_detectors_can_do_no_more_than_write_and_read_it() {
    let mut pair = Pair::start(1);
    let one = pair.detector("one");
    pair.hub.waits_for(&["one"]);
    pair.close(3);
    pair.save();
    let revisions = async || {
        let store = bucket(&pair.cluster, HUB).await;
        let mut all = Vec::new();
        for partition in 0..PARTITIONS {
            let entry = store.entry(format!("part.{partition}")).await.unwrap().unwrap();
            all.push(entry.revision);
        }
        all
    };
    runtime().block_on(async {
        let before = revisions().await;
        assert_eq!(before.len(), usize::from(PARTITIONS));
        let asked = [
            format!("$JS.API.STREAM.INFO.KV_{BUCKET}"),
            format!("$JS.API.STREAM.MSG.GET.KV_{BUCKET}"),
            format!("$KV.{BUCKET}.part.0"),
            format!("$JS.API.STREAM.PURGE.KV_{BUCKET}"),
            format!("$JS.API.STREAM.DELETE.KV_{BUCKET}"),
            format!("$JS.API.STREAM.UPDATE.KV_{BUCKET}"),
            format!("$JS.API.CONSUMER.CREATE.KV_{BUCKET}"),
        ];
        // The first three are what a detector is let do.
        for (name, from) in [("tokyo", 0), (DETECTOR, 3)] {
            let client = thief(&pair.cluster, name).await.unwrap();
            for subject in &asked[from..] {
                let asking = client.request(subject.clone(), "{}".into());
                let answer = tokio::time::timeout(Duration::from_millis(500), asking).await;
                assert!(!matches!(answer, Ok(Ok(_))), "{name} {subject}: {answer:?}");
            }
        }
        assert_eq!(revisions().await, before, "nothing was put there by a sensor");
    });
    one.stop();
    eventually("it is gone", || pair.hub.holders().contains_key(""));
    pair.end();
}
