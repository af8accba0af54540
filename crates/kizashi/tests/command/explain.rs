//! `kizashi replay --explain`: the same numbers on the terminal, as JSON and as a drawing, and nothing an attacker wrote acts in any.

use crate::support::{Folder, json_lines, run, sentence, text};

const HOSTILE: &str = "\u{1b}[2J\u{202e}</text><script>alert('1')</script>&";

/// Four days of Cowrie's log: six visitors in each ten minutes with passwords of their own; in the last hour they all bring one
/// hostile password, and a crowd comes to Telnet.
fn log_with_two_waves() -> String {
    let (mut log, mut visitor) = (String::new(), 0_u32);
    let bins = 4 * 144_i64;
    for bin in 0..bins {
        let is_last_hour = bin >= bins - 6;
        for n in 0..if is_last_hour { 20 } else { 6 } {
            visitor += 1;
            let (port, protocol) = if n < 6 { (22, "ssh") } else { (23, "telnet") };
            let usual = format!("pass{visitor}");
            let password = if is_last_hour && n < 6 { HOSTILE } else { &usual };
            let password = serde_json::to_string(password).unwrap();
            let time = time_of(bin * 600 + i64::from(n) * 20);
            let address = std::net::Ipv4Addr::from(0xc612_0000 + visitor);
            for (event, fields) in [
                ("session.connect", String::new()),
                ("login.failed", format!(",\"username\":\"root\",\"password\":{password}")),
            ] {
                log.push_str(&format!(
                    "{{\"eventid\":\"cowrie.{event}\",\"session\":\"{visitor:012x}\",\"src_ip\":\"{address}\",\"src_port\":4000,\"dst_ip\":\"192.0.2.1\",\"dst_port\":{port},\"protocol\":\"{protocol}\",\"sensor\":\"s\",\"timestamp\":\"{time}\"{fields}}}\n"
                ));
            }
        }
    }
    log
}

/// RFC 3339 of a second of the four days.
fn time_of(second: i64) -> String {
    let (day, second) = (1 + second / 86_400, second % 86_400);
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    format!("2026-03-{day:02}T{hour:02}:{minute:02}:{:02}.000000Z", second % 60)
}

fn with_waves() -> Folder {
    let folder = Folder::new();
    folder.write("cowrie.json", log_with_two_waves().as_bytes());
    text(&folder, &["import", "cowrie.json"]);
    folder
}

#[test]
fn a_sign_is_explained_in_text_json_and_drawing_by_the_same_numbers() {
    let folder = with_waves();
    let json = json_lines(&folder, &["replay", "--explain", "--json"]);
    assert!(!json.is_empty());
    let port = json.iter().find(|one| one["sign"]["key"] == "tcp/23").unwrap();
    let numbers = &port["explanation"]["numbers"];
    assert_eq!(numbers["statistic"], "rise");
    assert!((9..=11).contains(&numbers["windows"].as_array().unwrap().len()));
    let (m, enough) = (&numbers["log_m"], &numbers["threshold"]["log_m"]);
    assert!(m.as_f64().unwrap() >= enough.as_f64().unwrap(), "{numbers}");
    let id = port["sign"]["id"].as_str().unwrap();
    let shown = text(&folder, &["replay", "--explain", id]);
    for part in [
        "new sources an hour",
        "▲",
        "A, discounted sources",
        "window",
        "Enough for a sign: M",
        "when it was raised",
        "█",
        id,
    ] {
        assert!(shown.contains(part), "{part} is missing in {shown}");
    }
    let alpha = numbers["windows"][8]["baseline"]["alpha"].as_f64().unwrap();
    assert!(
        shown.contains(&format!("{alpha:.1}")) || shown.contains(&format!("{alpha:.0}")),
        "{shown}"
    );
    text(&folder, &["replay", "--explain", "tcp/23", "--svg", "port.svg"]);
    let drawing = std::fs::read_to_string(folder.path().join("port.svg")).unwrap();
    assert!(drawing.starts_with("<svg xmlns=") && drawing.ends_with("</svg>\n"));
    assert!(
        drawing.contains("Evidence by window") && drawing.contains("prefers-color-scheme:dark")
    );
}

#[test]
fn what_an_attacker_wrote_does_nothing_in_an_explanation() {
    let folder = with_waves();
    let shown = String::from_utf8(run(&folder, &["replay", "--explain", "--svg", "drawn/"]).stdout)
        .unwrap();
    assert!(shown.contains("\\x1b[2J\\u{202e}"), "{shown}");
    assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
    let mut hostile = 0;
    for file in std::fs::read_dir(folder.path().join("drawn")).unwrap() {
        let drawing = std::fs::read_to_string(file.unwrap().path()).unwrap();
        assert!(
            !drawing.contains("<script") && !drawing.contains(['\u{1b}', '\u{202e}']),
            "{drawing}"
        );
        hostile += usize::from(drawing.contains("&lt;script&gt;"));
    }
    assert!(hostile > 0, "the hostile key was drawn nowhere");
}

#[test]
fn a_key_without_a_sign_shows_how_it_stands_and_an_unknown_sign_is_refused() {
    let folder = with_waves();
    let shown = text(&folder, &["replay", "--explain", "user:root"]);
    assert!(shown.contains("user:root") && shown.contains("Enough for a sign"), "{shown}");
    let refused = sentence(&folder, &["replay", "--explain", "20260101T0000Z-tcp-1"]);
    assert!(refused.contains("the replay has no sign 20260101T0000Z-tcp-1"), "{refused}");
    assert_eq!(run(&folder, &["replay", "--svg", "a.svg"]).status.code(), Some(2));
}
