//! Ollama as those use it who look for free models: they list them, ask one something, or pull another. There is no model: what is said
//! is put together from some sentences, drawn by the prompt, so that the same prompt gets the same words and another gets others.
//! A pull is a stream of progress that is fetched from nowhere. Requests and words: docs/api.md of ollama.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;

use super::say::{answer, cut, digits, runs, says};
use super::{SiteAnswer, SiteRequest};
use crate::draw::Draw;
use crate::http::run::Run;

/// The stream of objects, a line each.
const LINES: &str = "application/x-ndjson";
const JSON: &str = "application/json; charset=utf-8";
/// A prompt's bytes that are looked at.
const PROMPT: usize = 4 * 1024;
/// How long a machine without a graphics card takes for such an answer.
const THOUGHT: Duration = Duration::from_secs(3);

pub(super) fn respond(request: &SiteRequest<'_>) -> Option<SiteAnswer> {
    let path = request.target.split(|byte| *byte == b'?').next()?;
    let body: Value = serde_json::from_slice(request.subject.sent()).unwrap_or_default();
    match (request.method, path) {
        ("POST", b"/api/generate") => Some(speak(request, &body, Form::Generate)),
        ("POST", b"/api/chat") => Some(speak(request, &body, Form::Chat)),
        ("POST", b"/v1/chat/completions") => Some(speak(request, &body, Form::OpenAi)),
        ("POST", b"/api/pull") => Some(pull(request, &body)),
        _ => None,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Generate,
    Chat,
    OpenAi,
}

fn refuse(status: u16, message: &str) -> SiteAnswer {
    let text = serde_json::to_string(message).unwrap_or_default();
    says(answer(status, JSON, format!("{{\"error\":{text}}}").into_bytes()))
}

fn text_of(value: &Value) -> &str {
    cut(value.as_str().unwrap_or_default(), PROMPT)
}

/// The installation's model of this name.
fn model(request: &SiteRequest<'_>, body: &Value) -> Result<String, Box<SiteAnswer>> {
    let named = [&body["model"], &body["name"]].into_iter().find_map(Value::as_str);
    let Some(name) = named.filter(|name| !name.is_empty()) else {
        return Err(Box::new(refuse(400, "model is required")));
    };
    let site = request.scene.persona.site;
    let has = |value: &str| {
        let held = site.map_or("", |site| site.value(value, request.scene.identity));
        (held == name || held == format!("{name}:latest")).then(|| held.to_owned())
    };
    ["large", "small"].into_iter().find_map(has).ok_or_else(|| {
        Box::new(refuse(
            404,
            &format!("model '{}' not found, try pulling it first", cut(name, 128)),
        ))
    })
}

fn speak(request: &SiteRequest<'_>, body: &Value, form: Form) -> SiteAnswer {
    let model = match model(request, body) {
        Ok(model) => model,
        Err(refusal) => return *refusal,
    };
    let prompt = match form {
        Form::Generate => text_of(&body["prompt"]),
        _ => body["messages"]
            .as_array()
            .and_then(|all| all.last())
            .map_or("", |last| text_of(&last["content"])),
    };
    let now = request.scene.now.rfc3339();
    let head = format!("\"model\":\"{model}\",\"created_at\":\"{now}\"");
    if prompt.is_empty() {
        let said = match form {
            Form::Generate => "\"response\":\"\"",
            _ => "\"message\":{\"role\":\"assistant\",\"content\":\"\"}",
        };
        let text = format!("{{{head},{said},\"done\":true,\"done_reason\":\"load\"}}");
        return says(answer(200, JSON, text.into_bytes()));
    }
    let said = words(request, prompt);
    let tokens = said.split_inclusive(' ').count();
    let ends = format!(
        "\"done\":true,\"done_reason\":\"stop\",\"total_duration\":{},\"load_duration\":{},\"prompt_eval_count\":{},\"prompt_eval_duration\":{},\"eval_count\":{tokens},\"eval_duration\":{}",
        3_012_345_678_u64 + tokens as u64 * 1_311,
        41_234_567 + prompt.len() * 77,
        8 + prompt.len() / 4,
        201_345_678 + prompt.len() * 9_001,
        tokens * 113_456_789
    );
    let piece = |piece: &str| {
        let piece = serde_json::to_string(piece).unwrap_or_default();
        match form {
            Form::Generate => format!("\"response\":{piece}"),
            _ => format!("\"message\":{{\"role\":\"assistant\",\"content\":{piece}}}"),
        }
    };
    let streams = body["stream"].as_bool().unwrap_or(form != Form::OpenAi);
    let (kind, text) = match (form, streams) {
        (Form::OpenAi, _) => (JSON, completion(request, &model, prompt, &said, tokens)),
        (_, false) => (JSON, format!("{{{head},{},{ends}}}", piece(&said))),
        (_, true) => {
            let mut text = String::new();
            for token in said.split_inclusive(' ') {
                let _ = writeln!(text, "{{{head},{},\"done\":false}}", piece(token));
            }
            let _ = writeln!(text, "{{{head},{},{ends}}}", piece(""));
            (LINES, text)
        }
    };
    runs(Run::after(THOUGHT, request.scene.now, answer(200, kind, text.into_bytes())))
}

fn completion(
    request: &SiteRequest<'_>,
    model: &str,
    prompt: &str,
    said: &str,
    tokens: usize,
) -> String {
    let said = serde_json::to_string(said).unwrap_or_default();
    let asked = 8 + prompt.len() / 4;
    format!(
        "{{\"id\":\"chatcmpl-{}\",\"object\":\"chat.completion\",\"created\":{},\"model\":\"{model}\",\"system_fingerprint\":\"fp_ollama\",\"choices\":[{{\"index\":0,\"message\":{{\"role\":\"assistant\",\"content\":{said}}},\"finish_reason\":\"stop\"}}],\"usage\":{{\"prompt_tokens\":{asked},\"completion_tokens\":{tokens},\"total_tokens\":{}}}}}\n",
        u32::from_str_radix(&digits(request.scene, "completion", 3), 16).unwrap_or(0) % 999,
        request.scene.now.seconds(),
        asked + tokens
    )
}

/// What a model might say: short, of the prompt's own longest word, and never more than some sentences.
fn words(request: &SiteRequest<'_>, prompt: &str) -> String {
    const FIRST: [&str; 6] = [
        "Sure! Here is a short overview of {}.",
        "That's a good question about {}.",
        "I'd be happy to help with {}.",
        "When it comes to {}, there are a few things to keep in mind.",
        "Let's look at {} step by step.",
        "In short, {} depends on what you want to achieve.",
    ];
    const THEN: [&str; 8] = [
        "It is best to start with a simple example and build on it.",
        "There are several approaches, each with advantages and drawbacks.",
        "In practice the details depend on the context in which it is used.",
        "A common mistake is to skip the basics, so make sure that you understand them first.",
        "You may want to check the documentation for the version that you use.",
        "Many people find it useful to write down their goals before they begin.",
        "Consistency matters more than speed.",
        "Keep in mind that results can vary.",
    ];
    const LAST: [&str; 4] = [
        "Let me know if you would like more detail.",
        "If you can tell me more about your situation, I can be more specific.",
        "Would you like an example?",
        "I hope this helps!",
    ];
    const GREETING: &str = "Hello! How can I assist you today?";
    let plain = |letter: char| !letter.is_alphanumeric() && letter != '-';
    let longest = prompt.split(plain).filter(|word| word.len() < 32).max_by_key(|word| word.len());
    let topic = longest.unwrap_or_default();
    if topic.len() <= 5 && prompt.len() < 24 {
        return GREETING.to_owned();
    }
    let label = format!("ollama {prompt}");
    let draw = Draw::new(request.scene.identity.seed(), &label);
    let one = |place, list: &[&'static str]| draw.one_of(place, list).unwrap_or_default();
    let mut said = one(0, &FIRST).replace("{}", topic);
    for place in 1..=1 + draw.below(9, 3) {
        let next = one(place, &THEN);
        if !said.contains(next) {
            said.push(' ');
            said.push_str(next);
        }
    }
    said.push(' ');
    said.push_str(one(8, &LAST));
    said
}

fn pull(request: &SiteRequest<'_>, body: &Value) -> SiteAnswer {
    let named = [&body["model"], &body["name"]].into_iter().find_map(Value::as_str);
    let Some(name) = named.map(|name| cut(name, 128)).filter(|name| !name.is_empty()) else {
        return refuse(400, "invalid model name");
    };
    let digest = digits(request.scene, &format!("ollama {name}"), 64);
    let total = 1_300_000_000 + u64::from_str_radix(&digest[..7], 16).unwrap_or(0) * 20;
    let mut text = "{\"status\":\"pulling manifest\"}\n".to_owned();
    for part in [0, total / 50, total / 19, total / 11] {
        let done = if part == 0 { String::new() } else { format!(",\"completed\":{part}") };
        let _ = writeln!(
            text,
            "{{\"status\":\"pulling {}\",\"digest\":\"sha256:{digest}\",\"total\":{total}{done}}}",
            &digest[..12]
        );
    }
    // A model that is there after a pull would have to be spoken with: the disk is full before.
    let _ = writeln!(
        text,
        "{{\"error\":\"write /root/.ollama/models/blobs/sha256-{digest}-partial: no space left on device\"}}"
    );
    runs(Run::after(THOUGHT, request.scene.now, answer(200, LINES, text.into_bytes())))
}
