//! The process that speaks to attackers. It is given sockets and a stream and gives up the rest before it reads a byte of a visitor.

use std::net::{TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use kizashi_event::Transport;
use kizashi_event::stream::{TrapCounts, put_counts};
use kizashi_traps::{
    BoundSocket, Counters, Ends, Identity, Post, RsaHostKey, Server, Setup, TlsKeys, WebRules,
    WebSites, trap_named,
};
use tokio::sync::watch;

use super::{first, leave_signals_to_the_supervisor};
use crate::clock;
use crate::failure::Failure;
use crate::sandbox::{self, TrapNeeds};
use crate::stream::Outbox;
use crate::supervisor::channel::{Channel, LONGEST};
use crate::supervisor::messages::{Confined, SERVING, SecretText, ToTrap, TrapSetup};
use crate::web_rules;

/// How long what was seen last may take to be acknowledged when the process ends.
const FAREWELL: Duration = Duration::from_secs(5);
/// Threads that serve visitors.
const THREADS: usize = 2;

/// Runs until the supervisor says so, or is gone.
pub(crate) fn run() -> Result<(), Failure> {
    let channel = Channel::of_stdin()?;
    let (setup, _) = first(&channel, c"kizashi-trap", |setup: &TrapSetup| setup.supervisor)?;
    // The usual hook may open files to name the lines of a backtrace.
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    let needs = TrapNeeds {
        descriptors: setup.limits.descriptors(setup.posts),
        memory: setup.limits.memory(),
        answers_datagrams: setup.answers_datagrams,
    };
    let protections = if setup.confined { sandbox::confine_trap(needs) } else { Vec::new() };
    channel.send(&Confined(protections), &[])?;
    let outbox = Arc::new(Outbox::default());
    let Some((posts, web_rules)) = take_posts(&channel, &outbox)? else { return Ok(()) };
    let server =
        Server::new(setup_of(&setup, &web_rules), Arc::new(clock::now), Arc::clone(&outbox) as _);
    let (counters, writing) = (server.counters(), Arc::clone(&outbox));
    std::thread::Builder::new().name("events".to_owned()).stack_size(256 * 1024).spawn(
        move || {
            let lost = Arc::clone(&writing);
            writing.write(move || counts(&counters, &lost), put_counts);
        },
    )?;
    let (close, closing) = watch::channel(false);
    let (end, stop) = watch::channel(false);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_stack_size(512 * 1024)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        leave_signals_to_the_supervisor()?;
        let serving = tokio::spawn(server.run_until(posts, Ends { closing, stop }));
        channel.send(&SERVING, &[])?;
        let listening = Arc::clone(&outbox);
        std::thread::Builder::new().name("orders".to_owned()).stack_size(256 * 1024).spawn(
            move || {
                obey(&channel, &listening, &setup, &close, &end);
                // Without a supervisor nobody needs us.
                std::process::exit(1);
            },
        )?;
        match serving.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Failure::Asked(error.to_string())),
            Err(error) => Err(Failure::Asked(format!("the traps ended unexpectedly: {error}"))),
        }
    })?;
    outbox.finish(FAREWELL);
    // The threads wait for orders and events that do not come any more.
    std::process::exit(0);
}

/// Sockets with their traps, and the owner's files of rules.
type Given = (Vec<Post>, Vec<(String, String)>);

/// Takes sockets until the order to start; `None` when the supervisor is gone or wants the process to end.
fn take_posts(channel: &Channel, outbox: &Arc<Outbox>) -> Result<Option<Given>, Failure> {
    let (mut buffer, mut posts, mut rules) = (vec![0; LONGEST], Vec::new(), Vec::new());
    while let Some(received) = channel.receive(&mut buffer)? {
        match serde_json::from_slice(&received.bytes).map_err(std::io::Error::from)? {
            ToTrap::Posts(list) => {
                posts.extend(list.into_iter().zip(received.descriptors).filter_map(post));
            }
            ToTrap::Stream => connect(outbox, received.descriptors),
            ToTrap::WebRules(name, text) => web_rules::join(&mut rules, (name, text)),
            ToTrap::Start => return Ok(Some((posts, rules))),
            ToTrap::Drain | ToTrap::Stop => return Ok(None),
            ToTrap::Misbehave(_) => {}
        }
    }
    Ok(None)
}

