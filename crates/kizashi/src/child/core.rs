//! The process that keeps what was seen: store, detection, dashboard. It never reads a byte of an attacker except as a field of an
//! event, and believes no event before it is checked.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kizashi_event::Timestamp;
use kizashi_event::belief::{Expected, Teller};
use kizashi_fleet::Credentials;
use kizashi_fleet::hub::Conditions;
use kizashi_notify::Outbox;
use kizashi_signs::{Campaigns, Sign};
use kizashi_store::{BySensor, Inlet, Mode, Places, StoreError, StoredSign};
use kizashi_web::{Access, CertifiedKey, Encryption, FeedSender, TrapStatus};
use tokio::sync::Notify;

use super::events::{expected_at, listen_to, traps_expected};
use super::{alone, first, hub, leave_signals_to_the_supervisor};
use crate::bulletin::ShownSigns;
use crate::clock;
use crate::dashboard::random;
use crate::failure::Failure;
use crate::history::History;
use crate::live::{Live, Surroundings, Turn};
use crate::logins::OwnAddresses;
use crate::observatory::{Own, StoreObservatory, Switches, Told, TrapHealth};
use crate::pipeline::Pipeline;
use crate::reporting::Reporting;
use crate::sandbox::{self, Protection};
use crate::shared::{LOGINS, Sharing};
use crate::sighted::Sighted;
use crate::stream::{Arrivals, StoreSink};
use crate::supervisor::channel::{Channel, LONGEST};
use crate::supervisor::messages::{CoreSetup, FromCore, Misbehaviour, ToCore};
use crate::supervisor::traps::TrapsState;

/// The name under which the seed of what this installation pretends to be is kept.
const IDENTITY: &str = "identity";
/// The name under which how the traps fare is kept for `kizashi status`.
pub(crate) const HEALTH: &str = "trap health";
/// Microseconds between two savings of it, where it changed.
const KEEP_HEALTH_EVERY: i64 = 60 * Timestamp::SECOND;
/// Times as many keys and visits as one machine's store does the store of a hub remember, which hears many machines and has more memory.
const HUB_REMEMBERS: usize = 8;
/// How long another process may take to let go of the folder: the core of a supervisor that was just killed.
const LETS_GO: Duration = Duration::from_secs(3);

/// Runs until the supervisor says so, or is gone.
pub(crate) fn run() -> Result<(), Failure> {
    let channel = Channel::of_stdin()?;
    let (setup, received) = first(&channel, c"kizashi-core", |setup: &CoreSetup| setup.supervisor)?;
    if let Some(part) = setup.fleet.as_ref().filter(|part| part.is_sensor()) {
        return super::sensor::run(&Arc::new(channel), &setup, part);
    }
    let listener =
        received.descriptors.into_iter().next().map(TcpListener::from).ok_or_else(alone)?;
    let fleet = match &setup.fleet {
        Some(part) => Some(part.credentials()?.with_authority_in(&setup.config.data)?),
        None => None,
    };
    // The owner's tables lie outside the data folder: they are read before anything else there is closed to this process.
    let places = if setup.probe { Ok(Arc::default()) } else { setup.config.places() };
    let told = Told { outbox: Outbox::of(&setup.config.data), channels: setup.channels.clone() };
    let told = Some(told).filter(|told| !told.channels.is_empty());
    let fleet = fleet.map(|credentials| {
        let conditions = Conditions::new(clock::now()).grouped(setup.config.fleet.by_sensor());
        (credentials, Arc::new(conditions))
    });
    let own = Own::of(&setup.config)
        .named(&setup.sensor, setup.config_file.as_deref())
        .of_fleet(fleet.as_ref().map(|(_, conditions)| Arc::clone(conditions)))
        .telling(told);
    let campaigns = setup.config.signs.campaigns();
    let protections = match &fleet {
        _ if !setup.confined => Vec::new(),
        Some((fleet, _)) => sandbox::confine_to_servers(&setup.config.data, &fleet.ports()),
        None => sandbox::confine_core(&setup.config.data),
    };
    let channel = Arc::new(channel);
    if setup.probe {
        channel.send(&FromCore::Ready { identity: [0; 32], protections }, &[])?;
        return Ok(());
    }
    let opened = places.and_then(|places| {
        let campaigns = campaigns?;
        Ok((open(&setup, &places, &campaigns)?, places, campaigns))
    });
    match opened {
        Ok(((pipeline, identity), places, campaigns)) => {
            let kept = (pipeline, places, campaigns, own);
            serve(&channel, &setup, kept, (listener, fleet), (identity, protections))
        }
        Err(failure) => {
            channel.send(&FromCore::Failed(failure.to_string()), &[])?;
            Ok(())
        }
    }
}

