//! What the owner sets on the dashboard's page, over real processes and sockets: traps that are turned off and on while visitors come, and how long
//! things are kept.

#![cfg(test)]

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Folder, Running, eventually, run, send, text};

const LONG: Duration = Duration::from_secs(60);

/// Turns a trap, and gives its switch once the supervisor has answered.
fn turn(up: &Running, name: &str, on: Option<bool>) -> Value {
    let wish = json!({ "traps": { name: on } }).to_string();
    let (status, said) = up.post("/api/v1/settings", &wish);
    assert_eq!(status, 200, "{said}");
    eventually("the supervisor's answer", LONG, || {
        let traps = up.api("/api/v1/settings")["traps"].clone();
        (traps["waiting"] == false).then(|| switch(&traps, name))
    })
}

fn switch(traps: &Value, name: &str) -> Value {
    assert_eq!(traps["failed"], Value::Null);
    let all = traps["traps"].as_array().unwrap();
    all.iter().find(|trap| trap["name"] == name).unwrap().clone()
}

fn answers(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&address, Duration::from_secs(2)).is_ok()
}

fn closes(address: SocketAddr) {
    eventually("the closed port", LONG, || (!answers(address)).then_some(()));
}

#[test]
fn a_trap_is_turned_off_and_on_without_a_restart_and_its_visitors_are_believed_again() {
    let folder = Folder::new();
    let up = Running::up(&folder);
    let (telnet, ssh) = (up.address("telnet"), up.address("ssh"));
    assert!(answers(telnet) && answers(ssh));
    let before = up.children("trap-process");
    let off = turn(&up, "telnet", Some(false));
    assert_eq!(
        (&off["on"], &off["on_page"], &off["ports"]),
        (&json!(false), &json!(false), &json!([]))
    );
    closes(telnet);
    assert!(answers(ssh), "the others go on");
    let listeners = up.api("/api/v1/status")["listeners"].to_string();
    assert!(!listeners.contains("telnet") && listeners.contains("ssh"), "{listeners}");
    eventually("the process before to be gone", Duration::from_secs(90), || {
        let now = up.children("trap-process");
        (now.len() == 1 && now != before).then_some(())
    });
    let on = turn(&up, "telnet", Some(true));
    assert_eq!(on["ports"], json!([telnet.to_string()]));
    let telnets = || {
        let rows = up.api("/api/v1/top?kind=services")["rows"].clone();
        let row = rows.as_array().unwrap().iter().find(|row| row["key"] == "telnet").cloned();
        row.map_or(0, |row| row["events"].as_u64().unwrap())
    };
    let counted = telnets();
    assert!(answers(telnet));
    // An event of a port on which the core knew no trap would have the trap killed for it.
    eventually("the visit is counted", LONG, || (telnets() > counted).then_some(()));
    assert_eq!(up.api("/api/v1/status")["traps"]["misbehaved"], 0);
    up.stop();
}

#[test]
fn what_was_turned_off_stays_off_over_a_restart_until_it_is_given_back_to_the_file() {
    let folder = Folder::new();
    let up = Running::up(&folder);
    let telnet = up.address("telnet");
    turn(&up, "telnet", Some(false));
    up.stop();
    let again = Running::start(&folder, &["up", "--data", "data"]);
    let said = again.lines.iter().any(|line| line.contains("page: telnet"));
    assert!(said && !answers(telnet), "{:?}", again.lines);
    let back = turn(&again, "telnet", None);
    assert_eq!((&back["on_page"], &back["ports"]), (&Value::Null, &json!([telnet.to_string()])));
    assert!(answers(telnet));
    again.stop();
}

