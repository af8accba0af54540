//! Shares, pipes and files (MS-CIFS 2.2.4): what smbclient with `-m NT1`, nmap's scripts and worms of SMB1 ask for.

use super::transaction::{self, Transaction};
use super::{Done, Head, Part, Request, chain, text};
use crate::Output;
use crate::smb::bytes::{Fields, u16_at, u32_at, u64_at};
use crate::smb::disk::{self, Entry};
use crate::smb::info;
use crate::smb::opening::Wanted;
use crate::smb::server::{Listing, Server, Tree, What};
use crate::smb::status::{self, Status};
use crate::windows::{file_time, from_utf16, utf16};

/// Bytes read at once.
const LONGEST_READ: usize = 60 * 1024;
/// Bytes of a listing.
const LONGEST_LISTING: usize = 16 * 1024;

fn ok(part: Part) -> Done {
    Ok((status::OK, part))
}

pub(super) fn tree_connect(
    request: &Request<'_>,
    head: &mut Head,
    server: &mut Server,
    out: &mut Output,
) -> Done {
    let password = usize::from(request.u16(6)?);
    let extended = request.u16(4)? & 8 != 0;
    let (path, _) = request.text(password);
    let tree = server.attach(u64::from(head.user), &path, out)?;
    head.tree = u16::try_from(tree.id).unwrap_or(0);
    let pipes = tree.root.is_none();
    let mut bytes = if pipes { b"IPC\0".to_vec() } else { b"A:\0".to_vec() };
    if !pipes && head.unicode() {
        // Wide characters begin where the part's words make it even.
        let words = if extended { 14 } else { 6 };
        if (super::HEAD + 1 + words + 2 + bytes.len()) % 2 == 1 {
            bytes.push(0);
        }
    }
    bytes.extend(text(head, if pipes { "" } else { "NTFS" }));
    let words = chain().u16(1);
    let words = if extended { words.u32(0x001f_01ff).u32(0x001f_01ff) } else { words };
    ok(Part::new(request.command, words, bytes))
}

/// Commands within a share.
pub(super) fn on_tree(
    request: &Request<'_>,
    head: &mut Head,
    server: &mut Server,
    out: &mut Output,
) -> Done {
    let session = u64::from(head.user);
    if !server.session(session).is_some_and(|found| found.ready) {
        return Err(status::ACCESS_DENIED);
    }
    let tree = server.tree(u32::from(head.tree), session)?;
    match request.command {
        0x04 => close(request, server, out),
        0x00 => make_folder(request, &tree, server, out),
        0x01 | 0x06 => delete(request, &tree, server, out),
        0x10 => check_folder(request, &tree, server, out),
        0x25 => pipe(request, &tree, server, out),
        0x2d => open_old(request, &tree, server, out),
        0x2e => read(request, &tree, server),
        0x2f => write(request, &tree, server, out),
        0x32 => second(request, &tree, server, out),
        0x34 => ok(Part::new(0x34, Fields::default(), Vec::new())),
        0x71 => {
            server.disconnect(tree.id, out);
            ok(Part::new(0x71, Fields::default(), Vec::new()))
        }
        // 60 GB in blocks of 512 bytes by clusters of 64.
        0x80 => {
            let words = Fields::default().u16(0xffff).u16(64).u16(512).u16(0x4000).u16(0);
            ok(Part::new(0x80, words, Vec::new()))
        }
        0xa2 => create(request, &tree, server, out),
        command => {
            server.note("smb1 command", &format!("{command:02x}"), out);
            Err(status::BAD_COMMAND)
        }
    }
}

/// An open file's number in two bytes; those of one connection are few.
fn file(request: &Request<'_>, at: usize, tree: &Tree, server: &mut Server) -> Result<u64, Status> {
    let id = u64::from(request.u16(at)?);
    server.opened(id, tree.session).map(|open| open.id).map_err(|_| status::INVALID_HANDLE)
}

/// A name behind a byte that says that it is one.
fn path(request: &Request<'_>) -> String {
    request.text(1).0
}

fn create(request: &Request<'_>, tree: &Tree, server: &mut Server, out: &mut Output) -> Done {
    let (path, _) = request.text(0);
    let wanted = Wanted {
        access: request.u32(15)?,
        disposition: request.u32(35)?,
        options: request.u32(39)?,
    };
    let (id, action) = server.open(tree, &path, wanted, out)?;
    let open = server.opened(id, tree.session)?;
    let (entry, pipe) = (open.entry.clone(), open.is_pipe());
    let size = entry.size();
    let words = chain().u8(0).u16(u16::try_from(id).unwrap_or(0)).u32(action);
    let words = (0..4).fold(words, |words, _| words.u64(entry.time));
    let words = words
        .u32(if pipe { 0x80 } else { entry.attributes() })
        .u64(size.next_multiple_of(4_096))
        .u64(size)
        // A pipe of messages; its state.
        .u16(if pipe { 2 } else { 0 })
        .u16(if pipe { 0x05ff } else { 0 })
        .u8(u8::from(entry.is_folder()));
    ok(Part::new(request.command, words, Vec::new()))
}

