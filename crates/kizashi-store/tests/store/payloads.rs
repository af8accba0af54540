//! Captured content: masked on the disk, given back whole, and never more of it than its quota.

use kizashi_event::{Detail, Event, Payload, PayloadHash, PayloadOrigin, Timestamp};
use kizashi_store::{Mode, Retention, Settings, Store};

use crate::support::{Folder, event, live, midnight, settings};

fn sent(number: u8, content: &[u8]) -> Event {
    let payload = Payload {
        sha256: PayloadHash([number; 32]),
        size: Some(content.len() as u64),
        content: content.to_vec(),
        origin: PayloadOrigin::Upload,
        name: None,
        url: None,
        left_out: false,
    };
    let detail = Detail::Payload(Box::new(payload));
    event(u64::from(number), midnight().plus(i64::from(number)), 1, 22, detail)
}

/// Bytes that do not compress, different for each number.
fn noise(number: u8, length: usize) -> Vec<u8> {
    let mut state = u64::from(number) + 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn no_captured_byte_lies_plain_on_the_disk_and_all_come_back() {
    let folder = Folder::new();
    let store = live(&folder, midnight().plus(Timestamp::DAY));
    let mut content = b"#!/bin/sh harmless look-alike of a dropper\n".to_vec();
    content.extend(noise(3, 5_000));
    store.write(vec![sent(1, &content)]).unwrap();
    store.flush().unwrap();
    let reader = store.reader().unwrap();
    assert_eq!(reader.payload_content(PayloadHash([1; 32])).unwrap(), Some(Some(content.clone())));
    assert_eq!(reader.payload_content(PayloadHash([2; 32])).unwrap(), None);
    let listed = reader.payloads(10).unwrap();
    assert_eq!((listed.len(), listed[0].events, listed[0].has_content), (1, 1, true));
    assert_eq!(listed[0].head, content[..64]);
    assert_eq!(listed[0].first, Some(midnight().plus(1)));
    drop((reader, store));
    let zstd_magic = [0x28, 0xb5, 0x2f, 0xfd];
    let mut looked_at = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        looked_at += bytes.len();
        assert!(!bytes.windows(16).any(|part| part == &content[..16]));
        assert!(!bytes.windows(16).any(|part| part == &content[2_000..2_016]));
        assert!(!bytes.windows(4).any(|part| part == zstd_magic));
    }
    assert!(looked_at > content.len());
}

#[test]
fn content_of_a_batch_that_is_begun_again_since_some_of_it_was_there_is_kept() {
    let folder = Folder::new();
    let store = live(&folder, midnight().plus(Timestamp::DAY));
    let known: Vec<Event> = (10..60).map(|number| sent(number, b"known")).collect();
    store.inlet().commit(known.clone()).unwrap();
    let content = noise(1, 300);
    let whole = [vec![sent(1, &content)], known, vec![sent(2, &content)]].concat();
    store.inlet().commit(whole).unwrap();
    let reader = store.reader().unwrap();
    for number in [1, 2] {
        let kept = reader.payload_content(PayloadHash([number; 32])).unwrap();
        assert_eq!(kept, Some(Some(content.clone())));
    }
    assert_eq!(reader.overview().unwrap().events, 52);
    assert_eq!(reader.payloads(100).unwrap().len(), 52);
}

#[test]
fn the_quota_holds_at_every_write_and_the_oldest_content_goes_first() {
    let folder = Folder::new();
    let now = midnight().plus(Timestamp::DAY);
    let retention = Retention { most_payload_bytes: 35_000, ..Retention::default() };
    let store =
        Store::open(folder.path(), Settings { retention, ..settings(now, Mode::Live) }).unwrap();
    // One transaction: no round of retention has a chance to run between.
    store.write((0..20).map(|number| sent(number, &noise(number, 10_000))).collect()).unwrap();
    store.flush().unwrap();
    let reader = store.reader().unwrap();
    let kept = || -> Vec<u8> {
        let payloads = reader.payloads(100).unwrap();
        assert_eq!(payloads.len(), if payloads[0].sha256.0[0] == 21 { 21 } else { 20 });
        payloads.iter().filter(|one| one.has_content).map(|one| one.sha256.0[0]).collect()
    };
    assert_eq!(kept(), [19, 18, 17]);
    assert_eq!(reader.payload_content(PayloadHash([4; 32])).unwrap(), Some(None));
    // What was let go and comes again is the newest.
    let mut again = sent(4, &noise(4, 10_000));
    again.id = kizashi_event::EventId(900);
    store.write(vec![again]).unwrap();
    store.flush().unwrap();
    assert_eq!(kept(), [4, 19, 18]);
    // What is larger than the whole quota is known and not kept.
    store.write(vec![sent(21, &noise(21, 50_000))]).unwrap();
    store.flush().unwrap();
    assert!(kept().is_empty());
    assert_eq!(store.maintain(now).unwrap().payloads, 0);
}

#[test]
fn a_smaller_quota_is_enforced_by_the_next_round_of_retention() {
    let folder = Folder::new();
    let now = midnight().plus(Timestamp::DAY);
    let store = live(&folder, now);
    store.write((0..5).map(|number| sent(number, &noise(number, 10_000))).collect()).unwrap();
    store.flush().unwrap();
    drop(store);
    let retention = Retention { most_payload_bytes: 20_100, ..Retention::default() };
    let store =
        Store::open(folder.path(), Settings { retention, ..settings(now, Mode::Live) }).unwrap();
    assert_eq!(store.maintain(now).unwrap().payloads, 3);
    let payloads = store.reader().unwrap().payloads(10).unwrap();
    assert_eq!(payloads.iter().filter(|one| one.has_content).count(), 2);
}

#[test]
fn content_that_was_left_out_is_known_and_kept_when_it_comes_again() {
    let folder = Folder::new();
    let store = live(&folder, midnight().plus(Timestamp::DAY));
    let mut without = sent(1, b"a dropper");
    assert!(without.detail.leave_content_out());
    store.write(vec![without]).unwrap();
    store.flush().unwrap();
    let reader = store.reader().unwrap();
    assert_eq!(reader.payload_content(PayloadHash([1; 32])).unwrap(), Some(None));
    let listed = reader.payloads(10).unwrap();
    assert_eq!((listed.len(), listed[0].events, listed[0].size), (1, 1, 9));
    let mut again = sent(1, b"a dropper");
    again.id = kizashi_event::EventId(900);
    store.write(vec![again]).unwrap();
    store.flush().unwrap();
    let content = reader.payload_content(PayloadHash([1; 32])).unwrap();
    assert_eq!(content, Some(Some(b"a dropper".to_vec())));
    assert_eq!(reader.payloads(10).unwrap().len(), 1);
}
