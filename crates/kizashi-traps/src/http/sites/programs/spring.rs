//! A Spring Boot application whose actuator takes what it is sent, as scanners look for it: a property by POST to `/actuator/env`, which
//! `/actuator/refresh` makes good, and routes of Spring Cloud Gateway, in whose filters expressions are evaluated (CVE-2022-22947). The
//! command of an expression runs on the machine behind the logins when the route is shown. What a visitor set is there for him alone.
//! Requests and words: docs.spring.io, Spring Cloud Commons and Spring Cloud Gateway, "Actuator API".

use kizashi_event::{Detail, HostileText};
use serde_json::Value;

use super::super::answer::Says;
use super::containers::Own;
use super::say::{answer, cut, harmless, machine, runs, says};
use super::{SiteAnswer, SiteRequest};
use crate::elasticsearch::script;
use crate::http::rules::{Reaction, calculate};
use crate::http::run::Run;

const JSON: &str = "application/vnd.spring-boot.actuator.v3+json";
/// What a visitor set, and the routes that he made.
const PROPERTY: &str = "spring property";
const ROUTE: &str = "spring route";

pub(super) fn respond(request: &SiteRequest<'_>) -> Option<SiteAnswer> {
    let path = request.target.split(|byte| *byte == b'?').next()?;
    let path = std::str::from_utf8(path).ok()?.trim_end_matches('/');
    let path = path.strip_prefix("/actuator").unwrap_or(path);
    match (request.method, path) {
        ("GET", "/env") => environment(request),
        ("GET", path) if path.starts_with("/env/") => one_property(request, &path[5..]),
        ("POST", "/env") => Some(set(request)),
        ("DELETE", "/env") => {
            own(request, |own| own.unmake_all(PROPERTY));
            Some(json(200, "{}"))
        }
        ("POST", "/refresh") => Some(refresh(request)),
        ("POST", "/restart") => Some(json(200, "{\"message\":\"Restarting\"}")),
        ("POST", "/gateway/refresh") => Some(says(answer(200, "", Vec::new()))),
        ("GET", "/gateway/routes") => routes(request),
        (method, path) => route(request, method, path.strip_prefix("/gateway/routes/")?),
    }
}

fn own<T>(request: &SiteRequest<'_>, act: impl FnOnce(&mut Own) -> T) -> T {
    let scene = request.scene;
    scene.identity.containers().with(scene.visit.source, scene.now, act)
}

fn json(status: u16, text: &str) -> SiteAnswer {
    says(answer(status, JSON, text.as_bytes().to_vec()))
}

fn quoted(text: &str) -> String {
    harmless(&serde_json::to_string(text).unwrap_or_default())
}

fn note(name: &str, text: &str) -> Vec<Detail> {
    let value = HostileText::from_bytes(cut(text, 2_000).as_bytes());
    vec![Detail::Note { name: name.into(), value }]
}

/// The page of the site for this request, as text.
fn page(request: &SiteRequest<'_>) -> Option<(crate::http::rules::RuleAnswer, String)> {
    let page = request.scene.persona.site?.page(request)?;
    let Says::Reacts(Reaction::Answer(said)) = page.says else { return None };
    let text = String::from_utf8_lossy(&said.body).into_owned();
    Some((said, text))
}

/// The environment, with what was set before all else, as the source `manager`.
fn environment(request: &SiteRequest<'_>) -> Option<SiteAnswer> {
    let set: Vec<String> = own(request, |own| {
        let one =
            |name: &str, value: &str| format!("{}:{{\"value\":{}}}", quoted(name), quoted(value));
        own.made(PROPERTY).map(|made| one(&made.name, &made.text)).collect()
    });
    if set.is_empty() {
        return None;
    }
    let (mut said, text) = page(request)?;
    let source = format!(
        "\"propertySources\":[{{\"name\":\"manager\",\"properties\":{{{}}}}},",
        set.join(",")
    );
    said.body = text.replacen("\"propertySources\":[", &source, 1).into_bytes();
    Some(SiteAnswer { class: "file-disclosure", ..says(said) })
}

fn one_property(request: &SiteRequest<'_>, name: &str) -> Option<SiteAnswer> {
    let value = own(request, |own| {
        own.made(PROPERTY).find(|one| one.name == name).map(|one| one.text.clone())
    })?;
    Some(json(
        200,
        &format!(
            "{{\"property\":{{\"source\":\"manager\",\"value\":{}}},\"activeProfiles\":[\"prod\"]}}",
            quoted(&value)
        ),
    ))
}

