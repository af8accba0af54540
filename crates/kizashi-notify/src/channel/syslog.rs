//! A log server: RFC 5424 with structured data, ArcSight's CEF (format 0) or QRadar's LEEF (2.0) in its message, over UDP (RFC 5426), TCP with
//! octet counts (RFC 6587, 3.4.1) or TLS (RFC 5425). One line a sign. The enterprise number of the structured data is the one for examples
//! (RFC 5612), for Kizashi has none.

use kizashi_event::{Timestamp, escape_for_people};
use kizashi_signs::{Severity, Sign};

use super::{Channel, Delivery, Kind, is_own_network, mail::host_and_port};
use crate::notice::cut;
use crate::send::{Lines, Transport};
use crate::{ChannelSettings, Letter, Message, Notice};

/// Facility 10: security and authorisation.
const FACILITY: u8 = 10;
/// Characters of the words in a line.
const LONGEST: usize = 700;
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// `kind = "syslog"`: server (`host` or `host:port`); transport (`udp`, `tcp`, `tls`), format (`rfc5424`, `cef`, `leef`).
pub(super) const KIND: Kind =
    Kind { name: "syslog", settings: &["server", "transport", "format"], make };

#[derive(Clone, Copy, Debug)]
enum Format {
    Rfc5424,
    Cef,
    Leef,
}

struct Syslog {
    host: String,
    port: u16,
    transport: Transport,
    format: Format,
}

fn make(settings: &ChannelSettings) -> Result<Box<dyn Channel>, String> {
    let (transport, usual) = match settings.transport.as_deref().unwrap_or("udp") {
        "udp" => (Transport::Udp, 514),
        "tcp" => (Transport::Tcp, 601),
        "tls" => (Transport::Tls, 6_514),
        other => return Err(format!("transport must be udp, tcp or tls, and {other:?} is not")),
    };
    let format = match settings.format.as_deref().unwrap_or("rfc5424") {
        "rfc5424" => Format::Rfc5424,
        "cef" => Format::Cef,
        "leef" => Format::Leef,
        other => return Err(format!("format must be rfc5424, cef or leef, and {other:?} is not")),
    };
    let (host, port) = host_and_port(settings.needed_text("server", &settings.server)?, usual)?;
    if transport != Transport::Tls && !is_own_network(&host) {
        return Err("a log server outside of your own network takes transport = \"tls\"".to_owned());
    }
    Ok(Box::new(Syslog { host, port, transport, format }))
}

impl Channel for Syslog {
    fn delivery(&self, message: &Message, letter: &Letter, now: Timestamp) -> Delivery {
        let line = |severity, words: String, about: String| {
            let priority = FACILITY * 8 + level(severity);
            let host = header_word(&letter.sensor);
            format!("<{priority}>1 {} {host} kizashi - sign {about} {words}", now.rfc3339())
        };
        let mut lines: Vec<String> = message
            .notices
            .iter()
            .map(|notice| {
                let sign = &notice.sign;
                match self.format {
                    Format::Rfc5424 => line(
                        sign.severity,
                        one_line(&words_of(notice, message, letter)),
                        data(notice, &message.id),
                    ),
                    Format::Cef => line(sign.severity, cef(notice), "-".to_owned()),
                    Format::Leef => line(sign.severity, leef(notice), "-".to_owned()),
                }
            })
            .collect();
        if lines.is_empty() {
            lines.push(line(Severity::Low, one_line(&letter.whole(LONGEST)), "-".to_owned()));
        }
        Delivery::Lines(Lines {
            host: self.host.clone(),
            port: self.port,
            transport: self.transport,
            lines,
        })
    }
}

fn words_of(notice: &Notice, message: &Message, letter: &Letter) -> String {
    if message.notices.len() == 1 { letter.title.clone() } else { notice.en.title.clone() }
}

/// Syslog's severity: error, warning, notice, informational.
const fn level(severity: Severity) -> u8 {
    match severity {
        Severity::Critical => 2,
        Severity::High => 3,
        Severity::Medium => 4,
        Severity::Low => 5,
    }
}

