//! Tables: one header line that names the columns, then one row a happening. What a row is follows from what it holds: a login
//! where there is a user name or password, a command, a request, else a packet.
//!
//! A quoted field may hold line ends, so a record may span lines. A quote that never closes would then swallow the rest of the
//! file; so a record spans at most [`LINES_MAX`] lines and [`BYTES_MAX`] bytes, and when it does not end as a record must, only
//! its first line is broken and each further line is read by itself. (A line inside a field that is closed properly is never
//! taken for a row, whatever it looks like: an attacker chooses what stands in fields.)

mod columns;
mod record;

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use kizashi_event::{
    Detail, Event, HostileText, Port, Request, Service, SessionId, Timestamp, Transport,
    canonical_ip,
};

use columns::Places;
pub use columns::{Column, ColumnMapping, ColumnMappingError};
use record::{Ending, Fields};

use crate::format::Refusal;
use crate::line::{Faults, LineError, LineParser, Origin, Parsed};
use crate::values::{read_address_or_integer, read_time};

/// The most lines that one record may span.
const LINES_MAX: u64 = 64;
/// The most bytes that one record of several lines may have.
const BYTES_MAX: usize = 262_144;
/// After so many quotes that never closed, a file is held to quote badly, and records of several lines are no longer looked for:
/// else a file made of stray quotes would be read 64 times over.
const STRIKES_MAX: u32 = 100;
const DELIMITERS: [u8; 3] = *b",;\t";
/// Names of the Internet's protocol numbers that have no ports here.
const OTHER_TRANSPORTS: [&str; 12] =
    ["ah", "dccp", "eigrp", "esp", "gre", "igmp", "ip", "ipip", "ospf", "pim", "sctp", "vrrp"];
const NEVER_CLOSES: &str = "a quoted field that begins here never closes";

/// Whether `line` can be the header of a table.
pub(crate) fn recognise(line: &[u8], mapping: &ColumnMapping) -> Result<(), Refusal> {
    read_header(line, mapping).map(|_| ()).map_err(|missing| {
        let names = missing.names();
        let some = names.iter().take(5).copied().collect::<Vec<_>>().join(", ");
        Refusal::of(format!("the first line names no column for the {} ({some} …)", missing.name()))
    })
}

/// The header's columns and delimiter, or the needed column that none of the delimiters shows.
fn read_header(line: &[u8], mapping: &ColumnMapping) -> Result<(Places, u8), Column> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii_end();
    let mut missing = Column::Time;
    let mut fields = Fields::default();
    for delimiter in DELIMITERS {
        if fields.cut(line, delimiter) == Ending::Open {
            continue;
        }
        let places = Places::find(&fields.texts(), mapping);
        match places.missing() {
            None => return Ok((places, delimiter)),
            Some(column) => missing = if column == Column::Source { column } else { missing },
        }
    }
    Err(missing)
}

/// Reads the lines of a table.
pub(crate) struct Csv {
    origin: Origin,
    mapping: ColumnMapping,
    table: Option<(Places, u8)>,
    awaits_header: bool,
    fields: Fields,
    /// A record whose quoted field is still open, and of how many lines it is.
    open: Vec<u8>,
    open_lines: u64,
    /// How many quotes of this file never closed.
    strikes: u32,
}

impl Csv {
    pub(crate) fn new(default_sensor: Arc<str>, mapping: ColumnMapping) -> Self {
        Self {
            origin: Origin::new(default_sensor),
            mapping,
            table: None,
            awaits_header: true,
            fields: Fields::default(),
            open: Vec::new(),
            open_lines: 0,
            strikes: 0,
        }
    }

    /// Reads one record; `None` when a quote is open.
    fn read_record(&mut self, record: &[u8]) -> Result<Option<Event>, LineError> {
        let Some((places, delimiter)) = &self.table else {
            return Err(LineError::because(
                "the table has no header that names a time and a source",
            ));
        };
        let spans_lines = self.open_lines > 0;
        match self.fields.cut(record, *delimiter) {
            Ending::Open => return Ok(None),
            // Of one line, a record may be untidy; of several, it is one only if all is as it must be.
            Ending::Ragged if spans_lines => return Err(LineError::because(NEVER_CLOSES)),
            Ending::Complete if spans_lines && self.fields.len() != places.width => {
                return Err(LineError::because(NEVER_CLOSES));
            }
            _ => {}
        }
        let row = Row { places, fields: &self.fields };
        let sensor = self.origin.sensor(row.text(Column::Sensor).as_deref());
        let mut event = row.event(sensor)?;
        event.id = self.origin.identify(record).next_id();
        Ok(Some(event))
    }

