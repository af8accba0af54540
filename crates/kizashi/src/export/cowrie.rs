//! Cowrie's JSON log (3.1; `docs/OUTPUT.rst`, `src/cowrie/core/eventids.py`), so that what was made for it reads Kizashi too. One event is
//! one line; events of services that Cowrie does not have are left out. What Cowrie told that has no field here was kept as a
//! note when it was imported and is given back as it was; a public key's own bytes, where a forward came from, and bytes in it that
//! are no text are not kept.

use kizashi_event::{Detail, Event, HostileText, Payload, PayloadOrigin, SshOffer};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// The line of an event.
pub(crate) fn line(event: &Event) -> Option<Map<String, Value>> {
    if !matches!(event.service.name(), "ssh" | "telnet") {
        return None;
    }
    let session = event.session.map(|session| format!("{:012x}", session.0 & 0xffff_ffff_ffff))?;
    let (name, fields, message) = told(event, &session)?;
    let mut line = Map::new();
    line.insert("session".into(), json!(session));
    line.insert("protocol".into(), json!(event.service.name()));
    line.insert("src_ip".into(), json!(event.source.to_string()));
    line.insert("src_port".into(), json!(event.source_port));
    line.insert("dst_ip".into(), json!(event.destination.map(|address| address.to_string())));
    line.insert("dst_port".into(), json!(event.port.number));
    line.extend(fields);
    line.insert("eventid".into(), json!(format!("cowrie.{name}")));
    line.insert("sensor".into(), json!(&*event.sensor));
    line.insert("uuid".into(), json!(uuid(&event.sensor)));
    line.insert("timestamp".into(), json!(event.time.rfc3339()));
    line.insert("message".into(), json!(message));
    Some(line)
}

type Told = (String, Map<String, Value>, String);

