//! The form in which a part's snapshot lies in the servers' key-value bucket. A snapshot is known by its [`Mark`], which the hub takes of the
//! bytes themselves: whatever else lies under the key (another run's, a later one whose answer was lost, half of two, somebody's noise) does not
//! have that mark, is named for what it is, and is not gone on with. So no order of writes and no revision has to be relied on.
//!
//! A value is 56 bytes of head (`KZS`, version, the layout of parts, the partition, pieces in all, how many things the part had been told, bytes once
//! unpacked, their SHA-256) and the first piece of what zstd made of it; further pieces lie under keys of their own, below the first one's. Most
//! snapshots are one piece, which is written and read at once. Numbers are little-endian.

use std::fmt;

use kizashi_signs::shares::{LAYOUT, Partition};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The version of this form.
const VERSION: u8 = 1;
const MAGIC: [u8; 3] = *b"KZS";
/// Bytes of the head.
const HEAD: usize = 56;
/// Bytes of a piece at most: read through the servers' API a value is a third longer, and goes in one message all the same.
const MOST_PIECE: usize = 900 << 10;
/// Bytes of a value at most.
pub(super) const MOST_VALUE: usize = HEAD + MOST_PIECE;
/// Pieces of a snapshot at most.
const MOST_PIECES: usize = 64;
/// Bytes of a snapshot once unpacked at most; a longer one is given by the hub.
const MOST_UNPACKED: usize = 256 << 20;
/// zstd's level: the fastest of the usual ones.
const LEVEL: i32 = 1;

/// Which snapshot of a part: one and no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// How many things the part had been told.
    pub(super) told: u64,
    /// Bytes of the snapshot.
    pub(super) length: u32,
    /// Their SHA-256.
    digest: [u8; 32],
}

impl Mark {
    /// Of a snapshot of a part that was told so many things; nothing where it is too long for the bucket.
    pub(super) fn of(snapshot: &[u8], told: u64) -> Option<Self> {
        let length = u32::try_from(snapshot.len()).ok()?;
        let fits = snapshot.len() <= MOST_UNPACKED;
        fits.then(|| Self { told, length, digest: Sha256::digest(snapshot).into() })
    }
}

/// Why the snapshot that was asked for is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Absent {
    /// Nothing lies there, or not all of it.
    Missing,
    /// Another snapshot lies there.
    Other,
    /// What lies there is of another layout.
    Layout,
    /// What lies there is no snapshot, or a damaged one.
    Damaged,
    /// The bucket does not answer, or answers nobody of this key.
    Unreachable,
}

impl fmt::Display for Absent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Missing => "nothing lies there",
            Self::Other => "another snapshot lies there",
            Self::Layout => "what lies there is another release's",
            Self::Damaged => "what lies there is damaged",
            Self::Unreachable => "the bucket does not answer",
        })
    }
}

/// The key of a snapshot's piece.
pub(super) fn key_of(partition: Partition, piece: u16) -> String {
    if piece == 0 { format!("part.{partition}") } else { format!("part.{partition}.{piece}") }
}

/// The values that hold a snapshot, by piece; nothing where it is too long.
pub(super) fn values_of(partition: Partition, mark: Mark, snapshot: &[u8]) -> Option<Vec<Vec<u8>>> {
    let packed = zstd::bulk::compress(snapshot, LEVEL).ok()?;
    let pieces = packed.chunks(MOST_PIECE);
    let count = u16::try_from(pieces.len()).ok().filter(|it| usize::from(*it) <= MOST_PIECES)?;
    let mut values: Vec<Vec<u8>> = pieces.map(<[u8]>::to_vec).collect();
    let mut head = Vec::with_capacity(HEAD);
    head.extend_from_slice(&MAGIC);
    head.push(VERSION);
    head.extend_from_slice(&LAYOUT.to_le_bytes());
    head.extend_from_slice(&partition.to_le_bytes());
    head.extend_from_slice(&count.to_le_bytes());
    head.extend_from_slice(&mark.told.to_le_bytes());
    head.extend_from_slice(&mark.length.to_le_bytes());
    head.extend_from_slice(&mark.digest);
    values.first_mut()?.splice(0..0, head);
    Some(values)
}

/// The first value of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct First<'a> {
    /// Pieces in all.
    pub(super) pieces: u16,
    /// The first of them.
    pub(super) bytes: &'a [u8],
}

