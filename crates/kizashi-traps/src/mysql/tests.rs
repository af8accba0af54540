use std::sync::Arc;

use super::handshake::{NATIVE, QUERY_ATTRIBUTES, SHA2, clear_response};
use super::password::{answer, answer_2, hashcat, masked, stored, tried, tried_2};
use super::prepared::without_attributes;
use super::tokens::statements;
use super::wire::Packets;
use super::{TRAP, old, wire};
use crate::sql::MysqlRelease;
use crate::{Identity, LoginSettings, Output, Session, TlsKeys, Visit, contract};
use kizashi_event::{Detail, Port, Timestamp};

/// Packets that begin anew with each command.
fn commands(list: &[(u8, &str)]) -> Vec<u8> {
    list.iter()
        .flat_map(|(command, text)| {
            let mut packets = Packets::default();
            packets.put(&[&[*command][..], text.as_bytes()].concat());
            packets.bytes
        })
        .collect()
}

/// What the application's account sends first, of the identity that transcripts have.
fn response() -> Vec<u8> {
    let identity =
        Arc::new(Identity::draw([7; 32]).with_web_server(crate::WebServer::NginxDebian12));
    let application = identity.application();
    let mut packets = Packets::after(0);
    packets.put(&clear_response(&application.account()));
    packets.bytes
}

#[test]
#[expect(clippy::too_many_lines, reason = "the dialogues themselves")]
fn every_transcript_holds_however_the_bytes_are_cut() {
    let query = |text| commands(&[(3, text)]);
    contract::scripted(
        &TRAP,
        "ransom.txt",
        "Who looks around, takes all and leaves a note.",
        &[
            response(),
            query("SHOW DATABASES"),
            query("SELECT @@version, user(), database()"),
            query("SHOW FULL TABLES"),
            query("SELECT username, email FROM users LIMIT 2"),
            query("DESCRIBE users; SHOW CREATE TABLE comments; SHOW VARIABLES LIKE 'plugin%'"),
            query(
                "UPDATE settings SET value = concat('x', 'y') WHERE name = 'theme'; SELECT value FROM settings",
            ),
            query(
                "DROP TABLE articles; DELETE FROM users WHERE id > 1; SELECT count(*) FROM users",
            ),
            query(
                "CREATE DATABASE README; CREATE TABLE README.README (id int auto_increment primary key, text text)",
            ),
            query(
                "INSERT INTO README.README (text) VALUES ('Your database is backed up. Send 0.01 bitcoin.'); SELECT * FROM README.README",
            ),
            query("SELECT nothing FROM users; SELECT 1"),
            query("LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE settings"),
            commands(&[(0x0e, ""), (4, "users\0"), (2, "mysql"), (0x99, "?"), (1, "")]),
        ],
    );
    let library = "7f454c4602010100".repeat(128);
    contract::scripted(
        &TRAP,
        "library.txt",
        "A library of functions is written, created and called.",
        &[
            response(),
            query("CREATE FUNCTION sys_eval RETURNS STRING SONAME 'udf.so'"),
            query(&format!("SELECT 0x{library} INTO DUMPFILE '/usr/lib/mysql/plugin/udf.so'")),
            query("SELECT 1 INTO OUTFILE '/var/www/html/shell.php'; SELECT 1"),
            query(
                "CREATE FUNCTION sys_eval RETURNS STRING SONAME 'udf.so'; SELECT * FROM mysql.func",
            ),
            query("SELECT sys_eval('id; uname -n')"),
            query("DROP FUNCTION sys_eval; SELECT sys_eval('id')"),
            query("SELECT sleep(2)"),
        ],
    );
    let execute = b"\x17\x01\0\0\0\0\x01\0\0\0\0\x01\x08\0\x02\0\0\0\0\0\0\0";
    let mut executed = Packets::default();
    executed.put(execute);
    contract::scripted(
        &TRAP,
        "prepared.txt",
        "A prepared statement, and one that is not there.",
        &[
            response(),
            commands(&[(0x16, "SELECT id, username, NULL FROM users WHERE id = ?")]),
            executed.bytes,
            commands(&[
                (0x19, "\x01\0\0\0"),
                (0x17, "\x01\0\0\0\0\x01\0\0\0"),
                (0x16, "SELECT FROM"),
            ]),
        ],
    );
    contract::scripted(
        &TRAP,
        "old-client.txt",
        "A client older than 4.1, with an answer to another scramble.",
        &[packet(1, b"\x85\x24\0\0\0root\0YFSOTVVM\0")],
    );
    contract::replay_all(&TRAP);
}

