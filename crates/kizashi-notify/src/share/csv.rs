//! Signs as a table for spreadsheets (RFC 4180). A cell that begins like a formula is run by them, whoever wrote it, so such a cell gets an
//! apostrophe before it.

use kizashi_event::is_formula;

use super::Shared;

pub(super) fn csv(shared: &Shared) -> String {
    let mut text = String::from(
        "id,raised,severity,kind,key,label,since,open,sources,expected,ratio,events,title,most active\r\n",
    );
    for notice in &shared.notices {
        let sign = &notice.sign;
        let kind = serde_json::to_value(sign.kind).unwrap_or_default();
        let cells = [
            sign.id.clone(),
            sign.detected.rfc3339(),
            sign.severity.name().to_owned(),
            kind.as_str().unwrap_or_default().to_owned(),
            sign.key.clone(),
            sign.label.clone(),
            sign.since.rfc3339(),
            sign.open.to_string(),
            sign.sources.to_string(),
            kizashi_signs::plain(sign.expected_sources),
            kizashi_signs::plain(sign.ratio),
            sign.events.to_string(),
            notice.en.title.clone(),
            notice.sources.iter().map(|(source, _)| source.as_str()).collect::<Vec<_>>().join(" "),
        ];
        let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}

fn quoted(cell: &str) -> String {
    let before = if is_formula(cell) { "'" } else { "" };
    format!("\"{before}{}\"", cell.replace('"', "\"\""))
}
