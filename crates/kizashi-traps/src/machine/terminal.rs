//! A pseudo-terminal as the kernel has it: its number, its size and the settings that `stty` shows and changes (termios(3)). The client
//! chooses size and modes when it asks for one (RFC 4254, section 8), programs change them later; what follows from them for keys and
//! output is told to the trap as a [`Discipline`], for the line itself is edited there.

use crate::terminal::{Discipline, Size};

/// Which word of the settings a flag stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Control,
    Input,
    Output,
    Local,
}

/// What `stty sane` does with a flag, and so which ones `stty` alone shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sane {
    Set,
    Clear,
    /// It leaves it, and `stty` alone does not show it.
    Free,
}

/// A flag of the settings.
pub(crate) struct Flag {
    pub(crate) name: &'static str,
    pub(crate) group: Group,
    pub(crate) bit: u32,
    pub(crate) sane: Sane,
    /// Its number in a request for a terminal (RFC 4254, section 8); 0 where it has none.
    mode: u8,
}

const fn flag(name: &'static str, group: Group, bit: u32, sane: Sane, mode: u8) -> Flag {
    Flag { name, group, bit, sane, mode }
}

/// In the order of `stty -a` (coreutils), with Linux's bits (`asm-generic/termbits.h`).
pub(crate) const FLAGS: [Flag; 49] = {
    use Group::{Control, Input, Local, Output};
    use Sane::{Clear, Free, Set};
    [
        flag("parenb", Control, 0o400, Free, 92),
        flag("parodd", Control, 0o1000, Free, 93),
        flag("cmspar", Control, 0o10_000_000_000, Free, 0),
        flag("hupcl", Control, 0o2000, Free, 0),
        flag("cstopb", Control, 0o100, Free, 0),
        flag("cread", Control, 0o200, Set, 0),
        flag("clocal", Control, 0o4000, Free, 0),
        flag("crtscts", Control, 0o20_000_000_000, Free, 0),
        flag("ignbrk", Input, 0o1, Clear, 0),
        flag("brkint", Input, 0o2, Set, 0),
        flag("ignpar", Input, 0o4, Free, 30),
        flag("parmrk", Input, 0o10, Free, 31),
        flag("inpck", Input, 0o20, Free, 32),
        flag("istrip", Input, 0o40, Free, 33),
        flag("inlcr", Input, 0o100, Clear, 34),
        flag("igncr", Input, 0o200, Clear, 35),
        flag("icrnl", Input, 0o400, Set, 36),
        flag("ixon", Input, 0o2000, Free, 38),
        flag("ixoff", Input, 0o10_000, Clear, 40),
        flag("iuclc", Input, 0o1000, Clear, 37),
        flag("ixany", Input, 0o4000, Clear, 39),
        flag("imaxbel", Input, 0o20_000, Set, 41),
        flag("iutf8", Input, 0o40_000, Clear, 42),
        flag("opost", Output, 0o1, Set, 70),
        flag("olcuc", Output, 0o2, Clear, 71),
        flag("ocrnl", Output, 0o10, Clear, 73),
        flag("onlcr", Output, 0o4, Set, 72),
        flag("onocr", Output, 0o20, Clear, 74),
        flag("onlret", Output, 0o40, Clear, 75),
        flag("ofill", Output, 0o100, Clear, 0),
        flag("ofdel", Output, 0o200, Clear, 0),
        flag("isig", Local, 0o1, Set, 50),
        flag("icanon", Local, 0o2, Set, 51),
        flag("iexten", Local, 0o100_000, Set, 59),
        flag("echo", Local, 0o10, Set, 53),
        flag("echoe", Local, 0o20, Set, 54),
        flag("echok", Local, 0o40, Set, 55),
        flag("echonl", Local, 0o100, Clear, 56),
        flag("noflsh", Local, 0o200, Clear, 57),
        flag("xcase", Local, 0o4, Clear, 52),
        flag("tostop", Local, 0o400, Clear, 58),
        flag("echoprt", Local, 0o2000, Clear, 0),
        flag("echoctl", Local, 0o1000, Set, 60),
        flag("echoke", Local, 0o4000, Set, 61),
        flag("flusho", Local, 0o10_000, Clear, 0),
        flag("extproc", Local, 0o200_000, Clear, 0),
        // Other names of `stty`'s, which it does not show.
        flag("crterase", Local, 0o20, Free, 0),
        flag("ctlecho", Local, 0o1000, Free, 0),
        flag("crtkill", Local, 0o4000, Free, 0),
    ]
};
/// How many of them are shown.
pub(crate) const SHOWN: usize = FLAGS.len() - 3;

