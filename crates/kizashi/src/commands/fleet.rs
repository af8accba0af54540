//! `kizashi fleet`: who belongs to a fleet, and how its sensors and detectors fare.

mod detectors;

use kizashi_event::Timestamp;
use kizashi_fleet::accounts::{Choices, Fleet};
use kizashi_fleet::hub::Condition;
use kizashi_fleet::{DETECTOR, HUB, SensorName};
use kizashi_store::Reader;
use serde_json::json;

use crate::cli::{FleetCall, FleetFolder, FleetInit, FleetList, FleetMember, FleetStatus};
use crate::clock;
use crate::failure::Failure;
use crate::fleet::{kept_conditions, kept_roster};
use crate::screen::{bytes, thousands};
use crate::terminal::Terminal;

/// Does what is asked.
pub(crate) fn run(call: &FleetCall, terminal: &mut Terminal) -> Result<(), Failure> {
    match call {
        FleetCall::Init(call) => init(call, terminal),
        FleetCall::Add(call) => add(call, terminal),
        FleetCall::Revoke(call) => revoke(call, terminal),
        FleetCall::RenewDetectors(call) => renew_detectors(call, terminal),
        FleetCall::List(call) => list(call, terminal),
        FleetCall::Status(call) => status(call, terminal),
    }
}

#[allow(clippy::needless_pass_by_value, reason = "what `map_err` gives")]
fn failed(error: impl ToString) -> Failure {
    Failure::Asked(error.to_string())
}

fn init(call: &FleetInit, terminal: &mut Terminal) -> Result<(), Failure> {
    let choices = Choices { servers: call.servers.clone(), gigabytes: call.gigabytes };
    let fleet = Fleet::make(&call.folder, &choices).map_err(failed)?;
    for folder in fleet.server_folders() {
        terminal.line(&format!("server       {}", folder.display()))?;
    }
    terminal.line(&format!("hub          {}", fleet.credentials(HUB).display()))?;
    terminal.line(&format!("detectors    {}", fleet.credentials(DETECTOR).display()))?;
    terminal.line("Carry each server's folder to its machine and start there: nats-server -c nats-server.conf")?;
    terminal.line(&format!(
        "Then: kizashi hub --credentials {}, and for each sensor: kizashi fleet add NAME --fleet {}",
        fleet.credentials(HUB).display(),
        call.folder.display()
    ))
}

fn add(call: &FleetMember, terminal: &mut Terminal) -> Result<(), Failure> {
    let name = SensorName::parse(&call.name).map_err(failed)?;
    let mut fleet = Fleet::open(&call.fleet).map_err(failed)?;
    let path = fleet.add(&name).map_err(failed)?;
    terminal.line(&format!("credentials  {}", path.display()))?;
    reload(&fleet, terminal)?;
    terminal.line(&format!(
        "Then carry the credentials to the sensor: kizashi sensor --credentials {name}.toml"
    ))
}

fn revoke(call: &FleetMember, terminal: &mut Terminal) -> Result<(), Failure> {
    let name = SensorName::parse(&call.name).map_err(failed)?;
    let mut fleet = Fleet::open(&call.fleet).map_err(failed)?;
    fleet.revoke(&name).map_err(failed)?;
    terminal.line(&format!("revoked      {name}"))?;
    reload(&fleet, terminal)?;
    terminal.line("Until then its key still opens the servers.")
}

fn renew_detectors(call: &FleetFolder, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut fleet = Fleet::open(&call.fleet).map_err(failed)?;
    let path = fleet.renew_detectors().map_err(failed)?;
    terminal.line(&format!("credentials  {}", path.display()))?;
    reload(&fleet, terminal)?;
    terminal.line("Then carry the credentials to the detectors and start them again; the old ones open nothing any more.")
}

/// What makes the servers know of it.
fn reload(fleet: &Fleet, terminal: &mut Terminal) -> Result<(), Failure> {
    let files: Vec<String> = fleet
        .server_folders()
        .iter()
        .map(|folder| folder.join("accounts.conf").display().to_string())
        .collect();
    terminal.line(&format!(
        "Copy {} to its server and have it read again: nats-server --signal reload",
        files.join(", each of ")
    ))
}

