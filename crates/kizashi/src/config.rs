//! The configuration file: TOML, every setting optional, unknown names refused so that a slip of the pen is not silence.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kizashi_detect::changefinder;
use kizashi_store::{Mode, Places};
use kizashi_traps::{
    Downloads, ElasticsearchRelease, Identity, KeyRule, LoginSettings, MysqlRelease,
    OperatingSystem, PairPattern, PairPatternError, RedisRelease, TelnetFace, WebSites,
};
use serde::{Deserialize, Serialize};

use crate::capture::Capture;
use crate::cli::GeoTable;
use crate::failure::Failure;
use crate::fleet::FleetSettings;
use crate::limits::TrapLimits;
use crate::ports;
use crate::signs_settings::Signs;

/// The file that is read when none is named and it is there.
pub(crate) const DEFAULT_FILE: &str = "kizashi.toml";
/// Where data are when nobody says otherwise.
pub(crate) const DEFAULT_DATA: &str = "./kizashi-data";

/// What stands for a certificate that is made here.
const MADE: &str = "generated";
/// What stands for a choice that the installation's seed makes.
const DRAWN: &str = "drawn";
/// Keys of one kind that are kept at least.
const LEAST_KEYS: u64 = 1_000;
/// Megabytes that the traps' process can be given.
const MOST_MEGABYTES: u32 = 65_536;
/// Pairs of one list of logins at most.
const MOST_PAIRS: usize = 1_000;
/// Host names of the dashboard at most.
const MOST_NAMES: usize = 16;

/// Everything that may be set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// The folder of the data.
    pub(crate) data: PathBuf,
    /// The name of this sensor in its events; at most 64 characters. The machine's name when left out.
    pub(crate) sensor: Option<String>,
    /// False alarms a week over everything watched; above 0, at most 100.
    pub(crate) false_alarms_per_week: f64,
    /// Where the traps listen.
    pub(crate) traps: Traps,
    /// Who gets into the traps that ask for a login.
    pub(crate) logins: Logins,
    /// The machine that is pretended.
    pub(crate) machine: Machine,
    /// Where the dashboard listens.
    pub(crate) dashboard: Dashboard,
    /// How long and how much is kept.
    pub(crate) retention: Retention,
    /// The scores that are drawn.
    pub(crate) changefinder: ChangeFinder,
    /// What detection may take.
    pub(crate) detection: Detection,
    /// What signs are recognised by and held against.
    pub(crate) signs: Signs,
    /// Where visitors are.
    pub(crate) places: PlacesFiles,
    /// The watch over every port.
    pub(crate) capture: Capture,
    /// Who is told of signs.
    pub(crate) notify: kizashi_notify::Notify,
    /// What other programs are given.
    pub(crate) share: kizashi_notify::share::Share,
    /// Reports that are made by themselves.
    pub(crate) report: kizashi_notify::report::ReportSettings,
    /// Events in files that outlive the store.
    pub(crate) history: kizashi_notify::archive::History,
    /// Other people's warnings.
    pub(crate) feeds: kizashi_notify::feeds::Feeds,
    /// What a fleet's hub does, and what its owner says of the sensors.
    pub(crate) fleet: FleetSettings,
}

