use std::sync::Arc;

use kizashi_event::{Port, Timestamp};

use super::TRAP;
use super::psrp::{CREATE_PIPELINE, client_message, client_pipeline};
use super::shell::encoded;
use super::{sealed, soap};
use crate::http::decode_base64;
use crate::ntlm::client::{FLAGS, answer_to, client, session};
use crate::ntlm::{Seal, Side};
use crate::{Identity, Output, Session, Visit, contract};

const CMD: &str = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd";
const POWERSHELL: &str = "http://schemas.microsoft.com/powershell/Microsoft.PowerShell";
const NOW: Timestamp = Timestamp::from_seconds(1_795_582_440);

/// What a guesser tries: the policy lets one of the first three in.
const WORDS: [&str; 4] = ["123456", "admin", "password", "12345678"];

fn identity() -> Arc<Identity> {
    Arc::new(Identity::draw([7; 32]).with_web_server(crate::WebServer::NginxDebian12))
}

fn request(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /wsman HTTP/1.1\r\nHost: 192.0.2.1:5985\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn basic(password: &str) -> String {
    format!("Authorization: Basic {}\r\n", encoded(format!("administrator:{password}").as_bytes()))
}

/// A pair that the policy of transcripts lets in, after what a guesser tried before it.
fn guesses() -> Vec<Vec<u8>> {
    let identity = identity();
    let source = "192.0.2.7".parse().unwrap();
    let mut pieces = Vec::new();
    for word in WORDS {
        pieces.push(request(&basic(word), b""));
        if identity.logins().admits(source, b"administrator", word.as_bytes()) {
            return pieces;
        }
    }
    panic!("no weak pair gets in");
}

fn soap(resource: &str, action: &str, shell: &str, body: &str) -> Vec<u8> {
    let address = match action {
        "Create" | "Delete" | "Get" => {
            format!("http://schemas.xmlsoap.org/ws/2004/09/transfer/{action}")
        }
        _ => format!("{}/{action}", soap::SHELL),
    };
    format!("<env:Envelope><env:Header><a:MessageID>uuid:1</a:MessageID><w:ResourceURI mustUnderstand=\"true\">{resource}</w:ResourceURI><a:Action mustUnderstand=\"true\">{address}</a:Action><w:SelectorSet><w:Selector Name=\"ShellId\">{shell}</w:Selector></w:SelectorSet></env:Header><env:Body>{body}</env:Body></env:Envelope>").into_bytes()
}

/// A visitor of a shell that he named himself.
fn in_shell(action: &str, body: &str) -> Vec<u8> {
    soap(CMD, action, "S1", body)
}

fn stream(content: &[u8], of: &str) -> String {
    format!("<rsp:Send><rsp:Stream Name=\"stdin\"{of}>{}</rsp:Stream></rsp:Send>", encoded(content))
}

fn write_looks() {
    let scripted = |file, title, pieces: &[Vec<u8>]| contract::scripted(&TRAP, file, title, pieces);
    let identify = b"<s:Envelope><s:Body><wsmid:Identify/></s:Body></s:Envelope>";
    scripted(
        "identify.txt",
        "A scanner asks what answers here.",
        &[request("WSMANIDENTIFY: unauthenticated\r\nUser-Agent: nmap\r\n", identify)],
    );
    scripted(
        "another-path.txt",
        "A crawler.",
        &[b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), b"more".to_vec()],
    );
    scripted("no-request.txt", "What is no HTTP.", &[b"\x16\x03\x01\0\x05\x01\0".to_vec()]);
    let negotiate = encoded(&client(1, FLAGS));
    scripted(
        "challenge.txt",
        "A scanner reads the machine's name out of a challenge.",
        &[
            b"GET /wsman HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
            request(&format!("Authorization: Negotiate {negotiate}\r\n"), b""),
            request("", b"a body that nobody reads"),
        ],
    );
}

const RECEIVE: &str = "<rsp:Receive><rsp:DesiredStream CommandId=\"C1\">stdout stderr</rsp:DesiredStream></rsp:Receive>";

