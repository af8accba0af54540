//! swaks, curl, hydra and nmap against the `smtp` trap.

use kizashi_event::{Detail, Event, Payload};
use kizashi_traps::trap_named;

use crate::house::{House, installed, notes, passwords, said};

fn house() -> House {
    House::tcp(trap_named("smtp").unwrap())
}

fn messages(events: &[Event]) -> Vec<&Payload> {
    events.iter().filter_map(|event| event.detail.payload()).collect()
}

fn swaks(house: &House, more: &[&str]) -> String {
    let port = house.port();
    let usual = ["--server", "127.0.0.1", "--port", &port, "--ehlo", "swaks.test"];
    let whole = ["--from", "a@b.test", "--to", "postmaster@localhost", "--body", "kept whole"];
    said("swaks", &[&usual[..], &whole, more].concat(), None)
}

#[test]
fn swaks_sends_in_the_clear_and_inside_starttls_and_what_it_sent_is_kept() {
    if !installed("swaks") {
        return;
    }
    let house = house();
    let plain = swaks(&house, &[]);
    assert!(plain.contains("<-  250 2.0.0 Ok: queued as "), "{plain}");
    let sealed = swaks(&house, &["--tls"]);
    assert!(
        sealed.contains("=== TLS started") && sealed.contains("<~  250 2.0.0 Ok: queued as "),
        "{sealed}"
    );
    // Nobody is greeted a second time, and TLS is not offered inside TLS.
    assert!(!sealed.contains("<~  220") && !sealed.contains("<~  250-STARTTLS"), "{sealed}");
    let events = house.close();
    let messages = messages(&events);
    assert_eq!(messages.len(), 2, "{messages:?}");
    for message in messages {
        let text = String::from_utf8_lossy(&message.content);
        assert!(
            text.contains("To: postmaster@localhost\r\n") && text.contains("kept whole"),
            "{text}"
        );
    }
    let envelopes = notes(&events, "envelope");
    assert!(
        envelopes
            .iter()
            .all(|told| told.starts_with("from <a@b.test> to <postmaster@localhost>, kept as ")),
        "{envelopes:?}"
    );
    assert!(!notes(&events, "tls").is_empty());
}

#[test]
fn swaks_sends_to_the_ports_of_submission_and_of_tls_from_the_first_byte_on() {
    if !installed("swaks") {
        return;
    }
    for (port, more) in [(10_465, &["--tls-on-connect"][..]), (10_587, &["--tls"])] {
        let house = House::tcp_at(trap_named("smtp").unwrap(), port);
        let (server, port) = (house.address.ip().to_string(), house.port());
        let usual = ["--server", &server, "--port", &port, "--ehlo", "swaks.test"];
        let login = ["--auth", "PLAIN", "--auth-user", "admin", "--auth-password", "zzyzx"];
        let whole = ["--from", "a@b.test", "--to", "postmaster@localhost", "--body", "kept"];
        let shown = said("swaks", &[&usual[..], &login, &whole, more].concat(), None);
        assert!(shown.contains("=== TLS started") && shown.contains("535 5.7.8"), "{shown}");
        let events = house.close();
        assert_eq!(passwords(&events), [("zzyzx".to_owned(), false)]);
        assert!(!notes(&events, "tls").is_empty());
    }
}

#[test]
fn swaks_logs_in_by_each_mechanism_and_is_told_apart_by_its_password() {
    if !installed("swaks") {
        return;
    }
    let house = house();
    for (kind, password) in [("LOGIN", "one"), ("PLAIN", "two"), ("CRAM-MD5", "123456")] {
        swaks(&house, &["--auth", kind, "--auth-user", "admin", "--auth-password", password]);
    }
    let told = passwords(&house.close());
    let expected = [("one", false), ("two", false), ("123456", true)];
    assert_eq!(told, expected.map(|(word, right)| (word.to_owned(), right)));
}

#[test]
fn curl_sends_with_a_login_to_far_away_and_nothing_leaves() {
    if !installed("curl") {
        return;
    }
    let house = house();
    let url = format!("smtp://{}/probe.test", house.address);
    let message = std::env::temp_dir().join(format!("kizashi-mail-{}", std::process::id()));
    std::fs::write(&message, "Subject: relay\r\n\r\n.dots\r\n").unwrap();
    let file = message.to_str().unwrap();
    let fixed = ["-sS", "-T", file, "--mail-from", "a@b.test", "--mail-rcpt", "c@d.test"];
    let mut shown = String::new();
    for word in ["admin", "password", "12345678", "123456"] {
        let pair = format!("admin:{word}");
        shown = said("curl", &[&fixed[..], &["-u", &pair, &url]].concat(), None);
        if shown.is_empty() {
            break;
        }
    }
    std::fs::remove_file(message).unwrap();
    assert_eq!(shown, "");
    let events = house.close();
    assert!(passwords(&events).last().unwrap().1);
    let messages = messages(&events);
    assert!(messages[0].content.ends_with(b"\r\n.dots\r\n"), "{:?}", messages[0].content);
}

#[test]
fn hydra_finds_the_weak_password() {
    if !installed("hydra") {
        return;
    }
    let house = house();
    let list = std::env::temp_dir().join(format!("kizashi-mail-list-{}", std::process::id()));
    std::fs::write(&list, "zzyzx\n123456\nadmin\n").unwrap();
    let port = house.port();
    let file = list.to_str().unwrap();
    let asked = ["-I", "-t", "1", "-l", "admin", "-P", file, "-s", &port, "127.0.0.1", "smtp"];
    let shown = said("hydra", &asked, None);
    std::fs::remove_file(list).unwrap();
    assert!(shown.contains("1 valid password found"), "{shown}");
    let told = passwords(&house.close());
    assert_eq!(told.first(), Some(&("zzyzx".to_owned(), false)), "{told:?}");
}

#[test]
fn nmap_names_the_product_and_its_scripts_read_the_list() {
    if !installed("nmap") {
        return;
    }
    let house = house();
    let port = house.port();
    let asked = [
        "-n",
        "-Pn",
        "-sV",
        "--version-light",
        "--script",
        "smtp-commands",
        "-p",
        &port,
        "127.0.0.1",
    ];
    let shown = said("nmap", &asked, None);
    assert!(shown.contains("smtp    Postfix smtpd"), "{shown}");
    assert!(shown.contains("PIPELINING, SIZE 10240000, VRFY, ETRN, STARTTLS"), "{shown}");
    let events = house.close();
    let named =
        events.iter().any(|event| matches!(&event.detail, Detail::Client { version: Some(_), .. }));
    assert!(named);
}
