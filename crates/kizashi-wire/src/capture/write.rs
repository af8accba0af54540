//! Writes a pcapng file of raw IP packets that were made of what a store holds, each with a comment that says of what. The section says
//! in its own comment that no packet in it was seen on a wire. A comment that begins with the id of an event lets our own reader know
//! the event again; files of others are never believed to have such ids.

use std::io::{self, Write};

use kizashi_event::{EventId, Timestamp};

use crate::dissect::LinkType;

/// What the section names as its maker; the reader believes ids in such sections alone.
pub(super) const APPLICATION: &[u8] = b"kizashi export";
const MARK: &str = "kizashi-event=";
/// Bytes of a comment at most; what an attacker said can be long.
const LONGEST_COMMENT: usize = 4_096;

/// The event that a comment names.
pub(super) fn mark_of(comment: &[u8]) -> Option<EventId> {
    let digits = comment.strip_prefix(MARK.as_bytes())?.get(..16)?;
    let digits = std::str::from_utf8(digits).ok()?;
    u64::from_str_radix(digits, 16).ok().map(EventId)
}

/// Writes packets one by one.
#[derive(Debug)]
pub struct CaptureWriter<W> {
    out: W,
    packets: u64,
}

impl<W: Write> CaptureWriter<W> {
    /// Begins a file whose section has this comment.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn new(mut out: W, comment: &str) -> io::Result<Self> {
        let mut section = Vec::new();
        section.extend(0x1a2b_3c4d_u32.to_le_bytes());
        section.extend([1, 0, 0, 0]);
        section.extend([0xff; 8]);
        put_option(&mut section, 1, comment.as_bytes());
        put_option(&mut section, 4, APPLICATION);
        end_options(&mut section);
        put_block(&mut out, 0x0a0d_0d0a, &section)?;
        let mut interface = Vec::new();
        interface.extend(LinkType::RAW.0.to_le_bytes());
        interface.extend([0; 6]);
        put_option(&mut interface, 2, b"store");
        put_option(&mut interface, 9, &[6]);
        end_options(&mut interface);
        put_block(&mut out, 1, &interface)?;
        Ok(Self { out, packets: 0 })
    }

    /// Writes a packet of which `missing` bytes at its end are not there.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn packet(
        &mut self,
        time: Timestamp,
        bytes: &[u8],
        missing: u32,
        comment: &str,
        mark: Option<EventId>,
    ) -> io::Result<()> {
        let ticks = u64::try_from(time.micros()).unwrap_or_default();
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let mut block = Vec::with_capacity(bytes.len() + comment.len() + 64);
        block.extend([0; 4]);
        block.extend(((ticks >> 32) as u32).to_le_bytes());
        block.extend(((ticks & 0xffff_ffff) as u32).to_le_bytes());
        block.extend(length.to_le_bytes());
        block.extend(length.saturating_add(missing).to_le_bytes());
        block.extend(bytes);
        block.resize(block.len().next_multiple_of(4), 0);
        let comment = match mark {
            Some(mark) => format!("{MARK}{:016x} {comment}", mark.0),
            None => comment.to_owned(),
        };
        if !comment.is_empty() {
            let end = (0..=LONGEST_COMMENT.min(comment.len()))
                .rev()
                .find(|end| comment.is_char_boundary(*end));
            let comment = comment.get(..end.unwrap_or_default()).unwrap_or_default();
            put_option(&mut block, 1, comment.trim_end().as_bytes());
            end_options(&mut block);
        }
        put_block(&mut self.out, 6, &block)?;
        self.packets += 1;
        Ok(())
    }

    /// Packets so far.
    pub const fn packets(&self) -> u64 {
        self.packets
    }

    /// Ends the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

fn put_option(block: &mut Vec<u8>, code: u16, value: &[u8]) {
    block.extend(code.to_le_bytes());
    block.extend(u16::try_from(value.len()).unwrap_or_default().to_le_bytes());
    block.extend(value);
    block.resize(block.len().next_multiple_of(4), 0);
}

fn end_options(block: &mut Vec<u8>) {
    block.extend([0; 4]);
}

fn put_block(out: &mut impl Write, kind: u32, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len() + 12)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a block is too long"))?;
    out.write_all(&kind.to_le_bytes())?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(body)?;
    out.write_all(&length.to_le_bytes())
}
