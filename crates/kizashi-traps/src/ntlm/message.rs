//! NTLMSSP's three messages (MS-NLMP 2.2.1): a visitor's NEGOTIATE, our CHALLENGE, a visitor's AUTHENTICATE. Every field of a message says where in it
//! its content stands; what lies outside is no message.

use kizashi_event::Timestamp;

use crate::windows::{Windows, file_time, from_utf16, utf16};

/// What each message begins with.
pub(crate) const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";
/// Bytes of a message taken: Windows' own are below 1,000, a version 2 response with many names among them.
pub(crate) const LONGEST: usize = 8 * 1024;
/// Characters of a name that are kept.
const LONGEST_NAME: usize = 256;

/// Negotiated options (MS-NLMP 2.2.2.5).
pub(crate) mod flags {
    pub(crate) const UNICODE: u32 = 0x0000_0001;
    pub(crate) const OEM: u32 = 0x0000_0002;
    pub(crate) const REQUEST_TARGET: u32 = 0x0000_0004;
    pub(crate) const SIGN: u32 = 0x0000_0010;
    pub(crate) const SEAL: u32 = 0x0000_0020;
    pub(crate) const NTLM: u32 = 0x0000_0200;
    pub(crate) const DOMAIN_SUPPLIED: u32 = 0x0000_1000;
    pub(crate) const WORKSTATION_SUPPLIED: u32 = 0x0000_2000;
    pub(crate) const ALWAYS_SIGN: u32 = 0x0000_8000;
    pub(crate) const TARGET_TYPE_SERVER: u32 = 0x0002_0000;
    pub(crate) const EXTENDED_SECURITY: u32 = 0x0008_0000;
    pub(crate) const TARGET_INFO: u32 = 0x0080_0000;
    pub(crate) const VERSION: u32 = 0x0200_0000;
    pub(crate) const KEY_128: u32 = 0x2000_0000;
    pub(crate) const KEY_EXCHANGE: u32 = 0x4000_0000;
    pub(crate) const KEY_56: u32 = 0x8000_0000;
}

/// Major and minor version and build.
pub(crate) type Version = (u8, u8, u16);

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_le_bytes(*four))
}

/// The content of the field that is described at this place; nothing where its length is zero, wherever it points.
fn field(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let length = usize::from(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    if length == 0 {
        return Some(&[]);
    }
    let offset = usize::try_from(word(bytes, at + 4)?).ok()?;
    bytes.get(offset..)?.get(..length)
}

fn name(bytes: &[u8], unicode: bool) -> String {
    let text =
        if unicode { from_utf16(bytes) } else { String::from_utf8_lossy(bytes).into_owned() };
    text.chars().take(LONGEST_NAME).collect()
}

fn version(bytes: &[u8], at: usize) -> Option<Version> {
    let eight: [u8; 8] = *bytes.get(at..)?.first_chunk()?;
    Some((eight[0], eight[1], u16::from_le_bytes([eight[2], eight[3]])))
}

fn kind(bytes: &[u8]) -> Option<u32> {
    bytes.strip_prefix(SIGNATURE).filter(|_| bytes.len() <= LONGEST).and_then(|rest| word(rest, 0))
}

/// The first message: what a visitor's program can do, and perhaps its names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Negotiate {
    pub(crate) flags: u32,
    pub(crate) domain: String,
    pub(crate) workstation: String,
    pub(crate) version: Option<Version>,
}

impl Negotiate {
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        kind(bytes).filter(|kind| *kind == 1)?;
        let flags = word(bytes, 12)?;
        // Names are in the OEM character set here, whatever was negotiated.
        let text = |flag, at| {
            let given = (flags & flag != 0).then(|| field(bytes, at)).flatten();
            given.map(|bytes| name(bytes, false)).unwrap_or_default()
        };
        Some(Self {
            flags,
            domain: text(flags::DOMAIN_SUPPLIED, 16),
            workstation: text(flags::WORKSTATION_SUPPLIED, 24),
            version: (flags & flags::VERSION != 0).then(|| version(bytes, 32)).flatten(),
        })
    }
}

