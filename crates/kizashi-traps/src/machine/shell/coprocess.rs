//! `coproc` (bash(1), Coprocesses): a copy of the shell that goes on by itself between two pipes. It is a future of its own, which is polled
//! where its work would show: when something is written to it, and when something is read that it has not written yet. What waits for
//! input that nobody has written says so, and gives the turn back.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use super::descriptors::{PIPE, Sink};
use super::{Flow, Handle, Shell, Unwind};
use crate::machine::console::Wait;
use crate::machine::signal::Signal;

type Running = Pin<Box<dyn Future<Output = Flow> + Send>>;

#[derive(Debug, Default)]
struct Written {
    bytes: Vec<u8>,
    closed: bool,
}

/// The pipe to a coprocess, as it reads from it.
#[derive(Debug, Default)]
pub(crate) struct Inlet {
    written: Mutex<Written>,
    /// It waits for something to be written.
    starves: AtomicBool,
}

impl Inlet {
    fn with<T>(&self, work: impl FnOnce(&mut Written) -> T) -> T {
        work(&mut self.written.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Up to this byte, at most so many bytes, or whatever there is; `Some(None)` at the end, `None` where it has to wait.
    fn take(&self, end: Option<u8>, most: usize) -> Option<Option<Vec<u8>>> {
        self.with(|written| {
            let length = written.bytes.len();
            let found = end.map_or(length, |end| {
                written.bytes.iter().position(|byte| *byte == end).map_or(0, |place| place + 1)
            });
            let count = match found.min(most) {
                0 if most > 0 && length >= most => most,
                0 if written.closed => length,
                count => count,
            };
            match count {
                0 if written.closed => Some(None),
                0 => None,
                count => Some(Some(written.bytes.drain(..count).collect())),
            }
        })
    }
}

/// A coprocess, as its parent has it.
pub(crate) struct Coprocess {
    running: Mutex<Option<Running>>,
    inlet: Arc<Inlet>,
    printed: Sink,
}

impl std::fmt::Debug for Coprocess {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Coprocess").field("inlet", &self.inlet).finish_non_exhaustive()
    }
}

/// What came of letting it go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Went {
    Over,
    /// It has used its turn.
    On,
    /// It waits for what nobody has written.
    Nowhere,
    /// A signal that came meanwhile, which is for all at the console.
    Signalled(Signal),
}

impl Coprocess {
    fn go_on(&self) -> Went {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(future) = running.as_mut() else { return Went::Over };
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending if self.inlet.starves.load(Ordering::Relaxed) => Went::Nowhere,
            Poll::Pending => Went::On,
            Poll::Ready(flow) => {
                *running = None;
                match flow {
                    Err(Unwind::Signalled(signal)) => Went::Signalled(signal),
                    _ => Went::Over,
                }
            }
        }
    }
}

/// The pipe to a coprocess, as its parent writes to it; closed with the last descriptor.
#[derive(Debug)]
pub(crate) struct Outlet(Arc<Coprocess>);

impl Drop for Outlet {
    fn drop(&mut self) {
        self.0.inlet.with(|written| written.closed = true);
    }
}

impl Outlet {
    /// Writes; `false` where nobody reads any more, or not all found room.
    pub(crate) fn push(&self, bytes: &[u8]) -> Result<bool, Signal> {
        let fits = self.0.inlet.with(|written| {
            let room = PIPE.saturating_sub(written.bytes.len());
            written.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
            bytes.len() <= room
        });
        match self.0.go_on() {
            Went::Signalled(signal) => Err(signal),
            _ => Ok(fits),
        }
    }
}

impl Shell {
    /// Begins a coprocess; the two descriptors that its parent has of it.
    pub(super) fn begin_coprocess(
        mut child: Self,
        work: impl FnOnce(Self) -> Running,
    ) -> (Handle, Handle) {
        let (inlet, printed) = (Arc::<Inlet>::default(), Sink::default());
        child.descriptors.set(0, Handle::Inlet(Arc::clone(&inlet)));
        child.descriptors.set(1, Handle::Sink(printed.clone()));
        let running = Mutex::new(Some(work(child)));
        let coprocess = Arc::new(Coprocess { running, inlet, printed });
        coprocess.go_on();
        (Handle::Coprocess(Arc::clone(&coprocess)), Handle::Outlet(Arc::new(Outlet(coprocess))))
    }

    /// What a coprocess prints, up to this byte and at most so much; `None` when it has ended and all was read.
    pub(super) async fn read_coprocess(
        &mut self,
        coprocess: &Coprocess,
        end: u8,
        most: usize,
    ) -> Result<Option<Vec<u8>>, Unwind> {
        loop {
            if let Some(piece) = coprocess.printed.take_some(end, most, false) {
                return Ok(Some(piece));
            }
            self.spend(1).await?;
            match coprocess.go_on() {
                Went::Over => return Ok(coprocess.printed.take_some(end, most, true)),
                Went::Signalled(signal) => return Err(Unwind::Signalled(signal)),
                Went::Nowhere => {
                    if let Some(piece) = coprocess.printed.take_some(end, most, false) {
                        return Ok(Some(piece));
                    }
                    // Both wait for one another, until somebody types a signal.
                    self.console.suspend(Wait::Input).await;
                }
                Went::On => {
                    let wait = self.console.lock().wait;
                    self.console.suspend(wait).await;
                }
            }
        }
    }

    /// What was written to this coprocess; without a byte to end at, whatever there is.
    pub(super) async fn read_inlet(
        &mut self,
        inlet: &Inlet,
        end: Option<u8>,
        most: usize,
    ) -> Result<Option<Vec<u8>>, Unwind> {
        loop {
            if let Some(found) = inlet.take(end, most) {
                return Ok(found);
            }
            inlet.starves.store(true, Ordering::Relaxed);
            let wait = self.console.lock().wait;
            self.console.suspend(wait).await;
            inlet.starves.store(false, Ordering::Relaxed);
            self.spend(0).await?;
        }
    }
}
