//! TPKT and X.224 (RFC 1006, [MS-RDPBCGR] 2.2.1), and as much of T.125 as a client says before his password.

use crate::windows::from_utf16;

/// Bytes of a TPKT's head, and of a message at most: a client's longest before a session has some 1,500.
pub(super) const HEAD: usize = 4;
const LONGEST: usize = 16 * 1024;
/// Characters of a text that is taken.
const LONGEST_TEXT: usize = 256;

/// Protocols of security (2.2.1.1.1).
pub(super) const TLS: u32 = 1;
pub(super) const HYBRID: u32 = 2;
pub(super) const HYBRID_EXTENDED: u32 = 8;

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    More,
    /// A TPKT without its head, or a whole TSRequest.
    Message(Vec<u8>),
    /// Input of the fast path: the bits of its head, how many events, and what follows.
    Fast(u8, u8, Vec<u8>),
    Foreign,
}

/// What may come beside TPKTs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beside {
    Nothing,
    /// Structures in DER, of CredSSP.
    Sequences,
    /// Input of the fast path (2.2.8.1.2).
    Input,
}

/// Cuts messages.
#[derive(Default)]
pub(super) struct Reader {
    held: Vec<u8>,
}

impl Reader {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// The next message.
    pub(super) fn next(&mut self, beside: Beside) -> Incoming {
        let (skip, length) = match self.held.as_slice() {
            [] => return Incoming::More,
            [0x30, ..] if beside == Beside::Sequences => match der_length(&self.held) {
                Some(Some(length)) => (0, length),
                Some(None) => return Incoming::More,
                None => return Incoming::Foreign,
            },
            [3, _, high, low, ..] => (HEAD, usize::from(u16::from_be_bytes([*high, *low]))),
            [3, ..] => return Incoming::More,
            [first, ..] if beside == Beside::Input && first & 3 == 0 => return self.fast(),
            _ => return Incoming::Foreign,
        };
        if !(skip + 2..=LONGEST).contains(&length) {
            return Incoming::Foreign;
        }
        if self.held.len() < length {
            return Incoming::More;
        }
        Incoming::Message(self.held.drain(..length).skip(skip).collect())
    }

    fn fast(&mut self) -> Incoming {
        let (first, skip, length) = match *self.held.as_slice() {
            [first, high, low, ..] if high & 0x80 != 0 => {
                (first, 3, usize::from(u16::from_be_bytes([high & 0x7f, low])))
            }
            [first, length, ..] if length & 0x80 == 0 => (first, 2, usize::from(length)),
            _ => return Incoming::More,
        };
        if !(skip + 1..=LONGEST).contains(&length) {
            return Incoming::Foreign;
        }
        if self.held.len() < length {
            return Incoming::More;
        }
        let content = self.held.drain(..length).skip(skip).collect();
        Incoming::Fast(first >> 6, first >> 2 & 0x0f, content)
    }

    /// How many of these bytes belong to the message that was begun: what comes after may be TLS.
    pub(super) fn wanted(&self, bytes: &[u8]) -> usize {
        let head: Vec<u8> = self.held.iter().chain(bytes).copied().take(HEAD).collect();
        let [3, _, high, low] = head[..] else { return bytes.len() };
        let length = usize::from(u16::from_be_bytes([high, low])).max(HEAD);
        length.saturating_sub(self.held.len()).clamp(1, bytes.len().max(1)).min(bytes.len())
    }

    pub(super) fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }

    pub(super) fn memory(&self) -> usize {
        self.held.capacity()
    }
}

/// How long a structure in DER is, its head included; `None` within where more is needed.
fn der_length(bytes: &[u8]) -> Option<Option<usize>> {
    let Some(first) = bytes.get(1).copied() else { return Some(None) };
    if first < 0x80 {
        return Some(Some(2 + usize::from(first)));
    }
    let count = usize::from(first & 0x7f);
    if !(1..=3).contains(&count) {
        return None;
    }
    let Some(digits) = bytes.get(2..2 + count) else { return Some(None) };
    let length = digits.iter().fold(0_usize, |length, digit| length << 8 | usize::from(*digit));
    Some(Some(2 + count + length))
}

/// A connection request (2.2.1.1).
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    /// The name after `mstshash=`, or a routing token.
    pub(super) cookie: Option<String>,
    /// Protocols that the client takes, where he says any.
    pub(super) protocols: Option<u32>,
}

impl Request {
    pub(super) fn read(message: &[u8]) -> Option<Self> {
        // Length, CR, two references, a class.
        let [_, code, _, _, _, _, _, rest @ ..] = message else { return None };
        if code & 0xf0 != 0xe0 {
            return None;
        }
        let line = rest.windows(2).position(|pair| pair == b"\r\n");
        let (cookie, rest) = match line {
            Some(end) => (Some(&rest[..end]), &rest[end + 2..]),
            None => (None, rest),
        };
        let cookie = cookie.map(|cookie| {
            let text =
                String::from_utf8_lossy(&cookie[..cookie.len().min(LONGEST_TEXT)]).into_owned();
            text.strip_prefix("Cookie: mstshash=").map_or(text.clone(), str::to_owned)
        });
        let protocols = match rest {
            [1, _, 8, 0, a, b, c, d, ..] => Some(u32::from_le_bytes([*a, *b, *c, *d])),
            _ => None,
        };
        Some(Self { cookie, protocols })
    }
}

