//! The tables, and how an older database becomes a newer one. Each step runs once, in a transaction of its own, and is never
//! edited after a release: `PRAGMA user_version` counts the steps that a database has been through.
//!
//! Rollups are clustered by time first, so that writing touches the end of a table; a series of one key is then one seek an
//! hour, which costs microseconds. Only rankings over all time need an index of their own.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::StoreError;
use crate::codes::stored;
use crate::error::InContext;

/// The name of the database in the data folder.
pub(crate) const FILE: &str = "kizashi.db";

const STEPS: [&str; 10] = [
    r"
-- Everything that events are counted by, with its totals of all time. Kinds are numbered in `codes.rs`.
CREATE TABLE keys (
    id       INTEGER PRIMARY KEY,
    kind     INTEGER NOT NULL,
    text     TEXT NOT NULL,
    first    INTEGER NOT NULL,
    last     INTEGER NOT NULL,
    events   INTEGER NOT NULL,
    sessions INTEGER NOT NULL
);
CREATE UNIQUE INDEX keys_by_text ON keys (kind, text);
CREATE INDEX keys_by_events ON keys (kind, events);
-- Sensors and services.
CREATE TABLE names (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
-- Raw events. Times are microseconds since 1970 in UTC; `source` is a key; `port` is transport * 65536 + number (0 TCP,
-- 1 UDP, 2 ICMP); `detail` is JSON; `flagged` is 1 for a time before 1990 or in the future.
CREATE TABLE events (
    time        INTEGER NOT NULL,
    id          INTEGER NOT NULL,
    sensor      INTEGER NOT NULL,
    session     INTEGER,
    source      INTEGER NOT NULL,
    source_port INTEGER NOT NULL,
    destination TEXT,
    port        INTEGER NOT NULL,
    service     INTEGER NOT NULL,
    flagged     INTEGER NOT NULL,
    detail      TEXT NOT NULL,
    PRIMARY KEY (time, id)
) WITHOUT ROWID;
-- Captured content, once by hash, compressed with zstd.
CREATE TABLE payloads (
    id      INTEGER PRIMARY KEY,
    sha256  BLOB NOT NULL UNIQUE,
    size    INTEGER NOT NULL,
    head    BLOB NOT NULL,
    content BLOB
);
-- Counts by hour and by day (numbers of hours and days since 1970); `sources` is distinct within it.
CREATE TABLE hourly (
    hour INTEGER NOT NULL, kind INTEGER NOT NULL, key INTEGER NOT NULL,
    events INTEGER NOT NULL, sessions INTEGER NOT NULL, sources INTEGER NOT NULL,
    PRIMARY KEY (hour, kind, key)
) WITHOUT ROWID;
CREATE TABLE daily (
    day INTEGER NOT NULL, kind INTEGER NOT NULL, key INTEGER NOT NULL,
    events INTEGER NOT NULL, sessions INTEGER NOT NULL, sources INTEGER NOT NULL,
    PRIMARY KEY (day, kind, key)
) WITHOUT ROWID;
-- The exact set of a key's sources on the running days; `hours` has a bit for each hour of the day.
CREATE TABLE visits (
    day INTEGER NOT NULL, key INTEGER NOT NULL, source INTEGER NOT NULL, hours INTEGER NOT NULL,
    PRIMARY KEY (day, key, source)
) WITHOUT ROWID;
-- What the exact set becomes when its day is over.
CREATE TABLE sketches (
    day INTEGER NOT NULL, key INTEGER NOT NULL, sketch BLOB NOT NULL,
    PRIMARY KEY (day, key)
) WITHOUT ROWID;
-- The same over all days that are over.
CREATE TABLE whole_sketches (key INTEGER PRIMARY KEY, sketch BLOB NOT NULL);
-- Ten-minute counts of ports, for detection (`bin` is a number of ten minutes since 1970); `late` came after its closing.
CREATE TABLE bins (
    bin INTEGER NOT NULL, port INTEGER NOT NULL,
    events INTEGER NOT NULL, late INTEGER NOT NULL, sources BLOB NOT NULL,
    PRIMARY KEY (bin, port)
) WITHOUT ROWID;
-- What raw events were let go, so that their log, read again, adds nothing: by day the ascending 32-bit hashes of (time, id).
CREATE TABLE let_go (day INTEGER PRIMARY KEY, hashes BLOB NOT NULL);
CREATE TABLE signs (
    id TEXT PRIMARY KEY, detected INTEGER NOT NULL, sign TEXT NOT NULL, evidence TEXT
) WITHOUT ROWID;
CREATE TABLE blobs (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
",
    r"
-- Ten-minute counts of every key that is neither a port nor a source, for detection; what comes after closing is not in them.
CREATE TABLE key_bins (
    bin INTEGER NOT NULL, kind INTEGER NOT NULL, key INTEGER NOT NULL,
    events INTEGER NOT NULL, sources BLOB NOT NULL,
    PRIMARY KEY (bin, kind, key)
) WITHOUT ROWID;
",
    r"
-- Captured content and its head are masked from here on (`mask.rs`), and what is kept of it is counted.
PRAGMA secure_delete = ON;
UPDATE payloads SET head = masked(head), content = masked(content);
CREATE INDEX payloads_kept ON payloads (id) WHERE content IS NOT NULL;
INSERT OR REPLACE INTO counters (name, value)
    SELECT 'payload_bytes', coalesce(sum(length(content)), 0) FROM payloads;
PRAGMA secure_delete = OFF;
",
    r"
-- Sessions worth seeing again (`writer/sessions.rs`); times are those of the first and last event that made them so.
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL,
    source INTEGER NOT NULL, port INTEGER NOT NULL, service INTEGER NOT NULL,
    logins INTEGER NOT NULL, commands INTEGER NOT NULL, files INTEGER NOT NULL, recordings INTEGER NOT NULL
);
CREATE INDEX sessions_by_first ON sessions (first);
-- Which line was given in which session.
CREATE TABLE session_commands (key INTEGER NOT NULL, session INTEGER NOT NULL, PRIMARY KEY (key, session)) WITHOUT ROWID;
CREATE INDEX session_commands_by_session ON session_commands (session);
",
    r"
-- Content that is much alike (`writer/clusters.rs`): a cluster's key, what its first content looks like, contents in it and when
-- one last came. Each content remembers its cluster.
CREATE TABLE payload_clusters (
    key INTEGER PRIMARY KEY, likeness BLOB NOT NULL, members INTEGER NOT NULL, last INTEGER NOT NULL
);
ALTER TABLE payloads ADD COLUMN cluster INTEGER;
CREATE INDEX payloads_by_cluster ON payloads (cluster) WHERE cluster IS NOT NULL;
",
    r"
-- What each sensor counted, in all and by hour; `sensor` is a name. Before, it stood in raw events alone.
CREATE TABLE sensors (
    sensor INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, events INTEGER NOT NULL
);
CREATE TABLE sensor_hours (
    sensor INTEGER NOT NULL, hour INTEGER NOT NULL, events INTEGER NOT NULL, PRIMARY KEY (sensor, hour)
) WITHOUT ROWID;
INSERT INTO sensor_hours SELECT sensor, time / 3600000000, count(*) FROM events WHERE flagged = 0 GROUP BY 1, 2;
INSERT INTO sensors SELECT sensor, min(time), max(time), count(*) FROM events WHERE flagged = 0 GROUP BY 1;
-- Pairs of name and password were counted by ten minutes alone; from here on by day and in all, too.
INSERT OR REPLACE INTO daily
    SELECT bin / 144, kind, key, sum(events), 0, 0 FROM key_bins WHERE kind = 10 GROUP BY bin / 144, key;
UPDATE keys SET events = counted.events, last = max(keys.last, counted.last) FROM
    (SELECT key, sum(events) AS events, max(bin) * 600000000 AS last FROM key_bins WHERE kind = 10 GROUP BY key) AS counted
    WHERE keys.id = counted.key;
",
    r"
-- The first places of a kind's ranking on a day that is over (`writer/leaders.rs`); kind -1 says that the day was looked through.
CREATE TABLE day_leaders (day INTEGER NOT NULL, kind INTEGER NOT NULL, leaders BLOB NOT NULL, PRIMARY KEY (day, kind)) WITHOUT ROWID;
",
    r"
-- `bins` by the sensor that told of it, at a fleet's hub (`writer/sensor_bins.rs`); `sensor` is a name. What is late is not in it.
CREATE TABLE sensor_bins (
    bin INTEGER NOT NULL, sensor INTEGER NOT NULL, port INTEGER NOT NULL,
    events INTEGER NOT NULL, sources BLOB NOT NULL,
    PRIMARY KEY (bin, sensor, port)
) WITHOUT ROWID;
",
    r"
-- `key_bins` by the sensor that told of it, at a hub whose groups and sensors are watched by all keys (`writer/sensor_key_bins.rs`).
CREATE TABLE sensor_key_bins (
    bin INTEGER NOT NULL, sensor INTEGER NOT NULL, kind INTEGER NOT NULL, key INTEGER NOT NULL,
    events INTEGER NOT NULL, sources BLOB NOT NULL,
    PRIMARY KEY (bin, sensor, kind, key)
) WITHOUT ROWID;
",
    r"
-- What went of a day in parts, so that what goes now does not write all of it anew (`writer/let_go.rs`).
ALTER TABLE let_go RENAME TO let_go_whole;
CREATE TABLE let_go (day INTEGER NOT NULL, part INTEGER NOT NULL, hashes BLOB NOT NULL, PRIMARY KEY (day, part));
INSERT INTO let_go SELECT day, 0, hashes FROM let_go_whole;
DROP TABLE let_go_whole;
",
];

/// Opens for writing; makes or brings up to date what is there.
pub(crate) fn open_to_write(path: &Path) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(path).doing("opening the database", path)?;
    let fresh: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .doing("reading the layout", path)?;
    if fresh == 0 {
        connection
            .execute_batch("PRAGMA auto_vacuum = INCREMENTAL;")
            .doing("making the database", path)?;
    }
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16384;
             PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 33554432;",
        )
        .doing("opening the database", path)?;
    connection.set_prepared_statement_cache_capacity(64);
    migrate(&mut connection, path)?;
    Ok(connection)
}

