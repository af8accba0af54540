//! Cipher suites: what this server can do, as the registry numbers it. The order in which a product wishes them is its profile's.
//! All of OpenSSL's `HIGH` but what wants a key of DSA or one shared before.

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
    /// An ephemeral key in a prime field, signed by an RSA key.
    FiniteRsa,
    /// TLS 1.3: an ephemeral key; what signs is agreed elsewhere.
    Modern,
}

/// How records are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bulk {
    Gcm,
    AriaGcm,
    Ccm,
    /// CCM with half a tag.
    ShortCcm,
    ChaCha20,
    /// AES in CBC mode with HMAC of this hash.
    Cbc(Hash),
    CamelliaCbc(Hash),
}

impl Bulk {
    /// The hash of a MAC that is no part of the cipher.
    pub(super) const fn mac(self) -> Option<Hash> {
        match self {
            Self::Cbc(hash) | Self::CamelliaCbc(hash) => Some(hash),
            _ => None,
        }
    }
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
        matches!(self.bulk.mac(), Some(Hash::Sha1))
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

use Bulk::{AriaGcm, CamelliaCbc, Cbc, Ccm, ChaCha20, Gcm, ShortCcm};
use Exchange::{EphemeralEcdsa, EphemeralRsa, FiniteRsa, Modern, Rsa};
use Hash::{Sha1, Sha256, Sha384};

/// All that this server can do.
static SUITES: [Suite; 62] = [
    suite(0x1302, "TLS_AES_256_GCM_SHA384", Modern, (Gcm, 32), Sha384),
    suite(0x1303, "TLS_CHACHA20_POLY1305_SHA256", Modern, (ChaCha20, 32), Sha256),
    suite(0x1301, "TLS_AES_128_GCM_SHA256", Modern, (Gcm, 16), Sha256),
    suite(0xc02c, "ECDHE-ECDSA-AES256-GCM-SHA384", EphemeralEcdsa, (Gcm, 32), Sha384),
    suite(0xc030, "ECDHE-RSA-AES256-GCM-SHA384", EphemeralRsa, (Gcm, 32), Sha384),
    suite(0x009f, "DHE-RSA-AES256-GCM-SHA384", FiniteRsa, (Gcm, 32), Sha384),
    suite(0xcca9, "ECDHE-ECDSA-CHACHA20-POLY1305", EphemeralEcdsa, (ChaCha20, 32), Sha256),
    suite(0xcca8, "ECDHE-RSA-CHACHA20-POLY1305", EphemeralRsa, (ChaCha20, 32), Sha256),
    suite(0xccaa, "DHE-RSA-CHACHA20-POLY1305", FiniteRsa, (ChaCha20, 32), Sha256),
    suite(0xc0af, "ECDHE-ECDSA-AES256-CCM8", EphemeralEcdsa, (ShortCcm, 32), Sha256),
    suite(0xc0ad, "ECDHE-ECDSA-AES256-CCM", EphemeralEcdsa, (Ccm, 32), Sha256),
    suite(0xc0a3, "DHE-RSA-AES256-CCM8", FiniteRsa, (ShortCcm, 32), Sha256),
    suite(0xc09f, "DHE-RSA-AES256-CCM", FiniteRsa, (Ccm, 32), Sha256),
    suite(0xc05d, "ECDHE-ECDSA-ARIA256-GCM-SHA384", EphemeralEcdsa, (AriaGcm, 32), Sha384),
    suite(0xc061, "ECDHE-ARIA256-GCM-SHA384", EphemeralRsa, (AriaGcm, 32), Sha384),
    suite(0xc053, "DHE-RSA-ARIA256-GCM-SHA384", FiniteRsa, (AriaGcm, 32), Sha384),
    suite(0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256", EphemeralEcdsa, (Gcm, 16), Sha256),
    suite(0xc02f, "ECDHE-RSA-AES128-GCM-SHA256", EphemeralRsa, (Gcm, 16), Sha256),
    suite(0x009e, "DHE-RSA-AES128-GCM-SHA256", FiniteRsa, (Gcm, 16), Sha256),
    suite(0xc0ae, "ECDHE-ECDSA-AES128-CCM8", EphemeralEcdsa, (ShortCcm, 16), Sha256),
    suite(0xc0ac, "ECDHE-ECDSA-AES128-CCM", EphemeralEcdsa, (Ccm, 16), Sha256),
    suite(0xc0a2, "DHE-RSA-AES128-CCM8", FiniteRsa, (ShortCcm, 16), Sha256),
    suite(0xc09e, "DHE-RSA-AES128-CCM", FiniteRsa, (Ccm, 16), Sha256),
    suite(0xc05c, "ECDHE-ECDSA-ARIA128-GCM-SHA256", EphemeralEcdsa, (AriaGcm, 16), Sha256),
    suite(0xc060, "ECDHE-ARIA128-GCM-SHA256", EphemeralRsa, (AriaGcm, 16), Sha256),
    suite(0xc052, "DHE-RSA-ARIA128-GCM-SHA256", FiniteRsa, (AriaGcm, 16), Sha256),
    suite(0xc024, "ECDHE-ECDSA-AES256-SHA384", EphemeralEcdsa, (Cbc(Sha384), 32), Sha384),
    suite(0xc028, "ECDHE-RSA-AES256-SHA384", EphemeralRsa, (Cbc(Sha384), 32), Sha384),
    suite(0x006b, "DHE-RSA-AES256-SHA256", FiniteRsa, (Cbc(Sha256), 32), Sha256),
    suite(
        0xc073,
        "ECDHE-ECDSA-CAMELLIA256-SHA384",
        EphemeralEcdsa,
        (CamelliaCbc(Sha384), 32),
        Sha384,
    ),
    suite(0xc077, "ECDHE-RSA-CAMELLIA256-SHA384", EphemeralRsa, (CamelliaCbc(Sha384), 32), Sha384),
    suite(0x00c4, "DHE-RSA-CAMELLIA256-SHA256", FiniteRsa, (CamelliaCbc(Sha256), 32), Sha256),
    suite(0xc023, "ECDHE-ECDSA-AES128-SHA256", EphemeralEcdsa, (Cbc(Sha256), 16), Sha256),
    suite(0xc027, "ECDHE-RSA-AES128-SHA256", EphemeralRsa, (Cbc(Sha256), 16), Sha256),
    suite(0x0067, "DHE-RSA-AES128-SHA256", FiniteRsa, (Cbc(Sha256), 16), Sha256),
    suite(
        0xc072,
        "ECDHE-ECDSA-CAMELLIA128-SHA256",
        EphemeralEcdsa,
        (CamelliaCbc(Sha256), 16),
        Sha256,
    ),
    suite(0xc076, "ECDHE-RSA-CAMELLIA128-SHA256", EphemeralRsa, (CamelliaCbc(Sha256), 16), Sha256),
    suite(0x00be, "DHE-RSA-CAMELLIA128-SHA256", FiniteRsa, (CamelliaCbc(Sha256), 16), Sha256),
    suite(0xc00a, "ECDHE-ECDSA-AES256-SHA", EphemeralEcdsa, (Cbc(Sha1), 32), Sha256),
    suite(0xc014, "ECDHE-RSA-AES256-SHA", EphemeralRsa, (Cbc(Sha1), 32), Sha256),
    suite(0x0039, "DHE-RSA-AES256-SHA", FiniteRsa, (Cbc(Sha1), 32), Sha256),
    suite(0x0088, "DHE-RSA-CAMELLIA256-SHA", FiniteRsa, (CamelliaCbc(Sha1), 32), Sha256),
    suite(0xc009, "ECDHE-ECDSA-AES128-SHA", EphemeralEcdsa, (Cbc(Sha1), 16), Sha256),
    suite(0xc013, "ECDHE-RSA-AES128-SHA", EphemeralRsa, (Cbc(Sha1), 16), Sha256),
    suite(0x0033, "DHE-RSA-AES128-SHA", FiniteRsa, (Cbc(Sha1), 16), Sha256),
    suite(0x0045, "DHE-RSA-CAMELLIA128-SHA", FiniteRsa, (CamelliaCbc(Sha1), 16), Sha256),
    suite(0x009d, "AES256-GCM-SHA384", Rsa, (Gcm, 32), Sha384),
    suite(0xc0a1, "AES256-CCM8", Rsa, (ShortCcm, 32), Sha256),
    suite(0xc09d, "AES256-CCM", Rsa, (Ccm, 32), Sha256),
    suite(0xc051, "ARIA256-GCM-SHA384", Rsa, (AriaGcm, 32), Sha384),
    suite(0x009c, "AES128-GCM-SHA256", Rsa, (Gcm, 16), Sha256),
    suite(0xc0a0, "AES128-CCM8", Rsa, (ShortCcm, 16), Sha256),
    suite(0xc09c, "AES128-CCM", Rsa, (Ccm, 16), Sha256),
    suite(0xc050, "ARIA128-GCM-SHA256", Rsa, (AriaGcm, 16), Sha256),
    suite(0x003d, "AES256-SHA256", Rsa, (Cbc(Sha256), 32), Sha256),
    suite(0x00c0, "CAMELLIA256-SHA256", Rsa, (CamelliaCbc(Sha256), 32), Sha256),
    suite(0x003c, "AES128-SHA256", Rsa, (Cbc(Sha256), 16), Sha256),
    suite(0x00ba, "CAMELLIA128-SHA256", Rsa, (CamelliaCbc(Sha256), 16), Sha256),
    suite(0x0035, "AES256-SHA", Rsa, (Cbc(Sha1), 32), Sha256),
    suite(0x0084, "CAMELLIA256-SHA", Rsa, (CamelliaCbc(Sha1), 32), Sha256),
    suite(0x002f, "AES128-SHA", Rsa, (Cbc(Sha1), 16), Sha256),
    suite(0x0041, "CAMELLIA128-SHA", Rsa, (CamelliaCbc(Sha1), 16), Sha256),
];

/// Signals among the suites, never chosen (RFC 5746, 3.3; RFC 7507, 3): a client that would send an empty renegotiation_info.
pub(super) const RENEGOTIATION_SIGNAL: u16 = 0x00ff;
/// A client that tried a later version before.
pub(super) const FALLBACK_SIGNAL: u16 = 0x5600;
