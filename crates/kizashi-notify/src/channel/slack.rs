//! Slack, by an incoming webhook. Texts are objects of `plain_text`, in which nothing is markup and nobody is mentioned; the
//! notification's own text is mrkdwn whatever one asks, so its three characters are escaped (Slack: "Formatting text for app surfaces").

use kizashi_event::Timestamp;
use serde_json::{Value, json};

use super::{Channel, Delivery, Kind, Verdict, by_words, escaped, post_json, web_address};
use crate::send::Answer;
use crate::{ChannelSettings, Letter, Message};

/// Characters of a header block.
const LONGEST_HEADER: usize = 150;
/// Characters of a section's text.
const LONGEST_SECTION: usize = 2_900;
/// Sections of a message; Slack takes 50 blocks.
const MOST_SECTIONS: usize = 40;

/// `kind = "slack"`: url.
pub(super) const KIND: Kind = Kind { name: "slack", settings: &["url"], make };

struct Slack {
    url: String,
}

fn make(settings: &ChannelSettings) -> Result<Box<dyn Channel>, String> {
    Ok(Box::new(Slack { url: web_address(settings.needed("url", &settings.url)?)? }))
}

impl Channel for Slack {
    fn delivery(&self, _: &Message, letter: &Letter, _: Timestamp) -> Delivery {
        let plain = |text: String| json!({"type": "plain_text", "text": text, "emoji": false});
        let mut blocks: Vec<Value> =
            vec![json!({"type": "header", "text": plain(letter.subject(LONGEST_HEADER))})];
        for part in letter.parts.iter().take(MOST_SECTIONS) {
            let text = format!("{}\n{}", part.heading, part.text);
            let text = crate::notice::cut(text.trim(), LONGEST_SECTION);
            blocks.push(json!({"type": "section", "text": plain(text)}));
        }
        let body = json!({
            "text": escaped(&letter.subject(LONGEST_HEADER)),
            "mrkdwn": false,
            "unfurl_links": false,
            "unfurl_media": false,
            "blocks": blocks,
        });
        Delivery::Http(post_json(self.url.clone(), &body))
    }

    fn judge(&self, answer: &Answer) -> Verdict {
        by_words(answer, "ok")
    }
}
