//! How the TLS of one named product behaves: versions, suites, who chooses, what is acknowledged. Measured on nginx 1.22.1 and Apache
//! httpd 2.4 of Debian 12 with OpenSSL 3.0.19 (`sslscan`, raw hellos); the others by their packages' configuration and sources:
//!
//! - nginx of Debian and Ubuntu is configured for TLS 1.0 to 1.3 and its own order. OpenSSL 3 at its default security level, and
//!   Ubuntu's patched 1.1.1, leave 1.2 and 1.3 of that. Debian 11's 1.1.1 forbids the older two only by `MinProtocol` in `openssl.cnf`,
//!   which nginx sets back (`SSL_CTX_set_min_proto_version(ctx, 0)`): it takes all four.
//! - Apache httpd lets the client choose, acknowledges no server name without a virtual host of it, gives no tickets
//!   (`SSLSessionTickets off`), and answers `http/1.1` whatever protocol was offered.
//! - nginx names `http/1.1`; since 1.21.4 `http/1.0` and `http/0.9` too, and then refuses who offers none of them.
//! - Postfix leaves the choice to the client, has parameters for prime fields compiled in, and knows no protocols inside (ALPN).
//! - Windows' Schannel chooses by its own order and has TLS 1.0 to 1.2; extended master secrets came with 2016's updates.
//! - PostgreSQL chooses itself, on the curve P-256 alone (`ssl_ecdh_curve`), with prime fields compiled in and without tickets.
//! - MongoDB leaves the choice to the client and turns TLS 1.0 and 1.1 off itself.
//! - vsftpd leaves the choice to the client, on the curve P-256 alone, without parameters for prime fields.
//! - MySQL leaves the choice to the client; 8.4 takes suites with forward secrecy alone.
//! - A device has an OpenSSL of the 1.0 line: TLS 1.0 to 1.2, no X25519, no extended master secret, no signal against downgrades.

use super::key_exchange::{Group, Prime};
use super::record::{TLS_1_0, TLS_1_2, TLS_1_3};
use crate::identity::WebServer;
use crate::sql::MysqlRelease;

/// Whose behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Product {
    /// A web server of this installation.
    Server(WebServer),
    /// The mail servers beside it, which have its certificate.
    Mail(WebServer),
    /// The FTP server, with the same certificate.
    Files(WebServer),
    /// MongoDB, with the same certificate.
    Documents(WebServer),
    /// PostgreSQL, with the same certificate.
    Database(WebServer),
    /// The router, camera or recorder beside it.
    Device,
    /// SQL Server on the Windows machine beside it, with the certificate that it makes when it has none.
    SqlServer,
    /// Remote Desktop on the same.
    RemoteDesktop,
    /// MySQL, with the certificate that it makes itself.
    MySql(MysqlRelease),
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
    /// Suites with a prime field before TLS 1.3: httpd has parameters of its own (`SSL_CTX_set_dh_auto`), nginx none unless it is given some.
    pub(super) finite: bool,
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

/// `HIGH:!aNULL` as OpenSSL sorts it, without DSA, SRP and keys shared before.
const HIGH: &[u16] = &[
    0xc02c, 0xc030, 0x009f, 0xcca9, 0xcca8, 0xccaa, 0xc0af, 0xc0ad, 0xc0a3, 0xc09f, 0xc05d, 0xc061,
    0xc053, 0xc02b, 0xc02f, 0x009e, 0xc0ae, 0xc0ac, 0xc0a2, 0xc09e, 0xc05c, 0xc060, 0xc052, 0xc024,
    0xc028, 0x006b, 0xc073, 0xc077, 0x00c4, 0xc023, 0xc027, 0x0067, 0xc072, 0xc076, 0x00be, 0xc00a,
    0xc014, 0x0039, 0x0088, 0xc009, 0xc013, 0x0033, 0x0045, 0x009d, 0xc0a1, 0xc09d, 0xc051, 0x009c,
    0xc0a0, 0xc09c, 0xc050, 0x003d, 0x00c0, 0x003c, 0x00ba, 0x0035, 0x0084, 0x002f, 0x0041,
];

/// The default of MySQL 8.4 (`ssl_cipher` in its manual): what keeps a recorded conversation closed.
const FORWARD: &[u16] = &[
    0xc02b, 0xc02c, 0xc02f, 0xc030, 0xcca9, 0xcca8, 0xc0ad, 0xc0ac, 0x009e, 0x009f, 0xc09f, 0xc09e,
    0xccaa,
];

