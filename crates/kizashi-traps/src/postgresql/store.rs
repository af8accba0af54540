//! Databases, large objects and functions as one visitor finds and leaves them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use kizashi_event::Timestamp;

use crate::Identity;
use crate::capture::Capture;
use crate::copies::Copies;
use crate::sql::{Column, Databases, Relation, Tables};

/// Large objects and functions of one visitor, and bytes of all his objects that are held.
pub(super) const OBJECTS: usize = 16;
pub(super) const FUNCTIONS: usize = 32;
pub(super) const OBJECT_BYTES: usize = 96 * 1024;

/// A function of a library that a visitor wrote.
#[derive(Clone, Debug)]
pub(super) struct Function {
    pub(super) library: Vec<u8>,
    pub(super) gives_text: bool,
}

/// One visitor's server.
pub(super) struct OwnCopy {
    pub(super) tables: Tables,
    pub(super) objects: BTreeMap<u32, Capture>,
    pub(super) functions: BTreeMap<Vec<u8>, Function>,
    /// Roles that he made.
    pub(super) roles: Vec<String>,
    pub(super) next: u32,
}

impl OwnCopy {
    /// Bytes of objects that may be added.
    pub(super) fn object_room(&self) -> usize {
        let held: usize = self.objects.values().map(|object| object.content().len()).sum();
        OBJECT_BYTES.saturating_sub(held)
    }

    /// A number for something new.
    pub(super) const fn number(&mut self) -> u32 {
        self.next += 1;
        self.next
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
        let make = || OwnCopy {
            tables: Tables::of(databases(identity)),
            objects: BTreeMap::new(),
            functions: BTreeMap::new(),
            roles: Vec::new(),
            next: 16_500,
        };
        self.copies.with(source, now, make, act)
    }
}

/// The type that PostgreSQL has for one of MariaDB's.
pub(super) fn own_type(kind: &str) -> String {
    let (name, size) = kind
        .split_once('(')
        .map_or((kind, None), |(name, rest)| (name, rest.split_once(')').map(|(size, _)| size)));
    let sized = |name: &str| size.map_or_else(|| name.to_owned(), |size| format!("{name}({size})"));
    match name.trim() {
        "int" | "integer" | "int4" | "serial" | "mediumint" => "integer".to_owned(),
        "bigint" | "int8" | "bigserial" => "bigint".to_owned(),
        "tinyint" | "smallint" | "int2" => "smallint".to_owned(),
        "varchar" | "character varying" => sized("character varying"),
        "char" | "character" | "bpchar" => sized("character"),
        "bool" | "boolean" => "boolean".to_owned(),
        "datetime" | "timestamp" => "timestamp without time zone".to_owned(),
        "double" | "float" | "float8" => "double precision".to_owned(),
        "decimal" | "numeric" => "numeric".to_owned(),
        "blob" | "longblob" | "bytea" => "bytea".to_owned(),
        "date" => "date".to_owned(),
        other if other.contains("text") || other == "enum" => "text".to_owned(),
        other => other.to_owned(),
    }
}

/// The application's tables in its own database, and the one that is always there.
fn databases(identity: &Identity) -> Databases {
    let application = identity.application();
    let account = application.account();
    let column = |column: &Column| Column {
        kind: own_type(&column.kind).into(),
        name: column.name.clone(),
        ..*column
    };
    let relation = |relation: &Relation| Relation {
        name: relation.name.clone(),
        columns: relation.columns.iter().map(column).collect(),
        rows: relation.rows.clone(),
    };
    let tables: Vec<Relation> = account.relations.iter().map(relation).collect();
    vec![
        (account.database.clone(), tables.into()),
        ("postgres".to_owned(), Arc::from(Vec::new())),
        ("template1".to_owned(), Arc::from(Vec::new())),
    ]
}
