use std::sync::Arc;

use kizashi_event::{Detail, Timestamp};

use super::bson::{self, Document, Value, document, field};
use super::matching::{matches, project, updated};
use super::release::{Release, asks};
use super::session::MongodbSession;
use super::wire::{Incoming, Reader};
use super::{SERVICE, TRAP};
use crate::scram::{Exchange, Hash};
use crate::{Identity, LoginSettings, Output, Session as _, Visit, contract};

/// A message of OP_MSG.
fn message(fields: &Document) -> Vec<u8> {
    let content = [&[0; 5], &bson::write(fields)[..]].concat();
    framed(2_013, &content)
}

fn framed(kind: u32, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 16).unwrap();
    [&[length, 7, 0, kind].map(u32::to_le_bytes).concat()[..], content].concat()
}

fn old_query(name: &str, command: &Document) -> Vec<u8> {
    let head = [&[0; 4], name.as_bytes(), &[0; 5], &[0xff; 4]].concat();
    framed(2_004, &[&head[..], &bson::write(command)].concat())
}

fn command<const N: usize>(database: &str, fields: [(&str, Value); N]) -> Vec<u8> {
    let mut all = document(fields);
    all.push((b"$db".to_vec(), Value::text(database)));
    message(&all)
}

fn one() -> Value {
    Value::Int(1)
}

#[expect(clippy::too_many_lines, reason = "the dialogues themselves")]
fn write_scripts() {
    let identity = Identity::draw([7; 32]).with_web_server(crate::WebServer::NginxDebian12);
    let application = identity.application();
    let own = application.account().database.clone();
    let text = Value::text;
    let note =
        document([("content", text("Your database is backed up. Pay 0.01 BTC to recover it."))]);
    let client = document([(
        "driver",
        Value::Document(document([("name", text("PyMongo")), ("version", text("4.6.1"))])),
    )]);
    let batch = |size| ("batchSize", Value::Int(size));
    contract::scripted(
        &TRAP,
        "ransom.txt",
        "Who looks around, takes all and leaves a note.",
        &[
            old_query(
                "admin.$cmd",
                &document([("ismaster", one()), ("client", Value::Document(client))]),
            ),
            command("admin", [("buildInfo", one())]),
            command("admin", [("listDatabases", one())]),
            command(&own, [("listCollections", one()), ("nameOnly", Value::Bool(true))]),
            command(
                &own,
                [("find", text("users")), ("filter", Value::Document(document([]))), batch(1)],
            ),
            command(&own, [("count", text("users"))]),
            command(&own, [("drop", text("articles"))]),
            command(&own, [("dropDatabase", one())]),
            command(
                "README",
                [
                    ("insert", text("README")),
                    ("documents", Value::Array(vec![Value::Document(note)])),
                ],
            ),
            command("README", [("find", text("README"))]),
            command("admin", [("nothing", one())]),
        ],
    );
    contract::scripted(
        &TRAP,
        "nmap.txt",
        "nmap's probe of the old kind, and what is no document.",
        &[
            old_query("test.$cmd", &document([("serverStatus", Value::Double(1.0))])),
            framed(2_013, &[0, 0, 0, 0, 0, 9, 0, 0, 0, 1]),
        ],
    );
    let first = Value::Binary(0, b"n,,n=root,r=abcdefgh".to_vec());
    let start = command(
        "admin",
        [("saslStart", one()), ("mechanism", text("SCRAM-SHA-256")), ("payload", first)],
    );
    let mut client = Guesser::new(&Arc::new(identity));
    let reply = client.ask(&start);
    let Some(Value::Binary(_, server_first)) = field(&reply, "payload") else {
        panic!("{reply:?}")
    };
    let nonce = server_first.split(|byte| *byte == b',').next().unwrap();
    let last = Value::Binary(0, [b"c=biws,", nonce, b",p=AAAA"].concat());
    contract::scripted(
        &TRAP,
        "login.txt",
        "A login whose answer is none, and one by a mechanism that is not there.",
        &[
            start,
            command(
                "admin",
                [("saslContinue", one()), ("conversationId", one()), ("payload", last)],
            ),
            command("admin", [("saslStart", one()), ("mechanism", text("PLAIN"))]),
        ],
    );
}

/// What tells the newer releases from the older: seed 1 is one of 7.0.14, seed 6 one that has TLS too.
#[test]
fn newer_releases_refuse_the_older_messages() {
    let text = Value::text;
    let insert = [&[0; 4], &b"test.note\0"[..], &bson::write(&document([("a", one())]))].concat();
    contract::scripted_as(
        &TRAP,
        "newer.txt",
        "A scanner of old, a driver of new, before 7.0.",
        "seed: 1\n",
        &[
            old_query(
                "admin.$cmd",
                &document([("isMaster", one()), ("helloOk", Value::Bool(true))]),
            ),
            old_query("admin.$cmd", &document([("serverStatus", one())])),
            old_query("admin.$cmd", &document([("buildInfo", one())])),
            old_query("test.note", &Document::new()),
            framed(2_002, &insert),
            command("admin", [("hello", one())]),
            command("admin", [("listDatabases", one())]),
            command("admin", [("getFreeMonitoringStatus", one())]),
            command("test", [("find", text("note"))]),
        ],
    );
    contract::scripted_as(
        &TRAP,
        "tls.txt",
        "TLS that begins and is none, where it would be taken.",
        "seed: 6\n",
        &[b"\x16\x03\x01".to_vec(), b"\0\x04\x01\0\0\0".to_vec()],
    );
}

