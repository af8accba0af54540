//! Bytes that mean harm or nothing: no panic, and never the loss of a good line that follows.

use crate::common::import_bytes;
use kizashi_event::Timestamp;
use proptest::prelude::*;

/// A good line of each format, and how many events it makes.
const GOOD: [(&str, u64); 6] = [
    (
        r#"{"eventid":"cowrie.login.failed","session":"00ff","protocol":"ssh","src_ip":"192.0.2.7","src_port":40000,"dst_ip":"198.51.100.1","dst_port":2222,"sensor":"s","timestamp":"2026-01-02T03:04:05.678901Z","username":"root","password":"p"}"#,
        1,
    ),
    (
        r#"{"eventid":"cowrie.direct-tcpip.data","session":"00ff","src_ip":"192.0.2.7","dst_ip":"203.0.113.9","dst_port":25,"data":"b'EHLO\\r\\n\\x00'","timestamp":"2026-01-02T03:04:05Z"}"#,
        1,
    ),
    (
        r#"{"connection": {"protocol": "ftpd", "transport": "tcp", "type": "accept"}, "dst_port": 21, "src_ip": "192.0.2.7", "src_port": 1401, "timestamp": "2025-02-12T08:28:02.472515", "credentials": {"password": ["b"], "username": ["a"]}, "ftp": {"commands": [{"command": "USER", "arguments": ["a"]}]}}"#,
        3,
    ),
    (
        r#"{"eventid":"elasticpot.attack","payload":"{}","url":"/_search","timestamp":"2026-11-24T19:14:09.313291Z","src_ip":"192.0.2.7","dst_port":9200,"request":"POST"}"#,
        1,
    ),
    (
        r#"{"dst_host": "198.51.100.2", "dst_port": 23, "logdata": {"USERNAME": "a", "PASSWORD": "b"}, "logtype": 6001, "node_id": "n", "src_host": "192.0.2.7", "src_port": 1, "utc_time": "2026-11-24 19:01:28.5"}"#,
        1,
    ),
    (
        r#"{"timestamp": "2026-11-24 19:02:23", "duration": 5, "session_id": "1783", "source_ip": "192.0.2.7", "source_port": 42, "destination_port": 22, "protocol": "ssh", "auth_attempts": [{"timestamp": "2026-11-24 19:02:24", "username": "root", "password": "a"}], "session_ended": true, "auxiliary_data": {}}"#,
        3,
    ),
];
const HEADER: &str = "time,src,dpt,input,proto";
const ROW: &str = "2018-05-06T17:44:05Z,192.0.2.1,22,\"a, b\",tcp";

/// A good line with some bytes replaced, dropped, added or repeated; no line ends are made.
fn mutate(line: &str, changes: &[(prop::sample::Index, u8, u8)]) -> Vec<u8> {
    let mut bytes = line.as_bytes().to_vec();
    for (at, kind, byte) in changes {
        let at = at.index(bytes.len().max(1)).min(bytes.len().saturating_sub(1));
        let byte = if *byte == b'\n' { b'"' } else { *byte };
        match kind % 4 {
            _ if bytes.is_empty() => bytes.push(byte),
            0 => bytes[at] = byte,
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, byte),
            _ => bytes.truncate(at + 1),
        }
    }
    bytes
}

fn changes() -> impl Strategy<Value = Vec<(prop::sample::Index, u8, u8)>> {
    let byte = prop_oneof![any::<u8>(), Just(b'"'), Just(b'\\'), Just(b'{'), Just(b']'), Just(0)];
    prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), byte), 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let (report, events) = import_bytes(&bytes);
        prop_assert_eq!(report.counts.events, events.len() as u64);
    }

    #[test]
    fn a_damaged_line_never_costs_the_good_ones_around_it(
        which in 0..GOOD.len(),
        changes in prop::collection::vec(changes(), 1..4),
    ) {
        let (good, made) = GOOD[which];
        let mut text = good.as_bytes().to_vec();
        for change in &changes {
            text.push(b'\n');
            text.extend(mutate(good, change));
            text.push(b'\n');
            text.extend(good.as_bytes());
        }
        let (report, events) = import_bytes(&text);
        let good_lines = changes.len() as u64 + 1;
        let moment = import_bytes(good.as_bytes()).1[0].time;
        prop_assert!(events.len() as u64 >= good_lines * made);
        prop_assert!(events.iter().filter(|event| event.time == moment).count() as u64 >= good_lines);
        prop_assert_eq!(report.counts.lines, 2 * good_lines - 1);
        prop_assert!(report.counts.broken < good_lines);
    }

    #[test]
    fn a_damaged_row_never_costs_the_good_ones_around_it(
        changes in prop::collection::vec(changes(), 1..4),
    ) {
        let mut text = format!("{HEADER}\n{ROW}").into_bytes();
        for change in &changes {
            text.push(b'\n');
            text.extend(mutate(ROW, change));
            text.extend(format!("\n{ROW}\n{ROW}").bytes());
        }
        let (report, events) = import_bytes(&text);
        let good = events.iter().filter(|event| event.time == Timestamp::from_seconds(1_525_628_645));
        prop_assert!(good.count() > 2 * changes.len(), "{:?}", report);
    }
}

#[test]
fn deep_nesting_and_long_numbers_are_refused_or_ignored_without_harm() {
    let deep = "[".repeat(200_000);
    let text = format!(
        "{}\n{{\"eventid\":\"cowrie.x\",\"a\":{deep}\n{{\"eventid\":{deep}\n{}",
        GOOD[0].0, GOOD[0].0
    );
    let (report, events) = import_bytes(text.as_bytes());
    assert_eq!((events.len(), report.counts.broken), (2, 2));
    let number = GOOD[0].0.replace("40000", &"9".repeat(100_000));
    assert_eq!(
        import_bytes(format!("{}\n{number}\n{}", GOOD[0].0, GOOD[0].0).as_bytes()).1.len() % 2,
        0
    );
}
