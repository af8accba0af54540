//! Who belongs to a fleet, kept in one folder of the owner's: the authority that signs the servers' certificates, the public keys of hub, detectors and
//! sensors, the servers' configuration made of these, and the credentials to carry to the machines. `kizashi fleet` is its only user.
//!
//! A stolen key is revoked by writing the configuration without it and having the servers read it again. The authority's own key is only
//! needed to add a server; who keeps it elsewhere loses nothing.

mod certificates;
mod configuration;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nkeys::{KeyPair, is_user_public_key};
use serde::{Deserialize, Serialize};

use crate::credentials::Credentials;
use crate::name::{DETECTOR, HUB, NameError, SensorName};

/// The file that says who belongs to the fleet.
const FILE: &str = "fleet.toml";
const AUTHORITY: &str = "authority.pem";
const AUTHORITY_KEY: &str = "authority-key.pem";
/// The version of that file.
const VERSION: u32 = 1;
/// Servers of a fleet: JetStream keeps one copy, or three.
const MOST_SERVERS: usize = 5;
/// Sensors of a fleet at most: what one configuration file is read with in seconds.
pub const MOST_SENSORS: usize = 20_000;

/// What an owner may choose when a fleet is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choices {
    /// The servers, `host` or `host:port`, one to five.
    pub servers: Vec<String>,
    /// Gigabytes (2^30 bytes) that what waits for the hub may take on each server.
    pub gigabytes: u64,
}

/// A sensor of the fleet, or one that was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// The key by which the servers know it.
    pub key: String,
    /// Whether the servers refuse it.
    #[serde(default)]
    pub revoked: bool,
}

/// A server of the fleet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Server {
    pub(crate) host: String,
    pub(crate) port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    version: u32,
    gigabytes: u64,
    hub: String,
    /// A fleet that was made before there were any has none yet.
    #[serde(default)]
    detector: Option<String>,
    servers: Vec<Server>,
    #[serde(default)]
    sensors: Vec<Member>,
}

/// Why the fleet's folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// A file.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// There is one already.
    #[error(
        "{0} holds a fleet already; add sensors to it by `kizashi fleet add NAME`, or choose another folder"
    )]
    Exists(PathBuf),
    /// There is none.
    #[error("{0} holds no fleet; `kizashi fleet init` makes one")]
    Missing(PathBuf),
    /// The file that says who belongs to it is not as we wrote it.
    #[error("{path} cannot be read ({reason}); put it right, or take it from a backup")]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A server's place is none.
    #[error(
        "`{0}` is no server's place; name one to five as host or host:port, such as hub.example.org:4222"
    )]
    Server(String),
    /// The copies of the stream.
    #[error("the stream needs 1 to 4096 gigabytes on each server")]
    Gigabytes,
    /// A sensor's name is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A sensor of this name is there.
    #[error("{0} is in the fleet already; revoke it first to give it a new key")]
    Known(SensorName),
    /// No sensor of this name is there.
    #[error("no sensor {0} is in the fleet; `kizashi fleet list` shows who is")]
    Unknown(SensorName),
    /// The fleet is full.
    #[error("a fleet has at most {MOST_SENSORS} sensors")]
    Full,
    /// A certificate could not be made.
    #[error("a certificate could not be made ({0})")]
    Certificate(String),
    /// No randomness.
    #[error("the system gives no random bytes")]
    Randomness,
}

/// A fleet, as its folder says.
#[derive(Debug)]
pub struct Fleet {
    folder: PathBuf,
    kept: Kept,
}

