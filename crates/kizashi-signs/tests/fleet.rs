//! Many sensors: what is weak at each and the same over all is told over all, once; one sensor's own wave is its own; a new sensor
//! begins with its group's rates; the promise is one for all.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test says what went wrong by failing"
)]

mod support;

use std::collections::BTreeMap;

use kizashi_event::{Key, KeyKind, Port};
use kizashi_signs::{
    Detection, Fleet, FleetClosed, FleetPlan, Knowledge, Scope, SeenAt, SeenPlace, Settings, Sign,
    united,
};
use kizashi_store::{ClosedBin, KeyBin, PortBin};
use support::whole_fleet::{Whole, plan};
use support::{Gathering, Random, start};

const SENSORS: usize = 10;
const DAY: i64 = 144;

fn name(sensor: usize) -> String {
    format!("sensor-{sensor}")
}

fn plan_of_ten() -> FleetPlan {
    let group = |sensor: usize| if sensor < 5 { "east" } else { "west" };
    plan((0..SENSORS).map(|sensor| (name(sensor), group(sensor))))
}

fn fleet() -> Whole {
    Whole::new(plan_of_ten())
}

/// Ten sensors with a quiet background of their own on each of twelve ports.
struct Traffic {
    random: Random,
    source: u32,
}

impl Traffic {
    fn new(seed: u64) -> Self {
        Self { random: Random(seed), source: 1_000 }
    }

    /// A bin in which `wave` newcomers come to port 6379 at one to three of `sensors` each.
    fn bin(&mut self, bin: i64, wave: u32, sensors: &[usize]) -> BTreeMap<String, ClosedBin> {
        let mut gathered: Vec<Gathering> = (0..SENSORS).map(|_| Gathering::default()).collect();
        for gathering in &mut gathered {
            for place in 0..12_u16 {
                for _ in 0..self.random.poisson(0.03 + 0.02 * f64::from(place)) {
                    self.source += 1;
                    gathering.come(
                        Port::tcp(
                            [22, 23, 80, 443, 445, 1433, 2222, 3306, 3389, 5900, 8080, 6379]
                                [usize::from(place)],
                        ),
                        self.source,
                    );
                }
            }
        }
        for _ in 0..wave {
            self.source += 1;
            for _ in 0..=self.random.below(2) {
                let at = sensors[self.random.below(sensors.len())];
                gathered[at].come(Port::tcp(6379), self.source);
            }
        }
        let close = |(at, gathering): (usize, Gathering)| (name(at), gathering.closed(start(bin)));
        gathered.into_iter().enumerate().map(close).collect()
    }
}

/// Where a sign is seen.
fn scope_of(sign: &Sign) -> Scope {
    sign.scope.clone().unwrap_or(Scope::All)
}

fn raised(closed: &FleetClosed) -> impl Iterator<Item = (Scope, &Sign)> {
    closed.told.raised.iter().map(|sign| (scope_of(sign), sign))
}

/// The signs that are not as they were.
fn latest(closed: &FleetClosed) -> impl Iterator<Item = &Sign> {
    closed.told.changed.iter().chain(&closed.told.raised)
}

