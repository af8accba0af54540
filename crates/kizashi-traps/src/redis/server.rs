//! What a command does, by name: those of the server here, those of the connection in `connection.rs`, those on keys in `commands/`. The
//! attacks go on: `CONFIG SET` and `SAVE` keep what would be written, `SLAVEOF` is noted and followed by nobody, `MODULE LOAD` after it gives
//! the commands of the module that public exploits bring, and what those run goes to the machine behind the logins.

use std::net::IpAddr;
use std::time::Duration;

use kizashi_event::{Detail, HostileText, Timestamp};

use super::commands::{self, Call};
use super::connection::{self, Connection};
use super::release::Release;
use super::reply::{LONGEST, Reply};
use super::store::{OwnCopy, is_ransom};
use super::table::Spec;
use super::{config, dump, info, replication, scripting};
use crate::capture::Capture;
use crate::{Identity, Output};

/// Values from this length on are told whole.
const LONG_VALUE: usize = 2_048;
/// The longest pause that a visitor can ask for.
const LONGEST_PAUSE: f64 = 60.0;

/// All that a command may see and change.
pub(super) struct Scene<'a> {
    pub(super) identity: &'a Identity,
    pub(super) release: Release,
    pub(super) now: Timestamp,
    pub(super) source: IpAddr,
    pub(super) destination: Option<IpAddr>,
    pub(super) port: u16,
    pub(super) copy: &'a mut OwnCopy,
    pub(super) connection: &'a mut Connection,
    /// Whether the folder that `CONFIG SET dir` names is there.
    pub(super) folder_is_there: bool,
    pub(super) out: &'a mut Output,
}

/// What comes of a command.
pub(super) enum Next {
    Reply(Reply),
    /// The reply comes after a pause.
    Later(Duration, Reply),
    /// No reply ever comes.
    Blocked,
    /// The reply is what this line prints.
    Run(Vec<u8>),
    Close(Option<Reply>),
}

pub(super) fn note(scene: &mut Scene<'_>, class: &str) {
    let (name, value) = (HostileText::from("redis class"), HostileText::from(class));
    scene.out.tell(Detail::Note { name, value });
}

/// Carries out a command that is no part of a transaction.
pub(super) fn carry_out(scene: &mut Scene<'_>, words: &[Vec<u8>]) -> Next {
    scene.copy.commands += 1;
    let name = words[0].to_ascii_lowercase();
    if scene.copy.modules.contains(replication::MODULE) && name.starts_with(b"system.") {
        return replication::system(scene, &name, words);
    }
    let Some(spec) = Spec::find(&name, scene.release) else {
        scene.connection.aborted |= scene.connection.queue.is_some();
        return Next::Reply(scene.release.unknown_command(words));
    };
    if let Err(reply) = permitted(scene, spec, words) {
        scene.connection.aborted |= scene.connection.queue.is_some();
        return Next::Reply(reply);
    }
    let now = matches!(spec.name, "exec" | "discard" | "multi" | "watch" | "quit" | "reset");
    if scene.connection.queue.is_some() && !now {
        return Next::Reply(scene.connection.queue(words));
    }
    dispatch(scene, spec, words)
}

/// What stands before every command: words, password, channels, memory, the master.
pub(super) fn permitted(scene: &Scene<'_>, spec: &Spec, words: &[Vec<u8>]) -> Result<(), Reply> {
    if !spec.takes(words.len()) {
        return Err(Release::wrong_arguments(spec.name));
    }
    if !connection::is_known(scene) && !matches!(spec.name, "auth" | "hello" | "quit" | "reset") {
        return Err(Reply::error("NOAUTH Authentication required."));
    }
    let heard = ["subscribe", "unsubscribe", "psubscribe", "punsubscribe", "ping", "quit", "reset"];
    if scene.connection.listens() && !heard.contains(&spec.name) {
        return Err(Reply::Error(if scene.release.major() >= 7 {
            format!(
                "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
                spec.name
            )
        } else {
            "ERR only (P)SUBSCRIBE / (P)UNSUBSCRIBE / PING / QUIT allowed in this context"
                .to_owned()
        }));
    }
    let size: usize = words.iter().map(|word| word.len() + 96).sum();
    if spec.has("denyoom") && !scene.copy.has_room(size) {
        return Err(Reply::full());
    }
    let read_only = config::value(scene.copy, "replica-read-only") == "yes";
    if spec.has("write") && scene.copy.master.is_some() && read_only {
        return Err(Reply::error("READONLY You can't write against a read only replica."));
    }
    Ok(())
}