impl Fleet {
    /// Makes a fleet in `folder`, which is made when it is not there: authority, servers' configuration, the hub's and the detectors' credentials.
    ///
    /// # Errors
    /// When there is one, or a file cannot be written, or a choice cannot be met.
    pub fn make(folder: &Path, choices: &Choices) -> Result<Self, FleetError> {
        if folder.join(FILE).exists() {
            return Err(FleetError::Exists(folder.to_path_buf()));
        }
        if choices.servers.is_empty() || choices.servers.len() > MOST_SERVERS {
            return Err(FleetError::Server(choices.servers.join(", ")));
        }
        if !(1..=4_096).contains(&choices.gigabytes) {
            return Err(FleetError::Gigabytes);
        }
        let servers: Vec<Server> =
            choices.servers.iter().map(|text| server_of(text)).collect::<Result<_, _>>()?;
        make_folder(folder)?;
        let authority = certificates::Authority::make()?;
        write(&folder.join(AUTHORITY_KEY), &authority.key(), true)?;
        write(&folder.join(AUTHORITY), authority.certificate(), false)?;
        for (at, server) in servers.iter().enumerate() {
            let place = server_folder(folder, at);
            make_folder(&place)?;
            let (certificate, key) = authority.sign(&server.host)?;
            write(&place.join("certificate.pem"), &certificate, false)?;
            write(&place.join("key.pem"), &key, true)?;
            write(&place.join("authority.pem"), authority.certificate(), false)?;
        }
        let (key, detector) = (new_key()?, new_key()?);
        let kept = Kept {
            version: VERSION,
            gigabytes: choices.gigabytes,
            hub: key.public_key(),
            detector: Some(detector.public_key()),
            servers,
            sensors: Vec::new(),
        };
        let fleet = Self { folder: folder.to_path_buf(), kept };
        fleet.write_credentials(HUB, &key)?;
        fleet.write_credentials(DETECTOR, &detector)?;
        fleet.write()?;
        Ok(fleet)
    }

