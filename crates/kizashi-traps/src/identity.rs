//! What this installation pretends to be: one machine with one operating system, one web server, one name. Drawn once from a
//! seed that the owner keeps, so that two installations do not look alike and one never contradicts itself between ports.
//! Versions are those of the distributions' own packages: nginx 1.22.1 and Apache 2.4.62 of Debian 12, nginx 1.18.0 of Debian 11,
//! Ubuntu 20.04 and Ubuntu 22.04, Apache 2.4.58 of Ubuntu 24.04.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use kizashi_event::Timestamp;

use crate::amplification::Victims;
use crate::draw::Draw;
use crate::elasticsearch::{ElasticsearchRelease, Installed};
use crate::ftp::Channels;
use crate::http::{
    Application, KeptFiles, MachineKind, Site, Trail, VisitorsContainers, WebRules, WebSites,
};
use crate::login::memory::Memory;
use crate::login::{LoginPolicy, LoginSettings};
use crate::machine::{Downloads, Persona, WindowsMachines, World};
use crate::memcached;
use crate::mongodb;
use crate::mysql;
use crate::postgresql;
use crate::randomness::{Randomness, Source};
use crate::redis::{self, RedisRelease};
use crate::smb;
use crate::sql::MysqlRelease;
use crate::ssh::{HostKeys, RsaHostKey};
use crate::telnet::TelnetFace;
use crate::tls::{Store, TlsKeys};

/// The system pretended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OperatingSystem {
    /// Debian 11 "bullseye".
    Debian11,
    /// Debian 12 "bookworm".
    Debian12,
    /// Ubuntu 20.04 LTS "focal".
    Ubuntu20,
    /// Ubuntu 22.04 LTS "jammy".
    Ubuntu22,
    /// Ubuntu 24.04 LTS "noble".
    Ubuntu24,
}

impl OperatingSystem {
    /// Every one.
    pub const ALL: [Self; 5] =
        [Self::Debian12, Self::Ubuntu20, Self::Ubuntu24, Self::Debian11, Self::Ubuntu22];

    /// The word for it in configuration: `debian-12`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Debian11 => "debian-11",
            Self::Debian12 => "debian-12",
            Self::Ubuntu20 => "ubuntu-20.04",
            Self::Ubuntu22 => "ubuntu-22.04",
            Self::Ubuntu24 => "ubuntu-24.04",
        }
    }

    /// Its distribution's name for it: `bookworm`.
    #[must_use]
    pub const fn codename(self) -> &'static str {
        match self {
            Self::Debian11 => "bullseye",
            Self::Debian12 => "bookworm",
            Self::Ubuntu20 => "focal",
            Self::Ubuntu22 => "jammy",
            Self::Ubuntu24 => "noble",
        }
    }

    /// A web server that stands on it, by which an installation is chosen.
    #[must_use]
    pub const fn web_server(self) -> WebServer {
        match self {
            Self::Debian11 => WebServer::NginxDebian11,
            Self::Debian12 => WebServer::NginxDebian12,
            Self::Ubuntu20 => WebServer::NginxUbuntu20,
            Self::Ubuntu22 => WebServer::NginxUbuntu22,
            Self::Ubuntu24 => WebServer::ApacheUbuntu24,
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|system| system.name() == name)
    }
}

/// The web server pretended, as its distribution ships it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WebServer {
    /// nginx 1.18.0 on Debian 11.
    NginxDebian11,
    /// nginx 1.22.1 on Debian 12.
    NginxDebian12,
    /// nginx 1.18.0 on Ubuntu 20.04.
    NginxUbuntu20,
    /// nginx 1.18.0 on Ubuntu 22.04.
    NginxUbuntu22,
    /// Apache httpd 2.4.62 on Debian 12.
    ApacheDebian12,
    /// Apache httpd 2.4.58 on Ubuntu 24.04.
    ApacheUbuntu24,
}

impl WebServer {
    /// Every one.
    pub const ALL: [Self; 6] = [
        Self::NginxDebian12,
        Self::NginxUbuntu20,
        Self::ApacheDebian12,
        Self::ApacheUbuntu24,
        Self::NginxDebian11,
        Self::NginxUbuntu22,
    ];

