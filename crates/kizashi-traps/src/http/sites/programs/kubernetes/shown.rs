//! How the API server words and writes things: paths as what is asked of which resource, lists, objects, failures. To browsers, curl and wget it
//! writes with two spaces a step, to everybody else on one line (apiserver, endpoints/handlers/negotiation).

use kizashi_event::Timestamp;
use serde_json::Value;

use super::super::say::{answer, digits, harmless, says};
use super::{Scene, SiteAnswer, SiteRequest};
use crate::draw::Draw;
use crate::http::rules::{Reaction, base64};
use crate::http::sites::answer::Says;

pub(super) const JSON: &str = "application/json";

/// What is asked for.
pub(super) struct Asked<'a> {
    verb: &'static str,
    pub(super) group: &'a str,
    api: &'a str,
    pub(super) namespace: Option<&'a str>,
    pub(super) resource: Option<&'a str>,
    pub(super) name: Option<&'a str>,
    pub(super) part: Option<&'a str>,
}

impl<'a> Asked<'a> {
    /// `/api/v1/…` and `/apis/GROUP/VERSION/…`.
    pub(super) fn of(method: &str, path: &'a str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let (group, api, rest) = match parts.as_slice() {
            ["api"] => ("", "", &[][..]),
            ["apis"] => ("*", "", &[][..]),
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some(*namespace), rest),
            rest => (None, rest),
        };
        let at = |place: usize| rest.get(place).copied();
        let verb = match (method, at(1)) {
            ("POST", _) => "create",
            ("PUT", _) => "update",
            ("PATCH", _) => "patch",
            ("DELETE", Some(_)) => "delete",
            ("DELETE", None) => "deletecollection",
            (_, Some(_)) => "get",
            (_, None) => "list",
        };
        Some(Self { verb, group, api, namespace, resource: at(0), name: at(1), part: at(2) })
    }

    /// Group and version as objects name them.
    pub(super) fn version(&self) -> String {
        if self.group.is_empty() {
            self.api.to_owned()
        } else {
            format!("{}/{}", self.group, self.api)
        }
    }

    /// The resource, and its name where one is meant.
    fn subject(&self) -> String {
        let resource = self.resource.unwrap_or_default();
        let group = if self.group.is_empty() { String::new() } else { format!(".{}", self.group) };
        match self.name {
            Some(name) => format!("{resource}{group} {}", quoted(name)),
            None => format!("{resource}{group}"),
        }
    }
}

pub(super) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned())
}

pub(super) fn object(status: u16, text: &str) -> SiteAnswer {
    says(answer(status, JSON, (harmless(text) + "\n").into_bytes()))
}

pub(super) fn failure(code: u16, reason: &str, message: &str) -> SiteAnswer {
    object(
        code,
        &format!(
            "{{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{{}},\"status\":\"Failure\",\"message\":{},\"reason\":\"{reason}\",\"code\":{code}}}",
            quoted(message)
        ),
    )
}

fn detailed(code: u16, reason: &str, message: &str, asked: &Asked<'_>) -> SiteAnswer {
    let name = asked.name.map_or_else(String::new, |name| format!("\"name\":{},", quoted(name)));
    let group = match asked.group {
        "" => String::new(),
        group => format!("\"group\":{},", quoted(group)),
    };
    let kind = quoted(asked.resource.unwrap_or_default());
    object(
        code,
        &format!(
            "{{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{{}},\"status\":\"Failure\",\"message\":{},\"reason\":\"{reason}\",\"details\":{{{name}{group}\"kind\":{kind}}},\"code\":{code}}}",
            quoted(message)
        ),
    )
}

/// To who has no right to it; what is no resource is the page's to forbid.
pub(super) fn forbidden(asked: &Asked<'_>) -> Option<SiteAnswer> {
    let resource = asked.resource?;
    let part = asked.part.map_or_else(String::new, |part| format!("/{part}"));
    let place = match asked.namespace {
        Some(namespace) => format!("in the namespace {}", quoted(namespace)),
        None => "at the cluster scope".to_owned(),
    };
    let message = format!(
        "{} is forbidden: User \"system:anonymous\" cannot {} resource \"{resource}{part}\" in API group {} {place}",
        asked.subject(),
        asked.verb,
        quoted(asked.group)
    );
    Some(detailed(403, "Forbidden", &message, asked))
}

