//! Unpacks a capture: plain, gzip (RFC 1952) or zstd (RFC 8878), told by the first bytes. Unpacking is streamed: a bomb costs time
//! and never memory.

use std::io::{self, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

const PACKED_BUFFER: usize = 65_536;
const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// Whether these first bytes are of a stream that [`open`] unpacks.
pub(crate) fn is_packed(head: &[u8]) -> bool {
    head.starts_with(GZIP) || head.starts_with(ZSTD)
}

/// The unpacked stream.
pub(crate) fn open<'a>(mut reader: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let mut head = Vec::with_capacity(ZSTD.len());
    reader.by_ref().take(4).read_to_end(&mut head)?;
    let (is_gzip, is_zstd) = (head.starts_with(GZIP), head.starts_with(ZSTD));
    let whole = Cursor::new(head).chain(reader);
    let buffered = |whole| BufReader::with_capacity(PACKED_BUFFER, whole);
    Ok(if is_gzip {
        Box::new(MultiGzDecoder::new(buffered(whole)))
    } else if is_zstd {
        Box::new(zstd::stream::read::Decoder::with_buffer(buffered(whole))?)
    } else {
        Box::new(whole)
    })
}
