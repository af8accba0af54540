//! History's files as others read them: DuckDB and ClickHouse (both of PyPI) see every event that is kept, once, with hostile text whole.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use kizashi_event::{Detail, Event, Payload, PayloadHash, PayloadOrigin, Request, Timestamp};
use kizashi_store::history::{COLUMNS, HistoryWriter, Hours, write_span};
use kizashi_store::{Mode, Span, Store};

use crate::support::{Folder, event, live, login, midnight, settings};

/// Python with both readers; `None`, and a line, where there is no PyPI.
fn python() -> Option<PathBuf> {
    static MADE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pypi-store");
        let python = folder.join("bin/python3");
        let find = "import sys, importlib.util as u; sys.exit(not all(map(u.find_spec, ['duckdb', 'chdb'])))";
        let has = || Command::new(&python).args(["-c", find]).status().is_ok_and(|s| s.success());
        // Without what they depend on (pandas, pyarrow), which is ten times their size and not asked for by these queries.
        let install = "python3 -m venv \"$0\" && \"$0/bin/pip\" install --quiet --no-compile --no-deps duckdb chdb-core";
        let install =
            || Command::new("sh").args(["-c", install]).arg(&folder).status().is_ok_and(|s| s.success());
        if !has() && !install() {
            println!("skipped: PyPI could not be reached");
            return None;
        }
        Some(python)
    });
    made.clone()
}

/// What the query of each reader gives over the folder, as CSV without a head.
fn asked(folder: &Path, query: &str) -> Option<HashMap<&'static str, String>> {
    let python = python()?;
    let files = format!("{}/*/*/*.parquet", folder.display());
    let readers = [
        (
            "duckdb",
            format!("read_parquet('{files}', hive_partitioning = true)"),
            "import duckdb, sys, csv\nw = csv.writer(sys.stdout, lineterminator='\\n')\nw.writerows(duckdb.sql(sys.argv[1]).fetchall())",
        ),
        (
            "chdb",
            format!("file('{files}', Parquet)"),
            "import chdb, sys\nsys.stdout.write(str(chdb.query(sys.argv[1], 'CSV')))",
        ),
    ];
    let answers = readers.map(|(name, table, script)| {
        let query = query.replace("HISTORY", &table);
        let output = Command::new(&python).args(["-c", script, &query]).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        (name, String::from_utf8(output.stdout).unwrap().replace('"', ""))
    });
    Some(HashMap::from(answers))
}

fn assert_both(folder: &Path, query: &str, expected: &str) {
    for (name, answer) in asked(folder, query).into_iter().flatten() {
        assert_eq!(answer.trim(), expected, "{name}: {query}");
    }
}

/// Hostile in one way or another for CSV, SQL, C and people.
const NAME: &str = "日本\u{202e}<b>\0\"'\n";

/// 3,000 logins over three hours, and one event of many other kinds.
fn events() -> Vec<Event> {
    let at = |seconds: i64| midnight().plus(seconds * Timestamp::SECOND);
    let mut events: Vec<Event> = (0..3_000)
        .map(|n| {
            event(
                n,
                at(i64::try_from(n).unwrap() * 3),
                1,
                22,
                login("root", &format!("p{}", n % 7)),
            )
        })
        .collect();
    let payload = Payload {
        sha256: PayloadHash([7; 32]),
        size: Some(5),
        content: b"inert".to_vec(),
        origin: PayloadOrigin::Sent,
        name: Some(NAME.into()),
        url: None,
        left_out: false,
    };
    let request = Request {
        method: "GET".into(),
        target: "/?a=${jndi:ldap://x}".into(),
        headers: vec![("User-Agent".into(), "curl/8".into())],
        status: Some(404),
        ..Request::default()
    };
    events.push(event(9_000, at(10), 2, 80, Detail::Connect));
    events.push(event(
        9_001,
        at(11),
        2,
        80,
        Detail::Request { request: Box::new(request), body: None },
    ));
    events.push(event(9_002, at(12), 2, 80, Detail::Payload(Box::new(payload))));
    events.push(event(
        9_003,
        at(13),
        2,
        80,
        Detail::Close { duration_ms: Some(9), received: Some(77) },
    ));
    events.sort_by_key(|event| event.time);
    events
}

fn stored(folder: &Folder, events: Vec<Event>) -> Store {
    let store = live(folder, midnight().plus(Timestamp::HOUR * 12));
    store.write(events).unwrap();
    store.flush().unwrap();
    store
}

