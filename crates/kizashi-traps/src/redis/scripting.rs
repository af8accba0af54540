//! `EVAL` and `SCRIPT`. A script that reaches for a shell (CVE-2022-0543: Debian's and Ubuntu's packages left the table `package` to scripts)
//! has its command run on the machine behind the logins where the release has that hole, and fails as it would elsewhere.

use super::lua;
use super::release::Release;
use super::reply::Reply;
use super::server::{Next, Scene, dispatch, note, permitted};
use super::table::Spec;
use super::wire::integer;

/// Scripts of one copy that are kept.
const SCRIPTS: usize = 64;

pub(super) fn scripts(scene: &mut Scene<'_>, words: &[Vec<u8>]) -> Reply {
    let subcommand = words[1].to_ascii_lowercase();
    match (subcommand.as_slice(), words.len()) {
        (b"load", 3) => keep(scene, &words[2]),
        (b"exists", 3..) => {
            let there = |name: &Vec<u8>| {
                let name = String::from_utf8_lossy(name).to_ascii_lowercase();
                Reply::flag(scene.copy.scripts.contains_key(&name))
            };
            Reply::Array(words[2..].iter().map(there).collect())
        }
        (b"flush", 2 | 3) => {
            scene.copy.scripts.clear();
            Reply::ok()
        }
        (b"kill", 2) => Reply::error("NOTBUSY No scripts in execution right now."),
        (b"load" | b"exists" | b"flush" | b"kill", _) => {
            scene.release.wrong_subcommand("script", &words[1])
        }
        _ => scene.release.unknown_subcommand("script", &words[1]),
    }
}

/// Keeps a script under its name.
fn keep(scene: &mut Scene<'_>, text: &[u8]) -> Reply {
    let name = lua::digest(text);
    let known = scene.copy.scripts.contains_key(&name);
    if !known && (scene.copy.scripts.len() >= SCRIPTS || !scene.copy.has_room(text.len() + 96)) {
        return Reply::full();
    }
    scene.copy.scripts.insert(name.clone(), text.to_vec());
    Reply::text(&name)
}

pub(super) fn eval(scene: &mut Scene<'_>, name: &str, words: &[Vec<u8>]) -> Next {
    let Some(count) = integer(&words[2]) else { return Next::Reply(Reply::not_integer()) };
    let rest = &words[3..];
    let Ok(count) = usize::try_from(count) else {
        return Next::Reply(Reply::error("ERR Number of keys can't be negative"));
    };
    if count > rest.len() {
        return Next::Reply(Reply::error(
            "ERR Number of keys can't be greater than number of args",
        ));
    }
    let (keys, arguments) = rest.split_at(count);
    let text = if name == "eval" {
        if let error @ Reply::Error(_) = keep(scene, &words[1]) {
            return Next::Reply(error);
        }
        words[1].clone()
    } else {
        let name = String::from_utf8_lossy(&words[1]).to_ascii_lowercase();
        match scene.copy.scripts.get(&name) {
            Some(text) => text.clone(),
            None => {
                return Next::Reply(Reply::error("NOSCRIPT No matching script. Please use EVAL."));
            }
        }
    };
    if let Some(missing) = lua::missing_global(&text) {
        note(scene, "script escape");
        if scene.release.leaks_package() {
            if let Some(command) = lua::shell_command(&text, keys, arguments) {
                return Next::Run(command);
            }
            return Next::Reply(Reply::Nil);
        }
        let fault = format!("Script attempted to access nonexistent global variable '{missing}'");
        return Next::Reply(failed(scene.release, &text, &fault));
    }
    let release = scene.release;
    let mut call = |words: &[Vec<u8>]| within_script(scene, words);
    let given = lua::run(&text, keys, arguments, &mut call);
    Next::Reply(match given {
        Err(Reply::Error(fault)) => failed(release, &text, &fault),
        Ok(reply) | Err(reply) => reply,
    })
}

/// An error of a script, in the words of each release.
fn failed(release: Release, text: &[u8], fault: &str) -> Reply {
    let digest = lua::digest(text);
    let by_itself = fault.starts_with("Script attempted");
    Reply::Error(match (release.major(), by_itself) {
        (7, true) => format!("ERR user_script:1: {fault} script: {digest}, on @user_script:1."),
        (7, false) => format!("{fault} script: {digest}, on @user_script:1."),
        (_, true) => format!(
            "ERR Error running script (call to f_{digest}): @enable_strict_lua:15: user_script:1: {fault} "
        ),
        (_, false) => format!(
            "ERR Error running script (call to f_{digest}): @user_script:1: @user_script: 1: {fault} "
        ),
    })
}

/// A command that a script calls.
fn within_script(scene: &mut Scene<'_>, words: &[Vec<u8>]) -> Reply {
    let Some(spec) = Spec::find(&words[0], scene.release) else {
        return Reply::error("ERR Unknown Redis command called from script");
    };
    if spec.has("noscript") {
        return Reply::error("ERR This Redis command is not allowed from script");
    }
    if let Err(reply) = permitted(scene, spec, words) {
        return reply;
    }
    match dispatch(scene, spec, words) {
        Next::Reply(reply) => reply,
        _ => Reply::Nil,
    }
}
