//! Elasticsearch before real clients: the official Python client (`elasticsearch` 7.17.x from PyPI, in an environment under the build's
//! temporary folder), curl and nmap.
#![allow(
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops where its ground gives way, and says what it skips"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "support/pypi.rs"]
mod pypi;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kizashi_event::{Detail, Event, Timestamp};
use kizashi_traps::{
    BoundSocket, Caps, ElasticsearchRelease, EventSink, Identity, Post, Server, Setup, trap_named,
};
use tokio::sync::watch;

#[derive(Default)]
struct Memory(Mutex<Vec<Event>>);

impl EventSink for Memory {
    fn record(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

/// The trap on a port of loopback.
struct House {
    address: SocketAddr,
    memory: Arc<Memory>,
    stop: watch::Sender<bool>,
    runtime: tokio::runtime::Runtime,
    task: tokio::task::JoinHandle<()>,
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap())
}

impl House {
    fn open(release: ElasticsearchRelease) -> Self {
        let identity = Identity::draw([1; 32]).with_elasticsearch_release(release);
        let memory = Arc::new(Memory::default());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let setup = Setup {
            sensor: "search".into(),
            identity: Arc::new(identity),
            session_seed: 7,
            caps: Caps::default(),
        };
        let server = Server::new(setup, Arc::new(now), Arc::clone(&memory) as Arc<dyn EventSink>);
        let (stop, stopping) = watch::channel(false);
        let trap = trap_named("elasticsearch").unwrap();
        let post = Post { trap, socket: BoundSocket::Tcp(listener) };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let task = runtime.spawn(async move { server.run(vec![post], stopping).await.unwrap() });
        Self { address, memory, stop, runtime, task }
    }

    fn close(self) -> Vec<Event> {
        self.stop.send(true).unwrap();
        let ended = self
            .runtime
            .block_on(async { tokio::time::timeout(Duration::from_secs(8), self.task).await });
        ended.expect("a stop in time").unwrap();
        std::mem::take(&mut *self.memory.0.lock().unwrap())
    }