/// Opens for reading what a writer, running or not, has made.
pub(crate) fn open_to_read(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(path, flags).doing("opening the database", path)?;
    connection
        .execute_batch(
            "PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY; PRAGMA query_only = 1;",
        )
        .doing("opening the database", path)?;
    connection
        .busy_timeout(std::time::Duration::from_secs(5))
        .doing("opening the database", path)?;
    check_layout(layout(&connection, path)?, path)?;
    Ok(connection)
}

fn layout(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .doing("reading the layout", path)
}

fn check_layout(found: i64, path: &Path) -> Result<usize, StoreError> {
    let known = STEPS.len();
    match usize::try_from(found) {
        Ok(found) if found <= known => Ok(found),
        _ => Err(StoreError::Newer { path: path.to_path_buf(), found, known: known as i64 }),
    }
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let done = check_layout(layout(connection, path)?, path)?;
    crate::mask::teach(connection).doing("bringing the layout up to date", path)?;
    for (number, step) in STEPS.iter().enumerate().skip(done) {
        let doing = "bringing the layout up to date";
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .doing(doing, path)?;
        transaction.execute_batch(step).doing(doing, path)?;
        transaction
            .pragma_update(None, "user_version", stored(number as u64 + 1))
            .doing(doing, path)?;
        transaction.commit().doing(doing, path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_of_a_later_kizashi_is_refused_and_left_as_it_is() {
        let folder = crate::scratch::Folder::new();
        let path = folder.path().join(FILE);
        let connection = open_to_write(&path).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        drop(connection);
        assert!(matches!(open_to_write(&path), Err(StoreError::Newer { found: 99, .. })));
        assert!(matches!(open_to_read(&path), Err(StoreError::Newer { .. })));
    }

    #[test]
    fn a_file_that_is_no_database_is_called_damaged() {
        let folder = crate::scratch::Folder::new();
        let path = folder.path().join(FILE);
        std::fs::write(&path, vec![b'x'; 8192]).unwrap();
        assert!(matches!(open_to_write(&path), Err(StoreError::Damaged(_))));
    }

    #[test]
    fn captured_content_of_an_older_database_is_masked_and_no_plain_byte_stays() {
        let folder = crate::scratch::Folder::new();
        let path = folder.path().join(FILE);
        let mut old = Connection::open(&path).unwrap();
        old.execute_batch("PRAGMA journal_mode = WAL;").unwrap();
        let transaction = old.transaction().unwrap();
        transaction.execute_batch(STEPS[0]).unwrap();
        transaction.pragma_update(None, "user_version", 1).unwrap();
        transaction.commit().unwrap();
        let (head, content) = (b"MARK-OF-THE-HEAD".repeat(4), b"MARK-OF-THE-CONTENT".repeat(3_000));
        old.execute(
            "INSERT INTO payloads (sha256, size, head, content) VALUES (zeroblob(32), 9, ?1, ?2), (zeroblob(31), 9, ?1, NULL)",
            (&head, &content),
        )
        .unwrap();
        drop(old);
        let connection = open_to_write(&path).unwrap();
        let (mut new_head, mut new_content): (Vec<u8>, Vec<u8>) = connection
            .query_row("SELECT head, content FROM payloads WHERE id = 1", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        crate::mask::apply(&mut new_head);
        crate::mask::apply(&mut new_content);
        assert_eq!((new_head, new_content.len()), (head, content.len()));
        assert_eq!(new_content, content);
        let kept = crate::writer::counter(&connection, "payload_bytes").unwrap();
        assert_eq!(kept, Some(stored(content.len() as u64)));
        drop(connection);
        let file = std::fs::read(&path).unwrap();
        assert!(!file.windows(11).any(|bytes| bytes == b"MARK-OF-THE"));
    }

    #[test]
    fn what_an_older_database_let_go_is_still_known() {
        let folder = crate::scratch::Folder::new();
        let path = folder.path().join(FILE);
        let mut old = Connection::open(&path).unwrap();
        crate::mask::teach(&old).unwrap();
        let transaction = old.transaction().unwrap();
        for step in STEPS.iter().take(8) {
            transaction.execute_batch(step).unwrap();
        }
        transaction.pragma_update(None, "user_version", 8).unwrap();
        transaction.execute_batch("INSERT INTO let_go VALUES (7, x'01ff01'), (9, x'05')").unwrap();
        transaction.commit().unwrap();
        drop(old);
        let connection = open_to_write(&path).unwrap();
        let mut read = connection.prepare("SELECT day, part, hashes FROM let_go").unwrap();
        let rows = read.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        let rows: Vec<(i64, i64, Vec<u8>)> = rows.map(Result::unwrap).collect();
        assert_eq!(rows, [(7, 0, vec![1, 255, 1]), (9, 0, vec![5])]);
    }

    #[test]
    fn sensors_and_pairs_of_an_older_database_are_counted_from_what_it_holds() {
        let folder = crate::scratch::Folder::new();
        let path = folder.path().join(FILE);
        let mut old = Connection::open(&path).unwrap();
        crate::mask::teach(&old).unwrap();
        let transaction = old.transaction().unwrap();
        for step in STEPS.iter().take(5) {
            transaction.execute_batch(step).unwrap();
        }
        transaction.pragma_update(None, "user_version", 5).unwrap();
        transaction
            .execute_batch(
                "INSERT INTO names VALUES (1, 'attic'), (2, 'ssh');
                 INSERT INTO events VALUES (3600000001, 1, 1, NULL, 1, 1, NULL, 22, 2, 0, '{}'),
                    (3600000002, 2, 1, NULL, 1, 1, NULL, 22, 2, 0, '{}'), (7200000000, 3, 1, NULL, 1, 1, NULL, 22, 2, 0, '{}'),
                    (1, 4, 1, NULL, 1, 1, NULL, 22, 2, 1, '{}');
                 INSERT INTO keys VALUES (7, 10, 'root/xc3511', 0, 0, 0, 0), (8, 4, 'root', 0, 0, 9, 0);
                 INSERT INTO key_bins VALUES (6, 10, 7, 4, x''), (144, 10, 7, 1, x''), (6, 4, 8, 9, x'');",
            )
            .unwrap();
        transaction.commit().unwrap();
        drop(old);
        let connection = open_to_write(&path).unwrap();
        let numbers = |sql: &str| -> Vec<(i64, i64)> {
            let mut read = connection.prepare(sql).unwrap();
            let rows = read.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
            rows.map(Result::unwrap).collect()
        };
        assert_eq!(numbers("SELECT hour, events FROM sensor_hours"), [(1, 2), (2, 1)]);
        assert_eq!(numbers("SELECT last, events FROM sensors"), [(7_200_000_000, 3)]);
        assert_eq!(numbers("SELECT day, events FROM daily WHERE kind = 10"), [(0, 4), (1, 1)]);
        assert_eq!(numbers("SELECT id, events FROM keys ORDER BY id"), [(7, 5), (8, 9)]);
    }

    #[test]
    fn opening_twice_changes_nothing() {
        let folder = crate::scratch::Folder::new();
        let path = folder.path().join(FILE);
        drop(open_to_write(&path).unwrap());
        let connection = open_to_write(&path).unwrap();
        assert_eq!(layout(&connection, &path).unwrap(), STEPS.len() as i64);
    }
}
