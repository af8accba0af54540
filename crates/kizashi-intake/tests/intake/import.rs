//! Streams and folders: packed or not, whole or damaged, in any pieces.

use std::fs;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::common::{cowrie_line, identities, import_bytes, import_paths};
use flate2::Compression;
use flate2::write::GzEncoder;
use kizashi_intake::{Format, IntakeError, Options, find_inputs, import, import_reader};

/// A folder of this test's own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("intake-{name}"));
        let _absent = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

fn log(numbers: std::ops::Range<u32>) -> String {
    numbers.map(|number| cowrie_line(number) + "\n").collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn plain_gzip_of_two_members_and_zstd_of_two_frames_give_the_same_events() {
    let (first, second) = (log(0..3_000), log(3_000..5_000));
    let plain = first.clone() + &second;
    let (report, events) = import_bytes(plain.as_bytes());
    assert_eq!((report.counts.events, report.counts.broken), (5_000, 0));
    let gzip = [gzip(first.as_bytes()), gzip(second.as_bytes())].concat();
    let zstd = [first, second].map(|text| zstd::encode_all(text.as_bytes(), 3).unwrap()).concat();
    for packed in [gzip, zstd] {
        let (packed_report, packed_events) = import_bytes(&packed);
        assert_eq!(packed_report, report);
        assert_eq!(packed_events, events);
    }
}

#[test]
fn of_a_gzip_cut_short_all_whole_lines_go_in_and_the_fault_names_the_file() {
    let packed = gzip(log(0..5_000).as_bytes());
    let (report, events) = import_bytes(&packed[..packed.len() / 2]);
    assert!(events.len() > 1_000 && events.len() < 5_000);
    assert_eq!(report.counts.broken, 0);
    let message = report.fault.unwrap().to_string();
    assert!(message.starts_with("test: reading stopped after line "), "{message}");
}

#[test]
fn broken_lines_are_counted_and_shown_with_file_and_number_and_the_rest_goes_in() {
    let long = "x".repeat(3_000_000);
    let text = format!(
        "{}\n\n{{\"eventid\":\"cowrie\u{1b}[2J\n{long}\nhello\n{}",
        cowrie_line(0),
        cowrie_line(1)
    );
    let (report, events) = import_bytes(text.as_bytes());
    assert_eq!((report.counts.lines, report.counts.broken, report.counts.skipped), (6, 3, 1));
    assert_eq!(events.len(), 2);
    let shown: Vec<String> = report.broken_lines.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown[0],
        "test:3: the line ends in the middle of its JSON: {\"eventid\":\"cowrie\\x1b[2J"
    );
    assert!(shown[1].starts_with("test:4: longer than 1048576 bytes: xxx"), "{}", shown[1]);
    assert_eq!(shown[2], "test:5: not a JSON object: hello");
}

#[test]
fn no_more_broken_lines_are_shown_than_asked_for() {
    let text = format!("{}\n{}", cowrie_line(0), "hello\n".repeat(1_000));
    let (report, _) = import_bytes(text.as_bytes());
    assert_eq!((report.counts.broken, report.broken_lines.len()), (1_000, 20));
}

#[test]
fn a_sink_that_breaks_ends_the_import_at_once() {
    let mut taken = 0;
    let log = log(0..1_000);
    let report = import_reader("test", log.as_bytes(), &Options::default(), &mut |_| {
        taken += 1;
        if taken == 10 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!((taken, report.counts.events, report.stopped), (10, 10, true));
}

#[test]
fn a_folder_is_read_in_the_order_written_and_what_is_no_log_is_told_and_left() {
    let folder = Folder::new("folder");
    folder.write("cowrie.json", log(20..30).as_bytes());
    folder.write("cowrie.json.2026-01-02", log(10..20).as_bytes());
    folder.write("cowrie.json.2026-01-01.gz", &gzip(log(0..10).as_bytes()));
    folder.write("sub/table.csv", b"time,src,dpt\n2026-01-02T00:00:00Z,192.0.2.1,22\n");
    folder.write("empty", b"");
    folder.write(".hidden", b"hello\n");
    folder.write("README", b"hello\n");
    std::os::unix::fs::symlink(&folder.0, folder.0.join("sub/loop")).unwrap();
    let (report, events) = import_paths(&[&folder.0]);
    let ports: Vec<_> = events.iter().map(|event| event.time.seconds() % 60).collect();
    assert_eq!(ports[..30], (0..30).collect::<Vec<i64>>());
    assert_eq!((events.len(), report.total.events), (31, 31));
    let names: Vec<_> =
        report.files.iter().map(|file| file.file.rsplit('/').next().unwrap()).collect();
    let expected = [
        "README",
        "cowrie.json.2026-01-01.gz",
        "cowrie.json.2026-01-02",
        "cowrie.json",
        "empty",
        "table.csv",
    ];
    assert_eq!(names, expected);
    assert!(matches!(report.files[0].fault, Some(IntakeError::UnknownFormat { .. })));
    assert_eq!(report.errors().count(), 0, "a file that nobody named is no error");
    assert_eq!((&report.files[4].fault, report.files[4].format), (&None, None));
}

#[test]
fn a_folder_without_any_log_is_an_error_after_all() {
    let folder = Folder::new("nothing");
    folder.write("README", b"hello\n");
    let (report, _) = import_paths(&[&folder.0]);
    assert_eq!(report.errors().count(), 1);
}

/// Gives one byte at a time.
struct Dripping<'a>(&'a [u8]);

impl std::io::Read for Dripping<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.0.len().min(buffer.len()).min(1);
        buffer[..length].copy_from_slice(&self.0[..length]);
        self.0 = &self.0[length..];
        Ok(length)
    }
}

