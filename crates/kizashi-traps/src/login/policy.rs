//! Which pairs of user and password get in, and after how many tries. The default is a machine with weak passwords: a guesser's
//! list opens it within a few tries, a random word never does, and what was refused once stays refused. The pair that opened
//! it goes on opening it: for this visitor, who has found this user's one password, and for every other, because worms guess
//! from one address and load from another. A public key is refused, as by a machine that has never seen it, until a visitor writes
//! it into an `authorized_keys` of the machine behind the login; from then on it opens that account, as it would. No clock; the memory
//! is bounded and ends with the process.

use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use kizashi_event::{Detail, one_source};

use super::keys;
use super::memory::Memory;
use super::weak::is_weak;
use crate::draw::Draw;

/// Visitors remembered in one generation; two are kept.
const SOURCES: usize = 2_048;
/// Pairs that got in, remembered in one generation.
const PAIRS: usize = 512;
/// Users for whom a visitor's own password is remembered.
const ACCEPTED: usize = 8;
/// Refused pairs of one visitor that are remembered.
const REFUSED: usize = 32;

/// A pair as the owner writes it: `user:password`, where `*` alone on a side stands for anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairPattern {
    user: Option<Box<str>>,
    password: Option<Box<str>>,
}

/// The text was no pair.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no pair: write user:password, with * for any of them")]
pub struct PairPatternError(String);

impl FromStr for PairPattern {
    type Err = PairPatternError;

    fn from_str(text: &str) -> Result<Self, PairPatternError> {
        let (user, password) = text
            .split_once(':')
            .filter(|(user, _)| !user.is_empty() && text.len() <= 256)
            .ok_or_else(|| PairPatternError(text.chars().take(40).collect()))?;
        let side = |text: &str| (text != "*").then(|| Box::from(text));
        Ok(Self { user: side(user), password: side(password) })
    }
}

impl PairPattern {
    fn holds(&self, user: &[u8], password: &[u8]) -> bool {
        let side = |pattern: &Option<Box<str>>, text: &[u8]| {
            pattern.as_ref().is_none_or(|pattern| pattern.as_bytes() == text)
        };
        side(&self.user, user) && side(&self.password, password)
    }
}

/// Which public keys get in, beside those that are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyRule {
    /// None.
    Never,
    /// Those that a visitor has written into the account's `authorized_keys`.
    #[default]
    Written,
    /// Any, after as many tries as a weak pair takes.
    Any,
}

/// What the owner may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginSettings {
    /// Pairs that never get in; asked first.
    pub refuse: Vec<PairPattern>,
    /// Pairs that always get in.
    pub accept: Vec<PairPattern>,
    /// Whether weak pairs get in beside those.
    pub weak: bool,
    /// After how many tries a weak pair gets in: for each visitor a number from this range, always the same.
    pub tries: RangeInclusive<u16>,
    /// Which public keys get in.
    pub keys: KeyRule,
    /// Fingerprints of keys that always do, as `ssh-keygen -l` shows them.
    pub accept_keys: Vec<String>,
}

impl Default for LoginSettings {
    /// Weak pairs, at the first to the third try.
    fn default() -> Self {
        Self {
            refuse: Vec::new(),
            accept: Vec::new(),
            weak: true,
            tries: 1..=3,
            keys: KeyRule::default(),
            accept_keys: Vec::new(),
        }
    }
}

#[derive(Default)]
struct Source {
    tries: u16,
    /// Tries with keys.
    key_tries: u16,
    /// Hashes of user, and of user with password.
    accepted: Vec<(u64, u64)>,
    refused: Vec<u64>,
}

struct Known {
    sources: Memory<IpAddr, Source>,
    pairs: Memory<u64, ()>,
    /// Users with keys that are theirs.
    keys: Memory<u64, ()>,
}

/// The policy with its memory; shared by every session of every trap.
pub struct LoginPolicy {
    seed: [u8; 32],
    settings: LoginSettings,
    known: Mutex<Known>,
}

impl LoginPolicy {
    /// A policy that remembers nobody yet; `seed` is the installation's.
    #[must_use]
    pub fn new(seed: [u8; 32], settings: LoginSettings) -> Self {
        let known = Known {
            sources: Memory::new(SOURCES),
            pairs: Memory::new(PAIRS),
            keys: Memory::new(PAIRS),
        };
        Self { seed, settings, known: Mutex::new(known) }
    }

