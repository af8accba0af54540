//! File descriptors, and reading and writing through them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::coprocess::{Coprocess, Inlet, Outlet};
use super::{Shell, Unwind};
use crate::machine::console::{Console, Refusal, Wait};
use crate::machine::files::{Fault, NodeId};

/// Bytes that a pipe or a captured output holds.
pub(crate) const PIPE: usize = 64 * 1024;

/// Bytes to be read, and how far they were.
#[derive(Debug, Default)]
pub(crate) struct Source {
    bytes: Vec<u8>,
    at: usize,
}

impl Source {
    pub(crate) fn shared(bytes: Vec<u8>) -> SharedSource {
        SharedSource(Arc::new(Mutex::new(Self { bytes, at: 0 })))
    }
}

/// A source that several descriptors read from.
#[derive(Clone, Debug)]
pub(crate) struct SharedSource(Arc<Mutex<Source>>);

impl SharedSource {
    fn lock(&self) -> MutexGuard<'_, Source> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that was not read yet.
    pub(crate) fn rest(&self) -> Vec<u8> {
        let mut source = self.lock();
        let at = std::mem::replace(&mut source.at, usize::MAX);
        let mut bytes = std::mem::take(&mut source.bytes);
        source.at = 0;
        bytes.drain(..at.min(bytes.len()));
        bytes
    }

    /// A line with its end; the rest where there is no more; `None` at the end.
    pub(crate) fn line(&self, end: u8) -> Option<Vec<u8>> {
        self.some(end, usize::MAX)
    }

    /// The same, of at most so many bytes.
    fn some(&self, end: u8, most: usize) -> Option<Vec<u8>> {
        let mut source = self.lock();
        let rest = source.bytes.get(source.at..).filter(|rest| !rest.is_empty())?;
        let length =
            rest.iter().position(|byte| *byte == end).map_or(rest.len(), |place| place + 1);
        let length = length.min(most);
        let line = rest[..length].to_vec();
        source.at += length;
        Some(line)
    }
}

/// Where a pipe's writer writes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    pub(crate) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Up to this byte, at most so many bytes; at the end whatever there is.
    pub(super) fn take_some(&self, end: u8, most: usize, over: bool) -> Option<Vec<u8>> {
        let mut buffer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = buffer.iter().position(|byte| *byte == end).map(|place| place + 1);
        let count = match whole {
            Some(count) => count.min(most),
            None if buffer.len() >= most && most > 0 => most,
            None if over && !buffer.is_empty() => buffer.len(),
            None => return None,
        };
        Some(buffer.drain(..count).collect())
    }

    /// `false` when not all found room.
    fn push(&self, bytes: &[u8]) -> bool {
        let mut buffer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = PIPE.saturating_sub(buffer.len());
        buffer.extend_from_slice(&bytes[..bytes.len().min(room)]);
        bytes.len() <= room
    }
}

/// A file open for writing.
#[derive(Debug)]
pub(crate) struct OpenFile {
    node: NodeId,
    path: Vec<u8>,
    offset: AtomicU64,
    append: bool,
}

/// What a descriptor leads to.
#[derive(Clone, Debug)]
pub(crate) enum Handle {
    Console {
        error: bool,
    },
    Source(SharedSource),
    Sink(Sink),
    File(Arc<OpenFile>),
    /// What a coprocess prints, and what is written to it, as its parent has them.
    Coprocess(Arc<Coprocess>),
    Outlet(Arc<Outlet>),
    /// What is written to a coprocess, as it reads it.
    Inlet(Arc<Inlet>),
}

impl Handle {
    pub(crate) fn file(node: NodeId, path: Vec<u8>, append: bool) -> Self {
        Self::File(Arc::new(OpenFile { node, path, offset: AtomicU64::new(0), append }))
    }
}

/// A process's descriptors, by number.
#[derive(Clone, Debug)]
pub(crate) struct Descriptors(Vec<(u8, Handle)>);

impl Descriptors {
    pub(crate) fn of_console() -> Self {
        Self(vec![
            (0, Handle::Console { error: false }),
            (1, Handle::Console { error: false }),
            (2, Handle::Console { error: true }),
        ])
    }

    pub(crate) fn get(&self, number: u8) -> Option<&Handle> {
        self.0.iter().find(|(found, _)| *found == number).map(|(_, handle)| handle)
    }

    pub(crate) fn set(&mut self, number: u8, handle: Handle) {
        match self.0.iter_mut().find(|(found, _)| *found == number) {
            Some((_, place)) => *place = handle,
            None => self.0.push((number, handle)),
        }
    }

    pub(crate) fn close(&mut self, number: u8) {
        self.0.retain(|(found, _)| *found != number);
    }
}

