//! The servers' configuration (docs.nats.io, "Configuration"; made for nats-server 2.9 and later). The hub has an account of its own with the
//! stream in it; each sensor has one as well, which reaches of the hub's account two subjects, its own, and nothing else. So limits hold for each
//! sensor alone: with a stolen key somebody can fill that sensor's share of the stream, from two connections, until it is revoked, and can
//! neither read nor keep another sensor out.

use std::fmt::Write as _;

use super::{Member, Server};
use crate::name::SensorName;

/// The servers find each other so many ports above the one for clients.
pub(super) const CLUSTER_ABOVE: u16 = 2_000;
/// Bytes of a message at most: a record with its headers.
const MOST_PAYLOAD: usize = 2 << 20;
/// Connections of a sensor: its own, and the one that is dying while it comes again.
const SENSOR_CONNECTIONS: usize = 2;
/// Connections of the hub and those beside it.
const HUB_CONNECTIONS: usize = 16;
/// Connections of detectors.
const DETECTOR_CONNECTIONS: usize = 240;
/// Bytes on each server's disk for the leases of detectors: far more than they take.
const LEASE_BYTES: u64 = 64 << 20;

/// The configuration of one server.
pub(super) fn server(servers: &[Server], at: usize, sensors: usize) -> String {
    let Some(server) = servers.get(at) else { return String::new() };
    let connections = HUB_CONNECTIONS + DETECTOR_CONNECTIONS + SENSOR_CONNECTIONS * (sensors + 16);
    let mut text = format!(
        "# Written by `kizashi fleet`; what is changed here is lost when a sensor is added or revoked.\n\
         # Start the server in this file's folder: nats-server -c nats-server.conf\n\
         server_name: kizashi-{}\n\
         listen: \"0.0.0.0:{}\"\n\
         max_payload: {MOST_PAYLOAD}\n\
         max_connections: {connections}\n\
         max_control_line: 4096\n\
         max_pending: 67108864\n\
         write_deadline: \"10s\"\n\
         ping_interval: \"20s\"\n\
         tls {{ cert_file: \"certificate.pem\", key_file: \"key.pem\", timeout: 10 }}\n\
         jetstream {{ store_dir: \"data\" }}\n\
         include \"accounts.conf\"\n",
        at + 1,
        server.port,
    );
    if servers.len() > 1 {
        let routes: Vec<String> = servers
            .iter()
            .map(|it| format!("\"tls://{}:{}\"", it.host, it.port + CLUSTER_ABOVE))
            .collect();
        // Routes are taken of those alone whom the fleet's authority signed.
        let _ = write!(
            text,
            "cluster {{\n  name: kizashi\n  listen: \"0.0.0.0:{}\"\n  routes: [{}]\n  \
             tls {{ cert_file: \"certificate.pem\", key_file: \"key.pem\", ca_file: \"authority.pem\", verify: true, timeout: 10 }}\n}}\n",
            server.port + CLUSTER_ABOVE,
            routes.join(", "),
        );
    }
    text
}

/// Who may do what: the same on all servers.
pub(super) fn users(
    (hub, detector): (&str, Option<&str>),
    sensors: &[Member],
    (gigabytes, replicas): (u64, usize),
) -> String {
    let named = sensors
        .iter()
        .filter(|member| !member.revoked)
        .filter_map(|member| Some((SensorName::parse(&member.name).ok()?, &member.key)));
    let (mut exports, mut accounts) = (String::new(), String::new());
    for (name, key) in named {
        let (events, contents) = (name.events_subject(), name.contents_subject());
        for subject in [&events, &contents] {
            let _ = writeln!(
                exports,
                "    {{ service: \"{subject}\", accounts: [\"SENSOR-{name}\"], response: Single }}"
            );
        }
        let inbox = name.inbox();
        let _ = write!(
            accounts,
            "\"SENSOR-{name}\" {{\n  \
             limits {{ max_connections: {SENSOR_CONNECTIONS}, max_subscriptions: 16, max_payload: {MOST_PAYLOAD} }}\n  \
             imports [\n    \
             {{ service: {{ account: KIZASHI, subject: \"{events}\" }} }}\n    \
             {{ service: {{ account: KIZASHI, subject: \"{contents}\" }} }}\n  ]\n  \
             users [\n    \
             {{ nkey: {key}, permissions {{ publish {{ allow: [\"{events}\", \"{contents}\"] }}, subscribe {{ allow: [\"{inbox}.>\"] }} }} }}\n  ]\n}}\n"
        );
    }
    // What captured content may take is kept beside what waits for the hub; an account's bound counts every copy.
    let central = crate::hub::MOST_CONTENT_BYTES + crate::detectors::MOST_PARTS_BYTES + LEASE_BYTES;
    let disk = ((gigabytes << 30) + central) * replicas as u64;
    let connections = HUB_CONNECTIONS + DETECTOR_CONNECTIONS;
    let asked = crate::detectors::ASKED;
    let detectors = detector.map(detectors).unwrap_or_default();
    let hub_inbox = crate::name::inbox_of(crate::name::HUB);
    format!(
        "accounts {{\n\
         KIZASHI {{\n  \
         jetstream {{ max_memory: 0, max_file: {disk}, max_streams: 8, max_consumers: 64 }}\n  \
         limits {{ max_connections: {connections}, max_payload: {MOST_PAYLOAD} }}\n  \
         exports [\n{exports}  ]\n  \
         users [\n    \
         {{ nkey: {hub}, permissions {{ publish {{ allow: [\"$JS.>\", \"$O.>\", \"$KV.>\", \"{asked}\"] }}, subscribe {{ allow: [\"{hub_inbox}.>\"] }} }} }}\n{detectors}  ]\n\
         }}\n\
         {accounts}\
         SYS {{ users [] }}\n\
         }}\n\
         system_account: SYS\n"
    )
}

/// The user that all detectors are: it hears what they are asked and answers that, keeps their leases, and writes and reads the snapshots of parts; it
/// reads no event.
fn detectors(key: &str) -> String {
    let (asked, inbox) = (crate::detectors::ASKED, crate::name::inbox_of(crate::name::DETECTOR));
    let (leases, parts) = (crate::detectors::lease_subjects(), crate::detectors::parts_subjects());
    let publish: Vec<String> = leases.iter().chain(&parts).map(|it| format!("\"{it}\"")).collect();
    format!(
        "    {{ nkey: {key}, permissions {{ publish {{ allow: [{}] }}, subscribe {{ allow: [\"{asked}\", \"{inbox}.>\"] }}, allow_responses: {{ max: 1, expires: \"1m\" }} }} }}\n",
        publish.join(", ")
    )
}
