//! One association: binds, fragments of calls, calls. What is told is each interface and each call once, every overflow, and who proves himself
//! in a bind.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::interface::Interface;
use super::pdu::{self, FIRST, FRAGMENT, Fragments, LAST, Packet, Read, Uuid, kind, uuid};
use super::{Caller, Fault, Way, activation, keep, note};
use crate::Output;
use crate::ntlm::{Acceptor, Seal, Step};

/// Interfaces of one association.
const MOST_BOUND: usize = 64;
/// Bytes of one call's arguments that are kept; of what is longer the beginning.
const LONGEST_STUB: usize = 40 * 1024;
/// Notes of one association.
const MOST_TOLD: usize = 64;
/// Arguments that are kept where the call is not known.
const UNKNOWN_STUB: usize = 256;
/// Objects that are open at once.
const MOST_OBJECTS: usize = 32;

/// NDR, the only form of arguments that is read.
const NDR: Uuid = uuid(0x8a88_5d04, 0x1ceb, 0x11c9, [0x9f, 0xe8, 0x08, 0, 0x2b, 0x10, 0x48, 0x60]);
/// What clients write their wishes for a connection into, in the form of such a form (MS-RPCE 2.2.2.14).
const FEATURES: [u8; 8] = [0x2c, 0x1c, 0xb7, 0x6c, 0x12, 0x98, 0x40, 0x45];

/// What a context handle stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Object {
    Sam,
    /// The machine's own accounts.
    Accounts,
    Builtin,
    User(u32),
    Policy,
    Manager,
    /// A service by name.
    Service(String),
}

/// What is open.
#[derive(Debug)]
pub(crate) struct Objects {
    salt: [u8; 16],
    given: u32,
    open: Vec<([u8; 20], Object)>,
}

impl Objects {
    /// A handle for it: its number, hidden among bytes of this association's own.
    pub(crate) fn open(&mut self, object: Object) -> [u8; 20] {
        if self.open.len() >= MOST_OBJECTS {
            self.open.remove(0);
        }
        self.given += 1;
        let mut handle = [0; 20];
        handle[4..].copy_from_slice(&self.salt);
        for (byte, number) in handle[4..8].iter_mut().zip(self.given.to_le_bytes()) {
            *byte = byte.wrapping_add(number);
        }
        self.open.push((handle, object));
        handle
    }

    pub(crate) fn get(&self, handle: [u8; 20]) -> Option<Object> {
        self.open.iter().find(|(found, _)| *found == handle).map(|(_, object)| object.clone())
    }

    pub(crate) fn close(&mut self, handle: [u8; 20]) -> bool {
        let before = self.open.len();
        self.open.retain(|(found, _)| *found != handle);
        self.open.len() < before
    }

    fn memory(&self) -> usize {
        self.open.len() * 40
    }
}

/// A call whose arguments are on their way.
#[derive(Debug)]
struct Call {
    context: u16,
    operation: u16,
    stub: Vec<u8>,
}

/// Bytes that are no packets, with all that is held behind them, and what is said to them where the way here allows it.
#[derive(Debug)]
pub(crate) struct Foreign {
    pub(crate) bytes: Vec<u8>,
    pub(crate) reply: Vec<u8>,
}

/// One association.
#[derive(Debug)]
pub(crate) struct Connection {
    fragments: Fragments,
    bound: Vec<(u16, Interface)>,
    call: Option<Call>,
    objects: Objects,
    acceptor: Option<Acceptor>,
    /// Of who proved himself with a password that is known: what he seals with, and we.
    seals: Option<(Seal, Seal)>,
    /// What a bind's answer names as the way here: `\PIPE\srvsvc`, `135`.
    address: String,
    challenge: [u8; 8],
    told: BTreeSet<String>,
}

impl Connection {
    /// `random` makes handles and the challenge.
    pub(crate) fn new(address: &str, random: [u8; 24]) -> Self {
        let mut salt = [0; 16];
        salt.copy_from_slice(&random[..16]);
        let mut challenge = [0; 8];
        challenge.copy_from_slice(&random[16..]);
        Self {
            fragments: Fragments::default(),
            bound: Vec::new(),
            call: None,
            objects: Objects { salt, given: 0, open: Vec::new() },
            acceptor: None,
            seals: None,
            address: address.to_owned(),
            challenge,
            told: BTreeSet::new(),
        }
    }

    pub(crate) fn memory(&self) -> usize {
        let call = self.call.as_ref().map_or(0, |call| call.stub.len());
        self.fragments.held() + call + self.objects.memory()
    }

