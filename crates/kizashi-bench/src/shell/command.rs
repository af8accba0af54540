//! `kizashi-bench shell`: asks Debian, the trap and Cowrie, and prints how far they agree.

use std::path::PathBuf;

use clap::Args;
use thiserror::Error;

use super::answer::STOPPED;
use super::corpus::{CorpusError, Line, corpus};
use super::cowrie;
use super::expectation::{self, Expectation};
use super::reference::{self, Reference, ReferenceError, WHO};
use super::shape::{Identity, Shape};
use super::table::{Column, difference, table};
use super::trap::Trap;

/// What to run and what to print
#[derive(Args)]
pub struct Call {
    /// Where the real Debian and Cowrie are made and their answers kept
    #[arg(long, value_name = "DIR", default_value = "target/shell")]
    folder: PathBuf,
    /// Only lines that contain this
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Only lines of this file of `data/shell`, such as `unseen`
    #[arg(long, value_name = "THEME", default_value = "")]
    theme: String,
    /// Leave Cowrie out
    #[arg(long)]
    no_cowrie: bool,
    /// Print at most so many lines on which the trap differs from Debian
    #[arg(long, value_name = "N", default_value_t = 40)]
    differences: usize,
    /// Write what Debian said, as hashes, for the test that keeps the share
    #[arg(long)]
    bless: bool,
}

/// Why there is no table
#[derive(Debug, Error)]
pub enum ShellError {
    /// The lines cannot be read
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    /// The real Debian gave no answers
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// A file could not be written
    #[error("could not keep what was measured: {0}")]
    Keep(#[from] std::io::Error),
}

/// Asks all and gives the table as text
///
/// # Errors
/// When the lines cannot be read or the real Debian cannot be asked.
pub fn run(call: &Call) -> Result<String, ShellError> {
    let all = corpus()?;
    let is_asked = |line: &Line| {
        line.text.contains(&call.only) && (call.theme.is_empty() || line.theme == call.theme)
    };
    let asked: Vec<Line> = all.into_iter().filter(is_asked).collect();
    let mut debian = Reference::open(&call.folder.join("debian"));
    let identity = debian.identity()?;
    let (mut lines, mut shapes, mut notes) = (Vec::new(), Vec::new(), String::new());
    for line in asked {
        let answer = debian.answer(&line.text);
        if answer.is_err() {
            debian.keep()?;
        }
        let answer = answer?;
        if answer.status == STOPPED {
            notes.push_str(&format!("not judged, Debian did not end: {}\n", line.text));
            continue;
        }
        shapes.push(Shape::new(&answer, line.compare, &identity));
        lines.push(line);
    }
    debian.keep()?;
    if call.bless {
        std::fs::write(expectation::FILE, Expectation::write(lines.iter().zip(&shapes)))?;
    }
    let trap = Trap::default();
    let itself = trap.identity();
    let said: Vec<Shape> = lines
        .iter()
        .map(|line| Shape::new(&trap.answer(&line.text), line.compare, &itself))
        .collect();
    let mut columns = vec![Column::new("Kizashi", &shapes, &said, false)];
    let differences: Vec<String> = (0..lines.len())
        .filter(|at| shapes[*at] != said[*at])
        .map(|at| difference(&lines[at], &shapes[at], &said[at]))
        .collect();
    if !call.no_cowrie {
        match ask_cowrie(call, &lines) {
            Ok(said) => columns.push(Column::new("Cowrie 3.1.4", &shapes, &said, true)),
            Err(error) => notes.push_str(&format!("without Cowrie: {error}\n")),
        }
    }
    let heading = "Share of lines with Debian's exit status and shape of output (with its exit status alone)\n";
    let shown = differences.iter().take(call.differences).cloned().collect::<String>();
    Ok(format!(
        "{notes}{heading}{}\nWhere the trap differs from Debian ({} lines, {} shown)\n{shown}",
        table(&lines, &columns),
        differences.len(),
        differences.len().min(call.differences)
    ))
}

fn ask_cowrie(call: &Call, lines: &[Line]) -> Result<Vec<Shape>, cowrie::CowrieError> {
    let questions = WHO.iter().map(|(question, _)| (*question).to_owned());
    let texts: Vec<String> = questions.chain(lines.iter().map(|line| line.text.clone())).collect();
    let said = cowrie::answers(&call.folder.join("cowrie"), &texts)?;
    let identity: Identity = reference::identity(|question| said.get(question).cloned());
    let shape = |line: &Line| {
        let answer = said.get(&line.text).cloned().unwrap_or_default();
        Shape::new(&answer, line.compare, &identity)
    };
    Ok(lines.iter().map(shape).collect())
}
