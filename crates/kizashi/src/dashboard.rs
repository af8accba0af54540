//! The dashboard's place: bound first, so that a port that is taken is told before anything else is started.

use std::fs::File;
use std::io::Read as _;
use std::net::{SocketAddr, TcpListener};

use kizashi_web::Token;

use crate::failure::Failure;

/// A bound listener and the token that opens the page.
pub(crate) struct Dashboard {
    pub(crate) listener: TcpListener,
    pub(crate) token: Token,
}

impl Dashboard {
    /// Binds `address` and draws a token.
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
        Ok(Self { listener, token: Token::from_random(random()?) })
    }

    /// The address to open in a browser.
    pub(crate) fn link(&self) -> Result<String, Failure> {
        let address = self.listener.local_addr()?;
        Ok(format!("http://{address}/?token={}", self.token.text()))
    }
}

/// Bytes that nobody can guess, from the kernel.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}
