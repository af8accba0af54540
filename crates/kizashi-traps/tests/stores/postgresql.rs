//! psql of Debian 12, over TLS as it comes; nmap, which must name the product; hydra and nmap with lists of passwords.

use kizashi_event::Detail;
use kizashi_traps::{Identity, LoginSettings, OperatingSystem};

use crate::house::{House, has_note, installed, logins, run};

/// A server that a weak password opens at the first try.
fn open(seed: u8, system: OperatingSystem) -> House {
    let logins = LoginSettings { tries: 1..=1, ..LoginSettings::default() };
    let identity = Identity::draw([seed; 32]).with_operating_system(system);
    House::of_trap("postgresql", identity.with_logins(logins))
}

fn psql(house: &House, commands: &[&str]) -> String {
    let port = house.port();
    let address =
        format!("postgresql://postgres:postgres@127.0.0.1:{port}/postgres?sslmode=require");
    let mut arguments = vec!["-X", "-A", address.as_str()];
    commands.iter().for_each(|command| arguments.extend(["-c", command]));
    run("psql", &arguments)
}

#[test]
fn psql_lists_what_is_there_and_a_program_that_copy_runs_answers() {
    if !installed("psql") {
        return;
    }
    let house = open(1, OperatingSystem::Debian12);
    let text = psql(
        &house,
        &[
            "\\conninfo",
            "create table t(a text)",
            "\\l",
            "\\dt",
            "\\d t",
            "\\du",
            "\\dn",
            "\\dx",
            "select version()",
            "copy t from program 'id -un; uname -s'; select * from t",
            "select pg_ls_dir('/etc') limit 2",
            "select 1 = 1 as yes, null, 3/2 as whole, 'a' || 'b' as joined",
            "select 'x'::int",
            "selec 1",
            "drop table t",
        ],
    );
    let events = house.close();
    for part in [
        "SSL connection (protocol: TLSv1.3",
        "template1|postgres|UTF8|C.UTF-8|C.UTF-8||libc|=c/postgres",
        "public|t|table|postgres",
        "a|text|||",
        "postgres|Superuser, Create role, Create DB, Replication, Bypass RLS|{}",
        "public|pg_database_owner",
        "PostgreSQL 15.18 (Debian 15.18-0+deb12u1) on x86_64-pc-linux-gnu",
        "a\npostgres\nLinux\n(2 rows)",
        "t||1|ab",
        "ERROR:  invalid input syntax for type integer: \"x\"",
        "ERROR:  syntax error at or near \"selec\"\nLINE 1: selec 1\n        ^",
        "DROP TABLE",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(logins(&events).contains(&("postgres".to_owned(), "postgres".to_owned(), true)));
    assert!(has_note(&events, "program") && has_note(&events, "deletion"));
}

#[test]
fn a_library_comes_by_a_large_object_and_its_function_runs_a_line() {
    if !installed("psql") {
        return;
    }
    let house = open(2, OperatingSystem::Ubuntu22);
    let library = format!("select lo_from_bytea(4242, '\\x{}')", "7f454c4602010100".repeat(64));
    let text = psql(
        &house,
        &[
            &library,
            "select lo_export(4242, '/tmp/u.so')",
            "create function sys_eval(text) returns text as '/tmp/u.so','sys_eval' language c strict",
            "select sys_eval('echo it runs')",
        ],
    );
    let events = house.close();
    assert!(text.contains("CREATE FUNCTION\nsys_eval\nit runs"), "{text}");
    let kept = events.iter().filter_map(|event| event.detail.payload());
    let named =
        kept.filter(|kept| kept.name.as_ref().is_some_and(|name| name.raw() == "/tmp/u.so"));
    assert_eq!(named.map(|kept| kept.content.len()).collect::<Vec<_>>(), [512]);
}

#[test]
fn nmap_names_the_product_and_its_guesser_finds_the_password() {
    if !installed("nmap") {
        return;
    }
    let house = open(3, OperatingSystem::Debian11);
    let port = house.port();
    let folder = house.folder().to_owned();
    let (users, passwords) = (folder.join("users"), folder.join("passwords"));
    std::fs::write(&users, "postgres\n").unwrap();
    std::fs::write(&passwords, "no list has this\n123456\n").unwrap();
    let lists =
        format!("userdb={},passdb={},brute.threads=1", users.display(), passwords.display());
    let arguments = [
        "-sV",
        "-Pn",
        "-n",
        "--script",
        "+pgsql-brute",
        "--script-args",
        &lists,
        "-p",
        &port,
        "127.0.0.1",
    ];
    let text = run("nmap", &arguments);
    let events = house.close();
    let line = text.lines().find(|line| line.contains("/tcp")).unwrap_or_default();
    assert!(
        line.contains("PostgreSQL DB 9.6.0 or later") || line.contains("PostgreSQL DB 1"),
        "{text}"
    );
    assert!(text.contains("postgres:123456 => Valid credentials"), "{text}");
    assert!(logins(&events).contains(&("postgres".to_owned(), "123456".to_owned(), true)));
}

#[test]
fn hydra_finds_the_weak_password_and_what_no_list_has_is_noted() {
    if !installed("hydra") {
        return;
    }
    let house = open(4, OperatingSystem::Debian12);
    let list = house.folder().join("list");
    std::fs::write(&list, "no list has this\nqwerty\n").unwrap();
    // hydra forgets its own port where it gives the work to the library.
    let address = house.at_usual_port(5_432);
    let list = list.to_str().unwrap();
    let text = run("hydra", &["-I", "-t", "1", "-l", "postgres", "-P", list, &address, "postgres"]);
    let events = house.close();
    assert!(text.contains("login: postgres   password: qwerty"), "{text}");
    assert!(logins(&events).contains(&("postgres".to_owned(), "qwerty".to_owned(), true)));
    let told = |detail: &Detail| match detail {
        Detail::Note { name, .. } => name.raw() == "postgresql challenge and response",
        Detail::Login { password: Some(password), .. } => password.raw() == "no list has this",
        _ => false,
    };
    assert!(events.iter().any(|event| told(&event.detail)));
}
