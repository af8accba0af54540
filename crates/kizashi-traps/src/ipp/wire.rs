//! Messages of the Internet Printing Protocol (RFC 8010, 3): a version, an operation or a status, a number, groups of attributes, then the
//! document. What a visitor writes is read within bounds; what is said is put together from [`Value`]s.

use kizashi_event::{HostileText, Timestamp};

use crate::datagram::Reader;

/// Values of one request, over all its attributes.
const MOST_VALUES: usize = 1_024;
/// Beginnings of groups.
pub(super) const OF_OPERATION: u8 = 1;
pub(super) const OF_JOB: u8 = 2;
pub(super) const OF_PRINTER: u8 = 4;
const END: u8 = 3;
/// Tags below this begin groups.
const FIRST_VALUE: u8 = 0x10;

/// One attribute as sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Attribute {
    pub(super) name: Vec<u8>,
    pub(super) values: Vec<Vec<u8>>,
}

/// A request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) version: (u8, u8),
    pub(super) operation: u16,
    pub(super) id: u32,
    pub(super) attributes: Vec<Attribute>,
    /// Where the document begins; `None` where the attributes are broken or have no end.
    pub(super) document: Option<usize>,
}

impl Asked {
    /// Reads a body; `None` where not even its head is there.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let version = (reader.byte()?, reader.byte()?);
        let (operation, id) = (reader.be16()?, reader.be32()?);
        let mut attributes = Vec::new();
        let whole = read_attributes(&mut reader, &mut attributes).is_some();
        let document = whole.then(|| bytes.len() - reader.0.len());
        Some(Self { version, operation, id, attributes, document })
    }

    /// The values of an attribute.
    pub(super) fn all(&self, name: &str) -> &[Vec<u8>] {
        let found = self.attributes.iter().find(|attribute| attribute.name == name.as_bytes());
        found.map_or(&[], |attribute| &attribute.values)
    }

    /// Its first value.
    pub(super) fn one(&self, name: &str) -> Option<&[u8]> {
        self.all(name).first().map(Vec::as_slice)
    }

    /// A number.
    pub(super) fn number(&self, name: &str) -> Option<u32> {
        let value = self.one(name)?.first_chunk::<4>()?;
        Some(u32::from_be_bytes(*value))
    }
}

/// Up to the end of all attributes, `None` where there is none.
fn read_attributes(reader: &mut Reader<'_>, attributes: &mut Vec<Attribute>) -> Option<()> {
    let mut values = 0;
    loop {
        match reader.byte()? {
            END => return Some(()),
            tag if tag < FIRST_VALUE => continue,
            _ => {}
        }
        values += 1;
        if values > MOST_VALUES {
            return None;
        }
        let length = usize::from(reader.be16()?);
        let name = reader.take(length)?;
        let length = usize::from(reader.be16()?);
        let value = reader.take(length)?.to_vec();
        match attributes.last_mut() {
            // A value without a name is one more of the last attribute.
            Some(last) if name.is_empty() => last.values.push(value),
            None if name.is_empty() => return None,
            _ => attributes.push(Attribute { name: name.to_vec(), values: vec![value] }),
        }
    }
}

/// Host and port of an address; the port of its scheme where none is said.
pub(super) fn host_and_port(uri: &[u8]) -> Option<(HostileText, u16)> {
    let at = uri.windows(3).position(|three| three == b"://")?;
    let (scheme, rest) = (&uri[..at], &uri[at + 3..]);
    let authority = rest.split(|byte| matches!(byte, b'/' | b'?' | b'#')).next()?;
    let authority = authority.rsplit(|byte| *byte == b'@').next()?;
    let usual = match scheme.to_ascii_lowercase().as_slice() {
        b"http" => 80,
        b"https" => 443,
        b"ipp" | b"ipps" => 631,
        b"socket" => 9_100,
        b"lpd" => 515,
        _ => return None,
    };
    let colon = authority.iter().rposition(|byte| *byte == b':');
    let port = colon.and_then(|at| std::str::from_utf8(&authority[at + 1..]).ok()?.parse().ok());
    let (host, port) = match (colon, port) {
        (Some(at), Some(port)) => (&authority[..at], port),
        _ => (authority, usual),
    };
    (!host.is_empty()).then(|| (HostileText::from_bytes(host), port))
}

