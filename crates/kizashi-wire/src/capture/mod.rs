//! Capture files as a stream of frames. A [`CaptureReader`] pulls bytes from any reader into one buffer and lends out the frames in
//! it; where the bytes end it says so and may be asked again, which is all that following a growing file takes. A file that is cut
//! at any byte gives its whole records; a record whose length cannot be is the end, for nothing behind it can be found.

mod pcap;
mod pcapng;
pub(crate) mod unpack;
mod write;

pub use write::CaptureWriter;

use std::io::{self, Read};
use std::ops::Range;

use kizashi_event::{EventId, Timestamp};

use crate::dissect::{Frame, LinkType};
use pcap::Pcap;
use pcapng::Pcapng;

/// The longest record that is believed: what libpcap lets a snapshot be, with room for a block's own fields and options.
pub(crate) const LONGEST_RECORD: usize = 262_144 + 65_536;
const CHUNK: usize = 262_144;

/// Byte order of a file or section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        })
    }

    fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        })
    }

    fn u64(self, bytes: &[u8], at: usize) -> Option<u64> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Little => u64::from_le_bytes(bytes),
            Self::Big => u64::from_be_bytes(bytes),
        })
    }
}

/// What stands at the beginning of the bytes held.
enum Step {
    /// So many bytes are needed to tell.
    More(usize),
    /// A frame.
    Packet { taken: usize, found: Found },
    /// Nothing that is read.
    Skip(usize),
    /// A record in order whose packet cannot be read: its interface is not known, or it is shorter than it says.
    Lost(usize),
}

/// A frame within the bytes held.
struct Found {
    data: Range<usize>,
    time: Timestamp,
    link: LinkType,
    original: u32,
    /// The event that the packet was made of, in a file that we wrote ourselves.
    mark: Option<EventId>,
}

/// Why nothing behind a place in a file can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// It does not begin as a capture does.
    #[error("it is no capture")]
    Magic,
    /// A record longer than any.
    #[error("a record is longer than any packet")]
    RecordLength,
    /// A block whose lengths cannot be, or differ.
    #[error("a block's length is wrong")]
    BlockLength,
    /// A section that does not tell its byte order.
    #[error("a section does not tell its byte order")]
    ByteOrder,
    /// More interfaces than any machine has.
    #[error("a section has more interfaces than any machine")]
    Interfaces,
}

/// Whether a file that begins like this, unpacked, is a capture.
#[must_use]
pub fn is_capture(head: &[u8]) -> bool {
    pcap::is_pcap(head) || pcapng::is_pcapng(head)
}

/// Which of the two a capture is.
#[derive(Debug)]
enum Form {
    Unknown,
    Pcap(Pcap),
    Pcapng(Pcapng),
}

/// Reads frames out of a stream of unpacked bytes.
#[derive(Debug)]
pub struct CaptureReader<R> {
    reader: R,
    buffer: Vec<u8>,
    at: usize,
    filled: usize,
    /// Bytes of a long block that are still to be passed over.
    passing: usize,
    form: Form,
    broken: Option<Broken>,
    /// Bytes taken so far.
    taken: u64,
    lost: u64,
}

/// What asking for a frame gave.
#[derive(Debug)]
pub enum Next<'a> {
    /// A frame.
    Frame(Frame<'a>),
    /// A frame that was made of an event of a store ([`CaptureWriter`]): it is that event again.
    Marked(Frame<'a>, EventId),
    /// The bytes have ended; there may be more later.
    End,
    /// Nothing behind this place can be read.
    Broken(Broken),
}

impl<R: Read> CaptureReader<R> {
    /// Begins with the first byte of a capture.
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: vec![0; CHUNK],
            at: 0,
            filled: 0,
            passing: 0,
            form: Form::Unknown,
            broken: None,
            taken: 0,
            lost: 0,
        }
    }

    /// The next frame.
    ///
    /// # Errors
    /// When the stream cannot be read.
    pub fn next_frame(&mut self) -> io::Result<Next<'_>> {
        loop {
            if let Some(broken) = self.broken {
                return Ok(Next::Broken(broken));
            }
            if self.passing > 0 && !self.pass()? {
                return Ok(Next::End);
            }
            match self.step() {
                Err(broken) => self.broken = Some(broken),
                Ok(Step::More(wanted)) => {
                    if !self.fill(wanted)? {
                        return Ok(Next::End);
                    }
                }
                Ok(Step::Skip(length)) => self.skip(length),
                Ok(Step::Lost(length)) => {
                    self.lost += 1;
                    self.skip(length);
                }
                Ok(Step::Packet { taken, found: Found { data, time, link, original, mark } }) => {
                    let bytes = self.at + data.start..self.at + data.end;
                    self.skip(taken);
                    let bytes = self.buffer.get(bytes).unwrap_or_default();
                    let frame = Frame { time, link, bytes, original_length: original };
                    return Ok(match mark {
                        None => Next::Frame(frame),
                        Some(mark) => Next::Marked(frame, mark),
                    });
                }
            }
        }
    }

    /// Bytes taken so far, unpacked.
    pub const fn taken(&self) -> u64 {
        self.taken
    }

    /// Bytes that were read and are no whole record: what a cut left over.
    pub const fn left_over(&self) -> usize {
        self.filled - self.at + self.passing
    }

    /// Records in order whose packet could not be read.
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    fn step(&mut self) -> Result<Step, Broken> {
        let held = self.buffer.get(self.at..self.filled).unwrap_or_default();
        match &mut self.form {
            Form::Pcap(pcap) => pcap.step(held),
            Form::Pcapng(pcapng) => pcapng.step(held),
            Form::Unknown => {
                if held.len() < 4 {
                    return Ok(Step::More(4));
                }
                if pcapng::is_pcapng(held) {
                    self.form = Form::Pcapng(Pcapng::default());
                    return Ok(Step::Skip(0));
                }
                if !pcap::is_pcap(held) {
                    return Err(Broken::Magic);
                }
                let Some(header) = held.first_chunk::<{ pcap::HEADER }>() else {
                    return Ok(Step::More(pcap::HEADER));
                };
                self.form = Form::Pcap(Pcap::open(header).ok_or(Broken::Magic)?);
                Ok(Step::Skip(pcap::HEADER))
            }
        }
    }

    fn skip(&mut self, length: usize) {
        let now = length.min(self.filled - self.at);
        self.at += now;
        self.passing = length - now;
        self.taken += now as u64;
    }

    /// Passes over the rest of a long block; whether it is behind.
    fn pass(&mut self) -> io::Result<bool> {
        while self.passing > 0 {
            if self.at == self.filled && !self.fill(1)? {
                return Ok(false);
            }
            let left = self.passing;
            self.skip(left);
        }
        Ok(true)
    }

    /// Reads on until `wanted` bytes are held; whether any came. `wanted` never is more than the longest record.
    fn fill(&mut self, wanted: usize) -> io::Result<bool> {
        self.buffer.copy_within(self.at..self.filled, 0);
        (self.filled, self.at) = (self.filled - self.at, 0);
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted.next_multiple_of(CHUNK), 0);
        }
        while self.filled < wanted {
            let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
            match self.reader.read(room) {
                Ok(0) => return Ok(false),
                Ok(length) => self.filled += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}
