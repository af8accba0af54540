//! `python3`: its one-liners, modules by `-m`, and scripts, as far as they print, run commands or download. What it is given is told.

use super::super::{Call, Finish, Moment};
use super::scripts::{quoted, shell, statements, sum, text};

/// Bytes that a text becomes when it is repeated.
const REPEATED: usize = 64 * 1024;
/// Programs packed inside one another.
const PACKED: u32 = 8;

pub(super) fn python(call: &mut Call<'_>) -> Finish {
    let words: Vec<String> = call.arguments().iter().map(|word| text(word)).collect();
    match words.first().map(String::as_str) {
        Some("-V" | "--version") => {
            let version = call.kernel.world.system.python;
            call.line(&format!("Python {version}"));
            Finish::Status(0)
        }
        Some("-c") => run_python(call, &words.get(1).cloned().unwrap_or_default(), "<string>"),
        Some("-m") => module(call, words.get(1).map_or("", String::as_str)),
        Some(path) if !path.starts_with('-') => match call.read(path.as_bytes()) {
            Ok(program) => run_python(call, &text(&program), path),
            Err(fault) => {
                let shown = call.path(path.as_bytes());
                call.err(
                    format!("python3: can't open file '{}': [Errno 2] {fault}\n", text(&shown))
                        .as_bytes(),
                );
                Finish::Status(2)
            }
        },
        _ => {
            let program = text(&call.input());
            run_python(call, &program, "<stdin>")
        }
    }
}

fn module(call: &mut Call<'_>, name: &str) -> Finish {
    match name {
        "json.tool" => {
            let input = text(&call.input());
            match indented(&input) {
                Some(shown) => {
                    call.line(&shown);
                    Finish::Status(0)
                }
                None => {
                    call.err(b"Expecting value: line 1 column 1 (char 0)\n");
                    Finish::Status(1)
                }
            }
        }
        "http.server" | "SimpleHTTPServer" => Finish::Sleep(std::time::Duration::from_secs(30)),
        _ => {
            call.err(format!("/usr/bin/python3: No module named {name}\n").as_bytes());
            Finish::Status(1)
        }
    }
}

/// JSON with four spaces a level; nothing where brackets do not fit.
fn indented(input: &str) -> Option<String> {
    let (mut shown, mut closers, mut quoted, mut escaped) =
        (String::new(), Vec::new(), false, false);
    let newline = |shown: &mut String, depth: usize| {
        shown.push('\n');
        shown.push_str(&" ".repeat(4 * depth.min(40)));
    };
    for c in input.trim().chars().take(16_384) {
        if quoted {
            quoted = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            shown.push(c);
            continue;
        }
        match c {
            '{' | '[' => {
                closers.push(if c == '{' { '}' } else { ']' });
                shown.push(c);
                newline(&mut shown, closers.len());
            }
            '}' | ']' => {
                (closers.pop()? == c).then_some(())?;
                newline(&mut shown, closers.len());
                shown.push(c);
            }
            ',' => {
                shown.push(c);
                newline(&mut shown, closers.len());
            }
            ':' => shown.push_str(": "),
            _ if c.is_whitespace() => {}
            _ => {
                quoted = c == '"';
                shown.push(c);
            }
        }
    }
    (closers.is_empty() && !shown.is_empty()).then_some(shown)
}

/// What a program that is packed in Base64 holds, where all that it does is to run that.
fn packed(program: &str) -> Option<String> {
    let run = statements(program).into_iter().find(|statement| statement.starts_with("exec("))?;
    if !run.contains("b64decode(") {
        return None;
    }
    quoted(&run)
        .into_iter()
        .max_by_key(String::len)
        .map(|inside| text(&super::from_base64(inside.as_bytes())))
        .filter(|inside| !inside.is_empty())
}

