//! The reading of one file: finds its format by the first lines, reads each line with that format's parser, gives the events to the
//! sink, and counts what could not be read. It knows neither files nor waiting: bytes are fed to it, by `import` from a file's first
//! to its last, by `follow` as they come.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::sync::Arc;

use kizashi_event::{Event, escape_for_people};

use crate::error::IntakeError;
use crate::format::{Detection, Format};
use crate::import::Options;
use crate::json;
use crate::line::{Faults, LineParser, Parsed};
use crate::lines::{LineCutter, Piece};
use crate::report::{BrokenLine, FileReport};
use crate::source::{self, Counted};

/// How many lines that no format takes are looked at before a file is given up.
const LINES_LOOKED_AT: usize = 20;
/// How many bytes of such lines are held at most.
const BYTES_LOOKED_AT: usize = 4_194_304;
const CHUNK_BYTES: usize = 262_144;
/// How many characters of a broken line are shown.
const EXCERPT_CHARACTERS: usize = 120;

/// One parser a format, kept from file to file.
#[derive(Default)]
pub(crate) struct Parsers(Vec<(Format, Box<dyn LineParser>)>);

impl Parsers {
    /// The place of the format's parser, which begins another file.
    fn start_file(&mut self, format: Format, options: &Options) -> usize {
        let known = self.0.iter().position(|(known, _)| *known == format);
        let place = known.unwrap_or_else(|| {
            let parser = format.parser(Arc::clone(&options.sensor), &options.columns);
            self.0.push((format, parser));
            self.0.len() - 1
        });
        self.0[place].1.start_file();
        place
    }
}

/// The reading of one file: finds its format, then reads line by line.
pub(crate) struct Reading<'a> {
    options: &'a Options,
    parsers: &'a mut Parsers,
    /// The place of this file's parser, once the format is known.
    parser: Option<usize>,
    detection: Detection,
    /// Lines seen before the format was known, and where they stand.
    waiting: Vec<(u64, Vec<u8>)>,
    waiting_bytes: usize,
    /// The number of the line last given, from 1.
    line_number: u64,
    pub(crate) report: FileReport,
}

type Sink<'s> = &'s mut dyn FnMut(Event) -> ControlFlow<()>;

impl<'a> Reading<'a> {
    pub(crate) fn new(
        name: &str,
        named: bool,
        options: &'a Options,
        parsers: &'a mut Parsers,
    ) -> Self {
        Self {
            options,
            parsers,
            parser: None,
            detection: Detection::new(options.columns.clone()),
            waiting: Vec::new(),
            waiting_bytes: 0,
            line_number: 0,
            report: FileReport::new(name.to_owned(), named),
        }
    }

