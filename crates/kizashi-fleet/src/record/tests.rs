use std::sync::Arc;

use kizashi_event::{
    Detail, EventId, PayloadHash, PayloadOrigin, Port, Service, SessionId, Timestamp,
};
use proptest::prelude::*;

use super::*;

const PLACE: Place = Place { epoch: 7, number: 3 };

fn event(id: u64, detail: Detail) -> Event {
    Event {
        time: Timestamp::from_seconds(1_740_000_000),
        id: EventId(id),
        sensor: Arc::from("here"),
        session: Some(SessionId(1)),
        source: "192.0.2.1".parse().unwrap(),
        source_port: 1,
        destination: None,
        port: Port::tcp(22),
        service: Service::UNKNOWN,
        detail,
    }
}

fn payload(content: &[u8]) -> Detail {
    Detail::Payload(Box::new(kizashi_event::Payload {
        sha256: PayloadHash(Sha256::digest(content).into()),
        size: Some(content.len() as u64),
        content: content.to_vec(),
        origin: PayloadOrigin::Sent,
        name: None,
        url: None,
        left_out: false,
    }))
}

fn batch(events: &[Event]) -> Vec<u8> {
    let mut gatherer = Gatherer::default();
    for event in events {
        let (entry, _) = entry_of(event.clone()).unwrap();
        assert!(gatherer.has_room(&entry));
        gatherer.add(&entry);
    }
    gatherer.take(PLACE).unwrap()
}

/// A record with its sum made right again, as a hostile sensor sends it.
fn resealed(mut record: Vec<u8>) -> Vec<u8> {
    let sum = sum_of(&record[..HEAD - 8], &record[HEAD..]);
    record[HEAD - 8..HEAD].copy_from_slice(&sum.to_le_bytes());
    record
}

#[test]
fn events_travel_and_long_content_travels_apart_under_its_hash() {
    let (short, long) = (vec![1; MOST_INLINE], vec![2; MOST_INLINE + 1]);
    let events = [event(1, Detail::Connect), event(2, payload(&short)), event(3, payload(&long))];
    let record = read(&batch(&events)).unwrap();
    assert_eq!(record.place, PLACE);
    let Body::Events(travelled) = record.body else { panic!("{record:?}") };
    let bare = |it: &Travelling| it.content.is_none();
    assert_eq!(travelled.iter().map(bare).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!([&travelled[0].event, &travelled[1].event], [&events[0], &events[1]]);
    let (_, taken) = entry_of(events[2].clone()).unwrap();
    let (hash, content) = taken.unwrap();
    assert_eq!((Some(hash), &content), (travelled[2].content, &long));
    let apart = read(&content_record(PLACE, &hash, &content)).unwrap();
    assert_eq!(apart.body, Body::Content(hash, long));
}

#[test]
fn a_heartbeat_travels_and_a_version_that_is_no_version_is_refused() {
    let status = Status { version: "1.2.3-rc1".to_owned(), waiting_bytes: 5, ..Status::default() };
    let record = read(&heartbeat_record(9, &status)).unwrap();
    assert_eq!(record.place, Place { epoch: 9, number: 0 });
    assert_eq!(record.body, Body::Heartbeat(status));
    for version in ["<b>", "a\n", &"1".repeat(33)] {
        let status = Status { version: version.to_owned(), ..Status::default() };
        assert_eq!(read(&heartbeat_record(9, &status)), Err(RecordError::Body));
    }
}

#[test]
fn whatever_is_cut_changed_or_longer_than_it_says_is_refused() {
    let whole = batch(&[event(1, Detail::Connect), event(2, Detail::Connect)]);
    for end in 0..whole.len() {
        assert!(read(&whole[..end]).is_err(), "cut at {end}");
    }
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        assert!(read(&changed).is_err(), "changed at {at}");
    }
    let with = |at: usize, byte: u8| {
        let mut changed = whole.clone();
        changed[at] = byte;
        read(&resealed(changed))
    };
    assert_eq!(with(3, 2), Err(RecordError::Version(2)));
    assert_eq!(with(4, 9), Err(RecordError::Kind(9)));
    assert_eq!(with(5, 1), Err(RecordError::Body), "what is zero now may mean something later");
    assert_eq!(with(24, 3), Err(RecordError::Body), "more events announced than came");
    assert_eq!(with(26, 0xff), Err(RecordError::Long));
    assert_eq!(with(31, 0xff), Err(RecordError::Long));
    assert_eq!(with(28, 1), Err(RecordError::Body), "a bomb: more came than was announced");
    let mut long = whole;
    long.resize(MOST_PACKED + 1, 0);
    assert_eq!(read(&resealed(long)), Err(RecordError::Long));
}

#[test]
fn content_under_a_hash_that_is_not_its_own_is_refused() {
    assert_eq!(read(&content_record(PLACE, &[0; 32], b"content")), Err(RecordError::Body));
    let empty = ContentHash::from(Sha256::digest(b""));
    assert_eq!(read(&content_record(PLACE, &empty, b"")), Err(RecordError::Body));
}

#[test]
fn an_event_that_refers_to_content_and_brings_some_is_refused() {
    let (mut entry, _) = entry_of(event(1, payload(b"short"))).unwrap();
    entry.content = Some([1; 32]);
    let mut gatherer = Gatherer::default();
    gatherer.add(&entry);
    assert_eq!(read(&gatherer.take(PLACE).unwrap()), Err(RecordError::Body));
}

#[test]
fn a_record_is_full_before_it_is_longer_than_the_servers_let_through() {
    let mut gatherer = Gatherer::default();
    // Text that does not pack.
    let noise = |number: u64| {
        let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let text: String = (0..4_000)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                char::from(33 + (state % 90) as u8)
            })
            .collect();
        Detail::Command { line: text.into(), known: None }
    };
    let mut number = 0;
    loop {
        let (entry, _) = entry_of(event(number, noise(number))).unwrap();
        if !gatherer.has_room(&entry) {
            break;
        }
        gatherer.add(&entry);
        number += 1;
    }
    assert!(number > 50, "{number}");
    let record = gatherer.take(PLACE).unwrap();
    assert!(record.len() < MOST_PACKED, "{}", record.len());
    assert!(read(&record).is_ok());
    assert_eq!(gatherer.take(PLACE), None);
}

proptest! {
    #[test]
    fn any_body_under_a_right_sum_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz(&bytes);
    }
}
