//! The picture's points as a client wants them: raw, as rectangles on a background (`RRE` and its compact form, RFC 6143, 7.7.3, and the
//! community's "The RFB Protocol"), in Hextile's tiles (RFC 6143, 7.7.4), or packed as TightVNC does (`Zlib`, `Tight`; 7.7.8 and 7.7.9 there). These
//! six are what the imitated server has; ZRLE it has not. An update is written piece by piece, so that nobody holds a whole picture.

use super::desktop::{Colour, Desktop};
use super::pack::Stream;
use super::wire::{Area, PixelFormat};

/// A way to write points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Encoding {
    #[default]
    Raw,
    Rre,
    CompactRre,
    Hextile,
    Zlib,
    Tight,
}

impl Encoding {
    /// The first that is known of a client's list, which it writes in the order of its liking.
    pub(super) fn of(wanted: &[i32]) -> Self {
        wanted.iter().find_map(|number| Self::numbered(*number)).unwrap_or_default()
    }

    pub(super) const fn number(self) -> i32 {
        match self {
            Self::Raw => 0,
            Self::Rre => 2,
            Self::CompactRre => 4,
            Self::Hextile => 5,
            Self::Zlib => 6,
            Self::Tight => 7,
        }
    }

    fn numbered(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|encoding| encoding.number() == number)
    }

    pub(super) const ALL: [Self; 6] =
        [Self::Raw, Self::Rre, Self::CompactRre, Self::Hextile, Self::Zlib, Self::Tight];

    /// The whole update is one rectangle, however many pieces it is written in.
    const fn is_one_rectangle(self) -> bool {
        matches!(self, Self::Raw | Self::Hextile)
    }

    /// Columns that a rectangle has at most: places of the compact form are bytes, of which the server uses so many.
    const fn widest(self) -> usize {
        if matches!(self, Self::CompactRre) { 48 } else { usize::MAX }
    }
}

/// The streams of one connection: `Zlib`'s one, and those of `Tight` for two colours and for more.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Streams {
    zlib: Stream,
    tight: [Stream; 3],
}

/// Of Tight: a rectangle of one colour; the bit that says a filter stands there; the filter of a palette. What is shorter is not packed.
const FILL: u8 = 0x80;
const HAS_FILTER: u8 = 0x40;
const PALETTE: u8 = 1;
const NOT_PACKED: usize = 12;

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
    encoding: Encoding,
    /// Rows that were written.
    done: usize,
}

impl Update {
    pub(super) const fn new(area: Area, format: PixelFormat, encoding: Encoding) -> Self {
        Self { area, format, encoding, done: 0 }
    }

    /// Its next piece; `None` where it is over.
    pub(super) fn piece(&mut self, desktop: &Desktop, streams: &mut Streams) -> Option<Vec<u8>> {
        let height = usize::from(self.area.height);
        if self.done >= height {
            return None;
        }
        let rows = ROWS.min(height - self.done);
        let width = usize::from(self.area.width);
        let widest = self.encoding.widest().min(width);
        let mut out = Vec::new();
        if self.done == 0 {
            // FramebufferUpdate of so many rectangles.
            let pieces = height.div_ceil(ROWS) * width.div_ceil(widest.max(1));
            let rectangles = if self.encoding.is_one_rectangle() { 1 } else { pieces };
            out.extend([0, 0]);
            out.extend(u16::try_from(rectangles).unwrap_or(1).to_be_bytes());
        }
        match self.encoding {
            Encoding::Raw | Encoding::Hextile => self.part(desktop, rows, &mut out),
            Encoding::Rre | Encoding::CompactRre => {
                for left in (0..width).step_by(widest.max(1)) {
                    self.on_background(desktop, left, widest.min(width - left), rows, &mut out);
                }
            }
            Encoding::Zlib => {
                self.head(0, width, rows, self.encoding, &mut out);
                let mut raw = Vec::new();
                self.raw(desktop, rows, &mut raw);
                let packed = streams.zlib.pack(&raw, self.format.bytes);
                out.extend(u32::try_from(packed.len()).unwrap_or(0).to_be_bytes());
                out.extend(packed);
            }
            Encoding::Tight => {
                self.head(0, width, rows, self.encoding, &mut out);
                self.tight(desktop, rows, streams, &mut out);
            }
        }
        self.done += rows;
        Some(out)
    }

    /// A rectangle's place, size and encoding.
    fn head(&self, left: usize, width: usize, rows: usize, encoding: Encoding, out: &mut Vec<u8>) {
        let small = |number: usize| u16::try_from(number).unwrap_or(0);
        let (x, y) = (self.area.x + small(left), self.area.y + small(self.done));
        let place = [x, y, small(width), small(rows)];
        place.iter().for_each(|part| out.extend(part.to_be_bytes()));
        out.extend(encoding.number().to_be_bytes());
    }

    /// Some rows of the one rectangle that the update is.
    fn part(&self, desktop: &Desktop, rows: usize, out: &mut Vec<u8>) {
        let (width, height) = (usize::from(self.area.width), usize::from(self.area.height));
        if self.done == 0 {
            self.head(0, width, height, self.encoding, out);
        }
        if self.encoding == Encoding::Raw {
            return self.raw(desktop, rows, out);
        }
        for left in (0..width).step_by(TILE) {
            self.tile(desktop, left, TILE.min(width - left), rows, out);
        }
    }

