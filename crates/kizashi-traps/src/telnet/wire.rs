//! Telnet's bytes (RFC 854, 855): data, commands, options and subnegotiations, cut anywhere. Pure, one byte at a time; what a
//! subnegotiation holds past [`SUB`] bytes is dropped, so that nothing a visitor sends makes the parser grow.

pub(super) const IAC: u8 = 255;
pub(super) const DONT: u8 = 254;
pub(super) const DO: u8 = 253;
pub(super) const WONT: u8 = 252;
pub(super) const WILL: u8 = 251;
pub(super) const SB: u8 = 250;
pub(super) const SE: u8 = 240;
/// "Are you there" (RFC 854).
pub(super) const AYT: u8 = 246;
/// Interrupt process.
pub(super) const IP: u8 = 244;

/// Bytes of a subnegotiation kept.
pub(super) const SUB: usize = 512;

/// What the bytes said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A byte of data.
    Data(u8),
    /// A command of two bytes.
    Command(u8),
    /// WILL, WONT, DO or DONT, with its option.
    Option(u8, u8),
    /// The content of a subnegotiation, IACs undoubled; the option is its first byte.
    Sub(Vec<u8>),
}

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Data,
    Iac,
    Verb(u8),
    Sub,
    SubIac,
}

/// Where in the stream it stands.
#[derive(Default)]
pub(super) struct Parser {
    state: State,
    sub: Vec<u8>,
}

impl Parser {
    pub(super) fn feed(&mut self, byte: u8) -> Option<Token> {
        let (state, token) = match (self.state, byte) {
            (State::Data, IAC) => (State::Iac, None),
            (State::Data, byte) | (State::Iac, byte @ IAC) => {
                (State::Data, Some(Token::Data(byte)))
            }
            (State::Iac, WILL..=DONT) => (State::Verb(byte), None),
            (State::Iac, SB) => {
                self.sub = Vec::new();
                (State::Sub, None)
            }
            (State::Iac, command) => (State::Data, Some(Token::Command(command))),
            (State::Verb(verb), option) => (State::Data, Some(Token::Option(verb, option))),
            (State::Sub, IAC) => (State::SubIac, None),
            (State::Sub, byte) | (State::SubIac, byte @ IAC) => {
                self.keep(byte);
                (State::Sub, None)
            }
            // Whatever follows an IAC but SE ends it too: netkit's and inetutils' servers do the same.
            (State::SubIac, _) => (State::Data, Some(Token::Sub(std::mem::take(&mut self.sub)))),
        };
        self.state = state;
        token
    }

    fn keep(&mut self, byte: u8) {
        if self.sub.len() < SUB {
            self.sub.push(byte);
        }
    }

    pub(super) fn memory(&self) -> usize {
        self.sub.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tokens(bytes: &[u8]) -> Vec<Token> {
        let mut parser = Parser::default();
        bytes.iter().filter_map(|byte| parser.feed(*byte)).collect()
    }

    #[test]
    fn options_subnegotiations_and_doubled_iacs_are_told_apart_from_data() {
        let bytes = b"a\xff\xfd\x1f\xff\xffb\xff\xfa\x1f\0\xff\xff\0\x18\xff\xf0\xff\xf1c";
        let expected = [
            Token::Data(b'a'),
            Token::Option(DO, 31),
            Token::Data(255),
            Token::Data(b'b'),
            Token::Sub(vec![31, 0, 255, 0, 24]),
            Token::Command(241),
            Token::Data(b'c'),
        ];
        assert_eq!(tokens(bytes), expected);
    }

    #[test]
    fn an_endless_subnegotiation_is_cut_at_its_bound() {
        let mut bytes = vec![IAC, SB];
        bytes.extend(std::iter::repeat_n(b'x', 1_000_000));
        bytes.extend([IAC, SE]);
        assert_eq!(tokens(&bytes), [Token::Sub(vec![b'x'; SUB])]);
    }

    proptest! {
        #[test]
        fn data_with_doubled_iacs_comes_through_whole(data in prop::collection::vec(any::<u8>(), 0..300)) {
            let sent: Vec<u8> =
                data.iter().flat_map(|byte| std::iter::repeat_n(*byte, if *byte == IAC { 2 } else { 1 })).collect();
            let expected: Vec<Token> = data.iter().copied().map(Token::Data).collect();
            prop_assert_eq!(tokens(&sent), expected);
        }

        #[test]
        fn no_bytes_make_it_grow(data in prop::collection::vec(prop_oneof![Just(IAC), Just(SB), any::<u8>()], 0..2000)) {
            let mut parser = Parser::default();
            for byte in data {
                let _ = parser.feed(byte);
                prop_assert!(parser.memory() <= SUB);
            }
        }
    }
}
