//! Real clients: what they show is what they saw, and the events say the same.

use std::path::PathBuf;
use std::process::Command;

use kizashi_event::{Detail, Event, Request};
use kizashi_traps::{Identity, WebServer, WebSites};

use crate::house::{House, commands, installed, said};

fn house(server: WebServer, http2: bool) -> House {
    let identity =
        Identity::draw([1; 32]).with_default_page().with_web_server(server).with_http2(http2);
    House::of_trap("http", identity)
}

fn requests(events: &[Event]) -> Vec<Request> {
    events
        .iter()
        .filter_map(|event| match &event.detail {
            Detail::Request { request, .. } => Some((**request).clone()),
            _ => None,
        })
        .collect()
}

fn run(program: &str, arguments: &[&str]) -> String {
    said(&Command::new(program).args(arguments).output().unwrap())
}

#[test]
fn curl_speaks_http2_to_httpd_by_prior_knowledge_and_by_upgrade_and_falls_back_at_nginx() {
    if !installed("curl") {
        return;
    }
    let apache = house(WebServer::ApacheDebian12, true);
    let url = format!("http://{}/.env", apache.address);
    for how in ["--http2-prior-knowledge", "--http2"] {
        let shown =
            run("curl", &["-s", "-m", "20", how, "-w", "%{http_version} %{http_code}", &url]);
        assert!(shown.contains("DB_PASSWORD") && shown.ends_with("2 200"), "{how}: {shown}");
    }
    let upload = format!("http://{}/login", apache.address);
    let body = "a".repeat(300_000);
    let path = apache.folder().join("body");
    std::fs::write(&path, &body).unwrap();
    let data = format!("@{}", path.display());
    run("curl", &["-s", "-m", "20", "--http2-prior-knowledge", "--data-binary", &data, &upload]);
    let events = apache.close();
    let all = requests(&events);
    let versions: Vec<&str> = all.iter().map(|request| request.version.raw()).collect();
    assert_eq!(versions, ["HTTP/2.0", "HTTP/1.1", "HTTP/2.0"]);
    let first = all[0].http2.as_ref().unwrap().raw();
    // The windows are other ones from version to version of curl.
    assert!(first.starts_with("3:100;4:") && first.ends_with("|0|m,p,s,a"), "{first}");
    assert!(all[0].print.as_ref().unwrap().raw().starts_with("2:ua:"));
    let sizes: Vec<u64> = events.iter().filter_map(|event| event.detail.payload()?.size).collect();
    assert!(sizes.contains(&300_000), "{sizes:?}");

    let nginx = house(WebServer::NginxDebian12, true);
    let url = format!("http://{}/", nginx.address);
    let shown =
        run("curl", &["-s", "-m", "20", "--http2", "-w", "%{http_version} %{http_code}", &url]);
    assert!(shown.ends_with("1.1 200"), "{shown}");
}

#[test]
fn nghttp_and_h2load_get_every_page_of_many_streams() {
    if !installed("nghttp") || !installed("h2load") {
        return;
    }
    let house = house(WebServer::ApacheUbuntu24, true);
    let url = format!("http://{}/", house.address);
    let shown = run("nghttp", &["-nv", "-t", "20", &url, "-H", "trailer: x"]);
    assert!(shown.contains(":status: 200") && shown.contains("END_STREAM"), "{shown}");
    let shown = run("h2load", &["-n", "600", "-c", "3", "-m", "50", "-w", "14", &url]);
    assert!(shown.contains("600 succeeded, 0 failed"), "{shown}");
    let events = house.close();
    assert_eq!(requests(&events).len(), 601);
}

fn python() -> Option<PathBuf> {
    let packages = ["httpx[http2]==0.28.1", "websockets==15.0.1", "docker==7.1.0"];
    crate::house::python("http-clients", "httpx, h2, websockets, docker", &packages)
}

const HTTPX: &str = r#"
import asyncio, sys, httpx
async def main():
    async with httpx.AsyncClient(http1=False, http2=True) as client:
        pages = await asyncio.gather(*[client.get(sys.argv[1] + path) for path in ["/", "/nope", "/.env"] * 20])
        assert [p.status_code for p in pages[:3]] == [200, 404, 200], pages[:3]
        assert all(p.http_version == "HTTP/2" for p in pages)
        assert "DB_PASSWORD" in pages[2].text and pages[0].text == pages[3].text
        answer = await client.post(sys.argv[1] + "/login", data={"user": "admin", "pass": "x" * 100_000})
        assert answer.status_code == 404, answer