/// What a client of MySQL 8 sends first.
fn newer_response(user: &str, answer: &[u8]) -> Vec<u8> {
    let capabilities = 0x000f_a685_u32 | QUERY_ATTRIBUTES as u32;
    let mut content = capabilities.to_le_bytes().to_vec();
    content.extend_from_slice(&[0, 0, 0, 1, 255]);
    content.extend_from_slice(&[0; 23]);
    content.extend_from_slice(user.as_bytes());
    content.extend_from_slice(&[0, u8::try_from(answer.len()).unwrap()]);
    content.extend_from_slice(answer);
    content.extend_from_slice(SHA2);
    content.push(0);
    content
}

fn packet(number: u8, content: &[u8]) -> Vec<u8> {
    let mut packets = Packets::after(number.wrapping_sub(1));
    packets.put(content);
    packets.bytes
}

/// The request for TLS.
fn tls_request() -> Vec<u8> {
    let mut content = 0x000f_ae85_u32.to_le_bytes().to_vec();
    content.extend_from_slice(&[0, 0, 0, 1, 255]);
    content.extend_from_slice(&[0; 23]);
    content
}

#[test]
fn products_of_mysqls_own_answer_in_their_own_words() {
    let query = |text| commands(&[(3, text)]);
    let library = "7f454c4602010100".repeat(128);
    let dialogue = [
        response(),
        query("SELECT @@version, @@version_comment; SHOW DATABASES"),
        query(
            "SHOW VARIABLES WHERE Variable_name IN ('secure_file_priv', 'have_ssl', 'tls_version', 'autocommit', 'sql_mode')",
        ),
        query(
            "SELECT user, host, plugin FROM mysql.user; SHOW CREATE DATABASE mysql; DESCRIBE comments",
        ),
        query("SELECT 1 /*!50701 + 1 */ /*M! + 1 */; SELEC 1"),
        query("SELECT 1 INTO OUTFILE '/var/www/html/shell.php'"),
        query("CREATE FUNCTION sys_eval RETURNS STRING SONAME 'udf.so'"),
        query(&format!("SELECT 0x{library} INTO DUMPFILE '/usr/lib/mysql/plugin/udf.so'")),
        query("CREATE FUNCTION sys_eval RETURNS STRING SONAME 'udf.so'; SELECT sys_eval('id -un')"),
        query("LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE settings"),
        query("LOAD DATA INFILE '/etc/passwd' INTO TABLE settings"),
    ];
    for (name, release) in
        [("mysql-5.7.txt", MysqlRelease::V5_7), ("mysql-8.4.txt", MysqlRelease::V8_4)]
    {
        let settings = format!("mysql: {}\n", release.name());
        let title =
            format!("MySQL {} to one who looks around and brings a library.", release.name());
        contract::scripted_as(&TRAP, name, &title, &settings, &dialogue);
    }
    let settings = "mysql: 8.4.6\n";
    let title = "A password that is wanted in full, by a client that asks for a key which this installation has not.";
    let pieces = [packet(1, &newer_response("root", &[b'a'; 32])), packet(3, &[2])];
    contract::scripted_as(&TRAP, "in-full.txt", title, settings, &pieces);
    let title = "TLS that is asked for and does not come.";
    let pieces = [packet(1, &tls_request()), b"\x17\x03\x01\0\x02??".to_vec()];
    contract::scripted_as(&TRAP, "no-hello.txt", title, settings, &pieces);
}

/// A visit to MySQL 8.4 of one installation.
struct Visited {
    session: Box<dyn Session>,
    out: Output,
}

impl Visited {
    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn new(identity: &Arc<Identity>) -> Self {
        let source = [192, 0, 2, 9].into();
        let visit = Visit { source, destination: None, port: Port::tcp(3306), encrypted: false };
        let mut visited =
            Self { session: (TRAP.begin)(identity, visit), out: Output::new(TRAP.service) };
        visited.session.open(Self::NOW, &mut visited.out);
        visited
    }

