//! A port's course as the talk drew it: counts as a blue line with its area, ChangeFinder's score as a red one, each on its own scale.

use std::fmt::Write as _;

use super::Course;
use super::words::{day, thousands};

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 130.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 386.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 108.0;

/// The drawing; `about` says what it is to who cannot see it.
pub(super) fn svg(course: &Course, about: &str) -> String {
    #[allow(clippy::cast_precision_loss, reason = "counts past 2^53 do not come from one machine")]
    let counts: Vec<f64> = course.points.iter().map(|point| point.events as f64).collect();
    let scores: Vec<Option<f64>> = course.points.iter().map(|point| point.score).collect();
    let most = counts.iter().copied().fold(1.0, f64::max);
    let highest = scores.iter().flatten().copied().fold(1.0, f64::max);
    #[allow(clippy::cast_precision_loss, reason = "a few hundred bins")]
    let step = (RIGHT - LEFT) / (counts.len().max(2) - 1) as f64;
    #[allow(clippy::cast_precision_loss, reason = "a few hundred bins")]
    let x = |at: usize| LEFT + step * at as f64;
    let y = |share: f64| BOTTOM - (BOTTOM - TOP) * share.clamp(0.0, 1.0);
    let mut body = String::new();
    let line: Vec<String> = counts
        .iter()
        .enumerate()
        .map(|(at, count)| format!("{:.1},{:.1}", x(at), y(count / most)))
        .collect();
    if let (Some(last), false) = (counts.len().checked_sub(1), line.is_empty()) {
        let _ = write!(
            body,
            "<polygon class=\"area\" points=\"{LEFT:.1},{BOTTOM:.1} {} {:.1},{BOTTOM:.1}\"/><polyline class=\"count\" points=\"{}\"/>",
            line.join(" "),
            x(last),
            line.join(" ")
        );
    }
    let scored: Vec<String> = scores
        .iter()
        .enumerate()
        .filter_map(|(at, score)| Some(format!("{:.1},{:.1}", x(at), y((*score)? / highest))))
        .collect();
    if !scored.is_empty() {
        let _ = write!(body, "<polyline class=\"score\" points=\"{}\"/>", scored.join(" "));
    }
    let mut label = |class: &str, x: f64, y: f64, text: &str| {
        let _ = write!(body, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>");
    };
    label(
        "end",
        LEFT - 4.0,
        TOP + 4.0,
        &thousands(course.points.iter().map(|point| point.events).max().unwrap_or(0)),
    );
    label("end", LEFT - 4.0, BOTTOM, "0");
    label("red", RIGHT + 4.0, TOP + 4.0, &format!("{highest:.1}"));
    if let (Some(first), Some(last)) = (course.points.first(), course.points.last()) {
        label("", LEFT, HEIGHT - 6.0, &day(first.start));
        label("end", RIGHT, HEIGHT - 6.0, &day(last.start));
    }
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\"><path class=\"rule\" d=\"M{LEFT} {TOP}V{BOTTOM}H{RIGHT}\"/>{body}</svg>",
        super::html::escaped(about)
    )
}