    /// The word for it in configuration: `nginx-debian-12`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NginxDebian11 => "nginx-debian-11",
            Self::NginxDebian12 => "nginx-debian-12",
            Self::NginxUbuntu20 => "nginx-ubuntu-20.04",
            Self::NginxUbuntu22 => "nginx-ubuntu-22.04",
            Self::ApacheDebian12 => "apache-debian-12",
            Self::ApacheUbuntu24 => "apache-ubuntu-24.04",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|server| server.name() == name)
    }

    /// The system it comes with.
    #[must_use]
    pub const fn operating_system(self) -> OperatingSystem {
        match self {
            Self::NginxDebian11 => OperatingSystem::Debian11,
            Self::NginxDebian12 | Self::ApacheDebian12 => OperatingSystem::Debian12,
            Self::NginxUbuntu20 => OperatingSystem::Ubuntu20,
            Self::NginxUbuntu22 => OperatingSystem::Ubuntu22,
            Self::ApacheUbuntu24 => OperatingSystem::Ubuntu24,
        }
    }

    /// From when to when a machine would have been set up with it, in seconds since the epoch.
    const fn set_up_between(self) -> (i64, i64) {
        match self {
            // Debian 11.0 came out in August 2021.
            Self::NginxDebian11 => (1_629_000_000, 1_686_000_000),
            // Debian 12.0 came out in June 2023; 2.4.62 entered bookworm in July 2024.
            Self::NginxDebian12 => (1_688_000_000, 1_748_000_000),
            Self::NginxUbuntu20 => (1_591_000_000, 1_700_000_000),
            Self::NginxUbuntu22 => (1_651_000_000, 1_714_000_000),
            Self::ApacheDebian12 => (1_722_500_000, 1_748_000_000),
            Self::ApacheUbuntu24 => (1_714_500_000, 1_748_000_000),
        }
    }
}

/// One pretended machine.
#[derive(Clone)]
pub struct Identity {
    seed: [u8; 32],
    web_server: WebServer,
    telnet_face: TelnetFace,
    http2: bool,
    elasticsearch_release: ElasticsearchRelease,
    /// Its cluster, and what visitors changed in it.
    elasticsearch: Arc<Installed>,
    /// The Redis of the owner's choice, and what visitors changed in it.
    redis_release: Option<RedisRelease>,
    redis: Arc<redis::Installed>,
    /// What visitors changed in its memcached.
    memcached: Arc<memcached::Installed>,
    /// The MariaDB or MySQL of the owner's choice, and what visitors changed in its databases.
    mysql_release: Option<MysqlRelease>,
    mysql: Arc<mysql::Installed>,
    /// What visitors changed on its Windows machine.
    windows: Arc<WindowsMachines>,
    postgresql: Arc<postgresql::Installed>,
    mongodb: Arc<mongodb::Installed>,
    /// What visitors changed on its Windows' shares.
    smb: Arc<smb::Installed>,
    downloads: Downloads,
    logins: Arc<LoginPolicy>,
    randomness: Arc<Source>,
    rsa_host_key: Option<RsaHostKey>,
    /// The keys of its SSH server, once somebody asked for them.
    host_keys: Arc<OnceLock<Option<Arc<HostKeys>>>>,
    /// What its TLS servers show.
    tls: Arc<Store>,
    /// The machines behind the logins, each built when it is first visited.
    worlds: Worlds,
    web_rules: Arc<WebRules>,
    /// Values that rules' answers name and that were drawn before.
    drawn: Arc<Mutex<HashMap<String, Vec<u8>>>>,
    /// The application behind the web server, once it was asked for.
    application: OnceLock<Arc<Application>>,
    /// What the owner wants the web trap's listeners to show.
    web_sites: Arc<WebSites>,
    /// What visitors looked for.
    trail: Arc<Trail>,
    /// What visitors uploaded to the web server or wrote there.
    kept_files: Arc<KeptFiles>,
    /// The containers that visitors made.
    containers: Arc<VisitorsContainers>,
    /// The kind of machine that each visitor to the web trap has seen.
    shown: Arc<Mutex<Memory<IpAddr, MachineKind>>>,
    /// In whose names floods were tried.
    victims: Arc<Victims>,
    /// Data connections of FTP that are expected.
    channels: Arc<Channels>,
}

