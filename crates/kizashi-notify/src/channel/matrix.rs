//! A Matrix room (Client-Server API v1.11, `PUT …/send/m.room.message/{txnId}`): plain text without a formatted body. The message's key is
//! the transaction's, so that the home server itself drops what it has.

use kizashi_event::Timestamp;
use serde_json::json;

use super::{Channel, Delivery, Kind, Verdict, by_words, encoded, post_json, web_address};
use crate::send::{Answer, Method};
use crate::{ChannelSettings, Letter, Message, Secret};

/// Characters of the text; an event has 64 KB.
const LONGEST: usize = 8_000;

/// `kind = "matrix"`: url (the home server's), room, token.
pub(super) const KIND: Kind = Kind { name: "matrix", settings: &["url", "room", "token"], make };

struct Matrix {
    server: String,
    room: String,
    token: Secret,
}

fn make(settings: &ChannelSettings) -> Result<Box<dyn Channel>, String> {
    let room = settings.needed_text("room", &settings.room)?;
    if !room.starts_with('!') {
        return Err("room must be a room's id, such as !abc:example.org (not an alias)".to_owned());
    }
    let server = web_address(settings.needed("url", &settings.url)?)?;
    Ok(Box::new(Matrix {
        server: server.trim_end_matches('/').to_owned(),
        room: room.to_owned(),
        token: settings.needed("token", &settings.token)?.clone(),
    }))
}

impl Channel for Matrix {
    fn delivery(&self, message: &Message, letter: &Letter, _: Timestamp) -> Delivery {
        // `m.mentions` without anybody: names in the text ping nobody (MSC3952).
        let body = json!({"msgtype": "m.text", "body": letter.whole(LONGEST), "m.mentions": {}});
        let url = format!(
            "{}/_matrix/client/v3/rooms/{}/send/m.room.message/{}",
            self.server,
            encoded(&self.room),
            message.id
        );
        let mut request = post_json(url, &body);
        request.method = Method::Put;
        request.bearer(&self.token);
        Delivery::Http(request)
    }

    fn judge(&self, answer: &Answer) -> Verdict {
        by_words(answer, "\"event_id\"")
    }
}
