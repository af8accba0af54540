//! What is written for other programs, read by them.

use std::io::Write as _;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use kizashi_event::Timestamp;
use kizashi_notify::Notice;
use kizashi_notify::share::{Form, Shared, Source};
use kizashi_signs::Sign;
use kizashi_store::Evidence;

const HOSTILE: &str = "=cmd|' /C calc'!A0 </content> ]]> \" & <script> \u{202e}";

fn sign(port: u16, label: &str) -> Sign {
    let moment = "2026-11-20T12:00:00.000000Z";
    let json = serde_json::json!({
        "id": format!("20261120T1200Z-tcp-{port}"), "kind": "rise", "key": format!("tcp/{port}"), "label": label,
        "since": moment, "detected": moment, "days": 1_045.3, "ratio": 8.4, "ratio_low": 4.1, "ratio_high": 17.9,
        "events": 1234, "sources": 21, "expected_sources": 2.5, "severity": "high", "name": null, "open": true,
        "until": moment, "before": 60.0, "after": 504.0, "ports": [], "also": [], "rising": 1,
    });
    serde_json::from_value(json).unwrap()
}

pub(crate) fn shared() -> Shared {
    let signs =
        [sign(5900, "VNC screen sharing"), sign(23, &kizashi_event::escape_for_people(HOSTILE))];
    let now = Timestamp::parse("2026-11-21T00:00:00Z").unwrap();
    let source = |address: &str, sign: &Sign| Source {
        address: address.parse::<IpAddr>().unwrap(),
        events: 9,
        since: sign.since,
        until: now.plus(7 * Timestamp::DAY),
        signs: vec![sign.id.clone()],
    };
    let evidence = Evidence {
        users: vec![(HOSTILE.to_owned(), 3)],
        sources: vec![("198.51.100.7".to_owned(), 9)],
        ..Evidence::default()
    };
    Shared {
        sensor: "sensor <1>".to_owned(),
        now,
        sources: vec![
            source("198.51.100.7", &signs[0]),
            source("203.0.113.9", &signs[1]),
            source("2001:db8::7", &signs[0]),
        ],
        notices: signs.iter().map(|sign| Notice::of(sign, &evidence)).collect(),
    }
}

/// Gives a program a text and takes what it prints; `None` where there is no such program.
pub(crate) fn ask(program: &mut Command, text: &str) -> Option<Output> {
    let child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        println!("skipped: {:?} is not there", program.get_program());
        return None;
    };
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    Some(child.wait_with_output().unwrap())
}

fn python3(script: &str, form: Form) -> String {
    let output = ask(Command::new("python3").args(["-c", script]), &shared().write(form)).unwrap();
    assert!(output.status.success(), "{form:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn nft_takes_the_table_and_an_empty_one_too() {
    let empty = Shared { now: Timestamp::from_seconds(1), ..Shared::default() };
    for shared in [shared(), empty] {
        // In a network of its own, for even a check asks the kernel.
        let mut nft = Command::new("unshare");
        nft.args(["--user", "--map-root-user", "--net", "nft", "-c", "-f", "-"])
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        let Some(output) = ask(&mut nft, &shared.write(Form::Nftables)) else { return };
        let error = String::from_utf8_lossy(&output.stderr);
        if error.contains("unshare") || error.contains("nft: No such") {
            println!("skipped: {error}");
            return;
        }
        assert!(output.status.success(), "{error}");
    }
}

#[test]
fn the_filter_of_the_documentation_finds_every_address_in_the_log() {
    let document = include_str!("../../../../docs/sharing.md");
    let regex = document
        .lines()
        .find_map(|line| line.strip_prefix("failregex = "))
        .expect("docs/sharing.md has the filter");
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let log = folder.join(format!("kizashi-{}.log", std::process::id()));
    std::fs::write(&log, shared().write(Form::Fail2ban)).unwrap();
    let output =
        Command::new("fail2ban-regex").arg("--print-all-matched").arg(&log).arg(regex).output();
    let _ = std::fs::remove_file(&log);
    let Ok(output) = output else {
        println!("skipped: fail2ban-regex is not there");
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("3 matched") && said.contains("0 missed"), "{said}");
}

#[test]
fn pythons_own_readers_find_everything_in_feeds_tables_and_lines() {
    let titles = python3(
        "import sys, xml.etree.ElementTree as E\nr=E.parse(sys.stdin).getroot()\nn='{http://www.w3.org/2005/Atom}'\n\
         for e in r.findall(n+'entry'): print(e.find(n+'title').text, e.find(n+'content').get('type'))",
        Form::Atom,
    );
    assert!(titles.contains("<script>") && titles.lines().count() == 2, "{titles}");
    let rows =
        python3("import sys, csv\nfor r in csv.reader(sys.stdin): print(len(r), r[5])", Form::Csv);
    assert!(rows.lines().count() == 3 && rows.lines().all(|row| row.starts_with("14 ")), "{rows}");
    let kinds = python3(
        "import sys, json\nfor l in sys.stdin: print(json.loads(l)['event']['kind'])",
        Form::Ecs,
    );
    assert_eq!(kinds, "alert\nalert\n");
    let addresses = python3(
        "import sys, ipaddress\nfor l in sys.stdin:\n  if l[0] != '#': print(ipaddress.ip_address(l.strip()))",
        Form::Blocklist,
    );
    assert_eq!(addresses, "198.51.100.7\n203.0.113.9\n2001:db8::7\n");
}

#[test]
fn the_validator_of_stix_finds_no_error_and_the_library_reads_every_object() {
    const SCRIPT: &str = "
import sys, stix2, stix2validator
text = sys.stdin.read()
results = stix2validator.validate_string(text, stix2validator.ValidationOptions(version='2.1'))
assert results.is_valid, [str(error) for error in results.errors]
bundle = stix2.parse(text, version='2.1')
print(sorted({object.type for object in bundle.objects}), len(bundle.objects))
";
    let Some(python) = crate::python() else { return };
    let output =
        ask(Command::new(python).args(["-W", "ignore", "-c", SCRIPT]), &shared().write(Form::Stix))
            .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said.trim(), "['identity', 'indicator', 'report'] 6");
}
