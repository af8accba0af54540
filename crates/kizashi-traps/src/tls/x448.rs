//! X448 (RFC 7748, 5): a scalar times a point of Curve448 by its u-coordinate. OpenSSL offers it third, so that scanners list it; no light
//! crate has it yet. Steps take as long as their numbers do: nothing here guards a secret that is worth one.

use crypto_bigint::modular::ConstMontyForm;
use crypto_bigint::{U448, const_monty_params};

/// Bytes of a scalar and of a coordinate.
pub(super) const LENGTH: usize = 56;
/// The base point.
pub(super) const BASE: [u8; LENGTH] = {
    let mut base = [0; LENGTH];
    base[0] = 5;
    base
};

const_monty_params!(
    Curve448,
    U448,
    "fffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "2^448 - 2^224 - 1."
);

type Element = ConstMontyForm<Curve448, { U448::LIMBS }>;

/// The product, as it is sent; all zeros for a point of small order.
pub(super) fn multiply(scalar: &[u8; LENGTH], point: &[u8; LENGTH]) -> [u8; LENGTH] {
    let mut scalar = *scalar;
    scalar[0] &= 252;
    scalar[LENGTH - 1] |= 128;
    let start = Element::new(&U448::from_le_slice(point));
    let constant = Element::new(&U448::from_u32(39_081));
    let (zero, one) = (Element::new(&U448::ZERO), Element::new(&U448::ONE));
    let (mut x2, mut z2, mut x3, mut z3) = (one, zero, start, one);
    let mut swapped = false;
    for place in (0..448).rev() {
        let bit = scalar[place / 8] >> (place % 8) & 1 == 1;
        if bit != swapped {
            (x2, x3, z2, z3) = (x3, x2, z3, z2);
        }
        swapped = bit;
        let (sum, difference) = (x2 + z2, x2 - z2);
        let (aa, bb) = (sum.square(), difference.square());
        let e = aa - bb;
        let (da, cb) = ((x3 - z3) * sum, (x3 + z3) * difference);
        x3 = (da + cb).square();
        z3 = start * (da - cb).square();
        x2 = aa * bb;
        z2 = e * (aa + constant * e);
    }
    if swapped {
        (x2, z2) = (x3, z3);
    }
    let inverse = z2.invert().into_option().unwrap_or(zero);
    let mut product: [u8; LENGTH] = [0; LENGTH];
    let bytes = (x2 * inverse).retrieve().to_be_bytes();
    product.iter_mut().zip(bytes.as_ref().iter().rev()).for_each(|(to, from)| *to = *from);
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> [u8; LENGTH] {
        let digits: Vec<u8> =
            text.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
        let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect();
        bytes.try_into().unwrap()
    }

    /// RFC 7748, 5.2 and 6.2.
    #[test]
    fn products_are_those_of_rfc_7748() {
        let scalar = hex(
            "3d262fddf9ec8e88495266fea19a34d28882acef045104d0d1aae121700a779c984c24f8cdd78fbff44943eba368f54b29259a4f1c600ad3",
        );
        let point = hex(
            "06fce640fa3487bfda5f6cf2d5263f8aad88334cbd07437f020f08f9814dc031ddbdc38c19c6da2583fa5429db94ada18aa7a7fb4ef8a086",
        );
        let product = hex(
            "ce3e4ff95a60dc6697da1db1d85e6afbdf79b50a2412d7546d5f239fe14fbaadeb445fc66a01b0779d98223961111e21766282f73dd96b6f",
        );
        assert_eq!(multiply(&scalar, &point), product);
        let alice = hex(
            "9a8f4925d1519f5775cf46b04b5800d4ee9ee8bae8bc5565d498c28dd9c9baf574a9419744897391006382a6f127ab1d9ac2d8c0a598726b",
        );
        let public = hex(
            "9b08f7cc31b7e3e67d22d5aea121074a273bd2b83de09c63faa73d2c22c5d9bbc836647241d953d40c5b12da88120d53177f80e532c41fa0",
        );
        assert_eq!(multiply(&alice, &BASE), public);
        assert_eq!(multiply(&alice, &[0; LENGTH]), [0; LENGTH], "a point of small order");
    }
}