/// A client that logs in, against an installation that asks for it.
struct Guesser {
    session: MongodbSession,
    out: Output,
}

impl Guesser {
    fn new(identity: &Arc<Identity>) -> Self {
        let visit = Visit {
            source: std::net::Ipv4Addr::new(192, 0, 2, 7).into(),
            destination: None,
            port: kizashi_event::Port::tcp(27_017),
            encrypted: false,
        };
        Self { session: MongodbSession::new(identity, visit), out: Output::new(SERVICE) }
    }

    fn ask(&mut self, bytes: &[u8]) -> Document {
        let now = Timestamp::from_seconds(1_800_000_000);
        self.session.receive(bytes, now, &mut self.out);
        let mut reply = self.out.take_reply();
        for _ in 0..1_000 {
            if !self.out.wants_turn() {
                break;
            }
            self.session.receive(&[], now, &mut self.out);
            reply.extend(self.out.take_reply());
        }
        bson::read(&reply[21..]).unwrap().0
    }

    /// The password told, whether it opened, and whether a note was made instead.
    fn guess(identity: &Arc<Identity>, password: &[u8]) -> (Option<String>, bool, bool) {
        let mut client = Self::new(identity);
        let listing = command("admin", [("listDatabases", one())]);
        assert_eq!(field(&client.ask(&listing), "code"), Some(&Value::Int(13)));
        let first = b"n,,n=admin,r=abcdefgh".to_vec();
        let reply = client.ask(&command(
            "admin",
            [
                ("saslStart", one()),
                ("mechanism", Value::text("SCRAM-SHA-256")),
                ("payload", Value::Binary(0, first)),
            ],
        ));
        let Some(Value::Binary(_, server_first)) = field(&reply, "payload") else {
            panic!("{reply:?}")
        };
        let part = |letter: u8| {
            server_first.split(|byte| *byte == b',').find(|part| part[0] == letter).unwrap()[2..]
                .to_vec()
        };
        let exchange = Exchange {
            hash: Hash::Sha256,
            rounds: 15_000,
            salt: crate::http::decode_base64(&part(b's')).unwrap(),
            client_first: b"n=admin,r=abcdefgh".to_vec(),
            server_first: server_first.clone(),
            without_proof: [b"c=biws,r=", &part(b'r')[..]].concat(),
            ..Exchange::default()
        };
        let proof = crate::http::base64(&exchange.proof_of(&exchange.key(password)));
        let last = [&exchange.without_proof[..], b",p=", &proof].concat();
        client
            .ask(&command("admin", [("saslContinue", one()), ("payload", Value::Binary(0, last))]));
        let opened = field(&client.ask(&listing), "databases").is_some();
        let seen = client.out.take_seen();
        let told = seen.iter().find_map(|seen| match &seen.detail {
            Detail::Login { password, accepted, .. } => {
                Some((password.as_ref().map(|text| text.raw().to_owned()), *accepted))
            }
            _ => None,
        });
        let (told, accepted) = told.unwrap();
        assert_eq!(accepted, opened);
        let noted = seen.iter().any(|seen| matches!(&seen.detail, Detail::Note { name, .. } if name.raw().contains("challenge")));
        (told, opened, noted)
    }
}

#[test]
fn a_server_that_asks_is_opened_by_a_weak_password_and_notes_what_no_list_has() {
    let mut all = (0..20).map(|seed| {
        let logins = LoginSettings { tries: 1..=1, ..LoginSettings::default() };
        Identity::draw([seed; 32]).with_logins(logins)
    });
    let identity = Arc::new(all.find(asks).unwrap());
    assert_eq!(Guesser::guess(&identity, b"no list has this"), (None, false, true));
    assert_eq!(Guesser::guess(&identity, b"admin123"), (Some("admin123".to_owned()), true, false));
}

#[test]
fn every_transcript_holds_however_the_bytes_are_cut() {
    write_scripts();
    contract::replay_all(&TRAP);
}

#[test]
fn the_trap_keeps_the_contract() {
    contract::holds(&TRAP);
}

