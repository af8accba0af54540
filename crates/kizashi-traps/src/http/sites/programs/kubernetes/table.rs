//! Lists as kubectl asks for them (`Accept: application/json;as=Table`): the server chooses columns and writes the cells, so that a client without
//! knowledge of a kind can print it (kubernetes, pkg/printers/internalversion/printers.go). A client that is given a plain list prints names and ages
//! alone, by which this server would be known.

use kizashi_event::Timestamp;
use serde_json::Value;

use super::shown::quoted;
use super::{SiteAnswer, SiteRequest};
use crate::http::rules::Reaction;
use crate::http::sites::answer::Says;

/// A column: its name, its type, and what stands in it.
type Column = (&'static str, &'static str, fn(&Value) -> String);

const NAME: Column = ("Name", "string", |item| text(&item["metadata"]["name"]));
const POD: [Column; 4] = [
    NAME,
    ("Ready", "string", |pod| {
        let count = pod["spec"]["containers"].as_array().map_or(1, Vec::len);
        let ready = if pod["status"]["phase"] == "Running" { count } else { 0 };
        format!("{ready}/{count}")
    }),
    ("Status", "string", |pod| text(&pod["status"]["phase"])),
    ("Restarts", "string", |_| "0".to_owned()),
];
const NODE: [Column; 4] = [
    NAME,
    ("Status", "string", |_| "Ready".to_owned()),
    ("Roles", "string", |_| "control-plane".to_owned()),
    ("Version", "string", |node| text(&node["status"]["nodeInfo"]["kubeletVersion"])),
];
const NAMESPACE: [Column; 2] = [NAME, ("Status", "string", |item| text(&item["status"]["phase"]))];
const SECRET: [Column; 3] = [
    NAME,
    ("Type", "string", |secret| text(&secret["type"])),
    ("Data", "string", |secret| {
        secret["data"].as_object().map_or(0, serde_json::Map::len).to_string()
    }),
];
const SERVICE: [Column; 5] = [
    NAME,
    ("Type", "string", |service| text(&service["spec"]["type"])),
    ("Cluster-IP", "string", |service| text(&service["spec"]["clusterIP"])),
    ("External-IP", "string", |_| "<none>".to_owned()),
    ("Port(s)", "string", |service| {
        let port = &service["spec"]["ports"][0];
        format!("{}/{}", port["port"], text(&port["protocol"]))
    }),
];
const ACCOUNT: [Column; 2] = [NAME, ("Secrets", "string", |_| "0".to_owned())];

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("<none>").to_owned()
}

/// The answer as a table, where the client wants one and it holds anything that can be listed.
pub(super) fn of(said: SiteAnswer, request: &SiteRequest<'_>) -> SiteAnswer {
    let accepted = request.subject.header("Accept").unwrap_or_default();
    let wanted = accepted.windows(8).any(|window| window == b"as=Table");
    match said.says {
        Says::Reacts(Reaction::Answer(mut plain)) if wanted && plain.status == 200 => {
            if let Some(table) = table(&plain.body, request.scene.now) {
                plain.body = table.into_bytes();
            }
            SiteAnswer { says: Says::Reacts(Reaction::Answer(plain)), ..said }
        }
        other => SiteAnswer { says: other, ..said },
    }
}

