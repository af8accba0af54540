//! What is shipped is sound, what is wrong is refused in a sentence, and names come where marks are and nowhere else.

use kizashi_event::{Key, KeyKind, Port, Timestamp};
use kizashi_store::{ClosedBin, KeyBin, PortBin};

use super::*;
use crate::dossier::Dossier;

/// A bin in which each visitor of `all` bears each of `keys` that its numbers name.
fn bin(ports: &[(&str, &[u32])], keys: &[(KeyKind, &str, &[u32])]) -> ClosedBin {
    let port = |(port, sources): &(&str, &[u32])| PortBin {
        port: Port::parse(port).unwrap(),
        events: 1,
        sources: sources.to_vec(),
    };
    let key = |(kind, text, sources): &(KeyKind, &str, &[u32])| KeyBin {
        key: Key::new(*kind, if *kind == KeyKind::Payload { "00" } else { text }),
        events: 1,
        sources: sources.to_vec(),
        head: if *kind == KeyKind::Payload { text.as_bytes().to_vec() } else { Vec::new() },
    };
    ClosedBin {
        start: Timestamp::from_seconds(0),
        ports: ports.iter().map(port).collect(),
        keys: keys.iter().map(key).collect(),
    }
}

fn recognised(visitors: &[u32], bins: &[ClosedBin]) -> Recognition {
    let campaigns = Campaigns::builtin();
    let mut dossier = Dossier::default();
    dossier.add_visitors(visitors);
    bins.iter().for_each(|bin| dossier.add(&campaigns.marks_in(bin)));
    campaigns.recognise(&dossier)
}

const TEN: [u32; 10] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

fn ids(recognition: &Recognition) -> Vec<&str> {
    recognition.ids().collect()
}

#[test]
fn what_is_shipped_can_be_read_in_both_languages_and_is_at_least_eighty() {
    let read = format::campaigns(builtin::FILES, true, &|_| false);
    let all = read.unwrap_or_else(|problems| panic!("{problems:#?}"));
    assert!(all.len() >= 80, "{}", all.len());
    for campaign in &all {
        assert!(!campaign.references.is_empty(), "{} has nowhere to read on", campaign.id);
        assert!(
            campaign.actions.len() >= 3 || campaign.kind == CampaignKind::Research,
            "{}",
            campaign.id
        );
        for text in [&campaign.name, &campaign.what, &campaign.hits] {
            assert!(!text.en.is_empty() && !text.ja.is_empty(), "{}", campaign.id);
        }
    }
    assert_eq!(Campaigns::builtin().all().len(), all.len());
}

#[test]
fn every_action_has_both_languages_and_no_brace_that_nothing_fills() {
    let actions = format::actions(builtin::ACTIONS).unwrap();
    assert!(actions.len() > 20);
    for (id, action) in &actions {
        assert!(!action.en.is_empty() && !action.ja.is_empty(), "{id}");
        assert!(!action.ja.is_ascii(), "{id} is English in Japanese");
        for line in &action.commands {
            for name in line.split("{").skip(1).filter_map(|rest| rest.split_once('}')) {
                let is_ours = ["port", "transport", "sources"].contains(&name.0);
                let is_word = !name.0.is_empty() && name.0.bytes().all(|b| b.is_ascii_lowercase());
                assert!(is_ours || !is_word, "{id}: {{{}}}", name.0);
            }
        }
    }
}

