//! curl, hydra and nmap against `pop3` and `imap`, in the clear and inside TLS.

use kizashi_traps::{Identity, LoginSettings, trap_named};

use crate::house::{House, installed, passwords, said};

fn house(name: &str) -> House {
    let logins = LoginSettings { tries: 1..=1, ..LoginSettings::default() };
    House::of(&[trap_named(name).unwrap()], Identity::draw([1; 32]).with_logins(logins))
}

fn curl(house: &House, scheme: &str, path: &str, more: &[&str]) -> String {
    let url = format!("{scheme}://127.0.0.1:{}/{path}", house.port());
    let usual = ["-sS", "--max-time", "60", "-u", "test:test"];
    said("curl", &[&usual[..], more, &[&url]].concat(), None)
}

#[test]
fn curl_reads_a_message_by_either_protocol_in_the_clear_and_inside_tls() {
    if !installed("curl") {
        return;
    }
    let pop3 = house("pop3");
    let listed = curl(&pop3, "pop3", "", &[]);
    assert!(listed.starts_with("1 "), "{listed}");
    let read = curl(&pop3, "pop3", "1", &["--ssl-reqd", "-k"]);
    assert!(read.starts_with("From: ") && read.contains("\r\nTo: test@"), "{read}");
    assert_eq!(passwords(&pop3.close()), [("test".to_owned(), true), ("test".to_owned(), true)]);
    let imap = house("imap");
    let listed = curl(&imap, "imap", "", &[]);
    assert!(listed.contains("* LIST (\\HasNoChildren) \"/\" INBOX"), "{listed}");
    let again = curl(&imap, "imap", "INBOX;MAILINDEX=1", &["--ssl-reqd", "-k"]);
    assert_eq!(again, read, "one message, whatever the protocol");
    let found = curl(&imap, "imap", "INBOX?ALL", &["--login-options", "AUTH=PLAIN"]);
    assert!(found.starts_with("* SEARCH 1 2 3"), "{found}");
    assert_eq!(passwords(&imap.close()).len(), 3);
}

#[test]
fn curl_and_openssl_read_where_tls_is_there_from_the_first_byte_on() {
    if !installed("curl") || !installed("openssl") {
        return;
    }
    for (name, scheme, port) in [("pop3", "pop3s", 10_995), ("imap", "imaps", 10_993)] {
        let logins = LoginSettings { tries: 1..=1, ..LoginSettings::default() };
        let identity = Identity::draw([1; 32]).with_logins(logins);
        let house = House::alone_at(trap_named(name).unwrap(), port, identity);
        let url = format!("{scheme}://{}/", house.address);
        let listed =
            said("curl", &["-sS", "-k", "--max-time", "60", "-u", "test:test", &url], None);
        assert!(listed.contains("1 ") || listed.contains("INBOX"), "{listed}");
        let address = house.address.to_string();
        let quit = if name == "pop3" { "QUIT" } else { "a LOGOUT" };
        let line = format!("echo '{quit}' | openssl s_client -crlf -quiet -connect {address} 2>&1");
        let shown = said("sh", &["-c", &line], None);
        assert!(shown.contains("Dovecot (Debian) ready."), "{shown}");
        assert_eq!(passwords(&house.close()), [("test".to_owned(), true)]);
    }
}

#[test]
fn hydra_finds_the_weak_password_by_either_protocol() {
    if !installed("hydra") {
        return;
    }
    for name in ["pop3", "imap"] {
        let house = house(name);
        let list = std::env::temp_dir().join(format!("kizashi-{name}-{}", std::process::id()));
        std::fs::write(&list, "zzyzx\nadmin\n").unwrap();
        let (port, file) = (house.port(), list.to_str().unwrap());
        let asked = ["-I", "-t", "2", "-l", "admin", "-P", file, "-s", &port, "127.0.0.1", name];
        let shown = said("hydra", &asked, None);
        std::fs::remove_file(list).unwrap();
        assert!(shown.contains("1 valid password found"), "{shown}");
        let told = passwords(&house.close());
        assert!(told.contains(&("zzyzx".to_owned(), false)), "{told:?}");
    }
}

#[test]
fn nmap_names_the_product_by_either_protocol() {
    if !installed("nmap") {
        return;
    }
    for (name, word) in [("pop3", "UIDL"), ("imap", "IDLE")] {
        let house = house(name);
        let port = house.port();
        let script = format!("+{name}-capabilities");
        let asked =
            ["-n", "-Pn", "-sV", "--version-light", "--script", &script, "-p", &port, "127.0.0.1"];
        let shown = said("nmap", &asked, None);
        house.close();
        assert!(shown.contains(&format!("Dovecot {name}d")), "{shown}");
        assert!(shown.contains(word), "{shown}");
    }
}
