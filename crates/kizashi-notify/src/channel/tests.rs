//! Every channel over a message full of what attackers would write to act in it.

use kizashi_event::Timestamp;
use kizashi_store::Evidence;
use serde_json::Value;

use super::*;
use crate::settings::Ready;
use crate::testing::sign;
use crate::{Language, Notice, Notify, Why};

/// A channel of these settings.
fn channel(settings: &str) -> Ready {
    let notify: Notify = toml::from_str(&format!("[channels.a]\n{settings}")).unwrap();
    notify.check().unwrap();
    notify.all_ready().unwrap().remove(0)
}

const HOSTILE: &str = "<!channel> <@U1> @everyone **b** [x](http://evil.example) `</pre></b><a href=\"http://evil.example\">y</a> \u{1b}[31m\r\nBcc: v@example.org\r\n<1>1 - - fake\u{202e} |x=1\\ ]\"";

fn hostile_message() -> Message {
    let evidence = Evidence {
        users: vec![(HOSTILE.to_owned(), 3)],
        commands: vec![(HOSTILE.to_owned(), 3)],
        sources: vec![("192.0.2.7".to_owned(), 900)],
        ..Evidence::default()
    };
    let mut sign = sign("tcp/22");
    sign.key = kizashi_event::escape_for_people(&format!("user:{HOSTILE}"));
    let notice = Notice::of(&sign, &evidence);
    Message::new("a", Why::Sign, 1, &[&notice], Timestamp::from_seconds(1_800_000_000))
}

fn delivery(settings: &str) -> Delivery {
    let ready = channel(settings);
    let message = hostile_message();
    let letter = message.letter(Language::English, "sensor");
    ready.channel.delivery(&message, &letter, Timestamp::from_seconds(1_800_000_000))
}

fn json(settings: &str) -> (Request, Value) {
    let Delivery::Http(request) = delivery(settings) else { panic!("no request") };
    let body = serde_json::from_str(&request.body).unwrap();
    (request, body)
}

fn texts(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::String(text) => out.push(text.clone()),
        Value::Array(all) => all.iter().for_each(|value| texts(value, out)),
        Value::Object(all) => all.values().for_each(|value| texts(value, out)),
        _ => {}
    }
}

#[test]
fn slack_gets_plain_text_alone_and_mentions_nobody() {
    let (_, body) = json("kind = \"slack\"\nurl = \"https://hooks.example/x\"");
    for block in body["blocks"].as_array().unwrap() {
        assert_eq!(block["text"]["type"], "plain_text");
    }
    let text = body["text"].as_str().unwrap();
    assert!(!text.contains('<') && text.contains("&lt;!channel"), "{text}");
}

#[test]
fn discord_mentions_nobody_and_every_mark_of_markdown_is_escaped() {
    let (_, body) = json("kind = \"discord\"\nurl = \"https://discord.example/x\"");
    assert_eq!(body["allowed_mentions"]["parse"], serde_json::json!([]));
    let text = body["embeds"][0]["description"].as_str().unwrap();
    assert!(
        text.contains("\\*\\*b\\*\\*")
            && text.contains("\\@everyone")
            && text.contains("\\[x\\]\\(")
    );
    assert!(
        text.chars().count() <= 4_096
            && body["embeds"][0]["title"].as_str().unwrap().chars().count() <= 256
    );
}

#[test]
fn teams_gets_runs_which_read_no_markdown() {
    let (_, body) = json("kind = \"teams\"\nurl = \"https://teams.example/x\"");
    for block in body["attachments"][0]["content"]["body"].as_array().unwrap() {
        assert_eq!(
            (block["type"].as_str(), block["inlines"][0]["type"].as_str()),
            (Some("RichTextBlock"), Some("TextRun"))
        );
    }
}

#[test]
fn telegram_gets_no_tag_but_our_own_two() {
    let (request, body) = json("kind = \"telegram\"\ntoken = \"1:A\"\nchat = \"5\"");
    assert_eq!(request.url, "https://api.telegram.org/bot1:A/sendMessage");
    let text = body["text"].as_str().unwrap();
    assert_eq!(text.matches('<').count(), 4, "{text}");
    assert!(text.starts_with("<b>") && text.ends_with("</pre>") && text.contains("&lt;/pre&gt;"));
}

#[test]
fn line_matrix_ntfy_and_pushover_get_plain_text_within_their_bounds() {
    let (request, body) = json("kind = \"line\"\ntoken = \"t\"\nchat = \"U1\"");
    let key = request.headers.iter().find(|(name, _)| *name == "X-Line-Retry-Key").unwrap();
    assert_eq!(key.1.len(), 36);
    assert!(body["messages"][0]["text"].as_str().unwrap().encode_utf16().count() <= 5_000);
    let (request, body) =
        json("kind = \"matrix\"\nurl = \"https://m.example\"\nroom = \"!a:b\"\ntoken = \"t\"");
    assert!(
        request
            .url
            .starts_with("https://m.example/_matrix/client/v3/rooms/%21a%3Ab/send/m.room.message/")
    );
    assert!(body.get("formatted_body").is_none() && body["msgtype"] == "m.text");
    let (_, body) = json("kind = \"ntfy\"\ntopic = \"t\"");
    assert_eq!(body["sequence_id"], hostile_message().id.as_str());
    assert!(body["message"].as_str().unwrap().len() <= 4_096 && body["priority"] == 4);
    let Delivery::Http(request) = delivery("kind = \"pushover\"\ntoken = \"t\"\nuser = \"u\"")
    else {
        panic!()
    };
    let fields: Vec<&str> =
        request.body.split('&').map(|pair| pair.split('=').next().unwrap()).collect();
    assert_eq!(
        fields,
        ["token", "user", "title", "message", "priority"],
        "no value is a field of its own"
    );
}

