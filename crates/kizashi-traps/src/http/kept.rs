//! Files that visitors of the web server uploaded or wrote, each kept for the address that brought it (64 bits of IPv6) and shown to nobody
//! else: a honeypot that served one attacker's bytes to another would spread them. Bounded by files and bytes of a visitor, by visitors
//! (the older half is dropped when there are too many), and by a day since he last came.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use kizashi_event::{Timestamp, one_source};

use crate::login::Memory;
use crate::machine::KeptFile;

/// Bytes of one visitor's files.
const BYTES: usize = 64 * 1024;
/// Files of one visitor.
const FILES: usize = 24;
/// Visitors in each of two generations: 5 MB at most.
const VISITORS: usize = 40;
/// How long they are kept after the last request.
const KEPT: i64 = 24 * 3_600;
/// Where visitors' files are kept.
pub(super) const FOLDERS: [&[u8]; 4] = [b"/var/www/", b"/tmp/", b"/var/tmp/", b"/dev/shm/"];

/// All visitors' files.
pub(crate) struct KeptFiles(Mutex<Memory<IpAddr, Own>>);

#[derive(Default)]
struct Own {
    touched: i64,
    files: Vec<KeptFile>,
}

impl Default for KeptFiles {
    fn default() -> Self {
        Self(Mutex::new(Memory::new(VISITORS)))
    }
}

impl KeptFiles {
    /// What this visitor left, for putting it on his machine.
    pub(super) fn of(&self, source: IpAddr, now: Timestamp) -> Vec<KeptFile> {
        self.with(source, now, |files| files.to_vec())
    }

    /// One of his files.
    pub(super) fn find(&self, source: IpAddr, path: &[u8], now: Timestamp) -> Option<KeptFile> {
        self.with(source, now, |files| files.iter().find(|file| file.path == path).cloned())
    }

    fn with<T: Default>(
        &self,
        source: IpAddr,
        now: Timestamp,
        act: impl FnOnce(&[KeptFile]) -> T,
    ) -> T {
        let key = one_source(source);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Who left nothing takes no place.
        if !all.knows(key) {
            return T::default();
        }
        let own = all.of(key);
        if now.seconds().saturating_sub(own.touched) > KEPT {
            own.files.clear();
        }
        own.touched = now.seconds();
        act(&own.files)
    }

    /// Keeps what he has now; the largest go first where it is too much.
    pub(super) fn keep(&self, source: IpAddr, mut files: Vec<KeptFile>, now: Timestamp) {
        let key = one_source(source);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if files.is_empty() && !all.knows(key) {
            return;
        }
        files.sort_by_key(|file| file.content.len());
        let mut left = BYTES;
        files.retain(|file| {
            let size = file.content.len() + file.path.len();
            let fits = size <= left;
            left -= if fits { size } else { 0 };
            fits
        });
        files.truncate(FILES);
        *all.of(key) = Own { touched: now.seconds(), files };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, size: usize) -> KeptFile {
        KeptFile { path: path.into(), content: vec![7; size], mode: 0o644 }
    }

    #[test]
    fn a_visitors_files_are_his_alone_bounded_and_forgotten_after_a_day() {
        let (kept, now) = (KeptFiles::default(), Timestamp::from_seconds(1_795_582_440));
        let (one, other): (IpAddr, IpAddr) =
            ("192.0.2.7".parse().unwrap(), "192.0.2.8".parse().unwrap());
        kept.keep(one, vec![file("/tmp/a", 10), file("/tmp/big", BYTES + 1)], now);
        assert_eq!(kept.of(one, now), [file("/tmp/a", 10)]);
        assert!(kept.of(other, now).is_empty());
        assert!(kept.of(one, now.plus(25 * 3_600 * Timestamp::SECOND)).is_empty());
        kept.keep(one, (0..100).map(|n| file(&format!("/tmp/{n}"), 1)).collect(), now);
        assert_eq!(kept.of(one, now).len(), FILES);
        for number in 0..=255 {
            kept.keep(IpAddr::from([198, 51, 100, number]), vec![file("/tmp/a", 1)], now);
        }
        assert!(kept.of(one, now).is_empty(), "the older half goes");
    }
}
