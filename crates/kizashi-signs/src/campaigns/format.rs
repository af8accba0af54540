//! The reader of campaign files: TOML, unknown names refused, and everything that could not work said in one sentence with
//! its file and line. The format is told in docs/campaigns.md.

use std::collections::{BTreeMap, HashSet};
use std::hash::Hasher as _;

use kizashi_event::{Port, escape_for_people, family_of};
use serde::Deserialize;

use super::{Action, Campaign, CampaignKind, Mark, MarkKind, Strength, Words};

/// Bytes of one file at most.
pub(super) const LONGEST_FILE: usize = 512 * 1024;
/// Campaigns in all at most.
const MOST_CAMPAIGNS: usize = 2_000;
/// Marks of one campaign at most.
const MOST_MARKS: usize = 64;
/// Texts of one mark at most.
const MOST_TEXTS: usize = 128;
/// Characters of a mark's text at most.
const LONGEST_MARK: usize = 200;
/// Letters and digits that are left of a mark's family at least.
const LEAST_LEFT: usize = 3;
/// Characters of a sentence at most.
const LONGEST_WORDS: usize = 1_200;
/// References, actions, CVEs or packages of one campaign at most.
const MOST_LISTED: usize = 16;

/// What is wrong with a file of campaigns, in one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct CampaignError {
    /// The file, and the line or the campaign.
    pub place: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    campaign: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    kind: CampaignKind,
    name: Words,
    what: Words,
    #[serde(default)]
    hits: Words,
    #[serde(default)]
    advice: Words,
    #[serde(default)]
    actions: Vec<String>,
    #[serde(default)]
    references: Vec<String>,
    #[serde(default)]
    cves: Vec<String>,
    #[serde(default)]
    packages: Vec<String>,
    #[serde(default)]
    form_of: Option<String>,
    #[serde(default)]
    general: bool,
    marks: Vec<MarkEntry>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MarkEntry {
    strength: Strength,
    port: Option<OneOrMany>,
    service: Option<OneOrMany>,
    user: Option<OneOrMany>,
    password: Option<OneOrMany>,
    pair: Option<OneOrMany>,
    command: Option<OneOrMany>,
    path: Option<OneOrMany>,
    signature: Option<OneOrMany>,
    first_bytes: Option<OneOrMany>,
    sha256: Option<OneOrMany>,
    fingerprint: Option<OneOrMany>,
    client: Option<OneOrMany>,
}

impl MarkEntry {
    /// The one kind that it names.
    fn mark(self) -> Result<Mark, String> {
        let of = |kind: MarkKind, texts: Option<OneOrMany>| texts.map(|texts| (kind, texts));
        let named: Vec<(MarkKind, OneOrMany)> = [
            of(MarkKind::Port, self.port),
            of(MarkKind::Service, self.service),
            of(MarkKind::User, self.user),
            of(MarkKind::Password, self.password),
            of(MarkKind::Pair, self.pair),
            of(MarkKind::Command, self.command),
            of(MarkKind::Path, self.path),
            of(MarkKind::Signature, self.signature),
            of(MarkKind::FirstBytes, self.first_bytes),
            of(MarkKind::Sha256, self.sha256),
            of(MarkKind::Fingerprint, self.fingerprint),
            of(MarkKind::Client, self.client),
        ]
        .into_iter()
        .flatten()
        .collect();
        let mut named = named.into_iter();
        let (Some((kind, texts)), None) = (named.next(), named.next()) else {
            return Err("a mark names one of port, service, user, password, pair, command, path, signature, first_bytes, sha256, fingerprint and client".to_owned());
        };
        let texts = match texts {
            OneOrMany::One(text) => vec![text],
            OneOrMany::Many(texts) => texts,
        };
        if texts.is_empty() || texts.len() > MOST_TEXTS {
            return Err(format!("a mark has 1 to {MOST_TEXTS} texts"));
        }
        if is_general(kind) && self.strength > Strength::Weak {
            return Err(format!(
                "a {} alone says little: its strength can only be weak",
                kind.name()
            ));
        }
        let texts: Result<Vec<String>, String> =
            texts.iter().map(|text| checked(kind, text)).collect();
        Ok(Mark { kind, texts: texts?, strength: self.strength })
    }
}

/// Whether everybody who comes has one of these.
const fn is_general(kind: MarkKind) -> bool {
    matches!(kind, MarkKind::Port | MarkKind::Service)
}