/// What OpenSSL 1.0.2 has of it, by the length of keys first.
const OLD: &[u16] = &[
    0xc02c, 0xc030, 0xc024, 0xc028, 0xc00a, 0xc014, 0x009d, 0x003d, 0x0035, 0xc02b, 0xc02f, 0xc023,
    0xc027, 0xc009, 0xc013, 0x009c, 0x003c, 0x002f,
];

/// Schannel of Windows Server 2008 R2 to 2016 in its order, as far as it is known here (Microsoft, "TLS Cipher Suites in Windows 8.1").
const SCHANNEL: &[u16] = &[
    0xc02c, 0xc02b, 0xc030, 0xc02f, 0x009f, 0x009e, 0xc024, 0xc023, 0xc028, 0xc027, 0xc00a, 0xc009,
    0xc014, 0xc013, 0x009d, 0x009c, 0x003d, 0x003c, 0x0035, 0x002f,
];

/// The groups of OpenSSL 3 in its order; those of prime fields are TLS 1.3's.
const GROUPS: &[Group] = &[
    Group::X25519,
    Group::P256,
    Group::X448,
    Group::P521,
    Group::P384,
    Group::Finite(Prime::Ffdhe2048),
    Group::Finite(Prime::Ffdhe3072),
    Group::Finite(Prime::Ffdhe4096),
    Group::Finite(Prime::Ffdhe6144),
    Group::Finite(Prime::Ffdhe8192),
];

/// Those of OpenSSL 1.1.1.
const GROUPS_1_1_1: &[Group] = &[Group::X25519, Group::P256, Group::X448, Group::P521, Group::P384];

impl Product {
    #[expect(clippy::too_many_lines, reason = "the products themselves")]
    pub(super) fn profile(self) -> Profile {
        let base = Profile {
            versions: (TLS_1_2, TLS_1_3),
            modern_suites: OF_1_3,
            suites: HIGH,
            groups: GROUPS,
            finite: false,
            chooses: true,
            http2: false,
            protocols: &["http/1.1"],
            no_match: NoMatch::Silent,
            acknowledges_name: true,
            gives_tickets: true,
            since_1_1: true,
        };
        let apache = Profile {
            finite: true,
            chooses: false,
            no_match: NoMatch::Favourite,
            acknowledges_name: false,
            gives_tickets: false,
            ..base
        };
        match self {
            Self::Server(WebServer::NginxDebian11) => {
                Profile { versions: (TLS_1_0, TLS_1_3), groups: GROUPS_1_1_1, ..base }
            }
            Self::Server(WebServer::NginxUbuntu20) => Profile { groups: GROUPS_1_1_1, ..base },
            Self::Server(WebServer::NginxUbuntu22) => base,
            Self::Server(WebServer::NginxDebian12) => Profile {
                protocols: &["http/1.1", "http/1.0", "http/0.9"],
                no_match: NoMatch::Refused,
                ..base
            },
            Self::Server(WebServer::ApacheDebian12 | WebServer::ApacheUbuntu24) => apache,
            Self::Mail(server) => Profile {
                finite: true,
                chooses: false,
                protocols: &[],
                no_match: NoMatch::Silent,
                gives_tickets: true,
                ..Self::Server(server).profile()
            },
            Self::Documents(server) => Profile {
                versions: (TLS_1_2, TLS_1_3),
                finite: true,
                chooses: false,
                protocols: &[],
                no_match: NoMatch::Silent,
                acknowledges_name: false,
                ..Self::Server(server).profile()
            },
            Self::Files(server) => Profile {
                groups: &[Group::P256],
                chooses: false,
                protocols: &[],
                no_match: NoMatch::Silent,
                acknowledges_name: false,
                ..Self::Server(server).profile()
            },
            Self::SqlServer | Self::RemoteDesktop => Profile {
                versions: (TLS_1_0, TLS_1_2),
                suites: SCHANNEL,
                groups: &[Group::X25519, Group::P256, Group::P384],
                protocols: &[],
                acknowledges_name: false,
                gives_tickets: false,
                ..base
            },
            Self::Database(server) => Profile {
                finite: true,
                groups: &[Group::P256],
                protocols: &[],
                no_match: NoMatch::Silent,
                gives_tickets: false,
                ..Self::Server(server).profile()
            },
            // 5.7's code knows no TLS 1.3, whatever it is linked with; neither sets an order of its own.
            Self::MySql(release) => {
                let old = release == MysqlRelease::V5_7;
                Profile {
                    versions: if old { (TLS_1_0, TLS_1_2) } else { (TLS_1_2, TLS_1_3) },
                    suites: if old { HIGH } else { FORWARD },
                    groups: if old { GROUPS_1_1_1 } else { GROUPS },
                    finite: true,
                    chooses: false,
                    protocols: &[],
                    acknowledges_name: false,
                    ..base
                }
            }
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
