//! First packets of one visitor. Main mode is answered with his first transform, which costs no key; everything after would need one.

use std::fmt::Write as _;
use std::sync::Arc;

use kizashi_event::{Detail, HostileText, Service, Timestamp};

use super::wire::{Control, Message, Offer, control};
use crate::datagram::{Answer, Datagrams, Protocol, note, room};
use crate::randomness::Randomness;
use crate::{Identity, Output, Session, Visit};

const L2TP: Service = Service::known("l2tp");
/// Texts of one session that are told.
const TOLD: usize = 48;
/// Transforms of an offer that are named.
const NAMED: usize = 8;
/// Where IKE shares the port with ESP: four zero bytes go before it (RFC 3948, 2.2).
const SHARED_PORT: u16 = 4500;
const MARKER: [u8; 4] = [0; 4];

/// What xl2tpd 1.3 says of itself.
const FIRMWARE: [u8; 2] = [0x06, 0x90];

const MAIN_MODE: u8 = 2;
const AGGRESSIVE_MODE: u8 = 4;
const INFORMATIONAL: u8 = 5;
const SA_INIT: u8 = 34;
/// "no proposal chosen", in both versions.
const NO_PROPOSAL: u8 = 14;

/// Vendors by the beginning of their identifiers (strongSwan's list).
const VENDORS: [(&[u8], &str); 8] = [
    (&[0x09, 0x00, 0x26, 0x89, 0xdf, 0xd6, 0xb7, 0x12], "XAuth"),
    (&[0xaf, 0xca, 0xd7, 0x13, 0x68, 0xa1, 0xf1, 0xc9, 0x6b, 0x86, 0x96, 0xfc], "DPD"),
    (&[0x4a, 0x13, 0x1c, 0x81, 0x07, 0x03, 0x58, 0x45], "NAT-T (RFC 3947)"),
    (&[0x12, 0xf5, 0xf2, 0x8c, 0x45, 0x71, 0x68, 0xa9], "Cisco Unity"),
    (&[0x1e, 0x2b, 0x51, 0x69, 0x05, 0x99, 0x1c, 0x7d], "Microsoft Windows"),
    (&[0x40, 0x48, 0xb7, 0xd5, 0x6e, 0xbc, 0xe8, 0x85], "FRAGMENTATION"),
    (&[0x88, 0x2f, 0xe5, 0x6d, 0x6f, 0xd2, 0x0d, 0xbc], "strongSwan"),
    (&[0xcd, 0x60, 0x46, 0x43, 0x35, 0xdf, 0x21, 0xf8], "draft-ietf-ipsec-nat-t-ike-02"),
];

struct Tunnel {
    randomness: Randomness,
    host: String,
    shared_port: bool,
    told: Vec<String>,
}

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    let protocol = Tunnel {
        randomness: identity.randomness(),
        host: identity.host_name(),
        shared_port: visit.port.number == SHARED_PORT,
        told: Vec::new(),
    };
    Datagrams::begin(identity, visit, protocol)
}

impl Tunnel {
    fn is_new(&mut self, text: &str) -> bool {
        let new = self.told.len() < TOLD && !self.told.iter().any(|known| known == text);
        if new {
            self.told.push(text.chars().take(128).collect());
        }
        new
    }

    fn tell(&mut self, name: &str, text: &str, out: &mut Output) {
        if self.is_new(text) {
            note(out, name, text);
        }
    }

    fn ike(&mut self, message: &Message<'_>, out: &mut Output) -> Answer {
        for (kind, content) in &message.payloads {
            // Vendor identifiers of both versions.
            if matches!(kind, 13 | 43) {
                self.vendor(content, out);
            }
        }
        if message.version >> 4 == 2 {
            self.tell("ike 2", &format!("exchange {}", message.exchange), out);
            if message.exchange != SA_INIT {
                return Answer::silent().keeping();
            }
            let notify = vec![0, 0, 0, NO_PROPOSAL];
            return Answer::with(message.answer([0; 8], SA_INIT, &[(41, notify)])).keeping();
        }
        let offer = message.payload(1).and_then(Offer::read);
        let offered = offer.as_ref().map_or_else(String::new, described);
        let mode = match message.exchange {
            MAIN_MODE => "main mode",
            AGGRESSIVE_MODE => "aggressive mode",
            INFORMATIONAL => "informational",
            _ => "another exchange",
        };
        self.tell("ike 1", format!("{mode} {offered}").trim_end(), out);
        // Whom the visitor says he is (RFC 2407, 4.6.2): in aggressive mode the name of a group.
        if let Some(name) = message.payload(5).and_then(|content| content.get(4..)) {
            let name = HostileText::from_bytes(name);
            self.tell("ike identity", name.raw(), out);
        }
        let cookie = self.randomness.bytes();
        match (message.exchange, offer) {
            (MAIN_MODE, Some(offer)) => {
                // strongSwan says XAuth and no more before it knows who comes.
                let payloads = [(1, offer.chosen()), (13, VENDORS[0].0.to_vec())];
                Answer::with(message.answer(cookie, MAIN_MODE, &payloads)).keeping()
            }
            (AGGRESSIVE_MODE, _) => {
                let notify = vec![0, 0, 0, 1, 1, 0, 0, NO_PROPOSAL];
                Answer::with(message.answer(cookie, INFORMATIONAL, &[(11, notify)])).keeping()
            }
            _ => Answer::silent().keeping(),
        }
    }