#[test]
fn a_wave_that_is_weak_at_each_of_ten_sensors_is_told_once_over_all() {
    let (mut traffic, mut fleet) = (Traffic::new(5), fleet());
    let all: Vec<usize> = (0..SENSORS).collect();
    let mut told: Vec<(Scope, String, i64)> = Vec::new();
    let (mut seen_at, mut places) = (Vec::new(), None);
    for bin in 0..8 * DAY {
        let wave = if (7 * DAY..7 * DAY + 36).contains(&bin) { 3 } else { 0 };
        let closed = fleet.close(start(bin), &traffic.bin(bin, wave, &all));
        seen_at.extend(closed.at.iter().map(|(_, scope)| scope.clone()));
        let of_wave = latest(&closed).filter(|sign| sign.key == "tcp/6379" && bin >= 7 * DAY);
        places = of_wave.last().map(|sign| sign.seen_at.clone()).or(places);
        told.extend(raised(&closed).map(|(scope, sign)| (scope, sign.key.clone(), bin)));
    }
    let of_wave: Vec<_> = told.iter().filter(|(_, _, bin)| *bin >= 7 * DAY).collect();
    assert_eq!(of_wave.len(), 1, "{told:?}");
    assert!(!matches!(of_wave[0].0, Scope::Sensor(_)) && of_wave[0].1 == "tcp/6379", "{told:?}");
    assert!(of_wave[0].2 < 7 * DAY + 36, "told after {} bins", of_wave[0].2 - 7 * DAY);
    assert!(seen_at.contains(&Scope::All) || of_wave[0].0 == Scope::All, "{seen_at:?}");
    assert!(!seen_at.iter().any(|scope| matches!(scope, Scope::Sensor(_))), "{seen_at:?}");
    assert!(told.len() - of_wave.len() <= 1, "{told:?}");
    // It names where: 36 bins brought each sensor some twenty where it usually has nine.
    let SeenAt { sensors, groups } = places.flatten().unwrap();
    assert!(sensors.of == 10 && (5..=10).contains(&sensors.count), "{sensors:?}");
    assert!(groups.of == 2 && groups.count == 2, "{groups:?}");
    assert_eq!(sensors.named.len(), sensors.count);
    let is_more = |place: &SeenPlace| place.sources as f64 > place.expected;
    assert!(sensors.named.iter().chain(&groups.named).all(is_more), "{sensors:?} {groups:?}");
}

#[test]
fn a_wave_at_one_sensor_is_told_once_whoever_sees_it_too() {
    let (mut traffic, mut fleet) = (Traffic::new(6), fleet());
    let (mut told, mut at): (Vec<(Scope, String)>, Vec<Scope>) = (Vec::new(), Vec::new());
    let mut places = None;
    for bin in 0..8 * DAY {
        let wave = if (7 * DAY..7 * DAY + 72).contains(&bin) { 5 } else { 0 };
        let closed = fleet.close(start(bin), &traffic.bin(bin, wave, &[3]));
        if bin >= 7 * DAY {
            told.extend(raised(&closed).map(|(scope, sign)| (scope, sign.key.clone())));
            let of_wave = latest(&closed).filter(|sign| sign.key == "tcp/6379");
            places = of_wave.last().map(|sign| sign.seen_at.clone()).or(places);
            at.extend(closed.at.into_iter().map(|(_, scope)| scope));
        }
    }
    // It is the sensor's own sign, and none of the other nine sees it.
    assert_eq!((places, &told[0].0), (Some(None), &Scope::Sensor(name(3))));
    // Of the one wave one sign is told; the others of the port are told as that one.
    assert_eq!(told.iter().filter(|(_, key)| key == "tcp/6379").count(), 1, "{told:?}");
    let seen = [at, told.into_iter().map(|(scope, _)| scope).collect()].concat();
    assert!(seen.contains(&Scope::Sensor(name(3))) && seen.contains(&Scope::All), "{seen:?}");
    assert!(!seen.contains(&Scope::Group("west".to_owned())), "{seen:?}");
    let others = |scope: &&Scope| matches!(scope, Scope::Sensor(one) if *one != name(3));
    assert_eq!(seen.iter().find(others), None);
}

