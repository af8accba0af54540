//! What two processes and a sandbox cost, over loopback: memory at rest, connections a second with the sandbox and without (turn
//! about, in the same run), connections refused during renewals, and what is lost when processes are killed at random.
//!
//! `cargo bench -p kizashi --bench processes [-- MINUTES_OF_KILLING]`; without a number half a minute.

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
/// Rounds of each kind; the median of their ratios counts.
const ROUNDS: usize = 15;
/// Length of a round.
const ROUND: Duration = Duration::from_secs(2);
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

/// Processor time of the trap so far, in seconds (ticks of 10 ms).
fn processor(up: &Up) -> f64 {
    let time = |id: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let words: Vec<&str> = rest.split_whitespace().collect();
        let ticks =
            |at: usize| words.get(at).and_then(|word| word.parse::<f64>().ok()).unwrap_or(0.0);
        (ticks(11) + ticks(12)) / 100.0
    };
    up.children("trap-process").into_iter().map(time).sum()
}

/// Connections a second, and microseconds of the trap's processor time each.
fn rate(up: &Up) -> (f64, f64) {
    let used = processor(up);
    let began = Instant::now();
    let clients = Clients::start(up.address, Duration::ZERO);
    std::thread::sleep(ROUND);
    let (answered, failed) = clients.stop();
    assert!(failed.is_empty(), "{failed:?}");
    let count = answered.len() as f64;
    (count / began.elapsed().as_secs_f64(), (processor(up) - used) * 1e6 / count)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn sandbox_cost() {
    let (with, without) =
        (Up::start("with", &[], ALL_TOLD), Up::start("without", &["--no-sandbox"], ALL_TOLD));
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // Whoever is second finds the machine warmer: they take turns.
        let (a, b) = if round % 2 == 0 {
            let a = rate(&with);
            (a, rate(&without))
        } else {
            let b = rate(&without);
            (rate(&with), b)
        };
        inside.push(a);
        outside.push(b);
    }
    let ratios = |of: fn(&(f64, f64)) -> f64| {
        let ratios: Vec<f64> = inside.iter().zip(&outside).map(|(a, b)| of(a) / of(b)).collect();
        let shown: Vec<String> = ratios.iter().map(|ratio| format!("{ratio:.3}")).collect();
        format!("{:.3} ({})", median(ratios), shown.join(" "))
    };
    let middle =
        |rounds: &[(f64, f64)], of: fn(&(f64, f64)) -> f64| median(rounds.iter().map(of).collect());
    println!(
        "connections a second: {:.0} with the sandbox, {:.0} without; median ratio {}",
        middle(&inside, |round| round.0),
        middle(&outside, |round| round.0),
        ratios(|round| round.0)
    );
    println!(
        "processor time of the trap a connection, in microseconds: {:.1} with the sandbox, {:.1} without; median ratio {}",
        middle(&inside, |round| round.1),
        middle(&outside, |round| round.1),
        ratios(|round| round.1)
    );
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
    let minutes = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(0.5);
    assert!(Path::new("/proc/self").exists());
    let up = Up::start("idle", &[], ALL_TOLD);
    std::thread::sleep(Duration::from_secs(3));
    memory(&up, "at rest");
    rate(&up);
    std::thread::sleep(Duration::from_secs(3));
    memory(&up, "after two seconds of connections");
    drop(up);
    renewals();
    killing(minutes);
    sandbox_cost();
}
