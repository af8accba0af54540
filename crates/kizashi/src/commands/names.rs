//! `kizashi names`: the name of an address, asked of this machine's name servers. Never asked by itself: whoever keeps the zone of an
//! address learns who asks and when. A name counts only where it leads back to the address, for anybody may give his address any name.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;

use kizashi_event::{HostileText, Timestamp};
use kizashi_store::Places;
use kizashi_wire::names::{Answered, Asked, Question, reverse};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::cli;
use crate::config::Config;
use crate::dashboard::random;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// Where the system's name servers are named (resolv.conf(5)).
const SERVERS: &str = "/etc/resolv.conf";
/// Name servers asked, as the C library does.
const MOST_SERVERS: usize = 3;
/// How long one is waited for, each of two times.
const PATIENCE: Duration = Duration::from_secs(2);
const TRIES: usize = 2;
/// Datagrams looked at for one answer: others may send some too.
const MOST_DATAGRAMS: usize = 16;
/// Names of an address that are looked at.
const MOST_NAMES: usize = 4;
/// What was found out, in the data folder; for a day, and so many at most.
const FILE: &str = "kizashi-names.json";
const KEPT_FOR: i64 = Timestamp::DAY;
const MOST_KEPT: usize = 4_096;
/// Bytes of that file at most.
const LONGEST_FILE: u64 = 8 << 20;

/// What is known of an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    /// When it was asked for, in microseconds since 1970.
    at: i64,
    /// Its names; attackers' own words.
    names: Vec<HostileText>,
    /// Which of them lead back to it.
    confirmed: Vec<bool>,
}

/// Prints the names of addresses.
pub(crate) fn run(call: &cli::Names, terminal: &mut Terminal) -> Result<(), Failure> {
    let config = Config { data: call.data.data.clone(), ..Config::load(call.config.as_deref())? };
    let places = config.places()?;
    let servers = servers(call)?;
    let file = config.data.join(FILE);
    let mut kept = kept(&file);
    let now = crate::clock::now().micros();
    let (mut failure, mut news) = (None, false);
    for address in &call.addresses {
        let known =
            match kept.get(address).filter(|known| (0..KEPT_FOR).contains(&(now - known.at))) {
                Some(known) => known.clone(),
                None => match look_up(*address, &servers, now) {
                    Ok(known) => {
                        kept.insert(*address, known.clone());
                        news = true;
                        known
                    }
                    Err(reason) => {
                        failure = Some(format!(
                            "the name of {address} could not be asked for ({reason})"
                        ));
                        continue;
                    }
                },
            };
        print(*address, &known, &places, call.json, terminal)?;
    }
    if news && config.data.is_dir() {
        keep(&file, kept);
    }
    failure.map_or(Ok(()), |reason| Err(Failure::Asked(reason)))
}

fn servers(call: &cli::Names) -> Result<Vec<SocketAddr>, Failure> {
    if let Some(server) = call.server {
        return Ok(vec![server]);
    }
    let text = fs::read_to_string(SERVERS).unwrap_or_default();
    let found = named_servers(&text);
    if found.is_empty() {
        return Err(Failure::Asked(format!(
            "{SERVERS} names no name server; name one with --server 192.0.2.53:53"
        )));
    }
    Ok(found)
}

fn named_servers(text: &str) -> Vec<SocketAddr> {
    let server = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let address: IpAddr =
            (words.next()? == "nameserver").then(|| words.next()?.parse().ok())??;
        Some(SocketAddr::from((address, 53)))
    };
    text.lines().filter_map(server).take(MOST_SERVERS).collect()
}

fn look_up(address: IpAddr, servers: &[SocketAddr], now: i64) -> Result<Known, String> {
    let mut names = ask(&reverse(address), Asked::Names, servers)?.names;
    names.truncate(MOST_NAMES);
    let asked = if address.is_ipv4() { Asked::Four } else { Asked::Six };
    let leads_back = |name: &HostileText| {
        ask(name.raw(), asked, servers).is_ok_and(|found| found.addresses.contains(&address))
    };
    let confirmed = names.iter().map(leads_back).collect();
    Ok(Known { at: now, names, confirmed })
}

/// Asks one server after the other.
fn ask(name: &str, asked: Asked, servers: &[SocketAddr]) -> Result<Answered, String> {
    let mut reason = "no name server answers".to_owned();
    for _ in 0..TRIES {
        for server in servers {
            match ask_one(name, asked, *server) {
                Ok(answered) => return Ok(answered),
                Err(error) => reason = error,
            }
        }
    }
    Err(reason)
}

