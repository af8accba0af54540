//! Real servers, asked what a trap is asked, and what they answered: kept in a trap's `reference/`, a file for each release. Only tests that
//! are given an address connect.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kizashi_event::Timestamp;

use crate::{Output, Session};

/// How long nothing must come for an answer to be whole.
const QUIET: Duration = Duration::from_millis(400);

/// A real server in the place of a session.
struct Remote(TcpStream);

/// A connection to a real server.
pub(crate) fn server(address: &str) -> Box<dyn Session> {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(QUIET)).unwrap();
    Box::new(Remote(stream))
}

impl Remote {
    fn listen(&mut self, out: &mut Output) {
        let mut buffer = [0; 4_096];
        loop {
            match self.0.read(&mut buffer) {
                Ok(0) => return out.close(),
                Ok(count) => out.reply(&buffer[..count]),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                Err(_) => return out.close(),
            }
        }
    }
}

impl Session for Remote {
    fn open(&mut self, _now: Timestamp, out: &mut Output) {
        self.listen(out);
    }

    fn receive(&mut self, bytes: &[u8], _now: Timestamp, out: &mut Output) {
        let _ = self.0.write_all(bytes);
        self.listen(out);
    }

    fn idle(&mut self, _now: Timestamp, _out: &mut Output) {}

    fn end(&mut self, _now: Timestamp, _out: &mut Output) {}

    fn memory(&self) -> usize {
        0
    }
}

/// The releases and addresses in `KIZASHI_REFERENCE`: `noble=127.0.0.1:2605,…`.
pub(crate) fn named() -> Vec<(String, String)> {
    let named = std::env::var("KIZASHI_REFERENCE").unwrap_or_default();
    let entries = named.split(',').filter_map(|entry| entry.split_once('='));
    entries.map(|(release, address)| (release.to_owned(), address.to_owned())).collect()
}

fn path(trap: &str, release: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(trap).join("reference");
    folder.join(format!("{release}.txt"))
}

/// What a release answered.
pub(crate) fn kept(trap: &str, release: &str) -> String {
    std::fs::read_to_string(path(trap, release)).expect(release)
}

/// Keeps what a release answered.
pub(crate) fn keep(trap: &str, release: &str, text: &str) {
    std::fs::write(path(trap, release), text).unwrap();
}
