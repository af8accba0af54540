//! Kizashi as a service of this machine: which files go where, which commands make it known. What would be done is a list of
//! steps, so that `--dry-run` prints exactly what the real run does, and a staging folder can stand for the machine in tests.
//!
//! It never touches the real sshd and refuses a configuration that would take the port a person comes in by.

mod lockout;
mod steps;

use std::path::{Path, PathBuf};

pub(crate) use lockout::{how_to_move_sshd, listening_here, refuse_to_lock_out};
pub(crate) use steps::{Done, Step};

/// Where the program goes.
const BINARY: &str = "/usr/local/bin/kizashi";
/// Where a Debian package has put it instead.
const PACKAGED: &str = "/usr/bin/kizashi";
/// Where the configuration goes.
pub(crate) const CONFIG: &str = "/etc/kizashi/kizashi.toml";
/// Where the service keeps its data.
pub(crate) const DATA: &str = "/var/lib/kizashi";
const UNIT: &str = "/etc/systemd/system/kizashi.service";
/// What the unit needs beside it where all ports are answered.
const DROP_IN: &str = "/etc/systemd/system/kizashi.service.d/all-ports.conf";
const SYSUSERS: &str = "/usr/lib/sysusers.d/kizashi.conf";
const UNIT_TEXT: &str = include_str!("../../../../packaging/kizashi.service");
const DROP_IN_TEXT: &str = include_str!("../../../../packaging/all-ports.conf");
const SYSUSERS_TEXT: &str = include_str!("../../../../packaging/kizashi.sysusers");
const CONFIG_TEXT: &str = include_str!("../../../../packaging/kizashi.toml");

/// The machine that is installed to.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// The folder that stands for `/`.
    pub(crate) root: PathBuf,
}

impl Machine {
    /// Whether commands can make what is installed known: only on the running machine, and only where systemd runs it.
    pub(crate) fn has_systemd(&self) -> bool {
        self.is_this_one() && Path::new("/run/systemd/system").is_dir()
    }

    fn is_this_one(&self) -> bool {
        self.root == Path::new("/")
    }

    fn has_user(&self) -> bool {
        std::fs::read_to_string(self.at("/etc/passwd"))
            .is_ok_and(|users| users.lines().any(|line| line.starts_with("kizashi:")))
    }

    /// Where a path of the installed machine lies seen from here.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// Whether a package manager has installed Kizashi, which then also removes it.
    pub(crate) fn is_packaged(&self) -> bool {
        self.at("/usr/lib/systemd/system/kizashi.service").exists() && self.at(PACKAGED).exists()
    }
}

/// What `kizashi install` does: `program` is the running one; `all_ports` as the configuration has it.
pub(crate) fn installation(machine: &Machine, program: &Path, all_ports: bool) -> Vec<Step> {
    let mut steps = Vec::new();
    let binary = machine.at(BINARY);
    if program != binary {
        steps.push(Step::Copy { from: program.to_owned(), to: binary, mode: 0o755 });
    }
    steps.push(Step::Write {
        path: machine.at(SYSUSERS),
        mode: 0o644,
        text: SYSUSERS_TEXT.to_owned(),
        keep: false,
    });
    steps.push(Step::Write {
        path: machine.at(UNIT),
        mode: 0o644,
        text: UNIT_TEXT.replace("@BINARY@", BINARY),
        keep: false,
    });
    if all_ports {
        steps.push(Step::Write {
            path: machine.at(DROP_IN),
            mode: 0o644,
            text: DROP_IN_TEXT.replace("@BINARY@", BINARY),
            keep: false,
        });
    } else if machine.at(DROP_IN).exists() {
        steps.push(Step::Remove { path: machine.at(DROP_IN) });
    }
    // The owner's own settings are never written over.
    steps.push(Step::Write {
        path: machine.at(CONFIG),
        mode: 0o644,
        text: CONFIG_TEXT.to_owned(),
        keep: true,
    });
    if machine.has_systemd() {
        steps.push(Step::run("make the user", "systemd-sysusers", &[SYSUSERS]));
        steps.push(Step::run("read the unit", "systemctl", &["daemon-reload"]));
        steps.push(Step::run(
            "start it, now and at every boot",
            "systemctl",
            &["enable", "--now", "kizashi.service"],
        ));
    }
    steps
}

/// What `kizashi uninstall` does; `purge` takes the configuration and everything recorded too.
pub(crate) fn removal(machine: &Machine, purge: bool) -> Vec<Step> {
    let mut steps = Vec::new();
    // A second call, to purge what the first one left, has no unit and may have no user any more.
    if machine.has_systemd() && machine.at(UNIT).exists() {
        steps.push(Step::run(
            "stop it, now and at every boot",
            "systemctl",
            &["disable", "--now", "kizashi.service"],
        ));
    }
    steps.push(Step::Remove { path: machine.at(DROP_IN) });
    steps.push(Step::Remove { path: machine.at(UNIT) });
    steps.push(Step::Remove { path: machine.at(SYSUSERS) });
    steps.push(Step::Remove { path: machine.at(BINARY) });
    if purge {
        steps.push(Step::Remove { path: machine.at("/etc/kizashi") });
        steps.push(Step::Remove { path: machine.at(DATA) });
    }
    if machine.has_systemd() {
        steps.push(Step::run("forget the unit", "systemctl", &["daemon-reload"]));
        if purge && machine.has_user() {
            steps.push(Step::run("remove the user", "userdel", &["kizashi"]));
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_removed_is_what_was_installed_and_settings_and_records_stay() {
        let machine = Machine { root: PathBuf::from("/staged") };
        let written: Vec<PathBuf> = installation(&machine, Path::new("/somewhere/kizashi"), true)
            .into_iter()
            .filter_map(|step| match step {
                Step::Write { path, keep: false, .. } => Some(path),
                Step::Copy { to, .. } => Some(to),
                _ => None,
            })
            .collect();
        let removed: Vec<PathBuf> = removal(&machine, false)
            .into_iter()
            .filter_map(|step| match step {
                Step::Remove { path } => Some(path),
                _ => None,
            })
            .collect();
        assert_eq!(written.len(), 4);
        assert!(written.iter().all(|path| removed.contains(path)), "{written:?} {removed:?}");
        assert!(!removed.iter().any(|path| path.starts_with("/staged/etc/kizashi")));
        assert!(!removed.iter().any(|path| path.starts_with("/staged/var/lib")));
    }

    #[test]
    fn the_shipped_configuration_is_read_and_changes_nothing() {
        let config: crate::config::Config = toml::from_str(CONFIG_TEXT).unwrap();
        assert_eq!(config, crate::config::Config::default());
    }

    #[test]
    fn the_unit_names_the_installed_program_and_no_placeholder_is_left() {
        let machine = Machine { root: PathBuf::from("/staged") };
        let units: Vec<String> = installation(&machine, Path::new("/x"), false)
            .into_iter()
            .filter_map(|step| match step {
                Step::Write { path, text, .. } if path.ends_with("kizashi.service") => Some(text),
                _ => None,
            })
            .collect();
        assert_eq!(units.len(), 1);
        assert!(units[0].contains("ExecStart=/usr/local/bin/kizashi up"), "{}", units[0]);
        assert!(!units[0].contains('@') || units[0].contains("@system-service"));
        assert!(!units[0].contains("@BINARY@"));
    }
}
