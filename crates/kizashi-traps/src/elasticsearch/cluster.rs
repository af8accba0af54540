//! The cluster of one installation: its names, its node, its indices and what is in them, all drawn from the identity's seed, so that
//! every request on every port finds the same. A document is computed from its number, so that some thousands of them cost nothing.
//! Persons are made up; their addresses are under names that RFC 2606 keeps for examples, their telephone numbers those kept for films.

use kizashi_event::Timestamp;

use super::json::{Json, object};
use super::release::Release;
use crate::Identity;
use crate::draw::Draw;

/// What an installation pretends.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) release: Release,
    pub(super) name: &'static str,
    pub(super) uuid: String,
    pub(super) node: String,
    pub(super) node_id: String,
    pub(super) ephemeral_id: String,
    pub(super) host: String,
    pub(super) address: String,
    pub(super) started: Timestamp,
    pub(super) indices: Vec<Base>,
}

/// An index that is there before anybody came.
#[derive(Debug)]
pub(super) struct Base {
    pub(super) name: &'static str,
    pub(super) uuid: String,
    pub(super) kind: &'static str,
    pub(super) created: Timestamp,
    pub(super) documents: u32,
    content: Content,
    salt: u64,
    release: Release,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    People,
    Orders,
    Goods,
    Log,
    Kibana,
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Letters of Elasticsearch's identifiers, from a number.
pub(super) fn letters(seed: u64, count: usize) -> String {
    (0..count as u64)
        .map(|place| char::from(BASE64[(mix(seed ^ (place << 40)) >> 58) as usize]))
        .collect()
}

/// SplitMix64: well spread numbers from numbers that are not.
pub(super) const fn mix(seed: u64) -> u64 {
    let mut state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

impl Cluster {
    pub(super) fn draw(identity: &Identity) -> Self {
        const NAMES: [&str; 6] =
            ["elasticsearch", "elasticsearch", "es-prod", "search", "docker-cluster", "production"];
        const HEROES: [&str; 8] = [
            "Gideon Mace",
            "Blackheath",
            "Rintrah",
            "Thunderfist",
            "Amphibius",
            "Sharon Ventura",
            "Tattoo",
            "Silver Squire",
        ];
        let draw = Draw::new(identity.seed(), "elasticsearch");
        let release = identity.elasticsearch_release();
        let node_id = letters(draw.number(3), 22);
        let node = match release {
            Release::V1_4_2 => draw.one_of(4, &HEROES).unwrap_or(HEROES[0]).to_owned(),
            Release::V7_17_9 => identity.host_name(),
            _ => node_id.chars().take(7).collect(),
        };
        let set_up = identity.set_up();
        Self {
            release,
            name: draw.one_of(1, &NAMES).unwrap_or(NAMES[0]),
            uuid: letters(draw.number(2), 22),
            node,
            node_id,
            ephemeral_id: letters(draw.number(5), 22),
            host: identity.host_name(),
            address: format!(
                "10.{}.{}.{}",
                draw.below(6, 200),
                draw.below(7, 250),
                4 + draw.below(8, 240)
            ),
            started: set_up.plus(
                Timestamp::SECOND * (3_600 + i64::try_from(draw.below(9, 900_000)).unwrap_or(0)),
            ),
            indices: indices(draw, release, set_up),
        }
    }

    /// Names that do for an index: its own, or the address in front of a port.
    pub(super) fn transport(&self) -> String {
        if self.release.is_old() {
            format!("inet[/{}:9300]", self.address)
        } else {
            format!("{}:9300", self.address)
        }
    }
}

fn indices(draw: Draw<'_>, release: Release, set_up: Timestamp) -> Vec<Base> {
    let choices: [(Content, [&'static str; 4], &'static str, u64); 5] = [
        (Content::People, ["customers", "users", "clients", "members"], "customer", 400),
        (Content::Orders, ["orders", "invoices", "transactions", "payments"], "order", 900),
        (Content::Goods, ["products", "catalog", "inventory", "items"], "product", 200),
        (Content::Log, ["app-logs", "access-log", "backend-logs", "nginx"], "log", 700),
        (Content::Kibana, [".kibana", ".kibana", ".kibana", ".kibana"], "config", 1),
    ];
    let kibana = if release == Release::V7_17_9 { ".kibana_1" } else { ".kibana" };
    let one = |(place, (content, names, kind, size)): (
        usize,
        (Content, [&'static str; 4], &'static str, u64),
    )| {
        let at = 20 + 10 * place as u64;
        let name = if content == Content::Kibana {
            kibana
        } else {
            draw.one_of(at, &names).unwrap_or(names[0])
        };
        let documents = if size == 1 { 1 } else { size / 2 + draw.below(at + 1, size) };
        let later = i64::try_from(draw.below(at + 3, 2_000_000)).unwrap_or(0);
        Base {
            name,
            uuid: letters(draw.number(at + 2), 22),
            kind: if release >= Release::V6_8_23 { "_doc" } else { kind },
            created: set_up.plus(Timestamp::SECOND * (90_000 + later)),
            documents: u32::try_from(documents).unwrap_or(1),
            content,
            salt: draw.number(at + 4),
            release,
        }
    };
    // Kibana wrote into 1.4 from its own version 4 on only.
    let has_kibana = !release.is_old();
    choices
        .into_iter()
        .filter(|choice| has_kibana || choice.0 != Content::Kibana)
        .enumerate()
        .map(one)
        .collect()
}

const FIRST: [&str; 16] = [
    "Anna", "James", "Maria", "Thomas", "Laura", "Peter", "Sofia", "David", "Julia", "Martin",
    "Elena", "Paul", "Nina", "Robert", "Clara", "Simon",
];
const LAST: [&str; 16] = [
    "Fischer", "Miller", "Rossi", "Novak", "Larsen", "Dubois", "Walker", "Schmidt", "Kowalski",
    "Jensen", "Moretti", "Clark", "Weber", "Martin", "Lind", "Turner",
];
const CITIES: [(&str, &str); 8] = [
    ("Berlin", "DE"),
    ("Lyon", "FR"),
    ("Leeds", "GB"),
    ("Austin", "US"),
    ("Torino", "IT"),
    ("Gdansk", "PL"),
    ("Malmo", "SE"),
    ("Denver", "US"),
];
const GOODS: [&str; 8] = [
    "Desk lamp",
    "Backpack",
    "Kettle",
    "Headphones",
    "Office chair",
    "Water bottle",
    "Keyboard",
    "Jacket",
];
const LEVELS: [&str; 5] = ["INFO", "INFO", "INFO", "WARN", "ERROR"];
const PATHS: [&str; 6] = ["/", "/cart", "/login", "/api/v1/orders", "/search", "/checkout"];

impl Base {
    /// A document's id: a number, or what Elasticsearch makes where none is given.
    pub(super) fn id(&self, number: u32) -> String {
        match self.content {
            Content::Log => letters(self.salt ^ u64::from(number), 20),
            Content::Kibana if self.release < Release::V6_8_23 => self.release.number().to_owned(),
            Content::Kibana => "space:default".to_owned(),
            _ => (number + 1).to_string(),
        }
    }

    pub(super) fn number_of(&self, id: &str) -> Option<u32> {
        match self.content {
            Content::Log | Content::Kibana => {
                (0..self.documents).find(|number| self.id(*number) == id)
            }
            _ => {
                let number = id.parse::<u32>().ok()?.checked_sub(1)?;
                (number < self.documents && self.id(number) == id).then_some(number)
            }
        }
    }

    pub(super) fn document(&self, number: u32) -> Json {
        let drawn = mix(self.salt ^ (u64::from(number) << 20));
        let pick = |shift: u32, count: usize| ((drawn >> shift) & 0xffff) as usize % count;
        let spread = i64::from(number) * 2_600 + (drawn & 0x3ff) as i64;
        let mut time = self.created.plus(Timestamp::SECOND * spread).rfc3339();
        time.truncate(19);
        time.push('Z');
        match self.content {
            Content::People => {
                let (first, last) = (FIRST[pick(0, 16)], LAST[pick(16, 16)]);
                let (city, country) = CITIES[pick(32, 8)];
                object! {
                    "customer_id" => number + 1,
                    "name" => format!("{first} {last}"),
                    "email" => format!("{}.{}{}@example.com", first.to_lowercase(), last.to_lowercase(), number % 97),
                    "phone" => format!("+1-202-555-01{:02}", pick(40, 100)),
                    "city" => city, "country" => country,
                    "newsletter" => drawn & 1 == 0,
                    "created_at" => time,
                }
            }
            Content::Orders => object! {
                "order_id" => 100_000 + number,
                "customer_id" => 1 + pick(0, 400),
                "product" => GOODS[pick(16, 8)],
                "quantity" => 1 + pick(24, 4),
                "total" => 9.99 + pick(32, 400) as f64,
                "currency" => "EUR",
                "status" => ["paid", "shipped", "shipped", "cancelled"][pick(48, 4)],
                "created_at" => time,
            },
            Content::Goods => object! {
                "sku" => format!("SKU-{:05}", 10_000 + number * 7),
                "name" => format!("{} {}", GOODS[pick(0, 8)], 1 + pick(16, 900)),
                "category" => ["home", "office", "outdoor", "electronics"][pick(24, 4)],
                "price" => 4.5 + pick(32, 300) as f64,
                "stock" => pick(48, 250),
                "updated_at" => time,
            },
            Content::Log => object! {
                "@timestamp" => time,
                "level" => LEVELS[pick(0, 5)],
                "path" => PATHS[pick(16, 6)],
                "status" => [200, 200, 200, 302, 404, 500][pick(24, 6)],
                "duration_ms" => pick(32, 900),
                "message" => format!("GET {} took {} ms", PATHS[pick(16, 6)], pick(32, 900)),
            },
            Content::Kibana => {
                object! { "type" => "space", "space" => object! { "name" => "Default", "disabledFeatures" => Vec::<Json>::new(), "_reserved" => true }, "updated_at" => time }
            }
        }
    }
}
