//! Ten million made-up events in a store, a whole Kizashi over it, and how long every answer of its dashboard takes: each address of the API over
//! loopback, then each view in Chromium, from the step to it until nothing is being read any more. Prints both tables with what is above the bound;
//! asserts nothing.
//!
//! `cargo bench -p kizashi --bench page [-- EVENTS]`: some minutes and about 2 GB of disk. `KIZASHI_PAGE_STORE=FOLDER` keeps the store there and uses it
//! again. The views need `npm ci` in crates/kizashi-web/browser-tests and /usr/bin/chromium; without them that table is left out, and said so.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    reason = "a measurement that cannot be made ends, loudly"
)]

#[allow(dead_code, unused_imports)]
#[path = "../src/demo/mod.rs"]
mod demo;
mod up;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kizashi_event::{Event, Timestamp};
use kizashi_store::{Retention, Settings, Store};
use up::Up;

/// How often each is asked.
const RUNS: usize = 7;
/// What an answer may take.
const BOUND: Duration = Duration::from_millis(200);
/// As many as it takes to let no raw event go: the traffic comes from over a million sources.
const MOST_KEYS: u64 = 500_000;
/// An answer is waited for so long.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() {
    let wanted = std::env::args().filter_map(|word| word.parse::<usize>().ok()).next();
    let wanted = wanted.unwrap_or(10_000_000);
    let kept = std::env::var_os("KIZASHI_PAGE_STORE").map(PathBuf::from);
    let data = kept.clone().unwrap_or_else(|| {
        std::env::temp_dir().join(format!("kizashi-page-{}", std::process::id()))
    });
    if data.join("kizashi.db").exists() {
        println!("the store in {} is used as it is", data.display());
    } else {
        build(&data, wanted);
    }
    let began = Instant::now();
    let quiet = format!(
        "ssh = \"\"\nelasticsearch = \"\"\n[retention]\nmost_megabytes = 16384\nmost_keys = {MOST_KEYS}\n"
    );
    let mut up = Up::start_over("page", &["--data", &data.display().to_string()], &quiet);
    println!("{:<60} {:>8.1} s", "from its start until it serves", began.elapsed().as_secs_f64());
    let page = Page::of(&up.link);
    ask_all(&page);
    look_at_all(&up.link);
    up.stop();
    if kept.is_none() {
        let _ = std::fs::remove_dir_all(&data);
    }
}

fn build(folder: &Path, wanted: usize) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let end = Timestamp::from_micros(i64::try_from(now.as_micros()).unwrap());
    let mut settings = demo::Settings::month(1, end.plus(-31 * Timestamp::DAY));
    // A month of the demo at its own scale is 351,600 events.
    settings.scale = (wanted as f64 / 350_000.0).max(0.01);
    let retention =
        Retention { most_bytes: 16 << 30, most_keys: MOST_KEYS, ..Retention::default() };
    let clock = Arc::new(move || end);
    let store = Store::open(folder, Settings { clock, retention, ..Settings::default() }).unwrap();
    let mut traffic = demo::Traffic::new(settings);
    let (began, mut written) = (Instant::now(), 0);
    loop {
        let batch: Vec<Event> = traffic.by_ref().take(4_096).collect();
        if batch.is_empty() {
            break;
        }
        written += batch.len();
        store.write(batch).unwrap();
    }
    store.flush().unwrap();
    store.close_bins(end).unwrap();
    store.maintain(end).unwrap();
    println!("{written} events written in {:.0} s", began.elapsed().as_secs_f64());
}

/// The dashboard's address and token.
struct Page {
    address: String,
    token: String,
}

impl Page {
    fn of(link: &str) -> Self {
        let rest = link.strip_prefix("http://").unwrap();
        let (address, token) = rest.split_once("/?token=").unwrap();
        Self { address: address.to_owned(), token: token.to_owned() }
    }

    /// One answer: how long it took, its status, its body.
    fn ask(&self, path: &str) -> (Duration, u16, String) {
        let began = Instant::now();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (address, token) = (&self.address, &self.token);
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let took = began.elapsed();
        let text = String::from_utf8_lossy(&answer);
        let status = text.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned();
        (took, status, body)
    }

    fn json(&self, path: &str) -> serde_json::Value {
        serde_json::from_str(&self.ask(path).2).unwrap_or_default()
    }

