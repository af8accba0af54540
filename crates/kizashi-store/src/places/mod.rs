//! Where a visitor's address is: its country, and its network (autonomous system) where the owner has a table of these. The store
//! asks when it counts an event, so that what is imported, replayed and seen live is counted under the same keys.
//!
//! The table of countries is inside the program (`data/countries.bin.zst`, made by `scripts/make-country-table`) and unpacked when
//! the first address is asked for. A country is where the network of an address is registered, not where a person sits, and whoever
//! attacks does so through other people's machines: it is a key to count by, never a reason to accuse anybody. Addresses that no
//! registry gives out (RFC 6890: private, documentation, loopback, …) are nowhere, whatever a table says of them.

mod countries;
mod mmdb;
mod packed;
mod ranges;
mod scanners;

use std::fs::File;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use kizashi_event::{canonical_ip, network_of, network_text};

pub use countries::{CountryCode, country_name};
use mmdb::Networks;
use ranges::Ranges;
use scanners::Scanners;

/// Bytes of an owner's list of scanners at most.
const LONGEST_LIST: u64 = 8 << 20;
/// What an autonomous system's key begins with.
const SYSTEM: &str = "AS";

/// The table that the program brings.
static BUILT_IN: LazyLock<Option<Ranges<CountryCode>>> =
    LazyLock::new(|| packed::read(include_bytes!("../../data/countries.bin.zst")).ok());

/// Why a table that the owner named cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlacesError {
    /// The file cannot be read.
    #[error(
        "{} cannot be read ({error}); correct its name or its permissions, or leave it out of [places]",
        path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It is no table of the kind that is needed.
    #[error("{} cannot be used ({reason}); fetch it again, or leave it out of [places]", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl PlacesError {
    /// Why, without the file's name and what to do.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Unreadable { error, .. } => error.to_string(),
            Self::Unusable { reason, .. } => reason.clone(),
        }
    }
}

/// The tables in use. The default is the built-in table of countries and none of networks.
#[derive(Debug, Default)]
pub struct Places {
    countries: Option<Ranges<CountryCode>>,
    networks: Option<Networks>,
    scanners: Option<Scanners>,
}

impl Places {
    /// Reads the owner's tables (MMDB), whole, before anything depends on them; where none of countries is named the built-in one is used.
    ///
    /// # Errors
    /// When a file cannot be read or is no such table.
    pub fn open(countries: Option<&Path>, networks: Option<&Path>) -> Result<Self, PlacesError> {
        Ok(Self {
            countries: countries.map(mmdb::countries).transpose()?,
            networks: networks.map(mmdb::networks).transpose()?,
            scanners: None,
        })
    }

    /// Reads the owner's own lines of scanners, which go before the built-in list.
    ///
    /// # Errors
    /// When the file cannot be read, or a line of it.
    pub fn with_scanners(mut self, file: &Path) -> Result<Self, PlacesError> {
        let path = || file.to_path_buf();
        let unreadable = |error| PlacesError::Unreadable { path: path(), error };
        let mut text = String::new();
        File::open(file)
            .and_then(|file| file.take(LONGEST_LIST + 1).read_to_string(&mut text))
            .map_err(unreadable)?;
        if text.len() as u64 > LONGEST_LIST {
            let reason = format!("it is longer than {} MB", LONGEST_LIST >> 20);
            return Err(PlacesError::Unusable { path: path(), reason });
        }
        let list = Scanners::parse(&text)
            .map_err(|reason| PlacesError::Unusable { path: path(), reason })?;
        self.scanners = Some(list);
        Ok(self)
    }

    /// Whose scanner this address is known as.
    #[must_use]
    pub fn scanner(&self, address: IpAddr) -> Option<&str> {
        let own = self.scanners.as_ref().and_then(|own| own.find(address));
        own.or_else(|| Scanners::built_in().find(address))
    }

    /// Whose scanner a host of this name is. To be asked only of names that lead back to the address that has them.
    #[must_use]
    pub fn scanner_named(&self, host: &str) -> Option<&str> {
        let own = self.scanners.as_ref().and_then(|own| own.named(host));
        own.or_else(|| Scanners::built_in().named(host))
    }

    /// Ranges of addresses and ends of names that scanners are known by, the built-in list's and the owner's.
    #[must_use]
    pub fn scanners_known(&self) -> (usize, usize) {
        let (ranges, ends) = Scanners::built_in().counts();
        let (own_ranges, own_ends) = self.scanners.as_ref().map_or((0, 0), Scanners::counts);
        (ranges + own_ranges, ends + own_ends)
    }

    /// The country of an address, where it has one.
    #[must_use]
    pub fn country(&self, address: IpAddr) -> Option<CountryCode> {
        let address = canonical_ip(address);
        let table = self.countries.as_ref().or_else(|| BUILT_IN.as_ref())?;
        if is_public(address) { table.find(address) } else { None }
    }

    /// The text of the key of an address's network: `AS64496` where the owner's table knows it, else its first bits: `198.51.0.0/16`.
    #[must_use]
    pub fn network(&self, address: IpAddr) -> String {
        self.system(address)
            .map_or_else(|| network_text(network_of(address)), |number| format!("{SYSTEM}{number}"))
    }

    /// The number of the autonomous system of an address, where the owner's table knows it.
    pub(crate) fn system(&self, address: IpAddr) -> Option<u32> {
        let address = canonical_ip(address);
        let networks = self.networks.as_ref()?;
        if is_public(address) { networks.ranges.find(address) } else { None }
    }

    /// Who runs the network of this key, where the owner's table tells; whatever a file says: show it escaped.
    #[must_use]
    pub fn network_name(&self, key: &str) -> Option<&str> {
        let number = key.strip_prefix(SYSTEM)?.parse().ok()?;
        self.networks.as_ref()?.names.get(&number).map(AsRef::as_ref)
    }

    /// The built-in table of countries alone, for as long as nobody names others.
    #[must_use]
    pub fn built_in() -> Arc<Self> {
        Arc::default()
    }

    /// Bytes that the tables take, names included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let countries = self.countries.as_ref().or_else(|| BUILT_IN.as_ref());
        countries.map_or(0, Ranges::bytes)
            + self.networks.as_ref().map_or(0, Networks::bytes)
            + self.scanners.as_ref().map_or(0, Scanners::bytes)
    }
}

/// Whether an address can be somebody's on the internet (RFC 6890 and the IANA registries of special addresses that follow it).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => {
            let [a, b, c, _] = four.octets();
            !(four.is_private()
                || four.is_loopback()
                || four.is_link_local()
                || four.is_documentation()
                || a == 0
                || a >= 224
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (18..20).contains(&b)))
        }
        IpAddr::V6(six) => {
            let [a, b, ..] = six.segments();
            // 2001::/23 holds Teredo and other assignments to protocols, 2002::/16 is 6to4; 3fff::/20 and 2001:db8::/32 are for documents.
            (0x2000..0x4000).contains(&a)
                && !(a == 0x2001 && (b < 0x0200 || b == 0x0db8))
                && a != 0x2002
                && !(a == 0x3fff && b < 0x1000)
        }
    }
}

/// Reads anything as the packed table and as an MMDB, for the fuzzer.
pub fn fuzz(bytes: &[u8]) {
    let _ = packed::read(bytes);
    let _ = packed::parse(bytes);
    let _ = mmdb::countries_in(bytes.to_vec());
    let _ = mmdb::networks_in(bytes.to_vec());
    let _ = Scanners::parse(&String::from_utf8_lossy(bytes));
}

#[cfg(test)]
mod tests;
