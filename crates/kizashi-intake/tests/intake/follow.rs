//! Following a file that grows, is rotated in every usual way, and is stopped.

use std::cell::RefCell;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use crate::common::cowrie_line;
use kizashi_event::{Detail, Event};
use kizashi_intake::{FileReport, FollowStatus, IntakeError, Options, follow, poll_every};

fn file(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("follow-{name}"));
    for old in [path.clone(), path.with_extension("1")] {
        let _absent = fs::remove_file(old);
    }
    path
}

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// Follows the file; each time all was read, the next step is done, and after the last the following ends.
fn follow_steps(
    path: &Path,
    from: u64,
    steps: &mut [&mut dyn FnMut(&FollowStatus)],
) -> (Result<FileReport, IntakeError>, Vec<u32>) {
    let mut events: Vec<Event> = Vec::new();
    let mut done = 0;
    let report = follow(
        path,
        from,
        &Options::default(),
        &mut |status| {
            let Some(step) = steps.get_mut(done) else { return ControlFlow::Break(()) };
            step(status);
            done += 1;
            ControlFlow::Continue(())
        },
        &mut |event| {
            events.push(event);
            ControlFlow::Continue(())
        },
    );
    (report, events.iter().map(number).collect())
}

/// The number of a line that `cowrie_line` made.
fn number(event: &Event) -> u32 {
    match &event.detail {
        Detail::Login { password: Some(password), .. } => password.raw()[1..].parse().unwrap(),
        other => panic!("{other:?}"),
    }
}

fn line(number: u32) -> String {
    cowrie_line(number) + "\n"
}

#[test]
fn what_is_appended_is_read_and_a_line_waits_for_its_end() {
    let path = file("grows");
    append(&path, &line(0));
    let half = line(2);
    let (head, tail) = half.split_at(40);
    let offsets = RefCell::new(Vec::new());
    let (report, numbers) = follow_steps(
        &path,
        0,
        &mut [
            &mut |_| append(&path, &(line(1) + head)),
            &mut |status| offsets.borrow_mut().push(status.offset),
            &mut |_| append(&path, tail),
            &mut |status| offsets.borrow_mut().push(status.offset),
        ],
    );
    assert_eq!(numbers, [0, 1, 2]);
    let lengths = [line(0).len() + line(1).len(), line(0).len() + line(1).len() + half.len()];
    assert_eq!(offsets.into_inner(), lengths.map(|length| length as u64));
    let report = report.unwrap();
    assert_eq!((report.counts.lines, report.counts.broken), (3, 0));
}

#[test]
fn a_renamed_file_is_read_to_its_end_and_then_its_successor() {
    let path = file("renamed.log");
    append(&path, &line(0));
    let old = path.with_extension("1");
    let mut rotations = 0;
    let (_, numbers) = follow_steps(
        &path,
        0,
        &mut [
            &mut |_| {
                fs::rename(&path, &old).unwrap();
                append(&old, &line(1));
            },
            // For a while there is no file of the name, and the last line of the old one has no end.
            &mut |_| append(&old, cowrie_line(2).as_str()),
            &mut |_| append(&path, &line(3)),
            &mut |status| rotations = status.rotations,
            &mut |_| append(&path, &line(4)),
        ],
    );
    assert_eq!((numbers, rotations), (vec![0, 1, 2, 3, 4], 1));
}

#[test]
fn a_file_that_was_cut_is_read_from_its_beginning_also_when_it_has_grown_past_the_old_end() {
    let path = file("cut");
    append(&path, &(line(0) + &line(1)));
    let (_, numbers) = follow_steps(
        &path,
        0,
        &mut [
            &mut |_| {
                fs::write(&path, line(2)).unwrap();
            },
            &mut |_| {
                fs::write(&path, line(3) + &line(4) + &line(5)).unwrap();
            },
        ],
    );
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn following_goes_on_where_it_was_stopped_also_in_a_table() {
    let path = file("offset");
    append(&path, &(line(0) + &line(1)));
    let from = line(0).len() as u64;
    let (_, numbers) = follow_steps(&path, from, &mut [&mut |_| append(&path, &line(2))]);
    assert_eq!(numbers, [1, 2]);

    let path = file("offset.csv");
    let header = "time,src,dpt,user,pass\n";
    let row = |n: u32| format!("2026-01-01 00:00:{n:02},192.0.2.1,22,root,p{n}\n");
    append(&path, &(header.to_owned() + &row(1) + &row(2)));
    let from = (header.len() + row(1).len()) as u64;
    let (report, numbers) = follow_steps(&path, from, &mut [&mut |_| append(&path, &row(3))]);
    assert_eq!((numbers, report.unwrap().counts.broken), (vec![2, 3], 0));
}

#[test]
fn a_packed_or_unknown_file_is_refused_and_an_empty_one_waited_for() {
    let path = file("packed");
    fs::write(&path, [0x1f, 0x8b, 8, 0]).unwrap();
    let (report, _) = follow_steps(&path, 0, &mut []);
    assert!(matches!(report, Err(IntakeError::NotFollowable { .. })));
    let path = file("unknown");
    fs::write(&path, "hello\n".repeat(30)).unwrap();
    let (report, _) = follow_steps(&path, 0, &mut []);
    assert!(matches!(report, Err(IntakeError::UnknownFormat { .. })));
    let path = file("empty");
    fs::write(&path, "").unwrap();
    let (_, numbers) = follow_steps(&path, 0, &mut [&mut |_| append(&path, &line(7))]);
    assert_eq!(numbers, [7]);
    let (report, _) = follow_steps(Path::new("/nowhere"), 0, &mut []);
    assert!(matches!(report, Err(IntakeError::Open { .. })));
}

#[test]
fn a_set_flag_ends_the_waiting_at_once() {
    let stop = Arc::new(AtomicBool::new(true));
    let mut pause = poll_every(Duration::from_secs(3_600), Arc::clone(&stop));
    let begin = Instant::now();
    assert!(pause(&FollowStatus::default()).is_break());
    assert!(begin.elapsed() < Duration::from_secs(5));
    let mut pause = poll_every(Duration::from_millis(1), Arc::new(AtomicBool::new(false)));
    assert!(pause(&FollowStatus::default()).is_continue());
}