/// `[traps]`: lists such as `"1-1024,8080"`; an empty one turns the trap off. A list that is left out is the default one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Traps {
    /// The address that traps listen on.
    pub(crate) address: IpAddr,
    /// TCP ports of the web trap.
    pub(crate) http: Option<String>,
    /// TCP ports of the web trap behind TLS.
    pub(crate) https: Option<String>,
    /// The folder of the owner's own rules for the web trap.
    pub(crate) web_rules: Option<PathBuf>,
    /// What the web trap's listeners show: the name of a site by port, `*` for all others. What is not named is drawn.
    pub(crate) web_sites: BTreeMap<String, String>,
    /// TCP ports of the SSH trap.
    pub(crate) ssh: Option<String>,
    /// TCP ports of the Telnet trap.
    pub(crate) telnet: Option<String>,
    /// TCP ports of the Elasticsearch trap.
    pub(crate) elasticsearch: Option<String>,
    /// TCP ports of the catch-all.
    pub(crate) any_tcp: Option<String>,
    /// UDP ports of the catch-all, which never replies.
    pub(crate) any_udp: Option<String>,
    /// Whether the catch-all takes every TCP port that no real service uses.
    pub(crate) all_ports: bool,
    /// TCP ports that it leaves alone then, beside those in use.
    pub(crate) all_ports_except: String,
    /// Interfaces by which nothing is led to it; a name may end with `*`.
    pub(crate) all_ports_except_interfaces: Vec<String>,
    /// Networks whose visitors are not.
    pub(crate) all_ports_except_networks: Vec<String>,
    /// Ports of the other traps, by the trap's name, with `_udp` behind it for one that stands on TCP as well.
    pub(crate) ports: BTreeMap<String, String>,
    /// Sessions at once, in all.
    pub(crate) sessions: usize,
    /// Sessions at once from one address.
    pub(crate) sessions_per_source: usize,
    /// Sessions at once from one network (24 bits of IPv4, 48 of IPv6).
    pub(crate) sessions_per_network: usize,
    /// Events told one by one in a second, ten seconds' worth at once; what is more is counted.
    pub(crate) events_per_second: u32,
    /// The same of one address.
    pub(crate) events_per_second_per_source: u32,
    /// Memory of the process that speaks to attackers, in megabytes (2^20 bytes); at most 65,536.
    pub(crate) memory_megabytes: u32,
    /// When the trap's process is replaced by a fresh one each day, local time, such as `04:00`; empty for never.
    pub(crate) renew_at: String,
}

/// `[logins]`: pairs are `user:password`, with `*` for any of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Logins {
    /// Pairs that always get in; at most 1,000.
    pub(crate) accept: Vec<String>,
    /// Pairs that never do; asked first; at most 1,000.
    pub(crate) refuse: Vec<String>,
    /// Whether the weak pairs that every guesser's list holds get in beside those.
    pub(crate) weak: bool,
    /// After how many tries a weak pair gets in: for each visitor a number from the first to the last.
    pub(crate) tries: [u16; 2],
    /// Which public keys get in: `written` (those that a visitor wrote into an `authorized_keys`), `any` (after as many tries), `none`.
    pub(crate) keys: Keys,
    /// Fingerprints of public keys that always do, such as `SHA256:…`; at most 1,000.
    pub(crate) accept_keys: Vec<String>,
}

/// `keys` under `[logins]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Keys {
    Written,
    Any,
    None,
}

/// `[machine]`: what stands behind every login. What is `drawn` belongs to the installation and stays over restarts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Machine {
    /// The server: `debian-11`, `debian-12`, `ubuntu-20.04`, `ubuntu-22.04`, `ubuntu-24.04`.
    pub(crate) system: String,
    /// What answers on Telnet: `router-mips`, `router-mipsel`, `router-arm`, `camera`, or `linux` for the server.
    pub(crate) telnet: String,
    /// Which Elasticsearch answers: `1.4.2`, `5.6.16`, `6.8.23` or `7.17.9`.
    pub(crate) elasticsearch: String,
    /// Which Redis answers: `5.0.7`, `6.0.16` or `7.0.15`; drawn: that of the system's package.
    pub(crate) redis: String,
    /// Which MariaDB or MySQL answers: `mariadb` of the system's package, `5.7.42` or `8.4.6`.
    pub(crate) mysql: String,
    /// What becomes of downloads, which are never fetched: `unreachable`, or `placeholder` for a harmless thing of the right type.
    pub(crate) downloads: String,
}

