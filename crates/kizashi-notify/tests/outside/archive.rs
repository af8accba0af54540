//! History's files in a store: moto's server of S3 (PyPI), which refuses what is not signed as Amazon demands.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use kizashi_notify::archive::History;
use kizashi_notify::send::Trust;
use kizashi_notify::{Courier, Notify, Outbox};

use crate::receivers::{Folder, Running, now};

const LONG: Duration = Duration::from_secs(60);

/// Python with moto; `None`, and a line, where there is no PyPI.
fn python() -> Option<PathBuf> {
    static MADE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pypi-archive");
        let python = folder.join("bin/python3");
        let find = "import sys, importlib.util as u; sys.exit(not all(map(u.find_spec, ['moto', 'boto3', 'flask_cors'])))";
        let has = || Command::new(&python).args(["-c", find]).status().is_ok_and(|s| s.success());
        let install = "python3 -m venv \"$0\" && \"$0/bin/pip\" install --quiet --no-compile 'moto[s3]' flask flask-cors";
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

struct Store {
    process: Child,
    asks: ChildStdin,
    says: Lines<BufReader<ChildStdout>>,
    address: String,
    key: (String, String),
}

impl Store {
    fn start() -> Option<Self> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/outside/store.py");
        let mut process = Command::new(python()?)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let asks = process.stdin.take().unwrap();
        let mut says = BufReader::new(process.stdout.take().unwrap()).lines();
        let first = says.next().unwrap().unwrap();
        let words: Vec<&str> = first.split(' ').collect();
        let (address, key) = (words[0].to_owned(), (words[1].to_owned(), words[2].to_owned()));
        Some(Self { process, asks, says, address, key })
    }

    fn holds(&mut self) -> BTreeMap<String, String> {
        self.asks.write_all(b"?\n").unwrap();
        serde_json::from_str(&self.says.next().unwrap().unwrap()).unwrap()
    }

    fn settings(&self, secret: &str) -> History {
        let text = format!(
            "keep = true\n[bucket]\nname = \"kizashi\"\nprefix = \"own/history\"\nendpoint = \"{}\"\naccess_key_id = \"{}\"\nsecret_access_key = \"{secret}\"\n",
            self.address, self.key.0
        );
        let mut settings: History = toml::from_str(&text).unwrap();
        settings.check().unwrap();
        settings.resolve().unwrap();
        settings
    }

    /// Waits until it holds what `fits`.
    fn wait(
        &mut self,
        fits: impl Fn(&BTreeMap<String, String>) -> bool,
    ) -> BTreeMap<String, String> {
        let began = Instant::now();
        loop {
            let held = self.holds();
            if fits(&held) {
                return held;
            }
            assert!(began.elapsed() < LONG, "{held:?}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn courier(folder: &Folder, settings: &History) -> Running {
    let history = folder.path().join("kizashi-history");
    let trust = Trust::read(None).unwrap();
    let outbox = Outbox::of(folder.path());
    let courier = Courier::new(&Notify::default(), outbox, trust, "sensor", now).unwrap();
    Running::start(courier.with_archive(settings.bucket.as_ref().unwrap(), history).unwrap())
}

fn put(folder: &Folder, place: &str, content: &str) {
    let path = folder.path().join("kizashi-history").join(place);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

#[test]
fn whole_files_are_put_once_under_their_own_names_and_again_when_they_were_written_anew() {
    let Some(mut store) = Store::start() else { return };
    let folder = Folder::new();
    put(&folder, "day=2026-11-28/kind=login/14.parquet", "first");
    put(&folder, "day=2026-11-28/kind=login/15.unfinished", "half");
    put(&folder, "day=2026-11-28/kind=login/notes.txt", "notes");
    put(&folder, "written.json", "{}");
    let settings = store.settings(&store.key.1.clone());
    let running = courier(&folder, &settings);
    let held = store.wait(|held| !held.is_empty());
    let name = "own/history/day=2026-11-28/kind=login/14.parquet";
    assert_eq!(held, BTreeMap::from([(name.to_owned(), "first".to_owned())]));
    drop(running);
    put(&folder, "day=2026-11-28/kind=login/14.parquet", "first and more");
    put(&folder, "day=2026-11-29/kind=close/00.parquet", "second");
    let _running = courier(&folder, &settings);
    let held = store.wait(|held| held.len() == 2);
    assert_eq!(held[name], "first and more");
}

#[test]
fn a_store_that_refuses_is_told_in_the_outbox_and_holds_nothing() {
    let Some(mut store) = Store::start() else { return };
    let folder = Folder::new();
    put(&folder, "day=2026-11-28/kind=login/14.parquet", "first");
    let _running = courier(&folder, &store.settings("wrong"));
    let noted = folder.path().join("kizashi-outbox/archive/put.json");
    let began = Instant::now();
    let text = loop {
        match std::fs::read_to_string(&noted) {
            Ok(text) => break text,
            Err(_) => assert!(began.elapsed() < LONG, "nothing was noted"),
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    let noted: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(noted["error"].as_str().unwrap().contains("refuses this key"), "{text}");
    assert!(noted["files"].as_object().unwrap().is_empty() && store.holds().is_empty());
}