#[test]
fn a_new_sensor_begins_with_its_groups_rates_and_the_others_know_none_of_it() {
    let (mut traffic, mut fleet) = (Traffic::new(7), fleet());
    for bin in 0..4 * DAY {
        fleet.close(start(bin), &traffic.bin(bin, 0, &[0]));
    }
    let known = fleet.fleet.knowledge_for(Some("east"));
    assert!(known.ports() >= 10 && known != Knowledge::shipped(), "{}", known.to_json());
    let of_all = fleet.fleet.knowledge_for(None);
    assert!(of_all != known && of_all.ports() == known.ports());
    assert_eq!(fleet.fleet.knowledge_for(Some("a new group")), of_all);
    let sensor = |name: &str| Scope::Sensor(name.to_owned());
    let others: Vec<Detection> =
        (0..SENSORS).map(|at| fleet.fleet.watch_of(&sensor(&name(at))).unwrap().clone()).collect();
    let mut bins = traffic.bin(4 * DAY, 0, &[0]);
    for at in 0..SENSORS {
        bins.remove(&name(at));
    }
    let mut gathering = Gathering::default();
    gathering.come(Port::tcp(22), 7);
    bins.insert("newcomer".to_owned(), gathering.closed(start(4 * DAY)));
    fleet.close(start(4 * DAY), &bins);
    assert!(fleet.fleet.sensors().any(|sensor| sensor == ("newcomer", None)));
    assert_eq!(fleet.fleet.watch_of(&sensor("newcomer")).unwrap().series_watched(), 1);
    for (at, mut before) in others.into_iter().enumerate() {
        before.promise_over(u32::try_from(SENSORS).unwrap() + 1);
        before.advance(start(4 * DAY + 1));
        assert_eq!(*fleet.fleet.watch_of(&sensor(&name(at))).unwrap(), before);
    }
}

#[test]
fn sensors_past_the_bound_have_no_watch_and_are_in_their_groups_and_the_one_over_all() {
    let mut fleet = Whole::new(FleetPlan { watches: 3, ..plan_of_ten() });
    let mut traffic = Traffic::new(12);
    let (mut told, mut places) = (Vec::new(), None);
    for bin in 0..7 * DAY {
        let wave = if bin >= 6 * DAY { 5 } else { 0 };
        let closed = fleet.close(start(bin), &traffic.bin(bin, wave, &[8]));
        told.extend(raised(&closed).map(|(scope, sign)| (scope, sign.key.clone())));
        let of_wave = latest(&closed).filter(|sign| sign.key == "tcp/6379");
        places = of_wave.last().map(|sign| sign.seen_at.clone()).or(places);
    }
    // Of the three that are watched none sees it, and of the groups that of the ninth does.
    let SeenAt { sensors, groups } = places.flatten().unwrap();
    assert_eq!((sensors.count, sensors.of, groups.count, groups.of), (0, 3, 1, 2));
    assert_eq!(groups.named[0].name, "west");
    let watched = |sensor: usize| fleet.fleet.watch_of(&Scope::Sensor(name(sensor))).is_some();
    assert_eq!((0..SENSORS).filter(|sensor| watched(*sensor)).count(), 3);
    assert_eq!((fleet.fleet.sensors().count(), fleet.fleet.unwatched()), (SENSORS, SENSORS - 3));
    told.retain(|(_, key)| key == "tcp/6379");
    assert!(told.len() == 1 && !matches!(told[0].0, Scope::Sensor(_)), "{told:?}");
}

#[test]
fn a_sensor_that_is_not_heard_for_thirty_days_leaves_its_watch_to_another_and_comes_back_as_a_new_one()
 {
    let mut fleet = Whole::new(FleetPlan { watches: 2, ..plan_of_ten() });
    let day = |fleet: &mut Whole, day: i64, sensors: &[usize]| {
        let bin = |sensor: &usize| {
            let mut gathering = Gathering::default();
            gathering.come(Port::tcp(22), day as u32 * 10 + *sensor as u32 + 1);
            (name(*sensor), gathering.closed(start(day * DAY)))
        };
        fleet.close(start(day * DAY), &sensors.iter().map(bin).collect());
    };
    let watched = |fleet: &Whole| -> Vec<usize> {
        let is_watched = |it: &usize| fleet.fleet.watch_of(&Scope::Sensor(name(*it))).is_some();
        (0..SENSORS).filter(is_watched).collect()
    };
    let of_group = |fleet: &Whole, group: &str| {
        fleet.fleet.watch_of(&Scope::Group(group.to_owned())).is_some()
    };
    day(&mut fleet, 0, &[1, 7]);
    for at in 1..30 {
        day(&mut fleet, at, &[1, 2]);
    }
    assert_eq!((watched(&fleet), fleet.fleet.unwatched()), (vec![1, 7], 1));
    assert!(of_group(&fleet, "west"), "7 may be cut off");
    fleet.restart(FleetPlan { watches: 2, ..plan_of_ten() }).unwrap();
    day(&mut fleet, 30, &[1, 2]);
    assert_eq!(fleet.fleet.sensors().map(|it| it.0).collect::<Vec<_>>(), ["sensor-1", "sensor-2"]);
    assert!(!of_group(&fleet, "west"), "nobody of it is left");
    assert_eq!((watched(&fleet), fleet.fleet.unwatched()), (vec![1, 2], 0));
    day(&mut fleet, 31, &[1, 2, 7]);
    assert_eq!((watched(&fleet), fleet.fleet.unwatched()), (vec![1, 2], 1), "who comes back waits");
    assert!(of_group(&fleet, "west"));
    // The hub was away for months; then one is heard before the others are.
    day(&mut fleet, 200, &[1]);
    day(&mut fleet, 201, &[2, 7]);
    assert_eq!((watched(&fleet), fleet.fleet.sensors().count()), (vec![1, 2], 3), "nobody left");
}

