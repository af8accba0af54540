//! What this machine is, from its own tables: addresses, ports that real services have, interfaces. Read at the start and again each
//! minute by the supervisor, for addresses change and services come and go; the process that sees packets opens no file.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;

use kizashi_wire::Prefix;
use kizashi_wire::live::{Interfaces, MOST_INTERFACES, PortSet};

use crate::sockets::{LISTENS, Socket, UNCONNECTED, in_state};

/// Bytes of a table that are read: a router's may be long.
const LONGEST_TABLE: u64 = 4 << 20;
/// Addresses of our own that are told at most.
const MOST_ADDRESSES: usize = 256;
/// `RTF_LOCAL` of `linux/ipv6_route.h`.
const LOCAL_ROUTE: u32 = 0x8000_0000;

fn table(path: &Path) -> String {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    if let Ok(file) = std::fs::File::open(path) {
        // What could be read of it counts.
        let _ = file.take(LONGEST_TABLE).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Every address that this machine takes packets for.
pub(super) fn addresses() -> Vec<Prefix> {
    let mut found = addresses_of_four(&table(Path::new("/proc/net/fib_trie")));
    found.extend(addresses_of_six(&table(Path::new("/proc/net/ipv6_route"))));
    found.truncate(MOST_ADDRESSES);
    found
}

/// From the kernel's trie of routes: an address, and on the next lines what leads there.
fn addresses_of_four(trie: &str) -> Vec<Prefix> {
    let mut found: Vec<Prefix> = Vec::new();
    let mut address: Option<Ipv4Addr> = None;
    for line in trie.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("|-- ") {
            address = text.parse().ok();
        } else if let Some(address) = address
            && line.ends_with("host LOCAL")
            && let Some(length) = line.split_whitespace().next()
            && let Ok(prefix) = format!("{address}{length}").parse()
            && !address.is_loopback()
            && !found.contains(&prefix)
        {
            found.push(prefix);
        }
    }
    found
}

/// From the table of routes: those that end here.
fn addresses_of_six(routes: &str) -> Vec<Prefix> {
    let read = |line: &str| -> Option<Prefix> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let address = Ipv6Addr::from_bits(u128::from_str_radix(words.first()?, 16).ok()?);
        let length = u8::from_str_radix(words.get(1)?, 16).ok()?;
        let flags = u32::from_str_radix(words.get(8)?, 16).ok()?;
        let is_ours = flags & LOCAL_ROUTE != 0 && !address.is_loopback();
        is_ours.then(|| format!("{address}/{length}").parse().ok()).flatten()
    };
    routes.lines().filter_map(read).collect()
}

/// Ports that somebody listens on where others can come, of TCP and UDP.
pub(super) fn services() -> (PortSet, PortSet) {
    let read = |names: [&str; 2], state: &str| {
        let texts = names.map(|name| table(&Path::new("/proc/net").join(name)));
        PortSet::of(texts.iter().flat_map(|text| ports(text, state)).collect::<Vec<_>>())
    };
    (read(["tcp", "tcp6"], LISTENS), read(["udp", "udp6"], UNCONNECTED))
}

/// Local ports of the sockets in this state, but for those on loopback.
fn ports(table: &str, state: &str) -> Vec<u16> {
    let open = in_state(table, state).filter(Socket::is_reached_from_elsewhere);
    open.map(|socket| socket.port).collect()
}

/// The interfaces to look at: those that the owner names, or all but those that are parts of another (of a bridge or a bond), whose
/// packets come again there.
///
/// # Errors
/// A name that no interface has.
pub(super) fn interfaces(named: &[String]) -> Result<Interfaces, String> {
    let folder = Path::new("/sys/class/net");
    let number = |name: &Path| -> Option<u32> {
        std::fs::read_to_string(name.join("ifindex")).ok()?.trim().parse().ok()
    };
    if !named.is_empty() {
        let found = named.iter().map(|name| {
            number(&folder.join(name)).ok_or_else(|| {
                format!("there is no interface {name}; `ip link` lists them, and [capture] names those to look at")
            })
        });
        return found.collect::<Result<_, _>>().map(Interfaces::Only);
    }
    let parts = std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| {
        let path = entry.ok()?.path();
        if path.join("master").exists() { number(&path) } else { None }
    });
    Ok(Interfaces::AllBut(parts.take(MOST_INTERFACES).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefixes(list: &[&str]) -> Vec<Prefix> {
        list.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn our_addresses_are_those_whose_routes_end_here() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     |-- 198.18.0.0\n        /24 link UNICAST\nLocal:\n     |-- 127.0.0.0\n        /8 host LOCAL\n     |-- 198.18.0.7\n        /32 host LOCAL\n     |-- 198.18.0.255\n        /32 link BROADCAST\n     |-- 203.0.113.0\n        /24 host LOCAL\n     |-- 198.18.0.7\n        /32 host LOCAL\n";
        assert_eq!(addresses_of_four(trie), prefixes(&["198.18.0.7", "203.0.113.0/24"]));
        let routes = "00000000000000000000000000000001 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000003 00000000 80200001       lo\n\
            fd770000000000000000000000000002 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000002 00000000 80200001       v0\n\
            fd770000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001       v0\n";
        assert_eq!(addresses_of_six(routes), prefixes(&["fd77::2"]));
        assert!(addresses_of_four("|-- x\n /32 host LOCAL").is_empty());
        assert!(addresses_of_six("x y\n\n").is_empty());
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn services_are_ports_that_others_can_come_to() {
        let tcp = "  sl  local_address rem_address   st tx_queue\n\
            0: 00000000:0016 00000000:0000 0A 00000000:00000000\n\
            1: 0100007F:0CEA 00000000:0000 0A 00000000:00000000\n\
            2: 070012C6:01BB 010012C6:9C40 01 00000000:00000000\n\
            3: 070012C6:1F90 00000000:0000 0A 00000000:00000000\n\
            broken\n";
        assert_eq!(ports(tcp, LISTENS), [22, 8_080]);
        let six = "head\n\
            0: 00000000000000000000000000000000:0050 0:0 0A x\n\
            1: 00000000000000000000000001000000:0051 0:0 0A x\n\
            2: 0000000000000000FFFF00000100007F:0052 0:0 0A x\n";
        assert_eq!(ports(six, LISTENS), [80]);
    }

    #[test]
    fn a_listener_of_our_own_is_found_and_an_interface_that_is_none_is_told() {
        let socket = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        assert!(services().0.has(port));
        assert!(interfaces(&["no-such-thing".to_owned()]).is_err_and(|it| it.contains("no-such")));
        assert!(
            matches!(interfaces(&["lo".to_owned()]), Ok(Interfaces::Only(one)) if one.len() == 1)
        );
    }
}
