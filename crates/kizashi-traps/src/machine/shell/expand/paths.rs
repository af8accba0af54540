//! Pathname expansion.

use super::pattern::Pattern;
use super::{Field, Shell};
use crate::machine::commands::meter::Meter;
use crate::machine::files::{Files, absolute};

/// Names that one pattern may become.
const NAMES: usize = 2_000;
/// Units of the meter for a path that is looked up, and for a name that is listed.
const LOOK: usize = 200;
const NAME: usize = 30;

impl Shell {
    /// The paths that a field matches, or the field itself.
    pub(super) fn path_names(&self, field: Field, meter: &Meter) -> Vec<Vec<u8>> {
        let has_mark = field
            .text
            .iter()
            .zip(&field.quoted)
            .any(|(byte, quoted)| !quoted && b"*?[".contains(byte));
        if !has_mark || self.options.no_glob {
            return vec![field.text];
        }
        let found = self.matching_paths(&field.text, &field.quoted, meter);
        if found.is_empty() && !self.options.null_glob { vec![field.text] } else { found }
    }

    fn matching_paths(&self, text: &[u8], quoted: &[bool], meter: &Meter) -> Vec<Vec<u8>> {
        let who = self.who;
        let kernel = self.kernel.lock();
        let files: &Files = &kernel.files;
        let mut found: Vec<Vec<u8>> =
            vec![if text.first() == Some(&b'/') { b"/".to_vec() } else { Vec::new() }];
        let mut at = 0;
        for name in text.split(|byte| *byte == b'/') {
            let marks = quoted.get(at..at + name.len()).unwrap_or_default();
            at += name.len() + 1;
            let last = at > text.len();
            if name.is_empty() {
                continue;
            }
            let pattern = Pattern::new(name, marks);
            let mut next = Vec::new();
            for path in &found {
                if !meter.take(LOOK) {
                    break;
                }
                if !pattern.is_pattern() {
                    let whole = [&path[..], name].concat();
                    if files.find(&absolute(&self.folder, &whole), false, who).is_ok() {
                        next.push(whole);
                    }
                    continue;
                }
                next.extend(self.members(files, path, (name, &pattern), meter));
            }
            next.truncate(NAMES);
            found = next;
            if !last {
                found.retain(|path| {
                    files
                        .find(&absolute(&self.folder, path), true, who)
                        .is_ok_and(|id| files.node(id).is_folder())
                });
                found.iter_mut().for_each(|path| path.push(b'/'));
            }
        }
        found.sort();
        found
    }
    /// The members of a folder that a pattern fits, under the folder's path.
    fn members(
        &self,
        files: &Files,
        path: &[u8],
        (name, pattern): (&[u8], &Pattern),
        meter: &Meter,
    ) -> Vec<Vec<u8>> {
        let folder =
            if path.is_empty() { self.folder.clone() } else { absolute(&self.folder, path) };
        let Ok(id) = files.find(&folder, true, self.who) else { return Vec::new() };
        if !files.node(id).permits(self.who, 4) {
            return Vec::new();
        }
        let hidden = name.first() == Some(&b'.');
        let fits = |name: &Vec<u8>| {
            meter.take(NAME)
                && (hidden || name.first() != Some(&b'.'))
                && pattern.matches_within(name, meter)
        };
        let names = files.list(id).into_iter().map(|(name, _)| name);
        names.filter(fits).map(|name| [path, &name].concat()).take(NAMES).collect()
    }
}
