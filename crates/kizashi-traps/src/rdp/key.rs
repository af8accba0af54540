//! The RSA key of RDP's own security (5.3.3.1): 512 bits, as servers before TLS made it when they were installed; here it follows from the
//! installation. Nothing that is worth anything hangs on it. With it goes the key by which every server signs such keys, which the
//! specification prints (5.3.3.1.2).

use std::cmp::Ordering;

use crate::Identity;
use crate::draw::Draw;
use crate::finite_field::Field;

/// Bytes of the modulus.
pub(super) const LENGTH: usize = 64;
pub(super) const EXPONENT: u32 = 65_537;

/// Terminal Services' signing key, the lowest byte first.
const SIGNING_MODULUS: [u8; LENGTH] = [
    0x3d, 0x3a, 0x5e, 0xbd, 0x72, 0x43, 0x3e, 0xc9, 0x4d, 0xbb, 0xc1, 0x1e, 0x4a, 0xba, 0x5f, 0xcb,
    0x3e, 0x88, 0x20, 0x87, 0xef, 0xf5, 0xc1, 0xe2, 0xd7, 0xb7, 0x6b, 0x9a, 0xf2, 0x52, 0x45, 0x95,
    0xce, 0x63, 0x65, 0x6b, 0x58, 0x3a, 0xfe, 0xef, 0x7c, 0xe7, 0xbf, 0xfe, 0x3d, 0xf6, 0x5c, 0x7d,
    0x6c, 0x5e, 0x06, 0x09, 0x1a, 0xf5, 0x61, 0xbb, 0x20, 0x93, 0x09, 0x5f, 0x05, 0x6d, 0xea, 0x87,
];
const SIGNING_EXPONENT: [u8; LENGTH] = [
    0x87, 0xa7, 0x19, 0x32, 0xda, 0x11, 0x87, 0x55, 0x58, 0x00, 0x16, 0x16, 0x25, 0x65, 0x68, 0xf8,
    0x24, 0x3e, 0xe6, 0xfa, 0xe9, 0x67, 0x49, 0x94, 0xcf, 0x92, 0xcc, 0x33, 0x99, 0xe8, 0x08, 0x60,
    0x17, 0x9a, 0x12, 0x9f, 0x24, 0xdd, 0xb1, 0x24, 0x99, 0xc7, 0x3a, 0xb8, 0x0a, 0x7b, 0x0d, 0xdd,
    0x35, 0x07, 0x79, 0x17, 0x0b, 0x51, 0x9b, 0xb3, 0xc7, 0x10, 0x01, 0x13, 0xe7, 0x3f, 0xf3, 0x5f,
];

fn reversed(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().rev().copied().collect()
}

/// `base` to `exponent`, all of them the lowest byte first, as everything of this protocol is.
fn power(base: &[u8], exponent: &[u8], modulus: &[u8]) -> Option<Vec<u8>> {
    let field = Field::of(&reversed(modulus))?;
    let base = reversed(base);
    // What is larger than the modulus is no message.
    let zeros = base.iter().take_while(|byte| **byte == 0).count();
    let base = base.get(zeros..).filter(|base| base.len() <= modulus.len())?;
    let base = if base.is_empty() { &[0][..] } else { base };
    let power = field.power(base, &reversed(exponent))?;
    Some(reversed(&power))
}

/// Signs a digest with everybody's key: the digest, a zero, ones, a one.
pub(super) fn signed(digest: &[u8; 16]) -> Option<Vec<u8>> {
    let mut block = digest.to_vec();
    block.push(0);
    block.resize(LENGTH - 2, 0xff);
    block.push(1);
    let mut signature = power(&block, &SIGNING_EXPONENT, &SIGNING_MODULUS)?;
    signature.resize(LENGTH, 0);
    Some(signature)
}

/// The server's own key.
pub(super) struct Key {
    /// The lowest byte first.
    pub(super) modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl Key {
    /// That of this installation, drawn once.
    pub(super) fn of(identity: &Identity) -> Option<Self> {
        let both = identity.drawn("rdp key", || made(identity).unwrap_or_default());
        let (modulus, exponent) = both.split_at_checked(LENGTH)?;
        Some(Self { modulus: modulus.to_vec(), exponent: exponent.to_vec() })
    }

    /// Opens what was sealed for it.
    pub(super) fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        power(sealed.get(..LENGTH)?, &self.exponent, &self.modulus)
    }
}

/// Modulus and private exponent.
fn made(identity: &Identity) -> Option<Vec<u8>> {
    let (first, place) = prime(identity, 0)?;
    let (second, _) = prime(identity, place + 4)?;
    let modulus = product(&first, &second);
    let less = |prime: &[u32]| {
        let mut digits = prime.to_vec();
        digits[0] -= 1;
        digits
    };
    let phi = product(&less(&first), &less(&second));
    // d = (1 + k φ) / e, where k is such that e divides it.
    let e = u64::from(EXPONENT);
    let rest = remainder(&phi, EXPONENT);
    let inverse = small_power(u64::from(rest), e - 2, e);
    let k = u32::try_from((e - inverse) % e).ok()?;
    let mut numerator = product(&phi, &[k]);
    add_one(&mut numerator);
    let exponent = quotient(&numerator, EXPONENT);
    let bytes = |digits: &[u32]| {
        let mut bytes: Vec<u8> = digits.iter().flat_map(|digit| digit.to_le_bytes()).collect();
        bytes.resize(LENGTH, 0);
        bytes
    };
    Some([bytes(&modulus), bytes(&exponent)].concat())
}

