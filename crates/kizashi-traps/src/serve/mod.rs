//! Runs traps on sockets that were bound elsewhere: accepts, keeps the limits, turns what sessions tell into events. The supervisor
//! binds and owns the ports; this room only listens on them. Every wait on a visitor has a deadline, every table a bound; a
//! visitor past a cap is counted, not served. Nothing here opens a file or connects anywhere, and time is asked of a [`Clock`].

mod admission;
mod meter;
mod replies;
mod report;
mod tcp;
mod udp;

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kizashi_event::{Event, Timestamp, Transport};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::{Identity, Trap, ftpdata};
use admission::Admission;
use meter::{Meter, Rates, TELL_EVERY};
use replies::Replies;

/// Tells the time of events.
pub trait Clock: Send + Sync {
    /// This moment, UTC.
    fn now(&self) -> Timestamp;
}

impl<F: Fn() -> Timestamp + Send + Sync> Clock for F {
    fn now(&self) -> Timestamp {
        self()
    }
}

/// Takes events. Called from the tasks that speak to visitors: it must return at once, and count what it has to drop.
pub trait EventSink: Send + Sync {
    /// Takes one event.
    fn record(&self, event: Event);
}

/// How many visitors are served at once, over TCP and again over UDP, and how much of what they do is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Sessions in all.
    pub sessions: usize,
    /// Sessions of one source: one IPv4 address, or one IPv6 network of 64 bits.
    pub per_source: usize,
    /// Sessions of one network: 24 bits of IPv4, 48 of IPv6.
    pub per_network: usize,
    /// Bytes of visitors' that all sessions hold together.
    pub memory: usize,
    /// Events told one by one in a second, of one source. Ten seconds' worth may come at once; what is more is counted, and told as
    /// one event that stands for it.
    pub events_per_source: u32,
    /// The same over all sources.
    pub events: u32,
    /// Refused visitors told one by one in one second; the rest are counted in the same way.
    pub refusals_told: u32,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            sessions: 1_000,
            per_source: 32,
            per_network: 256,
            memory: 40 << 20,
            events_per_source: 100,
            events: 5_000,
            refusals_told: 100,
        }
    }
}

/// What a server needs to know once.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The name under which events are told.
    pub sensor: Arc<str>,
    /// What this installation pretends to be.
    pub identity: Arc<Identity>,
    /// Makes session ids; must differ from start to start, or sessions of two starts would share ids.
    pub session_seed: u64,
    /// How many visitors are served at once.
    pub caps: Caps,
}

/// A socket bound and, for TCP, listening.
#[derive(Debug)]
pub enum BoundSocket {
    /// A listener.
    Tcp(TcpListener),
    /// A datagram socket.
    Udp(UdpSocket),
}

/// A trap standing at a socket.
#[derive(Debug)]
pub struct Post {
    /// Which trap.
    pub trap: &'static Trap,
    /// Where.
    pub socket: BoundSocket,
}

/// What was done since the start; read at any time.
#[derive(Debug, Default)]
pub struct Counters {
    accepted: AtomicU64,
    refused: AtomicU64,
    refused_untold: AtomicU64,
    accept_errors: AtomicU64,
    received: AtomicU64,
    events: AtomicU64,
    uncounted: AtomicU64,
    replies: AtomicU64,
    replies_withheld: AtomicU64,
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident, $add:ident;)*) => {
        impl Counters {
            $($(#[$doc])*
            #[must_use]
            pub fn $name(&self) -> u64 {
                self.$name.load(Ordering::Relaxed)
            }

            fn $add(&self, count: u64) {
                self.$name.fetch_add(count, Ordering::Relaxed);
            })*
        }
    };
}

counters! {
    /// Sessions served, or being served.
    accepted, add_accepted;
    /// Visitors past a cap.
    refused, add_refused;
    /// Those of them that were told by their number alone.
    refused_untold, add_refused_untold;
    /// Failures to accept, such as no file descriptors left.
    accept_errors, add_accept_errors;
    /// Bytes taken from visitors.
    received, add_received;
    /// Events given to the sink.
    events, add_events;
    /// Events that were not even counted by place: more ports and services at once than are told apart.
    uncounted, add_uncounted;
    /// Datagrams answered.
    replies, add_replies;
    /// Replies to datagrams that the house's rule held back.
    replies_withheld, add_replies_withheld;
}

/// A trap could not take its post.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The socket could not be made part of the runtime.
    #[error(
        "the trap `{trap}` could not take over its socket at {address}: {source}; restart, and lower the number of ports if it stays so"
    )]
    Socket {
        /// The trap.
        trap: &'static str,
        /// The socket's own address, or `?`.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The trap does not speak over this transport.
    #[error("the trap `{trap}` does not stand on {transport} ports: leave them out of its list")]
    Transport {
        /// The trap.
        trap: &'static str,
        /// `tcp` or `udp`.
        transport: &'static str,
    },
}

