//! Landlock (Linux 5.13 and later; TCP since 6.7, signals and abstract sockets since 6.12): which files, ports and processes can
//! be reached. Every right that the kernel knows is handled, so that what is not allowed is denied.

use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, LandlockStatus, NetPort,
    RestrictionStatus, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetError, Scope,
    path_beneath_rules,
};

use super::Protection;

/// The rights of this version are handled; newer kernels have more that no program needs yet.
const KNOWN: ABI = ABI::V6;
/// What the core reads beside its folder: the local time zone.
const READ: [&str; 4] = ["/usr/share/zoneinfo", "/etc/localtime", "/etc/timezone", "/dev/urandom"];

/// What the process that tells signs reads beside its folder: how names are looked up (the C library's own modules for it included), and whose
/// certificates are believed.
const READ_TO_CONNECT: [&str; 14] = [
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/ld.so.cache",
    "/etc/ssl/certs",
    "/run/systemd/resolve",
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
];

/// No file, no TCP port, no process.
pub(super) fn none() -> Vec<Protection> {
    let (files, network, others) = match restrict_to_nothing() {
        Ok(status) => {
            (available(&status, ABI::V1), available(&status, ABI::V4), available(&status, ABI::V6))
        }
        Err(error) => {
            let reason = Err(error.to_string());
            (reason.clone(), reason.clone(), reason)
        }
    };
    vec![
        Protection::of("files", "none can be opened, read or written", files),
        Protection::of("TCP", "no port can be connected to or bound", network),
        Protection::of("other processes", "no signal and no abstract socket reaches them", others),
    ]
}

/// Only a folder, and what is read to know the local time.
pub(super) fn only(folder: &Path) -> Result<(), String> {
    restrict_to(folder)
        .map_err(|error| error.to_string())
        .and_then(|status| available(&status, ABI::V1))
}

/// Only a folder and what connecting takes; nothing is waited at.
pub(super) fn outgoing<'a>(
    folder: &Path,
    more: impl Iterator<Item = &'a Path>,
) -> Result<(), String> {
    restrict_to_outgoing(folder, more)
        .map_err(|error| error.to_string())
        .and_then(|status| available(&status, ABI::V1))
}

fn restrict_to_outgoing<'a>(
    folder: &Path,
    more: impl Iterator<Item = &'a Path>,
) -> Result<RestrictionStatus, RulesetError> {
    let read = AccessFs::from_read(KNOWN) & !AccessFs::Execute;
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(KNOWN))?
        .handle_access(AccessNet::BindTcp)?
        .scope(Scope::from_all(KNOWN))?
        .create()?
        .add_rules(path_beneath_rules([folder], AccessFs::from_all(KNOWN) & !AccessFs::Execute))?
        .add_rules(path_beneath_rules(READ, read))?
        .add_rules(path_beneath_rules(READ_TO_CONNECT, read))?
        .add_rules(path_beneath_rules(more, read))?
        .restrict_self()
}

/// The port of name servers, for answers that are too long for a datagram.
const NAMES: u16 = 53;

/// Only a folder and what connecting takes, and of TCP only these ports: whether files are so, and whether ports are.
pub(super) fn servers(folder: &Path, ports: &[u16]) -> (Result<(), String>, Result<(), String>) {
    match restrict_to_servers(folder, ports) {
        Ok(status) => (available(&status, ABI::V1), available(&status, ABI::V4)),
        Err(error) => (Err(error.to_string()), Err(error.to_string())),
    }
}

fn restrict_to_servers(folder: &Path, ports: &[u16]) -> Result<RestrictionStatus, RulesetError> {
    let read = AccessFs::from_read(KNOWN) & !AccessFs::Execute;
    let ports = ports.iter().chain([&NAMES]);
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(KNOWN))?
        .handle_access(AccessNet::from_all(KNOWN))?
        .scope(Scope::from_all(KNOWN))?
        .create()?
        .add_rules(path_beneath_rules([folder], AccessFs::from_all(KNOWN) & !AccessFs::Execute))?
        .add_rules(path_beneath_rules(READ, read))?
        .add_rules(path_beneath_rules(READ_TO_CONNECT, read))?
        .add_rules(
            ports.map(|port| Ok::<_, RulesetError>(NetPort::new(*port, AccessNet::ConnectTcp))),
        )?
        .restrict_self()
}

fn restrict_to_nothing() -> Result<RestrictionStatus, RulesetError> {
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(KNOWN))?
        .handle_access(AccessNet::from_all(KNOWN))?
        .scope(Scope::from_all(KNOWN))?
        .create()?
        .restrict_self()
}

fn restrict_to(folder: &Path) -> Result<RestrictionStatus, RulesetError> {
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(KNOWN))?
        .scope(Scope::from_all(KNOWN))?
        .create()?
        .add_rules(path_beneath_rules([folder], AccessFs::from_all(KNOWN) & !AccessFs::Execute))?
        .add_rules(path_beneath_rules(READ, AccessFs::from_read(KNOWN) & !AccessFs::Execute))?
        .restrict_self()
}

