//! What happens now, on its way to the pages that are open. Whoever publishes never waits: only the last few events of a
//! flood are kept for show, and a page that reads too slowly misses some and is told how many.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kizashi_event::{Attempt, Backscatter, Detail, Event, HostileText, Timestamp};
use kizashi_store::Places;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::broadcast;

use crate::resume::{Numbered, Resume, Told};

/// Events of one publication that are shown; the earlier ones are counted. Four times a second, this is more than 500 a second.
pub(crate) const MOST_ITEMS: usize = 150;
/// Characters of the text of an item.
const MOST_CHARACTERS: usize = 240;
/// Publications that wait for a slow page, about a second of a busy sensor.
pub(crate) const WAITING_EVENTS: usize = 64;
/// Signs that wait for a slow page: more than any sensible hour has.
pub(crate) const WAITING_SIGNS: usize = 64;

/// One event as the feed shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FeedItem {
    /// When.
    #[serde(serialize_with = "crate::answers::moment")]
    #[schema(value_type = String)]
    pub time: Timestamp,
    /// The visitor's address.
    pub source: String,
    /// The sensor that saw it, raw.
    pub sensor: String,
    /// The port visited: `tcp/445`.
    pub port: String,
    /// The protocol.
    pub service: String,
    /// The kind of event: `login`.
    pub action: &'static str,
    /// What was done, in the attacker's raw words, at most 240 characters: escape it before showing.
    pub text: String,
    /// Whose scanner the visitor is known as; left out where he is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scanner: Option<String>,
    /// The two letters of the visitor's country; left out where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

impl FeedItem {
    /// The item of an event.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        Self {
            time: event.time,
            source: event.source.to_string(),
            sensor: event.sensor.to_string(),
            port: event.port.to_string(),
            service: event.service.name().to_owned(),
            action: event.detail.action(),
            text: bounded(&text_of(&event.detail)),
            scanner: None,
            country: None,
        }
    }
}

fn text_of(detail: &Detail) -> String {
    let maybe = |text: &Option<HostileText>| {
        text.as_ref().map(|text| text.raw().to_owned()).unwrap_or_default()
    };
    match detail {
        Detail::Packet | Detail::Connect => String::new(),
        Detail::Attempt(attempt) => attempt_of(attempt),
        Detail::Scan(scan) => {
            let how = scan.pattern.map_or(scan.order.name(), |pattern| pattern.name());
            format!("{} ports in {} attempts, {how}", scan.ports, scan.attempts)
        }
        Detail::Backscatter(Backscatter { kind, packets }) => {
            format!("{packets} {} to what we never sent", kind.name())
        }
        Detail::Close { duration_ms, .. } => {
            duration_ms.map(|ms| format!("after {} s", ms.div_ceil(1_000))).unwrap_or_default()
        }
        Detail::Client { version, fingerprint, .. } => {
            maybe(if version.is_some() { version } else { fingerprint })
        }
        Detail::Login { username, password, public_key, .. } => match (password, public_key) {
            (None, Some(key)) => format!("{} with key {}", maybe(username), key.raw()),
            _ => format!("{} / {}", maybe(username), maybe(password)),
        },
        Detail::Command { line, .. } => line.raw().to_owned(),
        Detail::Request { request, .. } => {
            format!("{} {}", request.method.raw(), request.target.raw())
        }
        Detail::Payload(payload) => match (&payload.url, &payload.name) {
            (Some(named), _) | (None, Some(named)) => named.raw().to_owned(),
            (None, None) => format!("SHA-256 {}", payload.sha256),
        },
        Detail::Forward { host, port, .. } => format!("{}:{port}", host.raw()),
        Detail::Recording { part, .. } => format!("part {}", part.saturating_add(1)),
        Detail::Counted { events, sessions } => {
            format!("{events} more, {sessions} of them sessions, not told one by one")
        }
        Detail::Note { name, value } => format!("{}: {}", name.raw(), value.raw()),
    }
}

