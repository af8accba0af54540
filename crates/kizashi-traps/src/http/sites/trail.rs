//! Pages that grow from requests seen, as Glastopf's dork pages did: what visitors look for is from then on linked from the default
//! page's site map, so that search engines and crawlers find it there and bring who looks for it. What is linked is a rule's own path,
//! never a word of a visitor's; there are few, and they live in memory alone.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::http::rules::{RuleAnswer, Scene, escape_text};

/// Where a server tells crawlers what it has.
const PAGES: [&str; 3] = ["/robots.txt", "/sitemap.xml", "/sitemap.html"];

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

    /// One of the pages that name the paths; none where nobody has looked for anything, as on a server fresh from its package.
    pub(in crate::http) fn page(&self, target: &[u8], scene: &Scene<'_>) -> Option<RuleAnswer> {
        let name = PAGES.iter().find(|page| page.as_bytes() == target)?;
        let (paths, origin, host) = (self.paths(), scene.origin(), scene.shown_host());
        let lines = |before: &str, after: &str| -> String {
            paths
                .iter()
                .map(|path| format!("{before}{}{after}", escape_text(path.as_bytes())))
                .collect()
        };
        let (kind, body) = match *name {
            _ if paths.is_empty() => return None,
            "/robots.txt" => (
                "text/plain",
                format!("User-agent: *\nAllow: /\n\nSitemap: {origin}/sitemap.xml\n"),
            ),
            "/sitemap.xml" => (
                "application/xml",
                format!(
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n  <url><loc>{origin}/</loc></url>\n  <url><loc>{origin}/sitemap.html</loc></url>\n{}</urlset>\n",
                    lines(&format!("  <url><loc>{origin}"), "</loc></url>\n")
                ),
            ),
            _ => {
                let items: String = paths
                    .iter()
                    .map(|path| escape_text(path.as_bytes()))
                    .map(|path| format!("<li><a href=\"{path}\">{path}</a></li>\n"))
                    .collect();
                (
                    "text/html",
                    format!(
                        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{host} - Site map</title></head>\n<body>\n<h1>Site map</h1>\n<ul>\n<li><a href=\"/\">/</a></li>\n{items}</ul>\n</body>\n</html>\n"
                    ),
                )
            }
        };
        let (kind, fields, body) = (kind.to_owned(), Vec::new(), body.into_bytes());
        Some(RuleAnswer { status: 200, kind, fields, body })
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
