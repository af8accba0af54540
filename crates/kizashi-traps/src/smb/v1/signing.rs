//! Signatures of SMB1's messages (MS-CIFS 3.1.4.1, 3.1.5.1): eight bytes of an MD5 over a session's key and the message with its number in their place.
//! Windows Server does not announce them unless its owner wants them, which nmap reports; they are made for clients that say that they must have them.

use crate::ntlm::{Answered, md5};

/// Where a head has its signature.
const PLACE: std::ops::Range<usize> = 14..22;
/// Of a head's second flags: messages are signed.
const SIGNS: u16 = 0x0004;
/// They must be, as a client says when it logs in.
pub(super) const MUST_SIGN: u16 = 0x0010;

/// Signatures of one connection, from the first login on whose key is known.
pub(super) struct Signing {
    key: Vec<u8>,
    /// The number of the next request; its answer has the one after.
    next: u32,
}

impl Signing {
    /// `response` is what went into the key where a client does without NTLMSSP (3.1.5.1).
    pub(super) fn of(answered: &Answered, response: &[u8]) -> Option<Self> {
        let key = [&answered.session_key?[..], response].concat();
        // The login that brought the key is number 0.
        Some(Self { key, next: 0 })
    }

    pub(super) fn memory(&self) -> usize {
        self.key.len()
    }

    /// Signs what is answered to the next request; nothing is where it has no answer.
    pub(super) fn sign(&mut self, reply: &mut [u8]) {
        if reply.len() < PLACE.end {
            self.next = self.next.wrapping_add(1);
            return;
        }
        reply[10] |= SIGNS.to_le_bytes()[0];
        let number = u64::from(self.next.wrapping_add(1)).to_le_bytes();
        reply[PLACE].copy_from_slice(&number);
        let digest = md5(&[&self.key, reply]);
        reply[PLACE].copy_from_slice(&digest[..8]);
        self.next = self.next.wrapping_add(2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_the_number_after_its_requests_and_a_request_without_one_counts_alone() {
        let mut signing = Signing { key: vec![7; 16], next: 0 };
        let mut numbers = Vec::new();
        for length in [40, 0, 40] {
            let mut reply = vec![0; length];
            signing.sign(&mut reply);
            numbers.push(signing.next);
            if length > 0 {
                let mut unsigned = reply.clone();
                unsigned[PLACE].copy_from_slice(&u64::from(signing.next - 1).to_le_bytes());
                assert_eq!(reply[PLACE], md5(&[&[7; 16], &unsigned])[..8]);
            }
        }
        assert_eq!(numbers, [2, 3, 5]);
    }
}
