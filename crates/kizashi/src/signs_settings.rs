//! `[signs]` of the configuration: what signs are recognised by, and whether they are held against this machine.

use std::path::PathBuf;
use std::sync::Arc;

use kizashi_signs::Campaigns;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// `[signs]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Signs {
    /// The folder of the owner's own campaigns, read at the start (docs/campaigns.md).
    pub(crate) campaigns: Option<PathBuf>,
    /// Whether signs are held against what this machine really runs, read once at the start.
    pub(crate) look_at_this_machine: bool,
}

impl Signs {
    /// The campaigns that signs are recognised as: those that are shipped, and the owner's.
    pub(crate) fn campaigns(&self) -> Result<Arc<Campaigns>, Failure> {
        let files = crate::toml_folder::read(self.campaigns.as_deref(), "campaigns")?;
        if files.is_empty() {
            return Ok(Campaigns::builtin());
        }
        Campaigns::with_own(&files).map(Arc::new).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Failure::Asked(lines.join("\n"))
        })
    }
}
