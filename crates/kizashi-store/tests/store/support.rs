//! Folders, events and stores for the tests.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use kizashi_event::{Detail, Event, EventId, Port, Service, SessionId, Timestamp};
use kizashi_store::{Mode, Settings, Store};

pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("kizashi-store-test-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// 2026-03-02 00:00 UTC, a Monday.
pub(crate) fn midnight() -> Timestamp {
    Timestamp::parse("2026-03-02T00:00:00Z").unwrap()
}

pub(crate) fn settings(now: Timestamp, mode: Mode) -> Settings {
    Settings { mode, clock: Arc::new(move || now), ..Settings::default() }
}

pub(crate) fn live(folder: &Folder, now: Timestamp) -> Store {
    Store::open(folder.path(), settings(now, Mode::Live)).unwrap()
}

pub(crate) fn event(number: u64, time: Timestamp, source: u32, port: u16, detail: Detail) -> Event {
    Event {
        time,
        id: EventId(number),
        sensor: Arc::from("here"),
        session: Some(SessionId(number)),
        source: std::net::Ipv4Addr::from_bits(0xc612_0000 + source).into(),
        source_port: 40_000,
        destination: None,
        port: Port::tcp(port),
        service: Service::known("ssh"),
        detail,
    }
}

pub(crate) fn login(username: &str, password: &str) -> Detail {
    Detail::Login {
        username: Some(username.into()),
        password: Some(password.into()),
        public_key: None,
        accepted: false,
    }
}
