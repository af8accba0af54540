//! How a connection begins: PRELOGIN ([MS-TDS], 2.2.6.5), LOGIN7 (2.2.6.4) with its veiled password, and the login record of TDS 4.2, which
//! guessers such as hydra still send.

use super::wire::{Fields, LOGIN, packet};
use crate::windows::{from_utf16, utf16};

/// Characters of a name that is taken.
const LONGEST: usize = 128;

/// What the client says of encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encryption {
    /// Of the login alone.
    Login,
    All,
    None,
}

/// A PRELOGIN, as far as it decides anything.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Prelogin {
    pub(super) encryption: Encryption,
    /// The client asks for several sessions in one connection.
    multiple: bool,
    pub(super) version: Option<[u8; 4]>,
}

impl Prelogin {
    pub(super) fn read(content: &[u8]) -> Option<Self> {
        let mut options = Fields(content);
        let mut read = Self { encryption: Encryption::None, multiple: false, version: None };
        loop {
            let option = options.byte()?;
            if option == 0xff {
                return Some(read);
            }
            let place = options.take(4)?;
            let offset = usize::from(u16::from_be_bytes([place[0], place[1]]));
            let length = usize::from(u16::from_be_bytes([place[2], place[3]]));
            let value = content.get(offset..offset + length)?;
            match option {
                0 => read.version = value.first_chunk().copied(),
                1 => {
                    read.encryption = match value.first() {
                        Some(0) => Encryption::Login,
                        Some(1 | 3) => Encryption::All,
                        _ => Encryption::None,
                    };
                }
                4 => read.multiple = true,
                _ => {}
            }
        }
    }

    /// The server's answer: its version, what is encrypted, an instance that fits.
    pub(super) fn answer(&self, product: [u8; 4]) -> Vec<u8> {
        let encryption = match self.encryption {
            Encryption::Login => 0,
            Encryption::All => 1,
            Encryption::None => 2,
        };
        let mut values: Vec<(u8, Vec<u8>)> = vec![
            (0, [&product[..], &[0, 0]].concat()),
            (1, vec![encryption]),
            (2, vec![0]),
            (3, Vec::new()),
        ];
        if self.multiple {
            values.push((4, vec![0]));
        }
        let mut offset = u16::try_from(values.len() * 5 + 1).unwrap_or(0);
        let (mut head, mut body) = (Vec::new(), Vec::new());
        for (option, value) in values {
            let length = u16::try_from(value.len()).unwrap_or(0);
            head.push(option);
            head.extend(offset.to_be_bytes());
            head.extend(length.to_be_bytes());
            offset += length;
            body.extend(value);
        }
        head.push(0xff);
        [head, body].concat()
    }
}

/// Who logs in, and how.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: String,
    pub(super) host: String,
    pub(super) application: String,
    pub(super) library: String,
    pub(super) database: String,
    pub(super) packet: usize,
    /// 0x70 to 0x74.
    pub(super) version: u8,
    /// A token of NTLM's or Kerberos', where Windows' own accounts are used.
    pub(super) sspi: Option<Vec<u8>>,
}

impl Login {
    /// LOGIN7.
    pub(super) fn read(content: &[u8]) -> Option<Self> {
        let number = |at: usize| Fields(content.get(at..)?).number(4);
        let version = number(4)?;
        // Since 7.2 the version is written as a number, before as what it is.
        let version = match version >> 24 {
            7 => 0x70,
            other => u8::try_from(other).unwrap_or(0x74),
        };
        let place = |at: usize| {
            let mut fields = Fields(content.get(at..)?);
            Some((fields.length(2)?, fields.length(2)?))
        };
        let bytes = |at: usize, each: usize| {
            let (offset, length) = place(at)?;
            content.get(offset..offset + (length * each).min(2 * LONGEST))
        };
        let text = |at: usize| bytes(at, 2).map(from_utf16);
        let integrated = content.get(25)? & 0x80 != 0;
        let sspi = place(78).and_then(|(offset, length)| content.get(offset..offset + length));
        let plain = |bytes: &[u8]| {
            bytes.iter().map(|byte| (byte ^ 0xa5).rotate_left(4)).collect::<Vec<u8>>()
        };
        Some(Self {
            host: text(36)?,
            user: text(40)?,
            password: bytes(44, 2).map(|bytes| from_utf16(&plain(bytes)))?,
            application: text(48)?,
            library: text(60).unwrap_or_default(),
            database: text(68).unwrap_or_default(),
            packet: usize::try_from(number(8)?).unwrap_or(0),
            version: version.clamp(0x70, 0x74),
            sspi: sspi.filter(|token| integrated && !token.is_empty()).map(<[u8]>::to_vec),
        })
    }

    /// The record of TDS 4.2: fields of thirty bytes, each with its length behind it.
    pub(super) fn read_old(content: &[u8]) -> Option<Self> {
        let field = |at: usize| {
            let bytes = content.get(at..at + 30)?;
            let length = usize::from(*content.get(at + 30)?).min(30);
            Some(String::from_utf8_lossy(&bytes[..length]).into_owned())
        };
        Some(Self {
            host: field(0)?,
            user: field(31)?,
            password: field(62)?,
            version: 0x70,
            ..Self::default()
        })
    }
}

/// What a client sends who logs in with a password, without encryption.
pub(super) fn request(user: &str, password: &str) -> Vec<u8> {
    let veiled: Vec<u8> = utf16(password).iter().map(|byte| byte.rotate_left(4) ^ 0xa5).collect();
    let texts = [
        utf16("PC"),
        utf16(user),
        veiled,
        utf16("osql"),
        Vec::new(),
        Vec::new(),
        utf16("ODBC"),
        Vec::new(),
        Vec::new(),
    ];
    let mut content = vec![0; 36];
    content[4..8].copy_from_slice(&[4, 0, 0, 0x74]);
    content[8..12].copy_from_slice(&4_096_u32.to_le_bytes());
    let mut offset = 94_u16;
    let mut body = Vec::new();
    for text in texts {
        let length = u16::try_from(text.len()).unwrap_or(0);
        content.extend(offset.to_le_bytes());
        content.extend((length / 2).to_le_bytes());
        offset += length;
        body.extend(text);
    }
    content.resize(94, 0);
    content.extend(body);
    let length = u32::try_from(content.len()).unwrap_or(0);
    content[..4].copy_from_slice(&length.to_le_bytes());
    packet(LOGIN, &content)
}
