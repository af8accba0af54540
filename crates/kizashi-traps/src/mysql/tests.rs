use std::sync::Arc;

use super::handshake::clear_response;
use super::password::{answer, hashcat, stored, tried};
use super::tokens::statements;
use super::wire::Packets;
use super::{TRAP, wire};
use crate::{Identity, contract};

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
    contract::replay_all(&TRAP);
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
