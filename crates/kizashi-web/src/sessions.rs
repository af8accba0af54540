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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionPage {
    /// What the list says of it.
    pub session: SessionRow,
    /// Columns and rows of its terminal.
    pub size: (u16, u16),
    /// What the terminal showed: seconds since the first, and output that holds no sequences but those that move the cursor, erase
    /// and colour.
    pub frames: Vec<(f64, String)>,
    /// The rest as lines for people: logins, commands where nothing was recorded, files. Escaped already.
    pub lines: Vec<String>,
}

/// `GET /api/v1/sessions?command=&since=&until=&limit=`.
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
pub(crate) async fn session(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Json<SessionPage>, ApiError> {
    let nothing = || ApiError::new(StatusCode::NOT_FOUND, "there is no session with this id");
    let id = kizashi_event::SessionId::parse(&id).ok_or_else(nothing)?;
    app.ask(move |observatory| observatory.session(id)).await?.map(Json).ok_or_else(nothing)
}
