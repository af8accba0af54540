//! Whose certificates are believed: the authorities that this system trusts, or those of the file that `SSL_CERT_FILE` names, as other
//! programs do, and a file of the owner's beside them. They are read once, before a process shuts itself in.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Where systems keep the authorities that they trust: Debian and Alpine, Fedora, openSUSE.
const AUTHORITIES: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
];

/// TLS to receivers.
#[derive(Clone)]
pub struct Trust(Result<TlsConnector, String>);

impl Trust {
    /// Reads the authorities. That there are none is told when TLS is asked for, so that a machine without any can do the rest.
    ///
    /// # Errors
    /// When the owner's own file cannot be read, in a sentence.
    pub fn read(own: Option<&Path>) -> Result<Self, String> {
        let mut trusted = RootCertStore::empty();
        if let Some(own) = own {
            add(&mut trusted, own)?;
        }
        let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
        let file =
            named.or_else(|| AUTHORITIES.iter().map(PathBuf::from).find(|path| path.exists()));
        let added = match file {
            Some(file) => add(&mut trusted, &file),
            None => Err(
                "this system has no list of authorities to trust; install ca-certificates, or name one in SSL_CERT_FILE"
                    .to_owned(),
            ),
        };
        Ok(Self(if trusted.is_empty() {
            added.and_then(|()| Err("there is no authority to trust".to_owned()))
        } else {
            connector(trusted)
        }))
    }

    /// TLS over a connection to `host`.
    pub(crate) async fn over<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        host: &str,
        stream: S,
    ) -> Result<TlsStream<S>, String> {
        let connector = self.0.as_ref().map_err(Clone::clone)?;
        let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
        connector.connect(name, stream).await.map_err(|error| error.to_string())
    }
}

fn add(trusted: &mut RootCertStore, file: &Path) -> Result<(), String> {
    let certificates = CertificateDer::pem_file_iter(file)
        .map_err(|error| format!("{}: {error}", file.display()))?;
    let (added, _) = trusted.add_parsable_certificates(certificates.filter_map(Result::ok));
    if added == 0 { Err(format!("{} holds no authority to trust", file.display())) } else { Ok(()) }
}

fn connector(trusted: RootCertStore) -> Result<TlsConnector, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(trusted)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