/// `SMB_COM_OPEN_ANDX`, of clients older than Windows NT 4.
fn open_old(request: &Request<'_>, tree: &Tree, server: &mut Server, out: &mut Output) -> Done {
    let (path, _) = request.text(0);
    let (access, function) = (request.u16(6)?, request.u16(16)?);
    let writes = access & 7 != 0;
    let disposition = match (function & 3, function & 0x10 != 0) {
        (0, _) => 2,
        (2, true) => 5,
        (2, false) => 4,
        (_, true) => 3,
        (_, false) => 1,
    };
    let access = if writes { 0x0012_0116 } else { 0x0012_0089 };
    let (id, action) = server.open(tree, &path, Wanted { disposition, options: 0, access }, out)?;
    let entry = server.opened(id, tree.session)?.entry.clone();
    let size = u32::try_from(entry.size()).unwrap_or(u32::MAX);
    let attributes = u16::try_from(entry.attributes()).unwrap_or(0);
    let words = chain().u16(u16::try_from(id).unwrap_or(0)).u16(attributes).u32(0).u32(size);
    let words = words.u16(u16::from(writes)).u16(0).u16(0);
    let words = words.u16(u16::try_from(action).unwrap_or(1)).u32(0).u16(0);
    ok(Part::new(request.command, words, Vec::new()))
}

fn close(request: &Request<'_>, server: &mut Server, out: &mut Output) -> Done {
    let id = u64::from(request.u16(0)?);
    server.close(id, out).map_err(|_| status::INVALID_HANDLE)?;
    ok(Part::new(request.command, Fields::default(), Vec::new()))
}

fn make_folder(request: &Request<'_>, tree: &Tree, server: &mut Server, out: &mut Output) -> Done {
    let wanted = Wanted { disposition: 2, options: 1, access: 0x0010_0000 };
    let (id, _) = server.open(tree, &path(request), wanted, out)?;
    server.close(id, out)?;
    ok(Part::new(request.command, Fields::default(), Vec::new()))
}

fn check_folder(request: &Request<'_>, tree: &Tree, server: &mut Server, out: &mut Output) -> Done {
    let wanted = Wanted { disposition: 1, options: 1, access: 0x0010_0000 };
    let (id, _) = server.open(tree, &path(request), wanted, out)?;
    server.close(id, out)?;
    ok(Part::new(request.command, Fields::default(), Vec::new()))
}

/// Deletes a file or a folder by its name, without a pattern.
fn delete(request: &Request<'_>, tree: &Tree, server: &mut Server, out: &mut Output) -> Done {
    let (path, folder) = match request.command {
        0x06 => (path(request), 0x40),
        _ => (path(request), 0x01),
    };
    let wanted = Wanted { disposition: 1, options: 0x1000 | folder, access: 0x0001_0000 };
    let (id, _) = server.open(tree, &path, wanted, out)?;
    server.close(id, out)?;
    ok(Part::new(request.command, Fields::default(), Vec::new()))
}

fn read(request: &Request<'_>, tree: &Tree, server: &mut Server) -> Done {
    let id = file(request, 4, tree, server)?;
    let high = if request.words.len() >= 24 { request.u32(20)? } else { 0 };
    let offset = u64::from(high) << 32 | u64::from(request.u32(6)?);
    let length = usize::from(request.u16(10)?).min(LONGEST_READ);
    let (data, more) = match server.read(id, tree.session, offset, length) {
        Err(status::END_OF_FILE) => (Vec::new(), false),
        Err(status::PENDING) => return Err(status::PIPE_EMPTY),
        other => other?,
    };
    // Where the data stand: behind twelve words, the count, a byte.
    const AT: u16 = 32 + 1 + 24 + 2 + 1;
    let words = chain().u16(0xffff).u16(0).u16(0).short_length(data.len()).u16(AT).raw(&[0; 10]);
    let bytes = [&[0][..], &data].concat();
    let status = if more { status::BUFFER_OVERFLOW } else { status::OK };
    Ok((status, Part::new(request.command, words, bytes)))
}

fn write(request: &Request<'_>, tree: &Tree, server: &mut Server, out: &mut Output) -> Done {
    let id = file(request, 4, tree, server)?;
    let high = if request.words.len() >= 28 { request.u32(24)? } else { 0 };
    let offset = u64::from(high) << 32 | u64::from(request.u32(6)?);
    let length = usize::from(request.u16(18)?) << 16 | usize::from(request.u16(20)?);
    let place = usize::from(request.u16(22)?);
    let data = crate::smb::bytes::slice(request.whole, place, length);
    server.write(id, tree.session, offset, data.ok_or(status::INVALID_PARAMETER)?, out)?;
    let words = chain().u16(request.u16(20)?).u16(0xffff).u16(request.u16(18)?).u16(0);
    ok(Part::new(request.command, words, Vec::new()))
}

