//! The lists of the system's state (SZL) by which a CPU names itself, as "System Software for S7-300/400, System and Standard Functions" lays them out.

use crate::Identity;
use crate::draw::Draw;

const ORDER_NUMBER: &str = "6ES7 315-2EH14-0AB0 ";

/// The names that a CPU has.
#[derive(Debug)]
pub(super) struct Names {
    station: &'static str,
    plant: &'static str,
    serial: String,
}

impl Names {
    pub(super) fn draw(identity: &Identity) -> Self {
        let draw = Draw::new(identity.seed(), "s7 device");
        let one = |place, choices| draw.one_of(place, choices).unwrap_or("SIMATIC 300(1)");
        let letters = b"ABCDEFGHJKLMNPRSTUVWX";
        let letter = |place| char::from(draw.one_of(place, letters).unwrap_or(b'C'));
        let number = 10_000_000_000 + draw.below(5, 80_000_000_000);
        let serial =
            format!("S {}-{}{}R{}", letter(2), letter(3), draw.below(4, 10), number % 100_000_000);
        Self {
            station: one(
                0,
                &["SIMATIC 300(1)", "SIMATIC 300-Station", "Station_1", "S7300/ET200M station_1"],
            ),
            plant: one(1, &["", "", "Pumpstation", "Line 2", "WTP"]),
            serial,
        }
    }
}

/// A list: the length of its entries, and they.
#[derive(Debug)]
pub(super) struct List {
    length: usize,
    entries: Vec<Vec<u8>>,
}

impl List {
    fn of(length: usize, entries: Vec<Vec<u8>>) -> Self {
        Self { length, entries }
    }

    /// With its head, as it is sent: number, index, length and count of the entries.
    pub(super) fn bytes(&self, number: u16, index: u16) -> Vec<u8> {
        let count = |count: usize| u16::try_from(count).unwrap_or(0);
        let head = [number, index, count(self.length), count(self.entries.len())];
        let mut bytes: Vec<u8> = head.into_iter().flat_map(u16::to_be_bytes).collect();
        self.entries.iter().for_each(|entry| bytes.extend(entry));
        bytes
    }
}

fn entry(index: u16, text: &str, length: usize) -> Vec<u8> {
    let mut entry = [&index.to_be_bytes()[..], text.as_bytes()].concat();
    entry.resize(length, 0);
    entry
}

/// The list of this number, of which an index may choose one entry.
pub(super) fn list(number: u16, index: u16, names: &Names, running: bool) -> Option<List> {
    let list = match number & 0x0fff {
        0x000 => {
            let numbers = [0x0000_u16, 0x0011, 0x0111, 0x001c, 0x011c, 0x0131, 0x0232, 0x0424];
            List::of(2, numbers.map(|number| number.to_be_bytes().to_vec()).to_vec())
        }
        0x011 | 0x111 => identification(),
        0x01c | 0x11c => components(names),
        0x131 if index == 1 => {
            // PDUs of 240 bytes, 16 connections, MPI and bus at 187.5 and 12,000 kbit/s.
            let mut entry = vec![0, 1, 0, 240, 0, 16, 0, 0x0b, 0x71, 0xb0, 0, 0xb7, 0x1b, 0];
            entry.resize(40, 0);
            List::of(40, vec![entry])
        }
        0x232 if index == 4 => {
            // Protection: key switch and parameters ask for none; the switch stands on RUN.
            let mut entry = vec![0, 4, 0, 1, 0, 0, 0, 1, 0, 2];
            entry.resize(40, 0);
            List::of(40, vec![entry])
        }
        0x424 => {
            let state = if running { 0x08 } else { 0x04 };
            let mut entry = vec![0x51, 0x44, 0xff, state];
            entry.resize(20, 0);
            List::of(20, vec![entry])
        }
        _ => return None,
    };
    let one = number & 0x0f00 == 0x0100 && matches!(number & 0xff, 0x11 | 0x1c);
    if !one {
        return Some(list);
    }
    let wanted = index.to_be_bytes();
    let entries: Vec<_> =
        list.entries.into_iter().filter(|entry| entry.starts_with(&wanted)).collect();
    (!entries.is_empty()).then(|| List::of(list.length, entries))
}

/// Module, hardware and firmware: order number, type, release.
fn identification() -> List {
    let row = |index: u16, name: &str, end: [u8; 6]| {
        [&index.to_be_bytes()[..], format!("{name:<20}").as_bytes(), &end].concat()
    };
    let entries = vec![
        row(1, ORDER_NUMBER, [0, 0xc0, 0, 4, 0, 1]),
        row(6, ORDER_NUMBER, [0, 0xc0, 0, 4, 0, 1]),
        // V 3.2.6
        row(7, ORDER_NUMBER, [0, 0xc0, 0x56, 3, 2, 6]),
    ];
    List::of(28, entries)
}

fn components(names: &Names) -> List {
    let rows = [
        (1, names.station),
        (2, "CPU 315-2 PN/DP"),
        (3, names.plant),
        (4, "Original Siemens Equipment"),
        (5, &names.serial),
        (7, "CPU 315-2 PN/DP"),
        (8, "MMC 267FF11F"),
        (9, ""),
        (10, ""),
        (11, ""),
    ];
    List::of(34, rows.map(|(index, text)| entry(index, text, 34)).to_vec())
}