#[test]
fn documents_are_read_as_they_are_written_and_lies_are_refused() {
    let inner = document([
        ("a", Value::Array(vec![Value::Int(1), Value::text("x"), Value::Null])),
        ("b", Value::Bool(true)),
    ]);
    let all = document([
        ("d", Value::Double(1.5)),
        ("s", Value::text("text")),
        ("o", Value::Document(inner)),
        ("bin", Value::Binary(4, vec![1, 2])),
        ("id", Value::ObjectId([7; 12])),
        ("when", Value::Date(-1)),
        ("re", Value::Regex(b"^a".to_vec(), b"i".to_vec())),
        ("l", Value::Long(i64::MIN)),
    ]);
    let bytes = bson::write(&all);
    assert_eq!(bson::read(&bytes), Some((all, &b""[..])));
    for end in 0..bytes.len() {
        assert_eq!(bson::read(&bytes[..end]), None);
    }
    let mut deep = document([]);
    for _ in 0..40 {
        deep = document([("a", Value::Document(deep))]);
    }
    assert_eq!(bson::read(&bson::write(&deep)), None);
}

#[test]
fn filters_projections_and_changes_do_what_the_manual_says() {
    let one = document([
        ("n", Value::Int(3)),
        ("name", Value::text("anna")),
        ("o", Value::Document(document([("x", Value::Int(1))]))),
    ]);
    let operators = |pairs: Document| Value::Document(pairs);
    for (filter, expected) in [
        (document([]), true),
        (document([("n", Value::Double(3.0))]), true),
        (document([("n", operators(document([("$gt", Value::Int(3))])))]), false),
        (
            document([(
                "n",
                operators(document([("$gte", Value::Int(3)), ("$lt", Value::Int(4))])),
            )]),
            true,
        ),
        (document([("o.x", Value::Int(1))]), true),
        (document([("missing", Value::Null)]), true),
        (
            document([(
                "name",
                operators(document([("$in", Value::Array(vec![Value::text("anna")]))])),
            )]),
            true,
        ),
        (
            document([(
                "name",
                operators(document([
                    ("$regex", Value::text("^AN")),
                    ("$options", Value::text("i")),
                ])),
            )]),
            true,
        ),
        (
            document([("$or", Value::Array(vec![operators(document([("n", Value::Int(1))]))]))]),
            false,
        ),
    ] {
        assert_eq!(matches(&one, &filter), expected, "{}", bson::show(&filter));
    }
    assert_eq!(project(&one, &document([("n", Value::Int(1))])), document([("n", Value::Int(3))]));
    let change = document([
        ("$set", operators(document([("n", Value::Int(9))]))),
        ("$unset", operators(document([("o", Value::Int(1))]))),
    ]);
    assert_eq!(
        updated(&one, &change),
        document([("n", Value::Int(9)), ("name", Value::text("anna"))])
    );
}

#[test]
fn a_message_that_is_too_long_is_hashed_and_not_held() {
    let mut reader = Reader::default();
    reader.push(&[&[40_000_000_u32, 1, 0, 2_013].map(u32::to_le_bytes).concat()[..]].concat());
    for _ in 0..2_048 {
        reader.push(&[7; 8_000]);
        assert!(matches!(reader.next(), Incoming::More));
        assert!(reader.memory() <= 80 * 1024);
    }
}

/// A release whose greeting is awaited, and one that answers each at once.
#[test]
fn a_watching_driver_is_answered_when_its_time_is_over_and_again_unasked() {
    let identity = |wire: fn(i32) -> bool| {
        let mut all = (0..40).map(|seed| Arc::new(Identity::draw([seed; 32])));
        all.find(|identity| wire(Release::of(identity).wire) && !asks(identity)).unwrap()
    };
    let version = Value::Document(document([("counter", Value::Long(0))]));
    let fields = || {
        [
            ("hello", one()),
            ("topologyVersion", version.clone()),
            ("maxAwaitTimeMS", Value::Int(10_000)),
        ]
    };
    let mut asked = command("admin", fields());
    // exhaustAllowed.
    asked[18] = 1;
    for (identity, waits) in
        [(identity(|wire| wire >= 17), true), (identity(|wire| wire < 9), false)]
    {
        let Guesser { mut session, mut out } = Guesser::new(&identity);
        let begin = Timestamp::from_seconds(1_800_000_000);
        session.receive(&asked, begin, &mut out);
        let first = out.take_reply();
        assert_eq!(first.is_empty(), waits);
        if !waits {
            continue;
        }
        session.receive(&[], begin.plus(9 * Timestamp::SECOND), &mut out);
        assert_eq!(out.take_reply(), [0; 0], "not yet");
        let mut before = 7_u32;
        for turn in 1..4 {
            session.receive(&[], begin.plus(turn * 10 * Timestamp::SECOND), &mut out);
            assert!(out.wants_turn());
            let reply = out.take_reply();
            let number = |at: usize| u32::from_le_bytes(*reply[at..].first_chunk().unwrap());
            assert_eq!(
                (number(8), number(16)),
                (before, 2),
                "it answers that, and more is to come"
            );
            before = number(4);
        }
    }
}
