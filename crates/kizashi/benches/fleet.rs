//! From sensors to signs: four sensors with full spools, three servers with three replicas, a hub and two detectors, all of them real
//! processes but the sensors, on this machine's cores. How many events a second come from the spools into the hub's store, how long until
//! both waves among them are told as signs, and, at a steady rate behind it, how far the store is behind. The reference in the same run is
//! the same spools taken by a hub that only reads and checks.
//!
//! What the sensors have to tell are the thirteen hours before now, as after a cut: log-ins by 2,000 visitors at each, and newcomers on one
//! port for an hour and on another for half an hour at the end. So each visitor comes some thirty times an hour; were they as many as there are
//! sessions in an hour, which no flood of this rate is, each session would be a row of its own in every count by hour.
//!
//! `cargo bench -p kizashi --bench fleet [-- EVENTS [EVENTS_A_SECOND [VISITORS]]]`. Asserts nothing but that all came and both waves were told.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a measurement that cannot be made ends, loudly"
)]

#[path = "../../kizashi-fleet/benches/flood/mod.rs"]
mod flood;
#[path = "../../kizashi-fleet/tests/servers/harness.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod harness;

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use harness::{Cluster, Folder, RunningHub, Sensor, event, now};
use kizashi_event::{Detail, Event, Port, Timestamp};
use kizashi_fleet::hub::Keeper;
use kizashi_fleet::{DETECTOR, HUB};
use kizashi_store::{Reader, Store};

const SENSORS: [&str; 4] = ["a", "b", "c", "d"];
const BIN: i64 = 600 * Timestamp::SECOND;
/// Ten minutes that are told of.
const BINS: u64 = 78;
/// The first ten minutes of each wave, and its port.
const WAVES: [(u64, u16); 2] = [(66, 2323), (75, 5555)];
/// Of so many events in a wave's ten minutes one is its.
const ONE_OF: u64 = 40;
/// Bytes of a spool: none is full before all is told.
const SPOOL: u64 = 8 << 30;
/// Events that a sensor's core commits at once.
const AT_ONCE: u64 = 2_000;
/// Between two handfuls of events at a steady rate, and how long that lasts.
const TICK: Duration = Duration::from_millis(100);
const STEADY: Duration = Duration::from_secs(20);

/// Who logs in, at all sensors.
static VISITORS: AtomicU32 = AtomicU32::new(0);

fn main() {
    let mut asked = std::env::args().skip(1).filter_map(|it| it.parse().ok());
    let events: u64 = asked.next().unwrap_or(3_000_000);
    let steady: u64 = asked.next().unwrap_or(75_000);
    let visitors = asked.next().and_then(|it| u32::try_from(it).ok()).unwrap_or(2_000);
    VISITORS.store(visitors, Ordering::Relaxed);
    let checked = checked(events);
    println!("to a hub that reads and checks: {checked:.0} events a second (the reference)");
    let folder = Folder::new("data");
    let cluster = Cluster::start(3, &SENSORS);
    let mut sensors = full(events);
    was_away(&folder.0);
    let processes = Processes::start(&cluster, &folder.0);
    let reader = Reader::open(&folder.0).unwrap();
    let began = Instant::now();
    connect(&mut sensors, &cluster);
    let until = |what: &str, is_so: &dyn Fn() -> bool| {
        patiently(what, is_so);
        began.elapsed().as_secs_f64()
    };
    let stored = until("all events", &|| count(&reader) >= events);
    let told = until("the signs", &|| WAVES.iter().all(|(_, port)| is_told(&reader, *port)));
    let rate = |seconds: f64| events as f64 / seconds;
    println!(
        "into the store: {:.0} events a second, {:.2} of the reference; to the last sign: {:.0} ({:.2} s behind the last event)",
        rate(stored),
        rate(stored) / checked,
        rate(told),
        told - stored
    );
    println!("resident: hub {}, {}", processes.resident(0), processes.resident(1));
    behind(&sensors, &reader, steady);
    drop((sensors, processes));
}

/// Sensors whose spools hold what they have to tell.
fn full(events: u64) -> Vec<Sensor> {
    let first = now().floor_to(BIN).plus(-(BINS as i64 + 1) * BIN);
    let each = events / SENSORS.len() as u64;
    std::thread::scope(|scope| {
        let fill = |name: &'static str| {
            let sensor = Sensor::unconnected(name, Folder::new("spool"), SPOOL);
            for from in (0..each).step_by(AT_ONCE as usize) {
                let numbers = from..(from + AT_ONCE).min(each);
                sensor.keep(numbers.map(|number| seen(name, (number, each), first)).collect());
            }
            sensor
        };
        SENSORS.map(|name| scope.spawn(move || fill(name))).map(|it| it.join().unwrap()).into()
    })
}