#[test]
fn a_stream_that_comes_byte_by_byte_gives_the_same_events() {
    let log = log(0..50);
    let mut events = Vec::new();
    let dripping = Dripping(log.as_bytes());
    let report = import_reader("test", dripping, &Options::default(), &mut |event| {
        events.push(event);
        ControlFlow::Continue(())
    });
    let (whole, whole_events) = import_bytes(log.as_bytes());
    assert_eq!((report, events), (whole, whole_events));
}

#[test]
fn a_bomb_without_line_ends_is_one_broken_line() {
    let bomb = gzip(&vec![b'x'; 50_000_000]);
    let text = [
        gzip(cowrie_line(0).as_bytes()),
        gzip(b"\n"),
        bomb,
        gzip(b"\n"),
        gzip(cowrie_line(1).as_bytes()),
    ];
    let (report, events) = import_bytes(&text.concat());
    assert_eq!((events.len(), report.counts.lines, report.counts.broken), (2, 3, 1));
}

#[test]
fn a_session_goes_on_in_the_next_file_of_a_rotated_log() {
    let folder = Folder::new("rotated");
    let connect = r#"{"eventid":"cowrie.session.connect","session":"a","protocol":"telnet","src_ip":"192.0.2.1","src_port":9,"dst_port":2323,"timestamp":"2018-01-01T00:00:00Z"}"#;
    let login = r#"{"eventid":"cowrie.login.failed","session":"a","src_ip":"192.0.2.1","timestamp":"2018-01-01T00:00:01Z"}"#;
    folder.write("cowrie.json.2018-01-01", connect.as_bytes());
    folder.write("cowrie.json", login.as_bytes());
    let (_, events) = import_paths(&[&folder.0]);
    assert_eq!((events[1].port.number, events[1].service.name()), (2323, "telnet"));
}

#[test]
fn a_path_that_is_not_there_is_an_error_that_names_it() {
    let error = find_inputs(&["/nowhere/at\u{1b}all"]).unwrap_err().to_string();
    assert!(error.starts_with("/nowhere/at\\x1ball: cannot be opened"), "{error}");
}

#[test]
fn an_archive_says_what_to_do_and_a_table_without_columns_what_is_missing() {
    let zip = [b"PK\x03\x04".as_slice(), &[b'x'; 600]].concat();
    let message = import_bytes(&zip).0.fault.unwrap().to_string();
    assert!(message.ends_with("unpack it and import what is in it"), "{message}");
    let options = Options { format: Some(Format::Csv), ..Options::default() };
    let table = b"hour,key\n1,2\n".as_slice();
    let report = import_reader("t", table, &options, &mut |_| ControlFlow::Continue(()));
    assert!(matches!(report.fault, Some(IntakeError::WrongFormat { .. })));
    let options =
        Options { columns: "time=hour,source=key".parse().unwrap(), ..Options::default() };
    let table = b"hour,key\n2026-01-01 00:00:00,192.0.2.1\n".as_slice();
    let report = import_reader("t", table, &options, &mut |_| ControlFlow::Continue(()));
    assert_eq!((report.counts.events, report.fault), (1, None));
}

#[test]
fn progress_grows_to_the_whole_and_never_past_it() {
    let folder = Folder::new("progress");
    folder.write("a.json", log(0..3_000).as_bytes());
    folder.write("b.json.gz", &gzip(log(3_000..6_000).as_bytes()));
    let inputs = find_inputs(&[&folder.0]).unwrap();
    let (mut before, mut total) = (0, None);
    let mut progress = |now: &kizashi_intake::Progress<'_>| {
        assert!(now.bytes >= before && Some(now.bytes) <= now.bytes_total);
        (before, total) = (now.bytes, now.bytes_total);
    };
    let mut sink = |_| ControlFlow::Continue(());
    let report = import(&inputs, &Options::default(), &mut progress, &mut sink);
    assert_eq!((Some(before), report.total.events), (total, 6_000));
}

#[test]
fn identical_lines_are_as_many_events_and_a_grown_file_keeps_the_ids_of_its_beginning() {
    let line = cowrie_line(1) + "\n";
    let (_, short) = import_bytes(line.repeat(3).as_bytes());
    let (_, long) = import_bytes((line.repeat(5) + &cowrie_line(2)).as_bytes());
    let (short, long) = (identities(&short), identities(&long));
    assert_eq!(long[..3], short);
    assert_eq!(long.iter().collect::<std::collections::HashSet<_>>().len(), 6);
}

#[test]
fn the_report_is_json_that_a_program_can_read() {
    let folder = Folder::new("json");
    let path = folder.write("a.json", format!("{}\nhello\n", cowrie_line(0)).as_bytes());
    let (report, _) = import_paths(&[&path]);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["total"]["events"], 1);
    assert_eq!(json["files"][0]["format"], "cowrie");
    assert_eq!(json["files"][0]["broken_lines"][0]["line"], 2);
    assert_eq!(json["files"][0]["fault"], serde_json::Value::Null);
}
