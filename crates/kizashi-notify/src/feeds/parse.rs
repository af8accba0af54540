//! Taking a feed apart: RSS 2.0, RSS 1.0 (RDF, as JPCERT/CC writes it), Atom (RFC 4287), and the JSON of CISA's Known Exploited Vulnerabilities.
//! UTF-8 alone; no document type (so no entity but XML's own), a bound on depth, items and every text. An item that is broken is left out.

use jiff::fmt::rfc2822;
use kizashi_event::Timestamp;
use quick_xml::Reader;
use quick_xml::events::Event;
use serde::Deserialize;

use super::{Item, MOST_ITEMS};
use crate::notice::cut;

/// Bytes of a feed at most.
pub(crate) const LONGEST: usize = 8 << 20;
/// Elements within each other.
const DEEPEST: usize = 64;
/// Characters of a title and of a summary.
const LONGEST_TITLE: usize = 300;
const LONGEST_SUMMARY: usize = 1_000;
/// Bytes of one element's text that are gathered.
const LONGEST_TEXT: usize = 16 * 1024;
/// Vulnerabilities of one item.
const MOST_CVES: usize = 32;

/// Why a feed cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// It is longer than any feed.
    #[error("it is longer than {} MB", LONGEST >> 20)]
    TooLong,
    /// It is neither XML nor JSON in UTF-8.
    #[error("it is not UTF-8")]
    NotText,
    /// It has a document type, or elements within each other without an end.
    #[error("it has {0}, which no feed needs")]
    Suspicious(&'static str),
    /// It is broken.
    #[error("it is broken: {0}")]
    Broken(String),
    /// It has no items of a form that is known.
    #[error("it is neither RSS nor Atom nor CISA's list")]
    Unknown,
}

/// The items of a feed, the latest first.
///
/// # Errors
/// When it is no feed.
pub fn parse(bytes: &[u8]) -> Result<Vec<Item>, FeedError> {
    if bytes.len() > LONGEST {
        return Err(FeedError::TooLong);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| FeedError::NotText)?;
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let mut items = if text.starts_with('{') { catalogue(text)? } else { xml(text)? };
    items.sort_by_key(|item| std::cmp::Reverse(item.published));
    items.truncate(MOST_ITEMS);
    Ok(items)
}

/// CISA's list (known_exploited_vulnerabilities_schema.json).
#[derive(Deserialize)]
struct Catalogue {
    vulnerabilities: Vec<Exploited>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Exploited {
    #[serde(rename = "cveID")]
    cve: String,
    #[serde(default)]
    vendor_project: String,
    #[serde(default)]
    product: String,
    #[serde(default)]
    vulnerability_name: String,
    #[serde(default)]
    date_added: String,
    #[serde(default)]
    short_description: String,
}

fn catalogue(text: &str) -> Result<Vec<Item>, FeedError> {
    let catalogue: Catalogue = serde_json::from_str(text)
        .map_err(|error| FeedError::Broken(cut(&error.to_string(), 100)))?;
    let items = catalogue.vulnerabilities.into_iter().filter_map(|one| {
        let cves = cves_in(&one.cve);
        let name = if one.vulnerability_name.is_empty() {
            format!("{} {}", one.vendor_project, one.product)
        } else {
            one.vulnerability_name
        };
        (!cves.is_empty()).then(|| Item {
            title: clean(&name, LONGEST_TITLE),
            summary: clean(
                &format!("{} {}. {}", one.vendor_project, one.product, one.short_description),
                LONGEST_SUMMARY,
            ),
            published: time(&one.date_added),
            cves,
        })
    });
    Ok(items.collect())
}

/// Which text of an item is being read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Title,
    Summary,
    Time,
    Other,
}

fn field(name: &str) -> Field {
    match name {
        "title" => Field::Title,
        "description" | "summary" | "content" | "encoded" => Field::Summary,
        "pubDate" | "date" | "published" | "updated" | "issued" => Field::Time,
        _ => Field::Other,
    }
}