    /// The key of the row at this place of a ranking, as a path takes it.
    fn key(&self, kind: &str, place: usize) -> String {
        let rows = self.json(&format!("/api/v1/top?kind={kind}&limit={}", place + 1));
        encoded(rows["rows"][place]["key"].as_str().unwrap_or_default())
    }
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// Addresses that ask of nothing in particular.
const PLAIN: [&str; 24] = [
    "status",
    "day?limit=6",
    "top?kind=ports&limit=500",
    "signs?limit=100",
    "events?limit=200",
    "sessions?limit=200",
    "sessions?command=busybox&limit=200",
    "lists",
    "captured?limit=100",
    "health",
    "settings",
    "channels",
    "sensors",
    "openapi.json",
    "search?q=port%3A445",
    "search?q=root",
    "search?q=never-there",
    "search?q=busybox",
    "search?q=country%3ACN%20port%3A23",
    "search?q=user%3Aroot%20password%3A123456",
    "complete?q=ro",
    "complete?q=password%3A1",
    "complete?q=country%3Aj",
    "series?key=tcp/445&bin=1d",
];

/// Kinds that the page ranks.
const KINDS: [&str; 18] = [
    "countries",
    "networks",
    "scanners",
    "clients",
    "fingerprints",
    "users",
    "passwords",
    "pairs",
    "services",
    "signatures",
    "request-classes",
    "commands",
    "command-families",
    "paths",
    "path-families",
    "payload-clusters",
    "sources",
    "ports",
];

/// Every address, with what a person makes the page ask of it.
fn addresses(page: &Page) -> Vec<String> {
    let status = page.json("/api/v1/status");
    let last = status["store"]["last"].as_str().and_then(|it| Timestamp::parse(it).ok()).unwrap();
    let since = |days: i64| encoded(&last.plus(-days * Timestamp::DAY).rfc3339());
    let mut all: Vec<String> = PLAIN.map(str::to_owned).into();
    for kind in KINDS {
        all.push(format!("ranking?kind={kind}&limit=60"));
        for days in [1, 7, 30] {
            all.push(format!("ranking?kind={kind}&limit=60&since={}", since(days)));
        }
    }
    all.push("ranking?kind=passwords&offset=4900&limit=50".to_owned());
    all.extend(["os", "scanner"].map(|of| format!("ranking?kind=fingerprints&of={of}&limit=10")));
    for key in keys(page) {
        all.push(format!("key?key={key}"));
        all.push(format!("series?key={key}&bin=12h&since={}", since(135)));
    }
    all.push(format!("series?key=tcp/445&bin=10m&since={}", since(8)));
    all.push(format!("series?key=tcp/445&bin=1h&since={}", since(30)));
    all.push(format!("series?key=total&bin=1h&since={}", since(30)));
    all.extend(of_single_things(page));
    all.into_iter().map(|path| format!("/api/v1/{path}")).chain(["/metrics".to_owned()]).collect()
}

/// Keys as the API takes them: frequent ones of each kind, and a rare one.
fn keys(page: &Page) -> Vec<String> {
    let of = |kind: &str, plural: &str, place| format!("{kind}%3A{}", page.key(plural, place));
    vec![
        "tcp/445".to_owned(),
        of("user", "users", 0),
        of("user", "users", 400),
        of("password", "passwords", 0),
        of("source", "sources", 0),
        of("command", "commands", 0),
        of("pair", "pairs", 0),
        "country%3ACN".to_owned(),
    ]
}

/// A sign, a session, a sensor, content: the first of each that there is.
fn of_single_things(page: &Page) -> Vec<String> {
    let first = |path: &str, list: &str, name: &str| {
        page.json(&format!("/api/v1/{path}"))[list][0][name].as_str().map(encoded)
    };
    let mut all = Vec::new();
    let sensor = first("sensors", "sensors", "name");
    all.extend(sensor.map(|name| format!("sensors/ports?sensor={name}")));
    let sign = first("signs?limit=1", "signs", "id");
    all.extend(sign.map(|id| format!("signs/{id}?lang=ja")));
    let session = first("sessions?limit=1", "sessions", "session");
    all.extend(session.map(|id| format!("sessions/{id}")));
    if let Some(hash) = first("captured?limit=1", "captured", "sha256") {
        all.push(format!("payloads/{hash}"));
        all.push(format!("payloads/{hash}/find?q=a"));
    }
    all
}

fn ask_all(page: &Page) {
    let mut told: Vec<(Duration, Duration, u16, String)> = Vec::new();
    for path in addresses(page) {
        let mut times = Vec::new();
        let mut status = 0;
        for _ in 0..RUNS {
            let (took, answered, _) = page.ask(&path);
            times.push(took);
            status = answered;
        }
        times.sort_unstable();
        told.push((times[RUNS / 2], times[RUNS - 1], status, path));
    }
    told.sort_by_key(|row| std::cmp::Reverse(row.0));
    println!("\n{:<72} {:>7} {:>10} {:>9}", "address", "status", "median ms", "worst ms");
    for (median, worst, status, path) in &told {
        let shown: String = path.chars().take(72).collect();
        let mark = if *median > BOUND { "  above" } else { "" };
        println!("{shown:<72} {status:>7} {:>10.1} {:>9.1}{mark}", ms(*median), ms(*worst));
    }
    let above = told.iter().filter(|row| row.0 > BOUND).count();
    println!("{} addresses, {above} with a median above {} ms", told.len(), BOUND.as_millis());
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// The views, by a browser.
fn look_at_all(link: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kizashi-web/browser-tests");
    if !folder.join("node_modules").exists() {
        println!("\nno view is measured: call `npm ci` in {} first", folder.display());
        return;
    }
    let status = Command::new("node")
        .arg("measure.mjs")
        .current_dir(&folder)
        .env("KIZASHI_URL", link)
        .status();
    if !status.is_ok_and(|status| status.success()) {
        println!("\nthe views could not be measured: is there node, and /usr/bin/chromium?");
    }
}
