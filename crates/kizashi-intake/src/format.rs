//! Which formats are known, and how one is told from the others: each format looks at a line and takes it or says in a few words
//! why not, so that a file of no known format can be answered with the reason of each.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::csv::{self, ColumnMapping, Csv};
use crate::json::{self, Number, Text};
use crate::line::LineParser;
use crate::{cowrie, dionaea, elasticpot, heralding, opencanary};

/// A log format that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Cowrie's JSON log, SSH and Telnet.
    Cowrie,
    /// Dionaea's `log_json`.
    Dionaea,
    /// elasticpot's JSON log.
    Elasticpot,
    /// OpenCanary's JSON log.
    OpenCanary,
    /// Heralding's `log_session.json`.
    Heralding,
    /// A table with a header line; see [`crate::Column`] for the names that are understood.
    Csv,
}

impl Format {
    /// Every format, in the order in which they are tried.
    pub const ALL: [Self; 6] = [
        Self::Cowrie,
        Self::Dionaea,
        Self::Elasticpot,
        Self::OpenCanary,
        Self::Heralding,
        Self::Csv,
    ];

    /// The name, as `--format` takes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cowrie => "cowrie",
            Self::Dionaea => "dionaea",
            Self::Elasticpot => "elasticpot",
            Self::OpenCanary => "opencanary",
            Self::Heralding => "heralding",
            Self::Csv => "csv",
        }
    }

    /// The format of this name, whatever its case. `auto` is no format: leave [`crate::Options::format`] empty for it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| name.eq_ignore_ascii_case(format.name()))
    }

    /// Whether `line` (without its line end; the first of a file for [`Format::Csv`]) is of this format.
    ///
    /// # Errors
    /// The reason why it is not.
    pub fn recognise(self, line: &[u8]) -> Result<(), Refusal> {
        self.recognise_with(line, &ColumnMapping::default())
    }

    pub(crate) fn recognise_with(
        self,
        line: &[u8],
        columns: &ColumnMapping,
    ) -> Result<(), Refusal> {
        if self == Self::Csv {
            return csv::recognise(line, columns);
        }
        let record = json::trim_record(line);
        if record.first() != Some(&b'{') {
            return Err(Refusal::because("not one JSON object a line"));
        }
        let mut mended = Vec::new();
        let marks = json::read(record, &mut mended).map_err(|error| Refusal(error.reason))?;
        match self {
            Self::Cowrie => cowrie::recognise(&marks),
            Self::Dionaea => dionaea::recognise(&marks),
            Self::Elasticpot => elasticpot::recognise(&marks),
            Self::OpenCanary => opencanary::recognise(&marks),
            Self::Heralding | Self::Csv => heralding::recognise(&marks),
        }
    }

    pub(crate) fn parser(self, sensor: Arc<str>, columns: &ColumnMapping) -> Box<dyn LineParser> {
        match self {
            Self::Cowrie => Box::new(cowrie::Cowrie::new(sensor)),
            Self::Dionaea => Box::new(dionaea::Dionaea::new(sensor)),
            Self::Elasticpot => Box::new(elasticpot::Elasticpot::new(sensor)),
            Self::OpenCanary => Box::new(opencanary::OpenCanary::new(sensor)),
            Self::Heralding => Box::new(heralding::Heralding::new(sensor)),
            Self::Csv => Box::new(Csv::new(sensor, columns.clone())),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Why a line is not of a format, in a few words. It may quote the line: [`fmt::Display`] escapes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(Cow<'static, str>);

impl Refusal {
    pub(crate) const fn because(reason: &'static str) -> Self {
        Self(Cow::Borrowed(reason))
    }

    pub(crate) const fn of(reason: String) -> Self {
        Self(Cow::Owned(reason))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&kizashi_event::escape_for_people(&self.0))
    }
}

/// The format of the first of `lines` that any format takes; the header of a table must be the first line that is not blank.
///
/// # Errors
/// When no format takes any line: every format with why it refused the first line.
pub fn detect<'line>(
    lines: impl IntoIterator<Item = &'line [u8]>,
) -> Result<Format, Vec<(Format, Refusal)>> {
    let mut detection = Detection::new(ColumnMapping::default());
    for line in lines {
        if let Some(format) = detection.look_at(line) {
            return Ok(format);
        }
    }
    Err(detection.refusals)
}

/// A detection that sees one line after the other.
pub(crate) struct Detection {
    columns: ColumnMapping,
    /// Why each format refused the first line.
    pub(crate) refusals: Vec<(Format, Refusal)>,
}

impl Detection {
    pub(crate) const fn new(columns: ColumnMapping) -> Self {
        Self { columns, refusals: Vec::new() }
    }

    /// The format of `line`, if any takes it.
    pub(crate) fn look_at(&mut self, line: &[u8]) -> Option<Format> {
        if json::trim_record(line).is_empty() {
            return None;
        }
        let is_first = self.refusals.is_empty();
        for format in Format::ALL {
            if format == Format::Csv && !is_first {
                continue;
            }
            match format.recognise_with(line, &self.columns) {
                Ok(()) => return Some(format),
                Err(refusal) if is_first => self.refusals.push((format, refusal)),
                Err(_) => {}
            }
        }
        None
    }
}

/// The fields by which the JSON formats are told apart.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Marks<'a> {
    #[serde(borrow)]
    eventid: Text<'a>,
    #[serde(deserialize_with = "is_object")]
    connection: bool,
    #[serde(borrow)]
    src_ip: Text<'a>,
    logtype: Number,
    #[serde(deserialize_with = "is_list")]
    auth_attempts: bool,
}

