//! Commands that write: insert, update, delete, and what drops collections and databases.

use super::{Answer, Failure, Scene};
use crate::mongodb::bson::{Document, Value, document, field, size};
use crate::mongodb::matching::{matches, sort, updated};

/// Documents that one command may write.
const MOST: usize = 256;

pub(super) fn answer(scene: &mut Scene<'_>, verb: &[u8]) -> Option<Answer> {
    Some(match verb {
        b"insert" => insert(scene),
        b"update" => update(scene),
        b"delete" => delete(scene),
        b"findAndModify" | b"findandmodify" => find_and_modify(scene),
        b"drop" => drop_collection(scene),
        b"dropDatabase" => {
            scene.class("deletion");
            let gone = scene.copy.databases.remove(scene.database).is_some();
            Ok(if gone {
                document([("dropped", Value::Text(scene.database.to_vec()))])
            } else {
                Document::new()
            })
        }
        b"create" => create(scene),
        b"createIndexes" => {
            Ok(document([("numIndexesBefore", Value::Int(1)), ("numIndexesAfter", Value::Int(2))]))
        }
        b"dropIndexes" | b"deleteIndexes" => Ok(document([("nIndexesWas", Value::Int(1))])),
        b"renameCollection" => rename(scene),
        _ => return None,
    })
}

fn number(number: usize) -> Value {
    Value::Int(i32::try_from(number).unwrap_or(i32::MAX))
}

fn full() -> Failure {
    Failure::new(14_031, "OutOfDiskSpace", "Can't take a write lock while out of disk space")
}

/// The documents that an argument holds.
fn listed(scene: &Scene<'_>, name: &str) -> Vec<Document> {
    let members = scene.argument(name).and_then(Value::as_array).unwrap_or_default();
    members.iter().filter_map(Value::as_document).take(MOST).cloned().collect()
}

fn insert(scene: &mut Scene<'_>) -> Answer {
    let collection = scene.collection()?;
    let given = listed(scene, "documents");
    let mut written = 0;
    for mut one in given {
        scene.look(&one);
        if field(&one, "_id").is_none() {
            one.insert(0, (b"_id".to_vec(), scene.copy.identifier(scene.now)));
        }
        if !scene.copy.admits(size(&one)) {
            return Err(full());
        }
        let id = field(&one, "_id").cloned();
        let kept = scene.copy.change(scene.database, &collection, |documents| {
            let known = documents.iter().any(|other| field(other, "_id") == id.as_ref());
            if !known {
                documents.push(one);
            }
            !known
        });
        match kept {
            Some(true) => written += 1,
            Some(false) => {
                let message = [
                    b"E11000 duplicate key error collection: ",
                    &scene.namespace(&collection)[..],
                    b" index: _id_ dup key",
                ]
                .concat();
                let error = document([
                    ("index", number(written)),
                    ("code", Value::Int(11_000)),
                    ("errmsg", Value::Text(message)),
                ]);
                return Ok(document([
                    ("n", number(written)),
                    ("writeErrors", Value::Array(vec![Value::Document(error)])),
                ]));
            }
            None => return Err(full()),
        }
    }
    Ok(document([("n", number(written))]))
}

fn update(scene: &mut Scene<'_>) -> Answer {
    let collection = scene.collection()?;
    let (mut found, mut modified) = (0, 0);
    let mut upserted = Vec::new();
    for (place, one) in listed(scene, "updates").into_iter().enumerate() {
        let inner = |name: &str| {
            field(&one, name).and_then(Value::as_document).cloned().unwrap_or_default()
        };
        let (filter, change) = (inner("q"), inner("u"));
        let truth = |name: &str| field(&one, name).is_some_and(Value::truth);
        scene.look(&change);
        if !scene.copy.admits(size(&change)) {
            return Err(full());
        }
        let many = truth("multi");
        let there = scene.copy.collection(scene.database, &collection).is_some();
        let (matched, changed) = if there {
            let act = |documents: &mut Vec<Document>| apply(documents, &filter, &change, many);
            scene.copy.change(scene.database, &collection, act).unwrap_or_default()
        } else {
            (0, 0)
        };
        found += matched;
        modified += changed;
        if matched == 0 && truth("upsert") {
            let plain = filter.iter().filter(|(name, value)| {
                name.first() != Some(&b'$') && value.as_document().is_none()
            });
            let mut fresh = updated(&plain.cloned().collect(), &change);
            if field(&fresh, "_id").is_none() {
                fresh.insert(0, (b"_id".to_vec(), scene.copy.identifier(scene.now)));
            }
            let id = field(&fresh, "_id").cloned().unwrap_or(Value::Null);
            scene
                .copy
                .change(scene.database, &collection, |documents| documents.push(fresh))
                .ok_or_else(full)?;
            found += 1;
            upserted.push(Value::Document(document([("index", number(place)), ("_id", id)])));
        }
    }
    let mut answer = document([("n", number(found)), ("nModified", number(modified))]);
    if !upserted.is_empty() {
        answer.push((b"upserted".to_vec(), Value::Array(upserted)));
    }
    Ok(answer)
}