/// Visitors whose kind of machine is remembered, in each of two generations.
const SHOWN: usize = 4_096;

/// Drawn values remembered: more than rules of a usual number have.
const DRAWN: usize = 4_096;

type Worlds = Arc<Mutex<Vec<(Persona, Arc<World>)>>>;

impl Identity {
    /// The identity of this seed: 32 random bytes, made at installation and kept.
    #[must_use]
    pub fn draw(seed: [u8; 32]) -> Self {
        let web_server = Draw::new(&seed, "web server")
            .one_of(0, &WebServer::ALL)
            .unwrap_or(WebServer::NginxDebian12);
        let logins = Arc::new(LoginPolicy::new(seed, LoginSettings::default()));
        Self {
            seed,
            web_server,
            telnet_face: TelnetFace::draw(&seed),
            // One in three has it: less than browsers would show, since what stands bare on the Internet is seldom set up with care.
            http2: Draw::new(&seed, "http2").below(0, 3) == 0,
            elasticsearch_release: Draw::new(&seed, "elasticsearch release")
                .one_of(0, &ElasticsearchRelease::ALL)
                .unwrap_or(ElasticsearchRelease::V7_17_9),
            elasticsearch: Arc::default(),
            redis_release: None,
            redis: Arc::default(),
            memcached: Arc::default(),
            mysql_release: None,
            mysql: Arc::default(),
            windows: Arc::default(),
            postgresql: Arc::default(),
            mongodb: Arc::default(),
            smb: Arc::default(),
            downloads: Downloads::default(),
            logins,
            randomness: Arc::new(Source::new(seed)),
            rsa_host_key: None,
            host_keys: Arc::default(),
            tls: Arc::default(),
            worlds: Worlds::default(),
            web_rules: WebRules::builtin(),
            drawn: Arc::default(),
            application: OnceLock::new(),
            web_sites: Arc::default(),
            trail: Arc::default(),
            kept_files: Arc::default(),
            containers: Arc::default(),
            shown: Arc::new(Mutex::new(Memory::new(SHOWN))),
            victims: Arc::default(),
            channels: Arc::default(),
        }
    }

    /// The same identity before anybody came, with the usual logins. What is built once and changed by nobody (the machines, the application, drawn
    /// values, keys) is shared with this one, for to build it is most of what a short dialogue costs.
    #[cfg(test)]
    pub(crate) fn afresh(&self) -> Self {
        self.application();
        Self {
            elasticsearch: Arc::default(),
            redis: Arc::default(),
            memcached: Arc::default(),
            mysql: Arc::default(),
            windows: Arc::default(),
            postgresql: Arc::default(),
            mongodb: Arc::default(),
            smb: Arc::default(),
            logins: Arc::new(LoginPolicy::new(self.seed, LoginSettings::default())),
            randomness: Arc::new(Source::new(self.seed)),
            tls: Arc::new(self.tls.anew()),
            trail: Arc::default(),
            kept_files: Arc::default(),
            containers: Arc::default(),
            shown: Arc::new(Mutex::new(Memory::new(SHOWN))),
            victims: Arc::default(),
            channels: Arc::default(),
            ..self.clone()
        }
    }

    /// The same identity with these rules for requests to its web server.
    #[must_use]
    pub fn with_web_rules(mut self, rules: Arc<WebRules>) -> Self {
        self.web_rules = rules;
        self
    }

    pub(crate) fn web_rules(&self) -> Arc<WebRules> {
        Arc::clone(&self.web_rules)
    }

    /// What this label stands for in answers, drawn once and then remembered: a hash a letter is what such an answer costs most.
    pub(crate) fn drawn(&self, label: &str, draw: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = drawn.get(label) {
            return value.clone();
        }
        let value = draw();
        // Labels are the places of rules' texts: no visitor makes any up.
        if drawn.len() < DRAWN {
            drawn.insert(label.to_owned(), value.clone());
        }
        value
    }

    /// Which of so many choices is this installation's, remembered as [`Self::drawn`] does.
    pub(crate) fn choice(&self, label: &str, of: usize) -> usize {
        let draw = || Draw::new(&self.seed, label).below(0, of as u64).to_be_bytes().to_vec();
        let bytes = self.drawn(label, draw);
        let place = bytes.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        usize::try_from(place).unwrap_or(0)
    }

