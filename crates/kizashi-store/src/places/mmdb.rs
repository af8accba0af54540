//! The owner's own tables: MMDB files (<https://maxmind.github.io/MaxMind-DB/>), as MaxMind, DB-IP, IPinfo and ip-location-db give them
//! out. They differ in the names of their fields; those of all four are known. A file is read whole and turned into ranges once, so
//! that a broken one is told before anything depends on it, and a look-up later can neither fail nor take long.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::Path;

use maxminddb::{Reader, WithinOptions};
use serde::Deserialize;

use super::countries::CountryCode;
use super::ranges::{Column, Ranges, upper};
use super::{PlacesError, SYSTEM};

/// Bytes of a file at most; the largest free one of networks has 12 MB, of cities 60.
const LONGEST: u64 = 256 << 20;
/// Networks of a file at most: a tree that leads back into itself has no end.
const MOST_NETWORKS: usize = 8_000_000;
/// Ranges kept at most; today's routing table makes some 600,000.
const MOST_RANGES: usize = 2_000_000;
/// Names of networks kept at most; some 85,000 are in use.
const MOST_NAMES: usize = 250_000;
/// Bytes of stack to read with: a damaged value may hold itself, and the reader follows it 512 deep before it gives up.
const STACK: usize = 64 << 20;
/// Characters of a name.
const LONGEST_NAME: usize = 64;

/// Networks, and who runs them.
#[derive(Debug)]
pub(super) struct Networks {
    pub(super) ranges: Ranges<u32>,
    pub(super) names: HashMap<u32, Box<str>>,
}

impl Networks {
    pub(super) fn bytes(&self) -> usize {
        let texts: usize = self.names.values().map(|name| name.len()).sum();
        self.ranges.bytes() + texts + self.names.capacity() * (size_of::<(u32, Box<str>)>() + 1)
    }
}

/// A country as the files write it: `country.iso_code`, `country_code`, or `country` with the letters themselves.
#[derive(Deserialize)]
struct CountryRecord<'a> {
    #[serde(borrow)]
    country: Option<Nested<'a>>,
    country_code: Option<&'a str>,
    #[serde(borrow)]
    registered_country: Option<Nested<'a>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Nested<'a> {
    Letters(&'a str),
    Record { iso_code: Option<&'a str> },
}

impl CountryRecord<'_> {
    fn code(&self) -> Option<CountryCode> {
        let nested = |nested: &Option<Nested<'_>>| match nested {
            Some(Nested::Letters(code)) => CountryCode::parse(code),
            Some(Nested::Record { iso_code }) => iso_code.and_then(CountryCode::parse),
            None => None,
        };
        self.country_code
            .and_then(CountryCode::parse)
            .or_else(|| nested(&self.country))
            .or_else(|| nested(&self.registered_country))
    }
}

/// A network as the files write it: `autonomous_system_number`, or `asn` with `AS` in front.
#[derive(Deserialize)]
struct NetworkRecord<'a> {
    autonomous_system_number: Option<u32>,
    autonomous_system_organization: Option<&'a str>,
    asn: Option<&'a str>,
    as_name: Option<&'a str>,
    name: Option<&'a str>,
}

impl NetworkRecord<'_> {
    fn number(&self) -> Option<u32> {
        let written = || {
            self.asn.and_then(|text| text.strip_prefix(SYSTEM)).and_then(|text| text.parse().ok())
        };
        self.autonomous_system_number.or_else(written).filter(|number| *number != 0)
    }

    fn name(&self) -> Option<&str> {
        self.autonomous_system_organization.or(self.as_name).or(self.name)
    }
}

/// The table of countries in a file.
pub(super) fn countries(path: &Path) -> Result<Ranges<CountryCode>, PlacesError> {
    countries_in(read(path)?).map_err(|reason| unusable(path, reason))
}

/// The table of networks in a file.
pub(super) fn networks(path: &Path) -> Result<Networks, PlacesError> {
    networks_in(read(path)?).map_err(|reason| unusable(path, reason))
}

/// Reads on a stack that no file is too deep for.
fn deeply<T: Send>(read: impl FnOnce() -> Result<T, String> + Send) -> Result<T, String> {
    std::thread::scope(|scope| {
        let reading = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, read);
        let reading = reading.map_err(|error| format!("no thread could be started: {error}"))?;
        reading.join().unwrap_or_else(|_| Err("reading it broke down".to_owned()))
    })
}

