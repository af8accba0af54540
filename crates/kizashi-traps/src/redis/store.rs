//! Keys and values, and what each visitor changed in them: a copy for his address (64 bits of IPv6) over his connections, until a day after
//! his last command, with the settings that he made. Bounded: bytes of a copy, copies in all (the older half goes when there are more).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use kizashi_event::{HostileText, Timestamp};

use crate::Identity;
use crate::copies::Copies;
use crate::draw::Draw;

/// Bytes of one copy: keys, values, scripts, settings.
pub(super) const BYTES: usize = 96 * 1024;
/// Databases, as the default configuration has them.
pub(super) const DATABASES: usize = 16;
/// What a key, an element and a setting cost beside their bytes.
const KEY: usize = 96;
const ELEMENT: usize = 48;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(Vec<u8>),
    List(VecDeque<Vec<u8>>),
    Set(BTreeSet<Vec<u8>>),
    /// In the order in which fields came, as a listpack has them.
    Hash(Vec<(Vec<u8>, Vec<u8>)>),
    Sorted(BTreeMap<Vec<u8>, f64>),
}

impl Value {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Text(_) => "string",
            Self::List(_) => "list",
            Self::Set(_) => "set",
            Self::Hash(_) => "hash",
            Self::Sorted(_) => "zset",
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Text(_) => false,
            Self::List(list) => list.is_empty(),
            Self::Set(set) => set.is_empty(),
            Self::Hash(hash) => hash.is_empty(),
            Self::Sorted(sorted) => sorted.is_empty(),
        }
    }

    pub(super) fn cost(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::List(list) => list.iter().map(|item| item.len() + ELEMENT).sum(),
            Self::Set(set) => set.iter().map(|item| item.len() + ELEMENT).sum(),
            Self::Hash(hash) => {
                hash.iter().map(|(name, value)| name.len() + value.len() + ELEMENT).sum()
            }
            Self::Sorted(sorted) => sorted.keys().map(|item| item.len() + ELEMENT + 8).sum(),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) value: Value,
    /// Milliseconds since the epoch.
    pub(super) expires: Option<i64>,
    /// Written by the visitor.
    pub(super) own: bool,
}

pub(super) type Database = BTreeMap<Vec<u8>, Entry>;

/// Whom a visitor told the server to follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Master {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) since: i64,
}

/// What one visitor sees.
pub(super) struct OwnCopy {
    pub(super) databases: Vec<Database>,
    pub(super) config: BTreeMap<String, String>,
    pub(super) master: Option<Master>,
    /// He told it to follow somebody since the last module was loaded: a file may have come by that.
    pub(super) followed: bool,
    pub(super) modules: BTreeSet<&'static str>,
    /// Scripts by their SHA-1.
    pub(super) scripts: BTreeMap<String, Vec<u8>>,
    pub(super) saved: Option<i64>,
    /// Changes since then.
    pub(super) dirty: u64,
    /// A password is asked for: he began with one.
    pub(super) guarded: Option<bool>,
    /// Counts commands, and what makes random picks differ.
    pub(super) commands: u64,
}

impl Default for OwnCopy {
    fn default() -> Self {
        Self {
            databases: vec![Database::new(); DATABASES],
            config: BTreeMap::new(),
            master: None,
            followed: false,
            modules: BTreeSet::new(),
            scripts: BTreeMap::new(),
            saved: None,
            dirty: 0,
            guarded: None,
            commands: 0,
        }
    }
}

impl OwnCopy {
    /// All that it holds.
    pub(super) fn bytes(&self) -> usize {
        let entries = self.databases.iter().flatten();
        let keys: usize = entries.map(|(key, entry)| key.len() + KEY + entry.value.cost()).sum();
        let config: usize =
            self.config.iter().map(|(name, value)| name.len() + value.len() + ELEMENT).sum();
        let scripts: usize = self.scripts.values().map(|script| script.len() + KEY).sum();
        keys + config + scripts
    }

    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.bytes().saturating_add(bytes) <= BYTES
    }

    /// Lets go of keys whose time is over.
    pub(super) fn purge(&mut self, now: i64) {
        for database in &mut self.databases {
            database.retain(|_, entry| entry.expires.is_none_or(|expires| expires > now));
        }
    }
}

