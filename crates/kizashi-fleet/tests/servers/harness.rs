//! Servers, sensors and hubs of a test. Every wait is for a state, with a bound that a slow machine keeps.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::ops::Range;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kizashi_event::{
    Detail, Event, EventId, Payload, PayloadHash, PayloadOrigin, Port, Service, SessionId,
    Timestamp,
};
use kizashi_fleet::accounts::{Choices, Fleet};
use kizashi_fleet::hub::{Condition, Conditions, Hub, Keeper};
use kizashi_fleet::outgoing::{Outgoing, Voice, publish};
use kizashi_fleet::spool::Spool;
use kizashi_fleet::{Credentials, HUB, SensorName};
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something is so.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap())
}

/// A folder of its own that goes with the test.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(what: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("kizashi-fleet-{what}-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Ports that are free, with the ones two thousand above: below those that the system hands out by itself, which somebody's connection may
/// take before a server does.
fn free_ports(count: usize) -> Vec<u16> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let first = 10_000 + std::process::id() % 40 * 400;
    let is_free = |port: &u16| {
        TcpListener::bind(("127.0.0.1", *port)).is_ok()
            && TcpListener::bind(("127.0.0.1", *port + 2_000)).is_ok()
    };
    let mut next = || u16::try_from(first + NEXT.fetch_add(1, Ordering::Relaxed) % 1_900).unwrap();
    std::iter::repeat_with(&mut next).filter(is_free).take(count).collect()
}

/// Real servers, as `kizashi fleet` configures them.
pub(crate) struct Cluster {
    folder: Folder,
    pub(crate) fleet: Mutex<Fleet>,
    servers: Mutex<Vec<Option<Child>>>,
    pub(crate) ports: Vec<u16>,
}

impl Cluster {
    pub(crate) fn start(count: usize, sensors: &[&str]) -> Self {
        let folder = Folder::new("cluster");
        let ports = free_ports(count);
        let servers = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        let choices = Choices { servers, gigabytes: 1 };
        let mut fleet = Fleet::make(&folder.0.join("fleet"), &choices).unwrap();
        for sensor in sensors {
            fleet.add(&SensorName::parse(sensor).unwrap()).unwrap();
        }
        let cluster = Self {
            folder,
            fleet: Mutex::new(fleet),
            servers: Mutex::new((0..count).map(|_| None).collect()),
            ports,
        };
        (0..count).for_each(|at| cluster.start_server(at));
        cluster
    }

