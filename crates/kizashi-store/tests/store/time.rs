//! Closing, lateness, and clocks that are wrong.

use kizashi_event::{Detail, Event, Key, Port, Timestamp};
use kizashi_store::{BinLength, ClosedBin, Mode, Span, Store};
use proptest::prelude::*;

use crate::support::{Folder, event, live, midnight, settings};

const MINUTE: i64 = 60 * Timestamp::SECOND;

fn connect(number: u64, minute: i64, source: u32) -> Event {
    event(number, midnight().plus(minute * MINUTE), source, 22, Detail::Connect)
}

fn stored_bins(store: &Store) -> Vec<ClosedBin> {
    let mut bins = Vec::new();
    store.reader().unwrap().closed_bins(None, |bin| bins.push(bin)).unwrap();
    bins
}

#[test]
fn ten_minutes_close_once_and_what_comes_later_is_counted_apart() {
    let folder = Folder::new();
    let store = live(&folder, midnight().plus(Timestamp::DAY));
    store.write(vec![connect(1, 1, 1), connect(2, 2, 2), connect(3, 11, 1)]).unwrap();
    store.flush().unwrap();
    let closed = store.close_bins(midnight().plus(19 * MINUTE)).unwrap();
    assert_eq!(closed.len(), 1);
    assert_eq!((closed[0].start, closed[0].ports[0].events), (midnight(), 2));
    assert_eq!(closed[0].ports[0].sources.len(), 2);
    store.write(vec![connect(4, 3, 9)]).unwrap();
    store.flush().unwrap();
    assert!(store.close_bins(midnight().plus(10 * MINUTE)).unwrap().is_empty(), "closed before");
    assert_eq!(stored_bins(&store), closed, "a late event does not change what detection saw");
    let reader = store.reader().unwrap();
    assert_eq!(reader.overview().unwrap().late, 1);
    let hour = reader.series(&Key::port(Port::tcp(22)), BinLength::Hour, Span::default()).unwrap();
    assert_eq!(hour[0].events, 4, "but it is counted");
}

#[test]
fn closing_goes_on_where_it_stopped_after_a_restart() {
    let folder = Folder::new();
    let now = midnight().plus(Timestamp::DAY);
    let store = live(&folder, now);
    store.write(vec![connect(1, 1, 1)]).unwrap();
    assert_eq!(store.close_bins(midnight().plus(10 * MINUTE)).unwrap().len(), 1);
    drop(store);
    let store = live(&folder, now);
    store.write(vec![connect(2, 2, 2), connect(3, 12, 2)]).unwrap();
    let closed = store.close_bins(midnight().plus(20 * MINUTE)).unwrap();
    assert_eq!(closed.len(), 1);
    assert_eq!(closed[0].start, midnight().plus(10 * MINUTE));
    assert_eq!(store.reader().unwrap().overview().unwrap().late, 1);
}

#[test]
fn a_log_read_afterwards_belongs_into_closed_time_and_says_from_where() {
    let folder = Folder::new();
    let now = midnight().plus(Timestamp::DAY);
    let store = live(&folder, now);
    store.write(vec![connect(1, 31, 1)]).unwrap();
    store.close_bins(midnight().plus(60 * MINUTE)).unwrap();
    drop(store);
    let store = Store::open(folder.path(), settings(now, Mode::Historic)).unwrap();
    store.write(vec![connect(2, 12, 2), connect(3, 35, 2)]).unwrap();
    store.flush().unwrap();
    assert_eq!(store.take_reopened().unwrap(), Some(midnight().plus(10 * MINUTE)));
    assert_eq!(store.take_reopened().unwrap(), None);
    let bins = stored_bins(&store);
    assert_eq!(bins.len(), 2);
    assert_eq!(bins[1].ports[0].events, 2);
    assert_eq!(store.reader().unwrap().overview().unwrap().late, 0);
}

#[test]
fn events_of_the_future_or_before_1990_are_kept_and_flagged_and_move_nothing() {
    let folder = Folder::new();
    let now = midnight().plus(Timestamp::DAY);
    let store = live(&folder, now);
    let future = event(1, now.plus(Timestamp::HOUR), 1, 22, Detail::Connect);
    let past = event(2, Timestamp::from_seconds(86_400), 1, 22, Detail::Connect);
    let soon = event(3, now.plus(9 * MINUTE), 1, 22, Detail::Connect);
    store.write(vec![future, past, soon]).unwrap();
    store.flush().unwrap();
    let reader = store.reader().unwrap();
    let overview = reader.overview().unwrap();
    assert_eq!((overview.out_of_time, overview.events, overview.events_raw), (2, 1, 3));
    assert_eq!(overview.first, Some(now.plus(9 * MINUTE)));
    assert_eq!(overview.last, overview.first);
    assert_eq!(reader.recent(10).unwrap().len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn closed_ten_minutes_read_back_are_those_that_were_given(
        minutes in prop::collection::vec((0_i64..600, 0_u32..9), 1..120),
        steps in prop::collection::vec(1_i64..90, 1..12),
    ) {
        let folder = Folder::new();
        let store = live(&folder, midnight().plus(2 * Timestamp::DAY));
        let events = minutes.iter().enumerate().map(|(n, (minute, source))| connect(n as u64, *minute, *source));
        store.write(events.collect()).unwrap();
        let mut through = midnight();
        let mut given = Vec::new();
        for step in steps {
            through = through.plus(step * MINUTE);
            given.extend(store.close_bins(through).unwrap());
        }
        prop_assert_eq!(stored_bins(&store), given);
    }
}
