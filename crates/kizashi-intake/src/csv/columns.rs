//! Which column of a table holds what: found by name, in the ways that people and tools name columns, or told by the caller.

use std::fmt;
use std::str::FromStr;

/// What a column can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Column {
    /// The moment: RFC 3339, `2026-11-24 20:54:00` (UTC), or a count of seconds, milli-, micro- or nanoseconds since 1970.
    Time,
    /// The visitor's address, as text or as the number an IPv4 address is.
    Source,
    /// The address visited.
    Destination,
    /// The visitor's port.
    SourcePort,
    /// The port visited.
    Port,
    /// `tcp`, `udp`, `icmp`, or 6, 17, 1, 58; TCP where missing.
    Transport,
    /// The type of an ICMP message, which takes the port's place.
    IcmpType,
    /// The sensor's name.
    Sensor,
    /// The session's name.
    Session,
    /// The application protocol.
    Service,
    /// A user name tried: the row is a login.
    Username,
    /// A password tried: the row is a login.
    Password,
    /// A line given to a shell: the row is a command.
    Command,
    /// The target of an HTTP request: the row is a request.
    Path,
    /// The method of an HTTP request.
    Method,
    /// The client's user agent.
    UserAgent,
}

/// Each column with the names under which it is found; the first is its own.
const NAMES: [(Column, &[&str]); 16] = [
    (
        Column::Time,
        &[
            "time",
            "datetime",
            "timestamp",
            "date_time",
            "@timestamp",
            "ts",
            "utc_time",
            "event_time",
            "eventtime",
            "start_time",
            "unixtime",
            "epoch",
            "date",
        ],
    ),
    (
        Column::Source,
        &[
            "source",
            "src",
            "src_ip",
            "source_ip",
            "srcip",
            "sourceip",
            "saddr",
            "source_address",
            "src_addr",
            "src_address",
            "src_host",
            "remote_ip",
            "remote_addr",
            "remote_host",
            "client_ip",
            "attacker_ip",
            "peer_ip",
            "ip",
            "id_orig_h",
        ],
    ),
    (
        Column::Destination,
        &[
            "destination",
            "dst",
            "dst_ip",
            "dest_ip",
            "destination_ip",
            "dstip",
            "destip",
            "daddr",
            "dst_addr",
            "dst_address",
            "destination_address",
            "dst_host",
            "local_ip",
            "id_resp_h",
        ],
    ),
    (
        Column::SourcePort,
        &[
            "source_port",
            "spt",
            "src_port",
            "sport",
            "srcport",
            "sourceport",
            "remote_port",
            "id_orig_p",
        ],
    ),
    (
        Column::Port,
        &[
            "port",
            "dpt",
            "dst_port",
            "dest_port",
            "destination_port",
            "dport",
            "dstport",
            "destport",
            "local_port",
            "id_resp_p",
        ],
    ),
    (Column::Transport, &["transport", "proto", "protocol", "ip_proto", "ip_protocol"]),
    (Column::IcmpType, &["icmp_type", "type"]),
    (
        Column::Sensor,
        &["sensor", "host", "sensor_name", "node_id", "honeypot", "hostname", "observer"],
    ),
    (Column::Session, &["session", "session_id", "sessionid"]),
    (Column::Service, &["service", "app", "app_proto", "application"]),
    (Column::Username, &["username", "user", "login", "user_name"]),
    (Column::Password, &["password", "pass", "passwd"]),
    (Column::Command, &["command", "input", "cmd", "command_line"]),
    (Column::Path, &["path", "url", "uri", "request_url", "request_uri", "http_path", "target"]),
    (Column::Method, &["method", "http_method", "request_method", "verb"]),
    (Column::UserAgent, &["user_agent", "useragent", "http_user_agent", "agent"]),
];

impl Column {
    /// Every column.
    pub const ALL: [Self; 16] = {
        let mut all = [Self::Time; 16];
        let mut at = 0;
        while at < all.len() {
            all[at] = NAMES[at].0;
            at += 1;
        }
        all
    };

    /// The column's own name: `source_port`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        NAMES[self as usize].1[0]
    }

    /// Every name under which the column is found, its own first. Case does not matter, and a space, `-` or `.` counts as `_`.
    #[must_use]
    pub const fn names(self) -> &'static [&'static str] {
        NAMES[self as usize].1
    }

    /// The column of this name, its own or another.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = normalise(name);
        Self::ALL.into_iter().find(|column| column.names().contains(&name.as_str()))
    }
}

