//! One transaction: from whom, to whom, and the message. Told when it ends, however it ends.

use kizashi_event::{Detail, HostileText};

use super::content::Content;
use super::wire::printable;
use crate::Output;

/// Recipients of one message (`smtpd_recipient_limit`).
pub(super) const MOST_RECIPIENTS: u32 = 1000;
/// Bytes of addresses that are told.
const TOLD: usize = 4096;

#[derive(Debug)]
pub(super) struct Envelope {
    sender: String,
    /// Those that were taken, as they are told.
    recipients: String,
    pub(super) taken: u32,
    left_out: u32,
    pub(super) content: Option<Content>,
}

impl Envelope {
    pub(super) fn of(sender: &[u8]) -> Self {
        Self {
            sender: printable(sender),
            recipients: String::new(),
            taken: 0,
            left_out: 0,
            content: None,
        }
    }

    pub(super) fn add(&mut self, recipient: &[u8]) {
        self.taken = self.taken.saturating_add(1);
        if self.recipients.len() + recipient.len() > TOLD {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        if !self.recipients.is_empty() {
            self.recipients.push_str(", ");
        }
        self.recipients.push_str(&format!("<{}>", printable(recipient)));
    }

    pub(super) fn sender(&self) -> &str {
        &self.sender
    }

    /// Tells it; `queue` is the message's name where it was taken.
    pub(super) fn tell(self, queue: Option<&str>, out: &mut Output) {
        let message = self.content.and_then(Content::finish);
        if self.taken == 0 && message.is_none() {
            return;
        }
        let more = match self.left_out {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let fate =
            queue.map_or_else(|| "not finished".to_owned(), |name| format!("kept as {name}"));
        let hash = message.as_ref().map_or_else(String::new, |kept| format!(", {}", kept.sha256));
        let text = format!("from <{}> to {}{more}, {fate}{hash}", self.sender, self.recipients);
        out.tell(Detail::Note { name: "envelope".into(), value: HostileText::from(text) });
        if let Some(message) = message {
            out.tell(Detail::Payload(Box::new(message)));
        }
    }

    pub(super) fn held(&self) -> usize {
        let content = self.content.as_ref().map_or(0, Content::held);
        self.sender.len() + self.recipients.len() + content
    }
}
