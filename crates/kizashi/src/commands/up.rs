//! `kizashi up`: traps, store, detection and dashboard, until a signal comes.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use kizashi_event::Event;
use kizashi_store::{Inlet, Mode};
use kizashi_traps::{Caps, EventSink, Identity, Server, Setup};
use kizashi_web::FeedSender;
use tokio::sync::watch;

use crate::cli;
use crate::clock;
use crate::config::Config;
use crate::dashboard::{Dashboard, random};
use crate::failure::Failure;
use crate::listening::{Bound, Plan, allow_many_sockets};
use crate::live::{Live, Surroundings, Turn, stop_signal};
use crate::observatory::StoreObservatory;
use crate::pipeline::Pipeline;
use crate::terminal::Terminal;

/// Listeners of one trap that are printed one by one; more are printed as a list.
const MOST_LINES: usize = 64;
/// The name under which the seed of what this installation pretends to be is kept.
const IDENTITY: &str = "identity";

/// Hands what traps see to the store and to open dashboards; neither makes a trap wait.
struct Sink {
    inlet: Inlet,
    feed: FeedSender,
}

impl EventSink for Sink {
    fn record(&self, event: Event) {
        self.feed.publish(std::slice::from_ref(&event));
        self.inlet.offer(event);
    }
}

/// Runs until a signal comes.
pub(crate) fn run(call: &cli::Up, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut config = Config::load(call.config.as_deref())?;
    if let Some(data) = &call.data {
        config.data.clone_from(data);
    }
    allow_many_sockets();
    let dashboard = Dashboard::bind(config.dashboard.address)?;
    let bound = Plan::of(&config)?.bind()?;
    let store = kizashi_store::Settings {
        mode: Mode::Live,
        retention: config.retention(),
        clock: Arc::new(clock::now),
    };
    let pipeline = Pipeline::open(&config.data, store, config.detection())?;
    let feed = FeedSender::new();
    let sink = Arc::new(Sink { inlet: pipeline.store().inlet(), feed: feed.clone() });
    let server = Server::new(setup(&config, &pipeline)?, Arc::new(clock::now), sink);
    let observatory = StoreObservatory {
        folder: config.data.clone(),
        board: pipeline.board(),
        inlet: pipeline.store().inlet(),
        settings: config.detection(),
        listeners: bound.listeners.clone(),
        demo: false,
        started: Instant::now(),
        clock: Arc::new(clock::now),
        idle: Mutex::default(),
    };
    print_listeners(&bound, terminal)?;
    terminal.line(&format!("dashboard {}", dashboard.link()?))?;
    let surroundings = Surroundings { feed: feed.clone(), clock: Arc::new(clock::now) };
    let live = Live::start(pipeline, surroundings, |pipeline, now| {
        Ok(Turn { raised: pipeline.advance(now)?, more: false })
    })?;
    let router = kizashi_web::router(Arc::new(observatory), feed, dashboard.token);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let served = runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(dashboard.listener)?;
        let (stop, stopped) = watch::channel(false);
        let traps = tokio::spawn(server.run(bound.posts, stopped));
        terminal.line("ready")?;
        terminal.flush()?;
        let served = kizashi_web::serve(listener, router, stop_signal()).await;
        // The traps may have ended before, which `join` then tells.
        let _ = stop.send(true);
        match traps.await {
            Ok(Ok(())) => Ok(served?),
            Ok(Err(error)) => Err(Failure::Asked(error.to_string())),
            Err(error) => Err(Failure::Asked(format!("the traps ended unexpectedly: {error}"))),
        }
    });
    live.finish().and(served)
}

fn setup(config: &Config, pipeline: &Pipeline) -> Result<Setup, Failure> {
    let reader = pipeline.store().reader()?;
    let kept = reader.blob(IDENTITY)?.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let seed = match kept {
        Some(seed) => seed,
        None => {
            let seed = random()?;
            pipeline.store().save(Vec::new(), vec![(IDENTITY.to_owned(), seed.to_vec())])?;
            seed
        }
    };
    Ok(Setup {
        sensor: Arc::from(config.sensor.clone().unwrap_or_else(machine_name)),
        identity: Arc::new(Identity::draw(seed)),
        session_seed: u64::from_ne_bytes(random()?),
        caps: Caps {
            sessions: config.traps.sessions,
            per_source: config.traps.sessions_per_source,
            ..Caps::default()
        },
    })
}

fn machine_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "kizashi".to_owned() } else { name.to_owned() }
}

fn print_listeners(bound: &Bound, terminal: &mut Terminal) -> Result<(), Failure> {
    let services = bound.listeners.chunk_by(|a, b| a.service == b.service);
    for same in services {
        if same.len() <= MOST_LINES {
            for listener in same {
                terminal.line(&format!("{:<8} {}", listener.service, listener.address))?;
            }
        } else if let Some(first) = same.first() {
            terminal.line(&format!(
                "{:<8} {} and {} more",
                first.service,
                first.address,
                same.len() - 1
            ))?;
        }
    }
    if bound.ipv6 {
        terminal.line("         each of them on IPv6 too")?;
    }
    if Plan::is_unprivileged() {
        terminal.line("         high ports, since this is not root; root gets the real ones")?;
    }
    if !bound.taken.is_empty() {
        let taken: Vec<String> = bound.taken.iter().map(ToString::to_string).collect();
        terminal
            .line(&format!("         left alone, somebody else has them: {}", shortened(&taken)))?;
    }
    Ok(())
}

fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let more = names.len().saturating_sub(SHOWN);
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}