/// CEF's and LEEF's, 0 to 10.
const fn out_of_ten(severity: Severity) -> u8 {
    match severity {
        Severity::Low => 3,
        Severity::Medium => 5,
        Severity::High => 8,
        Severity::Critical => 10,
    }
}

/// The facts of a sign, and the key of the message, by which a line that is sent again is known.
fn data(notice: &Notice, message: &str) -> String {
    let sign = &notice.sign;
    let mut text = String::from("[kizashi@32473");
    for (name, value) in facts(notice) {
        let value = one_line(&value).replace('\\', "\\\\").replace('"', "\\\"").replace(']', "\\]");
        text.push_str(&format!(" {name}=\"{value}\""));
    }
    text.push_str(&format!(" message=\"{message}\" severity=\"{}\"]", sign.severity.name()));
    text
}

fn facts(notice: &Notice) -> Vec<(&'static str, String)> {
    let sign = &notice.sign;
    vec![
        ("id", sign.id.clone()),
        ("key", sign.key.clone()),
        ("since", sign.since.rfc3339()),
        ("sources", sign.sources.to_string()),
        ("events", sign.events.to_string()),
        ("ratio", kizashi_signs::plain(sign.ratio)),
        ("src", notice.sources.first().map(|(source, _)| source.clone()).unwrap_or_default()),
    ]
}

fn class(sign: &Sign) -> String {
    serde_json::to_value(sign.kind)
        .ok()
        .and_then(|kind| kind.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// `CEF:0|Vendor|Product|Version|Class|Name|Severity|Extension`: `\` and `|` escaped before, `\` and `=` within the extension.
fn cef(notice: &Notice) -> String {
    let sign = &notice.sign;
    let header = |text: &str| one_line(text).replace('\\', "\\\\").replace('|', "\\|");
    let value = |text: &str| one_line(text).replace('\\', "\\\\").replace('=', "\\=");
    let mut text = format!(
        "CEF:0|Kizashi|kizashi|{VERSION}|{}|{}|{}|",
        class(sign),
        header(&notice.en.title),
        out_of_ten(sign.severity)
    );
    text.push_str(&format!(
        "externalId={} start={} cnt={}",
        value(&sign.id),
        sign.since.micros() / 1_000,
        sign.events
    ));
    if let Some((source, _)) = notice.sources.first() {
        text.push_str(&format!(" src={}", value(source)));
    }
    if let Some(port) = sign.port() {
        text.push_str(&format!(
            " dpt={} proto={}",
            port.number,
            port.transport.name().to_uppercase()
        ));
    }
    text.push_str(&format!(
        " cs1Label=key cs1={} cn1Label=sources cn1={}",
        value(&sign.key),
        sign.sources
    ));
    text
}

/// `LEEF:2.0|Vendor|Product|Version|EventID|delimiter|attributes`, apart by tabs, which no value holds.
fn leef(notice: &Notice) -> String {
    let sign = &notice.sign;
    let mut text =
        format!("LEEF:2.0|Kizashi|kizashi|{VERSION}|{}|x09|", class(sign).replace('|', "-"));
    let mut fields =
        vec![("sev", out_of_ten(sign.severity).to_string()), ("name", notice.en.title.clone())];
    fields.extend(facts(notice));
    if let Some(port) = sign.port() {
        fields.push(("dstPort", port.number.to_string()));
    }
    let fields: Vec<String> =
        fields.into_iter().map(|(name, value)| format!("{name}={}", one_line(&value))).collect();
    text.push_str(&fields.join("\t"));
    text
}

/// Without a line break or any other control; what was escaped already is not escaped twice.
fn one_line(text: &str) -> String {
    let text = text.replace(['\n', '\r', '\t'], " ");
    if text.chars().any(char::is_control) {
        escape_for_people(&cut(&text, LONGEST))
    } else {
        cut(&text, LONGEST)
    }
}

/// A word of printable ASCII for a header.
fn header_word(text: &str) -> String {
    let word: String = text.chars().filter(char::is_ascii_graphic).take(64).collect();
    if word.is_empty() { "-".to_owned() } else { word }
}
