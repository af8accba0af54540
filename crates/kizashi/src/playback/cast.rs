//! A recording as asciicast v2 (docs.asciinema.org/manual/asciicast/v2): a header, then one array a line.

use kizashi_event::{Frame, FrameKind};
use serde_json::json;

use super::Playback;
use super::filter::SafeTerminal;

/// The size of a terminal that never told one.
pub(super) const SIZE: (u16, u16) = (80, 24);

/// The lines of the file. Output is made harmless unless `raw`: players hand it to the terminal as it is.
pub(crate) fn lines(playback: &Playback, raw: bool) -> Vec<String> {
    let Some(start) = playback.frames.first().map(|frame| frame.time) else { return Vec::new() };
    let (width, height) = playback.frames.iter().find_map(size).unwrap_or(SIZE);
    let session = &playback.session;
    let header = json!({
        "version": 2, "width": width, "height": height, "timestamp": start.seconds(),
        "title": format!("{} {} to {}", session.service, session.source, session.port),
        "env": {"TERM": "xterm-256color", "SHELL": "/bin/sh"},
    });
    let mut lines = vec![header.to_string()];
    let mut terminal = SafeTerminal::default();
    for frame in &playback.frames {
        let (kind, text) = match frame.kind {
            FrameKind::Output if raw => ("o", String::from_utf8_lossy(&frame.bytes).into_owned()),
            FrameKind::Output => ("o", terminal.feed(&frame.bytes)),
            FrameKind::Input => ("i", format!("{}\r", String::from_utf8_lossy(&frame.bytes))),
            FrameKind::Size => match size(frame) {
                Some((width, height)) => ("r", format!("{width}x{height}")),
                None => continue,
            },
        };
        let micros = frame.time.since(start).max(0);
        let seconds = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
        let (kind, text) = (json!(kind), json!(text));
        lines.push(format!("[{seconds}, {kind}, {text}]"));
    }
    lines
}

pub(super) fn size(frame: &Frame) -> Option<(u16, u16)> {
    match (frame.kind, frame.bytes.as_slice()) {
        (FrameKind::Size, [w1, w0, h1, h0]) => {
            Some((u16::from_be_bytes([*w1, *w0]), u16::from_be_bytes([*h1, *h0])))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use kizashi_event::{Port, Service, SessionId, Timestamp};
    use kizashi_store::StoredSession;

    use super::*;

    fn playback(frames: Vec<Frame>) -> Playback {
        let first = Timestamp::from_seconds(1_800_000_000);
        let session = StoredSession {
            id: SessionId(1),
            first,
            last: first,
            source: "192.0.2.7".parse().unwrap(),
            port: Port::tcp(23),
            service: Service::known("telnet"),
            logins: 1,
            commands: 1,
            files: 0,
            recordings: 1,
        };
        Playback { session, events: Vec::new(), frames }
    }

    #[test]
    fn it_is_what_asciicast_v2_asks_for_and_holds_no_hostile_sequence() {
        let start = Timestamp::from_seconds(1_800_000_000);
        let frame = |after, kind, bytes: &[u8]| Frame {
            time: start.plus(after),
            kind,
            bytes: bytes.to_vec(),
        };
        let playback = playback(vec![
            frame(0, FrameKind::Size, &[0, 120, 0, 30]),
            frame(1_500_000, FrameKind::Output, b"# \x1b]0;x\x07\x1b[1mid\"\r\n"),
            frame(2_000_000, FrameKind::Input, b"id"),
        ]);
        let lines = lines(&playback, false);
        let header: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(
            (&header["version"], &header["width"], &header["timestamp"]),
            (&json!(2), &json!(120), &json!(1_800_000_000_i64))
        );
        let read = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
        assert_eq!(read(&lines[1]), json!([0.0, "r", "120x30"]));
        assert_eq!(read(&lines[2]), json!([1.5, "o", "# \u{1b}[1mid\"\r\n"]));
        assert_eq!(read(&lines[3]), json!([2.0, "i", "id\r"]));
        let raw = super::lines(&playback, true);
        assert!(raw[2].contains("]0;x"));
    }
}
