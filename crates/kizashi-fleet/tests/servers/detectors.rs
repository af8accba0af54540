//! Detectors and a hub's side of them, over real servers.

use std::collections::BTreeMap;
use std::sync::Arc;

use kizashi_fleet::detectors::{Announced, Line, Team, serve};
use kizashi_fleet::{DETECTOR, HUB, SensorName};
use kizashi_signs::shares::{BinPart, BinRows, Part};
use kizashi_signs::{Closed, Settings};
use kizashi_store::ClosedBin;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::harness::{Cluster, eventually};
use crate::support::{merge, told};

/// Partitions as a hub has them when nothing else is said.
pub(crate) const PARTITIONS: u16 = 64;

pub(crate) fn settings() -> Settings {
    Settings { false_alarms_per_week: 20.0, memory_megabytes: 4, ..Settings::default() }
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// A detector's process, as far as the servers see it.
pub(crate) struct TestDetector {
    runtime: Option<Runtime>,
    serving: JoinHandle<()>,
    stopping: Arc<Notify>,
}

impl TestDetector {
    pub(crate) fn start(cluster: &Cluster, name: &str, version: &'static str) -> Self {
        let (runtime, stopping) = (runtime(), Arc::<Notify>::default());
        let (credentials, told) = (cluster.credentials(DETECTOR), Arc::clone(&stopping));
        let name = SensorName::parse(name).unwrap();
        let token = name.as_str().bytes().map(u64::from).sum();
        let serving = runtime.spawn(async move {
            let announced = Announced { name, version, token };
            serve(&credentials, &announced, told.notified()).await.unwrap();
        });
        Self { runtime: Some(runtime), serving, stopping }
    }

    /// Ends as it is told to.
    pub(crate) fn stop(mut self) {
        self.stopping.notify_one();
        self.runtime.as_ref().unwrap().block_on(&mut self.serving).unwrap();
    }

    /// Ends as a power cut ends it: nothing is said to anybody.
    pub(crate) fn kill(mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}

impl Drop for TestDetector {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The hub's side: a merge, and its parts wherever they are.
pub(crate) struct TestMerge {
    line: Arc<Line>,
    pub(crate) team: Team,
    pub(crate) merge: kizashi_signs::Merge,
    /// The network's; it goes last.
    _runtime: Runtime,
}

impl TestMerge {
    pub(crate) fn start(cluster: &Cluster, session: u64) -> Self {
        Self::in_parts(cluster, session, (settings(), PARTITIONS))
    }

    pub(crate) fn in_parts(
        cluster: &Cluster,
        session: u64,
        (settings, partitions): (Settings, u16),
    ) -> Self {
        let runtime = runtime();
        let line = runtime.block_on(Line::open(&cluster.credentials(HUB), session)).unwrap();
        let line = Arc::new(line);
        let watched = Arc::clone(&line);
        runtime.spawn(async move { watched.watch(std::future::pending()).await });
        let mut team = Team::new(vec![Part::default(); usize::from(partitions)]).unwrap();
        team.share_over(Arc::clone(&line));
        Self { line, team, merge: merge(settings, partitions), _runtime: runtime }
    }

    pub(crate) fn close(&mut self, bin: &ClosedBin) -> String {
        told(&self.closed(bin))
    }

    pub(crate) fn closed(&mut self, bin: &ClosedBin) -> Closed {
        self.team.hold(BinPart::divided(bin, self.merge.partitions()));
        let rows = BinRows::of(bin, self.merge.campaigns());
        self.merge.close(&mut self.team, &rows)
    }

    pub(crate) fn waits_for(&self, names: &[&str]) {
        eventually(&format!("{names:?} live"), || self.line.living() == names);
    }

    pub(crate) fn waits_for_the_bucket(&self) {
        eventually("the bucket of snapshots is there", || self.line.keeps_snapshots());
    }

    pub(crate) fn holders(&mut self) -> BTreeMap<String, usize> {
        self.team.look_around();
        let roster = self.team.roster();
        let held = roster.detectors.into_iter().map(|fares| (fares.name, fares.partitions));
        held.chain([(String::new(), roster.here)]).filter(|(_, held)| *held > 0).collect()
    }
}
