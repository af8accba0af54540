//! What only the owner and a receiver know: tokens, passwords, addresses that are themselves the key (Slack's, Discord's). A setting holds the
//! secret itself, `file:/a/path` or `env:A_NAME`; what is read there is trimmed. It is in no log and no `Debug`.

use std::io::Read as _;

use serde::{Deserialize, Serialize};

/// Bytes of a secret at most.
const LONGEST: u64 = 4_096;

/// A text that comes into no log.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The secret itself.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// Puts what a file or the environment holds in its place.
    ///
    /// # Errors
    /// In half a sentence, when there is nothing.
    pub fn resolve(&mut self) -> Result<(), String> {
        let found = if let Some(path) = self.0.strip_prefix("file:") {
            let mut text = String::new();
            let file = std::fs::File::open(path)
                .and_then(|file| file.take(LONGEST + 1).read_to_string(&mut text));
            file.map_err(|error| format!("its file {path} cannot be read ({error})"))?;
            text
        } else if let Some(name) = self.0.strip_prefix("env:") {
            std::env::var(name).map_err(|_| format!("the environment has no {name}"))?
        } else {
            self.0.clone()
        };
        let found = found.trim();
        if found.is_empty() || found.len() as u64 > LONGEST {
            return Err(format!("a secret has 1 to {LONGEST} bytes"));
        }
        self.0 = found.to_owned();
        Ok(())
    }

    /// Whether it stands elsewhere.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.0.starts_with("file:") || self.0.starts_with("env:")
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_comes_from_a_file_or_the_environment_and_shows_nowhere() {
        let path = std::env::temp_dir().join(format!("kizashi-secret-{}", std::process::id()));
        std::fs::write(&path, "  hunter2\n").unwrap();
        let mut secret = Secret::from(format!("file:{}", path.display()).as_str());
        assert!(secret.is_elsewhere());
        secret.resolve().unwrap();
        assert_eq!((secret.text(), format!("{secret:?}").as_str()), ("hunter2", "Secret(…)"));
        std::fs::remove_file(&path).unwrap();
        let home = std::env::var("PATH").unwrap();
        let mut secret = Secret::from("env:PATH");
        secret.resolve().unwrap();
        assert_eq!(secret.text(), home);
    }

    #[test]
    fn a_secret_that_is_not_there_is_told_without_guessing() {
        for text in ["file:/nowhere/at/all", "env:KIZASHI_NO_SUCH_NAME", "", "  "] {
            assert!(Secret::from(text).resolve().is_err(), "{text}");
        }
    }
}