fn write_shells() {
    let scripted = |file, title, pieces: &[Vec<u8>]| contract::scripted(&TRAP, file, title, pieces);
    let mut pieces = guesses();
    let run = "<rsp:CommandLine CommandId=\"C1\"><rsp:Command>echo</rsp:Command><rsp:Arguments>a &gt;C:\\Windows\\Temp\\x&amp;type C:\\Windows\\Temp\\x</rsp:Arguments></rsp:CommandLine>";
    let receive = RECEIVE;
    let signal = "<rsp:Signal CommandId=\"C1\"/>";
    let all = [
        in_shell("Create", "<rsp:Shell/>"),
        in_shell("Command", run),
        in_shell("Receive", receive),
        in_shell("Send", &stream(b"MZ for a command that is over", " CommandId=\"C1\"")),
        in_shell("Signal", signal),
        in_shell("Receive", receive),
        in_shell("Delete", ""),
        in_shell("Command", run),
        soap("http://schemas.microsoft.com/wbem/wsman/1/config", "Get", "", ""),
        soap(
            "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/Win32_Process",
            "Get",
            "",
            "",
        ),
    ];
    pieces.extend(all.iter().map(|body| request("", body)));
    scripted("shell.txt", "A guesser gets in, writes a file and reads it.", &pieces);

    let mut pieces = guesses();
    let start =
        "<rsp:CommandLine CommandId=\"C1\"><rsp:Command>cmd</rsp:Command></rsp:CommandLine>";
    let all = [
        in_shell("Create", "<rsp:Shell/>"),
        in_shell("Command", start),
        in_shell("Receive", receive),
        in_shell("Receive", receive),
        in_shell("Send", &stream(b"whoami\r\nexit\r\n", " CommandId=\"C1\"")),
        in_shell("Receive", receive),
    ];
    pieces.extend(all.iter().map(|body| request("", body)));
    scripted("console.txt", "A cmd.exe that takes lines as they come.", &pieces);
}

fn write_runspaces() {
    let scripted = |file, title, pieces: &[Vec<u8>]| contract::scripted(&TRAP, file, title, pieces);
    let receive = RECEIVE;
    let mut pieces = guesses();
    let opening = encoded(&client_message(0x0001_0002, "<Obj/>"));
    let pipeline = encoded(&client_pipeline("whoami; Get-Nothing"));
    let start = format!(
        "<rsp:CommandLine CommandId=\"C1\"><rsp:Command/><rsp:Arguments>{pipeline}</rsp:Arguments></rsp:CommandLine>"
    );
    let waits = "<Obj RefId=\"0\"><MS><B N=\"NoInput\">false</B><S N=\"Cmd\">begin { $a = 1 }</S><B N=\"IsScript\">true</B></MS></Obj>";
    let waits = encoded(&client_message(CREATE_PIPELINE, waits));
    let second = format!(
        "<rsp:CommandLine CommandId=\"C2\"><rsp:Command/><rsp:Arguments>{waits}</rsp:Arguments></rsp:CommandLine>"
    );
    let input =
        [client_message(0x0004_1002, "<S>TVogaW4gcGllY2Vz</S>"), client_message(0x0004_1003, "")];
    let powershell = |action: &str, body: &str| request("", &soap(POWERSHELL, action, "S1", body));
    pieces.extend([
        powershell(
            "Create",
            &format!("<rsp:Shell ShellId=\"S1\"><creationXml>{opening}</creationXml></rsp:Shell>"),
        ),
        powershell(
            "Receive",
            "<rsp:Receive><rsp:DesiredStream>stdout</rsp:DesiredStream></rsp:Receive>",
        ),
        powershell("Command", &start),
        powershell("Receive", receive),
        powershell("Command", &second),
        powershell("Send", &stream(&input.concat(), " CommandId=\"C2\"")),
        powershell("Receive", &receive.replace("C1", "C2")),
    ]);
    scripted(
        "powershell.txt",
        "A runspace, a script, and a file sent as a pipeline's input.",
        &pieces,
    );
}

