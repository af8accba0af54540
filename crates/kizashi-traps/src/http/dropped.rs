//! Files that a visitor dropped, asked for by their path: a script "runs", anything else is served back. Only whoever brought a file gets it;
//! to everybody else its path is not there. PHP is interpreted ([`crate::php`]); of the large shells that hide behind pages of PHP the plain
//! form is shown and its command run; of JSP and ASP.NET the parameter that becomes a command is found by its form.

use kizashi_event::Request;

use super::form::Form;
use super::path::normalise;
use super::rules::{MachineKind, RuleAnswer, Scene, find, web_machine};
use super::run::Run;
use super::script::{Script, request_of, version};
use crate::machine::Machine;
use crate::php;

/// Where pages lie.
const ROOT: &str = "/var/www/html";

/// Shells that are known by a word in them, and the parameters in which each gets its command.
const SHELLS: [(&str, &str, &[&str]); 9] = [
    ("FilesMan", "WSO 2.5", &["p1", "cmd"]),
    ("c99sh", "c99shell", &["cmd", "c"]),
    ("r57shell", "r57shell", &["cmd"]),
    ("b374k", "b374k", &["cmd", "terminalInput"]),
    ("Alfa", "ALFA TEaM Shell", &["alfa1", "cmd"]),
    ("IndoXploit", "IndoXploit", &["cmd"]),
    ("p0wny", "p0wny@shell:~#", &["cmd"]),
    ("Tiny File Manager", "Tiny File Manager", &["cmd"]),
    ("phpspy", "phpspy", &["command", "cmd"]),
];

/// What is done about a request for a file that this visitor dropped; `None` where he dropped none there.
pub(super) fn respond(
    scene: &Scene<'_>,
    request: &Request,
    target: &[u8],
    body: &[u8],
) -> Option<Box<Run>> {
    let path = normalise(scene.persona.grammar, target)?;
    let path = format!("{ROOT}{path}").into_bytes();
    let file = scene.identity.kept_files().find(scene.visit.source, &path, scene.now)?;
    let extension =
        path.rsplit(|byte| *byte == b'.').next().unwrap_or_default().to_ascii_lowercase();
    let machine = web_machine(scene, MachineKind::Server);
    let folder = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    machine.0.begin_in(&path[..folder]);
    let form = Form::of(request, target, body);
    Some(match extension.as_slice() {
        b"php" | b"php3" | b"php4" | b"php5" | b"php7" | b"phtml" | b"phar" | b"pht" => {
            if let Some((_, name, parameters)) =
                SHELLS.iter().find(|(word, ..)| find(&file.content, word.as_bytes()).is_some())
            {
                let command = parameters.iter().find_map(|parameter| form.value(parameter));
                return Some(named_shell(machine, scene, name, command));
            }
            if !php::is_readable(&file.content, false) {
                let answer = php_answer(scene, 200, Vec::new());
                return Some(Run::written(machine, scene.now, answer));
            }
            let request = request_of(scene, request, target, body, &path);
            let empty = php_answer(scene, 200, Vec::new());
            let script = Script::new(file.content, false, request);
            Run::script(machine, script, scene.now, move |printed| shaped(empty, printed))
        }
        b"jsp" | b"jspx" | b"asp" | b"aspx" | b"ashx" | b"asmx" | b"cfm" => {
            by_form(machine, scene, &file.content, &form)
        }
        other => {
            let answer = RuleAnswer {
                status: 200,
                kind: kind_of(other).to_owned(),
                fields: Vec::new(),
                body: file.content,
            };
            Run::written(machine, scene.now, answer)
        }
    })
}

/// Puts a file where a visitor wants it; whether the machine took it.
pub(super) fn put(machine: &Machine, path: &[u8], content: &[u8]) -> bool {
    let files = machine.files();
    let root = ROOT.len();
    for (at, _) in path.iter().enumerate().skip(root + 1).filter(|(_, byte)| **byte == b'/') {
        let _ = files.make_folder(&path[..at], 0o755);
    }
    files.create(path, true, 0o644).and_then(|()| files.write(path, 0, content)).is_ok()
}

fn php_answer(scene: &Scene<'_>, status: u16, body: Vec<u8>) -> RuleAnswer {
    let php = format!("PHP/{}", version(scene.identity.web_server()));
    RuleAnswer {
        status,
        kind: "text/html; charset=UTF-8".to_owned(),
        fields: vec![("X-Powered-By".to_owned(), php)],
        body,
    }
}

/// The answer with what the script said to the web server.
fn shaped(mut answer: RuleAnswer, printed: php::Printed) -> RuleAnswer {
    const OWN: [&str; 7] = [
        "server",
        "date",
        "content-length",
        "connection",
        "transfer-encoding",
        "keep-alive",
        "content-encoding",
    ];
    for (name, value) in printed.fields {
        let lower = name.to_ascii_lowercase();
        let plain = !name.is_empty() && name.bytes().all(super::grammar::is_token);
        if lower == "content-type" {
            answer.kind = value;
        } else if plain && !OWN.contains(&lower.as_str()) {
            answer.fields.push((name, value));
        }
    }
    RuleAnswer { body: printed.output, ..answer }
}

