//! Every TCP port answered through rules of nftables, on two network namespaces with a cable between: what is answered, what is left
//! alone, and that the rules are gone whoever is killed.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::Value;

use crate::support::{Folder, Running, eventually, json_lines, kill, processes};

const HERE: [&str; 2] = ["10.9.0.1", "fd00:9::1"];
const THERE: &str = "10.9.0.2";
/// The port by which this login is said to have come.
const LOGIN: u16 = 2200;

/// Two machines: Kizashi's and a visitor's.
struct Lab {
    own: String,
    visitor: String,
}

fn ip(arguments: &str) -> bool {
    let done = Command::new("ip").args(arguments.split(' ')).output();
    done.is_ok_and(|output| output.status.success())
}

impl Lab {
    /// `None` where this user or this kernel has no namespaces or no such rules.
    fn new() -> Option<Self> {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = |of: &str| format!("kizashi-{of}-{}-{number}", std::process::id());
        let lab = Self { own: name("own"), visitor: name("visitor") };
        let (own, visitor) = (&lab.own, &lab.visitor);
        let made = [
            format!("netns add {own}"),
            format!("netns add {visitor}"),
            format!("link add here netns {own} type veth peer name there netns {visitor}"),
            format!("-n {own} link set lo up"),
            format!("-n {own} link set here up"),
            format!("-n {visitor} link set lo up"),
            format!("-n {visitor} link set there up"),
            format!("-n {own} addr add {}/24 dev here", HERE[0]),
            format!("-n {own} addr add {}/64 dev here nodad", HERE[1]),
            format!("-n {visitor} addr add {THERE}/24 dev there"),
            format!("-n {visitor} addr add fd00:9::2/64 dev there nodad"),
        ];
        if !made.iter().all(|call| ip(call)) {
            println!("skipped: no network namespaces here");
            return None;
        }
        lab.nft("table inet of-somebody { chain input { type filter hook input priority 0; counter; }; }");
        Some(lab)
    }

    fn nft(&self, rules: &str) {
        let done =
            Command::new("ip").args(["netns", "exec", &self.own, "nft", rules]).status().unwrap();
        assert!(done.success(), "{rules}");
    }

    /// Every rule of the machine, without what is counted.
    fn ruleset(&self) -> String {
        let output = Command::new("ip")
            .args(["netns", "exec", &self.own, "nft", "-s", "list", "ruleset"])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    fn within<T: Send>(name: &str, work: impl FnOnce() -> T + Send) -> T {
        let namespace = File::open(format!("/run/netns/{name}")).unwrap();
        std::thread::scope(|scope| {
            let entered = scope.spawn(move || {
                let kind = Some(LinkNameSpaceType::Network);
                move_into_link_name_space(std::os::fd::AsFd::as_fd(&namespace), kind).unwrap();
                work()
            });
            entered.join().unwrap()
        })
    }

    /// A real service, which says one word to everybody.
    fn service(name: &str, address: &str, word: &'static str) {
        let address: SocketAddr = address.parse().unwrap();
        let listener = Self::within(name, || TcpListener::bind(address).unwrap());
        std::thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                let _ = stream.write_all(word.as_bytes());
            }
        });
    }

    /// What the visitor gets at this address when he asks as a browser does; `None` where he is refused.
    fn visit(&self, address: &str, port: u16) -> Option<String> {
        let address = SocketAddr::from((address.parse::<IpAddr>().unwrap(), port));
        Self::within(&self.visitor, || said(address))
    }

    /// A Kizashi command on the machine.
    fn kizashi(&self, folder: &Folder, arguments: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.own, env!("CARGO_BIN_EXE_kizashi")])
            .args(arguments)
            .current_dir(folder.path())
            .env("NO_COLOR", "1")
            .env("SSH_CONNECTION", format!("{THERE} 50000 {} {LOGIN}", HERE[0]));
        command
    }

    fn up(&self, folder: &Folder) -> Running {
        let config = "[traps]\nhttp = \"80\"\nhttps = \"\"\nssh = \"\"\ntelnet = \"\"\nelasticsearch = \"\"\nany_tcp = \"21\"\nany_udp = \"\"\nall_ports_except = \"6400-6401\"\n";
        folder.write("kizashi.toml", config.as_bytes());
        Running::of(&mut self.kizashi(folder, &["up", "--all-ports", "--data", "data"]))
    }

    fn call(&self, folder: &Folder, arguments: &[&str]) -> String {
        let output = self.kizashi(folder, arguments).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn state(&self, folder: &Folder) -> Value {
        serde_json::from_str(&self.call(folder, &["ports", "show", "--json", "--data", "data"]))
            .unwrap()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ =
            ip(&format!("netns del {}", self.own)) && ip(&format!("netns del {}", self.visitor));
    }
}

fn said(address: SocketAddr) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(20)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let mut answer = [0; 64];
    let count = stream.read(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer[..count]).into_owned())
}

fn is_web(answer: Option<String>) -> bool {
    answer.is_some_and(|answer| answer.starts_with("HTTP/1."))
}

