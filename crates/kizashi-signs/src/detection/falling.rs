//! Signs that something stopped: raised when silence goes beyond chance, and over when somebody comes again.

use kizashi_event::{Key, KeyKind, Port, Timestamp};

use super::raising::MOST_NAMED;
use super::{BIN, Closed, Merge};
use crate::falls::Fall;
use crate::open_sign::{Expected, OpenSign};
use crate::ports::port_info;
use crate::shares::{In, Readable, Which};
use crate::{Severity, Sign, SignKind};

/// Microseconds between the last visits of two ports that fall silent for one cause.
const TOGETHER: i64 = 3 * Timestamp::HOUR;
/// Ports that fall silent together from which on it wants a look today.
const MANY: usize = 3;
/// Expected visits times this bound, of none that came, are the upper end of the ratio's central 95 % interval: −log 0.025.
const NONE_CAME: f64 = 3.689;

impl Merge {
    /// Raises signs of what fell silent with the bin that ended at `end`.
    pub(super) fn raise_silences(
        &mut self,
        shares: &impl Readable,
        end: Timestamp,
        fell: &[Fall],
        closed: &mut Closed,
    ) {
        for fall in fell {
            let since = self.origin.plus(BIN.saturating_mul(fall.last.saturating_add(1)));
            match fall.port {
                None => {
                    let rate = self.rate_of_all(shares);
                    let open =
                        silent(SignKind::SensorSilent, &Key::total(), since, end, fall, rate);
                    closed.raised.push(open.sign.clone());
                    self.open.push(open);
                }
                Some(series) => self.raise_silent_port(shares, (series, since), end, fall, closed),
            }
        }
    }

    fn raise_silent_port(
        &mut self,
        shares: &impl Readable,
        (series, since): (u32, Timestamp),
        end: Timestamp,
        fall: &Fall,
        closed: &mut Closed,
    ) {
        let Some(port) = self.series.port(series) else { return };
        let is_one_cause = |open: &OpenSign| {
            open.sign.kind == SignKind::PortSilent && open.sign.since.since(since).abs() <= TOGETHER
        };
        if let Some(open) = self.open.iter_mut().find(|open| is_one_cause(open)) {
            open.silent_too(series, port);
            closed.now_is(&open.sign);
            return;
        }
        let id = kizashi_detect::gamma_poisson::SeriesId(series);
        let rate = self.watch.rate(&In(shares, Which::Ports), id).unwrap_or(0.0);
        let mut open = silent(SignKind::PortSilent, &Key::port(port), since, end, fall, rate);
        open.series.push(series);
        open.sign.label = port_info(port).title.into_owned();
        open.sign.ports.push(port.to_string());
        closed.raised.push(open.sign.clone());
        self.open.push(open);
    }

    /// Ends the signs of what is back in the bin that ended at `end`.
    pub(super) fn end_silences(
        &mut self,
        end: Timestamp,
        back: &[Option<u32>],
        closed: &mut Closed,
    ) {
        if back.is_empty() {
            return;
        }
        self.open.retain_mut(|open| {
            match open.sign.kind {
                SignKind::SensorSilent if back.contains(&None) => {}
                SignKind::PortSilent => {
                    open.series.retain(|series| !back.contains(&Some(*series)));
                    if !open.series.is_empty() {
                        return true;
                    }
                }
                _ => return true,
            }
            open.end(end);
            closed.now_is(&open.sign);
            false
        });
    }

    /// Sources a bin that are usual over all ports.
    fn rate_of_all(&self, shares: &impl Readable) -> f64 {
        let total = self.keys.keys.find(&Key::new(KeyKind::Total, ""));
        let rate = total.and_then(|series| {
            let id = kizashi_detect::gamma_poisson::SeriesId(series);
            self.keys.watch().rate(&In(shares, Which::Keys), id)
        });
        rate.unwrap_or(0.0)
    }
}

impl OpenSign {
    /// Another port fell silent at the same time.
    fn silent_too(&mut self, series: u32, port: Port) {
        self.series.push(series);
        self.sign.rising += 1;
        if self.sign.ports.len() < MOST_NAMED {
            self.sign.ports.push(port.to_string());
        }
        if self.sign.rising >= MANY {
            self.sign.severity = Severity::Medium;
        }
    }
}

/// The sign of a silence of what had `rate` sources a bin.
fn silent(
    kind: SignKind,
    key: &Key,
    since: Timestamp,
    end: Timestamp,
    fall: &Fall,
    rate: f64,
) -> OpenSign {
    let mut sign = Sign::begun(kind, key, end);
    sign.id.push_str(Sign::SILENT);
    sign.label = "the whole sensor".to_owned();
    sign.since = since;
    sign.days = fall.days;
    #[allow(clippy::cast_precision_loss, reason = "at most some thousand bins")]
    let bins = (end.since(since) / BIN) as f64;
    sign.expected_sources = rate * bins;
    sign.before = rate * f64::from(kizashi_detect::gamma_poisson::BINS_A_DAY);
    (sign.ratio, sign.ratio_low) = (0.0, 0.0);
    sign.ratio_high = (NONE_CAME / fall.silence.expected.max(f64::MIN_POSITIVE)).min(1.0);
    sign.severity = if kind == SignKind::SensorSilent { Severity::High } else { Severity::Low };
    OpenSign {
        sign,
        series: Vec::new(),
        expected: Expected::Together(rate),
        exposed_before: 0.0,
        fresh_from: None,
        silence: Some(fall.silence),
        joined: Vec::new(),
        dossier: crate::dossier::Dossier::default(),
    }
}
