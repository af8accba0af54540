//! AbuseIPDB, a public list of addresses that attack: sources of a few hours as one file (`POST /api/v2/bulk-report`, a form with a CSV
//! file named `csv`: columns `IP,Categories,ReportDate,Comment`, at most 10,000 lines and 2 MB; docs.abuseipdb.com, www.abuseipdb.com/bulk-report
//! and /categories). Comments are our own words and counts: nothing that a visitor sent and no name or address of this machine's.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use kizashi_event::Timestamp;

use super::{Channel, Delivery, Kind, Takes, Verdict, base, by_words};
use crate::send::{Answer, Request};
use crate::sightings::{Sighting, Visited};
use crate::{ChannelSettings, Letter, Message, Secret};

/// Where it is, where no other address is set.
const USUAL: &str = "https://api.abuseipdb.com";
/// Bytes of a comment at most; what is longer is cut there.
const LONGEST_COMMENT: usize = 1_000;
/// The end of one part of a form; no line of ours begins so.
const BOUNDARY: &str = "kizashi-sightings-6f1d9c";
/// What the form is sent as.
const FORM: &str = "multipart/form-data; boundary=kizashi-sightings-6f1d9c";

/// `kind = "abuseipdb"`: token (the key of the API); url.
pub(super) const KIND: Kind = Kind { name: "abuseipdb", settings: &["token", "url"], make };

/// Categories (www.abuseipdb.com/categories).
const FTP_BRUTE_FORCE: u8 = 5;
const PORT_SCAN: u8 = 14;
const HACKING: u8 = 15;
const BRUTE_FORCE: u8 = 18;
const WEB_ATTACK: u8 = 21;
const SSH: u8 = 22;
const IOT: u8 = 23;
/// Services by which things, and no servers, are attacked.
const OF_THINGS: [&str; 4] = ["telnet", "adb", "rtsp", "mqtt"];
/// Services that are spoken over HTTP.
const OF_THE_WEB: [&str; 3] = ["http", "https", "http2"];

struct AbuseIpDb {
    server: String,
    key: Secret,
}

fn make(settings: &ChannelSettings) -> Result<Box<dyn Channel>, String> {
    Ok(Box::new(AbuseIpDb {
        server: base(settings.url.as_ref(), USUAL)?,
        key: settings.needed("token", &settings.token)?.clone(),
    }))
}

impl Channel for AbuseIpDb {
    /// A test asks for what is known of a loopback address, which reports nothing and shows whether the key is right.
    fn delivery(&self, message: &Message, _: &Letter, _: Timestamp) -> Delivery {
        let mut request = match &message.sightings {
            Some(sightings) => {
                let url = format!("{}/api/v2/bulk-report", self.server);
                Request::post(url, FORM, form(&csv(&sightings.sources)))
            }
            None => Request::get(format!(
                "{}/api/v2/check?ipAddress=127.0.0.1&maxAgeInDays=1",
                self.server
            )),
        };
        request.header("Key", self.key.text());
        request.header("Accept", "application/json");
        Delivery::Http(request)
    }

    fn takes(&self) -> Takes {
        Takes::Sightings
    }

    fn judge(&self, answer: &Answer) -> Verdict {
        by_words(answer, "\"data\"")
    }
}

/// A form of one file (RFC 7578).
fn form(csv: &str) -> String {
    format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"csv\"; filename=\"report.csv\"\r\nContent-Type: text/csv\r\n\r\n{csv}\r\n--{BOUNDARY}--\r\n"
    )
}

fn csv(sources: &[Sighting]) -> String {
    let mut text = String::from("IP,Categories,ReportDate,Comment\n");
    for source in sources {
        let numbers: BTreeSet<u8> = source.ports.iter().flat_map(categories).collect();
        let numbers: Vec<String> = numbers.iter().map(u8::to_string).collect();
        let time = source.first.rfc3339();
        let time = time.get(..19).unwrap_or_default();
        let comment = comment(source);
        let _ = writeln!(
            text,
            "{},\"{}\",{time}+00:00,\"{comment}\"",
            source.address,
            numbers.join(",")
        );
    }
    text
}

