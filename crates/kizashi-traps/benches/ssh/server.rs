//! The traps as a process of their own on ports of loopback, as `kizashi up` runs them; each event is written to a file as a line of JSON,
//! as Cowrie writes its own.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use kizashi_event::{Event, Timestamp};
use kizashi_traps::{
    BoundSocket, Caps, EventSink, Identity, LoginSettings, Post, Server, Setup, TelnetFace,
    WebServer, trap_named,
};

/// As many as `kizashi up` gives its traps.
const THREADS: usize = 2;

struct Log(Mutex<BufWriter<File>>);

impl EventSink for Log {
    fn record(&self, event: Event) {
        writeln!(self.0.lock().unwrap(), "{}", event.to_ecs()).unwrap();
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap())
}

/// Serves SSH and Telnet, says on which ports, and ends with its standard input.
pub(crate) fn serve(log: &str) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut posts = Vec::new();
        for name in ["ssh", "telnet"] {
            let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            println!("{}", socket.local_addr().unwrap().port());
            posts.push(Post { trap: trap_named(name).unwrap(), socket: BoundSocket::Tcp(socket) });
        }
        let settings = LoginSettings {
            accept: vec!["root:letmein9".parse().unwrap()],
            weak: false,
            ..LoginSettings::default()
        };
        let identity = Identity::draw([7; 32])
            .with_web_server(WebServer::NginxDebian12)
            .with_telnet_face(TelnetFace::Router)
            .with_logins(settings);
        // All visitors are one source here.
        let caps = Caps {
            sessions: 4_000,
            per_source: 4_000,
            per_network: 4_000,
            events_per_source: 1_000_000,
            events: 1_000_000,
            ..Caps::default()
        };
        let setup =
            Setup { sensor: "bench".into(), identity: Arc::new(identity), session_seed: 7, caps };
        let log = Log(Mutex::new(BufWriter::new(File::create(log).unwrap())));
        let (stop, stopping) = tokio::sync::watch::channel(false);
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            let _ = stop.send(true);
        });
        Server::new(setup, Arc::new(now), Arc::new(log)).run(posts, stopping).await.unwrap();
    });
}
