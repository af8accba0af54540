//! What attackers take at most, tried over loopback: memory of both processes and the dashboard's slowest answer while each flood runs,
//! and whether everybody was counted after it.
//!
//! `cargo bench -p kizashi --bench soak [-- FLOOD…]`, the floods by name (`idle connections body bodies zip slow hold names
//! names-all-told`) or all; about three minutes, nothing but loopback, and as many processes of its own as the limit on open files takes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::panic,
    reason = "a measurement that cannot be made ends, loudly"
)]

mod soak_clients;
mod up;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use soak_clients::{self as clients, HOLDER};
use up::{Up, kilobytes, mega};

/// Megabytes that trap and core may have together.
const SET: f64 = 192.0;
/// How long the dashboard may take for an answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// What was met while something ran.
#[derive(Default)]
struct Met {
    trap: u64,
    core: u64,
    both: u64,
    answers: Vec<Duration>,
    failed: usize,
}

/// Looks at memory and dashboard until it is told to stop.
struct Watch {
    stop: Arc<AtomicBool>,
    memory: JoinHandle<Met>,
    dashboard: JoinHandle<Met>,
}

impl Watch {
    fn start(up: &Up) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let ids = (up.children("trap-process"), up.children("core-process"));
        let stopping = Arc::clone(&stop);
        let memory = std::thread::spawn(move || {
            let mut met = Met::default();
            let resident =
                |ids: &[u32]| ids.iter().map(|id| kilobytes(*id, "status", "VmRSS:")).sum::<u64>();
            while !stopping.load(Ordering::Relaxed) {
                let (trap, core) = (resident(&ids.0), resident(&ids.1));
                met.trap = met.trap.max(trap);
                met.core = met.core.max(core);
                met.both = met.both.max(trap + core);
                std::thread::sleep(Duration::from_millis(50));
            }
            met
        });
        let (link, stopping) = (up.link.clone(), Arc::clone(&stop));
        let dashboard = std::thread::spawn(move || {
            let mut met = Met::default();
            let questions = [
                "/api/v1/status",
                "/api/v1/top?kind=ports",
                "/api/v1/top?kind=users",
                "/api/v1/series?key=total&bin=1h",
                "/api/v1/events",
            ];
            for question in questions.iter().cycle() {
                if stopping.load(Ordering::Relaxed) {
                    break;
                }
                let began = Instant::now();
                match ask(&link, question) {
                    Some(_) => met.answers.push(began.elapsed()),
                    None => met.failed += 1,
                }
                std::thread::sleep(Duration::from_millis(100));
            }
            met
        });
        Self { stop, memory, dashboard }
    }

    fn stop(self) -> Met {
        self.stop.store(true, Ordering::Relaxed);
        let (memory, dashboard) = (self.memory.join().unwrap(), self.dashboard.join().unwrap());
        Met { answers: dashboard.answers, failed: dashboard.failed, ..memory }
    }
}

/// The dashboard's answer to one question; `None` when it is none.
fn ask(link: &str, path: &str) -> Option<String> {
    let rest = link.strip_prefix("http://")?;
    let (host, token) = rest.split_once("/?token=")?;
    let port = host.rsplit_once(':')?.1;
    let mut stream = TcpStream::connect(host).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: kizashi-{port}={token}\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.starts_with("HTTP/1.1 200").then(|| body.to_owned())
}

/// A number of the status page, by its path.
fn status(up: &Up, path: &str) -> u64 {
    let answer = ask(&up.link, "/api/v1/status").expect("the status");
    let answer: serde_json::Value = serde_json::from_str(
        answer.get(answer.find('{').unwrap()..=answer.rfind('}').unwrap()).unwrap(),
    )
    .unwrap();
    answer.pointer(path).and_then(serde_json::Value::as_u64).expect("a number")
}

/// Waits until the store has counted so many sessions or counts no more, and gives how many it has then.
fn counted(up: &Up, wanted: u64) -> u64 {
    let (mut sessions, mut since) = (0, Instant::now());
    loop {
        let now = status(up, "/store/sessions");
        if now != sessions {
            (sessions, since) = (now, Instant::now());
        }
        if sessions >= wanted || since.elapsed() > Duration::from_secs(5) {
            return sessions;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn tell(name: &str, what: &str, met: &mut Met) {
    met.answers.sort_unstable();
    let slowest = met.answers.last().copied().unwrap_or_default();
    let median = met.answers.get(met.answers.len() / 2).copied().unwrap_or_default();
    let verdict = |good: bool| if good { "" } else { " (MISSED)" };
    println!(
        "{name}: {what}\n    memory at most: trap {:.1}, core {:.1}, together {:.1} MB{}; dashboard: {} answers, median {:.0} ms, \
         slowest {:.0} ms{}, {} failed",
        mega(met.trap),
        mega(met.core),
        mega(met.both),
        verdict(mega(met.both) <= SET),
        met.answers.len(),
        median.as_secs_f64() * 1e3,
        slowest.as_secs_f64() * 1e3,
        verdict(slowest < PATIENCE && met.failed == 0),
        met.failed
    );
}

/// What came of a flood, for people, and how many sessions it must have been.
type Flood = fn(SocketAddr) -> (String, Option<u64>);

fn run(name: &str, traps: &str, flood: Flood) {
    let up = Up::start(name, &[], traps);
    std::thread::sleep(Duration::from_millis(500));
    let watch = Watch::start(&up);
    let (mut what, sessions) = flood(up.address);
    if let Some(wanted) = sessions {
        let have = counted(&up, wanted);
        let lost = status(&up, "/traps/lost") + status(&up, "/store/dropped");
        let left_out = status(&up, "/traps/left_out");
        what.push_str(&format!(
            "; sessions counted {have} of {wanted}, events lost {lost}, told without their content {left_out}"
        ));
    }
    let served = (status(&up, "/traps/accepted"), status(&up, "/traps/refused"));
    let crashes = status(&up, "/traps/crashes") + status(&up, "/traps/core_restarts");
    let bytes = status(&up, "/store/bytes");
    let raw = status(&up, "/store/events_raw");
    what.push_str(&format!(
        "; {} served, {} past a cap; {raw} rows, {:.1} MB of database; {crashes} crashes",
        served.0,
        served.1,
        mega(bytes >> 10)
    ));
    tell(name, &what, &mut watch.stop());
}

/// Rates so high that everything is told: what the store takes at most.
const ALL_TOLD: &str = "events_per_second = 1000000\nevents_per_second_per_source = 1000000";

fn main() {
    if let Ok(order) = std::env::var(HOLDER) {
        clients::hold_for_parent(&order);
        return;
    }
    let floods: [(&str, &str, Flood); 9] = [
        ("idle", "", clients::idle),
        ("connections", "", clients::connections),
        ("body", "", clients::body),
        ("bodies", ALL_TOLD, clients::bodies),
        ("zip", "", clients::zip),
        ("slow", "", clients::slow),
        ("hold", "", clients::hold),
        ("names", "", clients::names),
        ("names-all-told", ALL_TOLD, clients::names),
    ];
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    for (name, traps, flood) in floods {
        if wanted.is_empty() || wanted.iter().any(|word| word == name) {
            run(name, traps, flood);
        }
    }
}
