//! An advisory as plain text, Markdown and HTML. Every text in it is harmless on a terminal already; what acts in Markdown or in
//! markup is escaped here, in every place and not only where visitors' words are: a label or a name may hold one too.

use std::fmt::Write as _;

use super::{Advisory, Item, Section, Step, Value};

/// Characters that act in Markdown (CommonMark 0.31, and what GitHub and Matrix add: `~`, `|`, `@`, `:` for emoji).
const ACTING: &[char] = &[
    '\\', '`', '*', '_', '{', '}', '[', ']', '(', ')', '<', '>', '#', '+', '-', '.', '!', '|', '~',
    '&', '@', ':', '$', '=', '"', '\'',
];

/// How the page of an advisory looks: it is whole by itself, asks nothing of anybody and prints well.
const STYLE: &str = "body{font:16px/1.6 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1b2430;background:#fff}\
h1{font-size:1.4rem;line-height:1.3}h2{font-size:1.05rem;margin:1.6rem 0 .3rem}p{margin:.3rem 0}\
pre{background:#f2f4f7;padding:.6rem .8rem;overflow-x:auto;white-space:pre-wrap;word-break:break-word}code{font-family:ui-monospace,monospace;font-size:.92em}\
dt{font-weight:600;margin-top:.4rem}dd{margin:0 0 0 1rem;word-break:break-word}.level{font-weight:600}";

impl Advisory {
    /// For a terminal, without colours: lines, headings alone on theirs.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\n", self.title);
        for section in &self.sections {
            let _ = write!(text, "\n{}\n", section.heading);
            section.text.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
            for item in &section.items {
                let values: Vec<String> = item.values.iter().map(counted).collect();
                if values.iter().any(|value| value.chars().count() > 40) {
                    let _ = writeln!(text, "  {}:", item.label);
                    values.iter().for_each(|value| text.push_str(&format!("    {value}\n")));
                } else {
                    let _ = writeln!(text, "  {}: {}", item.label, values.join(", "));
                }
            }
            for (number, step) in numbered(section) {
                let _ = writeln!(text, "  {number}{}", step.text);
                step.commands.iter().for_each(|line| text.push_str(&format!("       {line}\n")));
            }
        }
        if !self.references.is_empty() {
            let _ = write!(text, "\n{}\n", self.references_heading);
            for (number, link) in self.references.iter().enumerate() {
                let _ = writeln!(text, "  [{}] {link}", number + 1);
            }
        }
        text
    }

    /// As Markdown: visitors' words and commands in code, in which nothing acts.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut text = format!("# {}\n", markdown(&self.title));
        for section in &self.sections {
            let _ = write!(text, "\n## {}\n", markdown(&section.heading));
            for line in &section.text {
                let _ = write!(text, "\n{}\n", markdown(line));
            }
            if !section.items.is_empty() {
                text.push('\n');
            }
            for item in &section.items {
                let values: Vec<String> =
                    item.values.iter().map(|value| markdown_value(item, value)).collect();
                let _ = writeln!(text, "- **{}**: {}", markdown(&item.label), values.join(", "));
            }
            for (number, step) in numbered(section) {
                let _ = write!(text, "\n{number}{}\n", markdown(&step.text));
                markdown_commands(step, &mut text);
            }
        }
        if !self.references.is_empty() {
            let _ = write!(text, "\n## {}\n\n", markdown(&self.references_heading));
            for (number, link) in self.references.iter().enumerate() {
                let _ = writeln!(text, "{}. <{}>", number + 1, plain_link(link));
            }
        }
        text
    }

    /// As a page of its own.
    #[must_use]
    pub fn to_html(&self) -> String {
        let title = html(&self.title);
        let mut page = format!(
            "<!doctype html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
             <title>{title}</title><style>{STYLE}</style></head><body>\n<article>\n<h1>{title}</h1>\n",
            self.language.code()
        );
        for section in &self.sections {
            html_section(section, &mut page);
        }
        if !self.references.is_empty() {
            let _ = write!(page, "<section><h2>{}</h2><ol>", html(&self.references_heading));
            for link in &self.references {
                let link = html(&plain_link(link));
                let _ = write!(page, "<li><a href=\"{link}\" rel=\"noreferrer\">{link}</a></li>");
            }
            page.push_str("</ol></section>\n");
        }
        page.push_str("</article>\n</body></html>\n");
        page
    }
}

/// Steps with their numbers, where there is more than one.
fn numbered(section: &Section) -> impl Iterator<Item = (String, &Step)> {
    let is_list = section.steps.len() > 1;
    section.steps.iter().enumerate().map(move |(at, step)| {
        (if is_list { format!("{}. ", at + 1) } else { String::new() }, step)
    })
}

fn counted(value: &Value) -> String {
    value.count.map_or_else(|| value.text.clone(), |count| format!("{} ({count})", value.text))
}

/// A text in which nothing acts in Markdown.
pub(super) fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if ACTING.contains(&c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// A text as a code span: its fence is longer than any run of backticks in it (CommonMark 6.1).
pub(super) fn markdown_code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // A span that begins or ends with a backtick, or is all spaces, wants spaces around.
    format!("{fence} {text} {fence}")
}

fn markdown_value(item: &Item, value: &Value) -> String {
    let text = if item.quoted { markdown_code(&value.text) } else { markdown(&value.text) };
    value.count.map_or_else(|| text.clone(), |count| format!("{text} \\({count}\\)"))
}

fn markdown_commands(step: &Step, text: &mut String) {
    if step.commands.is_empty() {
        return;
    }
    let longest =
        step.commands.iter().flat_map(|line| line.split(|c| c != '`')).map(str::len).max();
    let fence = "`".repeat(longest.unwrap_or(0).max(2) + 1);
    let _ = write!(text, "\n   {fence}sh\n");
    step.commands.iter().for_each(|line| text.push_str(&format!("   {line}\n")));
    let _ = writeln!(text, "   {fence}");
}

/// An address without what could end it where it stands.
fn plain_link(link: &str) -> String {
    link.chars().filter(|c| c.is_ascii_graphic() && !"<>\"'`\\".contains(*c)).collect()
}

/// A text in which nothing acts in markup, between tags or in an attribute.
pub(super) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

fn html_section(section: &Section, page: &mut String) {
    let _ = write!(page, "<section id=\"{}\"><h2>{}</h2>", section.id, html(&section.heading));
    for line in &section.text {
        let _ = write!(page, "<p>{}</p>", html(line));
    }
    if !section.items.is_empty() {
        page.push_str("<dl>");
        for item in &section.items {
            let _ = write!(page, "<dt>{}</dt>", html(&item.label));
            for value in &item.values {
                let text = html(&value.text);
                let text = if item.quoted { format!("<code>{text}</code>") } else { text };
                let count = value.count.map_or_else(String::new, |count| format!(" ({count})"));
                let _ = write!(page, "<dd>{text}{count}</dd>");
            }
        }
        page.push_str("</dl>");
    }
    let is_list = section.steps.len() > 1;
    page.push_str(if is_list { "<ol>" } else { "" });
    for step in &section.steps {
        let (open, close) = if is_list { ("<li>", "</li>") } else { ("<div>", "</div>") };
        let _ = write!(page, "{open}<p>{}</p>", html(&step.text));
        if !step.commands.is_empty() {
            let lines: Vec<String> = step.commands.iter().map(|line| html(line)).collect();
            let _ = write!(page, "<pre><code>{}</code></pre>", lines.join("\n"));
        }
        page.push_str(close);
    }
    page.push_str(if is_list { "</ol>" } else { "" });
    page.push_str("</section>\n");
}
