use std::sync::Arc;

use kizashi_event::{Detail, Port, Timestamp};

use super::address::{Fault, Path};
use super::content::Content;
use super::sasl;
use super::wire::Lines;
use crate::capture::Capture;
use crate::http::{base64, decode_base64};
use crate::{Identity, LoginSettings, Output, Session, Visit, contract};

const NOW: Timestamp = Timestamp::from_seconds(1_795_582_440);

#[test]
fn every_transcript_holds_however_the_bytes_are_cut() {
    contract::replay_all(&super::TRAP);
}

#[test]
fn the_trap_keeps_the_contract() {
    contract::holds(&super::TRAP);
}

#[test]
fn a_line_without_end_is_held_to_a_bound() {
    let mut lines = Lines::default();
    for _ in 0..1_000_000 {
        assert_eq!(lines.feed(b'a'), None);
    }
    assert_eq!(lines.feed(b'\n').map(|line| line.len()), Some(Lines::LONGEST));
}

fn read(text: &str) -> Result<(String, usize), Fault> {
    let path = Path::read(text.as_bytes(), b"TO:")?;
    Ok((String::from_utf8(path.address).unwrap(), path.options.len()))
}

#[test]
fn addresses_are_read_as_postfix_reads_them() {
    assert_eq!(read("TO:<a@b.test>"), Ok(("a@b.test".to_owned(), 0)));
    assert_eq!(read("to: a@b.test NOTIFY=NEVER"), Ok(("a@b.test".to_owned(), 1)));
    assert_eq!(read("TO:<\"a@b.test\"@here>"), Ok(("a@b.test@here".to_owned(), 0)));
    assert_eq!(read("TO:<@x,@y:a@b.test>"), Ok(("a@b.test".to_owned(), 0)));
    assert_eq!(read("TO:<a b>"), Err(Fault::Address));
    assert_eq!(read("TO:<a@b.test"), Err(Fault::Address));
    for none in ["TO:", "FROM:<a@b.test>", "T", ""] {
        assert_eq!(read(none), Err(Fault::Syntax), "{none}");
    }
}

fn content(text: &[u8]) -> (bool, Vec<u8>) {
    let mut content = Content::default();
    let over = text.iter().any(|byte| content.feed(*byte));
    (over, content.finish().map(|payload| payload.content).unwrap_or_default())
}

#[test]
fn a_message_ends_by_a_dot_alone_and_other_dots_are_part_of_it() {
    assert_eq!(content(b"a\r\n..b\r\n.c\r\n.\r\n"), (true, b"a\r\n.b\r\nc\r\n".to_vec()));
    assert_eq!(content(b"a\n.\n"), (true, b"a\n".to_vec()));
    let long = [vec![b'x'; 5000], b".\r\n".to_vec()].concat();
    assert_eq!(content(&long), (false, long.clone()));
    assert_eq!(content(b".\r\n"), (true, Vec::new()));
}

#[test]
fn a_message_without_end_is_held_to_a_bound() {
    let mut content = Content::default();
    for _ in 0..1_000_000 {
        assert!(!content.feed(b'a'));
    }
    assert!(content.held() <= Capture::KEPT + 2048);
}

/// A visit to a house that lets in at the second try.
struct Visitor {
    session: Box<dyn Session>,
    out: Output,
}

impl Visitor {
    fn of(seed: u8, port: u16) -> Self {
        let logins = LoginSettings { tries: 2..=2, ..LoginSettings::default() };
        let identity = Arc::new(Identity::draw([seed; 32]).with_logins(logins));
        let source = [192, 0, 2, 7].into();
        let visit = Visit { source, destination: None, port: Port::tcp(port), encrypted: false };
        let mut session = (super::TRAP.begin)(&identity, visit);
        let mut out = Output::new(super::TRAP.service);
        session.open(NOW, &mut out);
        let _ = out.take_reply();
        Self { session, out }
    }

    fn say(&mut self, line: &str) -> String {
        self.session.receive(format!("{line}\r\n").as_bytes(), NOW, &mut self.out);
        String::from_utf8(self.out.take_reply()).unwrap()
    }

    fn told(&mut self) -> Vec<Detail> {
        self.out.take_seen().into_iter().map(|seen| seen.detail).collect()
    }
}

#[test]
fn some_installations_relay_for_everybody_and_most_do_not() {
    let open = (0..60).filter(|seed| {
        let mut visitor = Visitor::of(*seed, 25);
        visitor.say("MAIL FROM:<a@b.test>");
        visitor.say("RCPT TO:<c@d.test>").starts_with("250")
    });
    let open = open.count();
    assert!((8..=32).contains(&open), "{open} of 60");
}

#[test]
fn submission_takes_nothing_before_a_login_and_everything_after() {
    for seed in 0..6 {
        let mut visitor = Visitor::of(seed, 587);
        visitor.say("MAIL FROM:<a@b.test>");
        let answer = visitor.say("RCPT TO:<c@d.test>");
        assert!(answer.starts_with("554 5.7.1 <c@d.test>: Recipient"), "{answer}");
        visitor.say("RSET");
        for word in ["test", "admin"] {
            let pair = format!("\0admin@here.test\0{word}");
            let pair = String::from_utf8(base64(pair.as_bytes())).unwrap();
            visitor.say(&format!("AUTH PLAIN {pair}"));
        }
        visitor.say("MAIL FROM:<a@b.test>");
        assert_eq!(visitor.say("RCPT TO:<c@d.test>"), "250 2.1.5 Ok\r\n");
    }
}

/// A guesser who never sends a password is let in as one who does.
#[test]
fn a_weak_password_is_told_by_its_answer_to_a_challenge() {
    let mut visitor = Visitor::of(1, 25);
    let mut answers = Vec::new();
    for password in ["no list has this", "12345678", "123456"] {
        let challenge = visitor.say("AUTH CRAM-MD5");
        let challenge = decode_base64(&challenge.trim().as_bytes()[4..]).unwrap();
        let answer = format!("admin {}", sasl::answer(&challenge, password.as_bytes()));
        let answer = String::from_utf8(base64(answer.as_bytes())).unwrap();
        answers.push(visitor.say(&answer)[..3].to_owned());
    }
    assert_eq!(answers.concat(), "535535235");
    let logins = visitor.told().into_iter().filter_map(|detail| match detail {
        Detail::Login { password, accepted, .. } => {
            Some((password.map(|text| text.raw().to_owned()), accepted))
        }
        _ => None,
    });
    let expected =
        [(None, false), (Some("12345678".to_owned()), false), (Some("123456".to_owned()), true)];
    assert_eq!(logins.collect::<Vec<_>>(), expected);
}

/// RFC 2195, 2.
#[test]
fn a_challenge_is_answered_as_in_the_standards_example() {
    let challenge = b"<1896.697170952@postoffice.reston.mci.net>";
    assert_eq!(sasl::answer(challenge, b"tanstaaftanstaaf"), "b913a602c7eda7a495b4e6e7334d3890");
}
