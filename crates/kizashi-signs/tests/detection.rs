//! Detection over made-up bins: quiet gives nothing, a wave gives one sign, and the same bins always give the same signs.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a test says what went wrong by failing"
)]

use kizashi_event::{Key, KeyKind, Port, Timestamp};
use kizashi_signs::{
    Campaigns, Detection, DetectionError, Knowledge, Settings, Severity, Sign, SignKind,
};
use kizashi_store::{ClosedBin, KeyBin, PortBin};
use proptest::prelude::*;

const BIN: i64 = 600 * Timestamp::SECOND;

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn poisson(&mut self, mean: f64) -> u32 {
        let (limit, mut product, mut count) = ((-mean).exp(), self.uniform(), 0);
        while product > limit {
            product *= self.uniform();
            count += 1;
        }
        count
    }
}

/// Traffic whose sources are new ones, at a rate for each port, and one brute-forcing host on SSH.
struct Traffic {
    random: Random,
    rates: Vec<(Port, f64)>,
    newcomer: u32,
    bin: i64,
}

impl Traffic {
    fn new(seed: u64) -> Self {
        let ports =
            [22, 23, 25, 80, 445, 1433, 2222, 2223, 2323, 3389, 4899, 5900, 6379, 8080, 9200];
        let mut random = Random(seed);
        let rates =
            ports.map(|port| (Port::tcp(port), (random.uniform() * 4.0 - 4.0).exp())).to_vec();
        Self { random, rates, newcomer: 1_000, bin: 0 }
    }

    fn rate(&mut self, port: Port) -> &mut f64 {
        &mut self.rates.iter_mut().find(|(at, _)| *at == port).unwrap().1
    }

    fn start(bin: i64) -> Timestamp {
        Timestamp::parse("2026-03-01T00:00:00Z").unwrap().plus(bin * BIN)
    }

    fn next(&mut self) -> ClosedBin {
        let mut ports = Vec::new();
        for (port, rate) in self.rates.clone() {
            let newcomers = self.random.poisson(rate);
            let mut sources: Vec<u32> = (0..newcomers).map(|n| self.newcomer + n).collect();
            self.newcomer += newcomers;
            let mut events = u64::from(newcomers) * 3;
            if port == Port::tcp(22) {
                sources.insert(0, 7);
                events += 5_000;
            }
            if events > 0 {
                ports.push(PortBin { port, events, sources });
            }
        }
        self.bin += 1;
        ClosedBin { start: Self::start(self.bin - 1), ports, keys: Vec::new() }
    }
}

fn detection(false_alarms_per_week: f64) -> Detection {
    Detection::new(Settings { false_alarms_per_week, ..Settings::default() }).unwrap()
}

#[test]
fn weeks_of_quiet_and_a_brute_forcing_host_give_no_sign() {
    for seed in [3, 4] {
        let (mut traffic, mut detection) = (Traffic::new(seed), detection(1.0));
        for _ in 0..4 * 1_008 {
            let closed = detection.close(&traffic.next());
            assert_eq!((closed.raised, closed.changed), (Vec::new(), Vec::new()), "seed {seed}");
        }
        assert_eq!(detection.series_watched(), 15);
        assert!(detection.port_score(Port::tcp(22)).unwrap().half_daily.is_some());
    }
}

#[test]
fn a_machine_with_half_or_twice_the_rates_of_the_one_it_learned_from_keeps_the_promise() {
    let mut raised = Vec::new();
    for seed in 0..3 {
        let (mut old, mut teacher) = (Traffic::new(seed), detection(1.0));
        for _ in 0..7 * 144 {
            teacher.close(&old.next());
        }
        let knowledge = Knowledge::from_json(&teacher.knowledge().to_json()).unwrap();
        assert!(knowledge.ports() >= 12, "{}", knowledge.to_json());
        let mut new = Traffic::new(seed);
        for ((_, rate), factor) in new.rates.iter_mut().zip([0.5, 2.0].into_iter().cycle()) {
            *rate *= factor;
        }
        let mut pupil = Detection::with_knowledge(Settings::default(), &knowledge).unwrap();
        for _ in 0..3 * 144 {
            raised.extend(pupil.close(&new.next()).raised);
        }
    }
    // Nine machine-days at one false alarm a week.
    assert!(raised.len() <= 1, "{raised:?}");
}

