//! The least shell on which loaders go on, until the machine room stands behind this login: lists (`;`, `&&`, `||`), quotes,
//! redirections of `echo` and `cat`, and the BusyBox applets that loaders ask for. Pure and without loops, so a line costs
//! at most what it is long; files written are kept in memory under a bound and told, whole, by their hash.

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp};

use super::applets;
use super::persona::{Persona, TelnetFace};
use super::session::say;
use super::words::{self, Join, Simple, Target};
use crate::Output;
use crate::capture::Capture;

/// Files that one visitor may write.
const FILES: usize = 32;
/// Bytes of all his files that are kept.
const KEPT: usize = 160 * 1024;
/// Bytes that one line may answer.
const ANSWER: usize = 48 * 1024;

pub(super) struct Shell {
    face: TelnetFace,
    prompt: Vec<u8>,
    /// Shells begun inside this one, that `exit` leaves first.
    depth: u8,
    folder: Vec<u8>,
    files: Vec<File>,
    status: u8,
}

struct File {
    path: Vec<u8>,
    capture: Capture,
}

impl Shell {
    pub(super) fn new(persona: &Persona, user: &[u8]) -> Self {
        Self {
            face: persona.face,
            prompt: persona.shell_prompt(user),
            depth: 0,
            folder: b"/".to_vec(),
            files: Vec::new(),
            status: 0,
        }
    }

    pub(super) fn prompt(&self, out: &mut Output) {
        say(&self.prompt, out);
    }

    pub(super) fn interrupt(&self, out: &mut Output) {
        say(b"\r\n", out);
        self.prompt(out);
    }

    /// Runs a line; whether the shell goes on after it.
    pub(super) fn line(&mut self, line: &[u8], _now: Timestamp, out: &mut Output) -> bool {
        let mut answer = Vec::new();
        let mut goes_on = true;
        if !line.trim_ascii().is_empty() {
            let list = words::parse(line);
            let known = list.iter().all(|simple| self.knows(simple));
            out.tell(Detail::Command { line: HostileText::from_bytes(line), known: Some(known) });
            for simple in &list {
                let skipped = match simple.join {
                    Join::Always => false,
                    Join::And => self.status != 0,
                    Join::Or => self.status == 0,
                };
                if !skipped && goes_on {
                    goes_on = self.simple(simple, &mut answer, out);
                }
                answer.truncate(ANSWER);
            }
        }
        let mut shown = Vec::with_capacity(answer.len());
        for byte in answer {
            if byte == b'\n' {
                shown.push(b'\r');
            }
            shown.push(byte);
        }
        say(&shown, out);
        if goes_on {
            self.prompt(out);
        }
        goes_on
    }

    /// The visitor left in the middle of a line.
    pub(super) fn tell_unfinished(&self, line: &[u8], out: &mut Output) {
        out.tell(Detail::Command { line: HostileText::from_bytes(line), known: Some(false) });
    }

    /// The visitor is gone: what he wrote is told.
    pub(super) fn end(&mut self, _now: Timestamp, out: &mut Output) {
        for file in std::mem::take(&mut self.files) {
            tell(file, out);
        }
    }

    pub(super) fn memory(&self) -> usize {
        let files = self.files.iter().map(|file| file.path.len() + file.capture.content().len());
        files.sum::<usize>() + self.folder.len() + self.prompt.len()
    }

    fn knows(&self, simple: &Simple) -> bool {
        let mut words = simple.words.iter().map(Vec::as_slice);
        let mut name = words.next().unwrap_or_default();
        if words::last_of_path(name) == b"busybox" {
            name = words.next().unwrap_or_default();
        }
        let own = name.contains(&b'/') && self.file(&self.absolute(name)).is_some();
        let last = words::last_of_path(name);
        name.is_empty()
            || own
            || applets::is_known(last)
            || matches!(last, b"cd" | b"exit" | b"bash")
    }

