//! Which documents a query means, and what a search makes of them: Elasticsearch's query language as far as visitors use it. What one
//! request may compute is counted by a [`Meter`]; past it a search gives what it has and says `timed_out`, as a real one does.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::copy::Document;
use super::json::{Json, object};
use super::release::Release;

/// Pattern and text of a wildcard, in bytes.
const WILDCARD: usize = 512;

/// Steps that one request may still take.
pub(super) struct Meter(u32);

impl Default for Meter {
    /// Some tens of milliseconds: forty scans of everything.
    fn default() -> Self {
        Self(1_500_000)
    }
}

impl Meter {
    pub(super) fn spend(&mut self, steps: u32) -> bool {
        self.0 = self.0.saturating_sub(steps);
        self.0 > 0
    }
}

/// Whether a query means a document; where it is no query that is known, everything.
pub(super) fn matches(query: &Json, document: &Document<'_>, meter: &mut Meter) -> bool {
    if !meter.spend(1) {
        return false;
    }
    let Some((name, body)) = query.fields().first() else { return true };
    let field = || body.fields().iter().find(|(key, _)| key != "boost" && key != "_name");
    let source = &document.source;
    match name.as_str() {
        "match_all" => true,
        "match_none" => false,
        "term" | "match" | "match_phrase" | "prefix" | "wildcard" | "match_phrase_prefix" => {
            let Some((path, wanted)) = field() else { return true };
            let wanted = ["value", "query", "wildcard"]
                .iter()
                .find_map(|key| wanted.get(key))
                .unwrap_or(wanted);
            let found = value_of(document, path);
            let wanted = wanted.term();
            meter.spend(u32::try_from(wanted.len() / 16).unwrap_or(0));
            found.is_some_and(|found| {
                found.items().iter().any(|found| is_like(name, &found.term(), &wanted))
            })
        }
        "terms" | "ids" => {
            let (path, wanted) = match (name.as_str(), body.get("values"), field()) {
                ("ids", Some(values), _) => ("_id", values),
                (_, _, Some((path, values))) => (path.as_str(), values),
                _ => return true,
            };
            let Some(found) = value_of(document, path) else { return false };
            let found = found.term();
            wanted.items().iter().any(|wanted| meter.spend(1) && wanted.term() == found)
        }
        "exists" => {
            body.get("field").and_then(Json::text).is_some_and(|path| source.path(path).is_some())
        }
        "range" => field().is_none_or(|(path, bounds)| {
            value_of(document, path).is_some_and(|value| {
                bounds.fields().iter().all(|(bound, limit)| within(bound, &value, limit))
            })
        }),
        "query_string" | "simple_query_string" | "multi_match" => {
            let text = body.get("query").and_then(Json::text).unwrap_or("*");
            by_words(text, document, meter)
        }
        "bool" => combined(body, document, meter),
        "filtered" | "constant_score" | "function_score" | "nested" => ["query", "filter"]
            .iter()
            .all(|key| body.get(key).is_none_or(|query| matches(query, document, meter))),
        _ => true,
    }
}

/// `bool`: all of `must` and `filter`, none of `must_not`, and of `should` one where nothing else is demanded.
fn combined(body: &Json, document: &Document<'_>, meter: &mut Meter) -> bool {
    let mut all = |key: &str| {
        body.get(key).is_none_or(|queries| {
            queries.items().iter().all(|query| matches(query, document, meter))
        })
    };
    if !all("must") || !all("filter") {
        return false;
    }
    let mut any = |key: &str| {
        body.get(key)
            .map(|queries| queries.items().iter().any(|query| matches(query, document, meter)))
    };
    let must = body.get("must").is_some() || body.get("filter").is_some();
    any("must_not") != Some(true) && (must || any("should") != Some(false))
}

/// Whether this is a query that some release has.
pub(super) fn is_known(query: &str) -> bool {
    const KNOWN: [&str; 27] = [
        "match_all",
        "match_none",
        "term",
        "match",
        "match_phrase",
        "match_phrase_prefix",
        "prefix",
        "wildcard",
        "terms",
        "ids",
        "exists",
        "range",
        "query_string",
        "simple_query_string",
        "multi_match",
        "bool",
        "filtered",
        "constant_score",
        "function_score",
        "nested",
        "regexp",
        "fuzzy",
        "script",
        "has_child",
        "has_parent",
        "geo_distance",
        "dis_max",
    ];
    KNOWN.contains(&query)
}

