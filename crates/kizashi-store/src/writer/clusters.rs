//! Clusters of captured content: what is much alike ([`Likeness`]) is one key, so that a campaign whose bytes change with every
//! visit is seen as one. Leader clustering: a content that is like the first of a cluster joins the cluster it is most like; one
//! that is like none begins its own. A content that came before stays where it was.
//!
//! Every first is compared, 128 numbers each; [`MOST_CLUSTERS`] are kept, about 1.2 MB, so that a new content costs some
//! 0.1 ms however many came before. For a newcomer the cluster that nothing came to for longest makes room, first of those that
//! only one content is in: whoever sends nothing but noise pushes out noise.

use std::collections::HashMap;

use kizashi_event::{KeyKind, Likeness, PayloadHash, Timestamp};
use rusqlite::{Connection, OptionalExtension as _};

use super::dictionary::Dictionary;
use crate::codes::stored;

/// Clusters that are known at most.
const MOST_CLUSTERS: usize = 4_096;
/// The least estimated share of runs in common with the first of a cluster.
const ALIKE: f64 = 0.5;

struct Cluster {
    /// Its key, of [`KeyKind::PayloadCluster`].
    key: u32,
    first: Likeness,
    members: u64,
    last: i64,
}

/// The clusters known. Forget all of it when a transaction is undone.
pub(crate) struct Clusters {
    known: Vec<Cluster>,
    place_of: HashMap<u32, usize>,
    most: usize,
}

impl Clusters {
    pub(crate) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let mut read =
            connection.prepare("SELECT key, likeness, members, last FROM payload_clusters")?;
        let mut rows = read.query([])?;
        let mut known = Vec::new();
        while let Some(row) = rows.next()? {
            let bytes: Vec<u8> = row.get(1)?;
            let Some(first) = Likeness::from_bytes(&bytes) else { continue };
            let members = crate::codes::count_of(row.get(2)?);
            known.push(Cluster { key: row.get(0)?, first, members, last: row.get(3)? });
        }
        let place_of = known.iter().enumerate().map(|(at, cluster)| (cluster.key, at)).collect();
        Ok(Self { known, place_of, most: MOST_CLUSTERS })
    }

    /// Says that content of this cluster came again; whether the cluster is still known.
    pub(crate) fn touch(&mut self, key: u32, time: Timestamp) -> bool {
        let cluster = self.place_of.get(&key).and_then(|place| self.known.get_mut(*place));
        if let Some(cluster) = cluster {
            cluster.last = cluster.last.max(time.micros());
            return true;
        }
        false
    }

    /// The cluster of a content that never came before; `None` where it is too short to be like anything.
    pub(crate) fn join(
        &mut self,
        connection: &Connection,
        dictionary: &mut Dictionary,
        (hash, content): (PayloadHash, &[u8]),
        time: Timestamp,
    ) -> rusqlite::Result<Option<u32>> {
        let Some(likeness) = Likeness::of(content) else { return Ok(None) };
        let alike = self
            .known
            .iter_mut()
            .map(|cluster| (cluster.first.to(&likeness), cluster))
            .filter(|(share, _)| *share >= ALIKE)
            .max_by(|(a, one), (b, other)| a.total_cmp(b).then(other.key.cmp(&one.key)));
        if let Some((_, cluster)) = alike {
            cluster.members += 1;
            cluster.last = cluster.last.max(time.micros());
            connection
                .prepare_cached(
                    "UPDATE payload_clusters SET members = ?2, last = ?3 WHERE key = ?1",
                )?
                .execute((cluster.key, stored(cluster.members), cluster.last))?;
            return Ok(Some(cluster.key));
        }
        let text = hash.to_string();
        let Some(key) = dictionary.key(connection, KeyKind::PayloadCluster, &text, time)? else {
            return Ok(None);
        };
        self.make_room(connection)?;
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO payload_clusters (key, likeness, members, last) VALUES (?1, ?2, 1, ?3)",
            )?
            .execute((key, likeness.to_bytes(), time.micros()))?;
        if !self.touch(key, time) {
            self.place_of.insert(key, self.known.len());
            let last = time.micros();
            self.known.push(Cluster { key, first: likeness, members: 1, last });
        }
        Ok(Some(key))
    }

    fn make_room(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        if self.known.len() < self.most {
            return Ok(());
        }
        let oldest = self
            .known
            .iter()
            .enumerate()
            .min_by_key(|(_, cluster)| (cluster.members > 1, cluster.last, cluster.key));
        let Some((place, _)) = oldest else { return Ok(()) };
        let gone = self.known.swap_remove(place);
        self.place_of.remove(&gone.key);
        if let Some(moved) = self.known.get(place) {
            self.place_of.insert(moved.key, place);
        }
        connection
            .prepare_cached("DELETE FROM payload_clusters WHERE key = ?1")?
            .execute([gone.key])?;
        Ok(())
    }
}

/// The cluster that a content was put into when it came before.
pub(crate) fn of_known(
    connection: &Connection,
    hash: PayloadHash,
) -> rusqlite::Result<Option<u32>> {
    let found: Option<Option<u32>> = connection
        .prepare_cached("SELECT cluster FROM payloads WHERE sha256 = ?1")?
        .query_row([hash.0.as_slice()], |row| row.get(0))
        .optional()?;
    Ok(found.flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 300 bytes that look random, the same for a seed.
    fn noise(seed: u64) -> Vec<u8> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        };
        (0..300).map(|_| next()).collect()
    }

    fn hash(seed: u64) -> PayloadHash {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&seed.to_le_bytes());
        PayloadHash(hash)
    }

    #[test]
    fn a_flood_of_noise_does_not_push_out_what_more_than_one_content_is_in() {
        let folder = crate::scratch::Folder::new();
        let connection =
            crate::schema::open_to_write(&folder.path().join(crate::schema::FILE)).unwrap();
        connection.execute_batch("BEGIN").unwrap();
        let mut clusters = Clusters { most: 64, ..Clusters::load(&connection).unwrap() };
        let mut dictionary = Dictionary::remembering(64);
        let mut join = |clusters: &mut Clusters, seed: u64, content: &[u8]| {
            let time = Timestamp::from_seconds(1_700_000_000 + seed.cast_signed());
            clusters
                .join(&connection, &mut dictionary, (hash(seed), content), time)
                .unwrap()
                .unwrap()
        };
        let body = noise(0);
        let campaign = join(&mut clusters, 0, &body);
        let changed = [&body[..], b"another host"].concat();
        assert_eq!(join(&mut clusters, 1, &changed), campaign);
        for seed in 2..600 {
            assert_ne!(join(&mut clusters, seed, &noise(seed)), campaign);
        }
        let rows: i64 = connection
            .query_row("SELECT count(*) FROM payload_clusters", [], |row| row.get(0))
            .unwrap();
        assert_eq!((clusters.known.len() as i64, rows), (64, 64));
        let changed = [b"something in front ", &body[..]].concat();
        assert_eq!(join(&mut clusters, 9_999, &changed), campaign);
        let mut loaded = Clusters::load(&connection).unwrap();
        assert_eq!(loaded.known.len(), 64);
        assert!(
            loaded.touch(campaign, Timestamp::from_seconds(0))
                && !loaded.touch(u32::MAX, Timestamp::from_seconds(0))
        );
    }
}
