//! Runs `http`, `any`, `telnet`, `https` and `ssh` on loopback and prints each event as a line of JSON, for trying them with curl, nmap and
//! ssh; anybody gets in with `letmein9`: `cargo run -p kizashi-traps --example serve -- nginx-debian-12 8080 9000-9010 2323 8443 2222`.
#![allow(clippy::print_stdout, reason = "printing is what this example is for")]

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use kizashi_event::{Event, Timestamp};
use kizashi_traps::{
    BoundSocket, Caps, EventSink, Identity, LoginSettings, PortList, Post, Server, Setup, TlsKeys,
    WebServer, trap_named,
};

struct Print;

impl EventSink for Print {
    fn record(&self, event: Event) {
        println!("{}", event.to_ecs());
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let word =
        |index: usize, default: &'static str| words.get(index).map_or(default, String::as_str);
    let web = WebServer::from_name(word(0, "nginx-debian-12")).ok_or("no such web server")?;
    let mut posts = Vec::new();
    for (name, ports) in [
        ("http", word(1, "8080")),
        ("any", word(2, "9000-9010")),
        ("telnet", word(3, "")),
        ("https", word(4, "")),
        ("ssh", word(5, "")),
    ] {
        let trap = trap_named(name).ok_or("no such trap")?;
        for port in ports.parse::<PortList>()?.ports() {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            posts.push(Post { trap, socket: BoundSocket::Tcp(TcpListener::bind(address)?) });
            if name == "any" {
                posts.push(Post { trap, socket: BoundSocket::Udp(UdpSocket::bind(address)?) });
            }
        }
    }
    let accept = vec!["*:letmein9".parse()?];
    let logins = LoginSettings { accept, ..LoginSettings::default() };
    let setup = Setup {
        sensor: "example".into(),
        identity: Arc::new(
            Identity::draw([1; 32])
                .with_web_server(web)
                .with_logins(logins)
                .with_tls_keys(TlsKeys::generate([1; 32])?),
        ),
        session_seed: now().micros().unsigned_abs(),
        caps: Caps::default(),
    };
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let server =
        tokio::spawn(Server::new(setup, Arc::new(now), Arc::new(Print)).run(posts, stopping));
    tokio::signal::ctrl_c().await?;
    stop.send(true)?;
    server.await??;
    Ok(())
}