/// How many a change met, and how many it changed.
fn apply(
    documents: &mut [Document],
    filter: &Document,
    change: &Document,
    many: bool,
) -> (usize, usize) {
    let (mut found, mut modified) = (0, 0);
    for one in documents.iter_mut().filter(|document| matches(document, filter)) {
        let next = updated(one, change);
        found += 1;
        modified += usize::from(*one != next);
        *one = next;
        if !many {
            break;
        }
    }
    (found, modified)
}

fn delete(scene: &mut Scene<'_>) -> Answer {
    let collection = scene.collection()?;
    scene.class("deletion");
    let mut gone = 0;
    for one in listed(scene, "deletes") {
        let filter = field(&one, "q").and_then(Value::as_document).cloned().unwrap_or_default();
        let single = field(&one, "limit").and_then(Value::whole) == Some(1);
        if scene.copy.collection(scene.database, &collection).is_none() {
            continue;
        }
        let removed = scene.copy.change(scene.database, &collection, |documents| {
            let before = documents.len();
            let mut left = if single { 1 } else { usize::MAX };
            documents.retain(|document| {
                let goes = left > 0 && matches(document, &filter);
                left -= usize::from(goes);
                !goes
            });
            before - documents.len()
        });
        gone += removed.unwrap_or(0);
    }
    Ok(document([("n", number(gone))]))
}

fn find_and_modify(scene: &mut Scene<'_>) -> Answer {
    let collection = scene.collection()?;
    let filter = scene.document_of("query");
    let change = scene.document_of("update");
    let removes = scene.argument("remove").is_some_and(Value::truth);
    let wants_new = scene.argument("new").is_some_and(Value::truth);
    let mut found = scene
        .copy
        .collection(scene.database, &collection)
        .map(|all| all.to_vec())
        .unwrap_or_default();
    found.retain(|document| matches(document, &filter));
    sort(&mut found, &scene.document_of("sort"));
    let Some(old) = found.into_iter().next() else {
        let inner = document([("n", Value::Int(0)), ("updatedExisting", Value::Bool(false))]);
        return Ok(document([("lastErrorObject", Value::Document(inner)), ("value", Value::Null)]));
    };
    if removes {
        scene.class("deletion");
    } else {
        scene.look(&change);
    }
    if !scene.copy.admits(size(&change)) {
        return Err(full());
    }
    let next = updated(&old, &change);
    scene.copy.change(scene.database, &collection, |documents| {
        if let Some(place) = documents.iter().position(|document| *document == old) {
            if removes {
                documents.remove(place);
            } else {
                documents[place] = next.clone();
            }
        }
    });
    let value = if wants_new && !removes { next } else { old };
    let inner = document([("n", Value::Int(1)), ("updatedExisting", Value::Bool(!removes))]);
    Ok(document([("lastErrorObject", Value::Document(inner)), ("value", Value::Document(value))]))
}

fn drop_collection(scene: &mut Scene<'_>) -> Answer {
    let collection = scene.collection()?;
    scene.class("deletion");
    let name = scene.namespace(&collection);
    let Some(database) = scene.copy.databases.get_mut(scene.database) else {
        return Err(Failure::new(26, "NamespaceNotFound", "ns not found"));
    };
    if database.remove(&collection).is_none() {
        return Err(Failure::new(26, "NamespaceNotFound", "ns not found"));
    }
    if database.is_empty() {
        scene.copy.databases.remove(scene.database);
    }
    Ok(document([("nIndexesWas", Value::Int(1)), ("ns", Value::Text(name))]))
}

fn create(scene: &mut Scene<'_>) -> Answer {
    let collection = scene.collection()?;
    if scene.copy.collection(scene.database, &collection).is_some() {
        let name = scene.namespace(&collection);
        return Err(Failure::new(
            48,
            "NamespaceExists",
            [b"a collection '", &name[..], b"' already exists"].concat(),
        ));
    }
    scene.copy.change(scene.database, &collection, |_| ()).ok_or_else(full)?;
    Ok(Document::new())
}

fn rename(scene: &mut Scene<'_>) -> Answer {
    let split = |name: &[u8]| {
        let dot = name.iter().position(|byte| *byte == b'.')?;
        Some((name[..dot].to_vec(), name[dot + 1..].to_vec()))
    };
    let from = scene.collection()?;
    let to = scene.argument("to").and_then(Value::as_text).unwrap_or_default().to_vec();
    let (Some((old, collection)), Some((new, name))) = (split(&from), split(&to)) else {
        return Err(Failure::new(
            73,
            "InvalidNamespace",
            [b"Invalid target namespace: ", &to[..]].concat(),
        ));
    };
    let Some(moved) =
        scene.copy.databases.get_mut(&old).and_then(|database| database.remove(&collection))
    else {
        return Err(Failure::new(
            26,
            "NamespaceNotFound",
            [b"Source collection ", &from[..], b" does not exist"].concat(),
        ));
    };
    scene.copy.change(&new, &name, |documents| *documents = moved.to_vec()).ok_or_else(full)?;
    Ok(Document::new())
}
