//! Reports to public lists as their servers get them: what is sent to AbuseIPDB is read by Python's own readers of forms and tables, what is
//! sent to DShield is proved as its own scripts prove it. The lists themselves are asked nothing.

use kizashi_event::Timestamp;
use kizashi_notify::sightings::{Sighting, Sightings, Visited};
use kizashi_notify::{Outbox, Sent};

use crate::receivers::{
    Folder, LONG, OK, Running, courier, eventually, listed, settings, test, web,
};

fn sightings() -> Sightings {
    let visited = |port, service: &str, logins| Visited {
        port,
        service: service.to_owned(),
        first: Timestamp::parse("2026-11-29T06:00:07Z").unwrap(),
        source_port: 40_000,
        connections: 3,
        logins,
        commands: 0,
        attacks: 0,
        files: 0,
    };
    let source = |address: &str, ports| Sighting {
        address: address.parse().unwrap(),
        first: Timestamp::parse("2026-11-29T06:00:07Z").unwrap(),
        ports,
    };
    Sightings {
        key: "sightings-20261129T0600Z".to_owned(),
        sources: vec![
            source("198.51.100.7", vec![visited(22, "ssh", 2), visited(8_080, "http", 0)]),
            source("2001:db8::7", vec![visited(23, "telnet", 1)]),
        ],
        left_out: 0,
    }
}

