//! Heralding's `log_session.json`: one line a session, written at its end, with every login try in it. The session's beginning,
//! each try and the end become events of their own, each at its own time.
//!
//! Of `auxiliary_data` only the client's version is kept: the rest says which ciphers were agreed on. `duration` is in whole
//! seconds. A try without user name and password is a VNC challenge whose answer was not among the common passwords.

use std::net::IpAddr;
use std::sync::Arc;

use kizashi_event::{Detail, Event, Port, Service, SessionId, Timestamp};
use serde::Deserialize;

use crate::format::{Marks, Refusal};
use crate::identity::LineIdentity;
use crate::json::{self, Number, Text};
use crate::line::{Faults, LineError, LineParser, Origin, Parsed};
use crate::values::{read_address, read_time};

pub(crate) fn recognise(marks: &Marks<'_>) -> Result<(), Refusal> {
    if !marks.has_attempts() {
        return Err(Refusal::because("no `auth_attempts` list"));
    }
    Ok(())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Line<'a> {
    #[serde(borrow)]
    timestamp: Text<'a>,
    duration: Number,
    #[serde(borrow)]
    session_id: Text<'a>,
    #[serde(borrow)]
    source_ip: Text<'a>,
    source_port: Number,
    #[serde(borrow)]
    destination_ip: Text<'a>,
    destination_port: Number,
    #[serde(borrow)]
    protocol: Text<'a>,
    #[serde(borrow)]
    sensor: Text<'a>,
    #[serde(borrow)]
    auth_attempts: Option<Vec<Attempt<'a>>>,
    #[serde(borrow)]
    session_ended: Text<'a>,
    #[serde(borrow)]
    auxiliary_data: Option<Auxiliary<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Attempt<'a> {
    #[serde(borrow)]
    timestamp: Text<'a>,
    #[serde(borrow)]
    username: Text<'a>,
    #[serde(borrow)]
    password: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Auxiliary<'a> {
    #[serde(borrow)]
    client_version: Text<'a>,
}

/// What all events of one session share.
struct Shared<'line> {
    identity: LineIdentity<'line>,
    sensor: Arc<str>,
    session: SessionId,
    source: IpAddr,
    source_port: u16,
    destination: Option<IpAddr>,
    port: Port,
    service: Service,
}

impl Shared<'_> {
    fn event(&mut self, time: Timestamp, detail: Detail) -> Event {
        Event {
            time,
            id: self.identity.next_id(),
            sensor: Arc::clone(&self.sensor),
            session: Some(self.session),
            source: self.source,
            source_port: self.source_port,
            destination: self.destination,
            port: self.port,
            service: self.service.clone(),
            detail,
        }
    }
}

/// Reads Heralding's lines.
pub(crate) struct Heralding {
    origin: Origin,
    mended: Vec<u8>,
}

impl Heralding {
    pub(crate) fn new(default_sensor: Arc<str>) -> Self {
        Self { origin: Origin::new(default_sensor), mended: Vec::new() }
    }
}

impl LineParser for Heralding {
    fn start_file(&mut self) {
        self.origin.start_file();
    }

    fn parse(&mut self, line: &[u8], emit: &mut dyn FnMut(Event)) -> Result<Parsed, Faults> {
        let record = json::trim_record(line);
        if record.is_empty() {
            return Ok(Parsed::Nothing);
        }
        let line: Line<'_> = json::read(record, &mut self.mended)?;
        let time = line.timestamp.get().and_then(read_time);
        let time = time.ok_or(LineError::because("no `timestamp` that is a time"))?;
        let mut shared = shared(&mut self.origin, &line, record)?;
        emit(shared.event(time, Detail::Connect));
        let client = line.auxiliary_data.as_ref();
        if let Some(version) = client.and_then(|client| client.client_version.filled()) {
            let client = Detail::Client {
                version: Some(version.into()),
                fingerprint: None,
                algorithms: None,
            };
            emit(shared.event(time, client));
        }
        for attempt in line.auth_attempts.iter().flatten() {
            let own_time = attempt.timestamp.get().and_then(read_time).unwrap_or(time);
            let login = Detail::Login {
                username: attempt.username.hostile(),
                password: attempt.password.hostile(),
                public_key: None,
                accepted: false,
            };
            emit(shared.event(own_time, login));
        }
        if line.session_ended.get() != Some("false") {
            let seconds = line.duration.whole().unwrap_or_default();
            let micros =
                i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(Timestamp::SECOND);
            let duration_ms = Some(seconds.saturating_mul(1_000));
            emit(shared.event(time.plus(micros), Detail::Close { duration_ms, received: None }));
        }
        Ok(Parsed::Record)
    }
}

fn shared<'line>(
    origin: &mut Origin,
    line: &Line<'_>,
    record: &'line [u8],
) -> Result<Shared<'line>, LineError> {
    let source = line.source_ip.get().and_then(read_address);
    let source = source.ok_or(LineError::because("`source_ip` is not an address"))?;
    let port = line.destination_port.port();
    let port = port.ok_or(LineError::because("`destination_port` is not a port"))?;
    let sensor = origin.sensor(line.sensor.get());
    let identity = origin.identify(record);
    let session = match line.session_id.filled() {
        Some(name) => SessionId::of_foreign(&sensor, name),
        None => identity.session(),
    };
    Ok(Shared {
        identity,
        sensor,
        session,
        source,
        source_port: line.source_port.port().unwrap_or_default(),
        destination: line.destination_ip.filled().and_then(read_address),
        port: Port::tcp(port),
        service: match line.protocol.get().unwrap_or_default() {
            "socks5" => Service::known("socks"),
            "postgres" => Service::known("postgresql"),
            other => Service::named(other),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"timestamp": "2026-11-24 19:02:23.000001", "duration": 5, "session_id": "1783c7d0", "source_ip": "192.0.2.7", "source_port": 42756, "destination_ip": "198.51.100.2", "destination_port": 22, "protocol": "ssh", "num_auth_attempts": 2, "auth_attempts": [{"timestamp": "2026-11-24 19:02:24.000000", "username": "root", "password": "a"}, {"timestamp": "2026-11-24 19:02:25.000000", "username": null, "password": null}], "session_ended": true, "auxiliary_data": {"client_version": "SSH-2.0-Go", "recv_cipher": "x"}},"#;

    #[test]
    fn a_session_becomes_its_beginning_its_client_each_try_and_its_end() {
        let mut events = Vec::new();
        let mut parser = Heralding::new("d".into());
        parser.parse(LINE.as_bytes(), &mut |event| events.push(event)).unwrap();
        let kinds: Vec<_> = events.iter().map(|event| event.detail.action()).collect();
        assert_eq!(kinds, ["connect", "client", "login", "login", "close"]);
        let seconds: Vec<_> = events.iter().map(|event| event.time.seconds() % 60).collect();
        assert_eq!(seconds, [23, 23, 24, 25, 28]);
        assert_eq!(events[4].detail, Detail::Close { duration_ms: Some(5_000), received: None });
        assert!(events.iter().all(|event| event.session == events[0].session));
        let Detail::Login { username, password, .. } = &events[3].detail else { panic!() };
        assert_eq!((username, password), (&None, &None));
    }

    #[test]
    fn a_session_without_an_address_is_refused_with_the_reason() {
        let mut parser = Heralding::new("d".into());
        let line = LINE.replace("192.0.2.7", "nobody");
        let error = parser.parse(line.as_bytes(), &mut |_| panic!("an event")).unwrap_err();
        assert_eq!(error.0[0].reason, "`source_ip` is not an address");
    }
}
