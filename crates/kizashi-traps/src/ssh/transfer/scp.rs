//! `scp`'s own protocol (OpenSSH's scp.c, `sink` and `source`): a line for each file, its bytes, and a zero for each thing done.

use std::time::Duration;

use kizashi_event::Timestamp;

use super::super::program::Program;
use crate::machine::{FileFault, Progress, Said, Transfer};

/// Bytes that are sent in one turn.
const PIECE: usize = 16 * 1024;
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
    /// So many bytes of a file came, of so many.
    File {
        path: Vec<u8>,
        came: u64,
        size: u64,
    },
    /// The zero behind a file.
    Closing,
    /// The visitor asks for the file, and is to say that he is ready.
    Asked,
    /// He was told what comes, and is to say that he is ready.
    Announced {
        size: u64,
    },
    /// So many bytes of it went, of so many.
    Sending {
        went: u64,
        size: u64,
    },
    /// All of it went, and he is to say that he has it.
    Sent,
    Over(u8),
}

/// A copy to or from this machine.
pub(super) struct Copy {
    state: State,
    target: Vec<u8>,
    folders: Vec<Vec<u8>>,
    line: Vec<u8>,
    answer: Vec<u8>,
    files: Transfer,
    taken: u32,
    ended: bool,
}

impl Copy {
    pub(super) fn asked(command: &[u8], files: Transfer) -> Option<Self> {
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
        let (state, answer) = if to { (State::Line, vec![0]) } else { (State::Asked, Vec::new()) };
        Some(Self {
            state,
            target,
            folders: Vec::new(),
            line: Vec::new(),
            answer,
            files,
            taken: 0,
            ended: false,
        })
    }

    fn take(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            match &mut self.state {
                State::File { path, came, size } => {
                    let left = usize::try_from(*size - *came).unwrap_or(usize::MAX);
                    let (piece, after) = rest.split_at(left.min(rest.len()));
                    // What the disk has no room for is taken all the same, as scp does.
                    let _ = self.files.write(path, *came, piece);
                    *came += piece.len() as u64;
                    rest = after;
                    if came == size {
                        self.state = State::Closing;
                    }
                    continue;
                }
                State::Closing => {
                    self.state = State::Line;
                    self.answer.push(0);
                }
                State::Line if byte == b'\n' => {
                    let line = std::mem::take(&mut self.line);
                    self.line(&line);
                }
                State::Line if self.line.len() < LONGEST => self.line.push(byte),
                State::Line | State::Sending { .. } => {}
                State::Asked => self.announce(),
                State::Announced { size } => {
                    let size = *size;
                    self.state = State::Sending { went: 0, size };
                }
                State::Sent => self.state = State::Over(0),
                State::Over(_) => return,
            }
            rest = after;
        }
    }

    /// Says what file comes, or why none does.
    fn announce(&mut self) {
        let shown = String::from_utf8_lossy(&self.target).into_owned();
        let name = shown.rsplit('/').next().unwrap_or_default().to_owned();
        match self.files.stat(&self.target, true) {
            Ok(stat) if stat.mode & 0o170_000 == 0o100_000 => {
                let head = format!("C{:04o} {} {name}\n", stat.mode & 0o7_777, stat.size);
                self.answer.extend(head.into_bytes());
                self.state = State::Announced { size: stat.size };
            }
            Ok(_) => self.fail(&format!("{shown}: not a regular file")),
            Err(fault) => self.fail(&format!("{shown}: {fault}")),
        }
    }

    /// Sends the next piece of the file asked for.
    fn send(&mut self, went: u64, size: u64) {
        let left = usize::try_from(size - went).unwrap_or(usize::MAX).min(PIECE);
        let mut piece = self.files.read(&self.target, went, left).unwrap_or_default();
        // A file of `/proc` is what it is when it is read; what was announced must come.
        piece.resize(left, 0);
        self.answer.append(&mut piece);
        let went = went + left as u64;
        self.state = if went == size {
            self.answer.push(0);
            State::Sent
        } else {
            State::Sending { went, size }
        };
    }

    fn line(&mut self, line: &[u8]) {
        match (line.first(), size_and_name(line)) {
            (Some(b'C'), Some((size, name))) if self.taken < MOST_FILES => {
                self.taken += 1;
                let path = self.path(name);
                match self.files.create(&path, true, rights(line)) {
                    Ok(()) => {
                        self.answer.push(0);
                        self.state = match size {
                            0 => State::Closing,
                            _ => State::File { path, came: 0, size },
                        };
                    }
                    Err(fault) => self.refuse(&path, fault),
                }
            }
            (Some(b'D'), Some((_, name))) if self.folders.len() < MOST_FOLDERS => {
                let path = self.path(name);
                match self.files.make_folder(&path, rights(line)) {
                    Ok(()) | Err(FileFault::Exists) => {
                        self.folders.push(name.to_vec());
                        self.answer.push(0);
                    }
                    Err(fault) => self.refuse(&path, fault),
                }
            }
            (Some(b'C' | b'D'), _) => self.fail("protocol error: size not delimited"),
            (Some(b'E'), _) => {
                self.folders.pop();
                self.answer.push(0);
            }
            (Some(b'T'), _) => self.answer.push(0),
            (Some(1 | 2), _) => {}
            _ => self.fail("protocol error: expected control record"),
        }
    }

    /// Where a file of this name lands.
    fn path(&self, name: &[u8]) -> Vec<u8> {
        let mut path = self.target.clone();
        let is_folder = |path: &[u8]| {
            self.files.stat(path, true).is_ok_and(|stat| stat.mode & 0o170_000 == 0o040_000)
        };
        let inside = !self.folders.is_empty() || path.ends_with(b"/") || is_folder(&path);
        for part in self.folders.iter().map(Vec::as_slice).chain(inside.then_some(name)) {
            if !path.ends_with(b"/") {
                path.push(b'/');
            }
            path.extend_from_slice(part);
        }
        path.truncate(LONGEST);
        path
    }

    /// A file cannot be made: scp says so and goes on with the next.
    fn refuse(&mut self, path: &[u8], fault: FileFault) {
        let shown = String::from_utf8_lossy(path).into_owned();
        self.answer.extend(format!("\u{1}scp: {shown}: {fault}\n").into_bytes());
    }

    fn fail(&mut self, text: &str) {
        self.answer.extend(format!("\u{1}scp: {text}\n").into_bytes());
        self.state = State::Over(1);
    }
}

