//! `read` and `mapfile`.

use super::super::variables::Content;
use super::super::{Flow, Kind, Shell, Unwind, is_name};

/// What `read` was asked for.
#[derive(Default)]
struct Asked {
    raw: bool,
    silent: bool,
    prompt: Vec<u8>,
    end: Option<u8>,
    count: Option<usize>,
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
        let line = self.logical_line(&asked, end).await;
        if typed {
            let mut console = self.console.lock();
            (console.hidden, console.unbuffered) = (false, false);
        }
        let (line, ended) = line?;
        self.store_fields(&asked, &line)?;
        Ok(u8::from(!ended))
    }

    /// The line without its end, and whether it had one.
    async fn logical_line(
        &mut self,
        asked: &Asked,
        end: u8,
    ) -> Result<(Vec<(u8, bool)>, bool), Unwind> {
        let mut line = Vec::new();
        loop {
            let most = asked.count.unwrap_or(usize::MAX).saturating_sub(line.len());
            let Some(piece) = self.read_some(asked.descriptor, end, most).await? else {
                return Ok((line, false));
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
                return Ok((line, ended || full));
            }
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
