//! `kizashi up` and `kizashi demo`, visited.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Folder, Running, eventually, http, json_lines, run};

#[test]
fn what_visitors_do_is_stored_and_told_also_after_a_restart_and_after_a_kill() {
    let folder = Folder::new();
    let up = Running::up(&folder);
    let page = http(up.address("http"), "/.env?x=1", "User-Agent: zgrab/0.x\r\n");
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("APP_KEY="), "{page}");
    let mut visitor = TcpStream::connect(up.address("any")).unwrap();
    visitor.write_all(b"*1\r\n$4\r\nINFO\r\n").unwrap();
    visitor.shutdown(std::net::Shutdown::Write).unwrap();
    let _ = visitor.read_to_end(&mut Vec::new());
    let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
    let udp =
        up.lines.iter().rfind(|line| line.starts_with("any") && line.ends_with("/udp")).unwrap();
    let udp = udp.split_whitespace().nth(1).unwrap().trim_end_matches("/udp");
    datagrams.send_to(b"OPTIONS sip:100@192.0.2.1 SIP/2.0\r\n\r\n", udp).unwrap();
    let paths = || {
        let output = run(&folder, &["top", "paths", "--data", "data", "--json"]);
        String::from_utf8(output.stdout).unwrap()
    };
    eventually("the request in the store", Duration::from_secs(5), || {
        paths().contains("/.env?x=1").then_some(())
    });
    eventually("the datagram in the store", Duration::from_secs(5), || {
        let services = json_lines(&folder, &["top", "services", "--data", "data", "--json"]);
        let named = |name: &str| services.iter().any(|row| row["key"] == name);
        (named("http") && named("redis") && named("sip")).then_some(())
    });
    let status = up.api("/api/v1/status");
    assert_eq!(status["demo"], false);
    assert!(status["store"]["events"].as_u64() >= Some(5), "{status}");
    let feed = up.api("/api/v1/events?limit=50");
    assert!(
        feed["events"]
            .as_array()
            .unwrap()
            .iter()
            .any(|event| event["text"].to_string().contains("/.env"))
    );
    up.stop();
    let before = json_lines(&folder, &["status", "--data", "data", "--json"])[0]["events"].as_u64();
    let again = Running::start(&folder, &["up", "--data", "data"]);
    http(again.address("http"), "/after-the-restart", "");
    eventually("the second request", Duration::from_secs(5), || {
        paths().contains("/after-the-restart").then_some(())
    });
    again.kill();
    let third = Running::start(&folder, &["up", "--data", "data"]);
    let after = third.api("/api/v1/status")["store"]["events"].as_u64();
    assert!(after > before, "{before:?} then {after:?}");
    third.stop();
}

#[test]
fn an_installation_keeps_its_face_and_two_do_not_share_one() {
    let face = |folder: &Folder| {
        let up = Running::up(folder);
        let page = http(up.address("http"), "/", "");
        up.stop();
        // A site's cookies and tokens are each visit's own.
        let lasting = ["HTTP/", "Server:", "X-Powered-By:", "Content-Type:"];
        let is_lasting = |line: &&str| lasting.iter().any(|name| line.starts_with(name));
        let title = page.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next());
        let mut face: Vec<String> = page.lines().filter(is_lasting).map(str::to_owned).collect();
        face.extend(title.map(str::to_owned));
        face
    };
    let first = Folder::new();
    assert_eq!(face(&first), face(&first));
    let others: Vec<Vec<String>> = (0..4).map(|_| face(&Folder::new())).collect();
    assert!(others.iter().any(|other| *other != face(&first)));
}

#[test]
fn the_demo_shows_ports_scores_and_signs_within_ten_seconds_and_leaves_nothing() {
    let folder = Folder::new();
    let temporary = folder.path().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let began = Instant::now();
    let demo = Running::start(&folder, &["demo", "--port", "0"]);
    // Built for tests it is several times slower than what people run; what is measured is in ARCHITECTURE.md.
    let longest =
        if cfg!(debug_assertions) { Duration::from_secs(90) } else { Duration::from_secs(10) };
    let signs =
        eventually("the first sign of a port", longest.saturating_sub(began.elapsed()), || {
            let signs = demo.api("/api/v1/signs");
            let of_a_port =
                |sign: &Value| sign["key"].as_str().is_some_and(|key| key.starts_with("tcp/"));
            signs["signs"].as_array().filter(|signs| signs.iter().any(of_a_port)).cloned()
        });
    assert!(!signs.is_empty());
    let ports = demo.api("/api/v1/top?kind=ports&limit=100");
    let ports = ports["rows"].as_array().unwrap();
    assert!(ports.len() > 20);
    assert!(ports.iter().any(|port| port["hourly"].is_number()));
    assert!(demo.api("/api/v1/status")["demo"].as_bool().unwrap());
    demo.stop();
    let left: Vec<_> = std::fs::read_dir(&temporary)
        .unwrap()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("kizashi-demo-"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