/// The permission bits of a control line.
fn rights(line: &[u8]) -> u16 {
    let digits = line.get(1..5).and_then(|digits| std::str::from_utf8(digits).ok());
    digits.and_then(|digits| u16::from_str_radix(digits, 8).ok()).unwrap_or(0o644)
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

    fn run(&mut self, _now: Timestamp, said: &mut Said) -> Progress {
        if let State::Sending { went, size } = self.state {
            self.send(went, size);
        }
        said.output.append(&mut self.answer);
        match self.state {
            State::Over(status) => Progress::Ended(status),
            State::Sending { .. } => Progress::Again(Duration::ZERO),
            _ if self.ended => Progress::Ended(u8::from(!matches!(self.state, State::Line))),
            _ => Progress::Waiting,
        }
    }

    fn memory(&self) -> usize {
        let path = if let State::File { path, .. } = &self.state { path.len() } else { 0 };
        let folders: usize = self.folders.iter().map(Vec::len).sum();
        path + folders + self.target.len() + self.line.len() + self.answer.len()
    }
}

#[cfg(test)]
mod tests {
    use kizashi_event::Detail;

    use super::*;
    use crate::ssh::machine_for_fuzzing;

    fn copied(command: &[u8], bytes: &[u8], piece: usize) -> (Vec<u8>, Vec<Detail>, Progress) {
        let now = Timestamp::from_seconds(1_795_582_440);
        let machine = machine_for_fuzzing(now);
        let mut copy = Copy::asked(command, machine.files()).expect("a copy");
        let mut said = Said::default();
        for piece in bytes.chunks(piece) {
            copy.give(piece);
            while copy.run(now, &mut said) == Progress::Again(Duration::ZERO) {}
        }
        copy.end_of_input();
        let progress = copy.run(now, &mut said);
        (said.output, machine.finish(), progress)
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
            let mut names: Vec<&str> = told
                .iter()
                .filter_map(Detail::payload)
                .filter_map(|payload| payload.name.as_ref().map(|name| name.raw()))
                .collect();
            names.sort_unstable();
            assert_eq!(names, ["/tmp/bot", "/tmp/d/e"]);
        }
    }

    #[test]
    fn a_file_that_stops_half_way_is_kept_and_one_that_is_there_is_given() {
        let (_, told, progress) = copied(b"scp -t x", b"C0755 500 bot\nhello", 7);
        let payloads = told.iter().filter_map(Detail::payload).count();
        assert_eq!((payloads, progress), (1, Progress::Ended(1)));
        let (answer, _, progress) = copied(b"scp -f /etc/nothing", b"\0", 1);
        assert_eq!(answer, b"\x01scp: /etc/nothing: No such file or directory\n");
        assert_eq!(progress, Progress::Ended(1));
        let (answer, _, progress) = copied(b"scp -f /etc/passwd", b"\0\0\0", 1);
        let text = String::from_utf8_lossy(&answer).into_owned();
        assert!(text.starts_with("C0644 ") && text.contains(" passwd\nroot:x:0:0:"), "{text}");
        assert_eq!((answer.last(), progress), (Some(&0), Progress::Ended(0)));
        let files = || machine_for_fuzzing(Timestamp::from_seconds(1)).files();
        assert!(Copy::asked(b"scp user@host:x y", files()).is_none());
        assert!(Copy::asked(b"scp -t a; id", files()).is_none());
    }
}
