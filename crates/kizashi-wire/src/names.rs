//! Questions to a name server and its answers (RFC 1035, 3596), as far as it takes to ask for the name of an address and, since anybody may
//! give his address any name, whether that name leads back to it. Bytes to bytes, no socket. An answer is a stranger's: lengths, pointers
//! and counts are bounded, names come as [`HostileText`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use kizashi_event::HostileText;

/// Bytes of a name at most (RFC 1035, 2.3.4).
const LONGEST_NAME: usize = 255;
/// Pointers followed in one name.
const MOST_POINTERS: usize = 16;
/// Records read of one answer.
const MOST_RECORDS: u16 = 64;
/// Aliases followed from the name that was asked for.
const MOST_ALIASES: usize = 4;
/// Names and addresses kept of one answer.
const MOST_FOUND: usize = 16;
const CLASS_INTERNET: u16 = 1;
/// The bits of a header: an answer, cut short, and the code of a failure.
const IS_ANSWER: u16 = 0x8000;
const IS_CUT: u16 = 0x0200;
const FAILURE: u16 = 0x000f;
/// The name asked for does not exist.
const NO_SUCH_NAME: u16 = 3;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// IPv4 addresses.
    Four,
    /// IPv6 addresses.
    Six,
    /// Names.
    Names,
}

impl Asked {
    const fn code(self) -> u16 {
        match self {
            Self::Four => 1,
            Self::Names => 12,
            Self::Six => 28,
        }
    }
}

const ALIAS: u16 = 5;

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Its number, which the answer repeats; one that nobody can guess.
    pub id: u16,
    /// The name asked about.
    pub name: String,
    /// What of it.
    pub asked: Asked,
}

/// What an answer holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    /// Names, as somebody wrote them: show them escaped.
    pub names: Vec<HostileText>,
    /// Addresses.
    pub addresses: Vec<IpAddr>,
}

/// Why an answer says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// It is no answer to this question.
    #[error("an answer to another question came")]
    Another,
    /// It does not fit a datagram.
    #[error("the answer is too long")]
    Cut,
    /// The name server could not answer.
    #[error("the name server failed (code {0})")]
    Failed(u16),
    /// It is no message of this protocol.
    #[error("the answer cannot be read")]
    Broken,
}

/// The name under which the name of an address is kept (RFC 1035, 3.5; RFC 3596, 2.5).
#[must_use]
pub fn reverse(address: IpAddr) -> String {
    match address {
        IpAddr::V4(four) => {
            let [a, b, c, d] = four.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(six) => {
            let digits = format!("{:032x}", six.to_bits());
            let mut name: String = digits.chars().rev().flat_map(|digit| [digit, '.']).collect();
            name.push_str("ip6.arpa");
            name
        }
    }
}

impl Question {
    /// The bytes to send; `None` where the name cannot be asked about.
    #[must_use]
    pub fn encoded(&self) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend(self.id.to_be_bytes());
        // One question, and the server may ask others for us.
        bytes.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        let begin = bytes.len();
        for label in self.name.trim_end_matches('.').split('.') {
            let length =
                u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length))?;
            bytes.push(length);
            bytes.extend(label.as_bytes());
        }
        bytes.push(0);
        if bytes.len() - begin > LONGEST_NAME {
            return None;
        }
        bytes.extend(self.asked.code().to_be_bytes());
        bytes.extend(CLASS_INTERNET.to_be_bytes());
        Some(bytes)
    }

    /// Reads an answer to this question.
    ///
    /// # Errors
    /// Why it says nothing.
    pub fn read(&self, bytes: &[u8]) -> Result<Answered, Unanswered> {
        let word = |at: usize| word(bytes, at).ok_or(Unanswered::Broken);
        let (id, flags, questions, records) = (word(0)?, word(2)?, word(4)?, word(6)?);
        if id != self.id || flags & IS_ANSWER == 0 || questions != 1 {
            return Err(Unanswered::Another);
        }
        let (name, mut at) = name(bytes, 12).ok_or(Unanswered::Broken)?;
        let same = name.eq_ignore_ascii_case(self.name.trim_end_matches('.').as_bytes());
        if !same || word(at)? != self.asked.code() || word(at + 2)? != CLASS_INTERNET {
            return Err(Unanswered::Another);
        }
        at += 4;
        match flags & FAILURE {
            0 => {}
            NO_SUCH_NAME => return Ok(Answered::default()),
            code => return Err(Unanswered::Failed(code)),
        }
        if flags & IS_CUT != 0 {
            return Err(Unanswered::Cut);
        }
        self.records(bytes, at, records.min(MOST_RECORDS)).ok_or(Unanswered::Broken)
    }

    /// Records of the name asked for, and of those that it is an alias of; others of the same message are nobody's word.
    fn records(&self, bytes: &[u8], mut at: usize, records: u16) -> Option<Answered> {
        let mut found = Answered::default();
        let mut owner = self.name.trim_end_matches('.').as_bytes().to_vec();
        let mut aliases = 0;
        for _ in 0..records {
            let (of, behind) = name(bytes, at)?;
            let (kind, class) = (word(bytes, behind)?, word(bytes, behind + 2)?);
            let length = usize::from(word(bytes, behind + 8)?);
            let data = behind + 10;
            let content = bytes.get(data..data.checked_add(length)?)?;
            at = data + length;
            if class != CLASS_INTERNET || !of.eq_ignore_ascii_case(&owner) {
                continue;
            }
            if kind == ALIAS {
                aliases += 1;
                if aliases > MOST_ALIASES {
                    return None;
                }
                owner = name(bytes, data)?.0;
            } else if kind == self.asked.code() {
                if found.names.len() + found.addresses.len() >= MOST_FOUND {
                    break;
                }
                match self.asked {
                    Asked::Names => {
                        found.names.push(HostileText::from_bytes(&name(bytes, data)?.0));
                    }
                    Asked::Four => {
                        let octets: [u8; 4] = content.try_into().ok()?;
                        found.addresses.push(Ipv4Addr::from(octets).into());
                    }
                    Asked::Six => {
                        let octets: [u8; 16] = content.try_into().ok()?;
                        found.addresses.push(Ipv6Addr::from(octets).into());
                    }
                }
            }
        }
        Some(found)
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes([*pair.first()?, *pair.get(1)?]))
}

