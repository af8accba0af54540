//! The sites of the web trap as the tools see them by which attackers choose: nmap's version detection and scripts, and whatweb, each
//! on a port of loopback.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it skips"
)]

#[allow(dead_code, reason = "the house serves other tests too")]
#[path = "support/house.rs"]
mod house;

use std::process::Command;

use house::{House, commands, installed, run, said};
use kizashi_event::{Detail, Event};
use kizashi_traps::{Identity, WebServer, WebSites};

fn house(site: &str) -> House {
    let sites = WebSites::of([("*", site)]).unwrap();
    let identity = Identity::draw([1; 32]).with_web_server(WebServer::NginxDebian12);
    House::of_trap("http", identity.with_web_sites(sites))
}

/// What nmap says of each; those that it knows no words for (Grafana, Kubernetes, Ollama, Confluence …) are whatweb's to name.
const NMAP: [(&str, &[&str]); 19] = [
    ("default", &["nginx 1.22.1", "Welcome to nginx!"]),
    ("wordpress", &["nginx 1.22.1", "http-generator: WordPress 6."]),
    ("phpmyadmin", &["http-title: phpMyAdmin"]),
    ("tomcat", &["Apache Tomcat 9.0."]),
    ("jenkins", &["Jetty 10.0."]),
    ("docker", &["docker", "Docker 2", "(API 1."]),
    ("couchdb", &["CouchDB httpd 2.", "Erlang OTP/1"]),
    ("influxdb", &["InfluxDB http admin 1."]),
    ("hadoop-yarn", &["http-title: All Applications"]),
    ("prometheus", &["Golang net/http server", "Prometheus Time Series"]),
    ("solr", &["Apache Solr", "http-title: Solr Admin"]),
    ("weblogic", &["Oracle WebLogic"]),
    ("kibana-6", &["Kibana"]),
    ("gpon-router", &["Boa HTTPd 0.93.15", "GPON Home"]),
    ("ip-camera", &["uc-httpd 1.0.0", "NETSurveillance WEB"]),
    ("exchange-owa", &["Microsoft IIS httpd 10.0", "http-title: Outlook"]),
    ("rompager", &["Allegro RomPager 4.07"]),
    // Of these two nmap knows that they are UPnP, and no product.
    ("huawei-hg532", &["upnp", "Linux UPnP/1.0 Huawei-ATP-IGD"]),
    ("realtek-igd", &["upnp", "OS 1.0 UPnP/1.0 Realtek/V1.3"]),
];

const SCRIPTS: &str = "http-title,http-generator,+http-server-header";

