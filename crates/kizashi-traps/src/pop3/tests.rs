use super::TRAP;
use crate::{LoginSettings, Output, Visit, contract};
use std::sync::Arc;

use kizashi_event::{Port, Timestamp};

const NOW: Timestamp = Timestamp::from_seconds(1_795_582_440);

#[test]
fn every_transcript_holds_however_the_bytes_are_cut() {
    contract::replay_all(&TRAP);
}

#[test]
fn the_trap_keeps_the_contract() {
    contract::holds(&TRAP);
}

/// What is counted, listed and read agrees, and what is deleted is gone until it is not.
#[test]
fn one_who_is_in_reads_the_same_messages_by_every_command() {
    let logins = LoginSettings { tries: 1..=1, ..LoginSettings::default() };
    let identity = Arc::new(crate::Identity::draw([1; 32]).with_logins(logins));
    let source = [192, 0, 2, 7].into();
    let visit = Visit { source, destination: None, port: Port::tcp(110), encrypted: false };
    let mut session = (TRAP.begin)(&identity, visit);
    let mut out = Output::new(TRAP.service);
    session.open(NOW, &mut out);
    let mut say = |line: &str| {
        session.receive(format!("{line}\r\n").as_bytes(), NOW, &mut out);
        String::from_utf8(out.take_reply()).unwrap()
    };
    say("USER admin");
    assert_eq!(say("PASS admin"), "+OK Logged in.\r\n");
    let stat = say("STAT");
    let numbers: Vec<usize> =
        stat.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let (count, size) = (numbers[0], numbers[1]);
    assert!((3..=6).contains(&count), "{stat}");
    let mut read = 0;
    for number in 1..=count {
        let text = say(&format!("RETR {number}"));
        let (first, message) = text.split_once("\r\n").unwrap();
        let message = message.strip_suffix(".\r\n").unwrap();
        assert_eq!(first, format!("+OK {} octets", message.len()));
        assert!(message.contains("\r\nTo: admin@"), "{message}");
        read += message.len();
    }
    assert_eq!(read, size);
    say("DELE 1");
    assert!(say("STAT").starts_with(&format!("+OK {} ", count - 1)));
    assert_eq!(say("RETR 1"), "-ERR Message is deleted.\r\n");
    say("RSET");
    assert_eq!(say("STAT"), stat);
}
