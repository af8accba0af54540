//! Which traps the owner turned on or off on the dashboard's page. That stands over the configuration file and is kept in the data folder, in a file of
//! its own: whoever binds the ports at a start has no store yet. The supervisor alone writes it, after it has looked at each name; at a start by root
//! it is read with root's rights from a folder that is another user's, so no link is followed and nothing but names of traps is taken from it.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use kizashi_traps::trap_named;
use serde::{Deserialize, Serialize};

/// The file in the data folder.
pub(crate) const FILE: &str = "kizashi-traps.json";
/// Bytes of it; every trap's name takes some 1,500.
const LONGEST: u64 = 64 * 1024;
/// Characters of a name that are shown where there is no such trap.
const SHOWN: usize = 40;

/// By a trap's name, whether it is to be on; a trap that is not in it is as the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct ChosenTraps(BTreeMap<String, bool>);

impl ChosenTraps {
    /// What was chosen of a trap.
    pub(crate) fn of(&self, name: &str) -> Option<bool> {
        self.0.get(name).copied()
    }

    /// The traps that were turned off.
    pub(crate) fn off(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, on)| !**on).map(|(name, _)| name.as_str())
    }

    /// The traps that were turned on.
    pub(crate) fn on(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, on)| **on).map(|(name, _)| name.as_str())
    }

    /// The same after a change; nothing gives a trap back to the file.
    ///
    /// # Errors
    /// In a sentence, where there is no such trap.
    pub(crate) fn changed(&self, change: &BTreeMap<String, Option<bool>>) -> Result<Self, String> {
        let mut next = self.clone();
        for (name, wish) in change {
            if trap_named(name).is_none() {
                let shown: String = name.chars().take(SHOWN).collect();
                return Err(format!("there is no trap {shown:?}; /api/v1/health lists all"));
            }
            match wish {
                Some(on) => next.0.insert(name.clone(), *on),
                None => next.0.remove(name),
            };
        }
        Ok(next)
    }

    /// Whether each name is a trap's.
    pub(crate) fn is_of_traps(&self) -> bool {
        self.0.keys().all(|name| trap_named(name).is_some())
    }

    /// Names on which two choices differ.
    pub(crate) fn differ(&self, other: &Self, name: &str) -> bool {
        self.of(name) != other.of(name)
    }

    /// What was chosen over these data; nothing where nothing was, or what is there cannot be read.
    pub(crate) fn read(data: &Path) -> Self {
        match read(&data.join(FILE)) {
            // A trap that this version does not know any more is nobody's business.
            Ok(Self(all)) => {
                Self(all.into_iter().filter(|(name, _)| trap_named(name).is_some()).collect())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::default(),
            Err(error) => {
                tracing::warn!(
                    "which traps the page turned on or off cannot be read ({error}): they are as the configuration file says; {FILE} in the data folder may be removed"
                );
                Self::default()
            }
        }
    }

    /// Keeps it for the next start.
    pub(crate) fn write(&self, data: &Path) -> io::Result<()> {
        let (path, beside) = (data.join(FILE), data.join(format!(".{FILE}.new")));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(&beside)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()?;
        std::fs::rename(&beside, &path)
    }
}

fn read(path: &Path) -> io::Result<ChosenTraps> {
    let mut bytes = Vec::new();
    // A pipe in its place would have a start wait for ever.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    file.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return Err(io::Error::other("it is longer than any of ours"));
    }
    serde_json::from_slice(&bytes).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(std::path::PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder =
                std::env::temp_dir().join(format!("kizashi-chosen-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn change(of: &[(&str, Option<bool>)]) -> BTreeMap<String, Option<bool>> {
        of.iter().map(|(name, wish)| ((*name).to_owned(), *wish)).collect()
    }

    #[test]
    fn what_is_chosen_outlives_a_restart_and_is_given_back_to_the_file() {
        let folder = Folder::new("kept");
        assert_eq!(ChosenTraps::read(&folder.0), ChosenTraps::default());
        let chosen = ChosenTraps::default()
            .changed(&change(&[("ssh", Some(false)), ("snmp", Some(true))]))
            .unwrap();
        chosen.write(&folder.0).unwrap();
        let again = ChosenTraps::read(&folder.0);
        assert_eq!(
            (again.of("ssh"), again.of("snmp"), again.of("http")),
            (Some(false), Some(true), None)
        );
        assert_eq!(again.off().collect::<Vec<_>>(), ["ssh"]);
        assert_eq!(again.changed(&change(&[("ssh", None)])).unwrap().of("ssh"), None);
    }

    #[test]
    fn a_name_that_no_trap_has_is_refused_in_a_sentence_however_long_it_is() {
        let name = format!("../ssh\u{1b}{}", "x".repeat(7_000));
        let refused = ChosenTraps::default().changed(&change(&[(&name, Some(true))])).unwrap_err();
        assert!(refused.len() < 200 && !refused.contains('\u{1b}'), "{refused}");
    }

    #[test]
    fn nothing_but_names_of_traps_is_taken_from_the_file_and_no_link_is_followed() {
        let folder = Folder::new("hostile");
        let path = folder.0.join(FILE);
        std::fs::write(&path, br#"{"ssh": false, "no-such-trap": true}"#).unwrap();
        let read = ChosenTraps::read(&folder.0);
        assert!(read.is_of_traps() && read.of("ssh") == Some(false));
        for broken in [&b"{"[..], b"[1]", b"{\"ssh\": \"x\"}", &[b' '; 70_000]] {
            std::fs::write(&path, broken).unwrap();
            assert_eq!(ChosenTraps::read(&folder.0), ChosenTraps::default());
        }
        let elsewhere = folder.0.join("elsewhere");
        std::fs::write(&elsewhere, br#"{"ssh": false}"#).unwrap();
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
        assert_eq!(ChosenTraps::read(&folder.0), ChosenTraps::default());
    }
}
