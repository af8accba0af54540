//! Clients from PyPI, in environments that are made once and kept with the build; where PyPI cannot be reached they are skipped with a
//! printed line. An environment belongs to one test program: two at once would both make it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// A Python with these packages of PyPI in an environment of this name under the build's temporary folder; none where PyPI cannot be reached.
pub(crate) fn python(name: &str, imports: &str, packages: &[&str]) -> Option<PathBuf> {
    // Two tests of one binary may want the same.
    static ONE: Mutex<()> = Mutex::new(());
    let _turn = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let python = folder.join("bin/python");
    let has_clients = || {
        let output = Command::new(&python).args(["-c", &format!("import {imports}")]).output();
        output.is_ok_and(|output| output.status.success())
    };
    if has_clients() {
        return Some(python);
    }
    let made = Command::new("python3").args(["-m", "venv"]).arg(&folder).status();
    assert!(made.is_ok_and(|status| status.success()), "python3 -m venv (python3-venv) failed");
    let installed = Command::new(folder.join("bin/pip"))
        .args(["install", "-q", "--disable-pip-version-check"])
        .args(packages)
        .output()
        .unwrap();
    if !installed.status.success() {
        println!("skipped: PyPI gave no client: {}", String::from_utf8_lossy(&installed.stderr));
        return None;
    }
    assert!(has_clients());
    Some(python)
}
