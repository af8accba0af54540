//! How the screen is drawn, at 80 by 24 and wider. Without colours a tone is bold, faint or turned around, and a word says it too.

use kizashi_event::escape_for_people;
use kizashi_signs::Severity;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Cell, Clear, Paragraph, Row, Table, TableState, Wrap};

use super::look::{Look, SignRow};
use super::screen::{Order, Page, Screen};
use crate::screen::{Tone, bytes, local_minute, local_second, sparkline, thousands};

/// Columns of a port's line.
const LINE: u16 = 24;
/// Characters of a text of the feed that are drawn at most.
const LONGEST: usize = 200;

fn style(tone: Tone, colours: bool) -> Style {
    let plain = Style::default();
    match (tone, colours) {
        (Tone::Plain, _) => plain,
        (Tone::Strong, _) => plain.add_modifier(Modifier::BOLD),
        (Tone::Faint, _) => plain.add_modifier(Modifier::DIM),
        (Tone::Good, true) => plain.fg(Color::Green),
        (Tone::Warning, true) => plain.fg(Color::Yellow),
        (Tone::Alarm, true) => plain.fg(Color::Red).add_modifier(Modifier::BOLD),
        (Tone::Good, false) => plain,
        (Tone::Warning | Tone::Alarm, false) => plain.add_modifier(Modifier::BOLD),
    }
}

/// Draws everything.
pub(super) fn all(frame: &mut Frame<'_>, screen: &Screen) {
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(0), Constraint::Length(1)])
            .areas(frame.area());
    frame.render_widget(header(screen), head);
    frame.render_widget(footer(screen), foot);
    match (&screen.look, screen.page) {
        (None, _) => frame.render_widget(Paragraph::new("reading …"), body),
        (Some(look), Page::Home) => home(frame, screen, look, body),
        (Some(look), Page::Ports) => ports(frame, screen, look, body),
        (Some(look), Page::Feed) => feed(frame, screen, look, body),
    }
    if screen.help {
        help(frame, body);
    }
}

fn header(screen: &Screen) -> Line<'static> {
    let mut spans = vec![Span::styled(" Kizashi ", style(Tone::Strong, screen.colours))];
    for (at, page) in Page::ALL.into_iter().enumerate() {
        let text = format!(" {} {} ", at + 1, page.title());
        let shown = if page == screen.page {
            Style::default().add_modifier(Modifier::REVERSED)
        } else {
            style(Tone::Faint, screen.colours)
        };
        spans.push(Span::styled(text, shown));
    }
    if let Some(look) = &screen.look {
        let time = local_minute(look.new.now, &screen.zone);
        spans.push(Span::styled(format!("  {time}"), style(Tone::Faint, screen.colours)));
    }
    Line::from(spans)
}

fn footer(screen: &Screen) -> Line<'static> {
    let text = match screen.page {
        Page::Home if screen.open => " ↑↓ another sign   Enter close   Tab next page   q end",
        Page::Home => " ↑↓ choose   Enter what to do   Tab next page   ? keys   q end",
        Page::Ports => " ↑↓ move   s order   Tab next page   ? keys   q end",
        Page::Feed => " ↑↓ move   p pause   Tab next page   ? keys   q end",
    };
    Line::styled(text, style(Tone::Faint, screen.colours))
}

/// The calm answer: its tone, the word, the reason.
fn answer(look: &Look) -> (Tone, &'static str, String) {
    let open: Vec<&SignRow> =
        look.new.signs.iter().filter(|sign| sign.open && !sign.muted).collect();
    let worst = open.iter().map(|sign| sign.severity).max();
    let many = |count: usize| {
        if count == 1 { "1 sign is open".to_owned() } else { format!("{count} signs are open") }
    };
    let breaches = look.new.signs.iter().filter(|sign| sign.is_breach(look.new.now)).count();
    if breaches > 0 {
        let times = if breaches == 1 { String::new() } else { format!(" {breaches} times") };
        let others =
            if open.is_empty() { String::new() } else { format!("; {}", many(open.len())) };
        let reason =
            format!("A trap misbehaved{times} and was replaced: Enter says what to do{others}.");
        return (Tone::Alarm, "ACT", reason);
    }
    match worst {
        None if look.new.overview.events == 0 => {
            (Tone::Plain, "NOTHING YET", "Nobody has come so far.".to_owned())
        }
        None => (Tone::Good, "QUIET", "No wave is under way.".to_owned()),
        Some(Severity::High | Severity::Critical) => {
            (Tone::Alarm, "ACT", format!("{}: {}", many(open.len()), open[0].title))
        }
        Some(_) => (Tone::Warning, "WATCH", format!("{}: {}", many(open.len()), open[0].title)),
    }
}

