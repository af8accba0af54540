//! Ports that the catch-all never takes, each with the reason: what is listened on when the rules are applied, what sshd is configured
//! to use (it may be restarting just then), the port of this very login, the dashboard's, and those that the owner names.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Plan;
use crate::failure::Failure;
use crate::sockets::{LISTENS, Socket, in_state};
use crate::sshd::Sshd;

/// Why a port is left alone; the first that holds is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reason {
    /// This login came by it.
    Login,
    /// sshd is configured to use it.
    Sshd,
    /// Somebody listens on it.
    Listens,
    /// The dashboard's.
    Dashboard,
    /// The owner keeps it out.
    Named,
}

impl Reason {
    pub(crate) const ALL: [Self; 5] =
        [Self::Login, Self::Sshd, Self::Listens, Self::Dashboard, Self::Named];

    /// For people.
    pub(crate) const fn shown(self) -> &'static str {
        match self {
            Self::Login => "this login came by it",
            Self::Sshd => "sshd's configuration names it",
            Self::Listens => "a service listens",
            Self::Dashboard => "the dashboard's",
            Self::Named => "kept out by all_ports_except",
        }
    }
}

/// Ports with the reason of each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept(BTreeMap<u16, Reason>);

impl Kept {
    pub(crate) fn of(ports: impl IntoIterator<Item = (u16, Reason)>) -> Self {
        let mut kept = BTreeMap::new();
        for (port, reason) in ports {
            let first = kept.entry(port).or_insert(reason);
            *first = (*first).min(reason);
        }
        Self(kept)
    }

    /// As things stand on this machine now.
    pub(crate) fn now(plan: &Plan) -> Result<Self, Failure> {
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(fs::read_to_string);
        let listening = tables.iter().flatten().flat_map(|table| beyond_loopback(table));
        let not_ours =
            listening.filter(|port| !plan.traps.contains(port) && *port != plan.listener);
        let login = std::env::var("SSH_CONNECTION").ok();
        let login = login.and_then(|text| text.split(' ').nth(3)?.parse().ok());
        let mut ports: Vec<(u16, Reason)> = not_ours.map(|port| (port, Reason::Listens)).collect();
        ports.extend(login.map(|port| (port, Reason::Login)));
        let sshd = Sshd::of(Path::new("/")).map(|sshd| sshd.ports).unwrap_or_default();
        ports.extend(sshd.into_iter().map(|port| (port, Reason::Sshd)));
        ports.extend((plan.dashboard != 0).then_some((plan.dashboard, Reason::Dashboard)));
        ports.extend(plan.named()?.ports().map(|port| (port, Reason::Named)));
        // A trap that the owner placed on sshd's old port stands there by a listener of its own.
        ports.retain(|(port, reason)| *reason != Reason::Sshd || !plan.traps.contains(port));
        Ok(Self::of(ports))
    }

    pub(crate) fn ports(&self) -> impl Iterator<Item = u16> + '_ {
        self.0.keys().copied()
    }

    /// The ports of one reason.
    pub(crate) fn with(&self, reason: Reason) -> Vec<u16> {
        self.0.iter().filter(|(_, of)| **of == reason).map(|(port, _)| *port).collect()
    }
}

/// Ports that are listened on at more than loopback. What listens on loopback alone is not reached from elsewhere anyhow.
fn beyond_loopback(table: &str) -> Vec<u16> {
    let listening = in_state(table, LISTENS).filter(Socket::is_reached_from_elsewhere);
    listening.map(|socket| socket.port).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reached_from_elsewhere_is_kept_and_loopback_alone_is_not() {
        let line =
            |address: &str, state: &str| format!("   0: {address} 00000000:0000 {state} 0 0\n");
        let zeros = "0".repeat(24);
        let table = [
            line("00000000:0016", "0A"),
            line("0100007F:1E61", "0A"),
            line("0201A8C0:0050", "0A"),
            line("0201A8C0:0051", "01"),
            line(&format!("{zeros}00000000:01BB"), "0A"),
            line(&format!("{zeros}01000000:01BC"), "0A"),
            "x\n: : :\n1 2 3 0A".to_owned(),
        ]
        .concat();
        // Words are in the order of the machine; these are of one with the lowest byte first.
        if cfg!(target_endian = "little") {
            assert_eq!(beyond_loopback(&table), [22, 80, 443]);
        }
    }

    #[test]
    fn the_reason_that_weighs_most_is_told() {
        let kept = Kept::of([(22, Reason::Named), (22, Reason::Login), (22, Reason::Listens)]);
        assert_eq!(kept.with(Reason::Login), [22]);
        assert!(kept.with(Reason::Named).is_empty());
    }
}
