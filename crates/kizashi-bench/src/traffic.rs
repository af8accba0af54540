//! What a detector is given and what it is judged by: counts of distinct sources in ten-minute bins, and the campaigns among them.

/// Bins in one day.
pub const BINS_A_DAY: usize = 144;
/// Bins in one hour.
pub const BINS_AN_HOUR: usize = 6;

/// Extra sources on one port from a known onset on.
#[derive(Clone, Debug, PartialEq)]
pub struct Campaign {
    /// The port's place in the traffic.
    pub port: usize,
    /// The first bin with extra sources.
    pub onset: usize,
    /// The bin after the last.
    pub end: usize,
    /// Whether the onset is in the first 72 hours.
    pub early: bool,
    /// Extra sources in all.
    pub sources: u32,
}

/// Counts of distinct sources by bin and port, with what is known of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Traffic {
    /// Ports watched.
    pub ports: usize,
    /// Counts, bin by bin, each with one count a port.
    pub counts: Vec<u16>,
    /// The campaigns, which a detector must not see.
    pub campaigns: Vec<Campaign>,
    /// The true mean rate of each port, in sources a bin, where it is known.
    pub rates: Vec<f64>,
}

impl Traffic {
    /// Ten-minute bins.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.counts.len().checked_div(self.ports).unwrap_or(0)
    }

    /// The counts of each port in bin `bin`.
    #[must_use]
    pub fn bin(&self, bin: usize) -> &[u16] {
        self.counts.get(bin * self.ports..(bin + 1) * self.ports).unwrap_or(&[])
    }

    /// One port's counts, each the sum of `bins` bins; what is left over at the end is dropped.
    #[must_use]
    pub fn series(&self, port: usize, bins: usize) -> Vec<f64> {
        let column: Vec<f64> = self
            .counts
            .iter()
            .skip(port)
            .step_by(self.ports.max(1))
            .map(|n| f64::from(*n))
            .collect();
        column.chunks_exact(bins.max(1)).map(|chunk| chunk.iter().sum()).collect()
    }
}

/// One run to be judged, and the same traffic with what came before it, from which a detector may have learned.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The run.
    pub cold: Traffic,
    /// The time before and the run.
    pub carried: Traffic,
    /// How many bins came before.
    pub before: usize,
    /// The seed that the Rust generator made it from, where it did: an oracle asks it for the true rates.
    pub seed: Option<u64>,
    /// The run without its campaigns, where they were laid over real traffic.
    pub without_campaigns: Option<Traffic>,
}

impl Case {
    /// A run and the counts before it, of the same ports.
    #[must_use]
    pub fn new(run: Traffic, before: &[u16]) -> Self {
        let counts = [before, &run.counts].concat();
        let carried =
            Traffic { ports: run.ports, counts, campaigns: Vec::new(), rates: Vec::new() };
        Self {
            before: before.len().checked_div(run.ports).unwrap_or(0),
            cold: run,
            carried,
            seed: None,
            without_campaigns: None,
        }
    }
}
