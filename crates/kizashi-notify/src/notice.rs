//! What is told of one sign: the sign with its story in both languages. Here, and nowhere else in this room, the words of
//! [`kizashi_signs::advisory`] are taken over, so that whatever an advisory becomes changes this file alone.
//!
//! A notice is made by the core, which has the store, and read by the process that tells it, which has nothing else: it is bounded, and
//! whatever attackers chose in it is escaped.

use kizashi_event::{Key, KeyKind, Timestamp, escape_for_people};
use kizashi_signs::{Severity, Sign, SignKind, advisory};
use kizashi_store::{Evidence, country_name};
use serde::{Deserialize, Serialize};

use crate::Language;

/// Characters of one part at most.
const LONGEST_PART: usize = 2_000;
/// Characters of a title at most.
const LONGEST_TITLE: usize = 200;
/// Characters of one quoted value.
const LONGEST_QUOTED: usize = 60;
/// Values of one kind quoted at most.
const MOST_QUOTED: usize = 3;
/// Addresses that go with a notice.
const MOST_SOURCES: usize = 10;

/// A sign as it is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// The sign, its numbers included.
    pub sign: Sign,
    /// Its story in English.
    pub en: Story,
    /// Its story in Japanese.
    pub ja: Story,
    /// The most active addresses with their events: at most ten.
    pub sources: Vec<(String, u64)>,
}

/// A story in one language: a title and parts that follow each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Story {
    /// What happens, in one line.
    pub title: String,
    /// The rest.
    pub parts: Vec<Part>,
}

/// A heading with its text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The heading.
    pub heading: String,
    /// Sentences.
    pub text: String,
}

impl Part {
    pub(crate) fn new(heading: &str, text: &str) -> Self {
        Self { heading: heading.to_owned(), text: cut(text, LONGEST_PART) }
    }
}

impl Notice {
    /// What is told of a sign, with what its visitors did.
    #[must_use]
    pub fn of(sign: &Sign, evidence: &Evidence) -> Self {
        let parts =
            advisory(sign, evidence).parts().map(|(heading, text)| Part::new(heading, text));
        Self {
            en: Story {
                title: cut(&title(sign, Language::En), LONGEST_TITLE),
                parts: parts.to_vec(),
            },
            ja: Story {
                title: cut(&title(sign, Language::Ja), LONGEST_TITLE),
                parts: japanese(sign, evidence),
            },
            sources: evidence.sources.iter().take(MOST_SOURCES).cloned().collect(),
            sign: sign.clone(),
        }
    }

    /// The same with what others warn of beside it: sentences in English and in Japanese.
    #[must_use]
    pub fn with_warnings(mut self, sentences: &[(String, String)]) -> Self {
        for (english, japanese) in sentences {
            self.en.parts.push(Part::new("What others warn of", english));
            self.ja.parts.push(Part::new("外部からの注意喚起", japanese));
        }
        self
    }

    /// The story in a language.
    #[must_use]
    pub const fn story(&self, language: Language) -> &Story {
        match language {
            Language::En => &self.en,
            Language::Ja => &self.ja,
        }
    }
}

/// The word for a severity.
#[must_use]
pub fn severity_word(severity: Severity, language: Language) -> &'static str {
    let japanese = match severity {
        Severity::Low => "低",
        Severity::Medium => "中",
        Severity::High => "高",
        Severity::Critical => "緊急",
    };
    language.pick(severity.name(), japanese)
}

fn title(sign: &Sign, language: Language) -> String {
    let severity = severity_word(sign.severity, language);
    let (key, label) = (short(&sign.key), &sign.label);
    let (sources, ratio) = (sign.sources, plain(sign.ratio));
    match (sign.kind, language) {
        (SignKind::Rise, Language::En) => {
            format!("[{severity}] {key} ({label}): {sources} new sources, {ratio} times the usual")
        }
        (SignKind::Rise, Language::Ja) => {
            format!("【{severity}】{key}（{label}）: 新しい送信元 {sources} 件、平常の {ratio} 倍")
        }
        (SignKind::SensorWide, Language::En) => {
            format!("[{severity}] {} ports rose at once", sign.rising)
        }
        (SignKind::SensorWide, Language::Ja) => {
            format!("【{severity}】{} 個のポートが同時に増加", sign.rising)
        }
        (SignKind::PortSilent, Language::En) => format!("[{severity}] {key} ({label}) fell silent"),
        (SignKind::PortSilent, Language::Ja) => {
            format!("【{severity}】{key}（{label}）への通信が途絶えた")
        }
        (SignKind::SensorSilent, Language::En) => format!("[{severity}] nothing comes any more"),
        (SignKind::SensorSilent, Language::Ja) => {
            format!("【{severity}】センサーに何も来なくなった")
        }
        (SignKind::Misbehaviour, Language::En) => format!("[{severity}] {label}"),
        (SignKind::Misbehaviour, Language::Ja) => {
            format!("【{severity}】おとりのプロセスが異常な動作をした")
        }
    }
}

