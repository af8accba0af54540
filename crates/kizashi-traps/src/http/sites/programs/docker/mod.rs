//! Docker's interface as bots use it (kinsing, TeamTNT and their like): an image is pulled, a container that mounts the host is created and
//! started, its output read. No image is fetched: a pull is a believable stream of progress. A container's command runs on the machine
//! behind the logins, where it sees the host at each place that `/` is bound to. Routes and words: moby, api/server/router; the stream of
//! output: docs.docker.com, Engine API, "Attach to a container".

mod archive;
mod images;
mod running;
mod shown;

use std::fmt::Write as _;

use kizashi_event::Detail;
use serde_json::Value;

use super::containers::{Container, Own, State};
use super::say::{answer, cut, digits, is_set, line, query, says, words};
use super::{SiteAnswer, SiteRequest};
use crate::http::rules::{Reaction, RuleAnswer, Scene};
use crate::http::sites::answer::Says;
use shown::{fault, inspected, json, listed, missing, note, with_tag};

/// The longest name that is kept.
const NAME: usize = 128;

const JSON: &str = "application/json";

pub(super) fn respond(request: &SiteRequest<'_>) -> Option<SiteAnswer> {
    let path = request.target.split(|byte| *byte == b'?').next()?;
    let path = std::str::from_utf8(path).ok()?;
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let numbered = |part: &&str| {
        part.strip_prefix("v1.").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()))
    };
    if parts.first().is_some_and(numbered) {
        parts.remove(0);
    }
    let daemon = Daemon { request, scene: request.scene };
    match (request.method, parts.as_slice()) {
        ("GET", ["info"]) => daemon.info(),
        ("GET", ["containers", "json"]) => daemon.list(),
        ("POST", ["containers", "create"]) => Some(daemon.create()),
        ("GET", ["containers", id, "json"]) => Some(daemon.inspect(id)),
        ("GET", ["containers", id, "logs"]) => Some(daemon.logs(id)),
        ("POST", ["containers", id, "start" | "restart"]) => Some(daemon.start(id)),
        ("POST", ["containers", id, "wait"]) => Some(daemon.wait(id)),
        ("POST", ["containers", id, "attach"]) => Some(daemon.attach(id)),
        ("POST", ["containers", id, "stop" | "kill"]) => Some(daemon.stop(id, false)),
        ("DELETE", ["containers", id]) => Some(daemon.stop(id, true)),
        ("POST", ["containers", id, "exec"]) => Some(daemon.exec(id)),
        ("POST", ["containers" | "exec", _, "resize"]) => Some(says(answer(200, "", Vec::new()))),
        ("GET" | "HEAD" | "PUT", ["containers", id, "archive"]) => Some(daemon.archive(id)),
        ("GET", ["containers", id, "changes"]) => Some(daemon.changes(id)),
        ("POST", ["containers", id, "rename"]) => Some(daemon.rename(id)),
        ("POST", ["build"]) => Some(daemon.build()),
        ("GET", ["events"]) => Some(daemon.events()),
        ("POST", ["exec", id, "start"]) => Some(daemon.exec_start(id)),
        ("GET", ["exec", id, "json"]) => Some(daemon.exec_inspect(id)),
        ("POST", ["images", "create"]) => Some(daemon.pull()),
        ("GET", ["images", "json"]) => daemon.images(),
        ("GET", ["images", .., "json"]) => Some(daemon.image(&parts[1..parts.len() - 1].join("/"))),
        _ => None,
    }
}

/// Archives and attached streams of any bytes: what is framed can be taken apart again, and holds the same.
pub(super) fn fuzz_streams(bytes: &[u8]) {
    let _ = archive::members(bytes);
    let framed = shown::framed(bytes, false);
    let mut rest = framed.as_slice();
    let mut joined = Vec::new();
    while let Some((head, after)) = rest.split_first_chunk::<8>() {
        let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
        assert!(head[..4] == [1, 0, 0, 0] && length > 0 && length <= after.len());
        joined.extend_from_slice(&after[..length]);
        rest = &after[length..];
    }
    assert!(rest.is_empty() && joined == bytes, "a frame is not what was framed");
}

struct Daemon<'a> {
    request: &'a SiteRequest<'a>,
    scene: &'a Scene<'a>,
}