#[test]
fn a_port_that_somebody_else_took_meanwhile_is_said_and_had_once_it_is_free() {
    let folder = Folder::new();
    let up = Running::up(&folder);
    let telnet = up.address("telnet");
    turn(&up, "telnet", Some(false));
    let somebody = eventually("the free port", LONG, || TcpListener::bind(telnet).ok());
    let refused = turn(&up, "telnet", Some(true));
    assert_eq!((&refused["trouble"], &refused["ports"]), (&json!("taken"), &json!([])));
    assert_eq!(refused["trouble_ports"], json!([format!("tcp/{}", telnet.port())]));
    drop(somebody);
    turn(&up, "telnet", Some(false));
    let on = turn(&up, "telnet", Some(true));
    assert_eq!((&on["trouble"], &on["ports"]), (&Value::Null, &json!([telnet.to_string()])));
    up.stop();
}

#[test]
fn hostile_settings_are_refused_with_a_sentence_and_a_viewer_sets_nothing() {
    let folder = Folder::new();
    let up = Running::up(&folder);
    let before = up.api("/api/v1/settings");
    for (body, said) in [
        (r#"{"traps": {"../telnet\u001b[2J": false}}"#.to_owned(), "there is no trap"),
        (json!({ "traps": { "x".repeat(500): true } }).to_string(), "there is no trap"),
        (r#"{"traps": {"telnet": "off"}}"#.to_owned(), "cannot be read"),
        (r#"{"traps": {"telnet": false}, "retention": {"raw_days": 0}}"#.to_owned(), "raw_days"),
        (r#"{"retention": {"raw_days": 1e300}}"#.to_owned(), "cannot be read"),
        (r#"{"retention": {"raw_days": -1}}"#.to_owned(), "cannot be read"),
        (r#"{"retention": {"most_megabytes": 1}}"#.to_owned(), "most_megabytes"),
        (r#"{"retention": {"raw_days": 3, "as_in_file": true}}"#.to_owned(), "not both"),
        (r#"{"retention": {"rm": 3}}"#.to_owned(), "cannot be read"),
    ] {
        let (status, answer) = up.post("/api/v1/settings", &body);
        let sentence = answer["error"].as_str().unwrap();
        assert_eq!(status, 400, "{body}: {answer}");
        assert!(sentence.contains(said) && sentence.len() < 400, "{body}: {sentence}");
        assert!(!sentence.contains('\u{1b}'), "{sentence:?}");
    }
    let printed = text(&folder, &["token", "show", "--role", "viewer", "--data", "data"]);
    let viewer = printed.lines().next().unwrap();
    let address = up.address("dashboard");
    let cookie =
        format!("Cookie: kizashi-{}={viewer}\r\nOrigin: http://{address}\r\n", address.port());
    let (status, _) = send(address, "/api/v1/settings", &cookie, r#"{"traps": {"telnet": false}}"#);
    assert_eq!(status, 403);
    assert_eq!(up.api("/api/v1/settings"), before, "nothing was changed, not even in part");
    assert!(answers(up.address("telnet")));
    up.stop();
}

#[test]
fn how_long_things_are_kept_is_set_at_once_outlives_a_restart_and_is_given_back() {
    let folder = Folder::new();
    let up = Running::up_with(&folder, "[retention]\nraw_days = 40\n");
    let days = |up: &Running| up.api("/api/v1/settings")["retention"]["raw_days"].clone();
    assert_eq!((&days(&up)["value"], &days(&up)["on_page"]), (&json!(40.0), &json!(false)));
    let (status, said) =
        up.post("/api/v1/settings", r#"{"retention": {"raw_days": 7, "most_megabytes": 128}}"#);
    assert_eq!(status, 200, "{said}");
    let kept = up.api("/api/v1/health")["retention"].clone();
    assert_eq!((&kept["raw_days"], &kept["most_bytes"]), (&json!(7), &json!(128_u64 << 20)));
    up.stop();
    let again = Running::start(&folder, &["up", "--data", "data"]);
    let now = days(&again);
    assert_eq!(
        (&now["value"], &now["in_file"], &now["on_page"]),
        (&json!(7.0), &json!(40.0), &json!(true))
    );
    let (status, _) = again.post("/api/v1/settings", r#"{"retention": {"as_in_file": true}}"#);
    assert_eq!((status, &days(&again)["value"]), (200, &json!(40.0)));
    again.stop();
    assert!(run(&folder, &["status", "--data", "data"]).status.success());
}
