//! Which trap stands on which port, and the sockets for it. Everything is bound before anything is served, so that a port
//! that is taken is told at once: one that the owner named is a failure, one of the default list is left to who has it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;

use kizashi_event::{Port, Transport};
use kizashi_traps::{BoundSocket, PortList, Post, Trap, registry};
use kizashi_web::Listener;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};
use serde::{Deserialize, Serialize};

use crate::chosen_traps::ChosenTraps;
use crate::config::{Config, Traps};
use crate::failure::Failure;
use crate::inherited::Inherited;

/// Connections that may wait to be accepted on one port.
pub(crate) const BACKLOG: i32 = 1_024;

/// One trap's ports.
#[derive(Clone, Debug)]
struct Wish {
    trap: &'static Trap,
    transport: Transport,
    ports: PortList,
    /// Whether the owner named them.
    named: bool,
}

/// Which trap shall stand where.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    wishes: Vec<Wish>,
    address: IpAddr,
    reserved: SocketAddr,
}

/// What could be bound.
#[derive(Debug, Default)]
pub(crate) struct Bound {
    /// The sockets with their traps.
    pub(crate) posts: Vec<Post>,
    /// The same for people: one a port, whatever the number of sockets.
    pub(crate) listeners: Vec<Listener>,
    /// Ports of the default list that somebody else has.
    pub(crate) taken: Vec<Port>,
    /// Whether IPv6 is served beside IPv4.
    pub(crate) ipv6: bool,
    /// Sockets that systemd bound for us and no trap has taken yet.
    inherited: Inherited,
}

/// Why a port was not bound while Kizashi runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum NotBound {
    /// It takes rights that were given up after the start.
    NeedsRestart,
    /// Somebody else has it.
    Taken,
    /// The trap has no port of its own: its list has to be named.
    Nowhere,
    /// The system says no otherwise.
    Refused,
}

