//! Packets (RFC 4253, section 6): bytes to payloads and payloads to bytes, with what OpenSSH's `packet.c` finds wrong in the order in
//! which it looks. A packet is held until it is whole, so its length is bounded before a byte of it is kept.

use super::cipher::Protection;
use crate::randomness::Randomness;

/// Bytes of a packet that OpenSSH takes (packet.c, `PACKET_MAX_SIZE`).
const LONGEST: u32 = 256 * 1024;
/// Bytes of a packet that are taken here. Nothing that a client needs to send is longer than a channel's 32 KiB and its frame.
pub(super) const LONGEST_HELD: usize = 40 * 1024;

/// What is wrong with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Its length, its whole blocks or its tag: "Packet corrupt".
    Corrupt,
    /// Fewer bytes of padding than four.
    Padding(u8),
    /// More padding than packet: told to nobody.
    Truncated,
    /// Longer than is taken here.
    TooLong,
}

/// Packets of the visitor.
pub(super) struct Incoming {
    protection: Protection,
    /// The number of the next packet.
    number: u32,
    buffer: Vec<u8>,
    /// The length field of the packet that is coming in, once it is known.
    length: Option<usize>,
}

impl Incoming {
    pub(super) const fn new() -> Self {
        Self { protection: Protection::Plain, number: 0, buffer: Vec::new(), length: None }
    }

    /// How many bytes are still wanted before [`Self::next`] can say more; at least one.
    fn wanted(&self) -> usize {
        let whole = match self.length {
            None => self.protection.head(),
            Some(length) => 4 + length + self.protection.tag_length(),
        };
        whole.saturating_sub(self.buffer.len()).max(1)
    }

    /// Takes as many bytes as the packet that is coming in needs, and gives its payload once it is whole.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        while !bytes.is_empty() {
            let (taken, rest) = bytes.split_at(self.wanted().min(bytes.len()));
            self.buffer.extend_from_slice(taken);
            *bytes = rest;
            if self.length.is_none() && self.buffer.len() >= self.protection.head() {
                self.length = Some(self.read_length()?);
            }
            if self.length.is_some_and(|length| {
                self.buffer.len() >= 4 + length + self.protection.tag_length()
            }) {
                return self.finish().map(Some);
            }
        }
        Ok(None)
    }

    fn read_length(&mut self) -> Result<usize, Fault> {
        let length = self.protection.open_head(self.number, &mut self.buffer);
        if !(5..=LONGEST).contains(&length) {
            return Err(Fault::Corrupt);
        }
        let length = usize::try_from(length).map_err(|_| Fault::Corrupt)?;
        let padded = if self.protection.length_stands_apart() { length } else { length + 4 };
        if padded % self.protection.block() != 0 {
            return Err(Fault::Corrupt);
        }
        if length > LONGEST_HELD { Err(Fault::TooLong) } else { Ok(length) }
    }

    fn finish(&mut self) -> Result<Vec<u8>, Fault> {
        let mut packet = std::mem::take(&mut self.buffer);
        self.length = None;
        if !self.protection.open(self.number, &mut packet) {
            return Err(Fault::Corrupt);
        }
        self.number = self.number.wrapping_add(1);
        packet.truncate(packet.len() - self.protection.tag_length());
        let padding = packet.get(4).copied().unwrap_or(0);
        if padding < 4 {
            return Err(Fault::Padding(padding));
        }
        let end = packet.len().checked_sub(usize::from(padding)).filter(|end| *end >= 5);
        packet.truncate(end.ok_or(Fault::Truncated)?);
        packet.drain(..5);
        Ok(packet)
    }

    /// The number of the packet that was given last.
    pub(super) const fn last_number(&self) -> u32 {
        self.number.wrapping_sub(1)
    }

    pub(super) fn protect(&mut self, protection: Protection, count_anew: bool) {
        self.protection = protection;
        if count_anew {
            self.number = 0;
        }
    }

    pub(super) const fn memory(&self) -> usize {
        self.buffer.len()
    }
}

/// Packets of the server.
pub(super) struct Outgoing {
    protection: Protection,
    number: u32,
}

impl Outgoing {
    pub(super) const fn new() -> Self {
        Self { protection: Protection::Plain, number: 0 }
    }