#[test]
fn each_campaign_is_recognised_by_its_own_marks_alone_or_beside_its_like() {
    let all = Campaigns::builtin();
    let mut missed = Vec::new();
    assert!(all.all().len() >= 80);
    for campaign in all.all() {
        let keys: Vec<(KeyKind, String)> = campaign
            .marks
            .iter()
            // Of a habit of many all that many do.
            .flat_map(|mark| {
                mark.texts
                    .iter()
                    .take(if campaign.general { 99 } else { 1 })
                    .map(move |text| (mark, text))
            })
            .filter_map(|(mark, text)| {
                let text = text.clone();
                let kind = match mark.kind {
                    MarkKind::Port => return None,
                    MarkKind::Service => KeyKind::Service,
                    MarkKind::User => KeyKind::User,
                    MarkKind::Password => KeyKind::Password,
                    MarkKind::Pair => KeyKind::Pair,
                    MarkKind::Command => KeyKind::CommandFamily,
                    MarkKind::Path => KeyKind::PathFamily,
                    MarkKind::Signature => KeyKind::Signature,
                    MarkKind::Sha256 => KeyKind::Payload,
                    MarkKind::FirstBytes => return None,
                    MarkKind::Fingerprint => KeyKind::Fingerprint,
                    MarkKind::Client => KeyKind::Client,
                };
                Some((kind, text))
            })
            .collect();
        let heads = campaign.marks.iter().filter(|mark| mark.kind == MarkKind::FirstBytes);
        let mut made = bin(&[], &[]);
        for (kind, text) in &keys {
            made.keys.push(KeyBin {
                key: Key::new(*kind, text),
                events: 1,
                sources: TEN.to_vec(),
                head: Vec::new(),
            });
        }
        for mark in heads {
            let head = format::bytes_of(mark.texts.first().unwrap()).unwrap();
            let key = Key::new(KeyKind::Payload, "00");
            made.keys.push(KeyBin { key, events: 1, sources: TEN.to_vec(), head });
        }
        for mark in campaign.marks.iter().filter(|mark| mark.kind == MarkKind::Port) {
            let port = Port::parse(mark.texts.first().unwrap()).unwrap();
            made.ports.push(PortBin { port, events: 1, sources: TEN.to_vec() });
        }
        let found = recognised(&TEN, &[made]);
        if !ids(&found).contains(&campaign.id.as_str()) {
            missed.push(format!("{} -> {:?}", campaign.id, ids(&found)));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn a_port_and_common_names_alone_are_unknown() {
    let nothing = recognised(&TEN, &[bin(&[("tcp/23", &TEN), ("tcp/445", &TEN)], &[])]);
    assert_eq!((nothing.certainty, nothing.name()), (Certainty::Unknown, None));
    assert_eq!((nothing.visitors, nothing.spoke), (10, 0));
    let some = bin(
        &[("tcp/22", &TEN)],
        &[
            (KeyKind::Service, "ssh", &TEN),
            (KeyKind::User, "root", &TEN),
            (KeyKind::Pair, "root/never seen", &TEN),
        ],
    );
    assert_eq!(recognised(&TEN, &[some]).name(), None);
}

#[test]
fn one_visitor_of_many_names_nothing() {
    let key = KeyKind::CommandFamily;
    let one =
        bin(&[("tcp/22", &TEN)], &[(key, "echo mdrfckr", &[1]), (key, "something else", &TEN)]);
    assert_eq!(recognised(&TEN, &[one]).name(), None);
    let alone = bin(&[], &[(key, "echo mdrfckr", &[1])]);
    assert_eq!(
        recognised(&[1], &[alone]).name().as_deref(),
        Some("Outlaw (Shellbot, \"mdrfckr\")")
    );
}

#[test]
fn what_others_did_who_are_not_of_the_sign_does_not_count() {
    let others = bin(&[], &[(KeyKind::CommandFamily, "cd /tmp; ./redtail", &[11, 12, 13, 14])]);
    assert_eq!(recognised(&TEN, &[others]).name(), None);
}

#[test]
fn the_form_is_named_and_not_what_it_is_a_form_of() {
    let key = KeyKind::CommandFamily;
    let mozi = bin(
        &[("tcp/23", &TEN)],
        &[
            (key, "/bin/busybox MIRAI", &TEN),
            (key, ">/tmp/.ptmx && cd /tmp/", &TEN),
            (key, "wget http://*/Mozi.m -O - > x", &TEN),
        ],
    );
    let found = recognised(&TEN, &[mozi]);
    assert_eq!((ids(&found), found.certainty), (vec!["mozi"], Certainty::Sure));
    let mark = &found.campaigns[0].marks[0];
    assert_eq!((mark.kind, mark.text.as_str(), mark.visitors), (MarkKind::Command, "Mozi.m", 10));
}

#[test]
fn two_that_fit_equally_are_both_named_and_many_are_a_sweep() {
    let key = KeyKind::Signature;
    let two = bin(&[], &[(key, "CVE-2017-17215", &TEN), (key, "CVE-2014-8361", &TEN)]);
    let found = recognised(&TEN, &[two]);
    assert_eq!(ids(&found), ["realtek-sdk", "satori-huawei"]);
    assert!(found.name().unwrap().contains(" or "));
    let names = ["CVE-2017-9841", "CVE-2018-10561", "CVE-2021-41773", "CVE-2018-20062", "dotenv"];
    let mut keys: Vec<(KeyKind, &str, &[u32])> =
        names.iter().map(|name| (key, *name, &TEN[..])).collect();
    keys.push((KeyKind::Client, "Mozilla/5.0 zgrab/0.x", &TEN));
    let many = bin(&[("tcp/80", &TEN)], &keys);
    assert_eq!(ids(&recognised(&TEN, &[many])), ["web-sweep"]);
}

#[test]
fn a_worm_is_known_by_its_first_bytes_and_the_order_of_bins_does_not_matter() {
    let head =
        "\u{4}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}";
    let sent = bin(&[], &[(KeyKind::Payload, head, &TEN)]);
    let knocked = bin(&[("udp/1434", &TEN)], &[]);
    let one = recognised(&TEN, &[sent.clone(), knocked.clone()]);
    assert_eq!(ids(&one), ["slammer"]);
    assert_eq!(one, recognised(&TEN, &[knocked, sent]));
}

const OWN: &str = "[[campaign]]\nid = \"mine\"\nkind = \"scan\"\nname = { en = \"My neighbour\" }\nwhat = { en = \"He looks in.\" }\n\
                   marks = [{ client = \"neighbour/\", strength = \"certain\" }]\n";

#[test]
fn an_owners_entries_go_beside_or_before_what_is_shipped() {
    let own = vec![("own.toml".to_owned(), OWN.to_owned())];
    let all = Campaigns::with_own(&own).unwrap();
    assert_eq!(all.all().len(), Campaigns::builtin().all().len() + 1);
    assert_ne!(all.digest(), Campaigns::builtin().digest());
    let mine = all.get("mine").unwrap();
    assert_eq!(mine.name.get(crate::Language::Japanese), "My neighbour");
    let other = vec![("own.toml".to_owned(), OWN.replace("\"mine\"", "\"mirai\""))];
    let all = Campaigns::with_own(&other).unwrap();
    assert_eq!(all.get("mirai").unwrap().name.en, "My neighbour");
    assert_eq!(all.all().len(), Campaigns::builtin().all().len());
}

#[test]
fn what_is_wrong_is_refused_in_one_sentence_with_its_place() {
    let refused = |text: &str| {
        let problems = Campaigns::with_own(&[("own.toml".to_owned(), text.to_owned())]);
        let problems = problems.unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        problems[0].to_string()
    };
    let changed = |from: &str, to: &str| {
        assert!(OWN.contains(from));
        refused(&OWN.replacen(from, to, 1))
    };
    for (sentence, part) in [
        (refused("[[campaign]]\nid = 3"), "own.toml, line 2: "),
        (refused("[[campaing]]\n"), "own.toml, line 1: "),
        (changed("\"mine\"", "\"Mine!\""), "campaign Mine!: an id is"),
        (changed("\"mine\"", "\"\\u001b[2J\""), "campaign \\x1b[2J: an id is"),
        (changed("\"scan\"", "\"song\""), "own.toml, line 3: "),
        (
            changed("what = { en = \"He looks in.\" }", "what = { en = \"\" }"),
            "what is missing in English",
        ),
        (
            changed("He looks in.", "He \\u202e looks"),
            "what holds a character that cannot be shown",
        ),
        (changed("\"certain\"", "\"weak\""), "weak marks alone"),
        (changed("\"certain\"", "\"utter\""), "own.toml, line 6: "),
        (changed("client = \"neighbour/\"", "client = \"\""), "a mark is empty"),
        (changed("client = \"neighbour/\"", "port = \"tcp/23\""), "a port alone says little"),
        (changed("client = \"neighbour/\"", "client = \"a\", user = \"b\""), "a mark names one of"),
        (changed("client = \"neighbour/\"", "pair = \"root\""), "no pair"),
        (changed("client = \"neighbour/\"", "sha256 = \"00\""), "no SHA-256"),
        (changed("client = \"neighbour/\"", "command = \"192.0.2.1 77\""), "too little is left"),
        (
            changed("client = \"neighbour/\"", "command = \"locate D877F783D5D3EF8Cs\""),
            "too little is left",
        ),
        (changed("client = \"neighbour/\"", "first_bytes = \"\\\\xzz\""), "no text of"),
        (changed("client = \"neighbour/\"", "client = []"), "a mark has 1 to"),
        (changed("id = \"mine\"", "id = \"mine\"\nform_of = \"nobody\""), "form_of names nobody"),
        (
            changed("id = \"mine\"", "id = \"mine\"\nactions = [\"dance\"]"),
            "there is no action dance",
        ),
        (
            changed("id = \"mine\"", "id = \"mine\"\nreferences = [\"javascript:alert(1)\"]"),
            "no address of a page",
        ),
        (refused(&format!("{OWN}{OWN}")), "there are two of this id"),
        (refused(&" ".repeat(format::LONGEST_FILE + 1)), "at most"),
    ] {
        assert!(sentence.contains(part), "{part}: {sentence}");
        assert!(!sentence.chars().any(char::is_control) && sentence.len() < 400, "{sentence}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "(?s).{0,200}") {
        let _ = Campaigns::with_own(&[("own.toml".to_owned(), text)]);
    }
}