/// Which trap's port was not bound, and why.
pub(crate) type Refusal = (&'static str, Port, NotBound);

/// The ports of these sockets.
pub(crate) fn ports_of(posts: &[Post]) -> Vec<Port> {
    let port = |post: &Post| match &post.socket {
        BoundSocket::Tcp(socket) => Some(Port::tcp(socket.local_addr().ok()?.port())),
        BoundSocket::Udp(socket) => Some(Port::udp(socket.local_addr().ok()?.port())),
    };
    posts.iter().filter_map(port).collect()
}

impl Bound {
    /// The ports on which traps stand.
    pub(crate) fn ports(&self) -> Vec<Port> {
        ports_of(&self.posts)
    }

    /// Service and address of each listener.
    pub(crate) fn shown(&self) -> Vec<(String, String)> {
        let pair = |listener: &Listener| (listener.service.clone(), listener.address.clone());
        self.listeners.iter().map(pair).collect()
    }

    /// The socket at this address: one that was handed over, or one of our own.
    fn socket(&mut self, address: SocketAddr, transport: Transport) -> io::Result<BoundSocket> {
        match self.inherited.at(address, transport) {
            Some(socket) => Ok(socket),
            None => open(address, transport),
        }
    }
}

impl Plan {
    /// Reads the owner's lists, or takes each trap's own: the real ports for root, high ones for others.
    pub(crate) fn of(config: &Config) -> Result<Self, Failure> {
        Self::with(config, &ChosenTraps::default(), !Self::is_unprivileged())
    }

    /// The same with what was chosen on the page: a trap that is off stands nowhere, one that is on where the file says, or else on its usual ports.
    pub(crate) fn with(
        config: &Config,
        chosen: &ChosenTraps,
        privileged: bool,
    ) -> Result<Self, Failure> {
        let mut wishes = Vec::new();
        for trap in registry() {
            let defaults = if privileged { trap.ports.privileged } else { trap.ports.unprivileged };
            let is_off_in_file = is_off(&config.traps, trap);
            for transport in [Transport::Tcp, Transport::Udp] {
                let owners = owners_list(&config.traps, trap, transport);
                let owners = match chosen.of(trap.name) {
                    Some(false) => owners
                        .map(|(setting, _)| (setting, ""))
                        .or_else(|| Some((trap.name.to_owned(), ""))),
                    Some(true) if is_off_in_file => None,
                    _ => owners,
                };
                let ports = match &owners {
                    Some((setting, text)) => text.parse().map_err(|error| {
                        Failure::Asked(format!("the setting {setting} under [traps]: {error}"))
                    })?,
                    None => PortList::of(
                        defaults
                            .iter()
                            .filter(|port| port.transport == transport)
                            .map(|port| port.number),
                    ),
                };
                wishes.push(Wish { trap, transport, ports, named: owners.is_some() });
            }
        }
        let plan =
            Self { wishes, address: config.traps.address, reserved: config.dashboard.address };
        plan.keep_clear_of_the_dashboard()?;
        Ok(plan)
    }

    /// Refuses a list of the owner that holds the dashboard's port: he would believe a trap to stand where none does.
    fn keep_clear_of_the_dashboard(&self) -> Result<(), Failure> {
        let port = self.reserved.port();
        let holds = |wish: &&Wish| {
            wish.named
                && wish.transport == Transport::Tcp
                && wish.ports.ports().any(|own| own == port)
        };
        match self.wishes.iter().find(holds) {
            Some(wish) if port != 0 => Err(Failure::Asked(format!(
                "port {port} is the dashboard's and the trap {} is to listen on it too; take it out of the trap's list under [traps], or choose another under [dashboard]",
                wish.trap.name
            ))),
            _ => Ok(()),
        }
    }

    /// The traps that are to stand somewhere.
    pub(crate) fn traps(&self) -> BTreeSet<&'static str> {
        let wanted = self.wishes.iter().filter(|wish| wish.ports.ports().next().is_some());
        wanted.map(|wish| wish.trap.name).collect()
    }

    /// Binds the ports of some traps while others stand, as far as can be, and says what could not be.
    pub(crate) fn bind_some(
        &self,
        is_asked: impl Fn(&str) -> bool,
        held: &[Port],
    ) -> (Bound, Vec<Refusal>) {
        let (mut bound, mut refused) = (Bound::default(), Vec::new());
        let mut given: Vec<Port> = held.to_vec();
        given.push(Port::tcp(self.reserved.port()));
        let wants = self.traps();
        for trap in registry().iter().filter(|trap| is_asked(trap.name)) {
            if !wants.contains(trap.name) {
                continue;
            }
            for wish in self.wishes.iter().filter(|wish| wish.trap.name == trap.name) {
                for number in wish.ports.ports() {
                    let port = Port { transport: wish.transport, number };
                    if given.contains(&port) {
                        refused.push((trap.name, port, NotBound::Taken));
                        continue;
                    }
                    match self.bind_port(wish, port, &mut bound) {
                        Ok(()) => given.push(port),
                        Err(error) => refused.push((trap.name, port, why(&error))),
                    }
                }
            }
        }
        (bound, refused)
    }

    /// The ports that the owner placed a trap on by name; those of the default lists are left to whoever has them.
    pub(crate) fn named_ports(&self) -> Vec<Port> {
        let ports = |wish: &Wish| {
            let transport = wish.transport;
            wish.ports.ports().map(|number| Port { transport, number }).collect::<Vec<_>>()
        };
        self.wishes.iter().filter(|wish| wish.named).flat_map(ports).collect()
    }

    /// Whether the high ports were chosen because this is neither root nor given CAP_NET_BIND_SERVICE, as the service is.
    pub(crate) fn is_unprivileged() -> bool {
        use rustix::thread::{CapabilitySet, capabilities};
        let may_bind = capabilities(None)
            .is_ok_and(|sets| sets.effective.contains(CapabilitySet::NET_BIND_SERVICE));
        !may_bind && !rustix::process::geteuid().is_root()
    }

    /// Binds everything. A port that two traps want is the first one's; the dashboard's is nobody's.
    pub(crate) fn bind(&self) -> Result<Bound, Failure> {
        let mut bound = Bound { inherited: Inherited::take(), ..Bound::default() };
        let mut given: Vec<Port> = vec![Port::tcp(self.reserved.port())];
        for wish in &self.wishes {
            for number in wish.ports.ports() {
                let port = Port { transport: wish.transport, number };
                if given.contains(&port) {
                    continue;
                }
                match self.bind_port(wish, port, &mut bound) {
                    Ok(()) => given.push(port),
                    Err(_) if !wish.named => bound.taken.push(port),
                    Err(error) => return Err(refused(wish, self.address, port, &error)),
                }
            }
        }
        Ok(bound)
    }

    fn bind_port(&self, wish: &Wish, port: Port, bound: &mut Bound) -> io::Result<()> {
        let address = SocketAddr::from((self.address, port.number));
        let socket = bound.socket(address, port.transport)?;
        bound.posts.push(Post { trap: wish.trap, socket });
        bound
            .listeners
            .push(Listener { service: wish.trap.name.to_owned(), address: shown(address, port) });
        if self.address == IpAddr::V4(Ipv4Addr::UNSPECIFIED) {
            let six = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port.number));
            // A machine without IPv6 is served by IPv4 alone.
            if let Ok(socket) = bound.socket(six, port.transport) {
                bound.ipv6 = true;
                bound.posts.push(Post { trap: wish.trap, socket });
            }
        }
        Ok(())
    }
}

