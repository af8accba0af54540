//! Dionaea's `log_json` (its `modules/python/dionaea/log_json.py`): one line a connection, written when it ends, with the time
//! of its beginning. Lists stand as lists of objects or, with `flat_data`, as an object of lists. Files that were captured are
//! not in this log.
//!
//! `listen` is Dionaea opening a port of its own and `connect` over TCP is Dionaea calling somebody (its mirror service does):
//! neither is a visit, so both become notes. Over UDP `connect` is what a visitor's first datagram is called.

mod lists;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use kizashi_event::{Detail, Event, Port, Service, SessionId, Timestamp, Transport};
use lists::{Credentials, Ftp};
use serde::Deserialize;

use crate::format::{Marks, Refusal};
use crate::identity::LineIdentity;
use crate::json::{self, Number, Text};
use crate::line::{Faults, LineError, LineParser, Origin, Parsed};
use crate::values::{read_address, read_time};

/// Fields that the events themselves hold, or that a log shipper added.
const COMMON: &[&str] = &[
    "@timestamp",
    "@version",
    "connection",
    "credentials",
    "dest_ip",
    "dest_port",
    "dst_ip",
    "dst_port",
    "ftp",
    "geoip",
    "geoip_ext",
    "host",
    "path",
    "sensor",
    "src_hostname",
    "src_ip",
    "src_port",
    "tags",
    "timestamp",
    "type",
];

pub(crate) fn recognise(marks: &Marks<'_>) -> Result<(), Refusal> {
    if !marks.has_connection() {
        return Err(Refusal::because("no `connection` object"));
    }
    if !marks.has_source() {
        return Err(Refusal::because("no `src_ip`"));
    }
    Ok(())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Line<'a> {
    #[serde(borrow)]
    connection: Connection<'a>,
    #[serde(borrow)]
    timestamp: Text<'a>,
    #[serde(borrow, rename = "@timestamp")]
    stored: Text<'a>,
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
    sensor: Text<'a>,
    #[serde(borrow)]
    credentials: Credentials<'a>,
    #[serde(borrow)]
    ftp: Option<Ftp<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Connection<'a> {
    #[serde(borrow)]
    protocol: Text<'a>,
    #[serde(borrow)]
    transport: Text<'a>,
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
}

/// What all events of one line share.
struct Shared<'line> {
    identity: LineIdentity<'line>,
    time: Timestamp,
    sensor: Arc<str>,
    session: Option<SessionId>,
    source: IpAddr,
    source_port: u16,
    destination: Option<IpAddr>,
    port: Port,
    service: Service,
}

impl Shared<'_> {
    fn event(&mut self, detail: Detail) -> Event {
        Event {
            time: self.time,
            id: self.identity.next_id(),
            sensor: Arc::clone(&self.sensor),
            session: self.session,
            source: self.source,
            source_port: self.source_port,
            destination: self.destination,
            port: self.port,
            service: self.service.clone(),
            detail,
        }
    }
}

/// Reads Dionaea's lines.
pub(crate) struct Dionaea {
    origin: Origin,
    mended: Vec<u8>,
}

impl Dionaea {
    pub(crate) fn new(default_sensor: Arc<str>) -> Self {
        Self { origin: Origin::new(default_sensor), mended: Vec::new() }
    }
}

impl LineParser for Dionaea {
    fn start_file(&mut self) {
        self.origin.start_file();
    }

    fn parse(&mut self, line: &[u8], emit: &mut dyn FnMut(Event)) -> Result<Parsed, Faults> {
        let record = json::trim_record(line);
        if record.is_empty() {
            return Ok(Parsed::Nothing);
        }
        let line: Line<'_> = json::read(record, &mut self.mended)?;
        let kind = line.connection.kind.filled();
        let kind = kind.ok_or(LineError::because("no `type` in `connection`"))?.to_owned();
        let mut shared = shared(&mut self.origin, &line, record)?;
        let visited = match (&*kind, shared.port.transport) {
            ("accept" | "reject" | "pending", _) | ("connect", Transport::Udp) => true,
            ("listen", _) => !shared.source.is_unspecified(),
            _ => false,
        };
        if !visited {
            let value = format!("{}:{}", shared.source, line.src_port.port().unwrap_or_default());
            if kind == "connect" {
                shared.port.number = shared.source_port;
                shared.source_port = 0;
            }
            shared.session = None;
            let name = format!("dionaea.{kind}");
            emit(shared.event(Detail::Note { name: name.into(), value: value.into() }));
            return Ok(Parsed::Record);
        }
        emit(shared.event(Detail::Connect));
        emit_contents(line, record, &mut shared, emit);
        Ok(Parsed::Record)
    }
}

fn shared<'line>(
    origin: &mut Origin,
    line: &Line<'_>,
    record: &'line [u8],
) -> Result<Shared<'line>, LineError> {
    let time = [&line.timestamp, &line.stored]
        .into_iter()
        .find_map(|text| text.filled().and_then(read_time))
        .ok_or(LineError::because("no `timestamp` that is a time"))?;
    let source = match line.src_ip.filled() {
        Some(text) => read_address(text).ok_or(LineError::because("`src_ip` is not an address"))?,
        None => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    };
    let (transport, is_tls) = match line.connection.transport.get().unwrap_or("tcp") {
        "tls" => (Transport::Tcp, true),
        other => (
            Transport::from_name(other)
                .ok_or(LineError::because("`transport` is not tcp, udp or tls"))?,
            false,
        ),
    };
    let number = line.dst_port.port().or(line.dest_port.port());
    let number = number.ok_or(LineError::because("no `dst_port` that is a port"))?;
    let sensor = origin.sensor(line.sensor.get());
    let identity = origin.identify(record);
    Ok(Shared {
        time,
        sensor,
        session: Some(identity.session()),
        identity,
        source,
        source_port: line.src_port.port().unwrap_or_default(),
        destination: line.dst_ip.filled().or(line.dest_ip.filled()).and_then(read_address),
        port: Port { transport, number },
        service: service(line.connection.protocol.get().unwrap_or_default(), is_tls),
    })
}

