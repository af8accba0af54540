//! From a sign and what its visitors did to the parts of an advisory.

use kizashi_event::{Key, KeyKind, Port, escape_for_people};
use kizashi_store::Evidence;

use super::exposure::{exposed, judged};
use super::words::Speaker;
use super::{Advisory, Around, Item, LONGEST_SHOWN, Section, Step, Value, short};
use crate::sign::plain;
use crate::{Campaign, Certainty, Recognised, Scope, Sign, SignKind};

/// Values of one kind told at most.
pub(super) const MOST_VALUES: usize = 5;
/// Days by chance from which a change is told to be none.
const GREAT: f64 = 1_000.0;
/// Days from which chance is called unlikely.
const GOOD: f64 = 60.0;

/// What is spoken of.
pub(super) struct Told<'a> {
    pub(super) sign: &'a Sign,
    pub(super) evidence: &'a Evidence,
    pub(super) around: &'a Around<'a>,
    pub(super) speaker: Speaker,
    pub(super) key: Option<Key>,
    pub(super) label: String,
    pub(super) known: Vec<(&'a Recognised, &'a Campaign)>,
}

pub(super) fn advisory(sign: &Sign, evidence: &Evidence, around: &Around<'_>) -> Advisory {
    let speaker = Speaker(around.language);
    let key = Key::from_shown(&sign.key).ok();
    let known = sign
        .recognised
        .campaigns
        .iter()
        .filter_map(|one| Some((one, around.campaigns.get(&one.id)?)))
        .collect();
    let label = speaker.label(key.as_ref(), &sign.label);
    let told = Told { sign, evidence, around, speaker, key, label, known };
    let severity = judged(sign, around.machine, speaker);
    let sections = vec![
        told.section("what", told.places().into_iter().chain([told.what()]).collect()),
        told.section("since", vec![told.since()]),
        told.section("sure", told.sure()),
        told.section("severity", vec![severity.text.clone()]),
        told.who(),
        told.tries(),
        told.probably(),
        told.section("exposed", told.exposed()),
        told.todo(),
        told.over(),
    ];
    let sections: Vec<Section> = sections
        .into_iter()
        .filter(|part| !(part.text.is_empty() && part.items.is_empty() && part.steps.is_empty()))
        .collect();
    let text_of = |id: &str| {
        let section = sections.iter().find(|section| section.id == id);
        section.map(|section| speaker.sentences(&section.text)).unwrap_or_default()
    };
    let (what, since, who) = (text_of("what"), text_of("since"), text_of("who"));
    let steps = sections.iter().find(|section| section.id == "todo");
    let steps: Vec<String> =
        steps.iter().flat_map(|section| &section.steps).map(|step| step.text.clone()).collect();
    Advisory {
        language: around.language,
        title: told.title(),
        severity,
        what,
        since,
        who,
        what_to_do: speaker.sentences(&steps),
        references_heading: speaker.plain("heading_references"),
        references: told.references(),
        sections,
    }
}