    /// Whether this visitor gets in with this pair now. A visitor is an IPv4 address or an IPv6 network of 64 bits.
    #[must_use]
    pub fn admits(&self, source: IpAddr, user: &[u8], password: &[u8]) -> bool {
        let matches =
            |patterns: &[PairPattern]| patterns.iter().any(|pattern| pattern.holds(user, password));
        if matches(&self.settings.refuse) {
            return false;
        }
        if matches(&self.settings.accept) {
            return true;
        }
        if !self.settings.weak {
            return false;
        }
        let network = one_source(source);
        let (user_hash, pair_hash) = self.hashes(user, password);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let opened_before = known.pairs.knows(pair_hash);
        let visitor = known.sources.of(network);
        if let Some((_, own)) = visitor.accepted.iter().find(|(user, _)| *user == user_hash) {
            return *own == pair_hash;
        }
        if visitor.refused.contains(&pair_hash) {
            return false;
        }
        visitor.tries = visitor.tries.saturating_add(1);
        let admitted =
            opened_before || (is_weak(user, password) && visitor.tries >= self.needed(network));
        if !admitted {
            if visitor.refused.len() < REFUSED {
                visitor.refused.push(pair_hash);
            }
        } else {
            if visitor.accepted.len() < ACCEPTED {
                visitor.accepted.push((user_hash, pair_hash));
            }
            known.pairs.of(pair_hash);
        }
        admitted
    }

    /// Whether this visitor gets in with this key now, if he can sign with it.
    #[must_use]
    pub fn admits_key(&self, source: IpAddr, user: &[u8], key: &[u8]) -> bool {
        if !self.settings.accept_keys.is_empty() {
            let shown = keys::fingerprint(key);
            if self.settings.accept_keys.contains(&shown) {
                return true;
            }
        }
        self.admits_key_by(self.settings.keys, source, user, key)
    }

    /// The same where somebody at the device is asked about a key that is new (Android): he lets it in after as many tries as a weak pair
    /// takes, unless the owner refuses all keys.
    #[must_use]
    pub fn admits_key_asked(&self, source: IpAddr, user: &[u8], key: &[u8]) -> bool {
        match self.settings.keys {
            KeyRule::Never => self.admits_key(source, user, key),
            KeyRule::Written | KeyRule::Any => self.admits_key_by(KeyRule::Any, source, user, key),
        }
    }

    fn admits_key_by(&self, rule: KeyRule, source: IpAddr, user: &[u8], key: &[u8]) -> bool {
        if rule == KeyRule::Never {
            return false;
        }
        let (_, hash) = self.hashes(user, key);
        let network = one_source(source);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.keys.knows(hash) {
            known.keys.of(hash);
            return true;
        }
        if rule != KeyRule::Any {
            return false;
        }
        let visitor = known.sources.of(network);
        visitor.key_tries = visitor.key_tries.saturating_add(1);
        let admitted = visitor.key_tries >= self.needed(network);
        if admitted {
            known.keys.of(hash);
        }
        admitted
    }

    /// Takes notice of what a visitor did on the machine behind the login: a key that he wrote for an account is that account's.
    pub fn learn(&self, detail: &Detail) {
        let Some(payload) = detail.payload() else { return };
        let path = payload.name.as_ref().map(|name| name.raw());
        let Some(user) = path.and_then(keys::owner) else { return };
        for key in keys::keys_in(&payload.content) {
            let (_, hash) = self.hashes(user.as_bytes(), &key);
            self.known.lock().unwrap_or_else(PoisonError::into_inner).keys.of(hash);
        }
    }

    fn hashes(&self, user: &[u8], password: &[u8]) -> (u64, u64) {
        use std::fmt::Write as _;
        let mut label = String::from("login ");
        let mut hash = |bytes: &[u8]| {
            for byte in bytes {
                let _ = write!(label, "{byte:02x}");
            }
            label.push(':');
            Draw::new(&self.seed, &label).number(0)
        };
        (hash(user), hash(password))
    }

    /// How many tries this visitor needs.
    fn needed(&self, network: IpAddr) -> u16 {
        let (least, most) = (*self.settings.tries.start(), *self.settings.tries.end());
        let label = format!("tries {network}");
        let more =
            Draw::new(&self.seed, &label).below(0, u64::from(most.saturating_sub(least)) + 1);
        least.saturating_add(u16::try_from(more).unwrap_or(0))
    }
}

impl fmt::Debug for LoginPolicy {
    /// Without the seed and the memory.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LoginPolicy")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn policy(settings: LoginSettings) -> LoginPolicy {
        LoginPolicy::new([5; 32], settings)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// Tries pairs until one gets in; which one.
    fn guess(policy: &LoginPolicy, source: &str, pairs: &[(&str, &str)]) -> Option<usize> {
        pairs.iter().position(|(user, password)| {
            policy.admits(address(source), user.as_bytes(), password.as_bytes())
        })
    }

    const LIST: &[(&str, &str)] = &[
        ("root", "xc3511"),
        ("root", "vizxv"),
        ("root", "admin"),
        ("admin", "admin"),
        ("root", "888888"),
    ];

