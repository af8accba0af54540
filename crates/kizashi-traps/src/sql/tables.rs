//! Databases as one visitor finds them: what he changed is his, what nobody changed is shared by all copies. What he adds is bounded.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Relation;

/// Bytes that a visitor may add to his copy, all tables together.
const ADDED: usize = 96 * 1024;
/// What a row, a table or a name costs beside its text.
const COST: usize = 64;

/// Databases by name.
pub(crate) type Databases = Vec<(String, Arc<[Relation]>)>;

/// One visitor's databases, and the files that he had the server write.
#[derive(Default)]
pub(crate) struct Tables {
    pub(crate) databases: Databases,
    pub(crate) files: BTreeSet<Vec<u8>>,
    added: usize,
}

impl Tables {
    /// With these databases and nothing written yet.
    pub(crate) fn of(databases: Databases) -> Self {
        Self { databases, ..Self::default() }
    }

    /// Whether so many bytes more may be kept; they are then counted.
    pub(crate) fn admits(&mut self, bytes: usize) -> bool {
        let admitted = self.added + bytes + COST <= ADDED;
        self.added += if admitted { bytes + COST } else { 0 };
        admitted
    }

    pub(crate) fn tables(&self, database: &[u8]) -> Option<&Arc<[Relation]>> {
        let found = self.databases.iter().find(|(name, _)| name.as_bytes() == database);
        found.map(|(_, tables)| tables)
    }

    /// Lets `act` change a database's tables.
    pub(crate) fn change<T>(
        &mut self,
        database: &[u8],
        act: impl FnOnce(&mut Vec<Relation>) -> T,
    ) -> Option<T> {
        let found = self.databases.iter_mut().find(|(name, _)| name.as_bytes() == database);
        let (_, tables) = found?;
        let mut changed = tables.to_vec();
        let said = act(&mut changed);
        *tables = changed.into();
        Some(said)
    }
}
