//! Sites whose pages are no data but code: an application with a state, such as one that a SQL injection is to find. `program = "NAME"` in
//! `site.toml` names one of these; what it does not answer the site's pages do, and what they have not is missing as on every site.

mod containers;
mod docker;
mod kubelet;
mod ollama;
mod say;
mod yarn;

use super::answer::{SiteAnswer, SiteRequest};
pub(crate) use containers::VisitorsContainers;

/// Answers a request, or leaves it to the site's pages. It waits for nothing; a command is given back to be run.
pub(super) type Program = fn(&SiteRequest<'_>) -> Option<SiteAnswer>;

/// Every program by its name.
static PROGRAMS: &[(&str, Program)] = &[
    ("docker", docker::respond),
    ("kubelet", kubelet::respond),
    ("ollama", ollama::respond),
    ("yarn", yarn::respond),
    #[cfg(test)]
    ("test", test_program),
];

pub(super) fn named(name: &str) -> Result<Program, String> {
    let found = PROGRAMS.iter().find(|(known, _)| *known == name);
    found.map(|(_, program)| *program).ok_or_else(|| format!("there is no program {name}"))
}

#[cfg(test)]
fn test_program(request: &SiteRequest<'_>) -> Option<SiteAnswer> {
    use super::answer::Says;
    use crate::http::rules::{Reaction, RuleAnswer};
    (request.target == b"/program").then(|| SiteAnswer {
        says: Says::Reacts(Reaction::Answer(RuleAnswer {
            status: 200,
            kind: "text/plain".to_owned(),
            fields: Vec::new(),
            body: b"it answers".to_vec(),
        })),
        class: "ordinary",
        details: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use crate::http::sites::builtin::Folder;
    use crate::http::sites::format;

    #[test]
    fn a_site_may_be_a_program_and_a_name_that_is_none_is_refused() {
        let site = |text: &'static str| {
            format::read(&Folder {
                name: "example",
                files: Box::leak(Box::new([("site.toml", text.as_bytes())])),
            })
        };
        let whole = "product = \"x\"\nmachine = \"server\"\nprogram = \"test\"\n";
        assert!(site(whole).is_ok_and(|site| site.program.is_some() && site.pages.is_empty()));
        assert!(site("product = \"x\"\nmachine = \"server\"\nprogram = \"none\"\n").is_err());
        assert!(site("product = \"x\"\nmachine = \"server\"\n").is_err());
    }
}