    #[test]
    fn a_list_of_factory_passwords_opens_it_within_three_tries_and_the_password_stays() {
        let policy = policy(LoginSettings::default());
        let mut seen = std::collections::BTreeSet::new();
        for host in 1..60 {
            let source = format!("192.0.{host}.9");
            // Each visitor has words of his own, so that what others found does not open it for him.
            let words: Vec<String> =
                (0..4).map(|n| format!("root{}", [1, 12, 123, 1234][n])).collect();
            let users = ["root", "admin", "pi", "ubnt", "user"];
            let user = users[host % 5];
            let list: Vec<(&str, String)> =
                words.iter().map(|word| (user, word.replace("root", user))).collect();
            let list: Vec<(&str, &str)> =
                list.iter().map(|(user, word)| (*user, word.as_str())).collect();
            let opened = guess(&policy, &source, &list).expect("a way in");
            assert!(opened < 3);
            seen.insert(opened);
            for _ in 0..3 {
                let (user, password) = list[opened];
                assert!(policy.admits(address(&source), user.as_bytes(), password.as_bytes()));
            }
            assert!(
                !policy.admits(address(&source), user.as_bytes(), b"123456"),
                "a second password"
            );
        }
        assert!(seen.len() > 1, "visitors need different numbers of tries");
    }

    #[test]
    fn what_a_guesser_found_opens_it_for_the_loader_at_another_address() {
        let policy = policy(LoginSettings::default());
        let (user, password) = LIST[guess(&policy, "192.0.2.1", LIST).unwrap()];
        assert!(policy.admits(address("198.51.100.77"), user.as_bytes(), password.as_bytes()));
    }

    #[test]
    fn a_random_word_never_gets_in_and_what_was_refused_stays_refused() {
        let policy = policy(LoginSettings { tries: 3..=3, ..LoginSettings::default() });
        for _ in 0..50 {
            assert!(!policy.admits(address("192.0.2.1"), b"root", b"kMq2vX"));
            assert!(!policy.admits(address("192.0.2.2"), b"root", b"xc3511"));
        }
        assert_eq!(guess(&policy, "192.0.2.2", &LIST[1..]), Some(1));
    }

    #[test]
    fn the_owners_pairs_come_first() {
        let settings = LoginSettings {
            refuse: vec!["root:123456".parse().unwrap(), "root:*".parse().unwrap()],
            accept: vec!["*:letmein9".parse().unwrap(), "root:123456".parse().unwrap()],
            weak: false,
            ..LoginSettings::default()
        };
        let policy = policy(settings);
        assert!(policy.admits(address("192.0.2.1"), b"anybody", b"letmein9"));
        assert!(!policy.admits(address("192.0.2.1"), b"root", b"123456"));
        assert!(!policy.admits(address("192.0.2.1"), b"admin", b"admin"));
        assert!("nocolon".parse::<PairPattern>().is_err());
    }

    #[test]
    fn a_million_visitors_do_not_grow_the_memory() {
        let policy = policy(LoginSettings::default());
        for n in 0..20_000_u32 {
            let source = IpAddr::V4(n.into());
            let _ = policy.admits(source, b"root", format!("word{n}").as_bytes());
            let _ = policy.admits(source, b"root", b"root");
        }
        let known = policy.known.lock().unwrap();
        assert!(known.sources.len() <= 2 * SOURCES && known.pairs.len() <= 2 * PAIRS);
    }

    #[test]
    fn a_key_opens_the_account_for_which_it_was_written_and_no_other() {
        let policy = policy(LoginSettings::default());
        let key = b"\0\0\0\x0bssh-ed25519\0\0\0 \x09\x09";
        let enters = |user: &[u8]| policy.admits_key(address("192.0.2.1"), user, key);
        assert!(!enters(b"root") && !enters(b"root"));
        let mut payload =
            crate::capture::Capture::of(b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAkJ mine\n")
                .finish(kizashi_event::PayloadOrigin::Redirect);
        payload.name = Some("/root/.ssh/authorized_keys".into());
        policy.learn(&Detail::Payload(Box::new(payload)));
        assert!(enters(b"root") && !enters(b"pi"));
    }

    #[test]
    fn keys_get_in_as_the_owner_rules() {
        let shown = crate::login::keys::fingerprint(b"listed");
        for (keys, expected) in [
            (KeyRule::Never, [false, false, false]),
            (KeyRule::Written, [false, false, false]),
            (KeyRule::Any, [false, true, true]),
        ] {
            let accept_keys = vec![shown.clone()];
            let settings =
                LoginSettings { keys, accept_keys, tries: 2..=2, ..LoginSettings::default() };
            let policy = policy(settings);
            let enters = |key: &[u8]| policy.admits_key(address("192.0.2.1"), b"root", key);
            assert_eq!([enters(b"x"), enters(b"x"), enters(b"x")], expected);
            assert!(enters(b"listed"));
        }
    }

    proptest! {
        #[test]
        fn a_pair_that_got_in_gets_in_again(
            tries in prop::collection::vec((0_u8..4, 0_usize..5), 1..60)
        ) {
            let policy = policy(LoginSettings::default());
            let mut open = std::collections::HashSet::new();
            for (host, pair) in tries {
                let (user, password) = LIST[pair];
                let source = IpAddr::from([192, 0, 2, host]);
                let admitted = policy.admits(source, user.as_bytes(), password.as_bytes());
                if open.contains(&(host, pair)) {
                    prop_assert!(admitted);
                }
                if admitted {
                    open.insert((host, pair));
                }
            }
        }
    }
}
