//! What a visitor's streams bring: blocks of fields, content, resets.

use super::{BODIES, Collecting, Connection, HEADS, REQUESTS, WINDOW, tell};
use crate::Output;
use crate::http2::dialect::Dialect;
use crate::http2::frame::{self, Broken, ErrorCode};
use crate::http2::guard::Flood;
use crate::http2::hpack::Block;
use crate::http2::message::{Field, Form, Message, fields_memory, judge};

impl Connection {
    pub(super) fn begin_headers(&mut self, stream: u32) -> Result<(), Broken> {
        let wrong = |words| Err(Broken(ErrorCode::PROTOCOL, words));
        if stream == 0 {
            return wrong("request HEADERS: stream_id == 0");
        }
        if stream.is_multiple_of(2) {
            return wrong("request HEADERS: invalid stream_id");
        }
        if stream > self.last {
            self.last = stream;
            return Ok(());
        }
        match self.dialect {
            Dialect::Nginx => wrong(""),
            // Trailers of an open stream are taken; what lies far back is passed over.
            Dialect::Nghttp2 if self.is_open(stream) || stream < self.last => Ok(()),
            Dialect::Nghttp2 => Err(Broken(ErrorCode::STREAM_CLOSED, "HEADERS: stream closed")),
        }
    }

    fn is_open(&self, stream: u32) -> bool {
        self.streams.get(&stream).is_some_and(|stream| !stream.whole)
    }

    pub(super) fn take_block(
        &mut self,
        collecting: Collecting,
        whole: bool,
        out: &mut Output,
    ) -> Result<(), Broken> {
        let (longest, bounds) = self.dialect.block();
        if collecting.block.len() > longest {
            if collecting.continuations > 0 {
                self.guard.saw(Flood::Continuation, |flood| tell(flood, out));
            }
            return Err(Broken(ErrorCode::CALM, ""));
        }
        if !whole {
            self.collecting = Some(collecting);
            return Ok(());
        }
        let Collecting { stream, block: bytes, ends, .. } = collecting;
        let block = self.decoder.block(&bytes, bounds);
        let block = block.map_err(|_| Broken(ErrorCode::COMPRESSION, ""))?;
        if block.overflowed && fields_memory(&block.fields) > 2 * bytes.len() {
            self.guard.saw(Flood::HeaderBomb, |flood| tell(flood, out));
        }
        if stream < self.last || self.streams.contains_key(&stream) {
            self.take_trailers(stream, block, ends, out);
            return Ok(());
        }
        self.begin_request(stream, block, ends, out)
    }

    fn begin_request(
        &mut self,
        stream: u32,
        block: Block,
        ends: bool,
        out: &mut Output,
    ) -> Result<(), Broken> {
        let form = match (block.overflowed, self.dialect) {
            (true, Dialect::Nginx) => Form::Reset,
            (true, Dialect::Nghttp2) => Form::Page(431),
            (false, dialect) => judge(dialect, &block.fields),
        };
        let fingerprint = self.fingerprint.text(&block.fields).to_owned();
        let message = Message::new(block.fields, form, fingerprint);
        if self.leaving {
            return Ok(());
        }
        self.requests += 1;
        if block.overflowed && self.dialect == Dialect::Nginx {
            self.unanswered.push_back(message);
            return Err(Broken(ErrorCode::CALM, ""));
        }
        let held: usize =
            self.streams.values().flat_map(|s| &s.message).map(|m| fields_memory(&m.fields)).sum();
        let many = self.streams.len() >= self.dialect.streams();
        if many {
            self.guard.saw(Flood::Streams, |flood| tell(flood, out));
        }
        let opened = self.stream(Some(message), false);
        self.streams.insert(stream, opened);
        if many || held > HEADS {
            self.reset(stream, ErrorCode::REFUSED, out);
        } else if form == Form::Reset {
            self.reset(stream, ErrorCode::PROTOCOL, out);
        } else if ends {
            self.finish(stream, out);
        }
        if self.dialect == Dialect::Nginx && self.requests == REQUESTS {
            self.leaving = true;
        }
        Ok(())
    }

