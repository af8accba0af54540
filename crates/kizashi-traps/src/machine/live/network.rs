//! The network as `/proc/net` shows it. The address is the one that the visitor came to, where he came to a real one.

use std::net::{IpAddr, Ipv4Addr};

use super::super::kernel::Kernel;

impl Kernel {
    /// The machine's own address.
    pub(crate) fn address(&self) -> Ipv4Addr {
        match self.visitor.destination {
            Some(IpAddr::V4(address)) if !address.is_loopback() && !address.is_unspecified() => {
                address
            }
            _ => self.world.hardware.address,
        }
    }

    /// The first address of its network, which is the gateway's.
    pub(crate) fn gateway(&self) -> Ipv4Addr {
        if self.address() == self.world.hardware.address {
            return self.world.hardware.gateway;
        }
        Ipv4Addr::from_bits(self.network().to_bits() + 1)
    }

    pub(crate) fn network(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.address().to_bits() & self.netmask().to_bits())
    }

    pub(crate) fn netmask(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(u32::MAX << (32 - u32::from(self.world.hardware.prefix)))
    }

    pub(crate) fn broadcast(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.network().to_bits() | !self.netmask().to_bits())
    }

    /// Bytes and packets received and sent by the interface since the start.
    pub(crate) fn traffic(&self) -> [u64; 4] {
        let (seconds, _) = self.world.uptime(self.now());
        let seconds = seconds.unsigned_abs();
        let rate = 900 + self.world.draw("traffic").below(0, 3_000);
        let received = seconds * rate + self.world.wandering("received", self.now(), 5, 9_000);
        let sent = received * 2 / 5 + self.world.wandering("sent", self.now(), 5, 9_000);
        [received, received / 310, sent, sent / 240]
    }

    pub(super) fn interfaces_text(&self) -> String {
        let [received, packets_in, sent, packets_out] = self.traffic();
        let row = |name: &str, [a, b, c, d]: [u64; 4]| {
            format!(
                "{name:>6}: {a:>7} {b:>7}    0    0    0     0          0         0 {c:>8} {d:>7}    0    0    0     0       0          0\n"
            )
        };
        format!(
            "Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n{}{}",
            row("lo", [48_212, 612, 48_212, 612]),
            row(self.world.hardware.interface, [received, packets_in, sent, packets_out])
        )
    }

    pub(super) fn routes_text(&self) -> String {
        let hex = |address: Ipv4Addr| format!("{:08X}", address.to_bits().swap_bytes());
        let interface = self.world.hardware.interface;
        format!(
            "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT                                                       \n{interface}\t00000000\t{}\t0003\t0\t0\t0\t00000000\t0\t0\t0\n{interface}\t{}\t00000000\t0001\t0\t0\t0\t{}\t0\t0\t0\n",
            hex(self.gateway()),
            hex(self.network()),
            hex(self.netmask())
        )
    }

    /// The hardware address of the gateway.
    pub(crate) fn gateway_mac(&self) -> String {
        let number = self.world.draw("gateway").number(0).to_be_bytes();
        format!("00:1a:30:{:02x}:{:02x}:{:02x}", number[0], number[1], number[2])
    }

    pub(super) fn arp_text(&self) -> String {
        format!(
            "IP address       HW type     Flags       HW address            Mask     Device\n{:<16} 0x1         0x2         {}     *        {}\n",
            self.gateway().to_string(),
            self.gateway_mac(),
            self.world.hardware.interface
        )
    }

    /// Ports on which services listen: number, owner's process and name.
    pub(crate) fn listeners(&self) -> Vec<(u16, u32, &'static str)> {
        let port = |name: &str| match name {
            "sshd" => Some(22),
            "nginx" | "apache2" | "httpd" => Some(80),
            "telnetd" => Some(23),
            "dnsmasq" => Some(53),
            "Sofia" => Some(34_567),
            _ => None,
        };
        let mut found: Vec<(u16, u32, &'static str)> = Vec::new();
        for daemon in &self.world.daemons {
            if let Some(port) = port(daemon.name)
                && found.iter().all(|(number, ..)| *number != port)
            {
                found.push((port, daemon.number, daemon.name));
            }
        }
        if self.visitor.service == "telnetd" && found.iter().all(|(number, ..)| *number != 23) {
            found.push((23, 438, "inetd"));
        }
        found.sort_unstable();
        found
    }

    /// The port of the service that let the visitor in.
    pub(crate) fn own_port(&self) -> u16 {
        if self.visitor.service == "telnetd" { 23 } else { 22 }
    }

    pub(super) fn tcp_text(&self) -> String {
        let mut text = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     \n".to_owned();
        for (place, (port, process, _)) in self.listeners().into_iter().enumerate() {
            text.push_str(&format!("{place:>4}: 00000000:{port:04X} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 {} 1 0000000000000000 100 0 0 10 0                   \n", 12_000 + process));
        }
        text
    }
}
