//! Who is attacked elsewhere in our name. Who forges our address as the source of an attack makes his victim answer to us: SYN-ACK
//! where a port is open, RST where it is closed, errors by ICMP. Counted by the answering address and port, a bounded number of them:
//! when there are more, the half with the fewest answers are put together, so that a real attack stands out of any noise.

use std::collections::HashMap;
use std::net::IpAddr;

use kizashi_event::{BackscatterKind, Port};
use serde::Serialize;

/// Victims that are told apart at once: 0.5 MB.
const MOST_VICTIMS: usize = 4_096;
/// Victims and ports that a report names.
const MOST_NAMED: usize = 20;

/// Answers to what we never asked, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Answers {
    /// SYN-ACK.
    pub syn_ack: u64,
    /// RST.
    pub rst: u64,
    /// ICMP errors and echo replies.
    pub icmp: u64,
}

impl Answers {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.syn_ack + self.rst + self.icmp
    }

    const fn add(&mut self, other: &Self) {
        self.syn_ack += other.syn_ack;
        self.rst += other.rst;
        self.icmp += other.icmp;
    }
}

const fn once(kind: BackscatterKind) -> Answers {
    let one = Answers { syn_ack: 0, rst: 0, icmp: 0 };
    match kind {
        BackscatterKind::SynAck => Answers { syn_ack: 1, ..one },
        BackscatterKind::Rst => Answers { rst: 1, ..one },
        BackscatterKind::Icmp => Answers { icmp: 1, ..one },
    }
}

/// Everything that came back from attacks elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backscatter {
    total: Answers,
    victims: HashMap<(IpAddr, Option<Port>), Answers>,
    /// Of victims that are told apart no more.
    others: Answers,
}

/// A victim, or all victims of one port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attacked {
    /// Who answered; `None` of all together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<IpAddr>,
    /// The port that was attacked, where the answer tells it.
    #[serde(serialize_with = "as_text")]
    pub port: Option<Port>,
    /// Addresses that answered.
    pub sources: u64,
    /// What came.
    #[serde(flatten)]
    pub answers: Answers,
}

impl Backscatter {
    pub(super) fn add(&mut self, source: IpAddr, port: Option<Port>, kind: BackscatterKind) {
        let once = once(kind);
        self.total.add(&once);
        let key = (source, port);
        if self.victims.len() >= MOST_VICTIMS && !self.victims.contains_key(&key) {
            self.put_rare_together();
        }
        self.victims.entry(key).or_default().add(&once);
    }

    /// Keeps the half with the most answers.
    fn put_rare_together(&mut self) {
        let mut ranked: Vec<_> = self.victims.drain().collect();
        ranked.sort_unstable_by_key(|(key, answers)| (std::cmp::Reverse(answers.total()), *key));
        for (_, answers) in ranked.split_off(MOST_VICTIMS / 2) {
            self.others.add(&answers);
        }
        self.victims.extend(ranked);
    }

    /// All of it.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total.total()
    }

    /// All of it by kind.
    #[must_use]
    pub const fn answers(&self) -> &Answers {
        &self.total
    }

    /// Those with the most answers, the most first.
    #[must_use]
    pub fn victims(&self) -> Vec<Attacked> {
        let all = self.victims.iter().map(|(&(source, port), &answers)| Attacked {
            source: Some(source),
            port,
            sources: 1,
            answers,
        });
        ranked(all.collect())
    }

    /// The ports with the most answers, the most first.
    #[must_use]
    pub fn ports(&self) -> Vec<Attacked> {
        let mut ports: HashMap<Option<Port>, (u64, Answers)> = HashMap::new();
        for ((_, port), answers) in &self.victims {
            let (sources, sum) = ports.entry(*port).or_default();
            *sources += 1;
            sum.add(answers);
        }
        let all = ports.into_iter().map(|(port, (sources, answers))| Attacked {
            source: None,
            port,
            sources,
            answers,
        });
        ranked(all.collect())
    }
}

fn as_text<S: serde::Serializer>(port: &Option<Port>, serializer: S) -> Result<S::Ok, S::Error> {
    match port {
        Some(port) => serializer.collect_str(port),
        None => serializer.serialize_none(),
    }
}

fn ranked(mut all: Vec<Attacked>) -> Vec<Attacked> {
    all.sort_unstable_by_key(|one| {
        (std::cmp::Reverse(one.answers.total()), one.source, one.port.map(Port::code))
    });
    all.truncate(MOST_NAMED);
    all
}

impl Serialize for Backscatter {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Told {
            #[serde(flatten)]
            total: Answers,
            victims: Vec<Attacked>,
            ports: Vec<Attacked>,
            others: u64,
        }
        let (victims, ports) = (self.victims(), self.ports());
        Told { total: self.total, victims, ports, others: self.others.total() }
            .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_attack_stands_out_of_any_number_of_strangers() {
        let mut backscatter = Backscatter::default();
        let victim: IpAddr = "198.51.100.7".parse().unwrap();
        for number in 0..100_000_u32 {
            let noise = IpAddr::V4((0x0a00_0000 + number).into());
            backscatter.add(noise, Some(Port::tcp(80)), BackscatterKind::Rst);
            if number % 10 == 0 {
                backscatter.add(victim, Some(Port::tcp(443)), BackscatterKind::SynAck);
            }
        }
        assert!(backscatter.victims.len() <= MOST_VICTIMS);
        let first = &backscatter.victims()[0];
        assert_eq!((first.source, first.port), (Some(victim), Some(Port::tcp(443))));
        assert!(first.answers.syn_ack > 9_900, "{first:?}");
        assert_eq!(backscatter.total(), 110_000);
        let told: u64 = backscatter.victims.values().map(Answers::total).sum();
        assert_eq!(told + backscatter.others.total(), 110_000, "nothing is lost");
    }
}
