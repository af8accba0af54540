//! Numbers of evidence as people read them: they span hundreds of powers of ten.

use crate::screen::thousands;

/// A number given by its natural logarithm: whole below a million, `3.2e7` above, `4.1e-3` where it is small.
pub(super) fn of_log_or_none(log: Option<f64>) -> String {
    log.map_or_else(|| "–".to_owned(), of_log)
}

pub(super) fn of_log(log: f64) -> String {
    if log == f64::NEG_INFINITY || log < -700.0 {
        return "0".to_owned();
    }
    let tens = log / std::f64::consts::LN_10;
    if (0.95..6.0).contains(&tens) {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "below a million"
        )]
        return thousands(log.exp().round() as u64);
    }
    if (-2.0..0.95).contains(&tens) {
        return format!("{:.2}", log.exp());
    }
    let power = tens.floor();
    let mantissa = 10.0_f64.powf(tens - power);
    // 9.96 would round up to ten.
    let (mantissa, power) = if mantissa >= 9.95 { (1.0, power + 1.0) } else { (mantissa, power) };
    format!("{mantissa:.1}e{power:.0}")
}

/// A number with no more digits than it deserves.
pub(super) fn plain(number: f64) -> String {
    if !number.is_finite() {
        return "unknown".to_owned();
    }
    match number.abs() {
        size if size >= 9.95 => {
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "`as` saturates"
            )]
            return thousands(number.abs().round() as u64);
        }
        size if size >= 0.995 => format!("{number:.1}"),
        size if size >= 0.01 || size == 0.0 => format!("{number:.2}"),
        _ => format!("{number:.1e}"),
    }
}

/// So many ten-minute bins in the unit that fits: `20 min`, `6 h`, `3 d`, `9.1 years`.
pub(super) fn span_of_bins(bins: f64) -> String {
    let minutes = bins * 10.0;
    match minutes {
        m if m < 120.0 => format!("{m:.0} min"),
        m if m < 2_880.0 => format!("{} h", short(m / 60.0)),
        m if m < 2.0 * 525_960.0 => format!("{} d", short(m / 1_440.0)),
        m => format!("{} years", plain(m / 525_960.0)),
    }
}

/// One digit behind the point, where it is not 0.
fn short(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_readable_from_nothing_to_beyond_counting() {
        let shown = [f64::NEG_INFINITY, -9.0, 0.0, 1.0, 7.0, 13.7, 17.0, 900.0].map(of_log);
        assert_eq!(shown, ["0", "1.2e-4", "1.00", "2.72", "1,097", "890,911", "2.4e7", "7.3e390"]);
        assert_eq!(of_log((9.97e7_f64).ln()), "1.0e8");
    }

    #[test]
    fn numbers_and_spans_have_the_digits_they_deserve() {
        let shown = [0.0, 0.0004, 0.25, 1.25, 12.3, 477_120.0, f64::NAN].map(plain);
        assert_eq!(shown, ["0.00", "4.0e-4", "0.25", "1.2", "12", "477,120", "unknown"]);
        let shown = [1.0, 8.0, 36.0, 288.0, 50_000.0, 477_120.0].map(span_of_bins);
        assert_eq!(shown, ["10 min", "80 min", "6 h", "2 d", "347.2 d", "9.1 years"]);
    }
}
