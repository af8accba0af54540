use std::sync::Arc;

use kizashi_event::{Detail, Timestamp};

use super::auth::{md5_answer, md5_hashcat, md5_tried};
use super::error::PgError;
use super::release::{self, Method};
use super::session::PostgresqlSession;
use super::wire::{Incoming, Reader, message};
use super::{TRAP, functions};
use crate::http::{base64, decode_base64};
use crate::scram::Exchange;
use crate::sql::SqlError;
use crate::{Identity, LoginSettings, Output, Session as _, Visit, contract};

const NONCE: &[u8] = b"rOprNGfwEbeRWgbNEkqO";

fn startup(user: &str, database: &str) -> Vec<u8> {
    let content = format!("user\0{user}\0database\0{database}\0application_name\0psql\0\0");
    let length = u32::try_from(content.len() + 8).unwrap().to_be_bytes();
    [&length[..], &196_608_u32.to_be_bytes(), content.as_bytes()].concat()
}

fn visit() -> Visit {
    Visit {
        source: std::net::Ipv4Addr::new(192, 0, 2, 7).into(),
        destination: None,
        port: kizashi_event::Port::tcp(5432),
        encrypted: false,
    }
}

/// A client that logs in however it is asked to; what it sends, and all that came back and was told.
struct Client {
    session: PostgresqlSession,
    out: Output,
    sent: Vec<Vec<u8>>,
    told: Vec<Detail>,
}

impl Client {
    fn new(identity: &Arc<Identity>) -> Self {
        let session = PostgresqlSession::new(identity, visit());
        Self { session, out: Output::new(super::SERVICE), sent: Vec::new(), told: Vec::new() }
    }

    fn send(&mut self, bytes: &[u8]) -> Vec<u8> {
        let now = Timestamp::from_seconds(1_800_000_000);
        self.sent.push(bytes.to_vec());
        self.session.receive(bytes, now, &mut self.out);
        let mut reply = self.out.take_reply();
        for _ in 0..2_000 {
            if !self.out.wants_turn() {
                break;
            }
            self.session.receive(&[], now, &mut self.out);
            reply.extend(self.out.take_reply());
        }
        self.told.extend(self.out.take_seen().into_iter().map(|seen| seen.detail));
        reply
    }

    /// Logs in; what the server says in the end.
    fn log_in(&mut self, user: &str, password: &str, database: &str) -> Vec<u8> {
        let asked = self.send(&startup(user, database));
        assert_eq!(asked[0], b'R');
        match asked[8] {
            3 => self.send(&message(b'p', format!("{password}\0").as_bytes())),
            5 => {
                let salt = *asked[9..13].first_chunk().unwrap();
                let answer = md5_answer(user.as_bytes(), password.as_bytes(), salt);
                self.send(&message(b'p', format!("{answer}\0").as_bytes()))
            }
            _ => self.prove(password),
        }
    }

    fn prove(&mut self, password: &str) -> Vec<u8> {
        let first = [b"n,,n=,r=", NONCE].concat();
        let length = u32::try_from(first.len()).unwrap().to_be_bytes();
        let reply = self.send(&message(b'p', &[b"SCRAM-SHA-256\0", &length[..], &first].concat()));
        let server_first = reply[9..].to_vec();
        let part = |letter: u8| {
            let found = server_first.split(|byte| *byte == b',').find(|part| part[0] == letter);
            found.unwrap()[2..].to_vec()
        };
        let exchange = Exchange {
            rounds: 4_096,
            salt: decode_base64(&part(b's')).unwrap(),
            client_first: first[3..].to_vec(),
            server_first: server_first.clone(),
            without_proof: [b"c=biws,r=", &part(b'r')[..]].concat(),
            ..Exchange::default()
        };
        let proof = exchange.proof_of(&exchange.key(password.as_bytes()));
        self.send(&message(b'p', &[&exchange.without_proof[..], b",p=", &base64(&proof)].concat()))
    }

