//! What other programs are given, over the store: for `kizashi export` and for the dashboard's addresses below `/share/`. Who is on no list: the
//! owner's word, this machine's own addresses, and those of current logins, which are looked up where `/proc` can be read.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kizashi_event::Timestamp;
use kizashi_notify::share::{Allowed, Form, Share, Shared, taxii};
use kizashi_store::{Places, Reader};
use kizashi_web::SharedDocument;

use crate::failure::Failure;
use crate::sockets::{ESTABLISHED, in_state};

/// How long what was gathered is given out again.
const KEPT_FOR: Duration = Duration::from_secs(30);
/// Logins that are looked at.
const MOST_LOGINS: usize = 256;

/// The addresses of this machine, and those from which somebody is logged in.
pub(crate) fn own_addresses() -> Vec<String> {
    let mut all = crate::capture::own_addresses();
    let client = std::env::var("SSH_CONNECTION").ok();
    all.extend(client.and_then(|text| Some(text.split(' ').next()?.to_owned())));
    let ports = crate::ports::login_ports();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let table = std::fs::read_to_string(table).unwrap_or_default();
        all.extend(logins(&table, &ports).take(MOST_LOGINS).map(|address| address.to_string()));
    }
    all
}

/// Who is connected to one of these ports.
fn logins<'a>(table: &'a str, ports: &'a [u16]) -> impl Iterator<Item = IpAddr> + 'a {
    let connected = in_state(table, ESTABLISHED).filter(|socket| ports.contains(&socket.port));
    connected.filter_map(|socket| socket.peer())
}

/// What is shared, gathered once for all who ask within a while.
pub(crate) struct Sharing {
    settings: Share,
    sensor: String,
    places: Arc<Places>,
    own: Mutex<Vec<String>>,
    kept: Mutex<Option<(Instant, Arc<Shared>)>>,
}

impl Sharing {
    pub(crate) fn new(
        settings: Share,
        sensor: &str,
        places: Arc<Places>,
        own: Vec<String>,
    ) -> Self {
        Self {
            settings,
            sensor: sensor.to_owned(),
            places,
            own: Mutex::new(own),
            kept: Mutex::default(),
        }
    }

    /// From now on these addresses are on no list, beside those that the owner names.
    pub(crate) fn allow(&self, own: Vec<String>) {
        *self.own.lock().unwrap_or_else(PoisonError::into_inner) = own;
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Gathers it anew, or gives what was gathered just now.
    pub(crate) fn gather(&self, reader: &Reader, now: Timestamp) -> Result<Arc<Shared>, Failure> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, shared)) = &*kept
            && at.elapsed() < KEPT_FOR
        {
            return Ok(Arc::clone(shared));
        }
        let own = self.own.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let allowed = Allowed::of(&self.settings.allow).map_err(Failure::Asked)?.with(&own);
        let shared =
            Shared::gather(reader, &self.settings, &self.places, &allowed, (&self.sensor, now))?;
        let shared = Arc::new(shared);
        *kept = Some((Instant::now(), Arc::clone(&shared)));
        Ok(shared)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_logged_in_is_read_from_the_kernels_table_and_who_visits_a_trap_is_not() {
        let table = "  sl  local_address rem_address   st\n\
             0: 0A01A8C0:5606 076433C6:D431 01 0\n 1: 0A01A8C0:0017 09007 1 01\n 2: 00000000:5606 00000000:0000 0A 0\n\
             3: 0A01A8C0:0017 0A6433C6:D431 01 0\n";
        let found: Vec<IpAddr> = logins(table, &[0x5606]).collect();
        if cfg!(target_endian = "little") {
            assert_eq!(found, ["198.51.100.7".parse::<IpAddr>().unwrap()]);
        }
        let six =
            " 0: 0000000000000000FFFF00000A01A8C0:5606 0000000000000000FFFF0000076433C6:D431 01 0";
        let found: Vec<IpAddr> = logins(six, &[0x5606]).collect();
        if cfg!(target_endian = "little") {
            assert_eq!(
                found,
                ["198.51.100.7".parse::<IpAddr>().unwrap()],
                "as what it is within IPv6"
            );
        }
        assert_eq!(logins("x\n\u{80}", &[22]).count(), 0);
    }
}