fn xml(text: &str) -> Result<Vec<Item>, FeedError> {
    let mut reader = Reader::from_str(text);
    let (mut items, mut depth): (Vec<Item>, usize) = (Vec::new(), 0);
    let mut is_feed = false;
    // The depth at which the item that is being read began, and the item.
    let mut open: Option<(usize, Item)> = None;
    let mut gathered = String::new();
    loop {
        let event =
            reader.read_event().map_err(|error| FeedError::Broken(cut(&error.to_string(), 100)))?;
        match event {
            Event::Start(start) => {
                depth += 1;
                if depth > DEEPEST {
                    return Err(FeedError::Suspicious("elements within each other without an end"));
                }
                let name = start.local_name();
                is_feed |= matches!(name.as_ref(), "rss" | "RDF" | "feed");
                if open.is_none() && is_feed && matches!(name.as_ref(), "item" | "entry") {
                    open = Some((depth, Item::default()));
                }
                // Markup within a summary is text that goes on.
                if open.as_ref().is_none_or(|(at, _)| depth == at + 1) {
                    gathered.clear();
                }
            }
            Event::End(end) => {
                if let Some((at, item)) = &mut open {
                    if depth == *at + 1 {
                        put(item, field(end.local_name().as_ref()), &gathered);
                    } else if depth == *at {
                        items.extend(open.take().and_then(|(_, item)| finished(item)));
                        if items.len() >= 2 * MOST_ITEMS {
                            return Ok(items);
                        }
                    }
                }
                depth = depth.saturating_sub(1);
            }
            Event::Text(part) => gather(&mut gathered, &part.xml10_content()),
            Event::CData(part) => gather(&mut gathered, &part.xml10_content()),
            Event::GeneralRef(part) => {
                let character = match part.xml10_content().as_ref() {
                    "amp" => Some('&'),
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "quot" => Some('"'),
                    "apos" => Some('\''),
                    _ => part.resolve_char_ref().ok().flatten(),
                };
                gather(&mut gathered, character.unwrap_or('\u{fffd}').encode_utf8(&mut [0; 4]));
            }
            Event::DocType(_) => return Err(FeedError::Suspicious("a document type")),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    if is_feed { Ok(items) } else { Err(FeedError::Unknown) }
}

fn gather(gathered: &mut String, text: &str) {
    let room = LONGEST_TEXT.saturating_sub(gathered.len());
    let mut end = text.len().min(room);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    gathered.push_str(&text[..end]);
}

fn put(item: &mut Item, field: Field, text: &str) {
    match field {
        Field::Title if item.title.is_empty() => item.title = clean(text, LONGEST_TITLE),
        Field::Summary if item.summary.is_empty() => item.summary = clean(text, LONGEST_SUMMARY),
        Field::Time if item.published.is_none() => item.published = time(text.trim()),
        _ => {}
    }
    if matches!(field, Field::Title | Field::Summary) {
        for cve in cves_in(text) {
            if item.cves.len() < MOST_CVES && !item.cves.contains(&cve) {
                item.cves.push(cve);
            }
        }
    }
}

fn finished(item: Item) -> Option<Item> {
    (!item.title.is_empty()).then_some(item)
}

/// One line, without tags and controls.
fn clean(text: &str, longest: usize) -> String {
    let mut plain = String::new();
    let mut in_tag = false;
    for character in text.chars() {
        match character {
            '<' => in_tag = true,
            '>' if in_tag => in_tag = false,
            _ if in_tag => {}
            _ if character.is_whitespace() || character.is_control() => plain.push(' '),
            _ => plain.push(character),
        }
    }
    let words: Vec<&str> = plain.split(' ').filter(|word| !word.is_empty()).collect();
    cut(&kizashi_event::escape_for_people(&words.join(" ")), longest)
}

/// `CVE-` with a year and four to seven digits, in capitals, each once.
pub(crate) fn cves_in(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let upper = text.to_ascii_uppercase();
    for (at, _) in upper.match_indices("CVE-") {
        let rest = upper.get(at + 4..).unwrap_or_default();
        let Some((year, number)) = rest.split_once('-') else { continue };
        let number: String = number.chars().take_while(char::is_ascii_digit).take(8).collect();
        let is_year = year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
        let cve = format!("CVE-{year}-{number}");
        if is_year
            && (4..=7).contains(&number.len())
            && !found.contains(&cve)
            && found.len() < MOST_CVES
        {
            found.push(cve);
        }
    }
    found
}

/// RFC 3339, RFC 2822, or a day.
fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() > 64 {
        return None;
    }
    let of_jiff = |time: jiff::Timestamp| Timestamp::from_micros(time.as_microsecond());
    Timestamp::parse(text)
        .ok()
        .or_else(|| Timestamp::parse(&format!("{text}T00:00:00Z")).ok())
        .or_else(|| {
            rfc2822::DateTimeParser::new()
                .relaxed_weekday(true)
                .parse_timestamp(text)
                .ok()
                .map(of_jiff)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RDF: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel rdf:about="https://example.org/rss"><title>Example CERT</title><items><rdf:Seq><rdf:li rdf:resource="x"/></rdf:Seq></items></channel>
<item rdf:about="https://example.org/at/1.html"><title>注意喚起: Example の脆弱性 (CVE-2026-12345) に関する注意喚起 (公開)</title><link>https://example.org/at/1.html</link>
<dc:date>2026-11-20T11:00+09:00</dc:date></item></rdf:RDF>"#;
    const RSS: &str = r#"<rss version="2.0"><channel><title>T</title><item><title>A &amp; B &#x26; C</title><description><![CDATA[<p>About <b>CVE-2026-0001</b> and cve-2026-0001</p>]]></description>
<pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate></item><item><title></title></item></channel></rss>"#;
    const ATOM: &str = r#"<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title><entry><title type="html">Old</title><updated>2026-11-01T00:00:00Z</updated></entry>
<entry><title>New</title><summary type="xhtml"><div>Text <i>within</i> markup</div></summary><published>2026-11-02T00:00:00Z</published></entry></feed>"#;
    const KEV: &str = r#"{"title":"CISA Catalog","catalogVersion":"2026.11.20","count":1,"vulnerabilities":[{"cveID":"CVE-2026-1111","vendorProject":"Example",
"product":"Router","vulnerabilityName":"Example Router Command Injection","dateAdded":"2026-11-18","shortDescription":"d","requiredAction":"a","dueDate":"2026-12-09"},
{"cveID":"none","dateAdded":"x"}]}"#;

    #[test]
    fn each_form_gives_its_items_with_time_and_vulnerabilities() {
        let rdf = parse(RDF.as_bytes()).unwrap();
        assert_eq!(rdf.len(), 1);
        assert!(rdf[0].title.starts_with("注意喚起: Example"));
        assert_eq!(rdf[0].cves, ["CVE-2026-12345"]);
        assert_eq!(rdf[0].published, Some(Timestamp::parse("2026-11-20T02:00:00Z").unwrap()));
        let rss = parse(RSS.as_bytes()).unwrap();
        assert_eq!((rss.len(), rss[0].title.as_str()), (1, "A & B & C"));
        assert_eq!(
            (rss[0].summary.as_str(), rss[0].cves.len()),
            ("About CVE-2026-0001 and cve-2026-0001", 1)
        );
        assert_eq!(rss[0].published, Some(Timestamp::parse("2026-11-20T10:00:00Z").unwrap()));
        let atom = parse(ATOM.as_bytes()).unwrap();
        assert_eq!(atom.iter().map(|item| item.title.as_str()).collect::<Vec<_>>(), ["New", "Old"]);
        assert_eq!(atom[0].summary, "Text within markup");
        let kev = parse(KEV.as_bytes()).unwrap();
        assert_eq!((kev.len(), kev[0].cves[0].as_str()), (1, "CVE-2026-1111"));
        assert_eq!(kev[0].published, Some(Timestamp::parse("2026-11-18T00:00:00Z").unwrap()));
    }

    #[test]
    fn what_is_no_feed_or_more_than_one_is_refused() {
        let bomb = "<!DOCTYPE l [<!ENTITY a \"x\"><!ENTITY b \"&a;&a;\">]><rss><channel><item><title>&b;</title></item></channel></rss>";
        assert_eq!(parse(bomb.as_bytes()), Err(FeedError::Suspicious("a document type")));
        let deep = format!("<rss>{}", "<a>".repeat(10_000));
        assert!(matches!(parse(deep.as_bytes()), Err(FeedError::Suspicious(_))));
        assert_eq!(parse(b"<html><body><item/></body></html>"), Err(FeedError::Unknown));
        assert_eq!(parse(b"\xff\xfe<\0r\0"), Err(FeedError::NotText));
        assert!(matches!(parse(b"{\"vulnerabilities\": 1}"), Err(FeedError::Broken(_))));
        assert!(matches!(parse(b"<rss><channel></rss>"), Err(FeedError::Broken(_))));
        assert_eq!(parse(&vec![b' '; LONGEST + 1]), Err(FeedError::TooLong));
        let many = format!(
            "<rss><channel>{}</channel></rss>",
            "<item><title>t</title></item>".repeat(9_000)
        );
        assert_eq!(parse(many.as_bytes()).unwrap().len(), MOST_ITEMS);
    }

    #[test]
    fn a_feeds_words_are_as_harmless_as_an_attackers() {
        let hostile = "<rss><channel><item><title>\u{202e}a&#27;[31m&lt;script&gt;x&lt;/script&gt; &unknown;</title><description>y</description></item></channel></rss>";
        let items = parse(hostile.as_bytes()).unwrap();
        assert!(!items[0].title.contains(['<', '\u{202e}', '\u{1b}']), "{:?}", items[0].title);
    }

    #[test]
    fn a_cve_is_read_in_any_case_and_nothing_else_is_one() {
        assert_eq!(
            cves_in(
                "cve-2021-44228, CVE-2021-44228; CVE-2021-123 CVE-20211-1234 CVE-2014-0160x CVE-"
            ),
            ["CVE-2021-44228", "CVE-2014-0160"]
        );
    }
}
