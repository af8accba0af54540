//! Commands that read: find and what goes on from it, counts, distinct values, simple pipelines, lists of collections.

use std::collections::VecDeque;

use super::{Answer, CURSOR_BYTES, CURSORS, Cursor, Failure, Scene};
use crate::mongodb::bson::{Document, Value, document, field, size};
use crate::mongodb::matching::{at_path, compare, matches, project, sort};

/// Documents of a first batch where the client names no number, and bytes of any batch.
const BATCH: usize = 101;
const BATCH_BYTES: usize = 96 * 1024;

pub(super) fn answer(scene: &mut Scene<'_>, verb: &[u8]) -> Option<Answer> {
    Some(match verb {
        b"find" => find(scene),
        b"getMore" => more(scene),
        b"count" => count(scene),
        b"distinct" => distinct(scene),
        b"aggregate" => aggregate(scene),
        b"listCollections" => collections(scene),
        b"listIndexes" => indexes(scene),
        b"collStats" | b"collstats" => statistics(scene),
        b"validate" => Ok(document([
            ("valid", Value::Bool(true)),
            ("nrecords", number(documents(scene, &scene.collection().unwrap_or_default()).len())),
        ])),
        _ => return None,
    })
}

fn number(number: usize) -> Value {
    Value::Int(i32::try_from(number).unwrap_or(i32::MAX))
}

fn documents(scene: &Scene<'_>, collection: &[u8]) -> Vec<Document> {
    scene
        .copy
        .collection(scene.database, collection)
        .map(|found| found.to_vec())
        .unwrap_or_default()
}

fn bound(value: Option<&Value>) -> Option<usize> {
    let number = value.and_then(Value::whole)?;
    usize::try_from(number.unsigned_abs()).ok().filter(|number| *number > 0)
}

fn cut(found: &mut Vec<Document>, skip: Option<usize>, limit: Option<usize>) {
    found.drain(..skip.unwrap_or(0).min(found.len()));
    found.truncate(limit.unwrap_or(usize::MAX));
}

fn find(scene: &mut Scene<'_>) -> Answer {
    let collection = scene.collection()?;
    let filter = scene.document_of("filter");
    let mut found = documents(scene, &collection);
    found.retain(|document| matches(document, &filter));
    sort(&mut found, &scene.document_of("sort"));
    cut(&mut found, bound(scene.argument("skip")), bound(scene.argument("limit")));
    let projection = scene.document_of("projection");
    if !projection.is_empty() {
        found = found.iter().map(|document| project(document, &projection)).collect();
    }
    let name = scene.namespace(&collection);
    let batch = scene
        .argument("batchSize")
        .and_then(Value::whole)
        .map_or(BATCH, |size| usize::try_from(size).unwrap_or(BATCH));
    Ok(cursor(scene, name, found.into(), batch))
}

/// So many of them, within the bytes of a batch.
fn take(left: &mut VecDeque<Document>, batch: usize) -> Value {
    let mut bytes = 0;
    let mut taken = Vec::new();
    while taken.len() < batch {
        let Some(next) = left.front().map(|next| size(next)) else { break };
        if !taken.is_empty() && bytes + next > BATCH_BYTES {
            break;
        }
        bytes += next;
        taken.extend(left.pop_front().map(Value::Document));
    }
    Value::Array(taken)
}

/// A first batch, and a cursor for the rest if there is one.
fn cursor(
    scene: &mut Scene<'_>,
    name: Vec<u8>,
    mut left: VecDeque<Document>,
    batch: usize,
) -> Document {
    let first = take(&mut left, batch);
    let mut id = 0;
    if !left.is_empty() {
        let bytes: usize = left.iter().map(|document| size(document)).sum();
        let held: usize = scene.connection.cursors.iter().map(|cursor| cursor.bytes).sum();
        if scene.connection.cursors.len() < CURSORS && held + bytes <= CURSOR_BYTES {
            scene.connection.last_cursor = scene
                .connection
                .last_cursor
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            id = scene.connection.last_cursor & i64::MAX | 1;
            scene.connection.cursors.push(Cursor { id, name: name.clone(), left, bytes });
        }
    }
    let inner =
        document([("firstBatch", first), ("id", Value::Long(id)), ("ns", Value::Text(name))]);
    document([("cursor", Value::Document(inner))])
}

