//! Backups as docs/fleet.md says to make them, and disks that are lost: what a backup, the servers and the spools hold is there again, nothing
//! is there twice, and what none of them holds any more is counted. The hub's store is a real one here.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use kizashi_event::Event;
use kizashi_fleet::hub::Keeper;
use kizashi_store::{Inlet, Mode, Reader, Settings, Store};

use crate::harness::{Cluster, Folder, RunningHub, Sensor, eventually, now};

struct StoreKeeper {
    inlet: Inlet,
    reader: Mutex<Reader>,
}

impl Keeper for StoreKeeper {
    fn keep(&self, events: &[Event], named: &[(String, Vec<u8>)]) -> Result<(), String> {
        self.inlet.commit(events.to_vec()).map_err(|error| error.to_string())?;
        self.inlet.save(Vec::new(), named.to_vec()).map_err(|error| error.to_string())
    }

    fn named(&self, name: &str) -> Option<Vec<u8>> {
        self.reader.lock().unwrap().blob(name).unwrap()
    }
}

/// A hub over a store in a folder that outlives it.
struct StoreHub {
    running: RunningHub,
    store: Store,
}

impl StoreHub {
    fn start(cluster: &Cluster, folder: &Path) -> Self {
        let settings = Settings { mode: Mode::Live, clock: Arc::new(now), ..Settings::default() };
        let store = Store::open(folder, settings).unwrap();
        let keeper =
            StoreKeeper { inlet: store.inlet(), reader: Mutex::new(store.reader().unwrap()) };
        Self { running: RunningHub::start(cluster, Arc::new(keeper)), store }
    }

    fn count(&self) -> u64 {
        self.store.reader().unwrap().overview().unwrap().events
    }

    /// Waits for so many events in the store, which has each once, and holds that no more come.
    fn has(&self, count: u64) {
        eventually(&format!("{count} events"), || self.count() >= count);
        assert_eq!(self.count(), count, "each once");
    }

    fn stop(mut self) {
        self.running.end();
        self.store.flush().unwrap();
    }
}

fn copied(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(done.success());
}

fn servers_data(cluster: &Cluster) -> PathBuf {
    data_of(cluster, 0)
}

fn data_of(cluster: &Cluster, server: usize) -> PathBuf {
    cluster.fleet.lock().unwrap().server_folders()[server].join("data")
}

/// A fleet of one server whose hub was stopped after 200 events, when 100 more were on the servers; with its backup.
struct BackedUp {
    cluster: Cluster,
    sensor: Sensor,
    hub: Folder,
    backup: Folder,
}

impl BackedUp {
    fn make() -> Self {
        let cluster = Cluster::start(1, &["tokyo"]);
        let (folder, backup) = (Folder::new("hub"), Folder::new("backup"));
        let hub = StoreHub::start(&cluster, &folder.0.join("data"));
        let sensor = Sensor::start(&cluster, "tokyo");
        for from in (0..200).step_by(20) {
            sensor.see(from..from + 20);
        }
        hub.has(200);
        hub.stop();
        for from in (200..300).step_by(20) {
            sensor.see(from..from + 20);
        }
        eventually("the servers have it", || sensor.outgoing.waiting().records == 0);
        let this = Self { cluster, sensor, hub: folder, backup };
        this.cluster.kill_server(0);
        copied(&this.hub.0.join("data"), &this.backup.0.join("hub"));
        copied(&servers_data(&this.cluster), &this.backup.0.join("servers"));
        this.cluster.start_server(0);
        this
    }

    fn start_hub(&self) -> StoreHub {
        StoreHub::start(&self.cluster, &self.hub.0.join("data"))
    }

    fn restore_hub(&self) {
        copied(&self.backup.0.join("hub"), &self.hub.0.join("data"));
    }

    fn restore_server(&self) {
        self.cluster.kill_server(0);
        copied(&self.backup.0.join("servers"), &servers_data(&self.cluster));
        self.cluster.start_server(0);
    }
}

#[test]
fn hub_and_servers_that_are_restored_together_have_all_that_the_backup_and_the_spools_held_and_count_the_rest()
 {
    let fleet = BackedUp::make();
    // What comes between backup and loss: five records that hub, servers and spool are rid of.
    let hub = fleet.start_hub();
    for from in (300..400).step_by(20) {
        fleet.sensor.see(from..from + 20);
    }
    hub.has(400);
    eventually("it is the hub's alone", || fleet.sensor.outgoing.waiting().records == 0);
    hub.stop();
    fleet.cluster.kill_server(0);
    // Both disks are lost, and while they are the sensor goes on.
    fleet.sensor.see(400..420);
    fleet.restore_hub();
    fleet.restore_server();
    let hub = fleet.start_hub();
    // 200 of the hub's copy, 100 of the servers', 20 of the spool.
    hub.has(320);
    for from in (420..420 + 20 * 1_100).step_by(20) {
        fleet.sensor.see(from..from + 20);
    }
    hub.has(320 + 20 * 1_100);
    assert_eq!(hub.running.condition("tokyo").missed, 5, "what nobody has any more is counted");
    hub.stop();
}

#[test]
fn servers_that_are_restored_alone_bring_again_what_the_hub_has_and_it_counts_once() {
    let fleet = BackedUp::make();
    let hub = fleet.start_hub();
    hub.has(300);
    hub.stop();
    fleet.restore_server();
    let hub = fleet.start_hub();
    eventually("it comes again", || hub.running.condition("tokyo").again == 5);
    fleet.sensor.see(300..320);
    hub.has(320);
    assert_eq!(hub.running.condition("tokyo").missed, 0);
    hub.stop();
}

#[test]
fn a_hub_that_is_restored_alone_goes_on_with_what_the_servers_hold_and_has_nothing_twice() {
    let fleet = BackedUp::make();
    fleet.restore_hub();
    let hub = fleet.start_hub();
    hub.has(300);
    fleet.sensor.see(300..320);
    hub.has(320);
    assert_eq!(hub.running.condition("tokyo").missed, 0);
    hub.stop();
}

#[test]
fn a_server_of_three_that_lost_its_disk_needs_no_backup_and_stands_in_for_another_afterwards() {
    let cluster = Cluster::start(3, &["tokyo"]);
    let folder = Folder::new("hub");
    let hub = StoreHub::start(&cluster, &folder.0.join("data"));
    let sensor = Sensor::start(&cluster, "tokyo");
    sensor.see(0..20);
    hub.has(20);
    cluster.kill_server(0);
    std::fs::remove_dir_all(data_of(&cluster, 0)).unwrap();
    cluster.start_server(0);
    sensor.see(20..40);
    hub.has(40);
    eventually("it has its copy of the stream", || {
        data_of(&cluster, 0).join("jetstream/KIZASHI/streams/KIZASHI").exists()
    });
    cluster.kill_server(1);
    sensor.see(40..60);
    hub.has(60);
    hub.stop();
}
