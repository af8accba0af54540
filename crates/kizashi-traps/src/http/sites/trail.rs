//! Pages that grow from requests seen, as Glastopf's dork pages did: what visitors look for is from then on linked from the default
//! page's site map, so that search engines and crawlers find it there and bring who looks for it. What is linked is a rule's own path,
//! never a word of a visitor's; there are few, and they live in memory alone.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// Paths linked at once; the longest unasked-for goes first.
const MOST: usize = 40;

/// What was looked for on this installation.
#[derive(Default)]
pub(crate) struct Trail(Mutex<VecDeque<String>>);

impl Trail {
    /// A path of a rule's was asked for.
    pub(crate) fn follow(&self, path: &str) {
        let mut paths = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match paths.iter().position(|known| known == path) {
            Some(at) => {
                if let Some(path) = paths.remove(at) {
                    paths.push_back(path);
                }
            }
            None => {
                if paths.len() >= MOST {
                    paths.pop_front();
                }
                paths.push_back(path.to_owned());
            }
        }
    }

    /// All of them, in alphabetical order, so that the page does not tell when each was asked for.
    pub(crate) fn paths(&self) -> Vec<String> {
        let paths = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut paths: Vec<String> = paths.iter().cloned().collect();
        paths.sort();
        paths
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_last_stays_and_there_are_never_more_than_a_few() {
        let trail = Trail::default();
        (0..1_000).for_each(|number| {
            trail.follow("/wp-login.php");
            trail.follow(&format!("/{number}"));
        });
        let paths = trail.paths();
        assert_eq!(paths.len(), MOST);
        assert!(paths.contains(&"/wp-login.php".to_owned()) && paths.contains(&"/999".to_owned()));
    }
}
