//! A mail as text (RFC 5322): a subject in encoded words (RFC 2047), the body as base64 (RFC 2045), a page beside the text where there is one
//! (RFC 2046, 5.1.4). Everything that is not ours is encoded, so that no byte of it can begin a header, a part or the end.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Mail;

/// Bytes of an encoded word's content, so that the word stays within 75 characters.
const MOST_IN_WORD: usize = 42;
/// Characters of a line of base64.
const LINE: usize = 76;
/// Parts of a mail are told apart by this, which no base64 holds.
const BOUNDARY: &str = "=_kizashi_=";

/// The whole of it, lines ended by CR LF.
pub(super) fn text(mail: &Mail) -> String {
    let date = jiff::Timestamp::from_microsecond(mail.date.micros()).unwrap_or_default();
    let date =
        jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_string(&date).unwrap_or_default();
    let mut lines = vec![
        format!("From: Kizashi <{}>", mail.from),
        format!("To: {}", mail.to.join(",\r\n ")),
        format!("Subject: {}", words(&mail.subject)),
        format!("Date: {date}"),
        format!("Message-ID: <{}>", mail.message_id),
        "MIME-Version: 1.0".to_owned(),
        // So that nobody's holiday answers it (RFC 3834).
        "Auto-Submitted: auto-generated".to_owned(),
    ];
    match &mail.html {
        None => part(&mut lines, "text/plain", &mail.text),
        Some(html) => {
            lines.push(format!("Content-Type: multipart/alternative; boundary=\"{BOUNDARY}\""));
            for (kind, content) in [("text/plain", &mail.text), ("text/html", html)] {
                lines.push(String::new());
                lines.push(format!("--{BOUNDARY}"));
                part(&mut lines, kind, content);
            }
            lines.push(format!("--{BOUNDARY}--"));
        }
    }
    lines.push(String::new());
    lines.join("\r\n")
}

fn part(lines: &mut Vec<String>, kind: &str, content: &str) {
    lines.push(format!("Content-Type: {kind}; charset=utf-8"));
    lines.push("Content-Transfer-Encoding: base64".to_owned());
    lines.push(String::new());
    let coded = STANDARD.encode(content.replace('\n', "\r\n"));
    let mut rest = coded.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(LINE));
        lines.push(line.to_owned());
        rest = more;
    }
}

fn words(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    for character in text.chars() {
        if word.len() + character.len_utf8() > MOST_IN_WORD {
            words.push(std::mem::take(&mut word));
        }
        word.push(character);
    }
    words.push(word);
    let words: Vec<String> =
        words.iter().map(|word| format!("=?utf-8?B?{}?=", STANDARD.encode(word))).collect();
    words.join("\r\n ")
}

#[cfg(test)]
mod tests {
    use kizashi_event::Timestamp;

    use super::*;
    use crate::send::Security;

    #[test]
    fn nothing_that_is_told_can_begin_a_header_or_end_the_mail() {
        let hostile =
            "x\r\nBcc: victim@example.org\r\n\r\n.\r\nRCPT TO:<a@b>\r\n--=_kizashi_=--\r\n兆し"
                .repeat(20);
        let mail = Mail {
            host: String::new(),
            port: 25,
            security: Security::None,
            login: None,
            from: "kizashi@example.org".to_owned(),
            to: vec!["a@example.org".to_owned(), "b@example.org".to_owned()],
            subject: hostile.clone(),
            text: hostile.clone(),
            html: Some(hostile),
            message_id: "1.kizashi@example.org".to_owned(),
            date: Timestamp::from_seconds(1_800_000_000),
        };
        let text = text(&mail);
        assert!(!text.contains("Bcc") && !text.contains("RCPT") && !text.contains("\r\n.\r\n"));
        assert!(text.is_ascii() && text.lines().all(|line| line.len() <= 100), "{text}");
        assert_eq!(text.matches("\r\n--=_kizashi_=").count(), 3);
        assert!(text.contains("Date: Fri, 15 Jan 2027 08:00:00"), "{text}");
    }
}
