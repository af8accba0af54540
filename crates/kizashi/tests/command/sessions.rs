//! Sessions seen again: a Telnet visit listed, found, played, written as asciicast and as Cowrie's log; and Cowrie's own log
//! imported and written again.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::support::{Folder, Running, eventually, json_lines, sentence, shared, text};

/// Reads until one of these words has come.
fn wait(stream: &mut TcpStream, words: &[&str]) -> String {
    let mut seen = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&seen).into_owned();
        if words.iter().any(|word| text.contains(word)) {
            return text;
        }
        let mut buffer = [0; 1024];
        let count = stream.read(&mut buffer).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert!(count > 0, "closed: {text}");
        seen.extend_from_slice(&buffer[..count]);
    }
}

/// A guesser that gets in within three tries, drops a file in two pieces and makes the terminal say something hostile.
fn visit(address: SocketAddr) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    for password in ["xc3511", "vizxv", "admin"] {
        stream.write_all(b"root\r\n").unwrap();
        wait(&mut stream, &["assword: "]);
        stream.write_all(format!("{password}\r\n").as_bytes()).unwrap();
        if !wait(&mut stream, &["# ", "ncorrect"]).contains("ncorrect") {
            break;
        }
    }
    stream.write_all(b"/bin/busybox ECCHI\r\n").unwrap();
    wait(&mut stream, &["ECCHI: applet not found"]);
    stream
        .write_all(b"echo -ne '\\x1b]0;owned\\x07\\x1b[1mbold\\x1b[0m'; /bin/busybox TITLE\r\n")
        .unwrap();
    wait(&mut stream, &["TITLE: applet not found"]);
    stream
        .write_all(b"echo -ne 'harm' > /tmp/x; echo -ne 'less' >> /tmp/x; /bin/busybox DONE\r\n")
        .unwrap();
    wait(&mut stream, &["DONE: applet not found"]);
}

#[test]
fn a_telnet_session_is_found_by_its_command_and_seen_again_without_harm() {
    let folder = Folder::new();
    let up = Running::up(&folder);
    visit(up.address("telnet"));
    let found = eventually("the session in the store", Duration::from_secs(8), || {
        let rows =
            json_lines(&folder, &["sessions", "--command", "ecchi", "--data", "data", "--json"]);
        rows.into_iter().find(|row| row["recorded"] == true && row["files"] == 1)
    });
    up.stop();
    assert_eq!((&found["service"], &found["commands"]), (&Value::from("telnet"), &Value::from(3)));
    let id = found["session"].as_str().unwrap();
    let played = text(&folder, &["play", id, "--data", "data"]);
    assert!(
        played.contains("ECCHI: applet not found\r\n") && played.contains("\u{1b}[1mbold\u{1b}[0m")
    );
    assert!(!played.contains("\u{1b}]0;") && !played.contains('\u{7}'), "{played:?}");
    let shown = text(&folder, &["play", id, "--text", "--data", "data"]);
    assert!(
        shown.contains("accepted")
            && shown.contains("ECCHI: applet not found\n")
            && !shown.contains('\u{1b}'),
        "{shown}"
    );
    text(&folder, &["play", id, "--cast", "out.cast", "--data", "data"]);
    let cast = std::fs::read_to_string(folder.path().join("out.cast")).unwrap();
    let lines: Vec<Value> = cast.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["version"], 2);
    let times: Vec<f64> = lines[1..].iter().map(|line| line[0].as_f64().unwrap()).collect();
    assert!(
        times.is_sorted()
            && lines[1..].iter().any(|line| line[1] == "i" && line[2] == "/bin/busybox ECCHI\r")
    );
    let nothing =
        json_lines(&folder, &["sessions", "--command", "no-such-line", "--data", "data", "--json"]);
    assert!(nothing.is_empty());
    assert!(
        sentence(&folder, &["play", "0123456789abcdef", "--data", "data"])
            .contains("kizashi sessions")
    );
    own_dialogue_as_cowrie(&folder);
}

