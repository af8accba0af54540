//! Streamlined NTRU Prime 761, the half of it that a server does: encapsulating a secret for the client's key (sntrup761 of the NTRU
//! Prime submission to NIST, round 3; draft-ietf-sshm-ntruprime-ssh). OpenSSH has asked for it first since 9.0.

use sha2::{Digest, Sha512};

use crate::randomness::Randomness;

const P: usize = 761;
const Q: i32 = 4591;
/// Coefficients of a secret that are not zero.
const WEIGHT: usize = 286;
/// (q − 1) / 2, by which coefficients are moved before they are encoded.
const HALF: i32 = 2295;
/// Bytes of a client's key.
pub(super) const PUBLIC: usize = 1158;
/// Bytes of an encapsulated secret.
pub(super) const CIPHERTEXT: usize = 1039;

/// The ciphertext and the secret in it.
pub(super) fn encapsulate(
    public: &[u8; PUBLIC],
    randomness: &mut Randomness,
) -> (Vec<u8>, [u8; 32]) {
    let secret = short(randomness);
    let encoded = encode_small(&secret);
    let key = decode_key(public);
    let product = multiply(&key, &secret);
    let moduli = [1531; P];
    let rounded: Vec<u16> = product.iter().map(|value| rounded(*value)).collect();
    let mut ciphertext = Vec::with_capacity(CIPHERTEXT);
    encode(&mut ciphertext, &rounded, &moduli);
    let inputs = hash(3, &[&encoded]);
    ciphertext.extend(hash(2, &[&inputs, &hash(4, &[public])]));
    let session = hash(1, &[&inputs, &ciphertext]);
    (ciphertext, session)
}

/// The first half of SHA-512 under a number that says what is hashed.
fn hash(kind: u8, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha512::new();
    hasher.update([kind]);
    parts.iter().for_each(|part| hasher.update(part));
    let digest: [u8; 64] = hasher.finalize().into();
    std::array::from_fn(|place| digest[place])
}

/// A polynomial of which [`WEIGHT`] coefficients are 1 or −1, by sorting random words whose last two bits say what they stand for.
fn short(randomness: &mut Randomness) -> [i8; P] {
    let mut bytes = [0; 4 * P];
    randomness.fill(&mut bytes);
    let mut words: Vec<u32> = bytes
        .chunks_exact(4)
        .enumerate()
        .map(|(place, word)| {
            let word = u32::from_le_bytes([word[0], word[1], word[2], word[3]]);
            if place < WEIGHT { word & !1 } else { (word & !3) | 1 }
        })
        .collect();
    words.sort_unstable();
    std::array::from_fn(|place| ((words[place] & 3) as i8) - 1)
}

/// Four coefficients a byte.
fn encode_small(secret: &[i8; P]) -> Vec<u8> {
    let byte =
        |group: &[i8]| group.iter().rev().fold(0, |byte, value| (byte << 2) | ((value + 1) as u8));
    secret.chunks(4).map(byte).collect()
}

/// A remainder between −[`HALF`] and [`HALF`].
const fn reduced(value: i32) -> i32 {
    let value = value.rem_euclid(Q);
    if value > HALF { value - Q } else { value }
}

/// A coefficient made a multiple of three and then a third.
fn rounded(value: i32) -> u16 {
    let nearest = match value.rem_euclid(3) {
        0 => value,
        1 => value - 1,
        _ => value + 1,
    };
    u16::try_from((nearest + HALF) / 3).unwrap_or(0)
}

/// The product modulo x^761 − x − 1 and q.
fn multiply(key: &[i32; P], secret: &[i8; P]) -> Vec<i32> {
    let mut product = vec![0_i32; 2 * P - 1];
    for (place, value) in secret.iter().enumerate() {
        // At most 286 summands of at most 2,295 each: no reduction is needed on the way.
        match value {
            1 => product[place..].iter_mut().zip(key).for_each(|(sum, key)| *sum += key),
            -1 => product[place..].iter_mut().zip(key).for_each(|(sum, key)| *sum -= key),
            _ => {}
        }
    }
    for place in (P..2 * P - 1).rev() {
        let high = reduced(product[place]);
        product[place - P] += high;
        product[place - P + 1] += high;
    }
    product.truncate(P);
    product.into_iter().map(reduced).collect()
}

fn decode_key(bytes: &[u8; PUBLIC]) -> [i32; P] {
    let mut values = Vec::with_capacity(P);
    decode(&mut values, bytes, &[Q as u16; P]);
    std::array::from_fn(|place| i32::from(values[place]) - HALF)
}