/// Traps whose lists are settings of their own; those of all others stand in `ports`.
const OF_THEIR_OWN: [(&str, Transport, &str); 7] = [
    ("http", Transport::Tcp, "http"),
    ("https", Transport::Tcp, "https"),
    ("ssh", Transport::Tcp, "ssh"),
    ("telnet", Transport::Tcp, "telnet"),
    ("elasticsearch", Transport::Tcp, "elasticsearch"),
    ("any", Transport::Tcp, "any_tcp"),
    ("any", Transport::Udp, "any_udp"),
];

/// The owner's list for a trap, with the name of the setting.
fn owners_list<'a>(
    traps: &'a Traps,
    trap: &Trap,
    transport: Transport,
) -> Option<(String, &'a str)> {
    let own = OF_THEIR_OWN.iter().find(|(name, of, _)| *name == trap.name && *of == transport);
    let Some((_, _, setting)) = own else {
        let name = name_in_ports(trap, transport)?;
        return traps.ports.get(&name).map(|list| (format!("ports.{name}"), list.as_str()));
    };
    let list = match *setting {
        "http" => &traps.http,
        "https" => &traps.https,
        "ssh" => &traps.ssh,
        "telnet" => &traps.telnet,
        "elasticsearch" => &traps.elasticsearch,
        "any_tcp" => &traps.any_tcp,
        _ => &traps.any_udp,
    };
    list.as_deref().map(|list| ((*setting).to_owned(), list))
}

/// Whether the file turns a trap off: it has a list for it, and no list has a port.
fn is_off(traps: &Traps, trap: &Trap) -> bool {
    let transports = [Transport::Tcp, Transport::Udp];
    let lists: Vec<_> = transports.iter().filter_map(|of| owners_list(traps, trap, *of)).collect();
    !lists.is_empty() && lists.iter().all(|(_, text)| text.trim().is_empty())
}

fn why(error: &io::Error) -> NotBound {
    match error.kind() {
        io::ErrorKind::PermissionDenied => NotBound::NeedsRestart,
        io::ErrorKind::AddrInUse => NotBound::Taken,
        _ => NotBound::Refused,
    }
}

