//! DCE-RPC's packets (C706, 12; MS-RPCE 2.2.2), connection-oriented, version 5.0: put together from a stream or a pipe's writes, and written.

use crate::datagram::Reader as Bytes;
use crate::ntlm::{SIGNATURE, Seal};

/// Bytes of one fragment that are taken; a Windows client's are 5,840 at most, an overflow's may be larger.
pub(crate) const LONGEST: usize = 16 * 1024;
/// What we announce, and the most we send in one.
pub(crate) const FRAGMENT: u16 = 4_280;
const HEAD: usize = 16;
/// Interfaces that one bind may ask for: Windows' own ask for three at most, scanners for more.
const MOST_CONTEXTS: usize = 32;

pub(crate) mod kind {
    pub(crate) const REQUEST: u8 = 0;
    pub(crate) const RESPONSE: u8 = 2;
    pub(crate) const FAULT: u8 = 3;
    pub(crate) const BIND: u8 = 11;
    pub(crate) const BIND_ACK: u8 = 12;
    pub(crate) const BIND_NAK: u8 = 13;
    pub(crate) const ALTER_CONTEXT: u8 = 14;
    pub(crate) const ALTER_CONTEXT_RESPONSE: u8 = 15;
    pub(crate) const AUTH3: u8 = 16;
}

/// First and last fragment.
pub(crate) const FIRST: u8 = 1;
pub(crate) const LAST: u8 = 2;
const OBJECT: u8 = 0x80;

/// A UUID as it stands on the wire.
pub(crate) type Uuid = [u8; 16];

/// A UUID from its text's five groups.
pub(crate) const fn uuid(first: u32, second: u16, third: u16, rest: [u8; 8]) -> Uuid {
    let (a, b, c) = (first.to_le_bytes(), second.to_le_bytes(), third.to_le_bytes());
    let r = rest;
    [a[0], a[1], a[2], a[3], b[0], b[1], c[0], c[1], r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7]]
}

/// As people write it.
pub(crate) fn shown(uuid: &Uuid) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let turned =
        |bytes: &[u8]| bytes.iter().rev().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!(
        "{}-{}-{}-{}-{}",
        turned(&uuid[..4]),
        turned(&uuid[4..6]),
        turned(&uuid[6..8]),
        hex(&uuid[8..10]),
        hex(&uuid[10..])
    )
}

/// A fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) call: u32,
    /// Between header and verifier.
    pub(crate) body: Vec<u8>,
    /// The verifier: who is behind the call, and its signature.
    pub(crate) auth: Option<Auth>,
}

/// A verifier (`sec_trailer`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Auth {
    pub(crate) kind: u8,
    pub(crate) level: u8,
    pub(crate) context: u32,
    pub(crate) token: Vec<u8>,
    /// Of a packet that came: all of it before the token, which a signature is over.
    pub(crate) covered: Vec<u8>,
}

/// What calls are protected by, beside who made them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protection {
    Signed,
    Sealed,
}

impl Auth {
    /// `None` where nothing is but the caller's name.
    pub(crate) const fn protection(&self) -> Option<Protection> {
        match self.level {
            0..=2 => None,
            6 => Some(Protection::Sealed),
            _ => Some(Protection::Signed),
        }
    }
}

/// Puts fragments together.
#[derive(Debug, Default)]
pub(crate) struct Fragments {
    held: Vec<u8>,
}

/// What came of bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read {
    More,
    Packet(Packet),
    /// No packet of this protocol, or too long a one: the bytes held.
    Foreign(Vec<u8>),
}

impl Fragments {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// The next packet of what was pushed.
    pub(crate) fn next(&mut self) -> Read {
        let Some(head) = self.held.first_chunk::<HEAD>() else { return Read::More };
        let length = usize::from(u16::from_le_bytes([head[8], head[9]]));
        let auth = usize::from(u16::from_le_bytes([head[10], head[11]]));
        // Little-endian alone: no client that attacks comes from a machine that is not.
        if head[0] != 5 || head[4] & 0xf0 != 0x10 || !(HEAD..=LONGEST).contains(&length) {
            return Read::Foreign(self.rest());
        }
        if self.held.len() < length {
            return Read::More;
        }
        let rest = self.held.split_off(length);
        let whole = std::mem::replace(&mut self.held, rest);
        packet(&whole, auth).map_or_else(|| Read::Foreign(whole.clone()), Read::Packet)
    }