fn connect(sensors: &mut [Sensor], cluster: &Cluster) {
    for (sensor, name) in sensors.iter_mut().zip(SENSORS) {
        sensor.connect(cluster.credentials(name), now);
    }
}

/// One event of all that a sensor has to tell.
fn seen(sensor: &str, (number, of): (u64, u64), first: Timestamp) -> Event {
    let micros = u128::from(number) * (BINS as i64 * BIN) as u128 / u128::from(of);
    let time = first.plus(i64::try_from(micros).unwrap());
    let bin = number * BINS / of;
    let wave = WAVES.iter().rev().find(|(from, _)| bin >= *from && number.is_multiple_of(ONE_OF));
    if let Some((_, port)) = wave {
        let newcomer = u32::try_from(number / ONE_OF).unwrap() + 0x2d00_0000;
        return Event {
            source: Ipv4Addr::from(newcomer).into(),
            port: Port::tcp(*port),
            ..event(sensor, own(sensor, number), time, Detail::Connect)
        };
    }
    log_in(sensor, number, time)
}

/// One event of the flood.
fn log_in(sensor: &str, number: u64, time: Timestamp) -> Event {
    let detail = flood::told(number);
    let visitors = u64::from(VISITORS.load(Ordering::Relaxed));
    let visitor = u32::try_from(number / 4 % visitors).unwrap() + 0x0b00_0000;
    Event {
        source: Ipv4Addr::from(visitor).into(),
        ..event(sensor, own(sensor, number), time, detail)
    }
}

/// A number that no other sensor gives an event.
fn own(sensor: &str, number: u64) -> u64 {
    u64::from(sensor.as_bytes()[0]) << 48 | number
}

/// Counts what was checked.
struct Counter(AtomicU64);

