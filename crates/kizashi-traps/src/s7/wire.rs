//! Packets of ISO transport over TCP, and the head of S7 communication inside them.

use crate::datagram::Reader;
use crate::framed::Frame;

/// Version and length of a packet (RFC 1006, 6).
const PACKET: usize = 4;

pub(super) fn frame(held: &[u8]) -> Frame {
    let &[3, 0, high, low, ..] = held else {
        return if held.len() < PACKET { Frame::More } else { Frame::Foreign };
    };
    match u16::from_be_bytes([high, low]) {
        length if length < 7 => Frame::Foreign,
        length => Frame::Whole(usize::from(length)),
    }
}

/// What a packet carries.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Transport<'a> {
    /// A connection is asked for: by whom, and the selectors of caller and called.
    Connect {
        reference: u16,
        calling: &'a [u8],
        called: &'a [u8],
    },
    Disconnect,
    Data(&'a [u8]),
    Unknown,
}

impl<'a> Transport<'a> {
    pub(super) fn of(packet: &'a [u8]) -> Self {
        let mut reader = Reader(packet.get(PACKET..).unwrap_or_default());
        let length = reader.byte().map(usize::from);
        let Some(head) = length.and_then(|length| reader.take(length)) else {
            return Self::Unknown;
        };
        match head.first().map(|kind| kind & 0xf0) {
            Some(0xe0) => Self::connect(&head[1..]),
            Some(0x80) => Self::Disconnect,
            Some(0xf0) => Self::Data(reader.0),
            _ => Self::Unknown,
        }
    }

    fn connect(head: &'a [u8]) -> Self {
        let mut reader = Reader(head);
        let (Some(_), Some(reference), Some(_)) = (reader.be16(), reader.be16(), reader.byte())
        else {
            return Self::Unknown;
        };
        let (mut calling, mut called) = (&[][..], &[][..]);
        while let (Some(code), Some(length)) = (reader.byte(), reader.byte()) {
            let Some(value) = reader.take(usize::from(length)) else { break };
            match code {
                0xc1 => calling = value,
                0xc2 => called = value,
                _ => {}
            }
        }
        Self::Connect { reference, calling, called }
    }
}

fn packet(content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let length = u16::try_from(content.len() + PACKET).unwrap_or(u16::MAX).to_be_bytes();
    [&[3, 0][..], &length, &content].concat()
}

/// A connection confirmed, with packets of 1,024 bytes at most.
pub(super) fn confirmed(reference: u16, own: u16, calling: &[u8], called: &[u8]) -> Vec<u8> {
    let parameter = |code: u8, value: &[u8]| {
        let value = value.get(..value.len().min(16)).unwrap_or_default();
        [&[code, u8::try_from(value.len()).unwrap_or(0)][..], value].concat()
    };
    let parameters =
        [&[0xc0, 1, 10][..], &parameter(0xc1, calling), &parameter(0xc2, called)].concat();
    let length = u8::try_from(6 + parameters.len()).unwrap_or(6);
    packet(&[&[length, 0xd0], &reference.to_be_bytes(), &own.to_be_bytes(), &[0], &parameters])
}

pub(super) const JOB: u8 = 1;
pub(super) const USERDATA: u8 = 7;
const ACKNOWLEDGED: u8 = 3;

/// A message of S7 communication.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub(super) kind: u8,
    pub(super) reference: [u8; 2],
    pub(super) parameters: &'a [u8],
    pub(super) data: &'a [u8],
}

impl<'a> Message<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let head = reader.take(10)?;
        if head[0] != 0x32 {
            return None;
        }
        // An acknowledgement has an error's class and code besides.
        if matches!(head[1], 2 | 3) {
            reader.take(2)?;
        }
        let length = |at: usize| usize::from(u16::from_be_bytes([head[at], head[at + 1]]));
        let parameters = reader.take(length(6))?;
        let data = reader.take(length(8))?;
        Some(Self { kind: head[1], reference: [head[4], head[5]], parameters, data })
    }

    /// The answer to a job.
    pub(super) fn acknowledged(&self, error: u16, parameters: &[u8], data: &[u8]) -> Vec<u8> {
        self.answer(ACKNOWLEDGED, &error.to_be_bytes(), parameters, data)
    }

    /// The answer to a request of the system's services.
    pub(super) fn told(&self, parameters: &[u8], data: &[u8]) -> Vec<u8> {
        self.answer(USERDATA, &[], parameters, data)
    }

    fn answer(&self, kind: u8, error: &[u8], parameters: &[u8], data: &[u8]) -> Vec<u8> {
        let length = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap_or(0).to_be_bytes();
        let head = [&[0x32, kind, 0, 0][..], &self.reference].concat();
        packet(&[
            &[2, 0xf0, 0x80],
            &head,
            &length(parameters),
            &length(data),
            error,
            parameters,
            data,
        ])
    }
}
