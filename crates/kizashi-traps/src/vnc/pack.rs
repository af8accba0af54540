//! What TightVNC packs by zlib (RFC 1950, 1951), for `Zlib` and `Tight`. A still picture is runs of points, so runs are all that is looked for, in
//! one block of fixed codes a piece: nothing is held between pieces but whether the stream has begun, where a compressor of the usual kind holds a
//! quarter of a megabyte for each visitor.

/// Shortest and longest run (RFC 1951, 3.2.5).
const SHORTEST: usize = 3;
const LONGEST: usize = 258;
/// Where the codes of lengths begin, from 257 on, and their further bits.
const LENGTHS: [(u16, u8); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];

/// A stream that goes on from piece to piece.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stream {
    begun: bool,
}

impl Stream {
    /// The next piece of it; `step` is the bytes of a point, 1 to 4, by which runs repeat.
    pub(super) fn pack(&mut self, bytes: &[u8], step: usize) -> Vec<u8> {
        let step = step.clamp(1, 4);
        let mut bits = Bits::default();
        if !self.begun {
            self.begun = true;
            // Deflate with a window of 32 KiB, of the usual effort.
            bits.out.extend([0x78, 0x9c]);
        }
        // Not the last block, fixed codes.
        bits.put(0, 1);
        bits.put(1, 2);
        let mut at = 0;
        while at < bytes.len() {
            let run = run(bytes, at, step);
            if run < SHORTEST {
                bits.literal(bytes[at]);
                at += 1;
                continue;
            }
            bits.length(run);
            // Distances of 1 to 4 are codes of their own.
            bits.code(u16::try_from(step - 1).unwrap_or(0), 5);
            at += run;
        }
        bits.code(0, 7);
        // An empty block that is stored: all is there up to here (Z_SYNC_FLUSH).
        bits.put(0, 3);
        bits.align();
        bits.out.extend([0, 0, 0xff, 0xff]);
        bits.out
    }
}

/// How many bytes from here on repeat those `step` before.
fn run(bytes: &[u8], at: usize, step: usize) -> usize {
    if at < step {
        return 0;
    }
    let pairs = bytes[at..].iter().zip(&bytes[at - step..]);
    pairs.take(LONGEST).take_while(|(byte, before)| byte == before).count()
}

#[derive(Default)]
struct Bits {
    out: Vec<u8>,
    held: u32,
    count: u8,
}

impl Bits {
    /// Numbers go in from their lowest bit.
    fn put(&mut self, value: u32, count: u8) {
        self.held |= value << self.count;
        self.count += count;
        while self.count >= 8 {
            self.out.push(self.held.to_le_bytes()[0]);
            self.held >>= 8;
            self.count -= 8;
        }
    }

    /// Codes from their highest.
    fn code(&mut self, code: u16, count: u8) {
        self.put(u32::from(code.reverse_bits() >> (16 - count)), count);
    }

    /// The fixed codes of RFC 1951, 3.2.6.
    fn symbol(&mut self, symbol: u16) {
        match symbol {
            0..=143 => self.code(0x30 + symbol, 8),
            144..=255 => self.code(0x190 + symbol - 144, 9),
            256..=279 => self.code(symbol - 256, 7),
            _ => self.code(0xc0 + symbol - 280, 8),
        }
    }

    fn literal(&mut self, byte: u8) {
        self.symbol(byte.into());
    }

    fn length(&mut self, length: usize) {
        let length = u16::try_from(length).unwrap_or(3);
        let place = LENGTHS.iter().rposition(|(from, _)| *from <= length).unwrap_or(0);
        let (from, more) = LENGTHS[place];
        self.symbol(257 + u16::try_from(place).unwrap_or(0));
        self.put(u32::from(length - from), more);
    }

    fn align(&mut self) {
        let left = (8 - self.count % 8) % 8;
        self.put(0, left);
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Decompress, FlushDecompress};
    use proptest::prelude::*;

    use super::*;

    /// Reads pieces of one stream with zlib's own reader.
    fn read(pieces: &[Vec<u8>]) -> Vec<u8> {
        let mut reader = Decompress::new(true);
        let mut whole = Vec::new();
        for piece in pieces {
            let mut given = &piece[..];
            loop {
                let mut out = Vec::with_capacity(64 * 1024);
                let before = reader.total_in();
                reader.decompress_vec(given, &mut out, FlushDecompress::Sync).unwrap();
                given = &given[usize::try_from(reader.total_in() - before).unwrap()..];
                let is_done = out.len() < out.capacity();
                whole.extend(out);
                if is_done && given.is_empty() {
                    break;
                }
            }
        }
        whole
    }

    #[test]
    fn a_row_of_one_colour_takes_few_bytes() {
        let packed = Stream::default().pack(&[0xbe; 64 * 1024], 4);
        assert!(packed.len() < 512, "{}", packed.len());
        assert_eq!(read(&[packed]), [0xbe; 64 * 1024]);
    }

    proptest! {
        #[test]
        fn zlib_reads_back_whatever_was_packed(
            pieces in prop::collection::vec(prop::collection::vec(0_u8..4, 0..600), 1..5),
            high in any::<u8>(),
            step in 1_usize..5,
        ) {
            let pieces: Vec<Vec<u8>> = pieces.into_iter().map(|piece| piece.into_iter().map(|byte| byte.wrapping_mul(high)).collect()).collect();
            let mut stream = Stream::default();
            let packed: Vec<Vec<u8>> = pieces.iter().map(|piece| stream.pack(piece, step)).collect();
            prop_assert_eq!(read(&packed), pieces.concat());
        }
    }
}
