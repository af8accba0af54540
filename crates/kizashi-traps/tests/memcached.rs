//! memcached before real clients: `pymemcache` and `python-binary-memcached` from PyPI (in an environment under the build's temporary folder) and
//! nmap; and, where Debian's memcached 1.6.18 is installed, a real server beside the trap, which must answer alike.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test fails by panicking and says what it skips"
)]

#[path = "support/house.rs"]
#[allow(dead_code, reason = "each test file uses a part of it")]
mod house;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use house::{House, commands, installed, said};
use kizashi_event::Detail;
use kizashi_traps::{Identity, OperatingSystem};

fn open(system: OperatingSystem) -> House {
    House::of_trap("memcached", Identity::draw([1; 32]).with_operating_system(system))
}

fn python() -> Option<PathBuf> {
    house::python(
        "memcached-clients",
        "pymemcache, bmemcached",
        &["pymemcache>=4,<5", "python-binary-memcached>=0.31,<1"],
    )
}

const VISIT: &str = r#"
import sys, bmemcached
from pymemcache.client.base import Client
address = ("127.0.0.1", int(sys.argv[1]))
c = Client(address, timeout=20, connect_timeout=20)
assert c.version() == b"1.6.18"
stats = c.stats()
assert stats[b"version"] in (b"1.6.18", "1.6.18") and int(stats[b"curr_items"]) > 5, stats
assert c.get("fragment:menu").startswith(b"<div")
assert c.set("a", "1", noreply=False) and c.get("a") == b"1"
assert c.incr("a", 4) == 5 and c.decr("a", 2) == 3
assert c.add("a", "x", noreply=False) is False and c.replace("zz", "x", noreply=False) is False
value, cas = c.gets("a")
assert c.cas("a", "9", cas) is True and c.cas("a", "8", cas) is False
assert c.append("a", "!", noreply=False) and c.get_many(["a", "b"]) == {"a": b"9!"}
assert c.touch("a", 100, noreply=False) and c.delete("a", noreply=False) and c.get("a") is None
for number in range(20):
    assert c.set(f"large{number}", "x" * 20000, noreply=False)
assert c.get("large0") is None and c.get("large19") == b"x" * 20000
b = bmemcached.Client(("%s:%d" % address,))
assert b.set("k", "v") and b.get("k") == "v"
assert b.add("k", "w") is False and b.incr("n", 5) is not None
assert b.delete("k") and b.get("k") is None
assert list(b.stats().values())[0]["version"] == b"1.6.18"
c.flush_all(noreply=False)
assert c.get("fragment:menu") is None
c.set("note", "Your data is backed up, send bitcoin to recover it", noreply=False)
print("done")
"#;

#[test]
fn clients_of_both_protocols_read_count_evict_delete_and_leave_a_note() {
    let Some(python) = python() else { return };
    let house = open(OperatingSystem::Debian12);
    let output = Command::new("timeout")
        .args(["60", python.to_str().unwrap(), "-c", VISIT, &house.port()])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let events = house.close();
    assert_eq!(said(&output).trim(), "done");
    for class in ["deletion", "ransom note"] {
        assert!(events.iter().any(|event| {
            matches!(&event.detail, Detail::Note { value, .. } if value.raw() == class)
        }));
    }
    assert!(commands(&events).iter().any(|line| line == "get fragment:menu"));
}

/// nmap 7.93 names no release of a real 1.6.18 either, but reads its statistics.
#[test]
fn nmap_names_memcached_and_reads_its_statistics() {
    if !installed("nmap") {
        return;
    }
    let house = open(OperatingSystem::Debian12);
    let port = house.port();
    let arguments =
        ["60", "nmap", "-sV", "-Pn", "-n", "--script", "memcached-info", "-p", &port, "127.0.0.1"];
    let output = Command::new("timeout").args(arguments).stdin(Stdio::null()).output().unwrap();
    house.close();
    let text = said(&output);
    let line = text.lines().find(|line| line.contains("/tcp")).unwrap_or_default();
    assert!(line.contains("memcached Memcached"), "{text}");
    assert!(
        text.contains("Authentication: no") && text.contains("Maximum connections: 1024"),
        "{text}"
    );
}

struct Real(Child, u16);