/// `TRANSACTION`: calls of pipes.
fn pipe(request: &Request<'_>, tree: &Tree, server: &mut Server, out: &mut Output) -> Done {
    const SET_STATE: u16 = 0x01;
    const PEEK: u16 = 0x23;
    const TRANSACT: u16 = 0x26;
    let asked = Transaction::read(request)?;
    let id = u64::from(u16_at(asked.setup, 2).unwrap_or(0));
    let function = asked.function();
    if function == PEEK && id == 0 {
        // By which a server is known that lacks MS17-010: one that has it says STATUS_ACCESS_DENIED or that the handle is none.
        server.note("smb exploit", "MS17-010 probe", out);
        return Err(status::INSUFF_SERVER_RESOURCES);
    }
    let is_pipe = server.opened(id, tree.session).is_ok_and(|open| open.is_pipe());
    if !is_pipe {
        server.note("smb1 transaction", &format!("{function:04x}"), out);
        return Err(if asked.setup.is_empty() {
            status::NOT_SUPPORTED
        } else {
            status::INVALID_HANDLE
        });
    }
    match function {
        SET_STATE => ok(transaction::answer(request.command, &[], &[])),
        PEEK => ok(transaction::answer(request.command, &[0, 0, 0, 0, 3, 0], &[])),
        TRANSACT => {
            server.write(id, tree.session, 0, asked.data, out)?;
            let room = asked.most_data.clamp(1, LONGEST_READ);
            let (data, more) = server.read(id, tree.session, 0, room)?;
            let status = if more { status::BUFFER_OVERFLOW } else { status::OK };
            Ok((status, transaction::answer(request.command, &[], &data)))
        }
        _ => Err(status::NOT_SUPPORTED),
    }
}

/// `TRANSACTION2`: listings, and what is said and changed of files and disks.
fn second(request: &Request<'_>, tree: &Tree, server: &mut Server, out: &mut Output) -> Done {
    let asked = Transaction::read(request)?;
    let root = tree.root.as_ref().ok_or(status::INVALID_DEVICE_REQUEST)?;
    let wide = request.head.unicode();
    let name = |at: usize| {
        let bytes = asked.parameters.get(at..).unwrap_or_default();
        let text =
            if wide { from_utf16(bytes) } else { String::from_utf8_lossy(bytes).into_owned() };
        text.split('\0').next().unwrap_or_default().to_owned()
    };
    let word = |at: usize| u16_at(asked.parameters, at).ok_or(status::INVALID_PARAMETER);
    let reply =
        |parameters: &[u8], data: &[u8]| ok(transaction::answer(request.command, parameters, data));
    match asked.function() {
        1 => find_first(request, &asked, tree, &name(12), server),
        2 => find_next(request, &asked, tree, server),
        3 => {
            let created = file_time(server.identity.set_up());
            reply(&[], &disk_info(word(0)?, created, server.windows.authority[0])?)
        }
        5 => {
            let path = disk::below(root, &name(6)).ok_or(status::OBJECT_NAME_INVALID)?;
            let entry = server.find(&path).ok_or(status::OBJECT_NAME_NOT_FOUND)?;
            reply(&[0, 0], &file_info(word(0)?, &entry, false)?)
        }
        7 => {
            let open = server.opened(u64::from(word(0)?), tree.session)?;
            reply(&[0, 0], &file_info(word(2)?, &open.entry, open.delete)?)
        }
        6 => reply(&[0, 0], &[]),
        8 => {
            let (id, level) = (u64::from(word(0)?), word(2)?);
            match level {
                0x102 | 1013 => {
                    let deletes = asked.data.first().is_some_and(|byte| *byte != 0);
                    server.opened(id, tree.session)?.delete = deletes;
                }
                1010 => {
                    let length = u32_at(asked.data, 8).and_then(|size| usize::try_from(size).ok());
                    let to = length.and_then(|size| asked.data.get(12..12 + size));
                    let to = from_utf16(to.ok_or(status::INVALID_PARAMETER)?);
                    server.rename(id, tree.session, &to, out)?;
                }
                // An end of the file, and times.
                0x104 | 1020 => {
                    u64_at(asked.data, 0).ok_or(status::INVALID_PARAMETER)?;
                }
                _ => {}
            }
            reply(&[0, 0], &[])
        }
        0x10 => Err(status::NOT_FOUND),
        function => {
            server.note("smb1 transaction2", &format!("{function:04x}"), out);
            Err(status::NOT_SUPPORTED)
        }
    }
}

