//! Which trap stands on which port, and the sockets for it. Everything is bound before anything is served, so that a port
//! that is taken is told at once: one that the owner named is a failure, one of the default list is left to who has it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;

use kizashi_event::{Port, Transport};
use kizashi_traps::{BoundSocket, PortList, Post, Trap, registry};
use kizashi_web::Listener;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

use crate::config::{Config, Traps};
use crate::failure::Failure;
use crate::inherited::Inherited;

/// Connections that may wait to be accepted on one port.
const BACKLOG: i32 = 1_024;

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

impl Bound {
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
        let privileged = !Self::is_unprivileged();
        let mut wishes = Vec::new();
        for trap in registry() {
            let defaults = if privileged { trap.ports.privileged } else { trap.ports.unprivileged };
            for transport in [Transport::Tcp, Transport::Udp] {
                let owners = owners_list(&config.traps, trap.name, transport);
                let ports = match owners {
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

fn owners_list<'a>(
    traps: &'a Traps,
    trap: &str,
    transport: Transport,
) -> Option<(&'static str, &'a str)> {
    let (setting, list) = match (trap, transport) {
        ("http", Transport::Tcp) => ("http", &traps.http),
        ("https", Transport::Tcp) => ("https", &traps.https),
        ("ssh", Transport::Tcp) => ("ssh", &traps.ssh),
        ("telnet", Transport::Tcp) => ("telnet", &traps.telnet),
        ("elasticsearch", Transport::Tcp) => ("elasticsearch", &traps.elasticsearch),
        ("redis", Transport::Tcp) => ("redis", &traps.redis),
        ("any", Transport::Tcp) => ("any_tcp", &traps.any_tcp),
        ("any", Transport::Udp) => ("any_udp", &traps.any_udp),
        _ => return None,
    };
    list.as_deref().map(|list| (setting, list))
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

    #[test]
    fn a_port_that_the_owner_named_and_somebody_has_is_told_in_a_sentence() {
        let somebody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = somebody.local_addr().unwrap().port();
        let text = format!(
            "[traps]\naddress = \"127.0.0.1\"\nhttp = \"{port}\"\nhttps = \"\"\nssh = \"\"\ntelnet = \"\"\nelasticsearch = \"\"\nredis = \"\"\nany_tcp = \"\"\nany_udp = \"\""
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
            "[traps]\naddress = \"127.0.0.1\"\nhttp = \"{free}\"\nhttps = \"{free}\"\nssh = \"{free}\"\ntelnet = \"{free}\"\nelasticsearch = \"{free}\"\nredis = \"{free}\"\nany_tcp = \"{free}\"\nany_udp = \"{free}\""
        );
        let bound = Plan::of(&config(&text)).unwrap().bind().unwrap();
        let names: Vec<&str> = bound.posts.iter().map(|post| post.trap.name).collect();
        assert_eq!(names, ["http", "any"], "TCP is the web trap's, UDP the catch-all's");
    }
}
