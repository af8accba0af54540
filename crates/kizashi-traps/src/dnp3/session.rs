//! One visit of a master: frames of the link, and requests of one fragment inside them.

use std::sync::Arc;

use kizashi_event::Timestamp;

use super::link::{self, Head};
use crate::datagram::{Reader, note};
use crate::draw::Draw;
use crate::framed::{Frame, Framed, Messages, Next};
use crate::hexadecimal::hexadecimal;
use crate::{Identity, Output, Session, Visit};

/// The address by which an outstation is asked for its own.
const SELF: u16 = 0xfffc;
/// A primary station's frame, and its functions.
const PRIMARY: u8 = 0x40;
const RESET_LINK: u8 = 0;
const TEST_LINK: u8 = 2;
const CONFIRMED_DATA: u8 = 3;
const DATA: u8 = 4;
const LINK_STATUS: u8 = 9;
/// A secondary station's.
const ACKNOWLEDGED: u8 = 0;
const STATUS: u8 = 11;

const CONFIRM: u8 = 0;
const READ: u8 = 1;
const WRITE: u8 = 2;
const NO_ACKNOWLEDGEMENT: u8 = 6;
const RESPONSE: u8 = 0x81;

/// Internal indications.
const RESTARTED: u8 = 0x80;
const NO_FUNCTION: u8 = 1;
const NO_OBJECT: u8 = 2;

/// Objects of one request that are read.
const MOST_OBJECTS: usize = 16;

pub(super) fn begin(identity: &Arc<Identity>, _visit: Visit) -> Box<dyn Session> {
    let draw = Draw::new(identity.seed(), "dnp3 device");
    let release = draw.one_of(1, &["R402-V0-Z008003-D20160623", "R404-V0-Z009003-D20180810"]);
    let release = release.unwrap_or("R404-V0-Z009003-D20180810");
    Framed::begin(Outstation {
        address: u16::try_from(1 + draw.below(0, 10)).unwrap_or(1),
        firmware: format!("SEL-651R-2-{release}"),
        serial: format!("11{:08}", draw.below(2, 100_000_000)),
        identity: Arc::clone(identity),
        restarted: true,
    })
}

struct Outstation {
    identity: Arc<Identity>,
    address: u16,
    firmware: String,
    serial: String,
    restarted: bool,
}

/// The head of an object: group and variation; its range may be any.
struct Object {
    group: u8,
    variation: u8,
}

impl Object {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (group, variation, qualifier) = (reader.byte()?, reader.byte()?, reader.byte()?);
        let length = match qualifier & 0x0f {
            0 => 2,
            1 => 4,
            6 => 0,
            7 | 11 => 1,
            8 => 2,
            _ => return None,
        };
        reader.take(length).map(|_| Self { group, variation })
    }
}

/// A point's value with its quality, by its number.
type Value<'a> = Box<dyn Fn(u64) -> Vec<u8> + 'a>;

const fn word(function: u8) -> &'static str {
    match function {
        CONFIRM => "confirm",
        READ => "read",
        WRITE => "write",
        3 => "select",
        4 => "operate",
        5 => "direct operate",
        NO_ACKNOWLEDGEMENT => "direct operate without acknowledgement",
        7..=12 => "freeze",
        13 => "cold restart",
        14 => "warm restart",
        15..=19 => "application",
        20 => "enable unsolicited",
        21 => "disable unsolicited",
        23 => "measure delay",
        24 => "record time",
        25..=31 => "file",
        32 | 33 => "authenticate",
        _ => "unknown",
    }
}

impl Outstation {
    /// Sends to whoever asked.
    fn send(&self, to: u16, control: u8, user: &[u8], out: &mut Output) {
        let head = Head { control, destination: to, source: self.address };
        out.reply(&link::written(head, user));
    }

    /// Device attributes (group 0) by variation.
    fn attributes(&self, wanted: u8) -> Vec<u8> {
        let all = [
            (242, self.firmware.as_str()),
            (248, &self.serial),
            (250, "SEL-651R-2"),
            (252, "Schweitzer Engineering Laboratories, Inc."),
        ];
        let asked = all.iter().filter(|(variation, _)| wanted == 254 || wanted == *variation);
        let attribute = |(variation, text): &(u8, &str)| {
            let length = u8::try_from(text.len()).unwrap_or(0);
            [&[0, *variation, 0, 0, 0, 1, length][..], text.as_bytes()].concat()
        };
        asked.flat_map(attribute).collect()
    }

