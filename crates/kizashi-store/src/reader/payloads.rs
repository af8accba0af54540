//! Captured content, for the one who exports it by name: nothing else reads more of it than its beginning.

use std::io::Read as _;

use kizashi_event::{PayloadHash, Timestamp};
use rusqlite::{OptionalExtension as _, Row};

use super::Reader;
use crate::codes::{count_of, kind_code};
use crate::error::InContext;
use crate::{StoreError, StoredPayload, mask};

/// Bytes that content unpacks to at most: above every bound of a trap, far below what a damaged database could claim.
const LARGEST: u64 = 256 << 20;

impl Reader {
    /// Captured payloads, the latest kept first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn payloads(&self, limit: usize) -> Result<Vec<StoredPayload>, StoreError> {
        let read = || {
            self.connection
                .prepare_cached(
                    "SELECT sha256, size, head, content IS NOT NULL, events, first, last
                     FROM payloads LEFT JOIN keys ON kind = ?1 AND text = lower(hex(sha256))
                     ORDER BY payloads.id DESC LIMIT ?2",
                )?
                .query_map(
                    (
                        kind_code(kizashi_event::KeyKind::Payload),
                        i64::try_from(limit).unwrap_or(i64::MAX),
                    ),
                    stored_payload,
                )?
                .collect()
        };
        let payloads: rusqlite::Result<Vec<StoredPayload>> = read();
        payloads.doing("reading captured payloads", &self.path)
    }

    /// What is known of one payload; `None` where its hash is not known.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn payload(&self, sha256: PayloadHash) -> Result<Option<StoredPayload>, StoreError> {
        let read = || {
            self.connection
                .prepare_cached(
                    "SELECT sha256, size, head, content IS NOT NULL, events, first, last
                     FROM payloads LEFT JOIN keys ON kind = ?1 AND text = lower(hex(sha256))
                     WHERE sha256 = ?2",
                )?
                .query_row(
                    (kind_code(kizashi_event::KeyKind::Payload), sha256.0.as_slice()),
                    stored_payload,
                )
                .optional()
        };
        read().doing("reading a captured payload", &self.path)
    }

    /// The content of a payload, whole as it was kept: `None` where the hash is not known, `Some(None)` where it is but the
    /// content was let go. What it gives may be an attacker's program: nobody but `kizashi payload export`, the dashboard of its owner, which shows digits and gives the same zip, and `kizashi export --format pcap`, whose file says so, may ask, and [`Reader::recording`], whose reader takes nothing but frames.
    ///
    /// # Errors
    /// When the database cannot be read, or holds what does not unpack.
    pub fn payload_content(
        &self,
        sha256: PayloadHash,
    ) -> Result<Option<Option<Vec<u8>>>, StoreError> {
        let read = || {
            self.connection
                .prepare_cached("SELECT content FROM payloads WHERE sha256 = ?1")?
                .query_row([sha256.0.as_slice()], |row| row.get(0))
                .optional()
        };
        let found: Option<Option<Vec<u8>>> =
            read().doing("reading a captured payload", &self.path)?;
        let Some(Some(mut packed)) = found else { return Ok(found) };
        mask::apply(&mut packed);
        let mut content = Vec::new();
        zstd::stream::read::Decoder::with_buffer(packed.as_slice())
            .and_then(|decoder| decoder.take(LARGEST).read_to_end(&mut content))
            .map_err(|_| StoreError::Damaged(self.path.clone()))?;
        Ok(Some(Some(content)))
    }
}

fn stored_payload(row: &Row<'_>) -> rusqlite::Result<StoredPayload> {
    let moment = |micros: Option<i64>| micros.map(Timestamp::from_micros);
    let mut head: Vec<u8> = row.get(2)?;
    mask::apply(&mut head);
    Ok(StoredPayload {
        sha256: PayloadHash(row.get(0)?),
        size: count_of(row.get(1)?),
        head,
        has_content: row.get(3)?,
        events: count_of(row.get::<_, Option<i64>>(4)?.unwrap_or(0)),
        first: moment(row.get(5)?),
        last: moment(row.get(6)?),
    })
}
