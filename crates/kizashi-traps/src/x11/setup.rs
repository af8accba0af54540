//! The server's side of the setup, and numbers in the byte order that the client asked for.

/// Which end comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) big: bool,
}

impl Order {
    pub(super) fn two(self, number: u16) -> [u8; 2] {
        if self.big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    pub(super) fn four(self, number: u32) -> [u8; 4] {
        if self.big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    pub(super) fn read_two(self, bytes: &[u8]) -> u16 {
        let bytes = bytes.first_chunk().copied().unwrap_or_default();
        if self.big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }
}

pub(super) const ROOT: u32 = 0x0000_0533;
pub(super) const WIDTH: u16 = 1_920;
pub(super) const HEIGHT: u16 = 1_080;
const COLOURMAP: u32 = 0x20;
const VISUAL: u32 = 0x21;

const VENDOR: &[u8] = b"The X.Org Foundation";
/// 21.1.7 as the server counts.
const RELEASE: u32 = 12_101_007;

pub(super) fn refused(order: Order) -> Vec<u8> {
    let reason = b"No protocol specified\n";
    let words = reason.len().div_ceil(4);
    let mut reply = vec![0, reason.len() as u8];
    reply.extend(order.two(11));
    reply.extend(order.two(0));
    reply.extend(order.two(words as u16));
    reply.extend(reason);
    reply.resize(8 + 4 * words, 0);
    reply
}

/// One screen with one visual of true colour.
fn screen(order: Order) -> Vec<u8> {
    let mut screen = Vec::new();
    for number in [ROOT, COLOURMAP, 0x00ff_ffff, 0, 0x00fa_8033] {
        screen.extend(order.four(number));
    }
    // Pixels, then millimetres at 96 dots an inch.
    for number in [WIDTH, HEIGHT, 508, 286, 1, 1] {
        screen.extend(order.two(number));
    }
    screen.extend(order.four(VISUAL));
    // No backing store, no saving under, depth 24, one depth.
    screen.extend([0, 0, 24, 1]);
    screen.extend([24, 0]);
    screen.extend(order.two(1));
    screen.extend([0; 4]);
    screen.extend(order.four(VISUAL));
    screen.extend([4, 8]);
    screen.extend(order.two(256));
    for mask in [0x00ff_0000, 0x0000_ff00, 0x0000_00ff] {
        screen.extend(order.four(mask));
    }
    screen.extend([0; 4]);
    screen
}

pub(super) fn accepted(order: Order, resources: u32) -> Vec<u8> {
    let mut more = Vec::new();
    for number in [RELEASE, resources, 0x001f_ffff, 256] {
        more.extend(order.four(number));
    }
    more.extend(order.two(VENDOR.len() as u16));
    more.extend(order.two(0xffff));
    // One screen, two formats; images and bitmaps with the least significant first, in units of 32; keys 8 to 255.
    more.extend([1, 2, 0, 0, 32, 32, 8, 255]);
    more.extend([0; 4]);
    more.extend(VENDOR);
    more.extend([1, 1, 32, 0, 0, 0, 0, 0]);
    more.extend([24, 32, 32, 0, 0, 0, 0, 0]);
    more.extend(screen(order));
    let mut reply = vec![1, 0];
    reply.extend(order.two(11));
    reply.extend(order.two(0));
    reply.extend(order.two(u16::try_from(more.len() / 4).unwrap_or(0)));
    reply.extend(more);
    reply
}
