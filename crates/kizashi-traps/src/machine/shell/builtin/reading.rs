//! `read` and `mapfile`.

use std::time::Duration;

use kizashi_event::Timestamp;

use super::super::variables::Content;
use super::super::{Flow, Handle, Kind, Shell, Unwind, is_name};
use crate::machine::console::Wait;

/// How often it is looked whether something was typed, where a time is set.
const LOOK: Duration = Duration::from_millis(100);

/// What ended a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Its own end, or as many bytes as were asked for.
    Found,
    OfInput,
    OfTime,
}

/// Seconds with a fraction.
fn duration(text: &[u8]) -> Option<Duration> {
    let seconds: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// What `read` was asked for.
#[derive(Default)]
struct Asked {
    raw: bool,
    silent: bool,
    prompt: Vec<u8>,
    end: Option<u8>,
    count: Option<usize>,
    /// How long to wait, as it was written.
    time: Option<Vec<u8>>,
    array: Option<Vec<u8>>,
    descriptor: u8,
    names: Vec<Vec<u8>>,
}

fn asked(words: &[Vec<u8>]) -> Asked {
    let mut asked = Asked::default();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let Some(letters) =
            word.strip_prefix(b"-").filter(|letters| !letters.is_empty() && asked.names.is_empty())
        else {
            asked.names.push(word.clone());
            continue;
        };
        for (place, letter) in letters.iter().enumerate() {
            asked.raw |= *letter == b'r';
            asked.silent |= *letter == b's';
            if !b"pdnNtaiu".contains(letter) {
                continue;
            }
            let inner = letters[place + 1..].to_vec();
            let value =
                if inner.is_empty() { rest.next().cloned().unwrap_or_default() } else { inner };
            let number =
                std::str::from_utf8(&value).ok().and_then(|text| text.parse::<usize>().ok());
            match letter {
                b'p' => asked.prompt = value,
                b'd' => asked.end = Some(value.first().copied().unwrap_or(0)),
                b'n' | b'N' => asked.count = number,
                b't' => asked.time = Some(value),
                b'a' => asked.array = Some(value),
                b'u' => {
                    asked.descriptor =
                        number.and_then(|number| u8::try_from(number).ok()).unwrap_or(0);
                }
                _ => {}
            }
            break;
        }
    }
    asked
}

impl Shell {
    pub(super) async fn read(&mut self, words: &[Vec<u8>]) -> Flow {
        let mut asked = asked(words);
        if let Some(bad) = asked.names.iter().find(|name| !is_name(name)) {
            match self.kind {
                Kind::Bash => {
                    self.complain(&[b"read: `", &bad[..], b"': not a valid identifier"].concat());
                }
                _ => self.complain(&[b"read: ", &bad[..], b": bad variable name"].concat()),
            }
            return Ok(if self.kind == Kind::Dash { 2 } else { 1 });
        }
        if asked.names.is_empty() && asked.array.is_none() {
            if self.kind == Kind::Dash {
                self.complain(b"read: arg count");
                return Ok(2);
            }
            asked.names.push(b"REPLY".to_vec());
        }
        let time = match asked.time.as_deref().map(duration) {
            Some(None) => {
                let shown = asked.time.unwrap_or_default();
                self.complain(
                    &[b"read: ", &shown[..], b": invalid timeout specification"].concat(),
                );
                return Ok(1);
            }
            Some(Some(Duration::ZERO)) => return Ok(u8::from(!self.has_input(asked.descriptor))),
            Some(time) => time,
            None => None,
        };
        if self.is_terminal(asked.descriptor) {
            self.write(2, &asked.prompt)?;
        }
        let end = asked.end.unwrap_or(b'\n');
        let typed = self.is_terminal(asked.descriptor);
        if typed {
            let mut console = self.console.lock();
            console.hidden = asked.silent;
            console.unbuffered = asked.count.is_some() || asked.end.is_some();
        }
        let line = self.logical_line(&asked, end, time).await;
        if typed {
            let mut console = self.console.lock();
            (console.hidden, console.unbuffered) = (false, false);
        }
        let (line, end) = line?;
        self.store_fields(&asked, &line)?;
        Ok(match end {
            End::Found => 0,
            End::OfInput => 1,
            // As if SIGALRM had killed it; BusyBox says that it failed.
            End::OfTime => {
                if self.is_bash() {
                    142
                } else {
                    1
                }
            }
        })
    }

    /// Whether there is something to be read at once, or its end.
    fn has_input(&self, descriptor: u8) -> bool {
        match self.descriptors.get(descriptor) {
            Some(Handle::Console { .. }) => {
                let console = self.console.lock();
                console.ended || !console.input.is_empty()
            }
            Some(_) => true,
            None => false,
        }
    }

