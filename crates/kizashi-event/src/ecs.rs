//! The JSON form of an event: Elastic Common Schema 8 names where one exists, `kizashi.*` where none does. Attackers' text
//! is raw here, as machines want it; JSON itself escapes controls, and whoever shows it escapes it.

use serde_json::{Map, Value, json};

use crate::{Detail, Event, HostileText, Payload, Request};

impl Event {
    /// One JSON object with nested ECS fields.
    #[must_use]
    pub fn to_ecs(&self) -> Value {
        let mut document = json!({
            "@timestamp": self.time.rfc3339(),
            "event": {"action": self.detail.action(), "id": format!("{:016x}", self.id.0), "module": "kizashi", "kind": "event"},
            "observer": {"name": &*self.sensor, "type": "honeypot"},
            "source": {"ip": self.source.to_string()},
            "destination": {"port": self.port.number},
            "network": {"transport": self.port.transport.name(), "protocol": self.service.name()},
        });
        if self.source_port != 0 {
            document["source"]["port"] = self.source_port.into();
        }
        if let Some(address) = self.destination {
            document["destination"]["ip"] = address.to_string().into();
        }
        if let Some(session) = self.session {
            document["kizashi"]["session"] = format!("{:016x}", session.0).into();
        }
        self.detail.add_to(&mut document);
        document
    }
}

impl Detail {
    fn add_to(&self, document: &mut Value) {
        match self {
            Self::Packet | Self::Connect => {}
            Self::Attempt(attempt) => add_whole(document, "attempt", attempt),
            Self::Scan(scan) => add_whole(document, "scan", scan),
            Self::Backscatter(backscatter) => add_whole(document, "backscatter", backscatter),
            Self::Close { duration_ms, received } => {
                set(
                    document,
                    &["event", "duration"],
                    duration_ms.map(|ms| ms.saturating_mul(1_000_000)),
                );
                set(document, &["source", "bytes"], *received);
            }
            Self::Client { version, fingerprint, algorithms } => {
                set(document, &["user_agent", "original"], text(version.as_ref()));
                set(document, &["kizashi", "fingerprint"], text(fingerprint.as_ref()));
                set(document, &["kizashi", "algorithms"], text(algorithms.as_ref()));
            }
            Self::Login { username, password, public_key, accepted } => {
                set(document, &["user", "name"], text(username.as_ref()));
                set(document, &["kizashi", "password"], text(password.as_ref()));
                set(document, &["kizashi", "public_key"], text(public_key.as_ref()));
                let outcome = if *accepted { "success" } else { "failure" };
                set(document, &["event", "outcome"], Some(outcome));
            }
            Self::Command { line, known } => {
                set(document, &["process", "command_line"], Some(line.raw()));
                set(document, &["kizashi", "command_known"], *known);
            }
            Self::Request { request, body } => {
                add_request(document, request);
                if let Some(body) = body {
                    set(document, &["http", "request", "body", "bytes"], body.size);
                    add_payload(document, body);
                }
            }
            Self::Payload(payload) => add_payload(document, payload),
            Self::Recording { part, content } => {
                set(document, &["kizashi", "recording", "part"], Some(*part));
                let sha256 = Some(content.sha256.to_string());
                set(document, &["kizashi", "recording", "sha256"], sha256);
            }
            Self::Forward { host, port, data } => {
                set(document, &["kizashi", "forward", "host"], Some(host.raw()));
                set(document, &["kizashi", "forward", "port"], Some(*port));
                set(document, &["kizashi", "forward", "data"], text(data.as_ref()));
            }
            Self::Counted { events, sessions } => {
                set(document, &["kizashi", "counted", "events"], Some(*events));
                set(document, &["kizashi", "counted", "sessions"], Some(*sessions));
            }
            Self::Note { name, value } => {
                set(document, &["kizashi", "note", "name"], Some(name.raw()));
                set(document, &["kizashi", "note", "value"], Some(value.raw()));
            }
        }
    }
}

/// Adds a detail whose JSON needs no other names.
fn add_whole(document: &mut Value, name: &str, detail: &impl serde::Serialize) {
    set(document, &["kizashi", name], serde_json::to_value(detail).ok());
}

