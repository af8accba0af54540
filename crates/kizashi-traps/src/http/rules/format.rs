//! What a file of rules may say, and whether it says it right. A file may be an owner's own, so it is bounded, and each problem is
//! told with file, line and one sentence. The format is described in `docs/web-rules.md`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::pattern::LONGEST;
use super::reply;

/// Bytes of one file.
pub(super) const FILE: usize = 256 * 1024;
/// Rules of one file.
const RULES: usize = 500;
/// Bytes of a body.
const TEXT: usize = 16 * 1024;

/// What kinds of attack rules tell apart.
pub(super) const CLASSES: [&str; 23] = [
    "recon",
    "file-disclosure",
    "file-inclusion",
    "remote-file-inclusion",
    "traversal",
    "sql-injection",
    "command-injection",
    "code-injection",
    "template-injection",
    "expression-injection",
    "jndi-injection",
    "xxe",
    "xss",
    "ssrf",
    "cloud-metadata",
    "deserialisation",
    "upload",
    "webshell",
    "credential-form",
    "authentication-bypass",
    "api-abuse",
    "proxy-abuse",
    "spam",
];

/// What a file holds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// The product or family that the file is about.
    pub(super) product: String,
    /// What the rules of this file say where they do not say it themselves.
    #[serde(default)]
    pub(super) machine: MachineKind,
    #[serde(default)]
    pub(super) priority: i32,
    #[serde(default)]
    pub(super) rule: Vec<toml::Spanned<RuleText>>,
}

/// On what kind of machine the product runs: one visitor is shown one kind alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MachineKind {
    /// On any.
    #[default]
    Any,
    /// A server with Linux.
    Server,
    /// A router, camera or recorder.
    Device,
    /// Windows, or an appliance that is no Linux server to its visitors.
    Appliance,
}

/// One rule as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleText {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) class: String,
    pub(super) machine: Option<MachineKind>,
    pub(super) priority: Option<i32>,
    #[serde(default)]
    pub(super) references: Vec<String>,
    /// What the attacker sends next when he believes the answer.
    pub(super) next: String,

    #[serde(default)]
    pub(super) methods: Vec<String>,
    #[serde(default)]
    pub(super) paths: Vec<String>,
    #[serde(default)]
    pub(super) parameters: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) body: Vec<String>,
    #[serde(default)]
    pub(super) anywhere: Vec<String>,

    #[serde(default)]
    pub(super) answer: Answerer,
    pub(super) face: Option<Face>,
    pub(super) status: Option<u16>,
    pub(super) kind: Option<String>,
    #[serde(default)]
    pub(super) fields: Vec<(String, String)>,
    #[serde(default)]
    pub(super) text: String,
    /// PHP that answers, for `php`, in place of PHP out of the request.
    #[serde(default)]
    pub(super) script: String,
    /// Below the pages' root: where files that the request brings are kept for whoever brought them.
    #[serde(default)]
    pub(super) keep: String,
    #[serde(default)]
    pub(super) take: Vec<Take>,
    /// Names of the parameters that hold user and password.
    pub(super) login: Option<(String, String)>,
    pub(super) examples: Vec<Example>,
}

/// Who writes the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Answerer {
    /// The rule's own text.
    #[default]
    Text,
    /// The web server itself: the request is named, and answered as if there were no rule.
    Face,
    /// The content of the file that the request asks for, on the machine behind the login.
    File,
    /// The output of the command that the request carries, on that machine.
    Command,
    /// What a piece of PHP would print, as far as it is one of those that are sent to find out.
    Php,
    /// The result of a product or sum that the request carries.
    Calculate,
    /// The database's complaint about the value.
    SqlError,
    /// A WebSocket is opened; every message is kept, and answered with the rule's text where it has one.
    Websocket,
}

/// Which web server a rule's answer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Face {
    Nginx,
    Apache,
}

/// Where in a request the path, command, code or value stands.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Take {
    pub(super) from: String,
    /// What stands before it; its beginning where left out.
    #[serde(default)]
    pub(super) after: String,
    /// What stands after it; its end where left out.
    #[serde(default)]
    pub(super) until: String,
}

/// A request that the rule is for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(not(test), expect(dead_code, reason = "only tests send the examples"))]
pub(in crate::http) struct Example {
    /// Method and target.
    pub(in crate::http) request: String,
    #[serde(default)]
    pub(in crate::http) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(in crate::http) body: String,
    /// Something that the answer holds.
    #[serde(default)]
    pub(in crate::http) says: String,
}

/// What is wrong with a file of rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}: {reason}")]
pub struct RuleProblem {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, in one sentence.
    pub reason: String,
}

