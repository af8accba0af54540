//! What this room says as the world outside hears it: receivers over real sockets, and real programs that read what is written for them.
//! Python's packages come from PyPI into an environment that is made once; where they cannot be had, tests that need them are skipped.

#![cfg(test)]

mod archive;
mod blockers;
mod lists;
mod printing;
mod readers;
mod receivers;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The environment with aiosmtpd, stix2 and stix2-validator.
fn python() -> Option<PathBuf> {
    static MADE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pypi-notify");
        let python = folder.join("bin/python3");
        let has = || {
            // To import them takes seconds, to look whether they are there does not.
            let imports = [
                "-c",
                "import sys, importlib.util as u; sys.exit(not all(map(u.find_spec, ['aiosmtpd', 'stix2', 'stix2validator'])))",
            ];
            Command::new(&python).args(imports).status().is_ok_and(|status| status.success())
        };
        let install = "python3 -m venv \"$0\" && \"$0/bin/pip\" install --quiet aiosmtpd stix2 stix2-validator 'setuptools<81'";
        let install = || {
            Command::new("sh").args(["-c", install]).arg(&folder).status().is_ok_and(|status| status.success())
        };
        let made = has() || install();
        if !made {
            println!("skipped: PyPI could not be reached");
        }
        made.then_some(python)
    });
    made.clone()
}
