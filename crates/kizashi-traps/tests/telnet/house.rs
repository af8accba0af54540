//! The Telnet trap on a port of loopback, on a runtime of its own, so that blocking clients and programs can visit it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kizashi_event::{Detail, Event, Payload, Timestamp};
use kizashi_traps::{
    BoundSocket, Caps, EventSink, Identity, LoginSettings, Post, Server, Setup, TelnetFace,
    trap_named,
};
use tokio::sync::watch;

#[derive(Default)]
pub(crate) struct Memory(Mutex<Vec<Event>>);

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
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap())
}

impl House {
    pub(crate) fn open(face: TelnetFace) -> Self {
        // The first weak pair opens it: a refusal costs three real seconds, and has a test of its own.
        let logins = LoginSettings { tries: 1..=1, ..LoginSettings::default() };
        let identity = Identity::draw([1; 32]).with_telnet_face(face).with_logins(logins);
        let memory = Arc::new(Memory::default());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let setup = Setup {
            sensor: "telnet".into(),
            identity: Arc::new(identity),
            session_seed: 7,
            caps: Caps::default(),
        };
        let server = Server::new(setup, Arc::new(now), Arc::clone(&memory) as Arc<dyn EventSink>);
        let (stop, stopping) = watch::channel(false);
        let post = Post { trap: trap_named("telnet").unwrap(), socket: BoundSocket::Tcp(listener) };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let task = runtime.spawn(async move { server.run(vec![post], stopping).await.unwrap() });
        Self { address, memory, stop, runtime, task }
    }

    /// Ends it; all that was told.
    pub(crate) fn close(self) -> Vec<Event> {
        self.stop.send(true).unwrap();
        let ended = self
            .runtime
            .block_on(async { tokio::time::timeout(Duration::from_secs(8), self.task).await });
        ended.expect("a stop in time").unwrap();
        std::mem::take(&mut *self.memory.0.lock().unwrap())
    }
}

/// The lines that were given to a shell.
pub(crate) fn commands(events: &[Event]) -> Vec<String> {
    let line = |event: &Event| match &event.detail {
        Detail::Command { line, .. } => Some(line.raw().to_owned()),
        _ => None,
    };
    events.iter().filter_map(line).collect()
}

/// User, password and whether they got in.
pub(crate) fn logins(events: &[Event]) -> Vec<(String, String, bool)> {
    let login = |event: &Event| match &event.detail {
        Detail::Login { username, password, accepted, .. } => {
            let text = |text: &Option<kizashi_event::HostileText>| {
                text.as_ref().map_or_else(String::new, |text| text.raw().to_owned())
            };
            Some((text(username), text(password), *accepted))
        }
        _ => None,
    };
    events.iter().filter_map(login).collect()
}

/// What was captured.
pub(crate) fn payloads(events: &[Event]) -> Vec<&Payload> {
    events.iter().filter_map(|event| event.detail.payload()).collect()
}
