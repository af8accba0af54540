//! The trap's side: events wait here until the core says that they are kept. A new stream (the core was replaced) begins again
//! with the first that is not. Visitors never wait: past the bound events are lost and counted. Captured content is bulk that a visitor
//! makes as large as he likes, so it may fill two thirds of the room; what comes then is told without it, by its length and hash.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kizashi_event::Event;
use kizashi_event::stream::{Decoder, Message, event_payload, put_event};
use kizashi_traps::EventSink;

/// Events that may wait.
const MOST_WAITING: usize = 65_536;
/// Bytes of events that may wait.
pub(crate) const MOST_BYTES: usize = 24 << 20;
/// Bytes that may wait when captured content still comes with its event.
const fn most_with_content(most: usize) -> usize {
    most / 3 * 2
}
/// Bytes written at once, before the last frame.
const PIECE: usize = 64 * 1024;
/// How long the first event waits for others before it is written: in a flood most of what telling an event costs is to wake the thread
/// that writes it. The core gathers for longer.
const GATHERS: Duration = Duration::from_millis(5);
/// How often the counts are told.
const COUNTS_EVERY: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Waiting {
    /// Frames' payloads with their sequence numbers, in order.
    events: VecDeque<(u64, Box<[u8]>)>,
    bytes: usize,
    last: u64,
    /// How many of `events` were written to the stream that there is.
    written: usize,
    stream: Option<Arc<UnixStream>>,
}

/// Events on their way to the core.
pub(crate) struct Outbox {
    most_bytes: usize,
    waiting: Mutex<Waiting>,
    changed: Condvar,
    lost: AtomicU64,
    left_out: AtomicU64,
}

impl Default for Outbox {
    /// The trap's.
    fn default() -> Self {
        Self::with_room(MOST_BYTES)
    }
}

impl EventSink for Outbox {
    fn record(&self, mut event: Event) {
        let content = event.detail.carried().map_or(0, |payload| payload.content.len());
        if content > 0
            && self.lock().bytes + content > most_with_content(self.most_bytes)
            && event.detail.leave_content_out()
        {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
        let Some(payload) = event_payload(event) else {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let mut waiting = self.lock();
        if waiting.events.len() >= MOST_WAITING || waiting.bytes + payload.len() > self.most_bytes {
            drop(waiting);
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.last += 1;
        waiting.bytes += payload.len();
        let sequence = waiting.last;
        waiting.events.push_back((sequence, payload.into_boxed_slice()));
        let idle = waiting.written + 1 == waiting.events.len();
        drop(waiting);
        if idle {
            self.changed.notify_all();
        }
    }
}

impl Outbox {
    /// One in which so many bytes of events may wait.
    pub(crate) fn with_room(most_bytes: usize) -> Self {
        Self {
            most_bytes,
            waiting: Mutex::default(),
            changed: Condvar::default(),
            lost: AtomicU64::default(),
            left_out: AtomicU64::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Events lost since the start.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Events told without the content that they carried, since the start.
    pub(crate) fn left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }

    /// Sends over this stream from now on, beginning with the first event that is not acknowledged.
    pub(crate) fn connect(self: &Arc<Self>, stream: UnixStream) -> std::io::Result<()> {
        let stream = Arc::new(stream);
        let mut waiting = self.lock();
        if let Some(old) = waiting.stream.replace(Arc::clone(&stream)) {
            let _ = old.shutdown(Shutdown::Both);
        }
        waiting.written = 0;
        drop(waiting);
        self.changed.notify_all();
        let outbox = Arc::clone(self);
        std::thread::Builder::new()
            .name("acknowledged".to_owned())
            .stack_size(128 * 1024)
            .spawn(move || outbox.read_acknowledgements(&stream))?;
        Ok(())
    }

    fn read_acknowledgements(&self, stream: &Arc<UnixStream>) {
        let mut decoder = Decoder::default();
        let mut buffer = [0; 4096];
        'reading: while let Ok(count @ 1..) = stream.as_ref().read(&mut buffer) {
            decoder.push(buffer.get(..count).unwrap_or_default());
            loop {
                match decoder.next_frame() {
                    Ok(Some(frame)) if frame.message == Message::Acknowledged => {
                        self.acknowledge(stream, frame.sequence);
                    }
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(_) => break 'reading,
                }
            }
        }
        self.disconnect(stream);
    }

    fn acknowledge(&self, stream: &Arc<UnixStream>, sequence: u64) {
        let mut waiting = self.lock();
        // What an old stream still says would tear a hole into the order on the new one.
        if waiting.stream.as_ref().is_none_or(|now| !Arc::ptr_eq(now, stream)) {
            return;
        }
        while waiting.events.front().is_some_and(|(number, _)| *number <= sequence) {
            if let Some((_, payload)) = waiting.events.pop_front() {
                waiting.bytes -= payload.len();
                waiting.written = waiting.written.saturating_sub(1);
            }
        }
        if waiting.events.is_empty() {
            // A flood is over: its room goes back to the system.
            waiting.events.shrink_to(256);
            drop(waiting);
            self.changed.notify_all();
        }
    }

    fn disconnect(&self, stream: &Arc<UnixStream>) {
        let _ = stream.shutdown(Shutdown::Both);
        let mut waiting = self.lock();
        if waiting.stream.as_ref().is_some_and(|now| Arc::ptr_eq(now, stream)) {
            waiting.stream = None;
            waiting.written = 0;
        }
    }

    /// Writes what waits, and the counts every second, for as long as the process lives.
    pub(crate) fn write<C: Default + PartialEq>(
        &self,
        counts: impl Fn() -> C,
        put_counts: fn(&C, &mut Vec<u8>),
    ) {
        let mut told = (C::default(), Instant::now());
        let mut behind = false;
        loop {
            let mut waiting = self.lock();
            let nothing = |waiting: &mut Waiting| {
                waiting.stream.is_none() || waiting.written >= waiting.events.len()
            };
            waiting = self
                .changed
                .wait_timeout_while(waiting, COUNTS_EVERY, |waiting| nothing(waiting))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            if !behind && waiting.written < waiting.events.len() {
                drop(waiting);
                std::thread::sleep(GATHERS);
                waiting = self.lock();
            }
            let Some(stream) = waiting.stream.clone() else { continue };
            let mut piece = Vec::new();
            while piece.len() < PIECE
                && let Some((sequence, payload)) = waiting.events.get(waiting.written)
            {
                put_event(*sequence, payload, &mut piece);
                waiting.written += 1;
            }
            behind = waiting.written < waiting.events.len();
            drop(waiting);
            let now = counts();
            if now != told.0 && told.1.elapsed() >= COUNTS_EVERY {
                put_counts(&now, &mut piece);
                told = (now, Instant::now());
            }
            if stream.as_ref().write_all(&piece).is_err() {
                self.disconnect(&stream);
            }
        }
    }

    /// Sends what is no frame: for the proof that the core notices.
    #[cfg(debug_assertions)]
    pub(crate) fn lie(&self) {
        if let Some(stream) = self.lock().stream.clone() {
            let _ = stream
                .as_ref()
                .write_all(b"KZ\xff and whatever an attacker would like to be believed");
        }
    }

    /// Waits until everything is acknowledged, or for so long.
    pub(crate) fn finish(&self, longest: Duration) {
        let waiting = self.lock();
        let _ =
            self.changed.wait_timeout_while(waiting, longest, |waiting| !waiting.events.is_empty());
    }
}

#[cfg(test)]
mod tests;
