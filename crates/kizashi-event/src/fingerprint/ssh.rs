//! The ten name-lists of SSH's KEXINIT (RFC 4253, section 7.1) as one text, which is how an event keeps them: joined by `;`, in their
//! order. What HASSH is made of are four of them; Cowrie logs six, all of the direction from client to server, so that of what was
//! read from its log the other four are empty.

use crate::HostileText;

/// Name-lists of a KEXINIT.
const LISTS: usize = 10;

/// What a client offers in its KEXINIT: each a list of names with commas between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SshOffer<'a> {
    /// Key exchanges, and the marks among them.
    pub exchanges: &'a str,
    /// Host keys.
    pub host_keys: &'a str,
    /// Ciphers from client to server.
    pub ciphers: &'a str,
    /// MACs from client to server.
    pub macs: &'a str,
    /// Compressions from client to server.
    pub compressions: &'a str,
    /// Languages from client to server.
    pub languages: &'a str,
}

impl<'a> SshOffer<'a> {
    /// Reads what [`Self::text`] or a trap wrote; `None` where it is not ten lists: it was cut, or a name holds a `;`.
    #[must_use]
    pub fn parse(text: &'a HostileText) -> Option<Self> {
        let mut lists = [""; LISTS];
        let mut given = text.raw().split(';');
        for list in &mut lists {
            *list = given.next()?;
        }
        let [exchanges, host_keys, ciphers, _, macs, _, compressions, _, languages, _] = lists;
        given.next().is_none().then_some(Self {
            exchanges,
            host_keys,
            ciphers,
            macs,
            compressions,
            languages,
        })
    }

    /// The lists as an event keeps them.
    #[must_use]
    pub fn text(&self) -> HostileText {
        let Self { exchanges, host_keys, ciphers, macs, compressions, languages } = self;
        HostileText::from(
            [exchanges, host_keys, ciphers, "", macs, "", compressions, "", languages, ""]
                .join(";"),
        )
    }

    /// What HASSH is the MD5 of.
    #[must_use]
    pub fn hassh_text(&self) -> String {
        [self.exchanges, self.ciphers, self.macs, self.compressions].join(";")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_written_are_read_again_and_a_cut_text_is_no_lists() {
        let offer = SshOffer {
            exchanges: "curve25519-sha256,ext-info-c",
            host_keys: "ssh-ed25519",
            ciphers: "aes128-ctr",
            macs: "hmac-sha2-256,hmac-sha1",
            compressions: "none",
            languages: "",
        };
        let text = offer.text();
        assert_eq!(SshOffer::parse(&text), Some(offer));
        assert_eq!(
            offer.hassh_text(),
            "curve25519-sha256,ext-info-c;aes128-ctr;hmac-sha2-256,hmac-sha1;none"
        );
        let cut = HostileText::from(text.raw().rsplit_once(';').unwrap().0);
        assert_eq!(SshOffer::parse(&cut), None);
        assert_eq!(SshOffer::parse(&HostileText::from(format!("{};", text.raw()))), None);
        let long = HostileText::from(format!("{}{}", "x".repeat(5_000), text.raw()));
        assert_eq!(SshOffer::parse(&long), None);
    }
}
