//! What FETCH tells of a message, in the order in which it is asked for.

use super::wire::words;
use crate::mailbox::Message;

fn string(text: &str) -> String {
    format!("{{{}}}\r\n{text}", text.len())
}

fn envelope(message: &Message) -> String {
    let address = |name: Option<&str>, address: &str| {
        let (user, host) = address.split_once('@').unwrap_or((address, ""));
        let name = name.map_or_else(|| "NIL".to_owned(), |name| format!("\"{name}\""));
        format!("(({name} NIL \"{user}\" \"{host}\"))")
    };
    let from = address(Some(message.from.0), &message.from.1);
    let subject = message.subject.replace('\\', "\\\\").replace('"', "\\\"");
    format!(
        "(\"{}\" \"{subject}\" {from} {from} {from} {} NIL NIL NIL \"{}\")",
        message.date(),
        address(None, &message.to),
        message.id()
    )
}

/// The lines of a head that have one of these names.
fn chosen(message: &Message, names: &str, others: bool) -> String {
    let names: Vec<String> = names
        .split([' ', '(', ')'])
        .filter(|name| !name.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let head = message.head();
    let lines = head.lines().filter(|line| {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        !line.is_empty() && names.contains(&name) != others
    });
    lines.map(|line| format!("{line}\r\n")).collect::<String>() + "\r\n"
}

/// A part of the message by what stands in the brackets.
fn section(message: &Message, section: &str) -> String {
    let upper = section.to_ascii_uppercase();
    match upper.as_str() {
        "" => message.text(),
        "HEADER" => message.head(),
        "TEXT" | "1" => message.body(),
        _ => match upper.split_once(' ') {
            Some(("HEADER.FIELDS", names)) => chosen(message, names, false),
            Some(("HEADER.FIELDS.NOT", names)) => chosen(message, names, true),
            _ => String::new(),
        },
    }
}

/// One item; `None` where there is none of this name.
fn item(name: &str, message: &Message, seen: bool) -> Option<String> {
    let upper = name.to_ascii_uppercase();
    Some(match upper.as_str() {
        "FLAGS" => format!("FLAGS ({})", if seen { "\\Seen" } else { "" }),
        "UID" => format!("UID {}", message.uid),
        "INTERNALDATE" => format!("INTERNALDATE \"{}\"", message.internal_date()),
        "RFC822.SIZE" => format!("RFC822.SIZE {}", message.text().len()),
        "ENVELOPE" => format!("ENVELOPE {}", envelope(message)),
        "RFC822" => format!("RFC822 {}", string(&message.text())),
        "RFC822.HEADER" => format!("RFC822.HEADER {}", string(&message.head())),
        "RFC822.TEXT" => format!("RFC822.TEXT {}", string(&message.body())),
        "BODY" | "BODYSTRUCTURE" => {
            let body = message.body();
            let more = if upper == "BODY" { "" } else { " NIL NIL NIL NIL" };
            format!(
                "{upper} (\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" {} {}{more})",
                body.len(),
                body.lines().count()
            )
        }
        _ => {
            let open = upper.find('[').filter(|_| upper.starts_with("BODY"))?;
            let close = upper.rfind(']').filter(|close| *close > open)?;
            let inside = name.get(open + 1..close)?;
            format!("BODY[{}] {}", inside.to_ascii_uppercase(), string(&section(message, inside)))
        }
    })
}

/// The answer for one message; `None` where something is asked for that is not.
pub(super) fn fetched(number: u32, asked: &str, by_uid: bool, message: &Message) -> Option<String> {
    let inside = asked.strip_prefix('(').and_then(|asked| asked.strip_suffix(')')).unwrap_or(asked);
    let names: Vec<String> = match inside.to_ascii_uppercase().as_str() {
        "ALL" => ["FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"].map(str::to_owned).to_vec(),
        "FAST" => ["FLAGS", "INTERNALDATE", "RFC822.SIZE"].map(str::to_owned).to_vec(),
        "FULL" => {
            ["FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"].map(str::to_owned).to_vec()
        }
        _ => {
            let words = words(inside.as_bytes()).into_iter();
            words.map(|word| String::from_utf8_lossy(&word).into_owned()).collect()
        }
    };
    let mut items = Vec::new();
    if by_uid && !names.iter().any(|name| name.eq_ignore_ascii_case("UID")) {
        items.push(format!("UID {}", message.uid));
    }
    for name in &names {
        items.push(item(name, message, false)?);
    }
    (!names.is_empty()).then(|| format!("* {number} FETCH ({})\r\n", items.join(" ")))
}
