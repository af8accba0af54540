//! The one mistake that an installer must not make: to let a trap take the port by which the owner comes in. A trap on that
//! port would answer the owner's next login, and the machine would be lost to everybody but its host.

use std::collections::BTreeSet;

use kizashi_event::Port;

use crate::failure::Failure;
use crate::sockets::{LISTENS, in_state};

/// Refuses when a trap that the owner placed would take a port of the real sshd, or the one this very login came by.
///
/// `sshd` are the ports that its configuration names; where somebody listens on one of these it is him. `connection` is `SSH_CONNECTION` as sshd
/// sets it (client address and port, own address and port).
pub(crate) fn refuse_to_lock_out(
    named: &[Port],
    sshd: &[u16],
    listening: &BTreeSet<u16>,
    connection: Option<&str>,
) -> Result<(), Failure> {
    let own = connection.and_then(|text| text.split(' ').nth(3)?.parse::<u16>().ok());
    for port in named.iter().filter(|port| **port == Port::tcp(port.number)) {
        if own == Some(port.number) {
            return Err(Failure::Asked(format!(
                "you are logged in through {port}, and the configuration gives it to a trap: you would be locked out; move sshd first, or take it out of its list"
            )));
        }
        let is_sshds = port.number == 22 || sshd.contains(&port.number);
        if is_sshds && listening.contains(&port.number) {
            return Err(Failure::Asked(format!(
                "your sshd listens on {port}, and the configuration gives it to a trap: at the next boot you could be locked out; move sshd first, or take {} out of its list",
                port.number
            )));
        }
    }
    Ok(())
}

/// The ports that somebody on this machine listens on.
pub(crate) fn listening_here() -> BTreeSet<u16> {
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .filter_map(|table| std::fs::read_to_string(table).ok())
        .flat_map(|table| in_state(&table, LISTENS).map(|socket| socket.port).collect::<Vec<u16>>())
        .collect()
}

/// How a person moves the real sshd to another port without losing the machine.
pub(crate) const fn how_to_move_sshd() -> &'static str {
    "\
To let a trap have port 22, move the real sshd yourself, in this order, and keep this session open until the last line:
  1. echo 'Port 22022' | sudo tee /etc/ssh/sshd_config.d/port.conf
  2. open 22022 in your firewall and in your provider's
  3. sudo sshd -t && sudo systemctl restart ssh    (where sshd is started by ssh.socket: sudo systemctl edit ssh.socket)
  4. from another window: ssh -p 22022 you@this-machine    and only when that works:
  5. set ssh = \"22,2222\" under [traps] in /etc/kizashi/kizashi.toml, then sudo systemctl restart kizashi"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_this_login_and_of_sshd_are_refused_and_others_are_not() {
        let none = BTreeSet::new();
        let listened = BTreeSet::from([22, 2022]);
        let by = Some("203.0.113.5 50000 198.51.100.7 2222");
        assert!(refuse_to_lock_out(&[Port::tcp(2222)], &[], &none, by).is_err());
        assert!(refuse_to_lock_out(&[Port::tcp(22)], &[], &listened, by).is_err());
        assert!(refuse_to_lock_out(&[Port::tcp(2022)], &[2022], &listened, by).is_err());
        assert!(refuse_to_lock_out(&[Port::tcp(2022)], &[22], &listened, by).is_ok());
        assert!(refuse_to_lock_out(&[Port::tcp(22)], &[22], &none, None).is_ok());
        assert!(refuse_to_lock_out(&[Port::tcp(80)], &[22], &listened, by).is_ok());
        assert!(refuse_to_lock_out(&[Port::tcp(80)], &[22], &listened, Some("broken")).is_ok());
    }
}
