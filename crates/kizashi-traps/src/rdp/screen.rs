//! The picture: a server's logon screen, or, for who is let in, a desktop on which nothing is open. Both are a few surfaces and letters of our own, in
//! the colours that each release has, and stand still.

use super::bitmap::{SIDE, rectangle};
use super::share;
use crate::Identity;
use crate::screen::{HEIGHT, WIDTH, has_point};
use crate::windows::WindowsRelease;

/// Sizes that are drawn; what a client wants beyond is not his.
const SMALLEST: (u16, u16) = (640, 480);
const LARGEST: (u16, u16) = (1_280, 1_024);
/// Bytes of rectangles in one update: a message of T.125 has 16,383.
const LONGEST_UPDATE: usize = 8 * 1024;

type Colour = (u8, u8, u8);

/// What is on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scene {
    /// Who asks for nobody's desktop.
    Logon,
    /// The same after a password that was none.
    Refused,
    Desktop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Area {
    left: u16,
    top: u16,
    width: u16,
    height: u16,
}

enum Element {
    Surface(Colour),
    Letters { text: Vec<u8>, scale: u16, colour: Colour },
}

/// A screen of this size.
pub(super) struct Screen {
    width: u16,
    height: u16,
    back: u16,
    elements: Vec<(Area, Element)>,
}

/// The size in which a screen of this size is drawn.
pub(super) fn size((width, height): (u16, u16)) -> (u16, u16) {
    let width = width.clamp(SMALLEST.0, LARGEST.0);
    (width - width % 4, height.clamp(SMALLEST.1, LARGEST.1))
}

/// Five, six and five bits.
fn point((red, green, blue): Colour) -> u16 {
    (u16::from(red) >> 3) << 11 | (u16::from(green) >> 2) << 5 | u16::from(blue) >> 3
}

impl Area {
    /// Whether any of it lies in the other.
    const fn meets(&self, other: &Self) -> bool {
        self.left < other.left + other.width
            && other.left < self.left + self.width
            && self.top < other.top + other.height
            && other.top < self.top + self.height
    }

    const fn holds(&self, x: u16, y: u16) -> bool {
        x >= self.left && x < self.left + self.width && y >= self.top && y < self.top + self.height
    }
}

const WHITE: Colour = (255, 255, 255);

impl Screen {
    pub(super) fn of(identity: &Identity, scene: Scene, (width, height): (u16, u16)) -> Self {
        let windows = identity.windows();
        let back = match (windows.release, scene) {
            (WindowsRelease::Server2008R2, Scene::Desktop) => (0x1d, 0x5f, 0x9b),
            (WindowsRelease::Server2008R2, _) => (0x1d, 0x5f, 0x7a),
            (WindowsRelease::Server2012R2, _) => (0x18, 0x00, 0x52),
            (WindowsRelease::Server2016, Scene::Desktop) => (0x00, 0x4e, 0x8c),
            (WindowsRelease::Server2016, _) => (0x00, 0x4a, 0x7f),
        };
        let mut screen = Self { width, height, back: point(back), elements: Vec::new() };
        match scene {
            Scene::Desktop => screen.desktop(),
            _ => screen.logon(windows.release.product(), scene == Scene::Refused),
        }
        screen
    }

    fn surface(&mut self, area: (u16, u16, u16, u16), colour: Colour) {
        let (left, top, width, height) = area;
        self.elements.push((Area { left, top, width, height }, Element::Surface(colour)));
    }

    fn letters(&mut self, left: u16, top: u16, text: &str, scale: u16, colour: Colour) {
        let text = text.as_bytes().to_vec();
        let length = u16::try_from(text.len()).unwrap_or(0);
        let (wide, high) = (u16::try_from(WIDTH).unwrap_or(6), u16::try_from(HEIGHT).unwrap_or(9));
        let area = Area { left, top, width: length * wide * scale, height: high * scale };
        self.elements.push((area, Element::Letters { text, scale, colour }));
    }

    fn logon(&mut self, product: &str, refused: bool) {
        let (middle, half) = (self.width / 2, self.height / 2);
        let tile = (middle - 64, half - 160, 128, 128);
        self.surface((tile.0 - 2, tile.1 - 2, 132, 132), (0xd0, 0xe4, 0xf0));
        self.surface(tile, (0x6a, 0x9c, 0xb8));
        self.surface((middle - 22, half - 140, 44, 44), WHITE);
        self.surface((middle - 40, half - 84, 80, 52), WHITE);
        if refused {
            let text = "The user name or password is incorrect.";
            self.letters(middle - 234, half + 8, text, 2, WHITE);
            self.surface((middle - 40, half + 40, 80, 28), (0xd4, 0xd0, 0xc8));
            self.letters(middle - 12, half + 46, "OK", 2, (0, 0, 0));
        } else {
            for (row, text) in [(0, "User name"), (1, "Password")] {
                let top = half + row * 40;
                self.surface((middle - 121, top - 1, 242, 30), (0x50, 0x60, 0x70));
                self.surface((middle - 120, top, 240, 28), WHITE);
                self.letters(middle - 114, top + 6, text, 2, (0x80, 0x80, 0x80));
            }
            self.surface((middle + 130, half + 40, 28, 28), (0x3c, 0x7f, 0xb1));
            self.letters(middle + 138, half + 46, ">", 2, WHITE);
        }
        self.letters(24, self.height - 48, product, 2, WHITE);
    }