/// A TPKT around this.
pub(super) fn tpkt(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + HEAD).unwrap_or(u16::MAX);
    [&[3, 0], &length.to_be_bytes()[..], content].concat()
}

/// The confirmation for a client that said nothing of protocols.
pub(super) fn confirm_old() -> Vec<u8> {
    tpkt(&[6, 0xd0, 0, 0, 0x12, 0x34, 0])
}

/// The confirmation of a connection, with the protocol that was chosen or why none was.
pub(super) fn confirm(answer: Result<u32, u32>) -> Vec<u8> {
    let (kind, flags, number) = match answer {
        // Extended client data and dynamic graphics are supported, restricted admin mode too.
        Ok(protocol) => (2, 0x1f, protocol),
        Err(reason) => (3, 0, reason),
    };
    let mut content = vec![14, 0xd0, 0, 0, 0x12, 0x34, 0, kind, flags, 8, 0];
    content.extend(number.to_le_bytes());
    tpkt(&content)
}

/// Data of X.224 around this.
pub(super) fn data(content: &[u8]) -> Vec<u8> {
    tpkt(&[&[2, 0xf0, 0x80], content].concat())
}

/// What a client says of himself in MCS Connect Initial (2.2.1.3).
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) name: String,
    pub(super) build: u32,
    pub(super) keyboard: u32,
    pub(super) width: u16,
    pub(super) height: u16,
    pub(super) channels: Vec<String>,
    /// Methods of RDP's own security that he has.
    pub(super) encryption: u32,
}

impl Client {
    pub(super) fn read(message: &[u8]) -> Option<Self> {
        // The client's blocks stand behind the key of Microsoft's own data.
        let at = message.windows(4).position(|four| four == b"Duca")?;
        let rest = &message[at + 4..];
        let skip = if rest.first()? & 0x80 != 0 { 2 } else { 1 };
        let mut blocks = rest.get(skip..)?;
        let mut client = Self::default();
        while let [kind, high, low, upper, ..] = *blocks {
            let length = usize::from(u16::from_le_bytes([low, upper]));
            let Some(block) = blocks.get(4..length).filter(|_| length > 4) else { break };
            let word = |at: usize| {
                block
                    .get(at..at + 4)
                    .and_then(|four| four.first_chunk())
                    .map(|four| u32::from_le_bytes(*four))
            };
            let half = |at: usize| {
                block
                    .get(at..at + 2)
                    .and_then(|two| two.first_chunk())
                    .map(|two| u16::from_le_bytes(*two))
            };
            match (high, kind) {
                (0xc0, 1) => {
                    client.width = half(4).unwrap_or(0);
                    client.height = half(6).unwrap_or(0);
                    client.keyboard = word(12).unwrap_or(0);
                    client.build = word(16).unwrap_or(0);
                    let name = from_utf16(block.get(20..52).unwrap_or_default());
                    client.name = name.split('\0').next().unwrap_or_default().to_owned();
                }
                (0xc0, 2) => client.encryption = word(0).unwrap_or(0),
                (0xc0, 3) => {
                    let names = block.get(4..).unwrap_or_default().chunks_exact(12).take(30);
                    client.channels = names
                        .map(|name| {
                            let end = name[..8].iter().position(|byte| *byte == 0).unwrap_or(8);
                            String::from_utf8_lossy(&name[..end]).into_owned()
                        })
                        .collect();
                }
                _ => {}
            }
            blocks = &blocks[length..];
        }
        Some(client)
    }
}

fn ber(tag: &[u8], content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = match length {
        0..=0x7f => vec![u8::try_from(length).unwrap_or(0)],
        _ => [&[0x82], &u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes()[..]].concat(),
    };
    [tag, &head, content].concat()
}

