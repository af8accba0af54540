//! Logging in with a key: refused and told, taken where the owner says so, and taken once a visitor has planted it.

use std::process::{Command, Output};

use kizashi_event::{Detail, Event};
use kizashi_traps::{KeyRule, LoginSettings, WebServer};

use crate::house::{House, installed, logins, of, open, said, ssh, with_logins};

fn tools() -> bool {
    ["ssh", "ssh-keygen", "sshpass"].into_iter().all(installed)
}

/// A new key of this kind: the file of its private half, and what `ssh-keygen -l` shows of it.
fn new_key(house: &House, kind: &str) -> (String, String) {
    let key = house.folder().join(format!("key-{kind}"));
    let key = key.to_str().unwrap().to_owned();
    let made = Command::new("ssh-keygen").args(["-q", "-t", kind, "-N", "", "-f", &key]).status();
    assert!(made.unwrap().success());
    let shown = Command::new("ssh-keygen").args(["-l", "-f", &key]).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    (key, shown.split_whitespace().nth(1).unwrap().to_owned())
}

fn with_key(house: &House, key: &str) -> Output {
    Command::new("timeout")
        .args(["20", "ssh", "-F", "/dev/null", "-o", "StrictHostKeyChecking=no"])
        .args(["-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes"])
        .args(["-o", "PreferredAuthentications=publickey", "-o", "IdentitiesOnly=yes"])
        .args(["-l", "root", "-p", &house.port(), "-i", key])
        .args(["127.0.0.1", "echo in by key"])
        .output()
        .unwrap()
}

/// Keys that were offered, and whether they got in.
fn offered(events: &[Event]) -> Vec<(String, bool)> {
    let key = |event: &Event| match &event.detail {
        Detail::Login { public_key: Some(key), accepted, .. } => {
            Some((key.raw().to_owned(), *accepted))
        }
        _ => None,
    };
    events.iter().filter_map(key).collect()
}

#[test]
fn a_key_is_told_by_its_fingerprint_and_refused() {
    if !tools() {
        return;
    }
    let house = open();
    let (key, fingerprint) = new_key(&house, "ed25519");
    let output = with_key(&house, &key);
    assert!(said(&output).contains("Permission denied (publickey,password"), "{}", said(&output));
    assert_eq!(offered(&house.close()), [(fingerprint, false)]);
}

#[test]
fn a_key_that_a_visitor_has_written_lets_him_in_from_then_on() {
    if !tools() {
        return;
    }
    for (kind, server) in [
        ("ed25519", WebServer::NginxDebian12),
        ("ecdsa", WebServer::ApacheUbuntu24),
        ("rsa", WebServer::NginxUbuntu20),
    ] {
        let house = of(server);
        let (key, fingerprint) = new_key(&house, kind);
        let public = std::fs::read_to_string(format!("{key}.pub")).unwrap();
        let plant = format!(
            "cd ~ && rm -rf .ssh && mkdir .ssh && echo \"{}\">>.ssh/authorized_keys && chmod -R go= ~/.ssh && cd ~",
            public.trim()
        );
        assert!(!with_key(&house, &key).status.success());
        ssh(&house, &["127.0.0.1", &plant], "");
        let output = with_key(&house, &key);
        assert_eq!(output.stdout, b"in by key\n", "{kind}: {}", said(&output));
        let events = house.close();
        assert_eq!(offered(&events), [(fingerprint.clone(), false), (fingerprint, true)], "{kind}");
        assert_eq!(logins(&events), [("root".into(), "letmein9".into(), true)]);
    }
}

#[test]
fn the_owner_may_let_every_key_in_or_those_that_he_lists() {
    if !tools() {
        return;
    }
    let any = LoginSettings { keys: KeyRule::Any, tries: 1..=1, ..LoginSettings::default() };
    let house = with_logins(WebServer::NginxUbuntu22, any);
    for kind in ["ed25519", "rsa"] {
        let (key, _) = new_key(&house, kind);
        let output = with_key(&house, &key);
        assert_eq!(output.stdout, b"in by key\n", "{kind}: {}", said(&output));
    }
    house.close();
    let first = open();
    let (key, fingerprint) = new_key(&first, "ed25519");
    let accept_keys = vec![fingerprint];
    let listed = LoginSettings { accept_keys, keys: KeyRule::Never, ..LoginSettings::default() };
    let house = with_logins(WebServer::NginxDebian11, listed);
    assert_eq!(with_key(&house, &key).stdout, b"in by key\n");
    let (other, _) = new_key(&house, "ed25519");
    assert!(!with_key(&house, &other).status.success());
    house.close();
    first.close();
}
