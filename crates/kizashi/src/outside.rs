//! What others warn of, as far as it fits to signs: read from what the process that tells signs made of the feeds.

use std::path::Path;

use kizashi_notify::feeds::{Feed, matching};
use kizashi_notify::report::Report;
use kizashi_notify::{Language, Outbox};
use kizashi_signs::Sign;

/// Sentences in a report.
const MOST_SENTENCES: usize = 10;

/// What was made of the feeds; nothing where there are none.
pub(crate) fn feeds(data: &Path) -> Vec<Feed> {
    Outbox::of(data).feeds().unwrap_or_default()
}

/// The sentences about a sign, in English and in Japanese.
pub(crate) fn of_sign(sign: &Sign, feeds: &[Feed]) -> Vec<(String, String)> {
    let sentences = matching(sign, feeds).into_iter();
    sentences.map(|it| (it.sentence(Language::English), it.sentence(Language::Japanese))).collect()
}

/// The sentences about a report's signs, each with the sign's key before it.
pub(crate) fn of_report(data: &Path, report: &Report) -> Vec<(String, String)> {
    let feeds = feeds(data);
    let mut all: Vec<(String, String)> = Vec::new();
    for told in &report.signs {
        for (english, japanese) in of_sign(&told.sign, &feeds) {
            let key = &told.sign.key;
            all.push((format!("{key}: {english}"), format!("{key}: {japanese}")));
        }
    }
    all.truncate(MOST_SENTENCES);
    all
}