fn more(scene: &mut Scene<'_>) -> Answer {
    let wanted = scene.command.first().and_then(|(_, value)| value.whole()).unwrap_or(0);
    let batch = bound(scene.argument("batchSize")).unwrap_or(BATCH);
    let Some(place) = scene.connection.cursors.iter().position(|cursor| cursor.id == wanted) else {
        return Err(Failure::new(43, "CursorNotFound", format!("cursor id {wanted} not found")));
    };
    let cursor = &mut scene.connection.cursors[place];
    let next = take(&mut cursor.left, batch);
    cursor.bytes = cursor.left.iter().map(|document| size(document)).sum();
    let name = cursor.name.clone();
    let over = cursor.left.is_empty();
    if over {
        scene.connection.cursors.remove(place);
    }
    let inner = document([
        ("nextBatch", next),
        ("id", Value::Long(if over { 0 } else { wanted })),
        ("ns", Value::Text(name)),
    ]);
    Ok(document([("cursor", Value::Document(inner))]))
}

fn count(scene: &Scene<'_>) -> Answer {
    let collection = scene.collection()?;
    let filter = scene.document_of("query");
    let mut found = documents(scene, &collection);
    found.retain(|document| matches(document, &filter));
    cut(&mut found, bound(scene.argument("skip")), bound(scene.argument("limit")));
    Ok(document([("n", number(found.len()))]))
}

fn distinct(scene: &Scene<'_>) -> Answer {
    let collection = scene.collection()?;
    let filter = scene.document_of("query");
    let key = scene.argument("key").and_then(Value::as_text).unwrap_or_default();
    let mut values: Vec<Value> = Vec::new();
    for one in documents(scene, &collection).iter().filter(|document| matches(document, &filter)) {
        if let Some(value) = at_path(one, key).filter(|value| !values.contains(value)) {
            values.push(value.clone());
        }
    }
    values.sort_by(compare);
    Ok(document([("values", Value::Array(values))]))
}

/// A pipeline of the stages that clients and thieves use.
#[expect(clippy::too_many_lines, reason = "one flat list")]
fn aggregate(scene: &mut Scene<'_>) -> Answer {
    const STAGES: usize = 16;
    if scene.argument("cursor").is_none() && scene.argument("explain").is_none() {
        return Err(Failure::new(
            9,
            "FailedToParse",
            "The 'cursor' option is required, except for aggregate with the explain argument",
        ));
    }
    let collection = scene
        .command
        .first()
        .and_then(|(_, value)| value.as_text())
        .unwrap_or(b"$cmd.aggregate")
        .to_vec();
    let mut found = documents(scene, &collection);
    let stages = scene.argument("pipeline").and_then(Value::as_array).unwrap_or_default().to_vec();
    for stage in stages.iter().take(STAGES) {
        let Some((name, value)) = stage.as_document().and_then(|stage| stage.first()) else {
            return Err(Failure::new(
                40_323,
                "Location40323",
                "A pipeline stage specification object must contain exactly one field.",
            ));
        };
        let inner = value.as_document().cloned().unwrap_or_default();
        match name.as_slice() {
            b"$match" => found.retain(|document| matches(document, &inner)),
            b"$limit" => found.truncate(bound(Some(value)).unwrap_or(0)),
            b"$skip" => cut(&mut found, bound(Some(value)), None),
            b"$sort" => sort(&mut found, &inner),
            b"$project" => found = found.iter().map(|document| project(document, &inner)).collect(),
            b"$sample" => found.truncate(
                field(&inner, "size")
                    .and_then(Value::whole)
                    .and_then(|size| usize::try_from(size).ok())
                    .unwrap_or(1),
            ),
            b"$count" => {
                let name = value.as_text().unwrap_or(b"count").to_vec();
                found = vec![vec![(name, number(found.len()))]];
            }
            b"$group" => found = group(&found, &inner),
            b"$collStats" | b"$indexStats" | b"$currentOp" | b"$unwind" | b"$lookup" | b"$set"
            | b"$addFields" => {}
            b"$out" | b"$merge" => {
                scene.class("collection written");
                found.clear();
            }
            other => {
                let message =
                    [b"Unrecognized pipeline stage name: '", &other[..other.len().min(128)], b"'"]
                        .concat();
                return Err(Failure::new(40_324, "Location40324", message));
            }
        }
    }
    let name = scene.namespace(&collection);
    let batch = field(&scene.document_of("cursor"), "batchSize")
        .and_then(Value::whole)
        .and_then(|size| usize::try_from(size).ok());
    Ok(cursor(scene, name, found.into(), batch.unwrap_or(BATCH)))
}

