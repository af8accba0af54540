//! `kizashi up` that tells signs, and `kizashi notify`, over a receiver of the test's own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;

use crate::support::{Folder, Running, eventually, json_lines, kill, run, sentence, text};

const LONG: Duration = Duration::from_secs(60);

/// A receiver that takes everything and hands on the bodies.
fn receiver() -> (SocketAddr, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let mut reader = BufReader::new(&stream);
            let mut length = 0;
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) <= 2 {
                    break;
                }
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let _ = (&stream).write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
            if tell.send(serde_json::from_slice(&body).unwrap()).is_err() {
                return;
            }
        }
    });
    (address, told)
}

fn channels(address: SocketAddr) -> String {
    format!(
        "[notify.channels.hook]\nkind = \"webhook\"\nurl = \"http://{address}/\"\nsecret = \"file:secret\"\n"
    )
}

#[test]
fn what_up_finds_is_told_by_a_process_of_its_own_that_is_replaced_when_it_ends() {
    let folder = Folder::new();
    folder.write("secret", b"a secret of the test\n");
    let (address, told) = receiver();
    let up = Running::up_with(&folder, &channels(address));
    assert!(up.lines.iter().any(|line| line == "notify   hook"), "{:?}", up.lines);
    let state = folder.path().join("data/kizashi-outbox/state.json");
    eventually("the channel is known", LONG, || state.exists().then_some(()));
    let first = up.children("notify-process");
    assert_eq!(first.len(), 1);
    kill(first[0]);
    eventually("another process", LONG, || {
        let now = up.children("notify-process");
        (now.len() == 1 && now != first).then_some(())
    });
    text(&folder, &["renew", "--data", "data", "--misbehave", "exec"]);
    let body = told.recv_timeout(LONG).unwrap();
    assert_eq!((&body["why"], &body["severity"]), (&"sign".into(), &"critical".into()), "{body}");
    assert_eq!(body["signs"][0]["kind"], "misbehaviour");
    let id = body["signs"][0]["id"].as_str().unwrap();
    eventually("it is noted as sent", LONG, || {
        let listed = json_lines(&folder, &["notify", "list", "--data", "data", "--json"]);
        (listed.len() == 1 && listed[0]["state"] == "sent").then_some(())
    });
    // The page's mark comes to whoever tells, and is taken back there.
    let shown = folder.path().join(format!("data/kizashi-outbox/signs/{id}.json"));
    for seen in [true, false] {
        let body = format!("{{\"seen\": {seen}}}");
        let (status, said) = up.post(&format!("/api/v1/signs/{id}/mark"), &body);
        assert_eq!(status, 200, "{said}");
        eventually("the mark in the outbox", LONG, || {
            let notice: Value = serde_json::from_slice(&std::fs::read(&shown).ok()?).ok()?;
            (notice["seen"].as_bool().unwrap_or(false) == seen).then_some(())
        });
    }
    assert!(text(&folder, &["notify", "seen", id, "--data", "data"]).contains("is seen"));
    sentence(&folder, &["notify", "seen", "../../x", "--data", "data"]);
    up.stop();
    let again = Running::start(&folder, &["up", "--data", "data"]);
    assert!(told.recv_timeout(Duration::from_secs(4)).is_err(), "a restart tells nothing twice");
    // No secret is with the process that has the store.
    let core = again.children("core-process")[0];
    let environment = std::fs::read(format!("/proc/{core}/environ")).unwrap_or_default();
    assert!(!String::from_utf8_lossy(&environment).contains("a secret of the test"));
    again.stop();
}

#[test]
fn a_test_says_what_each_receiver_said_and_no_secret() {
    let folder = Folder::new();
    folder.write("secret", b"a secret of the test");
    let (address, told) = receiver();
    let config = format!(
        "{}[notify.channels.gone]\nkind = \"slack\"\nurl = \"http://127.0.0.1:1/hidden-path\"\n",
        channels(address)
    );
    folder.write("kizashi.toml", config.as_bytes());
    assert!(text(&folder, &["notify", "test", "hook"]).contains("delivered"));
    assert_eq!(told.recv_timeout(LONG).unwrap()["why"], "test");
    let output = run(&folder, &["notify", "test", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let shown = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(
        shown.contains("\"channel\":\"gone\"") && shown.contains("not delivered: gone"),
        "{shown}"
    );
    assert!(!shown.contains("hidden-path") && !shown.contains("a secret of the test"), "{shown}");
    assert!(sentence(&folder, &["notify", "test", "other"]).contains("gone, hook"));
    folder.write(
        "kizashi.toml",
        b"[notify.channels.a]\nkind = \"slack\"\nurl = \"env:KIZASHI_NOT_SET\"\n",
    );
    assert!(sentence(&folder, &["notify", "test"]).contains("KIZASHI_NOT_SET"));
    folder.write("kizashi.toml", b"");
    assert!(sentence(&folder, &["notify", "test"]).contains("docs/notify.md"));
}
