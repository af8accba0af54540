//! The description of the API (OpenAPI 3.1), made by utoipa from the handlers and the types of their answers, so that it says
//! what the code does. A test asks every address in it for its example, and finds every address of the router in it.

use std::sync::{Arc, OnceLock};

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

/// The ways in.
struct Doors;

impl Modify for Doors {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_with(Default::default);
        let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme("bearer", bearer);
        let cookie = ApiKeyValue::with_description(
            "kizashi-7777",
            "What the sign-in form gives to a browser; the number is the dashboard's port",
        );
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Kizashi",
        description = "What the sensor knows, read by its dashboard and by whoever holds a token (`kizashi token show --role viewer`). Times are RFC 3339 in UTC. Texts that visitors chose are raw: escape them before showing. An error is answered as `{\"error\": \"one sentence\"}`. Within /api/v1 fields are added and never taken away.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    paths(
        crate::api::status,
        crate::api::top,
        crate::api::series,
        crate::api::day,
        crate::api::signs,
        crate::api::sign,
        crate::api::events,
        crate::sessions::sessions,
        crate::sessions::session,
        crate::live::feed,
        crate::items::key,
        crate::items::ranking,
        crate::items::captured,
        crate::items::lists,
        crate::search::search,
        crate::search::complete,
        crate::export::export,
        crate::marks::mark,
        crate::condition::health,
        crate::settings::settings,
        crate::settings::set,
        crate::settings::channels,
        crate::settings::test,
        crate::payloads::page,
        crate::payloads::find,
        crate::payloads::sample,
        crate::sensors::sensors,
        crate::sensors::ports,
        crate::sensors::hours,
        crate::sensors::ranking,
        crate::metrics::metrics,
        document,
    ),
    modifiers(&Doors),
    security(("bearer" = []), ("cookie" = []))
)]
struct Description;

/// `GET /api/v1/openapi.json`.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "state", summary = "This description",
    responses((status = 200, description = "OpenAPI 3.1", body = Object)))]
pub(crate) async fn document() -> Response {
    static TEXT: OnceLock<Arc<str>> = OnceLock::new();
    let text = TEXT.get_or_init(|| {
        let text = serde_json::to_string(&Description::openapi());
        Arc::from(text.unwrap_or_default())
    });
    ([(CONTENT_TYPE, "application/json; charset=utf-8")], text.to_string()).into_response()
}
