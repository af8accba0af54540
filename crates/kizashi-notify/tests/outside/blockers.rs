//! Lists to block by, taken by the programs that block: `ipset restore` in a network of its own, fail2ban's server with the filter and the jail of
//! docs/sharing.md, CrowdSec with a local API of its own and no other. What is not there, or what the kernel does not give, is said and skipped.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use jiff::ZonedDateTime;
use kizashi_event::Timestamp;
use kizashi_notify::share::{Form, Shared};

use crate::readers::{ask, shared};
use crate::receivers::{Folder, Killed, eventually};

const DOCUMENT: &str = include_str!("../../../../docs/sharing.md");

/// What is shared as if it were gathered now, for who reads its times.
fn of_now() -> Shared {
    let now = Timestamp::from_micros(ZonedDateTime::now().timestamp().as_microsecond());
    let mut shared = shared();
    for source in &mut shared.sources {
        source.until = now.plus(7 * Timestamp::DAY);
    }
    Shared { now, ..shared }
}

/// The lines of the documentation's block that begins with this line, without it.
fn block_of_the_document(first: &str) -> String {
    let lines = DOCUMENT.lines().skip_while(|line| *line != first).skip(1);
    lines.take_while(|line| !line.starts_with("```")).fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "{line}");
        text
    })
}

fn is_there(program: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", "command -v \"$0\" >/dev/null", program])
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        println!("skipped: {program} is not there");
    }
    found
}

#[test]
fn ipset_restores_the_sets_twice_over_and_each_entry_ends() {
    if !is_there("ipset") {
        return;
    }
    let mut command = Command::new("unshare");
    let script = "cat >/dev/shm/$$; ipset restore </dev/shm/$$ && ipset restore </dev/shm/$$; code=$?; rm /dev/shm/$$; ipset save; exit $code";
    command
        .args(["--user", "--map-root-user", "--net", "sh", "-c", script])
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let Some(output) = ask(&mut command, &of_now().write(Form::Ipset)) else { return };
    let error = String::from_utf8_lossy(&output.stderr);
    if error.contains("unshare")
        || error.contains("Kernel support protocol")
        || error.contains("Cannot open session")
    {
        println!("skipped: no network of its own, or no ip_set in the kernel: {error}");
        return;
    }
    assert!(output.status.success(), "{error}");
    let said = String::from_utf8_lossy(&output.stdout);
    for address in ["198.51.100.7", "203.0.113.9", "2001:db8::7"] {
        let line = said.lines().find(|line| line.starts_with("add") && line.contains(address));
        assert!(line.is_some_and(|line| line.contains("timeout 6")), "{address}: {said}");
    }
}

#[test]
fn fail2ban_bans_everybody_on_the_list_by_the_filter_and_the_jail_of_the_documentation() {
    if !is_there("fail2ban-server") {
        return;
    }
    let folder = Folder::new();
    let at = |name: &str| folder.0.join(name);
    let write = |name: &str, text: &str| {
        std::fs::create_dir_all(at(name).parent().unwrap()).unwrap();
        std::fs::write(at(name), text).unwrap();
    };
    write("blocklist.log", &of_now().write(Form::Fail2ban));
    write("filter.d/kizashi.conf", &block_of_the_document("# /etc/fail2ban/filter.d/kizashi.conf"));
    let jail = block_of_the_document("# /etc/fail2ban/jail.d/kizashi.conf");
    let jail =
        jail.replace("/var/lib/kizashi-blocklist.log", &at("blocklist.log").display().to_string());
    assert!(jail.contains("blocklist.log"), "the documentation has a jail");
    // What a distribution's own files say of all jails; what is banned here is nobody.
    let common = "[DEFAULT]\nbackend = polling\nusedns = no\nbanaction_allports = nobody\naction = %(banaction)s\n";
    write("jail.conf", &format!("{common}{jail}"));
    write("action.d/nobody.conf", "[Definition]\nactionban = true\nactionunban = true\n");
    let main = format!(
        "[Definition]\nloglevel = INFO\nlogtarget = STDOUT\nsyslogsocket = auto\nsocket = {0}/s\npidfile = {0}/p\ndbfile = None\ndbpurgeage = 1d\ndbmaxmatches = 10\nallowipv6 = auto\n",
        folder.0.display()
    );
    write("fail2ban.conf", &main);
    let with = |program: &str| {
        let mut command = Command::new(program);
        command.arg("-c").arg(&folder.0).arg("-s").arg(at("s")).arg("-p").arg(at("p"));
        command
    };
    let tested = with("fail2ban-client").arg("-t").output().unwrap();
    assert!(tested.status.success(), "{}", String::from_utf8_lossy(&tested.stderr));
    let server =
        with("fail2ban-server").arg("-f").stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let _server = Killed(server.unwrap());
    let banned = eventually("all are banned", || {
        let output = with("fail2ban-client").args(["status", "kizashi"]).output().ok()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        said.contains("Total banned:\t3").then_some(said)
    });
    for address in ["198.51.100.7", "203.0.113.9", "2001:db8::7"] {
        assert!(banned.contains(address), "{banned}");
    }
}

