//! Every encoding, read back as clients read it, is the picture that is sent raw: any area, any format of points.

use flate2::{Decompress, FlushDecompress};
use proptest::prelude::*;

use super::desktop::{Desktop, SIZE};
use super::encoding::{Encoding, Streams, Update};
use super::wire::{Area, PixelFormat};
use crate::Identity;

/// One connection's client: its streams go on from update to update.
struct Client {
    format: PixelFormat,
    zlib: Decompress,
    tight: [Decompress; 4],
}

impl Client {
    fn new(format: PixelFormat) -> Self {
        let stream = || Decompress::new(true);
        Self { format, zlib: stream(), tight: [stream(), stream(), stream(), stream()] }
    }

    /// The points of an update of this area, row by row.
    fn read(&mut self, bytes: &[u8], area: Area) -> Vec<u8> {
        let size = self.format.bytes;
        let mut canvas = Canvas::new(area, size);
        let mut rest = Bytes(bytes);
        assert_eq!(rest.take(2), [0, 0]);
        for _ in 0..rest.number(2) {
            let [x, y, width, height] = [0; 4].map(|_| rest.number(2));
            let (left, top) = (x - usize::from(area.x), y - usize::from(area.y));
            let mut part = Part { canvas: &mut canvas, left, top, width, height };
            match rest.number(4) {
                0 => part.raw(&mut rest),
                2 => part.on_background(&mut rest, 2),
                4 => part.on_background(&mut rest, 1),
                5 => part.tiles(&mut rest),
                6 => {
                    let count = rest.number(4);
                    let raw = unpacked(&mut self.zlib, rest.take(count), width * height * size);
                    part.raw(&mut Bytes(&raw));
                }
                7 => part.tight(&mut rest, self.format, &mut self.tight),
                other => panic!("encoding {other}"),
            }
        }
        assert_eq!(rest.0.len(), 0, "more than was announced");
        assert!(canvas.seen.iter().all(|times| *times == 1), "each point once");
        canvas.points
    }
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }

    fn number(&mut self, count: usize) -> usize {
        self.take(count).iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
    }
}

struct Canvas {
    width: usize,
    size: usize,
    points: Vec<u8>,
    seen: Vec<u8>,
}

impl Canvas {
    fn new(area: Area, size: usize) -> Self {
        let (width, count) =
            (usize::from(area.width), usize::from(area.width) * usize::from(area.height));
        Self { width, size, points: vec![0; count * size], seen: vec![0; count] }
    }
}

/// A rectangle of the canvas.
struct Part<'a> {
    canvas: &'a mut Canvas,
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl Part<'_> {
    fn put(&mut self, x: usize, y: usize, point: &[u8]) {
        assert!(x < self.width && y < self.height, "{x} {y}");
        let place = (self.top + y) * self.canvas.width + self.left + x;
        let size = self.canvas.size;
        self.canvas.points[place * size..][..size].copy_from_slice(point);
    }

    fn fill(&mut self, [x, y, width, height]: [usize; 4], point: &[u8]) {
        for row in y..y + height {
            (x..x + width).for_each(|column| self.put(column, row, point));
        }
    }

    /// Each point of the rectangle is written by it, once.
    fn cover(&mut self) {
        for row in self.top..self.top + self.height {
            let begin = row * self.canvas.width + self.left;
            self.canvas.seen[begin..begin + self.width].iter_mut().for_each(|times| *times += 1);
        }
    }

    fn raw(&mut self, rest: &mut Bytes<'_>) {
        self.cover();
        let size = self.canvas.size;
        for row in 0..self.height {
            (0..self.width).for_each(|column| self.put(column, row, rest.take(size)));
        }
    }

    fn on_background(&mut self, rest: &mut Bytes<'_>, bytes: usize) {
        self.cover();
        let (size, count) = (self.canvas.size, rest.number(4));
        let background = rest.take(size);
        self.fill([0, 0, self.width, self.height], background);
        for _ in 0..count {
            let point = rest.take(size);
            let place = [0; 4].map(|_| rest.number(bytes));
            self.fill(place, point);
        }
    }

    /// RFC 6143, 7.7.4: colours of the ground and of what stands on it hold on from tile to tile.
    fn tiles(&mut self, rest: &mut Bytes<'_>) {
        let size = self.canvas.size;
        let (mut background, mut foreground) = (vec![0; size], vec![0; size]);
        for y in (0..self.height).step_by(16) {
            for x in (0..self.width).step_by(16) {
                let (width, height) = (16.min(self.width - x), 16.min(self.height - y));
                let (left, top) = (self.left + x, self.top + y);
                let mut tile = Part { canvas: self.canvas, left, top, width, height };
                let kind = rest.number(1);
                if kind & 1 != 0 {
                    tile.raw(rest);
                    continue;
                }
                tile.cover();
                if kind & 2 != 0 {
                    background = rest.take(size).to_vec();
                }
                if kind & 4 != 0 {
                    foreground = rest.take(size).to_vec();
                }
                tile.fill([0, 0, width, height], &background);
                let count = if kind & 8 != 0 { rest.number(1) } else { 0 };
                for _ in 0..count {
                    let point = if kind & 16 != 0 { rest.take(size) } else { &foreground };
                    let (place, lengths) = (rest.number(1), rest.number(1));
                    let place = [place >> 4, place & 15, (lengths >> 4) + 1, (lengths & 15) + 1];
                    tile.fill(place, point);
                }
            }
        }
    }

    fn tight(&mut self, rest: &mut Bytes<'_>, format: PixelFormat, streams: &mut [Decompress; 4]) {
        self.cover();
        let control = rest.number(1);
        assert_eq!(control & 15, 0, "no stream begins anew");
        if control >> 4 == 8 {
            let point = tight_point(rest, format);
            return self.fill([0, 0, self.width, self.height], &point);
        }
        assert_eq!((control >> 6, rest.number(1)), (1, 1), "a palette");
        let colours = rest.number(1) + 1;
        let palette: Vec<Vec<u8>> = (0..colours).map(|_| tight_point(rest, format)).collect();
        let bits = colours == 2;
        let row = if bits { self.width.div_ceil(8) } else { self.width };
        let count = row * self.height;
        let data = if count < 12 {
            rest.take(count).to_vec()
        } else {
            let mut length = 0;
            for shift in [0, 7, 14] {
                let byte = rest.number(1);
                length |= (byte & if shift == 14 { 0xff } else { 0x7f }) << shift;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            unpacked(&mut streams[control >> 4 & 3], rest.take(length), count)
        };
        for y in 0..self.height {
            for x in 0..self.width {
                let place = match bits {
                    true => data[y * row + x / 8] >> (7 - x % 8) & 1,
                    false => data[y * row + x],
                };
                self.put(x, y, &palette[usize::from(place)]);
            }
        }
    }
}

