//! A request as Elasticsearch's router sees it: method, segments of the path, parameters, and whose copy it is about.

use kizashi_event::Timestamp;

use super::cluster::Cluster;
use super::copy::{Index, OwnCopy};
use super::json::Json;
use super::query::{Meter, wildcard};
use super::release::{Fault, Release};

/// Segments of a path and parameters that are looked at.
const PARTS: usize = 64;

/// What is asked.
pub(super) struct Call<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) copy: &'a mut OwnCopy,
    pub(super) release: Release,
    pub(super) method: &'a str,
    /// The target as sent.
    pub(super) target: String,
    pub(super) segments: Vec<String>,
    pub(super) parameters: Vec<(String, String)>,
    pub(super) body: &'a [u8],
    pub(super) now: Timestamp,
    pub(super) meter: Meter,
    /// What a script field gave, by name: set when a script was run before.
    pub(super) scripted: Vec<(String, Json)>,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) content: Content,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    Json(Json),
    Text(String),
    /// Bytes of a file, as the site plugins of 1.x serve them.
    Raw(&'static str, Vec<u8>),
}

impl Reply {
    pub(super) const fn ok(body: Json) -> Self {
        Self { status: 200, content: Content::Json(body) }
    }

    pub(super) const fn json(status: u16, body: Json) -> Self {
        Self { status, content: Content::Json(body) }
    }

    pub(super) fn text(status: u16, text: impl Into<String>) -> Self {
        Self { status, content: Content::Text(text.into()) }
    }
}

/// Path and query of a target, taken apart and decoded.
pub(super) fn take_apart(target: &[u8]) -> (Vec<String>, Vec<(String, String)>) {
    let target = String::from_utf8_lossy(target);
    let path_and_query = match target.split_once("://") {
        Some((_, rest)) if !target.starts_with('/') => {
            rest.find('/').map_or("/", |slash| &rest[slash..])
        }
        _ => &target,
    };
    let path_and_query = path_and_query.split('#').next().unwrap_or_default();
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let segments = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .take(PARTS)
        .map(|segment| decode(segment, false))
        .collect();
    let parameter = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name, true), decode(value, true))
    };
    (
        segments,
        query
            .split(['&', ';'])
            .filter(|pair| !pair.is_empty())
            .take(PARTS)
            .map(parameter)
            .collect(),
    )
}

fn decode(text: &str, plus: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).and_then(|digit| char::from(*digit).to_digit(16));
        rest = after;
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                rest = &after[2..];
            }
            (b'+', ..) if plus => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Call<'_> {
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether a parameter is set, be it without a value.
    pub(super) fn wants(&self, name: &str) -> bool {
        self.parameter(name).is_some_and(|value| value != "false")
    }

    /// The body as JSON; nothing where there is none; `source` stands for it where a body cannot be sent.
    pub(super) fn json(&self) -> Result<Option<Json>, Fault> {
        let source = self.parameter("source").map(str::as_bytes).unwrap_or_default();
        let body = if self.body.trim_ascii().is_empty() { source } else { self.body };
        if body.trim_ascii().is_empty() {
            return Ok(None);
        }
        Json::read(body).map(Some).map_err(|_| {
            let kind = if self.release >= Release::V6_8_23 {
                "json_parse_exception"
            } else {
                "parse_exception"
            };
            let first = char::from(body.trim_ascii().first().copied().unwrap_or(b' '));
            let reason = format!(
                "Unexpected character ('{first}' (code {})): expected a valid value",
                u32::from(first)
            );
            Fault::new(400, kind, "SearchParseException", reason)
        })
    }

    pub(super) fn index(&self, name: &str) -> Option<Index<'_>> {
        self.copy.index(self.cluster, name)
    }

    /// The indices that a segment means: names, wildcards, `_all`, aliases, several with commas between.
    pub(super) fn indices(&self, expression: Option<&str>) -> Result<Vec<String>, Fault> {
        let all = self.copy.indices(self.cluster);
        let Some(expression) = expression.filter(|text| !matches!(*text, "_all" | "*" | "")) else {
            return Ok(all.iter().map(|index| index.name.to_owned()).collect());
        };
        let mut found: Vec<String> = Vec::new();
        for part in expression.split(',').take(PARTS) {
            let excluded = part.strip_prefix('-');
            let pattern = excluded.unwrap_or(part);
            let hits: Vec<&str> = all
                .iter()
                .map(|index| index.name)
                .filter(|name| {
                    *name == pattern
                        || pattern.contains('*') && wildcard(pattern.as_bytes(), name.as_bytes())
                        || self.is_alias(pattern, name)
                })
                .collect();
            if excluded.is_some() {
                found.retain(|name| !hits.contains(&name.as_str()));
                continue;
            }
            if hits.is_empty() && !pattern.contains('*') && !self.wants("ignore_unavailable") {
                return Err(self.release.no_index(pattern));
            }
            hits.into_iter().for_each(|name| {
                if !found.iter().any(|known| known == name) {
                    found.push(name.to_owned());
                }
            });
        }
        Ok(found)
    }

    fn is_alias(&self, alias: &str, index: &str) -> bool {
        alias == ".kibana" && index == ".kibana_1"
            || self.copy.kept.contains_key(&format!("alias/{index}/{alias}"))
    }

    /// The index of a request that writes, made where it is not there.
    pub(super) fn index_to_write(&mut self, name: &str) -> Result<(), Fault> {
        if self.index(name).is_some() {
            return Ok(());
        }
        self.check_name(name)?;
        self.copy.make(name, self.release.shards(), 1, self.now).map(|_| ())
    }

    /// What no index may be called (`MetadataCreateIndexService.validateIndexOrAliasName`).
    pub(super) fn check_name(&self, name: &str) -> Result<(), Fault> {
        let why = if name.starts_with(['_', '-', '+']) {
            if self.release.is_old() {
                "must not start with '_'"
            } else {
                "must not start with '_', '-', or '+'"
            }
        } else if name.contains(['\\', '/', '*', '?', '"', '<', '>', '|', ' ', ',', '#']) {
            "must not contain the following characters [ , \", *, \\, <, |, ,, >, /, ?]"
        } else if name.to_lowercase() != name {
            "must be lowercase"
        } else if name.len() > 255 {
            "index name is too long"
        } else {
            return Ok(());
        };
        Err(self.release.bad_name(name, why))
    }

    /// What every write says of its shards.
    pub(super) fn shards_written(&self) -> Json {
        super::json::object! { "total" => 2, "successful" => 1, "failed" => 0 }
    }
}
