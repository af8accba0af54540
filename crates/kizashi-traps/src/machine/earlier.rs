//! Lines of earlier sessions, which bash keeps in `~/.bash_history`. Where the file lies is looked up when a shell begins; it is read when a key
//! or `history` first wants its lines, which is seldom. What a visitor writes there in between is therefore among them, as in bash it is not.

use super::Kernel;
use super::files::NodeId;
use crate::terminal::{HISTORY, HISTORY_BYTES};

/// What a shell has of them.
#[derive(Debug, Default)]
pub(crate) enum Earlier {
    #[default]
    None,
    File(NodeId),
    Read(Vec<Vec<u8>>),
}

impl Earlier {
    /// The lines, from the file where nobody wanted them before.
    pub(crate) fn lines(&mut self, kernel: &mut Kernel) -> Vec<Vec<u8>> {
        if let Self::File(id) = self {
            *self = Self::Read(last_lines(&kernel.read(*id).unwrap_or_default()));
        }
        match self {
            Self::Read(lines) => lines.clone(),
            _ => Vec::new(),
        }
    }

    pub(crate) fn memory(&self) -> usize {
        match self {
            Self::Read(lines) => lines.iter().map(Vec::len).sum(),
            _ => 0,
        }
    }
}

/// The last lines of a file, as many as are remembered.
fn last_lines(file: &[u8]) -> Vec<Vec<u8>> {
    let lines = file.rsplit(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let mut room = HISTORY_BYTES;
    let mut lines: Vec<Vec<u8>> = lines
        .take(HISTORY)
        .map_while(|line| {
            room = room.checked_sub(line.len())?;
            Some(line.to_vec())
        })
        .collect();
    lines.reverse();
    lines
}
