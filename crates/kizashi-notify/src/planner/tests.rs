use kizashi_store::Evidence;

use super::*;
use crate::Notify;
use crate::testing::sign_at;

/// A channel over made-up days.
struct Room {
    policy: Policy,
    told: Told,
    signs: BTreeMap<String, Notice>,
    seen: BTreeSet<String>,
}

impl Room {
    fn with(settings: &str) -> Self {
        let text =
            format!("{settings}\n[channels.a]\nkind = \"slack\"\nurl = \"https://a.example/\"");
        let notify: Notify = toml::from_str(&text).unwrap();
        let policy = notify.all_ready().unwrap().remove(0).policy;
        Self { policy, told: Told::default(), signs: BTreeMap::new(), seen: BTreeSet::new() }
    }

    fn raise(&mut self, key: &str, severity: Severity, at: &str) -> String {
        let sign = sign_at(key, severity, at);
        let id = sign.id.clone();
        self.signs.insert(id.clone(), Notice::of(&sign, &Evidence::default()));
        id
    }

    fn see(&mut self, id: &str, by_page: bool) {
        if by_page {
            self.signs.get_mut(id).unwrap().seen = true;
        } else {
            self.seen.insert(id.to_owned());
        }
    }

    fn at(&mut self, time: &str) -> Vec<Message> {
        let now: ZonedDateTime =
            format!("{}[+00:00]", time.replace('Z', "+00:00")).parse().unwrap();
        let situation = Situation { signs: &self.signs, seen: &self.seen, now: &now };
        plan("a", &self.policy, &mut self.told, &situation)
    }
}

fn whys(messages: &[Message]) -> Vec<(Why, usize)> {
    messages.iter().map(|message| (message.why, message.notices.len())).collect()
}

#[test]
fn a_sign_is_told_once_and_what_was_before_the_channel_never() {
    let mut room = Room::with("");
    room.raise("tcp/21", Severity::High, "2025-02-01T00:00:00Z");
    assert!(room.at("2025-02-18T12:00:00Z").is_empty());
    room.raise("tcp/22", Severity::High, "2025-02-18T12:10:00Z");
    assert_eq!(whys(&room.at("2025-02-18T12:10:01Z")), [(Why::Sign, 1)]);
    assert!(room.at("2025-02-18T12:10:02Z").is_empty());
}

#[test]
fn a_sign_that_is_silenced_is_told_by_no_message_until_the_silence_is_over() {
    let mut room = Room::with("quiet = \"23:00-07:00\"\nagain_hours = 1");
    assert!(room.at("2025-02-18T12:00:00Z").is_empty());
    let until = Timestamp::parse("2025-02-20T12:00:00Z").ok();
    let raised = room.raise("tcp/22", Severity::High, "2025-02-18T12:10:00Z");
    assert_eq!(whys(&room.at("2025-02-18T12:10:01Z")), [(Why::Sign, 1)]);
    let gathered = room.raise("tcp/23", Severity::Medium, "2025-02-18T23:30:00Z");
    assert_eq!(whys(&room.at("2025-02-18T23:30:01Z")), []);
    for id in [&raised, &gathered] {
        room.signs.get_mut(id).unwrap().muted_until = until;
    }
    // Neither what was gathered in the night nor that one is still unseen.
    for hour in 1..24 {
        let told = room.at(&format!("2025-02-19T{hour:02}:40:00Z"));
        assert_eq!(whys(&told), [], "at {hour}");
    }
    let after: Vec<(Why, usize)> =
        ["2025-02-20T12:00:00Z", "2025-02-20T13:00:00Z", "2025-02-21T13:00:00Z"]
            .iter()
            .flat_map(|at| whys(&room.at(at)))
            .collect();
    assert!(after.contains(&(Why::Unseen, 1)), "{after:?}");
    assert!(after.contains(&(Why::Sign, 1)), "{after:?}");
}