impl Keeper for Counter {
    fn keep(&self, events: &[Event], _named: &[(String, Vec<u8>)]) -> Result<(), String> {
        self.0.fetch_add(events.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn named(&self, _name: &str) -> Option<Vec<u8>> {
        None
    }
}

/// Events a second from full spools to decoded and checked events.
fn checked(events: u64) -> f64 {
    let cluster = Cluster::start(3, &SENSORS);
    let counter = Arc::new(Counter(AtomicU64::new(0)));
    let hub = RunningHub::start(&cluster, Arc::clone(&counter) as Arc<dyn Keeper>);
    let mut sensors = full(events);
    let began = Instant::now();
    connect(&mut sensors, &cluster);
    patiently("all events", &|| counter.0.load(Ordering::Relaxed) >= events);
    let seconds = began.elapsed().as_secs_f64();
    drop((sensors, hub));
    events as f64 / seconds
}

/// Waits as long as the slowest machine takes for the longest run.
fn patiently(what: &str, is_so: &dyn Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(600);
    while !is_so() {
        assert!(Instant::now() < until, "{what} did not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn count(reader: &Reader) -> u64 {
    reader.overview().unwrap().events
}

fn is_told(reader: &Reader, port: u16) -> bool {
    let place = format!("\"tcp/{port}\"");
    reader.signs(1_000).unwrap().iter().any(|sign| sign.json.contains(&place))
}

/// The data of a hub that was away: it knows the sensors, and closes no time before they told what they saw meanwhile.
fn was_away(data: &Path) {
    let store = Store::open(data, kizashi_store::Settings::default()).unwrap();
    let heard = now().micros() - Timestamp::HOUR;
    let known = SENSORS.map(|name| serde_json::json!({ "name": name, "heard": heard }));
    let known = serde_json::to_vec(&known).unwrap();
    store.save(Vec::new(), vec![("fleet/conditions".to_owned(), known)]).unwrap();
}

/// The hub, with its core's process, and two detectors.
struct Processes(Vec<Child>);

impl Processes {
    fn start(cluster: &Cluster, data: &Path) -> Self {
        let credentials = |name: &str| cluster.fleet.lock().unwrap().credentials(name);
        let folder: PathBuf = credentials(HUB).ancestors().nth(3).unwrap().to_owned();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "[capture]\nenabled = false\n[dashboard]\naddress = \"127.0.0.1:{port}\"\n[fleet]\ndetectors = true\n"
        );
        std::fs::write(folder.join("hub.toml"), config).unwrap();
        let mut processes = Self(Vec::new());
        let hub = Command::new(env!("CARGO_BIN_EXE_kizashi"))
            .current_dir(&folder)
            .args(["hub", "--config", "hub.toml", "--credentials"])
            .arg(credentials(HUB))
            .arg("--data")
            .arg(data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        processes.add(hub);
        for name in ["one", "two"] {
            let detector = Command::new(env!("CARGO_BIN_EXE_kizashi"))
                .current_dir(&folder)
                .args(["detector", "--name", name, "--credentials"])
                .arg(credentials(DETECTOR))
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            processes.add(detector);
        }
        patiently("detection is divided", &|| {
            let status = Command::new(env!("CARGO_BIN_EXE_kizashi"))
                .args(["fleet", "status", "--data"])
                .arg(data)
                .output()
                .unwrap();
            String::from_utf8_lossy(&status.stdout).contains("two 32 of 64")
        });
        processes
    }

    /// Waits until it says that it is ready.
    fn add(&mut self, mut child: Child) {
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.map_while(Result::ok).any(|line| line == "ready"), "it did not come up");
        self.0.push(child);
    }

    /// What a process and its children hold, and a detector.
    fn resident(&self, at: usize) -> String {
        let of = |id: u32| {
            let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
            line.split_whitespace().next().and_then(|it| it.parse::<f64>().ok()).unwrap_or(0.0)
        };
        let parent = self.0[at].id();
        let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
        let children: Vec<u32> =
            children.unwrap_or_default().split(' ').filter_map(|id| id.parse().ok()).collect();
        let all: f64 = std::iter::once(parent).chain(children).map(of).sum();
        format!("{:.0} MB at most{}", all / 1e3, if at > 0 { " a detector" } else { "" })
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let id = child.id().to_string();
            let _ = Command::new("kill").args(["-TERM", &id]).status();
        }
        for child in &mut self.0 {
            let _ = child.wait();
        }
    }
}

/// How long an event takes from its sensor's spool into the hub's store while so many come a second.
fn behind(sensors: &[Sensor], reader: &Reader, a_second: u64) {
    let chunk = a_second * TICK.as_millis() as u64 / 1_000 / SENSORS.len() as u64;
    let before = count(reader);
    let began = Instant::now();
    let (sent, arrived) = std::thread::scope(|scope| {
        let sending = scope.spawn(move || {
            let ticks = (STEADY.as_millis() / TICK.as_millis()) as u64;
            let tick = |tick: u64| {
                let due = began + TICK * u32::try_from(tick).unwrap();
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                for (sensor, name) in sensors.iter().zip(SENSORS) {
                    let numbers = tick * chunk..(tick + 1) * chunk;
                    let time = now();
                    // Numbers that none of the others has.
                    let fresh = numbers.map(|number| log_in(name, (1 << 40) + number, time));
                    sensor.keep(fresh.collect());
                }
                (began.elapsed(), (tick + 1) * chunk * SENSORS.len() as u64)
            };
            (0..ticks).map(tick).collect::<Vec<_>>()
        });
        let mut arrived = Vec::new();
        while !sending.is_finished() {
            arrived.push((began.elapsed(), count(reader) - before));
            std::thread::sleep(Duration::from_millis(10));
        }
        let sent = sending.join().unwrap();
        let all = sent.last().unwrap().1;
        while arrived.last().is_none_or(|(_, count)| *count < all) {
            arrived.push((began.elapsed(), count(reader) - before));
            std::thread::sleep(Duration::from_millis(10));
        }
        (sent, arrived)
    });
    // Each tick's events were there when as many had arrived.
    let lag = |(at, wanted): &(Duration, u64)| {
        let there = arrived.iter().find(|(_, count)| count >= wanted).unwrap();
        there.0.saturating_sub(*at)
    };
    let mut lags: Vec<Duration> = sent.iter().map(lag).collect();
    lags.sort_unstable();
    let (last, all) = *sent.last().unwrap();
    println!(
        "at {:.0} events a second for {} s: {:.2} s behind (median), {:.2} s at most",
        all as f64 / last.as_secs_f64(),
        STEADY.as_secs(),
        lags[lags.len() / 2].as_secs_f64(),
        lags.last().unwrap().as_secs_f64()
    );
}