/// What a trap's list is called in `ports`; `None` where it does not stand on this transport or has a setting of its own.
fn name_in_ports(trap: &Trap, transport: Transport) -> Option<String> {
    let own = OF_THEIR_OWN.iter().any(|(name, _, _)| *name == trap.name);
    if own || !trap.transports.contains(&transport) {
        return None;
    }
    let both = trap.transports.len() > 1 && transport == Transport::Udp;
    Some(if both { format!("{}_udp", trap.name) } else { trap.name.to_owned() })
}

/// The lines of the configuration file that put a trap on its usual ports, or turn it off.
pub(crate) fn lines(trap: &Trap, on: bool) -> String {
    let usual = |transport: Transport| {
        let ports = trap.ports.privileged.iter().filter(|port| port.transport == transport);
        let numbers: Vec<String> = ports.map(|port| port.number.to_string()).collect();
        if on { numbers.join(",") } else { String::new() }
    };
    let own = OF_THEIR_OWN.iter().filter(|(name, ..)| *name == trap.name);
    let mut lines: Vec<String> = own
        .map(|(_, transport, setting)| format!("{setting} = \"{}\"", usual(*transport)))
        .collect();
    let section = if lines.is_empty() { "[traps.ports]" } else { "[traps]" };
    for transport in [Transport::Tcp, Transport::Udp] {
        let name = name_in_ports(trap, transport);
        lines.extend(name.map(|name| format!("{name} = \"{}\"", usual(transport))));
    }
    format!("{section}\n{}", lines.join("\n"))
}

/// Whether each name in `ports` is a trap's, and each list one.
pub(crate) fn check_ports(ports: &BTreeMap<String, String>) -> Result<(), String> {
    let names: Vec<String> = registry()
        .iter()
        .flat_map(|trap| trap.transports.iter().filter_map(move |of| name_in_ports(trap, *of)))
        .collect();
    for (name, list) in ports {
        if !names.contains(name) {
            let names = names.join(", ");
            return Err(format!("ports under [traps] knows no `{name}`: it may name {names}"));
        }
        list.parse::<PortList>().map_err(|error| format!("ports.{name} under [traps]: {error}"))?;
    }
    Ok(())
}

fn refused(wish: &Wish, address: IpAddr, port: Port, error: &io::Error) -> Failure {
    Failure::Listen {
        what: format!("the trap {}", wish.trap.name),
        address: shown(SocketAddr::from((address, port.number)), port),
        reason: error.to_string(),
        advice: if error.kind() == io::ErrorKind::PermissionDenied {
            "ports below 1024 need root (or CAP_NET_BIND_SERVICE); choose higher ones or start as root"
        } else {
            "stop what uses it, or take the port out of its list in kizashi.toml"
        },
        in_use: error.kind() == io::ErrorKind::AddrInUse,
    }
}

fn shown(address: SocketAddr, port: Port) -> String {
    match port.transport {
        Transport::Tcp => address.to_string(),
        other => format!("{address}/{}", other.name()),
    }
}

fn open(address: SocketAddr, transport: Transport) -> io::Result<BoundSocket> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let kind = if transport == Transport::Udp { SocketType::DGRAM } else { SocketType::STREAM };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket: OwnedFd = rustix::net::socket_with(family, kind, flags, None)?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    if transport == Transport::Udp {
        rustix::net::bind(&socket, &address)?;
        return Ok(BoundSocket::Udp(UdpSocket::from(socket)));
    }
    sockopt::set_socket_reuseaddr(&socket, true)?;
    rustix::net::bind(&socket, &address)?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(BoundSocket::Tcp(TcpListener::from(socket)))
}

/// Lets this process have as many files open as the system allows it: each listener and each visitor is one.
pub(crate) fn allow_many_sockets() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, wanted) {
        tracing::debug!("the limit on open files stays as it is: {error}");
    }
}

