//! A worm's Telnet client: it answers options as Mirai's `consume_iacs` does, waits for words, and gives up after a while.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub(crate) struct Loader {
    stream: TcpStream,
    /// What was received and not yet waited for, options taken out.
    text: Vec<u8>,
    raw: Vec<u8>,
}

impl Loader {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(8))).unwrap();
        Self { stream, text: Vec::new(), raw: Vec::new() }
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).unwrap();
    }

    /// Waits for one of these and gives all up to its end; fails the test when it does not come.
    pub(crate) fn wait(&mut self, words: &[&str]) -> Vec<u8> {
        loop {
            let end = words.iter().find_map(|word| find(&self.text, word.as_bytes()));
            if let Some(end) = end {
                return self.text.drain(..end).collect();
            }
            let mut buffer = [0; 4096];
            let count = self.stream.read(&mut buffer).unwrap_or_else(|error| {
                panic!("{words:?} never came ({error}): {:?}", String::from_utf8_lossy(&self.text))
            });
            assert!(
                count > 0,
                "closed before {words:?}: {:?}",
                String::from_utf8_lossy(&self.text)
            );
            self.raw.extend_from_slice(&buffer[..count]);
            self.consume();
        }
    }

    /// Options out of the stream, each answered as Mirai answers it: the window's size given, WONT to every DO, DO to every WILL.
    fn consume(&mut self) {
        let mut answer = Vec::new();
        let mut place = 0;
        while place < self.raw.len() {
            match self.raw[place..] {
                [255, 255, ..] => {
                    self.text.push(255);
                    place += 2;
                }
                [255, 253, 31, ..] => {
                    answer.extend([255, 251, 31, 255, 250, 31, 0, 80, 0, 24, 255, 240]);
                    place += 3;
                }
                [255, verb @ 251..=254, option, ..] => {
                    match verb {
                        253 => answer.extend([255, 252, option]),
                        251 => answer.extend([255, 253, option]),
                        _ => {}
                    }
                    place += 3;
                }
                [255] | [255, 251..=254] => break,
                [byte, ..] => {
                    self.text.push(byte);
                    place += 1;
                }
                [] => break,
            }
        }
        self.raw.drain(..place);
        self.stream.write_all(&answer).unwrap();
    }

    /// Logs in, waiting for both prompts.
    pub(crate) fn log_in(&mut self, user: &str, password: &str) {
        self.wait(&["ogin:", "ername:"]);
        self.send(&format!("{user}\r\n"));
        self.wait(&["assword:"]);
        self.send(&format!("{password}\r\n"));
        let welcome = self.wait(&["# ", "$ "]);
        assert!(find(&welcome, b"ncorrect").is_none());
    }

    /// Sends a line with the token after it, and gives what came before the token's answer.
    pub(crate) fn ask(&mut self, line: &str, token: &str) -> Vec<u8> {
        let join = if line.is_empty() { "" } else { "; " };
        self.send(&format!("{line}{join}/bin/busybox {token}\r\n"));
        self.wait(&[&format!("{token}: applet not found")])
    }
}

/// Where `word` ends in `text`.
pub(crate) fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|window| window == word).map(|start| start + word.len())
}
