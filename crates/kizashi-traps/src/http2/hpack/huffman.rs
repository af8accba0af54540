//! The Huffman code of HPACK (RFC 7541, appendix B). The code is canonical, so the lengths of its words are all of it: words of one length
//! count upwards in the order of their symbols. No word is shorter than five bits, so a text grows to 8/5 of its length at most.

use std::sync::OnceLock;

/// Bits of each symbol's word; the last is the end of the string, which must never stand in it.
#[rustfmt::skip]
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7,
    7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21,
    23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24,
    21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];

/// The symbol that ends a string.
const END: u16 = 256;
/// The longest word.
const LONGEST: usize = 30;

struct Code {
    /// The word of each symbol.
    words: Vec<u32>,
    /// Symbols by length, then value.
    symbols: Vec<u16>,
    /// For each length: its first word, how many it has, and where its symbols begin.
    first: [(u32, u32, usize); LONGEST + 1],
}

fn code() -> &'static Code {
    static CODE: OnceLock<Code> = OnceLock::new();
    CODE.get_or_init(|| {
        let mut symbols: Vec<u16> = (0..=END).collect();
        symbols.sort_by_key(|symbol| (LENGTHS[usize::from(*symbol)], *symbol));
        let (mut words, mut first) = (vec![0; LENGTHS.len()], [(0, 0, 0); LONGEST + 1]);
        let (mut word, mut place) = (0_u32, 0);
        for (length, entry) in first.iter_mut().enumerate().skip(1) {
            word <<= 1;
            let many = LENGTHS.iter().filter(|found| usize::from(**found) == length).count();
            *entry = (word, many as u32, place);
            for symbol in &symbols[place..place + many] {
                words[usize::from(*symbol)] = word;
                word += 1;
            }
            place += many;
        }
        Code { words, symbols, first }
    })
}

/// The text of these bytes; `None` where they are no code, or padded with anything but the beginning of the last word (5.2).
pub(super) fn decode(bytes: &[u8]) -> Option<Vec<u8>> {
    let code = code();
    let mut text = Vec::with_capacity(bytes.len() * 8 / 5);
    let (mut word, mut length, mut ones) = (0_u32, 0_usize, true);
    for byte in bytes {
        for place in (0..8).rev() {
            let bit = u32::from(byte >> place) & 1;
            word = (word << 1) | bit;
            length += 1;
            ones &= bit == 1;
            let (begin, many, symbols) = *code.first.get(length)?;
            if word >= begin && word - begin < many {
                let symbol = code.symbols[symbols + (word - begin) as usize];
                text.push(u8::try_from(symbol).ok()?);
                (word, length, ones) = (0, 0, true);
            }
        }
    }
    (length < 8 && ones).then_some(text)
}

/// Bytes that a text takes.
pub(super) fn length(text: &[u8]) -> usize {
    let bits: usize = text.iter().map(|byte| usize::from(LENGTHS[usize::from(*byte)])).sum();
    bits.div_ceil(8)
}

pub(super) fn encode(text: &[u8], into: &mut Vec<u8>) {
    let code = code();
    let (mut held, mut bits) = (0_u64, 0_u32);
    for byte in text {
        let symbol = usize::from(*byte);
        held = (held << LENGTHS[symbol]) | u64::from(code.words[symbol]);
        bits += u32::from(LENGTHS[symbol]);
        while bits >= 8 {
            bits -= 8;
            into.push((held >> bits) as u8);
        }
    }
    if bits > 0 {
        into.push(((held << (8 - bits)) as u8) | (0xff >> bits));
    }
}