fn told(event: &Event, session: &str) -> Option<Told> {
    let text = |text: &Option<HostileText>| text.as_ref().map_or("", |text| text.raw()).to_owned();
    Some(match &event.detail {
        Detail::Connect => {
            let to = event
                .destination
                .map_or_else(|| "0.0.0.0".to_owned(), |address| address.to_string());
            let message = format!(
                "New connection: {}:{} ({to}:{}) [session: {session}]",
                event.source, event.source_port, event.port.number
            );
            ("session.connect".into(), Map::new(), message)
        }
        Detail::Close { duration_ms, .. } => {
            let seconds = duration_ms.unwrap_or(0) as f64 / 1_000.0;
            let fields = object([("duration_ms", json!(duration_ms))]);
            ("session.closed".into(), fields, format!("Connection lost after {seconds:.1} seconds"))
        }
        Detail::Client { version, fingerprint, algorithms } => {
            client(version.as_ref(), fingerprint.as_ref(), algorithms.as_ref())?
        }
        Detail::Login { username, password, public_key, accepted } => {
            let (user, password_text) = (text(username), text(password));
            let name = if *accepted { "login.success" } else { "login.failed" };
            let outcome = if *accepted { "succeeded" } else { "failed" };
            let message = format!("login attempt [{user}/{password_text}] {outcome}");
            let mut fields = object([("username", json!(user))]);
            if password.is_some() || public_key.is_none() {
                fields.insert("password".into(), json!(password_text));
            }
            if let Some(key) = public_key {
                fields.insert("fingerprint".into(), json!(key.raw()));
            }
            (name.into(), fields, message)
        }
        Detail::Command { line, .. } => {
            let fields = object([("input", json!(line.raw()))]);
            ("command.input".into(), fields, format!("CMD: {}", line.raw()))
        }
        Detail::Payload(payload) => file(payload)?,
        Detail::Recording { content, .. } => {
            let log = format!("var/lib/cowrie/tty/{}", content.sha256);
            let message = format!("Closing TTY Log: {log}");
            let fields = object([
                ("ttylog", json!(log)),
                ("size", json!(content.size)),
                ("shasum", json!(content.sha256.to_string())),
                ("duplicate", json!(false)),
                ("duration_ms", json!(0)),
            ]);
            ("log.closed".into(), fields, message)
        }
        Detail::Forward { host, port, data } => forward(host, *port, data.as_ref()),
        Detail::Note { name, value } => note(name.raw(), value.raw())?,
        Detail::Packet
        | Detail::Attempt(_)
        | Detail::Scan(_)
        | Detail::Backscatter(_)
        | Detail::Request { .. }
        | Detail::Counted { .. } => return None,
    })
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn client(
    version: Option<&HostileText>,
    fingerprint: Option<&HostileText>,
    algorithms: Option<&HostileText>,
) -> Option<Told> {
    if let Some(version) = version {
        let fields = object([("version", json!(version.raw()))]);
        return Some((
            "client.version".into(),
            fields,
            format!("Remote SSH version: {}", version.raw()),
        ));
    }
    let (kind, value) = fingerprint?.raw().split_once(':')?;
    let fields = |name| object([(name, json!(value))]);
    match kind {
        "hassh" => {
            let mut fields = fields("hassh");
            fields.extend(algorithms.and_then(SshOffer::parse).map(offer).unwrap_or_default());
            let message = format!("SSH client hassh fingerprint: {value}");
            Some(("client.kex".into(), fields, message))
        }
        "ssh-key" => Some((
            "client.fingerprint".into(),
            fields("fingerprint"),
            format!("public key attempt {value}"),
        )),
        _ => None,
    }
}

/// The lists of a key exchange.
fn offer(offer: SshOffer<'_>) -> Map<String, Value> {
    let names = |list: &str| json!(list.split(',').collect::<Vec<_>>());
    object([
        ("hasshAlgorithms", json!(offer.hassh_text())),
        ("kexAlgs", names(offer.exchanges)),
        ("keyAlgs", names(offer.host_keys)),
        ("encCS", names(offer.ciphers)),
        ("macCS", names(offer.macs)),
        ("compCS", names(offer.compressions)),
        ("langCS", names(offer.languages)),
    ])
}

fn file(payload: &Payload) -> Option<Told> {
    let hash = payload.sha256.to_string();
    let outfile = format!("var/lib/cowrie/downloads/{hash}");
    let name = payload.name.as_ref().map(|name| json!(name.raw()));
    let mut fields = object([("shasum", json!(hash)), ("outfile", json!(outfile))]);
    let (event, message) = match payload.origin {
        PayloadOrigin::Sent => return None,
        PayloadOrigin::Upload => {
            fields.insert("filename".into(), name.unwrap_or_else(|| json!("")));
            ("session.file_upload", format!("Uploaded file to {outfile}"))
        }
        PayloadOrigin::Download => {
            let url = payload.url.as_ref().map_or("", |url| url.raw());
            fields.insert("url".into(), json!(url));
            fields.insert("duplicate".into(), json!(false));
            (
                "session.file_download",
                format!("Downloaded URL ({url}) with SHA-256 {hash} to {outfile}"),
            )
        }
        PayloadOrigin::Redirect => {
            fields.insert("destfile".into(), name.unwrap_or_else(|| json!("")));
            fields.insert("duplicate".into(), json!(false));
            (
                "session.file_download",
                format!("Saved redir contents with SHA-256 {hash} to {outfile}"),
            )
        }
    };
    Some((event.into(), fields, message))
}

fn forward(host: &HostileText, port: u16, data: Option<&HostileText>) -> Told {
    let mut fields = object([("dst_ip", json!(host.raw())), ("dst_port", json!(port))]);
    match data {
        None => {
            let message = format!("direct-tcp connection request to {}:{port}", host.raw());
            ("direct-tcpip.request".into(), fields, message)
        }
        Some(data) => {
            fields.insert("data".into(), json!(python_bytes(data.raw().as_bytes())));
            let message = format!("direct-tcp forward to {}:{port}", host.raw());
            ("direct-tcpip.data".into(), fields, message)
        }
    }
}

/// Bytes as Python shows them, which is how Cowrie writes what went through a forward.
fn python_bytes(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    let mut text = format!("b{quote}");
    for byte in bytes {
        match byte {
            b'\\' => text.push_str("\\\\"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            b' '..=b'~' if char::from(*byte) == quote => text.extend(['\\', quote]),
            b' '..=b'~' => text.push(char::from(*byte)),
            other => text.push_str(&format!("\\x{other:02x}")),
        }
    }
    text.push(quote);
    text
}

/// A note of our own where Cowrie has a word for it, or one that came from Cowrie.
fn note(name: &str, value: &str) -> Option<Told> {
    match name {
        "terminal size" => {
            let (width, height) = value.split_once('x')?;
            let number = |text: &str| {
                text.parse::<u32>().map_or_else(|_| json!(text), |number| json!(number))
            };
            let fields = object([("width", number(width)), ("height", number(height))]);
            Some(("client.size".into(), fields, format!("Terminal Size: {width} {height}")))
        }
        "environment" => {
            let (name, value) = value.split_once('=').unwrap_or((value, ""));
            let fields = object([("name", json!(name)), ("value", json!(value))]);
            Some(("client.var".into(), fields, format!("request_env: {name}={value}")))
        }
        _ => {
            let event = name.strip_prefix("cowrie.")?;
            match serde_json::from_str(value) {
                Ok(Value::Object(fields)) => Some((event.into(), fields, String::new())),
                _ => Some((event.into(), Map::new(), value.to_owned())),
            }
        }
    }
}

/// One a sensor, always the same.
fn uuid(sensor: &str) -> String {
    let digest = Sha256::digest(sensor.as_bytes());
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