fn add_request(document: &mut Value, request: &Request) {
    set(document, &["http", "request", "method"], Some(request.method.raw()));
    set(document, &["url", "original"], Some(request.target.raw()));
    set(document, &["http", "version"], request.version.raw().strip_prefix("HTTP/"));
    set(document, &["user_agent", "original"], text(request.header("user-agent")));
    set(document, &["http", "response", "status_code"], request.status);
    set(document, &["kizashi", "malformed"], request.malformed.then_some(true));
    set(document, &["rule", "category"], text(request.class.as_ref()));
    set(document, &["rule", "name"], text(request.rule.as_ref()));
    set(document, &["kizashi", "http_fingerprint"], text(request.print.as_ref()));
    set(document, &["kizashi", "ja4h"], text(request.ja4h.as_ref()));
    set(document, &["kizashi", "http2_fingerprint"], text(request.http2.as_ref()));
    let headers: Vec<Value> = request
        .headers
        .iter()
        .map(|(name, value)| json!({"name": name.raw(), "value": value.raw()}))
        .collect();
    set(document, &["kizashi", "headers"], (!headers.is_empty()).then_some(headers));
}

fn add_payload(document: &mut Value, payload: &Payload) {
    set(document, &["file", "hash", "sha256"], Some(payload.sha256.to_string()));
    set(document, &["file", "size"], payload.size);
    set(document, &["file", "name"], text(payload.name.as_ref()));
    set(document, &["url", "full"], text(payload.url.as_ref()));
    set(document, &["kizashi", "payload_origin"], serde_json::to_value(payload.origin).ok());
    set(document, &["kizashi", "payload_left_out"], payload.left_out.then_some(true));
}

fn text(text: Option<&HostileText>) -> Option<&str> {
    text.map(HostileText::raw)
}

/// Sets the field at `path` when there is a value, making the objects on the way.
fn set(document: &mut Value, path: &[&str], value: Option<impl Into<Value>>) {
    let Some(value) = value else { return };
    let mut place = document;
    for name in path {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        place = &mut place[*name];
    }
    *place = value.into();
}

#[cfg(test)]
mod tests {
    use crate::{Detail, Event, EventId, Port, Request, Service, SessionId, Timestamp};

    fn event(detail: Detail) -> Event {
        Event {
            time: Timestamp::from_seconds(1_800_000_000),
            id: EventId(1),
            sensor: "sensor".into(),
            session: Some(SessionId(2)),
            source: "192.0.2.7".parse().unwrap(),
            source_port: 40_000,
            destination: None,
            port: Port::tcp(22),
            service: Service::known("ssh"),
            detail,
        }
    }

    #[test]
    fn a_login_has_the_names_of_the_elastic_common_schema() {
        let login = Detail::Login {
            username: Some("root".into()),
            password: Some("xc3511".into()),
            public_key: None,
            accepted: false,
        };
        let document = event(login).to_ecs();
        assert_eq!(document["@timestamp"], "2027-01-15T08:00:00.000000Z");
        assert_eq!(document["source"]["ip"], "192.0.2.7");
        assert_eq!(document["user"]["name"], "root");
        assert_eq!(document["event"]["outcome"], "failure");
        assert_eq!(document["kizashi"]["session"], "0000000000000002");
        assert_eq!(document["kizashi"]["password"], "xc3511");
    }

    #[test]
    fn a_request_keeps_its_headers_in_order() {
        let request = Request {
            method: "GET".into(),
            target: "/.env".into(),
            version: "HTTP/1.1".into(),
            headers: vec![
                ("Host".into(), "a".into()),
                ("user-agent".into(), "zgrab/0.x".into()),
                ("HOST".into(), "b".into()),
            ],
            status: Some(404),
            malformed: false,
            ..Request::default()
        };
        let document = event(Detail::Request { request: Box::new(request), body: None }).to_ecs();
        assert_eq!(document["user_agent"]["original"], "zgrab/0.x");
        assert_eq!(document["http"]["version"], "1.1");
        assert_eq!(document["kizashi"]["headers"][2]["name"], "HOST");
    }
}