fn home(frame: &mut Frame<'_>, screen: &Screen, look: &Look, area: Rect) {
    let [top, middle, bottom] =
        Layout::vertical([Constraint::Length(3), Constraint::Min(4), Constraint::Length(6)])
            .areas(area);
    let (tone, word, reason) = answer(look);
    let told = vec![
        Line::default(),
        Line::from(vec![
            Span::styled(
                format!(" {word}  "),
                style(tone, screen.colours).add_modifier(Modifier::BOLD),
            ),
            Span::raw(reason),
        ]),
    ];
    frame.render_widget(Paragraph::new(told), top);
    match look.new.signs.get(screen.sign).filter(|_| screen.open) {
        Some(sign) => advisory(frame, screen, sign, middle),
        None => signs(frame, screen, look, middle),
    }
    frame.render_widget(day(screen, look, bottom.width), bottom);
}

const fn severity_tone(severity: Severity) -> Tone {
    match severity {
        Severity::Low => Tone::Plain,
        Severity::Medium => Tone::Warning,
        Severity::High | Severity::Critical => Tone::Alarm,
    }
}

fn block(title: String) -> Block<'static> {
    Block::new().borders(Borders::TOP).title(title)
}

fn signs(frame: &mut Frame<'_>, screen: &Screen, look: &Look, area: Rect) {
    let open = look.new.signs.iter().filter(|sign| sign.open).count();
    let block = block(format!(" Signs: {open} open, {} in all ", look.new.signs.len()));
    if look.new.signs.is_empty() {
        let none =
            " None. A sign is raised when more visitors come to a port than its past explains.";
        frame.render_widget(Paragraph::new(none).wrap(Wrap { trim: false }).block(block), area);
        return;
    }
    let rows = look.new.signs.iter().map(|sign| {
        let state = match (sign.open, sign.muted) {
            (_, true) => "muted",
            (true, _) => "open",
            _ => "over",
        };
        let is_now = sign.open || sign.is_breach(look.new.now);
        let tone = if is_now && !sign.muted { severity_tone(sign.severity) } else { Tone::Faint };
        Row::new([
            Cell::from(format!(" {}", sign.severity.name())).style(style(tone, screen.colours)),
            Cell::from(state),
            Cell::from(local_minute(sign.detected, &screen.zone)),
            Cell::from(sign.title.clone()),
        ])
    });
    let widths =
        [Constraint::Length(9), Constraint::Length(6), Constraint::Length(17), Constraint::Min(20)];
    list(frame, Table::new(rows, widths).block(block), screen.sign, area);
}

fn list(frame: &mut Frame<'_>, table: Table<'_>, chosen: usize, area: Rect) {
    let table = table.row_highlight_style(Style::default().add_modifier(Modifier::REVERSED));
    let mut state = TableState::default().with_selected(Some(chosen));
    frame.render_stateful_widget(table, area, &mut state);
}

fn advisory(frame: &mut Frame<'_>, screen: &Screen, sign: &SignRow, area: Rect) {
    let mut lines = Vec::new();
    for paragraph in &sign.paragraphs {
        lines.push(Line::raw(paragraph.clone()));
    }
    let title = format!(" {} ", sign.title);
    let block = block(title).title_style(style(severity_tone(sign.severity), screen.colours));
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }).block(block), area);
}

