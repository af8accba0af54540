//! Programs that people and attackers use, run against the trap. One that is not installed is skipped with a printed line;
//! `scripts/test` installs them all.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use kizashi_traps::TelnetFace;

use crate::house::{commands, installed, logins, open, said};

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
            let house = open(face);
            let port = house.port();
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

/// Only the BusyBox faces: nmap 7.93 has no fingerprint of inetutils 2.4 and tries all its probes for most of a minute.
#[test]
fn nmap_takes_a_device_for_what_it_imitates() {
    if !installed("nmap") {
        return;
    }
    let house = open(TelnetFace::Router);
    let port = house.port();
    let output = Command::new("nmap")
        .args(["-sT", "-sV", "-Pn", "-n", "--version-intensity", "0", "-p", &port, "127.0.0.1"])
        .output()
        .unwrap();
    let shown = said(&output);
    let line = shown.lines().find(|line| line.contains("/tcp")).unwrap_or_default();
    assert!(line.contains("open") && line.contains("BusyBox telnetd"), "{shown}");
    house.close();
}

/// One password a run: from the second on, hydra 9.4 sends a carriage return in place of the name's first letter.
#[test]
fn hydra_finds_the_password_and_only_it() {
    if !installed("hydra") {
        return;
    }
    let house = open(TelnetFace::Router);
    let port = house.port();
    let try_one = |password: &str| {
        let output = Command::new("timeout")
            .args([
                "30", "hydra", "-I", "-w", "6", "-l", "root", "-p", password, "-t", "1", "-s",
                &port,
            ])
            .args(["127.0.0.1", "telnet"])
            .current_dir(house.folder())
            .output()
            .unwrap();
        said(&output)
    };
    let (refused, found) = (try_one("Zq9-unknown"), try_one("vizxv"));
    assert!(refused.contains("0 valid password found"), "{refused}");
    assert!(found.contains("login: root   password: vizxv"), "{found}");
    let expected = |password: &str, accepted| ("root".to_owned(), password.to_owned(), accepted);
    assert_eq!(logins(&house.close()), [expected("Zq9-unknown", false), expected("vizxv", true)]);
}