    fn scramble(&mut self) -> [u8; 20] {
        self.scramble_before(SHA2)
    }

    /// What stands in the greeting, which ends with this plugin's name.
    fn scramble_before(&mut self, plugin: &[u8]) -> [u8; 20] {
        let greeting = self.out.take_reply();
        let end = greeting[5..].iter().position(|byte| *byte == 0).unwrap() + 5;
        let rest = greeting.len() - plugin.len() - 1;
        let whole = [&greeting[end + 5..end + 13], &greeting[rest - 13..rest - 1]].concat();
        whole.try_into().unwrap()
    }

    fn say(&mut self, number: u8, content: &[u8]) -> Vec<u8> {
        self.session.receive(&packet(number, content), Self::NOW, &mut self.out);
        self.out.take_reply()
    }

    fn logins(&mut self) -> Vec<(Option<String>, bool)> {
        self.session.end(Self::NOW, &mut self.out);
        let login = |detail: Detail| match detail {
            Detail::Login { password, accepted, .. } => {
                Some((password.map(|password| password.raw().to_owned()), accepted))
            }
            _ => None,
        };
        self.out.take_seen().into_iter().filter_map(|seen| login(seen.detail)).collect()
    }
}

fn newer() -> Arc<Identity> {
    let logins = LoginSettings { tries: 1..=1, ..LoginSettings::default() };
    let keys = TlsKeys::from_text(include_str!("../tls/test-keys.txt")).unwrap();
    let identity = Identity::draw([7; 32]).with_tls_keys(keys).with_logins(logins);
    Arc::new(identity.with_mysql_release(MysqlRelease::V8_4))
}

/// Encrypts as a client does, by the key that the server gave it: a modulus of 256 bytes and the exponent 65537 stand at the end of the DER.
fn encrypt(pem: &str, text: &[u8]) -> Vec<u8> {
    use chacha20::rand_core::SeedableRng as _;
    let lines: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = crate::http::decode_base64(lines.as_bytes()).unwrap();
    let modulus = &der[der.len() - 5 - 256..der.len() - 5];
    let number = |bytes: &[u8]| {
        let bits = u32::try_from(bytes.len() * 8).unwrap();
        rsa::BoxedUint::from_be_slice(bytes, bits).unwrap()
    };
    let key = rsa::PublicKey::new(number(modulus), number(&[0, 0, 0, 0, 0, 1, 0, 1])).unwrap();
    let mut randomness = chacha20::ChaCha20Rng::from_seed([1; 32]);
    key.oaep_encrypt_with_rng::<sha1::Sha1, _>(&mut randomness, text).unwrap()
}

#[test]
fn the_applications_password_is_known_again_and_a_weak_one_once_it_was_told_in_full() {
    let identity = newer();
    let application = identity.application();
    let account = application.account();
    let mut visited = Visited::new(&identity);
    let scramble = visited.scramble();
    let answer = answer_2(&scramble, account.password.as_bytes());
    let reply = visited.say(1, &newer_response(&account.name, &answer));
    assert_eq!(reply[..6], [2, 0, 0, 2, 1, 3]);
    assert_eq!(reply[10], 0, "and then OK");
    for first in [true, false] {
        let mut visited = Visited::new(&identity);
        let scramble = visited.scramble();
        let reply = visited.say(1, &newer_response("root", &answer_2(&scramble, b"123456")));
        if first {
            assert_eq!(reply, [2, 0, 0, 2, 1, 4], "it is wanted in full");
            let key = String::from_utf8(visited.say(3, &[2])[5..].to_vec()).unwrap();
            let sealed = encrypt(&key, &masked(&scramble, b"123456\0"));
            assert_eq!(visited.say(5, &sealed)[4], 0);
        } else {
            assert_eq!(reply[..6], [2, 0, 0, 2, 1, 3], "it is known again");
        }
        assert_eq!(visited.logins(), [(Some("123456".to_owned()), true)]);
    }
}

