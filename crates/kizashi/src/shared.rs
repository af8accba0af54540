//! What other programs are given, over the store: for `kizashi export`, for the dashboard's addresses below `/share/`, and for public lists. Who is
//! in none of it: whom the owner names, this machine itself, and those from which somebody is logged in or was in the last days;
//! they are looked up where `/proc` can be read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kizashi_event::Timestamp;
use kizashi_notify::share::{Allowed, Form, Share, Shared, taxii};
use kizashi_notify::sightings::Sightings;
use kizashi_signs::Campaigns;
use kizashi_store::{Places, Reader};
use kizashi_web::SharedDocument;

use crate::failure::Failure;
use crate::logins::OwnAddresses;

/// How long what was gathered is given out again.
const KEPT_FOR: Duration = Duration::from_secs(30);
/// The name under which former logins are kept.
pub(crate) const LOGINS: &str = "logins";
/// How long somebody who was logged in stays off the lists.
const LOGINS_COUNT_FOR: i64 = 8 * Timestamp::DAY;
/// Former logins that are kept; the latest.
const MOST_LOGINS: usize = 256;

/// What is shared, gathered once for all who ask within a while.
pub(crate) struct Sharing {
    settings: Share,
    sensor: String,
    places: Arc<Places>,
    campaigns: Arc<Campaigns>,
    own: Mutex<OwnAddresses>,
    /// When somebody was last seen logged in, by address.
    logins: Mutex<BTreeMap<String, Timestamp>>,
    kept: Mutex<Option<(Instant, Arc<Shared>)>>,
}

impl Sharing {
    pub(crate) fn new(
        settings: Share,
        sensor: &str,
        (places, campaigns): (Arc<Places>, Arc<Campaigns>),
        own: OwnAddresses,
    ) -> Self {
        Self {
            settings,
            sensor: sensor.to_owned(),
            places,
            campaigns,
            own: Mutex::new(own),
            logins: Mutex::default(),
            kept: Mutex::default(),
        }
    }

    /// From now on these addresses are on no list, beside those that the owner names; who was logged in until now counts for a while.
    pub(crate) fn allow(&self, own: OwnAddresses, now: Timestamp) {
        let before = std::mem::replace(&mut *locked(&self.own), own.clone());
        let mut logins = locked(&self.logins);
        logins.extend(before.logins.into_iter().chain(own.logins).map(|address| (address, now)));
        logins.retain(|_, seen| now.since(*seen) < LOGINS_COUNT_FOR);
        while logins.len() > MOST_LOGINS {
            let oldest = logins.iter().min_by_key(|(_, seen)| **seen);
            let Some(oldest) = oldest.map(|(address, _)| address.clone()) else { break };
            logins.remove(&oldest);
        }
        *locked(&self.kept) = None;
    }

    /// Former logins, to be kept.
    pub(crate) fn remembered(&self) -> Vec<u8> {
        serde_json::to_vec(&*locked(&self.logins)).unwrap_or_default()
    }

    /// Takes former logins as they were kept.
    pub(crate) fn remember(&self, kept: &[u8]) {
        let kept: BTreeMap<String, Timestamp> = serde_json::from_slice(kept).unwrap_or_default();
        let mut logins = locked(&self.logins);
        for (address, seen) in kept.into_iter().take(MOST_LOGINS) {
            let known = logins.entry(address).or_insert(seen);
            *known = seen.max(*known);
        }
    }

    /// Gathers it anew, or gives what was gathered just now.
    pub(crate) fn gather(&self, reader: &Reader, now: Timestamp) -> Result<Arc<Shared>, Failure> {
        let mut kept = locked(&self.kept);
        if let Some((at, shared)) = &*kept
            && at.elapsed() < KEPT_FOR
        {
            return Ok(Arc::clone(shared));
        }
        let (allowed, about) = (self.allowed(now)?, (self.sensor.as_str(), now));
        let (settings, campaigns) = (&self.settings, &self.campaigns);
        let shared = Shared::gather(reader, settings, &self.places, &allowed, campaigns, about)?;
        let shared = Arc::new(shared);
        *kept = Some((Instant::now(), Arc::clone(&shared)));
        Ok(shared)
    }