/// `[dashboard]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Dashboard {
    /// A loopback address, reached from elsewhere through an SSH tunnel; any other takes a certificate.
    pub(crate) address: SocketAddr,
    /// The file of the certificate (PEM, with those it leans on), or `generated` for one that is made and kept with the data.
    pub(crate) certificate: Option<PathBuf>,
    /// The file of its private key.
    pub(crate) key: Option<PathBuf>,
    /// Host names under which it is opened from elsewhere; at most 16. IP addresses need none.
    pub(crate) names: Vec<String>,
}

/// `[retention]`, in days and megabytes (2^20 bytes).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Retention {
    pub(crate) raw_days: u32,
    pub(crate) hourly_days: u32,
    pub(crate) daily_days: u32,
    pub(crate) most_megabytes: u64,
    pub(crate) least_free_megabytes: u64,
    pub(crate) payload_megabytes: u64,
    /// Different keys of one kind; at least 1,000.
    pub(crate) most_keys: u64,
}

/// `[changefinder]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ChangeFinder {
    /// How much of the past each bin forgets; above 0, below 1.
    pub(crate) r: f64,
    /// The order of the model, 1 to 64.
    pub(crate) order: usize,
    /// Outlier scores averaged, 1 to 10,000.
    pub(crate) smooth: usize,
    /// `warm`: useful from the second bin on; `paper`: as the talk drew it.
    pub(crate) start: changefinder::Start,
}

/// `[detection]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Detection {
    /// Memory of the watch over keys other than ports, in megabytes (2^20 bytes); 4 to 4,096.
    pub(crate) memory_megabytes: u32,
}

/// `[places]`: the owner's own tables (MMDB) and list of scanners, read at the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PlacesFiles {
    /// Countries, instead of the table that the program brings.
    pub(crate) countries: Option<PathBuf>,
    /// Autonomous systems; without it a network is the first bits of an address.
    pub(crate) networks: Option<PathBuf>,
    /// Known scanners beside those of the list that the program brings: a range, a tab and a name a line.
    pub(crate) scanners: Option<PathBuf>,
    /// Whether known scanners count in the series that signs are raised from.
    pub(crate) scanners_in_signs: bool,
}

impl Default for PlacesFiles {
    fn default() -> Self {
        Self { countries: None, networks: None, scanners: None, scanners_in_signs: true }
    }
}

impl Default for Detection {
    fn default() -> Self {
        Self { memory_megabytes: kizashi_signs::Settings::default().memory_megabytes }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from(DEFAULT_DATA),
            sensor: None,
            false_alarms_per_week: 1.0,
            traps: Traps::default(),
            logins: Logins::default(),
            machine: Machine::default(),
            dashboard: Dashboard::default(),
            retention: Retention::default(),
            changefinder: ChangeFinder::default(),
            detection: Detection::default(),
            signs: Signs::default(),
            places: PlacesFiles::default(),
            capture: Capture::default(),
            notify: kizashi_notify::Notify::default(),
            share: kizashi_notify::share::Share::default(),
            report: kizashi_notify::report::ReportSettings::default(),
            history: kizashi_notify::archive::History::default(),
            feeds: kizashi_notify::feeds::Feeds::default(),
            fleet: FleetSettings::default(),
        }
    }
}

impl Traps {
    /// What the web trap's listeners show.
    pub(crate) fn sites(&self) -> Result<WebSites, String> {
        let choices = self.web_sites.iter().map(|(port, site)| (port.as_str(), site.as_str()));
        WebSites::of(choices).map_err(|error| format!("web_sites under [traps]: {error}"))
    }
}

/// Interfaces of virtual networks, by which people manage a machine and its containers reach it.
const MANAGEMENT: [&str; 9] =
    ["wg*", "tailscale*", "zt*", "tun*", "tap*", "docker*", "br-*", "virbr*", "lxc*"];