asyncio.run(main())
print("done")
"#;

const WEBSOCKET: &str = r#"
import sys
from websockets.sync.client import connect
with connect(sys.argv[1] + "/api/live/ws", subprotocols=["centrifuge-json"]) as socket:
    assert socket.subprotocol == "centrifuge-json"
    socket.send('{"id":1,"connect":{}}')
    assert '"ping":25' in socket.recv(timeout=20)
    socket.ping().wait(20)
    socket.send([b"ab" * 40_000, b"cd"])
    assert b'"ping":25' in socket.recv(timeout=20)
with connect(sys.argv[1] + "/cli/ws") as socket:
    socket.send(b"\x00\x00@/etc/passwd")
    try:
        socket.recv(timeout=0.5)
        raise SystemExit("an answer without a text")
    except TimeoutError:
        pass
print("done")
"#;

#[test]
fn httpx_asks_for_sixty_pages_at_once_and_posts_a_long_form() {
    let Some(python) = python() else { return };
    let house = house(WebServer::ApacheDebian12, true);
    let url = format!("http://{}", house.address);
    let shown = run(python.to_str().unwrap(), &["-c", HTTPX, &url]);
    assert!(shown.trim().ends_with("done"), "{shown}");
    let all = requests(&house.close());
    assert_eq!(all.len(), 61);
    assert!(all.iter().all(|request| !request.malformed && request.http2.is_some()));
}

#[test]
fn a_python_websocket_client_talks_and_every_message_is_kept() {
    let Some(python) = python() else { return };
    for server in [WebServer::NginxDebian12, WebServer::ApacheDebian12] {
        let house = house(server, false);
        let url = format!("ws://{}", house.address);
        let shown = run(python.to_str().unwrap(), &["-c", WEBSOCKET, &url]);
        assert!(shown.trim().ends_with("done"), "{server:?}: {shown}");
        let events = house.close();
        let rules: Vec<String> = requests(&events)
            .iter()
            .map(|request| request.rule.as_ref().unwrap().raw().to_owned())
            .collect();
        assert_eq!(rules, ["grafana-live", "CVE-2024-23897-websocket"]);
        let messages: Vec<(Option<u64>, usize)> = events
            .iter()
            .filter_map(|event| event.detail.payload())
            .map(|payload| (payload.size, payload.content.len()))
            .collect();
        assert_eq!(messages, [(Some(21), 21), (Some(80_002), 65_536), (Some(14), 14)]);
    }
}

/// What Docker's own library for Python does for `run`, `exec_run` and `logs`.
const DOCKER: &str = r#"
import sys, docker
client = docker.DockerClient(base_url="tcp://" + sys.argv[1], timeout=60)
own = [one.name for one in client.containers.list()]
assert client.containers.run("alpine", "id") == b"uid=0(root) gid=0(root) groups=0(root)\n"
held = client.containers.run("alpine", ["chroot", "/mnt", "sh", "-c", "head -n1 /etc/os-release; exit 3"],
    volumes={"/": {"bind": "/mnt"}}, privileged=True, detach=True, name="worm")
assert held.wait()["StatusCode"] == 3
assert held.logs().startswith(b"PRETTY_NAME="), held.logs()
assert [one.name for one in client.containers.list(all=True) if one.status == "exited"][0] == "worm"
held.remove()
assert client.containers.list()[0].exec_run("uname").output == b"Linux\n"
open = client.containers.run("ubuntu:22.04", "sleep 1000", detach=True)
open.reload()
assert open.status == "running" and open.exec_run(["whoami"]).output == b"root\n"
open.kill()
assert [one.name for one in client.containers.list()] == own
assert ["alpine:latest"] in [image.tags for image in client.images.list()]
print("done")
"#;

#[test]
fn dockers_library_pulls_runs_reads_and_removes_containers_and_each_is_told() {
    let Some(python) = python() else { return };
    let sites = WebSites::of([("*", "docker")]).unwrap();
    let identity = Identity::draw([1; 32]).with_web_sites(sites);
    let house = House::of_trap("http", identity);
    let address = house.address.to_string();
    let shown = run(python.to_str().unwrap(), &["-c", DOCKER, &address]);
    assert!(shown.trim().ends_with("done"), "{shown}");
    let events = house.close();
    let lines = commands(&events);
    let worm = "chroot /mnt sh -c 'head -n1 /etc/os-release; exit 3'";
    assert!(lines.iter().any(|line| line == "id") && lines.iter().any(|line| line == worm));
    let told = events.iter().any(|event| {
        matches!(&event.detail, Detail::Note { name, value }
            if name.raw() == "container" && value.raw().ends_with("binds /:/mnt:rw; privileged"))
    });
    assert!(told);
}