#[test]
fn duckdb_and_clickhouse_read_every_kept_event_once_with_its_types() {
    let (folder, out) = (Folder::new(), Folder::new());
    let store = stored(&folder, events());
    let written = write_span(&store.reader().unwrap(), Span::default(), out.path()).unwrap();
    assert_eq!(written.events, 3_004);
    assert!(
        written.files.contains(&PathBuf::from("day=2026-03-02/kind=login/02.parquet")),
        "{written:?}"
    );
    assert_both(
        out.path(),
        "SELECT count(*), count(DISTINCT id), count(DISTINCT source), sum(events) FROM HISTORY",
        "3004,3004,2,3004",
    );
    assert_both(
        out.path(),
        "SELECT password, count(*) AS n FROM HISTORY WHERE action = 'login' GROUP BY password ORDER BY n DESC, password LIMIT 1",
        "p0,429",
    );
    assert_both(
        out.path(),
        "SELECT status, target, client, port FROM HISTORY WHERE action = 'request'",
        "404,/?a=${jndi:ldap://x},curl/8,80",
    );
    assert_both(
        out.path(),
        "SELECT duration_ms, received FROM HISTORY WHERE duration_ms IS NOT NULL",
        "9,77",
    );
    assert_both(
        out.path(),
        "SELECT extract(hour FROM max(time)), extract(day FROM min(time)) FROM HISTORY WHERE action = 'login'",
        "2,2",
    );
    // Text that ends a line or a string in lesser formats comes whole: byte by byte.
    assert_both(
        out.path(),
        "SELECT lower(hex(payload_name)) FROM HISTORY WHERE payload_name IS NOT NULL",
        &NAME.bytes().map(|byte| format!("{byte:02x}")).collect::<String>(),
    );
}

#[test]
fn an_hour_is_written_when_it_is_over_again_when_more_came_and_never_with_less() {
    let (folder, out) = (Folder::new(), Folder::new());
    let store = stored(&folder, events());
    let reader = store.reader().unwrap();
    let mut hours = Hours::of(out.path());
    let now = midnight().plus(2 * Timestamp::HOUR + 10 * 60 * Timestamp::SECOND);
    let write = |hours: &mut Hours, now| {
        let mut all = Vec::new();
        while let Some(written) = hours.write_next(&reader, out.path(), now).unwrap() {
            all.push(written.events);
        }
        all
    };
    assert_eq!(write(&mut hours, now), [1_204, 1_200], "the third hour is not over");
    assert_eq!(write(&mut hours, now), [0; 0]);
    let mut again = Hours::of(out.path());
    assert_eq!(again, hours, "a restart remembers");
    store.write(vec![event(9_900, midnight().plus(5), 3, 23, login("late", "late"))]).unwrap();
    store.flush().unwrap();
    assert_eq!(write(&mut again, now), [1_205], "the hour to which one came late");
    let later = now.plus(Timestamp::HOUR);
    assert_eq!(write(&mut again, later), [600]);
    assert_both(out.path(), "SELECT count(*), count(DISTINCT id) FROM HISTORY", "3005,3005");
}

#[test]
fn what_is_left_over_of_a_writer_that_was_stopped_is_no_file_for_readers() {
    let out = Folder::new();
    let mut writer = HistoryWriter::new(out.path());
    for number in 0..8_000 {
        let long = "x".repeat(400);
        writer.add(&event(number, midnight(), 1, 22, login("root", &long))).unwrap();
    }
    let files = |out: &Folder| {
        let kind = out.path().join("day=2026-03-02/kind=login");
        std::fs::read_dir(kind).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>()
    };
    assert_eq!(files(&out), ["00.unfinished"]);
    drop(writer);
    assert!(files(&out).is_empty());
}

#[test]
fn the_documentation_names_every_column_with_its_type_and_meaning() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/history.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| `")).collect();
    let columns: Vec<String> = COLUMNS
        .iter()
        .map(|column| format!("| `{}` | {} | {} |", column.name, column.cells.sql(), column.about))
        .collect();
    assert_eq!(rows, columns, "docs/history.md holds these rows, in this order");
}

#[test]
fn a_store_that_holds_nothing_gives_no_file() {
    let (folder, out) = (Folder::new(), Folder::new());
    let store = Store::open(folder.path(), settings(midnight(), Mode::Live)).unwrap();
    let written = write_span(&store.reader().unwrap(), Span::default(), out.path()).unwrap();
    assert!(written.files.is_empty() && !out.path().exists());
}
