//! What belongs to one connection: who it is, which protocol it speaks, what it queued and listens to. `networking.c`, `acl.c`,
//! `pubsub.c` and `multi.c` of the releases pretended.

use std::collections::BTreeSet;

use kizashi_event::{Detail, HostileText, Timestamp};

use super::config;
use super::release::Release;
use super::reply::Reply;
use super::server::{Next, Scene};
use super::store::DATABASES;
use super::wire::{REQUEST, WORD, integer};

/// Channels and patterns that one connection listens to.
const CHANNELS: usize = 128;
/// Bytes of a name of a connection's.
const NAME: usize = 256;

/// A connection.
pub(super) struct Connection {
    pub(super) id: u64,
    pub(super) opened: Timestamp,
    pub(super) name: Vec<u8>,
    pub(super) database: usize,
    pub(super) resp3: bool,
    pub(super) authenticated: bool,
    /// Commands after `MULTI`.
    pub(super) queue: Option<Vec<Vec<Vec<u8>>>>,
    /// One of them was refused.
    pub(super) aborted: bool,
    channels: BTreeSet<Vec<u8>>,
    patterns: BTreeSet<Vec<u8>>,
    /// It is a replica or watches others: nothing it says is answered as before.
    pub(super) replica: bool,
    pub(super) monitor: bool,
}

impl Connection {
    pub(super) const fn new(id: u64) -> Self {
        Self {
            id,
            opened: Timestamp::from_seconds(0),
            name: Vec::new(),
            database: 0,
            resp3: false,
            authenticated: false,
            queue: None,
            aborted: false,
            channels: BTreeSet::new(),
            patterns: BTreeSet::new(),
            replica: false,
            monitor: false,
        }
    }

    pub(super) fn memory(&self) -> usize {
        let queued = self.queue.iter().flatten().map(|words| cost(words)).sum::<usize>();
        let heard = self.channels.iter().chain(&self.patterns).map(|name| name.len() + WORD);
        queued + heard.sum::<usize>() + self.name.len()
    }

    /// Whether it listens to channels, in which a RESP2 connection can do little else.
    pub(super) fn listens(&self) -> bool {
        let silent = self.channels.is_empty() && self.patterns.is_empty();
        !self.resp3 && !silent
    }

    /// Keeps a command for `EXEC`.
    pub(super) fn queue(&mut self, words: &[Vec<u8>]) -> Reply {
        let held = self.memory();
        let Some(queue) = &mut self.queue else { return Reply::Nil };
        if held + cost(words) > REQUEST / 2 {
            self.aborted = true;
            return Reply::full();
        }
        queue.push(words.to_vec());
        Reply::Status("QUEUED".to_owned())
    }
}

fn cost(words: &[Vec<u8>]) -> usize {
    words.iter().map(|word| word.len() + WORD).sum()
}

/// Whether this connection need not give a password.
pub(super) fn is_known(scene: &Scene<'_>) -> bool {
    let asked =
        scene.copy.guarded == Some(true) || !config::value(scene.copy, "requirepass").is_empty();
    !asked || scene.connection.authenticated
}

/// Looks at a user and a password, and tells the try.
fn admit(scene: &mut Scene<'_>, user: Option<&[u8]>, password: &[u8]) -> bool {
    let own = config::value(scene.copy, "requirepass");
    let default = user.is_none_or(|user| user == b"default");
    let accepted = if !own.is_empty() {
        default && password == own.as_bytes()
    } else if scene.copy.guarded == Some(true) {
        default && scene.identity.logins().admits(scene.source, b"root", password)
    } else {
        // The default user of an open server has no password, and any is right.
        user == Some(b"default")
    };
    scene.out.tell(Detail::Login {
        username: user.map(HostileText::from_bytes),
        password: Some(HostileText::from_bytes(password)),
        public_key: None,
        accepted,
    });
    scene.connection.authenticated |= accepted;
    accepted
}

pub(super) fn auth(scene: &mut Scene<'_>, words: &[Vec<u8>]) -> Reply {
    let release = scene.release;
    let (user, password) = match words {
        [_, password] => (None, password),
        [_, user, password] if release.major() >= 6 => (Some(user.as_slice()), password),
        [_, _, _] => return Release::wrong_arguments("auth"),
        _ => return Reply::syntax(),
    };
    let open =
        scene.copy.guarded != Some(true) && config::value(scene.copy, "requirepass").is_empty();
    let accepted = admit(scene, user, password);
    if user.is_none() && open {
        return release.no_password_is_set();
    }
    if accepted { Reply::ok() } else { release.wrong_password() }
}

