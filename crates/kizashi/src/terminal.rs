//! Where output goes and what it can show: asked once, at the start, and handed to whoever prints.

use std::io::{self, BufWriter, IsTerminal as _, Stdout, Write};

use jiff::tz::TimeZone;
use kizashi_event::Timestamp;
use serde::Serialize;

use crate::failure::Failure;
use crate::screen::{self, Table};

/// Standard output.
pub(crate) struct Terminal {
    out: BufWriter<Stdout>,
    /// The width of the terminal; `None` where there is none, and nothing is cut.
    pub(crate) columns: Option<usize>,
    /// Whether colours are shown.
    pub(crate) colours: bool,
    zone: TimeZone,
}

impl Terminal {
    /// What standard output is connected to.
    pub(crate) fn of_stdout() -> Self {
        let is_terminal = io::stdout().is_terminal();
        let no_color = std::env::var("NO_COLOR").ok();
        let size = is_terminal.then(terminal_size::terminal_size).flatten();
        Self {
            out: BufWriter::new(io::stdout()),
            columns: size.map(|(terminal_size::Width(columns), _)| usize::from(columns)),
            colours: screen::wants_colours(is_terminal, no_color.as_deref()),
            zone: TimeZone::system(),
        }
    }

    /// One line of the program's own text; what attackers chose in it must be escaped already.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Failure> {
        writeln!(self.out, "{text}")?;
        Ok(())
    }

    /// Text as it is, without a line's end; what attackers chose in it must be harmless already.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.out.write_all(text.as_bytes())?;
        Ok(())
    }

    /// One JSON object on a line.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        serde_json::to_writer(&mut self.out, value).map_err(io::Error::from)?;
        writeln!(self.out)?;
        Ok(())
    }

    /// A table, or what to say when it has no row.
    pub(crate) fn table(&mut self, table: &Table, otherwise: &str) -> Result<(), Failure> {
        if table.is_empty() {
            return self.line(otherwise);
        }
        write!(self.out, "{}", table.shown(self.columns, self.colours))?;
        Ok(())
    }

    /// A moment in this machine's zone, to the minute.
    pub(crate) fn minute(&self, time: Timestamp) -> String {
        screen::local_minute(time, &self.zone)
    }

    /// Sends everything on its way.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush()?;
        Ok(())
    }
}