impl Traps {
    /// Refuses what cannot become a rule.
    fn check_all_ports(&self) -> Result<(), String> {
        let setting = |name: &str, error: String| format!("{name} under [traps]: {error}");
        let ports: Result<kizashi_traps::PortList, _> = self.all_ports_except.parse();
        ports.map_err(|error| setting("all_ports_except", error.to_string()))?;
        for name in &self.all_ports_except_interfaces {
            ports::interface(name)
                .map_err(|error| setting("all_ports_except_interfaces", error))?;
        }
        for text in &self.all_ports_except_networks {
            ports::network(text).map_err(|error| setting("all_ports_except_networks", error))?;
        }
        let most = self.all_ports_except_interfaces.len().max(self.all_ports_except_networks.len());
        if most > ports::MOST_NAMED {
            return Err(setting("all_ports_except_…", format!("at most {}", ports::MOST_NAMED)));
        }
        Ok(())
    }
}

impl Default for Traps {
    fn default() -> Self {
        Self {
            address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            http: None,
            https: None,
            web_rules: None,
            web_sites: BTreeMap::new(),
            ssh: None,
            telnet: None,
            elasticsearch: None,
            any_tcp: None,
            any_udp: None,
            all_ports: false,
            all_ports_except: String::new(),
            all_ports_except_interfaces: MANAGEMENT.map(str::to_owned).to_vec(),
            all_ports_except_networks: Vec::new(),
            ports: BTreeMap::new(),
            sessions: 1_000,
            sessions_per_source: 32,
            sessions_per_network: 256,
            events_per_second: 5_000,
            events_per_second_per_source: 100,
            memory_megabytes: 112,
            renew_at: "04:00".to_owned(),
        }
    }
}

impl Default for Logins {
    fn default() -> Self {
        let default = kizashi_traps::LoginSettings::default();
        Self {
            accept: Vec::new(),
            refuse: Vec::new(),
            weak: default.weak,
            tries: [*default.tries.start(), *default.tries.end()],
            keys: Keys::Written,
            accept_keys: Vec::new(),
        }
    }
}

impl Logins {
    /// The policy's own form of it.
    pub(crate) fn settings(&self) -> Result<LoginSettings, String> {
        let pairs = |name: &str, list: &[String]| -> Result<Vec<PairPattern>, String> {
            if list.len() > MOST_PAIRS {
                return Err(format!("{name} under [logins] holds more than {MOST_PAIRS} pairs"));
            }
            let pair = |text: &String| {
                let parsed: Result<PairPattern, PairPatternError> = text.parse();
                parsed.map_err(|error| format!("{name} under [logins]: {error}"))
            };
            list.iter().map(pair).collect()
        };
        let [least, most] = self.tries;
        if least == 0 || least > most {
            return Err("tries under [logins] must be two numbers from 1, the smaller first, such as [1, 3]".to_owned());
        }
        if self.accept_keys.len() > MOST_PAIRS {
            return Err(format!("accept_keys under [logins] holds more than {MOST_PAIRS} keys"));
        }
        let is_fingerprint = |text: &&String| text.starts_with("SHA256:") && text.len() == 50;
        if let Some(text) = self.accept_keys.iter().find(|text| !is_fingerprint(text)) {
            let shown: String = text.chars().take(60).collect();
            return Err(format!(
                "accept_keys under [logins]: `{shown}` is no fingerprint; `ssh-keygen -l -f KEY.pub` shows one (SHA256:…)"
            ));
        }
        Ok(LoginSettings {
            keys: match self.keys {
                Keys::Written => KeyRule::Written,
                Keys::Any => KeyRule::Any,
                Keys::None => KeyRule::Never,
            },
            accept_keys: self.accept_keys.clone(),
            accept: pairs("accept", &self.accept)?,
            refuse: pairs("refuse", &self.refuse)?,
            weak: self.weak,
            tries: least..=most,
        })
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            system: DRAWN.to_owned(),
            telnet: DRAWN.to_owned(),
            elasticsearch: DRAWN.to_owned(),
            redis: DRAWN.to_owned(),
            mysql: DRAWN.to_owned(),
            downloads: Downloads::default().name().to_owned(),
        }
    }
}