#[test]
fn who_leaves_before_the_password_is_told_in_full_tells_a_weak_one_by_the_answer() {
    let identity = newer();
    for (password, told) in [("123456", Some("123456".to_owned())), ("no list has this", None)] {
        let mut visited = Visited::new(&identity);
        let scramble = visited.scramble();
        visited.say(1, &newer_response("root", &answer_2(&scramble, password.as_bytes())));
        assert_eq!(visited.logins(), [(told, false)]);
    }
}

#[test]
fn clients_older_than_4_1_are_told_with_their_password_and_refused_in_the_products_words() {
    const UPGRADE: &[u8] = b"\xff\xe3\x04Client does not support authentication protocol requested by server; consider upgrading ";
    let maria = [UPGRADE, b"MariaDB client"].concat();
    let denied =
        b"\xff\x15\x04Access denied for user 'root'@'192.0.2.9' (using password: NO)".to_vec();
    let bad = b"\xff\x13\x04Bad handshake".to_vec();
    let newest = [UPGRADE, b"MySQL client"].concat();
    for (release, plugin, with, without) in [
        (MysqlRelease::MariaDb, NATIVE, &maria, &denied),
        (MysqlRelease::V5_7, NATIVE, &bad, &denied),
        (MysqlRelease::V8_4, SHA2, &bad, &newest),
    ] {
        let identity = Arc::new(Identity::draw([7; 32]).with_mysql_release(release));
        for (password, said, told) in [
            ("123456", with, Some("123456")),
            ("no list has this", with, None),
            ("", without, Some("")),
        ] {
            let mut visited = Visited::new(&identity);
            let scramble = visited.scramble_before(plugin);
            let reply = visited.say(1, &old::response(&scramble, password.as_bytes()));
            assert_eq!((reply[3], &reply[4..]), (2, &said[..]), "{release:?} {password}");
            assert!(visited.out.is_closing());
            assert_eq!(visited.logins(), [(told.map(str::to_owned), false)], "{release:?}");
        }
    }
}

#[test]
fn attributes_before_a_query_are_passed_over_whatever_their_lengths_say() {
    let attributed = b"\x01\x01\0\x01\xfe\0\x04name\x05valueSELECT 1";
    assert_eq!(without_attributes(attributed), Some(&b"SELECT 1"[..]));
    assert_eq!(without_attributes(b"\0\x01SELECT 1"), Some(&b"SELECT 1"[..]));
    for lying in [&b"\xff"[..], b"", b"\x01\x01\0\x01\xfe\0\xfename", b"\xfd\xff\xff\xff\x01"] {
        assert_eq!(without_attributes(lying), None, "{lying:?}");
    }
}

#[test]
fn the_trap_keeps_the_contract() {
    contract::holds(&TRAP);
}

/// `mysql.user` of a real server after SET PASSWORD = PASSWORD('password').
#[test]
fn passwords_are_hashed_as_the_server_hashes_them() {
    assert_eq!(stored(b"password"), "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19");
}

#[test]
fn a_weak_password_is_told_by_its_answer_and_no_other_is() {
    let scramble = *b"01234567890123456789";
    assert_eq!(tried(&scramble, &answer(&scramble, b"123456")), Some("123456"));
    let strange = answer(&scramble, b"no list has this");
    assert_eq!(tried(&scramble, &strange), None);
    assert!(hashcat(&scramble, &strange).starts_with("$mysqlna$3031323334353637383930"));
    assert_eq!(tried_2(&scramble, &answer_2(&scramble, b"123456")), Some("123456"));
    assert_eq!(tried_2(&scramble, &answer_2(&scramble, b"no list has this")), None);
}

#[test]
fn a_semicolon_in_a_text_or_comment_ends_no_statement() {
    assert_eq!(statements(b"a ';'; b /* ; */ ;"), [&b"a ';'"[..], b" b /* ; */ "]);
    assert_eq!(statements(b""), [b""]);
}

#[test]
fn a_packet_that_is_too_long_is_hashed_and_not_held() {
    let mut reader = wire::Reader::default();
    reader.push(b"\xff\xff\xff\0");
    for _ in 0..2_048 {
        reader.push(&[7; 8_000]);
        assert!(matches!(reader.next(), wire::Incoming::More));
        assert!(reader.memory() <= 80 * 1024);
    }
}
