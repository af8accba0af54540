//! What every format's parser is: it takes one line and emits events. It keeps what it must know of earlier lines (sensor names,
//! sessions, a table's header), each in bounded memory.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use kizashi_event::Event;

use crate::identity::{LineIdentity, Occurrences};

/// Reads the lines of one format.
pub(crate) trait LineParser {
    /// Another file begins. Sessions are remembered, since a rotated log goes on in the next file.
    fn start_file(&mut self);

    /// Reads one line without its line end.
    fn parse(&mut self, line: &[u8], emit: &mut dyn FnMut(Event)) -> Result<Parsed, Faults>;

    /// The file has ended: reads what waited for a further line.
    fn finish(&mut self, _emit: &mut dyn FnMut(Event)) -> Result<(), Faults> {
        Ok(())
    }
}

/// What a line was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// A record, or a piece of one.
    Record,
    /// Nothing to read: a blank line, punctuation around records, a header.
    Nothing,
}

/// Why a line could not be read. The reason may quote the line: escape it before showing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LineError {
    /// A few words.
    pub(crate) reason: Cow<'static, str>,
    /// How many lines before the one just given the fault began; more than 0 where a record spans lines.
    pub(crate) lines_back: u64,
}

impl LineError {
    pub(crate) const fn because(reason: &'static str) -> Self {
        Self { reason: Cow::Borrowed(reason), lines_back: 0 }
    }

    pub(crate) const fn of(reason: String) -> Self {
        Self { reason: Cow::Owned(reason), lines_back: 0 }
    }
}

/// All that was found wrong while one line was read: one fault, or several where a record of many lines turned out to be none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Faults(pub(crate) Vec<LineError>);

impl From<LineError> for Faults {
    fn from(error: LineError) -> Self {
        Self(vec![error])
    }
}

/// The longest sensor name kept, in bytes.
const SENSOR_MAX_BYTES: usize = 128;
/// How many sensor names are kept for sharing.
const SENSORS_MAX: usize = 1_024;

/// What all parsers know beside the line: the sensors' names and the lines seen.
pub(crate) struct Origin {
    default_sensor: Arc<str>,
    last_sensor: Arc<str>,
    sensors: HashMap<Box<str>, Arc<str>>,
    seen: Occurrences,
}

impl Origin {
    pub(crate) fn new(default_sensor: Arc<str>) -> Self {
        Self {
            last_sensor: Arc::clone(&default_sensor),
            default_sensor,
            sensors: HashMap::new(),
            seen: Occurrences::new(),
        }
    }

    pub(crate) fn start_file(&mut self) {
        self.seen.start_file();
    }

    pub(crate) fn identify<'line>(&mut self, line: &'line [u8]) -> LineIdentity<'line> {
        self.seen.identify(line)
    }

    /// The sensor that the log names, or the default one. One allocation a name, not one an event.
    pub(crate) fn sensor(&mut self, name: Option<&str>) -> Arc<str> {
        let Some(name) = name.map(str::trim).filter(|name| !name.is_empty()) else {
            return Arc::clone(&self.default_sensor);
        };
        let mut end = name.len().min(SENSOR_MAX_BYTES);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        let name = &name[..end];
        if *self.last_sensor == *name {
            return Arc::clone(&self.last_sensor);
        }
        let shared = match self.sensors.get(name) {
            Some(known) => Arc::clone(known),
            // A name is shown as it is, and a file may hold anything.
            None => name.chars().filter(|c| !c.is_control()).collect::<String>().into(),
        };
        if self.sensors.len() < SENSORS_MAX {
            self.sensors.entry(Box::from(name)).or_insert_with(|| Arc::clone(&shared));
        }
        self.last_sensor = Arc::clone(&shared);
        shared
    }
}
