//! TLS 1.3 for a dashboard that is reached over a network (RFC 8446), by rustls over ring. The certificate is the owner's, or one
//! that is made here and signed by itself: its SHA-256 is printed at start, to be compared with what the browser shows.
//!
//! Nothing here touches a file: who has the files hands over what is in them, for the process that serves may not read them.

use std::fmt::Write as _;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;

/// A certificate, with those it leans on after it, and its private key; both PEM.
#[derive(Clone)]
pub struct CertifiedKey {
    /// The certificates, the dashboard's own first.
    pub certificates: String,
    /// The private key: PKCS #8, PKCS #1 or SEC 1.
    pub key: String,
}

/// What a dashboard speaks TLS with.
#[derive(Clone)]
pub struct Encryption {
    pub(crate) acceptor: TlsAcceptor,
    fingerprint: String,
}

/// The certificate or its key cannot be used. The text is half a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncryptionError {
    /// No certificate is in the text.
    #[error("it holds no certificate in PEM form")]
    NoCertificate,
    /// No private key is in the text.
    #[error("the key file holds no private key in PEM form without a password")]
    NoKey,
    /// The two do not fit, or are of a kind that is not known.
    #[error("certificate and key cannot be used together: {0}")]
    Unusable(String),
    /// None could be made.
    #[error("no certificate could be made for these names: {0}")]
    NotMade(String),
}

impl std::fmt::Debug for CertifiedKey {
    /// Without the secret, so that it comes into no log.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("CertifiedKey(…)")
    }
}

impl CertifiedKey {
    /// Makes a key (ECDSA, P-256) and a certificate for `names` (host names and IP addresses), signed by itself and without an end:
    /// it is known by its SHA-256, not by an authority.
    ///
    /// # Errors
    /// When a name cannot stand in a certificate.
    pub fn made_for(names: Vec<String>) -> Result<Self, EncryptionError> {
        let not_made = |error: rcgen::Error| EncryptionError::NotMade(error.to_string());
        let key = rcgen::KeyPair::generate().map_err(not_made)?;
        let mut about = rcgen::CertificateParams::new(names).map_err(not_made)?;
        about.distinguished_name = rcgen::DistinguishedName::new();
        about.distinguished_name.push(rcgen::DnType::CommonName, "Kizashi dashboard");
        let certificate = about.self_signed(&key).map_err(not_made)?;
        Ok(Self { certificates: certificate.pem(), key: key.serialize_pem() })
    }
}

impl Encryption {
    /// Takes a certificate and its key into use.
    ///
    /// # Errors
    /// When either is missing or they do not fit.
    pub fn with(own: &CertifiedKey) -> Result<Self, EncryptionError> {
        let chain: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(own.certificates.as_bytes())
                .collect::<Result<_, _>>()
                .map_err(|_| EncryptionError::NoCertificate)?;
        let first = chain.first().ok_or(EncryptionError::NoCertificate)?;
        let fingerprint = fingerprint(first);
        let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes())
            .map_err(|_| EncryptionError::NoKey)?;
        let unusable = |error: rustls::Error| EncryptionError::Unusable(error.to_string());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(unusable)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(unusable)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), fingerprint })
    }

    /// The certificate's SHA-256 as browsers show it: `AB:CD:…`.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

fn fingerprint(certificate: &[u8]) -> String {
    let mut text = String::with_capacity(95);
    for byte in Sha256::digest(certificate) {
        let separator = if text.is_empty() { "" } else { ":" };
        let _ = write!(text, "{separator}{byte:02X}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> CertifiedKey {
        CertifiedKey::made_for(vec!["localhost".to_owned(), "192.0.2.1".to_owned()]).unwrap()
    }

    #[test]
    fn a_made_certificate_is_used_and_has_a_fingerprint_of_its_own() {
        let (one, other) = (made(), made());
        let print = |made: &CertifiedKey| Encryption::with(made).unwrap().fingerprint().to_owned();
        assert_eq!(print(&one).len(), 95);
        assert_eq!(print(&one), print(&one));
        assert_ne!(print(&one), print(&other), "each has its own key");
        assert_eq!(format!("{one:?}"), "CertifiedKey(…)");
    }

    #[test]
    fn what_is_no_pair_is_refused_with_what_is_wrong() {
        let (one, other) = (made(), made());
        let refusal = |certificates: &str, key: &str| {
            let pair = CertifiedKey { certificates: certificates.to_owned(), key: key.to_owned() };
            Encryption::with(&pair).err()
        };
        assert_eq!(refusal("", &one.key), Some(EncryptionError::NoCertificate));
        assert_eq!(refusal(&one.certificates, "nothing"), Some(EncryptionError::NoKey));
        let mixed = refusal(&one.certificates, &other.key);
        assert!(matches!(mixed, Some(EncryptionError::Unusable(_))), "{mixed:?}");
    }
}
