//! Whether a sign concerns this machine, and how serious it is then: evidence times relevance, each told.

use kizashi_event::{Port, escape_for_people};
use serde::Serialize;

use super::words::Speaker;
use crate::machine::{Machine, Relevance};
use crate::{Campaign, Severity, Sign, SignKind};

/// How serious a sign is, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// Both together.
    pub level: Severity,
    /// By how sure and how large the change is: the sign's own.
    pub evidence: Severity,
    /// By what this machine runs.
    pub relevance: Relevance,
    /// The same in a sentence.
    pub text: String,
}

impl Default for Judged {
    fn default() -> Self {
        Self {
            level: Severity::Low,
            evidence: Severity::Low,
            relevance: Relevance::Unknown,
            text: String::new(),
        }
    }
}

/// The next higher level; the highest is for a trap that misbehaved, and for what gets in here.
const fn raised(level: Severity, most: Severity) -> Severity {
    match (level, most) {
        (Severity::Low, _) => Severity::Medium,
        (Severity::Medium, _) => Severity::High,
        (Severity::High, Severity::Critical) => Severity::Critical,
        (other, _) => other,
    }
}

const fn lowered(level: Severity) -> Severity {
    match level {
        Severity::Critical => Severity::Critical,
        Severity::High => Severity::Medium,
        Severity::Medium | Severity::Low => Severity::Low,
    }
}

/// How serious evidence is on a machine that it concerns so much.
pub(super) const fn level(evidence: Severity, relevance: Relevance) -> Severity {
    match relevance {
        Relevance::None => lowered(evidence),
        Relevance::Unknown | Relevance::Some => evidence,
        Relevance::High => raised(evidence, Severity::High),
        Relevance::Open => raised(evidence, Severity::Critical),
    }
}

/// The judgement on a sign.
pub(super) fn judged(sign: &Sign, machine: Option<&Machine>, speaker: Speaker) -> Judged {
    let relevance = match (machine, sign.port()) {
        (Some(machine), Some(port)) if sign.kind == SignKind::Rise => machine.relevance(port),
        _ => Relevance::Unknown,
    };
    let level = level(sign.severity, relevance);
    let name = |severity: Severity| speaker.plain(&format!("severity_{}", severity.name()));
    let text = speaker.say(
        "severity_text",
        &[
            ("level", &name(level)),
            ("evidence", &name(sign.severity)),
            ("relevance", &speaker.plain(&format!("relevance_{}", relevance.name()))),
        ],
    );
    Judged { level, evidence: sign.severity, relevance, text }
}

/// What is told of this machine: sentences.
pub(super) fn exposed(
    port: Option<Port>,
    campaigns: &[&Campaign],
    machine: Option<&Machine>,
    speaker: Speaker,
) -> Vec<String> {
    let Some(machine) = machine else { return vec![speaker.plain("exposed_unknown")] };
    let mut said = Vec::new();
    match port {
        None => said.push(speaker.plain("exposed_no_port")),
        Some(port) => said.push(listening(port, machine, speaker)),
    }
    let service = port.and_then(|port| machine.service_for(port));
    if let Some(open) = machine.ssh_passwords.filter(|_| service.is_some_and(Machine::is_ssh)) {
        let key = if open { "exposed_password_open" } else { "exposed_password_closed" };
        // What lets them in is said first.
        said.insert(if open { 0 } else { said.len() }, speaker.plain(key));
    }
    let mut packages: Vec<&String> = campaigns.iter().flat_map(|one| &one.packages).collect();
    packages.sort();
    packages.dedup();
    for package in packages {
        let Some(version) = machine.packages.get(package) else { continue };
        let names =
            [("package", escape_for_people(package)), ("version", escape_for_people(version))];
        let names: Vec<(&str, &str)> =
            names.iter().map(|(name, value)| (*name, value.as_str())).collect();
        said.push(speaker.say("exposed_version", &names));
    }
    said.push(speaker.say("exposed_read", &[("time", &speaker.moment(machine.read))]));
    said
}

fn listening(port: Port, machine: &Machine, speaker: Speaker) -> String {
    let Some(service) = machine.service_for(port) else {
        return speaker.say("exposed_not", &[("port", &port.to_string())]);
    };
    let program = service.program.as_deref().map(escape_for_people);
    let key = match (service.port == port, service.is_local) {
        (_, true) => "exposed_listens_local",
        (true, false) => "exposed_listens",
        (false, false) => "exposed_same",
    };
    speaker.say(
        key,
        &[
            ("program", &program.unwrap_or_else(|| speaker.plain("other_program"))),
            ("port", &service.port.to_string()),
            ("address", &escape_for_people(&service.address)),
        ],
    )
}
