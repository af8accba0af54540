//! Messages as receivers get them: over real sockets, by real servers where there is one, and by servers that hang, lie and send without
//! an end. Python's `aiosmtpd` comes from PyPI into an environment that is made once; where it cannot be had that test is skipped.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use jiff::ZonedDateTime;
use kizashi_event::Timestamp;
use kizashi_notify::send::Trust;
use kizashi_notify::{Bulletin, Courier, Notice, Notify, Outbox, Sent, TestState};
use kizashi_signs::Sign;
use kizashi_store::Evidence;

pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("kizashi-receivers-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn now() -> ZonedDateTime {
    ZonedDateTime::now()
}

pub(crate) fn settings(channels: &str) -> Notify {
    let mut notify: Notify = toml::from_str(channels).unwrap();
    notify.resolve().unwrap();
    notify
}

pub(crate) fn courier(folder: &Folder, notify: &Notify) -> Courier {
    let trust = Trust::read(notify.authorities.as_deref()).unwrap();
    Courier::new(notify, Outbox::of(&folder.0), trust, "sensor", now).unwrap()
}

pub(crate) fn test(notify: &Notify) -> Sent {
    let folder = Folder::new();
    let courier = courier(&folder, notify);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(courier.test(None)).remove(0).1
}

/// Runs a courier for a while, on a thread, until it is dropped.
pub(crate) struct Running(
    Option<tokio::sync::oneshot::Sender<()>>,
    Option<std::thread::JoinHandle<()>>,
);

impl Running {
    pub(crate) fn start(courier: Courier) -> Self {
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime
                .block_on(courier.run(async {
                    let _ = stopped.await;
                }))
                .unwrap();
        });
        Self(Some(stop), Some(thread))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.take());
        let _ = self.1.take().unwrap().join();
    }
}

pub(crate) fn a_sign(port: u16) -> Sign {
    let moment = Timestamp::from_micros(now().timestamp().as_microsecond()).rfc3339();
    let json = serde_json::json!({
        "id": format!("20250218T1200Z-tcp-{port}"), "kind": "rise", "key": format!("tcp/{port}"), "label": "a service",
        "since": moment, "detected": moment, "days": 1_045.3, "ratio": 8.4, "ratio_low": 4.1, "ratio_high": 17.9,
        "events": 1234, "sources": 21, "expected_sources": 2.5, "severity": "high", "name": null, "open": true,
        "until": moment, "before": 60.0, "after": 504.0, "ports": [], "also": [], "rising": 1,
    });
    serde_json::from_value(json).unwrap()
}

pub(crate) fn show(folder: &Folder, signs: &[Sign]) {
    let mut bulletin = Bulletin::new(Outbox::of(&folder.0)).unwrap();
    let all = signs.iter().map(|sign| (sign.id.clone(), sign.id.clone())).collect();
    let made = |id: &str| {
        signs.iter().find(|sign| sign.id == id).map(|sign| Notice::of(sign, &Evidence::default()))
    };
    bulletin.show(all, made).unwrap();
}

pub(crate) fn listed(folder: &Folder, state: &str) -> Vec<kizashi_notify::Listed> {
    let all = Outbox::of(&folder.0).list().unwrap();
    all.into_iter().filter(|listed| listed.state == state).collect()
}

pub(crate) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(began.elapsed() < LONG, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A web server that answers each connection with the next of these texts (the last one again and again) and tells what it was asked.
pub(crate) fn web(answers: &[&str]) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = channel();
    let answers: Vec<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
    std::thread::spawn(move || {
        for number in 0.. {
            let Ok((stream, _)) = listener.accept() else { return };
            let answer = answers[answers.len().min(number + 1) - 1].clone();
            let request = request(&stream);
            let _ = (&stream).write_all(answer.as_bytes());
            if tell.send(request).is_err() {
                return;
            }
        }
    });
    (address, told)
}

/// Head and body of a request.
fn request(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let (mut text, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        text.push_str(&line);
    }
    let mut body = vec![0; length];
    let _ = reader.read_exact(&mut body);
    text + "\n" + &String::from_utf8_lossy(&body)
}

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Has the one message that waits tried again at once.
fn make_due(folder: &Folder) {
    let waiting = folder.0.join("kizashi-outbox/waiting");
    let file = std::fs::read_dir(&waiting)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|it| it == "json"))
        .unwrap();
    let mut json: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    json["due"] = 0.into();
    std::fs::write(&file, json.to_string()).unwrap();
}