/// A cluster that lets everybody in: one installation of two.
fn open_cluster() -> House {
    let open = |seed: &u8| {
        let sites = WebSites::of([("*", "kubernetes")]).unwrap();
        let house = House::of_trap("http", Identity::draw([*seed; 32]).with_web_sites(sites));
        let url = format!("http://{}/api/v1/pods", house.address);
        let code = run("curl", &["-s", "-m", "20", "-o", "/dev/null", "-w", "%{http_code}", &url]);
        if code == "200" {
            return Some(house);
        }
        house.close();
        None
    };
    (0..20_u8).find_map(|seed| open(&seed)).expect("one of twenty installations")
}

/// A pod that mounts the host and runs a line there, as worms make one.
const POD: &str = r#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "worm", "namespace": "default"},
"spec": {"containers": [{"name": "c", "image": "alpine", "command": ["chroot", "/host", "sh", "-c", "id; uname -s"],
"securityContext": {"privileged": true}, "volumeMounts": [{"name": "h", "mountPath": "/host"}]}],
"volumes": [{"name": "h", "hostPath": {"path": "/"}}]}}"#;

#[test]
fn kubectl_lists_what_there_is_and_makes_reads_and_deletes_a_pod_that_is_told() {
    if !installed("kubectl") || !installed("curl") {
        return;
    }
    let house = open_cluster();
    let folder = house.folder().to_owned();
    // Without anybody's name it would ask for one.
    let config = format!(
        "apiVersion: v1\nkind: Config\nclusters: [{{name: c, cluster: {{server: \"http://{}\"}}}}]\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\ncurrent-context: c\nusers: [{{name: u, user: {{username: admin, password: admin}}}}]\n",
        house.address
    );
    std::fs::write(folder.join("config"), config).unwrap();
    std::fs::write(folder.join("pod.json"), POD).unwrap();
    let kubectl = |words: &[&str]| {
        let mut command = Command::new("timeout");
        command.args(["60", "kubectl", "--kubeconfig=config", "--request-timeout=40s"]);
        command.args(words).current_dir(&folder).env("HOME", &folder);
        said(&command.stdin(std::process::Stdio::null()).output().unwrap())
    };
    let version = kubectl(&["version"]);
    assert!(version.contains("v1.27.8") || version.contains("v1.28.4"), "{version}");
    let pods = kubectl(&["get", "pods", "-A"]);
    assert!(pods.contains("kube-system") && pods.contains("kube-proxy-"), "{pods}");
    let head: Vec<&str> = pods.lines().next().unwrap_or_default().split_whitespace().collect();
    assert_eq!(head, ["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE"]);
    let secret = kubectl(&["get", "secret", "database", "-o", "jsonpath={.data.username}"]);
    assert_eq!(secret, "YXBw");
    let node = kubectl(&["get", "nodes", "-o", "jsonpath={.items[0].status.nodeInfo.machineID}"]);
    assert_eq!(node.len(), 32, "{node}");
    let made = kubectl(&["create", "--validate=false", "-f", "pod.json"]);
    assert!(made.contains("pod/worm created"), "{made}");
    let printed = kubectl(&["logs", "worm"]);
    assert!(printed.contains("uid=0(root)") && printed.contains("Linux"), "{printed}");
    let deleted = kubectl(&["delete", "--wait=false", "pod", "worm"]);
    assert!(deleted.contains("pod \"worm\" deleted"), "{deleted}");
    let events = house.close();
    assert!(commands(&events).iter().any(|line| line.contains("id; uname -s")), "{events:?}");
}

/// `exec` as the library for Python does it, over WebSocket; kubectl 1.20 would do it over SPDY, which nothing here speaks.
const EXEC: &str = r#"
import sys
from kubernetes import client
from kubernetes.stream import stream
settings = client.Configuration(host="http://" + sys.argv[1])
api = client.CoreV1Api(client.ApiClient(settings))
pod = api.list_pod_for_all_namespaces().items[0].metadata
def within(command, **more):
    return stream(api.connect_get_namespaced_pod_exec, pod.name, pod.namespace, command=command,
        stderr=True, stdin=False, stdout=True, tty=False, _request_timeout=60, **more)
