//! What a visitor is sent, as far as his windows reach (RFC 9113, 5.2).

use super::{Connection, WINDOW};
use crate::Output;
use crate::http2::dialect::Dialect;
use crate::http2::frame::{self, Broken, ErrorCode};

impl Connection {
    /// Answers a request.
    pub(in crate::http2) fn respond(
        &mut self,
        stream: u32,
        fields: &[(String, String)],
        body: Vec<u8>,
        out: &mut Output,
    ) {
        if !self.streams.contains_key(&stream) {
            return;
        }
        let block = self.encoder.block(fields);
        let ends = if body.is_empty() { frame::END_STREAM } else { 0 };
        // A page's fields are far below the smallest limit of a frame.
        out.reply(&frame::write(1, 4 | ends, stream, &block));
        if body.is_empty() {
            self.streams.remove(&stream);
        } else if let Some(found) = self.streams.get_mut(&stream) {
            found.reply = body;
            self.sending.push_back(stream);
        }
        self.flush(out);
    }

    pub(super) fn pending(&self) -> usize {
        self.streams.values().map(|stream| stream.reply.len() - stream.sent).sum()
    }

    /// Sends content, each stream a piece in its turn, as far as the windows reach.
    pub(super) fn flush(&mut self, out: &mut Output) {
        let mut blocked = 0;
        while blocked < self.sending.len() && self.window > 0 && !out.is_full() {
            let Some(stream) = self.sending.pop_front() else { return };
            let Some(found) = self.streams.get_mut(&stream) else { continue };
            let room = self.window.min(found.window).max(0);
            let left = found.reply.len() - found.sent;
            let count = left.min(self.dialect.piece()).min(usize::try_from(room).unwrap_or(0));
            if count == 0 {
                blocked += 1;
                self.sending.push_back(stream);
                continue;
            }
            blocked = 0;
            let flags = if count == left { frame::END_STREAM } else { 0 };
            let piece = &found.reply[found.sent..found.sent + count];
            out.reply(&frame::write(0, flags, stream, piece));
            found.sent += count;
            let bytes = i64::try_from(count).unwrap_or(0);
            found.window -= bytes;
            self.window -= bytes;
            if count == left {
                self.streams.remove(&stream);
            } else {
                self.sending.push_back(stream);
            }
        }
    }

    pub(super) fn widen(
        &mut self,
        stream: u32,
        increment: u32,
        out: &mut Output,
    ) -> Result<(), Broken> {
        let nothing = Broken(ErrorCode::PROTOCOL, "WINDOW_UPDATE: window_size_increment == 0");
        if stream == 0 {
            self.window += i64::from(increment);
            return match increment {
                0 => Err(nothing),
                _ if self.window > WINDOW => Err(Broken(ErrorCode::FLOW_CONTROL, "")),
                _ => Ok(()),
            };
        }
        let Some(found) = self.streams.get_mut(&stream) else {
            return if increment == 0 { Err(nothing) } else { Ok(()) };
        };
        found.window += i64::from(increment);
        let code = match increment {
            0 if self.dialect == Dialect::Nghttp2 => return Err(nothing),
            0 => ErrorCode::PROTOCOL,
            _ if found.window > WINDOW => ErrorCode::FLOW_CONTROL,
            _ => return Ok(()),
        };
        self.reset(stream, code, out);
        Ok(())
    }
}
