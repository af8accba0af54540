use super::TRAP;
use super::wire::Value::{Charset, Keyword, Language, Mime, Name, Uri};
use super::wire::Writer;
use crate::{Identity, contract};

/// A request of a client, with a document behind its attributes.
fn request(operation: u16, more: &[(&str, super::wire::Value)], document: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new((2, 0), operation, 1);
    for (name, value) in more {
        writer.put(name, std::slice::from_ref(value));
    }
    let body = [&writer.finish()[..], document].concat();
    let head = format!(
        "POST / HTTP/1.1\r\nContent-Length: {}\r\nContent-Type: application/ipp\r\nHost: 192.0.2.1:631\r\nUser-Agent: CUPS/2.4.2 (Linux 6.1.0; x86_64) IPP/2.0\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body].concat()
}

fn queue() -> String {
    let queues = super::queue::queues(&Identity::draw([7; 32]));
    queues[0].uri("192.0.2.1:631")
}

fn write_scripts() {
    let printer = || ("printer-uri", Uri(queue()));
    let user = || ("requesting-user-name", Name("root".to_owned()));
    let some = || ("requested-attributes", Keyword("printer-state".to_owned()));
    contract::scripted(
        &TRAP,
        "print.txt",
        "Who looks for printers and prints on the first.",
        &[
            request(0x4002, &[("requested-attributes", Keyword("printer-name".to_owned()))], b""),
            request(0x0b, &[printer(), some()], b""),
            request(
                0x02,
                &[
                    printer(),
                    user(),
                    ("job-name", Name("pwned.txt".to_owned())),
                    ("document-format", Mime("text/plain".to_owned())),
                ],
                b"SUBSCRIBE\n",
            ),
            request(0x0a, &[printer()], b""),
            request(0x05, &[printer(), user()], b""),
        ],
    );
    contract::scripted(
        &TRAP,
        "refused.txt",
        "Printers that are not there, what an administrator does, and attributes without an end.",
        &[
            request(0x0b, &[("printer-uri", Uri("ipp://192.0.2.1/printers/none".to_owned()))], b""),
            request(0x3c, &[printer()], b""),
            request(0x09, &[printer()], b""),
            request(
                0x4003,
                &[printer(), ("device-uri", Uri("socket://192.0.2.9:9100".to_owned()))],
                b"",
            ),
        ],
    );
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
fn the_first_queue_is_the_printer_of_the_raw_port() {
    for seed in 0..20 {
        let identity = Identity::draw([seed; 32]);
        let queues = super::queue::queues(&identity);
        assert_eq!(queues[0].model, crate::printer::model(&identity));
        assert!(!queues.iter().any(|queue| queue.name.contains([' ', '/'])), "{queues:?}");
    }
}

#[test]
fn a_request_names_its_own_charset_first_or_is_refused() {
    let mut writer = Writer::new((1, 1), 0x0b, 9);
    writer.put("attributes-charset", &[Charset("utf-8"), Charset("utf-8")]);
    writer.put("attributes-natural-language", &[Language("en")]);
    let body = writer.finish();
    let asked = super::wire::Asked::read(&body).unwrap();
    assert_eq!(asked.attributes[0].name, b"attributes-charset");
    // Its first bytes alone are no request.
    assert!(super::wire::Asked::read(&body[..7]).is_none());
}