#[test]
fn a_fleet_goes_on_from_a_snapshot_and_refuses_another_promise() {
    let (mut traffic, mut one) = (Traffic::new(8), fleet());
    let mut other = one.clone();
    for bin in 0..2 * DAY {
        let bins = traffic.bin(bin, if bin > DAY { 4 } else { 0 }, &[1, 8]);
        if bin % 100 == 50 {
            other.restart(plan_of_ten()).unwrap();
        }
        assert_eq!(other.close(start(bin), &bins), one.close(start(bin), &bins), "bin {bin}");
    }
    let kept = one.fleet.snapshot().unwrap();
    assert!(Fleet::restore(plan_of_ten(), &kept).is_ok());
    let settings = Settings { false_alarms_per_week: 2.0, ..Settings::default() };
    assert!(Fleet::restore(FleetPlan { settings, ..plan_of_ten() }, &kept).is_err());
    assert!(Fleet::restore(FleetPlan { watches: 9, ..plan_of_ten() }, &kept).is_err());
    assert!(Fleet::restore(plan([]), &kept).is_err(), "other groups");
    assert!(Fleet::restore(plan_of_ten(), &[1, 2, 3]).is_err());
    let under = Fleet::restore_under(FleetPlan { settings, ..plan_of_ten() }, &kept).unwrap();
    one.fleet.promise(2.0).unwrap();
    assert_eq!(under, one.fleet);
    let kept = one.fleet.snapshot().unwrap();
    assert!(Fleet::restore(FleetPlan { settings, ..plan_of_ten() }, &kept).is_ok());
}

#[test]
fn a_source_that_comes_to_many_sensors_counts_once_over_all_and_events_are_summed() {
    let of = |sources: &[u32]| ClosedBin {
        start: start(0),
        ports: vec![PortBin { port: Port::tcp(22), events: 7, sources: sources.to_vec() }],
        keys: Vec::new(),
    };
    let all = united(start(0), &[&of(&[1, 5]), &of(&[2, 5]), &of(&[5])]);
    assert_eq!((all.ports[0].events, &*all.ports[0].sources), (21, &[1, 2, 5][..]));
}

#[test]
fn bins_of_another_time_are_left_out() {
    let (mut traffic, mut one) = (Traffic::new(9), fleet());
    let mut other = one.clone();
    for bin in 0..DAY {
        let bins = traffic.bin(bin, 0, &[0]);
        let mut with_lies = bins.clone();
        let stranger = ClosedBin { start: start(bin - 9_999), ..bins["sensor-1"].clone() };
        with_lies.insert("stranger".to_owned(), stranger);
        let mut only = bins;
        only.remove("sensor-2");
        with_lies.get_mut("sensor-2").unwrap().start = start(bin + 9_999);
        assert_eq!(other.close(start(bin), &with_lies), one.close(start(bin), &only));
    }
}

