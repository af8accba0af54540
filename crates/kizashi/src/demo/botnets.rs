//! Made-up botnets: each speaks to one service with credentials, greetings, lines, requests and files of its own, so that
//! the evidence behind a sign tells one campaign from another and from the noise. All contents are look-alikes; a payload is
//! a text that says so.
//!
//! A session is planned when it begins and then told step by step, so that thousands of them cost a few words each.

use kizashi_event::{Detail, HostileText, Payload, PayloadHash, PayloadOrigin, Request, Service};
use sha2::{Digest, Sha256};

use super::chance::Chance;
use super::visitors::low_byte;
use super::words::{APPLETS, Asked, FAMILIES, FIRST_APPLET, Family, USER_AGENTS};

/// A user name and a password.
type Credential = (Option<HostileText>, Option<HostileText>);

/// One botnet, ready to speak.
pub(super) struct Botnet {
    family: &'static Family,
    clients: Vec<Detail>,
    credentials: Vec<Credential>,
    programs: Vec<Vec<HostileText>>,
    files: Vec<Payload>,
    requests: Vec<Detail>,
    first_bytes: Vec<Payload>,
    /// The share of passwords that no list has.
    inventive: f64,
}

/// What one session will hold, in the order of its events: connect, client, logins, commands, a file, requests, first bytes,
/// close.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    client: u32,
    logins: u32,
    accepted: bool,
    program: u32,
    commands: u32,
    files: u32,
    requests: u32,
    first_bytes: u32,
}

impl Plan {
    /// Events from connect to close.
    pub(super) const fn length(&self) -> u32 {
        2 + self.client
            + self.logins
            + self.commands
            + self.files
            + self.requests
            + self.first_bytes
    }
}

/// What a botnet fills into the words of its family.
struct Own {
    applet: &'static str,
    host: String,
    file: String,
    key: String,
}

impl Own {
    fn new(first: bool, chance: &mut Chance) -> Self {
        let applet =
            if first { FIRST_APPLET } else { chance.pick(APPLETS).copied().unwrap_or("SORA") };
        Self {
            applet,
            host: format!("198.51.100.{}", 1 + chance.below(254)),
            file: format!("look-alike-{:04x}", chance.below(1 << 16)),
            key: format!("{:08x}", chance.below(1 << 32)),
        }
    }

    fn fill(&self, words: &str) -> String {
        words
            .replace("{applet}", self.applet)
            .replace("{host}", &self.host)
            .replace("{file}", &self.file)
            .replace("{key}", &self.key)
    }
}

impl Botnet {
    /// Everyone who comes to a service without being part of a campaign: all words of its family.
    pub(super) fn noise(service: &Service, chance: &mut Chance) -> Self {
        let family = family_of(service);
        let own = Own::new(false, chance);
        let mut botnet = Self::with_words(family, &own, "noise", chance);
        botnet.credentials = pairs(family, family.credentials);
        botnet.inventive = 0.08;
        botnet
    }

    /// A campaign's botnet: a few of the family's words and some of its own. `name` is written into what it sends.
    pub(super) fn campaign(
        service: &Service,
        name: &str,
        first: bool,
        chance: &mut Chance,
    ) -> Self {
        let family = family_of(service);
        let own = Own::new(first, chance);
        let mut botnet = Self::with_words(family, &own, name, chance);
        botnet.credentials = campaign_pairs(family, &own, chance);
        keep_some(&mut botnet.clients, 1, chance);
        keep_some(&mut botnet.programs, 1, chance);
        keep_some(&mut botnet.requests, 3, chance);
        keep_some(&mut botnet.first_bytes, 1, chance);
        botnet
    }

    fn with_words(family: &'static Family, own: &Own, name: &str, chance: &mut Chance) -> Self {
        let clients = family.clients.iter().map(|version| client(version)).collect();
        let programs = family
            .programs
            .iter()
            .map(|lines| lines.iter().map(|line| HostileText::from(own.fill(line))).collect())
            .collect();
        let requests = family.requests.iter().map(|asked| request(asked, own, chance)).collect();
        let first_bytes = family.first_bytes.iter().map(|bytes| sent(bytes, name, own)).collect();
        let files = vec![file(name, own)];
        Self {
            family,
            clients,
            credentials: Vec::new(),
            programs,
            files,
            requests,
            first_bytes,
            inventive: 0.0,
        }
    }

    /// Plans a session.
    pub(super) fn plan(&self, chance: &mut Chance) -> Plan {
        let family = self.family;
        let mut plan = Plan { client: u32::from(!self.clients.is_empty()), ..Plan::default() };
        let mut goes_on = self.credentials.is_empty();
        if !self.credentials.is_empty() {
            plan.logins = between(family.logins, chance);
            plan.accepted = chance.happens(family.accepts);
            goes_on = plan.accepted;
        }
        if goes_on && !self.programs.is_empty() {
            let program = index_below(self.programs.len(), chance);
            plan.commands = self.programs.get(program).map_or(0, |lines| count(lines.len()));
            plan.program = count(program);
            plan.files = u32::from(chance.happens(family.drops));
        }
        if !self.requests.is_empty() {
            plan.requests = between((1, 4), chance);
        }
        plan.first_bytes = u32::from(!self.first_bytes.is_empty());
        plan
    }

