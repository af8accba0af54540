//! `scp`'s own protocol (OpenSSH's scp.c, `sink` and `source`): a line for each file, its bytes, and a zero for each thing done.

use kizashi_event::{Detail, Timestamp};

use super::tell;
use crate::capture::Capture;
use crate::terminal::{Printed, Program, Progress};

/// Bytes of a line.
const LONGEST: usize = 4 * 1024;
/// Files of one copy.
const MOST_FILES: u32 = 256;
/// Depth of folders.
const MOST_FOLDERS: usize = 32;

/// Where a copy is.
enum State {
    /// A line is awaited: a file, a folder, times, or an end.
    Line,
    /// So many bytes of a file are still to come.
    File {
        path: Vec<u8>,
        left: u64,
        capture: Capture,
    },
    /// The zero behind a file.
    Closing {
        path: Vec<u8>,
        capture: Capture,
    },
    /// The visitor asks for a file and says that he is ready.
    Asked(Vec<u8>),
    Over(u8),
}

/// A copy to or from this machine.
pub(super) struct Copy {
    state: State,
    target: Vec<u8>,
    folders: Vec<Vec<u8>>,
    line: Vec<u8>,
    answer: Vec<u8>,
    told: Vec<Detail>,
    files: u32,
    ended: bool,
}

impl Copy {
    pub(super) fn asked(command: &[u8]) -> Option<Self> {
        let mut words = command.split(|byte| byte.is_ascii_whitespace()).filter(|w| !w.is_empty());
        let name = words.next()?.rsplit(|byte| *byte == b'/').next()?;
        if name != b"scp" || command.iter().any(|byte| b";|&`$<>\n".contains(byte)) {
            return None;
        }
        let (mut to, mut from, mut target) = (false, false, Vec::new());
        for word in words {
            match word.strip_prefix(b"-") {
                Some(b"-") => {}
                Some(flags) if target.is_empty() => {
                    to |= flags.contains(&b't');
                    from |= flags.contains(&b'f');
                }
                _ => target = word.iter().copied().filter(|byte| !b"'\"".contains(byte)).collect(),
            }
        }
        if to == from || target.len() > LONGEST {
            return None;
        }
        let (state, answer) =
            if to { (State::Line, vec![0]) } else { (State::Asked(target.clone()), Vec::new()) };
        Some(Self {
            state,
            target,
            folders: Vec::new(),
            line: Vec::new(),
            answer,
            told: Vec::new(),
            files: 0,
            ended: false,
        })
    }

    fn take(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            match &mut self.state {
                State::File { left, capture, .. } => {
                    let count = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    capture.feed(&rest[..count]);
                    *left -= count as u64;
                    rest = &rest[count..];
                    if *left == 0 {
                        self.file_is_whole();
                    }
                }
                State::Closing { .. } => {
                    rest = &rest[1..];
                    self.close_file();
                    self.answer.push(0);
                }
                State::Asked(path) => {
                    let shown = String::from_utf8_lossy(path).into_owned();
                    let text = format!("\u{1}scp: {shown}: No such file or directory\n");
                    self.answer.extend(text.into_bytes());
                    self.state = State::Over(1);
                }
                State::Line => {
                    let byte = rest[0];
                    rest = &rest[1..];
                    if byte == b'\n' {
                        let line = std::mem::take(&mut self.line);
                        self.line(&line);
                    } else if self.line.len() < LONGEST {
                        self.line.push(byte);
                    }
                }
                State::Over(_) => return,
            }
        }
    }

    fn file_is_whole(&mut self) {
        if let State::File { path, capture, .. } = std::mem::replace(&mut self.state, State::Line) {
            self.state = State::Closing { path, capture };
        }
    }

    fn close_file(&mut self) {
        if let State::File { path, capture, .. } | State::Closing { path, capture } =
            std::mem::replace(&mut self.state, State::Line)
        {
            tell(&path, capture, &mut self.told);
        }
    }

    fn line(&mut self, line: &[u8]) {
        match line.first() {
            Some(b'C') => match size_and_name(line) {
                Some((size, name)) if self.files < MOST_FILES => {
                    self.files += 1;
                    let path = self.path(name);
                    self.state = State::File { path, left: size, capture: Capture::default() };
                    self.answer.push(0);
                    if size == 0 {
                        self.file_is_whole();
                    }
                }
                _ => self.fail("protocol error: size not delimited"),
            },
            Some(b'D') => match size_and_name(line) {
                Some((_, name)) if self.folders.len() < MOST_FOLDERS => {
                    self.folders.push(name.to_vec());
                    self.answer.push(0);
                }
                _ => self.fail("protocol error: size not delimited"),
            },
            Some(b'E') => {
                self.folders.pop();
                self.answer.push(0);
            }
            Some(b'T') => self.answer.push(0),
            Some(1 | 2) => {}
            _ => self.fail("protocol error: expected control record"),
        }
    }

    /// Where a file of this name would land.
    fn path(&self, name: &[u8]) -> Vec<u8> {
        let mut path = self.target.clone();
        let is_folder = path.ends_with(b"/") || path == b"." || path == b"/tmp" || path == b"~";
        for part in self
            .folders
            .iter()
            .map(Vec::as_slice)
            .chain((is_folder || !self.folders.is_empty()).then_some(name))
        {
            if !path.ends_with(b"/") {
                path.push(b'/');
            }
            path.extend_from_slice(part);
        }
        path.truncate(LONGEST);
        path
    }

    fn fail(&mut self, text: &str) {
        self.answer.extend(format!("\u{1}scp: {text}\n").into_bytes());
        self.state = State::Over(1);
    }
}

