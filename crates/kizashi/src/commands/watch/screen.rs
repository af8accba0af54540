//! What is shown of a look, and what keys do. No terminal is touched here.

use jiff::tz::TimeZone;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::look::{Look, New, PortRow, SignRow};

/// One of the three pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    Home,
    Ports,
    Feed,
}

impl Page {
    pub(super) const ALL: [Self; 3] = [Self::Home, Self::Ports, Self::Feed];

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Home => "Home",
            Self::Ports => "Ports",
            Self::Feed => "Feed",
        }
    }
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Stay,
    End,
}

/// By what ports are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Events,
    Score,
    Latest,
}

/// The screen.
pub(super) struct Screen {
    pub(super) colours: bool,
    pub(super) zone: TimeZone,
    pub(super) page: Page,
    pub(super) look: Option<Look>,
    /// The sign that is chosen, and whether its advisory is open.
    pub(super) sign: usize,
    pub(super) open: bool,
    pub(super) port: usize,
    pub(super) order: Order,
    /// How far back the feed stands.
    pub(super) feed: usize,
    pub(super) paused: bool,
    pub(super) help: bool,
}

impl Screen {
    pub(super) const fn new(colours: bool, zone: TimeZone) -> Self {
        Self {
            colours,
            zone,
            page: Page::Home,
            look: None,
            sign: 0,
            open: false,
            port: 0,
            order: Order::Events,
            feed: 0,
            paused: false,
            help: false,
        }
    }

    /// Shows a whole new look.
    pub(super) fn show(&mut self, look: Look) {
        let held = self.held_feed();
        self.look = Some(look);
        self.hold(held);
        self.sort();
    }

    /// Shows what is new, the ports as they are.
    pub(super) fn refresh(&mut self, new: New) {
        let held = self.held_feed();
        if let Some(look) = &mut self.look {
            look.new = new;
        }
        self.hold(held);
    }

    fn held_feed(&self) -> Option<Vec<kizashi_web::FeedItem>> {
        self.look.as_ref().filter(|_| self.paused).map(|look| look.new.feed.clone())
    }

    fn hold(&mut self, held: Option<Vec<kizashi_web::FeedItem>>) {
        if let (Some(look), Some(held)) = (&mut self.look, held) {
            look.new.feed = held;
        }
    }

    fn sort(&mut self) {
        let Some(look) = &mut self.look else { return };
        let by_score = |row: &PortRow| row.score.unwrap_or(f64::NEG_INFINITY);
        match self.order {
            Order::Events => look.ports.sort_by_key(|row| std::cmp::Reverse(row.events)),
            Order::Score => look.ports.sort_by(|a, b| by_score(b).total_cmp(&by_score(a))),
            Order::Latest => look.ports.sort_by_key(|row| std::cmp::Reverse(row.last)),
        }
    }

    /// A key was pressed.
    pub(super) fn press(&mut self, key: KeyEvent) -> Wish {
        let with_control = key.modifiers.contains(KeyModifiers::CONTROL);
        if self.help {
            self.help = false;
            return Wish::Stay;
        }
        match key.code {
            KeyCode::Char('c' | 'd') if with_control => return Wish::End,
            KeyCode::Char('q') => return Wish::End,
            KeyCode::Esc if self.open => self.open = false,
            KeyCode::Esc => return Wish::End,
            KeyCode::Char('?' | 'h') => self.help = true,
            KeyCode::Char('1') => self.page = Page::Home,
            KeyCode::Char('2') => self.page = Page::Ports,
            KeyCode::Char('3') => self.page = Page::Feed,
            KeyCode::Tab | KeyCode::Right => self.turn(1),
            KeyCode::BackTab | KeyCode::Left => self.turn(2),
            KeyCode::Down | KeyCode::Char('j') => self.step(1),
            KeyCode::Up | KeyCode::Char('k') => self.step(-1),
            KeyCode::PageDown | KeyCode::Char(' ') if self.page != Page::Feed => self.step(10),
            KeyCode::PageDown => self.step(10),
            KeyCode::PageUp => self.step(-10),
            KeyCode::Home => self.step(isize::MIN),
            KeyCode::End => self.step(isize::MAX),
            KeyCode::Enter if self.page == Page::Home => {
                self.open = !self.open && !self.signs().is_empty();
            }
            KeyCode::Char('s') if self.page == Page::Ports => {
                self.order = match self.order {
                    Order::Events => Order::Score,
                    Order::Score => Order::Latest,
                    Order::Latest => Order::Events,
                };
                self.sort();
                self.port = 0;
            }
            KeyCode::Char('p' | ' ') if self.page == Page::Feed => self.paused = !self.paused,
            _ => {}
        }
        Wish::Stay
    }

    fn turn(&mut self, by: usize) {
        let here = Page::ALL.iter().position(|page| *page == self.page).unwrap_or(0);
        self.page = Page::ALL[(here + by) % Page::ALL.len()];
    }

    /// The signs of the last look.
    pub(super) fn signs(&self) -> &[SignRow] {
        self.look.as_ref().map_or(&[], |look| &look.new.signs)
    }

    fn step(&mut self, by: isize) {
        let rows = |count: usize| count.saturating_sub(1);
        let (signs, look) = (self.signs().len(), self.look.as_ref());
        let (at, most) = match self.page {
            Page::Home => (&mut self.sign, rows(signs)),
            Page::Ports => (&mut self.port, rows(look.map_or(0, |look| look.ports.len()))),
            Page::Feed => (&mut self.feed, rows(look.map_or(0, |look| look.new.feed.len()))),
        };
        *at = at.saturating_add_signed(by).min(most);
    }
}
