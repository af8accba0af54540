//! Real traffic: three months of nine honeypots at Amazon in 2013 (Data-Driven Security, CC BY-SA 4.0), as distinct sources a port
//! (a source counts once in 24 hours a port), with campaigns laid over it.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use jiff::civil::DateTime;

use crate::campaign::{Ground, lay};
use crate::chance::Chance;
use crate::synthetic::DAYS;
use crate::traffic::{BINS_A_DAY, Case, Traffic};

/// Where the background is, seen from the project's root.
pub const FILE: &str = "../shared/data/aws-honeypots-2013-03-to-06.csv.gz";
/// The first whole day.
pub const FIRST_DAY: &str = "2013-03-04T00:00:00";
/// Days before the first and the second run, from which a prior is learned.
pub const LEARNED: [usize; 2] = [31, 62];
/// The ports that the talk names.
const NAMED: [u16; 9] = [2223, 4899, 5900, 445, 2222, 80, 1433, 2323, 25];

/// Why the background could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BackgroundError {
    /// The file is not there or not readable.
    #[error("cannot read the real traffic: {0}")]
    File(#[from] std::io::Error),
    /// A line is not as it should be.
    #[error("line {0} of the real traffic is no packet")]
    Line(usize),
}

/// The real traffic, without campaigns.
#[derive(Clone, Debug)]
pub struct Background {
    /// What each column counts, as `445/tcp`; the talk's ports first.
    pub names: Vec<String>,
    /// The counts.
    pub traffic: Traffic,
}

type PortKey = (bool, u16);

/// Reads the background from whole day to whole day.
///
/// # Errors
/// When the file is missing or a line is no packet.
pub fn read(path: &Path) -> Result<Background, BackgroundError> {
    let first: DateTime = FIRST_DAY.parse().map_err(|_| BackgroundError::Line(0))?;
    let mut places: HashMap<PortKey, usize> =
        NAMED.iter().enumerate().map(|(place, port)| ((false, *port), place)).collect();
    let mut names: Vec<String> = NAMED.iter().map(|port| format!("{port}/tcp")).collect();
    let mut last_seen: HashMap<(u32, PortKey), i64> = HashMap::new();
    let mut arrivals: Vec<(usize, usize)> = Vec::new();
    for (number, line) in
        BufReader::new(MultiGzDecoder::new(File::open(path)?)).lines().enumerate().skip(1)
    {
        let (time, source, key) = packet(&line?).ok_or(BackgroundError::Line(number + 1))?;
        let Some(key) = key else { continue };
        let seconds = time.duration_since(first).as_secs();
        let seen = last_seen.entry((source, key)).or_insert(i64::MIN / 2);
        if seconds - *seen < 86_400 {
            continue;
        }
        *seen = seconds;
        let Ok(bin) = usize::try_from(seconds.div_euclid(600)) else { continue };
        let place = *places.entry(key).or_insert_with(|| {
            names.push(format!("{}/{}", key.1, if key.0 { "udp" } else { "tcp" }));
            names.len() - 1
        });
        arrivals.push((bin, place));
    }
    let days = arrivals.iter().map(|(bin, _)| bin / BINS_A_DAY).max().unwrap_or(0);
    let ports = names.len();
    let mut counts = vec![0_u16; days * BINS_A_DAY * ports];
    for (bin, place) in arrivals {
        if let Some(count) = counts.get_mut(bin * ports + place) {
            *count = count.saturating_add(1);
        }
    }
    Ok(Background {
        names,
        traffic: Traffic { ports, counts, campaigns: Vec::new(), rates: Vec::new() },
    })
}

/// Time, source and port of a line; no port for ICMP.
fn packet(line: &str) -> Option<(DateTime, u32, Option<PortKey>)> {
    let cells: Vec<&str> = line.split(',').collect();
    let &[time, _, source, protocol, _, _, port] = cells.as_slice() else { return None };
    let time = time.parse().ok()?;
    let key = match protocol {
        "TCP" => Some((false, port.parse().ok()?)),
        "UDP" => Some((true, port.parse().ok()?)),
        _ => None,
    };
    Some((time, source.parse().ok()?, key))
}

impl Background {
    /// 31 days after `learned` days, with the campaigns of `seed`, and what came before them.
    #[must_use]
    pub fn with_campaigns(&self, learned: usize, seed: u64) -> Case {
        let start = learned * BINS_A_DAY * self.traffic.ports;
        let end = (learned + DAYS) * BINS_A_DAY * self.traffic.ports;
        let mut counts = self.traffic.counts[start..end].to_vec();
        let quiet = Traffic {
            ports: self.traffic.ports,
            counts: counts.clone(),
            campaigns: Vec::new(),
            rates: Vec::new(),
        };
        let rates = mean_rates(&counts, self.traffic.ports);
        let heard = vec![true; DAYS * BINS_A_DAY];
        let ground = Ground { rates: &rates, named: NAMED.len(), heard: &heard };
        let campaigns = lay(&mut Chance::new(seed), ground, &mut counts);
        let run = Traffic { ports: self.traffic.ports, counts, campaigns, rates };
        let case = Case::new(run, &self.traffic.counts[..start]);
        Case { without_campaigns: Some(quiet), ..case }
    }
}

#[allow(clippy::cast_precision_loss, reason = "thousands of bins")]
fn mean_rates(counts: &[u16], ports: usize) -> Vec<f64> {
    let mut sums = vec![0.0; ports];
    for row in counts.chunks_exact(ports) {
        for (sum, count) in sums.iter_mut().zip(row) {
            *sum += f64::from(*count);
        }
    }
    let bins = (counts.len() / ports) as f64;
    sums.into_iter().map(|sum| sum / bins).collect()
}
