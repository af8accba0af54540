//! What a shell offers for a word that is being typed, and how readline 8.2 lists it.

/// Completions of the word before the cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Completions {
    /// Bytes of the word that were typed.
    pub(crate) word: usize,
    /// What it could become, in order; a folder ends in a slash.
    pub(crate) found: Vec<Vec<u8>>,
    /// The prompt, as the screen gets it.
    pub(crate) prompt: Vec<u8>,
    /// Columns of the screen.
    pub(crate) screen: usize,
}

impl Completions {
    pub(super) fn memory(&self) -> usize {
        self.found.iter().map(Vec::len).sum::<usize>() + self.prompt.len()
    }
}

/// What all of them begin with.
pub(super) fn common_prefix(names: &[Vec<u8>]) -> &[u8] {
    let Some((first, rest)) = names.split_first() else { return &[] };
    rest.iter().fold(&first[..], |common, name| {
        let same = common.iter().zip(name).take_while(|(a, b)| a == b).count();
        &common[..same]
    })
}

/// A path's last member, with the slash of a folder.
fn last_member(path: &[u8]) -> &[u8] {
    let end = path.strip_suffix(b"/").unwrap_or(path).len();
    path[..end].iter().rposition(|byte| *byte == b'/').map_or(path, |place| &path[place + 1..])
}

/// Names in columns, down each in turn, all of one width.
pub(super) fn columns(paths: &[Vec<u8>], screen: usize) -> Vec<u8> {
    let names: Vec<&[u8]> = paths.iter().map(|path| last_member(path)).collect();
    let width = names.iter().map(|name| name.len()).max().unwrap_or(0) + 2;
    let across = (screen.max(1) / width).max(1);
    let rows = names.len().div_ceil(across);
    let mut shown = Vec::new();
    for row in 0..rows {
        for name in names.iter().skip(row).step_by(rows.max(1)) {
            shown.extend_from_slice(name);
            if across > 1 {
                shown.extend(std::iter::repeat_n(b' ', width - name.len()));
            }
        }
        shown.extend_from_slice(b"\r\n");
    }
    shown
}
