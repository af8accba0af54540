//! The screen at 80 by 24, drawn into memory.

use jiff::tz::TimeZone;
use kizashi_event::Timestamp;
use kizashi_signs::Severity;
use kizashi_store::Overview;
use kizashi_web::FeedItem;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Color;

use super::draw;
use super::look::{Look, New, PortRow, SignRow};
use super::screen::{Page, Screen, Wish};

const NOW: Timestamp = Timestamp::from_seconds(1_795_188_000);

fn sign(severity: Severity, open: bool, title: &str) -> SignRow {
    SignRow {
        id: title.to_owned(),
        severity,
        open,
        muted: false,
        is_misbehaviour: false,
        title: title.to_owned(),
        detected: NOW.plus(-Timestamp::HOUR),
        paragraphs: vec![
            "812 sources came where 96 were expected.".to_owned(),
            "Let only those reach it who need it.".to_owned(),
        ],
    }
}

fn look() -> Look {
    let item = |text: &str| FeedItem {
        sensor: "web-1".to_owned(),
        time: NOW,
        source: "203.0.113.7".to_owned(),
        port: "tcp/22".to_owned(),
        service: "ssh".to_owned(),
        action: "login",
        text: text.to_owned(),
        scanner: None,
        country: None,
    };
    let port = |port: &str, title: &str, events, score| PortRow {
        port: port.to_owned(),
        title: title.to_owned(),
        events,
        sources: events / 9,
        line: (0..28).map(|at| at * at % 17).collect(),
        score,
        last: NOW,
    };
    Look {
        new: New {
            now: NOW,
            overview: Overview {
                events: 48_211,
                sessions: 9_102,
                sources: 1_204,
                bytes: 9 << 20,
                ..Overview::default()
            },
            signs: vec![
                sign(Severity::High, true, "tcp/5900  VNC remote desktop"),
                sign(Severity::Low, false, "udp/5060  SIP"),
            ],
            hours: (0..24).map(|hour| 10 + hour * hour % 23).collect(),
            usual_day: Some(412.4),
            feed: vec![item("root / 123456"), item("\u{1b}[2J\u{202e}\u{7}<b>")],
        },
        ports: vec![
            port("tcp/5900", "VNC remote desktop", 40_112, Some(9.25)),
            port("tcp/22", "SSH", 90_001, Some(0.5)),
            port("tcp/60023", "", 3, None),
        ],
    }
}

fn screen(colours: bool) -> Screen {
    let mut screen = Screen::new(colours, TimeZone::UTC);
    screen.show(look());
    screen
}

fn drawn(screen: &Screen, columns: u16, lines: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(columns, lines)).unwrap();
    terminal.draw(|frame| draw::all(frame, screen)).unwrap();
    terminal.backend().buffer().clone()
}

fn text(buffer: &Buffer) -> String {
    let area = buffer.area;
    let line = |y| (0..area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..area.height).map(|y| format!("{}\n", line(y).trim_end())).collect()
}

fn press(screen: &mut Screen, code: KeyCode) -> Wish {
    screen.press(KeyEvent::new(code, KeyModifiers::NONE))
}

/// What is drawn stands in `snapshots/`; `KIZASHI_BLESS=1` writes it anew.
fn compare(name: &str, shown: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("src/commands/watch/snapshots/{name}.txt"));
    if std::env::var_os("KIZASHI_BLESS").is_some() {
        std::fs::write(&path, shown).unwrap();
    }
    assert_eq!(shown, std::fs::read_to_string(path).unwrap(), "{name}");
}

#[test]
fn each_page_is_whole_at_80_by_24() {
    let mut screen = screen(true);
    compare("home", &text(&drawn(&screen, 80, 24)));
    press(&mut screen, KeyCode::Enter);
    compare("sign", &text(&drawn(&screen, 80, 24)));
    press(&mut screen, KeyCode::Char('2'));
    compare("ports", &text(&drawn(&screen, 80, 24)));
    press(&mut screen, KeyCode::Tab);
    compare("feed", &text(&drawn(&screen, 80, 24)));
    press(&mut screen, KeyCode::Char('?'));
    compare("keys", &text(&drawn(&screen, 80, 24)));
}