#[test]
fn a_wave_that_goes_on_elsewhere_is_told_of_there_when_its_first_sign_is_over() {
    let (mut traffic, mut fleet) = (Traffic::new(10), fleet());
    let (mut open, mut ended): (BTreeMap<String, Scope>, usize) = (BTreeMap::new(), 0);
    for bin in 0..11 * DAY {
        // First at one sensor for half a day, then at all of the others for three.
        let (wave, sensors): (u32, &[usize]) = match bin - 6 * DAY {
            0..72 => (6, &[3]),
            72..576 => (12, &[0, 1, 2, 4, 5, 6, 7, 8, 9]),
            _ => (0, &[0]),
        };
        let closed = fleet.close(start(bin), &traffic.bin(bin, wave, sensors));
        for sign in closed.told.raised.iter().filter(|sign| sign.key == "tcp/6379") {
            open.insert(sign.id.clone(), scope_of(sign));
        }
        for sign in closed.told.changed.iter().filter(|sign| !sign.open) {
            ended += usize::from(open.remove(&sign.id).is_some());
        }
        // While it goes on and any watch has a sign of it, one of these is told.
        let has_sign = |scope: &Scope| {
            let has = |watch: &Detection| watch.open_signs().any(|sign| sign.key == "tcp/6379");
            has(fleet.fleet.watch_of(scope).unwrap_or(&fleet.all))
        };
        let sensors = (0..SENSORS).map(|sensor| Scope::Sensor(name(sensor)));
        if has_sign(&Scope::All) || sensors.clone().any(|scope| has_sign(&scope)) {
            assert!(!open.is_empty(), "bin {bin}");
        }
    }
    assert!(ended > 0);
}

/// How many signs a wave at one sensor's quiet port is told as, that is on a port where the others are busy, and whose visitors bring a user
/// name of which the watch over all tells first; `of_others` bring that name, and come elsewhere.
fn told_of_a_name_and_a_port(of_others: bool) -> Vec<(Scope, String)> {
    let (mut traffic, mut fleet) = (Traffic::new(21), fleet());
    let mut told = Vec::new();
    for bin in 0..5 * DAY {
        let mut bins = traffic.bin(bin, 0, &[0]);
        let is_wave = (4 * DAY..4 * DAY + 24).contains(&bin);
        let mut busy = Vec::new();
        for at in 1..SENSORS {
            let mut gathering = Gathering::default();
            for _ in 0..traffic.random.poisson(9.0) {
                traffic.source += 1;
                gathering.come(Port::tcp(23), traffic.source);
                busy.push(traffic.source);
            }
            let more = gathering.closed(start(bin)).ports;
            let ports = &mut bins.get_mut(&name(at)).unwrap().ports;
            ports.retain(|row| row.port != Port::tcp(23));
            ports.extend(more);
        }
        let mut keys = Vec::new();
        if is_wave {
            let comers: Vec<u32> = (traffic.source + 1..).take(4).collect();
            traffic.source += 4;
            let row = PortBin { port: Port::tcp(23), events: 12, sources: comers.clone() };
            let ports = &mut bins.get_mut(&name(0)).unwrap().ports;
            ports.retain(|row| row.port != Port::tcp(23));
            ports.push(row);
            let bringers = if of_others { busy[..12].to_vec() } else { comers };
            let key = Key::new(KeyKind::User, "hikvision");
            keys.push(KeyBin { key, events: 12, sources: bringers, head: Vec::new() });
        }
        let closed = fleet.close_with(start(bin), &bins, keys);
        told.extend(raised(&closed).map(|(scope, sign)| (scope, sign.key.clone())));
        told.retain(|(_, key)| key == "tcp/23" || key.starts_with("user:"));
    }
    told
}

#[test]
fn a_port_at_one_sensor_whose_visitors_are_told_of_by_another_key_over_all_is_that_sign() {
    let told = told_of_a_name_and_a_port(false);
    assert_eq!(told.len(), 1, "{told:?}");
    let told = told_of_a_name_and_a_port(true);
    assert_eq!(told.len(), 2, "others' visitors make two stories: {told:?}");
}

