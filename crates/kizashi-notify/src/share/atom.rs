//! Signs as an Atom feed (RFC 4287). Texts are of type `text`, in which a reader finds no markup.

use std::fmt::Write as _;

use super::{Shared, text_of, uuid};

pub(super) fn atom(shared: &Shared) -> String {
    let updated =
        shared.notices.iter().map(|notice| notice.sign.until.max(notice.sign.detected)).max();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n<id>urn:uuid:{}</id>\n<title>Kizashi: {}</title>\n<author><name>{}</name></author>\n<generator>Kizashi</generator>\n<updated>{}</updated>\n",
        uuid(&format!("feed {}", shared.sensor)),
        escaped(&shared.sensor),
        escaped(&shared.sensor),
        updated.unwrap_or(shared.now).rfc3339(),
    );
    for notice in &shared.notices {
        let sign = &notice.sign;
        let _ = write!(
            xml,
            "<entry>\n<id>urn:uuid:{}</id>\n<title type=\"text\">{}</title>\n<published>{}</published>\n<updated>{}</updated>\n<category term=\"{}\"/>\n<content type=\"text\">{}</content>\n</entry>\n",
            uuid(&format!("sign {}", sign.id)),
            escaped(&notice.en.title),
            sign.detected.rfc3339(),
            sign.until.max(sign.detected).rfc3339(),
            sign.severity.name(),
            escaped(&text_of(notice)),
        );
    }
    xml.push_str("</feed>\n");
    xml
}

/// Characters that XML has (XML 1.0, 2.2), its own three and quotes written out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(character),
            control if control.is_control() || matches!(control, '\u{fffe}' | '\u{ffff}') => {
                out.push('\u{fffd}');
            }
            plain => out.push(plain),
        }
    }
    out
}