    /// The same identity whose web listeners show what the owner chose, and elsewhere what is drawn.
    #[must_use]
    pub fn with_web_sites(mut self, sites: WebSites) -> Self {
        self.web_sites = Arc::new(sites);
        self
    }

    /// The same identity whose web listeners show the web server's default page.
    #[must_use]
    pub fn with_default_page(self) -> Self {
        self.with_web_sites(WebSites::default_page())
    }

    /// Whether the owner wants the web server's default page wherever he named nothing else.
    pub(crate) fn shows_default_page(&self) -> bool {
        self.web_sites.is_default_page()
    }

    /// What the web listener at this port shows; `None` for the web server's default page.
    pub(crate) fn web_site(&self, port: u16) -> Option<&'static Site> {
        self.web_sites.at(port, self)
    }

    /// What visitors looked for on the default page.
    pub(crate) fn trail(&self) -> &Trail {
        &self.trail
    }

    pub(crate) fn kept_files(&self) -> &KeptFiles {
        &self.kept_files
    }

    pub(crate) fn channels(&self) -> &Channels {
        &self.channels
    }

    pub(crate) fn victims(&self) -> Arc<Victims> {
        Arc::clone(&self.victims)
    }

    pub(crate) fn containers(&self) -> &VisitorsContainers {
        &self.containers
    }

    /// Whether this visitor may be shown a product of this kind of machine: all that he sees belongs to the kind that he saw first.
    pub(crate) fn shows(&self, visitor: IpAddr, kind: MachineKind) -> bool {
        if kind == MachineKind::Any {
            return true;
        }
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = shown.of(visitor);
        if *seen == MachineKind::Any {
            *seen = kind;
        }
        *seen == kind
    }

    /// The same identity whose sessions draw from this seed, which must be another at each start and be told to nobody.
    #[must_use]
    pub fn with_randomness(mut self, seed: [u8; 32]) -> Self {
        self.randomness = Arc::new(Source::new(seed));
        self
    }

    /// The same identity with this RSA host key beside those that come from its seed.
    #[must_use]
    pub fn with_rsa_host_key(mut self, key: RsaHostKey) -> Self {
        self.rsa_host_key = Some(key);
        self.host_keys = Arc::default();
        self
    }

    /// The same identity with these RSA keys for its TLS servers, in place of those that come from its seed.
    #[must_use]
    pub fn with_tls_keys(mut self, keys: TlsKeys) -> Self {
        self.tls = Arc::new(Store::with_keys(keys));
        self
    }

    pub(crate) fn tls(&self) -> &Store {
        &self.tls
    }

    /// Randomness for one session.
    pub(crate) fn randomness(&self) -> Randomness {
        self.randomness.stream()
    }

    /// The keys of its SSH server.
    pub(crate) fn host_keys(&self) -> Option<Arc<HostKeys>> {
        let make = || HostKeys::of(&self.seed, self.rsa_host_key.clone()).map(Arc::new);
        self.host_keys.get_or_init(make).clone()
    }

    pub(crate) fn application(&self) -> Arc<Application> {
        Arc::clone(self.application.get_or_init(|| Arc::new(Application::draw(self))))
    }

    pub(crate) const fn seed(&self) -> &[u8; 32] {
        &self.seed
    }

    /// The same identity with a web server of the owner's choice; the system follows it.
    #[must_use]
    pub fn with_web_server(mut self, web_server: WebServer) -> Self {
        self.web_server = web_server;
        (self.drawn, self.application) = (Arc::default(), OnceLock::new());
        self.tls = Arc::new(self.tls.anew());
        self.worlds = Worlds::default();
        self.elasticsearch = Arc::default();
        self.redis = Arc::default();
        self.memcached = Arc::default();
        self.mysql = Arc::default();
        self.postgresql = Arc::default();
        self.mongodb = Arc::default();
        self.smb = Arc::default();
        self
    }

    /// The same identity with a Telnet server of the owner's choice.
    #[must_use]
    pub const fn with_telnet_face(mut self, face: TelnetFace) -> Self {
        self.telnet_face = face;
        self
    }

    /// The same identity with HTTP/2 switched on or off in its web server.
    #[must_use]
    pub const fn with_http2(mut self, http2: bool) -> Self {
        self.http2 = http2;
        self
    }

    /// Whether the web server speaks HTTP/2: nginx over TLS alone, Apache httpd on plain ports as well.
    #[must_use]
    pub const fn speaks_http2(&self) -> bool {
        self.http2
    }

    /// The same identity with an Elasticsearch of the owner's choice.
    #[must_use]
    pub fn with_elasticsearch_release(mut self, release: ElasticsearchRelease) -> Self {
        self.elasticsearch_release = release;
        self.elasticsearch = Arc::default();
        self
    }

    /// Which Elasticsearch answers.
    #[must_use]
    pub const fn elasticsearch_release(&self) -> ElasticsearchRelease {
        self.elasticsearch_release
    }

    /// The same identity with a Redis of the owner's choice.
    #[must_use]
    pub fn with_redis_release(mut self, release: RedisRelease) -> Self {
        self.redis_release = Some(release);
        self.redis = Arc::default();
        self
    }

    /// Which Redis answers: that of the system's package, where the owner chose none.
    #[must_use]
    pub fn redis_release(&self) -> RedisRelease {
        self.redis_release.unwrap_or_else(|| RedisRelease::of(self.operating_system()))
    }

    /// The same identity with a MariaDB or MySQL of the owner's choice.
    #[must_use]
    pub fn with_mysql_release(mut self, release: MysqlRelease) -> Self {
        self.mysql_release = Some(release);
        self.tls = Arc::new(self.tls.anew());
        self.mysql = Arc::default();
        self
    }

    /// Which of them answers, on its port and behind the web server's application: one that is drawn, where the owner chose none.
    #[must_use]
    pub fn mysql_release(&self) -> MysqlRelease {
        let drawn = || MysqlRelease::draw(&self.seed, self.operating_system());
        self.mysql_release.unwrap_or_else(drawn)
    }

    pub(crate) fn mysql(&self) -> &mysql::Installed {
        &self.mysql
    }

    pub(crate) fn windows_machines(&self) -> &WindowsMachines {
        &self.windows
    }

    pub(crate) fn postgresql(&self) -> &postgresql::Installed {
        &self.postgresql
    }

    pub(crate) fn mongodb(&self) -> &mongodb::Installed {
        &self.mongodb
    }

    pub(crate) fn smb(&self) -> &smb::Installed {
        &self.smb
    }

    pub(crate) fn memcached(&self) -> &memcached::Installed {
        &self.memcached
    }

    pub(crate) fn redis(&self) -> &redis::Installed {
        &self.redis
    }

    pub(crate) fn elasticsearch(&self) -> &Installed {
        &self.elasticsearch
    }

    /// The same identity on an operating system of the owner's choice; the web server follows it.
    #[must_use]
    pub fn with_operating_system(self, system: OperatingSystem) -> Self {
        let fitting: Vec<WebServer> = WebServer::ALL
            .into_iter()
            .filter(|server| server.operating_system() == system)
            .collect();
        let server = Draw::new(&self.seed, "web server of a system").one_of(0, &fitting);
        match server {
            Some(server) => self.with_web_server(server),
            None => self,
        }
    }

    /// The same identity with another end of visitors' downloads.
    #[must_use]
    pub fn with_downloads(mut self, downloads: Downloads) -> Self {
        self.downloads = downloads;
        self.worlds = Worlds::default();
        self
    }

    pub(crate) const fn downloads(&self) -> Downloads {
        self.downloads
    }

    /// Which kind of machine answers on Telnet's ports.
    #[must_use]
    pub const fn telnet_face(&self) -> TelnetFace {
        self.telnet_face
    }

    /// The name of a device beside the server, as its maker set it.
    pub(crate) fn device_name(&self) -> &'static str {
        const NAMES: [&str; 6] = ["dvrdvs", "IPCamera", "(none)", "hi3518", "NVR", "DVR"];
        Draw::new(&self.seed, "device name").one_of(0, &NAMES).unwrap_or("(none)")
    }

    /// The same identity, let in by the owner's rules; who got in before is forgotten.
    #[must_use]
    pub fn with_logins(mut self, settings: LoginSettings) -> Self {
        self.logins = Arc::new(LoginPolicy::new(self.seed, settings));
        self
    }

    /// Who gets in, on every port alike.
    #[must_use]
    pub fn logins(&self) -> &LoginPolicy {
        &self.logins
    }

    /// The machine of this persona that all visitors see.
    pub(crate) fn world(&self, persona: Persona) -> Arc<World> {
        let mut worlds = self.worlds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, world)) = worlds.iter().find(|(found, _)| *found == persona) {
            return Arc::clone(world);
        }
        let world = Arc::new(World::build(self, persona));
        worlds.push((persona, Arc::clone(&world)));
        world
    }

    /// The web server.
    #[must_use]
    pub const fn web_server(&self) -> WebServer {
        self.web_server
    }

    /// The operating system, which every trap must agree with.
    #[must_use]
    pub const fn operating_system(&self) -> OperatingSystem {
        self.web_server.operating_system()
    }

    /// The machine's short host name.
    #[must_use]
    pub fn host_name(&self) -> String {
        let name = self.drawn("host name", || self.draw_host_name().into_bytes());
        String::from_utf8_lossy(&name).into_owned()
    }

    fn draw_host_name(&self) -> String {
        const ROLES: [&str; 10] =
            ["web", "app", "srv", "node", "vps", "host", "prod", "www", "backend", "portal"];
        let draw = Draw::new(&self.seed, "host name");
        let role = draw.one_of(0, &ROLES).unwrap_or("srv");
        match draw.below(1, 3) {
            0 => format!("{role}{}", 1 + draw.below(2, 9)),
            1 => format!("{role}-{:02}", 1 + draw.below(2, 20)),
            _ => format!("{role}-{:06x}", draw.below(2, 1 << 24)),
        }
    }

    /// When the pretended machine was set up, to the microsecond.
    #[must_use]
    pub fn set_up(&self) -> Timestamp {
        let bytes = self.drawn("set up", || self.draw_set_up().micros().to_be_bytes().to_vec());
        Timestamp::from_micros(bytes.first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes)))
    }

    fn draw_set_up(&self) -> Timestamp {
        let (from, to) = self.web_server.set_up_between();
        let span = u64::try_from(to - from).unwrap_or(0);
        let draw = Draw::new(&self.seed, "set up");
        let seconds = i64::try_from(draw.below(0, span)).unwrap_or(0);
        let micros = i64::try_from(draw.below(1, 1_000_000)).unwrap_or(0);
        Timestamp::from_seconds(from.saturating_add(seconds)).plus(micros)
    }
}

