//! Traffic in which nothing falls silent, in every form that a promise on false silences must survive, and what is told of it.
#![allow(
    dead_code,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "numbers of alarms and ticks are small"
)]

use kizashi_detect::silence::{Settings, Silences};

use super::nulls::{Form, Null, Source};

/// One false alarm a week of silences alone.
const A_WEEK: f64 = 1_008.0;
/// As Kizashi watches ports, and the whole sensor.
pub(crate) const PORTS: Settings = Settings {
    ticks_a_false_alarm: A_WEEK,
    least_days: 3,
    least_active: 6,
    experience: 6.0,
    hold: 1_008,
};
pub(crate) const SENSOR: Settings = Settings { least_days: 1, experience: 24.0, hold: 0, ..PORTS };

/// Days that a machine is watched.
pub(crate) const DAYS: u32 = 28;

const fn null(name: &'static str, form: Form, low: f64, high: f64) -> Null {
    Null { name, form, rates: (low, high), machines: 80 }
}

/// The suite.
pub(crate) const NULLS: &[Null] = &[
    null("rare, 0.001 to 0.02 sources a bin", Form::Stationary, 0.001, 0.02),
    null("stationary, 0.05", Form::Stationary, 0.05, 0.05),
    null("stationary, 0.01 to 10, mixed", Form::Stationary, 0.01, 10.0),
    null("negative binomial, phi 3, 0.02 to 5", Form::Clumped(3.0), 0.02, 5.0),
    null("daily 50 %, one phase, 0.05 to 5", Form::Daily(0.5, true), 0.05, 5.0),
    null("daily 90 %, one phase, 0.05 to 5", Form::Daily(0.9, true), 0.05, 5.0),
    null("nights of nothing, 0.05 to 5", Form::Daily(1.0, true), 0.05, 5.0),
    null("nights of nothing, each its hour", Form::Daily(1.0, false), 0.05, 5.0),
    null("weekends at 20 %, 0.05 to 5", Form::Weekly(0.2), 0.05, 5.0),
    null("drift sd 0.5 in 2 days, 0.05 to 5", Form::Drift(0.5, 288.0), 0.05, 5.0),
    null("drift sd 0.7 in 6 h, 0.05 to 5", Form::Drift(0.7, 36.0), 0.05, 5.0),
    null("outages, 0.05 to 5", Form::Outages, 0.05, 5.0),
    null("daily, drift and clumps, 0.01 to 5", Form::All, 0.01, 5.0),
];

/// What was told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) told: u32,
    pub(crate) promised: f64,
}

/// Watches `machines` machines from number `first` on: each port by the ticks in which anything came or, with [`SENSOR`], the
/// machine as a whole by all ticks.
pub(crate) fn run(null: &Null, settings: Settings, first: u32, machines: u32) -> Outcome {
    let mut outcome = Outcome::default();
    let is_sensor = settings == SENSOR;
    if is_sensor && matches!(null.form, Form::Outages) {
        // There the sensor does fall silent.
        return outcome;
    }
    outcome.promised = f64::from(machines) * f64::from(DAYS) / 7.0;
    for machine in first..first + machines {
        let mut source = Source::new(null, 1 + u64::from(machine));
        let Ok(mut silences) = Silences::new(settings) else { return outcome };
        for bin in 0..DAYS * 144 {
            let counts = source.bin(bin);
            let mut active: Vec<u32> = counts.iter().map(|(series, _)| series.0).collect();
            if is_sensor {
                active.truncate(1);
                active.iter_mut().for_each(|series| *series = 0);
            } else if active.is_empty() {
                silences.pass(1);
                continue;
            }
            outcome.told += silences.tick(&active).silent.len() as u32;
        }
    }
    outcome
}
