//! The traps of things and of remote access over real sockets, asked by the programs that scanners and people use.
#![allow(clippy::print_stdout, reason = "a test says what it skips")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![allow(dead_code, reason = "the house of the datagrams' tests can more than is needed here")]

#[path = "datagrams/house.rs"]
mod house;

use std::process::Command;

use house::{House, installed, notes, passwords, said};
use kizashi_event::{Detail, Event};
use kizashi_traps::{Identity, LoginSettings, trap_named};

fn house(name: &str, seed: u8) -> House {
    let logins = LoginSettings { tries: 1..=1, ..LoginSettings::default() };
    House::of(&[trap_named(name).unwrap()], Identity::draw([seed; 32]).with_logins(logins))
}

fn nmap(name: &str, seed: u8, more: &[&str]) -> (String, Vec<Event>) {
    let house = house(name, seed);
    let port = house.port();
    let usual = ["-n", "-Pn", "-p", &port, "127.0.0.1"];
    let shown = said("nmap", &[more, &usual[..]].concat(), None);
    (shown, house.close())
}

/// The same on the port on which nmap expects the service, which is asked for it first.
fn nmap_at(name: &str, port: u16, more: &[&str]) -> String {
    let house = House::tcp_at(trap_named(name).unwrap(), port);
    let address = house.address.ip().to_string();
    let usual = ["-n", "-Pn", "-p", &port.to_string(), &address];
    let shown = said("nmap", &[more, &usual[..]].concat(), None);
    house.close();
    shown
}

/// The first installation of which a client says this.
fn seed_where(name: &str, wanted: impl Fn(&House) -> bool) -> u8 {
    let found = (0..20).find(|seed| {
        let house = house(name, *seed);
        let found = wanted(&house);
        house.close();
        found
    });
    found.expect("one of twenty installations")
}

fn hears(house: &House, more: &[&str]) -> String {
    let port = house.port();
    let usual =
        ["-h", "127.0.0.1", "-p", &port, "-W", "10", "-C", "1", "-t", "$SYS/broker/version"];
    said("mosquitto_sub", &[&usual[..], more].concat(), None)
}

#[test]
fn mosquittos_own_clients_read_the_version_and_publish_in_each_version_and_quality() {
    if !installed("mosquitto_sub") {
        return;
    }
    let open = seed_where("mqtt", |house| hears(house, &[]) == "mosquitto version 2.0.11\n");
    let house = house("mqtt", open);
    assert_eq!(hears(&house, &["-V", "5"]), "mosquitto version 2.0.11\n");
    let port = house.port();
    for (version, quality) in [("31", "0"), ("311", "1"), ("5", "2")] {
        let asked = ["-h", "127.0.0.1", "-p", &port, "-V", version, "-q", quality, "-t", "lab/x"];
        let message = format!("{version}-{quality}");
        assert_eq!(said("mosquitto_pub", &[&asked[..], &["-m", &message]].concat(), None), "");
    }
    let events = house.close();
    let told = events.iter().filter_map(|event| event.detail.payload());
    let told: Vec<_> = told.map(|payload| payload.content.clone()).collect();
    assert_eq!(told, [b"31-0".to_vec(), b"311-1".to_vec(), b"5-2".to_vec()]);
    assert_eq!(notes(&events, "mqtt publish"), ["lab/x"; 3]);
}

#[test]
fn a_broker_that_asks_for_a_password_refuses_a_wrong_one_in_either_versions_words() {
    if !installed("mosquitto_sub") {
        return;
    }
    let closed = seed_where("mqtt", |house| hears(house, &[]).contains("not authorised"));
    let house = house("mqtt", closed);
    let wrong = hears(&house, &["-V", "5", "-u", "admin", "-P", "zzyzx"]);
    assert!(wrong.contains("Not authorized"), "{wrong}");
    assert_eq!(hears(&house, &["-u", "admin", "-P", "admin"]), "mosquitto version 2.0.11\n");
    let told = passwords(&house.close());
    assert_eq!(told, [("zzyzx".to_owned(), false), ("admin".to_owned(), true)]);
}

#[test]
fn hydra_finds_the_recorders_weak_password_and_each_digest_is_told() {
    if !installed("hydra") {
        return;
    }
    let house = house("rtsp", 1);
    let list = std::env::temp_dir().join(format!("kizashi-rtsp-{}", std::process::id()));
    std::fs::write(&list, "zzyzx\nadmin\n").unwrap();
    let (port, file) = (house.port(), list.to_str().unwrap());
    let asked = ["-I", "-t", "1", "-l", "admin", "-P", file, "-s", &port, "127.0.0.1", "rtsp"];
    let shown = said("hydra", &asked, None);
    std::fs::remove_file(list).unwrap();
    assert!(shown.contains("1 valid password found"), "{shown}");
    let events = house.close();
    assert!(passwords(&events).contains(&("admin".to_owned(), true)), "{events:?}");
}

#[test]
fn nmap_names_the_recorder_and_the_concentrator() {
    if !installed("nmap") {
        return;
    }
    let shown = nmap_at("rtsp", 8554, &["-sV", "--version-light", "--script", "+rtsp-methods"]);
    assert!(shown.contains("rtsp    Hikvision DVR rtspd"), "{shown}");
    assert!(shown.contains("OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, PAUSE"), "{shown}");
    let (shown, events) = nmap("pptp", 1, &["-sV", "--version-light", "--script", "+pptp-version"]);
    assert!(shown.contains("linux (Firmware: 1)") && shown.contains("Host: local"), "{shown}");
    let client = events.iter().find_map(|event| match &event.detail {
        Detail::Client { version, .. } => version.as_ref().map(|text| text.raw().to_owned()),
        _ => None,
    });
    assert_eq!(client.as_deref(), Some("none nmap"));
}

