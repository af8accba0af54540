//! A report as one page that needs nothing else: no script, nothing fetched (its policy says so too), light or dark as its reader has it, and a
//! style for paper, by which a browser makes a PDF. Every text is escaped; nothing an attacker chose is an attribute but labels of drawings.

use std::fmt::Write as _;

use super::svg::svg;
use super::words::{self, headings, thousands};
use super::{Ranking, Report};
use crate::Language;
use crate::notice::severity_word;

const STYLE: &str = "\
:root{--ground:#fff;--ink:#1b1f24;--faint:#5b6670;--rule:#d7dce1;--count:#2563eb;--score:#dc2626;--grave:#b91c1c;color-scheme:light dark}\
@media(prefers-color-scheme:dark){:root{--ground:#14181d;--ink:#e6e9ec;--faint:#98a2ad;--rule:#333b44;--count:#60a5fa;--score:#f87171;--grave:#fca5a5}}\
body{background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,'Noto Sans CJK JP','Hiragino Sans',sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.4rem;text-wrap:balance}h2{font-size:1.1rem;margin-top:2rem;border-bottom:1px solid var(--rule)}.gist{font-size:1.1rem}.faint{color:var(--faint)}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.2rem .5rem;border-bottom:1px solid var(--rule);vertical-align:top}\
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}td.key{font-family:ui-monospace,monospace;overflow-wrap:anywhere}\
.courses{display:grid;grid-template-columns:repeat(auto-fit,minmax(20rem,1fr));gap:1rem}figure{margin:0;max-width:34rem;break-inside:avoid}figcaption{font-weight:600}\
svg{width:100%;height:auto;font:11px system-ui,sans-serif}svg text{fill:var(--faint)}svg .red{fill:var(--score)}svg .end{text-anchor:end}\
.rule{fill:none;stroke:var(--rule)}.area{fill:var(--count);opacity:.15}.count{fill:none;stroke:var(--count);stroke-width:1.5}.score{fill:none;stroke:var(--score);stroke-width:1.2}\
.sign{margin:.8rem 0;break-inside:avoid}.sign b{display:block}.high b,.critical b{color:var(--grave)}\
@media print{:root{--ground:#fff;--ink:#000;--faint:#444;--rule:#bbb;--count:#1d4ed8;--score:#b91c1c;--grave:#7f1d1d}body{max-width:none;margin:0;font-size:10pt}\
h2,.sign b,h2+.faint{break-after:avoid}.sign{break-inside:auto}.sign p{orphans:3;widows:3}tr{break-inside:avoid}@page{margin:16mm}}";

pub(super) fn html(report: &Report, language: Language) -> String {
    let heading = headings(language);
    let title = escaped(&words::title(report, language));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>{title}</title><style>{STYLE}</style></head><body>\n<h1>{title}</h1>\n<p class=\"gist\">{}</p>\n",
        language.code(),
        escaped(&words::gist(report, language))
    );
    signs(&mut page, report, language);
    if !report.outside.is_empty() {
        let _ = write!(page, "<h2>{}</h2>\n<ul>\n", heading.outside);
        for (english, japanese) in &report.outside {
            let _ = writeln!(page, "<li>{}</li>", escaped(language.pick(english, japanese)));
        }
        page.push_str("</ul>\n");
    }
    let _ = writeln!(page, "<h2>{}</h2>", heading.quiet);
    if report.silent.is_empty() {
        let _ = writeln!(page, "<p>{}</p>", heading.nothing_quiet);
    } else {
        page.push_str("<ul>\n");
        for row in &report.silent {
            let _ = writeln!(
                page,
                "<li>{}</li>",
                escaped(&words::silent(&row.key, &row.label, row.before, language))
            );
        }
        page.push_str("</ul>\n");
    }
    let (ports, others): (Vec<&Ranking>, Vec<&Ranking>) =
        report.rankings.iter().partition(|ranking| ranking.kind == "port");
    ports.iter().for_each(|ranking| table(&mut page, ranking, language));
    if !report.courses.is_empty() {
        let _ = write!(
            page,
            "<h2>{}</h2>\n<p class=\"faint\">{}</p>\n<div class=\"courses\">\n",
            heading.courses, heading.legend
        );
        for course in &report.courses {
            let name = format!("{} {}", course.key, course.label);
            let _ = writeln!(
                page,
                "<figure><figcaption>{}</figcaption>{}</figure>",
                escaped(&name),
                svg(course, &name)
            );
        }
        page.push_str("</div>\n");
    }
    others.iter().for_each(|ranking| table(&mut page, ranking, language));
    let _ = write!(page, "<p class=\"faint\">{}</p>\n</body></html>\n", heading.made);
    page
}

fn signs(page: &mut String, report: &Report, language: Language) {
    let heading = headings(language);
    let _ = writeln!(page, "<h2>{}</h2>", heading.signs);
    if report.signs.is_empty() {
        let _ = writeln!(page, "<p>{}</p>", heading.no_signs);
    }
    for told in &report.signs {
        let story = language.pick(&told.en, &told.ja);
        let severity = told.sign.severity;
        let _ = write!(
            page,
            "<div class=\"sign {}\" title=\"{}\"><b>{}</b>",
            severity.name(),
            severity_word(severity, language),
            escaped(&story.title)
        );
        for part in &story.parts {
            let _ = write!(
                page,
                "<p><span class=\"faint\">{}</span> {}</p>",
                escaped(&part.heading),
                escaped(&part.text)
            );
        }
        page.push_str("</div>\n");
    }
}

fn table(page: &mut String, ranking: &Ranking, language: Language) {
    let [what, usage, events, sources, against] = words::columns(language);
    let has_labels = ranking.rows.iter().any(|row| !row.label.is_empty());
    let usage = if has_labels { format!("<th>{usage}</th>") } else { String::new() };
    let _ = write!(
        page,
        "<h2>{}</h2>\n<table><thead><tr><th>{what}</th>{usage}<th class=\"number\">{events}</th><th class=\"number\">{sources}</th><th class=\"number\">{against}</th></tr></thead><tbody>\n",
        words::ranking(ranking.kind, language)
    );
    for row in &ranking.rows {
        let key = if row.key.is_empty() {
            headings(language).empty.to_owned()
        } else {
            escaped(&row.key)
        };
        let label =
            if has_labels { format!("<td>{}</td>", escaped(&row.label)) } else { String::new() };
        let _ = writeln!(
            page,
            "<tr><td class=\"key\">{key}</td>{label}<td class=\"number\">{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td></tr>",
            thousands(row.events),
            thousands(row.sources),
            words::change(row.events, row.before, language)
        );
    }
    page.push_str("</tbody></table>\n");
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
