//! What this machine really runs, as far as its owner lets Kizashi look (`look_at_this_machine` under `[signs]`). These are plain
//! values: the core's starter reads them before the sandbox closes, and nothing here opens a file.

use std::collections::BTreeMap;

use kizashi_event::{Port, Timestamp, Transport};
use serde::{Deserialize, Serialize};

/// A real program that listens, no trap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RealService {
    /// Where.
    pub port: Port,
    /// The address that it listens on.
    pub address: String,
    /// The program's name, where it can be read.
    pub program: Option<String>,
    /// Whether this machine alone reaches it.
    pub is_local: bool,
}

/// What a machine runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// When it was looked at.
    pub read: Timestamp,
    /// What listens, ordered by port.
    pub services: Vec<RealService>,
    /// Versions of installed packages that some campaign is about.
    pub packages: BTreeMap<String, String>,
    /// Whether sshd lets people in by password; `None` where there is none or it cannot be read.
    pub ssh_passwords: Option<bool>,
}

/// How much a sign concerns a machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Relevance {
    /// Nothing of the kind runs here.
    None,
    /// Nobody looked.
    #[default]
    Unknown,
    /// It runs, for this machine alone.
    Some,
    /// It runs and can be reached.
    High,
    /// It runs and lets in what is tried.
    Open,
}

impl Relevance {
    /// The word in JSON and in the files of words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Unknown => "unknown",
            Self::Some => "some",
            Self::High => "high",
            Self::Open => "open",
        }
    }
}

/// Programs by the ports that people seek them at: who runs one elsewhere is meant too.
const PROGRAMS: &[(&[u16], &[&str])] = &[
    (&[22, 2222], &["sshd", "dropbear"]),
    (&[23, 26, 2223, 2323], &["in.telnetd", "telnetd", "inetd", "xinetd"]),
    (&[21, 2121], &["vsftpd", "proftpd", "pure-ftpd"]),
    (&[25, 465, 587], &["master", "exim4", "sendmail", "opensmtpd"]),
    (&[110, 143, 993, 995], &["dovecot"]),
    (
        &[80, 81, 443, 8000, 8080, 8443, 8888],
        &["nginx", "apache2", "httpd", "caddy", "lighttpd", "traefik", "haproxy"],
    ),
    (&[139, 445], &["smbd"]),
    (&[1433], &["sqlservr"]),
    (&[3306], &["mysqld", "mariadbd"]),
    (&[5432], &["postgres"]),
    (&[6379], &["redis-server", "valkey-server"]),
    (&[27017], &["mongod"]),
    (&[9200, 9300], &["java"]),
    (&[11211], &["memcached"]),
    (&[3389], &["xrdp"]),
    (&[5900, 5901, 5902], &["Xvnc", "Xtigervnc", "x11vnc", "vncserver-x11-s", "wayvnc"]),
    (&[2375, 2376], &["dockerd"]),
    (&[6443, 10250], &["kube-apiserver", "kubelet", "k3s"]),
    (&[5060, 5061], &["asterisk", "kamailio", "freeswitch"]),
    (&[1883, 8883], &["mosquitto"]),
    (&[53], &["named", "unbound", "dnsmasq", "pdns_server"]),
    (&[123], &["ntpd", "chronyd"]),
    (&[161], &["snmpd"]),
    (&[3128], &["squid"]),
    (&[11434], &["ollama"]),
    (&[631], &["cupsd", "cups-browsed"]),
];

impl Machine {
    /// What listens on a port, or the program that is usual there, on whichever port it stands. What can be reached goes first.
    #[must_use]
    pub fn service_for(&self, port: Port) -> Option<&RealService> {
        let usual = PROGRAMS.iter().find(|(ports, _)| ports.contains(&port.number));
        let is_meant = |service: &&RealService| {
            let program = service.program.as_deref().unwrap_or("");
            let is_usual = usual.is_some_and(|(_, programs)| programs.contains(&program));
            service.port == port || (is_usual && service.port.transport == port.transport)
        };
        let meant = self.services.iter().filter(is_meant);
        meant.min_by_key(|service| (service.is_local, service.port != port))
    }

    /// Whether what listens for this port is sshd.
    #[must_use]
    pub fn is_ssh(service: &RealService) -> bool {
        service.port.transport == Transport::Tcp && service.program.as_deref() == Some("sshd")
    }

    /// How much a sign about `port` concerns it.
    #[must_use]
    pub fn relevance(&self, port: Port) -> Relevance {
        match self.service_for(port) {
            None => Relevance::None,
            Some(service) if service.is_local => Relevance::Some,
            Some(service) if Self::is_ssh(service) => match self.ssh_passwords {
                Some(true) => Relevance::Open,
                Some(false) => Relevance::Some,
                None => Relevance::High,
            },
            Some(_) => Relevance::High,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(port: u16, program: &str, is_local: bool) -> RealService {
        let address = if is_local { "127.0.0.1" } else { "0.0.0.0" };
        RealService {
            port: Port::tcp(port),
            address: address.to_owned(),
            program: Some(program.to_owned()),
            is_local,
        }
    }

    #[test]
    fn what_runs_elsewhere_under_its_own_name_is_meant_too() {
        let machine = Machine {
            services: vec![
                service(2200, "sshd", false),
                service(6379, "redis-server", true),
                service(9, "x", false),
            ],
            ssh_passwords: Some(true),
            ..Machine::default()
        };
        assert_eq!(machine.service_for(Port::tcp(22)).unwrap().port, Port::tcp(2200));
        assert_eq!(machine.relevance(Port::tcp(2222)), Relevance::Open);
        assert_eq!(machine.relevance(Port::tcp(6379)), Relevance::Some);
        assert_eq!(machine.relevance(Port::tcp(9)), Relevance::High);
        assert_eq!(machine.relevance(Port::tcp(445)), Relevance::None);
        assert_eq!(machine.relevance(Port::udp(22)), Relevance::None);
        let keys = Machine { ssh_passwords: Some(false), ..machine };
        assert_eq!(keys.relevance(Port::tcp(22)), Relevance::Some);
    }
}