    fn desktop(&mut self) {
        let top = self.height - 40;
        self.surface((24, 20, 40, 44), (0xe8, 0xee, 0xf2));
        self.surface((29, 26, 30, 34), (0x9f, 0xb6, 0xc4));
        self.letters(14, 72, "Recycle Bin", 1, WHITE);
        self.surface((0, top, self.width, 40), (0x1a, 0x26, 0x33));
        self.surface((6, top + 6, 28, 28), (0x3c, 0x7f, 0xb1));
        self.surface((12, top + 12, 7, 7), (0xf0, 0x6a, 0x35));
        self.surface((21, top + 12, 7, 7), (0x8c, 0xc6, 0x3f));
        self.surface((12, top + 21, 7, 7), (0x2c, 0xa8, 0xe0));
        self.surface((21, top + 21, 7, 7), (0xfd, 0xc9, 0x2e));
        for place in 0..3 {
            self.surface((48 + place * 44, top + 7, 32, 26), (0x4a, 0x5c, 0x6d));
        }
    }

    fn point(&self, elements: &[&(Area, Element)], x: u16, y: u16) -> u16 {
        let mut found = self.back;
        for (area, element) in elements {
            if !area.holds(x, y) {
                continue;
            }
            match element {
                Element::Surface(colour) => found = point(*colour),
                Element::Letters { text, scale, colour } => {
                    let (across, down) = ((x - area.left) / scale, (y - area.top) / scale);
                    let (across, down) = (usize::from(across), usize::from(down));
                    let letter = text.get(across / WIDTH).copied().unwrap_or(b' ');
                    if has_point(letter, across % WIDTH, down) {
                        found = point(*colour);
                    }
                }
            }
        }
        found
    }

    /// The whole picture as updates.
    pub(super) fn updates(&self) -> Vec<Vec<u8>> {
        let mut updates = Vec::new();
        let (mut count, mut rectangles) = (0, Vec::new());
        for top in (0..self.height).step_by(usize::from(SIDE)) {
            for left in (0..self.width).step_by(usize::from(SIDE)) {
                let (width, height) = (SIDE.min(self.width - left), SIDE.min(self.height - top));
                let tile = Area { left, top, width, height };
                let bytes = rectangle((left, top), (width, height), &self.tile(&tile));
                if rectangles.len() + bytes.len() > LONGEST_UPDATE && count > 0 {
                    updates.push(share::bitmaps(count, &rectangles));
                    (count, rectangles) = (0, Vec::new());
                }
                count += 1;
                rectangles.extend(bytes);
            }
        }
        updates.push(share::bitmaps(count, &rectangles));
        updates
    }

    /// Points of a rectangle, the lowest row first.
    fn tile(&self, tile: &Area) -> Vec<u16> {
        let near: Vec<&(Area, Element)> =
            self.elements.iter().filter(|(area, _)| area.meets(tile)).collect();
        if near.is_empty() {
            return vec![self.back; usize::from(tile.width) * usize::from(tile.height)];
        }
        let rows = (tile.top..tile.top + tile.height).rev();
        rows.flat_map(|y| (tile.left..tile.left + tile.width).map(move |x| (x, y)))
            .map(|(x, y)| self.point(&near, x, y))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_of_every_size_and_release_is_small_and_its_updates_fit_their_messages() {
        for seed in [3, 2, 12] {
            let identity = Identity::draw([seed; 32]);
            for (scene, wanted) in [
                (Scene::Logon, (0, 0)),
                (Scene::Refused, (1_024, 768)),
                (Scene::Desktop, (u16::MAX, u16::MAX)),
            ] {
                let size = size(wanted);
                let updates = Screen::of(&identity, scene, size).updates();
                assert!(updates.iter().all(|update| update.len() < 16_000), "{scene:?}");
                let whole: usize = updates.iter().map(Vec::len).sum();
                assert!((2_000..60_000).contains(&whole), "{scene:?} {size:?}: {whole}");
            }
        }
    }

    #[test]
    fn letters_and_surfaces_stand_where_they_are_drawn() {
        let mut screen = Screen { width: 640, height: 480, back: 0, elements: Vec::new() };
        screen.surface((10, 10, 4, 4), WHITE);
        screen.letters(20, 20, "I", 1, WHITE);
        let tile = Area { left: 0, top: 0, width: 64, height: 64 };
        let points = screen.tile(&tile);
        let at = |x: usize, y: usize| points[(63 - y) * 64 + x];
        assert_eq!((at(10, 10), at(13, 13), at(14, 13), at(9, 10)), (0xffff, 0xffff, 0, 0));
        assert!((20..28).any(|y| at(22, y) == 0xffff));
    }
}