    fn colours(&self, desktop: &Desktop, left: usize, width: usize, rows: usize) -> Vec<Colour> {
        (0..rows)
            .flat_map(|row| (0..width).map(move |column| (row, column)))
            .map(|(row, column)| self.colour(desktop, left + column, row))
            .collect()
    }

    /// A background and what stands on it; raw where that is shorter, as the server does.
    fn on_background(
        &self,
        desktop: &Desktop,
        left: usize,
        width: usize,
        rows: usize,
        out: &mut Vec<u8>,
    ) {
        let colours = self.colours(desktop, left, width, rows);
        let Some(&background) = colours.first() else { return };
        let runs = runs(&colours, width, background);
        let compact = self.encoding == Encoding::CompactRre;
        let one = self.format.bytes + if compact { 4 } else { 8 };
        if runs.len() * one > colours.len() * self.format.bytes {
            self.head(left, width, rows, Encoding::Raw, out);
            return colours.iter().for_each(|colour| self.format.pixel(*colour, out));
        }
        self.head(left, width, rows, self.encoding, out);
        out.extend(u32::try_from(runs.len()).unwrap_or(0).to_be_bytes());
        self.format.pixel(background, out);
        for run in runs {
            self.format.pixel(run.colour, out);
            let place = [run.x, run.y, run.length, 1];
            if compact {
                out.extend(place.map(|part| u8::try_from(part).unwrap_or(0)));
            } else {
                place.iter().for_each(|part| {
                    out.extend(u16::try_from(*part).unwrap_or(0).to_be_bytes());
                });
            }
        }
    }

    fn raw(&self, desktop: &Desktop, rows: usize, out: &mut Vec<u8>) {
        for row in 0..rows {
            for column in 0..usize::from(self.area.width) {
                self.format.pixel(self.colour(desktop, column, row), out);
            }
        }
    }

    /// One colour, or a palette of those that there are; a picture of more than 256 in a few rows there is none.
    fn tight(&self, desktop: &Desktop, rows: usize, streams: &mut Streams, out: &mut Vec<u8>) {
        let width = usize::from(self.area.width);
        let mut palette: Vec<Colour> = Vec::new();
        let mut places = Vec::with_capacity(rows * width);
        for row in 0..rows {
            for column in 0..width {
                let colour = self.colour(desktop, column, row);
                let known = palette.iter().position(|one| *one == colour);
                let place = known.unwrap_or_else(|| {
                    palette.push(colour);
                    palette.len() - 1
                });
                places.push(u8::try_from(place).unwrap_or(u8::MAX));
            }
        }
        if let [one] = palette.as_slice() {
            out.push(FILL);
            return self.format.tight_pixel(*one, out);
        }
        let two = palette.len() == 2;
        let stream = if two { 1 } else { 2 };
        out.extend([stream << 4 | HAS_FILTER, PALETTE]);
        out.push(u8::try_from(palette.len() - 1).unwrap_or(u8::MAX));
        palette.iter().for_each(|colour| self.format.tight_pixel(*colour, out));
        let data = if two { bits(&places, width) } else { places };
        if data.len() < NOT_PACKED {
            return out.extend(data);
        }
        let packed = streams.tight[usize::from(stream)].pack(&data, 1);
        out.extend(compact(packed.len()));
        out.extend(packed);
    }

    fn colour(&self, desktop: &Desktop, column: usize, row: usize) -> Colour {
        desktop
            .colour(usize::from(self.area.x) + column, usize::from(self.area.y) + self.done + row)
    }

    fn tile(&self, desktop: &Desktop, left: usize, width: usize, rows: usize, out: &mut Vec<u8>) {
        let colours = self.colours(desktop, left, width, rows);
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
        for run in runs {
            self.format.pixel(run.colour, out);
            let both = |high: usize, low: usize| u8::try_from(high << 4 | low).unwrap_or(0);
            out.extend([both(run.x, run.y), both(run.length - 1, 0)]);
        }
    }
}

/// Points of one colour, side by side in a row.
struct Run {
    colour: Colour,
    x: usize,
    y: usize,
    length: usize,
}

/// Those that are not the background.
fn runs(colours: &[Colour], width: usize, background: Colour) -> Vec<Run> {
    let mut found: Vec<Run> = Vec::new();
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
            last.length += 1;
        } else {
            found.push(Run { colour: *colour, x, y, length: 1 });
        }
        before = Some(*colour);
    }
    found
}

/// A bit a point, each row in bytes of its own.
fn bits(places: &[u8], width: usize) -> Vec<u8> {
    let byte = |eight: &[u8]| {
        eight.iter().enumerate().fold(0, |byte, (at, place)| byte | (place & 1) << (7 - at))
    };
    places.chunks(width.max(1)).flat_map(|row| row.chunks(8).map(byte)).collect()
}

/// A length in one to three bytes of seven bits, lowest first.
fn compact(length: usize) -> Vec<u8> {
    let part = |shift: usize| u8::try_from(length >> shift & 0x7f).unwrap_or(0);
    match length {
        0..=0x7f => vec![part(0)],
        0x80..=0x3fff => vec![part(0) | 0x80, part(7)],
        _ => vec![part(0) | 0x80, part(7) | 0x80, u8::try_from(length >> 14).unwrap_or(0)],
    }
}
