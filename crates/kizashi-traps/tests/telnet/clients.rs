//! Programs that people and attackers use, run against the trap. One that is not installed is skipped with a printed line;
//! `scripts/test` installs them all.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use kizashi_traps::TelnetFace;

use crate::house::{House, commands, logins};

fn installed(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap();
    if !found.status.success() {
        println!("skipped: {program} is not installed");
    }
    found.status.success()
}

/// Types these lines, a moment apart, and gives what the client showed.
fn type_into(program: &str, arguments: &[&str], lines: &[&str]) -> String {
    let mut child = Command::new("timeout")
        .arg("20")
        .arg(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut keyboard = child.stdin.take().unwrap();
    for line in lines {
        std::thread::sleep(Duration::from_millis(400));
        keyboard.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
    std::thread::sleep(Duration::from_millis(400));
    drop(keyboard);
    String::from_utf8_lossy(&child.wait_with_output().unwrap().stdout).into_owned()
}

#[test]
fn telnet_and_busybox_telnet_log_in_and_run_a_command_on_every_face() {
    for (program, first) in [("telnet", None), ("busybox", Some("telnet"))] {
        if !installed(program) {
            continue;
        }
        for face in TelnetFace::ALL {
            let house = House::open(face);
            let port = house.address.port().to_string();
            let arguments: Vec<&str> = first.into_iter().chain(["127.0.0.1", &port]).collect();
            let shown = type_into(program, &arguments, &["root", "root", "uname", "exit"]);
            assert!(shown.contains("ogin: ") && shown.contains("Linux"), "{program}: {shown}");
            let events = house.close();
            assert_eq!(
                logins(&events),
                [("root".into(), "root".into(), true)],
                "{program} {shown}"
            );
            assert_eq!(commands(&events), ["uname", "exit"], "{program}");
        }
    }
}

#[test]
fn nmap_takes_each_face_for_what_it_imitates() {
    if !installed("nmap") {
        return;
    }
    for (face, product) in [
        (TelnetFace::Router, "BusyBox telnetd"),
        (TelnetFace::Camera, "BusyBox telnetd"),
        (TelnetFace::Linux, "telnet"),
    ] {
        let house = House::open(face);
        let port = house.address.port().to_string();
        let output = Command::new("nmap")
            .args(["-sT", "-sV", "-Pn", "-n", "-p", &port, "127.0.0.1"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = said.lines().find(|line| line.contains("/tcp")).unwrap_or_default();
        println!("{}: {line}", face.name());
        assert!(line.contains("open") && line.contains(product), "{said}");
        house.close();
    }
}

#[test]
fn hydra_finds_the_password_and_only_it() {
    if !installed("hydra") {
        return;
    }
    let house = House::open(TelnetFace::Router);
    let port = house.address.port().to_string();
    let folder = std::env::temp_dir().join(format!("kizashi-hydra-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let list = folder.join("passwords");
    std::fs::write(&list, "Zq9-unknown\nvizxv\n").unwrap();
    let output = Command::new("timeout")
        .args(["60", "hydra", "-I", "-l", "root", "-t", "1", "-s", &port, "-P"])
        .arg(&list)
        .args(["127.0.0.1", "telnet"])
        .current_dir(&folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(said.contains("login: root   password: vizxv"), "{said}");
    assert!(!said.contains("password: Zq9"), "{said}");
    let events = house.close();
    assert!(logins(&events).contains(&("root".into(), "vizxv".into(), true)));
}