fn emit_contents(
    line: Line<'_>,
    record: &[u8],
    shared: &mut Shared<'_>,
    emit: &mut dyn FnMut(Event),
) {
    for credential in line.credentials.rows() {
        emit(shared.event(Detail::Login {
            username: credential.username.hostile(),
            password: credential.password.hostile(),
            public_key: None,
            accepted: false,
        }));
    }
    for command in line.ftp.map(|ftp| ftp.commands.rows()).into_iter().flatten() {
        let words = [command.command.filled(), command.arguments.filled()];
        let line = words.into_iter().flatten().collect::<Vec<_>>().join(" ");
        emit(shared.event(Detail::Command { line: line.into(), known: None }));
    }
    if json::has_other_fields(record, COMMON) {
        for (name, value) in json::other_fields(record, |field| COMMON.contains(&field)) {
            let name = format!("dionaea.{name}");
            emit(shared.event(Detail::Note { name: name.into(), value: value.to_string().into() }));
        }
    }
}

/// Dionaea's own names of services in the words of this project.
fn service(name: &str, is_tls: bool) -> Service {
    Service::named(match name {
        "smbd" => "smb",
        "mssqld" => "mssql",
        "mysqld" => "mysql",
        "epmapper" => "epmap",
        "httpd" if is_tls => "https",
        "httpd" => "http",
        "ftpd" | "ftpdata" | "ftpdatalisten" | "ftpdataconnect" | "ftpctrl" => "ftp",
        "tftpd" | "TftpServerHandler" | "TftpClient" => "tftp",
        "mqttd" => "mqtt",
        "pptpd" => "pptp",
        "upnpd" => "upnp",
        "mongod" => "mongodb",
        "memcache" | "memcached" => "memcached",
        "printerd" => "printer",
        "SipSession" | "SipCall" | "SipServer" | "RtpUdpStream" => "sip",
        "mirrord" | "mirrorc" => "mirror",
        "pcap" | "blackhole" | "" => "unknown",
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(line: &str) -> Vec<Event> {
        let mut parser = Dionaea::new("d".into());
        let mut events = Vec::new();
        parser.parse(line.as_bytes(), &mut |event| events.push(event)).unwrap();
        events
    }

    fn line(connection: &str, rest: &str) -> String {
        format!(
            r#"[{{"connection": {{{connection}}}, "dst_ip": "198.51.100.2", "dst_port": 21, "src_hostname": "", "src_ip": "192.0.2.7", "src_port": 1401, "timestamp": "2025-02-12T08:28:02.472515"{rest}}},"#
        )
    }

    const FTP: &str = r#""protocol": "ftpd", "transport": "tcp", "type": "accept""#;

    #[test]
    fn both_forms_of_lists_give_the_same_events() {
        let rows = line(
            FTP,
            r#", "credentials": [{"username": "a", "password": "b"}], "ftp": {"commands": [{"command": "USER", "arguments": ["a"]}]}"#,
        );
        let columns = line(
            FTP,
            r#", "credentials": {"password": ["b"], "username": ["a"]}, "ftp": {"commands": {"arguments": ["a"], "command": ["USER"]}}"#,
        );
        for text in [rows, columns] {
            let events = read_all(&text);
            let details: Vec<Detail> = events.iter().map(|event| event.detail.clone()).collect();
            assert_eq!(
                details,
                [
                    Detail::Connect,
                    Detail::Login {
                        username: Some("a".into()),
                        password: Some("b".into()),
                        public_key: None,
                        accepted: false
                    },
                    Detail::Command { line: "USER a".into(), known: None },
                ]
            );
            assert!(events.iter().all(|event| event.session == events[0].session));
            assert_eq!((events[0].port, events[0].service.name()), (Port::tcp(21), "ftp"));
        }
    }

    #[test]
    fn dionaeas_own_connections_are_notes_and_a_datagram_is_a_visit() {
        let mirror = r#""protocol": "mirrorc", "transport": "tcp", "type": "connect""#;
        let events = read_all(&line(mirror, ""));
        assert!(matches!(events[0].detail, Detail::Note { .. }) && events.len() == 1);
        assert_eq!(events[0].port, Port::tcp(1401));
        let sip = r#""protocol": "SipSession", "transport": "udp", "type": "connect""#;
        let events = read_all(&line(sip, ""));
        assert_eq!((&events[0].detail, events[0].service.name()), (&Detail::Connect, "sip"));
    }

    #[test]
    fn what_has_no_place_of_its_own_is_a_note() {
        let events = read_all(&line(FTP, r#", "mqtt": {"topic": "x"}"#));
        assert_eq!(
            events[1].detail,
            Detail::Note { name: "dionaea.mqtt".into(), value: r#"{"topic":"x"}"#.into() }
        );
    }
}
