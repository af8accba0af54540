//! Connecting to shares, opening, closing, reading and writing (MS-SMB2 2.2.9 to 2.2.22).

use super::{Answer, Answered, LONGEST, Request, Version2, answer, refusal};
use crate::Output;
use crate::smb::bytes::Fields;
use crate::smb::disk::Entry;
use crate::smb::opening::Wanted;
use crate::smb::server::Server;
use crate::smb::status::{self, Status};
use crate::windows::from_utf16;

const ALL_ACCESS: u32 = 0x001f_01ff;

fn sized(fields: Fields, entry: &Entry) -> Fields {
    let fields = (0..4).fold(fields, |fields, _| fields.u64(entry.time));
    let size = entry.size();
    fields.u64(size.next_multiple_of(4_096)).u64(size).u32(entry.attributes())
}

impl Version2 {
    pub(super) fn tree_connect(
        &mut self,
        request: &Request<'_>,
        server: &mut Server,
        out: &mut Output,
    ) -> Vec<u8> {
        let session = request.head.session;
        let mut connected = || {
            let (offset, length) = (usize::from(request.u16(4)?), usize::from(request.u16(6)?));
            let path = from_utf16(request.at(offset, length)?);
            server.attach(session, &path, out)
        };
        match connected() {
            Err(status) => self.reply(request, &refusal(status), session, 0),
            Ok(tree) => {
                self.same.1 = tree.id;
                let pipes = tree.root.is_none();
                let (kind, flags) = if pipes { (2, 0x30) } else { (1, 0) };
                let body =
                    Fields::default().u16(16).u8(kind).u8(0).u32(flags).u32(0).u32(ALL_ACCESS);
                let answer = Answer { status: status::OK, body: body.0 };
                self.reply(request, &answer, session, tree.id)
            }
        }
    }

    /// The open file that a request names at this place of its body, or the one of the request before it.
    pub(super) fn opened(
        &self,
        request: &Request<'_>,
        at: usize,
        server: &mut Server,
    ) -> Result<u64, Status> {
        let (first, second) = (request.u64(at)?, request.u64(at + 8)?);
        let id = if first == u64::MAX && second == u64::MAX { self.same.2 } else { first };
        server.opened(id, request.head.session).map(|open| open.id)
    }

    pub(super) fn create(
        &mut self,
        request: &Request<'_>,
        server: &mut Server,
        out: &mut Output,
    ) -> Answered {
        let session = request.head.session;
        let tree = server.tree(request.head.tree, session)?;
        let (offset, length) = (usize::from(request.u16(44)?), usize::from(request.u16(46)?));
        let path =
            if length == 0 { String::new() } else { from_utf16(request.at(offset, length)?) };
        let wanted = Wanted {
            access: request.u32(24)?,
            disposition: request.u32(36)?,
            options: request.u32(40)?,
        };
        self.same.2 = u64::MAX;
        let (id, action) = server.open(&tree, &path, wanted, out)?;
        self.same.2 = id;
        let entry = server.opened(id, session)?.entry.clone();
        let fields = Fields::default().u16(89).u8(0).u8(0).u32(action);
        let fields = sized(fields, &entry).u32(0).u64(id).u64(id).u32(0).u32(0);
        answer(fields)
    }

    pub(super) fn close(
        &mut self,
        request: &Request<'_>,
        server: &mut Server,
        out: &mut Output,
    ) -> Answered {
        let wanted = request.u16(2)? & 1 != 0;
        let id = self.opened(request, 8, server)?;
        let entry = server.close(id, out)?;
        let fields = Fields::default().u16(60).u16(u16::from(wanted)).u32(0);
        answer(if wanted { sized(fields, &entry) } else { fields.raw(&[0; 52]) })
    }

    pub(super) fn read(&mut self, request: &Request<'_>, server: &mut Server) -> Answered {
        let length = request.u32(4)?;
        if length > LONGEST {
            return Err(status::INVALID_PARAMETER);
        }
        let id = self.opened(request, 16, server)?;
        let length = usize::try_from(length).unwrap_or(0);
        let (data, more) = server.read(id, request.head.session, request.u64(8)?, length)?;
        let fields = Fields::default().u16(17).u8(80).u8(0).length(data.len()).u32(0).u32(0);
        let status = if more { status::BUFFER_OVERFLOW } else { status::OK };
        Ok(Answer { status, body: fields.raw(&data).0 })
    }

    pub(super) fn write(
        &mut self,
        request: &Request<'_>,
        server: &mut Server,
        out: &mut Output,
    ) -> Answered {
        let (offset, length) = (usize::from(request.u16(2)?), request.length(4)?);
        let data = request.at(offset, length)?;
        let id = self.opened(request, 16, server)?;
        server.write(id, request.head.session, request.u64(8)?, data, out)?;
        answer(Fields::default().u16(17).u16(0).length(length).u32(0).u16(0).u16(0))
    }
}
