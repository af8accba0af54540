//! What an advisory tells people to type, typed: every distinct step of every advisory, by bash, in a network and an `/etc` of its own that end with
//! it. nft and sshd are the real ones; services that are not there (`systemctl`, `docker` and so on) are stood in for, and what is
//! then left to see is what a step did to their files. Where the kernel gives no namespaces to this user the test says so and is skipped.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Output};

use kizashi_signs::{
    Around, Campaigns, Certainty, Language, Recognised, Recognition, Sign, Step, advisory_in,
};
use kizashi_store::Evidence;

/// Ports on which something usual stands, one that has nothing, and some that are none of TCP.
const KEYS: [&str; 33] = [
    "tcp/22",
    "tcp/23",
    "tcp/25",
    "tcp/80",
    "tcp/102",
    "tcp/443",
    "tcp/445",
    "tcp/1433",
    "tcp/2375",
    "tcp/2376",
    "tcp/3306",
    "tcp/3389",
    "tcp/4444",
    "tcp/5060",
    "tcp/5432",
    "tcp/5900",
    "tcp/6379",
    "tcp/6443",
    "tcp/9100",
    "tcp/9200",
    "tcp/11211",
    "tcp/11434",
    "tcp/27017",
    "udp/53",
    "udp/123",
    "udp/1900",
    "udp/5060",
    "udp/11211",
    "udp/4444",
    "icmp/8",
    "password:x",
    "command-family:cd * $(reboot)",
    "country:BR",
];

fn sign(kind: &str, key: &str, recognised: Option<&str>, campaigns: &Campaigns) -> Sign {
    let moment = "2026-11-29T06:00:00.000000Z";
    let json = serde_json::json!({
        "id": "20261129T0600Z-tcp-22", "kind": kind, "key": key, "label": "a service", "since": moment, "detected": moment,
        "days": 1_045.3, "ratio": 8.4, "ratio_low": 4.1, "ratio_high": 17.9, "events": 1234, "sources": 21,
        "expected_sources": 2.5, "severity": "high", "name": null, "open": true, "until": moment, "before": 60.0,
        "after": 504.0, "ports": ["tcp/22"], "also": [], "rising": 1,
    });
    let mut sign: Sign = serde_json::from_value(json).unwrap();
    if let Some(campaign) = recognised.and_then(|id| campaigns.get(id)) {
        sign.recognised = Recognition {
            certainty: Certainty::Sure,
            campaigns: vec![Recognised {
                id: campaign.id.clone(),
                name: campaign.name.en.clone(),
                kind: campaign.kind,
                certainty: Certainty::Sure,
                points: 9.0,
                marks: Vec::new(),
            }],
            visitors: 21,
            spoke: 19,
        };
    }
    sign
}

/// Every distinct step of commands that any advisory has, with an order in which it stands there.
fn steps() -> BTreeSet<Vec<String>> {
    let campaigns = Campaigns::builtin();
    let evidence = Evidence {
        sources: vec![
            ("198.51.100.7".to_owned(), 9),
            ("$(reboot)".to_owned(), 3),
            ("2001:db8::7".to_owned(), 2),
            ("203.0.113.9".to_owned(), 1),
        ],
        ..Evidence::default()
    };
    let mut signs: Vec<Sign> = Vec::new();
    for kind in ["rise", "sensor-wide", "port-silent", "sensor-silent", "misbehaviour"] {
        signs.extend(KEYS.iter().map(|key| sign(kind, key, None, &campaigns)));
    }
    for campaign in campaigns.all() {
        for key in ["tcp/22", "tcp/80", "udp/53", "password:x"] {
            signs.push(sign("rise", key, Some(&campaign.id), &campaigns));
        }
    }
    let mut steps = BTreeSet::new();
    for sign in &signs {
        let mut of_both: Vec<Vec<Vec<String>>> = Vec::new();
        for language in [Language::English, Language::Japanese] {
            let around = Around { language, campaigns: &campaigns, machine: None };
            let told = advisory_in(sign, &evidence, &around);
            let commands = |step: &Step| step.commands.clone();
            of_both.push(told.sections.iter().flat_map(|part| &part.steps).map(commands).collect());
        }
        assert_eq!(of_both[0], of_both[1], "{}: each language says the same commands", sign.key);
        steps.extend(of_both.swap_remove(0).into_iter().filter(|step| !step.is_empty()));
    }
    steps
}

/// Runs a script as root of a network, a mount table and users of its own; `None` where that cannot be had here.
fn apart(script: &str) -> Option<Output> {
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--net", "--mount", "bash", "-c"])
        .arg(format!("echo apart >&2\n{script}"))
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LC_ALL", "C");
    let output = command.output().ok()?;
    let entered = String::from_utf8_lossy(&output.stderr).contains("apart\n");
    if !entered {
        println!("skipped: no namespaces here: {}", String::from_utf8_lossy(&output.stderr));
    }
    entered.then_some(output)
}

