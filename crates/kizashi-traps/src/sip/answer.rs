//! Answers as `chan_sip` writes them (`add_required_respheader`, `__transmit_response` of Asterisk 16 to 20): its order of headers, its tags and
//! nonces. Over UDP an answer must be no longer than its request, and is written with fewer headers, then with compact names, until it fits.

use super::wire::Message;
use crate::Identity;
use crate::identity::OperatingSystem;

const ALLOW: &str =
    "INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, SUBSCRIBE, NOTIFY, INFO, PUBLISH, MESSAGE";

/// How much of an answer is written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Detail {
    Whole,
    WithoutLists,
    WithoutServer,
    Compact,
}

/// What an answer says.
pub(super) struct Answer<'a> {
    pub(super) status: &'a str,
    /// Headers of this answer alone.
    pub(super) own: Vec<String>,
    pub(super) tag: &'a str,
    pub(super) server: &'a str,
    pub(super) received: &'a str,
}

/// The version of the exchange, that of the system's packages; Debian 12 has none.
pub(super) const fn server(identity: &Identity) -> &'static str {
    match identity.operating_system() {
        OperatingSystem::Debian11 => "Asterisk PBX 16.28.0~dfsg-0+deb11u4",
        OperatingSystem::Debian12 => "Asterisk PBX 18.26.4",
        OperatingSystem::Ubuntu20 => "Asterisk PBX 16.2.1~dfsg-2ubuntu1",
        OperatingSystem::Ubuntu22 => "Asterisk PBX 18.10.0~dfsg+~cs6.10.40431411-2",
        OperatingSystem::Ubuntu24 => "Asterisk PBX 20.6.0~dfsg+~cs6.13.40431414-2build5",
    }
}

impl Answer<'_> {
    /// The answer, in as much detail as there is room for; `None` where there is too little for any.
    pub(super) fn written(&self, to: &Message<'_>, room: Option<usize>) -> Option<Vec<u8>> {
        let details = [Detail::Whole, Detail::WithoutLists, Detail::WithoutServer, Detail::Compact];
        let mut forms = details.into_iter().map(|detail| self.form(to, detail));
        forms.find(|text| room.is_none_or(|room| text.len() <= room)).map(String::into_bytes)
    }

    fn form(&self, to: &Message<'_>, detail: Detail) -> String {
        let compact = detail == Detail::Compact;
        let mut text = format!("SIP/2.0 {}\r\n", self.status);
        let mut line = |long: &str, short: &str, value: &str| {
            let (name, separator) = if compact { (short, ":") } else { (long, ": ") };
            for part in [name, separator, value, "\r\n"] {
                text.push_str(part);
            }
        };
        for (place, via) in to.all("via").enumerate() {
            if place == 0 && !compact {
                line("Via", "v", &format!("{via};received={}", self.received));
            } else {
                line("Via", "v", via);
            }
        }
        line("From", "f", to.header("from").unwrap_or_default());
        let target = to.header("to").unwrap_or_default();
        if target.contains(";tag=") {
            line("To", "t", target);
        } else {
            line("To", "t", &format!("{target};tag={}", self.tag));
        }
        line("Call-ID", "i", to.header("call-id").unwrap_or_default());
        line("CSeq", "CSeq", to.header("cseq").unwrap_or_default());
        if detail < Detail::WithoutServer {
            line("Server", "Server", self.server);
        }
        if detail == Detail::Whole {
            line("Allow", "Allow", ALLOW);
            line("Supported", "k", "replaces, timer");
        }
        for own in &self.own {
            text.push_str(own);
            text.push_str("\r\n");
        }
        text.push_str(if compact { "l:0\r\n\r\n" } else { "Content-Length: 0\r\n\r\n" });
        text
    }
}
