//! DShield, the gathered firewall logs of the SANS Internet Storm Center: sources of a few hours as lines of such a log, in the form in
//! which its own sensors send them (`srv/dshield/fwlogparser.py` and `DShield.py` of github.com/DShield-ISC/dshield): JSON to `/submitapi/`, and a
//! header that proves the key by HMAC-SHA256 without showing it. A test goes to `/devsubmitapi/`, which is for that, without a line.
//!
//! A line has a target; this machine's address is not told, and [`TARGET`] stands in its place.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use kizashi_event::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Channel, Delivery, Kind, Takes, base, post_json};
use crate::sightings::Sightings;
use crate::{ChannelSettings, Letter, Message, Secret};

/// Where it is, where no other address is set.
const USUAL: &str = "https://www.dshield.org";
/// What stands for this machine, by the family of the source's address; private, as DShield's own clients obfuscate targets.
const TARGET: (&str, &str) = ("10.0.0.1", "fd00::1");
/// The number of TCP (RFC 9293).
const TCP: u8 = 6;

/// `kind = "dshield"`: user (the number of the account), token (its key); url.
pub(super) const KIND: Kind = Kind { name: "dshield", settings: &["user", "token", "url"], make };

struct DShield {
    server: String,
    user: Secret,
    key: Secret,
}

fn make(settings: &ChannelSettings) -> Result<Box<dyn Channel>, String> {
    let user = settings.needed("user", &settings.user)?;
    if !user.is_elsewhere() && !user.text().bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("user must be the number of the account at isc.sans.edu".to_owned());
    }
    Ok(Box::new(DShield {
        server: base(settings.url.as_ref(), USUAL)?,
        user: user.clone(),
        key: settings.needed("token", &settings.token)?.clone(),
    }))
}

impl Channel for DShield {
    fn delivery(&self, message: &Message, _: &Letter, now: Timestamp) -> Delivery {
        let (path, logs) = match &message.sightings {
            Some(sightings) => ("submitapi", lines(sightings)),
            None => ("devsubmitapi", Vec::new()),
        };
        // Nobody needs to be unable to guess it; it only may not come again.
        let nonce = Sha256::digest(format!("{}\0{}", message.id, now.micros()));
        let nonce = STANDARD.encode(&nonce[..8]);
        let proof = proof(&nonce, self.user.text(), self.key.text());
        let body = json!({"type": "firewall", "logs": logs, "authheader": proof});
        let mut request = post_json(format!("{}/{path}/", self.server), &body);
        request.header("X-ISC-Authorization", &proof);
        request.header("X-ISC-LogType", "firewall");
        Delivery::Http(request)
    }

    fn takes(&self) -> Takes {
        Takes::Sightings
    }
}

fn lines(sightings: &Sightings) -> Vec<Value> {
    let mut lines = Vec::new();
    for source in &sightings.sources {
        let (version, target) =
            if source.address.is_ipv4() { (4, TARGET.0) } else { (6, TARGET.1) };
        lines.extend(source.ports.iter().map(|visited| {
            json!({
                "time": visited.first.seconds(),
                "sip": source.address.to_string(),
                "sport": visited.source_port,
                "dip": target,
                "dport": visited.port,
                "proto": TCP,
                "flags": "S",
                "version": version,
            })
        }));
    }
    lines
}

/// `ISC-HMAC-SHA256 Credentials=… Userid=… Nonce=…`: the HMAC of the account's key under nonce and number.
fn proof(nonce: &str, user: &str, key: &str) -> String {
    // A key of any length is taken; there is no error to be had.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(format!("{nonce}{user}").as_bytes()) else {
        return String::new();
    };
    mac.update(key.as_bytes());
    let credentials = STANDARD.encode(mac.finalize().into_bytes());
    format!("ISC-HMAC-SHA256 Credentials={credentials} Userid={user} Nonce={nonce}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proof_is_the_one_that_dshields_own_scripts_make() {
        // python3 -c 'import hmac,base64;print(base64.b64encode(hmac.new(b"bm9uY2U="+b"42",b"key","sha256").digest()).decode())'
        assert_eq!(
            proof("bm9uY2U=", "42", "key"),
            "ISC-HMAC-SHA256 Credentials=moUouqs3XLKbLf7XH+5mQ+gWXzwNzcYZ2BeZxeSPYr0= Userid=42 Nonce=bm9uY2U="
        );
    }
}
