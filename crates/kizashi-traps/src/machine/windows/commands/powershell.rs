//! PowerShell as droppers use it: encoded commands, download cradles, and the few cmdlets that look around. It is no interpreter: statements are
//! taken one by one, what is not known answers as an unknown name does. A script that was encoded is told decoded.

use kizashi_event::{Detail, HostileText};

use super::download::{fetched, is_named};
use super::{Call, addresses, tell_addresses};
use crate::machine::windows::line::words;
use crate::machine::windows::{DEPTH, Printed, Shell};

/// Statements of one script.
const STATEMENTS: usize = 64;
/// Letters of a script.
const LONGEST: usize = 64 * 1024;

/// `powershell …`: its switches, then a script.
pub(super) fn command(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let mut at = 0;
    while let Some(word) = call.words.get(at) {
        let Some(switch) = word.strip_prefix(['-', '/']) else { break };
        let switch = switch.to_ascii_lowercase();
        let begins = |name: &str| !switch.is_empty() && name.starts_with(&switch);
        at += 1;
        if begins("encodedcommand") || switch == "ec" {
            let given = call.word(at).to_owned();
            return encoded(shell, &given);
        }
        if begins("command") {
            break;
        }
        if begins("file") {
            let path = call.word(at).to_owned();
            return file(shell, &path);
        }
        let takes_value =
            ["executionpolicy", "windowstyle", "version", "inputformat", "outputformat"];
        if takes_value.iter().any(|name| begins(name))
            || ["ep", "ex", "w"].contains(&switch.as_str())
        {
            at += 1;
        }
    }
    let text = call.words.get(at..).unwrap_or_default().join(" ");
    let text = if text == "-" || text.is_empty() { call.input.to_owned() } else { text };
    if text.is_empty() {
        return Printed::ok(
            "Windows PowerShell \r\nCopyright (C) 2016 Microsoft Corporation. All rights reserved.\r\n\r\n",
        );
    }
    script(shell, &text)
}

fn encoded(shell: &mut Shell<'_>, given: &str) -> Printed {
    let units = base64(given).map(|bytes| {
        let pairs = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        String::from_utf16_lossy(&pairs.collect::<Vec<u16>>())
    });
    let Some(text) = units else {
        return Printed::failed(
            1,
            "Cannot process the command because the value specified with -EncodedCommand is not properly encoded. The value must be Base64 encoded.\r\n",
        );
    };
    shell.tell(Detail::Command { line: HostileText::from(text.as_str()), known: None });
    script(shell, &text)
}

fn file(shell: &mut Shell<'_>, path: &str) -> Printed {
    let whole = shell.path(path);
    match shell.kept.disk.read(&whole) {
        Some(content) => {
            let text = String::from_utf8_lossy(&content).into_owned();
            script(shell, &text)
        }
        None => Printed::failed(
            -196_608,
            format!(
                "The argument '{path}' to the -File parameter does not exist. Provide the path to an existing '.ps1' file as an argument to the -File parameter.\r\n"
            ),
        ),
    }
}

/// Runs a script.
pub(in crate::machine::windows) fn script(shell: &mut Shell<'_>, text: &str) -> Printed {
    let text: String = text.chars().take(LONGEST).collect();
    tell_addresses(shell, &text);
    tell_inner(shell, &text);
    let mut all = Printed::default();
    if shell.depth >= DEPTH {
        return all;
    }
    shell.depth += 1;
    for statement in statements(&text).into_iter().take(STATEMENTS) {
        if shell.steps == 0 {
            break;
        }
        shell.steps -= 1;
        let printed = one(shell, &statement);
        all.out.push_str(&printed.out);
        all.err.push_str(&printed.err);
        all.status = printed.status;
    }
    shell.depth -= 1;
    all
}

/// A script within: the argument of FromBase64String is content that was brought, and is kept.
fn tell_inner(shell: &mut Shell<'_>, text: &str) {
    let lower = text.to_ascii_lowercase();
    let Some(place) = lower.find("frombase64string") else { return };
    let rest = &text[place..];
    let inner = rest.split(['\'', '"']).nth(1).and_then(base64);
    if let Some(bytes) = inner.filter(|bytes| bytes.len() >= 16) {
        let payload =
            crate::capture::Capture::of(&bytes).finish(kizashi_event::PayloadOrigin::Sent);
        shell.tell(Detail::Payload(Box::new(payload)));
    }
}

