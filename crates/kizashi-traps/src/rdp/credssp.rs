//! CredSSP's TSRequest ([MS-CSSP], 2.2.1): a version, tokens of SPNEGO or NTLM, and what else this server never comes to.

/// Bytes of a token that is taken.
const LONGEST: usize = 8 * 1024;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) version: u8,
    pub(super) token: Vec<u8>,
}

/// A value's tag, content, and what stands behind it.
fn value(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [tag, first, rest @ ..] = bytes else { return None };
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, behind) = rest.split_at_checked(length)?;
    Some((*tag, content, behind))
}

fn written(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = match length {
        0..=0x7f => vec![u8::try_from(length).unwrap_or(0)],
        _ => [&[0x82], &u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes()[..]].concat(),
    };
    [&[tag], &head[..], content].concat()
}

impl Request {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (0x30, mut fields, _) = value(bytes)? else { return None };
        let mut request = Self::default();
        while !fields.is_empty() {
            let (tag, content, behind) = value(fields)?;
            fields = behind;
            match tag {
                0xa0 => request.version = value(content)?.1.last().copied()?,
                0xa1 => {
                    // A sequence of sequences with one token each.
                    let (_, list, _) = value(content)?;
                    let (_, item, _) = value(list)?;
                    let (_, token, _) = value(item)?;
                    let (_, token, _) = value(token)?;
                    request.token = token.get(..token.len().min(LONGEST))?.to_vec();
                }
                _ => {}
            }
        }
        Some(request)
    }
}

/// The server's side: a token.
pub(super) fn reply(version: u8, token: &[u8]) -> Vec<u8> {
    let token = written(0xa0, &written(0x04, token));
    let tokens = written(0x30, &written(0x30, &token));
    let content = [written(0xa0, &written(0x02, &[version])), written(0xa1, &tokens)].concat();
    written(0x30, &content)
}

/// The server's side: the logon failed (STATUS_LOGON_FAILURE), which is told since version 3.
pub(super) fn refusal(version: u8) -> Vec<u8> {
    let code = written(0xa4, &written(0x02, &0xc000_006d_u32.to_be_bytes()));
    written(0x30, &[written(0xa0, &written(0x02, &[version])), code].concat())
}
