//! Jenkins where anybody is let in ("Anyone can do anything", drawn for one installation in two): the script console runs Groovy, whose
//! command runs on the machine behind the logins. Everywhere the command line over HTTP is answered, whose arguments are files where they begin
//! with `@` (CVE-2024-23897): one request brings the command, another, with the same `Session`, waits for what it prints.
//! Words: jenkins, core/src/main/resources/lib/hudson/scriptConsole.jelly; hudson/cli/PlainCLIProtocol.java; args4j.

use std::time::Duration;

use kizashi_event::{Detail, HostileText, one_source};

use super::containers::Own;
use super::say::{answer, cut, machine, runs, says};
use super::{SiteAnswer, SiteRequest};
use crate::draw::Draw;
use crate::elasticsearch::script;
use crate::http::rules::{RuleAnswer, calculate};
use crate::http::run::Run;

const HTML: &str = "text/html;charset=utf-8";
/// Bytes of a script.
const SCRIPT: usize = 8 * 1024;
/// How long the side that reads waits for the one that sends.
const PAIRING: Duration = Duration::from_millis(2_500);
/// A command that was sent and not answered yet.
const SENT: &str = "jenkins command";
/// Arguments of a command.
const ARGUMENTS: usize = 16;
/// Lines of a file that are shown.
const LINES: usize = 200;

pub(super) fn respond(request: &SiteRequest<'_>) -> Option<SiteAnswer> {
    let path = request.target.split(|byte| *byte == b'?').next()?;
    let path = path.strip_suffix(b"/").unwrap_or(path);
    let open = request.scene.identity.choice("jenkins anonymous", 2) == 0;
    match (request.method, path) {
        ("POST", b"/cli") => Some(command_line(request)),
        ("POST", b"/script" | b"/scriptText") if request.subject.parameter("script").is_some() => {
            Some(console(request, open, path == b"/scriptText"))
        }
        ("GET", b"/script") if open => Some(says(page("", ""))),
        ("GET", b"/crumbIssuer/api/json") if open => Some(says(crumb(request))),
        ("GET", b"" | b"/manage" | b"/computer") if open => Some(says(front(request))),
        _ => None,
    }
}

fn own<T>(request: &SiteRequest<'_>, act: impl FnOnce(&mut Own) -> T) -> T {
    let scene = request.scene;
    scene.identity.containers().with(scene.visit.source, scene.now, act)
}

fn note(name: &str, text: &str) -> Vec<Detail> {
    let value = HostileText::from_bytes(cut(text, 2_000).as_bytes());
    vec![Detail::Note { name: name.into(), value }]
}

/// What a form must bring along: a SHA-256 over who asks and a salt, so that each visitor has his own (`DefaultCrumbIssuer`).
fn crumb(request: &SiteRequest<'_>) -> RuleAnswer {
    let scene = request.scene;
    let of = one_source(scene.visit.source);
    let label = format!("jenkins crumb {of}");
    let crumb: String = (0..4)
        .map(|place| format!("{:016x}", Draw::new(scene.identity.seed(), &label).number(place)))
        .collect();
    let text = format!(
        "{{\"_class\":\"hudson.security.csrf.DefaultCrumbIssuer\",\"crumb\":\"{crumb}\",\"crumbRequestField\":\"Jenkins-Crumb\"}}"
    );
    answer(200, "application/json;charset=utf-8", text.into_bytes())
}

/// The first page of who is let in.
fn front(request: &SiteRequest<'_>) -> RuleAnswer {
    let host = request.scene.shown_host();
    let links = [("/manage", "Manage Jenkins"), ("/script", "Script Console")];
    let links: String = links
        .iter()
        .map(|(to, name)| {
            format!("<div class=\"task\"><a href=\"{to}\" class=\"task-link\">{name}</a></div>")
        })
        .collect();
    let text = format!(
        "<!DOCTYPE html><html class=\"\"><head><title>Dashboard [Jenkins]</title></head><body id=\"jenkins\" class=\"yui-skin-sam two-column\"><header id=\"page-header\" class=\"page-header\"><a href=\"/login?from=%2F\"><b>log in</b></a></header><div id=\"side-panel\">{links}</div><div id=\"main-panel\"><h1>Welcome to Jenkins!</h1><p>This page is where your Jenkins jobs will be displayed on {host}.</p></div></body></html>"
    );
    answer(200, HTML, text.into_bytes())
}

