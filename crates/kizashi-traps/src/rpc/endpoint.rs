//! The mapper of endpoints (C706, appendix O) and the resolver of object exporters (MS-DCOM 3.1.2.5.1): what is asked on TCP 135. The first says where
//! Windows' own services listen, the second gives the machine's names and addresses to whoever asks.

use std::net::IpAddr;

use super::ndr::{Reader, Writer};
use super::pdu::{Uuid, uuid};
use super::{Caller, Fault, Results, status};
use crate::windows::utf16;

/// An interface of Windows', its version, what it is called, and which of its dynamic ports it has.
const SERVICES: &[(Uuid, u16, &str, u64)] = &[
    (uuid(0xd95a_fe70, 0xa6d5, 0x4259, [0x82, 0x2e, 0x2c, 0x84, 0xda, 0x1d, 0xdb, 0x0d]), 1, "", 0),
    (
        uuid(0xf6be_aff7, 0x1e19, 0x4fbb, [0x9f, 0x8f, 0xb8, 0x9e, 0x20, 0x18, 0x33, 0x7c]),
        1,
        "Event log TCPIP",
        1,
    ),
    (uuid(0x8650_4f66, 0x2c9a, 0x4d0b, [0x9b, 0x0d, 0x5f, 0x91, 0x2a, 0x6d, 0x4c, 0x3c]), 1, "", 2),
    (uuid(0x367a_bb81, 0x9844, 0x35f1, [0xad, 0x32, 0x98, 0xf0, 0x38, 0, 0x10, 0x03]), 2, "", 3),
    (uuid(0x1234_5778, 0x1234, 0xabcd, [0xef, 0, 0x01, 0x23, 0x45, 0x67, 0x89, 0xac]), 1, "", 4),
];
const NDR: Uuid = uuid(0x8a88_5d04, 0x1ceb, 0x11c9, [0x9f, 0xe8, 0x08, 0, 0x2b, 0x10, 0x48, 0x60]);
/// No more entries (`ept_s_not_registered`).
const NOT_REGISTERED: u32 = 0x16c9_a0d6;
/// Bytes of a tower taken.
const LONGEST_TOWER: usize = 512;

/// A dynamic port: from 49152 on, as Windows of 2008 and later gives them out one after another.
fn port(place: u64) -> u16 {
    u16::try_from(49_152 + place).unwrap_or(49_152)
}

/// Where an interface is: five floors (C706, appendix L).
fn tower(interface: &Uuid, version: u16, port: u16, address: IpAddr) -> Vec<u8> {
    let mut bytes = 5_u16.to_le_bytes().to_vec();
    for (uuid, major) in [(interface, version), (&NDR, 2)] {
        bytes.extend(19_u16.to_le_bytes());
        bytes.push(0x0d);
        bytes.extend(uuid);
        bytes.extend(major.to_le_bytes());
        bytes.extend([2, 0, 0, 0]);
    }
    bytes.extend([1, 0, 0x0b, 2, 0, 0, 0]);
    bytes.extend([1, 0, 0x07, 2, 0]);
    bytes.extend(port.to_be_bytes());
    bytes.extend([1, 0, 0x09, 4, 0]);
    bytes.extend(match address {
        IpAddr::V4(address) => address.octets(),
        IpAddr::V6(_) => [0; 4],
    });
    bytes
}

fn here(caller: &Caller<'_>) -> IpAddr {
    caller.visit.destination.unwrap_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED))
}

pub(super) fn mapper(operation: u16, stub: &[u8], caller: &Caller<'_>) -> Results {
    match operation {
        2 => lookup(&mut Reader::new(stub), caller).ok_or(Fault::BAD_STUB),
        3 => map(&mut Reader::new(stub), caller).ok_or(Fault::BAD_STUB),
        // ept_lookup_handle_free.
        4 => Ok(Writer::default().raw(&[0; 20]).long(status::OK).done()),
        _ => Err(Fault::NO_SUCH_OPERATION),
    }
}

