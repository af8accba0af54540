//! Controls, listings and what is said or changed of a file (MS-SMB2 2.2.31 to 2.2.40).

use super::{Answer, Answered, LONGEST, Request, Version2, answer};
use crate::Output;
use crate::smb::bytes::{Fields, slice, u32_at, u64_at};
use crate::smb::info;
use crate::smb::server::{Listing, Server, What};
use crate::smb::status;
use crate::windows::{file_time, from_utf16};

const PIPE_PEEK: u32 = 0x0011_400c;
const PIPE_TRANSCEIVE: u32 = 0x0011_c017;
const PIPE_WAIT: u32 = 0x0011_0018;
const DFS_REFERRALS: u32 = 0x0006_0194;
const VALIDATE_NEGOTIATE: u32 = 0x0014_0204;

/// An owner, Administrators, and a list by which everybody may do everything (MS-DTYP 2.4.6).
const DESCRIPTOR: &[u8] = &[
    1, 0, 0x04, 0x80, 20, 0, 0, 0, 36, 0, 0, 0, 0, 0, 0, 0, 52, 0, 0, 0, // head
    1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0, // BUILTIN\Administrators
    1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0, // the same as group
    2, 0, 28, 0, 1, 0, 0, 0, 0, 0, 20, 0, 0xff, 0x01, 0x1f, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0,
];

fn buffer(data: &[u8]) -> Fields {
    Fields::default().u16(9).u16(72).length(data.len()).raw(data)
}

impl Version2 {
    pub(super) fn control(
        &mut self,
        request: &Request<'_>,
        server: &mut Server,
        out: &mut Output,
    ) -> Answered {
        let code = request.u32(4)?;
        let (offset, length) = (request.length(24)?, request.length(28)?);
        let room = request.length(44)?;
        let session = request.head.session;
        let mut status = status::OK;
        let (first, data) = match code {
            VALIDATE_NEGOTIATE => (u64::MAX, self.validated(server)),
            DFS_REFERRALS => return Err(status::FS_DRIVER_REQUIRED),
            PIPE_TRANSCEIVE => {
                let id = self.opened(request, 8, server)?;
                let input = request.at(offset, length)?;
                if !server.opened(id, session)?.is_pipe() {
                    return Err(status::INVALID_DEVICE_REQUEST);
                }
                server.write(id, session, 0, input, out)?;
                let (data, more) = server.read(id, session, 0, room)?;
                if more {
                    status = status::BUFFER_OVERFLOW;
                }
                (id, data)
            }
            PIPE_WAIT => {
                // How long, the name's length, whether that long, a byte; the name.
                let input = request.at(offset, length)?;
                let size = u32_at(input, 8).and_then(|size| usize::try_from(size).ok());
                let name = size.and_then(|size| slice(input, 14, size));
                let name = from_utf16(name.ok_or(status::INVALID_PARAMETER)?);
                if !server.has_pipe(&name, session) {
                    return Err(status::OBJECT_NAME_NOT_FOUND);
                }
                (u64::MAX, Vec::new())
            }
            PIPE_PEEK => {
                let id = self.opened(request, 8, server)?;
                let waiting = match &server.opened(id, session)?.what {
                    What::Pipe(_, reply) => reply.bytes.len(),
                    What::Program(_) => 0,
                    _ => return Err(status::INVALID_DEVICE_REQUEST),
                };
                // Connected; bytes and messages that wait.
                let peek = Fields::default().u32(3).length(waiting);
                (id, peek.u32(u32::from(waiting > 0)).length(waiting).0)
            }
            code => {
                server.note("smb2 control", &format!("{code:08x}"), out);
                return Err(status::INVALID_DEVICE_REQUEST);
            }
        };
        let fields = Fields::default().u16(49).u16(0).u32(code).u64(first).u64(first);
        let fields = fields.u32(112).u32(0).u32(112).length(data.len()).u32(0).u32(0);
        Ok(Answer { status, body: fields.raw(&data).0 })
    }

