//! Bytes to frames (RFC 9113, 4 and 6), without looking at what they mean for the connection. A `DATA` frame is handed on in the pieces in
//! which it comes and a frame of a kind that nobody knows is passed over, because nginx allows frames of 16 MB; all others are
//! held whole, and none of those may be long.

/// Bytes of a frame that is held: a block of fields at most.
const HELD: usize = 32 * 1024;
/// Bytes of a frame's head.
const HEAD: usize = 9;

pub(super) const END_STREAM: u8 = 1;
pub(super) const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
const PRIORITY: u8 = 0x20;

/// RFC 9113, 7; and what nghttp2 says of its own where it was flooded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ErrorCode(pub(super) u32);

impl ErrorCode {
    pub(super) const NONE: Self = Self(0);
    pub(super) const PROTOCOL: Self = Self(1);
    pub(super) const INTERNAL: Self = Self(2);
    pub(super) const FLOW_CONTROL: Self = Self(3);
    pub(super) const STREAM_CLOSED: Self = Self(5);
    pub(super) const FRAME_SIZE: Self = Self(6);
    pub(super) const REFUSED: Self = Self(7);
    pub(super) const COMPRESSION: Self = Self(9);
    pub(super) const CALM: Self = Self(11);
    /// nghttp2's own `-904`.
    pub(super) const FLOODED: Self = Self(0xffff_fc78);
    /// nghttp2's own `-905`.
    pub(super) const CONTINUATIONS: Self = Self(0xffff_fc77);
}

/// What a visitor may send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// A `DATA` frame of this length, padding and all, begins. Its parts follow.
    DataBegins {
        stream: u32,
        length: usize,
        ends: bool,
    },
    /// A part of it.
    Data {
        stream: u32,
        bytes: Vec<u8>,
        last: bool,
        ends: bool,
    },
    Headers {
        stream: u32,
        block: Vec<u8>,
        whole: bool,
        ends: bool,
        priority: Option<Priority>,
    },
    Continuation {
        stream: u32,
        block: Vec<u8>,
        whole: bool,
    },
    Priority {
        stream: u32,
        priority: Priority,
    },
    Reset {
        stream: u32,
    },
    /// `None` is the acknowledgement of ours.
    Settings(Option<Vec<(u16, u32)>>),
    PushPromise,
    Ping {
        data: [u8; 8],
        answer: bool,
    },
    GoAway,
    WindowUpdate {
        stream: u32,
        increment: u32,
    },
    /// Of a kind that is not known, to be ignored (5.5).
    Unknown,
}

/// RFC 7540, 5.3, as fingerprints show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Priority {
    pub(super) exclusive: bool,
    pub(super) on: u32,
    /// From 1 to 256.
    pub(super) weight: u16,
}

/// A frame that is none: the connection ends with this, and nghttp2 says why in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken(pub(super) ErrorCode, pub(super) &'static str);

/// Collects bytes and cuts frames out of them.
#[derive(Debug)]
pub(super) struct FrameReader {
    buffer: Vec<u8>,
    at: usize,
    /// The longest frame allowed to the visitor.
    longest: usize,
    inside: Option<Inside>,
}

/// A frame of which a part was handed on.
#[derive(Clone, Copy, Debug)]
enum Inside {
    Data { stream: u32, left: usize, padding: usize, ends: bool },
    Skipped { left: usize },
}