/// A command on keys.
fn on_keys(scene: &mut Scene<'_>, spec: &Spec, words: &[Vec<u8>]) -> Option<Reply> {
    let handler = commands::handler(spec.name)?;
    if spec.has("write") {
        scene.copy.dirty += 1;
    }
    let mut call = Call {
        copy: &mut *scene.copy,
        release: scene.release,
        database: scene.connection.database,
        now: scene.now.micros() / 1_000,
        words,
    };
    let reply = handler(&mut call).unwrap_or_else(|error| error);
    if spec.has("write") {
        tell_values(scene, spec, words);
    }
    Some(reply)
}

/// Long values are kept as payloads; a note that asks for money is one.
fn tell_values(scene: &mut Scene<'_>, spec: &Spec, words: &[Vec<u8>]) {
    for word in words.iter().skip(1).filter(|word| word.len() >= LONG_VALUE) {
        let payload = Capture::of(word).finish(kizashi_event::PayloadOrigin::Sent);
        scene.out.tell(Detail::Payload(Box::new(payload)));
    }
    if matches!(spec.name, "flushall" | "flushdb") {
        note(scene, "deletion");
    } else if words.iter().skip(2).any(|word| is_ransom(word)) {
        note(scene, "ransom note");
    }
}

pub(super) fn dispatch(scene: &mut Scene<'_>, spec: &Spec, words: &[Vec<u8>]) -> Next {
    let name = spec.name;
    if matches!(name, "blpop" | "brpop" | "brpoplpush") {
        return waiting(scene, spec, words);
    }
    if let Some(reply) = on_keys(scene, spec, words) {
        return Next::Reply(reply);
    }
    Next::Reply(match name {
        "ping" => return connection::ping(scene, words),
        "quit" => return Next::Close(Some(Reply::ok())),
        "auth" => connection::auth(scene, words),
        "hello" => connection::hello(scene, words),
        "select" => connection::select(scene, words),
        "client" => connection::client(scene, words),
        "reset" => connection::reset(scene.connection),
        "subscribe" | "psubscribe" => connection::subscribe(scene, name, words),
        "unsubscribe" | "punsubscribe" => connection::unsubscribe(scene, name, words),
        "echo" => Reply::Bulk(words[1].clone()),
        "multi" | "exec" | "discard" | "watch" | "unwatch" => transaction(scene, name),
        "eval" | "evalsha" => return scripting::eval(scene, name, words),
        "script" => scripting::scripts(scene, words),
        "slaveof" | "replicaof" => replication::follow(scene, words),
        "module" => replication::module(scene, words),
        "config" => configure(scene, words),
        "shutdown" if !words[1..].iter().all(|word| is_shutdown_word(word)) => Reply::syntax(),
        "shutdown" => {
            note(scene, "shutdown");
            return Next::Close(None);
        }
        "psync" | "sync" => replication::copy_out(scene, name),
        "debug" => return debug(scene, words),
        "monitor" => {
            scene.connection.monitor = true;
            Reply::ok()
        }
        _ => about(scene, name, words),
    })
}

fn is_shutdown_word(word: &[u8]) -> bool {
    ["save", "nosave", "now", "force", "abort"]
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
}

