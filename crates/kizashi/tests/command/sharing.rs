//! What other programs are given of a store with a sign in it: by the command, and by the dashboard's server to whom has the feeds' token.

use std::fmt::Write as _;

use serde_json::Value;

use crate::support::{Folder, Running, http, sentence, text};

/// A store in which a port rises: two quiet weeks of a log, then visitors from many addresses, some of which are the owner's.
fn rising() -> Folder {
    let folder = Folder::new();
    let mut log = String::from("time,source,port,username\n");
    let start =
        jiff::Timestamp::from_second(jiff::Timestamp::now().as_second() / 600 * 600 - 15 * 86_400)
            .unwrap();
    let at = |minutes: i64| (start + jiff::SignedDuration::from_mins(minutes)).to_string();
    for hour in 0..(15 * 24 - 3) {
        let _ = writeln!(log, "{},203.0.113.{},5900,root", at(hour * 60), hour % 7 + 1);
        let _ = writeln!(log, "{},203.0.113.{},22,root", at(hour * 60 + 1), hour % 200 + 1);
    }
    for visitor in 0..240 {
        let _ = writeln!(
            log,
            "{},198.51.100.{},5900,root",
            at(15 * 1_440 - 160 + visitor / 2),
            visitor % 240 + 1
        );
    }
    folder.write("log.csv", log.as_bytes());
    folder.write("kizashi.toml", b"[share]\nallow = [\"198.51.100.0/26\"]\n");
    text(&folder, &["import", "--format", "csv", "--data", "data", "log.csv"]);
    folder
}

#[test]
fn a_list_to_block_by_holds_who_came_and_nobody_whom_the_owner_names() {
    let folder = rising();
    let list = text(&folder, &["export", "--format", "blocklist", "--data", "data"]);
    let addresses: Vec<&str> = list.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(addresses.contains(&"198.51.100.200"), "{list}");
    assert!(addresses.len() > 100 && !addresses.contains(&"198.51.100.1"), "{list}");
    let stix: Value =
        serde_json::from_str(&text(&folder, &["export", "--format", "stix", "--data", "data"]))
            .unwrap();
    let objects = stix["objects"].as_array().unwrap();
    assert!(objects.iter().any(|object| object["type"] == "report"
        && object["name"].as_str().unwrap().contains("tcp/5900")));
    let table = text(
        &folder,
        &["export", "--format", "nftables", "--data", "data", "--output", "list.nft"],
    );
    assert!(table.is_empty() && folder.path().join("list.nft").exists());
    let report = text(&folder, &["report", "--period", "week", "--lang", "ja", "--data", "data"]);
    assert!(report.contains("兆し") && report.contains("tcp/5900"), "{report}");
    let page =
        text(&folder, &["report", "--period", "month", "--format", "html", "--data", "data"]);
    assert!(page.contains("<svg ") && page.contains("tcp/5900"));
    let json: Value =
        serde_json::from_str(&text(&folder, &["report", "--format", "json", "--data", "data"]))
            .unwrap();
    assert!(
        json["totals"]["events"].as_u64() > Some(100) && json["rankings"][0]["kind"] == "port",
        "{json}"
    );
}

#[test]
fn a_program_reads_what_is_shared_by_its_own_token_and_nothing_else() {
    let folder = rising();
    let up = Running::up(&folder);
    let token =
        text(&folder, &["token", "show", "--role", "feeds", "--data", "data"]).trim().to_owned();
    let address = up.address("dashboard");
    let bearer = format!("Authorization: Bearer {token}\r\n");
    let atom = http(address, "/share/signs.atom", &bearer);
    assert!(
        atom.starts_with("HTTP/1.1 200")
            && atom.contains("application/atom+xml")
            && atom.contains("tcp/5900"),
        "{atom}"
    );
    assert!(
        http(address, &format!("/share/blocklist.txt?token={token}"), "")
            .contains("198.51.100.200")
    );
    let collections = http(address, "/share/taxii2/api/collections/", &bearer);
    assert!(collections.contains("application/taxii+json;version=2.1"), "{collections}");
    for (path, headers) in [
        ("/share/signs.atom", ""),
        ("/share/signs.atom", "Authorization: Bearer 000000000000000000000000\r\n"),
        ("/share/nothing", ""),
    ] {
        assert!(http(address, path, headers).starts_with("HTTP/1.1 401"), "{path}");
    }
    for path in ["/api/v1/signs", "/metrics", "/"] {
        let answer = http(address, path, &bearer);
        assert!(answer.starts_with("HTTP/1.1 403"), "{path}: {answer}");
    }
    assert!(http(address, "/share/nothing", &bearer).starts_with("HTTP/1.1 404"));
    up.stop();
}

#[test]
fn a_warning_from_a_file_is_told_beside_the_sign_that_it_fits() {
    let folder = rising();
    let feed = folder.path().join("feed");
    std::fs::create_dir(&feed).unwrap();
    let day = (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(72)).to_string();
    let rss = format!(
        "<rss version=\"2.0\"><channel><item><title>VNC servers without a password</title><pubDate>{day}</pubDate></item></channel></rss>"
    );
    std::fs::write(feed.join("cert.xml"), rss).unwrap();
    let more = format!("[feeds]\nsources = {{ cert = \"{}/cert.xml\" }}\n", feed.display());
    let up = Running::up_with(&folder, &more);
    let kept = folder.path().join("data/kizashi-outbox/feeds/cert.json");
    crate::support::eventually("the feed is read", std::time::Duration::from_secs(60), || {
        kept.exists().then_some(())
    });
    up.stop();
    let signs = crate::support::json_lines(&folder, &["signs", "--data", "data", "--json"]);
    let id = signs.iter().find(|sign| sign["key"] == "tcp/5900").unwrap()["id"].as_str().unwrap();
    let shown = text(&folder, &["sign", id, "--data", "data"]);
    assert!(
        shown.contains("cert told of VNC") && shown.contains("before this sign began"),
        "{shown}"
    );
    assert!(text(&folder, &["report", "--data", "data"]).contains("cert told of VNC"));
    sentence(&folder, &["report", "--data", "nowhere"]);
}
