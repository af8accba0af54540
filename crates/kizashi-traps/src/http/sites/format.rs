//! What `site.toml` may say, and whether it says it right; described in docs/web-sites.md. The files are the program's own, so a
//! fault is a test's to find.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::builtin::Folder;
use super::{Content, Page, Router, Site};
use crate::http::rules::{MachineKind, Pattern, check_text, is_class};
use crate::http::server::Style;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SiteText {
    product: String,
    machine: MachineKind,
    #[serde(default)]
    beside: Vec<String>,
    /// Code that answers before the pages do.
    program: Option<String>,
    #[serde(default)]
    server: ServerText,
    #[serde(default)]
    ports: Vec<u16>,
    #[serde(default = "one")]
    weight: usize,
    /// Names of rules about the product itself, `*` for any run.
    #[serde(default)]
    rules: Vec<String>,
    /// Files of rules about what may run beside it.
    #[serde(default)]
    families: Vec<String>,
    #[serde(default)]
    release: Vec<Release>,
    #[serde(default)]
    values: BTreeMap<String, Vec<String>>,
    /// Of every page that is no file.
    #[serde(default)]
    fields: Vec<(String, String)>,
    #[serde(default)]
    cookies: Vec<String>,
    /// Fields of the server's own that are left out of every page.
    #[serde(default)]
    without: Vec<String>,
    #[serde(default)]
    page: Vec<PageText>,
    missing: Option<PageText>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerText {
    /// A [`Style`]; left out for the installation's own web server.
    speaks: Option<String>,
    /// The `Server` field.
    #[serde(default)]
    name: String,
    /// With which its own error pages are signed, where that is another.
    #[serde(default)]
    signature: String,
    /// How its application finds a page, where that shows.
    router: Option<Router>,
}

/// A version with what belongs to it.
#[derive(Debug, Deserialize)]
pub(super) struct Release {
    pub(super) version: String,
    #[serde(flatten)]
    pub(super) values: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PageText {
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    methods: Vec<String>,
    #[serde(default)]
    parameters: BTreeMap<String, String>,
    #[serde(default)]
    body: Vec<String>,
    status: Option<u16>,
    kind: Option<String>,
    #[serde(default)]
    fields: Vec<(String, String)>,
    #[serde(default)]
    cookies: Vec<String>,
    #[serde(default)]
    bare: bool,
    /// Fields of the server's own that are left out.
    #[serde(default)]
    without: Vec<String>,
    /// The server found the type out by itself, and says it last (Go).
    #[serde(default)]
    sniffed: bool,
    class: Option<String>,
    login: Option<(String, String)>,
    /// 302 with this `Location`.
    redirect: Option<String>,
    file: Option<String>,
    #[serde(default)]
    text: String,
}

const fn one() -> usize {
    1
}

/// Reads one folder.
pub(super) fn read(folder: &Folder) -> Result<Site, String> {
    let text = folder.text("site.toml")?;
    let text: SiteText = toml::from_str(text).map_err(|error| error.to_string())?;
    let style = match &text.server.speaks {
        None => None,
        Some(name) => Some(Style::named(name).ok_or_else(|| format!("no server speaks {name}"))?),
    };
    if text.page.is_empty() && text.program.is_none() {
        return Err("a site has pages or a program".to_owned());
    }
    let names: BTreeSet<String> = text
        .values
        .keys()
        .chain(text.release.iter().flat_map(|release| release.values.keys()))
        .cloned()
        .collect();
    let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let check = |text: &str| check_text(text, &names);
    for text in text.values.values().flatten().chain(text.fields.iter().map(|(_, value)| value)) {
        check(text)?;
    }
    let placed = text.page.iter().flat_map(|page| &page.fields).chain(&text.fields);
    let placed = placed.filter(|(name, value)| value.is_empty() && name != "Set-Cookie").count();
    if style.is_none() && placed + text.without.len() > 0 {
        return Err("the installation's own web server has its own order of fields".to_owned());
    }
    let page = |page: PageText| page.read(folder, &check);
    Ok(Site {
        name: folder.name,
        product: text.product,
        machine: text.machine,
        beside: text.beside,
        program: text.program.as_deref().map(super::programs::named).transpose()?,
        style,
        router: text.server.router,
        server: text.server.name,
        signature: text.server.signature,
        releases: text.release,
        values: text.values.clone(),
        ports: text.ports,
        weight: text.weight,
        families: text.families,
        rules: text.rules.iter().map(|name| Pattern::new(name)).collect(),
        fields: text
            .fields
            .into_iter()
            .chain(text.without.iter().map(|name| (format!("-{name}"), String::new())))
            .collect(),
        cookies: text.cookies,
        pages: text.page.into_iter().map(&page).collect::<Result<_, _>>()?,
        missing: text.missing.map(page).transpose()?,
    })
}

impl PageText {
    fn read(
        self,
        folder: &Folder,
        check: &impl Fn(&str) -> Result<(), String>,
    ) -> Result<Page, String> {
        let pairs = |pairs: &BTreeMap<String, String>| {
            pairs.iter().map(|(name, value)| (Pattern::new(name), Pattern::new(value))).collect()
        };
        let (kind, content) = match &self.file {
            None => ("text/html", Content::Text(self.text.clone())),
            Some(name) => match kind_of(name) {
                (kind, true) => (kind, Content::Text(folder.text(name)?.to_owned())),
                (kind, false) => (kind, Content::File(folder.bytes(name)?)),
            },
        };
        if let Content::Text(text) = &content {
            check(text)?;
        }
        let mut fields = self.fields;
        fields.extend(self.without.iter().map(|name| (format!("-{name}"), String::new())));
        if self.sniffed {
            fields.push(("~Content-Type".to_owned(), String::new()));
        }
        if let Some(place) = &self.redirect {
            fields.push(("Location".to_owned(), place.clone()));
        }
        for text in fields.iter().map(|(_, value)| value).chain(&self.cookies) {
            check(text)?;
        }
        if let Some(class) = self.class.as_ref().filter(|class| !is_class(class)) {
            return Err(format!("{class} is no class"));
        }
        let status = self.status.unwrap_or(if self.redirect.is_some() { 302 } else { 200 });
        Ok(Page {
            methods: self.methods,
            paths: self.paths.iter().map(|path| Pattern::new(path)).collect(),
            parameters: pairs(&self.parameters),
            body: self.body.iter().map(|text| Pattern::within(text)).collect(),
            status,
            kind: self.kind.unwrap_or_else(|| kind.to_owned()),
            fields,
            cookies: self.cookies,
            bare: self.bare || matches!(content, Content::File(_)),
            class: self.class,
            login: self.login,
            content,
        })
    }
}

/// The type of a file by its name, and whether values are put into it.
fn kind_of(name: &str) -> (&'static str, bool) {
    match name.rsplit('.').next().unwrap_or_default() {
        "css" => ("text/css", false),
        "js" => ("application/javascript", false),
        "svg" => ("image/svg+xml", false),
        "ico" => ("image/x-icon", false),
        "png" => ("image/png", false),
        "gif" => ("image/gif", false),
        "json" => ("application/json", true),
        "xml" => ("text/xml", true),
        "txt" => ("text/plain", true),
        _ => ("text/html", true),
    }
}