fn japanese(sign: &Sign, evidence: &Evidence) -> Vec<Part> {
    vec![
        Part::new("何が起きているか", &what(sign)),
        Part::new("いつから", &since(sign)),
        Part::new("だれが", &who(sign, evidence)),
        Part::new("何をするか", &what_to_do(sign)),
    ]
}

fn what(sign: &Sign) -> String {
    let (key, label) = (short(&sign.key), &sign.label);
    let chance = format!("偶然だけでは、多くても {} 日に 1 度しか起きません。", plain(sign.days));
    match sign.kind {
        SignKind::Rise => {
            let how = match sign.key.parse::<Key>().map(|key| key.kind) {
                Ok(KeyKind::Port | KeyKind::Total | KeyKind::Service) => "に来ました",
                Ok(KeyKind::Network | KeyKind::Country) => "から来ました",
                _ => "を伴って来ました",
            };
            format!(
                "新しい送信元 {} 件が {key}（{label}）{how}。見込みは {} 件で、平常の {} 倍（95 % 区間 {} ～ {} 倍）です。{chance}",
                sign.sources,
                plain(sign.expected_sources),
                plain(sign.ratio),
                plain(sign.ratio_low),
                plain(sign.ratio_high)
            )
        }
        SignKind::SensorWide => format!(
            "同じ 10 分間に {} 個のポートが増えました。それだけの攻撃が同時に始まったというより、この機械の側に原因（障害からの復旧、新しいアドレス）がある可能性が高いです。",
            sign.rising
        ),
        SignKind::PortSilent => format!(
            "{key}（{label}）{}に何も来なくなりました。普段は 1 日に約 {} 件の新しい送信元があり、ほかのポートには来ています。{chance}",
            match sign.rising {
                0 | 1 => String::new(),
                rising => format!("とほかの {} 個のポート", rising - 1),
            },
            plain(sign.before)
        ),
        SignKind::SensorSilent => format!(
            "この機械にまったく何も来なくなりました。普段は 1 日に約 {} 件の新しい送信元があります。{chance}",
            plain(sign.before)
        ),
        SignKind::Misbehaviour => format!(
            "{label}。プロセスは終了させられ、新しいものに替わりました。奪われる物も、出ていく先もありませんでした。"
        ),
    }
}

fn since(sign: &Sign) -> String {
    let (began, raised) = (minute(sign.since), minute(sign.detected));
    match sign.kind {
        SignKind::Misbehaviour => format!("{raised} に起き、その場で終わりました。"),
        SignKind::PortSilent | SignKind::SensorSilent => {
            let course = if sign.open {
                "それ以来だれも来ていません。".to_owned()
            } else {
                format!("{} に終わりました。", minute(sign.until))
            };
            format!("最後の訪問は {began} の直前で、{raised} に検知しました。{course}")
        }
        SignKind::Rise | SignKind::SensorWide => format!(
            "{began} ごろに始まり、{raised} に検知しました。{}1 日あたりの新しい送信元は、以前 {} 件、以後 {} 件です。",
            if sign.open {
                "今も続いています。"
            } else {
                "すでに収まりました。"
            },
            plain(sign.before),
            plain(sign.after)
        ),
    }
}

fn who(sign: &Sign, evidence: &Evidence) -> String {
    if sign.is_silence() {
        return "だれも来ていません。".to_owned();
    }
    let mut text = match sign.kind {
        SignKind::Misbehaviour => {
            "直前に接続していた訪問者です。その時刻のイベントに記録があります。".to_owned()
        }
        _ => format!("新しい送信元 {} 件、イベント {} 件。", sign.sources, sign.events),
    };
    let countries: Vec<(String, u64)> = evidence
        .countries
        .iter()
        .map(|(code, sources)| (country_name(code).unwrap_or(code).to_owned(), *sources))
        .collect();
    for (heading, values) in [
        ("最も活発な送信元", &evidence.sources),
        ("国（送信元の数）", &countries),
        ("既知のスキャナー", &evidence.scanners),
        ("試されたユーザー名", &evidence.users),
        ("試されたパスワード", &evidence.passwords),
        ("入力されたコマンド", &evidence.commands),
        ("要求されたページ", &evidence.paths),
        ("ソフトウェア", &evidence.clients),
    ] {
        let some: Vec<String> = values
            .iter()
            .take(MOST_QUOTED)
            .map(|(value, count)| match value.as_str() {
                "" => format!("（空）（{count}）"),
                value => format!("{}（{count}）", short(value)),
            })
            .collect();
        if !some.is_empty() {
            text.push_str(&format!("{heading}: {}。", some.join("、")));
        }
    }
    text
}