    /// Goes on with an open record.
    fn go_on(&mut self, line: &[u8], emit: &mut dyn FnMut(Event)) -> Result<Parsed, Faults> {
        self.open.push(b'\n');
        self.open.extend_from_slice(line);
        self.open_lines += 1;
        let record = std::mem::take(&mut self.open);
        let read = self.read_record(&record);
        self.open = record;
        match read {
            Ok(Some(event)) => {
                self.open.clear();
                self.open_lines = 0;
                emit(event);
                Ok(Parsed::Record)
            }
            Ok(None) if self.open_lines < LINES_MAX && self.open.len() < BYTES_MAX => {
                Ok(Parsed::Record)
            }
            _ => Err(self.give_up(emit)),
        }
    }

    /// The open record is none: its first line is broken, and each further line is read by itself.
    fn give_up(&mut self, emit: &mut dyn FnMut(Event)) -> Faults {
        self.strikes = self.strikes.saturating_add(1);
        let lines = std::mem::take(&mut self.open);
        let last = std::mem::take(&mut self.open_lines).saturating_sub(1);
        let mut faults = vec![LineError { lines_back: last, ..LineError::because(NEVER_CLOSES) }];
        for (line, number) in lines.split(|byte| *byte == b'\n').zip(0_u64..).skip(1) {
            if let Err(Faults(found)) = self.parse(line, emit) {
                let lines_back = last.saturating_sub(number);
                faults.extend(
                    found.into_iter().map(|fault| LineError {
                        lines_back: fault.lines_back + lines_back,
                        ..fault
                    }),
                );
            }
        }
        Faults(faults)
    }
}

impl LineParser for Csv {
    fn start_file(&mut self) {
        self.origin.start_file();
        self.awaits_header = true;
        self.open.clear();
        (self.open_lines, self.strikes) = (0, 0);
    }

    fn parse(&mut self, line: &[u8], emit: &mut dyn FnMut(Event)) -> Result<Parsed, Faults> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if self.open_lines > 0 {
            return self.go_on(line, emit);
        }
        if line.trim_ascii().is_empty() {
            return Ok(Parsed::Nothing);
        }
        if std::mem::take(&mut self.awaits_header)
            && let Ok(table) = read_header(line, &self.mapping)
        {
            self.table = Some(table);
            return Ok(Parsed::Nothing);
        }
        match self.read_record(line)? {
            Some(event) => emit(event),
            None if self.strikes >= STRIKES_MAX => {
                return Err(LineError::because(NEVER_CLOSES).into());
            }
            None => {
                self.open.extend_from_slice(line);
                self.open_lines = 1;
            }
        }
        Ok(Parsed::Record)
    }

    fn finish(&mut self, emit: &mut dyn FnMut(Event)) -> Result<(), Faults> {
        let mut faults = Vec::new();
        // Each round has at least one line less.
        while self.open_lines > 0 {
            faults.extend(self.give_up(emit).0);
        }
        if faults.is_empty() { Ok(()) } else { Err(Faults(faults)) }
    }
}

/// One row, read by column.
struct Row<'row> {
    places: &'row Places,
    fields: &'row Fields,
}