/// Statements, cut at `;` and line ends outside quotes and brackets.
fn statements(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let (mut held, mut quote, mut depth) = (String::new(), None, 0_u32);
    for letter in text.chars() {
        match (letter, quote) {
            (_, Some(open)) if letter == open => quote = None,
            (_, Some(_)) => {}
            ('\'' | '"', None) => quote = Some(letter),
            ('(' | '{', None) => depth += 1,
            (')' | '}', None) => depth = depth.saturating_sub(1),
            (';' | '\n', None) if depth == 0 => {
                all.push(std::mem::take(&mut held));
                continue;
            }
            _ => {}
        }
        held.push(letter);
    }
    all.push(held);
    all.retain(|statement| !statement.trim().is_empty());
    all
}

/// The quoted texts of a statement.
fn quoted(text: &str) -> Vec<&str> {
    let mut rest = text;
    let mut found = Vec::new();
    while let Some(begin) = rest.find(['\'', '"']) {
        let quote = rest.as_bytes()[begin] as char;
        let Some(end) = rest[begin + 1..].find(quote) else { break };
        found.push(&rest[begin + 1..begin + 1 + end]);
        rest = &rest[begin + 2 + end..];
    }
    found
}

fn failed_download(method: &str, count: usize, address: &str) -> Printed {
    let reason = if is_named(address) {
        "The remote name could not be resolved"
    } else {
        "Unable to connect to the remote server"
    };
    Printed::failed(
        1,
        format!(
            "Exception calling \"{method}\" with \"{count}\" argument(s): \"{reason}\"\r\nAt line:1 char:1\r\n+ ~~~\r\n    + CategoryInfo          : NotSpecified: (:) [], MethodInvocationException\r\n    + FullyQualifiedErrorId : WebException\r\n \r\n"
        ),
    )
}

#[expect(clippy::too_many_lines, reason = "one case after the other")]
fn one(shell: &mut Shell<'_>, statement: &str) -> Printed {
    let text = statement.trim();
    let lower = text.to_ascii_lowercase();
    let address = addresses(text).into_iter().next();
    if let Some(address) = &address {
        if lower.contains("downloadfile") {
            let path = quoted(text)
                .into_iter()
                .rfind(|part| !part.contains("://"))
                .unwrap_or_default()
                .to_owned();
            return if fetched(shell, &path) {
                Printed::default()
            } else {
                failed_download("DownloadFile", 2, address)
            };
        }
        if lower.contains("downloadstring") || lower.contains("downloaddata") {
            let method =
                if lower.contains("downloadstring") { "DownloadString" } else { "DownloadData" };
            return if shell.machine.facts.downloads_succeed {
                Printed::default()
            } else {
                failed_download(method, 1, address)
            };
        }
        let web = [
            "invoke-webrequest",
            "iwr",
            "wget",
            "curl",
            "invoke-restmethod",
            "irm",
            "start-bitstransfer",
        ];
        if web.iter().any(|name| lower.contains(name)) {
            let given = words(text);
            let is_path = |word: &String| {
                ["-outfile", "-o", "-destination"].contains(&word.to_ascii_lowercase().as_str())
            };
            let path = given
                .iter()
                .position(is_path)
                .and_then(|at| given.get(at + 1))
                .map(|path| path.trim_matches('\'').to_owned());
            if fetched(shell, path.as_deref().unwrap_or("C:\\Windows\\Temp\\index.html")) {
                return Printed::default();
            }
            return Printed::failed(
                1,
                "Invoke-WebRequest : Unable to connect to the remote server\r\nAt line:1 char:1\r\n    + CategoryInfo          : InvalidOperation: (System.Net.HttpWebRequest:HttpWebRequest) [Invoke-WebRequest], WebException\r\n    + FullyQualifiedErrorId : WebCmdletWebResponseException,Microsoft.PowerShell.Commands.InvokeWebRequestCommand\r\n \r\n",
            );
        }
    }
    // Assignments, conditions and loops say nothing.
    let silent = [
        "$",
        "[",
        "(",
        "if",
        "while",
        "for",
        "function",
        "try",
        "set-",
        "add-mppreference",
        "new-",
        "import-",
        "sleep",
        "start-sleep",
        "#",
        "iex",
        "invoke-expression",
        "&(",
    ];
    if let Some(value) = variable(shell, text) {
        return Printed::ok(format!("{value}\r\n"));
    }
    if silent.iter().any(|start| lower.starts_with(start)) {
        return Printed::default();
    }
    cmdlet(shell, text, &lower)
}