/// Reads one file.
pub(super) fn read(name: &str, text: &str) -> Result<File, Vec<RuleProblem>> {
    let problem = |at: usize, reason: String| {
        let line = 1 + text.get(..at).unwrap_or("").matches('\n').count();
        RuleProblem { file: name.to_owned(), line, reason }
    };
    if text.len() > FILE {
        return Err(vec![problem(0, format!("the file is larger than {} KiB", FILE / 1024))]);
    }
    let file: File = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        vec![problem(at, error.message().replace('\n', " "))]
    })?;
    let mut problems = Vec::new();
    if file.product.is_empty() {
        problems.push(problem(0, "product must not be empty".to_owned()));
    }
    if file.rule.len() > RULES {
        problems.push(problem(0, format!("a file holds at most {RULES} rules")));
    }
    for rule in &file.rule {
        if let Err(reason) = check(rule.get_ref()) {
            problems.push(problem(rule.span().start, format!("{}: {reason}", rule.get_ref().name)));
        }
    }
    if problems.is_empty() { Ok(file) } else { Err(problems) }
}

fn check(rule: &RuleText) -> Result<(), String> {
    let patterns = || {
        let named = rule.parameters.iter().chain(&rule.headers).flat_map(|(name, p)| [name, p]);
        rule.paths.iter().chain(&rule.body).chain(&rule.anywhere).chain(named)
    };
    if rule.name.is_empty() || rule.name.len() > 80 {
        return Err("a name has 1 to 80 characters".to_owned());
    }
    if !CLASSES.contains(&rule.class.as_str()) {
        return Err(format!(
            "{:?} is no class; the classes are {}",
            rule.class,
            CLASSES.join(", ")
        ));
    }
    if rule.title.is_empty() || rule.next.is_empty() || rule.examples.is_empty() {
        return Err("title, next and examples must not be empty".to_owned());
    }
    let common = |method: &String| matches!(method.as_str(), "GET" | "HEAD" | "POST");
    let by_method = !rule.methods.is_empty() && !rule.methods.iter().any(common);
    let says_nothing = |pattern: &String| pattern.chars().all(|c| matches!(c, '*' | '/'));
    if !by_method && patterns().all(says_nothing) {
        return Err(
            "it would match every request: name a path, parameter, header or body".to_owned()
        );
    }
    if rule.references.iter().any(|reference| !reference.starts_with("http")) {
        return Err("references are addresses that begin with http".to_owned());
    }
    if let Some(pattern) = patterns().find(|pattern| pattern.len() > LONGEST) {
        return Err(format!("the pattern {pattern:.40}… is longer than {LONGEST} characters"));
    }
    if patterns().count() > 64 {
        return Err("a rule has at most 64 patterns".to_owned());
    }
    if let Some(path) = rule.paths.iter().find(|path| !path.starts_with(['/', '*'])) {
        return Err(format!("the path {path:?} must begin with / or *"));
    }
    check_answer(rule)
}

fn check_answer(rule: &RuleText) -> Result<(), String> {
    let status = rule.status.unwrap_or(200);
    if !(200..=599).contains(&status) || matches!(status, 204..=206 | 304) {
        return Err(format!("a rule cannot answer with status {status}"));
    }
    if rule.text.len() > TEXT {
        return Err(format!("text is longer than {} KiB", TEXT / 1024));
    }
    let kind = rule.kind.iter();
    let fields = rule.fields.iter().flat_map(|(name, value)| [name, value]).chain(kind);
    for field in fields {
        if field.chars().any(char::is_control) || field.len() > 1_000 {
            return Err("a field of the answer is one line of at most 1,000 characters".to_owned());
        }
    }
    const OWN: [&str; 7] = [
        "server",
        "date",
        "content-length",
        "content-type",
        "connection",
        "transfer-encoding",
        "keep-alive",
    ];
    for (name, value) in &rule.fields {
        if OWN.contains(&name.to_ascii_lowercase().as_str()) {
            return Err(format!("{name} is the web server's own to say; leave it out of fields"));
        }
        if name.is_empty() || !name.bytes().all(super::super::grammar::is_token) {
            return Err(format!("{name:?} is no name of a header field"));
        }
        reply::check(value, &BTreeSet::new())?;
    }
    reply::check(&rule.text, &BTreeSet::new())?;
    check_source(rule)?;
    for take in &rule.take {
        let first = take.from.split(' ').next().unwrap_or_default();
        if !["path", "query", "body", "parameter", "header"].contains(&first) {
            return Err(format!(
                "from is path, query, body, parameter NAME or header NAME, and {:?} is none",
                take.from
            ));
        }
    }
    Ok(())
}

/// What an answer is made of: something taken, a script, files that are kept.
fn check_source(rule: &RuleText) -> Result<(), String> {
    let takes = !matches!(rule.answer, Answerer::Text | Answerer::Face | Answerer::Websocket)
        && rule.script.is_empty();
    if !rule.script.is_empty()
        && (rule.answer != Answerer::Php
            || !crate::php::is_readable(
                rule.script.as_bytes(),
                !crate::php::is_script(rule.script.as_bytes()),
            ))
    {
        return Err("script belongs to the answer php and is PHP that can be read".to_owned());
    }
    if rule.script.len() > TEXT
        || rule.keep.len() > 200
        || !(rule.keep.is_empty() || rule.keep.starts_with('/'))
    {
        return Err(
            "keep is a folder below the pages' root and begins with /; script is 16 KiB at most"
                .to_owned(),
        );
    }
    if takes == rule.take.is_empty() {
        return Err("take belongs to the answers file, command, php, calculate and sql-error, which need it (php may have a script instead)".to_owned());
    }
    Ok(())
}
