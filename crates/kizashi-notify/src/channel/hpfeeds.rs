//! A broker of hpfeeds (the Honeynet Project's, and those that speak as it does): each sign is published as JSON.

use kizashi_event::Timestamp;
use serde_json::json;

use super::{Channel, Delivery, Kind, is_own_network, mail::host_and_port};
use crate::send::Publication;
use crate::{ChannelSettings, Letter, Message, Secret};

/// `kind = "hpfeeds"`: server, user (the ident), secret, topic (the channel); security (`tls` or `none`).
pub(super) const KIND: Kind =
    Kind { name: "hpfeeds", settings: &["server", "user", "secret", "topic", "security"], make };

struct Hpfeeds {
    host: String,
    port: u16,
    encrypted: bool,
    ident: Secret,
    secret: Secret,
    channel: String,
}

fn make(settings: &ChannelSettings) -> Result<Box<dyn Channel>, String> {
    let (host, port) = host_and_port(settings.needed_text("server", &settings.server)?, 10_000)?;
    let encrypted = match settings.security.as_deref().unwrap_or("tls") {
        "tls" => true,
        "none" if is_own_network(&host) => false,
        "none" => return Err("security = \"none\" is for brokers of your own network".to_owned()),
        other => return Err(format!("security must be tls or none, and {other:?} is not")),
    };
    Ok(Box::new(Hpfeeds {
        host,
        port,
        encrypted,
        ident: settings.needed("user", &settings.user)?.clone(),
        secret: settings.needed("secret", &settings.secret)?.clone(),
        channel: settings.needed_text("topic", &settings.topic)?.to_owned(),
    }))
}

impl Channel for Hpfeeds {
    fn delivery(&self, message: &Message, letter: &Letter, _: Timestamp) -> Delivery {
        let mut payloads: Vec<String> = message
            .notices
            .iter()
            .map(|notice| {
                json!({"id": message.id, "sensor": letter.sensor, "title": notice.en.title, "sign": notice.sign})
                    .to_string()
            })
            .collect();
        if payloads.is_empty() {
            payloads.push(json!({"sensor": letter.sensor, "title": letter.title}).to_string());
        }
        Delivery::Publication(Publication {
            host: self.host.clone(),
            port: self.port,
            encrypted: self.encrypted,
            ident: self.ident.text().to_owned(),
            secret: self.secret.clone(),
            channel: self.channel.clone(),
            payloads,
        })
    }
}