    /// The packet of a payload. Padding is as little as may be; before there are keys it is zeros, as OpenSSH's.
    pub(super) fn seal(&mut self, payload: &[u8], randomness: &mut Randomness) -> Vec<u8> {
        let block = self.protection.block();
        let apart = if self.protection.length_stands_apart() { 0 } else { 4 };
        let mut padding = block - (payload.len() + 1 + apart) % block;
        if padding < 4 {
            padding += block;
        }
        let length = payload.len() + 1 + padding;
        let mut packet = Vec::with_capacity(4 + length + self.protection.tag_length());
        packet.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
        packet.push(u8::try_from(padding).unwrap_or(u8::MAX));
        packet.extend_from_slice(payload);
        let end = packet.len();
        packet.resize(end + padding, 0);
        if !self.protection.is_plain() {
            randomness.fill(&mut packet[end..]);
        }
        self.protection.seal(self.number, &mut packet);
        self.number = self.number.wrapping_add(1);
        packet
    }

    pub(super) fn protect(&mut self, protection: Protection, count_anew: bool) {
        self.protection = protection;
        if count_anew {
            self.number = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::cipher::CipherKind;
    use super::super::mac::MacKind;
    use super::*;
    use crate::randomness::Source;

    fn protections() -> Vec<[Protection; 2]> {
        let (key, iv) = ([7; 64], [9; 16]);
        let both = |kind: CipherKind, mac: Option<((MacKind, bool), &[u8])>| {
            let keys = (&key[..kind.key_length()], &iv[..kind.iv_length()]);
            [0, 1].map(|_| Protection::new(kind, keys, mac).unwrap())
        };
        let mut all = vec![[Protection::Plain, Protection::Plain]];
        for kind in [CipherKind::ChaCha20, CipherKind::Aes128Gcm, CipherKind::Aes256Gcm] {
            all.push(both(kind, None));
        }
        for kind in [CipherKind::Aes128Ctr, CipherKind::Aes192Ctr, CipherKind::Aes256Ctr] {
            use MacKind::{Sha1, Sha256, Sha512, Umac64, Umac128};
            for mac in [Umac64, Umac128, Sha1, Sha256, Sha512] {
                for encrypt_then_mac in [true, false] {
                    let mac = ((mac, encrypt_then_mac), &key[..mac.key_length()]);
                    all.push(both(kind, Some(mac)));
                }
            }
        }
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_sealed_opens_however_it_is_cut_and_a_changed_bit_does_not(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 1..4),
            cut in 1_usize..40,
            flipped in any::<prop::sample::Index>(),
        ) {
            for [ours, theirs] in protections() {
                let plain = ours.is_plain();
                let (mut out, mut incoming) = (Outgoing::new(), Incoming::new());
                out.protect(ours, false);
                incoming.protect(theirs, false);
                let mut randomness = Source::new([3; 32]).stream();
                let mut opened = Vec::new();
                for payload in &payloads {
                    let packet = out.seal(payload, &mut randomness);
                    for mut piece in packet.chunks(cut) {
                        while !piece.is_empty() {
                            opened.extend(incoming.next(&mut piece).unwrap());
                        }
                    }
                }
                prop_assert_eq!(&opened, &payloads);
                let mut packet = out.seal(&payloads[0], &mut randomness);
                let place = flipped.index(packet.len());
                packet[place] ^= 1;
                packet.extend([0; 300]);
                let outcome = incoming.next(&mut packet.as_slice());
                if !plain {
                    prop_assert!(!matches!(outcome, Ok(Some(_))), "{:?}", outcome);
                }
            }
        }

        #[test]
        fn no_bytes_make_a_packet_that_is_held_past_its_bound(
            bytes in prop::collection::vec(any::<u8>(), 0..400),
            length in any::<u32>(),
        ) {
            let mut incoming = Incoming::new();
            let framed = [&length.to_be_bytes()[..], &bytes, &[0; 100_000]].concat();
            let mut rest = framed.as_slice();
            while !rest.is_empty() && incoming.next(&mut rest).is_ok() {
                prop_assert!(incoming.memory() <= LONGEST_HELD + 4);
            }
        }
    }
}
