//! Reads the traffic that `scripts/export_series.py` wrote with the Python generator, so that both see the very same counts.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::traffic::{Campaign, Traffic};

/// Why a series could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A file is not there or cannot be read.
    #[error("cannot read {0}: {1}; write the series with scripts/export_series.py")]
    File(PathBuf, std::io::Error),
    /// A file does not hold what it should.
    #[error("{0} is no exported series: {1}; write it anew with scripts/export_series.py")]
    Form(PathBuf, String),
}

#[derive(Deserialize)]
struct Described {
    bins: usize,
    ports: usize,
    camps: Vec<Laid>,
    nu: Vec<f64>,
}

#[derive(Deserialize)]
struct Laid {
    p: usize,
    on: usize,
    end: usize,
    early: bool,
    n: u32,
}

/// The traffic of `seed` in `folder`.
///
/// # Errors
/// When a file is missing or is not as the exporter writes it.
pub fn read(folder: &Path, seed: u64) -> Result<Traffic, ReadError> {
    let path = folder.join(format!("{seed}.json"));
    let text = fs::read(&path).map_err(|error| ReadError::File(path.clone(), error))?;
    let described: Described = serde_json::from_slice(&text)
        .map_err(|error| ReadError::Form(path.clone(), error.to_string()))?;
    let path = folder.join(format!("{seed}.u16"));
    let bytes = fs::read(&path).map_err(|error| ReadError::File(path.clone(), error))?;
    let Described { bins, ports, camps, nu } = described;
    if bytes.len() != bins * ports * 2 {
        let form = format!("{} bytes are not {bins} bins of {ports} ports", bytes.len());
        return Err(ReadError::Form(path, form));
    }
    if camps.iter().any(|laid| laid.p >= ports || laid.on >= laid.end || laid.end > bins) {
        return Err(ReadError::Form(path, "a campaign is outside it".to_owned()));
    }
    if nu.len() != ports {
        return Err(ReadError::Form(path, "a port has no rate".to_owned()));
    }
    let counts = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let campaign = |laid: Laid| Campaign {
        port: laid.p,
        onset: laid.on,
        end: laid.end,
        early: laid.early,
        sources: laid.n,
    };
    let campaigns = camps.into_iter().map(campaign).collect();
    Ok(Traffic { ports, counts, campaigns, rates: nu })
}
