//! Commands of messages: elements of group 0, always in implicit little endian (PS3.7, 6.3 and E.1).

use crate::datagram::Reader;

/// What a command holds of what is needed to answer it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) field: u16,
    pub(super) number: u16,
    /// What it is about, and which one.
    pub(super) class: Vec<u8>,
    pub(super) instance: Vec<u8>,
    /// Where pictures are to be moved.
    pub(super) destination: Vec<u8>,
    /// A data set follows.
    pub(super) with_data: bool,
}

pub(super) const STORE: u16 = 0x0001;
pub(super) const GET: u16 = 0x0010;
pub(super) const FIND: u16 = 0x0020;
pub(super) const MOVE: u16 = 0x0021;
pub(super) const ECHO: u16 = 0x0030;

/// No data set.
const NONE: u16 = 0x0101;
/// Bytes of a text kept.
const LONGEST_TEXT: usize = 64;

impl Command {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let mut command = Self::default();
        while let (Some(group), Some(element)) = (reader.le16(), reader.le16()) {
            let length = usize::try_from(reader.le32()?).ok()?;
            let value = reader.take(length)?;
            if group != 0 {
                return None;
            }
            let number = Reader(value).le16().unwrap_or(0);
            let text = || {
                let text = value.trim_ascii().strip_suffix(b"\0").unwrap_or(value.trim_ascii());
                text.get(..text.len().min(LONGEST_TEXT)).unwrap_or_default().to_vec()
            };
            match element {
                0x0002 => command.class = text(),
                0x0100 => command.field = number,
                0x0110 => command.number = number,
                0x0600 => command.destination = text(),
                0x0800 => command.with_data = number != NONE,
                0x1000 => command.instance = text(),
                _ => {}
            }
        }
        (command.field != 0).then_some(command)
    }

    pub(super) fn word(&self) -> String {
        match self.field {
            STORE => "C-STORE".to_owned(),
            GET => "C-GET".to_owned(),
            FIND => "C-FIND".to_owned(),
            MOVE => "C-MOVE".to_owned(),
            ECHO => "C-ECHO".to_owned(),
            0x0fff => "C-CANCEL".to_owned(),
            other => format!("{other:#06x}"),
        }
    }

    /// The answer with this status.
    pub(super) fn answered(&self, status: u16) -> Vec<u8> {
        let text = |element, text: &[u8]| {
            let padding: &[u8] = if text.len() % 2 == 1 { b"\0" } else { b"" };
            put(element, &[text, padding].concat())
        };
        let mut elements = text(0x0002, &self.class);
        elements.extend(put(0x0100, &(self.field | 0x8000).to_le_bytes()));
        elements.extend(put(0x0120, &self.number.to_le_bytes()));
        elements.extend(put(0x0800, &NONE.to_le_bytes()));
        elements.extend(put(0x0900, &status.to_le_bytes()));
        if self.field == STORE {
            elements.extend(text(0x1000, &self.instance));
        }
        let length = u32::try_from(elements.len()).unwrap_or(0);
        [put(0x0000, &length.to_le_bytes()), elements].concat()
    }
}

fn put(element: u16, value: &[u8]) -> Vec<u8> {
    let length = u32::try_from(value.len()).unwrap_or(0).to_le_bytes();
    [&[0, 0][..], &element.to_le_bytes(), &length, value].concat()
}
