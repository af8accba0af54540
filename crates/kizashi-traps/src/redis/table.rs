//! The commands by name, with what `COMMAND` says of each: `data/redis/commands.tsv`, as a real server answered.

use std::sync::LazyLock;

use super::release::Release;
use super::reply::Reply;

/// A command.
pub(super) struct Spec {
    pub(super) name: &'static str,
    /// Words that it takes; at least so many where negative.
    arity: i64,
    flags: Vec<&'static str>,
    keys: [i64; 3],
    categories: Vec<&'static str>,
    since: &'static str,
}

static TABLE: LazyLock<Vec<Spec>> = LazyLock::new(|| {
    let text = include_str!("../../data/redis/commands.tsv");
    text.lines().filter(|line| !line.starts_with('#')).filter_map(read).collect()
});

fn read(line: &'static str) -> Option<Spec> {
    let mut fields = line.split('\t');
    let list = |text: &'static str| text.split(',').filter(|word| !word.is_empty()).collect();
    let name = fields.next()?;
    let arity = fields.next()?.parse().ok()?;
    let flags = list(fields.next()?);
    let mut number = || fields.next()?.parse().ok();
    let keys = [number()?, number()?, number()?];
    Some(Spec { name, arity, flags, keys, categories: list(fields.next()?), since: fields.next()? })
}

impl Spec {
    /// The command of this name, in the release that is pretended.
    pub(super) fn find(name: &[u8], release: Release) -> Option<&'static Self> {
        let name = name.to_ascii_lowercase();
        let place =
            TABLE.binary_search_by(|spec| spec.name.as_bytes().cmp(name.as_slice())).ok()?;
        Some(&TABLE[place]).filter(|spec| release.has(spec.since))
    }

    pub(super) fn all(release: Release) -> impl Iterator<Item = &'static Self> {
        TABLE.iter().filter(move |spec| release.has(spec.since))
    }

    pub(super) fn takes(&self, words: usize) -> bool {
        let least = usize::try_from(self.arity.unsigned_abs()).unwrap_or(0);
        if self.arity < 0 { words >= least } else { words == least }
    }

    pub(super) fn has(&self, flag: &str) -> bool {
        self.flags.contains(&flag)
    }

    /// The keys among these words.
    pub(super) fn keys<'a>(&self, words: &'a [Vec<u8>]) -> Vec<&'a [u8]> {
        let [first, last, step] = self.keys;
        let count = i64::try_from(words.len()).unwrap_or(0);
        let last = if last < 0 { count + last } else { last };
        if first <= 0 || step <= 0 {
            return Vec::new();
        }
        let places = (first..=last.min(count - 1)).step_by(usize::try_from(step).unwrap_or(1));
        places
            .filter_map(|place| words.get(usize::try_from(place).ok()?))
            .map(Vec::as_slice)
            .collect()
    }

    /// Its row of `COMMAND`.
    pub(super) fn row(&self, release: Release) -> Reply {
        let statuses = |words: &[&str]| {
            Reply::Set(words.iter().map(|word| Reply::Status((*word).to_owned())).collect())
        };
        let mut row = vec![
            Reply::text(self.name),
            Reply::Integer(self.arity),
            statuses(&self.flags),
            Reply::Integer(self.keys[0]),
            Reply::Integer(self.keys[1]),
            Reply::Integer(self.keys[2]),
        ];
        if release.major() >= 6 {
            row.push(statuses(&self.categories));
        }
        if release.major() >= 7 {
            row.extend([
                Reply::Array(Vec::new()),
                Reply::Array(Vec::new()),
                Reply::Array(Vec::new()),
            ]);
        }
        Reply::Array(row)
    }

    pub(super) fn since(&self) -> &'static str {
        self.since
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read_and_they_are_in_order() {
        assert!(TABLE.len() > 150 && TABLE.is_sorted_by_key(|spec| spec.name));
        let lines = include_str!("../../data/redis/commands.tsv").lines();
        assert_eq!(lines.filter(|line| !line.starts_with('#')).count(), TABLE.len());
        assert!(Spec::find(b"GETEX", Release::V6_0_16).is_none());
        assert!(Spec::find(b"GetEx", Release::V7_0_15).is_some_and(|spec| spec.takes(2)));
        let mset = Spec::find(b"mset", Release::V5_0_7).unwrap();
        let words = ["mset", "a", "1", "b", "2"].map(|word| word.as_bytes().to_vec());
        assert_eq!(mset.keys(&words), [b"a", b"b"]);
    }
}
