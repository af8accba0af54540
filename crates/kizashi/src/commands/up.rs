//! `kizashi up`: traps, store, detection and dashboard, until a signal comes. Here everything is made ready for the supervisor, with the
//! rights that the person has; then they are given up. A fleet's sensor is the same without store and dashboard, its hub without traps.

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use kizashi_notify::archive::Bucket;
use kizashi_notify::channel::Takes;
use kizashi_web::{CertifiedKey, Encryption};

use crate::capture::Eyes;
use crate::chosen_traps::ChosenTraps;
use crate::cli;
use crate::config::Config;
use crate::dashboard::Dashboard;
use crate::failure::Failure;
use crate::fleet::{FleetPart, of_hub, of_sensor, read_credentials};
use crate::limits::TrapLimits;
use crate::listening::{Bound, Plan, allow_many_sockets, descriptors_allowed};
use crate::ports;
use crate::sandbox::privileges::{User, drop_raw_sockets};
use crate::secrets;
use crate::supervisor::messages::{
    CaptureSetup, Certificate, CoreSetup, NotifySetup, SecretText, Secrets, TrapSetup,
};
use crate::supervisor::ports::ReadyPorts;
use crate::supervisor::traps::{TrapsState, answers_datagrams, names_of, with_keys};
use crate::supervisor::{self, Prepared};
use crate::terminal::Terminal;

/// Listeners of one trap that are printed one by one; more are printed as a list.
const MOST_LINES: usize = 64;
/// How long ports may still belong to a Kizashi that was just killed.
const LETS_GO: Duration = Duration::from_secs(2);

/// Runs until a signal comes.
pub(crate) fn run(call: &cli::Up, terminal: &mut Terminal) -> Result<(), Failure> {
    start(call, None, terminal)
}

/// The same as a fleet's sensor.
pub(crate) fn sensor(call: &cli::SensorCall, terminal: &mut Terminal) -> Result<(), Failure> {
    let credentials = read_credentials(&call.credentials, &call.servers)?;
    of_sensor(&credentials)?;
    let part = FleetPart::Sensor {
        credentials: SecretText(credentials.to_text()),
        spool_bytes: call.spool_megabytes << 20,
    };
    start(&call.up, Some(part), terminal)
}

/// The same as a fleet's hub.
pub(crate) fn hub(call: &cli::HubCall, terminal: &mut Terminal) -> Result<(), Failure> {
    let credentials = read_credentials(&call.credentials, &call.servers)?;
    of_hub(&credentials)?;
    let up = cli::Up {
        config: call.config.clone(),
        data: call.data.clone(),
        all_ports: false,
        require_sandbox: call.require_sandbox,
        no_sandbox: false,
    };
    let part = FleetPart::Hub { credentials: SecretText(credentials.to_text()) };
    start(&up, Some(part), terminal)
}

fn start(call: &cli::Up, fleet: Option<FleetPart>, terminal: &mut Terminal) -> Result<(), Failure> {
    let (is_sensor, is_hub) = parts(fleet.as_ref());
    let mut config = configured(call, fleet.as_ref())?;
    let config_file = Config::file(call.config.as_deref());
    // The core is told of neither.
    let tells = (config.notify.clone(), config.history.bucket.take());
    allow_many_sockets();
    let web_rules = crate::web_rules::read(config.traps.web_rules.as_deref())?;
    let own_certificate = secrets::own_certificate(&config.dashboard)?;
    // A sensor has no page, and a hub no traps.
    let chosen = match fleet {
        None => ChosenTraps::read(&config.data),
        Some(_) => ChosenTraps::default(),
    };
    let privileged = !Plan::is_unprivileged();
    let (dashboard, mut bound) = bind(&config, &chosen, fleet.as_ref())?;
    let ports = if config.traps.all_ports { Some(all_ports(&config, &mut bound)?) } else { None };
    config.data = own_folder(&config.data)?;
    print_listeners(&bound, terminal)?;
    print_chosen(&chosen, terminal)?;
    let campaigns = config.signs.campaigns()?;
    let looks = config.signs.look_at_this_machine && !is_sensor;
    let machine = looks.then(|| crate::machine::look(crate::clock::now(), &campaigns));
    let eyes = if is_hub {
        Err("a hub watches no ports of its own".to_owned())
    } else {
        open_eyes(&config, &bound, terminal)?
    };
    become_unprivileged(&config.data, terminal)?;
    let (tokens, certificate) = match &dashboard {
        Some(dashboard) => opened(dashboard, &config, own_certificate, terminal)?,
        None => Default::default(),
    };
    let (core, mut trap) = setups(config, &bound, !call.no_sandbox)?;
    let capture = capture_setup(&core, &eyes);
    if !is_hub {
        fit_to_descriptors(&mut trap, terminal)?;
    }
    let traps = TrapsState { chosen, ..core.traps.clone() };
    let core = CoreSetup { tokens, certificate, machine, config_file, fleet, traps, ..core };
    let trap = with_keys(trap, &names_of(&bound.posts), &core.config.data)?;
    let (core, notify) = if is_sensor { (core, None) } else { who_tells(core, tells, terminal)? };
    let prepared = Prepared {
        notify,
        core,
        dashboard: dashboard.map(|dashboard| dashboard.listener),
        trap,
        posts: bound.posts,
        web_rules: crate::web_rules::pieces(&web_rules),
        capture,
        eyes,
        require_sandbox: call.require_sandbox,
        ports,
        privileged,
    };
    supervise(call, prepared, terminal)
}

