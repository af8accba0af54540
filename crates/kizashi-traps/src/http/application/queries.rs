//! The application's queries, and the places where a visitor's words get into them as they are.

use kizashi_event::Detail;
use sha2::{Digest as _, Sha256};

use super::{Reply, Said, Visit, database, escape, note, pages};
use crate::http::run::Run;
use crate::sql::{Rows, SqlError, Value};

/// Bytes of what an injection got that are told.
const TOLD: usize = 1_500;

/// What a query gave.
pub(super) struct Asked {
    pub(super) rows: Result<Rows, SqlError>,
    slept: std::time::Duration,
    injected: bool,
    details: Vec<Detail>,
}

impl Visit<'_> {
    /// Asks the database what the PHP would ask; `injected` where a visitor's words change the query.
    pub(super) fn ask(&self, query: &[u8], injected: bool) -> Asked {
        let server = database::server(self.club, self.relations, self.scene);
        let outcome = crate::sql::query(&server, query);
        let mut details = Vec::new();
        if injected {
            details.push(note("sql query", query));
            let shown = match &outcome.rows {
                Ok(rows) => told(rows),
                Err(error) => {
                    [format!("error {}: ", error.number).as_bytes(), &error.message].concat()
                }
            };
            if !shown.is_empty() {
                details.push(note("sql result", &shown));
            }
        }
        Asked { rows: outcome.rows, slept: outcome.slept, injected, details }
    }

    /// The page around what a query gave. An error is written where PHP writes it: into the page, at the line of the query.
    pub(super) fn answer(
        &self,
        asked: Asked,
        script: &str,
        line: u32,
        title: &str,
        show: impl FnOnce(&Rows) -> String,
    ) -> Reply {
        let body = match &asked.rows {
            Ok(rows) => self.page(title, &show(rows)),
            Err(error) => self.broken(error, script, line),
        };
        let answer = self.php(200, body);
        let outcome = if asked.slept.is_zero() {
            Said::Answer(answer)
        } else {
            Said::Run(Run::after(asked.slept, self.scene.now, answer))
        };
        let class = if asked.injected { "sql-injection" } else { "ordinary" };
        Reply { outcome, class, details: asked.details }
    }

    /// The page up to where the query failed.
    fn broken(&self, error: &SqlError, script: &str, line: u32) -> String {
        let head = pages::head(self, "");
        let message = String::from_utf8_lossy(&error.message).into_owned();
        if !database::throws(self.scene.identity) {
            // `or die(mysqli_error($db))`.
            return format!("{head}{message}");
        }
        let path = format!("/var/www/html{}{script}", self.base);
        format!(
            "{head}<br />\n<b>Fatal error</b>:  Uncaught mysqli_sql_exception: {message} in {path}:{line}\nStack trace:\n#0 {path}({line}): mysqli_query(Object(mysqli), 'SELECT id, title...')\n#1 {{main}}\n  thrown in <b>{path}</b> on line <b>{line}</b><br />\n"
        )
    }

    pub(super) fn article(&self) -> Reply {
        let id = self.form.asked("id").unwrap_or(b"1");
        let query =
            [&b"SELECT id, title, author, posted, body FROM articles WHERE id = "[..], id].concat();
        let asked = self.ask(&query, !is_number(id));
        self.answer(asked, "article.php", 14, "Article", |rows| match rows.rows.first() {
            Some(row) => {
                let cell = |place: usize| row.get(place).map(cell).unwrap_or_default();
                format!(
                    "<article>\n<h2>{}</h2>\n<p class=\"meta\">{} by {}</p>\n<p>{}</p>\n</article>\n<p><a href=\"news.php\">All news</a></p>\n",
                    cell(1), cell(3), cell(2), cell(4)
                )
            }
            None => "<p>This article does not exist.</p>\n".to_owned(),
        })
    }

    pub(super) fn news(&self) -> Reply {
        let category = self.form.asked("category");
        let start = b"SELECT id, title, posted FROM articles WHERE published = 1";
        let query = match category {
            Some(category) => {
                [&start[..], b" AND category = '", category, b"' ORDER BY posted DESC"].concat()
            }
            None => [&start[..], b" ORDER BY posted DESC"].concat(),
        };
        let asked = self.ask(&query, category.is_some_and(breaks_text));
        self.answer(asked, "news.php", 12, "News", list)
    }

    pub(super) fn search(&self) -> Reply {
        let Some(words) = self.form.value("q") else {
            return Reply::page(
                "ordinary",
                self.php(200, self.page("Search", &pages::search(b""))),
            );
        };
        let query = [
            &b"SELECT id, title, posted FROM articles WHERE title LIKE '%"[..],
            words,
            b"%' OR body LIKE '%",
            words,
            b"%'",
        ]
        .concat();
        let asked = self.ask(&query, breaks_text(words));
        let form = pages::search(words);
        self.answer(asked, "search.php", 17, "Search", |rows| {
            let found = if rows.rows.is_empty() {
                format!("<p>Nothing found for <b>{}</b>.</p>\n", escape(words))
            } else {
                format!(
                    "<p>{} found for <b>{}</b>:</p>\n{}",
                    rows.rows.len(),
                    escape(words),
                    list(rows)
                )
            };
            format!("{form}{found}")
        })
    }

    /// The account that a login is for, looked up as carelessly as the rest.
    pub(super) fn account(&self, user: &[u8], password: &[u8]) -> Asked {
        let hash = crate::http::base64(&Sha256::digest(password));
        let query = [
            &b"SELECT id, username, role FROM users WHERE username = '"[..],
            user,
            b"' AND password = '",
            &hash,
            b"'",
        ]
        .concat();
        self.ask(&query, breaks_text(user))
    }
}

/// A value as the application prints it: as it is, since nobody thought of escaping what comes from the database.
fn cell(value: &Value) -> String {
    String::from_utf8_lossy(&value.bytes()).into_owned()
}

fn list(rows: &Rows) -> String {
    let line = |row: &Vec<Value>| {
        let cell = |place: usize| row.get(place).map(cell).unwrap_or_default();
        format!(
            "<li><a href=\"article.php?id={}\">{}</a> <small>{}</small></li>\n",
            cell(0),
            cell(1),
            cell(2)
        )
    };
    format!("<ul>\n{}</ul>\n", rows.rows.iter().take(200).map(line).collect::<String>())
}

fn told(rows: &Rows) -> Vec<u8> {
    let mut text = rows.names.join(&b"|"[..]);
    for row in rows.rows.iter().take(20) {
        text.push(b'\n');
        let cells: Vec<Vec<u8>> = row.iter().map(Value::bytes).collect();
        text.extend(cells.join(&b"|"[..]));
        if text.len() > TOLD {
            break;
        }
    }
    text.truncate(TOLD);
    text
}

fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.len() < 12 && text.iter().all(u8::is_ascii_digit)
}

/// Whether a text ends the quotes that it is put between.
fn breaks_text(text: &[u8]) -> bool {
    text.iter().any(|byte| matches!(byte, b'\'' | b'\\'))
}
