//! Entries for the fuzzer: any bytes as frames and as a capture file.

use std::ops::ControlFlow;
use std::sync::{Arc, LazyLock};

use kizashi_event::Timestamp;

use crate::live::{Owners, PortSet};
use crate::{Counts, Frame, LinkType, Observer, Options, Ports, Prefix, import_reader};

const LINKS: [u16; 10] = [1, 0, 12, 14, 101, 108, 113, 228, 229, 276];

fn options(local: &[&str]) -> Options {
    let local = local.iter().filter_map(|text| text.parse().ok()).collect::<Vec<Prefix>>();
    Options { sensor: Arc::from("fuzz"), local }
}

fn observer(local: &[&str]) -> Observer {
    Observer::new(&options(local))
}

/// A third of all ports is the traps', another is real services'.
static PORTS: LazyLock<Ports> = LazyLock::new(|| {
    let trapped = PortSet::of(0..20_000);
    let owners = Owners { trapped, services: PortSet::of(20_000..40_000) };
    Ports { tcp: owners.clone(), udp: owners }
});

fn live(local: &[&str]) -> Observer {
    Observer::live(&options(local), PORTS.clone())
}

/// Frames, each behind a byte that chooses its link and one that says how many of the following bytes it takes in units of eight.
pub fn frame(bytes: &[u8]) {
    let local = ["198.18.0.0/15", "2001:db8::/32", "10.0.0.0/8"];
    frames(bytes, observer(&local));
    frames(bytes, live(&local));
}

fn frames(bytes: &[u8], mut observer: Observer) {
    let (mut events, mut time) = (0, 1_700_000_000_i64);
    let mut sink = |_| {
        events += 1;
        ControlFlow::Continue(())
    };
    let mut rest = bytes;
    while let [link, length, behind @ ..] = rest {
        let length = (usize::from(*length) * 8).min(behind.len());
        let (bytes, next) = behind.split_at(length);
        let link = LinkType(LINKS[usize::from(*link) % LINKS.len()]);
        time += i64::from(link.0) * 100_000;
        let original_length = u32::try_from(length).unwrap_or_default() + u32::from(time % 3 == 0);
        let time = Timestamp::from_micros(time);
        observer.frame(&Frame { time, link, bytes, original_length }, &mut sink);
        rest = next;
    }
    observer.finish(&mut sink);
    check(observer.counts(), events);
}

/// A capture file, packed or not; our side is found.
pub fn capture(bytes: &[u8]) {
    let mut observer = observer(&[]);
    let mut events = 0;
    let mut sink = |_| {
        events += 1;
        ControlFlow::Continue(())
    };
    let report = import_reader("fuzz", bytes, &mut observer, &mut |_| {}, &mut sink);
    observer.finish(&mut sink);
    assert_eq!(report.frames, observer.counts().frames);
    check(observer.counts(), events);
}

/// Whatever came, each frame is counted in one place.
fn check(counts: &Counts, events: u64) {
    assert_eq!(counts.events, events);
    let placed = counts.unknown_link
        + counts.not_ip
        + counts.broken
        + counts.elsewhere
        + counts.inbound
        + counts.outbound;
    assert_eq!(counts.frames, placed);
    let tcp = &counts.tcp;
    // Each first segment is an attempt with an outcome, or repeats one.
    assert_eq!(
        tcp.syn_segments + tcp.odd_probes,
        tcp.repeats + tcp.unanswered + tcp.refused + tcp.half_open + tcp.completed
    );
}