#[test]
fn nmap_names_teamviewer_and_reads_the_brokers_topics() {
    if !installed("nmap") {
        return;
    }
    let (shown, _) = nmap("teamviewer", 1, &["-sV", "--version-light"]);
    assert!(shown.contains("teamviewer TeamViewer"), "{shown}");
}

#[test]
fn rsync_lists_modules_and_its_password_is_told_where_it_is_a_weak_one() {
    if !installed("rsync") {
        return;
    }
    let house = house("rsync", 7);
    let list = said("rsync", &[&format!("rsync://127.0.0.1:{}/", house.port())], None);
    assert!(list.starts_with("www            \tweb root\nbackup"), "{list}");
    let url = format!("rsync://admin@127.0.0.1:{}/backup/", house.port());
    for (password, said) in
        [("zzyzx", "auth failed on module backup"), ("admin", "No such file or directory (2)")]
    {
        let mut command = Command::new("timeout");
        let output = command.args(["60", "rsync", &url]).env("RSYNC_PASSWORD", password).output();
        let shown = String::from_utf8_lossy(&output.unwrap().stderr).into_owned();
        assert!(shown.contains(said), "{shown}");
    }
    let events = house.close();
    assert_eq!(passwords(&events), [("admin".to_owned(), true)]);
    assert_eq!(notes(&events, "rsync challenge and response").len(), 2);
    if installed("nmap") {
        let (shown, _) = nmap("rsync", 7, &["--script", "+rsync-list-modules"]);
        assert!(shown.contains("web root"), "{shown}");
    }
}

#[test]
fn an_x_client_reads_the_screen_where_it_is_let_in() {
    if !installed("xdpyinfo") {
        return;
    }
    // A display's number is that of its port, from 6000 on.
    let shown = |house: &House| {
        let number = house.address.port() - 6_000;
        said("xdpyinfo", &["-display", &format!("127.0.0.1:{number}")], None)
    };
    let open =
        seed_where("x11", |house| shown(house).contains("vendor string:    The X.Org Foundation"));
    let closed = seed_where("x11", |house| shown(house).contains("No protocol specified"));
    let house = house("x11", open);
    let screen = shown(&house);
    house.close();
    assert!(screen.contains("X.Org version: 1.21.1.7"), "{screen}");
    assert!(screen.contains("dimensions:    1920x1080 pixels (508x286 millimeters)"), "{screen}");
    assert!(screen.contains("depth of root window:    24 planes"), "{screen}");
    if installed("nmap") {
        let (let_in, _) = nmap("x11", open, &["--script", "+x11-access"]);
        assert!(let_in.contains("X server access is granted"), "{let_in}");
        let (refused, _) = nmap("x11", closed, &["--script", "+x11-access"]);
        assert!(!refused.contains("X server access is granted"), "{refused}");
    }
}

/// Where Debian's `cups-ipp-utils` puts its questions.
const QUESTIONS: &str = "/usr/share/cups/ipptool";

#[test]
fn a_print_servers_own_client_finds_a_printer_and_prints_and_the_document_is_kept() {
    if !installed("ipptool") {
        return;
    }
    let house = house("ipp", 3);
    let port = house.port();
    let ask = |uri: &str, file: &str, test: &str| {
        let test = format!("{QUESTIONS}/{test}.test");
        said("ipptool", &["-tv", "-f", file, uri, &test], None)
    };
    let none = std::env::temp_dir().join(format!("kizashi-ipp-{}", std::process::id()));
    std::fs::write(&none, "%!PS\n(leaflet) show\n").unwrap();
    let file = none.to_str().unwrap();
    let found = ask(&format!("ipp://127.0.0.1:{port}/"), file, "get-printers");
    assert!(found.contains("CUPS-Get-Printers") && found.contains("[PASS]"), "{found}");
    let uri = found.lines().find_map(|line| line.split("printer-uri-supported (uri) = ").nth(1));
    let uri = uri.unwrap().trim();
    for test in ["get-printer-attributes", "validate-job", "print-job", "create-job", "get-jobs"] {
        let shown = ask(uri, file, test);
        assert!(shown.contains("[PASS]") && !shown.contains("[FAIL]"), "{test}: {shown}");
    }
    std::fs::remove_file(none).unwrap();
    let events = house.close();
    let kept = events.iter().filter_map(|event| match &event.detail {
        Detail::Payload(kept) if kept.content.starts_with(b"%!PS") => Some(kept.size),
        _ => None,
    });
    assert_eq!(kept.collect::<Vec<_>>(), [Some(20); 2]);
    let told = notes(&events, "ipp operation");
    assert!(told.iter().any(|note| note.starts_with("Print-Job printer-uri=ipp://")), "{told:?}");
}

#[test]
fn nmap_names_the_print_server_and_reads_its_queues() {
    if !installed("nmap") {
        return;
    }
    let shown = nmap_at("ipp", 631, &["-sV", "--script", "cups-info,cups-queue-info"]);
    assert!(shown.contains("CUPS 2.4"), "{shown}");
    assert!(shown.contains("Printer: Idle") || shown.contains("State: Idle"), "{shown}");
}
