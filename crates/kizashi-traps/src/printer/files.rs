//! The small disk of the printer, as FSDIRLIST and FSQUERY show it.

/// A file or a folder: its path without the volume, and the size of a file.
const DISK: &[(&str, Option<u32>)] = &[
    ("", None),
    ("PostScript", None),
    ("PJL", None),
    ("saveDevice", None),
    ("saveDevice/SavedJobs", None),
    ("saveDevice/SavedJobs/InProgress", None),
    ("saveDevice/SavedJobs/KeepJob", None),
    ("webServer", None),
    ("webServer/default", None),
    ("webServer/default/csconfig", Some(93)),
    ("webServer/home", None),
    ("webServer/home/device.html", Some(2_511)),
    ("webServer/objects", None),
];

/// No such file.
pub(super) const MISSING: &str = "FILEERROR=3";

/// A path of the disk: `0:\PJL` is `PJL`.
fn path(name: &str) -> Option<String> {
    let path = name.strip_prefix("0:")?.replace('\\', "/");
    let path = path.trim_matches('/').to_owned();
    (!path.split('/').any(|part| part == "..")).then_some(path)
}

fn shown(name: &str, size: Option<u32>) -> String {
    match size {
        Some(size) => format!("{name} TYPE=FILE SIZE={size}\r\n"),
        None => format!("{name} TYPE=DIR\r\n"),
    }
}

/// What lies in a folder.
pub(super) fn listing(name: &str) -> Option<String> {
    let path = path(name)?;
    DISK.iter().find(|(found, size)| *found == path && size.is_none())?;
    let mut listing = String::from(". TYPE=DIR\r\n.. TYPE=DIR\r\n");
    for (found, size) in DISK {
        let (folder, last) = found.rsplit_once('/').unwrap_or(("", found));
        if folder == path && !last.is_empty() {
            listing.push_str(&shown(last, *size));
        }
    }
    Some(listing)
}

/// What a path is.
pub(super) fn query(name: &str) -> Option<String> {
    let path = path(name)?;
    let (_, size) = DISK.iter().find(|(found, _)| *found == path)?;
    Some(size.map_or_else(|| "TYPE=DIR".to_owned(), |size| format!("TYPE=FILE SIZE={size}")))
}
