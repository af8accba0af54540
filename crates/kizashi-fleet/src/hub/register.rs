//! What of [`Seen`] is written down, and when. A record is acknowledged when it is committed, and its sensor may send it again long after (the
//! servers' own acknowledgement was lost, and it was cut off), so which records the hub has must be known to its next start without a gap: a
//! window written less often than each batch would forget records that nobody sends again, and tell them as missed. But a window is some 400
//! bytes, and most batches bring a record or two of each sensor. So with each batch a page goes into a journal, of nothing but the records that
//! came; the windows themselves are written, those that changed, when the journal is full, and it begins anew. All of one batch is one
//! transaction of the keeper's.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::Keeper;
use super::seen::{Arrival, Seen};
use crate::name::SensorName;
use crate::record::Place;

/// The name under which it is kept which journal counts; a page's has its number behind, a window's its sensor.
const JOURNAL: &str = "fleet/seen-journal";
const WINDOWS: &str = "fleet/seen";
/// Pages of a journal at most: at the most batches a second, half a minute.
const MOST_PAGES: u32 = 256;
/// Bytes of its pages after which it is full as well.
const MOST_BYTES: usize = 4 << 20;

/// One batch's records.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Page {
    /// The journal that it belongs to; a page of an earlier one is nobody's.
    journal: u64,
    came: BTreeMap<String, Vec<Place>>,
}

/// Which records the hub has, of all sensors.
#[derive(Debug, Default)]
pub(super) struct Register {
    windows: HashMap<SensorName, Seen>,
    /// Sensors of which records came since their windows were written.
    changed: BTreeSet<SensorName>,
    /// What came since the last page.
    page: Page,
    pages: u32,
    bytes: usize,
}

impl Register {
    /// Goes on from what was kept.
    pub(super) fn open(keeper: &dyn Keeper) -> Self {
        let journal = keeper.named(JOURNAL).and_then(|bytes| postcard::from_bytes(&bytes).ok());
        let mut this = Self::default();
        this.page.journal = journal.unwrap_or(0);
        while this.pages < MOST_PAGES {
            let Some(bytes) = keeper.named(&page_name(this.pages)) else { break };
            let page = postcard::from_bytes::<Page>(&bytes);
            let Some(page) = page.ok().filter(|page| page.journal == this.page.journal) else {
                break;
            };
            for (name, places) in page.came {
                let Ok(name) = SensorName::parse(&name) else { continue };
                let window = this.window(&name, keeper);
                for place in places {
                    let _ = window.note(place);
                }
                this.changed.insert(name);
            }
            this.pages += 1;
            this.bytes += bytes.len();
        }
        this
    }

    fn window(&mut self, sensor: &SensorName, keeper: &dyn Keeper) -> &mut Seen {
        self.windows.entry(sensor.clone()).or_insert_with(|| {
            let kept = keeper.named(&window_name(sensor));
            kept.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
        })
    }

    /// Takes note of a record.
    pub(super) fn note(
        &mut self,
        sensor: &SensorName,
        place: Place,
        keeper: &dyn Keeper,
    ) -> Arrival {
        let arrival = self.window(sensor, keeper).note(place);
        if let Arrival::New { .. } = arrival {
            match self.page.came.get_mut(sensor.as_str()) {
                Some(places) => places.push(place),
                None => drop(self.page.came.insert(sensor.to_string(), vec![place])),
            }
            if !self.changed.contains(sensor) {
                self.changed.insert(sensor.clone());
            }
        }
        arrival
    }

    /// What is to be kept with the batch whose records were noted since this was called last: nothing where there were none, else a page, or, where
    /// the journal is full, the windows that changed.
    pub(super) fn take_changes(&mut self) -> Vec<(String, Vec<u8>)> {
        if self.page.came.is_empty() {
            return Vec::new();
        }
        let page = postcard::to_allocvec(&self.page).unwrap_or_default();
        self.page.came.clear();
        let is_full = self.pages >= MOST_PAGES || self.bytes + page.len() > MOST_BYTES;
        if !is_full && !page.is_empty() {
            let name = page_name(self.pages);
            self.pages += 1;
            self.bytes += page.len();
            return vec![(name, page)];
        }
        self.page.journal += 1;
        (self.pages, self.bytes) = (0, 0);
        let changed = std::mem::take(&mut self.changed);
        let mut kept: Vec<(String, Vec<u8>)> = changed
            .iter()
            .filter_map(|sensor| {
                let window = serde_json::to_vec(self.windows.get(sensor)?).ok()?;
                Some((window_name(sensor), window))
            })
            .collect();
        let journal = postcard::to_allocvec(&self.page.journal).unwrap_or_default();
        kept.push((JOURNAL.to_owned(), journal));
        kept
    }
}

fn window_name(sensor: &SensorName) -> String {
    format!("{WINDOWS}/{sensor}")
}

