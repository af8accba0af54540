//! bash's arrays by name (`declare -A`): how their members are written, and the order in which bash walks its hash table (`hashlib.c`:
//! FNV over the key, buckets of a power of two).

use std::collections::BTreeMap;

/// `ASSOC_HASH_BUCKETS` of bash 5.
const BUCKETS: u32 = 1_024;

fn bucket(key: &[u8]) -> u32 {
    let hash = key
        .iter()
        .fold(2_166_136_261_u32, |hash, byte| hash.wrapping_mul(16_777_619) ^ u32::from(*byte));
    hash & (BUCKETS - 1)
}

/// Keys and values in bash's order.
pub(super) fn ordered(map: &BTreeMap<Vec<u8>, Vec<u8>>) -> Vec<(&Vec<u8>, &Vec<u8>)> {
    let mut all: Vec<_> = map.iter().collect();
    all.sort_by_key(|(key, _)| bucket(key));
    all
}

/// `[key]=value` of a list.
pub(super) fn member(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = text.strip_prefix(b"[")?;
    let end = inner.windows(2).position(|pair| pair == b"]=")?;
    Some((&inner[..end], &inner[end + 2..]))
}

/// What stands between the members of a list that a declaration is given as one word.
pub(super) const BETWEEN: u8 = 0x1f;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_in_the_order_that_bash_gives_them() {
        let map: BTreeMap<Vec<u8>, Vec<u8>> = ["x", "y", "foo", "bar"]
            .iter()
            .map(|key| (key.as_bytes().to_vec(), Vec::new()))
            .collect();
        let keys: Vec<&[u8]> = ordered(&map).into_iter().map(|(key, _)| &key[..]).collect();
        // As bash 5.2.15 prints them.
        assert_eq!(keys, [&b"y"[..], b"x", b"foo", b"bar"]);
    }
}
