//! A trap on a port of loopback, on a runtime of its own, so that blocking clients and programs can visit it; and what such tests ask of
//! the events that came of it.

#[path = "pypi.rs"]
mod pypi;

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kizashi_event::{Detail, Event, HostileText, Timestamp};
use kizashi_traps::{BoundSocket, Caps, EventSink, Identity, Post, Server, Setup, trap_named};
use tokio::sync::watch;

#[allow(unused_imports, reason = "not every test file asks a client of Python's")]
pub(crate) use pypi::python;

#[derive(Default)]
struct Memory(Mutex<Vec<Event>>);

impl EventSink for Memory {
    fn record(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

pub(crate) struct House {
    pub(crate) address: SocketAddr,
    memory: Arc<Memory>,
    stop: watch::Sender<bool>,
    runtime: tokio::runtime::Runtime,
    task: tokio::task::JoinHandle<()>,
    folder: PathBuf,
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap())
}

impl House {
    /// Serves one trap with this identity.
    pub(crate) fn of_trap(name: &'static str, identity: Identity) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        Self::at(name, address, BoundSocket::Tcp(listener), identity)
    }

    fn at(
        name: &'static str,
        address: SocketAddr,
        socket: BoundSocket,
        identity: Identity,
    ) -> Self {
        static OPENED: AtomicU32 = AtomicU32::new(0);
        let memory = Arc::new(Memory::default());
        let setup = Setup {
            sensor: name.into(),
            identity: Arc::new(identity),
            session_seed: 7,
            caps: Caps::default(),
        };
        let server = Server::new(setup, Arc::new(now), Arc::clone(&memory) as Arc<dyn EventSink>);
        let (stop, stopping) = watch::channel(false);
        let post = Post { trap: trap_named(name).unwrap(), socket };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let task = runtime.spawn(async move { server.run(vec![post], stopping).await.unwrap() });
        let number = OPENED.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("kizashi-{name}-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self { address, memory, stop, runtime, task, folder }
    }

    /// One trap of datagrams on its usual port, at an address of loopback that no other test has, which is given with it: programs that ask no other port. None
    /// where the port may not be bound.
    pub(crate) fn of_datagrams(name: &'static str, port: u16) -> Option<(Self, String)> {
        let [_, _, high, low] = std::process::id().to_be_bytes();
        let own = Ipv4Addr::new(127, high.max(1), low, 4);
        let Ok(socket) = UdpSocket::bind((own, port)) else {
            println!("skipped: UDP {port} may not be bound");
            return None;
        };
        let house =
            Self::at(name, (own, port).into(), BoundSocket::Udp(socket), Identity::draw([7; 32]));
        Some((house, own.to_string()))
    }

    /// A folder of this test's own.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn port(&self) -> String {
        self.address.port().to_string()
    }

    /// The same trap on its usual port, of an address of its own: what nmap asks first depends on the port.
    pub(crate) fn at_usual_port(&self, port: u16) -> String {
        static ASKED: AtomicU8 = AtomicU8::new(3);
        let [_, _, high, low] = std::process::id().to_be_bytes();
        let own = Ipv4Addr::new(127, high.max(1), low, ASKED.fetch_add(1, Ordering::Relaxed));
        let (listener, trap) = (TcpListener::bind((own, port)).unwrap(), self.address);
        std::thread::spawn(move || {
            for visitor in listener.incoming().flatten() {
                let Ok(server) = std::net::TcpStream::connect(trap) else { return };
                let ways = [(visitor.try_clone(), server.try_clone()), (Ok(server), Ok(visitor))];
                for (from, to) in ways {
                    let (mut from, mut to) = (from.unwrap(), to.unwrap());
                    std::thread::spawn(move || {
                        let _ = std::io::copy(&mut from, &mut to);
                        let _ = to.shutdown(std::net::Shutdown::Write);
                    });
                }
            }
        });
        own.to_string()
    }

    /// Ends it; all that was told.
    pub(crate) fn close(self) -> Vec<Event> {
        self.stop.send(true).unwrap();
        let ended = self
            .runtime
            .block_on(async { tokio::time::timeout(Duration::from_secs(8), self.task).await });
        ended.expect("a stop in time").unwrap();
        let _ = std::fs::remove_dir_all(&self.folder);
        std::mem::take(&mut *self.memory.0.lock().unwrap())
    }
}

/// Whether a program is there; `scripts/test` installs them all.
pub(crate) fn installed(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap();
    if !found.status.success() {
        println!("skipped: {program} is not installed");
    }
    found.status.success()
}

/// All that a program printed.
pub(crate) fn said(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
}

/// The lines that were given to a shell.
pub(crate) fn commands(events: &[Event]) -> Vec<String> {
    let line = |event: &Event| match &event.detail {
        Detail::Command { line, .. } => Some(line.raw().to_owned()),
        _ => None,
    };
    events.iter().filter_map(line).collect()
}

/// User, password and whether they got in, where there was a password.
pub(crate) fn logins(events: &[Event]) -> Vec<(String, String, bool)> {
    let text = |text: &HostileText| text.raw().to_owned();
    let login = |event: &Event| match &event.detail {
        Detail::Login { username, password: Some(password), accepted, .. } => {
            Some((username.as_ref().map_or_else(String::new, text), text(password), *accepted))
        }
        _ => None,
    };
    events.iter().filter_map(login).collect()
}

/// Runs a program to its end, a minute at most; all that it printed.
pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new("timeout");
    let output = command.args(["60", program]).args(arguments).stdin(std::process::Stdio::null());
    said(&output.output().unwrap())
}

/// Whether a note with this value was told.
pub(crate) fn has_note(events: &[Event], wanted: &str) -> bool {
    events
        .iter()
        .any(|event| matches!(&event.detail, Detail::Note { value, .. } if value.raw() == wanted))
}