/// `C0644 299 name`, `D0755 0 name`.
fn size_and_name(line: &[u8]) -> Option<(u64, &[u8])> {
    let mut words = line.splitn(3, |byte| *byte == b' ');
    words.next()?;
    let size = std::str::from_utf8(words.next()?).ok()?.parse().ok()?;
    let name = words.next()?;
    // scp.c, `sink`: no path may come in the name.
    (!name.is_empty() && !name.contains(&b'/') && name != b"..").then_some((size, name))
}

impl Program for Copy {
    fn give(&mut self, bytes: &[u8]) {
        self.take(bytes);
    }

    fn end_of_input(&mut self) {
        self.ended = true;
    }

    fn interrupt(&mut self) {}

    fn run(&mut self, _now: Timestamp, printed: &mut Printed) -> Progress {
        printed.out.append(&mut self.answer);
        printed.told.append(&mut self.told);
        match self.state {
            State::Over(status) => Progress::Ended(status),
            _ if self.ended => Progress::Ended(u8::from(!matches!(self.state, State::Line))),
            _ => Progress::Waits,
        }
    }

    fn leave(&mut self, _unfinished: &[u8], _now: Timestamp, told: &mut Vec<Detail>) {
        self.close_file();
        told.append(&mut self.told);
    }

    fn memory(&self) -> usize {
        let kept = match &self.state {
            State::File { path, capture, .. } | State::Closing { path, capture } => {
                path.len() + capture.content().len()
            }
            State::Asked(path) => path.len(),
            _ => 0,
        };
        let folders: usize = self.folders.iter().map(Vec::len).sum();
        kept + folders + self.target.len() + self.line.len() + self.answer.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copied(command: &[u8], bytes: &[u8], piece: usize) -> (Vec<u8>, Vec<Detail>, Progress) {
        let mut copy = Copy::asked(command).expect("a copy");
        let (mut answer, mut told) = (Vec::new(), Vec::new());
        let now = Timestamp::from_seconds(1);
        for piece in bytes.chunks(piece) {
            copy.give(piece);
            let mut printed = Printed::default();
            copy.run(now, &mut printed);
            answer.extend(printed.out);
            told.extend(printed.told);
        }
        copy.end_of_input();
        let mut printed = Printed::default();
        let progress = copy.run(now, &mut printed);
        answer.extend(printed.out);
        told.extend(printed.told);
        copy.leave(b"", now, &mut told);
        (answer, told, progress)
    }

    #[test]
    fn a_copied_file_is_kept_under_its_path_however_it_is_cut() {
        for piece in [1, 3, 1000] {
            let (answer, told, progress) = copied(
                b"scp -p -t /tmp/",
                b"T1 0 1 0\nC0755 5 bot\nhello\0D0755 0 d\nC0644 1 e\nx\0E\n",
                piece,
            );
            assert_eq!(answer, [0; 8]);
            assert_eq!(progress, Progress::Ended(0));
            let names: Vec<String> = told
                .iter()
                .filter_map(Detail::payload)
                .map(|payload| payload.name.as_ref().unwrap().raw().to_owned())
                .collect();
            assert_eq!(names, ["/tmp/bot", "/tmp/d/e"]);
        }
    }

    #[test]
    fn a_file_that_stops_half_way_is_kept_and_what_is_asked_for_is_not_there() {
        let (_, told, progress) = copied(b"scp -t x", b"C0755 500 bot\nhello", 7);
        assert_eq!((told.len(), progress), (1, Progress::Ended(1)));
        let (answer, _, progress) = copied(b"scp -f /etc/shadow", b"\0", 1);
        assert_eq!(answer, b"\x01scp: /etc/shadow: No such file or directory\n");
        assert_eq!(progress, Progress::Ended(1));
        assert!(
            Copy::asked(b"scp user@host:x y").is_none() && Copy::asked(b"scp -t a; id").is_none()
        );
    }
}
