//! Every TCP port that no real service uses, answered by the catch-all: one listener and a table of nftables' that leads the others to it.
//!
//! The rules use TPROXY and no redirect: a redirect makes the kernel track each connection, and whoever fills that table (a scan of all
//! ports makes 65,535 entries) keeps the owner's own SSH out. TPROXY keeps nothing, and the connection's own address (getsockname)
//! is the one that the visitor wrote to, so that the trap's process needs no further system call. Rules are text for the program
//! `nft`, so that what is printed, checked and applied is the same; how they end with us is told in `keeper.rs`.
//!
//! Sources: Linux Documentation/networking/tproxy.rst, nft(8), net/netfilter/nft_socket.c, nft_tproxy.c.

pub(crate) mod keeper;
mod kept;
mod listener;
pub(crate) mod nft;
mod rules;

use std::net::IpAddr;

use kizashi_traps::PortList;
use rustix::thread::{CapabilitySet, capabilities};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::failure::Failure;

pub(crate) use kept::{Kept, Reason};
pub(crate) use listener::open;
pub(crate) use rules::{MOST_NAMED, interface, network, rules};

/// The family and name of the table; nothing else of the machine's is touched.
pub(crate) const TABLE: [&str; 2] = ["inet", "kizashi"];

/// What rules are made of, beside the ports that are found in use when they are applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The port of the catch-all's listener.
    pub(crate) listener: u16,
    /// The address that traps listen on; `None` where it is every one.
    pub(crate) address: Option<IpAddr>,
    /// Ports that the owner keeps out.
    pub(crate) ports: String,
    /// Interfaces that he does; a name may end with `*`.
    pub(crate) interfaces: Vec<String>,
    /// Networks that he does, by a visitor's address.
    pub(crate) networks: Vec<String>,
    /// The dashboard's port, which is nobody's.
    pub(crate) dashboard: u16,
    /// Ports on which traps stand already.
    pub(crate) traps: Vec<u16>,
}

impl Plan {
    /// The plan of a configuration, for a listener at this port.
    pub(crate) fn of(config: &Config, listener: u16, traps: Vec<u16>) -> Self {
        let traps_setting = &config.traps;
        Self {
            listener,
            address: Some(traps_setting.address).filter(|address| !address.is_unspecified()),
            ports: traps_setting.all_ports_except.clone(),
            interfaces: traps_setting.all_ports_except_interfaces.clone(),
            networks: traps_setting.all_ports_except_networks.clone(),
            dashboard: config.dashboard.address.port(),
            traps,
        }
    }

    /// The owner's ports.
    fn named(&self) -> Result<PortList, Failure> {
        self.ports.parse().map_err(|error| {
            Failure::Asked(format!("the setting all_ports_except under [traps]: {error}"))
        })
    }
}

/// Whether this process may change the machine's rules.
pub(crate) fn may_change_rules() -> bool {
    capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::NET_ADMIN))
}
