//! A search (UPnP Device Architecture 1.1, 1.3.2) and the answer to it (1.3.3).

/// Headers of a message that are read.
const MOST_HEADERS: usize = 32;

/// `M-SEARCH` or `NOTIFY` with its headers.
pub(super) struct Message<'a> {
    pub(super) method: &'a str,
    headers: Vec<(&'a str, &'a str)>,
}

impl<'a> Message<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut lines = text.split("\r\n");
        let method = lines.next()?.strip_suffix(" * HTTP/1.1")?;
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.take(MOST_HEADERS).map(|(name, value)| (name.trim(), value.trim()));
        Some(Self { method, headers: headers.collect() })
    }

    pub(super) fn header(&self, name: &str) -> Option<&'a str> {
        let found = self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| *value)
    }
}

/// What a device answers to a search for `target`.
pub(super) fn answer(target: &str, device: &str, location: &str, server: &str) -> String {
    let name = if target == device { device.to_owned() } else { format!("{device}::{target}") };
    format!(
        "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nST: {target}\r\nUSN: {name}\r\nEXT:\r\nSERVER: {server}\r\nLOCATION: {location}\r\n\r\n"
    )
}

/// See [`crate::fuzz::datagrams`].
pub(crate) fn fuzz(bytes: &[u8]) {
    let _ = Message::read(bytes).and_then(|message| message.header("st"));
}
