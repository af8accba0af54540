use kizashi_event::stream::{Frame, TrapCounts, put_acknowledged, put_counts};
use kizashi_event::{
    Detail, EventId, Payload, PayloadHash, PayloadOrigin, Port, Service, SessionId, Timestamp,
};

use super::*;

fn event(number: u64) -> Event {
    Event {
        time: Timestamp::from_seconds(1_740_000_000),
        id: EventId(number),
        sensor: Arc::from("here"),
        session: Some(SessionId(1)),
        source: "192.0.2.1".parse().unwrap(),
        source_port: 1,
        destination: None,
        port: Port::tcp(22),
        service: Service::UNKNOWN,
        detail: Detail::Connect,
    }
}

fn outbox() -> Arc<Outbox> {
    let outbox = Arc::new(Outbox::default());
    let writing = Arc::clone(&outbox);
    std::thread::spawn(move || writing.write(TrapCounts::default, put_counts));
    outbox
}

fn read(stream: &mut UnixStream, wanted: usize) -> Vec<Frame> {
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let (mut decoder, mut frames, mut buffer) = (Decoder::default(), Vec::new(), [0; 4096]);
    while frames.len() < wanted {
        let count = stream.read(&mut buffer).unwrap();
        decoder.push(&buffer[..count]);
        while let Some(frame) = decoder.next_frame().unwrap() {
            frames.push(frame);
        }
    }
    frames
}

#[test]
fn what_was_not_acknowledged_is_sent_again_to_the_next_core_and_nothing_else() {
    let outbox = outbox();
    (1..=3).for_each(|number| outbox.record(event(number)));
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    outbox.connect(ours).unwrap();
    let sequences: Vec<u64> = read(&mut theirs, 3).iter().map(|frame| frame.sequence).collect();
    assert_eq!(sequences, [1, 2, 3]);
    let mut said = Vec::new();
    put_acknowledged(2, &mut said);
    theirs.write_all(&said).unwrap();
    let began = Instant::now();
    while outbox.lock().events.len() > 1 {
        assert!(began.elapsed() < Duration::from_secs(5));
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(theirs);
    outbox.record(event(4));
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    outbox.connect(ours).unwrap();
    let sequences: Vec<u64> = read(&mut theirs, 2).iter().map(|frame| frame.sequence).collect();
    assert_eq!(sequences, [3, 4]);
}

#[test]
fn without_a_core_the_bound_holds_and_what_is_lost_is_counted() {
    let outbox = Outbox::default();
    (0..MOST_WAITING as u64 + 10).for_each(|number| outbox.record(event(number)));
    assert_eq!((outbox.lock().events.len(), outbox.lost()), (MOST_WAITING, 10));
    assert!(outbox.lock().bytes <= MOST_BYTES);
}

#[test]
fn content_that_has_no_room_is_left_out_and_its_event_is_told_with_length_and_hash() {
    const CONTENT: usize = 64 * 1024;
    let with_content = |number| Event {
        detail: Detail::Payload(Box::new(Payload {
            sha256: PayloadHash([3; 32]),
            size: Some(CONTENT as u64),
            content: vec![b'x'; CONTENT],
            origin: PayloadOrigin::Sent,
            name: None,
            url: None,
            left_out: false,
        })),
        ..event(number)
    };
    let outbox = outbox();
    let events = (MOST_BYTES / CONTENT) as u64 + 100;
    (0..events).for_each(|number| outbox.record(with_content(number)));
    let left_out = outbox.left_out();
    assert_eq!(outbox.lost(), 0);
    assert!(left_out > 100 && outbox.lock().bytes <= MOST_BYTES, "{left_out}");
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    outbox.connect(ours).unwrap();
    let (mut whole, mut without) = (0, 0);
    for frame in read(&mut theirs, usize::try_from(events).unwrap()) {
        let Message::Event(event) = frame.message else { panic!("only events were told") };
        let payload = event.detail.payload().unwrap();
        assert_eq!((payload.size, payload.sha256.0), (Some(CONTENT as u64), [3; 32]));
        assert_eq!(payload.left_out, payload.content.is_empty());
        if payload.left_out { without += 1 } else { whole += 1 }
    }
    assert_eq!((whole, without), (events - left_out, left_out));
}