fn python(script: &str, text: &str) -> String {
    let output = std::process::Command::new("python3").args(["-c", script, text]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

const TAKEN: &str = "HTTP/1.1 200 OK\r\nContent-Length: 47\r\n\r\n{\"data\":{\"savedReports\":2,\"invalidReports\":[]}}\n";

#[test]
fn abuseipdb_gets_one_file_of_a_period_and_the_same_period_again_sends_nothing() {
    const READ: &str = "
import sys, csv, io, email, email.policy
head, body = sys.argv[1].split('\\n\\n', 1)
kind = [line for line in head.splitlines() if line.lower().startswith('content-type:')][0]
form = email.message_from_string(kind + '\\n\\n' + body, policy=email.policy.HTTP)
part, = form.iter_parts()
assert part.get_param('name', header='content-disposition') == 'csv', part.items()
for row in csv.reader(io.StringIO(part.get_content())): print('|'.join(row))
";
    let folder = Folder::new();
    let (address, told) = web(&[TAKEN]);
    let notify = settings(&format!(
        "[channels.list]\nkind = \"abuseipdb\"\nurl = \"http://{address}\"\ntoken = \"the key\""
    ));
    let outbox = Outbox::of(&folder.0);
    outbox.add_sightings(&sightings()).unwrap();
    let running = Running::start(courier(&folder, &notify));
    let request = told.recv_timeout(LONG).unwrap();
    assert!(request.starts_with("POST /api/v2/bulk-report HTTP/1.1"), "{request}");
    for header in ["key: the key\r", "accept: application/json\r"] {
        assert!(request.contains(header), "{request}");
    }
    assert_eq!(
        python(READ, &request.replace('\r', "")),
        "IP|Categories|ReportDate|Comment\n\
         198.51.100.7|14,18,22|2026-11-29T06:00:07+00:00|Honeypot (Kizashi), 6 hours: tcp/22 ssh: 3 connections, 2 login tries; tcp/8080 http: 3 connections\n\
         2001:db8::7|18,23|2026-11-29T06:00:07+00:00|Honeypot (Kizashi), 6 hours: tcp/23 telnet: 3 connections, 1 login try\n"
    );
    eventually("it is noted as sent", || (listed(&folder, "sent").len() == 1).then_some(()));
    outbox.add_sightings(&sightings()).unwrap();
    let kept = folder.0.join("kizashi-outbox/sightings/sightings-20261129T0600Z.json");
    eventually("the same period is taken up", || (!kept.exists()).then_some(()));
    assert!(told.recv_timeout(std::time::Duration::from_millis(1_500)).is_err());
    assert_eq!(listed(&folder, "waiting"), []);
    drop(running);
}

#[test]
fn dshield_gets_lines_without_this_machines_address_and_a_proof_of_the_key_alone() {
    const PROVE: &str = "
import sys, json, hmac, hashlib, base64
body = json.loads(sys.argv[1].split('\\n\\n', 1)[1])
kind, credentials, user, nonce = body['authheader'].split()
nonce = nonce[len('Nonce='):]
proof = base64.b64encode(hmac.new((nonce + '42').encode(), msg=b'the key', digestmod=hashlib.sha256).digest()).decode()
assert (kind, credentials, user) == ('ISC-HMAC-SHA256', 'Credentials=' + proof, 'Userid=42'), body
print(body['type'])
for l in body['logs']: print(l['time'], l['sip'], l['sport'], l['dip'], l['dport'], l['proto'], l['flags'], l['version'])
";
    let folder = Folder::new();
    let (address, told) = web(&[OK]);
    let notify = settings(&format!(
        "[channels.list]\nkind = \"dshield\"\nurl = \"http://{address}\"\nuser = \"42\"\ntoken = \"the key\""
    ));
    Outbox::of(&folder.0).add_sightings(&sightings()).unwrap();
    let running = Running::start(courier(&folder, &notify));
    let request = told.recv_timeout(LONG).unwrap();
    assert!(request.starts_with("POST /submitapi/ HTTP/1.1"), "{request}");
    assert!(!request.contains("the key") && !request.contains("sensor"), "{request}");
    assert!(
        request.contains("x-isc-logtype: firewall\r")
            && request.contains("x-isc-authorization: ISC-HMAC")
    );
    assert_eq!(
        python(PROVE, &request.replace('\r', "")),
        "firewall\n1795932007 198.51.100.7 40000 10.0.0.1 22 6 S 4\n1795932007 198.51.100.7 40000 10.0.0.1 8080 6 S 4\n\
         1795932007 2001:db8::7 40000 fd00::1 23 6 S 6\n"
    );
    eventually("it is noted as sent", || (listed(&folder, "sent").len() == 1).then_some(()));
    drop(running);
}

#[test]
fn a_list_that_says_no_is_told_of_in_its_words_and_a_test_reports_nobody() {
    let full =
        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 29241\r\nContent-Length: 5\r\n\r\nlimit";
    let (address, told) = web(&[
        "HTTP/1.1 200 OK\r\nContent-Length: 36\r\n\r\n{\"data\":{\"abuseConfidenceScore\":0  }}",
        "HTTP/1.1 401 Unauthorized\r\nContent-Length: 9\r\n\r\nwrong key",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhotel",
        full,
    ]);
    let notify = settings(&format!(
        "[channels.list]\nkind = \"abuseipdb\"\nurl = \"http://{address}\"\ntoken = \"the key\""
    ));
    assert_eq!(test(&notify), Sent::Delivered);
    let asked = told.recv_timeout(LONG).unwrap();
    assert!(asked.starts_with("GET /api/v2/check?ipAddress=127.0.0.1"), "{asked}");
    for word in ["wrong key", "own words", "429"] {
        let Sent::Failed(why) = test(&notify) else { panic!("{word}: taken for delivered") };
        assert!(why.contains(word), "{word}: {why}");
    }
    let (address, told) = web(&[OK]);
    let notify = settings(&format!(
        "[channels.list]\nkind = \"dshield\"\nurl = \"http://{address}\"\nuser = \"42\"\ntoken = \"k\""
    ));
    assert_eq!(test(&notify), Sent::Delivered);
    let asked = told.recv_timeout(LONG).unwrap();
    assert!(asked.starts_with("POST /devsubmitapi/") && asked.contains("\"logs\":[]"), "{asked}");
}

#[test]
fn signs_are_not_told_to_a_list_nor_sightings_to_anybody_else() {
    let folder = Folder::new();
    let (list, told_list) = web(&[TAKEN]);
    let (hook, told_hook) = web(&[OK]);
    let notify = settings(&format!(
        "[channels.list]\nkind = \"abuseipdb\"\nurl = \"http://{list}\"\ntoken = \"k\"\n[channels.hook]\nkind = \"slack\"\nurl = \"http://{hook}/\""
    ));
    crate::receivers::show(&folder, &[]);
    let running = Running::start(courier(&folder, &notify));
    eventually("the channel is known", || {
        folder.0.join("kizashi-outbox/state.json").exists().then_some(())
    });
    crate::receivers::show(&folder, &[crate::receivers::a_sign(22)]);
    assert!(told_hook.recv_timeout(LONG).unwrap().contains("tcp/22"));
    Outbox::of(&folder.0).add_sightings(&sightings()).unwrap();
    assert!(told_list.recv_timeout(LONG).unwrap().starts_with("POST /api/v2/bulk-report"));
    eventually("both are sent", || (listed(&folder, "sent").len() == 2).then_some(()));
    assert_eq!(listed(&folder, "waiting"), []);
    drop(running);
}
