//! Which warnings fit to a sign. By the vulnerability where the sign names one (a known attack that rose, or rose with it); by the product where the
//! sign is of a port that one product has, and the warning names it within the weeks around the sign. Every match says by what.

use kizashi_event::{Port, Timestamp};
use kizashi_signs::Sign;
use serde::{Deserialize, Serialize};

use super::parse::cves_in;
use super::{Feed, Item};
use crate::Language;

/// How long before a sign a warning of its product may lie, and how long after its start.
const BEFORE: i64 = 30 * Timestamp::DAY;
const AFTER: i64 = 14 * Timestamp::DAY;
/// The same where the vulnerability is the same: years do not matter, but the sentence is about news.
const BEFORE_SAME: i64 = 3_650 * Timestamp::DAY;
/// Warnings of one sign.
const MOST: usize = 3;

/// What is said on a port, where one product or protocol has it. Words are whole words of a warning.
const PRODUCTS: [(u16, &[&str]); 26] = [
    (21, &["FTP"]),
    (22, &["OpenSSH", "SSH"]),
    (23, &["Telnet"]),
    (25, &["SMTP", "Exim", "Postfix"]),
    (445, &["SMB", "SMBv1", "SMBv3"]),
    (1433, &["SQL Server", "MSSQL"]),
    (1883, &["MQTT"]),
    (2375, &["Docker"]),
    (3306, &["MySQL", "MariaDB"]),
    (3389, &["RDP", "Remote Desktop"]),
    (4899, &["Radmin"]),
    (5038, &["Asterisk"]),
    (5060, &["SIP", "Asterisk", "FreePBX"]),
    (5432, &["PostgreSQL"]),
    (5555, &["ADB", "Android Debug Bridge"]),
    (5900, &["VNC"]),
    (5984, &["CouchDB"]),
    (6379, &["Redis"]),
    (6443, &["Kubernetes"]),
    (7547, &["TR-069", "CWMP"]),
    (8291, &["MikroTik", "RouterOS"]),
    (9200, &["Elasticsearch"]),
    (10250, &["Kubernetes", "kubelet"]),
    (11211, &["memcached"]),
    (11434, &["Ollama"]),
    (27017, &["MongoDB"]),
];

/// A warning that fits to a sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// The feed's name.
    pub feed: String,
    /// Its title.
    pub title: String,
    /// When it was published.
    pub published: Option<Timestamp>,
    /// By what it fits: a CVE or a product.
    pub by: String,
    /// When the sign began.
    pub began: Timestamp,
}

impl Warning {
    /// The sentence.
    #[must_use]
    pub fn sentence(&self, language: Language) -> String {
        let Self { feed, title, by, .. } = self;
        let gap = self.published.map(|published| self.began.since(published));
        match (language, gap) {
            (Language::English, None) => format!("{feed} has a warning about {by}: {title}."),
            (Language::Japanese, None) => format!("{feed} に {by} の注意喚起があります: {title}。"),
            (Language::English, Some(gap)) if gap >= 0 => {
                format!(
                    "{feed} told of {by} {} before this sign began: {title}.",
                    length(gap, language)
                )
            }
            (Language::Japanese, Some(gap)) if gap >= 0 => {
                format!(
                    "この兆しが始まる {}前に、{feed} が {by} について公表しています: {title}。",
                    length(gap, language)
                )
            }
            (Language::English, Some(gap)) => {
                format!(
                    "This sign began {} before {feed} told of {by}: {title}.",
                    length(-gap, language)
                )
            }
            (Language::Japanese, Some(gap)) => {
                format!(
                    "この兆しは、{feed} が {by} について公表する {}前に始まっていました: {title}。",
                    length(-gap, language)
                )
            }
        }
    }
}

/// The warnings that fit to a sign: those of its vulnerabilities first, then those nearest to its start.
#[must_use]
pub fn matching(sign: &Sign, feeds: &[Feed]) -> Vec<Warning> {
    if sign.is_silence() {
        return Vec::new();
    }
    let mut texts = vec![sign.key.as_str(), sign.label.as_str()];
    texts.extend(sign.also.iter().map(String::as_str));
    texts.extend(sign.name.as_deref());
    let cves: Vec<String> = texts.into_iter().flat_map(cves_in).collect();
    let products = sign.port().map_or(&[][..], products);
    let mut found: Vec<(bool, i64, Warning)> = Vec::new();
    for feed in feeds {
        for item in &feed.items {
            let gap = item.published.map(|published| sign.since.since(published));
            let Some((same, by)) = fits(item, &cves, products, gap) else { continue };
            let warning = Warning {
                feed: feed.name.clone(),
                title: item.title.clone(),
                published: item.published,
                by,
                began: sign.since,
            };
            found.push((!same, gap.map_or(i64::MAX, i64::abs), warning));
        }
    }
    found.sort_by(|a, b| (a.0, a.1, &a.2.title).cmp(&(b.0, b.1, &b.2.title)));
    found.dedup_by(|a, b| a.2.title == b.2.title);
    found.into_iter().take(MOST).map(|(_, _, warning)| warning).collect()
}

