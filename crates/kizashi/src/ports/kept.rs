//! Ports that the catch-all never takes, each with the reason: what is listened on when the rules are applied, what sshd is configured
//! to use (it may be restarting just then), the port of this very login, the dashboard's, and those that the owner names.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Plan;
use crate::failure::Failure;
use crate::sockets::{LISTENS, Socket, in_state};

/// Files of sshd's configuration read at most.
const MOST_FILES: usize = 64;
/// Bytes of one read at most.
const LONGEST_FILE: usize = 1 << 20;

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
        ports.extend(sshd(Path::new("/etc/ssh")).into_iter().map(|port| (port, Reason::Sshd)));
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

/// The ports by which people log in.
pub(crate) fn login_ports() -> Vec<u16> {
    sshd(Path::new("/etc/ssh"))
}

/// The ports in sshd's configuration (sshd_config(5): `Port`, `ListenAddress` with a port, files by `Include`, 22 where none is named).
/// Where there is no such file there is no sshd to protect but one that listens, which is found otherwise.
fn sshd(folder: &Path) -> Vec<u16> {
    let mut files: Vec<PathBuf> = vec![folder.join("sshd_config")];
    let beside = fs::read_dir(folder.join("sshd_config.d"));
    let beside = beside.into_iter().flatten().flatten().map(|entry| entry.path());
    files.extend(beside.take(MOST_FILES));
    if !files[0].exists() {
        return Vec::new();
    }
    let texts = files.iter().filter_map(|file| fs::read(file).ok());
    let mut ports: Vec<u16> = texts
        .filter(|bytes| bytes.len() <= LONGEST_FILE)
        .flat_map(|bytes| named(&String::from_utf8_lossy(&bytes)))
        .collect();
    if ports.is_empty() {
        ports.push(22);
    }
    ports
}

fn named(text: &str) -> Vec<u16> {
    let port = |line: &str| {
        let mut words =
            line.split(|at: char| at.is_whitespace() || at == '=').filter(|word| !word.is_empty());
        let (name, value) = (words.next()?, words.next()?.trim_matches('"'));
        if name.eq_ignore_ascii_case("Port") {
            return value.parse().ok();
        }
        let is_address = name.eq_ignore_ascii_case("ListenAddress");
        let (host, port) = value.rsplit_once(':').filter(|_| is_address)?;
        // An IPv6 address without brackets has no port behind it.
        (!host.contains(':') || host.ends_with(']')).then(|| port.parse().ok())?
    };
    text.lines().filter_map(port).collect()
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
    fn every_port_that_sshd_is_told_of_is_found() {
        let text = "# Port 1\nPort 2222\nport=2200\nListenAddress 192.0.2.1:2201\nListenAddress ::\nListenAddress [2001:db8::1]:2202\nListenAddress 2001:db8::9\nPort x\nSubsystem sftp a:9\n";
        assert_eq!(named(text), [2222, 2200, 2201, 2202]);
    }

    #[test]
    fn the_reason_that_weighs_most_is_told() {
        let kept = Kept::of([(22, Reason::Named), (22, Reason::Login), (22, Reason::Listens)]);
        assert_eq!(kept.with(Reason::Login), [22]);
        assert!(kept.with(Reason::Named).is_empty());
    }
}