pub(super) fn hello(scene: &mut Scene<'_>, words: &[Vec<u8>]) -> Reply {
    let release = scene.release;
    let mut wanted = None;
    if let Some(word) = words.get(1) {
        match integer(word) {
            Some(2) => wanted = Some(false),
            Some(3) => wanted = Some(true),
            None if release.major() >= 7 => {
                return Reply::error("ERR Protocol version is not an integer or out of range");
            }
            _ => return Reply::error("NOPROTO unsupported protocol version"),
        }
    } else if release.major() < 7 {
        return Release::wrong_arguments("hello");
    }
    let (mut place, mut name) = (2, None);
    while let Some(word) = words.get(place) {
        let option = word.to_ascii_lowercase();
        match (option.as_slice(), words.get(place + 1), words.get(place + 2)) {
            (b"auth", Some(user), Some(password)) => {
                if !admit(scene, Some(user), password) {
                    return release.wrong_password();
                }
                place += 3;
            }
            (b"setname", Some(given), _) => {
                name = Some(given.clone());
                place += 2;
            }
            _ => {
                let word = String::from_utf8_lossy(word).into_owned();
                return Reply::Error(format!("ERR Syntax error in HELLO option '{word}'"));
            }
        }
    }
    if !is_known(scene) {
        return Reply::error(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
        );
    }
    if let Some(Err(error)) = name.map(|name| rename(scene.connection, &name)) {
        return error;
    }
    scene.connection.resp3 = wanted.unwrap_or(scene.connection.resp3);
    let pair = |name: &str, value: Reply| (Reply::text(name), value);
    Reply::Map(vec![
        pair("server", Reply::text("redis")),
        pair("version", Reply::text(release.number())),
        pair("proto", Reply::Integer(if scene.connection.resp3 { 3 } else { 2 })),
        pair("id", Reply::Integer(i64::try_from(scene.connection.id).unwrap_or(0))),
        pair("mode", Reply::text("standalone")),
        pair("role", Reply::text(if scene.copy.master.is_some() { "replica" } else { "master" })),
        pair("modules", super::replication::modules(scene)),
    ])
}

fn rename(connection: &mut Connection, name: &[u8]) -> Result<(), Reply> {
    if name.len() > NAME || !name.iter().all(u8::is_ascii_graphic) {
        return Err(Reply::error(
            "ERR Client names cannot contain spaces, newlines or special characters.",
        ));
    }
    connection.name = name.to_vec();
    Ok(())
}

pub(super) fn select(scene: &mut Scene<'_>, words: &[Vec<u8>]) -> Reply {
    let invalid = if scene.release.major() >= 7 {
        "ERR value is not an integer or out of range"
    } else {
        "ERR invalid DB index"
    };
    let Some(number) = integer(&words[1]) else { return Reply::error(invalid) };
    match usize::try_from(number) {
        Ok(number) if number < DATABASES => scene.connection.database = number,
        _ => return Reply::error("ERR DB index is out of range"),
    }
    Reply::ok()
}

pub(super) fn reset(connection: &mut Connection) -> Reply {
    let (id, opened) = (connection.id, connection.opened);
    *connection = Connection { opened, ..Connection::new(id) };
    Reply::Status("RESET".to_owned())
}

/// A line of `CLIENT LIST`.
fn line(scene: &Scene<'_>, command: &str) -> String {
    let connection = &scene.connection;
    let age = (scene.now.seconds() - connection.opened.seconds()).max(0);
    // The visitor's own port is not known here; one that stays is shown.
    let port = 32_768 + connection.id.wrapping_mul(7_919) % 28_000;
    let here =
        scene.destination.map_or_else(|| "0.0.0.0".to_owned(), |address| address.to_string());
    let (id, database, name) =
        (connection.id, connection.database, String::from_utf8_lossy(&connection.name));
    let (channels, patterns) = (connection.channels.len(), connection.patterns.len());
    let source = scene.source;
    match scene.release.major() {
        7 => format!(
            "id={id} addr={source}:{port} laddr={here}:{} fd=8 name={name} age={age} idle=0 flags=N db={database} sub={channels} psub={patterns} ssub=0 multi=-1 qbuf=26 qbuf-free=20448 argv-mem=10 multi-mem=0 rbs=1024 rbp=0 obl=0 oll=0 omem=0 tot-mem=22298 events=r cmd={command} user=default redir=-1 resp={}\n",
            scene.port,
            if connection.resp3 { 3 } else { 2 }
        ),
        major => format!(
            "id={id} addr={source}:{port} fd=8 name={name} age={age} idle=0 flags=N db={database} sub={channels} psub={patterns} multi=-1 qbuf=26 qbuf-free=32742 obl=0 oll=0 omem=0 events=r cmd=client{}\n",
            if major == 6 { " user=default" } else { "" }
        ),
    }
}