fn set(request: &SiteRequest<'_>) -> SiteAnswer {
    let sent: Value = serde_json::from_slice(request.subject.sent()).unwrap_or_default();
    // Spring Boot 1 took a form, and scanners send that too.
    let read = |name: &str| match &sent {
        Value::Null => {
            request.subject.parameter(name).map(|text| String::from_utf8_lossy(&text).into_owned())
        }
        sent => sent[name].as_str().map(str::to_owned),
    };
    let pair = match (read("name"), read("value"), request.subject.first_parameter()) {
        (Some(name), value, _) => Some((name, value.unwrap_or_default())),
        (None, _, Some(pair)) if sent.is_null() => Some(pair),
        _ => None,
    };
    let Some((name, value)) = pair else {
        return json(
            400,
            &format!(
                "{{\"timestamp\":\"{}\",\"status\":400,\"error\":\"Bad Request\",\"path\":\"/actuator/env\"}}",
                request.scene.now.rfc3339()
            ),
        );
    };
    let at = request.scene.now.seconds();
    own(request, |own| own.make(PROPERTY, &name, &value, at));
    let details = note("spring property", &format!("{name} = {value}"));
    let said =
        json(200, &format!("{{{}:{}}}", quoted(cut(&name, 128)), quoted(cut(&value, 2_048))));
    SiteAnswer { class: "expression-injection", details, ..said }
}

/// The names of what was set since.
fn refresh(request: &SiteRequest<'_>) -> SiteAnswer {
    let names: Vec<String> =
        own(request, |own| own.made(PROPERTY).map(|one| quoted(&one.name)).collect());
    SiteAnswer { class: "expression-injection", ..json(200, &format!("[{}]", names.join(","))) }
}

/// A route as it is shown, with what its filters came to.
fn shown(name: &str, sent: &Value, filters: &[String]) -> String {
    let uri = sent["uri"].as_str().unwrap_or("http://127.0.0.1:8090");
    let filters: Vec<String> = filters.iter().map(|filter| quoted(filter)).collect();
    format!(
        "{{\"predicate\":\"Paths: [/{0}], match trailing slash: true\",\"route_id\":{1},\"filters\":[{2}],\"uri\":{3},\"order\":0}}",
        cut(name, 64).replace(['"', '\\', '<', '>'], ""),
        quoted(name),
        filters.join(","),
        quoted(uri)
    )
}

/// The value of a filter, and what stands before and after it where the filter is shown.
fn filter(sent: &Value) -> (String, String, String) {
    let first = &sent["filters"][0];
    let name = first["name"].as_str().unwrap_or("AddResponseHeader");
    let arguments = first["args"].as_object();
    let value = arguments.into_iter().flatten().filter_map(|(_, value)| value.as_str());
    let value = value.max_by_key(|value| value.contains("#{")).unwrap_or_default().to_owned();
    let of_name = first["args"]["name"].as_str().unwrap_or("Result");
    (format!("[[{name} {of_name} = '"), value, "'], order = 1]".to_owned())
}

fn routes(request: &SiteRequest<'_>) -> Option<SiteAnswer> {
    let made: Vec<String> = own(request, |own| {
        let one = |made: &super::containers::Made| {
            let sent: Value = serde_json::from_str(&made.text).unwrap_or_default();
            shown(&made.name, &sent, &[])
        };
        own.made(ROUTE).map(one).collect()
    });
    if made.is_empty() {
        return None;
    }
    let (mut said, text) = page(request)?;
    said.body = text.replacen('[', &format!("[{},", made.join(",")), 1).into_bytes();
    Some(SiteAnswer { class: "expression-injection", ..says(said) })
}

fn route(request: &SiteRequest<'_>, method: &str, name: &str) -> Option<SiteAnswer> {
    let class = "expression-injection";
    match method {
        "POST" => {
            let sent: Value = serde_json::from_slice(request.subject.sent()).ok()?;
            let (at, text) = (request.scene.now.seconds(), sent.to_string());
            own(request, |own| own.make(ROUTE, name, &text, at));
            let details = note("spring route", &format!("{name}: {}", filter(&sent).1));
            let mut said = answer(201, "", Vec::new());
            said.fields.push(("Location".to_owned(), format!("/routes/{}", cut(name, 64))));
            Some(SiteAnswer { class, details, ..says(said) })
        }
        "DELETE" => {
            let gone = own(request, |own| own.unmake(ROUTE, name));
            Some(says(answer(if gone { 200 } else { 404 }, "", Vec::new())))
        }
        "GET" => {
            let text = own(request, |own| {
                own.made(ROUTE).find(|one| one.name == name).map(|one| one.text.clone())
            })?;
            let sent: Value = serde_json::from_str(&text).unwrap_or_default();
            let (before, value, after) = filter(&sent);
            let expression = value.contains("#{");
            let Some(command) = script::command_of(&value).filter(|_| expression) else {
                let value = match calculate(value.as_bytes()).filter(|_| expression) {
                    Some(result) => String::from_utf8_lossy(&result).into_owned(),
                    None => value,
                };
                let text = shown(name, &sent, &[format!("{before}{value}{after}")]);
                return Some(SiteAnswer {
                    class,
                    ..says(answer(200, "application/json", text.into_bytes()))
                });
            };
            let machine = machine(request.scene, "www-data", "java");
            machine.0.begin_in(b"/");
            let name = name.to_owned();
            let run =
                Run::command(machine, command.as_bytes(), request.scene.now, 200, move |printed| {
                    let output = String::from_utf8_lossy(&printed.output).into_owned();
                    let text = shown(&name, &sent, &[format!("{before}{output}{after}")]);
                    answer(200, "application/json", text.into_bytes())
                });
            Some(SiteAnswer { class, ..runs(run) })
        }
        _ => None,
    }
}