pub(super) fn missing(asked: &Asked<'_>) -> SiteAnswer {
    if asked.name.is_none() {
        return failure(404, "NotFound", "the server could not find the requested resource");
    }
    detailed(404, "NotFound", &format!("{} not found", asked.subject()), asked)
}

/// How a command in a pod ended.
pub(super) fn status(exit: u8) -> String {
    if exit == 0 {
        return "{\"metadata\":{},\"status\":\"Success\"}".to_owned();
    }
    format!(
        "{{\"metadata\":{{}},\"status\":\"Failure\",\"message\":\"command terminated with non-zero exit code: exit status {exit}\",\"reason\":\"NonZeroExitCode\",\"details\":{{\"causes\":[{{\"reason\":\"ExitCode\",\"message\":\"{exit}\"}}]}}}}"
    )
}

/// A moment as Kubernetes writes it: to the second.
fn moment(moment: Timestamp) -> String {
    let text = moment.rfc3339();
    format!("{}Z", text.get(..19).unwrap_or(&text))
}

/// How far the cluster has counted its changes.
fn revision(scene: &Scene<'_>) -> i64 {
    scene.now.seconds().saturating_sub(scene.identity.set_up().seconds()) / 3 + 4_211
}

pub(super) fn list(kind: &str, version: &str, items: &[String], scene: &Scene<'_>) -> SiteAnswer {
    object(
        200,
        &format!(
            "{{\"kind\":\"{kind}\",\"apiVersion\":{},\"metadata\":{{\"resourceVersion\":\"{}\"}},\"items\":[{}]}}",
            quoted(version),
            revision(scene),
            items.join(",")
        ),
    )
}

/// What the cluster consists of: kind, plural, whether it is in namespaces, and the group.
const RESOURCES: [(&str, &str, bool, &str); 13] = [
    ("ConfigMap", "configmaps", true, ""),
    ("Namespace", "namespaces", false, ""),
    ("Node", "nodes", false, ""),
    ("Pod", "pods", true, ""),
    ("Secret", "secrets", true, ""),
    ("ServiceAccount", "serviceaccounts", true, ""),
    ("Service", "services", true, ""),
    ("DaemonSet", "daemonsets", true, "apps"),
    ("Deployment", "deployments", true, "apps"),
    ("CronJob", "cronjobs", true, "batch"),
    ("Job", "jobs", true, "batch"),
    ("ClusterRoleBinding", "clusterrolebindings", false, "rbac.authorization.k8s.io"),
    ("ClusterRole", "clusterroles", false, "rbac.authorization.k8s.io"),
];

/// Which groups there are, and what is in them.
pub(super) fn discovery(asked: &Asked<'_>) -> Option<SiteAnswer> {
    let groups = ["apps", "batch", "rbac.authorization.k8s.io"];
    let text = match (asked.group, asked.api) {
        ("", "") => "{\"kind\":\"APIVersions\",\"versions\":[\"v1\"],\"serverAddressByClientCIDRs\":[{\"clientCIDR\":\"0.0.0.0/0\",\"serverAddress\":\"10.0.0.4:6443\"}]}".to_owned(),
        ("*", "") => {
            let group = |name: &&str| {
                let version = format!("{{\"groupVersion\":\"{name}/v1\",\"version\":\"v1\"}}");
                format!("{{\"name\":\"{name}\",\"versions\":[{version}],\"preferredVersion\":{version}}}")
            };
            let groups: Vec<String> = groups.iter().map(group).collect();
            format!("{{\"kind\":\"APIGroupList\",\"apiVersion\":\"v1\",\"groups\":[{}]}}", groups.join(","))
        }
        (group, "v1") if group.is_empty() || groups.contains(&group) => {
            let held = RESOURCES.iter().filter(|(.., of)| *of == group);
            let verbs = "[\"create\",\"delete\",\"deletecollection\",\"get\",\"list\",\"patch\",\"update\",\"watch\"]";
            let resource = |(kind, plural, namespaced, _): &(&str, &str, bool, &str)| {
                format!("{{\"name\":\"{plural}\",\"singularName\":\"{}\",\"namespaced\":{namespaced},\"kind\":\"{kind}\",\"verbs\":{verbs}}}", kind.to_ascii_lowercase())
            };
            let resources: Vec<String> = held.map(resource).collect();
            format!("{{\"kind\":\"APIResourceList\",\"groupVersion\":\"{}\",\"resources\":[{}]}}", asked.version(), resources.join(","))
        }
        _ => return Some(missing(asked)),
    };
    Some(object(200, &text))
}