fn page_name(number: u32) -> String {
    format!("{JOURNAL}/{number}")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Mutex;

    use kizashi_event::Event;
    use proptest::prelude::*;

    use super::*;

    /// Keeps names in memory, and counts rows and bytes that were written.
    #[derive(Default)]
    struct Shelf {
        named: Mutex<HashMap<String, Vec<u8>>>,
        written: Mutex<(usize, usize)>,
    }

    impl Keeper for Shelf {
        fn keep(&self, _: &[Event], named: &[(String, Vec<u8>)]) -> Result<(), String> {
            let mut written = self.written.lock().unwrap();
            for (name, value) in named {
                *written = (written.0 + 1, written.1 + value.len());
                self.named.lock().unwrap().insert(name.clone(), value.clone());
            }
            Ok(())
        }

        fn named(&self, name: &str) -> Option<Vec<u8>> {
            self.named.lock().unwrap().get(name).cloned()
        }
    }

    fn sensor(number: usize) -> SensorName {
        SensorName::parse(&format!("s{number}")).unwrap()
    }

    fn place(epoch: u64, number: u64) -> Place {
        Place { epoch, number }
    }

    #[test]
    fn a_batch_costs_a_page_of_what_came_and_windows_are_written_once_for_many_batches() {
        let (shelf, mut register) = (Shelf::default(), Register::default());
        const SENSORS: usize = 200;
        for batch in 1..=600 {
            for number in 0..SENSORS {
                register.note(&sensor(number), place(7, batch), &shelf);
            }
            shelf.keep(&[], &register.take_changes()).unwrap();
        }
        let (rows, bytes) = *shelf.written.lock().unwrap();
        // Two journals were full in 600 batches: 600 rows, and twice the windows; each window in each batch were 120,000 rows.
        assert_eq!(rows, 600 + 2 * SENSORS, "each full one is a batch's too");
        assert!(bytes < 600 * SENSORS * 12, "{bytes} bytes, where windows alone were 400 a sensor");
        assert_eq!(register.take_changes(), [], "where nothing came nothing is written");
    }

    #[test]
    fn the_journal_begins_anew_before_its_pages_are_much() {
        let (shelf, mut register) = (Shelf::default(), Register::default());
        let mut number = 0;
        for _ in 0..70 {
            for _ in 0..10_000 {
                number += 1;
                register.note(&sensor(1), place(u64::MAX, number), &shelf);
            }
            shelf.keep(&[], &register.take_changes()).unwrap();
            assert!(register.bytes <= MOST_BYTES);
        }
        assert!(register.page.journal > 1);
        let mut again = Register::open(&shelf);
        assert_eq!(again.note(&sensor(1), place(u64::MAX, number), &shelf), Arrival::Again);
        let next = again.note(&sensor(1), place(u64::MAX, number + 1), &shelf);
        assert_eq!(next, Arrival::New { missed: 0 }, "nothing is told as missed");
    }

    #[test]
    fn what_was_kept_before_there_was_a_journal_is_known() {
        let shelf = Shelf::default();
        let mut seen = Seen::default();
        seen.note(place(3, 9));
        let before = ("fleet/seen/s4".to_owned(), serde_json::to_vec(&seen).unwrap());
        shelf.keep(&[], &[before]).unwrap();
        let mut register = Register::open(&shelf);
        assert_eq!(register.note(&sensor(4), place(3, 9), &shelf), Arrival::Again);
    }

    proptest! {
        /// A hub that is killed after any batch, at whatever page of the journal, with spools that begin anew in between.
        #[test]
        fn a_record_that_was_committed_is_known_to_every_later_start(
            batches in prop::collection::vec(
                (prop::collection::vec((0_usize..4, 0_u64..40, 0_u64..2), 0..6), 0_u32..20),
                1..120,
            ),
            already in 0_u32..300,
        ) {
            let (shelf, mut register) = (Shelf::default(), Register::default());
            // So that journals become full at any place.
            for number in 0..already {
                register.note(&sensor(9), place(1, u64::from(number) + 1), &shelf);
                shelf.keep(&[], &register.take_changes()).unwrap();
            }
            let (mut truth, mut one) = (HashSet::new(), HashMap::<usize, Seen>::new());
            for (records, restarts) in batches {
                for (number, record, epoch) in records {
                    let of = place(epoch, record + 1);
                    let arrival = register.note(&sensor(number), of, &shelf);
                    // As one window that was never written and read.
                    prop_assert_eq!(arrival, one.entry(number).or_default().note(of));
                    truth.insert(number);
                }
                shelf.keep(&[], &register.take_changes()).unwrap();
                if restarts == 0 {
                    register = Register::open(&shelf);
                }
            }
            let mut register = Register::open(&shelf);
            for number in truth {
                prop_assert_eq!(register.window(&sensor(number), &shelf), &one[&number]);
            }
        }
    }
}
