//! `kizashi score`: any series through ChangeFinder, or through Kizashi's own detector, from standard input to standard output.

use std::io::BufRead;

use kizashi_detect::changefinder::{ChangeFinder, Loss, Settings, Start};
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
    let mut scorer = Scorer::new(call)?;
    terminal.line("t,x,outlier,y,score")?;
    let mut row = 0_u64;
    for (number, line) in input.lines().enumerate() {
        let line = line.map_err(|error| Failure::Asked(format!("standard input: {error}")))?;
        let Some((t, x)) = read(&line, number, row)? else { continue };
        row += 1;
        let [outlier, y, score] = scorer.score(x, number + 1)?;
        let text = |score: Option<f64>| score.map(|score| score.to_string()).unwrap_or_default();
        terminal.line(&format!("{t},{x},{},{},{}", text(outlier), text(y), text(score)))?;
    }
    Ok(())
}

enum Scorer {
    ChangeFinder(Box<ChangeFinder>),
    Kizashi(Box<Watch>),
}

impl Scorer {
    fn new(call: &cli::Score) -> Result<Self, Failure> {
        if call.method == Method::Kizashi {
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
        ChangeFinder::new(settings)
            .map(|finder| Self::ChangeFinder(Box::new(finder)))
            .map_err(|error| Failure::Asked(error.to_string()))
    }

    fn score(&mut self, x: f64, line: usize) -> Result<[Option<f64>; 3], Failure> {
        match self {
            Self::ChangeFinder(finder) => {
                let score = finder.step(x);
                Ok([score.outlier, score.smoothed, score.change])
            }
            Self::Kizashi(watch) => {
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "checked"
                )]
                let count = if x >= 0.0 && x <= f64::from(u32::MAX) && x.fract() == 0.0 {
                    x as u32
                } else {
                    return Err(Failure::Asked(format!(
                        "line {line}: {x} is no count; --method kizashi needs whole numbers from 0 to {}",
                        u32::MAX
                    )));
                };
                watch.close_bin(&[(SeriesId(0), count)]);
                let days = watch.score(SeriesId(0)).map(|evidence| evidence.days);
                Ok([None, None, days])
            }
        }
    }
}

/// `t,x` or `x`; an empty line and a heading in the first line are passed over.
fn read(line: &str, number: usize, row: u64) -> Result<Option<(String, f64)>, Failure> {
    let line = line.trim();
    if line.is_empty() {
        return Ok(None);
    }
    let mut cells = line.split(',');
    let (t, x) = match (cells.next(), cells.next()) {
        (Some(t), Some(x)) => (kizashi_event::escape_for_people(t.trim()), x.trim()),
        _ => (row.to_string(), line),
    };
    match x.parse::<f64>() {
        Ok(x) => Ok(Some((t, x))),
        Err(_) if number == 0 => Ok(None),
        Err(_) => Err(Failure::Asked(format!(
            "line {}: `{}` is no number; each line is t,x or one number",
            number + 1,
            kizashi_event::escape_for_people(x)
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_and_a_heading_are_read() {
        assert!(matches!(read("t,x", 0, 0), Ok(None)));
        assert_eq!(read(" 3 , 4.5 ", 1, 0).unwrap(), Some(("3".to_owned(), 4.5)));
        assert_eq!(read("7", 2, 1).unwrap(), Some(("1".to_owned(), 7.0)));
        assert!(read("seven", 3, 1).is_err());
    }
}
