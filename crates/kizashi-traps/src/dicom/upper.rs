//! Units of the upper layer (PS3.8, 9.3).

use crate::datagram::Reader;

/// A context for messages: its number, and the syntax in which they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Context {
    pub(super) number: u8,
    pub(super) syntax: Vec<u8>,
}

/// A request for an association.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Association {
    pub(super) called: Vec<u8>,
    pub(super) calling: Vec<u8>,
    pub(super) contexts: Vec<Context>,
    /// The caller's program.
    pub(super) version: Vec<u8>,
}

/// Implicit value representation, little endian.
pub(super) const IMPLICIT: &[u8] = b"1.2.840.10008.1.2";
/// The standard's own name.
const APPLICATION: &[u8] = b"1.2.840.10008.3.1.1.1";
/// DCMTK 3.6.7.
const IMPLEMENTATION: &[u8] = b"1.2.276.0.7230010.3.0.3.6.7";
const VERSION: &[u8] = b"OFFIS_DCMTK_367";
/// Contexts of an association; their numbers are odd.
const MOST_CONTEXTS: usize = 128;
/// Bytes of a unit that may be sent here.
pub(super) const MOST_DATA: u32 = 16 * 1024;

/// Items: a kind, a byte that means nothing, a length of two bytes.
fn items(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut reader = Reader(bytes);
    std::iter::from_fn(move || {
        let (kind, _) = (reader.byte()?, reader.byte()?);
        let length = usize::from(reader.be16()?);
        Some((kind, reader.take(length)?))
    })
}

impl Association {
    /// Reads what follows a unit's head.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let mut reader = Reader(body);
        let _ = (reader.be16()?, reader.be16()?);
        let (called, calling) = (reader.take(16)?, reader.take(16)?);
        let _ = reader.take(32)?;
        let mut read = Self {
            called: called.trim_ascii().to_vec(),
            calling: calling.trim_ascii().to_vec(),
            ..Self::default()
        };
        for (kind, item) in items(reader.0) {
            match kind {
                0x20 if read.contexts.len() < MOST_CONTEXTS => read.contexts.extend(context(item)),
                0x50 => {
                    let version = items(item).find(|(kind, _)| *kind == 0x55);
                    read.version = version.map_or_else(Vec::new, |(_, text)| text.to_vec());
                }
                _ => {}
            }
        }
        Some(read)
    }

    /// The acceptance of it.
    pub(super) fn accepted(&self) -> Vec<u8> {
        let padded = |name: &[u8]| {
            let mut name = name.get(..16).unwrap_or(name).to_vec();
            name.resize(16, b' ');
            name
        };
        let mut body =
            [&[0, 1, 0, 0][..], &padded(&self.called), &padded(&self.calling), &[0; 32]].concat();
        body.extend(item(0x10, APPLICATION));
        for context in &self.contexts {
            let syntax = item(0x40, &context.syntax);
            body.extend(item(0x21, &[&[context.number, 0, 0, 0][..], &syntax].concat()));
        }
        let user =
            [item(0x51, &MOST_DATA.to_be_bytes()), item(0x52, IMPLEMENTATION), item(0x55, VERSION)];
        body.extend(item(0x50, &user.concat()));
        unit(2, &body)
    }
}

fn context(item: &[u8]) -> Option<Context> {
    let mut reader = Reader(item);
    let number = reader.byte()?;
    let _ = reader.take(3)?;
    let offered: Vec<&[u8]> =
        items(reader.0).filter(|(kind, _)| *kind == 0x40).map(|(_, syntax)| syntax).collect();
    let implicit = offered.iter().find(|syntax| **syntax == IMPLICIT);
    let syntax = implicit.or(offered.first()).copied().unwrap_or(IMPLICIT);
    Some(Context { number, syntax: syntax.get(..syntax.len().min(64))?.to_vec() })
}

fn item(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or(0).to_be_bytes();
    [&[kind, 0][..], &length, content].concat()
}

pub(super) fn unit(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or(0).to_be_bytes();
    [&[kind, 0][..], &length, body].concat()
}

/// A piece of a message: its context, whether it is of the command, whether it is the last, and its bytes.
pub(super) struct Piece<'a> {
    pub(super) context: u8,
    pub(super) command: bool,
    pub(super) last: bool,
    pub(super) bytes: &'a [u8],
}

/// The pieces in a unit of data.
pub(super) fn pieces(body: &[u8]) -> impl Iterator<Item = Piece<'_>> {
    let mut reader = Reader(body);
    std::iter::from_fn(move || {
        let length = usize::try_from(reader.be32()?).ok()?;
        let value = reader.take(length)?;
        let [context, control, bytes @ ..] = value else { return None };
        Some(Piece { context: *context, command: control & 1 == 1, last: control & 2 == 2, bytes })
    })
}
