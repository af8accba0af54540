//! The fleet over real `nats-server`s on loopback: what is counted is that nothing is lost and nothing counts twice, whatever dies.

#![cfg(test)]

mod detectors;
mod harness;
mod lies;
mod losses;
mod restores;
mod shares;
mod snapshots;
#[path = "../../../kizashi-signs/tests/support/mod.rs"]
mod support;
mod versions;

use harness::{Cluster, Sensor, TestHub, eventually};

#[test]
fn what_sensors_see_arrives_once_at_the_hub_whole() {
    let cluster = Cluster::start(1, &["tokyo", "osaka"]);
    let hub = TestHub::start(&cluster, harness::Kept::default());
    let tokyo = Sensor::start(&cluster, "tokyo");
    let osaka = Sensor::start(&cluster, "osaka");
    tokyo.see(0..500);
    osaka.see(0..300);
    hub.has(800);
    let conditions = hub.conditions.all();
    let names: Vec<&str> = conditions.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["osaka", "tokyo"]);
    eventually("heartbeats say the version", || {
        hub.conditions.all().iter().all(|it| it.status.version == "test")
    });
    eventually("the spools are empty", || {
        tokyo.outgoing.waiting().records + osaka.outgoing.waiting().records == 0
    });
}

#[test]
fn content_travels_once_and_is_in_each_event_that_speaks_of_it_also_after_a_restart_of_the_hub() {
    let cluster = Cluster::start(1, &["tokyo"]);
    let hub = TestHub::start(&cluster, harness::Kept::default());
    let sensor = Sensor::start(&cluster, "tokyo");
    let content = vec![0x5a; 200_000];
    sensor
        .keep(vec![harness::payload("tokyo", 1, &content), harness::payload("tokyo", 2, &content)]);
    hub.has(2);
    let kept = hub.stop();
    let hub = TestHub::start(&cluster, kept);
    // The sensor sends it no more: the hub finds it in the object store.
    sensor.keep(vec![harness::payload("tokyo", 3, &content)]);
    hub.has(3);
    for event in hub.events() {
        let payload = event.detail.payload().unwrap();
        assert_eq!((payload.content.len(), payload.left_out), (content.len(), false));
    }
    assert_eq!(hub.conditions.all()[0].without_content, 0);
}
