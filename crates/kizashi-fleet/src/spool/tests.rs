use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::record::{Place, content_record};

/// A folder of its own that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("kizashi-spool-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn open(&self, most_bytes: u64) -> Spool {
        Spool::open(&self.0, most_bytes, 5).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const WIDE: u64 = 64 << 20;

/// A record of about so many bytes, which do not pack.
fn record(place: Place, bytes: usize) -> Vec<u8> {
    let mut state = place.number | 1;
    let noise: Vec<u8> = (0..bytes)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        })
        .collect();
    content_record(place, &[0; 32], &noise)
}

fn append(spool: &mut Spool, count: u64, bytes: usize) {
    let next = spool.next_place();
    let records: Vec<Vec<u8>> = (0..count)
        .map(|more| record(Place { number: next.number + more, ..next }, bytes))
        .collect();
    spool.append(&records).unwrap();
}

fn numbers(spool: &mut Spool, from: u64) -> Vec<u64> {
    let found = spool.read_from(from, usize::MAX).unwrap();
    for (number, record) in &found {
        assert_eq!(record::head_of(record).unwrap().place, Place { epoch: 5, number: *number });
    }
    found.into_iter().map(|(number, _)| number).collect()
}

#[test]
fn what_was_appended_is_there_after_a_restart_and_what_the_hub_has_is_not() {
    let folder = Folder::new();
    let mut spool = folder.open(WIDE);
    append(&mut spool, 3, 100);
    append(&mut spool, 2, 100);
    assert_eq!(numbers(&mut spool, 0), [1, 2, 3, 4, 5]);
    spool.acknowledge(2);
    assert_eq!(numbers(&mut spool, 0), [3, 4, 5]);
    drop(spool);
    let mut again = folder.open(WIDE);
    assert_eq!(numbers(&mut again, 0), [3, 4, 5]);
    assert_eq!(again.next_place(), Place { epoch: 5, number: 6 });
    again.acknowledge(5);
    assert_eq!(again.waiting().records, 0);
    drop(again);
    let mut empty = folder.open(WIDE);
    assert_eq!(empty.next_place().number, 6, "numbers go on when all is acknowledged");
    append(&mut empty, 1, 100);
    assert_eq!(numbers(&mut empty, 0), [6]);
}

#[test]
fn a_process_that_is_killed_leaves_all_that_was_appended_and_repeats_what_it_had_not_written_down()
{
    let folder = Folder::new();
    let mut spool = folder.open(WIDE);
    append(&mut spool, 5, 100);
    spool.acknowledge(2);
    // Nothing of `Drop` is done when a process is killed; the system lets go of the lock.
    let Spool { ref _lock, .. } = spool;
    _lock.unlock().unwrap();
    std::mem::forget(spool);
    assert_eq!(numbers(&mut folder.open(WIDE), 0), [1, 2, 3, 4, 5]);
}

#[test]
fn a_torn_end_is_cut_off_wherever_it_was_torn_and_what_was_whole_stays() {
    let folder = Folder::new();
    let mut spool = folder.open(WIDE);
    append(&mut spool, 3, 60);
    let path = path_of(&folder.0, 1);
    drop(spool);
    let whole = std::fs::read(&path).unwrap();
    for cut in (0..whole.len()).rev().step_by(7) {
        std::fs::write(&path, &whole[..cut]).unwrap();
        // The segment that the last opening began is empty.
        for number in segment_numbers(&folder.0).unwrap().into_iter().filter(|it| *it > 1) {
            std::fs::remove_file(path_of(&folder.0, number)).unwrap();
        }
        let mut spool = folder.open(WIDE);
        let left = numbers(&mut spool, 0);
        assert_eq!(left, (1..=left.len() as u64).collect::<Vec<_>>());
        append(&mut spool, 1, 60);
        assert_eq!(numbers(&mut spool, 0).len(), left.len() + 1, "cut at {cut}");
    }
}

#[test]
fn past_its_bound_the_oldest_go_and_are_counted() {
    let folder = Folder::new();
    let mut spool = folder.open(LEAST_BYTES);
    for _ in 0..100 {
        append(&mut spool, 1, 50_000);
        assert!(spool.waiting().bytes <= LEAST_BYTES, "{:?}", spool.waiting());
    }
    let left = numbers(&mut spool, 0);
    let dropped = spool.dropped().records;
    assert_eq!(left.last(), Some(&100));
    assert_eq!(dropped + left.len() as u64, 100, "what went was counted, once");
    assert!(left.len() >= 12, "no more goes than has to: {} are left", left.len());
    assert_eq!(spool.acknowledged(), dropped, "what went is waited for no more");
    let files = segment_numbers(&folder.0).unwrap().len();
    assert!(files <= 10, "{files} files");
}

#[test]
fn what_the_disk_gives_back_otherwise_is_passed_over_and_counted() {
    let folder = Folder::new();
    let mut spool = folder.open(WIDE);
    append(&mut spool, 3, 100);
    let path = path_of(&folder.0, 1);
    let mut bytes = std::fs::read(&path).unwrap();
    let third = bytes.len() / 3;
    bytes[third + 80] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(numbers(&mut spool, 0), [1, 3]);
    assert_eq!(spool.dropped().records, 1);
}

#[test]
fn two_processes_never_have_one_spool() {
    let folder = Folder::new();
    let spool = folder.open(WIDE);
    assert!(matches!(Spool::open(&folder.0, WIDE, 5), Err(SpoolError::InUse(_))));
    drop(spool);
    assert!(Spool::open(&folder.0, WIDE, 5).is_ok());
}

#[test]
fn only_the_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let mut spool = folder.open(WIDE);
    append(&mut spool, 1, 100);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.0), 0o700);
    for entry in std::fs::read_dir(&folder.0).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}