/// A variable alone.
fn variable(shell: &Shell<'_>, text: &str) -> Option<String> {
    let name = text.get(..5).filter(|start| start.eq_ignore_ascii_case("$env:")).and(text.get(5..));
    if let Some(name) = name {
        return Some(shell.variable(name.trim()).unwrap_or_default());
    }
    let lower = text.to_ascii_lowercase();
    match lower.as_str() {
        // Remote shells ask for their prompt in these words.
        "$pwd"
        | "$pwd.path"
        | "(get-location).path"
        | "$executioncontext.sessionstate.path.currentlocation.path" => {
            Some(shell.machine.folder.clone())
        }
        "$psversiontable.psversion.major" => Some("5".to_owned()),
        _ if lower.starts_with("$psversiontable") => Some(format!(
            "\r\nName                           Value                                           \r\n----                           -----                                           \r\nPSVersion                      {}                                             \r\n",
            shell.machine.facts.powershell()
        )),
        _ => None,
    }
}

/// What a cmdlet is in cmd.exe, where it has one.
fn cmdlet(shell: &mut Shell<'_>, text: &str, lower: &str) -> Printed {
    let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let first = rest.split('|').next().unwrap_or(rest).trim();
    let name = name.to_ascii_lowercase();
    let plain = first.replace('\'', "\"");
    let line = match name.as_str() {
        "write-output" | "write-host" | "echo" => {
            return Printed::ok(format!("{}\r\n", plain.trim_matches('"')));
        }
        "get-childitem" | "gci" | "ls" | "dir" => format!("dir {plain}"),
        "get-content" | "gc" | "cat" | "type" => format!("type {plain}"),
        "get-process" | "gps" | "ps" => "tasklist".to_owned(),
        "get-service" | "gsv" => "net start".to_owned(),
        "get-localuser" => "net user".to_owned(),
        "get-location" | "pwd" | "gl" => "cd".to_owned(),
        "set-location" | "sl" | "cd" | "chdir" => format!("cd {plain}"),
        "remove-item" | "rm" | "del" | "ri" => format!("del {plain}"),
        "get-date" => "date /t".to_owned(),
        "get-computerinfo" => "systeminfo".to_owned(),
        "start-process" | "saps" | "start" => {
            let given = words(&plain);
            let path =
                given.iter().find(|word| !word.starts_with('-')).cloned().unwrap_or_default();
            format!("\"{path}\"")
        }
        _ if name.starts_with('\'') || name.starts_with('"') => {
            return Printed::ok(format!("{}\r\n", text.trim_matches(['\'', '"'])));
        }
        _ => text.to_owned(),
    };
    if lower.starts_with('.') || super::is_known(shell, &line) {
        return shell.line(&line, "");
    }
    Printed::failed(
        1,
        format!(
            "{name} : The term '{name}' is not recognized as the name of a cmdlet, function, script file, or operable program. Check \r\nthe spelling of the name, or if a path was included, verify that the path is correct and try again.\r\nAt line:1 char:1\r\n+ {text}\r\n+ {}\r\n    + CategoryInfo          : ObjectNotFound: ({name}:String) [], CommandNotFoundException\r\n    + FullyQualifiedErrorId : CommandNotFoundException\r\n \r\n",
            "~".repeat(name.chars().count().min(80))
        ),
    )
}

/// Base64 (RFC 4648), with or without its padding.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut held, mut bits) = (0_u32, 0_u32);
    for letter in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        let digit = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => continue,
            _ => return None,
        };
        held = (held << 6 | u32::from(digit)) & 0xff_ffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).unwrap_or(0));
        }
    }
    Some(bytes)
}