/// `ept_lookup`: all that is registered, in one answer; the handle with which a client would ask on is none.
fn lookup(reader: &mut Reader<'_>, caller: &Caller<'_>) -> Option<Vec<u8>> {
    // Which kind; an object and an interface, where asked for; which versions; a handle.
    reader.long()?;
    for size in [16, 20] {
        if reader.long()? != 0 {
            reader.take(size)?;
        }
    }
    reader.long()?;
    reader.handle()?;
    let most = usize::try_from(reader.long()?).ok()?;
    let entries: Vec<_> = SERVICES.iter().take(most).collect();
    let mut writer = Writer::default();
    writer.raw(&[0; 20]).count(entries.len());
    // Most, first and actual of a varying array.
    writer.count(most.min(500)).long(0).count(entries.len());
    for (.., annotation, _) in &entries {
        writer.raw(&[0; 16]).pointer();
        // A varying string of bytes.
        writer.long(0).count(annotation.len() + 1).raw(annotation.as_bytes()).byte(0).align(4);
    }
    for (interface, version, _, place) in &entries {
        let tower = tower(interface, *version, port(*place), here(caller));
        writer.align(4).count(tower.len()).count(tower.len()).raw(&tower);
    }
    Some(writer.long(status::OK).done())
}

/// `ept_map`: where one interface is.
fn map(reader: &mut Reader<'_>, caller: &Caller<'_>) -> Option<Vec<u8>> {
    if reader.long()? != 0 {
        reader.take(16)?;
    }
    let mut wanted = None;
    if reader.long()? != 0 {
        let length = usize::try_from(reader.long()?).ok().filter(|size| *size <= LONGEST_TOWER)?;
        reader.long()?;
        let bytes = reader.take(length)?;
        wanted = bytes.get(5..21).and_then(|uuid| Uuid::try_from(uuid).ok());
    }
    let found = wanted.and_then(|wanted| SERVICES.iter().find(|(uuid, ..)| *uuid == wanted));
    let mut writer = Writer::default();
    let Some((interface, version, _, place)) = found else {
        return Some(writer.raw(&[0; 20]).longs(&[0, 0, 0, 0]).long(NOT_REGISTERED).done());
    };
    let tower = tower(interface, *version, port(*place), here(caller));
    writer.raw(&[0; 20]).longs(&[1, 1, 0, 1]).pointer();
    writer.count(tower.len()).count(tower.len()).raw(&tower);
    Some(writer.long(status::OK).done())
}

/// `ServerAlive` and `ServerAlive2`.
pub(super) fn resolver(operation: u16, caller: &Caller<'_>) -> Results {
    match operation {
        3 => Ok(Writer::default().long(status::OK).done()),
        5 => Ok(alive(caller)),
        _ => Err(Fault::NO_SUCH_OPERATION),
    }
}

/// Version 5.7 of DCOM, and how the machine is reached (`DUALSTRINGARRAY`): by its name and its address over TCP.
fn alive(caller: &Caller<'_>) -> Vec<u8> {
    let mut names = vec![caller.windows.computer.clone()];
    if let Some(address) = caller.visit.destination {
        names.push(address.to_string());
    }
    let mut bytes = Vec::new();
    for name in names {
        // Tower 7: TCP.
        bytes.extend(7_u16.to_le_bytes());
        bytes.extend(utf16(&name));
        bytes.extend([0, 0]);
    }
    bytes.extend([0, 0]);
    let security = bytes.len() / 2;
    for service in [0x09_u16, 0x0a, 0x10] {
        // NEGOTIATE, NTLM, Kerberos; any authorisation, no name.
        bytes.extend(service.to_le_bytes());
        bytes.extend([0xff, 0xff, 0, 0]);
    }
    bytes.extend([0, 0]);
    let count = bytes.len() / 2;
    let mut writer = Writer::default();
    writer.short(5).short(7).pointer().count(count);
    writer.short(u16::try_from(count).unwrap_or(0)).short(u16::try_from(security).unwrap_or(0));
    writer.raw(&bytes).long(0).long(status::OK).done()
}
