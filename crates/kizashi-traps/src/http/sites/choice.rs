//! Which site a listener shows: drawn once from the identity's seed among those that are plausible on its port, or the owner's choice.

use std::collections::BTreeMap;

use super::Site;
use crate::Identity;
use crate::draw::Draw;
use crate::machine::Persona as Behind;

/// The name of the web server's own default page.
pub const DEFAULT_SITE: &str = "default";
/// Ports in the configuration.
const MOST: usize = 1_000;

/// The owner's choices.
#[derive(Clone, Debug, Default)]
pub struct WebSites {
    by_port: BTreeMap<u16, Option<&'static Site>>,
    /// For all ports that he did not name.
    all: Option<Option<&'static Site>>,
}

/// A choice that cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebSitesError {
    /// Not a port.
    #[error("{0:?} is no port: write numbers from 1 to 65535, or * for all others")]
    Port(String),
    /// Not a site.
    #[error("{0:?} is no site; there are {1}")]
    Site(String, String),
    /// More than anybody listens on.
    #[error("at most {MOST} ports can be named")]
    TooMany,
}

impl WebSites {
    /// Choices as pairs of port (`*` for all others) and the name of a site.
    ///
    /// # Errors
    /// When a port or a site is none.
    pub fn of<'a>(
        choices: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, WebSitesError> {
        let mut sites = Self::default();
        for (port, name) in choices {
            let site = match name {
                DEFAULT_SITE => None,
                name => Some(Site::named(name).ok_or_else(|| {
                    WebSitesError::Site(name.chars().take(40).collect(), Self::names().join(", "))
                })?),
            };
            match port {
                "*" => sites.all = Some(site),
                port => {
                    let number = port.parse::<u16>().ok().filter(|port| *port != 0);
                    let wrong = || WebSitesError::Port(port.chars().take(40).collect());
                    sites.by_port.insert(number.ok_or_else(wrong)?, site);
                }
            }
        }
        if sites.by_port.len() > MOST { Err(WebSitesError::TooMany) } else { Ok(sites) }
    }

    /// The web server's own default page on every port.
    #[must_use]
    pub const fn default_page() -> Self {
        Self { by_port: BTreeMap::new(), all: Some(None) }
    }

    /// Whether the owner chose that for all ports that he did not name.
    pub(crate) const fn is_default_page(&self) -> bool {
        matches!(self.all, Some(None))
    }

    /// The names that can be chosen.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        let sites = Site::all().iter().map(|site| site.name);
        std::iter::once(DEFAULT_SITE).chain(sites).collect()
    }

    /// Each name with the product that it shows.
    #[must_use]
    pub fn products() -> Vec<(&'static str, &'static str)> {
        Site::all().iter().map(|site| (site.name, site.product())).collect()
    }

    /// The face of a port; `None` for the default page.
    pub(crate) fn at(&self, port: u16, identity: &Identity) -> Option<&'static Site> {
        let chosen = self.by_port.get(&port).copied().or(self.all);
        chosen.unwrap_or_else(|| draw(port, identity))
    }
}

/// Where nothing is more plausible than the default page, that is one of the choices.
const DEFAULT_WEIGHTS: [(u16, usize); 7] =
    [(80, 4), (443, 4), (8080, 1), (8443, 1), (8000, 2), (8888, 1), (81, 1)];

fn draw(port: u16, identity: &Identity) -> Option<&'static Site> {
    let default =
        DEFAULT_WEIGHTS.iter().find(|(of, _)| *of == port).map_or(0, |(_, weight)| *weight);
    let mut choices: Vec<Option<&'static Site>> = vec![None; default];
    for site in Site::all() {
        if site.ports.contains(&port) && is_coherent(site, identity) {
            choices.extend(std::iter::repeat_n(Some(site), site.weight));
        }
    }
    Draw::new(identity.seed(), &format!("web site at {port}")).one_of(0, &choices).flatten()
}

/// Whether it is shown beside what it says: a device where Telnet shows one of its kind, Kibana where its Elasticsearch is.
fn is_coherent(site: &Site, identity: &Identity) -> bool {
    let face = identity.telnet_face().machine();
    let facts = [
        if face == Behind::Camera { "camera" } else { "router" }.to_owned(),
        format!("elasticsearch-{}", identity.elasticsearch_release().number()),
    ];
    let holds = |fact: &String| facts[usize::from(!face.is_device())..].contains(fact);
    site.beside.is_empty() || site.beside.iter().any(holds)
}
