//! What a site says to a request: one of its pages, one of its files, or that there is nothing.

use kizashi_event::Detail;

use super::{Content, Page, Site, builtin};
use crate::http::rules::{Reaction, RuleAnswer, Scene, Subject, fill_answer};

/// A request to a site.
pub(in crate::http) struct SiteRequest<'a> {
    pub(in crate::http) method: &'a str,
    pub(in crate::http) target: &'a [u8],
    pub(in crate::http) subject: &'a Subject<'a>,
    pub(in crate::http) scene: &'a Scene<'a>,
}

/// What it gets.
pub(in crate::http) struct SiteAnswer {
    pub(in crate::http) says: Says,
    /// What the request is, where the page knows.
    pub(in crate::http) class: &'static str,
    /// What else the request was: the login of a form, what a container is given.
    pub(in crate::http) details: Vec<Detail>,
}

pub(in crate::http) enum Says {
    Reacts(Reaction),
    File { kind: &'static str, bytes: &'static [u8] },
}

impl Site {
    /// The page for a request.
    pub(in crate::http) fn answer(&'static self, request: &SiteRequest<'_>) -> Option<SiteAnswer> {
        if let Some(answer) = self.program.and_then(|program| program(request)) {
            return Some(self.dress(answer, request));
        }
        self.page(request)
    }

    /// The page for a request, whatever a program would say.
    pub(super) fn page(&'static self, request: &SiteRequest<'_>) -> Option<SiteAnswer> {
        let page = self.pages.iter().find(|page| page.fits(request))?;
        let login = page.login.as_ref().and_then(|fields| request.subject.login(fields));
        let details = login.into_iter().collect();
        let class = page.class.as_deref().unwrap_or("ordinary");
        let says = match page.content {
            Content::File(bytes) => Says::File { kind: &page.kind, bytes },
            Content::Text(ref text) => {
                Says::Reacts(Reaction::Answer(self.write(page, text, request)))
            }
        };
        Some(SiteAnswer { says, class, details })
    }

    /// Puts the fields of all pages on a program's answer.
    fn dress(&self, answer: SiteAnswer, request: &SiteRequest<'_>) -> SiteAnswer {
        let bare = RuleAnswer {
            status: 200,
            kind: String::new(),
            fields: self.fields.clone(),
            body: Vec::new(),
        };
        let common = fill_answer(bare, "", self.name, request.subject, request.scene).fields;
        let says = match answer.says {
            Says::Reacts(Reaction::Answer(said)) => {
                Says::Reacts(Reaction::Answer(said.with(common)))
            }
            Says::Reacts(Reaction::Run(run)) => {
                Says::Reacts(Reaction::Run(run.with_fields(common)))
            }
            other => other,
        };
        SiteAnswer { says, ..answer }
    }

    /// One of its files with the values put in, such as a list that a program looks into.
    pub(super) fn text(&self, file: &str, request: &SiteRequest<'_>) -> Vec<u8> {
        let folder = builtin::SITES.iter().find(|folder| folder.name == self.name);
        let text = folder.and_then(|folder| folder.text(file).ok()).unwrap_or_default();
        let empty =
            RuleAnswer { status: 200, kind: String::new(), fields: Vec::new(), body: Vec::new() };
        fill_answer(empty, text, self.name, request.subject, request.scene).body
    }

    /// What it says where there is no page; `None` where that is its server's to say.
    pub(in crate::http) fn missing(&'static self, request: &SiteRequest<'_>) -> Option<RuleAnswer> {
        let page = self.missing.as_ref()?;
        match &page.content {
            Content::Text(text) => Some(self.write(page, text, request)),
            Content::File(_) => None,
        }
    }

    /// The methods by which there is a page, as routers name them: without HEAD.
    pub(in crate::http) fn methods(&'static self, subject: &Subject<'_>) -> Vec<&'static str> {
        let pages = self.pages.iter().filter(|page| subject.has_path(&page.paths));
        let mut methods: Vec<&str> = pages
            .flat_map(|page| match page.methods.as_slice() {
                [] => vec!["GET"],
                methods => methods.iter().map(String::as_str).collect(),
            })
            .filter(|method| !matches!(*method, "HEAD" | "*"))
            .collect();
        methods.sort_unstable();
        methods.dedup();
        methods
    }

    fn write(&self, page: &Page, text: &str, request: &SiteRequest<'_>) -> RuleAnswer {
        let (common, cookies) = match page.bare {
            true => (&[][..], &[][..]),
            false => (self.fields.as_slice(), self.cookies.as_slice()),
        };
        let mut fields = Vec::new();
        let is_said_by_page =
            |name: &str| page.fields.iter().any(|(said, _)| said.eq_ignore_ascii_case(name));
        let is_slot_of_page =
            |name: &str| page.fields.iter().any(|(said, value)| value.is_empty() && said == name);
        for (name, value) in common {
            // A page's own word goes before what all pages say.
            if !is_said_by_page(name) || (value.is_empty() && !is_slot_of_page(name)) {
                fields.push((name.clone(), value.clone()));
            }
        }
        fields.extend(page.fields.iter().cloned());
        // Cookies are given to who has none, where "Set-Cookie" stands with no value, or else in front.
        let given = cookies.iter().chain(&page.cookies).filter(|cookie| {
            let name = cookie.split('=').next().unwrap_or_default();
            !request.subject.has_cookie(name)
        });
        let given: Vec<_> = given.map(|cookie| ("Set-Cookie".to_owned(), cookie.clone())).collect();
        let places = fields.iter().filter(|(name, value)| name == "Set-Cookie" && value.is_empty());
        let places = places.count();
        let mut given = given.into_iter();
        // Of several places each but the last takes one.
        for left in (0..places).rev() {
            let taken: Vec<_> =
                given.by_ref().take(if left > 0 { 1 } else { usize::MAX }).collect();
            let at =
                fields.iter().position(|(name, value)| name == "Set-Cookie" && value.is_empty());
            at.into_iter().for_each(|at| drop(fields.splice(at..=at, taken.clone())));
        }
        drop(fields.splice(0..0, given));
        let answer =
            RuleAnswer { status: page.status, kind: page.kind.clone(), fields, body: Vec::new() };
        fill_answer(answer, text, self.name, request.subject, request.scene)
    }
}

impl Page {
    fn fits(&self, request: &SiteRequest<'_>) -> bool {
        let methods = match self.methods.as_slice() {
            [] => matches!(request.method, "GET" | "HEAD"),
            methods => methods.iter().any(|method| method == request.method || method == "*"),
        };
        methods
            && request.subject.has_path(&self.paths)
            && request.subject.has_parameters(&self.parameters)
            && request.subject.has_in_body(&self.body)
    }

    /// Its paths that have no star, or the shortest of those that have one.
    #[cfg(test)]
    pub(super) fn spelled_out(&self) -> Vec<String> {
        self.paths.iter().map(crate::http::rules::Pattern::shortest).collect()
    }
}
