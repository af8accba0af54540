//! The releases that can be pretended, with what tells one from another: numbers and hashes of the published builds, header names,
//! shapes of errors. 1.4.2 is the last with both holes in its scripts (CVE-2014-3120 needs what 1.4 has off by default and attackers
//! try anyway; CVE-2015-1427 and CVE-2015-3337 are its own); 7.17 has the product header that clients of 7.14 and later demand.

use super::json::{Json, object};
use crate::http::grammar::Version;

/// A release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    /// 1.4.2 of December 2014.
    V1_4_2,
    /// 5.6.16 of March 2019.
    V5_6_16,
    /// 6.8.23 of January 2022.
    V6_8_23,
    /// 7.17.9 of January 2023.
    V7_17_9,
}

/// An error in the words of every release: the short exception name of 5 and later, the class of 1.x, what is wrong.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) status: u16,
    kind: &'static str,
    class: &'static str,
    reason: String,
    /// Fields beside type and reason.
    extra: Vec<(String, Json)>,
}

impl Release {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::V1_4_2, Self::V5_6_16, Self::V6_8_23, Self::V7_17_9];

    /// The one of this number.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|release| release.number() == name)
    }

    /// Its number, which is the word for it in configuration.
    #[must_use]
    pub const fn number(self) -> &'static str {
        match self {
            Self::V1_4_2 => "1.4.2",
            Self::V5_6_16 => "5.6.16",
            Self::V6_8_23 => "6.8.23",
            Self::V7_17_9 => "7.17.9",
        }
    }

    pub(super) const fn build_hash(self) -> &'static str {
        match self {
            Self::V1_4_2 => "927caff6f05403e936c20bf4529f144f0c89fd8c",
            Self::V5_6_16 => "3a740d1",
            Self::V6_8_23 => "4f67856",
            Self::V7_17_9 => "ef48222227ee6b9e70e502f0f0daa52435ee634d",
        }
    }

    pub(super) const fn java(self) -> &'static str {
        match self {
            Self::V1_4_2 => "1.7.0_65",
            Self::V5_6_16 => "1.8.0_212",
            Self::V6_8_23 => "17.0.1",
            Self::V7_17_9 => "19.0.1",
        }
    }

    /// Shards of an index whose maker does not say.
    pub(super) const fn shards(self) -> u32 {
        if matches!(self, Self::V7_17_9) { 1 } else { 5 }
    }

    /// Whether indices have types that are named in paths.
    pub(super) const fn has_types(self) -> bool {
        !matches!(self, Self::V7_17_9)
    }

    /// Whether `script_fields` runs what it is given.
    pub(super) const fn runs_scripts(self) -> bool {
        matches!(self, Self::V1_4_2)
    }

    pub(super) const fn is_old(self) -> bool {
        matches!(self, Self::V1_4_2)
    }

    /// The `version` object of the front page.
    pub(super) fn version(self) -> Json {
        let mut version = object! { "number" => self.number() };
        let mut add = |key: &str, value: Json| version.set(key, value);
        if self >= Self::V6_8_23 {
            add("build_flavor", "default".into());
            add("build_type", "deb".into());
        }
        add("build_hash", self.build_hash().into());
        match self {
            Self::V1_4_2 => add("build_timestamp", "2014-12-16T14:11:12Z".into()),
            Self::V5_6_16 => add("build_date", "2019-03-13T15:33:36.565Z".into()),
            Self::V6_8_23 => add("build_date", "2022-01-06T21:30:50.087716Z".into()),
            Self::V7_17_9 => add("build_date", "2023-01-31T05:34:43.305517834Z".into()),
        }
        add("build_snapshot", false.into());
        let (lucene, least) = match self {
            Self::V1_4_2 => ("4.10.2", None),
            Self::V5_6_16 => ("6.6.1", None),
            Self::V6_8_23 => ("7.7.3", Some(("5.6.0", "5.0.0"))),
            Self::V7_17_9 => ("8.11.1", Some(("6.8.0", "6.0.0-beta1"))),
        };
        add("lucene_version", lucene.into());
        if let Some((wire, index)) = least {
            add("minimum_wire_compatibility_version", wire.into());
            add("minimum_index_compatibility_version", index.into());
        }
        version
    }

    /// Head lines of an answer, without the length. Netty answers in the version that was asked in.
    pub(super) fn head(self, version: Version, status: u16, kind: &str) -> String {
        let reason = match status {
            200 => "OK",
            201 => "Created",
            400 => "Bad Request",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            406 => "Not Acceptable",
            409 => "Conflict",
            413 => "Request Entity Too Large",
            429 => "Too Many Requests",
            500 => "Internal Server Error",
            503 => "Service Unavailable",
            _ => "Unknown",
        };
        let minor = u32::from(version >= Version::ONE_ONE);
        let start = format!("HTTP/1.{minor} {status} {reason}\r\n");
        match self {
            Self::V1_4_2 => format!("{start}Content-Type: {kind}\r\nContent-Length: "),
            Self::V7_17_9 => format!(
                "{start}X-elastic-product: Elasticsearch\r\nWarning: 299 Elasticsearch-{}-{} \"Elasticsearch built-in security features \
                 are not enabled. Without authentication, your cluster could be accessible to anyone. See \
                 https://www.elastic.co/guide/en/elasticsearch/reference/7.17/security-minimal-setup.html to enable security.\"\r\n\
                 content-type: {kind}\r\ncontent-length: ",
                self.number(),
                self.build_hash()
            ),
            _ => format!("{start}content-type: {kind}\r\ncontent-length: "),
        }
    }

    /// The body of an error.
    pub(super) fn error(self, fault: &Fault) -> Json {
        if self.is_old() {
            return object! { "error" => format!("{}[{}]", fault.class, fault.reason), "status" => u32::from(fault.status) };
        }
        let mut cause = object! { "type" => fault.kind, "reason" => fault.reason.as_str() };
        fault.extra.iter().for_each(|(key, value)| cause.set(key, value.clone()));
        let mut error = object! { "root_cause" => Json::List(vec![cause.clone()]) };
        error.merge(cause);
        object! { "error" => error, "status" => u32::from(fault.status) }
    }

    pub(super) fn no_index(self, name: &str) -> Fault {
        let reason = match self {
            Self::V1_4_2 => format!("[{name}] missing"),
            Self::V7_17_9 => format!("no such index [{name}]"),
            _ => "no such index".to_owned(),
        };
        Fault::new(404, "index_not_found_exception", "IndexMissingException", reason)
            .with("resource.type", "index_or_alias")
            .with("resource.id", name)
            .with("index_uuid", "_na_")
            .with("index", name)
    }

    pub(super) fn index_exists(self, name: &str, uuid: &str) -> Fault {
        let reason = match self {
            Self::V1_4_2 => format!("[{name}] already exists"),
            _ => format!("index [{name}/{uuid}] already exists"),
        };
        let kind = if self >= Self::V6_8_23 {
            "resource_already_exists_exception"
        } else {
            "index_already_exists_exception"
        };
        Fault::new(400, kind, "IndexAlreadyExistsException", reason)
            .with("index_uuid", uuid)
            .with("index", name)
    }

    pub(super) fn bad_name(self, name: &str, why: &str) -> Fault {
        let reason = match self {
            Self::V1_4_2 => format!("[{name}] Invalid index name [{name}], {why}"),
            _ => format!("Invalid index name [{name}], {why}"),
        };
        Fault::new(400, "invalid_index_name_exception", "InvalidIndexNameException", reason)
            .with("index_uuid", "_na_")
            .with("index", name)
    }
}

