//! What this machine really runs, where its owner lets Kizashi look: who listens (`/proc/net`), under which name (`/proc/PID`),
//! which versions are installed (dpkg's and apk's own files), and whether sshd takes passwords. Read once by the process that
//! starts the others, before it gives up its rights and long before the core shuts itself in; no trap ever does. Nothing is run.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use kizashi_event::{Port, Timestamp};
use kizashi_signs::{Campaigns, Machine, RealService};
use kizashi_store::{Reader, StoreError};

use crate::sockets::{LISTENS, UNCONNECTED, in_state};
use crate::sshd::Sshd;

/// The name under which the core keeps it for `kizashi sign` and `kizashi report`.
pub(crate) const KEPT: &str = "machine";
/// Bytes of one file that are read.
const LONGEST_FILE: u64 = 32 << 20;
/// Listeners told at most.
const MOST_SERVICES: usize = 256;
/// Processes, and open files of one, looked through at most.
const MOST_PROCESSES: usize = 8_192;
const MOST_FILES: usize = 4_096;

/// What the core kept of this machine; `None` where nobody may look at it.
pub(crate) fn kept(reader: &Reader) -> Result<Option<Machine>, StoreError> {
    let json = reader.blob(KEPT)?;
    Ok(json.and_then(|json| serde_json::from_slice(&json).ok()).flatten())
}

/// Looks at the machine whose root is `/`.
pub(crate) fn look(now: Timestamp, campaigns: &Campaigns) -> Machine {
    look_under(Path::new("/"), now, campaigns)
}

fn look_under(root: &Path, now: Timestamp, campaigns: &Campaigns) -> Machine {
    let wanted: BTreeSet<&str> = campaigns
        .all()
        .iter()
        .flat_map(|campaign| campaign.packages.iter().map(String::as_str))
        .collect();
    let ours = open_sockets(&root.join("proc/self/fd"));
    let mut services = Vec::new();
    for (name, state, udp) in [
        ("tcp", LISTENS, false),
        ("tcp6", LISTENS, false),
        ("udp", UNCONNECTED, true),
        ("udp6", UNCONNECTED, true),
    ] {
        let text = read(&root.join("proc/net").join(name));
        services.extend(listeners(&text, state, udp).filter(|(_, inode)| !ours.contains(inode)));
    }
    services.truncate(MOST_SERVICES);
    let programs = programs(root, &services.iter().map(|(_, inode)| *inode).collect());
    let mut services: Vec<RealService> = services
        .into_iter()
        .map(|(service, inode)| RealService { program: programs.get(&inode).cloned(), ..service })
        // A Kizashi that is about to be replaced is no service of the owner's.
        .filter(|service| service.program.as_deref() != Some("kizashi"))
        .collect();
    services
        .sort_by(|a, b| (a.port, a.is_local, &a.address).cmp(&(b.port, b.is_local, &b.address)));
    Machine {
        read: now,
        services,
        packages: packages(root, &wanted),
        ssh_passwords: Sshd::of(root).map(|sshd| sshd.takes_passwords),
    }
}

fn read(path: &Path) -> String {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    if let Ok(file) = std::fs::File::open(path) {
        // What could be read of it counts.
        let _ = file.take(LONGEST_FILE).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Sockets of a table in a state, with their inodes.
fn listeners<'a>(
    table: &'a str,
    state: &'a str,
    udp: bool,
) -> impl Iterator<Item = (RealService, u64)> + 'a {
    in_state(table, state).filter(|socket| socket.port != 0).filter_map(move |socket| {
        let service = RealService {
            port: if udp { Port::udp(socket.port) } else { Port::tcp(socket.port) },
            address: socket.address.to_string(),
            program: None,
            is_local: socket.address.is_loopback(),
        };
        Some((service, socket.inode?))
    })
}

/// Inodes of the sockets that a process has open.
fn open_sockets(folder: &Path) -> HashSet<u64> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().take(MOST_FILES);
    let inode = |target: PathBuf| {
        target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse::<u64>().ok()
    };
    entries.filter_map(|entry| inode(std::fs::read_link(entry.path()).ok()?)).collect()
}

