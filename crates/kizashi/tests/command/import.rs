//! `kizashi import`, and that what it stores is told the same live and in a replay.

use std::io::Write as _;
use std::time::Duration;

use serde_json::Value;

use crate::support::{
    Folder, Running, eventually, json_lines, kizashi, run, sentence, shared, text,
};

/// Cowrie lines of a quiet month at port 2222 and a wave at its end.
fn cowrie_log() -> String {
    let mut log = String::new();
    let mut session = 0;
    let mut connect = |log: &mut String, minute: u32, source: u32| {
        session += 1;
        let (day, hour, minute) = (1 + minute / 1440, minute / 60 % 24, minute % 60);
        log.push_str(&format!(
            "{{\"eventid\":\"cowrie.session.connect\",\"session\":\"{session:012x}\",\"src_ip\":\"198.18.{}.{}\",\"src_port\":4000,\"dst_ip\":\"192.0.2.1\",\"dst_port\":2222,\"protocol\":\"ssh\",\"sensor\":\"s\",\"timestamp\":\"2026-03-{day:02}T{hour:02}:{minute:02}:00.000000Z\"}}\n",
            source / 256,
            source % 256
        ));
    };
    for hour in 0..27 * 24 {
        connect(&mut log, hour * 60 + (hour * 7) % 60, hour % 97);
    }
    for n in 0..120 {
        connect(&mut log, 26 * 1440 + 12 * 60 + n * 2, 1_000 + n);
    }
    let mut lines: Vec<&str> = log.lines().collect();
    lines.sort_by_key(|line| line.split("timestamp").nth(1).map(str::to_owned));
    lines.join("\n") + "\n"
}

fn column(rows: &[Value], name: &str) -> Vec<String> {
    rows.iter().map(|row| row[name].to_string()).collect()
}

