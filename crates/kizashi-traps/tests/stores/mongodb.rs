//! PyMongo (PyPI), as those use it who look around, take all and leave a note; nmap's scripts.

use kizashi_event::Detail;
use kizashi_traps::{Identity, LoginSettings, OperatingSystem, TlsKeys};

use crate::house::{House, has_note, installed, logins, python, run};

/// A server of this seed, that a weak password opens at the first try where it asks for one.
fn open(seed: u8, system: OperatingSystem) -> House {
    let logins = LoginSettings { tries: 1..=1, ..LoginSettings::default() };
    let keys = TlsKeys::from_text(include_str!("../../src/tls/test-keys.txt")).unwrap();
    let identity = Identity::draw([seed; 32]).with_operating_system(system).with_tls_keys(keys);
    House::of_trap("mongodb", identity.with_logins(logins))
}

/// Of the older releases and of the newer without a login, and of either with one and with TLS.
const OPEN: u8 = 3;
const OPEN_NEWER: u8 = 1;
const ASKING: u8 = 5;
const ASKING_NEWER: u8 = 6;

/// 6.0 stands on the one, 7.0 on the other.
const SYSTEMS: [OperatingSystem; 2] = [OperatingSystem::Debian11, OperatingSystem::Debian12];

const VISIT: &str = r#"
import sys, pymongo
from bson import ObjectId
c = pymongo.MongoClient("127.0.0.1", int(sys.argv[1]), serverSelectionTimeoutMS=20000, appname="probe")
v = c.server_info()["version"]
assert v == sys.argv[2], v
names = c.list_database_names()
own = [n for n in names if n not in ("admin", "config", "local")]
assert len(own) == 1, names
db = c[own[0]]
tables = sorted(db.list_collection_names())
assert "users" in tables, tables
users = list(db.users.find())
assert users and isinstance(users[0]["_id"], ObjectId), users
assert db.users.count_documents({}) == len(users) == db.users.estimated_document_count()
some = list(db.users.find({"username": users[0]["username"]}, {"email": 1}))
assert some == [{"_id": users[0]["_id"], "email": users[0]["email"]}], some
assert [u["username"] for u in db.users.find().sort("username", -1).limit(2)] == sorted((u["username"] for u in users), reverse=True)[:2]
assert len(list(db.users.find(batch_size=2))) == len(users)
assert db.users.distinct("username") == sorted({u["username"] for u in users})
st = c.admin.command("serverStatus"); hi = c.admin.command("hostInfo"); lg = c.admin.command("getLog", "startupWarnings")
assert st["process"] == "mongod" and hi["system"]["hostname"] == st["host"] and lg["totalLinesWritten"] == 2
assert c.admin.command("whatsmyuri")["you"].startswith("127.0.0.1:")
r = db.users.update_one({"_id": users[0]["_id"]}, {"$set": {"role": "x"}})
assert r.modified_count == 1 and db.users.find_one({"_id": users[0]["_id"]})["role"] == "x"
for t in tables:
    db.drop_collection(t)
assert db.list_collection_names() == []
c.drop_database(own[0])
w = c.READ__ME_TO_RECOVER_YOUR_DATA
w.README.insert_one({"content": "All your data is backed up. You must pay 0.0058 BTC to recover it."})
assert w.README.find_one({"content": {"$regex": "^All"}})["content"].endswith("it.")
assert own[0] not in c.list_database_names() and "READ__ME_TO_RECOVER_YOUR_DATA" in c.list_database_names()
try:
    c.admin.command("nothing")
    raise SystemExit("answered")
except pymongo.errors.OperationFailure as e:
    assert e.code == 59, e
print("done")
"#;

#[test]
fn a_driver_reads_and_drops_all_and_its_note_is_told() {
    let Some(python) = python("mongodb-clients", "pymongo", &["pymongo>=4.6,<4.14"]) else {
        return;
    };
    for (seed, system, version) in [
        (OPEN, SYSTEMS[1], "4.2.24"),
        (OPEN_NEWER, SYSTEMS[0], "6.0.15"),
        (OPEN_NEWER, SYSTEMS[1], "7.0.14"),
    ] {
        visit(&python, open(seed, system), version);
    }
}

fn visit(python: &std::path::Path, house: House, version: &str) {
    let text = run(python.to_str().unwrap(), &["-c", VISIT, &house.port(), version]);
    let events = house.close();
    assert_eq!(text.trim(), "done", "{version}");
    assert!(["deletion", "ransom note"].iter().all(|class| has_note(&events, class)));
    let client = |detail: &Detail| matches!(detail, Detail::Client { version: Some(version), .. } if version.raw().starts_with("probe PyMongo"));
    assert!(events.iter().any(|event| client(&event.detail)));
}

const LOGINS: &str = r#"
import sys, pymongo
def open(**k):
    return pymongo.MongoClient("127.0.0.1", int(sys.argv[1]), serverSelectionTimeoutMS=20000, **k)
try:
    open().list_database_names()
    raise SystemExit("open")
except pymongo.errors.OperationFailure as e:
    assert e.code == 13, e
for mechanism, tls in (("SCRAM-SHA-256", False), ("SCRAM-SHA-1", False), ("SCRAM-SHA-256", True)):
    for password in ("no list has this", "admin123"):
        try:
            names = open(username="admin", password=password, authMechanism=mechanism, tls=tls, **({"tlsAllowInvalidCertificates": True} if tls else {})).list_database_names()
            assert password == "admin123" and "admin" in names
        except pymongo.errors.OperationFailure as e:
            assert e.code == 18 and password != "admin123", (mechanism, password, e)
print("done")
"#;

#[test]
fn a_weak_password_opens_a_server_that_asks_by_either_mechanism() {
    let Some(python) = python("mongodb-clients", "pymongo", &["pymongo>=4.6,<4.14"]) else {
        return;
    };
    for seed in [ASKING, ASKING_NEWER] {
        let house = open(seed, SYSTEMS[1]);
        let text = run(python.to_str().unwrap(), &["-c", LOGINS, &house.port()]);
        let events = house.close();
        assert_eq!(text.trim(), "done");
        assert!(logins(&events).contains(&("admin".to_owned(), "admin123".to_owned(), true)));
        let sealed = |detail: &Detail| matches!(detail, Detail::Note { name, value } if name.raw() == "tls" && value.raw().starts_with("TLSv1.3"));
        assert!(events.iter().any(|event| sealed(&event.detail)));
    }
}

#[test]
fn nmap_names_mongodb_and_its_release_and_lists_its_databases() {
    if !installed("nmap") {
        return;
    }
    let house = open(OPEN, SYSTEMS[1]);
    let address = house.at_usual_port(27_017);
    let scripts = "mongodb-info,mongodb-databases";
    let text = run("nmap", &["-sV", "-Pn", "-n", "--script", scripts, "-p", "27017", &address]);
    house.close();
    let line = text.lines().find(|line| line.contains("/tcp")).unwrap_or_default();
    assert!(line.contains("MongoDB 4.2.24"), "{text}");
    for part in ["gitVersion = ", "process = mongod", "name = admin", "name = config"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