fn what_to_do(sign: &Sign) -> String {
    let ports = sign.ports.iter().take(5).map(String::as_str).collect::<Vec<_>>().join("、");
    match sign.kind {
        SignKind::Misbehaviour => "だれかがおとりの欠陥を見つけました。Kizashi を更新し、時刻と直前のイベントを報告してください。`kizashi doctor` が有効でない保護を示す場合は、この機械は侵入されたものとして扱ってください。".to_owned(),
        SignKind::SensorSilent => "別のネットワークからこの機械のポートに接続できるか確かめてください。できなければアドレス、ファイアウォール、事業者のフィルターを、できれば `kizashi status` とログを調べてください。再び何かが来るまで、攻撃は見えません。".to_owned(),
        SignKind::PortSilent => format!(
            "別のネットワークから、まだ接続できるか確かめてください（{ports}）。攻撃者が一斉に興味を失ったというより、ファイアウォールの規則や設定の変更が原因であることが多いです。わざと閉じたのなら、何もする必要はありません。"
        ),
        SignKind::SensorWide => format!(
            "この機械が切り離されていなかったか、新しいアドレスになっていないか、起動したばかりでないかを確かめてください。そうであれば何もする必要はありません。そうでなければ、増えたポート（{ports} など）を調べてください。"
        ),
        SignKind::Rise if sign.port().is_some() => format!(
            "{} で {} を自分で動かしているなら（この機械でも別の機械でも）、今すぐ確かめてください: 必要な相手だけに公開し、推測できるパスワードを替え、最新の版に更新します。動かしていなければ何もする必要はありません。訪れられたのはおとりだけです。",
            short(&sign.key),
            sign.label
        ),
        SignKind::Rise => "この訪問者がほかに何をしているかを見て、自分のサービスなら通してしまわないか確かめてください: 推測できるものは替え、要求されているものは更新します。おとり自体に危険はありません。".to_owned(),
    }
}

/// Cut before it is escaped, so that no escape is cut in two. What signs hold was escaped when they were made, what evidence holds was not.
fn short(text: &str) -> String {
    let head: String = text.chars().take(LONGEST_QUOTED).collect();
    let is_cut = head.len() < text.len();
    let mut shown = escape_for_people(&head);
    if is_cut {
        shown.push('…');
    }
    shown
}

/// The first characters, with a mark where there are more.
pub(crate) fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some(_) => text.chars().take(longest.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// A moment to the minute: `2025-02-18 11:50 UTC`.
pub(crate) fn minute(time: Timestamp) -> String {
    let text = time.rfc3339();
    text.get(..16).map_or(text.clone(), |text| format!("{} UTC", text.replace('T', " ")))
}

/// A number for a sentence: no more digits than it deserves.
pub(crate) fn plain(number: f64) -> String {
    let text = if number >= 9.95 { format!("{number:.0}") } else { format!("{number:.1}") };
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::sign;

    #[test]
    fn both_stories_tell_what_since_when_who_and_what_to_do() {
        for kind in [
            SignKind::Rise,
            SignKind::SensorWide,
            SignKind::PortSilent,
            SignKind::SensorSilent,
            SignKind::Misbehaviour,
        ] {
            let notice = Notice::of(&Sign { kind, ..sign("tcp/5900") }, &Evidence::default());
            for story in [&notice.en, &notice.ja] {
                assert!(!story.title.is_empty() && story.parts.len() == 4, "{story:?}");
                assert!(
                    story
                        .parts
                        .iter()
                        .all(|part| !part.text.is_empty() && !part.heading.is_empty())
                );
            }
        }
        let notice = Notice::of(&sign("tcp/5900"), &Evidence::default());
        assert_eq!(
            notice.en.title,
            "[high] tcp/5900 (VNC screen sharing): 21 new sources, 8.4 times the usual"
        );
        assert_eq!(
            notice.ja.title,
            "【高】tcp/5900（VNC screen sharing）: 新しい送信元 21 件、平常の 8.4 倍"
        );
    }

    #[test]
    fn what_attackers_chose_is_escaped_and_short_in_both_stories() {
        let hostile = vec![("\u{1b}]0;x\u{7}\u{202e}\r\n<@everyone>".repeat(900), 1)];
        let evidence = Evidence {
            users: hostile.clone(),
            commands: hostile.clone(),
            sources: hostile,
            ..Evidence::default()
        };
        let notice = Notice::of(&sign("tcp/22"), &evidence);
        for story in [&notice.en, &notice.ja] {
            for part in &story.parts {
                assert!(part.text.chars().count() <= LONGEST_PART);
                assert!(!part.text.chars().any(|c| c.is_control() || c == '\u{202e}'), "{part:?}");
            }
        }
    }
}