impl Daemon<'_> {
    fn own<T>(&self, act: impl FnOnce(&mut Own) -> T) -> T {
        self.scene.identity.containers().with(self.scene.visit.source, self.scene.now, act)
    }

    fn body(&self) -> Value {
        serde_json::from_slice(self.request.subject.sent()).unwrap_or_default()
    }

    /// The host's own answer as JSON text, which the site's page holds.
    fn page(&self) -> Option<(RuleAnswer, String)> {
        let page = self.scene.persona.site?.page(self.request)?;
        let Says::Reacts(Reaction::Answer(said)) = page.says else { return None };
        let text = String::from_utf8_lossy(&said.body).into_owned();
        Some((said, text))
    }

    /// Identifiers and names of the host's own containers.
    fn of_host(&self) -> Vec<(String, String, String)> {
        let Some(site) = self.scene.persona.site else { return Vec::new() };
        let list: Value =
            serde_json::from_slice(&site.text("containers.json", self.request)).unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let of = |item: &Value| {
            let name = text(&item["Names"][0]).trim_start_matches('/').to_owned();
            (text(&item["Id"]), name, text(&item["Image"]))
        };
        list.as_array().map(|list| list.iter().map(of).collect()).unwrap_or_default()
    }

    /// A container of the host's that is there for this visitor.
    fn host(&self, named: &str) -> Option<String> {
        let found = self
            .of_host()
            .into_iter()
            .find(|(id, name, _)| name == named || (named.len() >= 4 && id.starts_with(named)));
        found.map(|(id, _, _)| id).filter(|id| !self.own(|own| own.is_gone(id)))
    }

    fn info(&self) -> Option<SiteAnswer> {
        let (mut said, text) = self.page()?;
        let (all, running) = self.own(|own| {
            (own.containers.len(), own.containers.iter().filter(|one| one.is_running()).count())
        });
        let gone = self.of_host().iter().filter(|(id, ..)| self.own(|own| own.is_gone(id))).count();
        let numbers = format!(
            "\"Containers\":{},\"ContainersRunning\":{},\"ContainersPaused\":0,\"ContainersStopped\":{}",
            2 - gone + all,
            2 - gone + running,
            all - running
        );
        let usual = "\"Containers\":2,\"ContainersRunning\":2,\"ContainersPaused\":0,\"ContainersStopped\":0";
        said.body = text.replace(usual, &numbers).into_bytes();
        Some(SiteAnswer { class: "recon", ..says(said) })
    }

    fn list(&self) -> Option<SiteAnswer> {
        let (mut said, text) = self.page()?;
        let all = is_set(self.request, "all") || query(self.request, "filters").is_some();
        let host: Vec<Value> = serde_json::from_str(&text).unwrap_or_default();
        let gone =
            |item: &Value| self.own(|own| own.is_gone(item["Id"].as_str().unwrap_or_default()));
        // The host's lines stay as they are written while none is gone.
        let rest = if host.iter().any(gone) {
            let left: Vec<String> =
                host.iter().filter(|item| !gone(item)).map(Value::to_string).collect();
            left.join(",")
        } else {
            text.trim().trim_start_matches('[').trim_end_matches(']').to_owned()
        };
        let now = self.scene.now.seconds();
        let mut items: Vec<String> = self.own(|own| {
            let shown = own.containers.iter().rev().filter(|one| all || one.is_running());
            shown.map(|one| listed(one, now)).collect()
        });
        items.extend((!rest.is_empty()).then_some(rest));
        said.body = format!("[{}]\n", items.join(",")).into_bytes();
        Some(says(said))
    }

    fn create(&self) -> SiteAnswer {
        let body = self.body();
        if !body.is_object() {
            return fault(400, "invalid character after top-level value");
        }
        if body["Image"].as_str().unwrap_or_default().is_empty() {
            return fault(400, "Config cannot be empty in order to create a container");
        }
        let image = with_tag(body["Image"].as_str().unwrap_or_default());
        let host = &body["HostConfig"];
        let command = [words(&body["Entrypoint"]), words(&body["Cmd"])].concat();
        let note = self.note(&body, &image, &command);
        let of_host = self.of_host();
        let told = |answer: SiteAnswer| SiteAnswer { details: vec![note.clone()], ..answer };
        let Some(image) = self.held(&image) else {
            return told(fault(404, &format!("No such image: {image}")));
        };
        let id = digits(self.scene, "docker container", 64);
        let name = query(self.request, "name").unwrap_or_else(|| self.drawn_name(&of_host));
        let name = cut(name.trim_start_matches('/'), NAME).to_owned();
        let taken = self.holder(&name, &of_host);
        if let Some(holder) = taken {
            return told(fault(
                409,
                &format!(
                    "Conflict. The container name \"/{name}\" is already in use by container \"{holder}\". You have to remove (or rename) that container to be able to reuse that name."
                ),
            ));
        }
        let flag = |value: &Value| value.as_bool().unwrap_or(false);
        let container = Container {
            id: id.clone(),
            name,
            words: if command.is_empty() { vec!["/bin/sh".to_owned()] } else { command },
            image,
            binds: words(&host["Binds"]),
            privileged: flag(&host["Privileged"]),
            network: cut(host["NetworkMode"].as_str().unwrap_or("default"), 64).to_owned(),
            terminal: flag(&body["Tty"]),
            open: flag(&body["OpenStdin"]) || flag(&body["Tty"]),
            removes_itself: flag(&host["AutoRemove"]),
            created: self.scene.now.seconds(),
            started: 0,
            ahead: false,
            state: State::Created,
            output: Vec::new(),
        };
        self.own(|own| own.add(container));
        told(json(201, format!("{{\"Id\":\"{id}\",\"Warnings\":[]}}\n")))
    }

    /// What a container is given: what people and detection look at first.
    fn note(&self, body: &Value, image: &str, command: &[String]) -> Detail {
        let host = &body["HostConfig"];
        let mut text = format!("image {image}; command {}", line(command));
        let binds = words(&host["Binds"]);
        if !binds.is_empty() {
            let _ = write!(text, "; binds {}", line(&binds));
        }
        for (word, value) in [("mounts", &host["Mounts"]), ("capabilities", &host["CapAdd"])] {
            if value.as_array().is_some_and(|list| !list.is_empty()) {
                let _ = write!(text, "; {word} {value}");
            }
        }
        if host["Privileged"].as_bool() == Some(true) {
            text.push_str("; privileged");
        }
        for name in ["NetworkMode", "PidMode", "IpcMode"] {
            if host[name].as_str() == Some("host") {
                let _ = write!(text, "; {name} host");
            }
        }
        note("container", &text)
    }

    /// Whose the name is, among the host's containers and those that this visitor made.
    fn holder(&self, name: &str, of_host: &[(String, String, String)]) -> Option<String> {
        let host = of_host.iter().find(|(_, held, _)| held == name).map(|(id, ..)| id.clone());
        host.or_else(|| {
            self.own(|own| own.containers.iter().find(|one| one.name == name).map(|o| o.id.clone()))
        })
    }

    /// A name that nobody has: as Docker does, a taken one is drawn anew and gets a digit
    /// (pkg/namesgenerator, daemon/names.go: six tries, then the number of the container).
    fn drawn_name(&self, of_host: &[(String, String, String)]) -> String {
        let tries = (0..6).map(|retry| self.name_of_try(retry));
        let mut free = tries.filter(|name| self.holder(name, of_host).is_none());
        free.next().unwrap_or_else(|| digits(self.scene, "docker container", 12))
    }

    fn name_of_try(&self, retry: u64) -> String {
        const FIRST: [&str; 12] = [
            "admiring", "bold", "clever", "dazzling", "eager", "focused", "gallant", "hopeful",
            "jolly", "keen", "loving", "serene",
        ];
        const SECOND: [&str; 12] = [
            "babbage", "curie", "darwin", "euler", "fermi", "galois", "hopper", "kepler",
            "lovelace", "noether", "turing", "wozniak",
        ];
        let what =
            if retry == 0 { "docker name".to_owned() } else { format!("docker name {retry}") };
        let number = usize::from_str_radix(&digits(self.scene, &what, 8), 16).unwrap_or(0);
        let name = format!("{}_{}", FIRST[number % 12], SECOND[number / 12 % 12]);
        if retry == 0 { name } else { format!("{name}{}", number / 144 % 10) }
    }

    fn inspect(&self, id: &str) -> SiteAnswer {
        let now = self.scene.now.seconds();
        if let Some(body) = self.own(|own| own.container(id).map(|one| inspected(one, now))) {
            return json(200, body);
        }
        let Some(id) = self.host(id) else { return missing(id) };
        let of_host = self.of_host();
        let Some((id, name, image)) = of_host.iter().find(|(known, ..)| *known == id) else {
            return missing(&id);
        };
        json(
            200,
            format!(
                "{{\"Id\":\"{id}\",\"Path\":\"docker-entrypoint.sh\",\"Args\":[],\"State\":{{\"Status\":\"running\",\"Running\":true,\"Paused\":false,\"Restarting\":false,\"OOMKilled\":false,\"Dead\":false,\"Pid\":1312,\"ExitCode\":0,\"Error\":\"\"}},\"Name\":\"/{name}\",\"RestartCount\":0,\"Driver\":\"overlay2\",\"Platform\":\"linux\",\"HostConfig\":{{\"NetworkMode\":\"bridge\",\"Privileged\":false}},\"Mounts\":[],\"Config\":{{\"Image\":\"{image}\",\"Tty\":false}}}}\n"
            ),
        )
    }
}
