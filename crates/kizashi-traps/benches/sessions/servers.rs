//! The servers, each the whole of a process that ends with its standard input: a trap in its house, and one that only sends.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use kizashi_event::{Event, Timestamp};
use kizashi_traps::{
    BoundSocket, Caps, EventSink, Identity, Post, Server, Setup, TelnetFace, WebServer, trap_named,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;

use crate::dialogue::Dialogue;

/// Takes each event as text, as the pipe to the core does.
struct Written;

impl EventSink for Written {
    fn record(&self, event: Event) {
        let _ = std::hint::black_box(event.to_ecs().to_string());
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap())
}

fn stopping() -> watch::Receiver<bool> {
    let (stop, stopping) = watch::channel(false);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = stop.send(true);
    });
    stopping
}

fn listen() -> TcpListener {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    println!("{}", listener.local_addr().unwrap());
    listener
}

pub(crate) fn serve(trap: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        // As the transcripts have it where they say nothing else.
        let identity = Identity::draw([7; 32])
            .with_web_server(WebServer::NginxDebian12)
            .with_telnet_face(TelnetFace::Router);
        let setup = Setup {
            sensor: "bench".into(),
            identity: Arc::new(identity),
            session_seed: 7,
            caps: Caps {
                per_network: 1_000,
                events: u32::MAX,
                events_per_source: u32::MAX,
                ..Caps::default()
            },
        };
        let post = Post { trap: trap_named(trap).unwrap(), socket: BoundSocket::Tcp(listen()) };
        let server = Server::new(setup, Arc::new(now), Arc::new(Written));
        server.run(vec![post], stopping()).await.unwrap();
    });
}

/// Sends what was answered to as many bytes, and nothing else.
pub(crate) fn bare(file: &str) {
    let exchanges = Arc::new(Dialogue::from_text(&std::fs::read_to_string(file).unwrap()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = listen();
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let mut stopping = stopping();
        loop {
            tokio::select! {
                _ = stopping.changed() => return,
                accepted = listener.accept() => {
                    if let Ok((visitor, _)) = accepted {
                        tokio::spawn(answer(visitor, Arc::clone(&exchanges)));
                    }
                }
            }
        }
    });
}

async fn answer(
    mut visitor: tokio::net::TcpStream,
    exchanges: Arc<Vec<(usize, Vec<u8>)>>,
) -> std::io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    for (length, answer) in exchanges.iter() {
        let mut left = *length;
        while left > 0 {
            let count = visitor.read(&mut buffer[..left.min(16 * 1024)]).await?;
            if count == 0 {
                return Ok(());
            }
            left -= count;
        }
        visitor.write_all(answer).await?;
    }
    // The visitor closes first.
    while visitor.read(&mut buffer).await? > 0 {}
    Ok(())
}
