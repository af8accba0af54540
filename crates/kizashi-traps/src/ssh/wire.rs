//! The data types of RFC 4251, section 5: reading them from hostile bytes and writing them. Reading never fails loudly: what is cut
//! short, too long or negative is `None`, and nothing is taken on trust that is not there.

/// Reads values one after another.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.bytes(1).map(|bytes| bytes[0])
    }

    pub(super) fn bool(&mut self) -> Option<bool> {
        self.byte().map(|byte| byte != 0)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.bytes(4)?.try_into().ok()?))
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        Some(u64::from_be_bytes(self.bytes(8)?.try_into().ok()?))
    }

    pub(super) fn string(&mut self) -> Option<&'a [u8]> {
        let length = self.u32()?;
        self.bytes(usize::try_from(length).ok()?)
    }

    /// The magnitude of a number that is not negative, without leading zeros.
    pub(super) fn mpint(&mut self) -> Option<&'a [u8]> {
        let bytes = self.string()?;
        if bytes.first().is_some_and(|first| first & 0x80 != 0) {
            return None;
        }
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        bytes.get(zeros..)
    }

    /// What was not read yet.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}

/// Writes values one after another.
pub(super) trait Write {
    fn put_bool(&mut self, value: bool);
    fn put_u32(&mut self, value: u32);
    fn put_u64(&mut self, value: u64);
    fn put_string(&mut self, value: impl AsRef<[u8]>);
    /// A magnitude of any length, leading zeros allowed.
    fn put_mpint(&mut self, magnitude: &[u8]);
}

impl Write for Vec<u8> {
    fn put_bool(&mut self, value: bool) {
        self.push(u8::from(value));
    }

    fn put_u32(&mut self, value: u32) {
        self.extend(value.to_be_bytes());
    }

    fn put_u64(&mut self, value: u64) {
        self.extend(value.to_be_bytes());
    }

    fn put_string(&mut self, value: impl AsRef<[u8]>) {
        let value = value.as_ref();
        self.put_u32(u32::try_from(value.len()).unwrap_or(u32::MAX));
        self.extend_from_slice(value);
    }

    fn put_mpint(&mut self, magnitude: &[u8]) {
        let zeros = magnitude.iter().take_while(|byte| **byte == 0).count();
        let magnitude = magnitude.get(zeros..).unwrap_or_default();
        let sign = magnitude.first().is_some_and(|first| first & 0x80 != 0);
        self.put_u32(u32::try_from(magnitude.len() + usize::from(sign)).unwrap_or(u32::MAX));
        if sign {
            self.push(0);
        }
        self.extend_from_slice(magnitude);
    }
}

/// A list of names as the protocol writes it.
pub(super) fn names(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|byte| *byte == b',').filter(|name| !name.is_empty())
}

/// The numbers of messages (RFC 4250, section 4.1; OpenSSH's PROTOCOL).
pub(super) mod message {
    pub(in crate::ssh) const DISCONNECT: u8 = 1;
    pub(in crate::ssh) const IGNORE: u8 = 2;
    pub(in crate::ssh) const UNIMPLEMENTED: u8 = 3;
    pub(in crate::ssh) const DEBUG: u8 = 4;
    pub(in crate::ssh) const SERVICE_REQUEST: u8 = 5;
    pub(in crate::ssh) const SERVICE_ACCEPT: u8 = 6;
    pub(in crate::ssh) const EXT_INFO: u8 = 7;
    pub(in crate::ssh) const KEXINIT: u8 = 20;
    pub(in crate::ssh) const NEWKEYS: u8 = 21;
    pub(in crate::ssh) const KEX_FIRST: u8 = 30;
    pub(in crate::ssh) const KEX_REPLY: u8 = 31;
    pub(in crate::ssh) const GEX_INIT: u8 = 32;
    pub(in crate::ssh) const GEX_REPLY: u8 = 33;
    pub(in crate::ssh) const GEX_REQUEST: u8 = 34;
    pub(in crate::ssh) const USERAUTH_REQUEST: u8 = 50;
    pub(in crate::ssh) const USERAUTH_FAILURE: u8 = 51;
    pub(in crate::ssh) const USERAUTH_SUCCESS: u8 = 52;
    pub(in crate::ssh) const USERAUTH_INFO_REQUEST: u8 = 60;
    pub(in crate::ssh) const USERAUTH_PK_OK: u8 = 60;
    pub(in crate::ssh) const USERAUTH_INFO_RESPONSE: u8 = 61;
    pub(in crate::ssh) const GLOBAL_REQUEST: u8 = 80;
    pub(in crate::ssh) const REQUEST_SUCCESS: u8 = 81;
    pub(in crate::ssh) const REQUEST_FAILURE: u8 = 82;
    pub(in crate::ssh) const CHANNEL_OPEN: u8 = 90;
    pub(in crate::ssh) const CHANNEL_OPEN_CONFIRMATION: u8 = 91;
    pub(in crate::ssh) const CHANNEL_OPEN_FAILURE: u8 = 92;
    pub(in crate::ssh) const CHANNEL_WINDOW_ADJUST: u8 = 93;
    pub(in crate::ssh) const CHANNEL_DATA: u8 = 94;
    pub(in crate::ssh) const CHANNEL_EXTENDED_DATA: u8 = 95;
    pub(in crate::ssh) const CHANNEL_EOF: u8 = 96;
    pub(in crate::ssh) const CHANNEL_CLOSE: u8 = 97;
    pub(in crate::ssh) const CHANNEL_REQUEST: u8 = 98;
    pub(in crate::ssh) const CHANNEL_SUCCESS: u8 = 99;
    pub(in crate::ssh) const CHANNEL_FAILURE: u8 = 100;
    /// OpenSSH 9.5 and later.
    pub(in crate::ssh) const PING: u8 = 192;
    pub(in crate::ssh) const PONG: u8 = 193;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_written_as_rfc_4251_shows() {
        let written = |magnitude: &[u8]| {
            let mut bytes = Vec::new();
            bytes.put_mpint(magnitude);
            bytes
        };
        assert_eq!(written(&[0, 0]), [0, 0, 0, 0]);
        assert_eq!(written(&[0, 0x80]), [0, 0, 0, 2, 0, 0x80]);
        assert_eq!(written(&[0x09, 0xa3]), [0, 0, 0, 2, 0x09, 0xa3]);
        assert_eq!(Reader::new(&[0, 0, 0, 1, 0xed]).mpint(), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_and_no_bytes_do_harm(
            text in prop::collection::vec(any::<u8>(), 0..80),
            number in any::<u32>(),
            noise in prop::collection::vec(any::<u8>(), 0..80),
        ) {
            let mut bytes = Vec::new();
            bytes.put_string(&text);
            bytes.put_u32(number);
            bytes.put_mpint(&text);
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.string(), Some(text.as_slice()));
            prop_assert_eq!(reader.u32(), Some(number));
            let zeros = text.iter().take_while(|byte| **byte == 0).count();
            prop_assert_eq!(reader.mpint(), Some(&text[zeros..]));
            prop_assert!(reader.is_empty());
            let mut reader = Reader::new(&noise);
            while reader.string().or_else(|| reader.mpint()).is_some() && !reader.is_empty() {}
        }
    }
}