impl Marks<'_> {
    pub(crate) fn event_id(&self) -> Option<&str> {
        self.eventid.filled()
    }

    pub(crate) const fn has_connection(&self) -> bool {
        self.connection
    }

    pub(crate) fn has_source(&self) -> bool {
        self.src_ip.get().is_some()
    }

    pub(crate) fn has_log_type(&self) -> bool {
        self.logtype.whole().is_some()
    }

    pub(crate) const fn has_attempts(&self) -> bool {
        self.auth_attempts
    }
}

fn is_object<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(serde_json::Value::deserialize(deserializer)?.is_object())
}

fn is_list<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(serde_json::Value::deserialize(deserializer)?.is_array())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: [(&str, Format); 6] = [
        (r#"{"eventid":"cowrie.session.connect"}"#, Format::Cowrie),
        (r#"[{"connection":{"type":"accept"},"src_ip":""},"#, Format::Dionaea),
        (r#"{"eventid":"elasticpot.recon"}"#, Format::Elasticpot),
        (r#"{"logtype":4002,"logdata":{}}"#, Format::OpenCanary),
        (r#"{"auth_attempts":[],"session_id":"x"}"#, Format::Heralding),
        ("datetime,host,src,proto,type,spt,dpt", Format::Csv),
    ];

    #[test]
    fn each_format_takes_its_own_lines_and_no_others() {
        for (line, own) in LINES {
            for format in Format::ALL {
                assert_eq!(
                    format.recognise(line.as_bytes()).is_ok(),
                    format == own,
                    "{format} {line}"
                );
            }
            assert_eq!(detect([&b""[..], line.as_bytes()]), Ok(own));
            assert_eq!(Format::from_name(&own.name().to_uppercase()), Some(own));
        }
        assert_eq!(Format::from_name("auto"), None);
    }

    #[test]
    fn an_unknown_line_is_refused_by_each_format_with_its_reason() {
        let refusals = detect([br#"{"event_type":"flow","src_ip":"192.0.2.1"}"#.as_slice()]);
        let refusals = refusals.unwrap_err();
        assert_eq!(refusals.len(), Format::ALL.len());
        let reasons: Vec<_> = refusals.iter().map(|(_, refusal)| refusal.to_string()).collect();
        assert_eq!(
            reasons[..5],
            [
                "no `eventid`",
                "no `connection` object",
                "no `eventid`",
                "no `logtype` number",
                "no `auth_attempts` list"
            ]
        );
        assert!(reasons[5].contains("time"), "{}", reasons[5]);
    }

    #[test]
    fn damage_in_the_first_lines_does_not_hide_the_format() {
        let lines: [&[u8]; 3] = [b"\xff\x00garbage", b"{\"eventid\":", LINES[0].0.as_bytes()];
        assert_eq!(detect(lines), Ok(Format::Cowrie));
    }
}
