//! `[notify]` of the configuration: where signs are told, and when. What is said of all channels counts for each that does not say
//! otherwise itself.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::civil::Time;
use kizashi_signs::Severity;
use serde::{Deserialize, Serialize};

use crate::channel::{self, Channel, Takes};
use crate::hours::{self, Hours};
use crate::{Language, Secret};

/// Channels at most.
const MOST_CHANNELS: usize = 16;
/// Characters of a channel's name.
const LONGEST_NAME: usize = 32;
/// Settings that every kind of channel has which is told of signs.
const COMMON: [&str; 11] = [
    "kind",
    "language",
    "at_least",
    "at_once",
    "digest_at",
    "quiet",
    "wakes",
    "again_hours",
    "again_from",
    "most_per_hour",
    "enabled",
];

/// `[notify]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Notify {
    /// `en` or `ja`.
    pub language: Language,
    /// Signs below this severity are not told.
    pub at_least: Severity,
    /// Signs below this one wait for the digest.
    pub at_once: Severity,
    /// When the digest is sent, local time, such as `08:00`.
    pub digest_at: String,
    /// Hours in which signs wait, local time, such as `23:00-07:00`; empty for none.
    pub quiet: String,
    /// Signs of this severity and above do not wait for quiet hours to end.
    pub wakes: Severity,
    /// After how many hours a sign is told again that nobody marked as seen, three times at most; 0 for never.
    pub again_hours: u32,
    /// Signs below this severity are not told again.
    pub again_from: Severity,
    /// Messages of one channel in an hour; what is more comes together in one.
    pub most_per_hour: u32,
    /// A file of authorities (PEM) that receivers' certificates may come from, beside the system's.
    pub authorities: Option<PathBuf>,
    /// The channels by name.
    pub channels: BTreeMap<String, ChannelSettings>,
}

impl Default for Notify {
    fn default() -> Self {
        Self {
            language: Language::English,
            at_least: Severity::Low,
            at_once: Severity::Medium,
            digest_at: "08:00".to_owned(),
            quiet: String::new(),
            wakes: Severity::Critical,
            again_hours: 12,
            again_from: Severity::High,
            most_per_hour: 12,
            authorities: None,
            channels: BTreeMap::new(),
        }
    }
}

/// `[notify.channels.NAME]`; which settings a kind takes stands in its file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChannelSettings {
    pub(crate) kind: String,
    pub(crate) enabled: Option<bool>,
    pub(crate) language: Option<Language>,
    pub(crate) at_least: Option<Severity>,
    pub(crate) at_once: Option<Severity>,
    pub(crate) digest_at: Option<String>,
    pub(crate) quiet: Option<String>,
    pub(crate) wakes: Option<Severity>,
    pub(crate) again_hours: Option<u32>,
    pub(crate) again_from: Option<Severity>,
    pub(crate) most_per_hour: Option<u32>,
    pub(crate) url: Option<Secret>,
    pub(crate) secret: Option<Secret>,
    pub(crate) token: Option<Secret>,
    pub(crate) user: Option<Secret>,
    pub(crate) password: Option<Secret>,
    pub(crate) server: Option<String>,
    pub(crate) security: Option<String>,
    pub(crate) from: Option<String>,
    pub(crate) to: Option<Vec<String>>,
    pub(crate) chat: Option<String>,
    pub(crate) topic: Option<String>,
    pub(crate) room: Option<String>,
    pub(crate) format: Option<String>,
    pub(crate) transport: Option<String>,
}

/// When one channel tells what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) at_least: Severity,
    pub(crate) at_once: Severity,
    pub(crate) digest_at: Time,
    pub(crate) quiet: Option<Hours>,
    pub(crate) wakes: Severity,
    /// Hours; nothing for never.
    pub(crate) again: Option<u32>,
    pub(crate) again_from: Severity,
    pub(crate) most_per_hour: usize,
}

/// A channel that is ready.
pub(crate) struct Ready {
    pub(crate) name: String,
    pub(crate) language: Language,
    pub(crate) policy: Policy,
    pub(crate) channel: Box<dyn Channel>,
}

