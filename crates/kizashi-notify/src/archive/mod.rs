//! History's files (`kizashi_store::history`) in an S3-compatible store, through the `object_store` crate: Amazon's, or MinIO, Ceph, Garage,
//! Cloudflare R2. The core writes the files; the process that tells signs, which alone connects out, reads them and puts each in its
//! place there. What was put is noted in the outbox, so that a restart begins where it stopped and a file that was written anew goes again.

mod carrying;
mod connector;

use serde::{Deserialize, Serialize};

pub(crate) use carrying::Carrying;

use crate::Secret;
use crate::channel::web_address;

/// The folder of history within the data folder.
pub const FOLDER: &str = "kizashi-history";
/// Days that history can be kept for: a hundred years.
const MOST_DAYS: u32 = 36_525;

/// `[history]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct History {
    /// Whether each hour's events are written as Parquet files into `kizashi-history` of the data folder.
    pub keep: bool,
    /// Days after which files go from that folder; 0 keeps them for ever.
    pub days: u32,
    /// The store to which they are carried as well.
    pub bucket: Option<Bucket>,
}

/// `[history.bucket]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// What the names of files begin with there.
    #[serde(default)]
    pub prefix: String,
    /// Where the store is; Amazon's own where it is left out.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The region; `us-east-1` where the store has none.
    #[serde(default = "no_region")]
    pub region: String,
    /// Who puts: the access key's public part.
    pub access_key_id: Secret,
    /// Its secret part.
    pub secret_access_key: Secret,
}

fn no_region() -> String {
    "us-east-1".to_owned()
}

impl History {
    /// Refuses what cannot be.
    ///
    /// # Errors
    /// In a sentence.
    pub fn check(&self) -> Result<(), String> {
        if self.days > MOST_DAYS {
            return Err(format!("days under [history] are at most {MOST_DAYS}; 0 keeps for ever"));
        }
        let Some(bucket) = &self.bucket else { return Ok(()) };
        if !self.keep {
            return Err("[history.bucket] wants keep = true under [history]".to_owned());
        }
        let is_name = |text: &str, also: &str| {
            text.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c))
        };
        if !(3..=63).contains(&bucket.name.len()) || !is_name(&bucket.name, ".-_") {
            return Err(
                "name under [history.bucket] is 3 to 63 letters, digits, dots, - or _".to_owned()
            );
        }
        if bucket.prefix.len() > 512 || !is_name(&bucket.prefix, ".-_/=") {
            return Err(
                "prefix under [history.bucket] is letters, digits, dots, -, _, = and /".to_owned()
            );
        }
        if bucket.region.is_empty() || !is_name(&bucket.region, "-") {
            return Err("region under [history.bucket] is letters, digits and -".to_owned());
        }
        if let Some(endpoint) = &bucket.endpoint {
            let address = Secret::from(endpoint.as_str());
            if address.is_elsewhere() {
                return Err("endpoint under [history.bucket] is an address itself".to_owned());
            }
            web_address(&address)
                .map_err(|error| format!("endpoint under [history.bucket]: {error}"))?;
        }
        Ok(())
    }

    /// Puts what files and the environment hold in the place of secrets.
    ///
    /// # Errors
    /// In a sentence, when there is nothing.
    pub fn resolve(&mut self) -> Result<(), String> {
        let Some(bucket) = &mut self.bucket else { return Ok(()) };
        let named = |name: &'static str| {
            move |error: String| format!("{name} under [history.bucket]: {error}")
        };
        bucket.access_key_id.resolve().map_err(named("access_key_id"))?;
        bucket.secret_access_key.resolve().map_err(named("secret_access_key"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(name: &str, prefix: &str, endpoint: &str) -> History {
        let bucket = Bucket {
            name: name.to_owned(),
            prefix: prefix.to_owned(),
            endpoint: Some(endpoint.to_owned()),
            region: no_region(),
            access_key_id: "AKIA".into(),
            secret_access_key: "secret".into(),
        };
        History { keep: true, days: 0, bucket: Some(bucket) }
    }

    #[test]
    fn names_that_no_store_has_are_refused_in_a_sentence() {
        assert_eq!(settings("kizashi", "a/b", "https://s3.example").check(), Ok(()));
        for (name, prefix, endpoint) in [
            ("ab", "", "https://s3.example"),
            ("has/slash", "", "https://s3.example"),
            ("kizashi", "a b", "https://s3.example"),
            ("kizashi", "", "file:///etc"),
        ] {
            assert!(
                settings(name, prefix, endpoint).check().is_err(),
                "{name} {prefix} {endpoint}"
            );
        }
        let unkept = History { keep: false, ..settings("kizashi", "", "https://s3.example") };
        assert!(unkept.check().is_err(), "what is not kept cannot be carried");
    }
}