/// The console, with a script and what it printed.
fn page(script: &str, output: &str) -> RuleAnswer {
    let result = match script {
        "" => String::new(),
        _ => format!("<h2>Result</h2><pre>{}</pre>", escaped(output)),
    };
    let text = format!(
        "<!DOCTYPE html><html class=\"\"><head><title>Script Console [Jenkins]</title></head><body id=\"jenkins\" class=\"yui-skin-sam two-column\"><div id=\"main-panel\"><h1>Script Console</h1><p>Type in an arbitrary <a href=\"https://www.groovy-lang.org\">Groovy script</a> and execute it on the server.</p><form action=\"script\" method=\"post\"><textarea id=\"script\" name=\"script\" class=\"script\">{}</textarea><div align=\"right\"><button type=\"submit\" name=\"Submit\" class=\"jenkins-button jenkins-button--primary\">Run</button></div></form>{result}</div></body></html>",
        escaped(script)
    );
    answer(200, HTML, text.into_bytes())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn console(request: &SiteRequest<'_>, open: bool, plain: bool) -> SiteAnswer {
    let code = request.subject.parameter("script").unwrap_or_default();
    let code = cut(&String::from_utf8_lossy(&code), SCRIPT).to_owned();
    let details = note("jenkins script", &code);
    let class = "code-injection";
    if !open {
        let site = request.scene.persona.site;
        let refused = site.map(|site| site.text("refused.html", request)).unwrap_or_default();
        return SiteAnswer { class, details, ..says(answer(403, HTML, refused)) };
    }
    let shown = move |output: &str| match plain {
        true => answer(200, "text/plain;charset=utf-8", output.as_bytes().to_vec()),
        false => page(&code, output),
    };
    let code = request.subject.parameter("script").unwrap_or_default();
    let code = String::from_utf8_lossy(&code).into_owned();
    let machine = machine(request.scene, "www-data", "java");
    machine.0.begin_in(b"/");
    if let Some(path) = script::file_of(&code) {
        let text = machine.0.files().read(path.as_bytes(), 0, 40 * 1024).unwrap_or_default();
        let said = shown(&String::from_utf8_lossy(&text));
        return SiteAnswer { class, details, ..says(said) };
    }
    let Some(command) = script::command_of(&code) else {
        let said =
            calculate(code.as_bytes()).map(|sum| String::from_utf8_lossy(&sum).into_owned() + "\n");
        let said = said.or_else(|| Some(printed(&code)? + "\n")).unwrap_or_default();
        return SiteAnswer { class, details, ..says(shown(&said)) };
    };
    let run = Run::command(machine, command.as_bytes(), request.scene.now, 200, move |printed| {
        shown(&String::from_utf8_lossy(&printed.output))
    });
    SiteAnswer { class, details, ..runs(run) }
}

/// The text that a script prints.
fn printed(code: &str) -> Option<String> {
    let rest = code.split_once("print")?.1.trim_start_matches("ln").trim_start_matches(['(', ' ']);
    let quote = rest.chars().next().filter(|letter| matches!(letter, '"' | '\''))?;
    rest[1..].split_once(quote).map(|(text, _)| text.to_owned())
}

/// A command as one side sends it: frames of a length, an operation and its text (0 is an argument).
fn arguments(mut rest: &[u8]) -> Vec<String> {
    let mut arguments = Vec::new();
    while let Some((head, after)) = rest.split_first_chunk::<5>() {
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let Some((frame, left)) = after.split_at_checked(length) else { break };
        // Text as Java writes it: two bytes of length first.
        if head[4] == 0 && arguments.len() < ARGUMENTS {
            let text = frame.get(2..).unwrap_or_default();
            arguments.push(cut(&String::from_utf8_lossy(text), 1_024).to_owned());
        }
        rest = left;
    }
    arguments
}

fn frame(operation: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap_or(0).to_be_bytes();
    [&length[..], &[operation], content].concat()
}

/// Both sides of a command over HTTP.
fn command_line(request: &SiteRequest<'_>) -> SiteAnswer {
    const STREAM: &str = "application/octet-stream";
    let header = |name: &str| {
        request.subject.header(name).map(|value| String::from_utf8_lossy(value).into_owned())
    };
    let (Some(session), Some(side)) = (header("Session"), header("Side")) else {
        return says(answer(403, HTML, Vec::new()));
    };
    let session = cut(&session, 64).to_owned();
    let class = "file-disclosure";
    if side == "upload" {
        let arguments = arguments(request.subject.sent());
        let text = arguments.join("\n");
        let at = request.scene.now.seconds();
        own(request, |own| own.make(SENT, &session, &text, at));
        let details = note("jenkins command", &arguments.join(" "));
        return SiteAnswer { class, details, ..says(answer(200, "", Vec::new())) };
    }
    let scene = request.scene;
    let (identity, source, now) = (scene.identity.clone(), scene.visit.source, scene.now);
    let (machine, _) = machine(scene, "www-data", "java");
    let run = Run::later(PAIRING, now, 200, move || {
        let sent = identity.containers().with(source, now, |own| {
            let sent = own.made(SENT).find(|one| one.name == session).map(|one| one.text.clone());
            own.unmake(SENT, &session);
            sent
        });
        let arguments: Vec<&str> =
            sent.as_deref().map(|text| text.split('\n').collect()).unwrap_or_default();
        let read = |path: &str| {
            let content = machine.files().read(path.as_bytes(), 0, 16 * 1024).ok()?;
            Some(String::from_utf8_lossy(&content).into_owned())
        };
        let said = said(&arguments, read);
        let body = [vec![0], frame(8, said.as_bytes()), frame(4, &2_u32.to_be_bytes())].concat();
        answer(200, STREAM, body)
    });
    SiteAnswer { class, ..runs(run) }
}

/// What a command says: each line of a file is one argument more.
fn said(sent: &[&str], read: impl Fn(&str) -> Option<String>) -> String {
    let Some((command, rest)) = sent.split_first() else { return String::new() };
    let mut arguments: Vec<String> = Vec::new();
    for word in rest {
        match word.strip_prefix('@') {
            None => arguments.push((*word).to_owned()),
            Some(path) => match read(path) {
                Some(text) => arguments.extend(text.lines().take(LINES).map(str::to_owned)),
                None => {
                    return format!(
                        "\nERROR: No such file: {}\njava -jar jenkins-cli.jar {command}\n",
                        cut(path, 256)
                    );
                }
            },
        }
    }
    let usage = |more: &str| format!("java -jar jenkins-cli.jar {command}{more}\n");
    match (*command, arguments.as_slice()) {
        ("help", [_, second, ..]) => format!(
            "\nERROR: Too many arguments: {second}\n{}Lists all the available commands or a detailed description of single command.\n COMMAND : Name of the command (default: {})\n",
            usage(" [COMMAND]"),
            arguments.first().map_or("", String::as_str)
        ),
        ("help", [one]) => {
            format!("\nERROR: No such command {one}. Available commands are above. \n")
        }
        ("who-am-i", [first, ..]) => format!(
            "\nERROR: No argument is allowed: {first}\n{}Reports your credential and permissions.\n",
            usage("")
        ),
        ("who-am-i", []) => "Authenticated as: anonymous\nAuthorities:\n  anonymous\n".to_owned(),
        ("connect-node" | "delete-node" | "offline-node", [_, ..]) => {
            let lines =
                arguments.iter().map(|line| format!("{line}: No such agent \"{line}\" exists.\n"));
            lines.collect::<String>()
                + "\nERROR: Error occurred while performing this command, see previous stderr output.\n"
        }
        _ => "\nERROR: anonymous is missing the Overall/Read permission\n".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_read_from_its_frames_and_files_become_arguments() {
        let text = |text: &str| [&[0, text.len() as u8][..], text.as_bytes()].concat();
        let sent =
            [frame(0, &text("help")), frame(0, &text("@/etc/passwd")), frame(3, b"")].concat();
        let words = arguments(&sent);
        assert_eq!(words, ["help", "@/etc/passwd"]);
        (0..sent.len()).for_each(|end| drop(arguments(&sent[..end])));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let said =
            said(&words, |path| (path == "/etc/passwd").then(|| "root:x\ndaemon:x\n".to_owned()));
        assert!(said.contains("ERROR: Too many arguments: daemon:x"), "{said}");
        assert!(said.contains("(default: root:x)"), "{said}");
    }

    #[test]
    fn what_a_script_prints_is_found() {
        assert_eq!(printed("println 'x y'").as_deref(), Some("x y"));
        assert_eq!(printed("print(\"z\")").as_deref(), Some("z"));
        assert_eq!(printed("Jenkins.instance"), None);
    }
}
