//! What it costs to know where visitors are: look-ups a second, memory, and processor time an event in the store with countries over
//! without, in one run and taking turns. The events are log-ins of visitors from all over the address space, each ten times: every
//! country and 50,000 networks come.
//!
//! `cargo bench -p kizashi-store --bench places [-- MMDB]`: an owner's table of networks or countries is measured too. Asserts nothing.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a program that measures"
)]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use kizashi_event::{Detail, Event, EventId, Port, Service, SessionId, Timestamp};
use kizashi_store::{Mode, Places, Settings, Store};

/// Visitors, and what each does.
const VISITORS: u32 = 50_000;
const EVENTS_EACH: u32 = 10;
/// Turns of each way.
const TURNS: usize = 5;
const LOOK_UPS: u32 = 10_000_000;

fn main() {
    let before = resident();
    let began = Instant::now();
    let built_in = Places::built_in();
    black_box(built_in.country(Ipv4Addr::new(133, 11, 0, 1).into()));
    println!(
        "built-in countries: read in {:.0} ms, {:.1} MB held, resident {:.1} MB more",
        began.elapsed().as_secs_f64() * 1e3,
        built_in.bytes() as f64 / 1e6,
        (resident() - before) / 1e6
    );
    let four = |number| Ipv4Addr::from_bits(scattered(number)).into();
    look_ups("IPv4", four, |address| built_in.country(address).is_some());
    look_ups("scanners", four, |address| built_in.scanner(address).is_some());
    let six = |number| {
        // 2a00::/12, which is RIPE's.
        let upper = u64::from(0x2a00_0000 + scattered(number) % 0x10_0000) << 32;
        Ipv6Addr::from_bits(u128::from(upper) << 64).into()
    };
    look_ups("IPv6", six, |address| built_in.country(address).is_some());
    // A table in which two networks have a country stands for none.
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/places");
    let none = Arc::new(Places::open(Some(&seeds.join("countries.mmdb")), None).unwrap());
    compare("countries over none", &none, &built_in);
    if let Some(path) = std::env::args().skip(1).find(|word| word.ends_with(".mmdb")) {
        let (before, began) = (resident(), Instant::now());
        let path_of = Path::new(&path);
        let own = Places::open(None, Some(path_of)).or_else(|_| Places::open(Some(path_of), None));
        let own = Arc::new(own.unwrap());
        println!(
            "{path}: read in {:.0} ms, {:.1} MB held in all, resident {:.1} MB more",
            began.elapsed().as_secs_f64() * 1e3,
            own.bytes() as f64 / 1e6,
            (resident() - before) / 1e6
        );
        compare("countries with it over none", &none, &own);
    }
}

fn look_ups(what: &str, address: impl Fn(u32) -> IpAddr, knows: impl Fn(IpAddr) -> bool) {
    let began = processor_seconds();
    let found = (0..LOOK_UPS).filter(|number| knows(address(*number))).count();
    let took = processor_seconds() - began;
    let (millions, share) = (f64::from(LOOK_UPS) / 1e6 / took, found as f64 / f64::from(LOOK_UPS));
    println!("{what}: {millions:.1} million look-ups a second of processor time, {share:.2} found");
}

fn compare(what: &str, without: &Arc<Places>, with: &Arc<Places>) {
    let mut ratios: Vec<(f64, f64, f64)> = (0..TURNS)
        .map(|_| (store(without), store(with)))
        .map(|(without, with)| (with / without, without, with))
        .collect();
    ratios.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (ratio, without, with) = ratios[TURNS / 2];
    println!(
        "{what}: {ratio:.3} times the processor time an event ({:.3} to {:.3}), {with:.2} against {without:.2} µs",
        ratios[0].0,
        ratios[TURNS - 1].0
    );
}

/// Microseconds of processor time an event.
fn store(places: &Arc<Places>) -> f64 {
    let folder = std::env::temp_dir().join(format!("kizashi-bench-places-{}", std::process::id()));
    let settings =
        Settings { mode: Mode::Historic, places: Arc::clone(places), ..Settings::default() };
    let store = Store::open(&folder, settings).unwrap();
    let batches: Vec<Vec<Event>> = (0..VISITORS * EVENTS_EACH)
        .map(event)
        .collect::<Vec<_>>()
        .chunks(4_096)
        .map(<[Event]>::to_vec)
        .collect();
    let began = processor_seconds();
    batches.into_iter().for_each(|batch| store.write(batch).unwrap());
    store.flush().unwrap();
    let took = processor_seconds() - began;
    drop(store);
    std::fs::remove_dir_all(&folder).unwrap();
    took * 1e6 / f64::from(VISITORS * EVENTS_EACH)
}

fn event(number: u32) -> Event {
    let start = Timestamp::parse("2026-03-01T00:00:00Z").unwrap();
    let visitor = number / EVENTS_EACH;
    Event {
        time: start.plus(i64::from(number) * 4 * Timestamp::SECOND),
        id: EventId(u64::from(number)),
        sensor: "bench".into(),
        session: Some(SessionId(u64::from(visitor))),
        source: Ipv4Addr::from_bits(scattered(visitor) % 0xdf00_0000).into(),
        source_port: 40_000,
        destination: None,
        port: Port::tcp(22),
        service: Service::known("ssh"),
        detail: Detail::Login {
            username: Some(["root", "admin", "pi"][number as usize % 3].into()),
            password: Some(format!("password{}", number % 500).as_str().into()),
            public_key: None,
            accepted: false,
        },
    }
}

/// Numbers far apart for numbers that follow each other (Knuth's multiplicative hash).
const fn scattered(number: u32) -> u32 {
    number.wrapping_mul(2_654_435_761)
}

/// Seconds of processor time of all threads, in hundredths (`man 5 proc`).
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit(") ").next().unwrap().split(' ');
    fields.skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
}

/// Bytes of resident memory.
fn resident() -> f64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<f64>().unwrap() * 4_096.0
}
