//! The kernel's tables of sockets (`/proc/net/tcp`, `tcp6`, `udp`, `udp6`; proc(5)), read line by line: who listens, who is connected. A line that cannot
//! be read is left out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// States of a socket (`include/net/tcp_states.h`): a connection, a datagram socket without a peer, a listener.
pub(crate) const ESTABLISHED: &str = "01";
pub(crate) const UNCONNECTED: &str = "07";
pub(crate) const LISTENS: &str = "0A";

/// One socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Socket<'a> {
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
    /// The other side's address in hexadecimal, as the table has it.
    remote: &'a str,
    pub(crate) state: &'a str,
    /// Who has it: the user by whom it was made, which of an accepted connection is whoever accepted it.
    pub(crate) user: Option<u32>,
    /// The number by which a process that has it open names it.
    pub(crate) inode: Option<u64>,
}

impl Socket<'_> {
    /// Whether others than this machine can come to it.
    pub(crate) fn is_reached_from_elsewhere(&self) -> bool {
        !self.address.is_loopback()
    }

    /// Whether a process of root's has it open; nobody has what still waits to be accepted.
    pub(crate) fn is_roots(&self) -> bool {
        self.user == Some(0) && self.inode.is_some_and(|inode| inode != 0)
    }

    /// Who is at the other side.
    pub(crate) fn peer(&self) -> Option<IpAddr> {
        address_of(self.remote.rsplit_once(':')?.0)
    }
}

/// The sockets of a table in this state.
pub(crate) fn in_state<'a>(
    table: &'a str,
    state: &'a str,
) -> impl Iterator<Item = Socket<'a>> + 'a {
    table.lines().filter_map(read).filter(move |socket| socket.state == state)
}

fn read(line: &str) -> Option<Socket<'_>> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let (address, port) = words.get(1)?.rsplit_once(':')?;
    Some(Socket {
        address: address_of(address)?,
        port: u16::from_str_radix(port, 16).ok()?,
        remote: words.get(2)?,
        state: words.get(3)?,
        user: words.get(7).and_then(|user| user.parse().ok()),
        inode: words.get(9).and_then(|inode| inode.parse().ok()),
    })
}

/// Addresses are written as words in the machine's byte order; one of IPv4 within IPv6 is what it is.
fn address_of(text: &str) -> Option<IpAddr> {
    let mut bytes = Vec::new();
    for at in (0..text.len()).step_by(8) {
        let word = u32::from_str_radix(text.get(at..at + 8)?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    let address: IpAddr = match bytes.len() {
        4 => Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into(),
        16 => Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into(),
        _ => return None,
    };
    Some(address.to_canonical())
}
