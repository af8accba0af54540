//! Sessions worth seeing again, as the page asks for them: a list, and one with its recording.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use kizashi_store::StoredSession;
use serde::Serialize;
use serde_json::json;

use crate::error::{ApiError, Json};
use crate::query::{MOST_SESSIONS, Read, parameters};
use crate::server::App;

/// A session in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SessionRow {
    /// Its id: sixteen hexadecimal digits.
    pub session: String,
    /// When it was first worth seeing, RFC 3339.
    pub first: String,
    /// When it was last.
    pub last: String,
    /// The visitor's address.
    pub source: String,
    /// `tcp/23`.
    pub port: String,
    /// The protocol.
    pub service: String,
    /// Lines given.
    pub commands: u64,
    /// Files left.
    pub files: u64,
    /// Whether its terminal was recorded.
    pub recorded: bool,
}

impl From<&StoredSession> for SessionRow {
    fn from(session: &StoredSession) -> Self {
        Self {
            session: session.id.to_string(),
            first: session.first.rfc3339(),
            last: session.last.rfc3339(),
            source: session.source.to_string(),
            port: session.port.to_string(),
            service: session.service.name().to_owned(),
            commands: session.commands,
            files: session.files,
            recorded: session.recordings > 0,
        }
    }
}

/// One session.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct SessionPage {
    /// What the list says of it.
    pub session: SessionRow,
    /// Columns and rows of its terminal.
    #[schema(value_type = Vec<u16>)]
    pub size: (u16, u16),
    /// What the terminal showed: seconds since the first, and output that holds no sequences but those that move the cursor, erase
    /// and colour.
    #[schema(value_type = Vec<Vec<Object>>)]
    pub frames: Vec<(f64, String)>,
    /// The rest as lines for people: logins, commands where nothing was recorded, files. Escaped already.
    pub lines: Vec<String>,
}

/// Sessions in a list.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "the form of an answer, for its description alone")]
pub(crate) struct SessionList {
    sessions: Vec<SessionRow>,
}

/// `GET /api/v1/sessions?command=&since=&until=&limit=`.
#[utoipa::path(get, path = "/api/v1/sessions", tag = "visitors", summary = "Sessions worth seeing again, the latest first",
    params(("command" = Option<String>, Query, description = "Text in a line that was given"),
        ("since" = Option<String>, Query, description = "From this moment on (RFC 3339)"),
        ("until" = Option<String>, Query, description = "Before this moment"),
        ("limit" = Option<u32>, Query, description = "Rows at most, 1 to 500")),
    responses((status = 200, description = "A list", body = SessionList, example = json!({"sessions": [
        {"session": "00c0ffee00c0ffee", "first": "2026-11-20T11:50:00.000000Z", "last": "2026-11-20T11:51:10.000000Z", "source": "203.0.113.7", "port": "tcp/23", "service": "telnet", "commands": 4, "files": 1, "recorded": true}]}))))]
pub(crate) async fn sessions(
    State(app): State<Arc<App>>,
    read: Read,
) -> Result<Json<serde_json::Value>, ApiError> {
    let asked = parameters(read)?;
    let (command, span, limit) = (asked.command()?, asked.span()?, asked.limit(50, MOST_SESSIONS)?);
    let rows =
        app.ask(move |observatory| observatory.sessions(command.as_deref(), span, limit)).await?;
    Ok(Json(json!({ "sessions": rows })))
}

/// `GET /api/v1/sessions/{id}`.
#[utoipa::path(get, path = "/api/v1/sessions/{id}", tag = "visitors", summary = "One session with its recording",
    params(("id" = String, Path, description = "Its sixteen hexadecimal digits")),
    responses((status = 200, description = "The session; output holds no sequence that harms a terminal", body = SessionPage, example = json!({
        "session": {"session": "00c0ffee00c0ffee", "first": "2026-11-20T11:50:00.000000Z", "last": "2026-11-20T11:51:10.000000Z", "source": "203.0.113.7", "port": "tcp/23", "service": "telnet", "commands": 4, "files": 1, "recorded": true}, "size": [80, 24], "frames": [[0.0, "# "]], "lines": ["login   root / xc3511 accepted"]})),
        (status = 404, description = "There is no such session")))]
pub(crate) async fn session(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Json<SessionPage>, ApiError> {
    let nothing = || ApiError::new(StatusCode::NOT_FOUND, "there is no session with this id");
    let id = kizashi_event::SessionId::parse(&id).ok_or_else(nothing)?;
    app.ask(move |observatory| observatory.session(id)).await?.map(Json).ok_or_else(nothing)
}