#[test]
fn quiet_hours_hold_back_all_but_what_wakes_and_let_the_rest_go_together_after() {
    let mut room = Room::with("quiet = \"23:00-07:00\"\nagain_hours = 0");
    assert!(room.at("2025-02-18T22:00:00Z").is_empty());
    room.raise("tcp/22", Severity::High, "2025-02-19T01:00:00Z");
    room.raise("tcp/23", Severity::Medium, "2025-02-19T02:00:00Z");
    room.raise("total", Severity::Critical, "2025-02-19T03:00:00Z");
    let night = room.at("2025-02-19T03:00:01Z");
    assert_eq!(whys(&night), [(Why::Sign, 1)]);
    assert_eq!(night[0].severity(), Severity::Critical);
    assert!(room.at("2025-02-19T06:59:59Z").is_empty());
    assert_eq!(whys(&room.at("2025-02-19T07:00:00Z")), [(Why::Digest, 2)]);
}

#[test]
fn what_is_below_the_floor_is_never_told_and_what_is_mild_waits_for_the_digest() {
    let mut room = Room::with("at_least = \"medium\"\nat_once = \"high\"\ndigest_at = \"08:00\"");
    assert!(room.at("2025-02-18T09:00:00Z").is_empty());
    room.raise("tcp/1", Severity::Low, "2025-02-18T10:00:00Z");
    room.raise("tcp/2", Severity::Medium, "2025-02-18T10:00:00Z");
    room.raise("tcp/3", Severity::Medium, "2025-02-18T11:00:00Z");
    assert!(room.at("2025-02-18T12:00:00Z").is_empty());
    assert!(room.at("2025-02-19T07:59:59Z").is_empty());
    assert_eq!(whys(&room.at("2025-02-19T08:00:00Z")), [(Why::Digest, 2)]);
    assert!(room.at("2025-02-19T08:00:01Z").is_empty());
}

#[test]
fn a_digest_whose_hour_passed_while_the_machine_was_off_comes_at_the_start() {
    let mut room = Room::with("at_once = \"high\"\ndigest_at = \"08:00\"");
    room.at("2025-02-18T09:00:00Z");
    room.raise("tcp/2", Severity::Low, "2025-02-18T10:00:00Z");
    room.at("2025-02-18T12:00:00Z");
    assert_eq!(whys(&room.at("2025-02-20T03:00:00Z")), [(Why::Sign, 1)]);
}

#[test]
fn a_sign_that_nobody_saw_is_told_again_three_times_and_one_that_was_seen_not() {
    let mut room = Room::with("again_hours = 6");
    room.at("2025-02-18T12:00:00Z");
    let id = room.raise("tcp/22", Severity::High, "2025-02-18T12:00:00Z");
    room.at("2025-02-18T12:00:00Z");
    assert!(room.at("2025-02-18T17:59:00Z").is_empty());
    let mut ids = BTreeSet::new();
    for time in ["2025-02-18T18:00:00Z", "2025-02-19T00:00:00Z", "2025-02-19T06:00:00Z"] {
        let again = room.at(time);
        assert_eq!(whys(&again), [(Why::Unseen, 1)]);
        assert!(ids.insert(again[0].id.clone()), "each telling is a message of its own");
    }
    assert!(room.at("2025-02-19T12:00:00Z").is_empty(), "three times are enough");
    let mut other = Room::with("again_hours = 6");
    other.at("2025-02-18T12:00:00Z");
    other.seen.insert(other.signs.keys().next().cloned().unwrap_or(id.clone()));
    other.raise("tcp/22", Severity::High, "2025-02-18T12:00:00Z");
    other.at("2025-02-18T12:00:00Z");
    assert!(other.at("2025-02-19T12:00:00Z").is_empty(), "{id} was seen");
}

#[test]
fn a_sign_that_grows_is_told_again_an_hour_later_at_the_earliest() {
    let mut room = Room::with("again_hours = 0");
    room.at("2025-02-18T12:00:00Z");
    let id = room.raise("tcp/22", Severity::Medium, "2025-02-18T12:00:00Z");
    room.at("2025-02-18T12:00:00Z");
    room.signs.get_mut(&id).unwrap().sign.sources = 62;
    assert!(room.at("2025-02-18T14:00:00Z").is_empty(), "62 are not three times 21");
    room.signs.get_mut(&id).unwrap().sign.sources = 63;
    assert!(room.at("2025-02-18T12:59:00Z").is_empty(), "not within the hour");
    assert_eq!(whys(&room.at("2025-02-18T14:00:01Z")), [(Why::Grown, 1)]);
    room.signs.get_mut(&id).unwrap().sign.severity = Severity::High;
    assert_eq!(whys(&room.at("2025-02-18T16:00:00Z")), [(Why::Grown, 1)]);
}