    /// What happens at this step (from 0) of a session; `None` past the plan, which is when the session closes.
    pub(super) fn step(&self, plan: &Plan, step: u32, chance: &mut Chance) -> Option<Detail> {
        let Some(mut step) = step.checked_sub(1) else { return Some(Detail::Connect) };
        if step < plan.client {
            return chance.pick(&self.clients).cloned();
        }
        step -= plan.client;
        if step < plan.logins {
            return Some(self.login(plan.accepted && step + 1 == plan.logins, chance));
        }
        step -= plan.logins;
        if step < plan.commands {
            let line = self.programs.get(plan.program as usize)?.get(step as usize)?.clone();
            return Some(Detail::Command { line, known: Some(true) });
        }
        step -= plan.commands;
        if step < plan.files {
            return chance.pick(&self.files).map(|file| Detail::Payload(Box::new(file.clone())));
        }
        step -= plan.files;
        if step < plan.requests {
            return chance.pick(&self.requests).cloned();
        }
        step -= plan.requests;
        if step < plan.first_bytes { self.datagram(chance) } else { None }
    }

    /// The first bytes that this botnet sends, as a UDP visitor does without any session.
    pub(super) fn datagram(&self, chance: &mut Chance) -> Option<Detail> {
        chance.pick(&self.first_bytes).map(|bytes| Detail::Payload(Box::new(bytes.clone())))
    }

    fn login(&self, accepted: bool, chance: &mut Chance) -> Detail {
        let (username, mut password) = chance.pick(&self.credentials).cloned().unwrap_or_default();
        if chance.happens(self.inventive) {
            let word = password.as_ref().map_or("", HostileText::raw);
            password = Some(HostileText::from(format!("{word}{}", chance.below(100_000))));
        }
        Detail::Login { username, password, public_key: None, accepted }
    }
}

/// The family that speaks to this service; the last one to any other.
fn family_of(service: &Service) -> &'static Family {
    let last = FAMILIES.len() - 1;
    FAMILIES
        .iter()
        .find(|family| family.services.contains(&service.name()))
        .unwrap_or(&FAMILIES[last])
}

fn pairs(family: &Family, words: &[(&str, &str)]) -> Vec<Credential> {
    words
        .iter()
        .map(|(user, password)| {
            (family.has_users.then(|| HostileText::from(*user)), Some(HostileText::from(*password)))
        })
        .collect()
}

/// A dozen of the family's pairs and three that only this botnet tries.
fn campaign_pairs(family: &Family, own: &Own, chance: &mut Chance) -> Vec<Credential> {
    if family.credentials.is_empty() {
        return Vec::new();
    }
    let mut credentials = pairs(family, family.credentials);
    keep_some(&mut credentials, 12, chance);
    for suffix in ["", "123", "!"] {
        let user = chance.pick(family.credentials).map_or("root", |(user, _)| user);
        let password = format!("{}{suffix}", own.key);
        credentials.push((
            family.has_users.then(|| HostileText::from(user)),
            Some(HostileText::from(password)),
        ));
    }
    credentials
}

/// Leaves at most `wanted` items, drawn by chance.
fn keep_some<T>(items: &mut Vec<T>, wanted: usize, chance: &mut Chance) {
    while items.len() > wanted {
        let index = index_below(items.len(), chance);
        items.swap_remove(index);
    }
}

fn client(version: &str) -> Detail {
    Detail::Client {
        version: Some(HostileText::from(version)),
        fingerprint: None,
        algorithms: None,
    }
}

fn request(asked: &Asked, own: &Own, chance: &mut Chance) -> Detail {
    let agent = chance.pick(USER_AGENTS).copied().unwrap_or("Mozilla/4.0");
    let mut headers = vec![
        (HostileText::from("Host"), HostileText::from("203.0.113.10")),
        (HostileText::from("User-Agent"), HostileText::from(agent)),
    ];
    let body = asked.body.map(|words| {
        let content = own.fill(words).into_bytes();
        headers.push((
            HostileText::from("Content-Length"),
            HostileText::from(content.len().to_string()),
        ));
        Box::new(payload(content, PayloadOrigin::Sent))
    });
    let mut request = Request {
        method: HostileText::from(if body.is_some() { "POST" } else { "GET" }),
        target: HostileText::from(own.fill(asked.target)),
        version: HostileText::from("HTTP/1.1"),
        headers,
        status: Some(if asked.target == "/" { 200 } else { 404 }),
        ..Request::default()
    };
    let content = body.as_ref().map_or(&[][..], |body| body.content.as_slice());
    kizashi_traps::WebRules::builtin().recognise(&mut request, content);
    Detail::Request { request: Box::new(request), body }
}