/// What is answered of the options that were asked for, as Windows Server 2008 R2 and later choose.
fn granted(asked: u32) -> u32 {
    let kept = flags::SIGN
        | flags::SEAL
        | flags::ALWAYS_SIGN
        | flags::EXTENDED_SECURITY
        | flags::KEY_128
        | flags::KEY_EXCHANGE
        | flags::KEY_56
        | flags::VERSION
        | flags::REQUEST_TARGET;
    let text = if asked & flags::UNICODE != 0 { flags::UNICODE } else { flags::OEM };
    let target = if asked & flags::REQUEST_TARGET != 0 { flags::TARGET_TYPE_SERVER } else { 0 };
    (asked & kept) | text | target | flags::NTLM | flags::TARGET_INFO
}

/// The second message, and the options in it.
pub(crate) fn challenge(
    windows: &Windows,
    asked: u32,
    challenge: [u8; 8],
    now: Timestamp,
) -> (Vec<u8>, u32) {
    const HEAD: usize = 56;
    let granted = granted(asked);
    let computer = utf16(&windows.computer);
    let target = match (granted & flags::TARGET_TYPE_SERVER, granted & flags::UNICODE) {
        (0, _) => Vec::new(),
        (_, 0) => windows.computer.clone().into_bytes(),
        _ => computer.clone(),
    };
    let mut info = Vec::new();
    // A server in a workgroup is its own domain, in NetBIOS (2, 1) and in DNS (4, 3).
    for kind in [2_u16, 1, 4, 3] {
        pair(&mut info, kind, &computer);
    }
    pair(&mut info, 7, &file_time(now).to_le_bytes());
    pair(&mut info, 0, &[]);
    let mut message = SIGNATURE.to_vec();
    message.extend(2_u32.to_le_bytes());
    described(&mut message, target.len(), HEAD);
    message.extend(granted.to_le_bytes());
    message.extend(challenge);
    message.extend([0; 8]);
    described(&mut message, info.len(), HEAD + target.len());
    if granted & flags::VERSION == 0 {
        message.extend([0; 8]);
    } else {
        let (major, minor, build) = windows.release.version();
        message.extend([major, minor]);
        message.extend(build.to_le_bytes());
        // The revision of NTLMSSP.
        message.extend([0, 0, 0, 15]);
    }
    message.extend(target);
    message.extend(info);
    (message, granted)
}

fn pair(info: &mut Vec<u8>, kind: u16, value: &[u8]) {
    info.extend(kind.to_le_bytes());
    info.extend(u16::try_from(value.len()).unwrap_or(0).to_le_bytes());
    info.extend(value);
}

fn described(message: &mut Vec<u8>, length: usize, offset: usize) {
    let length = u16::try_from(length).unwrap_or(0).to_le_bytes();
    message.extend(length);
    message.extend(length);
    message.extend(u32::try_from(offset).unwrap_or(0).to_le_bytes());
}

/// The third message: who it is, and the answer to the challenge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Authenticate {
    pub(crate) flags: u32,
    pub(crate) lm: Vec<u8>,
    pub(crate) nt: Vec<u8>,
    pub(crate) domain: String,
    pub(crate) user: String,
    pub(crate) workstation: String,
    pub(crate) session_key: Vec<u8>,
    pub(crate) version: Option<Version>,
}

impl Authenticate {
    /// `granted` are the options of our challenge, for clients of before 2000 that repeat none.
    pub(crate) fn read(bytes: &[u8], granted: u32) -> Option<Self> {
        kind(bytes).filter(|kind| *kind == 3)?;
        let flags = word(bytes, 60).unwrap_or(granted);
        let unicode = flags & flags::UNICODE != 0;
        Some(Self {
            flags,
            lm: field(bytes, 12)?.to_vec(),
            nt: field(bytes, 20)?.to_vec(),
            domain: name(field(bytes, 28)?, unicode),
            user: name(field(bytes, 36)?, unicode),
            workstation: name(field(bytes, 44)?, unicode),
            session_key: field(bytes, 52).unwrap_or_default().to_vec(),
            version: (flags & flags::VERSION != 0).then(|| version(bytes, 64)).flatten(),
        })
    }
}
