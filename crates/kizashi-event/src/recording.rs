//! A terminal session over time, as small as it can be told: what the visitor saw and the lines he gave, each with its distance in
//! milliseconds from the one before. Traps write it in parts, the store keeps each part as a payload, and whoever plays it reads
//! it here. The bytes are the trap's and the visitor's own: whoever shows them must make them harmless first.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FrameKind {
    /// Bytes that went to the visitor's terminal.
    Output,
    /// A line that the visitor gave.
    Input,
    /// The terminal's size: columns and rows, two bytes each, the high one first.
    Size,
}

/// One moment of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// When, to the millisecond.
    pub time: Timestamp,
    /// What kind of bytes.
    pub kind: FrameKind,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// What every part begins with.
const MAGIC: &[u8; 4] = b"KzR1";
const MILLISECOND: i64 = 1_000;

/// Writes one part.
#[derive(Debug)]
pub struct RecordingPart {
    bytes: Vec<u8>,
    last: i64,
}

impl RecordingPart {
    /// A part that begins at this moment.
    #[must_use]
    pub fn begin(time: Timestamp) -> Self {
        let start = time.micros().div_euclid(MILLISECOND);
        let mut bytes = MAGIC.to_vec();
        bytes.extend(start.to_be_bytes());
        Self { bytes, last: start }
    }

    /// Adds a frame; one that is earlier than the last counts as simultaneous.
    pub fn add(&mut self, time: Timestamp, kind: FrameKind, content: &[u8]) {
        let now = time.micros().div_euclid(MILLISECOND).max(self.last);
        let kind = match kind {
            FrameKind::Output => 0,
            FrameKind::Input => 1,
            FrameKind::Size => 2,
        };
        write_number(&mut self.bytes, now.abs_diff(self.last));
        self.bytes.push(kind);
        write_number(&mut self.bytes, content.len() as u64);
        self.bytes.extend_from_slice(content);
        self.last = now;
    }

    /// Bytes so far.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a part always has its beginning")]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The part.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// The frames of a part; what was cut off or never written by [`RecordingPart`] ends them.
#[must_use]
pub fn frames(part: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    let Some(rest) = part.strip_prefix(MAGIC) else { return frames };
    let Some((start, mut rest)) = rest.split_first_chunk::<8>() else { return frames };
    let mut time = i64::from_be_bytes(*start);
    while let Some((frame, after)) = read_frame(rest, &mut time) {
        frames.push(frame);
        rest = after;
    }
    frames
}

fn read_frame<'a>(bytes: &'a [u8], time: &mut i64) -> Option<(Frame, &'a [u8])> {
    let (distance, rest) = read_number(bytes)?;
    let (kind, rest) = rest.split_first()?;
    let (length, rest) = read_number(rest)?;
    let (content, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    let kind = match kind {
        0 => FrameKind::Output,
        1 => FrameKind::Input,
        2 => FrameKind::Size,
        _ => return None,
    };
    *time = time.saturating_add_unsigned(distance);
    let moment = Timestamp::from_micros(time.saturating_mul(MILLISECOND));
    Some((Frame { time: moment, kind, bytes: content.to_vec() }, rest))
}

/// LEB128.
fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn read_number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0;
    for (place, byte) in bytes.iter().enumerate().take(9) {
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((number, &bytes[place + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            written in prop::collection::vec((0_i64..100_000, 0_u8..3, prop::collection::vec(any::<u8>(), 0..300)), 0..20)
        ) {
            let start = Timestamp::from_seconds(1_800_000_000);
            let mut part = RecordingPart::begin(start);
            let mut expected = Vec::new();
            let mut time = start;
            for (distance, kind, bytes) in written {
                time = time.plus(distance * MILLISECOND);
                let kind = [FrameKind::Output, FrameKind::Input, FrameKind::Size][usize::from(kind)];
                part.add(time, kind, &bytes);
                expected.push(Frame { time, kind, bytes });
            }
            let bytes = part.finish();
            prop_assert_eq!(frames(&bytes), expected.clone());
            for end in 0..bytes.len() {
                let cut = frames(&bytes[..end]);
                prop_assert!(cut.len() <= expected.len() && cut[..] == expected[..cut.len()]);
            }
        }

        #[test]
        fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut part = MAGIC.to_vec();
            part.extend(&bytes);
            let held: usize = frames(&part).iter().map(|frame| frame.bytes.len()).sum();
            prop_assert!(held <= bytes.len());
        }
    }
}
