//! `less` and `more` on a terminal: pages forwards and backwards, a search, and the ways out; what the screen gets is what less 590 and
//! util-linux 2.38 send to an `xterm`. Keys that are not among them ring the bell, as an unknown key does.

use super::super::{Flow, Shell, Unwind};
use crate::machine::commands::Page;
use crate::machine::console::Wait;

/// Bytes of what is looked for.
const PATTERN: usize = 256;

impl Shell {
    pub(super) async fn page(&mut self, page: Page) -> Flow {
        {
            let mut console = self.console.lock();
            console.unbuffered = true;
            console.hidden = true;
        }
        let flow = if page.less { self.less(&page).await } else { self.more(&page).await };
        let mut console = self.console.lock();
        (console.unbuffered, console.hidden) = (false, false);
        drop(console);
        flow.map(|()| page.status)
    }

    /// One key, of the terminal whatever standard input is; `None` when nobody types any more.
    async fn paging_key(&mut self) -> Result<Option<u8>, Unwind> {
        loop {
            let key = |console: &mut crate::machine::console::Console| {
                (!console.input.is_empty()).then(|| vec![console.input.remove(0)])
            };
            if let Some(read) = self.try_console(key)? {
                // Each key is a new reason to compute.
                self.console.lock().refill();
                return Ok(read.and_then(|key| key.first().copied()));
            }
            self.console.suspend(Wait::Input).await;
        }
    }

    async fn less(&mut self, page: &Page) -> Result<(), Unwind> {
        self.say(b"\x1b[?1049h\x1b[22;0;0t\x1b[?1h\x1b=\r")?;
        let height = page.rows.saturating_sub(1).max(1);
        let mut top = 0;
        let mut pattern = Vec::new();
        let mut first = true;
        self.rows(page, 0, height)?;
        loop {
            let bottom = (top + height).min(page.lines.len());
            let end = bottom >= page.lines.len();
            self.say(&less_prompt(page, first, end))?;
            first = false;
            let Some(key) = self.less_key().await? else { break };
            if matches!(key, b'q' | b'Q') {
                break;
            }
            self.say(b"\r\x1b[K")?;
            let count = page.lines.len();
            let last = count.saturating_sub(height);
            match key {
                b' ' | b'f' | 6 | 22 if !end => {
                    let next = (top + height).min(last.max(top));
                    self.rows(page, bottom, next + height)?;
                    top = next;
                }
                b'\n' | b'\r' | b'j' | b'e' | 5 | 14 if !end => {
                    self.rows(page, bottom, bottom + 1)?;
                    top += 1;
                }
                b'd' | 4 if !end => {
                    let next = (top + height / 2).min(last);
                    self.rows(page, bottom, next + height)?;
                    top = next;
                }
                b'b' | 2 if top > 0 => top = self.back(page, top, height)?,
                b'u' | 21 if top > 0 => top = self.back(page, top, height / 2)?,
                b'y' | b'k' | 25 | 16 if top > 0 => top = self.back(page, top, 1)?,
                b'g' | b'<' if top > 0 => top = self.back(page, top, top)?,
                b'G' | b'>' if !end => {
                    self.say(b"...skipping...\n")?;
                    top = last;
                    self.rows(page, top, count)?;
                }
                b'/' => {
                    pattern = self.wanted_text().await?;
                    top = self.found(page, top, &pattern, height)?;
                }
                b'n' if !pattern.is_empty() => top = self.found(page, top, &pattern, height)?,
                _ => self.say(b"\x07")?,
            }
        }
        self.say(b"\r\x1b[K\x1b[?1l\x1b>\x1b[?1049l\x1b[23;0;0t")
    }

    /// A key of `less`'s, with arrows and their kin as the letters that they stand for.
    async fn less_key(&mut self) -> Result<Option<u8>, Unwind> {
        let Some(key) = self.paging_key().await? else { return Ok(None) };
        if key == b':' {
            // `:q`.
            return self.paging_key().await;
        }
        if key != 27 {
            return Ok(Some(key));
        }
        if !matches!(self.paging_key().await?, Some(b'[' | b'O')) {
            return Ok(Some(0));
        }
        let mut last = 0;
        for _ in 0..8 {
            match self.paging_key().await? {
                Some(digit @ (b'0'..=b'9' | b';')) => last = digit,
                Some(b'A') => return Ok(Some(b'k')),
                Some(b'B') => return Ok(Some(b'j')),
                Some(b'H') => return Ok(Some(b'g')),
                Some(b'F') => return Ok(Some(b'G')),
                Some(b'~') if last == b'5' => return Ok(Some(b'b')),
                Some(b'~') if last == b'6' => return Ok(Some(b' ')),
                _ => break,
            }
        }
        Ok(Some(0))
    }

