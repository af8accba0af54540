//! Packets (RFC 1350, 5) and options (RFC 2347).

use crate::datagram::Reader;

/// The longest name of a file, mode or option that is read.
const LONGEST: usize = 512;
/// Options of a request that are read.
const MOST_OPTIONS: usize = 8;
/// The largest block (RFC 2348).
const LARGEST_BLOCK: u64 = 65_464;

pub(super) const NOT_FOUND: u16 = 1;

/// What a client sends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Packet<'a> {
    Read(Request<'a>),
    Write(Request<'a>),
    Data { block: u16, content: &'a [u8] },
    Acknowledge,
    Error { code: u16, text: &'a [u8] },
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request<'a> {
    pub(super) name: &'a [u8],
    pub(super) mode: &'a [u8],
    pub(super) options: Vec<(&'a [u8], &'a [u8])>,
}

impl<'a> Packet<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        match reader.be16()? {
            1 => Request::read(reader.0).map(Self::Read),
            2 => Request::read(reader.0).map(Self::Write),
            3 => Some(Self::Data { block: reader.be16()?, content: reader.0 }),
            4 => reader.be16().map(|_| Self::Acknowledge),
            5 => {
                let code = reader.be16()?;
                Some(Self::Error { code, text: text(&mut reader).unwrap_or_default() })
            }
            _ => None,
        }
    }
}

impl<'a> Request<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let (name, mode) = (text(&mut reader)?, text(&mut reader)?);
        let mut options = Vec::new();
        while options.len() < MOST_OPTIONS
            && let (Some(option), Some(value)) = (text(&mut reader), text(&mut reader))
        {
            options.push((option, value));
        }
        (!name.is_empty()).then_some(Self { name, mode, options })
    }

    /// The options that are granted, as asked, and the length of a block.
    pub(super) fn granted(&self) -> (Vec<u8>, usize) {
        let (mut granted, mut block) = (Vec::new(), 512);
        for (option, value) in &self.options {
            let Some(number) = number(value) else { continue };
            let is = |name: &str| option.eq_ignore_ascii_case(name.as_bytes());
            if is("blksize") && (8..=LARGEST_BLOCK).contains(&number) {
                block = usize::try_from(number).unwrap_or(512);
            } else if !is("tsize") && (!is("timeout") || !(1..=255).contains(&number)) {
                continue;
            }
            for part in [option, value] {
                granted.extend(*part);
                granted.push(0);
            }
        }
        (granted, block)
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// A text that ends in zero.
fn text<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let length = reader.0.iter().take(LONGEST).position(|byte| *byte == 0)?;
    let text = reader.take(length)?;
    reader.take(1)?;
    Some(text)
}

pub(super) fn acknowledge(block: u16) -> Vec<u8> {
    [[0, 4], block.to_be_bytes()].concat()
}

pub(super) fn options(granted: &[u8]) -> Vec<u8> {
    [&[0, 6][..], granted].concat()
}

/// The error with its text where there is room for it, without where not.
pub(super) fn error(code: u16, text: &str, room: usize) -> Vec<u8> {
    let text = if text.len() + 5 <= room { text } else { "" };
    [&[0, 5][..], &code.to_be_bytes()[..], text.as_bytes(), &[0]].concat()
}
