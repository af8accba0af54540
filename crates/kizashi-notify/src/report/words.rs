//! The words of a report in both languages.

use kizashi_signs::{minute, plain};

use super::{Period, Report, Totals, is_of_silence};
use crate::Language;

pub(super) fn title(report: &Report, language: Language) -> String {
    let (from, until) = (day(report.from), day(report.until));
    match (language, report.period) {
        (Language::English, Period::Day) => {
            format!("Kizashi {}: the day to {}", report.sensor, minute(report.until))
        }
        (Language::English, Period::Week) => {
            format!("Kizashi {}: the week from {from} to {until}", report.sensor)
        }
        (Language::English, Period::Month) => {
            format!("Kizashi {}: the month from {from} to {until}", report.sensor)
        }
        (Language::Japanese, Period::Day) => {
            format!("Kizashi {}: {} までの日報", report.sensor, minute(report.until))
        }
        (Language::Japanese, Period::Week) => {
            format!("Kizashi {}: 週報（{from} ～ {until}）", report.sensor)
        }
        (Language::Japanese, Period::Month) => {
            format!("Kizashi {}: 月報（{from} ～ {until}）", report.sensor)
        }
    }
}

/// What a person who reads one line wants to know.
pub(super) fn gist(report: &Report, language: Language) -> String {
    let Totals { events, sources, sessions } = report.totals;
    let rises = report.signs.iter().filter(|told| !is_of_silence(&told.sign)).count();
    let change = change(events, report.before.events, language);
    if events == 0 {
        return language
            .pick(
                "Nothing came in this time. Check that this machine can be reached.",
                "この期間には何も来ませんでした。この機械に到達できるか確かめてください。",
            )
            .to_owned();
    }
    match language {
        Language::English => {
            let signs = match rises {
                0 => "Nothing changed that chance does not explain.".to_owned(),
                1 => "One sign was raised.".to_owned(),
                many => format!("{many} signs were raised."),
            };
            format!(
                "{signs} {} sources came in {} sessions, {} events in all ({change}).",
                thousands(sources),
                thousands(sessions),
                thousands(events)
            )
        }
        Language::Japanese => {
            let signs = match rises {
                0 => "偶然で説明できない変化はありませんでした。".to_owned(),
                many => format!("兆しを {many} 件検知しました。"),
            };
            format!(
                "{signs}送信元 {} 件、セッション {} 件、イベントは合わせて {} 件です（{change}）。",
                thousands(sources),
                thousands(sessions),
                thousands(events)
            )
        }
    }
}

/// A count against the one before.
pub(super) fn change(now: u64, before: u64, language: Language) -> String {
    #[allow(clippy::cast_precision_loss, reason = "counts past 2^53 do not come from one machine")]
    let ratio = now as f64 / before.max(1) as f64;
    match (before, now) {
        (0, 0) => "–".to_owned(),
        (0, _) => language.pick("new", "新規").to_owned(),
        (_, 0) => language.pick("gone", "消滅").to_owned(),
        _ if (0.95..=1.05).contains(&ratio) => language.pick("as before", "前期並み").to_owned(),
        _ if ratio >= 2.0 => match language {
            Language::English => format!("{} times", plain(ratio)),
            Language::Japanese => format!("{} 倍", plain(ratio)),
        },
        _ => format!("{:+.0} %", (ratio - 1.0) * 100.0),
    }
}

/// The heading of a ranking.
pub(super) fn ranking(kind: &str, language: Language) -> &'static str {
    let words = match kind {
        "port" => ("Ports", "ポート"),
        "source" => ("Sources", "送信元"),
        "country" => ("Countries", "国"),
        "user" => ("User names tried", "試されたユーザー名"),
        "password" => ("Passwords tried", "試されたパスワード"),
        "command" => ("Commands given", "入力されたコマンド"),
        "path" => ("Pages asked for", "要求されたページ"),
        _ => ("Known attacks and searches", "既知の攻撃と探索"),
    };
    language.pick(words.0, words.1)
}

/// Headings of a ranking's columns.
pub(super) fn columns(language: Language) -> [&'static str; 5] {
    language.pick(
        ["what", "use", "events", "sources", "against the period before"],
        ["項目", "用途", "イベント", "送信元", "前の期間との比較"],
    )
}

pub(super) struct Headings {
    pub(super) signs: &'static str,
    pub(super) no_signs: &'static str,
    pub(super) quiet: &'static str,
    pub(super) nothing_quiet: &'static str,
    pub(super) outside: &'static str,
    pub(super) courses: &'static str,
    pub(super) legend: &'static str,
    pub(super) empty: &'static str,
    pub(super) made: &'static str,
}

pub(super) const fn headings(language: Language) -> Headings {
    match language {
        Language::English => Headings {
            signs: "Signs",
            no_signs: "None.",
            quiet: "What was quiet",
            nothing_quiet: "Every port that had visitors before had some now.",
            outside: "What others warn of",
            courses: "The ports' courses",
            legend: "Blue: events in 12 hours (of a day: in an hour). Red: ChangeFinder's change score.",
            empty: "(empty)",
            made: "Texts of attackers are escaped. Times are UTC.",
        },
        Language::Japanese => Headings {
            signs: "兆し",
            no_signs: "ありません。",
            quiet: "静かだったもの",
            nothing_quiet: "前の期間に訪問のあったポートには、すべて今回も訪問がありました。",
            outside: "外部からの注意喚起",
            courses: "ポートの推移",
            legend: "青: 12 時間ごと（日報では 1 時間ごと）のイベント数。赤: ChangeFinder の変化点スコア。",
            empty: "（空）",
            made: "攻撃者の文字列はエスケープして表示しています。時刻は UTC です。",
        },
    }
}

pub(super) fn silent(key: &str, label: &str, before: u64, language: Language) -> String {
    match language {
        Language::English => {
            format!("{key} ({label}): nothing; {} events before", thousands(before))
        }
        Language::Japanese => {
            format!("{key}（{label}）: 0 件（前の期間は {} 件）", thousands(before))
        }
    }
}

/// `12,345`.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub(super) fn day(time: kizashi_event::Timestamp) -> String {
    time.rfc3339().chars().take(10).collect()
}