/// Four sensors whose ports are equally busy, and whose visitors bring user names; at the first so many of its visitors bring one that is usual
/// at the others and not there, from the fourth day on. Keys are counted by sensor from `keys_from` on. What is told from then on.
fn told_of_names(seed: u64, days: i64, keys_from: i64, rising: u32) -> Vec<(Scope, String)> {
    let names: Vec<String> = (0..4).map(name).collect();
    let mut fleet = Whole::new(plan(names.iter().map(|name| (name.clone(), "east"))));
    let (mut random, mut source, mut told) = (Random(seed), 1_000, Vec::new());
    for bin in 0..days * DAY {
        let mut bins = BTreeMap::new();
        let mut of_all = Gathering::default();
        for (at, name) in names.iter().enumerate() {
            let mut gathering = Gathering::default();
            let mut rest = if at == 0 && bin >= 4 * DAY { rising } else { 0 };
            for _ in 0..rest.max(random.poisson(6.0)) {
                source += 1;
                let user = match random.below(6) {
                    _ if rest > 0 => "oracle",
                    0 if at > 0 => "oracle",
                    1 => "admin",
                    2 => "pi",
                    _ => "root",
                };
                rest = rest.saturating_sub(1);
                gathering.come(Port::tcp(22), source);
                gathering.bring(KeyKind::User, user, source);
                of_all.come(Port::tcp(22), source);
                of_all.bring(KeyKind::User, user, source);
            }
            let mut closed = gathering.closed(start(bin));
            if bin < keys_from {
                closed.keys.clear();
            }
            bins.insert(name.clone(), closed);
        }
        let united_keys = bin < keys_from;
        let keys = if united_keys { of_all.closed(start(bin)).keys } else { Vec::new() };
        let closed = fleet.close_with(start(bin), &bins, keys);
        told.extend(raised(&closed).map(|(scope, sign)| (scope, sign.key.clone())));
    }
    told
}

#[test]
fn where_keys_are_counted_by_sensor_a_name_that_rises_at_one_is_told_at_it() {
    let told = told_of_names(31, 5, 0, 3);
    let oracle: Vec<_> = told.iter().filter(|(_, key)| key == "user:oracle").collect();
    assert_eq!(oracle, [&(Scope::Sensor(name(0)), "user:oracle".to_owned())], "{told:?}");
    assert!(told.len() <= 2, "{told:?}");
}

#[test]
fn keys_that_are_counted_by_sensor_from_some_day_on_are_no_rise_of_everything_and_are_learned() {
    let told = told_of_names(32, 4, 2 * DAY, 0);
    assert!(told.len() <= 1, "{told:?}");
    let told = told_of_names(33, 5, 2 * DAY, 3);
    assert!(told.iter().any(|(_, key)| key == "user:oracle"), "{told:?}");
}

/// One false alarm a week is promised of all watches and keys together.
#[test]
fn quiet_days_tell_no_more_than_is_promised_of_all_keys_at_all_scopes() {
    let told: Vec<_> = (0..2).flat_map(|seed| told_of_names(40 + seed, 7, 0, 0)).collect();
    // Two are expected at most: seven or more of a Poisson of mean two are one in 220.
    assert!(told.len() < 7, "{told:?}");
}

/// Sensors of one kind: the same ports, busy as a machine on the Internet is, each with sources of its own and some that go everywhere.
struct Alike {
    random: Random,
    source: u32,
}

impl Alike {
    /// New sources in ten minutes of each port at each sensor.
    const RATES: [(u16, f64); 8] = [
        (23, 3.0),
        (22, 1.6),
        (445, 1.2),
        (80, 0.9),
        (3389, 0.5),
        (8080, 0.3),
        (5900, 0.15),
        (6379, 0.08),
    ];