/// What the cluster has of a resource that is no pod: its kind, and each as text without kind and version.
pub(super) fn of_host(asked: &Asked<'_>, scene: &Scene<'_>) -> Option<(&'static str, Vec<String>)> {
    let resource = asked.resource?;
    let (kind, ..) = RESOURCES
        .iter()
        .find(|(_, plural, _, group)| *plural == resource && *group == asked.group)?;
    let born = moment(scene.identity.set_up());
    let item = |namespace: &str, name: &str, rest: &str| {
        let place = match namespace {
            "" => String::new(),
            namespace => format!(",\"namespace\":\"{namespace}\""),
        };
        (
            namespace.to_owned(),
            format!(
                "{{\"metadata\":{{\"name\":\"{name}\"{place},\"creationTimestamp\":\"{born}\"}}{rest}}}"
            ),
        )
    };
    let items = match resource {
        "namespaces" => ["default", "kube-node-lease", "kube-public", "kube-system"]
            .map(|name| {
                item(
                    "",
                    name,
                    ",\"spec\":{\"finalizers\":[\"kubernetes\"]},\"status\":{\"phase\":\"Active\"}",
                )
            })
            .to_vec(),
        "nodes" => vec![node(scene, &item)],
        "secrets" => secrets(scene, &item),
        "serviceaccounts" => {
            ["default", "kube-system"].map(|place| item(place, "default", "")).to_vec()
        }
        "services" => vec![item(
            "default",
            "kubernetes",
            ",\"spec\":{\"ports\":[{\"name\":\"https\",\"protocol\":\"TCP\",\"port\":443,\"targetPort\":6443}],\"clusterIP\":\"10.96.0.1\",\"type\":\"ClusterIP\"},\"status\":{\"loadBalancer\":{}}",
        )],
        _ => Vec::new(),
    };
    let here = items.into_iter().filter(|(place, _)| {
        place.is_empty() || asked.namespace.is_none_or(|namespace| namespace == place)
    });
    Some((kind, here.map(|(_, text)| text).collect()))
}

/// Writes an item: of a namespace, of this name, the rest of its text; with the namespace before it.
type Item<'a> = &'a dyn Fn(&str, &str, &str) -> (String, String);

