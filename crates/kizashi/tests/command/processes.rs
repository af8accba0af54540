//! Supervisor, trap and core as a person meets them: what the trap may not do, what a renewal and a crash cost, and what is lost when
//! processes are killed.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{
    Folder, Running, eventually, http, json_lines, kill, processes, run, sentence, text,
};

fn traps(up: &Running) -> Value {
    up.api("/api/v1/status")["traps"].clone()
}

/// One forbidden thing, tried in a Kizashi of its own: gives how the traps fare after, and the signs.
fn attempt(how: &str) -> (Value, Vec<Value>) {
    let folder = Folder::new();
    let up = Running::up(&folder);
    let before = traps(&up)["process"].as_u64().unwrap();
    text(&folder, &["renew", "--data", "data", "--misbehave", how]);
    let after = eventually(&format!("another trap after `{how}`"), Duration::from_secs(20), || {
        let traps = traps(&up);
        (traps["process"].as_u64() > Some(before)).then_some(traps)
    });
    assert!(http(up.address("http"), "/", "").starts_with("HTTP/1.1 "), "{how}: nobody serves");
    let signs = json_lines(&folder, &["signs", "--data", "data", "--json"]);
    up.stop();
    (after, signs)
}

#[test]
fn whatever_a_broken_trap_tries_fails_is_told_and_costs_it_its_life() {
    let written = std::path::Path::new("/tmp/kizashi-misbehaved");
    assert!(!written.exists());
    let tries = [
        "read",
        "write",
        "write-much",
        "socket",
        "connect-loopback",
        "connect-beyond",
        "datagram",
        "fork",
        "exec",
        "kill-core",
        "look-into-core",
        "lie",
    ];
    // Each try waits for a status that is told every two seconds: they are tried side by side.
    std::thread::scope(|scope| {
        for how in tries {
            scope.spawn(move || {
                let (traps, signs) = attempt(how);
                let counts = (&traps["misbehaved"], &traps["crashes"], &traps["core_restarts"]);
                assert_eq!(counts, (&1.into(), &0.into(), &0.into()), "{how}: {traps}");
                assert_eq!(signs.len(), 1, "{how}: {signs:?}");
                assert_eq!(signs[0]["kind"], "misbehaviour", "{how}");
                assert_eq!(signs[0]["severity"], "critical", "{how}");
            });
        }
    });
    assert!(!written.exists());
}

#[test]
fn memory_past_the_bound_ends_the_trap_and_not_the_machine() {
    let (traps, signs) = attempt("memory");
    assert_eq!((&traps["misbehaved"], &traps["crashes"]), (&0.into(), &1.into()), "{traps}");
    assert!(signs.is_empty(), "running out of memory alone is a crash: {signs:?}");
}

#[test]
fn a_sandbox_that_is_required_starts_where_doctor_says_that_it_holds_and_nowhere_else() {
    let folder = Folder::new();
    let up = Running::up(&folder);
    up.stop();
    let found = json_lines(&folder, &["doctor", "--data", "data", "--json"]);
    let protections: Vec<&Value> =
        found.iter().filter(|found| found["part"] == "protection").collect();
    assert!(protections.len() >= 12, "{found:?}");
    let holds = protections.iter().all(|protection| protection["good"] == true);
    let arguments = ["up", "--data", "data", "--require-sandbox"];
    if holds {
        Running::start(&folder, &arguments).stop();
    } else {
        assert!(sentence(&folder, &arguments).contains("not enforced"));
    }
}

/// Visits again and again until told to stop; gives the paths answered, each with the moment it was asked
/// for, and failures.
struct Visitors {
    stop: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<Met>>,
}

type Met = (BTreeMap<String, Instant>, Vec<String>);

impl Visitors {
    fn start(address: SocketAddr, count: usize, pause: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let visit = |thread: usize| {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                let (mut answered, mut failed) = (BTreeMap::new(), Vec::new());
                let mut number = 0;
                while !stop.load(Ordering::Relaxed) {
                    number += 1;
                    let path = format!("/visit-{thread}-{number}");
                    let began = Instant::now();
                    match try_http(address, &path) {
                        Ok(answer) if answer.starts_with("HTTP/1.1 ") => {
                            answered.insert(path, began);
                        }
                        Ok(answer) => failed.push(format!("cut: {answer:?}")),
                        Err(error) => failed.push(error.to_string()),
                    }
                    std::thread::sleep(pause);
                }
                (answered, failed)
            })
        };
        let threads = (0..count).map(visit).collect();
        Self { stop, threads }
    }

    fn stop(self) -> Met {
        self.stop.store(true, Ordering::Relaxed);
        let (mut answered, mut failed) = (BTreeMap::new(), Vec::new());
        for thread in self.threads {
            let (more, errors) = thread.join().unwrap();
            answered.extend(more);
            failed.extend(errors);
        }
        (answered, failed)
    }
}

