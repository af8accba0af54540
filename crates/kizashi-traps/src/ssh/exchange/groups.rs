//! Diffie-Hellman over prime fields: the groups of RFC 3526, and those that OpenSSH's `moduli` file of Debian 12 offers for an exchange
//! of groups (RFC 4419): four of each size. Numbers are never larger than 8,192 bits.

use crate::finite_field::Field;
use crate::randomness::Randomness;

/// Bytes of a server's exponent: twice the strength of the longest key derived.
const EXPONENT: usize = 64;

/// A prime and its generator.
pub(in crate::ssh) struct Group {
    /// Big-endian, without leading zeros.
    pub(in crate::ssh) prime: Vec<u8>,
    pub(in crate::ssh) generator: u8,
}

/// RFC 3526: the beginning and end of each prime, and what is between them, in hexadecimal.
const GROUPS: &str = include_str!("groups.txt");
/// Size, generator and prime in each line.
const MODULI: &str = include_str!("moduli.txt");

fn from_hex(digits: &str) -> Vec<u8> {
    let value = |digit: u8| char::from(digit).to_digit(16).unwrap_or(0) as u8;
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, d| (byte << 4) | value(*d)))
        .collect()
}

fn line(text: &str, place: usize) -> Option<(u32, Group)> {
    let mut words = text.lines().nth(place)?.split(' ');
    let size = words.next()?.parse().ok()?;
    let generator = words.next()?.parse().ok()?;
    Some((size, Group { prime: from_hex(words.next()?), generator }))
}

/// The group of this size, 2,048, 4,096 or 8,192 bits, that everybody has.
pub(super) fn fixed(size: u32) -> Option<Group> {
    (0..GROUPS.lines().count())
        .filter_map(|place| line(GROUPS, place))
        .find(|(own, _)| *own == size)
        .map(|(_, group)| group)
}

/// A group for a client who wants `wanted` bits and takes `least` to `most`, as OpenSSH chooses it (dh.c, `choose_dh`).
pub(super) fn chosen(
    least: u32,
    wanted: u32,
    most: u32,
    randomness: &mut Randomness,
) -> Option<Group> {
    let mut best = 0;
    let mut places = Vec::new();
    for (place, text) in MODULI.lines().enumerate() {
        let size = text.split(' ').next().and_then(|size| size.parse().ok()).unwrap_or(0);
        if size > most || size < least {
            continue;
        }
        if (size > wanted && size < best) || (size > best && best < wanted) {
            best = size;
            places.clear();
        }
        if size == best {
            places.push(place);
        }
    }
    if places.is_empty() {
        // dh.c, `dh_new_group_fallback`.
        return fixed(match most {
            0..3_072 => 2_048,
            3_072..6_144 => 4_096,
            _ => 8_192,
        });
    }
    let drawn = usize::try_from(randomness.below(places.len() as u64)).unwrap_or(0);
    line(MODULI, *places.get(drawn)?).map(|(_, group)| group)
}

impl Group {
    /// The server's public value and the secret shared with a client's; `None` for a value that OpenSSH refuses
    /// (dh.c, `dh_pub_is_valid`).
    pub(super) fn agree(
        &self,
        theirs: &[u8],
        randomness: &mut Randomness,
    ) -> Option<(Vec<u8>, Vec<u8>)> {
        let field = Field::of(&self.prime)?;
        let few_bits = theirs.iter().map(|byte| byte.count_ones()).sum::<u32>() < 4;
        if few_bits || !field.holds(theirs) {
            return None;
        }
        let exponent: [u8; EXPONENT] = randomness.bytes();
        Some((field.power(&[self.generator], &exponent)?, field.power(theirs, &exponent)?))
    }
}
