//! Who came under which key on which day and in which of its hours: the exact sets of the running days. The latest visits are
//! remembered, so that a source that comes again costs no look into the database; and of a day that was empty when it was first
//! met all of them, so that a source that is new costs none either.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use rusqlite::{Connection, OptionalExtension as _};

use super::recent::Recent;
use super::rows::write_rows;

/// The visits of a day as far as they are remembered, with a bit for each hour.
#[derive(Debug)]
struct Day {
    /// Whether these are all that there are.
    is_whole: bool,
    /// By numbers of our own giving, which nobody can choose to collide.
    hours: Recent<(u32, u32), u32, foldhash::fast::RandomState>,
}

/// The latest visits.
#[derive(Debug)]
pub(super) struct Visits {
    days: BTreeMap<i64, Day>,
    /// How many are remembered between two batches, about; each costs some 20 bytes.
    most: usize,
    /// Those that the database does not know yet: day, key, source.
    fresh: Vec<(i64, u32, u32)>,
    /// Those of which it does not know all hours yet.
    again: Vec<(i64, u32, u32)>,
}

impl Visits {
    /// None yet.
    pub(super) const fn remembering(most: usize) -> Self {
        Self { days: BTreeMap::new(), most, fresh: Vec::new(), again: Vec::new() }
    }

    /// Notes visits of different sources; how many of them are new under this key in this hour, and on this day.
    pub(super) fn touch(
        &mut self,
        connection: &Connection,
        (hour, key): (i64, u32),
        sources: &[u32],
    ) -> rusqlite::Result<(u64, u64)> {
        let (date, bit) = (hour.div_euclid(24), 1_u32 << hour.rem_euclid(24));
        let day = match self.days.entry(date) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(Day::open(connection, date)?),
        };
        let (mut in_hour, mut on_day) = (0, 0);
        for &source in sources {
            let visit = (key, source);
            let (known, is_remembered) = match day.hours.get(&visit) {
                Some(hours) => (hours, true),
                None if day.is_whole => (0, false),
                None => (hours_of(connection, (date, key, source))?, false),
            };
            let is_new = known & bit == 0;
            if is_new {
                let waiting = if known == 0 { &mut self.fresh } else { &mut self.again };
                waiting.push((date, key, source));
            }
            if is_new || !is_remembered {
                day.hours.insert(visit, known | bit);
            }
            in_hour += u64::from(is_new);
            on_day += u64::from(known == 0);
        }
        Ok((in_hour, on_day))
    }

    /// Writes what is new.
    pub(super) fn write(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let hours = |(date, key, source): (i64, u32, u32)| {
            let hours = self.days.get(&date)?.hours.peek(&(key, source))?;
            Some([date, i64::from(key), i64::from(source), i64::from(hours)])
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
        if self.days.values().map(|day| day.hours.met()).sum::<usize>() >= self.most / 2 {
            self.turn();
        }
        Ok(())
    }

    /// Remembers what was met since this was last done, and no more.
    fn turn(&mut self) {
        self.days.retain(|_, day| {
            let any = day.hours.met() > 0;
            if day.hours.turn() {
                day.is_whole = false;
            }
            any
        });
    }

    /// Remembers nothing of a day that is being settled.
    pub(super) fn forget_day(&mut self, day: i64) {
        self.days.remove(&day);
    }

    /// Remembers nothing: the database may have been changed, or a transaction undone.
    pub(super) fn forget(&mut self) {
        *self = Self::remembering(self.most);
    }
}

impl Day {
    fn open(connection: &Connection, day: i64) -> rusqlite::Result<Self> {
        let any = connection
            .prepare_cached("SELECT 1 FROM visits WHERE day = ?1 LIMIT 1")?
            .exists([day])?;
        Ok(Self { is_whole: !any, hours: Recent::unbounded() })
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
        /// Batches of visits over three days; after some everything is forgotten, as when the process starts again, and there is memory for few.
        #[test]
        fn whatever_is_remembered_the_database_holds_each_visit_and_each_is_new_once(
            batches in prop::collection::vec(
                (prop::collection::vec((0..72_i64, 1..4_u32, 1..6_u32), 0..60), any::<bool>()),
                1..8,
            ),
            most in 1..120_usize,
        ) {
            let (connection, mut visits) = (database(), Visits::remembering(most));
            let mut model: BTreeMap<(i64, u32, u32), u32> = BTreeMap::new();
            for (batch, forget) in batches {
                for (hour, key, source) in batch {
                    let hours = model.entry((hour.div_euclid(24), key, source)).or_default();
                    let bit = 1_u32 << hour.rem_euclid(24);
                    let expected = (u64::from(*hours & bit == 0), u64::from(*hours == 0));
                    *hours |= bit;
                    let new = visits.touch(&connection, (hour, key), &[source]).unwrap();
                    prop_assert_eq!(new, expected);
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