    pub(crate) fn start_server(&self, at: usize) {
        let place = self.fleet.lock().unwrap().server_folders()[at].clone();
        let log =
            std::fs::File::options().create(true).append(true).open(place.join("log")).unwrap();
        let server = Command::new("nats-server")
            .args(["-c", "nats-server.conf"])
            .current_dir(&place)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("nats-server is needed: apt-get install nats-server");
        self.servers.lock().unwrap()[at] = Some(server);
        let port = self.ports[at];
        eventually("the server listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    }

    /// Kills a server as a power cut would.
    pub(crate) fn kill_server(&self, at: usize) {
        if let Some(mut server) = self.servers.lock().unwrap()[at].take() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }

    /// Has all servers read their configuration again.
    pub(crate) fn reload(&self) {
        for server in self.servers.lock().unwrap().iter().flatten() {
            let id = server.id().to_string();
            assert!(Command::new("kill").args(["-HUP", &id]).status().unwrap().success());
        }
    }

    pub(crate) fn credentials(&self, name: &str) -> Credentials {
        let path = self.fleet.lock().unwrap().credentials(name);
        let credentials = Credentials::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
        credentials.with_authority_in(&self.folder.0).unwrap()
    }

    pub(crate) fn credentials_text(&self, name: &str) -> String {
        std::fs::read_to_string(self.fleet.lock().unwrap().credentials(name)).unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for at in 0..self.ports.len() {
            if std::thread::panicking() {
                let place = self.folder.0.join(format!("fleet/server-{}/log", at + 1));
                let log = std::fs::read_to_string(place).unwrap_or_default();
                let from = log.len().saturating_sub(3_000);
                println!("server {at}: …{}", log.get(from..).unwrap_or_default());
            }
            self.kill_server(at);
        }
    }
}

pub(crate) fn event(sensor: &str, number: u64, time: Timestamp, detail: Detail) -> Event {
    Event {
        time,
        id: EventId(number),
        sensor: Arc::from(sensor),
        session: Some(SessionId(number)),
        source: "192.0.2.1".parse().unwrap(),
        source_port: 1,
        destination: None,
        port: Port::tcp(22),
        service: Service::UNKNOWN,
        detail,
    }
}

pub(crate) fn payload(sensor: &str, number: u64, content: &[u8]) -> Event {
    let payload = Payload {
        sha256: PayloadHash(Sha256::digest(content).into()),
        size: Some(content.len() as u64),
        content: content.to_vec(),
        origin: PayloadOrigin::Sent,
        name: None,
        url: None,
        left_out: false,
    };
    event(sensor, number, now(), Detail::Payload(Box::new(payload)))
}

/// A sensor without traps: what it sees is said to it.
pub(crate) struct Sensor {
    name: String,
    folder: Option<Folder>,
    pub(crate) outgoing: Arc<Outgoing>,
    stopping: Arc<Notify>,
    thread: Option<JoinHandle<()>>,
}

/// Microseconds by which the clocks of the sensors that are told so are behind.
static BEHIND: AtomicI64 = AtomicI64::new(0);

pub(crate) fn set_wrong_clock(behind: i64) {
    BEHIND.store(behind, Ordering::Relaxed);
}

pub(crate) fn wrong_clock() -> Timestamp {
    now().plus(-BEHIND.load(Ordering::Relaxed))
}

impl Sensor {
    pub(crate) fn start(cluster: &Cluster, name: &str) -> Self {
        let folder = Folder::new("spool");
        Self::with(name, folder, 64 << 20, cluster.credentials(name), now)
    }

    pub(crate) fn with(
        name: &str,
        folder: Folder,
        spool_bytes: u64,
        credentials: Credentials,
        clock: fn() -> Timestamp,
    ) -> Self {
        let mut sensor = Self::unconnected(name, folder, spool_bytes);
        sensor.connect(credentials, clock);
        sensor
    }

    /// One that fills its spool and speaks to nobody.
    pub(crate) fn unconnected(name: &str, folder: Folder, spool_bytes: u64) -> Self {
        let epoch = u64::from(std::process::id()) << 20 | u64::from(name.len() as u32);
        let spool = Spool::open(&folder.0, spool_bytes, epoch).unwrap();
        Self {
            name: name.to_owned(),
            folder: Some(folder),
            outgoing: Arc::new(Outgoing::new(spool)),
            stopping: Arc::default(),
            thread: None,
        }
    }

    pub(crate) fn connect(&mut self, credentials: Credentials, clock: fn() -> Timestamp) {
        let (outgoing, stopping) = (Arc::clone(&self.outgoing), Arc::clone(&self.stopping));
        let name = SensorName::parse(&self.name).unwrap();
        self.thread = Some(std::thread::spawn(move || {
            let voice =
                Voice { clock, lost: Box::new(|| 0), misbehaved: Box::new(|| 0), version: "test" };
            let publishing = publish(&credentials, &name, &outgoing, &voice, stopping.notified());
            runtime().block_on(publishing).unwrap();
        }));
    }

    pub(crate) fn keep(&self, events: Vec<Event>) {
        self.outgoing.keep(events).unwrap();
    }

    /// Sees connections of these numbers, now.
    pub(crate) fn see(&self, numbers: Range<u64>) {
        let time = now();
        let events = numbers.map(|number| event(&self.name, number, time, Detail::Connect));
        self.keep(events.collect());
    }

    /// Ends, as a process does that is told to.
    pub(crate) fn stop(mut self) -> Folder {
        self.end();
        self.folder.take().unwrap()
    }

    fn end(&mut self) {
        self.stopping.notify_one();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Sensor {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.end();
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// What a hub committed.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) events: Vec<Event>,
    pub(crate) named: HashMap<String, Vec<u8>>,
    /// Whether nothing can be committed.
    pub(crate) is_full: bool,
}

struct MemoryKeeper(Arc<Mutex<Kept>>);

impl Keeper for MemoryKeeper {
    fn keep(&self, events: &[Event], named: &[(String, Vec<u8>)]) -> Result<(), String> {
        let mut kept = self.0.lock().unwrap();
        if kept.is_full {
            return Err("the disk is full".to_owned());
        }
        kept.events.extend_from_slice(events);
        kept.named.extend(named.iter().cloned());
        Ok(())
    }

    fn named(&self, name: &str) -> Option<Vec<u8>> {
        self.0.lock().unwrap().named.get(name).cloned()
    }
}

/// A hub that runs, whoever keeps what it takes.
pub(crate) struct RunningHub {
    pub(crate) conditions: Arc<Conditions>,
    stopping: Arc<Notify>,
    thread: Option<JoinHandle<()>>,
}

impl RunningHub {
    pub(crate) fn start(cluster: &Cluster, keeper: Arc<dyn Keeper>) -> Self {
        let conditions = Arc::new(Conditions::new(now()));
        let stopping = Arc::<Notify>::default();
        let hub = Hub { keeper, conditions: Arc::clone(&conditions), clock: now };
        let (credentials, told) = (cluster.credentials(HUB), Arc::clone(&stopping));
        let thread = std::thread::spawn(move || {
            runtime().block_on(hub.run(&credentials, told.notified())).unwrap();
        });
        Self { conditions, stopping, thread: Some(thread) }
    }

    /// How one sensor fares.
    pub(crate) fn condition(&self, name: &str) -> Condition {
        let all = self.conditions.all();
        all.into_iter().find(|it| it.name == name).unwrap_or_default()
    }

    /// Ends at once.
    pub(crate) fn end(&mut self) {
        self.stopping.notify_one();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for RunningHub {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.end();
        }
    }
}

/// A hub whose store is memory.
pub(crate) struct TestHub {
    pub(crate) kept: Arc<Mutex<Kept>>,
    pub(crate) conditions: Arc<Conditions>,
    running: RunningHub,
}

impl TestHub {
    pub(crate) fn start(cluster: &Cluster, kept: Kept) -> Self {
        let kept = Arc::new(Mutex::new(kept));
        let running = RunningHub::start(cluster, Arc::new(MemoryKeeper(Arc::clone(&kept))));
        Self { kept, conditions: Arc::clone(&running.conditions), running }
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.kept.lock().unwrap().events.clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.kept.lock().unwrap().events.len()
    }

    /// Waits for so many events, and holds that each came once.
    pub(crate) fn has(&self, count: usize) {
        eventually(&format!("{count} events"), || self.count() >= count);
        let mut seen = HashMap::new();
        for event in self.events() {
            *seen.entry((event.sensor.to_string(), event.id)).or_insert(0_u32) += 1;
        }
        assert_eq!(seen.len(), count, "each of them, and no other");
        assert!(seen.values().all(|times| *times == 1), "nothing twice");
    }

    /// Ends at once: what was taken and not committed is gone.
    pub(crate) fn stop(mut self) -> Kept {
        self.running.end();
        std::mem::take(&mut *self.kept.lock().unwrap())
    }
}

/// A cable between a sensor and a server, which can be cut.
pub(crate) struct Cable {
    pub(crate) port: u16,
    is_cut: Arc<AtomicBool>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl Cable {
    pub(crate) fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let cable = Self {
            port: listener.local_addr().unwrap().port(),
            is_cut: Arc::default(),
            streams: Arc::default(),
        };
        let (is_cut, streams) = (Arc::clone(&cable.is_cut), Arc::clone(&cable.streams));
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                if is_cut.load(Ordering::Relaxed) {
                    continue;
                }
                let Ok(far) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    streams.lock().unwrap().push(from.try_clone().unwrap());
                    std::thread::spawn(move || {
                        let mut buffer = [0; 16 * 1024];
                        while let Ok(count @ 1..) = from.read(&mut buffer) {
                            if to.write_all(&buffer[..count]).is_err() {
                                break;
                            }
                        }
                        let _ = to.shutdown(std::net::Shutdown::Both);
                    });
                }
            }
        });
        cable
    }

    pub(crate) fn cut(&self) {
        self.is_cut.store(true, Ordering::Relaxed);
        for stream in self.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }

    pub(crate) fn mend(&self) {
        self.is_cut.store(false, Ordering::Relaxed);
    }
}
