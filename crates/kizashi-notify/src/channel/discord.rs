//! Discord, by a webhook: an embed. Nobody can be mentioned (`allowed_mentions`), and what Markdown would act on is escaped (Discord:
//! "Execute Webhook", "Message Formatting").

use kizashi_event::Timestamp;
use kizashi_signs::Severity;
use serde_json::json;

use super::{Channel, Delivery, Kind, post_json, web_address};
use crate::notice::cut;
use crate::{ChannelSettings, Letter, Message};

/// Characters of an embed's title and description, with what escaping may add.
const LONGEST_TITLE: usize = 120;
const LONGEST_TEXT: usize = 2_000;

/// `kind = "discord"`: url.
pub(super) const KIND: Kind = Kind { name: "discord", settings: &["url"], make };

struct Discord {
    url: String,
}

fn make(settings: &ChannelSettings) -> Result<Box<dyn Channel>, String> {
    Ok(Box::new(Discord { url: web_address(settings.needed("url", &settings.url)?)? }))
}

impl Channel for Discord {
    fn delivery(&self, _: &Message, letter: &Letter, _: Timestamp) -> Delivery {
        let colour = match letter.severity {
            Severity::Low => 0x007f_8c8d,
            Severity::Medium => 0x00f3_9c12,
            Severity::High => 0x00e7_4c3c,
            Severity::Critical => 0x008e_44ad,
        };
        let body = json!({
            "content": "",
            "allowed_mentions": {"parse": []},
            "embeds": [{
                "title": cut(&escaped(&letter.subject(LONGEST_TITLE)), 256),
                "description": cut(&escaped(&letter.body(LONGEST_TEXT)), 4_096),
                "color": colour,
            }],
        });
        Delivery::Http(post_json(self.url.clone(), &body))
    }
}

/// A backslash before everything that Markdown, mentions, channels, emoji and time marks begin with.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if "\\*_~`|>#-[]()<@:".contains(character) {
            out.push('\\');
        }
        out.push(character);
    }
    out
}
