//! A trap on a UDP port of loopback, or on a TCP port, on a runtime of its own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kizashi_event::{Detail, Event, Timestamp};
use kizashi_traps::{
    BoundSocket, Caps, Counters, EventSink, Identity, Post, Server, Setup, Trap, trap_named,
};
use tokio::sync::watch;

#[derive(Default)]
struct Memory(Mutex<Vec<Event>>);

impl EventSink for Memory {
    fn record(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

pub(crate) struct House {
    pub(crate) address: SocketAddr,
    pub(crate) counters: Arc<Counters>,
    memory: Arc<Memory>,
    stop: watch::Sender<bool>,
    runtime: tokio::runtime::Runtime,
    task: tokio::task::JoinHandle<()>,
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap())
}

impl House {
    pub(crate) fn udp(trap: &'static Trap) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = socket.local_addr().unwrap();
        Self::on(trap, BoundSocket::Udp(socket), address)
    }

    pub(crate) fn tcp(trap: &'static Trap) -> Self {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = socket.local_addr().unwrap();
        Self::on(trap, BoundSocket::Tcp(socket), address)
    }

    /// On a port of the test's choice, at an address of loopback that no other test has.
    #[allow(dead_code, reason = "for the tests of other traps, which have this house too")]
    pub(crate) fn tcp_at(trap: &'static Trap, port: u16) -> Self {
        Self::alone_at(trap, port, Identity::draw([7; 32]))
    }

    /// The same of another installation.
    #[allow(dead_code, reason = "for the tests of other traps, which have this house too")]
    pub(crate) fn alone_at(trap: &'static Trap, port: u16, identity: Identity) -> Self {
        static OPENED: AtomicU8 = AtomicU8::new(1);
        let [_, _, high, low] = std::process::id().to_be_bytes();
        let number = OPENED.fetch_add(1, Ordering::Relaxed);
        let address = Ipv4Addr::new(127, 1 + number, high, low.max(1));
        let socket = TcpListener::bind((address, port)).unwrap();
        let address = socket.local_addr().unwrap();
        Self::at(vec![Post { trap, socket: BoundSocket::Tcp(socket) }], identity, address)
    }

    pub(crate) fn named(name: &str) -> Self {
        Self::udp(trap_named(name).unwrap())
    }

    /// Several traps of one installation over TCP; the first one's address is the house's.
    #[allow(dead_code, reason = "for the tests of other traps, which have this house too")]
    pub(crate) fn of(traps: &[&'static Trap], identity: Identity) -> Self {
        let listen = |trap: &&'static Trap| {
            let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            Post { trap, socket: BoundSocket::Tcp(socket) }
        };
        let posts: Vec<Post> = traps.iter().map(listen).collect();
        let BoundSocket::Tcp(first) = &posts[0].socket else {
            unreachable!("each was bound over TCP")
        };
        let address = first.local_addr().unwrap();
        Self::at(posts, identity, address)
    }

    fn on(trap: &'static Trap, socket: BoundSocket, address: SocketAddr) -> Self {
        Self::at(vec![Post { trap, socket }], Identity::draw([7; 32]), address)
    }

    fn at(posts: Vec<Post>, identity: Identity, address: SocketAddr) -> Self {
        let memory = Arc::new(Memory::default());
        let setup = Setup {
            sensor: posts[0].trap.name.into(),
            identity: Arc::new(identity),
            session_seed: 7,
            caps: Caps { events_per_source: 100_000, events: 1_000_000, ..Caps::default() },
        };
        let server = Server::new(setup, Arc::new(now), Arc::clone(&memory) as Arc<dyn EventSink>);
        let counters = server.counters();
        let (stop, stopping) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let task = runtime.spawn(async move { server.run(posts, stopping).await.unwrap() });
        Self { address, counters, memory, stop, runtime, task }
    }

    pub(crate) fn port(&self) -> String {
        self.address.port().to_string()
    }

    /// Waits until so many bytes were taken.
    pub(crate) fn until_received(&self, bytes: u64) {
        let began = Instant::now();
        while self.counters.received() < bytes {
            assert!(began.elapsed() < Duration::from_secs(60), "{:?} of {bytes}", self.counters);
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Ends it; all that was told.
    pub(crate) fn close(self) -> Vec<Event> {
        self.stop.send(true).unwrap();
        let ended = self
            .runtime
            .block_on(async { tokio::time::timeout(Duration::from_secs(20), self.task).await });
        ended.expect("a stop in time").unwrap();
        std::mem::take(&mut *self.memory.0.lock().unwrap())
    }
}

/// Whether a program is there; `scripts/test` installs them all.
pub(crate) fn installed(program: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", &format!("PATH=$PATH:/usr/sbin:/sbin command -v {program}")])
        .output()
        .unwrap();
    if !found.status.success() {
        println!("skipped: {program} is not installed");
    }
    found.status.success()
}

/// Runs a program, a minute at most; all that it printed.
pub(crate) fn said(program: &str, arguments: &[&str], folder: Option<&Path>) -> String {
    let mut command = Command::new("timeout");
    command.arg("60").arg(program).args(arguments);
    command.env("PATH", format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap()));
    if let Some(folder) = folder {
        command.current_dir(folder);
    }
    let Output { stdout, stderr, .. } = command.output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr))
}

/// Values of the notes of this name.
pub(crate) fn notes(events: &[Event], wanted: &str) -> Vec<String> {
    let note = |event: &Event| match &event.detail {
        Detail::Note { name, value } if name.raw() == wanted => Some(value.raw().to_owned()),
        _ => None,
    };
    events.iter().filter_map(note).collect()
}

/// Passwords tried, and whether they were right.
pub(crate) fn passwords(events: &[Event]) -> Vec<(String, bool)> {
    let login = |event: &Event| match &event.detail {
        Detail::Login { password: Some(password), accepted, .. } => {
            Some((password.raw().to_owned(), *accepted))
        }
        _ => None,
    };
    events.iter().filter_map(login).collect()
}