impl Notify {
    /// Refuses what cannot be told by. Secrets that stand elsewhere are not looked at.
    ///
    /// # Errors
    /// In a sentence, with the name of the channel and what is allowed.
    pub fn check(&self) -> Result<(), String> {
        self.policy(&ChannelSettings::default()).map_err(|error| format!("[notify]: {error}"))?;
        if self.channels.len() > MOST_CHANNELS {
            return Err(format!("[notify] has at most {MOST_CHANNELS} channels"));
        }
        for (name, settings) in &self.channels {
            let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(is_name) {
                return Err(format!(
                    "a channel of [notify] is named by 1 to {LONGEST_NAME} letters, digits, - or _, and {name:?} is not"
                ));
            }
            self.ready(name, settings).map_err(|error| in_channel(name, &error))?;
        }
        Ok(())
    }

    /// Whether anything is told anywhere.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.channels.values().any(ChannelSettings::is_enabled)
    }

    /// Whether any channel is told of this; its settings are checked.
    #[must_use]
    pub fn tells(&self, what: Takes) -> bool {
        self.all_ready().is_ok_and(|all| all.iter().any(|ready| ready.channel.takes() == what))
    }

    /// The names of the channels that are told of signs and may be sent reports of periods.
    pub fn names_for_reports(&self) -> impl Iterator<Item = &str> {
        let takes_signs = |(name, settings): &(&String, &ChannelSettings)| {
            let ready = self.ready(name, settings);
            ready.is_ok_and(|ready| ready.channel.takes() == Takes::Signs)
        };
        self.channels.iter().filter(takes_signs).map(|(name, _)| name.as_str())
    }

    /// Reads the secrets that stand in files and in the environment.
    ///
    /// # Errors
    /// In a sentence, when one is not there.
    pub fn resolve(&mut self) -> Result<(), String> {
        for (name, channel) in self.channels.iter_mut().filter(|(_, channel)| channel.is_enabled())
        {
            let secrets = [
                ("url", &mut channel.url),
                ("secret", &mut channel.secret),
                ("token", &mut channel.token),
                ("user", &mut channel.user),
                ("password", &mut channel.password),
            ];
            for (setting, secret) in secrets {
                if let Some(secret) = secret {
                    secret
                        .resolve()
                        .map_err(|error| in_channel(name, &format!("{setting}: {error}")))?;
                }
            }
        }
        self.check()
    }

    /// The same without anything that is secret or leads anywhere, for processes that tell nothing.
    #[must_use]
    pub fn without_channels(&self) -> Self {
        Self { channels: BTreeMap::new(), ..self.clone() }
    }

    /// The names of all channels.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.channels.keys().map(String::as_str)
    }

    /// The names of those that are enabled.
    pub fn enabled_names(&self) -> impl Iterator<Item = &str> {
        let enabled = self.channels.iter().filter(|(_, channel)| channel.is_enabled());
        enabled.map(|(name, _)| name.as_str())
    }

    /// The channels that are enabled.
    pub(crate) fn all_ready(&self) -> Result<Vec<Ready>, String> {
        let enabled = self.channels.iter().filter(|(_, settings)| settings.is_enabled());
        enabled
            .map(|(name, settings)| {
                self.ready(name, settings).map_err(|error| in_channel(name, &error))
            })
            .collect()
    }

    fn ready(&self, name: &str, settings: &ChannelSettings) -> Result<Ready, String> {
        let kind = channel::kind(&settings.kind)?;
        let channel = (kind.make)(settings)?;
        let common: &[&str] = match channel.takes() {
            Takes::Signs => &COMMON,
            Takes::Sightings => &["kind", "enabled"],
        };
        settings.only(common, kind.settings)?;
        Ok(Ready {
            name: name.to_owned(),
            language: settings.language.unwrap_or(self.language),
            policy: self.policy(settings)?,
            channel,
        })
    }

    fn policy(&self, own: &ChannelSettings) -> Result<Policy, String> {
        let most_per_hour = own.most_per_hour.unwrap_or(self.most_per_hour);
        if !(1..=1_000).contains(&most_per_hour) {
            return Err("most_per_hour must be 1 to 1000".to_owned());
        }
        let again = own.again_hours.unwrap_or(self.again_hours);
        if again > 24 * 30 {
            return Err("again_hours must be at most 720, or 0 for never".to_owned());
        }
        Ok(Policy {
            at_least: own.at_least.unwrap_or(self.at_least),
            at_once: own.at_once.unwrap_or(self.at_once),
            digest_at: hours::time(own.digest_at.as_ref().unwrap_or(&self.digest_at))?,
            quiet: Hours::parse(own.quiet.as_ref().unwrap_or(&self.quiet))?,
            wakes: own.wakes.unwrap_or(self.wakes),
            again: (again > 0).then_some(again),
            again_from: own.again_from.unwrap_or(self.again_from),
            most_per_hour: usize::try_from(most_per_hour).unwrap_or(usize::MAX),
        })
    }
}

