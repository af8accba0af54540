//! A search of the page's: its terms become keys, keys lead to signs, and what fits all terms together is looked for in the events.

use kizashi_event::{Key, KeyKind, Port, Timestamp};
use kizashi_signs::ports::port_info;
use kizashi_store::{Filter, Ranked, Reader, Span, StoredSign, Term, country_name};
use kizashi_web::{Moment, ReadError, Search, SearchPage, SearchTerm};

use super::items::{is_part_of, sessions_of};
use super::{SIGNS_SEARCHED, StoreObservatory};
use crate::failure::Failure;

/// Keys given.
const MOST_KEYS: usize = 24;
/// Keys of one kind that look like a word.
const MOST_OF_A_KIND: usize = 3;
/// Signs given.
const MOST_SIGNS: usize = 20;
/// Keys whose signs are looked for.
const MOST_WITH_SIGNS: usize = 6;
/// Ports whose names are looked through for a word.
const MOST_PORTS: usize = 500;
/// Countries that there can be.
const MOST_COUNTRIES: usize = 300;

/// Kinds in which a word is looked for.
const WORDED: [KeyKind; 10] = [
    KeyKind::Service,
    KeyKind::Source,
    KeyKind::User,
    KeyKind::Password,
    KeyKind::Command,
    KeyKind::Path,
    KeyKind::Signature,
    KeyKind::Client,
    KeyKind::Fingerprint,
    KeyKind::Scanner,
];

/// What a term means in this store.
struct Meaning {
    term: Term,
    keys: Vec<Ranked>,
}

/// Keys of a kind that begin with or hold a text; ports and countries by their names too.
pub(super) fn like(
    reader: &Reader,
    kind: KeyKind,
    text: &str,
    limit: usize,
) -> Result<Vec<Ranked>, Failure> {
    let lower = text.to_lowercase();
    match kind {
        KeyKind::Port => {
            let of = |ranked: &Ranked| {
                let name = ranked.key.as_port().map(|port| port_info(port).title.to_string());
                let number = ranked.key.text.split('/').nth(1).unwrap_or("");
                ranked.key.text.starts_with(&lower)
                    || number.starts_with(&lower)
                    || name.is_some_and(|name| name.to_lowercase().contains(&lower))
            };
            let ports = reader.top(KeyKind::Port, Span::default(), MOST_PORTS)?;
            Ok(ports.into_iter().filter(of).take(limit).collect())
        }
        KeyKind::Country => {
            let of = |ranked: &Ranked| {
                let name = country_name(&ranked.key.text).unwrap_or("").to_lowercase();
                ranked.key.text.to_lowercase().starts_with(&lower) || name.contains(&lower)
            };
            let countries = reader.top(KeyKind::Country, Span::default(), MOST_COUNTRIES)?;
            Ok(countries.into_iter().filter(of).take(limit).collect())
        }
        kind => Ok(reader.keys_like(kind, text, limit)?),
    }
}

fn meaning(reader: &Reader, term: &SearchTerm) -> Result<Meaning, Failure> {
    Ok(match term {
        SearchTerm::PortNumber(number) => port_numbered(reader, *number)?,
        SearchTerm::Key(kind, text) => {
            let mut key = Key::new(*kind, text);
            if *kind == KeyKind::Country && text.len() != 2 {
                // Somebody wrote the name.
                if let Some(named) = like(reader, *kind, text, 1)?.pop() {
                    key = named.key;
                }
            }
            let keys = reader.key(&key)?.into_iter().collect();
            Meaning { term: Term::Key(key), keys }
        }
        SearchTerm::Sensor(name) => Meaning { term: Term::Sensor(name.clone()), keys: Vec::new() },
        SearchTerm::Hash(prefix) => {
            let keys = reader.keys_like(KeyKind::Payload, prefix, MOST_OF_A_KIND)?;
            let keys: Vec<Ranked> =
                keys.into_iter().filter(|it| it.key.text.starts_with(prefix.as_str())).collect();
            let hash = keys.first().map_or(prefix.as_str(), |it| &it.key.text);
            Meaning { term: Term::Key(Key::new(KeyKind::Payload, hash)), keys }
        }
        SearchTerm::Word(word) => {
            let mut keys = like(reader, KeyKind::Port, word, MOST_OF_A_KIND)?;
            keys.extend(like(reader, KeyKind::Country, word, MOST_OF_A_KIND)?);
            for kind in WORDED {
                keys.extend(reader.keys_like(kind, word, MOST_OF_A_KIND)?);
            }
            Meaning { term: Term::Text(word.clone()), keys }
        }
    })
}

/// A number is the port of one transport where only that is known: its counts then say where to look.
fn port_numbered(reader: &Reader, number: u16) -> Result<Meaning, Failure> {
    let tcp = Key::port(Port::tcp(number));
    let known = [reader.key(&tcp)?, reader.key(&Key::port(Port::udp(number)))?];
    let keys: Vec<Ranked> = known.into_iter().flatten().collect();
    let term = match keys.as_slice() {
        [] => Term::Key(tcp),
        [one] => Term::Key(one.key.clone()),
        _ => Term::PortNumber(number),
    };
    Ok(Meaning { term, keys })
}

impl StoreObservatory {
    pub(super) fn read_search(
        &self,
        search: &Search,
        before: Option<Timestamp>,
        limit: usize,
    ) -> Result<SearchPage, ReadError> {
        let now = (self.clock)();
        let (keys, signs, found, sessions) = self.with_reader(|reader| {
            // What was imported may have ended years ago.
            let end = reader.overview()?.last.map_or(now, |last| last.min(now));
            let moment = |moment: Moment| match moment {
                Moment::At(time) => time,
                Moment::Ago(length) => end.plus(length.saturating_neg()),
            };
            let span = Span { since: search.since.map(moment), until: search.until.map(moment) };
            let mut meanings = Vec::new();
            for term in &search.terms {
                meanings.push(meaning(reader, term)?);
            }
            let filter =
                Filter { terms: meanings.iter().map(|it| it.term.clone()).collect(), span };
            let found = reader.search(&filter, before, limit)?;
            let sessions = sessions_of(reader, &found.events)?;
            let mut keys: Vec<Ranked> = meanings.into_iter().flat_map(|it| it.keys).collect();
            keys.dedup_by(|a, b| a.key == b.key);
            keys.truncate(MOST_KEYS);
            let signs = if keys.is_empty() { Vec::new() } else { reader.signs(SIGNS_SEARCHED)? };
            Ok((keys, signs, found, sessions))
        })?;
        let on_keys = |stored: &&StoredSign| {
            keys.iter().take(MOST_WITH_SIGNS).any(|ranked| is_part_of(&ranked.key, stored))
        };
        let signs = signs
            .iter()
            .filter(on_keys)
            .take(MOST_SIGNS)
            .filter_map(|stored| self.sign_json(stored))
            .collect();
        Ok(SearchPage {
            keys: self.rows(&keys),
            signs,
            sessions,
            events: found.events.iter().map(|event| self.feed_item(event)).collect(),
            looked_at: found.looked_at,
            reached: found.reached,
        })
    }
}