    /// Bytes that were written; what is answered, or where they are of no such protocol and the association is over, those bytes.
    pub(crate) fn receive(
        &mut self,
        bytes: &[u8],
        caller: &Caller<'_>,
        out: &mut Output,
    ) -> Result<Vec<u8>, Foreign> {
        self.fragments.push(bytes);
        let mut reply = Vec::new();
        loop {
            match self.fragments.next() {
                Read::More => return Ok(reply),
                Read::Foreign(bytes) => {
                    reply.extend(pdu::refused(&bytes));
                    return Err(Foreign { bytes, reply });
                }
                Read::Packet(packet) => match self.packet(&packet, caller, out) {
                    Some(more) => reply.extend(more),
                    None => {
                        let bytes = [packet.write(), self.fragments.rest()].concat();
                        reply.extend(pdu::refused(&bytes));
                        return Err(Foreign { bytes, reply });
                    }
                },
            }
        }
    }

    /// Nothing more will come.
    pub(crate) fn end(&mut self, out: &mut Output) {
        let rest = self.fragments.rest();
        if !rest.is_empty() {
            keep(out, &rest, "rpc");
        }
        if let Some(call) = self.call.take() {
            keep(out, &call.stub, "rpc");
        }
    }

    fn packet(
        &mut self,
        packet: &Packet,
        caller: &Caller<'_>,
        out: &mut Output,
    ) -> Option<Vec<u8>> {
        match packet.kind {
            kind::BIND | kind::ALTER_CONTEXT => self.bind(packet, caller, out),
            kind::AUTH3 => {
                self.proves(packet, caller, out);
                Some(Vec::new())
            }
            kind::REQUEST => Some(self.request(packet.clone(), caller, out)),
            _ => Some(Vec::new()),
        }
    }

    fn tell(&mut self, name: &str, value: String, out: &mut Output) {
        if self.told.len() < MOST_TOLD && self.told.insert(format!("{name} {value}")) {
            note(out, name, value);
        }
    }

    fn bind(&mut self, packet: &Packet, caller: &Caller<'_>, out: &mut Output) -> Option<Vec<u8>> {
        let contexts = pdu::contexts(&packet.body)?;
        let mut results = vec![u8::try_from(contexts.len()).unwrap_or(0), 0, 0, 0];
        for context in contexts {
            let found = Interface::find(&context.interface, context.version, caller.way);
            let uuid = pdu::shown(&context.interface);
            let name = found.map_or("unknown", Interface::name);
            self.tell("rpc bind", format!("{name} {uuid}"), out);
            let features = context.transfers.iter().find(|form| form.starts_with(&FEATURES));
            let (result, reason, form) = match (found, features) {
                // Accepted; or a wish of which nothing is granted.
                (_, Some(_)) => (3_u16, 0_u16, None),
                (None, None) => (2, 1, None),
                (Some(_), None) if !context.transfers.contains(&NDR) => (2, 2, None),
                (Some(interface), None) => {
                    if self.bound.len() < MOST_BOUND {
                        self.bound.push((context.number, interface));
                    }
                    (0, 0, Some(NDR))
                }
            };
            results.extend(result.to_le_bytes());
            results.extend(reason.to_le_bytes());
            results.extend(form.unwrap_or_default());
            results.extend(u32::from(form.is_some()).wrapping_mul(2).to_le_bytes());
        }
        let token = self.proves(packet, caller, out);
        let mut body = [FRAGMENT.to_le_bytes(), FRAGMENT.to_le_bytes()].concat();
        // The association's group: any number but zero, of bytes that are shown nowhere else on this way.
        let group = match caller.way {
            Way::Pipe => [self.challenge[0], self.challenge[1], 1, 0],
            Way::Tcp => [self.objects.salt[0], self.objects.salt[1], 1, 0],
        };
        body.extend(group);
        let alters = packet.kind == kind::ALTER_CONTEXT;
        if alters {
            body.extend([0, 0]);
        } else {
            body.extend(u16::try_from(self.address.len() + 1).unwrap_or(0).to_le_bytes());
            body.extend(self.address.bytes());
            body.push(0);
        }
        // The header has 16 bytes, so that the body alone decides what is aligned.
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend(results);
        let kind = if alters { kind::ALTER_CONTEXT_RESPONSE } else { kind::BIND_ACK };
        let auth = token
            .and_then(|token| packet.auth.as_ref().map(|auth| pdu::Auth { token, ..auth.clone() }));
        Some(Packet { kind, flags: FIRST | LAST, call: packet.call, body, auth }.write())
    }

    /// Reads who is behind a bind; the token that goes back.
    fn proves(
        &mut self,
        packet: &Packet,
        caller: &Caller<'_>,
        out: &mut Output,
    ) -> Option<Vec<u8>> {
        let auth = packet.auth.as_ref()?;
        let challenge = self.challenge;
        let acceptor = self.acceptor.get_or_insert_with(|| Acceptor::new(challenge));
        match acceptor.receive(&auth.token, caller.windows, caller.now) {
            Step::Continue(token) => Some(token),
            Step::Answered(answered) => {
                if answered.admit(caller.identity, caller.visit, out) {
                    self.seals = answered.seals();
                }
                let token = acceptor.completed(&answered);
                (!token.is_empty()).then_some(token)
            }
            Step::Unread => None,
        }
    }

