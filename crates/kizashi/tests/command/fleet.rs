//! A fleet as its owner makes it: the commands, a real nats-server, a hub, a sensor with traps, and what is seen when any of them dies.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::{
    Folder, Running, eventually, free_port, http, json_lines, kill, sentence, text,
};

const PATIENCE: Duration = Duration::from_secs(40);

/// A nats-server that runs as `kizashi fleet init` wrote it.
pub(crate) struct Server(Child);

impl Server {
    pub(crate) fn start(folder: &Folder) -> Self {
        let server = Command::new("nats-server")
            .args(["-c", "nats-server.conf"])
            .current_dir(folder.path().join("fleet/server-1"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nats-server is needed: apt-get install nats-server");
        Self(server)
    }

    fn reload(&self) {
        let id = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(id, rustix::process::Signal::HUP).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn server_port() -> u16 {
    loop {
        let port = free_port();
        if TcpListener::bind(("127.0.0.1", port + 2_000)).is_ok() {
            return port;
        }
    }
}

/// A sensor with one web trap.
fn sensor(folder: &Folder, name: &str) -> Running {
    let credentials = format!("fleet/credentials/{name}.toml");
    let config = format!(
        "[capture]\nenabled = false\n[traps]\naddress = \"127.0.0.1\"\nhttp = \"{}\"\nhttps = \"\"\nssh = \"\"\ntelnet = \"\"\nelasticsearch = \"\"\nany_tcp = \"\"\nany_udp = \"\"\n",
        free_port()
    );
    folder.write(&format!("{name}.toml"), config.as_bytes());
    let (config, data) = (format!("{name}.toml"), format!("data-{name}"));
    Running::start(
        folder,
        &["sensor", "--credentials", &credentials, "--config", &config, "--data", &data],
    )
}

fn hub(folder: &Folder) -> Running {
    let config = format!(
        "[capture]\nenabled = false\n[dashboard]\naddress = \"127.0.0.1:{}\"\n[fleet]\ngroups = {{ asia = [\"tokyo\"] }}\n",
        free_port()
    );
    folder.write("hub.toml", config.as_bytes());
    let credentials = "fleet/credentials/hub.toml";
    Running::start(
        folder,
        &["hub", "--credentials", credentials, "--config", "hub.toml", "--data", "data-hub"],
    )
}

fn paths(folder: &Folder) -> String {
    text(folder, &["top", "paths", "--data", "data-hub", "--json"])
}

#[test]
fn what_a_visitor_does_on_a_sensor_is_told_on_the_hub_whoever_died_meanwhile() {
    let folder = Folder::new();
    let place = format!("127.0.0.1:{}", server_port());
    text(&folder, &["fleet", "init", "fleet", "--server", &place, "--gigabytes", "1"]);
    text(&folder, &["fleet", "add", "tokyo", "--fleet", "fleet"]);
    let server = Server::start(&folder);
    let hub_running = hub(&folder);
    assert!(hub_running.children("trap-process").is_empty(), "a hub has no traps");
    let tokyo = sensor(&folder, "tokyo");
    assert!(!tokyo.lines.iter().any(|line| line.starts_with("dashboard")), "{:?}", tokyo.lines);
    http(tokyo.address("http"), "/first", "");
    eventually("the first request", PATIENCE, || paths(&folder).contains("/first").then_some(()));
    // The sensor's publisher dies, and while it is away somebody comes.
    tokyo.children("core-process").into_iter().for_each(kill);
    http(tokyo.address("http"), "/second", "");
    eventually("the second request", PATIENCE, || paths(&folder).contains("/second").then_some(()));
    // So does the hub.
    hub_running.kill();
    http(tokyo.address("http"), "/third", "");
    let hub_running = hub(&folder);
    eventually("the third request", PATIENCE, || paths(&folder).contains("/third").then_some(()));
    // And the servers.
    drop(server);
    http(tokyo.address("http"), "/fourth", "");
    let server = Server::start(&folder);
    eventually("the fourth request", PATIENCE, || paths(&folder).contains("/fourth").then_some(()));
    for path in ["/first", "/second", "/third", "/fourth"] {
        let rows = json_lines(&folder, &["top", "paths", "--data", "data-hub", "--json"]);
        let row = rows.iter().find(|row| row["key"] == path).unwrap();
        assert_eq!(row["events"], 1, "{path} counts once");
    }
    eventually("the hub says how the sensor fares", PATIENCE, || {
        let rows = json_lines(&folder, &["fleet", "status", "--data", "data-hub", "--json"]);
        let row = rows.first()?;
        (row["name"] == "tokyo" && row["status"]["version"] == env!("CARGO_PKG_VERSION"))
            .then_some(())
    });
    let shown = eventually("the page is told the same", PATIENCE, || {
        let row = hub_running.api("/api/v1/sensors")["sensors"].get(0)?.clone();
        (row["version"] == env!("CARGO_PKG_VERSION")).then_some(row)
    });
    assert_eq!(
        (&shown["name"], &shown["own"], &shown["alive"]),
        (&"tokyo".into(), &false.into(), &true.into())
    );
    let fares = &shown["fleet"];
    assert_eq!((&fares["group"], &fares["refused_records"]), (&"asia".into(), &0.into()));
    assert!(fares["heard"].is_string() && fares["silent_since"].is_null(), "{shown}");
    let hours = hub_running.api("/api/v1/sensors/hours?sensor=tokyo&limit=48")["hours"].clone();
    let hours: Vec<u64> = serde_json::from_value(hours).unwrap();
    assert_eq!((hours.len(), Some(hours.iter().sum())), (48, shown["events"].as_u64()));
    text(&folder, &["fleet", "revoke", "tokyo", "--fleet", "fleet"]);
    server.reload();
    let listed = text(&folder, &["fleet", "list", "--fleet", "fleet"]);
    assert!(listed.starts_with("tokyo") && listed.trim_end().ends_with("revoked"), "{listed}");
    tokyo.stop();
    hub_running.stop();
}

#[test]
fn a_fleets_calls_say_in_a_sentence_what_is_wrong_and_what_to_do() {
    let folder = Folder::new();
    let said = |arguments: &[&str]| sentence(&folder, arguments);
    assert!(said(&["fleet", "list", "--fleet", "fleet"]).contains("kizashi fleet init"));
    text(&folder, &["fleet", "init", "fleet", "--server", "127.0.0.1"]);
    assert!(
        said(&["fleet", "init", "fleet", "--server", "127.0.0.1"]).contains("kizashi fleet add")
    );
    assert!(said(&["fleet", "init", "two", "--server", "a b"]).contains("host:port"));
    assert!(said(&["fleet", "add", "Tokyo.1", "--fleet", "fleet"]).contains("a to z"));
    assert!(said(&["fleet", "revoke", "tokyo", "--fleet", "fleet"]).contains("kizashi fleet list"));
    text(&folder, &["fleet", "add", "tokyo", "--fleet", "fleet"]);
    assert!(said(&["fleet", "add", "tokyo", "--fleet", "fleet"]).contains("revoke it first"));
    let (hub, tokyo) = ("fleet/credentials/hub.toml", "fleet/credentials/tokyo.toml");
    assert!(said(&["sensor", "--credentials", hub, "--data", "d"]).contains("kizashi fleet add"));
    assert!(said(&["hub", "--credentials", tokyo, "--data", "d"]).contains("hub.toml"));
    assert!(said(&["sensor", "--credentials", "none.toml"]).contains("none.toml"));
    assert!(said(&["sensor", "--credentials", tokyo, "--hub", "http://hub"]).contains("nats://"));
    folder.write("broken.toml", b"name = 1");
    assert!(said(&["sensor", "--credentials", "broken.toml"]).contains("kizashi fleet add"));
}
