//! Microsoft Teams, by a webhook of a workflow ("Post to a channel when a webhook request is received"): an Adaptive Card. A `TextBlock`
//! reads Markdown; a `TextRun` within a `RichTextBlock` reads none, so every text is one.

use kizashi_event::Timestamp;
use kizashi_signs::Severity;
use serde_json::{Value, json};

use super::{Channel, Delivery, Kind, post_json, web_address};
use crate::{ChannelSettings, Letter, Message};

/// Characters of the text; a card may have 28 KB.
const LONGEST: usize = 6_000;

/// `kind = "teams"`: url.
pub(super) const KIND: Kind = Kind { name: "teams", settings: &["url"], make };

struct Teams {
    url: String,
}

fn make(settings: &ChannelSettings) -> Result<Box<dyn Channel>, String> {
    Ok(Box::new(Teams { url: web_address(settings.needed("url", &settings.url)?)? }))
}

impl Channel for Teams {
    fn delivery(&self, _: &Message, letter: &Letter, _: Timestamp) -> Delivery {
        let colour = match letter.severity {
            Severity::Low => "default",
            Severity::Medium => "warning",
            Severity::High | Severity::Critical => "attention",
        };
        let run = |text: &str, weight: &str, colour: &str| -> Value {
            json!({"type": "RichTextBlock", "inlines":
                [{"type": "TextRun", "text": text, "weight": weight, "color": colour}]})
        };
        let mut card = vec![run(&letter.subject(200), "bolder", colour)];
        let mut left = LONGEST;
        for part in &letter.parts {
            if left == 0 {
                break;
            }
            if !part.heading.is_empty() {
                card.push(run(&part.heading, "bolder", "default"));
            }
            let text = crate::notice::cut(&part.text, left);
            left = left.saturating_sub(text.chars().count());
            card.push(run(&text, "default", "default"));
        }
        let body = json!({"type": "message", "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard", "version": "1.4", "body": card, "msteams": {"width": "Full"},
            },
        }]});
        Delivery::Http(post_json(self.url.clone(), &body))
    }
}
