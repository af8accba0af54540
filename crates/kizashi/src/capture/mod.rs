//! The watch over every port, as the supervisor has it: a packet socket opened while it still may, the kernel's filter on it, and what
//! the process that reads it is told. That process gets the socket, and with it what the filter lets through; to change the filter
//! is left to the supervisor, which reads no packet.

mod settings;
mod surroundings;

use std::os::fd::{AsFd as _, OwnedFd};

use kizashi_event::{Port, Transport};
use kizashi_wire::live::{self, Interfaces, Owners, Plan, PortSet};
use kizashi_wire::{Ports, Prefix};
use serde::{Deserialize, Serialize};

pub(crate) use settings::Capture;

/// An open socket, and whose ports are.
pub(crate) struct Eyes {
    pub(crate) socket: OwnedFd,
    named: Vec<String>,
    interfaces: Interfaces,
    trapped: [PortSet; 2],
    /// Every TCP port that no real service has is a trap's.
    all_tcp: bool,
    own: [PortSet; 2],
    now: Surroundings,
    plan: Option<Plan>,
}

/// Every address that this machine takes packets for, loopback left out.
pub(crate) fn own_addresses() -> Vec<String> {
    surroundings::addresses().iter().map(ToString::to_string).collect()
}

/// What the process that reads packets is told of this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Surroundings {
    /// Our addresses.
    addresses: Vec<String>,
    /// TCP and UDP.
    trapped: [PortSet; 2],
    services: [PortSet; 2],
}

impl Surroundings {
    /// The addresses for an observer.
    pub(crate) fn local(&self) -> Vec<Prefix> {
        self.addresses.iter().filter_map(|text| text.parse().ok()).collect()
    }

    /// Whose ports are, for an observer.
    pub(crate) fn ports(&self) -> Ports {
        let owners = |at: usize| Owners {
            trapped: self.trapped.get(at).cloned().unwrap_or_default(),
            services: self.services.get(at).cloned().unwrap_or_default(),
        };
        Ports { tcp: owners(0), udp: owners(1) }
    }
}

/// Those of TCP, and those of UDP.
fn sets_of(ports: &[Port]) -> [PortSet; 2] {
    [Transport::Tcp, Transport::Udp].map(|transport| {
        let ports = ports.iter().filter(|port| port.transport == transport);
        PortSet::of(ports.map(|port| port.number))
    })
}

impl Eyes {
    /// Opens them, if the owner wants it and this process may.
    ///
    /// # Errors
    /// Why there are none, in a sentence.
    pub(crate) fn open(settings: &Capture, traps: &[Port], all_tcp: bool) -> Result<Self, String> {
        if !settings.enabled {
            return Err("turned off by [capture]".to_owned());
        }
        let (tcp, udp) = settings.services()?;
        let interfaces = surroundings::interfaces(&settings.interfaces)?;
        let socket = live::open().map_err(|error| match error.kind() {
            std::io::ErrorKind::PermissionDenied => {
                "this takes root or CAP_NET_RAW; traps see who comes to them all the same"
                    .to_owned()
            }
            _ => format!("no packet socket can be had ({error})"),
        })?;
        let trapped = sets_of(traps);
        let mut eyes = Self {
            socket,
            named: settings.interfaces.clone(),
            interfaces,
            trapped,
            all_tcp,
            own: [tcp, udp],
            now: Surroundings::default(),
            plan: None,
        };
        eyes.look_around()?;
        Ok(eyes)
    }

    /// Reads what this machine is now, and changes the filter where that is something else than before; whether it is.
    ///
    /// # Errors
    /// Why the filter could not be changed.
    pub(crate) fn look_around(&mut self) -> Result<bool, String> {
        // One that was taken away and made anew has another number; one that is away now may come back.
        if let Ok(interfaces) = surroundings::interfaces(&self.named) {
            self.interfaces = interfaces;
        }
        let (tcp, udp) = surroundings::services();
        let services = |found: &PortSet, at: usize| {
            let own = self.own.get(at).into_iter().flat_map(PortSet::ports);
            let all = PortSet::of(found.ports().chain(own).collect::<Vec<_>>());
            self.trapped.get(at).map_or_else(PortSet::default, |trapped| all.without(trapped))
        };
        let services = [services(&tcp, 0), services(&udp, 1)];
        let mut trapped = self.trapped.clone();
        if self.all_tcp {
            trapped[0] = PortSet::of(1..=u16::MAX).without(&services[0]);
        }
        let addresses = surroundings::addresses().iter().map(ToString::to_string).collect();
        let now = Surroundings { addresses, trapped, services };
        let Ports { tcp, udp } = now.ports();
        let plan = Plan { interfaces: self.interfaces.clone(), tcp, udp };
        if self.plan.as_ref() != Some(&plan) {
            live::aim(self.socket.as_fd(), &plan).map_err(|error| error.to_string())?;
            self.plan = Some(plan);
        }
        let is_changed = now != self.now;
        self.now = now;
        Ok(is_changed)
    }

    /// From now on these ports are the traps'; whether anything changed by that.
    ///
    /// # Errors
    /// Why the filter could not be changed.
    pub(crate) fn leave_to_traps(&mut self, traps: &[Port]) -> Result<bool, String> {
        self.trapped = sets_of(traps);
        self.look_around()
    }

    /// What this machine is.
    pub(crate) const fn surroundings(&self) -> &Surroundings {
        &self.now
    }

    /// What is looked at, for people.
    pub(crate) fn shown(&self, settings: &Capture) -> String {
        let named = settings.interfaces.join(", ");
        let place = if named.is_empty() { "every interface" } else { named.as_str() };
        let [tcp, udp] = &self.now.services;
        let range = |name: &str, (first, last): &(u16, u16)| match first == last {
            true => format!("{name}/{first}"),
            false => format!("{name}/{first}-{last}"),
        };
        let of = |name: &'static str, set: &PortSet| {
            set.ranges().iter().map(|one| range(name, one)).collect::<Vec<_>>()
        };
        let services = [of("tcp", tcp), of("udp", udp)].concat();
        let services = match services.len() {
            0 => String::new(),
            1..=8 => format!("; real services, counted only: {}", services.join(", ")),
            many => format!("; {many} ranges of real services are counted only"),
        };
        format!("every port, {place}{services}")
    }
}
