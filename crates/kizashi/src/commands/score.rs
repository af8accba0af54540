//! `kizashi score`: any series through ChangeFinder, several at once through its form for vectors, or counts through Kizashi's own
//! detector, from standard input to standard output.

use std::io::BufRead;

use kizashi_detect::changefinder::{
    ChangeFinder, LARGEST_DIMENSION, Loss, Rank, Settings, Start, VectorChangeFinder,
};
use kizashi_detect::gamma_poisson::{self, SeriesId, Watch};

use crate::cli::{self, LossName, Method};
use crate::failure::Failure;
use crate::terminal::Terminal;

/// Scores every line of `input`.
pub(crate) fn run(
    call: &cli::Score,
    input: impl BufRead,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let mut scorer: Option<Scorer> = None;
    let mut rank = call.calibrate.then(Rank::new);
    let mut dimension = 1;
    let mut row = 0_u64;
    for (number, line) in input.lines().enumerate() {
        let line = line.map_err(|error| Failure::Asked(format!("standard input: {error}")))?;
        let Some((t, x)) = read(&line, number, row)? else { continue };
        row += 1;
        if scorer.is_none() {
            dimension = x.len();
            terminal.line(&heading(dimension, call.calibrate))?;
        }
        if x.len() != dimension {
            return Err(Failure::Asked(format!(
                "line {}: {} values where the first line has {dimension}",
                number + 1,
                x.len()
            )));
        }
        let scorer = match &mut scorer {
            Some(scorer) => scorer,
            none => none.insert(Scorer::new(call, dimension)?),
        };
        let [outlier, y, score] = scorer.score(&x, number + 1)?;
        let text = |score: Option<f64>| score.map(|score| score.to_string()).unwrap_or_default();
        let x: Vec<String> = x.iter().map(f64::to_string).collect();
        let mut told = format!("{t},{},{},{},{}", x.join(","), text(outlier), text(y), text(score));
        if let Some(rank) = &mut rank {
            told.push(',');
            told.push_str(&text(score.and_then(|score| rank.step(score))));
        }
        terminal.line(&told)?;
    }
    if scorer.is_none() {
        terminal.line(&heading(1, call.calibrate))?;
    }
    Ok(())
}

fn heading(dimension: usize, calibrated: bool) -> String {
    let x = match dimension {
        0 | 1 => "x".to_owned(),
        _ => (1..=dimension).map(|at| format!("x{at}")).collect::<Vec<_>>().join(","),
    };
    format!("t,{x},outlier,y,score{}", if calibrated { ",rank" } else { "" })
}

enum Scorer {
    ChangeFinder(Box<ChangeFinder>),
    Vector(Box<VectorChangeFinder>),
    Kizashi(Box<Watch>),
}

impl Scorer {
    fn new(call: &cli::Score, dimension: usize) -> Result<Self, Failure> {
        let asked = |reason: &str| Err(Failure::Asked(reason.to_owned()));
        if call.method == Method::Kizashi {
            if dimension > 1 {
                return asked("--method kizashi scores one series; give t,x or one number a line");
            }
            return Watch::new(gamma_poisson::Settings::default(), None)
                .map(|watch| Self::Kizashi(Box::new(watch)))
                .map_err(|error| Failure::Asked(error.to_string()));
        }
        let settings = Settings {
            discount: call.r,
            order: call.order,
            smooth: call.smooth,
            smooth2: call.smooth2,
            loss: match call.loss {
                LossName::Log => Loss::Logarithmic,
                LossName::Quadratic => Loss::Quadratic,
                LossName::Hellinger => Loss::Hellinger,
            },
            start: if call.warm { Start::Warm } else { Start::Paper },
        };
        if dimension > 1 && settings.loss != Loss::Logarithmic {
            return asked("several series at once have the logarithmic loss; leave --loss out");
        }
        let scorer = if dimension > 1 {
            VectorChangeFinder::new(settings, dimension)
                .map(|finder| Self::Vector(Box::new(finder)))
        } else {
            ChangeFinder::new(settings).map(|finder| Self::ChangeFinder(Box::new(finder)))
        };
        scorer.map_err(|error| Failure::Asked(error.to_string()))
    }

    fn score(&mut self, x: &[f64], line: usize) -> Result<[Option<f64>; 3], Failure> {
        let first = x.first().copied().unwrap_or(f64::NAN);
        let score = match self {
            Self::ChangeFinder(finder) => finder.step(first),
            Self::Vector(finder) => finder.step(x),
            Self::Kizashi(watch) => {
                watch.close_bin(&[(SeriesId(0), count(first, line)?)]);
                let days = watch.score(SeriesId(0)).map(|evidence| evidence.days);
                return Ok([None, None, days]);
            }
        };
        Ok([score.outlier, score.smoothed, score.change])
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
fn count(x: f64, line: usize) -> Result<u32, Failure> {
    if x >= 0.0 && x <= f64::from(u32::MAX) && x.fract() == 0.0 {
        return Ok(x as u32);
    }
    Err(Failure::Asked(format!(
        "line {line}: {x} is no count; --method kizashi needs whole numbers from 0 to {}",
        u32::MAX
    )))
}

/// `t,x`, `t,x1,x2,…` or `x`; an empty line and a heading in the first line are passed over.
fn read(line: &str, number: usize, row: u64) -> Result<Option<(String, Vec<f64>)>, Failure> {
    let line = line.trim();
    if line.is_empty() {
        return Ok(None);
    }
    // One more than can be scored, so that too many are told of.
    let cells: Vec<&str> = line.split(',').map(str::trim).take(LARGEST_DIMENSION + 2).collect();
    let (t, values) = match cells.as_slice() {
        [t, values @ ..] if !values.is_empty() => (kizashi_event::escape_for_people(t), values),
        alone => (row.to_string(), alone),
    };
    let mut x = Vec::with_capacity(values.len());
    for value in values {
        match value.parse::<f64>() {
            Ok(value) => x.push(value),
            Err(_) if number == 0 => return Ok(None),
            Err(_) => {
                return Err(Failure::Asked(format!(
                    "line {}: `{}` is no number; each line is t,x or one number, or t,x1,x2,…",
                    number + 1,
                    kizashi_event::escape_for_people(value)
                )));
            }
        }
    }
    Ok(Some((t, x)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_and_a_heading_are_read() {
        assert!(matches!(read("t,x", 0, 0), Ok(None)));
        assert_eq!(read(" 3 , 4.5 ", 1, 0).unwrap(), Some(("3".to_owned(), vec![4.5])));
        assert_eq!(read("7", 2, 1).unwrap(), Some(("1".to_owned(), vec![7.0])));
        assert_eq!(read("5,1, 2,3", 2, 1).unwrap(), Some(("5".to_owned(), vec![1.0, 2.0, 3.0])));
        assert!(read("seven", 3, 1).is_err() && read("1,2,x", 3, 1).is_err());
    }
}