impl FrameReader {
    pub(super) const fn new(longest: usize) -> Self {
        Self { buffer: Vec::new(), at: 0, longest, inside: None }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.at);
        self.at = 0;
        self.buffer.extend_from_slice(bytes);
    }

    pub(super) fn memory(&self) -> usize {
        self.buffer.len()
    }

    /// What has come and was not read, for the record.
    pub(super) fn take_rest(&mut self) -> Vec<u8> {
        let rest = self.buffer.split_off(self.at);
        (self.buffer, self.at, self.inside) = (Vec::new(), 0, None);
        rest
    }

    fn take(&mut self, count: usize) -> &[u8] {
        let begin = self.at;
        self.at = (begin + count).min(self.buffer.len());
        &self.buffer[begin..self.at]
    }

    /// Takes as much of these bytes as has come, and gives how much; `None` where something else came.
    pub(super) fn expect(&mut self, expected: &[u8]) -> Option<usize> {
        let held = &self.buffer[self.at..];
        let count = held.len().min(expected.len());
        if held[..count] != expected[..count] {
            return None;
        }
        self.at += count;
        Some(count)
    }

    /// The next frame; `None` until more bytes come.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, Broken> {
        let held = self.buffer.len() - self.at;
        match self.inside {
            Some(Inside::Skipped { left }) => {
                let count = left.min(held);
                let _ = self.take(count);
                self.inside = (count < left).then_some(Inside::Skipped { left: left - count });
                return if self.inside.is_none() { Ok(Some(Frame::Unknown)) } else { Ok(None) };
            }
            Some(Inside::Data { stream, left, padding, ends }) => {
                return Ok(self.data(stream, left, padding, ends));
            }
            None => {}
        }
        let Some(&[a, b, c, kind, flags, s0, s1, s2, s3]) = self.buffer[self.at..].first_chunk()
        else {
            return Ok(None);
        };
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        let stream = u32::from_be_bytes([s0 & 0x7f, s1, s2, s3]);
        if length > self.longest {
            return Err(Broken(ErrorCode::FRAME_SIZE, "too large frame size"));
        }
        match kind {
            0 => self.begin_data(length, flags, stream),
            1..=9 => {
                if length > HELD {
                    return Err(Broken(ErrorCode::CALM, ""));
                }
                if held < HEAD + length {
                    return Ok(None);
                }
                let payload = self.take(HEAD + length)[HEAD..].to_vec();
                known(kind, flags, stream, payload).map(Some)
            }
            _ => {
                let _ = self.take(HEAD);
                self.inside = Some(Inside::Skipped { left: length });
                self.next()
            }
        }
    }

    fn begin_data(
        &mut self,
        length: usize,
        flags: u8,
        stream: u32,
    ) -> Result<Option<Frame>, Broken> {
        if stream == 0 {
            return Err(Broken(ErrorCode::PROTOCOL, "DATA: stream_id == 0"));
        }
        let padded = flags & PADDED != 0;
        let mut padding = 0;
        if padded {
            let Some(count) = self.buffer.get(self.at + HEAD).filter(|_| length > 0) else {
                return if length == 0 { Err(Broken(ErrorCode::FRAME_SIZE, "")) } else { Ok(None) };
            };
            padding = usize::from(*count);
            if padding + 1 > length {
                return Err(Broken(ErrorCode::PROTOCOL, "DATA: invalid padding"));
            }
        }
        let _ = self.take(HEAD + usize::from(padded));
        let left = length - usize::from(padded) - padding;
        let ends = flags & END_STREAM != 0;
        self.inside = Some(Inside::Data { stream, left, padding, ends });
        Ok(Some(Frame::DataBegins { stream, length, ends }))
    }

    /// As much of a `DATA` frame as has come. Cut otherwise, the parts are others and their sum is the same.
    fn data(&mut self, stream: u32, left: usize, padding: usize, ends: bool) -> Option<Frame> {
        let bytes = self.take(left).to_vec();
        let left = left - bytes.len();
        let passed = if left == 0 { self.take(padding).len() } else { 0 };
        let last = left == 0 && passed == padding;
        let inside = Inside::Data { stream, left, padding: padding - passed, ends };
        self.inside = (!last).then_some(inside);
        if !last && bytes.is_empty() {
            return None;
        }
        Some(Frame::Data { stream, bytes, last, ends: ends && last })
    }
}

fn known(kind: u8, flags: u8, stream: u32, payload: Vec<u8>) -> Result<Frame, Broken> {
    let size = Broken(ErrorCode::FRAME_SIZE, "");
    let word = |at: usize| -> Result<u32, Broken> {
        let bytes = payload.get(at..at + 4).and_then(|bytes| bytes.first_chunk());
        bytes.map(|bytes| u32::from_be_bytes(*bytes)).ok_or(size)
    };
    let whole = flags & END_HEADERS != 0;
    Ok(match kind {
        1 => return headers(flags, stream, &payload),
        2 if payload.len() != 5 => return Err(size),
        2 => Frame::Priority { stream, priority: priority(word(0)?, payload[4]) },
        3 if payload.len() != 4 => return Err(size),
        3 => Frame::Reset { stream },
        4 if stream != 0 => return Err(Broken(ErrorCode::PROTOCOL, "SETTINGS: stream_id != 0")),
        4 if flags & ACK != 0 && payload.is_empty() => Frame::Settings(None),
        4 if flags & ACK != 0 || !payload.len().is_multiple_of(6) => return Err(size),
        4 => Frame::Settings(Some(settings(&payload))),
        5 => Frame::PushPromise,
        7 if payload.len() < 8 => return Err(size),
        7 => Frame::GoAway,
        6 => match payload.first_chunk() {
            Some(data) if payload.len() == 8 && stream == 0 => {
                Frame::Ping { data: *data, answer: flags & ACK != 0 }
            }
            Some(_) if stream != 0 => {
                return Err(Broken(ErrorCode::PROTOCOL, "PING: stream_id != 0"));
            }
            _ => return Err(size),
        },
        8 if payload.len() != 4 => return Err(size),
        8 => Frame::WindowUpdate { stream, increment: word(0)? & 0x7fff_ffff },
        _ => Frame::Continuation { stream, block: payload, whole },
    })
}

/// Pairs of a setting's number and value.
pub(super) fn settings(payload: &[u8]) -> Vec<(u16, u32)> {
    let pairs = payload.chunks_exact(6);
    pairs
        .map(|pair| {
            (
                u16::from_be_bytes([pair[0], pair[1]]),
                u32::from_be_bytes([pair[2], pair[3], pair[4], pair[5]]),
            )
        })
        .collect()
}

