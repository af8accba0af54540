//! `kizashi token`: the secrets that open the dashboard, shown or drawn anew.

use crate::cli;
use crate::failure::Failure;
use crate::secrets;
use crate::supervisor::owner;
use crate::terminal::Terminal;

/// Prints the token of a role, alone on its line.
pub(crate) fn show(call: &cli::TokenOf, terminal: &mut Terminal) -> Result<(), Failure> {
    terminal.line(secrets::token(&call.data.data, call.role)?.text())
}

/// Draws another; whoever came in by the one before is out at once.
pub(crate) fn renew(call: &cli::TokenOf, terminal: &mut Terminal) -> Result<(), Failure> {
    let token = secrets::new_token(&call.data.data, call.role)?;
    terminal.line(token.text())?;
    if owner::runs(&call.data.data) {
        terminal.line(&owner::ask(&call.data.data, "tokens")?)?;
    }
    Ok(())
}
