//! What several machines know, as one that begins among them may take it: the rates that one of them has on average.

use std::collections::BTreeMap;

use kizashi_event::{KeyKind, Port};

use super::{HOURS, KindRow, Knowledge, MOST_PORTS, PortRow, rounded};

impl Knowledge {
    /// What these know together of a single machine's rates, each as much as it has watched: of a kind the means of its numbers over
    /// those that know it; of a port the mean rate over all, where one that never saw it had none. `None` where nothing is known.
    #[must_use]
    pub fn merged(of: &[Self]) -> Option<Self> {
        let merged =
            Self { about: String::new(), kinds: kinds(of), hours: hours(of), ports: ports(of) };
        if merged.kinds.is_empty() && merged.ports.is_empty() {
            return None;
        }
        let machines = of.iter().filter(|one| !one.kinds.is_empty() || !one.ports.is_empty());
        Some(merged.with_remark(&format!("Learned by {} machines together.", machines.count())))
    }

    /// What so many machines that were watched as one have learned, as one of them may take it: an equal part of each rate. Visitors that came
    /// to several of them counted once, so that each of them has somewhat more than its part.
    #[must_use]
    pub fn of_each(mut self, machines: u32) -> Self {
        if machines < 2 {
            return self;
        }
        let part = |rate: f64| rounded(rate / f64::from(machines));
        for row in self.kinds.values_mut() {
            row.sources_a_day = part(row.sources_a_day);
        }
        for row in self.ports.values_mut() {
            row.sources_a_day = part(row.sources_a_day);
        }
        self.kinds.retain(|kind, row| row.check(kind.name()).is_ok());
        self.ports.retain(|_, row| row.check("").is_ok());
        self.with_remark(&format!(
            "Learned by {machines} machines as one; these are the rates of each."
        ))
    }

    /// Days that a machine has watched, as far as its ports tell.
    fn days(&self) -> f64 {
        self.ports.values().map(|row| row.days).fold(0.0, f64::max)
    }
}

fn kinds(of: &[Knowledge]) -> BTreeMap<KeyKind, KindRow> {
    let mut rows: BTreeMap<KeyKind, Vec<KindRow>> = BTreeMap::new();
    for (kind, row) in of.iter().flat_map(|one| &one.kinds) {
        rows.entry(*kind).or_default().push(*row);
    }
    let merge = |(kind, rows): (KeyKind, Vec<KindRow>)| {
        let known = |number: fn(&KindRow) -> Option<f64>| mean(rows.iter().filter_map(number));
        let row = KindRow {
            sources_a_day: known(|row| Some(row.sources_a_day))?,
            shape: known(|row| Some(row.shape))?,
            phi: known(|row| row.phi),
            volatility: known(|row| row.volatility),
        };
        row.check(kind.name()).is_ok().then_some((kind, row))
    };
    rows.into_iter().filter_map(merge).collect()
}

fn hours(of: &[Knowledge]) -> Option<[f64; HOURS]> {
    let known: Vec<[f64; HOURS]> = of.iter().filter_map(|one| one.hours).collect();
    let mut hours = [1.0; HOURS];
    for (at, hour) in hours.iter_mut().enumerate() {
        *hour = mean(known.iter().filter_map(|hours| hours.get(at).copied()))?;
    }
    Some(hours)
}

fn ports(of: &[Knowledge]) -> BTreeMap<Port, PortRow> {
    // All that watched ports count, with as many days as they have watched any.
    let days: f64 = of.iter().map(Knowledge::days).sum();
    let machines = mean(of.iter().map(Knowledge::days).filter(|days| *days > 0.0));
    let (Some(days_of_one), true) = (machines, days > 0.0) else { return BTreeMap::new() };
    let mut sources: BTreeMap<Port, f64> = BTreeMap::new();
    for (port, row) in of.iter().flat_map(|one| &one.ports) {
        *sources.entry(*port).or_default() += row.sources_a_day * row.days;
    }
    let mut most: Vec<(Port, f64)> = sources.into_iter().collect();
    most.sort_by(|(a, one), (b, other)| other.total_cmp(one).then(a.cmp(b)));
    let row = |(port, sources): (Port, f64)| {
        let row = PortRow { sources_a_day: rounded(sources / days), days: rounded(days_of_one) };
        row.check("").is_ok().then_some((port, row))
    };
    most.into_iter().take(MOST_PORTS).filter_map(row).collect()
}

fn mean(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = numbers.fold((0.0, 0.0), |(sum, count), one| (sum + one, count + 1.0));
    (count > 0.0).then(|| rounded(sum / count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(rate: f64, days: f64, ports: &[(u16, f64)]) -> Knowledge {
        let row = KindRow { sources_a_day: rate, shape: 0.3, phi: Some(1.2), volatility: None };
        let port = |(number, sources_a_day): &(u16, f64)| {
            (Port::tcp(*number), PortRow { sources_a_day: *sources_a_day, days })
        };
        Knowledge {
            kinds: BTreeMap::from([(KeyKind::Port, row)]),
            ports: ports.iter().map(port).collect(),
            ..Knowledge::default()
        }
    }

    #[test]
    fn a_new_machine_is_given_the_mean_rate_and_one_that_never_saw_a_port_counts_as_none() {
        let known = [one(10.0, 5.0, &[(22, 30.0), (23, 8.0)]), one(20.0, 5.0, &[(22, 10.0)])];
        let merged = Knowledge::merged(&known).unwrap();
        let row = |port: u16| merged.ports[&Port::tcp(port)];
        assert_eq!((row(22).sources_a_day, row(23).sources_a_day, row(22).days), (20.0, 4.0, 5.0));
        assert_eq!(merged.kinds[&KeyKind::Port].sources_a_day, 15.0);
        assert_eq!(merged.kinds[&KeyKind::Port].volatility, None);
        assert_eq!(Knowledge::from_json(&merged.to_json()), Ok(merged));
    }

    #[test]
    fn of_machines_that_were_watched_as_one_each_has_its_part() {
        let all = one(40.0, 5.0, &[(22, 30.0), (23, 2e-4)]);
        let each = all.clone().of_each(4);
        assert_eq!(each.kinds[&KeyKind::Port].sources_a_day, 10.0);
        assert_eq!(each.ports[&Port::tcp(22)].sources_a_day, 7.5);
        assert_eq!(each.ports.len(), 1, "what is rarer than any rate that is told is left out");
        assert_eq!(Knowledge::from_json(&each.to_json()), Ok(each));
        assert_eq!((all.clone().of_each(1), all.clone().of_each(0)), (all.clone(), all));
    }

    #[test]
    fn who_has_watched_longer_counts_for_more_and_who_knows_nothing_for_nothing() {
        let known = [one(1.0, 9.0, &[(22, 10.0)]), one(1.0, 1.0, &[(22, 110.0)])];
        let merged = Knowledge::merged(&known).unwrap();
        assert_eq!(merged.ports[&Port::tcp(22)].sources_a_day, 20.0);
        let with_nobody = [known[0].clone(), known[1].clone(), Knowledge::default()];
        assert_eq!(Knowledge::merged(&with_nobody), Some(merged));
        assert_eq!(Knowledge::merged(&[Knowledge::default()]), None);
    }
}
