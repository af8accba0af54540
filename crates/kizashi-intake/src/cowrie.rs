//! Cowrie's JSON log, of 2018 to today's 3.1 (its `docs/OUTPUT.rst` and `src/cowrie/core/eventids.py` name the events).
//!
//! Two things are easily got wrong. `dst_ip` and `dst_port` of the `direct-tcpip` events are where the visitor wanted to be
//! forwarded to, not where he came to, and in older logs their `src_port` is his claim too; and older logs say only in
//! `session.connect` which port was visited. So where a session came to is remembered, for a bounded number of sessions.
//! `command.failed` and `command.success` repeat pieces of a `command.input`: they are kept as notes, not as commands.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use kizashi_event::{
    Detail, Event, HostileText, Payload, PayloadHash, PayloadOrigin, Port, Service, SessionId,
    SshOffer,
};
use serde::Deserialize;

use crate::format::{Marks, Refusal};
use crate::json::{self, Names, Number, Text};
use crate::line::{Faults, LineError, LineParser, Origin, Parsed};
use crate::recent::Recent;
use crate::values::{python_bytes, read_address, read_time};

const PREFIX: &str = "cowrie.";
/// How many sessions are remembered at least: a session of Cowrie lasts minutes, so this outlasts 500 connections a second.
const SESSIONS_REMEMBERED: usize = 65_536;
/// Fields that every event has or that the event itself holds; a note does not repeat them.
const COMMON: &[&str] = &[
    "@timestamp",
    "@version",
    "dest_ip",
    "dest_port",
    "dst_ip",
    "dst_port",
    "eventid",
    "geoip",
    "geoip_ext",
    "host",
    "isError",
    "message",
    "protocol",
    "sensor",
    "session",
    "src_ip",
    "src_port",
    "system",
    "tags",
    "time",
    "timestamp",
    "uuid",
];

pub(crate) fn recognise(marks: &Marks<'_>) -> Result<(), Refusal> {
    match marks.event_id() {
        Some(event) if event.starts_with(PREFIX) => Ok(()),
        Some(_) => Err(Refusal::because("its `eventid` does not begin with `cowrie.`")),
        None => Err(Refusal::because("no `eventid`")),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Line<'a> {
    #[serde(borrow)]
    eventid: Text<'a>,
    #[serde(borrow)]
    timestamp: Text<'a>,
    #[serde(borrow, rename = "@timestamp")]
    stored: Text<'a>,
    #[serde(borrow)]
    time: Text<'a>,
    #[serde(borrow)]
    session: Text<'a>,
    #[serde(borrow)]
    sensor: Text<'a>,
    #[serde(borrow)]
    src_ip: Text<'a>,
    src_port: Number,
    #[serde(borrow)]
    dst_ip: Text<'a>,
    dst_port: Number,
    #[serde(borrow)]
    dest_ip: Text<'a>,
    dest_port: Number,
    #[serde(borrow)]
    protocol: Text<'a>,
    #[serde(borrow)]
    system: Text<'a>,
    #[serde(borrow)]
    username: Text<'a>,
    #[serde(borrow)]
    password: Text<'a>,
    #[serde(borrow)]
    fingerprint: Text<'a>,
    #[serde(borrow)]
    input: Text<'a>,
    #[serde(borrow)]
    version: Text<'a>,
    #[serde(borrow)]
    hassh: Text<'a>,
    #[serde(borrow)]
    width: Text<'a>,
    #[serde(borrow)]
    height: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    value: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow)]
    shasum: Text<'a>,
    #[serde(borrow)]
    filename: Text<'a>,
    #[serde(borrow)]
    destfile: Text<'a>,
    #[serde(borrow)]
    data: Text<'a>,
    #[serde(borrow, rename = "kexAlgs")]
    exchanges: Names<'a>,
    #[serde(borrow, rename = "keyAlgs")]
    host_keys: Names<'a>,
    #[serde(borrow, rename = "encCS")]
    ciphers: Names<'a>,
    #[serde(borrow, rename = "macCS")]
    macs: Names<'a>,
    #[serde(borrow, rename = "compCS")]
    compressions: Names<'a>,
    #[serde(borrow, rename = "langCS")]
    languages: Names<'a>,
    duration: Number,
    duration_ms: Number,
}

/// Where a session came from and to.
#[derive(Clone)]
struct Visit {
    source: IpAddr,
    source_port: u16,
    destination: Option<IpAddr>,
    port: u16,
    service: Service,
}

