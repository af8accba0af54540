//! What to do: the actions of what was recognised, then those of what usually stands on the port, three in all, with their commands
//! filled in. Of what visitors chose only addresses that parsed come into a command.

use std::net::Ipv4Addr;

use kizashi_event::{Port, Transport};

use super::build::{MOST_VALUES, Told, safe};
use super::words::fill;
use super::{Section, Step};
use crate::{SignKind, action};

/// Things to do.
const STEPS: usize = 3;
/// Addresses put into a command at most.
const MOST_BLOCKED: usize = 20;

impl Told<'_> {
    pub(super) fn todo(&self) -> Section {
        let mut section = self.section("todo", Vec::new());
        section.steps = self.steps();
        if self.sign.kind == SignKind::Rise
            && self.known.is_empty()
            && self.around.machine.is_none()
        {
            section.text.push(self.speaker.plain("todo_not_run"));
        }
        section
    }

    fn steps(&self) -> Vec<Step> {
        let (sign, speaker) = (self.sign, self.speaker);
        let plain_step = |text: String| Step { text, commands: Vec::new() };
        let ports = speaker
            .list(&sign.ports.iter().take(MOST_VALUES).map(|port| safe(port)).collect::<Vec<_>>());
        match sign.kind {
            SignKind::Misbehaviour => vec![plain_step(speaker.plain("todo_misbehaviour"))],
            SignKind::SensorAway => vec![Step {
                text: speaker.plain("todo_away"),
                commands: vec!["kizashi fleet status".to_owned()],
            }],
            SignKind::SensorWide => {
                vec![plain_step(speaker.say("todo_wide", &[("ports", &ports)]))]
            }
            SignKind::PortSilent | SignKind::SensorSilent => {
                let ports = if ports.is_empty() { "tcp/22".to_owned() } else { ports };
                let reach = speaker.say("todo_reach", &[("ports", &ports)]);
                let status = Step {
                    text: speaker.plain("todo_status"),
                    commands: vec!["kizashi status".to_owned(), "sudo nft list ruleset".to_owned()],
                };
                vec![plain_step(reach), status]
            }
            SignKind::Rise => self.actions(),
        }
    }

    fn actions(&self) -> Vec<Step> {
        let language = self.around.language;
        let advice = self.known.iter().map(|(_, one)| one.advice.get(language));
        let advice = advice.filter(|advice| !advice.is_empty()).map(|advice| Step {
            text: self.speaker.say("todo_own", &[("advice", advice)]),
            commands: Vec::new(),
        });
        let of_campaigns =
            self.known.iter().flat_map(|(_, one)| one.actions.iter().map(String::as_str));
        let mut ids: Vec<&str> = Vec::new();
        for id in of_campaigns.chain(usual_actions(self.port()).iter().copied()) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        let of_ids = ids.into_iter().filter_map(|id| self.step(id));
        advice.chain(of_ids).take(STEPS).collect()
    }

    /// The step of an action; `None` where it wants what there is none of.
    fn step(&self, id: &str) -> Option<Step> {
        let action = action(id)?;
        let addresses =
            self.evidence.sources.iter().filter_map(|(text, _)| text.parse::<Ipv4Addr>().ok());
        let sources: Vec<String> =
            addresses.take(MOST_BLOCKED).map(|address| address.to_string()).collect();
        let sources = sources.join(", ");
        let wants = |name: &str| action.commands.iter().any(|line| line.contains(name));
        let key = self.port();
        // Of a datagram the sender may be forged, and whoever forges him would choose whom the owner keeps out.
        let may_be_forged = key.is_some_and(|port| port.transport != Transport::Tcp);
        let port = key.filter(|port| matches!(port.transport, Transport::Tcp | Transport::Udp));
        if (wants("{sources}") && (sources.is_empty() || may_be_forged))
            || (wants("{port}") && port.is_none())
        {
            return None;
        }
        let number = port.map_or_else(String::new, |port| port.number.to_string());
        let transport = port.map_or("tcp", |port| port.transport.name());
        let names =
            [("sources", sources.as_str()), ("port", number.as_str()), ("transport", transport)];
        Some(Step {
            text: action.text(self.around.language).to_owned(),
            commands: action.commands.iter().map(|line| fill(line, &names)).collect(),
        })
    }
}

/// What to do where nothing particular is known, by what usually stands on the port.
const fn usual_actions(port: Option<Port>) -> &'static [&'static str] {
    let Some(port) = port else { return &["update", "block-sources", "look-cron"] };
    match port.number {
        22 | 2222 => &["keys-only", "block-sources", "look-keys"],
        23 | 26 | 2223 | 2323 => &["telnet-off", "change-factory", "block-sources"],
        25 | 465 | 587 => &["mail-relay", "look-mail", "block-sources"],
        80 | 81 | 443 | 8000 | 8080 | 8081 | 8443 | 8888 => {
            &["update", "look-web", "block-sources"]
        }
        139 | 445 => &["smb-closed", "update", "block-sources"],
        1433 | 1434 => &["mssql-closed", "close-port", "block-sources"],
        3306 => &["bind-mysql", "backup", "block-sources"],
        5432 => &["bind-postgresql", "backup", "block-sources"],
        6379 => &["bind-redis", "look-cron", "block-sources"],
        27017 => &["bind-mongodb", "backup", "block-sources"],
        9200 | 9300 => &["bind-elasticsearch", "backup", "block-sources"],
        11211 => &["bind-memcached", "close-port", "block-sources"],
        3389 => &["rdp-closed", "close-port", "block-sources"],
        5900..=5910 => &["vnc-local", "close-port", "block-sources"],
        2375 | 2376 => &["docker-local", "look-containers", "close-port"],
        6443 | 10250 => &["kubernetes-closed", "close-port", "block-sources"],
        5060 | 5061 => &["sip-closed", "close-port", "block-sources"],
        102 | 502 | 2404 | 20000 | 44818 | 47808 => &["ics-off-net", "close-port", "block-sources"],
        515 | 631 | 9100 => &["printer-off-net", "close-port", "block-sources"],
        11434 => &["model-local", "close-port", "block-sources"],
        _ => &["who-listens", "close-port", "block-sources"],
    }
}
