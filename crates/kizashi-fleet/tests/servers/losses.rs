//! Servers that die, sensors that are cut off, disks that are full, hubs that end in the middle: nothing lost, nothing twice.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kizashi_event::{Detail, Timestamp};
use kizashi_fleet::spool::LEAST_BYTES;

use crate::harness::{Cable, Cluster, Folder, Kept, Sensor, TestHub, event, eventually, now};

#[test]
fn a_server_of_three_and_the_hub_die_under_load_and_everything_counts_once() {
    const EACH: u64 = 6_000;
    let cluster = Cluster::start(3, &["tokyo", "osaka"]);
    let hub = TestHub::start(&cluster, Kept::default());
    let sensors = ["tokyo", "osaka"].map(|name| Sensor::start(&cluster, name));
    sensors.iter().for_each(|sensor| sensor.see(0..100));
    hub.has(200);
    let over = AtomicBool::new(false);
    let kept = std::thread::scope(|scope| {
        for sensor in &sensors {
            scope.spawn(|| {
                for from in (100..EACH).step_by(20) {
                    sensor.see(from..(from + 20).min(EACH));
                    if !over.load(Ordering::Relaxed) {
                        std::thread::sleep(Duration::from_millis(5));
                    }
                }
            });
        }
        eventually("they send", || hub.count() > 1_000);
        cluster.kill_server(0);
        eventually("two servers go on", || hub.count() > 2_000);
        let kept = hub.stop();
        over.store(true, Ordering::Relaxed);
        kept
    });
    let hub = TestHub::start(&cluster, kept);
    hub.has(2 * EACH as usize);
    assert!(hub.conditions.all().iter().all(|it| it.missed == 0), "{:?}", hub.conditions.all());
    cluster.start_server(0);
    sensors.iter().for_each(|sensor| sensor.see(EACH..EACH + 10));
    hub.has(2 * EACH as usize + 20);
}

#[test]
fn a_sensor_that_is_cut_off_loses_nothing_of_ten_minutes_that_pass_by_its_events_times_alone_and_others_go_on()
 {
    let cluster = Cluster::start(1, &["tokyo", "osaka"]);
    let hub = TestHub::start(&cluster, Kept::default());
    let cable = Cable::to(cluster.ports[0]);
    let through = vec![format!("tls://127.0.0.1:{}", cable.port)];
    let credentials = cluster.credentials("tokyo").with_servers(through).unwrap();
    let tokyo = Sensor::with("tokyo", Folder::new("spool"), 64 << 20, credentials, now);
    let osaka = Sensor::start(&cluster, "osaka");
    tokyo.see(0..10);
    hub.has(10);
    cable.cut();
    // Ten minutes of events, as their own times tell; none of them waited for.
    let began = now().plus(-600 * Timestamp::SECOND);
    for second in 0..600 {
        let time = began.plus(second * Timestamp::SECOND);
        let number = 10 + u64::try_from(second).unwrap();
        tokyo.keep(vec![event("tokyo", number, time, Detail::Connect)]);
    }
    osaka.see(0..50);
    hub.has(60);
    assert!(tokyo.outgoing.waiting().records >= 600);
    cable.mend();
    hub.has(660);
    let times: Vec<Timestamp> = hub
        .events()
        .iter()
        .filter(|event| event.id.0 >= 10 && &*event.sensor == "tokyo")
        .map(|event| event.time)
        .collect();
    assert_eq!(times[0], began, "with their own times");
    assert!(times.is_sorted(), "in their own order");
}

#[test]
fn a_sensor_that_is_killed_goes_on_with_its_spool_and_what_it_sends_again_is_known() {
    let cluster = Cluster::start(1, &["tokyo"]);
    let hub = TestHub::start(&cluster, Kept::default());
    let sensor = Sensor::start(&cluster, "tokyo");
    for from in (0..200).step_by(10) {
        sensor.see(from..from + 10);
    }
    hub.has(200);
    eventually("all is acknowledged", || sensor.outgoing.waiting().records == 0);
    let folder = sensor.stop();
    // As a kill leaves it: how far the hub is was not written down.
    std::fs::write(folder.0.join("position"), "3\n").unwrap();
    let sensor = Sensor::with("tokyo", folder, 64 << 20, cluster.credentials("tokyo"), now);
    sensor.see(200..210);
    hub.has(210);
    eventually("all is acknowledged again", || sensor.outgoing.waiting().records == 0);
    hub.has(210);
}

