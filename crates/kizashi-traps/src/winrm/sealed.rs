//! Messages sealed by NTLM's keys ([MS-WSMV], 2.2.9.1.1.2.2): how a client speaks over HTTP without TLS unless he is told otherwise. Two MIME parts,
//! of which the second is a signature's length, the signature and what was sealed.

const BOUNDARY: &[u8] = b"--Encrypted Boundary";
const STREAM: &[u8] = b"Content-Type: application/octet-stream\r\n";

/// Bytes of a signature that are taken.
const LONGEST_SIGNATURE: usize = 64;

/// Signature and sealed content of a message.
pub(super) fn opened(body: &[u8]) -> Option<(&[u8], &[u8])> {
    if !body.starts_with(BOUNDARY) {
        return None;
    }
    let begin = body.windows(STREAM.len()).position(|part| part == STREAM)? + STREAM.len();
    let rest = body.get(begin..)?;
    let end = rest.windows(BOUNDARY.len()).rposition(|part| part == BOUNDARY)?;
    let content = rest.get(..end)?;
    let length = usize::try_from(u32::from_le_bytes(*content.first_chunk()?)).ok()?;
    let (signature, content) = content.get(4..)?.split_at_checked(length)?;
    (length <= LONGEST_SIGNATURE).then_some((signature, content))
}

/// A sealed message in its parts.
pub(super) fn in_parts(signature: &[u8], content: &[u8]) -> Vec<u8> {
    // What is sealed is as long as before.
    let head = format!(
        "--Encrypted Boundary\r\n\tContent-Type: application/HTTP-SPNEGO-session-encrypted\r\n\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length={}\r\n--Encrypted Boundary\r\n\tContent-Type: application/octet-stream\r\n",
        content.len()
    );
    let length = u32::try_from(signature.len()).unwrap_or(0).to_le_bytes();
    [head.as_bytes(), &length, signature, content, BOUNDARY, b"--\r\n"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_as_they_are_written_whatever_is_sealed() {
        let sealed = b"--Encrypted Boundary\r\n\tContent-Type: application/octet-stream\r\n";
        assert_eq!(opened(&in_parts(&[1; 16], sealed)), Some((&[1; 16][..], &sealed[..])));
    }

    #[test]
    fn a_signature_that_is_longer_than_its_message_is_none() {
        let mut body = in_parts(&[1; 16], b"abc");
        let place = body.windows(STREAM.len()).position(|part| part == STREAM).unwrap();
        body[place + STREAM.len()] = 255;
        assert_eq!(opened(&body), None);
    }
}
