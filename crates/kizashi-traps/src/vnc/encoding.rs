//! The picture's points as a client wants them: raw, or in Hextile's tiles (RFC 6143, 7.7.4). An update is written piece by piece, so that nobody
//! holds a whole picture.

use super::desktop::{Colour, Desktop};
use super::wire::{Area, PixelFormat};

pub(super) const RAW: i32 = 0;
pub(super) const HEXTILE: i32 = 5;

const TILE: usize = 16;
/// Rows of the picture that one piece has.
const ROWS: usize = 16;

/// Of Hextile: the tile is raw; it has a background, a foreground, rectangles, each in a colour of its own.
const IS_RAW: u8 = 1;
const BACKGROUND: u8 = 2;
const RECTANGLES: u8 = 8;
const COLOURED: u8 = 16;

/// An update that is on its way.
pub(super) struct Update {
    area: Area,
    format: PixelFormat,
    hextile: bool,
    /// Rows that were written.
    done: usize,
}

impl Update {
    pub(super) const fn new(area: Area, format: PixelFormat, hextile: bool) -> Self {
        Self { area, format, hextile, done: 0 }
    }

    /// Its next piece; `None` where it is over.
    pub(super) fn piece(&mut self, desktop: &Desktop) -> Option<Vec<u8>> {
        let height = usize::from(self.area.height);
        if self.done >= height {
            return None;
        }
        let mut out = Vec::new();
        if self.done == 0 {
            // FramebufferUpdate of one rectangle.
            out.extend([0, 0, 0, 1]);
            let Area { x, y, width, height } = self.area;
            [x, y, width, height].iter().for_each(|part| out.extend(part.to_be_bytes()));
            out.extend(if self.hextile { HEXTILE } else { RAW }.to_be_bytes());
        }
        let rows = ROWS.min(height - self.done);
        let width = usize::from(self.area.width);
        if self.hextile {
            for left in (0..width).step_by(TILE) {
                self.tile(desktop, left, TILE.min(width - left), rows, &mut out);
            }
        } else {
            for row in 0..rows {
                for column in 0..width {
                    self.format.pixel(self.colour(desktop, column, row), &mut out);
                }
            }
        }
        self.done += rows;
        Some(out)
    }

    fn colour(&self, desktop: &Desktop, column: usize, row: usize) -> Colour {
        desktop
            .colour(usize::from(self.area.x) + column, usize::from(self.area.y) + self.done + row)
    }

    fn tile(&self, desktop: &Desktop, left: usize, width: usize, rows: usize, out: &mut Vec<u8>) {
        let colours: Vec<Colour> = (0..rows)
            .flat_map(|row| (0..width).map(move |column| (row, column)))
            .map(|(row, column)| self.colour(desktop, left + column, row))
            .collect();
        let Some(&background) = colours.first() else { return };
        let runs = runs(&colours, width, background);
        let mut raw = Vec::new();
        colours.iter().for_each(|colour| self.format.pixel(*colour, &mut raw));
        if runs.len() > 255 || runs.len() * (self.format.bytes + 2) > raw.len() {
            out.push(IS_RAW);
            out.extend(raw);
            return;
        }
        out.push(if runs.is_empty() { BACKGROUND } else { BACKGROUND | RECTANGLES | COLOURED });
        self.format.pixel(background, out);
        if runs.is_empty() {
            return;
        }
        out.push(u8::try_from(runs.len()).unwrap_or(255));
        for (colour, x, y, length) in runs {
            self.format.pixel(colour, out);
            out.extend([x << 4 | y, (length - 1) << 4]);
        }
    }
}

/// Runs of points in a row that are not the background: colour, place, length.
fn runs(colours: &[Colour], width: usize, background: Colour) -> Vec<(Colour, u8, u8, u8)> {
    let mut found: Vec<(Colour, u8, u8, u8)> = Vec::new();
    let mut before = None;
    for (at, colour) in colours.iter().enumerate() {
        let (x, y) = (at % width, at / width);
        if *colour == background {
            before = None;
            continue;
        }
        if x > 0
            && before == Some(*colour)
            && let Some(last) = found.last_mut()
        {
            last.3 += 1;
        } else {
            let small = |number: usize| u8::try_from(number).unwrap_or(0);
            found.push((*colour, small(x), small(y), 1));
        }
        before = Some(*colour);
    }
    found
}
