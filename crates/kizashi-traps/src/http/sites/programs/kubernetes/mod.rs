//! The API server of a cluster. On one installation in two everybody is let in (`--authorization-mode=AlwaysAllow`, or `cluster-admin` bound to
//! `system:anonymous`), which is what worms look for: they list pods and secrets, create a pod or daemon set that mounts the host, or
//! run something in a pod by `exec`. A pod's command runs on the machine behind the logins, which it sees at each place where `/` is mounted.
//! Elsewhere all is forbidden, in words that name what was asked for. Pods of the host are those that the kubelet shows.
//! Routes and words: kubernetes.io, API reference; kubernetes, staging/src/k8s.io/apiserver.

mod shown;
mod table;

use kizashi_event::{Detail, HostileText};
use serde_json::Value;

use super::super::Site;
use super::say::{answer, cut, digits, harmless, line, machine, runs, says, words};
use super::{SiteAnswer, SiteRequest};
use crate::http::decode;
use crate::http::persona::Persona;
use crate::http::rules::Scene;
use crate::http::run::Run;
use crate::http::websocket;
use shown::{Asked, JSON, failure, forbidden, list, object, pretty};

/// How long who makes a pod is kept waiting for its command.
const START: std::time::Duration = std::time::Duration::from_secs(4);
/// How long a command in a pod may take.
const EXEC: std::time::Duration = std::time::Duration::from_secs(15);
/// A visitor's own: pods, and what their commands printed.
const POD: &str = "pod";
const LOG: &str = "log";

pub(super) fn respond(request: &SiteRequest<'_>) -> Option<SiteAnswer> {
    let path = request.target.split(|byte| *byte == b'?').next()?;
    let asked = Asked::of(request.method, std::str::from_utf8(path).ok()?)?;
    let open = request.scene.identity.choice("kubernetes anonymous", 2) == 0;
    let api = Api { request, scene: request.scene, asked };
    let said = if open { api.answer()? } else { api.refuse()? };
    Some(pretty(table::of(said, request), request))
}

struct Api<'a> {
    request: &'a SiteRequest<'a>,
    scene: &'a Scene<'a>,
    asked: Asked<'a>,
}

/// One pod, as far as anything depends on it.
struct Pod {
    namespace: String,
    name: String,
    text: String,
}