    pub(super) fn query_directory(
        &mut self,
        request: &Request<'_>,
        server: &mut Server,
    ) -> Answered {
        let (class, flags) = (request.u8(2)?, request.u8(3)?);
        let id = self.opened(request, 8, server)?;
        let (offset, length) = (usize::from(request.u16(24)?), usize::from(request.u16(26)?));
        let pattern = from_utf16(request.at(offset, length).unwrap_or_default());
        let pattern = if pattern.is_empty() { "*".to_owned() } else { pattern };
        let room = request.u32(28)?.min(LONGEST);
        let room = usize::try_from(room).unwrap_or(0);
        let session = request.head.session;
        let begins = {
            let open = server.opened(id, session)?;
            match &open.what {
                // A restart or another pattern begins anew.
                What::Folder(listing) => listing.is_none() || flags & 0x11 != 0,
                _ => return Err(status::INVALID_PARAMETER),
            }
        };
        if begins {
            let path = server.opened(id, session)?.path.clone();
            let entries = server.list(&path, &pattern);
            server.opened(id, session)?.what = What::Folder(Some(Listing { entries, next: 0 }));
        }
        let What::Folder(Some(listing)) = &mut server.opened(id, session)?.what else {
            return Err(status::INVALID_PARAMETER);
        };
        let rest = listing.entries.get(listing.next..).unwrap_or_default();
        if rest.is_empty() {
            return Err(if begins { status::NO_SUCH_FILE } else { status::NO_MORE_FILES });
        }
        let rest = if flags & 2 == 0 { rest } else { &rest[..1] };
        let (data, count) = info::listing(class, rest, room, true)?;
        if count == 0 {
            return Err(status::INVALID_PARAMETER);
        }
        listing.next += count;
        answer(buffer(&data))
    }

    pub(super) fn query_info(&mut self, request: &Request<'_>, server: &mut Server) -> Answered {
        let (kind, class) = (request.u8(2)?, request.u8(3)?);
        let room = request.length(4)?;
        let id = self.opened(request, 24, server)?;
        let created = file_time(server.identity.set_up());
        let serial = server.windows.authority[0];
        let open = server.opened(id, request.head.session)?;
        let data = match kind {
            1 => info::of_file(class, &open.entry, &open.path, open.delete)?,
            2 => info::of_disk(class, created, serial)?,
            3 => DESCRIPTOR.to_vec(),
            _ => return Err(status::INVALID_PARAMETER),
        };
        if data.len() > room {
            // What fits, and that there is more.
            let body = buffer(&data[..room]).0;
            return Ok(Answer { status: status::BUFFER_OVERFLOW, body });
        }
        answer(buffer(&data))
    }

    pub(super) fn set_info(
        &mut self,
        request: &Request<'_>,
        server: &mut Server,
        out: &mut Output,
    ) -> Answered {
        let (kind, class) = (request.u8(2)?, request.u8(3)?);
        let (length, offset) = (request.length(4)?, usize::from(request.u16(8)?));
        let data = request.at(offset, length)?;
        let id = self.opened(request, 16, server)?;
        let session = request.head.session;
        match (kind, class) {
            (1, 10) => {
                let length = u32_at(data, 16).and_then(|length| usize::try_from(length).ok());
                let name = length.and_then(|length| data.get(20..20 + length));
                let name = from_utf16(name.ok_or(status::INVALID_PARAMETER)?);
                server.rename(id, session, &name, out)?;
            }
            (1, 13) => {
                server.opened(id, session)?.delete = data.first().is_some_and(|byte| *byte != 0);
            }
            (1, 20) => {
                u64_at(data, 0).ok_or(status::INVALID_PARAMETER)?;
                server.opened(id, session)?;
            }
            // Times, attributes, room on the disk and who may what are taken and forgotten.
            (1, 4 | 19) | (3, _) => {}
            _ => return Err(status::INVALID_INFO_CLASS),
        }
        answer(Fields::default().u16(2))
    }
}