fn list(call: &FleetList, terminal: &mut Terminal) -> Result<(), Failure> {
    let fleet = Fleet::open(&call.fleet).map_err(failed)?;
    if call.json {
        return fleet.members().iter().try_for_each(|member| {
            terminal.json(&json!({
                "name": member.name, "key": member.key, "revoked": member.revoked,
            }))
        });
    }
    if fleet.members().is_empty() {
        return terminal.line("no sensors yet: kizashi fleet add NAME");
    }
    fleet.members().iter().try_for_each(|member| {
        let word = if member.revoked { "revoked" } else { "" };
        terminal.line(format!("{:<33}{:<58}{word}", member.name, member.key).trim_end())
    })
}

fn status(call: &FleetStatus, terminal: &mut Terminal) -> Result<(), Failure> {
    let reader = Reader::open(&call.data.data)?;
    let (conditions, roster) = (kept_conditions(&reader)?, kept_roster(&reader)?);
    if call.json {
        conditions.iter().try_for_each(|condition| {
            terminal.json(&serde_json::to_value(condition).map_err(std::io::Error::from)?)
        })?;
        return roster.iter().flat_map(detectors::json_of).try_for_each(|row| terminal.json(&row));
    }
    roster.iter().flat_map(detectors::lines_of).try_for_each(|line| terminal.line(&line))?;
    if conditions.is_empty() {
        return terminal.line("no sensor was heard yet; this is the hub's data folder?");
    }
    let now = clock::now();
    conditions.iter().try_for_each(|condition| {
        lines_of(condition, now).iter().try_for_each(|line| terminal.line(line))
    })
}

fn lines_of(condition: &Condition, now: Timestamp) -> Vec<String> {
    let status = &condition.status;
    let seconds = now.since(Timestamp::from_micros(condition.heard)) / Timestamp::SECOND;
    let word = match condition.silent_since() {
        Some(since) => format!("SILENT since {}", since.rfc3339()),
        None => "alive".to_owned(),
    };
    let group = match condition.group.as_str() {
        "" => String::new(),
        group => format!(", group {group}"),
    };
    let version = if status.version.is_empty() { "unknown" } else { &status.version };
    let mut lines = vec![
        format!(
            "{:<33}{word}, heard {} s ago, version {version}{group}",
            condition.name,
            thousands(u64::try_from(seconds).unwrap_or(0))
        ),
        format!(
            "    {} events, {} a minute; {} ms behind, clock {} ms behind",
            thousands(condition.events),
            thousands(condition.events_per_minute),
            condition.lag_ms,
            condition.clock_ms
        ),
        format!(
            "    waiting there: {} records, {}",
            thousands(status.waiting_records),
            bytes(status.waiting_bytes)
        ),
    ];
    let lost = [
        ("events dropped by its spool", status.dropped_events),
        ("events lost before its spool", status.lost_events),
        ("records that never came", condition.missed),
        ("events without their content", condition.without_content),
        ("records that came again and counted once", condition.again),
        ("records not believed", condition.refused),
        ("times that a trap misbehaved", status.misbehaved),
    ];
    let lost: Vec<String> = lost
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(what, count)| format!("{} {what}", thousands(*count)))
        .collect();
    if !lost.is_empty() {
        lines.push(format!("    {}", lost.join(", ")));
    }
    if let Some(refusal) = &condition.refusal {
        lines.push(format!("    last not believed: {refusal}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sensor_is_told_in_few_lines_and_what_went_wrong_is_told_only_where_it_did() {
        let now = Timestamp::from_seconds(1_780_000_000);
        let kept = json!({
            "name": "tokyo",
            "heard": now.micros() - 4 * Timestamp::SECOND,
            "events": 12_345,
            "status": { "version": "0.1.0" },
        });
        let mut condition: Condition = serde_json::from_value(kept).unwrap();
        let well = lines_of(&condition, now);
        assert!(
            well[0].contains("tokyo") && well[0].ends_with("alive, heard 4 s ago, version 0.1.0")
        );
        assert_eq!(well.len(), 3);
        condition.silent = true;
        condition.group = "asia".to_owned();
        condition.refused = 2;
        condition.refusal = Some("a record came with a wrong sum".to_owned());
        let ill = lines_of(&condition, now).join("\n");
        assert!(
            ill.contains("SILENT since 2026-05-28T20:26:36")
                && ill.contains("group asia")
                && ill.contains("2 records not believed"),
            "{ill}"
        );
        assert!(ill.ends_with("last not believed: a record came with a wrong sum"), "{ill}");
    }
}