    fn curl(&self, arguments: &[&str], path: &str) -> String {
        let url = format!("http://{}{path}", self.address);
        let output = Command::new("curl")
            .args(["-s", "-m", "20", "--path-as-is"])
            .args(arguments)
            .arg(url)
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

fn classes(events: &[Event]) -> Vec<&str> {
    let class = |event: &'_ Event| match &event.detail {
        Detail::Note { value, .. } => Some(value.raw().to_owned()),
        _ => None,
    };
    events
        .iter()
        .filter_map(class)
        .filter_map(|class| {
            ["recon", "read", "write", "delete", "script", "ransom note"]
                .into_iter()
                .find(|own| *own == class)
        })
        .collect()
}

fn python() -> Option<PathBuf> {
    pypi::python(
        "elasticsearch-client",
        "elasticsearch; assert elasticsearch.VERSION[:2] == (7, 17)",
        &["elasticsearch>=7.17,<7.18"],
    )
}

const VISIT: &str = r#"
import sys, warnings
warnings.simplefilter("ignore")
from elasticsearch import Elasticsearch, helpers, NotFoundError, RequestError
es = Elasticsearch(sys.argv[1], timeout=20)
info = es.info()
assert info["version"]["number"] == "7.17.9" and es.ping()
names = [row["index"] for row in es.cat.indices(format="json")]
assert len(names) == 5, names
everything = es.count()["count"]
assert sum(1 for _ in helpers.scan(es, size=300)) == everything
assert es.index(index="visit", id="1", body={"name": "one", "n": 1})["result"] == "created"
assert es.get(index="visit", id="1")["_source"] == {"name": "one", "n": 1}
assert es.update(index="visit", id="1", body={"doc": {"n": 2}})["result"] == "updated"
done, errors = helpers.bulk(es, ({"_index": "visit", "_id": i, "n": i} for i in range(10, 60)), refresh=True)
assert done == 50 and not errors
found = es.search(index="visit", body={"query": {"range": {"n": {"gte": 50}}}, "sort": [{"n": "desc"}], "size": 3})
assert found["hits"]["total"]["value"] == 10 and [h["_source"]["n"] for h in found["hits"]["hits"]] == [59, 58, 57]
counted = es.search(body={"size": 0, "aggs": {"per": {"terms": {"field": "_index"}}}})
assert sum(b["doc_count"] for b in counted["aggregations"]["per"]["buckets"]) == everything + 51
assert es.delete_by_query(index="visit", body={"query": {"term": {"n": 59}}})["deleted"] == 1
assert es.delete(index="visit", id="1")["result"] == "deleted"
try:
    es.get(index="visit", id="1"); raise SystemExit("found what was deleted")
except NotFoundError:
    pass
try:
    es.indices.create(index="visit"); raise SystemExit("made what is there")
except RequestError as error:
    assert error.error == "resource_already_exists_exception"
assert "n" in es.indices.get_mapping(index="visit")["visit"]["mappings"]["properties"]
assert es.cluster.health()["status"] in ("green", "yellow")
for name in names + ["visit"]:
    assert es.indices.delete(index=name)["acknowledged"]
note = "All your data is backed up. Pay 0.01 BTC to this bitcoin wallet to recover it."
es.index(index="read_me", body={"message": note})
other = Elasticsearch(sys.argv[1], timeout=20)
assert [row["index"] for row in other.cat.indices(format="json")] == ["read_me"]
assert other.search(index="read_me")["hits"]["hits"][0]["_source"]["message"] == note
print("done")
"#;

#[test]
fn the_official_client_reads_writes_deletes_and_leaves_a_ransom_note() {
    let Some(python) = python() else { return };
    let house = House::open(ElasticsearchRelease::V7_17_9);
    let url = format!("http://{}", house.address);
    let output = Command::new(python).args(["-c", VISIT, &url]).output().unwrap();
    let events = house.close();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let classes = classes(&events);
    for class in ["recon", "read", "write", "delete", "ransom note"] {
        assert!(classes.contains(&class), "{class} of {classes:?}");
    }
}

#[test]
fn curl_gets_a_commands_output_from_a_script_and_a_file_by_traversal() {
    let house = House::open(ElasticsearchRelease::V1_4_2);
    let script = r#"{"size":1,"script_fields":{"x":{"script":"java.lang.Math.class.forName(\"java.lang.Runtime\").getRuntime().exec(\"id\").getText()"}}}"#;
    let answer = house.curl(&["-d", script], "/_search?pretty");
    assert!(answer.contains("uid=0(root)"), "{answer}");
    let passwd = house.curl(&[], "/_plugin/head/../../../../../../etc/passwd");
    assert!(passwd.starts_with("root:x:0:0:"), "{passwd}");
    let events = house.close();
    assert!(
        events.iter().any(
            |event| matches!(&event.detail, Detail::Command { line, .. } if line.raw() == "id")
        )
    );
    assert!(classes(&events).contains(&"script"));
}

/// The patterns of nmap 7.93 know no header before `content-type`, so that it does not name a real 7.14 or later either: there it
/// is held to what it prints of the answer.
#[test]
fn nmap_names_elasticsearch_and_its_release() {
    for release in ElasticsearchRelease::ALL {
        let house = House::open(release);
        let port = house.address.port().to_string();
        let output = Command::new("nmap")
            .args(["-sV", "--version-light", "-Pn", "-n", "-p", &port, "127.0.0.1"])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = text.lines().find(|line| line.contains("/tcp")).unwrap_or_default().to_owned();
        let named = line.contains("Elasticsearch") && line.contains(release.number());
        let joined = text.replace("\nSF:", "").replace("\\.", ".");
        let printed = joined.contains("X-elastic-product") && joined.contains(release.number());
        assert!(named || release == ElasticsearchRelease::V7_17_9 && printed, "{text}");
        house.close();
    }
}

#[test]
fn a_full_copy_refuses_and_nobody_else_is_touched() {
    let house = House::open(ElasticsearchRelease::V7_17_9);
    let body = format!("{{\"x\":\"{}\"}}", "a".repeat(30_000));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("large-document.json");
    std::fs::write(&folder, body).unwrap();
    let file = format!("@{}", folder.display());
    let write = |number: usize| {
        let arguments = ["-XPUT", "-H", "Content-Type: application/json", "-d", &file];
        house.curl(&arguments, &format!("/large/_doc/{number}"))
    };
    let answers: Vec<String> = (0..6).map(write).collect();
    assert!(answers[0].contains("created"), "{}", answers[0]);
    assert!(answers[5].contains("circuit_breaking_exception"), "{}", answers[5]);
    // Another address finds the cluster as it was.
    let other = house.curl(&["--interface", "127.0.0.2"], "/_cat/indices");
    assert!(other.lines().count() == 5 && !other.contains("large"), "{other}");
    house.close();
}