fn value_of(document: &Document<'_>, path: &str) -> Option<Json> {
    match path {
        "_id" => Some(document.id.as_str().into()),
        "_index" => Some(document.index.into()),
        "_type" => Some(document.kind.as_str().into()),
        "_all" => Some(document.source.line().into()),
        _ => {
            let path =
                path.strip_suffix(".keyword").or_else(|| path.strip_suffix(".raw")).unwrap_or(path);
            document.source.path(path).cloned()
        }
    }
}

fn is_like(how: &str, found: &str, wanted: &str) -> bool {
    let lower = |text: &str| text.to_lowercase();
    match how {
        "term" => found == wanted || lower(found).split_whitespace().any(|word| word == wanted),
        "prefix" => found.starts_with(wanted) || lower(found).starts_with(wanted),
        "wildcard" => {
            wildcard(wanted.as_bytes(), found.as_bytes())
                || wildcard(wanted.as_bytes(), lower(found).as_bytes())
        }
        "match" => {
            let found = lower(found);
            let is_word =
                |word: &str| found.split(|c: char| !c.is_alphanumeric()).any(|own| own == word);
            lower(wanted)
                .split(|c: char| !c.is_alphanumeric())
                .filter(|word| !word.is_empty())
                .take(64)
                .any(is_word)
        }
        _ => lower(found).contains(&lower(wanted)),
    }
}

/// `*` and `?` against a text; both are cut to a bound, for the time goes with their product.
pub(super) fn wildcard(pattern: &[u8], text: &[u8]) -> bool {
    let (pattern, text) =
        (&pattern[..pattern.len().min(WILDCARD)], &text[..text.len().min(WILDCARD)]);
    let (mut at, mut place, mut star) = (0, 0, None);
    while place < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, place));
                at += 1;
            }
            Some(letter) if *letter == b'?' || *letter == text[place] => {
                (at, place) = (at + 1, place + 1);
            }
            _ => match &mut star {
                Some((before, from)) => {
                    *from += 1;
                    (at, place) = (*before + 1, *from);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|letter| *letter == b'*')
}

/// `field:word`, words, `*`, `AND`, `OR`, `NOT` of the query string.
fn by_words(text: &str, document: &Document<'_>, meter: &mut Meter) -> bool {
    let all = text.contains(" AND ");
    let mut any = None;
    for word in text.split_whitespace().take(64) {
        if matches!(word, "AND" | "OR" | "*" | "*:*") {
            any = any.or((word.starts_with('*')).then_some(true));
            continue;
        }
        let (path, wanted) = word.split_once(':').unwrap_or(("_all", word));
        let wanted = wanted.trim_matches(['"', '(', ')']).to_lowercase();
        if !meter.spend(2) {
            return false;
        }
        let found =
            value_of(document, path).map(|found| found.term().to_lowercase()).unwrap_or_default();
        let fits = if wanted.contains('*') {
            wildcard(wanted.as_bytes(), found.as_bytes())
        } else {
            found.contains(&wanted)
        };
        if all && !fits {
            return false;
        }
        any = Some(any.unwrap_or(false) || fits);
    }
    any.unwrap_or(true)
}

fn within(bound: &str, value: &Json, limit: &Json) -> bool {
    let order = compare(value, limit);
    match bound {
        "gt" | "from" => order == Ordering::Greater || bound == "from" && order == Ordering::Equal,
        "gte" => order != Ordering::Less,
        "lt" => order == Ordering::Less,
        "lte" | "to" => order != Ordering::Greater,
        _ => true,
    }
}

fn compare(one: &Json, other: &Json) -> Ordering {
    match (one.number(), other.number()) {
        (Some(one), Some(other)) => one.total_cmp(&other),
        _ => one.term().cmp(&other.term()),
    }
}

/// The fields that `sort` of a body names, and whether downwards: fields, objects of fields, `_doc`, `_score`.
fn sort_keys(by: &Json) -> Vec<(String, bool)> {
    let key = |item: &Json| match item {
        Json::Text(text) => {
            let (field, order) = text.split_once(':').unwrap_or((text, "asc"));
            Some((field.to_owned(), order == "desc"))
        }
        Json::Object(fields) => {
            let (field, order) = fields.first()?;
            let order = order.get("order").unwrap_or(order);
            Some((field.clone(), order.text() == Some("desc")))
        }
        _ => None,
    };
    by.items().iter().take(4).filter_map(key).collect()
}

/// What a hit says that it was sorted by.
pub(super) fn sort_values(document: &Document<'_>, by: &Json) -> Json {
    let value = |(field, _): &(String, bool)| match field.as_str() {
        "_doc" | "_shard_doc" => document.sequence.into(),
        "_score" => 1.0.into(),
        _ => value_of(document, field).unwrap_or(Json::Null),
    };
    Json::List(sort_keys(by).iter().map(value).collect())
}

