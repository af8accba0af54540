//! How Docker words and writes things: messages, lists, inspections, and the stream of a container's output.

use kizashi_event::{Detail, HostileText, Timestamp};

use super::super::SiteAnswer;
use super::super::containers::{Container, State};
use super::super::say::{answer, cut, line, says};
use super::images::image_id;
use super::{JSON, NAME};
use crate::http::rules::RuleAnswer;

/// What a message is about, as Docker's errors are.
pub(super) fn fault(status: u16, message: &str) -> SiteAnswer {
    says(answer(status, JSON, format!("{{\"message\":{}}}\n", quoted(message)).into_bytes()))
}

pub(super) fn missing(id: &str) -> SiteAnswer {
    fault(404, &format!("No such container: {}", cut(id, NAME)))
}

pub(super) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned())
}

pub(super) fn json(status: u16, body: String) -> SiteAnswer {
    says(answer(status, JSON, body.into_bytes()))
}

pub(super) fn empty(status: u16) -> SiteAnswer {
    says(answer(status, "", Vec::new()))
}

/// `alpine` as `alpine:latest`.
pub(super) fn with_tag(image: &str) -> String {
    let image = cut(image, NAME);
    let last = image.rsplit('/').next().unwrap_or_default();
    if last.contains(':') || image.contains('@') {
        image.to_owned()
    } else {
        format!("{image}:latest")
    }
}

/// Output as it goes over the wire: in frames, where there is no terminal.
pub(super) fn framed(output: &[u8], terminal: bool) -> Vec<u8> {
    if terminal {
        return output
            .iter()
            .flat_map(|byte| match byte {
                b'\n' => vec![b'\r', b'\n'],
                other => vec![*other],
            })
            .collect();
    }
    let mut framed = Vec::with_capacity(output.len() + 8);
    for part in output.split_inclusive(|byte| *byte == b'\n') {
        framed.extend_from_slice(&[1, 0, 0, 0]);
        framed.extend_from_slice(&u32::try_from(part.len()).unwrap_or(0).to_be_bytes());
        framed.extend_from_slice(part);
    }
    framed
}

/// The connection becomes the container's own (`hijack` in moby): no length, and its end is the output's.
pub(super) fn stream(upgrades: bool, terminal: bool, output: &[u8]) -> RuleAnswer {
    let kind = if terminal { "raw" } else { "multiplexed" };
    let kind = format!("application/vnd.docker.{kind}-stream");
    let mut said = answer(if upgrades { 101 } else { 200 }, &kind, framed(output, terminal));
    said.fields.push(("-Stream".to_owned(), String::new()));
    if upgrades {
        said.fields.push(("Connection".to_owned(), "Upgrade".to_owned()));
        said.fields.push(("Upgrade".to_owned(), "tcp".to_owned()));
    }
    said
}

pub(super) fn note(name: &str, text: &str) -> Detail {
    Detail::Note { name: name.into(), value: HostileText::from_bytes(cut(text, 2_000).as_bytes()) }
}

pub(super) fn since(seconds: i64) -> String {
    match seconds.max(1) {
        1 => "1 second".to_owned(),
        short @ 2..60 => format!("{short} seconds"),
        60..120 => "About a minute".to_owned(),
        longer @ 120..3_600 => format!("{} minutes", longer / 60),
        3_600..7_200 => "About an hour".to_owned(),
        hours => format!("{} hours", hours / 3_600),
    }
}

/// A container in the list.
pub(super) fn listed(one: &Container, now: i64) -> String {
    let (state, status) = match one.state {
        State::Created => ("created", "Created".to_owned()),
        State::Running => ("running", format!("Up {}", since(now - one.started))),
        State::Exited(status) => {
            ("exited", format!("Exited ({status}) {} ago", since(now - one.started)))
        }
    };
    format!(
        "{{\"Id\":\"{}\",\"Names\":[{}],\"Image\":{},\"ImageID\":\"sha256:{}\",\"Command\":{},\"Created\":{},\"Ports\":[],\"Labels\":{{}},\"State\":\"{state}\",\"Status\":\"{status}\",\"HostConfig\":{{\"NetworkMode\":{}}},\"NetworkSettings\":{{\"Networks\":{{}}}},\"Mounts\":[]}}",
        one.id,
        quoted(&format!("/{}", one.name)),
        quoted(one.image.trim_end_matches(":latest")),
        image_id(&one.image),
        quoted(&line(&one.words)),
        one.created,
        quoted(&one.network)
    )
}

/// A container as `docker inspect` shows it.
pub(super) fn inspected(one: &Container, now: i64) -> String {
    let time = |seconds: i64| match seconds {
        0 => "0001-01-01T00:00:00Z".to_owned(),
        seconds => Timestamp::from_seconds(seconds).rfc3339(),
    };
    let (status, exit, ended) = match one.state {
        State::Created => ("created", 0, 0),
        State::Running => ("running", 0, 0),
        State::Exited(status) => ("exited", status, one.started.max(1).min(now)),
    };
    let (first, rest) = one.words.split_first().map_or(("", &[][..]), |(f, r)| (f.as_str(), r));
    let list = |words: &[String]| serde_json::to_string(words).unwrap_or_default();
    format!(
        "{{\"Id\":\"{}\",\"Created\":\"{}\",\"Path\":{},\"Args\":{},\"State\":{{\"Status\":\"{status}\",\"Running\":{},\"Paused\":false,\"Restarting\":false,\"OOMKilled\":false,\"Dead\":false,\"Pid\":{},\"ExitCode\":{exit},\"Error\":\"\",\"StartedAt\":\"{}\",\"FinishedAt\":\"{}\"}},\"Image\":\"sha256:{}\",\"Name\":{},\"RestartCount\":0,\"Driver\":\"overlay2\",\"Platform\":\"linux\",\"HostConfig\":{{\"Binds\":{},\"NetworkMode\":{},\"AutoRemove\":{},\"Privileged\":{},\"LogConfig\":{{\"Type\":\"json-file\",\"Config\":{{}}}}}},\"Mounts\":[],\"Config\":{{\"Hostname\":\"{}\",\"Tty\":{},\"OpenStdin\":{},\"Cmd\":{},\"Image\":{},\"Labels\":{{}}}},\"NetworkSettings\":{{\"Networks\":{{}}}}}}\n",
        one.id,
        time(one.created),
        quoted(first),
        list(rest),
        one.is_running(),
        if one.is_running() { 2_417 } else { 0 },
        time(one.started),
        time(ended),
        image_id(&one.image),
        quoted(&format!("/{}", one.name)),
        list(&one.binds),
        quoted(&one.network),
        one.removes_itself,
        one.privileged,
        cut(&one.id, 12),
        one.terminal,
        one.open,
        list(&one.words),
        quoted(&one.image)
    )
}