#[test]
fn a_test_that_the_dashboard_asks_for_is_sent_to_every_channel_once_and_each_answer_is_told() {
    let folder = Folder::new();
    let gone = "HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n";
    let ((open, told), (shut, told_shut)) = (web(&[OK]), web(&[gone]));
    let channel = |name: &str, address: SocketAddr| {
        format!(
            "[channels.{name}]\nkind = \"webhook\"\nurl = \"http://{address}/\"\nsecret = \"0123456789abcdef\"\n"
        )
    };
    let notify = settings(&format!("{}{}", channel("open", open), channel("shut", shut)));
    let outbox = Outbox::of(&folder.0);
    let moment = || Timestamp::from_micros(now().timestamp().as_microsecond());
    // What nobody took up in its time is not taken up.
    outbox.ask_for_test(moment().plus(-Timestamp::HOUR)).unwrap();
    let running = Running::start(courier(&folder, &notify));
    assert!(told.recv_timeout(Duration::from_millis(1_500)).is_err());
    let wish = outbox.ask_for_test(moment()).unwrap();
    let report = eventually("both receivers answered", || {
        let report = outbox.test_report().filter(|report| report.id == wish.id)?;
        let is_over = report.results.iter().all(|result| result.state != TestState::Waiting);
        is_over.then_some(report)
    });
    let results: Vec<(&str, TestState, bool)> = report
        .results
        .iter()
        .map(|result| (result.channel.as_str(), result.state, result.why.is_some()))
        .collect();
    assert_eq!(results, [("open", TestState::Sent, false), ("shut", TestState::Failed, true)]);
    assert!(report.results[1].why.as_ref().unwrap().contains("404"));
    assert!(told.recv_timeout(LONG).is_ok() && told_shut.recv_timeout(LONG).is_ok());
    drop(running);
    // A courier that begins anew sends it to nobody again.
    let again = Running::start(courier(&folder, &notify));
    assert!(told.recv_timeout(Duration::from_millis(1_500)).is_err());
    drop(again);
}

#[test]
fn a_sign_is_told_once_also_when_the_courier_is_ended_in_between_and_begins_again() {
    let folder = Folder::new();
    let busy = "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n";
    let (address, told) = web(&[OK, busy, OK]);
    let notify = settings(&format!(
        "[channels.hook]\nkind = \"webhook\"\nurl = \"http://{address}/in\"\nsecret = \"0123456789abcdef\""
    ));
    show(&folder, &[]);
    let first = Running::start(courier(&folder, &notify));
    eventually("the channel is known", || {
        folder.0.join("kizashi-outbox/state.json").exists().then_some(())
    });
    show(&folder, &[a_sign(22)]);
    let request = told.recv_timeout(LONG).unwrap();
    assert!(
        request.starts_with("POST /in HTTP/1.1") && request.contains("\"key\":\"tcp/22\""),
        "{request}"
    );
    let signature = request
        .lines()
        .find_map(|line| line.strip_prefix("kizashi-signature: v1="))
        .unwrap()
        .to_owned();
    let time = request.lines().find_map(|line| line.strip_prefix("kizashi-timestamp: ")).unwrap();
    let body = request
        .split_once("\n\n")
        .map_or_else(|| request.rsplit('\n').next().unwrap(), |(_, body)| body);
    let check = "import hmac,sys\nprint(hmac.new(b'0123456789abcdef', sys.argv[1].encode() + b'.' + sys.argv[2].encode(), 'sha256').hexdigest())";
    let output = Command::new("python3").args(["-c", check, time, body]).output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        signature,
        "another program signs it so too"
    );
    eventually("it is noted as sent", || (listed(&folder, "sent").len() == 1).then_some(()));
    // The second is refused for now, and the courier ends meanwhile.
    show(&folder, &[a_sign(22), a_sign(23)]);
    let refused = told.recv_timeout(LONG).unwrap();
    eventually("it waits", || {
        let waiting = listed(&folder, "waiting");
        (waiting.len() == 1
            && waiting[0].error.as_deref().is_some_and(|error| error.contains("503")))
        .then_some(())
    });
    drop(first);
    // The pause is half a minute; the test is not to wait for it.
    make_due(&folder);
    let second = Running::start(courier(&folder, &notify));
    let again = told.recv_timeout(LONG).unwrap();
    let key = |request: &str| {
        request.lines().find(|line| line.starts_with("idempotency-key")).unwrap().to_owned()
    };
    assert_eq!(key(&refused), key(&again), "a receiver may know it again");
    eventually("both are sent", || (listed(&folder, "sent").len() == 2).then_some(()));
    assert!(told.recv_timeout(Duration::from_millis(1_500)).is_err(), "and nothing twice");
    drop(second);
}

