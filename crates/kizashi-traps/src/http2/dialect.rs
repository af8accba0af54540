//! In what the two servers differ once they speak HTTP/2, measured with one probe a rule on nginx 1.22.1 (`listen … http2`) and Apache
//! httpd 2.4 with mod_http2 (which leaves the protocol to nghttp2 1.52), both of Debian 12. nginx answers broken requests with a page and says
//! nothing in a `GOAWAY`; nghttp2 resets the stream, and says in words why it ends a connection.

use super::hpack::{Bounds, Habit};
use crate::http::Grammar;

/// Whose HTTP/2 it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Nginx,
    Nghttp2,
}

impl Dialect {
    pub(super) const fn of(grammar: Grammar) -> Self {
        match grammar {
            Grammar::Nginx | Grammar::Netty | Grammar::Application(_) => Self::Nginx,
            Grammar::Apache => Self::Nghttp2,
        }
    }

    /// The settings that it begins with.
    pub(super) const fn settings(self) -> &'static [(u16, u32)] {
        match self {
            Self::Nginx => &[(3, 128), (4, 65_536), (5, 16_777_215)],
            Self::Nghttp2 => &[(3, 100)],
        }
    }

    /// Streams open at once.
    pub(super) const fn streams(self) -> usize {
        match self {
            Self::Nginx => 128,
            Self::Nghttp2 => 100,
        }
    }

    /// Bytes that the visitor may send on a stream before he is given more.
    pub(super) const fn window(self) -> i64 {
        match self {
            Self::Nginx => 65_536,
            Self::Nghttp2 => 65_535,
        }
    }

    /// The longest frame that the visitor may send.
    pub(super) const fn frame(self) -> usize {
        match self {
            Self::Nginx => 16_777_215,
            Self::Nghttp2 => 16_384,
        }
    }

    /// The longest frame of content that it sends: nginx's `http2_chunk_size`.
    pub(super) const fn piece(self) -> usize {
        match self {
            Self::Nginx => 8 * 1024,
            Self::Nghttp2 => 16 * 1024,
        }
    }

    pub(super) const fn habit(self) -> Habit {
        match self {
            Self::Nginx => Habit::Forgetful,
            Self::Nghttp2 => Habit::Remembering,
        }
    }

    /// Bytes of a header block while it comes, and what is kept of it.
    pub(super) const fn block(self) -> (usize, Bounds) {
        match self {
            Self::Nginx => (32 * 1024, Bounds { text: 8 * 1024, all: 32 * 1024, fields: 1000 }),
            Self::Nghttp2 => (48 * 1024, Bounds { text: 8190, all: 32 * 1024, fields: 100 }),
        }
    }
}