    fn query(&mut self, text: &str) -> Vec<u8> {
        self.send(&message(b'Q', format!("{text}\0").as_bytes()))
    }
}

/// The identity that transcripts have.
fn identity() -> Arc<Identity> {
    Arc::new(Identity::draw([7; 32]).with_web_server(crate::WebServer::NginxDebian12))
}

/// One that asks for passwords in this way and takes a weak one at once.
fn asking(method: Method) -> Arc<Identity> {
    let systems = crate::OperatingSystem::ALL.into_iter();
    let mut all =
        systems.flat_map(|system| (0..20).map(move |seed| (system, seed))).map(|(system, seed)| {
            let logins = LoginSettings { tries: 1..=1, ..LoginSettings::default() };
            Identity::draw([seed; 32]).with_operating_system(system).with_logins(logins)
        });
    Arc::new(all.find(|identity| release::method(identity) == method).unwrap())
}

fn text_of(reply: &[u8]) -> String {
    String::from_utf8_lossy(reply).into_owned()
}

/// A transcript of the application's account, who says these queries.
fn scripted(name: &str, title: &str, act: impl FnOnce(&mut Client)) {
    let identity = identity();
    let application = identity.application();
    let account = application.account();
    let mut client = Client::new(&identity);
    client.log_in(&account.name, account.password, account.database);
    act(&mut client);
    contract::scripted(&TRAP, name, title, &client.sent);
}

fn looks_around(client: &mut Client) {
    for text in [
        "SELECT version()",
        "SELECT d.datname as \"Name\", pg_catalog.pg_get_userbyid(d.datdba) as \"Owner\", pg_catalog.array_to_string(d.datacl, E'\\n') AS \"Access privileges\" FROM pg_catalog.pg_database d ORDER BY 1;",
        "SELECT usename, passwd IS NOT NULL FROM pg_shadow",
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'; SHOW data_directory",
        "SELECT username, email FROM users LIMIT 2",
        "SELECT pg_ls_dir('/nowhere')",
        "SELECT pg_read_file('/etc/hostname', 0, 100)",
        "SELECT nothing FROM users; SELECT 1",
        "BEGIN",
        "SELECT 1/0",
        "SELECT 1",
        "ROLLBACK",
        "",
    ] {
        client.query(text);
    }
}

fn mines(client: &mut Client) {
    for text in [
        "DROP TABLE IF EXISTS abroxu; CREATE TABLE abroxu(cmd_output text); COPY abroxu FROM PROGRAM 'id; uname -n'; SELECT * FROM abroxu; DROP TABLE IF EXISTS abroxu;",
        "CREATE TABLE t(a text)",
        "COPY t FROM PROGRAM 'false'",
        "DO $$ BEGIN COPY t FROM PROGRAM 'echo hidden'; END $$",
        "COPY (SELECT 'echo hi > /tmp/x') TO PROGRAM 'bash'",
        "SELECT pg_sleep(2)",
    ] {
        client.query(text);
    }
}

fn brings_a_library(client: &mut Client) {
    let library = "7f454c4602010100".repeat(64);
    for text in [
        "CREATE FUNCTION sys_eval(text) RETURNS text AS '/tmp/u.so', 'sys_eval' LANGUAGE C STRICT".to_owned(),
        format!("SELECT lo_from_bytea(43210, '\\x{library}')"),
        "INSERT INTO pg_largeobject VALUES (43211, 0, decode('aGk=', 'base64')); SELECT loid, data FROM pg_largeobject WHERE loid = 43211".to_owned(),
        "SELECT lo_export(43210, '/etc/u.so')".to_owned(),
        "SELECT lo_export(43210, '/tmp/u.so')".to_owned(),
        "CREATE OR REPLACE FUNCTION sys_eval(text) RETURNS text AS '/tmp/u.so', 'sys_eval' LANGUAGE C STRICT".to_owned(),
        "SELECT sys_eval('id -un')".to_owned(),
        "DROP FUNCTION sys_eval(text); SELECT sys_eval('id')".to_owned(),
        "SELECT lo_unlink(43210)".to_owned(),
    ] {
        client.query(&text);
    }
}