fn open(
    setup: &CoreSetup,
    places: &Arc<Places>,
    campaigns: &Arc<Campaigns>,
) -> Result<(Pipeline, [u8; 32]), Failure> {
    let began = Instant::now();
    let pipeline = loop {
        let is_hub = setup.fleet.is_some();
        let remembered = kizashi_store::Settings::REMEMBERED;
        let store = kizashi_store::Settings {
            mode: Mode::Live,
            retention: setup.config.retention(),
            clock: Arc::new(clock::now),
            places: Arc::clone(places),
            scanners_in_signs: setup.config.places.scanners_in_signs,
            remembered: if is_hub { HUB_REMEMBERS * remembered } else { remembered },
            by_sensor: match setup.fleet {
                Some(_) => setup.config.fleet.keys.of_store(),
                None => BySensor::Nothing,
            },
        };
        let detection = (setup.config.detection(), &setup.config.fleet);
        let (folder, campaigns) = (&setup.config.data, Arc::clone(campaigns));
        match Pipeline::open_for_fleet(folder, store, detection, campaigns) {
            Err(Failure::Store(StoreError::InUse(_))) if began.elapsed() < LETS_GO => {
                std::thread::sleep(Duration::from_millis(50));
            }
            opened => break opened?,
        }
    };
    let kept = pipeline.store().reader()?.blob(IDENTITY)?;
    let identity = match kept.and_then(|bytes| bytes.try_into().ok()) {
        Some(identity) => identity,
        None => {
            let identity: [u8; 32] = random()?;
            pipeline.store().save(Vec::new(), vec![(IDENTITY.to_owned(), identity.to_vec())])?;
            identity
        }
    };
    // For `kizashi sign`, which may not be allowed to look itself; where nobody may look, what was seen before goes.
    let machine = serde_json::to_vec(&setup.machine).unwrap_or_default();
    pipeline.store().save(Vec::new(), vec![(crate::machine::KEPT.to_owned(), machine)])?;
    Ok((pipeline, identity))
}