impl Api<'_> {
    fn refuse(&self) -> Option<SiteAnswer> {
        let details = match self.asked.part {
            Some("exec") => vec![self.exec_note()],
            _ if self.request.method == "POST" => {
                self.made().map(|made| made.1).into_iter().collect()
            }
            _ => Vec::new(),
        };
        Some(SiteAnswer { details, ..forbidden(&self.asked)? })
    }

    fn answer(&self) -> Option<SiteAnswer> {
        let asked = &self.asked;
        match (self.request.method, asked.resource, asked.name, asked.part) {
            ("GET" | "HEAD", None, None, None) => shown::discovery(asked),
            ("GET" | "POST", Some("pods"), Some(pod), Some("exec" | "attach")) => {
                Some(self.exec(pod))
            }
            ("GET", Some("pods"), Some(pod), Some("log")) => Some(self.log(pod)),
            ("GET" | "HEAD", Some("pods"), None, None) => Some(self.pods()),
            ("GET" | "HEAD", Some("pods"), Some(pod), None) => Some(match self.pod(pod) {
                Some(pod) => object(200, &whole(&pod.text)),
                None => shown::missing(asked),
            }),
            ("DELETE", Some("pods"), Some(pod), None) => Some(self.delete(pod)),
            ("GET" | "HEAD", Some(_), name, None) => Some(self.look(name)),
            ("POST", Some(_), None, None) => Some(self.create()),
            ("PUT" | "PATCH" | "DELETE", Some(_), Some(_), None) => Some(shown::missing(asked)),
            _ => None,
        }
    }

    /// The pods that the kubelet of this machine shows.
    fn of_host(&self) -> Vec<Pod> {
        let Some(kubelet) = Site::named("kubelet") else { return Vec::new() };
        let persona = Persona {
            site: Some(kubelet),
            version: kubelet.version(self.scene.identity).to_owned(),
            ..self.scene.persona.clone()
        };
        let scene = Scene { persona: &persona, ..*self.scene };
        let text = kubelet.text("pods.json", &SiteRequest { scene: &scene, ..*self.request });
        let pods: Value = serde_json::from_slice(&text).unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let of = |item: &Value| Pod {
            namespace: text(&item["metadata"]["namespace"]),
            name: text(&item["metadata"]["name"]),
            text: item.to_string(),
        };
        pods["items"].as_array().map(|items| items.iter().map(of).collect()).unwrap_or_default()
    }

    /// Every pod that is there for this visitor.
    fn all(&self) -> Vec<Pod> {
        let (made, gone): (Vec<Pod>, Vec<bool>) = {
            let host = self.of_host();
            self.own(|own| {
                let made = own.made(POD).map(|one| {
                    let (namespace, name) =
                        one.name.split_once('/').unwrap_or(("default", &one.name));
                    Pod {
                        namespace: namespace.to_owned(),
                        name: name.to_owned(),
                        text: one.text.clone(),
                    }
                });
                let gone =
                    host.iter().map(|pod| own.is_gone(&format!("{}/{}", pod.namespace, pod.name)));
                (made.collect(), gone.collect())
            })
        };
        let host =
            self.of_host().into_iter().zip(gone).filter(|(_, gone)| !gone).map(|(pod, _)| pod);
        let in_place = |pod: &Pod| self.asked.namespace.is_none_or(|asked| asked == pod.namespace);
        host.chain(made).filter(in_place).collect()
    }

    fn own<T>(&self, act: impl FnOnce(&mut super::containers::Own) -> T) -> T {
        self.scene.identity.containers().with(self.scene.visit.source, self.scene.now, act)
    }

    fn pod(&self, name: &str) -> Option<Pod> {
        self.all().into_iter().find(|pod| pod.name == name)
    }

    fn pods(&self) -> SiteAnswer {
        let items: Vec<String> = self.all().into_iter().map(|pod| pod.text).collect();
        list("PodList", "v1", &items, self.scene)
    }

    /// Anything else that can be listed or looked at.
    fn look(&self, name: Option<&str>) -> SiteAnswer {
        let Some((kind, items)) = shown::of_host(&self.asked, self.scene) else {
            return shown::missing(&self.asked);
        };
        match name {
            None => list(&format!("{kind}List"), &self.asked.version(), &items, self.scene),
            Some(name) => {
                let named = format!("\"metadata\":{{\"name\":{}", shown::quoted(name));
                match items.into_iter().find(|item| item.contains(&named)) {
                    Some(item) => {
                        let head = format!(
                            "{{\"kind\":\"{kind}\",\"apiVersion\":\"{}\",",
                            self.asked.version()
                        );
                        object(200, &item.replacen('{', &head, 1))
                    }
                    None => shown::missing(&self.asked),
                }
            }
        }
    }

    fn delete(&self, name: &str) -> SiteAnswer {
        let Some(pod) = self.pod(name) else { return shown::missing(&self.asked) };
        let key = format!("{}/{}", pod.namespace, pod.name);
        self.own(|own| {
            own.unmake(LOG, &key);
            if !own.unmake(POD, &key) {
                own.forget(&key);
            }
        });
        object(200, &whole(&pod.text))
    }

    /// What a body makes: the object, what there is to tell of it, and the specification of its pods.
    fn made(&self) -> Option<(Value, Detail, Value)> {
        let body: Value = serde_json::from_slice(self.request.subject.sent()).ok()?;
        let spec = &body["spec"];
        let spec =
            [&spec["jobTemplate"]["spec"]["template"]["spec"], &spec["template"]["spec"], spec]
                .into_iter()
                .find(|spec| spec["containers"].is_array())?
                .clone();
        let mut told = format!(
            "{} {}",
            body["kind"].as_str().unwrap_or("Pod"),
            body["metadata"]["name"].as_str().unwrap_or_default()
        );
        for one in spec["containers"].as_array().into_iter().flatten().take(8) {
            let command = [words(&one["command"]), words(&one["args"])].concat();
            let image = one["image"].as_str().unwrap_or_default();
            told.push_str(&format!("; image {image}; command {}", line(&command)));
            if one["securityContext"]["privileged"] == true {
                told.push_str("; privileged");
            }
        }
        for volume in spec["volumes"].as_array().into_iter().flatten().take(8) {
            if let Some(path) = volume["hostPath"]["path"].as_str() {
                told.push_str(&format!("; host path {path}"));
            }
        }
        for name in ["hostNetwork", "hostPID", "hostIPC"] {
            if spec[name] == true {
                told.push_str(&format!("; {name}"));
            }
        }
        Some((body, note("container", &told), spec))
    }

    fn create(&self) -> SiteAnswer {
        let Some((body, note, spec)) = self.made() else {
            return match serde_json::from_slice::<Value>(self.request.subject.sent()) {
                Ok(body) if body.is_object() => object(201, &body.to_string()),
                _ => failure(
                    400,
                    "BadRequest",
                    "the object provided is unrecognized (must be of type Pod)",
                ),
            };
        };
        let name = body["metadata"]["name"].as_str().map(|name| cut(name, 128).to_owned());
        let name = name.unwrap_or_else(|| {
            let stem = body["metadata"]["generateName"].as_str().unwrap_or("pod-");
            format!("{}{}", cut(stem, 100), digits(self.scene, "kubernetes pod", 5))
        });
        let namespace = self.asked.namespace.unwrap_or("default");
        let text = harmless(&shown::created(&body, (&name, namespace), self.scene));
        if self.asked.resource == Some("pods") {
            if self.pod(&name).is_some() {
                let message = format!("pods {} already exists", shown::quoted(&name));
                return SiteAnswer {
                    details: vec![note],
                    ..failure(409, "AlreadyExists", &message)
                };
            }
            let pod = shown::running(&spec, (&name, namespace), self.scene);
            let (key, at) = (format!("{namespace}/{name}"), self.scene.now.seconds());
            self.own(|own| own.make(POD, &key, &pod, at));
        }
        let first = &spec["containers"][0];
        let command = [words(&first["command"]), words(&first["args"])].concat();
        let said = answer(201, JSON, text.into_bytes());
        let details = vec![note];
        if command.is_empty() {
            return SiteAnswer { details, ..says(said) };
        }
        let machine = machine(self.scene, "root", "containerd-shim");
        for place in mounts_of_host(&spec, first) {
            machine.0.mount_root(place.as_bytes());
        }
        machine.0.begin_in(b"/");
        let (command, now, source) = (line(&command), self.scene.now, self.scene.visit.source);
        let (identity, key) = (self.scene.identity.clone(), format!("{namespace}/{name}"));
        let run = Run::command(machine, command.as_bytes(), now, 201, move |printed| {
            let text = String::from_utf8_lossy(&printed.output).into_owned();
            identity
                .containers()
                .with(source, now, |own| own.make(LOG, &key, &text, now.seconds()));
            said
        });
        SiteAnswer { details, ..runs(run.within(START)) }
    }

    fn command(&self) -> Vec<String> {
        let query = self.request.target.splitn(2, |byte| *byte == b'?').nth(1).unwrap_or_default();
        let pairs = query.split(|byte| *byte == b'&');
        let values = pairs.filter_map(|pair| pair.strip_prefix(b"command="));
        let decoded =
            values.map(|value| String::from_utf8_lossy(&decode(value, true)).into_owned());
        decoded.take(64).map(|word| cut(&word, 2_048).to_owned()).collect()
    }

    fn exec_note(&self) -> Detail {
        let place = (self.asked.namespace.unwrap_or_default(), self.asked.name.unwrap_or_default());
        let told = format!("pod {}/{}; command {}", place.0, place.1, line(&self.command()));
        note("container exec", &told)
    }

    /// A command in a pod, over WebSocket: its output on channel 1, its end on channel 3 (`v4.channel.k8s.io`).
    fn exec(&self, name: &str) -> SiteAnswer {
        let details = vec![self.exec_note()];
        let told = |said: SiteAnswer| SiteAnswer {
            class: "command-injection",
            details: details.clone(),
            ..said
        };
        if self.pod(name).is_none() {
            return told(shown::missing(&self.asked));
        }
        let Some(fields) = websocket::accept(self.request.subject.request()) else {
            let upgrade = self.request.subject.header("Upgrade").unwrap_or_default();
            return told(match upgrade.to_ascii_lowercase().starts_with(b"spdy/") {
                // Nothing here speaks SPDY: the server cannot reach the kubelet.
                true => failure(
                    500,
                    "InternalError",
                    "error dialing backend: dial tcp 10.0.0.4:10250: connect: connection refused",
                ),
                false => failure(400, "BadRequest", "Upgrade request required"),
            });
        };
        let machine = machine(self.scene, "root", "containerd-shim");
        machine.0.begin_in(b"/");
        let command = line(&self.command());
        let run = Run::command(machine, command.as_bytes(), self.scene.now, 101, move |printed| {
            let mut body = Vec::new();
            for part in printed.output.chunks(16 * 1024) {
                body.extend(websocket::frame(2, &[&[1], part].concat()));
            }
            let end = shown::status(printed.exit.unwrap_or(0));
            body.extend(websocket::frame(2, &[&[3], end.as_bytes()].concat()));
            body.extend(websocket::frame(8, &1000_u16.to_be_bytes()));
            let mut said = answer(101, "", body);
            said.fields.push(("-Stream".to_owned(), String::new()));
            said.fields.push(("Connection".to_owned(), "Upgrade".to_owned()));
            said.fields.extend(fields);
            said
        });
        told(runs(run.within(EXEC)))
    }

    fn log(&self, name: &str) -> SiteAnswer {
        let Some(pod) = self.pod(name) else { return shown::missing(&self.asked) };
        let key = format!("{}/{}", pod.namespace, pod.name);
        let printed = self.own(|own| {
            let log = own.made(LOG).find(|log| log.name == key)?;
            Some(log.text.clone().into_bytes())
        });
        says(answer(200, "text/plain", printed.unwrap_or_default()))
    }
}

/// A pod by itself names what it is, in a list it does not.
fn whole(pod: &str) -> String {
    pod.replacen('{', "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",", 1)
}

/// Where a container sees the whole machine.
fn mounts_of_host(spec: &Value, container: &Value) -> Vec<String> {
    let volumes = spec["volumes"].as_array().into_iter().flatten();
    let whole = volumes.filter(|volume| volume["hostPath"]["path"] == "/");
    let names: Vec<&Value> = whole.map(|volume| &volume["name"]).take(8).collect();
    let mounts = container["volumeMounts"].as_array().into_iter().flatten();
    let of_host = mounts.filter(|mount| names.contains(&&mount["name"])).take(8);
    of_host
        .filter_map(|mount| mount["mountPath"].as_str())
        .map(|at| cut(at, 256).to_owned())
        .collect()
}

fn note(name: &str, text: &str) -> Detail {
    Detail::Note { name: name.into(), value: HostileText::from_bytes(cut(text, 2_000).as_bytes()) }
}
