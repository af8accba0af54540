//! YARN's ResourceManager as the worms of port 8088 use it: a new application is asked for, then submitted with a command for its container
//! (`am-container-spec.commands.command`), which runs on the machine behind the logins as the user that Hadoop's archive is started by. Each
//! new application has the next number, as the real one counts, and is listed afterwards to who submitted it. Requests and words: ResourceManagerRest of hadoop.apache.org.

use kizashi_event::{Detail, HostileText};
use serde_json::Value;

use super::say::{answer, cut, harmless, machine, runs, says};
use super::{SiteAnswer, SiteRequest};
use crate::http::rules::between;
use crate::http::run::Run;

const JSON: &str = "application/json;charset=utf-8";
/// The longest command.
const COMMAND: usize = 4 * 1024;
/// Numbers that were given out before anybody came.
const BEFORE: usize = 6;
/// Seconds after which an application runs, and after which it has failed: a command is no application master.
const RUNS: i64 = 2;
const FAILS: i64 = 45;
/// A visitor's own: what was submitted, and numbers that were only asked for.
const SUBMITTED: &str = "yarn application";
const ASKED: &str = "yarn number";

pub(super) fn respond(request: &SiteRequest<'_>) -> Option<SiteAnswer> {
    let path = request.target.split(|byte| *byte == b'?').next()?;
    let path = path.strip_suffix(b"/").unwrap_or(path);
    match (request.method, path) {
        ("POST", b"/ws/v1/cluster/apps") => Some(submit(request)),
        ("POST", b"/ws/v1/cluster/apps/new-application") => Some(number(request)),
        ("GET", b"/ws/v1/cluster/apps") => list(request),
        ("GET" | "PUT", path) => {
            let id = path.strip_prefix(b"/ws/v1/cluster/apps/")?;
            one(request, std::str::from_utf8(id).ok()?)
        }
        _ => None,
    }
}

fn refused(exception: &str, message: &str) -> SiteAnswer {
    refused_as(400, exception, message)
}

fn refused_as(status: u16, exception: &str, message: &str) -> SiteAnswer {
    let text = format!(
        "{{\"RemoteException\":{{\"exception\":\"{exception}\",\"message\":\"{message}\",\"javaClassName\":\"org.apache.hadoop.yarn.webapp.{exception}\"}}}}"
    );
    says(answer(status, JSON, text.into_bytes()))
}

fn own<T>(request: &SiteRequest<'_>, act: impl FnOnce(&mut super::containers::Own) -> T) -> T {
    let scene = request.scene;
    scene.identity.containers().with(scene.visit.source, scene.now, act)
}

/// The beginning of every identifier: when the server was started.
fn start(request: &SiteRequest<'_>) -> String {
    format!("{}307", request.scene.identity.set_up().seconds())
}

/// The next number.
fn number(request: &SiteRequest<'_>) -> SiteAnswer {
    let (start, at) = (start(request), request.scene.now.seconds());
    let id = own(request, |own| {
        let last =
            own.made(ASKED).filter_map(|one| one.name.rsplit('_').next()?.parse().ok()).max();
        let id = format!("application_{start}_{:04}", last.unwrap_or(BEFORE) + 1);
        own.unmake_all(ASKED);
        own.make(ASKED, &id, "", at);
        id
    });
    let text = format!(
        "{{\"application-id\":\"{id}\",\"maximum-resource-capability\":{{\"memory\":8192,\"vCores\":4}}}}"
    );
    says(answer(200, JSON, text.into_bytes()))
}

/// One application as it is listed.
fn shown(request: &SiteRequest<'_>, one: &super::containers::Made) -> String {
    let age = request.scene.now.seconds().saturating_sub(one.at);
    let (state, last, ended) = match age {
        ..RUNS => ("ACCEPTED", "UNDEFINED", 0),
        RUNS..FAILS => ("RUNNING", "UNDEFINED", 0),
        _ => ("FAILED", "FAILED", (one.at + FAILS) * 1_000),
    };
    let diagnostics = match state {
        "FAILED" => format!(
            "Application {} failed 2 times due to AM Container for appattempt_{}_000002 exited with  exitCode: 0",
            one.name,
            one.name.trim_start_matches("application_")
        ),
        _ => String::new(),
    };
    let name = harmless(&serde_json::to_string(&one.text).unwrap_or_default());
    let host = request.scene.identity.host_name();
    let busy = if state == "RUNNING" { (1_024, 1, 1) } else { (-1, -1, -1) };
    format!(
        "{{\"id\":\"{}\",\"user\":\"dr.who\",\"name\":{name},\"queue\":\"default\",\"state\":\"{state}\",\"finalStatus\":\"{last}\",\"progress\":{},\"trackingUI\":\"UNASSIGNED\",\"diagnostics\":\"{diagnostics}\",\"clusterId\":{},\"applicationType\":\"YARN\",\"applicationTags\":\"\",\"startedTime\":{},\"finishedTime\":{ended},\"elapsedTime\":{},\"amContainerLogs\":\"http://{host}:8042/node/containerlogs/container_{}_01_000001/dr.who\",\"amHostHttpAddress\":\"{host}:8042\",\"allocatedMB\":{},\"allocatedVCores\":{},\"runningContainers\":{}}}",
        one.name,
        if state == "FAILED" { "100.0" } else { "0.0" },
        start(request),
        one.at * 1_000,
        age.min(FAILS) * 1_000,
        one.name.trim_start_matches("application_"),
        busy.0,
        busy.1,
        busy.2
    )
}

