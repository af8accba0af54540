//! What an installation's TLS servers show: certificate and key of the server and of the device beside it, each made when it is first
//! asked for.

use std::sync::{Arc, OnceLock};

use kizashi_event::Timestamp;

use super::credential::{SigningKey, TlsKeys};
use super::profile::Product;
use super::resumption::Sessions;
use super::{certificate, profile::Profile};
use crate::Identity;
use crate::http::Persona;

/// A certificate in DER, and its key.
pub(crate) struct Credential {
    pub(super) certificate: Vec<u8>,
    /// That of the authority which signed it, where the server shows it too.
    pub(super) authority: Option<Vec<u8>>,
    pub(super) key: SigningKey,
    pub(super) sessions: Sessions,
}

impl Credential {
    /// What is shown, the server's own first.
    pub(super) fn chain(&self) -> impl Iterator<Item = &[u8]> {
        std::iter::once(&self.certificate).chain(&self.authority).map(Vec::as_slice)
    }
}

/// What answers a hello.
pub(super) struct Server<'a> {
    pub(super) profile: &'a Profile,
    pub(super) credential: &'a Credential,
    pub(super) now: Timestamp,
}

/// Those of one installation.
#[derive(Default)]
pub(crate) struct Store {
    keys: Option<TlsKeys>,
    server: OnceLock<Option<Arc<Credential>>>,
    device: OnceLock<Option<Arc<Credential>>>,
    sql_server: OnceLock<Option<Arc<Credential>>>,
    desktop: OnceLock<Option<Arc<Credential>>>,
    mysql: OnceLock<Option<Arc<Credential>>>,
}

impl Store {
    pub(crate) fn with_keys(keys: TlsKeys) -> Self {
        Self { keys: Some(keys), ..Self::default() }
    }

    /// The same keys, for another name or date.
    pub(crate) fn anew(&self) -> Self {
        Self { keys: self.keys.clone(), ..Self::default() }
    }

    /// What this product shows. `None` where no certificate could be made, which is not to be expected.
    pub(super) fn of(&self, product: Product, identity: &Identity) -> Option<Arc<Credential>> {
        let made = match product {
            Product::Server(_)
            | Product::Mail(_)
            | Product::Files(_)
            | Product::Documents(_)
            | Product::Database(_) => self.server.get_or_init(|| {
                let key = match &self.keys {
                    Some(keys) => SigningKey::of_rsa(&keys.server),
                    None => SigningKey::of_seed(identity.seed(), "tls key of the server")?,
                };
                let certificate = certificate::of_server(identity, &key)?;
                let sessions = Sessions::new(identity.seed(), "tls sessions of the server")?;
                Some(Arc::new(Credential { certificate, authority: None, key, sessions }))
            }),
            Product::Device => self.device.get_or_init(|| {
                let key = match &self.keys {
                    Some(keys) => SigningKey::of_rsa(&keys.device),
                    None => SigningKey::of_seed(identity.seed(), "tls key of the device")?,
                };
                let certificate = certificate::of_device(identity, &key)?;
                let sessions = Sessions::new(identity.seed(), "tls sessions of the device")?;
                Some(Arc::new(Credential { certificate, authority: None, key, sessions }))
            }),
            Product::SqlServer => self
                .sql_server
                .get_or_init(|| self.windows(identity, "sql server", certificate::SQL_SERVER)),
            Product::RemoteDesktop => self.desktop.get_or_init(|| {
                self.windows(identity, "remote desktop", &identity.windows().computer)
            }),
            Product::MySql(release) => self.mysql.get_or_init(|| {
                let key = match &self.keys {
                    Some(keys) => SigningKey::of_rsa(&keys.server),
                    None => SigningKey::of_seed(identity.seed(), "tls key of mysql")?,
                };
                let (certificate, authority) =
                    certificate::of_mysql(identity, &key, release.name())?;
                let sessions = Sessions::new(identity.seed(), "tls sessions of mysql")?;
                let authority = Some(authority);
                Some(Arc::new(Credential { certificate, authority, key, sessions }))
            }),
        };
        made.clone()
    }

    /// The RSA key of a product as clients are given it to encrypt a password to (PEM); `None` where it has another kind of key.
    pub(crate) fn public_key(&self, product: Product, identity: &Identity) -> Option<String> {
        let key = &self.of(product, identity)?.key;
        key.is_rsa()
            .then(|| certificate::pem("PUBLIC KEY", &certificate::public_key(&key.public())))
    }

    /// What was encrypted to that key.
    pub(crate) fn decrypt(
        &self,
        product: Product,
        identity: &Identity,
        encrypted: &[u8],
    ) -> Option<Vec<u8>> {
        self.of(product, identity)?.key.decrypt_oaep(encrypted)
    }

    /// What a service of the Windows machine shows under this name.
    fn windows(&self, identity: &Identity, what: &str, name: &str) -> Option<Arc<Credential>> {
        let key = match &self.keys {
            Some(keys) => SigningKey::of_rsa(&keys.server),
            None => SigningKey::of_seed(identity.seed(), &format!("tls key of {what}"))?,
        };
        let certificate = certificate::of_windows(identity, &key, what, name)?;
        let sessions = Sessions::new(identity.seed(), &format!("tls sessions of {what}"))?;
        Some(Arc::new(Credential { certificate, authority: None, key, sessions }))
    }
}

/// Never the keys.
impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Store(…)")
    }
}

/// The profile of a product at this port, beside what it shows.
pub(super) fn shown(
    product: Product,
    identity: &Identity,
    port: u16,
) -> Option<(Profile, Arc<Credential>)> {
    let http2 = matches!(product, Product::Server(_)) && Persona::speaks_http2(identity, port);
    let profile = Profile { http2, ..product.profile() };
    Some((profile, identity.tls().of(product, identity)?))
}
