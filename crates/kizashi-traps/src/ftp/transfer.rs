//! A transfer on its way: it waits for its data connection, then moves bytes between the disk and the channel, a piece at each look.

use std::sync::Arc;
use std::time::Duration;

use kizashi_event::Timestamp;

use super::channel::{Channel, ROOM};
use super::disk::Disk;
use crate::Output;

/// Looks at a connection that has not come: often for a second, then less often for a minute (`accept_timeout`).
const QUICK_LOOKS: u32 = 50;
const QUICK: Duration = Duration::from_millis(20);
const SLOW: Duration = Duration::from_millis(200);
const MOST_LOOKS: u32 = QUICK_LOOKS + 295;

pub(super) const FAILED: &str = "425 Failed to establish connection.";

/// What moves.
pub(super) enum Load {
    /// A listing, ready.
    Listing { bytes: Vec<u8>, sent: usize },
    /// A file to the visitor, from this offset on.
    File { path: Vec<u8>, offset: u64 },
    /// A file from him.
    Upload { path: Vec<u8>, offset: u64 },
}

pub(super) struct Moving {
    channel: Arc<Channel>,
    load: Load,
    /// What is said when the connection has come.
    opening: String,
    opened: bool,
    looks: u32,
}

impl Moving {
    pub(super) fn new(channel: Arc<Channel>, load: Load, opening: String) -> Self {
        if matches!(load, Load::Upload { .. }) {
            channel.begin_upload();
        }
        Self { channel, load, opening, opened: false, looks: 0 }
    }

    /// Goes on; after which pause again, unless it is over.
    pub(super) fn go_on(
        &mut self,
        disk: &mut Disk,
        now: Timestamp,
        out: &mut Output,
    ) -> Option<Duration> {
        self.looks = self.looks.saturating_add(1);
        if !self.opened {
            if !self.channel.is_connected() {
                if self.looks > MOST_LOOKS {
                    say(out, FAILED);
                    return None;
                }
                return Some(if self.looks > QUICK_LOOKS { SLOW } else { QUICK });
            }
            self.opened = true;
            say(out, &self.opening);
        }
        let over = match &mut self.load {
            Load::Listing { bytes, sent } => {
                *sent += self.channel.send(bytes.get(*sent..).unwrap_or_default());
                *sent >= bytes.len()
            }
            Load::File { path, offset } => {
                let piece = disk.read(path, *offset, ROOM).unwrap_or_default();
                *offset += self.channel.send(&piece) as u64;
                piece.is_empty()
            }
            Load::Upload { path, offset } => {
                // Asked first, so that nothing is missed that comes in between.
                let ended = self.channel.is_ended();
                let piece = self.channel.take_incoming();
                if disk.write(path, *offset, &piece).is_err() {
                    say(out, "426 Failure writing to local file.");
                    return None;
                }
                *offset += piece.len() as u64;
                ended
            }
        };
        let uploads = matches!(self.load, Load::Upload { .. });
        if !uploads && self.channel.is_ended() && !(over && self.channel.is_sent()) {
            say(out, "426 Failure writing network stream.");
            return None;
        }
        if over {
            self.channel.finish();
        }
        if !over || !uploads && !self.channel.is_sent() {
            return Some(QUICK);
        }
        if uploads {
            disk.close(now).into_iter().for_each(|detail| out.tell(detail));
        }
        let listing = matches!(self.load, Load::Listing { .. });
        say(out, if listing { "226 Directory send OK." } else { "226 Transfer complete." });
        None
    }

    pub(super) fn held(&self) -> usize {
        match &self.load {
            Load::Listing { bytes, .. } => bytes.len(),
            Load::File { path, .. } | Load::Upload { path, .. } => path.len(),
        }
    }
}

impl Drop for Moving {
    /// However it ends, the data connection does.
    fn drop(&mut self) {
        self.channel.finish();
    }
}

pub(super) fn say(out: &mut Output, text: &str) {
    out.reply(text.as_bytes());
    out.reply(b"\r\n");
}
