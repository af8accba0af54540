//! The house on real sockets of the loopback: caps, floods, half-closed visitors, slow ones, and UDP that never answers.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kizashi_event::{Detail, Event, Port, Timestamp};
use kizashi_traps::{
    BoundSocket, Caps, Counters, DatagramReply, EventSink, Identity, Output, Post, ServeError,
    Server, Session, Setup, Trap, WebServer, registry, trap_named,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

#[derive(Default)]
struct Memory(Mutex<Vec<Event>>);

impl EventSink for Memory {
    fn record(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

struct House {
    memory: Arc<Memory>,
    counters: Arc<Counters>,
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), ServeError>>,
    tcp: SocketAddr,
    udp: SocketAddr,
}

/// One trap on a TCP port, and `any` on a UDP port.
fn house(trap: &str, caps: Caps) -> House {
    let memory = Arc::new(Memory::default());
    let setup = Setup {
        sensor: "loopback".into(),
        identity: Arc::new(
            Identity::draw([1; 32]).with_default_page().with_web_server(WebServer::ApacheDebian12),
        ),
        session_seed: 7,
        caps,
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (tcp, udp) = (listener.local_addr().unwrap(), socket.local_addr().unwrap());
    let posts = vec![
        Post { trap: trap_named(trap).unwrap(), socket: BoundSocket::Tcp(listener) },
        Post { trap: trap_named("any").unwrap(), socket: BoundSocket::Udp(socket) },
    ];
    let clock = Arc::new(|| Timestamp::from_seconds(1_800_000_000));
    let server = Server::new(setup, clock, Arc::clone(&memory) as Arc<dyn EventSink>);
    let counters = server.counters();
    let (stop, stopping) = watch::channel(false);
    let task = tokio::spawn(server.run(posts, stopping));
    House { memory, counters, stop, task, tcp, udp }
}

impl House {
    async fn stop(self) -> Vec<Event> {
        self.stop.send(true).unwrap();
        timeout(Duration::from_secs(8), self.task).await.expect("a stop in time").unwrap().unwrap();
        std::mem::take(&mut *self.memory.0.lock().unwrap())
    }

    async fn until(&self, done: impl Fn(&Counters) -> bool) {
        let begun = Instant::now();
        while !done(&self.counters) {
            assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", self.counters);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn actions(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(|event| event.detail.action()).collect()
}

fn count(events: &[Event], action: &str) -> usize {
    events.iter().filter(|event| event.detail.action() == action).count()
}

#[tokio::test]
async fn a_request_becomes_events_of_one_session() {
    let house = house("http", Caps::default());
    let mut visitor = TcpStream::connect(house.tcp).await.unwrap();
    let from = visitor.local_addr().unwrap();
    visitor
        .write_all(b"GET /missing.html HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    visitor.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\nDate: "), "{answer}");
    drop(visitor);
    let port = Port::tcp(house.tcp.port());
    let events = house.stop().await;
    assert_eq!(actions(&events), ["connect", "request", "close"]);
    for event in &events {
        assert_eq!((event.source, event.source_port), (from.ip(), from.port()));
        assert_eq!((event.port, event.session), (port, events[0].session));
        assert_eq!((event.service.name(), &*event.sensor), ("http", "loopback"));
    }
    assert!(events[0].id != events[1].id && events[1].id != events[2].id);
}

#[tokio::test]
async fn a_visitor_who_closed_his_sending_side_still_gets_his_answer() {
    let house = house("http", Caps::default());
    let mut visitor = TcpStream::connect(house.tcp).await.unwrap();
    visitor.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nUser").await.unwrap();
    visitor.shutdown().await.unwrap();
    let mut answer = String::new();
    visitor.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    assert_eq!(actions(&house.stop().await), ["connect", "request", "close"]);
}

#[tokio::test]
async fn a_reply_is_not_lost_when_the_visitor_sends_more_than_is_answered() {
    let house = house("http", Caps::default());
    let mut visitor = TcpStream::connect(house.tcp).await.unwrap();
    let mut bytes = b"GARBAGE\r\n".to_vec();
    bytes.resize(300_000, b'x');
    visitor.write_all(&bytes).await.unwrap();
    let mut answer = String::new();
    visitor.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    drop(visitor);
    house.until(|counters| counters.received() == 300_000).await;
    let events = house.stop().await;
    let payload = events.iter().find_map(|event| event.detail.payload()).expect("the bytes");
    assert_eq!((payload.size, payload.content.len()), (Some(300_000), 64 * 1024));
}

#[tokio::test]
async fn one_source_has_its_share_and_no_more() {
    let house = house("any", Caps { per_source: 5, ..Caps::default() });
    let mut held = Vec::new();
    for _ in 0..12 {
        held.push(TcpStream::connect(house.tcp).await.unwrap());
    }
    house.until(|counters| counters.accepted() + counters.refused() == 12).await;
    assert_eq!((house.counters.accepted(), house.counters.refused()), (5, 7));
    let mut closed = 0;
    for visitor in &mut held {
        let read = timeout(Duration::from_millis(100), visitor.read(&mut [0; 8])).await;
        closed += usize::from(matches!(read, Ok(Ok(0) | Err(_))));
    }
    assert_eq!(closed, 7);
    // Who leaves makes room.
    drop(held);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let again = TcpStream::connect(house.tcp).await.unwrap();
    house.until(|counters| counters.accepted() == 6).await;
    drop(again);
    let events = house.stop().await;
    assert_eq!(
        (count(&events, "connect"), count(&events, "note"), count(&events, "close")),
        (13, 7, 6)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_two_thousand_is_counted_and_the_house_still_serves() {
    let caps =
        Caps { per_source: 32, refusals_told: 100, events_per_source: 10, ..Caps::default() };
    let house = house("http", caps);
    let address = house.tcp;
    let floods = (0..8).map(|_| {
        tokio::spawn(async move {
            let mut held = Vec::new();
            for _ in 0..250 {
                held.extend(TcpStream::connect(address).await);
                if held.len() > 50 {
                    held.clear();
                }
            }
        })
    });
    for flood in floods.collect::<Vec<_>>() {
        flood.await.unwrap();
    }
    house.until(|counters| counters.accepted() + counters.refused() == 2000).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut visitor = TcpStream::connect(address).await.unwrap();
    visitor.write_all(b"HEAD / HTTP/1.0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    visitor.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    drop(visitor);
    let (counters, accepted) = (Arc::clone(&house.counters), house.counters.accepted());
    let events = house.stop().await;
    assert_eq!(events.len() as u64, counters.events());
    let sum = |of: fn(&Event) -> u64| events.iter().map(of).sum::<u64>();
    assert_eq!(sum(|event| event.weight().sessions), 2001, "each visitor is counted once");
    // Of each that was served: connect, close and what the last one asked; of each that was refused: connect and why.
    let all = 2 * accepted + 1 + 2 * counters.refused();
    assert_eq!(sum(|event| event.weight().events), all);
    assert!(count(&events, "counted") > 0 && events.len() < 2_000, "{}", events.len());
}

#[tokio::test]
async fn a_datagram_is_told_and_never_answered() {
    let house = house("any", Caps::default());
    let visitor = tokio::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    visitor.connect(house.udp).await.unwrap();
    visitor.send(b"\x17\0\x03\x2a\0\0\0\0").await.unwrap();
    visitor.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    visitor.send(b"").await.unwrap();
    house.until(|counters| counters.events() == 5).await;
    let answer = timeout(Duration::from_millis(300), visitor.recv(&mut [0; 64])).await;
    assert!(answer.is_err(), "{answer:?}");
    let events = house.stop().await;
    // Of the first, which asks for an amplified answer, that is told too, how much it would have been and, at last, for whom; the empty
    // one says nothing.
    let told = ["connect", "note", "note", "payload", "payload", "note", "close"];
    assert_eq!(actions(&events), told);
    assert_eq!(events[1].service.name(), "ntp");
    assert_eq!(events[1].port.to_string(), format!("udp/{}", events[0].port.number));
    assert!(events.iter().all(|event| event.session == events[0].session));
    assert!(
        matches!(events[6].detail, Detail::Close { received: Some(35), .. }),
        "{:?}",
        events[6]
    );
}

#[tokio::test]
async fn a_source_that_changes_its_port_pushes_out_only_its_own_sessions() {
    let house =
        house("any", Caps { per_source: 3, sessions: 10, refusals_told: 9, ..Caps::default() });
    for number in 0..10_u8 {
        let visitor = tokio::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        visitor.send_to(&[number; 20], house.udp).await.unwrap();
        house.until(|counters| counters.received() == 20 * (u64::from(number) + 1)).await;
    }
    assert_eq!((house.counters.accepted(), house.counters.refused()), (10, 0));
    let events = house.stop().await;
    assert_eq!((count(&events, "payload"), count(&events, "close")), (10, 10));
}

#[tokio::test]
async fn a_trap_is_not_put_where_it_cannot_stand() {
    let setup = Setup {
        sensor: "loopback".into(),
        identity: Arc::new(Identity::draw([1; 32]).with_default_page()),
        session_seed: 7,
        caps: Caps::default(),
    };
    let sink: Arc<dyn EventSink> = Arc::new(Memory::default());
    let server = Server::new(setup, Arc::new(|| Timestamp::from_seconds(0)), sink);
    let socket = BoundSocket::Udp(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    let http = registry().iter().find(|trap| trap.name == "http").unwrap();
    let (_stop, stopping) = watch::channel(false);
    let error = server.run(vec![Post { trap: http, socket }], stopping).await.unwrap_err();
    assert!(error.to_string().contains("udp"), "{error}");
}

/// Answers each datagram with as many bytes as its first byte says.
struct Parrot;

impl Session for Parrot {
    fn receive(&mut self, bytes: &[u8], _now: Timestamp, out: &mut Output) {
        let length = bytes.first().copied().map_or(0, usize::from);
        out.reply(&vec![b'x'; length]);
    }

    fn end(&mut self, _now: Timestamp, _out: &mut Output) {}

    fn memory(&self) -> usize {
        0
    }
}

#[tokio::test]
async fn a_reply_to_a_datagram_is_never_larger_than_the_datagram() {
    let any = trap_named("any").unwrap();
    let parrot: &'static Trap = Box::leak(Box::new(Trap {
        name: "parrot",
        datagrams: DatagramReply::NoLargerThanRequest,
        begin: |_, _| Box::new(Parrot),
        ..any.clone()
    }));
    let setup = Setup {
        sensor: "loopback".into(),
        identity: Arc::new(Identity::draw([1; 32]).with_default_page()),
        session_seed: 7,
        caps: Caps::default(),
    };
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap();
    let sink: Arc<dyn EventSink> = Arc::new(Memory::default());
    let server = Server::new(setup, Arc::new(|| Timestamp::from_seconds(0)), sink);
    let (stop, stopping) = watch::channel(false);
    let post = Post { trap: parrot, socket: BoundSocket::Udp(socket) };
    let task = tokio::spawn(server.run(vec![post], stopping));
    let visitor = tokio::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    visitor.connect(address).await.unwrap();
    let mut lengths = Vec::new();
    for wanted in [9, 8, 11, 10] {
        let mut datagram = [0; 10];
        datagram[0] = wanted;
        visitor.send(&datagram).await.unwrap();
        let answer = timeout(Duration::from_millis(300), visitor.recv(&mut [0; 64])).await;
        lengths.push(answer.ok().map(Result::unwrap));
    }
    assert_eq!(lengths, [Some(9), Some(8), None, Some(10)]);
    stop.send(true).unwrap();
    task.await.unwrap().unwrap();
}