fn ask_one(name: &str, asked: Asked, server: SocketAddr) -> Result<Answered, String> {
    let failed = |error: std::io::Error| error.to_string();
    let id = u16::from_ne_bytes(random().map_err(|error| error.to_string())?);
    let question = Question { id, name: name.to_owned(), asked };
    let bytes = question.encoded().ok_or("it cannot be asked about")?;
    let any: IpAddr =
        if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    // A port that the system draws for each question, and datagrams of this server alone.
    let socket = UdpSocket::bind((any, 0)).map_err(failed)?;
    socket.connect(server).map_err(failed)?;
    socket.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
    socket.send(&bytes).map_err(failed)?;
    let mut buffer = [0; 4_096];
    let mut reason = "no name server answers".to_owned();
    for _ in 0..MOST_DATAGRAMS {
        let count = socket.recv(&mut buffer).map_err(|error| match error.kind() {
            std::io::ErrorKind::WouldBlock => reason.clone(),
            _ => error.to_string(),
        })?;
        match question.read(buffer.get(..count).unwrap_or_default()) {
            Ok(answered) => return Ok(answered),
            Err(error @ kizashi_wire::names::Unanswered::Another) => reason = error.to_string(),
            Err(error) => return Err(error.to_string()),
        }
    }
    Err(reason)
}

fn print(
    address: IpAddr,
    known: &Known,
    places: &Places,
    as_json: bool,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let with = || known.names.iter().zip(&known.confirmed);
    let named = with()
        .filter(|(_, confirmed)| **confirmed)
        .find_map(|(name, _)| places.scanner_named(name.raw()));
    let scanner = places.scanner(address).or(named);
    if as_json {
        let names: Vec<_> = with()
            .map(|(name, confirmed)| json!({"name": name.raw(), "confirmed": confirmed}))
            .collect();
        return terminal.json(&json!({"address": address, "names": names, "scanner": scanner}));
    }
    let shown = |(name, confirmed): (&HostileText, &bool)| {
        let doubt = if *confirmed { "" } else { " (does not lead back)" };
        format!("{}{doubt}", name.shown())
    };
    let mut parts: Vec<String> = with().map(shown).collect();
    if parts.is_empty() {
        parts.push("no name".to_owned());
    }
    parts.extend(
        scanner.map(|name| format!("scanner of {}", kizashi_event::escape_for_people(name))),
    );
    terminal.line(&format!("{address}  {}", parts.join(", ")))
}

fn kept(file: &Path) -> BTreeMap<IpAddr, Known> {
    let mut text = String::new();
    let read =
        fs::File::open(file).and_then(|file| file.take(LONGEST_FILE).read_to_string(&mut text));
    read.ok().and_then(|_| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// Keeps what was found out, the newest; that it cannot be kept costs a question more the next time.
fn keep(file: &Path, mut kept: BTreeMap<IpAddr, Known>) {
    if kept.len() > MOST_KEPT {
        let mut ages: Vec<i64> = kept.values().map(|known| known.at).collect();
        ages.sort_unstable();
        let oldest = ages.get(ages.len() - MOST_KEPT).copied().unwrap_or(i64::MIN);
        kept.retain(|_, known| known.at >= oldest);
    }
    let Ok(text) = serde_json::to_string(&kept) else { return };
    let mut beside = file.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    if let Err(error) = fs::write(&beside, text).and_then(|()| fs::rename(&beside, file)) {
        tracing::debug!("names were not kept: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name server on loopback: every address is called `scan.example.org`, which leads to 192.0.2.7.
    fn server() -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        std::thread::spawn(move || {
            let mut buffer = [0; 512];
            while let Ok((count, from)) = socket.recv_from(&mut buffer) {
                let mut answer = buffer[..count].to_vec();
                let kind = answer[count - 3];
                (answer[2], answer[3], answer[7]) = (0x81, 0x80, 1);
                answer.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60]);
                let data: &[u8] = match kind {
                    12 => b"\x04scan\x07example\x03org\0",
                    _ => &[192, 0, 2, 7],
                };
                answer.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
                answer.extend(data);
                // First somebody's guess, which is passed over.
                let mut guess = answer.clone();
                guess[0] ^= 0xff;
                socket.send_to(&guess, from).unwrap();
                socket.send_to(&answer, from).unwrap();
            }
        });
        address
    }

    #[test]
    fn a_name_counts_where_it_leads_back_and_a_guessed_answer_is_passed_over() {
        let servers = [server()];
        let of = |address: &str| look_up(address.parse().unwrap(), &servers, 0).unwrap();
        let right = of("192.0.2.7");
        assert_eq!(right.names, [HostileText::from("scan.example.org")]);
        assert_eq!(right.confirmed, [true]);
        assert_eq!(of("192.0.2.8").confirmed, [false]);
    }

    #[test]
    fn servers_are_read_as_the_system_names_them() {
        let text = "# x\nsearch example.org\nnameserver 192.0.2.53\nnameserver ::1\nnameserver x\nnameserver 1.1.1.1\nnameserver 9.9.9.9\n";
        let shown: Vec<String> = named_servers(text).iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["192.0.2.53:53", "[::1]:53", "1.1.1.1:53"]);
    }
}