/// Places of the draw that are tried for one prime: one in a hundred and eighty numbers is one.
const TRIES: u64 = 20_000;

/// A prime of 256 bits, digits of 32 bits the lowest first, with both upper bits set; and the place of the draw behind it.
fn prime(identity: &Identity, from: u64) -> Option<(Vec<u32>, u64)> {
    let draw = Draw::new(identity.seed(), "rdp prime");
    let mut digits: Vec<u32> = (from..from + 4)
        .flat_map(|place| {
            let number = draw.number(place).to_le_bytes();
            let half =
                |at: usize| u32::from_le_bytes(std::array::from_fn(|byte| number[at + byte]));
            [half(0), half(4)]
        })
        .collect();
    digits[0] |= 1;
    digits[7] |= 0xc000_0000;
    for _ in 0..TRIES {
        if is_prime(&digits) {
            return Some((digits, from + 4));
        }
        // Of 256 bits with the upper ones set hardly any leads out of them by so few steps.
        let (low, carried) = digits[0].overflowing_add(2);
        digits[0] = low;
        if carried {
            digits[1] = digits[1].wrapping_add(1);
        }
    }
    None
}

/// Small factors, that e does not divide the number less one, then Fermat's test to the base of 2: a number that was drawn passes it by chance
/// only once in far more than there are installations.
fn is_prime(digits: &[u32]) -> bool {
    const SMALL: [u32; 30] = [
        3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89,
        97, 101, 103, 107, 109, 113, 127,
    ];
    if SMALL.iter().any(|factor| remainder(digits, *factor) == 0) {
        return false;
    }
    if remainder(digits, EXPONENT) == 1 {
        return false;
    }
    let big: Vec<u8> = digits.iter().rev().flat_map(|digit| digit.to_be_bytes()).collect();
    let mut less = big.clone();
    if let Some(last) = less.last_mut() {
        *last -= 1;
    }
    let power = Field::of(&big).and_then(|field| field.power(&[2], &less));
    power.is_some_and(|power| {
        let zeros = power.iter().take_while(|byte| **byte == 0).count();
        power[zeros..].cmp(&[1]) == Ordering::Equal
    })
}

fn product(one: &[u32], other: &[u32]) -> Vec<u32> {
    let mut digits = vec![0_u32; one.len() + other.len()];
    for (at, first) in one.iter().enumerate() {
        let mut carried = 0_u64;
        for (further, second) in other.iter().enumerate() {
            let sum =
                u64::from(*first) * u64::from(*second) + u64::from(digits[at + further]) + carried;
            digits[at + further] = low(sum);
            carried = sum >> 32;
        }
        digits[at + other.len()] = low(carried);
    }
    digits
}

fn low(number: u64) -> u32 {
    u32::try_from(number & 0xffff_ffff).unwrap_or(0)
}

fn remainder(digits: &[u32], by: u32) -> u32 {
    let by = u64::from(by);
    low(digits.iter().rev().fold(0_u64, |rest, digit| (rest << 32 | u64::from(*digit)) % by))
}

fn quotient(digits: &[u32], by: u32) -> Vec<u32> {
    let by = u64::from(by);
    let mut rest = 0_u64;
    let mut quotient: Vec<u32> = digits
        .iter()
        .rev()
        .map(|digit| {
            let part = rest << 32 | u64::from(*digit);
            rest = part % by;
            low(part / by)
        })
        .collect();
    quotient.reverse();
    quotient.truncate(LENGTH / 4);
    quotient
}

fn add_one(digits: &mut [u32]) {
    for digit in digits {
        let (sum, carried) = digit.overflowing_add(1);
        *digit = sum;
        if !carried {
            return;
        }
    }
}

fn small_power(base: u64, exponent: u64, modulus: u64) -> u64 {
    let mut result = 1;
    let (mut base, mut exponent) = (base % modulus, exponent);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result * base % modulus;
        }
        base = base * base % modulus;
        exponent >>= 1;
    }
    result
}

/// Seals for the key of this modulus, as a client does.
#[cfg(test)]
pub(super) fn sealed(content: &[u8], modulus: &[u8]) -> Vec<u8> {
    let mut sealed = power(content, &EXPONENT.to_le_bytes(), modulus).unwrap();
    sealed.resize(LENGTH + 8, 0);
    sealed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_for_an_installations_key_is_opened_by_it_and_by_no_other() {
        let keys: Vec<Key> =
            (1..8).map(|seed| Key::of(&Identity::draw([seed; 32])).unwrap()).collect();
        for key in &keys {
            let content: Vec<u8> = (1..33).collect();
            let open = key.open(&sealed(&content, &key.modulus)).unwrap();
            assert_eq!(open[..32], content);
            assert!(open[32..].iter().all(|byte| *byte == 0));
        }
        assert_ne!(keys[0].modulus, keys[1].modulus);
    }

    /// The public half of the signing key (5.3.3.1.1).
    #[test]
    fn everybodys_key_signs_so_that_clients_find_the_digest() {
        let signature = signed(&[7; 16]).unwrap();
        let opened = power(&signature, &[0x5b, 0x7b, 0x88, 0xc0], &SIGNING_MODULUS).unwrap();
        assert_eq!(opened[..17], [&[7; 16][..], &[0]].concat());
        assert_eq!(opened[17..62], [0xff; 45]);
        assert_eq!(opened[62], 1);
    }
}