fn run_python(call: &mut Call<'_>, program: &str, file: &str) -> Finish {
    run_python_inside(call, program, file, 0)
}

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
fn run_python_inside(call: &mut Call<'_>, program: &str, file: &str, depth: u32) -> Finish {
    const MODULES: [&str; 26] = [
        "os",
        "sys",
        "pty",
        "socket",
        "subprocess",
        "platform",
        "base64",
        "urllib",
        "urllib.request",
        "time",
        "re",
        "json",
        "random",
        "hashlib",
        "struct",
        "string",
        "threading",
        "datetime",
        "shutil",
        "signal",
        "math",
        "getpass",
        "ssl",
        "zlib",
        "select",
        "http",
    ];
    let (open, close) = (program.matches('(').count(), program.matches(')').count());
    if open > close {
        let line = program.lines().next().unwrap_or_default();
        let place = line.find('(').unwrap_or(0);
        call.err(format!("  File \"{file}\", line 1\n    {line}\n    {}^\nSyntaxError: '(' was never closed\n", " ".repeat(place)).as_bytes());
        return Finish::Status(1);
    }
    let mut commands = Vec::new();
    // exec(base64.b64decode("…")): what is packed runs in its place.
    if depth < PACKED
        && let Some(packed) = packed(program)
    {
        return run_python_inside(call, &packed, file, depth + 1);
    }
    for statement in statements(program) {
        if let Some(names) =
            statement.strip_prefix("import ").or_else(|| statement.strip_prefix("from "))
        {
            let names = names.split(" import ").next().unwrap_or_default();
            let unknown = names
                .split(',')
                .map(|name| name.split(" as ").next().unwrap_or_default().trim())
                .find(|name| !MODULES.contains(name));
            if let Some(name) = unknown {
                call.err(format!("Traceback (most recent call last):\n  File \"{file}\", line 1, in <module>\nModuleNotFoundError: No module named '{name}'\n").as_bytes());
                return Finish::Status(1);
            }
        } else if let Some(inside) =
            statement.strip_prefix("print(").and_then(|rest| rest.strip_suffix(')'))
        {
            let shown = python_value(call, inside);
            call.line(&shown);
        } else if ["urlretrieve(", "urlopen("].iter().any(|name| statement.contains(name)) {
            if let Some(finish) = python_fetches(call, &statement, file) {
                return finish;
            }
        } else if statement.contains("spawn(")
            || statement.contains("system(")
            || statement.contains("popen(")
            || statement.contains("call(")
            || statement.contains("run(")
            || statement.contains("exec")
        {
            commands.push(shell(&quoted(&statement).join(" ")));
        }
    }
    if commands.is_empty() {
        Finish::Status(0)
    } else {
        Finish::Each(commands.into_iter().take(8).collect())
    }
}

/// `urlretrieve(address, path)`, `open(path, "wb").write(urlopen(address).read())`; a traceback where nothing answers.
fn python_fetches(call: &mut Call<'_>, statement: &str, file: &str) -> Option<Finish> {
    let texts = quoted(statement);
    let address = texts.iter().find(|text| text.contains("://"))?;
    call.kernel.tell_address(address.as_bytes());
    let host = address.split("://").nth(1)?.split(['/', ':']).next()?;
    if call.downloads_from(host) {
        let path = texts.iter().find(|text| {
            !text.contains("://") && !matches!(&text[..], "w" | "wb" | "a" | "ab" | "")
        })?;
        call.bring(address, path.as_bytes());
        return None;
    }
    let (pause, error) = if host.parse::<std::net::Ipv4Addr>().is_ok() {
        (4, "[Errno 111] Connection refused")
    } else {
        (5, "[Errno -3] Temporary failure in name resolution")
    };
    let text = format!(
        "Traceback (most recent call last):\n  File \"{file}\", line 1, in <module>\nurllib.error.URLError: <urlopen error {error}>\n"
    );
    let after = std::time::Duration::from_secs(pause);
    Some(Finish::Slow(vec![Moment { after, text: text.into_bytes(), error: true }], 1))
}

fn python_value(call: &mut Call<'_>, expression: &str) -> String {
    let expression = expression.trim();
    if let Some(value) = sum(expression) {
        return value.to_string();
    }
    if let [one] = &quoted(expression)[..]
        && expression.len() == one.len() + 2
    {
        return one.replace("\\n", "\n").replace("\\t", "\t");
    }
    // 'a'*5
    if let Some((text, count)) = expression.rsplit_once('*')
        && let [one] = &quoted(text)[..]
        && text.trim().len() == one.len() + 2
        && let Some(count) = sum(count)
    {
        let count = usize::try_from(count).unwrap_or(0).min(REPEATED / one.len().max(1));
        return one.replace("\\n", "\n").replace("\\t", "\t").repeat(count);
    }
    match expression {
        "os.getuid()" | "os.geteuid()" => call.who.uid.to_string(),
        "os.getcwd()" => text(call.folder),
        "platform.system()" => "Linux".to_owned(),
        "platform.machine()" => call.kernel.world.architecture.machine().to_owned(),
        "platform.node()" | "socket.gethostname()" | "os.uname()[1]" => {
            call.kernel.world.host.clone()
        }
        "platform.release()" => call.kernel.world.system.kernel.to_owned(),
        "sys.version_info[0]" => "3".to_owned(),
        "sys.platform" => "linux".to_owned(),
        _ => String::new(),
    }
}
