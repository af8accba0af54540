//! One client's transfers. A client that gets no acknowledgement, because it had its share of this minute, sends its block again, which
//! is acknowledged then and not counted twice: so an upload goes on slowly, and what came of one that is given up is kept as well.

use std::sync::Arc;

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp};

use super::wire::{NOT_FOUND, Packet, Request, acknowledge, error, options};
use crate::capture::Capture;
use crate::datagram::{self, Answer, Datagrams, Protocol, note};
use crate::{Identity, Output, Session, Visit};

struct Upload {
    name: HostileText,
    content: Capture,
    /// The block that came last.
    block: u16,
    length: usize,
    /// It came to its end.
    whole: bool,
}

#[derive(Default)]
struct Tftp {
    upload: Option<Upload>,
}

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    Datagrams::begin(identity, visit, Tftp::default())
}

impl Tftp {
    fn write(&mut self, request: &Request<'_>, out: &mut Output) -> Answer {
        self.keep(out);
        let (granted, length) = request.granted();
        let name = HostileText::from_bytes(request.name);
        self.upload =
            Some(Upload { name, content: Capture::default(), block: 0, length, whole: false });
        Answer::with(if granted.is_empty() { acknowledge(0) } else { options(&granted) })
    }

    fn data(&mut self, block: u16, content: &[u8]) -> Answer {
        let Some(upload) = &mut self.upload else {
            return Answer::unread();
        };
        if block == upload.block.wrapping_add(1) && !upload.whole {
            upload.content.feed(&content[..content.len().min(upload.length)]);
            upload.block = block;
            upload.whole = content.len() < upload.length;
        }
        // One that is neither the next nor the last again belongs to nothing.
        if block == upload.block { Answer::with(acknowledge(block)) } else { Answer::silent() }
    }

    /// Tells what was uploaded.
    fn keep(&mut self, out: &mut Output) {
        let Some(upload) = self.upload.take() else { return };
        if !upload.whole {
            let value = format!("after {} bytes: {}", upload.content.size(), upload.name.raw());
            note(out, "tftp write given up", value);
        }
        tell(upload.content, &upload.name, out);
    }

    /// The same for an upload that came to its end, whose last block may yet come again.
    fn keep_whole(&mut self, out: &mut Output) {
        if let Some(upload) = self.upload.as_mut().filter(|upload| upload.whole) {
            tell(std::mem::take(&mut upload.content), &upload.name, out);
        }
    }
}

fn tell(content: Capture, name: &HostileText, out: &mut Output) {
    if content.size() > 0 {
        let mut payload = content.finish(PayloadOrigin::Upload);
        payload.name = Some(name.clone());
        out.tell(Detail::Payload(Box::new(payload)));
    }
}

/// `file, octet, blksize 1428`.
fn described(request: &Request<'_>) -> HostileText {
    let mut bytes = [request.name, &b", "[..], request.mode].concat();
    for (option, value) in &request.options {
        for part in [&b", "[..], *option, &b" "[..], *value] {
            bytes.extend(part);
        }
    }
    HostileText::from_bytes(&bytes)
}

impl Protocol for Tftp {
    fn datagram(&mut self, bytes: &[u8], _now: Timestamp, out: &mut Output) -> Answer {
        let room = datagram::room(bytes);
        match Packet::read(bytes) {
            Some(Packet::Read(request)) => {
                note(out, "tftp read", described(&request));
                Answer::with(error(NOT_FOUND, "File not found", room))
            }
            Some(Packet::Write(request)) => {
                note(out, "tftp write", described(&request));
                self.write(&request, out)
            }
            Some(Packet::Data { block, content }) => {
                let answer = self.data(block, content);
                self.keep_whole(out);
                answer
            }
            Some(Packet::Acknowledge) => Answer::silent(),
            Some(Packet::Error { code, text }) => {
                let text = String::from_utf8_lossy(text);
                note(out, "tftp error", format!("{code} {text}"));
                Answer::silent()
            }
            // As tftpd-hpa, which reads nothing else on its own port.
            None => Answer::unread(),
        }
    }

    fn end(&mut self, out: &mut Output) {
        self.keep(out);
    }

    fn memory(&self) -> usize {
        self.upload.as_ref().map_or(0, |upload| upload.content.content().len())
    }
}