impl Machine {
    /// The identity with what the owner chose.
    pub(crate) fn apply(&self, mut identity: Identity) -> Result<Identity, String> {
        let unknown = |setting: &str, value: &str, names: &[&str]| {
            format!(
                "{setting} under [machine] must be one of {}, and {value:?} is none",
                names.join(", ")
            )
        };
        if self.system != DRAWN {
            let names = OperatingSystem::ALL.map(OperatingSystem::name);
            let system = OperatingSystem::from_name(&self.system)
                .ok_or_else(|| unknown("system", &self.system, &[&[DRAWN], &names[..]].concat()))?;
            identity = identity.with_operating_system(system);
        }
        if self.telnet != DRAWN {
            let names = TelnetFace::ALL.map(TelnetFace::name);
            let face = TelnetFace::from_name(&self.telnet)
                .ok_or_else(|| unknown("telnet", &self.telnet, &[&[DRAWN], &names[..]].concat()))?;
            identity = identity.with_telnet_face(face);
        }
        if self.elasticsearch != DRAWN {
            let names = ElasticsearchRelease::ALL.map(ElasticsearchRelease::number);
            let release =
                ElasticsearchRelease::from_name(&self.elasticsearch).ok_or_else(|| {
                    let names = [&[DRAWN], &names[..]].concat();
                    unknown("elasticsearch", &self.elasticsearch, &names)
                })?;
            identity = identity.with_elasticsearch_release(release);
        }
        if self.redis != DRAWN {
            let names = RedisRelease::ALL.map(RedisRelease::number);
            let release = RedisRelease::from_name(&self.redis)
                .ok_or_else(|| unknown("redis", &self.redis, &[&[DRAWN], &names[..]].concat()))?;
            identity = identity.with_redis_release(release);
        }
        if self.mysql != DRAWN {
            let names = MysqlRelease::ALL.map(MysqlRelease::name);
            let release = MysqlRelease::from_name(&self.mysql)
                .ok_or_else(|| unknown("mysql", &self.mysql, &[&[DRAWN], &names[..]].concat()))?;
            identity = identity.with_mysql_release(release);
        }
        let downloads = Downloads::from_name(&self.downloads).ok_or_else(|| {
            unknown("downloads", &self.downloads, &Downloads::ALL.map(Downloads::name))
        })?;
        Ok(identity.with_downloads(downloads))
    }
}

impl Default for Dashboard {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 7777)),
            certificate: None,
            key: None,
            names: Vec::new(),
        }
    }
}

impl Dashboard {
    /// Whether only this machine reaches it.
    pub(crate) fn is_on_loopback(&self) -> bool {
        self.address.ip().to_canonical().is_loopback()
    }

    /// Whether its certificate is to be made here.
    pub(crate) fn wants_made_certificate(&self) -> bool {
        self.certificate.as_deref() == Some(Path::new(MADE))
    }

    /// What a made certificate stands for.
    pub(crate) fn certified_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.names.clone();
        names.extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
        let ip = self.address.ip();
        if !ip.is_unspecified() && !ip.is_loopback() {
            names.push(ip.to_string());
        }
        names
    }

    fn check(&self) -> Result<(), String> {
        if !self.is_on_loopback() && self.certificate.is_none() {
            return Err(format!(
                "the dashboard on {} could be read by others on the way; set certificate = \"{MADE}\" (or the files of your own certificate and key) under [dashboard], or listen on 127.0.0.1 and reach it by `ssh -L`",
                self.address.ip()
            ));
        }
        match (&self.certificate, &self.key) {
            (Some(_), Some(_)) if self.wants_made_certificate() => {
                Err(format!("certificate = \"{MADE}\" brings its own key; leave key out"))
            }
            (Some(_), None) if !self.wants_made_certificate() => {
                Err("certificate under [dashboard] needs key beside it".to_owned())
            }
            (None, Some(_)) => Err("key under [dashboard] needs certificate beside it".to_owned()),
            _ => self.check_names(),
        }
    }

    fn check_names(&self) -> Result<(), String> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        let is_name = |name: &str| (1..=253).contains(&name.len()) && name.bytes().all(allowed);
        match self.names.iter().find(|name| !is_name(name)) {
            Some(name) => {
                Err(format!("names under [dashboard] are host names, and {name:?} is none"))
            }
            None if self.names.len() > MOST_NAMES => {
                Err(format!("names under [dashboard] are at most {MOST_NAMES}"))
            }
            None => Ok(()),
        }
    }
}

