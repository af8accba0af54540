//! What two processes and a sandbox cost, over loopback: memory at rest, connections a second with the sandbox and without (turn
//! about, in the same run), connections refused during renewals, and what is lost when processes are killed at random.
//!
//! `cargo bench -p kizashi --bench processes [-- MINUTES_OF_KILLING] [PART…]`; without a number half a minute, without a part (`memory
//! renewals killing sandbox`) all.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::panic,
    reason = "a measurement that cannot be made ends, loudly"
)]

mod up;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use up::{Up, kilobytes, mega};

/// Every visit is looked for in the store afterwards: none may be told by its number alone.
const ALL_TOLD: &str = "events_per_second = 1000000\nevents_per_second_per_source = 1000000";
/// Pairs of rounds; the median of their ratios counts.
const ROUNDS: usize = 120;
/// Length of a round.
const ROUND: Duration = Duration::from_millis(300);
/// Clients at once, each with one connection after the other.
const CLIENTS: usize = 4;
/// What a trap saw last before it was killed may go with it.
const LAST_MOMENT: Duration = Duration::from_secs(1);
/// How long a core may be down or behind: ten seconds of pause, its start, and its way through what waits.
const OUTAGE: Duration = Duration::from_secs(16);

/// Kizashi's own command over the data of one that runs.
fn call(up: &Up, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_kizashi"))
        .current_dir(&up.folder)
        .args(arguments)
        .args(["--data", "data"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn visit(address: SocketAddr, path: &str) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer.starts_with(b"HTTP/1.1 "))
}

/// What clients met: paths answered and when they were asked for, and failures.
type Met = (BTreeMap<String, Instant>, Vec<String>);

struct Clients {
    stop: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<Met>>,
}

impl Clients {
    fn start(address: SocketAddr, pause: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let client = |thread: usize| {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                let mut met = Met::default();
                for number in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let path = format!("/visit-{thread}-{number}");
                    let began = Instant::now();
                    match visit(address, &path) {
                        Ok(true) => drop(met.0.insert(path, began)),
                        Ok(false) => met.1.push("cut".to_owned()),
                        Err(error) => met.1.push(error.to_string()),
                    }
                    std::thread::sleep(pause);
                }
                met
            })
        };
        let threads = (0..CLIENTS).map(client).collect();
        Self { stop, threads }
    }

    fn stop(self) -> Met {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Met::default();
        for thread in self.threads {
            let (answered, failed) = thread.join().unwrap();
            all.0.extend(answered);
            all.1.extend(failed);
        }
        all
    }
}

fn memory(up: &Up, when: &str) {
    let mut both = 0;
    let mut told = Vec::new();
    for (name, ids) in [
        ("supervisor", vec![up.child.id()]),
        ("trap", up.children("trap-process")),
        ("core", up.children("core-process")),
    ] {
        for id in ids {
            let (resident, share) =
                (kilobytes(id, "status", "VmRSS:"), kilobytes(id, "smaps_rollup", "Pss:"));
            told.push(format!(
                "{name} {:.1} (its share of shared pages: {:.1})",
                mega(resident),
                mega(share)
            ));
            if name != "supervisor" {
                both += resident;
            }
        }
    }
    println!(
        "memory {when}, MB resident: {}; trap and core together {:.1}",
        told.join(", "),
        mega(both)
    );
}

/// Processor time of the trap's threads so far, in nanoseconds.
fn processor(up: &Up) -> f64 {
    let of_thread = |path: std::path::PathBuf| -> Option<f64> {
        let text = std::fs::read_to_string(path.join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse().ok()
    };
    let of_process = |id: u32| -> f64 {
        let threads = std::fs::read_dir(format!("/proc/{id}/task")).unwrap();
        threads.filter_map(|thread| of_thread(thread.ok()?.path())).sum()
    };
    up.children("trap-process").into_iter().map(of_process).sum()
}

/// Connections a second, and microseconds of the trap's processor time each.
fn rate(up: &Up, length: Duration) -> (f64, f64) {
    let used = processor(up);
    let began = Instant::now();
    let clients = Clients::start(up.address, Duration::ZERO);
    std::thread::sleep(length);
    let (answered, failed) = clients.stop();
    assert!(failed.is_empty(), "{failed:?}");
    let count = answered.len() as f64;
    (count / began.elapsed().as_secs_f64(), (processor(up) - used) / 1e3 / count)
}

/// The median, and between which values it lies with 95 % confidence (order statistics, by the normal approximation of the binomial).
fn median(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    let half = values.len() as f64 / 2.0;
    let apart = 0.98 * (values.len() as f64).sqrt();
    let at = |place: f64| values[(place.max(0.0) as usize).min(values.len() - 1)];
    (at(half), at(half - apart), at(half + apart))
}

/// Short rounds, turn about: whatever else the machine does, it does to both.
fn sandbox_cost() {
    let (with, without) =
        (Up::start("with", &[], ALL_TOLD), Up::start("without", &["--no-sandbox"], ALL_TOLD));
    for up in [&with, &without] {
        rate(up, Duration::from_secs(2));
    }
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // Whoever is second finds the machine warmer: they take turns.
        if round % 2 == 0 {
            inside.push(rate(&with, ROUND));
            outside.push(rate(&without, ROUND));
        } else {
            outside.push(rate(&without, ROUND));
            inside.push(rate(&with, ROUND));
        }
    }
    for (what, of) in [
        ("connections a second", (|round| round.0) as fn(&(f64, f64)) -> f64),
        ("processor time of the trap a connection, in microseconds", |round| round.1),
    ] {
        let middle = |rounds: &[(f64, f64)]| median(rounds.iter().map(of).collect()).0;
        let ratios = inside.iter().zip(&outside).map(|(a, b)| of(a) / of(b)).collect();
        let (ratio, low, high) = median(ratios);
        println!(
            "{what}: {:.1} with the sandbox, {:.1} without; median of {ROUNDS} pairs of {} ms {ratio:.4}, 95 % confidence {low:.4} to {high:.4}",
            middle(&inside),
            middle(&outside),
            ROUND.as_millis()
        );
    }
}