impl<'row> Row<'row> {
    /// What the column holds, when it is not empty.
    fn text(&self, column: Column) -> Option<Cow<'row, str>> {
        self.at(self.places.of(column)?)
    }

    fn at(&self, place: usize) -> Option<Cow<'row, str>> {
        let field = self.fields.get(place)?.trim_ascii();
        (!field.is_empty()).then(|| String::from_utf8_lossy(field))
    }

    /// An attacker's text: not trimmed, empty only where the column is missing or empty.
    fn hostile(&self, column: Column) -> Option<HostileText> {
        let field = self.fields.get(self.places.of(column)?)?;
        (!field.is_empty()).then(|| HostileText::from_bytes(field))
    }

    fn number(&self, column: Column) -> Option<u16> {
        self.text(column)?.parse().ok()
    }

    fn event(&self, sensor: Arc<str>) -> Result<Event, LineError> {
        let time = self.time().ok_or(LineError::because("no time that can be read"))?;
        let source = self.text(Column::Source);
        let (source, own_port) = source
            .as_deref()
            .and_then(read_source)
            .ok_or(LineError::because("the source is not an address"))?;
        let source_port = self.number(Column::SourcePort).or(own_port).unwrap_or_default();
        let session = self.text(Column::Session);
        let (transport, spoken) = self.transport()?;
        let service = self.text(Column::Service);
        let service = service.or(spoken).map_or(Service::UNKNOWN, |name| Service::named(&name));
        Ok(Event {
            time,
            id: kizashi_event::EventId(0),
            session: session.map(|name| SessionId::of_foreign(&sensor, &name)),
            sensor,
            source,
            source_port,
            destination: self
                .text(Column::Destination)
                .as_deref()
                .and_then(read_address_or_integer),
            port: self.port(transport)?,
            service,
            detail: self.detail(),
        })
    }

    fn time(&self) -> Option<Timestamp> {
        let own = self.text(Column::Time)?;
        read_time(&own).or_else(|| {
            let date = self.at(self.places.date?)?;
            read_time(&format!("{date} {own}"))
        })
    }

    /// The transport, and the application protocol where the table has that in its place, as Heralding's `log_auth.csv` does.
    fn transport(&self) -> Result<(Transport, Option<Cow<'row, str>>), LineError> {
        let Some(name) = self.text(Column::Transport) else { return Ok((Transport::Tcp, None)) };
        if let Some(transport) = read_transport(&name) {
            return Ok((transport, None));
        }
        let is_other = OTHER_TRANSPORTS.iter().any(|other| name.eq_ignore_ascii_case(other));
        if is_other || name.bytes().all(|byte| !byte.is_ascii_alphabetic()) {
            return Err(LineError::because("the transport is not tcp, udp or icmp"));
        }
        Ok((Transport::Tcp, Some(name)))
    }

    fn port(&self, transport: Transport) -> Result<Port, LineError> {
        let column = if transport == Transport::Icmp { Column::IcmpType } else { Column::Port };
        let number = match self.text(column) {
            // A table without the column does not know; a row without the value is broken.
            None if transport == Transport::Icmp || self.places.of(column).is_none() => 0,
            None => return Err(LineError::because("no port")),
            Some(text) => text.parse().map_err(|_| LineError::because("the port is not a port"))?,
        };
        Ok(Port { transport, number })
    }

    fn detail(&self) -> Detail {
        let (username, password) = (self.hostile(Column::Username), self.hostile(Column::Password));
        if username.is_some() || password.is_some() {
            return Detail::Login { username, password, public_key: None, accepted: false };
        }
        if let Some(line) = self.hostile(Column::Command) {
            return Detail::Command { line, known: None };
        }
        if let Some(target) = self.hostile(Column::Path) {
            let agent = self.hostile(Column::UserAgent);
            let request = Request {
                method: self.hostile(Column::Method).unwrap_or_default(),
                target,
                headers: agent.map(|agent| ("User-Agent".into(), agent)).into_iter().collect(),
                ..Request::default()
            };
            return Detail::Request { request: Box::new(request), body: None };
        }
        Detail::Packet
    }
}

/// An address, also as an integer, and the port where `address:port` is written.
fn read_source(text: &str) -> Option<(IpAddr, Option<u16>)> {
    if let Some(address) = read_address_or_integer(text) {
        return Some((address, None));
    }
    let both: SocketAddr = text.parse().ok()?;
    Some((canonical_ip(both.ip()), Some(both.port())))
}

fn read_transport(name: &str) -> Option<Transport> {
    match name {
        "6" => Some(Transport::Tcp),
        "17" => Some(Transport::Udp),
        "1" | "58" => Some(Transport::Icmp),
        _ if ["icmpv6", "icmp6", "ipv6-icmp"]
            .iter()
            .any(|icmp| name.eq_ignore_ascii_case(icmp)) =>
        {
            Some(Transport::Icmp)
        }
        _ => Transport::from_name(name),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