/// Which program has each of these sockets, as far as this process may know.
fn programs(root: &Path, wanted: &HashSet<u64>) -> HashMap<u64, String> {
    let mut found = HashMap::new();
    if wanted.is_empty() {
        return found;
    }
    let entries = std::fs::read_dir(root.join("proc")).into_iter().flatten().flatten();
    let is_process = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.as_encoded_bytes().iter().all(u8::is_ascii_digit))
    };
    let mut processes: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(is_process).take(MOST_PROCESSES).collect();
    processes.sort();
    for process in processes {
        let sockets = open_sockets(&process.join("fd"));
        if sockets.is_disjoint(wanted) {
            continue;
        }
        let name: String = read(&process.join("comm")).trim().chars().take(32).collect();
        for socket in sockets.intersection(wanted) {
            found.entry(*socket).or_insert_with(|| name.clone());
        }
    }
    found
}

/// Versions of these packages, where dpkg or apk has them installed.
fn packages(root: &Path, wanted: &BTreeSet<&str>) -> BTreeMap<String, String> {
    let mut found = of_dpkg(&read(&root.join("var/lib/dpkg/status")), wanted);
    found.extend(of_apk(&read(&root.join("lib/apk/db/installed")), wanted));
    found
}

/// deb822 paragraphs: `Package`, `Status`, `Version`.
fn of_dpkg(status: &str, wanted: &BTreeSet<&str>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for paragraph in status.split("\n\n") {
        let field = |name: &str| {
            let mut lines = paragraph.lines();
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        };
        let Some(package) = field("Package") else { continue };
        if wanted.contains(package)
            && field("Status").is_some_and(|status| status.ends_with(" installed"))
            && let Some(version) = field("Version")
        {
            found.insert(package.to_owned(), version.chars().take(64).collect());
        }
    }
    found
}

/// Paragraphs of `P:` and `V:`.
fn of_apk(installed: &str, wanted: &BTreeSet<&str>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for paragraph in installed.split("\n\n") {
        let field = |name: &str| paragraph.lines().find_map(|line| line.strip_prefix(name));
        if let (Some(package), Some(version)) = (field("P:"), field("V:"))
            && wanted.contains(package)
        {
            found.insert(package.to_owned(), version.chars().take(64).collect());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_machine::Made;

    #[test]
    fn versions_of_installed_packages_are_read_and_of_no_others() {
        let dpkg = "Package: redis-server\nStatus: install ok installed\nVersion: 5:7.0.15-1\n\n\
                    Package: phpunit\nStatus: deinstall ok config-files\nVersion: 9\n\n\
                    Package: vim\nStatus: install ok installed\nVersion: 2\n";
        let apk = "P:memcached\nV:1.6.21-r0\n\nP:musl\nV:1\n\n";
        let made = Made::new(&[("var/lib/dpkg/status", dpkg), ("lib/apk/db/installed", apk)]);
        let machine = look_under(made.root(), Timestamp::default(), &Campaigns::builtin());
        let found: Vec<(&str, &str)> = machine
            .packages
            .iter()
            .map(|(name, version)| (name.as_str(), version.as_str()))
            .collect();
        assert_eq!(found, [("memcached", "1.6.21-r0"), ("redis-server", "5:7.0.15-1")]);
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn listeners_are_told_with_address_and_reach() {
        let tcp = "head\n\
            0: 00000000:0016 00000000:0000 0A 0:0 0:0 0 0 0 11 1\n\
            1: 0100007F:18EB 00000000:0000 0A 0:0 0:0 0 0 0 12 1\n\
            2: 070012C6:01BB 010012C6:9C40 01 0:0 0:0 0 0 0 13 1\nbroken\n";
        let made = Made::new(&[("proc/net/tcp", tcp)]);
        let services =
            look_under(made.root(), Timestamp::default(), &Campaigns::builtin()).services;
        let told: Vec<(Port, &str, bool)> =
            services.iter().map(|one| (one.port, one.address.as_str(), one.is_local)).collect();
        assert_eq!(
            told,
            [(Port::tcp(22), "0.0.0.0", false), (Port::tcp(6_379), "127.0.0.1", true)]
        );
    }

    #[test]
    fn what_this_process_has_open_is_no_service_of_the_owners() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = Port::tcp(socket.local_addr().unwrap().port());
        let machine = look(Timestamp::default(), &Campaigns::builtin());
        assert!(machine.services.iter().all(|service| service.port != port));
    }
}
