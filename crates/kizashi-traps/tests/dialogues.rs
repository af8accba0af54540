//! The web trap's application and the files that visitors drop, before real tools: sqlmap, nmap, curl, wapiti.
#![allow(clippy::panic, clippy::print_stdout, reason = "a test stops where its ground gives way, and says what it skips")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "support/house.rs"]
mod support;

use std::process::Command;

use kizashi_event::Detail;
use kizashi_traps::{Identity, WebServer};
use support::{House, commands, installed, said};

/// An installation and where its application lies.
fn open(server: WebServer) -> (House, String) {
    let house = House::of_trap("http", Identity::draw([1; 32]).with_web_server(server));
    let places = ["/", "/site/", "/cms/", "/club/", "/web/", "/portal/", "/news/"];
    let address = house.address;
    let found = places.into_iter().find(|place| {
        let url = format!("http://{address}{place}article.php?id=1");
        curl(&["-o", "/dev/null", "-w", "%{http_code}"], &url) == "200"
    });
    let base = format!("http://{address}{}", found.expect("the application"));
    (house, base)
}

fn curl(arguments: &[&str], url: &str) -> String {
    let output = Command::new("curl").args(["-s", "-m", "30", "--path-as-is"]).args(arguments).arg(url).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn classes(events: &[kizashi_event::Event]) -> Vec<String> {
    let class = |event: &kizashi_event::Event| match &event.detail {
        Detail::Request { request, .. } => request.class.as_ref().map(|class| class.raw().to_owned()),
        _ => None,
    };
    events.iter().filter_map(class).collect()
}

fn sqlmap(house: &House, arguments: &[&str], url: &str) -> String {
    let output = Command::new("sqlmap")
        .args(["-u", url, "--batch", "--flush-session", "--disable-coloring", "--answers=crack=N", "--time-sec=1"])
        .arg(format!("--output-dir={}", house.folder().display()))
        .args(arguments)
        .output()
        .unwrap();
    said(&output)
}

#[test]
fn sqlmap_finds_the_injection_and_dumps_the_users() {
    if !installed("sqlmap") {
        return;
    }
    let (house, base) = open(WebServer::ApacheDebian12);
    let url = format!("{base}article.php?id=1");
    let found = sqlmap(&house, &["--technique=BEUT", "--dump", "-T", "users"], &url);
    for word in ["boolean-based blind", "error-based", "time-based blind", "UNION query", "MariaDB", "Table: users", "password", "admin"] {
        assert!(found.contains(word), "{word}\n{found}");
    }
    let events = house.close();
    assert!(classes(&events).iter().filter(|class| *class == "sql-injection").count() > 50);
    let noted = events.iter().any(|event| matches!(&event.detail, Detail::Note { name, value } if name.raw() == "sql result" && value.raw().contains("admin")));
    assert!(noted, "what was extracted is told");
}