/// An installation's server: its visitors' copies, and how many came.
#[derive(Default)]
pub(crate) struct Installed {
    copies: Copies<OwnCopy>,
    connections: AtomicU64,
}

impl Installed {
    /// The number of a new connection.
    pub(super) fn admit(&self, identity: &Identity) -> u64 {
        let before = 11 + Draw::new(identity.seed(), "redis clients").below(0, 4_000);
        before + self.connections.fetch_add(1, Ordering::Relaxed)
    }

    /// Lets `act` see and change this visitor's copy.
    pub(super) fn with<T>(
        &self,
        identity: &Identity,
        source: IpAddr,
        now: Timestamp,
        act: impl FnOnce(&mut OwnCopy) -> T,
    ) -> T {
        let make = || {
            let mut copy = OwnCopy::default();
            copy.databases[0] = stored(identity);
            copy
        };
        self.copies.with(source, now, make, |copy| {
            copy.purge(now.micros() / 1_000);
            act(copy)
        })
    }
}

/// What the pretended machine's application keeps there: sessions, a queue, counters, a cache.
fn stored(identity: &Identity) -> Database {
    let draw = Draw::new(identity.seed(), "redis keys");
    let mut database = Database::new();
    let mut put = |key: String, value: Value| {
        database.insert(key.into_bytes(), Entry { value, expires: None, own: false });
    };
    let name = draw.one_of(0, &["app", "shop", "portal", "crm", "api"]).unwrap_or("app");
    let people = ["anna", "jonas", "marie", "peter", "sofia", "thomas", "lukas", "elena"];
    let count = 4 + draw.below(1, 9);
    for number in 0..count {
        let place = 100 + number * 4;
        let user = draw.one_of(place, &people).unwrap_or("anna");
        let id = 1_000 + draw.below(place + 1, 8_000);
        let token = format!("{:016x}{:016x}", draw.number(place + 2), draw.number(place + 3));
        let session = format!(
            "{{\"id\":{id},\"user\":\"{user}\",\"role\":\"{}\",\"csrf\":\"{:08x}\"}}",
            if number == 0 { "admin" } else { "member" },
            draw.below(place + 2, 1 << 32)
        );
        put(format!("{name}:session:{token}"), Value::Text(session.into_bytes()));
        let pairs = [
            ("email", format!("{user}@{name}.example")),
            ("visits", (3 + draw.below(place, 400)).to_string()),
        ];
        let fields =
            pairs.into_iter().map(|(field, value)| (field.as_bytes().to_vec(), value.into_bytes()));
        put(format!("{name}:user:{id}"), Value::Hash(fields.collect()));
    }
    let jobs = (0..1 + draw.below(2, 5)).map(|number| {
        let job =
            format!("{{\"job\":\"mail\",\"to\":{}}}", 1_000 + draw.below(300 + number, 8_000));
        job.into_bytes()
    });
    put(format!("{name}:queue:default"), Value::List(jobs.collect()));
    let visits = (40_000 + draw.below(3, 900_000)).to_string();
    put(format!("{name}:stats:visits"), Value::Text(visits.into_bytes()));
    let pages = ["/", "/login", "/products", "/contact"];
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let scores = pages.iter().enumerate().map(|(place, page)| {
        (page.as_bytes().to_vec(), draw.below(400 + place as u64, 9_000) as f64)
    });
    put(format!("{name}:stats:pages"), Value::Sorted(scores.collect()));
    database
}

/// Text of a note: money for data.
pub(crate) fn is_ransom(text: &[u8]) -> bool {
    const WORDS: [&str; 9] = [
        "bitcoin",
        "btc",
        "monero",
        "xmr",
        "ransom",
        "backed up",
        "recover",
        "your data",
        "your database",
    ];
    let text =
        String::from_utf8_lossy(&text[..text.len().min(HostileText::MAX_BYTES)]).to_lowercase();
    WORDS.iter().filter(|word| text.contains(**word)).count() >= 2
}
