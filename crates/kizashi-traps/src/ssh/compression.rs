//! zlib@openssh.com: DEFLATE over all payloads of one direction from the login on. What the server sends is stored and not compressed,
//! which every client inflates all the same: compressing would take 300 KB a session from a small machine.

use flate2::{Decompress, FlushDecompress, Status};

use super::packet::LONGEST_HELD;

/// The visitor's payloads.
pub(super) struct Inflater(Decompress);

impl Inflater {
    pub(super) fn new() -> Self {
        Self(Decompress::new(true))
    }

    /// A payload as it was before; `None` where it is no DEFLATE, or grows past what a packet may hold.
    pub(super) fn inflate(&mut self, payload: &[u8]) -> Option<Vec<u8>> {
        let mut inflated = Vec::with_capacity((payload.len() * 4).clamp(256, LONGEST_HELD));
        let mut rest = payload;
        loop {
            let before = (self.0.total_in(), inflated.len());
            let status = self.0.decompress_vec(rest, &mut inflated, FlushDecompress::Sync).ok()?;
            let read = usize::try_from(self.0.total_in() - before.0).ok()?;
            rest = rest.get(read..)?;
            let room = inflated.len() < inflated.capacity();
            if room && (rest.is_empty() || status == Status::StreamEnd) {
                return Some(inflated);
            }
            if room && read == 0 && inflated.len() == before.1 {
                return rest.is_empty().then_some(inflated);
            }
            if inflated.len() >= LONGEST_HELD {
                return None;
            }
            inflated.reserve(inflated.capacity().min(LONGEST_HELD));
        }
    }
}

/// The server's payloads.
#[derive(Default)]
pub(super) struct Deflater {
    begun: bool,
}

impl Deflater {
    /// The payload as stored blocks (RFC 1951, section 3.2.4), after the header of RFC 1950 at the very first.
    pub(super) fn deflate(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut deflated = Vec::with_capacity(payload.len() + 16);
        if !std::mem::replace(&mut self.begun, true) {
            deflated.extend([0x78, 0x9c]);
        }
        for block in payload.chunks(usize::from(u16::MAX)) {
            let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
            deflated.push(0);
            deflated.extend(length.to_le_bytes());
            deflated.extend((!length).to_le_bytes());
            deflated.extend_from_slice(block);
        }
        deflated
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compress, Compression, FlushCompress};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn each_payload_is_whole_when_its_packet_is(
            payloads in prop::collection::vec(prop::collection::vec(0_u8..4, 1..3_000), 1..5)
        ) {
            let (mut deflater, mut ours) = (Deflater::default(), Inflater::new());
            let (mut theirs, mut again) = (Compress::new(Compression::new(6), true), Inflater::new());
            for payload in payloads {
                prop_assert_eq!(ours.inflate(&deflater.deflate(&payload)), Some(payload.clone()));
                let mut packed = Vec::with_capacity(8_000);
                theirs.compress_vec(&payload, &mut packed, FlushCompress::Partial).unwrap();
                prop_assert_eq!(again.inflate(&packed), Some(payload));
            }
        }

        #[test]
        fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Inflater::new().inflate(&bytes);
            let _ = Inflater::new().inflate(&[&[0x78, 0x9c][..], &bytes].concat());
        }
    }

    #[test]
    fn a_bomb_ends_at_the_bound() {
        let mut packed = Vec::with_capacity(100_000);
        let mut compress = Compress::new(Compression::new(9), true);
        compress.compress_vec(&vec![0; 50 << 20], &mut packed, FlushCompress::Sync).unwrap();
        packed.truncate(60_000);
        assert_eq!(Inflater::new().inflate(&packed), None);
    }
}