/// A value that is said.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Integer(i64),
    Enum(u32),
    Boolean(bool),
    Range(u32, u32),
    /// Dots an inch.
    Resolution(u32),
    Date(Timestamp),
    Keyword(String),
    Name(String),
    Text(String),
    Uri(String),
    Mime(String),
    Charset(&'static str),
    Language(&'static str),
    Collection(Vec<(&'static str, Self)>),
    Nothing,
}

impl Value {
    const fn tag(&self) -> u8 {
        match self {
            Self::Nothing => 0x13,
            Self::Integer(_) => 0x21,
            Self::Boolean(_) => 0x22,
            Self::Enum(_) => 0x23,
            Self::Date(_) => 0x31,
            Self::Resolution(_) => 0x32,
            Self::Range(..) => 0x33,
            Self::Collection(_) => 0x34,
            Self::Text(_) => 0x41,
            Self::Name(_) => 0x42,
            Self::Keyword(_) => 0x44,
            Self::Uri(_) => 0x45,
            Self::Charset(_) => 0x47,
            Self::Language(_) => 0x48,
            Self::Mime(_) => 0x49,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Nothing | Self::Collection(_) => Vec::new(),
            Self::Integer(number) => {
                i32::try_from(*number).unwrap_or(i32::MAX).to_be_bytes().to_vec()
            }
            Self::Enum(number) => number.to_be_bytes().to_vec(),
            Self::Boolean(yes) => vec![u8::from(*yes)],
            Self::Range(from, to) => [from.to_be_bytes(), to.to_be_bytes()].concat(),
            Self::Resolution(dots) => [&dots.to_be_bytes()[..], &dots.to_be_bytes(), &[3]].concat(),
            Self::Date(moment) => date(*moment),
            Self::Keyword(text)
            | Self::Name(text)
            | Self::Text(text)
            | Self::Uri(text)
            | Self::Mime(text) => text.as_bytes().to_vec(),
            Self::Charset(text) | Self::Language(text) => text.as_bytes().to_vec(),
        }
    }
}

/// `DateAndTime` of RFC 2579, in UTC: of the ISO form's digits.
fn date(moment: Timestamp) -> Vec<u8> {
    let text = moment.rfc3339();
    let part =
        |from: usize, to: usize| text.get(from..to).and_then(|part| part.parse::<u16>().ok());
    let byte = |from| u8::try_from(part(from, from + 2).unwrap_or(0)).unwrap_or(0);
    let year = part(0, 4).unwrap_or(1970).to_be_bytes();
    [&year[..], &[byte(5), byte(8), byte(11), byte(14), byte(17), 0], b"+\0\0"].concat()
}

/// An answer on its way.
pub(super) struct Writer(Vec<u8>);

impl Writer {
    /// Version, status, number, and the group with which each answer begins.
    pub(super) fn new((major, minor): (u8, u8), status: u16, id: u32) -> Self {
        let mut writer = Self(vec![major, minor]);
        writer.0.extend(status.to_be_bytes());
        writer.0.extend(id.to_be_bytes());
        writer.group(OF_OPERATION);
        writer.put("attributes-charset", &[Value::Charset("utf-8")]);
        writer.put("attributes-natural-language", &[Value::Language("en")]);
        writer
    }

    pub(super) fn group(&mut self, tag: u8) {
        self.0.push(tag);
    }

    pub(super) fn put(&mut self, name: &str, values: &[Value]) {
        for (place, value) in values.iter().enumerate() {
            self.value(value.tag(), if place == 0 { name } else { "" }, &value.bytes());
            if let Value::Collection(members) = value {
                self.members(members);
            }
        }
    }

    fn members(&mut self, members: &[(&'static str, Value)]) {
        for (name, value) in members {
            self.value(0x4a, "", name.as_bytes());
            self.value(value.tag(), "", &value.bytes());
            if let Value::Collection(members) = value {
                self.members(members);
            }
        }
        self.value(0x37, "", b"");
    }

    fn value(&mut self, tag: u8, name: &str, value: &[u8]) {
        self.0.push(tag);
        for text in [name.as_bytes(), value] {
            self.0.extend(u16::try_from(text.len()).unwrap_or(0).to_be_bytes());
            self.0.extend(text);
        }
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.0.push(END);
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_with_its_document() {
        let mut writer = Writer::new((2, 0), 0x000b, 7);
        let keywords = ["a", "b"].map(|word| Value::Keyword(word.to_owned()));
        writer.put("requested-attributes", &keywords);
        writer.put("job-id", &[Value::Integer(3)]);
        let bytes = [writer.finish(), b"%PDF".to_vec()].concat();
        let asked = Asked::read(&bytes).unwrap();
        assert_eq!((asked.version, asked.operation, asked.id), ((2, 0), 0x000b, 7));
        assert_eq!(asked.all("requested-attributes"), [b"a", b"b"]);
        assert_eq!(asked.number("job-id"), Some(3));
        assert_eq!(&bytes[asked.document.unwrap()..], b"%PDF");
        for cut in 8..bytes.len() - 4 {
            assert_eq!(Asked::read(&bytes[..cut]).unwrap().document, None, "{cut}");
        }
    }

    #[test]
    fn an_attribute_with_ever_more_values_is_given_up() {
        let mut bytes = vec![1, 1, 0, 2, 0, 0, 0, 1, OF_OPERATION, 0x44, 0, 1, b'a', 0, 0];
        bytes.extend([0x44, 0, 0, 0, 0].repeat(5_000));
        bytes.push(END);
        let asked = Asked::read(&bytes).unwrap();
        assert_eq!(asked.document, None);
        assert!(asked.attributes[0].values.len() <= MOST_VALUES);
    }

    #[test]
    fn the_port_of_an_address_is_its_schemes_where_none_is_said() {
        let of = |uri: &[u8]| host_and_port(uri).map(|(host, port)| (host.raw().to_owned(), port));
        assert_eq!(of(b"http://192.0.2.9:8631/printers/x"), Some(("192.0.2.9".to_owned(), 8_631)));
        assert_eq!(of(b"ipp://u@printer.example/ipp"), Some(("printer.example".to_owned(), 631)));
        assert_eq!(of(b"file:///etc/passwd"), None);
        assert_eq!(of(b"http:///"), None);
    }

    #[test]
    fn a_date_is_eleven_bytes() {
        let bytes = date(Timestamp::from_seconds(1_700_000_000));
        assert_eq!(bytes, [7, 231, 11, 14, 22, 13, 20, 0, b'+', 0, 0]);
    }
}