fn fits(
    item: &Item,
    cves: &[String],
    products: &[&str],
    gap: Option<i64>,
) -> Option<(bool, String)> {
    let within = |before: i64| gap.is_none_or(|gap| (-AFTER..=before).contains(&gap));
    if let Some(cve) =
        item.cves.iter().find(|cve| cves.contains(cve)).filter(|_| within(BEFORE_SAME))
    {
        return Some((true, cve.clone()));
    }
    // Without a time nothing says that a warning of a product has to do with it.
    gap.filter(|_| within(BEFORE))?;
    let product = products
        .iter()
        .find(|product| has_word(&item.title, product) || has_word(&item.summary, product))?;
    Some((
        false,
        item.cves.first().map_or_else(|| (*product).to_owned(), |cve| format!("{cve} ({product})")),
    ))
}

fn products(port: Port) -> &'static [&'static str] {
    let found = PRODUCTS.iter().find(|(number, _)| {
        port == Port::tcp(*number) || (*number == 5060 && port == Port::udp(5060))
    });
    found.map_or(&[], |(_, words)| words)
}

/// Whether a text has a word, as it is written, and not as a part of a longer one.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.match_indices(word).any(|(at, _)| {
        !is_part(text[..at].chars().next_back()) && !is_part(text[at + word.len()..].chars().next())
    })
}

fn length(micros: i64, language: Language) -> String {
    let hours = micros / Timestamp::HOUR;
    match (language, hours) {
        (Language::English, 0) => "less than an hour".to_owned(),
        (Language::English, 1) => "an hour".to_owned(),
        (Language::English, 2..48) => format!("{hours} hours"),
        (Language::English, _) => format!("{} days", hours / 24),
        (Language::Japanese, 0) => "1 時間足らず".to_owned(),
        (Language::Japanese, 1..48) => format!("{hours} 時間"),
        (Language::Japanese, _) => format!("{} 日", hours / 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::sign;

    fn feed(items: Vec<Item>) -> Vec<Feed> {
        vec![Feed { name: "kev".to_owned(), items, ..Feed::default() }]
    }

    fn item(title: &str, cves: &[&str], published: &str) -> Item {
        Item {
            title: title.to_owned(),
            published: Timestamp::parse(published).ok(),
            cves: cves.iter().map(|cve| (*cve).to_owned()).collect(),
            ..Item::default()
        }
    }

    #[test]
    fn a_vulnerability_that_a_sign_names_is_found_and_put_in_time() {
        let mut sign = sign("tcp/8080");
        sign.also = vec!["signature:CVE-2021-44228".to_owned()];
        let before = feed(vec![
            item("Log4j", &["CVE-2021-44228"], "2025-02-16T11:00:00Z"),
            item("Other", &["CVE-2025-1111"], "2025-02-16T11:00:00Z"),
        ]);
        let found = matching(&sign, &before);
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].sentence(Language::English),
            "kev told of CVE-2021-44228 2 days before this sign began: Log4j."
        );
        assert_eq!(
            found[0].sentence(Language::Japanese),
            "この兆しが始まる 2 日前に、kev が CVE-2021-44228 について公表しています: Log4j。"
        );
        let after = feed(vec![item("Log4j", &["CVE-2021-44228"], "2025-02-18T17:00:00Z")]);
        assert_eq!(
            matching(&sign, &after)[0].sentence(Language::English),
            "This sign began 6 hours before kev told of CVE-2021-44228: Log4j."
        );
    }

    #[test]
    fn a_product_fits_within_its_weeks_and_as_a_whole_word_alone() {
        let sign = sign("tcp/6379");
        let fits = |title: &str, time: &str| {
            !matching(&sign, &feed(vec![item(title, &[], time)])).is_empty()
        };
        assert!(fits("Redis の脆弱性に関する注意喚起", "2025-02-10T00:00:00Z"));
        assert!(!fits("Redistributable packages of Example", "2025-02-10T00:00:00Z"));
        assert!(!fits("Redis remote code execution", "2024-02-10T00:00:00Z"));
        assert!(!fits("Redis remote code execution", "no time"));
        assert!(!fits("VNC authentication bypass", "2025-02-10T00:00:00Z"));
    }

    #[test]
    fn no_more_warnings_are_told_than_a_person_reads_and_the_surest_come_first() {
        let mut sign = sign("tcp/6379");
        sign.key = "tcp/6379".to_owned();
        sign.name = Some("CVE-2022-0543".to_owned());
        let mut items: Vec<Item> = (1..=9)
            .map(|day| item(&format!("Redis {day}"), &[], &format!("2025-02-0{day}T00:00:00Z")))
            .collect();
        items.push(item("Debian's Lua", &["CVE-2022-0543"], "2022-03-28T00:00:00Z"));
        let found = matching(&sign, &feed(items));
        let titles: Vec<&str> = found.iter().map(|warning| warning.title.as_str()).collect();
        assert_eq!(titles, ["Debian's Lua", "Redis 9", "Redis 8"]);
    }
}