impl fmt::Debug for Identity {
    /// Without the seed, which a log must not hold.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Identity({} on {})", self.host_name(), self.web_server.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn one_seed_is_always_the_same_machine() {
        let (first, again) = (Identity::draw([3; 32]), Identity::draw([3; 32]));
        assert_eq!(first.host_name(), again.host_name());
        assert_eq!(first.set_up(), again.set_up());
        assert_eq!(first.web_server(), again.web_server());
    }

    #[test]
    fn seeds_differ_in_name_date_and_product() {
        let drawn: Vec<Identity> = (0..100).map(|seed| Identity::draw([seed; 32])).collect();
        let names: HashSet<String> = drawn.iter().map(Identity::host_name).collect();
        let dates: HashSet<Timestamp> = drawn.iter().map(Identity::set_up).collect();
        let servers: HashSet<WebServer> = drawn.iter().map(Identity::web_server).collect();
        assert!(names.len() > 60, "{}", names.len());
        assert_eq!((dates.len(), servers.len()), (100, 6));
    }

    #[test]
    fn a_machine_is_set_up_after_its_software_came_out() {
        for server in WebServer::ALL {
            let (from, to) = server.set_up_between();
            for seed in 0..50 {
                let set_up = Identity::draw([seed; 32]).with_web_server(server).set_up();
                assert!((from..=to).contains(&set_up.seconds()), "{}", server.name());
            }
        }
    }

    #[test]
    fn the_seed_is_not_shown() {
        let shown = format!("{:?}", Identity::draw([171; 32]));
        assert!(!shown.contains("171") && !shown.contains("abab"), "{shown}");
    }
}