/// What was done on one port, in the list's own numbers.
fn categories(visited: &Visited) -> Vec<u8> {
    let service = visited.service.as_str();
    let mut found = Vec::new();
    if visited.logins > 0 {
        found.push(if service == "ftp" { FTP_BRUTE_FORCE } else { BRUTE_FORCE });
        found.extend((service == "ssh").then_some(SSH));
    }
    if visited.attacks > 0 && OF_THE_WEB.contains(&service) {
        found.push(WEB_ATTACK);
    } else if visited.attacks + visited.commands + visited.files > 0 {
        found.push(HACKING);
    }
    if !found.is_empty() && OF_THINGS.contains(&service) {
        found.push(IOT);
    }
    if found.is_empty() {
        found.push(PORT_SCAN);
    }
    found
}

/// `Honeypot (Kizashi), 6 hours: tcp/22 ssh: 12 connections, 9 logins, 3 commands; tcp/80 http: 1 connection, 1 attack`.
fn comment(source: &Sighting) -> String {
    let mut text = String::from("Honeypot (Kizashi), 6 hours");
    for (at, visited) in source.ports.iter().enumerate() {
        let counts = [
            (visited.connections, "connection"),
            (visited.logins, "login try"),
            (visited.commands, "command"),
            (visited.attacks, "attack"),
            (visited.files, "file"),
        ];
        let counts: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| counted(*count, what))
            .collect();
        let port = format!(
            "{} tcp/{} {}: {}",
            if at == 0 { ":" } else { ";" },
            visited.port,
            visited.service,
            counts.join(", ")
        );
        if text.len() + port.len() > LONGEST_COMMENT {
            text.push_str("; and more ports");
            break;
        }
        text.push_str(&port);
    }
    text
}

fn counted(count: u64, what: &str) -> String {
    match (count, what.strip_suffix('y')) {
        (1, _) => format!("1 {what}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        (_, None) => format!("{count} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visited(port: u16, service: &str) -> Visited {
        Visited {
            port,
            service: service.to_owned(),
            first: Timestamp::from_seconds(1_800_000_000),
            source_port: 40_000,
            connections: 1,
            logins: 0,
            commands: 0,
            attacks: 0,
            files: 0,
        }
    }

    #[test]
    fn a_category_is_of_what_was_done_and_who_only_connected_scanned_ports() {
        assert_eq!(categories(&visited(22, "ssh")), [PORT_SCAN]);
        let of = |service: &str, logins, commands, attacks| {
            categories(&Visited { logins, commands, attacks, ..visited(1, service) })
        };
        assert_eq!(of("ssh", 3, 0, 0), [BRUTE_FORCE, SSH]);
        assert_eq!(of("ssh", 3, 1, 0), [BRUTE_FORCE, SSH, HACKING]);
        assert_eq!(of("telnet", 1, 1, 0), [BRUTE_FORCE, HACKING, IOT]);
        assert_eq!(of("ftp", 1, 0, 0), [FTP_BRUTE_FORCE]);
        assert_eq!(of("http", 0, 0, 1), [WEB_ATTACK]);
        assert_eq!(of("smb", 0, 0, 1), [HACKING]);
    }

    #[test]
    fn a_comment_is_made_of_our_words_and_counts_and_keeps_within_its_bound() {
        let ports = (0..16).map(|at| Visited {
            logins: u64::MAX,
            commands: u64::MAX,
            attacks: u64::MAX,
            files: u64::MAX,
            ..visited(60_000 + at, "abcdefghijklmnopqrstuvwx")
        });
        let source = Sighting {
            address: "2001:db8::1".parse().unwrap(),
            first: Timestamp::default(),
            ports: ports.collect(),
        };
        let text = comment(&source);
        assert!(text.len() <= 1_024 && text.ends_with("; and more ports"), "{text}");
        let one = Sighting {
            ports: vec![Visited { logins: 2, commands: 1, ..visited(22, "ssh") }],
            ..source
        };
        assert_eq!(
            csv(&[one]),
            "IP,Categories,ReportDate,Comment\n2001:db8::1,\"15,18,22\",1970-01-01T00:00:00+00:00,\
             \"Honeypot (Kizashi), 6 hours: tcp/22 ssh: 1 connection, 2 login tries, 1 command\"\n"
        );
    }
}
