//! One client: a setup, then requests.

use std::sync::Arc;

use kizashi_event::{HostileText, Timestamp};

use super::setup::{HEIGHT, Order, ROOT, WIDTH, accepted, refused};
use crate::capture::Capture;
use crate::datagram::note;
use crate::framed::{self, Frame, Framed, Messages, Next};
use crate::{Identity, Output, Session, Visit};

/// Order, version, lengths of the authorisation's name and data.
const SETUP: usize = 12;
/// Where a client's resources begin.
const RESOURCES: u32 = 0x0040_0000;
/// Atoms that the protocol has before any client makes one.
const PREDEFINED: u32 = 68;

const BAD_REQUEST: u8 = 1;
const BAD_LENGTH: u8 = 16;
const BAD_ALLOC: u8 = 11;

pub(super) fn begin(identity: &Arc<Identity>, _visit: Visit) -> Box<dyn Session> {
    Framed::begin(Server {
        open: identity.choice("x11 access", 2) == 0,
        order: None,
        number: 0,
        atoms: PREDEFINED,
        told: [false; 256],
        drawn: Capture::default(),
    })
}

struct Server {
    open: bool,
    /// Of one who is in.
    order: Option<Order>,
    /// Requests so far.
    number: u16,
    atoms: u32,
    told: [bool; 256],
    /// What was to be drawn or sent.
    drawn: Capture,
}

const fn word(code: u8) -> &'static str {
    match code {
        1 => "CreateWindow",
        3 => "GetWindowAttributes",
        8 => "MapWindow",
        12 => "ConfigureWindow",
        14 => "GetGeometry",
        15 => "QueryTree",
        16 => "InternAtom",
        17 => "GetAtomName",
        18 => "ChangeProperty",
        20 => "GetProperty",
        21 => "ListProperties",
        23 => "GetSelectionOwner",
        25 => "SendEvent",
        26 => "GrabPointer",
        31 => "GrabKeyboard",
        33 => "GrabKey",
        38 => "QueryPointer",
        40 => "TranslateCoordinates",
        42 => "SetInputFocus",
        43 => "GetInputFocus",
        44 => "QueryKeymap",
        45 => "OpenFont",
        47 => "QueryFont",
        53 => "CreatePixmap",
        55 => "CreateGC",
        61 => "ClearArea",
        72 => "PutImage",
        73 => "GetImage",
        84 => "AllocColor",
        97 => "QueryBestSize",
        98 => "QueryExtension",
        99 => "ListExtensions",
        101 => "GetKeyboardMapping",
        103 => "GetKeyboardControl",
        106 => "GetPointerControl",
        108 => "GetScreenSaver",
        110 => "ListHosts",
        113 => "KillClient",
        117 => "GetPointerMapping",
        119 => "GetModifierMapping",
        127 => "NoOperation",
        128.. => "an extension's",
        _ => "other",
    }
}

impl Server {
    fn setup(&mut self, message: &[u8], out: &mut Output) {
        let order = Order { big: message[0] == b'B' };
        let length = usize::from(order.read_two(&message[6..]));
        let name = message.get(SETUP..SETUP + length).unwrap_or_default();
        let told = [if order.big { &b"big "[..] } else { b"little " }, name].concat();
        note(out, "x11 setup", HostileText::from_bytes(told.trim_ascii_end()));
        if !self.open {
            out.reply(&refused(order));
            return out.close();
        }
        self.order = Some(order);
        out.reply(&accepted(order, RESOURCES));
    }

    /// A reply: a byte of its own, and what follows the head, filled up to 32 bytes at least.
    fn reply(&self, order: Order, own: u8, body: &[u8], out: &mut Output) {
        let mut reply = vec![1, own];
        let extra = body.len().saturating_sub(24).div_ceil(4);
        reply.extend(order.two(self.number));
        reply.extend(order.four(u32::try_from(extra).unwrap_or(0)));
        reply.extend(body);
        reply.resize(32 + 4 * extra, 0);
        out.reply(&reply);
    }

    fn error(&self, order: Order, error: u8, code: u8, out: &mut Output) {
        let mut reply = vec![0, error];
        reply.extend(order.two(self.number));
        reply.extend([0; 6]);
        reply.push(code);
        reply.resize(32, 0);
        out.reply(&reply);
    }