fn normalise(name: &str) -> String {
    let name = name.trim().trim_start_matches('\u{feff}');
    let plain = |c: char| if matches!(c, ' ' | '-' | '.') { '_' } else { c.to_ascii_lowercase() };
    name.chars().map(plain).collect()
}

/// What the caller says about columns; a column that he does not name is found by its usual names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnMapping(Vec<(Column, String)>);

/// The text was no mapping of columns.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault}: write column=name pairs such as source=my_ip,time=seen (columns: {})", columns())]
pub struct ColumnMappingError {
    fault: String,
}

fn columns() -> String {
    Column::ALL.map(Column::name).join(", ")
}

impl FromStr for ColumnMapping {
    type Err = ColumnMappingError;

    /// Reads `source=my_ip,time=seen`: a column by any of its names, `=`, and the name in the table's header.
    fn from_str(text: &str) -> Result<Self, ColumnMappingError> {
        let mut pairs = Vec::new();
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let shown = kizashi_event::escape_for_people(pair);
            let (column, name) = pair
                .split_once('=')
                .ok_or_else(|| ColumnMappingError { fault: format!("`{shown}` has no `=`") })?;
            let column = Column::from_name(column).ok_or_else(|| ColumnMappingError {
                fault: format!("`{shown}` begins with no known column"),
            })?;
            pairs.push((column, name.trim().to_owned()));
        }
        Ok(Self(pairs))
    }
}

impl fmt::Display for ColumnMapping {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (column, name)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(
                formatter,
                "{comma}{}={}",
                column.name(),
                kizashi_event::escape_for_people(name)
            )?;
        }
        Ok(())
    }
}

/// At which place of a row each column stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places {
    places: [Option<usize>; 16],
    /// A column `date` beside a column of times, which may then hold the hour alone.
    pub(crate) date: Option<usize>,
    /// How many columns the header has.
    pub(crate) width: usize,
}

impl Places {
    /// Finds the columns in a header.
    pub(crate) fn find(header: &[String], mapping: &ColumnMapping) -> Self {
        let names: Vec<String> = header.iter().map(|name| normalise(name)).collect();
        let place_of = |name: &str| names.iter().position(|found| found == name);
        let mut places = [None; 16];
        for column in Column::ALL {
            let told = mapping.0.iter().find(|(told, _)| *told == column);
            places[column as usize] = match told {
                Some((_, name)) => place_of(&normalise(name)),
                None => column.names().iter().find_map(|name| place_of(name)),
            };
        }
        let date = place_of("date").filter(|date| places[Column::Time as usize] != Some(*date));
        Self { places, date, width: header.len() }
    }

    pub(crate) const fn of(&self, column: Column) -> Option<usize> {
        self.places[column as usize]
    }

    /// The columns without which no row is an event, where they are missing.
    pub(crate) fn missing(&self) -> Option<Column> {
        [Column::Time, Column::Source].into_iter().find(|column| self.of(*column).is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> Vec<String> {
        text.split(',').map(str::to_owned).collect()
    }

    #[test]
    fn every_column_stands_in_the_table_at_its_own_number_and_no_name_is_two_columns() {
        let mut seen = std::collections::HashSet::new();
        for (at, column) in Column::ALL.into_iter().enumerate() {
            assert_eq!(column as usize, at);
            for name in column.names() {
                assert!(seen.insert(*name), "{name}");
                assert_eq!(Column::from_name(name), Some(column));
            }
        }
    }

    #[test]
    fn columns_are_found_by_many_names_and_told_names_go_first() {
        let aws = Places::find(
            &header("datetime,host,src,proto,type,spt,dpt"),
            &ColumnMapping::default(),
        );
        let found =
            [Column::Time, Column::Sensor, Column::Source, Column::Transport, Column::IcmpType];
        assert_eq!(
            found.map(|column| aws.of(column)),
            [Some(0), Some(1), Some(2), Some(3), Some(4)]
        );
        let mapping: ColumnMapping = "src=Who, time=Seen At".parse().unwrap();
        let told = Places::find(&header("time,Seen At,src,who"), &mapping);
        assert_eq!((told.of(Column::Time), told.of(Column::Source)), (Some(1), Some(3)));
        let ecs = Places::find(&header("@timestamp,source.ip,Destination Port"), &mapping);
        assert_eq!((ecs.missing(), ecs.of(Column::Port)), (Some(Column::Time), Some(2)));
    }

    #[test]
    fn a_wrong_mapping_says_what_is_wrong_and_what_to_write() {
        for wrong in ["source", "colour=red"] {
            let error = wrong.parse::<ColumnMapping>().unwrap_err().to_string();
            assert!(error.contains(wrong) && error.contains("source_port"), "{error}");
        }
    }
}
