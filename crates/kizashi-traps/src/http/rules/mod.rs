//! What a request is, and what an attacker must hear to go on: rules in data files, one file a product or family, as Glastopf's
//! `requests.xml` had them and more. They are compiled in from `data/web-rules`; an owner's own come from a folder and go first.
//!
//! Matching is linear in the request: one pass over it finds which rules may fit, and only those are tried. Among rules that fit, the one of higher priority counts, then the one that says more (bytes of its patterns).

mod act;
mod builtin;
mod evaluate;
mod format;
mod index;
mod pattern;
mod reply;
mod subject;

#[cfg(test)]
pub(super) mod tests;

use std::sync::{Arc, OnceLock};

pub(super) use act::fill_answer;
pub(crate) use act::{Reaction, RuleAnswer, Scene};
pub(in crate::http) use act::{machine_of, web_machine};
pub(in crate::http) use evaluate::between;
pub(crate) use evaluate::{base64, calculate, included};
pub(crate) use format::MachineKind;
pub use format::RuleProblem;
use format::{Answerer, Example, Face, File, RuleText, Take};
use index::Index;
pub(super) use pattern::Pattern;
pub(crate) use pattern::find;
pub(super) use reply::{check as check_text, escape_text};
use subject::Field;
pub(crate) use subject::Subject;
pub(crate) use subject::decode;

/// Files of an owner's own.
const FILES: usize = 64;

/// A rule, ready to be tried.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) class: String,
    /// The file that it is in, without its ending; nothing for an owner's own.
    pub(super) family: String,
    machine: MachineKind,
    priority: i32,
    own: bool,
    methods: Vec<String>,
    paths: Vec<Pattern>,
    parameters: Vec<(Pattern, Pattern)>,
    headers: Vec<(Pattern, Pattern)>,
    body: Vec<Pattern>,
    anywhere: Vec<Pattern>,
    answer: Answerer,
    face: Option<Face>,
    status: u16,
    kind: String,
    fields: Vec<(String, String)>,
    text: String,
    script: String,
    keep: String,
    take: Vec<Take>,
    login: Option<(String, String)>,
    #[cfg_attr(not(test), expect(dead_code, reason = "only tests send the examples"))]
    pub(super) examples: Vec<Example>,
}

impl Rule {
    fn new(name: &str, file: &File, text: RuleText, own: bool) -> Self {
        let pairs = |pairs: std::collections::BTreeMap<String, String>| {
            pairs.iter().map(|(name, value)| (Pattern::new(name), Pattern::new(value))).collect()
        };
        let within = |texts: &[String]| texts.iter().map(|text| Pattern::within(text)).collect();
        let usual = if text.answer == Answerer::Websocket { 101 } else { 200 };
        let status = text.status.unwrap_or(usual);
        let shows_output =
            !matches!(text.answer, Answerer::Text | Answerer::Face | Answerer::Websocket);
        let body = match text.text.as_str() {
            "" if shows_output => "@{output}".to_owned(),
            _ => text.text,
        };
        Self {
            name: text.name,
            class: text.class,
            family: if own { String::new() } else { name.trim_end_matches(".toml").to_owned() },
            machine: text.machine.unwrap_or(file.machine),
            priority: text.priority.unwrap_or(file.priority),
            own,
            methods: text.methods,
            paths: text.paths.iter().map(|path| Pattern::new(path)).collect(),
            parameters: pairs(text.parameters),
            headers: pairs(text.headers),
            body: within(&text.body),
            anywhere: within(&text.anywhere),
            answer: text.answer,
            face: text.face,
            status,
            kind: text.kind.unwrap_or_else(|| "text/html".to_owned()),
            fields: text.fields,
            text: body,
            script: text.script,
            keep: text.keep,
            take: text.take,
            login: text.login,
            examples: text.examples,
        }
    }

    /// On what kind of machine the product runs.
    pub(super) const fn runs_on(&self) -> MachineKind {
        self.machine
    }

    /// A path of its own that crawlers may be led to: where a page of a product stands that people and search engines look for.
    pub(super) fn signpost(&self) -> Option<String> {
        let shows = self.answer == Answerer::Text
            && self.status == 200
            && matches!(self.machine, MachineKind::Server | MachineKind::Any)
            && matches!(self.class.as_str(), "recon" | "credential-form");
        let path = self.paths.iter().find_map(Pattern::as_path)?;
        shows.then_some(path)
    }

    /// Whether it is one of the owner's.
    pub(super) const fn is_own(&self) -> bool {
        self.own
    }

    /// Whether its answer is worked out from the request: an exploit that comes to something, not a page.
    pub(super) const fn computes(&self) -> bool {
        !matches!(self.answer, Answerer::Text | Answerer::Face)
    }

    /// Whether it names a kind of attack and no product.
    pub(crate) const fn is_general(&self) -> bool {
        self.priority < 0 && !self.own
    }

    fn weight(&self) -> usize {
        let pairs =
            self.parameters.iter().chain(&self.headers).map(|(a, b)| a.weight() + b.weight());
        let least = |patterns: &[Pattern]| patterns.iter().map(Pattern::weight).min().unwrap_or(0);
        let body: usize = self.body.iter().map(Pattern::weight).sum();
        let methods = self.methods.iter().map(String::len).min().unwrap_or(0);
        pairs.sum::<usize>() + least(&self.paths) + least(&self.anywhere) + body + methods
    }

