//! A file's attributes in a message, and the line of `ls -l` beside its name as `sftp-common.c` makes it.

use super::super::super::wire::{Reader, Write as _};
use crate::machine::{FileFault, FileStat, Transfer, mode_letters};

const SIZE: u32 = 1;
const OWNER: u32 = 2;
const MODE: u32 = 4;
const TIMES: u32 = 8;
const EXTENDED: u32 = 0x8000_0000;
/// Seconds within which a date is shown with its time.
const HALF_A_YEAR: i64 = 365 * 86_400 / 2;

/// What a message sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) size: Option<u64>,
    pub(super) owner: Option<(u32, u32)>,
    pub(super) mode: Option<u32>,
    pub(super) modified: Option<u32>,
}

impl Attributes {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let flags = reader.u32()?;
        let mut found = Self::default();
        if flags & SIZE != 0 {
            found.size = Some(reader.u64()?);
        }
        if flags & OWNER != 0 {
            found.owner = Some((reader.u32()?, reader.u32()?));
        }
        if flags & MODE != 0 {
            found.mode = Some(reader.u32()?);
        }
        if flags & TIMES != 0 {
            reader.u32()?;
            found.modified = Some(reader.u32()?);
        }
        if flags & EXTENDED != 0 {
            for _ in 0..reader.u32()?.min(64) {
                reader.string()?;
                reader.string()?;
            }
        }
        Some(found)
    }

    /// Sets them, each as far as the one before it could be set.
    pub(super) fn set(self, files: &Transfer, path: &[u8], follow: bool) -> Result<(), FileFault> {
        if let Some(size) = self.size {
            files.set_size(path, size)?;
        }
        if let Some(mode) = self.mode {
            files.set_mode(path, low(mode), follow)?;
        }
        if let Some(modified) = self.modified {
            files.set_time(path, i64::from(modified), follow)?;
        }
        if let Some((user, group)) = self.owner {
            files.set_owner(path, user, group, follow)?;
        }
        Ok(())
    }
}

/// Permission bits without the kind of file.
pub(super) fn low(mode: u32) -> u16 {
    u16::try_from(mode & 0o7_777).unwrap_or(0)
}

pub(super) fn put(body: &mut Vec<u8>, stat: &FileStat) {
    body.put_u32(SIZE | OWNER | MODE | TIMES);
    body.put_u64(stat.size);
    body.put_u32(stat.owner.0);
    body.put_u32(stat.owner.1);
    body.put_u32(stat.mode);
    let changed = u32::try_from(stat.modified).unwrap_or(0);
    body.put_u32(changed);
    body.put_u32(changed);
}

/// A line of `ls -l`.
pub(super) fn long_name(name: &[u8], stat: &FileStat, files: &Transfer) -> Vec<u8> {
    let (date, now) = files.date(stat.modified);
    let ages = now - stat.modified;
    let date = if (0..=HALF_A_YEAR).contains(&ages) {
        format!("{} {:>2} {:02}:{:02}", date.0, date.1, date.3, date.4)
    } else {
        format!("{} {:>2}  {:>4}", date.0, date.1, date.2)
    };
    let (user, group) = files.names(stat.owner);
    let head = format!(
        "{} {:>4} {user:<8} {group:<8} {:>8} {date} ",
        letters(stat.mode),
        stat.links,
        stat.size
    );
    [head.as_bytes(), name].concat()
}

/// `drwxr-xr-x`, of a mode with the bits of its kind.
fn letters(mode: u32) -> String {
    let kind = match mode & 0o170_000 {
        0o040_000 => b'd',
        0o120_000 => b'l',
        0o020_000 => b'c',
        0o060_000 => b'b',
        _ => b'-',
    };
    mode_letters(kind, (mode & 0o7777) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_written_as_ls_writes_them() {
        assert_eq!(letters(0o041_777), "drwxrwxrwt");
        assert_eq!(letters(0o104_755), "-rwsr-xr-x");
        assert_eq!(letters(0o120_777), "lrwxrwxrwx");
    }
}
