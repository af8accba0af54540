//! Events a second from sensors through three replicas on loopback to the hub, decoded and checked, and with the store behind; and what each
//! step costs by itself; and how far the store is behind at steady rates. Everything, the three servers included, shares this machine's cores.
//!
//! `cargo bench -p kizashi-fleet --bench stream [-- EVENTS]`

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a program for developers"
)]

mod flood;
#[path = "../tests/servers/harness.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod harness;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use harness::{Cluster, Folder, Sensor, event, now};
use kizashi_event::Event;
use kizashi_fleet::hub::{Conditions, Hub, Keeper, believe};
use kizashi_fleet::record::{Body, Gatherer, Place, entry_of, read};
use kizashi_fleet::{HUB, SensorName};
use kizashi_store::{Inlet, Mode, Settings, Store};
use tokio::sync::Notify;

const SENSORS: [&str; 4] = ["a", "b", "c", "d"];
/// Events that a sensor's core commits at once: what its traps tell in a tenth of a second.
const AT_ONCE: u64 = 2_000;
/// Between two handfuls of events while lag is measured.
const TICK: Duration = Duration::from_millis(100);

/// One event of the flood.
fn seen(sensor: &str, number: u64) -> Event {
    let detail = flood::told(number);
    let source = u32::try_from(number / 4 % 50_000).unwrap() + 0x0b00_0000;
    Event {
        source: std::net::Ipv4Addr::from(source).into(),
        ..event(sensor, number, now(), detail)
    }
}

/// Counts, and keeps in a store where there is one.
struct Counter {
    count: AtomicU64,
    store: Option<Inlet>,
}

impl Keeper for Counter {
    fn keep(&self, events: &[Event], named: &[(String, Vec<u8>)]) -> Result<(), String> {
        if let Some(store) = &self.store {
            store.commit(events.to_vec()).map_err(|error| error.to_string())?;
            store.save(Vec::new(), named.to_vec()).map_err(|error| error.to_string())?;
        }
        self.count.fetch_add(events.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn named(&self, _name: &str) -> Option<Vec<u8>> {
        None
    }
}

fn main() {
    let asked = std::env::args().skip(1).find_map(|it| it.parse().ok());
    let events: u64 = asked.unwrap_or(400_000);
    steps(events.min(200_000));
    through("to decoded and checked events", events, None);
    let folder = Folder::new("store");
    let settings = Settings { mode: Mode::Live, clock: Arc::new(now), ..Settings::default() };
    let store = Store::open(&folder.0, settings).unwrap();
    through("and into the store", events, Some(store.inlet()));
    for a_second in [10_000, 20_000, 40_000, 75_000] {
        let folder = Folder::new("store");
        let settings = Settings { mode: Mode::Live, clock: Arc::new(now), ..Settings::default() };
        let store = Store::open(&folder.0, settings).unwrap();
        lag(a_second, 10, store.inlet());
    }
}

fn steps(events: u64) {
    let all: Vec<Event> = (0..events).map(|number| seen("a", number)).collect();
    let began = Instant::now();
    let (mut records, mut gatherer) = (Vec::new(), Gatherer::default());
    let mut place = Place { epoch: 1, number: 1 };
    for event in all {
        let (entry, _) = entry_of(event).unwrap();
        if !gatherer.has_room(&entry) {
            records.extend(gatherer.take(place));
            place.number += 1;
        }
        gatherer.add(&entry);
    }
    records.extend(gatherer.take(place));
    let packed = began.elapsed();
    let bytes: usize = records.iter().map(Vec::len).sum();
    let began = Instant::now();
    let name = SensorName::parse("a").unwrap();
    let mut believed = 0;
    for record in &records {
        let Body::Events(travelled) = read(record).unwrap().body else { continue };
        let whole = travelled.into_iter().map(|it| it.event).collect();
        believed += believe(&name, whole, now(), 0).unwrap().len();
    }
    let read = began.elapsed();
    assert_eq!(believed as u64, events);
    let each = |time: Duration| time.as_nanos() as f64 / events as f64 / 1_000.0;
    println!(
        "packed: {:.2} µs an event, {:.1} bytes; unpacked, read and checked: {:.2} µs an event (one core)",
        each(packed),
        bytes as f64 / events as f64,
        each(read)
    );
}

/// Sensors, servers and a hub, connected.
struct Fleet {
    cluster: Cluster,
    sensors: [Sensor; SENSORS.len()],
    counter: Arc<Counter>,
    stopping: Arc<Notify>,
    hub: std::thread::JoinHandle<()>,
}

impl Fleet {
    fn start(store: Option<Inlet>) -> Self {
        let cluster = Cluster::start(3, &SENSORS);
        let counter = Arc::new(Counter { count: AtomicU64::new(0), store });
        let stopping = Arc::<Notify>::default();
        let hub = Hub {
            keeper: Arc::clone(&counter) as Arc<dyn Keeper>,
            conditions: Arc::new(Conditions::new(now())),
            clock: now,
        };
        let (credentials, told) = (cluster.credentials(HUB), Arc::clone(&stopping));
        let hub = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(hub.run(&credentials, told.notified())).unwrap();
        });
        let sensors = SENSORS.map(|name| Sensor::start(&cluster, name));
        // All are connected and the stream is there.
        sensors.iter().for_each(|sensor| sensor.see(0..1));
        let fleet = Self { cluster, sensors, counter, stopping, hub };
        harness::eventually("the first events", || fleet.kept() == 0);
        fleet
    }

