//! Who is logged in to this machine from elsewhere, so that the owner comes on no list: sessions that logind knows, those in utmp, the one in
//! which this was started, and connections that the real sshd has. A visitor of a trap is none of these, whatever port it
//! stands on: what a trap has accepted belongs to the user that the traps run as, and what sshd has accepted to root.

use std::net::IpAddr;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::sockets::{ESTABLISHED, in_state};
use crate::sshd::Sshd;

/// Connections, sessions and entries of utmp that are looked at, each.
const MOST: usize = 256;
/// Bytes of a file that are read.
const LONGEST_FILE: u64 = 4 << 20;

/// Addresses that are the owner's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OwnAddresses {
    /// This machine's own, and those of connections that sshd has, be anybody logged in by them or not: they count while they last.
    pub(crate) current: Vec<String>,
    /// Those from which somebody is logged in; they count for a while after.
    pub(crate) logins: Vec<String>,
}

impl OwnAddresses {
    /// As things stand now.
    pub(crate) fn now() -> Self {
        let mut own = Self::under(Path::new("/"));
        own.current.extend(crate::capture::own_addresses());
        let client = std::env::var("SSH_CONNECTION").ok();
        own.logins.extend(client.and_then(|text| Some(text.split(' ').next()?.to_owned())));
        own
    }

    /// Those who are logged in to, or connected with the sshd of, the machine whose root this is.
    fn under(root: &Path) -> Self {
        let ports = Sshd::of(root).map(|sshd| sshd.ports).unwrap_or_default();
        let mut connected: Vec<IpAddr> = Vec::new();
        for table in ["proc/net/tcp", "proc/net/tcp6"] {
            let table = String::from_utf8_lossy(&bytes(&root.join(table))).into_owned();
            connected.extend(with_sshd(&table, &ports).take(MOST));
        }
        let mut logins = of_utmp(&bytes(&root.join("run/utmp")));
        logins.extend(of_logind(&root.join("run/systemd/sessions")));
        let texts = |mut all: Vec<IpAddr>| {
            all.sort_unstable();
            all.dedup();
            all.iter().map(ToString::to_string).collect()
        };
        Self { current: texts(connected), logins: texts(logins) }
    }
}

fn bytes(path: &Path) -> Vec<u8> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    if let Ok(file) = std::fs::File::open(path) {
        // What could be read of it counts.
        let _ = file.take(LONGEST_FILE).read_to_end(&mut bytes);
    }
    bytes
}

/// Who is connected to one of sshd's ports with a process of root's: before and after a login sshd's own process has the connection.
fn with_sshd<'a>(table: &'a str, ports: &'a [u16]) -> impl Iterator<Item = IpAddr> + 'a {
    in_state(table, ESTABLISHED)
        .filter(|socket| ports.contains(&socket.port) && socket.is_roots())
        .filter_map(|socket| socket.peer())
}

/// Sessions from elsewhere that systemd-logind knows, a file each (`REMOTE=1`, `REMOTE_HOST=…`; the form that sd-login(3) reads).
fn of_logind(folder: &Path) -> Vec<IpAddr> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().take(MOST);
    let remote = |text: &str| {
        let is_remote = text.lines().any(|line| line == "REMOTE=1");
        let host = text.lines().find_map(|line| line.strip_prefix("REMOTE_HOST="))?;
        is_remote.then(|| host.parse::<IpAddr>().ok()).flatten()
    };
    let texts = files.map(|file| String::from_utf8_lossy(&bytes(&file.path())).into_owned());
    texts.filter_map(|text| remote(&text)).map(|address| address.to_canonical()).collect()
}

/// Users in utmp(5) with the address that they came from. glibc's record has 384 bytes, or 400 where its times are longer; type and host
/// stand at the same places in both.
fn of_utmp(bytes: &[u8]) -> Vec<IpAddr> {
    const USER_PROCESS: i16 = 7;
    let length = if bytes.len().is_multiple_of(384) { 384 } else { 400 };
    let host = |record: &[u8]| {
        let kind = i16::from_ne_bytes(record.get(..2)?.try_into().ok()?);
        let host = record.get(76..332)?.split(|byte| *byte == 0).next()?;
        let host = std::str::from_utf8(host).ok()?.parse::<IpAddr>().ok()?;
        (kind == USER_PROCESS).then_some(host.to_canonical())
    };
    bytes.chunks_exact(length).take(MOST).filter_map(host).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_machine::Made;

    /// A connection from `remote` to a port (in hexadecimal), accepted by this user.
    fn line(port: &str, remote: &str, state: &str, user: u32, inode: u32) -> String {
        format!(" 0: 0A01A8C0:{port} {remote}:D431 {state} 0:0 0:0 0 {user} 0 {inode} 1\n")
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn whoever_visits_a_trap_on_a_port_that_sshds_configuration_names_is_no_login() {
        let tcp = [
            "  sl  local_address rem_address   st\n".to_owned(),
            line("0016", "076433C6", "01", 998, 11),
            line("5606", "086433C6", "01", 0, 12),
            line("0016", "096433C6", "01", 0, 0),
            line("0017", "0A6433C6", "01", 0, 13),
            line("5606", "00000000", "0A", 0, 14),
        ];
        let sshd = "Port 22\nPort 22022\n";
        let made = Made::new(&[("etc/ssh/sshd_config", sshd), ("proc/net/tcp", &tcp.concat())]);
        let own = OwnAddresses::under(made.root());
        assert_eq!(
            own.current,
            ["198.51.100.8"],
            "nor who waits to be accepted, nor another port's"
        );
        assert!(own.logins.is_empty(), "and a connection alone is no login");
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn an_address_of_ipv4_within_ipv6_is_what_it_is() {
        let six = " 0: 0000000000000000FFFF00000A01A8C0:0016 0000000000000000FFFF0000076433C6:D431 01 0:0 0:0 0 0 0 9 1";
        assert_eq!(
            with_sshd(six, &[22]).collect::<Vec<_>>(),
            ["198.51.100.7".parse::<IpAddr>().unwrap()]
        );
        assert_eq!(with_sshd("x\n\u{80}", &[22]).count(), 0);
    }

    #[test]
    fn logind_and_utmp_know_who_is_logged_in() {
        let session =
            "# This is private data. Do not parse.\nUID=1000\nREMOTE=1\nREMOTE_HOST=198.51.100.7\n";
        let local = "UID=1000\nREMOTE=0\nREMOTE_HOST=198.51.100.9\n";
        let made =
            Made::new(&[("run/systemd/sessions/4", session), ("run/systemd/sessions/5", local)]);
        for length in [384, 400] {
            let mut utmp = vec![0_u8; 3 * length];
            for (at, (kind, host)) in
                [(7_i16, "2001:db8::7"), (8, "198.51.100.8"), (7, "host.example")]
                    .iter()
                    .enumerate()
            {
                utmp[at * length..at * length + 2].copy_from_slice(&kind.to_ne_bytes());
                utmp[at * length + 76..at * length + 76 + host.len()]
                    .copy_from_slice(host.as_bytes());
            }
            std::fs::write(made.root().join("run/utmp"), &utmp).unwrap();
            assert_eq!(OwnAddresses::under(made.root()).logins, ["198.51.100.7", "2001:db8::7"]);
            // Cut anywhere it is read as far as it goes.
            (0..utmp.len()).step_by(7).for_each(|end| _ = of_utmp(&utmp[..end]));
        }
    }
}