    /// The line without its end, and what ended it.
    async fn logical_line(
        &mut self,
        asked: &Asked,
        end: u8,
        time: Option<Duration>,
    ) -> Result<(Vec<(u8, bool)>, End), Unwind> {
        let until = time.map(|time| {
            let time = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
            self.with(|kernel| kernel.now()).plus(time)
        });
        let mut line = Vec::new();
        loop {
            let most = asked.count.unwrap_or(usize::MAX).saturating_sub(line.len());
            if let Some(until) = until
                && !self.wait_for_input(asked.descriptor, end, most, until).await?
            {
                return Ok((line, End::OfTime));
            }
            let Some(piece) = self.read_some(asked.descriptor, end, most).await? else {
                return Ok((line, End::OfInput));
            };
            let full = asked.count.is_some() && piece.len() >= most;
            let ended = piece.last() == Some(&end);
            let piece = if ended { &piece[..piece.len() - 1] } else { &piece[..] };
            let mut bytes = piece.iter().copied();
            let mut continued = false;
            while let Some(byte) = bytes.next() {
                // Shells keep no zero bytes in variables.
                match byte {
                    0 => {}
                    b'\\' if !asked.raw => match bytes.next() {
                        Some(next) => line.push((next, true)),
                        None => continued = true,
                    },
                    byte => line.push((byte, false)),
                }
            }
            if let Some(count) = asked.count {
                line.truncate(count);
            }
            if !continued || !ended {
                return Ok((line, if ended || full { End::Found } else { End::OfInput }));
            }
        }
    }

    /// Waits until something can be read from the console, which is looked at now and then; whether that came before the time was over.
    async fn wait_for_input(
        &mut self,
        descriptor: u8,
        end: u8,
        most: usize,
        until: Timestamp,
    ) -> Result<bool, Unwind> {
        if !matches!(self.descriptors.get(descriptor), Some(Handle::Console { .. })) {
            return Ok(true);
        }
        loop {
            let ready = {
                let console = self.console.lock();
                console.ended || console.has_some(end, most)
            };
            if ready {
                return Ok(true);
            }
            let left = until.micros() - self.with(|kernel| kernel.now()).micros();
            let Ok(left @ 1..) = u64::try_from(left) else { return Ok(false) };
            self.console.suspend(Wait::Pause(Duration::from_micros(left).min(LOOK))).await;
            self.spend(0).await?;
        }
    }

    fn store_fields(&mut self, asked: &Asked, line: &[(u8, bool)]) -> Result<(), Unwind> {
        let separators =
            self.variables.value(b"IFS").map_or_else(|| b" \t\n".to_vec(), <[u8]>::to_vec);
        let separates = |(byte, quoted): &(u8, bool)| !quoted && separators.contains(byte);
        let blank = |item: &(u8, bool)| separates(item) && item.0.is_ascii_whitespace();
        let text = |items: &[(u8, bool)]| items.iter().map(|(byte, _)| *byte).collect::<Vec<u8>>();
        let mut rest = line;
        let mut fields = Vec::new();
        let most = if asked.array.is_some() { usize::MAX } else { asked.names.len() };
        if asked.names.len() == 1 && asked.array.is_none() && asked.names[0] == b"REPLY" {
            return self.assign(b"REPLY", &text(line));
        }
        while let Some(start) = rest.iter().position(|item| !blank(item)) {
            rest = &rest[start..];
            if fields.len() + 1 == most {
                let end = rest.iter().rposition(|item| !blank(item)).map_or(0, |end| end + 1);
                fields.push(text(&rest[..end]));
                break;
            }
            let end = rest.iter().position(separates).unwrap_or(rest.len());
            fields.push(text(&rest[..end]));
            rest = &rest[end..];
            let blanks = rest.iter().position(|item| !blank(item)).unwrap_or(rest.len());
            rest = &rest[blanks..];
            if rest.first().is_some_and(|item| separates(item) && !blank(item)) {
                rest = &rest[1..];
            }
        }
        if let Some(array) = &asked.array {
            let members =
                fields.into_iter().enumerate().map(|(place, field)| (place as u64, field));
            return self
                .variables
                .put(array, Content::Many(members.collect()))
                .map_err(|_| Unwind::Killed);
        }
        for (place, name) in asked.names.iter().enumerate() {
            self.assign(name, fields.get(place).map_or(b"", Vec::as_slice))?;
        }
        Ok(())
    }

    pub(super) async fn map_file(&mut self, words: &[Vec<u8>]) -> Flow {
        let trims = words.iter().any(|word| word == b"-t");
        let name = words
            .iter()
            .rfind(|word| is_name(word))
            .cloned()
            .unwrap_or_else(|| b"MAPFILE".to_vec());
        let mut members = std::collections::BTreeMap::new();
        while let Some(mut line) = self.read_line(0, b'\n').await? {
            self.step().await?;
            if trims && line.last() == Some(&b'\n') {
                line.pop();
            }
            members.insert(members.len() as u64, line);
        }
        self.variables.put(&name, Content::Many(members)).map_err(|_| Unwind::Killed)?;
        Ok(0)
    }
}