/// Starts everything and runs until a signal comes.
fn supervise(call: &cli::Up, prepared: Prepared, terminal: &mut Terminal) -> Result<(), Failure> {
    let needs_rules = prepared.ports.as_ref().is_some_and(|ports| ports.keeper.is_none());
    supervisor::run(prepared, |not_enforced| {
        if let Some(missing) = not_enforced {
            terminal.line(&format!("         not enforced here: {missing}"))?;
        }
        if call.no_sandbox {
            terminal
                .line("         WITHOUT a sandbox, as asked: for measuring on loopback only")?;
        }
        if needs_rules {
            terminal
                .line("         all other TCP ports once `sudo kizashi ports apply` was called")?;
        }
        terminal.line("ready")?;
        terminal.flush()
    })
}

/// Whether it is a fleet's sensor, and whether it is its hub.
const fn parts(fleet: Option<&FleetPart>) -> (bool, bool) {
    match fleet {
        Some(FleetPart::Sensor { .. }) => (true, false),
        Some(FleetPart::Hub { .. }) => (false, true),
        None => (false, false),
    }
}

/// The configuration with what the call says.
fn configured(call: &cli::Up, fleet: Option<&FleetPart>) -> Result<Config, Failure> {
    let mut config = Config::load(call.config.as_deref())?;
    if let Some(data) = &call.data {
        config.data.clone_from(data);
    }
    config.traps.all_ports |= call.all_ports;
    match fleet {
        // The servers know it under this name and no other.
        Some(part @ FleetPart::Sensor { .. }) => {
            config.sensor = Some(of_sensor(&part.credentials()?)?.to_string());
        }
        Some(FleetPart::Hub { .. }) => config.traps.all_ports = false,
        None => {}
    }
    // Secrets may lie where only root reads.
    config.notify.resolve().map_err(Failure::Asked)?;
    config.history.resolve().map_err(Failure::Asked)?;
    Ok(config)
}

/// What opens the dashboard, and what it speaks TLS with; its address is printed.
fn opened(
    dashboard: &Dashboard,
    config: &Config,
    own_certificate: Option<CertifiedKey>,
    terminal: &mut Terminal,
) -> Result<(Secrets, Option<Certificate>), Failure> {
    let tokens = secrets::tokens(&config.data)?;
    terminal.line(&format!("dashboard {}", dashboard.link(&config.dashboard, &tokens.owner)?))?;
    let certificate = certificate(config, own_certificate, terminal)?;
    Ok((Secrets::of(&tokens), certificate))
}

/// The process that tells signs, reads others' warnings and carries history, where there is anything of the three to do.
fn who_tells(
    core: CoreSetup,
    (notify, bucket): (kizashi_notify::Notify, Option<Bucket>),
    terminal: &mut Terminal,
) -> Result<(CoreSetup, Option<NotifySetup>), Failure> {
    let tells = notify.is_on();
    let channels: Vec<String> = notify.enabled_names().map(str::to_owned).collect();
    if tells {
        terminal.line(&format!("notify   {}", channels.join(", ")))?;
    }
    let (notifies, tells_sightings) = (notify.tells(Takes::Signs), notify.tells(Takes::Sightings));
    let reads = !core.config.feeds.sources.is_empty();
    let setup = (tells || reads || bucket.is_some()).then(|| NotifySetup {
        supervisor: std::process::id(),
        notify,
        bucket,
        feeds: core.config.feeds.clone(),
        sensor: core.sensor.clone(),
        data: core.config.data.clone(),
        confined: core.confined,
    });
    Ok((CoreSetup { channels, notifies, tells_sightings, ..core }, setup))
}

