//! Records a terminal session for playing it again, under a bound: parts of 32 KiB, sixteen of them, and what comes after is not
//! kept. What is shown in one millisecond becomes one frame, so that a recording costs little more than what it shows.

use kizashi_event::{Detail, FrameKind, PayloadOrigin, RecordingPart, Timestamp};

use crate::Output;
use crate::capture::Capture;

/// Bytes of a part, about.
const PART: usize = 32 * 1024;
/// Parts of one session.
const PARTS: u32 = 16;
/// Bytes of one frame.
const FRAME: usize = 8 * 1024;

/// A session being recorded.
#[derive(Default)]
pub(crate) struct Recorder {
    part: Option<RecordingPart>,
    parts: u32,
    open: Vec<u8>,
    kind: Option<FrameKind>,
    since: Option<Timestamp>,
}

impl Recorder {
    /// The terminal showed this, or the visitor gave this line, now. A part that is full is told.
    pub(crate) fn add(
        &mut self,
        now: Timestamp,
        kind: FrameKind,
        mut bytes: &[u8],
        out: &mut Output,
    ) {
        while !bytes.is_empty() && self.parts < PARTS {
            let same = self.kind == Some(kind)
                && kind == FrameKind::Output
                && self.since.is_some_and(|since| now.micros() - since.micros() < 1_000);
            if !same || self.open.len() >= FRAME {
                self.close_frame(out);
                (self.kind, self.since) = (Some(kind), Some(now));
            }
            let room = FRAME - self.open.len();
            let (taken, rest) = bytes.split_at(bytes.len().min(room));
            self.open.extend_from_slice(taken);
            bytes = rest;
        }
    }

    fn close_frame(&mut self, out: &mut Output) {
        let (Some(kind), Some(since)) = (self.kind.take(), self.since.take()) else { return };
        let content = std::mem::take(&mut self.open);
        let part = self.part.get_or_insert_with(|| RecordingPart::begin(since));
        part.add(since, kind, &content);
        if part.len() >= PART {
            self.tell(out);
        }
    }

    fn tell(&mut self, out: &mut Output) {
        let Some(part) = self.part.take() else { return };
        let content = Box::new(Capture::of(&part.finish()).finish(PayloadOrigin::Sent));
        out.tell(Detail::Recording { part: self.parts, content });
        self.parts += 1;
    }

    /// The session is over.
    pub(crate) fn finish(mut self, out: &mut Output) {
        self.close_frame(out);
        if self.parts < PARTS {
            self.tell(out);
        }
    }

    pub(crate) fn memory(&self) -> usize {
        self.open.len() + self.part.as_ref().map_or(0, RecordingPart::len)
    }
}

#[cfg(test)]
mod tests {
    use kizashi_event::{Service, frames};

    use super::*;

    #[test]
    fn an_endless_session_is_recorded_up_to_its_bound() {
        let mut out = Output::new(Service::UNKNOWN);
        let mut recorder = Recorder::default();
        let mut told = Vec::new();
        for second in 0..5_000 {
            let now = Timestamp::from_seconds(1_800_000_000 + second);
            recorder.add(now, FrameKind::Output, &[b'x'; 1_000], &mut out);
            assert!(recorder.memory() <= PART + 2 * FRAME);
            told.extend(out.take_seen());
        }
        recorder.finish(&mut out);
        told.extend(out.take_seen());
        assert_eq!(told.len(), PARTS as usize);
        for (place, seen) in told.iter().enumerate() {
            let Detail::Recording { part, content } = &seen.detail else { panic!("{seen:?}") };
            assert_eq!(*part as usize, place);
            assert!(content.content.len() <= Capture::KEPT && !frames(&content.content).is_empty());
        }
    }

    #[test]
    fn what_is_shown_at_once_is_one_frame_and_a_pause_is_kept() {
        let mut out = Output::new(Service::UNKNOWN);
        let mut recorder = Recorder::default();
        let start = Timestamp::from_seconds(1_800_000_000);
        for byte in b"abc" {
            recorder.add(start, FrameKind::Output, &[*byte], &mut out);
        }
        recorder.add(start.plus(2_000_000), FrameKind::Input, b"id", &mut out);
        recorder.finish(&mut out);
        let seen = out.take_seen();
        let Some(Detail::Recording { content, .. }) = seen.first().map(|seen| &seen.detail) else {
            panic!("{seen:?}")
        };
        let frames = frames(&content.content);
        assert_eq!((frames.len(), frames[0].bytes.as_slice()), (2, &b"abc"[..]));
        assert_eq!(frames[1].time, start.plus(2_000_000));
    }
}
