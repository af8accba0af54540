//! What is said of files and disks (MS-FSCC 2.4, 2.5): the same in SMB1's `TRANS2` and in SMB2.

use super::bytes::Fields;
use super::disk::Entry;
use super::status::{self, Status};
use crate::windows::utf16;

/// Size of a cluster, and clusters of a disk of 60 GB of which a third is free.
const CLUSTER: u64 = 4_096;
const CLUSTERS: u64 = 15_702_527;
const FREE: u64 = 5_231_884;

fn allocated(size: u64) -> u64 {
    size.next_multiple_of(CLUSTER)
}

/// Four times, of which all are the same: made, read, written, changed.
fn times(fields: Fields, entry: &Entry) -> Fields {
    (0..4).fold(fields, |fields, _| fields.u64(entry.time))
}

fn basic(fields: Fields, entry: &Entry) -> Fields {
    times(fields, entry).u32(entry.attributes()).u32(0)
}

fn standard(fields: Fields, entry: &Entry, deleted: bool) -> Fields {
    let size = entry.size();
    let fields = fields.u64(allocated(size)).u64(size).u32(1);
    fields.u8(u8::from(deleted)).u8(u8::from(entry.is_folder())).u16(0)
}

fn name(fields: Fields, path: &str) -> Fields {
    let wide = utf16(&format!("\\{path}"));
    fields.length(wide.len()).raw(&wide)
}

/// What is said of a file, by class.
pub(super) fn of_file(
    class: u8,
    entry: &Entry,
    path: &str,
    deleted: bool,
) -> Result<Vec<u8>, Status> {
    let fields = Fields::default();
    let size = entry.size();
    Ok(match class {
        4 => basic(fields, entry),
        5 => standard(fields, entry, deleted),
        6 => fields.u64(entry.index()),
        // Extended attributes; access; place; mode; alignment.
        7 => fields.u32(0),
        8 => fields.u32(0x001f_01ff),
        9 => name(fields, path),
        14 => fields.u64(0),
        16 | 17 => fields.u32(0),
        18 => {
            let fields = standard(basic(fields, entry), entry, deleted).u64(entry.index());
            name(fields.u32(0).u32(0x001f_01ff).u64(0).u32(0).u32(0), path)
        }
        // A short name, which no file here has.
        21 => return Err(status::OBJECT_NAME_NOT_FOUND),
        // The one stream.
        22 if entry.is_folder() => fields,
        22 => {
            let stream = utf16("::$DATA");
            fields.u32(0).length(stream.len()).u64(size).u64(allocated(size)).raw(&stream)
        }
        34 => times(fields, entry).u64(allocated(size)).u64(size).u32(entry.attributes()).u32(0),
        35 => fields.u32(entry.attributes()).u32(0),
        _ => return Err(status::INVALID_INFO_CLASS),
    }
    .0)
}

/// What is said of the disk, by class.
pub(super) fn of_disk(class: u8, created: u64, serial: u32) -> Result<Vec<u8>, Status> {
    let fields = Fields::default();
    let system = utf16("NTFS");
    Ok(match class {
        // No label.
        1 => fields.u64(created).u32(serial).u32(0).u8(1).u8(0).raw(&[0; 6]),
        3 => fields.u64(CLUSTERS).u64(FREE).u32(8).u32(512),
        // A disk, mounted.
        4 => fields.u32(7).u32(0x20),
        5 => fields.u32(0x00c7_00ff).u32(255).length(system.len()).raw(&system),
        7 => fields.u64(CLUSTERS).u64(FREE).u64(FREE).u32(8).u32(512),
        8 => fields.u64(u64::from(serial)).u64(created).raw(&[0; 48]),
        11 => fields.u32(512).u32(512).u32(512).u32(512).u32(3).u32(0).u32(0),
        _ => return Err(status::INVALID_INFO_CLASS),
    }
    .0)
}

/// One line of a listing, by class; each but the last says where the next begins.
fn line(class: u8, entry: &Entry, unicode: bool) -> Option<Vec<u8>> {
    let name = entry.name();
    let wide = if unicode { utf16(name) } else { name.as_bytes().to_vec() };
    let size = entry.size();
    // Where the next one is, and its place, which nobody reads.
    let fields = Fields::default().u32(0).u32(0);
    let head = |fields: Fields| {
        times(fields, entry)
            .u64(size)
            .u64(allocated(size))
            .u32(entry.attributes())
            .length(wide.len())
    };
    Some(
        match class {
            1 => head(fields).raw(&wide),
            2 => head(fields).u32(0).raw(&wide),
            // A short name of twelve characters, which a long one has none of.
            3 => head(fields).u32(0).u8(0).u8(0).raw(&[0; 24]).raw(&wide),
            12 => fields.length(wide.len()).raw(&wide),
            37 => {
                let fields = head(fields).u32(0).u8(0).u8(0).raw(&[0; 24]).u16(0);
                fields.u64(entry.index()).raw(&wide)
            }
            38 => head(fields).u32(0).u32(0).u64(entry.index()).raw(&wide),
            _ => return None,
        }
        .0,
    )
}

/// As many lines as there is room for, in wide characters or in bytes; how many.
pub(super) fn listing(
    class: u8,
    entries: &[Entry],
    room: usize,
    unicode: bool,
) -> Result<(Vec<u8>, usize), Status> {
    let (mut bytes, mut last, mut count) = (Vec::new(), 0, 0);
    for entry in entries {
        let line = line(class, entry, unicode).ok_or(status::INVALID_INFO_CLASS)?;
        let start = bytes.len().next_multiple_of(8);
        if start + line.len() > room {
            break;
        }
        if count > 0 {
            let next = u32::try_from(start - last).unwrap_or(0).to_le_bytes();
            bytes[last..last + 4].copy_from_slice(&next);
        }
        bytes.resize(start, 0);
        bytes.extend(line);
        (last, count) = (start, count + 1);
    }
    Ok((bytes, count))
}