impl<'a> First<'a> {
    /// Reads a value under a partition's key, where it begins the snapshot of this mark.
    pub(super) fn read(
        value: &'a [u8],
        (partition, mark): (Partition, Mark),
    ) -> Result<Self, Absent> {
        let (head, bytes) = value.split_first_chunk::<HEAD>().ok_or(Absent::Damaged)?;
        let (first, digest) = head.split_at(HEAD - mark.digest.len());
        let (words, _) = first.as_chunks::<4>();
        let [magic, layout, place, told_low, told_high, length] = words else {
            return Err(Absent::Damaged);
        };
        let ([m0, m1, m2, version], [p0, p1, c0, c1]) = (*magic, *place);
        let pieces = u16::from_le_bytes([c0, c1]);
        if [m0, m1, m2] != MAGIC || !(1..=MOST_PIECES).contains(&usize::from(pieces)) {
            return Err(Absent::Damaged);
        }
        if version != VERSION || u32::from_le_bytes(*layout) != LAYOUT {
            return Err(Absent::Layout);
        }
        let told = u64::from(u32::from_le_bytes(*told_low))
            | u64::from(u32::from_le_bytes(*told_high)) << 32;
        let is_it = u16::from_le_bytes([p0, p1]) == partition
            && told == mark.told
            && u32::from_le_bytes(*length) == mark.length
            && digest == mark.digest;
        if is_it { Ok(Self { pieces, bytes }) } else { Err(Absent::Other) }
    }
}

/// The snapshot of this mark, of its packed pieces one after the other.
pub(super) fn whole(mark: Mark, packed: &[u8]) -> Result<Vec<u8>, Absent> {
    let length = mark.length as usize;
    if length > MOST_UNPACKED {
        return Err(Absent::Damaged);
    }
    let snapshot = zstd::bulk::decompress(packed, length).map_err(|_| Absent::Damaged)?;
    let is_it = Mark::of(&snapshot, mark.told) == Some(mark);
    if is_it { Ok(snapshot) } else { Err(Absent::Damaged) }
}

#[cfg(test)]
mod tests {
    use super::super::noise;
    use super::*;

    fn read(values: &[Vec<u8>], of: (Partition, Mark)) -> Result<Vec<u8>, Absent> {
        let first = First::read(&values[0], of)?;
        assert_eq!(usize::from(first.pieces), values.len());
        let mut packed = first.bytes.to_vec();
        values[1..].iter().for_each(|value| packed.extend_from_slice(value));
        whole(of.1, &packed)
    }

    #[test]
    fn a_snapshot_of_any_length_is_itself_again_in_values_below_a_megabyte() {
        for length in [0, 1, MOST_PIECE, 2 * MOST_PIECE + 5] {
            let snapshot = noise(length);
            let mark = Mark::of(&snapshot, 9).unwrap();
            let values = values_of(3, mark, &snapshot).unwrap();
            assert!(values.iter().all(|value| value.len() <= MOST_VALUE && value.len() < 1 << 20));
            assert_eq!(read(&values, (3, mark)), Ok(snapshot), "{length}");
        }
        let keys = [key_of(3, 0), key_of(3, 1), key_of(31, 0)];
        assert_eq!(keys, ["part.3", "part.3.1", "part.31"]);
    }

    #[test]
    fn what_was_changed_cut_or_mixed_with_anothers_is_not_gone_on_with() {
        let (one, other) = (noise(MOST_PIECE + 9), noise(MOST_PIECE + 10));
        let mark = Mark::of(&one, 9).unwrap();
        let values = values_of(3, mark, &one).unwrap();
        let of_other = values_of(3, Mark::of(&other, 9).unwrap(), &other).unwrap();
        assert_eq!(read(&of_other, (3, mark)), Err(Absent::Other));
        let mixed = [values[0].clone(), of_other[1].clone()];
        assert_eq!(read(&mixed, (3, mark)), Err(Absent::Damaged));
        let later = Mark { told: 10, ..mark };
        assert_eq!(read(&values, (3, later)), Err(Absent::Other));
        assert_eq!(read(&values, (4, mark)), Err(Absent::Other));
        let small = noise(100);
        let mark = Mark::of(&small, 1).unwrap();
        let value = values_of(0, mark, &small).unwrap().remove(0);
        for at in 0..value.len() {
            let mut changed = value.clone();
            changed[at] ^= 1;
            assert!(First::read(&changed, (0, mark)).and_then(|it| whole(mark, it.bytes)).is_err());
            assert!(
                First::read(&value[..at], (0, mark)).and_then(|it| whole(mark, it.bytes)).is_err()
            );
        }
        let mut older = value;
        older[3] = 0;
        assert_eq!(First::read(&older, (0, mark)), Err(Absent::Layout));
        assert_eq!(First::read(b"noise", (0, mark)), Err(Absent::Damaged));
    }
}
