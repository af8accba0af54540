//! `kizashi replay`: detection over what is stored, as if live. Nothing is written to the store; it may run beside `kizashi up`.

use std::collections::BTreeMap;
use std::path::Path;

use kizashi_signs::{Closed, Sign};
use kizashi_store::Reader;

use super::signs;
use crate::cli;
use crate::config::Config;
use crate::explain::{self, Explained, Explainer, Wanted};
use crate::failure::Failure;
use crate::fleet::FleetSettings;
use crate::pipeline::{Joins, Plan, Watches, knowledge};
use crate::promise;
use crate::screen::harmless;
use crate::terminal::Terminal;

/// Prints the signs of a replay, each as it stood at the end, the latest first; with `--explain` the numbers behind them.
pub(crate) fn run(call: &cli::Replay, terminal: &mut Terminal) -> Result<(), Failure> {
    let config = Config::load(call.config.as_deref())?;
    let reader = Reader::open(&call.listing.data.data)?;
    let settings = promise::effective(&reader, config.detection())?;
    // Parts are told nothing that one would not tell; here there is nobody to hold them.
    let fleet = FleetSettings { detectors: false, ..config.fleet.clone() };
    let (knowledge, campaigns) = (knowledge(&reader)?, config.signs.campaigns()?);
    let plan = Plan { settings, fleet, knowledge, campaigns };
    let mut watches = Watches::anew(&plan, Joins::from_the_start(&reader)?)?;
    let mut found: BTreeMap<String, Sign> = BTreeMap::new();
    let wanted = call.explain.as_deref().map(Wanted::of);
    let mut explainer = wanted.clone().map(Explainer::new);
    let mut note = |closed: Closed, watches: &Watches| {
        if let Some(explainer) = &mut explainer {
            explainer.note(&closed, watches);
        }
        found.extend(closed.into_signs().map(|sign| (sign.id.clone(), sign)));
    };
    let mut failed = None;
    reader.closed_bins(None, |bin| {
        if failed.is_none() {
            match watches.close(&reader, &bin) {
                Ok(closed) => note(closed, &watches),
                Err(failure) => failed = Some(failure),
            }
        }
    })?;
    if let Some(failure) = failed {
        return Err(failure);
    }
    if let Some(through) = reader.closed_through()? {
        note(watches.advance(through), &watches);
    }
    let listing = &call.listing;
    let mut replayed: Vec<Sign> = found.into_values().collect();
    replayed.sort_by(|a, b| b.detected.cmp(&a.detected).then_with(|| a.id.cmp(&b.id)));
    replayed.retain(|sign| listing.span.holds(sign.detected));
    let (Some(explainer), Some(wanted)) = (explainer, wanted) else {
        replayed.truncate(listing.limit);
        return signs::print(&replayed, listing.json, terminal);
    };
    replayed.retain(|sign| wanted.is(sign));
    replayed.truncate(listing.limit);
    let explained = explainer.finish(&watches, &replayed);
    if let (Wanted::Sign(id), true) = (&wanted, explained.is_empty()) {
        let id = kizashi_event::escape_for_people(id);
        return Err(Failure::Asked(format!(
            "the replay has no sign {id}, and that is no key such as tcp/445; `kizashi replay` lists its signs"
        )));
    }
    print(&explained, call, terminal)
}

fn print(
    explained: &[Explained],
    call: &cli::Replay,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    if let Some(path) = &call.svg {
        draw(explained, path)?;
    }
    if call.listing.json {
        return explained.iter().try_for_each(|one| terminal.json(one));
    }
    if explained.is_empty() {
        return terminal.line("no signs: nothing has changed that chance does not explain");
    }
    for (at, one) in explained.iter().enumerate() {
        if at > 0 {
            terminal.line("")?;
        }
        explain::print(one, terminal)?;
    }
    Ok(())
}

/// Draws one into the file, or each into a file of the folder.
fn draw(explained: &[Explained], path: &Path) -> Result<(), Failure> {
    let fault = |error: std::io::Error, path: &Path| {
        let shown = harmless(&path.display().to_string());
        Failure::Asked(format!(
            "{shown} cannot be written ({error}); choose another place with --svg"
        ))
    };
    let shown = path.as_os_str().to_string_lossy();
    let is_folder = path.is_dir() || shown.ends_with('/') || explained.len() > 1;
    if !is_folder {
        return match explained.first() {
            Some(one) => {
                std::fs::write(path, explain::svg(one)).map_err(|error| fault(error, path))
            }
            None => Ok(()),
        };
    }
    std::fs::create_dir_all(path).map_err(|error| fault(error, path))?;
    explained.iter().try_for_each(|one| {
        let file = path.join(one.file_name());
        std::fs::write(&file, explain::svg(one)).map_err(|error| fault(error, &file))
    })
}
