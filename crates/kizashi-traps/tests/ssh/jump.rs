//! OpenSSH through the trap to further servers (`ssh -J`): to this machine itself, to another host, and through this machine twice.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};

use kizashi_event::Detail;

use crate::house::{House, OPTIONS, commands, installed, logins, notes, open, said};

/// `ssh -J`, where each of the servers asks for a password.
fn jump(house: &House, jumps: &str, more: &[&str]) -> Output {
    let folder = house.folder();
    let config = folder.join("config");
    let pairs = OPTIONS[2..].iter().filter(|word| **word != "-o");
    let lines: Vec<String> = pairs.map(|pair| pair.replacen('=', " ", 1)).collect();
    std::fs::write(&config, format!("{}\nNumberOfPasswordPrompts 1\n", lines.join("\n"))).unwrap();
    let script = folder.join("password");
    std::fs::write(&script, "#!/bin/sh\necho letmein9\n").unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    Command::new("timeout")
        .args(["60", "ssh", "-F", config.to_str().unwrap(), "-J", jumps])
        .args(more)
        .env("SSH_ASKPASS", &script)
        .env("SSH_ASKPASS_REQUIRE", "force")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn a_jump_to_the_machine_itself_gets_in_and_all_of_it_is_told() {
    if !installed("ssh") {
        return;
    }
    let house = open();
    let first = format!("root@127.0.0.1:{}", house.port());
    let output = jump(&house, &first, &["root@localhost", "hostname; sleep 1; echo within"]);
    assert!(said(&output).ends_with("within\n"), "{}", said(&output));
    assert_eq!(output.status.code(), Some(0));
    let events = house.close();
    assert_eq!(commands(&events), ["hostname; sleep 1; echo within"]);
    let right = ("root".to_owned(), "letmein9".to_owned(), true);
    assert_eq!(logins(&events).iter().filter(|login| **login == right).count(), 2);
    let forwards = events.iter().filter(|event| matches!(&event.detail, Detail::Forward { host, port: 22, .. } if host.raw() == "localhost"));
    assert_eq!(forwards.count(), 1);
}

#[test]
fn another_host_has_keys_of_its_own_and_refuses_and_what_was_tried_is_told() {
    if !installed("ssh") || !installed("ssh-keyscan") {
        return;
    }
    let house = open();
    let first = format!("root@127.0.0.1:{}", house.port());
    let keys = |host: &str| {
        let known = house.folder().join(format!("known-{host}"));
        let option = format!("UserKnownHostsFile={}", known.display());
        let target = format!("admin@{host}");
        let output =
            jump(&house, &first, &["-o", &option, "-o", "HashKnownHosts=no", &target, "id"]);
        assert!(said(&output).contains("Permission denied"), "{}", said(&output));
        let text = std::fs::read_to_string(known).unwrap();
        let key = |line: &str| line.split_once(' ').map(|(_, key)| key.to_owned());
        text.lines().filter_map(key).collect::<Vec<_>>()
    };
    let (one, again, other) = (keys("192.0.2.33"), keys("192.0.2.33"), keys("192.0.2.34"));
    assert!(!one.is_empty() && one == again && one != other);
    let events = house.close();
    let tried = notes(&events, "login beyond");
    assert_eq!(tried[0], "192.0.2.33:22 admin/letmein9");
    assert!(logins(&events).iter().all(|login| login.0 == "root"), "none of them is a login here");
}

#[test]
fn a_second_jump_within_the_first_is_hung_up_on() {
    if !installed("ssh") {
        return;
    }
    let house = open();
    let jumps = format!("root@127.0.0.1:{},root@localhost", house.port());
    let output = jump(&house, &jumps, &["root@127.0.0.1", "echo never"]);
    assert!(!said(&output).contains("never\n"), "{}", said(&output));
    assert_eq!(output.status.code(), Some(255));
}