#[test]
fn nmap_names_product_and_version() {
    if !installed("nmap") {
        return;
    }
    let houses: Vec<House> = NMAP.iter().map(|(site, _)| house(site)).collect();
    let ports: Vec<String> = houses.iter().map(House::port).collect();
    let output = Command::new("nmap")
        .args(["-sV", "-Pn", "-n", "--script", SCRIPTS])
        .args(["-p", &ports.join(","), "127.0.0.1"])
        .output()
        .unwrap();
    let text = said(&output);
    // One part of the report a port, in the order of their numbers.
    let part = |port: &str| {
        let from = text.find(&format!("\n{port}/tcp")).unwrap_or(0);
        let rest = &text[from + 1..];
        let lines: Vec<&str> = rest
            .lines()
            .enumerate()
            .take_while(|(number, line)| *number == 0 || line.starts_with('|'))
            .map(|(_, line)| line)
            .collect();
        lines.join("\n")
    };
    let mut faults = Vec::new();
    for ((site, words), port) in NMAP.iter().zip(&ports) {
        let part = part(port);
        for word in words.iter().filter(|word| !part.contains(**word)) {
            faults.push(format!("{site}: {word:?} is not said\n{part}"));
        }
    }
    houses.into_iter().for_each(|house| drop(house.close()));
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

/// What whatweb says at the address where a person begins.
const WHATWEB: [(&str, &str, &[&str]); 14] = [
    ("wordpress", "/", &["WordPress[6.", "MetaGenerator[WordPress 6."]),
    ("phpmyadmin", "/", &["Title[phpMyAdmin]", "Cookies[phpMyAdmin"]),
    ("tomcat", "/", &["Title[Apache Tomcat/9.0."]),
    ("jenkins", "/", &["Jenkins[2.4", "Jetty[10.0."]),
    ("hadoop-yarn", "/", &["Title[All Applications]", "Jetty["]),
    ("docker", "/version", &["HTTPServer[Docker/2"]),
    ("grafana", "/", &["Grafana"]),
    ("prometheus", "/", &["Title[Prometheus Time Series"]),
    ("kibana", "/", &["Kibana"]),
    ("gitlab", "/", &["Open-Graph-Protocol", "_gitlab_session"]),
    ("confluence", "/", &["Confluence", "Atlassian"]),
    ("citrix-gateway", "/", &["Citrix"]),
    ("exchange-owa", "/", &["Microsoft-IIS[10.0]", "Title[Outlook]"]),
    ("weblogic", "/console/", &["Oracle WebLogic Server Administration Console"]),
];

#[test]
fn whatweb_names_the_product() {
    if !installed("whatweb") {
        return;
    }
    let mut faults = Vec::new();
    for (site, path, words) in WHATWEB {
        let house = house(site);
        let address = format!("http://127.0.0.1:{}{path}", house.port());
        let missing = |text: &str| words.iter().copied().find(|word| !text.contains(word));
        // Its own deadlines are seconds, which on a busy machine are over before it has read what was sent: it is then asked again.
        let mut text = String::new();
        for _ in 0..4 {
            let output = Command::new("whatweb")
                .args(["--color=never", "-q", "--log-brief=/dev/stdout", "--max-threads=1"])
                .args(["--open-timeout=60", "--read-timeout=120"])
                .arg(&address)
                .output()
                .unwrap();
            text = said(&output);
            if missing(&text).is_none() || text.contains("[200 OK]") {
                break;
            }
        }
        if let Some(word) = missing(&text) {
            faults.push(format!("{site}: {word:?} is not said\n{text}"));
        }
        drop(house.close());
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

/// The rule by which a request is known, with its status.
fn rules(events: &[Event]) -> Vec<(String, u16)> {
    let known = |event: &Event| match &event.detail {
        Detail::Request { request, .. } => {
            Some((request.rule.as_ref()?.raw().to_owned(), request.status?))
        }
        _ => None,
    };
    events.iter().filter_map(known).collect()
}

#[test]
fn nmap_finds_the_misfortune_cookie_on_the_port_of_tr_069() {
    if !installed("nmap") {
        return;
    }
    let house = house("rompager");
    let address = house.at_usual_port(7_547);
    let script = ["-n", "-Pn", "-p", "7547", "--script", "http-vuln-misfortune-cookie"];
    let shown = run("nmap", &[&script[..], &[&address]].concat());
    let events = house.close();
    assert!(shown.contains("State: VULNERABLE"), "{shown}");
    assert!(rules(&events).contains(&("CVE-2014-9222".to_owned(), 404)), "{events:?}");
}

#[test]
fn a_digest_client_takes_the_upgrade_of_huaweis_gateway_and_is_told_with_its_command() {
    if !installed("curl") {
        return;
    }
    let house = house("huawei-hg532");
    let address = format!("http://127.0.0.1:{}/ctrlt/DeviceUpgrade_1", house.port());
    let body =
        "<u:Upgrade><NewStatusURL>$(/bin/busybox echo hg532; uname -m)</NewStatusURL></u:Upgrade>";
    let shown = run("curl", &["-sv", "--digest", "-u", "dslf-config:admin", "-d", body, &address]);
    let events = house.close();
    assert!(shown.contains("realm=\"HuaweiHomeGateway\""), "{shown}");
    assert!(shown.contains("UpgradeResponse"), "{shown}");
    // What it sent first, without a body, no rule knows.
    assert_eq!(rules(&events), [("CVE-2017-17215".to_owned(), 200)]);
    assert_eq!(commands(&events), ["/bin/busybox echo hg532; uname -m"]);
}

#[test]
fn realteks_daemon_takes_a_command_for_an_address_on_any_path_that_it_has() {
    if !installed("curl") {
        return;
    }
    let house = house("realtek-igd");
    let base = format!("http://127.0.0.1:{}", house.port());
    let described = run("curl", &["-s", &format!("{base}/picsdesc.xml")]);
    assert!(described.contains("<controlURL>/upnp/control/WANIPConn1</controlURL>"), "{described}");
    let action = "SOAPAction: urn:schemas-upnp-org:service:WANIPConnection:1#AddPortMapping";
    let body = "<s:Envelope><s:Body><u:AddPortMapping><NewInternalClient>`echo igd`</NewInternalClient></u:AddPortMapping></s:Body></s:Envelope>";
    for path in ["/picsdesc.xml", "/wanipcn.xml", "/upnp/control/WANIPConn1"] {
        let shown = run("curl", &["-s", "-H", action, "-d", body, &format!("{base}{path}")]);
        assert!(shown.contains("AddPortMappingResponse"), "{path}: {shown}");
    }
    let events = house.close();
    assert_eq!(commands(&events), ["echo igd"; 3]);
    assert_eq!(rules(&events).iter().filter(|(rule, _)| rule == "CVE-2014-8361").count(), 3);
}
