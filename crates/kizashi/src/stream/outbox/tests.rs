use kizashi_event::stream::{Frame, put_acknowledged};
use kizashi_event::{Detail, EventId, Port, Service, SessionId, Timestamp};

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
    std::thread::spawn(move || writing.write(TrapCounts::default));
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
