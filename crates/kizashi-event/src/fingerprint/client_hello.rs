//! The `ClientHello` (RFC 8446, 4.1.2; RFC 5246, 7.4.1.2): what a client offers, read as far as fingerprints and servers need it. The
//! order of everything is kept, unknown values too, for these are what tells clients apart. Lists that break their own lengths inside
//! an extension read as empty: a server decides what to refuse, a fingerprint is wanted all the same.

/// The longest message that is put together from records, in bytes. Clients with post-quantum key shares send about 2,000.
const LONGEST: usize = 64 * 1024;
/// Bytes of a record at most that is still read as one (RFC 5246, 6.2.1, and what is added by protection).
const LONGEST_RECORD: usize = 16 * 1024 + 2_048;
/// The type of a handshake record, and of the message inside.
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;

/// What a client offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientHello {
    /// The version field, which TLS 1.3 leaves at 1.2.
    pub version: u16,
    /// 32 bytes.
    pub random: Vec<u8>,
    /// At most 32 bytes.
    pub session: Vec<u8>,
    /// In the order of the client's wishes, GREASE included.
    pub cipher_suites: Vec<u16>,
    /// Compression methods.
    pub compressions: Vec<u8>,
    /// Extensions as sent, each with its number.
    pub extensions: Vec<(u16, Vec<u8>)>,
}

/// The bytes are no `ClientHello`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are no whole ClientHello")]
pub struct NoClientHello;

/// What the first bytes of a connection amount to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HelloReading {
    /// So far they may become one.
    More,
    /// They never will.
    Other,
    /// They have.
    Whole(Box<ClientHello>),
}

/// Reads along a slice; everything is [`NoClientHello`] past its end.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], NoClientHello> {
        let (head, rest) = self.0.split_at_checked(count).ok_or(NoClientHello)?;
        self.0 = rest;
        Ok(head)
    }

    fn byte(&mut self) -> Result<u8, NoClientHello> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn number(&mut self) -> Result<u16, NoClientHello> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn short_field(&mut self) -> Result<&'a [u8], NoClientHello> {
        let length = self.byte()?;
        self.take(usize::from(length))
    }

    fn field(&mut self) -> Result<&'a [u8], NoClientHello> {
        let length = self.number()?;
        self.take(usize::from(length))
    }
}

fn numbers(bytes: &[u8]) -> Vec<u16> {
    bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
}

impl ClientHello {
    /// Reads the message's body, without the four bytes of type and length before it.
    ///
    /// # Errors
    /// When a length does not fit, or bytes are left over.
    pub fn parse(body: &[u8]) -> Result<Self, NoClientHello> {
        let mut reader = Reader(body);
        let version = reader.number()?;
        let random = reader.take(32)?.to_vec();
        let session = reader.short_field()?.to_vec();
        let suites = reader.field()?;
        let compressions = reader.short_field()?.to_vec();
        if session.len() > 32 || suites.len() % 2 == 1 {
            return Err(NoClientHello);
        }
        let mut extensions = Vec::new();
        if !reader.0.is_empty() {
            let mut fields = Reader(reader.field()?);
            while !fields.0.is_empty() {
                extensions.push((fields.number()?, fields.field()?.to_vec()));
            }
        }
        if !reader.0.is_empty() {
            return Err(NoClientHello);
        }
        let cipher_suites = numbers(suites);
        Ok(Self { version, random, session, cipher_suites, compressions, extensions })
    }

    /// The content of the first extension of this number.
    #[must_use]
    pub fn extension(&self, number: u16) -> Option<&[u8]> {
        let found = self.extensions.iter().find(|(found, _)| *found == number);
        found.map(|(_, content)| content.as_slice())
    }

    /// A list of numbers with its length of two bytes before it.
    fn list(&self, number: u16) -> Vec<u16> {
        let content = self.extension(number).unwrap_or_default();
        Reader(content).field().map(numbers).unwrap_or_default()
    }

