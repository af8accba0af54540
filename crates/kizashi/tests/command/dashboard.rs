//! The dashboard's door as its owner meets it: where it may stand, who has which token, and what is kept of that.

#![cfg(test)]

use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Folder, Running, free_port, http, run, sentence, text};

const NO_TRAPS: &str =
    "[traps]\naddress = \"127.0.0.1\"\nhttp = \"\"\nhttps = \"\"\nany_tcp = \"\"\nany_udp = \"\"\n";

#[test]
fn a_place_that_others_could_read_is_refused_without_a_certificate() {
    let folder = Folder::new();
    folder.write("kizashi.toml", b"[dashboard]\naddress = \"0.0.0.0:0\"\n");
    let refusal = sentence(&folder, &["up"]);
    assert!(refusal.contains("certificate") && refusal.contains("ssh -L"), "{refusal}");
    folder.write(
        "kizashi.toml",
        b"[dashboard]\naddress = \"0.0.0.0:0\"\ncertificate = \"none.pem\"\nkey = \"none.key\"\n",
    );
    let refusal = sentence(&folder, &["up"]);
    assert!(refusal.contains("none.pem"), "{refusal}");
    folder.write("none.pem", b"nothing");
    folder.write("none.key", b"nothing");
    let refusal = sentence(&folder, &["up"]);
    assert!(refusal.contains("no certificate"), "{refusal}");
}

#[test]
fn a_list_of_traps_with_the_dashboards_port_is_refused() {
    let folder = Folder::new();
    folder.write(
        "kizashi.toml",
        b"[dashboard]\naddress = \"127.0.0.1:7070\"\n[traps]\nany_tcp = \"7000-7100\"\n",
    );
    for arguments in [&["up"][..], &["config", "check"]] {
        let refusal = sentence(&folder, arguments);
        assert!(refusal.contains("7070") && refusal.contains("any"), "{refusal}");
    }
}

#[test]
fn a_made_certificate_is_kept_with_its_key_closed_to_others() {
    let folder = Folder::new();
    let port = free_port();
    let config = format!(
        "{NO_TRAPS}[dashboard]\naddress = \"0.0.0.0:{port}\"\ncertificate = \"generated\"\n"
    );
    folder.write("kizashi.toml", config.as_bytes());
    let fingerprint = || {
        let up = Running::start(&folder, &["up", "--data", "data"]);
        let link = up.lines.iter().find(|line| line.starts_with("dashboard")).unwrap();
        assert!(link.contains(&format!("https://127.0.0.1:{port}/")), "{link}");
        let print = up.lines.iter().find(|line| line.contains("SHA-256")).unwrap().clone();
        up.stop();
        print
    };
    assert_eq!(fingerprint(), fingerprint());
    for name in ["certificate.pem", "key.pem", "token-owner", "token-viewer"] {
        let path = folder.path().join(format!("data/kizashi-{name}"));
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_viewers_token_opens_the_page_until_another_is_drawn_and_both_outlive_a_restart() {
    let folder = Folder::new();
    let token = |call: &str, role: &str| {
        let printed = text(&folder, &["token", call, "--role", role, "--data", "data"]);
        printed.lines().next().unwrap().to_owned()
    };
    let up = Running::up(&folder);
    let address = up.address("dashboard");
    let opens = |up: &Running, token: &str| {
        let cookie = format!("Cookie: kizashi-{}={token}\r\n", address.port());
        http(up.address("dashboard"), "/api/v1/status", &cookie).starts_with("HTTP/1.1 200")
    };
    let (owner, first) = (token("show", "owner"), token("show", "viewer"));
    assert_ne!(owner, first);
    assert!(opens(&up, &owner) && opens(&up, &first));
    let second = token("new", "viewer");
    crate::support::eventually("the change", std::time::Duration::from_secs(5), || {
        (opens(&up, &second) && !opens(&up, &first)).then_some(())
    });
    up.stop();
    let again = Running::start(&folder, &["up", "--data", "data"]);
    assert!(opens(&again, &owner) && opens(&again, &second) && !opens(&again, &first));
    again.stop();
    assert_eq!(run(&folder, &["token", "show", "--role", "guest"]).status.code(), Some(2));
    let refusal = sentence(&folder, &["token", "show", "--data", "nowhere"]);
    assert!(refusal.contains("nowhere") && refusal.contains("--data"), "{refusal}");
}
