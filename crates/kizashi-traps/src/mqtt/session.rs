//! One client: CONNECT first, then what it wants.

use std::sync::Arc;

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp};

use super::wire::{frame, means, message, packet, properties, string};
use crate::capture::Capture;
use crate::datagram::{Reader, note};
use crate::draw::Draw;
use crate::framed::{Frame, Framed, Messages, Next};
use crate::{Identity, Output, Session, Visit};

/// Filters of a client that are kept, and bytes of one.
const MOST_FILTERS: usize = 32;
const LONGEST_FILTER: usize = 256;

const REFUSED_VERSION: u8 = 1;
const NOT_AUTHORISED: u8 = 5;
const NOT_AUTHORISED_5: u8 = 0x87;

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    Framed::begin(Broker { identity: Arc::clone(identity), visit, version: 0, filters: Vec::new() })
}

struct Broker {
    identity: Arc<Identity>,
    visit: Visit,
    /// 3 to 5 of one that is connected.
    version: u8,
    filters: Vec<Vec<u8>>,
}

impl Broker {
    fn admit(&mut self, body: &[u8], out: &mut Output) -> Option<()> {
        let mut reader = Reader(body);
        let _name = string(&mut reader)?;
        let (version, flags) = (reader.byte()?, reader.byte()?);
        let _keep_alive = reader.be16()?;
        // The highest bit marks a bridge.
        let version = version & 0x7f;
        if !(3..=5).contains(&version) {
            out.reply(&packet(0x20, &[&[0, REFUSED_VERSION]]));
            return None;
        }
        properties(&mut reader, version)?;
        let client = string(&mut reader)?;
        out.tell(Detail::Client {
            version: Some(HostileText::from(format!(
                "mqtt {version} {}",
                String::from_utf8_lossy(client)
            ))),
            fingerprint: None,
            algorithms: None,
        });
        if flags & 0x04 != 0 {
            properties(&mut reader, version)?;
            let (topic, content) = (string(&mut reader)?, string(&mut reader)?);
            note(out, "mqtt will", HostileText::from_bytes(&[topic, b" ", content].concat()));
        }
        let user = if flags & 0x80 != 0 { Some(string(&mut reader)?) } else { None };
        let password = if flags & 0x40 != 0 { Some(string(&mut reader)?) } else { None };
        let accepted = self.admits(user, password, out);
        let code = match (accepted, version) {
            (true, _) => 0,
            (false, 5) => NOT_AUTHORISED_5,
            (false, _) => NOT_AUTHORISED,
        };
        // Topic aliases up to 10, 20 messages at once.
        let more: &[u8] = match (version, accepted) {
            (5, true) => &[6, 0x22, 0, 10, 0x21, 0, 20],
            (5, false) => &[0],
            _ => &[],
        };
        out.reply(&packet(0x20, &[&[0, code], more]));
        self.version = version;
        accepted.then_some(())
    }

    fn admits(&self, user: Option<&[u8]>, password: Option<&[u8]>, out: &mut Output) -> bool {
        let open = self.identity.choice("mqtt password", 2) == 0;
        if user.is_none() && password.is_none() {
            return open;
        }
        let (name, word) = (user.unwrap_or_default(), password.unwrap_or_default());
        let accepted = open || self.identity.logins().admits(self.visit.source, name, word);
        out.tell(Detail::Login {
            username: user.map(HostileText::from_bytes),
            password: password.map(HostileText::from_bytes),
            public_key: None,
            accepted,
        });
        accepted
    }

