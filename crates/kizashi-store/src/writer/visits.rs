//! Who came under which key on which day and in which of its hours: the exact sets of the running days. The latest visits are
//! remembered, so that a source that comes again costs no look into the database; and of a day that was empty when it was first
//! met all of them, so that a source that is new costs none either.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rusqlite::{Connection, OptionalExtension as _};

use super::rows::write_rows;

/// Visits remembered between two batches: about 4 MB. Past that all are forgotten.
const MOST_REMEMBERED: usize = 131_072;

/// The visits of a day as far as they are remembered, with a bit for each hour.
#[derive(Debug)]
struct Day {
    /// Whether these are all that there are.
    is_whole: bool,
    hours: HashMap<(u32, u32), u32>,
}

/// The latest visits.
#[derive(Debug, Default)]
pub(super) struct Visits {
    days: HashMap<i64, Day>,
    /// Those that the database does not know yet: day, key, source.
    fresh: Vec<(i64, u32, u32)>,
    /// Those of which it does not know all hours yet.
    again: Vec<(i64, u32, u32)>,
}

impl Visits {
    /// Notes a visit; whether its source is new under this key in this hour, and on this day.
    pub(super) fn touch(
        &mut self,
        connection: &Connection,
        hour: i64,
        key: u32,
        source: u32,
    ) -> rusqlite::Result<(bool, bool)> {
        let (date, bit) = (hour.div_euclid(24), 1_u32 << hour.rem_euclid(24));
        let day = match self.days.entry(date) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(Day::open(connection, date)?),
        };
        let hours = match day.hours.entry((key, source)) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) if day.is_whole => entry.insert(0),
            Entry::Vacant(entry) => entry.insert(hours_of(connection, (date, key, source))?),
        };
        let known = *hours;
        let in_hour = known & bit == 0;
        if in_hour {
            let waiting = if known == 0 { &mut self.fresh } else { &mut self.again };
            waiting.push((date, key, source));
            *hours |= bit;
        }
        Ok((in_hour, known == 0))
    }

    /// Writes what is new.
    pub(super) fn write(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let hours = |(date, key, source): (i64, u32, u32)| {
            let hours = self.days.get(&date)?.hours.get(&(key, source))?;
            Some([date, i64::from(key), i64::from(source), i64::from(*hours)])
        };
        self.fresh.sort_unstable();
        // None is there: "or ignore" only spares SQLite preparing to undo a statement of many rows.
        let insert = "INSERT OR IGNORE INTO visits (day, key, source, hours)";
        write_rows(connection, (insert, ""), self.fresh.iter().copied().filter_map(hours))?;
        self.again.sort_unstable();
        self.again.dedup();
        let mut change = connection.prepare_cached(
            "UPDATE visits SET hours = ?4 WHERE day = ?1 AND key = ?2 AND source = ?3",
        )?;
        for row in self.again.iter().copied().filter_map(hours) {
            change.execute(row)?;
        }
        self.fresh.clear();
        self.again.clear();
        if self.days.values().map(|day| day.hours.len()).sum::<usize>() > MOST_REMEMBERED {
            self.forget();
        }
        Ok(())
    }

    /// Remembers nothing of a day that is being settled.
    pub(super) fn forget_day(&mut self, day: i64) {
        self.days.remove(&day);
    }

    /// Remembers nothing: the database may have been changed, or a transaction undone.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

impl Day {
    fn open(connection: &Connection, day: i64) -> rusqlite::Result<Self> {
        let any = connection
            .prepare_cached("SELECT 1 FROM visits WHERE day = ?1 LIMIT 1")?
            .exists([day])?;
        Ok(Self { is_whole: !any, hours: HashMap::new() })
    }
}

fn hours_of(connection: &Connection, (day, key, source): (i64, u32, u32)) -> rusqlite::Result<u32> {
    let hours: Option<u32> = connection
        .prepare_cached("SELECT hours FROM visits WHERE day = ?1 AND key = ?2 AND source = ?3")?
        .query_row((day, key, source), |row| row.get(0))
        .optional()?;
    Ok(hours.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn database() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE visits (
                     day INTEGER NOT NULL, key INTEGER NOT NULL, source INTEGER NOT NULL, hours INTEGER NOT NULL,
                     PRIMARY KEY (day, key, source)
                 ) WITHOUT ROWID;",
            )
            .unwrap();
        connection
    }

    proptest! {
        /// Batches of visits over three days; after some everything is forgotten, as when the process starts again.
        #[test]
        fn whatever_is_remembered_the_database_holds_each_visit_and_each_is_new_once(
            batches in prop::collection::vec(
                (prop::collection::vec((0..72_i64, 1..4_u32, 1..6_u32), 0..60), any::<bool>()),
                1..8,
            ),
        ) {
            let (connection, mut visits) = (database(), Visits::default());
            let mut model: BTreeMap<(i64, u32, u32), u32> = BTreeMap::new();
            for (batch, forget) in batches {
                for (hour, key, source) in batch {
                    let hours = model.entry((hour.div_euclid(24), key, source)).or_default();
                    let bit = 1_u32 << hour.rem_euclid(24);
                    let expected = (*hours & bit == 0, *hours == 0);
                    *hours |= bit;
                    prop_assert_eq!(visits.touch(&connection, hour, key, source).unwrap(), expected);
                }
                visits.write(&connection).unwrap();
                if forget {
                    visits.forget();
                }
            }
            let mut read = connection.prepare("SELECT day, key, source, hours FROM visits").unwrap();
            let stored: BTreeMap<(i64, u32, u32), u32> = read
                .query_map([], |row| Ok(((row.get(0)?, row.get(1)?, row.get(2)?), row.get(3)?)))
                .unwrap()
                .collect::<rusqlite::Result<_>>()
                .unwrap();
            prop_assert_eq!(stored, model);
        }
    }
}
