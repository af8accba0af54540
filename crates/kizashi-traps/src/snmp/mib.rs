//! What the agent knows: the system group and the host's uptime (RFC 3418, RFC 2790), which is the view that Debian's and Ubuntu's
//! `snmpd.conf` opens to `public` (`view systemonly included .1.3.6.1.2.1.1` and `.1.3.6.1.2.1.25.1`), with their contact and location.

use std::sync::Arc;

use kizashi_event::Timestamp;

use super::ber::{INTEGER, TEXT, TICKS, identifier, number, value};
use crate::Identity;
use crate::machine::{Persona, World};

/// The agent of the machine behind the logins.
pub(super) struct Agent {
    world: Arc<World>,
}

/// The identifier of an object of `mib-2`, its last arcs.
type Name = &'static [u32];

const MIB_2: [u32; 6] = [1, 3, 6, 1, 2, 1];
/// Net-SNMP on Linux.
const LINUX: [u32; 10] = [1, 3, 6, 1, 4, 1, 8072, 3, 2, 10];

const OBJECTS: [Name; 9] = [
    &[1, 1, 0],
    &[1, 2, 0],
    &[1, 3, 0],
    &[1, 4, 0],
    &[1, 5, 0],
    &[1, 6, 0],
    &[1, 7, 0],
    &[1, 8, 0],
    &[25, 1, 1, 0],
];

impl Agent {
    pub(super) fn of(identity: &Identity) -> Self {
        Self { world: identity.world(Persona::Server) }
    }

    /// The value of this object, encoded.
    pub(super) fn get(&self, arcs: &[u32], now: Timestamp) -> Option<Vec<u8>> {
        let rest = arcs.strip_prefix(&MIB_2)?;
        let place = OBJECTS.iter().position(|name| *name == rest)?;
        Some(self.value(place, now))
    }

    /// The object after this one, with its value.
    pub(super) fn next(&self, arcs: &[u32], now: Timestamp) -> Option<(Vec<u32>, Vec<u8>)> {
        let full = |name: &Name| [&MIB_2[..], *name].concat();
        let place = OBJECTS.iter().position(|name| full(name).as_slice() > arcs)?;
        Some((full(&OBJECTS[place]), self.value(place, now)))
    }

    fn value(&self, place: usize, now: Timestamp) -> Vec<u8> {
        let World { host, system, .. } = &*self.world;
        let (seconds, hundredths) = self.world.uptime(now);
        let ticks = seconds.saturating_mul(100).saturating_add(hundredths) & 0xffff_ffff;
        match place {
            0 => {
                let (kernel, build) = (system.kernel, system.build);
                value(TEXT, format!("Linux {host} {kernel} {build} x86_64").as_bytes())
            }
            1 => identifier(&LINUX),
            // The agent starts some seconds after the machine.
            2 => number(TICKS, (ticks - 1_137).max(0)),
            3 => value(TEXT, b"Me <me@example.org>"),
            4 => value(TEXT, host.as_bytes()),
            5 => value(TEXT, b"Sitting on the Dock of the Bay"),
            6 => number(INTEGER, 72),
            7 => number(TICKS, 1),
            _ => number(TICKS, ticks),
        }
    }

    /// The identifier of the agent's engine (RFC 3411, 5), as Net-SNMP makes it up when it is first started.
    pub(super) fn engine(&self) -> [u8; 17] {
        let draw = self.world.draw("snmp engine");
        let mut engine = [0; 17];
        engine[..5].copy_from_slice(&[0x80, 0x00, 0x1f, 0x88, 0x80]);
        engine[5..13].copy_from_slice(&draw.number(0).to_be_bytes());
        engine
    }

    /// How often the agent was started, and for how many seconds it runs.
    pub(super) fn boots(&self, now: Timestamp) -> (i64, i64) {
        (
            3 + i64::try_from(self.world.draw("snmp boots").below(0, 20)).unwrap_or(0),
            self.world.uptime(now).0,
        )
    }
}