/// MCS Connect Response (2.2.1.4): the server's version, its own security where that is chosen, and a number for each channel.
pub(super) fn connect_response(
    channels: usize,
    protocols: u32,
    security: Option<&[u8]>,
) -> Vec<u8> {
    let mut core = vec![0x01, 0x0c, 16, 0, 0x04, 0x00, 0x08, 0x00];
    core.extend(protocols.to_le_bytes());
    core.extend(0_u32.to_le_bytes());
    let security_data = security.unwrap_or(&[0; 8]);
    let length = u16::try_from(security_data.len() + 4).unwrap_or(0);
    let security = [&[0x02, 0x0c], &length.to_le_bytes()[..], security_data].concat();
    let mut network = vec![0x03, 0x0c];
    let length = 8 + 2 * (channels + channels % 2);
    network.extend(u16::try_from(length).unwrap_or(8).to_le_bytes());
    network.extend(CHANNEL.to_le_bytes());
    network.extend(u16::try_from(channels).unwrap_or(0).to_le_bytes());
    for number in 0..channels {
        network.extend((CHANNEL + 1 + u16::try_from(number).unwrap_or(0)).to_le_bytes());
    }
    network.resize(length, 0);
    let blocks = [&core[..], &security, &network].concat();
    // Conference Create Response in PER (T.124), as the server writes it.
    let inner = u16::try_from(blocks.len()).unwrap_or(0) | 0x8000;
    let whole = u16::try_from(blocks.len() + 14).unwrap_or(0) | 0x8000;
    let mut conference = vec![0x00, 0x05, 0x00, 0x14, 0x7c, 0x00, 0x01];
    conference.extend(whole.to_be_bytes());
    conference.extend([0x14, 0x76, 0x0a, 0x01, 0x01, 0x00, 0x01, 0xc0, 0x00]);
    conference.extend(b"McDn");
    conference.extend(inner.to_be_bytes());
    conference.extend(blocks);
    let number = |value: &[u8]| ber(&[0x02], value);
    let parameters = [
        number(&[34]),
        number(&[3]),
        number(&[0]),
        number(&[1]),
        number(&[0]),
        number(&[1]),
        number(&[0xff, 0xf8]),
        number(&[2]),
    ]
    .concat();
    let content =
        [ber(&[0x0a], &[0]), number(&[0]), ber(&[0x30], &parameters), ber(&[0x04], &conference)]
            .concat();
    data(&ber(&[0x7f, 0x66], &content))
}

/// The server's own number, the channel for input and output, and the client's number.
pub(super) const SERVER: u16 = 1_002;
pub(super) const CHANNEL: u16 = 1_003;
pub(super) const USER: u16 = 1_007;

/// Requests of T.125 after the connection (its choice in six bits).
pub(super) const ERECT_DOMAIN: u8 = 1;
pub(super) const DISCONNECT: u8 = 8;
pub(super) const ATTACH_USER: u8 = 10;
pub(super) const JOIN: u8 = 14;
pub(super) const SEND_DATA: u8 = 25;

pub(super) fn attach_confirm() -> Vec<u8> {
    data(&[&[0x2e, 0x00], &(USER - 1_001).to_be_bytes()[..]].concat())
}

pub(super) fn join_confirm(channel: u16) -> Vec<u8> {
    let numbers =
        [(USER - 1_001).to_be_bytes(), channel.to_be_bytes(), channel.to_be_bytes()].concat();
    data(&[&[0x3e, 0x00], &numbers[..]].concat())
}

/// What a client sent, and by which channel: behind initiator, channel, priority and length.
pub(super) fn sent(message: &[u8]) -> Option<(u16, &[u8])> {
    let channel = u16::from_be_bytes(*message.get(3..)?.first_chunk()?);
    let rest = message.get(6..)?;
    let skip = if rest.first()? & 0x80 != 0 { 2 } else { 1 };
    Some((channel, rest.get(skip..)?))
}

/// What the server sends by the channel for input and output.
pub(super) fn indication(content: &[u8]) -> Vec<u8> {
    let mut head = vec![0x68];
    head.extend((SERVER - 1_001).to_be_bytes());
    head.extend(CHANNEL.to_be_bytes());
    head.push(0x70);
    head.extend((u16::try_from(content.len()).unwrap_or(0) | 0x8000).to_be_bytes());
    data(&[&head[..], content].concat())
}

/// The server ends it (T.125, 11.15), by the provider's will.
pub(super) fn disconnect() -> Vec<u8> {
    data(&[0x21, 0x80])
}

/// The parts of a Client Info PDU (2.2.1.11) that say who he is.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Info {
    pub(super) domain: String,
    pub(super) user: String,
    pub(super) password: String,
    pub(super) shell: String,
    pub(super) address: String,
}

impl Info {
    /// From what stands behind the security header.
    pub(super) fn read(info: &[u8]) -> Option<Self> {
        let word = |at: usize| {
            info.get(at..at + 2)
                .and_then(|two| two.first_chunk())
                .map(|two| usize::from(u16::from_le_bytes(*two)))
        };
        let wide = info.get(4)? & 0x10 != 0;
        let end = if wide { 2 } else { 1 };
        let mut at = 18;
        let mut texts = Vec::new();
        for place in 0..5 {
            let length = word(8 + 2 * place)?;
            let bytes = info.get(at..at + length)?;
            let bytes = &bytes[..bytes.len().min(2 * LONGEST_TEXT)];
            texts.push(if wide {
                from_utf16(bytes)
            } else {
                String::from_utf8_lossy(bytes).into_owned()
            });
            at += length + end;
        }
        // Extended info: the client's own address.
        let address = word(at + 2)
            .and_then(|length| info.get(at + 4..at + 4 + length))
            .map(from_utf16)
            .unwrap_or_default();
        let address = address.split('\0').next().unwrap_or_default().to_owned();
        let mut texts = texts.into_iter();
        let mut next = || texts.next().unwrap_or_default();
        Some(Self { domain: next(), user: next(), password: next(), shell: next(), address })
    }
}

/// Part of [`crate::fuzz::rdp_wire`].
pub(super) fn fuzz(message: &[u8]) {
    let _ = (Request::read(message), Client::read(message), Info::read(message));
    let _ = (sent(message), super::share::read(message));
}
