//! What real scanners are known as, in captures of them that are kept, and in fresh ones made in network namespaces of their own
//! where this machine lets us.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;

use kizashi_event::{Detail, Event};
use kizashi_wire::{Counts, import};

use crate::observing::observer;
use crate::peers::{is_there, our_tally, tshark_tally};

fn read(file: &Path) -> (Vec<Event>, Counts) {
    // zmap swept a network in which the visitor has an address too.
    let swept = ["198.18.0.0/29", "198.18.0.8", "198.18.0.10/31", "198.18.0.12/30"];
    let mut observer = match file.ends_with("zmap.pcap") {
        true => observer(&swept),
        false => observer(&["198.18.0.1", "2001:db8::1"]),
    };
    let mut events = Vec::new();
    let mut sink = |event| {
        events.push(event);
        ControlFlow::Continue(())
    };
    let report = import(file, &mut observer, &mut |_| {}, &mut sink);
    observer.finish(&mut sink);
    assert_eq!((report.fault, report.left_over, report.lost), (None, 0, 0));
    (events, observer.counts().clone())
}

/// How often each mark of these kinds was told.
fn marks(events: &[Event], kinds: &[&str]) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for event in events {
        if let Detail::Attempt(attempt) = &event.detail {
            for mark in &attempt.fingerprints {
                if kinds.iter().any(|kind| mark.raw().starts_with(kind)) {
                    *found.entry(mark.raw().to_owned()).or_default() += 1;
                }
            }
        }
    }
    found
}

fn check(folder: &Path) {
    let read = |name: &str| read(&folder.join(name));
    let only = |events: &[Event]| marks(events, &["os:", "scanner:", "probe:"]);

    let (events, counts) = read("nmap-ss.pcap");
    assert_eq!(counts.tcp.half_open, 1, "{counts:?}");
    assert_eq!(counts.tcp.refused, 199);
    assert_eq!(only(&events), BTreeMap::from([("scanner:nmap".into(), 200)]));
    assert_eq!(counts.scans, 1);

    let (events, counts) = read("nmap-st.pcap");
    assert_eq!((counts.tcp.completed, counts.tcp.refused), (1, 20));
    assert_eq!(only(&events).keys().collect::<Vec<_>>(), ["os:linux-5"]);

    let (events, _) = read("nmap-o.pcap");
    assert!(
        only(&events).get("scanner:nmap-os").is_some_and(|count| *count >= 6),
        "{:?}",
        only(&events)
    );

    let (events, counts) = read("nmap-odd.pcap");
    let found = only(&events);
    for probe in ["probe:null", "probe:fin", "probe:xmas"] {
        assert!(found.get(probe).is_some_and(|count| *count >= 20), "{found:?}");
    }
    assert!(counts.strays >= 21, "the scan by acknowledgements belongs to nothing: {counts:?}");

    let (events, counts) = read("nmap-su.pcap");
    assert!(counts.udp_flows >= 5, "{counts:?}");
    let udp: Vec<_> = events
        .iter()
        .map(|event| (event.port.to_string(), event.service.name().to_owned()))
        .collect();
    for wanted in [
        ("udp/53", "dns"),
        ("udp/123", "ntp"),
        ("udp/161", "snmp"),
        ("udp/500", "ike"),
        ("udp/1900", "upnp"),
    ] {
        assert!(udp.contains(&(wanted.0.to_owned(), wanted.1.to_owned())), "{wanted:?} in {udp:?}");
    }

    let (events, counts) = read("nmap-6.pcap");
    assert_eq!(counts.tcp.refused + counts.tcp.half_open, 21);
    assert_eq!(only(&events), BTreeMap::from([("scanner:nmap".into(), 21)]));

    let (events, counts) = read("masscan.pcap");
    assert_eq!(only(&events), BTreeMap::from([("scanner:masscan".into(), 100)]), "{counts:?}");

    let (events, _) = read("zmap.pcap");
    let found = only(&events);
    assert_eq!(found.keys().collect::<Vec<_>>(), ["scanner:zmap"]);
    assert!(found["scanner:zmap"] >= 14, "{found:?}");

    let (events, _) = read("hping.pcap");
    assert_eq!(only(&events), BTreeMap::from([("scanner:hping".into(), 10)]));

    let (events, counts) = read("curl.pcap");
    assert_eq!(only(&events), BTreeMap::from([("os:linux-5".into(), 2)]));
    assert_eq!((counts.tcp.completed, counts.conversations), (2, 2));
    let said: Vec<_> = events.iter().filter_map(|event| event.detail.payload()).collect();
    assert!(said.iter().all(|payload| payload.content.starts_with(b"GET / HTTP/1.1\r\nHost: ")));
    assert!(
        events
            .iter()
            .filter(|event| event.detail.payload().is_some())
            .all(|event| event.service.name() == "http")
    );
}

