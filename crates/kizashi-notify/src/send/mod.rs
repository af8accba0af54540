//! Speaking to receivers, who may hang, lie, or send without an end: every step has a deadline, every answer a bound, and nothing that an
//! answer says is followed.

mod hpfeeds;
mod http;
mod lines;
mod mail;
mod smtp;
mod trust;

use std::time::Duration;

use kizashi_event::Timestamp;

pub use http::{HttpClient, Limits};
pub(crate) use smtp::fuzz as smtp_fuzz;
pub use trust::Trust;

use crate::Secret;
use crate::channel::{Channel, Delivery, Verdict};

/// How long one delivery may take, whatever the receiver does.
const DELIVERED_WITHIN: Duration = Duration::from_secs(60);
/// What a receiver may take and say.
const OF_A_RECEIVER: Limits = Limits {
    longest: 64 * 1024,
    connects_within: Duration::from_secs(15),
    silence: Duration::from_secs(20),
};

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Sends.
    Post,
    /// Puts in place.
    Put,
}

/// A request over HTTP.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// What it does.
    pub method: Method,
    /// Where to. May be a secret.
    pub url: String,
    /// Headers beside those that every request has.
    pub headers: Vec<(&'static str, String)>,
    /// What is sent.
    pub body: String,
}

impl std::fmt::Debug for Request {
    /// Without address, headers and body, any of which may be a secret.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Request({:?}, {} bytes)", self.method, self.body.len())
    }
}

impl Request {
    /// A request that reads.
    #[must_use]
    pub fn get(url: String) -> Self {
        Self { method: Method::Get, url, headers: Vec::new(), body: String::new() }
    }

    pub(crate) fn post(url: String, kind: &'static str, body: String) -> Self {
        Self { method: Method::Post, url, headers: vec![("Content-Type", kind.to_owned())], body }
    }

    pub(crate) fn header(&mut self, name: &'static str, value: &str) {
        self.headers.push((name, value.to_owned()));
    }

    pub(crate) fn bearer(&mut self, token: &Secret) {
        self.header("Authorization", &format!("Bearer {}", token.text()));
    }
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Where it points.
    pub location: Option<String>,
    /// The pause that it asks for.
    pub retry_after: Option<Duration>,
    /// What it says, or the first of it.
    pub body: Vec<u8>,
}

/// How a mail server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS is asked for and demanded.
    StartTls,
    /// TLS from the start.
    Tls,
    /// None.
    None,
}

/// Who one is to a mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    pub(crate) user: Secret,
    pub(crate) password: Secret,
}

/// A mail and the server that takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) security: Security,
    pub(crate) login: Option<Login>,
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: Option<String>,
    pub(crate) message_id: String,
    pub(crate) date: Timestamp,
}

/// What carries lines to a log server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A datagram a line.
    Udp,
    /// Counted octets.
    Tcp,
    /// The same within TLS.
    Tls,
}

/// Lines and the log server that takes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) transport: Transport,
    pub(crate) lines: Vec<String>,
}

/// What is published at a broker of hpfeeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) encrypted: bool,
    pub(crate) ident: String,
    pub(crate) secret: Secret,
    pub(crate) channel: String,
    pub(crate) payloads: Vec<String>,
}

/// Delivers, and says what came of it.
pub(crate) async fn deliver(
    client: &HttpClient,
    channel: &dyn Channel,
    delivery: Delivery,
) -> Verdict {
    let work = async {
        match delivery {
            Delivery::Http(request) => match client.exchange(&request, OF_A_RECEIVER).await {
                Ok(answer) => channel.judge(&answer),
                Err(why) => Verdict::later(&why),
            },
            Delivery::Mail(mail) => smtp::send(client.trust(), &mail).await,
            Delivery::Publication(publication) => hpfeeds::send(client.trust(), &publication)
                .await
                .map_or_else(|why| Verdict::later(&why), |()| Verdict::Delivered),
            Delivery::Lines(lines) => lines::send(client.trust(), &lines)
                .await
                .map_or_else(|why| Verdict::later(&why), |()| Verdict::Delivered),
        }
    };
    let late =
        || Verdict::later(&format!("it took longer than {} seconds", DELIVERED_WITHIN.as_secs()));
    tokio::time::timeout(DELIVERED_WITHIN, work).await.unwrap_or_else(|_| late())
}

/// A step with its deadline.
pub(crate) async fn within<T>(
    longest: Duration,
    work: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    tokio::time::timeout(longest, work)
        .await
        .unwrap_or_else(|_| Err("it does not answer".to_owned()))
}
