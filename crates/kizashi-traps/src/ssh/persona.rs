//! The OpenSSH servers that can stand here: each is a release as its distribution ships it, with the algorithm lists, the order and the
//! extensions that this release sends by default, measured on the distribution's own sshd (`tests/ssh/reference-sshd`, `reference/`). A
//! list holds nothing that is not served.

use crate::Identity;
use crate::draw::Draw;
use crate::identity::OperatingSystem;

/// A release and what sets it apart.
pub(super) struct Persona {
    /// The line it greets with, without its end.
    pub(super) identification: &'static str,
    pub(super) exchanges: &'static str,
    pub(super) host_keys: &'static str,
    /// Extensions told after the first keys (RFC 8308), in their order.
    pub(super) extensions: Extensions,
    /// The ways to log in that a refusal names.
    pub(super) methods: &'static str,
    /// Answers OpenSSH's ping.
    pub(super) pings: bool,
    /// Tells its extensions again while somebody logs in, to a client that asks for that (`ext-info-in-auth@openssh.com`).
    pub(super) takes_extensions: bool,
    /// Takes RSA keys that sign by SHA-1 (before 8.8).
    pub(super) takes_sha1_keys: bool,
    /// Says nothing to a request for a service that is not whole (before 8.3), where later releases end.
    pub(super) forgives_service: bool,
}

pub(super) const CIPHERS: &str = "chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,\
    aes128-gcm@openssh.com,aes256-gcm@openssh.com";
pub(super) const MACS: &str = "umac-64-etm@openssh.com,umac-128-etm@openssh.com,\
    hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha1-etm@openssh.com,\
    umac-64@openssh.com,umac-128@openssh.com,hmac-sha2-256,hmac-sha2-512,hmac-sha1";
pub(super) const COMPRESSIONS: &str = "none,zlib@openssh.com";

/// The word in a client's list of exchanges that asks for extensions.
pub(super) const WANTS_EXTENSIONS: &[u8] = b"ext-info-c";
/// The words that make an exchange strict (CVE-2023-48795).
pub(super) const STRICT_CLIENT: &[u8] = b"kex-strict-c-v00@openssh.com";
pub(super) const STRICT_SERVER: &[u8] = b"kex-strict-s-v00@openssh.com";

macro_rules! since_2020 {
    ($first:literal, $middle:literal, $last:literal) => {
        concat!(
            $first,
            "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,",
            "ecdh-sha2-nistp521,",
            $middle,
            "diffie-hellman-group-exchange-sha256,diffie-hellman-group16-sha512,",
            "diffie-hellman-group18-sha512,diffie-hellman-group14-sha256",
            $last,
            ",kex-strict-s-v00@openssh.com"
        )
    };
}

const EXCHANGES_2020: &str = since_2020!("", "", "");
const EXCHANGES_8_9: &str = since_2020!("", "sntrup761x25519-sha512@openssh.com,", "");
const EXCHANGES_9_2: &str =
    since_2020!("sntrup761x25519-sha512,sntrup761x25519-sha512@openssh.com,", "", "");
const EXCHANGES_9_6: &str = since_2020!("sntrup761x25519-sha512@openssh.com,", "", ",ext-info-s");

const HOST_KEYS_WITH_SHA1: &str =
    "rsa-sha2-512,rsa-sha2-256,ssh-rsa,ecdsa-sha2-nistp256,ssh-ed25519";
const HOST_KEYS: &str = "rsa-sha2-512,rsa-sha2-256,ecdsa-sha2-nistp256,ssh-ed25519";

/// Extensions with their values, in their order.
type Extensions = &'static [(&'static str, &'static str)];

const EXTENSIONS_8_2: Extensions = &[(
    "server-sig-algs",
    concat!(
        "ssh-ed25519,sk-ssh-ed25519@openssh.com,ssh-rsa,rsa-sha2-256,rsa-sha2-512,ssh-dss,",
        "ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,",
        "sk-ecdsa-sha2-nistp256@openssh.com"
    ),
)];
const SIGNATURES_8_4: &str = "ssh-ed25519,sk-ssh-ed25519@openssh.com,ssh-rsa,rsa-sha2-256,rsa-sha2-512,ssh-dss,\
    ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,sk-ecdsa-sha2-nistp256@openssh.com,\
    webauthn-sk-ecdsa-sha2-nistp256@openssh.com";