fn available(status: &RestrictionStatus, wanted: ABI) -> Result<(), String> {
    match status.landlock {
        LandlockStatus::Available { effective_abi, .. } if effective_abi >= wanted => Ok(()),
        LandlockStatus::Available { effective_abi, .. } => Err(format!(
            "this kernel has landlock {}, and {} is needed",
            effective_abi as i32, wanted as i32
        )),
        LandlockStatus::NotEnabled => {
            Err("landlock is in this kernel but turned off; add `landlock` to `lsm=` of the kernel's command line".to_owned())
        }
        LandlockStatus::NotImplemented => {
            Err("this kernel has no landlock, which Linux has since 5.13, or what this runs in (a container's filter of system calls) hides it".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind::PermissionDenied;
    use std::net::{TcpListener, TcpStream};

    use super::*;

    /// Landlock holds for the thread that asks for it and those that it starts, so each test has one of its own.
    fn in_a_thread(test: impl FnOnce() + Send + 'static) {
        std::thread::spawn(test).join().unwrap();
    }

    #[test]
    fn without_a_rule_no_file_can_be_read_or_made_and_nothing_connected_to() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        in_a_thread(move || {
            let protections = none();
            let [files, network, _] = protections.as_slice() else { panic!("{protections:?}") };
            if !files.enforced {
                println!("skipped: {}", files.what);
                return;
            }
            let kind = |result: std::io::Result<()>| result.unwrap_err().kind();
            assert_eq!(kind(std::fs::read("/etc/passwd").map(drop)), PermissionDenied);
            assert_eq!(kind(std::fs::read_dir("/").map(drop)), PermissionDenied);
            assert_eq!(kind(std::fs::write("/tmp/kizashi-landlock", "x")), PermissionDenied);
            if network.enforced {
                assert_eq!(kind(TcpStream::connect(address).map(drop)), PermissionDenied);
                assert_eq!(kind(TcpListener::bind("127.0.0.1:0").map(drop)), PermissionDenied);
            }
            assert!(listener.local_addr().is_ok());
        });
    }

    #[test]
    fn who_tells_signs_connects_and_looks_names_up_and_neither_reads_nor_waits_elsewhere() {
        let folder = std::env::temp_dir().join(format!("kizashi-outgoing-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let inside = folder.clone();
        in_a_thread(move || {
            if let Err(reason) = outgoing(&inside, std::iter::empty()) {
                println!("skipped: {reason}");
                return;
            }
            std::fs::write(inside.join("file"), "x").unwrap();
            TcpStream::connect(("localhost", port)).unwrap();
            assert_eq!(std::fs::read("/etc/passwd").unwrap_err().kind(), PermissionDenied);
            assert_eq!(std::fs::read("/proc/self/environ").unwrap_err().kind(), PermissionDenied);
            let beside = inside.with_extension("beside");
            assert_eq!(std::fs::write(beside, "x").unwrap_err().kind(), PermissionDenied);
        });
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn who_belongs_to_a_fleet_connects_to_its_servers_ports_and_to_no_other() {
        let folder = std::env::temp_dir().join(format!("kizashi-servers-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [server, other] = [&listeners[0], &listeners[1]].map(|it| it.local_addr().unwrap());
        let inside = folder.clone();
        in_a_thread(move || {
            let (files, network) = servers(&inside, &[server.port()]);
            if let Err(reason) = files {
                println!("skipped: {reason}");
                return;
            }
            std::fs::write(inside.join("file"), "x").unwrap();
            assert_eq!(std::fs::read("/etc/passwd").unwrap_err().kind(), PermissionDenied);
            TcpStream::connect(("localhost", server.port())).unwrap();
            if network.is_ok() {
                assert_eq!(TcpStream::connect(other).unwrap_err().kind(), PermissionDenied);
                assert_eq!(TcpListener::bind("127.0.0.1:0").unwrap_err().kind(), PermissionDenied);
            }
        });
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn the_core_has_its_folder_and_nothing_beside_it() {
        let folder = std::env::temp_dir().join(format!("kizashi-files-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let inside = folder.clone();
        in_a_thread(move || {
            if let Err(reason) = only(&inside) {
                println!("skipped: {reason}");
                return;
            }
            std::fs::write(inside.join("file"), "x").unwrap();
            std::fs::rename(inside.join("file"), inside.join("other")).unwrap();
            assert_eq!(std::fs::read("/etc/passwd").unwrap_err().kind(), PermissionDenied);
            let beside = inside.with_extension("beside");
            assert_eq!(std::fs::write(beside, "x").unwrap_err().kind(), PermissionDenied);
        });
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