fn attempt_of(attempt: &Attempt) -> String {
    let outcome = attempt.outcome.map(|outcome| outcome.name().to_owned());
    // How the first segment looks is for keys and machines.
    let named =
        |text: &HostileText| !["tcp:", "ja4t:"].iter().any(|kind| text.raw().starts_with(kind));
    let marks = attempt.fingerprints.iter().filter(|text| named(text));
    let mut words: Vec<String> =
        outcome.into_iter().chain(marks.map(|text| text.raw().to_owned())).collect();
    words.extend(attempt.distance.map(|routers| format!("{routers} routers away")));
    words.extend(attempt.link().map(str::to_owned));
    words.extend(attempt.uptime_minutes.map(|minutes| format!("up {} h", minutes / 60)));
    words.join(", ")
}

fn bounded(text: &str) -> String {
    match text.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Events of one publication: the last ones, and how many came before them.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) items: Vec<FeedItem>,
    pub(crate) skipped: u64,
}

/// A country for a made-up visitor: the same for a whole network, some more often than others.
fn made_up_country(source: IpAddr) -> &'static str {
    const DRAWN: [&str; 32] = [
        "US", "CN", "NL", "DE", "BR", "VN", "IN", "RU", "SG", "GB", "FR", "KR", "US", "CN", "ID",
        "TR", "HK", "JP", "TW", "IR", "UA", "PL", "ZA", "MX", "AR", "EG", "AU", "CA", "SE", "TH",
        "US", "NG",
    ];
    let network = match source {
        IpAddr::V4(address) => u32::from(address) >> 8,
        IpAddr::V6(address) => (u128::from(address) >> 96) as u32,
    };
    DRAWN[(network.wrapping_mul(0x9e37_79b9) >> 27) as usize]
}

/// The way into the feed: cheap to clone, never waits, costs next to nothing while no page is open.
#[derive(Clone, Debug)]
pub struct FeedSender {
    events: broadcast::Sender<Numbered<Arc<Batch>>>,
    signs: broadcast::Sender<Numbered<Arc<str>>>,
    resume: Arc<Resume>,
    dropped: Arc<AtomicU64>,
    places: Arc<Places>,
    /// Whether visitors are made up, and their countries too.
    made_up: bool,
}

/// A page's way out of the feed, and what was published since it last read.
pub(crate) struct Subscription {
    pub(crate) events: broadcast::Receiver<Numbered<Arc<Batch>>>,
    pub(crate) signs: broadcast::Receiver<Numbered<Arc<str>>>,
    /// What the page missed, in order.
    pub(crate) missed: Vec<Numbered<Told>>,
    /// Publications that it missed and that are not kept any more.
    pub(crate) lost: u64,
}

impl Default for FeedSender {
    fn default() -> Self {
        Self::new()
    }
}

impl FeedSender {
    /// A feed that nobody reads yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            events: broadcast::Sender::new(WAITING_EVENTS),
            signs: broadcast::Sender::new(WAITING_SIGNS),
            resume: Arc::default(),
            dropped: Arc::default(),
            places: Places::built_in(),
            made_up: false,
        }
    }

    /// The feed of visitors who are made up: their addresses are of no country, so that one is made up for them.
    #[must_use]
    pub fn with_made_up_countries(self) -> Self {
        Self { made_up: true, ..self }
    }

    /// The feed with the owner's own list of scanners.
    #[must_use]
    pub fn with_places(self, places: Arc<Places>) -> Self {
        Self { places, ..self }
    }

    /// The item of an event, with whose scanner its visitor is known as.
    #[must_use]
    pub fn item(&self, event: &Event) -> FeedItem {
        let scanner = self.places.scanner(event.source).map(str::to_owned);
        let country = if self.made_up {
            Some(made_up_country(event.source).to_owned())
        } else {
            self.places.country(event.source).map(|country| country.as_str().to_owned())
        };
        FeedItem { scanner, country, ..FeedItem::of(event) }
    }

    /// Shows events to every open page; never waits.
    pub fn publish(&self, events: &[Event]) {
        if events.is_empty() || !self.resume.is_watched() {
            return;
        }
        let skipped = events.len().saturating_sub(MOST_ITEMS);
        let items = events.iter().skip(skipped).map(|event| self.item(event)).collect();
        let batch = Arc::new(Batch { items, skipped: skipped as u64 });
        self.resume.keep_events(batch, |numbered| {
            // An error means that no page is open at this moment.
            let _ = self.events.send(numbered);
        });
    }

    /// Shows a sign, in the JSON form of the contract, to every open page; never waits.
    pub fn publish_sign(&self, sign: &Value) {
        self.resume.keep_sign(Arc::from(sign.to_string()), |numbered| {
            let _ = self.signs.send(numbered);
        });
    }

    /// Events that were not shown to a page that was open, because there were too many or the page was too slow; counted
    /// once a page.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(crate) fn count_dropped(&self, events: u64) {
        self.dropped.fetch_add(events, Ordering::Relaxed);
    }

    /// A page opens, or opens again: `last` is the id that it read last.
    pub(crate) fn subscribe(&self, last: Option<&str>) -> Subscription {
        self.resume.after(last, |missed, lost| Subscription {
            events: self.events.subscribe(),
            signs: self.signs.subscribe(),
            missed,
            lost,
        })
    }

    /// The id under which a page comes back after the publication of this number.
    pub(crate) fn id_of(&self, number: u64) -> String {
        self.resume.id_of(number)
    }
}

