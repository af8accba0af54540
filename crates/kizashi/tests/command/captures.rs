//! `kizashi import` of captures.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Folder, eventually, json_lines, kizashi, run, sentence, text};

/// A capture that a real tool made.
fn capture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../kizashi-wire/tests/captures").join(name)
}

fn events(folder: &Folder) -> Option<u64> {
    let status: Value = serde_json::from_slice(&run(folder, &["status", "--json"]).stdout).ok()?;
    status["events"].as_u64()
}

fn count(rows: &[Value], key: &str, what: &str) -> Option<u64> {
    rows.iter().find(|row| row["key"] == key).and_then(|row| row[what].as_u64())
}

#[test]
fn a_scan_becomes_attempts_per_port_and_a_second_time_adds_nothing() {
    let folder = Folder::new();
    let file = capture("nmap-ss.pcap");
    let file = file.to_str().unwrap();
    let told = text(&folder, &["import", "--local", "198.18.0.1", file]);
    assert!(told.contains("0 unanswered, 199 refused, 1 half-open, 0 completed"), "{told}");
    assert!(told.contains("201 events, 201 of them new"), "{told}");
    assert!(told.contains("our side: 198.18.0.1"), "{told}");
    assert_eq!(events(&folder), Some(200), "the summary of the scan counts nothing");
    let ports = json_lines(&folder, &["top", "ports", "--json", "--limit", "500"]);
    assert_eq!(ports.len(), 200);
    assert!(ports.iter().all(|port| port["events"] == 1 && port["sources"] == 1), "{ports:?}");
    let marks = json_lines(&folder, &["top", "fingerprints", "--json"]);
    assert_eq!(count(&marks, "scanner:nmap", "events"), Some(200));
    assert_eq!(count(&marks, "tcp:4:64:0:1460:1024,0:mss::0", "events"), Some(200));
    let scanners = json_lines(&folder, &["top", "tools", "--json"]);
    assert_eq!(scanners.len(), 1, "{scanners:?}");
    assert_eq!((&scanners[0]["kind"], &scanners[0]["key"]), (&"tool".into(), &"nmap".into()));
    assert_eq!(scanners[0]["sources"], 1);
    // nmap shuffles the range that it was given.
    assert!(told.contains("198.18.0.9: 200 ports from 1 to 200 on 1 of our addresses"), "{told}");
    assert!(told.contains("at random (mixed)"), "{told}");
    let again = text(&folder, &["import", "--local", "198.18.0.1", file]);
    assert!(again.contains(" 0 of them new"), "{again}");
    assert_eq!(events(&folder), Some(200));
}

#[test]
fn our_side_is_found_and_what_visitors_said_is_kept_by_its_protocol() {
    let folder = Folder::new();
    let told = text(&folder, &["import", capture("curl.pcap").to_str().unwrap()]);
    assert!(told.contains("198.18.0.1, 2001:db8::1 (found; --local tells it)"), "{told}");
    let services = json_lines(&folder, &["top", "services", "--json"]);
    assert_eq!(count(&services, "http", "events"), Some(2));
    let marks = json_lines(&folder, &["top", "fingerprints", "--json"]);
    assert_eq!(count(&marks, "os:linux-5", "sessions"), Some(2));
    let systems =
        json_lines(&folder, &["top", "systems", "--json", "--since", "2020-01-01T00:00:00Z"]);
    assert_eq!((systems.len(), count(&systems, "linux-5", "events")), (1, Some(2)), "{systems:?}");
    assert_eq!(json_lines(&folder, &["payload", "list", "--json"]).len(), 2);
}

