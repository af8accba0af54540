//! Files in a stream of `sync:` (`SYNC.TXT`): STAT and its second form, LIST, SEND, RECV on the machine behind the daemon. What is sent is written there, and so told.

use crate::draw::Draw;
use crate::machine::{FileFault, Machine};

/// Bytes of a request that are held: a chunk has 64 KiB at most.
const LONGEST: usize = 64 * 1024;
const LONGEST_PATH: usize = 1_024;
/// Bytes of a file that are given back, and names of a folder.
const GIVEN: usize = 128 * 1024;
const LISTED: usize = 1_000;

pub(super) struct Sync {
    buffer: Vec<u8>,
    /// It knows the second form of STAT.
    second: bool,
    /// The file that is being sent: its path, how much of it came, what went wrong.
    sending: Option<Sending>,
}

struct Sending {
    path: Vec<u8>,
    at: u64,
    failed: Option<FileFault>,
}

/// What a request came to.
pub(super) struct Said {
    pub(super) bytes: Vec<u8>,
    pub(super) over: bool,
}

fn answer(id: &[u8; 4], number: u32, content: &[u8]) -> Vec<u8> {
    [&id[..], &number.to_le_bytes(), content].concat()
}

fn fail(reason: &str) -> Vec<u8> {
    answer(b"FAIL", u32::try_from(reason.len()).unwrap_or(0), reason.as_bytes())
}

const fn reason(fault: FileFault) -> &'static str {
    match fault {
        FileFault::NotFound => "No such file or directory",
        FileFault::Denied => "Permission denied",
        FileFault::NoSpace => "No space left on device",
        FileFault::Exists => "File exists",
        FileFault::Failure => "Is a directory",
    }
}

impl Sync {
    pub(super) const fn new(second: bool) -> Self {
        Self { buffer: Vec::new(), second, sending: None }
    }

    pub(super) fn memory(&self) -> usize {
        self.buffer.len() + self.sending.as_ref().map_or(0, |sending| sending.path.len())
    }

    /// Takes what came in the stream.
    pub(super) fn take(&mut self, bytes: &[u8], machine: &Machine) -> Said {
        self.buffer.extend_from_slice(bytes);
        let mut said = Said { bytes: Vec::new(), over: false };
        while let Some(head) = self.buffer.first_chunk::<8>() {
            let id = [head[0], head[1], head[2], head[3]];
            let number = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
            // DONE's number is a time, every other's a length.
            let length =
                if &id == b"DONE" { 0 } else { usize::try_from(number).unwrap_or(usize::MAX) };
            let bound = if &id == b"DATA" { LONGEST } else { LONGEST_PATH };
            if length > bound {
                said.bytes.extend(fail("oversize data message"));
                said.over = true;
                return said;
            }
            if self.buffer.len() < 8 + length {
                return said;
            }
            let content = self.buffer[8..8 + length].to_vec();
            self.buffer.drain(..8 + length);
            if !self.request(id, number, &content, machine, &mut said) {
                said.over = true;
                return said;
            }
        }
        said
    }

    /// Answers one request; `false` where the stream ends.
    fn request(
        &mut self,
        id: [u8; 4],
        number: u32,
        content: &[u8],
        machine: &Machine,
        said: &mut Said,
    ) -> bool {
        match &id {
            b"STAT" => said.bytes.extend(stat(content, machine)),
            b"STA2" | b"LST2" if self.second => {
                said.bytes.extend(second_stat(&id, content, machine));
            }
            b"LIST" => said.bytes.extend(list(content, machine)),
            b"RECV" => said.bytes.extend(receive(content, machine)),
            b"SEND" => self.begin(content, machine),
            b"DATA" => self.data(content, machine),
            b"DONE" => said.bytes.extend(self.done(number, machine)),
            b"QUIT" => return false,
            other => {
                let name = String::from_utf8_lossy(other).into_owned();
                said.bytes.extend(fail(&format!("unknown command {name}")));
                return false;
            }
        }
        true
    }

