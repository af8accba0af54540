//! Sockets that systemd bound before it started us (sd_listen_fds(3): `LISTEN_FDS`, `LISTEN_PID`). With them an ordinary user has the
//! real ports, and a restart of the whole service leaves no port dark.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use kizashi_event::Transport;
use kizashi_traps::BoundSocket;

/// What was handed over and is not taken yet.
#[derive(Debug, Default)]
pub(crate) struct Inherited(Vec<(SocketAddr, BoundSocket)>);

impl Inherited {
    /// Takes what was handed over; the environment is read once, later calls find nothing.
    pub(crate) fn take() -> Self {
        let mut handed = listenfd::ListenFd::from_env();
        let mut sockets = Vec::new();
        for at in 0..handed.len() {
            let socket = match handed.take_tcp_listener(at) {
                Ok(Some(socket)) => tcp(socket),
                Ok(None) => continue,
                Err(_) => match handed.take_udp_socket(at) {
                    Ok(Some(socket)) => udp(socket),
                    _ => continue,
                },
            };
            match socket {
                Ok(socket) => sockets.push(socket),
                Err(error) => tracing::warn!("socket {at} from systemd cannot be used: {error}"),
            }
        }
        Self(sockets)
    }

    /// The socket for this address, if it was handed over. One that is bound to another address of the same port is the owner's
    /// choice and taken as well.
    pub(crate) fn at(&mut self, address: SocketAddr, transport: Transport) -> Option<BoundSocket> {
        let fits = |(bound, socket): &(SocketAddr, BoundSocket)| {
            let same = match socket {
                BoundSocket::Tcp(_) => transport == Transport::Tcp,
                BoundSocket::Udp(_) => transport == Transport::Udp,
            };
            same && bound.port() == address.port() && bound.is_ipv4() == address.is_ipv4()
        };
        let at = self.0.iter().position(fits)?;
        Some(self.0.swap_remove(at).1)
    }
}

fn tcp(socket: TcpListener) -> io::Result<(SocketAddr, BoundSocket)> {
    socket.set_nonblocking(true)?;
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
    Ok((socket.local_addr()?, BoundSocket::Tcp(socket)))
}

fn udp(socket: UdpSocket) -> io::Result<(SocketAddr, BoundSocket)> {
    socket.set_nonblocking(true)?;
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
    Ok((socket.local_addr()?, BoundSocket::Udp(socket)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_given_to_its_port_and_transport_once() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let mut inherited = Inherited(vec![tcp(socket).unwrap()]);
        assert!(inherited.at(address, Transport::Udp).is_none());
        let wanted = SocketAddr::from(([0, 0, 0, 0], address.port()));
        assert!(matches!(inherited.at(wanted, Transport::Tcp), Some(BoundSocket::Tcp(_))));
        assert!(inherited.at(wanted, Transport::Tcp).is_none());
    }
}