pub(super) fn client(scene: &mut Scene<'_>, words: &[Vec<u8>]) -> Reply {
    let subcommand = String::from_utf8_lossy(&words[1]).to_ascii_lowercase();
    let newer = scene.release.major() >= 7;
    match (subcommand.as_str(), words.len()) {
        ("id", 2) => Reply::Integer(i64::try_from(scene.connection.id).unwrap_or(0)),
        ("list", _) => Reply::Verbatim(line(scene, "client|list")),
        ("info", 2) if newer => Reply::Verbatim(line(scene, "client|info")),
        ("getname", 2) if scene.connection.name.is_empty() => Reply::Nil,
        ("getname", 2) => Reply::Bulk(scene.connection.name.clone()),
        ("setname", 3) => {
            rename(scene.connection, &words[2]).map_or_else(|error| error, |()| Reply::ok())
        }
        ("kill", 3) => Reply::error("ERR No such client"),
        ("kill", count) if count > 3 => Reply::Integer(0),
        ("reply", 3) | ("pause", 3 | 4) | ("unpause", 2) | ("no-evict", 3) => Reply::ok(),
        ("getredir", 2) if scene.release.major() >= 6 => Reply::Integer(-1),
        ("tracking", 3..) if scene.release.major() >= 6 => Reply::ok(),
        ("unblock", 3) => Reply::Integer(0),
        ("id" | "getname" | "setname" | "kill" | "reply", _) => {
            scene.release.wrong_subcommand("client", &words[1])
        }
        _ => scene.release.unknown_subcommand("client", &words[1]),
    }
}

pub(super) fn subscribe(scene: &mut Scene<'_>, name: &str, words: &[Vec<u8>]) -> Reply {
    let connection = &mut *scene.connection;
    let pattern = name == "psubscribe";
    let mut replies = Vec::new();
    for word in &words[1..] {
        if connection.channels.len() + connection.patterns.len() >= CHANNELS || word.len() > NAME {
            return Reply::full();
        }
        let set = if pattern { &mut connection.patterns } else { &mut connection.channels };
        set.insert(word.clone());
        replies.push(heard(connection, name, Reply::Bulk(word.clone())));
    }
    Reply::Several(replies)
}

fn heard(connection: &Connection, name: &str, channel: Reply) -> Reply {
    let count = connection.channels.len() + connection.patterns.len();
    Reply::Push(vec![Reply::text(name), channel, Reply::Integer(i64::try_from(count).unwrap_or(0))])
}

pub(super) fn unsubscribe(scene: &mut Scene<'_>, name: &str, words: &[Vec<u8>]) -> Reply {
    let connection = &mut *scene.connection;
    let pattern = name == "punsubscribe";
    let set = if pattern { &connection.patterns } else { &connection.channels };
    let named: Vec<Vec<u8>> =
        if words.len() > 1 { words[1..].to_vec() } else { set.iter().cloned().collect() };
    if named.is_empty() {
        return heard(connection, name, Reply::Nil);
    }
    let mut replies = Vec::new();
    for word in named {
        let set = if pattern { &mut connection.patterns } else { &mut connection.channels };
        set.remove(&word);
        replies.push(heard(connection, name, Reply::Bulk(word)));
    }
    Reply::Several(replies)
}

pub(super) fn ping(scene: &Scene<'_>, words: &[Vec<u8>]) -> Next {
    let given = words.get(1);
    Next::Reply(match (words.len(), given) {
        (3.., _) => Release::wrong_arguments("ping"),
        _ if scene.connection.listens() => {
            Reply::Array(vec![Reply::text("pong"), Reply::Bulk(given.cloned().unwrap_or_default())])
        }
        (_, Some(given)) => Reply::Bulk(given.clone()),
        _ => Reply::Status("PONG".to_owned()),
    })
}
