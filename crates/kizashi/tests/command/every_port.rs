//! The watch over every port, met by real scanners: two network namespaces of the test's own with a cable between, Kizashi in one and
//! the visitor in the other. Where this is not root, or a tool is not there, a line says so.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::support::{Folder, Running, eventually, json_lines, kill, text};

const US: &str = "198.18.60.2";
const HE: &str = "198.18.60.9";
/// The address that masscan answers from by itself.
const MASSCAN: &str = "198.18.60.77";
const TRAPPED: u16 = 2_222;
const SERVICE: u16 = 8_088;
const LONG: Duration = Duration::from_secs(90);

struct Cable {
    visitor: String,
    ours: String,
}

impl Cable {
    fn lay() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        if !rustix::process::geteuid().is_root() {
            println!("skipped: only root may make network namespaces");
            return None;
        }
        for tool in ["nmap", "masscan", "zmap", "hping3", "ping"] {
            let there = Command::new("sh").args(["-c", &format!("command -v {tool}")]).output();
            if !there.is_ok_and(|found| found.status.success()) {
                println!("skipped: there is no {tool}");
                return None;
            }
        }
        let name = format!("kze{}x{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let cable = Self { visitor: format!("{name}v"), ours: format!("{name}o") };
        let (visitor, ours) = (&cable.visitor, &cable.ours);
        for line in [
            format!("netns add {visitor}"),
            format!("netns add {ours}"),
            format!("-n {visitor} link add v0 type veth peer name o0 netns {ours}"),
            format!("-n {visitor} addr add {HE}/24 dev v0"),
            format!("-n {ours} addr add {US}/24 dev o0"),
            format!("-n {visitor} addr add fd60::9/64 dev v0 nodad"),
            format!("-n {ours} addr add fd60::2/64 dev o0 nodad"),
            format!("-n {visitor} link set lo up"),
            format!("-n {ours} link set lo up"),
            format!("-n {visitor} link set v0 up"),
            format!("-n {ours} link set o0 up"),
        ] {
            let done = Command::new("ip").args(line.split_whitespace()).status();
            if !done.is_ok_and(|status| status.success()) {
                println!("skipped: `ip {line}` failed");
                return None;
            }
        }
        Some(cable)
    }

    fn up(&self, folder: &Folder) -> Running {
        let config = format!(
            "[traps]\nhttp = \"\"\nhttps = \"\"\nssh = \"{TRAPPED}\"\ntelnet = \"\"\nelasticsearch = \"\"\nany_tcp = \"5900\"\nany_udp = \"5060\"\n"
        );
        folder.write("kizashi.toml", config.as_bytes());
        Running::of(
            Command::new("ip")
                .args(["netns", "exec", &self.ours, env!("CARGO_BIN_EXE_kizashi")])
                .args(["up", "--data", "data"])
                .current_dir(folder.path())
                .env("NO_COLOR", "1")
                .env("TZ", "UTC"),
        )
    }

    /// Runs a tool where the visitor is.
    fn visit(&self, line: &str) {
        let done = Command::new("ip")
            .args(["netns", "exec", &self.visitor])
            .args(line.split_whitespace())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(done.is_ok(), "{line}");
    }

