//! Commands on keys and values, one function each, by type. They see a visitor's copy and the time and nothing else; what is refused and
//! in which words is as in `t_string.c` and its kin.

mod expiry;
mod hashes;
mod keys;
mod lists;
mod sets;
mod sorted;
mod strings;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::release::Release;
use super::reply::Reply;
use super::store::{Database, Entry, OwnCopy, Value};
use super::wire::integer;

/// Elements that a random pick with repetitions gives at most.
const MOST_PICKED: i64 = 1_000;

/// A command that is carried out.
pub(super) struct Call<'a> {
    pub(super) copy: &'a mut OwnCopy,
    pub(super) release: Release,
    /// The database at hand.
    pub(super) database: usize,
    /// Milliseconds since the epoch.
    pub(super) now: i64,
    pub(super) words: &'a [Vec<u8>],
}

/// Names and values of a hash.
type Fields = Vec<(Vec<u8>, Vec<u8>)>;
/// A reply, or one that ends the command early.
pub(super) type Answer = Result<Reply, Reply>;
pub(super) type Handler = fn(&mut Call<'_>) -> Answer;

/// The function of this command; none for those of the server and the connection.
pub(super) fn handler(name: &str) -> Option<Handler> {
    [strings::find, keys::find, expiry::find, lists::find, sets::find, hashes::find, sorted::find]
        .iter()
        .find_map(|find| find(name))
}

impl Call<'_> {
    pub(super) fn word(&self, place: usize) -> &[u8] {
        self.words.get(place).map_or(&[], Vec::as_slice)
    }

    /// The word in lower case, as options are compared.
    fn option(&self, place: usize) -> String {
        let word = self.word(place);
        String::from_utf8_lossy(&word[..word.len().min(32)]).to_ascii_lowercase()
    }

    fn number(&self, place: usize) -> Result<i64, Reply> {
        integer(self.word(place)).ok_or_else(Reply::not_integer)
    }

    fn data(&mut self) -> &mut Database {
        &mut self.copy.databases[self.database]
    }

    fn entry(&self, key: &[u8]) -> Option<&Entry> {
        self.copy.databases[self.database].get(key)
    }

    /// Writes a value, in place of whatever was there.
    fn put(&mut self, key: &[u8], value: Value, expires: Option<i64>) {
        let entry = Entry { value, expires, own: true };
        self.data().insert(key.to_vec(), entry);
    }

    /// Takes a key away that holds nothing any more.
    fn tidy(&mut self, key: &[u8]) {
        if self.entry(key).is_some_and(|entry| entry.value.is_empty()) {
            self.data().remove(key);
        }
    }

    /// Bytes that a command would add beyond its own words.
    fn room(&self, bytes: usize) -> Result<(), Reply> {
        if self.copy.has_room(bytes) { Ok(()) } else { Err(Reply::full()) }
    }

    fn text(&self, key: &[u8]) -> Result<Option<&[u8]>, Reply> {
        match self.entry(key).map(|entry| &entry.value) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(Reply::wrong_type()),
        }
    }

    /// The text at a key, to be changed: empty where there is none, with its time to live.
    fn text_to_change(&self, key: &[u8]) -> Result<(Vec<u8>, Option<i64>), Reply> {
        let text = self.text(key)?.unwrap_or_default().to_vec();
        Ok((text, self.entry(key).and_then(|entry| entry.expires)))
    }

    fn list(&self, key: &[u8]) -> Result<Option<&VecDeque<Vec<u8>>>, Reply> {
        match self.entry(key).map(|entry| &entry.value) {
            None => Ok(None),
            Some(Value::List(list)) => Ok(Some(list)),
            Some(_) => Err(Reply::wrong_type()),
        }
    }

    fn set(&self, key: &[u8]) -> Result<Option<&BTreeSet<Vec<u8>>>, Reply> {
        match self.entry(key).map(|entry| &entry.value) {
            None => Ok(None),
            Some(Value::Set(set)) => Ok(Some(set)),
            Some(_) => Err(Reply::wrong_type()),
        }
    }

    fn hash(&self, key: &[u8]) -> Result<Option<&Fields>, Reply> {
        match self.entry(key).map(|entry| &entry.value) {
            None => Ok(None),
            Some(Value::Hash(hash)) => Ok(Some(hash)),
            Some(_) => Err(Reply::wrong_type()),
        }
    }

    fn sorted(&self, key: &[u8]) -> Result<Option<&BTreeMap<Vec<u8>, f64>>, Reply> {
        match self.entry(key).map(|entry| &entry.value) {
            None => Ok(None),
            Some(Value::Sorted(sorted)) => Ok(Some(sorted)),
            Some(_) => Err(Reply::wrong_type()),
        }
    }

    /// The value at a key, made where there is none; its type was looked at before.
    fn change(&mut self, key: &[u8], empty: Value) -> &mut Value {
        let fresh = Entry { value: empty, expires: None, own: true };
        let entry = self.data().entry(key.to_vec()).or_insert(fresh);
        entry.own = true;
        &mut entry.value
    }

    /// A number below `bound` that differs from one command to the next.
    fn pick(&self, turn: u64, bound: usize) -> usize {
        let mixed = (self.now.unsigned_abs() ^ (self.copy.commands << 20) ^ (turn << 40))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        usize::try_from(mixed >> 16).unwrap_or(0).checked_rem(bound).unwrap_or(0)
    }
}

