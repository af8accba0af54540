//! Frames of BACnet/IP (ASHRAE 135: Annex J, clauses 6 and 20): a header of the link, one of the network, and a request.

use crate::datagram::Reader;

const BACNET_IP: u8 = 0x81;
const UNICAST: u8 = 0x0a;
const BROADCAST: u8 = 0x0b;

pub(super) const READ_PROPERTY: u8 = 12;
pub(super) const READ_MULTIPLE: u8 = 14;
pub(super) const WRITE_PROPERTY: u8 = 15;
pub(super) const CONTROL: u8 = 17;
pub(super) const REINITIALIZE: u8 = 20;

/// What a frame asks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request<'a> {
    Confirmed {
        id: u8,
        service: u8,
        content: &'a [u8],
    },
    Unconfirmed {
        service: u8,
    },
    /// Of the link alone, such as a registration for broadcasts.
    Link {
        function: u8,
    },
}

pub(super) fn read(bytes: &[u8]) -> Option<Request<'_>> {
    let mut reader = Reader(bytes);
    let (kind, function) = (reader.byte()?, reader.byte()?);
    if kind != BACNET_IP || usize::from(reader.be16()?) != bytes.len() {
        return None;
    }
    if !matches!(function, UNICAST | BROADCAST) {
        return Some(Request::Link { function });
    }
    let (version, control) = (reader.byte()?, reader.byte()?);
    if version != 1 || control & 0x80 != 0 {
        return None;
    }
    // Destination, source, and the hops that a destination has left.
    for there in [control & 0x20 != 0, control & 0x08 != 0] {
        if there {
            reader.be16()?;
            let length = reader.byte()?;
            reader.take(usize::from(length))?;
        }
    }
    if control & 0x20 != 0 {
        reader.byte()?;
    }
    match reader.byte()? >> 4 {
        0 => {
            let (_sizes, id, service) = (reader.byte()?, reader.byte()?, reader.byte()?);
            Some(Request::Confirmed { id, service, content: reader.0 })
        }
        1 => Some(Request::Unconfirmed { service: reader.byte()? }),
        _ => None,
    }
}

/// Object and property of ReadProperty and WriteProperty (clause 15.5): context 0, four bytes; context 1, one or two.
pub(super) fn property(content: &[u8]) -> Option<(u32, u16)> {
    let mut reader = Reader(content);
    if reader.byte()? != 0x0c {
        return None;
    }
    let object = reader.be32()?;
    let number = match reader.byte()? {
        0x19 => u16::from(reader.byte()?),
        0x1a => reader.be16()?,
        _ => return None,
    };
    Some((object, number))
}

/// A frame with this answer.
pub(super) fn frame(answer: &[u8]) -> Vec<u8> {
    let length = u16::try_from(answer.len() + 6).unwrap_or(0);
    [&[BACNET_IP, UNICAST][..], &length.to_be_bytes(), &[1, 0], answer].concat()
}

pub(super) fn acknowledged(id: u8, service: u8) -> Vec<u8> {
    frame(&[0x20, id, service])
}

/// A reason of clause 20.1.9.4, by the server.
pub(super) fn aborted(id: u8, reason: u8) -> Vec<u8> {
    frame(&[0x71, id, reason])
}

/// Class and code of clause 18.
pub(super) fn refused(id: u8, service: u8, class: u8, code: u8) -> Vec<u8> {
    frame(&[0x50, id, service, 0x91, class, 0x91, code])
}

/// The value of a property, encoded with its tag.
pub(super) fn value(id: u8, object: u32, property: u8, encoded: &[u8]) -> Vec<u8> {
    let head = [0x30, id, READ_PROPERTY, 0x0c];
    let name = [0x19, property, 0x3e];
    frame(&[&head[..], &object.to_be_bytes(), &name, encoded, &[0x3f]].concat())
}

/// See [`crate::fuzz::datagrams`].
pub(crate) fn fuzz(bytes: &[u8]) {
    if let Some(Request::Confirmed { content, .. }) = read(bytes) {
        let _ = property(content);
    }
}
