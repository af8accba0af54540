//! Behind the password: both sides agree on a share, then a picture is shown that stands still, and what is typed at it and pointed to is told. At a
//! logon screen it is what somebody would log on with; on a desktop, whatever he wants to run.

use kizashi_event::{Detail, HostileText};

use super::input::Keyboard;
use super::screen::{self, Scene, Screen};
use super::share;
use super::wire::USER;
use crate::{Identity, Output};

/// Pictures that one connection is sent, and lines of his that are told.
const MOST_PICTURES: u32 = 3;
const MOST_LINES: u32 = 64;

/// One visitor's screen.
pub(super) struct Desktop {
    scene: Scene,
    size: (u16, u16),
    keyboard: Keyboard,
    pictures: u32,
    lines: u32,
}

/// What is sent, and whether the connection ends after it.
#[derive(Default)]
pub(super) struct Said {
    pub(super) messages: Vec<Vec<u8>>,
    pub(super) over: bool,
}

impl Said {
    const fn of(messages: Vec<Vec<u8>>) -> Self {
        Self { messages, over: false }
    }
}

impl Desktop {
    /// The screen that a client of this size gets, and what is sent first.
    pub(super) fn open(scene: Scene, wanted: (u16, u16)) -> (Self, Vec<u8>) {
        let size = screen::size(wanted);
        let keyboard = Keyboard::default();
        (Self { scene, size, keyboard, pictures: 0, lines: 0 }, share::demand_active(size))
    }

    /// A PDU of the share's.
    pub(super) fn receive(
        &mut self,
        content: &[u8],
        identity: &Identity,
        out: &mut Output,
    ) -> Option<Said> {
        let (kind, data, content) = share::read(content)?;
        if kind == share::CONFIRM_ACTIVE {
            return Some(Said::default());
        }
        if kind != share::DATA {
            return None;
        }
        Some(match data {
            share::SYNCHRONIZE => Said::of(vec![share::synchronize(USER)]),
            share::CONTROL => {
                let asked = content.first_chunk().map_or(0, |two| u16::from_le_bytes(*two));
                match asked {
                    1 | 4 => Said::of(vec![share::controls(asked, USER)]),
                    _ => Said::default(),
                }
            }
            share::FONT_LIST => {
                let mut messages = vec![share::font_map()];
                if self.scene == Scene::Desktop && self.pictures == 0 {
                    messages.push(share::logged_on());
                }
                messages.extend(self.picture(identity));
                Said::of(messages)
            }
            share::REFRESH => Said::of(self.picture(identity)),
            share::INPUT => {
                let lines = self.keyboard.slow(content);
                self.tell(lines, out);
                Said::default()
            }
            share::SHUTDOWN => Said { messages: Vec::new(), over: true },
            _ => Said::default(),
        })
    }

    /// Input of the fast path: how many events, and they.
    pub(super) fn fast(&mut self, count: usize, content: &[u8], out: &mut Output) {
        let lines = self.keyboard.fast(count, content);
        self.tell(lines, out);
    }

    fn picture(&mut self, identity: &Identity) -> Vec<Vec<u8>> {
        if self.pictures >= MOST_PICTURES {
            return Vec::new();
        }
        self.pictures += 1;
        Screen::of(identity, self.scene, self.size).updates()
    }

    fn tell(&mut self, lines: Vec<String>, out: &mut Output) {
        for line in lines.into_iter().filter(|line| !line.is_empty()) {
            if self.lines >= MOST_LINES {
                return;
            }
            self.lines += 1;
            let line = HostileText::from(line);
            out.tell(match self.scene {
                Scene::Desktop => Detail::Command { line, known: None },
                _ => Detail::Note { name: "rdp typed".into(), value: line },
            });
        }
    }

    /// Nothing more comes.
    pub(super) fn end(&mut self, out: &mut Output) {
        let rest = self.keyboard.rest();
        self.tell(rest.into_iter().collect(), out);
        if let Some(pointed) = self.keyboard.pointed() {
            let value = HostileText::from(pointed);
            out.tell(Detail::Note { name: "rdp pointer".into(), value });
        }
    }

    pub(super) fn memory(&self) -> usize {
        self.keyboard.memory()
    }
}
