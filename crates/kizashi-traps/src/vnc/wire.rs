//! The client's messages (RFC 6143, 7.5). A text for the clipboard that is too long to be held is hashed and dropped.

use kizashi_event::{Payload, PayloadOrigin};

use crate::capture::Capture;

/// Bytes of one message that are held.
const LONGEST: usize = 16 * 1024;

/// What a client draws with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PixelFormat {
    /// Bytes of a pixel: 1, 2 or 4.
    pub(super) bytes: usize,
    pub(super) depth: u8,
    pub(super) big_endian: bool,
    pub(super) true_colour: bool,
    pub(super) most: [u16; 3],
    pub(super) shift: [u8; 3],
}

impl Default for PixelFormat {
    fn default() -> Self {
        Self {
            bytes: 4,
            depth: 24,
            big_endian: false,
            true_colour: true,
            most: [255; 3],
            shift: [16, 8, 0],
        }
    }
}

impl PixelFormat {
    /// `None` of what no server draws in.
    fn read(bytes: &[u8; 16]) -> Option<Self> {
        let short = |at: usize| u16::from(bytes[at]) << 8 | u16::from(bytes[at + 1]);
        let size = match bytes[0] {
            8 => 1,
            16 => 2,
            32 => 4,
            _ => return None,
        };
        Some(Self {
            bytes: size,
            depth: bytes[1],
            big_endian: bytes[2] != 0,
            true_colour: bytes[3] != 0,
            most: [short(4), short(6), short(8)],
            shift: [bytes[10] & 31, bytes[11] & 31, bytes[12] & 31],
        })
    }

    pub(super) fn bytes(self) -> [u8; 16] {
        let mut out = [0; 16];
        out[..4].copy_from_slice(&[
            8 * u8::try_from(self.bytes).unwrap_or(4),
            self.depth,
            u8::from(self.big_endian),
            u8::from(self.true_colour),
        ]);
        for (place, most) in self.most.iter().enumerate() {
            out[4 + 2 * place..6 + 2 * place].copy_from_slice(&most.to_be_bytes());
        }
        out[10..13].copy_from_slice(&self.shift);
        out
    }

    /// A colour as one pixel of this format.
    pub(super) fn pixel(self, [red, green, blue]: [u8; 3], out: &mut Vec<u8>) {
        let value = if self.true_colour {
            [red, green, blue].iter().enumerate().fold(0_u32, |sum, (place, part)| {
                let scaled = u32::from(*part) * u32::from(self.most[place]) / 255;
                sum | scaled.checked_shl(self.shift[place].into()).unwrap_or(0)
            })
        } else {
            // A place in the map of colours: two bits of blue, three of each other.
            u32::from(blue >> 6) << 6 | u32::from(green >> 5) << 3 | u32::from(red >> 5)
        };
        if self.big_endian {
            out.extend_from_slice(&value.to_be_bytes()[4 - self.bytes..]);
        } else {
            out.extend_from_slice(&value.to_le_bytes()[..self.bytes]);
        }
    }
}

impl PixelFormat {
    /// The same in Tight, where 24 bits of 32 go without the eight that are empty.
    pub(super) fn tight_pixel(self, colour: [u8; 3], out: &mut Vec<u8>) {
        if self.true_colour && self.bytes == 4 && self.depth == 24 && self.most == [255; 3] {
            return out.extend(colour);
        }
        self.pixel(colour, out);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) x: u16,
    pub(super) y: u16,
    pub(super) width: u16,
    pub(super) height: u16,
}

#[derive(Debug)]
pub(super) enum Message {
    Format(PixelFormat),
    Encodings(Vec<i32>),
    Update {
        incremental: bool,
        area: Area,
    },
    Key {
        down: bool,
        key: u32,
    },
    Pointer {
        buttons: u8,
        x: u16,
        y: u16,
    },
    Clipboard(Vec<u8>),
    Long(Box<Payload>),
    /// Nothing that the server knows: it hangs up.
    Broken,
    Ignored,
}

#[derive(Default)]
pub(super) struct Reader {
    pub(super) buffer: Vec<u8>,
    long: Option<(usize, Capture)>,
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.first_chunk().map(|two| u16::from_be_bytes(*two))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.first_chunk().map(|four| u32::from_be_bytes(*four))
}

impl Reader {
    /// So many bytes off the front, once they are there.
    pub(super) fn cut(&mut self, count: usize) -> Option<Vec<u8>> {
        if self.buffer.len() < count {
            return None;
        }
        let rest = self.buffer.split_off(count);
        Some(std::mem::replace(&mut self.buffer, rest))
    }

    /// The next message of one who was let in.
    pub(super) fn next(&mut self) -> Option<Message> {
        if self.long.is_some() {
            return self.swallow();
        }
        let kind = *self.buffer.first()?;
        let length = match kind {
            0 => 20,
            1 => 6 + 6 * usize::from(short(&self.buffer, 4)?),
            2 => 4 + 4 * usize::from(short(&self.buffer, 2)?),
            3 => 10,
            4 => 8,
            5 => 6,
            6 => 8 + usize::try_from(word(&self.buffer, 4)?).unwrap_or(usize::MAX - 8),
            _ => return Some(Message::Broken),
        };
        if length > LONGEST {
            if kind != 6 && kind != 1 && kind != 2 {
                return Some(Message::Broken);
            }
            self.long = Some((length, Capture::default()));
            return self.swallow();
        }
        let bytes = self.cut(length)?;
        Some(message(kind, &bytes).unwrap_or(Message::Broken))
    }

    fn swallow(&mut self) -> Option<Message> {
        let (mut left, mut capture) = self.long.take()?;
        let count = left.min(self.buffer.len());
        capture.feed(&self.buffer[..count]);
        self.buffer.drain(..count);
        left -= count;
        if left == 0 {
            return Some(Message::Long(Box::new(capture.finish(PayloadOrigin::Sent))));
        }
        self.long = Some((left, capture));
        None
    }

    /// What is no whole message.
    pub(super) fn drain_into(&mut self, capture: &mut Capture) {
        if let Some((_, long)) = self.long.take() {
            capture.feed(long.content());
        }
        capture.feed(&std::mem::take(&mut self.buffer));
    }

    pub(super) fn memory(&self) -> usize {
        self.buffer.len() + self.long.as_ref().map_or(0, |(_, capture)| capture.content().len())
    }
}

fn message(kind: u8, bytes: &[u8]) -> Option<Message> {
    Some(match kind {
        0 => Message::Format(PixelFormat::read(bytes.get(4..20)?.first_chunk()?)?),
        2 => {
            let all = bytes.get(4..)?.chunks_exact(4).filter_map(|four| four.first_chunk());
            Message::Encodings(all.map(|four| i32::from_be_bytes(*four)).collect())
        }
        3 => {
            let area = Area {
                x: short(bytes, 2)?,
                y: short(bytes, 4)?,
                width: short(bytes, 6)?,
                height: short(bytes, 8)?,
            };
            Message::Update { incremental: bytes[1] != 0, area }
        }
        4 => Message::Key { down: bytes[1] != 0, key: word(bytes, 4)? },
        5 => Message::Pointer { buttons: bytes[1], x: short(bytes, 2)?, y: short(bytes, 4)? },
        6 => Message::Clipboard(bytes.get(8..)?.to_vec()),
        _ => Message::Ignored,
    })
}