/// Mirai's own scanner, unicornscan where it is there, and a client of OpenSSH.
fn check_botnet_and_client(folder: &Path) {
    let read = |name: &str| read(&folder.join(name));
    let only = |events: &[Event]| marks(events, &["os:", "scanner:", "probe:"]);

    let (events, counts) = read("mirai.pcap");
    assert_eq!(only(&events), BTreeMap::from([("scanner:mirai".into(), 20)]), "{counts:?}");

    if folder.join("unicornscan.pcap").exists() {
        let (events, _) = read("unicornscan.pcap");
        assert!(only(&events)["scanner:unicornscan"] >= 49, "{:?}", only(&events));
    }

    let (events, _) = read("ssh.pcap");
    assert_eq!(only(&events), BTreeMap::from([("os:linux-5".into(), 1)]));
    let clients: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.detail {
            Detail::Client { version: Some(version), fingerprint: Some(fingerprint), .. } => {
                Some((version.raw().to_owned(), fingerprint.raw().to_owned()))
            }
            _ => None,
        })
        .collect();
    let [(version, fingerprint)] = &clients[..] else { panic!("{clients:?}") };
    assert!(version.starts_with("SSH-2.0-OpenSSH_"), "{version}");
    if is_there("tshark") {
        let output = Command::new("tshark")
            .arg("-r")
            .arg(folder.join("ssh.pcap"))
            .args(["-T", "fields", "-e", "ssh.kex.hassh", "-Y", "ssh.kex.hassh"])
            .output()
            .unwrap();
        let theirs = String::from_utf8(output.stdout).unwrap();
        assert_eq!(*fingerprint, format!("hassh:{}", theirs.trim()));
    }
}

#[test]
fn scanners_and_systems_are_known_in_captures_of_real_tools() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    check(&kept);
    check_botnet_and_client(&kept);
}

#[test]
fn the_same_holds_in_captures_made_now() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/make-captures");
    let tools = ["ip", "tcpdump", "nmap", "masscan", "zmap", "hping3", "curl", "ssh", "tshark"];
    if !tools.iter().all(|tool| is_there(tool)) {
        return;
    }
    let scapy = Command::new("/usr/bin/python3").args(["-c", "import scapy"]).output();
    if !scapy.is_ok_and(|output| output.status.success()) {
        println!("skipped: scapy is not there (python3-scapy)");
        return;
    }
    let folder = std::env::temp_dir().join(format!("kizashi-captures-{}", std::process::id()));
    let _remove = Remove(folder.clone());
    let output = Command::new(script).arg(&folder).output().unwrap();
    if output.status.code() == Some(3) {
        println!("skipped: {}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    check(&folder);
    check_botnet_and_client(&folder);
    for entry in std::fs::read_dir(&folder).unwrap() {
        let file = entry.unwrap().path();
        assert_eq!(our_tally(&file), tshark_tally(&file), "{}", file.display());
    }
}

struct Remove(PathBuf);

impl Drop for Remove {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