    fn rows(&self, page: &Page, from: usize, to: usize) -> Result<(), Unwind> {
        for line in page.lines.iter().take(to).skip(from) {
            self.say(&[&line[..], b"\n"].concat())?;
        }
        Ok(())
    }

    /// Earlier rows, each put in above the first.
    fn back(&self, page: &Page, top: usize, count: usize) -> Result<usize, Unwind> {
        let next = top.saturating_sub(count.max(1));
        for line in page.lines[next..top].iter().rev() {
            self.say(&[b"\x1b[H\x1bM", &line[..], b"\n"].concat())?;
        }
        self.say(format!("\x1b[{};1H\r\x1b[K", page.rows).as_bytes())?;
        Ok(next)
    }

    async fn wanted_text(&mut self) -> Result<Vec<u8>, Unwind> {
        self.say(b"/\x1b[K")?;
        let mut pattern = Vec::new();
        loop {
            match self.paging_key().await? {
                None | Some(b'\n' | b'\r') => break,
                Some(8 | 127) => {
                    if pattern.pop().is_none() {
                        break;
                    }
                    self.say(b"\x08 \x08")?;
                }
                Some(byte) if byte >= 32 && pattern.len() < PATTERN => {
                    pattern.push(byte);
                    self.say(&[byte])?;
                }
                Some(_) => {}
            }
        }
        self.say(b"\r\x1b[K")?;
        Ok(pattern)
    }

    /// Goes to the next row below the first that holds the text.
    fn found(
        &self,
        page: &Page,
        top: usize,
        pattern: &[u8],
        height: usize,
    ) -> Result<usize, Unwind> {
        if pattern.is_empty() {
            return Ok(top);
        }
        let holds = |line: &Vec<u8>| line.windows(pattern.len()).any(|part| part == pattern);
        let Some(place) = page.lines.iter().skip(top + 1).position(holds) else {
            self.say(b"\x1b[7mPattern not found  (press RETURN)\x1b[27m\r\x1b[K")?;
            return Ok(top);
        };
        let next = (top + 1 + place).min(page.lines.len().saturating_sub(1));
        self.say(b"...skipping...\n")?;
        self.rows(page, next, next + height)?;
        Ok(next)
    }

    async fn more(&mut self, page: &Page) -> Result<(), Unwind> {
        let height = page.rows.saturating_sub(1).max(1);
        let mut at = height.min(page.lines.len());
        self.rows(page, 0, at)?;
        while at < page.lines.len() {
            self.say(&more_prompt(page, at))?;
            let Some(key) = self.paging_key().await? else { break };
            let count = match key {
                b' ' | b'f' | 6 => height,
                b'\n' | b'\r' | b's' => 1,
                b'd' | 4 => height.div_ceil(2),
                b'q' | b'Q' => break,
                _ => {
                    self.say(b"\r\x07")?;
                    continue;
                }
            };
            // The first row is written over what was asked.
            let next = (at + count).min(page.lines.len());
            for (place, line) in page.lines[at..next].iter().enumerate() {
                let (before, after): (&[u8], &[u8]) =
                    if place == 0 { (b"\r", b"\x1b[K") } else { (b"", b"") };
                self.say(&[before, line, after, b"\n"].concat())?;
            }
            at = next;
        }
        if at < page.lines.len() { self.say(b"\r\x1b[K") } else { Ok(()) }
    }
}

/// What `less` shows below a page.
fn less_prompt(page: &Page, first: bool, end: bool) -> Vec<u8> {
    let name: &[u8] = if first { &page.name } else { b"" };
    match (name.is_empty(), end) {
        (true, false) => b":\x1b[K".to_vec(),
        (true, true) => b"\x1b[7m(END)\x1b[27m\x1b[K".to_vec(),
        (false, false) => [b"\x1b[7m", name, b"\x1b[27m\x1b[K"].concat(),
        (false, true) => [b"\x1b[7m", name, b" (END)\x1b[27m\x1b[K"].concat(),
    }
}

/// What `more` asks: of a file with how much of it was shown.
fn more_prompt(page: &Page, at: usize) -> Vec<u8> {
    if page.name.is_empty() {
        return b"\x1b[7m--More--\x1b[27m".to_vec();
    }
    let bytes = |lines: &[Vec<u8>]| lines.iter().map(|line| line.len() + 1).sum::<usize>();
    let share = bytes(&page.lines[..at]) * 100 / bytes(&page.lines).max(1);
    format!("\x1b[7m--More--({share}%)\x1b[27m").into_bytes()
}