#[test]
fn what_the_servers_have_forgotten_the_hub_still_knows() {
    let cluster = Cluster::start(1, &["tokyo"]);
    let hub = TestHub::start(&cluster, Kept::default());
    let sensor = Sensor::start(&cluster, "tokyo");
    sensor.see(0..10);
    sensor.see(10..20);
    hub.has(20);
    let folder = sensor.stop();
    std::fs::write(folder.0.join("position"), "0\n").unwrap();
    let kept = hub.stop();
    // A server that lost its disk knows no message's id any more.
    cluster.kill_server(0);
    let place = cluster.fleet.lock().unwrap().server_folders()[0].join("data");
    std::fs::remove_dir_all(place).unwrap();
    cluster.start_server(0);
    let hub = TestHub::start(&cluster, kept);
    let sensor = Sensor::with("tokyo", folder, 64 << 20, cluster.credentials("tokyo"), now);
    sensor.see(20..30);
    hub.has(30);
    assert_eq!(hub.conditions.all()[0].again, 2);
}

#[test]
fn a_hub_whose_disk_is_full_acknowledges_nothing_and_loses_nothing() {
    let cluster = Cluster::start(1, &["tokyo"]);
    let hub = TestHub::start(&cluster, Kept { is_full: true, ..Kept::default() });
    let sensor = Sensor::start(&cluster, "tokyo");
    sensor.see(0..1_000);
    eventually("the servers have it", || sensor.outgoing.waiting().records == 0);
    assert_eq!(hub.count(), 0);
    let kept = hub.stop();
    assert!(kept.events.is_empty());
    let hub = TestHub::start(&cluster, Kept { is_full: true, ..kept });
    std::thread::sleep(Duration::from_millis(300));
    hub.kept.lock().unwrap().is_full = false;
    hub.has(1_000);
}

#[test]
fn a_spool_past_its_bound_lets_the_oldest_go_and_both_ends_count_the_same() {
    let cluster = Cluster::start(1, &["tokyo"]);
    let hub = TestHub::start(&cluster, Kept::default());
    let mut sensor = Sensor::unconnected("tokyo", Folder::new("spool"), LEAST_BYTES);
    sensor.see(0..1);
    sensor.connect(cluster.credentials("tokyo"), now);
    hub.has(1);
    let folder = sensor.stop();
    let mut sensor = Sensor::unconnected("tokyo", folder, LEAST_BYTES);
    let mut number = 1;
    while sensor.outgoing.dropped().records < 100 {
        let long = "x".repeat(3_000);
        let noise = Sha(number).text(&long);
        let command = Detail::Command { line: noise.as_str().into(), known: None };
        sensor.keep(vec![event("tokyo", number, now(), command)]);
        number += 1;
    }
    let dropped = sensor.outgoing.dropped();
    assert_eq!(dropped.records, dropped.events);
    sensor.connect(cluster.credentials("tokyo"), now);
    hub.has(number as usize - dropped.events as usize);
    eventually("the sensor says what it let go", || {
        hub.conditions.all()[0].status.dropped_events == dropped.events
    });
}

/// Text that does not pack.
struct Sha(u64);

impl Sha {
    fn text(&self, pattern: &str) -> String {
        let mut state = self.0 | 1;
        let mut draw = |_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(33 + (state % 90) as u8)
        };
        pattern.chars().map(&mut draw).collect()
    }
}

#[test]
fn a_disk_without_room_takes_the_oldest_and_a_trap_never_waits() {
    let folder = Folder::new("full");
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
        .arg(&folder.0)
        .status()
        .is_ok_and(|status| status.success());
    if !mounted {
        println!("skipped: no small disk can be mounted here");
        return;
    }
    let result = std::panic::catch_unwind(|| {
        let inside = Folder(folder.0.join("spool"));
        let sensor = Sensor::unconnected("tokyo", inside, LEAST_BYTES);
        for number in 0..400 {
            let command = Detail::Command {
                line: Sha(number).text(&"x".repeat(4_000)).as_str().into(),
                known: None,
            };
            sensor.keep(vec![event("tokyo", number, now(), command)]);
        }
        let (dropped, waiting) = (sensor.outgoing.dropped(), sensor.outgoing.waiting());
        assert!(dropped.records > 100, "{dropped:?}");
        assert_eq!(dropped.records + waiting.records, 400, "each waits or was counted");
    });
    let _ = std::process::Command::new("umount").arg(&folder.0).status();
    result.unwrap();
}
