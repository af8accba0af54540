//! Captured content by hash: the latest in memory, all of it once in the servers' object store, within a bound of bytes and of age. It is put
//! there by the hub alone, after its hash was found right; a sensor can neither read nor replace what others sent.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::object_store::{Config, ObjectStore};
use tokio::io::AsyncReadExt as _;

use super::MOST_CONTENT_BYTES;
use crate::connection::ANSWERS_WITHIN;
use crate::name::BUCKET;
use crate::record::{ContentHash, MOST_UNPACKED};

/// Bytes of content that are kept in memory: what came a moment ago is asked for now.
const MOST_IN_MEMORY: usize = 32 << 20;
/// Hashes that are known to be in the store.
const MOST_KNOWN: usize = 65_536;
/// How long content stays in the object store: the hub's own store keeps it under its own quota.
const LONGEST_KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);

/// The latest content.
#[derive(Debug, Default)]
struct Memory {
    content: HashMap<ContentHash, Arc<Vec<u8>>>,
    order: VecDeque<ContentHash>,
    bytes: usize,
}

impl Memory {
    fn get(&self, hash: &ContentHash) -> Option<Arc<Vec<u8>>> {
        self.content.get(hash).cloned()
    }

    fn put(&mut self, hash: ContentHash, content: Arc<Vec<u8>>) {
        self.bytes += content.len();
        if let Some(old) = self.content.insert(hash, content) {
            self.bytes -= old.len();
        } else {
            self.order.push_back(hash);
        }
        while self.bytes > MOST_IN_MEMORY
            && let Some(oldest) = self.order.pop_front()
        {
            self.bytes -= self.content.remove(&oldest).map_or(0, |content| content.len());
        }
    }
}

/// Content, wherever it is.
pub(super) struct Contents {
    store: ObjectStore,
    memory: Memory,
    known: VecDeque<ContentHash>,
    is_known: HashMap<ContentHash, ()>,
    failing: bool,
}

impl Contents {
    pub(super) async fn open(context: &Context, replicas: usize) -> Result<Self, String> {
        let store = match context.get_object_store(BUCKET).await {
            Ok(store) => store,
            Err(_) => context
                .create_object_store(Config {
                    bucket: BUCKET.to_owned(),
                    description: Some("Content that visitors sent, by SHA-256".to_owned()),
                    max_age: LONGEST_KEPT,
                    max_bytes: i64::try_from(MOST_CONTENT_BYTES).unwrap_or(i64::MAX),
                    num_replicas: replicas,
                    ..Config::default()
                })
                .await
                .map_err(|error| format!("the object store cannot be made: {error}"))?,
        };
        Ok(Self {
            store,
            memory: Memory::default(),
            known: VecDeque::new(),
            is_known: HashMap::new(),
            failing: false,
        })
    }

    /// Takes content whose hash is right.
    pub(super) async fn put(&mut self, hash: ContentHash, content: Vec<u8>) {
        let content = Arc::new(content);
        self.memory.put(hash, Arc::clone(&content));
        if self.is_known.contains_key(&hash) {
            return;
        }
        let name = name_of(&hash);
        let putting = async {
            if self.store.info(&name).await.is_ok() {
                return Ok(());
            }
            let put = self.store.put(name.as_str(), &mut content.as_slice()).await;
            put.map(drop).map_err(|error| error.to_string())
        };
        let result = tokio::time::timeout(4 * ANSWERS_WITHIN, putting)
            .await
            .unwrap_or_else(|_| Err("it does not answer".to_owned()));
        match result {
            Ok(()) => {
                self.failing = false;
                self.is_known.insert(hash, ());
                self.known.push_back(hash);
                if self.known.len() > MOST_KNOWN
                    && let Some(oldest) = self.known.pop_front()
                {
                    self.is_known.remove(&oldest);
                }
            }
            // The hub's own store has it with the event; what is missed is a second copy.
            Err(reason) => {
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::warn!("fleet: the servers' object store takes no content ({reason})");
                }
            }
        }
    }

    /// The content of a hash, where there is any.
    pub(super) async fn get(&mut self, hash: &ContentHash) -> Option<Arc<Vec<u8>>> {
        if let Some(content) = self.memory.get(hash) {
            return Some(content);
        }
        let getting = async {
            let mut object = self.store.get(name_of(hash)).await.ok()?;
            if object.info().size > MOST_UNPACKED {
                return None;
            }
            let mut content = Vec::new();
            object.read_to_end(&mut content).await.ok()?;
            Some(content)
        };
        let content = tokio::time::timeout(2 * ANSWERS_WITHIN, getting).await.ok().flatten()?;
        let content = Arc::new(content);
        self.memory.put(*hash, Arc::clone(&content));
        Some(content)
    }
}

fn name_of(hash: &ContentHash) -> String {
    kizashi_event::PayloadHash(*hash).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_keeps_the_latest_within_its_bound() {
        let mut memory = Memory::default();
        let large = Arc::new(vec![0; MOST_IN_MEMORY / 4]);
        for number in 0..9 {
            memory.put([number; 32], Arc::clone(&large));
            memory.put([number; 32], Arc::clone(&large));
        }
        let held: Vec<u8> = (0..9).filter(|number| memory.get(&[*number; 32]).is_some()).collect();
        assert_eq!(held, [5, 6, 7, 8]);
        assert_eq!((memory.bytes, memory.order.len()), (MOST_IN_MEMORY, 4));
    }
}
