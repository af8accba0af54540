//! MD5 (RFC 1321), SHA-1 (RFC 3174) and the CRC of `cksum` (POSIX): for commands that print them, never for anything that must be safe.

/// The message with its padding and length, in blocks of 64 bytes.
fn padded(bytes: &[u8], big: bool) -> Vec<u8> {
    let mut message = bytes.to_vec();
    let bits = (bytes.len() as u64).wrapping_mul(8);
    message.push(0x80);
    while message.len() % 64 != 56 {
        message.push(0);
    }
    message.extend(if big { bits.to_be_bytes() } else { bits.to_le_bytes() });
    message
}

fn words(block: &[u8], big: bool) -> [u32; 16] {
    let mut words = [0; 16];
    for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
        let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
        *word = if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
    }
    words
}

pub(super) fn md5(bytes: &[u8]) -> [u8; 16] {
    const SHIFTS: [[u32; 4]; 4] =
        [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
    let mut state = [0x6745_2301_u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    let table: Vec<u32> =
        (1..=64).map(|place| (f64::from(place).sin().abs() * 4_294_967_296.0) as u32).collect();
    for block in padded(bytes, false).chunks_exact(64) {
        let message = words(block, false);
        let [mut a, mut b, mut c, mut d] = state;
        for place in 0..64 {
            let (mixed, word) = match place / 16 {
                0 => ((b & c) | (!b & d), place),
                1 => ((d & b) | (!d & c), (5 * place + 1) % 16),
                2 => (b ^ c ^ d, (3 * place + 5) % 16),
                _ => (c ^ (b | !d), (7 * place) % 16),
            };
            let sum = a.wrapping_add(mixed).wrapping_add(table[place]).wrapping_add(message[word]);
            (a, d, c) = (d, c, b);
            b = b.wrapping_add(sum.rotate_left(SHIFTS[place / 16][place % 4]));
        }
        for (sum, value) in state.iter_mut().zip([a, b, c, d]) {
            *sum = sum.wrapping_add(value);
        }
    }
    let mut digest = [0; 16];
    for (place, value) in digest.chunks_exact_mut(4).zip(state) {
        place.copy_from_slice(&value.to_le_bytes());
    }
    digest
}

pub(super) fn sha1(bytes: &[u8]) -> [u8; 20] {
    let mut state = [0x6745_2301_u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in padded(bytes, true).chunks_exact(64) {
        let mut schedule = [0_u32; 80];
        schedule[..16].copy_from_slice(&words(block, true));
        for place in 16..80 {
            schedule[place] = (schedule[place - 3]
                ^ schedule[place - 8]
                ^ schedule[place - 14]
                ^ schedule[place - 16])
                .rotate_left(1);
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (place, word) in schedule.into_iter().enumerate() {
            let (mixed, constant) = match place / 20 {
                0 => ((b & c) | (!b & d), 0x5a82_7999),
                1 => (b ^ c ^ d, 0x6ed9_eba1),
                2 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6_u32),
            };
            let sum = a
                .rotate_left(5)
                .wrapping_add(mixed)
                .wrapping_add(e)
                .wrapping_add(constant)
                .wrapping_add(word);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, sum);
        }
        for (sum, value) in state.iter_mut().zip([a, b, c, d, e]) {
            *sum = sum.wrapping_add(value);
        }
    }
    let mut digest = [0; 20];
    for (place, value) in digest.chunks_exact_mut(4).zip(state) {
        place.copy_from_slice(&value.to_be_bytes());
    }
    digest
}

pub(super) fn crc(bytes: &[u8]) -> u32 {
    let mut sum = 0_u32;
    let mut feed = |byte: u8| {
        sum ^= u32::from(byte) << 24;
        for _ in 0..8 {
            sum = if sum & 0x8000_0000 == 0 { sum << 1 } else { (sum << 1) ^ 0x04c1_1db7 };
        }
    };
    bytes.iter().for_each(|byte| feed(*byte));
    let mut length = bytes.len();
    while length > 0 {
        feed((length & 255) as u8);
        length >>= 8;
    }
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_texts_have_their_known_sums() {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(hex(&md5(b"")), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(
            hex(&md5(b"The quick brown fox jumps over the lazy dog")),
            "9e107d9d372bb6826bd81d3542a419d6"
        );
        assert_eq!(hex(&sha1(b"abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(crc(b"123456789"), 930_766_865);
    }
}
