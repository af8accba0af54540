//! Kizashi's traps and Cowrie 3.1.4 before the same visitors, one after the other in turns: what a login over SSH and a Telnet session
//! take of the server's processor time. How fast the visitors are does not matter, as only the server's time is counted.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::cost;

const ROUNDS: usize = 3;
const SSH_LOGINS: u32 = 400;
const TELNET_SESSIONS: u32 = 1_500;

/// Of a second of processor time, of each round.
pub(crate) struct Rates {
    pub(crate) ssh: Vec<f64>,
    pub(crate) telnet: Vec<f64>,
}

struct Running {
    child: Child,
    ssh: u16,
    telnet: u16,
    /// Telnet visitors at once: Kizashi sleeps over a refusal as a real `login` does, Cowrie takes up fifty connections at once at most.
    at_once: u16,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/ssh").join(name)
}

fn kizashi(folder: &Path) -> Running {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("serve")
        .arg(folder.join("events.json"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut port = || lines.next().unwrap().unwrap().parse().unwrap();
    let (ssh, telnet) = (port(), port());
    Running { child, ssh, telnet, at_once: 400 }
}

/// The server that only sends the bytes of a refused Telnet login.
fn bare() -> Running {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("bare")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let telnet = lines.next().unwrap().unwrap().parse().unwrap();
    Running { child, ssh: 0, telnet, at_once: 400 }
}

fn cowrie(folder: &Path) -> Running {
    let free = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let (ssh, telnet) = (free(), free());
    let child = Command::new(here("cowrie"))
        .arg(folder)
        .args([ssh.to_string(), telnet.to_string()])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let running = Running { child, ssh, telnet, at_once: 40 };
    let begun = Instant::now();
    while [ssh, telnet].iter().any(|port| TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).is_err())
    {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "Cowrie does not listen; see {folder:?}"
        );
        std::thread::sleep(Duration::from_millis(200));
    }
    running
}

/// Lets visitors come; how many a second of the server's processor time it served.
fn rate(folder: &Path, server: &Running, protocol: &str, count: u32) -> f64 {
    let (port, at_once) = match protocol {
        "ssh" => (server.ssh, 8),
        _ => (server.telnet, server.at_once),
    };
    let before = cost::of_process(server.child.id());
    let status = Command::new(folder.join("venv/bin/python"))
        .arg(here("visitors.py"))
        .args([protocol, &port.to_string(), &count.to_string(), &at_once.to_string()])
        .status()
        .unwrap();
    assert!(status.success(), "visitors were not served");
    let spent = cost::of_process(server.child.id()) - before;
    f64::from(count) / spent.as_secs_f64()
}

/// The Telnet rates of a server that only sends; then Kizashi's rates and Cowrie's. Makes an environment with Cowrie in the folder where there is none.
pub(crate) fn measure(folder: &Path) -> (Vec<f64>, [Rates; 2]) {
    let made = Command::new(here("cowrie")).arg(folder).status().unwrap();
    assert!(made.success(), "Cowrie could not be installed in {}", folder.display());
    let servers = [kizashi(folder), cowrie(folder)];
    let mut rates = [(); 2].map(|()| Rates { ssh: Vec::new(), telnet: Vec::new() });
    let sender = bare();
    let mut limits = Vec::new();
    for _ in 0..ROUNDS {
        limits.push(rate(folder, &sender, "telnet", TELNET_SESSIONS));
        for (server, rates) in servers.iter().zip(&mut rates) {
            rates.ssh.push(rate(folder, server, "ssh", SSH_LOGINS));
            rates.telnet.push(rate(folder, server, "telnet", TELNET_SESSIONS));
        }
    }
    (limits, rates)
}