    /// Fields after the content are kept with those before it.
    fn take_trailers(&mut self, stream: u32, block: Block, ends: bool, out: &mut Output) {
        let room = HEADS.saturating_sub(fields_memory(&block.fields));
        let Some(message) = self.streams.get_mut(&stream).and_then(|s| s.message.as_mut()) else {
            return;
        };
        let pseudo = block.fields.iter().any(|(name, _): &Field| name.starts_with(b":"));
        if fields_memory(&message.fields) < room {
            message.fields.extend(block.fields);
        }
        if pseudo || !ends {
            message.form = Form::Reset;
            return self.reset(stream, ErrorCode::PROTOCOL, out);
        }
        self.finish(stream, out);
    }

    pub(super) fn begin_data(
        &mut self,
        stream: u32,
        length: usize,
        out: &mut Output,
    ) -> Result<(), Broken> {
        let Some(found) = self.streams.get_mut(&stream) else {
            let idle = stream > self.last && self.dialect == Dialect::Nghttp2;
            let words = "DATA: stream in idle";
            return if idle { Err(Broken(ErrorCode::PROTOCOL, words)) } else { Ok(()) };
        };
        found.credit -= i64::try_from(length).unwrap_or(WINDOW);
        let code = match (found.whole, found.credit < 0) {
            (true, _) => ErrorCode::STREAM_CLOSED,
            (_, true) => ErrorCode::FLOW_CONTROL,
            _ => return Ok(()),
        };
        if self.dialect == Dialect::Nghttp2 {
            return Err(Broken(code, ""));
        }
        self.reset(stream, code, out);
        Ok(())
    }

    pub(super) fn take_data(
        &mut self,
        stream: u32,
        bytes: &[u8],
        last: bool,
        ends: bool,
        out: &mut Output,
    ) {
        let room = BODIES.saturating_sub(self.kept);
        let Some(found) = self.streams.get_mut(&stream) else { return };
        if let Some(message) = &mut found.message {
            self.kept += message.feed(bytes, room);
        }
        let window = self.dialect.window();
        if last && !ends && found.credit < window / 2 {
            let more = window - found.credit;
            found.credit = window;
            out.reply(&frame::write(8, 0, stream, &more.to_be_bytes()[4..]));
        }
        if ends {
            self.finish(stream, out);
        }
    }

    /// The visitor has said all that he wants to on this stream.
    fn finish(&mut self, stream: u32, out: &mut Output) {
        let Some(found) = self.streams.get_mut(&stream) else { return };
        found.whole = true;
        let Some(message) = &mut found.message else { return };
        if message.belies_its_length() {
            if self.dialect == Dialect::Nghttp2 {
                message.form = Form::Reset;
                return self.reset(stream, ErrorCode::PROTOCOL, out);
            }
            message.form = Form::Page(400);
        }
        self.ready.push_back(stream);
    }

    pub(super) fn take_message(&mut self, stream: u32) -> Option<Message> {
        let message = self.streams.get_mut(&stream)?.message.take()?;
        self.kept -= message.content().len().min(self.kept);
        Some(message)
    }

    pub(super) fn take_reset(&mut self, stream: u32) -> Result<(), Broken> {
        if stream == 0 {
            return Err(Broken(ErrorCode::PROTOCOL, "RST_STREAM: stream_id == 0"));
        }
        if stream > self.last && self.dialect == Dialect::Nghttp2 {
            return Err(Broken(ErrorCode::PROTOCOL, "RST_STREAM: stream in idle"));
        }
        self.forget(stream);
        Ok(())
    }

    pub(super) fn reset(&mut self, stream: u32, code: ErrorCode, out: &mut Output) {
        out.reply(&frame::write(3, 0, stream, &code.0.to_be_bytes()));
        self.forget(stream);
    }

    /// The stream is no more; a request that was not answered is told.
    fn forget(&mut self, stream: u32) {
        let message = self.take_message(stream);
        self.unanswered.extend(message);
        self.streams.remove(&stream);
    }
}