    /// Who came to the traps in the period that ended at `until`.
    pub(crate) fn sightings(
        &self,
        reader: &Reader,
        until: Timestamp,
    ) -> Result<Sightings, Failure> {
        let whose = (self.sensor.as_str(), until);
        let known = (&*self.places, self.settings.scanners);
        Ok(Sightings::gather(reader, whose, &self.allowed(until)?, known)?)
    }

    /// Who is on no list at this time.
    fn allowed(&self, now: Timestamp) -> Result<Allowed, Failure> {
        let allowed = Allowed::of(&self.settings.allow).map_err(Failure::Asked)?;
        let own = locked(&self.own);
        let logins = locked(&self.logins);
        let still = logins.iter().filter(|(_, seen)| now.since(**seen) < LOGINS_COUNT_FOR);
        let still: Vec<&String> = still.map(|(address, _)| address).collect();
        Ok(allowed.with(&own.current).with(&own.logins).with(&still))
    }

    /// What is at a path below `/share/`.
    pub(crate) fn document(
        &self,
        (path, query): (&str, &[(String, String)]),
        reader: &Reader,
        now: Timestamp,
    ) -> Result<Option<SharedDocument>, Failure> {
        if let Some(path) = path.strip_prefix("taxii2/") {
            let answer = taxii(path, query, || {
                self.gather(reader, now).map(|shared| Shared::clone(&shared))
            })?;
            let headers = answer.added.map_or_else(Vec::new, |(first, last)| {
                vec![("x-taxii-date-added-first", first), ("x-taxii-date-added-last", last)]
            });
            let body = answer.body.to_string();
            return Ok(Some(SharedDocument {
                status: answer.status,
                content_type: answer.content_type,
                headers,
                body,
            }));
        }
        let form = match path {
            "signs.atom" => Form::Atom,
            "signs.json" => Form::JsonFeed,
            "signs.csv" => Form::Csv,
            "signs.ndjson" => Form::Ecs,
            "stix.json" => Form::Stix,
            "misp.json" => Form::Misp,
            "blocklist.txt" => Form::Blocklist,
            "blocklist.nft" => Form::Nftables,
            "blocklist.ipset" => Form::Ipset,
            "blocklist.log" => Form::Fail2ban,
            "decisions.json" => Form::Crowdsec,
            _ => return Ok(None),
        };
        let body = self.gather(reader, now)?.write(form);
        Ok(Some(SharedDocument {
            status: 200,
            content_type: form.content_type(),
            headers: Vec::new(),
            body,
        }))
    }
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sharing() -> Sharing {
        let known = (Arc::default(), Campaigns::builtin());
        Sharing::new(Share::default(), "sensor", known, OwnAddresses::default())
    }

    fn own(current: &[&str], logins: &[&str]) -> OwnAddresses {
        let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect();
        OwnAddresses { current: texts(current), logins: texts(logins) }
    }

    #[test]
    fn who_was_logged_in_stays_off_the_lists_for_a_while_and_who_was_only_connected_does_not() {
        let (sharing, day) = (sharing(), Timestamp::DAY);
        let holds = |now: i64, address: &str| {
            sharing.allowed(Timestamp::from_micros(now)).unwrap().holds(address.parse().unwrap())
        };
        let (login, connected) = ("198.51.100.7", "198.51.100.8");
        sharing.allow(own(&[connected], &[login]), Timestamp::from_micros(0));
        assert!(holds(1, login) && holds(1, connected));
        sharing.allow(own(&[], &[]), Timestamp::from_micros(day));
        assert!(holds(7 * day, login) && !holds(7 * day, connected));
        assert!(!holds(9 * day, login));
        let kept = sharing.remembered();
        let again = self::sharing();
        again.remember(&kept);
        assert!(
            again.allowed(Timestamp::from_micros(7 * day)).unwrap().holds(login.parse().unwrap())
        );
        again.remember(b"nonsense");
    }
}
