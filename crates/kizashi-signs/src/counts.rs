//! Ports by number, and what one bin held in the detector's terms.

use std::collections::HashMap;

use kizashi_event::Port;
use serde::{Deserialize, Serialize};

/// Ports in the order of first sight: at most 196,608, all that there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Port>", into = "Vec<Port>")]
pub(crate) struct SeriesOfPorts {
    ports: Vec<Port>,
    number: HashMap<Port, u32>,
}

impl SeriesOfPorts {
    pub(crate) fn find(&self, port: Port) -> Option<u32> {
        self.number.get(&port).copied()
    }

    #[allow(clippy::cast_possible_truncation, reason = "there are at most 196,608 ports")]
    pub(crate) fn find_or_add(&mut self, port: Port) -> u32 {
        let ports = &mut self.ports;
        *self.number.entry(port).or_insert_with(|| {
            ports.push(port);
            ports.len() as u32 - 1
        })
    }

    pub(crate) fn port(&self, series: u32) -> Option<Port> {
        self.ports.get(series as usize).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.ports.len()
    }
}

impl From<Vec<Port>> for SeriesOfPorts {
    fn from(ports: Vec<Port>) -> Self {
        let number = ports.iter().zip(0_u32..).map(|(port, number)| (*port, number)).collect();
        Self { ports, number }
    }
}

impl From<SeriesOfPorts> for Vec<Port> {
    fn from(series: SeriesOfPorts) -> Self {
        series.ports
    }
}

/// What came to one series in one bin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SeriesCount {
    pub(crate) series: u32,
    pub(crate) events: u64,
    /// Sources that had not come to it for 24 hours.
    pub(crate) fresh: u32,
}

/// The row of a series among rows ordered by series.
pub(crate) fn row_of(rows: &[SeriesCount], series: u32) -> Option<&SeriesCount> {
    rows.get(rows.binary_search_by_key(&series, |row| row.series).ok()?)
}