fn has(program: &str) -> bool {
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

/// `sudo` of a machine on which everything is allowed, and services that are not there.
const AROUND: &str = r#"
sudo() { if [ "$1" = -u ]; then shift 2; fi; "$@"; }
for absent in systemctl docker kubectl psql sqlcmd wp postconf mailq journalctl testparm apt kizashi; do
  eval "$absent() { :; }"
done
"#;

/// An `/etc` with the files of services as their packages bring them, as far as a step touches them.
const ETC: &str = r#"
set -e
mount -t tmpfs tmpfs /run && mkdir -p /run/sshd
mkdir /run/kept && cp /etc/passwd /etc/group /etc/ld.so.cache /run/kept/
mount -t tmpfs tmpfs /etc && cp /run/kept/* /etc/
mkdir -p /etc/ssh/sshd_config.d /etc/redis /etc/mysql/conf.d /etc/elasticsearch /etc/samba /etc/systemd/system
printf 'Include /etc/ssh/sshd_config.d/*.conf\nKbdInteractiveAuthentication no\nUsePAM yes\nPasswordAuthentication yes\n' > /etc/ssh/sshd_config
printf 'PasswordAuthentication yes\n' > /etc/ssh/sshd_config.d/50-cloud-init.conf
printf '# bind 192.168.1.100 10.0.0.1\nbind 0.0.0.0\nport 6379\n# protected-mode no\nprotected-mode no\n' > /etc/redis/redis.conf
printf 'net:\n  port: 27017\n  bindIp: 0.0.0.0\n#security:\n' > /etc/mongod.conf
printf '#network.host: 192.168.0.1\nxpack.security.enabled: false\nnetwork.host: 0.0.0.0\n' > /etc/elasticsearch/elasticsearch.yml
printf -- '-m 64\n-p 11211\n-l 127.0.0.1\n-l ::1\n' > /etc/memcached.conf
printf '[global]\n   workgroup = WORKGROUP\n' > /etc/samba/smb.conf
set +e
"#;

#[test]
fn every_line_is_one_that_bash_can_read() {
    for line in steps().iter().flatten() {
        let output = Command::new("bash").args(["-n", "-c", line]).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(!line.contains("reboot"), "a visitor's words: {line}");
    }
}

#[test]
fn every_action_that_has_commands_is_told_by_some_advisory() {
    #[derive(serde::Deserialize)]
    struct Action {
        #[serde(default)]
        commands: Vec<String>,
    }
    let actions: BTreeMap<String, Action> =
        toml::from_str(include_str!("../data/actions.toml")).unwrap();
    let told: BTreeSet<String> = steps().into_iter().flatten().collect();
    for (id, action) in &actions {
        let plain = action.commands.iter().find(|line| !line.contains(['{']));
        assert!(plain.is_none_or(|line| told.contains(line)), "{id} is told by nobody");
    }
}

#[test]
fn rules_of_nft_are_taken_by_the_kernel_twice_over_and_close_both_families() {
    if !has("nft") {
        return;
    }
    let all = steps();
    let of_nft: Vec<&Vec<String>> =
        all.iter().filter(|step| step.iter().any(|line| line.contains("nft add"))).collect();
    assert!(of_nft.len() >= 10, "{of_nft:?}");
    let mut script = format!("{AROUND}\nset -e\n");
    for step in &of_nft {
        let lines: Vec<&String> = step.iter().filter(|line| line.contains("nft ")).collect();
        for line in lines.iter().chain(&lines) {
            script.push_str(line);
            script.push('\n');
        }
        script.push_str("nft list ruleset; nft delete table inet guard; echo step\n");
    }
    let Some(output) = apart(&script) else { return };
    let (said, error) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{error}");
    assert_eq!(said.matches("step\n").count(), of_nft.len(), "{error}");
    for rules in said.split("step\n").filter(|rules| rules.contains("dport")) {
        assert!(rules.contains("ip saddr !=") && rules.contains("ip6 saddr !="), "{rules}");
    }
    assert!(said.contains("198.51.100.7") && said.contains("203.0.113.9"), "{said}");
}

#[test]
fn sshd_takes_the_file_that_is_written_for_it_and_no_password_after() {
    if !has("sshd") || !has("ssh-keygen") {
        return;
    }
    let all = steps();
    let step = all
        .iter()
        .find(|step| step.iter().any(|line| line.contains("PasswordAuthentication no")))
        .unwrap();
    let script = format!(
        "{ETC}\nssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key\n{AROUND}\nset -e\n{}\n",
        step.join("\n")
    );
    let Some(output) = apart(&script) else { return };
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("passwordauthentication no"), "{said}");
}

#[test]
fn files_of_services_say_what_is_asked_of_them_once_however_often_the_step_is_taken() {
    let all = steps();
    let mut script = format!("{ETC}{AROUND}");
    let edits: Vec<&String> = all
        .iter()
        .flatten()
        .filter(|line| line.contains("/etc/") && !line.contains("sshd"))
        .collect();
    assert!(edits.iter().filter(|line| line.contains("tee")).count() >= 7, "{edits:?}");
    let steps: Vec<&Vec<String>> =
        all.iter().filter(|step| step.iter().any(|line| edits.contains(&line))).collect();
    for step in steps.iter().chain(&steps) {
        for line in step.iter().filter(|line| edits.contains(line)) {
            script.push_str(line);
            script.push_str(" >/dev/null || true\n");
        }
    }
    script.push_str(
        "cd /etc; for file in redis/redis.conf mongod.conf elasticsearch/elasticsearch.yml memcached.conf samba/smb.conf mysql/conf.d/*.cnf \
         systemd/system/ollama.service.d/*.conf; do sed \"s|^|$file: |\" \"$file\"; done",
    );
    let Some(output) = apart(&script) else { return };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = |file: &str, begins: &str| -> Vec<String> {
        let of_file = said.lines().filter_map(|line| line.strip_prefix(&format!("{file}: ")));
        of_file.filter(|line| line.starts_with(begins)).map(str::to_owned).collect()
    };
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(lines("redis/redis.conf", "bind"), ["bind 127.0.0.1 -::1"], "{said}{error}");
    assert_eq!(lines("redis/redis.conf", "protected-mode"), ["protected-mode yes"]);
    assert_eq!(lines("redis/redis.conf", "port"), ["port 6379"], "the rest stays");
    assert_eq!(lines("mongod.conf", "  bindIp"), ["  bindIp: 127.0.0.1"]);
    assert_eq!(lines("mongod.conf", "security:").len(), 1);
    let elastic = "elasticsearch/elasticsearch.yml";
    assert_eq!(lines(elastic, "network.host"), ["network.host: 127.0.0.1"]);
    assert_eq!(lines(elastic, "xpack"), ["xpack.security.enabled: true"]);
    assert_eq!(lines("memcached.conf", "-l"), ["-l 127.0.0.1"]);
    assert_eq!(lines("memcached.conf", "-U"), ["-U 0"]);
    assert_eq!(
        lines("samba/smb.conf", ""),
        ["[global]", "   server min protocol = SMB2_02", "   workgroup = WORKGROUP"]
    );
    assert_eq!(lines("mysql/conf.d/zz-local.cnf", "bind"), ["bind-address = 127.0.0.1"]);
    assert_eq!(
        lines("systemd/system/ollama.service.d/local.conf", ""),
        ["[Service]", "Environment=OLLAMA_HOST=127.0.0.1"]
    );
}

#[test]
fn programs_that_only_look_know_every_option_that_they_are_given() {
    const THAT_LOOK: [&str; 9] =
        ["ss ", "ps ", "last ", "find ", "ls ", "grep ", "nft list", "curl ", "sshd -t"];
    let all = steps();
    let looks: BTreeSet<&String> = all
        .iter()
        .flatten()
        .filter(|line| {
            let line = line.strip_prefix("sudo ").unwrap_or(line);
            THAT_LOOK.iter().any(|program| line.starts_with(program))
        })
        .collect();
    assert!(looks.len() >= 15, "{looks:?}");
    for line in looks {
        let script = format!("{AROUND}\n{line}");
        let Some(output) = apart(&script) else { return };
        // That a kernel has no table of sockets to show says nothing of the options.
        let error: String = String::from_utf8_lossy(&output.stderr)
            .to_lowercase()
            .lines()
            .filter(|line| !line.contains("rtnetlink answers"))
            .collect();
        let complains = ["invalid", "unrecognized", "unknown", "usage:", "syntax", "bad "]
            .iter()
            .any(|word| error.contains(word));
        assert!(!complains, "{line}: {error}");
    }
    let since = all.iter().flatten().find_map(|line| line.split("--since '").nth(1));
    let since = since.and_then(|rest| rest.split('\'').next()).unwrap();
    if has("systemd-analyze") {
        // journalctl reads times as this does (systemd.time(7)).
        let mut reading = Command::new("systemd-analyze");
        let output = reading.args(["timestamp", "--", since]).output().unwrap();
        assert!(output.status.success(), "{since}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
