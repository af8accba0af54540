//! Pushover (Message API). Text is plain unless one asks for HTML, which is never asked for.

use kizashi_event::Timestamp;
use kizashi_signs::Severity;

use super::{Channel, Delivery, Kind, Verdict, base, by_words, form};
use crate::send::{Answer, Request};
use crate::{ChannelSettings, Letter, Message, Secret};

/// Characters of a title and a text.
const LONGEST_TITLE: usize = 250;
const LONGEST: usize = 1_024;

/// `kind = "pushover"`: token (the application's), user (the user's or group's key); url.
pub(super) const KIND: Kind = Kind { name: "pushover", settings: &["token", "user", "url"], make };

struct Pushover {
    server: String,
    token: Secret,
    user: Secret,
}

fn make(settings: &ChannelSettings) -> Result<Box<dyn Channel>, String> {
    Ok(Box::new(Pushover {
        server: base(settings.url.as_ref(), "https://api.pushover.net")?,
        token: settings.needed("token", &settings.token)?.clone(),
        user: settings.needed("user", &settings.user)?.clone(),
    }))
}

impl Channel for Pushover {
    fn delivery(&self, _: &Message, letter: &Letter, _: Timestamp) -> Delivery {
        let priority = match letter.severity {
            Severity::Low => "-1",
            Severity::Medium => "0",
            Severity::High | Severity::Critical => "1",
        };
        let body = form(&[
            ("token", self.token.text()),
            ("user", self.user.text()),
            ("title", &letter.subject(LONGEST_TITLE)),
            ("message", &letter.body(LONGEST)),
            ("priority", priority),
        ]);
        let url = format!("{}/1/messages.json", self.server);
        Delivery::Http(Request::post(url, "application/x-www-form-urlencoded", body))
    }

    fn judge(&self, answer: &Answer) -> Verdict {
        by_words(answer, "\"status\":1")
    }
}