/// The machine that the cluster runs on.
fn node(scene: &Scene<'_>, item: Item<'_>) -> (String, String) {
    let server = scene.identity.world(crate::machine::Persona::Server);
    let host = scene.identity.host_name();
    let kubelet = &scene.persona.version;
    let addresses = format!(
        "[{{\"type\":\"InternalIP\",\"address\":\"10.0.0.4\"}},{{\"type\":\"Hostname\",\"address\":\"{host}\"}}]"
    );
    let information = format!(
        "{{\"machineID\":\"{}\",\"systemUUID\":\"{}\",\"bootID\":\"{}\",\"kernelVersion\":{},\"osImage\":{},\"containerRuntimeVersion\":\"containerd://1.6.24\",\"kubeletVersion\":\"{kubelet}\",\"kubeProxyVersion\":\"{kubelet}\",\"operatingSystem\":\"linux\",\"architecture\":\"amd64\"}}",
        server.machine_id(),
        identifier(scene.identity, "kubernetes system"),
        identifier(scene.identity, "kubernetes boot"),
        quoted(server.system.kernel),
        quoted(server.system.pretty)
    );
    let resources = format!(
        "{{\"cpu\":\"{}\",\"memory\":\"{}Ki\",\"pods\":\"110\"}}",
        server.hardware.processors, server.hardware.memory_kb
    );
    let ready = format!(
        "[{{\"type\":\"Ready\",\"status\":\"True\",\"lastHeartbeatTime\":\"{}\",\"lastTransitionTime\":\"{}\",\"reason\":\"KubeletReady\",\"message\":\"kubelet is posting ready status\"}}]",
        moment(scene.now),
        moment(scene.identity.set_up())
    );
    let rest = format!(
        ",\"spec\":{{\"podCIDR\":\"10.244.0.0/24\",\"podCIDRs\":[\"10.244.0.0/24\"]}},\"status\":{{\"capacity\":{resources},\"allocatable\":{resources},\"conditions\":{ready},\"addresses\":{addresses},\"daemonEndpoints\":{{\"kubeletEndpoint\":{{\"Port\":10250}}}},\"nodeInfo\":{information}}}"
    );
    item("", &host, &rest)
}

/// A UUID of this installation.
fn identifier(identity: &crate::Identity, what: &str) -> String {
    let draw = Draw::new(identity.seed(), what);
    let id = format!("{:016x}{:016x}", draw.number(0), draw.number(1));
    format!("{}-{}-4{}-a{}-{}", &id[..8], &id[8..12], &id[13..16], &id[17..20], &id[20..])
}

/// What whoever may read secrets came for.
fn secrets(scene: &Scene<'_>, item: Item<'_>) -> Vec<(String, String)> {
    let drawn = |what: &str, length: usize| {
        let draw = Draw::new(scene.identity.seed(), what);
        let letters = b"abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
        let bytes: Vec<u8> = (0..length as u64).filter_map(|at| draw.one_of(at, letters)).collect();
        bytes
    };
    let encoded = |bytes: &[u8]| String::from_utf8_lossy(&base64(bytes)).into_owned();
    let password = drawn("kubernetes secret", 20);
    let token = String::from_utf8_lossy(&drawn("kubernetes registry", 36)).into_owned();
    let registry = format!(
        "{{\"auths\":{{\"registry.local:5000\":{{\"username\":\"deploy\",\"password\":\"{token}\"}}}}}}"
    );
    vec![
        item(
            "default",
            "database",
            &format!(
                ",\"data\":{{\"password\":\"{}\",\"username\":\"{}\"}},\"type\":\"Opaque\"",
                encoded(&password),
                encoded(b"app")
            ),
        ),
        item(
            "default",
            "registry",
            &format!(
                ",\"data\":{{\".dockerconfigjson\":\"{}\"}},\"type\":\"kubernetes.io/dockerconfigjson\"",
                encoded(registry.as_bytes())
            ),
        ),
    ]
}

fn metadata((name, namespace): (&str, &str), scene: &Scene<'_>) -> String {
    let id = digits(scene, "kubernetes uid", 32);
    let (a, b, c, d, e) = (&id[..8], &id[8..12], &id[13..16], &id[17..20], &id[20..]);
    format!(
        "{{\"name\":{},\"namespace\":{},\"uid\":\"{a}-{b}-4{c}-a{d}-{e}\",\"resourceVersion\":\"{}\",\"creationTimestamp\":\"{}\"}}",
        quoted(name),
        quoted(namespace),
        revision(scene),
        moment(scene.now)
    )
}

/// What was made, as it is said at once.
pub(super) fn created(body: &Value, place: (&str, &str), scene: &Scene<'_>) -> String {
    format!(
        "{{\"kind\":{},\"apiVersion\":{},\"metadata\":{},\"spec\":{},\"status\":{{\"phase\":\"Pending\",\"qosClass\":\"BestEffort\"}}}}\n",
        quoted(body["kind"].as_str().unwrap_or("Pod")),
        quoted(body["apiVersion"].as_str().unwrap_or("v1")),
        metadata(place, scene),
        body["spec"]
    )
}