    fn request(&mut self, mut packet: Packet, caller: &Caller<'_>, out: &mut Output) -> Vec<u8> {
        let protection = packet.auth.as_ref().and_then(pdu::Auth::protection);
        // Who seals by a key that nobody knows is not read; he has proved himself already.
        let readable = match (&mut self.seals, protection) {
            (_, None) => true,
            (Some((theirs, _)), Some(_)) => packet.unprotect(theirs),
            (None, Some(_)) => false,
        };
        let Some(request) = pdu::request(&packet) else {
            return pdu::fault(packet.call, 0, Fault::BAD_STUB.0);
        };
        if packet.flags & FIRST != 0 {
            let (context, operation) = (request.context, request.operation);
            self.call = Some(Call { context, operation, stub: Vec::new() });
        }
        let Some(call) = &mut self.call else {
            return pdu::fault(packet.call, request.context, Fault::BAD_STUB.0);
        };
        let room = LONGEST_STUB.saturating_sub(call.stub.len());
        call.stub.extend(&request.stub[..request.stub.len().min(room)]);
        if packet.flags & LAST == 0 {
            return Vec::new();
        }
        let Some(call) = self.call.take() else { return Vec::new() };
        let stub = match self.execute(&call, readable, caller, out) {
            Ok(stub) => stub,
            Err(Fault(status)) => return pdu::fault(packet.call, call.context, status),
        };
        match (&packet.auth, protection, &mut self.seals) {
            (Some(auth), Some(protection), Some((_, ours))) => {
                pdu::protected(packet.call, call.context, &stub, (auth, protection), ours)
            }
            _ => pdu::response(packet.call, call.context, &stub),
        }
    }

    fn execute(
        &mut self,
        call: &Call,
        readable: bool,
        caller: &Caller<'_>,
        out: &mut Output,
    ) -> Result<Vec<u8>, Fault> {
        let bound = self.bound.iter().rev().find(|(number, _)| *number == call.context);
        let Some((_, interface)) = bound.copied() else {
            if call.stub.len() > UNKNOWN_STUB {
                keep(out, &call.stub, "rpc");
            }
            let nothing = self.bound.is_empty();
            return Err(if nothing { Fault::UNKNOWN_INTERFACE } else { Fault::CONTEXT_MISMATCH });
        };
        let name = format!("{} {}", interface.name(), call.operation);
        self.tell("rpc call", name.clone(), out);
        let bulletin = interface.bulletin(call.operation, self.acceptor.is_none());
        if let Some(bulletin) = bulletin {
            self.tell("rpc exploit", bulletin.to_owned(), out);
            keep(out, &call.stub, &format!("{name} {bulletin}"));
        }
        if !readable {
            return Err(Fault::ACCESS_DENIED);
        }
        if matches!(interface, Interface::Activation | Interface::Activator)
            && let Some(class) = activation::class_of(&call.stub)
        {
            self.tell("dcom class", class.to_owned(), out);
        }
        let results = interface.call(call.operation, &call.stub, &mut self.objects, caller, out);
        if results.is_err() && bulletin.is_none() && call.stub.len() > UNKNOWN_STUB {
            keep(out, &call.stub, &name);
        }
        results
    }
}

/// The bytes as what is written to a pipe and to TCP 135 by an administrator.
pub(super) fn fuzz(bytes: &[u8]) {
    use std::net::{IpAddr, Ipv4Addr};

    use kizashi_event::{Port, Service, Timestamp};

    let identity = Arc::new(crate::Identity::draw([1; 32]));
    let windows = identity.windows();
    let source = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let visit = crate::Visit { source, destination: None, port: Port::tcp(445), encrypted: false };
    let mut out = Output::new(Service::known("smb"));
    for way in [Way::Pipe, Way::Tcp] {
        let caller = Caller {
            identity: &identity,
            windows: &windows,
            shares: &[],
            visit,
            now: Timestamp::from_seconds(0),
            rights: super::Rights::Administrator,
            user: "Administrator",
            way,
        };
        let _ = Connection::new("pipe", [7; 24]).receive(bytes, &caller, &mut out);
        // Every call, with these arguments.
        let mut connection = Connection::new("pipe", [7; 24]);
        let operation = u16::from(bytes.first().copied().unwrap_or(0));
        for interface in [
            Interface::Srvsvc,
            Interface::Wkssvc,
            Interface::Samr,
            Interface::Lsarpc,
            Interface::Svcctl,
            Interface::Atsvc,
            Interface::Tasks,
            Interface::Mapper,
            Interface::Resolver,
        ] {
            let stub = bytes.get(1..).unwrap_or_default();
            let _ = interface.call(operation, stub, &mut connection.objects, &caller, &mut out);
        }
        let _ = out.take_seen();
    }
}