impl Shell {
    /// Writes; the kernel's refusal is for the writer to tell.
    pub(crate) fn write(&self, number: u8, bytes: &[u8]) -> Result<Option<Fault>, Unwind> {
        if bytes.is_empty() {
            return Ok(None);
        }
        match self.descriptors.get(number) {
            None | Some(Handle::Source(_) | Handle::Coprocess(_) | Handle::Inlet(_)) => {
                Ok(Some(Fault::BadDescriptor))
            }
            Some(Handle::Outlet(outlet)) => match outlet.push(bytes) {
                Ok(true) => Ok(None),
                Ok(false) => Err(Unwind::BrokenPipe),
                Err(signal) => Err(Unwind::Signalled(signal)),
            },
            Some(Handle::Console { error }) => {
                if self.console.lock().show(bytes, *error) {
                    Ok(None)
                } else {
                    Err(Unwind::Killed)
                }
            }
            Some(Handle::Sink(sink)) => {
                if sink.push(bytes) {
                    Ok(None)
                } else {
                    Err(Unwind::BrokenPipe)
                }
            }
            Some(Handle::File(file)) => {
                let mut kernel = self.kernel.lock();
                let end = kernel.files.node(file.node).size();
                let offset = if file.append { end } else { file.offset.load(Ordering::Relaxed) };
                match kernel.write(file.node, offset, bytes, &file.path) {
                    Ok(count) => {
                        file.offset.store(offset + count as u64, Ordering::Relaxed);
                        Ok(None)
                    }
                    Err(fault) => Ok(Some(fault)),
                }
            }
        }
    }

    /// Writes where refusals do not matter.
    pub(crate) fn say(&self, bytes: &[u8]) -> Result<(), Unwind> {
        self.write(1, bytes).map(|_| ())
    }

    /// Whether the descriptor is a terminal.
    pub(crate) fn is_terminal(&self, number: u8) -> bool {
        matches!(self.descriptors.get(number), Some(Handle::Console { .. }))
            && self.console.lock().terminal.is_some()
    }

    /// One line with its end from a descriptor; `None` at the end of the file.
    pub(crate) async fn read_line(
        &mut self,
        number: u8,
        end: u8,
    ) -> Result<Option<Vec<u8>>, Unwind> {
        match self.descriptors.get(number) {
            Some(Handle::Source(source)) => Ok(source.line(end)),
            Some(Handle::Console { .. }) => self.console_line().await,
            _ => self.read_some(number, end, usize::MAX).await,
        }
    }

    /// The same, of at most so many bytes.
    pub(crate) async fn read_some(
        &mut self,
        number: u8,
        end: u8,
        most: usize,
    ) -> Result<Option<Vec<u8>>, Unwind> {
        match self.descriptors.get(number) {
            Some(Handle::Source(source)) => Ok(source.some(end, most)),
            Some(Handle::Console { .. }) => loop {
                let take = |console: &mut Console| console.take_some(end, most);
                if let Some(read) = self.try_console(take)? {
                    return Ok(read);
                }
                self.console.suspend(Wait::Input).await;
            },
            Some(Handle::Coprocess(coprocess)) => {
                let coprocess = Arc::clone(coprocess);
                self.read_coprocess(&coprocess, end, most).await
            }
            Some(Handle::Inlet(inlet)) => {
                let inlet = Arc::clone(inlet);
                self.read_inlet(&inlet, Some(end), most).await
            }
            _ => Ok(None),
        }
    }

    pub(crate) async fn console_line(&mut self) -> Result<Option<Vec<u8>>, Unwind> {
        loop {
            if let Some(read) = self.try_console(Console::take_line)? {
                return Ok(read);
            }
            self.console.suspend(Wait::Input).await;
        }
    }

    /// Whatever came on the console, at least a byte; `None` at its end.
    pub(crate) async fn console_piece(&mut self) -> Result<Option<Vec<u8>>, Unwind> {
        loop {
            let piece = |console: &mut Console| {
                Some(std::mem::take(&mut console.input)).filter(|input| !input.is_empty())
            };
            if let Some(read) = self.try_console(piece)? {
                if read.is_none() {
                    // A terminal's end of file ends one reader only.
                    let mut console = self.console.lock();
                    console.ended = console.terminal.is_none();
                }
                return Ok(read);
            }
            self.console.suspend(Wait::Input).await;
        }
    }

    /// What is there to be read, `Some(None)` at the end, `None` where more must come first.
    pub(crate) fn try_console(
        &self,
        take: impl FnOnce(&mut Console) -> Option<Vec<u8>>,
    ) -> Result<Option<Option<Vec<u8>>>, Unwind> {
        let mut console = self.console.lock();
        if let Err(Refusal::Signalled(signal)) = console.spend(0) {
            return Err(Unwind::Signalled(signal));
        }
        match take(&mut console) {
            Some(bytes) => Ok(Some(Some(bytes))),
            None if console.ended => Ok(Some(None)),
            None => Ok(None),
        }
    }
}
