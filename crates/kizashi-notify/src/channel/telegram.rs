//! Telegram, by a bot (Bot API, `sendMessage`). The text is HTML of which only `<b>` and `<pre>` are ours: within `<pre>` nothing becomes a
//! link, a mention or a command. `url` is the address of a Bot API server of one's own.

use kizashi_event::Timestamp;
use serde_json::json;

use super::{Channel, Delivery, Kind, Verdict, base, by_words, escaped, post_json};
use crate::send::Answer;
use crate::{ChannelSettings, Letter, Message, Secret};

/// Characters of the text: Telegram takes 4,096 after its entities are read.
const LONGEST: usize = 3_500;

/// `kind = "telegram"`: token, chat; url.
pub(super) const KIND: Kind = Kind { name: "telegram", settings: &["token", "chat", "url"], make };

struct Telegram {
    server: String,
    token: Secret,
    chat: String,
}

fn make(settings: &ChannelSettings) -> Result<Box<dyn Channel>, String> {
    let token = settings.needed("token", &settings.token)?.clone();
    let is_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_');
    if !token.is_elsewhere() && !token.text().chars().all(is_token) {
        return Err("token must be a bot's, such as 123456:ABC…".to_owned());
    }
    Ok(Box::new(Telegram {
        server: base(settings.url.as_ref(), "https://api.telegram.org")?,
        token,
        chat: settings.needed_text("chat", &settings.chat)?.to_owned(),
    }))
}

impl Channel for Telegram {
    fn delivery(&self, _: &Message, letter: &Letter, _: Timestamp) -> Delivery {
        let (title, text) = (escaped(&letter.subject(200)), escaped(&letter.body(LONGEST)));
        let body = json!({
            "chat_id": self.chat,
            "text": format!("<b>{title}</b>\n<pre>{text}</pre>"),
            "parse_mode": "HTML",
            "link_preview_options": {"is_disabled": true},
        });
        Delivery::Http(post_json(
            format!("{}/bot{}/sendMessage", self.server, self.token.text()),
            &body,
        ))
    }

    fn judge(&self, answer: &Answer) -> Verdict {
        by_words(answer, "\"ok\":true")
    }
}