impl Told<'_> {
    pub(super) fn section(&self, id: &'static str, text: Vec<String>) -> Section {
        let heading = self.speaker.plain(&format!("heading_{id}"));
        Section { id, heading, text, items: Vec::new(), steps: Vec::new() }
    }

    pub(super) fn port(&self) -> Option<Port> {
        self.key.as_ref()?.as_port()
    }

    /// The key, cut where it is long; it was escaped when the sign was made, and is made harmless again all the same.
    fn shown_key(&self) -> String {
        let shown: String = self.sign.key.chars().take(LONGEST_SHOWN).collect();
        let shown: String = shown
            .chars()
            .filter(|c| escape_for_people(&c.to_string()) == c.to_string() || *c == '\\')
            .collect();
        if shown.len() < self.sign.key.len() { format!("{shown}…") } else { shown }
    }

    fn title(&self) -> String {
        let (title, speaker) = (self.title_of_change(), self.speaker);
        match &self.sign.scope {
            Some(Scope::Group(group)) => {
                speaker.say("title_in_group", &[("title", &title), ("group", group)])
            }
            Some(Scope::Sensor(sensor)) => {
                speaker.say("title_at_sensor", &[("title", &title), ("sensor", sensor)])
            }
            Some(Scope::All) | None => title,
        }
    }

    fn title_of_change(&self) -> String {
        let label = safe(&self.label);
        let names = [("label", label.as_str()), ("key", &self.shown_key())];
        let names_of: Vec<&str> =
            self.known.iter().map(|(_, one)| one.name.get(self.around.language)).collect();
        match self.sign.kind {
            SignKind::Rise if !names_of.is_empty() => {
                let name = names_of.join(" / ");
                self.speaker.say("title_recognised", &[names[0], names[1], ("name", &name)])
            }
            SignKind::Rise => self.speaker.say("title_rise", &names),
            SignKind::SensorWide => self.speaker.plain("title_wide"),
            SignKind::PortSilent => self.speaker.say("title_silent", &names),
            SignKind::SensorSilent => self.speaker.plain("title_sensor_silent"),
            SignKind::Misbehaviour => self.speaker.plain("title_misbehaviour"),
            SignKind::SensorAway => self.speaker.say("title_away", &names[..1]),
        }
    }

    fn what(&self) -> String {
        let (sign, speaker) = (self.sign, self.speaker);
        match sign.kind {
            SignKind::SensorWide => speaker.say("what_wide", &[("n", &sign.rising.to_string())]),
            SignKind::SensorSilent => {
                speaker.say("what_sensor_silent", &[("usual", &plain(sign.before))])
            }
            SignKind::PortSilent => speaker.say(
                "what_port_silent",
                &[("ports", &self.silent_ports()), ("usual", &plain(sign.before))],
            ),
            SignKind::Misbehaviour => {
                speaker.say("what_misbehaviour", &[("label", &safe(&sign.label))])
            }
            SignKind::SensorAway => speaker.say("what_away", &[("label", &safe(&sign.label))]),
            SignKind::Rise => self.what_rises(),
        }
    }

    fn what_rises(&self) -> String {
        let (sign, speaker) = (self.sign, self.speaker);
        let many = if sign.sources == 1 { "new_sources_one" } else { "new_sources_many" };
        let came = speaker.say(many, &[("n", &sign.sources.to_string())]);
        let how = match self.key.as_ref().map(|key| key.kind) {
            Some(KeyKind::Port | KeyKind::Total | KeyKind::Service) | None => "what_to",
            Some(KeyKind::Network | KeyKind::Country) => "what_from",
            Some(_) => "what_with",
        };
        speaker.say(
            how,
            &[
                ("came", &came),
                ("key", &self.shown_key()),
                ("label", &safe(&self.label)),
                ("expected", &plain(sign.expected_sources)),
                ("ratio", &plain(sign.ratio)),
            ],
        )
    }

    fn silent_ports(&self) -> String {
        let shown = |port: &String| match Port::parse(port) {
            Some(known) => self
                .speaker
                .say("title_rise", &[("key", port), ("label", &self.speaker.port(known))]),
            None => safe(port),
        };
        let mut all: Vec<String> = self.sign.ports.iter().take(MOST_VALUES).map(shown).collect();
        if all.is_empty() {
            all.push(self.shown_key());
        }
        self.speaker.list(&all)
    }

    fn since(&self) -> String {
        let (sign, speaker) = (self.sign, self.speaker);
        let (since, detected) = (speaker.moment(sign.since), speaker.moment(sign.detected));
        let ended = || {
            if sign.open {
                speaker.plain("since_open")
            } else {
                speaker.say("since_ended", &[("until", &speaker.moment(sign.until))])
            }
        };
        let first = match sign.kind {
            SignKind::Misbehaviour => {
                return speaker.say("since_misbehaviour", &[("detected", &detected)]);
            }
            SignKind::SensorAway => {
                return speaker.say("since_away", &[("since", &since), ("detected", &detected)]);
            }
            SignKind::PortSilent | SignKind::SensorSilent => {
                speaker.say("since_silent", &[("since", &since), ("detected", &detected)])
            }
            SignKind::Rise | SignKind::SensorWide => speaker.say(
                "since_rise",
                &[
                    ("since", &since),
                    ("detected", &detected),
                    ("before", &plain(sign.before)),
                    ("after", &plain(sign.after)),
                ],
            ),
        };
        speaker.sentences(&[first, ended()])
    }

    fn sure(&self) -> Vec<String> {
        let (sign, speaker) = (self.sign, self.speaker);
        let days = plain(sign.days);
        let meaning = || {
            speaker.plain(match sign.days {
                days if days >= GREAT => "sure_great",
                days if days >= GOOD => "sure_good",
                _ => "sure_thin",
            })
        };
        match sign.kind {
            SignKind::Misbehaviour => vec![speaker.plain("sure_misbehaviour")],
            SignKind::SensorAway => vec![speaker.plain("sure_away")],
            SignKind::SensorWide => vec![speaker.plain("sure_wide")],
            SignKind::PortSilent | SignKind::SensorSilent => {
                vec![speaker.say("sure_chance_silent", &[("days", &days)]), meaning()]
            }
            SignKind::Rise => vec![
                speaker.say(
                    "sure_chance",
                    &[
                        ("days", &days),
                        ("low", &plain(sign.ratio_low)),
                        ("high", &plain(sign.ratio_high)),
                    ],
                ),
                meaning(),
            ],
        }
    }

    fn item(
        &self,
        label: &str,
        counted: &[(String, u64)],
        shown: impl Fn(&str) -> String,
        quoted: bool,
    ) -> Option<Item> {
        let value = |(text, count): &(String, u64)| Value {
            text: if text.is_empty() { self.speaker.plain("empty") } else { shown(text) },
            count: Some(*count),
        };
        let values: Vec<Value> = counted.iter().take(MOST_VALUES).map(value).collect();
        (!values.is_empty()).then(|| Item { label: self.speaker.plain(label), values, quoted })
    }

    fn who(&self) -> Section {
        let (sign, speaker) = (self.sign, self.speaker);
        let text = match sign.kind {
            SignKind::PortSilent | SignKind::SensorSilent | SignKind::SensorAway => {
                speaker.plain("who_nobody")
            }
            SignKind::Misbehaviour => speaker.plain("who_misbehaviour"),
            SignKind::Rise | SignKind::SensorWide => speaker.say(
                "who_counted",
                &[("sources", &sign.sources.to_string()), ("events", &sign.events.to_string())],
            ),
        };
        let mut section = self.section("who", vec![text]);
        if sign.is_silence() {
            return section;
        }
        let evidence = self.evidence;
        section.items = [
            self.item("item_sources", &evidence.sources, short, false),
            self.item("item_countries", &evidence.countries, |code| speaker.country(code), false),
            self.item("item_scanners", &evidence.scanners, short, false),
        ]
        .into_iter()
        .flatten()
        .collect();
        section
    }

    fn tries(&self) -> Section {
        let speaker = self.speaker;
        let mut section = self.section("tries", Vec::new());
        if self.sign.kind != SignKind::Rise {
            return section;
        }
        let evidence = self.evidence;
        section.items = [
            self.item("item_users", &evidence.users, short, true),
            self.item("item_passwords", &evidence.passwords, short, true),
            self.item("item_commands", &evidence.commands, short, true),
            self.item("item_paths", &evidence.paths, short, true),
            self.item("item_clients", &evidence.clients, short, true),
            self.item("item_payloads", &evidence.payloads, bytes, true),
        ]
        .into_iter()
        .flatten()
        .collect();
        let is_quiet = section.items.is_empty();
        section.text.push(speaker.plain(if is_quiet { "tries_nothing" } else { "tries_quoted" }));
        if !self.sign.also.is_empty() {
            let value = |key: &String| Value { text: short_shown(key), count: None };
            let values = self.sign.also.iter().take(2 * MOST_VALUES).map(value).collect();
            let label = speaker.plain("item_also");
            section.items.push(Item { label, values, quoted: true });
        }
        section
    }

    fn probably(&self) -> Section {
        let (sign, speaker) = (self.sign, self.speaker);
        let mut section = self.section("probably", Vec::new());
        let text = &mut section.text;
        match sign.kind {
            SignKind::SensorWide => text.push(speaker.plain("probably_wide")),
            SignKind::PortSilent | SignKind::SensorSilent => {
                text.push(speaker.plain("probably_silent"));
            }
            SignKind::Misbehaviour => text.push(speaker.plain("probably_misbehaviour")),
            SignKind::SensorAway => text.push(speaker.plain("probably_away")),
            SignKind::Rise => {
                if self.known.len() > 1 {
                    text.push(speaker.plain("probably_both"));
                }
                text.extend(self.known.iter().map(|(seen, one)| self.known_as(seen, one)));
                if self.known.is_empty() {
                    text.extend(self.unknown());
                }
                text.extend(self.returned());
            }
        }
        section.items = self.known.iter().map(|(seen, one)| self.marks(seen, one)).collect();
        section
    }

    fn known_as(&self, seen: &Recognised, campaign: &Campaign) -> String {
        let (speaker, language) = (self.speaker, self.around.language);
        let certainty = match seen.certainty {
            Certainty::Sure => "certainty_sure",
            Certainty::Likely | Certainty::Unknown => "certainty_likely",
        };
        speaker.say(
            "probably_known",
            &[
                ("name", campaign.name.get(language)),
                ("certainty", &speaker.plain(certainty)),
                ("what", campaign.what.get(language)),
                ("hits", campaign.hits.get(language)),
            ],
        )
    }

    fn marks(&self, seen: &Recognised, campaign: &Campaign) -> Item {
        let speaker = self.speaker;
        let all = |kind: crate::MarkKind| match kind {
            crate::MarkKind::Port | crate::MarkKind::Service | crate::MarkKind::Fingerprint => {
                self.sign.recognised.visitors
            }
            _ => self.sign.recognised.spoke,
        };
        let value = |mark: &crate::MarkSeen| Value {
            text: speaker.say(
                "probably_mark",
                &[
                    ("kind", &speaker.plain(&format!("mark_{}", mark.kind.name()))),
                    ("text", &short(&mark.text)),
                    ("strength", &speaker.plain(&format!("strength_{}", mark.strength.name()))),
                    ("visitors", &mark.visitors.to_string()),
                    ("all", &all(mark.kind).to_string()),
                ],
            ),
            count: None,
        };
        let name = campaign.name.get(self.around.language);
        Item {
            label: speaker.say("item_marks", &[("name", name)]),
            values: seen.marks.iter().map(value).collect(),
            quoted: false,
        }
    }

    fn unknown(&self) -> Vec<String> {
        let (speaker, seen) = (self.speaker, &self.sign.recognised);
        let visitors = seen.visitors.to_string();
        let mut said = Vec::new();
        if seen.spoke == 0 {
            said.push(speaker.say("probably_unknown_quiet", &[("visitors", &visitors)]));
        } else {
            let known = self.around.campaigns.all().len().to_string();
            let spoke = seen.spoke.to_string();
            let names = [("known", known.as_str()), ("visitors", &visitors), ("spoke", &spoke)];
            said.push(speaker.say("probably_unknown", &names));
            said.push(speaker.plain("probably_new"));
        }
        if let Some(habit) = self.port().and_then(|port| speaker.habit(port)) {
            said.push(speaker.say("probably_habit", &[("habit", &habit)]));
        }
        said
    }

    fn returned(&self) -> Option<String> {
        let before = self.sign.returned.as_ref()?;
        #[allow(clippy::cast_precision_loss, reason = "past 2^53 sources nobody counts")]
        let times = self.sign.sources as f64 / before.sources.max(1) as f64;
        let names = [
            ("since", self.speaker.moment(before.since)),
            ("sources", before.sources.to_string()),
            ("id", safe(&before.id)),
            ("times", plain(times)),
        ];
        let names: Vec<(&str, &str)> =
            names.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Some(self.speaker.say("returned", &names))
    }

    fn exposed(&self) -> Vec<String> {
        if self.sign.kind != SignKind::Rise {
            return Vec::new();
        }
        let campaigns: Vec<&Campaign> = self.known.iter().map(|(_, one)| *one).collect();
        exposed(self.port(), &campaigns, self.around.machine, self.speaker)
    }

    fn over(&self) -> Section {
        let (sign, speaker) = (self.sign, self.speaker);
        let text = match sign.kind {
            SignKind::Rise => speaker.say("over_rise", &[("before", &plain(sign.before))]),
            SignKind::SensorWide => speaker.plain("over_wide"),
            SignKind::PortSilent | SignKind::SensorSilent => speaker.plain("over_silent"),
            SignKind::Misbehaviour => speaker.plain("over_misbehaviour"),
            SignKind::SensorAway => speaker.plain("over_away"),
        };
        let mut section = self.section("over", vec![text]);
        if let Some(port) = self.port().filter(|_| sign.kind == SignKind::Rise) {
            section.steps.push(Step {
                text: speaker.plain("over_series"),
                commands: vec![
                    format!("kizashi series {port} --bin 1h"),
                    format!("kizashi sign {}", safe(&sign.id)),
                ],
            });
        }
        section
    }

    fn references(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        let cve = |cve: &String| format!("https://nvd.nist.gov/vuln/detail/{cve}");
        for (_, campaign) in &self.known {
            for link in campaign.references.iter().cloned().chain(campaign.cves.iter().map(cve)) {
                if !all.contains(&link) {
                    all.push(link);
                }
            }
        }
        all
    }
}

/// What is escaped already, made sure of: no character that acts on a screen.
pub(super) fn safe(text: &str) -> String {
    let is_plain = |c: &char| *c == '\\' || escape_for_people(&c.to_string()) == c.to_string();
    text.chars().filter(is_plain).collect()
}

/// The same, cut.
fn short_shown(text: &str) -> String {
    let safe = safe(text);
    let head: String = safe.chars().take(LONGEST_SHOWN).collect();
    if head.len() < safe.len() { format!("{head}…") } else { head }
}

/// The store has written out every byte that is not printable ASCII: writing out its backslashes again would only confuse.
fn bytes(text: &str) -> String {
    if text.len() <= 4 * LONGEST_SHOWN && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return text.to_owned();
    }
    short(text)
}
