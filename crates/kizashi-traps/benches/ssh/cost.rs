//! Processor time as the kernel counts it, in user and kernel mode: of this thread, or of all threads of another process.

use std::fs;
use std::time::Duration;

fn read(path: &str) -> Option<Duration> {
    let text = fs::read_to_string(path).ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// What this thread has used.
pub(crate) fn of_thread() -> Duration {
    read("/proc/thread-self/schedstat").expect("a kernel that counts processor time")
}

/// What the threads of a process that live have used.
pub(crate) fn of_process(id: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{id}/task")).expect("a process that lives");
    let names = threads.flatten().map(|thread| thread.file_name());
    names
        .filter_map(|name| read(&format!("/proc/{id}/task/{}/schedstat", name.to_string_lossy())))
        .sum()
}

/// Resident bytes of a process.
pub(crate) fn resident(id: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{id}/statm")).unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4_096
}
