//! `kizashi prior`: what this machine learned of usual rates, written for another one to begin with, and read there. A running
//! Kizashi may be exported from; one that imports must be stopped, since its detection begins anew.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use kizashi_signs::{Detection, Knowledge, LONGEST_KNOWLEDGE};
use kizashi_store::{Mode, Reader};

use crate::cli;
use crate::config::Config;
use crate::failure::Failure;
use crate::new_file;
use crate::pipeline::{Pipeline, SNAPSHOT, sensors_known};
use crate::terminal::Terminal;

/// Writes what was learned until detection's state was last saved.
pub(crate) fn export(call: &cli::PriorExport, terminal: &mut Terminal) -> Result<(), Failure> {
    let reader = Reader::open(&call.data.data)?;
    let snapshot = reader.blob(SNAPSHOT)?;
    let knowledge = snapshot.map(|bytes| Detection::knowledge_of(&bytes)).transpose().map_err(|_| {
        Failure::Asked(
            "what was learned here is of another version of Kizashi; start this one once and export then".to_owned(),
        )
    })?;
    let Some(knowledge) = knowledge.filter(|learned| learned.kinds() + learned.ports() > 0) else {
        return Err(Failure::Asked(
            "nothing was learned here yet; export again when a day of visitors was seen".to_owned(),
        ));
    };
    // What a hub learned is of all its sensors, and what is written is for one machine.
    let knowledge = knowledge.of_each(sensors_known(&reader)?.unwrap_or(1));
    let json = knowledge.to_json();
    let Some(path) = &call.file else { return terminal.text(&json) };
    new_file::write(path, json.as_bytes(), "name another file")?;
    terminal.line(&format!(
        "{}: {} ports and {} kinds of keys",
        crate::screen::harmless(&path.display().to_string()),
        knowledge.ports(),
        knowledge.kinds()
    ))
}

/// Begins anew with what a file says, or several together.
pub(crate) fn import(call: &cli::PriorImport, terminal: &mut Terminal) -> Result<(), Failure> {
    let known = call.files.iter().map(|file| read(file)).collect::<Result<Vec<_>, _>>()?;
    let knowledge = together(known)?;
    let (ports, kinds) = (knowledge.ports(), knowledge.kinds());
    let config = Config::load(None)?;
    let settings = config.store(Mode::Live)?;
    let detection = (config.detection(), &config.fleet);
    let mut pipeline =
        Pipeline::open_for_fleet(&call.data.data, settings, detection, config.signs.campaigns()?)?;
    pipeline.begin_with(knowledge)?;
    pipeline.finish()?;
    terminal.line(&format!(
        "detection begins anew with {ports} ports and {kinds} kinds of keys of {}",
        if call.files.len() > 1 { "other machines" } else { "another machine" }
    ))
}

/// One file is taken as it is.
fn together(mut known: Vec<Knowledge>) -> Result<Knowledge, Failure> {
    if known.len() > 1 {
        let nothing = || Failure::Asked("nothing is known in any of these files".to_owned());
        return Knowledge::merged(&known).ok_or_else(nothing);
    }
    Ok(known.pop().unwrap_or_default())
}

fn read(path: &Path) -> Result<Knowledge, Failure> {
    let refused = |reason: String| {
        let shown = crate::screen::harmless(&path.display().to_string());
        Failure::Asked(format!("{shown} was not taken over: {reason}"))
    };
    let mut text = String::new();
    // One byte more than allowed tells that there is more.
    let most = LONGEST_KNOWLEDGE as u64 + 1;
    File::open(path)
        .and_then(|file| file.take(most).read_to_string(&mut text))
        .map_err(|error| refused(error.to_string()))?;
    Knowledge::from_json(&text).map_err(|error| refused(error.to_string()))
}
