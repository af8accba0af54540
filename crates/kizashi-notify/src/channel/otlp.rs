//! A collector of OpenTelemetry: signs as log records by OTLP over HTTP in JSON (`POST …/v1/logs`).

use kizashi_event::Timestamp;

use super::{Channel, Delivery, Kind, post_json, web_address};
use crate::share::otlp;
use crate::{ChannelSettings, Letter, Message, Secret};

/// `kind = "otlp"`: url (the collector's, such as `http://127.0.0.1:4318`); token.
pub(super) const KIND: Kind = Kind { name: "otlp", settings: &["url", "token"], make };

struct Otlp {
    server: String,
    token: Option<Secret>,
}

fn make(settings: &ChannelSettings) -> Result<Box<dyn Channel>, String> {
    let server = web_address(settings.needed("url", &settings.url)?)?;
    let server = server.trim_end_matches('/').trim_end_matches("/v1/logs").to_owned();
    Ok(Box::new(Otlp { server, token: settings.token.clone() }))
}

impl Channel for Otlp {
    fn delivery(&self, message: &Message, letter: &Letter, now: Timestamp) -> Delivery {
        let body = otlp(&message.notices, (&letter.sensor, &message.id), now);
        let mut request = post_json(format!("{}/v1/logs", self.server), &body);
        if let Some(token) = &self.token {
            request.bearer(token);
        }
        Delivery::Http(request)
    }
}
