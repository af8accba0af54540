//! Heartbeats (RFC 6520), which no server here has agreed to. They are sent by whoever looks for CVE-2014-0160 ("Heartbleed"), which
//! asks for more than it sends. A patched OpenSSL without heartbeats answers as to any record that it does not know.

/// What a heartbeat asks for, in words.
pub(super) fn describe(content: &[u8]) -> String {
    const REQUEST: u8 = 1;
    let [kind, high, low, sent @ ..] = content else { return "no whole heartbeat".to_owned() };
    let asked = u16::from_be_bytes([*high, *low]);
    if *kind == REQUEST && usize::from(asked) > sent.len() {
        return format!("CVE-2014-0160: asks for {asked} bytes and sends {}", sent.len());
    }
    format!("asks for {asked} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asking_for_more_than_was_sent_is_called_by_its_name() {
        assert!(describe(&[1, 0x40, 0]).starts_with("CVE-2014-0160: asks for 16384 bytes"));
        assert_eq!(describe(&[1, 0, 1, 9]), "asks for 1 bytes");
        assert_eq!(describe(&[1]), "no whole heartbeat");
    }
}
