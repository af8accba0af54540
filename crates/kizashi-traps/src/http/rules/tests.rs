use std::collections::BTreeSet;
use std::net::IpAddr;

use kizashi_event::{Detail, Port, Timestamp};

use super::*;
use crate::{Identity, Output, Session as _, Visit, WebServer};

/// What a fresh installation answers to one request, and tells of it.
fn ask(server: WebServer, rules: &Arc<WebRules>, request: &[u8]) -> (Vec<u8>, Vec<Detail>) {
    let identity = Identity::draw([7; 32]).with_default_page().with_web_server(server);
    converse(&Arc::new(identity.with_web_rules(Arc::clone(rules))), request)
}

pub(in crate::http) fn converse(
    identity: &Arc<Identity>,
    request: &[u8],
) -> (Vec<u8>, Vec<Detail>) {
    let (reply, seen, _) = converse_from(identity, "192.0.2.7", request);
    (reply, seen)
}

/// The same from this address, and how many seconds passed until the answer was whole.
pub(in crate::http) fn converse_from(
    identity: &Arc<Identity>,
    source: &str,
    request: &[u8],
) -> (Vec<u8>, Vec<Detail>, i64) {
    let source: IpAddr = source.parse().unwrap();
    let visit = Visit {
        source,
        destination: "192.0.2.1".parse().ok(),
        port: Port::tcp(80),
        encrypted: false,
    };
    let begun = Timestamp::from_seconds(1_795_582_440);
    let mut now = begun;
    let mut session = crate::http::HttpSession::new(identity, visit);
    let mut out = Output::new(crate::http::SERVICE);
    session.open(now, &mut out);
    session.receive(request, now, &mut out);
    let (mut reply, mut seen) = (Vec::new(), Vec::new());
    for _ in 0..10_000 {
        reply.extend(out.take_reply());
        seen.extend(out.take_seen().into_iter().map(|seen| seen.detail));
        let Some(turn) = out.turn() else { break };
        now = now.plus(i64::try_from(turn.pause.as_micros()).unwrap());
        session.receive(&[], now, &mut out);
    }
    session.end(now, &mut out);
    seen.extend(out.take_seen().into_iter().map(|seen| seen.detail));
    (reply, seen, now.since(begun) / Timestamp::SECOND)
}

pub(in crate::http) fn bytes_of(example: &Example) -> Vec<u8> {
    let (method, target) = example.request.split_once(' ').expect("method and target");
    let mut text = format!("{method} {target} HTTP/1.1\r\nHost: 192.0.2.1\r\n");
    for (name, value) in &example.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !example.body.is_empty() {
        text.push_str(&format!("Content-Length: {}\r\n", example.body.len()));
    }
    text.push_str("\r\n");
    text.push_str(&example.body);
    text.into_bytes()
}

#[test]
fn every_file_of_rules_is_right_and_is_in_the_list() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/web-rules");
    let listed: BTreeSet<&str> = builtin::FILES.iter().map(|(name, _)| *name).collect();
    for (name, text) in builtin::FILES {
        if let Err(problems) = format::read(name, text) {
            panic!("{problems:#?}");
        }
    }
    let found = folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name());
    let found: Vec<String> = found.map(|name| name.into_string().unwrap()).collect();
    assert_eq!(found.iter().map(String::as_str).collect::<BTreeSet<_>>(), listed);
    let rules = WebRules::builtin();
    let names: BTreeSet<&str> = rules.rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names.len(), rules.len(), "two rules have one name");
    assert!(rules.len() >= 150, "{} rules", rules.len());
}

