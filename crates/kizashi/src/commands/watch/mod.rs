//! `kizashi watch`: home, ports and feed on a terminal, for whoever is on the machine by SSH and has no browser at hand. It reads the
//! data folder as every listing does, beside the program that writes it or without one, and changes nothing.

mod draw;
mod look;
mod notice;
mod screen;
#[cfg(test)]
mod tests;

use std::io::{IsTerminal as _, Write};
use std::time::{Duration, Instant};

use kizashi_store::Reader;
use ratatui::crossterm::event::{self, Event, KeyEventKind};

use crate::cli::{self, TerminalNotice};
use crate::clock;
use crate::failure::Failure;
use look::Look;
use notice::{Known, Surroundings};
use screen::{Screen, Wish};

/// How long a key is waited for before the screen is looked after again.
const BEAT: Duration = Duration::from_millis(200);
/// Between two looks at counts, signs and the latest events.
const OFTEN: Duration = Duration::from_secs(2);
/// Between two looks at all ports with their scores.
const SELDOM: Duration = Duration::from_secs(30);

/// Shows the screen until somebody ends it.
pub(crate) fn run(call: &cli::Watch) -> Result<(), Failure> {
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return Err(Failure::Asked(
            "there is no terminal to draw on: use `kizashi status`, `kizashi signs` or `kizashi top`".to_owned(),
        ));
    }
    let reader = Reader::open(&call.data.data)?;
    let no_color = std::env::var("NO_COLOR").ok();
    let colours = crate::screen::wants_colours(true, no_color.as_deref());
    let mut screen = Screen::new(colours, jiff::tz::TimeZone::system());
    screen.show(Look::at(&reader, clock::now())?);
    // Puts the terminal back as it was, whatever ends this.
    let mut terminal = ratatui::init();
    let ended = watch(&mut terminal, &mut screen, &reader, call.notify);
    ratatui::restore();
    ended
}

fn watch(
    terminal: &mut ratatui::DefaultTerminal,
    screen: &mut Screen,
    reader: &Reader,
    notify: Option<TerminalNotice>,
) -> Result<(), Failure> {
    let mut known = Known::of(screen.signs());
    let around = Surroundings::here();
    let (mut often, mut seldom) = (Instant::now(), Instant::now());
    loop {
        terminal.draw(|frame| draw::all(frame, screen))?;
        if event::poll(BEAT)? {
            // A terminal tells that a key was let go where it can; only its press counts.
            match event::read()? {
                Event::Key(key)
                    if key.kind != KeyEventKind::Release && screen.press(key) == Wish::End =>
                {
                    return Ok(());
                }
                _ => {}
            }
        }
        if seldom.elapsed() >= SELDOM {
            screen.show(Look::at(reader, clock::now())?);
            (often, seldom) = (Instant::now(), Instant::now());
        } else if often.elapsed() >= OFTEN {
            screen.refresh(Look::at_what_is_new(reader, clock::now())?);
            often = Instant::now();
        } else {
            continue;
        }
        let news = known.news(screen.signs(), clock::now());
        if let Some(wish) = notify {
            let backend = terminal.backend_mut();
            news.iter()
                .try_for_each(|title| backend.write_all(&notice::bytes_of(title, wish, &around)))?;
            Write::flush(backend)?;
        }
    }
}