    fn fits(&self, subject: &Subject<'_>) -> bool {
        let any = |patterns: &[Pattern], text: &[u8]| patterns.iter().any(|p| p.fits(text));
        (self.methods.is_empty() || self.methods.iter().any(|method| method == subject.method))
            && (self.paths.is_empty() || subject.path.any(|path| any(&self.paths, path)))
            && are_among(&self.parameters, &subject.parameter_fields)
            && are_among(&self.headers, &subject.header_fields)
            && self.body.iter().all(|pattern| subject.body.any(|body| pattern.fits(body)))
            && (self.anywhere.is_empty() || self.is_anywhere(subject))
    }

    fn is_anywhere(&self, subject: &Subject<'_>) -> bool {
        let any = |text: &[u8]| self.anywhere.iter().any(|pattern| pattern.fits(text));
        subject.target.any(any)
            || subject.body.any(any)
            || subject.header_fields.iter().any(|field| any(&field.forms[0]))
    }
}

/// Whether each of these pairs of name and value is one of the fields.
fn are_among(pairs: &[(Pattern, Pattern)], fields: &[Field]) -> bool {
    pairs.iter().all(|(name, value)| {
        fields
            .iter()
            .any(|field| name.fits(&field.name) && field.forms.iter().any(|form| value.fits(form)))
    })
}

/// Whether rules and pages may name this class.
pub(super) fn is_class(class: &str) -> bool {
    format::CLASSES.contains(&class) || matches!(class, "ordinary" | "unknown")
}

/// All rules of an installation.
#[derive(Debug, Default)]
pub struct WebRules {
    /// In the order in which they count.
    rules: Vec<Arc<Rule>>,
    index: Index,
}

impl WebRules {
    /// The rules that come with the program.
    #[must_use]
    pub fn builtin() -> Arc<Self> {
        static BUILTIN: OnceLock<Arc<WebRules>> = OnceLock::new();
        // The files are the program's own and a test reads each of them: none fails here, or it is not kept quiet.
        let rules = || {
            Self::with_own(&[]).unwrap_or_else(|problems| {
                tracing::error!(?problems, "the program's own web rules are wrong: none is used");
                Self::default()
            })
        };
        Arc::clone(BUILTIN.get_or_init(|| Arc::new(rules())))
    }

    /// The same and before them an owner's own: files as pairs of name and text.
    ///
    /// # Errors
    /// Everything that is wrong with his files.
    pub fn with_own(own: &[(String, String)]) -> Result<Self, Vec<RuleProblem>> {
        let (mut rules, mut problems) = (Vec::new(), Vec::new());
        if own.len() > FILES {
            let reason = format!("a folder of rules holds at most {FILES} files");
            return Err(vec![RuleProblem { file: own[FILES].0.clone(), line: 1, reason }]);
        }
        let own = own.iter().map(|(name, text)| (name.as_str(), text.as_str(), true));
        let builtin = builtin::FILES.iter().map(|(name, text)| (*name, *text, false));
        for (name, text, own) in own.chain(builtin) {
            match format::read(name, text) {
                Ok(mut file) => {
                    let texts = std::mem::take(&mut file.rule);
                    let texts = texts.into_iter().map(toml::Spanned::into_inner);
                    rules.extend(texts.map(|text| Arc::new(Rule::new(name, &file, text, own))));
                }
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() { Ok(Self::of(rules)) } else { Err(problems) }
    }

    fn of(mut rules: Vec<Arc<Rule>>) -> Self {
        rules.sort_by_key(|rule| std::cmp::Reverse((rule.own, rule.priority, rule.weight())));
        Self { index: Index::of(&rules), rules }
    }

    #[cfg(test)]
    pub(super) fn all(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().map(|rule| &**rule)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rule for a request.
    pub(crate) fn find(&self, subject: &Subject<'_>) -> Option<&Arc<Rule>> {
        let places = self.index.candidates(subject);
        places.into_iter().filter_map(|place| self.rules.get(place)).find(|rule| rule.fits(subject))
    }
}

/// See [`crate::fuzz::web_rules`].
pub(crate) fn fuzz(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = WebRules::with_own(&[("own.toml".to_owned(), text.to_owned())]);
    }
    let parts: Vec<&[u8]> = bytes.splitn(3, |byte| *byte == b'\n').collect();
    let (target, header, body) = (
        parts.first().copied().unwrap_or_default(),
        parts.get(1).copied().unwrap_or_default(),
        parts.get(2).copied().unwrap_or_default(),
    );
    let request = kizashi_event::Request {
        headers: vec![("X".into(), kizashi_event::HostileText::from_bytes(header))],
        ..Default::default()
    };
    let subject = Subject::new(&request, target, body);
    let _ = WebRules::builtin().find(&subject);
    let _ = (evaluate::php(body), evaluate::calculate(body), evaluate::sql_error(target, "MySQL"));
    let (path, _) = evaluate::included(target);
    assert!(path.starts_with(b"/"));
}