#[test]
fn every_example_is_matched_answered_as_told_and_named_in_its_event() {
    let rules = WebRules::builtin();
    let mut faults = Vec::new();
    for rule in &rules.rules {
        let server = match rule.face {
            Some(Face::Nginx) => WebServer::NginxDebian12,
            _ => WebServer::ApacheDebian12,
        };
        for example in &rule.examples {
            let (reply, seen) = ask(server, &rules, &bytes_of(example));
            let text = String::from_utf8_lossy(&reply).into_owned();
            let mut fault = |what: String| {
                let answer: String = text.chars().take(600).collect();
                faults.push(format!("{} {}: {what}\n{answer}", rule.name, example.request));
            };
            let Some(Detail::Request { request, .. }) = seen.first() else {
                fault(format!("no request was told: {seen:?}"));
                continue;
            };
            let (class, name) = (request.class.clone(), request.rule.clone());
            if class.as_ref().is_none_or(|class| class.raw() != rule.class)
                || name.as_ref().is_none_or(|name| name.raw() != rule.name)
            {
                fault(format!("the event says {class:?} {name:?}"));
            }
            let line = format!("HTTP/1.1 {} ", rule.status);
            if rule.answer != Answerer::Face
                && (!text.starts_with(&line) || request.status != Some(rule.status))
            {
                fault(format!("status {:?}", request.status));
            }
            if !text.contains(&example.says) {
                fault(format!("it does not say {:?}", example.says));
            }
            let login = seen.iter().any(|detail| matches!(detail, Detail::Login { .. }));
            let asks_login = rule.login.as_ref().is_some_and(|(user, _)| {
                let sent = format!("{}&{}", example.request, example.body);
                sent.contains(&format!("{user}=")) || sent.contains(&format!("\"{user}\""))
            });
            if asks_login != login && !example.headers.contains_key("Authorization") {
                fault(format!("login told: {login}"));
            }
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n\n"));
}

/// The rule that a request gets when each is tried in turn.
fn tried_one_by_one<'a>(rules: &'a WebRules, subject: &Subject<'_>) -> Option<&'a Arc<Rule>> {
    rules.rules.iter().find(|rule| rule.fits(subject))
}

proptest::proptest! {
    /// Requests put together from pieces of the examples: one's target, another's header and body, escaped once or not, one byte changed.
    #[test]
    fn one_pass_finds_the_rule_that_trying_each_would(
        parts in proptest::array::uniform3(proptest::prelude::any::<proptest::sample::Index>()),
        (escapes, letters) in proptest::prelude::any::<(u8, bool)>(),
        (at, byte) in proptest::prelude::any::<(proptest::sample::Index, u8)>(),
    ) {
        let rules = WebRules::builtin();
        let examples: Vec<&Example> = rules.rules.iter().flat_map(|rule| &rule.examples).collect();
        let [target, header, body] = parts.map(|part| examples[part.index(examples.len())]);
        let (method, target) = target.request.split_once(' ').unwrap();
        let mut target = target.as_bytes().to_vec();
        for _ in 0..escapes % 3 {
            let escape = |byte: &u8| match byte {
                b'/' | b'?' | b'=' | b'&' | b'a'..=b'z' => vec![*byte],
                other => format!("%{other:02x}").into_bytes(),
            };
            target = target.iter().flat_map(escape).collect();
        }
        if letters {
            target.make_ascii_uppercase();
        }
        let mut body = body.body.as_bytes().to_vec();
        let changed = if body.is_empty() { &mut target } else { &mut body };
        let at = at.index(changed.len());
        changed[at] = byte;
        let headers = header.headers.iter().map(|(n, v)| (n.as_str().into(), v.as_str().into()));
        let request = kizashi_event::Request {
            method: method.into(),
            headers: headers.collect(),
            ..Default::default()
        };
        let subject = Subject::new(&request, &target, &body);
        let name = |rule: Option<&Arc<Rule>>| rule.map(|rule| rule.name.clone());
        proptest::prop_assert_eq!(
            name(rules.find(&subject)),
            name(tried_one_by_one(&rules, &subject))
        );
    }
}

#[test]
fn what_everybody_asks_for_is_known_to_no_rule() {
    let rules = WebRules::builtin();
    let browser = "Accept: text/html,*/*;q=0.8\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate\r\nCookie: session=0123456789abcdef\r\n";
    for (target, class) in [
        ("/", "ordinary"),
        ("/index.html", "ordinary"),
        ("/robots.txt", "ordinary"),
        ("/favicon.ico", "ordinary"),
        ("/about/team?page=2&sort=name", "unknown"),
        ("/search?q=select+a+colour+from+the+list", "unknown"),
        ("/static/app.js", "unknown"),
        ("/images/logo.png?v=3", "unknown"),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: example.org\r\n{browser}\r\n");
        for server in WebServer::ALL {
            let (_, seen) = ask(server, &rules, request.as_bytes());
            let Some(Detail::Request { request, .. }) = seen.first() else { panic!("{seen:?}") };
            assert_eq!(request.rule, None, "{target}");
            assert_eq!(request.class.as_ref().unwrap().raw(), class, "{target}");
        }
    }
}

const OWN: &str = r#"
product = "Ours"
[[rule]]
name = "our-panel"
title = "A panel of ours"
class = "credential-form"
paths = ["/panel"]
text = "<form>@{host} @{hex 8}</form>"
next = "A login."
examples = [{ request = "GET /panel" }]
"#;

fn own(text: &str) -> Result<WebRules, Vec<RuleProblem>> {
    WebRules::with_own(&[("own.toml".to_owned(), text.to_owned())])
}

#[test]
fn an_owners_rule_goes_before_those_that_come_with_the_program() {
    let text = OWN.replace("/panel\"]", "/.env\"]");
    let (reply, seen) = ask(
        WebServer::NginxDebian12,
        &Arc::new(own(&text).unwrap()),
        b"GET /.env HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    assert!(String::from_utf8_lossy(&reply).contains("<form>a "));
    let Some(Detail::Request { request, .. }) = seen.first() else { panic!("{seen:?}") };
    assert_eq!(request.rule.as_ref().unwrap().raw(), "our-panel");
}

#[test]
fn what_is_wrong_with_an_owners_rule_is_told_with_its_line() {
    for (from, to, line, word) in [
        ("credential-form", "fishing", 3, "no class"),
        ("@{hex 8}", "@{hax 8}", 3, "no value"),
        ("paths = [\"/panel\"]", "paths = [\"/*\"]", 3, "every request"),
        ("paths", "pathes", 7, "unknown field"),
        ("text = ", "status = 99\ntext = ", 3, "status"),
        ("text = ", "fields = [[\"Server\", \"x\"]]\ntext = ", 3, "own to say"),
        ("text = ", "answer = \"file\"\ntext = ", 3, "take"),
    ] {
        let problems = own(&OWN.replace(from, to)).expect_err(to);
        assert_eq!((problems.len(), problems[0].line), (1, line), "{problems:?}");
        assert!(problems[0].to_string().contains(word), "{problems:?}");
    }
}

#[test]
fn one_visitor_is_shown_one_kind_of_machine() {
    let rules = own(&format!(
        "{}{}",
        OWN.replace("product", "machine = \"server\"\nproduct"),
        "[[rule]]\nname = \"box\"\ntitle = \"t\"\nclass = \"recon\"\nmachine = \"device\"\npaths = [\"/box\"]\ntext = \"a box\"\nnext = \"n\"\nexamples = [{ request = \"GET /box\" }]\n"
    ));
    let identity =
        Identity::draw([7; 32]).with_default_page().with_web_rules(Arc::new(rules.unwrap()));
    let identity = Arc::new(identity);
    let get = |path: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        String::from_utf8(converse(&identity, request.as_bytes()).0).unwrap()
    };
    assert!(get("/panel").starts_with("HTTP/1.1 200 "));
    assert!(get("/box").starts_with("HTTP/1.1 404 "), "a server is no box");
    assert!(get("/panel").starts_with("HTTP/1.1 200 "));
}

/// The examples of `docs/web-rules.md` are files that can be copied as they stand.
#[test]
fn the_rules_of_the_documentation_are_right_and_answer_their_examples() {
    let page = include_str!("../../../../../docs/web-rules.md");
    let blocks = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let files: Vec<&str> = blocks.filter(|block| block.contains("[[rule]]")).collect();
    assert!(files.len() >= 2, "{files:?}");
    for text in files {
        let rules = Arc::new(own(text).unwrap_or_else(|problems| panic!("{problems:?}\n{text}")));
        for rule in rules.rules.iter().filter(|rule| rule.own) {
            for example in &rule.examples {
                let (reply, _) = ask(WebServer::NginxDebian12, &rules, &bytes_of(example));
                let reply = String::from_utf8_lossy(&reply).into_owned();
                assert!(reply.contains(&example.says), "{}: {reply}", rule.name);
            }
        }
    }
}
