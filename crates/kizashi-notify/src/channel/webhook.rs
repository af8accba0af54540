//! Any program of the owner's: a POST of JSON, signed, so that the receiver knows who sent it and when. The signature is HMAC-SHA256 over
//! the time, a dot and the body (as Stripe's and others' do; FIPS 198-1), in hexadecimal; what is older than five minutes should be refused.

use hmac::{Hmac, KeyInit as _, Mac as _};
use kizashi_event::Timestamp;
use serde_json::json;
use sha2::Sha256;

use super::{Channel, Delivery, Kind, post_json, web_address};
use crate::message::hex;
use crate::{ChannelSettings, Letter, Message, Secret};

/// Bytes of a secret at least.
const SHORTEST: usize = 16;

/// `kind = "webhook"`: url, secret.
pub(super) const KIND: Kind = Kind { name: "webhook", settings: &["url", "secret"], make };

struct Webhook {
    url: String,
    secret: Secret,
}

fn make(settings: &ChannelSettings) -> Result<Box<dyn Channel>, String> {
    let secret = settings.needed("secret", &settings.secret)?;
    if !secret.is_elsewhere() && secret.text().len() < SHORTEST {
        return Err(format!("secret must have at least {SHORTEST} characters"));
    }
    let url = web_address(settings.needed("url", &settings.url)?)?;
    Ok(Box::new(Webhook { url, secret: secret.clone() }))
}

impl Channel for Webhook {
    fn delivery(&self, message: &Message, letter: &Letter, now: Timestamp) -> Delivery {
        let signs: Vec<_> = message.notices.iter().map(|notice| &notice.sign).collect();
        let body = json!({
            "version": 1,
            "id": message.id,
            "why": message.why,
            "made": message.made.rfc3339(),
            "sensor": letter.sensor,
            "severity": letter.severity.name(),
            "title": letter.title,
            "text": letter.body(usize::MAX),
            "signs": signs,
            "left_out": message.left_out,
        });
        let mut request = post_json(self.url.clone(), &body);
        let time = now.seconds().to_string();
        let signature = signature(self.secret.text().as_bytes(), &time, &request.body);
        request.header("Kizashi-Timestamp", &time);
        request.header("Kizashi-Signature", &format!("v1={signature}"));
        request.header("Idempotency-Key", &message.id);
        Delivery::Http(request)
    }
}

fn signature(secret: &[u8], time: &str, body: &str) -> String {
    // A key of any length is taken; there is no error to be had.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return String::new() };
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(body.as_bytes());
    hex(&mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_that_any_other_program_computes() {
        // python3 -c 'import hmac;print(hmac.new(b"0123456789abcdef",b"1800000000.{}","sha256").hexdigest())'
        assert_eq!(
            signature(b"0123456789abcdef", "1800000000", "{}"),
            "1313ae9c874eb1a0868ad0b65f841c4243c23fdcfad69a3ada227726fad9960e"
        );
    }
}
