//! Which ports are visited: the nine of the talk that Kizashi comes from, with their totals over 31 days and the events that
//! one visitor makes there, and a tail of less visited ones. The service of a port is the one that its trap speaks.

use kizashi_event::{Port, Service};

use super::chance::Chance;

/// A port that is visited and how much.
#[derive(Clone, Debug)]
pub(super) struct PortTraffic {
    /// The port.
    pub(super) port: Port,
    /// The protocol spoken there.
    pub(super) service: Service,
    /// Events expected over 31 days, campaigns apart.
    pub(super) month_events: f64,
    /// Events of one visitor, in the mean; at least 1.
    pub(super) events_a_visit: f64,
}

/// The talk's ports: number, events seen in 31 days, events of one visitor.
const NINE: [(u16, f64, f64); 9] = [
    (2223, 114_195.0, 120.0),
    (4899, 85_573.0, 90.0),
    (5900, 58_393.0, 40.0),
    (445, 55_430.0, 4.0),
    (2222, 29_311.0, 80.0),
    (80, 16_043.0, 5.0),
    (1433, 4_890.0, 6.0),
    (2323, 3_711.0, 3.0),
    (25, 3_578.0, 4.0),
];

/// The first ports of the tail; what is asked for beyond them gets numbers by chance.
const KNOWN_TAIL: [Port; 58] = [
    Port::tcp(23),
    Port::tcp(6379),
    Port::tcp(5555),
    Port::tcp(22),
    Port::tcp(8080),
    Port::tcp(3389),
    Port::tcp(21),
    Port::udp(5060),
    Port::tcp(443),
    Port::tcp(3306),
    Port::tcp(81),
    Port::tcp(8443),
    Port::udp(53),
    Port::udp(123),
    Port::tcp(5432),
    Port::udp(1900),
    Port::tcp(9200),
    Port::udp(161),
    Port::tcp(7547),
    Port::tcp(37_215),
    Port::tcp(52_869),
    Port::tcp(60_001),
    Port::tcp(2375),
    Port::tcp(27_017),
    Port::tcp(11_211),
    Port::udp(11_211),
    Port::tcp(1883),
    Port::tcp(110),
    Port::tcp(143),
    Port::tcp(587),
    Port::tcp(465),
    Port::tcp(993),
    Port::tcp(1723),
    Port::tcp(135),
    Port::tcp(139),
    Port::tcp(8888),
    Port::tcp(8000),
    Port::tcp(8088),
    Port::tcp(7001),
    Port::tcp(9090),
    Port::tcp(26),
    Port::tcp(5901),
    Port::tcp(8291),
    Port::tcp(1080),
    Port::tcp(3128),
    Port::tcp(8081),
    Port::tcp(9100),
    Port::tcp(502),
    Port::tcp(102),
    Port::udp(69),
    Port::udp(389),
    Port::udp(5353),
    Port::tcp(5060),
    Port::tcp(389),
    Port::tcp(10_000),
    Port::tcp(5985),
    Port::tcp(6443),
    Port::tcp(631),
];

/// The nine ports and `tail` more, each with a level of its own.
pub(super) fn visited(tail: usize, scale: f64, chance: &mut Chance) -> Vec<PortTraffic> {
    let mut ports: Vec<PortTraffic> = NINE
        .into_iter()
        .map(|(number, total, events)| PortTraffic {
            port: Port::tcp(number),
            service: service_of(Port::tcp(number)),
            month_events: total * chance.uniform(0.4, 1.0) * scale,
            events_a_visit: (events * (0.2 * chance.normal()).exp()).max(1.0),
        })
        .collect();
    for index in 0..tail {
        let port = KNOWN_TAIL.get(index).copied().unwrap_or_else(|| unused(&ports, chance));
        ports.push(of_the_tail(port, scale, chance));
    }
    ports
}

/// A port of the tail: from one event a month to a hundred a day.
pub(super) fn of_the_tail(port: Port, scale: f64, chance: &mut Chance) -> PortTraffic {
    PortTraffic {
        port,
        service: service_of(port),
        month_events: chance.log_uniform(1.0, 3000.0) * scale,
        events_a_visit: 1.0 + (0.6 + 0.8 * chance.normal()).exp(),
    }
}

/// The most ports the tail may have: far fewer than there are numbers, so that a free one is found at once.
pub(super) const MAX_TAIL: usize = 10_000;

/// A port that no one of `ports` is, one in seven of them UDP.
fn unused(ports: &[PortTraffic], chance: &mut Chance) -> Port {
    loop {
        let number = u16::try_from(1 + chance.below(65_535)).unwrap_or(u16::MAX);
        let port = if chance.happens(1.0 / 7.0) { Port::udp(number) } else { Port::tcp(number) };
        let known = KNOWN_TAIL.contains(&port) || ports.iter().any(|taken| taken.port == port);
        if !known {
            return port;
        }
    }
}

/// What a trap on this port speaks.
fn service_of(port: Port) -> Service {
    let name = match (port.transport.name(), port.number) {
        ("tcp", 22 | 2222) => "ssh",
        ("tcp", 23 | 26 | 2223 | 2323) => "telnet",
        ("tcp", 80 | 81 | 2375 | 7001 | 7547 | 8000 | 8080 | 8081 | 8088 | 8888 | 9090 | 5985) => {
            "http"
        }
        ("tcp", 3128 | 10_000 | 37_215 | 52_869 | 60_001) => "http",
        ("tcp", 443 | 8443 | 6443) => "https",
        ("tcp", 9200) => "elasticsearch",
        ("tcp", 445 | 139) => "smb",
        ("tcp", 1433) => "mssql",
        ("tcp", 5900 | 5901) => "vnc",
        ("tcp", 4899) => "radmin",
        ("tcp", 3389) => "rdp",
        ("tcp", 25 | 465 | 587) => "smtp",
        ("tcp", 110) => "pop3",
        ("tcp", 143 | 993) => "imap",
        ("tcp", 21) => "ftp",
        ("tcp", 3306) => "mysql",
        ("tcp", 5432) => "postgresql",
        ("tcp", 6379) => "redis",
        ("tcp", 5555) => "adb",
        ("tcp", 1883) => "mqtt",
        ("tcp", 1723) => "pptp",
        ("tcp", 135) => "epmap",
        ("tcp", 27_017) => "mongodb",
        ("tcp", 1080) => "socks",
        ("tcp" | "udp", 11_211) => "memcached",
        ("tcp" | "udp", 389) => "ldap",
        ("tcp" | "udp", 5060) => "sip",
        ("tcp", 9100 | 631) => "printer",
        ("udp", 53 | 5353) => "dns",
        ("udp", 123) => "ntp",
        ("udp", 161) => "snmp",
        ("udp", 1900) => "upnp",
        ("udp", 69) => "tftp",
        _ => "unknown",
    };
    Service::named(name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_port_is_visited_under_two_levels() {
        let ports = visited(2_000, 1.0, &mut Chance::new(1, 1));
        let distinct: HashSet<Port> = ports.iter().map(|traffic| traffic.port).collect();
        assert_eq!((distinct.len(), ports.len()), (2_009, 2_009));
        assert!(
            ports.iter().all(|traffic| traffic.events_a_visit >= 1.0 && traffic.month_events > 0.0)
        );
    }
}