    /// Does something in a namespace.
    fn inside<T: Send>(name: &str, what: impl FnOnce() -> T + Send) -> T {
        use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
        let path = format!("/run/netns/{name}");
        std::thread::scope(|scope| {
            let inside = scope.spawn(|| {
                let space = std::fs::File::open(path).unwrap();
                move_into_link_name_space(space.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
                what()
            });
            inside.join().unwrap()
        })
    }

    fn mac(&self) -> String {
        let address = "/sys/class/net/o0/address";
        let arguments = ["netns", "exec", &self.ours, "cat", address];
        let shown = Command::new("ip").args(arguments).output().unwrap();
        String::from_utf8(shown.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        for name in [&self.visitor, &self.ours] {
            let _ = Command::new("ip").args(["netns", "del", name]).status();
        }
    }
}

/// Events, sessions and sources of a key.
fn counts(folder: &Folder, kind: &str, key: &str) -> (u64, u64, u64) {
    let rows = json_lines(folder, &["top", kind, "--json", "--limit", "500", "--data", "data"]);
    let row = rows.iter().find(|row| row["key"] == key);
    let number = |name: &str| row.map_or(0, |row| row[name].as_u64().unwrap());
    (number("events"), number("sessions"), number("sources"))
}

fn status(folder: &Folder) -> Value {
    json_lines(folder, &["status", "--json", "--data", "data"]).remove(0)["traps"]["capture"]
        .clone()
}

#[test]
fn scanners_at_ports_where_nothing_listens_are_counted_and_known_for_what_they_are() {
    let Some(cable) = Cable::lay() else { return };
    let folder = Folder::new();
    let service = Cable::inside(&cable.ours, || TcpListener::bind(("0.0.0.0", SERVICE)).unwrap());
    let up = cable.up(&folder);
    let line = up.lines.iter().find(|line| line.starts_with("capture")).unwrap();
    assert!(line.contains(&format!("tcp/{SERVICE}")), "{line}");

    cable.visit(&format!("nmap -n -Pn -sS -p 2223,4899,{TRAPPED},{SERVICE} --max-retries 0 {US}"));
    let mac = cable.mac();
    cable.visit(&format!(
        "masscan {US} -p7000-7019 --rate 500 --wait 1 -e v0 --router-mac {mac} --adapter-ip {MASSCAN}"
    ));
    cable.visit(&format!("zmap -p 8545 -G {mac} -i v0 -b /dev/null -c 1 -S {HE} {US}/32"));
    cable.visit(&format!("hping3 -q -S -p 4899 -c 5 -i u1000 {US}"));
    cable.visit(&format!("hping3 -q --udp -p 1434 -c 1 -d 12 {US}"));
    cable.visit(&format!("ping -q -c 3 -i 0.2 {US}"));
    cable.visit("nmap -6 -n -Pn -sS -p 6001 --max-retries 0 fd60::2");
    // Answers to what was never asked: somebody attacks port 443 of the visitor in our name.
    cable.visit(&format!("hping3 -q -SA -s 443 -k -p 31000 -c 4 -i u1000 {US}"));
    // A whole visit to a trap, and one to a real service.
    Cable::inside(&cable.visitor, || {
        let connect = |port| TcpStream::connect((US, port)).unwrap();
        drop(connect(TRAPPED));
        drop(connect(SERVICE));
    });

    eventually("what scanners did", LONG, || {
        let (radmin, zmapped) =
            (counts(&folder, "ports", "tcp/4899"), counts(&folder, "ports", "tcp/8545"));
        let echoes = counts(&folder, "backscatter", "tcp/443");
        (radmin.0 == 6 && zmapped.0 == 1 && echoes.0 == 4).then_some(())
    });
    assert_eq!(counts(&folder, "ports", "tcp/2223"), (1, 0, 1));
    assert_eq!(counts(&folder, "ports", "tcp/6001"), (1, 0, 1), "IPv6");
    assert_eq!(counts(&folder, "ports", "udp/1434"), (1, 0, 1));
    assert_eq!(counts(&folder, "ports", "icmp/8").0, 1, "three echoes of one flow");
    assert_eq!(counts(&folder, "ports", "tcp/7000"), (1, 0, 1));
    assert_eq!(counts(&folder, "sources", MASSCAN).0, 20);
    let of_masscan = counts(&folder, "fingerprints", "scanner:masscan");
    assert_eq!((of_masscan.0, of_masscan.2), (20, 1));
    assert_eq!(counts(&folder, "fingerprints", "scanner:zmap").0, 1);
    // To 2223, 4899, the trap and, over IPv6, 6001.
    assert_eq!(counts(&folder, "fingerprints", "scanner:nmap").0, 4);
    assert_eq!(counts(&folder, "backscatter", "tcp/443"), (4, 0, 1));
    assert_eq!(counts(&folder, "ports", "tcp/31000").0, 0, "an echo is nobody's attempt");
    assert_eq!(counts(&folder, "ports", &format!("tcp/{SERVICE}")).0, 0);
    up.stop();
    let kept = status(&folder);
    assert_eq!(kept["dropped"], 0, "{kept}");
    assert!(kept["service_segments"].as_u64().unwrap() >= 2, "{kept}");
    assert_eq!(kept["off"], Value::Null);
    drop(service);
}

#[test]
fn a_visit_to_a_trap_counts_once_and_a_half_open_one_too() {
    let Some(cable) = Cable::lay() else { return };
    let folder = Folder::new();
    let up = cable.up(&folder);
    let port = format!("tcp/{TRAPPED}");
    Cable::inside(&cable.visitor, || {
        for _ in 0..3 {
            drop(TcpStream::connect((US, TRAPPED)).unwrap());
        }
    });
    // The visitor's system is known by the capture alone, three times; the sessions by the trap alone.
    let system = eventually("three visits", LONG, || {
        let rows = json_lines(&folder, &["top", "fingerprints", "--json", "--data", "data"]);
        let is_system = |row: &&Value| row["key"].as_str().unwrap().starts_with("os:linux");
        rows.iter().find(is_system).filter(|row| row["events"] == 3).cloned()
    });
    assert_eq!(system["sources"], 1);
    let visited = eventually("three sessions", LONG, || {
        Some(counts(&folder, "ports", &port)).filter(|counts| counts.1 == 3)
    });
    let (events, sessions, sources) = visited;
    assert_eq!((sessions, sources), (3, 1));
    cable.visit(&format!("nmap -n -Pn -sS -p {TRAPPED} --max-retries 0 {US}"));
    eventually("a half-open attempt", LONG, || {
        (counts(&folder, "fingerprints", "scanner:nmap").0 == 1).then_some(())
    });
    let now = counts(&folder, "ports", &port);
    // What the traps tell of three visits may still have grown by their ends.
    assert_eq!(now.1, 3, "a session is what a trap held");
    assert!(now.0 > events, "the half-open attempt counts");
    // A datagram to a trap is the trap's to tell.
    Cable::inside(&cable.visitor, || {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        socket.send_to(b"hello", (US, 5_060)).unwrap();
    });
    let told = eventually("a datagram", LONG, || {
        Some(counts(&folder, "ports", "udp/5060")).filter(|counts| counts.1 == 1)
    });
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(counts(&folder, "ports", "udp/5060"), told);
    up.stop();
}

#[test]
fn what_this_machine_does_itself_is_nobodys_visit() {
    let Some(cable) = Cable::lay() else { return };
    let folder = Folder::new();
    let up = cable.up(&folder);
    let server = Cable::inside(&cable.visitor, || TcpListener::bind(("0.0.0.0", 4_443)).unwrap());
    let answering = Cable::inside(&cable.visitor, || UdpSocket::bind(("0.0.0.0", 4_553)).unwrap());
    let address: SocketAddr = format!("{HE}:4443").parse().unwrap();
    Cable::inside(&cable.ours, || {
        let _open = TcpStream::connect(address).unwrap();
        // Refused: an RST comes.
        assert!(TcpStream::connect((HE, 4_444)).is_err());
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        socket.send_to(b"question", (HE, 4_553)).unwrap();
        let mut buffer = [0; 64];
        let (count, who) = answering.recv_from(&mut buffer).unwrap();
        answering.send_to(&buffer[..count], who).unwrap();
        socket.recv(&mut buffer).unwrap();
        // An unreachable port is told by ICMP.
        socket.send_to(b"question", (HE, 4_554)).unwrap();
    });
    // What comes after is seen after.
    cable.visit(&format!("hping3 -q -S -p 4899 -c 1 {US}"));
    eventually("a visit", LONG, || (counts(&folder, "ports", "tcp/4899").0 == 1).then_some(()));
    std::thread::sleep(Duration::from_secs(2));
    let rows = json_lines(&folder, &["top", "ports", "--json", "--data", "data"]);
    let ports: Vec<&str> = rows.iter().map(|row| row["key"].as_str().unwrap()).collect();
    assert_eq!(ports, ["tcp/4899"]);
    up.stop();
    assert_eq!(status(&folder)["backscatter"], 0);
    drop(server);
}

#[test]
fn a_capture_that_is_killed_is_started_again_on_the_same_socket() {
    let Some(cable) = Cable::lay() else { return };
    let folder = Folder::new();
    let up = cable.up(&folder);
    let first = up.children("capture-process");
    assert_eq!(first.len(), 1);
    kill(first[0]);
    eventually("another capture", LONG, || {
        let now = up.children("capture-process");
        (now.len() == 1 && now != first).then_some(())
    });
    cable.visit(&format!("hping3 -q -S -p 4899 -c 1 {US}"));
    eventually("a visit", LONG, || (counts(&folder, "ports", "tcp/4899").0 == 1).then_some(()));
    up.stop();
    assert_eq!(status(&folder)["ends"], 1);
}

#[test]
fn without_the_right_a_line_says_so_and_traps_go_on() {
    let folder = Folder::new();
    let config = format!(
        "[dashboard]\naddress = \"127.0.0.1:{}\"\n[traps]\naddress = \"127.0.0.1\"\nhttp = \"{}\"\nhttps = \"\"\nssh = \"\"\ntelnet = \"\"\nelasticsearch = \"\"\nany_tcp = \"\"\nany_udp = \"\"\n",
        crate::support::free_port(),
        crate::support::free_port()
    );
    folder.write("kizashi.toml", config.as_bytes());
    let mut command = Command::new("setpriv");
    command
        .args(["--bounding-set", "-net_raw", "--inh-caps", "-net_raw"])
        .arg(env!("CARGO_BIN_EXE_kizashi"))
        .args(["up", "--data", "data"])
        .current_dir(folder.path())
        .env("NO_COLOR", "1");
    if !rustix::process::geteuid().is_root() {
        command = crate::support::kizashi(&folder);
        command.args(["up", "--data", "data"]);
    } else if Command::new("setpriv").arg("--version").output().is_err() {
        println!("skipped: there is no setpriv");
        return;
    }
    let up = Running::of(&mut command);
    let line = up.lines.iter().find(|line| line.starts_with("capture")).unwrap();
    assert!(line.contains("off: ") && line.contains("CAP_NET_RAW"), "{line}");
    assert!(up.children("capture-process").is_empty());
    assert_eq!(up.children("trap-process").len(), 1);
    up.stop();
    let shown = text(&folder, &["status", "--data", "data"]);
    assert!(
        shown.lines().any(|line| line.starts_with("capture") && line.contains("off: ")),
        "{shown}"
    );
}
