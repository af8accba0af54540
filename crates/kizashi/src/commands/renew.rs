//! `kizashi renew`: the trap's process is replaced by a fresh one, at once.

use crate::cli;
use crate::failure::Failure;
use crate::supervisor::owner;
use crate::terminal::Terminal;

/// Asks the Kizashi that runs.
pub(crate) fn run(call: &cli::Renew, terminal: &mut Terminal) -> Result<(), Failure> {
    let request = match &call.misbehave {
        Some(how) => format!("misbehave {how}"),
        None => "renew".to_owned(),
    };
    terminal.line(&owner::ask(&call.data.data, &request)?)
}
