//! An application in PHP over MariaDB, made up by us: the site of a small club, with articles, a search, a guestbook, a login, an upload and an
//! administration. Name, texts and people are drawn for each installation, so that no two are alike. It is written as carelessly as such
//! sites are: what a visitor sends is pasted into a query ([`crate::sql`]), a file's name is included, an address is pinged by a shell.
//!
//! Nothing of a visitor's is stored but the files that he uploads, which he alone gets back (`kept.rs`). All rows are fiction: the hashes are random,
//! the hash of nothing, and open no door anywhere.

mod content;
pub(crate) mod database;
mod inclusion;
mod pages;
mod queries;
mod sources;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use kizashi_event::{Detail, HostileText, Request};

use super::form::Form;
use super::rules::{RuleAnswer, Scene};
use super::run::Run;
use crate::Identity;
use crate::sql::Relation;
use content::Club;
pub(crate) use sources::application_files;

/// What the application says to a request.
pub(super) struct Reply {
    pub(super) outcome: Said,
    /// What kind of request it was.
    pub(super) class: &'static str,
    /// Queries, logins.
    pub(super) details: Vec<Detail>,
}

pub(super) enum Said {
    Answer(RuleAnswer),
    Run(Box<Run>),
}

impl Reply {
    fn page(class: &'static str, answer: RuleAnswer) -> Self {
        Self { outcome: Said::Answer(answer), class, details: Vec::new() }
    }
}

/// Where the application lies on this installation: `/` or a folder.
pub(super) fn base(identity: &Identity) -> &'static str {
    const PLACES: [&str; 9] =
        ["/", "/", "/", "/site/", "/cms/", "/club/", "/web/", "/portal/", "/news/"];
    let drawn = PLACES.get(identity.choice("application's place", PLACES.len())).copied();
    // Who wants the default page everywhere wants it at the root too.
    drawn.filter(|place| *place != "/" || !identity.shows_default_page()).unwrap_or("/site/")
}

/// What this installation's application holds before anybody changed it: drawn once, for it is made of hundreds of draws.
pub(crate) struct Application {
    club: Club,
    relations: Arc<[Relation]>,
}

impl Application {
    pub(crate) fn draw(identity: &Identity) -> Self {
        let club = Club::draw(identity);
        Self { relations: database::relations(&club).into(), club }
    }
}

/// The account under which the application reads its database, as its `config.php` says.
pub(crate) struct Account<'a> {
    pub(crate) name: String,
    pub(crate) password: &'a str,
    pub(crate) database: &'a String,
    pub(crate) relations: &'a Arc<[Relation]>,
}

impl Application {
    pub(crate) fn account(&self) -> Account<'_> {
        let Self { club, relations } = self;
        let name = database::user(club);
        Account { name, password: &club.password, database: &club.database, relations }
    }
}

/// One request to it.
struct Visit<'a> {
    scene: &'a Scene<'a>,
    request: &'a Request,
    target: &'a [u8],
    body: &'a [u8],
    form: Form,
    club: &'a Club,
    relations: &'a Arc<[Relation]>,
    base: &'static str,
}

/// The page of the application that a path names; `None` where the path is not the application's.
pub(super) fn page_of(identity: &Identity, path: &str) -> Option<&'static str> {
    let page = match path.strip_prefix(base(identity))? {
        "" => "index.php",
        "admin" | "admin/" => "admin/index.php",
        other => other,
    };
    const PAGES: [&str; 14] = [
        "index.php",
        "article.php",
        "news.php",
        "search.php",
        "guestbook.php",
        "contact.php",
        "login.php",
        "logout.php",
        "upload.php",
        "tools.php",
        "config.php",
        "style.css",
        "admin/index.php",
        "uploads/",
    ];
    PAGES.into_iter().find(|known| *known == page)
}

/// Answers a request for one of the application's pages.
pub(super) fn respond(
    scene: &Scene<'_>,
    request: &Request,
    target: &[u8],
    body: &[u8],
    page: &str,
) -> Reply {
    let form = Form::of(request, target, body);
    let application = scene.identity.application();
    let Application { club, relations } = &*application;
    let base = base(scene.identity);
    let visit = Visit { scene, request, target, body, form, club, relations, base };
    let is_post = request.method.raw() == "POST";
    match page {
        "index.php" => visit.index(),
        "article.php" => visit.article(),
        "news.php" => visit.news(),
        "search.php" => visit.search(),
        "guestbook.php" => visit.guestbook(is_post),
        "contact.php" => visit.contact(is_post),
        "login.php" => visit.login(is_post),
        "logout.php" => Reply::page("ordinary", visit.redirect("index.php", None)),
        "upload.php" => visit.upload(is_post),
        "tools.php" => visit.tools(),
        "admin/index.php" => visit.administration(),
        "config.php" => Reply::page("recon", visit.php(200, String::new())),
        "uploads/" => Reply::page("recon", visit.forbidden()),
        _ => Reply::page("ordinary", pages::style(visit.club)),
    }
}

fn note(name: &str, value: &[u8]) -> Detail {
    Detail::Note {
        name: name.into(),
        value: HostileText::from_bytes(&value[..value.len().min(2_000)]),
    }
}

/// As a page escapes what a visitor typed.
fn escape(text: &[u8]) -> String {
    let mut escaped = String::new();
    for letter in String::from_utf8_lossy(text).chars() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#039;"),
            other => escaped.push(other),
        }
    }
    escaped
}
