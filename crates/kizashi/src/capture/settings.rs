//! `[capture]`: what the owner may say of the watch over every port.

use kizashi_traps::PortList;
use kizashi_wire::live::{MOST_INTERFACES, PortSet, Rates};
use serde::{Deserialize, Serialize};

/// The longest name of an interface (`IFNAMSIZ`, without the zero at its end).
const LONGEST_NAME: usize = 15;
/// Events a second at most: what the core takes of one stream.
const MOST_EVENTS: u32 = 10_000;

/// `[capture]`: attempts to reach any port of this machine, seen without answering.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Capture {
    /// Whether it is on; it takes root or CAP_NET_RAW at the start.
    pub(crate) enabled: bool,
    /// Interfaces by name; none is all but loopback.
    pub(crate) interfaces: Vec<String>,
    /// TCP ports of real services beside those that are found, such as those that are forwarded to other machines.
    pub(crate) tcp_services: String,
    /// The same of UDP.
    pub(crate) udp_services: String,
    /// Events told one by one in a second, ten seconds' worth at once; what is more is counted.
    pub(crate) events_per_second: u32,
    /// The same of one address.
    pub(crate) events_per_second_per_source: u32,
}

impl Default for Capture {
    fn default() -> Self {
        Self {
            enabled: true,
            interfaces: Vec::new(),
            tcp_services: String::new(),
            udp_services: String::new(),
            events_per_second: 500,
            events_per_second_per_source: 50,
        }
    }
}

impl Capture {
    /// Whether everything can be had.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.services()?;
        let is_name = |name: &String| {
            (1..=LONGEST_NAME).contains(&name.len())
                && !name.contains(|c: char| c == '/' || c.is_whitespace() || c.is_control())
                && !matches!(name.as_str(), "." | "..")
        };
        if let Some(name) = self.interfaces.iter().find(|name| !is_name(name)) {
            return Err(format!(
                "interfaces under [capture] are names such as \"eth0\", and {name:?} is none"
            ));
        }
        if self.interfaces.len() > MOST_INTERFACES {
            return Err(format!("interfaces under [capture] are at most {MOST_INTERFACES}"));
        }
        let rates = [self.events_per_second, self.events_per_second_per_source];
        if rates.iter().any(|rate| !(1..=MOST_EVENTS).contains(rate)) {
            return Err(format!("events under [capture] must be 1 to {MOST_EVENTS} a second"));
        }
        Ok(())
    }

    /// The owner's services, of TCP and UDP.
    pub(crate) fn services(&self) -> Result<(PortSet, PortSet), String> {
        let read = |name: &str, text: &str| match text {
            "" => Ok(PortSet::default()),
            text => match text.parse::<PortList>() {
                Ok(list) => Ok(PortSet::of(list.ports())),
                Err(error) => Err(format!("{name} under [capture]: {error}")),
            },
        };
        Ok((read("tcp_services", &self.tcp_services)?, read("udp_services", &self.udp_services)?))
    }

    /// What may be told.
    pub(crate) const fn rates(&self) -> Rates {
        Rates { source: self.events_per_second_per_source, all: self.events_per_second }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_had_is_refused_with_the_setting() {
        let default = Capture::default;
        assert_eq!(default().check(), Ok(()));
        let services = Capture { tcp_services: "22,8000-8010".to_owned(), ..default() };
        assert!(services.services().is_ok_and(|(tcp, _)| tcp.has(8_005) && !tcp.has(8_011)));
        for (wrong, named) in [
            (Capture { tcp_services: "ssh".to_owned(), ..default() }, "tcp_services"),
            (Capture { udp_services: "1-".to_owned(), ..default() }, "udp_services"),
            (Capture { interfaces: vec!["../x".to_owned()], ..default() }, "interfaces"),
            (Capture { interfaces: vec![String::new()], ..default() }, "interfaces"),
            (Capture { interfaces: vec!["a".repeat(16)], ..default() }, "interfaces"),
            (Capture { events_per_second: 0, ..default() }, "events"),
            (Capture { events_per_second: 1_000_000, ..default() }, "events"),
        ] {
            assert!(wrong.check().is_err_and(|error| error.contains(named)), "{wrong:?}");
        }
    }
}