#[test]
fn a_wave_gives_one_sign_with_its_port_within_an_hour_and_the_sign_ends() {
    let (mut traffic, mut detection) = (Traffic::new(2), detection(1.0));
    *traffic.rate(Port::tcp(5900)) = 0.3;
    for _ in 0..10 * 144 {
        detection.close(&traffic.next());
    }
    *traffic.rate(Port::tcp(5900)) = 6.0;
    let began = Traffic::start(traffic.bin);
    let (mut raised, mut changes) = (Vec::new(), 0);
    let mut last: Option<Sign> = None;
    for bin in 0..5 * 144 {
        if bin == 144 {
            *traffic.rate(Port::tcp(5900)) = 0.3;
        }
        let closed = detection.close(&traffic.next());
        for sign in &closed.changed {
            let before = last.replace(sign.clone()).unwrap();
            assert!(
                (before.events, before.open) != (sign.events, sign.open),
                "nothing changed: {sign:?}"
            );
            assert!(before.days <= sign.days && before.severity <= sign.severity);
            changes += 1;
        }
        if let Some(sign) = closed.raised.first() {
            last = Some(sign.clone());
        }
        raised.extend(closed.raised);
    }
    assert_eq!(raised.len(), 1, "{raised:?}");
    let sign = &raised[0];
    assert_eq!(
        (sign.kind, sign.key.as_str(), sign.label.as_str()),
        (SignKind::Rise, "tcp/5900", "VNC screen sharing")
    );
    assert!(sign.detected.since(began) <= Timestamp::HOUR, "{sign:?}");
    assert!(sign.since.since(began).abs() <= Timestamp::HOUR, "{sign:?}");
    assert!(sign.ratio_low > 2.0 && sign.ratio_high > 20.0, "{sign:?}");
    assert_eq!(sign.events, sign.sources * 3);
    let last = last.unwrap();
    assert!(changes > 100 && !last.open && last.id == sign.id, "{changes} changes, {last:?}");
    assert_eq!(last.severity, Severity::High);
    assert!(last.events > 6 * 140 * 3);
    assert_eq!(detection.open_signs().count(), 0);
}

#[test]
fn a_signs_json_has_the_fields_that_are_promised() {
    let sign = one_sign();
    let json: serde_json::Value = serde_json::to_value(&sign).unwrap();
    for field in [
        "id",
        "kind",
        "key",
        "label",
        "since",
        "detected",
        "days",
        "ratio",
        "ratio_low",
        "ratio_high",
        "events",
        "sources",
        "expected_sources",
        "severity",
        "name",
    ] {
        assert!(json.get(field).is_some(), "{field} is missing in {json}");
    }
    assert_eq!((&json["kind"], &json["key"]), (&"rise".into(), &"tcp/5900".into()));
    assert!(json["detected"].as_str().unwrap().ends_with('Z'));
    assert_eq!(serde_json::from_value::<Sign>(json).unwrap(), sign);
    let facts = sign.facts();
    assert!(
        facts.iter().any(|fact| fact.name == "by chance")
            && facts.iter().all(|fact| !fact.value.is_empty())
    );
}

fn one_sign() -> Sign {
    let (mut traffic, mut detection) = (Traffic::new(2), detection(1.0));
    for _ in 0..1_000 {
        detection.close(&traffic.next());
    }
    *traffic.rate(Port::tcp(5900)) = 30.0;
    (0..6).find_map(|_| detection.close(&traffic.next()).raised.pop()).unwrap()
}

#[test]
fn the_same_bins_give_the_same_ids() {
    let (one, two) = (one_sign(), one_sign());
    assert_eq!(one, two);
    assert!(one.id.ends_with("Z-tcp-5900") && one.id.starts_with("20260307T"), "{}", one.id);
}