/// Files that this process, and those that it starts, may have open.
pub(crate) fn descriptors_allowed() -> u64 {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        toml::from_str(text).unwrap()
    }

    /// A line that turns off the traps without a setting of their own.
    fn others_off() -> String {
        let names = registry()
            .iter()
            .flat_map(|trap| trap.transports.iter().filter_map(move |of| name_in_ports(trap, *of)));
        let lists: Vec<String> = names.map(|name| format!("{name} = \"\"")).collect();
        format!("ports = {{ {} }}", lists.join(", "))
    }

    #[test]
    fn the_lines_that_the_page_shows_turn_exactly_that_trap_off_and_on() {
        for trap in registry() {
            let off = Plan::of(&config(&lines(trap, false))).unwrap();
            let on = Plan::of(&config(&lines(trap, true))).unwrap();
            let ports = |plan: &Plan, of: &Trap| -> usize {
                let wishes = plan.wishes.iter().filter(|wish| wish.trap.name == of.name);
                wishes.map(|wish| wish.ports.ports().count()).sum()
            };
            assert_eq!(ports(&off, trap), 0, "{}", lines(trap, false));
            assert_eq!(ports(&on, trap), trap.ports.privileged.len(), "{}", lines(trap, true));
            let other = registry().iter().find(|other| other.name != trap.name).unwrap();
            assert_eq!(ports(&off, other), ports(&on, other));
        }
    }

    #[test]
    fn traps_without_a_setting_of_their_own_stand_where_ports_says() {
        let free = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let ports = others_off().replace("snmp = \"\"", &format!("snmp = \"{port}\""));
        let text = format!(
            "[traps]\naddress = \"127.0.0.1\"\nhttp = \"\"\nhttps = \"\"\nssh = \"\"\ntelnet = \"\"\nelasticsearch = \"\"\nany_tcp = \"\"\nany_udp = \"\"\n{ports}"
        );
        let bound = Plan::of(&config(&text)).unwrap().bind().unwrap();
        let names: Vec<&str> = bound.posts.iter().map(|post| post.trap.name).collect();
        assert_eq!(names, ["snmp"]);
        let wrong = BTreeMap::from([("smnp".to_owned(), "161".to_owned())]);
        assert!(check_ports(&wrong).unwrap_err().contains("sip_udp"));
        let wrong = BTreeMap::from([("snmp".to_owned(), "x".to_owned())]);
        assert!(check_ports(&wrong).unwrap_err().contains("ports.snmp"));
    }

    #[test]
    fn a_port_that_the_owner_named_and_somebody_has_is_told_in_a_sentence() {
        let somebody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = somebody.local_addr().unwrap().port();
        let text = format!(
            "[traps]\naddress = \"127.0.0.1\"\nhttp = \"{port}\"\nhttps = \"\"\nssh = \"\"\ntelnet = \"\"\nelasticsearch = \"\"\nany_tcp = \"\"\nany_udp = \"\"\n{}",
            others_off()
        );
        let error = Plan::of(&config(&text)).unwrap().bind().unwrap_err().to_string();
        assert!(error.contains(&port.to_string()) && error.contains("kizashi.toml"), "{error}");
    }

    #[test]
    fn a_list_that_is_none_is_refused_with_the_setting() {
        let error = Plan::of(&config("[traps]\nany_tcp = \"1-x\"")).unwrap_err().to_string();
        assert!(error.contains("any_tcp") && error.contains("1-x"), "{error}");
    }

    #[test]
    fn a_port_that_two_traps_want_is_the_first_ones() {
        let free =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let text = format!(
            "[traps]\naddress = \"127.0.0.1\"\nhttp = \"{free}\"\nhttps = \"{free}\"\nssh = \"{free}\"\ntelnet = \"{free}\"\nelasticsearch = \"{free}\"\nany_tcp = \"{free}\"\nany_udp = \"{free}\"\n{}",
            others_off()
        );
        let bound = Plan::of(&config(&text)).unwrap().bind().unwrap();
        let names: Vec<&str> = bound.posts.iter().map(|post| post.trap.name).collect();
        assert_eq!(names, ["http", "any"], "TCP is the web trap's, UDP the catch-all's");
    }
}