    /// `path,mode`.
    fn begin(&mut self, content: &[u8], machine: &Machine) {
        let comma = content.iter().rposition(|byte| *byte == b',');
        let (path, mode) =
            comma.map_or((content, &b""[..]), |at| (&content[..at], &content[at + 1..]));
        let mode = std::str::from_utf8(mode)
            .ok()
            .and_then(|text| text.trim().parse::<u32>().ok())
            .unwrap_or(0o100_644);
        let mode = u16::try_from(mode & 0o777).unwrap_or(0o644);
        let files = machine.files();
        let failed =
            files.create(path, true, mode).and_then(|()| files.set_mode(path, mode, true)).err();
        self.sending = Some(Sending { path: path.to_vec(), at: 0, failed });
    }

    fn data(&mut self, content: &[u8], machine: &Machine) {
        let Some(sending) = &mut self.sending else { return };
        if sending.failed.is_none() {
            sending.failed = machine.files().write(&sending.path, sending.at, content).err();
            sending.at += content.len() as u64;
        }
    }

    fn done(&mut self, time: u32, machine: &Machine) -> Vec<u8> {
        let Some(sending) = self.sending.take() else { return fail("no file") };
        if let Some(fault) = sending.failed {
            return fail(&format!("couldn't create file: {}", reason(fault)));
        }
        let _ = machine.files().set_time(&sending.path, time.into(), true);
        answer(b"OKAY", 0, b"")
    }
}

fn stat(path: &[u8], machine: &Machine) -> Vec<u8> {
    let numbers = match machine.files().stat(path, false) {
        Ok(stat) => [
            stat.mode,
            u32::try_from(stat.size).unwrap_or(u32::MAX),
            u32::try_from(stat.modified).unwrap_or(0),
        ],
        Err(_) => [0; 3],
    };
    [&b"STAT"[..], &numbers.map(u32::to_le_bytes).concat()].concat()
}

/// `struct __stat_v2`: what went wrong, then what `stat` says in 64 bits.
fn second_stat(id: &[u8; 4], path: &[u8], machine: &Machine) -> Vec<u8> {
    const NO_SUCH_FILE: u32 = 2;
    let Ok(stat) = machine.files().stat(path, id == b"STA2") else {
        return [&id[..], &NO_SUCH_FILE.to_le_bytes(), &[0; 64]].concat();
    };
    let number = Draw::new(&[0; 32], &String::from_utf8_lossy(path)).below(0, 1 << 17);
    let links = u32::try_from(stat.links).unwrap_or(1);
    let words = [stat.mode, links, stat.owner.0, stat.owner.1].map(u32::to_le_bytes).concat();
    let times = [stat.modified; 3].map(i64::to_le_bytes).concat();
    [
        &id[..],
        &0_u32.to_le_bytes(),
        &0x10_301_u64.to_le_bytes(),
        &number.to_le_bytes(),
        &words,
        &stat.size.to_le_bytes(),
        &times,
    ]
    .concat()
}

fn list(path: &[u8], machine: &Machine) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, stat) in machine.files().list(path).unwrap_or_default().into_iter().take(LISTED) {
        let size = u32::try_from(stat.size).unwrap_or(u32::MAX);
        let length = u32::try_from(name.len()).unwrap_or(0);
        let numbers = [stat.mode, size, u32::try_from(stat.modified).unwrap_or(0), length];
        out.extend([&b"DENT"[..], &numbers.map(u32::to_le_bytes).concat(), &name].concat());
    }
    out.extend([&b"DONE"[..], &[0; 16]].concat());
    out
}

fn receive(path: &[u8], machine: &Machine) -> Vec<u8> {
    match machine.files().read(path, 0, GIVEN) {
        Ok(content) => {
            let chunks = content
                .chunks(LONGEST)
                .flat_map(|chunk| answer(b"DATA", u32::try_from(chunk.len()).unwrap_or(0), chunk));
            chunks.chain(answer(b"DONE", 0, b"")).collect()
        }
        Err(fault) => fail(reason(fault)),
    }
}
