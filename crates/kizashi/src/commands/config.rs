//! `kizashi config check`.

use std::path::Path;

use crate::config::{Config, DEFAULT_FILE};
use crate::failure::Failure;
use crate::terminal::Terminal;

/// Says whether the configuration is right.
pub(crate) fn check(file: Option<&Path>, terminal: &mut Terminal) -> Result<(), Failure> {
    let config = Config::load(file)?;
    crate::listening::Plan::of(&config)?;
    config.places()?;
    let rules = crate::web_rules::read(config.traps.web_rules.as_deref())?;
    let campaigns = config.signs.campaigns()?;
    let path = file.unwrap_or(Path::new(DEFAULT_FILE));
    if let Some(folder) = &config.traps.web_rules {
        terminal.line(&format!("{} is right: {} files of rules", folder.display(), rules.len()))?;
    }
    if let Some(folder) = &config.signs.campaigns {
        let all = campaigns.all().len();
        terminal.line(&format!(
            "{} is right: {all} campaigns with those that are shipped",
            folder.display()
        ))?;
    }
    if path.exists() {
        terminal.line(&format!("{} is right", path.display()))
    } else {
        terminal.line(&format!("there is no {DEFAULT_FILE} here: everything is at its default"))
    }
}