#[test]
fn captures_and_logs_are_told_apart_in_a_folder_and_on_standard_input() {
    let folder = Folder::new();
    let logs = folder.path().join("logs");
    std::fs::create_dir(&logs).unwrap();
    std::fs::copy(capture("masscan.pcap"), logs.join("a.pcap")).unwrap();
    let cowrie = r#"{"eventid":"cowrie.session.connect","session":"a","src_ip":"198.18.0.3","src_port":4000,"dst_ip":"192.0.2.1","dst_port":2222,"protocol":"ssh","sensor":"s","timestamp":"2026-03-01T00:00:00.000000Z"}"#;
    std::fs::write(logs.join("b.json"), cowrie).unwrap();
    let told = text(&folder, &["import", "logs"]);
    assert!(told.contains("a.pcap  pcap  ") && told.contains("b.json  cowrie  1 events"), "{told}");
    let marks = json_lines(&folder, &["top", "fingerprints", "--json"]);
    assert_eq!(count(&marks, "scanner:masscan", "events"), Some(100));
    let other = Folder::new();
    let mut child = kizashi(&other)
        .args(["import", "--json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&std::fs::read(capture("zmap.pcap")).unwrap()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let lines: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["file"], "-");
    assert_eq!(lines[0]["frames"], lines[1]["captures"]["frames"]);
    assert!(lines[1]["captures"]["tcp"]["syn_segments"].as_u64() >= Some(1), "{lines:?}");
}

#[test]
fn a_capture_that_was_cut_or_lies_goes_in_as_far_as_it_is_whole() {
    let folder = Folder::new();
    let whole = std::fs::read(capture("hping.pcap")).unwrap();
    folder.write("cut.pcap", &whole[..whole.len() - 7]);
    let told = text(&folder, &["import", "cut.pcap"]);
    assert!(told.contains("it was cut: the last"), "{told}");
    folder.write("lying.pcap", &[&whole[..], &[0xff; 64]].concat());
    let refusal = sentence(&folder, &["import", "lying.pcap"]);
    assert!(
        refusal.contains("broken after packet") && refusal.contains("what came before is in"),
        "{refusal}"
    );
    let refusal = sentence(&folder, &["import", "--format", "pcap", "nothing.pcap"]);
    assert!(refusal.contains("nothing.pcap"), "{refusal}");
    folder.write("letter.pcap", b"Dear Sir, no capture at all");
    let refusal = sentence(&folder, &["import", "--format", "pcap", "letter.pcap"]);
    assert!(refusal.contains("it is no capture"), "{refusal}");
    let wrong = run(&folder, &["import", "--local", "nowhere", "cut.pcap"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn a_growing_and_rotated_capture_is_followed() {
    let folder = Folder::new();
    let bytes = std::fs::read(capture("masscan.pcap")).unwrap();
    let half = bytes.len() / 2;
    let path = folder.write("live.pcap", &bytes[..half]);
    let mut child = kizashi(&folder)
        .args(["import", "--follow", "--local", "198.18.0.1", "live.pcap"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let wait = Duration::from_secs(30);
    eventually("the first half", wait, || events(&folder).filter(|events| *events >= 20));
    let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(&bytes[half..]).unwrap();
    drop(file);
    eventually("the second half", wait, || events(&folder).filter(|events| *events >= 100));
    std::fs::rename(&path, folder.path().join("live.pcap.1")).unwrap();
    std::fs::write(&path, std::fs::read(capture("hping.pcap")).unwrap()).unwrap();
    eventually("the next file", wait, || events(&folder).filter(|events| *events >= 110));
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    assert!(child.wait().unwrap().success());
}

/// Ends a program when the test does.
struct Capturing(std::process::Child);

impl Drop for Capturing {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Begins to capture the datagrams of 127.77.0.0/16 on loopback; `None` where the tool is not there or may not.
fn capturing(tool: &str, arguments: &[&str], folder: &Folder) -> Option<Capturing> {
    let child = std::process::Command::new(tool)
        .args(arguments)
        .current_dir(folder.path().join("ring"))
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(child) = child else {
        println!("skipped: {tool} is not there");
        return None;
    };
    let mut capturing = Capturing(child);
    let begun = std::time::Instant::now();
    let is_begun = || {
        std::fs::read_dir(folder.path().join("ring"))
            .unwrap()
            .any(|file| file.unwrap().metadata().is_ok_and(|file| file.len() >= 24))
    };
    while !is_begun() {
        let has_ended = capturing.0.try_wait().unwrap().is_some();
        if has_ended || begun.elapsed() > Duration::from_secs(30) {
            println!("skipped: {tool} may not capture here");
            return None;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Some(capturing)
}

/// Sends datagrams that are a flow each, of 500 bytes, from ports that the system gives nobody by itself.
fn send(from: u16, until: u16) {
    for number in from..until {
        let [high, low] = number.to_be_bytes();
        let source = std::net::Ipv4Addr::new(127, 77, high, low.max(1));
        let socket = std::net::UdpSocket::bind((source, 20_000 + number % 256)).unwrap();
        // The port is discard's; whoever listens there is none the wiser.
        let _ = socket.send_to(&[b'x'; 500], "127.0.0.1:9");
        // Slowly enough for a tool that hardly gets to run: what it loses no follower can find.
        if number % 50 == 0 {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A ring of real files is followed while it is written and written over, and every datagram is told once.
fn a_ring_is_followed(tool: &str, arguments: &[&str], name: &str) {
    // Whoever captures the loopback sees what the others send there.
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("ring")).unwrap();
    let Some(_capturing) = capturing(tool, arguments, &folder) else { return };
    let mut child = kizashi(&folder)
        .args(["import", "--follow", "--local", "127.0.0.1", name])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Ten parts of 0.5 MB through a ring of 3 MB at most: each is waited for, so that nothing is written over unread.
    for part in 0..10_u16 {
        send(part * 900, (part + 1) * 900);
        let wanted = (u64::from(part) + 1) * 900;
        let what = format!("{wanted} events of {tool}");
        eventually(&what, Duration::from_secs(60), || {
            events(&folder).filter(|count| *count >= wanted)
        });
    }
    assert_eq!(events(&folder), Some(9_000), "each datagram is an event, once");
    let files = std::fs::read_dir(folder.path().join("ring")).unwrap().count();
    assert!((2..=3).contains(&files), "the ring went round: {files} files of it are there");
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    let ended = child.wait().unwrap();
    assert!(ended.success(), "{ended:?}");
}

const OF_THE_TEST: &str = "udp and src net 127.77.0.0/16 and dst port 9";

#[test]
fn the_ring_of_a_real_tcpdump_is_followed() {
    let arguments = [
        "-i",
        "lo",
        "-n",
        "-U",
        "-B",
        "16384",
        "-Z",
        "root",
        "-C",
        "1",
        "-W",
        "3",
        "-w",
        "ring.pcap",
        OF_THE_TEST,
    ];
    a_ring_is_followed("tcpdump", &arguments, "ring/ring.pcap");
}

#[test]
fn the_ring_of_a_real_dumpcap_is_followed() {
    let arguments = [
        "-q",
        "-i",
        "lo",
        "-B",
        "64",
        "-b",
        "filesize:1000",
        "-b",
        "files:3",
        "-w",
        "ring.pcapng",
        "-f",
        OF_THE_TEST,
    ];
    a_ring_is_followed("dumpcap", &arguments, "ring/ring.pcapng");
}

#[test]
fn files_of_a_folder_are_followed_in_order_and_packed_ones_read_once() {
    let folder = Folder::new();
    let ring = folder.path().join("ring");
    std::fs::create_dir(&ring).unwrap();
    let plain = std::fs::read(capture("masscan.pcap")).unwrap();
    std::fs::write(ring.join("a.pcap"), &plain).unwrap();
    std::fs::write(ring.join("notes.txt"), "no capture, but long enough to be one").unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&std::fs::read(capture("hping.pcap")).unwrap()).unwrap();
    std::fs::write(ring.join("b.pcap.gz"), packed.finish().unwrap()).unwrap();
    let mut child = kizashi(&folder)
        .args(["import", "--follow", "--local", "198.18.0.1", "ring"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let wait = Duration::from_secs(30);
    eventually("both", wait, || events(&folder).filter(|events| *events >= 110));
    // What was read is packed, as `tcpdump -z gzip` does, and another file comes.
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&plain).unwrap();
    std::fs::write(ring.join("a.pcap.gz"), packed.finish().unwrap()).unwrap();
    std::fs::remove_file(ring.join("a.pcap")).unwrap();
    std::fs::write(ring.join("c.pcap"), std::fs::read(capture("mirai.pcap")).unwrap()).unwrap();
    eventually("the next", wait, || events(&folder).filter(|events| *events >= 130));
    assert_eq!(events(&folder), Some(130));
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn backscatter_is_told_by_victim_and_port() {
    // What an attack elsewhere in our name brings: answers of a server that we never spoke to.
    let folder = Folder::new();
    let script = "from scapy.all import IP, TCP, Ether, wrpcap
link = Ether(src='02:00:00:00:00:02', dst='02:00:00:00:00:01')
wrpcap('back.pcap', [link / IP(src='198.51.100.7', dst='192.0.2.1') / TCP(sport=443, dport=1024 + n, flags='SA') for n in range(30)]
    + [link / IP(src='198.51.100.8', dst='192.0.2.1') / TCP(sport=443, dport=9, flags='R') for n in range(2)])";
    let made = std::process::Command::new("/usr/bin/python3")
        .args(["-c", script])
        .current_dir(folder.path())
        .output();
    if !made.is_ok_and(|made| made.status.success()) {
        println!("skipped: scapy is not there (python3-scapy)");
        return;
    }
    let told = text(&folder, &["import", "--local", "192.0.2.1", "back.pcap"]);
    for line in [
        "32 answers to what we never sent",
        "198.51.100.7 tcp/443: 30 SYN-ACK, 0 RST, 0 ICMP",
        "198.51.100.8 tcp/443: 0 SYN-ACK, 2 RST, 0 ICMP",
        "tcp/443, 2 addresses: 30 SYN-ACK, 2 RST, 0 ICMP",
    ] {
        assert!(told.contains(line), "{line} in {told}");
    }
    assert_eq!(events(&folder).unwrap_or_default(), 0, "no attempt of anybody's");
}
