//! The greeting of each product's packages and what a client answers to it. MariaDB's come without a certificate and so without TLS; MySQL
//! makes one when it is first started. Compression, which all offer, is not offered here.

use super::password::SCRAMBLE;
use super::wire::Fields;
use crate::Identity;
use crate::identity::OperatingSystem;
use crate::sql::MysqlRelease;

pub(super) const NATIVE: &[u8] = b"mysql_native_password";
pub(super) const SHA2: &[u8] = b"caching_sha2_password";
pub(super) const CLEAR: &[u8] = b"mysql_clear_password";

pub(super) const CONNECT_WITH_DATABASE: u64 = 1 << 3;
pub(super) const PROTOCOL_41: u64 = 1 << 9;
const TLS: u64 = 1 << 11;
pub(super) const SECURE_CONNECTION: u64 = 1 << 15;
const PLUGIN: u64 = 1 << 19;
const ATTRIBUTES: u64 = 1 << 20;
const LONG_ANSWER: u64 = 1 << 21;
const MYSQL: u64 = 1;
pub(super) const MULTI_STATEMENTS: u64 = 1 << 16;
pub(super) const DEPRECATE_EOF: u64 = 1 << 24;
/// MySQL 8's: a result may come without its columns' descriptions, a statement with attributes.
pub(super) const OPTIONAL_METADATA: u64 = 1 << 25;
pub(super) const QUERY_ATTRIBUTES: u64 = 1 << 27;
/// MariaDB's own, from bit 32 on.
pub(super) const EXTENDED_METADATA: u64 = 1 << 35;
pub(super) const CACHE_METADATA: u64 = 1 << 36;

/// Most attributes that are looked at.
const ATTRIBUTES_READ: usize = 24;

/// Bytes of the packet that asks for TLS: a response without anybody's name.
const TLS_REQUEST: usize = 32;

/// What this installation's server offers: all that its package does but compression.
pub(super) fn offered(identity: &Identity) -> u64 {
    let (lower, upper, own) = match (identity.mysql_release(), identity.operating_system()) {
        (MysqlRelease::V5_7, _) => (0xffdf, 0xc1ff, 0),
        (MysqlRelease::V8_4, _) => (0xffdf, 0xdbff, 0),
        (_, OperatingSystem::Ubuntu20) => (0xf7de, 0x81bf, 0x07),
        (_, OperatingSystem::Debian11) => (0xf7de, 0x81ff, 0x0f),
        _ => (0xf7de, 0x81ff, 0x1d),
    };
    lower | upper << 16 | own << 32
}

/// How passwords are asked for.
pub(super) const fn default_plugin(release: MysqlRelease) -> &'static [u8] {
    match release {
        MysqlRelease::V8_4 => SHA2,
        _ => NATIVE,
    }
}

/// Whether this is the packet that asks for TLS, where that is offered.
pub(super) fn asks_for_tls(identity: &Identity, content: &[u8]) -> bool {
    let capabilities = Fields(content).number(4).unwrap_or(0);
    content.len() == TLS_REQUEST && capabilities & offered(identity) & TLS != 0
}

/// The first packet.
pub(super) fn greeting(identity: &Identity, connection: u32, scramble: &[u8; SCRAMBLE]) -> Vec<u8> {
    let release = identity.mysql_release();
    let (version, _) = release.version(identity.web_server());
    let offered = offered(identity).to_le_bytes();
    let mut out = vec![10];
    if release.is_mariadb() {
        // Replicas of MySQL 5.5 stopped at a version that began with 10.
        out.extend_from_slice(b"5.5.5-");
    }
    out.extend_from_slice(version.as_bytes());
    out.push(0);
    out.extend_from_slice(&connection.to_le_bytes());
    out.extend_from_slice(&scramble[..8]);
    out.push(0);
    out.extend_from_slice(&offered[..2]);
    // utf8mb4_general_ci, latin1_swedish_ci, utf8mb4_0900_ai_ci.
    out.push(match release {
        MysqlRelease::MariaDb => 45,
        MysqlRelease::V5_7 => 8,
        MysqlRelease::V8_4 => 255,
    });
    // Autocommit.
    out.extend_from_slice(&[2, 0]);
    out.extend_from_slice(&offered[2..4]);
    out.push(21);
    out.extend_from_slice(&[0; 6]);
    out.extend_from_slice(&offered[4..]);
    out.extend_from_slice(&scramble[8..]);
    out.push(0);
    out.extend_from_slice(default_plugin(release));
    out.push(0);
    out
}

