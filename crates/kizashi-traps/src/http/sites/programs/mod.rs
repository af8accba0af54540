//! Sites whose pages are no data but code: an application with a state, such as one that a SQL injection is to find. `program = "NAME"` in
//! `site.toml` names one of these; what it does not answer the site's pages do, and what they have not is missing as on every site.

mod containers;
mod docker;
mod jenkins;
mod kubelet;
mod kubernetes;
mod ollama;
mod say;
mod spring;
mod yarn;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use kizashi_event::{Port, Timestamp};

use super::WebSites;
use super::answer::{SiteAnswer, SiteRequest};
use crate::http::{HttpSession, SERVICE};
use crate::{Identity, Output, Session as _, Visit};
pub(crate) use containers::VisitorsContainers;

/// Answers a request, or leaves it to the site's pages. It waits for nothing; a command is given back to be run.
pub(super) type Program = fn(&SiteRequest<'_>) -> Option<SiteAnswer>;

/// Every program by its name.
static PROGRAMS: &[(&str, Program)] = &[
    ("docker", docker::respond),
    ("jenkins", jenkins::respond),
    ("kubelet", kubelet::respond),
    ("kubernetes", kubernetes::respond),
    ("ollama", ollama::respond),
    ("spring", spring::respond),
    ("yarn", yarn::respond),
    #[cfg(test)]
    ("test", test_program),
];

pub(super) fn named(name: &str) -> Result<Program, String> {
    let found = PROGRAMS.iter().find(|(known, _)| *known == name);
    found.map(|(_, program)| *program).ok_or_else(|| format!("there is no program {name}"))
}

/// Sites with a program, as the first byte of an input chooses among them.
const FUZZED: [&str; 7] =
    ["docker", "jenkins", "kubernetes", "kubelet", "ollama", "spring-boot", "hadoop-yarn"];
/// Requests in a row, and turns that one is given.
const REQUESTS: usize = 6;
const TURNS: usize = 1_000;

/// See [`crate::fuzz::site_program`].
pub(crate) fn fuzz(bytes: &[u8]) {
    let Some((choice, rest)) = bytes.split_first() else { return };
    let name = FUZZED[usize::from(*choice) % FUZZED.len()];
    let Ok(sites) = WebSites::of([("*", name)]) else { return };
    // An installation whose cluster and Jenkins let everybody in.
    let identity = Arc::new(Identity::draw([4; 32]).with_web_sites(sites));
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let port = Port::tcp(8_080);
    let visit = Visit { source: here, destination: Some(here), port, encrypted: false };
    let now = Timestamp::from_seconds(1_800_000_000);
    for request in rest.split(|byte| *byte == 0).take(REQUESTS) {
        let mut parts = request.splitn(2, |byte| *byte == b'\n');
        let (line, body) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let head = format!(" HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
        let mut session = HttpSession::new(&identity, visit);
        let mut out = Output::new(SERVICE);
        session.receive(&[line, head.as_bytes(), body].concat(), now, &mut out);
        for _ in 0..TURNS {
            let _ = (out.take_reply(), out.take_seen());
            if !out.wants_turn() {
                break;
            }
            session.receive(&[], now, &mut out);
        }
        session.end(now, &mut out);
    }
    docker::fuzz_streams(rest);
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