#[test]
fn a_trap_that_misbehaved_is_the_first_thing_that_home_says_for_a_day() {
    let breach =
        SignRow { is_misbehaviour: true, ..sign(Severity::Critical, false, "trap misbehaved") };
    let mut screen = Screen::new(true, TimeZone::UTC);
    let mut nothing = look();
    nothing.new.overview = Overview::default();
    nothing.new.signs = vec![breach.clone()];
    screen.show(nothing);
    compare("misbehaved", &text(&drawn(&screen, 80, 24)));
    let new = &mut screen.look.as_mut().unwrap().new;
    new.signs.push(sign(Severity::High, true, "tcp/5900  VNC remote desktop"));
    let shown = text(&drawn(&screen, 80, 24));
    assert!(shown.contains("A trap misbehaved") && shown.contains("1 sign is open"), "{shown}");
    for (old, muted) in [(false, true), (true, false)] {
        let new = &mut screen.look.as_mut().unwrap().new;
        let detected = if old { NOW.plus(-25 * Timestamp::HOUR) } else { breach.detected };
        new.signs = vec![SignRow { muted, detected, ..breach.clone() }];
        let shown = text(&drawn(&screen, 80, 24));
        assert!(shown.contains("NOTHING YET"), "{shown}");
    }
}

#[test]
fn nothing_of_a_visitor_reaches_the_terminal_with_an_effect() {
    let mut screen = screen(true);
    screen.page = Page::Feed;
    let shown = text(&drawn(&screen, 120, 24));
    assert!(shown.contains("\\x1b[2J\\u{202e}\\x07<b>"), "{shown}");
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n' || c == '\u{202e}'));
}

#[test]
fn without_colours_no_cell_has_one() {
    for page in Page::ALL {
        let mut plain = screen(false);
        plain.page = page;
        let buffer = drawn(&plain, 80, 24);
        let cells = buffer.content();
        assert!(cells.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    }
    let buffer = drawn(&screen(true), 80, 24);
    assert!(buffer.content().iter().any(|cell| cell.fg != Color::Reset));
}

#[test]
fn no_size_however_small_breaks_it() {
    for (columns, lines) in [(1, 1), (2, 30), (10, 3), (40, 12), (300, 90)] {
        let mut screen = screen(true);
        for page in Page::ALL {
            screen.page = page;
            screen.help = page == Page::Feed;
            drawn(&screen, columns, lines);
        }
    }
}

#[test]
fn keys_do_what_the_help_says() {
    let mut screen = screen(true);
    assert_eq!(press(&mut screen, KeyCode::Char('2')), Wish::Stay);
    let first = |screen: &Screen| screen.look.as_ref().unwrap().ports[0].port.clone();
    assert_eq!(first(&screen), "tcp/22");
    press(&mut screen, KeyCode::Char('s'));
    assert_eq!(first(&screen), "tcp/5900", "by score");
    press(&mut screen, KeyCode::End);
    assert_eq!(screen.port, 2);
    press(&mut screen, KeyCode::Up);
    assert_eq!(screen.port, 1);
    press(&mut screen, KeyCode::Char('3'));
    press(&mut screen, KeyCode::Char('p'));
    let mut newer = look();
    newer.new.feed.clear();
    screen.refresh(newer.new);
    assert_eq!(screen.look.as_ref().unwrap().new.feed.len(), 2, "paused: it stands still");
    assert_eq!(press(&mut screen, KeyCode::Char('?')), Wish::Stay);
    assert_eq!(press(&mut screen, KeyCode::Char('q')), Wish::Stay, "any key closes the help");
    assert_eq!(press(&mut screen, KeyCode::Char('q')), Wish::End);
    let control = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(screen.press(control), Wish::End);
}

#[test]
fn a_silenced_sign_alarms_nobody() {
    let mut screen = screen(true);
    screen.look.as_mut().unwrap().new.signs[0].muted = true;
    let shown = text(&drawn(&screen, 80, 24));
    assert!(shown.contains("QUIET") && shown.contains("muted"), "{shown}");
}