fn own_dialogue_as_cowrie(folder: &Folder) {
    let lines = json_lines(folder, &["export", "--format", "cowrie", "--data", "data"]);
    let of = |name: &str| {
        lines.iter().filter(|line| line["eventid"] == format!("cowrie.{name}")).collect::<Vec<_>>()
    };
    assert_eq!(
        (of("session.connect").len(), of("login.success").len(), of("session.closed").len()),
        (1, 1, 1)
    );
    let inputs: Vec<&str> =
        of("command.input").iter().filter_map(|line| line["input"].as_str()).collect();
    assert_eq!((inputs.len(), inputs[0]), (3, "/bin/busybox ECCHI"));
    let download = of("session.file_download")[0];
    assert_eq!(download["destfile"], "/tmp/x");
    // SHA-256 of "harmless".
    let digest: String = {
        use sha2::Digest as _;
        sha2::Sha256::digest(b"harmless").iter().map(|byte| format!("{byte:02x}")).collect()
    };
    assert_eq!(download["shasum"], digest.as_str());
    assert!(
        lines
            .iter()
            .all(|line| line["protocol"] == "telnet" && line["session"] == lines[0]["session"])
    );
    // What is written is read again by our own reader of Cowrie's logs, line for line.
    let log = lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    folder.write("own.json", log.as_bytes());
    let report = json_lines(folder, &["import", "--data", "other", "--json", "own.json"]);
    assert_eq!(
        report[0]["events"].as_u64().or_else(|| report[0]["new"].as_u64()),
        Some(lines.len() as u64),
        "{report:?}"
    );
}

/// Fields that are other by nature (names of sessions and sensors, words for people), and those that are not kept.
const MASKED: &[&str] = &["session", "uuid", "message"];
const NOT_KEPT: &[(&str, &[&str])] = &[
    ("cowrie.client.fingerprint", &["key", "type", "username"]),
    ("cowrie.login.failed", &["key", "type"]),
    ("cowrie.direct-tcpip.request", &["orig_ip", "orig_port"]),
    ("cowrie.direct-tcpip.data", &["id"]),
    ("cowrie.session.file_download", &["outfile", "duplicate"]),
    ("cowrie.session.file_upload", &["outfile"]),
];

fn compared(line: &Value) -> BTreeMap<String, Value> {
    let event = line["eventid"].as_str().unwrap();
    let lost = NOT_KEPT.iter().find(|(name, _)| *name == event).map_or(&[][..], |(_, lost)| lost);
    let fields = line.as_object().unwrap().iter();
    let kept = fields
        .filter(|(name, _)| !MASKED.contains(&name.as_str()) && !lost.contains(&name.as_str()));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[test]
fn cowries_own_log_comes_out_as_it_went_in() {
    let Some(log) = shared("data/cowrie.json") else { return };
    let folder = Folder::new();
    text(&folder, &["import", "--data", "data", log.to_str().unwrap()]);
    let written = json_lines(&folder, &["export", "--format", "cowrie", "--data", "data"]);
    let original = std::fs::read_to_string(&log).unwrap();
    let mut original: Vec<Value> =
        original.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(written.len(), original.len());
    // The store orders by time; lines of one microsecond may change places.
    let key = |line: &Value| {
        (line["timestamp"].to_string(), line["eventid"].to_string(), line["input"].to_string())
    };
    original.sort_by_key(key);
    let mut written = written;
    written.sort_by_key(key);
    let mut sessions: BTreeMap<String, String> = BTreeMap::new();
    for (original, written) in original.iter().zip(&written) {
        let (mut written_fields, mut original_fields) = (compared(written), compared(original));
        if original["data"].as_str().is_some_and(|data| data.contains("\\x")) {
            // Bytes that are no text are kept as replacement characters.
            let both = [written_fields.remove("data"), original_fields.remove("data")];
            assert!(both.iter().all(Option::is_some));
        }
        assert_eq!(written_fields, original_fields);
        let name = |line: &Value| line["session"].as_str().unwrap().to_owned();
        let first = sessions.entry(name(original)).or_insert_with(|| name(written)).clone();
        assert_eq!(first, name(written), "one session stays one");
    }
    let distinct: std::collections::BTreeSet<&String> = sessions.values().collect();
    assert_eq!(distinct.len(), sessions.len());
}