/// Numbers below their moduli as bytes: pairs become one number until one is left; what is over 14 bits leaves first.
fn encode(bytes: &mut Vec<u8>, values: &[u16], moduli: &[u16]) {
    let (&[value], &[modulus]) = (values, moduli) else {
        let (mut halved, mut halved_moduli) = (Vec::new(), Vec::new());
        for (pair, bounds) in values.chunks(2).zip(moduli.chunks(2)) {
            let (&[low, high], &[low_bound, high_bound]) = (pair, bounds) else {
                halved.extend(pair);
                halved_moduli.extend(bounds);
                continue;
            };
            let mut value = u32::from(low) + u32::from(high) * u32::from(low_bound);
            let mut modulus = u32::from(low_bound) * u32::from(high_bound);
            while modulus >= 16_384 {
                bytes.push((value & 255) as u8);
                value >>= 8;
                modulus = modulus.div_ceil(256);
            }
            halved.push((value & 0xffff) as u16);
            halved_moduli.push((modulus & 0xffff) as u16);
        }
        return encode(bytes, &halved, &halved_moduli);
    };
    let (mut value, mut modulus) = (value, modulus);
    while modulus > 1 {
        bytes.push((value & 255) as u8);
        value >>= 8;
        modulus = modulus.div_ceil(256);
    }
}

/// The reverse of [`encode`]; bytes that it would never write give some numbers below the moduli.
fn decode(values: &mut Vec<u16>, bytes: &[u8], moduli: &[u16]) {
    if let &[modulus] = moduli {
        let byte = |place: usize| bytes.get(place).copied().map_or(0, u16::from);
        let value = match modulus {
            1 => 0,
            2..=256 => byte(0) % modulus,
            _ => (byte(0) | (byte(1) << 8)) % modulus,
        };
        return values.push(value);
    }
    let mut rest = bytes;
    let (mut bottoms, mut halved_moduli) = (Vec::new(), Vec::new());
    for bounds in moduli.chunks(2) {
        let &[low, high] = bounds else {
            halved_moduli.extend(bounds);
            continue;
        };
        let mut modulus = u32::from(low) * u32::from(high);
        let (mut bottom, mut range) = (0, 1);
        while modulus >= 16_384 {
            let (byte, after) =
                rest.split_first().map_or((0, rest), |(byte, after)| (*byte, after));
            rest = after;
            bottom += u32::from(byte) * range;
            range *= 256;
            modulus = modulus.div_ceil(256);
        }
        bottoms.push((bottom, range));
        halved_moduli.push((modulus & 0xffff) as u16);
    }
    let mut halved = Vec::with_capacity(halved_moduli.len());
    decode(&mut halved, rest, &halved_moduli);
    for (place, (bounds, top)) in moduli.chunks(2).zip(halved).enumerate() {
        let &[low, high] = bounds else {
            values.push(top);
            continue;
        };
        let (bottom, range) = bottoms.get(place).copied().unwrap_or((0, 1));
        let value = bottom + range * u32::from(top);
        values.push((value % u32::from(low)) as u16);
        values.push(((value / u32::from(low)) % u32::from(high)) as u16);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::randomness::Source;

    #[test]
    fn a_secret_has_its_weight_and_all_has_its_length() {
        let mut randomness = Source::new([1; 32]).stream();
        let secret = short(&mut randomness);
        assert_eq!(secret.iter().filter(|value| **value != 0).count(), WEIGHT);
        assert_eq!(encode_small(&secret).len(), 191);
        let (ciphertext, _) = encapsulate(&[0x5a; PUBLIC], &mut randomness);
        assert_eq!(ciphertext.len(), CIPHERTEXT);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn numbers_are_decoded_as_they_were_encoded(
            values in prop::collection::vec(0_u16..4591, P)
        ) {
            let moduli = [4591; P];
            let (mut bytes, mut again) = (Vec::new(), Vec::new());
            encode(&mut bytes, &values, &moduli);
            decode(&mut again, &bytes, &moduli);
            prop_assert_eq!(bytes.len(), PUBLIC);
            prop_assert_eq!(again, values);
        }

        #[test]
        fn no_key_does_harm(bytes in prop::collection::vec(any::<u8>(), PUBLIC)) {
            let key: [u8; PUBLIC] = bytes.try_into().unwrap();
            encapsulate(&key, &mut Source::new([2; 32]).stream());
        }
    }
}
