//! Only the owner reads what a sensor has collected: the folder is 0700 and the database 0600, with its lock and the two files that SQLite
//! puts beside it (it gives them the database's own mode, but files of an earlier start keep theirs). A folder that holds
//! anything but Kizashi's files, such as a home, is left as it is, and that is said.

use std::fs::{OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use crate::StoreError;
use crate::error::not_written;
use crate::schema::FILE;

/// What every file of ours is called at its beginning.
const OURS: &str = "kizashi";
/// Held by the one who writes.
pub(crate) const LOCK: &str = "kizashi.lock";
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Makes the database where there is none, and closes to others what was open to them.
pub(crate) fn close_to_others(folder: &Path) -> Result<(), StoreError> {
    let database = folder.join(FILE);
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(FILE_MODE)
        .open(&database)
        .map_err(|error| not_written(&database, &error))?;
    let beside = ["-wal", "-shm"].map(|ending| format!("{FILE}{ending}"));
    for name in beside.iter().map(String::as_str).chain([FILE, LOCK]) {
        let path = folder.join(name);
        tighten(&path, FILE_MODE).map_err(|error| not_written(&path, &error))?;
    }
    if holds_only_ours(folder).map_err(|error| not_written(folder, &error))? {
        tighten(folder, FOLDER_MODE).map_err(|error| not_written(folder, &error))
    } else {
        if is_open(folder).map_err(|error| not_written(folder, &error))? {
            tracing::warn!(
                "{} can be listed by others and holds more than Kizashi's data, so it was left so; give Kizashi a folder of its own",
                folder.display()
            );
        }
        Ok(())
    }
}

fn holds_only_ours(folder: &Path) -> io::Result<bool> {
    for entry in std::fs::read_dir(folder)? {
        if !entry?.file_name().to_string_lossy().starts_with(OURS) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_open(path: &Path) -> io::Result<bool> {
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o077 != 0)
}

fn tighten(path: &Path, mode: u32) -> io::Result<()> {
    match is_open(path) {
        Ok(false) => Ok(()),
        Ok(true) => {
            tracing::info!("{} was open to others and is not any more", path.display());
            std::fs::set_permissions(path, Permissions::from_mode(mode))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn open_to_all(path: &Path, mode: u32) {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_store_is_its_owners_alone_also_where_it_was_open_before() {
        let folder = crate::scratch::Folder::new();
        open_to_all(folder.path(), 0o755);
        for name in ["kizashi.db", "kizashi.db-wal", "kizashi.db-shm", "kizashi.lock"] {
            std::fs::write(folder.path().join(name), "").unwrap();
            open_to_all(&folder.path().join(name), 0o644);
        }
        let store = crate::Store::open(folder.path(), crate::Settings::default()).unwrap();
        store.flush().unwrap();
        assert_eq!(mode(folder.path()), 0o700);
        let mut seen = 0;
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path), 0o600, "{}", path.display());
            seen += 1;
        }
        assert!(seen >= 4, "database, log, index and lock: {seen}");
    }

    #[test]
    fn a_folder_with_other_peoples_files_keeps_its_mode() {
        let folder = crate::scratch::Folder::new();
        open_to_all(folder.path(), 0o755);
        std::fs::write(folder.path().join("letters.txt"), "").unwrap();
        close_to_others(folder.path()).unwrap();
        assert_eq!(mode(folder.path()), 0o755);
        assert_eq!(mode(&folder.path().join(FILE)), 0o600);
    }
}