const EXTENSIONS_8_4: Extensions = &[("server-sig-algs", SIGNATURES_8_4)];
const EXTENSIONS_8_9: Extensions =
    &[("server-sig-algs", SIGNATURES_8_4), ("publickey-hostbound@openssh.com", "0")];
const EXTENSIONS_9_2: Extensions = &[
    (
        "server-sig-algs",
        "ssh-ed25519,sk-ssh-ed25519@openssh.com,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,\
         ecdsa-sha2-nistp521,sk-ecdsa-sha2-nistp256@openssh.com,\
         webauthn-sk-ecdsa-sha2-nistp256@openssh.com,ssh-dss,ssh-rsa,rsa-sha2-256,rsa-sha2-512",
    ),
    ("publickey-hostbound@openssh.com", "0"),
];
const EXTENSIONS_9_6: Extensions = &[
    ("server-sig-algs", SIGNATURES),
    ("publickey-hostbound@openssh.com", "0"),
    ("ping@openssh.com", "0"),
];
/// What sshd_config lets users sign with, told while somebody logs in.
pub(super) const SIGNATURES: &str = "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,\
    sk-ssh-ed25519@openssh.com,sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-512,rsa-sha2-256";
/// What sshd_config of Debian and Ubuntu leaves: keyboard-interactive is turned off there.
const METHODS: &str = "publickey,password";
const METHODS_WITH_KEYBOARD: &str = "publickey,password,keyboard-interactive";

impl Persona {
    /// The release that belongs to this machine.
    pub(super) fn of(identity: &Identity) -> Self {
        // Some owners turn it on.
        let keyboard = Draw::new(identity.seed(), "ssh keyboard-interactive").below(0, 4) == 0;
        let methods = if keyboard { METHODS_WITH_KEYBOARD } else { METHODS };
        let (identification, exchanges, host_keys, extensions, takes_extensions) =
            match identity.operating_system() {
                OperatingSystem::Ubuntu20 => (
                    "SSH-2.0-OpenSSH_8.2p1 Ubuntu-4ubuntu0.13",
                    EXCHANGES_2020,
                    HOST_KEYS_WITH_SHA1,
                    EXTENSIONS_8_2,
                    false,
                ),
                OperatingSystem::Debian11 => (
                    "SSH-2.0-OpenSSH_8.4p1 Debian-5+deb11u7",
                    EXCHANGES_2020,
                    HOST_KEYS_WITH_SHA1,
                    EXTENSIONS_8_4,
                    false,
                ),
                OperatingSystem::Ubuntu22 => (
                    "SSH-2.0-OpenSSH_8.9p1 Ubuntu-3ubuntu0.18",
                    EXCHANGES_8_9,
                    HOST_KEYS,
                    EXTENSIONS_8_9,
                    false,
                ),
                OperatingSystem::Debian12 => (
                    "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10",
                    EXCHANGES_9_2,
                    HOST_KEYS,
                    EXTENSIONS_9_2,
                    false,
                ),
                OperatingSystem::Ubuntu24 => (
                    "SSH-2.0-OpenSSH_9.6p1 Ubuntu-3ubuntu13.20",
                    EXCHANGES_9_6,
                    HOST_KEYS,
                    EXTENSIONS_9_6,
                    true,
                ),
            };
        Self {
            identification,
            exchanges,
            host_keys,
            extensions,
            methods,
            pings: takes_extensions,
            takes_extensions,
            takes_sha1_keys: host_keys == HOST_KEYS_WITH_SHA1,
            forgives_service: identity.operating_system() == OperatingSystem::Ubuntu20,
        }
    }

    /// Whether it makes an exchange strict where the client does.
    pub(super) fn is_strict(&self) -> bool {
        super::wire::names(self.exchanges.as_bytes()).any(|name| name == STRICT_SERVER)
    }

    /// Whether it knows the method by which a key's signature holds the host key.
    pub(super) fn binds_keys(&self) -> bool {
        self.extensions.iter().any(|(name, _)| *name == "publickey-hostbound@openssh.com")
    }

    /// The host key algorithms offered: those of the keys that are there.
    pub(super) fn host_key_names(&self, has_rsa: bool) -> String {
        let is_offered = |name: &&str| has_rsa || !name.contains("rsa");
        self.host_keys.split(',').filter(is_offered).collect::<Vec<_>>().join(",")
    }
}
