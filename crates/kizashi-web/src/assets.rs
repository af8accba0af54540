//! The page's files, embedded as they are. Each has an ETag of its content, so that a browser keeps it and asks only whether
//! it is still the same: a new version of Kizashi shows at once.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

use crate::server::App;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// One file of the page.
struct Asset {
    path: &'static str,
    kind: &'static str,
    content: &'static [u8],
}

macro_rules! asset {
    ($path:literal, $kind:expr) => {
        Asset { path: $path, kind: $kind, content: include_bytes!(concat!("../assets", $path)) }
    };
}

const INDEX: Asset =
    Asset { path: "/", kind: HTML, content: include_bytes!("../assets/index.html") };
const SIGN_IN: &str = include_str!("../assets/sign-in.html");

const FILES: &[Asset] = &[
    INDEX,
    asset!("/icon.svg", SVG),
    asset!("/sign-in.css", CSS),
    asset!("/style.css", CSS),
    asset!("/api.js", SCRIPT),
    asset!("/app.js", SCRIPT),
    asset!("/chart.js", SCRIPT),
    asset!("/escape.js", SCRIPT),
    asset!("/format.js", SCRIPT),
    asset!("/html.js", SCRIPT),
    asset!("/language.js", SCRIPT),
    asset!("/parts.js", SCRIPT),
    asset!("/state.js", SCRIPT),
    asset!("/terminal.js", SCRIPT),
    asset!("/views/answer.js", SCRIPT),
    asset!("/views/feed.js", SCRIPT),
    asset!("/views/port.js", SCRIPT),
    asset!("/views/ports.js", SCRIPT),
    asset!("/views/session.js", SCRIPT),
    asset!("/views/sessions.js", SCRIPT),
    asset!("/views/sign.js", SCRIPT),
    asset!("/views/signs.js", SCRIPT),
    asset!("/views/words.js", SCRIPT),
    asset!("/words/en.js", SCRIPT),
    asset!("/words/ja.js", SCRIPT),
    asset!("/words/ports.ja.js", SCRIPT),
    asset!("/vendor/htm.js", SCRIPT),
    asset!("/vendor/preact.js", SCRIPT),
    asset!("/vendor/preact-hooks.js", SCRIPT),
    asset!("/vendor/signals.js", SCRIPT),
    asset!("/vendor/signals-core.js", SCRIPT),
    asset!("/vendor/uplot.css", CSS),
    asset!("/vendor/uplot.js", SCRIPT),
];

/// Adds a route for each file.
pub(crate) fn routes(router: Router<Arc<App>>) -> Router<Arc<App>> {
    FILES.iter().fold(router, |router, asset| {
        let tag: Arc<str> = Arc::from(entity_tag(asset.content));
        router.route(
            asset.path,
            get(move |headers: HeaderMap| {
                let tag = Arc::clone(&tag);
                async move { answer(asset, &tag, &headers) }
            }),
        )
    })
}

fn entity_tag(content: &[u8]) -> String {
    let mut tag = String::from("\"");
    for byte in Sha256::digest(content).iter().take(16) {
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

fn answer(asset: &'static Asset, tag: &str, headers: &HeaderMap) -> Response {
    let about = [
        (header::CONTENT_TYPE, asset.kind),
        (header::ETAG, tag),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    let known = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|tags| tags.split(','))
        .any(|known| known.trim().trim_start_matches("W/") == tag);
    if known {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    (about, asset.content).into_response()
}

/// The sign-in page, which says so when the token was wrong.
pub(crate) fn sign_in(status: StatusCode) -> Response {
    (status, [(header::CONTENT_TYPE, HTML)], SIGN_IN).into_response()
}