    /// What is retained: the broker's own topics and a small house's.
    fn retained(&self, now: Timestamp) -> Vec<(String, String)> {
        let draw = Draw::new(self.identity.seed(), "mqtt topics");
        let up = now.seconds().saturating_sub(self.identity.set_up().seconds()) % 8_000_000;
        let own = |topic: &str, value: String| (format!("$SYS/broker/{topic}"), value);
        let room =
            draw.one_of(0, &["livingroom", "office", "garage", "kitchen"]).unwrap_or("office");
        let tenths = 180 + draw.below(1, 60) + u64::try_from(now.seconds() / 600).unwrap_or(0) % 8;
        vec![
            own("version", "mosquitto version 2.0.11".to_owned()),
            own("uptime", format!("{up} seconds")),
            own("clients/total", "3".to_owned()),
            own("clients/inactive", "0".to_owned()),
            own("clients/active", "3".to_owned()),
            own("clients/connected", "3".to_owned()),
            own("messages/stored", "43".to_owned()),
            own("subscriptions/count", "7".to_owned()),
            own("retained messages/count", "47".to_owned()),
            ("homeassistant/status".to_owned(), "online".to_owned()),
            ("zigbee2mqtt/bridge/state".to_owned(), r#"{"state":"online"}"#.to_owned()),
            (
                format!("zigbee2mqtt/{room}/climate"),
                format!(
                    r#"{{"battery":{},"humidity":{},"linkquality":{},"temperature":{}.{}}}"#,
                    40 + draw.below(2, 60),
                    35 + draw.below(3, 30),
                    60 + draw.below(4, 120),
                    tenths / 10,
                    tenths % 10
                ),
            ),
            (format!("zigbee2mqtt/{room}/light"), r#"{"brightness":0,"state":"OFF"}"#.to_owned()),
        ]
    }

    fn subscribe(&mut self, body: &[u8], now: Timestamp, out: &mut Output) -> Option<()> {
        let mut reader = Reader(body);
        let number = reader.take(2)?;
        properties(&mut reader, self.version)?;
        let (mut granted, mut wanted) = (Vec::new(), Vec::new());
        while let Some(filter) = string(&mut reader) {
            let quality = reader.byte()? & 3;
            note(out, "mqtt subscribe", HostileText::from_bytes(filter));
            granted.push(quality.min(2));
            wanted.push(filter.get(..LONGEST_FILTER).unwrap_or(filter).to_vec());
            if granted.len() >= MOST_FILTERS {
                break;
            }
        }
        if granted.is_empty() {
            return None;
        }
        let more: &[u8] = if self.version >= 5 { &[0] } else { &[] };
        out.reply(&packet(0x90, &[number, more, &granted]));
        for (topic, value) in self.retained(now) {
            if wanted.iter().any(|filter| means(filter, topic.as_bytes())) {
                out.reply(&message(topic.as_bytes(), value.as_bytes(), true, self.version));
            }
        }
        for filter in wanted {
            if self.filters.len() < MOST_FILTERS && !self.filters.contains(&filter) {
                self.filters.push(filter);
            }
        }
        Some(())
    }

    fn unsubscribe(&mut self, body: &[u8], out: &mut Output) -> Option<()> {
        let mut reader = Reader(body);
        let number = reader.take(2)?;
        properties(&mut reader, self.version)?;
        let mut codes = vec![0; usize::from(self.version >= 5)];
        while let Some(filter) = string(&mut reader) {
            note(out, "mqtt unsubscribe", HostileText::from_bytes(filter));
            let there = self.filters.iter().position(|kept| kept == filter);
            there.map(|at| self.filters.remove(at));
            if self.version >= 5 {
                codes.push(if there.is_some() { 0 } else { 0x11 });
            }
            if codes.len() > MOST_FILTERS {
                break;
            }
        }
        out.reply(&packet(0xb0, &[number, &codes]));
        Some(())
    }

    fn publish(&mut self, flags: u8, body: &[u8], out: &mut Output) -> Option<()> {
        let mut reader = Reader(body);
        let topic = string(&mut reader)?;
        let quality = flags >> 1 & 3;
        let number = if quality > 0 { reader.take(2)? } else { &[] };
        properties(&mut reader, self.version)?;
        let content = reader.0;
        note(out, "mqtt publish", HostileText::from_bytes(topic));
        if !content.is_empty() {
            let mut payload = Capture::of(content).finish(PayloadOrigin::Sent);
            payload.name = Some(HostileText::from_bytes(topic));
            out.tell(Detail::Payload(Box::new(payload)));
        }
        match quality {
            1 => out.reply(&packet(0x40, &[number])),
            2 => out.reply(&packet(0x50, &[number])),
            3 => return None,
            _ => {}
        }
        if self.filters.iter().any(|filter| means(filter, topic)) {
            out.reply(&message(topic, content, false, self.version));
        }
        Some(())
    }

    /// `None` where the conversation is over.
    fn packet(&mut self, kind: u8, body: &[u8], now: Timestamp, out: &mut Output) -> Option<()> {
        match kind >> 4 {
            1 if self.version == 0 => self.admit(body, out),
            3 => self.publish(kind & 0x0f, body, out),
            6 => {
                out.reply(&packet(0x70, &[body.get(..2)?]));
                Some(())
            }
            8 => self.subscribe(body, now, out),
            10 => self.unsubscribe(body, out),
            12 => {
                out.reply(&packet(0xd0, &[]));
                Some(())
            }
            // Acknowledgements of what was sent.
            4 | 5 | 7 => Some(()),
            _ => None,
        }
    }
}

impl Messages for Broker {
    const LONGEST: usize = 64 * 1024;

    fn frame(&self, held: &[u8]) -> Frame {
        if self.version == 0 && held[0] != 0x10 { Frame::Foreign } else { frame(held) }
    }

    fn message(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) -> Next {
        let mut reader = Reader(bytes);
        let kind = reader.byte().unwrap_or(0);
        let _ = super::wire::length(&mut reader);
        if self.packet(kind, reader.0, now, out).is_none() {
            out.close();
        }
        Next::Go
    }

    fn held(&self) -> usize {
        self.filters.iter().map(Vec::len).sum()
    }
}