/// First bytes with the botnet's mark behind them, so that each botnet's have a hash of their own.
fn sent(bytes: &[u8], name: &str, own: &Own) -> Payload {
    let mut content = bytes.to_vec();
    content.extend_from_slice(format!(" {name} {}, harmless", own.key).as_bytes());
    payload(content, PayloadOrigin::Sent)
}

/// The file that a botnet leaves: a script that does nothing and says so.
fn file(name: &str, own: &Own) -> Payload {
    let text = format!(
        "#!/bin/sh\n# A look-alike made up for a demonstration ({name}, {}). Harmless.\nexit 0\n",
        own.key
    );
    Payload {
        name: Some(HostileText::from(own.fill("{file}"))),
        url: Some(HostileText::from(own.fill("http://{host}/bins/{file}.arm7"))),
        ..payload(text.into_bytes(), PayloadOrigin::Download)
    }
}

fn payload(content: Vec<u8>, origin: PayloadOrigin) -> Payload {
    Payload {
        sha256: PayloadHash(Sha256::digest(&content).into()),
        size: Some(content.len() as u64),
        content,
        origin,
        name: None,
        url: None,
        left_out: false,
    }
}

/// A whole number between the two, both included.
fn between((least, most): (u64, u64), chance: &mut Chance) -> u32 {
    u32::from(low_byte(least + chance.below(most.saturating_sub(least) + 1)))
}

fn index_below(length: usize, chance: &mut Chance) -> usize {
    usize::try_from(chance.below(length as u64)).unwrap_or(0)
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(botnet: &Botnet, chance: &mut Chance) -> Vec<Detail> {
        let plan = botnet.plan(chance);
        let details: Vec<Detail> =
            (0..).map_while(|step| botnet.step(&plan, step, chance)).collect();
        assert_eq!(details.len() + 1, plan.length() as usize, "{plan:?}");
        details
    }

    fn has_user(detail: &Detail) -> bool {
        matches!(detail, Detail::Login { username: Some(_), .. })
    }

    #[test]
    fn a_session_holds_what_its_protocol_has() {
        let mut chance = Chance::new(1, 1);
        for service in ["telnet", "ssh", "http", "vnc", "redis", "smb", "smtp", "adb", "something"]
        {
            let botnet = Botnet::noise(&Service::named(service), &mut chance);
            for _ in 0..200 {
                let details = told(&botnet, &mut chance);
                assert_eq!(details[0], Detail::Connect);
                assert!(details.len() > 1);
                let has = |action: &str| details.iter().any(|detail| detail.action() == action);
                match service {
                    "telnet" => assert!(has("login") && !has("client")),
                    "ssh" => assert!(has("login") && has("client")),
                    "vnc" => assert!(!details.iter().any(has_user)),
                    "http" => assert!(has("request")),
                    "redis" | "adb" => assert!(has("command")),
                    "smtp" => assert!(has("client") && has("login")),
                    _ => assert!(has("payload")),
                }
            }
        }
    }

    #[test]
    fn commands_come_after_the_login_that_was_let_in_and_only_then() {
        let mut chance = Chance::new(1, 2);
        let botnet = Botnet::campaign(&Service::named("telnet"), "test", true, &mut chance);
        let mut let_in = 0;
        for _ in 0..500 {
            let details = told(&botnet, &mut chance);
            let entry = details
                .iter()
                .position(|detail| matches!(detail, Detail::Login { accepted: true, .. }));
            let first = details.iter().position(|detail| matches!(detail, Detail::Command { .. }));
            assert_eq!(entry.map(|at| at + 1), first);
            let_in += i32::from(entry.is_some());
        }
        assert!((100..250).contains(&let_in), "{let_in}");
    }

    #[test]
    fn two_campaigns_of_one_service_leave_different_traces() {
        let mut chance = Chance::new(1, 3);
        let service = Service::named("telnet");
        let one = Botnet::campaign(&service, "one", false, &mut chance);
        let two = Botnet::campaign(&service, "two", false, &mut chance);
        assert_ne!(one.files[0].sha256, two.files[0].sha256);
        assert_ne!(one.credentials, two.credentials);
        assert_eq!(one.credentials.len(), 15);
        assert_eq!(one.files[0].sha256, PayloadHash(Sha256::digest(&one.files[0].content).into()));
    }

    #[test]
    fn nothing_sent_names_a_host_that_could_be_real() {
        let mut chance = Chance::new(1, 4);
        for family in &FAMILIES {
            let service = Service::named(family.services.first().copied().unwrap_or("unknown"));
            let botnet = Botnet::campaign(&service, "test", false, &mut chance);
            let texts = botnet.programs.iter().flatten().map(HostileText::raw);
            for text in texts.filter(|text| text.contains("http://")) {
                assert!(text.contains("http://198.51.100."), "{text}");
            }
        }
    }
}