fn serve(
    channel: &Arc<Channel>,
    setup: &CoreSetup,
    (mut pipeline, places, campaigns, own): (Pipeline, Arc<Places>, Arc<Campaigns>, Own),
    (listener, fleet): (TcpListener, Option<(Credentials, Arc<Conditions>)>),
    (identity, protections): ([u8; 32], Vec<Protection>),
) -> Result<(), Failure> {
    let (access, encryption) = door(setup)?;
    let feed = FeedSender::new().with_places(Arc::clone(&places));
    let health = Arc::new(TrapHealth::default());
    let watched = Arc::clone(&health);
    let sharing = Arc::new(Sharing::new(
        setup.config.share.clone(),
        &setup.sensor,
        (Arc::clone(&places), Arc::clone(&campaigns)),
        setup.allowed.clone(),
    ));
    sharing.remember(&pipeline.store().reader()?.blob(LOGINS)?.unwrap_or_default());
    sharing.allow(setup.allowed.clone(), clock::now());
    let switches = Arc::new(switches(channel, setup));
    let hall = Hall {
        sharing: Arc::clone(&sharing),
        channel: Arc::clone(channel),
        inlet: pipeline.store().inlet(),
        feed: feed.clone(),
        health: Arc::clone(&health),
        traps: Mutex::new(traps_expected(setup)),
        all_tcp: setup.config.traps.all_ports,
        switches: Arc::clone(&switches),
        access: access.clone(),
    };
    let mut chores =
        Chores::of(setup, &pipeline, watched, (Arc::clone(&campaigns), Arc::clone(&sharing)))?;
    let dividing = hub::Dividing::of(setup, fleet.as_ref().map(|(own, _)| own), &mut pipeline)?;
    let taking = match fleet {
        Some(fleet) => Some(chores.take(fleet, &pipeline, &feed)?),
        None => None,
    };
    let observatory =
        observatory(setup, &pipeline, (places, campaigns, own), (health, sharing, switches));
    let surroundings = Surroundings { feed: feed.clone(), clock: Arc::new(clock::now) };
    let live =
        Live::start(pipeline, surroundings, move |pipeline, now| chores.turn(pipeline, now))?;
    let router = kizashi_web::router(Arc::new(observatory), feed, access);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let stopping = Arc::new(Notify::new());
    let served = runtime.block_on(async {
        leave_signals_to_the_supervisor()?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        channel.send(&FromCore::Ready { identity, protections }, &[])?;
        let told = Arc::clone(&stopping);
        std::thread::Builder::new().name("orders".to_owned()).spawn(move || {
            hall.obey();
            told.notify_one();
        })?;
        kizashi_web::serve(listener, router, encryption, stopping.notified())
            .await
            .map_err(Failure::from)
    });
    if let Some(taking) = taking {
        taking.finish();
    }
    // Nothing more comes: the traps were ended before. Detectors are asked for their parts once more.
    let finished = live.finish();
    drop(dividing);
    finished.and(served)
}

/// The traps as the page turns them on and off, by way of the supervisor.
fn switches(channel: &Arc<Channel>, setup: &CoreSetup) -> Switches {
    // A hub has none.
    if setup.fleet.is_some() {
        return Switches::none();
    }
    let way = Arc::clone(channel);
    Switches::of(setup.traps.clone(), setup.config.traps.all_ports, move |wished| {
        way.send(&FromCore::Traps(wished.clone()), &[])
    })
}

/// What the dashboard asks.
fn observatory(
    setup: &CoreSetup,
    pipeline: &Pipeline,
    (places, campaigns, own): (Arc<Places>, Arc<Campaigns>, Own),
    (health, sharing, switches): (Arc<TrapHealth>, Arc<Sharing>, Arc<Switches>),
) -> StoreObservatory {
    StoreObservatory {
        folder: setup.config.data.clone(),
        board: pipeline.board(),
        inlet: pipeline.store().inlet(),
        settings: setup.config.detection(),
        places,
        campaigns,
        machine: setup.machine.clone(),
        switches,
        demo: false,
        started: Instant::now(),
        clock: Arc::new(clock::now),
        idle: Mutex::default(),
        health: Some(health),
        own,
        sharing: Some(sharing),
    }
}

/// What is done each turn beside detection: how the traps fare is kept, reports are made, signs are shown to who tells them.
struct Chores {
    watched: Arc<TrapHealth>,
    kept: (Timestamp, TrapStatus),
    reporting: Reporting,
    sighted: Option<Sighted>,
    /// Runs on a thread of its own as long as this is kept.
    _history: Option<History>,
    shown: Option<ShownSigns>,
    /// How a fleet's sensors fare, where this is its hub.
    fleet: Option<hub::Watch>,
}

