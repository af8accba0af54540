//! A session as text: who, when, which logins, then what the terminal showed, or, where nothing was recorded, the lines given.

use kizashi_event::{Detail, FrameKind, HostileText};

use super::Playback;
use super::filter::{SafeTerminal, plain};

/// The lines, everything of the visitor's escaped.
pub(crate) fn lines(playback: &Playback) -> Vec<String> {
    let session = &playback.session;
    let mut lines = vec![format!(
        "session {}  {} {} to {}  {}",
        session.id,
        session.service,
        session.source,
        session.port,
        session.first.rfc3339()
    )];
    let recorded = !playback.frames.is_empty();
    lines.extend(playback.events.iter().filter_map(|event| told(&event.detail, recorded)));
    if recorded {
        lines.push(String::new());
        let mut terminal = SafeTerminal::default();
        let mut shown = String::new();
        for frame in playback.frames.iter().filter(|frame| frame.kind == FrameKind::Output) {
            shown.push_str(&terminal.feed(&frame.bytes));
        }
        lines.extend(plain(&shown).lines().map(erased));
    }
    lines
}

pub(super) fn told(detail: &Detail, recorded: bool) -> Option<String> {
    let text = |text: &Option<HostileText>| {
        text.as_ref().map_or_else(|| "-".to_owned(), HostileText::shown)
    };
    Some(match detail {
        Detail::Login { username, password, public_key, accepted } => {
            let outcome = if *accepted { "accepted" } else { "refused" };
            let with = if password.is_none() { public_key } else { password };
            format!("login   {} / {} {outcome}", text(username), text(with))
        }
        Detail::Command { line, .. } if !recorded => format!("$ {}", line.shown()),
        Detail::Payload(payload) => {
            let named = payload.url.as_ref().or(payload.name.as_ref());
            let name = named.map_or_else(String::new, HostileText::shown);
            format!(
                "file    {name} {} bytes, SHA-256 {}",
                payload.size.unwrap_or(0),
                payload.sha256
            )
        }
        Detail::Forward { host, port, .. } => format!("forward {}:{port}", host.shown()),
        _ => return None,
    })
}

/// A backspace takes back what stands before it, as on the screen.
fn erased(line: &str) -> String {
    let mut left = String::with_capacity(line.len());
    for character in line.chars() {
        if character == '\u{8}' {
            left.pop();
        } else {
            left.push(character);
        }
    }
    left.trim_end().to_owned()
}
