//! What an answer says of the server that gave it, without what differs from one installation or minute to the next: status line, names,
//! order and fixed values of fields, whether the connection ends, and of the page its title, generator, forms and short texts.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Fields whose value is a date, a size or a key: they are there, and that is all that is kept of them.
const PASSING: [&str; 9] = [
    "date",
    "content-length",
    "last-modified",
    "etag",
    "x-kubernetes-pf-flowschema-uid",
    "x-request-id",
    "link",
    "x-jenkins-session",
    "age",
];
/// A page of at most this is kept as it is.
const SHORT: usize = 160;

/// All that came, and whether the server ended the connection.
fn ask(address: SocketAddr, bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut stream = TcpStream::connect(address).unwrap();
    // The first answer of a page may have to be compiled.
    stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    let _ = stream.write_all(bytes);
    let (mut reply, mut piece) = (Vec::new(), [0; 65_536]);
    let ended = loop {
        match stream.read(&mut piece) {
            Ok(0) => break true,
            Ok(count) => {
                reply.extend_from_slice(&piece[..count]);
                stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
            }
            Err(error) => break error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    };
    (reply, ended)
}

/// The facts of one answer.
pub(crate) fn of(address: SocketAddr, bytes: &[u8]) -> String {
    let (reply, ended) = ask(address, bytes);
    let text = String::from_utf8_lossy(&reply).replace(&address.to_string(), "HOST");
    let text = text
        .replace(&format!(":{}", address.port()), ":PORT")
        .replace(&format!("%3A{}", address.port()), "%3APORT");
    let text = text
        .replace("http://a:PORT", "http://a")
        .replace("http%3A%2F%2Fa%3APORT", "http%3A%2F%2Fa");
    let mut facts = String::new();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let (head, body) = if text.starts_with("HTTP/") { (head, body) } else { ("", text.as_str()) };
    for line in head.lines() {
        let _ = writeln!(facts, "{}", line_without_passing(line).trim_end());
    }
    page(body, &mut facts);
    let _ = writeln!(facts, "({})", if ended { "ends" } else { "stays" });
    facts
}

fn line_without_passing(line: &str) -> String {
    let Some((name, value)) = line.split_once(": ") else { return line.to_owned() };
    match name.to_ascii_lowercase().as_str() {
        passing if PASSING.contains(&passing) => format!("{name}: …"),
        "expires" if value.contains("20") => format!("{name}: …"),
        "set-cookie" => format!("{name}: {}", cookie(value)),
        "allow" if value.contains(", ") => {
            let mut methods: Vec<&str> = value.split(", ").collect();
            methods.sort_unstable();
            format!("{name}: {}", methods.join(", "))
        }
        "server" | "x-powered-by" => format!("{name}: {}", without_version(value)),
        _ => line.to_owned(),
    }
}

/// A cookie's name and attributes.
fn cookie(value: &str) -> String {
    let (pair, attributes) = value.split_once(';').unwrap_or((value, ""));
    let name = pair.split('=').next().unwrap_or_default();
    let attributes: Vec<&str> = attributes
        .split(';')
        .map(str::trim)
        .filter(|part| !part.to_ascii_lowercase().starts_with("expires"))
        .collect();
    format!("{name}=…; {}", attributes.join("; "))
}

/// Runs of digits and dots become one sign, with what Debian and Jetty add.
fn without_version(text: &str) -> String {
    let mut plain = String::new();
    for sign in text.chars() {
        match sign {
            '0'..='9' | '.' if plain.ends_with('#') => {}
            '0'..='9' => plain.push('#'),
            sign => plain.push(sign),
        }
    }
    plain.replace("#v#", "#").replace("#+dfsg#", "#")
}

fn page(body: &str, facts: &mut String) {
    let lower = body.to_ascii_lowercase();
    if !lower.contains("<title") && !body.is_empty() && body.len() <= SHORT {
        let _ = writeln!(facts, "| {}", body.escape_debug());
        return;
    }
    for (begin, end) in
        [("<!doctype", ">"), ("<title", "</title>"), ("<meta name=\"generator\"", ">")]
    {
        if let Some(from) = lower.find(begin) {
            let length = lower[from..].find(end).map_or(0, |at| at + end.len());
            let tag = body.get(from..from + length).unwrap_or_default();
            let _ = writeln!(facts, "| {}", without_version_in_titles(tag).trim());
        }
    }
    for (begin, wanted) in
        [("<form", &["action", "method", "name"][..]), ("<input", &["type", "name"])]
    {
        for (from, _) in lower.match_indices(begin) {
            let tag = body[from..].split('>').next().unwrap_or_default();
            let said: Vec<String> = wanted
                .iter()
                .map(|name| format!("{name}={}", attribute(tag, name).replace("&amp;", "&")))
                .collect();
            let _ = writeln!(facts, "| {begin} {}", said.join(" "));
        }
    }
}

fn without_version_in_titles(tag: &str) -> String {
    if tag.starts_with("<meta") { without_version(tag) } else { tag.to_owned() }
}

fn attribute<'a>(tag: &'a str, name: &str) -> &'a str {
    let Some(from) = tag.find(&format!(" {name}=")) else { return "-" };
    let value = &tag[from + name.len() + 2..];
    let quote = value.chars().next().filter(|sign| matches!(sign, '"' | '\''));
    match quote {
        Some(quote) => value[1..].split(quote).next().unwrap_or_default(),
        None => value.split([' ', '/']).next().unwrap_or_default(),
    }
}