    fn simple(&mut self, simple: &Simple, answer: &mut Vec<u8>, out: &mut Output) -> bool {
        let mut words: &[Vec<u8>] = &simple.words;
        let mut output = Vec::new();
        let mut goes_on = true;
        if words.first().is_some_and(|name| words::last_of_path(name) == b"busybox") {
            words = &words[1..];
            if words.is_empty() {
                output.extend_from_slice(applets::BUSYBOX.as_bytes());
            } else if !applets::is_known(&words[0]) {
                output.extend_from_slice(&words[0]);
                output.extend_from_slice(b": applet not found\n");
                self.status = 127;
                words = &[];
            }
        }
        if let Some(name) = words.first() {
            let name = name.clone();
            goes_on = self.command(&name, &words[1..], &mut output, out);
        } else if simple.words.is_empty() {
            self.status = 0;
        }
        match &simple.target {
            Some(target) => self.redirect(target, &output, out),
            None => answer.extend(output),
        }
        goes_on
    }

    fn command(
        &mut self,
        name: &[u8],
        words: &[Vec<u8>],
        output: &mut Vec<u8>,
        out: &mut Output,
    ) -> bool {
        self.status = 0;
        match words::last_of_path(name) {
            b"exit" | b"logout" => {
                let ends = self.depth == 0;
                self.depth = self.depth.saturating_sub(1);
                return !ends;
            }
            b"sh" | b"ash" | b"bash" if words.is_empty() => {
                self.depth = self.depth.saturating_add(1);
            }
            b"cd" => self.change_folder(words.first().map_or(b"/", Vec::as_slice)),
            b"echo" => output.extend(words::echo(words)),
            b"cat" => self.cat(words, output),
            b"cp" => self.copy(words, output, out),
            b"rm" => self.remove(words, out),
            b"dd" => self.dd(words, output),
            b"pwd" => {
                output.extend_from_slice(&self.folder);
                output.push(b'\n');
            }
            other => match applets::run(other, words, self.face) {
                Some((text, status)) => {
                    output.extend_from_slice(text.as_bytes());
                    self.status = status;
                }
                None => self.run_file(name, output),
            },
        }
        true
    }

    /// A file of the visitor's is "run" and says nothing; nothing else is there.
    fn run_file(&mut self, name: &[u8], output: &mut Vec<u8>) {
        let path = self.absolute(name);
        if name.contains(&b'/') && self.file(&path).is_some() {
            return;
        }
        let shell = if self.face.is_busybox() { "-sh: " } else { "-bash: " };
        output.extend_from_slice(shell.as_bytes());
        output.extend_from_slice(name);
        let fault = if self.face.is_busybox() { ": not found\n" } else { ": command not found\n" };
        output.extend_from_slice(fault.as_bytes());
        self.status = 127;
    }

    fn change_folder(&mut self, to: &[u8]) {
        let mut path = self.absolute(to);
        while path.len() > 1 && path.last() == Some(&b'/') {
            path.pop();
        }
        if path.len() <= 256 {
            self.folder = path;
        }
    }

    fn absolute(&self, path: &[u8]) -> Vec<u8> {
        let path = path.strip_prefix(b"./").unwrap_or(path);
        if path.starts_with(b"/") {
            return path.to_vec();
        }
        let mut whole = self.folder.clone();
        if whole.last() != Some(&b'/') {
            whole.push(b'/');
        }
        whole.extend_from_slice(path);
        whole
    }

    fn file(&self, path: &[u8]) -> Option<usize> {
        self.files.iter().position(|file| file.path == path)
    }