fn table(body: &[u8], now: Timestamp) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let kind = body["kind"].as_str()?;
    let (kind, items) = match (kind.strip_suffix("List"), body["items"].as_array()) {
        (Some(kind), Some(items)) => (kind, items.as_slice()),
        _ => (kind, std::slice::from_ref(&body)),
    };
    let columns: &[Column] = match kind {
        "Status" | "APIGroup" | "APIResource" | "APIVersions" => return None,
        "Pod" => &POD,
        "Node" => &NODE,
        "Namespace" => &NAMESPACE,
        "Secret" => &SECRET,
        "Service" => &SERVICE,
        "ServiceAccount" => &ACCOUNT,
        _ => &[NAME],
    };
    let definition = |name: &str, kind: &str| {
        let format = if name == "Name" { "name" } else { "" };
        format!(
            "{{\"name\":\"{name}\",\"type\":\"{kind}\",\"format\":\"{format}\",\"description\":\"\",\"priority\":0}}"
        )
    };
    // The age stands last, but before a node's version.
    let age = if kind == "Node" { columns.len() - 1 } else { columns.len() };
    let mut definitions: Vec<String> =
        columns.iter().map(|(name, kind, _)| definition(name, kind)).collect();
    definitions.insert(age, definition("Age", "string"));
    let row = |item: &Value| {
        let mut cells: Vec<String> =
            columns.iter().map(|(_, _, cell)| quoted(&cell(item))).collect();
        cells.insert(age, quoted(&age_of(item, now)));
        format!(
            "{{\"cells\":[{}],\"object\":{{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":{}}}}}",
            cells.join(","),
            item["metadata"]
        )
    };
    let rows: Vec<String> = items.iter().map(row).collect();
    let revision = text(&body["metadata"]["resourceVersion"]);
    Some(format!(
        "{{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":{{\"resourceVersion\":{}}},\"columnDefinitions\":[{}],\"rows\":[{}]}}\n",
        quoted(&revision),
        definitions.join(","),
        rows.join(",")
    ))
}

fn age_of(item: &Value, now: Timestamp) -> String {
    let born = item["metadata"]["creationTimestamp"].as_str();
    let born = born.and_then(|text| Timestamp::parse(text).ok());
    born.map_or_else(|| "<unknown>".to_owned(), |born| span(now.seconds() - born.seconds()))
}

/// A length of time as `k8s.io/apimachinery/pkg/util/duration` writes it: two units where the larger is small.
fn span(seconds: i64) -> String {
    let (minutes, hours, days, years) =
        (seconds / 60, seconds / 3_600, seconds / 86_400, seconds / 86_400 / 365);
    let two = |large: i64, unit: char, small: i64, of: char| match small {
        0 => format!("{large}{unit}"),
        small => format!("{large}{unit}{small}{of}"),
    };
    match seconds {
        ..0 => "<invalid>".to_owned(),
        0..120 => format!("{seconds}s"),
        120..600 => two(minutes, 'm', seconds % 60, 's'),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, 'h', minutes % 60, 'm'),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, 'd', hours % 24, 'h'),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => two(years, 'y', days % 365, 'd'),
        _ => format!("{years}y"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_written_as_kubectl_writes_them() {
        let spans = [
            (-5, "<invalid>"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (125, "2m5s"),
            (3_600, "60m"),
            (10_860, "3h1m"),
            (86_400, "24h"),
            (180_000, "2d2h"),
            (86_400 * 30, "30d"),
            (86_400 * 1_428, "3y333d"),
            (86_400 * 365 * 9, "9y"),
        ];
        for (seconds, expected) in spans {
            assert_eq!(span(seconds), expected);
        }
    }

    #[test]
    fn a_list_becomes_a_table_of_its_kinds_columns_and_an_error_stays_one() {
        let pods = br#"{"kind":"PodList","metadata":{"resourceVersion":"7"},"items":[{"metadata":{"name":"web","creationTimestamp":"2026-01-01T00:00:00Z"},"spec":{"containers":[{},{}]},"status":{"phase":"Running"}}]}"#;
        let now = Timestamp::parse("2026-01-01T01:00:00Z").unwrap();
        let table: Value = serde_json::from_str(&table(pods, now).unwrap()).unwrap();
        assert_eq!(
            table["rows"][0]["cells"],
            serde_json::json!(["web", "2/2", "Running", "0", "60m"])
        );
        let names = table["columnDefinitions"].as_array().unwrap().iter();
        let names: Vec<&str> = names.filter_map(|column| column["name"].as_str()).collect();
        assert_eq!(names, ["Name", "Ready", "Status", "Restarts", "Age"]);
        assert_eq!(super::table(br#"{"kind":"Status","code":404}"#, now), None);
        assert_eq!(super::table(b"uid=0(root)", now), None);
    }
}
