//! The core's side: reads frames, checks them, commits them in batches and acknowledges what is committed. One thread a stream.
//! A trap that sends faster than it may is read more slowly; one that sends what cannot be believed is not read any more.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kizashi_event::belief::{Expected, Teller};
use kizashi_event::stream::{CaptureCounts, Decoder, Frame, Message, TrapCounts, put_acknowledged};
use kizashi_event::{Event, Timestamp};

use super::{Sink, SinkError};

/// How long the first event of a batch waits for others.
const LONGEST_WAIT: Duration = Duration::from_millis(100);
/// Events committed at once, at most (one more read may come on top).
const FULL_BATCH: usize = 8_192;
/// Bytes of frames committed at once, at most (the same).
const FULL_BYTES: usize = 8 << 20;
/// Bytes read at once.
const PIECE: usize = 64 * 1024;
/// Events taken from one trap in a second.
const MOST_A_SECOND: u32 = 50_000;
/// The pause after a failure of the store; the trap keeps what is not acknowledged meanwhile.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// What each trap process counted, the running ones apart from the sum of those that are gone.
#[derive(Debug, Default)]
pub(crate) struct Counted(Mutex<std::collections::BTreeMap<u64, TrapCounts>>);

/// Processes whose counts are kept apart; older ones are added up under 0.
const MOST_COUNTED: usize = 4;

impl Counted {
    fn tell(&self, trap: u64, counts: TrapCounts) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(trap, counts);
        while all.len() > MOST_COUNTED + 1 {
            let Some(oldest) = all.keys().copied().find(|trap| *trap != 0) else { return };
            let gone = all.remove(&oldest).unwrap_or_default();
            let past = all.entry(0).or_default();
            *past = sum(past, &gone);
        }
    }

    /// Over all processes since the core started.
    pub(crate) fn total(&self) -> TrapCounts {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().fold(TrapCounts::default(), |total, one| sum(&total, one))
    }
}

/// A hostile trap may count what it likes; sums do not overflow by it.
const fn sum(one: &TrapCounts, other: &TrapCounts) -> TrapCounts {
    TrapCounts {
        accepted: one.accepted.saturating_add(other.accepted),
        refused: one.refused.saturating_add(other.refused),
        refused_untold: one.refused_untold.saturating_add(other.refused_untold),
        accept_errors: one.accept_errors.saturating_add(other.accept_errors),
        received: one.received.saturating_add(other.received),
        events: one.events.saturating_add(other.events),
        lost: one.lost.saturating_add(other.lost),
        left_out: one.left_out.saturating_add(other.left_out),
    }
}

/// What the processes that see packets counted: the last one, and the sum of those before it.
#[derive(Debug, Default)]
pub(crate) struct Captured(Mutex<(u64, CaptureCounts, CaptureCounts)>);

impl Captured {
    fn tell(&self, process: u64, counts: CaptureCounts) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.0 != process {
            *known = (process, CaptureCounts::default(), known.1.plus(&known.2));
        }
        known.1 = counts;
    }

    /// Over all processes since the core started.
    pub(crate) fn total(&self) -> CaptureCounts {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.1.plus(&known.2)
    }
}

/// Takes what one process sends.
pub(crate) struct Arrivals {
    pub(crate) process: u64,
    pub(crate) expected: Expected,
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) counted: Arc<Counted>,
    pub(crate) captured: Arc<Captured>,
    pub(crate) clock: fn() -> Timestamp,
}

#[derive(Default)]
struct Batch {
    events: Vec<Event>,
    bytes: usize,
    last: u64,
    since: Option<Instant>,
}

impl Arrivals {
    /// Reads until the stream ends.
    ///
    /// # Errors
    /// What cannot be believed, in half a sentence.
    pub(crate) fn run(&self, mut stream: &UnixStream) -> Result<(), String> {
        let (mut decoder, mut batch) = (Decoder::default(), Batch::default());
        let mut buffer = vec![0; PIECE];
        let (mut second, mut taken) = (Instant::now(), 0);
        loop {
            let wait = batch.since.map(|since| LONGEST_WAIT.saturating_sub(since.elapsed()));
            // A timeout of zero would mean none.
            let wait = wait.map(|wait| wait.max(Duration::from_millis(1)));
            if stream.set_read_timeout(wait).is_err() {
                return Ok(());
            }
            let ended = match stream.read(&mut buffer) {
                Ok(0) => true,
                Ok(count) => {
                    decoder.push(buffer.get(..count).unwrap_or_default());
                    while let Some(frame) =
                        decoder.next_frame().map_err(|fault| fault.to_string())?
                    {
                        taken += 1;
                        self.take(frame, &mut batch)?;
                    }
                    batch.bytes += count;
                    false
                }
                Err(error) => !matches!(
                    error.kind(),
                    std::io::ErrorKind::WouldBlock
                        | std::io::ErrorKind::TimedOut
                        | std::io::ErrorKind::Interrupted
                ),
            };
            let due = batch.since.is_some_and(|since| since.elapsed() >= LONGEST_WAIT);
            if due || ended || batch.events.len() >= FULL_BATCH || batch.bytes >= FULL_BYTES {
                self.commit(&mut batch, stream);
            }
            if ended {
                return Ok(());
            }
            if taken >= MOST_A_SECOND {
                std::thread::sleep(Duration::from_secs(1).saturating_sub(second.elapsed()));
            }
            if second.elapsed() >= Duration::from_secs(1) {
                (second, taken) = (Instant::now(), 0);
            }
        }
    }

    fn take(&self, frame: Frame, batch: &mut Batch) -> Result<(), String> {
        match frame.message {
            Message::Event(event) => {
                if batch.last != 0 && frame.sequence != batch.last.wrapping_add(1)
                    || frame.sequence == 0
                {
                    return Err("an event out of its order came".to_owned());
                }
                batch.last = frame.sequence;
                let event = self.expected.believe(*event, (self.clock)());
                batch.events.push(event.map_err(|lie| format!("{lie} came"))?);
                batch.since.get_or_insert_with(Instant::now);
            }
            Message::Counts(counts) if matches!(self.expected.teller, Teller::Trap { .. }) => {
                self.counted.tell(self.process, counts);
            }
            Message::Captured(counts) if matches!(self.expected.teller, Teller::Capture) => {
                self.captured.tell(self.process, counts);
            }
            Message::Counts(_) | Message::Captured(_) => {
                return Err("counts of another process came".to_owned());
            }
            Message::Acknowledged => return Err("an acknowledgement came from a trap".to_owned()),
        }
        Ok(())
    }

    fn commit(&self, batch: &mut Batch, mut stream: &UnixStream) {
        batch.since = None;
        batch.bytes = 0;
        if batch.events.is_empty() {
            return;
        }
        let events = std::mem::take(&mut batch.events);
        let mut failing = false;
        while let Err(error) = self.sink.commit(&events) {
            match error {
                SinkError::Stopped => return,
                SinkError::Failed(reason) if !failing => tracing::error!("{reason}"),
                SinkError::Failed(_) => {}
            }
            failing = true;
            std::thread::sleep(TRY_AGAIN);
        }
        let mut acknowledged = Vec::new();
        put_acknowledged(batch.last, &mut acknowledged);
        // A trap that does not read what is said to it is sent the rest again, which adds nothing.
        let _ = stream.set_write_timeout(Some(TRY_AGAIN));
        let _ = stream.write_all(&acknowledged);
    }
}
