//! The program `nft`: checked with, asked, and held open. It is looked for where distributions put it and nowhere else, since it runs
//! with the right to change the machine's rules.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use super::TABLE;
use crate::failure::Failure;

/// Where it may be.
const FOLDERS: [&str; 4] = ["/usr/sbin", "/sbin", "/usr/bin", "/usr/local/sbin"];
/// The table's name when rules are only tried: one that somebody owns cannot be tried under its own.
pub(super) const TRIED: &str = "kizashi-tried";

/// Whether our table is in the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is, with this text.
    Stands(String),
    /// It is not.
    Absent,
    /// This user may not know, or there is no nft.
    Unknown(String),
}

/// A call of nft with nothing of our environment.
pub(super) fn command() -> Result<Command, Failure> {
    let found = FOLDERS.iter().map(|folder| PathBuf::from(folder).join("nft"));
    let program = found.into_iter().find(|path| path.is_file()).ok_or_else(|| {
        Failure::Asked(
            "to answer on all ports takes the program nft; install it by `sudo apt install nftables`"
                .to_owned(),
        )
    })?;
    let mut command = Command::new(program);
    command.env_clear().current_dir("/").stdin(Stdio::null());
    Ok(command)
}

/// Has the kernel check rules without applying them.
pub(crate) fn check(rules: &str) -> Result<(), Failure> {
    let mut child = command()?
        .args(["-c", "-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(rules.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(Failure::Asked(format!(
        "nft does not take the rules ({}); Linux 5.12 and nftables 0.9.9 or later are needed, with the kernel's nft_tproxy and nft_socket",
        said(&output)
    )))
}

/// Asks whether our table is there.
pub(crate) fn standing() -> Standing {
    let listed =
        command().and_then(|mut nft| Ok(nft.args(["list", "table"]).args(TABLE).output()?));
    match listed {
        Ok(output) if output.status.success() => {
            Standing::Stands(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(output) if String::from_utf8_lossy(&output.stderr).contains("No such file") => {
            Standing::Absent
        }
        Ok(output) => Standing::Unknown(said(&output)),
        Err(failure) => Standing::Unknown(failure.to_string()),
    }
}

/// Deletes our table where nobody owns it; one with an owner goes with him.
pub(crate) fn delete() -> Result<(), Failure> {
    let output = command()?.args(["delete", "table"]).args(TABLE).output()?;
    if output.status.success() {
        Ok(())
    } else {
        Err(Failure::Asked(format!("the rules could not be removed ({})", said(&output))))
    }
}

fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    kizashi_event::escape_for_people(line.trim())
}