#[cfg(test)]
mod tests {
    use kizashi_event::{EventId, Port, Service};

    use super::*;

    fn event(detail: Detail) -> Event {
        Event {
            time: Timestamp::from_seconds(1_700_000_000),
            id: EventId(1),
            sensor: Arc::from("here"),
            session: None,
            source: [192, 0, 2, 1].into(),
            source_port: 0,
            destination: None,
            port: Port::tcp(22),
            service: Service::known("ssh"),
            detail,
        }
    }

    fn login(password: &str) -> Event {
        event(Detail::Login {
            username: Some(HostileText::from("root")),
            password: Some(HostileText::from(password)),
            public_key: None,
            accepted: false,
        })
    }

    #[test]
    fn an_item_keeps_attackers_text_raw_but_bounded() {
        let item = FeedItem::of(&login(&"\u{202e}語".repeat(2_000)));
        assert!(item.text.starts_with("root / \u{202e}語") && item.text.ends_with('…'));
        assert_eq!(item.text.chars().count(), MOST_CHARACTERS + 1);
        let json = serde_json::to_value(&item).unwrap();
        assert_eq!(json["time"], "2023-11-14T22:13:20.000000Z");
        assert_eq!(json["port"], "tcp/22");
    }

    #[test]
    fn a_known_scanner_is_called_by_his_name_and_nobody_else_is() {
        let feed = FeedSender::new();
        let from = |source: &str| Event { source: source.parse().unwrap(), ..login("1") };
        assert_eq!(feed.item(&from("162.142.125.7")).scanner.as_deref(), Some("Censys"));
        let other = serde_json::to_value(feed.item(&from("192.0.2.1"))).unwrap();
        assert!(other.get("scanner").is_none(), "{other}");
    }

    #[test]
    fn a_visitor_has_his_country_where_it_is_known_and_a_made_up_one_has_a_made_up_country() {
        let from = |source: &str| Event { source: source.parse().unwrap(), ..login("1") };
        let feed = FeedSender::new();
        assert_eq!(feed.item(&from("193.0.6.139")).country.as_deref(), Some("NL"));
        assert_eq!(feed.item(&from("192.0.2.1")).country, None);
        let demo = feed.with_made_up_countries();
        let country = demo.item(&from("192.0.2.1")).country;
        assert!(country.is_some() && country == demo.item(&from("192.0.2.200")).country);
    }

    #[test]
    fn of_a_flood_the_last_are_shown_and_the_rest_counted() {
        let feed = FeedSender::new();
        let mut events = feed.subscribe(None).events;
        let flood: Vec<Event> = (0..1_000).map(|n| login(&n.to_string())).collect();
        feed.publish(&flood);
        let batch = events.try_recv().unwrap().told;
        assert_eq!((batch.items.len(), batch.skipped), (MOST_ITEMS, 1_000 - MOST_ITEMS as u64));
        assert_eq!(batch.items.last().unwrap().text, "root / 999");
    }

    #[test]
    fn publishing_never_waits_for_a_page_that_does_not_read() {
        let feed = FeedSender::new();
        let mut events = feed.subscribe(None).events;
        for _ in 0..10 * WAITING_EVENTS {
            feed.publish(&[login("1")]);
        }
        assert!(
            matches!(events.try_recv(), Err(broadcast::error::TryRecvError::Lagged(lost)) if lost > 0)
        );
    }
}
