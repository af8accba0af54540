//! Public lists of user names and passwords, and how much of them was tried here. `data/lists/mirai.tsv` are the pairs of the table in
//! `scanner.c` of Mirai's source, published by its author on 30 September 2016 and printed in many reports since (Antonakakis et al.,
//! "Understanding the Mirai Botnet", USENIX Security 2017, table 5, names the devices).

use std::sync::LazyLock;

use kizashi_event::{Key, KeyKind};
use kizashi_web::{KnownList, ReadError};

use super::StoreObservatory;

/// A list: its name and its pairs, as the texts of keys.
struct List {
    name: &'static str,
    pairs: Vec<String>,
}

static LISTS: LazyLock<Vec<List>> = LazyLock::new(|| {
    let pairs = include_str!("../../data/lists/mirai.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('\t'))
        .map(|(user, password)| format!("{user}/{password}"))
        .collect();
    vec![List { name: "mirai", pairs }]
});

/// The names of the lists that a pair stands on.
pub(super) fn that_name(key: &Key) -> Vec<String> {
    if key.kind != KeyKind::Pair {
        return Vec::new();
    }
    let names = |list: &&List| list.pairs.iter().any(|pair| **pair == *key.text);
    LISTS.iter().filter(names).map(|list| list.name.to_owned()).collect()
}

impl StoreObservatory {
    pub(super) fn read_lists(&self) -> Result<Vec<KnownList>, ReadError> {
        self.with_reader(|reader| {
            LISTS
                .iter()
                .map(|list| {
                    let mut known = KnownList {
                        name: list.name.to_owned(),
                        pairs: list.pairs.len() as u64,
                        tried: 0,
                        events: 0,
                        last: None,
                    };
                    for pair in &list.pairs {
                        let Some(row) = reader.key(&Key::new(KeyKind::Pair, pair))? else {
                            continue;
                        };
                        known.tried += 1;
                        known.events += row.events;
                        known.last = known.last.max(Some(row.last));
                    }
                    Ok(known)
                })
                .collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirais_sixty_pairs_are_there_and_each_once() {
        let mirai = &LISTS[0];
        let mut pairs = mirai.pairs.clone();
        pairs.sort();
        pairs.dedup();
        assert_eq!((mirai.name, pairs.len()), ("mirai", mirai.pairs.len()));
        assert_eq!(pairs.len(), 60);
        assert_eq!(that_name(&Key::new(KeyKind::Pair, "root/xc3511")), ["mirai"]);
        assert_eq!(that_name(&Key::new(KeyKind::Pair, "root/")), ["mirai"], "an empty password");
        assert!(that_name(&Key::new(KeyKind::User, "root/xc3511")).is_empty());
    }
}