fn prepares(client: &mut Client) {
    client.query("CREATE TABLE notes(id serial primary key, note text)");
    client.query("INSERT INTO notes(note) VALUES ('Your database is backed up. Send 0.01 bitcoin.') RETURNING id");
    let pieces = [
        message(b'P', b"s\0SELECT id, note FROM notes WHERE id = $1 OR note = $2\0\0\0"),
        message(b'D', b"Ss\0"),
        message(b'B', b"\0s\0\0\0\0\x02\0\0\0\x011\0\0\0\x02it\0\0"),
        message(b'D', b"P\0"),
        message(b'E', b"\0\0\0\0\0"),
        message(b'S', b""),
        message(b'B', b"\0none\0\0\0\0\0\0\0"),
        message(b'E', b"\0\0\0\0\0"),
        message(b'S', b""),
    ];
    client.send(&pieces.concat());
    client.query("COPY notes FROM STDIN; SELECT count(*) FROM notes");
    client.send(
        &[message(b'd', b"2\tpart of"), message(b'd', b" a row\n"), message(b'c', b"")].concat(),
    );
    client.query("COPY notes TO STDOUT");
    client.query("UPDATE notes SET note = note || '!' WHERE id = 2; DELETE FROM notes WHERE id = 1; SELECT * FROM notes");
    client.send(&message(b'X', b""));
}

#[test]
fn every_transcript_holds_however_the_bytes_are_cut() {
    scripted("around.txt", "Who looks around, and what is wrong.", looks_around);
    scripted("program.txt", "A miner has COPY run a program, in the ways that miners know.", mines);
    scripted(
        "library.txt",
        "A large object becomes a library of functions, which is called.",
        brings_a_library,
    );
    scripted(
        "prepared.txt",
        "Prepared statements, rows of the client's, a note for a ransom.",
        prepares,
    );
    contract::replay_all(&TRAP);
}

#[test]
fn the_trap_keeps_the_contract() {
    contract::holds(&TRAP);
}

#[test]
fn whichever_way_it_asks_a_weak_password_opens_it_and_is_told_and_another_is_noted() {
    for method in [Method::Password, Method::Md5, Method::Scram] {
        let identity = asking(method);
        for (password, accepted) in
            [("no list has this", false), ("postgres", true), ("qwerty", false)]
        {
            let mut client = Client::new(&identity);
            let reply = client.log_in("postgres", password, "postgres");
            let said = text_of(&reply);
            assert_eq!(
                said.contains("ReadyForQuery") || reply.ends_with(b"Z\0\0\0\x05I"),
                accepted,
                "{method:?}: {said}"
            );
            assert_eq!(
                said.contains("C28P01\0Mpassword authentication failed for user \"postgres\""),
                !accepted
            );
            let known = method == Method::Password || password != "no list has this";
            let told = client.told.iter().any(|detail| {
                matches!(detail, Detail::Login { password: Some(told), accepted: yes, .. } if told.raw() == password && *yes == accepted)
            });
            let noted = client.told.iter().any(|detail| {
                matches!(detail, Detail::Note { name, .. } if name.raw() == "postgresql challenge and response")
            });
            assert_eq!((told, noted), (known, !known), "{method:?} {password}");
        }
    }
}