    pub(crate) fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }

    pub(crate) fn held(&self) -> usize {
        self.held.len()
    }
}

fn packet(whole: &[u8], auth_length: usize) -> Option<Packet> {
    let call = u32::from_le_bytes([whole[12], whole[13], whole[14], whole[15]]);
    let (body, auth) = if auth_length == 0 {
        (&whole[HEAD..], None)
    } else {
        let start = whole.len().checked_sub(auth_length + 8)?;
        let trailer = whole.get(start..).filter(|_| start >= HEAD)?;
        let padding = usize::from(trailer[2]);
        let body = whole.get(HEAD..start.checked_sub(padding)?)?;
        let context = u32::from_le_bytes([trailer[4], trailer[5], trailer[6], trailer[7]]);
        let token = trailer[8..].to_vec();
        let covered = whole[..start + 8].to_vec();
        (body, Some(Auth { kind: trailer[0], level: trailer[1], context, token, covered }))
    };
    Some(Packet { kind: whole[2], flags: whole[3], call, body: body.to_vec(), auth })
}

impl Packet {
    /// Writes a packet.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut bytes = vec![5, 0, self.kind, self.flags, 0x10, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend(self.call.to_le_bytes());
        bytes.extend(&self.body);
        if let Some(auth) = &self.auth {
            let padded = bytes.len().next_multiple_of(4);
            let padding = u8::try_from(padded - bytes.len()).unwrap_or(0);
            bytes.resize(padded, 0);
            bytes.extend([auth.kind, auth.level, padding, 0]);
            bytes.extend(auth.context.to_le_bytes());
            bytes.extend(&auth.token);
            let length = u16::try_from(auth.token.len()).unwrap_or(0);
            bytes[10..12].copy_from_slice(&length.to_le_bytes());
        }
        let length = u16::try_from(bytes.len()).unwrap_or(0);
        bytes[8..10].copy_from_slice(&length.to_le_bytes());
        bytes
    }
}

/// An interface that is asked for, by the number that calls will name it with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Context {
    pub(crate) number: u16,
    pub(crate) interface: Uuid,
    pub(crate) version: u32,
    pub(crate) transfers: Vec<Uuid>,
}

fn uuid_of(reader: &mut Bytes<'_>) -> Option<Uuid> {
    reader.take(16).and_then(|bytes| bytes.try_into().ok())
}

fn word(reader: &mut Bytes<'_>) -> Option<u32> {
    reader.be32().map(u32::swap_bytes)
}

/// Reads what a bind asks for.
pub(crate) fn contexts(body: &[u8]) -> Option<Vec<Context>> {
    let mut reader = Bytes(body);
    reader.take(8)?;
    let count = usize::from(reader.byte()?);
    reader.take(3)?;
    let mut contexts = Vec::new();
    for _ in 0..count.min(MOST_CONTEXTS) {
        let number = reader.be16()?.swap_bytes();
        let transfers = reader.byte()?;
        reader.take(1)?;
        let interface = uuid_of(&mut reader)?;
        let version = word(&mut reader)?;
        let mut offered = Vec::new();
        for _ in 0..transfers {
            offered.push(uuid_of(&mut reader)?);
            word(&mut reader)?;
        }
        contexts.push(Context { number, interface, version, transfers: offered });
    }
    Some(contexts)
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request<'a> {
    pub(crate) context: u16,
    pub(crate) operation: u16,
    pub(crate) stub: &'a [u8],
}

/// Reads a request's body.
pub(crate) fn request(packet: &Packet) -> Option<Request<'_>> {
    let mut reader = Bytes(&packet.body);
    reader.take(4)?;
    let (context, operation) = (reader.be16()?.swap_bytes(), reader.be16()?.swap_bytes());
    if packet.flags & OBJECT != 0 {
        reader.take(16)?;
    }
    Some(Request { context, operation, stub: reader.0 })
}

