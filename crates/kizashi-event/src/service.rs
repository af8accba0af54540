//! The application protocol spoken: `ssh`, `http`, `smb`. A lower-case word, as in ECS `network.protocol`, so that a log of
//! a honeypot with services of its own needs no change here.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of an application protocol: lower-case ASCII letters, digits, `-` and `_`, at most 32 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct Service(Cow<'static, str>);

/// Names met in every log, which then cost no allocation.
const KNOWN: &[&str] = &[
    "adb",
    "dns",
    "elasticsearch",
    "epmap",
    "ftp",
    "http",
    "https",
    "imap",
    "ldap",
    "memcached",
    "mongodb",
    "mqtt",
    "mssql",
    "mysql",
    "ntp",
    "pop3",
    "postgresql",
    "pptp",
    "printer",
    "radmin",
    "rdp",
    "redis",
    "sip",
    "smb",
    "smtp",
    "snmp",
    "socks",
    "ssh",
    "telnet",
    "tftp",
    "tls",
    "unknown",
    "upnp",
    "vnc",
];

impl Service {
    /// Nothing recognised.
    pub const UNKNOWN: Self = Self::known("unknown");

    /// A service whose name is written in the source: for constants.
    #[must_use]
    pub const fn known(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// The service of this name, brought to lower case; characters that no name has are dropped, an empty rest is
    /// [`Self::UNKNOWN`].
    #[must_use]
    pub fn named(name: &str) -> Self {
        if let Some(known) = KNOWN.iter().find(|known| **known == name) {
            return Self::known(known);
        }
        let clean: String = name
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
            .take(32)
            .map(|c| c.to_ascii_lowercase())
            .collect();
        match KNOWN.iter().find(|known| **known == clean) {
            Some(known) => Self::known(known),
            None if clean.is_empty() => Self::UNKNOWN,
            None => Self(Cow::Owned(clean)),
        }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl From<String> for Service {
    fn from(name: String) -> Self {
        Self::named(&name)
    }
}

impl fmt::Display for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_becomes_a_harmless_word() {
        assert_eq!(Service::named("SSH"), Service::known("ssh"));
        assert_eq!(Service::named("\u{1b}[31mFoo-Bar").name(), "31mfoo-bar");
        assert_eq!(Service::named("兆"), Service::UNKNOWN);
        assert!(Service::named(&"a".repeat(999)).name().len() <= 32);
    }
}
