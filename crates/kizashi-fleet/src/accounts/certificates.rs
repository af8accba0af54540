//! The fleet's own authority and the servers' certificates. Nobody else's authority is believed, so nobody else can stand in for a server.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};

use super::FleetError;

/// An authority with its key.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    certificate: String,
}

#[allow(clippy::needless_pass_by_value, reason = "what `map_err` gives")]
fn failed(error: rcgen::Error) -> FleetError {
    FleetError::Certificate(error.to_string())
}

impl Authority {
    pub(super) fn make() -> Result<Self, FleetError> {
        let mut about = CertificateParams::new(Vec::new()).map_err(failed)?;
        about.distinguished_name = named("Kizashi fleet");
        about.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        about.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().map_err(failed)?;
        let issuer = CertifiedIssuer::self_signed(about, key).map_err(failed)?;
        let certificate = issuer.pem();
        Ok(Self { issuer, certificate })
    }

    pub(super) fn certificate(&self) -> &str {
        &self.certificate
    }

    pub(super) fn key(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// A server's certificate and key, PEM: it serves clients and, to the other servers, is one.
    pub(super) fn sign(&self, host: &str) -> Result<(String, String), FleetError> {
        let mut about = CertificateParams::new(vec![host.to_owned()]).map_err(failed)?;
        about.distinguished_name = named("Kizashi fleet server");
        about.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = about.signed_by(&key, &self.issuer).map_err(failed)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }
}

fn named(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}