    fn vendor(&mut self, content: &[u8], out: &mut Output) {
        let known = VENDORS.iter().find(|(beginning, _)| content.starts_with(beginning));
        let mut name = known.map_or_else(String::new, |(_, name)| (*name).to_owned());
        if known.is_none() {
            for byte in content.iter().take(32) {
                let _ = write!(name, "{byte:02x}");
            }
        }
        self.tell("ike vendor", &name, out);
    }

    fn l2tp(&mut self, message: &Control<'_>, room: usize, out: &mut Output) -> Answer {
        out.recognise(L2TP);
        let text = |kind| message.pair(kind).map(HostileText::from_bytes);
        let host = text(7).unwrap_or_default();
        self.tell("l2tp", &format!("message {} of {}", message.kind, host.raw()), out);
        if let Some(vendor) = text(8).filter(|vendor| self.is_new(vendor.raw())) {
            out.tell(Detail::Client { version: Some(vendor), fingerprint: None, algorithms: None });
        }
        let theirs = message.pair(9).and_then(|value| value.try_into().ok());
        let (1, Some(theirs)) = (message.kind, theirs) else { return Answer::silent().keeping() };
        let ours = self.randomness.bytes::<2>().to_vec();
        // The answer to a request for a tunnel, in xl2tpd's order; the last three may be left out (RFC 2661, 6.2).
        let mut pairs = vec![
            (0, vec![0, 2]),
            (2, vec![1, 0]),
            (3, vec![0, 0, 0, 3]),
            (7, self.host.clone().into_bytes()),
            (9, ours),
            (4, vec![0; 4]),
            (6, FIRMWARE.to_vec()),
            (8, b"xelerance.com".to_vec()),
            (10, vec![0, 4]),
        ];
        let theirs = u16::from_be_bytes(theirs);
        let mut reply = control(theirs, 1, &pairs);
        while reply.len() > room && pairs.len() > 5 {
            pairs.pop();
            reply = control(theirs, 1, &pairs);
        }
        Answer::with(reply).keeping()
    }
}

/// `8 transforms: 5/2/1/2, …`: cipher, hash, authentication and group by their numbers (RFC 2409, appendix A), with the key's bits.
fn described(offer: &Offer<'_>) -> String {
    let mut text = format!("{} transforms:", offer.transforms.len());
    for transform in offer.transforms.iter().take(NAMED) {
        let of = |kind| {
            transform.iter().find(|(found, _)| *found == kind).map_or(0, |(_, value)| *value)
        };
        let bits = of(14);
        let bits = if bits == 0 { String::new() } else { format!(" {bits}") };
        let _ = write!(text, " {}{bits}/{}/{}/{}", of(1), of(2), of(3), of(4));
    }
    text
}

impl Protocol for Tunnel {
    fn datagram(&mut self, bytes: &[u8], _now: Timestamp, out: &mut Output) -> Answer {
        if let Some(message) = Control::read(bytes) {
            return self.l2tp(&message, room(bytes), out);
        }
        let marked = if self.shared_port { bytes.strip_prefix(&MARKER) } else { None };
        let Some(message) = Message::read(marked.unwrap_or(bytes)) else { return Answer::unread() };
        let mut answer = self.ike(&message, out);
        if let (Some(reply), true) = (&mut answer.reply, marked.is_some()) {
            drop(reply.splice(..0, MARKER));
        }
        answer
    }

    fn memory(&self) -> usize {
        self.told.iter().map(String::len).sum()
    }
}