#[test]
fn no_channel_over_http_sends_a_control_a_bidirectional_mark_or_an_address_to_follow() {
    for settings in [
        "kind = \"webhook\"\nurl = \"https://w.example/\"\nsecret = \"0123456789abcdef\"",
        "kind = \"slack\"\nurl = \"https://s.example/\"",
        "kind = \"discord\"\nurl = \"https://d.example/\"",
        "kind = \"teams\"\nurl = \"https://t.example/\"",
        "kind = \"telegram\"\ntoken = \"1:A\"\nchat = \"5\"",
        "kind = \"line\"\ntoken = \"t\"\nchat = \"U1\"",
        "kind = \"ntfy\"\ntopic = \"t\"",
        "kind = \"matrix\"\nurl = \"https://m.example\"\nroom = \"!a:b\"\ntoken = \"t\"",
    ] {
        let (_, mut body) = json(settings);
        // Its fields are for programs, which want keys as they are; Microsoft's schema is an address of ours.
        body.as_object_mut().unwrap().remove("signs");
        if let Some(content) = body.pointer_mut("/attachments/0/content") {
            content.as_object_mut().unwrap().remove("$schema");
        }
        let mut all = Vec::new();
        texts(&body, &mut all);
        for text in all {
            let acts = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            assert!(!text.chars().any(acts) && !text.contains("://evil"), "{settings}: {text:?}");
        }
    }
}

#[test]
fn a_line_of_syslog_stays_one_and_its_fields_end_where_we_end_them() {
    for format in ["rfc5424", "cef", "leef"] {
        let settings = format!("kind = \"syslog\"\nserver = \"127.0.0.1\"\nformat = \"{format}\"");
        let Delivery::Lines(lines) = delivery(&settings) else { panic!("no lines") };
        assert_eq!(lines.lines.len(), 1);
        let line = &lines.lines[0];
        assert!(
            line.starts_with("<83>1 2027-01-15T08:00:00.000000Z sensor kizashi - sign "),
            "{line}"
        );
        assert!(!line.chars().any(|c| c.is_control() && c != '\t'), "{line:?}");
        match format {
            "rfc5424" => {
                let data = &line[line.find('[').unwrap()..];
                let end = data.char_indices().scan(false, |escaped, (at, c)| {
                    let was = std::mem::replace(escaped, c == '\\' && !*escaped);
                    Some((at, c, was))
                });
                let end = end.into_iter().find(|(_, c, escaped)| *c == ']' && !escaped).unwrap().0;
                assert!(data[..end].ends_with("severity=\"high\""), "{line}");
            }
            "cef" => {
                let cef = &line[line.find("CEF:0").unwrap()..];
                let pipes = cef.replace("\\\\", "").replace("\\|", "").matches('|').count();
                assert!(
                    pipes >= 7 && cef.contains("externalId=") && cef.contains("x\\=1"),
                    "{cef}"
                );
            }
            _ => assert!(
                line.contains("LEEF:2.0|Kizashi|kizashi|") && line.contains("\tsources=21\t"),
                "{line}"
            ),
        }
    }
}

#[test]
fn a_redirect_a_lie_and_a_refusal_are_told_apart() {
    let answer = |status, body: &str| Answer { status, body: body.into(), ..Answer::default() };
    let slack = channel("kind = \"slack\"\nurl = \"https://s.example/\"").channel;
    assert_eq!(slack.judge(&answer(200, "ok")), Verdict::Delivered);
    assert!(matches!(
        slack.judge(&answer(200, "<html>Sign in to the hotel</html>")),
        Verdict::Later { .. }
    ));
    assert!(
        matches!(slack.judge(&answer(302, "")), Verdict::Refused(why) if why.contains("elsewhere"))
    );
    assert!(
        matches!(slack.judge(&answer(404, "no_service")), Verdict::Refused(why) if why.contains("no_service"))
    );
    let pause = Answer { retry_after: Some(Duration::from_secs(1 << 40)), ..answer(429, "") };
    assert!(
        matches!(slack.judge(&pause), Verdict::Later { after: Some(after), .. } if after == LONGEST_PAUSE)
    );
    let line = channel("kind = \"line\"\ntoken = \"t\"\nchat = \"U1\"").channel;
    assert_eq!(line.judge(&answer(409, "")), Verdict::Delivered, "it has it already");
}

#[test]
fn only_ones_own_network_is_told_without_tls() {
    for own in [
        "127.0.0.1",
        "[::1]",
        "10.1.2.3",
        "192.168.0.9",
        "fd00::1",
        "localhost",
        "nas.local",
        "log.internal",
    ] {
        assert!(is_own_network(own), "{own}");
    }
    for other in ["192.0.2.1", "example.org", "2001:db8::1", "127.0.0.1.example.org"] {
        assert!(!is_own_network(other), "{other}");
    }
}