/// What this visitor submitted; where that is nothing, the page says so.
fn list(request: &SiteRequest<'_>) -> Option<SiteAnswer> {
    let made: Vec<_> = own(request, |own| own.made(SUBMITTED).rev().cloned().collect());
    if made.is_empty() {
        return None;
    }
    let apps: Vec<String> = made.iter().map(|one| shown(request, one)).collect();
    let text = format!("{{\"apps\":{{\"app\":[{}]}}}}", apps.join(","));
    Some(says(answer(200, JSON, text.into_bytes())))
}

/// One of them, its state, or its end (`PUT …/state` with `KILLED`).
fn one(request: &SiteRequest<'_>, path: &str) -> Option<SiteAnswer> {
    let (id, part) = path.split_once('/').unwrap_or((path, ""));
    if !id.starts_with("application_") {
        return None;
    }
    let Some(one) = own(request, |own| own.made(SUBMITTED).find(|one| one.name == id).cloned())
    else {
        let message =
            format!("app with id: {} not found", cut(&id.replace(['"', '\\', '<', '>'], ""), 64));
        return Some(refused_as(404, "NotFoundException", &message));
    };
    let text = match (request.method, part) {
        ("PUT", "state") => {
            own(request, |own| own.unmake(SUBMITTED, id));
            "{\"state\":\"KILLED\"}".to_owned()
        }
        ("GET", "state") => {
            let state = serde_json::from_str::<Value>(&shown(request, &one)).unwrap_or_default();
            format!("{{\"state\":{}}}", state["state"])
        }
        ("GET", "") => format!("{{\"app\":{}}}", shown(request, &one)),
        _ => return None,
    };
    Some(says(answer(if request.method == "PUT" { 202 } else { 200 }, JSON, text.into_bytes())))
}

fn submit(request: &SiteRequest<'_>) -> SiteAnswer {
    let scene = request.scene;
    let sent: Value = match serde_json::from_slice(request.subject.sent()) {
        Ok(sent) => sent,
        Err(_) => Value::Null,
    };
    let text = |value: &Value, most| cut(value.as_str().unwrap_or_default(), most).to_owned();
    let mut command = text(&sent["am-container-spec"]["commands"]["command"], COMMAND);
    if sent.is_null() {
        // XML is taken as well, and JSON that is cut off still says what was wanted.
        let found = request.subject.parameter("command").or_else(|| {
            let body = request.subject.sent();
            between(body, b"<command>", b"</command>").map(<[u8]>::to_vec)
        });
        command = cut(&String::from_utf8_lossy(&found.unwrap_or_default()), COMMAND).to_owned();
    }
    let id = match text(&sent["application-id"], 64) {
        id if id.starts_with("application_") => id,
        _ if !sent.is_null() => {
            return refused("BadRequestException", "Application ID cannot be null");
        }
        _ => format!("application_{}_0007", start(request)),
    };
    if id.chars().any(|letter| !letter.is_ascii_alphanumeric() && letter != '_') {
        return refused("BadRequestException", "Invalid ApplicationId");
    }
    let told = format!("name {}; command {command}", text(&sent["application-name"], 128));
    let note = Detail::Note {
        name: "yarn application".into(),
        value: HostileText::from_bytes(cut(&told, 2_000).as_bytes()),
    };
    let name = match text(&sent["application-name"], 128) {
        name if name.is_empty() => "N/A".to_owned(),
        name => name,
    };
    own(request, |own| own.make(SUBMITTED, &id, &name, scene.now.seconds()));
    let location = ("Location".to_owned(), format!("{}/ws/v1/cluster/apps/{id}", scene.origin()));
    let mut said = answer(202, JSON, Vec::new());
    said.fields.push(location);
    let class = "command-injection";
    if command.is_empty() {
        return SiteAnswer { class, details: vec![note], ..says(said) };
    }
    let machine = machine(scene, "www-data", "java");
    machine.0.begin_in(b"/tmp");
    let run = Run::command(machine, command.as_bytes(), scene.now, 202, move |_| said);
    // The command goes on in its container; the answer does not wait for it to end.
    SiteAnswer { class, details: vec![note], ..runs(run) }
}