#[test]
fn a_sign_that_was_seen_by_page_or_command_is_told_again_only_when_it_gets_graver() {
    for by_page in [true, false] {
        let mut room = Room::with("again_hours = 1");
        room.at("2025-02-18T12:00:00Z");
        let id = room.raise("tcp/22", Severity::Medium, "2025-02-18T12:00:00Z");
        assert_eq!(whys(&room.at("2025-02-18T12:00:00Z")), [(Why::Sign, 1)]);
        // It got graver within the hour, and that is how he saw it.
        room.signs.get_mut(&id).unwrap().sign.severity = Severity::High;
        room.see(&id, by_page);
        for hour in 13..24 {
            room.signs.get_mut(&id).unwrap().sign.sources *= 2;
            assert_eq!(whys(&room.at(&format!("2025-02-18T{hour}:00:00Z"))), [], "at {hour}");
        }
        room.signs.get_mut(&id).unwrap().sign.severity = Severity::Critical;
        assert_eq!(whys(&room.at("2025-02-19T01:00:00Z")), [(Why::Grown, 1)]);
        assert_eq!(whys(&room.at("2025-02-19T09:00:00Z")), [], "and that once");
    }
}

#[test]
fn a_sign_that_was_seen_before_it_could_be_told_is_not_told_until_it_gets_graver() {
    let mut room = Room::with("quiet = \"23:00-07:00\"\nat_least = \"medium\"\nagain_hours = 0");
    room.at("2025-02-18T22:00:00Z");
    let gathered = room.raise("tcp/22", Severity::High, "2025-02-19T01:00:00Z");
    let below = room.raise("tcp/23", Severity::Low, "2025-02-19T01:00:00Z");
    assert!(room.at("2025-02-19T01:00:01Z").is_empty());
    room.see(&gathered, true);
    room.see(&below, true);
    for time in ["2025-02-19T01:00:02Z", "2025-02-19T07:00:00Z", "2025-02-20T12:00:00Z"] {
        assert_eq!(whys(&room.at(time)), [], "at {time}");
    }
    room.signs.get_mut(&below).unwrap().sign.severity = Severity::Medium;
    assert_eq!(whys(&room.at("2025-02-20T12:00:01Z")), [(Why::Grown, 1)]);
}

#[test]
fn a_sign_that_is_not_seen_any_more_is_told_again_as_before() {
    let mut room = Room::with("again_hours = 6");
    room.at("2025-02-18T12:00:00Z");
    let id = room.raise("tcp/22", Severity::High, "2025-02-18T12:00:00Z");
    room.at("2025-02-18T12:00:00Z");
    room.see(&id, true);
    assert_eq!(whys(&room.at("2025-02-18T18:00:00Z")), []);
    room.signs.get_mut(&id).unwrap().seen = false;
    assert_eq!(whys(&room.at("2025-02-18T18:00:01Z")), [(Why::Unseen, 1)]);
}

#[test]
fn a_flood_of_signs_is_so_many_messages_an_hour_and_then_one_with_the_rest() {
    let mut room = Room::with("most_per_hour = 3\nagain_hours = 0");
    room.at("2025-02-18T12:00:00Z");
    for port in 1..=100 {
        room.raise(&format!("tcp/{port}"), Severity::High, "2025-02-18T12:01:00Z");
    }
    assert_eq!(room.at("2025-02-18T12:02:00Z").len(), 3);
    assert!(room.at("2025-02-18T12:30:00Z").is_empty());
    let rest = room.at("2025-02-18T13:02:01Z");
    assert_eq!(whys(&rest), [(Why::Digest, 20)]);
    assert_eq!(rest[0].left_out, 77);
    assert!(room.at("2025-02-18T13:02:02Z").is_empty());
}

#[test]
fn what_was_told_is_the_same_after_it_was_written_and_read_again() {
    let mut room = Room::with("");
    room.at("2025-02-18T12:00:00Z");
    room.raise("tcp/22", Severity::High, "2025-02-18T12:00:00Z");
    room.at("2025-02-18T12:00:00Z");
    let json = serde_json::to_string(&room.told).unwrap();
    room.told = serde_json::from_str(&json).unwrap();
    assert!(room.at("2025-02-18T12:00:01Z").is_empty());
}