/// What a level of SMB1's is among the classes of files; from 1,000 on they are those.
fn file_info(level: u16, entry: &Entry, deleted: bool) -> Result<Vec<u8>, Status> {
    let class = match level {
        0x101 => 4,
        0x102 => 5,
        0x103 => 7,
        0x104 => 9,
        0x107 => 18,
        0x109 => 22,
        1000..=1255 => u8::try_from(level - 1000).unwrap_or(0),
        _ => return Err(status::INVALID_INFO_CLASS),
    };
    let mut info = info::of_file(class, entry, &entry.path, deleted)?;
    if level == 0x107 {
        // SMB1 has its own: without number, access, place, mode and alignment.
        let name = utf16(&format!("\\{}", entry.path));
        info.truncate(64);
        info.extend(0_u32.to_le_bytes());
        info.extend(u32::try_from(name.len()).unwrap_or(0).to_le_bytes());
        info.extend(name);
    }
    Ok(info)
}

fn disk_info(level: u16, created: u64, serial: u32) -> Result<Vec<u8>, Status> {
    let class = match level {
        0x102 => 1,
        0x103 => 3,
        0x104 => 4,
        0x105 => 5,
        1000..=1255 => u8::try_from(level - 1000).unwrap_or(0),
        _ => return Err(status::INVALID_INFO_CLASS),
    };
    info::of_disk(class, created, serial)
}

const fn listing_class(level: u16) -> u8 {
    match level {
        0x101 => 1,
        0x102 => 2,
        0x103 => 12,
        0x104 => 3,
        0x105 => 38,
        0x106 => 37,
        _ => 0,
    }
}

fn find_first(
    request: &Request<'_>,
    asked: &Transaction<'_>,
    tree: &Tree,
    wanted: &str,
    server: &mut Server,
) -> Done {
    let root = tree.root.as_ref().ok_or(status::INVALID_DEVICE_REQUEST)?;
    let word = |at: usize| u16_at(asked.parameters, at).ok_or(status::INVALID_PARAMETER);
    let (most, flags, level) = (usize::from(word(2)?), word(4)?, word(6)?);
    let (folder, pattern) = wanted.rsplit_once('\\').unwrap_or(("", wanted));
    let path = disk::below(root, folder).ok_or(status::OBJECT_NAME_INVALID)?;
    if server.find(&path).is_none() {
        return Err(status::OBJECT_PATH_NOT_FOUND);
    }
    let entries = server.list(&path, pattern);
    if entries.is_empty() {
        return Err(status::NO_SUCH_FILE);
    }
    let room = asked.most_data.min(LONGEST_LISTING);
    let few = &entries[..entries.len().min(most.max(1))];
    let (data, count) = info::listing(listing_class(level), few, room, request.head.unicode())?;
    let ended = count == entries.len();
    let mut number = 0;
    // A search that is not over stays open, unless the client wants it closed.
    if !ended && flags & 1 == 0 {
        let wanted = Wanted { disposition: 1, options: 1, access: 0x0010_0000 };
        // A folder's own path below its share.
        let below = path.get(root.len()..).unwrap_or_default().to_owned();
        number = server.open(tree, &below, wanted, &mut Output::new(super::super::SERVICE))?.0;
        let listing = Listing { entries, next: count };
        server.opened(number, tree.session)?.what = What::Folder(Some(listing));
    }
    let parameters = Fields::default()
        .u16(u16::try_from(number).unwrap_or(0))
        .short_length(count)
        .u16(u16::from(ended))
        .u16(0)
        .u16(0);
    ok(transaction::answer(request.command, &parameters.0, &data))
}

fn find_next(
    request: &Request<'_>,
    asked: &Transaction<'_>,
    tree: &Tree,
    server: &mut Server,
) -> Done {
    let word = |at: usize| u16_at(asked.parameters, at).ok_or(status::INVALID_PARAMETER);
    let (number, most, level) = (u64::from(word(0)?), usize::from(word(2)?), word(4)?);
    let open = server.opened(number, tree.session)?;
    let What::Folder(Some(listing)) = &mut open.what else {
        return Err(status::INVALID_HANDLE);
    };
    let rest = listing.entries.get(listing.next..).unwrap_or_default();
    if rest.is_empty() {
        return Err(status::NO_MORE_FILES);
    }
    let room = asked.most_data.min(LONGEST_LISTING);
    let few = &rest[..rest.len().min(most.max(1))];
    let (data, count) = info::listing(listing_class(level), few, room, request.head.unicode())?;
    listing.next += count;
    let ended = listing.next == listing.entries.len();
    let parameters = Fields::default().short_length(count).u16(u16::from(ended)).u16(0).u16(0);
    ok(transaction::answer(request.command, &parameters.0, &data))
}
