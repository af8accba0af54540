//! The SSH trap on a port of loopback, on a runtime of its own, so that programs can visit it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kizashi_event::{Detail, Event, Timestamp};
use kizashi_traps::{
    BoundSocket, Caps, EventSink, Identity, LoginSettings, Post, RsaHostKey, Server, Setup,
    WebServer, trap_named,
};
use tokio::sync::watch;

/// A key that is used nowhere else, for tests alone.
const RSA_KEY: &str = include_str!("../../src/ssh/test-rsa-key.txt");

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
    /// Debian 12's server, which takes `root` with `letmein9`.
    pub(crate) fn open() -> Self {
        Self::of(WebServer::NginxDebian12)
    }

    pub(crate) fn of(server: WebServer) -> Self {
        static OPENED: AtomicU32 = AtomicU32::new(0);
        let settings = LoginSettings {
            accept: vec!["root:letmein9".parse().unwrap()],
            ..LoginSettings::default()
        };
        let identity = Identity::draw([1; 32])
            .with_web_server(server)
            .with_rsa_host_key(RsaHostKey::from_text(RSA_KEY).unwrap())
            .with_logins(settings);
        let memory = Arc::new(Memory::default());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let setup = Setup {
            sensor: "ssh".into(),
            identity: Arc::new(identity),
            session_seed: 7,
            caps: Caps::default(),
        };
        let house = Server::new(setup, Arc::new(now), Arc::clone(&memory) as Arc<dyn EventSink>);
        let (stop, stopping) = watch::channel(false);
        let post = Post { trap: trap_named("ssh").unwrap(), socket: BoundSocket::Tcp(listener) };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let task = runtime.spawn(async move { house.run(vec![post], stopping).await.unwrap() });
        let number = OPENED.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("kizashi-ssh-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self { address, memory, stop, runtime, task, folder }
    }

    /// A folder of this test's own.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn port(&self) -> String {
        self.address.port().to_string()
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

/// Options of OpenSSH's programs that ask nobody and know nobody.
pub(crate) const OPTIONS: [&str; 10] = [
    "-F",
    "/dev/null",
    "-o",
    "StrictHostKeyChecking=no",
    "-o",
    "UserKnownHostsFile=/dev/null",
    "-o",
    "LogLevel=ERROR",
    "-o",
    "PreferredAuthentications=password,keyboard-interactive",
];

/// A program under a time limit that is given the password, and this input.
pub(crate) fn run(program: &str, arguments: &[&str], input: &str) -> Output {
    use std::io::Write as _;
    let mut child = Command::new("timeout")
        .args(["30", "sshpass", "-p", "letmein9", program])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// `ssh` with these options, destination and command.
pub(crate) fn ssh(house: &House, more: &[&str], input: &str) -> Output {
    let port = house.port();
    let mut arguments = OPTIONS.to_vec();
    arguments.extend(["-p", &port, "-l", "root"]);
    arguments.extend(more);
    run("ssh", &arguments, input)
}

pub(crate) fn said(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
}

pub(crate) fn commands(events: &[Event]) -> Vec<String> {
    let line = |event: &Event| match &event.detail {
        Detail::Command { line, .. } => Some(line.raw().to_owned()),
        _ => None,
    };
    events.iter().filter_map(line).collect()
}

pub(crate) fn notes(events: &[Event], wanted: &str) -> Vec<String> {
    let note = |event: &Event| match &event.detail {
        Detail::Note { name, value } if name.raw() == wanted => Some(value.raw().to_owned()),
        _ => None,
    };
    events.iter().filter_map(note).collect()
}
