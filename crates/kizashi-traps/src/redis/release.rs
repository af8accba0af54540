//! The releases that can be pretended: those that Debian's and Ubuntu's packages bring, with what tells one from another. 5.0.7 (Ubuntu
//! 20.04) and 6.0.16 (Debian 11, Ubuntu 22.04) give scripts the Lua table `package` (CVE-2022-0543), which 7.0.15 (Debian 12, Ubuntu
//! 24.04) does not. Words are those of each release's sources.

use super::reply::Reply;
use crate::identity::OperatingSystem;

/// A release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    /// 5.0.7 of November 2019.
    V5_0_7,
    /// 6.0.16 of October 2021.
    V6_0_16,
    /// 7.0.15 of January 2024.
    V7_0_15,
}

impl Release {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::V6_0_16, Self::V7_0_15, Self::V5_0_7];

    /// The one of this number.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|release| release.number() == name)
    }

    /// Its number, which is the word for it in configuration.
    #[must_use]
    pub const fn number(self) -> &'static str {
        match self {
            Self::V5_0_7 => "5.0.7",
            Self::V6_0_16 => "6.0.16",
            Self::V7_0_15 => "7.0.15",
        }
    }

    /// The one that a system's package brings.
    pub(crate) const fn of(system: OperatingSystem) -> Self {
        match system {
            OperatingSystem::Ubuntu20 => Self::V5_0_7,
            OperatingSystem::Debian11 | OperatingSystem::Ubuntu22 => Self::V6_0_16,
            OperatingSystem::Debian12 | OperatingSystem::Ubuntu24 => Self::V7_0_15,
        }
    }

    pub(super) const fn major(self) -> u8 {
        match self {
            Self::V5_0_7 => 5,
            Self::V6_0_16 => 6,
            Self::V7_0_15 => 7,
        }
    }

    /// Whether a thing that came with this version, such as `6.2.0`, is there.
    pub(super) fn has(self, since: &str) -> bool {
        let numbers = |text: &str| -> Vec<u32> {
            text.split('.').map(|part| part.parse().unwrap_or(0)).collect()
        };
        numbers(since) <= numbers(self.number())
    }

    /// Compiler and identifier of the package's build.
    pub(super) const fn build(self, system: OperatingSystem) -> (&'static str, &'static str) {
        let compiler = match system {
            OperatingSystem::Debian11 => "10.2.1",
            OperatingSystem::Debian12 => "12.2.0",
            OperatingSystem::Ubuntu20 => "9.3.0",
            OperatingSystem::Ubuntu22 => "11.2.0",
            OperatingSystem::Ubuntu24 => "13.2.0",
        };
        let identifier = match self {
            Self::V5_0_7 => "66bd629f924ac924",
            Self::V6_0_16 => "a3fdef44459b3ad6",
            Self::V7_0_15 => "ae4d7c971a948f0",
        };
        (compiler, identifier)
    }

    /// Whether scripts find the table `package`.
    pub(super) const fn leaks_package(self) -> bool {
        !matches!(self, Self::V7_0_15)
    }

    pub(super) fn unknown_command(self, words: &[Vec<u8>]) -> Reply {
        const MOST: usize = 128;
        // Words end where a string of C's ends.
        let quoted = |word: &[u8], room: usize| {
            let word = word.split(|byte| *byte == 0).next().unwrap_or_default();
            String::from_utf8_lossy(&word[..word.len().min(room)]).into_owned()
        };
        let name = quoted(words.first().map_or(&[][..], Vec::as_slice), MOST);
        let mut arguments = String::new();
        for word in words.iter().skip(1) {
            if arguments.len() >= MOST {
                break;
            }
            let word = quoted(word, MOST - arguments.len());
            arguments +=
                &if self.major() >= 7 { format!("'{word}' ") } else { format!("`{word}`, ") };
        }
        Reply::Error(if self.major() >= 7 {
            format!("ERR unknown command '{name}', with args beginning with: {arguments}")
        } else {
            format!("ERR unknown command `{name}`, with args beginning with: {arguments}")
        })
    }

    pub(super) fn wrong_arguments(name: &str) -> Reply {
        Reply::Error(format!("ERR wrong number of arguments for '{name}' command"))
    }

    pub(super) fn unknown_subcommand(self, command: &str, given: &[u8]) -> Reply {
        let given = String::from_utf8_lossy(&given[..given.len().min(128)]).into_owned();
        let help = command.to_ascii_uppercase();
        Reply::Error(if self.major() >= 7 {
            format!("ERR unknown subcommand '{given}'. Try {help} HELP.")
        } else {
            format!(
                "ERR Unknown subcommand or wrong number of arguments for '{given}'. Try {help} HELP."
            )
        })
    }

    /// A subcommand with too few or too many words.
    pub(super) fn wrong_subcommand(self, command: &str, given: &[u8]) -> Reply {
        if self.major() < 7 {
            return self.unknown_subcommand(command, given);
        }
        let given = String::from_utf8_lossy(given).to_ascii_lowercase();
        Self::wrong_arguments(&format!("{command}|{given}"))
    }

    pub(super) fn bad_expiry(self, command: &str) -> Reply {
        Reply::Error(if self.major() >= 7 {
            format!("ERR invalid expire time in '{command}' command")
        } else {
            format!("ERR invalid expire time in {command}")
        })
    }

    pub(super) fn no_password_is_set(self) -> Reply {
        Reply::error(if self.major() >= 6 {
            "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"
        } else {
            "ERR Client sent AUTH, but no password is set"
        })
    }

    pub(super) fn wrong_password(self) -> Reply {
        Reply::error(match self {
            Self::V5_0_7 => "ERR invalid password",
            Self::V6_0_16 => "WRONGPASS invalid username-password pair",
            Self::V7_0_15 => "WRONGPASS invalid username-password pair or user is disabled.",
        })
    }
}
