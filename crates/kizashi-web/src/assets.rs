//! The page's files, embedded as they are. Each has an ETag of its content, so that a browser keeps it and asks only whether
//! it is still the same: a new version of Kizashi shows at once. Text goes as gzip where the browser takes that.

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::Compression;
use sha2::{Digest, Sha256};

use crate::compress;
use crate::server::App;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";
/// Packed already.
const FONT: &str = "font/woff2";

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
    asset!("/api.js", SCRIPT),
    asset!("/app.js", SCRIPT),
    asset!("/canvas.js", SCRIPT),
    asset!("/chart.js", SCRIPT),
    asset!("/decode.js", SCRIPT),
    asset!("/desktop.js", SCRIPT),
    asset!("/escape.js", SCRIPT),
    asset!("/format.js", SCRIPT),
    asset!("/html.js", SCRIPT),
    asset!("/icon.svg", SVG),
    asset!("/icons.js", SCRIPT),
    asset!("/language.js", SCRIPT),
    asset!("/more.js", SCRIPT),
    asset!("/pages.js", SCRIPT),
    asset!("/parts.js", SCRIPT),
    asset!("/plot.js", SCRIPT),
    asset!("/router.js", SCRIPT),
    asset!("/shortcuts.js", SCRIPT),
    asset!("/sign-in.css", CSS),
    asset!("/state.js", SCRIPT),
    asset!("/style.css", CSS),
    asset!("/terminal.js", SCRIPT),
    asset!("/theme.js", SCRIPT),
    asset!("/things.js", SCRIPT),
    asset!("/timeline.js", SCRIPT),
    asset!("/window.js", SCRIPT),
    asset!("/views/bench.js", SCRIPT),
    asset!("/views/content.js", SCRIPT),
    asset!("/views/copy.js", SCRIPT),
    asset!("/views/day.js", SCRIPT),
    asset!("/views/desk.js", SCRIPT),
    asset!("/views/feed.js", SCRIPT),
    asset!("/views/health.js", SCRIPT),
    asset!("/views/home.css", CSS),
    asset!("/views/home.js", SCRIPT),
    asset!("/views/item.js", SCRIPT),
    asset!("/views/live.css", CSS),
    asset!("/views/live.js", SCRIPT),
    asset!("/views/map.js", SCRIPT),
    asset!("/views/port.js", SCRIPT),
    asset!("/views/ports.css", CSS),
    asset!("/views/ports-grid.js", SCRIPT),
    asset!("/views/ports.js", SCRIPT),
    asset!("/views/ranking.js", SCRIPT),
    asset!("/views/search.js", SCRIPT),
    asset!("/views/sensor.js", SCRIPT),
    asset!("/views/sensor-choice.js", SCRIPT),
    asset!("/views/sensors.js", SCRIPT),
    asset!("/views/session.js", SCRIPT),
    asset!("/views/sessions.css", CSS),
    asset!("/views/sessions.js", SCRIPT),
    asset!("/views/settings.css", CSS),
    asset!("/views/settings.js", SCRIPT),
    asset!("/views/sign.css", CSS),
    asset!("/views/sign-places.js", SCRIPT),
    asset!("/views/sign.js", SCRIPT),
    asset!("/views/signs.js", SCRIPT),
    asset!("/views/things.css", CSS),
    asset!("/views/switches.js", SCRIPT),
    asset!("/views/tuning.js", SCRIPT),
    asset!("/views/verdict.js", SCRIPT),
    asset!("/views/who.js", SCRIPT),
    asset!("/views/words.js", SCRIPT),
    asset!("/words/en.js", SCRIPT),
    asset!("/words/ja.js", SCRIPT),
    asset!("/words/more.en.js", SCRIPT),
    asset!("/words/more.ja.js", SCRIPT),
    asset!("/words/ports.ja.js", SCRIPT),
    asset!("/vendor/figtree.woff2", FONT),
    asset!("/vendor/htm.js", SCRIPT),
    asset!("/vendor/preact-hooks.js", SCRIPT),
    asset!("/vendor/preact.js", SCRIPT),
    asset!("/vendor/signals-core.js", SCRIPT),
    asset!("/vendor/world.js", SCRIPT),
    asset!("/vendor/signals.js", SCRIPT),
];

/// What is made of a file when it is first asked for as gzip.
type Packed = Arc<OnceLock<Vec<u8>>>;

/// Adds a route for each file.
pub(crate) fn routes(router: Router<Arc<App>>) -> Router<Arc<App>> {
    FILES.iter().fold(router, |router, asset| {
        let tag: Arc<str> = Arc::from(entity_tag(asset.content));
        let packed = Packed::default();
        router.route(
            asset.path,
            get(move |headers: HeaderMap| {
                let (tag, packed) = (Arc::clone(&tag), Arc::clone(&packed));
                async move { answer(asset, &tag, &packed, &headers) }
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

fn answer(asset: &'static Asset, tag: &str, packed: &Packed, headers: &HeaderMap) -> Response {
    let is_packed = asset.kind != FONT && compress::is_welcome(headers);
    // Another form of the same content has another tag (RFC 9110, 8.8.3).
    let sent_tag = if is_packed { tag.replacen('"', "\"gz-", 1) } else { tag.to_owned() };
    // A typeface that has to be asked for comes too late for the first words of a page.
    let keeping = if asset.kind == FONT { "private, max-age=604800" } else { "no-cache" };
    let about = [
        (header::CONTENT_TYPE, asset.kind),
        (header::ETAG, sent_tag.as_str()),
        (header::CACHE_CONTROL, keeping),
        (header::VARY, "accept-encoding"),
    ];
    let known = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|tags| tags.split(','))
        .any(|known| known.trim().trim_start_matches("W/") == sent_tag);
    if known {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    if is_packed {
        let content = packed.get_or_init(|| compress::gzip(asset.content, Compression::best()));
        let encoding = [(header::CONTENT_ENCODING, "gzip")];
        return (about, encoding, content.clone()).into_response();
    }
    (about, asset.content).into_response()
}

/// The sign-in page, which says so when the token was wrong.
pub(crate) fn sign_in(status: StatusCode) -> Response {
    (status, [(header::CONTENT_TYPE, HTML)], SIGN_IN).into_response()
}
