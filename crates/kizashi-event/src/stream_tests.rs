use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::{
    Detail, EventId, Payload, PayloadHash, PayloadOrigin, Port, Request, Service, SessionId,
    Timestamp,
};

fn event(content: &[u8]) -> Event {
    Event {
        time: Timestamp::from_seconds(1_740_000_000),
        id: EventId(7),
        sensor: Arc::from("here"),
        session: Some(SessionId(9)),
        source: "192.0.2.7".parse().unwrap(),
        source_port: 4711,
        destination: None,
        port: Port::tcp(80),
        service: Service::known("http"),
        detail: Detail::Request {
            request: Box::new(Request { target: "/\u{1b}[2J".into(), ..Request::default() }),
            body: Some(Box::new(Payload {
                sha256: PayloadHash([3; 32]),
                size: Some(content.len() as u64),
                content: content.to_vec(),
                origin: PayloadOrigin::Sent,
                name: None,
                url: None,
                left_out: false,
            })),
        },
    }
}

fn stream() -> Vec<u8> {
    let mut bytes = Vec::new();
    put_event(1, &event_payload(event(b"\0\xff body")).unwrap(), &mut bytes);
    put_counts(&TrapCounts { accepted: 5, lost: 2, ..TrapCounts::default() }, &mut bytes);
    put_event(2, &event_payload(event(b"")).unwrap(), &mut bytes);
    put_acknowledged(2, &mut bytes);
    bytes
}

fn decode(pieces: &[&[u8]]) -> Result<Vec<Frame>, FrameError> {
    let (mut decoder, mut frames) = (Decoder::default(), Vec::new());
    for piece in pieces {
        decoder.push(piece);
        while let Some(frame) = decoder.next_frame()? {
            frames.push(frame);
        }
    }
    Ok(frames)
}

#[test]
fn what_is_written_is_read_wherever_the_bytes_are_cut() {
    let bytes = stream();
    let whole = decode(&[&bytes]).unwrap();
    assert_eq!(whole.len(), 4);
    assert_eq!(whole[0].message, Message::Event(Box::new(event(b"\0\xff body"))));
    assert_eq!(whole[3], Frame { sequence: 2, message: Message::Acknowledged });
    for cut in 0..bytes.len() {
        let (first, second) = bytes.split_at(cut);
        assert_eq!(decode(&[first, second]).unwrap(), whole, "cut at {cut}");
    }
}

#[test]
fn one_bit_changed_anywhere_is_found_and_never_forgiven() {
    let bytes = stream();
    let first = HEAD + event_payload(event(b"\0\xff body")).unwrap().len();
    for bit in 0..first * 8 {
        let mut broken = bytes.clone();
        broken[bit / 8] ^= 1 << (bit % 8);
        // A length that grew within the bound waits for more; it can never be read as another frame.
        let frames = decode(&[&broken]);
        assert!(frames.as_ref().map_or(true, Vec::is_empty), "bit {bit}: {frames:?}");
    }
    let mut decoder = Decoder::default();
    decoder.push(&[b'X'; HEAD]);
    assert_eq!(decoder.next_frame(), Err(FrameError::Magic));
    decoder.push(&bytes);
    assert_eq!(decoder.next_frame(), Err(FrameError::Magic));
}

#[test]
fn a_frame_longer_than_any_is_refused_by_its_head_alone() {
    let mut head = vec![b'K', b'Z', 1, EVENT];
    head.extend_from_slice(&u32::MAX.to_le_bytes());
    head.extend_from_slice(&[0; 16]);
    assert_eq!(decode(&[&head]), Err(FrameError::Long(u32::MAX)));
    assert!(event_payload(event(&vec![1; LONGEST_PAYLOAD])).is_none());
}

#[test]
fn content_without_a_payload_and_lengths_that_lie_are_refused() {
    let mut plain = event(b"");
    plain.detail = Detail::Connect;
    let mut payload = event_payload(plain).unwrap();
    payload.push(0);
    let mut bytes = Vec::new();
    put_event(1, &payload, &mut bytes);
    assert_eq!(decode(&[&bytes]), Err(FrameError::Payload));
    let mut bytes = Vec::new();
    put_event(1, &[255, 0, 0, 0, b'{'], &mut bytes);
    assert_eq!(decode(&[&bytes]), Err(FrameError::Payload));
}

proptest! {
    #[test]
    fn no_bytes_break_the_decoder(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz(&bytes);
    }

    #[test]
    fn a_hostile_payload_under_a_right_sum_breaks_nothing(
        kind in 0_u8..6, sequence: u64, payload in prop::collection::vec(any::<u8>(), 0..200)
    ) {
        let mut bytes = Vec::new();
        put(kind, sequence, &payload, &mut bytes);
        fuzz(&bytes);
    }

    #[test]
    fn a_valid_event_with_bytes_exchanged_breaks_nothing(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8)
    ) {
        let mut payload = event_payload(event(b"body")).unwrap();
        for (at, byte) in changes {
            let at = at.index(payload.len());
            payload[at] = byte;
        }
        let mut bytes = Vec::new();
        put_event(1, &payload, &mut bytes);
        fuzz(&bytes);
    }
}