    /// Opens the fleet in `folder`.
    ///
    /// # Errors
    /// When there is none, or its file is not as we write it.
    pub fn open(folder: &Path) -> Result<Self, FleetError> {
        let path = folder.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(FleetError::Missing(folder.to_path_buf()));
            }
            read => read.map_err(|error| FleetError::File { path: path.clone(), error })?,
        };
        let broken = |reason: String| FleetError::Broken { path: path.clone(), reason };
        let kept: Kept = toml::from_str(&text).map_err(|error| broken(error.to_string()))?;
        if kept.version != VERSION {
            return Err(broken(format!("it is of version {}", kept.version)));
        }
        if kept.servers.is_empty() || kept.servers.len() > MOST_SERVERS {
            return Err(broken("it names no servers, or too many".to_owned()));
        }
        for server in &kept.servers {
            server_of(&format!("{}:{}", server.host, server.port))
                .map_err(|error| broken(error.to_string()))?;
        }
        for member in &kept.sensors {
            SensorName::parse(&member.name).map_err(|error| broken(error.to_string()))?;
        }
        let keys = kept.sensors.iter().map(|member| &member.key).chain([&kept.hub]);
        let keys = keys.chain(&kept.detector);
        if let Some(wrong) = keys.into_iter().find(|key| !is_user_public_key(key)) {
            return Err(broken(format!("`{wrong}` is no public key")));
        }
        Ok(Self { folder: folder.to_path_buf(), kept })
    }

    /// Everybody who is a sensor of it, or was, in the order of names.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.kept.sensors
    }

    /// Adds a sensor and gives the path of its credentials. One that was revoked gets a new key.
    ///
    /// # Errors
    /// When it is there, or a file cannot be written.
    pub fn add(&mut self, name: &SensorName) -> Result<PathBuf, FleetError> {
        let key = new_key()?;
        let member = Member { name: name.to_string(), key: key.public_key(), revoked: false };
        match self.place_of(name) {
            Ok(at) if !self.kept.sensors[at].revoked => {
                return Err(FleetError::Known(name.clone()));
            }
            Ok(at) => self.kept.sensors[at] = member,
            Err(_) if self.kept.sensors.len() >= MOST_SENSORS => return Err(FleetError::Full),
            Err(at) => self.kept.sensors.insert(at, member),
        }
        let path = self.write_credentials(name.as_str(), &key)?;
        self.write()?;
        Ok(path)
    }

    /// Refuses a sensor from the servers' next reading of their configuration on.
    ///
    /// # Errors
    /// When there is none of this name, or a file cannot be written.
    pub fn revoke(&mut self, name: &SensorName) -> Result<(), FleetError> {
        let at = self.place_of(name).map_err(|_| FleetError::Unknown(name.clone()))?;
        self.kept.sensors[at].revoked = true;
        let _ = std::fs::remove_file(self.credentials(name.as_str()));
        self.write()
    }

    /// Gives detectors a new key, and the path of their credentials; the old key is refused from the servers' next reading of their
    /// configuration on.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn renew_detectors(&mut self) -> Result<PathBuf, FleetError> {
        let key = new_key()?;
        self.kept.detector = Some(key.public_key());
        let path = self.write_credentials(DETECTOR, &key)?;
        self.write()?;
        Ok(path)
    }

    /// The folders to carry to the servers, one each.
    #[must_use]
    pub fn server_folders(&self) -> Vec<PathBuf> {
        (0..self.kept.servers.len()).map(|at| server_folder(&self.folder, at)).collect()
    }

    /// Where the credentials of a member are, or of the hub, or of detectors.
    #[must_use]
    pub fn credentials(&self, name: &str) -> PathBuf {
        self.folder.join("credentials").join(format!("{name}.toml"))
    }

    fn place_of(&self, name: &SensorName) -> Result<usize, usize> {
        self.kept.sensors.binary_search_by(|member| member.name.as_str().cmp(name.as_str()))
    }

    fn write_credentials(&self, name: &str, key: &KeyPair) -> Result<PathBuf, FleetError> {
        let path = self.credentials(name);
        make_folder(&self.folder.join("credentials"))?;
        let authority = self.folder.join(AUTHORITY);
        let authority = std::fs::read_to_string(&authority)
            .map_err(|error| FleetError::File { path: authority, error })?;
        let servers = self.kept.servers.iter().map(|it| format!("tls://{}:{}", it.host, it.port));
        let stream = (self.replicas(), self.kept.gigabytes << 30);
        let made = Credentials::new(name, servers.collect(), key, &authority, stream);
        write(&path, &made.to_text(), true)?;
        Ok(path)
    }

    fn replicas(&self) -> usize {
        if self.kept.servers.len() >= 3 { 3 } else { 1 }
    }

    fn write(&self) -> Result<(), FleetError> {
        let bounds = (self.kept.gigabytes, self.replicas());
        let central = (self.kept.hub.as_str(), self.kept.detector.as_deref());
        let users = configuration::users(central, &self.kept.sensors, bounds);
        for (at, place) in self.server_folders().iter().enumerate() {
            let text = configuration::server(&self.kept.servers, at, self.kept.sensors.len());
            write(&place.join("nats-server.conf"), &text, false)?;
            write(&place.join("accounts.conf"), &users, false)?;
        }
        let path = self.folder.join(FILE);
        let text = toml::to_string(&self.kept).map_err(|error| FleetError::Broken {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        write(&path, &text, true)
    }
}

fn server_of(text: &str) -> Result<Server, FleetError> {
    let wrong = || FleetError::Server(text.to_owned());
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.ends_with(':') => (host, port.parse().map_err(|_| wrong())?),
        _ => (text, 4_222),
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    let fits = (1..=255).contains(&host.len()) && host.bytes().all(plain);
    // The servers find each other two thousand ports above.
    let fits = fits && (1..=u16::MAX - configuration::CLUSTER_ABOVE).contains(&port);
    if fits { Ok(Server { host: host.to_owned(), port }) } else { Err(wrong()) }
}

fn server_folder(folder: &Path, at: usize) -> PathBuf {
    folder.join(format!("server-{}", at + 1))
}

fn new_key() -> Result<KeyPair, FleetError> {
    use ring::rand::SecureRandom as _;
    let mut seed = [0; 32];
    ring::rand::SystemRandom::new().fill(&mut seed).map_err(|_| FleetError::Randomness)?;
    KeyPair::of_user(seed).map_err(|_| FleetError::Randomness)
}

fn make_folder(folder: &Path) -> Result<(), FleetError> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| FleetError::File { path: folder.to_path_buf(), error })
}

/// Writes a file whole and then puts it in its place.
fn write(path: &Path, text: &str, secret: bool) -> Result<(), FleetError> {
    let new = path.with_extension("new");
    let mode = if secret { 0o600 } else { 0o644 };
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&new)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| std::fs::rename(&new, path));
    written.map_err(|error| FleetError::File { path: path.to_path_buf(), error })
}

#[cfg(test)]
mod tests;
