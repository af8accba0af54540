//! Searches of one visitor.

use std::fmt::Write as _;
use std::sync::Arc;

use kizashi_event::{Detail, HostileText, Timestamp};

use super::wire::{Message, answer};
use crate::datagram::{Answer, Datagrams, Protocol, note};
use crate::draw::Draw;
use crate::{Identity, Output, Session, Visit};

/// As MiniUPnPd of OpenWrt 22.03 names itself.
const SERVER: &str = "OpenWRT/OpenWrt UPnP/1.1 MiniUPnPd/2.3.1";
/// What the router is.
const TARGETS: [&str; 4] = [
    "upnp:rootdevice",
    "urn:schemas-upnp-org:device:InternetGatewayDevice:1",
    "urn:schemas-upnp-org:service:WANIPConnection:1",
    "urn:schemas-upnp-org:device:WANDevice:1",
];
/// Searches of one session that are told.
const TOLD: usize = 32;

struct Ssdp {
    device: String,
    location: String,
    told: Vec<String>,
}

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    let draw = Draw::new(identity.seed(), "upnp device");
    let mut device = "uuid:".to_owned();
    for (place, digits) in [(0, 8), (1, 4), (2, 4), (3, 4), (4, 12)] {
        let dash = if place == 0 { "" } else { "-" };
        let hex = format!("{:016x}", draw.number(place));
        let _ = write!(device, "{dash}{}", &hex[..digits]);
    }
    let host = visit.destination.map_or_else(|| "192.168.1.1".to_owned(), |ip| ip.to_string());
    let location = format!("http://{host}:5000/rootDesc.xml");
    Datagrams::begin(identity, visit, Ssdp { device, location, told: Vec::new() })
}

impl Protocol for Ssdp {
    fn datagram(&mut self, bytes: &[u8], _now: Timestamp, out: &mut Output) -> Answer {
        let Some(message) = Message::read(bytes) else { return Answer::unread() };
        let target = message.header("st").or(message.header("nt")).unwrap_or_default();
        let line: String = format!("{} {target}", message.method).chars().take(256).collect();
        if self.told.len() < TOLD && !self.told.contains(&line) {
            note(out, "ssdp", line.as_str());
            self.told.push(line);
            if let Some(agent) = message.header("user-agent").or(message.header("server")) {
                let version = Some(HostileText::from(agent));
                out.tell(Detail::Client { version, fingerprint: None, algorithms: None });
            }
        }
        let asked = if target.eq_ignore_ascii_case("ssdp:all") { TARGETS[0] } else { target };
        let known = TARGETS.contains(&asked) || asked == self.device;
        if message.method != "M-SEARCH" || !known {
            return Answer::silent().keeping();
        }
        Answer::with(answer(asked, &self.device, &self.location, SERVER).into_bytes()).keeping()
    }

    fn memory(&self) -> usize {
        self.told.iter().map(String::len).sum()
    }
}
