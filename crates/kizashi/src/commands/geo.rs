//! `kizashi geo`: the tables that say where visitors are and who is a known scanner, fetched, checked, put in place, and asked.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use kizashi_event::escape_for_people;
use kizashi_store::{Places, country_name};
use serde_json::json;

use crate::cli::{self, GeoCall, GeoTable};
use crate::config::Config;
use crate::failure::Failure;
use crate::fetch;
use crate::terminal::Terminal;

/// Bytes of a table at most, unpacked.
const LONGEST: u64 = 256 << 20;
/// What packed data begin with (RFC 1952).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Does what is asked.
pub(crate) fn run(call: &GeoCall, terminal: &mut Terminal) -> Result<(), Failure> {
    match call {
        GeoCall::Update(call) => update(call, terminal),
        GeoCall::Show(call) => show(call, terminal),
    }
}

fn config_of(config: Option<&Path>, data: Option<&Path>) -> Result<Config, Failure> {
    let mut config = Config::load(config)?;
    match data {
        Some(data) => config.data = data.to_path_buf(),
        None if !config.data.exists() => config.data = super::install::default_data(),
        None => {}
    }
    Ok(config)
}

fn update(call: &cli::GeoUpdate, terminal: &mut Terminal) -> Result<(), Failure> {
    let config = config_of(call.config.as_deref(), call.data.as_deref())?;
    let target = config.place_file(call.table);
    let content = if fetch::is_address(&call.source) {
        fetch::fetch(&call.source)?
    } else {
        read(Path::new(&call.source))?
    };
    let content = unpacked(content).map_err(|reason| {
        Failure::Asked(format!("what is there cannot be unpacked ({reason}); the old table stays"))
    })?;
    put(call.table, &target, &content)?;
    terminal.line(&format!(
        "{} is in place: {}; it counts from the next start on (`sudo systemctl restart kizashi`)",
        target.display(),
        crate::screen::bytes(content.len() as u64)
    ))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut content = Vec::new();
    let file =
        fs::File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut content));
    let shown = || crate::screen::harmless(&path.display().to_string());
    file.map_err(|error| Failure::Asked(format!("{} cannot be read ({error})", shown())))?;
    if content.len() as u64 > LONGEST {
        return Err(Failure::Asked(format!("{} is longer than {} MB", shown(), LONGEST >> 20)));
    }
    Ok(content)
}

/// The content of a file that may be packed by gzip.
fn unpacked(content: Vec<u8>) -> Result<Vec<u8>, String> {
    if !content.starts_with(&GZIP) {
        return Ok(content);
    }
    let mut whole = Vec::new();
    let decoder = flate2::read::MultiGzDecoder::new(content.as_slice());
    decoder.take(LONGEST + 1).read_to_end(&mut whole).map_err(|error| error.to_string())?;
    if whole.len() as u64 > LONGEST {
        return Err(format!("it is longer than {} MB", LONGEST >> 20));
    }
    Ok(whole)
}

/// Writes a table beside its place, has it read whole as a start would, and only then moves it over the old one.
fn put(table: GeoTable, target: &Path, content: &[u8]) -> Result<(), Failure> {
    let mut beside = target.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let failed = |error: std::io::Error| {
        Failure::Asked(format!(
            "{} cannot be written ({error}); give its folder to this user, or call it by sudo",
            target.display()
        ))
    };
    let written = || -> std::io::Result<()> {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o644)
            .custom_flags(libc::O_NOFOLLOW)
            .open(&beside)?;
        file.write_all(content)?;
        file.sync_all()
    };
    written().map_err(failed)?;
    let checked = match table {
        GeoTable::Countries => Places::open(Some(&beside), None),
        GeoTable::Networks => Places::open(None, Some(&beside)),
        GeoTable::Scanners => Places::default().with_scanners(&beside),
    };
    if let Err(error) = checked {
        let _ = fs::remove_file(&beside);
        return Err(Failure::Asked(format!(
            "what came is no table of {} ({}); the old one stays",
            table.name(),
            escape_for_people(&error.reason())
        )));
    }
    fs::rename(&beside, target).map_err(failed)
}

fn show(call: &cli::GeoShow, terminal: &mut Terminal) -> Result<(), Failure> {
    let config = config_of(call.config.as_deref(), call.data.as_deref())?;
    let places = config.places()?;
    if !call.addresses.is_empty() {
        return call
            .addresses
            .iter()
            .try_for_each(|address| place(&places, *address, call, terminal));
    }
    let (ranges, names) = places.scanners_known();
    for table in GeoTable::ALL {
        let file = Some(config.place_file(table)).filter(|file| file.exists());
        let used = match (&file, table) {
            (Some(file), _) => file.display().to_string(),
            (None, GeoTable::Countries) => "the table that Kizashi brings".to_owned(),
            (None, GeoTable::Networks) => {
                "none: a network is the first bits of an address".to_owned()
            }
            (None, GeoTable::Scanners) => "the list that Kizashi brings".to_owned(),
        };
        if call.json {
            let (ranges, names) = if table == GeoTable::Scanners {
                (Some(ranges), Some(names))
            } else {
                (None, None)
            };
            terminal.json(
                &json!({"table": table.name(), "file": file, "ranges": ranges, "names": names}),
            )?;
        } else {
            terminal.line(&format!("{:<10} {used}", table.name()))?;
        }
    }
    if call.json {
        return Ok(());
    }
    let counted = if config.places.scanners_in_signs { "count" } else { "do not count" };
    terminal.line(&format!(
        "           {ranges} ranges and {names} names of scanners are known; they {counted} in signs"
    ))
}

fn place(
    places: &Places,
    address: IpAddr,
    call: &cli::GeoShow,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let country = places.country(address).map(|code| code.to_string());
    let network = places.network(address);
    let (name, scanner) = (places.network_name(&network), places.scanner(address));
    if call.json {
        return terminal.json(&json!({
            "address": address, "country": country, "network": network, "name": name, "scanner": scanner,
        }));
    }
    let country = country.map_or_else(
        || "no country known".to_owned(),
        |code| country_name(&code).map_or(code.clone(), str::to_owned),
    );
    let mut parts = vec![country, network];
    parts.extend(name.map(escape_for_people));
    parts.extend(scanner.map(|scanner| format!("scanner of {}", escape_for_people(scanner))));
    terminal.line(&format!("{address}  {}", parts.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_table_is_unpacked_and_one_that_is_cut_is_refused() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(b"192.0.2.0/24\tA\n").unwrap();
        let packed = encoder.finish().unwrap();
        assert_eq!(unpacked(packed.clone()).unwrap(), b"192.0.2.0/24\tA\n");
        assert!(unpacked(packed[..packed.len() - 9].to_vec()).is_err());
        assert_eq!(unpacked(b"plain".to_vec()).unwrap(), b"plain");
    }

    #[test]
    fn what_is_no_table_leaves_the_old_one_as_it_was_and_nothing_beside_it() {
        let folder = std::env::temp_dir().join(format!("kizashi-geo-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let target = folder.join("kizashi-scanners.tsv");
        put(GeoTable::Scanners, &target, b"192.0.2.0/24\tA\n").unwrap();
        for table in GeoTable::ALL {
            let error = put(table, &target, b"no table").unwrap_err().to_string();
            assert!(error.contains("the old one stays"), "{error}");
        }
        assert_eq!(fs::read(&target).unwrap(), b"192.0.2.0/24\tA\n");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(&folder).unwrap();
    }
}
