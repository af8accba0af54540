//! Sites: what a listener shows as its face. A site is one installation of one named product, in data files (`data/sites/NAME`):
//! its pages, assets, errors, header fields, cookies and the server that speaks for it, all of one version. What lies behind a listener
//! without one is the web server's own default page. A new site needs no Rust: a folder, and its line in `builtin.rs`.
//!
//! Which of the rules' answers may be seen on a site is said there too: a face and an exploit's answer must not contradict.

mod answer;
mod builtin;
mod choice;
mod format;
mod programs;
mod trail;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::rules::{MachineKind, Pattern, Rule};
use super::server::Style;
use crate::Identity;
pub(super) use answer::{Says, SiteRequest};
pub use choice::{DEFAULT_SITE, WebSites, WebSitesError};
use format::Release;
use programs::Program;
pub(crate) use programs::{VisitorsContainers, fuzz as fuzz_program};
pub(crate) use trail::Trail;

/// One installation of one product.
#[derive(Debug)]
pub(crate) struct Site {
    /// Its folder, and its name in the configuration.
    pub(crate) name: &'static str,
    product: String,
    pub(crate) machine: MachineKind,
    /// Beside what alone it is drawn, any of these: `router` or `camera` (on Telnet), `elasticsearch-7.17.9`.
    beside: Vec<String>,
    /// Code that answers before its pages do.
    program: Option<Program>,
    /// How its server speaks; where none is named, as the installation's nginx or Apache httpd.
    pub(super) style: Option<&'static Style>,
    /// How its application finds a page, where that shows.
    pub(super) router: Option<Router>,
    server: String,
    /// What its server's own error pages are signed with.
    pub(super) signature: String,
    releases: Vec<Release>,
    values: BTreeMap<String, Vec<String>>,
    ports: Vec<u16>,
    weight: usize,
    families: Vec<String>,
    rules: Vec<Pattern>,
    fields: Vec<(String, String)>,
    cookies: Vec<String>,
    pages: Vec<Page>,
    missing: Option<Page>,
}

/// A router of Go's, by what it does to a path that is not clean or has no page by this method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Router {
    /// Behind `ServeMux`: a redirection with a page, 405 with `Allow`.
    Httprouter,
    /// A redirection without a page, 404.
    Gorilla,
}

/// One page, or all of one form.
#[derive(Debug)]
struct Page {
    methods: Vec<String>,
    paths: Vec<Pattern>,
    parameters: Vec<(Pattern, Pattern)>,
    body: Vec<Pattern>,
    status: u16,
    kind: String,
    fields: Vec<(String, String)>,
    cookies: Vec<String>,
    /// Without the fields and cookies that all pages have.
    bare: bool,
    class: Option<String>,
    login: Option<(String, String)>,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// Named values are put in.
    Text(String),
    /// Sent as it is, with what servers say of a file on disk.
    File(&'static [u8]),
}

impl Site {
    /// Every site that comes with the program.
    pub(crate) fn all() -> &'static [Self] {
        static ALL: OnceLock<Vec<Site>> = OnceLock::new();
        // The folders are the program's own and a test reads each of them: none is left out here.
        ALL.get_or_init(|| {
            builtin::SITES.iter().filter_map(|site| format::read(site).ok()).collect()
        })
    }

    /// What it is, in words.
    pub(crate) fn product(&self) -> &str {
        &self.product
    }

    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        Self::all().iter().find(|site| site.name == name)
    }

    /// The version that this installation has.
    fn release(&self, identity: &Identity) -> Option<&Release> {
        let label = format!("web site {} release", self.name);
        self.releases.get(identity.choice(&label, self.releases.len()))
    }

    pub(super) fn version(&self, identity: &Identity) -> &str {
        self.release(identity).map_or("", |release| &release.version)
    }

    /// The text behind a value of the site's own, which may name others.
    pub(super) fn value(&self, name: &str, identity: &Identity) -> &str {
        if let Some(choices) = self.values.get(name) {
            let label = format!("web site {} value {name}", self.name);
            let place = identity.choice(&label, choices.len());
            return choices.get(place).map_or("", String::as_str);
        }
        let release = self.release(identity).and_then(|release| release.values.get(name));
        release.map_or("", String::as_str)
    }

    /// The `Server` field: values of the release put in; empty where there is none.
    pub(super) fn server(&self, identity: &Identity) -> String {
        let mut server = self.server.replace("@{version}", self.version(identity));
        while let Some((before, rest)) = server.split_once("@{value ") {
            let Some((name, after)) = rest.split_once('}') else { break };
            server = format!("{before}{}{after}", self.value(name, identity));
        }
        server
    }

    /// Whether a rule of this family and name may be answered here: the site's own product, or what may run beside it.
    pub(super) fn admits(&self, rule: &Rule) -> bool {
        self.is_about(rule)
            || (self.families.contains(&rule.family) && self.is_kind(rule.runs_on()))
    }

    /// Whether the rule is about the site's own product, whose exploits go before its pages.
    pub(super) fn is_about(&self, rule: &Rule) -> bool {
        let name = rule.name.to_ascii_lowercase();
        self.rules.iter().any(|pattern| pattern.fits(name.as_bytes()))
    }

    /// Whether a product of this kind of machine can be here.
    pub(super) fn is_kind(&self, kind: MachineKind) -> bool {
        kind == MachineKind::Any || kind == self.machine
    }
}