#[test]
fn many_ports_that_rise_at_once_are_one_sign_of_the_whole_sensor() {
    let (mut traffic, mut detection) = (Traffic::new(3), detection(1.0));
    for _ in 0..1_000 {
        detection.close(&traffic.next());
    }
    traffic.rates.iter_mut().for_each(|(_, rate)| *rate = 60.0);
    let raised = detection.close(&traffic.next()).raised;
    assert_eq!(raised.len(), 1, "{raised:?}");
    let sign = &raised[0];
    assert_eq!(
        (sign.kind, sign.key.as_str(), sign.severity),
        (SignKind::SensorWide, "total", Severity::Low)
    );
    assert_eq!((sign.rising, sign.ports.len()), (15, 15));
    assert!(sign.days >= 7.0 && sign.ratio > 10.0 && sign.sources > 500);
    let changed = detection.close(&traffic.next()).changed;
    assert!(changed.len() == 1 && changed[0].sources > sign.sources);
}

#[test]
fn a_bin_that_was_closed_before_is_left_out_and_a_missing_one_is_empty() {
    let (mut traffic, mut once) = (Traffic::new(4), detection(1.0));
    let mut again = once.clone();
    for n in 0..500 {
        let bin = traffic.next();
        if n % 7 == 0 {
            again.close(&ClosedBin { start: bin.start, ports: Vec::new(), keys: Vec::new() });
            once.advance(bin.start.plus(BIN));
            continue;
        }
        once.close(&bin);
        again.close(&bin);
        assert_eq!(again.close(&bin), Default::default());
    }
    assert_eq!(once, again);
}

#[test]
fn a_snapshot_of_other_settings_or_damaged_is_refused() {
    let detection = detection(1.0);
    let bytes = detection.snapshot().unwrap();
    let settings = Settings::default();
    assert_eq!(Detection::restore(settings, Campaigns::builtin(), &bytes).unwrap(), detection);
    let other = Settings { false_alarms_per_week: 2.0, ..settings };
    assert_eq!(
        Detection::restore(other, Campaigns::builtin(), &bytes),
        Err(DetectionError::Snapshot)
    );
    assert_eq!(
        Detection::restore(settings, Campaigns::builtin(), &bytes[1..]),
        Err(DetectionError::Snapshot)
    );
    assert_eq!(
        Detection::restore(settings, Campaigns::builtin(), &[]),
        Err(DetectionError::Snapshot)
    );
    let wrong = Settings { false_alarms_per_week: 0.0, ..settings };
    assert!(Detection::new(wrong).unwrap_err().to_string().contains("false alarms a week"));
}

#[test]
fn a_promise_that_is_changed_holds_from_the_next_bin_and_loses_nothing_that_was_learned() {
    let mut traffic = Traffic::new(7);
    let (mut strict, mut changed) = (detection(0.01), detection(0.01));
    for _ in 0..144 * 8 {
        let bin = traffic.next();
        let told = strict.close(&bin);
        assert_eq!(changed.close(&bin), told);
    }
    let bytes = strict.snapshot().unwrap();
    let settings = Settings { false_alarms_per_week: 50.0, ..Settings::default() };
    let restored = Detection::restore_under(settings, Campaigns::builtin(), &bytes).unwrap();
    changed.promise(50.0).unwrap();
    assert_eq!(restored, changed, "a restart in between changes nothing");
    let wrong = Settings { false_alarms_per_week: 0.0, ..settings };
    assert!(Detection::restore_under(wrong, Campaigns::builtin(), &bytes).is_err());
    assert!(changed.promise(f64::NAN).is_err());
    assert_eq!(restored, changed, "a promise that cannot be changes nothing");

    // A wave so weak that a strict promise waits for more of it.
    let rate = traffic.rate(Port::tcp(445));
    *rate = *rate * 4.0 + 0.2;
    let bins: Vec<ClosedBin> = (0..4 * 144).map(|_| traffic.next()).collect();
    let first = |detection: &mut Detection| {
        bins.iter().position(|bin| detection.close(bin).raised.iter().any(|it| it.key == "tcp/445"))
    };
    let (of_changed, of_strict) = (first(&mut changed).unwrap(), first(&mut strict).unwrap());
    assert!(of_changed < of_strict, "{of_changed} and {of_strict}");
}