/// What every task shares.
struct Shared {
    setup: Setup,
    clock: Arc<dyn Clock>,
    sink: Arc<dyn EventSink>,
    counters: Arc<Counters>,
    /// Places for connections.
    admission: Admission,
    /// Places for sessions of datagrams, which cost a forger nothing.
    flows: Admission,
    /// What is told one by one.
    meter: Meter,
    /// Which datagrams are answered.
    replies: Replies,
    sessions: AtomicU64,
}

/// When a house ends. A value of `true`, or a sender that is gone, is the end meant.
#[derive(Clone, Debug)]
pub struct Ends {
    /// Nothing more is accepted.
    pub closing: watch::Receiver<bool>,
    /// Running sessions are told to end.
    pub stop: watch::Receiver<bool>,
}

/// What part of the memory for sessions those of datagrams may hold beside it.
const SHARE_OF_FLOWS: usize = 8;
/// How long running sessions have to end when the house stops.
const GRACE: Duration = Duration::from_secs(3);

/// The house: traps, their sockets, their limits.
pub struct Server {
    shared: Arc<Shared>,
}

impl Server {
    /// A house that tells its events to `sink`, with times by `clock`.
    #[must_use]
    pub fn new(setup: Setup, clock: Arc<dyn Clock>, sink: Arc<dyn EventSink>) -> Self {
        let shared = Shared {
            admission: Admission::new(setup.caps),
            flows: Admission::new(Caps {
                memory: setup.caps.memory / SHARE_OF_FLOWS,
                ..setup.caps
            }),
            meter: Meter::new(Rates {
                source: setup.caps.events_per_source,
                all: setup.caps.events,
            }),
            replies: Replies::default(),
            setup,
            clock,
            sink,
            counters: Arc::default(),
            sessions: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The counters, for a status page.
    #[must_use]
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.shared.counters)
    }

    /// Serves until `stop` holds `true` or its sender is gone. Then nothing more is accepted, running sessions are told to end, and
    /// after three seconds at most the last of them is cut. Needs a tokio runtime with I/O and time.
    ///
    /// # Errors
    /// When a socket cannot be made part of the runtime, or is of a transport that its trap does not speak.
    pub async fn run(
        self,
        posts: Vec<Post>,
        stop: watch::Receiver<bool>,
    ) -> Result<(), ServeError> {
        let ends = Ends { closing: stop.clone(), stop };
        self.run_until(posts, ends).await
    }

    /// The same with two ends: from the first on nothing more is accepted, and running sessions go on until they end by themselves
    /// or the second comes. Returns as soon as the last session is over.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn run_until(self, posts: Vec<Post>, ends: Ends) -> Result<(), ServeError> {
        let shared = Arc::clone(&self.shared);
        let counting = async {
            loop {
                tokio::time::sleep(TELL_EVERY).await;
                report::tell_counted(&shared);
            }
        };
        let result = tokio::select! {
            result = self.serve(posts, ends) => result,
            () = counting => Ok(()),
        };
        report::tell_counted(&shared);
        result
    }

    async fn serve(self, posts: Vec<Post>, ends: Ends) -> Result<(), ServeError> {
        let mut tasks = JoinSet::new();
        for post in posts {
            self.station(post, &ends, &mut tasks)?;
        }
        tokio::select! {
            () = stopped(ends.closing) => {}
            () = stopped(ends.stop.clone()) => {}
        }
        tokio::select! {
            () = async { while tasks.join_next().await.is_some() {} } => return Ok(()),
            () = stopped(ends.stop) => {}
        }
        let drain = async { while tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(GRACE, drain).await;
        tasks.shutdown().await;
        Ok(())
    }

    fn station(&self, post: Post, ends: &Ends, tasks: &mut JoinSet<()>) -> Result<(), ServeError> {
        let trap = post.trap;
        let (transport, address, ready) = match &post.socket {
            BoundSocket::Tcp(socket) => {
                (Transport::Tcp, socket.local_addr(), socket.set_nonblocking(true))
            }
            BoundSocket::Udp(socket) => {
                (Transport::Udp, socket.local_addr(), socket.set_nonblocking(true))
            }
        };
        if !trap.transports.contains(&transport) {
            return Err(ServeError::Transport { trap: trap.name, transport: transport.name() });
        }
        let shown = address.as_ref().map_or_else(|_| "?".to_owned(), SocketAddr::to_string);
        let failed =
            |source| ServeError::Socket { trap: trap.name, address: shown.clone(), source };
        let address = address.and_then(|address| ready.map(|()| address)).map_err(failed)?;
        let (shared, ends) = (Arc::clone(&self.shared), ends.clone());
        if trap.name == ftpdata::TRAP.name {
            shared.setup.identity.channels().offer(address.port());
        }
        match post.socket {
            BoundSocket::Tcp(socket) => {
                let listener = tokio::net::TcpListener::from_std(socket).map_err(failed)?;
                tasks.spawn(tcp::listen(shared, trap, listener, address, ends));
            }
            BoundSocket::Udp(socket) => {
                let socket = tokio::net::UdpSocket::from_std(socket).map_err(failed)?;
                tasks.spawn(udp::listen(shared, trap, socket, address, ends.closing));
            }
        }
        Ok(())
    }
}

/// Returns when the house is to stop.
async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is a stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
}
