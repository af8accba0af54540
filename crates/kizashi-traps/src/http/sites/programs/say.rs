//! What programs have in common: an answer as JSON, words of a request, and a command's words as one line for the shell.

use serde_json::Value;

use super::{SiteAnswer, SiteRequest};
use crate::draw::Draw;
use crate::http::decode;
use crate::http::rules::{Reaction, RuleAnswer, Scene, machine_of};
use crate::http::run::{Keeper, Run};
use crate::http::sites::answer::Says;
use crate::machine::{Machine, Persona};

/// The longest line that a container is given.
const LINE: usize = 4 * 1024;

pub(super) fn answer(status: u16, kind: &str, body: Vec<u8>) -> RuleAnswer {
    RuleAnswer { status, kind: kind.to_owned(), fields: Vec::new(), body }
}

pub(super) fn says(answer: RuleAnswer) -> SiteAnswer {
    reacts(Reaction::Answer(answer))
}

pub(super) fn runs(run: Box<Run>) -> SiteAnswer {
    reacts(Reaction::Run(run))
}

fn reacts(reaction: Reaction) -> SiteAnswer {
    SiteAnswer { says: Says::Reacts(reaction), class: "api-abuse", details: Vec::new() }
}

/// A parameter of the query, decoded.
pub(super) fn query(request: &SiteRequest<'_>, name: &str) -> Option<String> {
    let at = request.target.iter().position(|byte| *byte == b'?')?;
    request.target[at + 1..].split(|byte| *byte == b'&').find_map(|pair| {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let found = decode(halves.next()?, true) == name.as_bytes();
        let value = halves.next().unwrap_or_default();
        found.then(|| String::from_utf8_lossy(&decode(value, true)).into_owned())
    })
}

/// Whether a parameter says yes, as Go reads it.
pub(super) fn is_set(request: &SiteRequest<'_>, name: &str) -> bool {
    query(request, name).is_some_and(|value| matches!(&*value, "1" | "t" | "T" | "true" | "True"))
}

/// At most so many bytes of a text.
pub(super) fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A list of words, or one word, as JSON holds them.
pub(super) fn words(value: &Value) -> Vec<String> {
    let mut left = LINE;
    let mut take = |text: &str| {
        let text = cut(text, left).to_owned();
        left -= text.len();
        text
    };
    match value {
        Value::String(text) => vec![take(text)],
        Value::Array(list) => list.iter().take(64).filter_map(Value::as_str).map(take).collect(),
        _ => Vec::new(),
    }
}

/// Words as a person would type them to a shell.
pub(super) fn line(words: &[String]) -> String {
    let plain = |word: &String| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=,@%+".contains(&byte);
        !word.is_empty() && word.bytes().all(known)
    };
    let typed = words.iter().map(|word| {
        if plain(word) { word.clone() } else { format!("'{}'", word.replace('\'', "'\\''")) }
    });
    typed.collect::<Vec<_>>().join(" ")
}

/// JSON in which nothing looks like markup, as Go writes it: a browser that is shown it as a page shows words.
pub(super) fn harmless(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// Hexadecimal digits that are others at each moment and place.
pub(super) fn digits(scene: &Scene<'_>, what: &str, length: u64) -> String {
    let label = format!("{what} {} {}", scene.visit.source, scene.now.micros());
    let draw = Draw::new(scene.identity.seed(), &label);
    (0..length).filter_map(|place| char::from_digit(draw.below(place, 16) as u32, 16)).collect()
}

/// The machine on which a container's commands run, as root, with what this visitor left on it.
pub(super) fn machine(scene: &Scene<'_>, user: &str, service: &'static str) -> (Machine, Keeper) {
    machine_of(scene, Persona::Server, user, service)
}
