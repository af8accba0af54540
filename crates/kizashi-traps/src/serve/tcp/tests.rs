use std::collections::VecDeque;
use std::sync::Mutex;

use kizashi_event::{Detail, Event, Timestamp};
use tokio::io::{AsyncReadExt as _, DuplexStream, duplex};

use super::*;
use crate::serve::{Caps, EventSink, Setup};
use crate::{Identity, Server, WebServer, trap_named};

#[derive(Default)]
struct Seen(Mutex<Vec<Event>>);

impl EventSink for Seen {
    fn record(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

impl Seen {
    fn actions(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().iter().map(|event| event.detail.action()).collect()
    }

    fn duration_ms(&self) -> u64 {
        let events = self.0.lock().unwrap();
        match events.last().map(|event| &event.detail) {
            Some(Detail::Close { duration_ms: Some(duration), .. }) => *duration,
            other => panic!("the last event is {other:?}"),
        }
    }
}

/// Connections in memory; when there are none left, nobody comes.
struct Queue(VecDeque<io::Result<DuplexStream>>);

impl Accept for Queue {
    type Stream = DuplexStream;

    async fn accept(&mut self) -> io::Result<(DuplexStream, SocketAddr)> {
        match self.0.pop_front() {
            Some(next) => Ok((next?, "192.0.2.7:4000".parse().unwrap())),
            None => std::future::pending().await,
        }
    }

    fn local(_: &DuplexStream) -> Option<SocketAddr> {
        None
    }
}

struct House {
    seen: Arc<Seen>,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

fn house(trap: &str, connections: Vec<io::Result<DuplexStream>>) -> House {
    let caps = Caps { sessions: 8, per_source: 4, refusals_told: 9, ..Caps::default() };
    house_with(trap, connections, caps)
}

fn house_with(trap: &str, connections: Vec<io::Result<DuplexStream>>, caps: Caps) -> House {
    let seen = Arc::new(Seen::default());
    let setup = Setup {
        sensor: "test".into(),
        identity: Arc::new(Identity::draw([1; 32]).with_web_server(WebServer::ApacheDebian12)),
        session_seed: 1,
        caps,
    };
    let clock = Arc::new(|| Timestamp::from_seconds(1_800_000_000));
    let server = Server::new(setup, clock, Arc::clone(&seen) as Arc<dyn EventSink>);
    let (stop, stopping) = watch::channel(false);
    let shared = Arc::clone(&server.shared);
    let trap = trap_named(trap).unwrap();
    let address = "192.0.2.1:80".parse().unwrap();
    let ends = crate::Ends { closing: stopping.clone(), stop: stopping };
    let task = tokio::spawn(listen(server.shared, trap, Queue(connections.into()), address, ends));
    House { seen, shared, stop, task }
}

impl House {
    /// Stops the house and gives what it saw, once every task of it has ended.
    async fn stop(self) -> Arc<Seen> {
        self.stop.send(true).unwrap();
        self.task.await.unwrap();
        self.seen
    }
}

#[tokio::test(start_paused = true)]
async fn accepting_goes_on_after_descriptors_ran_out() {
    let (mut client, server) = duplex(64 * 1024);
    let no_descriptors = || Err(io::Error::from_raw_os_error(24));
    let house = house("http", vec![no_descriptors(), no_descriptors(), Ok(server)]);
    client.write_all(b"HEAD / HTTP/1.0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert_eq!(house.shared.counters.accept_errors(), 2);
    drop(client);
    assert_eq!(house.stop().await.actions(), ["connect", "request", "close"]);
}

#[tokio::test(start_paused = true)]
async fn a_silent_visitor_is_closed_at_the_idle_deadline() {
    let (mut client, server) = duplex(1024);
    let house = house("any", vec![Ok(server)]);
    assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
    let seen = house.stop().await;
    assert_eq!(seen.actions(), ["connect", "close"]);
    assert_eq!(seen.duration_ms(), 15_000);
}

#[tokio::test(start_paused = true)]
async fn a_visitor_who_drips_bytes_is_closed_at_the_end_of_the_session() {
    let (mut client, server) = duplex(1024);
    let house = house("http", vec![Ok(server)]);
    let drip = async {
        while client.write_all(b"a").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(4)).await;
        }
    };
    drip.await;
    let seen = house.stop().await;
    let duration = seen.duration_ms();
    assert!((180_000..185_000).contains(&duration), "{duration}");
    assert_eq!(seen.actions(), ["connect", "request", "close"]);
}

#[tokio::test(start_paused = true)]
async fn a_visitor_who_never_reads_is_closed_and_his_requests_are_bounded() {
    let (mut client, server) = duplex(2048);
    let house = house("http", vec![Ok(server)]);
    let flood = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2000);
    let _ = client.write_all(&flood).await;
    let seen = house.stop().await;
    let requests = seen.actions().iter().filter(|action| **action == "request").count();
    assert!((1..=100).contains(&requests), "{requests}");
    assert!(seen.duration_ms() <= 60_000);
}

#[tokio::test(start_paused = true)]
async fn the_stop_ends_a_running_session_and_tells_what_it_had() {
    let (mut client, server) = duplex(1024);
    let house = house("any", vec![Ok(server)]);
    client.write_all(b"SSH-2.0-Go\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(house.stop().await.actions(), ["connect", "payload", "client", "close"]);
    assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn past_the_cap_of_a_source_visitors_are_counted_and_closed() {
    let (mut clients, servers): (Vec<_>, Vec<_>) =
        (0..6).map(|_| duplex(1024)).map(|(client, server)| (client, Ok(server))).unzip();
    let house = house("any", servers);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!((house.shared.counters.accepted(), house.shared.counters.refused()), (4, 2));
    for refused in &mut clients[4..] {
        assert_eq!(refused.read(&mut [0; 8]).await.unwrap(), 0);
    }
    drop(clients);
    let actions = house.stop().await.actions();
    assert_eq!(actions.iter().filter(|action| **action == "note").count(), 2);
    assert_eq!(actions.iter().filter(|action| **action == "connect").count(), 6);
}

#[tokio::test(start_paused = true)]
async fn more_bytes_than_a_session_may_send_end_it() {
    let (mut client, server) = duplex(64 * 1024);
    let house = house("any", vec![Ok(server)]);
    let piece = vec![0; 64 * 1024];
    while client.write_all(&piece).await.is_ok() {}
    let seen = house.stop().await;
    let events = seen.0.lock().unwrap();
    let Some(Detail::Close { received, .. }) = events.last().map(|event| &event.detail) else {
        panic!("no close")
    };
    assert_eq!(*received, Some(4 * 1024 * 1024));
}

#[tokio::test(start_paused = true)]
async fn a_body_of_ten_gigabytes_ends_at_what_a_session_may_send_and_keeps_its_beginning() {
    let (mut client, server) = duplex(64 * 1024);
    let house = house("http", vec![Ok(server)]);
    let head = b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 10737418240\r\n\r\n";
    client.write_all(head).await.unwrap();
    let piece = vec![b'x'; 64 * 1024];
    let mut sent = 0_u64;
    while client.write_all(&piece).await.is_ok() {
        sent += piece.len() as u64;
        assert!(sent < 16 << 20, "it reads on and on");
    }
    let seen = house.stop().await;
    let events = seen.0.lock().unwrap();
    let body =
        events.iter().find_map(|event| event.detail.payload()).expect("the body's beginning");
    assert_eq!(body.content.len(), 64 * 1024);
    assert!(body.size.is_some_and(|size| size <= 4 << 20), "{:?}", body.size);
}

/// What is packed stays packed: 1 MiB of zeros as 1 KiB of gzip, announced as such, is kept as the 1 KiB that came.
#[tokio::test(start_paused = true)]
async fn a_packed_body_is_kept_as_it_came_and_never_unpacked() {
    let bomb =
        [b"\x1f\x8b\x08\0\0\0\0\0\x02\x03".as_slice(), &[0xec, 0xc1, 0x01, 0x01].repeat(256)];
    let bomb = bomb.concat();
    let (mut client, server) = duplex(64 * 1024);
    let house = house("http", vec![Ok(server)]);
    let head = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        bomb.len()
    );
    client.write_all(&[head.as_bytes(), &bomb].concat()).await.unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    let seen = house.stop().await;
    let events = seen.0.lock().unwrap();
    let body = events.iter().find_map(|event| event.detail.payload()).expect("the body");
    assert_eq!((body.size, &body.content), (Some(bomb.len() as u64), &bomb));
}

#[tokio::test(start_paused = true)]
async fn a_visitor_who_holds_more_than_his_share_goes_when_all_together_hold_too_much() {
    let caps = Caps { memory: 100_000, per_source: 9, ..Caps::default() };
    let (mut clients, servers): (Vec<_>, Vec<_>) =
        (0..4).map(|_| duplex(64 * 1024)).map(|(client, server)| (client, Ok(server))).unzip();
    let house = house_with("http", servers, caps);
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
    for client in &mut clients {
        client.write_all(head).await.unwrap();
        client.write_all(&[b'x'; 40_000]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(clients);
    let seen = house.stop().await;
    let events = seen.0.lock().unwrap();
    let early = events.iter().filter(
        |event| matches!(&event.detail, Detail::Note { name, .. } if name.raw() == "ended early"),
    );
    assert_eq!(early.count(), 2, "two of forty thousand fit");
    let closes = events.iter().filter(|event| event.detail.action() == "close");
    assert_eq!(closes.count(), 4);
}

#[tokio::test(start_paused = true)]
async fn of_a_visitor_who_does_more_than_is_told_every_event_is_counted() {
    let caps = Caps { events_per_source: 1, per_source: 99, ..Caps::default() };
    let (clients, servers): (Vec<_>, Vec<_>) =
        (0..40).map(|_| duplex(1024)).map(|(client, server)| (client, Ok(server))).unzip();
    let house = house_with("any", servers, caps);
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(clients);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let shared = Arc::clone(&house.shared);
    let seen = house.stop().await;
    crate::serve::report::tell_counted(&shared);
    let events = seen.0.lock().unwrap();
    let sum = |of: fn(&Event) -> u64| events.iter().map(of).sum::<u64>();
    assert_eq!(sum(|event| event.weight().events), 80, "connect and close of each");
    assert_eq!(sum(|event| event.weight().sessions), 40);
    assert_eq!(events.len(), 11, "ten seconds' worth, and one that stands for the rest");
}
