//! OpenCanary's log (0.4 to 0.9): one line a happening, told apart by `logtype` (constants in its `opencanary/logger.py`), with
//! what is special to it in `logdata`. `local_time` is UTC too in every version, so `utc_time` is taken and it only where that
//! is missing. Happenings without a visitor (booting, messages) have an empty `src_host`; they become notes without a source.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use kizashi_event::{Detail, Event, HostileText, Port, Request, Service, Timestamp, Transport};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::format::{Marks, Refusal};
use crate::json::{self, Number, Text};
use crate::line::{Faults, LineError, LineParser, Origin, Parsed};
use crate::values::{read_address, read_time};

pub(crate) fn recognise(marks: &Marks<'_>) -> Result<(), Refusal> {
    if !marks.has_log_type() {
        return Err(Refusal::because("no `logtype` number"));
    }
    Ok(())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Line<'a> {
    logtype: Number,
    #[serde(borrow)]
    utc_time: Text<'a>,
    #[serde(borrow)]
    local_time: Text<'a>,
    #[serde(borrow)]
    node_id: Text<'a>,
    #[serde(borrow)]
    src_host: Text<'a>,
    src_port: Number,
    #[serde(borrow)]
    dst_host: Text<'a>,
    dst_port: Number,
    logdata: Value,
}

/// Reads OpenCanary's lines.
pub(crate) struct OpenCanary {
    origin: Origin,
    mended: Vec<u8>,
}

impl OpenCanary {
    pub(crate) fn new(default_sensor: Arc<str>) -> Self {
        Self { origin: Origin::new(default_sensor), mended: Vec::new() }
    }
}

/// What a happening is.
#[derive(Clone, Copy)]
enum Kind {
    Connect,
    Client,
    Login,
    Request,
    /// A request that carries a login.
    RequestLogin,
    Command,
    Packet,
    Note,
}

impl LineParser for OpenCanary {
    fn start_file(&mut self) {
        self.origin.start_file();
    }

    fn parse(&mut self, line: &[u8], emit: &mut dyn FnMut(Event)) -> Result<Parsed, Faults> {
        let record = json::trim_record(line);
        if record.is_empty() {
            return Ok(Parsed::Nothing);
        }
        let line: Line<'_> = json::read(record, &mut self.mended)?;
        let kind = line.logtype.whole().ok_or(LineError::because("no `logtype` number"))?;
        let time = [&line.utc_time, &line.local_time]
            .into_iter()
            .find_map(|text| text.filled().and_then(read_time))
            .ok_or(LineError::because("no `utc_time` that is a time"))?;
        let sensor = self.origin.sensor(line.node_id.get());
        let mut identity = self.origin.identify(record);
        for event in events(kind, time, &line, &sensor)? {
            emit(Event { id: identity.next_id(), ..event });
        }
        Ok(Parsed::Record)
    }
}

fn events(
    log_type: u64,
    time: Timestamp,
    line: &Line<'_>,
    sensor: &Arc<str>,
) -> Result<Vec<Event>, LineError> {
    let empty = Map::new();
    let data = line.logdata.as_object().unwrap_or(&empty);
    let (service, mut kind) = meaning(log_type, data);
    let source = match line.src_host.filled() {
        Some(text) => {
            read_address(text).ok_or(LineError::because("`src_host` is not an address"))?
        }
        None => {
            kind = Kind::Note;
            IpAddr::V4(Ipv4Addr::UNSPECIFIED)
        }
    };
    let transport = data.get("PROTO").and_then(Value::as_str).and_then(Transport::from_name);
    let transport = transport.unwrap_or(match service {
        "tftp" | "ntp" | "snmp" | "sip" | "llmnr" => Transport::Udp,
        _ => Transport::Tcp,
    });
    let event = |detail: Detail| Event {
        time,
        id: kizashi_event::EventId(0),
        sensor: Arc::clone(sensor),
        session: None,
        source,
        source_port: line.src_port.port().unwrap_or_default(),
        destination: line.dst_host.filled().and_then(read_address),
        port: Port { transport, number: line.dst_port.port().unwrap_or_default() },
        service: Service::named(service),
        detail,
    };
    Ok(details(kind, log_type, data, &line.logdata).into_iter().map(event).collect())
}

/// The service and kind of a `logtype`.
fn meaning(log_type: u64, data: &Map<String, Value>) -> (&'static str, Kind) {
    let has_login = text(data, "USERNAME").is_some() || text(data, "PASSWORD").is_some();
    match log_type {
        2000 => ("ftp", Kind::Login),
        2001 => ("ftp", Kind::Note),
        3000 | 3002 | 3003 => ("http", Kind::Request),
        3001 => ("http", Kind::RequestLogin),
        4000 => ("ssh", Kind::Connect),
        4001 => ("ssh", Kind::Client),
        4002 => ("ssh", Kind::Login),
        5000 => ("smb", Kind::Note),
        5001..=5005 => ("unknown", Kind::Packet),
        6001 => ("telnet", Kind::Login),
        6002 => ("telnet", Kind::Connect),
        7001 => ("http", if has_login { Kind::Login } else { Kind::Note }),
        8001 => ("mysql", Kind::Login),
        9001 | 9002 => ("mssql", Kind::Login),
        9003 => ("mssql", Kind::Connect),
        10_001 => ("tftp", Kind::Note),
        11_001 => ("ntp", Kind::Note),
        12_001 => ("vnc", Kind::Login),
        13_001 => ("snmp", Kind::Login),
        14_001 => ("rdp", Kind::Login),
        15_001 => ("sip", Kind::Note),
        16_001 => ("git", Kind::Note),
        17_001 => ("redis", Kind::Command),
        18_001 | 18_002 => ("unknown", Kind::Connect),
        19_001 => ("llmnr", Kind::Note),
        20_001 => ("mongodb", if has_login { Kind::Login } else { Kind::Note }),
        _ => ("unknown", if has_login { Kind::Login } else { Kind::Note }),
    }
}

