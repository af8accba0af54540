//! The dialogues: golden transcripts of the traps, read for what the visitor sends, and played once for how much is answered.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

/// Nothing more comes after so long.
const SILENCE: Duration = Duration::from_millis(150);
/// An answer that takes longer is one with a pause in it, which is no session's cost.
const AT_ONCE: Duration = Duration::from_millis(100);

/// What is sent, and what is answered to it.
#[derive(Clone)]
pub(crate) struct Exchange {
    pub(crate) sent: Vec<u8>,
    pub(crate) answered: Vec<u8>,
}

#[derive(Clone)]
pub(crate) struct Dialogue {
    pub(crate) name: String,
    pub(crate) greeting: Vec<u8>,
    pub(crate) exchanges: Vec<Exchange>,
}

impl Dialogue {
    /// For the bare server: lengths of what is sent, and the answers, a line each.
    pub(crate) fn to_text(&self) -> String {
        let mut text = format!("0 {}\n", hexadecimal(&self.greeting));
        for exchange in &self.exchanges {
            let _ = writeln!(text, "{} {}", exchange.sent.len(), hexadecimal(&exchange.answered));
        }
        text
    }

    pub(crate) fn from_text(text: &str) -> Vec<(usize, Vec<u8>)> {
        let bytes = |text: &str| {
            let digits = |place: usize| text.get(2 * place..2 * place + 2).expect("two digits");
            (0..text.len() / 2)
                .map(|place| u8::from_str_radix(digits(place), 16).unwrap())
                .collect()
        };
        let line = |line: &str| {
            let (length, answer) = line.split_once(' ').expect("a length and an answer");
            (length.parse().unwrap(), bytes(answer))
        };
        text.lines().map(line).collect()
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The shortest dialogue of a trap that stands there which is answered, and at once.
pub(crate) fn shortest(trap: &str, address: SocketAddr) -> Option<Dialogue> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(trap).join("transcripts");
    let mut scripts: Vec<(String, Vec<Vec<u8>>)> = std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .filter_map(|entry| {
            let text = std::fs::read_to_string(entry.path()).ok()?;
            let name = entry.path().file_stem()?.to_string_lossy().into_owned();
            Some((name, script(&text)?))
        })
        .collect();
    let length = |script: &[Vec<u8>]| script.iter().map(Vec::len).sum::<usize>();
    scripts.sort_by_key(|(name, script)| (script.len(), length(script), name.clone()));
    scripts.into_iter().find_map(|(name, script)| rehearse(name, &script, address))
}

/// What the visitor sends, of a transcript over TCP with the usual settings in which he is never silent.
fn script(text: &str) -> Option<Vec<Vec<u8>>> {
    let (mut script, mut together, mut answered) = (Vec::<Vec<u8>>::new(), false, false);
    for line in text.lines() {
        let is_of_another =
            ["face:", "identity:", "release:", "redis:", "site:", "seed:", "port: udp", "T|"];
        if is_of_another.iter().any(|begin| line.starts_with(begin)) {
            return None;
        }
        answered |= line.starts_with("S> ");
        let Some(sent) = line.strip_prefix("C> ") else {
            together = false;
            continue;
        };
        match script.last_mut().filter(|_| together) {
            Some(last) => last.extend(unescape(sent)),
            None => script.push(unescape(sent)),
        }
        together = true;
    }
    (answered && !script.is_empty()).then_some(script)
}

/// The bytes of a transcript's line (`contract/render.rs` writes them).
fn unescape(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte != b'\\' {
            bytes.push(*byte);
            continue;
        }
        let [kind, after @ ..] = rest else { panic!("a backslash at the end of a line") };
        rest = after;
        match kind {
            b'r' => bytes.push(b'\r'),
            b'n' => bytes.push(b'\n'),
            b't' => bytes.push(b'\t'),
            b'0' => bytes.push(0),
            b'\\' => bytes.push(b'\\'),
            b'x' => {
                let digits = std::str::from_utf8(&rest[..2]).unwrap();
                bytes.push(u8::from_str_radix(digits, 16).unwrap());
                rest = &rest[2..];
            }
            b'*' => {
                let mut parts = rest.splitn(3, |byte| *byte == b'*');
                let count = std::str::from_utf8(parts.next().unwrap()).unwrap().parse().unwrap();
                bytes.extend(parts.next().unwrap().repeat(count));
                rest = parts.next().unwrap();
            }
            other => panic!("\\{} in a transcript", char::from(*other)),
        }
    }
    bytes
}

/// Plays it once; nothing where it is not answered, or with a pause.
fn rehearse(name: String, script: &[Vec<u8>], address: SocketAddr) -> Option<Dialogue> {
    let mut visitor = TcpStream::connect(address).unwrap();
    visitor.set_read_timeout(Some(SILENCE)).unwrap();
    let (greeting, mut open) = answer(&mut visitor)?;
    let mut exchanges = Vec::new();
    for sent in script {
        if !open {
            break;
        }
        visitor.write_all(sent).ok()?;
        let (answered, goes_on) = answer(&mut visitor)?;
        open = goes_on;
        exchanges.push(Exchange { sent: sent.clone(), answered });
    }
    // What is sent after the last answer has nothing to wait for.
    while exchanges.last().is_some_and(|exchange| exchange.answered.is_empty()) {
        exchanges.pop();
    }
    (!exchanges.is_empty()).then_some(Dialogue { name, greeting, exchanges })
}

/// What comes until there is silence, and whether more may be said; nothing where it came late.
fn answer(visitor: &mut TcpStream) -> Option<(Vec<u8>, bool)> {
    let (mut all, mut buffer) = (Vec::new(), [0; 16 * 1024]);
    let begin = Instant::now();
    loop {
        match visitor.read(&mut buffer) {
            Ok(0) => return Some((all, false)),
            Ok(count) => all.extend_from_slice(&buffer[..count]),
            Err(_) => return Some((all, true)),
        }
        if begin.elapsed() > AT_ONCE {
            return None;
        }
    }
}