#[test]
fn every_port_is_answered_under_its_own_number_and_real_services_are_left_alone() {
    let Some(lab) = Lab::new() else { return };
    let folder = Folder::new();
    // Of both families, as the system has it by default.
    Lab::service(&lab.own, "[::]:22", "real sshd");
    Lab::service(&lab.visitor, "0.0.0.0:7000", "elsewhere");
    let before = lab.ruleset();
    let up = lab.up(&folder);
    for address in HERE {
        for port in [1, 81, 2201, 9_999, 30_000, 65_535] {
            assert!(is_web(lab.visit(address, port)), "{address} {port}");
        }
        assert_eq!(lab.visit(address, 22).as_deref(), Some("real sshd"), "{address}");
        for kept in [LOGIN, 6_400, 6_401, 7_777] {
            assert_eq!(lab.visit(address, kept), None, "{address} {kept}");
        }
    }
    Lab::service(&lab.own, "0.0.0.0:4444", "started later");
    assert_eq!(lab.visit(HERE[0], 4_444).as_deref(), Some("started later"));
    let outgoing = format!("{THERE}:7000").parse().unwrap();
    assert_eq!(Lab::within(&lab.own, || said(outgoing)).as_deref(), Some("elsewhere"));
    let loopback = "127.0.0.1:9999".parse().unwrap();
    assert_eq!(Lab::within(&lab.own, || said(loopback)), None, "loopback is the owner's");

    let state = lab.state(&folder);
    assert_eq!((&state["stands"], &state["held"]), (&true.into(), &"stands".into()), "{state}");
    let kept = |port: u16| {
        let kept = state["kept"].as_array().unwrap().iter();
        kept.filter(|row| row["port"] == port).map(|row| row["reason"].clone()).collect::<Vec<_>>()
    };
    assert_eq!((kept(LOGIN), kept(6_400)), (vec!["login".into()], vec!["named".into()]));
    assert!(kept(80).is_empty(), "a trap's own port is no real service's");
    eventually("the events under their ports", Duration::from_secs(30), || {
        let rows =
            json_lines(&folder, &["top", "ports", "--limit", "99", "--json", "--data", "data"]);
        let has = |port: &str| rows.iter().any(|row| row["key"] == port && row["sessions"] == 2);
        ["tcp/1", "tcp/9999", "tcp/65535"].into_iter().all(has).then_some(())
    });

    lab.call(&folder, &["ports", "remove", "--data", "data"]);
    assert_eq!(lab.ruleset(), before);
    assert_eq!(lab.visit(HERE[0], 9_999), None);
    assert!(is_web(lab.visit(HERE[0], 80)), "traps' own ports stay");
    lab.call(&folder, &["ports", "apply", "--data", "data"]);
    assert!(is_web(lab.visit(HERE[0], 9_999)));
    up.stop();
    assert_eq!(lab.ruleset(), before);
}

#[test]
fn the_rules_are_gone_whoever_is_killed() {
    let Some(lab) = Lab::new() else { return };
    let folder = Folder::new();
    let before = lab.ruleset();
    let gone = || {
        eventually("the end of the rules", Duration::from_secs(20), || {
            (lab.ruleset() == before).then_some(())
        });
    };
    let up = lab.up(&folder);
    assert_ne!(lab.ruleset(), before);
    let keepers = up.children("ports-keeper");
    assert_eq!(keepers.len(), 1);
    kill(keepers[0]);
    gone();
    assert!(is_web(lab.visit(HERE[0], 80)), "the traps serve on");
    eventually("that it is told", Duration::from_secs(20), || {
        (lab.state(&folder)["held"] == "lost").then_some(())
    });
    lab.call(&folder, &["ports", "apply", "--data", "data"]);
    assert!(is_web(lab.visit(HERE[1], 40_000)));
    let holders: Vec<u32> = processes()
        .into_iter()
        .filter(|(id, parent, line)| {
            line.ends_with("nft -i ")
                && processes()
                    .iter()
                    .any(|(keeper, _, name)| keeper == parent && name.contains("ports-keeper"))
                && namespace_of(*id) == namespace_of(up.id())
        })
        .map(|(id, _, _)| id)
        .collect();
    assert_eq!(holders.len(), 1);
    kill(holders[0]);
    gone();
    lab.call(&folder, &["ports", "apply", "--data", "data"]);
    assert_ne!(lab.ruleset(), before);
    up.kill();
    gone();
}

fn namespace_of(process: u32) -> Option<std::path::PathBuf> {
    std::fs::read_link(format!("/proc/{process}/ns/net")).ok()
}

#[test]
fn a_scan_of_all_ports_finds_them_open_but_for_those_that_are_kept() {
    let Some(lab) = Lab::new() else { return };
    if Command::new("nmap").arg("--version").output().is_err() {
        println!("skipped: nmap is not there");
        return;
    }
    let folder = Folder::new();
    let up = lab.up(&folder);
    let output = Command::new("ip")
        .args(["netns", "exec", &lab.visitor, "nmap", "-n", "-Pn", "-sS", "-p-"])
        .args(["--min-rate", "20000", "--max-retries", "10", "-oG", "-", HERE[0]])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // In its grepable form nmap lists the ports that are fewer by name: here all open ones.
    let open = text.matches("/open/tcp/").count();
    let state = lab.state(&folder);
    let kept = state["kept"].as_array().unwrap().len();
    assert!((4..20).contains(&kept), "the login's, the dashboard's, two that are named: {state}");
    assert_eq!(open, 65_535 - kept);
    up.stop();
}