pub(super) fn countries_in(bytes: Vec<u8>) -> Result<Ranges<CountryCode>, String> {
    deeply(|| {
        ranges(&open(bytes)?, |record: CountryRecord<'_>| record.code())
            .and_then(|ranges| some(ranges, "it names no country"))
    })
}

pub(super) fn networks_in(bytes: Vec<u8>) -> Result<Networks, String> {
    deeply(|| {
        let mut names: HashMap<u32, Box<str>> = HashMap::new();
        let ranges = ranges(&open(bytes)?, |record: NetworkRecord<'_>| {
            let number = record.number()?;
            if let Some(name) = record.name().filter(|_| names.len() < MOST_NAMES) {
                names.entry(number).or_insert_with(|| name.chars().take(LONGEST_NAME).collect());
            }
            Some(number)
        })?;
        names.shrink_to_fit();
        some(ranges, "it names no autonomous system").map(|ranges| Networks { ranges, names })
    })
}

fn some<V: Copy + PartialEq>(ranges: Ranges<V>, reason: &str) -> Result<Ranges<V>, String> {
    if ranges.knows_any() { Ok(ranges) } else { Err(reason.to_owned()) }
}

fn unusable(path: &Path, reason: String) -> PlacesError {
    PlacesError::Unusable { path: path.to_path_buf(), reason }
}

fn read(path: &Path) -> Result<Vec<u8>, PlacesError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes))
        .map_err(|error| PlacesError::Unreadable { path: path.to_path_buf(), error })?;
    if bytes.len() as u64 > LONGEST {
        return Err(unusable(path, format!("it is longer than {} MB", LONGEST >> 20)));
    }
    Ok(bytes)
}

fn open(bytes: Vec<u8>) -> Result<Reader<Vec<u8>>, String> {
    Reader::from_source(bytes).map_err(|error| plain(&error))
}

/// What the reader says of a file, in one line.
fn plain(error: &maxminddb::MaxMindDbError) -> String {
    error.to_string().replace('\n', " ")
}

/// The networks of a file in order of their addresses, each with what `value` makes of its record.
fn ranges<'a, R: Deserialize<'a>, V: Copy + PartialEq>(
    reader: &'a Reader<Vec<u8>>,
    mut value: impl FnMut(R) -> Option<V>,
) -> Result<Ranges<V>, String> {
    let (mut four, mut six) = (Column::default(), Column::default());
    // Thousands of networks share one record.
    let mut known: HashMap<usize, Option<V>> = HashMap::new();
    let networks = reader.networks(WithinOptions::default()).map_err(|error| plain(&error))?;
    for (number, found) in networks.enumerate() {
        if number >= MOST_NETWORKS || four.len() + six.len() >= MOST_RANGES {
            return Err("it holds more networks than the internet has".to_owned());
        }
        let found = found.map_err(|error| plain(&error))?;
        let Some(offset) = found.offset() else { continue };
        let value = match known.get(&offset) {
            Some(value) => *value,
            None => {
                let record = found.decode::<R>().map_err(|error| plain(&error))?;
                let decoded = record.and_then(&mut value);
                known.insert(offset, decoded);
                decoded
            }
        };
        let network = found.network().map_err(|error| plain(&error))?;
        let in_order = match (network.network(), network.prefix()) {
            (IpAddr::V4(begin), prefix) => {
                let size = 1_u64 << 32_u8.saturating_sub(prefix);
                let begin = begin.to_bits();
                let end = u32::try_from(u64::from(begin) + size).ok();
                put(&mut four, begin, end, value)
            }
            // Below 64 bits lies one site, whose first network stands for it.
            (IpAddr::V6(_), 65..) => true,
            (IpAddr::V6(begin), prefix) => {
                let begin = upper(begin.to_bits());
                let size = 1_u128 << 64_u8.saturating_sub(prefix);
                let end = u64::try_from(u128::from(begin) + size).ok();
                put(&mut six, begin, end, value)
            }
        };
        if !in_order {
            return Err("its networks are out of order".to_owned());
        }
    }
    Ok(Ranges::new(four, six))
}

/// One network: what it is from `begin` on, and nothing from its end on, until the next one says otherwise.
fn put<A: Copy + Ord, V: Copy + PartialEq>(
    column: &mut Column<A, V>,
    begin: A,
    end: Option<A>,
    value: Option<V>,
) -> bool {
    column.begin(begin, value) && end.is_none_or(|end| column.begin(end, None))
}