fn details(kind: Kind, log_type: u64, data: &Map<String, Value>, whole: &Value) -> Vec<Detail> {
    match kind {
        Kind::Connect => vec![Detail::Connect],
        Kind::Packet => vec![Detail::Packet],
        Kind::Client => {
            vec![Detail::Client {
                version: text(data, "REMOTEVERSION"),
                fingerprint: None,
                algorithms: None,
            }]
        }
        Kind::Login => vec![login(data)],
        Kind::Request => vec![request(log_type, data)],
        Kind::RequestLogin => vec![request(log_type, data), login(data)],
        Kind::Command => {
            let words = [text(data, "CMD"), text(data, "ARGS")];
            let words: Vec<_> = words
                .iter()
                .flatten()
                .map(HostileText::raw)
                .filter(|word| !word.is_empty())
                .collect();
            vec![Detail::Command { line: words.join(" ").into(), known: None }]
        }
        Kind::Note => vec![Detail::Note {
            name: format!("opencanary.{log_type}").into(),
            value: if whole.is_null() { String::new() } else { whole.to_string() }.into(),
        }],
    }
}

fn login(data: &Map<String, Value>) -> Detail {
    let password = ["PASSWORD", "VNC Password", "COMMUNITY_STRING"];
    Detail::Login {
        username: text(data, "USERNAME"),
        password: password.iter().find_map(|name| text(data, name)),
        public_key: None,
        accepted: false,
    }
}

fn request(log_type: u64, data: &Map<String, Value>) -> Detail {
    let method = text(data, "METHOD").unwrap_or_else(|| match log_type {
        3001 => "POST".into(),
        3000 | 3003 => "GET".into(),
        _ => HostileText::default(),
    });
    let headers = [("Host", "HOSTNAME"), ("User-Agent", "USERAGENT")];
    let headers = headers
        .into_iter()
        .filter_map(|(name, field)| Some((HostileText::from(name), text(data, field)?)))
        .collect();
    let request = Request {
        method,
        target: text(data, "PATH").unwrap_or_default(),
        headers,
        ..Request::default()
    };
    Detail::Request { request: Box::new(request), body: None }
}

/// A field of `logdata` as text.
fn text(data: &Map<String, Value>, name: &str) -> Option<HostileText> {
    match data.get(name)? {
        Value::Null => None,
        Value::String(text) => Some(text.as_str().into()),
        other => Some(other.to_string().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(log_type: u32, source: &str, data: &str) -> Vec<Event> {
        let line = format!(
            r#"{{"dst_host": "198.51.100.2", "dst_port": 23, "local_time": "2026-11-24 19:01:28.4", "logdata": {data}, "logtype": {log_type}, "node_id": "n", "src_host": "{source}", "src_port": -1, "utc_time": "2026-11-24 19:01:28.5"}}"#
        );
        let mut events = Vec::new();
        let mut parser = OpenCanary::new("d".into());
        parser.parse(line.as_bytes(), &mut |event| events.push(event)).unwrap();
        events
    }

    #[test]
    fn a_login_is_read_whole() {
        let data = r#"{"USERNAME": "root", "PASSWORD": "1", "REMOTEVERSION": "SSH-2.0-Go"}"#;
        let events = read_all(4002, "192.0.2.7", data);
        assert_eq!(
            events[0].detail,
            Detail::Login {
                username: Some("root".into()),
                password: Some("1".into()),
                public_key: None,
                accepted: false
            }
        );
        assert_eq!((&*events[0].sensor, events[0].source_port), ("n", 0));
        assert_eq!(events[0].time.rfc3339(), "2026-11-24T19:01:28.500000Z");
    }

    #[test]
    fn every_kind_of_happening_finds_its_place() {
        for (log_type, data, service, kinds) in [
            (1001, r#"{"msg": {"logdata": "x"}}"#, "unknown", &["note"][..]),
            (2000, r#"{"USERNAME": "a", "PASSWORD": "b"}"#, "ftp", &["login"]),
            (3000, r#"{"PATH": "/", "USERAGENT": "curl"}"#, "http", &["request"]),
            (3001, r#"{"PATH": "/", "USERNAME": "a"}"#, "http", &["request", "login"]),
            (4000, "{}", "ssh", &["connect"]),
            (4001, r#"{"REMOTEVERSION": "x"}"#, "ssh", &["client"]),
            (5001, r#"{"PROTO": "TCP"}"#, "unknown", &["packet"]),
            (12_001, r#"{"VNC Password": "x"}"#, "vnc", &["login"]),
            (17_001, r#"{"CMD": "CONFIG", "ARGS": "GET *"}"#, "redis", &["command"]),
            (99_004, r#"{"anything": [1]}"#, "unknown", &["note"]),
            (99_005, "null", "unknown", &["note"]),
        ] {
            let events = read_all(log_type, "192.0.2.7", data);
            let found: Vec<_> = events.iter().map(|event| event.detail.action()).collect();
            assert_eq!(
                (found.as_slice(), events[0].service.name()),
                (kinds, service),
                "{log_type}"
            );
        }
    }

    #[test]
    fn booting_is_a_note_of_no_visitor() {
        let events = read_all(4000, "", "{}");
        assert!(events[0].source.is_unspecified());
        assert_eq!(events[0].detail.action(), "note");
    }
}