/// What only tells something of the server.
fn about(scene: &mut Scene<'_>, name: &str, words: &[Vec<u8>]) -> Reply {
    let lower: Vec<String> =
        words[1..].iter().map(|word| String::from_utf8_lossy(word).to_ascii_lowercase()).collect();
    let first = lower.first().map_or("", String::as_str);
    match name {
        "info" if lower.len() > 1 && scene.release.major() < 7 => Reply::syntax(),
        "info" => {
            let port = scene.port;
            Reply::Verbatim(info::text(
                scene.copy,
                scene.identity,
                scene.release,
                scene.now,
                port,
                &lower,
            ))
        }
        "time" => {
            let micros = scene.now.micros();
            Reply::bulks(&[
                (micros / 1_000_000).to_string().into_bytes(),
                (micros % 1_000_000).to_string().into_bytes(),
            ])
        }
        "lastsave" => Reply::Integer(info::last_save(scene.copy, scene.identity, scene.now)),
        "save" | "bgsave" => save(scene, name),
        "bgrewriteaof" => Reply::Status("Background append only file rewriting started".to_owned()),
        "role" => replication::role(scene),
        "replconf" => Reply::ok(),
        "wait" | "publish" => Reply::Integer(0),
        "command" => command(scene, first, words),
        "slowlog" if first == "reset" => Reply::ok(),
        "latency" if first == "reset" => Reply::Integer(0),
        "slowlog" if first == "len" => Reply::Integer(0),
        "slowlog" | "latency" if matches!(first, "get" | "latest" | "history") => {
            Reply::Array(Vec::new())
        }
        "pubsub" if matches!(first, "channels" | "numsub" | "shardchannels") => {
            Reply::Array(Vec::new())
        }
        "pubsub" if first == "numpat" => Reply::Integer(0),
        "memory" if first == "usage" && words.len() >= 3 => {
            let found = scene.copy.databases[scene.connection.database].get(&words[2]);
            found.map_or(Reply::Nil, |entry| {
                Reply::Integer(i64::try_from(entry.value.cost() + words[2].len() + 46).unwrap_or(0))
            })
        }
        "memory" if first == "doctor" => Reply::text(
            "Hi Sam, this instance is empty or is using very little memory, my issue detector can't be used in these conditions. Please, leave for your mission on Earth and fill it with some data. The new Sam and I will be back to our programming as soon as I finished rebooting.\n",
        ),
        "memory" if first == "purge" => Reply::ok(),
        "acl" if first == "whoami" => Reply::text("default"),
        "acl" if first == "users" => Reply::Array(vec![Reply::text("default")]),
        "acl" if first == "list" => {
            let channels = if scene.release.major() >= 7 { " &*" } else { "" };
            Reply::Array(vec![Reply::text(&format!("user default on nopass ~*{channels} +@all"))])
        }
        "cluster" | "readonly" => Reply::error("ERR This instance has cluster support disabled"),
        _ => scene.release.unknown_subcommand(name, words.get(1).map_or(&[], Vec::as_slice)),
    }
}

/// A command that waits for an element: for as long as it says, or for ever.
fn waiting(scene: &mut Scene<'_>, spec: &Spec, words: &[Vec<u8>]) -> Next {
    let reply = on_keys(scene, spec, words).unwrap_or(Reply::Nil);
    if !matches!(reply, Reply::NilArray | Reply::Nil) {
        return Next::Reply(reply);
    }
    let text = words.last().map(|word| String::from_utf8_lossy(word).into_owned());
    match text.and_then(|text| text.parse::<f64>().ok()) {
        Some(seconds) if seconds > 0.0 && seconds.is_finite() => {
            Next::Later(Duration::from_secs_f64(seconds.min(LONGEST_PAUSE)), reply)
        }
        Some(0.0) => Next::Blocked,
        _ => Next::Reply(Reply::error("ERR timeout is negative")),
    }
}

fn transaction(scene: &mut Scene<'_>, name: &str) -> Reply {
    match (name, scene.connection.queue.is_some()) {
        ("multi", true) => Reply::error("ERR MULTI calls can not be nested"),
        ("watch", true) => Reply::error("ERR WATCH inside MULTI is not allowed"),
        ("exec" | "discard", false) => {
            Reply::Error(format!("ERR {} without MULTI", name.to_ascii_uppercase()))
        }
        ("multi", false) => {
            (scene.connection.queue, scene.connection.aborted) = (Some(Vec::new()), false);
            Reply::ok()
        }
        ("exec", true) => exec(scene),
        ("discard", true) => {
            scene.connection.queue = None;
            Reply::ok()
        }
        _ => Reply::ok(),
    }
}

fn exec(scene: &mut Scene<'_>) -> Reply {
    let queue = scene.connection.queue.take().unwrap_or_default();
    if std::mem::take(&mut scene.connection.aborted) {
        return Reply::error("EXECABORT Transaction discarded because of previous errors.");
    }
    let (mut replies, mut length) = (Vec::new(), 0);
    for words in queue {
        let Some(spec) = Spec::find(&words[0], scene.release) else { continue };
        let reply = match dispatch(scene, spec, &words) {
            Next::Reply(reply) | Next::Later(_, reply) | Next::Close(Some(reply)) => reply,
            Next::Run(_) | Next::Blocked | Next::Close(None) => Reply::Nil,
        };
        let mut bytes = Vec::new();
        reply.write(scene.connection.resp3, &mut bytes);
        length += bytes.len();
        if length > LONGEST {
            return Reply::full();
        }
        replies.push(reply);
    }
    Reply::Array(replies)
}