/// A result in as many fragments as it needs.
pub(crate) fn response(call: u32, context: u16, stub: &[u8]) -> Vec<u8> {
    let room = usize::from(FRAGMENT) - STUB;
    fragments(call, context, stub, room).iter().flat_map(Packet::write).collect()
}

fn fragments(call: u32, context: u16, stub: &[u8], room: usize) -> Vec<Packet> {
    let pieces: Vec<&[u8]> = if stub.is_empty() { vec![stub] } else { stub.chunks(room).collect() };
    let mut packets = Vec::new();
    let mut left = stub.len();
    for (at, piece) in pieces.iter().enumerate() {
        let first = if at == 0 { FIRST } else { 0 };
        let last = if at + 1 == pieces.len() { LAST } else { 0 };
        let mut body = u32::try_from(left).unwrap_or(0).to_le_bytes().to_vec();
        body.extend(context.to_le_bytes());
        body.extend([0, 0]);
        body.extend(*piece);
        left -= piece.len();
        let flags = first | last;
        packets.push(Packet { kind: kind::RESPONSE, flags, call, body, auth: None });
    }
    packets
}

/// Where the arguments of a call stand in its packet, behind the head and what names the call.
const STUB: usize = HEAD + 8;

impl Packet {
    /// Checks a call's signature and puts its arguments in the clear; whether they are what was signed.
    pub(crate) fn unprotect(&mut self, theirs: &mut Seal) -> bool {
        let Some(auth) = &self.auth else { return true };
        let Some(protection) = auth.protection() else { return true };
        let mut whole = auth.covered.clone();
        let end = whole.len().saturating_sub(8);
        let start = if self.flags & OBJECT == 0 { STUB } else { STUB + 16 };
        let part = if protection == Protection::Sealed { start.min(end)..end } else { 0..0 };
        let true_to_it = theirs.unseal_within(&mut whole, part, &auth.token);
        let length = self.body.len();
        if let Some(body) = whole.get(HEAD..HEAD + length) {
            self.body.copy_from_slice(body);
        }
        true_to_it
    }
}

/// The same result signed, and sealed where the call was.
pub(crate) fn protected(
    call: u32,
    context: u16,
    stub: &[u8],
    (auth, protection): (&Auth, Protection),
    ours: &mut Seal,
) -> Vec<u8> {
    let room = usize::from(FRAGMENT) - STUB - 8 - SIGNATURE - 4;
    let mut bytes = Vec::new();
    for fragment in fragments(call, context, stub, room) {
        let token = vec![0; SIGNATURE];
        let auth = Some(Auth { token, covered: Vec::new(), ..auth.clone() });
        let mut whole = Packet { auth, ..fragment }.write();
        whole.truncate(whole.len() - SIGNATURE);
        let end = whole.len() - 8;
        let part = if protection == Protection::Sealed { STUB..end } else { 0..0 };
        let signature = ours.seal_within(&mut whole, part);
        bytes.extend(whole);
        bytes.extend(signature);
    }
    bytes
}

/// What is no packet is refused as a bind of another version; where a call's number would be, it is given back.
pub(crate) fn refused(bytes: &[u8]) -> Vec<u8> {
    let call =
        bytes.get(12..16).and_then(|call| call.try_into().ok()).map_or(0, u32::from_le_bytes);
    // The protocol's version is not supported; 5.0 is.
    let body = vec![4, 0, 1, 5, 0, 0, 0, 0];
    let flags = FIRST | LAST;
    Packet { kind: kind::BIND_NAK, flags, call, body, auth: None }.write()
}

/// A refusal.
pub(crate) fn fault(call: u32, context: u16, status: u32) -> Vec<u8> {
    let mut body = 32_u32.to_le_bytes().to_vec();
    body.extend(context.to_le_bytes());
    body.extend([0, 0]);
    body.extend(status.to_le_bytes());
    body.extend([0; 4]);
    // The call was not executed.
    let flags = FIRST | LAST | 0x20;
    Packet { kind: kind::FAULT, flags, call, body, auth: None }.write()
}
