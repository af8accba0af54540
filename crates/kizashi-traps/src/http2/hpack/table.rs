//! The tables of HPACK (RFC 7541, 2.3 and appendix A): fields that both sides know beforehand, and those that one side has lately said. The
//! second is bounded by what we allow, never by what the visitor wishes.

use std::collections::VecDeque;

/// Appendix A, from index 1 on.
#[rustfmt::skip]
pub(super) const STATIC: [(&str, &str); 61] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];

/// What each entry counts beside its bytes (4.1).
const OVERHEAD: usize = 32;

/// A field: name and value.
pub(super) type Field = (Vec<u8>, Vec<u8>);

/// What one side has lately said, the newest first.
#[derive(Debug)]
pub(super) struct Dynamic {
    entries: VecDeque<Field>,
    size: usize,
    capacity: usize,
}

impl Dynamic {
    pub(super) const fn new(capacity: usize) -> Self {
        Self { entries: VecDeque::new(), size: 0, capacity }
    }

    pub(super) const fn size(&self) -> usize {
        self.size
    }

    pub(super) fn resize(&mut self, capacity: usize) {
        self.capacity = capacity;
        self.evict(0);
    }

    fn evict(&mut self, room: usize) {
        while self.size + room > self.capacity {
            let Some((name, value)) = self.entries.pop_back() else { break };
            self.size -= name.len() + value.len() + OVERHEAD;
        }
    }

    /// An entry larger than the table empties it (4.4).
    pub(super) fn insert(&mut self, name: &[u8], value: &[u8]) {
        let size = name.len() + value.len() + OVERHEAD;
        self.evict(size);
        if size <= self.capacity {
            self.entries.push_front((name.to_vec(), value.to_vec()));
            self.size += size;
        }
    }

    /// The field of this index, counted over both tables from 1.
    pub(super) fn field(&self, index: usize) -> Option<(&[u8], &[u8])> {
        let place = index.checked_sub(1)?;
        match STATIC.get(place) {
            Some((name, value)) => Some((name.as_bytes(), value.as_bytes())),
            None => self
                .entries
                .get(place - STATIC.len())
                .map(|(name, value)| (name.as_slice(), value.as_slice())),
        }
    }

    /// The index of this field, or of its name alone.
    pub(super) fn find(&self, name: &[u8], value: &[u8]) -> (Option<usize>, Option<usize>) {
        let known = STATIC.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        let said = self.entries.iter().map(|(name, value)| (name.as_slice(), value.as_slice()));
        let mut named = None;
        for (place, field) in known.chain(said).enumerate() {
            if field.0 == name {
                if field.1 == value {
                    return (Some(place + 1), named);
                }
                named = named.or(Some(place + 1));
            }
        }
        (None, named)
    }
}
