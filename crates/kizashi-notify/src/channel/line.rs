//! LINE, by the Messaging API's push (LINE Notify ended in March 2025). Text there has no markup. The message's key is its retry key,
//! so that LINE itself drops what it has (409).

use kizashi_event::Timestamp;
use serde_json::json;

use super::{Channel, Delivery, Kind, Verdict, base, by_status, post_json};
use crate::send::Answer;
use crate::{ChannelSettings, Letter, Message, Secret};

/// Characters of a text: LINE counts UTF-16 and takes 5,000.
const LONGEST: usize = 2_400;

/// `kind = "line"`: token, chat (the user's or group's id); url.
pub(super) const KIND: Kind = Kind { name: "line", settings: &["token", "chat", "url"], make };

struct Line {
    server: String,
    token: Secret,
    chat: String,
}

fn make(settings: &ChannelSettings) -> Result<Box<dyn Channel>, String> {
    Ok(Box::new(Line {
        server: base(settings.url.as_ref(), "https://api.line.me")?,
        token: settings.needed("token", &settings.token)?.clone(),
        chat: settings.needed_text("chat", &settings.chat)?.to_owned(),
    }))
}

impl Channel for Line {
    fn delivery(&self, message: &Message, letter: &Letter, _: Timestamp) -> Delivery {
        let body =
            json!({"to": self.chat, "messages": [{"type": "text", "text": letter.whole(LONGEST)}]});
        let mut request = post_json(format!("{}/v2/bot/message/push", self.server), &body);
        request.bearer(&self.token);
        request.header("X-Line-Retry-Key", &uuid(&message.id));
        Delivery::Http(request)
    }

    fn judge(&self, answer: &Answer) -> Verdict {
        if answer.status == 409 { Verdict::Delivered } else { by_status(answer) }
    }
}

/// The key as a UUID of version 8 (RFC 9562, 5.8), whose bits are one's own.
fn uuid(key: &str) -> String {
    let at = |range: std::ops::Range<usize>| key.get(range).unwrap_or("0");
    format!("{}-{}-8{}-8{}-{}", at(0..8), at(8..12), at(13..16), at(17..20), at(20..32))
}