/// A pod that was made, as it is listed later: its first container alone.
pub(super) fn running(spec: &Value, place: (&str, &str), scene: &Scene<'_>) -> String {
    let container = &spec["containers"][0];
    format!(
        "{{\"metadata\":{},\"spec\":{{\"containers\":[{{\"name\":{},\"image\":{}}}],\"nodeName\":{}}},\"status\":{{\"phase\":\"Running\",\"hostIP\":\"10.0.0.4\",\"podIP\":\"10.244.0.23\",\"startTime\":\"{}\"}}}}",
        metadata(place, scene),
        quoted(container["name"].as_str().unwrap_or_default()),
        quoted(container["image"].as_str().unwrap_or_default()),
        quoted(&scene.identity.host_name()),
        moment(scene.now)
    )
}

/// The same answer as it is written to who asks.
pub(super) fn pretty(said: SiteAnswer, request: &SiteRequest<'_>) -> SiteAnswer {
    let agent = request.subject.header("User-Agent").unwrap_or_default();
    let wide = [&b"curl"[..], b"Wget", b"Mozilla/5.0"].iter().any(|name| agent.starts_with(name));
    match said.says {
        Says::Reacts(Reaction::Answer(mut plain)) if wide && plain.kind == JSON => {
            plain.body = indented(&plain.body);
            SiteAnswer { says: Says::Reacts(Reaction::Answer(plain)), ..said }
        }
        other => SiteAnswer { says: other, ..said },
    }
}

/// JSON on many lines.
fn indented(text: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(text.len() * 2);
    let (mut depth, mut inside, mut escaped) = (0_usize, false, false);
    let mut rest = text.trim_ascii().iter().copied().peekable();
    let line = |out: &mut Vec<u8>, depth: usize| {
        out.push(b'\n');
        out.extend(std::iter::repeat_n(b' ', 2 * depth.min(64)));
    };
    while let Some(byte) = rest.next() {
        if inside {
            out.push(byte);
            inside = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'{' | b'[' => {
                out.push(byte);
                if let Some(end) = rest.next_if(|next| matches!(next, b'}' | b']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                line(&mut out, depth);
            }
            b':' => out.extend_from_slice(b": "),
            other => {
                inside = other == b'"';
                out.push(other);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_written_on_many_lines_without_a_change_of_what_it_says() {
        let text = r#"{"a":[],"b":{"c":"x\\\"{,:","d":[1,{}]}}"#;
        let wide = indented(text.as_bytes());
        let (one, other): (Value, Value) =
            (serde_json::from_str(text).unwrap(), serde_json::from_slice(&wide).unwrap());
        assert_eq!(one, other);
        assert!(wide.starts_with(b"{\n  \"a\": [],\n  \"b\": {\n    \"c\": "));
    }

    #[test]
    fn what_is_forbidden_is_named_as_the_server_names_it() {
        let message = |method, path| {
            let asked = Asked::of(method, path).unwrap();
            let Says::Reacts(Reaction::Answer(said)) = forbidden(&asked).unwrap().says else {
                unreachable!()
            };
            let value: Value = serde_json::from_slice(&said.body).unwrap();
            value["message"].as_str().unwrap().to_owned()
        };
        assert_eq!(
            message("GET", "/api/v1/namespaces/default/secrets"),
            r#"secrets is forbidden: User "system:anonymous" cannot list resource "secrets" in API group "" in the namespace "default""#
        );
        assert_eq!(
            message("GET", "/apis/apps/v1/daemonsets"),
            r#"daemonsets.apps is forbidden: User "system:anonymous" cannot list resource "daemonsets" in API group "apps" at the cluster scope"#
        );
        assert_eq!(
            message("POST", "/api/v1/namespaces/x/pods/web/exec"),
            r#"pods "web" is forbidden: User "system:anonymous" cannot create resource "pods/exec" in API group "" in the namespace "x""#
        );
    }
}
