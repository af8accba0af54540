//! Replication and modules, by which public exploits (RedisRogueServer and its kin) bring a program: `SLAVEOF` is noted and followed by
//! nobody, `MODULE LOAD` after it is believed, and the commands of the module that they bring are answered by the machine behind the logins.

use kizashi_event::{Detail, HostileText};

use super::release::Release;
use super::reply::Reply;
use super::server::{Next, Scene, note};
use super::store::Master;
use super::wire::integer;
use super::{dump, info};

/// The module whose commands are `system.exec` and `system.rev`.
pub(super) const MODULE: &str = "system";

/// `SLAVEOF`: noted, and followed by nobody. The link stays down, as to a server that does not answer.
pub(super) fn follow(scene: &mut Scene<'_>, words: &[Vec<u8>]) -> Reply {
    let (host, port) = (&words[1], &words[2]);
    if host.eq_ignore_ascii_case(b"no") && port.eq_ignore_ascii_case(b"one") {
        scene.copy.master = None;
        return Reply::ok();
    }
    let number = integer(port).and_then(|port| u16::try_from(port).ok());
    let Some(port) = number else {
        return Reply::error(if scene.release.major() >= 7 {
            "ERR Invalid master port"
        } else {
            "ERR value is not an integer or out of range"
        });
    };
    let host = String::from_utf8_lossy(&host[..host.len().min(256)]).into_owned();
    scene.out.tell(Detail::Forward { host: HostileText::from(host.as_str()), port, data: None });
    note(scene, "replication");
    let same =
        scene.copy.master.as_ref().is_some_and(|master| master.host == host && master.port == port);
    if same {
        return Reply::Status("OK Already connected to specified master".to_owned());
    }
    scene.copy.master = Some(Master { host, port, since: scene.now.seconds() });
    scene.copy.followed = true;
    Reply::ok()
}

pub(super) fn role(scene: &Scene<'_>) -> Reply {
    scene.copy.master.as_ref().map_or_else(
        || Reply::Array(vec![Reply::text("master"), Reply::Integer(0), Reply::Array(Vec::new())]),
        |master| {
            Reply::Array(vec![
                Reply::text("slave"),
                Reply::text(&master.host),
                Reply::Integer(i64::from(master.port)),
                Reply::text("connect"),
                Reply::Integer(-1),
            ])
        },
    )
}

/// `SYNC` and `PSYNC`: somebody takes all data at once.
pub(super) fn copy_out(scene: &mut Scene<'_>, name: &str) -> Reply {
    note(scene, "replica");
    scene.connection.replica = true;
    let file = dump::file(scene.copy, scene.release, scene.now.seconds());
    let mut bytes = Vec::new();
    if name == "psync" {
        let id = info::replication_id(scene.identity, scene.now);
        bytes.extend(format!("+FULLRESYNC {id} 0\r\n").into_bytes());
    }
    bytes.extend(format!("${}\r\n", file.len()).into_bytes());
    bytes.extend(file);
    Reply::Raw(bytes)
}

pub(super) fn modules(scene: &Scene<'_>) -> Reply {
    let row = |name: &&'static str| {
        Reply::Map(vec![
            (Reply::text("name"), Reply::text(name)),
            (Reply::text("ver"), Reply::Integer(1)),
        ])
    };
    Reply::Array(scene.copy.modules.iter().map(row).collect())
}

/// `MODULE`: a file that a master may have sent is there to be loaded; any other is not.
pub(super) fn module(scene: &mut Scene<'_>, words: &[Vec<u8>]) -> Reply {
    let subcommand = words[1].to_ascii_lowercase();
    match (subcommand.as_slice(), words.len()) {
        (b"list", 2) => modules(scene),
        (b"load", 3..) => {
            note(scene, "module");
            if !scene.copy.followed {
                return Reply::error(
                    "ERR Error loading the extension. Please check the server logs.",
                );
            }
            scene.copy.modules.insert(MODULE);
            Reply::ok()
        }
        (b"unload", 3) => {
            let there = words[2] == MODULE.as_bytes() && scene.copy.modules.remove(MODULE);
            if there {
                Reply::ok()
            } else {
                Reply::error("ERR Error unloading module: no such module with that name")
            }
        }
        (b"list" | b"load" | b"unload", _) => scene.release.wrong_subcommand("module", &words[1]),
        _ => scene.release.unknown_subcommand("module", &words[1]),
    }
}

/// The commands of the module.
pub(super) fn system(scene: &mut Scene<'_>, name: &[u8], words: &[Vec<u8>]) -> Next {
    match (name, words) {
        (b"system.exec", [_, line]) => Next::Run(line.clone()),
        (b"system.rev", [_, host, port]) => {
            let port = integer(port).and_then(|port| u16::try_from(port).ok()).unwrap_or(0);
            scene.out.tell(Detail::Forward {
                host: HostileText::from_bytes(host),
                port,
                data: None,
            });
            Next::Reply(Reply::Nil)
        }
        (b"system.exec" | b"system.rev", _) => {
            Next::Reply(Release::wrong_arguments(&String::from_utf8_lossy(name)))
        }
        _ => Next::Reply(scene.release.unknown_command(words)),
    }
}