impl Fault {
    pub(super) const fn new(
        status: u16,
        kind: &'static str,
        class: &'static str,
        reason: String,
    ) -> Self {
        Self { status, kind, class, reason, extra: Vec::new() }
    }

    pub(super) fn with(mut self, key: &str, value: &str) -> Self {
        self.extra.push((key.to_owned(), value.into()));
        self
    }

    pub(super) fn parse(reason: &str) -> Self {
        Self::new(400, "parsing_exception", "SearchParseException", reason.to_owned())
    }

    pub(super) fn argument(reason: &str) -> Self {
        Self::new(
            400,
            "illegal_argument_exception",
            "ElasticsearchIllegalArgumentException",
            reason.to_owned(),
        )
    }

    /// Where the visitor's copy is full: what a node with a small heap says under load.
    pub(super) fn full() -> Self {
        let reason = "[parent] Data too large, data for [<http_request>] would be larger than limit of [1020054732/972.7mb]";
        Self::new(
            429,
            "circuit_breaking_exception",
            "EsRejectedExecutionException",
            reason.to_owned(),
        )
    }

    pub(super) fn kind(&self) -> &'static str {
        self.kind
    }

    /// As a part of a longer answer, such as that of `_bulk`.
    pub(super) fn short(&self) -> Json {
        object! { "type" => self.kind, "reason" => self.reason.as_str() }
    }
}
