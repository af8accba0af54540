//! `kizashi demo`: a month of made-up traffic through the real store, detection and dashboard, then on in real time. Nothing
//! is exposed; the data are in a temporary folder that goes at the end.

use std::iter::Peekable;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kizashi_event::{Event, Timestamp};
use kizashi_signs::{Campaigns, Sign};
use kizashi_store::{Places, Settings};
use kizashi_web::{FeedSender, Token};

use crate::cli;
use crate::clock;
use crate::config::Config;
use crate::dashboard::{Dashboard, random};
use crate::demo::{self, Traffic};
use crate::failure::Failure;
use crate::live::{Live, Surroundings, Turn, stop_signal};
use crate::observatory::{Own, StoreObservatory, Switches};
use crate::pipeline::Pipeline;
use crate::terminal::Terminal;

/// Microseconds of made-up time between two looks of detection while the month is played.
const STEP: i64 = 6 * Timestamp::HOUR;
/// Longest that one tick plays before it looks whether to stop.
const TURN: Duration = Duration::from_millis(500);
/// Events given to the store at once.
const BATCH: usize = 4_096;

/// A folder that goes when the demo ends.
struct TemporaryFolder(PathBuf);

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Plays until a signal comes.
pub(crate) fn run(call: &cli::Demo, terminal: &mut Terminal) -> Result<(), Failure> {
    let dashboard = Dashboard::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, call.port)))?;
    let name = format!("kizashi-demo-{}", std::process::id());
    let folder = TemporaryFolder(std::env::temp_dir().join(name));
    let settings = kizashi_signs::Settings::default();
    let pipeline = Pipeline::open(&folder.0, Settings::default(), settings, Campaigns::builtin())?;
    let feed = FeedSender::new().with_made_up_countries();
    let observatory = StoreObservatory {
        folder: folder.0.clone(),
        board: pipeline.board(),
        inlet: pipeline.store().inlet(),
        settings,
        places: Places::built_in(),
        campaigns: Campaigns::builtin(),
        machine: None,
        switches: Arc::new(Switches::none()),
        demo: true,
        started: Instant::now(),
        clock: Arc::new(clock::now),
        idle: Mutex::default(),
        health: None,
        own: Own::of(&Config::default()),
        sharing: None,
    };
    let token = Token::from_random(random()?);
    let link = format!("http://{}/?token={}", dashboard.listener.local_addr()?, token.text());
    terminal.line(&format!("dashboard {link}"))?;
    terminal.line("playing a month of made-up traffic; nothing is exposed; Ctrl-C ends it and lets its data go")?;
    terminal.flush()?;
    let mut player = Player::new(call.seed, feed.clone());
    let surroundings = Surroundings { feed: feed.clone(), clock: Arc::new(clock::now) };
    let live =
        Live::start(pipeline, surroundings, move |pipeline, now| player.turn(pipeline, now))?;
    terminal.line("ready")?;
    terminal.flush()?;
    let router = kizashi_web::router(Arc::new(observatory), feed, token);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(dashboard.listener)?;
        kizashi_web::serve(listener, router, None, stop_signal()).await
    })?;
    live.finish()
}

/// Gives made-up events to the store, as fast as it takes them up to now and in their own time after it.
struct Player {
    traffic: Peekable<Traffic>,
    feed: FeedSender,
    /// The made-up moment up to which events were given.
    reached: Timestamp,
}

impl Player {
    fn new(seed: u64, feed: FeedSender) -> Self {
        let settings = demo::Settings::demo(seed, clock::now());
        let reached = settings.start;
        Self { traffic: Traffic::new(settings).peekable(), feed, reached }
    }

    fn turn(&mut self, pipeline: &mut Pipeline, now: Timestamp) -> Result<Turn, Failure> {
        let began = Instant::now();
        let mut raised: Vec<Sign> = Vec::new();
        while self.reached < now && began.elapsed() < TURN {
            let until = self.reached.plus(STEP).min(now);
            self.give(pipeline, until)?;
            self.reached = until;
            raised.extend(pipeline.advance(until)?);
        }
        Ok(Turn { raised, more: self.reached < now })
    }

    fn give(&mut self, pipeline: &Pipeline, until: Timestamp) -> Result<(), Failure> {
        loop {
            let mut batch: Vec<Event> = Vec::new();
            while batch.len() < BATCH {
                let Some(event) = self.traffic.next_if(|event| event.time < until) else { break };
                batch.push(event);
            }
            if batch.is_empty() {
                return Ok(());
            }
            self.feed.publish(&batch);
            pipeline.store().write(batch)?;
        }
    }
}