/// A CrowdSec that knows nobody but itself.
fn crowdsec(folder: &Path, port: u16) {
    let write = |name: &str, text: &str| {
        std::fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
        std::fs::write(folder.join(name), text).unwrap();
    };
    write(
        "config.yaml",
        &format!(
            "common: {{daemonize: false, log_media: stdout, log_level: warning, working_dir: .}}
config_paths: {{config_dir: {0}, data_dir: {0}, simulation_path: {0}/simulation.yaml, hub_dir: {0}/hub, index_path: {0}/hub/.index.json, notification_dir: {0}/none, plugin_dir: {0}/none}}
db_config: {{type: sqlite, db_path: {0}/crowdsec.db, use_wal: true}}
api: {{client: {{credentials_path: {0}/client.yaml}}, server: {{enable: true, listen_uri: \"127.0.0.1:{port}\", profiles_path: {0}/profiles.yaml}}}}
prometheus: {{enabled: false}}
",
            folder.display()
        ),
    );
    write("simulation.yaml", "simulation: off\n");
    write(
        "profiles.yaml",
        "name: none\nfilters: ['false']\ndecisions: [{type: ban, duration: 4h}]\non_success: break\n",
    );
    write(
        "hub/.index.json",
        "{\"collections\":{},\"parsers\":{},\"postoverflows\":{},\"scenarios\":{}}",
    );
    write("client.yaml", "");
    std::fs::create_dir_all(folder.join("none")).unwrap();
}

#[test]
fn crowdsec_imports_the_decisions_and_bans_each_address_for_its_time() {
    if !is_there("crowdsec") || !is_there("cscli") {
        return;
    }
    let folder = Folder::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    crowdsec(&folder.0, port);
    let file = folder.0.join("decisions.json");
    std::fs::write(&file, of_now().write(Form::Crowdsec)).unwrap();
    let config = folder.0.join("config.yaml");
    let cscli = |arguments: &[&str]| {
        let output = Command::new("cscli").arg("-c").arg(&config).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success(), said, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (made, _, error) =
        cscli(&["machines", "add", "test", "--password", "of-the-test", "--force"]);
    assert!(made, "{error}");
    let server = Command::new("crowdsec")
        .arg("-c")
        .arg(&config)
        .arg("-no-cs")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let _server = Killed(server.unwrap());
    eventually("the local API answers", || {
        std::net::TcpStream::connect(("127.0.0.1", port)).ok().map(drop)
    });
    // As docs/sharing.md says it.
    assert!(DOCUMENT.contains("cscli decisions import -i decisions.json"));
    let (imported, _, error) = cscli(&["decisions", "import", "-i", file.to_str().unwrap()]);
    assert!(imported && !error.contains("level=error"), "{error}");
    let (_, said, error) = cscli(&["decisions", "list", "-a", "-o", "json"]);
    let alerts: serde_json::Value = serde_json::from_str(&said).unwrap_or_default();
    let decisions: Vec<&serde_json::Value> = alerts
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|alert| alert["decisions"].as_array().unwrap())
        .collect();
    assert_eq!(decisions.len(), 3, "{said} {error}");
    for decision in decisions {
        assert_eq!((&decision["type"], &decision["scope"]), (&"ban".into(), &"Ip".into()));
        assert!(decision["duration"].as_str().unwrap().starts_with("167h"), "{decision}");
        assert!(decision["scenario"].as_str().unwrap().starts_with("kizashi: 2026"), "{decision}");
    }
}