    fn request(&mut self, order: Order, message: &[u8], out: &mut Output) {
        self.number = self.number.wrapping_add(1);
        let code = message[0];
        let first = !std::mem::replace(&mut self.told[usize::from(code)], true);
        if first {
            note(out, "x11 request", format!("{code} {}", word(code)));
        }
        let two = |numbers: &[u16]| {
            numbers.iter().flat_map(|number| order.two(*number)).collect::<Vec<u8>>()
        };
        let four = |numbers: &[u32]| {
            numbers.iter().flat_map(|number| order.four(*number)).collect::<Vec<u8>>()
        };
        match code {
            // The root window is there and seen.
            3 => self.reply(
                order,
                0,
                &[four(&[0x21]), vec![0, 1, 1, 1], four(&[0, 0]), vec![0, 1, 2, 0]].concat(),
                out,
            ),
            14 => self.reply(
                order,
                24,
                &[four(&[ROOT]), two(&[0, 0, WIDTH, HEIGHT, 0])].concat(),
                out,
            ),
            15 => self.reply(order, 0, &four(&[ROOT, 0, 0]), out),
            16 => {
                self.atoms = self.atoms.wrapping_add(1);
                self.reply(order, 0, &four(&[self.atoms]), out);
            }
            // No property, no selection's owner, no extension, and no name of one.
            17 | 20 | 21 | 23 | 98 | 99 | 110 => self.reply(order, 0, &[], out),
            26 | 31 => self.reply(order, 0, &[], out),
            38 => self.reply(
                order,
                1,
                &[four(&[ROOT, 0]), two(&[812, 455, 812, 455, 0])].concat(),
                out,
            ),
            40 => self.reply(order, 1, &[0; 8], out),
            43 => self.reply(order, 1, &four(&[1]), out),
            44 => self.reply(order, 0, &[0; 32], out),
            84 => self.reply(order, 0, &[0; 12], out),
            97 => self.reply(
                order,
                0,
                &message.get(8..12).map_or_else(|| vec![0; 4], <[u8]>::to_vec),
                out,
            ),
            101 => self.keyboard(order, message, out),
            103 => self.reply(order, 0, &[0; 44], out),
            106 => self.reply(order, 0, &two(&[2, 1, 4]), out),
            108 => self.reply(order, 0, &[two(&[600, 600]), vec![1, 1]].concat(), out),
            117 => self.reply(order, 3, &[[0; 24].to_vec(), vec![1, 2, 3, 0]].concat(), out),
            119 => self.reply(order, 1, &[0; 32], out),
            // No picture, no font: there is no memory for one.
            73 | 39 | 47..=50 | 52 | 83 | 85..=87 | 91 | 92 => {
                self.error(order, BAD_ALLOC, code, out);
            }
            128.. | 0 => self.error(order, BAD_REQUEST, code, out),
            _ => self.drawn.feed(message),
        }
    }

    /// Two symbols a key, none of them bound.
    fn keyboard(&self, order: Order, message: &[u8], out: &mut Output) {
        let count = usize::from(message.get(5).copied().unwrap_or(0));
        self.reply(order, 2, &vec![0; 24 + 8 * count], out);
    }
}

impl Messages for Server {
    const LONGEST: usize = 16 * 1024;

    fn frame(&self, held: &[u8]) -> Frame {
        let Some(order) = self.order else {
            if !matches!(held[0], b'B' | b'l') {
                return Frame::Foreign;
            }
            let Some(head) = held.get(..SETUP) else { return Frame::More };
            let order = Order { big: head[0] == b'B' };
            if order.read_two(&head[2..]) != 11 {
                return Frame::Foreign;
            }
            let padded = |at: usize| usize::from(order.read_two(&head[at..])).next_multiple_of(4);
            return Frame::Whole(SETUP + padded(6) + padded(8));
        };
        match held.get(..4) {
            // A length of nothing is of an extension that is not.
            Some(head) => Frame::Whole(4 * usize::from(order.read_two(&head[2..])).max(1)),
            None => Frame::More,
        }
    }

    fn message(&mut self, message: &[u8], _now: Timestamp, out: &mut Output) -> Next {
        match self.order {
            None => self.setup(message, out),
            Some(order) if order.read_two(&message[2..]) == 0 => {
                self.error(order, BAD_LENGTH, message[0], out);
            }
            Some(order) => self.request(order, message, out),
        }
        Next::Go
    }

    fn end(&mut self, out: &mut Output) {
        framed::keep(std::mem::take(&mut self.drawn), out);
    }

    fn held(&self) -> usize {
        self.drawn.content().len()
    }
}
