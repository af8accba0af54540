//! Running the binary and speaking to it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("kizashi-command-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The shared material, when it is there.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is not there", path.display());
    None
}

pub(crate) fn kizashi(folder: &Folder) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kizashi"));
    command.current_dir(folder.path()).env("NO_COLOR", "1").env("TZ", "UTC");
    // Where a test makes this folder, temporary files of its own runs lie in it, apart from those of others.
    let temporary = folder.path().join("tmp");
    if temporary.is_dir() {
        command.env("TMPDIR", temporary);
    }
    command
}

pub(crate) fn run(folder: &Folder, arguments: &[&str]) -> Output {
    kizashi(folder).args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// What a call that must succeed prints.
pub(crate) fn text(folder: &Folder, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn json_lines(folder: &Folder, arguments: &[&str]) -> Vec<Value> {
    let text = text(folder, arguments);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The one sentence of a call that must fail with exit code 1.
pub(crate) fn sentence(folder: &Folder, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
    let lines: Vec<&str> = error.lines().filter(|line| line.starts_with("kizashi: ")).collect();
    assert_eq!(lines.len(), 1, "{error}");
    lines[0].to_owned()
}

/// A running `kizashi up` or `kizashi demo`.
pub(crate) struct Running {
    child: Child,
    pub(crate) lines: Vec<String>,
}

impl Running {
    pub(crate) fn start(folder: &Folder, arguments: &[&str]) -> Self {
        Self::of(kizashi(folder).args(arguments))
    }

    /// Runs a command that ends up as Kizashi, until it is ready.
    pub(crate) fn of(command: &mut Command) -> Self {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut running = Self { child, lines: Vec::new() };
        for line in BufReader::new(running.child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if line == "ready" {
                return running;
            }
            running.lines.push(line);
        }
        panic!("it ended before it was ready: {:?}", running.lines);
    }

    /// `kizashi up` on free ports of loopback.
    pub(crate) fn up(folder: &Folder) -> Self {
        Self::up_with(folder, "")
    }

    /// The same with more of a configuration behind it.
    pub(crate) fn up_with(folder: &Folder, more: &str) -> Self {
        let ports: Vec<u16> = (0..6).map(|_| free_port()).collect();
        let config = format!(
            "[capture]\nenabled = false\n[dashboard]\naddress = \"127.0.0.1:{}\"\n[traps]\naddress = \"127.0.0.1\"\nevents_per_second = 1000000\nevents_per_second_per_source = 1000000\nhttp = \"{}\"\nhttps = \"{}\"\nssh = \"{}\"\ntelnet = \"{}\"\nany_tcp = \"{}\"\nany_udp = \"{}\"\n{more}",
            free_port(),
            ports[0],
            ports[5],
            ports[1],
            ports[2],
            ports[3],
            ports[4]
        );
        folder.write("kizashi.toml", config.as_bytes());
        Self::start(folder, &["up", "--data", "data"])
    }

    /// The address behind the first line that begins with `name`.
    pub(crate) fn address(&self, name: &str) -> SocketAddr {
        let line = self.lines.iter().find(|line| line.starts_with(name)).unwrap();
        let address = line.split_whitespace().nth(1).unwrap();
        let address = address.trim_start_matches("http://");
        address.split('/').next().unwrap().parse().unwrap()
    }

    /// The process that people start.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The children's process ids by what they are for: `trap-process`, `core-process`.
    pub(crate) fn children(&self, what: &str) -> Vec<u32> {
        processes()
            .into_iter()
            .filter(|(_, parent, line)| *parent == self.id() && line.contains(what))
            .map(|(id, _, _)| id)
            .collect()
    }

    /// A page of the API, signed in by the token that was printed.
    pub(crate) fn api(&self, path: &str) -> Value {
        let answer = http(self.address("dashboard"), path, &self.signed_in());
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{path}: {error}: {answer}"))
    }

    /// Sends a change as the owner's page does: the status, and what is answered.
    pub(crate) fn post(&self, path: &str, body: &str) -> (u16, Value) {
        let address = self.address("dashboard");
        let token = format!("{}Origin: http://{address}\r\n", self.signed_in());
        send(address, path, &token, body)
    }

    fn signed_in(&self) -> String {
        let line = self.lines.iter().find(|line| line.starts_with("dashboard")).unwrap();
        let token = line.split("token=").nth(1).unwrap();
        let signed_in = http(self.address("dashboard"), &format!("/?token={token}"), "");
        let cookie = signed_in
            .lines()
            .find_map(|line| {
                line.to_ascii_lowercase()
                    .starts_with("set-cookie:")
                    .then(|| line.split(": ").nth(1))
                    .flatten()
            })
            .unwrap();
        format!("Cookie: {}\r\n", cookie.split(';').next().unwrap())
    }

    /// Ends it as a service is ended, and waits.
    pub(crate) fn stop(mut self) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        let began = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(began.elapsed() < Duration::from_secs(15), "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every process: its id, its parent's, and its command line.
pub(crate) fn processes() -> Vec<(u32, u32, String)> {
    let about = |id: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name in brackets may hold anything; what follows it is state and parent. A zombie is gone but for its name.
        let mut rest = stat.rsplit_once(')')?.1.split_whitespace();
        let state = rest.next()?;
        let parent = rest.next()?.parse().ok()?;
        let line = std::fs::read(format!("/proc/{id}/cmdline")).ok()?;
        (state != "Z").then(|| (id, parent, String::from_utf8_lossy(&line).replace('\0', " ")))
    };
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(about)
        .collect()
}

pub(crate) fn kill(id: u32) {
    let id = rustix::process::Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
    let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
}

/// A port that nobody has, and that no other call gives: below those that the system hands out by itself, which a connection of
/// another test may take between this call and its use.
pub(crate) fn free_port() -> u16 {
    use std::sync::atomic::{AtomicU16, Ordering};
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + u16::try_from(std::process::id() % 40).unwrap() * 500;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed) % 2_000;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

pub(crate) fn http(address: SocketAddr, path: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\n{headers}Connection: close\r\n\r\n")
        .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// Sends JSON: the status, and the JSON of the answer.
pub(crate) fn send(address: SocketAddr, path: &str, headers: &str, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: {address}\r\n{headers}Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let json = answer.split_once("\r\n\r\n").unwrap().1;
    (status, serde_json::from_str(json).unwrap_or_else(|error| panic!("{path}: {error}: {answer}")))
}

/// Waits until a question has the answer wished for.
pub(crate) fn eventually<T>(
    what: &str,
    longest: Duration,
    mut ask: impl FnMut() -> Option<T>,
) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(began.elapsed() < longest, "{what} did not happen in {longest:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
