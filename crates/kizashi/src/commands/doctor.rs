//! `kizashi doctor`: what protects this machine from its traps, found out by trying, what else a start would meet, and how telling fares.

mod telling;
mod traps;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use kizashi_store::Reader;
use serde_json::json;

use crate::capture::Eyes;
use crate::cli;
use crate::config::Config;
use crate::failure::Failure;
use crate::listening::Bound;
use crate::sandbox::Protection;
use crate::sandbox::privileges::User;
use crate::screen::bytes;
use crate::supervisor;
use crate::supervisor::messages::CaptureSetup;
use crate::terminal::Terminal;

/// One thing looked at.
struct Finding {
    part: &'static str,
    name: String,
    good: bool,
    what: String,
}

/// Prints what was found. What is not enforced is told, not failed: `up --require-sandbox` does that.
pub(crate) fn run(call: &cli::Doctor, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut config = Config::load(call.config.as_deref())?;
    let installed = super::install::default_data();
    match &call.data {
        Some(data) => config.data.clone_from(data),
        None if call.config.is_none() && config == Config::default() => config.data = installed,
        None => {}
    }
    let mut findings = vec![kernel()];
    findings.extend(data(&config.data));
    findings.extend(traps::look(&config.data));
    findings.extend(telling::look(&config, crate::clock::now()));
    let eyes = Eyes::open(&config.capture, &[], false);
    findings.push(capture(&config, &eyes));
    findings.extend(protections(config, eyes)?.into_iter().map(|protection| Finding {
        part: "protection",
        name: protection.name,
        good: protection.enforced,
        what: protection.what,
    }));
    for finding in &findings {
        if call.json {
            terminal.json(&json!({
                "part": finding.part,
                "name": finding.name,
                "good": finding.good,
                "what": finding.what,
            }))?;
        } else {
            let word = match (finding.part, finding.good) {
                ("protection", true) => "enforced",
                ("protection", false) => "NOT enforced",
                (_, true) => "good",
                (_, false) => "look at it",
            };
            terminal.line(&format!("{:<24} {word:<13} {}", finding.name, finding.what))?;
        }
    }
    Ok(())
}

fn kernel() -> Finding {
    let name = rustix::system::uname();
    let version =
        format!("{} {}", name.sysname().to_string_lossy(), name.release().to_string_lossy());
    Finding { part: "machine", name: "kernel".to_owned(), good: true, what: version }
}

fn capture(config: &Config, eyes: &Result<Eyes, String>) -> Finding {
    let what = match eyes {
        Ok(eyes) => eyes.shown(&config.capture),
        Err(reason) => format!("off: {reason}"),
    };
    // What the owner turned off is as he wants it.
    let good = eyes.is_ok() || !config.capture.enabled;
    Finding { part: "machine", name: "capture".to_owned(), good, what }
}

fn data(folder: &Path) -> Vec<Finding> {
    let finding =
        |name: &str, good, what| Finding { part: "data", name: name.to_owned(), good, what };
    let Ok(about) = std::fs::metadata(folder) else {
        return vec![finding(
            "data folder",
            true,
            format!("{} is not there yet; `kizashi up` makes it", folder.display()),
        )];
    };
    let mode = about.permissions().mode() & 0o777;
    let what = format!("{} has mode {mode:03o}", folder.display());
    let mut found = vec![if mode & 0o077 == 0 {
        finding("data folder", true, what)
    } else {
        finding("data folder", false, format!("{what}: others can look into it; `chmod 700` it"))
    }];
    if let Ok(room) = rustix::fs::statvfs(folder) {
        let free = room.f_bavail.saturating_mul(room.f_frsize);
        found.push(finding("room on its disk", free > 1 << 30, format!("{} free", bytes(free))));
    }
    found.push(match Reader::open(folder).and_then(|reader| reader.overview()) {
        Ok(overview) => finding(
            "store",
            true,
            format!("{} events in {}", overview.events, bytes(overview.bytes)),
        ),
        Err(error) => finding("store", false, error.to_string()),
    });
    found
}

/// Starts all processes as `up` would, by the same user, and asks them.
fn protections(mut config: Config, eyes: Result<Eyes, String>) -> Result<Vec<Protection>, Failure> {
    let folder = std::env::temp_dir().join(format!("kizashi-doctor-{}", std::process::id()));
    config.data = super::up::own_folder(&folder)?;
    let user = User::to_become();
    let (core, trap) = super::up::setups(config, &Bound::default(), true)?;
    if let Some(user) = user {
        user.become_it()?;
    }
    let capture = CaptureSetup { probe: true, ..super::up::capture_setup(&core, &eyes) };
    let probed = supervisor::probe(core, &trap, eyes.ok().map(|eyes| (capture, eyes)));
    // Empty but for what a core may have begun; it is ours whoever we are.
    let _ = std::fs::remove_dir_all(&folder);
    probed
}