#[test]
fn standing_shows_scores_and_the_running_evidence() {
    let (mut traffic, mut detection) = (Traffic::new(5), detection(1.0));
    for _ in 0..144 * 12 {
        detection.close(&traffic.next());
    }
    *traffic.rate(Port::tcp(445)) = 20.0;
    for _ in 0..3 {
        detection.close(&traffic.next());
    }
    let standing = detection.standing();
    assert_eq!(standing.through, detection.through());
    let smb = &standing.ports[&Port::tcp(445)];
    assert!(
        smb.days.unwrap() > 7.0
            && smb.spark.len() == 24
            && smb.half_daily.is_some()
            && smb.hourly.is_some()
    );
    assert_eq!(smb.days, detection.days_now(Port::tcp(445)));
    assert!(!detection.take_evidence().is_empty());
}

#[test]
fn every_port_touched_every_ten_minutes_is_borne() {
    let mut detection = detection(1.0);
    for bin in 0..8 {
        let ports = (0..=u16::MAX)
            .map(|number| PortBin { port: Port::tcp(number), events: u64::MAX, sources: vec![bin] })
            .collect();
        let closed = detection.close(&ClosedBin {
            start: Traffic::start(i64::from(bin)),
            ports,
            keys: Vec::new(),
        });
        assert!(closed.raised.len() <= 1, "{} signs at once", closed.raised.len());
    }
    assert_eq!(detection.series_watched(), 65_536);
    assert!(detection.standing().ports.len() <= 8_192);
}

fn key_bin(kind: KeyKind, text: &str, sources: &[u32]) -> KeyBin {
    KeyBin {
        key: Key::new(kind, text),
        events: sources.len() as u64,
        sources: sources.to_vec(),
        head: Vec::new(),
    }
}

#[test]
fn a_new_password_that_many_bring_in_the_first_hours_is_a_sign_though_no_port_rises() {
    let (mut traffic, mut detection) = (Traffic::new(6), detection(1.0));
    *traffic.rate(Port::tcp(23)) = 20.0;
    let mut raised: Vec<Sign> = Vec::new();
    for bin in 0..12 {
        let mut closed = traffic.next();
        let telnet = closed.ports.iter().find(|port| port.port == Port::tcp(23)).unwrap();
        let some: Vec<u32> = telnet.sources.iter().take(12).copied().collect();
        if bin >= 6 {
            closed.keys.push(key_bin(KeyKind::Password, "\u{1b}[31mxmhdipc", &some));
            closed.keys.push(key_bin(KeyKind::Pair, "root/\u{1b}[31mxmhdipc", &some));
        }
        closed.keys.push(key_bin(KeyKind::Total, "", &telnet.sources));
        raised.extend(detection.close(&closed).into_signs().filter(|sign| sign.open));
    }
    let first: Vec<&Sign> = raised.iter().filter(|sign| sign.key.contains("xmhdipc")).collect();
    let ids: std::collections::BTreeSet<&str> = first.iter().map(|sign| sign.id.as_str()).collect();
    assert_eq!(ids.len(), 1, "one story for one person: {raised:?}");
    let sign = first[first.len() - 1];
    assert_eq!(sign.key, "pair:root/\\x1b[31mxmhdipc");
    assert_eq!(sign.also, ["password:\\x1b[31mxmhdipc"]);
    assert!(sign.summary().contains("came with pair:root/\\x1b[31mxmhdipc"), "{}", sign.summary());
    assert!(sign.id.is_ascii() && sign.id.len() < 80, "{}", sign.id);
    assert!(detection.keys_watched() >= 3);
}

