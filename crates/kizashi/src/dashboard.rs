//! The dashboard's place: bound first, so that a port that is taken is told before anything else is started.

use std::fs::File;
use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use kizashi_web::Token;

use crate::config;
use crate::failure::Failure;

/// A bound listener.
pub(crate) struct Dashboard {
    pub(crate) listener: TcpListener,
}

impl Dashboard {
    /// Binds `address`.
    pub(crate) fn bind(address: SocketAddr) -> Result<Self, Failure> {
        let taken = |error: std::io::Error| Failure::Listen {
            what: "the dashboard".to_owned(),
            address: address.to_string(),
            reason: error.to_string(),
            advice: "stop what uses it, or choose another port (`kizashi demo --port 0`, or address under [dashboard] in kizashi.toml)",
            in_use: error.kind() == std::io::ErrorKind::AddrInUse,
        };
        let listener = TcpListener::bind(address).map_err(taken)?;
        listener.set_nonblocking(true).map_err(taken)?;
        Ok(Self { listener })
    }

    /// The address to open in a browser. What it starts with is the owner's name for it, where it listens on every address.
    pub(crate) fn link(
        &self,
        settings: &config::Dashboard,
        token: &Token,
    ) -> Result<String, Failure> {
        let bound = self.listener.local_addr()?;
        let host = match (bound.ip(), settings.names.first()) {
            (address, Some(name)) if !address.is_loopback() => name.clone(),
            (IpAddr::V4(four), _) if four.is_unspecified() => Ipv4Addr::LOCALHOST.to_string(),
            (IpAddr::V6(six), _) if six.is_unspecified() => format!("[{}]", Ipv6Addr::LOCALHOST),
            (IpAddr::V6(six), _) => format!("[{six}]"),
            (IpAddr::V4(four), _) => four.to_string(),
        };
        let scheme = if settings.certificate.is_some() { "https" } else { "http" };
        let place = format!("{scheme}://{host}:{}/", bound.port());
        // A journal is read by more people than the owner.
        if std::env::var_os("JOURNAL_STREAM").is_some() {
            return Ok(format!("{place} with the token of `kizashi token show`"));
        }
        Ok(format!("{place}?token={}", token.text()))
    }
}

/// Bytes that nobody can guess, from the kernel.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}