impl Real {
    fn start() -> Option<Self> {
        let version = Command::new("memcached").arg("--version").output().ok()?;
        if !String::from_utf8_lossy(&version.stdout).contains("1.6.18") {
            println!("skipped: no memcached 1.6.18");
            return None;
        }
        let port =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let child = Command::new("memcached")
            .args(["-u", "nobody", "-l", "127.0.0.1", "-p", &port.to_string()])
            .spawn()
            .unwrap();
        Some(Self(child, port))
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// All that is answered to this, up to the answer of a last question.
fn answered(port: u16, said: &str) -> String {
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut stream = loop {
        match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            Ok(stream) => break stream,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let text = said.replace("\\r\\n", "\r\n");
    stream.write_all(format!("flush_all\r\n{text}\r\nstats reset\r\n").as_bytes()).unwrap();
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    while !answer.ends_with(b"RESET\r\n") {
        let count = stream.read(&mut piece).unwrap();
        if count == 0 {
            answer.extend_from_slice(b"(closed)");
            break;
        }
        answer.extend_from_slice(&piece[..count]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// Its dumps are not among them: they show what the real one flushes later and keeps in its hot list first.
/// Dialogues that a real server of 1.6.18 and the trap must answer alike.
const CORPUS: [&str; 41] = [
    "set a 5 0 3\\r\\nabc\\r\\nget a\\r\\nget a b c",
    "set a 0 0 3\\r\\nabc\\r\\nadd a 0 0 1\\r\\nx\\r\\nget a",
    "replace b 0 0 1\\r\\nx\\r\\nget b",
    "set a 3 0 2\\r\\nab\\r\\nappend a 9 0 1\\r\\nc\\r\\nprepend a 0 0 1\\r\\nz\\r\\nget a",
    "append no 0 0 1\\r\\nx",
    "cas zz 0 0 1 99\\r\\nx",
    "set a 0 0 1\\r\\nx\\r\\ncas a 0 0 1 99999999\\r\\nx",
    "set n 0 0 1\\r\\n5\\r\\nincr n 7\\r\\ndecr n 3\\r\\ndecr n 100\\r\\nget n",
    "set n 0 0 2\\r\\n10\\r\\ndecr n 1\\r\\nget n",
    "set n 0 0 20\\r\\n18446744073709551615\\r\\nincr n 2\\r\\nget n",
    "set n 0 0 3\\r\\nabc\\r\\nincr n 1\\r\\nincr n x\\r\\nincr no 1\\r\\nincr n\\r\\nincr n -1",
    "touch no 1\\r\\nset n 0 0 1\\r\\n5\\r\\ntouch n 100\\r\\ntouch n x\\r\\ntouch n",
    "set n 0 0 1\\r\\n5\\r\\ngat 10 n\\r\\ngat x n\\r\\ngat 10",
    "set n 0 0 1\\r\\n5\\r\\ndelete n\\r\\ndelete n\\r\\ndelete n 0\\r\\ndelete n 5\\r\\ndelete",
    "set n 0 0 1\\r\\n5\\r\\ndelete n noreply\\r\\nget n",
    "set q 0 0 1 noreply\\r\\nx\\r\\nget q",
    "set e 0 -1 1\\r\\nx\\r\\nget e",
    "set a 0 0 3\\r\\nabcde",
    "set a b c d\\r\\nset a 0 0 -1\\r\\nset a\\r\\nset",
    "get\\r\\ngets\\r\\nfoo\\r\\nversion\\r\\nversion x",
    "verbosity 1\\r\\nverbosity\\r\\ncache_memlimit 64\\r\\ncache_memlimit",
    "flush_all 100\\r\\nflush_all x\\r\\nflush_all noreply\\r\\nversion",
    "set a 4294967295 0 1\\r\\nx\\r\\nget a",
    "set a 0 0 0\\r\\n\\r\\nget a",
    "stats foo\\r\\nstats detail\\r\\nstats sizes\\r\\nstats detail on\\r\\nstats detail off",
    "mn\\r\\nmg a\\r\\nmg",
    "ms a 2\\r\\nhi\\r\\nmg a\\r\\nmg a v\\r\\nmg a v t f s k",
    "ms a 2 F7\\r\\nhi\\r\\nmg a f v",
    "ms a 2 ME\\r\\nhi\\r\\nms a 2 ME\\r\\nho\\r\\nms b 2 MR\\r\\nhi\\r\\nmg a v",
    "ms a 1\\r\\n5\\r\\nma a\\r\\nma a v\\r\\nma no",
    "md no\\r\\nms a 1\\r\\n5\\r\\nmd a\\r\\nmd a q\\r\\nmn",
    "mg no v q\\r\\nmg no\\r\\nme no",
    "ms a\\r\\nms a x",
    "mg a k O99\\r\\nms a 1\\r\\n1\\r\\nmg a k O99",
    "shutdown\\r\\nmisbehave",
    "lru_crawler\\r\\nlru crawler",
    "  get   a  \\r\\n",
    "GET a\\r\\nPOST",
    "ms a 1 q\\r\\n1\\r\\nms a 1 ME q\\r\\n1\\r\\nmn",
    "set kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk 0 0 1\\r\\nx",
    "quit",
];

#[test]
fn a_real_server_of_the_same_release_answers_the_same() {
    let Some(real) = Real::start() else { return };
    let house = open(OperatingSystem::Debian12);
    let mut different = Vec::new();
    for dialogue in CORPUS {
        let (ours, theirs) = (answered(house.address.port(), dialogue), answered(real.1, dialogue));
        if ours != theirs {
            different.push(format!("{dialogue}\n  ours:   {ours:?}\n  theirs: {theirs:?}"));
        }
    }
    house.close();
    println!("{} dialogues, {} answered otherwise", CORPUS.len(), different.len());
    assert!(different.is_empty(), "{}", different.join("\n"));
}
