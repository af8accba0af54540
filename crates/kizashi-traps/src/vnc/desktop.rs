//! The picture: the grey root window of a plain X server, a window manager's frames, and a terminal in which somebody worked last. It follows
//! from the installation and stays as it is.

use crate::Identity;
use crate::draw::Draw;

use crate::screen::{HEIGHT, WIDTH, has_point};

/// `tightvncserver`'s own default (`$geometry`).
pub(super) const SIZE: (u16, u16) = (1_024, 768);

pub(super) type Colour = [u8; 3];

const TITLE: usize = 20;
const BORDER: usize = 2;
const INK: Colour = [0, 0, 0];
const PAPER: Colour = [255, 255, 255];
/// `xsetroot -solid grey` stands in the package's startup file.
const ROOT: Colour = [0xbe, 0xbe, 0xbe];
const FRAME: Colour = [0x70, 0x80, 0x90];
const ACTIVE: Colour = [0x5f, 0x9e, 0xa0];

struct Window {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
    title: Vec<u8>,
    lines: Vec<Vec<u8>>,
    active: bool,
}

pub(super) struct Desktop {
    pub(super) name: String,
    windows: Vec<Window>,
}

impl Desktop {
    pub(super) fn of(identity: &Identity, display: u16) -> Self {
        let host = identity.host_name();
        let draw = Draw::new(identity.seed(), "vnc desktop");
        let name = format!("root's X desktop ({host}:{display})");
        let prompt = format!("root@{host}:~# ");
        let lines = [
            format!("{prompt}uname -n"),
            host.clone(),
            format!("{prompt}df -h /"),
            "Filesystem      Size  Used Avail Use% Mounted on".to_owned(),
            format!(
                "/dev/sda1        40G   {}G   {}G  {}% /",
                9 + draw.below(0, 5),
                22 + draw.below(1, 6),
                26 + draw.below(2, 9)
            ),
            format!("{prompt}systemctl status cron | head -3"),
            "* cron.service - Regular background program processing daemon".to_owned(),
            "     Loaded: loaded (/lib/systemd/system/cron.service; enabled)".to_owned(),
            "     Active: active (running)".to_owned(),
            prompt,
        ];
        let terminal = Window {
            left: 40 + usize::try_from(draw.below(3, 120)).unwrap_or(0),
            top: 40 + usize::try_from(draw.below(4, 90)).unwrap_or(0),
            width: 80 * WIDTH + 8,
            height: 24 * HEIGHT + 8,
            title: format!("{host} Desktop").into_bytes(),
            lines: lines.into_iter().map(String::into_bytes).collect(),
            active: true,
        };
        let clock = Window {
            left: 860,
            top: 20,
            width: 120,
            height: 60,
            title: b"load".to_vec(),
            lines: Vec::new(),
            active: false,
        };
        Self { name, windows: vec![terminal, clock] }
    }

    pub(super) fn colour(&self, x: usize, y: usize) -> Colour {
        for window in &self.windows {
            if let Some(colour) = window.colour(x, y) {
                return colour;
            }
        }
        ROOT
    }
}

impl Window {
    fn colour(&self, x: usize, y: usize) -> Option<Colour> {
        let (x, y) = (x.checked_sub(self.left)?, y.checked_sub(self.top)?);
        let (width, height) = (self.width + 2 * BORDER, self.height + TITLE + 2 * BORDER);
        if x >= width || y >= height {
            return None;
        }
        let edge = x < BORDER || y < BORDER || x >= width - BORDER || y >= height - BORDER;
        if edge {
            return Some(FRAME);
        }
        let (x, y) = (x - BORDER, y - BORDER);
        if y < TITLE {
            let bar = if self.active { ACTIVE } else { FRAME };
            let written =
                letter(std::slice::from_ref(&self.title), x.wrapping_sub(24), y.wrapping_sub(5));
            return Some(if written { PAPER } else { bar });
        }
        let y = y - TITLE;
        let written = letter(&self.lines, x.wrapping_sub(4), y.wrapping_sub(4));
        let cursor = self.lines.last().is_some_and(|line| {
            let (left, top) = (4 + line.len() * WIDTH, 4 + (self.lines.len() - 1) * HEIGHT);
            (left..left + WIDTH - 1).contains(&x) && (top..top + 8).contains(&y)
        });
        Some(if written || cursor { INK } else { PAPER })
    }
}

/// Whether a point of these lines' letters is there.
fn letter(lines: &[Vec<u8>], x: usize, y: usize) -> bool {
    let line = lines.get(y / HEIGHT);
    let letter = line.and_then(|line| line.get(x / WIDTH));
    letter.is_some_and(|letter| has_point(*letter, x % WIDTH, y % HEIGHT))
}