/// 24 bits of 32 come without the eight that are empty.
fn tight_point(rest: &mut Bytes<'_>, format: PixelFormat) -> Vec<u8> {
    if format.bytes == 4 && format.depth == 24 && format.true_colour {
        let mut point = Vec::new();
        format.pixel(*rest.take(3).first_chunk().unwrap(), &mut point);
        return point;
    }
    rest.take(format.bytes).to_vec()
}

fn unpacked(stream: &mut Decompress, packed: &[u8], count: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(count + 1);
    let before = stream.total_in();
    stream.decompress_vec(packed, &mut out, FlushDecompress::Sync).unwrap();
    let read = stream.total_in() - before;
    assert_eq!((out.len(), read), (count, packed.len() as u64), "all of it and no more");
    out
}

fn desktop() -> Desktop {
    Desktop::of(&Identity::draw([7; 32]), 1)
}

fn written(desktop: &Desktop, encoding: Encoding, format: PixelFormat, area: Area) -> Vec<u8> {
    written_after(desktop, encoding, format, area, &mut Streams::default())
}

fn written_after(
    desktop: &Desktop,
    encoding: Encoding,
    format: PixelFormat,
    area: Area,
    streams: &mut Streams,
) -> Vec<u8> {
    let mut update = Update::new(area, format, encoding);
    std::iter::from_fn(|| update.piece(desktop, streams)).flatten().collect()
}

/// The points themselves, without any encoding.
fn picture(desktop: &Desktop, format: PixelFormat, area: Area) -> Vec<u8> {
    let mut points = Vec::new();
    for y in area.y..area.y + area.height {
        for x in area.x..area.x + area.width {
            format.pixel(desktop.colour(usize::from(x), usize::from(y)), &mut points);
        }
    }
    points
}

/// 32, 16 and 8 bits as viewers ask for them, and 32 of which not all are colours.
fn formats() -> impl Strategy<Value = PixelFormat> {
    let whole = PixelFormat::default();
    let high = PixelFormat { bytes: 2, depth: 16, most: [31, 63, 31], shift: [11, 5, 0], ..whole };
    let low = PixelFormat { bytes: 1, depth: 8, most: [7, 7, 3], shift: [0, 3, 6], ..whole };
    prop::sample::select(vec![
        whole,
        PixelFormat { big_endian: true, ..whole },
        PixelFormat { shift: [0, 8, 16], ..whole },
        PixelFormat { depth: 30, most: [1_023; 3], shift: [20, 10, 0], ..whole },
        high,
        PixelFormat { big_endian: true, ..high },
        low,
        PixelFormat { true_colour: false, ..low },
    ])
}

fn areas() -> impl Strategy<Value = Area> {
    let side = |most: u16| (0..most, 1..most).prop_map(move |(at, long)| (at, long.min(most - at)));
    (side(SIZE.0), side(SIZE.1), any::<bool>()).prop_map(|((x, width), (y, height), small)| {
        let most = if small { 24 } else { 240 };
        Area { x, y, width: width.min(most), height: height.min(most) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn each_encoding_read_back_is_the_picture(format in formats(), areas in prop::collection::vec(areas(), 1..4)) {
        let desktop = desktop();
        for encoding in Encoding::ALL {
            // The streams hold on over the updates of a connection.
            let (mut client, mut streams) = (Client::new(format), Streams::default());
            for area in &areas {
                let bytes = written_after(&desktop, encoding, format, *area, &mut streams);
                let points = client.read(&bytes, *area);
                prop_assert!(points == picture(&desktop, format, *area), "{encoding:?} {format:?} {area:?}");
            }
        }
    }
}

#[test]
fn the_whole_screen_in_each_encoding_is_the_picture_and_shorter_than_raw() {
    let desktop = desktop();
    let (format, area) =
        (PixelFormat::default(), Area { x: 0, y: 0, width: SIZE.0, height: SIZE.1 });
    let expected = picture(&desktop, format, area);
    for encoding in Encoding::ALL {
        let bytes = written(&desktop, encoding, format, area);
        assert!(Client::new(format).read(&bytes, area) == expected, "{encoding:?}");
        assert!(encoding == Encoding::Raw || bytes.len() < expected.len() / 8, "{}", bytes.len());
    }
}