/// A name as labels with dots between, and where what follows it begins. A pointer leads backward only, so none leads in a circle.
fn name(bytes: &[u8], begin: usize) -> Option<(Vec<u8>, usize)> {
    let (mut text, mut at, mut behind) = (Vec::new(), begin, None);
    let (mut pointers, mut earliest) = (0, begin);
    loop {
        let length = *bytes.get(at)?;
        match length >> 6 {
            0 if length == 0 => return Some((text, behind.unwrap_or(at + 1))),
            0 => {
                let label = bytes.get(at + 1..at + 1 + usize::from(length))?;
                if !text.is_empty() {
                    text.push(b'.');
                }
                text.extend_from_slice(label);
                if text.len() > LONGEST_NAME {
                    return None;
                }
                at += 1 + usize::from(length);
            }
            3 => {
                let to = usize::from(word(bytes, at)? & 0x3fff);
                pointers += 1;
                if to >= earliest || pointers > MOST_POINTERS {
                    return None;
                }
                behind = behind.or(Some(at + 2));
                (at, earliest) = (to, to);
            }
            _ => return None,
        }
    }
}

/// Reads anything as the answer to a question, for the fuzzer.
pub fn fuzz(bytes: &[u8]) {
    for asked in [Asked::Four, Asked::Six, Asked::Names] {
        let id = word(bytes, 0).unwrap_or_default();
        let asked_about = name(bytes, 12).map(|(name, _)| name).unwrap_or_default();
        let name = String::from_utf8_lossy(&asked_about).into_owned();
        let question = Question { id, name, asked };
        let _ = question.encoded();
        if let Ok(answered) = question.read(bytes) {
            assert!(answered.names.len() + answered.addresses.len() <= MOST_FOUND);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn question() -> Question {
        let address = "192.0.2.7".parse().unwrap();
        Question { id: 0x1234, name: reverse(address), asked: Asked::Names }
    }

    /// The question turned into an answer with these records, each of the name asked for.
    fn answer(of: &Question, records: &[(u16, &[u8])]) -> Vec<u8> {
        let mut bytes = of.encoded().unwrap();
        bytes[2] = 0x81;
        bytes[3] = 0x80;
        bytes[7] = u8::try_from(records.len()).unwrap();
        for (kind, data) in records {
            bytes.extend([0xc0, 12]);
            bytes.extend(kind.to_be_bytes());
            bytes.extend([0, 1, 0, 0, 0, 60]);
            bytes.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
            bytes.extend(*data);
        }
        bytes
    }

    const HOST: &[u8] = b"\x04scan\x07example\x03org\0";

    #[test]
    fn the_name_of_an_address_is_asked_for_where_it_is_kept() {
        assert_eq!(reverse("192.0.2.7".parse().unwrap()), "7.2.0.192.in-addr.arpa");
        let six = reverse("2001:db8::1".parse().unwrap());
        assert!(six.starts_with("1.0.0.0.") && six.ends_with("8.b.d.0.1.0.0.2.ip6.arpa"), "{six}");
        assert_eq!(question().encoded().unwrap().len(), 12 + 24 + 4);
    }

    #[test]
    fn names_and_addresses_are_read_and_other_records_passed_over() {
        let found = question().read(&answer(&question(), &[(16, b"\x01x"), (12, HOST)])).unwrap();
        assert_eq!(found.names, [HostileText::from("scan.example.org")]);
        let four = Question { id: 7, name: "scan.example.org".to_owned(), asked: Asked::Four };
        let found = four.read(&answer(&four, &[(1, &[192, 0, 2, 7])])).unwrap();
        assert_eq!(found.addresses, ["192.0.2.7".parse::<IpAddr>().unwrap()]);
    }

    #[test]
    fn what_answers_another_question_is_not_believed() {
        let right = answer(&question(), &[(12, HOST)]);
        for (at, value) in [(0, 0), (2, 0x01), (5, 0), (13, b'8')] {
            let mut wrong = right.clone();
            wrong[at] = value;
            assert_eq!(question().read(&wrong), Err(Unanswered::Another), "byte {at}");
        }
        let mut cut = right.clone();
        cut[2] |= 0x02;
        assert_eq!(question().read(&cut), Err(Unanswered::Cut));
        let mut absent = right.clone();
        absent[3] |= 3;
        assert_eq!(question().read(&absent), Ok(Answered::default()));
        let mut failed = right;
        failed[3] |= 2;
        assert_eq!(question().read(&failed), Err(Unanswered::Failed(2)));
    }

    #[test]
    fn pointers_in_a_circle_and_lengths_that_lie_are_refused() {
        let circle = answer(&question(), &[(12, &[0xc0, 52])]);
        assert_eq!(question().read(&circle), Err(Unanswered::Broken));
        let right = answer(&question(), &[(12, HOST)]);
        for length in 12..right.len() {
            assert!(question().read(&right[..length]).is_err(), "cut at {length}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            fuzz(&bytes);
        }
    }
}