/// A plain form under the shell's own name, and a command's output above it.
fn named_shell(
    machine: (Machine, super::run::Keeper),
    scene: &Scene<'_>,
    name: &str,
    command: Option<&[u8]>,
) -> Box<Run> {
    let form = "<form method=\"post\"><input type=\"text\" name=\"cmd\" size=\"80\"> <input type=\"submit\" value=\"Execute\"></form>";
    let page = move |output: &[u8]| {
        let text = String::from_utf8_lossy(output).replace('&', "&amp;").replace('<', "&lt;");
        format!(
            "<html><head><title>{name}</title></head><body bgcolor=\"#000\" text=\"#0f0\"><pre>{text}</pre>{form}</body></html>"
        )
    };
    let answer = php_answer(scene, 200, Vec::new());
    let Some(command) = command.filter(|command| !command.is_empty()) else {
        let body = format!(
            "<html><head><title>{name}</title></head><body bgcolor=\"#000\" text=\"#0f0\"><pre></pre>{form}</body></html>"
        );
        return Run::written(machine, scene.now, RuleAnswer { body: body.into_bytes(), ..answer });
    };
    let head = page(b"@output@");
    Run::command(machine, command, scene.now, 200, move |printed| {
        let text =
            String::from_utf8_lossy(&printed.output).replace('&', "&amp;").replace('<', "&lt;");
        RuleAnswer { body: head.replace("@output@", &text).into_bytes(), ..answer }
    })
}

/// A page in Java or for ASP.NET: the command is in the parameter that the page reads, where it runs any.
fn by_form(
    machine: (Machine, super::run::Keeper),
    scene: &Scene<'_>,
    content: &[u8],
    form: &Form,
) -> Box<Run> {
    let text = String::from_utf8_lossy(content).into_owned();
    let answer = RuleAnswer {
        status: 200,
        kind: "text/html;charset=UTF-8".to_owned(),
        fields: Vec::new(),
        body: Vec::new(),
    };
    let runs =
        ["exec(", "ProcessBuilder", "Process.Start", "ProcessStartInfo", "WScript.Shell", "eval("]
            .iter()
            .any(|word| text.contains(word));
    let names = parameters(&text);
    let refused = names.iter().any(|name| {
        // `"secret".equals(request.getParameter("pwd"))`.
        form.value(name).is_none()
            && text.contains(".equals(request.getParameter")
            && names.len() > 1
    });
    let command = names.iter().rev().filter_map(|name| form.value(name)).find(|value| {
        !value.is_empty() && !text.contains(&format!("\"{}\"", String::from_utf8_lossy(value)))
    });
    match command.filter(|_| runs && !refused) {
        Some(command) => Run::command(machine, command, scene.now, 200, move |printed| {
            let pre = text.contains("<pre>");
            let (open, close) = if pre { ("<pre>", "</pre>") } else { ("", "") };
            RuleAnswer {
                body: [open.as_bytes(), &printed.output, close.as_bytes()].concat(),
                ..answer
            }
        }),
        None => {
            let body = shown(&text);
            Run::written(machine, scene.now, RuleAnswer { body: body.into_bytes(), ..answer })
        }
    }
}

/// Names of the parameters that a page reads.
fn parameters(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for mark in [
        "getParameter(\"",
        "Request[\"",
        "Request.Form[\"",
        "Request.QueryString[\"",
        "Request.Item[\"",
        "Request(\"",
        "param.",
    ] {
        for (at, _) in text.match_indices(mark).take(8) {
            let rest = &text[at + mark.len()..];
            let name: String = rest
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .take(40)
                .collect();
            if !name.is_empty() && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

/// What a page shows that runs nothing: what stands outside of its code, and the texts that it prints.
fn shown(text: &str) -> String {
    let (mut page, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("<%") {
        page.push_str(before);
        let (code, left) = after.split_once("%>").unwrap_or((after, ""));
        for mark in ["print(\"", "println(\"", "Write(\""] {
            for (at, _) in code.match_indices(mark).take(8) {
                let inner = &code[at + mark.len()..];
                page.push_str(inner.split('"').next().unwrap_or_default());
            }
        }
        for mark in ["println(", "print(", "Write("] {
            for (at, _) in code.match_indices(mark).take(8) {
                let digits: String = code[at + mark.len()..]
                    .chars()
                    .take_while(|c| c.is_ascii_digit() || " +*-".contains(*c))
                    .collect();
                if let Ok(number) = digits.trim().parse::<i64>() {
                    page.push_str(&number.to_string());
                } else if let Some(result) = super::rules::calculate(digits.as_bytes()) {
                    page.push_str(&String::from_utf8_lossy(&result));
                }
            }
        }
        rest = left;
    }
    page.push_str(rest);
    page
}

fn kind_of(extension: &[u8]) -> &'static str {
    match extension {
        b"html" | b"htm" => "text/html",
        b"txt" | b"log" => "text/plain",
        b"css" => "text/css",
        b"js" => "application/javascript",
        b"json" => "application/json",
        b"svg" => "image/svg+xml",
        b"jpg" | b"jpeg" => "image/jpeg",
        b"png" => "image/png",
        b"gif" => "image/gif",
        b"xml" => "text/xml",
        _ => "application/octet-stream",
    }
}