#[test]
fn a_receiver_that_points_elsewhere_is_not_followed_and_one_without_an_end_is_cut() {
    let elsewhere = "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    let endless = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 1_u64 << 40);
    let long_head = format!("HTTP/1.1 200 OK\r\nX: {}", "a".repeat(1 << 20));
    for (answer, word) in [
        (elsewhere, "elsewhere"),
        (endless.as_str(), "longer than"),
        (long_head.as_str(), ""),
        ("no HTTP at all\r\n\r\n", ""),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhotel", "own words"),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 13\r\n\r\ninvalid_token", "invalid_token"),
    ] {
        let (address, _told) = web(&[answer]);
        let notify = settings(&format!(
            "[channels.s]\nkind = \"slack\"\nurl = \"http://{address}/secret-path\""
        ));
        let Sent::Failed(why) = test(&notify) else { panic!("{word}: it was taken for delivered") };
        assert!(why.contains(word) && !why.contains("secret-path"), "{word}: {why}");
    }
}

#[test]
fn a_receiver_that_hangs_holds_up_no_other_channel() {
    let folder = Folder::new();
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, told) = web(&[OK]);
    let notify = settings(&format!(
        "[channels.a]\nkind = \"slack\"\nurl = \"http://{}/\"\n[channels.b]\nkind = \"slack\"\nurl = \"http://{address}/\"",
        hanging.local_addr().unwrap()
    ));
    show(&folder, &[]);
    let running = Running::start(courier(&folder, &notify));
    eventually("the channels are known", || {
        folder.0.join("kizashi-outbox/state.json").exists().then_some(())
    });
    show(&folder, &[a_sign(1), a_sign(2)]);
    for _ in 0..2 {
        told.recv_timeout(LONG).unwrap();
    }
    assert_eq!(listed(&folder, "waiting").iter().filter(|listed| listed.channel == "a").count(), 2);
    drop(running);
}

#[test]
fn a_log_server_gets_a_line_over_udp_and_counted_octets_over_tcp() {
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.set_read_timeout(Some(LONG)).unwrap();
    let address = udp.local_addr().unwrap();
    let notify = settings(&format!("[channels.log]\nkind = \"syslog\"\nserver = \"{address}\""));
    assert_eq!(test(&notify), Sent::Delivered);
    let mut buffer = [0; 4096];
    let count = udp.recv(&mut buffer).unwrap();
    assert!(
        buffer[..count].starts_with(b"<85>1 2"),
        "{}",
        String::from_utf8_lossy(&buffer[..count])
    );
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let notify = settings(&format!(
        "[channels.log]\nkind = \"syslog\"\ntransport = \"tcp\"\nformat = \"cef\"\nserver = \"{}\"",
        tcp.local_addr().unwrap()
    ));
    assert_eq!(test(&notify), Sent::Delivered);
    let mut text = String::new();
    tcp.accept().unwrap().0.read_to_string(&mut text).unwrap();
    let (count, line) = text.split_once(' ').unwrap();
    assert_eq!(count.parse::<usize>().unwrap(), line.len(), "{text}");
}

