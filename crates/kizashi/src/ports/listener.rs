//! The catch-all's listener for ports that are led to it: bound to a port that the system picks, the same one for both families, and
//! transparent (ip(7), `IP_TRANSPARENT`), so that a connection keeps the address and port that its visitor wrote to.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use kizashi_event::Transport;
use kizashi_traps::{BoundSocket, Post, trap_named};
use kizashi_web::Listener;
use socket2::{Domain, Protocol, Socket, Type};

use super::Plan;
use crate::config::Config;
use crate::failure::Failure;
use crate::listening::{BACKLOG, Bound};

/// The trap that takes what is led to it.
const TRAP: &str = "any";
/// Ports tried until one is free in both families.
const TRIES: usize = 16;

/// Opens the listener, adds it to what is bound, and gives the plan of its rules.
pub(crate) fn open(config: &Config, bound: &mut Bound) -> Result<Plan, Failure> {
    let address = config.traps.address;
    let sockets = (0..TRIES)
        .map(|_| sockets(address))
        .find(|tried| !matches!(tried, Err(error) if error.kind() == io::ErrorKind::AddrInUse))
        .unwrap_or_else(|| Err(io::ErrorKind::AddrInUse.into()));
    let sockets = sockets.map_err(|error| refused(&error))?;
    let port =
        sockets.first().and_then(|socket| socket.local_addr().ok()).map_or(0, |at| at.port());
    let traps = bound
        .posts
        .iter()
        .filter_map(|post| match &post.socket {
            BoundSocket::Tcp(socket) => socket.local_addr().ok().map(|address| address.port()),
            BoundSocket::Udp(_) => None,
        })
        .collect();
    let trap = trap_named(TRAP)
        .filter(|trap| trap.transports.contains(&Transport::Tcp))
        .ok_or_else(|| Failure::Asked("this Kizashi has no catch-all".to_owned()))?;
    bound
        .posts
        .extend(sockets.into_iter().map(|socket| Post { trap, socket: BoundSocket::Tcp(socket) }));
    bound.listeners.push(Listener { service: TRAP.to_owned(), address: format!("{address}:*") });
    Ok(Plan::of(config, port, traps))
}

fn sockets(address: IpAddr) -> io::Result<Vec<TcpListener>> {
    let first = listener(SocketAddr::from((address, 0)))?;
    let port = first.local_addr()?.port();
    let mut sockets = vec![first];
    if address == IpAddr::V4(Ipv4Addr::UNSPECIFIED) {
        match listener(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))) {
            Ok(second) => sockets.push(second),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
            // A machine without IPv6 is served by IPv4 alone.
            Err(_) => {}
        }
    }
    Ok(sockets)
}

fn listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Linux keeps one mark for both families.
    socket.set_ip_transparent_v4(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn refused(error: &io::Error) -> Failure {
    Failure::Asked(if error.kind() == io::ErrorKind::PermissionDenied {
        "to answer on all ports takes root, or CAP_NET_ADMIN as packaging/all-ports.conf gives it to the service; start by `sudo kizashi up --all-ports`, or leave it out".to_owned()
    } else {
        format!("the listener for all ports cannot be opened ({error}); leave --all-ports out")
    })
}