fn post(((trap, transport), socket): ((String, Transport), OwnedFd)) -> Option<Post> {
    let socket = match transport {
        Transport::Tcp => BoundSocket::Tcp(TcpListener::from(socket)),
        Transport::Udp => BoundSocket::Udp(UdpSocket::from(socket)),
        Transport::Icmp => return None,
    };
    Some(Post { trap: trap_named(&trap)?, socket })
}

fn connect(outbox: &Arc<Outbox>, descriptors: Vec<OwnedFd>) {
    for stream in descriptors {
        if let Err(error) = outbox.connect(UnixStream::from(stream)) {
            tracing::error!("no thread for acknowledgements could be started: {error}");
        }
    }
}

/// Does what the supervisor says until it is gone.
fn obey(
    channel: &Channel,
    outbox: &Arc<Outbox>,
    setup: &TrapSetup,
    close: &watch::Sender<bool>,
    end: &watch::Sender<bool>,
) {
    let mut buffer = vec![0; LONGEST];
    while let Ok(Some(received)) = channel.receive(&mut buffer) {
        match serde_json::from_slice(&received.bytes) {
            Ok(ToTrap::Stream) => connect(outbox, received.descriptors),
            Ok(ToTrap::Drain) => {
                let _ = close.send(true);
            }
            Ok(ToTrap::Stop) => {
                let _ = end.send(true);
            }
            Ok(ToTrap::Misbehave(how)) => misbehave(&how, setup, outbox),
            Ok(ToTrap::Posts(_) | ToTrap::WebRules(..) | ToTrap::Start) | Err(_) => {}
        }
    }
}

#[cfg(debug_assertions)]
fn misbehave(how: &str, setup: &TrapSetup, outbox: &Outbox) {
    super::misbehave::attempt(how, setup.core, outbox);
}

#[cfg(not(debug_assertions))]
const fn misbehave(_: &str, _: &TrapSetup, _: &Outbox) {}

fn setup_of(setup: &TrapSetup, web_rules: &[(String, String)]) -> Setup {
    Setup {
        sensor: Arc::from(setup.sensor.as_str()),
        identity: Arc::new(identity_of(setup).with_web_rules(rules_of(web_rules))),
        session_seed: setup.session_seed,
        caps: setup.limits.caps(),
    }
}

/// All rules for the web trap. Files with a fault were refused before the start.
fn rules_of(own: &[(String, String)]) -> Arc<WebRules> {
    match own {
        [] => WebRules::builtin(),
        own => WebRules::with_own(own).map_or_else(|_| WebRules::builtin(), Arc::new),
    }
}

/// What the installation pretends to be. A key, a name or a list that cannot be read was refused before the start.
fn identity_of(setup: &TrapSetup) -> Identity {
    let drawn = Identity::draw(setup.identity);
    let identity = setup
        .machine
        .apply(drawn.clone())
        .unwrap_or(drawn)
        .with_randomness(setup.randomness)
        .with_logins(setup.logins.settings().unwrap_or_default())
        .with_web_sites(sites_of(setup));
    let identity =
        match setup.rsa_host_key.as_ref().map(|SecretText(text)| RsaHostKey::from_text(text)) {
            Some(Ok(key)) => identity.with_rsa_host_key(key),
            Some(Err(_)) | None => identity,
        };
    match setup.tls_keys.as_ref().map(|SecretText(text)| TlsKeys::from_text(text)) {
        Some(Ok(keys)) => identity.with_tls_keys(keys),
        Some(Err(_)) | None => identity,
    }
}

/// The owner's choice of faces; one that cannot be had was refused before the start.
fn sites_of(setup: &TrapSetup) -> WebSites {
    let choices = setup.web_sites.iter().map(|(port, site)| (port.as_str(), site.as_str()));
    WebSites::of(choices).unwrap_or_default()
}

fn counts(counters: &Counters, outbox: &Outbox) -> TrapCounts {
    TrapCounts {
        accepted: counters.accepted(),
        refused: counters.refused(),
        refused_untold: counters.refused_untold(),
        accept_errors: counters.accept_errors(),
        received: counters.received(),
        events: counters.events(),
        lost: outbox.lost() + counters.uncounted(),
        left_out: outbox.left_out(),
    }
}