/// What a client says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) capabilities: u64,
    pub(super) user: Vec<u8>,
    pub(super) answer: Vec<u8>,
    pub(super) database: Vec<u8>,
    pub(super) plugin: Vec<u8>,
    pub(super) attributes: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Response {
    /// `None` of what is no response of protocol 4.1.
    pub(super) fn read(offered: u64, content: &[u8]) -> Option<Self> {
        let mut fields = Fields(content);
        let mut capabilities = fields.number(4)?;
        fields.take(5 + 19)?;
        let own = fields.number(4)?;
        if capabilities & PROTOCOL_41 == 0 {
            return None;
        }
        if capabilities & MYSQL == 0 {
            capabilities |= own << 32;
        }
        capabilities &= offered | MYSQL;
        let user = fields.until_zero()?.to_vec();
        let answer = if capabilities & LONG_ANSWER != 0 {
            fields.text()?
        } else if capabilities & SECURE_CONNECTION != 0 {
            let length = fields.number(1)?;
            fields.take(usize::try_from(length).ok()?)?
        } else {
            fields.until_zero()?
        };
        let mut response = Self { capabilities, user, answer: answer.to_vec(), ..Self::default() };
        if capabilities & CONNECT_WITH_DATABASE != 0 {
            response.database = fields.until_zero().unwrap_or_default().to_vec();
        }
        if capabilities & PLUGIN != 0 {
            response.plugin = fields.until_zero().unwrap_or_default().to_vec();
        }
        if capabilities & ATTRIBUTES != 0 {
            let mut pairs = Fields(fields.text().unwrap_or_default());
            while response.attributes.len() < ATTRIBUTES_READ {
                let (Some(name), Some(value)) = (pairs.text(), pairs.text()) else { break };
                response.attributes.push((name.to_vec(), value.to_vec()));
            }
        }
        Some(response)
    }

    /// The client's own words of what it is: `libmariadb 3.3.14 Linux`.
    pub(super) fn client(&self) -> Vec<u8> {
        let value = |wanted: &[u8]| {
            let found = self.attributes.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.as_slice()).filter(|value| !value.is_empty())
        };
        let names: [&[u8]; 4] = [b"program_name", b"_client_name", b"_client_version", b"_os"];
        names.into_iter().filter_map(value).collect::<Vec<_>>().join(&b' ')
    }
}

/// A response of this account's with its password in the clear, as clients send it that were told to.
pub(super) fn clear_response(account: &crate::http::Account<'_>) -> Vec<u8> {
    let capabilities =
        CONNECT_WITH_DATABASE | PROTOCOL_41 | SECURE_CONNECTION | PLUGIN | MULTI_STATEMENTS;
    let length = u8::try_from(account.password.len() + 1).unwrap_or(0);
    let mut out = (capabilities | MYSQL).to_le_bytes()[..4].to_vec();
    out.extend_from_slice(&[0, 0, 0, 1, 45]);
    out.extend_from_slice(&[0; 23]);
    for (text, end) in [
        (account.name.as_str(), &[0, length][..]),
        (account.password, &[0]),
        (account.database, &[0]),
    ] {
        out.extend_from_slice(text.as_bytes());
        out.extend_from_slice(end);
    }
    out.extend_from_slice(CLEAR);
    out.push(0);
    out
}
