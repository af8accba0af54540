//! What a sensor, the hub or a detector needs to be let in: one file, made by `kizashi fleet`, that says who it is, where the servers are, which authority
//! signed their certificates, and the secret by which it proves itself.

use std::fmt;
use std::path::{Path, PathBuf};

use nkeys::KeyPair;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};

use crate::name::{DETECTOR, HUB, SensorName};

/// Bytes of a file of credentials at most.
pub const MOST_BYTES: u64 = 16 << 10;
/// Servers at most.
const MOST_SERVERS: usize = 16;

/// Who somebody is in a fleet. `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The sensor's name, or `hub`, or `detector`.
    pub name: String,
    /// The servers' addresses, `tls://host:port`.
    pub servers: Vec<String>,
    /// Copies that the servers keep of what is sent: 1, or 3 where there are three servers.
    pub replicas: usize,
    /// Bytes that the stream may take on each server's disk.
    pub stream_bytes: u64,
    seed: String,
    authority: String,
    /// Where the authority's certificate lies for the client, which takes a file alone: given a configuration of TLS it reads the system's
    /// authorities beside it, and fails where it may not.
    #[serde(skip)]
    authority_file: Option<PathBuf>,
}

/// Why credentials are none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these are no credentials of a fleet ({0}); `kizashi fleet add NAME` makes them")]
pub struct CredentialsError(String);

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Credentials")
            .field("name", &self.name)
            .field("servers", &self.servers)
            .finish_non_exhaustive()
    }
}

impl Credentials {
    pub(crate) fn new(
        name: &str,
        servers: Vec<String>,
        key: &KeyPair,
        authority: &str,
        (replicas, stream_bytes): (usize, u64),
    ) -> Self {
        Self {
            name: name.to_owned(),
            servers,
            replicas,
            stream_bytes,
            seed: key.seed(),
            authority: authority.to_owned(),
            authority_file: None,
        }
    }

    /// Reads a file's text, and checks all of it, so that a fault is told at the start and not at the first connection.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, CredentialsError> {
        let wrong = |what: &dyn fmt::Display| CredentialsError(what.to_string());
        let this: Self = toml::from_str(text).map_err(|error| wrong(&error.message()))?;
        if ![HUB, DETECTOR].contains(&this.name.as_str()) {
            SensorName::parse(&this.name).map_err(|error| wrong(&error))?;
        }
        this.with_servers(this.servers.clone())?;
        this.key()?;
        this.authorities()?;
        if !matches!(this.replicas, 1 | 3) {
            return Err(wrong(&"replicas is 1 or 3"));
        }
        Ok(this)
    }

    /// The file's text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let body = toml::to_string(self).unwrap_or_default();
        format!(
            "# Whoever has this file is `{}` to the fleet: keep it where only Kizashi reads it.\n{body}",
            self.name
        )
    }

    /// The same at other servers.
    ///
    /// # Errors
    /// When one of them is no address of a server.
    pub fn with_servers(&self, servers: Vec<String>) -> Result<Self, CredentialsError> {
        if servers.is_empty() || servers.len() > MOST_SERVERS {
            return Err(CredentialsError(format!("1 to {MOST_SERVERS} servers are needed")));
        }
        for server in &servers {
            server_port(server).ok_or_else(|| {
                CredentialsError(format!(
                    "`{server}` is no server's address, such as nats://hub.example.org:4222"
                ))
            })?;
        }
        Ok(Self { servers, ..self.clone() })
    }

    /// The sensor's name; `None` of the hub and of detectors.
    #[must_use]
    pub fn sensor(&self) -> Option<SensorName> {
        SensorName::parse(&self.name).ok()
    }

    /// Whether they are the hub's.
    #[must_use]
    pub fn is_hub(&self) -> bool {
        self.name == HUB
    }

    /// Whether they are detectors'.
    #[must_use]
    pub fn is_detector(&self) -> bool {
        self.name == DETECTOR
    }

    /// The ports of the servers, for a process that may connect to these alone.
    #[must_use]
    pub fn ports(&self) -> Vec<u16> {
        self.servers.iter().filter_map(|server| server_port(server)).collect()
    }

    /// The same with the authority's certificate, which is no secret, as a file in this folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn with_authority_in(self, folder: &Path) -> std::io::Result<Self> {
        let path = folder.join("fleet-authority.pem");
        std::fs::write(&path, &self.authority)?;
        Ok(Self { authority_file: Some(path), ..self })
    }

    pub(crate) fn authority_file(&self) -> Result<PathBuf, CredentialsError> {
        let missing = || CredentialsError("its authority was put nowhere".to_owned());
        self.authority_file.clone().ok_or_else(missing)
    }

    pub(crate) fn seed(&self) -> &str {
        &self.seed
    }

    fn key(&self) -> Result<KeyPair, CredentialsError> {
        KeyPair::from_seed(&self.seed).map_err(|error| CredentialsError(error.to_string()))
    }

    /// Whose certificates are believed: the fleet's own authority and no other.
    fn authorities(&self) -> Result<RootCertStore, CredentialsError> {
        let mut trusted = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(self.authority.as_bytes()) {
            let added = certificate.map_err(|error| error.to_string()).and_then(|certificate| {
                trusted.add(certificate).map_err(|error| error.to_string())
            });
            added.map_err(|error| CredentialsError(format!("its authority: {error}")))?;
        }
        if trusted.is_empty() {
            return Err(CredentialsError("it names no authority".to_owned()));
        }
        Ok(trusted)
    }
}

/// The port of a server's address; 4222 where it names none.
fn server_port(server: &str) -> Option<u16> {
    let place = ["tls://", "nats://"].iter().find_map(|scheme| server.strip_prefix(scheme))?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_[]:".contains(&byte);
    if place.is_empty() || place.len() > 255 || !place.bytes().all(plain) {
        return None;
    }
    match place.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') && !host.is_empty() => port.parse().ok(),
        _ => Some(4_222),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_address_is_read_and_what_is_none_is_refused() {
        assert_eq!(server_port("nats://hub.example.org"), Some(4_222));
        assert_eq!(server_port("tls://10.0.0.1:5000"), Some(5_000));
        assert_eq!(server_port("tls://[2001:db8::1]"), Some(4_222));
        assert_eq!(server_port("tls://[2001:db8::1]:7"), Some(7));
        for wrong in
            ["", "hub", "http://hub", "nats://", "nats://a b", "nats://u:p@hub", "nats://h:99999"]
        {
            assert_eq!(server_port(wrong), None, "{wrong}");
        }
    }
}