    /// The host name asked for (RFC 6066, 3).
    #[must_use]
    pub fn server_name(&self) -> Option<&[u8]> {
        let mut names = Reader(self.extension(0)?);
        let mut names = Reader(names.field().ok()?);
        (names.byte().ok()? == 0).then(|| names.field().ok()).flatten()
    }

    /// Protocols offered for what is inside (ALPN, RFC 7301), first wish first.
    #[must_use]
    pub fn protocols(&self) -> Vec<&[u8]> {
        let mut protocols = Vec::new();
        let content = self.extension(16).unwrap_or_default();
        let mut list = Reader(Reader(content).field().unwrap_or_default());
        while let Ok(protocol) = list.short_field() {
            protocols.push(protocol);
        }
        protocols
    }

    /// Versions offered: those of the extension (RFC 8446, 4.2.1), or the version field alone. GREASE is left out.
    #[must_use]
    pub fn versions(&self) -> Vec<u16> {
        let content = self.extension(43).unwrap_or_default();
        let listed = Reader(content).short_field().map(numbers).unwrap_or_default();
        let mut versions: Vec<u16> =
            listed.into_iter().filter(|version| !is_grease(*version)).collect();
        if versions.is_empty() {
            versions.push(self.version);
        }
        versions
    }

    /// Groups for a key exchange (RFC 8422, 5.1.1; RFC 8446, 4.2.7).
    #[must_use]
    pub fn groups(&self) -> Vec<u16> {
        self.list(10)
    }

    /// Forms of points on curves (RFC 8422, 5.1.2).
    #[must_use]
    pub fn point_formats(&self) -> &[u8] {
        let content = self.extension(11).unwrap_or_default();
        Reader(content).short_field().unwrap_or_default()
    }

    /// Signatures understood (RFC 8446, 4.2.3).
    #[must_use]
    pub fn signature_algorithms(&self) -> Vec<u16> {
        self.list(13)
    }

    /// Public keys sent at once for groups (RFC 8446, 4.2.8).
    #[must_use]
    pub fn key_shares(&self) -> Vec<(u16, &[u8])> {
        let content = self.extension(51).unwrap_or_default();
        let mut list = Reader(Reader(content).field().unwrap_or_default());
        let mut shares = Vec::new();
        while let (Ok(group), Ok(key)) = (list.number(), list.field()) {
            shares.push((group, key));
        }
        shares
    }
}

/// Whether this is one of the values that clients send so that servers stay used to unknown ones (RFC 8701).
#[must_use]
pub const fn is_grease(value: u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}

