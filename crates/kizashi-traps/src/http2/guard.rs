//! Floods: what a visitor sends to make a server work or hold more than he did. Each is counted, told once by its name, and
//! ended where the server would end it. What none of them would end stays within the bounds of the session all the same.

use super::dialect::Dialect;
use super::frame::{Broken, ErrorCode, Frame};

/// From so many of a kind on it is a flood, in the record.
const MANY: u32 = 100;
/// nghttp2 holds so many answers to `PING` and `SETTINGS` (CVE-2019-9512, 9515), and forgives so many resets (CVE-2023-44487).
const NGHTTP2: u32 = 1_000;
/// nginx's bound of frames that wait.
const NGINX_SETTINGS: u32 = 10_000;
/// nginx forgives so many before the first stream, and two more with each.
const NGINX_PRIORITIES: u32 = 128;
/// nghttp2 takes so many in a block (CVE-2024-28182).
const CONTINUATIONS: u32 = 8;

/// A flood by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flood {
    RapidReset,
    Continuation,
    Settings,
    Ping,
    Priority,
    Empty,
    WindowUpdate,
    HeaderBomb,
    Streams,
}

impl Flood {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::RapidReset => "rapid reset CVE-2023-44487",
            Self::Continuation => "continuation flood CVE-2024-27316",
            Self::Settings => "settings flood CVE-2019-9515",
            Self::Ping => "ping flood CVE-2019-9512",
            Self::Priority => "priority flood CVE-2019-9513",
            Self::Empty => "empty frames CVE-2019-9518",
            Self::WindowUpdate => "window update flood",
            Self::HeaderBomb => "header bomb CVE-2016-6581",
            Self::Streams => "more streams than allowed",
        }
    }
}

/// Counts on one connection.
#[derive(Debug)]
pub(super) struct Guard {
    dialect: Dialect,
    /// A count and whether it was told, by flood.
    counts: [(u32, bool); 9],
    /// Answers that the visitor caused since his last request.
    answers: u32,
    streams: u32,
}

impl Guard {
    pub(super) const fn new(dialect: Dialect) -> Self {
        Self { dialect, counts: [(0, false); 9], answers: 0, streams: 0 }
    }

    /// Looks at a frame; `inside` counts the `CONTINUATION`s of its block.
    pub(super) fn look(
        &mut self,
        frame: &Frame,
        inside: u32,
        mut tell: impl FnMut(Flood),
    ) -> Result<(), Broken> {
        let flood = match frame {
            Frame::Headers { .. } => {
                (self.answers, self.streams) = (0, self.streams + 1);
                return Ok(());
            }
            Frame::Reset { .. } => Flood::RapidReset,
            Frame::Continuation { .. } => Flood::Continuation,
            Frame::Settings(Some(_)) => Flood::Settings,
            Frame::Ping { answer: false, .. } => Flood::Ping,
            Frame::Priority { .. } => Flood::Priority,
            Frame::DataBegins { length: 0, ends: false, .. } => Flood::Empty,
            Frame::Unknown | Frame::Settings(None) | Frame::Ping { .. } => Flood::Empty,
            Frame::WindowUpdate { .. } => Flood::WindowUpdate,
            Frame::DataBegins { .. } | Frame::Data { .. } | Frame::PushPromise | Frame::GoAway => {
                return Ok(());
            }
        };
        let (count, told) = &mut self.counts[flood as usize];
        *count += 1;
        let count = *count;
        let many = match flood {
            Flood::Continuation => inside > CONTINUATIONS,
            Flood::WindowUpdate => count > 10 * MANY && count > 20 * self.streams,
            Flood::RapidReset => count >= MANY && 2 * count > self.streams,
            _ => count >= MANY,
        };
        if many && !std::mem::replace(told, true) {
            tell(flood);
        }
        self.judge(flood, count, inside)
    }

    /// Tells what was seen elsewhere, once.
    pub(super) fn saw(&mut self, flood: Flood, mut tell: impl FnMut(Flood)) {
        if !std::mem::replace(&mut self.counts[flood as usize].1, true) {
            tell(flood);
        }
    }

    fn judge(&mut self, flood: Flood, count: u32, inside: u32) -> Result<(), Broken> {
        const FLOODED: &str = "Flooding was detected in this HTTP/2 session, and it must be closed";
        let answers = matches!(flood, Flood::Settings | Flood::Ping);
        self.answers += u32::from(answers);
        match (self.dialect, flood) {
            (Dialect::Nghttp2, Flood::Settings | Flood::Ping) if self.answers > NGHTTP2 => {
                Err(Broken(ErrorCode::FLOODED, FLOODED))
            }
            (Dialect::Nghttp2, Flood::RapidReset) if count > NGHTTP2 => {
                Err(Broken(ErrorCode::INTERNAL, ""))
            }
            (Dialect::Nghttp2, Flood::Continuation) if inside > CONTINUATIONS => Err(Broken(
                ErrorCode::CONTINUATIONS,
                "Too many CONTINUATION frames following a HEADER frame",
            )),
            (Dialect::Nginx, Flood::Settings) if count > NGINX_SETTINGS => {
                Err(Broken(ErrorCode::NONE, ""))
            }
            (Dialect::Nginx, Flood::Priority) if count >= NGINX_PRIORITIES + 2 * self.streams => {
                Err(Broken(ErrorCode::CALM, ""))
            }
            _ => Ok(()),
        }
    }
}