/// Has fewer sessions where this process may not open as many descriptors as they take.
fn fit_to_descriptors(trap: &mut TrapSetup, terminal: &mut Terminal) -> Result<(), Failure> {
    let (allowed, wished) = (descriptors_allowed(), trap.limits.sessions());
    if trap.limits.fit(allowed, trap.posts) {
        terminal.line(&format!(
            "         {} sessions at once instead of {wished}: this process may have {allowed} files open (ulimit -n)",
            trap.limits.sessions()
        ))?;
    }
    Ok(())
}

/// Gives up root, where this process has it.
pub(crate) fn become_unprivileged(data: &Path, terminal: &mut Terminal) -> Result<(), Failure> {
    if let Some(user) = User::to_become() {
        user.become_it().map_err(|error| {
            Failure::Asked(format!(
                "root's rights cannot be given up ({error}); start as an ordinary user"
            ))
        })?;
        terminal.line(&format!("         runs as {} from now on", user.shown()))?;
        reachable(data, user)?;
    }
    Ok(())
}

/// The watch over every port, while this process may open it; the right to is given up after.
fn open_eyes(
    config: &Config,
    bound: &Bound,
    terminal: &mut Terminal,
) -> Result<Result<Eyes, String>, Failure> {
    // What stands on loopback is met by nobody whom a capture sees.
    let traps = if config.traps.address.is_loopback() { Vec::new() } else { bound.ports() };
    let eyes = Eyes::open(&config.capture, &traps, config.traps.all_ports);
    let line = match &eyes {
        Ok(eyes) => eyes.shown(&config.capture),
        Err(reason) => format!("off: {reason}"),
    };
    terminal.line(&format!("capture  {line}"))?;
    drop_raw_sockets().map_err(|error| {
        Failure::Asked(format!("the right to packet sockets cannot be given up ({error})"))
    })?;
    Ok(eyes)
}

/// What the process that sees packets is told.
pub(crate) fn capture_setup(core: &CoreSetup, eyes: &Result<Eyes, String>) -> CaptureSetup {
    let rates = core.config.capture.rates();
    CaptureSetup {
        supervisor: std::process::id(),
        sensor: core.sensor.clone(),
        surroundings: eyes.as_ref().map(|eyes| eyes.surroundings().clone()).unwrap_or_default(),
        events: rates.all,
        events_per_source: rates.source,
        seed: 0,
        confined: core.confined,
        probe: core.probe,
    }
}

/// Opens the listener for all ports and, where this process may change the machine's rules, starts who will hold them; then this process
/// may not any more.
fn all_ports(config: &Config, bound: &mut Bound) -> Result<ReadyPorts, Failure> {
    let plan = ports::open(config, bound)?;
    if !ports::may_change_rules() {
        return Ok(ReadyPorts { plan, keeper: None });
    }
    let (ours, theirs) = UnixStream::pair()?;
    let process = ports::keeper::start(theirs, Stdio::inherit())?;
    let json = serde_json::to_string(&plan).map_err(std::io::Error::from)?;
    writeln!(&ours, "{json}")?;
    crate::sandbox::privileges::forget_network_rights()?;
    Ok(ReadyPorts { plan, keeper: Some((ours, process)) })
}

/// What the dashboard speaks TLS with, if it does; its fingerprint is printed, to be compared with what the browser shows.
fn certificate(
    config: &Config,
    own: Option<CertifiedKey>,
    terminal: &mut Terminal,
) -> Result<Option<Certificate>, Failure> {
    let used = match own {
        Some(own) => own,
        None if config.dashboard.wants_made_certificate() => {
            secrets::made_certificate(&config.data, &config.dashboard.certified_names())?
        }
        None => return Ok(None),
    };
    let encryption = Encryption::with(&used).map_err(|error| Failure::Asked(error.to_string()))?;
    terminal.line(&format!("         certificate SHA-256 {}", encryption.fingerprint()))?;
    Ok(Some(Certificate { certificates: used.certificates, key: used.key }))
}

