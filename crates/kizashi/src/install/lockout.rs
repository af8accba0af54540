//! The one mistake that an installer must not make: to let a trap take the port by which the owner comes in. A trap on that
//! port would answer the owner's next login, and the machine would be lost to everybody but its host.

use std::collections::BTreeSet;

use kizashi_event::Port;

use crate::failure::Failure;

/// Refuses when a trap that the owner placed would take a port of the real sshd, or the one this very login came by.
///
/// `connection` is `SSH_CONNECTION` as sshd sets it (client address and port, own address and port).
pub(crate) fn refuse_to_lock_out(
    named: &[Port],
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
        if port.number == 22 && listening.contains(&22) {
            return Err(Failure::Asked(
                "your sshd listens on tcp/22, and the configuration gives it to a trap: at the next boot you could be locked out; move sshd first, or take 22 out of its list".to_owned(),
            ));
        }
    }
    Ok(())
}

/// The TCP ports that somebody listens on, from the lines of `/proc/net/tcp` or `tcp6` (proc(5): local address in hexadecimal,
/// state 0A is LISTEN).
pub(crate) fn listening(table: &str) -> BTreeSet<u16> {
    let port = |line: &str| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let local = fields.next()?;
        let state = fields.nth(1)?;
        let (_, port) = local.rsplit_once(':')?;
        (state == "0A").then(|| u16::from_str_radix(port, 16).ok()).flatten()
    };
    table.lines().filter_map(port).collect()
}

/// The ports that somebody on this machine listens on.
pub(crate) fn listening_here() -> BTreeSet<u16> {
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .filter_map(|table| std::fs::read_to_string(table).ok())
        .flat_map(|table| listening(&table))
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

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 16406 1 0 100 0 0 10 0
   1: 0100007F:1E61 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   2: 0100007F:D431 0100007F:1E61 01 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
";

    #[test]
    fn only_ports_that_are_listened_on_are_found_and_nonsense_is_passed_over() {
        assert_eq!(listening(TABLE), BTreeSet::from([22, 7777]));
        assert_eq!(listening("x\n: : :\n1 2 3 0A"), BTreeSet::new());
    }

    #[test]
    fn the_port_of_this_login_and_of_sshd_are_refused_and_others_are_not() {
        let none = BTreeSet::new();
        let sshd = BTreeSet::from([22]);
        let by = Some("203.0.113.5 50000 198.51.100.7 2222");
        assert!(refuse_to_lock_out(&[Port::tcp(2222)], &none, by).is_err());
        assert!(refuse_to_lock_out(&[Port::tcp(22)], &sshd, by).is_err());
        assert!(refuse_to_lock_out(&[Port::tcp(22)], &none, None).is_ok());
        assert!(refuse_to_lock_out(&[Port::tcp(80)], &sshd, by).is_ok());
        assert!(refuse_to_lock_out(&[Port::tcp(80)], &sshd, Some("broken")).is_ok());
    }
}
