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
    let seen = Arc::new(Seen::default());
    let setup = Setup {
        sensor: "test".into(),
        identity: Arc::new(Identity::draw([1; 32]).with_web_server(WebServer::ApacheDebian12)),
        session_seed: 1,
        caps: Caps { sessions: 8, per_source: 4, refusals_told: 9 },
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