/// The text in the form in which it is looked for, or why that cannot be found.
fn checked(kind: MarkKind, text: &str) -> Result<String, String> {
    let shown = || escape_for_people(&text.chars().take(60).collect::<String>());
    if text.chars().count() > LONGEST_MARK {
        return Err(format!("the mark {}… is longer than {LONGEST_MARK} characters", shown()));
    }
    match kind {
        MarkKind::Port if Port::parse(text).is_none() => {
            Err(format!("{} is no port: write one as tcp/23", shown()))
        }
        MarkKind::Sha256 if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) => {
            Err(format!("{} is no SHA-256: 64 hexadecimal digits", shown()))
        }
        MarkKind::Sha256 => Ok(text.to_ascii_lowercase()),
        MarkKind::Pair if !text.contains('/') => {
            Err(format!("{} is no pair: write one as user/password", shown()))
        }
        MarkKind::Command | MarkKind::Path => {
            // What changes from visit to visit is a star in what is looked at, and so it is here.
            let family = family_of(text);
            let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
            let left = letters(&family);
            if left < LEAST_LEFT || 2 * left < letters(text) {
                return Err(format!(
                    "of the mark {} too little is left where numbers and random names become * ({})",
                    shown(),
                    escape_for_people(&family)
                ));
            }
            Ok(family)
        }
        MarkKind::FirstBytes => bytes_of(text)
            .filter(|bytes| bytes.len() >= LEAST_LEFT)
            .map(|_| text.to_owned())
            .ok_or_else(|| {
                format!("{} is no text of {LEAST_LEFT} bytes or more with \\x00 for bytes", shown())
            }),
        _ if text.is_empty() && kind != MarkKind::Password => Err("a mark is empty".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

/// The bytes of a text in which `\x00` stands for a byte and `\\` for a backslash.
pub(super) fn bytes_of(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at + 1..];
        if let Some(next) = rest.strip_prefix('\\') {
            bytes.push(b'\\');
            rest = next;
            continue;
        }
        let digits = rest.strip_prefix('x')?.get(..2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = rest.get(3..)?;
    }
    bytes.extend_from_slice(rest.as_bytes());
    Some(bytes)
}

/// Reads files. `shipped` ones are held to both languages; `is_known` tells whether `form_of` may name what is not in them.
pub(super) fn campaigns(
    files: &[(&str, &str)],
    shipped: bool,
    is_known: &dyn Fn(&str) -> bool,
) -> Result<Vec<Campaign>, Vec<CampaignError>> {
    let (mut all, mut problems) = (Vec::new(), Vec::new());
    let mut ids = HashSet::new();
    for (name, text) in files {
        let problem = |place: String, reason: String| CampaignError { place, reason };
        if text.len() > LONGEST_FILE {
            let reason = format!("a file of campaigns has at most {LONGEST_FILE} bytes");
            problems.push(problem((*name).to_owned(), reason));
            continue;
        }
        let file: File = match toml::from_str(text) {
            Ok(file) => file,
            Err(error) => {
                let line = error.span().map(|span| {
                    1 + text.get(..span.start).map_or(0, |head| head.matches('\n').count())
                });
                let place =
                    line.map_or_else(|| (*name).to_owned(), |line| format!("{name}, line {line}"));
                problems
                    .push(problem(place, escape_for_people(&error.message().replace('\n', " "))));
                continue;
            }
        };
        for entry in file.campaign {
            let shown = escape_for_people(&entry.id.chars().take(60).collect::<String>());
            let place = format!("{name}, campaign {shown}");
            if !ids.insert(entry.id.clone()) {
                problems.push(problem(place, "there are two of this id".to_owned()));
                continue;
            }
            match campaign(entry, shipped) {
                Ok(campaign) => all.push(campaign),
                Err(reason) => problems.push(problem(place, reason)),
            }
        }
    }
    for campaign in &all {
        let Some(parent) = &campaign.form_of else { continue };
        if !ids.contains(parent) && !is_known(parent) || *parent == campaign.id {
            problems.push(CampaignError {
                place: format!("campaign {}", campaign.id),
                reason: format!(
                    "form_of names {}, which is no other campaign",
                    escape_for_people(parent)
                ),
            });
        }
    }
    if all.len() > MOST_CAMPAIGNS {
        let reason = format!("there are more than {MOST_CAMPAIGNS} campaigns");
        problems.push(CampaignError { place: "all files together".to_owned(), reason });
    }
    if problems.is_empty() { Ok(all) } else { Err(problems) }
}

fn campaign(entry: Entry, shipped: bool) -> Result<Campaign, String> {
    let is_id = |id: &str| {
        (1..=60).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if !is_id(&entry.id) {
        return Err("an id is 1 to 60 small letters, digits and hyphens".to_owned());
    }
    for (what, words, needed) in [
        ("name", &entry.name, true),
        ("what", &entry.what, true),
        ("hits", &entry.hits, shipped),
        ("advice", &entry.advice, false),
    ] {
        check_words(what, words, needed, shipped)?;
    }
    check_lists(&entry)?;
    if entry.marks.is_empty() || entry.marks.len() > MOST_MARKS {
        return Err(format!("a campaign has 1 to {MOST_MARKS} marks"));
    }
    let marks: Result<Vec<Mark>, String> = entry.marks.into_iter().map(MarkEntry::mark).collect();
    let marks = marks?;
    if marks.iter().all(|mark| mark.strength == Strength::Weak) {
        return Err(
            "weak marks alone never name anything: at least one must be medium or more".to_owned()
        );
    }
    Ok(Campaign {
        id: entry.id,
        kind: entry.kind,
        name: entry.name,
        what: entry.what,
        hits: entry.hits,
        advice: entry.advice,
        actions: entry.actions,
        references: entry.references,
        cves: entry.cves,
        packages: entry.packages,
        form_of: entry.form_of,
        general: entry.general,
        marks,
    })
}

/// References, actions, CVEs and packages: few, and such as can be used.
fn check_lists(entry: &Entry) -> Result<(), String> {
    for (what, list) in [
        ("references", &entry.references),
        ("actions", &entry.actions),
        ("cves", &entry.cves),
        ("packages", &entry.packages),
    ] {
        if list.len() > MOST_LISTED || list.iter().any(|text| text.is_empty() || text.len() > 300) {
            return Err(format!("{what} lists at most {MOST_LISTED} texts of 1 to 300 bytes"));
        }
    }
    let is_link = |text: &&String| {
        (text.starts_with("https://") || text.starts_with("http://"))
            && text.bytes().all(|b| b.is_ascii_graphic() && !b"<>\"'`\\".contains(&b))
    };
    if let Some(text) = entry.references.iter().find(|text| !is_link(text)) {
        return Err(format!("{} is no address of a page", escape_for_people(text)));
    }
    if let Some(id) = entry.actions.iter().find(|id| super::action(id).is_none()) {
        return Err(format!(
            "there is no action {}; docs/campaigns.md lists them",
            escape_for_people(id)
        ));
    }
    Ok(())
}

fn check_words(what: &str, words: &Words, needed: bool, shipped: bool) -> Result<(), String> {
    let (en, ja) = (words.en.trim(), words.ja.trim());
    if en.is_empty() && (needed || !ja.is_empty()) {
        return Err(format!("{what} is missing in English"));
    }
    if shipped && en.is_empty() != ja.is_empty() {
        return Err(format!("{what} is missing in Japanese"));
    }
    let is_long = |text: &str| text.chars().count() > LONGEST_WORDS;
    if is_long(en) || is_long(ja) {
        return Err(format!("{what} is longer than {LONGEST_WORDS} characters"));
    }
    if en.chars().chain(ja.chars()).any(|c| escape_for_people(&c.to_string()) != c.to_string()) {
        return Err(format!("{what} holds a character that cannot be shown"));
    }
    Ok(())
}

/// Reads the actions.
pub(super) fn actions(text: &str) -> Result<BTreeMap<String, Action>, String> {
    toml::from_str(text).map_err(|error| error.message().to_owned())
}

/// A number that changes with everything that recognition depends on.
pub(super) fn digest(all: &[Campaign]) -> u64 {
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    let mut add = |text: &str| {
        hash.write(text.as_bytes());
        hash.write(&[0]);
    };
    for campaign in all {
        add(&campaign.id);
        add(&campaign.name.en);
        add(campaign.form_of.as_deref().unwrap_or(""));
        add(if campaign.general { "general" } else { "" });
        for mark in &campaign.marks {
            add(mark.kind.name());
            add(mark.strength.name());
            mark.texts.iter().for_each(|text| add(text));
        }
    }
    hash.0
}

/// Fowler, Noll, Vo (1991): the same on every machine and in every version of Rust.
struct Fnv(u64);

impl std::hash::Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