/// A special character: its name, its place among the settings' characters, its usual value, and its number in a request for a terminal.
pub(crate) const CHARACTERS: [(&str, usize, u8, u8); 15] = [
    ("intr", 0, 3, 1),
    ("quit", 1, 28, 2),
    ("erase", 2, 127, 3),
    ("kill", 3, 21, 4),
    ("eof", 4, 4, 5),
    ("eol", 11, 0, 6),
    ("eol2", 16, 0, 7),
    ("swtch", 7, 0, 16),
    ("start", 8, 17, 8),
    ("stop", 9, 19, 9),
    ("susp", 10, 26, 10),
    ("rprnt", 12, 18, 12),
    ("werase", 14, 23, 13),
    ("lnext", 15, 22, 14),
    ("discard", 13, 15, 18),
];
/// The places of `time` and `min`.
pub(crate) const TIME: usize = 5;
pub(crate) const MIN: usize = 6;

/// A terminal that a visitor asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TerminalRequest {
    /// `TERM`.
    pub kind: Vec<u8>,
    /// Characters in a line.
    pub columns: u16,
    /// Lines.
    pub rows: u16,
    /// Modes by their numbers (RFC 4254, section 8).
    pub modes: Vec<(u8, u32)>,
}

impl Default for TerminalRequest {
    fn default() -> Self {
        Self { kind: b"xterm".to_vec(), columns: 80, rows: 24, modes: Vec::new() }
    }
}

/// A pseudo-terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terminal {
    /// `N` of `/dev/pts/N`.
    pub(crate) number: u32,
    pub(crate) size: Size,
    words: [u32; 4],
    pub(crate) characters: [u8; 17],
}

impl Terminal {
    /// As the kernel makes one, then as the visitor wants it.
    pub(crate) fn new(number: u32, wanted: &TerminalRequest) -> Self {
        let mut terminal = Self {
            number,
            size: Size { columns: wanted.columns, rows: wanted.rows },
            words: [0xbf, 0x500, 0x5, 0x8a3b],
            characters: [0; 17],
        };
        terminal.characters[MIN] = 1;
        for (_, place, usual, _) in CHARACTERS {
            terminal.characters[place] = usual;
        }
        for (mode, value) in &wanted.modes {
            if let Some(flag) = FLAGS.iter().find(|flag| flag.mode == *mode && *mode != 0) {
                terminal.set(flag, *value != 0);
            }
            if let Some((_, place, ..)) = CHARACTERS.iter().find(|known| known.3 == *mode)
                && let Some(character) = terminal.characters.get_mut(*place)
            {
                // 255 means that there is none.
                *character = u8::try_from(*value).ok().filter(|byte| *byte != 255).unwrap_or(0);
            }
        }
        terminal
    }

    pub(crate) const fn word(&self, group: Group) -> u32 {
        self.words[group as usize]
    }

    pub(crate) const fn put_word(&mut self, group: Group, word: u32) {
        self.words[group as usize] = word;
    }

    pub(crate) const fn has(&self, flag: &Flag) -> bool {
        self.word(flag.group) & flag.bit != 0
    }

    pub(crate) const fn set(&mut self, flag: &Flag, on: bool) {
        let word = self.word(flag.group);
        self.put_word(flag.group, if on { word | flag.bit } else { word & !flag.bit });
    }

    fn is_on(&self, name: &str) -> bool {
        FLAGS.iter().any(|flag| flag.name == name && self.has(flag))
    }

    /// `/dev/pts/N`.
    pub(crate) fn path(&self) -> String {
        format!("/dev/pts/{}", self.number)
    }

    /// What follows for keys and output, while a program runs.
    pub(crate) fn discipline(&self) -> Discipline {
        Discipline {
            prompting: false,
            edits: None,
            canonical: self.is_on("icanon"),
            echoes: self.is_on("echo"),
            echoes_newline: self.is_on("echo") || self.is_on("icanon") && self.is_on("echonl"),
            signals: self.is_on("isig"),
            maps_return: self.is_on("icrnl"),
            adds_return: self.is_on("opost") && self.is_on("onlcr"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_asks_for_is_what_the_terminal_does() {
        let mut wanted = TerminalRequest { columns: 132, rows: 43, ..TerminalRequest::default() };
        assert_eq!(Terminal::new(0, &wanted).discipline(), Discipline::default());
        wanted.modes = vec![(53, 0), (51, 0), (1, 24), (42, 1), (200, 9)];
        let terminal = Terminal::new(3, &wanted);
        assert_eq!((terminal.path(), terminal.characters[0]), ("/dev/pts/3".to_owned(), 24));
        let discipline = terminal.discipline();
        assert!(!discipline.canonical && !discipline.echoes && discipline.signals);
        assert!(terminal.is_on("iutf8"));
    }
}
