//! `kizashi install` into a staging folder, and the files that packages ship.
#![allow(clippy::unwrap_used, reason = "a test stops where its ground gives way")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::support::{Folder, text};

fn project(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap().map(Result::unwrap) {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path().strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn an_installation_is_staged_and_removed_and_the_owners_settings_stay() {
    let folder = Folder::new();
    let stage = folder.path().join("stage");
    std::fs::create_dir(&stage).unwrap();
    let root = stage.to_str().unwrap();
    let would = text(&folder, &["install", "--dry-run", "--root", root]);
    assert!(would.contains("would copy") && would.contains("would write"), "{would}");
    assert!(files(&stage).is_empty(), "a dry run writes nothing");
    text(&folder, &["install", "--root", root]);
    let installed = [
        "etc/kizashi/kizashi.toml",
        "etc/systemd/system/kizashi.service",
        "usr/lib/sysusers.d/kizashi.conf",
        "usr/local/bin/kizashi",
    ];
    assert_eq!(files(&stage), installed);
    let mode = stage.join("usr/local/bin/kizashi").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
    std::fs::write(stage.join("etc/kizashi/kizashi.toml"), "false_alarms_per_week = 0.5\n")
        .unwrap();
    text(&folder, &["install", "--root", root]);
    text(&folder, &["uninstall", "--root", root]);
    assert_eq!(files(&stage), ["etc/kizashi/kizashi.toml"]);
    let kept = std::fs::read_to_string(stage.join("etc/kizashi/kizashi.toml")).unwrap();
    assert_eq!(kept, "false_alarms_per_week = 0.5\n");
    text(&folder, &["uninstall", "--purge", "--root", root]);
    assert!(files(&stage).is_empty());
}

#[test]
fn a_trap_on_the_port_of_this_login_is_refused_before_anything_is_written() {
    let folder = Folder::new();
    let stage = folder.path().join("stage");
    let config = stage.join("etc/kizashi/kizashi.toml");
    std::fs::create_dir_all(config.parent().unwrap()).unwrap();
    std::fs::write(&config, "[traps]\nany_tcp = \"2299\"\n").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_kizashi"))
        .args(["install", "--root", stage.to_str().unwrap()])
        .env("SSH_CONNECTION", "203.0.113.9 40000 198.51.100.7 2299")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("locked out") && said.lines().count() == 1, "{said}");
    assert_eq!(files(&stage), ["etc/kizashi/kizashi.toml"]);
}

#[test]
fn the_packaged_unit_is_the_installed_one_with_the_packages_path() {
    let shipped = std::fs::read_to_string(project("packaging/debian/kizashi.service")).unwrap();
    let unit = std::fs::read_to_string(project("packaging/kizashi.service")).unwrap();
    assert_eq!(shipped, unit.replace("@BINARY@", "/usr/bin/kizashi"));
}

#[test]
fn the_unit_is_rated_under_two_by_systemd() {
    let unit = project("packaging/debian/kizashi.service");
    let rated = Command::new("systemd-analyze")
        .args(["security", "--offline=yes", "--no-pager", "--threshold=19"])
        .arg(&unit)
        .output();
    match rated {
        Ok(rated) => {
            let said = String::from_utf8_lossy(&rated.stdout);
            assert!(rated.status.success(), "exposure over 1.9: {said}");
            assert!(said.contains("Overall exposure level"), "{said}");
        }
        Err(error) => println!("skipped: systemd-analyze cannot be run ({error})"),
    }
}
