//! Powers in prime fields, for the Diffie-Hellman groups of SSH (RFC 4253, RFC 4419) and TLS (RFC 3526, RFC 7919). Numbers are big-endian
//! bytes and never larger than the prime, which nobody takes larger than 8,192 bits.

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};

/// The numbers below a prime.
pub(crate) struct Field {
    prime: BoxedUint,
    bits: u32,
    parameters: BoxedMontyParams,
}

impl Field {
    /// The field of this prime, which has no leading zeros; `None` where it is even.
    pub(crate) fn of(prime: &[u8]) -> Option<Self> {
        let bits = u32::try_from(prime.len() * 8).ok()?;
        let prime = BoxedUint::from_be_slice(prime, bits).ok()?;
        let odd = Odd::new(prime.clone()).into_option()?;
        Some(Self { prime, bits, parameters: BoxedMontyParams::new_vartime(odd) })
    }

    /// A number of at most as many bits as the prime.
    fn number(&self, bytes: &[u8]) -> Option<BoxedUint> {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        BoxedUint::from_be_slice(bytes.get(zeros..)?, self.bits).ok()
    }

    /// Whether a public value lies between 1 and the prime less 1, neither of them taken.
    pub(crate) fn holds(&self, value: &[u8]) -> bool {
        let one = BoxedUint::one_with_precision(self.bits);
        self.number(value).is_some_and(|value| value > one && value < self.prime.wrapping_sub(&one))
    }

    /// `base` to the power of `exponent`, in as many bytes as the prime has.
    pub(crate) fn power(&self, base: &[u8], exponent: &[u8]) -> Option<Vec<u8>> {
        let bits = u32::try_from(exponent.len() * 8).ok()?;
        let exponent = BoxedUint::from_be_slice(exponent, bits).ok()?;
        let base = BoxedMontyForm::new(self.number(base)?, &self.parameters);
        let power = base.pow_bounded_exp(&exponent, bits).retrieve();
        Some(power.to_be_bytes().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_those_of_the_field_and_values_at_its_ends_are_refused() {
        let field = Field::of(&[251]).unwrap();
        // 6^5 = 7776 = 30 * 251 + 246
        assert_eq!(field.power(&[6], &[5]).unwrap().last(), Some(&246));
        assert!(field.holds(&[2]) && field.holds(&[0, 249]));
        for end in [&[0][..], &[1], &[250], &[251], &[1, 0]] {
            assert!(!field.holds(end), "{end:?}");
        }
        assert!(Field::of(&[252]).is_none());
    }
}