#[test]
fn a_wave_in_a_log_becomes_a_sign_and_a_replay_tells_the_same() {
    let folder = Folder::new();
    folder.write("cowrie.json", cowrie_log().as_bytes());
    text(&folder, &["import", "cowrie.json"]);
    let signs = json_lines(&folder, &["signs", "--json"]);
    assert_eq!(column(&signs, "key"), ["\"tcp/2222\""]);
    let detected = signs[0]["detected"].as_str().unwrap();
    assert!(detected.starts_with("2026-03-27T1"), "{detected}");
    for field in [
        "id",
        "kind",
        "label",
        "since",
        "days",
        "ratio",
        "ratio_low",
        "ratio_high",
        "events",
        "sources",
        "expected_sources",
        "severity",
        "name",
    ] {
        assert!(signs[0].get(field).is_some(), "{field} is part of the contract");
    }
    assert_eq!(json_lines(&folder, &["replay", "--json"]), signs);
    let page = text(&folder, &["sign", signs[0]["id"].as_str().unwrap()]);
    assert!(page.contains("What to do"), "{page}");
    let id = signs[0]["id"].as_str().unwrap();
    let japanese = text(&folder, &["sign", id, "--format", "md", "--lang", "ja"]);
    assert!(japanese.starts_with("# ") && japanese.contains("\n## いますること\n"), "{japanese}");
    let html = text(&folder, &["sign", id, "--format", "html", "--lang", "en"]);
    assert!(html.contains("<html lang=\"en\">") && html.contains("</article>"), "{html}");
    let json = json_lines(&folder, &["sign", id, "--format", "json", "--lang", "ja"]);
    assert_eq!(json[0]["advisory"]["language"], "ja");
    let file = folder.write("kizashi.toml", b"[signs]\ncampaigns = \"own\"\n");
    let own = file.with_file_name("own");
    std::fs::create_dir(&own).unwrap();
    std::fs::write(own.join("broken.toml"), "[[campaign]]\nid = 3\n").unwrap();
    let refused = run(&folder, &["config", "check"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("broken.toml, line 2: "), "{said}");
}

#[test]
fn the_same_log_in_one_piece_in_two_or_backwards_gives_the_same_signs() {
    let log = cowrie_log();
    let half = log.lines().count() / 2;
    let first: String = log.lines().take(half).map(|line| format!("{line}\n")).collect();
    let second: String = log.lines().skip(half).map(|line| format!("{line}\n")).collect();
    let signs = |orders: &[&[&str]]| {
        let folder = Folder::new();
        folder.write("whole.json", log.as_bytes());
        folder.write("first.json", first.as_bytes());
        folder.write("second.json", second.as_bytes());
        for files in orders {
            text(&folder, &[&["import"], *files].concat());
        }
        json_lines(&folder, &["signs", "--json"])
    };
    let whole = signs(&[&["whole.json"]]);
    assert_eq!(whole.len(), 1);
    assert_eq!(signs(&[&["first.json"], &["second.json"]]), whole);
    assert_eq!(signs(&[&["second.json"], &["first.json"]]), whole, "the older half read later");
    assert_eq!(signs(&[&["whole.json"], &["whole.json"]]), whole, "twice adds nothing");
}

#[test]
fn real_logs_go_in_and_a_second_time_add_nothing() {
    let Some(data) = shared("data") else { return };
    let folder = Folder::new();
    for (file, least) in [
        ("cowrie-2018-05.json.gz", 27_000),
        ("cowrie.json", 300),
        ("heralding_sample.json", 1),
        ("opencanary_sample.json", 1),
        ("elasticpot_sample.json", 1),
    ] {
        let path = data.join(file);
        let path = path.to_str().unwrap();
        text(&folder, &["import", path]);
        let before = &json_lines(&folder, &["status", "--json"])[0];
        assert!(before["events_raw"].as_u64() >= Some(least), "{file}: {before}");
        let again = text(&folder, &["import", path]);
        assert!(again.contains(" 0 of them new"), "{file}: {again}");
        let after = &json_lines(&folder, &["status", "--json"])[0];
        for count in ["events", "events_raw", "sessions", "sources"] {
            assert_eq!(before[count], after[count], "{file}: {count}");
        }
    }
}

#[test]
fn every_packet_of_the_cloud_log_is_new_though_the_oldest_stay_as_counts_alone() {
    let Some(data) = shared("data") else { return };
    let folder = Folder::new();
    let path = data.join("aws-honeypots-2013-03-to-06.csv.gz");
    let told = text(&folder, &["import", path.to_str().unwrap()]);
    assert!(told.contains("216,306 events, 216,306 of them new, 0 broken lines"), "{told}");
    assert!(told.contains("stay as counts"), "the log spans more than the 90 raw days: {told}");
    let status = &json_lines(&folder, &["status", "--json"])[0];
    assert_eq!(status["events"].as_u64(), Some(216_306));
    // Packets alone say nothing of who sends them: no sign of these months has a name.
    let signs = json_lines(&folder, &["signs", "--json", "--limit", "500"]);
    assert!(signs.len() > 10 && signs.iter().all(|sign| sign["name"].is_null()), "{signs:?}");
}

#[test]
fn a_broken_line_is_shown_with_its_place_and_the_rest_goes_in() {
    let folder = Folder::new();
    let mut lines: Vec<String> = cowrie_log().lines().map(str::to_owned).collect();
    lines.insert(10, "{\"eventid\": \"cowrie.session.connect\", \u{1b}[2J broken".to_owned());
    folder.write("cowrie.json", lines.join("\n").as_bytes());
    let output = text(&folder, &["import", "cowrie.json"]);
    assert!(output.contains("cowrie.json:11:") && output.contains("1 broken line"), "{output}");
    assert!(!output.contains('\u{1b}'), "shown harmless");
    let status = &json_lines(&folder, &["status", "--json"])[0];
    assert_eq!(status["events"].as_u64(), Some(lines.len() as u64 - 1));
}

#[test]
fn an_unknown_format_is_told_with_each_that_was_tried() {
    let folder = Folder::new();
    folder.write("letter.txt", b"Dear Sir,\nno log at all\n");
    let sentence = sentence(&folder, &["import", "letter.txt"]);
    for format in ["cowrie", "dionaea", "elasticpot", "opencanary", "heralding", "csv"] {
        assert!(sentence.contains(format), "{format}: {sentence}");
    }
}

#[test]
fn standard_input_and_a_table_are_read() {
    use std::process::Stdio;
    let folder = Folder::new();
    let mut child = kizashi(&folder)
        .args(["import", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let table = "datetime,host,src,proto,type,spt,dpt\n2013-03-03 21:53:59,here,3325256705,TCP,,6000,1433\n";
    child.stdin.take().unwrap().write_all(table.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    let top = json_lines(&folder, &["top", "sources", "--json"]);
    assert_eq!(top[0]["key"], "198.51.100.1");
    let ports = json_lines(&folder, &["top", "ports", "--json"]);
    assert_eq!((&ports[0]["key"], &ports[0]["kind"]), (&"tcp/1433".into(), &"port".into()));
}

#[test]
fn a_growing_file_is_followed() {
    let folder = Folder::new();
    let log = cowrie_log();
    let mut lines = log.lines();
    let first: String = lines.by_ref().take(100).map(|line| format!("{line}\n")).collect();
    let path = folder.write("cowrie.json", first.as_bytes());
    let mut child = kizashi(&folder)
        .args(["import", "--follow", "cowrie.json"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let events = || {
        let output = run(&folder, &["status", "--json"]);
        let status: Value = serde_json::from_slice(&output.stdout).ok()?;
        status["events"].as_u64()
    };
    eventually("the first part", Duration::from_secs(20), || {
        events().filter(|events| *events == 100)
    });
    let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    for line in lines.take(50) {
        writeln!(file, "{line}").unwrap();
    }
    eventually("the second part", Duration::from_secs(20), || {
        events().filter(|events| *events == 150)
    });
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn an_import_beside_a_running_kizashi_is_refused_and_reading_is_not() {
    let folder = Folder::new();
    folder.write("cowrie.json", cowrie_log().as_bytes());
    let up = Running::up(&folder);
    let refusal = sentence(&folder, &["import", "--data", "data", "cowrie.json"]);
    assert!(refusal.contains("another Kizashi"), "{refusal}");
    text(&folder, &["status", "--data", "data"]);
    up.stop();
}

#[test]
fn requests_of_other_honeypots_are_recognised_by_the_same_rules() {
    let folder = Folder::new();
    let line = |path: &str, source: u32| {
        format!(
            "{{\"dst_host\": \"198.51.100.2\", \"dst_port\": 80, \"logdata\": {{\"PATH\": \"{path}\", \"USERAGENT\": \"zgrab/0.x\"}}, \"logtype\": 3000, \"node_id\": \"n\", \"src_host\": \"198.18.0.{source}\", \"src_port\": 4000, \"utc_time\": \"2026-11-24 19:01:{source:02}.5\"}}\n"
        )
    };
    let log = line("/cgi-bin/.%2e/.%2e/.%2e/bin/sh", 1) + &line("/", 2) + &line("/nobody/knows", 3);
    folder.write("opencanary.json", log.as_bytes());
    text(&folder, &["import", "opencanary.json"]);
    let keys = |kind: &str| {
        let mut keys = column(&json_lines(&folder, &["top", kind, "--json"]), "key");
        keys.sort();
        keys
    };
    assert_eq!(keys("signatures"), ["\"CVE-2021-41773\""]);
    assert_eq!(keys("request-classes"), ["\"command-injection\"", "\"ordinary\"", "\"unknown\""]);
    assert_eq!(keys("clients"), ["\"zgrab/0.x\""]);
}