fn try_http(address: SocketAddr, path: &str) -> std::io::Result<String> {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// How often each path of [`Visitors`] is in the store.
fn stored(folder: &Folder) -> BTreeMap<String, u64> {
    json_lines(folder, &["top", "paths", "--data", "data", "--json", "--limit", "1000000"])
        .iter()
        .filter_map(|row| Some((row["label"].as_str()?.to_owned(), row["events"].as_u64()?)))
        .filter(|(path, _)| path.starts_with("/visit-"))
        .collect()
}

#[test]
fn renewals_refuse_and_cut_nobody() {
    let folder = Folder::new();
    let up = Running::up(&folder);
    let visitors = Visitors::start(up.address("http"), 4, Duration::from_millis(1));
    let mut processes = Vec::new();
    for _ in 0..5 {
        std::thread::sleep(Duration::from_millis(200));
        let said = text(&folder, &["renew", "--data", "data"]);
        let number = said.split_whitespace().find_map(|word| word.parse::<u64>().ok());
        processes.push(number.unwrap());
    }
    let (answered, failed) = visitors.stop();
    assert!(failed.is_empty(), "of {}: {failed:?}", answered.len());
    assert!(answered.len() > 200, "only {} visits", answered.len());
    assert!(processes.is_sorted_by(|a, b| a < b), "{processes:?}");
    eventually("the renewals in the status", Duration::from_secs(5), || {
        (traps(&up)["renewals"] == 5).then_some(())
    });
    eventually("the old processes to go", Duration::from_secs(10), || {
        (up.children("trap-process").len() == 1).then_some(())
    });
    up.stop();
    let stored = stored(&folder);
    let lost: Vec<&String> = answered.keys().filter(|path| stored.get(*path) != Some(&1)).collect();
    assert!(lost.is_empty(), "of {}: {lost:?}", answered.len());
}

#[test]
fn a_visitor_is_served_to_his_end_by_the_process_that_he_came_to() {
    use std::io::{Read as _, Write as _};
    let folder = Folder::new();
    let up = Running::up(&folder);
    let mut visitor = std::net::TcpStream::connect(up.address("http")).unwrap();
    visitor.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    visitor.write_all(b"GET /begun HTTP/1.1\r\nHost: x\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(100));
    text(&folder, &["renew", "--data", "data"]);
    std::thread::sleep(Duration::from_millis(300));
    visitor.write_all(b"Connection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    visitor.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer:?}");
    up.stop();
}

/// Kills children of one kind again and again under load, and gives what was answered and is not in the store, with the moments of the
/// killings.
fn killed_under_load(what: &str, times: u64) -> (BTreeMap<String, Instant>, Vec<Instant>) {
    let folder = Folder::new();
    let up = Running::up(&folder);
    let visitors = Visitors::start(up.address("http"), 3, Duration::from_millis(4));
    let mut killed = Vec::new();
    for turn in 0..times {
        std::thread::sleep(Duration::from_millis(700 + 230 * (turn % 3)));
        up.children(what).into_iter().for_each(kill);
        killed.push(Instant::now());
        eventually("another process", Duration::from_secs(30), || {
            (up.children(what).len() == 1).then_some(())
        });
    }
    std::thread::sleep(Duration::from_millis(500));
    let (mut answered, failed) = visitors.stop();
    up.stop();
    let stored = stored(&folder);
    assert!(stored.values().all(|events| *events == 1), "told twice: {stored:?}");
    assert!(answered.len() > 100, "only {} visits", answered.len());
    // Only whom a dying trap was speaking to is cut: at most one session of each visitor.
    let may_fail = if what == "trap-process" { 3 * times } else { 0 };
    assert!(failed.len() as u64 <= may_fail, "{failed:?}");
    answered.retain(|path, _| !stored.contains_key(path));
    (answered, killed)
}

#[test]
fn nothing_that_was_answered_is_lost_or_told_twice_when_the_core_is_killed() {
    let (lost, _) = killed_under_load("core-process", 4);
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn a_stop_while_the_core_is_away_waits_for_one_that_keeps_what_the_trap_holds() {
    let folder = Folder::new();
    let up = Running::up(&folder);
    // The first is replaced at once, the second after a second.
    for _ in 0..2 {
        let core = eventually("a core", Duration::from_secs(10), || {
            up.children("core-process").first().copied()
        });
        kill(core);
        eventually("its end", Duration::from_secs(10), || {
            (!up.children("core-process").contains(&core)).then_some(())
        });
    }
    let visitors = Visitors::start(up.address("http"), 2, Duration::from_millis(2));
    std::thread::sleep(Duration::from_millis(300));
    let (answered, failed) = visitors.stop();
    up.stop();
    assert!(failed.is_empty() && answered.len() > 20, "{failed:?}");
    let stored = stored(&folder);
    let lost: Vec<&String> = answered.keys().filter(|path| !stored.contains_key(*path)).collect();
    assert!(lost.is_empty(), "of {}: {lost:?}", answered.len());
}

#[test]
fn a_killed_trap_takes_no_more_with_it_than_it_saw_in_its_last_moment() {
    // A batch waits 0.1 s and its commit takes its time on a busy machine.
    const LAST_MOMENT: Duration = Duration::from_millis(1_500);
    let (mut lost, killed) = killed_under_load("trap-process", 4);
    let died_with = |at: &Instant| {
        killed.iter().any(|death| at <= death && death.duration_since(*at) < LAST_MOMENT)
    };
    lost.retain(|_, at| !died_with(at));
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn a_signal_to_all_processes_at_once_loses_nothing() {
    let folder = Folder::new();
    let up = Running::up(&folder);
    let visitors = Visitors::start(up.address("http"), 2, Duration::from_millis(2));
    std::thread::sleep(Duration::from_millis(500));
    let (answered, failed) = visitors.stop();
    for what in ["trap-process", "core-process", "capture-process"] {
        for id in up.children(what) {
            let id = rustix::process::Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
            rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        }
    }
    up.stop();
    assert!(failed.is_empty() && answered.len() > 20, "{failed:?}");
    let stored = stored(&folder);
    let lost: Vec<&String> = answered.keys().filter(|path| !stored.contains_key(*path)).collect();
    assert!(lost.is_empty(), "of {}: {lost:?}", answered.len());
}

#[test]
fn no_child_outlives_a_supervisor_that_is_killed() {
    let folder = Folder::new();
    let up = Running::up(&folder);
    let children: Vec<u32> =
        ["trap-process", "core-process"].iter().flat_map(|what| up.children(what)).collect();
    assert_eq!(children.len(), 2);
    up.kill();
    eventually("the children to end", Duration::from_secs(5), || {
        processes().iter().all(|(id, _, _)| !children.contains(id)).then_some(())
    });
}

#[test]
fn sockets_that_systemd_bound_are_served() {
    let Ok(found) = std::process::Command::new("systemd-socket-activate").arg("--version").output()
    else {
        println!("skipped: systemd-socket-activate is not installed");
        return;
    };
    assert!(found.status.success());
    let folder = Folder::new();
    let (port, other) = (crate::support::free_port(), crate::support::free_port());
    let config = format!(
        "[dashboard]\naddress = \"127.0.0.1:{other}\"\n[traps]\nhttp = \"{port}\"\nhttps = \"\"\nssh = \"\"\ntelnet = \"\"\nany_tcp = \"\"\nany_udp = \"\"\n"
    );
    folder.write("kizashi.toml", config.as_bytes());
    let mut activated = std::process::Command::new("systemd-socket-activate")
        .current_dir(folder.path())
        .args([
            "-l",
            &format!("127.0.0.1:{port}"),
            env!("CARGO_BIN_EXE_kizashi"),
            "up",
            "--data",
            "data",
        ])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    // The first connection starts Kizashi, and waits in the socket meanwhile.
    let answer = eventually("an answer", Duration::from_secs(10), || try_http(address, "/").ok());
    let id = rustix::process::Pid::from_child(&activated);
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    activated.wait().unwrap();
    assert!(answer.starts_with("HTTP/1.1 "), "{answer:?}");
}

#[test]
fn the_processes_for_visitors_and_for_data_are_for_up_alone() {
    let folder = Folder::new();
    for call in ["trap-process", "core-process"] {
        let output = run(&folder, &[call]);
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stderr).contains("kizashi up"));
    }
    assert!(sentence(&folder, &["renew", "--data", "nowhere"]).contains("kizashi up"));
}
