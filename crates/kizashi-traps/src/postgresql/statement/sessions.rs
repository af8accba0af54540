//! Statements about the session itself, and those that say they did something and change nothing here.

use super::{Answer, Next, PgError, Scene, Transaction};
use crate::postgresql::functions;
use crate::postgresql::release;
use crate::sql::tokens::{Kind, Token};
use crate::sql::{Rows, Value};

pub(super) fn other(scene: &mut Scene<'_>, text: &[u8], words: &[Token]) -> Next {
    let second = |word: &str| words.get(1).is_some_and(|token| token.is(word));
    let Some(Kind::Word(name, _)) = words.first().map(|first| &first.kind) else {
        return PgError::syntax(text, 0).into();
    };
    Answer::done(match name.as_slice() {
        b"show" => return show(scene, words).into(),
        b"begin" | b"start" => {
            scene.account.transaction = Transaction::Open;
            if name == b"begin" { "BEGIN" } else { "START TRANSACTION" }
        }
        b"commit" | b"end" => {
            let failed = scene.account.transaction == Transaction::Failed;
            scene.account.transaction = Transaction::Idle;
            if failed { "ROLLBACK" } else { "COMMIT" }
        }
        b"rollback" | b"abort" => {
            scene.account.transaction = Transaction::Idle;
            "ROLLBACK"
        }
        b"set" => "SET",
        b"reset" => "RESET",
        b"discard" => "DISCARD ALL",
        b"savepoint" => "SAVEPOINT",
        b"release" => "RELEASE",
        b"grant" => {
            if words.iter().any(|token| token.is("on")) {
                "GRANT"
            } else {
                "GRANT ROLE"
            }
        }
        b"revoke" => {
            if words.iter().any(|token| token.is("on")) {
                "REVOKE"
            } else {
                "REVOKE ROLE"
            }
        }
        b"comment" => "COMMENT",
        b"vacuum" => "VACUUM",
        b"analyze" => "ANALYZE",
        b"checkpoint" => "CHECKPOINT",
        b"lock" => "LOCK TABLE",
        b"listen" => "LISTEN",
        b"notify" => "NOTIFY",
        b"deallocate" => "DEALLOCATE",
        b"declare" => "DECLARE CURSOR",
        b"close" => "CLOSE CURSOR",
        b"reassign" => "REASSIGN OWNED",
        b"alter" => return alter(scene, words).into(),
        b"load" => return super::objects::load(scene, words),
        b"fetch" | b"move" | b"execute" | b"prepare" | b"explain" if second("x") => "",
        _ => return PgError::syntax(text, words[0].start).into(),
    })
    .into()
}

fn alter(scene: &mut Scene<'_>, words: &[Token]) -> Answer {
    let word = |at: usize, word: &str| words.get(at).is_some_and(|token| token.is(word));
    if word(1, "role") || word(1, "user") {
        scene.class("role changed");
        return Answer::done("ALTER ROLE");
    }
    if word(1, "system") {
        scene.class("settings changed");
        return Answer::done("ALTER SYSTEM");
    }
    Answer::done(if word(1, "database") { "ALTER DATABASE" } else { "ALTER TABLE" })
}

fn show(scene: &Scene<'_>, words: &[Token]) -> Answer {
    let release = release::of(scene.identity.operating_system());
    let name = words.get(1).and_then(Token::name).unwrap_or_default().to_ascii_lowercase();
    if name == b"all" {
        let rows = functions::settings(&release)
            .into_iter()
            .map(|(name, value)| vec![Value::text(name), Value::text(value), Value::text("")]);
        let names = ["name", "setting", "description"].map(|name| name.as_bytes().to_vec());
        return Answer::Rows(Rows {
            names: names.to_vec(),
            rows: rows.collect(),
            ..Rows::default()
        });
    }
    let isolation = name == b"transaction";
    let name = if isolation { b"transaction_isolation".to_vec() } else { name };
    match functions::setting(&release, &name) {
        Some(value) => Answer::single(&name, "text", Value::text(value)),
        None => PgError::about("42704", "unrecognized configuration parameter \"{}\"", &name)
            .at("guc.c", "5734", "find_option")
            .into(),
    }
}