    fn bin(
        &mut self,
        bin: i64,
        sensors: &[String],
        wave: Option<(&str, u16, u32)>,
    ) -> BTreeMap<String, ClosedBin> {
        let mut gathered: BTreeMap<String, Gathering> =
            sensors.iter().map(|name| (name.clone(), Gathering::default())).collect();
        for (port, rate) in Self::RATES {
            for gathering in gathered.values_mut() {
                for _ in 0..self.random.poisson(rate) {
                    self.source += 1;
                    gathering.come(Port::tcp(port), self.source);
                }
            }
        }
        if let Some((name, port, newcomers)) = wave {
            for _ in 0..self.random.poisson(f64::from(newcomers)) {
                self.source += 1;
                gathered.get_mut(name).unwrap().come(Port::tcp(port), self.source);
            }
        }
        gathered.into_iter().map(|(name, gathering)| (name, gathering.closed(start(bin)))).collect()
    }
}

/// What a fleet told in the first day of a newcomer that joins so many others after three days, and with it a wave of so many new sources to
/// a port at the newcomer from its second hour on: each with its scope, key, and bins since it joined.
fn told_of_a_newcomer(
    before: usize,
    seed: u64,
    wave: Option<(u16, u32)>,
) -> Vec<(Scope, String, i64)> {
    let mut traffic = Alike { random: Random(seed), source: 1_000 };
    let mut names: Vec<String> = (0..before).map(name).collect();
    let joined = 3 * DAY;
    let of_group = names.iter().cloned().chain(["newcomer".to_owned()]);
    let mut fleet = Whole::new(plan(of_group.map(|name| (name, "east"))));
    let mut told = Vec::new();
    for bin in 0..joined + DAY {
        if bin == joined {
            names.push("newcomer".to_owned());
        }
        let wave = wave.filter(|_| bin >= joined + 6);
        let wave = wave.map(|(port, sources)| ("newcomer", port, sources));
        let closed = fleet.close(start(bin), &traffic.bin(bin, &names, wave));
        told.extend(raised(&closed).map(|(scope, sign)| (scope, sign.key.clone(), bin - joined)));
    }
    assert!(fleet.fleet.sensors().any(|sensor| sensor == ("newcomer", Some("east"))));
    told.retain(|(_, _, bin)| *bin >= 0);
    told
}

#[test]
fn a_new_sensor_is_no_alarm_to_itself_its_group_or_the_fleet_while_it_hears_what_its_group_usually_does()
 {
    for (before, seed) in [(1, 0), (1, 1), (2, 2), (5, 3)] {
        let told = told_of_a_newcomer(before, seed, None);
        assert!(told.is_empty(), "{before} before it, seed {seed}: {told:?}");
    }
}

#[test]
fn a_real_rise_at_a_new_sensor_is_told_within_its_first_hours() {
    for (before, port, sources) in [(1, 6379, 4), (5, 8080, 6)] {
        let told = told_of_a_newcomer(before, 11, Some((port, sources)));
        let first = told.iter().find(|(_, key, _)| *key == format!("tcp/{port}"));
        let bins = first.map(|(_, _, bin)| bin - 6);
        assert!(bins.is_some_and(|bins| bins < 18), "{before} before it: {told:?}");
    }
}

#[test]
fn without_being_told_of_it_a_watch_over_two_sensors_would_take_the_second_for_a_rise_of_everything()
 {
    let raised = |told: bool| {
        let mut traffic = Alike { random: Random(3), source: 1_000 };
        let mut watch = Detection::new(Settings::default()).unwrap();
        let (mut names, mut raised) = (vec![name(0)], 0);
        for bin in 0..6 * DAY {
            if bin == 4 * DAY {
                names.push(name(1));
                if told {
                    watch.widen(0.5);
                }
            }
            let bins = traffic.bin(bin, &names, None);
            let closed = watch.close(&united(start(bin), &bins.values().collect::<Vec<_>>()));
            raised += if bin >= 4 * DAY { closed.raised.len() } else { 0 };
        }
        raised
    };
    assert_eq!(raised(true), 0);
    assert!(raised(false) > 0);
}