/// `$group` by one field or none, counting: what `countDocuments` of drivers asks.
fn group(found: &[Document], stage: &Document) -> Vec<Document> {
    const GROUPS: usize = 500;
    let key = field(stage, "_id").unwrap_or(&Value::Null);
    let path = key.as_text().and_then(|text| text.strip_prefix(b"$"));
    let mut groups: Vec<(Value, Vec<&Document>)> = Vec::new();
    for one in found {
        let value = path
            .map_or_else(|| key.clone(), |path| at_path(one, path).cloned().unwrap_or(Value::Null));
        match groups.iter().position(|(known, _)| *known == value) {
            Some(place) => groups[place].1.push(one),
            None if groups.len() < GROUPS => groups.push((value, vec![one])),
            None => {}
        }
    }
    let sum = |members: &[&Document], of: &Value| match of
        .as_text()
        .and_then(|text| text.strip_prefix(b"$"))
    {
        Some(path) => {
            let each = members.iter().filter_map(|one| at_path(one, path)?.whole());
            each.fold(0, i64::saturating_add)
        }
        None => of.whole().unwrap_or(0).saturating_mul(i64::try_from(members.len()).unwrap_or(0)),
    };
    groups
        .into_iter()
        .map(|(value, members)| {
            let mut one = document([("_id", value)]);
            for (name, accumulator) in stage.iter().filter(|(name, _)| name != b"_id") {
                let of =
                    accumulator.as_document().and_then(|accumulator| field(accumulator, "$sum"));
                let total = of.map_or(0, |of| sum(&members, of));
                one.push((
                    name.clone(),
                    i32::try_from(total).map_or(Value::Long(total), Value::Int),
                ));
            }
            one
        })
        .collect()
}

fn collections(scene: &mut Scene<'_>) -> Answer {
    let filter = scene.document_of("filter");
    let names: Vec<Vec<u8>> = scene
        .copy
        .databases
        .get(scene.database)
        .into_iter()
        .flatten()
        .map(|(name, _)| name.clone())
        .collect();
    let listed = names.into_iter().map(|name| {
        let index = document([
            ("v", Value::Int(2)),
            ("key", Value::Document(document([("_id", Value::Int(1))]))),
            ("name", Value::text("_id_")),
        ]);
        document([
            ("name", Value::Text(name)),
            ("type", Value::text("collection")),
            ("options", Value::Document(Document::new())),
            ("info", Value::Document(document([("readOnly", Value::Bool(false))]))),
            ("idIndex", Value::Document(index)),
        ])
    });
    let listed: VecDeque<Document> = listed.filter(|one| matches(one, &filter)).collect();
    let name = scene.namespace(b"$cmd.listCollections");
    Ok(cursor(scene, name, listed, 1_000))
}

fn no_namespace(scene: &Scene<'_>, collection: &[u8]) -> Failure {
    Failure::new(
        26,
        "NamespaceNotFound",
        [b"ns does not exist: ", &scene.namespace(collection)[..]].concat(),
    )
}

fn indexes(scene: &mut Scene<'_>) -> Answer {
    let collection = scene.collection()?;
    if scene.copy.collection(scene.database, &collection).is_none() {
        return Err(no_namespace(scene, &collection));
    }
    let index = document([
        ("v", Value::Int(2)),
        ("key", Value::Document(document([("_id", Value::Int(1))]))),
        ("name", Value::text("_id_")),
    ]);
    let name = scene.namespace(&collection);
    Ok(cursor(scene, name, [index].into(), 1_000))
}

fn statistics(scene: &Scene<'_>) -> Answer {
    let collection = scene.collection()?;
    let found = documents(scene, &collection);
    let bytes: usize = found.iter().map(|document| size(document)).sum();
    Ok(document([
        ("ns", Value::Text(scene.namespace(&collection))),
        ("size", number(bytes)),
        ("count", number(found.len())),
        ("storageSize", number(bytes.next_multiple_of(4_096).max(4_096))),
        ("nindexes", Value::Int(1)),
    ]))
}
