//! Cipher suites: what this server can do, as the registry numbers it. The order in which a product wishes them is its profile's.
//! AES only, and ChaCha20: ARIA, Camellia and CCM, which OpenSSL's `HIGH` has too, are left out as if the owner had.

use super::hash::Hash;

/// How the shared secret comes about, and who signs for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exchange {
    /// The client encrypts it to the certificate's RSA key.
    Rsa,
    /// An ephemeral key, signed by an RSA key.
    EphemeralRsa,
    /// An ephemeral key, signed by an ECDSA key.
    EphemeralEcdsa,
    /// TLS 1.3: an ephemeral key; what signs is agreed elsewhere.
    Modern,
}

/// How records are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bulk {
    Gcm,
    ChaCha20,
    /// AES in CBC mode with HMAC of this hash.
    Cbc(Hash),
}

/// One suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Suite {
    pub(super) code: u16,
    /// OpenSSL's name, or the registry's for TLS 1.3.
    pub(super) name: &'static str,
    pub(super) exchange: Exchange,
    pub(super) bulk: Bulk,
    /// Bytes of a key.
    pub(super) key: usize,
    /// What secrets are made with from TLS 1.2 on.
    pub(super) hash: Hash,
}

impl Suite {
    /// Whether it exists before TLS 1.2.
    pub(super) const fn is_old(&self) -> bool {
        matches!(self.bulk, Bulk::Cbc(Hash::Sha1))
    }

    pub(super) fn of_code(code: u16) -> Option<&'static Self> {
        SUITES.iter().find(|suite| suite.code == code)
    }
}

const fn suite(
    code: u16,
    name: &'static str,
    exchange: Exchange,
    (bulk, key): (Bulk, usize),
    hash: Hash,
) -> Suite {
    Suite { code, name, exchange, bulk, key, hash }
}

use Bulk::{Cbc, ChaCha20, Gcm};
use Exchange::{EphemeralEcdsa, EphemeralRsa, Modern, Rsa};
use Hash::{Sha1, Sha256, Sha384};

/// All that this server can do.
static SUITES: [Suite; 23] = [
    suite(0x1302, "TLS_AES_256_GCM_SHA384", Modern, (Gcm, 32), Sha384),
    suite(0x1303, "TLS_CHACHA20_POLY1305_SHA256", Modern, (ChaCha20, 32), Sha256),
    suite(0x1301, "TLS_AES_128_GCM_SHA256", Modern, (Gcm, 16), Sha256),
    suite(0xc02c, "ECDHE-ECDSA-AES256-GCM-SHA384", EphemeralEcdsa, (Gcm, 32), Sha384),
    suite(0xc030, "ECDHE-RSA-AES256-GCM-SHA384", EphemeralRsa, (Gcm, 32), Sha384),
    suite(0xcca9, "ECDHE-ECDSA-CHACHA20-POLY1305", EphemeralEcdsa, (ChaCha20, 32), Sha256),
    suite(0xcca8, "ECDHE-RSA-CHACHA20-POLY1305", EphemeralRsa, (ChaCha20, 32), Sha256),
    suite(0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256", EphemeralEcdsa, (Gcm, 16), Sha256),
    suite(0xc02f, "ECDHE-RSA-AES128-GCM-SHA256", EphemeralRsa, (Gcm, 16), Sha256),
    suite(0xc024, "ECDHE-ECDSA-AES256-SHA384", EphemeralEcdsa, (Cbc(Sha384), 32), Sha384),
    suite(0xc028, "ECDHE-RSA-AES256-SHA384", EphemeralRsa, (Cbc(Sha384), 32), Sha384),
    suite(0xc023, "ECDHE-ECDSA-AES128-SHA256", EphemeralEcdsa, (Cbc(Sha256), 16), Sha256),
    suite(0xc027, "ECDHE-RSA-AES128-SHA256", EphemeralRsa, (Cbc(Sha256), 16), Sha256),
    suite(0xc00a, "ECDHE-ECDSA-AES256-SHA", EphemeralEcdsa, (Cbc(Sha1), 32), Sha256),
    suite(0xc014, "ECDHE-RSA-AES256-SHA", EphemeralRsa, (Cbc(Sha1), 32), Sha256),
    suite(0xc009, "ECDHE-ECDSA-AES128-SHA", EphemeralEcdsa, (Cbc(Sha1), 16), Sha256),
    suite(0xc013, "ECDHE-RSA-AES128-SHA", EphemeralRsa, (Cbc(Sha1), 16), Sha256),
    suite(0x009d, "AES256-GCM-SHA384", Rsa, (Gcm, 32), Sha384),
    suite(0x009c, "AES128-GCM-SHA256", Rsa, (Gcm, 16), Sha256),
    suite(0x003d, "AES256-SHA256", Rsa, (Cbc(Sha256), 32), Sha256),
    suite(0x003c, "AES128-SHA256", Rsa, (Cbc(Sha256), 16), Sha256),
    suite(0x0035, "AES256-SHA", Rsa, (Cbc(Sha1), 32), Sha256),
    suite(0x002f, "AES128-SHA", Rsa, (Cbc(Sha1), 16), Sha256),
];

/// Signals among the suites, never chosen (RFC 5746, 3.3; RFC 7507, 3): a client that would send an empty renegotiation_info.
pub(super) const RENEGOTIATION_SIGNAL: u16 = 0x00ff;
/// A client that tried a later version before.
pub(super) const FALLBACK_SIGNAL: u16 = 0x5600;