fn day(screen: &Screen, look: &Look, columns: u16) -> Paragraph<'static> {
    let new = &look.new;
    let events: u64 = new.hours.iter().sum();
    let usual = new.usual_day.map_or_else(String::new, |usual| {
        format!(", on a usual day {}", thousands(usual.round() as u64))
    });
    let wide = usize::from(columns.saturating_sub(2)).min(24 * 3);
    let each = (wide / 24).max(1);
    let line: String =
        sparkline(&new.hours, 24).chars().flat_map(|bar| std::iter::repeat_n(bar, each)).collect();
    let overview = &new.overview;
    let lines = vec![
        Line::raw(format!(" {} events{usual}", thousands(events))),
        Line::styled(format!(" {line}"), style(Tone::Strong, screen.colours)),
        Line::styled(" 24 hours ago … now", style(Tone::Faint, screen.colours)),
        Line::raw(format!(
            " {} events in all, {} sessions, {} sources, {} on disk{}",
            thousands(overview.events),
            thousands(overview.sessions),
            thousands(overview.sources),
            bytes(overview.bytes),
            match overview.dropped {
                0 => String::new(),
                lost => format!(", {} lost", thousands(lost)),
            }
        )),
    ];
    Paragraph::new(lines).block(block(" The last 24 hours ".to_owned()))
}

fn ports(frame: &mut Frame<'_>, screen: &Screen, look: &Look, area: Rect) {
    let by = match screen.order {
        Order::Events => "events",
        Order::Score => "score",
        Order::Latest => "the latest visit",
    };
    let block = block(format!(" {} ports, by {by} ", look.ports.len()));
    let rows = look.ports.iter().map(|row| {
        let score = row.score.map_or_else(String::new, |score| format!("{score:.1}"));
        Row::new([
            Cell::from(format!(" {}", row.port)),
            Cell::from(row.title.clone()),
            Cell::from(format!("{:>10}", thousands(row.events))),
            Cell::from(format!("{:>8}", thousands(row.sources))),
            Cell::from(sparkline(&row.line, usize::from(LINE))),
            Cell::from(format!("{score:>5}")),
        ])
    });
    let widths = [
        Constraint::Length(10),
        Constraint::Min(14),
        Constraint::Length(10),
        Constraint::Length(8),
        Constraint::Length(LINE),
        Constraint::Length(5),
    ];
    let head =
        Row::new([" port", "usual use", "    events", " sources", "the last 14 days", "score"])
            .style(style(Tone::Faint, screen.colours));
    list(frame, Table::new(rows, widths).header(head).block(block), screen.port, area);
}

fn feed(frame: &mut Frame<'_>, screen: &Screen, look: &Look, area: Rect) {
    let state = if screen.paused { "paused" } else { "live" };
    let block = block(format!(" The latest events, {state} "));
    let rows = look.new.feed.iter().map(|item| {
        let text: String = escape_for_people(&item.text).chars().take(LONGEST).collect();
        Row::new([
            Cell::from(format!(" {}", local_second(item.time, &screen.zone))),
            Cell::from(item.source.clone()),
            Cell::from(item.port.clone()),
            Cell::from(item.action),
            Cell::from(text),
        ])
    });
    let widths = [
        Constraint::Length(9),
        Constraint::Length(16),
        Constraint::Length(10),
        Constraint::Length(9),
        Constraint::Min(20),
    ];
    list(frame, Table::new(rows, widths).block(block), screen.feed, area);
}

fn help(frame: &mut Frame<'_>, area: Rect) {
    const KEYS: [(&str, &str); 8] = [
        ("1 2 3, Tab", "another page"),
        ("↑ ↓, j k", "move; Page up and down, Home, End too"),
        ("Enter", "on Home: what a sign means and what to do"),
        ("s", "on Ports: order by events, score, latest visit"),
        ("p, Space", "on Feed: stand still for reading"),
        ("?", "this"),
        ("q, Esc", "end"),
        ("NO_COLOR=1", "in the environment: no colours"),
    ];
    let lines: Vec<Line<'_>> =
        KEYS.iter().map(|(key, what)| Line::raw(format!(" {key:<12} {what}"))).collect();
    let (width, height) = (64.min(area.width), (KEYS.len() as u16 + 2).min(area.height));
    let middle = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    frame.render_widget(Clear, middle);
    frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(" Keys ")), middle);
}