    fn redirect(&mut self, target: &Target, content: &[u8], out: &mut Output) {
        let path = self.absolute(&target.path);
        if path == b"/dev/null" || path.len() > 1024 {
            return;
        }
        let place = self.file(&path);
        if let Some(place) = place.filter(|_| !target.append) {
            tell(self.files.remove(place), out);
        }
        let place = self.file(&path).or_else(|| {
            (self.files.len() < FILES).then(|| {
                self.files.push(File { path, capture: Capture::default() });
                self.files.len() - 1
            })
        });
        let Some(place) = place else {
            self.status = 1;
            return;
        };
        let kept: usize = self.files.iter().map(|file| file.capture.content().len()).sum();
        if kept + content.len() <= KEPT {
            self.files[place].capture.feed(content);
        } else {
            // No space left on this device, and no message: it went where the output went.
            self.status = 1;
        }
    }

    fn content(&self, path: &[u8]) -> Option<Vec<u8>> {
        let path = self.absolute(path);
        match self.file(&path) {
            Some(place) => Some(self.files[place].capture.content().to_vec()),
            None => applets::file(&path, self.face),
        }
    }

    fn cat(&mut self, words: &[Vec<u8>], output: &mut Vec<u8>) {
        for path in words.iter().filter(|word| !word.starts_with(b"-")) {
            match self.content(path) {
                Some(content) => output.extend(content),
                None => self.missing(b"cat", path, output),
            }
            output.truncate(ANSWER);
        }
    }

    fn missing(&mut self, who: &[u8], path: &[u8], output: &mut Vec<u8>) {
        self.status = 1;
        let opening = if who == b"cat" && self.face.is_busybox() { "can't open '" } else { "" };
        output.extend_from_slice(who);
        output.extend_from_slice(b": ");
        output.extend_from_slice(opening.as_bytes());
        output.extend_from_slice(path);
        let quote = if opening.is_empty() { "" } else { "'" };
        output.extend_from_slice(format!("{quote}: No such file or directory\n").as_bytes());
    }

    fn copy(&mut self, words: &[Vec<u8>], output: &mut Vec<u8>, out: &mut Output) {
        let [from, to] = words else { return };
        match self.content(from) {
            // A copy of the machine's own file is no payload: the file begins empty of the visitor's bytes.
            Some(_) if self.file(&self.absolute(from)).is_none() => {
                self.redirect(&Target { path: to.clone(), append: false }, b"", out);
            }
            Some(content) => {
                self.redirect(&Target { path: to.clone(), append: false }, &content, out);
            }
            None => self.missing(b"cp", from, output),
        }
    }

    fn remove(&mut self, words: &[Vec<u8>], out: &mut Output) {
        for path in words {
            let path = self.absolute(path);
            if let Some(place) = self.file(&path) {
                tell(self.files.remove(place), out);
            }
        }
    }

    fn dd(&mut self, words: &[Vec<u8>], output: &mut Vec<u8>) {
        let option = |name: &[u8]| words.iter().find_map(|word| word.strip_prefix(name));
        let number = |name: &[u8], default: usize| {
            let text = option(name).and_then(|text| std::str::from_utf8(text).ok());
            text.and_then(|text| text.parse().ok()).unwrap_or(default)
        };
        let Some(path) = option(b"if=") else { return };
        let Some(content) = self.content(path) else { return self.missing(b"dd", path, output) };
        let (size, count) = (number(b"bs=", 512), number(b"count=", usize::MAX));
        let taken = content.len().min(size.saturating_mul(count));
        output.extend_from_slice(&content[..taken]);
        let blocks = taken / size.max(1);
        let part = usize::from(taken % size.max(1) != 0);
        output.extend_from_slice(
            format!("{blocks}+{part} records in\n{blocks}+{part} records out\n").as_bytes(),
        );
    }
}

/// A file that the visitor made; an empty one is nothing.
fn tell(file: File, out: &mut Output) {
    let mut payload = file.capture.finish(PayloadOrigin::Redirect);
    if payload.size.unwrap_or(0) > 0 {
        payload.name = Some(HostileText::from_bytes(&file.path));
        out.tell(Detail::Payload(Box::new(payload)));
    }
}