fn in_channel(name: &str, error: &str) -> String {
    format!("[notify.channels.{name}]: {error}")
}

impl ChannelSettings {
    /// Whether it is used.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.enabled.unwrap_or(true)
    }

    /// Its kind: `slack`.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Refuses what is set and means nothing to this kind.
    fn only(&self, common: &[&str], allowed: &[&str]) -> Result<(), String> {
        let all = serde_json::to_value(self).map_err(|error| error.to_string())?;
        let set = all.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        for (name, _) in set {
            if !common.contains(&name.as_str()) && !allowed.contains(&name.as_str()) {
                return Err(format!(
                    "{name} means nothing to {}, which takes {}",
                    self.kind,
                    allowed.join(", ")
                ));
            }
        }
        Ok(())
    }

    /// A secret that this kind cannot do without.
    pub(crate) fn needed<'a>(
        &self,
        name: &str,
        secret: &'a Option<Secret>,
    ) -> Result<&'a Secret, String> {
        secret
            .as_ref()
            .filter(|secret| !secret.text().is_empty())
            .ok_or_else(|| format!("{} needs {name}", self.kind))
    }

    /// A text that this kind cannot do without.
    pub(crate) fn needed_text<'a>(
        &self,
        name: &str,
        text: &'a Option<String>,
    ) -> Result<&'a str, String> {
        text.as_deref()
            .filter(|text| !text.is_empty())
            .ok_or_else(|| format!("{} needs {name}", self.kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Notify, String> {
        let notify: Notify = toml::from_str(text).map_err(|error| error.to_string())?;
        notify.check().map(|()| notify)
    }

    #[test]
    fn a_channel_says_what_it_takes_and_refuses_what_it_does_not() {
        assert!(
            read(
                "[channels.a]\nkind = \"slack\"\nurl = \"https://hooks.slack.com/services/T/B/x\""
            )
            .is_ok()
        );
        for (text, word) in [
            ("[channels.a]\nkind = \"pigeon\"", "slack"),
            ("[channels.a]\nkind = \"slack\"", "needs url"),
            (
                "[channels.a]\nkind = \"slack\"\nurl = \"https://a/\"\nroom = \"x\"",
                "room means nothing",
            ),
            ("[channels.a]\nkind = \"slack\"\nurl = \"https://a/\"\ncolour = 1", "colour"),
            ("[channels.\"a b\"]\nkind = \"slack\"\nurl = \"https://a/\"", "named by"),
            (
                "[channels.a]\nkind = \"webhook\"\nurl = \"http://example.org/\"\nsecret = \"0123456789abcdef\"",
                "https",
            ),
            ("[channels.a]\nkind = \"slack\"\nurl = \"ftp://a/\"", "https"),
            ("quiet = \"late\"", "quiet"),
            ("digest_at = \"8\"", "time"),
            ("most_per_hour = 0", "most_per_hour"),
            ("again_hours = 9999", "again_hours"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn no_secret_shows_when_settings_are_logged() {
        let notify = read(
            "[channels.a]\nkind = \"slack\"\nurl = \"https://hooks.slack.com/services/T/B/hidden\"",
        )
        .unwrap();
        assert!(!format!("{notify:?}").contains("hidden"));
    }
}