    /// The points of a group, each with its quality; `None` where there is no such group.
    fn points(&self, group: u8, now: Timestamp) -> Option<Vec<u8>> {
        let draw = Draw::new(self.identity.seed(), "dnp3 points");
        let place = |number: u64| u64::from(group) << 16 | number;
        let (variation, count, value): (u8, u8, Value<'_>) = match group {
            1 => (
                2,
                16,
                Box::new(|number| vec![if draw.below(place(number), 5) == 0 { 0x81 } else { 1 }]),
            ),
            20 => (
                1,
                4,
                Box::new(|number| {
                    let count = u32::try_from(draw.below(place(number), 5_000)).unwrap_or(0);
                    [&[1][..], &count.to_le_bytes()].concat()
                }),
            ),
            30 => (
                1,
                10,
                Box::new(|number| {
                    let still = draw.below(place(number), 13_000);
                    let moves = u64::try_from(now.seconds()).unwrap_or(0) % (40 + 11 * number);
                    let value = u32::try_from(still + moves).unwrap_or(0);
                    [&[1][..], &value.to_le_bytes()].concat()
                }),
            ),
            _ => return None,
        };
        let mut points = vec![group, variation, 0, 0, count - 1];
        (0..u64::from(count)).for_each(|number| points.extend(value(number)));
        Some(points)
    }

    fn read(&self, body: &[u8], now: Timestamp) -> (Vec<u8>, u8) {
        let mut reader = Reader(body);
        let (mut answer, mut lacking) = (Vec::new(), 0);
        for _ in 0..MOST_OBJECTS {
            let Some(object) = Object::read(&mut reader) else { break };
            let content = match (object.group, object.variation) {
                (0, wanted) => Some(self.attributes(wanted)),
                (60, 1) => Some(
                    [1, 20, 30]
                        .into_iter()
                        .filter_map(|group| self.points(group, now))
                        .flatten()
                        .collect(),
                ),
                // Nothing has changed.
                (60, _) => Some(Vec::new()),
                (group, _) => self.points(group, now),
            };
            match content {
                // An answer is one frame.
                Some(content) if answer.len() + content.len() <= 240 => answer.extend(content),
                Some(_) => {}
                None => lacking = NO_OBJECT,
            }
        }
        (answer, lacking)
    }

    fn request(&mut self, from: u16, user: &[u8], now: Timestamp, out: &mut Output) {
        let [transport, control, function, body @ ..] = user else { return };
        let told = format!("{} {}", word(*function), hexadecimal(body));
        let changes = matches!(function, 2..=14 | 16..=19 | 25..=31);
        note(out, if changes { "dnp3 control" } else { "dnp3 request" }, told.trim_end());
        // Only requests of one piece are answered.
        if transport & 0xc0 != 0xc0 || matches!(*function, CONFIRM | NO_ACKNOWLEDGEMENT) {
            return;
        }
        let (answer, lacking) = match function {
            1 => self.read(body, now),
            2 => {
                // Group 80, point 7: the mark of a restart.
                self.restarted &= body != [80, 1, 0, 7, 7, 0];
                (Vec::new(), 0)
            }
            3..=5 => (body.get(..body.len().min(240)).unwrap_or_default().to_vec(), 0),
            // A time delay of so many milliseconds.
            13 | 14 => (vec![52, 2, 7, 1, 0xff, 0xff], 0),
            23 => (vec![52, 2, 7, 1, 0, 0], 0),
            20 | 21 | 24 => (Vec::new(), 0),
            _ => (Vec::new(), NO_FUNCTION),
        };
        let indications = [if self.restarted { RESTARTED } else { 0 }, lacking];
        let head = [0xc0 | transport & 0x3f, 0xc0 | control & 0x0f, RESPONSE];
        self.send(from, PRIMARY | DATA, &[&head[..], &indications, &answer].concat(), out);
    }
}

impl Messages for Outstation {
    const LONGEST: usize = link::LONGEST;

    fn frame(&self, held: &[u8]) -> Frame {
        link::frame(held)
    }

    fn message(&mut self, message: &[u8], now: Timestamp, out: &mut Output) -> Next {
        let Some(head) = Head::of(message) else { return Next::Go };
        let function = head.control & 0x0f;
        if head.destination != self.address && head.destination != SELF {
            // A scanner's requests for addresses that are not are many; the one that is answered is told.
            return Next::Go;
        }
        let word = match function {
            RESET_LINK => "reset",
            TEST_LINK => "test",
            CONFIRMED_DATA | DATA => "data",
            LINK_STATUS => "status",
            _ => "unknown",
        };
        if head.control & PRIMARY == 0 {
            return Next::Go;
        }
        note(out, "dnp3 link", format!("{word} from {} to {}", head.source, head.destination));
        match function {
            RESET_LINK | TEST_LINK => self.send(head.source, ACKNOWLEDGED, &[], out),
            LINK_STATUS => self.send(head.source, STATUS, &[], out),
            CONFIRMED_DATA | DATA => {
                if function == CONFIRMED_DATA {
                    self.send(head.source, ACKNOWLEDGED, &[], out);
                }
                match link::user(message) {
                    Some(user) => self.request(head.source, &user, now, out),
                    None => note(out, "dnp3 request", hexadecimal(message)),
                }
            }
            _ => {}
        }
        Next::Go
    }

    fn foreign(&mut self, _out: &mut Output) {}
}