impl Default for Retention {
    fn default() -> Self {
        let default = kizashi_store::Retention::default();
        Self {
            raw_days: default.raw_days,
            hourly_days: default.hourly_days,
            daily_days: default.daily_days,
            most_megabytes: default.most_bytes >> 20,
            least_free_megabytes: default.least_free_bytes >> 20,
            payload_megabytes: default.most_payload_bytes >> 20,
            most_keys: default.most_keys,
        }
    }
}

impl Default for ChangeFinder {
    fn default() -> Self {
        let default = kizashi_signs::Settings::default().changefinder;
        Self {
            r: default.discount,
            order: default.order,
            smooth: default.smooth,
            start: default.start,
        }
    }
}

impl Config {
    /// Reads the file named, or `kizashi.toml` where there is one, or nothing.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self, Failure> {
        let path = file.unwrap_or(Path::new(DEFAULT_FILE));
        if file.is_none() && !path.exists() {
            return Ok(Self::default());
        }
        let fault = |reason: String| Failure::Config { path: path.to_path_buf(), reason };
        let text = std::fs::read_to_string(path).map_err(|error| {
            fault(format!("cannot be read ({error}); name another with --config"))
        })?;
        let config: Self = toml::from_str(&text).map_err(|error| fault(explain(&text, &error)))?;
        config.check().map_err(fault)?;
        Ok(config)
    }

    /// The file that [`Self::load`] reads, from the root; nothing where none is named and the default one is not there.
    pub(crate) fn file(file: Option<&Path>) -> Option<PathBuf> {
        let path = file.unwrap_or(Path::new(DEFAULT_FILE));
        std::fs::canonicalize(path).ok()
    }

    fn check(&self) -> Result<(), String> {
        let rate = self.false_alarms_per_week;
        if !(rate > 0.0 && rate <= 100.0) {
            return Err(format!(
                "false_alarms_per_week must be above 0 and at most 100, and {rate} is not"
            ));
        }
        self.dashboard.check()?;
        self.logins.settings()?;
        self.machine.apply(Identity::draw([0; 32]))?;
        if self.sensor.as_ref().is_some_and(|name| name.is_empty() || name.chars().count() > 64) {
            return Err("sensor must be a name of 1 to 64 characters".to_owned());
        }
        if self.traps.memory_megabytes > MOST_MEGABYTES {
            return Err(format!("memory_megabytes of [traps] must be at most {MOST_MEGABYTES}"));
        }
        TrapLimits::of(&self.traps)?;
        self.capture.check()?;
        self.notify.check()?;
        self.share.check()?;
        self.report.check(self.notify.names_for_reports())?;
        self.history.check()?;
        self.feeds.check()?;
        self.fleet.check()?;
        self.traps.sites()?;
        self.traps.check_all_ports()?;
        crate::listening::check_ports(&self.traps.ports)?;
        self.renew_at()?;
        if self.retention.most_keys < LEAST_KEYS {
            return Err(format!("most_keys of [retention] must be at least {LEAST_KEYS}"));
        }
        if !(4..=4_096).contains(&self.detection.memory_megabytes) {
            return Err("memory_megabytes of [detection] must be 4 to 4096".to_owned());
        }
        changefinder::ChangeFinder::new(self.changefinder())
            .map(drop)
            .map_err(|error| error.to_string())
    }

    /// When the trap's process is replaced each day; `None` for never.
    pub(crate) fn renew_at(&self) -> Result<Option<jiff::civil::Time>, String> {
        let text = self.traps.renew_at.as_str();
        if text.is_empty() {
            return Ok(None);
        }
        jiff::civil::Time::strptime("%H:%M", text).map(Some).map_err(|_| {
            format!(
                "renew_at must be a time such as \"04:00\", or empty for never, and {text:?} is not"
            )
        })
    }

    /// Detection's settings.
    pub(crate) fn detection(&self) -> kizashi_signs::Settings {
        kizashi_signs::Settings {
            false_alarms_per_week: self.false_alarms_per_week,
            changefinder: self.changefinder(),
            memory_megabytes: self.detection.memory_megabytes,
        }
    }

    fn changefinder(&self) -> changefinder::Settings {
        changefinder::Settings {
            discount: self.changefinder.r,
            order: self.changefinder.order,
            smooth: self.changefinder.smooth,
            start: self.changefinder.start,
            ..changefinder::Settings::default()
        }
    }

    /// Where a table of the owner's is or would be: the file that `[places]` names, or one in the data folder.
    pub(crate) fn place_file(&self, table: GeoTable) -> PathBuf {
        let named = match table {
            GeoTable::Countries => &self.places.countries,
            GeoTable::Networks => &self.places.networks,
            GeoTable::Scanners => &self.places.scanners,
        };
        named.clone().unwrap_or_else(|| self.data.join(table.file()))
    }

    /// The same where it is to be read: one that is named must be there, one in the data folder may be.
    fn used_place_file(&self, table: GeoTable) -> Option<PathBuf> {
        let file = self.place_file(table);
        let is_named = file != self.data.join(table.file());
        (is_named || file.exists()).then_some(file)
    }

    /// The tables that tell where visitors are, read whole.
    pub(crate) fn places(&self) -> Result<Arc<Places>, Failure> {
        let [countries, networks, scanners] =
            GeoTable::ALL.map(|table| self.used_place_file(table));
        let opened = Places::open(countries.as_deref(), networks.as_deref());
        let opened = match scanners {
            Some(file) => opened.and_then(|places| places.with_scanners(&file)),
            None => opened,
        };
        match opened {
            Ok(places) => Ok(Arc::new(places)),
            Err(error) => Err(Failure::Asked(error.to_string())),
        }
    }

    /// How a store is opened for writing, with the tables read.
    pub(crate) fn store(&self, mode: Mode) -> Result<kizashi_store::Settings, Failure> {
        Ok(kizashi_store::Settings {
            mode,
            retention: self.retention(),
            places: self.places()?,
            scanners_in_signs: self.places.scanners_in_signs,
            ..kizashi_store::Settings::default()
        })
    }

    /// The store's retention.
    pub(crate) fn retention(&self) -> kizashi_store::Retention {
        kizashi_store::Retention {
            raw_days: self.retention.raw_days,
            hourly_days: self.retention.hourly_days,
            daily_days: self.retention.daily_days,
            most_bytes: self.retention.most_megabytes.saturating_mul(1 << 20),
            least_free_bytes: self.retention.least_free_megabytes.saturating_mul(1 << 20),
            most_payload_bytes: self.retention.payload_megabytes.saturating_mul(1 << 20),
            most_keys: self.retention.most_keys,
        }
    }
}

/// The parser's own words in one line, with the number of the line.
fn explain(text: &str, error: &toml::de::Error) -> String {
    let line =
        error.span().map(|span| 1 + text.get(..span.start).unwrap_or("").matches('\n').count());
    let message = error.message().replace('\n', " ");
    line.map_or_else(|| message.clone(), |line| format!("line {line}: {message}"))
}

#[cfg(test)]
mod tests;
