//! elasticpot's JSON log (version 1.0): one line a request to the imitated Elasticsearch. The body of a POST is in `payload`.

use std::sync::Arc;

use kizashi_event::{
    Detail, Event, HostileText, Payload, PayloadHash, PayloadOrigin, Port, Request, Service,
};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::format::{Marks, Refusal};
use crate::json::{self, Number, Text};
use crate::line::{Faults, LineError, LineParser, Origin, Parsed};
use crate::values::{read_address, read_time};

const PREFIX: &str = "elasticpot.";
/// How much of a body is kept, in bytes; its hash and size are of the whole.
const CONTENT_MAX_BYTES: usize = 65_536;
/// The port of Elasticsearch, where the log names none.
const DEFAULT_PORT: u16 = 9200;

pub(crate) fn recognise(marks: &Marks<'_>) -> Result<(), Refusal> {
    match marks.event_id() {
        Some(event) if event.starts_with(PREFIX) => Ok(()),
        Some(_) => Err(Refusal::because("its `eventid` does not begin with `elasticpot.`")),
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
    #[serde(borrow)]
    unixtime: Text<'a>,
    #[serde(borrow)]
    src_ip: Text<'a>,
    src_port: Number,
    #[serde(borrow)]
    dst_ip: Text<'a>,
    dst_port: Number,
    #[serde(borrow)]
    sensor: Text<'a>,
    #[serde(borrow)]
    request: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow)]
    payload: Text<'a>,
    #[serde(borrow)]
    user_agent: Text<'a>,
    #[serde(borrow)]
    content_type: Text<'a>,
    #[serde(borrow)]
    accept_language: Text<'a>,
}

/// Reads elasticpot's lines.
pub(crate) struct Elasticpot {
    origin: Origin,
    mended: Vec<u8>,
}

impl Elasticpot {
    pub(crate) fn new(default_sensor: Arc<str>) -> Self {
        Self { origin: Origin::new(default_sensor), mended: Vec::new() }
    }
}

impl LineParser for Elasticpot {
    fn start_file(&mut self) {
        self.origin.start_file();
    }

    fn parse(&mut self, line: &[u8], emit: &mut dyn FnMut(Event)) -> Result<Parsed, Faults> {
        let record = json::trim_record(line);
        if record.is_empty() {
            return Ok(Parsed::Nothing);
        }
        let line: Line<'_> = json::read(record, &mut self.mended)?;
        if !line.eventid.get().is_some_and(|name| name.starts_with(PREFIX)) {
            return Err(LineError::because("no `eventid` that begins with `elasticpot.`").into());
        }
        let time = [&line.timestamp, &line.unixtime]
            .into_iter()
            .find_map(|text| text.filled().and_then(read_time))
            .ok_or(LineError::because("no `timestamp` that is a time"))?;
        let source = line.src_ip.get().and_then(read_address);
        let source = source.ok_or(LineError::because("`src_ip` is not an address"))?;
        let sensor = self.origin.sensor(line.sensor.get());
        emit(Event {
            time,
            id: self.origin.identify(record).next_id(),
            sensor,
            session: None,
            source,
            source_port: line.src_port.port().unwrap_or_default(),
            destination: line.dst_ip.filled().and_then(read_address),
            port: Port::tcp(line.dst_port.port().unwrap_or(DEFAULT_PORT)),
            service: Service::known("elasticsearch"),
            detail: request(&line),
        });
        Ok(Parsed::Record)
    }
}

fn request(line: &Line<'_>) -> Detail {
    let headers = [
        ("User-Agent", &line.user_agent),
        ("Content-Type", &line.content_type),
        ("Accept-Language", &line.accept_language),
    ];
    let headers = headers
        .into_iter()
        .filter_map(|(name, value)| Some((HostileText::from(name), value.hostile()?)))
        .collect();
    let body = line.payload.filled().map(|text| Box::new(body(text.as_bytes())));
    let request = Request {
        method: line.request.hostile().unwrap_or_default(),
        target: line.url.hostile().unwrap_or_default(),
        headers,
        ..Request::default()
    };
    Detail::Request { request: Box::new(request), body }
}

fn body(content: &[u8]) -> Payload {
    Payload {
        sha256: PayloadHash(Sha256::digest(content).into()),
        size: u64::try_from(content.len()).ok(),
        content: content[..content.len().min(CONTENT_MAX_BYTES)].to_vec(),
        origin: PayloadOrigin::Sent,
        name: None,
        url: None,
        left_out: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exploit_is_a_request_with_its_body() {
        let line = br#"{"eventid":"elasticpot.attack","message":"Exploit","payload":"{\"size\":1}","url":"/_search?pretty","timestamp":"2026-11-24T19:14:09.313291Z","src_ip":"192.0.2.7","src_port":50472,"dst_port":9200,"sensor":"s","request":"POST","user_agent":"curl/7.88.1"}"#;
        let mut events = Vec::new();
        let mut parser = Elasticpot::new("d".into());
        parser.parse(line, &mut |event| events.push(event)).unwrap();
        let Detail::Request { request, body: Some(body) } = &events[0].detail else {
            panic!("{:?}", events[0].detail)
        };
        assert_eq!((request.method.raw(), request.target.raw()), ("POST", "/_search?pretty"));
        assert_eq!(request.header("user-agent").unwrap().raw(), "curl/7.88.1");
        assert_eq!((body.content.as_slice(), body.size), (br#"{"size":1}"#.as_slice(), Some(10)));
        assert_eq!(
            body.sha256.to_string(),
            "fe36923e15fedd49a241f76219620a46e7bd8bfb6f17ddeffe18b0299b8b1028"
        );
        assert_eq!((events[0].port, &*events[0].sensor), (Port::tcp(9200), "s"));
    }
}
