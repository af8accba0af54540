//! A caller's packets, for tests.

use super::ndr::Writer;
use super::pdu::{FIRST, LAST, Packet, Uuid, kind, uuid};

pub(crate) const SRVSVC: Uuid =
    uuid(0x4b32_4fc8, 0x1670, 0x01d3, [0x12, 0x78, 0x5a, 0x47, 0xbf, 0x6e, 0xe1, 0x88]);
pub(crate) const SVCCTL: Uuid =
    uuid(0x367a_bb81, 0x9844, 0x35f1, [0xad, 0x32, 0x98, 0xf0, 0x38, 0, 0x10, 0x03]);
pub(crate) const RESOLVER: Uuid =
    uuid(0x99fc_fec4, 0x5260, 0x101b, [0xbb, 0xcb, 0, 0xaa, 0, 0x21, 0x34, 0x7a]);
const NDR: Uuid = uuid(0x8a88_5d04, 0x1ceb, 0x11c9, [0x9f, 0xe8, 0x08, 0, 0x2b, 0x10, 0x48, 0x60]);

/// Calls of one interface.
pub(crate) struct Calls {
    pub(crate) interface: Uuid,
    pub(crate) version: u32,
}

impl Calls {
    pub(crate) fn bind(&self) -> Vec<u8> {
        let mut body = vec![0xb8, 0x10, 0xb8, 0x10, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0];
        body.extend(self.interface);
        body.extend(self.version.to_le_bytes());
        body.extend(NDR);
        body.extend(2_u32.to_le_bytes());
        Packet { kind: kind::BIND, flags: FIRST | LAST, call: 1, body, auth: None }.write()
    }

    pub(crate) fn request(operation: u16, stub: &[u8]) -> Vec<u8> {
        let mut body = u32::try_from(stub.len()).unwrap().to_le_bytes().to_vec();
        body.extend([0, 0]);
        body.extend(operation.to_le_bytes());
        body.extend(stub);
        Packet { kind: kind::REQUEST, flags: FIRST | LAST, call: 2, body, auth: None }.write()
    }
}

/// `NetrShareEnum` at level 1.
pub(crate) fn share_enum() -> Vec<u8> {
    let stub = Writer::default().null().longs(&[1, 1]).pointer().longs(&[0, 0, u32::MAX, 0]).done();
    Calls::request(15, &stub)
}

/// `ROpenSCManagerW`.
pub(crate) fn open_manager() -> Vec<u8> {
    Calls::request(15, &Writer::default().longs(&[0, 0, 0x000f_003f]).done())
}

/// `RCreateServiceW`.
pub(crate) fn create_service(manager: &[u8], name: &str, line: &str) -> Vec<u8> {
    let mut stub = Writer::default();
    stub.raw(manager).text(name).align(4).null().longs(&[0x000f_01ff, 0x10, 3, 0]).text(line);
    Calls::request(12, &stub.align(4).longs(&[0, 0, 0, 0, 0, 0, 0]).done())
}

/// `RStartServiceW`.
pub(crate) fn start_service(service: &[u8]) -> Vec<u8> {
    Calls::request(19, &Writer::default().raw(service).longs(&[0, 0]).done())
}

/// `NetprPathCanonicalize` with what MS08-067 overflows by.
pub(crate) fn overflow() -> Vec<u8> {
    let mut stub = Writer::default();
    stub.null().text(&"\\A\\..\\..\\".repeat(60)).align(4).longs(&[1_000, 0, 0, 0]);
    Calls::request(31, &stub.done())
}

pub(crate) const MAPPER: Uuid =
    uuid(0xe1af_8308, 0x5d1f, 0x11c9, [0x91, 0xa4, 0x08, 0, 0x2b, 0x14, 0xa0, 0xfa]);
pub(crate) const ACTIVATION: Uuid =
    uuid(0x4d9f_4ab8, 0x7d1c, 0x11cf, [0x86, 0x1e, 0, 0x20, 0xaf, 0x6e, 0x7c, 0x57]);

impl Calls {
    /// AUTH3, which brings the last token.
    pub(crate) fn proof() -> Vec<u8> {
        let body = vec![0; 4];
        Packet { kind: kind::AUTH3, flags: FIRST | LAST, call: 1, body, auth: None }.write()
    }
}

/// A packet with a token behind it.
pub(crate) fn with_token(packet: &[u8], token: &[u8]) -> Vec<u8> {
    let mut bytes = packet.to_vec();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes.extend([10, 2, 0, 0, 0, 0, 0, 0]);
    bytes.extend(token);
    let length = u16::try_from(bytes.len()).unwrap().to_le_bytes();
    bytes[8..10].copy_from_slice(&length);
    bytes[10..12].copy_from_slice(&u16::try_from(token.len()).unwrap().to_le_bytes());
    bytes
}

/// `ept_lookup` of everything.
pub(crate) fn lookup() -> Vec<u8> {
    let stub = Writer::default().longs(&[0, 0, 0, 1]).raw(&[0; 20]).long(500).done();
    Calls::request(2, &stub)
}
