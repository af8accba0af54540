//! The least shell on which loaders go on, until the machine room stands behind the logins: lists (`;`, `&&`, `||`), quotes,
//! redirections of `echo` and `cat`, and the BusyBox applets that loaders ask for. Pure and without loops, so a line costs
//! at most what it is long; files written are kept in memory under a bound and told, whole, by their hash.

use std::time::Duration;

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp};

use super::applets;
use super::persona::{Persona, TelnetFace};
use super::words::{self, Join, Simple, Target};
use crate::capture::Capture;
use crate::terminal::{Login, Printed, Program, Progress};

/// Files that one visitor may write.
const FILES: usize = 32;
/// Bytes of all his files that are kept.
const KEPT: usize = 160 * 1024;
/// Bytes that one line may answer.
const ANSWER: usize = 48 * 1024;
/// Bytes of one line and of what was given and not run yet.
const INPUT: usize = 16 * 1024;

pub(super) struct Shell {
    face: TelnetFace,
    /// Shown before each line; nothing without a terminal.
    prompt: Vec<u8>,
    welcome: String,
    /// What `uname -a` says of the server itself.
    system: String,
    command: Option<Vec<u8>>,
    input: Vec<u8>,
    ended: bool,
    interrupted: bool,
    /// Whether it waits for a line, the prompt shown.
    waits: bool,
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

impl Program for Shell {
    fn give(&mut self, bytes: &[u8]) {
        let room = INPUT.saturating_sub(self.input.len());
        self.input.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end_of_input(&mut self) {
        self.ended = true;
    }

    fn interrupt(&mut self) {
        self.interrupted = true;
    }

    fn run(&mut self, _now: Timestamp, printed: &mut Printed) -> Progress {
        if let Some(command) = self.command.take() {
            self.line(&command, printed);
            return Progress::Ended(self.status);
        }
        printed.out.extend(std::mem::take(&mut self.welcome).into_bytes());
        if std::mem::take(&mut self.interrupted) {
            printed.out.push(b'\n');
            self.waits = false;
        }
        loop {
            if !std::mem::replace(&mut self.waits, true) {
                printed.out.extend_from_slice(&self.prompt);
            }
            let Some(line) = self.next_line() else { break };
            if !self.line(&line, printed) {
                return Progress::Ended(self.status);
            }
            self.waits = false;
            if printed.out.len() >= ANSWER {
                return Progress::Again(Duration::ZERO);
            }
        }
        if self.ended { Progress::Ended(self.status) } else { Progress::Waits }
    }

    fn leave(&mut self, unfinished: &[u8], _now: Timestamp, told: &mut Vec<Detail>) {
        if !unfinished.is_empty() {
            let line = HostileText::from_bytes(unfinished);
            told.push(Detail::Command { line, known: Some(false) });
        }
        for file in std::mem::take(&mut self.files) {
            tell(file, told);
        }
    }

    fn memory(&self) -> usize {
        let files = self.files.iter().map(|file| file.path.len() + file.capture.content().len());
        files.sum::<usize>() + self.folder.len() + self.prompt.len() + self.input.len()
    }
}

impl Shell {
    pub(super) fn new(login: &Login<'_>) -> Self {
        let persona = Persona::of_face(login.identity, login.face);
        let on_terminal = login.terminal.is_some();
        Self {
            face: login.face,
            prompt: if on_terminal { persona.shell_prompt(login.user) } else { Vec::new() },
            welcome: if on_terminal && login.command.is_none() {
                persona.welcome().replace('\r', "")
            } else {
                String::new()
            },
            system: persona.system(),
            command: login.command.map(<[u8]>::to_vec),
            input: Vec::new(),
            ended: false,
            interrupted: false,
            waits: false,
            depth: 0,
            folder: b"/".to_vec(),
            files: Vec::new(),
            status: 0,
        }
    }

    /// Runs a line; whether the shell goes on after it.
    fn line(&mut self, line: &[u8], printed: &mut Printed) -> bool {
        let told = &mut printed.told;
        let mut answer = Vec::new();
        let mut goes_on = true;
        if !line.trim_ascii().is_empty() {
            let list = words::parse(line);
            let known = list.iter().all(|simple| self.knows(simple));
            told.push(Detail::Command { line: HostileText::from_bytes(line), known: Some(known) });
            for simple in &list {
                let skipped = match simple.join {
                    Join::Always => false,
                    Join::And => self.status != 0,
                    Join::Or => self.status == 0,
                };
                if !skipped && goes_on {
                    goes_on = self.simple(simple, &mut answer, told);
                }
                answer.truncate(ANSWER);
            }
        }
        printed.out.extend(answer);
        goes_on
    }

    /// The next whole line of the input, without its end.
    fn next_line(&mut self) -> Option<Vec<u8>> {
        let end = self.input.iter().position(|byte| *byte == b'\n');
        let Some(end) = end else {
            let last = self.ended && !self.input.is_empty();
            return last.then(|| std::mem::take(&mut self.input));
        };
        let mut line: Vec<u8> = self.input.drain(..=end).collect();
        line.pop();
        Some(line)
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

    fn simple(&mut self, simple: &Simple, answer: &mut Vec<u8>, told: &mut Vec<Detail>) -> bool {
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
            goes_on = self.command(&name, &words[1..], &mut output, told);
        } else if simple.words.is_empty() {
            self.status = 0;
        }
        match &simple.target {
            Some(target) => self.redirect(target, &output, told),
            None => answer.extend(output),
        }
        goes_on
    }

    fn command(
        &mut self,
        name: &[u8],
        words: &[Vec<u8>],
        output: &mut Vec<u8>,
        told: &mut Vec<Detail>,
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
            b"cp" => self.copy(words, output, told),
            b"rm" => self.remove(words, told),
            b"dd" => self.dd(words, output),
            b"pwd" => {
                output.extend_from_slice(&self.folder);
                output.push(b'\n');
            }
            b"uname" if !self.face.is_busybox() && words == [b"-a"] => {
                output.extend_from_slice(self.system.as_bytes());
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

    fn redirect(&mut self, target: &Target, content: &[u8], told: &mut Vec<Detail>) {
        let path = self.absolute(&target.path);
        if path == b"/dev/null" || path.len() > 1024 {
            return;
        }
        let place = self.file(&path);
        if let Some(place) = place.filter(|_| !target.append) {
            tell(self.files.remove(place), told);
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

    fn copy(&mut self, words: &[Vec<u8>], output: &mut Vec<u8>, told: &mut Vec<Detail>) {
        let [from, to] = words else { return };
        match self.content(from) {
            // A copy of the machine's own file is no payload: the file begins empty of the visitor's bytes.
            Some(_) if self.file(&self.absolute(from)).is_none() => {
                self.redirect(&Target { path: to.clone(), append: false }, b"", told);
            }
            Some(content) => {
                self.redirect(&Target { path: to.clone(), append: false }, &content, told);
            }
            None => self.missing(b"cp", from, output),
        }
    }

    fn remove(&mut self, words: &[Vec<u8>], told: &mut Vec<Detail>) {
        for path in words {
            let path = self.absolute(path);
            if let Some(place) = self.file(&path) {
                tell(self.files.remove(place), told);
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
fn tell(file: File, told: &mut Vec<Detail>) {
    let mut payload = file.capture.finish(PayloadOrigin::Redirect);
    if payload.size.unwrap_or(0) > 0 {
        payload.name = Some(HostileText::from_bytes(&file.path));
        told.push(Detail::Payload(Box::new(payload)));
    }
}