/// Puts the message together from the records at the beginning of a connection, however it is cut into them.
#[must_use]
pub fn read_client_hello(mut stream: &[u8]) -> HelloReading {
    let mut message: Vec<u8> = Vec::new();
    loop {
        let begun = stream.first().is_none_or(|kind| *kind == HANDSHAKE)
            && stream.get(1).is_none_or(|major| *major == 3)
            && message.first().is_none_or(|kind| *kind == CLIENT_HELLO);
        if !begun {
            return HelloReading::Other;
        }
        let Some((head, rest)) = stream.split_at_checked(5) else { return HelloReading::More };
        let length = usize::from(u16::from_be_bytes([head[3], head[4]]));
        if length == 0 || length > LONGEST_RECORD {
            return HelloReading::Other;
        }
        let part = rest.get(..length).unwrap_or(rest);
        message.extend_from_slice(part);
        if let [kind, a, b, c, body @ ..] = message.as_slice() {
            let announced = u32::from_be_bytes([0, *a, *b, *c]) as usize;
            if *kind != CLIENT_HELLO || announced > LONGEST {
                return HelloReading::Other;
            }
            if let Some(body) = body.get(..announced) {
                return ClientHello::parse(body)
                    .map_or(HelloReading::Other, |hello| HelloReading::Whole(Box::new(hello)));
            }
        }
        if part.len() < length {
            return HelloReading::More;
        }
        stream = rest.get(length..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(hello: &ClientHello) -> Vec<u8> {
        let mut body = hello.version.to_be_bytes().to_vec();
        body.extend(&hello.random);
        body.push(hello.session.len() as u8);
        body.extend(&hello.session);
        body.extend((hello.cipher_suites.len() as u16 * 2).to_be_bytes());
        body.extend(hello.cipher_suites.iter().flat_map(|suite| suite.to_be_bytes()));
        body.push(hello.compressions.len() as u8);
        body.extend(&hello.compressions);
        let mut fields = Vec::new();
        for (number, content) in &hello.extensions {
            fields.extend(number.to_be_bytes());
            fields.extend((content.len() as u16).to_be_bytes());
            fields.extend(content);
        }
        if !fields.is_empty() {
            body.extend((fields.len() as u16).to_be_bytes());
            body.extend(fields);
        }
        let length = (body.len() as u32).to_be_bytes();
        [&[1], &length[1..], &body].concat()
    }

    fn records(message: &[u8], size: usize) -> Vec<u8> {
        let record = |part: &[u8]| {
            let length = (part.len() as u16).to_be_bytes();
            [&[22, 3, 1], &length[..], part].concat()
        };
        message.chunks(size).flat_map(record).collect()
    }

    fn hello() -> impl Strategy<Value = ClientHello> {
        let bytes = |length| prop::collection::vec(any::<u8>(), length);
        (
            any::<u16>(),
            bytes(32..33),
            bytes(0..33),
            prop::collection::vec(any::<u16>(), 0..60),
            bytes(0..4),
            prop::collection::vec((any::<u16>(), bytes(0..40)), 0..20),
        )
            .prop_map(
                |(version, random, session, cipher_suites, compressions, extensions)| ClientHello {
                    version,
                    random,
                    session,
                    cipher_suites,
                    compressions,
                    extensions,
                },
            )
    }

    #[test]
    fn names_protocols_versions_and_shares_are_read_from_their_extensions() {
        let hello = ClientHello {
            version: 0x0303,
            extensions: vec![
                (0, b"\0\x0e\0\0\x0bexample.org".to_vec()),
                (16, b"\0\x0c\x02h2\x08http/1.1".to_vec()),
                (43, vec![4, 0xaa, 0xaa, 3, 4]),
                (51, vec![0, 5, 0, 29, 0, 1, 7]),
            ],
            ..ClientHello::default()
        };
        assert_eq!(hello.server_name(), Some(&b"example.org"[..]));
        assert_eq!(hello.protocols(), [&b"h2"[..], b"http/1.1"]);
        assert_eq!(hello.versions(), [0x0304]);
        assert_eq!(hello.key_shares(), [(29, &[7][..])]);
        assert_eq!(ClientHello { version: 0x0301, ..Default::default() }.versions(), [0x0301]);
    }

    #[test]
    fn another_protocol_is_told_by_its_first_bytes() {
        for bytes in [&b"GET / HTTP/1.1\r\n"[..], b"\x16\x04", b"\x16\x03\x01\0\x04\x02\0\0\0"] {
            assert_eq!(read_client_hello(bytes), HelloReading::Other);
        }
        assert_eq!(read_client_hello(b""), HelloReading::More);
    }

    proptest! {
        #[test]
        fn a_hello_is_read_as_it_was_written_however_it_is_cut_into_records(hello in hello(), size in 1_usize..400) {
            let stream = records(&message(&hello), size);
            prop_assert_eq!(read_client_hello(&stream), HelloReading::Whole(Box::new(hello)));
            for end in 0..stream.len() {
                let early = read_client_hello(&stream[..end]);
                prop_assert!(matches!(early, HelloReading::More), "{end}: {early:?}");
            }
        }

        #[test]
        fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..300), head in any::<bool>()) {
            let framed = records(&[&[1, 0, 0, bytes.len() as u8][..], &bytes].concat(), 100);
            crate::fingerprint::fuzz(if head { &framed } else { &bytes });
        }
    }
}