/// `SAVE`: what the visitor put where he wanted it.
fn save(scene: &mut Scene<'_>, name: &str) -> Reply {
    scene.copy.saved = Some(scene.now.seconds());
    scene.copy.dirty = 0;
    if let Some(path) = dump::chosen_path(scene.copy) {
        note(scene, dump::kind(&path));
        for detail in dump::dropped(scene.copy, &path) {
            scene.identity.logins().learn(&detail);
            scene.out.tell(detail);
        }
    }
    if name == "save" { Reply::ok() } else { Reply::Status("Background saving started".to_owned()) }
}

fn configure(scene: &mut Scene<'_>, words: &[Vec<u8>]) -> Reply {
    let subcommand = words[1].to_ascii_lowercase();
    let newer = scene.release.major() >= 7;
    match (subcommand.as_slice(), words.len()) {
        (b"get", 3) => config::get(scene.copy, scene.release, &words[2..]),
        (b"get", 4..) if newer => config::get(scene.copy, scene.release, &words[2..]),
        (b"set", 4) => set_config(scene, &words[2..]),
        (b"set", count) if newer && count > 4 && count % 2 == 0 => set_config(scene, &words[2..]),
        (b"set", 5..) if newer => Reply::syntax(),
        (b"resetstat" | b"rewrite", 2) => Reply::ok(),
        (b"get" | b"set" | b"resetstat" | b"rewrite", _) => {
            scene.release.wrong_subcommand("config", &words[1])
        }
        _ => scene.release.unknown_subcommand("config", &words[1]),
    }
}

fn set_config(scene: &mut Scene<'_>, pairs: &[Vec<u8>]) -> Reply {
    let there = scene.folder_is_there;
    config::set(scene.copy, scene.release, pairs, |_| there)
        .map_or_else(|error| error, |()| Reply::ok())
}

fn debug(scene: &Scene<'_>, words: &[Vec<u8>]) -> Next {
    if scene.release.major() >= 7 {
        return Next::Reply(Reply::error(
            "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.",
        ));
    }
    let text = words.get(2).map(|word| String::from_utf8_lossy(word).into_owned());
    let seconds = text.and_then(|text| text.parse::<f64>().ok()).filter(|seconds| *seconds >= 0.0);
    match (words[1].to_ascii_lowercase().as_slice(), seconds) {
        (b"sleep", Some(seconds)) => {
            Next::Later(Duration::from_secs_f64(seconds.min(LONGEST_PAUSE)), Reply::ok())
        }
        _ => Next::Reply(scene.release.unknown_subcommand("debug", &words[1])),
    }
}

fn command(scene: &Scene<'_>, first: &str, words: &[Vec<u8>]) -> Reply {
    let release = scene.release;
    let found = |name: &Vec<u8>| Spec::find(name, release);
    match (first, words.len()) {
        ("", 1) => Reply::Array(Spec::all(release).map(|spec| spec.row(release)).collect()),
        ("count", 2) => Reply::Integer(i64::try_from(Spec::all(release).count()).unwrap_or(0)),
        ("list", 2) if release.major() >= 7 => {
            Reply::Array(Spec::all(release).map(|spec| Reply::text(spec.name)).collect())
        }
        ("info", 3..) => {
            let none = if release.major() >= 7 { Reply::Nil } else { Reply::NilArray };
            let row = |name| found(name).map_or_else(|| none.clone(), |spec| spec.row(release));
            Reply::Array(words[2..].iter().take(400).map(row).collect())
        }
        ("docs", _) if release.major() >= 7 => {
            let named: Vec<&Spec> = if words.len() > 2 {
                words[2..].iter().take(400).filter_map(found).collect()
            } else {
                Spec::all(release).collect()
            };
            let page = |spec: &Spec| {
                (
                    Reply::text(spec.name),
                    Reply::Map(vec![(Reply::text("since"), Reply::text(spec.since()))]),
                )
            };
            Reply::Map(named.into_iter().map(page).collect())
        }
        ("getkeys", count) if count >= if release.major() >= 7 { 4 } else { 3 } => {
            let Some(spec) = found(&words[2]) else {
                return Reply::error("ERR Invalid command specified");
            };
            if !spec.takes(words.len() - 2) {
                return Reply::error("ERR Invalid number of arguments specified for command");
            }
            let keys: Vec<Reply> =
                spec.keys(&words[2..]).into_iter().map(|key| Reply::Bulk(key.to_vec())).collect();
            if keys.is_empty() {
                Reply::error("ERR The command has no key arguments")
            } else {
                Reply::Array(keys)
            }
        }
        ("count" | "info" | "getkeys", _) => release.wrong_subcommand("command", &words[1]),
        _ => release.unknown_subcommand("command", words.get(1).map_or(&[], Vec::as_slice)),
    }
}
