//! MariaDB and MySQL before real clients: Debian's `mariadb`, PyMySQL and MySQL's own connector from PyPI (in an environment under the build's temporary folder),
//! nmap and hydra.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test fails by panicking and says what it skips"
)]

#[path = "support/house.rs"]
#[allow(dead_code, reason = "each test file uses a part of it")]
mod house;

use house::{House, has_note, installed, logins, python, run};
use kizashi_event::{Detail, Event};
use kizashi_traps::{Identity, LoginSettings, MysqlRelease, OperatingSystem, TlsKeys};

const KEYS: &str = include_str!("../src/tls/test-keys.txt");

/// A server that a weak password opens at the first try.
fn open_of(release: MysqlRelease) -> House {
    let logins = LoginSettings { tries: 1..=1, ..LoginSettings::default() };
    let identity = Identity::draw([1; 32])
        .with_operating_system(OperatingSystem::Debian12)
        .with_mysql_release(release)
        .with_tls_keys(TlsKeys::from_text(KEYS).unwrap());
    House::of_trap("mysql", identity.with_logins(logins))
}

fn open() -> House {
    open_of(MysqlRelease::MariaDb)
}

#[test]
fn debians_client_writes_a_library_and_runs_a_command_by_it() {
    if !installed("mariadb") {
        return;
    }
    let house = open();
    let library = "7f454c4602010100".repeat(64);
    let statements = format!(
        "select @@version; show databases; select 0x{library} into dumpfile '/usr/lib/mysql/plugin/u.so';
         create function sys_eval returns string soname 'u.so'; select sys_eval('id -un'); select * from mysql.func\\G"
    );
    let port = house.port();
    let arguments = ["-h", "127.0.0.1", "-P", &port, "-uroot", "-p123456", "-e", &statements];
    let text = run("mariadb", &arguments);
    let events = house.close();
    for part in
        ["10.11.14-MariaDB-0+deb12u2\n", "\ninformation_schema\n", "\nmysql\n", "dl: u.so\n"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(logins(&events).contains(&("root".to_owned(), "123456".to_owned(), true)));
    let kept = events.iter().filter_map(|event| event.detail.payload());
    let named = |name: &str| name == "/usr/lib/mysql/plugin/u.so";
    let kept: Vec<_> =
        kept.filter(|kept| kept.name.as_ref().is_some_and(|name| named(name.raw()))).collect();
    assert_eq!((kept.len(), kept[0].content.len()), (1, 512));
    assert!(has_note(&events, "function called"));
    assert!(events.iter().any(|event| matches!(&event.detail, Detail::Client { version: Some(version), .. } if version.raw().contains("libmariadb"))));
}

const VISIT: &str = r#"
import sys, pymysql, mysql.connector
port = int(sys.argv[1])
c = pymysql.connect(host="127.0.0.1", port=port, user="root", password="123456", local_infile=True, read_timeout=30)
q = c.cursor()
def all(text, *values):
    q.execute(text, *values)
    return q.fetchall()
names = [name for (name,) in all("SHOW DATABASES")]
own = [name for name in names if name not in ("mysql", "information_schema", "performance_schema")]
assert len(own) == 1, names
c.select_db(own[0])
tables = [name for (name,) in all("SHOW TABLES")]
assert "users" in tables, tables
assert [row[0] for row in all("DESCRIBE users")][:2] == ["id", "username"]
count = all("SELECT count(*) FROM users")[0][0]
assert isinstance(count, int) and count > 1
assert all("SELECT table_name FROM information_schema.tables WHERE table_schema = %s ORDER BY 1", (own[0],)) == tuple((name,) for name in tables)
assert all("SELECT NULL, 1 + 1, 'ä', 1.5")[0][:3] == (None, 2, "ä")
assert q.execute("UPDATE users SET role = 'x' WHERE id = 1") == 1
assert all("SELECT role FROM users WHERE id = 1") == (("x",),)
all("CREATE DATABASE READ_ME"); all("CREATE TABLE READ_ME.note (id int, text text)")
all("INSERT INTO READ_ME.note VALUES (1, 'Your data is backed up, send bitcoin'), (2, 'x')")
assert all("SELECT id FROM READ_ME.note ORDER BY id") == ((1,), (2,))
for table in tables:
    all("DROP TABLE " + table)
assert all("SHOW TABLES") == ()
for wrong, number in [("SELECT * FROM users", 1146), ("SELEC 1", 1064), ("USE nothing", 1049), ("LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE READ_ME.note", 4166)]:
    try:
        all(wrong)
        raise SystemExit(wrong)
    except pymysql.MySQLError as error:
        assert error.args[0] == number, (wrong, error)
c.ping(); c.close()
try:
    pymysql.connect(host="127.0.0.1", port=port, user="root", password="no list has this")
    raise SystemExit("let in")
except pymysql.MySQLError as error:
    assert error.args == (1045, "Access denied for user 'root'@'127.0.0.1' (using password: YES)"), error
d = mysql.connector.connect(host="127.0.0.1", port=port, user="root", password="123456", ssl_disabled=True, use_pure=True)
p = d.cursor(prepared=True)
p.execute("SELECT id, text, NULL, id * 2 FROM READ_ME.note WHERE id = %s AND text = %s", (2, "x"))
assert p.fetchall() == [(2, "x", None, 4)]
p.execute("INSERT INTO READ_ME.note VALUES (%s, %s)", (3, "it's"))
p.execute("SELECT text FROM READ_ME.note WHERE id = %s", (3,))
assert p.fetchall() == [("it's",)]
print("done")
"#;

/// Those of PyPI, with what one needs to encrypt a password.
fn clients() -> Option<std::path::PathBuf> {
    let packages = ["PyMySQL>=1.1,<2", "mysql-connector-python>=9,<10", "cryptography>=42"];
    python("mysql-clients", "pymysql, mysql.connector, cryptography", &packages)
}

#[test]
fn clients_of_python_read_change_and_prepare_and_a_ransom_note_is_told() {
    let Some(python) = clients() else { return };
    let house = open();
    let text = run(python.to_str().unwrap(), &["-c", VISIT, &house.port()]);
    let events = house.close();
    assert_eq!(text.trim(), "done");
    assert!(
        ["deletion", "ransom note", "client's file"].iter().all(|class| has_note(&events, class))
    );
    assert!(events.iter().any(|event| matches!(&event.detail, Detail::Note { value, .. } if value.raw().starts_with("$mysqlna$"))));
}

const LOGINS: &str = r#"
import sys, ssl, pymysql, mysql.connector
port, version = int(sys.argv[1]), sys.argv[2]
careless = ssl.create_default_context(); careless.check_hostname = False; careless.verify_mode = ssl.CERT_NONE
if version.startswith("5.7"):
    # Its TLS ends at 1.2, with suites that OpenSSL's clients still take.
    careless.maximum_version = ssl.TLSVersion.TLSv1_2
for kind in ({}, {"ssl": careless}):
    for password in ("no list has this", "123456", "123456"):
        try:
            c = pymysql.connect(host="127.0.0.1", port=port, user="root", password=password, **kind)
            q = c.cursor(); q.execute("SELECT @@version, %s", ("ä",))
            assert q.fetchone() == (version, "ä") and password == "123456"
            c.close()
        except pymysql.MySQLError as error:
            assert error.args[0] == 1045 and password != "123456", (kind, error)
d = mysql.connector.connect(host="127.0.0.1", port=port, user="root", password="123456", use_pure=True)
q = d.cursor()
q.execute("SELECT @@version"); assert q.fetchone() == (version,)
if not version.startswith("5.7"):
    q.add_attribute("from", "a test")
    q.execute("SELECT 'with attributes'"); assert q.fetchone() == ("with attributes",)
p = d.cursor(prepared=True)
p.execute("SELECT %s, %s * 2", ("x", 4)); assert p.fetchall() == [("x", 8)]
try:
    q.execute("SELEC 1"); raise SystemExit("answered")
except mysql.connector.Error as error:
    assert error.errno == 1064 and "MySQL server version" in error.msg, error
print("done")
"#;

#[test]
fn clients_log_in_to_either_mysql_in_the_clear_and_inside_tls_and_passwords_are_known() {
    let Some(python) = clients() else { return };
    for release in [MysqlRelease::V5_7, MysqlRelease::V8_4] {
        let house = open_of(release);
        let arguments = ["-c", LOGINS, &house.port(), release.name()];
        let text = run(python.to_str().unwrap(), &arguments);
        let events = house.close();
        assert_eq!(text.trim(), "done", "{}", release.name());
        let told = logins(&events);
        assert!(told.contains(&("root".to_owned(), "123456".to_owned(), true)));
        // What no list has is known where it was sent in full, and a hash elsewhere.
        let strange = ("root".to_owned(), "no list has this".to_owned(), false);
        let full = told.iter().filter(|login| **login == strange).count();
        assert_eq!(full, if release == MysqlRelease::V8_4 { 2 } else { 0 });
        assert!(events.iter().any(|event| matches!(&event.detail, Detail::Note { name, value } if name.raw() == "tls" && value.raw().starts_with("TLS"))));
    }
}

#[test]
fn debians_client_reads_mysql_inside_tls_and_without_by_the_servers_key() {
    if !installed("mariadb") {
        return;
    }
    let house = open_of(MysqlRelease::V8_4);
    let port = house.port();
    for more in [&["--ssl"][..], &["--skip-ssl"]] {
        let usual = ["-h", "127.0.0.1", "-P", &port, "-uroot", "-p123456"];
        let text = run("mariadb", &[&usual[..], more, &["-e", "select @@version; \\s"]].concat());
        assert!(text.contains("8.4.6\n"), "{text}");
        assert_eq!(text.contains("Cipher in use is TLS_"), more == ["--ssl"], "{text}");
    }
    house.close();
}

#[test]
fn nmap_names_mysql_its_release_and_its_plugin_and_what_its_scripts_guess_is_told() {
    if !installed("nmap") {
        return;
    }
    for (release, plugin) in [
        (MysqlRelease::V5_7, "mysql_native_password"),
        (MysqlRelease::V8_4, "caching_sha2_password"),
    ] {
        let house = open_of(release);
        let port = house.port();
        let scripts = "+mysql-info,+mysql-enum";
        let asked = ["-sV", "-Pn", "-n", "--script", scripts, "-p", &port, "127.0.0.1"];
        let text = run("nmap", &asked);
        let events = house.close();
        let line = text.lines().find(|line| line.contains("/tcp")).unwrap_or_default();
        assert!(line.contains(&format!("MySQL {}", release.name())), "{text}");
        assert!(text.contains(&format!("Auth Plugin Name: {plugin}")), "{text}");
        // mysql-enum greets as clients did before 4.1 (CVE-2012-5615), with an answer to no scramble.
        let told = |event: &Event| match &event.detail {
            Detail::Login { username: Some(name), password: None, accepted: false, .. } => {
                name.raw() == "root"
            }
            _ => false,
        };
        assert!(events.iter().any(told), "{text}");
        let noted = |event: &Event| matches!(&event.detail, Detail::Note { value, .. } if value.raw().starts_with("$mysql323$") && value.raw().ends_with("*504e5f5155454d45"));
        assert!(events.iter().any(noted), "{text}");
    }
}

#[test]
fn nmap_names_mariadb_and_its_release() {
    if !installed("nmap") {
        return;
    }
    let house = open();
    let port = house.port();
    let text =
        run("nmap", &["-sV", "-Pn", "-n", "--script", "mysql-info", "-p", &port, "127.0.0.1"]);
    house.close();
    let line = text.lines().find(|line| line.contains("/tcp")).unwrap_or_default();
    assert!(line.contains("mysql") && line.contains("10.11.14-MariaDB"), "{text}");
    assert!(text.contains("Auth Plugin Name: mysql_native_password"), "{text}");
}

#[test]
fn hydra_finds_the_weak_password_and_all_that_it_tries_are_known() {
    if !installed("hydra") {
        return;
    }
    for release in [MysqlRelease::MariaDb, MysqlRelease::V8_4] {
        hydra_guesses(open_of(release));
    }
}

fn hydra_guesses(house: House) {
    let list = house.folder().join("list");
    std::fs::write(&list, "no list has this\nqwerty\n").unwrap();
    let port = house.port();
    let arguments = [
        "-I",
        "-t",
        "1",
        "-l",
        "root",
        "-P",
        list.to_str().unwrap(),
        "-s",
        &port,
        "127.0.0.1",
        "mysql",
    ];
    let text = run("hydra", &arguments);
    let events = house.close();
    assert!(text.contains("login: root   password: qwerty"), "{text}");
    assert!(logins(&events).contains(&("root".to_owned(), "qwerty".to_owned(), true)));
}