/// `md5` and the password as PostgreSQL 13 takes it (`pg_md5_encrypt`), and hashcat's own example of mode 11100.
#[test]
fn md5_is_told_where_it_is_weak_and_as_hashcat_takes_it_where_not() {
    let salt = [1, 2, 3, 4];
    let answer = md5_answer(b"postgres", b"123456", salt);
    assert_eq!(md5_tried(b"postgres", salt, answer.as_bytes()), Some(b"123456".to_vec()));
    let strange = md5_answer(b"postgres", b"no list has this", salt);
    assert_eq!(md5_tried(b"postgres", salt, strange.as_bytes()), None);
    assert_eq!(md5_hashcat(b"postgres", salt, b"md5aa"), "$postgres$postgres*01020304*aa");
    assert_eq!(
        md5_answer(b"postgres", b"hashcat", [0xf0, 0x78, 0x4e, 0xa5]),
        "md52091bb7d4725d1ca85e8de6ec349baf6"
    );
}

#[test]
fn errors_of_the_engine_become_the_servers_own() {
    let query = b"SELECT * FORM x";
    let error = PgError::of(
        &SqlError::foreign(
            1064,
            "You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server version for the right syntax to use near 'FORM x' at line 1",
        ),
        query,
    );
    assert_eq!(
        (error.code, text_of(&error.message), error.position),
        ("42601", "syntax error at or near \"FORM\"".to_owned(), Some(10))
    );
    let error = PgError::of(&SqlError::foreign(1054, "Unknown column 'a' in 'field list'"), b"");
    assert_eq!(
        (error.code, text_of(&error.message)),
        ("42703", "column \"a\" does not exist".to_owned())
    );
}

#[test]
fn a_message_that_is_too_long_is_hashed_and_not_held() {
    let mut reader = Reader::default();
    reader.lettered = true;
    reader.push(b"Q\x3f\xff\xff\xff");
    for _ in 0..2_048 {
        reader.push(&[7; 8_000]);
        assert!(matches!(reader.next(), Incoming::More));
        assert!(reader.memory() <= 80 * 1024);
    }
}

/// Whatever psql asks for its lists, the catalogue can answer: each is a query of psql 15 (`psql -E`).
#[test]
fn a_bracket_that_nothing_opened_is_an_error_wherever_it_stands() {
    let identity = identity();
    let application = identity.application();
    let account = application.account();
    let mut client = Client::new(&identity);
    client.log_in(&account.name, account.password, account.database);
    for statement in ["CREATE TABLE t )", "CREATE TABLE t ) (a text)", "COPY t ) FROM STDIN"] {
        let reply = text_of(&client.query(statement));
        assert!(reply.contains("ERROR"), "{statement}: {reply}");
    }
}

#[test]
fn what_psql_asks_is_answered_and_consistent() {
    let identity = identity();
    let application = identity.application();
    let account = application.account();
    let mut client = Client::new(&identity);
    client.log_in(&account.name, account.password, account.database);
    let tables = "SELECT n.nspname as \"Schema\", c.relname as \"Name\", CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' END as \"Type\", pg_catalog.pg_get_userbyid(c.relowner) as \"Owner\"
FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam
WHERE c.relkind IN ('r','p','') AND n.nspname <> 'pg_catalog' AND n.nspname !~ '^pg_toast' AND n.nspname <> 'information_schema' AND pg_catalog.pg_table_is_visible(c.oid) ORDER BY 1,2;";
    let reply = text_of(&client.query(tables));
    for relation in account.relations.iter() {
        assert!(reply.contains(&relation.name), "{}: {reply}", relation.name);
    }
    assert!(reply.contains(&format!("SELECT {}\0", account.relations.len())), "{reply}");
    let roles = "SELECT r.rolname, r.rolsuper, ARRAY(SELECT b.rolname FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles b ON (m.roleid = b.oid) WHERE m.member = r.oid) as memberof FROM pg_catalog.pg_roles r WHERE r.rolname !~ '^pg_' ORDER BY 1;";
    let reply = text_of(&client.query(roles));
    assert!(reply.contains("postgres\0\0\0\x01t\0\0\0\x02{}"), "{reply}");
    assert!(
        functions::setting(&release::of(crate::OperatingSystem::Debian12), b"SERVER_VERSION_NUM")
            .is_some()
    );
}