impl Chores {
    fn of(
        setup: &CoreSetup,
        pipeline: &Pipeline,
        watched: Arc<TrapHealth>,
        (campaigns, sharing): (Arc<Campaigns>, Arc<Sharing>),
    ) -> Result<Self, Failure> {
        let reader = || pipeline.store().reader();
        let sighted = match setup.tells_sightings {
            true => Some(Sighted::new(&setup.config.data, reader()?, sharing)),
            false => None,
        };
        Ok(Self {
            watched,
            kept: (Timestamp::from_seconds(0), TrapStatus::default()),
            sighted,
            reporting: Reporting::new(setup, reader()?, Arc::clone(&campaigns)),
            _history: match setup.config.history.keep {
                true => Some(History::start(&setup.config, reader()?)?),
                false => None,
            },
            shown: match setup.notifies {
                true => Some(ShownSigns::open(
                    &setup.config.data,
                    reader()?,
                    (campaigns, setup.machine.clone()),
                )?),
                false => None,
            },
            fleet: None,
        })
    }

    /// Begins to take what a fleet's sensors send.
    fn take(
        &mut self,
        (credentials, conditions): (Credentials, Arc<Conditions>),
        pipeline: &Pipeline,
        feed: &FeedSender,
    ) -> Result<hub::Taking, Failure> {
        let ways = || (pipeline.store().inlet(), feed.clone());
        let reader = pipeline.store().reader()?;
        self.fleet = Some(hub::Watch::new(Arc::clone(&conditions), &reader, ways())?);
        hub::Taking::start(credentials, ways(), reader, conditions)
    }

    fn turn(&mut self, pipeline: &mut Pipeline, now: Timestamp) -> Result<Turn, Failure> {
        if now.since(self.kept.0) >= KEEP_HEALTH_EVERY {
            let fares = self.watched.now();
            if fares != self.kept.1 {
                warn_of_drops(&self.kept.1, &fares);
                pipeline.store().save(Vec::new(), kept_form(&fares))?;
            }
            self.kept = (now, fares);
        }
        let through = match &mut self.fleet {
            Some(fleet) => fleet.look(now)?,
            None => now,
        };
        let raised = pipeline.advance(through)?;
        if let Some(fleet) = &mut self.fleet {
            fleet.note_detectors(pipeline.roster().unwrap_or_default(), now)?;
        }
        self.reporting.look(now);
        if let Some(sighted) = &mut self.sighted {
            sighted.look(pipeline.store(), now);
        }
        if let Some(shown) = &mut self.shown {
            shown.look(now);
        }
        Ok(Turn { raised, more: false })
    }
}

/// Who may come in, and over what.
fn door(setup: &CoreSetup) -> Result<(Access, Option<Encryption>), Failure> {
    let failed = |reason: String| Failure::Asked(format!("the dashboard cannot start: {reason}"));
    let tokens = setup.tokens.tokens().map_err(|error| failed(error.to_string()))?;
    let dashboard = &setup.config.dashboard;
    let mut access = Access::on_loopback(tokens);
    if !dashboard.is_on_loopback() || !dashboard.names.is_empty() {
        access = access.from_elsewhere(dashboard.names.clone());
    }
    let Some(certificate) = &setup.certificate else { return Ok((access, None)) };
    let own = CertifiedKey {
        certificates: certificate.certificates.clone(),
        key: certificate.key.clone(),
    };
    let encryption = Encryption::with(&own).map_err(|error| failed(error.to_string()))?;
    Ok((access.encrypted(), Some(encryption)))
}

fn kept_form(fares: &TrapStatus) -> Vec<(String, Vec<u8>)> {
    serde_json::to_vec(fares).map(|json| (HEALTH.to_owned(), json)).into_iter().collect()
}

/// Says that the kernel had no room for packets, where that happened since it was last asked.
fn warn_of_drops(before: &TrapStatus, now: &TrapStatus) {
    let of = |fares: &TrapStatus| {
        fares.capture.as_ref().map_or((0, 0), |it| (it.counts.dropped, it.counts.passed))
    };
    let dropped = of(now).0.saturating_sub(of(before).0);
    if dropped > 0 {
        let passed = of(now).1.saturating_sub(of(before).1);
        tracing::warn!(
            "capture: the kernel dropped {dropped} of {passed} packets that were not read in time"
        );
    }
}