    /// Reads a whole stream.
    pub(crate) fn read(
        &mut self,
        reader: impl Read,
        advance: &mut dyn FnMut(u64, &FileReport),
        sink: Sink<'_>,
    ) -> Result<(), IntakeError> {
        let (counted, packed_bytes) = Counted::new(reader);
        let mut text = match source::open(counted) {
            Ok(text) => text,
            Err(error) => return Err(self.read_fault(&error)),
        };
        let mut cutter = LineCutter::new(self.options.line_max_bytes);
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let length = match text.read(&mut chunk) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.finish(sink)?;
                    return Err(self.read_fault(&error));
                }
            };
            if length == 0 {
                break;
            }
            self.feed(&mut cutter, &chunk[..length], sink)?;
            advance(packed_bytes.get(), &self.report);
            if self.report.stopped {
                return Ok(());
            }
        }
        self.feed_end(&mut cutter, sink)?;
        self.finish(sink)?;
        advance(packed_bytes.get(), &self.report);
        Ok(())
    }

    fn read_fault(&self, error: &io::Error) -> IntakeError {
        IntakeError::Read {
            file: self.report.file.clone(),
            lines: self.line_number,
            reason: error.to_string(),
        }
    }

    /// Reads the lines that end in `chunk`.
    pub(crate) fn feed(
        &mut self,
        cutter: &mut LineCutter,
        chunk: &[u8],
        sink: Sink<'_>,
    ) -> Result<(), IntakeError> {
        self.report.counts.bytes += u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        let mut result = Ok(());
        let _stopped_or_failed = cutter.feed(chunk, &mut |piece| {
            result = self.piece(piece, sink);
            self.goes_on(&result)
        });
        result
    }

    /// Reads a last line without a line end.
    pub(crate) fn feed_end(
        &mut self,
        cutter: &mut LineCutter,
        sink: Sink<'_>,
    ) -> Result<(), IntakeError> {
        let mut result = Ok(());
        let _stopped_or_failed = cutter.finish(&mut |piece| {
            result = self.piece(piece, sink);
            self.goes_on(&result)
        });
        result
    }

    fn goes_on(&self, result: &Result<(), IntakeError>) -> ControlFlow<()> {
        if result.is_err() || self.report.stopped {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn piece(&mut self, piece: Piece<'_>, sink: Sink<'_>) -> Result<(), IntakeError> {
        self.line_number += 1;
        self.report.counts.lines += 1;
        match piece {
            Piece::TooLong(beginning) => {
                let reason = format!("longer than {} bytes", self.options.line_max_bytes);
                self.broken(self.line_number, &reason, beginning);
                Ok(())
            }
            Piece::Line(line) => match self.parser {
                Some(parser) => {
                    self.parse(parser, self.line_number, line, sink);
                    Ok(())
                }
                None => self.look_at(line, sink),
            },
        }
    }

    /// The format is not known yet: looks whether this line tells.
    fn look_at(&mut self, line: &[u8], sink: Sink<'_>) -> Result<(), IntakeError> {
        let line =
            line.strip_prefix(b"\xef\xbb\xbf").filter(|_| self.line_number == 1).unwrap_or(line);
        if json::trim_record(line).is_empty() {
            self.report.counts.skipped += 1;
            return Ok(());
        }
        let format = match self.options.format {
            Some(format) => {
                self.check_named(format, line)?;
                Some(format)
            }
            None => self.detection.look_at(line),
        };
        if let Some(format) = format {
            self.start(format, sink);
            if let Some(parser) = self.parser {
                self.parse(parser, self.line_number, line, sink);
            }
            return Ok(());
        }
        self.waiting.push((self.line_number, line.to_owned()));
        self.waiting_bytes += line.len();
        if self.waiting.len() >= LINES_LOOKED_AT || self.waiting_bytes > BYTES_LOOKED_AT {
            return Err(self.unknown_format());
        }
        Ok(())
    }

    /// A table without the needed columns would be broken in every line: better to say so once. A JSON log of a named format is
    /// taken at the caller's word.
    fn check_named(&self, format: Format, line: &[u8]) -> Result<(), IntakeError> {
        if format != Format::Csv {
            return Ok(());
        }
        format.recognise_with(line, &self.options.columns).map_err(|refusal| {
            IntakeError::WrongFormat { file: self.report.file.clone(), format, refusal }
        })
    }

    /// The format is known: reads the lines that waited for it.
    fn start(&mut self, format: Format, sink: Sink<'_>) {
        self.report.format = Some(format);
        let parser = self.parsers.start_file(format, self.options);
        self.parser = Some(parser);
        for (number, line) in std::mem::take(&mut self.waiting) {
            self.parse(parser, number, &line, sink);
        }
    }

    fn unknown_format(&self) -> IntakeError {
        let head = self.waiting.iter().flat_map(|(_, line)| line.iter().copied().chain([b'\n']));
        let head: Vec<u8> = head.take(512).collect();
        IntakeError::UnknownFormat {
            file: self.report.file.clone(),
            tried: self.detection.refusals.clone(),
            hint: source::hint(&head),
        }
    }

    fn parse(&mut self, parser: usize, number: u64, line: &[u8], sink: Sink<'_>) {
        if self.report.stopped {
            return;
        }
        let (mut events, mut stopped) = (0, false);
        let parsed = self.parsers.0[parser].1.parse(line, &mut |event| {
            if !stopped {
                events += 1;
                stopped = sink(event).is_break();
            }
        });
        self.report.counts.events += events;
        self.report.stopped |= stopped;
        match parsed {
            Ok(Parsed::Record) => {}
            Ok(Parsed::Nothing) => self.report.counts.skipped += 1,
            Err(faults) => self.faults(faults, number, line),
        }
    }

    /// The file has ended.
    pub(crate) fn finish(&mut self, sink: Sink<'_>) -> Result<(), IntakeError> {
        let Some(parser) = self.parser else {
            if self.waiting.is_empty() {
                return Ok(());
            }
            return Err(self.unknown_format());
        };
        let (mut events, mut stopped) = (0, self.report.stopped);
        let finished = self.parsers.0[parser].1.finish(&mut |event| {
            if !stopped {
                events += 1;
                stopped = sink(event).is_break();
            }
        });
        self.report.counts.events += events;
        self.report.stopped |= stopped;
        if let Err(faults) = finished {
            self.faults(faults, self.line_number, b"");
        }
        Ok(())
    }

    /// Finds the format by a file's beginning, of which nothing is counted or emitted: its lines were read before.
    pub(crate) fn learn(&mut self, beginning: &[u8]) {
        for line in beginning.split(|byte| *byte == b'\n') {
            let format = match self.options.format {
                Some(format) => Some(format).filter(|_| !json::trim_record(line).is_empty()),
                None => self.detection.look_at(line),
            };
            if let Some(format) = format {
                self.report.format = Some(format);
                let parser = self.parsers.start_file(format, self.options);
                self.parser = Some(parser);
                if format == Format::Csv {
                    // The header; whatever it says is said again when the file is read from its first byte.
                    let _known = self.parsers.0[parser].1.parse(line, &mut |_| {});
                }
                return;
            }
        }
    }

    /// Another file takes the place of this one, of the same format.
    pub(crate) fn restart(&mut self) {
        self.line_number = 0;
        self.waiting.clear();
        if let Some(parser) = self.parser {
            self.parsers.0[parser].1.start_file();
        }
    }

    fn faults(&mut self, faults: Faults, number: u64, line: &[u8]) {
        for fault in faults.0 {
            let excerpt = if fault.lines_back == 0 { line } else { b"" };
            self.broken(number.saturating_sub(fault.lines_back), &fault.reason, excerpt);
        }
    }

    fn broken(&mut self, line: u64, reason: &str, excerpt: &[u8]) {
        self.report.counts.broken += 1;
        if self.report.broken_lines.len() >= self.options.broken_shown {
            return;
        }
        let short = |text: &str| -> String {
            escape_for_people(&text.chars().take(EXCERPT_CHARACTERS).collect::<String>())
        };
        let excerpt = &excerpt[..excerpt.len().min(4 * EXCERPT_CHARACTERS)];
        self.report.broken_lines.push(BrokenLine {
            file: self.report.file.clone(),
            line,
            reason: short(reason),
            excerpt: short(&String::from_utf8_lossy(excerpt)),
        });
    }

    pub(crate) fn into_report(self, read: Result<(), IntakeError>) -> FileReport {
        FileReport { fault: read.err(), ..self.report }
    }
}
