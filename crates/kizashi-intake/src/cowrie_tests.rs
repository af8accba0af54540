use super::*;

const NEW: &str = r#""session":"00ff","protocol":"ssh","src_ip":"192.0.2.7","src_port":40000,"dst_ip":"198.51.100.1","dst_port":2222,"sensor":"s","timestamp":"2026-01-02T03:04:05.678901Z""#;
const OLD: &str = r#""session": "00ff", "src_ip": "192.0.2.7", "isError": 0, "sensor": "s", "timestamp": "2018-01-02T03:04:05.678901Z", "system": "SSHService 'ssh-userauth' on HoneyPotSSHTransport,3,192.0.2.7""#;

fn read_all(lines: &[String]) -> Vec<Event> {
    let mut parser = Cowrie::new("default".into());
    let mut events = Vec::new();
    for line in lines {
        parser.parse(line.as_bytes(), &mut |event| events.push(event)).unwrap();
    }
    events
}

fn one(name: &str, fields: &str) -> Event {
    let comma = if fields.is_empty() { "" } else { "," };
    read_all(&[format!("{{\"eventid\":\"cowrie.{name}\",{NEW}{comma}{fields}}}")]).remove(0)
}

#[test]
fn a_login_is_read_whole() {
    let event = one("login.success", r#""username":"root","password":"a\"b""#);
    assert_eq!(event.time.rfc3339(), "2026-01-02T03:04:05.678901Z");
    assert_eq!(event.source, "192.0.2.7".parse::<IpAddr>().unwrap());
    assert_eq!(event.source_port, 40_000);
    assert_eq!(event.destination, "198.51.100.1".parse().ok());
    assert_eq!((event.port, event.service.name()), (Port::tcp(2222), "ssh"));
    assert_eq!((&*event.sensor, event.session), ("s", Some(SessionId::of_foreign("s", "00ff"))));
    assert_eq!(
        event.detail,
        Detail::Login {
            username: Some("root".into()),
            password: Some("a\"b".into()),
            public_key: None,
            accepted: true
        }
    );
}

#[test]
fn every_kind_of_event_finds_its_place() {
    let hash = "69c24d6b4b4fa5f4b740669c8b97302f73bb6ac424e2b793b8bb41469d7717cd";
    assert_eq!(one("session.connect", "").detail, Detail::Connect);
    assert_eq!(
        one("session.closed", "\"duration_ms\":1019").detail,
        Detail::Close { duration_ms: Some(1019), received: None }
    );
    assert_eq!(
        one("client.kex", "\"hassh\":\"abcd\"").detail,
        Detail::Client { version: None, fingerprint: Some("hassh:abcd".into()), algorithms: None }
    );
    assert_eq!(
        one("command.input", "\"input\":\"uname -a\"").detail,
        Detail::Command { line: "uname -a".into(), known: None }
    );
    let upload =
        one("session.file_upload", &format!("\"shasum\":\"{hash}\",\"filename\":\".x86\""));
    assert_eq!(upload.detail.payload().unwrap().origin, PayloadOrigin::Upload);
    assert_eq!(upload.detail.payload().unwrap().name, Some(".x86".into()));
    let url = format!("\"shasum\":\"{hash}\",\"url\":\"http://192.0.2.9/a\"");
    let download = one("session.file_download", &url);
    assert_eq!(download.detail.payload().unwrap().origin, PayloadOrigin::Download);
    let redirect = one("session.file_download", &format!("\"shasum\":\"{hash}\""));
    assert_eq!(redirect.detail.payload().unwrap().origin, PayloadOrigin::Redirect);
    assert_eq!(
        one("client.size", "\"width\":80,\"height\":24").detail,
        Detail::Note { name: "terminal size".into(), value: "80x24".into() }
    );
}

#[test]
fn the_lists_of_a_key_exchange_are_kept_whatever_they_hold() {
    let algorithms = |fields: &str| match one("client.kex", fields).detail {
        Detail::Client { algorithms, .. } => algorithms.map(|text| text.raw().to_owned()),
        other => panic!("{other:?}"),
    };
    let lists = r#""kexAlgs":["a","b"],"keyAlgs":["c"],"encCS":["d","e"],"macCS":["f"],"compCS":["none"],"langCS":[""]"#;
    assert_eq!(algorithms(lists).as_deref(), Some("a,b;c;d,e;;f;;none;;;"));
    assert_eq!(
        algorithms(r#""kexAlgs":["a",1,null,[2]],"encCS":7"#).as_deref(),
        Some("a,1,,2;;7;;;;;;;")
    );
    assert_eq!(algorithms(r#""kexAlgs":{},"keyAlgs":["c"]"#), None);
}

#[test]
fn an_event_without_a_place_of_its_own_keeps_its_fields_as_a_note() {
    assert_eq!(
        one("telnet.option", r#""command":"WILL","option_byte":39"#).detail,
        Detail::Note {
            name: "cowrie.telnet.option".into(),
            value: r#"{"command":"WILL","option_byte":39}"#.into()
        }
    );
    assert_eq!(
        one("greynoise.result", r#""message":"noise""#).detail,
        Detail::Note { name: "cowrie.greynoise.result".into(), value: "noise".into() }
    );
    let broken_hash = one("session.file_download", r#""shasum":"none""#);
    assert!(matches!(broken_hash.detail, Detail::Note { .. }));
}

#[test]
fn a_forward_does_not_move_the_port_that_was_visited() {
    let lines = [
        format!("{{\"eventid\":\"cowrie.session.connect\",{NEW}}}"),
        r#"{"eventid":"cowrie.direct-tcpip.data","session":"00ff","sensor":"s","src_ip":"192.0.2.7","src_port":1,"dst_ip":"203.0.113.9","dst_port":25,"data":"b'EHLO\\r\\n'","timestamp":"2026-01-02T03:04:06Z"}"#.to_owned(),
    ];
    let event = read_all(&lines).remove(1);
    assert_eq!((event.port, event.source_port), (Port::tcp(2222), 40_000));
    assert_eq!(event.destination, "198.51.100.1".parse().ok());
    assert_eq!(
        event.detail,
        Detail::Forward { host: "203.0.113.9".into(), port: 25, data: Some("EHLO\r\n".into()) }
    );
}

#[test]
fn older_logs_get_the_port_of_the_session_and_a_guess_where_none_is_known() {
    let login = format!("{{\"eventid\": \"cowrie.login.failed\", {OLD}, \"username\": \"\"}}");
    let connect = format!(
        "{{\"eventid\": \"cowrie.session.connect\", {OLD}, \"protocol\": \"ssh\", \"dst_port\": 2222, \"src_port\": 5}}"
    );
    let closed = format!("{{\"eventid\": \"cowrie.session.closed\", {OLD}, \"duration\": 0.0731}}");
    let events = read_all(&[login.clone(), connect, login, closed]);
    assert_eq!(events[0].port, Port::tcp(22));
    assert_eq!((events[2].port, events[2].source_port), (Port::tcp(2222), 5));
    assert_eq!(events[3].detail, Detail::Close { duration_ms: Some(73), received: None });
    let telnet = r#"{"eventid":"cowrie.login.failed","session":"1","src_ip":"192.0.2.7","timestamp":"2018-01-02T03:04:05Z","system":"CowrieTelnetTransport,5,192.0.2.7"}"#;
    let event = read_all(&[telnet.to_owned()]).remove(0);
    assert_eq!((event.port, event.service.name()), (Port::tcp(23), "telnet"));
    assert_eq!(&*event.sensor, "default");
}

#[test]
fn an_event_of_no_visitor_is_kept_as_a_note_without_one() {
    let line = r#"{"eventid":"cowrie.abuseipdb.started","timestamp":"2018-01-02T03:04:05Z","message":"started"}"#;
    let event = read_all(&[line.to_owned()]).remove(0);
    assert!(event.source.is_unspecified() && event.session.is_none());
}

#[test]
fn a_broken_line_says_why() {
    let mut parser = Cowrie::new("d".into());
    let mut refuse = |line: &str| {
        let error = parser.parse(line.as_bytes(), &mut |_| panic!("an event of {line}"));
        error.unwrap_err().0.remove(0).reason.into_owned()
    };
    assert_eq!(refuse("hello"), "not a JSON object");
    assert_eq!(refuse(r#"{"eventid":"cowrie.se"#), "the line ends in the middle of its JSON");
    assert_eq!(refuse("{}"), "no `eventid` that begins with `cowrie.`");
    assert_eq!(refuse(r#"{"eventid":"cowrie.x"}"#), "no `timestamp` that is a time");
    let address = r#"{"eventid":"cowrie.x","timestamp":"2018-01-02T03:04:05Z","src_ip":"x"}"#;
    assert_eq!(refuse(address), "`src_ip` is not an address");
}