/// Places `from` to `to` of a sequence of this length, where negative ones count from its end; none where that is empty.
fn span(from: i64, to: i64, length: usize) -> Option<(usize, usize)> {
    let length = i64::try_from(length).unwrap_or(0);
    let place = |place: i64| if place < 0 { (length.saturating_add(place)).max(0) } else { place };
    let (from, to) =
        (place(from), if to < 0 { length.saturating_add(to) } else { to.min(length - 1) });
    if from > to || from >= length || to < 0 {
        return None;
    }
    Some((usize::try_from(from).ok()?, usize::try_from(to).ok()?))
}

/// Glob patterns as `stringmatchlen` reads them, within a bound of steps.
pub(super) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let mut steps = 20_000;
    glob(pattern, text, &mut steps)
}

fn glob(mut pattern: &[u8], mut text: &[u8], steps: &mut u32) -> bool {
    while let [first, rest @ ..] = pattern {
        if *steps == 0 {
            return false;
        }
        *steps -= 1;
        match first {
            b'*' => {
                let rest = &pattern[pattern.iter().take_while(|byte| **byte == b'*').count()..];
                return rest.is_empty()
                    || (0..=text.len()).any(|start| glob(rest, &text[start..], steps));
            }
            b'[' => {
                let Some(byte) = text.first() else { return false };
                let (found, after) = class(rest, *byte);
                if !found {
                    return false;
                }
                (pattern, text) = (after, &text[1..]);
                continue;
            }
            b'?' if !text.is_empty() => {}
            b'\\' if !rest.is_empty() && rest.first() == text.first() => {
                (pattern, text) = (&rest[1..], &text[1..]);
                continue;
            }
            byte if Some(byte) == text.first() && *byte != b'\\' => {}
            _ => return false,
        }
        (pattern, text) = (rest, &text[1..]);
    }
    text.is_empty()
}

/// Whether a byte is in a class whose `[` was read, and what is behind it.
fn class(pattern: &[u8], byte: u8) -> (bool, &[u8]) {
    let (negated, mut rest) = match pattern {
        [b'^', rest @ ..] => (true, rest),
        _ => (false, pattern),
    };
    let mut found = false;
    loop {
        match rest {
            [] => break,
            [b']', after @ ..] => {
                rest = after;
                break;
            }
            [b'\\', escaped, after @ ..] => {
                found |= *escaped == byte;
                rest = after;
            }
            [from, b'-', to, after @ ..] => {
                found |= (*from.min(to)..=*from.max(to)).contains(&byte);
                rest = after;
            }
            [one, after @ ..] => {
                found |= *one == byte;
                rest = after;
            }
        }
    }
    (found != negated, rest)
}

/// The order in which a hash table of Redis would seem to hold these.
fn scattered<'a>(names: impl Iterator<Item = &'a Vec<u8>>) -> Vec<&'a Vec<u8>> {
    let mut names: Vec<&Vec<u8>> = names.collect();
    names.sort_by_cached_key(|name| {
        name.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3).rotate_left(17)
        })
    });
    names
}

/// Options of `SCAN` and its kin, from this word on: pattern and type.
type ScanOptions = (Option<Vec<u8>>, Option<String>);

fn scan_options(call: &Call<'_>, mut place: usize) -> Result<ScanOptions, Reply> {
    let mut options = (None, None);
    while place < call.words.len() {
        if place + 1 >= call.words.len() {
            return Err(Reply::syntax());
        }
        match call.option(place).as_str() {
            "match" => options.0 = Some(call.word(place + 1).to_vec()),
            "count" if call.number(place + 1)? >= 1 => {}
            "type" if call.release.major() >= 6 => options.1 = Some(call.option(place + 1)),
            _ => return Err(Reply::syntax()),
        }
        place += 2;
    }
    Ok(options)
}

/// The cursor at this word; whatever it is, all is given at once.
fn cursor(call: &Call<'_>, place: usize) -> Result<u64, Reply> {
    let text = String::from_utf8_lossy(call.word(place)).into_owned();
    text.parse().map_err(|_| Reply::error("ERR invalid cursor"))
}

fn scanned(items: Vec<Reply>) -> Reply {
    Reply::Array(vec![Reply::text("0"), Reply::Array(items)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_redis() {
        let yes = ["*", "h?llo", "h[ae]llo", "h[^x]llo", "h[a-e]llo", "he*", "*lo", "h\\ello"];
        assert!(yes.iter().all(|pattern| matches(pattern.as_bytes(), b"hello")));
        let no = ["", "h?ll", "h[^e]llo", "hello?", "h[", "\\"];
        assert!(no.iter().all(|pattern| !matches(pattern.as_bytes(), b"hello")));
    }

    #[test]
    fn places_count_from_both_ends() {
        assert_eq!(span(0, -1, 3), Some((0, 2)));
        assert_eq!(span(-100, 100, 3), Some((0, 2)));
        assert_eq!(span(2, 1, 3), None);
        assert_eq!(span(0, -4, 3), None);
        assert_eq!(span(i64::MIN, i64::MAX, 1), Some((0, 0)));
        assert_eq!(span(0, -1, 0), None);
    }
}
