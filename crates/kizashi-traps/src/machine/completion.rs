//! How a word at the prompt could go on: names of commands where one begins, of files elsewhere (bash's own completion, without the
//! packages that teach it more).

use std::collections::BTreeSet;

use super::files::{Who, absolute};
use super::kernel::Kernel;
use super::shell::builtin_names;
use crate::terminal::Completions;

/// Completions at most: more than all programs of a server.
const MOST: usize = 4_096;
/// Where programs are looked for.
const PATH: [&[u8]; 6] =
    [b"/usr/local/sbin", b"/usr/local/bin", b"/usr/sbin", b"/usr/bin", b"/sbin", b"/bin"];

impl Kernel {
    /// What the last word of this could become.
    pub(crate) fn completions(&self, folder: &[u8], before: &[u8]) -> Completions {
        let breaks = |byte: &u8| byte.is_ascii_whitespace() || b";|&()<>=`'\"".contains(byte);
        let start = before.iter().rposition(breaks).map_or(0, |place| place + 1);
        let (earlier, word) = before.split_at(start);
        let is_command = match earlier.trim_ascii_end() {
            [] => true,
            [.., last] => b";|&(`".contains(last),
        };
        let found = if is_command && !word.contains(&b'/') {
            self.commands(word)
        } else {
            self.paths(folder, word)
        };
        Completions {
            word: word.len(),
            found: found.into_iter().take(MOST).collect(),
            ..Completions::default()
        }
    }

    fn commands(&self, word: &[u8]) -> BTreeSet<Vec<u8>> {
        let mut names: BTreeSet<Vec<u8>> =
            builtin_names().map(<[u8]>::to_vec).filter(|name| name.starts_with(word)).collect();
        for folder in PATH {
            let Ok(id) = self.files.find(folder, true, Who::ROOT) else { continue };
            let members = self.files.list(id).into_iter().map(|(name, _)| name);
            names.extend(members.filter(|name| name.starts_with(word)));
        }
        names
    }

    fn paths(&self, folder: &[u8], word: &[u8]) -> BTreeSet<Vec<u8>> {
        let split = word.iter().rposition(|byte| *byte == b'/').map_or(0, |place| place + 1);
        let (head, tail) = word.split_at(split);
        let place = match head.strip_prefix(b"~/") {
            Some(rest) => [b"/root/", rest].concat(),
            None => head.to_vec(),
        };
        let path = absolute(folder, if place.is_empty() { b"." } else { &place });
        let Ok(id) = self.files.find(&path, true, Who::ROOT) else { return BTreeSet::new() };
        let shown = |name: &Vec<u8>| {
            name.starts_with(tail) && (!name.starts_with(b".") || tail.starts_with(b"."))
        };
        let members = self.files.list(id).into_iter().filter(|(name, _)| shown(name));
        let named = members.map(|(name, _)| {
            let whole = absolute(&path, &name);
            let is_folder = self
                .files
                .find(&whole, true, Who::ROOT)
                .is_ok_and(|id| self.files.node(id).is_folder());
            [head, &name, if is_folder { b"/" } else { b"" }].concat()
        });
        named.collect()
    }
}