#[test]
fn keys_that_rise_with_a_ports_sources_belong_to_its_sign() {
    let (mut traffic, mut detection) = (Traffic::new(7), detection(1.0));
    *traffic.rate(Port::tcp(23)) = 0.3;
    let mut raised: Vec<Sign> = Vec::new();
    for bin in 0..400 {
        if bin == 390 {
            *traffic.rate(Port::tcp(23)) = 12.0;
        }
        let mut closed = traffic.next();
        let telnet = closed.ports.iter().find(|port| port.port == Port::tcp(23));
        let sources = telnet.map(|port| port.sources.clone()).unwrap_or_default();
        if !sources.is_empty() {
            closed.keys.push(key_bin(KeyKind::Service, "telnet", &sources));
            closed.keys.push(key_bin(KeyKind::User, "root", &sources));
            closed.keys.push(key_bin(KeyKind::Password, "vizxv", &sources));
            closed.keys.push(key_bin(KeyKind::CommandFamily, "/bin/busybox ECCHI", &sources));
        }
        raised.extend(detection.close(&closed).raised);
    }
    assert_eq!(raised.len(), 1, "{raised:?}");
    assert_eq!(raised[0].key, "tcp/23");
    let open: Vec<&Sign> = detection.open_signs().collect();
    assert!(open[0].also.contains(&"command-family:/bin/busybox ECCHI".to_owned()), "{open:?}");
    assert!(open[0].also.len() >= 3, "{open:?}");
}

/// Traffic with waves and silences, to be cut anywhere.
fn eventful(seed: u64, bins: i64) -> Vec<ClosedBin> {
    let mut traffic = Traffic::new(seed);
    let mut all = Vec::new();
    for bin in 0..bins {
        if bin % 300 == 250 {
            *traffic.rate(Port::tcp(23)) = 15.0;
            *traffic.rate(Port::tcp(80)) = 15.0;
        }
        if bin % 300 == 270 {
            *traffic.rate(Port::tcp(23)) = 0.1;
            *traffic.rate(Port::tcp(80)) = 0.1;
        }
        let mut closed = traffic.next();
        if bin % 90 > 80 {
            closed.ports.clear();
            closed.keys.clear();
        }
        all.push(closed);
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn going_on_from_a_snapshot_gives_the_signs_of_an_uninterrupted_run(seed in 0_u64..1_000, at in 0_usize..900) {
        let bins = eventful(seed, 900);
        let mut detection = detection(20.0);
        let mut raised = 0;
        for bin in &bins[..at] {
            raised += detection.close(bin).raised.len();
        }
        let bytes = detection.snapshot().unwrap();
        let settings = Settings { false_alarms_per_week: 20.0, ..Settings::default() };
        let mut restored = Detection::restore(settings, Campaigns::builtin(), &bytes).unwrap();
        prop_assert_eq!(&restored.snapshot().unwrap(), &bytes);
        for bin in &bins[at..] {
            let (uninterrupted, resumed) = (detection.close(bin), restored.close(bin));
            prop_assert_eq!(&uninterrupted, &resumed);
            raised += resumed.raised.len();
        }
        prop_assert!(raised >= 2, "only {} signs: nothing was compared", raised);
        prop_assert_eq!(detection, restored);
    }

    #[test]
    fn a_replay_of_what_is_stored_gives_the_signs_of_the_live_run(seed in 0_u64..1_000) {
        let bins = eventful(seed, 900);
        let (mut live, mut replay) = (detection(20.0), detection(20.0));
        let (mut live_signs, mut replay_signs) = (Vec::new(), Vec::new());
        for bin in &bins {
            live_signs.extend(live.close(bin).into_signs());
            live_signs.extend(live.advance(bin.start.plus(BIN)).into_signs());
        }
        for bin in bins.iter().filter(|bin| !bin.ports.is_empty()) {
            replay_signs.extend(replay.close(bin).into_signs());
        }
        replay_signs.extend(replay.advance(bins.last().unwrap().start.plus(BIN)).into_signs());
        prop_assert!(!live_signs.is_empty());
        prop_assert_eq!(live_signs, replay_signs);
        prop_assert_eq!(live, replay);
    }
}
