//! `less` 590 and `more` of util-linux 2.38 (Debian 12) where they write to a terminal; elsewhere both are `cat`. A page is put together
//! here; the keys come to the shell that runs it (`shell/run/pager.rs`).

use super::{Call, Finish, cat, lines};

/// Bytes that are shown in pages.
const SHOWN: usize = 256 * 1024;

/// A text that is looked at page by page.
pub(crate) struct Page {
    pub(crate) lines: Vec<Vec<u8>>,
    /// The file's name, where it has one.
    pub(crate) name: Vec<u8>,
    /// `less`, not `more`.
    pub(crate) less: bool,
    pub(crate) rows: usize,
    pub(crate) status: u8,
}

pub(super) fn page(call: &mut Call<'_>) -> Finish {
    let less = call.base_name() == b"less";
    let Some(tty) = call.tty.filter(|_| call.terminal && !call.is_busybox()) else {
        return cat(call);
    };
    let mut files: Vec<Vec<u8>> = call.arguments().to_vec();
    files.retain(|word| word == b"-" || !word.starts_with(b"-") && !word.starts_with(b"+"));
    if call
        .arguments()
        .iter()
        .any(|word| matches!(&word[..], b"-V" | b"--version" | b"--help" | b"-?"))
    {
        return cat(call);
    }
    if files.is_empty() && call.reads_terminal() {
        let text: &[u8] = if less {
            b"Missing filename (\"less --help\" for help)\n"
        } else {
            b"more: bad usage\nTry 'more --help' for more information.\n"
        };
        call.err(text);
        return Finish::Status(u8::from(!less));
    }
    let mut text = Vec::new();
    let mut faults = Vec::new();
    if files.is_empty() {
        text = call.input();
    }
    for file in &files {
        match call.read(file) {
            Ok(bytes) => text.extend(bytes),
            Err(fault) if less => {
                faults.extend([&file[..], format!(": {fault}\n").as_bytes()].concat());
            }
            Err(fault) => {
                faults.extend(
                    [b"more: cannot open ", &file[..], format!(": {fault}\n").as_bytes()].concat(),
                );
            }
        }
    }
    call.err(&faults);
    let status = u8::from(!faults.is_empty());
    if text.is_empty() && !faults.is_empty() {
        return Finish::Status(status);
    }
    text.truncate(SHOWN);
    let (columns, rows) = (tty.size.columns, tty.size.rows);
    let columns = if columns == 0 { 80 } else { usize::from(columns) };
    let rows = if rows == 0 { 24 } else { usize::from(rows) };
    let lines = lines(&text)
        .flat_map(|line| rows_of(line.strip_suffix(b"\n").unwrap_or(line), columns))
        .collect();
    let name = files.first().cloned().unwrap_or_default();
    Finish::Page(Box::new(Page { lines, name, less, rows, status }))
}

/// A line as rows of the screen, with what acts on it written out as `less` does.
fn rows_of(line: &[u8], columns: usize) -> Vec<Vec<u8>> {
    let mut shown = Vec::with_capacity(line.len());
    for byte in line {
        match *byte {
            b'\t' => {
                shown.push(b' ');
                while shown.len() % 8 != 0 {
                    shown.push(b' ');
                }
            }
            27 => shown.extend_from_slice(b"ESC"),
            control if control < 32 => shown.extend([b'^', control + 64]),
            other => shown.push(other),
        }
    }
    if shown.is_empty() {
        return vec![Vec::new()];
    }
    shown.chunks(columns.max(1)).map(<[u8]>::to_vec).collect()
}
