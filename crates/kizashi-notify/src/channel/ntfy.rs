//! ntfy (ntfy.sh or one's own server), published as JSON to the server's root, so that no title has to be a header.

use kizashi_event::Timestamp;
use kizashi_signs::Severity;
use serde_json::json;

use super::{Channel, Delivery, Kind, Verdict, base, by_words, post_json};
use crate::send::Answer;
use crate::{ChannelSettings, Letter, Message, Secret};

/// Characters of the text; ntfy takes 4,096 bytes.
const LONGEST: usize = 1_300;

/// `kind = "ntfy"`: topic; url (the server's), token.
pub(super) const KIND: Kind = Kind { name: "ntfy", settings: &["topic", "url", "token"], make };

struct Ntfy {
    server: String,
    topic: String,
    token: Option<Secret>,
}

fn make(settings: &ChannelSettings) -> Result<Box<dyn Channel>, String> {
    let topic = settings.needed_text("topic", &settings.topic)?;
    let is_topic = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if topic.len() > 64 || !topic.chars().all(is_topic) {
        return Err("topic must be 1 to 64 letters, digits, - or _".to_owned());
    }
    Ok(Box::new(Ntfy {
        server: base(settings.url.as_ref(), "https://ntfy.sh")?,
        topic: topic.to_owned(),
        token: settings.token.clone(),
    }))
}

impl Channel for Ntfy {
    fn delivery(&self, message: &Message, letter: &Letter, _: Timestamp) -> Delivery {
        let priority = match letter.severity {
            Severity::Low => 2,
            Severity::Medium => 3,
            Severity::High => 4,
            Severity::Critical => 5,
        };
        let body = json!({
            "topic": self.topic,
            // From ntfy 2.16 on a message of the same sequence takes the place of the one before; earlier servers leave it out.
            "sequence_id": message.id,
            "title": letter.subject(200),
            "message": letter.body(LONGEST),
            "priority": priority,
            "markdown": false,
        });
        let mut request = post_json(format!("{}/", self.server), &body);
        if let Some(token) = &self.token {
            request.bearer(token);
        }
        Delivery::Http(request)
    }

    fn judge(&self, answer: &Answer) -> Verdict {
        by_words(answer, "\"id\"")
    }
}