/// Reads Cowrie's lines.
pub(crate) struct Cowrie {
    origin: Origin,
    visits: Recent<Visit>,
    mended: Vec<u8>,
}

impl Cowrie {
    pub(crate) fn new(default_sensor: Arc<str>) -> Self {
        Self {
            origin: Origin::new(default_sensor),
            visits: Recent::new(SESSIONS_REMEMBERED),
            mended: Vec::new(),
        }
    }
}

impl LineParser for Cowrie {
    fn start_file(&mut self) {
        self.origin.start_file();
    }

    fn parse(&mut self, line: &[u8], emit: &mut dyn FnMut(Event)) -> Result<Parsed, Faults> {
        let record = json::trim_record(line);
        if record.is_empty() {
            return Ok(Parsed::Nothing);
        }
        let line: Line<'_> = json::read(record, &mut self.mended)?;
        let name = line.eventid.get().and_then(|name| name.strip_prefix(PREFIX));
        let name = name.ok_or(LineError::because("no `eventid` that begins with `cowrie.`"))?;
        let time = [&line.timestamp, &line.stored, &line.time]
            .into_iter()
            .find_map(|text| text.filled().and_then(read_time))
            .ok_or(LineError::because("no `timestamp` that is a time"))?;
        let sensor = self.origin.sensor(line.sensor.get());
        let session = line.session.filled().map(|name| SessionId::of_foreign(&sensor, name));
        let visit = visit(&mut self.visits, name, &line, session)?;
        emit(Event {
            time,
            id: self.origin.identify(record).next_id(),
            sensor,
            session,
            source: visit.source,
            source_port: visit.source_port,
            destination: visit.destination,
            port: Port::tcp(visit.port),
            service: visit.service,
            detail: detail(name, &line, record),
        });
        Ok(Parsed::Record)
    }
}

/// Whether the event's destination is where the visitor wanted to go on to.
fn speaks_of_elsewhere(name: &str) -> bool {
    name.starts_with("direct-tcpip.") || name == "reversedns.forward"
}

/// Where the event's session came from and to: by the event itself, else by what is remembered of the session, else by guess.
fn visit(
    visits: &mut Recent<Visit>,
    name: &str,
    line: &Line<'_>,
    session: Option<SessionId>,
) -> Result<Visit, LineError> {
    let known = session.and_then(|session| visits.get(session.0));
    let elsewhere = speaks_of_elsewhere(name);
    let own_port = if elsewhere { None } else { line.dst_port.port().or(line.dest_port.port()) };
    let source = match line.src_ip.filled() {
        Some(text) => read_address(text).ok_or(LineError::because("`src_ip` is not an address"))?,
        None => known.as_ref().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |visit| visit.source),
    };
    let service = match (line.protocol.filled(), known.as_ref()) {
        (Some(protocol), _) => Service::named(protocol),
        (None, Some(visit)) => visit.service.clone(),
        (None, None) => guess_service(name, line.system.get().unwrap_or_default()),
    };
    let Some(port) = own_port else {
        let (source_port, destination, port) = known.map_or_else(
            || (0, None, if service.name() == "telnet" { 23 } else { 22 }),
            |visit| (visit.source_port, visit.destination, visit.port),
        );
        let own = if elsewhere { None } else { line.src_port.port() };
        return Ok(Visit {
            source,
            source_port: own.unwrap_or(source_port),
            destination,
            port,
            service,
        });
    };
    let destination = line.dst_ip.filled().or(line.dest_ip.filled()).and_then(read_address);
    let source_port = line.src_port.port().unwrap_or_default();
    let visit = Visit { source, source_port, destination, port, service };
    if let Some(session) = session
        && (known.is_none() || name == "session.connect")
    {
        visits.insert(session.0, visit.clone());
    }
    Ok(visit)
}

fn guess_service(name: &str, system: &str) -> Service {
    if name.starts_with("telnet.") || system.contains("Telnet") {
        Service::known("telnet")
    } else {
        Service::known("ssh")
    }
}

