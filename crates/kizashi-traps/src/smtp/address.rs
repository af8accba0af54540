//! What stands behind `MAIL FROM:` and `RCPT TO:`: an address, in angle brackets or bare, and options (RFC 5321, 4.1.2; Postfix also takes
//! blanks before the address).

/// An address with its options.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Path {
    /// Without brackets and quotes, as Postfix holds it.
    pub(super) address: Vec<u8>,
    pub(super) options: Vec<Vec<u8>>,
}

/// Why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The word before it is missing, or it is.
    Syntax,
    /// It is no address.
    Address,
}

impl Path {
    /// Reads what follows the verb, `word` being `FROM:` or `TO:`.
    pub(super) fn read(rest: &[u8], word: &[u8]) -> Result<Self, Fault> {
        let (head, rest) = rest.split_at_checked(word.len()).ok_or(Fault::Syntax)?;
        if !head.eq_ignore_ascii_case(word) {
            return Err(Fault::Syntax);
        }
        let rest = rest.trim_ascii();
        let (address, rest) = match rest.split_first() {
            None => return Err(Fault::Syntax),
            Some((b'<', rest)) => {
                let end = end_of_brackets(rest).ok_or(Fault::Address)?;
                (&rest[..end], &rest[end + 1..])
            }
            Some(_) => {
                let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
                rest.split_at(end)
            }
        };
        let address = unquoted(address).ok_or(Fault::Address)?;
        let words = rest.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        Ok(Self { address, options: words.map(<[u8]>::to_vec).collect() })
    }
}

/// Where the brackets close, outside quotes.
fn end_of_brackets(bytes: &[u8]) -> Option<usize> {
    let mut quoted = false;
    bytes.iter().position(|byte| {
        quoted ^= *byte == b'"';
        *byte == b'>' && !quoted
    })
}

/// An address without its quotes; `None` where a blank or a bracket stands outside them. A route before it (`@a,@b:`) is passed over.
fn unquoted(address: &[u8]) -> Option<Vec<u8>> {
    let route = address.first() == Some(&b'@');
    let colon = address.iter().position(|byte| *byte == b':').filter(|_| route);
    let address = colon.map_or(address, |colon| &address[colon + 1..]);
    let mut quoted = false;
    let mut plain = Vec::with_capacity(address.len());
    for byte in address {
        match byte {
            b'"' => quoted = !quoted,
            b' ' | b'\t' | b'<' | b'>' if !quoted => return None,
            other => plain.push(*other),
        }
    }
    (!quoted).then_some(plain)
}

/// The part before the last `@`, and the domain where there is one.
pub(super) fn parts(address: &[u8]) -> (&[u8], Option<&[u8]>) {
    match address.iter().rposition(|byte| *byte == b'@') {
        Some(at) => (&address[..at], Some(&address[at + 1..])),
        None => (address, None),
    }
}
