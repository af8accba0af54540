//! A report of made-up numbers with hostile texts in them, in every form and both languages.

use jiff::ZonedDateTime;
use kizashi_store::Evidence;

use super::*;
use crate::testing::sign;

const HOSTILE: &str = "</td><script>alert(1)</script>|`` ` \"onload=x\" **b** [l](http://x)";

fn report() -> Report {
    let until = Timestamp::parse("2026-11-30T00:00:00Z").unwrap();
    let row = |key: &str, label: &str, events, before| Row {
        key: key.to_owned(),
        label: label.to_owned(),
        events,
        sources: 7,
        before,
    };
    let points: Vec<Point> = (0..60)
        .map(|at: u32| Point {
            start: until.plus(-i64::from(60 - at) * 12 * Timestamp::HOUR),
            events: u64::from(at % 7) * 100,
            score: (at > 9).then_some(f64::from(at % 11)),
        })
        .collect();
    let evidence = Evidence { users: vec![(HOSTILE.to_owned(), 3)], ..Evidence::default() };
    let Notice { sign, en, ja, .. } = Notice::of(&sign("tcp/5900"), &evidence);
    Report {
        sensor: "sensor <1>".to_owned(),
        period: Period::Month,
        from: until.plus(-Period::Month.micros()),
        until,
        totals: Totals { events: 1_234_567, sessions: 9_876, sources: 321 },
        before: Totals { events: 600_000, sessions: 9_000, sources: 300 },
        signs: vec![Told { sign, en, ja }],
        silent: vec![row("tcp/23", "Telnet", 0, 4_000)],
        rankings: vec![
            Ranking {
                kind: "port",
                rows: vec![
                    row("tcp/2223", "ESET remote administrator", 114_195, 0),
                    row("tcp/445", "SMB", 55_430, 55_000),
                ],
            },
            Ranking { kind: "password", rows: vec![row(HOSTILE, "", 12, 4), row("", "", 9, 90)] },
        ],
        courses: vec![Course { key: "tcp/2223".to_owned(), label: HOSTILE.to_owned(), points }],
        outside: vec![(format!("KEV {HOSTILE}"), format!("KEV {HOSTILE}"))],
    }
}

#[test]
fn the_page_has_no_tag_of_an_attackers_and_fetches_nothing() {
    for language in [Language::English, Language::Japanese] {
        let page = report().html(language);
        assert!(
            !page.contains("<script") && !page.contains("src=") && !page.contains("href="),
            "{page}"
        );
        assert!(
            page.contains("default-src 'none'")
                && page.contains("@media print")
                && page.contains("&lt;script&gt;")
        );
        assert_eq!(page.matches("<svg ").count(), 1);
        assert!(page.contains(&format!("<html lang=\"{}\">", language.code())));
        for (open, close) in [
            ("<table>", "</table>"),
            ("<tr>", "</tr>"),
            ("<div", "</div>"),
            ("<figure>", "</figure>"),
            ("<ul>", "</ul>"),
        ] {
            assert_eq!(page.matches(open).count(), page.matches(close).count(), "{open}");
        }
    }
}

#[test]
fn a_row_of_markdown_stays_a_row_whatever_its_key_is() {
    let text = report().markdown(Language::English);
    for line in text.lines().filter(|line| line.starts_with("| ") && !line.contains("---")) {
        let bars = line.replace("\\|", "").matches('|').count();
        assert_eq!(bars, 6, "{line}");
    }
    let mut prose = text.lines().filter(|line| !line.starts_with("| "));
    assert!(text.contains("``` </td>") && prose.all(|line| !line.contains("[l](http")), "{text}");
}

#[test]
fn the_gist_says_what_a_person_who_reads_one_line_wants_to_know() {
    let mut report = report();
    let gist = words::gist(&report, Language::English);
    assert_eq!(
        gist,
        "One sign was raised. 321 sources came in 9,876 sessions, 1,234,567 events in all (2.1 times)."
    );
    assert_eq!(
        words::gist(&report, Language::Japanese),
        "兆しを 1 件検知しました。送信元 321 件、セッション 9,876 件、イベントは合わせて 1,234,567 件です（2.1 倍）。"
    );
    report.signs.clear();
    assert!(
        words::gist(&report, Language::English)
            .starts_with("Nothing changed that chance does not explain.")
    );
    report.totals = Totals::default();
    assert!(words::gist(&report, Language::English).contains("can be reached"));
    for (now, before, text) in [
        (0, 0, "–"),
        (5, 0, "new"),
        (0, 5, "gone"),
        (100, 100, "as before"),
        (150, 100, "+50 %"),
        (50, 100, "-50 %"),
        (300, 100, "3 times"),
    ] {
        assert_eq!(words::change(now, before, Language::English), text);
    }
}

#[test]
fn a_report_is_due_at_its_hour_and_stays_the_same_until_the_next() {
    let at = |text: &str| -> ZonedDateTime { text.parse().unwrap() };
    let due = |every, now: &str| {
        let settings = ReportSettings { every, ..ReportSettings::default() };
        settings.due(&at(now)).map(|due| due.key)
    };
    // The 30th of November 2026 is a Monday.
    for (every, now, key) in [
        (Every::Day, "2026-11-29T06:59:59+09:00[+09:00]", "day-2026-11-28"),
        (Every::Day, "2026-11-29T07:00:00+09:00[+09:00]", "day-2026-11-29"),
        (Every::Week, "2026-11-29T12:00:00+00:00[+00:00]", "week-2026-11-23"),
        (Every::Week, "2026-11-30T07:00:00+00:00[+00:00]", "week-2026-11-30"),
        (Every::Month, "2026-11-30T23:00:00+00:00[+00:00]", "month-2026-11-01"),
        (Every::Month, "2026-11-01T06:00:00+00:00[+00:00]", "month-2026-10-01"),
    ] {
        assert_eq!(due(every, now).as_deref(), Some(key), "{now}");
    }
    assert_eq!(due(Every::Off, "2026-11-29T12:00:00+00:00[+00:00]"), None);
    let wrong = ReportSettings { channels: vec!["mail".to_owned()], ..ReportSettings::default() };
    assert!(
        wrong.check(["phone"].into_iter()).is_err() && wrong.check(["mail"].into_iter()).is_ok()
    );
}