/// Sorts by `sort` of the body.
pub(super) fn sort(documents: &mut [Document<'_>], by: &Json) {
    let mut keys = sort_keys(by);
    keys.retain(|(field, _)| !matches!(field.as_str(), "_doc" | "_score" | "_shard_doc"));
    for (field, down) in keys.iter().rev() {
        let mut keyed: Vec<(Json, usize)> = documents
            .iter()
            .enumerate()
            .map(|(place, document)| (value_of(document, field).unwrap_or(Json::Null), place))
            .collect();
        keyed.sort_by(
            |one, other| if *down { compare(&other.0, &one.0) } else { compare(&one.0, &other.0) },
        );
        let mut target = vec![0; keyed.len()];
        keyed.iter().enumerate().for_each(|(to, (_, from))| target[*from] = to);
        apply(documents, target);
    }
}

/// Puts each to the place that `target` names.
fn apply<T>(items: &mut [T], mut target: Vec<usize>) {
    for place in 0..items.len() {
        while target[place] != place {
            let to = target[place];
            items.swap(place, to);
            target.swap(place, to);
        }
    }
}

/// The aggregations of a search over what it found.
pub(super) fn aggregate(
    wanted: &Json,
    found: &[Document<'_>],
    release: Release,
    meter: &mut Meter,
) -> Json {
    let mut answer = object! {};
    for (name, wish) in wanted.fields().iter().take(20) {
        let Some((kind, body)) = wish
            .fields()
            .iter()
            .find(|(key, _)| key != "aggs" && key != "aggregations" && key != "meta")
        else {
            continue;
        };
        if !meter.spend(u32::try_from(found.len()).unwrap_or(u32::MAX)) {
            break;
        }
        let field = body.get("field").and_then(Json::text).unwrap_or("_id");
        let values = found.iter().filter_map(|document| value_of(document, field));
        let result = match kind.as_str() {
            "terms" => terms(values, body.get("size").and_then(Json::count).unwrap_or(10), release),
            "cardinality" => {
                let distinct: std::collections::BTreeSet<String> =
                    values.map(|value| value.term()).collect();
                object! { "value" => distinct.len() }
            }
            "value_count" => object! { "value" => values.count() },
            "sum" | "avg" | "min" | "max" | "stats" => {
                statistics(kind, values.filter_map(|value| value.number()))
            }
            _ => object! { "doc_count" => found.len() },
        };
        answer.set(name, result);
    }
    answer
}

fn terms(values: impl Iterator<Item = Json>, size: usize, release: Release) -> Json {
    let mut counts: BTreeMap<String, (Json, usize)> = BTreeMap::new();
    for value in values {
        for value in value.items() {
            counts.entry(value.term()).or_insert_with(|| (value.clone(), 0)).1 += 1;
        }
    }
    let mut counts: Vec<(Json, usize)> = counts.into_values().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let rest: usize = counts.iter().skip(size.min(1_000)).map(|(_, count)| count).sum();
    counts.truncate(size.min(1_000));
    let bucket = |(key, count): (Json, usize)| {
        let key = match key {
            Json::Text(text) if release.is_old() => Json::Text(text.to_lowercase()),
            other => other,
        };
        object! { "key" => key, "doc_count" => count }
    };
    let buckets: Vec<Json> = counts.into_iter().map(bucket).collect();
    object! { "doc_count_error_upper_bound" => 0, "sum_other_doc_count" => rest, "buckets" => buckets }
}

fn statistics(kind: &str, numbers: impl Iterator<Item = f64>) -> Json {
    let numbers: Vec<f64> = numbers.collect();
    let sum: f64 = numbers.iter().sum();
    let some = |value: f64| if numbers.is_empty() { Json::Null } else { value.into() };
    let min = some(numbers.iter().copied().fold(f64::INFINITY, f64::min));
    let max = some(numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max));
    let avg = some(sum / numbers.len().max(1) as f64);
    match kind {
        "sum" => object! { "value" => sum },
        "avg" => object! { "value" => avg },
        "min" => object! { "value" => min },
        "max" => object! { "value" => max },
        _ => {
            object! { "count" => numbers.len(), "min" => min, "max" => max, "avg" => avg, "sum" => sum }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_a_shells_do_and_end_in_bounded_time() {
        assert!(wildcard(b"a*c?", b"abbcd") && wildcard(b"*", b"") && !wildcard(b"a*b", b"ac"));
    }
}