    /// Events that came to the hub, without the first ones.
    fn kept(&self) -> i64 {
        self.counter.count.load(Ordering::Relaxed) as i64 - SENSORS.len() as i64
    }

    fn end(self) {
        drop(self.sensors);
        self.stopping.notify_one();
        self.hub.join().unwrap();
        drop(self.cluster);
    }
}

fn through(what: &str, events: u64, store: Option<Inlet>) {
    let fleet = Fleet::start(store);
    let each = events / SENSORS.len() as u64;
    let began = Instant::now();
    std::thread::scope(|scope| {
        for (sensor, name) in fleet.sensors.iter().zip(SENSORS) {
            scope.spawn(move || {
                for from in (0..each).step_by(usize::try_from(AT_ONCE).unwrap()) {
                    let numbers = from + 1..(from + AT_ONCE).min(each) + 1;
                    sensor.keep(numbers.map(|number| seen(name, number)).collect());
                }
            });
        }
    });
    let kept = began.elapsed();
    let all = each * SENSORS.len() as u64;
    harness::eventually("all events", || fleet.kept() >= all as i64);
    let whole = began.elapsed();
    let rate = |time: Duration| all as f64 / time.as_secs_f64();
    println!(
        "{what}: {:.0} events a second from {} sensors, three replicas (into the spools {:.0})",
        rate(whole),
        SENSORS.len(),
        rate(kept)
    );
    fleet.end();
}

/// How long an event takes from its sensor's spool into the hub's store while so many come a second.
fn lag(a_second: u64, seconds: u64, store: Inlet) {
    let fleet = Fleet::start(Some(store));
    let chunk = a_second * u64::try_from(TICK.as_millis()).unwrap() / 1_000 / SENSORS.len() as u64;
    let over = AtomicBool::new(false);
    let (mut sent, mut arrived) = (Vec::new(), Vec::new());
    let began = Instant::now();
    std::thread::scope(|scope| {
        let (fleet, over) = (&fleet, &over);
        let sending = scope.spawn(move || {
            let mut sent = Vec::new();
            for tick in 0..seconds * 1_000 / u64::try_from(TICK.as_millis()).unwrap() {
                let due = began + TICK * u32::try_from(tick).unwrap();
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                for (sensor, name) in fleet.sensors.iter().zip(SENSORS) {
                    let numbers = tick * chunk + 1..(tick + 1) * chunk + 1;
                    sensor.keep(numbers.map(|number| seen(name, number)).collect());
                }
                sent.push((began.elapsed(), ((tick + 1) * chunk) as i64 * SENSORS.len() as i64));
            }
            sent
        });
        let watching = scope.spawn(move || {
            let mut arrived = Vec::new();
            while !over.load(Ordering::Relaxed) {
                arrived.push((began.elapsed(), fleet.kept()));
                std::thread::sleep(Duration::from_millis(5));
            }
            arrived
        });
        sent = sending.join().unwrap();
        let all = sent.last().unwrap().1;
        harness::eventually("all events", || fleet.kept() >= all);
        std::thread::sleep(Duration::from_millis(20));
        over.store(true, Ordering::Relaxed);
        arrived = watching.join().unwrap();
    });
    // Each tick's events were there when as many had arrived.
    let mut lags: Vec<Duration> = sent
        .iter()
        .filter_map(|(at, count)| {
            let there = arrived.iter().find(|(_, kept)| kept >= count)?;
            Some(there.0.saturating_sub(*at))
        })
        .collect();
    lags.sort_unstable();
    let (last, count) = *sent.last().unwrap();
    println!(
        "lag at {:.0} events a second for {seconds} s, from spools into the store: median {:.2} s, longest {:.2} s",
        count as f64 / last.as_secs_f64(),
        lags[lags.len() / 2].as_secs_f64(),
        lags.last().unwrap().as_secs_f64()
    );
    fleet.end();
}
