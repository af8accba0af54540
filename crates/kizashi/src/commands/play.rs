//! `kizashi play`: a session on the terminal as it was, as text, or as a file for other players.

use std::io::IsTerminal as _;
use std::time::Duration;

use kizashi_event::FrameKind;
use kizashi_store::Reader;

use crate::cli;
use crate::failure::Failure;
use crate::playback::filter::SafeTerminal;
use crate::playback::{Playback, cast, transcript};
use crate::terminal::Terminal;

/// Plays or writes a session.
pub(crate) fn run(call: &cli::Play, terminal: &mut Terminal) -> Result<(), Failure> {
    let reader = Reader::open(&call.data.data)?;
    let playback = Playback::load(&reader, &call.session)?;
    if let Some(file) = &call.cast {
        return write_cast(call, &playback, file);
    }
    if call.text || playback.frames.is_empty() {
        return transcript::lines(&playback).iter().try_for_each(|line| terminal.line(line));
    }
    play(call, &playback, terminal)
}

fn write_cast(
    call: &cli::Play,
    playback: &Playback,
    file: &std::path::Path,
) -> Result<(), Failure> {
    if playback.frames.is_empty() {
        return Err(Failure::Asked(
            "nothing was recorded of this session, or it is gone; `kizashi play --text` shows what is known of it"
                .to_owned(),
        ));
    }
    let mut text = cast::lines(playback, call.raw).join("\n");
    text.push('\n');
    std::fs::write(file, text).map_err(|error| {
        Failure::Asked(format!(
            "{} cannot be written ({error}); choose another file",
            file.display()
        ))
    })
}

fn play(call: &cli::Play, playback: &Playback, terminal: &mut Terminal) -> Result<(), Failure> {
    let waits = std::io::stdout().is_terminal();
    let longest = Duration::from_secs_f64(call.idle);
    let mut filter = SafeTerminal::default();
    let mut last = None;
    for frame in playback.frames.iter().filter(|frame| frame.kind == FrameKind::Output) {
        let pause = last.map_or(0, |last| frame.time.since(last)).max(0).unsigned_abs();
        last = Some(frame.time);
        if waits {
            terminal.flush()?;
            std::thread::sleep(Duration::from_micros(pause).min(longest).div_f64(call.speed));
        }
        terminal.text(&filter.feed(&frame.bytes))?;
    }
    terminal.text("\u{1b}[0m\r\n")
}
