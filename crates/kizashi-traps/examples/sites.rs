//! Serves every site of the web trap on a port of loopback of its own and prints name and address of each, for looking at them with a
//! browser, nmap and whatweb: `cargo run -p kizashi-traps --example sites -- [nginx-debian-12] [FIRST PORT]`. Ends when its input does.
#![allow(clippy::print_stdout, reason = "printing is what this example is for")]

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use kizashi_event::{Event, Timestamp};
use kizashi_traps::{
    BoundSocket, Caps, EventSink, Identity, Post, Server, Setup, WebServer, WebSites, trap_named,
};

struct Nobody;

impl EventSink for Nobody {
    fn record(&self, _event: Event) {}
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let web = words.next().unwrap_or_else(|| "nginx-debian-12".to_owned());
    let web = WebServer::from_name(&web).ok_or("no such web server")?;
    let mut port = words.next().map_or(Ok(0), |port| port.parse::<u16>())?;
    let (mut posts, mut choices) = (Vec::new(), Vec::new());
    for name in WebSites::names() {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        let address = listener.local_addr()?;
        println!("site {name} http://{address}");
        choices.push((address.port().to_string(), name));
        let trap = trap_named("http").ok_or("no such trap")?;
        posts.push(Post { trap, socket: BoundSocket::Tcp(listener) });
        port = if port == 0 { 0 } else { port + 1 };
    }
    let sites = WebSites::of(choices.iter().map(|(port, name)| (port.as_str(), *name)))?;
    let identity = Identity::draw([1; 32]).with_web_server(web).with_web_sites(sites);
    let setup = Setup {
        sensor: "example".into(),
        identity: Arc::new(identity),
        session_seed: now().micros().unsigned_abs(),
        caps: Caps { per_source: 1_000, per_network: 1_000, ..Caps::default() },
    };
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let server =
        tokio::spawn(Server::new(setup, Arc::new(now), Arc::new(Nobody)).run(posts, stopping));
    println!("ready");
    tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()))
        .await??;
    stop.send(true)?;
    server.await??;
    Ok(())
}
