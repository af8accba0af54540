//! A kubelet whose owner let everybody in (`--anonymous-auth=true` with `AlwaysAllow`), which is what worms look for on port 10250 (TeamTNT's
//! `kube.lateral.sh`): they list the pods, then have a command run in each by POST to `/run/NAMESPACE/POD/CONTAINER` with `cmd`. The command
//! runs on the machine behind the logins, its output is the answer. Routes and words: kubernetes, pkg/kubelet/server/server.go.

use kizashi_event::{Detail, HostileText};

use super::say::{answer, cut, machine, query, runs, says};
use super::{SiteAnswer, SiteRequest};
use crate::http::run::Run;

/// The longest command.
const COMMAND: usize = 4 * 1024;

pub(super) fn respond(request: &SiteRequest<'_>) -> Option<SiteAnswer> {
    let path = request.target.split(|byte| *byte == b'?').next()?;
    let path = std::str::from_utf8(path).ok()?;
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match (request.method, parts.as_slice()) {
        ("POST", ["run", namespace, pod, container])
        | ("POST", ["run", namespace, pod, _, container]) => {
            Some(run(request, namespace, pod, container))
        }
        ("GET" | "POST", ["exec" | "attach" | "portForward", namespace, pod, ..]) => {
            Some(stream(request, namespace, pod, parts.last().copied().unwrap_or_default()))
        }
        _ => None,
    }
}

/// Whether the pods that are listed hold this container.
fn is_there(request: &SiteRequest<'_>, namespace: &str, pod: &str, container: &str) -> bool {
    let Some(site) = request.scene.persona.site else { return false };
    let text = site.text("pods.json", request);
    let pods: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    let items = pods["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().any(|item| {
        let containers = item["spec"]["containers"].as_array().map(Vec::as_slice);
        item["metadata"]["namespace"] == *namespace
            && item["metadata"]["name"] == *pod
            && containers.unwrap_or_default().iter().any(|one| one["name"] == *container)
    })
}

fn plain(status: u16, text: &str) -> SiteAnswer {
    says(answer(status, "text/plain; charset=utf-8", text.as_bytes().to_vec()))
}

fn missing(namespace: &str, pod: &str) -> SiteAnswer {
    plain(404, &format!("pod \"{}_{}\" does not exist\n", cut(pod, 128), cut(namespace, 128)))
}

fn note(namespace: &str, pod: &str, container: &str, command: &str) -> Detail {
    let text = format!("pod {namespace}/{pod}; container {container}; command {command}");
    Detail::Note {
        name: "container exec".into(),
        value: HostileText::from_bytes(cut(&text, 2_000).as_bytes()),
    }
}

fn run(request: &SiteRequest<'_>, namespace: &str, pod: &str, container: &str) -> SiteAnswer {
    let typed = request.subject.parameter("cmd").unwrap_or_default();
    let command = String::from_utf8_lossy(&typed).into_owned();
    let command = cut(&command, COMMAND);
    let details = vec![note(namespace, pod, container, command)];
    if !is_there(request, namespace, pod, container) {
        return SiteAnswer { details, ..missing(namespace, pod) };
    }
    if command.is_empty() {
        return SiteAnswer { details, ..plain(500, "command terminated with exit code 126") };
    }
    let machine = machine(request.scene, "root", "containerd-shim");
    machine.0.begin_in(b"/");
    let run = Run::command(machine, command.as_bytes(), request.scene.now, 200, |printed| {
        let mut body = printed.output;
        if let Some(status) = printed.exit.filter(|status| *status != 0) {
            let text = format!("command terminated with exit code {status}");
            body.extend_from_slice(text.as_bytes());
        }
        answer(200, "text/plain; charset=utf-8", body)
    });
    SiteAnswer { details, ..runs(run) }
}

/// What wants a stream (SPDY or WebSocket) is told, and refused as a client that asks for none is.
fn stream(request: &SiteRequest<'_>, namespace: &str, pod: &str, container: &str) -> SiteAnswer {
    let command = query(request, "command").unwrap_or_default();
    let details = vec![note(namespace, pod, container, &command)];
    if !is_there(request, namespace, pod, container) {
        return SiteAnswer { details, ..missing(namespace, pod) };
    }
    let said = plain(400, "Upgrade request required");
    SiteAnswer { details, ..said }
}
