//! Opens a stream of bytes and unpacks it: plain, gzip (RFC 1952, any number of members) or zstd (RFC 8878, any number of
//! frames), told by the first bytes and never by the name. Unpacking is streamed, so a bomb costs time and never memory; the
//! largest window of zstd that is accepted is its library's default, 128 MiB.

use std::cell::Cell;
use std::io::{self, BufReader, Cursor, Read};
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;

/// Enough of a beginning to tell compression and archives.
const HEAD_BYTES: usize = 512;
const PACKED_BUFFER: usize = 65_536;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// Counts the bytes read through it.
pub(crate) struct Counted<R> {
    inner: R,
    count: Rc<Cell<u64>>,
}

impl<R> Counted<R> {
    pub(crate) fn new(inner: R) -> (Self, Rc<Cell<u64>>) {
        let count = Rc::new(Cell::new(0));
        (Self { inner, count: Rc::clone(&count) }, count)
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.set(self.count.get() + u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

/// The stream's text: looks at the first bytes and unpacks accordingly.
pub(crate) fn open<'a>(mut reader: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let head = read_head(&mut reader, GZIP.len().max(ZSTD.len()))?;
    let (is_gzip, is_zstd) = (head.starts_with(GZIP), head.starts_with(ZSTD));
    let whole = Cursor::new(head).chain(reader);
    let text: Box<dyn Read + 'a> = if is_gzip {
        Box::new(MultiGzDecoder::new(BufReader::with_capacity(PACKED_BUFFER, whole)))
    } else if is_zstd {
        Box::new(zstd::stream::read::Decoder::with_buffer(BufReader::with_capacity(
            PACKED_BUFFER,
            whole,
        ))?)
    } else {
        Box::new(whole)
    };
    Ok(text)
}

/// The first `length` bytes, or fewer at the end of the stream.
fn read_head(reader: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(length);
    reader.take(u64::try_from(length).unwrap_or(u64::MAX)).read_to_end(&mut head)?;
    Ok(head)
}

/// Whether these first bytes are of a stream that [`open`] unpacks.
pub(crate) fn is_packed(head: &[u8]) -> bool {
    head.starts_with(GZIP) || head.starts_with(ZSTD)
}

/// What to do with a text of no known format that begins like this, where it is something well known.
pub(crate) fn hint(head: &[u8]) -> Option<&'static str> {
    let head = &head[..head.len().min(HEAD_BYTES)];
    if head.get(257..262) == Some(b"ustar") {
        return Some("it is a tar archive: unpack it and import what is in it");
    }
    let known: [(&[u8], &'static str); 6] = [
        (b"PK\x03\x04", "it is a zip archive: unpack it and import what is in it"),
        (b"BZh", "it is packed with bzip2: unpack it with bunzip2"),
        (b"\xfd7zXZ", "it is packed with xz: unpack it with unxz"),
        (b"\xd4\xc3\xb2\xa1", "it is a capture of packets: import it with --format pcap"),
        (b"\x0a\x0d\x0d\x0a", "it is a capture of packets: import it with --format pcap"),
        (b"SQLite format 3", "it is a database: export the rows as CSV"),
    ];
    known.into_iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, hint)| hint)
}