assert within(["id"]) == "uid=0(root) gid=0(root) groups=0(root)\n"
worm = within(["sh", "-c", "uname -s; exit 3"], _preload_content=False)
worm.run_forever(timeout=60)
assert worm.read_stdout() == "Linux\n" and worm.returncode == 3, worm.returncode
print("done")
"#;

#[test]
fn the_library_for_python_runs_commands_in_a_pod_and_reads_their_output_and_end() {
    let packages = ["kubernetes>=31,<32"];
    if !installed("curl") {
        return;
    }
    let Some(python) = crate::house::python("kubernetes-client", "kubernetes.stream", &packages)
    else {
        return;
    };
    let house = open_cluster();
    let address = house.address.to_string();
    let shown = run(python.to_str().unwrap(), &["-c", EXEC, &address]);
    assert!(shown.trim().ends_with("done"), "{shown}");
    let events = house.close();
    let lines = commands(&events);
    for line in ["id", "sh -c 'uname -s; exit 3'"] {
        assert!(lines.iter().any(|found| found == line), "{line}: {lines:?}");
    }
    let noted = events.iter().any(|event| {
        matches!(&event.detail, Detail::Note { name, value }
            if name.raw() == "container exec" && value.raw().ends_with("command id"))
    });
    assert!(noted);
}

#[test]
fn gobuster_finds_what_is_there_and_nothing_else() {
    if !installed("gobuster") {
        return;
    }
    let sites = WebSites::of([("*", "wordpress")]).unwrap();
    let identity =
        Identity::draw([1; 32]).with_web_server(WebServer::NginxDebian12).with_web_sites(sites);
    let house = House::of_trap("http", identity);
    let words = house.folder().join("words");
    let random = (0..60_u64).map(|number| format!("{:x}\n", number.wrapping_mul(0x9e37_79b9_7f4a)));
    std::fs::write(&words, random.collect::<String>() + "wp-login.php\nwp-content/\n").unwrap();
    let url = format!("http://{}", house.address);
    let words = words.display().to_string();
    let asked = ["dir", "-q", "-z", "-t", "4", "-w", &words, "-u", &url];
    let shown = run("gobuster", &asked);
    let events = house.close();
    let found: Vec<&str> = shown.lines().filter(|line| line.contains("Status:")).collect();
    assert!(found.iter().any(|line| line.contains("wp-login.php")), "{shown}");
    assert!(found.iter().all(|line| line.contains("/wp-")), "{shown}");
    let all = requests(&events);
    assert!(all.len() > 60, "{}", all.len());
    let agent = |request: &Request| {
        let field = request.headers.iter().find(|(name, _)| name.raw() == "User-Agent");
        field.map(|(_, value)| value.raw().to_owned())
    };
    assert!(
        all.iter().all(|request| agent(request).is_some_and(|name| name.starts_with("gobuster/")))
    );
}

/// A search for pages: what is not there is missing with the product's own word, whatever its name, so that what is found means something.
#[test]
fn ffuf_finds_what_is_there_and_nothing_else() {
    if !installed("ffuf") {
        return;
    }
    let random: Vec<String> = (0..200_u64)
        .map(|number| format!("{:x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .collect();
    for (site, there) in [("default", ".env"), ("wordpress", "wp-login.php"), ("tomcat", "docs/")] {
        let sites = WebSites::of([("*", site)]).unwrap();
        let identity =
            Identity::draw([1; 32]).with_web_server(WebServer::NginxDebian12).with_web_sites(sites);
        let house = House::of_trap("http", identity);
        let words = house.folder().join("words");
        std::fs::write(&words, format!("{}\n{there}\n", random.join("\n"))).unwrap();
        let (words, target) =
            (words.display().to_string(), format!("http://{}/FUZZ", house.address));
        let shown = run(
            "ffuf",
            &["-s", "-t", "8", "-mc", "all", "-fc", "404", "-w", &words, "-u", &target],
        );
        let found: Vec<&str> =
            shown.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        assert_eq!(found, [there], "{site}");
        let all = requests(&house.close());
        assert!(all.len() > 200, "{}", all.len());
        let unknown = |request: &&Request| {
            request.class.as_ref().is_some_and(|class| class.raw() == "unknown")
        };
        assert!(all.iter().filter(unknown).count() >= 200);
    }
}
