//! A session for the dashboard's player: times in seconds, output made harmless here already, so that the page need not be trusted.

use kizashi_event::FrameKind;
use kizashi_web::{SessionPage, SessionRow};

use super::filter::SafeTerminal;
use super::{Playback, cast, transcript};

/// What the page is given.
pub(crate) fn of(playback: &Playback) -> SessionPage {
    let start = playback.frames.first().map(|frame| frame.time);
    let mut terminal = SafeTerminal::default();
    let frames = playback
        .frames
        .iter()
        .filter(|frame| frame.kind == FrameKind::Output)
        .map(|frame| {
            let micros = start.map_or(0, |start| frame.time.since(start)).max(0);
            (micros as f64 / 1e6, terminal.feed(&frame.bytes))
        })
        .collect();
    let recorded = !playback.frames.is_empty();
    SessionPage {
        session: SessionRow::from(&playback.session),
        size: playback.frames.iter().find_map(cast::size).unwrap_or(cast::SIZE),
        frames,
        lines: playback
            .events
            .iter()
            .filter_map(|event| transcript::told(&event.detail, recorded))
            .collect(),
    }
}
