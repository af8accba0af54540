//! Databases and collections as one visitor finds and leaves them: what he did not change is everybody's, what he adds is bounded.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use kizashi_event::Timestamp;

use super::bson::{self, Document, Value};
use crate::Identity;
use crate::copies::Copies;
use crate::draw::Draw;
use crate::sql;

/// Bytes that a visitor may add.
const ADDED: usize = 96 * 1024;
const COST: usize = 64;
const DATABASES: usize = 32;
const COLLECTIONS: usize = 128;

pub(super) type Collection = Arc<Vec<Document>>;
pub(super) type Database = BTreeMap<Vec<u8>, Collection>;

/// One visitor's server.
pub(super) struct OwnCopy {
    pub(super) databases: BTreeMap<Vec<u8>, Database>,
    added: usize,
    made: u32,
}

impl OwnCopy {
    pub(super) fn collection(&self, database: &[u8], name: &[u8]) -> Option<&Collection> {
        self.databases.get(database)?.get(name)
    }

    /// Lets `act` change a collection, which is made where it is missing; `None` where there is no room for it.
    pub(super) fn change<T>(
        &mut self,
        database: &[u8],
        name: &[u8],
        act: impl FnOnce(&mut Vec<Document>) -> T,
    ) -> Option<T> {
        let known = self.collection(database, name).is_some();
        let collections: usize = self.databases.values().map(BTreeMap::len).sum();
        let room = self.databases.len() < DATABASES || self.databases.contains_key(database);
        if !known
            && (collections >= COLLECTIONS || !room || !self.admits(database.len() + name.len()))
        {
            return None;
        }
        let collection =
            self.databases.entry(database.to_vec()).or_default().entry(name.to_vec()).or_default();
        Some(act(Arc::make_mut(collection)))
    }

    /// Whether so many bytes more may be kept; they are then counted.
    pub(super) fn admits(&mut self, bytes: usize) -> bool {
        let admitted = self.added + bytes + COST <= ADDED;
        self.added += if admitted { bytes + COST } else { 0 };
        admitted
    }

    /// An identifier for what came without one.
    pub(super) fn identifier(&mut self, now: Timestamp) -> Value {
        self.made += 1;
        let seconds = u32::try_from(now.seconds()).unwrap_or(0).to_be_bytes();
        let mut id = [0; 12];
        id[..4].copy_from_slice(&seconds);
        id[4..9].copy_from_slice(&[0x5c, 0x1e, 0x77, 0x03, 0xa9]);
        id[9..].copy_from_slice(&self.made.to_be_bytes()[1..]);
        Value::ObjectId(id)
    }
}

/// All copies.
#[derive(Default)]
pub(crate) struct Installed {
    copies: Copies<OwnCopy>,
}

impl Installed {
    /// Lets `act` see and change this visitor's copy.
    pub(super) fn with<T>(
        &self,
        identity: &Identity,
        source: IpAddr,
        now: Timestamp,
        act: impl FnOnce(&mut OwnCopy) -> T,
    ) -> T {
        let make = || OwnCopy { databases: databases(identity), added: 0, made: 0 };
        self.copies.with(source, now, make, act)
    }
}

fn of_sql(value: &sql::Value) -> Value {
    match value {
        sql::Value::Null => Value::Null,
        sql::Value::Integer(number) => i32::try_from(*number)
            .map(Value::Int)
            .unwrap_or_else(|_| Value::Long(i64::try_from(*number).unwrap_or(0))),
        sql::Value::Decimal(number, _) | sql::Value::Real(number) => Value::Double(*number),
        sql::Value::Text(text) | sql::Value::Bytes(text) => Value::Text(text.clone()),
    }
}

/// The application's records, as another of its services keeps them, and the server's own databases.
fn databases(identity: &Identity) -> BTreeMap<Vec<u8>, Database> {
    let application = identity.application();
    let account = application.account();
    let set_up = identity.set_up().seconds();
    let mut database = Database::new();
    for (place, relation) in account.relations.iter().enumerate() {
        let label = format!("mongodb {}", relation.name);
        let draw = Draw::new(identity.seed(), &label);
        let row = |(number, row): (u64, &Vec<sql::Value>)| {
            let seconds = u32::try_from(set_up)
                .unwrap_or(0)
                .wrapping_add(u32::try_from(number).unwrap_or(0) * 3_607);
            let mut id = [0; 12];
            id[..4].copy_from_slice(&seconds.to_be_bytes());
            id[4..].copy_from_slice(&draw.number(0).wrapping_add(number).to_be_bytes());
            let mut document = vec![(b"_id".to_vec(), Value::ObjectId(id))];
            for (column, value) in relation.columns.iter().zip(row).skip(1) {
                document.push((column.name.as_bytes().to_vec(), of_sql(value)));
            }
            document
        };
        let documents: Vec<Document> =
            (place as u64 * 1_000..).zip(&relation.rows).map(row).collect();
        database.insert(relation.name.clone().into_bytes(), Arc::new(documents));
    }
    let version = bson::document([
        ("_id", Value::text("featureCompatibilityVersion")),
        ("version", Value::text(&super::release::Release::of(identity).version[..3])),
    ]);
    let started = bson::document([
        ("_id", Value::text(format!("{}-{}", identity.host_name(), set_up))),
        ("hostname", Value::text(identity.host_name())),
        ("pid", Value::Long(721)),
    ]);
    let single = |name: &str, document| {
        Database::from([(name.as_bytes().to_vec(), Arc::new(vec![document]))])
    };
    BTreeMap::from([
        (account.database.clone().into_bytes(), database),
        (b"admin".to_vec(), single("system.version", version)),
        (
            b"config".to_vec(),
            Database::from([(b"system.sessions".to_vec(), Collection::default())]),
        ),
        (b"local".to_vec(), single("startup_log", started)),
    ])
}
