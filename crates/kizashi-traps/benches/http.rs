//! Requests per second of processor time: the web trap and the search trap through the house on a real socket, a real nginx with a static page
//! and elasticpot 2.0.3, one after the other in one run, each in a process of its own whose time `/proc` tells. `wrk` asks over 16 connections
//! that are kept. Needs nginx and wrk; elasticpot comes from PyPI into `target/elasticpot`.
//!
//! `cargo bench -p kizashi-traps --bench http [-- SECONDS]`
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a measurement prints, and stops where it cannot measure"
)]

use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kizashi_event::{Event, Timestamp};
use kizashi_traps::{
    BoundSocket, Caps, EventSink, Identity, Post, Server, Setup, WebServer, WebSites, trap_named,
};
use tokio::sync::watch;

struct Nobody;

impl EventSink for Nobody {
    fn record(&self, event: Event) {
        drop(event);
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap())
}

/// The trap of this name with this site, until its standard input ends.
fn serve(address: SocketAddr, trap: &str, site: &str) {
    let sites = WebSites::of([("*", site)]).unwrap();
    let identity = Identity::draw([1; 32]).with_web_server(WebServer::NginxDebian12);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async move {
        let setup = Setup {
            sensor: "bench".into(),
            identity: Arc::new(identity.with_web_sites(sites)),
            session_seed: 7,
            caps: Caps::default(),
        };
        let server = Server::new(setup, Arc::new(now), Arc::new(Nobody));
        let socket = BoundSocket::Tcp(TcpListener::bind(address).unwrap());
        let (stop, stopping) = watch::channel(false);
        std::thread::spawn(move || {
            let _ = std::io::stdin().read(&mut [0]);
            stop.send(true)
        });
        server.run(vec![Post { trap: trap_named(trap).unwrap(), socket }], stopping).await.unwrap();
    });
}

struct Served {
    child: Child,
    address: SocketAddr,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Served {
    fn start(mut command: Command, address: SocketAddr) -> Self {
        let child = command.stdout(Stdio::null()).stdin(Stdio::piped()).spawn().expect("it starts");
        while TcpStream::connect(address).is_err() {
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, address }
    }

    /// Seconds of processor time so far.
    fn spent(&self) -> f64 {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = text.rsplit(") ").next().unwrap().split(' ').collect();
        let ticks = fields[11].parse::<u32>().unwrap() + fields[12].parse::<u32>().unwrap();
        f64::from(ticks) / 100.0
    }

    /// Requests for each second of processor time.
    fn measure(&self, seconds: &str, path: &str) -> f64 {
        let before = self.spent();
        let url = format!("http://{}{path}", self.address);
        let output = Command::new("wrk")
            .args(["-t1", "-c16", &format!("-d{seconds}s"), &url])
            .output()
            .expect("wrk (apt-get install wrk)");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = text.lines().find(|line| line.contains("requests in")).expect("wrk's count");
        let count: f64 = line.split_whitespace().next().unwrap().parse().unwrap();
        count / (self.spent() - before)
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

fn nginx(page: &[u8]) -> Served {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-nginx");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("index.html"), page).unwrap();
    let (address, at) = (free_address(), folder.display());
    let configuration = format!(
        "daemon off; master_process off; worker_processes 1; pid {at}/pid; error_log /dev/null;
         events {{ worker_connections 256; }}
         http {{ access_log off; server {{ listen {address}; root {at}; }} }}"
    );
    let path = folder.join("nginx.conf");
    std::fs::write(&path, configuration).unwrap();
    let mut command = Command::new("nginx");
    command.args(["-e", "/dev/null", "-c"]).arg(path);
    Served::start(command, address)
}

fn trap(name: &str, site: &str) -> Served {
    let address = free_address();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--serve", &address.to_string(), name, site]);
    Served::start(command, address)
}

fn elasticpot() -> Served {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (script, folder): (PathBuf, PathBuf) =
        (here.join("benches/elasticpot"), here.join("../../target/elasticpot"));
    let made = Command::new(&script).arg(&folder).stdout(Stdio::null()).status().unwrap();
    assert!(made.success(), "elasticpot could not be installed");
    let address = free_address();
    let mut command = Command::new(script);
    command.arg(folder).arg(address.port().to_string());
    Served::start(command, address)
}

/// What is asked of which trap: a word for it, the trap, its site, the path.
const ASKED: [(&str, &str, &str, &str); 7] = [
    ("the default page", "http", "default", "/index.nginx-debian.html"),
    ("no page", "http", "default", "/nope"),
    ("a rule's page", "http", "default", "/.env"),
    ("a site's page", "http", "tomcat", "/"),
    ("a site's answer", "http", "docker", "/version"),
    ("the application", "http", "default", "/site/"),
    ("the cluster", "elasticsearch", "default", "/"),
];

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [word, address, trap, site] = &arguments[..]
        && word == "--serve"
    {
        return serve(address.parse().unwrap(), trap, site);
    }
    let seconds = arguments.first().map_or("5", String::as_str);
    let page = include_bytes!("../src/http/pages/nginx-debian.html");
    let real = nginx(page).measure(seconds, "/");
    println!("nginx, its page            {real:>9.0} requests a second of processor time");
    let beside = elasticpot().measure(seconds, "/");
    println!("elasticpot, its cluster    {beside:>9.0}");
    for (name, of, site, path) in ASKED {
        let ours = trap(of, site).measure(seconds, path);
        println!(
            "ours, {name:<21}{ours:>9.0}   {:>5.2} of nginx   {:>5.1} times elasticpot",
            ours / real,
            ours / beside
        );
    }
}
