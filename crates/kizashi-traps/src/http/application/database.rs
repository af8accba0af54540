//! The club's tables, as the SQL engine wants them.

use std::sync::Arc;

use super::content::Club;
use crate::http::rules::{MachineKind, Scene, web_machine};
use crate::sql::{Column, Relation, Server, Value};
use crate::{Identity, WebServer};

/// A table: of each column name, type and key.
fn table(
    name: &str,
    columns: &[(&'static str, &'static str, &'static str)],
    rows: Vec<Vec<Value>>,
) -> Relation {
    let column = |&(name, kind, key): &(&'static str, &'static str, &'static str)| {
        let extra = if key == "PRI" { "auto_increment" } else { "" };
        Column { name: name.into(), kind: kind.into(), key, extra, nullable: false }
    };
    Relation { name: name.to_owned(), columns: columns.iter().map(column).collect(), rows }
}

fn number(number: usize) -> Value {
    Value::Integer(number as i128)
}

/// The server, as this visitor's query finds it.
pub(super) fn server(club: &Club, relations: &Arc<[Relation]>, scene: &Scene<'_>) -> Server {
    let identity = scene.identity;
    let release = identity.mysql_release();
    let (version, comment) = release.version(identity.web_server());
    let micros = scene.now.micros().cast_unsigned();
    // Read when LOAD_FILE asks, and only then: a machine is not made for each query.
    let identity_then = Arc::clone(identity);
    let (visit, persona, host, now) =
        (*scene.visit, scene.persona.clone(), scene.host.to_owned(), scene.now);
    let files = Box::new(move |path: &[u8]| {
        let scene = Scene {
            identity: &identity_then,
            visit: &visit,
            persona: &persona,
            host: &host,
            port: visit.port.number,
            now,
        };
        let (machine, _) = web_machine(&scene, MachineKind::Server);
        machine.files().read(path, 0, 16 * 1024).ok()
    });
    Server {
        version: version.to_owned(),
        comment,
        release,
        host: identity.host_name(),
        user: user(club),
        database: club.database.clone(),
        relations: Arc::clone(relations),
        client: "localhost".to_owned(),
        others: Vec::new(),
        connection: 100 + u32::try_from(micros / 1_000_000 % 80_000).unwrap_or(0),
        now,
        chance: (micros & 0xffff_ffff) as u32,
        files,
        foreign: None,
    }
}

pub(super) fn user(club: &Club) -> String {
    club.database.chars().take(16).collect()
}

#[expect(clippy::too_many_lines, reason = "the tables themselves")]
pub(super) fn relations(club: &Club) -> Vec<Relation> {
    let text = |text: &str| Value::text(text);
    let articles = club.articles.iter().map(|article| {
        vec![
            number(article.id as usize),
            text(&article.title),
            text(article.category),
            text(&article.author),
            text(&article.posted),
            text(&article.body),
            Value::Integer(1),
        ]
    });
    let users = club.members.iter().enumerate().map(|(place, member)| {
        vec![
            number(place + 1),
            text(&member.name),
            text(&member.mail),
            text(&member.hash),
            text(&member.salt),
            text(member.role),
            text(&member.last),
        ]
    });
    let settings = [
        ("site_title", club.name.as_str()),
        ("theme", "default"),
        ("uploads", "uploads/"),
        ("mail_from", "noreply@localhost"),
    ];
    let comments = comments(club).into_iter().enumerate().map(|(place, (name, words))| {
        vec![number(place + 1), text(&name), text(&words), text("127.0.0.1"), Value::Integer(1)]
    });
    let settings = settings
        .iter()
        .enumerate()
        .map(|(place, (name, value))| vec![number(place + 1), text(name), text(value)]);
    const ID: (&str, &str, &str) = ("id", "int(11)", "PRI");
    vec![
        table(
            "articles",
            &[
                ID,
                ("title", "varchar(200)", ""),
                ("category", "varchar(40)", "MUL"),
                ("author", "varchar(60)", ""),
                ("posted", "datetime", ""),
                ("body", "text", ""),
                ("published", "tinyint(1)", ""),
            ],
            articles.collect(),
        ),
        table(
            "comments",
            &[
                ID,
                ("name", "varchar(80)", ""),
                ("message", "text", ""),
                ("ip", "varchar(45)", ""),
                ("approved", "tinyint(1)", ""),
            ],
            comments.collect(),
        ),
        table(
            "settings",
            &[ID, ("name", "varchar(60)", ""), ("value", "varchar(255)", "")],
            settings.collect(),
        ),
        table(
            "users",
            &[
                ID,
                ("username", "varchar(60)", "UNI"),
                ("email", "varchar(120)", ""),
                ("password", "char(44)", ""),
                ("salt", "char(8)", ""),
                ("role", "varchar(20)", ""),
                ("last_login", "datetime", ""),
            ],
            users.collect(),
        ),
    ]
}

/// What stands in the guestbook.
pub(super) fn comments(club: &Club) -> Vec<(String, String)> {
    let mut members = club.members.iter().map(|member| member.name.clone());
    let mut next = || members.next_back().unwrap_or_else(|| "a visitor".to_owned());
    vec![
        (next(), format!("Lovely day at the {}. Thank you!", club.house)),
        (next(), "Nice new site. The old one was nicer.".to_owned()),
        ("a visitor".to_owned(), format!("Greetings from the neighbours of {}.", club.place)),
    ]
}

/// Whether the PHP is one that throws where a query fails.
pub(super) const fn throws(identity: &Identity) -> bool {
    !matches!(identity.web_server(), WebServer::NginxDebian11 | WebServer::NginxUbuntu20)
}
