//! All that is known of one key: its totals, who came with it, what else they did, and the signs that it is part of.

use std::collections::BTreeMap;

use kizashi_event::{Event, Key, KeyKind, PayloadHash};
use kizashi_signs::Sign;
use kizashi_store::{Evidence, Filter, Reader, Span, StoredPayload, StoredSign, Term};
use kizashi_web::{Beside, Captured, FeedItem, ItemPage, Place, ReadError, SessionRow, looks_like};
use serde_json::Value;

use super::{SIGNS_SEARCHED, StoreObservatory, country_shown, label_in, lists};
use crate::failure::Failure;
use crate::sample_zip;

/// Sources given.
const MOST_SOURCES: usize = 50;
/// Events read for what came beside, and of those how many are given.
const MOST_EVENTS: usize = 200;
const EVENTS_GIVEN: usize = 60;
/// Keys of one kind given beside.
const MOST_BESIDE: usize = 8;
/// Sessions given.
const MOST_SESSIONS: usize = 30;
/// Signs given.
const MOST_SIGNS: usize = 20;

/// Kinds of key that are told beside another, in this order.
const BESIDE: [KeyKind; 12] = [
    KeyKind::Port,
    KeyKind::Service,
    KeyKind::Country,
    KeyKind::User,
    KeyKind::Password,
    KeyKind::Pair,
    KeyKind::Command,
    KeyKind::Path,
    KeyKind::Signature,
    KeyKind::Client,
    KeyKind::Fingerprint,
    KeyKind::Payload,
];

/// A key in the form that the API takes, its text as it is.
pub(super) fn raw_text(key: &Key) -> String {
    match key.kind {
        KeyKind::Port | KeyKind::Total => key.to_string(),
        kind => format!("{}:{}", kind.name(), key.text),
    }
}

/// What can be said of a payload without opening it.
pub(super) fn captured(payload: &StoredPayload) -> Captured {
    Captured {
        sha256: payload.sha256.to_string(),
        size: payload.size,
        looks_like: looks_like(&payload.head).to_owned(),
        head: payload.head.iter().map(|byte| format!("{byte:02x}")).collect(),
        kept: payload.has_content,
        events: payload.events,
        first: payload.first,
        last: payload.last,
    }
}

impl StoreObservatory {
    pub(super) fn read_item(&self, key: &Key) -> Result<ItemPage, ReadError> {
        let (totals, sources, found, sessions, payload, signs) = self.with_reader(|reader| {
            let filter = Filter { terms: vec![Term::Key(key.clone())], span: Span::default() };
            let found = reader.search(&filter, None, MOST_EVENTS)?;
            let sessions = sessions_of(reader, &found.events)?;
            let payload = match key.kind {
                KeyKind::Payload => payload_of(reader, &key.text)?,
                _ => None,
            };
            Ok((
                reader.key(key)?,
                reader.sources_with(key, MOST_SOURCES)?,
                found.events,
                sessions,
                payload,
                reader.signs(SIGNS_SEARCHED)?,
            ))
        })?;
        let part_of = |stored: &&StoredSign| is_part_of(key, stored);
        let signs: Vec<Value> = signs
            .iter()
            .filter(part_of)
            .take(MOST_SIGNS)
            .filter_map(|stored| self.sign_json(stored))
            .collect();
        Ok(ItemPage {
            key: raw_text(key),
            kind: key.kind,
            text: key.text.to_string(),
            label: label_in(key, &self.places),
            totals: totals.and_then(|ranked| self.rows(&[ranked]).pop()),
            place: self.place_of(key),
            captured: payload,
            lists: lists::that_name(key),
            sources: self.rows(&sources),
            beside: self.beside(key, &found),
            events: found.iter().take(EVENTS_GIVEN).map(|event| self.feed_item(event)).collect(),
            sessions,
            signs,
        })
    }

    /// An event as the feed shows it.
    pub(super) fn feed_item(&self, event: &Event) -> FeedItem {
        let scanner = self.places.scanner(event.source).map(str::to_owned);
        FeedItem { scanner, ..FeedItem::of(event) }
    }

