//! What fell silent: ports, and the whole sensor. Ports are judged only by ten minutes in which something came somewhere, so that an
//! outage of the sensor is told once, of the sensor; the sensor by all ten minutes that pass.

use kizashi_detect::gamma_poisson::{BINS_A_DAY, MOST_DAYS};
use kizashi_detect::silence::{Settings, SettingsError, Silence, Silences};
use serde::{Deserialize, Serialize};

use crate::key_series::{SHARE_OF_SILENT_PORTS, SHARE_OF_SILENT_SENSOR};

/// The number of the one series of the sensor's own watch.
const SENSOR: u32 = 0;
/// Ten minutes a day that had a visitor, at its worst: with fewer, silence says nothing for a week.
const LEAST_ACTIVE: u8 = 6;
/// Days of history that a port needs, and that the sensor needs.
const DAYS_OF_PORT: u8 = 3;
const DAYS_OF_SENSOR: u8 = 1;
/// Bins after the begin of a wave in which its end is no fall: 14 days.
const WAVE: i64 = 14 * BINS_A_DAY as i64;
/// Ten minutes after which a port that was told may be told again: a week. Whoever comes and goes is no news each time.
const HOLD_OF_PORT: u32 = 7 * BINS_A_DAY;
/// Active ten minutes that a port's experience is worth at most, and the sensor's: the sum of all ports goes more evenly.
const EXPERIENCE_OF_PORT: f64 = 6.0;
const EXPERIENCE_OF_SENSOR: f64 = 24.0;

/// Ticks between two false alarms where so many a week are split by this share.
fn ticks(false_alarms_per_week: f64, share: f64) -> f64 {
    (f64::from(7 * BINS_A_DAY) / (false_alarms_per_week * share)).max(1.0)
}

/// The watch over silences.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Falls {
    ports: Silences,
    sensor: Silences,
    /// The bin that the watch over ports takes next.
    next: i64,
    /// The bin of each port's last visit.
    last: Vec<i64>,
    /// The bin in which each port last began to rise; before all bins where it never did.
    rose: Vec<i64>,
    /// The last bin in which anything came.
    heard: i64,
    /// Watches that have the promise together.
    watches: u32,
}

/// Something fell silent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fall {
    /// The port's series; `None` for the whole sensor.
    pub(crate) port: Option<u32>,
    /// The bin of the last visit.
    pub(crate) last: i64,
    /// By chance at most once in so many days over everything watched.
    pub(crate) days: f64,
    pub(crate) silence: Silence,
}

/// What a bin in which something came told.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) fell: Vec<Fall>,
    /// Told as silent, and back: ports by their series, the sensor as `None`.
    pub(crate) back: Vec<Option<u32>>,
}

impl Falls {
    /// A watch that has seen nothing, with its share of so many false alarms a week.
    pub(crate) fn new(false_alarms_per_week: f64) -> Result<Self, SettingsError> {
        let ports = Settings {
            ticks_a_false_alarm: ticks(false_alarms_per_week, SHARE_OF_SILENT_PORTS),
            least_days: DAYS_OF_PORT,
            least_active: LEAST_ACTIVE,
            experience: EXPERIENCE_OF_PORT,
            hold: HOLD_OF_PORT,
        };
        let sensor = Settings {
            ticks_a_false_alarm: ticks(false_alarms_per_week, SHARE_OF_SILENT_SENSOR),
            least_days: DAYS_OF_SENSOR,
            experience: EXPERIENCE_OF_SENSOR,
            hold: 0,
            ..ports
        };
        Ok(Self {
            ports: Silences::new(ports)?,
            sensor: Silences::new(sensor)?,
            next: 0,
            last: Vec::new(),
            rose: Vec::new(),
            heard: 0,
            watches: 1,
        })
    }

    /// Changes the promise from the next bin on.
    pub(crate) fn promise(&mut self, false_alarms_per_week: f64) -> Result<(), SettingsError> {
        self.ports.promise(ticks(false_alarms_per_week, SHARE_OF_SILENT_PORTS))?;
        self.sensor.promise(ticks(false_alarms_per_week, SHARE_OF_SILENT_SENSOR))
    }

    /// Says that so many such watches, this one among them, have the promise together.
    pub(crate) fn promise_over(&mut self, watches: u32) {
        self.watches = watches.max(1);
        self.ports.promise_over(watches);
        self.sensor.promise_over(watches);
    }

    /// Takes a bin in which something came to these ports.
    pub(crate) fn hear(&mut self, bin: i64, ports: &[u32]) -> Heard {
        for &port in ports {
            let port = port as usize;
            if port >= self.last.len() {
                self.last.resize(port + 1, bin);
                self.rose.resize(port + 1, i64::MIN);
            }
            self.last[port] = bin;
        }
        self.heard = bin;
        let missed = bin.saturating_sub(self.next).max(0);
        if missed > 0 {
            self.ports.pass(u32::try_from(missed).unwrap_or(u32::MAX));
        }
        self.next = bin.saturating_add(1);
        let (ports, sensor) = (self.ports.tick(ports), self.sensor.tick(&[SENSOR]));
        // What comes to an end there is the wave, of which a sign has told already.
        let is_usual = |silence: &&Silence| {
            let rose = self.rose.get(silence.series as usize).copied().unwrap_or(i64::MIN);
            bin.saturating_sub(rose) >= WAVE
        };
        let fell = ports.silent.iter().filter(is_usual).map(|silence| Fall {
            port: Some(silence.series),
            last: self.last.get(silence.series as usize).copied().unwrap_or(bin),
            days: days(silence, SHARE_OF_SILENT_PORTS / f64::from(self.watches)),
            silence: *silence,
        });
        let back = ports.back.into_iter().map(Some).chain(sensor.back.iter().map(|_| None));
        Heard { fell: fell.collect(), back: back.collect() }
    }

    /// A sign told that a port rises, in this bin.
    pub(crate) fn note_rise(&mut self, port: u32, bin: i64) {
        if let Some(rose) = self.rose.get_mut(port as usize) {
            *rose = bin;
        }
    }

    /// Takes bins in which nothing came: one, or any number when [`Self::is_settled`].
    pub(crate) fn pass(&mut self, bins: u64) -> Vec<Fall> {
        if bins > 1 {
            self.sensor.leap(u32::try_from(bins).unwrap_or(u32::MAX));
            return Vec::new();
        }
        let told = self.sensor.tick(&[]).silent;
        let fall = |silence: Silence| Fall {
            port: None,
            last: self.heard,
            days: days(&silence, SHARE_OF_SILENT_SENSOR / f64::from(self.watches)),
            silence,
        };
        told.into_iter().map(fall).collect()
    }

    /// Whether nothing can be told before something comes.
    pub(crate) fn is_settled(&self) -> bool {
        self.sensor.is_settled()
    }

    /// The silence of a port or of the sensor now, where one goes on that is not told.
    pub(crate) fn silence(&self, port: Option<u32>) -> Option<Silence> {
        match port {
            Some(series) => self.ports.silence(series),
            None => self.sensor.silence(SENSOR),
        }
    }
}

fn days(silence: &Silence, share: f64) -> f64 {
    (silence.ticks_by_chance(share) / f64::from(BINS_A_DAY)).min(MOST_DAYS)
}
