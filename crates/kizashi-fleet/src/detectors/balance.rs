//! Who holds which partition: as many each as can be, and no more changes hands than must, for what changes hands is told again.

/// Gives each partition one of `live`, in equal shares; nobody where nobody lives.
pub(super) fn balance(holders: &mut [Option<String>], live: &[String]) {
    let mut live: Vec<(usize, &String)> = live
        .iter()
        .map(|name| (holders.iter().flatten().filter(|holder| *holder == name).count(), name))
        .collect();
    // Who has most keeps the one more that some must have.
    live.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    live.dedup();
    let count = live.len().max(1);
    let (each, more) = (holders.len() / count, holders.len() % count);
    let mut left: Vec<(&String, usize)> = live
        .iter()
        .enumerate()
        .map(|(at, (_, name))| (*name, each + usize::from(at < more)))
        .collect();
    for holder in holders.iter_mut() {
        let place =
            left.iter_mut().find(|(name, left)| Some(*name) == holder.as_ref() && *left > 0);
        match place {
            Some((_, left)) => *left -= 1,
            None => *holder = None,
        }
    }
    let mut free = left.iter().flat_map(|(name, left)| std::iter::repeat_n(*name, *left));
    for holder in holders.iter_mut().filter(|holder| holder.is_none()) {
        *holder = free.next().cloned();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn shares(holders: &[Option<String>], live: &[String]) -> Vec<usize> {
        let of = |name| holders.iter().flatten().filter(|holder| *holder == name).count();
        live.iter().map(of).collect()
    }

    fn moved(before: &[Option<String>], after: &[Option<String>]) -> usize {
        before.iter().zip(after).filter(|(before, after)| before != after).count()
    }

    #[test]
    fn shares_are_equal_and_only_what_must_changes_hands_when_one_comes_or_goes() {
        let mut holders = vec![None; 64];
        let (two, three) = (names(&["a", "b"]), names(&["a", "b", "c"]));
        balance(&mut holders, &two);
        assert_eq!(shares(&holders, &two), [32, 32]);
        let before = holders.clone();
        balance(&mut holders, &three);
        let mut now = shares(&holders, &three);
        now.sort_unstable();
        assert_eq!((now, moved(&before, &holders)), (vec![21, 21, 22], 21));
        let before = holders.clone();
        balance(&mut holders, &three);
        assert_eq!(before, holders, "nothing without a reason");
        balance(&mut holders, &names(&["c", "b"]));
        let of_c = before.iter().filter(|holder| holder.as_deref() == Some("c")).count();
        assert_eq!(shares(&holders, &names(&["b", "c"])), [32, 32]);
        assert!(
            before
                .iter()
                .zip(&holders)
                .all(|(before, after)| before.as_deref() == Some("a") || before == after),
            "{of_c}"
        );
    }

    #[test]
    fn where_nobody_lives_nobody_holds_and_more_detectors_than_partitions_have_one_at_most() {
        let mut holders = vec![Some("a".to_owned()); 3];
        balance(&mut holders, &[]);
        assert_eq!(holders, [None, None, None]);
        let many = names(&["a", "b", "c", "d", "e"]);
        balance(&mut holders, &many);
        assert_eq!(shares(&holders, &many), [1, 1, 1, 0, 0]);
    }
}