/// The broker's side of hpfeeds: what a client that proves the secret publishes; one that does not is told so.
fn broker(secret: &'static str) -> (SocketAddr, Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = channel();
    // Known before anybody comes: a client waits but a moment for a refusal.
    let check = "import hashlib,sys\nprint(hashlib.sha1(b'NONC'+sys.argv[1].encode()).hexdigest())";
    let output = Command::new("python3").args(["-c", check, secret]).output().unwrap();
    let expected = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            stream.write_all(b"\0\0\0\x0e\x01\x04hubsNONC").unwrap();
            let mut next = || {
                let mut length = [0; 4];
                stream.read_exact(&mut length).unwrap();
                let mut rest = vec![0; u32::from_be_bytes(length) as usize - 4];
                stream.read_exact(&mut rest).unwrap();
                rest
            };
            let (auth, publish) = (next(), next());
            let proof: String = auth[6..].iter().map(|byte| format!("{byte:02x}")).collect();
            if expected == proof && auth.starts_with(b"\x02\x04mine") {
                let _ = tell.send(publish);
                let _ = stream.read(&mut [0; 1]);
            } else {
                let _ = stream.write_all(b"\0\0\0\x0f\0accessfail");
            }
        }
    });
    (address, told)
}

#[test]
fn a_broker_of_hpfeeds_gets_a_publication_from_who_proves_the_secret_alone() {
    let (address, told) = broker("right");
    let with = |secret: &str| {
        settings(&format!(
            "[channels.hp]\nkind = \"hpfeeds\"\nserver = \"{address}\"\nsecurity = \"none\"\nuser = \"mine\"\nsecret = \"{secret}\"\ntopic = \"kizashi\""
        ))
    };
    assert_eq!(test(&with("right")), Sent::Delivered);
    let published = told.recv_timeout(LONG).unwrap();
    assert!(published.starts_with(b"\x03\x04mine\x07kizashi{"), "{}", published.escape_ascii());
    assert_eq!(test(&with("wrong")), Sent::Failed("the broker says: accessfail".to_owned()));
}

/// A mail server that demands STARTTLS and a login, and prints what it gets as a JSON object.
const MAIL_SERVER: &str = r#"
import asyncio, email, email.policy, json, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult
class Handler:
    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        text = mail.get_body(('plain',)).get_content()
        print(json.dumps({'from': envelope.mail_from, 'to': envelope.rcpt_tos, 'subject': mail['Subject'], 'headers': [k for k, _ in mail.items()],
            'text': text, 'tls': session.ssl is not None, 'login': bool(session.authenticated), 'id': mail['Message-ID']}), flush=True)
        return '250 taken'
def check(server, session, envelope, mechanism, data):
    return AuthResult(success=data.login == b'me' and data.password == b'pass word')
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(sys.argv[1], sys.argv[2])
async def main():
    loop = asyncio.get_running_loop()
    make = lambda: SMTP(Handler(), tls_context=context, require_starttls=True, authenticator=check, auth_required=True)
    server = await loop.create_server(make, '127.0.0.1', 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.sleep(300)
asyncio.run(main())
"#;

pub(crate) struct Killed(pub(crate) Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_mail_server_gets_a_mail_in_japanese_within_tls_by_login_and_not_if_its_certificate_is_unknown()
{
    let Some(python) = crate::python() else { return };
    let folder = Folder::new();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.0.join("certificate.pem"), folder.0.join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let mut server = Command::new(python)
        .args(["-W", "ignore", "-c", MAIL_SERVER])
        .arg(&certificate)
        .arg(&key)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let _server = Killed(server);
    let port = lines.next().unwrap().unwrap();
    let channels = |more: &str| {
        settings(&format!(
            "{more}\nlanguage = \"ja\"\n[channels.mail]\nkind = \"email\"\nserver = \"localhost:{port}\"\nfrom = \"kizashi@example.org\"\nto = [\"owner@example.org\", \"second@example.org\"]\nuser = \"me\"\npassword = \"pass word\""
        ))
    };
    let trusting = channels(&format!("authorities = {certificate:?}"));
    assert_eq!(test(&trusting), Sent::Delivered);
    let mail: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!((&mail["tls"], &mail["login"]), (&true.into(), &true.into()));
    assert_eq!(mail["to"], serde_json::json!(["owner@example.org", "second@example.org"]));
    assert_eq!(mail["subject"], "sensor: Kizashi: テスト");
    assert!(mail["text"].as_str().unwrap().contains("兆しはこの経路で届きます"), "{mail}");
    assert!(mail["id"].as_str().unwrap().ends_with(".kizashi@example.org>"), "{mail}");
    let Sent::Failed(why) = test(&channels("")) else {
        panic!("an unknown certificate was believed")
    };
    assert!(why.contains("certificate"), "{why}");
}