const fn priority(word: u32, weight: u8) -> Priority {
    Priority { exclusive: word >> 31 == 1, on: word & 0x7fff_ffff, weight: weight as u16 + 1 }
}

fn headers(flags: u8, stream: u32, payload: &[u8]) -> Result<Frame, Broken> {
    let padding = Broken(ErrorCode::PROTOCOL, "HEADERS: invalid padding");
    let mut rest = payload;
    if flags & PADDED != 0 {
        let (count, after) = rest.split_first().ok_or(padding)?;
        let end = after.len().checked_sub(usize::from(*count)).ok_or(padding)?;
        rest = &after[..end];
    }
    let mut said = None;
    if flags & PRIORITY != 0 {
        let (&[a, b, c, d, weight], after) =
            rest.split_first_chunk().ok_or(Broken(ErrorCode::FRAME_SIZE, ""))?;
        said = Some(priority(u32::from_be_bytes([a, b, c, d]), weight));
        rest = after;
    }
    Ok(Frame::Headers {
        stream,
        block: rest.to_vec(),
        whole: flags & END_HEADERS != 0,
        ends: flags & END_STREAM != 0,
        priority: said,
    })
}

/// Writes a frame; `payload` must fit the other side's limit.
pub(super) fn write(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD + payload.len());
    bytes.extend_from_slice(&(payload.len() as u32).to_be_bytes()[1..]);
    bytes.extend_from_slice(&[kind, flags]);
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All frames of these bytes, parts of `DATA` joined.
    fn read(pieces: &[&[u8]]) -> (Vec<Frame>, Option<Broken>) {
        let mut reader = FrameReader::new(16_384);
        let mut frames: Vec<Frame> = Vec::new();
        for piece in pieces {
            reader.push(piece);
            loop {
                match reader.next() {
                    Ok(None) => break,
                    Err(broken) => return (frames, Some(broken)),
                    Ok(Some(Frame::Data { stream, bytes, last, ends })) => {
                        match frames.last_mut() {
                            Some(Frame::Data { bytes: all, last: end, ends: over, .. })
                                if !*end =>
                            {
                                all.extend(bytes);
                                (*end, *over) = (last, ends);
                            }
                            _ => frames.push(Frame::Data { stream, bytes, last, ends }),
                        }
                    }
                    Ok(Some(frame)) => frames.push(frame),
                }
            }
        }
        // Whether a part without a byte was handed on yet is no difference.
        frames.retain(
            |frame| !matches!(frame, Frame::Data { bytes, last: false, .. } if bytes.is_empty()),
        );
        (frames, None)
    }

    #[test]
    fn padding_priorities_and_parts_are_taken_apart() {
        let mut bytes = write(1, 0x2d, 3, &[2, 0x80, 0, 0, 1, 200, 0x82, 0, 0]);
        bytes.extend(write(0, 9, 3, &[3, b'a', b'b', 0, 0, 0]));
        bytes.extend(write(0xfe, 0, 0, b"whatever"));
        let priority = Priority { exclusive: true, on: 1, weight: 201 };
        let expected = vec![
            Frame::Headers {
                stream: 3,
                block: vec![0x82],
                whole: true,
                ends: true,
                priority: Some(priority),
            },
            Frame::DataBegins { stream: 3, length: 6, ends: true },
            Frame::Data { stream: 3, bytes: b"ab".to_vec(), last: true, ends: true },
            Frame::Unknown,
        ];
        assert_eq!(read(&[&bytes]), (expected, None));
    }

    #[test]
    fn what_is_no_frame_is_refused_with_the_right_code() {
        for (bytes, code) in [
            (write(6, 0, 0, b"1234567"), ErrorCode::FRAME_SIZE),
            (write(4, 0, 0, b"12345"), ErrorCode::FRAME_SIZE),
            (write(0, 0, 0, b"x"), ErrorCode::PROTOCOL),
            (write(1, 8, 1, &[9, 0x82]), ErrorCode::PROTOCOL),
            (vec![0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1], ErrorCode::FRAME_SIZE),
        ] {
            assert_eq!(read(&[&bytes]).1.map(|broken| broken.0), Some(code), "{bytes:02x?}");
        }
    }

    proptest! {
        #[test]
        fn frames_are_the_same_however_their_bytes_are_cut(
            parts in prop::collection::vec((0_u8..12, any::<u8>(), 0_u32..9, prop::collection::vec(any::<u8>(), 0..40)), 0..12),
            stray in prop::collection::vec(any::<u8>(), 0..40),
            cut in 1_usize..30,
        ) {
            let mut bytes: Vec<u8> =
                parts.iter().flat_map(|(kind, flags, stream, payload)| write(*kind, *flags, *stream, payload)).collect();
            bytes.extend(stray);
            let pieces: Vec<&[u8]> = bytes.chunks(cut).collect();
            prop_assert_eq!(read(&[&bytes]), read(&pieces));
        }
    }
}