/// What both children are told, but for what only a start knows.
pub(crate) fn setups(
    mut config: Config,
    bound: &Bound,
    confined: bool,
) -> Result<(CoreSetup, TrapSetup), Failure> {
    let limits = TrapLimits::of(&config.traps).map_err(Failure::Asked)?;
    // Who is told, and by which secrets, is the business of one process alone.
    config.notify = config.notify.without_channels();
    let sensor = config.sensor.clone().unwrap_or_else(machine_name);
    let trap = TrapSetup {
        supervisor: std::process::id(),
        sensor: sensor.clone(),
        identity: [0; 32],
        rsa_host_key: None,
        tls_keys: None,
        randomness: [0; 32],
        logins: config.logins.clone(),
        machine: config.machine.clone(),
        web_sites: config.traps.web_sites.clone(),
        session_seed: 0,
        limits,
        posts: bound.posts.len(),
        answers_datagrams: answers_datagrams(&bound.posts),
        confined,
        core: 0,
    };
    let traps = TrapsState { listeners: bound.shown(), ..TrapsState::default() };
    let core = CoreSetup {
        supervisor: std::process::id(),
        config,
        config_file: None,
        sensor,
        tokens: Secrets::default(),
        certificate: None,
        machine: None,
        allowed: crate::logins::OwnAddresses::now(),
        channels: Vec::new(),
        notifies: false,
        tells_sightings: false,
        fleet: None,
        traps,
        confined,
        probe: false,
    };
    Ok((core, trap))
}

/// Binds everything; a port of a Kizashi that is just ending is waited for.
fn bind(
    config: &Config,
    chosen: &ChosenTraps,
    fleet: Option<&FleetPart>,
) -> Result<(Option<Dashboard>, Bound), Failure> {
    let (is_sensor, is_hub) = parts(fleet);
    let began = Instant::now();
    let bind_all = || -> Result<(Option<Dashboard>, Bound), Failure> {
        let dashboard =
            if is_sensor { None } else { Some(Dashboard::bind(config.dashboard.address)?) };
        let privileged = !Plan::is_unprivileged();
        let plan = || Plan::with(config, chosen, privileged);
        let bound = if is_hub { Bound::default() } else { plan()?.bind()? };
        Ok((dashboard, bound))
    };
    loop {
        match bind_all() {
            Err(Failure::Listen { in_use: true, .. }) if began.elapsed() < LETS_GO => {
                std::thread::sleep(Duration::from_millis(50));
            }
            bound => return bound,
        }
    }
}

/// Makes the data folder where it is not there, gives it to the user that this process will be, and names it from the root.
pub(crate) fn own_folder(folder: &Path) -> Result<std::path::PathBuf, Failure> {
    use std::os::unix::fs::DirBuilderExt as _;
    let failed = |error: std::io::Error| {
        Failure::Asked(format!(
            "{} cannot be written ({error}); give it to this user, or choose another folder with --data",
            folder.display()
        ))
    };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    let folder = folder.canonicalize().map_err(failed)?;
    if let Some(user) = User::to_become() {
        user.give(&folder).map_err(failed)?;
    }
    Ok(folder)
}

/// Whether the user that this process has become can use the folder; its parents may be closed to him.
fn reachable(folder: &Path, user: User) -> Result<(), Failure> {
    std::fs::read_dir(folder).map(drop).map_err(|error| {
        Failure::Asked(format!(
            "{} cannot reach {} ({error}); choose a folder that is open to others, such as --data /var/lib/kizashi",
            user.shown(),
            folder.display()
        ))
    })
}

pub(crate) fn machine_name() -> String {
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

/// What the page turned off stands in no other place that a reader of the configuration file looks at.
fn print_chosen(chosen: &ChosenTraps, terminal: &mut Terminal) -> Result<(), Failure> {
    let off: Vec<String> = chosen.off().map(str::to_owned).collect();
    if off.is_empty() {
        return Ok(());
    }
    terminal.line(&format!("         turned off on the dashboard's page: {}", shortened(&off)))
}

fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let more = names.len().saturating_sub(SHOWN);
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}