fn renewals() {
    const RENEWALS: usize = 10;
    let mut up = Up::start("renewals", &[], ALL_TOLD);
    let clients = Clients::start(up.address, Duration::ZERO);
    let began = Instant::now();
    for _ in 0..RENEWALS {
        std::thread::sleep(Duration::from_millis(300));
        call(&up, &["renew"]);
    }
    let took = began.elapsed();
    let (answered, failed) = clients.stop();
    up.stop();
    let stored = stored(&up);
    let lost = answered.keys().filter(|path| !stored.contains(*path)).count();
    println!(
        "{RENEWALS} renewals in {:.1} s: {} connections, {} refused or cut, {lost} not in the store",
        took.as_secs_f64(),
        answered.len(),
        failed.len()
    );
}

fn stored(up: &Up) -> BTreeSet<String> {
    let listing = call(up, &["top", "paths", "--json", "--limit", "100000000"]);
    let visits = |line: &str| {
        let at = line.find("/visit-")?;
        let rest = line.get(at..)?;
        Some(rest.split('"').next()?.to_owned())
    };
    listing.lines().filter_map(visits).collect()
}

/// A generator of its own (xorshift), so that a run can be repeated.
fn chance(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn killing(minutes: f64) {
    let mut up = Up::start("killing", &[], ALL_TOLD);
    let mut outages: Vec<Instant> = Vec::new();
    let clients = Clients::start(up.address, Duration::from_millis(2));
    let (mut state, mut cores, deaths) = (0x9e37_79b9_7f4a_7c15, 0, Mutex::new(Vec::new()));
    let end = Instant::now() + Duration::from_secs_f64(minutes * 60.0);
    while Instant::now() < end {
        std::thread::sleep(Duration::from_millis(200 + chance(&mut state) % 1_800));
        let trap = chance(&mut state).is_multiple_of(2);
        for id in up.children(if trap { "trap-process" } else { "core-process" }) {
            let id = rustix::process::Pid::from_raw(id.cast_signed()).unwrap();
            let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
            if trap {
                deaths.lock().unwrap().push(Instant::now());
            } else {
                cores += 1;
                outages.push(Instant::now());
            }
        }
    }
    std::thread::sleep(Duration::from_secs(3));
    let (answered, failed) = clients.stop();
    up.stop();
    let (deaths, stored) = (deaths.into_inner().unwrap(), stored(&up));
    let missing: Vec<&Instant> =
        answered.iter().filter(|(path, _)| !stored.contains(*path)).map(|(_, at)| at).collect();
    // Of what is not in the store: what a trap saw in its last second, and what one kept for a core that was down or catching up.
    let before = |at: Instant, longest: Duration| {
        deaths.iter().find(|death| at <= **death && death.duration_since(at) < longest).copied()
    };
    let last_moment = missing.iter().filter(|at| before(***at, LAST_MOMENT).is_some()).count();
    let kept = missing
        .iter()
        .filter(|at| before(***at, LAST_MOMENT).is_none())
        .filter(|at| {
            before(***at, OUTAGE).is_some_and(|death| {
                outages
                    .iter()
                    .any(|outage| *outage <= death && death.duration_since(*outage) < OUTAGE)
            })
        })
        .count();
    println!(
        "killed at random for {minutes} minutes: {} times the trap, {cores} times the core; {} sessions answered, {} cut by a death or \
         refused; of those answered {last_moment} went with their trap in its last second, {kept} with a trap that kept them for a \
         core that was down, {} were lost otherwise",
        deaths.len(),
        answered.len(),
        failed.len(),
        missing.len() - last_moment - kept
    );
}

fn main() {
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let minutes = words.iter().find_map(|word| word.parse().ok()).unwrap_or(0.5);
    let parts: Vec<&String> = words.iter().filter(|word| word.parse::<f64>().is_err()).collect();
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|word| *word == part);
    assert!(Path::new("/proc/self").exists());
    if wanted("memory") {
        let up = Up::start("idle", &[], ALL_TOLD);
        std::thread::sleep(Duration::from_secs(3));
        memory(&up, "at rest");
        rate(&up, Duration::from_secs(2));
        std::thread::sleep(Duration::from_secs(3));
        memory(&up, "after two seconds of connections");
    }
    if wanted("renewals") {
        renewals();
    }
    if wanted("killing") {
        killing(minutes);
    }
    if wanted("sandbox") {
        sandbox_cost();
    }
}
