//! Sessions seen again: what was recorded of a terminal, as frames in order, and the forms in which a person takes it: played,
//! as an asciicast, as text. Whatever a visitor made the terminal say passes [`filter::SafeTerminal`] first.

pub(crate) mod cast;
pub(crate) mod filter;
pub(crate) mod page;
pub(crate) mod transcript;

use kizashi_event::{Detail, Event, Frame, SessionId, frames};
use kizashi_store::{Reader, StoredSession};

use crate::failure::Failure;

/// A session with all that is kept of it.
pub(crate) struct Playback {
    pub(crate) session: StoredSession,
    pub(crate) events: Vec<Event>,
    /// What the terminal showed; empty where nothing was recorded or the recording is gone.
    pub(crate) frames: Vec<Frame>,
}

impl Playback {
    /// Reads the session of this id.
    pub(crate) fn load(reader: &Reader, id: &str) -> Result<Self, Failure> {
        let missing = || {
            let shown: String = id.chars().filter(char::is_ascii_alphanumeric).take(20).collect();
            Failure::Asked(format!(
                "there is no session {shown} to see again; `kizashi sessions` lists those that are kept"
            ))
        };
        let session = SessionId::parse(id).ok_or_else(missing)?;
        let session = reader.session(session)?.ok_or_else(missing)?;
        let events = reader.session_events(&session)?;
        let mut parts: Vec<(u32, Vec<Frame>)> = Vec::new();
        for event in &events {
            if let Detail::Recording { part, content } = &event.detail
                && let Some(bytes) = reader.recording(content.sha256)?
            {
                parts.push((*part, frames(&bytes)));
            }
        }
        parts.sort_by_key(|(part, _)| *part);
        let frames = parts.into_iter().flat_map(|(_, frames)| frames).collect();
        Ok(Self { session, events, frames })
    }
}
