//! The time, as a server of stratum 3 tells it (RFC 5905, 7.3): 48 bytes for 48. Modes 6 and 7 are told and not answered, as chrony and
//! Debian's `restrict … noquery` do not answer them.

use kizashi_event::Timestamp;

use crate::Identity;
use crate::draw::Draw;

/// Seconds from 1900 to 1970.
const SINCE_1900: i64 = 2_208_988_800;
const PACKET: usize = 48;

/// How this installation keeps time.
pub(super) struct Clock {
    /// The server it follows.
    upstream: [u8; 4],
    /// Root delay and dispersion, in 65,536ths of a second.
    delay: u16,
    dispersion: u16,
    precision: u8,
}

impl Clock {
    pub(super) fn of(identity: &Identity) -> Self {
        let draw = Draw::new(identity.seed(), "time server");
        let byte = |place| u8::try_from(draw.below(place, 254)).unwrap_or(0) + 1;
        let of =
            |place, from: u16, span| from + u16::try_from(draw.below(place, span)).unwrap_or(0);
        Self {
            upstream: [of_public(byte(0)), byte(1), byte(2), byte(3)],
            delay: of(4, 300, 1_500),
            dispersion: of(5, 600, 2_000),
            // 2 to the power of -23 to -25 seconds.
            precision: 0xe7 + u8::try_from(draw.below(6, 3)).unwrap_or(0),
        }
    }

    /// The answer to a client's packet; `None` for what no client sends.
    pub(super) fn answer(&self, bytes: &[u8], now: Timestamp) -> Option<Vec<u8>> {
        let (first, poll) = (*bytes.first()?, *bytes.get(2)?);
        let version = (first >> 3) & 7;
        if first & 7 != 3 || bytes.len() < PACKET || !(1..=4).contains(&version) {
            return None;
        }
        let mut reply = Vec::with_capacity(PACKET);
        reply.extend([(version << 3) | 4, 3, poll, self.precision]);
        reply.extend(u32::from(self.delay).to_be_bytes());
        reply.extend(u32::from(self.dispersion).to_be_bytes());
        reply.extend(self.upstream);
        // Set within the last minute or so.
        reply.extend(stamp(now.plus(-(now.micros().rem_euclid(64_000_000)))));
        reply.extend(&bytes[40..PACKET]);
        reply.extend(stamp(now));
        reply.extend(stamp(now.plus(21)));
        Some(reply)
    }
}

/// A first octet that is not reserved.
const fn of_public(byte: u8) -> u8 {
    match byte {
        0 | 10 | 100 | 127 | 169 | 172 | 192 | 198 | 203 | 224.. => 85,
        other => other,
    }
}

/// Seconds since 1900 and the fraction (RFC 5905, 6); eras wrap.
fn stamp(time: Timestamp) -> [u8; 8] {
    let micros = time.micros();
    let seconds = micros.div_euclid(1_000_000).saturating_add(SINCE_1900);
    let fraction = (micros.rem_euclid(1_000_000) << 32) / 1_000_000;
    let seconds = u32::try_from(seconds.rem_euclid(1 << 32)).unwrap_or(0);
    let fraction = u32::try_from(fraction).unwrap_or(0);
    let both = (u64::from(seconds) << 32) | u64::from(fraction);
    both.to_be_bytes()
}