    /// Captured content, for the owner's eyes.
    pub(super) fn read_content(&self, sha256: &str) -> Result<Option<Vec<u8>>, ReadError> {
        let Some(hash) = PayloadHash::parse(sha256) else { return Ok(None) };
        self.with_reader(|reader| Ok(reader.payload_content(hash)?.flatten()))
    }

    /// The same in the zip that `kizashi payload export` writes.
    pub(super) fn pack_sample(&self, sha256: &str) -> Result<Option<Vec<u8>>, ReadError> {
        let Some(hash) = PayloadHash::parse(sha256) else { return Ok(None) };
        let Some(content) = self.read_content(sha256)? else { return Ok(None) };
        let packed = sample_zip::pack(&hash.to_string(), &content, &hash.0);
        packed.map(Some).map_err(|error| ReadError::Failed(error.to_string()))
    }

    fn place_of(&self, key: &Key) -> Option<Place> {
        if key.kind != KeyKind::Source {
            return None;
        }
        let address = key.text.parse().ok()?;
        let country = self.places.country(address).map(|code| code.as_str().to_owned());
        let network = self.places.network(address);
        Some(Place {
            country_name: country.as_deref().map(country_shown),
            country,
            network_name: self.places.network_name(&network).map(str::to_owned),
            network,
            scanner: self.places.scanner(address).map(str::to_owned),
        })
    }

    fn beside(&self, key: &Key, events: &[Event]) -> Vec<Beside> {
        let mut counts: BTreeMap<KeyKind, BTreeMap<String, u64>> = BTreeMap::new();
        let mut count = |kind: KeyKind, text: &str| {
            if kind != key.kind && BESIDE.contains(&kind) {
                let texts = counts.entry(kind).or_default();
                *texts.entry(text.to_owned()).or_default() += 1;
            }
        };
        for event in events {
            count(KeyKind::Port, &event.port.to_string());
            count(KeyKind::Service, event.service.name());
            if key.kind != KeyKind::Source
                && let Some(country) = self.places.country(event.source)
            {
                count(KeyKind::Country, country.as_str());
            }
            event.detail.each_key(&mut count);
        }
        let beside = |kind: KeyKind| {
            let mut rows: Vec<(String, u64)> = counts.remove(&kind)?.into_iter().collect();
            rows.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            rows.truncate(MOST_BESIDE);
            Some(Beside { kind, rows })
        };
        BESIDE.into_iter().filter_map(beside).collect()
    }
}

/// The sessions of these events that are worth seeing again.
pub(super) fn sessions_of(reader: &Reader, events: &[Event]) -> Result<Vec<SessionRow>, Failure> {
    let mut rows = Vec::new();
    for id in Reader::sessions_of(events) {
        if rows.len() >= MOST_SESSIONS {
            break;
        }
        rows.extend(reader.session(id)?.as_ref().map(SessionRow::from));
    }
    Ok(rows)
}

fn payload_of(reader: &Reader, text: &str) -> Result<Option<Captured>, Failure> {
    let Some(hash) = PayloadHash::parse(text) else { return Ok(None) };
    Ok(reader.payload(hash)?.as_ref().map(captured))
}

/// Whether a sign is on this key, rose together with it, or had it among what its visitors did most.
pub(super) fn is_part_of(key: &Key, stored: &StoredSign) -> bool {
    let shown = key.to_string();
    let Ok(sign) = serde_json::from_str::<Sign>(&stored.json) else { return false };
    if sign.key == shown || sign.also.contains(&shown) || sign.ports.contains(&shown) {
        return true;
    }
    let list: fn(&Evidence) -> &[(String, u64)] = match key.kind {
        KeyKind::Source => |it| &it.sources,
        KeyKind::User => |it| &it.users,
        KeyKind::Password => |it| &it.passwords,
        KeyKind::Command => |it| &it.commands,
        KeyKind::Path => |it| &it.paths,
        KeyKind::Client => |it| &it.clients,
        _ => return false,
    };
    // Most evidence is not worth parsing for this key.
    let Some(json) = stored.evidence.as_deref() else { return false };
    let written = serde_json::to_string(&*key.text).unwrap_or_default();
    json.contains(&written)
        && serde_json::from_str::<Evidence>(json)
            .is_ok_and(|evidence| list(&evidence).iter().any(|(text, _)| **text == *key.text))
}