#[test]
fn every_transcript_holds_however_the_bytes_are_cut() {
    write_looks();
    write_shells();
    write_runspaces();
    contract::replay_all(&TRAP);
}

#[test]
fn the_trap_keeps_the_contract() {
    contract::holds(&TRAP);
}

struct Caller {
    session: Box<dyn Session>,
    out: Output,
}

impl Caller {
    fn new() -> Self {
        let visit = Visit {
            source: [192, 0, 2, 7].into(),
            destination: Some([192, 0, 2, 1].into()),
            port: Port::tcp(5985),
            encrypted: false,
        };
        Self { session: (TRAP.begin)(&identity(), visit), out: Output::new(TRAP.service) }
    }

    fn ask(&mut self, bytes: &[u8]) -> String {
        self.session.receive(bytes, NOW, &mut self.out);
        String::from_utf8_lossy(&self.out.take_reply()).into_owned()
    }
}

/// What a client sends that seals is opened, and what he is sent he can open.
#[test]
fn a_message_that_ntlm_sealed_is_answered_sealed_and_another_is_refused() {
    let mut caller = Caller::new();
    let begin = encoded(&client(1, FLAGS));
    let mut key = None;
    for word in WORDS {
        let asked = caller.ask(&request(&format!("Authorization: Negotiate {begin}\r\n"), b""));
        let token = asked.split("Negotiate ").nth(1).and_then(|rest| rest.split("\r\n").next());
        let challenge = decode_base64(token.unwrap().as_bytes()).unwrap();
        let answer = encoded(&answer_to(&challenge, "administrator", word));
        let asked = caller.ask(&request(&format!("Authorization: Negotiate {answer}\r\n"), b""));
        if asked.starts_with("HTTP/1.1 200 ") {
            key = Some(session());
            break;
        }
    }
    let key = key.expect("a weak pair gets in");
    let mut ours = Seal::new(&key, FLAGS, Side::Client).unwrap();
    let mut theirs = Seal::new(&key, FLAGS, Side::Server).unwrap();
    let mut content = in_shell("Create", "<rsp:Shell/>");
    let signature = ours.seal(&mut content);
    let body = sealed::in_parts(&signature, &content);
    caller.session.receive(&request("", &body), NOW, &mut caller.out);
    let reply = caller.out.take_reply();
    let at = reply.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let (signature, content) = sealed::opened(&reply[at + 4..]).unwrap();
    let mut content = content.to_vec();
    assert!(theirs.unseal(&mut content, signature));
    assert!(String::from_utf8_lossy(&content).contains("<rsp:ShellId>S1</rsp:ShellId>"));
    assert!(caller.ask(&request("", &body)).starts_with("HTTP/1.1 401 "), "sent again");
}

#[test]
fn who_is_not_in_gets_no_shell() {
    let create = in_shell("Create", "<rsp:Shell/>");
    for headers in [String::new(), basic("kUq81xX"), "Authorization: Kerberos YQ==\r\n".into()] {
        let answer = Caller::new().ask(&request(&headers, &create));
        assert!(answer.starts_with("HTTP/1.1 401 "), "{headers}: {answer}");
    }
}

#[test]
fn shells_and_what_waits_in_them_are_bounded() {
    let mut caller = Caller::new();
    guesses().iter().for_each(|piece| drop(caller.ask(piece)));
    let mut answers = (0..20).map(|number| {
        let shell = format!("<rsp:Shell ShellId=\"S{number}\"/>");
        caller.ask(&request("", &soap(CMD, "Create", "", &shell)))
    });
    assert_eq!(answers.by_ref().filter(|answer| answer.starts_with("HTTP/1.1 200 ")).count(), 5);
    let run = "<rsp:CommandLine><rsp:Command>for /l %i in (1,1,200) do systeminfo</rsp:Command></rsp:CommandLine>";
    for _ in 0..50 {
        caller.ask(&request("", &soap(CMD, "Command", "S1", run)));
    }
    assert!(caller.session.memory() <= TRAP.limits.memory, "{}", caller.session.memory());
}