/// Where orders and streams come in.
struct Hall {
    channel: Arc<Channel>,
    inlet: Inlet,
    feed: FeedSender,
    health: Arc<TrapHealth>,
    /// What traps tell.
    traps: Mutex<Expected>,
    all_tcp: bool,
    switches: Arc<Switches>,
    access: Access,
    sharing: Arc<Sharing>,
}

impl Hall {
    fn obey(&self) {
        let mut buffer = vec![0; LONGEST];
        while let Ok(Some(received)) = self.channel.receive(&mut buffer) {
            match serde_json::from_slice(&received.bytes) {
                Ok(ToCore::Stream(trap)) => {
                    self.listen_to(trap, self.expected(), received.descriptors);
                }
                Ok(ToCore::CaptureStream(process)) => {
                    let capture = Expected { teller: Teller::Capture, ..self.expected() };
                    self.listen_to(process, capture, received.descriptors);
                }
                Ok(ToCore::Health(health)) => {
                    self.health.show(health);
                    self.keep_health();
                }
                Ok(ToCore::Misbehaved(what)) => self.tell(&what),
                Ok(ToCore::Traps(traps)) => self.show_traps(traps),
                Ok(ToCore::Tokens(secrets)) => match secrets.tokens() {
                    Ok(tokens) => self.access.replace(tokens),
                    Err(error) => tracing::error!("new tokens were not taken: {error}"),
                },
                Ok(ToCore::Allowed(own)) => self.allow(own),
                Ok(ToCore::Stop) => break,
                Err(error) => tracing::error!("an order was not understood: {error}"),
            }
        }
        self.keep_health();
    }

    /// What a process that begins now can tell.
    fn expected(&self) -> Expected {
        self.traps.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn show_traps(&self, traps: TrapsState) {
        let mut expected = self.traps.lock().unwrap_or_else(PoisonError::into_inner);
        let sensor = Arc::clone(&expected.sensor);
        *expected = expected_at(&traps.listeners, &sensor, self.all_tcp);
        drop(expected);
        self.switches.show(traps);
    }

    fn listen_to(&self, process: u64, expected: Expected, descriptors: Vec<OwnedFd>) {
        let sink = StoreSink { inlet: self.inlet.clone(), feed: self.feed.clone() };
        listen_to(
            &self.channel,
            Arrivals {
                process,
                expected,
                sink: Arc::new(sink),
                counted: self.health.counted(),
                captured: self.health.captured(),
                clock: clock::now,
            },
            descriptors,
        );
    }

    fn allow(&self, own: OwnAddresses) {
        self.sharing.allow(own, clock::now());
        let logins = vec![(LOGINS.to_owned(), self.sharing.remembered())];
        if let Err(error) = self.inlet.save(Vec::new(), logins) {
            tracing::error!("who was logged in could not be kept: {error}");
        }
    }

    fn keep_health(&self) {
        if let Err(error) = self.inlet.save(Vec::new(), kept_form(&self.health.now())) {
            tracing::error!("{error}");
        }
    }

    fn tell(&self, misbehaviour: &Misbehaviour) {
        let sign = Sign::misbehaviour(&misbehaviour.what, Timestamp::from_micros(misbehaviour.at));
        tell_sign(&sign, &self.inlet, &self.feed);
    }
}

/// Stores and shows a sign that the house itself raises.
pub(super) fn tell_sign(sign: &Sign, inlet: &Inlet, feed: &FeedSender) {
    tracing::error!(id = sign.id, "sign: {}", sign.summary());
    let Ok(json) = serde_json::to_string(sign) else { return };
    let stored = StoredSign { id: sign.id.clone(), detected: sign.detected, json, evidence: None };
    if let Err(error) = inlet.save(vec![stored], Vec::new()) {
        tracing::error!("{error}");
    }
    if let Ok(json) = serde_json::to_value(sign) {
        feed.publish_sign(&json);
    }
}
