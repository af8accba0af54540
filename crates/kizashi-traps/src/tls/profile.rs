//! How the TLS of one named product behaves: versions, suites, who chooses, what is acknowledged. Measured on nginx 1.22.1 and Apache
//! httpd 2.4 of Debian 12 with OpenSSL 3.0.19 (`sslscan`, raw hellos); the others by their packages' configuration and sources:
//!
//! - nginx of Debian and Ubuntu is configured for TLS 1.0 to 1.3 and its own order. OpenSSL 3 at its default security level, and
//!   Ubuntu's patched 1.1.1, leave 1.2 and 1.3 of that. Debian 11's 1.1.1 forbids the older two only by `MinProtocol` in `openssl.cnf`,
//!   which nginx sets back (`SSL_CTX_set_min_proto_version(ctx, 0)`): it takes all four.
//! - Apache httpd lets the client choose, acknowledges no server name without a virtual host of it, gives no tickets
//!   (`SSLSessionTickets off`), and answers `http/1.1` whatever protocol was offered.
//! - nginx names `http/1.1`; since 1.21.4 `http/1.0` and `http/0.9` too, and then refuses who offers none of them.
//! - A device has an OpenSSL of the 1.0 line: TLS 1.0 to 1.2, no X25519, no extended master secret, no signal against downgrades.

use super::key_exchange::Group;
use super::record::{TLS_1_0, TLS_1_2, TLS_1_3};
use crate::identity::WebServer;

/// Whose behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Product {
    /// A web server of this installation.
    Server(WebServer),
    /// The router, camera or recorder beside it.
    Device,
}

/// What a product does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Profile {
    /// The first and the last version.
    pub(super) versions: (u16, u16),
    /// Suites of TLS 1.3 and of before, the favourite first.
    pub(super) modern_suites: &'static [u16],
    pub(super) suites: &'static [u16],
    pub(super) groups: &'static [Group],
    /// Its order decides, not the client's.
    pub(super) chooses: bool,
    /// `h2` goes before the others: `listen … http2` of nginx, httpd's `http2` module.
    pub(super) http2: bool,
    /// Protocols inside, the favourite first; with ALPN refused where none fits.
    pub(super) protocols: &'static [&'static str],
    pub(super) no_match: NoMatch,
    pub(super) acknowledges_name: bool,
    pub(super) gives_tickets: bool,
    /// Extended master secret, encrypt-then-MAC, downgrade signals: OpenSSL since 1.1.
    pub(super) since_1_1: bool,
}

/// What becomes of a client whose protocols the server does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoMatch {
    Silent,
    Refused,
    Favourite,
}

const OF_1_3: &[u16] = &[0x1302, 0x1303, 0x1301];

/// `HIGH:!aNULL` as OpenSSL sorts it, as far as it is made here.
const HIGH: &[u16] = &[
    0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc02b, 0xc02f, 0xc024, 0xc028, 0xc023, 0xc027, 0xc00a, 0xc014,
    0xc009, 0xc013, 0x009d, 0x009c, 0x003d, 0x003c, 0x0035, 0x002f,
];

/// What OpenSSL 1.0.2 has of it, by the length of keys first.
const OLD: &[u16] = &[
    0xc02c, 0xc030, 0xc024, 0xc028, 0xc00a, 0xc014, 0x009d, 0x003d, 0x0035, 0xc02b, 0xc02f, 0xc023,
    0xc027, 0xc009, 0xc013, 0x009c, 0x003c, 0x002f,
];

/// OpenSSL's groups in its order, without X448.
const GROUPS: &[Group] = &[Group::X25519, Group::P256, Group::P521, Group::P384];

impl Product {
    pub(super) fn profile(self) -> Profile {
        let base = Profile {
            versions: (TLS_1_2, TLS_1_3),
            modern_suites: OF_1_3,
            suites: HIGH,
            groups: GROUPS,
            chooses: true,
            http2: false,
            protocols: &["http/1.1"],
            no_match: NoMatch::Silent,
            acknowledges_name: true,
            gives_tickets: true,
            since_1_1: true,
        };
        let apache = Profile {
            chooses: false,
            no_match: NoMatch::Favourite,
            acknowledges_name: false,
            gives_tickets: false,
            ..base
        };
        match self {
            Self::Server(WebServer::NginxDebian11) => {
                Profile { versions: (TLS_1_0, TLS_1_3), ..base }
            }
            Self::Server(WebServer::NginxUbuntu20 | WebServer::NginxUbuntu22) => base,
            Self::Server(WebServer::NginxDebian12) => Profile {
                protocols: &["http/1.1", "http/1.0", "http/0.9"],
                no_match: NoMatch::Refused,
                ..base
            },
            Self::Server(WebServer::ApacheDebian12 | WebServer::ApacheUbuntu24) => apache,
            Self::Device => Profile {
                versions: (TLS_1_0, TLS_1_2),
                suites: OLD,
                groups: &[Group::P256, Group::P384, Group::P521],
                chooses: false,
                protocols: &[],
                acknowledges_name: false,
                since_1_1: false,
                ..base
            },
        }
    }
}