fn detail(name: &str, line: &Line<'_>, record: &[u8]) -> Detail {
    match name {
        "session.connect" => Detail::Connect,
        "session.closed" => Detail::Close { duration_ms: duration_ms(line), received: None },
        "client.version" => Detail::Client {
            version: line.version.hostile(),
            fingerprint: kinded("hassh", &line.hassh),
            algorithms: None,
        },
        "client.kex" => Detail::Client {
            version: None,
            fingerprint: kinded("hassh", &line.hassh),
            algorithms: offer(line),
        },
        "client.fingerprint" => {
            let fingerprint = kinded("ssh-key", &line.fingerprint);
            Detail::Client { version: None, fingerprint, algorithms: None }
        }
        "login.success" | "login.failed" => Detail::Login {
            username: line.username.hostile(),
            password: line.password.hostile(),
            public_key: line.fingerprint.hostile(),
            accepted: name == "login.success",
        },
        "command.input" | "session.input" => {
            Detail::Command { line: line.input.hostile().unwrap_or_default(), known: None }
        }
        "session.file_download" | "session.file_upload" => {
            payload(name, line).unwrap_or_else(|| note(name, record))
        }
        "direct-tcpip.request" | "direct-tcpip.data" => forward(line),
        "client.size" => {
            let side = |text: &Text<'_>| text.get().unwrap_or("?").to_owned();
            let size = format!("{}x{}", side(&line.width), side(&line.height));
            Detail::Note { name: "terminal size".into(), value: size.into() }
        }
        "client.var" => {
            let part = |text: &Text<'_>| text.get().unwrap_or_default().to_owned();
            let variable = format!("{}={}", part(&line.name), part(&line.value));
            Detail::Note { name: "environment".into(), value: variable.into() }
        }
        _ => note(name, record),
    }
}

/// The lists of a key exchange, where the log has them.
fn offer(line: &Line<'_>) -> Option<HostileText> {
    let exchanges = line.exchanges.get()?;
    let offer = SshOffer {
        exchanges,
        host_keys: line.host_keys.get().unwrap_or_default(),
        ciphers: line.ciphers.get().unwrap_or_default(),
        macs: line.macs.get().unwrap_or_default(),
        compressions: line.compressions.get().unwrap_or_default(),
        languages: line.languages.get().unwrap_or_default(),
    };
    Some(offer.text())
}

/// A fingerprint with its kind in front.
fn kinded(kind: &str, fingerprint: &Text<'_>) -> Option<HostileText> {
    fingerprint.filled().map(|value| HostileText::from(format!("{kind}:{value}")))
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a negative one is 0")]
fn duration_ms(line: &Line<'_>) -> Option<u64> {
    let seconds = || line.duration.get().map(|seconds| (seconds * 1_000.0).round() as u64);
    line.duration_ms.whole().or_else(seconds)
}

/// What was downloaded, uploaded or written by redirection. Cowrie logs a redirection as a download without a `url`, and before
/// 2019 with the file's path as one.
fn payload(name: &str, line: &Line<'_>) -> Option<Detail> {
    let sha256 = PayloadHash::parse(line.shasum.get()?)?;
    let (web, path) = match line.url.filled() {
        Some(url) if url.contains("://") => (Some(url), None),
        other => (None, other),
    };
    let origin = match (name, web) {
        ("session.file_upload", _) => PayloadOrigin::Upload,
        (_, Some(_)) => PayloadOrigin::Download,
        _ => PayloadOrigin::Redirect,
    };
    let name = line.filename.filled().or(line.destfile.filled()).or(path);
    Some(Detail::Payload(Box::new(Payload {
        sha256,
        size: None,
        content: Vec::new(),
        origin,
        name: name.map(HostileText::from),
        url: web.map(HostileText::from),
        left_out: false,
    })))
}

fn forward(line: &Line<'_>) -> Detail {
    Detail::Forward {
        host: line.dst_ip.hostile().unwrap_or_default(),
        port: line.dst_port.port().unwrap_or_default(),
        data: line.data.get().map(|data| HostileText::from_bytes(&python_bytes(data))),
    }
}

/// Any other event: its name and its own fields; its message where it has none.
fn note(name: &str, record: &[u8]) -> Detail {
    let elsewhere = speaks_of_elsewhere(name);
    let is_common = |field: &str| {
        COMMON.contains(&field) && !(elsewhere && matches!(field, "dst_ip" | "dst_port"))
    };
    let fields = json::other_fields(record, is_common);
    let value = if fields.is_empty() {
        let message = json::other_fields(record, |field| field != "message").remove("message");
        message.as_ref().and_then(|text| text.as_str()).unwrap_or_default().to_owned()
    } else {
        serde_json::Value::Object(fields).to_string()
    };
    Detail::Note { name: format!("{PREFIX}{name}").into(), value: value.into() }
}

#[cfg(test)]
#[path = "cowrie_tests.rs"]
mod tests;
