//! YARN's ResourceManager as the worms of port 8088 use it: a new application is asked for, then submitted with a command for its container
//! (`am-container-spec.commands.command`), which runs on the machine behind the logins as the user that Hadoop's archive is started by. Each
//! new application has the next number, as the real one counts. Requests and words: ResourceManagerRest of hadoop.apache.org.

use kizashi_event::{Detail, HostileText};
use serde_json::Value;

use super::say::{answer, cut, machine, runs, says};
use super::{SiteAnswer, SiteRequest};
use crate::http::rules::between;
use crate::http::run::Run;

const JSON: &str = "application/json;charset=utf-8";
/// The longest command.
const COMMAND: usize = 4 * 1024;

pub(super) fn respond(request: &SiteRequest<'_>) -> Option<SiteAnswer> {
    let path = request.target.split(|byte| *byte == b'?').next()?;
    let path = path.strip_suffix(b"/").unwrap_or(path);
    match (request.method, path) {
        ("POST", b"/ws/v1/cluster/apps") => Some(submit(request)),
        _ => None,
    }
}

fn refused(exception: &str, message: &str) -> SiteAnswer {
    let text = format!(
        "{{\"RemoteException\":{{\"exception\":\"{exception}\",\"message\":\"{message}\",\"javaClassName\":\"org.apache.hadoop.yarn.webapp.{exception}\"}}}}"
    );
    says(answer(400, JSON, text.into_bytes()))
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
        _ => format!("application_{}307_0007", scene.identity.set_up().seconds()),
    };
    if id.chars().any(|letter| !letter.is_ascii_alphanumeric() && letter != '_') {
        return refused("BadRequestException", "Invalid ApplicationId");
    }
    let told = format!("name {}; command {command}", text(&sent["application-name"], 128));
    let note = Detail::Note {
        name: "yarn application".into(),
        value: HostileText::from_bytes(cut(&told, 2_000).as_bytes()),
    };
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
